"""Rows of text as a frame, whatever file they came from: where the headings stand, what is too large, what a
reader should be told.

Long because titles, headings, names of rows and the ends of rows are told apart by looking at each other.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal

import numpy as np
import pandas as pd

MOST_COLUMNS = 2000  # of a table
MOST_CELLS = 40_000_000  # of a table: a million patients with all that the dictionary knows
MOST_IN_WORKBOOKS = 2_000_000  # cells of a sheet: a small workbook can be large when it is unpacked
LARGEST_FILE = 200_000_000  # bytes
TITLES = 10  # rows above the headings, at the most
BLOCK = 16  # rows: Excel writes a text file in blocks of as many, each as wide as its widest row
FEW = 3  # rows that end early are a few; more are perhaps how the file was written
ROW_NAMES = "row names"  # what a first column without a heading is called, where it may tell patients apart
PLACE = "Choose the columns and rows that the book needs, and save them as a file of their own."
DIGITS = re.compile(r"[+-]?[\d.,\s]+%?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*|\d{1,2}[- ]\w{3,}[- ]\d{2,4}")
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")  # takes no room on the screen


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


def month_only(field: str) -> dict:
    """What is said of a column of dates that are shown without their day."""
    return note(
        "month_only",
        "dates of this column are shown without their day, which is perhaps not known",
        'Look at what stands in the cells: programs take "March 2021" for the first of March.',
        field,
    )


def within_limits(columns: int, cells: int, most: int = MOST_CELLS) -> None:
    """Stop at a table that no cohort needs, before it fills the memory."""
    if columns > MOST_COLUMNS:
        raise Unreadable(
            f"the table has {columns:,} columns or more; at most {MOST_COLUMNS:,} are read", PLACE
        )
    if cells > most:
        raise Unreadable(f"the table has more than {most:,} cells, the empty ones included", PLACE)


def as_text(value: object) -> str:
    """A cell as text: whole numbers without a decimal point, dates as 2021-03-28, with their time of day if
    it is not midnight.
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
        # a time tells whether the day is that of another time zone (odd_dates.midnights)
        midnight = value.time() == datetime.time.min
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def framed(
    rows: list[list[str]], delimited: bool = False, quoted: bool = False, blanks: bool = False
) -> pd.DataFrame:
    """Rows as a frame of text: titles above the headings, blank rows and columns without a heading go.

    Long because each thing that goes is looked for in what the last one left.

    Parameters
    ----------
    rows : list of list of str
        All rows of the file, the blank ones included: the index is their number, from 1.
    delimited : bool
        The rows are those of a text file, and none may be longer or shorter than the headings: a separator
        inside a cell, or one that is left out, would move its values.
    quoted : bool
        The separator cannot stand bare inside a cell: longer rows may begin with R's names of rows.
    blanks : bool
        Blanks part the cells, so that an empty one cannot be seen.

    Returns
    -------
    DataFrame
        ``attrs["notes"]`` says how it was read, where that is not plain (:func:`note`).
    """
    trimmed = _Trimmed()
    numbered = [
        (number, row)
        for number, row in enumerate((list(map(trimmed.__getitem__, row)) for row in rows), 1)
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
        _none_longer(header, body, at)
        notes += _none_shorter(header, body, at, blanks)
    header = _first_named(header, body)
    filled = max((place for _, row in body for place, cell in enumerate(row, 1) if cell), default=0)
    header += [""] * (filled - len(header))  # values beyond the last heading, as beside a merged one
    width = len(header)
    within_limits(width, width * len(body))
    index = pd.Index([number for number, _ in body], dtype="int64", name="row")
    columns = {
        place: pd.Series(
            [row[place] or pd.NA if place < len(row) else pd.NA for _, row in body],
            index=index,
            dtype="string",
        )
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


class _Trimmed(dict[str, str]):
    """Cells by what they were before :func:`_trim`: most tables say the same thing often."""

    def __missing__(self, cell: str) -> str:
        found = self[cell] = _trim(cell)
        return found


def _trim(cell: str) -> str:
    """Text without spaces around it and without what nobody sees, and composed: a Mac writes ü as two
    characters.
    """
    if cell.isascii():
        return cell.strip()
    return INVISIBLE.sub("", unicodedata.normalize("NFC", cell)).strip()


def heading_row(rows: list[list[str]]) -> int:
    """The number of the row with the headings, from 1."""
    numbered = [
        (number, [_trim(cell) for cell in row])
        for number, row in enumerate(rows, 1)
        if any(map(str.strip, row))
    ][: TITLES + 40]
    return numbered[_titles([row for _, row in numbered])][0] if numbered else 1


def _titles(rows: list[list[str]]) -> int:
    """How many rows stand above the headings: remarks that begin with a hash, as in files of cBioPortal, a
    title alone in its row, or the titles of groups of columns.
    """
    remarks = next((place for place, row in enumerate(rows) if not row[0].startswith("#")), 0)
    if 0 < remarks <= TITLES and _are_headings(rows[remarks], rows[remarks + 1 :]):
        return remarks
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


def _are_headings(row: list[str], below: list[list[str]]) -> bool:
    """Whether a row under remarks is the headings and not the first patient, whose headings begin with a hash
    as well: only words, all different, and none of them said below.
    """
    words = [cell.lower() for cell in row]
    again = any(cell.lower() == word for later in below for word, cell in zip(words, later))
    return (
        len(words) > 1
        and all(words)
        and len(set(words)) == len(words)
        and not again
        and not any(DIGITS.fullmatch(word) for word in words)
    )


def _filled(row: list[str]) -> list[int]:
    return [place for place, cell in enumerate(row) if cell]


def _told_apart(header: list[str], groups: list[str]) -> list[str]:
    """Headings that stand under several titles, with the title before them: ``Baseline ECOG`` and ``Relapse
    ECOG``.
    """
    if len(_filled(groups)) < 2 or groups[0].startswith("#"):  # a remark is no title of columns
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
    names = (
        " If they are the names of rows that R wrote, write the file again with `row.names = FALSE`."
        if one_more
        else ""
    )
    raise Unreadable(
        f"this row has more cells than the header has columns{_as_later(long)}",
        f"A cell that holds the separator must stand in quotation marks.{names}",
        long[0],
    )


def _none_longer(header: list[str], body: list[tuple[int, list[str]]], at: int) -> None:
    """Stop at a row with more cells than the headings, even if those beyond them are empty.

    An amount such as 1,234 without quotation marks moves what follows it, and nothing stands beyond the
    headings where the last column is empty. Only where all rows have as many cells more, or all of a block
    that Excel wrote, are they separators at the end of each.
    """
    long = [number for number, row in body if len(row) > len(header)]
    alike = len({len(row) for _, row in body}) == 1
    if not long or alike or _in_blocks(header, body, at):
        return
    raise Unreadable(
        f"this row has more cells than the header has columns{_as_later(long)}; what is beyond them is empty",
        "A cell that holds the separator, such as 1,234, must stand in quotation marks. Delete separators "
        "that are too many at the end of the row.",
        long[0],
    )


def _none_shorter(header: list[str], body: list[tuple[int, list[str]]], at: int, blanks: bool) -> list[dict]:
    """Stop at a row that ends before the last heading: a cell left out in its middle would move what follows.
    What to say of rows that may end early is returned.

    Where blanks part the cells, every empty one is left out. Elsewhere only a person leaves out a cell in the
    middle, but programs leave out the empty ones at the end: Excel in whole blocks of rows, others in every
    row. The latter is believed of more than a few rows, if no row ends with an empty cell, which such a
    program never writes, and each early end is seen to stand in its own column (:func:`_ends_in_place`).
    """
    last = max(_filled(header), default=-1)
    short = [(number, row) for number, row in body if len(row) <= last]
    if not short:
        return []
    if not blanks:
        whole = [row for _, row in body if len(row) > last]
        habit = len(short) > FEW and all(row[-1] for _, row in body)
        if _in_blocks(header, body, at):
            return []
        if habit and _ends_in_place([row for _, row in short], whole):
            return [
                note(
                    "ragged",
                    f"{len(short)} rows end before the last heading; the cells that they lack are read as "
                    "empty",
                    "Check one of them: had a cell been left out in its middle, those behind it would stand "
                    "in wrong columns.",
                    row=short[0][0],
                )
            ]
    cells, columns = len(short[0][1]), last + 1
    raise Unreadable(
        f"this row has fewer cells than the header has columns, {cells} and not {columns}"
        + _as_later([number for number, _ in short]),
        "Between blanks an empty cell cannot be seen: write NA into every empty cell, or save the table with "
        "commas or tabs between the cells."
        if blanks
        else "Write a separator for every empty cell too, in the middle of the row and at its end; delete a "
        "row that is no row of the table.",
        short[0][0],
    )


def _as_later(rows: list[int]) -> str:
    """How many rows are like the first of them."""
    return f", as {len(rows) - 1} later row{'s do' if len(rows) > 2 else ' does'}" if len(rows) > 1 else ""


def _in_blocks(header: list[str], body: list[tuple[int, list[str]]], at: int) -> bool:
    """Whether rows differ in length only as Excel writes them: alike in each block, counted from the first
    row of the file. A block of a single row shows nothing.
    """
    blocks: dict[int, list[int]] = {}
    for number, row in [(at, header), *body]:
        blocks.setdefault((number - 1) // BLOCK, []).append(len(row))
    return all(
        len(set(lengths)) == 1 and (len(lengths) > 1 or lengths[0] == len(header))
        for lengths in blocks.values()
    )


def _ends_in_place(short: list[list[str]], whole: list[list[str]]) -> bool:
    """Whether the last cell of each row that ends early belongs to the column that it stands in, and to no
    later one.

    If a cell were left out before it, it would be one of a later column. It is none if it is a word that
    whole rows have in its own column and in no later one, or if it is a number, as in its own column, and
    later columns hold only words (or the other way round).
    """
    for length in {len(row) for row in short}:
        own = {row[length - 1] for row in whole} - {""}
        later = {cell for row in whole for cell in row[length:]} - {""}
        kinds, others = ({bool(DIGITS.fullmatch(cell)) for cell in cells} for cells in (own, later))
        for end in {row[-1] for row in short if len(row) == length}:
            number = bool(DIGITS.fullmatch(end))
            said = not number and end in own and end not in later
            if not said and not (kinds == {number} and others == {not number}):
                return False
    return True
