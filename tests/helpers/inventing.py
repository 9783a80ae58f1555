"""Invented hospitals for the attacks: 12 to 200 patients, drawn unevenly from the reconstructed cohort, with
a real-looking rule.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.intake.read import read_cohort

K = 5
TABLES = ("sites", "lines")
TILTED = ("stage", "ldh_elevated", "ecog", "salvage_regimen", "vital_status", "extranodal_sites")


@cache
def base() -> Cohort:
    return read_cohort("reconstructed")


def invent(seed: int, size: int | None = None, k: int = K) -> Cohort:
    """A cohort of its own prevalences: who is drawn leans on some factors, and times are stretched and
    jittered.
    """
    rng = np.random.default_rng(seed)
    whole, size = base(), size or int(round(np.exp(rng.uniform(np.log(12), np.log(200)))))
    lean = sum(
        rng.normal(0, 0.6) * pd.factorize(whole.patients[column].astype(str), sort=True)[0]
        for column in TILTED
    )
    chance = np.exp(lean - lean.max())
    drawn = rng.choice(len(whole.patients), size, replace=True, p=chance / chance.sum())
    return of_rows(whole, drawn, rng, k)


def of_rows(whole: Cohort, drawn, rng, k: int = K) -> Cohort:
    """The patients of these rows, each with a name of its own, and with their sites and lines; moments are
    shifted a little.
    """
    patients = whole.patients.iloc[drawn].reset_index(drop=True)
    names = pd.Series([f"X{place:03}" for place in range(len(drawn))])
    shift = rng.integers(0, 9, len(drawn))
    tables = {}
    for name in TABLES:
        frame = getattr(whole, name)
        who = pd.DataFrame({"patient_id": patients["patient_id"], "new": names})
        both = (
            who.merge(frame, on="patient_id").drop(columns="patient_id").rename(columns={"new": "patient_id"})
        )
        tables[name] = both[list(frame)]
    later = pd.Series(shift, names)
    patients = patients.assign(patient_id=names)
    for column in ("last_follow_up_day", "progression_day", "next_line_day"):
        patients[column] = patients[column] + shift
    for column in ("in_field_progression_day",):
        tables["sites"][column] = tables["sites"][column] + tables["sites"]["patient_id"].map(later).astype(
            "Int64"
        )
    return replace(
        whole,
        name="invented",
        title="Invented hospital",
        synthetic=False,
        note="",
        patients=patients,
        screening=pd.DataFrame(),
        min_cell_count=k,
        **tables,
    )


def without(study: Cohort, patient: str) -> Cohort:
    """The same cohort without one patient."""
    kept = {
        name: frame[frame["patient_id"] != patient].reset_index(drop=True)
        for name in ("patients", *TABLES)
        if len(frame := getattr(study, name))
    }
    return replace(study, **kept)
