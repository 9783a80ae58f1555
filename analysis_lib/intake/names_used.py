"""Which columns of a file are used: mappings that do not fit, columns that are missing, and columns that
should not lie idle.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import columns
from analysis_lib.intake import pairs, values
from analysis_lib.intake.foreign_words import OF_PATIENTS, plain
from analysis_lib.intake.pairs import as_date

# What files call the day of death, without accents.
DEATH = re.compile(
    r"(date|datum|dat|dt|fecha|data|day|days|tag)?\W*(of|del?|du|des|der|di)?\W*(the)?\W*(death|died|dod|deces|tod|todes|sterbe|exitus"
    r"|defuncion|fallecimiento|muerte|decesso|morte|overlijden)\W*(date|datum|dat|dt|day|days|tag)?",
    re.I,
)
# What statisticians call times and their events, by our names.
USUAL = {
    **{f"{each}_event": "vital_status" for each in ("last_follow_up", "death", "os", "follow_up")},
    **{f"{each}_{end}": f"last_follow_up_{end}" for each in ("os", "follow_up") for end in ("day", "date")},
    **{
        f"{each}_{end}": f"failure_{end}"
        for each in ("pfs", "efs", "dfs", "rfs", "ttp", "relapse", "recurrence")
        for end in ("day", "date", "event")
    },
}


def has(raw: pd.DataFrame) -> str:
    """The columns of a file, for a message."""
    others = (
        f" (its first sheet; to read another, write FILE#SHEET: {_some(raw.attrs['sheets'])})"
        if raw.attrs.get("sheets")
        else ""
    )
    return f"The file{others} has: {_some(raw.columns)}."


def wrong_mapping(
    name: str, raw: pd.DataFrame, mapping: dict[str, str], known: list[str], has: str
) -> list[dict]:
    """Entries of ``columns:`` that the file or the dictionary do not know."""
    turned = [
        column
        for column, target in mapping.items()
        if column not in raw and target in raw and column in known
    ]
    if turned and not any(column in raw for column in mapping):
        own = mapping[turned[0]]
        return [
            problem(
                name,
                "the entries under `columns:` stand the other way round",
                f"Write the name of the file first: `{own}: {turned[0]}`.",
                field=turned[0],
                value=own,
            )
        ]
    return [
        each
        for column, target in mapping.items()
        for each in (
            [_turned(name, column, target)]
            if column in turned
            else _unknown(name, raw, column, target, known, has)
        )
    ]


def _turned(name: str, column: str, target: str) -> dict:
    return problem(
        name,
        "this entry under `columns:` stands the other way round",
        f"Write `{target}: {column}`.",
        field=column,
    )


def _unknown(
    name: str, raw: pd.DataFrame, column: str, target: str, known: list[str], has: str
) -> list[dict]:
    """An entry whose column the file does not have, or whose target is not in the dictionary."""
    wrong = []
    if column not in raw:
        near = difflib.get_close_matches(column, list(raw.columns), n=1)
        wrong.append(
            problem(
                name,
                "the file has no such column",
                f"Did you mean {near[0]!r}? {has}" if near else has,
                field=column,
            )
        )
    if target not in known:
        meant = [
            each
            for each in (USUAL.get(target, ""), *difflib.get_close_matches(target, known))
            if each in known
        ]
        wrong.append(
            problem(
                name,
                f"{target!r} is not in the data dictionary",
                f"Did you mean {meant[0]!r}?" if meant else f"Known: {', '.join(known)}.",
                field=column,
            )
        )
    return wrong


def as_meant(raw: pd.DataFrame, mapping: dict[str, str], known: list[str]) -> dict[str, str]:
    """The entries of ``columns:`` with those turned round that stand the other way, so that nothing else is
    said of them.
    """
    return {
        target if column not in raw and target in raw and column in known else column: column
        if column not in raw and target in raw and column in known
        else target
        for column, target in mapping.items()
    }


def almost(name: str, raw: pd.DataFrame, table: pd.DataFrame, known: list[str]) -> list[dict]:
    """Columns that nobody reads, although their name is almost one of the dictionary that the table lacks, or
    that of a column that is read.
    """
    lacking, warned = [column for column in known if column not in table], []
    for column in [each for each in table if each not in known and each in raw]:
        read = "_".join(column.lower().split())
        if read in known and read in table:
            warned.append(
                problem(
                    name,
                    f"this column is not used; the file has {read} as well, and that is read",
                    "Keep the right one of the two, or map it under `columns:`.",
                    field=column,
                    rule="unused_column",
                )
            )
        elif near := difflib.get_close_matches(read, lacking, n=1, cutoff=0.85):
            warned.append(
                problem(
                    name,
                    f"this column is not used; it is almost called {near[0]}",
                    "If it is that, rename it or map it under `columns:`.",
                    field=column,
                    rule="unused_column",
                )
            )
    return warned


def unidentified(name: str, raw: pd.DataFrame, table: pd.DataFrame, known: list[str]) -> list[dict]:
    """A patients table without ``patient_id`` whose rows a column that is not used seems to name."""
    if name != "patients" or "patient_id" in table:
        return []
    named = [each for each in raw if each not in known and each in table and plain(each) in OF_PATIENTS]
    return [
        problem(
            name,
            "no column is mapped to patient_id, so that each row is counted as a patient; this one seems to "
            "say whose the rows are",
            f'Write `columns: {{{name}: {{"{column}": patient_id}}}}` in cohort.yml.',
            field=column,
            rule="unused_column",
        )
        for column in named[:1]
    ]


def remarks(name: str, raw: pd.DataFrame, table: pd.DataFrame, known: list[str]) -> list[dict]:
    """How the file was read, where that is not plain, for the whole of it and for the columns that are
    used.
    """
    used = {own: column for own, column in zip(raw.columns, table.columns) if column in known}
    return [
        problem(
            name,
            each["concern"],
            each["suggestion"],
            field=used.get(each["field"], ""),
            rule=each["rule"],
            row=each["row"],
        )
        for each in raw.attrs.get("notes", [])
        if not each["field"] or each["field"] in used
    ]


def missing(
    name: str,
    raw: pd.DataFrame,
    table: pd.DataFrame,
    schema: pa.DataFrameSchema,
    known: list[str],
    twice: list[str],
    has: str,
) -> list[dict]:
    """Required columns that the table lacks, and factors of the hospital's own; with the row that looks like
    the headings if the first does not.
    """
    lacking = _own(name, raw, table, schema, known, has)
    for column, rule in columns.TABLES[name].columns.items():
        told_by_death = column == "vital_status" and set(pairs.DEATH) & set(table.columns)
        if not rule.required or (column == "patient_id" and name == "patients") or told_by_death:
            continue
        if not {column, as_date(column)} & set(table.columns) and column not in twice:
            other = f" (or {as_date(column)})" if as_date(column) != column else ""
            near = difflib.get_close_matches(
                column, [each for each in raw.columns if each not in known], n=1, cutoff=0.75
            )
            lacking.append(
                problem(
                    name,
                    "this required column is missing",
                    f"{has} Map {repr(near[0]) if near else 'one'} to {column}{other} under `columns:`.",
                    field=column,
                )
            )
    below = (
        [
            int(row)
            for row in raw.index[:15]
            if len({str(cell).lower() for cell in raw.loc[row].dropna()} & set(known)) > 1
        ]
        if lacking
        else []
    )
    return lacking + [
        problem(
            name,
            "this row looks like the headings",
            "Delete the rows above it in a copy of the file.",
            row=row,
        )
        for row in below[:1]
    ]


def _own(
    name: str, raw: pd.DataFrame, table: pd.DataFrame, schema: pa.DataFrameSchema, known: list[str], has: str
) -> list[dict]:
    """Factors of the hospital's own that the table lacks."""
    lacking = []
    for column in [each for each in schema.columns if each not in {*columns.TABLES[name].columns, *table}]:
        if as_date(column) in table:
            continue
        near = difflib.get_close_matches(column, [each for each in raw.columns if each not in known], n=1)
        key = "competing" if column.endswith("_day") else "factors"
        lacking.append(
            problem(
                name,
                f"`{key}:` declares this column, and the file does not have it",
                f"{has} Map {repr(near[0]) if near else 'one'} to {column} under `columns:`.",
                field=column,
            )
        )
    return lacking


