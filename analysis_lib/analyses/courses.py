"""What becomes of patients after the start of salvage therapy: lines of therapy, states, and how long in
each.

A time to the first event forgets what comes after it. Here every patient is followed from state to state
(Aalen and Johansen 1978): on the first line, progressed without a next line, on a later line, dead.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import summaries
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import multistate
from analysis_lib.rows import results
from analysis_lib.rows.limits import Z
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

STATES = {
    "first": "First line, no progression",
    "progressed": "Progressed, no next line",
    "next": "On a later line",
    "dead": "Dead",
}
MONTHS = (3, 6, 12, 24)
LINES = 4  # lines that are told apart; what comes later is counted with the last
MODALITIES = ("RT", "CMT", "ST", "HSCT", "CAR T")
AFTER = {"dead": "No further line, dead", "alive": "No further line, alive"}


def _moves(study: Cohort) -> pd.DataFrame:
    """Each salvaged patient's days from the start of salvage therapy: ``end, died, progressed, next``."""
    frame = endpoints.derive(study, "OS2")
    start = frame["salvage_start_day"].astype(float)
    days = {
        name: (frame[column].astype(float) - start).to_numpy()
        for name, column in (("progressed", "progression_day"), ("next", "next_line_day"))
    }
    return pd.DataFrame({"end": frame["days"], "died": frame["event"]} | days)


def _stays(study: Cohort) -> pd.DataFrame:
    moved = _moves(study)
    return multistate.stays(moved["end"], moved["died"], [moved["progressed"], moved["next"]])


def _few(study: Cohort, stays: pd.DataFrame) -> str:
    """Why no chance is told: nobody to follow, or a state with too few patients, or too few who enter it or
    leave it.
    """
    if stays.empty:
        return "nobody is followed after the start of salvage therapy"
    k = study.min_cell_count
    if k <= 1:
        return ""
    moves = stays[stays["to"] != stays["state"]]
    counts = [
        *stays.groupby("state").size().reindex(range(len(STATES) - 1), fill_value=0),
        *moves.groupby("to").size().reindex(range(1, len(STATES)), fill_value=0),
        *moves.groupby("state").size().reindex(range(len(STATES) - 1), fill_value=0),
        *moves.groupby(["state", "to"]).size(),
    ]
    return disclosure.TOO_FEW if min(counts) < k else ""


@disclosure.protected
@needs("courses.state", "OS2", "progression_day", "next_line_day")
def states(study: Cohort) -> pd.DataFrame:
    """The chance of being in each of :data:`STATES` so many months after the start of salvage therapy.

    Rows ``courses.state<m>.<state>`` (percent, with intervals) for those of :data:`MONTHS` to which patients
    are followed, and ``courses.time<m>.<state>``: mean months spent there up to the last of them; or the row
    that says why not.
    """
    stays = _stays(study)
    if reason := _few(study, stays):
        return results.skipped("courses.state", reason)
    curve, people = multistate.occupation(stays, len(STATES)), int(stays["row"].nunique())
    deaths = int((stays["to"] == len(STATES) - 1).sum())
    shared: dict = {"n": people, "events": deaths, "method": "Aalen-Johansen, several states, log interval"}
    reached = [m for m in MONTHS if _followed(study, stays, m)]
    rows: list = []
    for month in reached:
        step = multistate.at(curve, month * DAYS_PER_MONTH)
        for place, (name, words) in enumerate(STATES.items()):
            ends: dict = {
                end: None if np.isnan(step[f"{end}{place}"]) else 100 * float(step[f"{end}{place}"])
                for end in ("lower", "upper")
            }
            value = 100 * float(step[f"state{place}"])
            rows.append(
                row(
                    f"courses.state{month}.{name}",
                    "rate",
                    value,
                    **ends,
                    group=words,
                    population=f"{month} months",
                    **shared,
                )
            )
    if not rows:
        return results.skipped("courses.state", "nobody is followed for three months")
    last = reached[-1]
    for place, (name, words) in enumerate(STATES.items()):
        area = _area(curve, f"state{place}", last * DAYS_PER_MONTH) / DAYS_PER_MONTH
        rows.append(row(f"courses.time{last}.{name}", "restricted mean", area, group=words, **shared))
    return results.collect(rows).assign(endpoint="OS2")


def _followed(study: Cohort, stays: pd.DataFrame, month: int) -> bool:
    """Whether somebody, or so many as the cohort's rule asks, is followed alive to a month."""
    ends = stays.groupby("row")["stop"].max()
    return int((ends >= month * DAYS_PER_MONTH).sum()) >= max(1, study.min_cell_count)


def _area(curve: pd.DataFrame, column: str, day: float) -> float:
    inside = curve[curve["days"] < day]
    return float((np.diff(np.append(inside["days"], day)) * inside[column]).sum())


