"""A fake cohort of the shape of a real one, to send with a question: its headings, and invented patients.

Of the files only headings and names of sheets are taken, never a cell; of ``cohort.yml`` only how the files
are read.
"""

from __future__ import annotations

import csv
import datetime
import re
from pathlib import Path

import openpyxl
import pandas as pd
import yaml

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary.units import DAYS_PER_UNIT
from analysis_lib.files import replacing
from analysis_lib.files.refusal import Refused
from analysis_lib.intake import names_used, reading, workbooks
from analysis_lib.intake.finding import TEXT_SUFFIXES, split_sheet
from analysis_lib.intake.invented import invented
from analysis_lib.intake.manifest import ISO, Manifest, locate, read_manifest
from analysis_lib.intake.pairs import event_columns
from analysis_lib.intake.raw import Unreadable
from analysis_lib.intake.tables import file_columns

PATIENTS = 12
OTHER = "x"  # in each cell of a column that is not read
SHAPE = ("columns", "values", "date_format", "time_unit", "index_event")  # keys of cohort.yml that are kept
VALUE = re.compile(
    r"[\W\d_]*\d{3,}[\W\d_]*|.*\d{5,}.*|.*\d[./-]\d+[./-]\d+.*"
)  # a heading that may be a cell


def dummy(where: str | Path, folder: Path) -> list[str]:
    """Write the dummy of a cohort into a new folder.

    Parameters
    ----------
    where : str or Path
        As :func:`analysis_lib.intake.read.read_cohort` takes it; the cohort may have errors, as long as its
        files can be opened.
    folder : Path
        The folder to write; it must not exist.

    Returns
    -------
    list of str
        The names of the files.

    Raises
    ------
    CohortError, Refused
        If a table cannot be opened, the cohort is a REDCap export, or the folder exists or cannot be written.
    """
    path = locate(where)
    manifest = read_manifest(path)
    if manifest.redcap:
        raise Refused(
            "This cohort is an export of REDCap. Send the project's data dictionary and cohort.yml instead: "
            "the dictionary says what the export looks like, and holds nothing of a patient."
        )
    if folder.exists():
        raise Refused(f"{folder} is there already. Name a new folder; nothing is ever overwritten.")
    donors, made = invented(PATIENTS), {}
    for name, file in manifest.tables.items():
        headings = _headings(path, name, file)
        made[name] = (*_place(path, file), _filled(name, headings, manifest, donors[name]))
    try:
        with replacing.finished_folder(folder) as draft:
            tables = _write(draft, made, manifest.date_format)
            (draft / "cohort.yml").write_text(_manifest(manifest, tables), "utf-8")
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written ({error.strerror}). Choose a folder of your own."
        ) from None
    return sorted(each.name for each in folder.iterdir())


def _headings(path: Path, name: str, file: str) -> pd.DataFrame:
    """The headings of a table, as a table without a row."""
    try:
        return reading.read_table(path.parent, file).iloc[:0]
    except Unreadable as error:
        raise CohortError(
            path.name, [problem(name, error.concern, error.suggestion or "Correct the file.", value=file)]
        ) from None


def _place(path: Path, file: str) -> tuple[str, str]:
    """The file of a dummy table and its sheet: a workbook stays one, all else becomes text."""
    name, sheet = split_sheet(path.parent, file)
    here = Path(name)
    if here.suffix.lower() in workbooks.SUFFIXES:
        sheet = sheet or reading.sheet_names(path.parent / name)[0]
        return f"{here.stem}.xlsx", sheet
    return (here.name if here.suffix.lower() in TEXT_SUFFIXES else f"{here.stem}.csv"), ""


def _filled(name: str, headings: pd.DataFrame, manifest: Manifest, donor: pd.DataFrame) -> pd.DataFrame:
    """A table with the headings of the file and the cells of invented patients, in the file's words."""
    mapping = names_used.as_meant(headings, manifest.columns.get(name, {}), file_columns(name))
    columns = []
    for number, heading in enumerate(headings.columns, 1):
        column = mapping.get(heading, heading)
        if column in file_columns(name):
            cells = _cells(name, column, donor, manifest)
        else:
            heading = f"column {number}" if VALUE.fullmatch(heading) else heading
            cells = [OTHER] * len(donor)
        columns.append(pd.Series(cells, name=heading, dtype=object))
    return pd.concat(columns, axis=1)


def _cells(name: str, column: str, donor: pd.DataFrame, manifest: Manifest) -> list:
    """The cells of one column of the data dictionary, as the file would say them."""
    cells: list
    if column in event_columns(name):
        moment = donor[column.replace("_event", "_day")]
        cells = ["no" if day is None else "yes" for day in moment]
    elif column in ("death_day", "death_date"):
        last = donor[column.replace("death", "last_follow_up")]
        cells = [end if how == "dead" else None for end, how in zip(last, donor["vital_status"])]
    else:
        cells = list(donor[column]) if column in donor else [None] * len(donor)
    if column.endswith("_day") and manifest.time_unit != "days":
        days = DAYS_PER_UNIT[manifest.time_unit]
        return [None if cell is None else round(cell / days, 2) for cell in cells]
    theirs = {ours: said for said, ours in manifest.values.get(name, {}).get(column, {}).items()}
    return [theirs.get(str(cell), cell) for cell in cells]


def _write(folder: Path, made: dict[str, tuple[str, str, pd.DataFrame]], date_format: str) -> dict[str, str]:
    """Write the tables; returns how ``tables:`` names them."""
    books: dict[str, openpyxl.Workbook] = {}
    for file, sheet, table in made.values():
        if sheet:
            if file not in books:
                books[file] = openpyxl.Workbook()
                books[file].remove(books[file].active)
            page = books[file].create_sheet(sheet)
            for row in [list(table.columns), *table.to_numpy().tolist()]:
                page.append(row)
            continue
        with (folder / file).open("w", encoding="utf-8", newline="") as text:
            lines = csv.writer(text, delimiter="\t" if file.lower().endswith((".txt", ".tsv")) else ",")
            lines.writerow(table.columns)
            lines.writerows([_written(cell, date_format) for cell in row] for row in table.to_numpy())
    for file, book in books.items():
        book.save(folder / file)
    return {name: f"{file}#{sheet}" if sheet else file for name, (file, sheet, _) in made.items()}


def _written(cell: object, date_format: str) -> object:
    if not isinstance(cell, datetime.date):
        return cell
    return cell.isoformat() if date_format == ISO else cell.strftime(date_format)


def _manifest(manifest: Manifest, tables: dict[str, str]) -> str:
    told = manifest.model_dump(exclude_defaults=True)
    kept = {key: told[key] for key in SHAPE if key in told}
    dummy = {"name": "dummy", "title": "A dummy: invented patients", "tables": tables} | kept
    return yaml.safe_dump(dummy | {"synthetic": True}, sort_keys=False, allow_unicode=True)
