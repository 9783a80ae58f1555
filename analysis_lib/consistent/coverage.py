"""How often is a range right where the truth is known?"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from analysis_lib.consistent.cohorts import code, coverage
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
    left; exact 95% limits, as if the results of one cohort were independent, which they are not. Row
    ``coverage.reconstructed``: of the ``n`` simulated cohorts, those from whose paper cohorts were made; with
    how many, and what to expect of so many, in ``note``. The results of the others are not counted. Row
    ``coverage.pushed``: in how many of them results were pushed to their ends.
    """
    known = coverage()
    if known.empty:
        return results.skipped("coverage", "nobody has yet measured how often a range holds the truth")
    whole = known.groupby("by", sort=False)[["within", "of"]].sum().reset_index().assign(kind="")
    every = [
        _row(one.by, one.kind, int(one.within), int(one.of)) for one in pd.concat([whole, known]).itertuples()
    ]
    return results.collect(every + _reconstructed(known.iloc[0]) + _pushed(known))


def _reconstructed(one: pd.Series) -> list[dict]:
    """How many of the simulated cohorts were reconstructed, where that is known."""
    if pd.isna(one["simulated"]):
        return []
    done, n = int(one["reconstructed"]), int(one["simulated"])
    earlier = " and with earlier code" if pd.notna(one["code"]) and {one["code"]} != code() else ""
    return [
        row(
            slug("coverage.reconstructed"),
            "proportion",
            100 * done / n,
            n=n,
            events=done,
            population="simulated cohorts",
            note=f"{one['cohorts']:.0f} cohorts, about {one['cohorts'] / done:.0f} for each paper, made more "
            f"quickly{earlier} than the book's: they miss {one['missed']:.1f} of the printed numbers on "
            f"average, and those of the book none. With so few, the range would hold {one['expected']:.0f}% "
            "even if the truth were simply one more of them",
        )
    ]


def _pushed(known: pd.DataFrame) -> list[dict]:
    """In how many simulated cohorts a search pushed results to their ends, where that is known."""
    of = known.loc[known["by"] == "bounds", "simulated"].dropna()
    if of.empty:
        return []
    return [row(slug("coverage.pushed"), "count", int(of.iloc[0]), population="simulated cohorts")]


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
