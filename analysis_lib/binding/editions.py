"""The student's and the teacher's edition of the book, both made from its one source.

In the student's edition no solution stands: neither that of an exercise in code, nor what a checked question
takes for right. In the teacher's all are open, and the sheet to mark with is there. Each comes as notebooks,
which run in JupyterLab, and as pages; the slides of the sessions lie beside them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from analysis_lib.binding import build, chapters, labs, lessons, pages, primer, reuse, takeaway
from analysis_lib.binding.contents import write_contents
from analysis_lib.binding.outcome import BuildError, Outcome
from analysis_lib.binding.rendering import render
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import listed
from analysis_lib.files import places, replacing
from analysis_lib.files.places import NOTEBOOKS, RECONSTRUCTED
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import exercises

STUDENT, TEACHER = EDITIONS = ("student", "teacher")
PARTS = (*EDITIONS, "slides")
SOLUTION = "hide-cell"  # the tag of a cell that solves an exercise
OWN_ANSWER = "# Your answer\n"
HANDED_OUT = """# Teach with it

This is the student edition: questions without their solutions. Your teacher has an edition that holds them.
"""


def editions(out: Path) -> None:
    """Write both editions of the reconstructed cohort's book below ``out``: ``student`` and ``teacher``, each
    with ``html`` and ``notebooks``, and ``slides``.

    Chapters that an earlier build has run are not run again.

    Raises
    ------
    BuildError
        If a chapter fails, or the folder is not one for books.
    """
    studies = build.read_all([RECONSTRUCTED])
    (study,) = studies.values()
    _refuse_strange(out)
    with build.at_work(out, ours=False) as work:
        source = build.stage(work / "source")
        store = (places.books() if not places.INSTALLED else work) / reuse.KEPT
        as_read = {path: reuse.of_cohort(path) for path in studies}
        outcomes = run_chapters(studies, as_read, source, store)
        made = {name: reuse.made(store, studies, as_read, study, name) for name in reuse.MADE}
        pages.write([study], outcomes, source / "book", {}, lambda _, name: made[name])
        write_contents(source, [study])
        for edition in EDITIONS:
            place = work / edition
            shutil.copytree(source, place / "source")
            _turn_pages(place / "source", study, outcomes, edition)
            if edition == STUDENT:
                _turn_lessons(place / "source" / "book", study, made["explorer"])
            render(place / "source", place / "html")
            shutil.rmtree(place / "source")
            write_notebooks(place / "notebooks", edition)
        write_slides(work / "slides", source / "book" / "cohorts" / study.name)
        replacing.replace(work, out, PARTS)


def _refuse_strange(out: Path) -> None:
    """Editions replace those of before, and nothing else."""
    known = (*PARTS, ".lock", reuse.KEPT, replacing.ASIDE)
    strange = sorted(each.name for each in out.glob("*") if each.name not in known) if out.is_dir() else []
    if strange or out.is_file():
        raise BuildError(
            f"{out} holds something else ({listed(strange[:3]) or 'a file'}). Choose a new folder."
        )


def run_chapters(studies: dict, as_read: dict, source: Path, store: Path) -> list:
    """Run the chapters of these cohorts into staged pages unless kept; returns how each ended."""
    runs = build.plan(studies, as_read, source / "book" / "cohorts", {})
    found = {}
    for run, mark, outcome in build.run_all(runs, studies, 2, store):
        reuse.keep(store, run, mark, outcome)
        found[outcome.chapter] = outcome
    if failed := [each for each in found.values() if each.status == "failed"]:
        raise BuildError("\n".join(f"{each.chapter}: {each.reason}" for each in failed))
    return [found[run.chapter] for run in runs]


# --- pages ----------------------------------------------------------------------------------------


def _turn_pages(source: Path, study: Cohort, outcomes: list[Outcome], edition: str) -> None:
    """Make the staged pages of a book those of an edition."""
    folder = source / "book" / "cohorts" / study.name
    turn: Callable = without_solutions if edition == STUDENT else with_solutions
    for path in sorted(folder.glob("*.ipynb")):
        rows = results.read(folder / "results" / f"{path.stem}.csv")
        asked = exercises.questions(study, rows, f"{path.stem}.yml")
        page = turn(nbformat.read(path, as_version=4))
        _ask_anew(page, exercises.forms(asked, path.stem, study.name, solved=edition == TEACHER))
        nbformat.write(page, path)
    if edition == STUDENT:
        (source / "book" / "teach.md").write_text(HANDED_OUT, "utf-8")
        for told in (folder / takeaway.FOLDER).glob(f"{study.name}-[0-9][0-9]_*"):
            told.unlink()  # tables of solutions may be among them
        (folder / "index.md").write_text(pages.cohort_page(study, outcomes, folder), "utf-8")
    else:
        sheet = lessons.marking(study, folder / "results")
        teach = (source / "book" / "teach.md").read_text("utf-8")
        (source / "book" / "teach.md").write_text(f"{teach}\n{sheet.replace('# ', '## ')}", "utf-8")


def _turn_lessons(book: Path, study: Cohort, explored: dict) -> None:
    """Write the pages that ask on their own, the primer and the labs, without what is right."""
    rows = require(results.read_all(book / "cohorts" / study.name / "results"))
    generated = book / "generated"
    (generated / f"{primer.NAME}.md").write_text(primer.page(study, rows, solved=False), "utf-8")
    (generated / f"{labs.NAME}.md").write_text(labs.page(study, explored, solved=False), "utf-8")


def _ask_anew(page: NotebookNode, forms: str) -> None:
    """Put these questions in the place of those that a page asks."""
    for cell in page.cells:
        for output in cell.get("outputs", []):
            if 'class="exercises"' in output.get("data", {}).get("text/html", ""):
                output.data["text/html"] = forms


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A notebook or page without the cells that solve its exercises, and without what can be taken away of
    them; an empty cell stands in the place of each.
    """
    kept = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith(f"## {takeaway.HEADING}"):
            break
        if SOLUTION in cell.metadata.get("tags", []):
            cell = nbformat.v4.new_code_cell(OWN_ANSWER, id=cell.get("id", ""))
        kept.append(cell)
    notebook.cells = kept
    return notebook


def with_solutions(notebook: NotebookNode) -> NotebookNode:
    """A notebook or page on which every solution is open."""
    for cell in notebook.cells:
        if SOLUTION in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [tag for tag in cell.metadata["tags"] if tag != SOLUTION]
            cell.metadata.pop("mystnb", None)
    return notebook


# --- notebooks ------------------------------------------------------------------------------------


def write_notebooks(folder: Path, edition: str) -> None:
    """Write the chapters as notebooks of an edition, not executed; they run wherever the program is
    installed.
    """
    folder.mkdir(parents=True)
    for name in chapters.chapters():
        nbformat.write(as_notebook(name, edition), folder / f"{name}.ipynb")


def as_notebook(chapter: str, edition: str) -> NotebookNode:
    """A chapter as a notebook of an edition."""
    notebook = jupytext.read(NOTEBOOKS / f"{chapter}.py")
    if edition == TEACHER:
        return with_solutions(notebook)
    notebook = without_solutions(notebook)
    for cell in notebook.cells:
        cell.source = cell.source.replace("exercises.show(", "exercises.ask(")
    return notebook


def write_slides(folder: Path, executed: Path) -> None:
    """Write the slides of each session, with the figures of the executed chapters."""
    folder.mkdir(parents=True)
    for number, told in enumerate(lessons.sessions(), start=1):
        (folder / f"session-{number}.html").write_text(lessons.slides(number, told, executed), "utf-8")
