"""What a chapter's page is made from, as one fingerprint: equal fingerprints, equal pages.

Everything that can change a page counts: the notebook, the modules it uses and the data files beside them,
what makes the page, the cohort's files, the parameters, other chapters' rows, installed versions,
environment. In doubt a file counts: a page made once too often costs a minute, a stale one tells yesterday's
numbers. Nothing is imported to find out; modules are read.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from analysis_lib.intake.bundled import LOADER

PACKAGE, DISTRIBUTION, LOCK = "analysis_lib", "salvage-book", "requirements.lock"
SHELF = "data"  # folder of the library that holds a folder for each set of data
RESULTS_DIR = "results_dir"  # the parameter through which a chapter can find the rows of others
TAKEN_IF_THERE = ("numexpr", "bottleneck")  # pandas calculates with these when they are installed
# Read by Python or a library, and can change what a page shows.
ENVIRONMENT = re.compile(
    r"PYTHON(?!EXECUTABLE).*|LANG|LANGUAGE|LC_.*|TZ|MPL.*|MATPLOTLIBRC|IPYTHON.*|SOURCE_DATE_EPOCH|"
    r"(OMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR|NPY|ARROW|SALVAGE)_.*"
)
SETTINGS = (
    ".config/matplotlib/matplotlibrc",
    ".matplotlib/matplotlibrc",
    ".ipython/profile_default/ipython_config.py",
    ".ipython/profile_default/ipython_kernel_config.py",
)  # of the user, below the home folder
UNREADABLE = (yaml.YAMLError, OSError, ValueError, TypeError, RecursionError, OverflowError)
DYNAMIC, READERS = ("import_module", "__import__"), ("read_cohort", "locate")
LONGEST_NAME = 100  # characters of a text that may name a file


class Library:
    """The program as it is read now: each file at most once, for all the pages that are asked for.

    Attributes
    ----------
    root : Path
        The folder that holds ``analysis_lib`` and, in a checkout, ``requirements.lock``.
    """

    def __init__(self, root: Path):
        self.root = root
        self.modules, self.data, self.bundled = _library(root)
        self._digests: dict[Path, str] = {}
        self._mentions: dict[Path, Mentions] = {}
        self._imports: dict[Path, set[Path]] = {}

    def digest(self, path: Path) -> str:
        """The digest of one of its files."""
        if path not in self._digests:
            self._digests[path] = _digest(path)
        return self._digests[path]

    def mentions(self, path: Path) -> Mentions:
        """What one of its notebooks or modules mentions."""
        if path not in self._mentions:
            inside = path.is_relative_to(self.root / PACKAGE)
            package = path.relative_to(self.root).parent.parts if inside else ()
            self._mentions[path] = _read(path.read_text("utf-8"), package)
        return self._mentions[path]

    def imports(self, path: Path) -> set[Path]:
        """The modules that one of its notebooks or modules imports itself."""
        if path not in self._imports:
            said = self.mentions(path)
            found = {module for name in said.modules for module in _modules(name, self.modules)}
            self._imports[path] = set(self.modules.values()) if said.anything else found
        return self._imports[path]


def fingerprint(
    notebook: Path,
    library: Library,
    cohort: Path,
    parameters: dict,
    rows: Iterable[Path] = (),
    makers: Iterable[Path] = (),
) -> str:
    """What identifies the page of a chapter for a cohort: the same for the same inputs, on any day and in any
    folder.

    Parameters
    ----------
    notebook : Path
        The chapter, ``notebooks/NN_topic.py``.
    library : Library
        The program, read.
    cohort : Path
        Its manifest or bare table, as :func:`analysis_lib.cohort.locate` found it.
    parameters : dict
        Further parameters that this chapter takes, with their values.
    rows : iterable of Path
        Files of result rows that the chapter reads (:func:`reads_rows`).
    makers : iterable of Path
        Modules that run the notebook and make a page of it.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    makers, root = list(makers), library.root
    used = {*makers, *modules_used([notebook, *makers], library)}
    files = {
        path.relative_to(root).as_posix(): library.digest(path)
        for path in used | data_files([notebook, *used], library)
    }
    told = {
        "notebook": [notebook.name, _digest(notebook)],
        "library": files,
        "parameters": {key: repr(parameters[key]) for key in parameters},
        "cohort": [[name, _digest(path)] for name, path in cohort_files(cohort)],
        "rows": sorted([path.name, _digest(path)] for path in rows),
        "lock": library.digest(root / LOCK),
        "versions": versions(),
        "environment": environment(notebook.parent),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def reads_rows(notebook: Path) -> bool:
    """Whether a chapter reads the rows of other chapters: if it uses ``results_dir`` for more than saving its
    own.
    """
    return _reads_rows(notebook.read_text("utf-8"))


@functools.lru_cache(maxsize=1024)
def _reads_rows(source: str) -> bool:
    if (tree := _parsed(source)) is None:
        return True
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    saving = {
        id(each) for call in calls if ast.unparse(call.func) == "results.save" for each in ast.walk(call)
    }
    mentioned = [each for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id == RESULTS_DIR]
    return any(isinstance(each.ctx, ast.Load) and id(each) not in saving for each in mentioned)


# --- modules of the library -----------------------------------------------------------------------


@dataclass(frozen=True)
class Mentions:
    """What a notebook or module mentions, as it is written."""

    modules: frozenset[str]  # dotted names that may be modules of the library
    texts: frozenset[str]  # its texts, any of which may name a file or a folder
    cohorts: frozenset[str]  # bundled cohorts that it reads whatever its parameter says
    anything: bool  # it puts names of modules together while it runs, or it is not plain Python


def modules_used(start: Iterable[Path], library: Library) -> set[Path]:
    """The modules that notebooks or modules import, at their top or inside a function, and those that these
    import.

    A package that a module lies in counts as well, since Python runs it first.
    """
    found: set[Path] = set()
    waiting = list(start)
    while waiting:
        mine = library.imports(waiting.pop())
        waiting += mine - found
        found |= mine
    return found


def data_files(sources: Iterable[Path], library: Library) -> set[Path]:
    """The files of the library that these notebooks and modules may read.

    Those in the folder of a module and below, as far as that is no package of its own; and those whose name,
    or whose folder's name, one of them mentions. What stands on the library's shelf of data belongs to no
    module, so only a mention counts there. Bundled cohorts are left out, since a cohort counts where it is
    the input, unless one is read by its name.
    """
    sources, package = list(sources), library.root / PACKAGE
    said = [library.mentions(path) for path in sources]
    texts = frozenset().union(*(each.texts for each in said))
    cohorts = frozenset().union(*(each.cohorts for each in said))
    homes, found = {str(path.parent) for path in sources} - {str(package)}, set()
    for (folder, home), files in library.data.items():
        counts = home in homes or bool(texts & set(Path(folder).relative_to(package).parts) - {SHELF})
        found |= {Path(folder, name) for name in files if counts or name in texts}
    for manifest in library.bundled:
        if manifest.parent.name in cohorts:
            found |= {path for _, path in cohort_files(manifest)}
    return found


def _library(root: Path) -> tuple[dict[str, Path], dict[tuple[str, str], list[str]], list[Path]]:
    """What the library holds: modules by their dotted names; other files by folder and package; bundled
    manifests.
    """
    modules: dict[str, Path] = {}
    data: dict[tuple[str, str], list[str]] = {}
    bundled: list[Path] = []
    homes: dict[str, str] = {}
    for folder, below, files in os.walk(root / PACKAGE):
        dotted = ".".join(Path(folder).relative_to(root).parts)
        homes[folder] = folder if "__init__.py" in files else homes.get(os.path.dirname(folder), folder)
        if "cohort.yml" in files:
            bundled.append(Path(folder, "cohort.yml"))
            below.clear()
            continue
        below[:] = [name for name in below if name != "__pycache__"]
        modules |= {
            dotted if name == "__init__.py" else f"{dotted}.{name[:-3]}": Path(folder, name)
            for name in files
            if name.endswith(".py")
        }
        data[folder, homes[folder]] = [name for name in files if not name.endswith((".py", ".pyc"))]
    return modules, data, bundled


@functools.lru_cache(maxsize=1024)
def _read(source: str, package: tuple[str, ...]) -> Mentions:
    """Texts count that name a module, such as an argument of ``import_module``, an entry point or a lazy
    attribute's home.
    """
    modules, texts, cohorts, anything = set(), set(), set(), (tree := _parsed(source)) is None
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            modules |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts |= {node.value, *node.value.split("/")} if len(node.value) < LONGEST_NAME else set()
            if re.fullmatch(rf"({PACKAGE}|\.)[\w.]*(:\w+)?", node.value):
                name = node.value.partition(":")[0]
                above = package[: len(package) + 1 - max(1, len(name) - len(name.lstrip(".")))]
                modules |= {name, ".".join([*above, name.lstrip(".")])}
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            named = {str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant)}
            anything |= called in DYNAMIC and not named
            cohorts |= named if called in READERS else set()
    ours = frozenset(name for name in modules if name.partition(".")[0] == PACKAGE)
    return Mentions(ours, frozenset(texts), frozenset(cohorts), anything)


