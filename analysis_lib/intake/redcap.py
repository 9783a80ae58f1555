"""REDCap: the data dictionary that REDCap imports, and exports as REDCap writes them.

A REDCap project is one flat file. A patient has a row of their own; each repeat of a repeating instrument (a
site, a line of therapy) is a further row, named in ``redcap_repeat_instrument``. :func:`read` takes the file
apart into the tables of the data dictionary, turns codes into the words of the project's choices, and leaves
everything else (column names, values, dates, validation) to :mod:`analysis_lib.intake.tables`, as for any
other file.

Codes and names come from the project's own dictionary, or, for a project that was set up with the dictionary
that :func:`dictionary` makes, from :mod:`analysis_lib.dictionary.columns`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import columns, words
from analysis_lib.dictionary.words import listed
from analysis_lib.intake import boxes, reading
from analysis_lib.intake.manifest import Manifest
from analysis_lib.intake.raw import Unreadable
from analysis_lib.intake.tables import file_columns

HERE = "REDCap export"
FORMS = ("patients", *columns.REPEATING)
COLUMNS = [
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
]
VARIABLE, FORM, TYPE, LABEL, CHOICES = (COLUMNS[place] for place in (0, 1, 3, 4, 5))
# Headings of an export with labels, by the name that the same column has in an export of raw data.
HEADINGS = {
    "Event Name": "redcap_event_name",
    "Repeat Instrument": "redcap_repeat_instrument",
    "Repeat Instance": "redcap_repeat_instance",
    "Data Access Group": "redcap_data_access_group",
}
COMPLETE = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
FIXED_CHOICES = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
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


# --- the dictionary that REDCap imports -----------------------------------------------------------


def dictionary() -> pd.DataFrame:
    """The data dictionary of a REDCap project for this book: one row a field, in the 18 columns that REDCap
    imports.

    Moments are calendar dates. The record's identifier is ``patient_id``; ``sites`` and ``lines`` are meant
    as repeating instruments, which are switched on in REDCap's project setup, not in the dictionary.
    """
    rows = []
    for form in FORMS:
        for name, column in columns.collected(form).items():
            if not (name == "patient_id" and form != "patients"):  # REDCap links forms by the record
                rows.append(_field(form, name, column))
    return pd.DataFrame(rows, columns=COLUMNS).fillna("")


def _field(form: str, name: str, column: pa.Column) -> dict:
    meta = column.metadata
    limits: dict = {}
    for check in column.checks:
        limits = {
            key: value for key, value in check.statistics.items() if key in ("min_value", "max_value")
        } or limits
    kind = meta["kind"]
    yes_no = tuple(meta["levels"] or ()) == columns.YES_NO
    meanings = "; ".join(
        f"{level}: {meaning}" for level, meaning in (meta["levels"] or {}).items() if meaning
    )
    entry = {
        VARIABLE: name,
        FORM: form,
        LABEL: words.label_of(name),
        COLUMNS[6]: " ".join(filter(None, [column.description, meanings])),
        TYPE: "text" if kind != "level" else "yesno" if yes_no else "radio",
        COLUMNS[10]: "y" if kind in ("text", "day") else "",
        COLUMNS[12]: "y" if column.required and name != "patient_id" else "",
    }
    if kind == "level" and not yes_no:
        entry[CHOICES] = " | ".join(f"{code}, {level}" for code, level in enumerate(meta["levels"], 1))
    if kind in ("day", "count", "number"):
        entry[COLUMNS[7]] = {"day": "date_ymd", "count": "integer", "number": "number"}[kind]
    if kind in ("count", "number"):
        entry |= {COLUMNS[8]: str(limits["min_value"]), COLUMNS[9]: str(limits["max_value"])}
    return entry


# --- an export ------------------------------------------------------------------------------------


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
    raw = _file(folder, declared.export, "export", problems)
    fields = None
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
    if raw is None or problems:
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
        mapping, known = manifest.columns.get(table, {}), set(file_columns(table))
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


def box(variable: str, code: str) -> str:
    """The column of a box to tick: ``risk___2``; a minus of the code is an underscore, as in
    ``risk____99``.
    """
    return f"{variable}___{code.lower().replace('-', '_')}"


def _shown(label: str) -> str:
    """A label without the markup that REDCap keeps in its dictionary and leaves out of its exports."""
    return " ".join(re.sub(r"</?[a-zA-Z][^>]*>", "", str(label)).split())


def choices(entry: dict) -> dict[str, str]:
    """Codes of a field with their labels: ``1, alive | 2, dead``."""
    if entry[TYPE] in FIXED_CHOICES:
        return FIXED_CHOICES[entry[TYPE]]
    if entry[TYPE] not in ("radio", "dropdown", "checkbox"):
        return {}
    pairs = [choice.partition(",") for choice in entry[CHOICES].split("|")]
    return {code.strip(): label.strip() for code, _, label in pairs if code.strip()}


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
    repeats = "redcap_repeat_instrument"
    if repeats not in raw:
        theirs = fields[fields[FORM].map(form_name).isin([form_name(form) for form in instruments.values()])][
            VARIABLE
        ]
        if declared or any(raw[column].notna().any() for column in theirs if column in raw):
            problems.append(
                problem(
                    HERE,
                    f"the export has no column {repeats}, so several sites or lines of a patient cannot "
                    f"be told apart",
                    "Switch the instrument's repeating on in REDCap's project setup, and export all "
                    "instruments.",
                )
            )
        return {"patients": raw}
    form = raw[repeats].fillna("").map(form_name)
    parts = {"patients": raw[form == ""]}
    there = sorted(set(form) - {""})
    known = set(fields[FORM].map(form_name))
    for table, instrument in instruments.items():
        rows = raw[form == form_name(instrument)]
        if len(rows):
            parts[table] = rows
        elif declared is not None and form_name(instrument) not in known:
            problems.append(
                problem(
                    HERE,
                    f"no row of the export belongs to an instrument {instrument!r}",
                    f"Its repeating instruments: {listed(there) or 'none'}.",
                    field=f"instruments, {table}",
                )
            )
    if declared is None and (
        foreign := [name for name in there if name not in map(form_name, instruments.values())]
    ):
        first = form[form == foreign[0]].index[0]
        problems.append(
            problem(
                HERE,
                "no table is named for this repeating instrument",
                f"Say what it holds: `redcap: {{instruments: {{sites: {foreign[0]}}}}}`, or `instruments: "
                f"{{}}` "
                f"to leave all out.",
                row=int(first),
                field=repeats,
                value=foreign[0],
            )
        )
    return parts


def form_name(form: str) -> str:
    """The name that REDCap gives to a form of this title."""
    return re.sub(r"\W+", "_", str(form).strip().lower()).strip("_")


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
