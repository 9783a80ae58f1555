"""Take in the tables of a cohort: any file as text, its columns and values renamed, dates as days, everything validated.

Each function appends what is wrong to a list of problems (:func:`analysis_lib.manifest.problem`) and goes on, so that
the data manager hears of everything at once. No input is ever written to.
"""

from __future__ import annotations

import difflib
import re
import warnings
from pathlib import Path

import pandas as pd
from pandera.errors import SchemaErrors

from analysis_lib import schema
from analysis_lib.manifest import TABLE_SUFFIXES, problem

DAYS_PER_MONTH = 30.4375


def read_mapped(folder: Path, name: str, file: str, manifest: dict, problems: list[dict]) -> pd.DataFrame:
    """One table as text, its columns and values renamed to those of the data dictionary."""
    try:
        raw = read_text(folder, file)
    except Unreadable as error:
        problems.append(problem(name, str(error), f"Correct `tables: {{{name}: ...}}` or the file.", value=file))
        return pd.DataFrame()
    return mapped(name, raw, manifest, problems)


def mapped(name: str, raw: pd.DataFrame, manifest: dict, problems: list[dict]) -> pd.DataFrame:
    """A table as it stands in the file, its columns and values renamed to those of the data dictionary."""
    known = file_columns(name)
    mapping = manifest["columns"].get(name, {})
    for column, target in mapping.items():
        if column not in raw:
            problems.append(problem(name, "the file has no such column", f"It has: {', '.join(raw.columns)}.", field=column))
        if target not in known:
            near = difflib.get_close_matches(target, known, n=1)
            problems.append(problem(name, f"{target!r} is not in the data dictionary",
                                     f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}.", field=column))
    if name == "patients" and raw.empty:
        problems.append(problem(name, "there is no row below the header", "Fill in one row a patient."))
    table = raw.rename(columns=mapping)
    twice = sorted(set(table.columns[table.columns.duplicated()]) & set(known))
    for column in twice:
        problems.append(problem(name, "two columns of the file carry this name", "Map only one of them.", field=column))
    table = table.loc[:, ~table.columns.duplicated()][[c for c in dict.fromkeys(table.columns) if c in known]]
    for column, levels in manifest["values"].get(name, {}).items():
        if column in table:
            table[column] = table[column].replace(levels)
        else:
            problems.append(problem(name, "values are translated for a column that the table does not have",
                                     "Name the column as in the data dictionary, after mapping.", field=column))
    for column in schema.TABLES[name].columns:
        required = schema.TABLES[name].columns[column].required and not (column == "patient_id" and name == "patients")
        if required and not {column, as_date(column)} & set(table.columns) and column not in twice:
            problems.append(problem(name, "this required column is missing",
                                     f"The file has: {', '.join(raw.columns)}. Map one under `columns:`.", field=column))
    return table


class Unreadable(Exception):
    """A table could not be read; the message says why."""


def read_text(folder: Path, file: str) -> pd.DataFrame:
    """Any supported file as a frame of stripped text, empty cells missing; ``#Sheet`` chooses an Excel sheet."""
    file, _, sheet = file.partition("#")
    path = folder / file
    if not path.is_file():
        raise Unreadable("there is no such file")
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            frame = pd.read_parquet(path)
        elif suffix in (".xlsx", ".xls"):
            frame = pd.read_excel(path, sheet_name=sheet or 0, dtype="string")
        elif suffix in (".csv", ".tsv", ".txt"):
            frame = pd.read_csv(path, sep=_separator(path), dtype="string", encoding="utf-8-sig", skipinitialspace=True)
        else:
            raise Unreadable(f"files of type {suffix or 'none'} are not read; use {', '.join(TABLE_SUFFIXES)}")
    except UnicodeDecodeError:
        raise Unreadable("the text is not UTF-8; save it as UTF-8") from None
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise Unreadable(f"it cannot be read ({str(error).splitlines()[0]})") from None
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame.astype("string").apply(lambda column: column.str.strip()).replace("", pd.NA)


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = lines.readline()
    return max("\t;,", key=header.count) if path.suffix.lower() != ".tsv" else "\t"


def file_columns(table: str) -> list[str]:
    """The names a file may use: those of the dictionary, and ``X_date`` for each ``X_day``."""
    columns = list(schema.TABLES[table].columns)
    dates = [as_date(column) for column in columns if column.endswith("_day")]
    return columns + dates + (["infusion_date"] if table == "patients" else [])


def as_date(column: str) -> str:
    return re.sub("_day$", "_date", column)


# --- days, numbers, levels ------------------------------------------------------------------------------------

def in_days(name: str, table: pd.DataFrame, patients: pd.DataFrame, manifest: dict, problems: list[dict]) -> pd.DataFrame:
    """Dates become days since day 0, durations in months become days, numbers become numbers."""
    start = pd.Series(pd.NaT, index=table.index)
    if "infusion_date" in patients:
        day_0 = pd.to_datetime(patients["infusion_date"], format=manifest["date_format"], errors="coerce")
        by_patient = dict(zip(patients.get("patient_id", []), day_0))
        start = pd.to_datetime(table["patient_id"].map(by_patient)) if name != "patients" else day_0
    columns = {}
    for column in dict.fromkeys(c if c in schema.TABLES[name].columns else re.sub("_date$", "_day", c) for c in table):
        if column == "infusion_day":
            _check_dates(name, "infusion_date", table["infusion_date"], manifest, problems)
        elif column not in table:
            dates = _check_dates(name, as_date(column), table[as_date(column)], manifest, problems)
            orphan = table[as_date(column)].notna() & start.isna()
            problems += [problem(name, "the patient has no infusion_date to count days from",
                                  "Fill in infusion_date (the date of day 0).", row=_row(i), field=as_date(column))
                         for i in table.index[orphan]]
            columns[column] = (dates - start).dt.days.astype("Int64")
        else:
            columns[column] = _parse(name, column, table[column], manifest["time_unit"], problems)
    return pd.DataFrame(columns, index=table.index)


def _check_dates(name, column, values, manifest, problems) -> pd.Series:
    dates = pd.to_datetime(values, format=manifest["date_format"], errors="coerce")
    example = pd.Timestamp("2021-03-28").strftime(
        "%Y-%m-%d" if manifest["date_format"] == "ISO8601" else manifest["date_format"])
    problems += [problem(name, "this is not a date in the expected format",
                          f"Write it as {example}, or set date_format in cohort.yml.",
                          row=_row(i), field=column, value=values[i]) for i in values.index[values.notna() & dates.isna()]]
    return dates


def _parse(name, column, values, time_unit, problems) -> pd.Series:
    kind = schema.TABLES[name].columns[column].metadata["kind"]
    if kind in ("text", "level"):
        return values
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    if kind == "day" and time_unit == "months":
        numbers = (numbers * DAYS_PER_MONTH).round()
    whole = kind in ("day", "count")
    wrong = values.notna() & (numbers.isna() | (whole & (numbers.round() != numbers).fillna(False)))
    unit = {"day": f"a whole number of {time_unit}", "count": "a whole number", "number": "a number"}[kind]
    problems += [problem(name, f"this is not {unit}", "Correct the value, or leave the cell empty.",
                          row=_row(i), field=column, value=values[i]) for i in values.index[wrong]]
    numbers = numbers.mask(wrong)
    return numbers.astype("Int64") if whole else numbers


def _row(index) -> int:
    return int(index) + 2  # the header is row 1 of the file


def violations(name: str, table: pd.DataFrame) -> list[dict]:
    """What the data dictionary does not allow, found by pandera, said in our words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandera concatenates empty frames; its next release does not
            schema.TABLES[name].validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.drop_duplicates(["column", "check", "index"])
        return [_in_words(name, case) for case in cases.to_dict("records") if case["index"] is not None]
    return []


def _in_words(name: str, case: dict) -> dict:
    column, check = case["column"], str(case["check"])
    meta = schema.TABLES[name].columns[column].metadata
    value = "" if pd.isna(case["failure_case"]) else case["failure_case"]
    if check.startswith("isin"):
        levels = ", ".join(meta["levels"])
        concern, advice = f"it must be one of {levels}", "Translate it under `values:` in cohort.yml, or correct it."
    elif check.startswith("in_range"):
        low, high = re.findall(r"-?[\d.]+", check)[:2]
        unit = f" {meta['unit']}" if meta["unit"] else ""
        concern, advice = f"it must lie between {low} and {high}{unit}", "Correct the value, or leave the cell empty."
    elif check == "not_nullable":
        concern, advice = "a value is required here", "Fill it in, or leave the row out of the file."
    else:
        concern, advice = "the same identifier stands in more than one row", "Keep one row a patient."
    return problem(name, concern, advice, row=_row(case["index"]), field=column, value=value)


def disorders(tables: dict[str, pd.DataFrame]) -> list[dict]:
    """Moments in an impossible order, and rows of a patient who is not in the patients table."""
    patients = tables["patients"]
    problems = []
    for earlier, later in schema.ORDER:
        if {earlier, later} <= set(patients):
            wrong = (patients[earlier] > patients[later]).fillna(False)
            problems += [problem("patients", f"it comes before {earlier} ({patients[earlier][i]})",
                                  "Check both moments.", row=_row(i), field=later, value=patients[later][i])
                         for i in patients.index[wrong]]
    last_day = dict(zip(patients["patient_id"], patients["last_follow_up_day"]))
    for name in tables.keys() - {"patients", "screening"}:
        table = tables[name]
        unknown = ~table["patient_id"].isin(patients["patient_id"])
        problems += [problem(name, "this patient is not in the patients table", "Add the patient, or remove the row.",
                              row=_row(i), field="patient_id", value=table["patient_id"][i]) for i in table.index[unknown]]
        end = table["patient_id"].map(last_day).astype("Int64")
        for column in [c for c in table if c.endswith("_day")]:
            late = (table[column] > end).fillna(False)
            problems += [problem(name, f"it comes after the patient's last follow-up (day {end[i]})",
                                  "Check both moments.", row=_row(i), field=column, value=table[column][i])
                         for i in table.index[late]]
    if "in_field_progression_day" in (sites := tables.get("sites", pd.DataFrame())):
        wrong = (sites["in_field_progression_day"] < sites["rt_start_day"]).fillna(False)
        problems += [problem("sites", f"it comes before rt_start_day ({sites['rt_start_day'][i]})", "Check both moments.",
                              row=_row(i), field="in_field_progression_day", value=sites["in_field_progression_day"][i])
                     for i in sites.index[wrong]]
    return problems
