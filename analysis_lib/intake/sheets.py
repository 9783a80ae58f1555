"""A sheet of a workbook: its cells as text, what it hides and merges, and what is refused before any cell is
read.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, NoReturn
from xml.parsers import expat

from openpyxl.utils import get_column_letter

from analysis_lib.intake.raw import PLACE, Unreadable, as_text, heading_row, month_only, note

LARGEST_PARTS, LARGEST_OTHER_PART = (
    150_000_000,
    30_000_000,
)  # bytes of what is packed in a workbook; of a part that holds no cells
STRICT = {
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}
SAVE_AGAIN = "Open it in Excel or LibreOffice and save it as .xlsx again."


def as_percent(value: float) -> str:
    """A number in a cell that is shown in percent, as a person sees it."""
    return f"{as_text(round(100 * value, 9))}%"


@dataclass
class Layout:
    """What a sheet hides, merges and holds.

    Rows and columns count from 1; a merge is (first row, first column, last row, last column), ``last_row``
    the last with a value.
    """

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    filtered: bool = False
    last_row: int = 0
    formulas: bool = False


@dataclass
class Sheet:
    """The cells of a sheet as text, its layout, the other sheets that are to be seen, and the columns of
    dates shown without a day.
    """

    rows: list[list[str]]
    layout: Layout
    others: list[str] = field(default_factory=list)
    months: set[int] = field(default_factory=set)


def chosen(name: str, names: list[str], visible: list[str]) -> tuple[str, list[str]]:
    """The sheet to read, and the others if nobody chose it."""
    if name and name not in names:
        raise Unreadable(f"the workbook has no sheet {name!r}", f"It has: {', '.join(names)}.")
    taken = name or (visible or names)[0]
    return taken, [] if name else [each for each in visible if each != taken]


def unpacked_within_limits(data: bytes) -> bytes:
    """The workbook, if what is packed in it is of a size that can be read; the strict form as the
    transitional one.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sizes = {
            part.filename: part.file_size for part in parts.infolist()
        }  # no more than this is ever unpacked of a part
        other = max(
            (
                size
                for part, size in sizes.items()
                if "worksheets/" not in part
                and "sharedStrings" not in part
                and part != "content.xml"
                and "/media/" not in part
            ),
            default=0,
        )
        if sum(sizes.values()) > LARGEST_PARTS or other > LARGEST_OTHER_PART:
            raise Unreadable(
                f"unpacked the workbook has {sum(sizes.values()) // 1_000_000:,} MB, which is more than is "
                f"read",
                PLACE,
            )
        if "xl/workbook.xml" not in sizes or next(iter(STRICT)) not in parts.read("xl/workbook.xml"):
            return data
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as copy:
            for part in sizes:
                content = parts.read(part)
                if part.endswith((".xml", ".rels")):
                    for strict, transitional in STRICT.items():
                        content = content.replace(strict, transitional)
                copy.writestr(part, content)
        return out.getvalue()


def parse(
    part: IO[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text

    def refuse(*_: object) -> NoReturn:
        raise Unreadable(
            "the workbook declares entities of its own, as no spreadsheet program does", SAVE_AGAIN
        )

    parser.EntityDeclHandler = refuse
    parser.ParseFile(part)


def as_seen(sheet: Sheet) -> list[dict]:
    """Give each row of a merged cell its value, and say what a person would see otherwise
    (:func:`analysis_lib.intake.raw.note`).
    """
    filled = _fill(sheet)
    headings = heading_row(sheet.rows)
    names = [" ".join(cell.split()) for cell in sheet.rows[headings - 1]] if sheet.rows else []
    name = {place: name for place, name in enumerate(names) if name}
    counts: dict[int, int] = {}
    for row, place in filled:
        if row > headings:
            counts[place] = counts.get(place, 0) + 1
    across = {
        left - 1
        for top, left, _, right in sheet.layout.merged
        if right > left
        and top > headings
        and top <= len(sheet.rows)
        and len([cell for cell in sheet.rows[top - 1] if cell]) > 1
    }
    notes = [
        note(
            "merged",
            f"this column has merged cells; {count} row{'s' if count > 1 else ''} got the value of the cell "
            f"above, "
            "as a person sees it",
            "Check that it is meant for all of these rows, or part the cells.",
            name[place],
        )
        for place, count in sorted(counts.items())
        if place in name
    ]
    notes += [
        note(
            "merged",
            "cells of this column are merged with the next column, whose cells are read as empty",
            "Part the cells and write each value.",
            name[place],
        )
        for place in sorted(across)
        if place in name
    ]
    notes += [month_only(name[place]) for place in sorted(sheet.months) if place in name]
    return notes + _hidden(sheet, headings, name)


def _fill(sheet: Sheet) -> list[tuple[int, int]]:
    """Give each row of a merged cell its value; the rows (from 1) and places (from 0) of the cells that got
    one.
    """
    filled = []
    for top, left, bottom, _ in sheet.layout.merged:
        value = (
            sheet.rows[top - 1][left - 1]
            if top <= len(sheet.rows) and left <= len(sheet.rows[top - 1])
            else ""
        )
        for number in range(top, min(bottom, len(sheet.rows)) if value else top):
            row = sheet.rows[number]
            row += [""] * (left - len(row))
            if not row[left - 1]:
                row[left - 1] = value
                filled.append((number + 1, left - 1))
    return filled


def _hidden(sheet: Sheet, headings: int, name: dict[int, str]) -> list[dict]:
    """What to say of hidden rows and columns with something in them: they are read like all others."""
    hidden = [
        row
        for row in sheet.layout.hidden_rows
        if headings < row <= len(sheet.rows) and any(sheet.rows[row - 1])
    ]
    notes = []
    if hidden:
        rows = f"{len(hidden)} row{'s' if len(hidden) > 1 else ''}"
        by = " by a filter" if sheet.layout.filtered else ""
        notes.append(
            note(
                "hidden",
                f"{rows} of the sheet {'are' if len(hidden) > 1 else 'is'} hidden{by}, the first of them "
                f"row {min(hidden)}, "
                "and read like all others",
                "If they are to be left out, delete them in a copy of the file.",
            )
        )
    return notes + [
        note(
            "hidden",
            f"this column is hidden in the sheet (column {get_column_letter(place)}), and read like all "
            f"others",
            "Look at it in the sheet.",
            name[place - 1],
        )
        for place in sorted(sheet.layout.hidden_columns)
        if place - 1 in name
    ]
