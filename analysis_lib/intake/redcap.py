"""Exports as REDCap writes them.

A REDCap project is one flat file. A patient has a row of their own; each repeat of a repeating instrument (a
site, a line of therapy) is a further row, named in ``redcap_repeat_instrument``. :func:`read` takes the file
apart into the tables of the data dictionary, turns codes into the words of the project's choices, and leaves
everything else (column names, values, dates, validation) to :mod:`analysis_lib.intake.tables`, as for any
other file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import columns, words
from analysis_lib.dictionary.words import listed
from analysis_lib.intake import boxes, reading
from analysis_lib.intake.manifest import Manifest, Redcap
from analysis_lib.intake.raw import Unreadable
from analysis_lib.intake.redcap_dictionary import (
    CHOICES,
    COLUMNS,
    FORM,
    FORMS,
    LABEL,
    TYPE,
    VARIABLE,
    box,
    choices,
    dictionary,
    form_name,
)
from analysis_lib.intake.tables import file_columns

HERE = "REDCap export"
REPEATS = "redcap_repeat_instrument"
# Headings of an export with labels, by the name that the same column has in an export of raw data.
HEADINGS = {
    "Event Name": "redcap_event_name",
    "Repeat Instrument": "redcap_repeat_instrument",
    "Repeat Instance": "redcap_repeat_instance",
    "Data Access Group": "redcap_data_access_group",
}
COMPLETE = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
# The missing-data codes that REDCap itself proposes; a project's own are named in cohort.yml.
MISSING = (
    "NI",
    "INV",
    "UNK",
    "NASK",
    "ASKU",
    "NAV",
    "MSK",
    "NA",
    "NAVU",
    "NP",
    "QS",
    "QI",
    "TRC",
    "UNC",
    "DER",
    "PINF",
    "NINF",
    "OTH",
)


@dataclass(frozen=True)
class Export:
    """The tables of an export as text, and where their cells stand in it.

    ``tables`` keep the export's own column names, apart from ``record``, its column of the patient, and its
    rows as their index. ``origins`` has the row of each value of a patient, which may be gathered from
    several.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    record: str = "patient_id"
    origins: pd.DataFrame = field(default_factory=pd.DataFrame)

    def places(self, problems: list[dict]) -> list[dict]:
        """The same problems, with the row and the column of the export in place of those of a table."""
        return [self._in_export(each) if each["table"] in self.tables else each for each in problems]

    def _in_export(self, found: dict) -> dict:
        row, column = found["row"], found["field"].partition(" (")[0]
        if found["table"] == "patients" and column in self.origins and row in self.origins.index:
            row = int(self.origins.at[row, column])
        own = column == "patient_id" != self.record
        return found | {"row": row, "field": f"{self.record} (patient_id)" if own else found["field"]}


def read(folder: Path, manifest: Manifest, problems: list[dict]) -> Export:
    """Take the export that ``redcap:`` names apart into raw tables; without such an entry there are none."""
    declared = manifest.redcap
    if declared is None:
        return Export()
    raw, fields = _files(folder, manifest, declared, problems)
    if problems or raw is None:
        return Export()
    labelled = bool(set(raw) & {*HEADINGS, "Complete?"})
    raw, fields = _named(raw, fields)
    options = {
        entry[VARIABLE]: choices(entry) for entry in fields.to_dict("records") if entry[TYPE] == "checkbox"
    }
    raw = boxes.without_unknown(raw, options, (*MISSING, *declared.missing))
    raw = boxes.without_empty(raw, dict(zip(fields[VARIABLE], fields[FORM].map(form_name))), problems)
    raw = _without_missing(raw, declared.missing, fields)
    parts = _by_table(raw, declared.instruments, fields, problems)
    record, tables, origins = raw.columns[0], {}, pd.DataFrame()
    for table, rows in parts.items():
        mapping, known = manifest.columns.get(table, {}), set(file_columns(table, manifest.schemas[table]))
        rows = rows if labelled else decoded(rows, fields)
        if record not in mapping:
            rows = rows.rename(columns={record: "patient_id"})
        ours = [column for column in rows if mapping.get(column, column) in known]
        filled = [
            column
            for column in rows
            if rows[column].notna().any() and not re.search("^redcap_|_complete$", column)
        ]
        rows = rows[[column for column in rows if column in ours or column in filled]]
        if table == "patients":
            rows, origins = _one_row_a_patient(
                rows, ours, record if record in mapping else "patient_id", problems
            )
        tables[table] = rows
    return Export(tables, record, origins)


