"""A starter for a new cohort: an Excel template, a REDCap data dictionary and a cohort.yml, all written from
the schema.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary import columns, words
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files import replacing
from analysis_lib.intake import redcap_dictionary
from analysis_lib.intake.invented import invented
from analysis_lib.intake.manifest import MANIFEST_KEYS, REDCAP_KEYS, as_name
from analysis_lib.intake.own_factors import FACTOR_KEYS

TEMPLATE, DICTIONARY = "cohort.xlsx", "redcap_dictionary.csv"
LAST_ROW = 5000  # drop-downs and date cells reach down to here
EXAMPLE = 40  # patients
# What cohort.yml says of the example.
OF_THE_EXAMPLE = {
    "title": '"An example: invented patients"',
    "synthetic": "true",
    "note": "Invented patients, to try the book with.",
}
REQUIRED = (Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="1F4E79"))
OPTIONAL = (Font(bold=True, color="1F1F1F"), PatternFill("solid", fgColor="DDE6EF"))
PLAIN_RULES = (
    "One sheet a table, one row a patient (sites: an irradiated site; lines: a line of salvage therapy). "
    "Only the sheet patients is needed.",
    "Dark blue headings must be filled in for every row; all others may stay empty.",
    "Leave a cell empty when an answer is not known. Write no question mark, no 'n/a', no 0.",
    "The date of an event is different: empty means that it did not happen. If it happened on a day that "
    "you do not know, write your best "
    "estimate. If you do not know whether it happened, let last_follow_up_date be the last day on which you "
    "knew.",
    "Delete the columns that you do not record at all: a column of dates left empty says that it happened "
    "to nobody.",
    "Dates become days since the date of day 0 while the file is read; no date goes further.",
    "Do not rename the sheets or headings, or say in cohort.yml what you call them.",
)
# What more there is to say of a key of cohort.yml.
MORE = {
    "columns": (
        "Beside a time, a column that says whether it happened is read as well:",
        "  {patients: {pfs_days: failure_day, pfs_event: failure_event}}",
        "and beside the last contact the day of death, which ends the time: {patients: {died_on: "
        "death_date}}",
    ),
    "values": ('{"9": ""} says that 9 means: not known; {"": no} says that an empty cell means no.',),
}
# The keys within a key.
INSIDE = {"redcap": REDCAP_KEYS.items(), "factors": FACTOR_KEYS.items()}
# An entry of cohort.yml for each key that has no need to be there, as it would be written.
EXAMPLES = {
    "redcap": f"{{export: export.csv, dictionary: {DICTIONARY}}}",
    "columns": '{patients: {MRN: patient_id, "Last seen": last_follow_up_date}}',
    "values": "{patients: {vital_status: {Deceased: dead, Living: alive}}}",
    "factors": "{flt3: {label: FLT3 mutation, levels: [wild type, ITD]}, age: {number: years, per: 10}}",
    "groups": "car_t_product",
    "competing": "{failure_day: relapse, second_cancer_day: second cancer}",
    "date_format": '"%d.%m.%Y"',
    "time_unit": "months",
    "subset": "stage in ('III', 'IV')",
    "index_event": CAR_T,
    "synthetic": "true",
    "note": "Adults treated at our hospital; data as of June 2025.",
    "made_by": "python make_patients.py",
}


def new(folder: Path, example: bool = False) -> list[str]:
    """Write the starter into a new or empty folder, all of it or nothing.

    Parameters
    ----------
    folder : Path
        Where to write.
    example : bool
        Whether the template is filled in, with invented patients, so that there is something to play with.

    Returns
    -------
    list of str
        The names of the files.

    Raises
    ------
    CohortError
        If something stands there already, or the folder cannot be written.
    """
    target = folder.expanduser().resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CohortError(
            str(folder),
            [
                problem(
                    "folder",
                    "something is there already",
                    "Name a new or an empty folder; nothing is ever overwritten.",
                )
            ],
        )
    try:
        with replacing.finished_folder(target) as draft:
            book = template()
            if example:
                fill(book, invented(EXAMPLE))
            book.save(draft / TEMPLATE)
            redcap_dictionary.dictionary().to_csv(draft / DICTIONARY, index=False, encoding="utf-8")
            (draft / "cohort.yml").write_text(manifest(target.name, example), "utf-8")
            (draft / "README.txt").write_text(readme(), "utf-8")
    except OSError as error:
        raise CohortError(
            str(folder),
            [problem("folder", f"it cannot be written ({error.strerror})", "Choose a folder of your own.")],
        ) from None
    return sorted(path.name for path in target.iterdir())


# --- the Excel template ---------------------------------------------------------------------------


def template() -> Workbook:
    """A workbook with an empty sheet for each table, and the dictionary in plain words on a sheet of
    notes.
    """
    book = Workbook()
    book.remove(book.active)
    for name in columns.TABLES:
        _sheet(book.create_sheet(name), name)
    _notes(book.create_sheet("Notes"))
    return book


def fill(book: Workbook, tables: dict[str, pd.DataFrame]) -> None:
    """Write the cells of some patients below the headings of the template."""
    for name, table in tables.items():
        sheet = book[name]
        columns = [cell.value for cell in sheet[1]]
        for number, row in enumerate(table.to_dict("records"), 2):
            for place, column in enumerate(columns, 1):
                cell = sheet.cell(number, place, row.get(column))
                if column.endswith("_date"):
                    cell.number_format = "yyyy-mm-dd"


def _required(name: str, column: pa.Column) -> bool:
    return column.required or name == "infusion_date"  # dates count from it


def _sheet(sheet: Worksheet, table: str) -> None:
    for place, (name, column) in enumerate(columns.collected(table).items(), 1):
        letter, required = get_column_letter(place), _required(name, column)
        cell = sheet.cell(1, place, name)
        cell.font, cell.fill = REQUIRED if required else OPTIONAL
        cell.comment = Comment(
            f"{column.description}\n\n{_allowed(column)}{' Required.' if required else ''}",
            "salvage-book",
            height=140,
            width=300,
        )
        sheet.column_dimensions[letter].width = max(12, len(name) + 3)
        cells = f"{letter}2:{letter}{LAST_ROW}"
        kind = column.metadata["kind"]
        if kind == "day":
            sheet.column_dimensions[letter].number_format = "yyyy-mm-dd"
        elif kind == "text":
            sheet.column_dimensions[letter].number_format = "@"  # 007 stays 007
        if rule := _rule(column):
            rule.add(cells)
            sheet.add_data_validation(rule)
    sheet.freeze_panes = "B2"


def _rule(column: pa.Column) -> DataValidation | None:
    """What Excel lets a cell of this column hold; it refuses everything else."""
    kind, levels = column.metadata["kind"], column.metadata["levels"]
    shared = {
        "allow_blank": True,
        "showErrorMessage": True,
        "errorTitle": "Not possible here",
        "error": _allowed(column)[:250],
    }
    if kind == "level":
        return DataValidation(type="list", formula1=f'"{",".join(levels)}"', **shared)
    if kind == "day":
        return DataValidation(type="date", operator="greaterThan", formula1="DATE(1950,1,1)", **shared)
    if kind in ("count", "number"):
        bounds = next(check.statistics for check in column.checks if "min_value" in check.statistics)
        return DataValidation(
            type="whole" if kind == "count" else "decimal",
            operator="between",
            formula1=str(bounds["min_value"]),
            formula2=str(bounds["max_value"]),
            **shared,
        )
    return None


def _allowed(column: pa.Column) -> str:
    kind = column.metadata["kind"]
    if kind == "day":
        return "A date."
    return f"{'One of: ' if kind == 'level' else ''}{words.allowed(column)}."


def _notes(sheet: Worksheet) -> None:
    for rule in PLAIN_RULES:
        sheet.append([rule])
    sheet.append([])
    sheet.append(["Table", "Column", "Meaning", "What to write", "Required"])
    heading = sheet.max_row
    for cell in sheet[heading]:
        cell.font, cell.fill = OPTIONAL
    for table in columns.TABLES:
        for name, column in columns.collected(table).items():
            sheet.append(
                [
                    table,
                    name,
                    column.description,
                    _allowed(column),
                    "required" if _required(name, column) else "",
                ]
            )
    for letter, width in zip("ABCDE", (12, 28, 70, 60, 10)):
        sheet.column_dimensions[letter].width = width
    for line in sheet.iter_rows(min_row=heading + 1, min_col=3, max_col=4):
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


# --- cohort.yml and README ------------------------------------------------------------------------


def manifest(folder: str, example: bool = False) -> str:
    """A cohort.yml that works as it stands with the Excel template, and explains every key."""
    sheets = "\n".join(f"  {table}: {TEMPLATE}#{table}" for table in columns.TABLES)
    active = {"name": as_name(folder), "title": "Our cohort", "tables": f"\n{sheets}"}
    active |= OF_THE_EXAMPLE if example else {}
    lines = [
        "# What this cohort is called, and how its files are read. Lines that start with # are notes.",
        "# To use one that shows an entry, such as #time_unit, remove the # and write your own words.",
        "",
    ]
    for key, meaning in MANIFEST_KEYS.items():
        lines.append(f"# {key}: {meaning}")
        lines += [f"#   {entry}: {what}" for entry, what in INSIDE.get(key, ())]
        lines += [f"#   {more}" for more in MORE.get(key, ())]
        if key in active:
            lines.append(f"{key}: {active[key]}".replace(": \n", ":\n"))
        elif key in EXAMPLES:
            lines.append(f"#{key}: {EXAMPLES[key]}")
        lines.append("")
    return "\n".join(lines)


def command() -> str:
    """The command of the book as it can be typed here: by its name where that is found, else by its place."""
    beside = Path(sys.executable).with_name("salvage-book")
    if shutil.which("salvage-book"):
        return "salvage-book"
    return _typed(str(beside)) if beside.exists() else f"{_typed(sys.executable)} -m analysis_lib"


def _typed(path: str) -> str:
    return f'"{path}"' if " " in path else path


def readme() -> str:
    """What to do with the files of the starter, for whoever opens the folder."""
    book = command()
    return f"""\
