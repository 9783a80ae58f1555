"""Exercises with checked answers: the questions of a chapter, filled from the rows that it has just made.

The questions stand in one file a chapter, ``analysis_lib/data/teaching/NN_topic.yml``. A right number is
never written there: a question names the row that holds it, and is left out of a cohort that lacks the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import pandas as pd

from analysis_lib.cohort import endpoints
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files import yamls
from analysis_lib.files.places import BUNDLED
from analysis_lib.rows.released import require
from analysis_lib.rows.results import STATISTICS
from analysis_lib.show import payloads
from analysis_lib.show.fragments import fragment
from analysis_lib.show.seen import if_seen
from analysis_lib.show.sentences import fields, sentence

NUMBER, CHOICE, LARGEST, ORDER = KINDS = ("number", "choice", "largest", "order")
PARTS = ("predict", "exercises", "quiz")
TITLES = {"predict": "Predict first", "exercises": "Check yourself", "quiz": "Quiz"}
# words of a question, and the column without which they say nothing of a cohort
SPEAKS_OF = {
    r"\bsalvage": "salvage_start_day",
    r"\bradiotherapy|\birradiat": "sites.rt_start_day",
    r"\blocally|previous site|\bpattern": "failure_pattern",
    r"\bCD19\b": "cd19_at_failure",
    r"\bLDH\b": "ldh_elevated",
}
# what leads to another chapter, which the book of a cohort without regimens may not have
LEADS = re.compile(r"[:;] [^.:;]*\bchapter \d+[^.:;]*")
# its title, and as a link from a chapter
PRIMER = ("*Time to an event*", "[*Time to an event*](../../generated/time-to-an-event.md)")


@dataclass(frozen=True)
class Option:
    """One answer to choose, or one item to put in order; ``why`` says what speaks for or against it."""

    says: str
    why: str = ""
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question as one cohort can answer it.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    ask, why : str
        The question, and what is said once it is answered.
    options : tuple of Option
        Of an order, in the right one.
    value, within : float
        Of a number: what is right, and how far off an answer may be.
    unit : str
        Of a number, for the label of its field.
    section : str
        Of a prediction: the heading of the section whose figure it foretells; ``Opening`` for the first.
    """

    kind: str
    ask: str
    why: str
    options: tuple[Option, ...] = ()
    value: float = float("nan")
    within: float = 0.0
    unit: str = ""
    section: str = ""

    @property
    def offered(self) -> list[Option]:
        """The options as they are offered: in an order that says nothing, and is the same on any day."""
        return sorted(self.options, key=lambda each: sha256(each.says.encode()).hexdigest())


@dataclass(frozen=True)
class Sheet:
    """What a chapter teaches, as its file says: aims, what to know before, minutes, and its questions."""

    aims: list[str] = field(default_factory=list)
    before: str = ""
    minutes: int = 0
    predict: list[dict] = field(default_factory=list)
    exercises: list[dict] = field(default_factory=list)
    quiz: list[dict] = field(default_factory=list)


@if_seen
def show(study: Cohort, rows: pd.DataFrame, name: str) -> None:
    """Show the questions of a chapter that this cohort can answer, as forms that check the answer.

    Parameters
    ----------
    study : Cohort
    rows : pandas.DataFrame
        The result rows of the chapter, released.
    name : str
        The file of its questions, such as ``04_survival.yml``.
    """
    _show(study, rows, name, solved=True)


def ask(study: Cohort, rows: pd.DataFrame, name: str) -> None:
    """As :func:`show`, without the answers: for the student edition."""
    _show(study, rows, name, solved=False)


def _show(study: Cohort, rows: pd.DataFrame, name: str, solved: bool) -> None:
    """Nothing for a hospital's own patients, whose book is no course, nor where no exercise can be solved."""
    if study.synthetic and (asked := questions(study, rows, name))["exercises"]:
        payloads.show(forms(asked, Path(name).stem, study.name, solved))


def forms(asked: dict[str, list[Question]], chapter: str, cohort: str, solved: bool = True) -> str:
    """The questions as HTML; without ``solved`` nothing in it tells what is right."""
    parts = {part: (TITLES[part], found) for part, found in asked.items() if found}
    return fragment("exercises", chapter=chapter, cohort=cohort, parts=parts, solved=solved)


def sheet(name: str) -> Sheet:
    """What the file of a chapter says; an empty one where there is none."""
    # found by its name alone, so that a chapter is made again only when its own questions change
    for path in BUNDLED.glob(f"*/{name}"):
        return _read(path, path.stat().st_mtime_ns)
    return Sheet()


@cache
def _read(path: Path, changed: int) -> Sheet:
    told = yamls.read(path)
    if unknown := set(told) - set(Sheet.__dataclass_fields__):
        raise ValueError(f"{path.name}: unknown key {', '.join(sorted(unknown))}.")
    return Sheet(**told)


def questions(study: Cohort, rows: pd.DataFrame, name: str) -> dict[str, list[Question]]:
    """The questions of a chapter, by part (:data:`PARTS`), as far as this cohort has what they ask for."""
    # what an answer says of the numbers may hold for the paper's patients alone
    found = answerable(rows, name, spared="" if study.of_the_paper else "paper")
    if not study.after_car_t:
        found = {part: [each for each in known if _fits(each, study)] for part, known in found.items()}
    if study.lacks(REGIMENS):
        found = {part: [_led_nowhere(each) for each in known] for part, known in found.items()}
    return found


