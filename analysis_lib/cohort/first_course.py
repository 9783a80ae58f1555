"""Patients joined with their first course of radiotherapy after CAR T: dose, field, what came next."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary import columns, rules

Quantity = TypeVar("Quantity", float, "pd.Series")


def first_courses(sites: pd.DataFrame) -> pd.DataFrame:
    """One row a patient: the first radiotherapy course, with ``n_sites`` and, if known, its highest dose per
    site.

    Columns: ``patient_id, rt_start_day, n_sites`` and those of ``rt_field, dose_gy, fractions`` that the
    table has; dose (Gy) and fractions are those of the course's site with the highest dose.
    """
    first = first_course_sites(sites)
    n_sites = first.groupby("patient_id").size().rename("n_sites").reset_index()
    if "dose_gy" in first:
        first = first.sort_values("dose_gy", ascending=False, na_position="last", kind="stable")
    kept = [c for c in ("patient_id", "rt_start_day", "rt_field", "dose_gy", "fractions") if c in first]
    leading = first.drop_duplicates("patient_id")[kept]
    return n_sites.merge(leading, on="patient_id").sort_values("patient_id").reset_index(drop=True)


def first_course_sites(sites: pd.DataFrame) -> pd.DataFrame:
    """The rows of each patient's first radiotherapy course."""
    return sites[sites["course"] == sites.groupby("patient_id")["course"].transform("min")]


# Gy; above it the study speaks of high-dose radiotherapy (Ababneh et al., Haematologica 2023)
HIGH_BED = 30.0
BED_GROUPS = (f"> {HIGH_BED:g} Gy", f"≤ {HIGH_BED:g} Gy")
TUMOUR = 10.0  # Gy, alpha/beta of tumour and of tissue that responds early
OF_FIRST_COURSE = tuple(rules.SOURCES)
FURTHER = ("RT alone", "RT, then more")


def bed(dose_gy: Quantity, fractions: Quantity, alpha_beta: float) -> Quantity:
    """Biologically effective dose in Gy: ``n d (1 + d / (alpha/beta))`` with ``n`` fractions of ``d`` (Fowler
    1989).

    Parameters
    ----------
    dose_gy, fractions : number or pandas.Series
        Total dose ``n d`` in Gy, and number of fractions ``n``.
    alpha_beta : float
        In Gy; 10 for tumour and early-responding tissue.
    """
    if alpha_beta <= 0:
        raise ValueError("alpha_beta must be a positive number of Gy")
    return dose_gy * (1 + dose_gy / fractions / alpha_beta)


def with_bed(sites: pd.DataFrame, alpha_beta: float) -> pd.DataFrame:
    """Sites with ``bed`` (Gy; empty where dose or fractions are) and ``high_bed`` (yes or no)."""
    # Rounding keeps a BED of exactly 30 Gy from landing on either side of the limit by floating point.
    effective = bed(
        sites["dose_gy"].astype("Float64"), sites["fractions"].astype("Float64"), alpha_beta
    ).round(9)
    return sites.assign(bed=effective, high_bed=either(effective > HIGH_BED, *columns.YES_NO))


def either(holds: pd.Series, yes: str, no: str) -> pd.Series:
    """``yes`` where it holds, ``no`` where it does not, empty where it is not known; as an ordered
    category.
    """
    return holds.map({True: yes, False: no}).astype(pd.CategoricalDtype([yes, no], ordered=True))


def described(study: Cohort) -> Cohort:
    """The cohort with the columns of :func:`with_first_course`: as it has them, or for tumour."""
    return study if set(OF_FIRST_COURSE) & set(study.patients) else with_first_course(study, TUMOUR)


def with_first_course(study: Cohort, alpha_beta: float) -> Cohort:
    """The cohort with three more columns in ``patients``, which describe the first radiotherapy course.

    ``bed_group``
        :data:`BED_GROUPS`, by the highest biologically effective dose among the sites of the first course.
    ``comprehensive_sites``
        One, two, or three or more irradiated sites; only for a comprehensive first course.
    ``further_therapy``
        :data:`FURTHER`: whether any line of therapy, or a transplant, started after the first course; only
        for a comprehensive first course in stage I or II. It is defined by the future (immortal time).

    A column whose sources the cohort lacks (:data:`analysis_lib.dictionary.rules.SOURCES`) is left out.
    """
    if study.sites.empty:
        return study
    patients, first = study.patients.copy(), first_courses(study.sites).set_index("patient_id")
    ids = patients["patient_id"]
    if not study.lacks(*rules.SOURCES["bed_group"]):
        sites = with_bed(first_course_sites(study.sites), alpha_beta)
        highest = ids.map(sites.groupby("patient_id")["bed"].max()).astype("Float64")
        patients["bed_group"] = either(highest > HIGH_BED, *BED_GROUPS)
    if not study.lacks(*rules.SOURCES["comprehensive_sites"]):
        comprehensive = ids.map(first["rt_field"].astype("string")) == "comprehensive"
        number = (
            ids.map(first["n_sites"])
            .clip(upper=3)
            .map({1: "one site", 2: "two sites", 3: "three or more sites"})
        )
        patients["comprehensive_sites"] = pd.Categorical(
            number.where(comprehensive), ["one site", "two sites", "three or more sites"], ordered=True
        )
        if not study.lacks(*rules.SOURCES["further_therapy"]):
            limited = patients["advanced_stage"] == "no"
            further = next_therapy(study, ids.map(first["rt_start_day"]).astype("Int64")).notna()
            groups = either(further, FURTHER[1], FURTHER[0]).where(comprehensive & limited)
            patients["further_therapy"] = groups.cat.reorder_categories(FURTHER)
    return replace(study, patients=patients)


def next_therapy(study: Cohort, start: pd.Series) -> pd.Series:
    """The day on which the first line of therapy or transplant after ``start`` began, for each row of
    ``patients``.
    """
    ids = study.patients["patient_id"]
    lines = study.lines.assign(after=study.lines["patient_id"].map(start.set_axis(ids)))
    later = lines[(lines["line_start_day"] > lines["after"]).fillna(False)]
    following = ids.map(later.groupby("patient_id")["line_start_day"].min()).astype("Int64")
    if "transplant_day" not in study.patients:
        return following
    transplant = study.patients["transplant_day"].where(study.patients["transplant_day"] > start)
    return pd.concat([following, transplant], axis=1).min(axis=1).astype("Int64")
