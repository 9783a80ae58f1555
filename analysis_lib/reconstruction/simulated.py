"""Cohorts whose truth is known because it was simulated, and the paper that would be printed about each.

Nothing here anneals: who has which covariates, when each fails, is treated, progresses and dies follows from
coefficients that are drawn for each cohort. Kept from the study are the sizes of its groups and what it
prints of its five transplanted patients.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows.rounding import number

from .covariates import GROUPS, STRATA, plausibility, profiles, two_by_two
from .drawn import Drawn, draw
from .slots import slots
from .state import DEAD, DELAY, EFS, EV, FAIL, FIELD, G5, LAST_DAY, LOCK_OS, MORE, OS2, ST_RT, TTS, start
from .statistics import NOT_REACHED, block, room
from .targets import Paper, the_paper

BALANCE = {
    "ipi3": lambda t: t.ipi >= 3,
    "sites": lambda t: t.multiple == 1,
    "extranodal": lambda t: t.extranodal > 0,
    "ldh": lambda t: t.ldh == 1,
    "ecog": lambda t: t.poor == 1,
}


def cohort(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, Drawn]:
    """A simulated cohort: patients, the state and fixed columns that hold its truth, and what was drawn."""
    while True:
        table = people(rng)
        lot = draw(table, the_paper(), rng)
        state, fixed, _ = start(table, lot, the_paper(), rng)
        if happen(table, state, fixed, rng):
            return table, state, fixed, lot


def people(rng: np.random.Generator) -> pd.DataFrame:
    """120 patients with possible profiles; how strongly covariates go together and differ by field is
    drawn.
    """
    every, total = profiles(), the_paper()
    rt, cmt, later = int(rng.integers(14, 19)), int(rng.integers(4, 9)), 14
    sizes = {
        "RT comprehensive": rt,
        "RT focal": 25 - rt,
        "CMT comprehensive": cmt,
        "CMT focal": 15 - cmt,
        "ST then RT comprehensive": 29 - rt - cmt,
        "ST then RT focal": later - (29 - rt - cmt),
        "ST": 80 - later,
    }
    together, apart = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.6)
    shares: dict[str, dict[int | str, float]] = {
        "ldh": {1: rng.uniform(0.45, 0.65)},
        "poor": {1: rng.uniform(0.12, 0.25)},
        "mass": {"cns": 0.15, "bulky": rng.uniform(0.22, 0.32), "missing": 0.04},
        "old": {1: rng.uniform(0.4, 0.6)},
    }
    rows = []
    for stratum, n in sizes.items():
        _, field = STRATA[stratum]
        limited = 0.45 + {"comprehensive": 0.5, "focal": -0.5}.get(field or "", 0) * apart
        stages: dict[int | str, float] = {"I": limited / 2, "II": limited / 2, "III": 0.2 * (1 - limited)}
        weight = np.exp(together * plausibility(every))
        if field == "focal" and not stratum.startswith("ST"):
            weight[every.multiple == 0] = 0
        weight = raked(every, weight, shares | {"stage": stages})
        rows.append(every.iloc[rng.choice(len(every), n, p=weight)].assign(stratum=stratum))
    table = pd.concat(rows).sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)
    table["regimen"] = [STRATA[s][0] for s in table.stratum]
    table["field"] = [STRATA[s][1] for s in table.stratum]
    table["best"] = rng.choice(["CR", "PR", "PD", "SD"], len(table), p=[0.42, 0.28, 0.29, 0.01])
    table["responder"] = table.best.isin(["CR", "PR"]).astype(int)
    table["bridging"], table["axi"] = rng.binomial(1, [[0.5], [0.68]], (2, len(table)))
    responds = table.responder == 1
    table["failure"] = np.where(
        responds, 45 + rng.exponential(110, len(table)), rng.lognormal(math.log(36), 0.3, len(table))
    ).astype(int)
    table["failure"] = table.failure.clip(14, 900)
    table["response"] = np.where(responds, rng.integers(28, 34, len(table)), 0)
    assert len(table) == total.count("res.n")
    return table


def raked(every: pd.DataFrame, weight: np.ndarray, shares: dict[str, dict[int | str, float]]) -> np.ndarray:
    """Weights of profiles with these shares of levels, the rest falling to the level that is not named."""
    for _ in range(30):
        for column, levels in shares.items():
            rest = ~every[column].isin(list(levels)).to_numpy()
            wanted = [((every[column] == level).to_numpy(), share) for level, share in levels.items()]
            for where, share in [*wanted, (rest, 1 - sum(levels.values()))]:
                if weight[where].sum() > 0:
                    weight[where] *= share / weight[where].sum()
    return weight / weight.sum()


def happen(table: pd.DataFrame, state: np.ndarray, fixed: np.ndarray, rng: np.random.Generator) -> bool:
    """What befalls them, in place: salvage, progression, death or last follow-up. Weibull times with
    proportional hazards, and a frailty that ties progression to death. False if someone's days fit nowhere.
    """
    effect = {
        "advanced": rng.normal(0.7, 0.3),
        "ldh": rng.normal(0.8, 0.3),
        "poor": rng.normal(0.6, 0.3),
        "responder": rng.normal(-0.4, 0.3),
    }
    regimen = {"RT": 0.0, "CMT": rng.normal(0, 0.4), "ST": rng.normal(0, 0.4)}
    risk = sum(b * (table[name] - table[name].mean()) for name, b in effect.items())
    risk = (risk + table.regimen.map(regimen) + rng.normal(0, 0.4, len(table))).to_numpy()
    shape, scale = rng.uniform(0.7, 1.1), rng.uniform(420, 650)
    for i in range(len(table)):
        state[i, TTS] = state[i, FAIL] + int(rng.exponential(14))
        if fixed[i, LOCK_OS]:
            continue
        for _ in range(500):
            death = scale * (rng.exponential() / math.exp(risk[i])) ** (1 / shape)
            seen = rng.uniform(14, 1300)
            progression = rng.exponential(110 / math.exp(0.8 * risk[i])) + 10
            os2 = int(min(death, seen, LAST_DAY - state[i, TTS]))
            dead = int(death <= os2 + 1)
            event = progression < os2 - 14
            delay = 0
            if state[i, G5] == ST_RT:
                delay = int(progression + rng.exponential(60)) + 5
            irradiated = fixed[i, FIELD] >= 0
            if os2 < 14 or (irradiated and os2 - delay < 30):
                continue
            if (state[i, G5] == ST_RT or state[i, MORE]) and not (event and progression < os2 - 25):
                continue
            state[i, [OS2, DEAD, EV, DELAY]] = os2, dead, int(event or dead), delay
            state[i, EFS] = int(progression) if event else os2
            break
        else:
            return False
    return True


def printed(table: pd.DataFrame, state: np.ndarray, fixed: np.ndarray) -> Paper:
    """The paper about a simulated cohort: the same claims as the study's, at the same rounding."""
    told = dict(the_paper().printed)
    told |= counts(table, state)
    for field, name in (("comprehensive", "comp"), ("focal", "focal")):
        told[f"cf.{name}.limited.n"] = str(int(((table.field == field) & (table.advanced == 0)).sum()))
    wide, focal = table[table.field == "comprehensive"], table[table.field == "focal"]
    for name, where in BALANCE.items():
        p = two_by_two(len(wide), len(focal))[where(wide).sum(), where(focal).sum()]
        told[f"cf.{name}.p"] = p_text(p, told[f"cf.{name}.p"])
    known = [group[group["mass"].isin(["bulky", "not bulky"])] for group in (wide, focal)]
    bulky = [int((group["mass"] == "bulky").sum()) for group in known]
    p = two_by_two(len(known[0]), len(known[1]))[bulky[0], bulky[1]]
    told["cf.bulky.p"] = p_text(p, told["cf.bulky.p"])
    values, names = slots(the_paper())
    order, seen = np.array([np.arange(len(state))] * 6), dict.fromkeys(("",), 0)
    for b in range(5):
        out = np.zeros(80)
        block(b, state, fixed, order, np.zeros((3, 3)), out, room(fixed))
        for k, claim in enumerate(names[b]):
            seen[claim] = seen.get(claim, 0) + 1
            if claim.endswith((".ci", ".iqr")):
                sides = told[claim].split("–")
                sides[seen[claim] - 1] = in_print(claim, out[k], the_paper().text(claim))
                told[claim] = "–".join(sides)
            elif seen[claim] == 1:
                told[claim] = in_print(claim, out[k], the_paper().text(claim))
    responds = table.responder == 1
    for claim, days in (("ttf", table.failure), ("res.dor", table.failure[responds])):
        low, middle, high = (number(q / DAYS_PER_MONTH, 1) for q in np.percentile(days, [25, 50, 75]))
        told[f"{claim}.median"], told[f"{claim}.iqr"] = middle, f"{low}–{high}"
    failed, n = np.sort(table.failure), len(table)
    survival = 1 - np.arange(1, n) / n
    half = 1.959963984540054 * np.sqrt((1 - survival) / (n * survival))
    ends = (failed[np.argmax(survival * np.exp(sign * half) <= 0.5)] for sign in (-1, 1))
    told["efs1.median.ci"] = "–".join(number(end / DAYS_PER_MONTH, 1) for end in ends)
    return Paper(told)


