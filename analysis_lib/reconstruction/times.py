"""When things happened to them: simulated annealing on whole days (numba).

The state is one row a patient: time to salvage, OS2, death, EFS2, its event, delay to radiotherapy, and the labels
that the paper's comparisons need. Each printed statistic is a slot with an interval; the loss is the sum of the
distances to the intervals plus a realism prior. :mod:`check` judges the result with other code.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numba import njit
from scipy import stats

from .targets import MONTH, interval, p_interval, printed

# Columns of the state.
TTS, OS2, DEAD, EFS, EV, DELAY, G5, BED, TWO, MORE, BRIDGE, AXI, FAIL, RESPONSE = range(14)
# Columns of what stays fixed. FIELD: 1 comprehensive, 0 focal, -1 not irradiated; BULKY: -1 unknown.
G3, FIELD, RESP, LDH, ADV, MULTI, EXTRA, POOR, IPI3, BULKY, LOCK_OS, LOCK_EFS = range(12)
RT, CMT, ST, ST_RT, RT_ST = range(5)  # G5; G3 uses the first three
UNKNOWN, HIGH, LOW = range(3)  # BED of the first course, at most 30 Gy is low
LAST_DAY = 1826  # nobody is followed for longer than five years
NO_EVENT_BEFORE = 10
OS2_FACTORS = ((BULKY, "bulky"), (MULTI, "sites"), (POOR, "ecog"), (ADV, "stage"), (LDH, "ldh"), (IPI3, "ipi3"))
EFS2_FACTORS = ((MULTI, "sites"), (EXTRA, "extranodal"), (POOR, "ecog"), (ADV, "stage"), (LDH, "ldh"), (IPI3, "ipi3"))
OS2_COLUMNS = tuple(column for column, _ in OS2_FACTORS)
EFS2_COLUMNS = tuple(column for column, _ in EFS2_FACTORS)
# Cells of the models: every combination of two (stage, LDH) or three (response, bridging, product) yes/no covariates.
FOUR = np.array([[c & 1, c >> 1 & 1] for c in range(4)], float)
EIGHT = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)], float)
NOT_REACHED = math.log(1.5 * LAST_DAY)
MARGIN = 1e-3  # keep clear of the edges of a rounding interval


def _slot(claim: str, kind: str, column: str = "value") -> tuple[float, float, float]:
    """Interval of a claim on the annealer's scale, and the weight of a unit distance from it."""
    if kind == "z":  # chi-square with one degree of freedom, as |z|
        low, high = p_interval(claim)
        return stats.norm.isf(min(high, 1) / 2) + MARGIN, stats.norm.isf(max(low, 1e-9) / 2) - MARGIN, 2.0
    if kind.startswith("chi"):  # more degrees of freedom, on the square-root scale
        low, high = p_interval(claim)
        df = int(kind[3:])
        return math.sqrt(stats.chi2.isf(high, df)) + MARGIN, math.sqrt(stats.chi2.isf(low, df)) - MARGIN, 2.0
    if printed(claim, column) == "NR":
        return NOT_REACHED - 0.05, math.inf, 6.0
    low, high = interval(claim, column)
    if kind == "rate":
        return low / 100 + 1e-6, high / 100 - 1e-6, 40.0
    if kind == "hr":
        return math.log(low) + 1e-5, math.log(high) - 1e-5, 16.0
    return math.log(math.ceil(low * MONTH)) - 1e-9, math.log(high * MONTH) - 1e-9, 6.0  # months


def _both(claim: str) -> list[tuple]:
    """A median, by R's rule for flat stretches and by their left end: both must fit."""
    return [_slot(claim, "months")] * 2


