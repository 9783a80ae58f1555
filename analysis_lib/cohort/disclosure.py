"""Disclosure control: which numbers of real patients are shown, and how exactly.

With ``k`` the cohort's ``min_cell_count``: counts below ``k`` are hidden, all others stand for their band of
``k`` (:func:`banded`), and whatever is computed from counts is computed from those. Estimates that rest on
too few are hidden, the others are rounded to what a page prints. Because *every* count is banded, no sum,
difference or percentage gives a hidden one back, whichever tables are held against each other; the banding of
counts is that of OpenSAFELY (midpoint rounding). The analyses apply :func:`protect` and
:func:`analysis_lib.cohort.coarse.coarse` to what they return, so that prose, tables, figures, files and
pooling never see anything else. Synthetic cohorts have ``k`` 0, and nothing happens.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import pandas as pd
from scipy import stats

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import NotReleased, Released, release

RULE = "min_cell_count"  # under which name a frame of single patients carries it
COUNTS = ("count", "at risk")
OF_VALUES = ("median", "median months", "median dose", "range", "range months", "range dose")
OF_TIMES = ("median time", "rate", "restricted mean")
RATIOS = ("hazard ratio", "odds ratio")
NUMBERS_IN_NOTES = (  # what notes say of exact counts: the pattern, and what is left of it
    (r"chi-square [\d.]+, (\d+ df)", r"\1, P rounded to one digit"),
    (r"\b\d+ of \d+\b", "some"),
    (r"P [=<] [\d.]+ by itself", "P by itself is not shown"),
)


def hides(study: Cohort) -> bool:
    """Whether anything of this cohort is to be hidden."""
    return study.min_cell_count > 1


def banded(count: int, k: int) -> int | None:
    """What is shown of a count: the middle of its band (5–9 is 7, 10–14 is 12 for ``k`` 5), nothing below
    ``k``.
    """
    if k <= 1:
        return int(count)
    return None if count < k else int(count) // k * k + k // 2


def patients_in_words(study: Cohort) -> str:
    """The size of the cohort: ``120 patients``, ``about 122 patients`` where counts are banded."""
    number = len(study.patients)
    if not hides(study):
        return f"{number} patient{'s' if number != 1 else ''}"
    shown = banded(number, study.min_cell_count)
    return f"fewer than {study.min_cell_count} patients" if shown is None else f"about {shown} patients"


def in_words(study: Cohort) -> str:
    """What a page says of hidden numbers; empty when there are none."""
    if not hides(study):
        return ""
    k = study.min_cell_count
    return (
        f"To protect patients, numbers below {k} are not shown and all others are rounded to the middle "
        f"of a band of {k} "
        f"({k} to {2 * k - 1} is shown as {banded(k, k)}); percentages are those of the rounded numbers. "
        "P values are rounded to one digit."
    )


def protected(analysis: Callable[..., pd.DataFrame]) -> Callable[..., Released]:
    """Make an analysis ``f(study, ...)`` return protected rows."""

    @functools.wraps(analysis)
    def protecting(study: Cohort, *arguments, **options) -> pd.DataFrame:
        return protect(study, analysis(study, *arguments, **options))

    return protecting


def protect(study: Cohort, rows: pd.DataFrame) -> Released:
    """The rows as they may be shown; doing it twice changes nothing.

    Counts (``n``, ``events``, values that are counts) are banded. A share is hidden when fewer than ``k``
    had, or had not, what is counted; else percentage and interval follow from the banded counts. Smallest and
    largest values are single patients' and go. Medians of values need ``2 k`` of them; times, rates and tests
    ``2 k`` patients and ``k`` events, ratios ``2 k`` events. P values keep one digit, and test statistics go.
    A row from which anything was taken says so in its note (:func:`analysis_lib.rows.results.hidden`).
    """
    return _protect(rows, study.min_cell_count)


def _protect(rows: pd.DataFrame, k: int) -> Released:
    if k <= 1:
        return release(rows, k)
    shown = results.collect([_shown(record, k) for record in rows.to_dict("records")])
    shown.attrs = rows.attrs
    return release(shown, k)


def skipped(study: Cohort, result_id: str, reason: str) -> Released:
    """The row of an analysis that was not done, with the reason as it may be shown."""
    return protect(study, results.skipped(result_id, reason))


def carrying(study: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of single patients that knows from how many on its cohort's numbers may be shown."""
    frame.attrs[RULE] = study.min_cell_count
    return frame


