"""Rules on what cannot be: moments in a wrong order, rows that belong to nobody, doses beyond reason."""

from __future__ import annotations

import pandas as pd

from analysis_lib.dictionary import rules
from analysis_lib.intake import odd_files, values
from analysis_lib.intake.given import Files

EARLIEST = pd.Timestamp("1990-01-01")
DOSE_PER_FRACTION = (0.5, 30)  # Gy


def orders(files: Files) -> list[dict]:
    """Moments of one patient, or of one site, in an order that cannot be."""
    pairs = [("patients", *pair) for pair in rules.ORDER] + [
        ("sites", "rt_start_day", "in_field_progression_day")
    ]
    pairs += [("patients", column, "last_follow_up_day") for column in files.manifest.competing]
    rows = []
    for table, earlier, later in dict.fromkeys(pairs):
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
        table, end = files.tables[name], files.of_patient(name, "last_follow_up_day")
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
    theirs, rows = files.tables["patients"]["patient_id"].dropna(), []
    for name in [name for name in ("sites", "lines") if files.has(name, "patient_id")]:
        own = files.tables[name]["patient_id"]
        if own.dropna().isin(theirs).all():
            continue
        alike = {odd_files.bare(each): each for each in theirs}
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
    expected = by_patient.cumcount().astype("Int64") + 1
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
                (dates < EARLIEST) & ~text[column].str.fullmatch(values.DAY_NUMBER).fillna(False),
                column,
                "this date lies before 1990",
                "Check it: is the year right, or is it a date of birth?",
            )
    return rows


RULES = (
    orders,
    after_follow_up,
    orphans,
    courses,
    line_numbers,
    doses,
    extranodal,
    calendar,
)
