"""Multiple imputation by chained equations, and Rubin's rules to pool what it gives."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning
from statsmodels.tools.tools import add_constant

from analysis_lib.estimators.observed import NotEstimable

IMPUTATIONS = 20


class Pooled(NamedTuple):
    """An estimate over imputed data sets: its standard error, limits, degrees of freedom, and the fraction of
    missing information (the share of the variance that comes from not knowing the missing values)."""

    estimate: float
    se: float
    lower: float
    upper: float
    df: float
    missing_information: float


def pool(estimates: ArrayLike, variances: ArrayLike) -> Pooled:
    """Rubin's rules for one parameter: estimates and squared standard errors, one for each imputed data set.

    Raises
    ------
    NotEstimable
        Fewer than two data sets, which cannot tell how much imputations differ; or none that varies.
    ValueError
        Numbers of estimates and of variances that differ, one that is not known, a variance below 0.
    """
    estimates, variances = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    m = len(estimates)
    if m != len(variances) or not (
        np.isfinite(estimates).all() and np.isfinite(variances).all() and (variances >= 0).all()
    ):
        raise ValueError("every imputed data set needs an estimate and a squared standard error, both known")
    if m < 2:
        raise NotEstimable("fewer than two imputed data sets cannot tell how much imputations differ")
    if not variances.any():
        raise NotEstimable("the estimates have no standard errors")
    within, between = variances.mean(), estimates.var(ddof=1)
    total = within + (1 + 1 / m) * between
    added = (1 + 1 / m) * between / total
    df = np.inf if between == 0 else (m - 1) / added**2
    reach = stats.t.ppf(0.975, df) * np.sqrt(total)
    mean = estimates.mean()
    return Pooled(
        float(mean), float(np.sqrt(total)), float(mean - reach), float(mean + reach), float(df), float(added)
    )


def nelson_aalen(days: ArrayLike, event: ArrayLike) -> np.ndarray:
    """The Nelson-Aalen estimate of the cumulative hazard at each person's own time."""
    days, event = np.asarray(days), np.asarray(event, dtype=bool)
    moments, died = np.unique(days[event], return_counts=True)
    at_risk = len(days) - np.searchsorted(np.sort(days), moments)
    return np.concatenate([[0.0], np.cumsum(died / at_risk)])[np.searchsorted(moments, days, side="right")]


def impute(values: ArrayLike, predictors: pd.DataFrame, count: int, seed: int) -> np.ndarray:
    """Draws of a yes/no variable where it is not known: a Bayesian logistic regression on the predictors.

    Parameters
    ----------
    values : array-like of float
        1, 0, or not a number where it is not known.
    predictors : pandas.DataFrame
        Numbers, none missing.
    count, seed : int
        How many data sets, and the seed of their draws.

    Returns
    -------
    numpy.ndarray
        One column a data set, known values unchanged. Coefficients are drawn anew for each, so that their
        uncertainty is part of the imputations.

    Raises
    ------
    NotEstimable
        If the predictors tell the known values apart completely.
    """
    values = np.asarray(values, dtype=float)
    known, design = np.isfinite(values), add_constant(predictors.to_numpy(dtype=float), has_constant="add")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        fit = GLM(values[known], design[known], family=Binomial()).fit(maxiter=100)
    if not fit.converged or np.abs(fit.params).max() > 15:
        raise NotEstimable(
            "the other factors tell those with it from those without completely, so that "
            "nothing can be imputed"
        )
    draws = np.random.default_rng(seed)
    coefficients = draws.multivariate_normal(fit.params, fit.cov_params(), size=count)
    chance = 1 / (1 + np.exp(-design[~known] @ coefficients.T))
    filled = np.repeat(values[:, None], count, axis=1)
    filled[~known] = draws.random(chance.shape) < chance
    return filled


def inflation(terms: pd.DataFrame) -> np.ndarray:
    """The variance inflation factor of each term: 1 / (1 - R²) of its regression on the others."""
    return np.diag(np.linalg.pinv(terms.corr().to_numpy()))
