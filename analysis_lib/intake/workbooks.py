"""Workbooks as a person sees them: .xlsx, .xlsm, .xls and .ods, with what is hidden, merged or filtered
said.
"""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, TypeVar

import openpyxl
import xlrd
from openpyxl.utils.cell import column_index_from_string, range_boundaries
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from analysis_lib.intake.opendocument import Ods
from analysis_lib.intake.raw import MOST_IN_WORKBOOKS, Unreadable, as_text, within_limits
from analysis_lib.intake.sheets import (
    SAVE_AGAIN,
    Layout,
    Sheet,
    as_percent,
    as_seen,
    chosen,
    parse,
    unpacked_within_limits,
)

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

T = TypeVar("T")

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read_workbook(data: bytes, suffix: str, name: str) -> tuple[list[list[str]], list[str], list[dict]]:
    """The rows of a sheet by its name, or of the first that is not hidden; merged cells hold their value in
    every row.

    Returns
    -------
    rows, others, notes
        Cells as text; the other sheets that are to be seen, if nobody chose this one; what to say of how it
        was read.

    Raises
    ------
    Unreadable
        When the workbook is damaged, protected or too large, or has no such sheet.
    """
    sheet = _safely(lambda: _reader(data, suffix).read(name))
    notes = as_seen(sheet)
    return sheet.rows, sheet.others, notes


def sheet_names(data: bytes, suffix: str) -> list[str]:
    """The sheets with cells that are not hidden, in their order."""
    return _safely(lambda: _reader(data, suffix).visible())


def _reader(data: bytes, suffix: str) -> Xls | Ods | Xlsx:
    return Xls(data) if suffix == ".xls" else Ods(data) if suffix == ".ods" else Xlsx(data)


def _safely(read: Callable[[], T]) -> T:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of decorations that are not kept; nothing is written here
            return read()
    except Unreadable:
        raise
    except Exception as error:  # a damaged workbook fails in as many ways as it can be damaged
        raise Unreadable(f"this is not a readable workbook ({type(error).__name__})", SAVE_AGAIN) from None


# --- .xlsx and .xlsm ------------------------------------------------------------------------------


class Xlsx:
    """Excel's workbooks since 2007, in the transitional and the strict form."""

    def __init__(self, data: bytes):
        self.data = unpacked_within_limits(data)
        self.book = openpyxl.load_workbook(io.BytesIO(self.data), read_only=True, data_only=True)

    def visible(self) -> list[str]:
        return [sheet.title for sheet in self.book.worksheets if sheet.sheet_state == "visible"]

    def read(self, name: str) -> Sheet:
        taken, others = chosen(name, [sheet.title for sheet in self.book.worksheets], self.visible())
        if self.book.epoch.year == 1904:
            raise Unreadable(
                "the workbook counts its dates from 1904",
                "Save the sheet as CSV (UTF-8), and name that file.",
            )
        sheet = self.book[taken]
        with (
            zipfile.ZipFile(io.BytesIO(self.data)) as parts,
            parts.open(sheet._worksheet_path) as part,
        ):  # openpyxl has no public name for it
            layout = _layout(part)
        rows, months = _cells(sheet, layout.last_row)
        if (
            layout.formulas
        ):  # one that no program has calculated yet reads as an empty cell: the formula itself tells
            written, _ = _cells(
                openpyxl.load_workbook(io.BytesIO(self.data), read_only=True)[taken], layout.last_row
            )
            for row, formula_row in zip(rows, written):
                for place, formula in enumerate(formula_row[: len(row)]):
                    if not row[place] and formula.startswith("="):
                        row[place] = formula
        return Sheet(rows, layout, others, months)


def _unseen(given: dict, size: str) -> bool:
    """Whether a row or column is hidden, or of no height or width, which looks the same."""
    return given.get("hidden") in ("1", "true") or (size in given and float(given[size]) == 0)