def slots() -> tuple[list[np.ndarray], list[list[str]]]:
    """Slots of the five blocks, in the order in which :func:`_block` writes them, and their claims."""
    blocks: list[list[tuple]] = [[] for _ in range(5)]
    names: list[list[str]] = [[] for _ in range(5)]

    def put(block, claim, values):
        for value in values if isinstance(values, list) else [values]:
            blocks[block].append(value)
            names[block].append(claim)

    def curve(block, name, rates):
        put(block, f"{name}.median", _both(f"{name}.median"))
        for column in ("lower", "upper"):
            put(block, f"{name}.median.ci", _slot(f"{name}.median.ci", "months", column))
        for month in (12, 24) if rates else ():
            put(block, f"{name}.{month}m", _slot(f"{name}.{month}m", "rate"))

    def cox(block, name, factors):
        for factor in factors:
            put(block, f"mv.{name}.{factor}.hr", _slot(f"mv.{name}.{factor}.hr", "hr"))
            for column in ("lower", "upper"):
                put(block, f"mv.{name}.{factor}.ci", _slot(f"mv.{name}.{factor}.ci", "hr", column))
            put(block, f"mv.{name}.{factor}.p", _slot(f"mv.{name}.{factor}.p", "z"))

    curve(0, "os2", True)
    for group in ("rt", "cmt", "st", "st_rt", "rt_st"):
        put(0, f"os2.grp5.{group}.median", _both(f"os2.grp5.{group}.median"))
    put(0, "os2.grp5.p", _slot("os2.grp5.p", "chi4"))
    for block, name, factors, quiet in ((0, "os2", OS2_FACTORS, "extranodal"), (1, "efs2", EFS2_FACTORS, "bulky")):
        if block == 1:
            curve(1, "efs2", False)
            for group in ("rt", "cmt", "st"):
                put(1, f"efs2.grp3.{group}.median", _both(f"efs2.grp3.{group}.median"))
            put(1, "efs2.grp3.p", _slot("efs2.grp3.p", "chi2"))
        for _, factor in factors:
            for side in ("yes", "no"):
                claim = f"uv.{name}.{factor}.{side}.median"
                put(block, claim, _both(claim))
            put(block, f"uv.{name}.{factor}.p", _slot(f"uv.{name}.{factor}.p", "z"))
        put(block, f"uv.{name}.{quiet}.ns", _slot(f"uv.{name}.{quiet}.ns", "z"))
        cox(block, name, ("stage", "ldh"))
    curve(2, "os1", True)
    for side in ("resp", "nonresp"):
        put(2, f"uv.os1.{side}.median", _both(f"uv.os1.{side}.median"))
    for claim in ("uv.os1.resp.p", "uv.os1.bridging.ns", "uv.os1.product.ns"):
        put(2, claim, _slot(claim, "z"))
    cox(2, "os1", ("resp",))
    for first, second, test in (("cf.os.comp", "cf.os.focal", "cf.os.p"),
                                ("cf.bed.high.os", "cf.bed.low.os", "cf.bed.os.p")):
        put(3, first + ".median", _both(first + ".median"))
        put(3, second + ".median", _both(second + ".median"))
        put(3, test, _slot(test, "z"))
    put(3, "cf.comp.1v2sites.p", _slot("cf.comp.1v2sites.p", "z"))
    put(3, "cf.comp_limited.add.p", _slot("cf.comp_limited.add.p", "z"))
    for name in ("tts", "fu1", "fu2", "rt.start"):
        put(4, f"{name}.iqr", _slot(f"{name}.iqr", "months", "lower"))
        put(4, f"{name}.median", _slot(f"{name}.median", "months"))
        put(4, f"{name}.iqr", _slot(f"{name}.iqr", "months", "upper"))
    return [np.array(block) for block in blocks], names


def with_weight(missed: set[str], factor: float) -> tuple[np.ndarray, ...]:
    """The slots, with those of the claims in ``missed`` (as :func:`misses` names them) weighing more."""
    blocks, names = slots()
    claims = {name.split(" ")[0] for name in missed}
    return tuple(block * [[1, 1, factor if name in claims else 1] for name in of] for block, of in zip(blocks, names))


