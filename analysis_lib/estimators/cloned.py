"""Strategies that leave time to act, compared by clones, censoring and weights (Hernán 2018; Maringe 2020).

On day 0 nobody can be told apart who will follow "add it by day g" and who will follow "do not". So everyone
is entered twice, once for each strategy; a clone is censored on the day on which the person's course
contradicts its strategy, and those who go on are weighted up for those censored who were like them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import observed, repeated
from analysis_lib.estimators.alike import kinds, sums_at
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


def chance_of_adding(terms: pd.DataFrame, clones: Clones, counts: ArrayLike | None = None) -> np.ndarray:
    """The chance that a clone of :func:`adding` still followed after the time to act was not censored at its
    end, by a logistic model among all who were followed beyond it; one row a person. ``counts`` says how
    often each person is there, by default once.
    """
    often = _often(counts, clones)
    beyond = (clones.followed | clones.deviated) & (often > 0)
    chance = np.ones(len(terms))
    there = terms[beyond].reset_index(drop=True)
    chance[beyond] = propensity(there, clones.followed[beyond], often[beyond])
    return chance


def curve_of_adding(
    terms: pd.DataFrame, clones: Clones, grace: float, counts: ArrayLike | None = None
) -> pd.DataFrame:
    """The weighted survival curve of :func:`adding`: ``days, survival`` at 0, each event and the last day.

    Weights are 1 up to the end of the time to act and one over :func:`chance_of_adding` after it.
    """
    chance, of = np.unique(chance_of_adding(terms, clones, counts), return_inverse=True)
    return _curve(clones, of, lambda moments: np.where(moments[:, None] > grace, 1 / chance, 1.0), counts)


def model_of_adding(terms: pd.DataFrame, clones: Clones, counts: np.ndarray) -> np.ndarray:
    """Coefficients of Cox models of the day on which a clone of :func:`refraining` is censored.

    ``counts`` says how often each person is in each sample (samples x people); the answer is samples x terms,
    not a number where a model has no estimate.
    """
    return repeated.cox(terms.to_numpy(dtype=float)[None], clones.days, clones.deviated, counts)[0]


def curve_of_refraining(
    terms: pd.DataFrame, clones: Clones, coef: np.ndarray, counts: ArrayLike | None = None
) -> pd.DataFrame:
    """The weighted survival curve of :func:`refraining`, in the same form.

    The chance of not having been censored before a day comes from a Cox model with the coefficients ``coef``.

    Raises
    ------
    NotEstimable
        Nobody added it, or the model has no estimate.
    """
    if not (clones.deviated & (_often(counts, clones) > 0)).any() or np.isnan(coef).any():
        raise NotEstimable("there is no model of who goes on to the other modality: too few do")
    risk = np.exp((terms.to_numpy(dtype=float) * coef).sum(axis=1))
    hazard = baseline_hazard(risk, clones.days, clones.deviated, counts)
    risks, of = np.unique(risk, return_inverse=True)

    def weights(moments: np.ndarray) -> np.ndarray:
        before = np.searchsorted(
            hazard["days"], moments, side="left"
        )  # an addition on the day comes after it
        return np.exp(np.outer(np.concatenate([[0.0], hazard["hazard"]])[before], risks))

    return _curve(clones, of, weights, counts)


def _often(counts: ArrayLike | None, clones: Clones) -> np.ndarray:
    return np.ones(len(clones.days)) if counts is None else np.asarray(counts, dtype=float)


def _curve(
    clones: Clones,
    of: np.ndarray,
    weights: Callable[[np.ndarray], np.ndarray],
    counts: ArrayLike | None,
) -> pd.DataFrame:
    """Kaplan and Meier's estimate with weights that change from day to day and are the same for people of one
    kind (``of``, from 0): ``weights`` gives them for some days, days x kinds.
    """
    often = _often(counts, clones)
    event = clones.event & (often > 0)
    if not event.any():
        raise NotEstimable("nobody who followed the strategy had the event")
    moments = np.unique(clones.days[event])
    weight = weights(moments)
    followed = np.searchsorted(moments, clones.days, side="right")  # up to which of these days
    size = (len(moments) + 1, weight.shape[1])
    still = sums_at((followed, of), often, size)[::-1].cumsum(axis=0)[::-1][1:]
    dying = sums_at((followed[event] - 1, of[event]), often[event], size)[:-1]
    survival = np.cumprod(1 - (weight * dying).sum(axis=1) / (weight * still).sum(axis=1))
    last = clones.days[often > 0].max()  # up to which somebody is followed
    return pd.DataFrame(
        {
            "days": np.concatenate([[0.0], moments, [last]]),
            "survival": np.concatenate([[1.0], survival, survival[-1:]]),
        }
    )


def height(curve: pd.DataFrame, day: float) -> float:
    """The survival on a day."""
    return float(curve["survival"].to_numpy()[np.searchsorted(curve["days"], day, side="right") - 1])


def area(curve: pd.DataFrame, day: float) -> float:
    """The mean event-free time up to a day, in days: the area below the curve."""
    days = curve["days"].to_numpy()
    inside = np.searchsorted(days, day)
    return float((np.diff(np.append(days[:inside], day)) * curve["survival"].to_numpy()[:inside]).sum())


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
    alike = kinds(days, event, entered, terms)
    x = terms.iloc[alike.first].reset_index(drop=True)
    course = (*(each[alike.first] for each in (days, event, entered)), grace)
    with_it, without, counts = adding(*course), refraining(*course), alike.drawn(samples)
    found = []
    for often, coef in zip(counts, model_of_adding(x, without, counts)):
        try:
            added = curve_of_adding(x, with_it, grace, often)
            refrained = curve_of_refraining(x, without, coef, often)
        except NotEstimable:
            continue
        found.append(
            Compared(
                100 * height(added, day),
                100 * height(refrained, day),
                area(added, day) - area(refrained, day),
            )
        )
    return found
