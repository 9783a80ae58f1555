"""A cohort: its tables, tidy, validated and in days since day 0, and what to call it.

:func:`read_cohort` accepts the name of a bundled cohort, a ``cohort.yml``, a folder that holds one, or a bare
table whose columns already carry the names of the data dictionary (:mod:`analysis_lib.dictionary.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.cohort import REGIMENS, SECOND_MODALITY, Cohort
from analysis_lib.cohort.problems import CohortError, as_frame
from analysis_lib.dictionary import factors, rules
from analysis_lib.dictionary.columns import TABLES, YES_NO
from analysis_lib.files.places import BUNDLED, RECONSTRUCTED
from analysis_lib.intake import checks, pairs, redcap, subsets
from analysis_lib.intake.days import in_days
from analysis_lib.intake.given import Files
from analysis_lib.intake.manifest import locate, read_manifest
from analysis_lib.intake.tables import (
    as_in_files,
    map_table,
    read_mapped,
    with_identifiers,
    without_faulty,
)
from analysis_lib.intake.violations import violations


def read_cohort(where: str | Path | Cohort) -> Cohort:
    """Read, map, validate and complete a cohort.

    Parameters
    ----------
    where : str or Path or Cohort
        Name of a bundled cohort, path of a ``cohort.yml``, of a folder that holds one, or of a bare table. A
        cohort that was read before is returned as it is, so that several chapters can be calculated of one.

    Returns
    -------
    Cohort

    Raises
    ------
    CohortError
        With every problem found in the manifest and the tables.
    """
    if isinstance(where, Cohort):
        return where
    path = locate(where)
    if path in _AHEAD:
        return _AHEAD.pop(path)
    manifest = read_manifest(path)
    problems: list[dict] = []
    texts = {
        name: read_mapped(path.parent, name, file, manifest, problems)
        for name, file in manifest.tables.items()
    }
    export = redcap.read(path.parent, manifest, problems)
    texts |= {name: map_table(raw, name, manifest, problems) for name, raw in export.tables.items()}
    # A sheet of the template that nobody filled in is a table that this cohort does not have.
    texts = {"patients": pd.DataFrame()} | {name: text for name, text in texts.items() if len(text)}
    texts["patients"] = patients = with_identifiers(
        texts["patients"], alone=set(texts) == {"patients"}, problems=problems
    )
    # others are unreadable, and said to be
    texts = {name: text for name, text in texts.items() if "patient_id" in text}
    if "patients" not in texts:
        raise CohortError(path.name, _severe(export.places(as_in_files(problems, texts, manifest))))
    tables = {name: in_days(name, text, patients, manifest, problems) for name, text in texts.items()}
    tables["patients"] = pairs.with_death(tables["patients"], patients, problems)
    problems += [
        found
        for name, table in tables.items()
        for found in violations(name, table, texts[name], manifest.schemas[name], problems)
    ]
    problems += checks.check(Files(without_faulty(tables, problems), texts, manifest))
    problems = _severe(export.places(as_in_files(problems, texts, manifest)))
    if any(each["severity"] == "error" for each in problems):
        raise CohortError(path.name, problems)
    cohort = Cohort(
        name=manifest.name,
        title=manifest.title,
        index_event=manifest.index_event,
        synthetic=manifest.synthetic,
        note=manifest.note,
        warnings=as_frame(problems),
        min_cell_count=manifest.min_cell_count or 0,
        of_the_paper=path.resolve() == RECONSTRUCTED.resolve(),
        made_to_agree=manifest.synthetic and path.resolve().is_relative_to(BUNDLED.resolve()),
        factors=factors.BUILT_IN + manifest.own,
        competing=manifest.competing,
        groups=manifest.groups or REGIMENS,
        **{name: typed(manifest.schemas[name], table) for name, table in tables.items()},
    )
    return _subset(with_derived(cohort), manifest.subset, path.name)


# For processes that are forked from this one and read a cohort each. It is given away once: nobody shares it.
_AHEAD: dict[Path, Cohort] = {}


def read_ahead(where: str) -> None:
    """Read a cohort for the first :func:`read_cohort` of it, here or in a process that is forked from this
    one; its files must stay as they are (:mod:`analysis_lib.binding.warm` sees to it).
    """
    _AHEAD[locate(where)] = read_cohort(where)


def _severe(problems: list[dict]) -> list[dict]:
    """Problems with their severity: what the rules of :data:`analysis_lib.dictionary.rules.WARNINGS` find
    does not stop a book.
    """
    return [
        each | {"severity": "warning" if each["rule"] in rules.WARNINGS else "error"} for each in problems
    ]


def typed(schema: pa.DataFrameSchema, table: pd.DataFrame) -> pd.DataFrame:
    """Levels become ordered categories, so that tables and figures list them as the dictionary does."""
    columns = schema.columns
    levels = {
        c: pd.CategoricalDtype(list(columns[c].metadata["levels"]), ordered=True)
        for c in table
        if columns[c].metadata["kind"] == "level"
    }
    ordered = [c for c in columns if c in table]
    return table.astype(levels)[ordered].reset_index(drop=True)


def of_tables(tables: Mapping[str, pd.DataFrame], **about: Any) -> Cohort:
    """A cohort of tables that this program made itself, in the words and units of the data dictionary: they
    are what reading their files would give, so nothing is parsed and checked.

    Parameters
    ----------
    tables : dict of pandas.DataFrame
        By name: ``patients``, ``sites``, ``lines``.
    about
        Whatever else :class:`analysis_lib.cohort.cohort.Cohort` takes.
    """
    return with_derived(Cohort(**about, **{name: in_types(name, table) for name, table in tables.items()}))


def in_types(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """One of the tables of :func:`of_tables`, in the types that a cohort's tables have."""
    types = {"day": "Int64", "count": "Int64", "number": "Float64"}
    columns = TABLES[name].columns
    known = {column: types.get(columns[column].metadata["kind"], "string") for column in table}
    return typed(TABLES[name], table.astype(known))