A cohort of your own
====================

With Excel
  1. Fill in the sheet patients of {TEMPLATE}. The sheet Notes says what each
     column means.
  2. Open a terminal in this folder, and type
     {book} check .
  3. When nothing is left to correct:
     {book} build . --out book
     then open book/html/index.html in a browser.

With REDCap
  1. In a new project: Data Dictionary, upload {DICTIONARY}.
  2. In Project Setup, switch on repeating instruments for: {", ".join(columns.REPEATING)}.
  3. Export all data as CSV (raw data) into this folder, as export.csv.
  4. In cohort.yml remove `tables` with the lines below it, and the # before redcap.
  5. Check and build: steps 2 and 3 above.

With a file that you have
  1. {book} map your-file.csv --out ours.yml
     proposes which of your columns is which. Read it and correct it.
  2. {book} check ours.yml
  3. {book} build ours.yml --out book

What an empty cell means
  An answer that is empty is not known. The date of an event that is empty means
  that it did not happen: if it happened on a day that you do not know, write
  your best estimate; if you do not know whether it happened, let
  last_follow_up_date be the last day on which you knew.
  Delete the columns that you do not record: a column of dates left empty says
  that it happened to nobody. (In REDCap: remove those fields before you upload.)

Your files are only read. Nothing is sent anywhere.
"""
