"""The book's own survival curve read back as if it were printed in a paper (Guyot 2012), beside the truth.

It shows what can, and what cannot, be got from figures of papers, and why curves of real patients are
coarsened before the book draws them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import ratio
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves, guyot
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

WIDTH, HEIGHT = 800, 400  # pixels of a figure in a journal
PIXEL = 3  # days that a pixel may hold
TICK = 6  # months between two printed numbers at risk
GROUPS = {"RT": "Radiotherapy alone", "ST": "Systemic therapy alone"}
SOURCES = {"truth": "The patients", "rebuilt": "Read back"}


@needs("scanned", "salvage_regimen", "OS2")
def read_back(study: Cohort, width: int = WIDTH, height: int = HEIGHT) -> pd.DataFrame:
    """OS2 after radiotherapy alone and after systemic therapy alone: the patients, and those read back from
    their curves.

    Parameters
    ----------
    width, height : int
        Of the figure, in pixels: the whole time axis, and 0 to 100%.

    Returns
    -------
    pandas.DataFrame
        ``days, event, regimen, source`` (a key of :data:`SOURCES`), a row a patient; days of those read back
        are whole. Or the row that says why not.
    """
    if disclosure.hides(study):
        return disclosure.skipped(study, "scanned", "its steps would show single patients")
    frame = endpoints.derive(study, "OS2")
    longest = (
        np.ceil(frame["days"].max() / DAYS_PER_MONTH / TICK) * TICK * DAYS_PER_MONTH if len(frame) else 0
    )
    ticks, parts = np.arange(0, longest + 1, TICK * DAYS_PER_MONTH), []
    for regimen in GROUPS:
        mine = frame.loc[frame["salvage_regimen"] == regimen, ["days", "event"]]
        if mine["event"].sum() == 0:
            return disclosure.skipped(
                study, "scanned", f"nobody had the event after {GROUPS[regimen].lower()}"
            )
        points = guyot.scanned(curves.kaplan_meier(mine["days"], mine["event"]), longest, width, height)
        printed = [int((mine["days"] >= tick).sum()) for tick in ticks]
        try:
            found = guyot.rebuilt(points, ticks, np.array(printed), int(mine["event"].sum()))
        except NotEstimable as why:
            return disclosure.skipped(study, "scanned", str(why))
        found["days"] = found["days"].round()
        parts += [mine.assign(source="truth"), found.assign(source="rebuilt")]
        parts[-2:] = [part.assign(regimen=regimen) for part in parts[-2:]]
    together = pd.concat(parts, ignore_index=True)
    return disclosure.carrying(study, together.astype({"days": int, "event": bool}))


@disclosure.protected_by_frame
def compare(frame: pd.DataFrame, month: int) -> pd.DataFrame:
    """What the patients read back say beside what the patients say.

    Rows ``scanned.<median, rate<m>, events>.<rt, st>.<truth, rebuilt>`` and ``scanned.ratio.<truth,
    rebuilt>``
    (hazard ratio, systemic therapy against radiotherapy); ``scanned.apart``: the largest distance of the two
    curves, in percentage points, and ``scanned.apart_at``: its month.
    """
    if results.skip_reason(frame):
        return frame
    rows: list = []
    furthest = (0.0, 0)
    for regimen, words in GROUPS.items():
        both = {}
        for source in SOURCES:
            mine = frame[(frame["regimen"] == regimen) & (frame["source"] == source)]
            both[source] = curves.kaplan_meier(mine["days"], mine["event"])
            rows += _of_curve(both[source], mine, month, regimen, words, source)
        furthest = max(furthest, _apart(both["truth"], both["rebuilt"]))
    for source, words in SOURCES.items():
        mine = frame[frame["source"] == source]
        rows.append(
            ratio.hazard_ratio(
                f"scanned.ratio.{source}",
                pd.DataFrame({"systemic": (mine["regimen"] == "ST").astype(float)}).reset_index(drop=True),
                "systemic",
                mine["days"],
                mine["event"],
                group=words,
            )
        )
    for result_id, value, words in (
        ("scanned.apart", furthest[0], "Largest distance of the curves, percentage points"),
        ("scanned.apart_at", furthest[1] / DAYS_PER_MONTH, "Month of the largest distance"),
    ):
        rows.append(row(result_id, "estimate", value, group=words, method="reconstruction from the curve"))
    return results.collect(rows).assign(endpoint="OS2")


def _of_curve(
    curve: pd.DataFrame, mine: pd.DataFrame, month: int, regimen: str, words: str, source: str
) -> list[dict]:
    days = [curves.quantile(curve, column) for column in ("survival", "lower", "upper")]
    median, low, high = (None if day is None else day / DAYS_PER_MONTH for day in days)
    step = curves.at(curve, month * DAYS_PER_MONTH)
    heights = [None] * 3 if step is None else [100 * float(step[c]) for c in ("survival", "lower", "upper")]
    shared: dict = {
        "group": words,
        "population": SOURCES[source],
        "n": len(mine),
        "events": int(mine["event"].sum()),
        "by": "salvage_regimen",
        "level": regimen,
        "method": curves.KM,
    }
    return [
        row(
            slug("scanned.median", regimen, source),
            "median time",
            median,
            lower=low,
            upper=high,
            note="" if median is not None else "median not reached",
            **shared,
        ),
        row(
            slug(f"scanned.rate{month}", regimen, source),
            "rate",
            heights[0],
            lower=heights[1],
            upper=heights[2],
            note="" if step is not None else f"follow-up ends before {month} months",
            **shared,
        ),
    ]


def _apart(one: pd.DataFrame, other: pd.DataFrame) -> tuple[float, int]:
    """The largest distance of two curves in percentage points, over days to which both go, and its day.

    A step that was read up to :data:`PIXEL` days away is no distance: each day of the one curve is held
    against the nearest height of the other around it.
    """
    days = np.arange(int(min(one["days"].max(), other["days"].max())))
    if len(days) <= 2 * PIXEL:
        return 0.0, 0
    first, second = (
        curve["survival"].to_numpy(dtype=float)[np.searchsorted(curve["days"], days, side="right") - 1]
        for curve in (one, other)
    )
    near = np.stack([np.roll(second, shift) for shift in range(-PIXEL, PIXEL + 1)])
    apart = 100 * np.abs(first - near).min(axis=0)[PIXEL:-PIXEL]
    return float(apart.max()), int(apart.argmax()) + PIXEL


def drawn(frame: pd.DataFrame) -> pd.DataFrame:
    """Both curves of both groups: ``days, survival, group, source``."""
    if results.skip_reason(frame):
        return frame
    rule = disclosure.carried_rule(frame)
    if reason := disclosure.of_single_patients(frame):
        return release(results.skipped("scanned.curve", reason), rule)
    parts = [
        curves.kaplan_meier(of["days"], of["event"]).assign(group=GROUPS[regimen], source=SOURCES[source])
        for (regimen, source), of in frame.groupby(["regimen", "source"], sort=False)
    ]
    return release(pd.concat(parts, ignore_index=True), rule)