def _files(
    folder: Path, manifest: Manifest, declared: Redcap, problems: list[dict]
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """The export and the project's dictionary, where one is named, as tables of text."""
    fields = None
    raw = _file(folder, declared.export, "export", problems)
    if declared.dictionary is not None:
        fields = _file(folder, declared.dictionary, "dictionary", problems)
    if fields is not None and not {VARIABLE, FORM, TYPE, LABEL, CHOICES} <= set(fields):
        problems.append(
            problem(
                HERE,
                "this is no REDCap data dictionary",
                f"Download it under Data Dictionary in REDCap; it has columns such as {VARIABLE!r}.",
                field="dictionary",
                value=declared.dictionary,
            )
        )
    for name in sorted(set(manifest.tables) & set(FORMS)):
        problems.append(
            problem(
                name,
                "the table is named under `tables:` and comes from the REDCap export as well",
                "Keep one of the two.",
            )
        )
    return raw, fields


def _file(folder: Path, file: str, what: str, problems: list[dict]) -> pd.DataFrame | None:
    try:
        return reading.read_table(folder, file)  # its notes stay with the file: REDCap writes plain CSV
    except Unreadable as error:
        problems.append(
            problem(
                HERE,
                error.concern,
                error.suggestion or f"Correct `redcap: {{{what}: ...}}` or the file.",
                row=error.row,
                field=what,
                value=file,
            )
        )
        return None


def _named(raw: pd.DataFrame, fields: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Headings as variables, and the dictionary to read them by: the one given, our own for our own project,
    or none.

    Our own project is known by its forms or, in an export with labels, by all of its required labels: codes
    are never taken for ours because they happen to fit.
    """
    ours = dictionary()
    if fields is None:
        required = set(ours.loc[ours[COLUMNS[12]] == "y", LABEL]) | {words.label_of("patient_id")}
        fields = ours if "patients_complete" in raw or required <= set(raw) else ours.head(0)
    variables: dict[str, list[str]] = {}
    forms: dict[str, str] = {}
    for entry in fields.fillna("").to_dict("records"):
        options = choices(entry) if entry[TYPE] == "checkbox" else {}
        label = _shown(entry[LABEL])
        for code, option in options.items():
            variables.setdefault(f"{label} (choice={_shown(option)})", []).append(box(entry[VARIABLE], code))
        if not options:
            variables.setdefault(label, []).append(entry[VARIABLE])
        forms |= dict.fromkeys(
            [entry[VARIABLE], *(box(entry[VARIABLE], code) for code in options)], entry[FORM]
        )
    known = {name for names in variables.values() for name in names}
    renamed, form = [], ""
    for heading in map(_shown, raw.columns):
        if heading == "Complete?":  # of the form whose fields stand before it
            renamed.append(f"{form_name(form)}_complete")
        elif heading in known or heading not in variables:
            renamed.append(HEADINGS.get(heading, heading))
        else:  # fields of one label follow each other as in the dictionary
            renamed.append(variables[heading].pop(0) if variables[heading] else heading)
        form = forms.get(renamed[-1], form)
    raw = raw.set_axis(renamed, axis=1)
    return raw.loc[:, ~raw.columns.duplicated()], fields.fillna("")


def _shown(label: str) -> str:
    """A label without the markup that REDCap keeps in its dictionary and leaves out of its exports."""
    return " ".join(re.sub(r"</?[a-zA-Z][^>]*>", "", str(label)).split())


def _without_missing(raw: pd.DataFrame, declared: list[str], fields: pd.DataFrame) -> pd.DataFrame:
    """Missing-data codes become empty cells, unless a field has a choice of that code."""
    own = {entry[VARIABLE]: choices(entry) for entry in fields.to_dict("records")}
    raw = raw.copy()
    for column in raw.columns[1:]:
        codes = [code for code in (*MISSING, *declared) if code not in own.get(column, {})]
        raw[column] = raw[column].mask(raw[column].isin(codes))
    return raw


def _by_table(
    raw: pd.DataFrame, declared: dict | None, fields: pd.DataFrame, problems: list[dict]
) -> dict[str, pd.DataFrame]:
    """The rows of each table: those outside any repeating instrument are the patients'."""
    instruments = declared if declared is not None else {name: name for name in columns.REPEATING}
    if REPEATS not in raw:
        forms = [form_name(form) for form in instruments.values()]
        theirs = fields[fields[FORM].map(form_name).isin(forms)][VARIABLE]
        if declared or any(raw[column].notna().any() for column in theirs if column in raw):
            problems.append(
                problem(
                    HERE,
                    f"the export has no column {REPEATS}, so several sites or lines of a patient cannot "
                    f"be told apart",
                    "Switch the instrument's repeating on in REDCap's project setup, and export all "
                    "instruments.",
                )
            )
        return {"patients": raw}
    form = raw[REPEATS].fillna("").map(form_name)
    repeating = {table: raw[form == form_name(instrument)] for table, instrument in instruments.items()}
    if declared is None:
        problems += _undeclared(form, instruments)
    else:
        problems += _absent(form, instruments, set(fields[FORM].map(form_name)))
    return {"patients": raw[form == ""]} | {table: rows for table, rows in repeating.items() if len(rows)}


def _absent(form: pd.Series, instruments: dict[str, str], known: set[str]) -> list[dict]:
    """Instruments that the manifest names, of which the project knows nothing."""
    there = sorted(set(form) - {""})
    return [
        problem(
            HERE,
            f"no row of the export belongs to an instrument {instrument!r}",
            f"Its repeating instruments: {listed(there) or 'none'}.",
            field=f"instruments, {table}",
        )
        for table, instrument in instruments.items()
        if form_name(instrument) not in {*there, *known}
    ]


def _undeclared(form: pd.Series, instruments: dict[str, str]) -> list[dict]:
    """The first repeating instrument that is none of ours, where the manifest names no instruments."""
    foreign = sorted(set(form) - {"", *map(form_name, instruments.values())})
    if not foreign:
        return []
    return [
        problem(
            HERE,
            "no table is named for this repeating instrument",
            f"Say what it holds: `redcap: {{instruments: {{sites: {foreign[0]}}}}}`, or `instruments: "
            f"{{}}` to leave all out.",
            row=int(form[form == foreign[0]].index[0]),
            field=REPEATS,
            value=foreign[0],
        )
    ]


def decoded(rows: pd.DataFrame, fields: pd.DataFrame) -> pd.DataFrame:
    """Codes as the words of their choices; an interface can give labels below raw headings, and those
    stay.
    """
    entries = {entry[VARIABLE]: entry for entry in fields.to_dict("records")}
    coded = {
        column: options for column in rows if column in entries and (options := choices(entries[column]))
    }
    coded |= {column: COMPLETE for column in rows if column.endswith("_complete")}
    raw_cells = sum(int(rows[column].isin(list(options)).sum()) for column, options in coded.items())
    label_cells = sum(
        int(rows[column].isin(list(options.values())).sum()) for column, options in coded.items()
    )
    if label_cells > raw_cells:
        return rows
    return rows.assign(**{column: rows[column].replace(options) for column, options in coded.items()})


def _one_row_a_patient(
    rows: pd.DataFrame, ours: list[str], record: str, problems: list[dict]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather what the events of a longitudinal project say of a patient; two different values of one field
    are a problem.

    The second frame has the row of each value; an empty one is looked for in the patient's first row.
    """
    place = pd.Series(rows.index, index=rows.index)
    first = place.groupby(rows[record].fillna("")).transform("min")
    gathered = rows.groupby(first).first()
    origins = (
        pd.DataFrame({column: place.where(rows[column].notna()) for column in ours}).groupby(first).first()
    )
    origins = origins.apply(lambda column: column.fillna(pd.Series(column.index, index=column.index))).astype(
        "int64"
    )
    for column in ours:
        differs = rows[column].notna() & (rows[column] != gathered[column].reindex(first).to_numpy()).fillna(
            False
        )
        problems += [
            problem(
                HERE,
                f"row {origins.at[first[row], column]} gives another value for the same patient",
                "Export the event that holds the right one, or correct the record in REDCap.",
                row=int(row),
                field=column,
            )
            for row in rows.index[differs]
        ]
    return gathered.astype("string"), origins
