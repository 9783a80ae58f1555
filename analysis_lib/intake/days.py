"""Moments as days since day 0, and numbers: what the text of a table counts."""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import units
from analysis_lib.intake import pairs, values
from analysis_lib.intake.manifest import Manifest

EXCHANGED = (
    "Go back to the file as it was before, and open it with the columns of dates as text, or write "
    "all dates as 2021-03-28. "
    "No date_format mends this."
)
NOISE = 1e-6  # how far a whole number may be from one: 400.0000000001 is what calculating left of 400
OTHER_UNIT = "If the file counts in weeks, months or years, say so in cohort.yml, as in `time_unit: months`."


def in_days(
    name: str, table: pd.DataFrame, patients: pd.DataFrame, manifest: Manifest, problems: list[dict]
) -> pd.DataFrame:
    """Dates become days since day 0, durations in months become days, numbers become numbers."""
    start = infusion_dates(table, patients, manifest)
    schema = manifest.schemas[name]
    marks = _decimal_marks(schema, table)
    ways = _ways(table, manifest.date_format) if manifest.date_format == units.ISO else []
    columns = {}
    for column in table:
        if column == "infusion_date":
            _check_dates(name, column, table[column], manifest, ways, problems)
        elif column.endswith("_date"):
            found = _check_dates(name, column, table[column], manifest, ways, problems)
            if "infusion_date" not in patients:
                problems.append(
                    problem(
                        name,
                        "there is no infusion_date to count days from",
                        "Give the patients table infusion_date, the date of day 0.",
                        field=column,
                    )
                )
            orphan = found.notna() & start.isna() & table["patient_id"].isin(_without_day_0(patients))
            problems += [
                problem(
                    name,
                    "the patient has no infusion_date to count days from",
                    "Fill in infusion_date (the date of day 0).",
                    row=row,
                    field=column,
                    value=table[column][row],
                )
                for row in table.index[orphan]
                if "infusion_date" in patients
            ]
            columns[re.sub("_date$", "_day", column)] = (found - start).dt.days.astype("Int64")
        else:
            cells, kind = table[column], kind_of(schema, column)
            if kind == "number" and "%" in (schema.columns[column].metadata["unit"] or ""):
                cells = cells.str.removesuffix("%").str.strip()
            columns[column] = _parse(name, column, cells, kind, manifest.time_unit, marks, problems)
    return pd.DataFrame(columns, index=table.index)


def _without_day_0(patients: pd.DataFrame) -> pd.Series:
    """Those whose date of day 0 is empty; of one that cannot be read the cell itself is told."""
    if "infusion_date" in patients:
        patients = patients[patients["infusion_date"].isna()]
    return patients["patient_id"].dropna()


def infusion_dates(table: pd.DataFrame, patients: pd.DataFrame, manifest: Manifest) -> pd.Series:
    """The date of day 0 for each row of a table, ``NaT`` where it is not known."""
    if "infusion_date" not in patients:
        return pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    day_0 = values.dates(patients["infusion_date"], manifest.date_format)
    if table is patients:
        return day_0
    known = patients["patient_id"].notna() & ~patients["patient_id"].duplicated()
    return pd.to_datetime(table["patient_id"].map(dict(zip(patients["patient_id"][known], day_0[known]))))


def _check_dates(
    name: str,
    column: str,
    cells: pd.Series,
    manifest: Manifest,
    ways: list[set[str]],
    problems: list[dict],
) -> pd.Series:
    found = values.dates(cells, manifest.date_format)
    if said := values.exchanged(cells):
        problems.append(problem(name, said, EXCHANGED, field=column))
        return found
    wrong = cells.index[cells.notna() & found.isna()]
    of_all = _about_dates(cells[wrong], manifest.date_format, ways)
    example = _example(manifest.date_format)
    for row in wrong:
        concern, suggestion = _about_no_day(name, column, cells[row], example) or of_all
        problems.append(problem(name, concern, suggestion, row=row, field=column, value=cells[row]))
    return found


def _example(date_format: str) -> str:
    return pd.Timestamp("2021-03-28").strftime("%Y-%m-%d" if date_format == units.ISO else date_format)


def _about_no_day(name: str, column: str, cell: str, example: str) -> tuple[str, str] | None:
    """What to say of a cell that is written as dates are, but names no day: 2021-02-30, 31.12.9999."""
    if re.sub("[0-9]", "0", cell) != re.sub("[0-9]", "0", example):
        return None
    if re.search("9999|2999", cell):
        return "programs write this day for one that has not come", (
            f'Say so in cohort.yml: `values: {{{name}: {{{column}: {{"{cell}": ""}}}}}}`.'
        )
    return "there is no such day", "Correct it, or leave the cell empty."


