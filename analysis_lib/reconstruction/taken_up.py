"""A finished cohort taken up again: its tables as the state, the fixed columns and the lot that the walk
moves on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from .courses import bed10
from .drawn import Drawn, Transplant
from .state import (
    ADV,
    AXI,
    BED,
    BRIDGE,
    BULKY,
    CMT,
    DEAD,
    DELAY,
    EFS,
    EV,
    EXTRA,
    FAIL,
    FIELD,
    G3,
    G5,
    HIGH,
    HSCT,
    IPI3,
    LDH,
    LOCK_EFS,
    LOCK_OS,
    LOW,
    MORE,
    MULTI,
    OLD,
    OS2,
    POOR,
    RESP,
    RESPONSE,
    RT,
    RT_ST,
    ST,
    ST_RT,
    TTS,
    TWO,
    UNKNOWN,
)


class TakenUp(NamedTuple):
    """A cohort that the walk can move."""

    people: pd.DataFrame
    state: np.ndarray
    fixed: np.ndarray
    two_ok: np.ndarray
    lot: Drawn


def take_up(tables: Mapping[str, pd.DataFrame], family: str) -> TakenUp:
    """A cohort of this engine or of an earlier one, from its tables and its family
    (:data:`drawn.FAMILIES`).
    """
    p, sites, lines = (tables[name] for name in ("patients", "sites", "lines"))
    first = sites[sites.course == 1].groupby("patient_id").first().reindex(p.patient_id).reset_index()
    two = sites[sites.course == 1].groupby("patient_id").size().reindex(p.patient_id).to_numpy() == 2
    people = _people(p, first.rt_field.to_numpy())
    fixed = _fixed(people)
    transplanted = np.flatnonzero(p.transplant_day.notna()).tolist()
    order = sorted(transplanted, key=lambda k: first.rt_start_day[k] > p.transplant_day[k])
    lot = Drawn(
        family=family,
        transplants=tuple(_transplant(k, p, first, sites, people) for k in order),
        rt_then_st=0,  # this and the two last count for a cohort's first state only
        in_remission=_in_remission(p),
        low_focal=0,
        unknown_comprehensive=0,
    )
    fixed[order, LOCK_OS], fixed[order, HSCT] = 1, range(1, len(order) + 1)
    for k, each in zip(order, lot.transplants):
        fixed[k, LOCK_EFS] = people.regimen[k] == "CMT" or each.wait < 0
    state = _state(p, first, lines, people, fixed)
    state[:, TWO] = two & (fixed[:, FIELD] == 1)
    two_ok = (fixed[:, FIELD] == 1) & ((fixed[:, G3] == ST) | (fixed[:, MULTI] == 1))
    two_ok &= fixed[:, LOCK_OS] == 0
    return TakenUp(people, state, fixed, two_ok, lot)


def _in_remission(p: pd.DataFrame) -> tuple[int, int, int]:
    """Deaths without progression in RT, CMT and ST."""
    regimen = p.salvage_regimen[(p.vital_status == "dead") & (p.last_disease_status != "PD")]
    rt, cmt, st = (int((regimen == name).sum()) for name in ("RT", "CMT", "ST"))
    return rt, cmt, st


def _people(p: pd.DataFrame, field: np.ndarray) -> pd.DataFrame:
    """The covariates, as :func:`analysis_lib.reconstruction.tables.people` has them."""
    yes = {name: (p[name] == "yes").astype(int) for name in ("ldh_elevated", "over_60", "bridging_therapy")}
    mass = np.where(p.cns_disease == "yes", "cns", p.bulky_disease.map({"yes": "bulky", "no": "not bulky"}))
    people = pd.DataFrame(
        {
            "regimen": p.salvage_regimen,
            "field": field,
            "stage": p.stage,
            "ipi": p.ipi,
            "advanced": p.stage.isin(["III", "IV"]).astype(int),
            "ldh": yes["ldh_elevated"],
            "poor": (p.ecog >= 2).astype(int),
            "multiple": (p.disease_sites >= 2).astype(int),
            "extranodal": p.extranodal_sites.clip(upper=2),
            "mass": pd.Series(mass).fillna("missing"),
            "old": yes["over_60"],
            "best": p.best_response,
            "bridging": yes["bridging_therapy"],
            "axi": (p.car_t_product == "axi-cel").astype(int),
            "pattern": p.failure_pattern,
            "cd19": p.cd19_at_failure,
            "responder": p.best_response.isin(["CR", "PR"]).astype(int),
        }
    )
    before = people.regimen.replace("ST", "ST then RT")
    stratum = (before + " " + people.field.fillna("")).where(people.field.notna(), "ST")
    return people.assign(
        stratum=stratum, failure=p.failure_day, response=p.response_day.fillna(0).astype(int)
    )


def _fixed(people: pd.DataFrame) -> np.ndarray:
    fixed = np.zeros((len(people), 12), np.int64)
    fixed[:, G3] = people.regimen.map({"RT": RT, "CMT": CMT, "ST": ST})
    fixed[:, FIELD] = people.field.map({"comprehensive": 1, "focal": 0}).fillna(-1)
    fixed[:, RESP], fixed[:, ADV], fixed[:, MULTI] = people.responder, people.advanced, people.multiple
    fixed[:, POOR], fixed[:, EXTRA], fixed[:, IPI3] = people.poor, people.extranodal > 0, people.ipi >= 3
    fixed[:, BULKY] = people["mass"].map({"bulky": 1, "not bulky": 0}).fillna(-1)
    return fixed


def _transplant(
    k: int, p: pd.DataFrame, first: pd.DataFrame, sites: pd.DataFrame, people: pd.DataFrame
) -> Transplant:
    """The days of a transplanted patient."""
    day, begun = int(p.transplant_day[k]), int(first.rt_start_day[k])
    later = sites.rt_start_day[(sites.patient_id == p.patient_id[k]) & (sites.course > 1)]
    again = int(later.min()) - day if len(later) else 0
    return Transplant(
        str(people.stratum[k]),
        begun - int(p.salvage_start_day[k]),
        day - begun,
        int(p.last_follow_up_day[k]) - day,
        again,
        bool(p.last_disease_status[k] == "PD"),
    )


def _state(
    p: pd.DataFrame, first: pd.DataFrame, lines: pd.DataFrame, people: pd.DataFrame, fixed: np.ndarray
) -> np.ndarray:
    """What moves."""
    state = np.zeros((len(p), 16), np.int64)
    salvage = p.salvage_start_day.astype(int)
    event = p[["progression_day", "next_line_day"]].min(axis=1)
    state[:, DEAD] = p.vital_status == "dead"
    state[:, TTS], state[:, OS2] = salvage, p.last_follow_up_day - salvage
    state[:, EV] = event.notna() | (state[:, DEAD] == 1)
    state[:, EFS] = event.fillna(p.last_follow_up_day) - salvage
    state[:, DELAY] = (first.rt_start_day - salvage).fillna(0)
    later = lines[lines.line > 1]
    systemic = set(later.patient_id[later.modality.isin(["ST", "CMT", "HSCT", "CAR T"])])
    had = p.patient_id.isin(systemic).to_numpy()
    irradiated = fixed[:, FIELD] >= 0
    state[:, G5] = fixed[:, G3]
    state[(fixed[:, G3] == ST) & irradiated, G5] = ST_RT
    state[(fixed[:, G3] == RT) & had, G5] = RT_ST
    last = later.groupby("patient_id").line_start_day.max().reindex(p.patient_id).to_numpy()
    state[:, MORE] = (fixed[:, FIELD] == 1) & (last > first.rt_start_day.to_numpy(float))
    dose = bed10(first.dose_gy.astype(float), first.fractions.astype(float)).to_numpy()
    state[irradiated, BED] = np.where(np.isnan(dose), UNKNOWN, np.where(dose > 30, HIGH, LOW))[irradiated]
    state[:, BRIDGE], state[:, AXI] = people.bridging, people.axi
    state[:, FAIL], state[:, RESPONSE] = people.failure, people.response
    state[:, LDH], state[:, OLD] = people.ldh, people.old
    return state
