"""Salvage radiotherapy: courses, sites, dose, in-field response and control; comprehensive and focal first courses.

Most rows speak of *sites*. Several sites may belong to one patient, so their intervals and P values, which treat sites
as independent, are too confident; ``survival.clustered_rates`` and the chapters say by how much.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis_lib import describe, disclosure, endpoints, results, schema, survival
from analysis_lib.cohort import DAYS_PER_MONTH, Cohort
from analysis_lib.results import row, slug

HIGH_BED = 30.0  # Gy; above it the study speaks of high-dose radiotherapy (Ababneh et al., Haematologica 2023)
BED_GROUPS = (f"> {HIGH_BED:g} Gy", f"≤ {HIGH_BED:g} Gy")
FURTHER = ("RT alone", "RT, then more")
BASELINE = ("high_ipi", "advanced_stage", "two_or_more_sites", "extranodal_disease", "bulky_disease", "ldh_elevated",
            "poor_performance")
DETAILS = ("technique", "dose_gy", "fractions")
SITES = "irradiated sites"
FIRST = "first courses"


def bed(dose_gy, fractions, alpha_beta: float):
    """Biologically effective dose in Gy: ``n d (1 + d / (alpha/beta))`` with ``n`` fractions of ``d`` (Fowler 1989).

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


# --- all courses ----------------------------------------------------------------------------------------------

@disclosure.protected
def volume(study: Cohort) -> pd.DataFrame:
    """Who was irradiated: patients, courses, sites, earlier bridging radiotherapy, time from day 0 to the first course.

    Rows ``rt.patients, rt.courses, rt.sites, rt.sites_per_patient, rt.start``; with bridging known ``rt.bridged`` (of
    the irradiated), ``rt.same_site`` (of the bridged: a salvage site that had been irradiated before).
    """
    if reason := study.lacks("sites.rt_start_day"):
        return results.skipped("rt.patients", reason)
    sites, everyone = study.sites, len(study.patients)
    treated = study.patients[study.patients["patient_id"].isin(sites["patient_id"])]
    rows = [describe.proportion("rt.patients", len(treated), everyone),
            row("rt.courses", "count", len(sites.drop_duplicates(["patient_id", "course"]))),
            row("rt.sites", "count", len(sites), population=SITES)]
    if treated.empty:
        return results.collect(rows)
    irradiated = {"population": "irradiated patients"}
    rows += [describe.spread("rt.sites_per_patient", sites.groupby("patient_id").size(), "range", **irradiated),
             describe.spread("rt.start", endpoints.first_courses(sites)["rt_start_day"], days=True, **irradiated)]
    if "bridging_radiotherapy" in treated:
        bridged = _bridged(treated)
        rows.append(describe.proportion("rt.bridged", (bridged == "yes").sum(), bridged.notna().sum(), **irradiated))
        if "previously_irradiated" in sites:
            again = sites.loc[sites["previously_irradiated"] == "yes", "patient_id"]
            ids = treated.loc[bridged == "yes", "patient_id"]
            rows.append(describe.proportion("rt.same_site", ids.isin(again).sum(), len(ids),
                                            population="irradiated patients with bridging radiotherapy"))
    return results.collect(rows)


def _bridged(patients: pd.DataFrame) -> pd.Series:
    """Bridging radiotherapy, yes or no; whoever had no bridging at all had no bridging radiotherapy."""
    known = patients["bridging_radiotherapy"].astype("string")
    return known.mask(known.isna() & (patients["bridging_therapy"] == "no"), "no") if "bridging_therapy" in patients else known


@disclosure.protected
def shares(study: Cohort, column: str, prefix: str) -> pd.DataFrame:
    """The share of each level of a column among the sites where it is known: rows ``<prefix>.<level>``, most frequent first."""
    if reason := study.lacks(f"sites.{column}"):
        return results.skipped(prefix, reason)
    rows = describe.proportions(study.sites[column], prefix, population=SITES)
    collected = results.collect(sorted(rows, key=lambda r: -r["events"]))
    collected.attrs["label"] = schema.label_of(column)
    return collected