def carried_rule(frame: pd.DataFrame) -> int:
    """The rule that a frame of :func:`carrying` brings with it.

    Raises
    ------
    NotReleased
        If it brings none, as after a pandas operation that dropped it: then nothing is made of it.
    """
    if isinstance(frame, Released) and frame.rule is not None:  # the row that says why there is no table
        return frame.rule
    if RULE not in frame.attrs:
        raise NotReleased(
            "This table of single patients no longer says which disclosure rule its cohort has, so nothing "
            "is "
            "shown of it. Pass it through disclosure.carrying(study, table)."
        )
    return frame.attrs[RULE]


def protected_by_frame(analysis: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Make an analysis ``f(frame, ...)`` of a frame from :func:`carrying` return protected rows."""

    @functools.wraps(analysis)
    def protecting(frame: pd.DataFrame, *arguments, **options) -> pd.DataFrame:
        return _protect(analysis(frame, *arguments, **options), carried_rule(frame))

    return protecting


def of_single_patients(frame: pd.DataFrame) -> str:
    """Why a figure drawn straight from a frame of :func:`carrying` is not shown; empty where it may be."""
    return "its steps would show single patients" if carried_rule(frame) > 1 else ""


def _shown(record: dict, k: int) -> dict:
    """One row as it may be shown."""
    if record["statistic"] == "skipped":
        return record
    shown = record | {"note": _without_numbers(record["note"])}
    n, events = (None if pd.isna(record[name]) else int(record[name]) for name in ("n", "events"))
    reason = ""
    if events is not None and n is not None and n - events < k and record["statistic"] not in COUNTS:
        shown["events"], reason = None, f"all but fewer than {k}"
    if events is not None and events < k:
        shown["events"], reason = None, f"fewer than {k}"
    if n is not None and n < k:
        shown["n"] = shown["events"] = None
        reason = too_few(k)
    for name in ("n", "events"):
        if pd.notna(shown[name]):
            shown[name] = banded(int(shown[name]), k)
    shown |= _numbers(record | {"n": n, "events": events}, shown, k)
    if pd.isna(shown["value"]) and pd.notna(record["value"]) and not reason:
        reason = f"fewer than {k}" if record["statistic"] in COUNTS else too_few(k)
    if reason:
        before = shown["note"].removeprefix(results.hidden(shown)).removeprefix("; ")
        shown["note"] = "; ".join(filter(None, [reason, before]))
    return shown


def too_few(k: int) -> str:
    """The note of a number that rests on too few to be shown."""
    return f"small numbers, fewer than {k}"


def _without_numbers(note: str) -> str:
    for pattern, kept in NUMBERS_IN_NOTES:
        note = re.sub(pattern, kept, note)
    return note


def _numbers(exact: dict, shown: dict, k: int) -> dict:
    """``value``, ``lower`` and ``upper`` of a row as they may be shown, given its exact and its shown
    counts.
    """
    kind, value, n, events = exact["statistic"], exact["value"], exact["n"], exact["events"]
    nothing = {"value": None, "lower": None, "upper": None}
    if pd.isna(value):
        return nothing
    if kind in COUNTS:
        return nothing | {"value": banded(int(value), k)}
    if kind == "proportion":
        return nothing if pd.isna(shown["events"]) else _percentage(shown["events"], shown["n"])
    too_few = (
        (n is not None and n < 2 * k and kind in (*OF_VALUES, *OF_TIMES, *RATIOS, "p"))
        or (events is not None and events < k)
        or (kind in RATIOS and events is not None and events < 2 * k)
    )
    if too_few:
        return nothing
    if kind == "p":
        return nothing | {"value": one_digit(float(value))}
    if kind == "expected" and events:
        value = value * shown["events"] / events if pd.notna(shown["events"]) else None
    limits = (None, None) if kind.startswith("range") else (exact["lower"], exact["upper"])
    return {
        name: None if pd.isna(number) else round(float(number), results.STATISTICS[kind].decimals)
        for name, number in zip(nothing, (value, *limits))
    }


def _percentage(events: int, n: int) -> dict:
    interval = stats.binomtest(events, n).proportion_ci(0.95, method="exact")
    return {"value": 100 * events / n, "lower": 100 * interval.low, "upper": 100 * interval.high}


def one_digit(p: float) -> float:
    """A P value with one digit, on the side of 0.05 where it was."""
    if p < 0.001:
        return 0.0005
    rounded = round(p, 1) if p >= 0.1 else float(f"{p:.0e}")
    return 0.04 if p < 0.05 <= rounded else rounded
