"""Disclosure control: which numbers of real patients are shown, and how exactly.

With ``k`` the cohort's ``min_cell_count``: counts below ``k`` are hidden, all others stand for their band of
``k`` (:func:`banded`), and whatever can be computed from shown numbers is computed from those: shares, tests
of tables, standardised differences, needed sizes, heights of curves. What needs the patients themselves
(models, medians) is shown where every group behind it has ``k`` patients and ``k`` events, and only as
exactly as ``k`` patients together allow: medians are means of the middle ``k`` (:func:`middle`), rates stand
in steps of ``k`` patients, ratios have two digits. ``k`` counts patients, whatever a table's unit
(:func:`of_patients`). Reasons are said in words that tell nothing of the patients (:func:`reason`). Because
*every* count is banded, no sum, difference or percentage gives a hidden one back, whichever tables are held
against each other; the banding of counts is that of OpenSAFELY (midpoint rounding). The analyses apply
:func:`protect` and :func:`analysis_lib.cohort.coarse.coarse` to what they return, so that prose, tables,
figures, files and pooling never see anything else. Synthetic cohorts have ``k`` 0, and nothing happens.

Long because whoever answers for the patients reads in one place what is shown of them, and how exactly.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results
from analysis_lib.rows.limits import exact_share
from analysis_lib.rows.released import NotReleased, Released, release
from analysis_lib.rows.rounding import half_up, significant

P = ParamSpec("P")

RULE = "min_cell_count"  # under which name a frame of single patients carries it
COUNTS = ("count", "at risk")
OF_VALUES = ("median", "median months", "median dose", "range", "range months", "range dose")
OF_TIMES = ("median time", "rate", "rate difference", "restricted mean")
RATIOS = ("hazard ratio", "odds ratio")
TOO_FEW = "too few patients or events to show it"
# Reasons and notes that speak of the file's columns, the code or the rule, not of patients: these are said as
# they are.
PUBLIC_REASONS = re.compile(
    r"([^:;]+: )?(this cohort has no columns? .+|observation of these patients began .+|"
    r"stage is not that of day 0|the figure would show single "
    r"patients.*|"
    rf"its steps would show single patients|{TOO_FEW})|fewer than two of the comparisons that the paper "
    rf"reports can be made here|no factor could be compared|P values that are rounded cannot be corrected|"
    r"there is no share that every group shows"
)
SPEAKS_OF_PATIENTS = re.compile(
    r"nobody|no ?one|\bno (site|event|value)|\ball "
    r"(patients|of)|alike|everyone|only|\bone\b|fewer|too few|run away|\d+ event"
)
NUMBERS_ALLOWED = re.compile(r"\d+ df|alpha/beta [\d.]+ Gy|P rounded to one digit|expected counts below 5")
NUMBERS_IN_NOTES = (  # what notes say of exact counts: the pattern, and what is left of it
    (r"chi-square [\d.]+, (\d+ df)", r"\1, P rounded to one digit"),
    (r", \d+ of (\d+) samples", r", \1 samples"),
    (r"\b\d+ of \d+\b", "some"),
    (r"because .*\(separation\)", "because the plain model has no estimate (separation)"),
    (r"P [=<] [\d.]+ before correction", "P before correction is not shown"),
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
        "What is computed from counts (tests of tables, standardised differences) is computed from the "
        "rounded ones. Medians are means "
        f"of the middle {k} patients, rates stand in steps of {k} patients, ratios have two digits, P "
        f"values one."
    )


def protected(
    analysis: Callable[Concatenate[Cohort, P], pd.DataFrame],
) -> Callable[Concatenate[Cohort, P], Released]:
    """Make an analysis ``f(study, ...)`` return protected rows."""

    @functools.wraps(analysis)
    def protecting(study: Cohort, *arguments: P.args, **options: P.kwargs) -> Released:
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
    return protect_by(rows, study.min_cell_count)


def protect_by(rows: pd.DataFrame, k: int) -> Released:
    """:func:`protect` for an analysis that has the rule and not the cohort."""
    if k <= 1:
        return release(rows, k)
    shown = results.collect([_shown(record, k) for record in rows.to_dict("records")])
    shown.attrs = rows.attrs
    return release(shown, k)


def skipped(study: Cohort, result_id: str, reason: str) -> Released:
    """The row of an analysis that was not done, with the reason as it may be shown."""
    return protect(study, results.skipped(result_id, reason))


def reasoned(study: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of single patients; or, in its place, the row that says why there is none, as it may be
    shown.
    """
    return protect(study, frame) if results.skip_reason(frame) else frame


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


