"""By which rule is a result determined?

A range is measured against what else is uncertain about the number: an estimate against its own confidence
interval, a P value against how P values are read, any other number against its own size. What could not come
out otherwise, and what is no result about these patients, is named and counted apart.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from analysis_lib.analyses.cox_models import PROPORTIONAL

VERDICTS = ("determined", "partly determined", "not determined")
# of the width of its confidence interval: determined up to a tenth, partly up to a half
NARROW, WIDE = 0.1, 0.5
NEAR, FAR = 1.5, 5.0  # the same for P values: by which factor the largest may exceed the smallest
CLOSE, LOOSE = 1.1, 1.5  # and for numbers that have no interval
LEAST_P = 0.001  # below it every P value is printed alike
RATIOS = ("hazard ratio", "odds ratio")
# what other authors saw or anybody may believe of it: no data of these patients could move that
OTHERS, OTHERS_BEGIN = "from other studies", ("context.", "prior.")
# what is counted apart, and by what it is known: how the method begins or what it holds
APART = {
    OTHERS: ("Cochran's Q", "random-effects", "fixed-effect", "DerSimonian", "I squared"),
    "test of an assumption": (PROPORTIONAL.partition(" (")[0],),
    "corrected P value": ("Holm", "Benjamini"),
    "formula of printed counts": ("Schoenfeld's formula", "Pearson", "Fisher", "exact binomial"),
}


def apart(of: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    """Which results are counted apart: a key of :data:`APART`, or empty.

    Parameters
    ----------
    of : pandas.DataFrame
        One result row a result.
    values : pandas.DataFrame
        Its values, one cohort a column. A formula counts as one of printed counts only if all are equal.
    """
    method = of["method"].fillna("")
    alike = values.eq(values.iloc[:, 0], axis=0).all(axis=1)
    found = pd.Series("", of.index)
    for kind, marks in APART.items():
        has = method.str.contains("|".join(map(re.escape, marks)))
        if kind == "formula of printed counts":
            has &= alike
        if kind == OTHERS:
            has |= of.index.to_series().str.startswith(OTHERS_BEGIN)
        found = found.mask(has & (found == ""), kind)
    return found


def scaled(numbers: np.ndarray, width: float, statistic: str) -> np.ndarray:
    """The values of a result, sorted, on a scale on which 1 is the largest range of a determined one.

    ``width`` is that of its confidence interval, on the log scale for ratios; not a number if it has none.
    """
    if statistic == "p":
        unit, numbers = np.log(NEAR), np.log(np.maximum(numbers, LEAST_P))
    elif not np.isnan(width):
        unit, numbers = NARROW * width, np.log(numbers) if statistic in RATIOS else numbers
    elif (numbers > 0).all():
        unit, numbers = np.log(CLOSE), np.log(numbers)
    else:  # no size to measure a difference by
        unit, numbers = 1.0, np.where(numbers == numbers[0], 0.0, np.inf)
    return np.sort(numbers / unit)


def widest(statistic: str, width: float) -> float:
    """The largest range of a partly determined result, on the scale of :func:`scaled`."""
    if statistic == "p":
        return float(np.log(FAR) / np.log(NEAR))
    return float(np.log(LOOSE) / np.log(CLOSE)) if np.isnan(width) else WIDE / NARROW


def spread(ordered: np.ndarray) -> float:
    """From the lowest to the highest; 0 if all are alike (also where none is finite)."""
    return 0.0 if ordered[0] == ordered[-1] else float(ordered[-1] - ordered[0])


def verdict(range_: float, most: float, leeway: float = 1.0) -> str:
    """The verdict on a range on the scale of :func:`scaled`; ``leeway`` multiplies both limits."""
    slack = 1 + 1e-9  # a range that is exactly at the limit
    return (
        VERDICTS[0]
        if range_ <= leeway * slack
        else VERDICTS[1]
        if range_ <= leeway * most * slack
        else VERDICTS[2]
    )


def fewest_to_flip(ordered: np.ndarray, most: float, leeway: float = 1.0) -> int | None:
    """How many cohorts must go, at least, for the verdict to be another; none if it cannot become another.

    Fewer cohorts can only narrow a range, so the lowest and the highest go first, and what is determined
    stays determined.
    """
    first = verdict(spread(ordered), most, leeway)
    if first == VERDICTS[0]:
        return None
    for gone in range(1, len(ordered) - 1):
        for low in range(gone + 1):
            if verdict(spread(ordered[low : len(ordered) - gone + low]), most, leeway) != first:
                return gone
    return None


def excludes(excluding: int, of: int, what: str) -> str:
    """In how many of many cohorts or fits an interval excludes 1, in words."""
    if excluding in (0, of):
        return "never excludes 1" if not excluding else "always excludes 1"
    return f"excludes 1 in {excluding} of {of} {what}"
