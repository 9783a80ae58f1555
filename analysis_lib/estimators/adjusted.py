"""Survival of two groups as if they had been alike: standardised, weighted and doubly robust curves.

All that is read from them (heights on given days, areas up to them) is found for many samples of the
patients at once: a sample says how often each patient is in it, and every model (the propensity score
too) is fitted to it anew. So an estimate and its bootstrap interval come from the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from analysis_lib.estimators import repeated
from analysis_lib.estimators.alike import Kinds, kinds

METHODS = ("crude", "standardised", "iptw", "trimmed", "overlap", "doubly_robust")
TRIM = 0.1  # scores nearer to 0 or 1 than this are left out (Crump and others 2009)
SURE = 1e-9  # a score of one in ten stays, whatever its last digits
STEPS = 60  # of Newton's method for a logistic model; where groups separate, scores have then reached 0 or 1
AT_ONCE = 4_000_000  # numbers held for samples that are worked on together


def effects(
    x: np.ndarray,
    treated: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    at: Sequence[float],
    counts: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Survival of both groups on some days, and the area below it up to them, by each of :data:`METHODS`.

    Parameters
    ----------
    x : array
        Confounders, people x terms: of the propensity model, and of the Cox model, in which each group has a
        baseline hazard of its own.
    treated, event : array of bool
    days : array
        Whole days from the origin.
    at : sequence of float
        Days on which the curves are read; a curve that has ended keeps its height.
    counts : array of int, optional
        Samples x people: how often each is in each sample; by default everyone once.

    Returns
    -------
    dict of array
        By method: samples x 2 (others, treated) x (heights on the days, then areas up to them). Not a number
        where a sample gives none.
    """
    alike = kinds(days, event, treated, x)
    counts = np.bincount(alike.of)[None] if counts is None else alike.counted(counts)
    days, x = (np.asarray(each, dtype=float)[alike.first] for each in (days, x))
    event, treated = (np.asarray(each, dtype=bool)[alike.first] for each in (event, treated))
    same = kinds(x)
    size = max(1, AT_ONCE // (len(same.first) * (len(np.unique(days)) + 1) + len(days)))
    parts = [
        _of_samples(x, same, treated, days, event, at, counts[first : first + size].astype(float))
        for first in range(0, len(counts), size)
    ]
    return {method: np.concatenate([part[method] for part in parts]) for method in METHODS}


def _of_samples(
    x: np.ndarray,
    same: Kinds,
    treated: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    at: Sequence[float],
    counts: np.ndarray,
) -> dict[str, np.ndarray]:
    """The same for some of the samples; ``same``: people who have their confounders in common."""
    score = scores(x, treated, counts)
    own = np.where(treated, score, 1 - score)
    # the score of somebody outside the sample may be 0 or 1; the count of 0 then makes nothing of it
    inverse = np.where(counts > 0, counts / np.maximum(own, 1e-12), 0)
    weighted = {
        "crude": counts,
        "iptw": inverse,
        "trimmed": trimmed(x, treated, score, counts),
        "overlap": counts * (1 - own),
    }
    found = {
        kind: np.stack(
            [_read(*_curve(days, event, weight * (treated == group)), at) for group in (False, True)], axis=1
        )
        for kind, weight in weighted.items()
    }
    n = counts.sum(axis=1, keepdims=True)
    predicted = predictions(x, same, treated, days, event, at, counts)  # samples x 2 x kinds x what is read
    found["standardised"] = np.einsum("bk,bgkq->bgq", same.counted(counts / n), predicted)
    # what the outcomes of each group add to what its model says, weighed by the inverse of the score
    corrected = []
    for place, group in enumerate((False, True)):
        weight = inverse * (treated == group) / n
        known = sum_of_pseudo_values(days, event, at, counts * (treated == group), weight)
        corrected.append(known - np.einsum("bk,bkq->bq", same.counted(weight), predicted[:, place]))
    found["doubly_robust"] = found["standardised"] + np.stack(corrected, axis=1)
    return found


def scores(x: np.ndarray, treated: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The probability of the treatment by a logistic model of each sample: samples x people."""
    spread = x.std(axis=0)
    design = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)])
    coef = np.zeros((len(counts), design.shape[1]))
    ridge = 1e-10 * np.eye(design.shape[1])  # a factor in which a sample is alike must not stop the others
    for _ in range(STEPS):
        score = 1 / (1 + np.exp(-np.clip(coef @ design.T, -30, 30)))
        gradient = (counts * (treated - score)) @ design
        information = np.einsum("bn,nj,nk->bjk", counts * score * (1 - score), design, design) + ridge
        step = np.clip(np.linalg.solve(information, gradient[:, :, None])[:, :, 0], -3, 3)
        coef = coef + step
        if np.abs(step).max() < 1e-10:
            break
    return 1 / (1 + np.exp(-np.clip(coef @ design.T, -30, 30)))


def trimmed(x: np.ndarray, treated: np.ndarray, score: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Inverse-probability weights times counts of those with a score from 0.1 to 0.9, from a score
    estimated anew among them; 0 for all others.
    """
    kept = counts * ((score >= TRIM - SURE) & (score <= 1 - TRIM + SURE))
    again = scores(x, treated, kept)
    return np.where(kept > 0, kept / np.maximum(np.where(treated, again, 1 - again), 1e-12), 0)


def predictions(
    x: np.ndarray,
    same: Kinds,
    treated: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    at: Sequence[float],
    counts: np.ndarray,
) -> np.ndarray:
    """What a Cox model says of each kind of people in each group: samples x 2 x kinds x (heights, areas).

    Each group has its own baseline hazard (Efron's, which handles ties as the coefficients do), so that
    nothing is assumed of how the treatment acts in time.
    """
    later = days.max() + 1  # the treated are followed after all others: risk sets never mix, as in strata
    coef, _ = repeated.cox(
        x[None],
        days + np.where(treated, later + 1, 0),
        event,
        counts,
        start=np.where(treated, later, -1.0),
    )
    risk = np.exp(coef @ (x - x.mean(axis=0)).T)
    both = []
    for group in (False, True):
        grid, hazard = baseline(days, event, counts * (treated == group), risk)
        step = max(1, AT_ONCE // (len(counts) * len(grid)))
        blocks = [same.first[start : start + step] for start in range(0, len(same.first), step)]
        read = [_read(grid, np.exp(-hazard[:, None] * risk[:, block, None]), at) for block in blocks]
        both.append(np.concatenate(read, axis=1))
    return np.stack(both, axis=1)


def baseline(
    days: np.ndarray, event: np.ndarray, counts: np.ndarray, risk: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative baseline hazard of each sample on the distinct days, with Efron's handling of ties."""
    grid, place = np.unique(days, return_inverse=True)
    whole = _at_least(counts * risk, place, len(grid))
    part, deaths = (_on(each * event, place, len(grid)) for each in (counts * risk, counts))
    steps = np.zeros(whole.shape)
    with np.errstate(all="ignore"):
        for tie in range(int(np.nanmax(deaths, initial=0))):
            left = tie / np.maximum(deaths, 1)
            steps += np.where(deaths > tie, 1 / (whole - left * part), 0)
    return grid, np.cumsum(steps, axis=1)


def sum_of_pseudo_values(
    days: np.ndarray, event: np.ndarray, at: Sequence[float], counts: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Sums over people of a weight times their pseudo-value (Andersen and Pohar Perme 2010): samples x
    (heights, areas) of what is read from the Kaplan-Meier curve of each sample.

    A pseudo-value tells the curve of all from the curve without one of them. Until that one ends the latter
    falls as if one fewer were at risk, and from then on in step with the curve of all: so the sum of all such
    curves is made of these two.
    """
    grid, place = np.unique(days, return_inverse=True)
    size, n = len(grid), counts.sum(axis=1, keepdims=True)
    at_risk, deaths = _at_least(counts, place, size), _on(counts * event, place, size)
    whole, fewer = _product(at_risk, deaths), _product(at_risk - 1, deaths)
    before = np.pad(fewer, ((0, 0), (1, 0)), constant_values=1.0)[:, :-1]
    own = {died: _on(weight * (event == died), place, size) for died in (False, True)}
    ends = sum(own[died] * before * _kept(at_risk - 1, deaths - died) for died in own)
    total, there = weight.sum(axis=1, keepdims=True), whole > 0  # where it is 0, nobody is followed any more
    without = (
        fewer * (total - np.cumsum(own[False] + own[True], axis=1))
        + whole * np.cumsum(np.where(there, ends / np.where(there, whole, 1), 0), axis=1)
        + np.cumsum(np.where(there, 0, ends), axis=1)
    )
    return n * total * _read(grid, whole, at) - (n - 1) * _read(grid, without, at, total)


def _curve(days: np.ndarray, event: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weighted Kaplan-Meier curve of each sample on the distinct days; not a number where a sample
    has nobody.
    """
    grid, place = np.unique(days, return_inverse=True)
    at_risk, deaths = _at_least(weights, place, len(grid)), _on(weights * event, place, len(grid))
    survival = _product(at_risk, deaths)
    return grid, np.where(at_risk[:, :1] > 0, survival, np.nan)


def _product(at_risk: np.ndarray, deaths: np.ndarray) -> np.ndarray:
    """One minus each day's share of deaths, multiplied up."""
    return np.cumprod(_kept(at_risk, deaths), axis=-1)


def _kept(at_risk: np.ndarray, deaths: np.ndarray) -> np.ndarray:
    """One minus each day's share of deaths; where nobody is at risk a curve keeps its height."""
    kept = np.where(at_risk > 1e-12, 1 - deaths / np.where(at_risk > 1e-12, at_risk, 1), 1)
    return np.where(np.abs(kept) < 1e-12, 0, kept)


def _at_least(values: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    return np.cumsum(_on(values, place, size)[:, ::-1], axis=1)[:, ::-1]


def _on(values: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    """Sums of people on each of the distinct days: samples x days."""
    order = np.argsort(place, kind="stable")
    return np.add.reduceat(values[:, order], np.searchsorted(place[order], np.arange(size)), axis=1)


def _read(grid: np.ndarray, survival: np.ndarray, at: Sequence[float], start: ArrayLike = 1.0) -> np.ndarray:
    """Heights of curves on some days, then the areas below them up to these days, in days."""
    first = np.where(np.isnan(survival[..., :1]), np.nan, start)  # where there is no curve, it has no start
    edges, high = np.concatenate([[0.0], grid]), np.concatenate([first, survival], axis=-1)
    places = [int(np.searchsorted(edges, day, side="right")) - 1 for day in at]
    widths = [np.diff(np.append(np.minimum(edges, day), day)) for day in at]
    areas = [high @ width for width in widths]
    return np.stack([*(high[..., place] for place in places), *areas], axis=-1)
