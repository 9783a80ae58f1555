"""Survival of two groups as if they had been alike: standardised, weighted and doubly robust curves.

All that is read from them (heights on given days, areas up to them) is found for many samples of the
patients at once: a sample says how often each patient is in it, and every model (the propensity score
too) is fitted to it anew. So an estimate and its bootstrap interval come from the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis_lib.estimators import repeated

METHODS = ("crude", "standardised", "iptw", "trimmed", "overlap", "doubly_robust")
TRIM = 0.1  # scores nearer to 0 or 1 than this are left out (Crump and others 2009)
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
    x, treated, event = (
        np.asarray(x, dtype=float),
        np.asarray(treated, dtype=bool),
        np.asarray(event, dtype=bool),
    )
    days = np.asarray(days, dtype=float)
    counts = np.ones((1, len(days))) if counts is None else np.asarray(counts, dtype=float)
    size = max(1, AT_ONCE // (len(days) * (len(np.unique(days)) + 1)))
    parts = [
        _of_samples(x, treated, days, event, at, counts[first : first + size])
        for first in range(0, len(counts), size)
    ]
    return {method: np.concatenate([part[method] for part in parts]) for method in METHODS}


def _of_samples(
    x: np.ndarray,
    treated: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    at: Sequence[float],
    counts: np.ndarray,
) -> dict[str, np.ndarray]:
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
    predicted = predictions(x, treated, days, event, at, counts)  # samples x people x groups x what is read
    shares = counts / counts.sum(axis=1, keepdims=True)
    found["standardised"] = np.einsum("bn,bngq->bgq", shares, predicted)
    pseudo = np.stack(
        [pseudo_values(days, event, at, counts * (treated == group)) for group in (False, True)], axis=2
    )
    mine = np.stack([~treated, treated], axis=1)[None, :, :, None]
    residual = np.where(mine & (counts > 0)[:, :, None, None], pseudo - predicted, 0)
    weight = np.where(counts > 0, 1 / np.maximum(own, 1e-12), 0)[:, :, None, None]
    found["doubly_robust"] = found["standardised"] + np.einsum("bn,bngq->bgq", shares, residual * weight)
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
    kept = counts * ((score >= TRIM) & (score <= 1 - TRIM))
    again = scores(x, treated, kept)
    return np.where(kept > 0, kept / np.maximum(np.where(treated, again, 1 - again), 1e-12), 0)


def predictions(
    x: np.ndarray,
    treated: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    at: Sequence[float],
    counts: np.ndarray,
) -> np.ndarray:
    """What a Cox model says of each person in each group: samples x people x 2 x (heights, areas).

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
        both.append(_read(grid, np.exp(-hazard[:, None, :] * risk[:, :, None]), at))
    return np.stack(both, axis=2)


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


def pseudo_values(days: np.ndarray, event: np.ndarray, at: Sequence[float], counts: np.ndarray) -> np.ndarray:
    """Pseudo-values (Andersen and Pohar Perme 2010) of what is read from the Kaplan-Meier curve of each
    sample: samples x people x (heights, areas); of those who are not in it they mean nothing.
    """
    grid, place = np.unique(days, return_inverse=True)
    at_risk, deaths = _at_least(counts, place, len(grid)), _on(counts * event, place, len(grid))
    there = np.arange(len(grid)) <= place[:, None]
    on = np.arange(len(grid)) == place[:, None]
    whole = _read(grid, _product(at_risk, deaths), at)
    without = _read(
        grid, _product(at_risk[:, None] - there[None], deaths[:, None] - (on & event[:, None])[None]), at
    )
    n = counts.sum(axis=1)[:, None, None]
    return n * whole[:, None] - (n - 1) * without


def _curve(days: np.ndarray, event: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weighted Kaplan-Meier curve of each sample on the distinct days; not a number where a sample
    has nobody.
    """
    grid, place = np.unique(days, return_inverse=True)
    at_risk, deaths = _at_least(weights, place, len(grid)), _on(weights * event, place, len(grid))
    survival = _product(at_risk, deaths)
    return grid, np.where(at_risk[:, :1] > 0, survival, np.nan)


def _product(at_risk: np.ndarray, deaths: np.ndarray) -> np.ndarray:
    """One minus each day's share of deaths, multiplied up; where nobody is at risk the curve keeps its
    height.
    """
    kept = np.where(at_risk > 1e-12, 1 - deaths / np.where(at_risk > 1e-12, at_risk, 1), 1)
    return np.cumprod(np.where(np.abs(kept) < 1e-12, 0, kept), axis=-1)


def _at_least(values: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    return np.cumsum(_on(values, place, size)[:, ::-1], axis=1)[:, ::-1]


def _on(values: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    """Sums of people on each of the distinct days: samples x days."""
    order = np.argsort(place, kind="stable")
    return np.add.reduceat(values[:, order], np.searchsorted(place[order], np.arange(size)), axis=1)


def _read(grid: np.ndarray, survival: np.ndarray, at: Sequence[float]) -> np.ndarray:
    """Heights of curves on some days, then the areas below them up to these days, in days."""
    first = np.where(np.isnan(survival[..., :1]), np.nan, 1.0)  # where there is no curve, it has no start
    edges, high = np.concatenate([[0.0], grid]), np.concatenate([first, survival], axis=-1)
    places = [int(np.searchsorted(edges, day, side="right")) - 1 for day in at]
    widths = [np.diff(np.append(np.minimum(edges, day), day)) for day in at]
    areas = [high @ width for width in widths]
    return np.stack([*(high[..., place] for place in places), *areas], axis=-1)
