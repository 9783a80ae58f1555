"""Do the tables of a cohort agree with themselves and with medicine? What is impossible stops, what is odd is
warned of.

Each rule is a function that takes the :class:`Files` of a cohort and returns rows
(:func:`analysis_lib.cohort.problems.problem`). The rules that compare columns are declared in
:mod:`analysis_lib.dictionary.columns`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import rules
from analysis_lib.intake import odd_files, values
from analysis_lib.intake.manifest import Manifest

EARLIEST = pd.Timestamp("1990-01-01")
DOSE_PER_FRACTION = (0.5, 30)  # Gy


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


def check(files: Files) -> list[dict]:
    """All that the rules find."""
    return [row for rule in RULES for row in rule(files)]


# --- impossible -----------------------------------------------------------------------------------


def orders(files: Files) -> list[dict]:
    """Moments of one patient, or of one site, in an order that cannot be."""
    pairs = [("patients", *pair) for pair in rules.ORDER] + [
        ("sites", "rt_start_day", "in_field_progression_day")
    ]
    rows = []
    for table, earlier, later in pairs:
        if files.has(table, earlier, later):
            frame = files.tables[table]
            rows += files.found(
                "order",
                table,
                frame[earlier] > frame[later],
                later,
                lambda row: f"it comes before {files.said(table, earlier, row)}",
                "Check both moments.",
            )
    return rows


def after_follow_up(files: Files) -> list[dict]:
    """Moments of sites and lines after the patient's last follow-up."""
    rows = []
    for name in ("sites", "lines"):
        if not files.has(name, "patient_id") or not files.has("patients", "patient_id", "last_follow_up_day"):
            continue
        table, end = files.tables[name], _of_patient(files, name, "last_follow_up_day")
        for column in [each for each in table if each.endswith("_day")]:
            rows += files.found(
                "order",
                name,
                table[column] > end,
                column,
                lambda row: f"it comes after the patient's last follow-up (day {end[row]})",
                "Check both moments.",
            )
    return rows


def orphans(files: Files) -> list[dict]:
    """Rows of patients who are not in the patients table."""
    theirs = files.tables["patients"]["patient_id"].dropna()
    alike, rows = {odd_files.bare(each): each for each in theirs}, []
    for name in [name for name in ("sites", "lines") if files.has(name, "patient_id")]:
        own = files.tables[name]["patient_id"]
        near = own.map(lambda each: alike.get(odd_files.bare(each)), na_action="ignore")
        rows += files.found(
            "orphan",
            name,
            ~own.isin(theirs) & near.isna(),
            "patient_id",
            "this patient is not in the patients table",
            "Add the patient, or remove the row.",
        )
        rows += files.found(
            "orphan",
            name,
            ~own.isin(theirs) & near.notna(),
            "patient_id",
            lambda row: f"this patient is not in the patients table, but {near[row]!r} is",
            "Write both in the same way.",
        )
    return rows


def courses(files: Files) -> list[dict]:
    """Rows of one course of radiotherapy that do not share its start and field."""
    if not files.has("sites", "patient_id", "course"):
        return []
    sites, rows = files.tables["sites"], []
    for column in ("rt_start_day", "rt_field"):
        if column in sites:
            first = sites.groupby(["patient_id", "course"])[column].transform("first")
            rows += files.found(
                "course",
                "sites",
                sites[column].notna() & (sites[column] != first),
                column,
                "another row of the same course says otherwise",
                "Give each course a number of its own, or correct the row.",
            )
    return rows


