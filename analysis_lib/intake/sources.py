"""The tables in a hospital's files, as they are found: sheets of a workbook, instruments of an export."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.intake import finding, raw, reading, values
from analysis_lib.intake.redcap_dictionary import LABEL, TYPE, VARIABLE, box, choices, dictionary


@dataclass
class Source:
    """A table of the files as it was found: how it is named in ``tables:``, what it is called, its columns as
    text.

    ``record`` is REDCap's column of the patient, ``labels`` what a REDCap dictionary calls the columns, and
    ``matches`` what each may be, the likeliest first.
    """

    file: str
    name: str
    frame: pd.DataFrame
    record: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    matches: dict[str, list[tuple[str, float]]] = field(default_factory=dict)


def sources_of(path: Path, out: Path | None, declared: dict, problems: list[dict]) -> list[Source]:
    """The tables of a file: the sheets of a workbook, the instruments of a REDCap export, or the file
    itself.
    """
    shown = os.path.relpath(path, out.parent) if out else path.name
    try:
        found = [
            Source(f"{shown}#{sheet}" if sheet else shown, sheet or path.stem, _frame(path, sheet))
            for sheet in _sheets(path)
        ]
    except raw.Unreadable as error:
        problems.append(
            problem(
                path.name,
                error.concern,
                error.suggestion or f"Name a table of yours: {', '.join(finding.SUFFIXES)}.",
            )
        )
        return []
    if VARIABLE in found[0].frame:
        declared |= {"dictionary": shown, "fields": found[0].frame.fillna("")}
        return []
    if len(found) == 1 and any(column.startswith("redcap_") for column in found[0].frame):
        declared["export"] = shown
        if "patients_complete" in found[0].frame:  # a project that was set up with our dictionary
            declared.setdefault("fields", dictionary())
        return _instruments(found[0])
    return [source for source in found if len(source.frame) and source.frame.shape[1] > 1]


def _sheets(path: Path) -> list[str]:
    """The sheets of a workbook that are to be seen, or one without a name for any other file."""
    try:
        return reading.sheet_names(path) or [""]
    except raw.Unreadable:  # reading.read_table says what is wrong with it
        return [""]


def _frame(path: Path, sheet: str) -> pd.DataFrame:
    try:
        frame = reading.read_table(path.parent, f"{path.name}#{sheet}" if sheet else path.name)
    except raw.Unreadable:
        if sheet:  # an empty sheet of a workbook is no table
            return pd.DataFrame()
        raise
    frame = frame.loc[:, ~frame.columns.duplicated()]
    return frame.mask(frame.apply(values.empty))


def labels_of(fields: pd.DataFrame) -> dict[str, str]:
    """What a REDCap dictionary calls the columns of an export; a box to tick by its question and its own
    words.
    """
    labels: dict[str, str] = {}
    for entry in fields.to_dict("records"):
        ticks = choices(entry) if entry[TYPE] == "checkbox" else {}
        labels |= {box(entry[VARIABLE], code): f"{entry[LABEL]} {words}" for code, words in ticks.items()}
        labels[entry[VARIABLE]] = entry[LABEL]
    return labels


def _instruments(source: Source) -> list[Source]:
    """A REDCap export as one source for the patients and one for each repeating instrument."""
    repeats = source.frame.get("redcap_repeat_instrument", pd.Series(pd.NA, index=source.frame.index)).fillna(
        ""
    )
    parts = []
    for instrument in sorted(repeats.unique()):
        frame = source.frame[repeats == instrument].dropna(axis=1, how="all")
        kept = [
            column
            for column in frame
            if not column.startswith("redcap_") and not column.endswith("_complete")
        ]
        parts.append(
            Source(instrument, instrument or "patients", frame[kept], record=source.frame.columns[0])
        )
    return parts