def answerable(rows: pd.DataFrame, name: str, spared: str = "") -> dict[str, list[Question]]:
    """The questions of a file that these rows can answer, by part, without those marked ``spared``."""
    require(rows)
    return {
        part: [
            question
            for entry in getattr(sheet(name), part)
            if not entry.get(spared) and (question := resolve(entry, rows))
        ]
        for part in PARTS
    }


def resolve(entry: dict, rows: pd.DataFrame) -> Question | None:
    """One question, filled from rows; nothing where a row that it needs is absent or hidden.

    Raises
    ------
    ValueError
        If the entry is no question: of an unknown kind, or a choice without exactly one right option.
    """
    kind = entry["kind"]
    if kind not in KINDS:
        raise ValueError(f"{entry['ask']!r}: kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    asked, why = sentence(rows, entry["ask"]), sentence(rows, entry["why"])
    if not asked or not why:
        return None
    shared = {"ask": asked, "why": why, "section": entry.get("section", "")}
    if kind == NUMBER:
        return _number(entry, rows, shared)
    options = _options(entry, rows)
    return Question(CHOICE if kind == LARGEST else kind, options=options, **shared) if options else None


def _number(entry: dict, rows: pd.DataFrame, shared: dict) -> Question | None:
    part, row = entry.get("part", "value"), _row(rows, entry["row"])
    if row is None or pd.isna(row[part]):
        return None
    unit = "" if part in ("n", "events") else STATISTICS[row["statistic"]].unit
    value = float(f"{row[part]:.10g}")  # beyond these digits processors differ, and pages would with them
    return Question(
        NUMBER, value=value, within=float(entry["within"]), unit=entry.get("unit", unit), **shared
    )


def _options(entry: dict, rows: pd.DataFrame) -> tuple[Option, ...]:
    """Those of a choice as written, those of an order from the largest row on; none if rows do not decide."""
    written = entry["options"]
    if entry["kind"] == CHOICE:
        if sum(bool(each.get("right")) for each in written) != 1:
            raise ValueError(f"{entry['ask']!r}: exactly one option must be right.")
        told = [
            Option(each["says"], sentence(rows, each["why"]), each.get("right", False)) for each in written
        ]
        return tuple(told) if all(each.why for each in told) else ()
    if entry["kind"] == ORDER and "row" not in written[0]:
        return tuple(Option(each["says"]) for each in written)
    known = [held for each in written if (held := _held(rows, each))]
    if len(known) < len(written) or len({value for _, value, _ in known}) < len(known):
        return ()  # a tie has no order
    if len({sentence(rows, template) for *_, template in known}) < len(known):
        return ()  # nor have two numbers that read alike
    chosen = entry["kind"] == LARGEST
    ranked = sorted(known, key=lambda each: -each[1])
    best = ranked[-1 if entry.get("least") else 0][0]
    listed = ranked if entry["kind"] == ORDER else known
    return tuple(
        # what is chosen stands before its reason; what is put in order is told by its reason alone
        Option(says, ("" if chosen else f"{says}: ") + f"{sentence(rows, template)}.", says == best)
        for says, _, template in listed
    )


def _held(rows: pd.DataFrame, option: dict) -> tuple[str, float, str] | None:
    """What an option says, by what it is ranked (its row, or how far that is from the row ``less``), and the
    template that shows it; nothing where a number is not known.
    """
    ids = [option[key] for key in ("row", "less") if key in option]
    values = [
        float(row["value"])
        for each in ids
        if (row := _row(rows, each)) is not None and pd.notna(row["value"])
    ]
    if len(values) < len(ids):
        return None
    size = values[0] if len(values) == 1 else abs(values[0] - values[1])
    return option["says"], size, " against ".join(f"{{{each}}}" for each in ids)


def _row(rows: pd.DataFrame, row_id: str) -> pd.Series | None:
    found = rows[rows["result_id"] == row_id]
    return found.iloc[0] if len(found) else None


def _fits(question: Question, study: Cohort) -> bool:
    """Whether a question speaks of nothing that a cohort of another disease does not have."""
    options = [f"{each.says} {each.why}" for each in question.options]
    words = " ".join([question.ask, question.why, *options])
    absent = [rf"\b{name}\b" for name in endpoints.ENDPOINTS if endpoints.lacking(study, name)]
    absent += [spoken for spoken, column in SPEAKS_OF.items() if study.lacks(column)]
    return not re.search("|".join([CAR_T, "CAR T", r"\binfus", *absent]), words)


def _led_nowhere(question: Question) -> Question:
    """A question whose answer does not lead to another chapter."""
    return replace(question, why=LEADS.sub("", question.why))


def aims(chapter: str, with_primer: bool) -> str:
    """What a chapter teaches, as Markdown for the top of its page; empty where nothing is written down.

    The primer is a link in the book that has one.
    """
    told = sheet(f"{chapter}.yml")
    if not told.aims:
        return ""
    before = told.before.rstrip(".").replace(*PRIMER) if with_primer else told.before.rstrip(".")
    head = f"**After this chapter you can** ({told.minutes} minutes; before it: {before})"
    return "\n".join([":::{div} aims", head, "", *(f"- {each}" for each in told.aims), ":::"])


def named_rows(told: Sheet) -> set[str]:
    """The ids of all rows that a chapter's questions name; for the tests."""
    return {
        found
        for part in PARTS
        for entry in getattr(told, part)
        for each in (entry, *entry.get("options", ()))
        for found in _ids(each)
    }


def _ids(entry: dict) -> Iterable[str]:
    yield from (entry[key] for key in ("row", "less") if key in entry)
    for words in ("ask", "why", "says"):
        yield from (name for name, _ in fields(entry.get(words, "")))
