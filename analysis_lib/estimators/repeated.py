"""The same Cox model fitted to many data sets at once: bootstrap samples, or imputations.

One fit by :func:`analysis_lib.estimators.models.cox` takes some thirty milliseconds, tests and all; some
hundreds of them are too many for a chapter. Here all are fitted together, by Newton's method on arrays with
one layer a data set; a test holds each against :func:`analysis_lib.estimators.models.cox`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from analysis_lib.estimators.comparable_pairs import won_and_pairs

# of Newton's method, which needs five or six, or more where one went too far; an estimate that still moves
# then runs away
STEPS = 25
# numbers held for data sets that are fitted together; more data sets are fitted in several goes
AT_ONCE = 5_000_000


def cox(
    x: np.ndarray,
    days: ArrayLike,
    event: ArrayLike,
    counts: ArrayLike | None = None,
    start: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors of Cox models with Efron's handling of ties.

    Parameters
    ----------
    x : array
        Terms: data sets x people x terms; one layer if it is the same in all.
    days, event : array
        Of each person.
    counts : array of int, optional
        Data sets x people: how often each person is in each data set; by default once.
    start : array, optional
        Day after which a row is at risk.

    Returns
    -------
    tuple of array
        Both data sets x terms; not a number where the model does not converge.
    """
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    counts = np.ones((len(x), len(days))) if counts is None else np.asarray(counts, dtype=float)
    x = np.broadcast_to(np.asarray(x, dtype=float), (len(counts), *np.shape(x)[1:]))
    size = max(1, AT_ONCE // (x.shape[1] * (1 + x.shape[2] + x.shape[2] ** 2)))
    order = np.argsort(days, kind="stable")
    start = None if start is None else np.asarray(start, dtype=float)[order]
    parts = [
        _fitted(x[i : i + size, order], days[order], event[order], counts[i : i + size, order], start)
        for i in range(0, len(counts), size)
    ]
    coef, se = (np.concatenate(each) for each in zip(*parts))
    return coef, se


def _fitted(
    x: np.ndarray, days: np.ndarray, event: np.ndarray, counts: np.ndarray, start: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The same for rows sorted by day, all data sets together; inside, terms are in standard deviations."""
    if not event.any():
        return (np.full((len(counts), x.shape[2]), np.nan),) * 2
    spread = x.std(axis=1, keepdims=True)
    spread = np.where(spread > 0, spread, 1)
    x = (x - x.mean(axis=1, keepdims=True)) / spread
    moments, first = np.unique(days[event], return_index=True)
    deaths = np.add.reduceat(counts[:, event], first, axis=1)
    risk_sums = _risk_sums(days, event, start, moments, first)
    observed = np.einsum("bn,bnk->bk", counts * event, x)
    coef = before = np.zeros((len(counts), x.shape[2]))
    best = np.full(len(counts), -np.inf)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            loglik, score, information = _derivatives(coef, x, counts, risk_sums, deaths, observed)
            too_far = ~(loglik >= best - 1e-9 * np.abs(best))[:, None]
            # half of the way back, as in R
            step = np.where(too_far, (before - coef) / 2, np.clip(_solve(information, score), -2, 2))
            before, best = np.where(too_far, before, coef), np.where(too_far[:, 0], best, loglik)
            coef = coef + step
            if np.abs(step).max() < 1e-9:
                break
        variance = np.diagonal(np.linalg.pinv(np.nan_to_num(information)), axis1=1, axis2=2)
    sure: np.ndarray = (variance > 0) & (variance < 1e10)  # beyond, the information is rounding noise
    converged = ((np.abs(step) < 1e-6) & (np.abs(coef) < 10) & sure).all(axis=1, keepdims=True)
    coef, se = (
        np.where(converged, each / spread[:, 0], np.nan) for each in (coef, np.sqrt(np.abs(variance)))
    )
    return coef, se


def _risk_sums(
    days: np.ndarray, event: np.ndarray, start: np.ndarray | None, moments: np.ndarray, first: np.ndarray
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A function that adds up what rows bring to each day with an event: all at risk, and those with the
    event.
    """
    left = np.searchsorted(days, moments)
    if start is not None:
        by_start = np.argsort(start, kind="stable")
        outside = np.searchsorted(start[by_start], moments)

    def sums(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = values[::-1].cumsum(axis=0)[::-1][left]
        if start is not None:
            late = np.concatenate(
                [values[by_start][::-1].cumsum(axis=0)[::-1], np.zeros((1, values.shape[1]))]
            )
            whole = whole - late[outside]
        return whole, np.add.reduceat(values[event], first, axis=0)

    return sums


def _derivatives(
    coef: np.ndarray,
    x: np.ndarray,
    counts: np.ndarray,
    risk_sums: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    deaths: np.ndarray,
    observed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    layers, people, terms = x.shape
    risk = counts * np.exp(np.einsum("bnk,bk->bn", x, coef))
    first = risk[:, :, None] * x
    second = (first[:, :, :, None] * x[:, :, None, :]).reshape(layers, people, terms**2)
    moments = np.concatenate([risk[:, :, None], first, second], axis=2).transpose(1, 0, 2).reshape(people, -1)
    whole, part = (_sums(among, layers, terms) for among in risk_sums(moments))
    loglik, score, information = (
        (observed * coef).sum(axis=1),
        observed.copy(),
        np.zeros((*observed.shape, observed.shape[1])),
    )
    for tie in range(int(deaths.max())):  # the deaths of a day leave one after the other
        at = (deaths > tie).any(axis=0)  # few days have several
        here, left = (deaths[:, at] > tie).astype(float), tie / np.maximum(deaths[:, at], 1)
        total = np.where(here > 0, whole[0][:, at] - left * part[0][:, at], 1.0)
        mean = (whole[1][:, at] - left[:, :, None] * part[1][:, at]) / total[:, :, None]
        square = (whole[2][:, at] - left[:, :, None, None] * part[2][:, at]) / total[:, :, None, None]
        loglik -= (here * np.log(total)).sum(axis=1)
        score -= np.einsum("bt,btk->bk", here, mean)
        information += square.sum(axis=1, where=here[:, :, None, None] > 0)
        information -= (here[:, :, None] * mean).transpose(0, 2, 1) @ mean
    return loglik, score, information


def _sums(products: np.ndarray, layers: int, terms: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums over people, for each data set and day: of risk, of risk times terms, and of risk times pairs of
    terms.
    """
    by_layer = products.reshape(len(products), layers, -1).transpose(1, 0, 2)
    return (
        by_layer[:, :, 0],
        by_layer[:, :, 1 : terms + 1],
        by_layer[:, :, terms + 1 :].reshape(layers, -1, terms, terms),
    )


def _solve(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    ridge = 1e-10 * np.eye(score.shape[1])  # a term that is the same for everyone must not stop the others
    return np.linalg.solve(np.nan_to_num(information) + ridge, np.nan_to_num(score)[:, :, None])[:, :, 0]


def concordance(
    scores: ArrayLike, days: ArrayLike, event: ArrayLike, counts: ArrayLike | None = None
) -> np.ndarray:
    """Harrell's concordance of many scores (data sets x people); as
    :func:`analysis_lib.estimators.comparable_pairs.concordance`.
    """
    scores, days, event = (
        np.asarray(scores, dtype=float),
        np.asarray(days, dtype=float),
        np.asarray(event, dtype=bool),
    )
    counts = np.ones(scores.shape) if counts is None else np.asarray(counts, dtype=float)
    n = len(days)
    size, found = max(1, AT_ONCE // (20 * n)), []
    for i in range(0, len(scores), size):
        some, weights = scores[i : i + size], np.broadcast_to(counts, scores.shape)[i : i + size].ravel()
        order = np.argsort(some, axis=1)
        ranks = np.empty(some.shape)  # scores that differ by rounding tie
        np.put_along_axis(
            ranks,
            order,
            np.pad(np.diff(np.take_along_axis(some, order, 1)) >= 1e-12, ((0, 0), (1, 0))).cumsum(axis=1),
            1,
        )
        many = len(some)
        won, pairs = won_and_pairs(
            ranks.ravel(),
            np.tile(days, many),
            np.tile(event, many),
            np.full(n * many, -1.0),
            weights,
            np.repeat(np.arange(many), n),
        )
        won, pairs = ((weights * each).reshape(many, n).sum(axis=1) for each in (won, pairs))
        with np.errstate(invalid="ignore"):
            found.append((won / pairs + 1) / 2)
    return np.concatenate(found)