@disclosure.protected
def doses(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """Dose, fractions and biologically effective dose of a site, and the sites whose details are incomplete.

    Rows ``rt.dose, rt.fractions, rt.bed`` (median and range of the known values), ``rt.high_bed`` (share above
    :data:`HIGH_BED`), ``rt.incomplete`` (share of sites without technique, dose or fractions).
    """
    if reason := study.lacks("sites.dose_gy", "sites.fractions"):
        return results.skipped("rt.dose", reason)
    sites = _with_bed(study.sites, alpha_beta)
    labels = {"population": SITES}
    incomplete = sites[[c for c in DETAILS if c in sites]].isna().any(axis=1)
    known = sites["bed"].dropna()
    return results.collect([
        _dose_range("rt.dose", sites["dose_gy"], **labels),
        describe.spread("rt.fractions", sites["fractions"], "range", **labels),
        _dose_range("rt.bed", sites["bed"], **labels) | {"note": f"alpha/beta {alpha_beta:g} Gy"},
        describe.proportion("rt.high_bed", (known > HIGH_BED).sum(), len(known), **labels),
        describe.proportion("rt.incomplete", incomplete.sum(), len(sites), **labels)])


def _dose_range(result_id: str, values: pd.Series, **labels) -> dict:
    return describe.spread(result_id, values, "range", **labels) | {"statistic": "range dose"}


def _with_bed(sites: pd.DataFrame, alpha_beta: float) -> pd.DataFrame:
    """Sites with ``bed`` (Gy; empty where dose or fractions are) and ``high_bed`` (yes or no)."""
    # Rounding keeps a BED of exactly 30 Gy from landing on either side of the limit by floating point.
    effective = bed(sites["dose_gy"].astype("Float64"), sites["fractions"].astype("Float64"), alpha_beta).round(9)
    return sites.assign(bed=effective, high_bed=_either(effective > HIGH_BED, *schema.YES_NO))


def _either(holds: pd.Series, yes: str, no: str) -> pd.Series:
    """``yes`` where it holds, ``no`` where it does not, empty where it is not known; as an ordered category."""
    return holds.map({True: yes, False: no}).astype(pd.CategoricalDtype([yes, no], ordered=True))


@disclosure.protected
def bulk(study: Cohort) -> pd.DataFrame:
    """Sites whose size could be assessed on PET/CT (``rt.assessable``), and how many of those were bulky (``rt.bulky``)."""
    if reason := study.lacks("sites.bulky_site"):
        return results.skipped("rt.bulky", reason)
    size, labels = study.sites["bulky_site"], {"population": SITES}
    return results.collect([
        describe.proportion("rt.assessable", size.notna().sum(), len(size), **labels),
        describe.proportion("rt.not_assessable", size.isna().sum(), len(size), **labels),
        describe.proportion("rt.bulky", (size == "yes").sum(), size.notna().sum(), population="sites assessable on PET/CT")])


# --- in-field response and control ----------------------------------------------------------------------------

@disclosure.protected
def responses(study: Cohort) -> pd.DataFrame:
    """In-field response of the evaluable sites, and what became of the patients whose sites were not evaluable.

    Rows ``infield.evaluable, infield.not_evaluable`` (of all sites with an entry), ``infield.response.<level>`` (of the
    evaluable), and, when there are sites that were not evaluable, ``infield.not_evaluable.patients`` (a count),
    ``.follow_up`` (months from the start of the course to death or last contact) and ``.died``.
    """
    if reason := study.lacks("sites.in_field_response"):
        return results.skipped("infield.response", reason)
    known = study.sites[study.sites["in_field_response"].notna()]
    lost = known["in_field_response"] == "not evaluable"
    rows = [describe.proportion("infield.evaluable", (~lost).sum(), len(known), population=SITES),
            describe.proportion("infield.not_evaluable", lost.sum(), len(known), population=SITES),
            *describe.proportions(known.loc[~lost, "in_field_response"], "infield.response", population="evaluable sites")]
    if lost.any():
        courses = known[lost].drop_duplicates(["patient_id", "course"]).merge(study.patients, on="patient_id")
        patients = courses.drop_duplicates("patient_id")
        labels = {"population": "patients with sites that were not evaluable"}
        rows += [row("infield.not_evaluable.patients", "count", len(patients), **labels),
                 describe.spread("infield.not_evaluable.follow_up", courses["last_follow_up_day"] - courses["rt_start_day"],
                                 "range", days=True, **labels),
                 describe.proportion("infield.not_evaluable.died", (patients["vital_status"] == "dead").sum(), len(patients),
                                     **labels)]
    collected = results.collect(rows)
    collected.attrs["label"] = "Response"
    return collected


@disclosure.protected
def time_to_progression(study: Cohort) -> pd.DataFrame:
    """Time from the start of radiotherapy to in-field progression of the sites that progressed.

    Rows ``lc.progressed`` (share of assessable sites), ``lc.time_to_progression`` (median, range) and
    ``lc.time_to_progression.iqr`` (median, quartiles), in months.
    """
    if reason := endpoints.lacking(study, "LC"):
        return results.skipped("lc.time_to_progression", reason)
    sites = endpoints.derive(study, "LC")
    days, labels = sites.loc[sites["event"], "days"], {"population": "sites with in-field progression"}
    return results.collect([
        describe.proportion("lc.progressed", len(days), len(sites), population="assessable sites"),
        row("lc.patients", "count", sites["patient_id"].nunique(), population="patients with assessable sites"),
        describe.spread("lc.time_to_progression", days, "range", days=True, **labels),
        describe.spread("lc.time_to_progression.iqr", days, days=True, **labels)])


@disclosure.protected
def bed_by_bulk(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """Whether bulky sites were given more than :data:`HIGH_BED`: shares ``bed.high.bulk.<yes, no>`` and ``bed.high.bulk.p``."""
    if reason := study.lacks("sites.dose_gy", "sites.fractions", "sites.bulky_site"):
        return results.skipped("bed.high.bulk", reason)
    sites = _with_bed(study.sites, alpha_beta).dropna(subset=["bed", "bulky_site"])
    names = {"yes": "bulky", "no": "not bulky"}
    rows = [describe.proportion(slug("bed.high.bulk", level), (of["high_bed"] == "yes").sum(), len(of), group=names[level],
                                population="sites with known dose and size")
            for level, of in sites.groupby("bulky_site", observed=True)]
    rows.append(describe.association(sites, "high_bed", "bulky_site", "bed.high.bulk.p", exact_if_sparse=True, least=study.min_cell_count,
                                     group="BED by bulk", population="sites with known dose and size"))
    collected = results.collect(rows)
    collected.attrs["label"] = "Site"
    return collected


@disclosure.protected
def bed_by_control(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """BED of sites that failed locally and of sites that stayed controlled: ``bed.control.<failed, controlled>`` and ``.p``."""
    if reason := study.lacks("sites.dose_gy", "sites.fractions") or endpoints.lacking(study, "LC"):
        return results.skipped("bed.control", reason)
    sites = _with_bed(endpoints.derive(study, "LC"), alpha_beta).dropna(subset=["bed"])
    sites = sites.assign(outcome=_either(sites["event"], "failed", "controlled"))
    labels = {"population": "assessable sites with known dose"}
    rows = [_dose_range(slug("bed.control", outcome), of["bed"], group=outcome, **labels)
            for outcome, of in sites.groupby("outcome", observed=True)]
    rows.append(describe.rank_test(sites, "bed", "outcome", "bed.control.p", least=study.min_cell_count, group="BED by outcome", **labels))
    collected = results.collect(rows)
    collected.attrs["label"] = "Site"
    return collected


# --- first courses: comprehensive and focal -------------------------------------------------------------------

def with_first_course(study: Cohort, alpha_beta: float) -> Cohort:
    """The cohort with three more columns in ``patients``, which describe the first radiotherapy course.

    ``bed_group``
        :data:`BED_GROUPS`, by the highest biologically effective dose among the sites of the first course.
    ``comprehensive_sites``
        One, two, or three or more irradiated sites; only for a comprehensive first course.
    ``further_therapy``
        :data:`FURTHER`: whether any line of therapy, or a transplant, started after the first course; only for a
        comprehensive first course in stage I or II. It is defined by the future (immortal time).

    A column whose sources the cohort lacks (:data:`analysis_lib.schema.SOURCES`) is left out.
    """
    if study.sites.empty:
        return study
    patients, first = study.patients.copy(), endpoints.first_courses(study.sites).set_index("patient_id")
    ids = patients["patient_id"]
    if not study.lacks(*schema.SOURCES["bed_group"]):
        sites = _with_bed(endpoints.first_course_sites(study.sites), alpha_beta)
        highest = ids.map(sites.groupby("patient_id")["bed"].max()).astype("Float64")
        patients["bed_group"] = _either(highest > HIGH_BED, *BED_GROUPS)
    if not study.lacks(*schema.SOURCES["comprehensive_sites"]):
        comprehensive = ids.map(first["rt_field"].astype("string")) == "comprehensive"
        number = ids.map(first["n_sites"]).clip(upper=3).map({1: "one site", 2: "two sites", 3: "three or more sites"})
        patients["comprehensive_sites"] = pd.Categorical(
            number.where(comprehensive), ["one site", "two sites", "three or more sites"], ordered=True)
        if not study.lacks(*schema.SOURCES["further_therapy"]):
            limited = patients["advanced_stage"] == "no"
            further = _next_therapy(study, ids.map(first["rt_start_day"]).astype("Int64")).notna()
            groups = _either(further, FURTHER[1], FURTHER[0]).where(comprehensive & limited)
            patients["further_therapy"] = groups.cat.reorder_categories(FURTHER)
    return replace(study, patients=patients)


def _next_therapy(study: Cohort, start: pd.Series) -> pd.Series:
    """The day on which the first line of therapy or transplant after ``start`` began, for each row of ``patients``."""
    ids = study.patients["patient_id"]
    lines = study.lines.assign(after=study.lines["patient_id"].map(start.set_axis(ids)))
    later = lines[(lines["line_start_day"] > lines["after"]).fillna(False)]
    following = ids.map(later.groupby("patient_id")["line_start_day"].min()).astype("Int64")
    if "transplant_day" not in study.patients:
        return following
    transplant = study.patients["transplant_day"].where(study.patients["transplant_day"] > start)
    return pd.concat([following, transplant], axis=1).min(axis=1).astype("Int64")


@disclosure.protected
def first_courses(study: Cohort) -> pd.DataFrame:
    """First courses: patients, sites, sites per patient, sites with incomplete details; and patients by field.

    Rows ``first.patients, first.sites, first.sites_per_patient, first.incomplete, first.patients.<field>``.
    """
    if reason := study.lacks("sites.rt_start_day"):
        return results.skipped("first.patients", reason)
    sites, courses = endpoints.first_course_sites(study.sites), endpoints.first_courses(study.sites)
    details = [c for c in DETAILS if c in sites]
    rows = [row("first.patients", "count", len(courses), population=FIRST),
            row("first.sites", "count", len(sites), population=FIRST),
            describe.spread("first.sites_per_patient", courses["n_sites"], "range", population=FIRST)]
    if details:
        rows.append(describe.proportion("first.incomplete", sites[details].isna().any(axis=1).sum(), len(sites), population=FIRST))
    if "rt_field" in courses:
        rows += describe.proportions(courses["rt_field"], "first.patients", population=FIRST)
    return results.collect(rows)


@disclosure.protected
def dose_by_field(study: Cohort) -> pd.DataFrame:
    """Dose of a first-course site by field: rows ``first.sites.<field>, first.dose.<field>`` and ``first.dose.p``."""
    if reason := study.lacks("sites.rt_field", "sites.dose_gy"):
        return results.skipped("first.dose", reason)
    sites = endpoints.first_course_sites(study.sites)
    rows = []
    for field, of in sites.groupby("rt_field", observed=True):
        rows += [row(slug("first.sites", field), "count", len(of), population=field, group="Sites"),
                 _dose_range(slug("first.dose", field), of["dose_gy"], population=field, group="Dose per site")]
    rows.append(describe.rank_test(sites, "dose_gy", "rt_field", "first.dose.p", least=study.min_cell_count, population=FIRST,
                                   group="Dose per site"))
    return results.collect(rows)


@disclosure.protected
def contrasts(study: Cohort) -> pd.DataFrame:
    """Baseline factors of patients with a comprehensive and a focal first course.

    For each of :data:`BASELINE` that the cohort has: shares ``first.<factor>.<field>`` among the patients in whom it is
    known, and ``first.<factor>.p`` (chi-square; Fisher's exact test where an expected count is below 5). The factors
    are those at the first salvage therapy, which may be earlier than the radiotherapy.
    """
    factors = [factor for factor in BASELINE if not study.lacks(factor)]
    if reason := study.lacks("sites.rt_field") or ("" if factors else study.lacks(*BASELINE)):
        return results.skipped("first.baseline", reason)
    courses = endpoints.first_courses(study.sites).merge(study.patients, on="patient_id")
    rows = []
    for factor in factors:
        name = schema.label_of(factor)
        for field, of in courses.groupby("rt_field", observed=True):
            rows.append(describe.proportion(slug("first", factor, field), (of[factor] == "yes").sum(), of[factor].notna().sum(),
                                            population=field, group=name))
        rows.append(describe.association(courses, factor, "rt_field", slug("first", factor, "p"), exact_if_sparse=True,
                                         least=study.min_cell_count, population=FIRST, group=name))
    return results.collect(rows)


@disclosure.protected
def responses_by_field(study: Cohort) -> pd.DataFrame:
    """In-field response of first-course sites by field: ``first.evaluable.<field>``, ``first.response.<field>.<level>``."""
    if reason := study.lacks("sites.rt_field", "sites.in_field_response"):
        return results.skipped("first.response", reason)
    sites = endpoints.first_course_sites(study.sites)
    sites = sites[sites["in_field_response"].notna()]
    evaluable = sites[sites["in_field_response"] != "not evaluable"]
    rows = [describe.proportion(slug("first.evaluable", field), (of["in_field_response"] != "not evaluable").sum(), len(of),
                                population=field, group="Evaluable sites")
            for field, of in sites.groupby("rt_field", observed=True)]
    rows += [describe.proportion(slug("first.response", field, level), (of["in_field_response"] == level).sum(), len(of),
                                 population=field, group=level)
             for level in schema.RESPONSES if (evaluable["in_field_response"] == level).any()
             for field, of in evaluable.groupby("rt_field", observed=True)]
    return results.collect(rows)


@disclosure.protected
def low_dose(study: Cohort) -> pd.DataFrame:
    """Patients whose highest BED in the first course is not above :data:`HIGH_BED`: rows ``first.low_bed.<field>``.

    Takes the cohort that :func:`with_first_course` returns; counts patients with known dose.
    """
    if reason := study.lacks("sites.rt_field", *schema.SOURCES["bed_group"]):
        return results.skipped("first.low_bed", reason)
    courses = endpoints.first_courses(study.sites).merge(study.patients, on="patient_id").dropna(subset=["bed_group"])
    return results.collect([describe.proportion(slug("first.low_bed", field), (of["bed_group"] == BED_GROUPS[1]).sum(), len(of),
                                                population=field, group=f"BED {BED_GROUPS[1]}")
                            for field, of in courses.groupby("rt_field", observed=True)])


@disclosure.protected
def limited_stage(study: Cohort) -> pd.DataFrame:
    """Patients in stage I or II among those with a first course of each field: rows ``first.limited.<field>``."""
    if reason := study.lacks("sites.rt_field", "stage"):
        return results.skipped("first.limited", reason)
    courses = endpoints.first_courses(study.sites).merge(study.patients, on="patient_id")
    return results.collect([
        describe.proportion(slug("first.limited", field), (of["advanced_stage"] == "no").sum(), of["stage"].notna().sum(),
                            population=field, group="Stage I or II")
        for field, of in courses.groupby("rt_field", observed=True)])


@disclosure.protected
def further_therapy(study: Cohort) -> pd.DataFrame:
    """Comprehensive first course in stage I or II: how long until further therapy, and its test without immortal time.

    Takes the cohort that :func:`with_first_course` returns. Rows ``further.patients`` (share who had further therapy),
    ``further.wait`` (months from the start of radiotherapy to it; median and range) and ``further.mantel_byar`` (overall
    survival, further therapy counting only from the day it began).
    """
    if reason := study.lacks(*schema.SOURCES["further_therapy"]) or endpoints.lacking(study, "OSRT"):
        return results.skipped("further.patients", reason)
    frame = endpoints.derive(study, "OSRT")
    frame = frame[frame["further_therapy"].notna()]
    if frame.empty:
        return results.skipped("further.patients", "nobody in stage I or II had a comprehensive first course")
    start = study.patients["patient_id"].map(frame.set_index("patient_id")["rt_start_day"]).astype("Int64")
    begun = _next_therapy(study, start).set_axis(study.patients["patient_id"])
    wait = frame["patient_id"].map(begun) - frame["rt_start_day"]
    labels = {"population": "stage I or II, comprehensive first course"}
    return results.collect([
        describe.proportion("further.patients", wait.notna().sum(), len(frame), **labels),
        _months("further.wait", wait, **labels),
        survival.mantel_byar(frame["days"], frame["event"], wait.astype("Float64").to_numpy(dtype=float, na_value=float("nan")),
                             "further.mantel_byar", **labels)])


# --- around a transplant --------------------------------------------------------------------------------------

@disclosure.protected
def transplants(study: Cohort) -> pd.DataFrame:
    """Patients who had both salvage radiotherapy and an allogeneic transplant.

    Rows: ``hsct.patients``; ``hsct.rt_first`` (first course before the transplant); ``hsct.rt_again`` (of those,
    another course after it); ``hsct.rt_after`` (first course only after it); ``hsct.alive``;
    ``hsct.last_status.<level>``; and, where there is anybody, times in months (median and range)
    ``hsct.rt_to_transplant, hsct.transplant_to_rt_again, hsct.transplant_to_rt_after, hsct.follow_up``.
    """
    if reason := study.lacks("transplant_day", "sites.rt_start_day"):
        return results.skipped("hsct.patients", reason)
    both = _peri_transplant(study)
    if both.empty:
        return results.skipped("hsct.patients", "nobody in this cohort had both radiotherapy and a transplant")
    labels = {"population": "patients with radiotherapy and transplant"}
    before = both["first_rt"] <= both["transplant_day"]
    again, after = both[before & both["rt_after"].notna()], both[~before]
    rows = [row("hsct.patients", "count", len(both), **labels),
            describe.proportion("hsct.rt_first", before.sum(), len(both), **labels),
            describe.proportion("hsct.rt_again", len(again), before.sum(), **labels),
            describe.proportion("hsct.rt_after", len(after), len(both), **labels),
            describe.proportion("hsct.alive", (both["vital_status"] == "alive").sum(), len(both), **labels)]
    times = {"rt_to_transplant": ("First course to transplant", (both["transplant_day"] - both["first_rt"])[before]),
             "transplant_to_rt_again": ("Transplant to a further course", again["rt_after"] - again["transplant_day"]),
             "transplant_to_rt_after": ("Transplant to first course", after["rt_after"] - after["transplant_day"]),
             "follow_up": ("Transplant to last follow-up", both["last_follow_up_day"] - both["transplant_day"])}
    rows += [_months(slug("hsct", name), days, group=group, **labels) for name, (group, days) in times.items() if len(days)]
    if "last_disease_status" in both:
        rows += describe.proportions(both["last_disease_status"], "hsct.last_status", **labels)
    collected = results.collect(rows)
    collected.attrs["label"] = "Time"
    return collected


def _peri_transplant(study: Cohort) -> pd.DataFrame:
    """Patients with both, with ``first_rt`` and ``rt_after`` (first course after the transplant), in days since day 0."""
    both = study.patients[study.patients["transplant_day"].notna()]
    both = both[both["patient_id"].isin(study.sites["patient_id"])]
    starts = study.sites[["patient_id", "rt_start_day"]].merge(both[["patient_id", "transplant_day"]], on="patient_id")
    later = starts[starts["rt_start_day"] > starts["transplant_day"]]
    first = {name: frame.groupby("patient_id")["rt_start_day"].min() for name, frame in (("first_rt", starts), ("rt_after", later))}
    return both.assign(**{name: both["patient_id"].map(days).astype("Int64") for name, days in first.items()})


def _months(result_id: str, days: pd.Series, **labels) -> dict:
    return describe.spread(result_id, days, "range", days=True, **labels)


def transplant_lanes(study: Cohort) -> pd.DataFrame:
    """What :func:`analysis_lib.figures.swimmer` draws of the patients of :func:`transplants`, one lane a patient.

    Columns ``lane`` (1 is followed longest after the transplant), ``what`` (``followed`` or a moment), ``start`` and
    ``end`` in months since the transplant (equal for moments). It shows single patients, so there are no lanes for
    real ones, only the row that says so.
    """
    if reason := study.lacks("transplant_day", "sites.rt_start_day"):
        return results.skipped("hsct.lanes", reason)
    if not study.synthetic:
        return results.skipped("hsct.lanes", "the figure would show single patients, so it is drawn for synthetic cohorts only")
    both = _peri_transplant(study)
    if both.empty:
        return results.skipped("hsct.lanes", "nobody in this cohort had both radiotherapy and a transplant")
    both = both.assign(followed=both["last_follow_up_day"] - both["transplant_day"]).sort_values("followed", ascending=False)
    lanes = []
    for number, patient in enumerate(both.to_dict("records"), start=1):
        courses = study.sites.loc[study.sites["patient_id"] == patient["patient_id"], "rt_start_day"]
        moments = [("radiotherapy", day) for day in sorted(set(courses))]
        moments += [(what, patient[column]) for what, column in (
            ("transplant", "transplant_day"), ("progression", "progression_day"), (patient["vital_status"], "last_follow_up_day"))
            if pd.notna(patient.get(column))]
        days = [day for _, day in moments] + [day for day in [patient.get("salvage_start_day")] if pd.notna(day)]
        lane = [("followed", min(days), max(days)), *((what, day, day) for what, day in moments)]
        lanes += [(number, what, *((day - patient["transplant_day"]) / DAYS_PER_MONTH for day in ends)) for what, *ends in lane]
    return pd.DataFrame(lanes, columns=["lane", "what", "start", "end"])
