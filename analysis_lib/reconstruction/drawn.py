"""What the paper does not print but the engine must settle: drawn anew for every cohort from what the printed
numbers allow. :mod:`alike` lists what is the same in all cohorts all the same, and why.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis_lib.dictionary.units import DAYS_PER_MONTH

from .targets import Paper

# The paper contradicts itself on sites of disease (forks.csv). Honouring the definition of a field and 26 of
# 29 with one site takes giving up two printed numbers, P = 0.04 and the two focal patients of limited stage:
# of RT alone 9 + 7 = 16 are of limited stage, at most 2 of them focal, so at least 14 are comprehensive, and
# Table 1 gives 10 a single site, so at least 4, not 3, had several. "printed" gives up one number of the
# Discussion.
FAMILIES = {
    "printed": "honours P = 0.04 for two or more sites of disease, and two focal patients of limited stage",
    "definition": "honours the definition of a comprehensive field, and 26 of 29 with one site of disease",
}
# The claims that a family gives up: they exclude what it honours.
GIVEN_UP = {
    "printed": frozenset({"dis.gt1site.n"}),
    "definition": frozenset({"cf.sites.p", "cf.focal.limited.n"}),
}
BEFORE = {
    "CMT comprehensive": 0.3,
    "CMT focal": 0.1,
    "RT comprehensive": 0.2,
    "ST then RT comprehensive": 0.3,
    "ST then RT focal": 0.1,
}
AFTER = {"ST then RT comprehensive": 0.6, "ST then RT focal": 0.4}


def family_of(made_by: str) -> str:
    """The family that the command which made a cohort names."""
    return next((each for each in FAMILIES if f"--family {each}" in made_by), "printed")


class Transplant(NamedTuple):
    """A patient irradiated around an allogeneic transplant, in days."""

    stratum: str
    delay: int  # of radiotherapy after the start of salvage
    wait: int  # from radiotherapy to transplant; negative when radiotherapy came after it
    after: int  # from transplant to last follow-up
    again: int  # from transplant to radiotherapy once more; 0: none
    relapsed: bool

    @property
    def day(self) -> int:
        """Of the transplant, after the start of salvage."""
        return self.delay + self.wait

    @property
    def os2(self) -> int:
        """Last follow-up, after the start of salvage."""
        return self.day + self.after


class Drawn(NamedTuple):
    """What was drawn for one cohort."""

    family: str  # of :data:`FAMILIES`
    transplants: tuple[Transplant, ...]
    rt_then_st: int  # patients who had systemic therapy after comprehensive radiotherapy, to begin with
    in_remission: tuple[int, int, int]  # deaths without progression in RT, CMT and ST
    low_focal: int  # focal patients with a BED of at most 30 Gy
    unknown_comprehensive: int  # comprehensive patients without known dose, of the twelve sites


def days_of(paper: Paper, claim: str, part: str = "value") -> tuple[int, int]:
    """The first and last whole day that prints as a claim in months."""
    low, high = (end * DAYS_PER_MONTH for end in paper.interval(claim, part))
    return math.ceil(low), math.ceil(high) - 1


def draw(people: pd.DataFrame, paper: Paper, rng: np.random.Generator, family: str = "printed") -> Drawn:
    """Settle what is not printed, for patients with their strata."""
    transplants = draw_transplants(people.stratum, paper, rng)
    in_rt = int((people.stratum == "RT comprehensive").sum())
    least = 1 + sum(each.stratum == "RT comprehensive" for each in transplants)
    deaths = rng.multinomial(int(rng.integers(0, 5)), [0.2, 0.1, 0.7])
    return Drawn(
        family=family,
        transplants=transplants,
        rt_then_st=int(rng.integers(max(least, 4), in_rt - 2)),
        in_remission=(int(deaths[0]), int(deaths[1]), int(deaths[2])),
        low_focal=int(rng.integers(5, 11)),
        unknown_comprehensive=int(rng.integers(4, 9)),
    )


def draw_transplants(strata: pd.Series, paper: Paper, rng: np.random.Generator) -> tuple[Transplant, ...]:
    """The five transplanted patients: four irradiated before, one of them again after it; one after it.

    Their days give the printed medians, ranges and intervals; who of them progressed is drawn too.
    """

    def one_of(claim: str, part: str = "value") -> int:
        low, high = days_of(paper, claim, part)
        return int(rng.integers(low, high + 1))

    while True:
        shortest, longest = one_of("hsct.tt.range", "lower"), one_of("hsct.tt.range", "upper")
        low, high = (2 * end * DAYS_PER_MONTH for end in paper.interval("hsct.tt.median"))
        both = int(rng.integers(math.ceil(low), math.ceil(high)))
        second = int(rng.integers(shortest, both // 2 + 1))
        if second < both - second < longest:
            break
    waits = rng.permutation([shortest, second, both - second, longest])
    least, middle, most = (
        one_of("hsct.fu.range", "lower"),
        one_of("hsct.fu.median"),
        one_of("hsct.fu.range", "upper"),
    )
    rest = [int(rng.integers(least + 1, middle)), int(rng.integers(middle + 1, most))]
    again, consolidating = one_of("hsct.addRT.t"), one_of("hsct.fifth.t")
    while True:
        after = rng.permutation([least, middle, most, *rest])
        if after[0] > again + 50 and after[4] > consolidating + 50:
            break
    relapsed = int(rng.integers(5))
    room = strata.value_counts().to_dict()
    made = []
    for k in range(5):
        weights = {s: w for s, w in (AFTER if k == 4 else BEFORE).items() if room.get(s, 0) > 1}
        stratum = str(rng.choice(list(weights), p=np.array(list(weights.values())) / sum(weights.values())))
        room[stratum] -= 1
        if k == 4:
            delay, wait = int(rng.integers(120, 260)) + consolidating, -consolidating
        else:
            delay = int(rng.integers(50, 250)) if stratum.startswith("ST") else 0
            wait = int(waits[k])
        made.append(Transplant(stratum, delay, wait, int(after[k]), again if k == 0 else 0, k == relapsed))
    return tuple(made)


def living_progressed(drawn: Drawn, paper: Paper) -> np.ndarray:
    """How many living patients of RT, CMT and ST must have had an EFS2 event: who progressed by last
    follow-up, less the dead, and less the one of the transplanted who relapsed.
    """
    relapsed = next(each.stratum.split()[0] for each in drawn.transplants if each.relapsed)
    return np.array(
        [
            paper.count(f"t1.status.DP.{name}.n")
            - paper.count(f"t1.alive.deceased.{name}.n")
            + drawn.in_remission[g]
            - (relapsed == name.upper())
            for g, name in enumerate(("rt", "cmt", "st"))
        ]
    )
