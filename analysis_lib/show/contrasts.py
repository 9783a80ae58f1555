"""What stands out among many comparisons, as templates of sentences: told by the size of a difference, or by
what an interval leaves out, and never by a P value.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.rows.released import require
from analysis_lib.rows.results import STATISTICS
from analysis_lib.rows.rounding import half_up

ABOVE = "A higher rate of {event} goes with {}."
BELOW = "A lower rate of {event} goes with {}."
HOLDS = "Neither a difference nor its absence is shown for {}."


def by_interval(rows: pd.DataFrame) -> list[str]:
    """Hazard ratios by where their interval lies, as templates for :func:`analysis_lib.show.sentences.say`.

    What an interval leaves out is judged by its limits as they are printed; a ratio whose limits are hidden
    or unknown is not named.

    Parameters
    ----------
    rows : pandas.DataFrame
        Result rows; those that are no hazard ratio are passed over.

    Returns
    -------
    list of str
        Up to three sentences: of the ratios above 1, each with the lower end of its interval; of those below
        1, each with the upper end; and of those whose interval holds 1, each with both.
    """
    known = require(rows)
    known = known[known["statistic"] == "hazard ratio"].dropna(subset=["value", "lower", "upper"])
    named: dict[str, list[str]] = {ABOVE: [], BELOW: [], HOLDS: []}
    for one in known.to_dict("records"):
        row_id = one["result_id"]
        lower, upper = (_printed(one[end]) for end in ("lower", "upper"))
        kind = ABOVE if lower > 1 else BELOW if upper < 1 else HOLDS
        far = {
            ABOVE: f"at least {{{row_id}:lower}} times",
            BELOW: f"at most {{{row_id}:upper}} times",
            HOLDS: f"{{{row_id}:lower}} to {{{row_id}:upper}} times",
        }[kind]
        # what is so many times as high is said of the first, and goes without saying of the others
        if not named[kind]:
            far = f"{'where the rate may be ' if kind == HOLDS else ''}{far} as high"
        named[kind].append(f"{{{row_id}:named}}, {far}")
    event = "death" if len(known) and known["endpoint"].str.startswith("OS").all() else "the event"
    return [
        words.replace("{event}", event).replace("{}", "; ".join(names))
        for words, names in named.items()
        if names
    ]


def outside(rows: pd.DataFrame, result_id: str) -> str:
    """Which differences between two percentages the data speak against, as a template. A limit beyond what is
    possible, as an estimate that corrects another may have, leaves nothing out on its side.
    """
    of = require(rows)
    of = of[of["result_id"] == result_id].dropna(subset=["lower", "upper"])
    ends = {"below": "lower", "above": "upper"}
    if len(of):
        possible = {"below": of["lower"].iloc[0] > -100, "above": of["upper"].iloc[0] < 100}
        ends = {side: end for side, end in ends.items() if possible[side]}
    if not ends:
        return f"The interval ({{{result_id}:limits}}) leaves no difference out."
    told = " and ".join(f"{side} {{{result_id}:{end}}}" for side, end in ends.items())
    others = "larger" if "below" in ends else "smaller"
    open_ = f"; of {others} ones they leave out none" if len(ends) == 1 else ""
    return f"Differences {told} are what the data speak against{open_}."


def _printed(limit: float) -> float:
    """The limit of a hazard ratio as a page prints it."""
    return half_up(float(limit), STATISTICS["hazard ratio"].decimals)


def furthest(apart: pd.DataFrame) -> str:
    """In what the groups are furthest apart, and how far, as a template: the first line of
    :func:`analysis_lib.analyses.table_1.furthest_apart`; empty where it has none.
    """
    shares = require(apart)
    shares = shares[shares["statistic"] == "proportion"]
    if shares.empty:
        return ""
    line = shares[shares["group"] == shares["group"].iloc[0]].sort_values("value", kind="stable")
    low, high = line["result_id"].iloc[0], line["result_id"].iloc[-1]
    return (
        f"The groups are furthest apart in the line “{{{high}:named}}” of Table 1: {{{high}:share}} in "
        f"{{{high}:population}} against {{{low}:share}} in {{{low}:population}}."
    )