def death_unused(
    name: str, raw: pd.DataFrame, table: pd.DataFrame, mapping: dict[str, str], date_format: str
) -> list[dict]:
    """A day of death that is not read, and says another day than the last follow-up."""
    last = next((column for column in ("last_follow_up_date", "last_follow_up_day") if column in table), None)
    if name != "patients" or last is None or set(pairs.DEATH) & set(table.columns):
        return []
    found = []
    for column in [
        each
        for each in raw.columns[~raw.columns.duplicated(keep=False)]
        if each not in mapping and each not in table
    ]:
        cells = raw[column].mask(values.empty(raw[column]))
        if (
            not DEATH.fullmatch(_plain(column))
            or cells.isna().all()
            or not _moments(cells, last, date_format)
        ):
            continue
        same = cells == table[last]
        if last.endswith("_date"):
            same |= values.dates(cells, date_format) == values.dates(table[last], date_format)
        if others := int((cells.notna() & ~same.fillna(False)).sum()):
            kind = "death_date" if last.endswith("_date") else "death_day"
            found.append(
                problem(
                    name,
                    f"this column is not read; it looks like the day of death, and is not {last} in "
                    f"{others} patient"
                    f"{'s' if others > 1 else ''}",
                    f"Map it to {kind} under `columns:`; the time ends there, where it is given.",
                    field=column,
                )
            )
    return found


def _moments(cells: pd.Series, last: str, date_format: str) -> bool:
    given = cells.dropna()
    if last.endswith("_date"):
        return bool(values.dates(given, date_format).notna().any() or values.formats_that_fit(given))
    return bool((values.numbers(given, set()) > 2).any())


def _plain(name: str) -> str:
    return (
        "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        .replace("_", " ")
        .strip()
    )


def _some(names: Iterable[object], most: int = 40) -> str:
    told = [str(each) for each in names]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