# --- estimators, all on an index sorted by time -----------------------------------------------------------------

@njit(cache=True)
def _resort(order, time):
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
    """Kaplan-Meier of ``group == level``: median (R) and its left end; of all (-1) also log limits, S(12) and S(24)."""
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
            half = 1.959963984540054 * math.sqrt(v)
            if low == math.inf and s * math.exp(-half) <= 0.5:
                low = t
            if high == math.inf and s * math.exp(half) <= 0.5:
                high = t
            if t <= 365:
                s12 = s
            if t <= 730:
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
    """Cox model (Efron) of binary covariates; patients are counted by cell. Starts at and updates ``beta``."""
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


# --- the blocks of printed statistics ---------------------------------------------------------------------------

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
        out[s + 1] = beta[x] - 1.959963984540054 * se[x]
        out[s + 2] = beta[x] + 1.959963984540054 * se[x]
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
def _block(b, state, fixed, orders, betas, out, buffer):
    """Statistics of block ``b`` into ``out``."""
    dead = state[:, DEAD]
    if b == 0:
        time = state[:, OS2]
        order = orders[0]
        _resort(order, time)
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
        _resort(order, time)
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
        _resort(order, time)
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
        _resort(order, time)
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
        start = np.empty(54)
        k = 0
        for i in range(len(state)):
            if fixed[i, FIELD] >= 0:
                start[k] = state[i, TTS] + state[i, DELAY]
                k += 1
        _quantiles(start, out[9:])
        for k in range(12):
            out[k] = math.log(out[k])


@njit(cache=True)
def _distance(out, slot):
    total = 0.0
    for k in range(len(slot)):
        x = out[k]
        if x < slot[k, 0]:
            total += slot[k, 2] * (slot[k, 0] - x) + 0.02
        elif x > slot[k, 1]:
            total += slot[k, 2] * (x - slot[k, 1]) + 0.02
    return total


# --- realism ----------------------------------------------------------------------------------------------------

@njit(cache=True)
def _possible(i, state, fixed):
    """Whether a patient's own times are in a possible order."""
    r = state[i]
    os2, dead, efs, ev = r[OS2], r[DEAD], r[EFS], r[EV]
    if r[TTS] < r[FAIL] or os2 < (14 if dead else 30) or r[TTS] + os2 > LAST_DAY or efs < NO_EVENT_BEFORE:
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
    if r[G5] == RT_ST and (r[MORE] == 0 or (fixed[i, LOCK_OS] and efs > 100)):  # systemic therapy, then transplant
        return False
    if r[TWO] == 1 and r[BED] == UNKNOWN:
        return False
    if r[MORE] == 1 and (ev == 0 or max(efs, r[DELAY]) > os2 - 21):
        return False
    return True


@njit(cache=True)
def _prior(state, fixed, order):
    """Penalties for what is possible but would look made up. Zero for an unremarkable cohort."""
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
    for i in range(n):
        r = state[i]
        events += r[EV]
        g = fixed[i, G3]
        one_line += r[EV] == 0 or r[EFS] == r[OS2] or (fixed[i, FIELD] == 1 and g < 2 and r[MORE] == 0)
        if r[EV] == 1 and r[DEAD] == 0 and not fixed[i, LOCK_OS]:
            progressing[g] += 1
        sudden += r[EFS] < 16
        new += r[DEAD] == 0 and r[OS2] < 60
        if r[DEAD] == 1:
            soon += r[OS2] < 28
            at_death += r[EFS] == r[OS2]
            if fixed[i, FIELD] >= 0 and r[OS2] - r[DELAY] <= 91:
                short[fixed[i, FIELD]] += 1
        gap = r[TTS] - r[FAIL]
        if gap > 60:
            loss += 0.002 * (gap - 60) ** 0.5
    # Progression at last follow-up in 81: everyone who died, one of the five transplanted, and of the other living
    for g, least in ((0, 5), (1, 3), (2, 8)):
        loss += 1.0 * max(0, least - progressing[g])
    loss += 0.2 * max(0, 82 - events) + 0.2 * max(0, events - 94)
    loss += 0.2 * max(0, one_line - 54)  # the median number of lines is two
    loss += 0.03 * max(0, sudden - 7) + 0.02 * max(0, new - 8)
    loss += 0.1 * max(0, soon - 6) + 0.05 * max(0, at_death - 14)
    loss += 0.3 * max(0, 2 - short[1]) + 0.3 * max(0, 6 - short[0])
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


