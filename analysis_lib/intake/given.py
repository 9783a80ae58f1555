"""The tables of a cohort as they were given, with their text and manifest: what the rules of checking see."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.intake.manifest import Manifest


@dataclass(frozen=True)
class Files:
    """The tables of a cohort, in days (``tables``) and as text (``texts``), with the row of the file as
    index.
    """

    tables: dict[str, pd.DataFrame]
    texts: dict[str, pd.DataFrame]
    manifest: Manifest

    def has(self, table: str, *columns: str) -> bool:
        """Whether a table has these columns."""
        return table in self.tables and set(columns) <= set(self.tables[table])

    def named(self, table: str, column: str) -> str:
        """What the file calls a moment: ``failure_date`` where it gives the date of ``failure_day``."""
        return column if column in self.texts[table] else re.sub("_day$", "_date", column)

    def said(self, table: str, column: str, row: int) -> str:
        """A column and its cell, as in the file: ``failure_date (28.03.2021)``."""
        name = self.named(table, column)
        return f"{name} ({self.texts[table].at[row, name]})"

    def found(
        self,
        rule: str,
        table: str,
        wrong: pd.Series,
        field: str,
        concern: str | Callable[[int], str],
        suggestion: str,
    ) -> list[dict]:
        """One row for each row of a table where ``wrong`` holds; ``concern`` is a text or a function of the
        row.
        """
        frame = self.tables[table]
        rows = frame.index[wrong.fillna(False).astype(bool)]
        return [
            problem(
                table,
                concern if isinstance(concern, str) else concern(row),
                suggestion,
                row=int(row),
                field=field,
                rule=rule,
                patient_id=frame.at[row, "patient_id"],
            )
            for row in rows
        ]

    def of_patient(self, table: str, column: str) -> pd.Series:
        """A column of the patients table, for each row of another table."""
        patients = self.tables["patients"].drop_duplicates("patient_id")
        theirs = patients.dropna(subset=["patient_id"]).set_index("patient_id")[column]
        return self.tables[table]["patient_id"].map(theirs).astype(patients[column].dtype)
