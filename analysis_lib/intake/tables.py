"""Take in the tables of a cohort: columns and words renamed to those of the data dictionary, dates as days,
all validated.

Each function appends what is wrong to a list of problems (:func:`analysis_lib.cohort.problems.problem`) and
goes on, so that the data manager hears of everything at once. The index of every table is the row of its file
(:mod:`analysis_lib.intake.reading`). No input is ever written to.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaErrors

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import units
from analysis_lib.dictionary.columns import TABLES
from analysis_lib.intake import cell_words, names_used, pairs, reading, values
from analysis_lib.intake.manifest import Manifest
from analysis_lib.intake.pairs import as_date
from analysis_lib.intake.raw import Unreadable

REQUIRED = "a value is required here"
EXCHANGED = (
    "Go back to the file as it was before, and open it with the columns of dates as text, or write "
    "all dates as 2021-03-28. "
    "No date_format mends this."
)
OTHER_UNIT = "If the file counts in weeks, months or years, say so in cohort.yml, as in `time_unit: months`."
BEFORE_DAY_0 = "it lies before day 0"
# The columns by which REDCap tells the rows of a patient apart, in exports of raw data and with labels.
OF_REDCAP = {"redcap_repeat_instrument", "redcap_event_name", "Repeat Instrument", "Event Name"}


def read_mapped(folder: Path, name: str, file: str, manifest: Manifest, problems: list[dict]) -> pd.DataFrame:
    """One table as text, its columns and words renamed to those of the data dictionary; empty if it cannot be
    read.
    """
    try:
        raw = reading.read_table(folder, file)
    except Unreadable as error:
        problems.append(
            problem(
                name,
                error.concern,
                error.suggestion or f"Correct `tables: {{{name}: ...}}` or the file.",
                row=error.row,
                value=file,
            )
        )
        return pd.DataFrame()
    if OF_REDCAP & set(raw.columns):
        problems.append(
            problem(
                name,
                "this is an export of REDCap, in which a patient has several rows",
                "Name it in a cohort.yml as "
                f"`redcap: {{export: {file}}}`; `salvage-book map {file}` proposes one.",
                value=file,
            )
        )
        return pd.DataFrame()
    return map_table(raw, name, manifest, problems)


def map_table(raw: pd.DataFrame, name: str, manifest: Manifest, problems: list[dict]) -> pd.DataFrame:
    """Rename the columns and words of a table; what stands for "not known" becomes missing, other columns go.

    Parameters
    ----------
    raw : DataFrame
        As :func:`analysis_lib.intake.reading.read_table` gives it.
    name : str
        Which table it is (:data:`analysis_lib.dictionary.columns.TABLES`).
    manifest : Manifest
        How the columns and values of the file translate.
    problems : list of dict
        Gains what is wrong.
    """
    known, mapping = file_columns(name), manifest.columns.get(name, {})
    has = names_used.has(raw)
    problems += names_used.wrong_mapping(name, raw, mapping, known, has)
    mapping = names_used.as_meant(raw, mapping, known)
    table = raw.rename(columns=mapping)
    problems += names_used.almost(name, raw, table, known) + names_used.remarks(name, raw, table, known)
    twice = sorted(set(table.columns[table.columns.duplicated()]) & set(known))
    for column in twice:
        problems.append(
            problem(
                name,
                "two columns of the file carry this name",
                "Rename one, or map only one of them.",
                field=column,
            )
        )
    table = table.loc[:, ~table.columns.duplicated()][
        [c for c in dict.fromkeys(table.columns) if c in known]
    ].copy()
    table.attrs = raw.attrs
    table = _with_codes(name, table, mapping)
    for column in [c for c in table if c.endswith("_day") and as_date(c) in table]:
        problems.append(
            problem(
                name, f"the file has both {column} and {as_date(column)}", "Keep one of them.", field=column
            )
        )
    for column, _words in manifest.values.get(name, {}).items():
        if column not in table:
            problems.append(
                problem(
                    name,
                    "values are translated for a column that the table does not have",
                    "Name the column as in the data dictionary, after mapping.",
                    field=column,
                )
            )
    for column in table:
        words = manifest.values.get(name, {}).get(column, {})
        table[column] = cell_words.in_our_words(name, column, table[column], words, problems)
    problems += names_used.missing(name, raw, table, known, twice, has)
    problems += names_used.death_unused(name, raw, table, mapping, manifest.date_format)
    if name == "patients" and table.empty and not problems:
        file, _, sheet = manifest.tables.get("patients", "").rpartition("#")
        problems.append(
            problem(
                name,
                "the table has no rows",
                f"Fill in the sheet {sheet} of {file}, one row a patient."
                if file
                else "Name the file (and the sheet) that holds the patients.",
            )
        )
    return pairs.with_events(name, table, problems)


def _with_codes(name: str, table: pd.DataFrame, mapping: dict[str, str]) -> pd.DataFrame:
    """The codes below the labels of a statistics program, in columns that are to hold numbers."""
    for own, codes in table.attrs.get("codes", {}).items():
        column = mapping.get(own, own)
        if column in table and _kind(name, column) in ("count", "number", "day"):
            table[column] = pd.Series(codes, dtype="string").reindex(table.index).replace("", pd.NA)
    return table


def file_columns(table: str) -> list[str]:
    """The names a file may use: those of the dictionary, ``X_date`` for each ``X_day``, and what
    :mod:`analysis_lib.intake.pairs` reads.
    """
    columns = list(TABLES[table].columns)
    dates = [as_date(column) for column in columns if column.endswith("_day")]
    more = ["infusion_date", *pairs.DEATH] if table == "patients" else []
    return columns + dates + more + pairs.event_columns(table)


def with_identifiers(patients: pd.DataFrame, alone: bool, problems: list[dict]) -> pd.DataFrame:
    """The patients, numbered where a table that stands alone does not name them."""
    if "patient_id" in patients or patients.empty:
        return patients
    if not alone:
        problems.append(
            problem(
                "patients",
                "this required column is missing",
                "The other tables name their patients by it: map one to patient_id under `columns:`.",
                field="patient_id",
            )
        )
        return patients
    numbers = pd.Series(
        [str(number + 1) for number in range(len(patients))], index=patients.index, dtype="string"
    )
    numbered = pd.concat([numbers.rename("patient_id"), patients], axis=1)
    numbered.attrs = patients.attrs
    return numbered


def without_faulty(tables: dict[str, pd.DataFrame], problems: list[dict]) -> dict[str, pd.DataFrame]:
    """The tables without the cells that a problem speaks of, apart from identifiers: one fault is told
    once.
    """
    tables = {name: table.copy() for name, table in tables.items()}
    for each in problems:
        table = tables.get(each["table"])
        if (
            table is not None
            and each["field"] in table
            and each["row"] in table.index
            and each["field"] != "patient_id"
        ):
            table.at[each["row"], each["field"]] = pd.NA
    return tables


def in_days(
    name: str, table: pd.DataFrame, patients: pd.DataFrame, manifest: Manifest, problems: list[dict]
) -> pd.DataFrame:
    """Dates become days since day 0, durations in months become days, numbers become numbers."""
    start = infusion_dates(table, patients, manifest)
    marks = _decimal_marks(name, table)
    columns = {}
    for column in table:
        if column == "infusion_date":
            _check_dates(name, column, table[column], manifest, problems)
        elif column.endswith("_date"):
            found = _check_dates(name, column, table[column], manifest, problems)
            if "infusion_date" not in patients:
                problems.append(
                    problem(
                        name,
                        "there is no infusion_date to count days from",
                        "Give the patients table infusion_date, the date of day 0.",
                        field=column,
                    )
                )
            orphan = found.notna() & start.isna() & table["patient_id"].isin(patients["patient_id"].dropna())
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
            columns[column] = _parse(name, column, table[column], manifest.time_unit, marks, problems)
    return pd.DataFrame(columns, index=table.index)


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
    name: str, column: str, cells: pd.Series, manifest: Manifest, problems: list[dict]
) -> pd.Series:
    found = values.dates(cells, manifest.date_format)
    if said := values.exchanged(cells):
        problems.append(problem(name, said, EXCHANGED, field=column))
        return found
    wrong = cells.index[cells.notna() & found.isna()]
    concern, suggestion = _about_dates(cells[wrong], manifest.date_format)
    problems += [problem(name, concern, suggestion, row=row, field=column, value=cells[row]) for row in wrong]
    return found


def _about_dates(wrong: pd.Series, date_format: str) -> tuple[str, str]:
    """What to say of cells that are no dates."""
    example = pd.Timestamp("2021-03-28").strftime("%Y-%m-%d" if date_format == units.ISO else date_format)
    fitting = values.formats_that_fit(wrong) if date_format == units.ISO else {}
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


def _kind(name: str, column: str) -> str:
    if column in TABLES[name].columns:
        return TABLES[name].columns[column].metadata["kind"]
    return "day" if column in pairs.DEATH and column.endswith("_day") else "date"


def _decimal_marks(name: str, table: pd.DataFrame) -> set[str]:
    """How the number columns of a table write decimals; where none tells, a file with semicolons has decimal
    commas.
    """
    measured = [table[column] for column in table if _kind(name, column) in ("day", "count", "number")]
    shown = set().union(*(values.decimal_marks(cells) for cells in measured))
    return shown or ({","} if table.attrs.get("separator") == ";" else set())


def _parse(
    name: str, column: str, cells: pd.Series, time_unit: str, marks: set[str], problems: list[dict]
) -> pd.Series:
    kind = _kind(name, column)
    if kind in ("text", "level"):
        return cells
    numbers = values.numbers(cells, marks)
    if kind == "day" and time_unit != "days":
        doubtful = values.ambiguous(cells) & numbers.isna()
        numbers = (numbers * units.DAYS_PER_UNIT[time_unit]).round()
    else:  # of a whole number 2.000 is rather two thousand, unless the table writes decimals with a point
        doubtful = values.ambiguous(cells) & (numbers.isna() | (kind != "number" and not marks))
    unread = cells.notna() & (numbers.isna() | doubtful)
    whole = kind in ("day", "count")
    wrong = unread | ((numbers.round() != numbers).fillna(False) if whole else False)
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
    return numbers.astype("Int64") if whole else numbers


def violations(name: str, table: pd.DataFrame, text: pd.DataFrame, problems: list[dict]) -> list[dict]:
    """What the data dictionary does not allow in the columns that are there, found by pandera, said in our
    words.

    Cells that a problem already speaks of, and dates that could not be counted, are not said to be empty as
    well.
    """
    told = {(each["row"], each["field"]) for each in problems if each["table"] == name}
    try:
        with warnings.catch_warnings():
            # pandera concatenates empty frames; its next release does not
            warnings.simplefilter("ignore", FutureWarning)
            TABLES[name].validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.drop_duplicates(["column", "check", "index"])
        found = [_in_words(name, case) for case in cases.to_dict("records") if case["index"] is not None]
        found = [
            each
            for each in found
            if each["concern"] != REQUIRED
            or (
                pd.isna(
                    text.at[each["row"], each["field"] if each["field"] in text else as_date(each["field"])]
                )
                and (each["row"], each["field"]) not in told
            )
        ]
        late = table.index[_late(table, text)] if "infusion_date" in text else []
        return [
            problem(
                name,
                "it comes after every other date of the patient",
                "Check it: are day and month, or two columns, exchanged?",
                row=int(row),
                field="infusion_date",
            )
            for row in late
        ] + [each for each in found if not (each["row"] in late and each["concern"] == BEFORE_DAY_0)]
    return []


def _late(table: pd.DataFrame, text: pd.DataFrame) -> pd.Series:
    """Whether the infusion date comes after every other date of the patient, which makes all of them wrong at
    once.
    """
    dated = [table[column] for column in table if column.endswith("_day") and column not in text]
    return (
        (pd.concat(dated, axis=1).max(axis=1) < 0).fillna(False).astype(bool)
        if dated
        else pd.Series(False, index=table.index)
    )


def _in_words(name: str, case: dict) -> dict:
    column, check = case["column"], str(case["check"])
    meta = TABLES[name].columns[column].metadata
    value: Any = "" if pd.isna(case["failure_case"]) else case["failure_case"]
    if check.startswith("isin"):
        levels = ", ".join(meta["levels"])
        concern, advice = (
            f"it must be one of {levels}",
            ("Translate it under `values:` in cohort.yml, or correct it."),
        )
        if str(value) in ("0", "1", "2"):
            meaning = " or ".join(meta["levels"]) if len(meta["levels"]) == 2 else "its level"
            advice = (
                "A code does not say what it means: declare it in cohort.yml, as in "
                f'`values: {{{name}: {{{column}: {{"{value}": {meaning}}}}}}}`.'
            )
    elif check.startswith("in_range"):
        low, high = re.findall(r"-?[\d.]+", check)[:2]
        unit = f" {meta['unit']}" if meta["unit"] else ""
        concern, advice = (
            f"it must lie between {low} and {high}{unit}",
            ("Correct the value, or leave the cell empty."),
        )
        if values.looks_like_a_code(value):
            advice += (
                f' If it stands for "not known", write `values: {{{name}: {{{column}: {{"{value:g}": '
                f'""}}}}}}`.'
            )
        if meta["kind"] == "day" and value < 0:
            concern, advice = BEFORE_DAY_0, "Check it, and the date of day 0."
        elif column == "dose_gy" and value > 90:
            advice = "If the file gives cGy, divide by 100."
    elif check == "not_nullable":
        concern, advice = REQUIRED, "Fill it in, or leave the row out of the file."
    else:
        concern, advice = "the same identifier stands in more than one row", "Keep one row a patient."
    return problem(name, concern, advice, row=int(case["index"]), field=column, value=value)


def as_in_files(problems: list[dict], texts: dict[str, pd.DataFrame], manifest: Manifest) -> list[dict]:
    """Problems with the cell as the file has it, and with the file's own name of the column beside the
    dictionary's.
    """
    shown, nothing = [], pd.DataFrame()
    for each in problems:
        text, field, value = texts.get(each["table"], nothing), each["field"], each["value"]
        field = as_date(field) if field not in text and as_date(field) in text else field
        if field in text and each["row"] in text.index:
            cell = text.at[each["row"], field]
            value = value if pd.isna(cell) else cell
        own = [
            name
            for name, target in manifest.columns.get(each["table"], {}).items()
            if target == field and name != field
        ]
        shown.append(each | {"field": f"{own[0]} ({field})" if own else field, "value": value})
    return shown
