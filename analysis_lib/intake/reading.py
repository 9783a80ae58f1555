"""Files as hospitals keep them, read as frames of text: whatever the format, the encoding or the separator.

Every cell comes out as trimmed text or missing; the index is the row of the file as a spreadsheet shows it
(the header is row 1), so that a message can name it. Nothing is interpreted here: numbers, dates and words
are read by :mod:`analysis_lib.intake.values`, once it is known what a column means. No file is ever written
to.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from pathlib import Path

import charset_normalizer
import pandas as pd
import pyarrow.parquet

from analysis_lib.dictionary.words import CONTROL
from analysis_lib.intake import statistics_files, workbooks
from analysis_lib.intake.finding import SAVE_AS_TEXT, SUFFIXES, TEXT_SUFFIXES, content, found, split_sheet
from analysis_lib.intake.raw import Unreadable, as_text, framed, heading_row, month_only, within_limits

__all__ = [
    "CONTROL",
    "SUFFIXES",
    "Unreadable",
    "as_text",
    "decode",
    "read_table",
    "sheet_names",
    "split_sheet",
]

SEPARATORS = "\t;|,"  # where two fit equally well the first is taken: commas also stand in numbers and words
CODE_PAGES = [
    "cp1252",
    "cp1250",
    "cp1254",
    "cp1251",
    "mac_roman",
    "cp850",
]  # where several fit, the first is taken
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
PADDING = b"\0\x1a"  # what old programs leave at the end of a text


def read_table(folder: Path, file: str) -> pd.DataFrame:
    """Read a table as text.

    Parameters
    ----------
    folder : Path
        The folder that ``file`` is relative to.
    file : str
        One of :data:`SUFFIXES`; ``book.xlsx#Sheet`` chooses a sheet by its name (without: the first that is
        not hidden).

    Returns
    -------
    pandas.DataFrame
        Columns of dtype ``string``, empty cells missing, rows without any text dropped; the index is the row
        of the file. Two columns may carry one name. ``attrs`` holds the ``separator`` of a text file, the
        other ``sheets`` of a workbook whose first was read, the ``codes`` below labels, and ``notes`` on how
        it was read (:func:`analysis_lib.intake.raw.note`).

    Raises
    ------
    Unreadable
        With what is wrong and what to do.
    """
    file, sheet = split_sheet(folder, file)
    if not file:
        raise Unreadable("no file is named", "Write its name, such as `tables: {patients: patients.csv}`.")
    path = found(folder / file)
    data, suffix = content(path), path.suffix.lower()
    if suffix in workbooks.SUFFIXES:
        rows, others, notes = workbooks.read_workbook(data, suffix, sheet)
        frame = framed(rows)
        frame.attrs |= {"sheets": others, "notes": frame.attrs["notes"] + notes}
        return frame
    if sheet:
        raise Unreadable("only a workbook has sheets", "Leave out what follows the #.")
    if suffix == ".parquet":
        return _parquet(data)
    if suffix in TEXT_SUFFIXES:
        return _delimited(data)
    rows, codes, months = statistics_files.read_statistics(path, suffix)
    frame = framed(rows)
    frame.attrs |= {"codes": codes, "notes": frame.attrs["notes"] + list(map(month_only, months))}
    return frame


def sheet_names(path: Path) -> list[str]:
    """The sheets of a workbook that are not hidden; none for a file of another kind."""
    path = found(path)
    return (
        workbooks.sheet_names(content(path), path.suffix.lower())
        if path.suffix.lower() in workbooks.SUFFIXES
        else []
    )


# --- text files -----------------------------------------------------------------------------------


def _delimited(data: bytes) -> pd.DataFrame:
    text = decode(data)
    _no_line_in_quotes(text)
    declared = re.match(r"sep=(.)\r?\n", text)  # how Excel names the separator
    separator = declared[1] if declared else _separator(text)
    if separator == " ":  # blanks that fill up a line are no empty cell at its end
        text = re.sub(r" +(?=\r?\n|\r|\Z)", "", text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    rows, cells = [], 0
    one: dict[str, str] = {}  # equal cells are one text in memory
    try:
        for row in reader:
            cells += len(row)
            within_limits(len(row), cells)
            rows.append([one.setdefault(cell, cell) for cell in row])
    except csv.Error as error:
        raise Unreadable(
            f"a quotation mark is not closed, or stands in the middle of a cell ({error})",
            "Correct the quotation marks in that line.",
            reader.line_num,
        ) from None
    if declared:
        rows[0] = []
    _none_swallowed(rows, separator)
    # R puts its names of rows in quotation marks; a tab or a semicolon hardly ever stands in a cell.
    quoted = separator != "," or bool(
        re.search(r'^"[^"]*",', text.partition("\n")[2]) and text.startswith('"')
    )
    frame = framed(rows, delimited=True, quoted=quoted, blanks=separator == " ")
    frame.attrs["separator"] = separator
    return frame


def _no_line_in_quotes(text: str) -> None:
    """Stop where each line is one cell: a program took a file of text for a column, and quoted its lines."""
    lines = [line for line in text[:200_000].splitlines()[:50] if line.strip()]
    whole = [line for line in lines if re.fullmatch('"(?:[^"]|"")*[,;\t|](?:[^"]|"")*"', line.strip())]
    if len(lines) > 1 and len(whole) == len(lines):
        raise Unreadable(
            "each line stands in quotation marks as a whole, and so is a single cell",
            "Save the table again from the program that wrote it, or delete the quotation marks at both ends "
            "of every line.",
        )


def _none_swallowed(rows: list[list[str]], separator: str) -> None:
    """Stop at a cell with a whole row of the table in it: two stray quotation marks make one cell of all that
    stands between them.

    A remark of several lines is none, even with as many separators as the header: what stands between them
    does not look like the columns of the table (:func:`_shape`), neither the first nor half of all.
    """
    broken = [
        (number, place)
        for number, row in enumerate(rows, 1)
        for place, cell in enumerate(row)
        if "\n" in cell or "\r" in cell
    ]
    if not broken:
        return
    at = heading_row(rows)
    width = len(rows[at - 1])
    shapes: list[set[str]] = [set() for _ in range(width)]
    for row in rows[at:]:
        for column, cell in zip(shapes, row):
            column.add(_shape(cell))
    for number, place in broken:
        row = rows[number - 1]
        lines = row[place].splitlines()
        for count, line in enumerate(lines[1:], 2):
            # behind the last line stand the further cells of its row
            cells = line.split(separator) + (row[place + 1 :] if count == len(lines) else [])
            if len(cells) != width or width < 2 or number <= at or not cells[0].strip():
                continue
            alike = [_shape(cell) in column for cell, column in zip(cells, shapes)]
            if alike[0] and sum(alike) >= width / 2:
                raise Unreadable(
                    f"line {count} of a cell that begins in this row looks like a row of its own",
                    "Delete the stray quotation mark in this row, and the one that ends the cell in a later "
                    "row: all rows between them would be lost.",
                    number,
                )


def _shape(cell: str) -> str:
    """A cell with its numbers and words as one sign each: ``P12`` and ``B7`` have one shape."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip()))


