"""Boxes to tick in an export of REDCap: which of them say "no", and which say nothing.

REDCap writes 0 for a box of a form that nobody has opened, and has a box for "Unknown" beside the others.
Neither is a no.
"""

from __future__ import annotations

import re

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary.columns import EMPTY

UNTICKED, TICKED = ("0", "Unchecked"), ("1", "Checked")
UNKNOWN = re.compile(
    r"(unknown|not known|(do not|don.?t) know|not "
    r"(assessed|available|done|reported|evaluated|recorded|applicable)|missing"
    r"|no (data|information)|unbekannt|nicht bekannt|inconnu|desconocido|sconosciuto).*",
    re.I,
)
FIELD = re.compile(r"(.+?)___(.+)")
COMPLETE = ("2", "Complete")


def without_unknown(
    raw: pd.DataFrame, options: dict[str, dict[str, str]], missing: tuple[str, ...]
) -> pd.DataFrame:
    """Boxes of a question are empty where its box for "unknown", or for one of REDCap's missing-data codes,
    is ticked.

    ``options`` has the label of each code, for each question.
    """
    raw = raw.copy()
    options = {
        question: {_in_name(code): label for code, label in labels.items()}
        for question, labels in options.items()
    }
    codes = set(map(_in_name, missing))
    for question, columns in _questions(raw).items():
        unknown = [
            column
            for column in columns
            if (code := FIELD.sub(r"\2", column)) in codes
            or _is_unknown(options.get(question, {}).get(code, ""))
        ]
        ticked = raw[unknown].isin(TICKED).any(axis=1) if unknown else pd.Series(False, index=raw.index)
        for column in [each for each in columns if each not in unknown]:
            raw[column] = raw[column].mask(ticked & raw[column].isin(UNTICKED))
    return raw


def without_empty(raw: pd.DataFrame, known: dict[str, str], problems: list[dict]) -> pd.DataFrame:
    """Boxes of a form that is not complete and in which nothing is ticked or written are empty.

    ``known`` has the form of each question, as the dictionary tells it. Where the export does not say whether
    a form is complete, its boxes stay as they are, and that is warned of.
    """
    raw, forms = raw.copy(), _forms(raw, known)
    for form in dict.fromkeys(forms.values()):
        mine = [
            column
            for column in raw.columns[1:]
            if forms.get(column) == form and not column.endswith("_complete")
        ]
        ticks = [column for column in mine if FIELD.fullmatch(column)]
        if not ticks:
            continue
        others = [column for column in mine if column not in ticks]
        empty = (
            raw[ticks].isin(UNTICKED).any(axis=1)
            & ~raw[ticks].isin(TICKED).any(axis=1)
            & raw[others].isna().all(axis=1)
        )
        if (complete := f"{form}_complete") in raw:
            empty &= ~raw[complete].isin(COMPLETE)
        elif not others:
            if empty.any():
                problems.append(
                    problem(
                        "patients",
                        f"the export has no column {complete}, and no box of this form is ticked in "
                        f"{int(empty.sum())} rows, "
                        "which is read as: no",
                        f"Export {complete} as well: it tells an empty form from one without a tick.",
                        field=ticks[0],
                        rule="empty_form",
                    )
                )
            continue
        raw[ticks] = raw[ticks].mask(empty)
    return raw


def _questions(raw: pd.DataFrame) -> dict[str, list[str]]:
    questions: dict[str, list[str]] = {}
    for column in raw:
        if found := FIELD.fullmatch(column):
            questions.setdefault(found[1], []).append(column)
    return questions


def _in_name(code: str) -> str:
    """A code as it stands in the name of a column."""
    return code.lower().replace("-", "_")


def _is_unknown(label: str) -> bool:
    plain = re.sub(r"</?[a-zA-Z][^>]*>", "", label).strip().lower()
    return plain in set(EMPTY) - {"", "none", "-", "–"} or bool(UNKNOWN.fullmatch(plain))


def _forms(raw: pd.DataFrame, known: dict[str, str]) -> dict[str, str]:
    """The form of each column, by the dictionary, or by the column on its completeness that stands after its
    fields.
    """
    forms: dict[str, str] = {}
    before: list[str] = []
    for column in raw.columns[1:]:
        question = found[1] if (found := FIELD.fullmatch(column)) else column
        if question in known:
            forms[column] = known[question]
        elif column.endswith("_complete"):
            forms |= dict.fromkeys(before, column.removesuffix("_complete"))
        elif not column.startswith("redcap_"):
            before.append(column)
            continue
        if column.endswith("_complete"):
            before = []
    return forms
