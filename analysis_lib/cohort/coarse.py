"""Survival curves of real patients, of which every step is the work of several events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.cohort.disclosure import banded
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows.limits import Z


def carried(curve: pd.DataFrame, day: float, k: int) -> bool:
    """Whether ``k`` events came up to a day of the curve, and ``k`` are still at risk on it."""
    if k <= 1:
        return True
    later = curve.loc[curve["days"] >= day, "at_risk"]
    return bool(curve.loc[curve["days"] <= day, "events"].sum() >= k and len(later) and later.iloc[0] >= k)


def coarse(curve: pd.DataFrame, k: int) -> pd.DataFrame:
    """A Kaplan-Meier curve of which every step is the work of at least ``k`` events.

    Successive events are gathered until there are ``k`` of them; the curve falls once for all of them, at
    their mean time (to a tenth of a month). How far it falls follows from shown numbers alone: ``k`` events
    among the banded number at risk (in the last step the banded number of events), and so does its interval;
    an exact height would give the group's size. It ends with the last whole month on which ``k`` are at risk.
    Between, there is a row on every whole month, with the banded number at risk.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`analysis_lib.estimators.curves.kaplan_meier`.

    Returns
    -------
    pandas.DataFrame
        ``days, at_risk, survival, lower, upper``; empty if there is no curve to show.
    """
    watched = curve[curve["at_risk"] >= k]
    months = int(watched["days"].iloc[-1] // DAYS_PER_MONTH) if len(watched) else 0
    parts = _gathered(curve[(curve["events"] > 0) & (curve["days"] <= months * DAYS_PER_MONTH)], k)
    shown = curve.loc[curve["days"] <= months * DAYS_PER_MONTH, "at_risk"]
    # without a step the curve would seem to stay at 100%; where people enter late, few may be at risk first
    if not parts or curve["at_risk"].iloc[0] < 2 * k or shown.min() < k:
        return pd.DataFrame(columns=["days", "at_risk", "survival", "lower", "upper"])
    steps = [{"days": 0.0, "survival": 1.0, "lower": 1.0, "upper": 1.0}]
    survival, variance = 1.0, 0.0
    for place, gathered in enumerate(parts, start=1):
        mean = np.average(gathered["days"], weights=gathered["events"])
        events = banded(int(gathered["events"].sum()), k) if place == len(parts) else k
        at_risk = banded(int(gathered["at_risk"].iloc[0]), k)
        assert events and at_risk  # at least k of both, so that neither is hidden
        survival, variance = (
            survival * (1 - events / at_risk),
            variance + events / (at_risk * (at_risk - events)),
        )
        reach = np.exp(Z * np.sqrt(variance))
        heights = {"survival": survival, "lower": survival / reach, "upper": min(1.0, survival * reach)}
        steps.append(
            {"days": round(mean / DAYS_PER_MONTH, 1) * DAYS_PER_MONTH}
            | {name: round(at, 2) for name, at in heights.items()}
        )
    grid = pd.DataFrame({"days": [month * DAYS_PER_MONTH for month in range(months + 1)]})
    drawn = pd.concat([pd.DataFrame(steps), grid]).sort_values("days", kind="stable").ffill()
    followed = [banded(int(curve.loc[curve["days"] >= day, "at_risk"].iloc[0]), k) for day in drawn["days"]]
    return drawn.assign(at_risk=followed)[["days", "at_risk", "survival", "lower", "upper"]].reset_index(
        drop=True
    )


def _gathered(events: pd.DataFrame, k: int) -> list[pd.DataFrame]:
    """Rows of successive event times, in parts with at least ``k`` events each; what remains joins the last
    part.
    """
    cuts: list[int] = []
    count = 0
    for place, number in enumerate(events["events"], start=1):
        count += number
        if count >= k:
            cuts, count = [*cuts, place], 0
    if not cuts:
        return []
    cuts[-1] = len(events)
    return [events.iloc[start:end] for start, end in zip([0, *cuts], cuts)]
