"""Log-rank tests between groups: plain, weighted, within strata, pair by pair."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis_lib.estimators import many_tests, models, observed
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.rank_tests import differences

# Log-rank tests and what weighs their days: powers of S and 1 - S just before the day, or the name of a
# weight.
WEIGHTINGS: dict[str, tuple[int, int] | str] = {
    "log-rank": (0, 0),
    "Peto-Peto": (1, 0),
    "Fleming-Harrington, late": (0, 1),
    "Gehan-Breslow": "wilcoxon",
    "Tarone-Ware": "tarone-ware",
}


def logrank_test(
    days: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    weighting: str = "log-rank",
) -> models.Test:
    """The log-rank test between groups, or one of its weighted forms.

    Parameters
    ----------
    group : array-like
        A label a row, none missing.
    start : array-like of int, optional
        Day after which a row is at risk, where people enter late. R's ``survdiff`` takes none; the test is
        the score test of its ``coxph(ties="exact")``.
    strata : array-like, optional
        Groups are compared within strata, and the differences added up. Not for Gehan-Breslow and
        Tarone-Ware.
    weighting : str
        A key of :data:`WEIGHTINGS`: ``log-rank`` weighs all days alike, ``Peto-Peto`` by survival just before
        the day (R's ``survdiff(rho=1)``), ``Gehan-Breslow`` by the number at risk and ``Tarone-Ware`` by its
        root (all three: early days more), ``Fleming-Harrington, late`` by the share that has had the event
        (late days more).

    Raises
    ------
    NotEstimable
        Fewer than two groups, no event, or groups that were never at risk together.
    """
    days, event = observed.outcome(days, event)
    group, found = observed.groups(group, len(days))
    if len(found) < 2 or not event.any():
        raise NotEstimable("fewer than two groups" if len(found) < 2 else "no events")
    weight = WEIGHTINGS[weighting]
    if isinstance(weight, str) and strata is not None:
        raise ValueError(f"the {weighting} test is not computed within strata")
    stratum = np.zeros(len(days), dtype=int) if strata is None else observed.groups(strata, len(days))[0]
    entered = None if start is None else observed.entries(start, days)
    statistic = observed.chi_square(*differences(days, event, group, stratum, weight, entered))
    if statistic is None:
        raise NotEstimable("the groups were never at risk together when an event happened")
    return models.Test(statistic, len(found) - 1, float(stats.chi2.sf(statistic, len(found) - 1)))


def pairwise_logrank(
    days: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    method: str = "holm",
    start: ArrayLike | None = None,
) -> pd.DataFrame:
    """The log-rank test of each pair of groups, corrected for their number.

    Parameters
    ----------
    group : array-like
        Labels, or a categorical whose order the pairs follow.
    method : str
        Of :func:`analysis_lib.estimators.many_tests.corrected`.
    start : array-like of int, optional
        As for :func:`logrank_test`.

    Returns
    -------
    pandas.DataFrame
        ``first, second, n, events, chi_square, p, adjusted``, and ``note`` where a pair cannot be compared.
    """
    days, event = observed.outcome(days, event)
    labels = pd.Categorical(group)
    lines = []
    for first, second in combinations([level for level in labels.categories if (labels == level).any()], 2):
        pair = np.asarray((labels == first) | (labels == second))
        line = {
            "first": str(first),
            "second": str(second),
            "n": int(pair.sum()),
            "events": int(event[pair].sum()),
            "note": "",
        }
        try:
            test = logrank_test(
                days[pair],
                event[pair],
                np.asarray(labels)[pair],
                start=None if start is None else np.asarray(start)[pair],
            )
            lines.append(line | {"chi_square": test.statistic, "p": test.p})
        except NotEstimable as why:
            lines.append(line | {"chi_square": np.nan, "p": np.nan, "note": str(why)})
    table = pd.DataFrame(lines, columns=["first", "second", "n", "events", "chi_square", "p", "note"])
    known = table["p"].notna()
    table.loc[known, "adjusted"] = many_tests.corrected(table.loc[known, "p"], method) if known.any() else []
    return table[["first", "second", "n", "events", "chi_square", "p", "adjusted", "note"]]
