"""The printed statistics of a state, computed fast enough to be asked a million times.

One walk along the sorted times counts, for every grouping at once, who is at risk and who has an event; what
is printed follows from these counts. The arrays are :func:`room`'s, so that the walk allocates nothing.

Long because its functions, compiled by numba, share their arrays and belong together.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from analysis_lib.reconstruction.state import (
    ADV,
    AXI,
    BED,
    BRIDGE,
    BULKY,
    DEAD,
    DELAY,
    EFS,
    EFS2_FACTORS,
    EV,
    EXTRA,
    FIELD,
    G3,
    G5,
    LAST_DAY,
    LDH,
    MONTHS_12,
    MONTHS_24,
    MORE,
    OS2,
    OS2_FACTORS,
    RESP,
    TTS,
    TWO,
)
from analysis_lib.rows.limits import Z

OS2_COLUMNS = (*(column for column, _ in OS2_FACTORS), EXTRA)
EFS2_COLUMNS = (*(column for column, _ in EFS2_FACTORS), BULKY)
# Cells of the models: every combination of two (stage, LDH) or three (response, bridging, product) yes/no
# covariates.
FOUR = np.array([[c & 1, c >> 1 & 1] for c in range(4)], float)
EIGHT = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)], float)
NOT_REACHED = math.log(1.5 * LAST_DAY)
OF_LDH = 5  # the place of LDH among a block's groupings, which the state fills in
assert OS2_FACTORS[OF_LDH - 1][1] == EFS2_FACTORS[OF_LDH - 1][1] == "ldh"
GROUPINGS, LEVELS, CELLS = 8, 5, 24  # the most that any block has


def room(fixed: np.ndarray) -> tuple[np.ndarray, ...]:
    """Arrays to work in: the levels of each block's groupings (-1 outside; what stays fixed is filled in),
    the model's cells, times and events; medians and log-rank statistics; risk sets; what is known of each
    time.
    """
    n = len(fixed)
    level = np.full((4, GROUPINGS, n), -1)
    for b, columns in ((0, OS2_COLUMNS), (1, EFS2_COLUMNS)):
        level[b, 1:8] = fixed[:, columns].T
    level[1, 0], level[2, 0], level[3, 0] = fixed[:, G3], fixed[:, RESP], fixed[:, FIELD]
    cell = np.zeros((4, n), np.int64)
    cell[:2] = fixed[:, ADV]
    return (
        level,
        cell,
        np.zeros(n, np.int64),  # time
        np.zeros(n, np.int64),  # event
        np.zeros((GROUPINGS, LEVELS, 2)),  # medians: R's, and the left end of a flat stretch
        np.zeros(GROUPINGS),  # square roots of the log-rank chi-square
        np.zeros((n, CELLS)),  # at risk at each time with an event, by cell
        np.zeros((n, CELLS)),  # events
        np.zeros((3, n), np.int64),  # first and last place of each such time in the order, and events
        np.zeros(n, np.int64),  # a grouping's levels in the order of time
    )


# --- estimators, all on an index sorted by time ---------------------------------------------------


@njit(cache=True, error_model="numpy")
def resort(order, time):
    """Insertion sort of a nearly sorted index."""
    for a in range(1, len(order)):
        k = order[a]
        t = time[k]
        b = a - 1
        while b >= 0 and time[order[b]] > t:
            order[b + 1] = order[b]
            b -= 1
        order[b + 1] = k


@njit(cache=True, error_model="numpy")
def ties(order, time, event, place):
    """Places of the distinct times that have an event; returns how many."""
    n = len(order)
    times = 0
    a = 0
    while a < n:
        t = time[order[a]]
        b = a
        d = 0
        while b < n and time[order[b]] == t:
            d += event[order[b]]
            b += 1
        if d > 0:
            place[0, times] = a
            place[1, times] = b
            place[2, times] = d
            times += 1
        a = b
    return times


@njit(cache=True, error_model="numpy")
def _two(order, time, event, level, times, place, here, median):
    """Medians of levels 0 and 1, and the square root of their log-rank chi-square.

    Long because it is an inner loop, compiled as one function.
    """
    n = len(order)
    at0 = at1 = 0
    for a in range(n):
        g = level[order[a]]
        here[a] = g
        at1 += g == 1
        at0 += g == 0
    u = v = 0.0
    s0 = s1 = 1.0
    left0 = left1 = right0 = right1 = math.inf
    a = 0
    for k in range(times):
        first, last = place[0, k], place[1, k]
        while a < first:
            at1 -= here[a] == 1
            at0 -= here[a] == 0
            a += 1
        d0 = d1 = gone0 = gone1 = 0
        while a < last:
            e = event[order[a]]
            one, zero = here[a] == 1, here[a] == 0
            d1 += e * one
            d0 += e * zero
            gone1 += one
            gone0 += zero
            a += 1
        d = d0 + d1
        if d > 0:
            m = at0 + at1
            share = at1 / m
            u += d1 - d * share
            if m > 1:
                v += d * (m - d) * share * (1 - share) / (m - 1)
            if d1 > 0 and right1 == math.inf:
                s1 *= 1 - d1 / at1
                if left1 < math.inf:
                    right1 = time[order[first]]
                elif s1 < 0.5 + 1e-9:
                    left1 = time[order[first]]
                    if s1 < 0.5 - 1e-9:
                        right1 = left1
            if d0 > 0 and right0 == math.inf:
                s0 *= 1 - d0 / at0
                if left0 < math.inf:
                    right0 = time[order[first]]
                elif s0 < 0.5 + 1e-9:
                    left0 = time[order[first]]
                    if s0 < 0.5 - 1e-9:
                        right0 = left0
        at1 -= gone1
        at0 -= gone0
    median[0, 0] = (left0 + right0) / 2 if right0 < math.inf else left0
    median[0, 1] = left0
    median[1, 0] = (left1 + right1) / 2 if right1 < math.inf else left1
    median[1, 1] = left1
    return abs(u) / math.sqrt(v) if v > 0 else 0.0


@njit(cache=True, error_model="numpy")
def _several(order, time, event, level, k, times, place, median):
    """Medians of ``k`` levels that everyone has one of, and the square root of their log-rank chi-square."""
    at, now, survival = np.zeros(k), np.zeros(k), np.ones(k)
    left, right = np.full(k, math.inf), np.full(k, math.inf)
    u, v = np.zeros(k), np.zeros((k, k))
    n = len(order)
    for i in range(n):
        at[level[i]] += 1
    a = 0
    for j in range(times):
        while a < place[0, j]:
            at[level[order[a]]] -= 1
            a += 1
        d, m = place[2, j], n - a
        for b in range(a, place[1, j]):
            now[level[order[b]]] += event[order[b]]
        factor = d * (m - d) / (m * m * (m - 1.0)) if m > 1 else 0.0
        for g in range(1, k):
            u[g] += now[g] - d * at[g] / m
            v[g, g] += factor * (m - at[g]) * at[g]
            for h in range(1, g):
                v[g, h] -= factor * at[g] * at[h]
        for g in range(k):
            if now[g] > 0 and right[g] == math.inf:
                survival[g] *= 1 - now[g] / at[g]
                if left[g] < math.inf:
                    right[g] = time[order[a]]
                elif survival[g] < 0.5 + 1e-9:
                    left[g] = time[order[a]]
                    if survival[g] < 0.5 - 1e-9:
                        right[g] = left[g]
            now[g] = 0
        while a < place[1, j]:
            at[level[order[a]]] -= 1
            a += 1
    for g in range(k):
        median[g, 0] = (left[g] + right[g]) / 2 if right[g] < math.inf else left[g]
        median[g, 1] = left[g]
        for h in range(g):
            v[h, g] = v[g, h]
    inverse = np.zeros((k - 1, k - 1))
    _invert(v[1:, 1:], inverse)
    chi2 = 0.0
    for g in range(k - 1):
        for h in range(k - 1):
            chi2 += u[g + 1] * inverse[g, h] * u[h + 1]
    return math.sqrt(max(0.0, chi2))


@njit(cache=True, error_model="numpy")
def risk_sets(order, event, cell, cells, times, place, risk, died):
    """Who is at risk and who has an event at each time, counted by cell."""
    at = np.zeros(cells)
    a = len(order)
    for back in range(times):
        j = times - 1 - back
        while a > place[0, j]:
            a -= 1
            at[cell[order[a]]] += 1
        for c in range(cells):
            risk[j, c] = at[c]
            died[j, c] = 0
        for b in range(place[0, j], place[1, j]):
            died[j, cell[order[b]]] += event[order[b]]


@njit(cache=True, error_model="numpy")
def _overall(order, time, event, rates, out):
    """Median, its log limits and S(12), S(24) of all; returns how many values it wrote."""
    n = len(order)
    s, v, s12, s24 = 1.0, 0.0, 1.0, 1.0
    left, right, low, high = math.inf, math.inf, math.inf, math.inf
    a = 0
    while a < n:
        t = time[order[a]]
        m = n - a
        d = 0
        while a < n and time[order[a]] == t:
            d += event[order[a]]
            a += 1
        if d == 0:
            continue
        if left < math.inf and right == math.inf:
            right = t
        s *= 1 - d / m
        if left == math.inf and s < 0.5 + 1e-9:
            left = t
            if s < 0.5 - 1e-9:
                right = t
        if m > d:
            v += d / (m * (m - d))
        if low == math.inf and s * math.exp(-Z * math.sqrt(v)) <= 0.5:
            low = t
        if high == math.inf and low < math.inf and s * math.exp(Z * math.sqrt(v)) <= 0.5:
            high = t
        if t <= MONTHS_12:
            s12 = s
        if t <= MONTHS_24:
            s24 = s
    if right == math.inf:
        right = left
    out[0] = _log((left + right) / 2)
    out[1] = _log(left)
    out[2] = _log(low)
    out[3] = _log(high)
    out[4] = s12
    out[5] = s24
    return 6 if rates else 4


@njit(cache=True, error_model="numpy")
def _invert(a, inverse):
    """Inverse of a small positive definite matrix, by Gauss-Jordan; much faster than a call to LAPACK."""
    p = len(a)
    work = a.copy()
    inverse[:] = 0
    for x in range(p):
        inverse[x, x] = 1.0
        work[x, x] += 1e-9
    for x in range(p):
        pivot = work[x, x]
        for y in range(p):
            work[x, y] /= pivot
            inverse[x, y] /= pivot
        for z in range(p):
            if z != x:
                f = work[z, x]
                for y in range(p):
                    work[z, y] -= f * work[x, y]
                    inverse[z, y] -= f * inverse[x, y]


@njit(cache=True, error_model="numpy")
def cox(times, risk, died, design, beta, se):
    """Cox model (Efron) of patients counted by cell. Starts at and updates ``beta``.

    Long because it is an inner loop, compiled as one function.
    """
    cells, p = design.shape
    s1, e1, score = np.zeros(p), np.zeros(p), np.zeros(p)
    s2, e2, info, inverse = np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    weight = np.zeros(cells)
    for _ in range(20):
        for c in range(cells):
            eta = 0.0
            for x in range(p):
                eta += design[c, x] * beta[x]
            weight[c] = math.exp(eta)
        score[:] = 0
        info[:] = 0
        for a in range(times):
            s0 = e0 = d = 0.0
            for x in range(p):
                s1[x] = e1[x] = 0
                for y in range(x + 1):
                    s2[x, y] = e2[x, y] = 0
            for c in range(cells):
                w = weight[c] * risk[a, c]
                if w == 0:
                    continue
                s0 += w
                deaths = died[a, c]
                d += deaths
                dw = weight[c] * deaths
                e0 += dw
                for x in range(p):
                    if design[c, x] != 0:
                        z = design[c, x]
                        s1[x] += w * z
                        score[x] += deaths * z
                        e1[x] += dw * z
                        for y in range(x + 1):
                            s2[x, y] += w * z * design[c, y]
                            e2[x, y] += dw * z * design[c, y]
            for j in range(int(d)):
                f = j / d
                z = 1 / (s0 - f * e0)
                for x in range(p):
                    mx = (s1[x] - f * e1[x]) * z
                    score[x] -= mx
                    for y in range(x + 1):
                        info[x, y] += (s2[x, y] - f * e2[x, y]) * z - mx * (s1[y] - f * e1[y]) * z
        for x in range(p):
            for y in range(x):
                info[y, x] = info[x, y]
        _invert(info, inverse)
        largest = 0.0
        for x in range(p):
            se[x] = math.sqrt(max(inverse[x, x], 1e-12))
            step = 0.0
            for y in range(p):
                step += inverse[x, y] * score[y]
            step = min(max(step, -1.0), 1.0)
            beta[x] = min(max(beta[x] + step, -5.0), 5.0)
            largest = max(largest, abs(step))
        if largest < 3e-4:  # Newton's next step would be of the order of its square
            break


@njit(cache=True, error_model="numpy")
def _quartiles(order, time, out):
    """Logarithms of the quartiles, type 7."""
    for q in range(3):
        h = (len(order) - 1) * (q + 1) * 0.25
        k = int(h)
        low = time[order[k]]
        out[q] = math.log(low + (h - k) * (time[order[min(k + 1, len(order) - 1)]] - low))


@njit(cache=True, error_model="numpy")
def _log(x):
    return math.log(x) if x < math.inf else NOT_REACHED


# --- the blocks of printed statistics -------------------------------------------------------------


@njit(cache=True, error_model="numpy")
def _medians(space, k, level, out, s):
    out[s] = _log(space[4][k, level, 0])
    out[s + 1] = _log(space[4][k, level, 1])
    return s + 2


@njit(cache=True, error_model="numpy")
def _factor(space, k, out, s):
    """Medians with and without, and the log-rank statistic."""
    s = _medians(space, k, 1, out, s)
    s = _medians(space, k, 0, out, s)
    out[s] = space[5][k]
    return s + 1


@njit(cache=True, error_model="numpy")
def _model(b, order, space, times, design, beta, shown, out, s):
    se = np.zeros(len(beta))
    risk, died = space[6], space[7]
    risk_sets(order, space[3], space[1][b], len(design), times, space[8], risk, died)
    cox(times, risk, died, design, beta, se)
    for x in range(shown):
        out[s] = beta[x]
        out[s + 1] = beta[x] - Z * se[x]
        out[s + 2] = beta[x] + Z * se[x]
        out[s + 3] = abs(beta[x]) / se[x]
        out[s + 4] = se[x]
        s += 5
    return s


@njit(cache=True, error_model="numpy")
def _pairs(b, order, space, times, first, last):
    """Medians and log-rank statistics of the groupings of two levels."""
    for k in range(first, last):
        space[5][k] = _two(order, space[2], space[3], space[0][b, k], times, space[8], space[9], space[4][k])


@njit(cache=True, error_model="numpy")
def _salvage(b, state, order, beta, out, space):
    """OS2 (block 0) or EFS2 (block 1): all, by regimen, by each factor, and the model."""
    time, event, level = space[2], space[3], space[0][b]
    for i in range(len(state)):
        time[i] = state[i, OS2 if b == 0 else EFS]
        event[i] = state[i, DEAD if b == 0 else EV]
        level[OF_LDH, i] = state[i, LDH]
        space[1][b, i] = space[1][b, i] % 2 + 2 * state[i, LDH]
        if b == 0:
            level[0, i] = state[i, G5]
    groups = 5 if b == 0 else 3
    resort(order, time)
    times = ties(order, time, event, space[8])
    s = _overall(order, time, event, b == 0, out)
    chi = _several(order, time, event, level[0], groups, times, space[8], space[4][0])
    _pairs(b, order, space, times, 1, 8)
    for g in range(groups):
        s = _medians(space, 0, g, out, s)
    out[s] = chi
    s += 1
    for k in range(1, 7):
        s = _factor(space, k, out, s)
    out[s] = space[5][7]
    _model(b, order, space, times, FOUR, beta, 2, out, s + 1)


@njit(cache=True, error_model="numpy")
def _infusion(state, order, beta, out, space):
    """OS1: all, by response, and the model."""
    time, event, level, cell = space[2], space[3], space[0][2], space[1][2]
    for i in range(len(state)):
        time[i] = state[i, TTS] + state[i, OS2]
        event[i] = state[i, DEAD]
        level[1, i] = state[i, BRIDGE]
        level[2, i] = state[i, AXI]
        cell[i] = level[0, i] + 2 * state[i, BRIDGE] + 4 * state[i, AXI]
    resort(order, time)
    times = ties(order, time, event, space[8])
    s = _overall(order, time, event, True, out)
    _pairs(2, order, space, times, 0, 3)
    s = _factor(space, 0, out, s)
    out[s] = space[5][1]
    out[s + 1] = space[5][2]
    _model(2, order, space, times, EIGHT, beta, 1, out, s + 2)


@njit(cache=True, error_model="numpy")
def _radiotherapy(state, fixed, order, out, space):
    """Survival from radiotherapy, by field, dose, number of sites and further therapy."""
    time, event, level = space[2], space[3], space[0][3]
    for i in range(len(state)):
        field = level[0, i]
        time[i] = state[i, OS2] - state[i, DELAY]
        event[i] = state[i, DEAD]
        level[1, i] = state[i, BED] - 1 if field >= 0 else -1
        level[2, i] = state[i, TWO] if field == 1 else -1
        level[3, i] = state[i, MORE] if field == 1 and fixed[i, ADV] == 0 else -1
    resort(order, time)
    times = ties(order, time, event, space[8])
    _pairs(3, order, space, times, 0, 4)
    s = _factor(space, 0, out, 0)
    s = _medians(space, 1, 0, out, s)  # high dose first
    s = _medians(space, 1, 1, out, s)
    for k in range(1, 4):
        out[s] = space[5][k]
        s += 1


@njit(cache=True, error_model="numpy")
def _waits(state, fixed, orders, out, space):
    """Quartiles of times to salvage, of follow-up, and to radiotherapy."""
    time = space[2]
    n = len(state)
    for q in range(3):
        for i in range(n):
            time[i] = state[i, TTS] * (q < 2) + state[i, OS2] * (q > 0)
        order = orders[(4, 2, 0)[q]]
        resort(order, time)
        _quartiles(order, time, out[3 * q :])
    k = 0
    order = orders[5]
    for i in range(n):
        irradiated = fixed[i, FIELD] >= 0
        time[i] = state[i, TTS] + state[i, DELAY] if irradiated else 2 * LAST_DAY
        k += irradiated
    resort(order, time)
    _quartiles(order[:k], time, out[9:])


@njit(cache=True, error_model="numpy")
def block(b, state, fixed, orders, betas, out, space):
    """Statistics of block ``b`` into ``out``, in the order of
    :func:`analysis_lib.reconstruction.slots.slots`; ``orders`` holds six indexes, sorted from call to call.
    """
    if b < 2:
        _salvage(b, state, orders[b], betas[b, :2], out, space)
    elif b == 2:
        _infusion(state, orders[2], betas[2], out, space)
    elif b == 3:
        _radiotherapy(state, fixed, orders[3], out, space)
    else:
        _waits(state, fixed, orders, out, space)
