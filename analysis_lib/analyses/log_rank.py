"""Do the groups differ? Log-rank tests as result rows: of groups, pairs, and a state entered on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import without_groups
from analysis_lib.dictionary import words
from analysis_lib.estimators.logrank import logrank_test, pairwise_logrank
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import LOG_RANK
from analysis_lib.rows.results import row, slug


def logrank(
    frame: pd.DataFrame,
    by: str,
    result_id: str,
    population: str = "all patients",
    least: int = 0,
    endpoint: str = "",
    label: str = "",
) -> dict:
    """The log-rank test between groups of an endpoint's rows, as one result row.

    ``label`` is what the cohort calls the groups, where the dictionary does not.

    Where a group has fewer than ``least`` patients, or patients with the event, the row is marked to be
    hidden by :func:`analysis_lib.cohort.disclosure.protect`; until then it holds its P value, which
    corrections of many need.
    """
    known = endpoints.watched(frame, by)[frame[by].notna()]
    shared: dict = {
        "population": population,
        "group": label or words.label_of(by),
        "n": len(known),
        "events": int(known["event"].sum()),
        "method": LOG_RANK,
        "endpoint": endpoint,
        "by": by,
    }
    try:
        test = logrank_test(known["days"], known["event"], known[by], start=endpoints.start_of(known))
    except NotEstimable as why:
        return row(result_id, "p", None, note=str(why), **shared)
    note = f"chi-square {test.statistic:.2f}, {test.df} df"
    return row(
        result_id,
        "p",
        test.p,
        note=f"{disclosure.too_few(least)}; {note}" if _thin(known, by, least) else note,
        **shared,
    )


def _thin(frame: pd.DataFrame, by: str, k: int) -> bool:
    """Whether one of the groups has fewer than ``k`` patients, or patients with the event."""
    if k <= 1:
        return False
    groups = frame[by].astype(str)
    return any(
        of.groupby(groups)["patient_id"].nunique().reindex(groups.unique(), fill_value=0).min() < k
        for of in (frame, frame[frame["event"]])
    )


@disclosure.protected
def pairwise(study: Cohort, name: str, by: str) -> pd.DataFrame:
    """Each pair of groups of an endpoint: log-rank tests with Holm's correction.

    Returns
    -------
    pandas.DataFrame
        ``<endpoint>.pairwise.<by>.<first>_vs_<second>`` (corrected P, the uncorrected one in the note); or
        the row that says why not.
    """
    prefix = slug(name, "pairwise", by)
    if reason := without_groups(study, name, by):
        return results.skipped(prefix, reason)
    frame = endpoints.watched(endpoints.derive(study, name, late=True), by)
    known = frame[frame[by].notna()]
    if known[by].nunique() < 3:
        return results.skipped(prefix, "fewer than three groups, so there is only one comparison")
    rows = results.collect(
        row(
            slug(prefix, f"{pair['first']} vs {pair['second']}"),
            "p",
            None if pd.isna(pair["adjusted"]) else pair["adjusted"],
            group=f"{pair['first']} and {pair['second']}",
            n=pair["n"],
            events=pair["events"],
            endpoint=name,
            by=by,
            method="log-rank test, Holm's correction",
            note=pair["note"] or _uncorrected(known, by, pair, study.min_cell_count),
        )
        for _, pair in pairwise_logrank(
            known["days"], known["event"], known[by], start=endpoints.start_of(known)
        ).iterrows()
    )
    rows.attrs["label"] = "Groups compared"
    return rows


def _uncorrected(known: pd.DataFrame, by: str, pair: pd.Series, least: int) -> str:
    of_pair = known[known[by].astype(str).isin([pair["first"], pair["second"]])]
    note = f"P = {pair['p']:.3f} before correction"
    return f"{disclosure.too_few(least)}; {note}" if _thin(of_pair, by, least) else note


def mantel_byar(
    days: ArrayLike, event: ArrayLike, switched: ArrayLike, result_id: str, least: int = 0, **labels: Any
) -> dict:
    """The log-rank test of a state that patients enter during follow-up (Mantel and Byar 1974), as one result
    row.

    Until a patient enters the state, the time counts for those outside it; an event on the very day counts
    there too.

    Parameters
    ----------
    days, event : array-like
        Days from the origin, and whether the event ended them.
    switched : array-like of float
        Day from the origin on which the state was entered; not a number for those who never entered it.
    least : int
        With fewer people or events than this inside or outside the state, the row is marked to be hidden.
    """
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    switched = np.asarray(switched, dtype=float)
    moments, died = np.unique(days[event], return_counts=True)
    entered = switched[switched < days]  # never true of nan
    died_inside = np.bincount(
        np.searchsorted(moments, days[event & (switched < days)]), minlength=len(moments)
    )
    n = len(days) - np.searchsorted(np.sort(days), moments)
    inside = np.searchsorted(np.sort(entered), moments) - np.searchsorted(
        np.sort(days[switched < days]), moments
    )
    share = inside / n
    difference = died_inside.sum() - died @ share
    variance = (died * share * (1 - share) * (n - died) / np.maximum(n - 1, 1)).sum()
    own: dict = {"n": len(days), "events": int(event.sum()), "method": "Mantel-Byar test"}
    shared = own | labels
    if not variance > 1e-10 * (died @ share):
        return row(
            result_id, "p", None, note="nobody was at risk in both states when an event happened", **shared
        )
    statistic = difference**2 / variance
    entered = switched < days  # never true of nan
    few = (
        least > 1
        and min(entered.sum(), (~entered).sum(), (event & entered).sum(), (event & ~entered).sum()) < least
    )
    note = f"chi-square {statistic:.2f}, 1 df"
    return row(
        result_id,
        "p",
        stats.chi2.sf(statistic, 1),
        note=f"{disclosure.too_few(least)}; {note}" if few else note,
        **shared,
    )
