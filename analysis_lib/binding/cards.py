"""Chapters as cards: a small picture of the key figure, the title and the question, linked to the page."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from analysis_lib.binding import chapters
from analysis_lib.binding.outcome import Outcome
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.show import payloads
from analysis_lib.show.fragments import finished, fragment

DRAWING = re.compile(r"<svg class=\"drawing wide\" role=\"img\" aria-label=\"[^\"]*\"(.*?</svg>)", re.S)
TEXT = re.compile(r"<text\b.*?</text>", re.S)
FINER = re.compile(r"(\d\.\d)\d+")  # than anybody sees in a small picture


def of_chapters(study: Cohort, outcomes: list[Outcome], folder: Path, where: str = "") -> str:
    """Cards of the chapters that have a page, as HTML.

    Parameters
    ----------
    study : Cohort
        Whose chapters they are.
    outcomes : list of Outcome
        How they ended.
    folder : Path
        Where the pages are.
    where : str
        The way from the page with the cards to ``folder``, ending in a slash unless empty.
    """
    cards = []
    for each in outcomes:
        if each.status != "done":
            continue
        page = nbformat.read(folder / f"{each.chapter}.ipynb", as_version=4)
        cards.append(
            {
                "href": f"{where}{each.chapter}.html",
                "picture": finished(thumbnail(page)),
                "title": chapters.short_title(each.chapter, study),
                "words": question(page),
                "small": "",
            }
        )
    return fragment("cards", cards=cards)


def thumbnail(page: NotebookNode) -> str:
    """The first figure of a page without its words, for a small picture beside other words; empty if none."""
    for output in _outputs(page):
        if found := DRAWING.search(output.get("data", {}).get("text/html", "")):
            drawn = FINER.sub(r"\1", TEXT.sub("", found[1]))
            return f'<svg class="thumbnail" aria-hidden="true"{drawn}'
    return ""


def question(page: NotebookNode) -> str:
    """The question with which a chapter opens; empty if it does not."""
    told = [payloads.note_of(output) for output in _outputs(page)]
    return next((note["question"] for note in told if note.get("kind") == payloads.OPENING), "")


def _outputs(page: NotebookNode) -> list[dict]:
    return [output for cell in page.cells for output in cell.get("outputs", [])]
