"""What is wrong or odd in a cohort's files, as rows: where it stands, what is allowed, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pandas as pd

from analysis_lib.dictionary.columns import TABLES
from analysis_lib.dictionary.words import CONTROL
from analysis_lib.files.refusal import Refused

MOST_SHOWN = 40  # problems in a message; `salvage-book check` shows them all
LONGEST_SHOWN = 80  # characters of a value in a message
NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")


class CohortError(Refused, ValueError):
    """The cohort cannot be used as it is. The message lists every problem, in words for its data manager.

    Attributes
    ----------
    source : str
        The file that is wrong.
    problems : pandas.DataFrame
        One row a problem: ``severity, table, row, field, value, concern, suggestion``. ``row`` is the row of
        the file as a spreadsheet shows it (the header is row 1). Warnings (``severity``) are among them, but
        not in the message.
    """

    def __init__(self, source: str | Path, problems: Iterable[dict] | pd.DataFrame) -> None:
        self.source = str(source)
        self.problems = as_frame(problems)
        errors = self.problems[self.problems["severity"] == "error"]
        lines = [_sentence(each) for each in errors.head(MOST_SHOWN).to_dict("records")]
        if (more := len(errors) - len(lines)) > 0:
            lines.append(f"... and {more} more.")
        count = f"{len(errors)} problem{'s' if len(errors) > 1 else ''}"
        super().__init__(
            "\n  ".join(
                CONTROL.sub("\ufffd", line) for line in [f"{source}: {count}; nothing was changed.", *lines]
            )
        )

    def __reduce__(self) -> tuple:
        """What another process needs to say the same."""
        return type(self), (self.source, self.problems)

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in place of a traceback."""
        return [str(self)]


def problem(
    table: str,
    concern: str,
    suggestion: str,
    row: int | None = None,
    field: str = "",
    value: object = "",
    severity: str = "error",
    rule: str = "",
    patient_id: str | None = None,
) -> dict:
    """Something that is wrong: where it is, what it is and what to do.

    ``rule`` names the rule of :mod:`analysis_lib.intake.checks`; it and ``patient_id`` are for counting and
    shown to nobody.
    """
    return {
        "severity": severity,
        "table": table,
        "row": row,
        "field": field,
        "value": value,
        "concern": concern,
        "suggestion": suggestion,
        "rule": rule,
        "patient_id": patient_id,
    }


def as_frame(problems: Iterable[dict] | pd.DataFrame) -> pd.DataFrame:
    """Problems as a frame, each once: errors first, then table by table and row by row."""
    columns = list(problem("", "", ""))
    frame = pd.DataFrame(problems, columns=columns).drop_duplicates(columns[:7])
    rank = {name: number for number, name in enumerate(TABLES)}
    order = frame.assign(table=frame["table"].map(rank).fillna(-1), row=pd.to_numeric(frame["row"]))
    order = order.sort_values(["severity", "table", "row"], na_position="first", kind="stable").index
    return frame.loc[order].astype({"row": "Int64"}).reset_index(drop=True)


@cache
def none() -> pd.DataFrame:
    """No problems, as a frame: that of every cohort in which nothing is odd; nobody changes it."""
    return as_frame([])


def _sentence(found: dict) -> str:
    place = [found["table"]]
    if pd.notna(found["row"]):
        place.append(f"row {int(found['row'])}")
    if found["field"]:
        place.append(f"{'column' if found['table'] in TABLES or len(place) > 1 else 'key'} {found['field']}")
    value = str(found["value"])
    short = value if len(value) <= LONGEST_SHOWN else value[: LONGEST_SHOWN - 1] + "…"
    shown = "" if value == "" else f" = {short}" if NUMBER.fullmatch(value) else f" = {short!r}"
    return f"{', '.join(place)}{shown}: {found['concern']}. {found['suggestion']}"
