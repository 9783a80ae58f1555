"""Many cohorts, each as consistent with the paper as the bundled one: what they agree on, the paper
determines.

The cohorts are committed as three tables with a column ``cohort`` (1, 2, ...); beside them stand the result
rows that the book's own chapters give for each. ``python -m analysis_lib.reconstruction.many`` made them.

Sampling stopped at the first cohort that met the printed numbers, so the cohorts are no sample of any
distribution: they give ranges, never probabilities, and the true range can only be wider.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.analyses import cox_models
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent import cohorts, judged
from analysis_lib.consistent.cohorts import bounds, rows
from analysis_lib.consistent.judged import VERDICTS
from analysis_lib.paper.claims import read_claims
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row, slug

# systemic therapy against radiotherapy, given stage and LDH
ADJUSTED = "cox.os2.adjusted.salvage_regimen.st"

# --- what they agree on ---------------------------------------------------------------------------


@published
def ranges(every: pd.DataFrame, leeway: float = 1.0) -> pd.DataFrame:
    """For each result that every cohort has, how far it goes and whether the paper determines it.

    Where a search has pushed a result to its ends (:func:`analysis_lib.consistent.cohorts.bounds`), these
    count as two cohorts more.

    Parameters
    ----------
    every : pandas.DataFrame
        Result rows with a column ``cohort``.
    leeway : float
        Multiplies the limits of the rules of :mod:`analysis_lib.consistent.judged`.

    Returns
    -------
    pandas.DataFrame
        ``chapter, result_id, population, group, statistic, lowest, highest`` (infinite: a median not
        reached); ``share`` (of the confidence interval that the range takes up, hazard ratios on the log
        scale; not a number without an interval); ``verdict`` (one of
        :data:`analysis_lib.consistent.judged.VERDICTS`, or the name of what is counted apart); ``by``
        (``bounds`` or ``ensemble``); ``flips`` (cohorts that must go for the verdict to be another; missing
        where none can, or bounds are known); ``printed`` (whether the paper prints it).
    """
    shown = every[every["statistic"] != "skipped"].astype(dict.fromkeys(LIMITS, float))
    of = shown.groupby("result_id", sort=False)
    everywhere = of["cohort"].nunique() == every["cohort"].nunique()
    first = of.first().loc[everywhere]
    value, lower, upper = (
        shown.pivot(index="result_id", columns="cohort", values=limit).reindex(first.index)
        for limit in LIMITS
    )
    value = value.mask(value.isna() & (first[["statistic"]] == "median time").to_numpy(), np.inf)
    # where in some cohort nobody is followed that long, there is nothing to compare
    value = value[value.notna().all(axis=1)]
    first, lower, upper = (frame.loc[value.index] for frame in (first, lower, upper))
    width, aside = _width(lower, upper, first["statistic"]), judged.apart(first, value)
    searched = _ends(value, first["statistic"])
    each = zip(value.to_numpy(), width, first["statistic"], aside, searched.to_numpy())
    lines = [_line(*one, leeway) for one in each]
    told = first[["chapter", "population", "group", "statistic"]].reset_index(names="result_id")
    found = pd.concat([told, pd.DataFrame(lines, columns=LINE)], axis=1)
    return found.assign(printed=found["result_id"].isin(read_claims()["result_id"]))


LIMITS = ("value", "lower", "upper")
LINE = ["lowest", "highest", "share", "verdict", "by", "flips"]


def _line(
    value: np.ndarray, width: float, statistic: str, aside: str, searched: np.ndarray, leeway: float
) -> tuple[float, float, float, str, str, int | None]:
    """One result as :data:`LINE`."""
    bounded = not np.isnan(searched).any()
    reached = np.concatenate([value, searched]) if bounded else value
    most = judged.widest(statistic, width)
    ordered = judged.scaled(reached, width, statistic)
    range_ = judged.spread(ordered)
    share = judged.NARROW * range_ if statistic != "p" and not np.isnan(width) else np.nan
    flips = None if bounded or aside else judged.fewest_to_flip(ordered, most, leeway)
    said = aside or judged.verdict(range_, most, leeway)
    return reached.min(), reached.max(), share, said, "bounds" if bounded else "ensemble", flips


def _width(lower: pd.DataFrame, upper: pd.DataFrame, statistic: pd.Series) -> pd.Series:
    """Median width of the confidence interval over the cohorts, of ratios on the log scale; not a number
    where there is none.
    """
    ratio = statistic.isin(judged.RATIOS)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = (limit.where(~ratio, np.log(limit.where(ratio, 1.0))) for limit in (lower, upper))
        width = (high - low).where(np.isfinite(high - low)).median(axis=1)
    return width.where(width > 0)


def _ends(value: pd.DataFrame, statistic: pd.Series) -> pd.DataFrame:
    """:func:`_searched` of results. One that is the same number in every cohort, under another name in
    another chapter, has the same ends.
    """
    searched = _searched(value.index)
    alike = [statistic.to_numpy(), *value.round(9).to_numpy().T]
    return searched.fillna(searched.groupby(alike, sort=False).transform("first"))


def _searched(names: pd.Index) -> pd.DataFrame:
    """The lowest and the highest value that a search has found, a line a result; missing where none was
    made.
    """
    known = bounds()
    return known.set_index("result_id")[["lowest", "highest"]].reindex(names).astype(float)


def committed() -> pd.DataFrame:
    """:func:`ranges` of the committed cohorts, which every chapter asks for several times; found once."""
    return _of_folder(cohorts.FOLDER)


@cache
def _of_folder(folder: Path) -> pd.DataFrame:
    return ranges(rows())


@published
def open_results(found: pd.DataFrame) -> pd.DataFrame:
    """Those of :func:`ranges` that are estimates and P values which the paper does not print."""
    kinds = ["median time", "rate", "rate difference", "restricted mean", "hazard ratio", "p"]
    return found[~found["printed"] & found["statistic"].isin(kinds)].reset_index(drop=True)


@published
def tally(open_: pd.DataFrame) -> pd.DataFrame:
    """How many results that the paper does not print are determined.

    Rows ``open.all``: all of them; ``determined.<verdict>``: of those that are judged; ``apart.<kind>``:
    counted apart, ``apart.all`` together; ``flips.one``: of the judged, those whose verdict is another when
    one cohort goes; ``bounds.known``: those whose ends a search has looked for, in words in ``note``.
    """
    judged_ = open_[open_["verdict"].isin(VERDICTS)]
    counts, n = open_["verdict"].value_counts(), len(judged_)
    of: dict = {
        "population": "results that the paper does not print",
        "method": "range over the consistent cohorts",
    }
    shares = {slug("determined", verdict): (verdict, int(counts.get(verdict, 0))) for verdict in VERDICTS}
    shares["flips.one"] = ("another verdict without one of the cohorts", int((judged_["flips"] == 1).sum()))
    known = int((judged_["by"] == "bounds").sum())
    return results.collect(
        [
            *(
                row(name, "proportion", 100 * k / n if n else None, n=n, events=k, group=group, **of)
                for name, (group, k) in shares.items()
            ),
            row("open.all", "count", len(open_), group="all", **of),
            row("apart.all", "count", len(open_) - n, group="counted apart", **of),
            row("bounds.known", "count", known, note=f"{known} of {n} results" if known else "no result yet"),
            *(
                row(slug("apart", kind), "count", int(counts.get(kind, 0)), group=kind, **of)
                for kind in judged.APART
            ),
        ]
    )


@published
def by_leeway(every: pd.DataFrame, leeways: tuple[float, ...]) -> pd.DataFrame:
    """How many results are determined under other limits, as finished text, one line a choice."""
    lines = []
    for leeway in leeways:
        counts = open_results(ranges(every, leeway))["verdict"].value_counts()
        lines.append(
            {"Limits": f"× {leeway:g}"} | {each.capitalize(): counts.get(each, 0) for each in VERDICTS}
        )
    return pd.DataFrame(lines).astype(str)


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
                one.statistic,
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
        the hazard ratios; in ``events`` of ``n`` cohorts the interval excludes 1; ``note`` says it in words.
        ``adjusted.found``: how low and how high a search has pushed it while every claim stayed met, if one
        has been made.
    """
    factors = ["salvage_regimen", "advanced_stage", "ldh_elevated"]
    fitted = {
        n: cox_models.cox(study, "OS2", factors, "adjusted").set_index("result_id")
        for n, study in studies.items()
    }
    found = pd.DataFrame({n: rows.loc[ADJUSTED] for n, rows in fitted.items()}).T
    value, lower, upper = (found[c].astype(float) for c in ("value", "lower", "upper"))
    excluding = int(((lower > 1) | (upper < 1)).sum())
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
                events=excluding,
                population="consistent cohorts",
                group="Lowest and highest",
                method="Cox model, Efron ties",
                note=judged.excludes(excluding, len(found), "cohorts"),
            ),
            *_pushed(value),
        ]
    )


def _pushed(value: pd.Series) -> list[dict]:
    """How far a search has pushed the adjusted hazard ratio, which ``value`` holds cohort by cohort."""
    searched = _searched(pd.Index([ADJUSTED])).iloc[0]
    if searched.isna().any():
        return []
    return [
        row(
            "adjusted.found",
            "hazard ratio",
            value.median(),
            lower=min(searched["lowest"], value.min()),
            upper=max(searched["highest"], value.max()),
            population="consistent cohorts",
            group="Lowest and highest that a search has found",
            method="Cox model, Efron ties",
            endpoint="OS2",
        )
    ]
