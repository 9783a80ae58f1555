"""How well a Cox model predicts who has had the event by a day: risk, Brier score, net benefit, shrinkage.

Whoever was censored before the day tells nothing of it; the others are weighted up by the chance of not
having been censored (Graf 1999), as R's ``survival::brier``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import curves, observed, repeated
from analysis_lib.estimators.alike import kinds
from analysis_lib.estimators.observed import NotEstimable


class Model(NamedTuple):
    """A Cox model that predicts: coefficients, the means that its terms are counted from, and the cumulative
    ``hazard`` by ``days`` of somebody with those means."""

    coef: np.ndarray
    means: np.ndarray
    baseline: pd.DataFrame


def baseline_hazard(
    risk: np.ndarray, days: ArrayLike, event: ArrayLike, counts: ArrayLike | None = None
) -> pd.DataFrame:
    """The cumulative hazard of somebody with the risk 1: ``days, hazard`` at each day with an event.

    Efron's estimate, as R's ``survfit`` of a Cox model fitted with his handling of ties: of ``d`` events on a
    day, each finds a little less of the risk of those ``d`` still there. ``risk`` is one a person; ``counts``
    says how often each is there, by default once.
    """
    days, event = observed.outcome(days, event)
    often = _often(counts, len(days))
    event = np.asarray(event & (often > 0))
    moments = np.unique(days[event])
    place = np.searchsorted(moments, days, side="right")  # the events up to one's own end
    met = np.bincount(place, often * risk, minlength=len(moments) + 1)[::-1].cumsum()[::-1][1:]
    died, weight = (place - 1)[event], often[event]
    own = np.bincount(died, weight * risk[event], minlength=len(moments))
    ties = np.bincount(died, weight, minlength=len(moments))
    steps = [float((1 / (all_ - np.arange(d) / d * theirs)).sum()) for all_, theirs, d in zip(met, own, ties)]
    return pd.DataFrame({"days": moments, "hazard": np.cumsum(steps)})


def _often(counts: ArrayLike | None, n: int) -> np.ndarray:
    return np.ones(n) if counts is None else np.asarray(counts, dtype=float)


def of_coefficients(
    coef: ArrayLike,
    terms: pd.DataFrame,
    days: ArrayLike,
    event: ArrayLike,
    counts: ArrayLike | None = None,
) -> Model:
    """The Cox model with these coefficients, its baseline estimated from these patients, so that a model
    whose coefficients were drawn in is right on average. ``counts`` as in :func:`baseline_hazard`.
    """
    coef, means = np.asarray(coef, dtype=float), terms.mean().to_numpy(dtype=float)
    return Model(coef, means, baseline_hazard(np.exp(_predictor(terms, coef, means)), days, event, counts))


def _predictor(terms: pd.DataFrame, coef: np.ndarray, means: np.ndarray) -> np.ndarray:
    return ((terms.to_numpy(dtype=float) - means) * coef).sum(axis=1)


def risk_by(model: Model, terms: pd.DataFrame, day: float) -> np.ndarray:
    """The predicted chance of the event by a day, one a row."""
    reached = np.searchsorted(model.baseline["days"], day, side="right")
    hazard = np.concatenate([[0.0], model.baseline["hazard"]])[reached]
    return -np.expm1(-hazard * np.exp(_predictor(terms, model.coef, model.means)))


def uncensored_weights(
    days: ArrayLike, event: ArrayLike, day: float, counts: ArrayLike | None = None
) -> np.ndarray:
    """One over the chance of not having been censored by the end of one's own time or ``day``, whichever is
    first; 0 for those censored before. Of events and censorings on one day the events come first.
    ``counts`` as in :func:`baseline_hazard`.

    Raises
    ------
    NotEstimable
        If nobody is followed to the day.
    """
    days, event = observed.outcome(days, event)
    often = _often(counts, len(days))
    if day > days[often > 0].max():
        raise NotEstimable(f"nobody is followed to day {day:.0f}")
    moments = np.unique(days[~event & (often > 0)])
    # a censoring meets all who are followed longer, and the others of its day
    followed = np.searchsorted(moments, days, side="right") - (event & np.isin(days, moments))
    here = np.bincount(followed, often, minlength=len(moments) + 1)[::-1].cumsum()[::-1][1:]
    censored = np.bincount(followed[~event], often[~event], minlength=len(moments) + 1)[1:]
    chance = np.concatenate([[1.0], np.cumprod(1 - censored / here)])
    ended = event & (days <= day)
    until = np.searchsorted(moments, np.minimum(days, day), side="left")
    known = (ended | (days >= day)) & (often > 0)
    return np.where(known, 1 / np.where(known, chance[until], 1.0), 0.0)


def brier(
    risk: ArrayLike, days: ArrayLike, event: ArrayLike, day: float, counts: ArrayLike | None = None
) -> float:
    """The mean squared distance between the predicted chance and what happened by a day. ``counts`` as in
    :func:`baseline_hazard`.
    """
    risk, (days, event) = np.asarray(risk, dtype=float), observed.outcome(days, event)
    often, happened = _often(counts, len(days)), event & (days <= day)
    weights = often * uncensored_weights(days, event, day, counts)
    return float((weights * (happened - risk) ** 2).sum() / often.sum())


def null_brier(days: ArrayLike, event: ArrayLike, day: float) -> float:
    """The Brier score of the model that says the same of everyone: the Kaplan-Meier estimate."""
    return brier(np.full(len(np.asarray(days)), observed_by(days, event, day)), days, event, day)


def observed_by(days: ArrayLike, event: ArrayLike, day: float) -> float:
    """The share with the event by a day, one minus the Kaplan-Meier estimate.

    Raises
    ------
    NotEstimable
        If follow-up ends before.
    """
    step = curves.at(curves.kaplan_meier(days, event), day)
    if step is None:
        raise NotEstimable(f"follow-up ends before day {day:.0f}")
    return float(1 - step["survival"])


def net_benefit(risk: ArrayLike, days: ArrayLike, event: ArrayLike, day: float, threshold: float) -> float:
    """The net benefit of acting on a predicted chance of at least ``threshold`` (Vickers 2006, 2008).

    Those acted on rightly, less those acted on in vain times the odds of the threshold, as a share of all;
    the
    event by ``day`` among those acted on is one minus their Kaplan-Meier estimate. ``risk`` of 1 everywhere
    is acting on everyone.
    """
    acted = np.asarray(risk, dtype=float) >= threshold
    if not acted.any():
        return 0.0
    days, event = observed.outcome(days, event)
    share = observed_by(days[acted], event[acted], day)
    return float(acted.mean() * (share - (1 - share) * threshold / (1 - threshold)))


def heuristic_shrinkage(likelihood_ratio: float, terms: int) -> float:
    """The factor by which coefficients should be drawn in: (chi-square − terms) / chi-square, at least 0
    (van Houwelingen and le Cessie 1990).
    """
    return max(0.0, (likelihood_ratio - terms) / likelihood_ratio) if likelihood_ratio > 0 else 0.0


def patients_needed(explained: float, terms: int, shrinkage: float = 0.9) -> float:
    """How many patients a model of so many terms needs so that its coefficients need not be drawn in by more
    than ``shrinkage`` (Riley 2019); ``explained`` is Cox and Snell's R squared.

    Raises
    ------
    NotEstimable
        If the model explains nothing, or so much that the formula has no answer.
    """
    if not 0 < explained < shrinkage:
        raise NotEstimable("the model explains nothing, so that no number of patients would be enough")
    return float(terms / ((shrinkage - 1) * np.log(1 - explained / shrinkage)))


def of_samples(
    terms: pd.DataFrame, days: ArrayLike, event: ArrayLike, day: float, samples: np.ndarray
) -> tuple[float, int]:
    """How much lower the Brier score of a model by a day is in the patients that it was made from: the mean
    over samples (row numbers, samples x people) of the score of a sample's model in everyone less that in the
    sample; and how many samples had a model.

    Raises
    ------
    NotEstimable
        If more than a tenth of the samples have none.
    """
    days, event = observed.outcome(days, event)
    alike = kinds(days, event, terms)
    x = terms.iloc[alike.first].reset_index(drop=True)
    days, event = days[alike.first], event[alike.first]
    everyone, counts, gains = np.bincount(alike.of), alike.drawn(samples), []
    for often, coef in zip(counts, repeated.cox(x.to_numpy(dtype=float)[None], days, event, counts)[0]):
        try:
            if np.isnan(coef).any():
                raise NotEstimable("no model")
            risk = risk_by(of_coefficients(coef, x, days, event, often), x, day)
            gains.append(brier(risk, days, event, day, everyone) - brier(risk, days, event, day, often))
        except NotEstimable:
            continue
    if len(gains) < 0.9 * len(samples):
        raise NotEstimable(
            "the model cannot be fitted to many of the bootstrap samples: there are too few events"
        )
    return float(np.mean(gains)), len(gains)
