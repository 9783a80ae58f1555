"""How often is a range right where the truth is known?"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from analysis_lib.consistent.cohorts import coverage
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row, slug

IDS = {"ensemble": slug("coverage.ensemble"), "bounds": slug("coverage.bounds")}
BY = {"ensemble": "range over the cohorts", "bounds": "range of a search for the ends"}


@published
def certificate() -> pd.DataFrame:
    """The measured coverage as result rows, or the row that says that it has not been measured.

    Rows ``coverage.<by>.<kind>``, by kind of result, and ``coverage.<by>`` for all kinds together: in
    ``events`` of ``n`` results of simulated cohorts the true value lay in the range that the printed numbers
    left; exact 95% limits, as if the results of one cohort were independent, which they are not.
    """
    known = coverage()
    if known.empty:
        return results.skipped("coverage", "nobody has yet measured how often a range holds the truth")
    whole = known.groupby("by", sort=False)[["within", "of"]].sum().reset_index().assign(kind="")
    return results.collect(
        _row(one.by, one.kind, int(one.within), int(one.of)) for one in pd.concat([whole, known]).itertuples()
    )


def _row(by: str, kind: str, within: int, of: int) -> dict:
    limits = stats.binomtest(within, of).proportion_ci(method="exact")
    return row(
        f"{IDS[by]}.{slug(kind)}" if kind else IDS[by],
        "proportion",
        100 * within / of,
        lower=100 * limits.low,
        upper=100 * limits.high,
        n=of,
        events=within,
        population="results of simulated cohorts, reconstructed from a paper about each",
        group=f"{kind or 'All'}, {BY[by]}",
        method="exact binomial interval",
    )
