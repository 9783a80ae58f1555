"""The irradiated sites: their courses, in-field responses and progressions, and which were bulky.

In-field progressions and bulk are searched at random until the printed in-field results come out
(Kaplan-Meier at 12 months, medians and log-rank by bulk, bulk against dose).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.paper.claims import printed_count, read_claims

from .courses import (
    LATER_COURSES,
    LATER_COURSES_OF_SURVIVORS,
    bed10,
    doses,
    first_courses,
    later_courses,
    regions,
    techniques,
)
from .drawn import Drawn, days_of
from .state import BEFORE_DEATH, DEAD, EFS, G3, LOCK_OS, MONTHS_12, OS2, TTS
from .targets import the_paper

LEVELS = ("CR", "PR", "SD", "PD")


def kaplan_meier(days: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times of events and survival after them."""
    order = np.unique(days[event])
    s = (
        np.cumprod([1 - (event & (days == t)).sum() / (days >= t).sum() for t in order])
        if len(order)
        else np.array([])
    )
    return order, s


def progression_days(rng: np.random.Generator) -> np.ndarray:
    """Eleven days of in-field progression with the printed range, quartiles and median."""
    paper = the_paper()

    def one_of(claim: str, part: str = "value") -> int:
        low, high = days_of(paper, claim, part)
        return int(rng.integers(low, high + 1))

    def sum_of_two(part: str) -> int:  # quartiles of eleven: the mean of two
        low, high = (math.ceil(2 * end * DAYS_PER_MONTH) for end in paper.interval("lc.tte.iqr", part))
        return int(rng.integers(low, high))

    first, last = one_of("lc.tte.range", "lower"), one_of("lc.tte.range", "upper")
    middle, low, high = one_of("lc.tte.median"), sum_of_two("lower"), sum_of_two("upper")
    third = low // 2 - int(rng.integers(1, 13))
    fourth = low - third
    eighth = int(rng.integers(max(middle + 5, 140), high // 2))
    ninth = high - eighth
    return np.array(
        [
            first,
            rng.integers(first + 3, third),
            third,
            fourth,
            rng.integers(fourth, middle),
            middle,
            rng.integers(middle + 1, eighth),
            eighth,
            ninth,
            rng.integers(ninth, last - 1),
            last,
        ]
    )


def in_field_responses() -> dict[str, dict[str, int]]:
    """How many evaluable sites had each response, in first courses by field and in later courses: the printed
    total less the first courses.
    """
    printed = read_claims()["claim_id"].tolist()

    def counts(prefix: str) -> dict[str, int]:
        claims = {level: f"{prefix}.{level.lower()}.n" for level in LEVELS}
        return {level: printed_count(claim) if claim in printed else 0 for level, claim in claims.items()}

    total, wide, focal = counts("resp"), counts("cf.comp"), counts("cf.focal")
    later = {level: total[level] - wide[level] - focal[level] for level in LEVELS}
    return {"comprehensive": wide, "focal": focal, "later": later}


def not_evaluable() -> dict[str, int]:
    """How many sites were never assessed, of first courses by field and of later courses."""
    wide, focal = (
        printed_count(f"cf.{name}.sites.n") - printed_count(f"cf.{name}.eval.n") for name in ("comp", "focal")
    )
    return {
        "comprehensive": wide,
        "focal": focal,
        "later": printed_count("resp.noteval.n") - wide - focal,
    }


def in_field(
    sites: pd.DataFrame, state: np.ndarray, fixed: np.ndarray, status: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame | None:
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
    for name, missing in not_evaluable().items():
        soon = np.flatnonzero((kind == name) & dead & (follow <= BEFORE_DEATH))
        # whole courses, the shortest follow-up first
        courses = sites.iloc[soon].assign(
            follow=np.where(follow < 30, 0, follow)[soon] * rng.uniform(0.7, 1.4, len(soon))
        )
        left = missing
        for (_, _), rows in sorted(courses.groupby(["patient", "course"]), key=lambda g: g[1].follow.mean()):
            if len(rows) <= left:
                response[rows.index] = "not evaluable"
                left -= len(rows)
        if left:
            return None
    if (follow[response == ""] < 30).any():
        return None
    low, high = the_paper().interval("lc.1y")
    responses = in_field_responses()
    open_ = np.flatnonzero(response == "")
    bad = (status[patient] == "PD") & (fixed[patient, LOCK_OS] == 0)
    efs = np.where((sites.course == 1) & (fixed[patient, G3] < 2), state[patient, EFS], 0)
    able = (response == "") & bad
    number = np.array([list(responses).index(name) for name in kind])
    for _ in range(400):
        days = progression_days(rng)
        taken = np.full(len(sites), 0)
        quota = np.array([codes["PD"] for codes in responses.values()])
        for t in days[::-1]:
            fits = np.flatnonzero(able & (taken == 0) & (quota[number] > 0) & (efs <= t) & (t <= follow - 1))
            if not len(fits):
                break
            # the patient's own first progression, where one fits, was in the field
            exact = fits[(efs[fits] > 0) & (np.abs(efs[fits] - t) <= 3)]
            k = exact[0] if len(exact) and rng.random() < 0.5 else rng.choice(fits)
            taken[k] = t
            quota[number[k]] -= 1
        if quota.any():
            continue
        time = np.where(taken > 0, taken, follow)[open_]
        early = np.unique(days[days <= MONTHS_12])
        failed = (taken > 0)[open_]
        s = np.prod([1 - (failed & (time == t)).sum() / (time >= t).sum() for t in early])
        if low / 100 <= s < high / 100:
            break
    else:
        return None
    response[taken > 0] = "PD"
    for name, codes in responses.items():
        unread = np.flatnonzero((kind == name) & (response == ""))
        # partial and stable responses where disease remained
        best = {"CR": 0, "PR": 1}
        score = [
            best.get(status[patient[k]], 2) + rng.uniform(0, 0.9) - 5 * fixed[patient[k], LOCK_OS]
            for k in unread
        ]
        order = unread[np.argsort(score)]
        response[order] = [code for code, n in codes.items() if code != "PD" for _ in range(n)]
        if any(status[patient[k]] == "CR" and response[k] != "CR" for k in order):
            return None
    sites["response"], sites["progression"] = response, taken
    sites["follow"] = follow
    return sites


def bulk(
    sites: pd.DataFrame, mass: np.ndarray, fixed: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """Whether each site was bulky ('yes', 'no' or '' when not assessable), or None when this try fails.

    Long because its search and the loss that it asks at every step share what is fixed.
    """
    n = len(sites)
    assessable = np.ones(n, bool)
    assessable[rng.permutation(np.flatnonzero(sites.region == "CNS"))[: printed_count("rt.notpet.n")]] = False
    first = (sites.course == 1).to_numpy() & (fixed[sites.patient, G3] < 2)
    patient_mass = mass[sites.patient]
    can = assessable & ~(first & (patient_mass == "not bulky"))
    last = sites.progression.max()
    must = assessable & (sites.progression == last).to_numpy()
    if (must & ~can).any() or not must.any():
        return None
    evaluable = (sites.response != "not evaluable").to_numpy()
    time = np.where(sites.progression > 0, sites.progression, sites.follow).astype(int)
    event = (sites.progression > 0).to_numpy()
    known = sites.dose.notna().to_numpy()
    high = bed10(sites.dose, sites.fractions).to_numpy() > 30
    p_control, p_dose = (the_paper().p_interval(claim) for claim in ("lc.bulky.p", "rt.bulky_bed.p"))
    wanted = printed_count("rt.bulky.n")

    def loss(yes: np.ndarray) -> float:
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
        before = s[order < last]
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


def logrank_p(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> float:
    """Two-sided P of the log-rank test of two groups."""
    u = v = 0.0
    for t in np.unique(time[event]):
        risk = time >= t
        m, m1 = risk.sum(), (risk & group).sum()
        d = (event & (time == t)).sum()
        u += (event & (time == t) & group).sum() - d * m1 / m
        v += d * m1 * (m - m1) * (m - d) / (m * m * (m - 1)) if m > 1 else 0.0
    return float(stats.chi2.sf(u * u / v, 1)) if v > 0 else 1.0


def build(
    state: np.ndarray,
    fixed: np.ndarray,
    drawn: Drawn,
    status: np.ndarray,
    mass: np.ndarray,
    rng: np.random.Generator,
    tries: int = 60,
) -> pd.DataFrame:
    """All 93 sites."""
    failed = {"courses": 0, "in-field": 0, "doses": 0, "bulk": 0}
    for attempt in range(tries):
        # printed control at a year asks for sites that are followed for long
        favour = LATER_COURSES if attempt < tries // 5 else LATER_COURSES_OF_SURVIVORS
        try:
            later = later_courses(state, fixed, drawn, rng, favour)
            sites = pd.concat([first_courses(state, fixed, rng), later], ignore_index=True)
        except LookupError:
            failed["courses"] += 1
            continue
        sites = in_field(sites, state, fixed, status, rng)
        if sites is None:
            failed["in-field"] += 1
            continue
        try:
            sites = doses(sites, rng)
        except LookupError:
            failed["doses"] += 1
            continue
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
