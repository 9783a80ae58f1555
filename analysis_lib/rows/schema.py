"""What a frame of result rows is: its columns, and what must hold of every row.

The schema is checked where rows are written to files and read from them (:func:`checked`). Checking takes
milliseconds, so the hundreds of small frames that analyses put together on the way are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

RULE = "min_cell_count"  # last column of files of rows: the disclosure rule that they have passed
MOST_TOLD = 10  # problems in a message


@dataclass(frozen=True)
class Statistic:
    """What the numbers of a row mean: unit, decimals in text, and what ``lower`` and ``upper`` are."""

    meaning: str
    unit: str = ""
    decimals: int = 1
    limits: str = "95% CI"


STATISTICS = {
    "count": Statistic("a number of patients, sites or events", decimals=0),
    "proportion": Statistic("events out of n, in percent", "%", 0),
    "median time": Statistic("Kaplan-Meier median; empty when not reached", "months", 1),
    "restricted mean": Statistic(
        "mean time without the event up to a limit, or a difference of such means", "months", 1
    ),
    "rate": Statistic("Kaplan-Meier estimate at a time, in percent", "%", 0),
    "rate difference": Statistic("difference of two such estimates", "percentage points", 0),
    "at risk": Statistic("number with a time of at least the tick", decimals=0),
    "median": Statistic("median of observed values; limits are the quartiles", "", 1, "IQR"),
    "median months": Statistic("median of observed times; limits are the quartiles", "months", 1, "IQR"),
    "range": Statistic("median of observed values; limits are the smallest and largest", "", 1, "range"),
    "range months": Statistic(
        "median of observed times; limits are the smallest and largest", "months", 1, "range"
    ),
    "range dose": Statistic(
        "median of observed doses; limits are the smallest and largest", "Gy", 1, "range"
    ),
    "hazard ratio": Statistic("ratio of hazards", "", 2),
    "odds ratio": Statistic("ratio of odds", "", 2),
    "heterogeneity": Statistic(
        "I squared: variation between series beyond chance, in percent of all variation", "%", 0
    ),
    "part": Statistic("a part of a whole that is not counted, in percent", "%", 0),
    "p": Statistic("two-sided P value; value of the test statistic in note", decimals=3),
    "expected": Statistic("an expected number, or a number for each of several", decimals=1),
    "probability": Statistic(
        "a chance that somebody would believe in or a model predicts, in percent", "%", 0
    ),
    "gain": Statistic("by how much better than without, in percent", "%", 1),
    "estimate": Statistic("another number, named by its result_id", "", 2),
    "skipped": Statistic("nothing was computed; note says why"),
}


def slug(*parts: object) -> str:
    """Join words to a dotted slug: lower-case letters, digits, underscores and hyphens between the dots."""
    joined = ".".join(map(str, parts)).lower()
    for symbol, word in {"≥": "ge", "≤": "le", "<": "lt", ">": "gt", "+": "plus"}.items():
        joined = joined.replace(symbol, word)
    return ".".join(re.sub(r"[^a-z0-9_-]+", "_", piece).strip("_") for piece in joined.split("."))


def _in_order(low: str, high: str) -> pa.Check:
    """That one number of a row is not above the other, as far as both exist and floats tell them apart."""

    def in_order(rows: pd.DataFrame) -> pd.Series:
        lower, upper = (rows[each].to_numpy(dtype=float, na_value=np.nan) for each in (low, high))
        slack = 1e-9 * np.fmax(np.fmax(abs(lower), abs(upper)), 1)
        return pd.Series(~(lower > upper + slack), rows.index)

    return pa.Check(in_order, error=f"{low} is above {high}")


def _words(*checks: pa.Check) -> pa.Column:
    text = pa.Check(lambda words: words.map(lambda each: isinstance(each, str)), error="is no text")
    return pa.Column(object, [text, *checks])


def _number(kind: str, *checks: pa.Check) -> pa.Column:
    return pa.Column(kind, list(checks), nullable=True)


_IS_SLUG = pa.Check(lambda ids: ids.map(slug) == ids, error="is not a dotted slug")
_ONCE = pa.Check(lambda ids: ~ids.duplicated(), error="names two rows")
_KNOWN = pa.Check(lambda kinds: kinds.isin(STATISTICS), error=f"is none of {', '.join(STATISTICS)}")
_COUNTS = pa.Check.ge(0, error="is negative")
SCHEMA = pa.DataFrameSchema(
    {
        "result_id": _words(_IS_SLUG, _ONCE),
        "population": _words(),
        "group": _words(),
        "statistic": _words(_KNOWN),
        "value": _number("Float64"),
        "lower": _number("Float64"),
        "upper": _number("Float64"),
        "n": _number("Int64", _COUNTS),
        "events": _number("Int64", _COUNTS),
        "method": _words(),
        "note": _words(),
        "endpoint": _words(),
        "by": _words(),
        "level": _words(),
    },
    checks=[_in_order("lower", "value"), _in_order("value", "upper"), _in_order("lower", "upper")],
    strict=True,
    ordered=True,
)
COLUMNS = list(SCHEMA.columns)
ABOUT = COLUMNS[-3:]  # what a row is about; empty where that has no meaning
WORDS = [name for name in COLUMNS if str(SCHEMA.columns[name].dtype) == "object"]


def checked(rows: pd.DataFrame, where: str = "") -> pd.DataFrame:
    """The rows, if they are result rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        With the columns :data:`COLUMNS`.
    where : str
        Name of the file that they stand in, for the message.

    Raises
    ------
    ValueError
        With what is wrong, naming row, column and value.
    """
    try:
        SCHEMA.validate(pd.DataFrame(rows), lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        of_cells = cases[cases["schema_context"] == "Column"]
        # where a cell is wrong, comparing it with others says nothing more
        found = of_cells if len(of_cells) else cases
        told = list(dict.fromkeys(_told(rows, case) for case in found.to_dict("records")))
        more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        raise ValueError(
            f"{where or 'This frame'} holds no result rows: {'; '.join(told[:MOST_TOLD] + more)}"
        ) from None
    return rows


def _told(rows: pd.DataFrame, case: dict) -> str:
    """One failure in words: ``os1.median: events = -1 is negative``."""
    check, column = str(case["check"]), case["column"]
    if check == "column_in_dataframe":
        return f"there is no column {case['failure_case']}"
    if check == "column_in_schema":
        return f"there is a column {case['failure_case']}, which they do not have"
    if check.startswith("dtype"):
        wanted = SCHEMA.columns[column].dtype
        return f"the column {column} is of the type {case['failure_case']}, not {wanted}"
    if pd.isna(case["index"]):
        return f"{check}: {case['failure_case']}"
    row = rows.loc[case["index"]]
    if " is above " in check:
        low, _, high = check.partition(" is above ")
        return f"{row['result_id']}: {check} ({row[low]} and {row[high]})"
    return f"{row['result_id']}: {column} = {row[column]} {check.replace('not_nullable', 'is no text')}"
