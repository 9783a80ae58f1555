"""An executed notebook as a page of a cohort's book: titled, tidied, its code folded, and what could not be
shown gathered in one box.
"""

from __future__ import annotations

import re

import nbformat
from nbformat import NotebookNode

from analysis_lib.binding.chapters import COHORTS, HEADING, about_notebook, as_theirs
from analysis_lib.binding.unshown import gather, unseen
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.intake.bundled import bundled_cohorts
from analysis_lib.show import notes, payloads
from analysis_lib.show.fragments import finished, fragment

FOLDED = "hide-input"  # tag of code that a page shows when it is asked to
SAVES = "results.save("  # in the cell that ends the analysis of a chapter
SECONDARY = "secondary"  # tag of a cell whose tables and figures a page holds folded
OF_THE_PAPER = "of-the-paper"  # tag of words on ranges, which stand beside the paper's own patients only
SPEAKS = "speaks-of:"  # begins the tag of words that are left out where the cohort lacks the column it names
HANDED = "injected-parameters"  # tag of the cell in which papermill hands over values
RUNS_WITH = '# Runs where salvage-book is installed: see "Run it on your data".'


def as_page(executed: NotebookNode, study: Cohort) -> tuple[NotebookNode, str]:
    """Turn an executed notebook into a page of the cohort's book.

    The title names the cohort; words about CAR T go where they do not apply; code is folded; sections that
    were skipped go, and a box at the end says which and why; paths and times of this machine are removed.
    This notebook is also what a reader downloads: its cell of parameters is whole, so that it runs.

    Returns
    -------
    tuple of NotebookNode, str
        The page, and, if nothing of the chapter could be done, the reason of its first section (else empty).
    """
    cells = [_tidy(cell) for cell in executed.cells if HANDED not in cell.metadata.get("tags", [])]
    cells = [cell for cell in cells if study.of_the_paper or OF_THE_PAPER not in _tags(cell)]
    cells = _joined([cell for cell in cells if not study.lacks(*_spoken_of(cell))])
    _hand_parameters(cells, executed, study)
    if about_notebook(executed, study.name).patients == COHORTS:
        cells[0].source = titled(cells[0].source, study)
    sections = [each if _has_its_say(each, study) else unseen(each) for each in _sections(cells)]
    sections = [section for section in sections if section]
    if not study.after_car_t:
        sections = [kept for section in sections if (kept := _without_car_t(section))]
    found = gather(sections)
    kept = [cell for section in found.sections for cell in section]
    if found.unshown:
        kept.append(nbformat.v4.new_markdown_cell(notes.unshown_html(found.unshown)))
    for number, cell in enumerate(kept, start=1):
        # equal inputs give equal pages; a random id of digits can look like a patient's date
        cell["id"] = f"cell-{number}"
        for output in cell.get("outputs", []):
            if SECONDARY in cell.metadata.get("tags", []):
                _fold(output)
            payloads.put_by(output)
    page = nbformat.v4.new_notebook(
        cells=kept,
        metadata={
            key: executed.metadata[key] for key in ("kernelspec", "language_info") if key in executed.metadata
        },
    )
    return page, found.reason


def titled(source: str, study: Cohort) -> str:
    """Put the cohort into the first heading, and its own index event in place of the CAR T-cell infusion."""
    heading, _, rest = source.partition("\n")
    own = as_theirs(heading, study, notes.markdown)
    return f"{own}: {notes.markdown(study.title)}\n{rest}"


def _tidy(cell: NotebookNode) -> NotebookNode:
    cell = nbformat.from_dict(
        {key: value for key, value in cell.items() if key != "id"} | {"id": cell.get("id", "")}
    )
    cell.metadata = {key: cell.metadata[key] for key in ("tags", "mystnb", "strobe") if key in cell.metadata}
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        tags = cell.metadata.get("tags", [])
        if not any(tag.startswith(("hide-", "remove-")) for tag in tags):
            cell.metadata["tags"] = [*tags, FOLDED]
    return cell


def _fold(output: NotebookNode) -> None:
    """Put a table or figure behind its caption's first sentence; anything else stays as it is."""
    data = output.get("data", {})
    for kind, word in ((payloads.TABLE, "Table"), (payloads.FIGURE, "Figure")):
        if kind in data:
            summary = f"{word}: {data[kind]['caption'].partition('. ')[0].rstrip('.')}"
            data["text/html"] = fragment(
                "beside", summary=summary, table=finished("".join(data["text/html"]))
            )


def _hand_parameters(cells: list[NotebookNode], executed: NotebookNode, study: Cohort) -> None:
    """Give the cell of parameters the values that the chapter ran with: the cohort by its name, or as the
    file that a hospital has; rows go where they go without being told.
    """
    handed = "\n".join(cell.source for cell in executed.cells if HANDED in cell.metadata.get("tags", []))
    given = dict(re.findall(r"^(\w+) = (.*)$", handed, re.M)) | {"results_dir": '""'}
    given["cohort"] = f'"{study.name}"' if study.name in bundled_cohorts() else '"cohort.yml"'
    for cell in cells:
        if "parameters" in cell.metadata.get("tags", []):
            lines = [RUNS_WITH]
            for line in cell.source.splitlines():
                name, _, rest = line.partition(" = ")
                comment = rest[rest.find("  #") :] if "  #" in rest else ""
                lines.append(f"{name} = {given[name]}{comment}" if rest and name in given else line)
            cell.source = "\n".join(lines)


def _sections(cells: list[NotebookNode]) -> list[list[NotebookNode]]:
    """Cut at each Markdown cell that starts with a heading, and where the rows of the chapter are saved: what
    is shown there speaks of the chapter, and does not keep an empty section above it.
    """
    sections: list[list[NotebookNode]] = []
    for cell in cells:
        starts = HEADING.match(cell.source) if cell.cell_type == "markdown" else SAVES in cell.source
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


def _spoken_of(cell: NotebookNode) -> list[str]:
    """The columns without which words say nothing of a cohort: those that their tags name."""
    return [tag.removeprefix(SPEAKS) for tag in _tags(cell) if tag.startswith(SPEAKS)]


def _joined(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Cells in which words on a column stand in the cell of the words before them: a list goes on as one."""
    joined: list[NotebookNode] = []
    for cell in cells:
        last = joined[-1] if joined else None
        if _spoken_of(cell) and last and last.cell_type == "markdown" and "car-t" not in _tags(last):
            listed = cell.source.startswith("- ") and last.source.splitlines()[-1].startswith(("- ", "  "))
            last.source += ("\n" if listed else "\n\n") + cell.source
        else:
            joined.append(cell)
    return joined


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _without_car_t(section: list[NotebookNode]) -> list[NotebookNode]:
    """A section without its words on CAR T; its heading stays if anything else does."""
    heading, *rest = section
    rest = [cell for cell in rest if "car-t" not in cell.metadata.get("tags", [])]
    if "car-t" not in heading.metadata.get("tags", []):
        return [heading, *rest]
    heading.source = "\n\n".join(HEADING.findall(heading.source))
    return [heading, *rest] if rest else []
