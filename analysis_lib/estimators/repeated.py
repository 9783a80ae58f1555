"""The same Cox model fitted to many data sets at once: bootstrap samples, or imputations.

One fit by :func:`analysis_lib.estimators.models.cox` takes some thirty milliseconds, tests and all; some
hundreds of them are too many for a chapter. Here all are fitted together, by Newton's method on arrays with
one layer a data set; a test holds each against :func:`analysis_lib.estimators.models.cox`.
"""

from __future__ import annotations

import numpy as np

# of Newton's method, which needs five or six, or more where one went too far; an estimate that still moves
# then runs away
STEPS = 25


def cox(x, days, event, counts=None, start=None) -> tuple[np.ndarray, np.ndarray]:
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
    moments = np.unique(days[event])
    entered = True if start is None else np.asarray(start, dtype=float) < moments[:, None]
    at_risk, dying = (
        ((days >= moments[:, None]) & entered).astype(float),
        (event & (days == moments[:, None])).astype(float),
    )
    deaths = counts @ dying.T
    observed = np.einsum("bn,bnk->bk", counts * event, x)
    coef = before = np.zeros((len(counts), x.shape[2]))
    best = np.full(len(counts), -np.inf)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            loglik, score, information = _derivatives(coef, x, counts, at_risk, dying, deaths, observed)
            too_far = ~(loglik >= best - 1e-9 * np.abs(best))[:, None]
            # half of the way back, as in R
            step = np.where(too_far, (before - coef) / 2, np.clip(_solve(information, score), -2, 2))
            before, best = np.where(too_far, before, coef), np.where(too_far[:, 0], best, loglik)
            coef = coef + step
            if np.abs(step).max() < 1e-9:
                break
        variance = np.diagonal(np.linalg.pinv(np.nan_to_num(information)), axis1=1, axis2=2)
    converged = (
        (np.abs(step) < 1e-6).all(axis=1)
        & (np.abs(coef * x.std(axis=1)) < 10).all(axis=1)
        & (variance > 0).all(axis=1)
    )
    return np.where(converged[:, None], coef, np.nan), np.where(
        converged[:, None], np.sqrt(np.abs(variance)), np.nan
    )


def _derivatives(coef, x, counts, at_risk, dying, deaths, observed):
    layers, people, terms = x.shape
    risk = counts * np.exp(np.einsum("bnk,bk->bn", x, coef))
    first = risk[:, :, None] * x
    second = (first[:, :, :, None] * x[:, :, None, :]).reshape(layers, people, terms**2)
    moments = np.concatenate([risk[:, :, None], first, second], axis=2).transpose(1, 0, 2).reshape(people, -1)
    # one large product each is fast
    whole, part = (_sums(among @ moments, layers, terms) for among in (at_risk, dying))
    loglik, score, information = (
        (observed * coef).sum(axis=1),
        observed.copy(),
        np.zeros((*observed.shape, observed.shape[1])),
    )
    for tie in range(int(deaths.max())):  # the deaths of a day leave one after the other
        here, left = (deaths > tie).astype(float), tie / np.maximum(deaths, 1)
        total = np.where(here > 0, whole[0] - left * part[0], 1.0)
        mean = (whole[1] - left[:, :, None] * part[1]) / total[:, :, None]
        square = (whole[2] - left[:, :, None, None] * part[2]) / total[:, :, None, None]
        loglik -= (here * np.log(total)).sum(axis=1)
        score -= np.einsum("bt,btk->bk", here, mean)
        information += np.einsum("bt,btjk->bjk", here, square - mean[:, :, :, None] * mean[:, :, None, :])
    return loglik, score, information


def _sums(products, layers, terms):
    """Sums over people, for each data set and day: of risk, of risk times terms, and of risk times pairs of
    terms.
    """
    by_layer = products.reshape(len(products), layers, -1).transpose(1, 0, 2)
    return (
        by_layer[:, :, 0],
        by_layer[:, :, 1 : terms + 1],
        by_layer[:, :, terms + 1 :].reshape(layers, -1, terms, terms),
    )


def _solve(information, score):
    ridge = 1e-10 * np.eye(score.shape[1])  # a term that is the same for everyone must not stop the others
    return np.linalg.solve(np.nan_to_num(information) + ridge, np.nan_to_num(score)[:, :, None])[:, :, 0]


def concordance(scores, days, event, counts=None) -> np.ndarray:
    """Harrell's concordance of many scores (data sets x people); as
    :func:`analysis_lib.estimators.models.concordance`.
    """
    scores, days, event = (
        np.asarray(scores, dtype=float),
        np.asarray(days, dtype=float),
        np.asarray(event, dtype=bool),
    )
    counts = np.ones(scores.shape) if counts is None else np.asarray(counts, dtype=float)
    pairs = event[:, None] & (
        (days[None, :] > days[:, None]) | ((days[None, :] == days[:, None]) & ~event[None, :])
    )
    first, later = np.nonzero(pairs)
    weight = counts[:, first] * counts[:, later]
    gap = scores[:, first] - scores[:, later]
    return (weight * np.where(np.abs(gap) < 1e-12, 0.5, gap > 0)).sum(axis=1) / weight.sum(axis=1)
