"""Table 1: characteristics of the patients, by first salvage regimen, with the test that fits each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis_lib.analyses import auditor
from analysis_lib.analyses.summaries import association, kruskal_wallis, proportion, spread
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.factors import Factor
from analysis_lib.rows import results
from analysis_lib.rows.released import derived
from analysis_lib.rows.results import row, slug

WITHOUT_CNS = "patients without CNS disease"  # those among whom bulk is measured
AMONG = ", without CNS disease"  # what then follows the name of a column
# What the paper heads a block with, where that is not what the column is called elsewhere.
HEADINGS = {
    "bulky_disease": "Bulky disease",
    "two_or_more_sites": "Number of disease sites",
}
# absent, these are not missed when day 0 is something else
CAR_T_ONLY = ("bridging_therapy", "car_t_product")
OUTCOMES = ("last_disease_status", "vital_status")  # they stand in the table, but came after the treatment


@disclosure.protected
def table_1(study: Cohort) -> pd.DataFrame:
    """Characteristics of the patients, per group (salvage regimen, or the column that the cohort names) and
    overall, with a test between groups.

    Returns
    -------
    pandas.DataFrame
        ``table1.n.<column>`` (patients in a column of the table: ``rt``, ``cmt``, ``st``, ``all``);
        ``table1.<variable>.<level>.<column>`` (percent of the column's patients, those with a missing value
        included); ``table1.<variable>.missing.<column>`` where a value is missing; ``table1.<variable>.p``
        (Pearson chi-square over known values; of a number Kruskal and Wallis' test, with
        ``table1.<variable>.median.<column>`` in place of levels); ``table1.left_out`` names absent columns.
        In proportions ``population`` is the column of the table and ``group`` is ``variable: level``. Bulk is
        counted among patients without CNS disease, as in the paper. Without ``salvage_regimen`` there is the
        overall column only.
    """
    listed = [each for each in study.factors if each.table_1]
    shown = [each for each in listed if not study.lacks(each.column) and each.column != study.groups]
    patients, regimen = study.patients, study.groups
    columns = {"all patients": patients}
    if not study.lacks(regimen):
        columns = {str(level): group for level, group in patients.groupby(regimen, observed=True)} | columns
    parts = [
        row(slug("table1.n", _as_id(name)), "count", len(group), population=name, group="patients")
        for name, group in columns.items()
    ]
    for factor in shown:
        column, label = factor.column, HEADINGS.get(factor.column, study.label_of(factor.column))
        if factor.number:
            parts += _of_number(study, factor, columns, regimen)
            continue
        excluded = column == "bulky_disease" and not study.lacks("cns_disease")
        for level in [*_levels(patients[column]), pd.NA]:
            for name, group in columns.items():
                among = group[group["cns_disease"] != "yes"] if excluded else group
                parts.append(_cell(among[column], level, factor, name, label, excluded))
        if len(columns) > 1:
            among = patients[patients["cns_disease"] != "yes"] if excluded else patients
            parts.append(
                association(
                    among,
                    column,
                    regimen,
                    slug("table1", column, "p"),
                    group=label,
                    least=study.min_cell_count,
                    population=WITHOUT_CNS if excluded else "all patients",
                )
            )
    rows = _with_names(study, results.collect(parts), list(columns))
    rows = _without_idle_levels(rows, study.min_cell_count)
    if disclosure.hides(study):
        rows = auditor.withheld(disclosure.protect(study, rows), study.min_cell_count)
    missed = [
        each.column
        for each in listed
        if each not in shown and (study.after_car_t or each.column not in CAR_T_ONLY)
    ]
    if study.own_factors and not study.after_car_t:
        missed = []  # another disease has characteristics of its own
    return (
        results.collect([rows, results.skipped("table1.left_out", study.lacks(*missed))]) if missed else rows
    )


def _as_id(column: str) -> str:
    return "all" if column == "all patients" else slug(column).replace(".", "_")


def _levels(values: pd.Series) -> list:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.dtype.categories)
    return sorted(values.dropna().unique())


def _cell(
    values: pd.Series,
    level: Any,
    factor: Factor,
    name: str,
    label: str,
    excluded: bool,
) -> dict:
    missing, column = level is pd.NA, factor.column
    hits = values.isna() if missing else (values == level).fillna(False)
    shown = "missing" if missing else factor.level_names.get(level, str(level))
    population = name + (AMONG if excluded else "")
    return proportion(
        slug("table1", column, "missing" if missing else level, _as_id(name)),
        int(hits.sum()),
        len(values),
        population=population,
        group=f"{label}: {shown}",
        by=column,
        level="missing" if missing else str(level),
    )


def _of_number(study: Cohort, factor: Factor, columns: dict[str, pd.DataFrame], regimen: str) -> list[dict]:
    """A measured factor: its median and quartiles for each column of the table, how often it is not known,
    and the test between the regimens.
    """
    column, label, least = factor.column, study.label_of(factor.column), study.min_cell_count
    assert factor.entry is not None  # numbers are declared by the cohort
    unit = factor.entry.metadata["unit"]
    rows = [
        spread(
            slug("table1", column, "median", _as_id(name)),
            group[column],
            least=least,
            population=name,
            group=f"{label}: median (quartiles), {unit}",
            by=column,
        )
        for name, group in columns.items()
    ]
    rows += [
        _cell(group[column], pd.NA, factor, name, label, excluded=False) for name, group in columns.items()
    ]
    if len(columns) > 1:
        test = slug("table1", column, "p")
        rows.append(kruskal_wallis(study.patients, column, regimen, test, least, group=label))
    return rows


def _with_names(study: Cohort, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The rows with what their columns are called; a group of no or yes is called after its question."""
    called = {
        name + among: study.group_label(study.groups, name) + among
        for name in columns
        for among in ("", AMONG)
    }
    return rows.assign(population=rows["population"].replace(called))


