"""Where they were irradiated: courses, sites, doses, in-field responses and progressions.

First courses follow from the times; later courses, in-field progressions and bulk are searched at random
until the printed in-field results come out (Kaplan-Meier at 12 months, medians and log-rank by bulk, bulk
against dose).

Long because its steps place one kind of thing each, on the same sites, and are tried together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.paper.claims import printed_count

from .state import BED, DEAD, DELAY, EFS, EV, FIELD, G3, G5, HIGH, LOCK_OS, LOW, MORE, OS2, RT, TTS, TWO
from .targets import interval, p_interval

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
BEFORE_DEATH = 91  # a site goes unassessed only when its patient died within three months


def bed10(dose, fractions):
    """Biologically effective dose, alpha/beta 10 Gy."""
    return dose * (1 + dose / fractions / 10)


def first_courses(state, fixed, rng) -> pd.DataFrame:
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


def later_courses(state, fixed, rng) -> pd.DataFrame:
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
    transplanted = [i for i in rest if fixed[i, LOCK_OS] and state[i, OS2] == 149 + 1023]
    for i in transplanted:  # two months after the transplant
        sizes.remove(1)
        rows.append({"patient": i, "course": 2, "start": state[i, TTS] + 149 + 61, "n": 1})
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


def kaplan_meier(days, event):
    """Times of events and survival after them."""
    order = np.unique(days[event])
    s = (
        np.cumprod([1 - (event & (days == t)).sum() / (days >= t).sum() for t in order])
        if len(order)
        else np.array([])
    )
    return order, s


def progression_days(rng) -> np.ndarray:
    """Eleven days of in-field progression with the printed range, quartiles and median."""
    gap = rng.integers(2, 13)
    third, fourth = 70 - gap, 70 + gap
    eighth = int(rng.integers(150, 205))
    return np.array(
        [
            18,
            rng.integers(25, third),
            third,
            fourth,
            rng.integers(fourth, 103),
            103,
            rng.integers(106, eighth),
            eighth,
            426 - eighth,
            rng.integers(426 - eighth + 20, 449),
            450,
        ]
    )


def in_field(sites: pd.DataFrame, state, fixed, status, rng) -> pd.DataFrame | None:
    """In-field responses and progressions, or None when this try meets no printed rate.

    Long because a try is given up at any step, and the steps share what has been placed.
    """
    sites = sites.copy()
    patient = sites.patient.to_numpy()
    end = (state[:, TTS] + state[:, OS2])[patient]
    follow = end - sites.start.to_numpy()
    dead = state[patient, DEAD] == 1
    kind = np.where(sites.course > 1, "later", sites.field)
    response = np.full(len(sites), "", object)
    for name, missing in (("comprehensive", 2), ("focal", 6), ("later", 4)):
        soon = np.flatnonzero((kind == name) & dead & (follow <= BEFORE_DEATH))
        # whole courses, the shortest follow-up first
        courses = sites.iloc[soon].assign(follow=follow[soon] * rng.uniform(0.7, 1.4, len(soon)))
        left = missing
        for (_, _), rows in sorted(courses.groupby(["patient", "course"]), key=lambda g: g[1].follow.mean()):
            if len(rows) <= left:
                response[rows.index] = "not evaluable"
                left -= len(rows)
        if left:
            return None
    if (follow[response == ""] < 30).any():
        return None
    low, high = interval("lc.1y")
    open_ = np.flatnonzero(response == "")
    bad = (status[patient] == "PD") & (fixed[patient, LOCK_OS] == 0)
    efs = np.where((sites.course == 1) & (fixed[patient, G3] < 2), state[patient, EFS], 0)
    for _ in range(400):
        days = progression_days(rng)
        taken = np.full(len(sites), 0)
        quota = {"comprehensive": 6, "focal": 1, "later": 4}
        for t in days[::-1]:
            fits = [
                k
                for k in open_
                if not taken[k] and quota[kind[k]] and bad[k] and efs[k] <= t <= follow[k] - 1
            ]
            if not fits:
                break
            # the patient's own first progression, where one fits, was in the field
            exact = [k for k in fits if efs[k] and abs(efs[k] - t) <= 3]
            k = exact[0] if exact and rng.random() < 0.5 else rng.choice(fits)
            taken[k] = t
            quota[kind[k]] -= 1
        if any(quota.values()):
            continue
        time = np.where(taken > 0, taken, follow)[open_]
        order, s = kaplan_meier(time, (taken > 0)[open_])
        if low / 100 <= s[order <= 365][-1] < high / 100:
            break
    else:
        return None
    response[taken > 0] = "PD"
    for name, codes in (
        ("comprehensive", {"CR": 17, "PR": 7}),
        ("focal", {"CR": 12, "PR": 8, "SD": 3}),
        ("later", {"CR": 19, "PR": 4}),
    ):
        left = np.flatnonzero((kind == name) & (response == ""))
        # partial and stable responses where disease remained
        best = {"CR": 0, "PR": 1}
        score = [
            best.get(status[patient[k]], 2) + rng.uniform(0, 0.9) - 5 * fixed[patient[k], LOCK_OS]
            for k in left
        ]
        order = left[np.argsort(score)]
        response[order] = [code for code, n in codes.items() for _ in range(n)]
        if any(status[patient[k]] == "CR" and response[k] != "CR" for k in order):
            return None
    sites["response"], sites["progression"] = response, taken
    sites["follow"] = follow
    return sites


def regions(sites: pd.DataFrame, cns: np.ndarray, rng) -> np.ndarray:
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


def bulk(sites: pd.DataFrame, mass: np.ndarray, fixed, rng) -> np.ndarray | None:
    """Whether each site was bulky ('yes', 'no' or '' when not assessable), or None when this try fails.

    Long because its search and the loss that it asks at every step share what is fixed.
    """
    n = len(sites)
    assessable = np.ones(n, bool)
    assessable[rng.permutation(np.flatnonzero(sites.region == "CNS"))[: printed_count("rt.notpet.n")]] = False
    first = (sites.course == 1).to_numpy() & (fixed[sites.patient, G3] < 2)
    patient_mass = mass[sites.patient]
    can = assessable & ~(first & (patient_mass == "not bulky"))
    must = assessable & (sites.progression == 450).to_numpy()
    if (must & ~can).any() or not must.any():
        return None
    evaluable = (sites.response != "not evaluable").to_numpy()
    time = np.where(sites.progression > 0, sites.progression, sites.follow).astype(int)
    event = (sites.progression > 0).to_numpy()
    known = sites.dose.notna().to_numpy()
    high = bed10(sites.dose, sites.fractions).to_numpy() > 30
    p_control, p_dose = p_interval("lc.bulky.p"), p_interval("rt.bulky_bed.p")
    wanted = printed_count("rt.bulky.n")

    def loss(yes):
        total = 0.0
        see = evaluable & assessable
        table = np.array(
            [
                [
                    (high & known & assessable & (yes == b)).sum(),
                    (~high & known & assessable & (yes == b)).sum(),
                ]
                for b in (True, False)
            ]
        )
        p = stats.chi2_contingency(table, correction=False)[1] if table.min() > 0 else 0.0
        total += max(0, p_dose[0] - p, p - p_dose[1] + 1e-9)
        p = logrank_p(time[see], event[see], yes[see])
        total += max(0, p_control[0] - p, p - p_control[1] + 1e-9)
        order, s = kaplan_meier(time[see & yes], event[see & yes])
        before = s[order < 450]
        total += 5 * max(0.0, s[-1] - 0.49) + (1.0 if len(before) and before[-1] <= 0.51 else 0.0)
        order, s = kaplan_meier(time[see & ~yes], event[see & ~yes])
        total += 1.0 if len(s) and s[-1] <= 0.51 else 0.0
        return total

    yes = must.copy()
    first_bulky = np.flatnonzero(can & first & (patient_mass == "bulky") & ~must)
    others = np.flatnonzero(can & ~must & ~(first & (patient_mass == "bulky")))
    pool = np.concatenate([first_bulky, rng.permutation(others)])
    if len(pool) + 1 < wanted:
        return None
    yes[pool[: wanted - must.sum()]] = True
    now = loss(yes)
    free = np.flatnonzero(can & ~must)
    for _ in range(1500):
        if now == 0:
            break
        a, b = rng.choice(free, 2, replace=False)
        if yes[a] == yes[b]:
            continue
        yes[a], yes[b] = yes[b], yes[a]
        then = loss(yes)
        if then <= now + 0.02 * rng.exponential():
            now = then
        else:
            yes[a], yes[b] = yes[b], yes[a]
    if now > 0:
        return None
    return np.where(assessable, np.where(yes, "yes", "no"), "")


def logrank_p(time, event, group) -> float:
    """Two-sided P of the log-rank test of two groups."""
    u = v = 0.0
    for t in np.unique(time[event]):
        risk = time >= t
        m, m1 = risk.sum(), (risk & group).sum()
        d = (event & (time == t)).sum()
        u += (event & (time == t) & group).sum() - d * m1 / m
        v += d * m1 * (m - m1) * (m - d) / (m * m * (m - 1)) if m > 1 else 0.0
    return float(stats.chi2.sf(u * u / v, 1)) if v > 0 else 1.0


def doses(sites: pd.DataFrame, rng) -> pd.DataFrame:
    """Dose and fractions: one schedule a first course, so that its BED is the patient's; empty where
    unknown.
    """
    sites = sites.copy()
    dose = np.full(len(sites), np.nan)
    fractions = np.full(len(sites), np.nan)

    def give(rows, schedule):
        dose[rows], fractions[rows] = schedule

    groups = {key: rows.index.to_numpy() for key, rows in sites[sites.course == 1].groupby("patient")}
    for name, high, low in (("comprehensive", COMPREHENSIVE, [(4, 2)]), ("focal", FOCAL_HIGH, FOCAL_LOW)):
        mine = [rows for rows in groups.values() if sites.field[rows[0]] == name]
        lows = [rows for rows in mine if sites.bed[rows[0]] == LOW]
        highs = sorted((rows for rows in mine if sites.bed[rows[0]] == HIGH), key=len, reverse=True)
        for rows, schedule in zip(lows, low):
            give(rows, schedule)
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
        give([k], schedule)
    sites["dose"], sites["fractions"] = dose, fractions
    return sites


def techniques(sites: pd.DataFrame, rng) -> np.ndarray:
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


def build(state, fixed, status, mass, rng, tries: int = 600) -> pd.DataFrame:
    """All 93 sites."""
    failed = {"courses": 0, "in-field": 0, "bulk": 0}
    for _ in range(tries):
        try:
            sites = pd.concat(
                [first_courses(state, fixed, rng), later_courses(state, fixed, rng)], ignore_index=True
            )
        except LookupError:
            failed["courses"] += 1
            continue
        sites = in_field(sites, state, fixed, status, rng)
        if sites is None:
            failed["in-field"] += 1
            continue
        sites = doses(sites, rng)
        for _ in range(3):
            sites["region"] = regions(sites, mass == "cns", rng)
            sites["bulky"] = bulk(sites, mass, fixed, rng)
            if sites.bulky.notna().all():
                break
        else:
            failed["bulk"] += 1
            continue
        sites["technique"] = techniques(sites, rng)
        return sites.sort_values(["patient", "course"]).reset_index(drop=True)
    raise LookupError(f"no sites found; tries that failed: {failed}")
