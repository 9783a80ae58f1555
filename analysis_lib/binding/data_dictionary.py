"""The page of the data dictionary: what a file may be, every column, and the factors that cohorts declare."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis_lib.cohort import endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary import columns, rules, units
from analysis_lib.dictionary.factors import Factor
from analysis_lib.dictionary.words import allowed, label_of, listed
from analysis_lib.intake import finding, values
from analysis_lib.show import notes, tables


def _files_and_cells() -> list[str]:
    """What files may be, and what their cells may say, from the declarations that reading goes by."""
    empty = ", ".join(f"`{word}`" for word in columns.EMPTY if word)
    formats = ", ".join(f"`{each}`" for each in values.DATE_FORMATS)
    words = "; ".join(
        f"{level} also as {', '.join(f'`{word}`' for word in also)}" for level, also in columns.WORDS.items()
    )
    suffixes = ", ".join(f"`{suffix}`" for suffix in finding.SUFFIXES if suffix != ".xls")
    return [
        "## Files and cells",
        "",
        f"- **Files**: {suffixes}, with any common encoding and separator (`book.xlsx#Sheet` names a "
        f"sheet), and REDCap exports. "
        "The first row that is not blank holds the headings; blank rows are left out.",
        f"- **Empty**: an empty cell, or {empty}. A project's own codes are translated under `values:`, "
        f"to an empty text.",
        f"- **Yes and no**: {words}; in any case.",
        "- **Levels**: as listed below, in any case; other words are translated under `values:`.",
        f"- **Dates**: 2021-03-28, cells that Excel knows as dates, or one format that `date_format` "
        f"names, such as {formats}.",
        "- **Numbers**: with a decimal point or comma. Durations are whole days, or what `time_unit` names: "
        f"{listed(sorted(units.DAYS_PER_UNIT.keys() - {'days'}), 'or')}.",
        "",
    ]


def page(studies: Iterable[Cohort] = ()) -> str:
    """The data dictionary, generated from :mod:`analysis_lib.dictionary.columns`, and the factors that these
    cohorts declare.

    Long because it is one page, written from top to bottom.
    """
    lines = [
        "# Data dictionary",
        "",
        "Every column that the book can read. Only the columns marked *required* must be there; a "
        "section whose "
        "columns are absent says so and is left out. Moments are whole days since day 0, the index "
        "event; a column "
        "`X_day` may come as calendar date `X_date` beside `infusion_date`, the date of day 0.",
        "",
        "[Run it on your data](../run-it.md) says how to begin.",
        "",
        *_files_and_cells(),
    ]
    for name, table in columns.TABLES.items():
        entries = pd.DataFrame(
            [
                [column, entry.description, allowed(entry), "required" if entry.required else ""]
                for column, entry in table.columns.items()
            ],
            columns=["Column", "Meaning", "Values", "Required"],
        )
        lines += [
            f"## Table `{name}`",
            "",
            table.description,
            "",
            tables.html_table(entries, f"Columns of the table {name}"),
            "",
        ]
    derived = pd.DataFrame(
        [[name, rule.description, label_of(rule.source)] for name, rule in rules.DERIVED.items()],
        columns=["Column", "Meaning", "Derived from"],
    )
    lines += [
        "## Derived columns",
        "",
        "The library adds these; no file holds them.",
        "",
        tables.html_table(derived, "Columns that the library derives"),
        "",
    ]
    lines += [line for study in studies for line in _own_factors(study)]
    said: dict[str, Iterable[str]] = {"*not known*, in any column": (mark for mark in columns.EMPTY if mark)}
    said |= {f"*{level}*": words for level, words in columns.WORDS.items()}
    lines += [
        "## What a file may say",
        "",
        "Words count in any case. Those of `values:` in `cohort.yml` go first; without them:",
        "",
        *[
            f"- {meaning}: an empty cell, {_marks(words)}"
            if "known" in meaning
            else f"- {meaning}: {_marks(words)}"
            for meaning, words in said.items()
        ],
        "",
        "A dash beside a plus is no empty cell: it must be declared under `values:`, as every code "
        "must that is not in this list. "
        "Numbers may have a decimal point or a decimal comma; where 1,234 could be a thousand or a "
        "thousandth, the check asks. "
        "Dates are read as 2021-03-28, as date cells and day numbers of Excel, and in the format that "
        "`date_format` declares; "
        "a time of day is dropped. Where day and month could be exchanged and no format is declared, "
        "the check asks.",
        "",
    ]
    return "\n".join(lines)


def _own_factors(study: Cohort) -> list[str]:
    """A section on the factors that a cohort declares; nothing where it has none."""
    declared = [each for each in study.factors if each.entry is not None]
    entries = pd.DataFrame(
        [
            [
                each.column,
                each.label,
                allowed(each.entry),
                each.known,
                listed(_compared_for(study, each) or ["–"]),
            ]
            for each in declared
            if each.entry is not None
        ],
        columns=["Column", "Label", "Values", "Known from", "Compared for"],
    )
    title = notes.markdown(study.title)
    return (
        [
            f"## Factors of the cohort: {title}",
            "",
            "This cohort declares these columns of the table `patients` under `factors:`.",
            "",
            tables.html_table(entries, f"Factors of {study.title}"),
            "",
        ]
        if declared
        else []
    )


def _compared_for(study: Cohort, factor: Factor) -> list[str]:
    """The endpoints for which a factor is compared, alone or together with others, that the cohort has."""
    named = dict.fromkeys([*factor.alone, *factor.together])
    return [name for name in named if not endpoints.lacking(study, name)]


def _marks(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
