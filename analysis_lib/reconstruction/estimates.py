"""Estimates by lifelines, greenwood and scipy, in the paper's units: months, percent, P values."""

from __future__ import annotations

import math

import greenwood
import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.statistics import multivariate_logrank_test
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH


def curve(days: pd.Series, event: pd.Series) -> pd.DataFrame:
    """Kaplan-Meier with log limits."""
    fit = greenwood.KaplanMeier(conf_type="log").fit(
        greenwood.Surv(np.asarray(days, float), event=np.asarray(event, int))
    )
    return fit.to_frame(format="pandas")


def crossing(table: pd.DataFrame, column: str) -> float:
    """Day on which a curve falls to one half; the middle of a flat stretch at one half."""
    low = table[table[column] <= 0.5 + 1e-9]
    if low.empty:
        return math.inf
    if abs(low[column].iloc[0] - 0.5) < 1e-9 and (low[column] < 0.5 - 1e-9).any():
        return (low.time.iloc[0] + low.time[low[column] < 0.5 - 1e-9].iloc[0]) / 2
    return low.time.iloc[0]


def median(days: pd.Series, event: pd.Series) -> float:
    """Median in months."""
    return crossing(curve(days, event), "estimate") / DAYS_PER_MONTH


def median_limits(days: pd.Series, event: pd.Series) -> tuple[float, float]:
    """Log 95% limits of the median, in months."""
    table = curve(days, event)
    return crossing(table, "conf_low") / DAYS_PER_MONTH, crossing(table, "conf_high") / DAYS_PER_MONTH


def rate(days: pd.Series, event: pd.Series, month: float) -> float:
    """Percent event-free at a month."""
    table = curve(days, event)
    return 100 * table.estimate[table.time <= month * DAYS_PER_MONTH].iloc[-1]


def logrank(days: pd.Series, event: pd.Series, group: pd.Series) -> float:
    """P of the log-rank test."""
    return multivariate_logrank_test(np.asarray(days), np.asarray(group), np.asarray(event)).p_value


def cox(frame: pd.DataFrame) -> pd.DataFrame:
    """Cox model (Efron) of all other columns on ``days`` and ``event``."""
    # by itself lifelines stops early: 5.2499 for 5.2501
    to_convergence = {"precision": 1e-16, "r_precision": 0}
    return CoxPHFitter().fit(frame, "days", "event", fit_options=to_convergence).summary


def two_by_two(yes: pd.Series, group: pd.Series) -> float:
    """Pearson chi-square without Yates, or Fisher's exact test when an expected count is below 5."""
    table = pd.crosstab(group, yes).to_numpy()
    if stats.contingency.expected_freq(table).min() < 5:
        return stats.fisher_exact(table)[1]
    return stats.chi2_contingency(table, correction=False)[1]


def quartiles(values: pd.Series) -> tuple[float, float, float]:
    """Quartiles, type 7."""
    return tuple(np.percentile(np.asarray(values, float), [25, 50, 75]))