# --- the walk ---------------------------------------------------------------------------------------------------

@njit(cache=True)
def _jitter(x):
    """A nearby whole day: mostly a small step, at times a large one."""
    u = np.random.random()
    scale = 0.02 if u < 0.3 else (0.15 if u < 0.8 else 0.8)
    y = int(round(x * math.exp(scale * np.random.normal())))
    if y == x:
        y += 1 if np.random.random() < 0.5 else -1
    return y


@njit(cache=True)
def _after_change(state, i, keep):
    """Re-tie EFS2 to a changed OS2 where it is censored there or ended by death (``keep``)."""
    if state[i, EV] == 0 or keep:
        state[i, EFS] = state[i, OS2]


@njit(cache=True)
def _move(state, fixed, two_ok, pair):
    """Propose a change in place. Returns a bit mask of the blocks it touches; patients in ``pair``; 0 if none."""
    n = len(state)
    i = np.random.randint(n)
    j = np.random.randint(n)
    pair[0] = i
    pair[1] = j
    u = np.random.random()
    if u < 0.12:  # time to salvage
        state[i, TTS] = _jitter(state[i, TTS]) if np.random.random() < 0.8 else state[i, FAIL] + np.random.randint(0, 60)
        return 4 | 16
    if u < 0.36:  # OS2
        if fixed[i, LOCK_OS]:
            return 0
        keep = state[i, EFS] == state[i, OS2]
        v = np.random.random()
        state[i, OS2] = _jitter(state[i, OS2]) if v < 0.8 else state[j, OS2] + np.random.randint(-2, 3)
        _after_change(state, i, keep)
        return 1 | 2 | 4 | 8 | 16
    if u < 0.56:  # EFS2
        if fixed[i, LOCK_EFS] or state[i, EV] == 0:
            return 0
        v = np.random.random()
        if v < 0.1 and state[i, DEAD]:
            state[i, EFS] = state[i, OS2]
        elif v < 0.2:
            state[i, EFS] = int(state[i, OS2] * np.random.random())
        elif v < 0.3:
            state[i, EFS] = state[j, EFS] + np.random.randint(-2, 3)
        else:
            state[i, EFS] = _jitter(state[i, EFS])
        return 2
    if u < 0.70:  # swap outcomes within a group
        if i == j or fixed[i, G3] != fixed[j, G3] or (state[i, G5] == ST_RT) != (state[j, G5] == ST_RT):
            return 0
        if fixed[i, LOCK_OS] or fixed[j, LOCK_OS]:
            return 0
        for c in (OS2, DEAD, EFS, EV, DELAY):
            state[i, c], state[j, c] = state[j, c], state[i, c]
        if np.random.random() < 0.2:
            state[i, TTS], state[j, TTS] = state[j, TTS], state[i, TTS]
        return 1 | 2 | 4 | 8 | 16
    if u < 0.78:  # swap death flags within a group
        if state[i, DEAD] == state[j, DEAD] or fixed[i, G3] != fixed[j, G3] or fixed[i, LOCK_OS] or fixed[j, LOCK_OS]:
            return 0
        for k in (i, j):
            state[k, DEAD] = 1 - state[k, DEAD]
            if state[k, DEAD] and state[k, EV] == 0:
                state[k, EV] = 1
                if np.random.random() < 0.8:
                    state[k, EFS] = int(state[k, OS2] * np.random.random())
            elif state[k, DEAD] == 0 and state[k, EFS] > state[k, OS2] - 14:
                state[k, EV] = 0
                state[k, EFS] = state[k, OS2]
        return 1 | 2 | 4 | 8
    if u < 0.83:  # EFS2 event of a living patient
        if state[i, DEAD] or fixed[i, LOCK_EFS]:
            return 0
        state[i, EV] = 1 - state[i, EV]
        state[i, EFS] = int(state[i, OS2] * np.random.random()) if state[i, EV] else state[i, OS2]
        return 2
    if u < 0.87:  # BED of the first course, within the field
        if fixed[i, FIELD] < 0 or fixed[i, FIELD] != fixed[j, FIELD] or state[i, BED] == state[j, BED]:
            return 0
        state[i, BED], state[j, BED] = state[j, BED], state[i, BED]
        return 8
    if u < 0.89:  # which three comprehensive fields had two sites
        if not (two_ok[i] and two_ok[j]) or state[i, TWO] == state[j, TWO]:
            return 0
        state[i, TWO], state[j, TWO] = state[j, TWO], state[i, TWO]
        return 8
    if u < 0.91:  # who had more therapy after a comprehensive field
        if fixed[i, FIELD] != 1 or state[i, G5] == RT_ST or fixed[i, LOCK_OS]:
            return 0
        state[i, MORE] = 1 - state[i, MORE]
        return 8
    if u < 0.93:  # who had systemic therapy after radiotherapy
        if state[i, G5] != RT or state[j, G5] != RT_ST or fixed[i, FIELD] != 1 or fixed[j, LOCK_OS]:
            return 0
        state[i, G5] = RT_ST
        state[i, MORE] = 1
        state[j, G5] = RT
        state[j, MORE] = 0
        return 1 | 8
    if u < 0.95:  # bridging or product
        c = BRIDGE if np.random.random() < 0.5 else AXI
        if fixed[i, G3] != fixed[j, G3] or state[i, c] == state[j, c]:
            return 0
        state[i, c], state[j, c] = state[j, c], state[i, c]
        return 4
    if u < 0.98:  # delay of radiotherapy
        if state[i, G5] != ST_RT or fixed[i, LOCK_OS]:
            return 0
        state[i, DELAY] = _jitter(state[i, DELAY])
        return 8 | 16
    # failure and response
    if i == j or fixed[i, RESP] != fixed[j, RESP]:
        return 0
    for c in (FAIL, RESPONSE):
        state[i, c], state[j, c] = state[j, c], state[i, c]
    if np.random.random() < 0.7:
        state[i, TTS], state[j, TTS] = state[j, TTS], state[i, TTS]
    return 4 | 16


