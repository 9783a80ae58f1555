"""Many cohorts, each as consistent with the paper as the bundled one: what they agree on, the paper
determines.

The cohorts are committed as three tables with a column ``cohort`` (1, 2, ...); beside them stand the result
rows that the book's own chapters give for each. ``python -m analysis_lib.reconstruction.many`` made them.

Sampling stopped at the first cohort that met the printed numbers, so the cohorts are no sample of any
distribution: they give ranges, never probabilities, and the true range can only be wider.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.analyses import cox_models, survival
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent.cohorts import rows
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.paper.claims import read_claims
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row, slug

# A result is determined if the cohorts differ by at most a tenth of its confidence interval, partly up to a
# half.
NARROW, WIDE = 0.1, 0.5
NEAR, FAR = 1.5, 5  # the same for P values: by which factor the largest may exceed the smallest
VERDICTS = ("determined", "partly determined", "not determined")
PROFILE = ["salvage_regimen", "ldh_elevated", "advanced_stage", "poor_performance", "responder"]


# --- what they agree on ---------------------------------------------------------------------------


@published
def ranges(every: pd.DataFrame) -> pd.DataFrame:
    """For each result that every cohort has, its lowest and highest value and whether the paper determines
    it.

    Returns
    -------
    pandas.DataFrame
        ``chapter, result_id, population, group, statistic, lowest, highest`` (infinite: a median not
        reached), ``share`` (of the confidence interval that the range takes up; hazard ratios on the log
        scale), ``verdict``, ``printed`` (whether the paper prints it). P values have no interval: they are
        determined when all lie within a factor of :data:`NEAR` of each other, partly within :data:`FAR`.
    """
    shown = every[every["statistic"] != "skipped"]
    of = shown.groupby("result_id", sort=False)
    everywhere = of["cohort"].nunique() == every["cohort"].nunique()
    first = of.first().loc[everywhere]
    value, lower, upper = (
        shown.pivot(index="result_id", columns="cohort", values=limit).reindex(first.index).astype(float)
        for limit in ("value", "lower", "upper")
    )
    value = value.mask(value.isna() & (first[["statistic"]] == "median time").to_numpy(), np.inf)
    # where in some cohort nobody is followed that long, there is nothing to compare
    value = value[value.notna().all(axis=1)]
    first, lower, upper = (frame.loc[value.index] for frame in (first, lower, upper))
    share = _share_of_interval(value, lower, upper, first["statistic"])
    printed = first.index.isin(read_claims()["result_id"])
    return pd.DataFrame(
        {
            "chapter": first["chapter"],
            "result_id": first.index,
            **{column: first[column] for column in ("population", "group", "statistic")},
            "lowest": value.min(axis=1),
            "highest": value.max(axis=1),
            "share": share,
            "verdict": share.map(_verdict),
            "printed": printed,
        }
    ).reset_index(drop=True)


def _share_of_interval(
    value: pd.DataFrame, lower: pd.DataFrame, upper: pd.DataFrame, statistic: pd.Series
) -> pd.Series:
    """How much of the confidence interval (its median width) the range of the estimates takes up, one result
    a row and one cohort a column; 0 when all agree.
    """
    ratio = statistic.isin(["hazard ratio", "odds ratio"])
    on_scale = [limit.where(~ratio, np.log(limit.where(ratio, 1.0))) for limit in (value, lower, upper)]
    with np.errstate(invalid="ignore"):
        width = (on_scale[2] - on_scale[1]).median(axis=1)
        spread = on_scale[0].max(axis=1) - on_scale[0].min(axis=1)
    there = lower.notna().any(axis=1) & upper.notna().any(axis=1) & np.isfinite(spread) & (width > 0)
    share = (spread / width).where(there, np.inf)
    # P values have no interval, and none is a threshold: how far apart are they?
    most, least = value.max(axis=1), value.min(axis=1)
    of_tests = pd.Series(
        np.select([most <= NEAR * least, most <= FAR * least], [NARROW, WIDE], np.inf), value.index
    )
    return share.mask(statistic == "p", of_tests).mask(value.nunique(axis=1) <= 1, 0.0)


def _verdict(share: float) -> str:
    return VERDICTS[0] if share <= NARROW else VERDICTS[1] if share <= WIDE else VERDICTS[2]


@published
def open_results(every: pd.DataFrame) -> pd.DataFrame:
    """The ranges of estimates with an interval, and of P values, that the paper does not print."""
    found = ranges(every)
    kinds = ["median time", "rate", "restricted mean", "hazard ratio", "p"]
    return found[~found["printed"] & found["statistic"].isin(kinds)].reset_index(drop=True)


@published
def tally(open_: pd.DataFrame) -> pd.DataFrame:
    """How many results that the paper does not print are determined: rows ``determined.<verdict>``."""
    counts = open_["verdict"].value_counts()
    return results.collect(
        [
            row(
                slug("determined", verdict),
                "proportion",
                100 * counts.get(verdict, 0) / len(open_),
                n=len(open_),
                events=int(counts.get(verdict, 0)),
                group=verdict,
                population="results that the paper does not print",
                method="range over the consistent cohorts",
            )
            for verdict in VERDICTS
        ]
    )


def printed_medians(endpoint: str, by: str) -> dict[str, float]:
    """The medians of an endpoint, in months, that the paper prints for the groups of a column."""
    known = rows().drop_duplicates("result_id").set_index("result_id")
    groups = known.query(
        "statistic == 'median time' and endpoint == @endpoint and by == @by and population == 'all patients'"
    )["group"]
    claims = read_claims()
    claims = claims[
        claims["result_id"].isin(groups.index) & (claims["field"] == "value") & (claims["printed"] != "NR")
    ]
    return {groups[claim.result_id]: float(claim.printed) for claim in claims.itertuples()}


@published
def range_rows(open_: pd.DataFrame) -> pd.DataFrame:
    """The ranges as result rows ``range.<result_id>``: lower and upper are the lowest and highest value over
    the cohorts.
    """
    return results.collect(
        [
            row(
                f"range.{one.result_id}",
                "estimate",
                None if np.isinf(one.lowest) else one.lowest,
                lower=None if np.isinf(one.lowest) else one.lowest,
                upper=None if np.isinf(one.highest) else one.highest,
                population=one.population,
                group=one.group,
                method="lowest and highest over the consistent cohorts",
                note=one.verdict,
            )
            for one in open_.itertuples()
        ]
    )


@published
def adjusted(studies: dict[int, Cohort]) -> pd.DataFrame:
    """The question the paper leaves open: OS2 after systemic therapy alone against radiotherapy alone, given
    stage and LDH.

    Returns
    -------
    pandas.DataFrame
        Rows ``adjusted.<cohort>`` (hazard ratio, its interval), and ``adjusted.range``: lowest and highest of
        the hazard ratios, and in ``events`` of ``n`` cohorts the interval leaves out 1.
    """
    factors = ["salvage_regimen", "advanced_stage", "ldh_elevated"]
    fitted = {
        n: cox_models.cox(study, "OS2", factors, "adjusted").set_index("result_id")
        for n, study in studies.items()
    }
    found = pd.DataFrame({n: rows.loc["cox.os2.adjusted.salvage_regimen.st"] for n, rows in fitted.items()}).T
    value, lower, upper = (found[c].astype(float) for c in ("value", "lower", "upper"))
    each = [
        row(
            f"adjusted.{n}",
            "hazard ratio",
            one["value"],
            lower=one["lower"],
            upper=one["upper"],
            n=one["n"],
            events=one["events"],
            group=f"Cohort {n}",
            endpoint="OS2",
            by="cohort",
            level=str(n),
            method=one["method"],
        )
        for n, one in found.iterrows()
    ]
    return results.collect(
        [
            *each,
            row(
                "adjusted.range",
                "hazard ratio",
                value.median(),
                lower=value.min(),
                upper=value.max(),
                n=len(found),
                events=int(((lower > 1) | (upper < 1)).sum()),
                population="consistent cohorts",
                group="Lowest and highest",
                method="Cox model, Efron ties",
                note="systemic therapy alone against radiotherapy alone, given stage and LDH",
            ),
        ]
    )


# --- how different they are -----------------------------------------------------------------------


@published
def diversity(studies: dict[int, Cohort]) -> pd.DataFrame:
    """How far apart the cohorts are, pair by pair, without regard to the order of patients.

    ``consistent.cohorts``; ``consistent.profiles``: share of patients whose profile (regimen, LDH, stage,
    performance, response) differs between two cohorts, total variation distance; ``consistent.curves``:
    largest vertical distance between the OS2 curves of a regimen in two cohorts, in percentage points, the
    largest over the regimens. Median and range over the pairs.
    """
    profiles = pd.DataFrame(
        {n: study.patients.groupby(PROFILE, observed=True).size() for n, study in studies.items()}
    ).fillna(0)
    curves = {n: survival.curves(study, "OS2", by="salvage_regimen") for n, study in studies.items()}
    daily = {n: {group: _daily(curve) for group, curve in of.groupby("group")} for n, of in curves.items()}
    pairs = list(combinations(studies, 2))
    distance = [
        float(np.abs(profiles[a].to_numpy() - profiles[b].to_numpy()).sum() / (2 * profiles[a].sum()))
        for a, b in pairs
    ]
    apart = [max(_apart(daily[a][group], daily[b][group]) for group in daily[a]) for a, b in pairs]
    method = "median and range over all pairs of cohorts"
    return results.collect(
        [
            row("consistent.cohorts", "count", len(studies), population="consistent cohorts"),
            row(
                "consistent.profiles",
                "range",
                100 * float(np.median(distance)),
                lower=100 * min(distance),
                upper=100 * max(distance),
                n=len(pairs),
                population="pairs of cohorts",
                method=method,
                note="percent of patients",
            ),
            row(
                "consistent.curves",
                "range",
                float(np.median(apart)),
                lower=min(apart),
                upper=max(apart),
                n=len(pairs),
                population="pairs of cohorts",
                method=method,
                note="percentage points",
            ),
        ]
    )


def _daily(curve: pd.DataFrame) -> np.ndarray:
    """Percent event-free on each day of follow-up."""
    return height(curve, np.arange(0, curve["days"].max() + 1))


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest vertical distance between two daily curves, over the days on which both are followed."""
    both = min(len(one), len(other))
    return float(np.abs(one[:both] - other[:both]).max())


def height(curve: pd.DataFrame, days: ArrayLike) -> np.ndarray:
    """Percent event-free on each day."""
    place = np.searchsorted(curve["days"].to_numpy(), days, side="right") - 1
    return 100 * curve["survival"].to_numpy()[place]


@published
def envelope(studies: dict[int, Cohort], name: str, by: str) -> pd.DataFrame:
    """Every cohort's curves of an endpoint on a grid of days, for
    :func:`analysis_lib.show.figures_cohort.envelope`.

    Returns
    -------
    pandas.DataFrame
        ``cohort, group, months, percent``; a curve ends with its last follow-up.
    """
    drawn = []
    for number, study in studies.items():
        curves = survival.curves(study, name, by=by)
        for group, curve in curves.groupby("group", sort=False):
            days = np.arange(0, curve["days"].max() + 1, 5)
            drawn.append(
                pd.DataFrame(
                    {
                        "cohort": number,
                        "group": group,
                        "months": days / DAYS_PER_MONTH,
                        "percent": height(curve, days),
                    }
                )
            )
    stacked = pd.concat(drawn).reset_index(drop=True)
    stacked.attrs["label"] = curves.attrs["label"]
    return stacked
