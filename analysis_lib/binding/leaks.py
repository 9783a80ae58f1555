"""The leak scan: does anything that was written hold an identifier, a date, a name or a free text of the
input?

:func:`needles` reads the input files again as they are and says what must not be found, :func:`scan` looks
for it in all that was written, inside archives, notebooks, embedded images and metadata too, and compares
each place with the project's own texts (the baseline): what stands there between the same words is no leak.
What was found is told by where it stands in the input, never by its value.
"""

from __future__ import annotations

import importlib.metadata
import io
import platform
import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import docx
from matplotlib.figure import Figure

from analysis_lib.binding.leak_index import Tree, files_of, indexed
from analysis_lib.binding.leak_spelling import plain
from analysis_lib.binding.leak_texts import texts
from analysis_lib.binding.leak_values import RARE, Needle, of_table
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import LIBRARY, ROOT
from analysis_lib.intake import reading
from analysis_lib.intake.manifest import read_manifest

FORBIDDEN = (
    ".pickle",
    ".pkl",
    ".doctree",
    ".parquet",
    ".feather",
    ".npy",
    ".npz",
    ".h5",
    ".rds",
    ".sqlite",
    ".db",
    ".joblib",
)
THEME = (
    "sphinx_book_theme",
    "pydata_sphinx_theme",
    "sphinx",
    "sphinx_togglebutton",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_thebe",
    "myst_nb",
    "jupyter_book",
    "docutils",
)
TEMPLATES = ("*.html", "*.jinja", "*_t", "*.css")
LATEX = re.compile(r"\\[a-zA-Z]{2,}|\\['`^\"~=.cvuHkr](?![a-z]{2})|[{}]")
REFERENCES = "references"  # their names stand in any order and between any words
# the words of all pages in alphabetical order: what stands beside a word says nothing
INDEX = "searchindex.js"
VERSION = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2}")  # beside the name of the same package it is no date
WORD_OF_OURS = 3  # a name that our own texts use this often, or ever without a capital, is a word


@dataclass(frozen=True)
class Leak:
    """Something of the input in a file that was written. ``keys`` are the values themselves: for comparing,
    to be shown to nobody. ``near`` are words around the first place, of our own texts alone.
    """

    file: str
    what: str
    keys: frozenset = field(default=frozenset(), repr=False)
    near: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def needles(study: Cohort, path: Path) -> dict[tuple, Needle]:
    """All of a cohort's input that must not be found; what its manifest says in public is left out.

    Parameters
    ----------
    path : Path
        The manifest or bare table, as :func:`analysis_lib.intake.manifest.locate` found it.
    """
    manifest = read_manifest(path)
    found: dict[tuple, Needle] = {}
    files = manifest.tables | ({"REDCap export": manifest.redcap.export} if manifest.redcap else {})
    everywhere = {
        column: target for columns in manifest.columns.values() for column, target in columns.items()
    }
    for table, file in files.items():
        raw = reading.read_table(path.parent, file)
        mapping = manifest.columns.get(table, everywhere)
        if table not in manifest.tables:
            mapping = {raw.columns[0]: "patient_id"} | mapping  # REDCap writes the record's identifier first
        found = of_table(raw, mapping, table, max(RARE, study.min_cell_count)) | found
    public = of_text(manifest_text(path))
    return {key: needle for key, needle in found.items() if not public.places(key, needle.gap, needle.exact)}


def manifest_text(path: Path) -> str:
    """What the manifest itself says in public: title, note, names and levels; nothing for a bare table."""
    return path.read_text("utf-8-sig") if path.suffix.lower() in (".yml", ".yaml") else ""


# --- the project's own ----------------------------------------------------------------------------


@cache
def own() -> Tree:
    """The project's own texts: what may stand in any book, whoever the patients are."""
    tree = indexed(own_texts())
    for file in (each for each in own_texts() if each.suffix == ".bib"):
        tree.add(
            REFERENCES, [LATEX.sub("", re.sub(r"\\(o|O|l|L|aa|AA|ss|i)\b ?", r"\1", file.read_text("utf-8")))]
        )
    tree.add("packages", [_versions(), *_of_tools()])
    return tree