def protected_by_frame(
    analysis: Callable[Concatenate[pd.DataFrame, P], pd.DataFrame],
) -> Callable[Concatenate[pd.DataFrame, P], Released]:
    """Make an analysis ``f(frame, ...)`` of a frame from :func:`carrying` return protected rows."""

    @functools.wraps(analysis)
    def protecting(frame: pd.DataFrame, *arguments: P.args, **options: P.kwargs) -> Released:
        return protect_by(analysis(frame, *arguments, **options), carried_rule(frame))

    return protecting


def of_single_patients(frame: pd.DataFrame) -> str:
    """Why a figure drawn straight from a frame of :func:`carrying` is not shown; empty where it may be."""
    return "its steps would show single patients" if carried_rule(frame) > 1 else ""


def _shown(record: dict, k: int) -> dict:
    """One row as it may be shown."""
    n, events = (None if pd.isna(record[name]) else int(record[name]) for name in ("n", "events"))
    counts = {"n": None if n is None or n < k else banded(n, k)}
    counts["events"] = None if events is None or counts["n"] is None and n is not None else banded(events, k)
    if record["statistic"] == "skipped":
        return record | counts | {"note": reason(record["note"])}
    marked = results.hidden(record)
    why = marked
    if not why and n is not None and n < k:
        why = too_few(k)
    elif not why and events is not None and events < k:
        why = f"fewer than {k}"
    elif (
        not why
        and events is not None
        and n is not None
        and n - events < k
        and record["statistic"] not in COUNTS
    ):
        counts["events"], why = None, f"all but fewer than {k}"
    if marked and marked.startswith(("fewer", "all but")):
        counts["events"] = None
    shown = record | counts | {"method": _without_numbers(record["method"], of_notes=False)}
    shown |= (
        dict.fromkeys(("value", "lower", "upper"), None)
        if marked
        else _numbers(record | {"n": n, "events": events}, shown, k)
    )
    if pd.isna(shown["value"]) and pd.notna(record["value"]) and not why:
        why = f"fewer than {k}" if record["statistic"] in COUNTS else too_few(k)
    rest = record["note"].removeprefix(marked).removeprefix("; ")
    if pd.isna(record["value"]) and not why and rest and rest != "median not reached":
        why, rest = too_few(k), ""
    return shown | {"note": "; ".join(filter(None, [why, _without_numbers(rest)]))}


def reason(note: str) -> str:
    """Why something was not computed, in words that tell nothing of the patients.

    Of the cohort's columns a reason speaks as it is. Every other one, that of nobody as that of some, says
    the same: whether there were none, or three, or follow-up that ended on some day, is what small numbers
    are hidden for. What it is about (``OS1: ...``) stays.
    """
    if PUBLIC_REASONS.fullmatch(note):
        return note
    about, parted, _ = note.partition(": ")
    return f"{about}: {TOO_FEW}" if parted and not SPEAKS_OF_PATIENTS.search(about) else TOO_FEW


def of_patients(record: dict, k: int, *groups: ArrayLike) -> dict:
    """A row about sites or courses, marked to be hidden where one of the groups behind it has fewer than
    ``k`` patients.

    Parameters
    ----------
    record : dict
        From :func:`analysis_lib.rows.results.row`.
    groups : array-like
        For each group behind the number (those counted, and the others), whose each of its sites is. A group
        without any site is left to its count. A group in which all but fewer than ``k`` sites are one
        patient's counts as too few.
    """
    if k <= 1 or results.hidden(record):
        return record
    for whose in groups:
        sites = pd.Series(np.asarray(whose)).value_counts()
        if len(sites) and (len(sites) < k or sites.iloc[1:].sum() < k):
            return record | {
                "note": f"{too_few(k)}; {record['note']}".removesuffix("; "),
                "n": None,
                "events": None,
            }
    return record


def thin_levels(frame: pd.DataFrame, factors: Iterable[str], k: int) -> bool:
    """Whether a level of one of the factors has fewer than ``k`` patients, or patients with the event, in an
    endpoint's rows.
    """
    if k <= 1:
        return False
    known = frame.dropna(subset=list(factors))
    for factor in factors:
        by_level = [
            of.groupby(of[factor].astype(str))["patient_id"].nunique()
            for of in (known, known[known["event"]])
        ]
        levels = known[factor].astype(str).unique()
        if len(levels) < 2 or min(part.reindex(levels, fill_value=0).min() for part in by_level) < k:
            return True
    return False


