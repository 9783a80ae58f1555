"""What a cohort cannot show: taken out of the sections of a page, for one box at its end."""

from __future__ import annotations

from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from analysis_lib.binding.chapters import HEADING
from analysis_lib.show import payloads
from analysis_lib.show.notes import NO_NUMBERS
from analysis_lib.show.openings import UNANSWERED

SOLUTION = "hide-cell"
TOP = "The answer at the top of the page"  # what stands above the first heading
TOP_FIGURE = "The figure at the top of the page"  # what is missing there where the question is answered
OPENS = (payloads.WHOSE, payloads.OPENING)  # what a page begins with, whatever it can show


@dataclass(frozen=True)
class Gathered:
    """A page's sections without what is not shown; what that is, as heading and reason; and, if nothing of
    the chapter could be done, the first reason.
    """

    sections: list[list[NotebookNode]]
    unshown: list[tuple[str, str]]
    reason: str


def gather(sections: list[list[NotebookNode]]) -> Gathered:
    """Take notes that something is not shown out of sections, and sections out in which nothing else is, or
    nothing at all.

    A heading stays while anything below it does, and words that lead to sections below it while any of those
    does. What a solution shows in part has no notes.
    """
    judged = [_judged(section) for section in sections]
    analyses = [(shows, reasons) for shows, reasons in judged if shows or reasons]
    nothing = bool(analyses) and not any(shows for shows, _ in analyses)
    unshown, kept = [], []
    for place, (section, (shows, reasons)) in enumerate(zip(sections, judged)):
        heads = HEADING.findall(section[0].source) if section[0].cell_type == "markdown" else []
        title = heads[-1].lstrip("# ") if heads and place else _top(section)
        unshown += [(f"{title} (in part)" if shows and place else title, reason) for reason in reasons]
        later = (sections[place + 1 :], judged[place + 1 :])
        if place and not shows and (reasons or _only_headings(section) or _leads_nowhere(section, *later)):
            heads = [head for head in heads if _stands(head, *later)]
            one = nbformat.v4.new_markdown_cell("\n\n".join(heads), id=section[0].get("id", ""))
            kept.append([*([one] if heads else []), *unseen(section)])
            continue
        for cell in section:
            if cell.cell_type == "code":
                cell.outputs = [each for each in cell.outputs if _kind(each) != payloads.SKIPPED]
        kept.append(section)
    first = [note["reason"] for note in _openings(sections[0]) if note.get("reason")] if nothing else []
    return Gathered(kept, list(dict.fromkeys(unshown)), [*first, *analyses[0][1]][0] if nothing else "")


def unseen(section: list[NotebookNode]) -> list[NotebookNode]:
    """The code of a section that the page does not show; the notebook behind it runs it, as later cells may
    need what it finds.
    """
    cells = [cell for cell in section if cell.cell_type == "code"]
    for cell in cells:
        cell.outputs, cell.metadata["tags"] = [], ["remove-cell"]
    return cells


def _judged(section: list[NotebookNode]) -> tuple[bool, list[str]]:
    """Whether a section shows anything of its own, and the reasons why something is not shown."""
    outputs = [(cell, each) for cell in section if cell.cell_type == "code" for each in cell.outputs]
    shows = any(_kind(each) not in (*OPENS, payloads.SKIPPED) for _, each in outputs)
    skipped = [
        (cell, payloads.note_of(each)["reason"].rstrip("."))
        for cell, each in outputs
        if _kind(each) == payloads.SKIPPED
    ]
    # beside what is shown, a sentence without numbers is not missed
    reasons = [why for cell, why in skipped if not (shows and (_solves(cell) or why == NO_NUMBERS))]
    # nor does it say why, where something else does
    told = [why for why in reasons if why != NO_NUMBERS] or reasons
    return shows, list(dict.fromkeys(told))


def _stands(head: str, later: list[list[NotebookNode]], judged: list[tuple[bool, list[str]]]) -> bool:
    """Whether a section below this heading stays."""
    for section, (shows, reasons) in zip(later, judged):
        found = HEADING.findall(section[0].source) if section[0].cell_type == "markdown" else []
        if found and _level(found[0]) <= _level(head):
            return False
        if shows or (not reasons and section[0].cell_type == "markdown" and not _only_headings(section)):
            return True  # not so a section of which only the code is left, for the notebook behind the page
    return False


def _top(section: list[NotebookNode]) -> str:
    """What is missing above the first heading: the answer, or what would stand below it."""
    answers = [note["answer"] for note in _openings(section)]
    return TOP_FIGURE if answers and not answers[0].startswith(UNANSWERED) else TOP


def _openings(section: list[NotebookNode]) -> list[dict]:
    noted = [payloads.note_of(each) for cell in section for each in cell.get("outputs", [])]
    return [note for note in noted if note.get("kind") == payloads.OPENING]


def _leads_nowhere(
    section: list[NotebookNode], later: list[list[NotebookNode]], judged: list[tuple[bool, list[str]]]
) -> bool:
    """Whether a section is words before others, below its heading, of which none stays."""
    if any(cell.cell_type == "code" for cell in section) or not later:
        return False
    mine, below = HEADING.findall(section[0].source), HEADING.findall(later[0][0].source)
    deeper = bool(mine and below) and _level(below[0]) > _level(mine[-1])
    return deeper and not _stands(mine[-1], later, judged)


def _only_headings(section: list[NotebookNode]) -> bool:
    """Whether a section says nothing itself: it is there for what stands below it."""
    told = [HEADING.sub("", cell.source) for cell in section if cell.cell_type == "markdown"]
    return bool(told) and not "".join(told).strip()


def _level(head: str) -> int:
    return len(head) - len(head.lstrip("#"))


def _solves(cell: NotebookNode) -> bool:
    return SOLUTION in cell.metadata.get("tags", [])


def _kind(output: dict) -> str:
    return payloads.note_of(output).get("kind", "")
