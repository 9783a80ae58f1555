"""Rows of text as a frame, whatever file they came from: where the headings stand, what is too large, what a
reader should be told.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal

import numpy as np
import pandas as pd

MOST_COLUMNS, MOST_CELLS = 2000, 2_000_000  # of a table
LARGEST_FILE = 200_000_000  # bytes
TITLES = 10  # rows above the headings, at the most
ROW_NAMES = "row names"  # what a first column without a heading is called, where it may tell patients apart
PLACE = "Choose the columns and rows that the book needs, and save them as a file of their own."
DIGITS = re.compile(r"[+-]?[\d.,\s]+%?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*|\d{1,2}[- ]\w{3,}[- ]\d{2,4}")


class Unreadable(Exception):
    """A table could not be read: what is wrong, what to do, and the row of the file if one is to blame."""

    def __init__(self, concern: str, suggestion: str = "", row: int | None = None):
        super().__init__(concern)
        self.concern, self.suggestion, self.row = concern, suggestion, row


def note(rule: str, concern: str, suggestion: str, field: str = "", row: int | None = None) -> dict:
    """Something a reader should be told of how a file was read; ``field`` is a heading of the file, or empty
    for the whole of it.
    """
    return {"rule": rule, "concern": concern, "suggestion": suggestion, "field": field, "row": row}


def within_limits(columns: int, cells: int) -> None:
    """Stop at a table that no cohort needs, before it fills the memory."""
    if columns > MOST_COLUMNS:
        raise Unreadable(
            f"the table has {columns:,} columns or more; at most {MOST_COLUMNS:,} are read", PLACE
        )
    if cells > MOST_CELLS:
        raise Unreadable(f"the table has more than {MOST_CELLS:,} cells, the empty ones included", PLACE)


def as_text(value: object) -> str:
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
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def framed(rows: list[list[str]], delimited: bool = False, quoted: bool = False) -> pd.DataFrame:
    """Rows as a frame of text: titles above the headings, blank rows and columns without a heading go.

    Parameters
    ----------
    rows : list of list of str
        All rows of the file, the blank ones included: the index is their number, from 1.
    delimited : bool
        The rows are those of a text file, and none may be longer than the headings: a separator inside a cell
        would move its values.
    quoted : bool
        The separator cannot stand bare inside a cell: longer rows may begin with R's names of rows.

    Returns
    -------
    DataFrame
        ``attrs["notes"]`` says how it was read, where that is not plain (:func:`note`).
    """
    numbered = [
        (number, row)
        for number, row in enumerate(([_trim(cell) for cell in row] for row in rows), 1)
        if any(row)
    ]
    if not numbered:
        raise Unreadable("the table is empty", "Name the file (and the sheet) that holds the table.")
    above = _titles([row for _, row in numbered[: TITLES + 40]])
    notes = []
    at, header = numbered[above]
    if above:
        notes.append(
            note(
                "headings",
                f"row {at} was read as the headings; what stands above it was taken for titles",
                "If these are not the headings, delete the rows above them in a copy of the file.",
            )
        )
    header = _told_apart([" ".join(cell.split()) for cell in header], numbered[above - 1][1] if above else [])
    body = numbered[above + 1 :]
    if delimited:
        header = _with_row_names(header, body, quoted)
    header = _first_named(header, body)
    filled = max((place for _, row in body for place, cell in enumerate(row, 1) if cell), default=0)
    header += [""] * (filled - len(header))  # values beyond the last heading, as beside a merged one
    width = len(header)
    within_limits(width, width * len(body))
    index = pd.Index([number for number, _ in body], dtype="int64", name="row")
    columns = {
        place: pd.Series(
            [row[place] if place < len(row) else "" for _, row in body], index=index, dtype="string"
        ).replace("", pd.NA)
        for place in range(width)
    }
    notes += [
        note(
            "no_heading",
            f"column {place + 1} of the file has values and no heading; it is not read",
            "Give it a heading if the book needs it.",
        )
        for place in columns
        if not header[place] and columns[place].notna().any() and not (place == 0 and _counts(body))
    ]
    named = [place for place, name in enumerate(header) if name]
    frame = pd.concat([columns[place] for place in named], axis=1) if named else pd.DataFrame(index=index)
    frame.columns = [header[place] for place in named]
    frame.attrs["notes"] = notes
    return frame


def _trim(cell: str) -> str:
    """Text without spaces around it, the invisible ones included, and composed: a Mac writes ü as two
    characters.
    """
    if cell.isascii():
        return cell.strip()
    return unicodedata.normalize("NFC", cell).strip().strip("\u200b\u200e\u200f\u2060\ufeff").strip()


def heading_row(rows: list[list[str]]) -> int:
    """The number of the row with the headings, from 1."""
    numbered = [
        (number, [_trim(cell) for cell in row])
        for number, row in enumerate(rows, 1)
        if any(map(str.strip, row))
    ][: TITLES + 40]
    return numbered[_titles([row for _, row in numbered])][0] if numbered else 1


def _titles(rows: list[list[str]]) -> int:
    """How many rows stand above the headings: a title alone in its row, or the titles of groups of
    columns.
    """
    for above in range(min(TITLES, len(rows) - 1)):
        filled = _filled(rows[above])
        wider = next((row for row in rows[above + 1 : above + TITLES] if len(_filled(row)) > 2), [])
        if not (
            filled == [0]
            and wider
            and not DIGITS.fullmatch(wider[_filled(wider)[0]])
            or _are_groups(filled, rows[above + 1 :])
        ):
            return above
    return 0


def _are_groups(filled: list[int], rows: list[list[str]]) -> bool:
    """Whether a row has gaps where the next has words that are headings: all different, and none of them said
    below.
    """
    below = _filled(rows[0])
    gaps = [place for place in below if filled and place > filled[0] and place not in filled]
    words = [rows[0][place].lower() for place in below]
    if (
        not gaps
        or len(below) < 3
        or not set(filled) < set(below)
        or len(below) != below[-1] - below[0] + 1
        or len(rows) < 2
    ):
        return False
    again = any(
        row[place].lower() == word
        for row in rows[1:]
        for place, word in zip(below, words)
        if place < len(row)
    )
    return not again and not any(DIGITS.fullmatch(word) for word in words)


def _filled(row: list[str]) -> list[int]:
    return [place for place, cell in enumerate(row) if cell]


def _told_apart(header: list[str], groups: list[str]) -> list[str]:
    """Headings that stand under several titles, with the title before them: ``Baseline ECOG`` and ``Relapse
    ECOG``.
    """
    if len(_filled(groups)) < 2:
        return header
    titles, last = [], ""
    for place in range(len(header)):
        last = groups[place] if place < len(groups) and groups[place] else last
        titles.append(last)
    return [
        f"{title} {name}" if name and title and header.count(name) > 1 else name
        for name, title in zip(header, titles)
    ]


def _counts(body: list[tuple[int, list[str]]]) -> bool:
    """Whether the first cells only count the rows, as R and pandas number them."""
    first = [row[0] if row else "" for _, row in body]
    return all(cell.isascii() and cell.isdigit() for cell in first) and len(set(first)) == len(first)


def _first_named(header: list[str], body: list[tuple[int, list[str]]]) -> list[str]:
    """A first column without a heading gets one if it has words that tell the rows apart, and does not only
    count them.
    """
    first = [row[0] if row else "" for _, row in body]
    apart = bool(header) and not header[0] and len(first) > 1 and all(first) and len(set(first)) == len(first)
    return [ROW_NAMES, *header[1:]] if apart and not _counts(body) and ROW_NAMES not in header else header


def _with_row_names(header: list[str], body: list[tuple[int, list[str]]], quoted: bool) -> list[str]:
    """The headings with one more before them, where every row begins with a name of its own, as R's
    ``write.table`` writes.
    """
    width = len(header)
    long = [number for number, row in body if any(row[width:])]
    if not long:
        return header
    first = [row[0] for _, row in body]
    one_more = all(len(row) == width + 1 for _, row in body) and all(first) and len(set(first)) == len(first)
    if one_more and quoted:
        return ["", *header]
    more = f", as {len(long) - 1} later row{'s do' if len(long) > 2 else ' does'}" if len(long) > 1 else ""
    names = (
        " If they are the names of rows that R wrote, write the file again with `row.names = FALSE`."
        if one_more
        else ""
    )
    raise Unreadable(
        f"this row has more cells than the header has columns{more}",
        f"A cell that holds the separator must stand in quotation marks.{names}",
        long[0],
    )
