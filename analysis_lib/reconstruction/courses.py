"""Courses of radiotherapy: who had them when, at how many sites, with which dose, region and technique.

First courses follow from the times; later courses are dealt to patients with time left for them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.paper.claims import printed_count

from .state import (
    BED,
    DEAD,
    DELAY,
    EFS,
    EV,
    FIELD,
    G5,
    HIGH,
    IRRADIATED_AGAIN,
    LOCK_OS,
    LOW,
    MORE,
    OS2,
    RT,
    TTS,
    TWO,
)

# (dose in Gy, fractions). BED at alpha/beta 10 is above 30 Gy, or at most 30 Gy.
COMPREHENSIVE = (
    [(30, 10)] * 4
    + [(30.6, 17)]
    + [(36, 18)] * 6
    + [(36, 12)]
    + [(37.4, 17), (37.5, 15), (39.6, 22)]
    + [(40, 20)] * 3
    + [(41.4, 23)]
    + [(45, 25)] * 3
    + [(46, 23), (50, 25), (50.4, 28)]
)
FOCAL_HIGH = (
    [(41.4, 23), (36, 18), (37.5, 15)]
    + [(30, 10)] * 9
    + [(36, 12), (25, 10), (40, 20), (30, 15), (30, 10), (30, 10)]
)
FOCAL_LOW = [(4, 2), (20, 5), (8, 1), (20, 5), (24, 12), (20, 5), (20, 5), (20, 5), (20, 5)]
LATER = (
    [(30, 10)] * 14
    + [(20, 5)] * 5
    + [(8, 1)] * 2
    + [(4, 2)] * 2
    + [(36, 18)] * 3
    + [(24, 12), (25, 10), (40, 20), (30, 15)]
)
COURSES = 18  # later courses, of one to three sites


def bed10(dose: pd.Series, fractions: pd.Series) -> pd.Series:
    """Biologically effective dose, alpha/beta 10 Gy."""
    return dose * (1 + dose / fractions / 10)


def first_courses(state: np.ndarray, fixed: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """The sites of the first courses: 32 comprehensive and 30 focal, eight of them never assessed."""
    rows = []
    focal = np.flatnonzero(fixed[:, FIELD] == 0)
    wide = set(rng.permutation([i for i in focal if state[i, BED] > 0])[:5])
    for i in np.flatnonzero(fixed[:, FIELD] >= 0):
        n = 2 if state[i, TWO] or i in wide else 1
        rows += [
            {
                "patient": i,
                "course": 1,
                "start": state[i, TTS] + state[i, DELAY],
                "bed": state[i, BED],
                "field": ("focal", "comprehensive")[fixed[i, FIELD]],
                "known": state[i, BED] > 0,
            }
        ] * n
    return pd.DataFrame(rows)


def later_courses(state: np.ndarray, fixed: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """31 sites in later courses, all after the EFS2 event, in patients with time left for them."""
    end = state[:, TTS] + state[:, OS2]
    rest = np.flatnonzero(fixed[:, FIELD] >= 0)
    able = []
    for i in rest:
        after = state[i, TTS] + max(state[i, EFS], state[i, DELAY] + 25)
        room = end[i] - after
        if state[i, EV] and not fixed[i, LOCK_OS] and room >= 35 and (fixed[i, FIELD] == 0 or state[i, MORE]):
            able.append((i, after + 5, room))
    # Whoever had more therapy after radiotherapy alone, without systemic therapy, had radiotherapy again.
    must = [a for a in able if fixed[a[0], FIELD] == 1 and state[a[0], G5] == RT]
    sizes = list(rng.permutation([3] * 3 + [2] * 7 + [1] * 8))
    others = [a for a in able if a not in must]
    weight = np.array([a[2] for a in others], float) ** 0.7
    picks = rng.choice(
        len(others), min(len(others), COURSES - 1 - len(must)), replace=False, p=weight / weight.sum()
    )
    chosen = must + [others[k] for k in picks]
    rows = []
    transplanted = [i for i in rest if fixed[i, LOCK_OS] and state[i, OS2] == IRRADIATED_AGAIN.os2]
    for i in transplanted:  # two months after the transplant
        sizes.remove(1)
        rows.append({"patient": i, "course": 2, "start": state[i, TTS] + IRRADIATED_AGAIN.day + 61, "n": 1})
    for i, after, _room in chosen:
        latest = end[i] - (21 if state[i, DEAD] else 45)
        start = after + int((latest - after) * rng.beta(0.8, 2.5)) if latest > after else after
        rows.append({"patient": i, "course": 2, "start": start, "n": sizes.pop()})
    # Third courses, if second courses did not take all sites.
    rng.shuffle(chosen)
    for i, _after, _room in chosen:
        if not sizes:
            break
        second = next(r["start"] for r in rows if r["patient"] == i)
        latest = end[i] - (21 if state[i, DEAD] else 45)
        if latest - second > 60:
            rows.append(
                {
                    "patient": i,
                    "course": 3,
                    "start": int(rng.integers(second + 40, latest + 1)),
                    "n": sizes.pop(),
                }
            )
    if sizes:
        raise LookupError("too few patients lived long enough for the later courses")
    table = pd.DataFrame(rows)
    table = table.loc[table.index.repeat(table["n"])].drop(columns="n")
    return table.assign(field="focal", known=True, bed=0).reset_index(drop=True)


def regions(sites: pd.DataFrame, cns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Body regions in the printed numbers; CNS for patients with CNS disease first."""
    names = {
        "CNS": "cns",
        "extremities": "extremities",
        "head and neck": "headneck",
        "pelvis": "pelvis",
        "abdomen": "abdomen",
        "chest": "chest",
        "paraspinal": "paraspinal",
    }
    number = {region: printed_count(f"rt.loc.{name}.n") for region, name in names.items()}
    score = (
        np.where(cns[sites.patient], 2, 0)
        + np.where(sites.course > 1, 0.5, 0)
        + rng.uniform(0, 1, len(sites))
    )
    order = np.argsort(-score)
    region = np.full(len(sites), "", object)
    region[order[: number["CNS"]]] = "CNS"
    rest = [r for r, n in number.items() if r != "CNS" for _ in range(n)]
    region[order[number["CNS"] :]] = rng.permutation(rest)
    return region


