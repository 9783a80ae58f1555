"""Events that compete, as a cohort's own file names them: which comes first, how often, and in whom.

Whoever has one of them is out of the reach of the others, and so is whoever dies. One minus Kaplan-Meier of a
single event speaks of a world without the others; Aalen and Johansen's incidence (1978) of this one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses.survival import rate_months
from analysis_lib.cohort import coarse, disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import competing
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

DEATH = "Death"


def first_events(study: Cohort) -> pd.DataFrame:
    """Patients with ``days`` from day 0 to the first of the cohort's events, or to death or last follow-up,
    and ``cause``: 0 for none, 1 and on for the events in their order (of two on one day, the first named),
    then death. ``start`` as in :func:`analysis_lib.cohort.endpoints.derive`.
    """
    frame = endpoints.derive(study, "OS1", late=True)
    ends = frame[[column for column in study.competing if column in frame]].astype("Float64")
    first = ends.fillna(np.inf).astype(float).to_numpy()
    place, days = first.argmin(axis=1), first.min(axis=1)
    happened = np.isfinite(days)
    named = np.array([list(study.competing).index(column) + 1 for column in ends], dtype=int)
    died = frame["event"].to_numpy()
    causes = np.where(happened, named[place], np.where(died, len(study.competing) + 1, 0))
    frame = frame.assign(days=np.where(happened, days, frame["days"]).astype(int), cause=causes)
    start = endpoints.start_of(frame)
    return frame if start is None else frame[frame["days"] > start].reset_index(drop=True)


def names(study: Cohort) -> dict[int, str]:
    """What each cause is called, with a capital: in the manifest it is written as within a sentence."""
    called = [f"{name[:1].upper()}{name[1:]}" for name in study.competing.values()]
    return dict(enumerate([*called, DEATH], start=1))


def _reason(study: Cohort) -> str:
    there = [column for column in study.competing if not study.lacks(column)]
    return endpoints.lacking(study, "OS1") or ("" if there else study.lacks(*study.competing))


@disclosure.protected
def incidences(study: Cohort) -> pd.DataFrame:
    """Cumulative incidence of each event: rows ``competing.<event>.rate<m>`` for the months of
    :func:`analysis_lib.analyses.survival.rate_months`, in percent; or the row that says why there is none.

    Where patients enter late, limits are those of the infinitesimal jackknife.
    """
    if reason := _reason(study):
        return results.skipped("competing", reason)
    frame, k, rows = first_events(study), study.min_cell_count, []
    if not (frame["cause"] > 0).any():
        return results.skipped("competing", "nobody had any of the events")
    curve = competing.cumulative_incidence(frame["days"], frame["cause"], start=endpoints.start_of(frame))
    for code, name in names(study).items():
        for month in rate_months(study):
            day = month * DAYS_PER_MONTH
            point, mine = competing.incidence_at(curve, day), frame["cause"] == code
            events = curve.assign(events=curve["days"].map(frame.loc[mine, "days"].value_counts()).fillna(0))
            few = point is not None and not coarse.carried(events, day, k)
            shown = None if point is None or few else point
            value, lower, upper = (
                None if shown is None or pd.isna(at := shown.get(f"{part}{code}", np.nan)) else 100 * at
                for part in ("incidence", "lower", "upper")
            )
            rows.append(
                row(
                    slug("competing", name, f"rate{month}"),
                    "rate",
                    0.0 if value is None and shown is not None else value,
                    lower=lower,
                    upper=upper,
                    group=f"{name}, {month} months",
                    n=len(frame),
                    events=int(mine.sum()),
                    method="Aalen-Johansen, log interval",
                    note=disclosure.too_few(k)
                    if few
                    else f"follow-up ends before {month} months"
                    if point is None
                    else "",
                )
            )
    rows_ = results.collect(rows)
    rows_.attrs["label"] = "Event"
    return rows_


@disclosure.protected
def compared(study: Cohort) -> pd.DataFrame:
    """Gray's test of each event between the levels of each factor of the cohort's own: rows
    ``competing.<event>.gray.<factor>``; or the row that says why there is none.
    """
    if reason := _reason(study) or endpoints.without_late(study):
        return results.skipped("competing.gray", reason)
    frame, k, rows = first_events(study), study.min_cell_count, []
    for factor in [each for each in study.own_factors if each.curves]:
        known = frame[frame[factor.column].notna()]
        for code, name in names(study).items():
            mine = known["cause"] == code
            groups = known[factor.column].astype(str)
            few = k > 1 and min(groups.value_counts().min(), mine.groupby(groups).sum().min()) < k
            about: dict = {
                "group": f"{name}, by: {study.label_of(factor.column)}",
                "n": len(known),
                "events": int(mine.sum()),
                "by": factor.column,
                "method": "Gray's test",
            }
            result_id = slug("competing", name, "gray", factor.column)
            try:
                with np.errstate(all="ignore"):  # a group that ends early divides by 0 there
                    test = competing.gray(known["days"], known["cause"], groups).loc[code]
            except (NotEstimable, KeyError):
                rows.append(row(result_id, "p", None, note="nothing to compare", **about))
                continue
            note = f"chi-square {test['chi_square']:.2f}, {int(test['df'])} df"
            note = f"{disclosure.too_few(k)}; {note}" if few else note
            rows.append(row(result_id, "p", test["p"], note=note, **about))
    return (
        results.collect(rows)
        if rows
        else results.skipped("competing.gray", "no factor has groups to compare")
    )


def curves(study: Cohort) -> pd.DataFrame:
    """Cumulative incidences in percent, stacked for plotting: ``kind, days, percent, at_risk``; or the row
    that says why there is none.
    """
    if reason := _reason(study):
        return disclosure.skipped(study, "competing.curve", reason)
    if disclosure.hides(study):
        return disclosure.skipped(study, "competing.curve", "its steps would show single patients")
    frame = first_events(study)
    if not (frame["cause"] > 0).any():
        return disclosure.skipped(study, "competing.curve", "nobody had any of the events")
    curve = competing.cumulative_incidence(frame["days"], frame["cause"], start=endpoints.start_of(frame))
    parts = [
        curve[["days", "at_risk"]].assign(kind=name, percent=100 * curve[f"incidence{code}"])
        for code, name in names(study).items()
        if f"incidence{code}" in curve
    ]
    return release(pd.concat(parts).reset_index(drop=True), study.min_cell_count)