@needs("courses.curve", "OS2", "progression_day", "next_line_day")
def curves(study: Cohort) -> pd.DataFrame:
    """The chances of all states by day: ``days, state, share``; or the row that says why they are not
    drawn.
    """
    stays = _stays(study)
    if reason := _few(study, stays):
        return disclosure.skipped(study, "courses.curve", reason)
    if disclosure.hides(study):
        return disclosure.skipped(study, "courses.curve", "its steps would show single patients")
    curve = multistate.occupation(stays, len(STATES))
    drawn = [
        curve[["days"]].assign(state=words, share=100 * curve[f"state{place}"])
        for place, words in enumerate(STATES.values())
    ]
    return release(pd.concat(drawn, ignore_index=True), study.min_cell_count)


@disclosure.protected
@needs("courses.lines", "OS2", "lines.line_start_day")
def mean_lines(study: Cohort) -> pd.DataFrame:
    """How many lines of salvage therapy patients have had, the first included: ``courses.lines<m>``, means
    with intervals, for those of :data:`MONTHS` to which patients are followed.
    """
    frame = endpoints.derive(study, "OS2").reset_index(drop=True)
    place = pd.Series(frame.index, index=frame["patient_id"])
    mine = study.lines[study.lines["patient_id"].isin(place.index) & (study.lines["line"] > 1)]
    row_of = place.loc[mine["patient_id"]].to_numpy()
    when = (
        mine["line_start_day"].to_numpy(dtype=float)
        - frame["salvage_start_day"].to_numpy(dtype=float)[row_of]
    )
    k, rows = study.min_cell_count, []
    for month in MONTHS:
        day = month * DAYS_PER_MONTH
        again = len(set(row_of[when <= day]))
        if (
            (frame["days"] >= day).sum() < max(1, k)
            or len(frame) < 2
            or (k > 1 and min(again, len(frame) - again) < k)
        ):
            continue
        value, se = multistate.jackknifed_mean_number(frame["days"], frame["event"], row_of, when, day)
        step = 0.1 * np.ceil(10 * k / len(frame)) if k > 1 else 0  # k patients more or less change nothing
        mean, low, high = (
            1 + (at if not step else step * way(at / step))
            for at, way in (
                (value, np.round),
                (max(0.0, value - Z * se), np.floor),
                (value + Z * se, np.ceil),
            )
        )
        rows.append(
            row(
                f"courses.lines{month}",
                "estimate",
                float(mean),
                lower=float(low),
                upper=float(high),
                group=f"{month} months",
                n=len(frame),
                events=again,
                method="mean number of lines, jackknife over patients",
            )
        )
    if not rows:
        return results.skipped("courses.lines", "too few patients go on to another line")
    return results.collect(rows)


@disclosure.protected
@needs("courses.flow", "lines.line_start_day")
def flow(study: Cohort) -> pd.DataFrame:
    """Patients' ways through lines of salvage therapy.

    Rows ``courses.flow.<line>.<from>.<to>``: how many went from one modality (``level``) to the next
    (``group`` names both), or to no further line, by how they were when last seen;
    ``courses.reached.<line>``: of all with a first line, who had another.
    """
    frame = study.lines.sort_values(["patient_id", "line"])
    frame = frame.assign(line=frame.groupby("patient_id").cumcount() + 1)
    frame = frame[frame["line"] <= LINES]
    if frame.empty:
        return results.skipped("courses.flow", "nobody has a line of salvage therapy")
    status = study.patients.set_index("patient_id")["vital_status"].astype(str)
    following = frame.groupby("patient_id")["modality"].shift(-1).astype(object)
    ended = frame["patient_id"].map(status).map(AFTER)
    frame = frame.assign(to=following.where(following.notna(), ended))
    # beyond the lines that are told apart nobody knows from the table what came next
    frame = frame[(frame["line"] < LINES) | following.isna()]
    everyone = frame.loc[frame["line"] == 1]
    rows = [
        summaries.proportion(
            f"courses.reached.{line}",
            int(study.lines.groupby("patient_id").size().ge(line).sum()),
            len(everyone),
            group=f"Line {line}",
        )
        for line in range(2, LINES + 1)
    ]
    counts = frame.groupby(["line", "modality", "to"], observed=True).size()
    if disclosure.hides(study):  # that a way is not there would say so of everybody
        every = [range(1, LINES + 1), MODALITIES, [*MODALITIES, *AFTER.values()]]
        counts = counts.reindex(pd.MultiIndex.from_product(every), fill_value=0)
    rows += [
        row(
            slug("courses.flow", int(line), came_from, to),
            "count",
            int(number),
            group=f"{came_from} to {to}",
            population=f"line {int(line)}",
            by="modality",
            level=str(came_from),
        )
        for (line, came_from, to), number in counts.items()
    ]
    return results.collect(rows)
