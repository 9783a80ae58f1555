"""When things happened to them: simulated annealing on whole days (numba).

The state is one row a patient: time to salvage, OS2, death, EFS2, its event, delay to radiotherapy, and the
labels that the paper's comparisons need. Each printed statistic is a slot with an interval; the loss is the
sum of the distances to the intervals plus a realism prior. :mod:`check` judges the result with other code.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from analysis_lib.reconstruction.realism import log_prior, possible
from analysis_lib.reconstruction.slots import distance_to, slots
from analysis_lib.reconstruction.sought import value
from analysis_lib.reconstruction.state import (
    AXI,
    BED,
    BRIDGE,
    DEAD,
    DELAY,
    EFS,
    EV,
    FAIL,
    FIELD,
    G3,
    G5,
    LDH,
    LOCK_EFS,
    LOCK_OS,
    MORE,
    OLD,
    OS2,
    RESP,
    RESPONSE,
    RT,
    RT_ST,
    ST_RT,
    TTS,
    TWO,
)
from analysis_lib.reconstruction.statistics import block, resort, room
from analysis_lib.reconstruction.targets import Paper

REMARKABLE = 0.3  # a realism prior from which on a state counts as none
WARM = 0.008  # a temperature at which the walk keeps losing a claim or two and meeting them again
SLACK = 0.02  # by which one step may gain, of what is pulled


@njit(cache=True, error_model="numpy")
def _jitter(x):
    """A nearby whole day: often the next one, mostly a small step, at times a large one."""
    u = np.random.random()
    scale = 0.0 if u < 0.15 else (0.02 if u < 0.4 else (0.15 if u < 0.85 else 0.8))
    y = int(round(x * math.exp(scale * np.random.normal())))
    if y == x:
        y += 1 if np.random.random() < 0.5 else -1
    return y


@njit(cache=True, error_model="numpy")
def _after_change(state, i, keep):
    """Re-tie EFS2 to a changed OS2 where it is censored there or ended by death (``keep``)."""
    if state[i, EV] == 0 or keep:
        state[i, EFS] = state[i, OS2]


@njit(cache=True, error_model="numpy")
def _move(state, fixed, two_ok, pair):
    """Propose a change in place. Returns a bit mask of the blocks it touches; patients in ``pair``; 0 if
    none.

    Long because it is an inner loop, compiled as one function.
    """
    n = len(state)
    i = np.random.randint(n)
    j = np.random.randint(n)
    pair[0] = i
    pair[1] = j
    u = np.random.random()
    if u < 0.12:  # time to salvage
        state[i, TTS] = (
            _jitter(state[i, TTS]) if np.random.random() < 0.8 else state[i, FAIL] + np.random.randint(0, 60)
        )
        return 4 | 16
    if u < 0.15:  # who of two in a stratum has elevated LDH; age makes up for it in the index
        if (
            fixed[i, G3] != fixed[j, G3]
            or fixed[i, FIELD] != fixed[j, FIELD]
            or state[i, LDH] == state[j, LDH]
            or state[i, LDH] + state[i, OLD] != state[j, LDH] + state[j, OLD]
        ):
            return 0
        for c in (LDH, OLD):
            state[i, c], state[j, c] = state[j, c], state[i, c]
        return 1 | 2
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
        if (
            state[i, DEAD] == state[j, DEAD]
            or fixed[i, G3] != fixed[j, G3]
            or fixed[i, LOCK_OS]
            or fixed[j, LOCK_OS]
        ):
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
    if u < 0.915:  # how many had systemic therapy after comprehensive radiotherapy
        if fixed[i, FIELD] != 1 or fixed[i, G3] != RT or fixed[i, LOCK_OS]:
            return 0
        state[i, G5] = RT_ST if state[i, G5] == RT else RT
        state[i, MORE] = state[i, G5] == RT_ST
        return 1 | 8
    if u < 0.93:  # who had it
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


@njit(cache=True, error_model="numpy")
def walk(state, fixed, two_ok, slot, least, steps, hot, cold, seed, stop_at_zero, best, space, pull):
    """Anneal in place from temperature ``hot`` to ``cold``. Returns (steps done, loss, best loss).

    With a ``pull`` (:mod:`analysis_lib.reconstruction.sought`) the best is the state that goes farthest and
    is no farther from the claims, or odder, than the first; the best loss is then its pull.

    ``least`` is :func:`analysis_lib.reconstruction.realism.least_numbers`'s, ``space`` :func:`room`'s.

    Long because it is an inner loop, compiled as one function.
    """
    np.random.seed(seed)
    n = len(state)
    orders = np.empty((6, n), np.int64)
    for k in range(6):
        orders[k] = np.arange(n)
    betas = np.zeros((3, 3))
    out = np.zeros(80)
    parts = np.zeros(7)
    new = np.zeros(7)
    pulled = pull[4] != 0
    for b in range(5):
        block(b, state, fixed, orders, betas, out, space)
        parts[b] = distance_to(out, slot[b])
    parts[5] = log_prior(state, fixed, orders[0], least)
    loss = parts.sum()
    lowest = loss
    best[:] = state
    missed, odd = 1e-9, REMARKABLE
    if pulled:
        missed, odd = parts[:5].sum() + 1e-9, max(odd, parts[5] + 1e-9)
        parts[6] = pull[4] * value(pull, state, fixed, orders[0], space)
        loss += parts[6]
        lowest = parts[6]
    pair = np.zeros(2, np.int64)
    saved = state.copy()
    for step in range(steps):
        temperature = hot * (cold / hot) ** (step / steps)
        touched = _move(state, fixed, two_ok, pair)
        i, j = pair
        ok = touched > 0 and possible(i, state, fixed) and possible(j, state, fixed)
        if ok:
            limit = loss - temperature * math.log(np.random.random() + 1e-300)
            new[:] = parts
            resort(orders[0], state[:, OS2])
            new[5] = log_prior(state, fixed, orders[0], least)
            total = new[5] + parts[6]
            for b in range(5):
                if touched >> b & 1 == 0:
                    total += parts[b]
            for c in range(5):
                b = 4 - c
                if touched >> b & 1:
                    if total > limit + (SLACK if pulled else 0.0):
                        break
                    block(b, state, fixed, orders, betas, out, space)
                    new[b] = distance_to(out, slot[b])
                    total += new[b]
            ok = total <= limit + (SLACK if pulled else 0.0)
            if ok and pulled:
                new[6] = pull[4] * value(pull, state, fixed, orders[0], space)
                ok = total - parts[6] + new[6] <= limit
        if ok:
            parts[:] = new
            loss = parts.sum()
            saved[i] = state[i]
            saved[j] = state[j]
            met = parts[:5].sum() < missed and parts[5] < odd
            gained = parts[6] if pulled else loss
            if gained < lowest - 1e-12 and (met or not pulled):
                lowest = gained
                best[:] = state
                if stop_at_zero and met:
                    return step, loss, lowest
        else:
            state[i] = saved[i]
            state[j] = saved[j]
    return steps, loss, lowest


def misses(state: np.ndarray, fixed: np.ndarray, paper: Paper) -> list[str]:
    """Claims that the state does not meet, by the annealer's own reckoning."""
    values, names = slots(paper)
    order = np.array([np.arange(len(state))] * 6)
    missed = []
    for b in range(5):
        out = np.zeros(80)
        block(b, state, fixed, order, np.zeros((3, 3)), out, room(fixed))
        for k, (low, high, _) in enumerate(values[b]):
            if not low <= out[k] <= high:
                missed.append(f"{names[b][k]} ({out[k]:.4f} not in {low:.4f}..{high:.4f})")
    return missed
