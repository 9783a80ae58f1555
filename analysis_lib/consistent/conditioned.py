"""What would a further number tell? Ranges over those cohorts that share it, against as many taken at random.

Fewer cohorts have narrower ranges whatever they share, so the yardstick is the range that a random choice of
as many would have.
"""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd

from analysis_lib.consistent.judged import RATIOS

FEWEST = 5  # cohorts below which a range says nothing


def values_of(every: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The values of results, a line a result and a column a cohort, ratios as logarithms; only results that
    have a finite value in every cohort and not always the same.
    """
    of = every[every["result_id"].isin(names)]
    table = of.pivot(index="result_id", columns="cohort", values="value").astype(float)
    ratio = of.drop_duplicates("result_id").set_index("result_id")["statistic"].isin(RATIOS)[table.index]
    with np.errstate(invalid="ignore", divide="ignore"):
        table = table.where(~ratio, np.log(table.where(ratio)))
    table = table[np.isfinite(table).all(axis=1)]
    return table[(table.max(axis=1) - table.min(axis=1)) > 1e-9]


def expected_range(values: pd.DataFrame, k: int) -> pd.Series:
    """The mean range of a result over all choices of ``k`` cohorts."""
    ordered = np.sort(values.to_numpy(), axis=1)
    m = ordered.shape[1]
    is_highest = np.array([comb(i, k - 1) for i in range(m)], dtype=float) / comb(m, k)
    return pd.Series(ordered @ is_highest - ordered @ is_highest[::-1], values.index)


def narrowing(values: pd.DataFrame, kept: list[int]) -> pd.Series:
    """By which part the range of each result is narrower over these cohorts than over as many at random, in
    percent; negative where it is wider.
    """
    of = values[kept]
    return 100 * (1 - (of.max(axis=1) - of.min(axis=1)) / expected_range(values, len(kept)))
