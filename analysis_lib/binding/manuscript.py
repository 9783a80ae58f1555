"""What a manuscript says of a cohort: the methods paragraphs, and the page that shows them with the results
paragraphs and the STROBE checklist.

Sentences about results that are absent, skipped or suppressed are left out. Nothing here is a finding of its
own: every number is a result row, every method one that a row names.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pandas as pd

from analysis_lib.binding import chapters, takeaway
from analysis_lib.binding import word as word_file
from analysis_lib.binding.paragraphs import results_text, the_event
from analysis_lib.binding.strobe import checklist, checklist_table, places_in_book
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.dictionary.words import listed
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import Released
from analysis_lib.show import notes, tables

TITLE = "For your manuscript"
SYNTHETIC = (
    "Synthetic patients: these sentences show what the book writes, and nothing here may be "
    "submitted or published as "
    "findings."
)
ROUNDED = (
    "Its numbers are rounded to protect patients; whoever may see the exact ones puts them in before "
    "submission."
)


LATE = (
    "Patients whose observation began after day 0 were counted as at risk from its first day on (late entry)."
)


# --- methods --------------------------------------------------------------------------------------


def methods_text(study: Cohort, rows: pd.DataFrame, further: pd.DataFrame | None = None) -> str:
    """The methods paragraphs: endpoints as declared, estimators and tests as the rows name them, conventions,
    software.

    What only the rows of ``further`` analyses name, stands in a paragraph of its own.
    """
    said = methods.sentences(rows)
    beyond = [] if further is None else [each for each in methods.sentences(further) if each not in said]
    followed = set(rows.loc[rows["statistic"] == "median time", "endpoint"])
    defined = endpoints.definitions(study)
    declared = [_endpoint(line) for line in defined.to_dict("records") if line["Endpoint"] in followed]
    called = [
        methods.named(method)
        for frame in (rows, further)
        if frame is not None
        for method in methods.used(frame)
    ]
    libraries = {entry.by for entry in called if entry} - {methods.HERE}
    late = [LATE] if endpoints.enters_late(study) else []
    software = listed([f"{name} {version(name)}" for name in sorted(libraries)])
    return "\n\n".join(
        filter(
            None,
            [
                " ".join([f"Day 0 was the day of {the_event(study.index_event)}.", *declared, *late]),
                " ".join(said),
                " ".join(["Further analyses examined how far the results can be trusted.", *beyond])
                if beyond
                else "",
                "P values are two-sided. Times were counted in whole days and are shown in months of "
                f"{DAYS_PER_MONTH} days.",
                disclosure.in_words(study),
                f"Analyses were run with salvage-book {version('salvage-book')}"
                + (f" and the Python packages {software}." if software else "."),
            ],
        )
    )


def _endpoint(line: dict) -> str:
    events = line["Event, whichever comes first"].split(", ")
    end = f"{endpoints.either(events)}, whichever came first" if len(events) > 1 else events[0]
    return (
        f"{methods.capital(line['What it is'])} ({line['Endpoint']}) ended with {end}, "
        f"and was censored at {_censoring(line['Otherwise censored'])}."
    )


def _censoring(meaning: str) -> str:
    return meaning.removeprefix("alive at ")


# --- the page -------------------------------------------------------------------------------------


def write(study: Cohort, folder: Path) -> None:
    """Write a cohort's page ``report.md`` and, below ``takeaway``, its paragraphs as text and its checklist
    as Word file.

    ``folder`` holds the cohort's chapters and, below ``results``, their rows; what they are told as is what
    each chapter says (:class:`analysis_lib.binding.chapters.About`).

    Long because it is one page, written from top to bottom.
    """
    rows, further = (_rows_of(folder, told_as) for told_as in (chapters.STUDY, chapters.FURTHER))
    stem = folder / takeaway.FOLDER / study.name
    stem.parent.mkdir(parents=True, exist_ok=True)
    answered = checklist(study, folder)
    caution = SYNTHETIC if study.synthetic else ROUNDED if disclosure.hides(study) else ""
    lines = [f"# {TITLE}: {notes.markdown(study.title)}", "", notes.about_html(study), ""]
    if study.synthetic:
        lines += [":::{warning}", SYNTHETIC, ":::", ""]
    lines += [
        "Everything on this page is written from the result rows of this cohort's chapters: what a "
        "chapter could not do is left "
        "out. It is a draft to check and to put into your own words."
        + (f" {ROUNDED}" if disclosure.hides(study) else ""),
        "",
    ]
    for name, written in {
        "Methods": methods_text(study, rows, further),
        "Results": results_text(study, rows),
    }.items():
        file = stem.with_name(f"{stem.name}-{name.lower()}.txt")
        told = [f"{name}: {study.title}", takeaway.about(study), caution, written]
        file.write_text("\n\n".join(filter(None, told)) + "\n", "utf-8")
        lines += [
            f"## {name}",
            "",
            "```{code-block} text",
            ":class: manuscript",
            "",
            written,
            "```",
            "",
            "{.take-away}",
            f"[{name.lower()} (text)]({takeaway.FOLDER}/{file.name})",
            "",
        ]
    word = stem.with_name(f"{stem.name}-strobe.docx")
    word.write_bytes(
        word_file.word(
            f"STROBE checklist: {study.title}", [takeaway.about(study)], [checklist_table(answered)]
        )
    )
    lines += [
        "## STROBE checklist",
        "",
        "What a report of a cohort study should tell, by the STROBE statement "
        "{cite:p}`vonelm2007,vandenbroucke2007`, here in our "
        "own words; journals want its own form. Each item links to where this book answers it, and "
        "says what is left for the "
        "authors.",
        "",
        "{.take-away}",
        f"[checklist (Word)]({takeaway.FOLDER}/{word.name})",
        "",
        *tables.markdown_table(
            ["Item", "Asked for", "Where it is answered"],
            [
                [f"{item.number} {item.topic}", item.asks, places_in_book(item, places)]
                for item, places in answered
            ],
            "The STROBE checklist for cohort studies",
        ),
    ]
    (folder / "report.md").write_text("\n".join(lines) + "\n", "utf-8")


def _rows_of(folder: Path, told_as: str) -> Released:
    """The rows of the chapters that are told so; of a row that two share, the first."""
    files = [folder / "results" / f"{each}.csv" for each in chapters.chapters()]
    return results.read_files(
        [file for file in files if file.is_file() and chapters.about(file.stem).told_as == told_as]
    )