@cache
def own_texts() -> tuple[Path, ...]:
    """The files of the project and of the theme whose words may stand in any book."""
    kinds = {
        ROOT / "book": ("*.md", "*.bib", "_static/*"),
        ROOT / "notebooks": ("*.py",),
        LIBRARY: ("**/*.py", "paper/*", "data/proof/*"),
        ROOT: ("_config.yml", "README.md"),
    }
    found = [
        file
        for folder, patterns in kinds.items()
        for pattern in patterns
        for file in sorted(folder.glob(pattern))
    ]
    packages = Path(sysconfig.get_path("purelib"))
    found += [
        file
        for name in THEME
        for pattern in TEMPLATES
        for file in sorted((packages / name).rglob(pattern))
        if "node_modules" not in file.parts
    ]
    return tuple(file for file in found if file.is_file())


def _of_tools() -> Iterator[str]:
    """What the libraries write by themselves into a file: an empty figure, an empty Word file."""
    for kind in ("svg", "pdf"):
        figure, written = Figure(figsize=(1, 1)), io.BytesIO()
        figure.savefig(written, format=kind)
        yield from texts(written.getvalue())
    document, written = docx.Document(), io.BytesIO()
    document.save(written)
    yield from texts(written.getvalue())


def _versions() -> str:
    """Names and versions of what is installed: 2024.7.4 is a date of many patients, too."""
    found = {
        f"{each.name} {each.version}, {each.name} {each.version}."
        for each in importlib.metadata.distributions()
    }
    return "\n".join([f"Python {platform.python_version()}", *sorted(found)])


@cache
def _of_packages() -> dict[tuple[str, int], list[Path]]:
    """The static files of the installed packages and of the project, by name and size."""
    found: dict[tuple[str, int], list[Path]] = {}
    packages = Path(sysconfig.get_path("purelib"))
    places = [
        *(packages / name for name in THEME),
        *packages.glob("*/_static"),
        *packages.glob("*/static"),
        ROOT / "book" / "_static",
        ROOT / "book" / "_extra",
    ]
    for file in (file for place in places if place.is_dir() for file in place.rglob("*") if file.is_file()):
        found.setdefault((file.name, file.stat().st_size), []).append(file)
    return found


def is_of_a_package(file: Path) -> bool:
    """Whether the very same file comes with an installed package (fonts, the theme's scripts)."""
    same = _of_packages().get((file.name, file.stat().st_size), ()) if "_static" in file.parts else ()
    return any(other.read_bytes() == file.read_bytes() for other in same)


# --- looking --------------------------------------------------------------------------------------


def scan(places: Iterable[Path], wanted: dict[tuple, Needle], baseline: Iterable[Path] = ()) -> list[Leak]:
    """Everything of the input that stands in some files or folders, names included; and files that may not be
    there.

    Parameters
    ----------
    places : iterable of Path
        What was written.
    wanted : dict
        Of :func:`needles`.
    baseline : iterable of Path
        Files and folders of a book without these patients, such as the bundled one. The project's own texts
        always count.
    """
    places = list(places)
    if not wanted:
        return misplaced(places, wanted)
    trees = (own(), *([indexed(baseline, is_of_a_package)] if baseline else ()))
    return misplaced(places, wanted) + found(indexed(places, is_of_a_package), wanted, trees)


def found(tree: Tree, wanted: dict[tuple, Needle], baseline: Iterable[Tree] = ()) -> list[Leak]:
    """Everything of the input that stands in some files that were read once
    (:func:`analysis_lib.binding.leak_index.indexed`).
    """
    hits: dict[tuple[int, str], set[tuple]] = {}
    first: dict[tuple[int, str], tuple[int, int, int]] = {}
    named: set[int] = set()
    for key, needle in wanted.items():
        places = [
            place for place in tree.places(key, needle.gap, needle.exact) if _counts(tree, place, needle)
        ]
        for place in _not_ours(tree, places, key, needle, baseline) if places else ():
            hit = (place[0], f"{needle.kind} that stands {needle.where}")
            hits.setdefault(hit, set()).add(key)
            first.setdefault(hit, place)
            if place[1] < len(plain(tree.names[place[0]])):
                named.add(place[0])
    told = {word for kind, value in wanted if kind == "words" for word in value} if hits else set()
    leaks = [
        Leak(
            "(a file whose name says it)" if number in named else tree.names[number],
            what,
            frozenset(keys),
            _near(tree, first[number, what], told),
        )
        for (number, what), keys in hits.items()
    ]
    return sorted(leaks, key=str)


