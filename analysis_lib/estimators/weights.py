"""Propensity scores and the weights made of them; balance, effective sizes and E-values."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning
from statsmodels.tools.tools import add_constant

from analysis_lib.estimators.observed import NotEstimable


def propensity(terms: pd.DataFrame, treated: ArrayLike, counts: ArrayLike | None = None) -> np.ndarray:
    """The probability of the treatment for each row, from a logistic model fitted by maximum likelihood;
    ``counts`` says how often each row is there, by default once.

    Raises
    ------
    NotEstimable
        If the factors tell the groups apart completely, so that the score of somebody is 0 or 1.
    """
    treated = np.asarray(treated, dtype=float)
    x = terms.to_numpy(dtype=float)
    spread = x.std(axis=0)
    # of one scale, which changes no score
    design = add_constant((x - x.mean(axis=0)) / np.where(spread > 0, spread, 1), has_constant="add")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        model = GLM(treated, design, family=Binomial(), freq_weights=counts)
        fitted = model.fit(maxiter=100, tol=1e-12)
    score = np.asarray(fitted.fittedvalues)
    if not fitted.converged or not ((score > 1e-4) & (score < 1 - 1e-4)).all():
        raise NotEstimable(
            "some combination of the factors occurs with one of the treatments only, so that "
            "nobody "
            "comparable had the other"
        )
    return score


def stabilised(score: ArrayLike, treated: ArrayLike) -> np.ndarray:
    """Stabilised inverse-probability weights: the share of the own treatment over its probability; their mean
    is near 1.
    """
    score, treated = np.asarray(score, dtype=float), np.asarray(treated, dtype=bool)
    return np.where(treated, treated.mean() / score, (1 - treated.mean()) / (1 - score))


def overlap(score: ArrayLike, treated: ArrayLike) -> np.ndarray:
    """Overlap weights: the probability of the *other* treatment. With a logistic score they balance its
    factors exactly.
    """
    score, treated = np.asarray(score, dtype=float), np.asarray(treated, dtype=bool)
    return np.where(treated, 1 - score, score)


def difference(values: ArrayLike, treated: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Standardised difference of means, treated less others, in standard deviations.

    The deviation is that of the unweighted groups (root of the mean of both variances), so that weights
    change the numerator only. Not a number if nobody varies.
    """
    values, treated = np.asarray(values, dtype=float), np.asarray(treated, dtype=bool)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    spread = np.sqrt((values[treated].var() + values[~treated].var()) / 2)
    means = [np.average(values[group], weights=weights[group]) for group in (treated, ~treated)]
    return float((means[0] - means[1]) / spread) if spread > 0 else np.nan


def effective_size(weights: ArrayLike) -> float:
    """How many unweighted patients would give as precise a mean (Kish): square of the sum over the sum of
    squares.
    """
    weights = np.asarray(weights, dtype=float)
    return float(weights.sum() ** 2 / (weights**2).sum())


def risk_ratio(hazard_ratio: float) -> float:
    """The risk ratio that a hazard ratio amounts to when the outcome is common (VanderWeele 2017): an
    approximation.

    A hazard ratio of 0 or without bound amounts to none: :class:`NotEstimable`.
    """
    if not 0 < hazard_ratio < np.inf and not np.isnan(hazard_ratio):
        raise NotEstimable(
            f"a hazard ratio of {hazard_ratio:g} amounts to no risk ratio, which takes a positive, finite one"
        )
    return float((1 - 0.5 ** np.sqrt(hazard_ratio)) / (1 - 0.5 ** np.sqrt(1 / hazard_ratio)))


def e_value(ratio: float) -> float:
    """The E-value of a risk ratio (VanderWeele and Ding 2017).

    How strongly, as a risk ratio, an unmeasured confounder would have to be linked to both treatment and
    outcome, beyond what was measured, to explain the whole of it. A ratio of 0 or without bound has none:
    :class:`NotEstimable`.
    """
    if not 0 < ratio < np.inf and not np.isnan(ratio):
        raise NotEstimable(f"a risk ratio of {ratio:g} has no E-value, which takes a positive, finite ratio")
    ratio = max(ratio, 1 / ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def nearer_limit(lower: float, upper: float) -> float:
    """The limit of an interval that is nearer to 1; 1 if the interval holds it."""
    return 1.0 if lower <= 1 <= upper else lower if lower > 1 else upper
