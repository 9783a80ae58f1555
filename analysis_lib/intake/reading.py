"""Files as hospitals keep them, read as frames of text: whatever the format, the encoding or the separator.

Every cell comes out as trimmed text or missing; the index is the row of the file as a spreadsheet shows it
(the header is row 1), so that a message can name it. Nothing is interpreted here: numbers, dates and words
are read by :mod:`analysis_lib.intake.values`, once it is known what a column means. No file is ever written
to.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import itertools
import re
import unicodedata
import warnings
import zipfile
from decimal import Decimal
from pathlib import Path

import charset_normalizer
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet

from analysis_lib.dictionary.words import CONTROL

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, ".xlsx", ".xls", ".parquet")
SEPARATORS = "\t;|,"  # where two fit equally well the first is taken: commas also stand in numbers and words
# where several fit, the first is taken
CODE_PAGES = ["cp1252", "cp1250", "cp1254", "cp1251", "mac_roman", "cp850"]
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how Excel's .xlsx begins, and its old or encrypted files
SAVE_AS_TEXT = "Save the table as CSV (UTF-8) or as .xlsx, and name that file."


class Unreadable(Exception):
    """A table could not be read: what is wrong, what to do, and the row of the file if one is to blame."""

    def __init__(self, concern: str, suggestion: str = "", row: int | None = None):
        super().__init__(concern)
        self.concern, self.suggestion, self.row = concern, suggestion, row


def read_table(folder: Path, file: str) -> pd.DataFrame:
    """Read a table as text.

    Parameters
    ----------
    folder : Path
        The folder that ``file`` is relative to.
    file : str
        CSV, TSV, TXT, XLSX or Parquet; ``book.xlsx#Sheet`` chooses a sheet by its name (without: the first).

    Returns
    -------
    pandas.DataFrame
        Columns of dtype ``string``, empty cells missing, rows without any text dropped; the index is the row
        of the file. Two columns may carry one name. ``attrs`` holds the ``separator`` of a text file, and the
        other ``sheets`` of a workbook whose first was read.

    Raises
    ------
    Unreadable
        With what is wrong and what to do.
    """
    file, _, sheet = file.partition("#")
    if not file:
        raise Unreadable("no file is named", "Write its name, such as `tables: {patients: patients.csv}`.")
    data = _bytes(folder / file)
    suffix = Path(file).suffix.lower()
    if suffix == ".parquet":
        return _parquet(data)
    if suffix == ".xlsx":
        return _excel(data, sheet)
    if sheet:
        raise Unreadable("only an Excel workbook has sheets", "Leave out what follows the #.")
    return _delimited(data)


def _bytes(path: Path) -> bytes:
    """The content of a file of a supported type; what it is instead, if it is none."""
    suffix = path.suffix.lower()
    try:
        if path.is_dir():
            raise Unreadable("this is a folder", "Name a file in it.")
        if not path.is_file():
            raise Unreadable(
                "there is no such file", "Check the spelling; the path counts from the folder of cohort.yml."
            )
        if suffix == ".xls":
            raise Unreadable(
                "the old Excel format .xls is not read", "Open it in Excel and save it as .xlsx."
            )
        if suffix not in SUFFIXES:
            raise Unreadable(
                f"files of type {suffix or 'none'} are not read; use {', '.join(SUFFIXES)}", SAVE_AS_TEXT
            )
        data = path.read_bytes()
    except PermissionError:
        raise Unreadable(
            "the file may not be read: permission denied",
            "Close it in other programs, or ask for permission to read it.",
        ) from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"the file cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("the file is empty", "Name the file that holds the table.")
    if suffix != ".xlsx" and data.startswith(ZIP):
        raise Unreadable(
            f"this is an Excel workbook (or another zip file) named {suffix}",
            "Give its name the ending .xlsx.",
        )
    if data.startswith(OLE):
        raise Unreadable(
            "the workbook is protected by a password, or in the old .xls format",
            "Open it in Excel and save it as .xlsx without a password.",
        )
    return data


# --- text files -----------------------------------------------------------------------------------


def _delimited(data: bytes) -> pd.DataFrame:
    text = decode(data)
    declared = re.match(r"sep=(.)\r?\n", text)  # how Excel names the separator
    separator = declared[1] if declared else _separator(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    try:
        rows = list(reader)
    except csv.Error as error:
        raise Unreadable(
            f"a quotation mark is not closed, or stands in the middle of a cell ({error})",
            "Correct the quotation marks in that line.",
            reader.line_num,
        ) from None
    if declared:
        rows[0] = []
    frame = _frame(rows, strict=True)
    frame.attrs["separator"] = separator
    return frame


def decode(data: bytes) -> str:
    """Text of a file whose encoding nobody declared.

    A byte-order mark is believed; what is valid UTF-8 is UTF-8; otherwise the code page is taken that
    charset-normalizer finds least implausible, Western Europe's first.

    Raises
    ------
    Unreadable
        When no encoding gives text.
    """
    mark = next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), None)
    # Western text in UTF-16 has every other byte zero
    zeros = [data[:2000][start::2].count(0) for start in (0, 1)]
    wide = (
        {True: ["utf-16-be"], False: ["utf-16-le"]}[zeros[0] > zeros[1]]
        if max(zeros) > len(data[:2000]) / 5
        else []
    )
    for encoding in [mark] if mark else [*wide, "utf-8"]:
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if not CONTROL.search(text):
            return text
    if not mark and not wide and not re.search(rb"[\x00-\x08\x0e-\x1f]", data):
        matches = charset_normalizer.from_bytes(data, cp_isolation=CODE_PAGES)
        ranked = sorted(
            (match.chaos, -match.coherence, CODE_PAGES.index(page), page)
            for match in matches
            for page in match.could_be_from_charset
            if page in CODE_PAGES
        )
        if (
            ranked
            and not CONTROL.search(text := data.decode(ranked[0][-1], errors="replace"))
            and "\ufffd" not in text
        ):
            return text
    raise Unreadable("this is not text in an encoding that can be told", SAVE_AS_TEXT)


def _separator(text: str) -> str:
    """The separator with which the first rows agree best with the header."""

    def fit(separator: str) -> tuple[bool, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        try:
            widths = [len(row) for row in itertools.islice(reader, 50) if row]
        except csv.Error:
            return False, 0
        agree = sum(width == widths[0] for width in widths) >= 0.8 * len(widths)
        return (agree, widths[0]) if widths and widths[0] > 1 else (False, 0)

    return max(SEPARATORS, key=fit)


# --- workbooks and Parquet ------------------------------------------------------------------------


def _excel(data: bytes, sheet: str) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # openpyxl warns of decorations it does not keep; nothing is written here
            warnings.simplefilter("ignore")
            rows, others = _sheet(data, sheet)
    except Unreadable:
        raise
    except Exception as error:  # a damaged workbook fails in openpyxl in as many ways as it can be damaged
        raise Unreadable(
            f"this is not a readable Excel workbook ({type(error).__name__})",
            "Open it in Excel and save it as .xlsx again.",
        ) from None
    frame = _frame(rows)
    frame.attrs["sheets"] = others
    return frame


def _sheet(data: bytes, name: str) -> tuple[list[list[str]], list[str]]:
    """The cells of a sheet, and the names of the other sheets if nobody chose this one."""
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    names = [sheet.title for sheet in book.worksheets]
    if name and name not in names:
        raise Unreadable(f"the workbook has no sheet {name!r}", f"It has: {', '.join(names)}.")
    if book.epoch.year == 1904:
        raise Unreadable(
            "the workbook counts its dates from 1904", "Save the sheet as CSV (UTF-8), and name that file."
        )
    rows = _cells(book[name] if name else book.worksheets[0])
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        formulas = any(
            b"<f>" in (xml := parts.read(part)) or b"<f " in xml
            for part in parts.namelist()
            if part.startswith("xl/worksheets/")
        )
    others = [] if name else names[1:]
    if not formulas:
        return rows, others
    # A formula that no program has calculated yet reads as an empty cell: find it by reading the formulas
    # themselves.
    written = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    for row, formula_row in zip(rows, _cells(written[name] if name else written.worksheets[0])):
        for column, formula in enumerate(formula_row[: len(row)]):
            if not row[column] and formula.startswith("="):
                row[column] = formula
    return rows, others


def _cells(sheet) -> list[list[str]]:
    sheet.reset_dimensions()  # some programs write a wrong size, and cells beyond it would be lost
    return [[as_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def _parquet(data: bytes) -> pd.DataFrame:
    try:
        # Without pandas' own notes an index that was written is a column like any other.
        frame = pyarrow.parquet.read_table(io.BytesIO(data)).to_pandas(ignore_metadata=True)
        rows = [[as_text(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    except Exception as error:  # as for workbooks
        raise Unreadable(
            f"this is not a readable Parquet file ({type(error).__name__})", SAVE_AS_TEXT
        ) from None
    return _frame([[str(column) for column in frame.columns], *rows])


def as_text(value) -> str:
    """A cell as text: whole numbers without a decimal point, dates as 2021-03-28 without their time of
    day.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Decimal):
        return as_text(float(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


# --- rows -----------------------------------------------------------------------------------------


def _frame(rows: list[list[str]], strict: bool = False) -> pd.DataFrame:
    """Rows as a frame: the first that is not blank is the header; later blank ones and columns without a
    header go.

    With ``strict`` a row may not be longer than the header: a separator inside a cell would move its values.
    """
    trimmed = [[_trim(cell) for cell in row] for row in rows]
    numbered = [(number, row) for number, row in enumerate(trimmed, 1) if any(row)]
    if not numbered:
        raise Unreadable("the table is empty", "Name the file (and the sheet) that holds the table.")
    header = [" ".join(cell.split()) for cell in numbered[0][1]]
    width = len(header)
    long = [number for number, row in numbered[1:] if any(row[width:])] if strict else []
    if long:
        more = (
            f", as {len(long) - 1} later row{'s do' if len(long) > 2 else ' does'}" if len(long) > 1 else ""
        )
        raise Unreadable(
            f"this row has more cells than the header has columns{more}",
            "A cell that holds the separator must stand in quotation marks.",
            long[0],
        )
    body = [(row + [""] * (width - len(row)))[:width] for _, row in numbered[1:]]
    index = pd.Index([number for number, _ in numbered[1:]], dtype="int64", name="row")
    named = [place for place, name in enumerate(header) if name]
    columns = [
        pd.Series([row[place] for row in body], index=index, dtype="string").replace("", pd.NA)
        for place in named
    ]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
    frame.columns = [header[place] for place in named]
    return frame


def _trim(cell: str) -> str:
    """Text without spaces around it, the invisible ones included, and composed: a Mac writes ü as two
    characters.
    """
    return unicodedata.normalize("NFC", cell).strip().strip("\u200b\u200e\u200f\u2060\ufeff").strip()
