"""Invented patients to try the book with, or to ask about a file: some of the reconstructed cohort."""

from __future__ import annotations

import datetime

import pandas as pd

from analysis_lib.dictionary.columns import TABLES
from analysis_lib.files.places import RECONSTRUCTED
from analysis_lib.intake.pairs import as_date
from analysis_lib.intake.read import read_cohort

FIRST_DAY = datetime.date(2019, 1, 7)  # day 0 of the first; the others follow
APART = 23  # days


def invented(patients: int) -> dict[str, pd.DataFrame]:
    """The tables of some synthetic patients, each moment both as a day and as a date.

    Parameters
    ----------
    patients : int
        How many; all their sites and lines are given, and as many were screened and not included.

    Returns
    -------
    dict of DataFrame
        By the name of the table, with the columns of the data dictionary; ``object`` columns, missing cells
        are ``None``.
    """
    study = read_cohort(RECONSTRUCTED)
    starts = {
        patient: FIRST_DAY + datetime.timedelta(days=APART * place)
        for place, patient in enumerate(_some(study.patients, patients)["patient_id"])
    }
    not_included = study.screening[study.screening["included"] == "no"].head(patients)
    made = {}
    for name in TABLES:
        whole = getattr(study, name)
        theirs = whole[whole["patient_id"].isin(list(starts))]
        table = _plain(pd.concat([theirs, not_included]) if name == "screening" else theirs)
        for column in [each for each in table if each.endswith("_day")]:
            table[as_date(column)] = [
                None if day is None else starts[patient] + datetime.timedelta(days=int(day))
                for patient, day in zip(table["patient_id"], table[column])
            ]
        made[name] = table
    made["patients"].insert(1, "infusion_date", list(starts.values()))
    return made


def _some(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """Rows from the whole of a table, so that what is rare is among them."""
    return table.iloc[1 :: len(table) // number].head(number)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True).astype(object).where(table.notna().to_numpy(), None)
