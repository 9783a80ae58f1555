"""Events that compete with each other: what ``competing:`` in a ``cohort.yml`` may name, and what is wrong
with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import columns
from analysis_lib.intake.own_factors import MARKUP, NAME, TAKEN
from analysis_lib.rows.results import slug

# Moments of the dictionary that are no events of a disease or its treatment.
NO_EVENTS = ("entry_day", "last_follow_up_day", "first_assessment_day")
MOST = 6  # with death, as many as a figure can tell apart


def as_columns(given: Mapping[str, str]) -> dict[str, pa.Column]:
    """The moments that the cohort adds to the dictionary."""
    return {
        column: columns.day(f"{label.rstrip('.')}; an event of this cohort's own.")
        for column, label in given.items()
        if column not in columns.PATIENTS.columns
    }


def wrong_with(here: str, given: Any) -> list[dict]:
    """Everything that is wrong with ``competing:`` in the manifest ``here``."""
    if not isinstance(given, Mapping) or not all(isinstance(label, str) for label in given.values()):
        return [
            problem(
                here,
                "'competing' must hold one entry an event",
                "Write it such as `competing: {failure_day: relapse, second_cancer_day: second cancer}`; "
                "death is added.",
                field="competing",
            )
        ]
    told = [("", f"it names {len(given)} events", f"Name 1 to {MOST}; death is added.")]
    told = told if not 1 <= len(given) <= MOST else []
    ids: dict[str, str] = {}
    for column, label in given.items():
        base, known = column.removesuffix("_day"), column in columns.PATIENTS.columns
        taken = base in TAKEN or any(f"{base}{end}" in columns.PATIENTS.columns for end in ("", "_date"))
        as_id = slug(label).replace(".", "_")
        if column in ("death_day", "death_date") or as_id == "death":
            told.append((column, "death competes in every cohort", "Leave it out."))
            continue
        if column in NO_EVENTS or known and not column.endswith("_day"):
            told.append((column, "this is no event", "Name moments, such as failure_day."))
        elif not known and (not column.endswith("_day") or not NAME.fullmatch(base) or taken):
            told.append(
                (
                    column,
                    "this name cannot be used for a moment",
                    "Use lower-case letters, digits and underscores, and the ending _day, as in "
                    "`second_cancer_day: second cancer`.",
                )
            )
        if MARKUP.search(label) or not as_id or len(label) > 60:
            told.append((column, f"{label!r} cannot be shown", "Use letters, digits and blanks, at most 60."))
        elif as_id in ids:
            told.append((column, f"two events are called {label!r}", "Give each a label of its own."))
        ids[as_id] = column
    return [
        problem(here, concern, advice, field=f"competing: {column}" if column else "competing")
        for column, concern, advice in told
    ]