def doses(sites: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Dose and fractions: one schedule a first course, so that its BED is the patient's; empty where
    unknown.
    """
    sites = sites.copy()
    dose = np.full(len(sites), np.nan)
    fractions = np.full(len(sites), np.nan)

    def give(rows: np.ndarray, schedule: tuple[float, int]) -> None:
        dose[rows], fractions[rows] = schedule

    groups = {key: rows.index.to_numpy() for key, rows in sites[sites.course == 1].groupby("patient")}
    for name, high, low in (("comprehensive", COMPREHENSIVE, [(4, 2)]), ("focal", FOCAL_HIGH, FOCAL_LOW)):
        mine = [rows for rows in groups.values() if sites.field[rows[0]] == name]
        lows = [rows for rows in mine if sites.bed[rows[0]] == LOW]
        highs = sorted((rows for rows in mine if sites.bed[rows[0]] == HIGH), key=len, reverse=True)
        for rows, lowest in zip(lows, low):
            give(rows, lowest)
        pool = list(high)
        if name == "focal":
            pool = pool[: sum(len(rows) for rows in highs)]
        for rows in highs:  # two sites take two equal schedules from the pool
            options = [s for s in pool if pool.count(s) >= len(rows)]
            schedule = options[rng.integers(len(options))]
            for _ in rows:
                pool.remove(schedule)
            give(rows, schedule)
    later = np.flatnonzero(sites.course > 1)
    unknown = rng.choice(later)
    schedules = [LATER[k] for k in rng.permutation(len(LATER))]
    for k, schedule in zip([k for k in later if k != unknown], schedules):
        give(np.array([k]), schedule)
    sites["dose"], sites["fractions"] = dose, fractions
    return sites


def techniques(sites: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Techniques in the printed numbers: electrons on limbs, intensity modulation for the odd and the high
    doses.
    """
    known = np.flatnonzero(sites.dose.notna())
    technique = np.full(len(sites), "", object)
    limbs = [k for k in known if sites.region[k] == "extremities" and sites.dose[k] <= 40]
    electrons = rng.choice(limbs, printed_count("rt.tech.electron.n"), replace=False)
    technique[electrons] = "electrons"
    rest = np.array([k for k in known if k not in set(electrons)])
    score = (
        rng.uniform(0, 1, len(rest))
        + 0.6 * (sites.dose[rest] > 36)
        + 2 * (sites.dose[rest] == 37.4)
        + 0.4 * sites.region[rest].isin(["head and neck", "paraspinal"])
    )
    order = rest[np.argsort(-score.to_numpy())]
    n_imrt, n_both = printed_count("rt.tech.imrt.n"), printed_count("rt.tech.both.n")
    technique[order[:n_imrt]] = "IMRT"
    technique[order[n_imrt : n_imrt + n_both]] = "3DCRT/IMRT"
    technique[order[n_imrt + n_both :]] = "3DCRT"
    return technique
