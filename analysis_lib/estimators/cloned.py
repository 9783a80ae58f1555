"""Strategies that leave time to act, compared by clones, censoring and weights (Hernán 2018; Maringe 2020).

On day 0 nobody can be told apart who will follow "add it by day g" and who will follow "do not". So everyone
is entered twice, once for each strategy; a clone is censored on the day on which the person's course
contradicts its strategy, and those who go on are weighted up for those censored who were like them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import observed, repeated
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.prediction import baseline_hazard
from analysis_lib.estimators.weights import propensity


class Clones(NamedTuple):
    """The clones of one strategy, a row a person: ``days`` and ``event``, whether the end is ``deviated``
    (censored because the course contradicts the strategy), and ``followed``: whether at the end of the time
    to act nothing had contradicted it."""

    days: np.ndarray
    event: np.ndarray
    deviated: np.ndarray
    followed: np.ndarray


def adding(days: ArrayLike, event: ArrayLike, entered: ArrayLike, grace: float) -> Clones:
    """The clones of "add it by day ``grace``": whoever goes on beyond that day without it is censored there.

    An event on the day of the addition, or on the last day of grace, belongs to the time before; ``entered``
    is as in :func:`analysis_lib.estimators.states.split`.
    """
    days, event, begun = _courses(days, event, entered, grace)
    late = ~begun & (days > grace)
    return Clones(np.where(late, grace, days), event & ~late, late, begun & (days > grace))


def refraining(days: ArrayLike, event: ArrayLike, entered: ArrayLike, grace: float) -> Clones:
    """The clones of "do not add it by day ``grace``": whoever adds it until then is censored on that day."""
    days, event, begun = _courses(days, event, entered, grace)
    ends = np.where(begun, np.asarray(entered, dtype=float), days)
    return Clones(ends, event & ~begun, begun, ~begun & (days > grace))


def _courses(
    days: ArrayLike, event: ArrayLike, entered: ArrayLike, grace: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, events, and who added it within the time to act, alive."""
    days, event = observed.outcome(days, event)
    entered = np.asarray(entered, dtype=float)
    return days, event, (entered <= grace) & (entered < days)


def chance_of_adding(terms: pd.DataFrame, clones: Clones) -> np.ndarray:
    """The chance that a clone of :func:`adding` still followed after the time to act was not censored at its
    end, by a logistic model among all who were followed beyond it; one row a person.
    """
    beyond = clones.followed | clones.deviated
    chance = np.ones(len(terms))
    chance[beyond] = propensity(terms[beyond].reset_index(drop=True), clones.followed[beyond])
    return chance


def curve_of_adding(terms: pd.DataFrame, clones: Clones, grace: float) -> pd.DataFrame:
    """The weighted survival curve of :func:`adding`: ``days, survival`` at 0, each event and the last day.

    Weights are 1 up to the end of the time to act and one over :func:`chance_of_adding` after it.
    """
    chance = chance_of_adding(terms, clones)
    moments = _moments(clones)
    return _curve(clones, moments, np.where(moments[:, None] > grace, 1 / chance, 1.0))


def model_of_adding(terms: pd.DataFrame, clones: Clones, counts: np.ndarray) -> np.ndarray:
    """Coefficients of Cox models of the day on which a clone of :func:`refraining` is censored.

    ``counts`` says how often each person is in each sample (samples x people); the answer is samples x terms,
    not a number where a model has no estimate.
    """
    return repeated.cox(terms.to_numpy(dtype=float)[None], clones.days, clones.deviated, counts)[0]


def curve_of_refraining(terms: pd.DataFrame, clones: Clones, coef: np.ndarray) -> pd.DataFrame:
    """The weighted survival curve of :func:`refraining`, in the same form.

    The chance of not having been censored before a day comes from a Cox model with the coefficients ``coef``.

    Raises
    ------
    NotEstimable
        Nobody added it, or the model has no estimate.
    """
    if not clones.deviated.any() or np.isnan(coef).any():
        raise NotEstimable("there is no model of who goes on to the other modality: too few do")
    risk = np.exp((terms.to_numpy(dtype=float) * coef).sum(axis=1))
    hazard = baseline_hazard(risk, clones.days, clones.deviated)
    moments = _moments(clones)
    before = np.searchsorted(hazard["days"], moments, side="left")  # an addition on the day comes after it
    cumulated = np.concatenate([[0.0], hazard["hazard"]])[before]
    return _curve(clones, moments, np.exp(np.outer(cumulated, risk)))


def _moments(clones: Clones) -> np.ndarray:
    if not clones.event.any():
        raise NotEstimable("nobody who followed the strategy had the event")
    return np.unique(clones.days[clones.event])


def _curve(clones: Clones, moments: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    """Kaplan and Meier's estimate with weights that change: days x people."""
    here = clones.days >= moments[:, None]
    dying = (clones.days == moments[:, None]) & clones.event
    at_risk = (weights * here).sum(axis=1)
    survival = np.cumprod(1 - (weights * dying).sum(axis=1) / at_risk)
    last = clones.days.max()  # up to which somebody is followed
    return pd.DataFrame(
        {
            "days": np.concatenate([[0.0], moments, [last]]),
            "survival": np.concatenate([[1.0], survival, survival[-1:]]),
        }
    )


def height(curve: pd.DataFrame, day: float) -> float:
    """The survival on a day."""
    return float(curve.loc[curve["days"] <= day, "survival"].iloc[-1])


def area(curve: pd.DataFrame, day: float) -> float:
    """The mean event-free time up to a day, in days: the area below the curve."""
    inside = curve[curve["days"] < day]
    return float((np.diff(np.append(inside["days"], day)) * inside["survival"]).sum())


class Compared(NamedTuple):
    """Survival on a day under both strategies, in percent, and the mean event-free days up to it, adding less
    refraining."""

    adding: float
    refraining: float
    area: float


def compare(
    terms: pd.DataFrame,
    days: ArrayLike,
    event: ArrayLike,
    entered: ArrayLike,
    grace: float,
    day: float,
    samples: np.ndarray,
) -> list[Compared]:
    """Both strategies in each sample of the people (row numbers, samples x people); samples in which one of
    the models has no estimate are left out.
    """
    days, event = observed.outcome(days, event)
    entered = np.asarray(entered, dtype=float)
    counts = np.stack([np.bincount(sample, minlength=len(days)) for sample in samples])
    found = []
    for sample, coef in zip(samples, model_of_adding(terms, refraining(days, event, entered, grace), counts)):
        inside = terms.iloc[sample].reset_index(drop=True)
        course = (days[sample], event[sample], entered[sample], grace)
        try:
            with_it = curve_of_adding(inside, adding(*course), grace)
            without = curve_of_refraining(inside, refraining(*course), coef)
        except NotEstimable:
            continue
        found.append(
            Compared(
                100 * height(with_it, day),
                100 * height(without, day),
                area(with_it, day) - area(without, day),
            )
        )
    return found