def _parsed(source: str) -> ast.AST | None:
    try:
        return ast.parse(source)
    except SyntaxError:  # a mistake, which running it will tell, or something that only a notebook may say
        return None


def _modules(name: str, modules: dict[str, Path]) -> Iterator[Path]:
    """The files that Python runs to import a dotted name: its packages from the outermost on, then the module
    if it is one.
    """
    parts = name.split(".")
    for number in range(1, len(parts) + 1):
        if module := modules.get(".".join(parts[:number])):
            yield module


# --- what lies outside ----------------------------------------------------------------------------


def cohort_files(cohort: Path) -> list[tuple[str, Path]]:
    """The manifest or bare table, and every file beside it that the manifest names, each with what it is
    called there.

    Which keys name files does not matter: a text of the manifest that is a file's name counts.
    """
    files = [(cohort.name, cohort)]
    if cohort.suffix.lower() not in (".yml", ".yaml"):
        return files
    try:
        written = yaml.load(cohort.read_text("utf-8-sig"), Loader=LOADER)
    except UNREADABLE:  # reading the cohort will say what is wrong
        return files
    named = sorted({text.partition("#")[0] for text in _texts(written)} - {""})
    # the folder names a cohort that has no name
    called = "" if "name" in (written or {}) else cohort.parent.name
    files = [(f"{called}/{cohort.name}", cohort)]
    return files + [(name, cohort.parent / name) for name in named if _is_file(cohort.parent / name)]


def _texts(written: object) -> Iterator[str]:
    if isinstance(written, dict):
        for key, value in written.items():
            yield from (*_texts(key), *_texts(value))
    elif isinstance(written, list):
        for each in written:
            yield from _texts(each)
    elif isinstance(written, str):
        yield written


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text too long, or with a character that no file name has
        return False


@functools.cache
def versions() -> dict[str, str]:
    """Python, the system, and the distributions that the program depends on, as installed."""
    found = {
        "python": sys.version,
        "system": f"{platform.system()} {platform.machine()} {platform.libc_ver()}",
    }
    waiting = [DISTRIBUTION, *TAKEN_IF_THERE]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = installed.version
        needed = [Requirement(each) for each in installed.requires or ()]
        waiting += [
            each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return found


def environment(folder: Path) -> dict[str, str]:
    """Variables and settings of this machine that can change a page of a notebook in this folder."""
    variables = {name: value for name, value in os.environ.items() if ENVIRONMENT.fullmatch(name)}
    settings = [folder / "matplotlibrc", *(Path.home() / each for each in SETTINGS)]
    return variables | {path.name: _digest(path) for path in settings if path.is_file()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
