"""The printed statistics of a state, computed fast enough to be asked a million times.

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

OS2_COLUMNS = tuple(column for column, _ in OS2_FACTORS)
EFS2_COLUMNS = tuple(column for column, _ in EFS2_FACTORS)
# Cells of the models: every combination of two (stage, LDH) or three (response, bridging, product) yes/no
# covariates.
FOUR = np.array([[c & 1, c >> 1 & 1] for c in range(4)], float)
EIGHT = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)], float)
NOT_REACHED = math.log(1.5 * LAST_DAY)


# --- estimators, all on an index sorted by time ---------------------------------------------------


@njit(cache=True)
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


@njit(cache=True)
def _curve(order, time, event, group, level, out):
    """Kaplan-Meier of ``group == level``: median (R) and its left end; of all (-1) also log limits, S(12) and
    S(24).

    Long because it is an inner loop, compiled as one function.
    """
    n = len(order)
    at_risk = 0
    for a in range(n):
        if level < 0 or group[order[a]] == level:
            at_risk += 1
    s, v = 1.0, 0.0
    left = math.inf
    right = math.inf
    low = math.inf
    high = math.inf
    s12, s24 = 1.0, 1.0
    a = 0
    while a < n:
        t = time[order[a]]
        d, c = 0, 0
        while a < n and time[order[a]] == t:
            k = order[a]
            if level < 0 or group[k] == level:
                c += 1
                d += event[k]
            a += 1
        if d > 0:
            if left < math.inf and right == math.inf:
                right = t
            s *= 1 - d / at_risk
            if left == math.inf and s < 0.5 + 1e-9:
                left = t
                if s < 0.5 - 1e-9:
                    right = t
            if level >= 0:  # of a group only the median is wanted
                if right < math.inf:
                    break
                at_risk -= c
                continue
            if at_risk > d:
                v += d / (at_risk * (at_risk - d))
            half = Z * math.sqrt(v)
            if low == math.inf and s * math.exp(-half) <= 0.5:
                low = t
            if high == math.inf and s * math.exp(half) <= 0.5:
                high = t
            if t <= MONTHS_12:
                s12 = s
            if t <= MONTHS_24:
                s24 = s
        at_risk -= c
    if right == math.inf:
        right = left
    out[0] = (left + right) / 2
    out[1] = left
    out[2] = low
    out[3] = high
    out[4] = s12
    out[5] = s24


@njit(cache=True)
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


@njit(cache=True)
def _logrank(order, time, event, group, k):
    """Square root of the log-rank chi-square over the groups 0..k-1 (others are left out)."""
    n = len(order)
    at_risk = np.zeros(k)
    for a in range(n):
        g = group[order[a]]
        if g >= 0:
            at_risk[g] += 1
    u = np.zeros(k)
    v = np.zeros((k, k))
    deaths = np.zeros(k)
    gone = np.zeros(k)
    a = 0
    while a < n:
        t = time[order[a]]
        deaths[:] = 0
        gone[:] = 0
        d = 0.0
        while a < n and time[order[a]] == t:
            i = order[a]
            g = group[i]
            if g >= 0:
                gone[g] += 1
                deaths[g] += event[i]
                d += event[i]
            a += 1
        if d > 0:
            m = at_risk.sum()
            factor = d * (m - d) / (m * m * (m - 1)) if m > 1 else 0.0
            for g in range(k):
                u[g] += deaths[g] - d * at_risk[g] / m
                if k == 2:
                    continue
                for h in range(k):
                    v[g, h] += factor * ((m if g == h else 0.0) * at_risk[g] - at_risk[g] * at_risk[h])
            if k == 2:
                v[0, 0] += factor * at_risk[0] * at_risk[1]
        at_risk -= gone
    if k == 2:
        return abs(u[0]) / math.sqrt(v[0, 0]) if v[0, 0] > 0 else 0.0
    inverse = np.zeros((k - 1, k - 1))
    _invert(v[1:, 1:], inverse)
    chi2 = 0.0
    for g in range(k - 1):
        for h in range(k - 1):
            chi2 += u[g + 1] * inverse[g, h] * u[h + 1]
    return math.sqrt(max(0.0, chi2))


@njit(cache=True)
def _cox(order, time, event, cell, design, beta, se):
    """Cox model (Efron) of binary covariates; patients are counted by cell. Starts at and updates
    ``beta``.

    Long because it is an inner loop, compiled as one function.
    """
    n = len(order)
    cells, p = design.shape
    s1 = np.zeros(p)
    s2 = np.zeros((p, p))
    e1 = np.zeros(p)
    e2 = np.zeros((p, p))
    score = np.zeros(p)
    info = np.zeros((p, p))
    weight = np.zeros(cells)
    inverse = np.zeros((p, p))
    for _ in range(20):
        for c in range(cells):
            weight[c] = math.exp((design[c] * beta).sum())
        s0 = 0.0
        s1[:] = 0
        s2[:] = 0
        score[:] = 0
        info[:] = 0
        a = n - 1
        while a >= 0:
            t = time[order[a]]
            e0 = 0.0
            d = 0
            e1[:] = 0
            e2[:] = 0
            while a >= 0 and time[order[a]] == t:
                i = order[a]
                c = cell[i]
                w = weight[c]
                s0 += w
                for x in range(p):
                    if design[c, x] != 0:
                        s1[x] += w
                        for y in range(p):
                            s2[x, y] += w * design[c, y]
                if event[i] == 1:
                    d += 1
                    e0 += w
                    for x in range(p):
                        if design[c, x] != 0:
                            score[x] += 1
                            e1[x] += w
                            for y in range(p):
                                e2[x, y] += w * design[c, y]
                a -= 1
            for j in range(d):
                f = j / d
                z = s0 - f * e0
                for x in range(p):
                    mx = (s1[x] - f * e1[x]) / z
                    score[x] -= mx
                    for y in range(p):
                        info[x, y] += (s2[x, y] - f * e2[x, y]) / z - mx * (s1[y] - f * e1[y]) / z
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


@njit(cache=True)
def _quantiles(values, out):
    """Quartiles, type 7."""
    x = np.sort(values)
    for q in range(3):
        h = (len(x) - 1) * (q + 1) * 0.25
        k = int(h)
        out[q] = x[k] + (h - k) * (x[min(k + 1, len(x) - 1)] - x[k])


@njit(cache=True)
def _log(x):
    return math.log(x) if x < math.inf else NOT_REACHED


# --- the blocks of printed statistics -------------------------------------------------------------


@njit(cache=True)
def _factors(columns, order, time, event, fixed, out, s, buffer):
    for c in columns:
        group = fixed[:, c]
        for level in (1, 0):
            _curve(order, time, event, group, level, buffer)
            out[s] = _log(buffer[0])
            out[s + 1] = _log(buffer[1])
            s += 2
        out[s] = _logrank(order, time, event, group, 2)
        s += 1
    return s


@njit(cache=True)
def _model(order, time, event, cell, design, beta, shown, out, s):
    se = np.zeros(len(beta))
    _cox(order, time, event, cell, design, beta, se)
    for x in range(shown):
        out[s] = beta[x]
        out[s + 1] = beta[x] - Z * se[x]
        out[s + 2] = beta[x] + Z * se[x]
        out[s + 3] = abs(beta[x]) / se[x]
        s += 4
    return s


@njit(cache=True)
def _overall(order, time, event, rates, out, buffer):
    _curve(order, time, event, event, -1, buffer)
    for k in range(4):
        out[k] = _log(buffer[k])
    if rates:
        out[4] = buffer[4]
        out[5] = buffer[5]
        return 6
    return 4


@njit(cache=True)
def block(b, state, fixed, orders, betas, out, buffer):
    """Statistics of block ``b`` into ``out``.

    Long because it is an inner loop, compiled as one function.
    """
    dead = state[:, DEAD]
    if b == 0:
        time = state[:, OS2]
        order = orders[0]
        resort(order, time)
        s = _overall(order, time, dead, True, out, buffer)
        group = state[:, G5]
        for level in range(5):
            _curve(order, time, dead, group, level, buffer)
            out[s] = _log(buffer[0])
            out[s + 1] = _log(buffer[1])
            s += 2
        out[s] = _logrank(order, time, dead, group, 5)
        s = _factors(OS2_COLUMNS, order, time, dead, fixed, out, s + 1, buffer)
        out[s] = _logrank(order, time, dead, fixed[:, EXTRA], 2)
        _model(order, time, dead, fixed[:, ADV] + 2 * fixed[:, LDH], FOUR, betas[0, :2], 2, out, s + 1)
    elif b == 1:
        time = state[:, EFS]
        event = state[:, EV]
        order = orders[1]
        resort(order, time)
        s = _overall(order, time, event, False, out, buffer)
        group = fixed[:, G3]
        for level in range(3):
            _curve(order, time, event, group, level, buffer)
            out[s] = _log(buffer[0])
            out[s + 1] = _log(buffer[1])
            s += 2
        out[s] = _logrank(order, time, event, group, 3)
        s = _factors(EFS2_COLUMNS, order, time, event, fixed, out, s + 1, buffer)
        out[s] = _logrank(order, time, event, fixed[:, BULKY], 2)
        _model(order, time, event, fixed[:, ADV] + 2 * fixed[:, LDH], FOUR, betas[1, :2], 2, out, s + 1)
    elif b == 2:
        time = state[:, TTS] + state[:, OS2]
        order = orders[2]
        resort(order, time)
        s = _overall(order, time, dead, True, out, buffer)
        for level in (1, 0):
            _curve(order, time, dead, fixed[:, RESP], level, buffer)
            out[s] = _log(buffer[0])
            out[s + 1] = _log(buffer[1])
            s += 2
        out[s] = _logrank(order, time, dead, fixed[:, RESP], 2)
        out[s + 1] = _logrank(order, time, dead, state[:, BRIDGE], 2)
        out[s + 2] = _logrank(order, time, dead, state[:, AXI], 2)
        cell = fixed[:, RESP] + 2 * state[:, BRIDGE] + 4 * state[:, AXI]
        _model(order, time, dead, cell, EIGHT, betas[2], 1, out, s + 3)
    elif b == 3:
        n = len(state)
        time = state[:, OS2] - state[:, DELAY]
        bed = np.empty(n, np.int64)
        two = np.empty(n, np.int64)
        more = np.empty(n, np.int64)
        for i in range(n):
            bed[i] = state[i, BED] - 1 if fixed[i, FIELD] >= 0 else -1
            two[i] = state[i, TWO] if fixed[i, FIELD] == 1 else -1
            more[i] = state[i, MORE] if fixed[i, FIELD] == 1 and fixed[i, ADV] == 0 else -1
        order = orders[3]
        resort(order, time)
        s = 0
        for c in range(2):
            group = fixed[:, FIELD] if c == 0 else bed
            first = 1 if c == 0 else 0
            for level in (first, 1 - first):
                _curve(order, time, dead, group, level, buffer)
                out[s] = _log(buffer[0])
                out[s + 1] = _log(buffer[1])
                s += 2
            out[s] = _logrank(order, time, dead, group, 2)
            s += 1
        out[s] = _logrank(order, time, dead, two, 2)
        out[s + 1] = _logrank(order, time, dead, more, 2)
    else:
        _quantiles(state[:, TTS], out)
        _quantiles(state[:, TTS] + state[:, OS2], out[3:])
        _quantiles(state[:, OS2], out[6:])
        start = np.empty((fixed[:, FIELD] >= 0).sum())
        k = 0
        for i in range(len(state)):
            if fixed[i, FIELD] >= 0:
                start[k] = state[i, TTS] + state[i, DELAY]
                k += 1
        _quantiles(start, out[9:])
        for k in range(12):
            out[k] = math.log(out[k])