def _layout(part: IO[bytes]) -> Layout:
    """The layout of a sheet's part, read without its cells."""
    layout, row, area, last = Layout(), 0, 0, ""

    def start(name: str, given: dict) -> None:
        nonlocal row, area, last
        name = name.rpartition(" ")[2]
        if name == "row":
            row, last = int(given.get("r", row + 1)), ""
            if _unseen(given, "ht"):
                layout.hidden_rows.add(row)
        elif name == "c":
            last = given.get("r", last)
        elif name in ("v", "is", "f"):
            layout.last_row, layout.formulas = row, layout.formulas or name == "f"
        elif name == "col" and _unseen(given, "width"):
            layout.hidden_columns |= set(range(int(given["min"]), min(int(given["max"]), 16384) + 1))
        elif name == "mergeCell":
            left, top, right, bottom = range_boundaries(given["ref"])
            layout.merged.append((top, left, bottom, right))
        elif name == "filterColumn":
            layout.filtered = True

    def end(name: str) -> None:
        nonlocal area
        if last and name.endswith(" row"):
            letters = re.match("[A-Z]+", last)
            assert letters, last  # else the workbook is damaged
            area += column_index_from_string(letters[0])
            within_limits(0, area, MOST_IN_WORKBOOKS)

    parse(part, start, end)
    return layout


def _cells(sheet: ReadOnlyWorksheet, last_row: int) -> tuple[list[list[str]], set[int]]:
    """The cells as text, numbers with the zeros that are shown before them; and the columns of dates that are
    shown without a day.
    """
    sheet.reset_dimensions()  # some programs write a wrong size, and cells beyond it would be lost
    rows, months = [], set()
    for cells in sheet.iter_rows(max_row=max(last_row, 1)):
        row = []
        for place, cell in enumerate(cells):
            value = cell.value
            if isinstance(value, ArrayFormula | DataTableFormula):
                value = f"={getattr(value, 'text', None) or 'TABLE()'}".replace("==", "=")
            text = as_text(value)
            shown = cell.number_format or ""
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                if re.fullmatch("0{2,}", shown):
                    text = text.zfill(len(shown))
                elif _in_percent(shown):
                    text = as_percent(value)
            elif isinstance(value, datetime.date) and _without_day(shown):
                months.add(place)
            row.append(text)
        rows.append(row)
    return rows, months


def _without_day(number_format: str) -> bool:
    """Whether dates in this format are shown without their day."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|\\.', "", number_format)
    return bool(re.search("[my]", bare, re.I)) and not re.search("d", bare, re.I)


def _in_percent(number_format: str) -> bool:
    return "%" in re.sub(r'"[^"]*"|\\.', "", number_format)


# --- .xls -----------------------------------------------------------------------------------------


class Xls:
    """Excel's workbooks before 2007."""

    def __init__(self, data: bytes):
        protected = Unreadable(
            "the workbook is protected by a password", "Save it as .xlsx without a password."
        )
        if ENCRYPTED in data:
            raise protected
        try:
            self.book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
        except xlrd.XLRDError as error:
            raise (protected if "encrypted" in str(error) else error) from None

    def visible(self) -> list[str]:
        return [sheet.name for sheet in self.book.sheets() if sheet.visibility == 0]

    def read(self, name: str) -> Sheet:
        taken, others = chosen(name, self.book.sheet_names(), self.visible())
        sheet = self.book.sheet_by_name(taken)
        within_limits(0, sheet.nrows * sheet.ncols, MOST_IN_WORKBOOKS)
        cells = [
            [sheet.cell(row, column) for column in range(sheet.row_len(row))] for row in range(sheet.nrows)
        ]
        rows = [[self._text(cell) for cell in row] for row in cells]
        months = {
            place
            for row in cells
            for place, cell in enumerate(row)
            if cell.ctype == xlrd.XL_CELL_DATE and _without_day(self._format(cell))
        }
        layout = Layout(
            {row + 1 for row, how in sheet.rowinfo_map.items() if how.hidden},
            {column + 1 for column, how in sheet.colinfo_map.items() if how.hidden},
            [(top + 1, left + 1, bottom, right) for top, bottom, left, right in sheet.merged_cells],
        )
        return Sheet(rows, layout, others, months)

    def _format(self, cell: xlrd.sheet.Cell) -> str:
        if cell.xf_index is None:
            return ""
        return self.book.format_map[self.book.xf_list[cell.xf_index].format_key].format_str

    def _text(self, cell: xlrd.sheet.Cell) -> str:
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code.get(cell.value, "#VALUE!")
        if cell.ctype == xlrd.XL_CELL_DATE and cell.value >= 1:
            return as_text(xlrd.xldate_as_datetime(cell.value, self.book.datemode))
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return as_text(bool(cell.value))
        shown = self._format(cell)
        if cell.ctype == xlrd.XL_CELL_NUMBER and _in_percent(shown):
            return as_percent(cell.value)
        text = as_text(cell.value)
        return (
            text.zfill(len(shown))
            if cell.ctype == xlrd.XL_CELL_NUMBER and re.fullmatch("0{2,}", shown)
            else text
        )
