"""Pages -> HTML by Jupyter Book, which is spared what has not changed since it last worked in the same place.

Sphinx renders again the pages that changed, and leaves the others as they are. What it may take from one page
into another (the contents, headings, labels, citations) is compared here: if any of it changed, all is
rendered anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis_lib.binding import cover, inputs, search_index
from analysis_lib.binding.outcome import BuildError
from analysis_lib.files import cores, replacing
from analysis_lib.files.digest import digest_of, digests
from analysis_lib.files.places import ROOT

STATE = "rendered.json"  # there while the folder holds what a build finished, and nothing half done
PAGES = (".md", ".ipynb")
# Lines and roles of a page that can show on another.
SHARED = re.compile(
    r"^#{1,6} .*|^\([\w-]+\)=|:(?:name|label): "
    r"\S+|^---\n.*?^---|\{(?:cite|ref|numref|eq|doc|term)[^`]*`[^`]*`",
    re.M,
)
COPIED = re.compile(r"(?:_images|_downloads)/([^\"'?#<>]+)")  # files that pages show or offer
# Jupyter Book, which imports what it will need and then waits for a word. The grammars of addresses that
# jsonschema would import in two seconds are left out: see analysis_lib. For each citation pybtex asks what is
# installed, and the search index has each word stemmed wherever it stands: the same each time, and a fourth
# of the work. Sphinx reads and writes pages in several processes, which Jupyter Book lets nobody ask for; the
# extension that numbers chapters does so when all are read, and forgot to say that it may.
CODE = """\
import functools, importlib.metadata, sys
sys.modules["rfc3987_syntax"] = None
importlib.metadata.entry_points = functools.cache(importlib.metadata.entry_points)
from analysis_lib.files import replacing
replacing.end_with({parent})
from jupyter_book.cli.main import main
import myst_nb.sphinx_ext, sphinx.builders.html, sphinx_book_theme, sphinxcontrib.bibtex
import jupyter_book.sphinx as theirs, sphinx.search.en as search, sphinx_multitoc_numbering as numbering
search.SearchEnglish.stem = functools.cache(search.SearchEnglish.stem)
setup, plain = numbering.setup, theirs.Sphinx
numbering.setup = lambda app: setup(app) or dict(parallel_read_safe=True)
theirs.Sphinx = lambda **given: plain(**given | dict(parallel={processes}))
if sys.stdin.readline():
    main()
"""


@contextlib.contextmanager
def waiting(place: Path) -> Iterator[subprocess.Popen]:
    """Jupyter Book in a process of its own, which imports while its pages are still being written, for
    :func:`render`; if it is never told to begin, it ends.

    Parameters
    ----------
    place : Path
        Where Sphinx will work.
    """
    environment = os.environ | {
        "PYTHONWARNINGS": "ignore",
        "NO_COLOR": "1",
        "DOCUTILSCONFIG": str(ROOT / "docutils.conf"),  # no directive reads a file or passes on raw markup
    }
    command = [
        sys.executable,
        "-c",
        CODE.format(parent=os.getpid(), processes=cores.at_a_time()),
        "build",
        str(place / "source"),
    ]
    command += ["--path-output", str(place), "-n", "-W", "--keep-going", "-q"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def render(
    source: Path, html: Path, place: Path | None = None, jupyter_book: subprocess.Popen | None = None
) -> None:
    """Build the HTML with warnings as errors, to a folder that does not exist yet.

    Parameters
    ----------
    source : Path
        Holds ``_config.yml``, ``_toc.yml`` and ``book/``.
    html : Path
        Where to put the finished pages.
    place : Path, optional
        Where Sphinx works and finds what it made before; without it, in a folder that is gone afterwards.
    jupyter_book : subprocess.Popen, optional
        From :func:`waiting`, for the same place; without it, one is started.

    Raises
    ------
    BuildError
        With the warnings, if there is any.
    """
    if place is None:
        with replacing.workshop(html.parent) as work:
            return render(source, html, work)
    files = {"_config.yml": source / "_config.yml", "_toc.yml": source / "_toc.yml"}
    files |= {
        path.relative_to(source).as_posix(): path
        for path in sorted((source / "book").rglob("*"))
        if path.is_file()
    }
    state = {"shared": _shared(files), "all": digests(files)}
    before = _state(place)
    if state != before:
        (place / STATE).unlink(missing_ok=True)
        if state["shared"] != before.get("shared"):
            shutil.rmtree(place, ignore_errors=True)
        _copy(files, place / "source")
        fill(place / "source" / "book")
        for style in (place / "_build" / "html" / "_static").glob("mystnb.*.css"):
            style.unlink()  # whether it is there shows in the pages, which then differ from those made anew
        with contextlib.nullcontext(jupyter_book) if jupyter_book else waiting(place) as process:
            _sphinx(place, process)
        _forget(place / "_build")
        (place / STATE).write_text(json.dumps(state), "utf-8")
    shutil.copytree(place / "_build" / "html", html)


def _state(place: Path) -> dict:
    try:
        return json.loads((place / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _shared(files: dict[str, Path]) -> str:
    """A digest of what can change more than one page."""
    whole = {
        name: path for name, path in files.items() if path.suffix not in PAGES and "/cohorts/" not in name
    }
    lines = {
        name: [found.group() for text in _prose(path) for found in SHARED.finditer(text)]
        for name, path in files.items()
        if path.suffix in PAGES
    }
    return digest_of([digests(whole), lines, inputs.versions(), inputs.environment(Path())])


def _prose(path: Path) -> Iterator[str]:
    """What Sphinx reads of a page as Markdown: text, and outputs of code that are text."""
    if path.suffix == ".md":
        yield path.read_text("utf-8")
        return
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"])
        for output in cell.get("outputs", []):
            yield "".join(output.get("data", {}).get("text/markdown", ""))


def _copy(files: dict[str, Path], to: Path) -> None:
    """Make a folder hold these files and no others; a file that is the same keeps its time."""
    for name, path in files.items():
        place = to / name
        if not place.is_file() or place.read_bytes() != path.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    for place in to.rglob("*"):
        if place.is_file() and place.relative_to(to).as_posix() not in files:
            place.unlink()


def fill(book: Path) -> None:
    """Put the cards of what was found into the first page, which holds a mark in their place."""
    first, found = book / "intro.md", book / "generated" / cover.FILE
    if first.is_file() and found.is_file():
        words = first.read_text("utf-8").replace(cover.MARK, found.read_text("utf-8"))
        first.write_text(words, "utf-8")


def _sphinx(place: Path, jupyter_book: subprocess.Popen) -> None:
    said = jupyter_book.communicate("begin\n")[0].splitlines()
    if jupyter_book.returncode or not (place / "_build" / "html" / "index.html").is_file():
        told = [line for line in said if "WARNING" in line or "ERROR" in line]
        raise BuildError("The pages were not built:\n  " + "\n  ".join(told or said[-15:]))


def _forget(build: Path) -> None:
    """Remove what only an earlier version of a page showed, offered or said."""
    pages = [page.read_text("utf-8") for page in (build / "html").rglob("*.html")]
    wanted = {Path(found).name for page in pages for found in COPIED.findall(page)}
    for folder in ("html/_images", "html/_downloads", "jupyter_execute"):
        for path in (build / folder).rglob("*"):
            if path.is_file() and path.name not in wanted:
                path.unlink()
    search_index.tidy(build / "html")