def _ways(table: pd.DataFrame, date_format: str) -> list[set[str]]:
    """The formats in which each column of dates of a table could be written, where none is declared."""
    columns = [table[column].dropna() for column in table if column.endswith("_date")]
    unread = [cells[values.dates(cells, date_format).isna()] for cells in columns]
    return [set(fitting) for cells in unread if (fitting := values.formats_that_fit(cells))]


def _about_dates(wrong: pd.Series, date_format: str, ways: list[set[str]]) -> tuple[str, str]:
    """What to say of cells that are no dates; ``ways`` are :func:`_ways`'s."""
    example = _example(date_format)
    fitting = values.formats_that_fit(wrong) if date_format == units.ISO else {}
    if fitting and not set.intersection(*ways):
        return "the columns of dates are written in different ways, and only one can be declared", (
            f"Write all of them as {example}."
        )
    declare = " or ".join(
        f'date_format: "{each}"' + (f" ({what})" if what else "") for each, what in fitting.items()
    )
    if len(fitting) > 1:
        return "day and month of this date cannot be told apart", f"Declare {declare} in cohort.yml."
    return "this is not a date in the expected format", (
        f"Declare {declare} in cohort.yml."
        if fitting
        else f"Write it as {example}, or set date_format in cohort.yml."
    )


def kind_of(schema: pa.DataFrameSchema, column: str) -> str:
    """What a column of a file holds: the kind of the dictionary, or ``date``."""
    if column in schema.columns:
        return schema.columns[column].metadata["kind"]
    return "day" if column in pairs.DEATH and column.endswith("_day") else "date"


def _parts_thousands(cells: pd.Series) -> bool:
    """Whether marks stand as between thousands: every one of several before three digits, beside whole
    numbers.
    """
    marked = cells.str.contains("[.,]").fillna(False).astype(bool)
    whole = ~marked & cells.notna()
    return bool((marked == values.ambiguous(cells)).all() and marked.sum() > 1 and whole.any())


def _decimal_marks(schema: pa.DataFrameSchema, table: pd.DataFrame) -> set[str]:
    """How the number columns of a table write decimals; where none tells, a file with semicolons has decimal
    commas.
    """
    measured = [table[column] for column in table if kind_of(schema, column) in ("day", "count", "number")]
    shown = set().union(*(values.decimal_marks(cells) for cells in measured))
    return shown or ({","} if table.attrs.get("separator") == ";" else set())


def _parse(
    name: str,
    column: str,
    cells: pd.Series,
    kind: str,
    time_unit: str,
    marks: set[str],
    problems: list[dict],
) -> pd.Series:
    if kind in ("text", "level"):
        return cells
    numbers = values.numbers(cells, marks)
    if kind == "day" and time_unit != "days":
        doubtful = values.ambiguous(cells) & numbers.isna()
        numbers = (numbers * units.DAYS_PER_UNIT[time_unit]).round()
    else:  # of a whole number 2.000 is rather two thousand, unless the table writes decimals with a point
        mixed = kind != "number" or _parts_thousands(cells)
        doubtful = values.ambiguous(cells) & (numbers.isna() | (mixed and not marks))
    unread = cells.notna() & (numbers.isna() | doubtful)
    whole = kind in ("day", "count")
    apart = (numbers.round() - numbers).abs() > NOISE
    wrong = unread | (apart.fillna(False) if whole else False)
    unit = {
        "day": f"a whole number of {time_unit}" if time_unit == "days" else f"a number of {time_unit}",
        "count": "a whole number",
        "number": "a number",
    }[kind]
    advice = "Correct the value, or leave the cell empty."
    if kind == "day" and time_unit == "days":
        advice += f" {OTHER_UNIT}"
    for row in cells.index[wrong]:
        concern, do = (
            (
                "this could be a number of thousands or a decimal number",
                "Write it without a mark for thousands.",
            )
            if doubtful[row]
            else (f"this is not {unit}", advice)
        )
        if values.ISO_DATE.fullmatch(cells[row]):
            concern, do = (
                f"this is not {unit}, but a date",
                ("If the cell only looks like one, give it the format of a number."),
            )
        problems.append(problem(name, concern, do, row=row, field=column, value=cells[row]))
    numbers = numbers.mask(wrong)
    return numbers.round().astype("Int64") if whole else numbers
