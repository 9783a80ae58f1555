"""Patients by their first course of radiotherapy: comprehensive against focal fields, response, what
followed.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses import log_rank, summaries
from analysis_lib.analyses.radiotherapy import DETAILS, dose_range, in_months, share_of_sites
from analysis_lib.cohort import disclosure, endpoints, first_course
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.first_course import BED_GROUPS, next_therapy
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import columns, words
from analysis_lib.rows import results
from analysis_lib.rows.results import row, slug

BASELINE = (
    "high_ipi",
    "advanced_stage",
    "two_or_more_sites",
    "extranodal_disease",
    "bulky_disease",
    "ldh_elevated",
    "poor_performance",
)
FIRST = "first courses"


@disclosure.protected
@needs("first.patients", "sites.rt_start_day")
def first_courses(study: Cohort) -> pd.DataFrame:
    """First courses: patients, sites, sites per patient, sites with incomplete details; and patients by
    field.

    Rows ``first.patients, first.sites, first.sites_per_patient, first.incomplete, first.patients.<field>``.
    """
    sites, courses = first_course.first_course_sites(study.sites), first_course.first_courses(study.sites)
    details = [c for c in DETAILS if c in sites]
    rows = [
        row("first.patients", "count", len(courses), population=FIRST),
        disclosure.of_patients(
            row("first.sites", "count", len(sites), population=FIRST),
            study.min_cell_count,
            sites["patient_id"],
        ),
        summaries.spread(
            "first.sites_per_patient",
            courses["n_sites"],
            "range",
            least=study.min_cell_count,
            population=FIRST,
        ),
    ]
    if details:
        rows.append(
            share_of_sites(
                "first.incomplete",
                sites,
                sites[details].isna().any(axis=1),
                study.min_cell_count,
                population=FIRST,
            )
        )
    if "rt_field" in courses:
        rows += summaries.proportions(
            courses["rt_field"], "first.patients", study.min_cell_count, population=FIRST
        )
    return results.collect(rows)


@disclosure.protected
@needs("first.dose", "sites.rt_field", "sites.dose_gy")
def dose_by_field(study: Cohort) -> pd.DataFrame:
    """Dose of a first-course site by field: rows ``first.sites.<field>, first.dose.<field>`` and
    ``first.dose.p``.
    """
    sites = first_course.first_course_sites(study.sites)
    rows = []
    for field, of in sites.groupby("rt_field", observed=True):
        count = row(
            slug("first.sites", field),
            "count",
            len(of),
            population=field,
            group="Sites",
            by="rt_field",
            level=field,
        )
        rows += [
            disclosure.of_patients(count, study.min_cell_count, of["patient_id"]),
            dose_range(
                slug("first.dose", field),
                of["dose_gy"],
                population=field,
                group="Dose per site",
                by="rt_field",
                level=field,
                least=study.min_cell_count,
                whose=of["patient_id"],
            ),
        ]
    rows.append(
        summaries.rank_test(
            sites,
            "dose_gy",
            "rt_field",
            "first.dose.p",
            least=study.min_cell_count,
            population=FIRST,
            group="Dose per site",
        )
    )
    return results.collect(rows)


@disclosure.protected
@needs("first.baseline", "sites.rt_field", any_of=BASELINE)
def contrasts(study: Cohort) -> pd.DataFrame:
    """Baseline factors of patients with a comprehensive and a focal first course.

    For each of :data:`BASELINE` that the cohort has: shares ``first.<factor>.<field>`` among the patients in
    whom it is known, and ``first.<factor>.p`` (chi-square; Fisher's exact test where an expected count is
    below 5). The factors are those at the first salvage therapy, which may be earlier than the radiotherapy.
    """
    factors = [factor for factor in BASELINE if not study.lacks(factor)]
    courses = first_course.first_courses(study.sites).merge(study.patients, on="patient_id")
    rows = []
    for factor in factors:
        name = words.label_of(factor)
        for field, of in courses.groupby("rt_field", observed=True):
            rows.append(
                summaries.proportion(
                    slug("first", factor, field),
                    (of[factor] == "yes").sum(),
                    of[factor].notna().sum(),
                    population=field,
                    group=name,
                    by=factor,
                    level="yes",
                )
            )
        rows.append(
            summaries.association(
                courses,
                factor,
                "rt_field",
                slug("first", factor, "p"),
                exact_if_sparse=True,
                least=study.min_cell_count,
                population=FIRST,
                group=name,
            )
        )
    return results.collect(rows)


@disclosure.protected
@needs("first.response", "sites.rt_field", "sites.in_field_response")
def responses_by_field(study: Cohort) -> pd.DataFrame:
    """In-field response of first-course sites by field: ``first.evaluable.<field>``,
    ``first.response.<field>.<level>``.
    """
    sites = first_course.first_course_sites(study.sites)
    sites = sites[sites["in_field_response"].notna()]
    evaluable = sites[sites["in_field_response"] != "not evaluable"]
    k = study.min_cell_count
    rows = [
        share_of_sites(
            slug("first.evaluable", field),
            of,
            of["in_field_response"] != "not evaluable",
            k,
            population=field,
            group="Evaluable sites",
        )
        for field, of in sites.groupby("rt_field", observed=True)
    ]
    rows += [
        share_of_sites(
            slug("first.response", field, level),
            of,
            of["in_field_response"] == level,
            k,
            population=field,
            group=level,
            by="in_field_response",
            level=level,
        )
        for level in columns.RESPONSES
        if k > 1 or (evaluable["in_field_response"] == level).any()
        for field, of in evaluable.groupby("rt_field", observed=True)
    ]
    return results.collect(rows)


@disclosure.protected
@needs("first.low_bed", "sites.rt_field", "bed_group")
def low_dose(study: Cohort) -> pd.DataFrame:
    """Patients whose highest BED in the first course is not above
    :data:`analysis_lib.cohort.first_course.HIGH_BED`: rows ``first.low_bed.<field>``.

    Counts patients with known dose.
    """
    courses = (
        first_course.first_courses(study.sites)
        .merge(first_course.described(study).patients, on="patient_id")
        .dropna(subset=["bed_group"])
    )
    return results.collect(
        [
            summaries.proportion(
                slug("first.low_bed", field),
                (of["bed_group"] == BED_GROUPS[1]).sum(),
                len(of),
                population=field,
                group=f"BED {BED_GROUPS[1]}",
            )
            for field, of in courses.groupby("rt_field", observed=True)
        ]
    )


@disclosure.protected
@needs("first.limited", "sites.rt_field", "stage")
def limited_stage(study: Cohort) -> pd.DataFrame:
    """Patients in stage I or II among those with a first course of each field: rows
    ``first.limited.<field>``.
    """
    courses = first_course.first_courses(study.sites).merge(study.patients, on="patient_id")
    return results.collect(
        [
            summaries.proportion(
                slug("first.limited", field),
                (of["advanced_stage"] == "no").sum(),
                of["stage"].notna().sum(),
                population=field,
                group="Stage I or II",
            )
            for field, of in courses.groupby("rt_field", observed=True)
        ]
    )


@disclosure.protected
@needs("further.patients", "further_therapy", "OSRT")
def further_therapy(study: Cohort) -> pd.DataFrame:
    """Comprehensive first course in stage I or II: how long until further therapy, and its test without
    immortal time.

    Rows ``further.patients`` (share who had further therapy), ``further.wait`` (months from the start of
    radiotherapy to it; median and range) and ``further.mantel_byar`` (overall survival, further therapy
    counting only from the day it began).
    """
    frame = endpoints.derive(study, "OSRT")
    frame = frame[frame["further_therapy"].notna()]
    if frame.empty:
        return results.skipped("further.patients", "nobody in stage I or II had a comprehensive first course")
    start = study.patients["patient_id"].map(frame.set_index("patient_id")["rt_start_day"]).astype("Int64")
    begun = next_therapy(study, start).set_axis(study.patients["patient_id"])
    wait = frame["patient_id"].map(begun) - frame["rt_start_day"]
    labels = {"population": "stage I or II, comprehensive first course"}
    return results.collect(
        [
            summaries.proportion("further.patients", wait.notna().sum(), len(frame), **labels),
            in_months("further.wait", wait, least=study.min_cell_count, **labels),
            log_rank.mantel_byar(
                frame["days"],
                frame["event"],
                wait.astype("Float64").to_numpy(dtype=float, na_value=float("nan")),
                "further.mantel_byar",
                endpoint="OSRT",
                by="further_therapy",
                least=study.min_cell_count,
                **labels,
            ),
        ]
    )
