"""REDCap's data dictionary: the one that it imports for this book, and how any project's is read.

A project's codes and names come from its own dictionary, or, for a project that was set up with the one that
:func:`dictionary` makes, from :mod:`analysis_lib.dictionary.columns`.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
from pandera.pandas import Column

from analysis_lib.dictionary import columns, words

FORMS = ("patients", *columns.REPEATING)
COLUMNS = [
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
]
VARIABLE, FORM, TYPE, LABEL, CHOICES = (COLUMNS[place] for place in (0, 1, 3, 4, 5))
FIXED_CHOICES = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}


def dictionary() -> pd.DataFrame:
    """The data dictionary of a REDCap project for this book: one row a field, in the 18 columns that REDCap
    imports.

    Moments are calendar dates. The record's identifier is ``patient_id``; ``sites`` and ``lines`` are meant
    as repeating instruments, which are switched on in REDCap's project setup, not in the dictionary.
    """
    rows = []
    for form in FORMS:
        for name, column in columns.collected(form).items():
            if not (name == "patient_id" and form != "patients"):  # REDCap links forms by the record
                rows.append(_field(form, name, column))
    return pd.DataFrame(rows, columns=COLUMNS).fillna("")


def _field(form: str, name: str, column: Column) -> dict:
    meta = column.metadata
    limits: dict[str, Any] = {}
    for check in column.checks:
        limits = {
            key: value for key, value in check.statistics.items() if key in ("min_value", "max_value")
        } or limits
    kind = meta["kind"]
    yes_no = tuple(meta["levels"] or ()) == columns.YES_NO
    meanings = "; ".join(
        f"{level}: {meaning}" for level, meaning in (meta["levels"] or {}).items() if meaning
    )
    entry = {
        VARIABLE: name,
        FORM: form,
        LABEL: words.label_of(name),
        COLUMNS[6]: " ".join(filter(None, [column.description, meanings])),
        TYPE: "text" if kind != "level" else "yesno" if yes_no else "radio",
        COLUMNS[10]: "y" if kind in ("text", "day") else "",
        COLUMNS[12]: "y" if column.required and name != "patient_id" else "",
    }
    if kind == "level" and not yes_no:
        entry[CHOICES] = " | ".join(f"{code}, {level}" for code, level in enumerate(meta["levels"], 1))
    if kind in ("day", "count", "number"):
        entry[COLUMNS[7]] = {"day": "date_ymd", "count": "integer", "number": "number"}[kind]
    if kind in ("count", "number"):
        entry |= {COLUMNS[8]: str(limits["min_value"]), COLUMNS[9]: str(limits["max_value"])}
    return entry


def choices(entry: dict) -> dict[str, str]:
    """Codes of a field with their labels: ``1, alive | 2, dead``."""
    if entry[TYPE] in FIXED_CHOICES:
        return FIXED_CHOICES[entry[TYPE]]
    if entry[TYPE] not in ("radio", "dropdown", "checkbox"):
        return {}
    pairs = [choice.partition(",") for choice in entry[CHOICES].split("|")]
    return {code.strip(): label.strip() for code, _, label in pairs if code.strip()}


def box(variable: str, code: str) -> str:
    """The column of a box to tick: ``risk___2``; a minus of the code is an underscore, as in
    ``risk____99``.
    """
    return f"{variable}___{code.lower().replace('-', '_')}"


def form_name(form: str) -> str:
    """The name that REDCap gives to a form of this title."""
    return re.sub(r"\W+", "_", str(form).strip().lower()).strip("_")
