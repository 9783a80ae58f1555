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
        Terms: data sets x people x terms; one layer if they are the same in all.
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
    days, event, x = np.asarray(days, dtype=float), np.asarray(event, dtype=bool), np.asarray(x, dtype=float)
    counts = np.ones((len(x), len(days))) if counts is None else np.asarray(counts, dtype=float)
    size = max(1, AT_ONCE // (x.shape[1] * (1 + x.shape[2]) ** 2))
    order = np.argsort(days, kind="stable")
    start = None if start is None else np.asarray(start, dtype=float)[order]
    parts = [
        _fitted(
            (x[i : i + size] if len(x) > 1 else x)[:, order],
            days[order],
            event[order],
            counts[i : i + size, order],
            start,
        )
        for i in range(0, len(counts), size)
    ]
    coef, se = (np.concatenate(each) for each in zip(*parts))
    return coef, se


def _fitted(
    x: np.ndarray, days: np.ndarray, event: np.ndarray, counts: np.ndarray, start: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The same for rows sorted by day, all data sets together; inside, terms are in standard deviations."""
    shape = len(counts), x.shape[2]
    if not event.any():
        return (np.full(shape, np.nan),) * 2
    spread = x.std(axis=1, keepdims=True)
    spread = np.where(spread > 0, spread, 1)
    x = (x - x.mean(axis=1, keepdims=True)) / spread
    moments, first = np.unique(days[event], return_index=True)
    deaths = np.add.reduceat(counts[:, event], first, axis=1)
    risk_sums = _risk_sums(days, event, start, moments, first)
    observed = np.matmul((counts * event)[:, None], x)[:, 0]
    coef, before, step = np.zeros(shape), np.zeros(shape), np.full(shape, np.inf)
    best, information = np.full(len(counts), -np.inf), np.zeros((*shape, shape[1]))
    going = np.arange(len(counts))  # the data sets whose estimate still moves
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            mine = x if len(x) == 1 else x[going]
            now, was, most = coef[going], before[going], best[going]
            loglik, score, information[going] = _derivatives(
                now, mine, counts[going], risk_sums, deaths[going], observed[going]
            )
            too_far = ~(loglik >= most - 1e-9 * np.abs(most))[:, None]
            # half of the way back, as in R
            step[going] = np.where(
                too_far, (was - now) / 2, np.clip(_solve(information[going], score), -2, 2)
            )
            before[going], best[going] = np.where(too_far, was, now), np.where(too_far[:, 0], most, loglik)
            coef[going] = now + step[going]
            going = going[np.abs(step[going]).max(axis=1) >= 1e-12]
            if not len(going):
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
    """A function that adds up what rows bring (data sets x rows x numbers) to each day with an event: all at
    risk, and those with the event.
    """
    left = np.searchsorted(days, moments)
    if start is not None:
        by_start = np.argsort(start, kind="stable")
        outside = np.searchsorted(start[by_start], moments)

    def sums(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = np.add.reduceat(values, left, axis=1)[:, ::-1].cumsum(axis=1)[:, ::-1]
        if start is not None:
            late = values[:, by_start][:, ::-1].cumsum(axis=1)[:, ::-1]
            whole = whole - np.pad(late, ((0, 0), (0, 1), (0, 0)))[:, outside]
        return whole, np.add.reduceat(values[:, event], first, axis=1)

    return sums


def _derivatives(
    coef: np.ndarray,
    x: np.ndarray,
    counts: np.ndarray,
    risk_sums: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    deaths: np.ndarray,
    observed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    layers, people, terms = len(coef), *x.shape[1:]
    one, other = np.triu_indices(terms)  # pairs of terms
    moments = np.empty((layers, people, 1 + terms + len(one)))
    risk, first, second = np.split(moments, [1, 1 + terms], axis=2)
    risk[:] = (counts * np.exp(np.matmul(x, coef[:, :, None])[:, :, 0]))[:, :, None]
    np.multiply(risk, x, out=first)
    np.multiply(first[:, :, one], x[:, :, other], out=second)
    (risks, firsts, seconds), (own_risks, own_firsts, own_seconds) = (
        np.split(among, [1, 1 + terms], axis=2) for among in risk_sums(moments)
    )
    loglik, risks, own_risks = (observed * coef).sum(axis=1), risks[:, :, 0], own_risks[:, :, 0]
    # The deaths of a day leave one after the other, each finding a share less of the risk of all of them. So
    # each brings one over the risk that he finds, once as it is and once times that share; and its square.
    once, shared = np.zeros((2, *deaths.shape))
    squared = np.zeros((3, *deaths.shape))
    for tie in range(int(deaths.max())):
        at = (deaths > tie).any(axis=0)  # few days have several
        here, left = deaths[:, at] > tie, tie / np.maximum(deaths[:, at], 1)
        found = np.where(here, risks[:, at] - left * own_risks[:, at], 1.0)
        loglik -= np.log(found).sum(axis=1)
        inverse = here / found
        once[:, at] += inverse
        shared[:, at] += left * inverse
        for power in range(3):
            squared[power][:, at] += left**power * inverse**2
    score = observed - _over_days(once, firsts) + _over_days(shared, own_firsts)
    information = np.zeros((layers, terms, terms))
    information[:, one, other] = _over_days(once, seconds) - _over_days(shared, own_seconds)
    information[:, other, one] = information[:, one, other]
    crossed = firsts.transpose(0, 2, 1) @ (squared[1][:, :, None] * own_firsts)
    information -= firsts.transpose(0, 2, 1) @ (squared[0][:, :, None] * firsts)
    information += crossed + crossed.transpose(0, 2, 1)
    information -= own_firsts.transpose(0, 2, 1) @ (squared[2][:, :, None] * own_firsts)
    return loglik, score, information


def _over_days(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums over days of weights (data sets x days) times values (data sets x days x numbers)."""
    return (weights[:, None] @ values)[:, 0]


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
