"""What the annealer moves: patients' times, their codes and fixed days."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.dictionary.units import DAYS_PER_MONTH

from .drawn import Drawn
from .targets import Paper

# Columns of the state.
TTS, OS2, DEAD, EFS, EV, DELAY, G5, BED, TWO, MORE, BRIDGE, AXI, FAIL, RESPONSE, LDH, OLD = range(16)
# Columns of what stays fixed. FIELD: 1 comprehensive, 0 focal, -1 not irradiated; BULKY: -1 unknown.
# HSCT: which of the drawn transplants a patient had, from 1; 0 none.
G3, FIELD, RESP, ADV, MULTI, EXTRA, POOR, IPI3, BULKY, LOCK_OS, LOCK_EFS, HSCT = range(12)
MOVES = -1  # instead of a fixed column: the factor is one of the state's
RT, CMT, ST, ST_RT, RT_ST = range(5)  # G5; G3 uses the first three
UNKNOWN, HIGH, LOW = range(3)  # BED of the first course, at most 30 Gy is low
LAST_DAY = 1826  # nobody is followed for longer than five years
NO_EVENT_BEFORE = 10  # but a death
ROOM_TO_IRRADIATE = 35  # days between progression, or the end of a course, and last follow-up for another one
MONTHS_12, MONTHS_24 = int(12 * DAYS_PER_MONTH), int(24 * DAYS_PER_MONTH)  # the last whole days
BEFORE_DEATH = int(3 * DAYS_PER_MONTH)  # sites go unassessed only if the patient died within three months
OS2_FACTORS = (
    (BULKY, "bulky"),
    (MULTI, "sites"),
    (POOR, "ecog"),
    (ADV, "stage"),
    (MOVES, "ldh"),
    (IPI3, "ipi3"),
)
EFS2_FACTORS = (
    (MULTI, "sites"),
    (EXTRA, "extranodal"),
    (POOR, "ecog"),
    (ADV, "stage"),
    (MOVES, "ldh"),
    (IPI3, "ipi3"),
)


def start(
    people: pd.DataFrame, drawn: Drawn, paper: Paper, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A first state, with its fixed columns and who may have had two comprehensive sites.

    Parameters
    ----------
    people
        One row a patient: what :func:`covariates.solve` gives, with regimen, field, responder, bridging,
        axi-cel, failure and response days.
    drawn, paper
        What was settled by lot, and what is printed.

    Long because it fills a state column by column, each from those before.
    """
    n = len(people)
    fixed = np.zeros((n, 12), np.int64)
    fixed[:, G3] = people.regimen.map({"RT": RT, "CMT": CMT, "ST": ST})
    fixed[:, FIELD] = people.field.map({"comprehensive": 1, "focal": 0}).fillna(-1)
    for column, name in (
        (RESP, "responder"),
        (ADV, "advanced"),
        (MULTI, "multiple"),
        (POOR, "poor"),
    ):
        fixed[:, column] = people[name]
    fixed[:, EXTRA] = people.extranodal > 0
    fixed[:, IPI3] = people.ipi >= 3
    fixed[:, BULKY] = people["mass"].map({"bulky": 1, "not bulky": 0}).fillna(-1)
    irradiated = fixed[:, FIELD] >= 0

    state = np.zeros((n, 16), np.int64)
    state[:, LDH], state[:, OLD] = people.ldh, people.old
    state[:, FAIL], state[:, RESPONSE] = people.failure, people.response
    state[:, BRIDGE], state[:, AXI] = people.bridging, people.axi
    state[:, TTS] = state[:, FAIL] + rng.exponential(14, n).astype(int)
    risk = 0.8 * fixed[:, ADV] + 1.0 * state[:, LDH] + 0.6 * fixed[:, POOR] + 0.2 * (fixed[:, BULKY] == 1)
    survival = rng.exponential(800 * np.exp(-risk)) + 25
    followed = rng.uniform(60, 1300, n)
    state[:, OS2] = np.minimum(np.minimum(survival, followed), LAST_DAY - state[:, TTS] - 1)
    state[:, OS2] = np.maximum(state[:, OS2], 35)
    late = (fixed[:, G3] == ST) & irradiated
    state[:, G5] = np.where(late, ST_RT, fixed[:, G3])
    state[late, DELAY] = rng.integers(40, 300, late.sum())
    state[late, OS2] = state[late, DELAY] + np.maximum(state[late, OS2], 35)
    state[:, OS2] = np.minimum(state[:, OS2], LAST_DAY - state[:, TTS])

    taken: list[int] = []
    for number, each in enumerate(drawn.transplants, start=1):
        # whom the transplant and what followed it fit in, after CAR T failed and before the data end
        able = (people.stratum == each.stratum) & (people.failure + each.os2 <= LAST_DAY)
        score = np.where(able, risk + rng.uniform(0, 0.5, n) + (people.responder == 0), np.inf)
        score[taken] = np.inf
        i = int(score.argmin())
        taken.append(i)
        fixed[i, LOCK_OS], fixed[i, HSCT] = 1, number
        state[i, [DELAY, OS2, DEAD, EV]] = each.delay, each.os2, 0, 1
        state[i, TTS] = min(state[i, TTS], LAST_DAY - state[i, OS2])
        state[i, MORE] = fixed[i, FIELD] == 1 and each.wait > 0  # the transplant, if radiotherapy came first
        # the transplant itself is the next line
        if people.regimen[i] == "CMT" or each.wait < 0:
            state[i, EFS], fixed[i, LOCK_EFS] = each.day, 1
        else:
            state[i, EFS] = int(rng.integers(25, min(100, each.delay or 100)))
    free = np.ones(n, bool)
    free[taken] = False

    # Who died: the printed number in each salvage group, those at risk first.
    for group, name in ((RT, "rt"), (CMT, "cmt"), (ST, "st")):
        members = np.flatnonzero((fixed[:, G3] == group) & free)
        order = members[np.argsort(-(risk[members] + rng.gumbel(0, 0.7, len(members))))]
        state[order[: paper.count(f"t1.alive.deceased.{name}.n")], DEAD] = 1
    for k in np.flatnonzero(free):
        if state[k, DEAD] or late[k] or rng.random() < 0.4:
            state[k, EV] = 1
            state[k, EFS] = int(state[k, OS2] * rng.uniform(0.15, 0.6))
            state[k, EFS] = max(
                NO_EVENT_BEFORE,
                min(state[k, EFS], state[k, DELAY] if late[k] else state[k, OS2] - 14),
            )
        else:
            state[k, EFS] = state[k, OS2]

    # Systemic therapy after comprehensive radiotherapy.
    chosen = [i for i in taken if people.stratum[i] == "RT comprehensive"]
    rest = [i for i in rng.permutation(n) if people.stratum[i] == "RT comprehensive" and i not in chosen]
    for i in chosen + rest[: drawn.rt_then_st - len(chosen)]:
        state[i, G5], state[i, MORE] = RT_ST, 1
        if free[i]:
            state[i, EV], state[i, OS2] = 1, max(state[i, OS2], 90)
            state[i, EFS] = min(max(state[i, EFS], 20), state[i, OS2] - 30)
    # Three comprehensive fields of two sites; at first salvage that takes two sites of disease.
    # Where the definition of a field is honoured, all sites of disease at first salvage were irradiated.
    two_ok = (fixed[:, FIELD] == 1) & ((fixed[:, G3] == ST) | (fixed[:, MULTI] == 1)) & free
    two = paper.count("cf.comp.gt1site.n")
    if drawn.family == "definition":
        state[(fixed[:, FIELD] == 1) & (fixed[:, MULTI] == 1), TWO] = 1
        two_ok[:] = False
    state[rng.permutation(np.flatnonzero(two_ok))[:two], TWO] = 1
    # Doses of the first course: high, low (one comprehensive) or unknown (12 sites, one a patient).
    state[fixed[:, FIELD] >= 0, BED] = HIGH
    lost = drawn.unknown_comprehensive
    for field, low, unknown in (
        (1, paper.count("cf.comp.lowdose.n"), lost),
        (0, drawn.low_focal, paper.count("cf.incomplete.n") - lost),
    ):
        members = rng.permutation(np.flatnonzero((fixed[:, FIELD] == field) & (state[:, TWO] == 0)))
        state[members[:low], BED] = LOW
        state[members[low : low + unknown], BED] = UNKNOWN
    return state, fixed, two_ok