def decode(data: bytes) -> str:
    """Text of a file whose encoding nobody declared.

    A byte-order mark is believed, and the zeros at the end of a block are no text. What is valid UTF-8 is
    UTF-8; otherwise the code page is taken that charset-normalizer finds least implausible, Western Europe's
    first.

    Raises
    ------
    Unreadable
        When no encoding gives text.
    """
    mark = next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), None)
    if b"\0" not in (
        bare := data.rstrip(PADDING)
    ):  # else it is UTF-16, in which a letter may end with a zero
        data = bare
    zeros = [
        data[:2000][start::2].count(0) for start in (0, 1)
    ]  # Western text in UTF-16 has every other byte zero
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
        if not CONTROL.search(text := text.rstrip(PADDING.decode())):
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
    """The separator with which the first rows agree best with the header, or with each other below R's
    shorter header.

    Blanks, which R's ``write.table`` writes, are only thought of where nothing else parts the cells.
    """
    start = text[:200_000]

    def fit(separator: str) -> tuple[bool, int]:
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=separator, skipinitialspace=True)
        try:
            widths = [len(row) for row in itertools.islice(reader, 50) if row]
        except csv.Error:
            return False, 0
        widths = widths[:-1] if len(start) < len(text) and len(widths) > 1 else widths
        widths = list(itertools.dropwhile(lambda width: width < 2, widths))  # a title holds no separator
        if not widths:
            return False, 0
        agree = max(
            sum(width == usual for width in widths) for usual in (widths[0], widths[0] + 1)
        ) >= 0.8 * len(widths)
        return (agree, widths[0]) if widths[0] > 1 or separator == " " else (False, 0)

    best = max(SEPARATORS, key=fit)
    return " " if fit(best) == (False, 0) and fit(" ")[0] else best


# --- Parquet --------------------------------------------------------------------------------------


def _parquet(data: bytes) -> pd.DataFrame:
    try:
        about = pyarrow.parquet.read_metadata(io.BytesIO(data))
        within_limits(about.num_columns, about.num_columns * about.num_rows)
        # Without pandas' own notes an index that was written is a column like any other.
        frame = pyarrow.parquet.read_table(io.BytesIO(data)).to_pandas(ignore_metadata=True)
        rows = [[as_text(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    except Unreadable:
        raise
    except Exception as error:  # as for workbooks
        raise Unreadable(
            f"this is not a readable Parquet file ({type(error).__name__})", SAVE_AS_TEXT
        ) from None
    return framed([[str(column) for column in frame.columns], *rows])
