"""Moments that a file tells in two columns: a time with its event, and the last contact with the date of
death.

Registries and R's data sets give every patient a time, and a second column says whether it happened then: the
book takes ``failure_day`` (or ``failure_date``) with ``failure_event``, and so for every other moment. A file
may also give the day of death beside the last contact, as ``death_date`` or ``death_day``; death ends the
time then. No other module knows these columns: what comes out has an empty moment where nothing happened, and
the end in ``last_follow_up_day``.
"""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary.columns import TABLES, YES_NO

DEATH = ("death_date", "death_day")
# What is asked of a whole column, and then of none of its rows.
CODES = "the codes 1 and 2 do not say which of them means yes"
WORD = "<word>"  # where a message shows what its row says


def as_date(column: str) -> str:
    """The name of a moment when a file gives its date."""
    return re.sub("_day$", "_date", column)


def event_columns(table: str, schema: pa.DataFrameSchema | None = None) -> list[str]:
    """What may stand beside the moments of a table (or of a cohort's own ``schema``) and say whether they
    happened: ``failure_event``.
    """
    columns = (schema or TABLES[table]).columns
    return [
        re.sub("_day$", "_event", name)
        for name, column in columns.items()
        if name.endswith("_day") and not column.required
    ]


def with_events(
    name: str, table: pd.DataFrame, schema: pa.DataFrameSchema, problems: list[dict]
) -> pd.DataFrame:
    """Moments without those that did not happen; the columns that say so are gone.

    Long because it says what may be wrong with a pair, one thing after the other.
    """
    for event in [column for column in table if column in event_columns(name, schema)]:
        base = event.removesuffix("_event")
        moment = next((column for column in (f"{base}_day", f"{base}_date") if column in table), None)
        happened = table.pop(event)
        untold_codes = any(
            (each["table"], each["field"], each["concern"]) == (name, event, CODES) for each in problems
        )
        if moment is None:
            problems.append(
                problem(
                    name,
                    "it says whether something happened, but no column says when",
                    f"Map the time or the date to {base}_day or {base}_date under `columns:`.",
                    field=event,
                )
            )
            continue
        wrong = happened.notna() & ~happened.isin(YES_NO)
        untold = {
            "it must be yes or no": (
                wrong,
                "Say what it means in cohort.yml, as in "
                f'`values: {{{name}: {{{event}: {{"{WORD}": yes or no}}}}}}`.',
            ),
            f"it happened, but {moment} does not say when": (
                (happened == "yes") & table[moment].isna(),
                "Fill in when, or say that it did not happen.",
            ),
            f"{moment} has a value, but this does not say whether it happened then": (
                happened.isna() & table[moment].notna() & (not untold_codes),
                "Fill in yes or no, or leave both empty if it is not known to have happened.",
            ),
        }
        for concern, (rows, suggestion) in untold.items():
            rows = rows.fillna(False).astype(bool)
            problems += [
                problem(
                    name,
                    concern,
                    suggestion.replace(WORD, str(happened[row])),
                    row=int(row),
                    field=event,
                    value="" if pd.isna(happened[row]) else happened[row],
                )
                for row in table.index[rows]
            ]
        table[moment] = table[moment].mask((happened == "no").fillna(False).astype(bool))
    return table


def with_death(table: pd.DataFrame, text: pd.DataFrame, problems: list[dict]) -> pd.DataFrame:
    """The patients with their end at the day of death where one is given, else at the last contact.

    ``text`` gains what its file says of the end, so that messages show it. Without a column of the vital
    status, those with a day of death are dead and all others alive.
    """
    if "death_day" not in table:
        return table
    table = table.copy()
    death, own = table.pop("death_day"), "death_day" if "death_day" in text else "death_date"
    given = death.notna()
    if "vital_status" not in table:
        status = given.map({True: "dead", False: "alive"}).astype("string").mask(text[own].notna() & ~given)
        table["vital_status"] = text["vital_status"] = status
    alive, dead = table["vital_status"] == "alive", table["vital_status"] == "dead"
    problems += _told(
        "patients",
        table,
        given & alive,
        own,
        text,
        "the patient is alive, but has a day of death",
        "Correct one of the two.",
        "",
    )
    problems += _told(
        "patients",
        table,
        dead & text[own].isna(),
        own,
        text,
        "the patient is dead, and no day of death is given; the last contact is taken for it",
        "Fill in the day of death if it is known.",
        "death_date",
    )
    if "last_follow_up_day" in table:
        last = table["last_follow_up_day"]
        problems += _told(
            "patients",
            table,
            given & (last > death),
            own,
            text,
            "the last contact is later than death; death is taken for the end",
            "Check both.",
            "death_date",
        )
        table["last_follow_up_day"] = last.mask(given, death)
        shown = "last_follow_up_day" if "last_follow_up_day" in text else "last_follow_up_date"
        if shown[-4:] == own[-4:]:
            text[shown] = text[shown].mask(given & last.notna(), text[own])
    return table


def _told(
    name: str,
    table: pd.DataFrame,
    wrong: pd.Series,
    field: str,
    text: pd.DataFrame,
    concern: str,
    suggestion: str,
    rule: str,
) -> list[dict]:
    rows = table.index[wrong.fillna(False).astype(bool)]
    return [
        problem(
            name,
            concern,
            suggestion,
            row=int(row),
            field=field,
            rule=rule,
            patient_id=table.at[row, "patient_id"],
            value="" if pd.isna(text.at[row, field]) else text.at[row, field],
        )
        for row in rows
    ]
