"""Notes beside the numbers: whose they are, what is not shown and why, what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import MOMENTS, label_of, listed
from analysis_lib.rows import results
from analysis_lib.rows.methods import capital
from analysis_lib.rows.released import require
from analysis_lib.show import payloads
from analysis_lib.show.fragments import fragment
from analysis_lib.show.numbers import estimate

TOO_SMALL = "the numbers are too small"
NO_NUMBERS = "the numbers it would speak of do not exist in this cohort"
COLUMN = r"\w+(?:\.\w+)?"  # with its table, if that is not the patients'; no full stop that ends a sentence
NO_COLUMN = re.compile(rf"this cohort has no columns? ({COLUMN}(?:, {COLUMN})*(?: and {COLUMN})?)")
MADE_TO_AGREE = (
    "These patients are synthetic, made to be consistent with the numbers that the paper prints: "
    "agreement with the paper is by construction and is no evidence."
)
INVENTED = "These patients are synthetic: none of them is a real person, and no number here is a finding."
ALIKE = "all patients are alike in "
MANY = 4  # things that a sentence names
WHOLE = {"sites": "the irradiated sites", "lines": "the lines of therapy", "screening": "who was screened"}


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
    return fragment("skip", reason=plain(reason))


def unshown_html(found: Iterable[tuple[str, str]]) -> str:
    """One box for all that a page does not show: each reason once, and what it takes away, each once."""
    by_reason: dict[str, list[str]] = {}
    told: set[str] = set()  # one reason is enough: under a second the same line would look like another
    for what, reason in found:
        if what not in told:
            told.add(what)
            by_reason.setdefault(plain(reason), []).append(what)
    lines = [(capital(reason), what) for reason, what in by_reason.items()]
    return fragment("unshown", lines=lines)


def plain(reason: str) -> str:
    """A reason in a reader's words: what is not recorded by what it is called, not by its column."""
    return NO_COLUMN.sub(lambda found: _not_recorded(re.split(r", | and ", found[1])), reason)


def _not_recorded(columns: list[str]) -> str:
    called = [WHOLE.get(name) or _in_a_sentence(name.rpartition(".")[2]) for name in columns]
    if len(called) > MANY:
        called = [*called[: MANY - 1], f"{len(called) - MANY + 1} other things"]
    plural = len(called) > 1 or columns[0] in ("sites", "lines")
    return f"{listed(called)} {'are' if plural else 'is'} not recorded"


def _in_a_sentence(column: str) -> str:
    """What a column is called within a sentence; a day is the day of something."""
    if column.endswith("_day"):
        happened = column.removesuffix("_day")
        return f"the day of {MOMENTS.get(happened, happened.replace('_', ' '))}"
    words = label_of(column)
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def captioned(caption: str, told: str) -> str:
    """A caption that says what something is, followed by how it was made; see
    :func:`analysis_lib.rows.methods.how`.
    """
    return f"{caption.rstrip('.')}. {told}" if told else caption


def left_out(rows: pd.DataFrame) -> None:
    """Say why parts of an analysis are missing; nothing when none is."""
    require(rows)
    if notes := list(dict.fromkeys(rows.loc[rows["statistic"] == "skipped", "note"])):
        first, *others = _each_reason_once(notes)
        skip(". ".join([first, *map(capital, others)]))


def _each_reason_once(notes: list[str]) -> list[str]:
    """Notes such as *what: why*, each reason behind all that has it: *what; what: why*; and in what all
    patients are alike in one list.
    """
    by_reason: dict[str, list[str]] = {}
    alike = [note.removeprefix(ALIKE) for note in notes if note.startswith(ALIKE)]
    if alike:
        by_reason[ALIKE + listed(alike)] = []
    for note in notes:
        if note.startswith(ALIKE):
            continue
        what, _, why = note.rpartition(": ")
        by_reason.setdefault(why, []).extend(filter(None, [what]))
    return [": ".join(filter(None, ("; ".join(what), why))) for why, what in by_reason.items()]


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
    invented = MADE_TO_AGREE if study.made_to_agree else INVENTED
    told = [invented if study.synthetic else "", study.note, disclosure.in_words(study)]
    return [f"{study.title}: {disclosure.patients_in_words(study)}.", *filter(None, told)]
