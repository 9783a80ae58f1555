"""What need not be done again: a chapter whose inputs are as they were, and a book of which nothing has
changed.

What was made is kept in a folder of the book itself, so that what was made of a hospital's patients lies
where their book lies and nowhere else. To forget it, remove the folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analysis_lib.binding import inputs, kept
from analysis_lib.binding.outcome import Outcome
from analysis_lib.files.digest import digest_of, digests
from analysis_lib.files.places import LIBRARY, NOTEBOOKS, ROOT
from analysis_lib.intake import bundled

if TYPE_CHECKING:
    from analysis_lib.cohort.cohort import Cohort

KEPT = ".kept"  # beside html/
BOOK = "book.json"
MADE = ("explorer", "ten_lines")  # modules that make something of a cohort for a page beside the chapters
GENERATED = ("cohorts", "generated")  # folders of book/ that a build writes and git ignores
MAKERS = tuple(LIBRARY / "binding" / name for name in ("chapter.py", "page.py"))


# --- a chapter for a cohort -----------------------------------------------------------------------


class Run(NamedTuple):
    """A chapter to be run for a cohort.

    ``pages`` is the folder of the cohort's pages, ``parameters`` those that the chapter takes, ``rows`` the
    files of other chapters' result rows that it may read, ``as_read`` the digests of the cohort's files
    (:func:`of_cohort`) before they were read.
    """

    cohort: str
    chapter: str
    manifest: Path
    pages: Path
    parameters: Mapping
    rows: Iterable[Path]
    as_read: Mapping

    @property
    def results(self) -> Path:
        """The folder of the cohort's result rows."""
        return self.pages / "results"


def as_it_is() -> inputs.Library:
    """The library of this checkout, read now."""
    return inputs.Library(LIBRARY.parent)


def of_cohort(manifest: Path) -> dict[str, str]:
    """The digests of a cohort's files."""
    return digests(dict(inputs.cohort_files(manifest)))


def fingerprint(run: Run, library: inputs.Library) -> str:
    """What the run's page is made from, or nothing if the cohort is not as it was read."""
    if of_cohort(run.manifest) != run.as_read:
        return ""
    notebook = NOTEBOOKS / f"{run.chapter}.py"
    rows = run.rows if inputs.reads_rows(notebook) else ()
    return inputs.fingerprint(notebook, library, run.manifest, dict(run.parameters), rows, MAKERS)


def take(store: Path, run: Run, mark: str) -> Outcome | None:
    """Put back what the run made before, or nothing."""
    told = kept.kept(store, f"chapters/{run.cohort}/{run.chapter}", mark, run.pages) if mark else None
    return Outcome(run.cohort, run.chapter, told["status"], told["reason"]) if told else None


def keep(store: Path, run: Run, mark: str, outcome: Outcome) -> None:
    """Keep what the run made, unless it failed or something was edited while it was made."""
    if outcome.status == "failed" or not mark or fingerprint(run, as_it_is()) != mark:
        return
    files = [run.pages / f"{run.chapter}.ipynb", run.results / f"{run.chapter}.csv"]
    files += (run.pages / "takeaway").glob(f"{run.cohort}-{run.chapter}-*")
    told = {"status": outcome.status, "reason": outcome.reason}
    there = [path for path in files if path.is_file()]
    kept.keep(store, f"chapters/{run.cohort}/{run.chapter}", mark, run.pages, there, told)


def made(
    store: Path,
    studies: Mapping[Path, Cohort],
    as_read: Mapping[Path, Mapping],
    study: Cohort,
    name: str,
    library: inputs.Library | None = None,
) -> dict:
    """What one of :data:`MADE` makes of one of these cohorts: as it was kept, or made now and kept; the
    library is read now, or was just before.

    Of real patients nothing is kept: it is little, and no scan for leaks has seen it yet.
    """
    # only here, since with it comes whatever draws: an unchanged book needs none of it
    from analysis_lib.binding import explorer, ten_lines

    maker = {"explorer": explorer, "ten_lines": ten_lines}[name]
    manifest = next(path for path, each in studies.items() if each is study)

    def mark(library: inputs.Library) -> str:
        if not study.synthetic or of_cohort(manifest) != as_read[manifest]:
            return ""
        return inputs.fingerprint(LIBRARY / "binding" / f"{name}.py", library, manifest, {})

    before, label = mark(library or as_it_is()), f"{name}/{study.name}"
    if before and (told := kept.kept(store, label, before, store)) is not None:
        return told
    found = maker.make(study)
    if before and mark(as_it_is()) == before:  # nothing was edited meanwhile
        kept.keep(store, label, before, store, [], found)
    return found


# --- a whole book ---------------------------------------------------------------------------------


def of_book(cohorts: Iterable[str | Path], parameters: Mapping) -> str:
    """A digest of everything that a book of these cohorts is made from."""
    sources = [path for folder in (LIBRARY, ROOT / "book") for path in folder.rglob("*")]
    others = ("_config.yml", "_toc.yml", inputs.LOCK, "bench/results.md")
    sources += [*NOTEBOOKS.glob("*.py"), *(ROOT / name for name in others)]
    made = tuple(ROOT / "book" / name for name in GENERATED)
    files = {
        str(path): path
        for path in sources
        if path.is_file() and path.suffix != ".pyc" and not any(path.is_relative_to(each) for each in made)
    }
    found = {str(each): bundled.find(each) for each in cohorts}
    read = {name: of_cohort(path) if path else {} for name, path in found.items()}
    around = [inputs.versions(), inputs.environment(NOTEBOOKS)]
    return digest_of([digests(files), list(read.items()), dict(parameters), *around])


def note(target: Path, made_from: str, outcomes: list[Outcome]) -> None:
    """Note that the book in a folder is made from what has this digest."""
    told = {"made_from": made_from, "book": _of_place(target), "outcomes": outcomes}
    (target / KEPT).mkdir(exist_ok=True)
    (target / KEPT / BOOK).write_text(json.dumps(told), "utf-8")


def unchanged(target: Path, cohorts: Iterable[str | Path], parameters: Mapping) -> list[Outcome] | None:
    """How the chapters ended, if the book in a folder is what a build would make again; else ``None``."""
    try:
        told = json.loads((target / KEPT / BOOK).read_text("utf-8"))
        if told["book"] != _of_place(target) or told["made_from"] != of_book(cohorts, parameters):
            return None
        return [Outcome(*each) for each in told["outcomes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _of_place(target: Path) -> str:
    """A digest of a finished book: its pages, and the notebooks and rows that they were made of."""
    source = ROOT if target == ROOT / "_build" else target / "source"
    folders = [target / "html", *(source / "book" / name for name in GENERATED)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return digest_of(digests({str(path): path for path in files}))
