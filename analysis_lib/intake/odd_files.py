"""What is odd about a file as a whole, and not about one patient: units, codes, pairs of columns read as one,
identifiers spoilt on the way.

Rules as those of :mod:`analysis_lib.intake.checks`, which calls them: each takes the files of a cohort and
returns rows.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary.columns import YES_NO
from analysis_lib.dictionary.units import DAYS_PER_UNIT
from analysis_lib.dictionary.words import listed

if TYPE_CHECKING:
    from analysis_lib.intake.checks import Files

MANY = 10  # patients from which on the shape of a cohort tells something
# Follow-up of a cohort in units of its file: nobody longer, or half of it shorter and nobody much longer;
# half of it longer.
SHORT = {"days": (120, 40, 400), "weeks": (40, 6, 60), "months": (18, 0, 0), "years": (1, 0, 0)}
LONG = {"days": 36525, "weeks": 1040, "months": 240, "years": 25}
OTHER_UNIT = "If the file counts in {}, say so in cohort.yml, as in `time_unit: {}`."
MONTHS = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
SPOILT = re.compile(
    r"[0-9](\.[0-9]+)?[eE]\+[0-9]+|(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"
    rf"|[0-9]{{1,2}}-{MONTHS}|{MONTHS}-[0-9]{{2}}"
)
SUMMARIES = re.compile(  # what the first cell of a line below a table says, not a patient
    r"(grand |sub)?totals?|sums?|counts?|means?|averages?|medians?|std( ?dev)?|sd"
    r"|summe|gesamt|insgesamt|anzahl|mittel(wert)?|durchschnitt"
    r"|somme|moyenne|médiane|suma|media|mediana|promedio|totale|somma",
    re.IGNORECASE,
)
FEW_ANSWERS = 3  # fewer different ones do not tell where their numbers begin
DOUBLE_ENTRY = r"^(.+)--[12]$"
# What everybody has in a cohort of patients in whom a therapy failed, and what not everybody has in any.
NOT_OF_ALL = {
    "patients": ("progression_day", "next_line_day", "transplant_day"),
    "sites": ("in_field_progression_day",),
}
EVENTS = (
    "failure_day",
    "progression_day",
    "next_line_day",
    "transplant_day",
    "salvage_start_day",
    "response_day",
    "complete_response_day",
)


def time_unit(files: Files) -> list[dict]:
    """Follow-up that is too short or too long for the unit of the file."""
    text, table, unit = files.texts["patients"], files.tables["patients"], files.manifest.time_unit
    if (
        "last_follow_up_day" not in text
        or "last_follow_up_day" not in table
        or table["last_follow_up_day"].count() < MANY
    ):
        return []
    times = table["last_follow_up_day"] / DAYS_PER_UNIT[unit]
    longest, half = times.max(), times.median()
    (nobody, median, at_most), found = SHORT[unit], ""
    if half > LONG[unit]:
        found = f"half of the patients were followed for more than {LONG[unit]:,} {unit}"
        others = [each for each in DAYS_PER_UNIT if DAYS_PER_UNIT[each] < DAYS_PER_UNIT[unit]]
    elif longest <= nobody or (half < median and longest <= at_most):
        found = f"nobody was followed for more than {longest:.3g} {unit}, half for less than {half:.3g}"
        others = [each for each in DAYS_PER_UNIT if DAYS_PER_UNIT[each] > DAYS_PER_UNIT[unit]] or ["days"]
    if not found:
        return []
    advice = (
        OTHER_UNIT.format(listed(others, "or"), others[-2 if len(others) > 2 else 0])
        if others != ["days"]
        else "If the file counts in days, leave out `time_unit`."
    )
    return [problem("patients", found, advice, field="last_follow_up_day", rule="time_unit")]


def constant(files: Files) -> list[dict]:
    """A vital status that is the same for everybody."""
    if not files.has("patients", "vital_status") or files.tables["patients"]["vital_status"].count() < MANY:
        return []
    status = files.tables["patients"]["vital_status"].dropna().unique()
    return (
        [
            problem(
                "patients",
                f"every patient is {status[0]}",
                "Check how `values:` translates the codes of the file.",
                field="vital_status",
                rule="constant",
            )
        ]
        if len(status) == 1
        else []
    )


def nobody(files: Files) -> list[dict]:
    """Columns of moments without a single value: an event that happened to nobody, or one that was not
    recorded. An empty ``entry_day`` says what it says: all were watched from day 0 on.
    """
    return [
        problem(
            name,
            "no row has a value, which is read as: it happened to nobody",
            "If it was not recorded, delete the column.",
            field=column,
            rule="nobody",
        )
        for name, table in files.tables.items()
        if len(table) >= MANY
        for column in table
        if column.endswith("_day")
        and column != "entry_day"
        and table[column].isna().all()
        and not files.manifest.schemas[name].columns[column].required
        and files.texts[name][files.named(name, column)].isna().all()
    ]


def everybody(files: Files) -> list[dict]:
    """A time that everybody has although it is no event of everybody: a column beside it says to whom it
    happened.
    """
    patients = files.tables["patients"]
    rows: list[dict] = []
    if not files.has("patients", "last_follow_up_day", "vital_status"):
        return rows
    competing = tuple(files.manifest.competing)
    for name, columns in {"patients": (*EVENTS, *competing), "sites": NOT_OF_ALL["sites"]}.items():
        table = files.tables.get(name, pd.DataFrame())
        for column in [each for each in columns if each in table and len(table) >= MANY]:
            event, own = re.sub("_day$", "_event", column), files.named(name, column)
            advice = f"If another column says whether it happened, map that to {event} under `columns:`."
            given = table[column].notna()
            if given.all() and (
                column in (*NOT_OF_ALL[name], *competing)
                or (column == "failure_day" and not _salvage_of_all(patients))
            ):
                rows.append(
                    problem(
                        name,
                        f"every row has a value, which is read as: it happened to everybody ({len(table)})",
                        advice,
                        field=own,
                        rule="everybody",
                    )
                )
            if name == "patients":
                rows += _on_the_last_day(patients, column, own, advice)
    return rows


def _salvage_of_all(patients: pd.DataFrame) -> bool:
    return "salvage_start_day" in patients and bool(patients["salvage_start_day"].notna().all())


def _on_the_last_day(patients: pd.DataFrame, column: str, own: str, advice: str) -> list[dict]:
    """Events on the last day of many: of the living when a censored time was read as an event, of the dead
    when death counts as one.
    """
    last = (patients[column] == patients["last_follow_up_day"]).fillna(False)
    given, rows = int(patients[column].notna().sum()), []
    for status, meaning, do in (
        ("alive", "it is perhaps a time without an event", advice),
        (
            "dead",
            "death is perhaps counted as this event",
            f"Leave {own} empty where nothing but death happened.",
        ),
    ):
        there = int((last & (patients["vital_status"] == status)).sum())
        if there >= 3 and there >= 0.15 * given:
            rows.append(
                problem(
                    "patients",
                    f"in {there} of the {given} patients who have it, it falls on the last day of follow-up, "
                    f"{status}; {meaning}",
                    do,
                    field=own,
                    rule="everybody",
                )
            )
    return rows


def codes(files: Files) -> list[dict]:
    """Numbers of days, or of a hospital's own factor, that several patients share and that files write for
    "not known".
    """
    rows = []
    for name, table in files.tables.items():
        measured = {each.column for each in files.manifest.own if each.number}
        for column in [
            each
            for each in table
            if (each.endswith("_day") or each in measured) and each in files.texts[name]
        ]:
            cells = files.texts[name][column].dropna()
            code = r"([789])\1{2,4}(\.0+)?" + (r"|-(9{1,4}|[1-8])(\.0+)?" if column in measured else "")
            counts = cells[cells.str.fullmatch(code).fillna(False)].value_counts()
            usual = len(cells) / max(cells.nunique(), 1)
            whose = files.texts[name].loc[cells.index, "patient_id"].groupby(cells).nunique()
            rows += [
                problem(
                    name,
                    f'{count} rows say {cell}, which may stand for "not known"',
                    f'If so, write `values: {{{name}: {{{column}: {{"{cell}": ""}}}}}}` in cohort.yml.',
                    field=column,
                    rule="code",
                )
                for cell, count in counts.items()
                if whose[cell] > 1 and count > 1.5 * usual  # one patient may have several rows of a day
            ]
    return rows


def one_answer(files: Files) -> list[dict]:
    """A question with no other answer than yes, and empty cells: do they mean no?"""
    rows = []
    for name, table in files.tables.items():
        declared = files.manifest.schemas[name].columns
        for column in table:
            if tuple(declared[column].metadata["levels"] or ()) != YES_NO or len(table) < MANY:
                continue
            answers, empty = table[column].dropna().unique(), table[column].isna().mean()
            if list(answers) == ["yes"] and empty >= 0.1:
                rows.append(
                    problem(
                        name,
                        "every answer is yes, and the other cells are empty, which is read as: not known",
                        f'If empty means no, write `values: {{{name}: {{{column}: {{"": no}}}}}}` in '
                        f"cohort.yml.",
                        field=column,
                        rule="one_answer",
                    )
                )
    return rows


def identifiers(files: Files) -> list[dict]:
    """Identifiers that a spreadsheet spoilt, that stand for two entries of one record, that head a line of
    totals, or that differ only by case, spaces, marks or zeros before them.
    """
    table = files.tables["patients"]
    if "patient_id" not in table:
        return []
    spoilt = table["patient_id"].str.fullmatch(SPOILT).fillna(False)
    rows = files.found(
        "identifier",
        "patients",
        spoilt,
        "patient_id",
        "a spreadsheet has perhaps made a date or a rounded number of this identifier",
        "Give the column the format of text, and write the identifier again.",
    )
    base = table["patient_id"].str.extract(DOUBLE_ENTRY, expand=False)
    rows += files.found(
        "double_entry",
        "patients",
        base.notna() & base.duplicated(keep=False),
        "patient_id",
        "this is one of two entries of one record, as REDCap marks them, and each would count as a patient",
        "Merge the entries in REDCap's Data Comparison Tool, or keep one row of each record.",
    )
    summary = table["patient_id"].str.strip(" .:=\t").str.fullmatch(SUMMARIES).fillna(False)
    rows += files.found(
        "identifier",
        "patients",
        summary,
        "patient_id",
        "this row reads like a line of totals below the table, and is counted as a patient",
        "If it is no patient, delete the row.",
    )
    alike = table["patient_id"].map(bare, na_action="ignore")
    first = {name: row for row, name in reversed(list(alike.dropna().items()))}
    again = alike.notna() & alike.duplicated() & ~table["patient_id"].duplicated()
    return rows + files.found(
        "identifier",
        "patients",
        again,
        "patient_id",
        lambda row: f"it differs from that of row {first[alike[row]]} only by case, spaces, marks or zeros",
        "Is it the same patient? If so, keep one row.",
    )


def starts_at_one(files: Files) -> list[dict]:
    """An ECOG status that nobody has as 0: a list of answers is often numbered from 1."""
    if not files.has("patients", "ecog"):
        return []
    known = files.tables["patients"]["ecog"].dropna()
    if len(known) < MANY or known.min() != 1 or known.nunique() < FEW_ANSWERS:
        return []
    return [
        problem(
            "patients",
            f"none of {len(known)} patients has ECOG 0, and the lowest is 1",
            "If the file numbers its answers from 1, say what they mean, as in "
            '`values: {patients: {ecog: {"1": "0", "2": "1", "3": "2", "4": "3", "5": "4"}}}`.',
            field="ecog",
            rule="starts_at_one",
        )
    ]


def bare(identifier: str) -> str:
    """An identifier without case, spaces, marks and zeros before its numbers: ``p-001`` is ``p1``."""
    plain = unicodedata.normalize("NFKC", identifier)  # a digit of a Japanese keyboard is a digit
    letters = re.sub(r"[\W_]+", "", re.sub(r"\.0$", "", plain)).casefold()
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", letters)


RULES = (time_unit, constant, nobody, everybody, codes, one_answer, identifiers, starts_at_one)
