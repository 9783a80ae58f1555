"""Courses of radiotherapy: who had them when, at how many sites, with which dose, region and technique.

First courses follow from the times; later courses are dealt to patients with time left for them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.paper.claims import printed_count

from .drawn import Drawn
from .state import (
    BED,
    DEAD,
    DELAY,
    EFS,
    EV,
    FIELD,
    G5,
    HIGH,
    HSCT,
    LOCK_OS,
    LOW,
    MORE,
    OS2,
    ROOM_TO_IRRADIATE,
    RT,
    TTS,
    TWO,
)
from .targets import the_paper

# (dose in Gy, fractions): how often each schedule is drawn. BED at alpha/beta 10 is above 30 Gy, or at most.
HIGH_DOSE = {
    (30.0, 10): 6,
    (30.0, 15): 1,
    (30.6, 17): 1,
    (25.0, 10): 1,
    (32.5, 13): 1,
    (35.0, 14): 1,
    (36.0, 12): 1,
    (36.0, 18): 4,
    (36.0, 20): 1,
    (37.5, 15): 2,
    (39.6, 22): 1,
    (40.0, 20): 3,
    (41.4, 23): 1,
    (45.0, 25): 3,
    (46.0, 23): 1,
    (50.0, 25): 1,
    (50.4, 28): 1,
}
LOW_DOSE = {(20.0, 5): 5, (8.0, 1): 2, (4.0, 2): 2, (24.0, 12): 1, (20.0, 8): 1, (12.0, 4): 1}
# Palliative fields: ten fractions of 3 Gy, or fewer.
PALLIATIVE = {**HIGH_DOSE, (30.0, 10): 40}
# The comprehensive median, 36.7 Gy, is that of no usual schedule: it takes one odd dose in the middle.
MIDDLE = (
    ((36.0, 18), (37.4, 17)),
    ((36.0, 20), (37.4, 22)),
    ((36.0, 12), (37.4, 17)),
    ((36.4, 14), (37.0, 20)),
    ((35.0, 14), (38.4, 16)),
    ((36.7, 17),),
    ((36.7, 20),),
)


# Powers of the time that was left to a patient, by which later courses are likelier: as they are taken to be,
# and where that leaves too few sites in follow-up.
LATER_COURSES, LATER_COURSES_OF_SURVIVORS = 0.7, 3.0


def bed10(dose: pd.Series, fractions: pd.Series) -> pd.Series:
    """Biologically effective dose, alpha/beta 10 Gy."""
    return dose * (1 + dose / fractions / 10)


def duration(fractions: int) -> int:
    """Days from the first to the last fraction, on working days."""
    return fractions - 1 + 2 * ((fractions - 1) // 5)


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


def sizes_of_later_courses(rng: np.random.Generator) -> list[int]:
    """Numbers of sites of the later courses, one to three each, in all those that first courses leave."""
    left = printed_count("rt.sites.n") - printed_count("cf.sites.n")
    sizes = [1]  # one at least for the patient irradiated again after the transplant
    while (rest := left - sum(sizes)) > 0:
        sizes.append(min(rest, int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))))
    return [int(size) for size in rng.permutation(sizes)]


def later_courses(
    state: np.ndarray, fixed: np.ndarray, drawn: Drawn, rng: np.random.Generator, favour: float
) -> pd.DataFrame:
    """31 sites in later courses, all after the EFS2 event, in patients with time left for them: the more,
    the likelier, as ``favour`` says.

    Long because what one draw leaves, the next one takes.
    """
    end = state[:, TTS] + state[:, OS2]
    rest = np.flatnonzero(fixed[:, FIELD] >= 0)
    able = []
    for i in rest:
        after = state[i, TTS] + max(state[i, EFS], state[i, DELAY] + 25)
        room = end[i] - after
        alive_for_it = state[i, EV] and not fixed[i, LOCK_OS] and room >= ROOM_TO_IRRADIATE
        if alive_for_it and (fixed[i, FIELD] == 0 or state[i, MORE]):
            able.append((i, after + 5, room))
    # Whoever had more therapy after radiotherapy alone, without systemic therapy, had radiotherapy again.
    must = [a for a in able if fixed[a[0], FIELD] == 1 and state[a[0], G5] == RT]
    sizes = sizes_of_later_courses(rng)
    if len(must) >= len(sizes):
        raise LookupError("too many must be irradiated again")
    others = [a for a in able if a not in must]
    weight = np.array([a[2] for a in others], float) ** favour
    picks = rng.choice(
        len(others), min(len(others), len(sizes) - 1 - len(must)), replace=False, p=weight / weight.sum()
    )
    chosen = must + [others[k] for k in picks]
    rows = []
    again = next(k for k, each in enumerate(drawn.transplants, start=1) if each.again)
    for i in np.flatnonzero(fixed[:, HSCT] == again):  # two months after the transplant
        sizes.remove(1)
        each = drawn.transplants[again - 1]
        rows.append({"patient": i, "course": 2, "start": state[i, TTS] + each.day + each.again, "n": 1})
    for i, after, _room in chosen:
        latest = end[i] - (30 if state[i, DEAD] else 45)
        start = after + int((latest - after) * rng.beta(0.8, 2.5)) if latest > after else after
        if state[i, DEAD] and rng.random() < 0.35:  # in the last weeks of life
            start = max(start, end[i] - int(rng.integers(30, 85)))
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
    rank = sites.assign(score=score).groupby("patient").score.rank("first", ascending=False)
    order = np.argsort(-(score - 10 * (rank > 2)))  # no more than two in the brain of one patient
    region = np.full(len(sites), "", object)
    region[order[: number["CNS"]]] = "CNS"
    rest = [r for r, n in number.items() if r != "CNS" for _ in range(n)]
    region[order[number["CNS"] :]] = rng.permutation(rest)
    return region


def doses(sites: pd.DataFrame, rng: np.random.Generator, tries: int = 400) -> pd.DataFrame:
    """Dose and fractions: one schedule a first course, so that its BED is the patient's, none longer than the
    patient lived; empty where unknown.

    Raises
    ------
    LookupError
        If no draw gives the printed medians and ranges.
    """
    known = sites.known & (sites.course == 1)
    first = [rows.index.to_numpy() for _, rows in sites[known].groupby("patient")]
    later = np.flatnonzero(sites.course > 1)
    wide = (sites.field == "comprehensive").to_numpy()
    focal, follow = ~wide & (sites.course == 1).to_numpy(), sites.follow.to_numpy()
    for _ in range(tries):
        unknown = rng.choice(later)
        given = comprehensive_doses([r for r in first if sites.field[r[0]] == "comprehensive"], sites, rng)
        given |= focal_doses([r for r in first if sites.field[r[0]] == "focal"], sites, rng)
        for k in later[later != unknown]:
            menu = PALLIATIVE if rng.random() < 0.65 else LOW_DOSE
            given[k] = pick(menu, sites.follow[k], rng, 40)
        schedule = [given.get(k) or (np.nan, np.nan) for k in range(len(sites))]
        dose, fractions = np.array(schedule).T
        if as_printed(dose, fractions, wide, focal, follow):
            return sites.assign(dose=dose, fractions=fractions)
    raise LookupError("no doses with the printed medians and ranges")


def pick(
    menu: dict[tuple[float, int], int],
    follow: float,
    rng: np.random.Generator,
    most: float = np.inf,
    least: float = 0,
) -> tuple[float, int]:
    """A schedule of a menu within a range of doses that a patient followed so long could complete; the
    shortest if none.
    """
    able = [s for s in menu if least <= s[0] <= most]
    fit = [s for s in able if duration(s[1]) < follow] or [min(able, key=lambda s: s[1])]
    weight = np.array([menu[s] for s in fit], float)
    return fit[rng.choice(len(fit), p=weight / weight.sum())]


def focal_doses(
    courses: list[np.ndarray], sites: pd.DataFrame, rng: np.random.Generator
) -> dict[int, tuple[float, int]]:
    """Schedules of the focal courses, by site, with one of the lowest and one of the highest dose."""
    given: dict[int, tuple[float, int]] = {}
    for bed, menu, end in ((HIGH, PALLIATIVE, (41.4, 23)), (LOW, LOW_DOSE, (4.0, 2))):
        some = [rows for rows in courses if sites.bed[rows[0]] == bed]
        long_enough = [k for k, rows in enumerate(some) if sites.follow[rows[0]] > duration(end[1])]
        extreme = rng.choice(long_enough) if long_enough else -1
        for k, rows in enumerate(some):
            schedule = end if k == extreme else pick(menu, sites.follow[rows[0]], rng, 41.4)
            given |= dict.fromkeys(rows, schedule)
    return given


def comprehensive_doses(
    courses: list[np.ndarray], sites: pd.DataFrame, rng: np.random.Generator
) -> dict[int, tuple[float, int]]:
    """Schedules of the comprehensive courses, by site: as many sites below as above the median's odd dose,
    one course of the lowest dose and one of the highest.
    """
    low = [rows for rows in courses if sites.bed[rows[0]] == LOW]
    high = [rows for rows in courses if sites.bed[rows[0]] == HIGH]
    total = sum(len(rows) for rows in courses)
    middles = [middle for middle in MIDDLE if (total - len(middle)) % 2 == 0]
    middle = middles[rng.integers(len(middles))]
    # the longest schedules go to who lived long enough
    patient = [high[k] for k in np.argsort([-sites.follow[rows[0]] + rng.exponential(200) for rows in high])]
    half = (total - len(middle)) // 2
    given = {k: (4.0, int(rng.choice([1, 2]))) for rows in low for k in rows}
    above = 0
    top = True
    odd = list(middle)
    for rows in patient:
        follow = sites.follow[rows[0]]
        if above + len(rows) <= half:
            schedule = (50.4, 28) if top else pick(HIGH_DOSE, follow, rng, least=middle[-1][0])
            above, top = above + len(rows), False
        elif odd and len(rows) == 1:
            schedule = odd.pop()
        else:
            schedule = pick(HIGH_DOSE, follow, rng, middle[0][0])
        given |= dict.fromkeys(rows, schedule)
    return given


def as_printed(
    dose: np.ndarray, fractions: np.ndarray, wide: np.ndarray, focal: np.ndarray, follow: np.ndarray
) -> bool:
    """Whether medians, ranges and the comparison of fields come out as printed, and every course fits in."""
    paper, known = the_paper(), np.isfinite(dose)
    for claim, values in (
        ("rt.dose", dose[known]),
        ("rt.fx", fractions[known]),
        ("cf.comp.dose", dose[known & wide]),
        ("cf.focal.dose", dose[known & focal]),
    ):
        for value, part in (
            (np.median(values), "median"),
            (values.min(), "range lower"),
            (values.max(), "range upper"),
        ):
            name, _, end = part.partition(" ")
            low, high = paper.interval(f"{claim}.{name}", end or "value")
            if not low <= value < high:
                return False
    if any(duration(int(n)) >= days for n, days in zip(fractions[known], follow[known])):
        return False
    test = stats.mannwhitneyu(dose[known & wide], dose[known & focal])
    return bool(test.pvalue < paper.p_interval("cf.dose.p")[1])


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
        + 2 * ~sites.dose[rest].isin([d for d, _ in [*HIGH_DOSE, *LOW_DOSE]])
        + 0.4 * sites.region[rest].isin(["head and neck", "paraspinal"])
    )
    order = rest[np.argsort(-score.to_numpy())]
    n_imrt, n_both = printed_count("rt.tech.imrt.n"), printed_count("rt.tech.both.n")
    technique[order[:n_imrt]] = "IMRT"
    technique[order[n_imrt : n_imrt + n_both]] = "3DCRT/IMRT"
    technique[order[n_imrt + n_both :]] = "3DCRT"
    return technique