@njit(cache=True)
def walk(state, fixed, two_ok, slot, steps, hot, cold, seed, stop_at_zero, best):
    """Anneal in place from temperature ``hot`` to ``cold``. Returns (steps done, loss, best loss)."""
    np.random.seed(seed)
    n = len(state)
    orders = np.empty((4, n), np.int64)
    for k in range(4):
        orders[k] = np.arange(n)
    betas = np.zeros((3, 3))
    out = np.zeros(80)
    buffer = np.zeros(6)
    parts = np.zeros(6)
    new = np.zeros(6)
    for b in range(5):
        _block(b, state, fixed, orders, betas, out, buffer)
        parts[b] = _distance(out, slot[b])
    parts[5] = _prior(state, fixed, orders[0])
    loss = parts.sum()
    lowest = loss
    best[:] = state
    pair = np.zeros(2, np.int64)
    old_i = np.empty(state.shape[1], np.int64)
    old_j = np.empty(state.shape[1], np.int64)
    saved = state.copy()
    for step in range(steps):
        temperature = hot * (cold / hot) ** (step / steps)
        touched = _move(state, fixed, two_ok, pair)
        i, j = pair
        ok = touched > 0 and _possible(i, state, fixed) and _possible(j, state, fixed)
        if ok:
            limit = loss - temperature * math.log(np.random.random() + 1e-300)
            new[:] = parts
            _resort(orders[0], state[:, OS2])
            new[5] = _prior(state, fixed, orders[0])
            total = new[5]
            for b in range(5):
                if touched >> b & 1 == 0:
                    total += parts[b]
            for c in range(5):
                b = 4 - c
                if touched >> b & 1:
                    if total > limit:
                        break
                    _block(b, state, fixed, orders, betas, out, buffer)
                    new[b] = _distance(out, slot[b])
                    total += new[b]
            ok = total <= limit
        if ok:
            parts[:] = new
            loss = parts.sum()
            saved[i] = state[i]
            saved[j] = state[j]
            if loss < lowest - 1e-12:
                lowest = loss
                best[:] = state
                if stop_at_zero and loss - parts[5] < 1e-9 and parts[5] < 0.08:
                    return step, loss, lowest
        else:
            state[i] = saved[i]
            state[j] = saved[j]
    return steps, loss, lowest


