"""Kaplan-Meier curves of weighted rows, or of several rows of one patient, with the infinitesimal jackknife's
variance.

As R's ``survfit(weights=, cluster=, robust=TRUE)``. What a row does to the logarithm of the curve grows alike
for all who are still followed, and stays what it is once a row has ended. So the sum of squares over patients
is made of three running sums.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.rows.limits import Z


def weighted_curve(
    days: np.ndarray, event: np.ndarray, weights: np.ndarray, cluster: np.ndarray, interval: str
) -> pd.DataFrame:
    """One row a distinct day: ``days, at_risk, events, censored`` (sums of weights), ``survival, lower,
    upper``.

    ``cluster`` numbers who a row belongs to, from 0; limits are not numbers once survival is 0.
    """
    moments, place = np.unique(days, return_inverse=True)
    size = len(moments)
    ended, events = (
        np.bincount(place, weights, minlength=size),
        np.bincount(place[event], weights[event], minlength=size),
    )
    at_risk = ended[::-1].cumsum()[::-1]
    survivors = np.concatenate([at_risk[1:], [0.0]]) + (ended - events)  # added up, so that 0 is 0
    survival = np.cumprod(survivors / at_risk)
    with np.errstate(all="ignore"):
        leaving = np.where(survivors > 0, 1 / survivors, 0)
        grown = np.cumsum(events / at_risk * leaving)
    own = grown[place] - event * leaving[place]
    se = np.sqrt(np.maximum(_squares(place, cluster, weights, weights * own, grown), 0))
    lower, upper = limits(survival, se, interval)
    return pd.DataFrame(
        {
            "days": moments,
            "at_risk": at_risk,
            "events": events,
            "censored": ended - events,
            "survival": survival,
            "lower": lower,
            "upper": upper,
        }
    )


def late_entry_curve(days: np.ndarray, event: np.ndarray, start: np.ndarray, interval: str) -> pd.DataFrame:
    """The curve of people who are at risk from the day after ``start`` on, as R's ``survfit(Surv(start, days,
    event))``: the columns of :func:`weighted_curve`, with a row on each day on which somebody ends or enters.
    """
    moments = np.unique(np.concatenate([days, start]))
    ended, entered = np.sort(days), np.sort(start)
    at_risk = np.searchsorted(entered, moments) - np.searchsorted(ended, moments)
    size, places = len(moments), np.searchsorted(moments, days)
    all_, events = (np.bincount(places[which], minlength=size) for which in (slice(None), event))
    people = np.maximum(at_risk, 1)  # on days of entry only, nobody may be at risk yet
    survival = np.cumprod((people - events) / people)
    with np.errstate(divide="ignore"):
        se = np.sqrt(np.cumsum(np.where(events > 0, events / (people * (people - events.astype(float))), 0)))
    lower, upper = limits(survival, se, interval)
    return pd.DataFrame(
        {
            "days": moments,
            "at_risk": at_risk,
            "events": events,
            "censored": all_ - events,
            "survival": survival,
            "lower": lower,
            "upper": upper,
        }
    )


def _squares(
    place: np.ndarray, cluster: np.ndarray, weights: np.ndarray, kept: np.ndarray, grown: np.ndarray
) -> np.ndarray:
    """The sum over clusters of (``grown`` x weights still followed + ``kept`` of rows that ended), squared;
    for each day.
    """
    order = np.lexsort((place, cluster))
    place, cluster, weights, kept = place[order], cluster[order], weights[order], kept[order]
    first = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    length = np.diff(np.append(first, len(cluster)))
    total, gone, done = np.add.reduceat(weights, first), np.cumsum(weights), np.cumsum(kept)
    still = np.repeat(total + gone[first] - weights[first], length) - gone
    done = done - np.repeat(done[first] - kept[first], length)
    last = np.zeros(len(cluster), dtype=bool)
    last[first + length - 1] = True
    still[last] = 0  # exactly
    before, was = still + weights, done - kept
    changes = (still**2 - before**2, still * done - before * was, done**2 - was**2)
    squared, crossed, ended = (
        np.cumsum(np.bincount(place, change, minlength=len(grown))) for change in changes
    )
    return grown**2 * (squared + (total**2).sum()) + 2 * grown * crossed + ended


def limits(survival: np.ndarray, se: np.ndarray, interval: str) -> tuple[np.ndarray, np.ndarray]:
    """95% limits of a curve from the standard error of its logarithm, on the scale ``log``, ``log-log`` or
    ``plain``.
    """
    with np.errstate(all="ignore"):
        if interval == "plain":
            lower, upper = survival - Z * se * survival, survival + Z * se * survival
        elif interval == "log":
            lower, upper = survival * np.exp(-Z * se), survival * np.exp(Z * se)
        else:
            reach = Z * se / np.log(survival)
            lower, upper = np.exp(np.log(survival) * np.exp(-reach)), np.exp(np.log(survival) * np.exp(reach))
    lower, upper = (
        np.where(survival == 1, 1.0, np.where(survival > 0, np.clip(each, 0, 1), np.nan))
        for each in (lower, upper)
    )
    return lower, upper
