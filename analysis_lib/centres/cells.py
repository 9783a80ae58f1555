"""``rows.csv`` of another centre's export, cell by cell: what no export could hold is refused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis_lib.centres.exchange import COLUMNS, COUNTS, NUMBERS
from analysis_lib.centres.schema import CHAPTER, MOST_TOLD, quoted, shows
from analysis_lib.cohort.endpoints import ENDPOINTS
from analysis_lib.dictionary.words import listed
from analysis_lib.files import spreadsheet
from analysis_lib.rows import results

MOST_ROWS = 20_000  # all chapters of a cohort have about 2,000
# Characters of a cell; a number as Python writes it has 24 at most.
LONGEST_CELL = {"result_id": 200, "chapter": 60, "statistic": 60, "by": 60} | dict.fromkeys(
    NUMBERS + COUNTS, 30
)
LONGEST_WORDS = 2000
COLUMN = r"([a-z][a-z0-9_]*)?"
NUMBER = r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?"
SHARES = ("proportion", "rate")
ORDERED = (*SHARES, "hazard ratio", "odds ratio", "median time")  # lower limit, value, upper limit
MOST, MOST_COUNTED = 1e15, 10_000_000  # a number; a number of patients, sites or events


def read_rows(content: bytes, problems: list[str]) -> pd.DataFrame | None:
    """The result rows of an export; ``None``, with everything that is wrong added to ``problems``, if they
    are none.
    """
    cells = _cells(content, problems)
    if cells is None:
        return None
    wrong = _wrong_cells(cells)
    for line, column, concern in wrong[:MOST_TOLD]:
        problems.append(f"rows.csv, line {line + 2}, {column} = {quoted(cells.loc[line, column])}: {concern}")
    if len(wrong) > MOST_TOLD:
        problems.append(f"rows.csv has {len(wrong) - MOST_TOLD} more such cells")
    if wrong:
        return None
    words = [column for column in results.COLUMNS if column not in NUMBERS + COUNTS]
    plain = cells.assign(**{column: cells[column].map(spreadsheet.as_was) for column in words})
    numbers = {column: pd.to_numeric(plain[column].replace("", None)) for column in NUMBERS + COUNTS}
    return results.collect([plain.assign(**numbers)])


def _cells(content: bytes, problems: list[str]) -> pd.DataFrame | None:
    """The table as text; ``None``, with the reason added to ``problems``, if it is none of an export."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        heads = next(reader, [])
        lines: list[list[str]] = []
        for line in reader if set(heads) == set(COLUMNS) else ():
            if len(line) != len(COLUMNS):
                raise ValueError(line)
            if len(lines) == MOST_ROWS:
                problems.append(f"rows.csv has more than {MOST_ROWS} rows, which no export has")
                return None
            lines.append(line)
    except (ValueError, csv.Error):
        heads = []
    if not heads:
        problems.append("rows.csv cannot be read as a table of results")
    elif unknown := [column for column in heads if column not in COLUMNS]:
        problems.append(f"rows.csv has a column {quoted(unknown[0])}, which no export has")
    elif absent := [column for column in COLUMNS if column not in heads]:
        problems.append(f"rows.csv has no column {listed(absent)}")
    elif len(heads) > len(COLUMNS):
        problems.append("rows.csv has a column twice")
    else:
        return pd.DataFrame(lines, columns=heads, dtype=object)
    return None


def _wrong_cells(cells: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Line, column and what is wrong, for every cell that no export could hold.

    Long because it is a list: one way to be wrong after the other.
    """
    wrong: list[tuple[int, str, str]] = []
    words = {column: cells[column].tolist() for column in cells}
    numbers = {column: _numbers(words[column]) for column in NUMBERS + COUNTS}

    def note(where: Iterable[bool], column: str, concern: str) -> None:
        wrong.extend((line, column, concern) for line, odd in enumerate(where) if odd)

    for column, said in words.items():
        longest = LONGEST_CELL.get(column, LONGEST_WORDS)
        note((len(cell) > longest for cell in said), column, f"this is longer than {longest} characters")
        note(
            (not shows(cell) for cell in said),
            column,
            "there are control characters in it, or others that do not show",
        )
    note(
        (not re.fullmatch(CHAPTER, name) for name in words["chapter"]),
        "chapter",
        "this is not the name of a chapter",
    )
    note(
        (name != results.slug(name) or not name for name in words["result_id"]),
        "result_id",
        "this is not the name of a result",
    )
    note(cells["result_id"].duplicated(), "result_id", "this result stands there twice")
    note(
        (name not in results.STATISTICS for name in words["statistic"]),
        "statistic",
        "there is no such statistic",
    )
    note(
        (name not in ("", *ENDPOINTS) for name in words["endpoint"]), "endpoint", "there is no such endpoint"
    )
    note((not re.fullmatch(COLUMN, name) for name in words["by"]), "by", "this is not the name of a column")
    for column, number in numbers.items():
        given = np.array([cell != "" for cell in words[column]], dtype=bool)
        note(given & ~(abs(number) <= MOST), column, "this is not a finite number, or one far too large")
        if column in COUNTS:
            with np.errstate(invalid="ignore"):  # the rest of infinity
                broken = number % 1 > 0
            note(
                (number < 0) | broken | (number > MOST_COUNTED),
                column,
                "this is not a number of patients, sites or events",
            )
    ordered, share = (
        np.array([name in kinds for name in words["statistic"]], dtype=bool) for kinds in (ORDERED, SHARES)
    )
    note(ordered & (numbers["lower"] > numbers["upper"]), "lower", "the lower limit is above the upper one")
    note(
        ordered & (numbers["value"] < numbers["lower"] - 1e-9), "value", "the value is below its lower limit"
    )
    note(
        ordered & (numbers["value"] > numbers["upper"] + 1e-9), "value", "the value is above its upper limit"
    )
    for column in NUMBERS:
        note(ordered & (numbers[column] < 0), column, "this cannot be negative")
        note(share & (numbers[column] > 100 + 1e-9), column, "a share cannot exceed 100 percent")
    note(share & (numbers["events"] > numbers["n"]), "events", "there are more events than n")
    return sorted(wrong)


def _numbers(cells: list[str]) -> np.ndarray:
    """What the cells of a column say as numbers; ``nan`` where one says none."""
    plain = np.array([cell if re.fullmatch(NUMBER, cell) else None for cell in cells], dtype=object)
    return np.asarray(pd.to_numeric(plain, errors="coerce"), dtype=float)
