"""Salvage radiotherapy: courses, sites, dose, in-field response and control; comprehensive and focal first
courses.

Most rows speak of *sites*. Several sites may belong to one patient, so their intervals and P values, which
treat sites as independent, are too confident; ``survival.clustered_rates`` and the chapters say by how much.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis_lib.analyses import summaries
from analysis_lib.cohort import disclosure, endpoints, first_course
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.first_course import HIGH_BED, either, with_bed
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import words
from analysis_lib.rows import results
from analysis_lib.rows.results import row, slug

DETAILS = ("technique", "dose_gy", "fractions")
SITES = "irradiated sites"


# --- all courses ----------------------------------------------------------------------------------


@disclosure.protected
@needs("rt.patients", "sites.rt_start_day")
def volume(study: Cohort) -> pd.DataFrame:
    """Who was irradiated: patients, courses, sites, earlier bridging radiotherapy, time from day 0 to the
    first course.

    Rows ``rt.patients, rt.courses, rt.sites, rt.sites_per_patient, rt.start``; with bridging known
    ``rt.bridged`` (of the irradiated), ``rt.same_site`` (of the bridged: a salvage site that had been
    irradiated before).
    """
    sites, everyone = study.sites, len(study.patients)
    treated = study.patients[study.patients["patient_id"].isin(sites["patient_id"])]
    k = study.min_cell_count
    courses = sites.drop_duplicates(["patient_id", "course"])
    rows = [
        summaries.proportion("rt.patients", len(treated), everyone),
        disclosure.of_patients(row("rt.courses", "count", len(courses)), k, courses["patient_id"]),
        disclosure.of_patients(
            row("rt.sites", "count", len(sites), population=SITES), k, sites["patient_id"]
        ),
    ]
    if treated.empty:
        return results.collect(rows)
    irradiated: dict = {"population": "irradiated patients"}
    rows += [
        summaries.spread(
            "rt.sites_per_patient", sites.groupby("patient_id").size(), "range", least=k, **irradiated
        ),
        summaries.spread(
            "rt.start", first_course.first_courses(sites)["rt_start_day"], days=True, least=k, **irradiated
        ),
    ]
    if "bridging_radiotherapy" in treated:
        bridged = _bridged(treated)
        rows.append(
            summaries.proportion("rt.bridged", (bridged == "yes").sum(), bridged.notna().sum(), **irradiated)
        )
        if "previously_irradiated" in sites:
            again = sites.loc[sites["previously_irradiated"] == "yes", "patient_id"]
            ids = treated.loc[bridged == "yes", "patient_id"]
            rows.append(
                summaries.proportion(
                    "rt.same_site",
                    ids.isin(again).sum(),
                    len(ids),
                    population="irradiated patients with bridging radiotherapy",
                )
            )
    return results.collect(rows)


def _bridged(patients: pd.DataFrame) -> pd.Series:
    """Bridging radiotherapy, yes or no; whoever had no bridging at all had no bridging radiotherapy."""
    known = patients["bridging_radiotherapy"].astype("string")
    return (
        known.mask(known.isna() & (patients["bridging_therapy"] == "no"), "no")
        if "bridging_therapy" in patients
        else known
    )


@disclosure.protected
@needs("{prefix}", "sites.{column}")
def shares(study: Cohort, column: str, prefix: str) -> pd.DataFrame:
    """The share of each level of a column among the sites where it is known: rows ``<prefix>.<level>``, most
    frequent first.
    """
    rows = _of_levels(study.sites, column, prefix, study.min_cell_count, population=SITES)
    # in the order of the counts as they are shown: that of others would tell which hidden one is larger
    collected = results.collect(
        sorted(rows, key=lambda r: -(disclosure.banded(r["events"] or 0, study.min_cell_count) or 0))
    )
    collected.attrs["label"] = words.label_of(column)
    return collected


def _of_levels(sites: pd.DataFrame, column: str, prefix: str, k: int, **labels: Any) -> list[dict]:
    """Shares of the levels of a column of sites, each shown only where enough patients have such sites, and
    others.
    """
    known = sites[sites[column].notna()]
    return [
        share_of_sites(
            one["result_id"],
            known,
            known[column] == one["group"],
            k,
            **{key: one[key] for key in ("group", "by", "level")} | labels,
        )
        for one in summaries.proportions(sites[column], prefix, k, **labels)
    ]


def share_of_sites(result_id: str, sites: pd.DataFrame, counted: pd.Series, k: int, **labels: Any) -> dict:
    """A share of sites; marked to be hidden where those counted, or the others, are those of fewer than ``k``
    patients.
    """
    counted, whose = counted.fillna(False).astype(bool), sites["patient_id"]
    return disclosure.of_patients(
        summaries.proportion(result_id, int(counted.sum()), len(sites), **labels),
        k,
        whose,
        whose[counted],
        whose[~counted],
    )


@disclosure.protected
@needs("rt.dose", "sites.dose_gy", "sites.fractions")
def doses(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """Dose, fractions and biologically effective dose of a site, and the sites whose details are incomplete.

    Rows ``rt.dose, rt.fractions, rt.bed`` (median and range of the known values), ``rt.high_bed`` (share
    above :data:`analysis_lib.cohort.first_course.HIGH_BED`), ``rt.incomplete`` (share of sites without
    technique, dose or fractions).
    """
    sites = with_bed(study.sites, alpha_beta)
    labels, k = {"population": SITES}, study.min_cell_count
    measured = {"least": k, "whose": sites["patient_id"]} | labels
    incomplete = sites[[c for c in DETAILS if c in sites]].isna().any(axis=1)
    known = sites[sites["bed"].notna()]
    bed_range = dose_range("rt.bed", sites["bed"], **measured)
    return results.collect(
        [
            dose_range("rt.dose", sites["dose_gy"], **measured),
            summaries.spread("rt.fractions", sites["fractions"], "range", **measured),
            bed_range
            | {"note": "; ".join(filter(None, [bed_range["note"], f"alpha/beta {alpha_beta:g} Gy"]))},
            share_of_sites("rt.high_bed", known, known["bed"] > HIGH_BED, k, **labels),
            share_of_sites("rt.incomplete", sites, incomplete, k, **labels),
        ]
    )


def dose_range(result_id: str, values: pd.Series, **labels: Any) -> dict:
    return summaries.spread(result_id, values, "range", **labels) | {"statistic": "range dose"}


@disclosure.protected
@needs("rt.bulky", "sites.bulky_site")
def bulk(study: Cohort) -> pd.DataFrame:
    """Sites whose size could be assessed on PET/CT (``rt.assessable``), and how many of those were bulky
    (``rt.bulky``).
    """
    sites, size = study.sites, study.sites["bulky_site"]
    labels, k = {"population": SITES}, study.min_cell_count
    return results.collect(
        [
            share_of_sites("rt.assessable", sites, size.notna(), k, **labels),
            share_of_sites("rt.not_assessable", sites, size.isna(), k, **labels),
            share_of_sites(
                "rt.bulky",
                sites[size.notna()],
                size[size.notna()] == "yes",
                k,
                population="sites assessable on PET/CT",
            ),
        ]
    )


# --- in-field response and control ----------------------------------------------------------------


@disclosure.protected
@needs("infield.response", "sites.in_field_response")
def responses(study: Cohort) -> pd.DataFrame:
    """In-field response of the evaluable sites, and what became of the patients whose sites were not
    evaluable.

    Rows ``infield.evaluable, infield.not_evaluable`` (of all sites with an entry),
    ``infield.response.<level>`` (of the evaluable), and, when there are sites that were not evaluable,
    ``infield.not_evaluable.patients`` (a count), ``.follow_up`` (months from the start of the course to death
    or last contact) and ``.died``.
    """
    known = study.sites[study.sites["in_field_response"].notna()]
    lost = known["in_field_response"] == "not evaluable"
    k = study.min_cell_count
    rows = [
        share_of_sites("infield.evaluable", known, ~lost, k, population=SITES),
        share_of_sites("infield.not_evaluable", known, lost, k, population=SITES),
        *_of_levels(known[~lost], "in_field_response", "infield.response", k, population="evaluable sites"),
    ]
    if lost.any():
        courses = known[lost].drop_duplicates(["patient_id", "course"]).merge(study.patients, on="patient_id")
        patients = courses.drop_duplicates("patient_id")
        labels: dict = {"population": "patients with sites that were not evaluable"}
        rows += [
            row("infield.not_evaluable.patients", "count", len(patients), **labels),
            summaries.spread(
                "infield.not_evaluable.follow_up",
                courses["last_follow_up_day"] - courses["rt_start_day"],
                "range",
                days=True,
                least=k,
                whose=courses["patient_id"],
                **labels,
            ),
            summaries.proportion(
                "infield.not_evaluable.died",
                (patients["vital_status"] == "dead").sum(),
                len(patients),
                **labels,
            ),
        ]
    collected = results.collect(rows)
    collected.attrs["label"] = "Response"
    return collected


@disclosure.protected
@needs("lc.time_to_progression", "LC")
def time_to_progression(study: Cohort) -> pd.DataFrame:
    """Time from the start of radiotherapy to in-field progression of the sites that progressed.

    Rows ``lc.progressed`` (share of assessable sites), ``lc.time_to_progression`` (median, range) and
    ``lc.time_to_progression.iqr`` (median, quartiles), in months.
    """
    sites = endpoints.derive(study, "LC")
    failed, k = sites[sites["event"]], study.min_cell_count
    days, labels = (
        failed["days"],
        {
            "population": "sites with in-field progression",
            "endpoint": "LC",
            "least": k,
            "whose": failed["patient_id"],
        },
    )
    return results.collect(
        [
            share_of_sites("lc.progressed", sites, sites["event"], k, population="assessable sites"),
            row(
                "lc.patients",
                "count",
                sites["patient_id"].nunique(),
                population="patients with assessable sites",
            ),
            summaries.spread("lc.time_to_progression", days, "range", days=True, **labels),
            summaries.spread("lc.time_to_progression.iqr", days, days=True, **labels),
        ]
    )


@disclosure.protected
@needs("bed.high.bulk", "sites.dose_gy", "sites.fractions", "sites.bulky_site")
def bed_by_bulk(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """Whether bulky sites were given more than :data:`analysis_lib.cohort.first_course.HIGH_BED`: shares
    ``bed.high.bulk.<yes, no>`` and ``bed.high.bulk.p``.
    """
    sites = with_bed(study.sites, alpha_beta).dropna(subset=["bed", "bulky_site"])
    names = {"yes": "bulky", "no": "not bulky"}
    rows = [
        share_of_sites(
            slug("bed.high.bulk", level),
            of,
            of["high_bed"] == "yes",
            study.min_cell_count,
            group=names[level],
            by="bulky_site",
            level=level,
            population="sites with known dose and size",
        )
        for level, of in sites.groupby("bulky_site", observed=True)
    ]
    test = summaries.association(
        sites,
        "high_bed",
        "bulky_site",
        "bed.high.bulk.p",
        exact_if_sparse=True,
        least=study.min_cell_count,
        group="BED by bulk",
        population="sites with known dose and size",
    ) | {"by": "bulky_site"}
    cells = [of["patient_id"] for _, of in sites.groupby(["high_bed", "bulky_site"], observed=True)]
    rows.append(disclosure.of_patients(test, study.min_cell_count, *cells))
    collected = results.collect(rows)
    collected.attrs["label"] = "Site"
    return collected


@disclosure.protected
@needs("bed.control", "sites.dose_gy", "sites.fractions", "LC")
def bed_by_control(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """BED of sites that failed locally and of sites that stayed controlled: ``bed.control.<failed,
    controlled>`` and ``.p``.
    """
    sites = with_bed(endpoints.derive(study, "LC"), alpha_beta).dropna(subset=["bed"])
    sites = sites.assign(outcome=either(sites["event"], "failed", "controlled"))
    labels = {"population": "assessable sites with known dose"}
    rows = [
        dose_range(
            slug("bed.control", outcome),
            of["bed"],
            group=outcome,
            least=study.min_cell_count,
            whose=of["patient_id"],
            **labels,
        )
        for outcome, of in sites.groupby("outcome", observed=True)
    ]
    rows.append(
        summaries.rank_test(
            sites,
            "bed",
            "outcome",
            "bed.control.p",
            least=study.min_cell_count,
            group="BED by outcome",
            **labels,
        )
        | {"by": ""}
    )
    collected = results.collect(rows)
    collected.attrs["label"] = "Site"
    return collected


def in_months(result_id: str, days: pd.Series, **labels: Any) -> dict:
    return summaries.spread(result_id, days, "range", days=True, **labels)