def with_derived(cohort: Cohort) -> Cohort:
    """The cohort with the derived columns of the data dictionary, as far as it has their sources."""
    patients, lines = cohort.patients.copy(), cohort.lines
    for name, rule in rules.DERIVED.items():
        if rule.source in patients:
            answer = rule.met(patients[rule.source]).map({True: "yes", False: "no"})
            patients[name] = pd.Categorical(answer, YES_NO, ordered=True)
    if not lines.empty:
        second = lines[lines["line"] == 2].set_index("patient_id")["line_start_day"]
        if "next_line_day" not in patients:
            patients["next_line_day"] = patients["patient_id"].map(second).astype("Int64")
        if "salvage_regimen" in patients:
            patients["salvage_sequence"] = _salvage_sequence(patients, lines)
    return replace(cohort, patients=patients)


def _salvage_sequence(patients: pd.DataFrame, lines: pd.DataFrame) -> pd.Categorical:
    """First regimen, and whether the other modality followed: the five groups of the study's OS2 comparison.

    Groups are named by what happened *later*, so they are not baseline groups (immortal time).
    """
    later = lines[lines["line"] > 1]
    went_on = {
        regimen: patients["patient_id"].isin(later.loc[later["modality"].isin(kinds), "patient_id"])
        for regimen, kinds in SECOND_MODALITY.items()
    }
    first = patients["salvage_regimen"].astype("string")
    sequence = first.mask((first == "ST") & went_on["ST"], "ST then RT").mask(
        (first == "RT") & went_on["RT"], "RT then ST"
    )
    return pd.Categorical(sequence, ["RT", "CMT", "ST", "ST then RT", "RT then ST"], ordered=True)


def _subset(cohort: Cohort, expression: str, source: str) -> Cohort:
    """Keep the patients for whom the expression holds. Sub-cohorts have no screening table of their own."""
    if not expression:
        return cohort
    kept = subsets.kept(cohort.patients, expression, source)
    patients = cohort.patients.loc[kept].reset_index(drop=True)
    mine = {
        name: table[table["patient_id"].isin(patients["patient_id"])].reset_index(drop=True)
        for name in ("sites", "lines")
        if not (table := getattr(cohort, name)).empty
    }
    concerned = cohort.warnings["patient_id"]
    warnings = cohort.warnings[concerned.isna() | concerned.isin(patients["patient_id"])].reset_index(
        drop=True
    )
    return replace(cohort, patients=patients, screening=pd.DataFrame(), warnings=warnings, **mine)
