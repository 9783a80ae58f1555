"""What chapter 12 shows of its own: the test from outside, how often a range is right, what to ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.paper.claims import NOT_REACHED, decimals
from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import public, require
from analysis_lib.show import payloads, result_names, sentences, tables
from analysis_lib.show.fragments import fragment

UNMEASURED = (
    "How often a range of this chapter holds the truth has not been measured yet, so read each as what a "
    "search has found, not as what must be."
)
HEADS = ("Number", "Printed in the abstract", "Middle cohort", "Lowest to highest", "Cohorts that print it")


def certificate(rows: pd.DataFrame) -> None:
    """Say how often a range held the truth where it was known, or plainly that nobody has measured it."""
    require(rows)
    if results.skip_reason(rows):
        return sentences.say(public(results.collect([])), UNMEASURED)
    made = rows.set_index("result_id").reindex(["coverage.reconstructed"]).iloc[0]
    others = "" if made["events"] == made["n"] else " The results of the others are not counted."
    sentences.say(
        rows,
        "The range over such cohorts held the true result in {coverage.ensemble:share}, "
        "{coverage.ensemble:limits}.",
        "Of {coverage.reconstructed:n} invented papers, cohorts could be made from "
        "{coverage.reconstructed:events}: {coverage.reconstructed:note}." + others,
        "For {coverage.pushed} of the papers a search has pushed the range to its ends; it then held the "
        "truth in {coverage.bounds:share}, {coverage.bounds:limits}.",
    )


def predictions(predicted: pd.DataFrame, caption: str) -> None:
    """Show what the cohorts predict beside what the abstract prints, apart from what follows from the paper
    without any cohort; the caption ends without a full stop.
    """
    require(predicted)
    real, follows = (predicted[(predicted["follows"] == "") == real] for real in (True, False))
    for part, kind in ((real, "real predictions"), (follows, "what follows from the printed numbers")):
        if len(part):
            tables.table(public(pd.DataFrame(map(_line, part.itertuples()))), f"{caption}: {kind}.")


def learned(rows: pd.DataFrame) -> None:
    """Say what the abstract adds when its numbers are taken as claims."""
    sentences.say(
        rows,
        "Had the abstract been aimed at too: its three group sizes are met by {learned.sizes:note}, its "
        "medians and P value by {learned.times:note}, and all that it prints by {learned.all:note}.",
        "Over the cohorts with the right sizes, ranges are {learned.sizes.narrower} narrower than over as "
        "many "
        "cohorts at random.",
        "Over those with the right medians and P value, they are {learned.times.narrower} narrower.",
        "To see whether that narrows a range takes at least {learned.too_few} such cohorts, so nothing can "
        "be learned from these.",
    )


def _line(one: Any) -> dict[str, str]:
    low, middle, high = (_as_printed(value, one.printed) for value in (one.lowest, one.middle, one.highest))
    what = f"{one.about} ({one.population})"
    printed = "not reached" if one.printed == NOT_REACHED else one.printed
    range_ = low if low == high else f"{low} to {high}"
    told = (what[:1].upper() + what[1:], printed, middle, range_, f"{one.same} of {one.cohorts}")
    return dict(zip(HEADS, told))


def _as_printed(value: float, printed: str) -> str:
    """A value at the precision of the print; of one that is not reached there, with one decimal."""
    if np.isinf(value):
        return "not reached"
    return rounding.number(value, 1 if printed == NOT_REACHED else decimals(printed))


def name_of_asked(row: pd.Series) -> str:
    """What a number to ask for is called, from a row of :func:`analysis_lib.consistent.asking.asked`."""
    name = row["note"]
    if name.startswith("joint."):
        return row["group"][:1].upper() + row["group"][1:]
    if name.startswith("deaths."):
        told = result_names.name_of(name.removeprefix("deaths."), row["group"])
        return f"Number of deaths, {told.removeprefix('Median ')}"
    return result_names.name_of(name, row["group"])


def checklist(asked: pd.DataFrame, caption: str) -> None:
    """Show the numbers to ask for, each with what it and those before it would tell."""
    require(asked)
    numbered = asked[asked["result_id"].str.fullmatch(r"asked\.\d+")]
    lines = pd.DataFrame(
        {
            "To be printed": [name_of_asked(row) for _, row in numbered.iterrows()],
            "Ranges narrower, with those above": [
                f"{rounding.number(value, 0)}%" for value in numbered["value"]
            ],
        }
    )
    tables.table(public(lines), caption)


def letter(asked: pd.DataFrame, tally: pd.DataFrame) -> None:
    """Show a letter to the authors that asks for these numbers, folded."""
    require(asked), require(tally)
    numbered = asked[asked["result_id"].str.fullmatch(r"asked\.\d+")]
    left = tally.set_index("result_id").loc["determined.not_determined"]
    payloads.show(
        fragment(
            "letter",
            asked=[name_of_asked(row) for _, row in numbered.iterrows()],
            open=f"{left['events']} of {left['n']}",
        )
    )
