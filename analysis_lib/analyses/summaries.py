"""Summaries of patients without a clock: shares, medians of observed values, and tests between groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.cohort import disclosure
from analysis_lib.dictionary import words
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows.limits import exact_share
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.results import row, slug

SHUFFLES = 9999  # of patients among groups, in a permutation test


def proportion(result_id: str, events: int, n: int, **labels: Any) -> dict:
    """A share in percent with its exact interval (Clopper and Pearson 1934); undefined when ``n`` is 0."""
    if n == 0:
        return row(result_id, "proportion", None, n=0, events=0, note="nobody to count", **labels)
    low, high = exact_share(int(events), int(n))
    return row(
        result_id,
        "proportion",
        100 * events / n,
        lower=100 * low,
        upper=100 * high,
        n=int(n),
        events=int(events),
        method="exact binomial interval",
        **labels,
    )


def proportions(values: pd.Series, prefix: str, least: int = 0, **labels: Any) -> list[dict]:
    """The share of each level that occurs among the known values: rows ``<prefix>.<level>`` with the level as
    group.

    With ``least`` above 1 (the cohort's ``min_cell_count``) a level that nobody has is a row as well: that it
    is not there would say so of everybody.
    """
    known = values.dropna()
    levels = (
        known.dtype.categories if isinstance(known.dtype, pd.CategoricalDtype) else sorted(known.unique())
    )
    return [
        proportion(
            slug(prefix, level),
            int((known == level).sum()),
            len(known),
            group=str(level),
            by=str(values.name or ""),
            level=str(level),
            **labels,
        )
        for level in levels
        if least > 1 or (known == level).any()
    ]


def spread(
    result_id: str,
    values: pd.Series,
    limits: str = "IQR",
    days: bool = False,
    least: int = 0,
    whose: pd.Series | None = None,
    **labels: Any,
) -> dict:
    """The median of the known values with their quartiles (type 7) or, with ``limits="range"``, extremes.

    ``days=True`` says that the values are whole days; the row is in months. With ``least`` above 1 the median
    and the quartiles are means of the middle ``least`` patients' values
    (:func:`analysis_lib.cohort.disclosure.middle`); ``whose`` names the patient of each value, where one may
    have several.
    """
    whose = values.index.to_series() if whose is None else whose
    whose, known = whose[values.notna()], values.dropna().astype(float) / (DAYS_PER_MONTH if days else 1)
    statistic = {"IQR": "median", "range": "range"}[limits] + (" months" if days else "")
    if known.empty:
        return row(result_id, statistic, None, n=0, note="no value is known", **labels)
    ends = (0.25, 0.75) if limits == "IQR" else (0, 1)
    method = "median and quartiles (type 7)" if limits == "IQR" else "median and extremes"
    if least <= 1:
        return row(
            result_id,
            statistic,
            known.median(),
            lower=known.quantile(ends[0]),
            upper=known.quantile(ends[1]),
            n=len(known),
            method=method,
            **labels,
        )
    if whose.nunique() < 2 * least:
        return row(
            result_id,
            statistic,
            None,
            n=len(known) if whose.is_unique else None,
            note=disclosure.too_few(least),
            method=method,
            **labels,
        )
    value, *quartiles = (
        disclosure.middle(known, level, least, whose)
        for level in ((0.5, *ends) if limits == "IQR" else (0.5,))
    )
    return row(
        result_id,
        statistic,
        value,
        n=len(known),
        method=f"mean of the middle {least} patients' values",
        **labels,
        **dict[str, Any](zip(("lower", "upper"), quartiles)),
    )


def association(
    frame: pd.DataFrame,
    column: str,
    by: str,
    result_id: str,
    exact_if_sparse: bool = False,
    least: int = 0,
    **labels: Any,
) -> dict:
    """Test whether a categorical column differs between groups; missing values are left out.

    Pearson's chi-square without continuity correction; with ``exact_if_sparse``, Fisher's exact test when a 2
    x 2 table has an expected count below 5. The note tells of expected counts below 5, and calls the test
    rough by Cochran's rule (1954): more than a fifth of them below 5, or one below 1. With ``least`` above 1
    the test is that of the banded counts, as anyone can make it from what is shown; a cell below ``least``
    hides it.
    """
    exact = cross_counts(frame[column], frame[by])
    own: dict = {"group": words.label_of(column), "n": int(exact.sum())}
    labels = {"by": column} | own | labels
    if min(exact.shape) < 2:
        return row(
            result_id,
            "p",
            None,
            note="nothing to compare: all patients alike, or fewer than two groups",
            **labels,
        )
    if (counts := disclosure.released(exact, least)) is None:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    test = stats.chi2_contingency(counts, correction=False)
    low = int((test.expected_freq < 5).sum())
    if exact_if_sparse and low and counts.shape == (2, 2):
        return row(result_id, "p", stats.fisher_exact(counts).pvalue, method="Fisher's exact test", **labels)
    rough = low > 0.2 * counts.size or (test.expected_freq < 1).any()
    warning = (
        (f"; {low} of {counts.size} expected counts below 5{': a rough approximation' if rough else ''}")
        if low
        else ""
    )
    return row(
        result_id,
        "p",
        test.pvalue,
        method="Pearson chi-square",
        note=f"chi-square {test.statistic:.2f}, {test.dof} df{warning}",
        **labels,
    )


def cross_counts(rows: pd.Series, columns: pd.Series) -> np.ndarray:
    """How many are in each pair of levels that occur, in the order of their names; missing values are left
    out.
    """
    known = (rows.notna() & columns.notna()).to_numpy(dtype=bool)
    (row, lines), (column, across) = (
        pd.factorize(values[known].astype("string"), sort=True) for values in (rows, columns)
    )
    return np.bincount(row * len(across) + column, minlength=len(lines) * len(across)).reshape(
        len(lines), len(across)
    )


def rank_test(
    frame: pd.DataFrame, column: str, by: str, result_id: str, least: int = 0, **labels: Any
) -> dict:
    """Mann-Whitney test of a quantity between two groups of at least ``least``; missing values are left
    out.
    """
    known = frame[frame[column].notna() & frame[by].notna()]
    groups = [group.astype(float) for _, group in known.groupby(by, observed=True)[column]]
    own: dict = {"group": words.label_of(column), "n": len(known), "method": "Mann-Whitney test"}
    labels = {"by": by} | own | labels
    if len(groups) != 2:
        return row(result_id, "p", None, note="there are not two groups to compare", **labels)
    patients = [
        part["patient_id"].nunique() if "patient_id" in part else len(part)
        for _, part in known.groupby(by, observed=True)
    ]
    if least > 1 and min(patients) < least:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    return row(result_id, "p", stats.mannwhitneyu(*groups, method="asymptotic").pvalue, **labels)


def kruskal_wallis(
    frame: pd.DataFrame, column: str, by: str, result_id: str, least: int = 0, **labels: Any
) -> dict:
    """Kruskal and Wallis' test of a quantity between two or more groups of at least ``least``; missing values
    are left out.
    """
    known = frame[frame[column].notna() & frame[by].notna()]
    groups = [group.astype(float) for _, group in known.groupby(by, observed=True)[column]]
    own: dict = {"by": column, "n": len(known), "method": "Kruskal-Wallis test"}
    labels = own | labels
    if len(groups) < 2 or known[column].nunique() < 2:
        return row(
            result_id,
            "p",
            None,
            note="nothing to compare: all patients alike, or fewer than two groups",
            **labels,
        )
    if least > 1 and min(map(len, groups)) < least:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    test = stats.kruskal(*groups)
    note = f"chi-square {test.statistic:.2f}, {len(groups) - 1} df"
    return row(result_id, "p", test.pvalue, note=note, **labels)


def association_by_permutation(
    frame: pd.DataFrame, column: str, by: str, result_id: str, seed: int = SEED, least: int = 0, **labels: Any
) -> dict:
    """The test of :func:`association` without its large-sample approximation, for tables with small counts.

    How often 9999 random reshufflings of the patients among the groups give a chi-square at least as large;
    the seed makes the answer repeatable. Reshuffled patients are a random table of the same margins, which
    costs the same however many they are.
    """
    known = frame[frame[column].notna() & frame[by].notna()]
    exact = cross_counts(known[column], known[by])
    method = f"permutation test of the chi-square ({SHUFFLES} reshufflings, seed {seed})"
    own: dict = {"group": words.label_of(column), "n": len(known), "method": method}
    labels = {"by": column} | own | labels
    if min(exact.shape) < 2:
        return row(
            result_id,
            "p",
            None,
            note="nothing to compare: all patients alike, or fewer than two groups",
            **labels,
        )
    if (counts := disclosure.released(exact, least)) is None:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    margins = [margin.ravel().astype(int) for margin in stats.contingency.margins(counts)]
    expected = stats.contingency.expected_freq(counts)

    def chi_square(tables: np.ndarray) -> np.ndarray:
        return ((tables - expected) ** 2 / expected).sum((-2, -1))

    shuffled = stats.random_table(*margins, seed=seed).rvs(SHUFFLES)
    as_large = chi_square(shuffled) >= chi_square(counts) * (1 - 1e-12)  # equal but for rounding
    return row(result_id, "p", (1 + int(as_large.sum())) / (1 + SHUFFLES), **labels)