def misses(state: np.ndarray, fixed: np.ndarray) -> list[str]:
    """Claims that the state does not meet, by the annealer's own reckoning."""
    values, names = slots()
    n = len(state)
    order = np.array([np.arange(n)] * 4)
    missed = []
    for b in range(5):
        out, buffer = np.zeros(80), np.zeros(6)
        _block(b, state, fixed, order, np.zeros((3, 3)), out, buffer)
        for k, (low, high, _) in enumerate(values[b]):
            if not low <= out[k] <= high:
                missed.append(f"{names[b][k]} ({out[k]:.4f} not in {low:.4f}..{high:.4f})")
    return missed


# --- starting point ---------------------------------------------------------------------------------------------

# The five patients irradiated around an allogeneic transplant, with days that give the printed medians and ranges:
# stratum, start of radiotherapy after the start of salvage (None: to be found), radiotherapy to transplant,
# transplant to last follow-up. The fifth had radiotherapy six months after the transplant.
TRANSPLANTS = (
    ("CMT comprehensive", 0, 119, 268),
    ("CMT comprehensive", 0, 149, 1023),
    ("RT comprehensive", 0, 180, 100),
    ("ST then RT comprehensive", 131, 271, 432),
    ("ST then RT focal", 333, -183, 231),
)
RT_THEN_ST = 9


