"""Immortal time: groups that are named by something that happened after the clock started.

Whoever is called "systemic therapy, then radiotherapy" had to live until the radiotherapy began. Taken as a group of the
first day, that time is counted as survival *with* radiotherapy, and nobody can die in it (Suissa 2008). Two remedies: start
the clock later, at a landmark, and group by what had happened until then (Anderson, Cain and Gelber 1983); or let patients
change groups on the day on which it happens (Mantel and Byar 1974).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib import contrasts, describe, disclosure, endpoints, models, results, survival
from analysis_lib.cohort import DAYS_PER_MONTH, SECOND_MODALITY, Cohort
from analysis_lib.results import slug

ADJUST = ["advanced_stage", "ldh_elevated"]


# --- rules ----------------------------------------------------------------------------------------------------

def split(days, event, entered) -> pd.DataFrame:
    """Cut each person's time at the day on which a state was entered.

    Parameters
    ----------
    days, event : array-like
        Days from the origin, and whether the event ended them.
    entered : array-like of float
        Day on which the state was entered; not a number for those who never entered it.

    Returns
    -------
    pandas.DataFrame
        ``row`` (position of the person), ``start, stop`` (at risk after the one, up to the other), ``event`` and ``inside``
        (1 in the state, else 0). An event on the very day of entry belongs to the time before. Nobody is at risk for no
        time: a person whose time ends on day 0 has no row.
    """
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    cut = np.clip(np.where(np.isnan(np.asarray(entered, dtype=float)), days, entered), 0, days)
    place = np.arange(len(days))
    before = pd.DataFrame({"row": place, "start": 0.0, "stop": cut, "event": event & (cut == days), "inside": 0.0})
    after = pd.DataFrame({"row": place, "start": cut, "stop": days, "event": event, "inside": 1.0})
    pieces = pd.concat([before, after])
    return pieces[pieces["stop"] > pieces["start"]].sort_values(["row", "start"]).reset_index(drop=True)


def landmark(days, event, entered, day: float) -> pd.DataFrame:
    """Those still followed after a landmark, by whether they had entered the state by then; the clock starts anew there.

    Returns
    -------
    pandas.DataFrame
        ``row, days`` (from the landmark), ``event, inside``. An event exactly at the landmark belongs to the time before it,
        an entry on that day to the state.
    """
    days, entered = np.asarray(days, dtype=float), np.asarray(entered, dtype=float)
    frame = pd.DataFrame({"row": np.arange(len(days)), "days": days - day, "event": np.asarray(event, dtype=bool),
                          "inside": (entered <= day).astype(float)})
    return frame[frame["days"] > 0].reset_index(drop=True)


# --- who changes state ----------------------------------------------------------------------------------------

def second_modality(study: Cohort, first: str) -> pd.DataFrame:
    """OS2 of the patients whose first salvage regimen was ``first`` (``RT`` or ``ST``), with ``entered``.

    ``entered`` is the day, from the start of salvage therapy, on which the other modality began; empty where it never did.
    A cohort without lines of therapy gives the row that says so.
    """
    if reason := study.lacks("salvage_regimen", "lines.line_start_day") or endpoints.lacking(study, "OS2"):
        return results.skipped(slug("immortal", first), reason)
    frame = endpoints.derive(study, "OS2")
    frame = frame[frame["salvage_regimen"] == first].reset_index(drop=True)
    later = study.lines[(study.lines["line"] > 1) & study.lines["modality"].isin(SECOND_MODALITY[first])]
    begun = frame["patient_id"].map(later.groupby("patient_id")["line_start_day"].min()).astype("Float64")
    entered = (begun - frame["salvage_start_day"].astype("Float64")).to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(entered).any():
        return results.skipped(slug("immortal", first), "nobody went on from the first modality to the other")
    return frame.assign(entered=entered)


@disclosure.protected
def response(study: Cohort) -> pd.DataFrame:
    """The response to the index therapy as a factor of survival, where everyone had to live to salvage therapy.

    Returns
    -------
    pandas.DataFrame
        Hazard ratios of patients with against those without a response: ``immortal.response.naive`` (OS1, everyone from day
        0 on), ``immortal.response.delayed`` (OS1, each patient at risk from the day of salvage therapy on, before which nobody
        of this cohort could die) and ``immortal.response.salvage`` (OS2); ``immortal.wait.<yes, no>``: months from day 0 to
        salvage therapy by response. Or the row that says why not.
    """
    if reason := study.lacks("responder", "salvage_start_day") or endpoints.lacking(study, "OS1"):
        return results.skipped("immortal.response", reason)
    frame = endpoints.derive(study, "OS1")
    frame = frame[frame["responder"].notna() & frame["salvage_start_day"].notna()].reset_index(drop=True)
    start = frame["salvage_start_day"].astype(int)
    rows = [describe.spread(slug("immortal.wait", level), start[frame["responder"] == level], "range", days=True, group=level)
            for level in ("yes", "no") if (frame["responder"] == level).any()]
    terms, late = models.indicators(frame, ["responder"]), (frame["days"] > start).to_numpy()
    rows += [contrasts.hazard_ratio("immortal.response.naive", terms, "responder", frame["days"], frame["event"],
                                    least=study.min_cell_count, group="OS1, everyone at risk from day 0"),
             contrasts.hazard_ratio("immortal.response.delayed", terms[late], "responder", frame["days"][late], frame["event"][late],
                                    start=start[late], method="delayed entry", least=study.min_cell_count, group="OS1, at risk from salvage therapy"),
             contrasts.hazard_ratio("immortal.response.salvage", terms, "responder", frame["days"] - start, frame["event"],
                                    least=study.min_cell_count, group="OS2, from salvage therapy")]
    return results.collect(rows)


# --- the comparison -------------------------------------------------------------------------------------------

@disclosure.protected
def compare(study: Cohort, frame: pd.DataFrame, name: str, month: float, adjust=()) -> pd.DataFrame:
    """The same question asked three ways: as groups of the first day, from a landmark on, and with a state that changes.

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
        ``.entered`` (how many ever did) and ``.wait`` (months until then); hazard ratios ``.naive``, ``.landmark``,
        ``.timed`` and ``.adjusted`` of those in the state against those not in it; ``.logrank`` (naive) and
        ``.mantel_byar``; ``.early`` (how many deaths came up to the landmark). A comparison that cannot be made has a row
        that says so.
    """
    if results.skip_reason(frame):
        return frame
    prefix = slug("immortal", name)
    days, event, entered = frame["days"], frame["event"], frame["entered"].to_numpy()
    ever, day = np.isfinite(entered), round(month * DAYS_PER_MONTH)
    term = pd.DataFrame({"inside": ever.astype(float)})
    late, pieces = landmark(days, event, entered, day), split(days, event, entered)
    early = int((event & (days <= day)).sum())
    rows = [describe.proportion(f"{prefix}.entered", int(ever.sum()), len(frame)),
            describe.spread(f"{prefix}.wait", pd.Series(entered[ever]), "range", days=True),
            describe.proportion(f"{prefix}.early", early, int(event.sum()), population="deaths"),
            contrasts.hazard_ratio(f"{prefix}.naive", term, "inside", days, event, least=study.min_cell_count, group="Groups of the first day"),
            survival.logrank(frame.assign(ever=np.where(ever, "yes", "no")), "ever", f"{prefix}.logrank")
            | {"group": "Groups of the first day, log-rank test"},
            _landmark_ratio(f"{prefix}.landmark", late, month, study.min_cell_count),
            contrasts.hazard_ratio(f"{prefix}.timed", pieces[["inside"]], "inside", pieces["stop"], pieces["event"],
                                   start=pieces["start"], least=study.min_cell_count, group="State that changes", n=len(frame)),
            survival.mantel_byar(days, event, entered, f"{prefix}.mantel_byar", group="State that changes, Mantel–Byar test")]
    if factors := contrasts.usable(study, frame, list(adjust)):
        known = frame[factors].notna().all(axis=1).to_numpy()
        kept = pieces[known[pieces["row"]]]
        terms = models.indicators(frame.iloc[kept["row"]].reset_index(drop=True), factors)
        terms["inside"] = kept["inside"].to_numpy()
        named = " and ".join(contrasts.label(factor) for factor in factors)
        rows.append(contrasts.hazard_ratio(f"{prefix}.adjusted", terms, "inside", kept["stop"], kept["event"],
                                           start=kept["start"], method=f"adjusted for {named}", n=int(known.sum()),
                                           least=study.min_cell_count, group="State that changes, adjusted"))
    return results.collect(rows)


def _landmark_ratio(result_id: str, late: pd.DataFrame, month: float, least: int) -> pd.DataFrame:
    group = f"From a landmark at {month:g} month{'' if month == 1 else 's'}"
    if late.empty:
        return results.skipped(result_id, f"{group}: nobody is followed that long")
    inside = int(late["inside"].sum())
    return contrasts.hazard_ratio(result_id, late[["inside"]], "inside", late["days"], late["event"], least=least, group=group,
                                  note=f"{inside} of {len(late)} had entered the state by then")