def middle(values: ArrayLike, level: float, k: int, whose: ArrayLike | None = None) -> float:
    """The quantile of values as ``k`` patients give it: the mean of those nearest to it in order.

    One value in the middle would be one patient's. As many are taken on both sides of it as it needs for
    ``k`` patients; whoever has several values (sites) counts once, with their mean. For ``k`` up to 1 the
    quantile itself (type 7).
    """
    values = np.asarray(values, dtype=float)
    if k <= 1:
        return float(np.quantile(values, level))
    whose = np.arange(len(values)) if whose is None else np.asarray(whose)
    order = np.argsort(values, kind="stable")
    distance = np.abs(np.arange(len(values)) - level * (len(values) - 1))
    for reach in np.unique(distance):
        near = order[distance <= reach + 1e-9]
        if len(set(whose[near])) >= k:
            break
    return float(pd.Series(values[near]).groupby(whose[near]).mean().mean())


def released(counts: ArrayLike, k: int) -> np.ndarray | None:
    """A table of counts as everyone can know it: banded; ``None`` where one of them is hidden."""
    counts = np.asarray(counts, dtype=int)
    if k <= 1:
        return counts
    return None if counts.min() < k else counts // k * k + k // 2


def too_few(k: int) -> str:
    """The note of a number that rests on too few to be shown."""
    return f"small numbers, fewer than {k}"


def _without_numbers(note: str, of_notes: bool = True) -> str:
    """A note or method without what only the patients could tell; a clause of a note with a number that is
    not known goes.
    """
    for pattern, kept in NUMBERS_IN_NOTES:
        note = re.sub(pattern, kept, note)
    if not of_notes:
        return note
    return "; ".join(
        clause
        for clause in note.split("; ")
        if not re.search(r"\d", NUMBERS_ALLOWED.sub("", clause)) or re.fullmatch(r"\d+ patients", clause)
    )


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
    if kind == "expected":
        if not events:
            return nothing | {"value": banded(int(value), k)}
        return nothing | {
            "value": None if pd.isna(shown["events"]) else half_up(value * shown["events"] / events, 1)
        }
    limits = (None, None) if kind.startswith("range") else (exact["lower"], exact["upper"])
    found = {
        name: None if pd.isna(number) else float(number) for name, number in zip(nothing, (value, *limits))
    }
    if kind in RATIOS:
        return {name: None if number is None else _two_digits(number) for name, number in found.items()}
    if kind == "rate":
        return _in_steps(found, 100 * k / (shown["n"] if pd.notna(shown["n"]) else 2 * k))
    return {
        name: None if number is None else half_up(number, results.STATISTICS[kind].decimals)
        for name, number in found.items()
    }


def _two_digits(ratio: float) -> float:
    return significant(ratio, 2) if ratio > 0 and math.isfinite(ratio) else ratio


def _in_steps(rate: dict, step: float) -> dict:
    """A rate, in percent, to the nearest step, its limits to those outside it: ``k`` patients more or less
    change nothing.
    """
    down: dict[str, Callable[[float], float]] = {"value": np.round, "lower": np.floor, "upper": np.ceil}
    return {
        name: None
        if number is None
        else min(100.0, max(0.0, float(down[name](round(number / step, 9)) * step)))
        for name, number in rate.items()
    }


def _percentage(events: int, n: int) -> dict:
    low, high = exact_share(events, n)
    return {"value": 100 * events / n, "lower": 100 * low, "upper": 100 * high}


def one_digit(p: float) -> float:
    """A P value with one digit, on the side of 0.05 where it was."""
    if p < 0.001:
        return 0.0005
    rounded = half_up(p, 1) if p >= 0.1 else significant(p, 1)
    return 0.04 if p < 0.05 <= rounded else rounded


def crossing(curve: pd.DataFrame, day: float, k: int) -> float:
    """The day on which a curve crosses a level, as the ``k`` events nearest to it give it: their mean day."""
    if k <= 1:
        return day
    days = np.repeat(curve["days"].to_numpy(dtype=float), curve["events"].to_numpy(dtype=int))
    first = np.clip(np.searchsorted(days, day) - k // 2, 0, max(len(days) - k, 0))
    return float(days[first : first + k].mean())
