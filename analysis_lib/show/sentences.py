"""Sentences built from result rows: a template that names the rows, and nothing where one is missing."""

from __future__ import annotations

import re

import pandas as pd
from IPython.display import Markdown, display

from analysis_lib.cohort import disclosure
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.rows.results import STATISTICS
from analysis_lib.rows.rounding import UNDEFINED
from analysis_lib.show.notes import TOO_SMALL, skip
from analysis_lib.show.numbers import counted, estimate, full, limits, n_percent, one_limit, share

FORMATS = {
    "": estimate,
    "full": full,
    "limits": lambda row: (
        limits(row)
        or (
            f"{STATISTICS[row['statistic']].limits} not shown"
            if results.hidden(row) or row["statistic"].startswith("range")
            else ""
        )
    ),
    "lower": lambda row: one_limit(row, "lower"),
    "upper": lambda row: one_limit(row, "upper"),
    "share": share,
    "n_percent": n_percent,
    "n": lambda row: counted(row, "n"),
    "events": lambda row: counted(row, "events"),
    "group": lambda row: row["group"],
    "method": lambda row: row["method"],
    "note": lambda row: row["note"].removeprefix("small numbers, "),
    "verdict": lambda row: (
        row["note"] or UNDEFINED
        if pd.isna(row["value"])
        else "a difference that chance alone would rarely produce"
        if row["value"] < 0.05
        else "no clear difference"
    ),
}

# formats that read well where a number is hidden
SAY_IT_IS_HIDDEN = ("share", "n_percent", "n", "events", "group")


def _unsaid(row: pd.Series, style: str) -> bool:
    """Whether a sentence would speak of a number that is hidden or does not exist ("a median of not
    estimable").
    """
    # a prediction interval has limits only
    told = row[style] if style in ("lower", "upper") else row["value"]
    if (
        pd.isna(told)
        and style in ("", "full", "limits", "lower", "upper")
        and row["statistic"] not in ("median time", "p", *disclosure.COUNTS)
    ):
        return True
    if style in ("share", "n_percent") and pd.isna(row["n"]):
        return True
    if style in SAY_IT_IS_HIDDEN or not results.hidden(row) or pd.notna(row["value"]):
        return False
    return style != "" or row["statistic"] not in disclosure.COUNTS


def sentence(rows: pd.DataFrame, template: str) -> str:
    """Fill ``{result_id}`` or ``{result_id:format}`` from rows; empty when a row that it names is absent or
    hidden.

    Formats: none (value), ``full`` (value and limits), ``limits``, ``lower``, ``upper``, ``share`` (a of b,
    percent), ``n_percent`` (a and percent with one decimal, as in Table 1), ``n``, ``events``, ``group``,
    ``method``, ``note``, ``verdict`` (a P value in words).
    """
    require(rows)
    by_id = rows.set_index("result_id")
    fields = re.findall(r"\{([^{}:]+)(?::(\w+))?\}", template)
    if any(name not in by_id.index or _unsaid(by_id.loc[name], style) for name, style in fields):
        return ""
    filled = template
    for name, style in fields:
        shown = FORMATS[style](by_id.loc[name])
        filled = filled.replace("{" + name + (f":{style}" if style else "") + "}", shown, 1)
    filled = filled.replace(" ()", "")  # a test that was not done has no method
    if re.search(r"fewer than \d+ of fewer than", filled):
        return ""
    return filled[:1].upper() + filled[1:] if filled.startswith(("fewer than", "all but fewer")) else filled


def say(rows: pd.DataFrame, *templates: str) -> None:
    """Show sentences built from rows as one paragraph; sentences about absent rows are left out."""
    require(rows)
    if reason := results.skip_reason(rows):
        return skip(reason)
    said = " ".join(filter(None, (sentence(rows, template) for template in templates)))
    if said:
        display(Markdown(said))
    elif any(results.hidden(row) for _, row in rows.iterrows()):
        skip(TOO_SMALL)
    else:
        skip("the numbers it would speak of do not exist in this cohort")