def counts(table: pd.DataFrame, state: np.ndarray) -> dict[str, str]:
    """The counts of Table 1 that the engine reads."""
    told = {}
    dead = state[:, DEAD] == 1
    ecog = np.where(table.poor == 1, 2, 1)
    progressed = dead | ((state[:, EV] == 1) & (np.arange(len(table)) % 3 > 0))
    columns: dict[str, tuple] = {
        "stage": (table.stage, ("I", "II", "III", "IV")),
        "ipi": (table.ipi, (1, 2, 3, 4)),
        "ecog": (pd.Series(ecog), range(5)),
        "ldh": (table.ldh.map({1: "yes", 0: "no"}), ("yes", "no")),
        "sites": (table.multiple.map({1: "ge2", 0: "lt2"}), ("ge2", "lt2")),
        "extranodal": ((table.extranodal > 0).map({True: "yes", False: "no"}), ("yes", "no")),
        "cns": ((table["mass"] == "cns").map({True: "yes", False: "no"}), ("yes", "no")),
        "bulky": (
            table["mass"].map({"bulky": "yes", "not bulky": "no", "missing": "missing"}),
            ("yes", "no", "missing"),
        ),
        "best_response": (table.best.replace("PD", "DP"), ("CR", "PR", "DP", "SD")),
        "bridging": (table.bridging.map({1: "yes", 0: "no"}), ("yes", "no")),
        "product": (table.axi.map({1: "axi", 0: "tisa"}), ("axi", "tisa")),
        "alive": (pd.Series(np.where(dead, "deceased", "living")), ("deceased", "living")),
        "status": (pd.Series(np.where(progressed, "DP", "CR")), ("DP", "CR", "PR")),
    }
    for group, name in GROUPS.items():
        for column, (values, levels) in columns.items():
            for level in levels:
                n = int(((values == level) & (table.regimen == group)).sum())
                told[f"t1.{column}.{level}.{name}.n"] = str(n)
    return told


def in_print(claim: str, value: float, example: str) -> str:
    """A statistic of the annealer's blocks, as the study's paper prints its own."""
    if claim.endswith((".p", ".ns")):
        kinds = {"os2.grp5.p": 4, "efs2.grp3.p": 2}
        p = stats.chi2.sf(value**2, kinds[claim]) if claim in kinds else 2 * stats.norm.sf(value)
        return "P>0.05" if claim.endswith(".ns") and p > 0.05 else p_text(p, example)
    if claim.endswith(("12m", "24m")):
        return number(100 * value, 0)
    if value >= NOT_REACHED - 0.01:
        return "NR"
    if claim.startswith("mv."):
        return number(math.exp(value), 1)
    return number(math.exp(value) / DAYS_PER_MONTH, 1)


def p_text(p: float, example: str) -> str:
    """A P value as the study prints it: one digit or two where it is above 0.1, like its own."""
    if p < 0.001:
        return "<0.001"
    digits = len(example.partition(".")[2])
    return number(p, 3 if p < 0.01 else 2 if p < 0.1 or digits > 1 else 1)
