"""How alike a column of a hospital is to those of the dictionary: by its name and the kind of its content."""

from __future__ import annotations

import difflib
import re

import pandas as pd
from pandera.pandas import Column

from analysis_lib.dictionary.columns import INDEX_DATE, collected, day, yes_no
from analysis_lib.dictionary.units import ISO
from analysis_lib.dictionary.words import label_of
from analysis_lib.intake import pairs, values
from analysis_lib.intake.foreign_words import (
    COLUMN_WORDS,
    LEVEL_WORDS,
    MOMENT_WORDS,
    plain,
)
from analysis_lib.intake.sources import Source
from analysis_lib.intake.tables import file_columns

SURE, POSSIBLE, OWN = 0.84, 0.6, 2.0  # how alike a name must be; the dictionary's own name
LIKE = 0.75  # part of the letters that names must have in common in the same order

SHORTEST = 7  # letters of a name from which on one that is written almost alike is taken for it
FEW = 12  # more different values than this are not taken for levels
# Words that make the name of an event of the name of its time: pfs_event beside pfs_days.
EVENT_WORDS = frozenset(
    "event events evt status stat ind indicator flag yn ereignis evenement evento ev "
    "occurred happened".split()
)


def words_of(name: str) -> list[str]:
    """The words of a name, without those that only say that it is a date or a time."""
    words = plain(name).split()
    return [word for word in words if word not in MOMENT_WORDS] or words


def likeness(heading: list[str], words: list[str]) -> float:
    if set(heading) == set(words) or "".join(heading) == "".join(words):
        return 1.0
    if set(words) <= set(heading):
        return 0.7 + 0.2 * len(words) / len(heading)
    one, other = " ".join(heading), " ".join(words)
    shorter = min(len(one), len(other))
    if shorter / (len(one) + len(other)) <= LIKE / 2:
        return 0.0  # of names so unlike in length no letters in common make more
    ratio = difflib.SequenceMatcher(None, one, other).ratio()
    if ratio <= LIKE:
        return 0.0
    # Among short names one letter makes another word: cens is not cns.
    return min(ratio, POSSIBLE) if shorter < SHORTEST else ratio


def kinds_of(source: Source) -> dict[str, str]:
    """What each column holds (:func:`kind_of`)."""
    return {heading: kind_of(source.frame[heading]) for heading in source.frame}


def matches_of(source: Source, table: str, kinds: dict[str, str]) -> dict[str, list[tuple[str, float]]]:
    """For each column the columns of the dictionary that it may be, the likeliest first; ``kinds`` is what
    the columns hold, which is the same whatever table is asked for.
    """
    found: dict[str, list[tuple[str, float]]] = {}
    for heading in source.frame:
        if heading in file_columns(table):
            scores = {heading: OWN}
        elif heading == source.record:
            scores = {"patient_id": OWN - 0.1}
        else:
            scores = _scores(source, heading, table, kinds[heading])
        found[heading] = sorted(scores.items(), key=lambda pair: -pair[1])[:4]
    return _one_of_rivals(_with_moments(found))


def _scores(source: Source, heading: str, table: str, kind: str) -> dict[str, float]:
    """How well a column fits each of the dictionary by name and content, where it may be it at all."""
    called = [words_of(each) for each in (heading, source.labels.get(heading, "")) if each]
    if "___" in heading:  # a box to tick is called by its question and its own words, not by its number
        called = called[1:]
    cells, scores = source.frame[heading], {}
    for target, column in targets(table).items():
        base = re.sub("_(date|event)$", "", target)
        names = [words_of(word) for word in COLUMN_WORDS.get(base, "").split(",") if word.strip()]
        names += [words_of(base), words_of(label_of(target))]
        own = called
        if target.endswith("_event"):
            own = [[word for word in words if word not in EVENT_WORDS] for words in called]
        score = max((likeness(words, name) for words in own if words for name in names), default=0.0)
        if score:  # what is called otherwise need not be looked at
            score *= _fits(cells, kind, column)
        if score >= POSSIBLE:
            scores[target if kind == "date" else re.sub("_date$", "_day", target)] = round(score, 3)
    return scores


def _with_moments(found: dict[str, list[tuple[str, float]]]) -> dict[str, list[tuple[str, float]]]:
    """That something happened is read only where another column says when."""
    moments = {name for options in found.values() for name, _ in options if name.endswith(("_day", "_date"))}
    return {
        heading: [
            (name, score)
            for name, score in options
            if not name.endswith("_event")
            or score == OWN
            or {name.replace("_event", "_day"), name.replace("_event", "_date")} & moments
        ]
        for heading, options in found.items()
    }


