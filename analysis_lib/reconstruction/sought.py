"""Results that the paper does not print, computed fast enough to be pushed to their ends by the walk.

What is sought is five numbers: the kind, its two groups (or a group and nothing), a day, and the weight of
the pull, below zero towards high values. :data:`NOTHING` pulls nowhere. Hazard ratios are on the log scale:
radiotherapy against systemic therapy (as they are, given stage and LDH, with delayed entry), response against
none with delayed entry, and radiotherapy after systemic therapy (grouped by what came later, counted from its
start on, from a landmark). The chapters' own analyses judge what was
found (:mod:`ends`); nothing here is shown.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.reconstruction.state import ADV, DEAD, DELAY, G3, G5, LDH, OS2, RESP, RT, ST, ST_RT, TTS
from analysis_lib.reconstruction.statistics import cox, risk_sets, ties

NONE, RATE, MEAN, RATIO, ADJUSTED, DELAYED, RESPONSE, NAIVE, TIMED, LANDMARK = range(10)
NOTHING = np.zeros(5)
DESIGN = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)], float)
ONE = np.array([[0.0], [1.0]])


@njit(cache=True, error_model="numpy")
def survival(state, fixed, order, group, day):
    """Kaplan-Meier survival of a regimen at a day, and the mean survival to it in days; ``order`` sorts by
    OS2.
    """
    n = len(order)
    m = 0
    for a in range(n):
        m += fixed[a, G3] == group
    s = 1.0
    area = last = 0.0
    a = 0
    while a < n:
        t = state[order[a], OS2]
        if t > day:
            break
        d = gone = 0
        while a < n and state[order[a], OS2] == t:
            i = order[a]
            if fixed[i, G3] == group:
                d += state[i, DEAD]
                gone += 1
            a += 1
        if d > 0:
            area += s * (t - last)
            last = t
            s *= 1 - d / m
        m -= gone
    return s, area + s * (day - last)


@njit(cache=True, error_model="numpy")
def _delayed(entry, time, event, x):
    """Log hazard ratio of a yes/no covariate with delayed entry (Efron); -1 marks who is left out."""
    n = len(time)
    beta = 0.0
    for _ in range(8):
        w = math.exp(beta)
        score = info = 0.0
        for i in range(n):
            if x[i] < 0 or event[i] == 0:
                continue
            first = True
            for j in range(i):  # each time once
                if x[j] >= 0 and event[j] == 1 and time[j] == time[i]:
                    first = False
                    break
            if not first:
                continue
            t = time[i]
            at0 = at1 = 0
            d0 = d1 = 0
            for j in range(n):
                if x[j] < 0 or entry[j] >= t or time[j] < t:
                    continue
                at1 += x[j] == 1
                at0 += x[j] == 0
                if event[j] == 1 and time[j] == t:
                    d1 += x[j] == 1
                    d0 += x[j] == 0
            d = d0 + d1
            for k in range(d):
                one = w * (at1 - k * d1 / d)
                share = one / (one + at0 - k * d0 / d)
                score -= share
                info += share * (1 - share)
            score += d1
        if info <= 1e-9:
            return beta
        step = min(max(score / info, -1.0), 1.0)
        beta = min(max(beta + step, -4.0), 4.0)
        if abs(step) < 1e-4:
            break
    return beta


@njit(cache=True, error_model="numpy")
def _counted(state, entered, first, landmark):
    """Log hazard ratio of radiotherapy in those who began with systemic therapy (the state changes when it
    begins), or from a landmark by what had begun. Who changes is two rows.
    """
    n = len(state)
    entry, time = np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int64)
    event, x = np.zeros(2 * n, np.int64), np.full(2 * n, -1)
    for i in range(n):
        if not first[i]:
            continue
        end, dead = state[i, OS2], state[i, DEAD]
        inside = entered[i] >= 0
        if landmark > 0:
            if end > landmark:
                entry[i], time[i], event[i] = landmark, end, dead
                x[i] = inside and entered[i] <= landmark
        elif inside:
            time[i], x[i] = entered[i], 0
            entry[n + i], time[n + i], event[n + i], x[n + i] = entered[i], end, dead, 1
        else:
            time[i], event[i], x[i] = end, dead, 0
    return _delayed(entry, time, event, x)


@njit(cache=True, error_model="numpy")
def _ratio(state, fixed, order, adjusted, space):
    """Log hazard ratio of radiotherapy alone against systemic therapy on OS2, given stage and LDH or not."""
    time, event = space[2], space[3]
    kept = np.empty(len(order), np.int64)
    cell = np.zeros(len(order), np.int64)
    m = 0
    for a in range(len(order)):
        i = order[a]
        if fixed[i, G3] == RT or fixed[i, G3] == ST:
            kept[m] = i
            m += 1
            time[i], event[i] = state[i, OS2], state[i, DEAD]
            cell[i] = int(fixed[i, G3] == RT)
            if adjusted:
                cell[i] += 2 * fixed[i, ADV] + 4 * state[i, LDH]
    kept = kept[:m]
    times = ties(kept, time, event, space[8])
    design = DESIGN if adjusted else ONE
    risk_sets(kept, event, cell, len(design), times, space[8], space[6], space[7])
    beta = np.zeros(design.shape[1])
    cox(times, space[6], space[7], design, beta, np.zeros(design.shape[1]))
    return beta[0]


@njit(cache=True, error_model="numpy")
def value(what, state, fixed, order, space):
    """The value of what is sought; ``order`` sorts by OS2."""
    kind, day = int(what[0]), what[3]
    if kind == RATE:
        return survival(state, fixed, order, int(what[1]), day)[0]
    if kind == MEAN:
        one = survival(state, fixed, order, int(what[1]), day)[1]
        other = survival(state, fixed, order, int(what[2]), day)[1]
        return (one - other) / DAYS_PER_MONTH
    if kind == RATIO or kind == ADJUSTED:
        return _ratio(state, fixed, order, kind == ADJUSTED, space)
    n = len(state)
    dead = state[:, DEAD].copy()
    x = np.full(n, -1)
    if kind == DELAYED or kind == RESPONSE:
        for i in range(n):
            if kind == RESPONSE:
                x[i] = fixed[i, RESP]
            elif fixed[i, G3] == RT or fixed[i, G3] == ST:
                x[i] = fixed[i, G3] == RT
        return _delayed(state[:, TTS].copy(), state[:, TTS] + state[:, OS2], dead, x)
    if kind == NAIVE:
        for i in range(n):
            if fixed[i, G3] == ST:
                x[i] = state[i, G5] == ST_RT
        return _delayed(np.zeros(n, np.int64), state[:, OS2].copy(), dead, x)
    if kind == TIMED or kind == LANDMARK:
        entered = np.where(state[:, G5] == ST_RT, state[:, DELAY], -1)
        return _counted(state, entered, fixed[:, G3] == ST, int(day))
    return 0.0
