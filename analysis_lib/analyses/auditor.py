"""An auditor: what can be worked out of the counts that are hidden or banded, from all that is published
together.

Disclosure control looks at one number at a time. The auditor looks at all of them as an attacker would: every
count is an interval (its band; 0 to ``k`` - 1 where it says "fewer than ``k``"), and the relations between
counts narrow the intervals. Where one is left with fewer than ``fewest`` values, it names the rows that gave
it away.

Each relation narrows the intervals by itself, again and again; then integer programming looks for examples of
patients who satisfy all of them at once (:mod:`analysis_lib.analyses.published`). An example for each of
``fewest`` values is a proof that they are possible, as far as the relations go. One that the auditor does not
know (a second book, another hospital's, a reader who knows a patient) is outside of what it proves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from analysis_lib.analyses.published import Published
from analysis_lib.cohort import disclosure

FEWEST = 2  # values that must remain possible of each count
NUMBERS_THAT_TELL = re.compile(r"only \d+|\d+ events?\b|day \d+|\d+ of \d+|chi-square|P [=<] [\d.]")


@dataclass
class Finding:
    """A count, or a note, that tells too much: the row, what is wrong, what is left possible, and the rows
    that gave it away.
    """

    result_id: str
    what: str
    possible: tuple[int, int] | None
    because: tuple[str, ...]


@dataclass
class Certificate:
    """What the auditor looked at, and what it found: for the privacy page."""

    cells: int
    hidden: int
    relations: int
    fewest: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing must go."""
        return not self.findings

    def counted(self) -> dict[str, int]:
        """What was examined, as numbers: ``cells``, ``hidden``, ``relations``, ``fewest``, ``findings``."""
        return {
            "cells": self.cells,
            "hidden": self.hidden,
            "relations": self.relations,
            "fewest": self.fewest,
            "findings": len(self.findings),
        }

    def in_words(self) -> list[str]:
        """Sentences: what was examined, what that proves, and what not."""
        if not self.cells:
            return ["No count of this book is hidden or rounded, so there was nothing to examine."]
        left = (
            f"For each of them it found examples with at least {self.fewest} different values that fit all "
            "of these relations."
            if self.passed
            else f"{len(self.findings)} of them can be narrowed to fewer than {self.fewest} values, or are "
            "told in words."
        )
        return [
            f"An auditor examined {self.cells:,} counts that are published rounded or hidden "
            f"({self.hidden:,} of them hidden), with {self.relations:,} relations between them: sums of "
            "levels, regimens and groups that are followed, the ways in which follow-up ended, numbers at "
            "risk, shares, standardised differences, detectable ratios.",
            left,
            "This proves that no hidden count follows from the published rows by these relations. It does "
            "not prove what a reader may work out who knows a patient, holds another book of the same "
            "patients, or uses a relation that is not named here; estimates that need the patients "
            "themselves (models, medians, curves) are guarded by the rule on small groups and by rounding.",
        ]


def audit(rows: pd.DataFrame, k: int, fewest: int = FEWEST) -> Certificate:
    """Examine result rows as they are published.

    Parameters
    ----------
    rows : pandas.DataFrame
        All result rows of a book, after disclosure control.
    k : int
        The cohort's ``min_cell_count``.
    fewest : int
        Values that must remain possible of each count.
    """
    if k <= 1:
        return Certificate(0, 0, 0, fewest)
    published = Published(rows, k)
    published.propagate()
    published.solve(fewest)
    findings = [
        Finding(
            name,
            f"{kind} can only be {low}" if low == high else f"{kind} can only be {low} to {high}",
            (low, high),
            published.beside((name, kind)),
        )
        for (name, kind), (low, high) in sorted(
            published.bounds.items(), key=lambda item: item[0] not in published.hidden
        )
        if high - low + 1 < fewest and (name, kind) in published.guarded
    ]
    findings += [
        Finding(
            name,
            f"could not be true: no {kind} fits the published numbers, or one of them is exact",
            None,
            published.beside((name, kind)),
        )
        for name, kind in published.impossible
    ]
    findings += [
        Finding(name, f"tells of patients: {why}", None, (name,)) for name, why in in_words_only(rows)
    ]
    return Certificate(
        len(published.guarded),
        len(published.hidden),
        len(published.sums) + len(published.formulas),
        fewest,
        findings,
    )


def withheld(rows: pd.DataFrame, k: int, fewest: int = FEWEST, rounds: int = 20) -> pd.DataFrame:
    """The rows without those shares that, summed up with others, would give a count or a group's size away.

    Of each sum that narrows a count to fewer than ``fewest`` values, one level is withheld altogether: a
    hidden one if there is any, else the smallest. Its sum then says nothing any more.
    """
    if k <= 1:
        return rows
    for _ in range(rounds):
        published = Published(rows, k)
        published.propagate()
        narrow = [
            cell
            for cell, (low, high) in published.bounds.items()
            if high - low + 1 < fewest and cell in published.guarded
        ]
        victims = {victim for cell in [*narrow, *published.impossible] if (victim := published.weakest(cell))}
        if not victims:
            break
        out = rows["result_id"].isin(victims)
        rows = rows.assign(
            note=[disclosure.too_few(k) if one else before for one, before in zip(out, rows["note"])]
        )
        rows.loc[out, ["value", "lower", "upper", "events"]] = pd.NA
    return rows


def in_words_only(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Rows that tell an exact number, or a patient's value, beside the counts: ``(id, why)``."""
    for record in rows.to_dict("records"):
        if found := NUMBERS_THAT_TELL.search(f"{record['note']}"):
            yield record["result_id"], f"its note says '{found.group()}'"
        if record["statistic"] == "skipped" and disclosure.reason(record["note"]) != record["note"]:
            yield record["result_id"], "its reason is not one of those that may be said"
        if record["statistic"].startswith("range") and pd.notna(record["lower"]):
            yield record["result_id"], "smallest and largest values are single patients'"