def _near(tree: Tree, place: tuple[int, int, int], told: set[str]) -> str:
    """The words around a place that are our own and nothing of the input; a point for each other one."""
    before, after = (
        [
            word if word.isalpha() and len(word) > 2 and word in own().words and word not in told else "·"
            for word in side
        ]
        for side in tree.around(place, 3)
    )
    return " ".join([*before, "[here]", *after])


def of_text(text: str, name: str = "") -> Tree:
    """A single text as something to look into."""
    tree = Tree()
    tree.add(name, [text])
    return tree


def _counts(tree: Tree, place: tuple[int, int, int], needle: Needle) -> bool:
    """Whether what stands at a place is the value, and no part of a code or a checksum."""
    number, start, end = place
    text = tree.texts[number]
    if needle.kind == "an identifier" and (
        text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()
    ):
        return False
    return not needle.cased or text[start].isupper() and text[start + 1 : end].islower()


def _not_ours(
    tree: Tree, places: list[tuple], key: tuple, needle: Needle, baseline: Iterable[Tree]
) -> list[tuple]:
    """The places at which other words stand around a value than in the project's own texts."""
    if needle.unless and any(needle.unless in each.words for each in baseline):
        return []
    single = key[0] == "words" and len(key[1]) == 1 and key[1][0].isalpha()
    ours = [(each, place) for each in baseline for place in each.places(key, needle.gap, needle.exact)]
    if single and (len(ours) >= WORD_OF_OURS or any(_is_a_word_of(each, place) for each, place in ours)):
        return []
    near = 1 if single or VERSION.fullmatch(tree.texts[places[0][0]][slice(*places[0][1:])]) else 2
    around = [each.around(place, near) for each, place in ours]
    before, after = {left for left, _ in around}, {right for _, right in around}
    if not ours:
        return places
    return [
        place
        for place in places
        for left, right in [tree.around(place, near)]
        if not (left and left in before or right and right in after or tree.names[place[0]].endswith(INDEX))
    ]


def _is_a_word_of(tree: Tree, place: tuple[int, int, int]) -> bool:
    """Whether a name is a word of a text, for it stands there without a capital, or the name of an author who
    is cited.
    """
    name = tree.names[place[0]]
    return name == REFERENCES or tree.texts[place[0]][place[1]].islower() and not name.endswith(INDEX)


def misplaced(places: Iterable[Path], wanted: dict[tuple, Needle]) -> list[Leak]:
    """Files that may not be in a book: data in a form that no reader needs, and tables of patients."""
    leaks = []
    for name, file in files_of(places):
        if file.suffix.lower() in FORBIDDEN:
            leaks.append(Leak(_masked(name, wanted), "a file of data in a form that no reader needs"))
        elif _has_identifiers(name, file):
            leaks.append(Leak(_masked(name, wanted), "a table with the column patient_id"))
    return leaks


def _has_identifiers(name: str, file: Path) -> bool:
    """Whether a table has a column of identifiers, however short these are."""
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return "patient_id" in re.split(
            r'[,;\t"]', file.read_text("utf-8", errors="replace").split("\n", 1)[0].strip()
        )
    return (
        suffix in (".html", ".ipynb")
        and "data-dictionary" not in name
        and bool(re.search(r"<th[^>]*>\s*patient_id\s*</th>", file.read_text("utf-8", errors="replace")))
    )


def _masked(name: str, wanted: dict[tuple, Needle]) -> str:
    """A file's name, without its value if the name itself is the leak."""
    return "(a file whose name says it)" if found(of_text("", name), wanted) else name