def line_numbers(files: Files) -> list[dict]:
    """Lines of salvage therapy that are not numbered 1, 2, 3 in the order of their start."""
    if not files.has("lines", "patient_id", "line", "line_start_day"):
        return []
    lines = (
        files.tables["lines"]
        .dropna(subset=["patient_id", "line"])
        .sort_values(["patient_id", "line"], kind="stable")
    )
    by_patient, everyone = lines.groupby("patient_id"), files.tables["lines"].index
    twice = lines.duplicated(["patient_id", "line"])
    expected = by_patient["line"].transform(lambda numbers: range(1, len(numbers) + 1)).astype("Int64")
    gap = (lines["line"] != expected) & ~twice.groupby(lines["patient_id"]).transform("any")
    first_gap = gap & ~gap.groupby(lines["patient_id"]).shift(fill_value=False)
    early = lines["line_start_day"] < by_patient["line_start_day"].shift()
    return [
        *files.found(
            "line_number",
            "lines",
            twice.reindex(everyone, fill_value=False),
            "line",
            "the patient has another line of this number",
            "Number the lines of each patient 1, 2, 3 ...",
        ),
        *files.found(
            "line_number",
            "lines",
            first_gap.reindex(everyone, fill_value=False),
            "line",
            lambda row: f"line {expected[row]} of the patient is missing",
            "Number the lines of each patient 1, 2, 3 ...",
        ),
        *files.found(
            "line_number",
            "lines",
            early.reindex(everyone, fill_value=False),
            files.named("lines", "line_start_day"),
            "the line starts before the line with the number below",
            "Number the lines in the order of their start.",
        ),
    ]


def doses(files: Files) -> list[dict]:
    """Doses per fraction outside reason."""
    if not files.has("sites", "dose_gy", "fractions"):
        return []
    each, (low, high) = (
        files.tables["sites"]["dose_gy"] / files.tables["sites"]["fractions"],
        DOSE_PER_FRACTION,
    )
    return files.found(
        "dose",
        "sites",
        (each < low) | (each > high),
        "dose_gy",
        lambda row: (
            f"with {files.said('sites', 'fractions', row)} it makes {each[row]:.3g} "
            f"Gy a fraction; "
            f"between {low} and {high} is possible"
        ),
        "Check both; dose_gy is the total dose of the site in Gy.",
    )


def extranodal(files: Files) -> list[dict]:
    """More extranodal sites than sites."""
    if not files.has("patients", "extranodal_sites", "disease_sites"):
        return []
    patients = files.tables["patients"]
    return files.found(
        "extranodal",
        "patients",
        patients["extranodal_sites"] > patients["disease_sites"],
        "extranodal_sites",
        lambda row: f"there cannot be more than {files.said('patients', 'disease_sites', row)}",
        "disease_sites counts all sites, nodal and extranodal.",
    )


def calendar(files: Files) -> list[dict]:
    """Dates in the future, and dates before 1990."""
    rows, today = [], pd.Timestamp.today().normalize()
    for name, text in files.texts.items():
        if name not in files.tables:
            continue
        for column in [each for each in text if each.endswith("_date")]:
            dates = values.dates(text[column], files.manifest.date_format)
            rows += files.found(
                "future",
                name,
                dates > today,
                column,
                "this date lies in the future",
                "Correct it, or leave it empty.",
            )
            rows += files.found(
                "old_date",
                name,
                dates < EARLIEST,
                column,
                "this date lies before 1990",
                "Check it: is the year right, or is it a date of birth?",
            )
    return rows


# --- odd ------------------------------------------------------------------------------------------


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
            in_patients = _of_patient(files, "lines", theirs)
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
    lines, theirs = files.tables["lines"], _of_patient(files, "lines", "next_line_day")
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


def _of_patient(files: Files, name: str, column: str) -> pd.Series:
    """A column of the patients table, for each row of another table."""
    patients = files.tables["patients"].drop_duplicates("patient_id")
    theirs = dict(zip(patients["patient_id"], patients[column]))
    return files.tables[name]["patient_id"].map(theirs).astype(patients[column].dtype)


RULES = (
    orders,
    after_follow_up,
    orphans,
    courses,
    line_numbers,
    doses,
    extranodal,
    calendar,
    ipi,
    together,
    contradictions,
    first_line,
    second_line,
    twins,
    screening,
    *odd_files.RULES,
)
