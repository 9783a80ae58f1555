"""What the consistent cohorts agree on, as tables and sentences."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent import cohorts
from analysis_lib.consistent.judged import VERDICTS
from analysis_lib.consistent.ranges import committed, open_results
from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import public, require
from analysis_lib.rows.results import row
from analysis_lib.show import notes, numbers, payloads, sentences, tables
from analysis_lib.show.fragments import fragment
from analysis_lib.show.result_names import name_of
from analysis_lib.show.seen import if_seen

SAME_ENDS = re.compile(r"goes from (\S+) to \1(?![\w.]*\d)")  # a range that is no range


def show(open_: pd.DataFrame, verdict: str, caption: str) -> None:
    """Show the ranges of one verdict, the widest first, folded below how many there are."""
    require(open_)
    of = open_[open_["verdict"] == verdict].sort_values("share", ascending=False, kind="stable")
    if of.empty:
        return notes.skip(f"no result is {verdict}")
    tables.show_folded(_lines(of), caption, f"{verdict[:1].upper()}{verdict[1:]}: all {len(of)} results")


def widest(open_: pd.DataFrame, caption: str, most: int = 8) -> None:
    """Show the results that are most open: the largest ranges against their own confidence interval."""
    require(open_)
    finite = open_[open_["verdict"].isin(VERDICTS) & np.isfinite(open_["share"])]
    of = finite.sort_values("share", ascending=False, kind="stable").head(most)
    tables.table(public(_lines(of)), caption)


def _lines(of: pd.DataFrame) -> pd.DataFrame:
    """Ranges as finished text: ``Result, Lowest, Highest, Range / interval``, and
    ``Flips without``: how many cohorts must go for another verdict."""
    ends = {
        end: [
            numbers.estimate(
                pd.Series(
                    {
                        "statistic": one.statistic,
                        "value": None if np.isinf(getattr(one, end)) else getattr(one, end),
                    }
                )
            )
            for one in of.itertuples()
        ]
        for end in ("lowest", "highest")
    }
    share = [
        "no limit"
        if np.isinf(one.highest) and one.lowest != one.highest
        else ""
        if np.isnan(one.share) or one.statistic == "p"
        else rounding.number(one.share, 2)
        for one in of.itertuples()
    ]
    flips = [str(int(flips)) if pd.notna(flips) else "–" for flips in of["flips"]]
    return pd.DataFrame(
        {
            "Result": [
                name_of(one.result_id, one.group, one.statistic, one.population) for one in of.itertuples()
            ],
            "Lowest": ends["lowest"],
            "Highest": ends["highest"],
            "Range / interval": share,
            "Flips without": flips,
        }
    )


@if_seen
def beside(study: Cohort, chapter_rows: pd.DataFrame) -> None:
    """Show the range that the consistent cohorts leave for those results of a chapter that the paper does not
    print.

    On other cohorts than the reconstructed, nothing. ``chapter_rows`` are the chapter's saved rows.
    """
    require(chapter_rows)
    if not study.of_the_paper:
        return
    open_ = open_results(committed())
    mine = open_[open_["result_id"].isin(chapter_rows["result_id"])]
    if mine.empty:
        return
    here = chapter_rows.set_index("result_id")
    lines = _lines(mine)
    lines.insert(1, "Here", [numbers.estimate(here.loc[one]) for one in mine["result_id"]])
    counts, searched = mine["verdict"].value_counts(), bool((mine["by"] == "bounds").any())
    said = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts]
    if apart := len(mine) - int(mine["verdict"].isin(VERDICTS).sum()):
        said.append(f"{apart} counted apart")
    tables.show_folded(
        lines.assign(Verdict=mine["verdict"].to_numpy()),
        "What the paper does not print: this cohort's result, and the range over all consistent cohorts."
        + (" Where a search has pushed a result to its ends, these count." if searched else ""),
        ", ".join(
            [
                f"What the paper leaves open: results of this chapter that it does not print ({len(mine)})",
                *said,
            ]
        ),
    )


@if_seen
def say(study: Cohort, *templates: str) -> None:
    """On the reconstructed cohort, sentences about ranges: ``{result_id:lower}`` and ``{result_id:upper}``
    are the lowest and highest value of a result over the consistent cohorts. A sentence about a result that
    some of them lack is left out.
    """
    if not study.of_the_paper:
        return
    named = {name for template in templates for name, _ in sentences.fields(template)}
    of = committed()
    of = of[of["result_id"].isin(named)]
    if of.empty:
        return
    spans = public(
        results.collect(
            [
                row(
                    one.result_id,
                    one.statistic,
                    None,
                    lower=None if np.isinf(one.lowest) else one.lowest,
                    upper=None if np.isinf(one.highest) else one.highest,
                )
                for one in of.itertuples()
            ]
        )
    )
    if said := " ".join(filter(None, (sentences.sentence(spans, template) for template in templates))):
        said = SAME_ENDS.sub(r"is \1 in all of them", said)
        told = f"(synthetic patients; the paper's numbers follow from each): {said}"
        pushed = ", and as far as a search has pushed them" if (of["by"] == "bounds").any() else ""
        who = f"Over all {len(cohorts.numbers())} consistent cohorts{pushed}"
        payloads.show(
            fragment("whose", synthetic=False, who=who, told=[told]),
            payloads.NOTE,
            {"kind": payloads.WHOSE},
        )
