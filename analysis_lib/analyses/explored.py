"""What the explorer shows, computed before anybody looks: curves with their intervals, and series of rows
along a parameter that a slider moves.

A cohort whose small numbers are hidden gets the curves and rows of chapter 4 and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from analysis_lib.analyses import immortal, radiotherapy, simulation, survival
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.first_course import with_first_course
from analysis_lib.cohort.needs import without_groups
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators.curves import INTERVAL, kaplan_meier
from analysis_lib.rows import results
from analysis_lib.rows.released import public, release

ENDPOINTS = ("OS1", "EFS1", "OS2", "EFS2")
INTERVALS = (INTERVAL, "log-log", "plain")
LANDMARKS = range(1, 13)  # months
ALPHA_BETA = (1, 2, 3, 4, 6, 8, 10, 15, 20)  # Gy
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of the choice of treatment by prognosis
WAITS = (2, 4, 6, 8, 12, 18, 24)  # months until a second modality, on average


def comparisons(study: Cohort) -> list[tuple[str, str]]:
    """Endpoints, each with the column whose groups are compared (empty: everybody), as far as the cohort has
    them.
    """
    wanted = [(name, "") for name in ENDPOINTS]
    wanted += [("OS2", "salvage_sequence"), ("EFS2", study.groups)]
    if not disclosure.hides(study):
        wanted += [("OS2", study.groups), ("EFS2", "salvage_sequence")]
        wanted += [(name, each.column) for name in ENDPOINTS for each in study.factors if name in each.alone]
    return [
        (name, by)
        for name, by in dict.fromkeys(wanted)
        if not without_groups(study, name, by or None) and not study.factor(by).number
    ]


def curves(study: Cohort, name: str, by: str) -> pd.DataFrame:
    """Kaplan-Meier curves with every interval of :data:`INTERVALS`, stacked.

    Returns
    -------
    pandas.DataFrame
        Released: ``months, at_risk, survival, lower, upper, group, interval``, and ``censored`` where every
        step may be shown; of a cohort whose small numbers are hidden the coarse curve, with one interval.
    """
    if disclosure.hides(study):
        drawn = survival.curves(study, name, by or None)
        return release(_in_months(drawn, INTERVAL), study.min_cell_count)
    frame = endpoints.watched(endpoints.derive(study, name, late=True), by)
    known = frame[frame[by].notna()] if by else frame
    groups = known.groupby(by, observed=True) if by else [("", known)]
    parts = [
        _in_months(
            kaplan_meier(one["days"], one["event"], start=endpoints.start_of(one), interval=interval).assign(
                group=study.level_label(by, str(label))
            ),
            interval,
        )
        for label, one in groups
        for interval in INTERVALS
    ]
    return release(pd.concat(parts).reset_index(drop=True), study.min_cell_count)


def _in_months(curve: pd.DataFrame, interval: str) -> pd.DataFrame:
    if results.skip_reason(curve):
        return curve
    return curve.assign(months=curve["days"] / DAYS_PER_MONTH, interval=interval).drop(columns="days")


# --- what a slider moves --------------------------------------------------------------------------


def landmarks(study: Cohort) -> pd.DataFrame:
    """Second modality after systemic therapy, from a landmark on: rows ``landmark.m<month>``."""
    frame = immortal.second_modality(study, "ST")
    if results.skip_reason(frame):
        return frame
    found = [
        _renamed(immortal.compare(study, frame, "st", month), ".landmark", f"landmark.m{month}")
        for month in LANDMARKS
    ]
    return disclosure.protect(study, results.collect(_known(found)))


def alpha_betas(study: Cohort) -> pd.DataFrame:
    """Median biologically effective dose, share of high doses, and the test of survival by dose, for each
    ratio: rows ``ratio<ab>.bed``, ``ratio<ab>.high`` and ``ratio<ab>.test``.
    """
    found = []
    for ratio in ALPHA_BETA:
        doses = radiotherapy.doses(study, ratio)
        by_dose = survival.estimates(with_first_course(study, ratio), "OSRT", by="bed_group")
        found += [
            _renamed(doses, "rt.bed", f"ratio{ratio}.bed"),
            _renamed(doses, "rt.high_bed", f"ratio{ratio}.high"),
            _renamed(by_dose, "osrt.logrank.bed_group", f"ratio{ratio}.test"),
        ]
    return disclosure.protect(study, results.collect(_known(found)))


def strengths() -> pd.DataFrame:
    """The confounded comparison of chapter 13 by how strongly prognosis drives the choice of treatment: rows
    ``strength<percent>.naive`` and ``.remedy``; the truth is a ratio of 1.
    """
    settings = {f"strength{round(100 * each)}": {"strength": each} for each in STRENGTHS}
    return _simulated(simulation.confounding, settings)


def waits() -> pd.DataFrame:
    """The comparison with immortal time by how long a second modality is waited for: rows
    ``wait<months>.naive`` and ``.remedy``; the truth is a ratio of 1.
    """
    settings = {f"wait{each}": {"second_a_day": 1 / (each * DAYS_PER_MONTH)} for each in WAITS}
    return _simulated(simulation.immortal_time, settings)


def _simulated(
    question: Callable[[Cohort], Sequence[pd.DataFrame]], settings: dict[str, dict]
) -> pd.DataFrame:
    """The naive answer to a question and its remedy, in a simulated cohort for each setting."""
    found = []
    for name, setting in settings.items():
        study, _ = simulation.read(**setting)
        answers = zip(("naive", "remedy"), question(study))
        found += [rows.assign(result_id=f"{name}.{way}") for way, rows in answers]
    return public(results.collect(_known(found)))


def _renamed(rows: pd.DataFrame, ending: str, name: str) -> pd.DataFrame:
    found = rows[rows["result_id"].str.endswith(ending)]
    return found.assign(result_id=name)


def _known(found: Iterable[pd.DataFrame]) -> list[pd.DataFrame]:
    return [each for each in found if len(each) and not results.skip_reason(each)]
