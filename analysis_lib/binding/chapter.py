"""One chapter for one cohort: run the notebook, then make of it a page of the book."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Mapping
from pathlib import Path

import jupytext
import nbformat
import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from analysis_lib.binding import takeaway
from analysis_lib.binding.chapters import parameters_of
from analysis_lib.binding.outcome import Outcome
from analysis_lib.binding.page import as_page
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.files.places import NOTEBOOKS
from analysis_lib.show import exercises, seen

QUIET_KERNEL = ["--IPKernelApp.log_level=ERROR"]  # it warns, once a notebook, that it listens on this machine
# figures come as files to take away as well
WITH_FILES = ["--InlineBackend.figure_formats={'png', 'svg', 'pdf'}"]


def run(
    chapter: str,
    cohort_path: Path,
    study: Cohort,
    page: Path,
    results_dir: Path,
    parameters: Mapping | None = None,
) -> Outcome:
    """Run a chapter for a cohort and write its page; on failure, or if nothing of it can be done, none.

    Parameters
    ----------
    chapter : str
        One of :func:`analysis_lib.binding.chapters.chapters`.
    cohort_path : Path
        The manifest or table, as :func:`analysis_lib.intake.manifest.locate` found it.
    study : Cohort
        The same cohort, read: its title goes on the page.
    page : Path
        The notebook to write.
    results_dir : Path
        Where the chapter writes its result rows.
    parameters : dict, optional
        Further parameters; those that the chapter does not take are left to the others.
    """
    takes = parameters_of(chapter)
    given = {name: value for name, value in (parameters or {}).items() if name in takes}
    given |= {"cohort": str(cohort_path), "results_dir": str(results_dir)}
    try:
        executed = execute(chapter, given)
    except PapermillExecutionError as error:
        return Outcome(
            study.name, chapter, "failed", f"{error.ename}: {str(error.evalue).splitlines()[0][:300]}"
        )
    # a kernel that dies must end as one failed chapter, not as the end of the build
    except Exception as error:
        return Outcome(
            study.name, chapter, "failed", traceback.format_exception_only(error)[-1].strip()[:300]
        )
    finished, reason = as_page(executed, study)
    if reason:
        return Outcome(study.name, chapter, "skipped", reason)
    # aims are those of chapters on salvage regimens, as in the study; any page says in its first words what
    # one learns
    course = study.synthetic and not study.lacks(REGIMENS)
    if course and (aims := exercises.aims(chapter, study.of_the_paper)):
        finished.cells.insert(after_opening(finished), nbformat.v4.new_markdown_cell(aims, id="cell-aims"))
    page.parent.mkdir(parents=True, exist_ok=True)
    takeaway.offer(finished, study, chapter, page.parent, results_dir)
    nbformat.write(finished, page)
    return Outcome(study.name, chapter, "done", "")


def after_opening(page: NotebookNode) -> int:
    """Where the first section of a page begins: what comes before it fills the first screen."""
    starts = (place for place, cell in enumerate(page.cells) if cell.source.startswith("## "))
    return next(starts, len(page.cells))


def execute(chapter: str, given: dict) -> NotebookNode:
    """Run a notebook with these parameters in a kernel of its own; returns it with its outputs."""
    return papermill.execute_notebook(
        jupytext.read(NOTEBOOKS / f"{chapter}.py"),
        None,
        given,
        progress_bar=False,
        log_output=False,
        kernel_name="python3",
        cwd=str(NOTEBOOKS),
        shutdown_kernel="immediate",
        extra_arguments=QUIET_KERNEL + WITH_FILES,
    )


def calculate(chapter: str, cohort: Path | Cohort, results_dir: Path, drawn: bool = False) -> None:
    """Run a chapter's code in this process, without showing anything; it writes its rows as ever. What is
    only shown, such as a figure or a solution, is made if ``drawn``.

    Of several chapters each takes the cohort as it was read once: analyses change nothing of it.
    """
    namespace: dict = {}
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.nullcontext() if drawn else seen.unseen(),
    ):
        for cell in jupytext.read(NOTEBOOKS / f"{chapter}.py").cells:
            tags = cell.metadata.get("tags", [])
            if cell.cell_type == "code" and (drawn or "hide-cell" not in tags):
                exec(compile(cell.source, chapter, "exec"), namespace)
            if "parameters" in tags:
                where = cohort if isinstance(cohort, Cohort) else str(cohort)
                namespace |= {"cohort": where, "results_dir": str(results_dir)}
