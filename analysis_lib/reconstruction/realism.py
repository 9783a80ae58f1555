"""What no printed number forbids but no hospital would see: impossible orders of days, and a mild prior on
times.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from analysis_lib.reconstruction.state import (
    ADV,
    BED,
    BEFORE_DEATH,
    BULKY,
    DEAD,
    DELAY,
    EFS,
    EV,
    FAIL,
    FIELD,
    G3,
    G5,
    LAST_DAY,
    LDH,
    LOCK_OS,
    MORE,
    MULTI,
    NO_EVENT_BEFORE,
    OS2,
    POOR,
    ROOM_TO_IRRADIATE,
    RT,
    RT_ST,
    ST_RT,
    TTS,
    TWO,
    UNKNOWN,
)

WITH_LDH = (ADV, BULKY, MULTI)


def least_numbers(
    state: np.ndarray, fixed: np.ndarray, progressed: np.ndarray, quiet: tuple[int, ...]
) -> np.ndarray:
    """The least numbers of living patients of RT, CMT and ST who progressed; of patients with elevated LDH
    whose disease is advanced, bulky or in several sites (as many as were drawn, less two); and of those of
    RT, CMT and ST whose first event was death (``quiet``), who may have died without progression.
    """
    high = state[:, LDH] == 1
    return np.array([*progressed, *(int((high & (fixed[:, c] == 1)).sum()) - 2 for c in WITH_LDH), *quiet])


@njit(cache=True, error_model="numpy")
def possible(i, state, fixed):
    """Whether a patient's own times are in a possible order."""
    r = state[i]
    os2, dead, efs, ev = r[OS2], r[DEAD], r[EFS], r[EV]
    if (
        r[TTS] < r[FAIL]
        or os2 < (4 if dead else 14)
        or r[TTS] + os2 > LAST_DAY
        or efs < min(NO_EVENT_BEFORE, os2)
    ):
        return False
    if ev == 0 and (dead or efs != os2):
        return False
    if ev == 1 and dead and efs != os2 and efs > os2 - 7:
        return False
    if ev == 1 and not dead and efs > os2 - 14:
        return False
    if fixed[i, FIELD] >= 0 and os2 - r[DELAY] < (21 if dead else 30):
        return False
    if r[G5] == ST_RT and (ev == 0 or efs > r[DELAY] or r[DELAY] < 14):
        return False
    if r[G5] == RT_ST and (ev == 0 or efs > os2 - 21):
        return False
    # systemic therapy, then transplant
    if r[G5] == RT_ST and (r[MORE] == 0 or (fixed[i, LOCK_OS] and efs > 100)):
        return False
    if r[TWO] == 1 and r[BED] == UNKNOWN:
        return False
    if r[MORE] == 1 and (ev == 0 or max(efs, r[DELAY]) > os2 - 21):
        return False
    # what came after radiotherapy alone, if not systemic therapy, was radiotherapy again
    if r[MORE] == 1 and r[G5] == RT and max(efs, r[DELAY] + 25) > os2 - ROOM_TO_IRRADIATE:
        return False
    return True


@njit(cache=True, error_model="numpy")
def log_prior(state, fixed, order, least):
    """Penalties for what is possible but would look made up. Zero for an unremarkable cohort.

    Long because numba compiles it as one loop over the patients.
    """
    n = len(state)
    loss = 0.0
    events = 0
    progressing = np.zeros(3, np.int64)
    soon = 0
    at_death = 0
    short = np.zeros(2, np.int64)
    one_line = 0
    sudden = 0
    new = 0
    frail = 0
    together = np.zeros(3, np.int64)
    quiet = np.zeros(3, np.int64)
    for i in range(n):
        r = state[i]
        events += r[EV]
        g = fixed[i, G3]
        if r[LDH] == 1:
            for k in range(3):
                together[k] += fixed[i, WITH_LDH[k]] == 1
        one_line += r[EV] == 0 or r[EFS] == r[OS2] or (fixed[i, FIELD] == 1 and g < 2 and r[MORE] == 0)
        if r[EV] == 1 and r[DEAD] == 0 and not fixed[i, LOCK_OS]:
            progressing[g] += 1
        sudden += r[EFS] < 16
        new += r[DEAD] == 0 and r[OS2] < 62
        frail += g == 0 and fixed[i, POOR] == 1 and r[DEAD] == 1 and r[OS2] < 180
        if r[DEAD] == 1:
            soon += r[OS2] < 28
            at_death += r[EFS] == r[OS2]
            quiet[g] += r[EFS] == r[OS2]
            if fixed[i, FIELD] >= 0 and r[OS2] - r[DELAY] <= BEFORE_DEATH:
                short[fixed[i, FIELD]] += 1
        gap = r[TTS] - r[FAIL]
        if gap > 60:
            loss += 0.002 * (gap - 60) ** 0.5
    # Progression at last follow-up in 81: of those who died nearly all, one of the five transplanted, and of
    # the other living
    for g in range(3):
        loss += 0.05 * max(0, least[3 + g] - together[g])
        loss += 1.0 * max(0, least[6 + g] - quiet[g])
        loss += 1.0 * max(0, least[g] - progressing[g])
    loss += 0.2 * max(0, 82 - events) + 0.2 * max(0, events - 94)
    loss += 0.2 * max(0, one_line - 54)  # the median number of lines is two
    loss += 0.03 * max(0, sudden - 7) + 0.04 * max(0, new - 8)
    loss += 0.1 * max(0, soon - 7) + 0.05 * max(0, at_death - 14)
    loss += 0.3 * max(0, 2 - short[1]) + 0.3 * max(0, 6 - short[0])
    # Three of the four RT patients in poor condition are in ECOG 4: two at least did not live long.
    loss += 0.05 * max(0, 3 - frail)
    # No more than six deaths within ten days of OS2, no more than two on one day.
    w = np.empty(n, np.int64)
    m = 0
    for a in range(n):
        if state[order[a], DEAD] == 1:
            w[m] = state[order[a], OS2]
            m += 1
    for a in range(m - 2):
        if w[a + 2] == w[a]:
            loss += 0.1
        if a + 6 < m and w[a + 6] - w[a] < 10:
            loss += 0.1
    return loss
