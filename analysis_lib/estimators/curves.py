"""Kaplan-Meier curves and what is read from them: quantiles, heights, numbers at risk, restricted means.

Conventions: Greenwood's variance; confidence intervals on the log scale (:data:`INTERVAL`; R's default and
what the paper prints). The estimates come from greenwood and are held against R's survival package by the
tests."""

from __future__ import annotations

from typing import NamedTuple

import greenwood
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis_lib.estimators import estimable, observed
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.weighted_curve import late_entry_curve, weighted_curve
from analysis_lib.rows.limits import Z

INTERVAL = "log"
KM = f"Kaplan-Meier, Greenwood variance, {INTERVAL} interval"
GREENWOOD = {  # its columns, and our names for them
    "time": "days",
    "n_risk": "at_risk",
    "n_event": "events",
    "n_censor": "censored",
    "estimate": "survival",
    "conf_low": "lower",
    "conf_high": "upper",
}


def kaplan_meier(
    days: ArrayLike,
    event: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    start: ArrayLike | None = None,
    interval: str = INTERVAL,
) -> pd.DataFrame:
    """The Kaplan-Meier curve, from time 0 on.

    Parameters
    ----------
    days : array-like of int
        Whole days from the origin.
    event : array-like of bool
    cluster : array-like of int, optional
        Who a row belongs to, where several rows (sites) may share a patient: the variance is then the
        infinitesimal jackknife's over clusters, as in R's ``survfit(cluster=)``, in place of Greenwood's.
    weights : array-like of float, optional
        Such as inverse probabilities of treatment; counts are then sums of weights, and the variance is the
        infinitesimal jackknife's, as in R's ``survfit(weights=, robust=TRUE)``.
    start : array-like of int, optional
        Day after which a row is at risk, where people enter late; not with weights or clusters. ``at_risk``
        of the first row is then that just after time 0.
    interval : {"log", "log-log", "plain"}
        Scale of the confidence interval; the book shows :data:`INTERVAL`.

    Returns
    -------
    pandas.DataFrame
        One row a distinct time: ``days, at_risk, events, censored, survival, lower, upper``. Once survival is
        0 its interval is undefined.

    Raises
    ------
    ValueError
        Days or events that are not (:func:`analysis_lib.estimators.observed.outcome`).
    """
    days, event = observed.outcome(days, event)
    if start is not None:
        curve = late_entry_curve(days, event, observed.entries(start, days), interval)
    elif weights is not None or cluster is not None:
        cluster = np.arange(len(days)) if cluster is None else observed.groups(cluster, len(days))[0]
        curve = weighted_curve(
            days,
            event,
            np.ones(len(days)) if weights is None else estimable.positive(weights, len(days)),
            cluster,
            interval,
        )
    else:
        fitted = greenwood.KaplanMeier(conf_type=interval).fit(greenwood.Surv(days, event=event.astype(int)))
        found = fitted.to_frame(format="pandas")
        curve = {ours: found[theirs] for theirs, ours in GREENWOOD.items()}
    columns = {name: curve[name].to_numpy() for name in GREENWOOD.values()}
    if columns["days"][0] > 0:
        first = {"days": 0, "at_risk": columns["at_risk"][0], "events": 0, "censored": 0}
        columns = {name: np.append(first.get(name, 1.0), values) for name, values in columns.items()}
    elif start is not None:
        columns["at_risk"][0] = at_risk(days, 1, start)
    count = float if weights is not None else int
    types = {"days": int, "at_risk": count, "events": count, "censored": count}
    return pd.DataFrame({name: values.astype(types.get(name, float)) for name, values in columns.items()})


def quantile(curve: pd.DataFrame, column: str = "survival", level: float = 0.5) -> float | None:
    """The day on which a curve falls to ``level``; ``None`` if it never does.

    Where the curve runs exactly at the level this is the middle of the flat stretch, as in R's ``survfit``;
    both greenwood and lifelines return its left end (STATISTICS: median when S(t) = 0.5).
    """
    heights = curve[column].to_numpy(dtype=float)
    at_or_below = np.flatnonzero(heights <= level + 1e-8)  # undefined heights compare false
    if not len(at_or_below):
        return None
    first = at_or_below[0]
    below = np.flatnonzero(heights < level - 1e-8)
    if abs(heights[first] - level) < 1e-8 and len(below):
        return (curve["days"].iloc[first] + curve["days"].iloc[below[0]]) / 2
    return float(curve["days"].iloc[first])


def at(curve: pd.DataFrame, day: float) -> pd.Series | None:
    """The step of the curve that holds on ``day``; ``None`` beyond the last follow-up of anyone still
    event-free.
    """
    if day > curve["days"].iloc[-1] and curve["survival"].iloc[-1] > 0:
        return None
    return curve.iloc[int((curve["days"] <= day).sum()) - 1]


def at_risk(days: ArrayLike, day: float, start: ArrayLike | None = None) -> int:
    """How many are at risk on ``day``: those whose time is at least that, an event on the day included, and
    who had entered before.
    """
    return int(there(days, day, start).sum())


def there(days: ArrayLike, day: float, start: ArrayLike | None = None) -> np.ndarray:
    """Whether each row is at risk on ``day``, as :func:`at_risk` counts them."""
    followed = np.asarray(days) >= day
    return followed if start is None else followed & (np.asarray(start) < day)


def rmst(days: ArrayLike, event: ArrayLike, tau: float) -> tuple[float, float]:
    """Restricted mean survival time: the area below the Kaplan-Meier curve up to day ``tau``, and its
    standard error.

    Raises
    ------
    NotEstimable
        Follow-up ends before ``tau`` while somebody is still event-free, so that the curve does not reach it.
    """
    days, event = observed.outcome(days, event)
    last = days.max()
    if tau > last and not event[days == last].all():
        raise NotEstimable(f"follow-up ends on day {last:.0f}, before day {tau:.0f}")
    fitted = greenwood.KaplanMeier().fit(greenwood.Surv(days, event=event.astype(int)))
    value, _, upper = fitted.rmst(tau, ci=True)
    return float(value), float((upper - value) / Z)


class Difference(NamedTuple):
    """A difference, its standard error, 95% limits and P."""

    value: float
    se: float
    lower: float
    upper: float
    p: float


def rmst_difference(days: ArrayLike, event: ArrayLike, group: ArrayLike, tau: float) -> Difference:
    """Restricted mean survival time with ``group`` less that without it, up to day ``tau``; ``group`` is
    bool.
    """
    days, event = observed.outcome(days, event)
    group = observed.outcome(days, group)[1]
    if group.all() or not group.any():
        raise NotEstimable("fewer than two groups")
    (one, se_one), (other, se_other) = (
        rmst(days[group], event[group], tau),
        rmst(days[~group], event[~group], tau),
    )
    value, se = one - other, np.hypot(se_one, se_other)
    if not se > 1e-10 * tau:  # a variance of rounding noise
        raise NotEstimable(
            "the means do not vary: nobody had the event by then, or all of a group on one day"
        )
    return Difference(value, se, value - Z * se, value + Z * se, float(2 * stats.norm.sf(abs(value / se))))
