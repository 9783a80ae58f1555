"""Immortal time: groups that are named by something that happened after the clock started.

Whoever is called "systemic therapy, then radiotherapy" had to live until the radiotherapy began. Taken as a
group of the first day, that time is counted as survival *with* radiotherapy, and nobody can die in it (Suissa
2008). Two remedies: start the clock later, at a landmark, and group by what had happened until then
(Anderson, Cain and Gelber 1983); or let patients change groups on the day on which it happens (Mantel and
Byar 1974).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis_lib.analyses import log_rank, ratio, summaries
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import SECOND_MODALITY, Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.dictionary.words import within
from analysis_lib.estimators import models
from analysis_lib.estimators.states import landmark, split
from analysis_lib.rows import results
from analysis_lib.rows.results import slug

ADJUST = ["advanced_stage", "ldh_elevated"]


# --- who changes state ----------------------------------------------------------------------------


@needs("immortal.{first}", "salvage_regimen", "lines.line_start_day", "OS2")
def second_modality(study: Cohort, first: str) -> pd.DataFrame:
    """OS2 of the patients whose first salvage regimen was ``first`` (``RT`` or ``ST``), with ``entered``.

    ``entered`` is the day, from the start of salvage therapy, on which the other modality began; empty where
    it never did. A cohort without lines of therapy gives the row that says so.
    """
    frame = endpoints.derive(study, "OS2")
    frame = frame[frame["salvage_regimen"] == first].reset_index(drop=True)
    later = study.lines[(study.lines["line"] > 1) & study.lines["modality"].isin(SECOND_MODALITY[first])]
    begun = frame["patient_id"].map(later.groupby("patient_id")["line_start_day"].min()).astype("Float64")
    entered = (begun - frame["salvage_start_day"].astype("Float64")).to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(entered).any():
        return disclosure.skipped(
            study, slug("immortal", first), "nobody went on from the first modality to the other"
        )
    return frame.assign(entered=entered)


@disclosure.protected
@needs("immortal.response", "responder", "salvage_start_day", "OS1")
def response(study: Cohort) -> pd.DataFrame:
    """The response to the index therapy as a factor of survival, where everyone had to live to salvage
    therapy.

    Returns
    -------
    pandas.DataFrame
        Hazard ratios of patients with against those without a response: ``immortal.response.naive`` (OS1,
        everyone from day 0 on), ``immortal.response.delayed`` (OS1, each patient at risk from the day of
        salvage therapy on, before which nobody of this cohort could die) and ``immortal.response.salvage``
        (OS2); ``immortal.wait.<yes, no>``: months from day 0 to salvage therapy by response. Or the row that
        says why not.
    """
    frame = endpoints.derive(study, "OS1")
    frame = frame[frame["responder"].notna() & frame["salvage_start_day"].notna()].reset_index(drop=True)
    start = frame["salvage_start_day"].astype(int)
    shared: dict = {"least": study.min_cell_count, "by": "responder"}
    rows = _waits(frame["responder"], start, shared)
    shared |= {"level": "yes"}
    terms, late = models.indicators(frame, ["responder"]), (frame["days"] > start).to_numpy()
    rows += [
        ratio.hazard_ratio(
            "immortal.response.naive",
            terms,
            "responder",
            frame["days"],
            frame["event"],
            group="OS1, everyone at risk from day 0",
            endpoint="OS1",
            **shared,
        ),
        ratio.hazard_ratio(
            "immortal.response.delayed",
            terms[late],
            "responder",
            frame["days"][late],
            frame["event"][late],
            start=start[late],
            method="delayed entry",
            group="OS1, at risk from salvage therapy",
            endpoint="OS1",
            **shared,
        ),
        ratio.hazard_ratio(
            "immortal.response.salvage",
            terms,
            "responder",
            frame["days"] - start,
            frame["event"],
            group="OS2, from salvage therapy",
            endpoint="OS2",
            **shared,
        ),
    ]
    return results.collect(rows)


def _waits(responder: pd.Series, start: pd.Series, shared: dict) -> list:
    """How long patients with and without a response waited for salvage therapy."""
    return [
        summaries.spread(
            slug("immortal.wait", level),
            start[responder == level],
            "range",
            days=True,
            group=level,
            level=level,
            **shared,
        )
        for level in ("yes", "no")
        if (responder == level).any()
    ]


# --- the comparison -------------------------------------------------------------------------------


@disclosure.protected
def compare(
    study: Cohort, frame: pd.DataFrame, name: str, month: float, adjust: Sequence[str] = ()
) -> pd.DataFrame:
    """The same question asked three ways: as groups of the first day, from a landmark on, and with a state
    that changes.

    Parameters
    ----------
    frame : pandas.DataFrame
        From :func:`second_modality`.
    name : str
        Second part of the ids: ``immortal.<name>....``.
    month : float
        The landmark, in months.
    adjust : list of str
        Yes/no factors of the first day for a last, adjusted model.

    Returns
    -------
    pandas.DataFrame
        ``.entered`` (how many ever did) and ``.wait`` (months until then); hazard ratios ``.naive``,
        ``.landmark``, ``.timed`` and ``.adjusted`` of those in the state against those not in it;
        ``.logrank`` (naive) and ``.mantel_byar``; ``.early`` (how many deaths came up to the landmark). A
        comparison that cannot be made has a row that says so.
    """
    if results.skip_reason(frame):
        return frame
    prefix = slug("immortal", name)
    days, event, entered = frame["days"], frame["event"], frame["entered"].to_numpy()
    ever, day = np.isfinite(entered), round(month * DAYS_PER_MONTH)
    term = pd.DataFrame({"inside": ever.astype(float)})
    late, early = landmark(days, event, entered, day), int((event & (days <= day)).sum())
    rows = [
        summaries.proportion(f"{prefix}.entered", int(ever.sum()), len(frame)),
        summaries.spread(
            f"{prefix}.wait", pd.Series(entered[ever]), "range", days=True, least=study.min_cell_count
        ),
        summaries.proportion(f"{prefix}.early", early, int(event.sum()), population="deaths"),
        ratio.hazard_ratio(
            f"{prefix}.naive",
            term,
            "inside",
            days,
            event,
            least=study.min_cell_count,
            group="Grouped by what came later",
        ),
        log_rank.logrank(
            frame.assign(ever=np.where(ever, "yes", "no")),
            "ever",
            f"{prefix}.logrank",
            least=study.min_cell_count,
        )
        | {"group": "Grouped by what came later, log-rank test", "by": ""},
        _landmark_ratio(f"{prefix}.landmark", late, month, study.min_cell_count),
        *_changing(frame, prefix, ratio.usable(study, frame, list(adjust)), study.min_cell_count),
    ]
    return results.collect(rows).assign(endpoint="OS2")


def _changing(frame: pd.DataFrame, prefix: str, factors: list[str], least: int) -> list:
    """The comparison with a state that changes on the way: crude, tested, and adjusted where there are
    factors.
    """
    days, event, entered = frame["days"], frame["event"], frame["entered"].to_numpy()
    pieces = split(days, event, entered)
    rows = [
        ratio.hazard_ratio(
            f"{prefix}.timed",
            pieces[["inside"]],
            "inside",
            pieces["stop"],
            pieces["event"],
            start=pieces["start"],
            least=least,
            group="Counted from its start on",
            n=len(frame),
        ),
        log_rank.mantel_byar(
            days,
            event,
            entered,
            f"{prefix}.mantel_byar",
            least=least,
            group="Counted from its start on, Mantel–Byar test",
        ),
    ]
    if factors:
        rows.append(_adjusted(f"{prefix}.adjusted", frame, pieces, factors, least))
    return rows


def _adjusted(
    result_id: str, frame: pd.DataFrame, pieces: pd.DataFrame, factors: list[str], least: int
) -> pd.DataFrame:
    """The hazard ratio of a state that changes, among patients in whom the factors are known."""
    known = frame[factors].notna().all(axis=1).to_numpy()
    kept = pieces[known[pieces["row"]]]
    terms = models.indicators(frame.iloc[kept["row"]].reset_index(drop=True), factors)
    terms["inside"] = kept["inside"].to_numpy()
    named = " and ".join(ratio.label(factor) for factor in factors)
    return ratio.hazard_ratio(
        result_id,
        terms,
        "inside",
        kept["stop"],
        kept["event"],
        start=kept["start"],
        method=f"adjusted for {named}",
        n=int(known.sum()),
        least=least,
        group=f"Counted from its start on, {within(ratio.adjusted_for(factors))}",
    )


def _landmark_ratio(result_id: str, late: pd.DataFrame, month: float, least: int) -> pd.DataFrame:
    group = f"From a landmark at {month:g} month{'' if month == 1 else 's'}"
    if late.empty:
        return results.skipped(result_id, f"{group}: nobody is followed that long")
    inside = int(late["inside"].sum())
    return ratio.hazard_ratio(
        result_id,
        late[["inside"]],
        "inside",
        late["days"],
        late["event"],
        least=least,
        group=group,
        note=f"{inside} of {len(late)} had entered the state by then",
    )
