"""A cohort: its tables, tidy, validated and in days since day 0, and what to call it.

:func:`read_cohort` accepts the name of a bundled cohort, a ``cohort.yml``, a folder that holds one, or a bare
table whose columns already carry the names of the data dictionary (:mod:`analysis_lib.schema`).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from analysis_lib import intake, schema
from analysis_lib.intake import DAYS_PER_MONTH
from analysis_lib.manifest import CAR_T, CohortError, bundled_cohorts, listed, locate, problem, read_manifest

__all__ = ["CAR_T", "DAYS_PER_MONTH", "Cohort", "CohortError", "bundled_cohorts", "locate", "read_cohort"]


@dataclass(frozen=True, eq=False)  # compared by identity: tables have no single truth value
class Cohort:
    """Tidy tables of one cohort, in days since day 0, and what to call it.

    An absent table is an empty frame. ``patients`` holds the derived columns of the data dictionary as well. Counts below
    ``min_cell_count`` are not shown (:mod:`analysis_lib.disclosure`); 0 and 1 show everything.
    """

    name: str
    title: str
    index_event: str
    synthetic: bool
    note: str
    patients: pd.DataFrame
    sites: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    screening: pd.DataFrame = field(default_factory=pd.DataFrame)
    min_cell_count: int = 0

    @property
    def after_car_t(self) -> bool:
        """Whether day 0 is the CAR T-cell infusion, as in the study."""
        return self.index_event == CAR_T

    def lacks(self, *fields: str) -> str:
        """Say which of the fields this cohort does not have; empty when it has them all.

        Parameters
        ----------
        *fields : str
            ``"stage"`` for a column of ``patients``, ``"sites.dose_gy"`` for another table. A column without a
            single value counts as absent, unless it is a moment: the event may have happened to nobody.
        """
        absent = []
        for name in dict.fromkeys(fields):
            table, column = name.split(".") if "." in name else ("patients", name)
            frame = getattr(self, table)
            if column not in frame or (frame[column].isna().all() and not column.endswith("_day")):
                source = schema.DERIVED[column].source if column in schema.DERIVED else column
                source = "lines.modality" if column == "salvage_sequence" else source
                absent.append(source if table == "patients" else f"{table}.{source}")
        return f"this cohort has no column {listed(absent)}" if absent else ""


def read_cohort(where: str | Path) -> Cohort:
    """Read, map, validate and complete a cohort.

    Parameters
    ----------
    where : str or Path
        Name of a bundled cohort, path of a ``cohort.yml``, of a folder that holds one, or of a bare table.

    Returns
    -------
    Cohort

    Raises
    ------
    CohortError
        With every problem found in the manifest and the tables.
    """
    path = locate(where)
    manifest = read_manifest(path)
    problems: list[dict] = []
    tables = {name: intake.read_mapped(path.parent, name, file, manifest, problems)
              for name, file in manifest["tables"].items()}
    if problems:
        raise CohortError(path.name, problems)
    patients = tables["patients"]
    if "patient_id" not in patients and set(tables) == {"patients"}:
        patients.insert(0, "patient_id", [str(number + 1) for number in range(len(patients))])
    for name, table in tables.items():
        tables[name] = intake.in_days(name, table, patients, manifest, problems)
        problems += intake.violations(name, tables[name])
    if not problems:
        problems += intake.disorders(tables)
    if problems:
        raise CohortError(path.name, problems)
    cohort = Cohort(
        name=manifest["name"], title=manifest["title"], index_event=manifest["index_event"],
        synthetic=manifest["synthetic"] == "true", note=manifest["note"],
        min_cell_count=int(manifest["min_cell_count"]),
        **{name: _typed(name, table) for name, table in tables.items()})
    return _subset(_with_derived(cohort), manifest["subset"], path.name)


def _typed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Levels become ordered categories, so that tables and figures list them as the dictionary does."""
    columns = schema.TABLES[name].columns
    levels = {c: pd.CategoricalDtype(list(columns[c].metadata["levels"]), ordered=True)
              for c in table if columns[c].metadata["kind"] == "level"}
    ordered = [c for c in columns if c in table]
    return table.astype(levels)[ordered].reset_index(drop=True)


def _with_derived(cohort: Cohort) -> Cohort:
    patients, lines = cohort.patients.copy(), cohort.lines
    for name, rule in schema.DERIVED.items():
        if rule.source in patients:
            source = patients[rule.source]
            holds = source >= rule.at_least if rule.at_least is not None else source.isin(rule.levels)
            answer = holds.map({True: "yes", False: "no"}).where(source.notna())
            patients[name] = pd.Categorical(answer, schema.YES_NO, ordered=True)
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
    had = {kind: patients["patient_id"].isin(later.loc[later["modality"].isin(kinds), "patient_id"])
           for kind, kinds in {"RT": ["RT", "CMT"], "ST": ["ST", "CMT", "HSCT", "CAR T"]}.items()}
    first = patients["salvage_regimen"].astype("string")
    sequence = first.mask((first == "ST") & had["RT"], "ST then RT").mask((first == "RT") & had["ST"], "RT then ST")
    return pd.Categorical(sequence, ["RT", "CMT", "ST", "ST then RT", "RT then ST"], ordered=True)


def _subset(cohort: Cohort, expression: str, source: str) -> Cohort:
    """Keep the patients for whom the expression holds. Sub-cohorts have no screening table of their own."""
    if not expression:
        return cohort
    names = _names_in(expression, source)
    unknown = sorted(names - set(cohort.patients))
    if unknown:
        raise CohortError(source, [problem(
            source, f"the subset speaks of {listed(unknown)}, which the patients table does not have",
            f"It has: {', '.join(cohort.patients)}.", field="subset", value=expression)])
    plain = cohort.patients.astype({c: "string" for c in cohort.patients.select_dtypes("category")})
    try:
        kept = plain.query(expression, engine="python").index
    except Exception as error:  # whatever pandas says of an expression, the reader needs one sentence
        raise CohortError(source, [problem(source, f"the subset cannot be evaluated ({error})",
                                            "Compare columns with values, such as: stage in ('I', 'II').",
                                            field="subset", value=expression)]) from None
    if kept.empty:
        raise CohortError(source, [problem(source, "the subset keeps no patient",
                                            "Check the spelling of its values.", field="subset", value=expression)])
    patients = cohort.patients.loc[kept].reset_index(drop=True)
    mine = {name: table[table["patient_id"].isin(patients["patient_id"])].reset_index(drop=True)
            for name in ("sites", "lines") if not (table := getattr(cohort, name)).empty}
    return replace(cohort, patients=patients, screening=pd.DataFrame(), **mine)


def _names_in(expression: str, source: str) -> set[str]:
    """Names used in a subset expression, which may compare and combine columns but not call anything."""
    try:
        nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    except SyntaxError:
        nodes = [ast.Call()]
    if any(isinstance(node, (ast.Call, ast.Attribute, ast.Lambda)) for node in nodes):
        raise CohortError(source, [problem(source, "this is not a comparison of columns with values",
                                            "Write it such as: stage in ('I', 'II') and ecog < 2.",
                                            field="subset", value=expression)])
    return {node.id for node in nodes if isinstance(node, ast.Name)}
