"""Early and informative censoring: what the patients who were lost to follow-up early could change.

Kaplan and Meier's estimate takes it that whoever is censored would have fared as those who were still
followed. Bounds ask nothing: all censored died at once, or none did. A tipping point says how much worse
than the others they must have fared before an estimate leaves its own interval. Inverse probability of
censoring weights let patients stand for those alike in what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis_lib.analyses import summaries, survival
from analysis_lib.analyses.absolute import samples, spread_of
from analysis_lib.analyses.ratio import usable
from analysis_lib.analyses.weighting import CONFOUNDERS
from analysis_lib.cohort import coarse, disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import censoring, models
from analysis_lib.estimators.curves import at, kaplan_meier
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug
from analysis_lib.rows.rounding import significant

GROUPS = {"": "All patients", "RT": "Radiotherapy alone", "ST": "Systemic therapy alone"}
FACTORS = np.geomspace(1 / 16, 16, 65)  # how often the censored die against the others, in the figure
REFITTED = 200  # bootstrap samples to which the model of the censoring is fitted
DRAWN = f"{REFITTED} bootstrap samples, seed {SEED}"
FEWEST_CENSORED = 10  # below which no model of the censoring is tried


def _groups(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """All patients, then those of each regimen that occurs: its level, what it is called, its rows."""
    for level, words in GROUPS.items():
        of = frame[frame["salvage_regimen"] == level] if level and "salvage_regimen" in frame else frame
        if len(of) and (not level or "salvage_regimen" in frame):
            yield level, words, of.reset_index(drop=True)


def _about(level: str) -> dict:
    return {"endpoint": "OS2", "by": "salvage_regimen" if level else "", "level": level}


@disclosure.protected
@needs("censoring.os2", "OS2")
def bounds(study: Cohort) -> pd.DataFrame:
    """What early censoring could have hidden: OS2 overall, and after radiotherapy and systemic therapy alone.

    Returns
    -------
    pandas.DataFrame
        For the months of :func:`survival.rate_months`, and with ``.rt`` or ``.st`` for a regimen:
        ``censoring.os2.early<m>`` (who was censored before), ``.worst<m>`` and ``.best<m>`` (alive if all of
        these, or none, died at once), ``.km<m>`` (as if they fared like the others), ``.tip<m>`` (how many
        times as often as the others they must have died for the estimate to fall to its lower limit); and
        ``.gap.worst<m>, .gap.best<m>`` (radiotherapy less systemic therapy, at the bounds) and
        ``.gap.tip<m>`` (the same factor after radiotherapy that makes both regimens alike).
    """
    frame = endpoints.derive(study, "OS2")
    if frame.empty:
        return results.skipped("censoring.os2", survival.NOBODY)
    parts = list(_groups(frame))
    rows: list = []
    for month in survival.rate_months(study):
        rows += [each for part in parts for each in _of_group(*part, month, study.min_cell_count)]
        groups = {level: of for level, _, of in parts if level}
        if len(groups) == 2:
            rows += _gap(groups["RT"], groups["ST"], month, study.min_cell_count)
    return results.collect(rows)


def _of_group(level: str, words: str, of: pd.DataFrame, month: int, k: int) -> list:
    day, tail = month * DAYS_PER_MONTH, [level.lower()] if level else []
    known = censoring.known(of["days"], of["event"], day)
    shared: dict = {"group": f"{words}, {month} months", **_about(level)}
    n = len(of)
    rows: list = [
        summaries.proportion(slug(f"censoring.os2.{what}{month}", *tail), count, n, population=said, **shared)
        for what, count, said in (
            ("early", known.unknown, "censored before"),
            ("worst", known.alive, "alive if all censored before had died"),
            ("best", known.alive + known.unknown, "alive if none censored before had died"),
        )
    ]
    curve = kaplan_meier(of["days"], of["event"])
    step, ids = at(curve, day), [slug(f"censoring.os2.{what}{month}", *tail) for what in ("km", "tip")]
    if step is None or not coarse.carried(curve, day, k) or (k > 1 and known.unknown < k):
        why = disclosure.TOO_FEW if step is not None else f"follow-up ends before {month} months"
        return [*rows, *(results.skipped(each, f"{shared['group']}: {why}") for each in ids)]
    counts: dict = {"n": n, "events": int(of["event"].sum())}
    rows.append(
        row(
            ids[0],
            "rate",
            100 * step["survival"],
            lower=100 * step["lower"],
            upper=100 * step["upper"],
            method="Kaplan-Meier, Greenwood variance, log interval",
            **counts,
            **shared,
        )
    )
    return [*rows, _tip(ids[1], of, day, float(step["lower"]), k, counts | shared)]


def _tip(
    result_id: str, of: pd.DataFrame, day: float, level: float, k: int, shared: dict
) -> dict | pd.DataFrame:
    try:
        factor = censoring.tipping(censoring.heights(of["days"], of["event"], day), level)
    except NotEstimable as why:
        return results.skipped(result_id, f"{shared['group']}: {why}")
    return row(
        result_id,
        "estimate",
        significant(factor, 2) if k > 1 else factor,
        method="tipping point of the censored",
        **shared,
    )


def _gap(rt: pd.DataFrame, st: pd.DataFrame, month: int, k: int) -> list:
    """Radiotherapy less systemic therapy at the bounds of both, and the factor that makes them alike."""
    day, named = month * DAYS_PER_MONTH, f"Radiotherapy less systemic therapy, {month} months"
    shown = disclosure.released([censoring.known(of["days"], of["event"], day) for of in (rt, st)], k)
    tip = f"censoring.os2.gap.tip{month}"
    if shown is None:
        return [results.skipped(f"censoring.os2.gap.worst{month}", f"{named}: {disclosure.TOO_FEW}")]
    (low_rt, high_rt), (low_st, high_st) = (
        (100 * alive / (dead + alive + unknown), 100 * (alive + unknown) / (dead + alive + unknown))
        for dead, alive, unknown in shown
    )
    about: dict = {"n": int(shown.sum()), "endpoint": "OS2", "by": "salvage_regimen", "level": "RT"}
    rows: list = [
        row(
            f"censoring.os2.gap.{what}{month}",
            "rate difference",
            value,
            group=f"{named}, {words}",
            method="worst and best case of the censored",
            **about,
        )
        for what, value, words in (
            ("worst", low_rt - high_st, "worst case"),
            ("best", high_rt - low_st, "best case"),
        )
    ]
    try:
        level = censoring.survival(st["days"], st["event"], day, 1)
        censoring.survival(rt["days"], rt["event"], day, 1)
    except NotEstimable as why:
        return [*rows, results.skipped(tip, f"{named}: {why}")]
    if k > 1 and not all(coarse.carried(kaplan_meier(of["days"], of["event"]), day, k) for of in (rt, st)):
        return [*rows, results.skipped(tip, f"{named}: {disclosure.TOO_FEW}")]
    events = int(rt["event"].sum() + st["event"].sum())
    return [*rows, _tip(tip, rt, day, level, k, about | {"group": named, "events": events})]


@disclosure.protected
@needs("censoring.os2.ipcw", "OS2", any_of=tuple(CONFOUNDERS))
def weighted(study: Cohort) -> pd.DataFrame:
    """OS2 with inverse probability of censoring weights, from a Cox model of the censoring on what was
    known when salvage therapy began: rows ``censoring.os2.ipcw<m>[.<rt, st>]``, with bootstrap intervals
    that refit that model.
    """
    frame = endpoints.derive(study, "OS2")
    factors = usable(study, frame, [*CONFOUNDERS, "salvage_regimen"])
    frame = frame.dropna(subset=factors).reset_index(drop=True)
    months = survival.rate_months(study)
    k = study.min_cell_count
    if (~frame["event"]).sum() < max(FEWEST_CENSORED, k):
        return results.skipped("censoring.os2.ipcw", "too few patients were censored for a model of it")
    if disclosure.thin_levels(frame, factors, k) or disclosure.thin_levels(
        frame.assign(event=~frame["event"]), factors, k
    ):
        return results.skipped("censoring.os2.ipcw", disclosure.TOO_FEW)
    terms, days = models.indicators(frame, factors), [month * DAYS_PER_MONTH for month in months]
    parts = list(_groups(frame))
    among = [frame["patient_id"].isin(of["patient_id"]).to_numpy() for _, _, of in parts]
    exact, found = (
        100 * censoring.weighted(terms, frame["days"], frame["event"], days, among, drawn)
        for drawn in (None, samples(len(frame))[:REFITTED])
    )
    rows = []
    for group, (level, words, of) in enumerate(parts):
        for place, month in enumerate(months):
            result_id = slug(f"censoring.os2.ipcw{month}", *([level.lower()] if level else []))
            value = float(exact[0, group, place])
            named = f"{words}, {month} months, weighted for censoring"
            if reason := _unweighted(of, value, days[place], k):
                rows.append(results.skipped(result_id, f"{named}: {reason}"))
                continue
            lower, upper = spread_of(found[:, group, place], value)
            rows.append(
                row(
                    result_id,
                    "rate",
                    value,
                    lower=lower,
                    upper=upper,
                    n=len(of),
                    events=int(of["event"].sum()),
                    group=named,
                    method=f"inverse probability of censoring weights, {DRAWN}",
                    **_about(level),
                )
            )
    return results.collect(rows)


def _unweighted(of: pd.DataFrame, value: float, day: float, k: int) -> str:
    """Why a weighted estimate is not shown; empty where it is."""
    if k > 1 and not coarse.carried(kaplan_meier(of["days"], of["event"]), day, k):
        return disclosure.TOO_FEW
    if of["days"].max() < day:
        return f"follow-up ends on day {of['days'].max()}"
    return models.RUN_AWAY if np.isnan(value) else ""


@needs("censoring.curve", "OS2")
def curves(study: Cohort) -> pd.DataFrame:
    """OS2 at the first of the months by how often the censored die against the others: ``group, factor,
    percent, month``; or the row that says why there is none.
    """
    if disclosure.hides(study):
        return disclosure.skipped(study, "censoring.curve", "the figure would show single patients")
    frame, month = endpoints.derive(study, "OS2"), survival.rate_months(study)[0]
    parts = []
    for _, words, of in _groups(frame):
        try:
            height = censoring.heights(of["days"], of["event"], month * DAYS_PER_MONTH)
        except NotEstimable:
            continue
        parts.append(
            pd.DataFrame(
                {
                    "group": words,
                    "factor": FACTORS,
                    "percent": [100 * height(factor) for factor in FACTORS],
                    "month": month,
                }
            )
        )
    if not parts:
        return disclosure.skipped(study, "censoring.curve", f"follow-up ends before {month} months")
    return release(pd.concat(parts, ignore_index=True), study.min_cell_count)
