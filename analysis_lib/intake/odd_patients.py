"""Rules on what is odd about single patients: answers that do not go together, in one table or in two."""

from __future__ import annotations

import pandas as pd

from analysis_lib.dictionary import rules
from analysis_lib.intake.given import Files


def ipi(files: Files) -> list[dict]:
    """An IPI that its known parts do not allow."""
    known = [part for part in rules.IPI_PARTS if files.has("patients", part.source)]
    if not files.has("patients", "ipi") or not known:
        return []
    patients = files.tables["patients"]
    parts = pd.concat([part.met(patients[part.source]) for part in known], axis=1)
    lowest = parts.sum(axis=1).astype("Int64")
    highest = lowest + parts.isna().sum(axis=1) + len(rules.IPI_PARTS) - len(known)
    return files.found(
        "ipi",
        "patients",
        (patients["ipi"] < lowest) | (patients["ipi"] > highest),
        "ipi",
        lambda row: (
            "its parts (age, ECOG, LDH, stage, extranodal sites) make "
            + (f"{lowest[row]}" if lowest[row] == highest[row] else f"{lowest[row]} to {highest[row]}")
        ),
        "Check the IPI and its parts; all are those at salvage therapy.",
    )


def together(files: Files) -> list[dict]:
    """Values without the moment that they speak of."""
    return [
        row
        for column, needed in rules.TOGETHER
        if files.has("patients", column, needed)
        for row in files.found(
            "together",
            "patients",
            files.tables["patients"][column].notna() & files.tables["patients"][needed].isna(),
            column,
            f"it is given, but {files.named('patients', needed)} is not",
            f"Fill in {files.named('patients', needed)}, or leave both empty.",
        )
    ]


def no_time(files: Files) -> list[dict]:
    """Patients who come under observation on the last day of their follow-up: no analysis of time counts
    them.
    """
    if not files.has("patients", "entry_day", "last_follow_up_day"):
        return []
    patients = files.tables["patients"]
    return files.found(
        "no_time",
        "patients",
        patients["entry_day"] == patients["last_follow_up_day"],
        files.named("patients", "entry_day"),
        f"it is also {files.named('patients', 'last_follow_up_day')}: the patient is watched for no time, "
        "and counts in no curve and no model",
        "Check both moments.",
    )


def contradictions(files: Files) -> list[dict]:
    """Answers that exclude each other."""
    rows = []
    for column, answers, other, others in rules.CONTRADICTIONS:
        if files.has("patients", column, other):
            patients = files.tables["patients"]
            said = patients[column].notna() if answers is None else patients[column].isin(answers)
            rows += files.found(
                "contradiction",
                "patients",
                said & patients[other].isin(others),
                column,
                lambda row: f"this does not go with {files.said('patients', other, row)}",
                "Check both.",
            )
    return rows


def first_line(files: Files) -> list[dict]:
    """A first line that the patients table and the table of lines tell differently."""
    if not files.has("lines", "patient_id", "line", "line_start_day", "modality"):
        return []
    lines, rows = files.tables["lines"], []
    for column, theirs in (("line_start_day", "salvage_start_day"), ("modality", "salvage_regimen")):
        if files.has("patients", theirs):
            in_patients = files.of_patient("lines", theirs)
            rows += files.found(
                "first_line",
                "lines",
                (lines["line"] == 1) & in_patients.notna() & (lines[column] != in_patients),
                column,
                lambda row: (
                    f"line 1 is not as {files.named('patients', theirs)} in the "
                    f"patients table ({in_patients[row]})"
                ),
                "Line 1 is the first salvage therapy: correct one of the two.",
            )
    return rows


def second_line(files: Files) -> list[dict]:
    """A second line that starts on another day than next_line_day."""
    if not files.has("lines", "patient_id", "line", "line_start_day") or not files.has(
        "patients", "next_line_day"
    ):
        return []
    lines, theirs = files.tables["lines"], files.of_patient("lines", "next_line_day")
    return files.found(
        "second_line",
        "lines",
        (lines["line"] == 2) & (lines["line_start_day"] != theirs),
        "line_start_day",
        f"line 2 does not start on the day of {files.named('patients', 'next_line_day')} in "
        f"the patients table",
        "Correct one of the two, or leave that column out: it is then taken from the lines.",
    )


def twins(files: Files) -> list[dict]:
    """Patients under two identifiers: equal in every column, of which at least five are filled in."""
    if "patient_id" not in files.tables["patients"]:
        return []
    rest = files.tables["patients"].drop(columns="patient_id")
    return files.found(
        "twins",
        "patients",
        rest.duplicated() & (rest.notna().sum(axis=1) >= 5),
        "patient_id",
        "another patient has the same value in every column",
        "Is this one patient under two identifiers? Keep one row.",
    )


def screening(files: Files) -> list[dict]:
    """Screened patients who are included but not in the patients table, or included with a reason for
    exclusion.
    """
    if not files.has("screening", "patient_id", "included"):
        return []
    table = files.tables["screening"]
    included = table["included"] == "yes"
    rows = files.found(
        "screening",
        "screening",
        included & ~table["patient_id"].isin(files.tables["patients"]["patient_id"]),
        "patient_id",
        "this patient is included, but not in the patients table",
        "Add the patient, or correct `included`.",
    )
    if "exclusion_reason" in table:
        rows += files.found(
            "screening",
            "screening",
            included & table["exclusion_reason"].notna(),
            "exclusion_reason",
            "there is a reason for exclusion, but the patient is included",
            "Correct one of the two.",
        )
    return rows


RULES = (
    ipi,
    together,
    no_time,
    contradictions,
    first_line,
    second_line,
    twins,
    screening,
)
