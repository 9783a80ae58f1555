"""Sentences built from result rows: a template that names the rows, and nothing where one is missing."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import Markdown, display

from analysis_lib.cohort import disclosure
from analysis_lib.dictionary.words import within
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.rows.results import STATISTICS
from analysis_lib.rows.rounding import number
from analysis_lib.show.notes import NO_NUMBERS, TOO_SMALL, skip
from analysis_lib.show.numbers import counted, estimate, full, limits, n_percent, one_limit, share


def _inert(words: str) -> str:
    """Words of a row, which may be a hospital's own, for Markdown: none of them is emphasis, a link or a
    tag.
    """
    return re.sub(r"([*_\[\]`~]|<(?=[A-Za-z/!?]))", r"\\\1", words)


def _note(row: pd.Series) -> str:
    """What a row notes about itself, for a sentence that says the rest ("small numbers, ...")."""
    return _inert(row["note"].removeprefix("small numbers, "))


FORMATS = {
    "": estimate,
    "rounded": lambda row: number(row["value"], 1),
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
    "group": lambda row: _inert(row["group"]),
    "named": lambda row: _inert(within(row["group"])),
    "population": lambda row: _inert(row["population"]),
    "method": lambda row: methods.printed(row["method"]),
    "note": _note,
    "uncorrected": lambda row: _note(row).removesuffix(" before correction"),
}

# two numbers of one unit, which is said once
UNIT_TWICE = re.compile(r"(?<![\w.])([−\d.]+) (percentage points|months) (to|and) ([−\d.]+) \2\b")

# formats that read well where a number is hidden
SAY_IT_IS_HIDDEN = ("share", "n_percent", "n", "events", "group", "named")


def _unsaid(row: pd.Series, style: str) -> bool:
    """Whether a sentence would speak of a number that is hidden or does not exist ("a median of not
    estimable").
    """
    # a prediction interval has limits only
    told = row[style] if style in ("lower", "upper") else row["value"]
    if (
        pd.isna(told)
        and style in ("", "rounded", "full", "limits", "lower", "upper")
        and row["statistic"] not in ("median time", *disclosure.COUNTS)
        and not (row["statistic"] == "p" and results.hidden(row))
    ):
        return True
    if style in ("share", "n_percent") and (pd.isna(row["n"]) or row["n"] <= 1):  # one of one is no share
        return True
    if (
        style == "limits" and pd.notna(row["n"]) and row["n"] == 1 and not FORMATS[style](row)
    ):  # nor has one value a range
        return True
    if style in SAY_IT_IS_HIDDEN or not results.hidden(row) or pd.notna(row["value"]):
        return False
    return style != "" or row["statistic"] not in disclosure.COUNTS


class _Filler(string.Formatter):
    """Fills a template: a field's name is the id of a row (dots and all), its format one of
    :data:`FORMATS`.
    """

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[pd.Series, str]:
        return kwargs["rows"].loc[field_name], field_name

    def format_field(self, value: pd.Series, format_spec: str) -> str:
        return FORMATS[format_spec](value)


def fields(template: str) -> list[tuple[str, str]]:
    """The ids that a template names, each with its format, in order.

    Raises
    ------
    ValueError
        When a format is none of :data:`FORMATS`, or braces do not hold an id.
    """
    try:
        found = [(name, style, as_) for _, name, style, as_ in string.Formatter().parse(template)]
    except ValueError as error:
        raise ValueError(f"This is no template: {template!r} ({error}).") from None
    named = [(name, style or "") for name, style, _ in found if name is not None]
    if any(not name for name, _ in named) or any(as_ for *_, as_ in found):
        raise ValueError(
            f"Braces hold a result_id, or result_id:format, but not in the template {template!r}."
        )
    if unknown := [f"{{{name}:{style}}}" for name, style in named if style not in FORMATS]:
        raise ValueError(
            f"There is no such format: {', '.join(unknown)}. There are {', '.join(filter(None, FORMATS))}."
        )
    return named


def literal(words: str) -> str:
    """Words as part of a template: braces in them name no row."""
    return words.replace("{", "{{").replace("}", "}}")


def sentence(rows: pd.DataFrame, template: str) -> str:
    """Fill ``{result_id}`` or ``{result_id:format}`` from rows; empty when a row that it names is absent or
    hidden.

    Formats: none (value), ``rounded`` (one decimal, no unit), ``full`` (value and limits), ``limits``,
    ``lower``, ``upper``, ``share`` (a of b, percent), ``n_percent`` (a and percent with one decimal, as in
    Table 1), ``n``, ``events``, ``group``, ``named`` (the group within a sentence: ``bulky disease``,
    ``tisa-cel against axi-cel``), ``population``, ``method``, ``note``, ``uncorrected`` (the P value that a
    note gives before correction). None turns a P value into words: what the data speak against is said by an
    interval. Another is an error; an id that no analysis can produce is found by
    ``tests/show/test_sentences.py``.
    """
    require(rows)
    by_id = rows.set_index("result_id")
    if any(name not in by_id.index or _unsaid(by_id.loc[name], style) for name, style in fields(template)):
        return ""
    filled = _Filler().vformat(template, (), {"rows": by_id})
    filled = filled.replace(" ()", "")  # a test that was not done has no method
    filled = UNIT_TWICE.sub(r"\1 \3 \4 \2", filled)
    if re.search(r"fewer than \d+ of fewer than", filled):
        return ""
    return filled[:1].upper() + filled[1:] if filled.startswith(("fewer than", "all but fewer")) else filled


def say(rows: pd.DataFrame, *templates: str | tuple[str, ...]) -> None:
    """Show sentences built from rows as one paragraph; sentences about absent rows are left out.

    Of several templates in a tuple, the first that can be said stands for all.
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return skip(reason)
    choices = ((each,) if isinstance(each, str) else each for each in templates)
    first = (next(filter(None, (sentence(rows, one) for one in each)), "") for each in choices)
    if said := " ".join(filter(None, first)):
        display(Markdown(said))
    elif any(results.hidden(row) for _, row in rows.iterrows()):
        skip(TOO_SMALL)
    else:
        skip(NO_NUMBERS)
