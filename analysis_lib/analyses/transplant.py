"""Patients with an allogeneic transplantation after radiotherapy: one line each."""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses import summaries
from analysis_lib.analyses.radiotherapy import in_months
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows import results
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

MOST_LANES = 60  # in a figure; more fill no page, and nobody reads them


@disclosure.protected
@needs("hsct.patients", "transplant_day", "sites.rt_start_day")
def transplants(study: Cohort) -> pd.DataFrame:
    """Patients who had both salvage radiotherapy and an allogeneic transplant.

    Rows: ``hsct.patients``; ``hsct.rt_first`` (first course before the transplant); ``hsct.rt_again`` (of
    those, another course after it); ``hsct.rt_after`` (first course only after it); ``hsct.alive``;
    ``hsct.last_status.<level>``; and, where there is anybody, times in months (median and range)
    ``hsct.rt_to_transplant, hsct.transplant_to_rt_again, hsct.transplant_to_rt_after, hsct.follow_up``.
    """
    both = _peri_transplant(study)
    if both.empty:
        return results.skipped(
            "hsct.patients", "nobody in this cohort had both radiotherapy and a transplant"
        )
    labels: dict = {"population": "patients with radiotherapy and transplant"}
    before = both["first_rt"] <= both["transplant_day"]
    again, after = both[before & both["rt_after"].notna()], both[~before]
    rows = [
        row("hsct.patients", "count", len(both), **labels),
        summaries.proportion("hsct.rt_first", before.sum(), len(both), **labels),
        summaries.proportion("hsct.rt_again", len(again), before.sum(), **labels),
        summaries.proportion("hsct.rt_after", len(after), len(both), **labels),
        summaries.proportion("hsct.alive", (both["vital_status"] == "alive").sum(), len(both), **labels),
    ]
    times = {
        "rt_to_transplant": (
            "First course to transplant",
            (both["transplant_day"] - both["first_rt"])[before],
        ),
        "transplant_to_rt_again": (
            "Transplant to a further course",
            again["rt_after"] - again["transplant_day"],
        ),
        "transplant_to_rt_after": ("Transplant to first course", after["rt_after"] - after["transplant_day"]),
        "follow_up": ("Transplant to last follow-up", both["last_follow_up_day"] - both["transplant_day"]),
    }
    rows += [
        in_months(slug("hsct", name), days, group=group, least=study.min_cell_count, **labels)
        for name, (group, days) in times.items()
        if len(days)
    ]
    if "last_disease_status" in both:
        rows += summaries.proportions(
            both["last_disease_status"], "hsct.last_status", study.min_cell_count, **labels
        )
    collected = results.collect(rows)
    collected.attrs["label"] = "Time"
    return collected


def _peri_transplant(study: Cohort) -> pd.DataFrame:
    """Patients with both, with ``first_rt`` and ``rt_after`` (first course after the transplant), in days
    since day 0.
    """
    both = study.patients[study.patients["transplant_day"].notna()]
    both = both[both["patient_id"].isin(study.sites["patient_id"])]
    starts = study.sites[["patient_id", "rt_start_day"]].merge(
        both[["patient_id", "transplant_day"]], on="patient_id"
    )
    later = starts[starts["rt_start_day"] > starts["transplant_day"]]
    first = {
        name: frame.groupby("patient_id")["rt_start_day"].min()
        for name, frame in (("first_rt", starts), ("rt_after", later))
    }
    return both.assign(**{name: both["patient_id"].map(days).astype("Int64") for name, days in first.items()})


@needs("hsct.lanes", "transplant_day", "sites.rt_start_day")
def transplant_lanes(study: Cohort) -> pd.DataFrame:
    """What :func:`analysis_lib.show.figures_cohort.swimmer` draws of the patients of :func:`transplants`, one
    lane a patient.

    Columns ``lane`` (1 is followed longest after the transplant), ``what`` (``followed`` or a moment),
    ``start`` and ``end`` in months since the transplant (equal for moments). It shows single patients, so
    there are no lanes for real ones, nor for more than :data:`MOST_LANES`, only the row that says so.
    """
    if not study.synthetic:
        return disclosure.skipped(
            study,
            "hsct.lanes",
            "the figure would show single patients, so it is drawn for synthetic cohorts only",
        )
    both = _peri_transplant(study)
    if both.empty:
        return disclosure.skipped(
            study, "hsct.lanes", "nobody in this cohort had both radiotherapy and a transplant"
        )
    if len(both) > MOST_LANES:
        return disclosure.skipped(
            study, "hsct.lanes", f"more than {MOST_LANES} patients had both, too many for a lane each"
        )
    both = both.assign(followed=both["last_follow_up_day"] - both["transplant_day"]).sort_values(
        "followed", ascending=False
    )
    lanes = []
    for number, patient in enumerate(both.to_dict("records"), start=1):
        courses = study.sites.loc[study.sites["patient_id"] == patient["patient_id"], "rt_start_day"]
        moments = [("radiotherapy", day) for day in sorted(set(courses))]
        moments += [
            (what, patient[column])
            for what, column in (
                ("transplant", "transplant_day"),
                ("progression", "progression_day"),
                (patient["vital_status"], "last_follow_up_day"),
            )
            if pd.notna(patient.get(column))
        ]
        days = [day for _, day in moments] + [
            day for day in [patient.get("salvage_start_day")] if pd.notna(day)
        ]
        lane = [("followed", min(days), max(days)), *((what, day, day) for what, day in moments)]
        lanes += [
            (number, what, *((day - patient["transplant_day"]) / DAYS_PER_MONTH for day in ends))
            for what, *ends in lane
        ]
    return release(pd.DataFrame(lanes, columns=["lane", "what", "start", "end"]), study.min_cell_count)