def _one_of_rivals(found: dict[str, list[tuple[str, float]]]) -> dict[str, list[tuple[str, float]]]:
    """Of several columns that look like one of the dictionary only a clear one is sure."""
    for target in {name for options in found.values() for name, _ in options}:
        rivals = sorted(
            (
                (dict(options)[target], heading)
                for heading, options in found.items()
                if target in dict(options)
            ),
            reverse=True,
        )
        close = len(rivals) > 1 and rivals[0][0] < OWN - 0.1 and rivals[0][0] - rivals[1][0] < 0.05
        for _score, heading in rivals if close else rivals[1:]:
            found[heading] = sorted(
                (
                    (name, min(value, SURE - 0.01) if name == target else value)
                    for name, value in found[heading]
                ),
                key=lambda pair: -pair[1],
            )
    return found


def targets(table: str) -> dict:
    """What a column may be: those of the dictionary, the day of death, and what says whether a moment
    happened.
    """
    more = {"death_date": day("Death.")} if table == "patients" else {}
    return (
        collected(table)
        | more
        | {event: yes_no("Whether it happened.") for event in pairs.event_columns(table)}
    )


def kind_of(cells: pd.Series) -> str:
    """What a column of text holds: ``empty``, ``date``, ``number``, ``few`` (different values) or
    ``text``.
    """
    known = cells.dropna()
    if known.empty:
        return "empty"
    if date_formats(known):
        return "date"
    if values.numbers(known, values.decimal_marks(known)).notna().mean() > 0.95:
        return "number"
    return "few" if known.nunique() <= FEW and len(known) >= 2 * known.nunique() else "text"


def date_formats(cells: pd.Series) -> list[str]:
    """The formats in which every value is a date, ISO's first; none for plain numbers."""
    known = cells.dropna()
    if len(known) >= FEW and known.str.fullmatch("[0-9]{8}").all():
        return [
            each
            for each, digits in values.UNPARTED.items()
            if digits == 8 and values.dates(known, each).dt.year.between(1900, 2100).all()
        ]
    if known.empty or known.str.fullmatch(r"[0-9]+(\.[0-9]+)?").any():
        return []
    if not all(any(map(str.isdigit, cell)) for cell in known):
        return []  # every format has a day and a year in digits
    return ([ISO] if values.dates(known, ISO).notna().all() else []) + list(values.formats_that_fit(known))


def _fits(cells: pd.Series, kind: str, column: Column) -> float:
    """How well the content fits a column of the dictionary, from 0 to 1 and a little more when levels are
    recognised.
    """
    wanted, known = column.metadata["kind"], cells.dropna()
    if kind == "empty":
        return 0.8  # nothing confirms it
    if wanted in ("day", "count", "number"):
        return _fits_as_number(known, kind, column)
    if wanted == "text":
        return (
            1.0
            if kind != "date"
            and known.nunique() > 1
            and (known.nunique() > 0.5 * len(known) or not column.unique)
            else 0.0
        )
    if kind == "date" or known.nunique() > FEW:
        return 0.0
    recognised = sum(level_of(value, column) is not None for value in known.unique())
    if not recognised and known.nunique() > len(column.metadata["levels"]):
        return 0.8
    return 0.9 + 0.2 * recognised / known.nunique()


def _fits_as_number(known: pd.Series, kind: str, column: Column) -> float:
    """How well the content fits a moment or a number: 0 and 1 are no moments, and what the dictionary does
    not allow is not sure.
    """
    wanted = column.metadata["kind"]
    if kind == "date":
        return 1.0 if wanted == "day" else 0.0
    if kind != "number" or column is INDEX_DATE:
        return 0.0
    numbers = values.numbers(known, values.decimal_marks(known)).dropna()
    if wanted == "day" and numbers.isin([0, 1, 2]).all() and len(numbers) > 3:
        return 0.0
    limits: dict = next((check.statistics for check in column.checks if "min_value" in check.statistics), {})
    inside = numbers.between(
        limits.get("min_value", -values.LARGEST), limits.get("max_value", values.LARGEST)
    ).mean()
    whole = wanted != "count" or (numbers % 1 == 0).all()
    return 1.0 if inside > 0.9 and whole else 0.8


def level_of(value: str, column: Column) -> str | None:
    """The level that a value means, by its own name or one of
    :data:`analysis_lib.intake.foreign_words.LEVEL_WORDS`; None when that is not clear.
    """
    levels = list(column.metadata["levels"])
    if (read := as_read(value, column)) in levels:
        return read
    said = plain(value)
    meant = [
        level
        for level in levels
        if said and said in map(plain, [level, *LEVEL_WORDS.get(level, "").split(",")])
    ]
    return meant[0] if len(meant) == 1 else None


def as_read(value: str, column: Column) -> str:
    """What a value becomes while reading, without any translation."""
    return values.levels(pd.Series([value], dtype="string"), tuple(column.metadata["levels"]))[0]
