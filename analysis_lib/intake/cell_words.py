"""What the words of a file's cells are in the data dictionary, and which of them must not be guessed."""

from __future__ import annotations

import re

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import columns
from analysis_lib.intake import pairs, values

# what Excel leaves of a formula without a result
BROKEN_CELL = (
    r"#(?:REF!|VALUE!|NAME\?|DIV/0!|NUM!|N/A|SPILL!|CALC!|FIELD!|GETTING_DATA"
    r"|NV|BEZUG!|WERT!|ZAHL!|NOMBRE\?|NOM\?|VALEUR!)|Err:[0-9]{3}|=.*"
)
# a number, a day or an identifier, as 12.5, 2021-03-28, 28.03.2021 or MRN-48213; none means "not known"
UNDOUBTED = re.compile(r"(?:[A-Z]+-)?[A-Z]*[0-9]+(?:[-./][0-9]+)*")
# Words that say "no" or "zero" in one file and "not known" in another: asked for where both are answers.
NONE = ("none", "nil", "-", "–", "null")
NOT_DETECTED = ("nd", "n/d")
# In a moment an empty cell says that it did not happen; these words do not say that.
UNKNOWN = ("unknown", "not known", "missing", "not available", "unbekannt", "?", *NOT_DETECTED)
ALWAYS_SEEN = "first_assessment_day"  # a moment that empty says nothing of


def in_our_words(
    name: str,
    column: str,
    cells: pd.Series,
    words: dict[str, str],
    schema: pa.DataFrameSchema,
    problems: list[dict],
) -> pd.Series:
    """The cells of a column in the words of the dictionary; what stands for "not known" is missing.

    ``words`` are those of ``values:``. A word translated to nothing means "not known"; nothing that is
    translated says what an empty cell means (``"": no``).
    """
    allowed = _levels(name, column, schema)
    if not words and _as_they_are(cells, allowed):
        return cells
    if turned := _other_way_round(name, column, words, allowed):
        problems += turned
        words = {word: level for level, word in words.items()}  # so that nothing else is said of it
    broken = cells.str.fullmatch(BROKEN_CELL, flags=re.S).fillna(False).astype(bool) & ~cells.isin(words)
    problems += [
        problem(
            name,
            "this cell holds a formula without a result",
            "Let Excel calculate it and save, or write the value."
            if cells[row] not in ("#N/A", "#NV")
            else f'If it means "not known", say so in cohort.yml: `values: {{{name}: {{{column}: '
            f'{{"{cells[row]}": ""}}}}}}`.',
            row=row,
            field=column,
            value=cells[row],
        )
        for row in cells.index[broken]
    ]
    cells = cells.mask(broken)
    if untold := _codes_of_no_and_yes(name, column, cells, words, allowed):
        problems += untold
        cells = cells.mask(cells.isin(("1", "2", "1.0", "2.0")) & ~cells.isin(words))
    meant = values.translate(cells, words)
    untouched = (meant == cells).fillna(True)
    doubtful = untouched & cells.str.lower().isin(_doubtful(name, column, schema)).fillna(False)
    if cells.eq("+").any():
        doubtful &= ~cells.isin(("-", "–"))
    asked = _asked_of_moments if _happens(column, schema) else _asked
    problems += asked(name, column, cells[doubtful], f"{allowed[-1]}" if allowed else "0")
    # a hospital may declare a level that elsewhere means "not known"
    said = values.levels(cells, allowed).isin(allowed)
    meant = meant.mask(values.empty(cells) & untouched & ~said).mask(meant == "").mask(doubtful)
    if "" in words:
        meant = meant.fillna(words[""]).mask(~cells.isna() & meant.isna())
    return values.levels(meant, tuple(allowed)) if allowed else meant


def _asked(name: str, column: str, doubtful: pd.Series, meaning: str) -> list[dict]:
    """What is asked of words that could be an answer as well as the lack of one."""
    return [
        problem(
            name,
            f'this can mean {meaning}, or "not known"',
            f'Say which in cohort.yml: `values: {{{name}: {{{column}: {{"{said}": {meaning}}}}}}}`, '
            f'or `{{"{said}": ""}}` for "not known".',
            row=row,
            field=column,
            value=said,
        )
        for row, said in doubtful.items()
    ]


def _asked_of_moments(name: str, column: str, doubtful: pd.Series, _: str) -> list[dict]:
    """What is asked where a moment is said not to be known, as an empty cell says that it did not happen."""
    return [
        problem(
            name,
            "it does not say whether this happened; an empty cell says that it did not",
            "Write the best estimate of the day. Or let it count as not happened, and say so in cohort.yml: "
            f'`values: {{{name}: {{{column}: {{"{said}": ""}}}}}}`.',
            row=row,
            field=column,
            value=said,
        )
        for row, said in doubtful.items()
    ]


def _happens(column: str, schema: pa.DataFrameSchema) -> bool:
    """Whether a column is of moments that may not have happened."""
    day = re.sub("_date$", "_day", column)
    if day not in schema.columns:
        return column in pairs.DEATH
    declared = schema.columns[day]
    return declared.metadata["kind"] == "day" and not declared.required and day != ALWAYS_SEEN


def _codes_of_no_and_yes(
    name: str, column: str, cells: pd.Series, words: dict[str, str], allowed: tuple[str, ...]
) -> list[dict]:
    """The question that codes 1 and 2 raise where yes or no is meant: beside a 2, a 1 is no sure yes."""
    said = set(cells.dropna().str.removesuffix(".0"))
    declared = {word.strip().removesuffix(".0") for word in words}
    if tuple(allowed) != columns.YES_NO or not {"1", "2"} <= said or "0" in said or {"1", "2"} <= declared:
        return []
    return [
        problem(
            name,
            pairs.CODES,
            f'Say it of both in cohort.yml, as in `values: {{{name}: {{{column}: {{"1": yes or no, '
            f'"2": yes or no}}}}}}`.',
            field=column,
        )
    ]


def _as_they_are(cells: pd.Series, allowed: tuple[str, ...]) -> bool:
    """Whether no cell needs a look: levels as the dictionary writes them, or numbers and identifiers."""
    said = cells.dropna().unique()
    return set(said) <= set(allowed) if allowed else all(map(UNDOUBTED.fullmatch, said))


def _levels(name: str, column: str, schema: pa.DataFrameSchema) -> tuple[str, ...]:
    if column in schema.columns:
        return tuple(schema.columns[column].metadata["levels"] or ())
    return columns.YES_NO if column in pairs.event_columns(name, schema) else ()


def _doubtful(name: str, column: str, schema: pa.DataFrameSchema) -> tuple[str, ...]:
    """Words of a column that could be an answer as well as the lack of one."""
    if _happens(column, schema):
        return UNKNOWN
    if column not in schema.columns:
        return NONE if column in pairs.event_columns(name, schema) else ()
    meta = schema.columns[column].metadata
    if tuple(meta["levels"] or ()) == columns.YES_NO or meta["kind"] == "count":
        return NONE
    return (*NONE, *NOT_DETECTED) if "negative" in (meta["levels"] or ()) else ()


def _other_way_round(name: str, column: str, words: dict[str, str], allowed: tuple[str, ...]) -> list[dict]:
    """Entries of ``values:`` that name the level first."""
    if (
        not words
        or not allowed
        or not all(word in allowed for word in words)
        or any(level in allowed for level in words.values())
    ):
        return []
    first = next(iter(words))
    return [
        problem(
            name,
            "the entries under `values:` stand the other way round",
            f'Write the word of the file first: `{{"{words[first]}": {first}}}`.',
            field=column,
        )
    ]