def _without_idle_levels(rows: pd.DataFrame, k: int) -> pd.DataFrame:
    """Drop the lines of Table 1 that count nobody in any column: no missing value, a level that does not
    occur. Where small numbers are hidden such a level stays: that it is not there would say so of everybody.
    """
    counted = rows.groupby(["by", "level"])["events"].transform("sum")
    idle = (rows["statistic"] == "proportion") & (counted == 0) & ((k <= 1) | (rows["level"] == "missing"))
    return rows[~idle].reset_index(drop=True)


@derived
def furthest_apart(rows: pd.DataFrame, most: int = 3) -> pd.DataFrame:
    """The characteristics in which the groups of Table 1 lie furthest apart, by the size of the difference.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of :func:`table_1`.
    most : int
        How many characteristics.

    Returns
    -------
    pandas.DataFrame
        Of each characteristic the level whose highest and lowest share differ by most percentage points: its
        rows, one a group, then its test, which has no say in the choice. The furthest apart stand first.
        Levels of which a group does not show its share are left out, and so are outcomes and missing values.
        Or the row that says that there is none.
    """
    of_groups = rows[
        (rows["statistic"] == "proportion")
        & (rows["level"] != "missing")
        & ~rows["by"].isin(OUTCOMES)
        & ~rows["population"].isin(["all patients", "all patients" + AMONG])
    ]
    lines = [
        (float(line["value"].max() - line["value"].min()), line)
        for _, line in of_groups.groupby(["by", "level"], sort=False)
        if len(line) > 1 and line["value"].notna().all()
    ]
    found: list[pd.DataFrame] = []
    told: set[str] = set()
    for _, line in sorted(lines, key=lambda each: -each[0]):
        variable = line["by"].iloc[0]
        if variable not in told and len(told) < most:
            told.add(variable)
            line = _line_of(line, heading_of(of_groups.loc[of_groups["by"] == variable, "group"]))
            found += [line, _test_of(rows, variable, line["group"].iloc[0])]
    if not found:
        return results.skipped("table1.apart", "there is no share that every group shows")
    return results.collect(found)


def heading_of(groups: Iterable[str]) -> str:
    """What stands before the levels of a characteristic in the names of its lines (``heading: level``); a
    hospital's headings and levels may hold colons of their own.
    """
    return os.path.commonprefix([*groups]).rpartition(": ")[0]


def _line_of(line: pd.DataFrame, heading: str) -> pd.DataFrame:
    """A line of the table, whose columns are the groups alone: among whom it counts stands in its name."""
    among = f" ({AMONG.removeprefix(', ')})" if line["population"].iloc[0].endswith(AMONG) else ""
    return line.assign(
        population=line["population"].str.removesuffix(AMONG),
        group=heading + among + line["group"].str.removeprefix(heading),
    )


def _test_of(rows: pd.DataFrame, variable: str, name: str) -> pd.DataFrame:
    """The test of a characteristic, under the name of one of its lines."""
    return rows[rows["result_id"] == slug("table1", variable, "p")].assign(group=name)
