"""The STROBE checklist: where in a cohort's book each item is answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from analysis_lib.binding import chapters
from analysis_lib.binding.word import Table
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.show import notes


@dataclass(frozen=True)
class Item:
    """An item of the STROBE checklist for cohort studies, in our own words.

    Attributes
    ----------
    number, topic, asks : str
        As the statement counts it; what it is about; what a reader should find.
    sections : tuple
        Where this book answers it: ``(number of the chapter, heading)``; an empty heading is the whole
        chapter.
    authors : str
        What is left to write.
    """

    number: str
    topic: str
    asks: str
    sections: tuple[tuple[int, str], ...] = ()
    authors: str = ""


STROBE = (
    Item(
        "1a",
        "Title",
        "The design is named in title or abstract",
        authors="name it: a retrospective cohort study",
    ),
    Item(
        "1b",
        "Abstract",
        "A balanced summary of what was done and found",
        authors="write it, from the paragraphs above",
    ),
    Item("2", "Background", "Why the study was done, and what was known", authors="write it"),
    Item(
        "3",
        "Objectives",
        "Aims, and hypotheses stated beforehand",
        authors="state them, and say which were not stated beforehand",
    ),
    Item("4", "Design", "The main features of the design come early", authors="state them"),
    Item(
        "5",
        "Setting",
        "Places, and dates of recruitment, exposure, follow-up and data collection",
        authors="state hospitals and dates; no date enters this book",
    ),
    Item(
        "6a",
        "Participants",
        "Who was eligible, where they came from, how they were chosen and followed",
        ((1, "Participants and flow"),),
        "state the criteria, and how patients were found and followed",
    ),
    Item(
        "6b",
        "Participants",
        "For matched studies: the criteria and the numbers matched",
        authors="does not apply: nobody was matched",
    ),
    Item(
        "7",
        "Variables",
        "Outcomes, exposures, predictors, confounders and effect modifiers are defined",
        ((1, "Definitions"), (6, "How it is defined")),
        "say how response and progression were assessed",
    ),
    Item(
        "8",
        "Measurement",
        "For each variable, the source and how it was measured, alike in all groups",
        ((1, "Definitions"),),
        "name the sources, the response criteria and who assessed them",
    ),
    Item(
        "9",
        "Bias",
        "What was done about sources of bias",
        (
            (4, "OS2 by what the patients received"),
            (6, "Limited stage, comprehensive field: radiotherapy alone, or followed by more"),
            (9, "Is a second modality better, or only later?"),
            (9, "Would the same patients live longer after the other treatment?"),
        ),
        "say what was done when the study was planned",
    ),
    Item(
        "10",
        "Size",
        "How the number of patients came about",
        ((1, "Participants and flow"), (9, "How large a study would it take?")),
        "give the reason for the size",
    ),
    Item(
        "11",
        "Quantities",
        "How quantities were handled, and why groups were cut where they were",
        ((5, "How it is estimated"), (6, "How it is defined"), (7, "Cautions")),
        "give the reason for each cut-off",
    ),
    Item(
        "12a",
        "Statistics",
        "All methods, with those that control confounding",
        (
            (2, "How it is estimated"),
            (4, "How it is estimated"),
            (7, "How it is estimated"),
            (9, "Would the same patients live longer after the other treatment?"),
        ),
    ),
    Item(
        "12b",
        "Statistics",
        "How subgroups and interactions were examined",
        ((6, ""), (7, "")),
        "say which were planned",
    ),
    Item(
        "12c",
        "Statistics",
        "How missing values were handled",
        (
            (2, "How it is estimated"),
            (7, "How it is estimated"),
            (9, "What if bulk had been known in everyone?"),
        ),
    ),
    Item("12d", "Statistics", "How loss to follow-up was handled", ((1, "Follow-up"), (1, "Definitions"))),
    Item(
        "12e",
        "Statistics",
        "Sensitivity analyses",
        ((9, ""), (5, "Local control")),
        "add those that your question needs",
    ),
    Item("13a", "Participants", "Numbers at each stage of the study", ((1, "Participants and flow"),)),
    Item(
        "13b",
        "Participants",
        "Why some did not take part at each stage",
        ((1, "Participants and flow"),),
        "give reasons that the data do not hold",
    ),
    Item("13c", "Participants", "A flow diagram, if it helps", ((1, "Participants and flow"),)),
    Item(
        "14a",
        "Descriptive data",
        "Who the participants are, with exposures and possible confounders",
        ((2, "Table 1"),),
    ),
    Item("14b", "Descriptive data", "How many values are missing, for each variable", ((2, "Table 1"),)),
    Item("14c", "Descriptive data", "Follow-up in sum (average and total)", ((1, "Follow-up"),)),
    Item(
        "15",
        "Outcome data",
        "Numbers of events, or summaries over time",
        (
            (1, "What ended each endpoint"),
            (4, "Overall survival from day 0 (OS1)"),
            (4, "From the start of salvage therapy (OS2, EFS2)"),
        ),
    ),
    Item(
        "16a",
        "Main results",
        "Estimates with intervals, unadjusted and adjusted, and for what and why",
        ((4, ""), (7, "")),
        "give the reason for the factors of the models",
    ),
    Item(
        "16b",
        "Main results",
        "The boundaries of quantities that were cut into groups",
        ((6, "Survival by dose"), (7, "Cautions")),
    ),
    Item("16c", "Main results", "Absolute beside relative risks, where that helps", ((4, ""),)),
    Item(
        "17",
        "Other analyses",
        "Subgroups, interactions, sensitivity analyses",
        ((5, "In-field control by bulk"), (6, ""), (8, ""), (9, "")),
    ),
    Item("18", "Key results", "A summary in the light of the aims", authors="write it"),
    Item(
        "19",
        "Limitations",
        "Bias and imprecision, with direction and size",
        ((1, "Cautions"), (4, "Cautions"), (5, "Cautions"), (6, "Cautions"), (7, "Cautions")),
        "weigh them for your cohort",
    ),
    Item("20", "Interpretation", "A cautious reading, beside other evidence", ((8, ""),), "write it"),
    Item("21", "External validity", "To whom the results apply", authors="write it"),
    Item("22", "Funding", "Who paid, and what part they had", authors="state it"),
)


def checklist(study: Cohort, folder: Path) -> list[tuple[Item, list[tuple[str, str, str]]]]:
    """Each item with the places of this cohort's book that answer it: title of the chapter, section, file
    with anchor.

    A section that was skipped, or that this book does not have, answers nothing.
    """
    shown = {
        int(each[:2]): each for each in chapters.chapters_of(study) if (folder / f"{each}.ipynb").is_file()
    }
    headings = {number: _answered(folder / f"{each}.ipynb") for number, each in shown.items()}
    return [
        (
            item,
            [
                _place(shown[number], section, study)
                for number, section in item.sections
                if number in shown and (section in headings[number] if section else headings[number])
            ],
        )
        for item in STROBE
    ]


def _place(each: str, section: str, study: Cohort) -> tuple[str, str, str]:
    return (
        chapters.short_title(each, study),
        section,
        f"{each}.ipynb" + (f"#{_anchor(section)}" if section else ""),
    )


def _answered(page: Path) -> set[str]:
    """The headings of a page below which something is shown; none if the whole chapter was skipped."""
    cells = json.loads(page.read_text("utf-8"))["cells"]
    if not any(
        cell.get("outputs")
        for cell in cells
        if "synthetic-note" not in str(cell) and "cohort-note" not in str(cell)
    ):
        return set()
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return {
        found
        for source in sources
        if "skip-note" not in source
        for found in re.findall(r"^#{2,3} (.+)$", source, re.M)
    }


def _anchor(heading: str) -> str:
    """The anchor that MyST gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def places_in_book(item: Item, places: list[tuple[str, str, str]]) -> str:
    links = "; ".join(
        f"[{notes.markdown(title)}{': ' + section if section else ''}]({file})"
        for title, section, file in places
    )
    return (
        ". ".join(
            filter(
                None,
                [
                    links,
                    f"*For the authors:* {item.authors or 'nothing of this cohort answers it'}"
                    if item.authors or not places
                    else "",
                ],
            )
        )
        + "."
    )


def checklist_table(answered) -> Table:
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
