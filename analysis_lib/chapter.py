"""One chapter for one cohort: run the notebook, then make of it a page of the book."""

from __future__ import annotations

import contextlib
import io
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from analysis_lib import takeaway, text
from analysis_lib.cohort import CAR_T, Cohort

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
QUIET_KERNEL = ["--IPKernelApp.log_level=ERROR"]  # it warns, once a notebook, that it listens on this machine
WITH_FILES = ["--InlineBackend.figure_formats={'png', 'svg', 'pdf'}"]  # figures come as files to take away as well
RECONSTRUCTED = "reconstructed"
OWN_PARAMETERS = ("cohort", "results_dir")
SKIP_NOTE = re.compile(r'<p class="skip-note">(.*?)</p>', re.S)
HEADING = re.compile(r"^#{1,6} .+$", re.M)


@dataclass(frozen=True)
class Outcome:
    """How a chapter ended for a cohort: ``done``, ``skipped`` or ``failed``, with the reason for the last two."""

    cohort: str
    chapter: str
    status: str
    reason: str = ""


def chapters() -> list[str]:
    """The chapters of the book, in order: the stems of ``notebooks/NN_topic.py``."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.py"))


def chapters_of(study: Cohort) -> list[str]:
    """The chapters that a cohort's book has: those on the paper itself only stand in the reconstructed cohort's."""
    return [each for each in chapters() if study.name == RECONSTRUCTED or not on_the_paper(each)]


def on_the_paper(chapter: str) -> bool:
    """Whether a chapter stands in the reconstructed cohort's book only, and is run after the others, whose rows it may read.

    Such chapters speak of the paper's printed numbers, or teach on patients of their own (13), whatever the cohort.
    """
    return int(chapter[:2]) >= 10


def parameters_of(chapter: str) -> dict[str, str]:
    """The parameters that a chapter takes, with their defaults as written."""
    notebook = jupytext.read(NOTEBOOKS / f"{chapter}.py")
    source = next(cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    return dict(re.findall(r"^(\w+) = (.+?)(?:  #.*)?$", source, re.M))


def run(chapter: str, cohort_path: Path, study: Cohort, page: Path, results_dir: Path, parameters: dict | None = None) -> Outcome:
    """Run a chapter for a cohort and write its page; on failure write nothing.

    Parameters
    ----------
    chapter : str
        One of :func:`chapters`.
    cohort_path : Path
        The manifest or table, as :func:`analysis_lib.cohort.locate` found it.
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
        return Outcome(study.name, chapter, "failed", f"{error.ename}: {str(error.evalue).splitlines()[0][:300]}")
    except Exception as error:  # a kernel that dies must end as one failed chapter, not as the end of the build
        return Outcome(study.name, chapter, "failed", traceback.format_exception_only(error)[-1].strip()[:300])
    finished, reason = as_page(executed, study)
    page.parent.mkdir(parents=True, exist_ok=True)
    if not reason:
        takeaway.offer(finished, study, chapter, page.parent, results_dir)
    nbformat.write(finished, page)
    return Outcome(study.name, chapter, "skipped" if reason else "done", reason)


def execute(chapter: str, given: dict) -> NotebookNode:
    """Run a notebook with these parameters in a kernel of its own; returns it with its outputs."""
    return papermill.execute_notebook(
        jupytext.read(NOTEBOOKS / f"{chapter}.py"), None, given, progress_bar=False, log_output=False,
        kernel_name="python3", cwd=str(NOTEBOOKS), shutdown_kernel="immediate", extra_arguments=QUIET_KERNEL + WITH_FILES)


def calculate(chapter: str, cohort_path: Path, results_dir: Path) -> None:
    """Run a chapter's code in this process, without solutions and without showing anything; it writes its rows as ever."""
    namespace: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in jupytext.read(NOTEBOOKS / f"{chapter}.py").cells:
            if cell.cell_type == "code" and "hide-cell" not in cell.metadata.get("tags", []):
                exec(compile(cell.source, chapter, "exec"), namespace)
            if "parameters" in cell.metadata.get("tags", []):
                namespace |= {"cohort": str(cohort_path), "results_dir": str(results_dir)}


