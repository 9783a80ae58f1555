"""Take in the tables of a cohort: columns and words renamed to those of the data dictionary, dates as days,
all validated.

Each function appends what is wrong to a list of problems (:func:`analysis_lib.cohort.problems.problem`) and
goes on, so that the data manager hears of everything at once. The index of every table is the row of its file
(:mod:`analysis_lib.intake.reading`). No input is ever written to.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary.columns import TABLES
from analysis_lib.dictionary.rules import WARNINGS
from analysis_lib.intake import cell_words, names_used, pairs, reading
from analysis_lib.intake.days import kind_of
from analysis_lib.intake.manifest import Manifest
from analysis_lib.intake.pairs import as_date
from analysis_lib.intake.raw import Unreadable
from analysis_lib.intake.values import empty

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
    schema = manifest.schemas[name]
    known, mapping = file_columns(name, schema), manifest.columns.get(name, {})
    has = names_used.has(raw)
    problems += names_used.wrong_mapping(name, raw, mapping, known, has)
    mapping = names_used.as_meant(raw, mapping, known)
    table = raw.rename(columns=mapping)
    for said in (names_used.almost, names_used.unidentified, names_used.remarks):
        problems += said(name, raw, table, known)
    twice = sorted(set(table.columns[table.columns.duplicated()]) & set(known))
    problems += [
        problem(
            name,
            "two columns of the file carry this name",
            "Rename one, or map only one of them.",
            field=column,
        )
        for column in twice
    ]
    table = table.loc[:, ~table.columns.duplicated()][
        [c for c in dict.fromkeys(table.columns) if c in known]
    ].copy()
    table.attrs = raw.attrs
    translated = manifest.values.get(name, {})
    table = _with_codes(schema, table, mapping, translated)
    problems += _unclear(name, table, translated)
    for column in table:
        words = translated.get(column, {})
        table[column] = cell_words.in_our_words(name, column, table[column], words, schema, problems)
    problems += names_used.missing(name, raw, table, schema, known, twice, has)
    problems += names_used.death_unused(name, raw, table, mapping, manifest.date_format)
    if name == "patients" and table.empty and all(each["rule"] in WARNINGS for each in problems):
        problems.append(_without_rows(manifest.tables.get("patients", "")))
    return pairs.with_events(name, table, schema, problems)


def _unclear(name: str, table: pd.DataFrame, translated: dict[str, dict]) -> list[dict]:
    """Moments that stand there twice, as a day and as a date, and translations of columns that are not
    there.
    """
    return [
        problem(name, f"the file has both {column} and {as_date(column)}", "Keep one of them.", field=column)
        for column in table
        if column.endswith("_day") and as_date(column) in table
    ] + [
        problem(
            name,
            "values are translated for a column that the table does not have",
            "Name the column as in the data dictionary, after mapping.",
            field=column,
        )
        for column in translated
        if column not in table
    ]


def _without_rows(place: str) -> dict:
    file, _, sheet = place.rpartition("#")
    return problem(
        "patients",
        "the table has no rows",
        f"Fill in the sheet {sheet} of {file}, one row a patient."
        if file
        else "Name the file (and the sheet) that holds the patients.",
    )


def _with_codes(
    schema: pa.DataFrameSchema, table: pd.DataFrame, mapping: dict[str, str], translated: dict[str, dict]
) -> pd.DataFrame:
    """The codes below the labels of a statistics program, in columns that are to hold numbers.

    A label stays where it is what is meant: a number itself (SPSS's AUTORECODE and Stata's encode give "0",
    "1", "2" the codes 1, 2, 3), a word that is translated, a word for "not known", a word for a day (code 0:
    "no relapse"), or one that names another number than its code ("ECOG 0" for 1), which is then asked for.
    """
    for own, codes in table.attrs.get("codes", {}).items():
        column = mapping.get(own, own)
        if column not in table or (kind := kind_of(schema, column)) not in ("count", "number", "day"):
            continue
        label = table[column]
        code = pd.Series(codes, dtype="string").reindex(table.index).replace("", pd.NA)
        named = label.str.extract(r"(\d+(?:[.,]\d+)?)", expand=False)
        meant = (
            label.isin(list(translated.get(column, {})))
            | empty(label)
            | (named.notna() & (named != code))
            | (kind == "day")
        )
        table[column] = code.mask(meant.fillna(False).astype(bool) & label.notna(), label)
    return table


def file_columns(table: str, schema: pa.DataFrameSchema | None = None) -> list[str]:
    """The names a file may use: those of the dictionary (or of a cohort's own ``schema``), ``X_date`` for
    each ``X_day``, and what :mod:`analysis_lib.intake.pairs` reads.
    """
    columns = list((schema or TABLES[table]).columns)
    dates = [as_date(column) for column in columns if column.endswith("_day")]
    more = ["infusion_date", *pairs.DEATH] if table == "patients" else []
    return columns + dates + more + pairs.event_columns(table, schema)


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
