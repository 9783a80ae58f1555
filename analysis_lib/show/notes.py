"""Notes beside the numbers: whose they are, what is not shown and why, what was left out."""

from __future__ import annotations

import re

import pandas as pd

from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import payloads
from analysis_lib.show.fragments import fragment
from analysis_lib.show.numbers import estimate

TOO_SMALL = "the numbers are too small"


def too_small(rows: pd.DataFrame) -> str:
    """Why a table of these rows would say nothing: every number in it is hidden; else empty."""
    numbers = rows[rows["statistic"] != "skipped"]
    gone = [bool(results.hidden(row)) and pd.isna(row["value"]) for _, row in numbers.iterrows()]
    return TOO_SMALL if gone and all(gone) else ""


def markdown(words: str) -> str:
    """Words of a manifest as they stand, for Markdown: nothing in them is a link, a tag, mathematics or a
    role.
    """
    return re.sub(r"([\\`*_{}\[\]<>$|~&!@#^])", r"\\\1", words)


def skip(reason: str) -> None:
    """Say that something is not shown, and why."""
    payloads.show(skip_html(reason), payloads.NOTE, {"kind": payloads.SKIPPED, "reason": reason})


def skip_html(reason: str) -> str:
    """The note that :func:`skip` shows."""
    return fragment("skip", reason=reason)


def captioned(caption: str, told: str) -> str:
    """A caption that says what something is, followed by how it was made; see
    :func:`analysis_lib.rows.methods.how`.
    """
    return f"{caption.rstrip('.')}. {told}" if told else caption


def left_out(rows: pd.DataFrame) -> None:
    """Say why parts of an analysis are missing; nothing when none is."""
    require(rows)
    if notes := list(dict.fromkeys(rows.loc[rows["statistic"] == "skipped", "note"])):
        skip("; ".join(notes))


def noticed(rows: pd.DataFrame) -> None:
    """Show the rows of :func:`analysis_lib.analyses.participants.noticed` as a list, a line for each thing
    that was odd; nothing when none was.
    """
    require(rows)
    if rows.empty:
        return
    lines = []
    for _, row in rows.iterrows():
        number = row["note"] if pd.isna(row["value"]) else estimate(row)
        patients = "patient" if number == "1" else "patients"
        lines.append(f"{row['group']}{f': {number} {patients}' if number else ''}")
    payloads.show(fragment("list", lines=lines))


def about(study: Cohort) -> None:
    """Say whose numbers the page holds; a synthetic cohort is called that wherever it shows."""
    payloads.show(about_html(study), payloads.NOTE, {"kind": payloads.WHOSE})


def about_html(study: Cohort) -> str:
    """The note that :func:`about` shows."""
    who, *told = about_words(study)
    return fragment("whose", synthetic=study.synthetic, who=who, told=told)


def about_words(study: Cohort) -> list[str]:
    """What :func:`about` says: whose numbers, and what must be known of them."""
    synthetic = (
        "These patients are synthetic, made to be consistent with the numbers that the paper prints: "
        "agreement with the paper is by construction and is no evidence."
    )
    told = [synthetic if study.synthetic else "", study.note, disclosure.in_words(study)]
    return [f"{study.title}: {disclosure.patients_in_words(study)}.", *filter(None, told)]
