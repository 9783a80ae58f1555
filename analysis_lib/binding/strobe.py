"""The STROBE checklist: where in a cohort's book each item is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis_lib.binding import chapters
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.show import notes, payloads
from analysis_lib.show.payloads import Table


@dataclass(frozen=True)
class Item:
    """An item of the STROBE checklist for cohort studies, in our own words.

    Where the book answers it is said there: a Markdown cell of a chapter names the items that its section
    answers in its metadata, ``strobe=["12a"]``; the cell of the chapter's title those that the whole chapter
    answers.

    Attributes
    ----------
    number, topic, asks : str
        As the statement counts it; what it is about; what a reader should find.
    authors : str
        What is left to write.
    drawn : bool
        Whether only a figure answers it.
    """

    number: str
    topic: str
    asks: str
    authors: str = ""
    drawn: bool = False


STROBE = (
    Item(
        "1a",
        "Title",
        "The design is named in title or abstract",
        "name it, such as a retrospective cohort study",
    ),
    Item(
        "1b",
        "Abstract",
        "A balanced summary of what was done and found",
        "write it, from the paragraphs above",
    ),
    Item("2", "Background", "Why the study was done, and what was known", "write it"),
    Item(
        "3",
        "Objectives",
        "Aims, and hypotheses stated beforehand",
        "state them, and say which were not stated beforehand",
    ),
    Item("4", "Design", "The main features of the design come early", "state them"),
    Item(
        "5",
        "Setting",
        "Places, and dates of recruitment, exposure, follow-up and data collection",
        "state hospitals and dates; no date enters this book",
    ),
    Item(
        "6a",
        "Participants",
        "Who was eligible, where they came from, how they were chosen and followed",
        "state the criteria, and how patients were found and followed",
    ),
    Item(
        "6b",
        "Participants",
        "For matched studies: the criteria and the numbers matched",
        "does not apply: nobody was matched",
    ),
    Item(
        "7",
        "Variables",
        "Outcomes, exposures, predictors, confounders and effect modifiers are defined",
        "say how each event was assessed",
    ),
    Item(
        "8",
        "Measurement",
        "For each variable, the source and how it was measured, alike in all groups",
        "name the sources, the criteria and who assessed them",
    ),
    Item("9", "Bias", "What was done about sources of bias", "say what was done when the study was planned"),
    Item("10", "Size", "How the number of patients came about", "give the reason for the size"),
    Item(
        "11",
        "Quantities",
        "How quantities were handled, and why groups were cut where they were",
        "give the reason for each cut-off",
    ),
    Item("12a", "Statistics", "All methods, with those that control confounding"),
    Item("12b", "Statistics", "How subgroups and interactions were examined", "say which were planned"),
    Item("12c", "Statistics", "How missing values were handled"),
    Item("12d", "Statistics", "How loss to follow-up was handled"),
    Item("12e", "Statistics", "Sensitivity analyses", "add those that your question needs"),
    Item("13a", "Participants", "Numbers at each stage of the study"),
    Item(
        "13b",
        "Participants",
        "Why some did not take part at each stage",
        "give reasons that the data do not hold",
    ),
    Item("13c", "Participants", "A flow diagram, if it helps", drawn=True),
    Item("14a", "Descriptive data", "Who the participants are, with exposures and possible confounders"),
    Item("14b", "Descriptive data", "How many values are missing, for each variable"),
    Item("14c", "Descriptive data", "Follow-up in sum (average and total)"),
    Item("15", "Outcome data", "Numbers of events, or summaries over time"),
    Item(
        "16a",
        "Main results",
        "Estimates with intervals, unadjusted and adjusted, and for what and why",
        "give the reason for the factors of the models",
    ),
    Item("16b", "Main results", "The boundaries of quantities that were cut into groups"),
    Item("16c", "Main results", "Absolute beside relative risks, where that helps"),
    Item("17", "Other analyses", "Subgroups, interactions, sensitivity analyses"),
    Item("18", "Key results", "A summary in the light of the aims", "write it"),
    Item("19", "Limitations", "Bias and imprecision, with direction and size", "weigh them for your cohort"),
    Item("20", "Interpretation", "A cautious reading, beside other evidence", "write it"),
    Item("21", "External validity", "To whom the results apply", "write it"),
    Item("22", "Funding", "Who paid, and what part they had", "state it"),
)
DRAWN = {item.number for item in STROBE if item.drawn}


def checklist(study: Cohort, folder: Path) -> list[tuple[Item, list[tuple[str, str, str]]]]:
    """Each item with the places of this cohort's book that answer it: title of the chapter, section, file
    with anchor.

    A section that was skipped, or that this book does not have, answers nothing.
    """
    pages = {each: folder / f"{each}.ipynb" for each in chapters.chapters_of(study)}
    answered = [
        (number, _place(each, section, study))
        for each, page in pages.items()
        if page.is_file()
        for number, section in _answered(page)
    ]
    return [(item, [place for number, place in answered if number == item.number]) for item in STROBE]


def _place(each: str, section: str, study: Cohort) -> tuple[str, str, str]:
    return (
        chapters.short_title(each, study),
        section,
        f"{each}.ipynb" + (f"#{_anchor(section)}" if section else ""),
    )


def _answered(page: Path) -> list[tuple[str, str]]:
    """The items that a page answers, each with the heading of the section, empty for the whole chapter; none
    if the whole chapter was skipped.
    """
    cells = json.loads(page.read_text("utf-8"))["cells"]
    shown = [cell.get("outputs", []) for cell in cells]
    # a cell that says whose numbers these are is no answer
    if not any(
        outputs and all(payloads.note_of(each).get("kind") != payloads.WHOSE for each in outputs)
        for outputs in shown
    ):
        return []
    html = ["".join(each.get("data", {}).get("text/html", "")) for outputs in shown for each in outputs]
    figures = any("<figure" in each for each in html)
    return [
        (number, section_of("".join(cell["source"])))
        for cell in cells
        for number in cell.get("metadata", {}).get("strobe", [])
        if figures or number not in DRAWN
    ]


def section_of(source: str) -> str:
    """The heading that a Markdown cell starts with; empty where it is the title of the chapter."""
    marks, _, heading = source.partition("\n")[0].partition(" ")
    return "" if marks == "#" else heading


def _anchor(heading: str) -> str:
    """The anchor that MyST gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def places_in_book(item: Item, places: list[tuple[str, str, str]]) -> str:
    links = [
        f"[{notes.markdown(title)}{': ' + section.rstrip('?') if section else ''}]({file})"
        for title, section, file in places
    ]
    said = [f"{'; '.join(links)}."] if links else []
    if item.authors or not places:
        said.append(f"*For the authors:* {item.authors or 'nothing of this cohort answers it'}.")
    return " ".join(said)


def checklist_table(answered: Iterable[tuple[Item, list[tuple[str, str, str]]]]) -> Table:
    lines = [
        [
            f"{item.number} {item.topic}",
            item.asks,
            "; ".join(f"chapter {title}{': ' + section if section else ''}" for title, section, _ in places)
            or "–",
            item.authors or ("–" if places else "nothing of this cohort answers it"),
        ]
        for item, places in answered
    ]
    return Table(
        "The STROBE checklist for cohort studies (von Elm and colleagues, Lancet 2007), paraphrased.",
        ["Item", "Asked for", "In the book", "For the authors"],
        lines,
    )
