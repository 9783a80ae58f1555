"""Table 1: characteristics of the patients, by first salvage regimen, with the test that fits each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis_lib.analyses import auditor
from analysis_lib.analyses.summaries import association, proportion
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results
from analysis_lib.rows.results import row, slug

WITHOUT_CNS = "patients without CNS disease"  # those among whom bulk is measured
# Table 1 in the paper's order: column, heading, and what its levels are called where yes and no do not do.
TABLE_1 = {
    "bridging_therapy": ("Bridging therapy", {}),
    "car_t_product": ("CAR T product", {}),
    "best_response": ("Best response", {}),
    "cns_disease": ("CNS disease", {}),
    "bulky_disease": ("Bulky disease", {"yes": "5 cm or more", "no": "less than 5 cm"}),
    "two_or_more_sites": ("Number of disease sites", {"yes": "2 or more", "no": "fewer than 2"}),
    "extranodal_disease": ("Extranodal disease", {}),
    "ecog": ("ECOG performance status", {}),
    "stage": ("Stage", {}),
    "ldh_elevated": ("Elevated LDH", {}),
    "ipi": ("IPI", {}),
    "last_disease_status": ("Disease status at last follow-up", {}),
    "vital_status": ("Vital status", {}),
}
# absent, these are not missed when day 0 is something else
CAR_T_ONLY = ("bridging_therapy", "car_t_product")


@disclosure.protected
def table_1(study: Cohort) -> pd.DataFrame:
    """Characteristics of the patients, per salvage regimen and overall, with a test between regimens.

    Returns
    -------
    pandas.DataFrame
        ``table1.n.<column>`` (patients in a column of the table: ``rt``, ``cmt``, ``st``, ``all``);
        ``table1.<variable>.<level>.<column>`` (percent of the column's patients, those with a missing value
        included); ``table1.<variable>.missing.<column>`` where a value is missing; ``table1.<variable>.p``
        (Pearson chi-square over known values); ``table1.left_out`` names absent columns. In proportions
        ``population`` is the column of the table and ``group`` is ``variable: level``. Bulk is counted among
        patients without CNS disease, as in the paper. Without ``salvage_regimen`` there is the overall column
        only.
    """
    shown = {column: names for column, names in TABLE_1.items() if not study.lacks(column)}
    patients, regimen = study.patients, "salvage_regimen"
    columns = {"all": patients}
    if not study.lacks(regimen):
        groups = {slug(level): group for level, group in patients.groupby(regimen, observed=True)}
        columns = groups | columns
    parts = [
        row(slug("table1.n", name), "count", len(group), population=_column_name(name), group="patients")
        for name, group in columns.items()
    ]
    for column, (label, level_names) in shown.items():
        excluded = column == "bulky_disease" and not study.lacks("cns_disease")
        for level in [*_levels(patients[column]), pd.NA]:
            for name, group in columns.items():
                among = group[group["cns_disease"] != "yes"] if excluded else group
                parts.append(_cell(among[column], level, column, name, label, level_names, excluded))
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
    rows = results.collect(parts)
    rows = _without_idle_levels(rows, study.min_cell_count)
    if disclosure.hides(study):
        rows = auditor.withheld(disclosure.protect(study, rows), study.min_cell_count)
    missed = [c for c in TABLE_1 if c not in shown and (study.after_car_t or c not in CAR_T_ONLY)]
    return (
        results.collect([rows, results.skipped("table1.left_out", study.lacks(*missed))]) if missed else rows
    )


def _column_name(name: str) -> str:
    return "all patients" if name == "all" else name.upper()


def _levels(values: pd.Series) -> list:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.dtype.categories)
    return sorted(values.dropna().unique())


def _cell(
    values: pd.Series,
    level: Any,
    column: str,
    name: str,
    label: str,
    level_names: dict[str, str],
    excluded: bool,
) -> dict:
    missing = level is pd.NA
    hits = values.isna() if missing else (values == level).fillna(False)
    shown = "missing" if missing else level_names.get(level, str(level))
    population = _column_name(name) + (", without CNS disease" if excluded else "")
    return proportion(
        slug("table1", column, "missing" if missing else level, name),
        int(hits.sum()),
        len(values),
        population=population,
        group=f"{label}: {shown}",
        by=column,
        level="missing" if missing else str(level),
    )


def _without_idle_levels(rows: pd.DataFrame, k: int) -> pd.DataFrame:
    """Drop the lines of Table 1 that count nobody in any column: no missing value, a level that does not
    occur. Where small numbers are hidden such a level stays: that it is not there would say so of everybody.
    """
    counted = rows.groupby(["by", "level"])["events"].transform("sum")
    idle = (rows["statistic"] == "proportion") & (counted == 0) & ((k <= 1) | (rows["level"] == "missing"))
    return rows[~idle].reset_index(drop=True)
