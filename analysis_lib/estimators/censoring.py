"""What early censoring leaves open: survival with the censored dying more, or less, often than the others.

Kaplan and Meier's estimate gives each person censored before a day the chance of those who are still
followed (Efron 1967: it shares the censored out to the right). Here their hazard after the censoring is
that of the others times a factor: 1 is Kaplan and Meier's estimate, 0 lets all of them live (the best
case), without bound all die at once (the worst). It is what multiple imputation with such a factor
(Jackson and others 2014) comes to, without its chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from analysis_lib.estimators import adjusted, curves, estimable, observed, repeated
from analysis_lib.estimators.alike import kinds, sums_at
from analysis_lib.estimators.observed import NotEstimable

LEAST, MOST = 1e-3, 1e3  # factors between which a tipping point is looked for


class Known(NamedTuple):
    """How many are known to be dead, and to be alive, on a day; the others were censored before."""

    dead: int
    alive: int
    unknown: int


def known(days: ArrayLike, event: ArrayLike, day: float) -> Known:
    """Who is known to be dead or alive on a day: whoever is censored on the day itself was alive on it."""
    days, event = observed.outcome(days, event)
    dead, unknown = int((event & (days <= day)).sum()), int((~event & (days < day)).sum())
    return Known(dead, len(days) - dead - unknown, unknown)


def heights(days: ArrayLike, event: ArrayLike, day: float) -> Callable[[float], float]:
    """Survival on a day, by the factor by which the hazard of the censored, from their censoring
    on, is that of the others.

    Raises
    ------
    NotEstimable
        Follow-up ends before the day while somebody is still event-free.
    """
    days, event = observed.outcome(days, event)
    curve = curves.kaplan_meier(days, event)
    if (step := curves.at(curve, day)) is None:
        raise NotEstimable(f"follow-up ends on day {days.max():.0f}, before day {day:.0f}")
    early = days[~event & (days < day)]
    when = np.searchsorted(curve["days"].to_numpy(), early, side="right") - 1
    chance = step["survival"] / curve["survival"].to_numpy()[when]
    alive = known(days, event, day).alive
    return lambda factor: float((alive + (chance**factor).sum()) / len(days))


def survival(days: ArrayLike, event: ArrayLike, day: float, factor: float) -> float:
    """Survival on a day if the hazard of the censored, from their censoring on, is that of the others
    times ``factor``; raises as :func:`heights` does.
    """
    return heights(days, event, day)(factor)


def tipping(height: Callable[[float], float], level: float) -> float:
    """The factor at which a curve's height, which falls as the factor grows, comes to a level.

    Raises
    ------
    NotEstimable
        No factor between a thousandth and a thousand brings it there.
    """
    most, least = height(LEAST), height(MOST)
    if not least <= level <= most:
        raise NotEstimable("the censored alone cannot bring it there, whatever their hazard")
    return float(
        np.exp(brentq(lambda log: height(np.exp(log)) - level, np.log(LEAST), np.log(MOST), xtol=1e-12))
    )


def weighted(
    terms: pd.DataFrame,
    days: ArrayLike,
    event: ArrayLike,
    at: ArrayLike,
    among: Sequence[ArrayLike],
    counts: ArrayLike | None = None,
) -> np.ndarray:
    """Survival on some days with everyone still followed weighed by the inverse of the chance of not being
    censored yet (Robins and Finkelstein 2000).

    Parameters
    ----------
    terms : pandas.DataFrame
        Of the Cox model of the censoring, people x terms. On a day on which somebody dies and somebody is
        censored, the death comes first.
    at : array-like of float
        The days; beyond the last death a curve keeps its height.
    among : sequence of array of bool
        Whose survival it is, group by group; the model of the censoring is that of everyone.
    counts : array of int, optional
        Samples x people: how often each is in each sample; by default everyone once.

    Returns
    -------
    array
        Samples x groups x days; not a number where the model cannot be fitted to a sample, or a group has
        nobody in it.
    """
    days, event = observed.outcome(days, event)
    x, at = estimable.known_terms(terms, len(days)), np.asarray(at, dtype=float)
    groups = np.asarray(among, dtype=bool)
    alike = kinds(days, event, x, *groups)
    counts = np.bincount(alike.of)[None] if counts is None else alike.counted(counts)
    days, event = np.asarray(days[alike.first]), np.asarray(event[alike.first])
    x, groups = x[alike.first], groups[:, alike.first]
    ends = 2 * days + ~event  # a censoring after all deaths of its day
    coef, _ = repeated.cox(x[None], ends, ~event, counts)
    risk = np.exp(coef @ (x - x.mean(axis=0)).T)
    grid, hazard = adjusted.baseline(ends, ~event, counts, risk)
    moments = np.unique(days[event & (days <= at.max())])
    before = np.searchsorted(grid, 2 * moments) - 1
    so_far = np.where(before >= 0, hazard[:, before], 0.0)
    same = kinds(x)
    # how many of these days somebody is followed on, and the first of them on which he is not
    followed, size = np.searchsorted(moments, days, side="right"), (len(moments) + 1, len(same.first))
    died = np.flatnonzero(event & (days <= at.max()))
    reached = np.searchsorted(moments, at, side="right")
    found = np.full((len(counts), len(groups), len(at)), np.nan)
    for sample, often in enumerate(counts):
        chance = so_far[sample, :, None] * risk[sample, same.first]  # days x kinds, as a logarithm
        for place, group in enumerate(groups):
            mine = often * group
            if not mine.any():
                continue
            left = sums_at((followed, same.of), mine, size)[::-1].cumsum(axis=0)[::-1][1:]
            gone = sums_at((followed[died] - 1, same.of[died]), mine[died], size)[:-1]
            # only the ratios of the weights count, so the largest is 1 and none overflows
            largest = np.max(chance, axis=1, where=left > 0, initial=-np.inf, keepdims=True)
            weight = np.exp(np.where(left > 0, chance - np.where(np.isfinite(largest), largest, 0), -np.inf))
            whole, part = (left * weight).sum(axis=1), (gone * weight).sum(axis=1)
            kept = np.where(whole == 0, 1, 1 - part / np.where(whole == 0, 1, whole))
            found[sample, place] = np.concatenate([[1.0], np.cumprod(kept)])[reached]
    return found
