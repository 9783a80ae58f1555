"""Lines of salvage therapy, from the times that the annealer found and the courses of radiotherapy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .drawn import Drawn
from .state import (
    DELAY,
    EFS,
    EV,
    FIELD,
    G3,
    G5,
    HSCT,
    LOCK_OS,
    MORE,
    OS2,
    RT,
    RT_ST,
    ST,
    ST_RT,
    TTS,
)


def lines_of_therapy(
    state: np.ndarray, fixed: np.ndarray, sites: pd.DataFrame, drawn: Drawn, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[int, int], dict[int, int]]:
    """Lines of salvage therapy, with each patient's days of first progression and of the next line."""
    rt_starts = sites[sites.course > 1].groupby("patient").start.unique().to_dict()
    rows, progression, next_line = [], {}, {}
    longest = max(
        (i for i in range(len(state)) if state[i, G5] == ST and state[i, EV]),
        key=lambda i: state[i, OS2] - state[i, EFS],
    )
    for i, s in enumerate(state):
        start, event, end = int(s[TTS]), int(s[TTS] + s[EFS]), int(s[TTS] + s[OS2])
        lines = [(start, ("RT", "CMT", "ST")[fixed[i, G3]])]
        later = [(int(d), "RT") for d in rt_starts.get(i, [])]
        if s[G5] == ST_RT:
            later.append((start + int(s[DELAY]), "RT"))
        if fixed[i, LOCK_OS]:
            transplant = drawn.transplants[fixed[i, HSCT] - 1]
            later.append((start + transplant.day, "HSCT"))
            if transplant.stratum.startswith("RT"):  # complete after radiotherapy and systemic therapy
                later.append((event + 14, "ST"))
            elif s[G5] == ST_RT and transplant.wait > 0 and rng.random() < 0.5:
                later.append((start + transplant.day - transplant.wait // 2, "ST"))
        elif s[EV] and s[EFS] < s[OS2]:
            later += systemic(i, s, fixed, later, event, end, rng, many=i == longest)
        later = sorted(later)
        lines += later
        rows += [
            {"patient": i, "line": k + 1, "line_start_day": d, "modality": m}
            for k, (d, m) in enumerate(lines)
        ]
        if later:
            next_line[i] = later[0][0]
        if s[EV] and s[EFS] < s[OS2] and next_line.get(i) != event:
            progression[i] = event
    return pd.DataFrame(rows), progression, next_line


def systemic(
    i: int,
    s: np.ndarray,
    fixed: np.ndarray,
    later: list[tuple[int, str]],
    event: int,
    end: int,
    rng: np.random.Generator,
    many: bool,
) -> list[tuple[int, str]]:
    """Later lines of systemic therapy of a patient who had an EFS2 event before the end."""
    irradiated = fixed[i, FIELD] >= 0
    only_rt = s[G5] == RT or (irradiated and fixed[i, FIELD] == 1 and not s[MORE])
    before_rt = s[G5] == ST_RT and s[DELAY] - s[EFS] > 60
    if only_rt and not before_rt:
        return []
    irradiation = int(s[TTS] + s[DELAY])
    stop = irradiation - 21 if only_rt else end - 5
    switched = not fixed[i, FIELD] == 1 and rng.random() < 0.1  # a change of therapy without progression
    day = (
        event
        if switched and not later
        else event + min(int(rng.integers(4, 30)), max(2, (stop - event) // 2))
    )
    if s[G5] == ST_RT and not before_rt:
        event = irradiation
        day = event + min(int(rng.integers(35, 90)), max(10, (stop - event) // 2))
    taken = [d for d, _ in later]
    found: list[tuple[int, str]] = []
    must = s[G5] == RT_ST or (irradiated and s[MORE] and not any(d > irradiation for d, _ in later))
    while day <= stop:
        clear = all(abs(day - d) >= 14 for d in taken)
        first = not found and not later
        if clear and (must or first or many or rng.random() < 0.75):
            found.append((day, "CAR T" if not first and rng.random() < 0.06 else "ST"))
            taken.append(day)
            must = must and day <= irradiation
        day += int(rng.integers(40, 60) if many else 25 + rng.exponential(50))
        if len(found) + len(later) >= (7 if many else 6) or (found and not many and rng.random() < 0.3):
            break
    if must:
        soonest = max(event, irradiation) + 5
        room = [d for d in range(soonest, stop + 1) if all(abs(d - x) >= 7 for x in taken)]
        if not room:
            raise LookupError("no room for systemic therapy after radiotherapy")
        found.append((room[0], "ST"))
    return found