def as_page(executed: NotebookNode, study: Cohort) -> tuple[NotebookNode, str]:
    """Turn an executed notebook into a page of the cohort's book.

    The title names the cohort; words about CAR T go where they do not apply; sections that were skipped shrink to
    their heading and the reason; paths and times of this machine are removed.

    Returns
    -------
    tuple of NotebookNode, str
        The page, and, if nothing of the chapter could be done, the reason of its first section (else empty).
    """
    cells = [_tidy(cell, study) for cell in executed.cells if "parameters" not in cell.metadata.get("tags", [])]
    if "own-patients" not in cells[0].metadata.get("tags", []):
        cells[0].source = titled(cells[0].source, study)
    sections = [_collapse(section) for section in _sections(cells) if _has_its_say(section)]
    if not study.after_car_t:
        sections = [(kept, reasons) for section, reasons in sections if (kept := _without_car_t(section))]
    analyses = [reasons for _, reasons in sections if reasons is not None]
    reason = analyses[0][0] if analyses and all(analyses) else ""
    kept = [cell for section, _ in sections for cell in section]
    for number, cell in enumerate(kept, start=1):
        cell["id"] = f"cell-{number}"  # equal inputs give equal pages; a random id of digits can look like a patient's date
    page = nbformat.v4.new_notebook(cells=kept, metadata={
        key: executed.metadata[key] for key in ("kernelspec", "language_info") if key in executed.metadata})
    return page, reason


def short_title(chapter: str, study: Cohort) -> str:
    """Number and title of a chapter, without the cohort's name: ``4 Survival``."""
    heading = HEADING.search(jupytext.read(NOTEBOOKS / f"{chapter}.py").cells[0].source).group()
    return f"{int(chapter[:2])} {heading.removeprefix('# ').replace(CAR_T, study.index_event)}"


def titled(source: str, study: Cohort) -> str:
    """Put the cohort into the first heading, and its own index event in place of the CAR T-cell infusion."""
    heading, _, rest = source.partition("\n")
    return f"{heading.replace(CAR_T, text.markdown(study.index_event))}: {text.markdown(study.title)}\n{rest}"


def _tidy(cell: NotebookNode, study: Cohort) -> NotebookNode:
    cell = nbformat.from_dict({key: value for key, value in cell.items() if key != "id"} | {"id": cell.get("id", "")})
    cell.metadata = {key: cell.metadata[key] for key in ("tags", "mystnb") if key in cell.metadata}
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = re.sub(r'^cohort = .*$', f'cohort = "{study.name}"', cell.source, flags=re.M)
            cell.source = re.sub(r'^results_dir = .*\n?', "", cell.source, flags=re.M).strip()
    return cell


def _sections(cells: list[NotebookNode]) -> list[list[NotebookNode]]:
    """Cut at each Markdown cell that starts with a heading."""
    sections: list[list[NotebookNode]] = []
    for cell in cells:
        starts = cell.cell_type == "markdown" and HEADING.match(cell.source)
        if starts or not sections:
            sections.append([])
        sections[-1].append(cell)
    return sections


def _has_its_say(section: list[NotebookNode]) -> bool:
    """Whether a section stays: one tagged ``if-any`` does only if its code showed something."""
    return "if-any" not in section[0].metadata.get("tags", []) or any(cell.get("outputs") for cell in section)


def _without_car_t(section: list[NotebookNode]) -> list[NotebookNode]:
    """A section without its words on CAR T; its heading stays if anything else does."""
    heading, *rest = section
    rest = [cell for cell in rest if "car-t" not in cell.metadata.get("tags", [])]
    if "car-t" not in heading.metadata.get("tags", []):
        return [heading, *rest]
    heading.source = "\n\n".join(HEADING.findall(heading.source))
    return [heading, *rest] if rest else []


def _collapse(section: list[NotebookNode]) -> tuple[list[NotebookNode], list[str] | None]:
    """A section whose outputs all say that they were skipped, as its headings and the reasons.

    The second value is ``None`` for a section without outputs or with only the note about the cohort, the reasons for
    a collapsed section, and an empty list for any other.
    """
    outputs = [output for cell in section if cell.cell_type == "code" for output in cell.outputs]
    shown = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    if all("synthetic-note" in html or "cohort-note" in html for html in shown):
        return section, None
    if not all(SKIP_NOTE.search(html) for html in shown):
        return section, []
    reasons = list(dict.fromkeys(SKIP_NOTE.search(html).group(1).removeprefix("Not shown: ").rstrip(".") for html in shown))
    headings = "\n\n".join(HEADING.findall(section[0].source))
    note = "".join(f'\n\n<p class="skip-note">Not shown: {reason}.</p>' for reason in reasons)
    return [nbformat.v4.new_markdown_cell(headings + note, id=section[0].get("id", ""))], reasons