def start(people: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A first state, with its fixed columns and who may have had two comprehensive sites.

    Parameters
    ----------
    people
        One row a patient: what :func:`covariates.solve` gives, with regimen, field, responder, bridging, axi-cel,
        failure and response days.
    """
    n = len(people)
    fixed = np.zeros((n, 12), np.int64)
    fixed[:, G3] = people.regimen.map({"RT": RT, "CMT": CMT, "ST": ST})
    fixed[:, FIELD] = people.field.map({"comprehensive": 1, "focal": 0}).fillna(-1)
    for column, name in ((RESP, "responder"), (LDH, "ldh"), (ADV, "advanced"), (MULTI, "multiple"), (POOR, "poor")):
        fixed[:, column] = people[name]
    fixed[:, EXTRA] = people.extranodal > 0
    fixed[:, IPI3] = people.ipi >= 3
    fixed[:, BULKY] = people["mass"].map({"bulky": 1, "not bulky": 0}).fillna(-1)
    irradiated = fixed[:, FIELD] >= 0

    state = np.zeros((n, 14), np.int64)
    state[:, FAIL], state[:, RESPONSE] = people.failure, people.response
    state[:, BRIDGE], state[:, AXI] = people.bridging, people.axi
    state[:, TTS] = state[:, FAIL] + rng.exponential(14, n).astype(int)
    risk = 0.8 * fixed[:, ADV] + 1.0 * fixed[:, LDH] + 0.6 * fixed[:, POOR] + 0.2 * (fixed[:, BULKY] == 1)
    survival = rng.exponential(800 * np.exp(-risk)) + 25
    followed = rng.uniform(60, 1300, n)
    state[:, OS2] = np.minimum(np.minimum(survival, followed), LAST_DAY - state[:, TTS] - 1)
    state[:, OS2] = np.maximum(state[:, OS2], 35)
    late = (fixed[:, G3] == ST) & irradiated
    state[:, G5] = np.where(late, ST_RT, fixed[:, G3])
    state[late, DELAY] = rng.integers(40, 300, late.sum())
    state[late, OS2] = state[late, DELAY] + np.maximum(state[late, OS2], 35)
    state[:, OS2] = np.minimum(state[:, OS2], LAST_DAY - state[:, TTS])

    taken = []
    for stratum, delay, wait, after in TRANSPLANTS:
        score = np.where(people.stratum == stratum, risk + rng.uniform(0, 0.5, n) + (people.responder == 0), np.inf)
        score[taken] = np.inf
        i = int(score.argmin())
        taken.append(i)
        fixed[i, LOCK_OS] = 1
        state[i, [DELAY, OS2, DEAD, EV]] = delay, delay + wait + after, 0, 1
        state[i, TTS] = min(state[i, TTS], LAST_DAY - state[i, OS2])
        state[i, MORE] = fixed[i, FIELD] == 1
        if people.regimen[i] == "CMT" or delay == 333:  # the transplant itself is the next line
            state[i, EFS], fixed[i, LOCK_EFS] = delay + wait, 1
        else:
            state[i, EFS] = 60
    free = np.ones(n, bool)
    free[taken] = False

    # Who died: the printed number in each salvage group, those at risk first.
    for group, name in ((RT, "rt"), (CMT, "cmt"), (ST, "st")):
        members = np.flatnonzero((fixed[:, G3] == group) & free)
        order = members[np.argsort(-(risk[members] + rng.gumbel(0, 0.7, len(members))))]
        state[order[: int(printed(f"t1.alive.deceased.{name}.n"))], DEAD] = 1
    for i in np.flatnonzero(free):
        if state[i, DEAD] or late[i] or rng.random() < 0.4:
            state[i, EV] = 1
            state[i, EFS] = int(state[i, OS2] * rng.uniform(0.15, 0.6))
            state[i, EFS] = max(NO_EVENT_BEFORE, min(state[i, EFS], state[i, DELAY] if late[i] else state[i, OS2] - 14))
        else:
            state[i, EFS] = state[i, OS2]

    # Systemic therapy after comprehensive radiotherapy.
    chosen = [i for i in taken if people.stratum[i] == "RT comprehensive"]
    rest = [i for i in rng.permutation(n) if people.stratum[i] == "RT comprehensive" and i not in chosen]
    for i in chosen + rest[: RT_THEN_ST - len(chosen)]:
        state[i, G5], state[i, MORE] = RT_ST, 1
        if free[i]:
            state[i, EV], state[i, OS2] = 1, max(state[i, OS2], 90)
            state[i, EFS] = min(max(state[i, EFS], 20), state[i, OS2] - 30)
    # Three comprehensive fields of two sites; at first salvage that takes two sites of disease.
    two_ok = (fixed[:, FIELD] == 1) & ((fixed[:, G3] == ST) | (fixed[:, MULTI] == 1)) & free
    state[rng.permutation(np.flatnonzero(two_ok))[:3], TWO] = 1
    # Doses of the first course: high, low (one comprehensive) or unknown (12 sites, one a patient).
    state[fixed[:, FIELD] >= 0, BED] = HIGH
    for field, low in ((1, 1), (0, 7)):
        members = rng.permutation(np.flatnonzero((fixed[:, FIELD] == field) & (state[:, TWO] == 0)))
        state[members[:low], BED] = LOW
        state[members[low: low + 6], BED] = UNKNOWN
    return state, fixed, two_ok
