"""An executed notebook as a page of a cohort's book: titled, tidied, with sections that were skipped shrunk
to their reason.
"""

from __future__ import annotations

import re

import nbformat
from nbformat import NotebookNode

from analysis_lib.binding.chapters import COHORTS, HEADING, about_notebook
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.show import notes, payloads


def as_page(executed: NotebookNode, study: Cohort) -> tuple[NotebookNode, str]:
    """Turn an executed notebook into a page of the cohort's book.

    The title names the cohort; words about CAR T go where they do not apply; sections that were skipped
    shrink to their heading and the reason; paths and times of this machine are removed.

    Returns
    -------
    tuple of NotebookNode, str
        The page, and, if nothing of the chapter could be done, the reason of its first section (else empty).
    """
    cells = [
        _tidy(cell, study) for cell in executed.cells if "parameters" not in cell.metadata.get("tags", [])
    ]
    if about_notebook(executed, study.name).patients == COHORTS:
        cells[0].source = titled(cells[0].source, study)
    sections = [_collapse(section) for section in _sections(cells) if _has_its_say(section, study)]
    if not study.after_car_t:
        sections = [(kept, reasons) for section, reasons in sections if (kept := _without_car_t(section))]
    analyses = [reasons for _, reasons in sections if reasons is not None]
    reason = analyses[0][0] if analyses and all(analyses) else ""
    kept = [cell for section, _ in sections for cell in section]
    for number, cell in enumerate(kept, start=1):
        # equal inputs give equal pages; a random id of digits can look like a patient's date
        cell["id"] = f"cell-{number}"
        for output in cell.get("outputs", []):
            payloads.put_by(output)
    page = nbformat.v4.new_notebook(
        cells=kept,
        metadata={
            key: executed.metadata[key] for key in ("kernelspec", "language_info") if key in executed.metadata
        },
    )
    return page, reason


def titled(source: str, study: Cohort) -> str:
    """Put the cohort into the first heading, and its own index event in place of the CAR T-cell infusion."""
    heading, _, rest = source.partition("\n")
    return (
        f"{heading.replace(CAR_T, notes.markdown(study.index_event))}: {notes.markdown(study.title)}\n{rest}"
    )


def _tidy(cell: NotebookNode, study: Cohort) -> NotebookNode:
    cell = nbformat.from_dict(
        {key: value for key, value in cell.items() if key != "id"} | {"id": cell.get("id", "")}
    )
    cell.metadata = {key: cell.metadata[key] for key in ("tags", "mystnb", "strobe") if key in cell.metadata}
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = re.sub(r"^cohort = .*$", f'cohort = "{study.name}"', cell.source, flags=re.M)
            cell.source = re.sub(r"^results_dir = .*\n?", "", cell.source, flags=re.M).strip()
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


def _has_its_say(section: list[NotebookNode], study: Cohort) -> bool:
    """Whether a section stays: one tagged ``if-any`` does only if its code showed something, one tagged
    ``regimens`` only if the cohort names no other groups to compare.
    """
    tags = section[0].metadata.get("tags", [])
    if "regimens" in tags and study.groups != REGIMENS:
        return False
    return "if-any" not in tags or any(cell.get("outputs") for cell in section)


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

    The second value is ``None`` for a section without outputs or with only the note about the cohort, the
    reasons for a collapsed section, and an empty list for any other.
    """
    outputs = [output for cell in section if cell.cell_type == "code" for output in cell.outputs]
    told = [payloads.note_of(output) for output in outputs]
    if all(note.get("kind") == payloads.WHOSE for note in told):
        return section, None
    if not all(note.get("kind") == payloads.SKIPPED for note in told):
        return section, []
    reasons = list(dict.fromkeys(note["reason"].rstrip(".") for note in told))
    headings = "\n\n".join(HEADING.findall(section[0].source))
    said = "".join(f"\n\n{notes.skip_html(reason)}" for reason in reasons)
    return [nbformat.v4.new_markdown_cell(headings + said, id=section[0].get("id", ""))], reasons
