"""The tables of the cohort, from covariates, times and sites.

Long because it deals out every column that the annealer does not move, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .covariates import GROUPS, STRATA
from .drawn import Drawn, days_of
from .failures import USUAL
from .lines import lines_of_therapy
from .sites import build
from .state import (
    AXI,
    BRIDGE,
    CMT,
    DEAD,
    EFS,
    EV,
    FAIL,
    FIELD,
    G3,
    HSCT,
    LDH,
    LOCK_OS,
    OLD,
    OS2,
    RESPONSE,
    RT,
    ST,
    TTS,
)
from .targets import Paper

YES_NO = np.array(["no", "yes"])


def deal(members: np.ndarray, levels: dict, rng: np.random.Generator) -> dict:
    """Deal levels, each as often as counted, to the members at random."""
    hand = [level for level, n in levels.items() for _ in range(n)]
    return dict(zip(rng.permutation(members), hand, strict=True))


def people(solution: pd.DataFrame, paper: Paper, rng: np.random.Generator) -> pd.DataFrame:
    """One row a patient in random order, with regimen, field and everything dealt out within salvage
    groups.
    """
    table = solution.sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)
    table["regimen"] = [STRATA[s][0] for s in table.stratum]
    table["field"] = [STRATA[s][1] for s in table.stratum]
    for group, name in GROUPS.items():
        members = np.flatnonzero(table.regimen == group)

        def put(column: str, members: np.ndarray, levels: dict) -> None:
            for i, level in deal(members, levels, rng).items():
                table.loc[i, column] = level

        put(
            "best",
            members,
            {
                ("PD" if r == "DP" else r): paper.count(f"t1.best_response.{r}.{name}.n")
                for r in ("CR", "PR", "DP", "SD")
            },
        )
        put(
            "bridging",
            members,
            {1: paper.count(f"t1.bridging.yes.{name}.n"), 0: paper.count(f"t1.bridging.no.{name}.n")},
        )
        put(
            "axi",
            members,
            {1: paper.count(f"t1.product.axi.{name}.n"), 0: paper.count(f"t1.product.tisa.{name}.n")},
        )
    everyone = np.arange(len(table))
    patterns = {"local": "prev_only", "local and de novo": "both", "de novo": "denovo"}
    for i, level in deal(everyone, {p: paper.count(f"fail.{c}.n") for p, c in patterns.items()}, rng).items():
        table.loc[i, "pattern"] = level
    positive, negative = paper.count("cd19.pos.n"), paper.count("cd19.neg.n")
    for i, level in deal(
        everyone, {"positive": positive, "negative": negative, "": len(table) - positive - negative}, rng
    ).items():
        table.loc[i, "cd19"] = level
    table["responder"] = table.best.isin(["CR", "PR"]).astype(int)
    return table


def performance(table: pd.DataFrame, state: np.ndarray, paper: Paper, rng: np.random.Generator) -> np.ndarray:
    """ECOG levels in the printed numbers of each salvage group, mostly the worse the sooner they died."""
    ecog = np.zeros(len(table), int)
    fate = 2.0 * state[:, DEAD] - np.log(state[:, OS2] / 300) + rng.normal(0, 0.9, len(table))
    for group, name in GROUPS.items():
        for poor, levels in ((0, (0, 1)), (1, (2, 3, 4))):
            some = np.flatnonzero((table.regimen == group) & (table.poor == poor))
            hand = [level for level in levels for _ in range(paper.count(f"t1.ecog.{level}.{name}.n"))]
            ecog[some[np.argsort(fate[some])]] = hand
    return ecog


def numbers_of_sites(
    table: pd.DataFrame, state: np.ndarray, drawn: Drawn, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of disease and of extranodal sites that fit stage and the yes/no covariates; more of them where
    LDH is high or disease is bulky.
    """
    n = len(table)
    extranodal = np.where(
        table.extranodal == 2, np.minimum(2 + rng.geometric(0.55, n) - 1, 6), table.extranodal
    )
    heavy = rng.binomial(2, 0.4, n) * (table.ldh + (table["mass"] == "bulky"))
    nodal = np.where(
        table.stage.isin(["III", "IV"]),
        rng.geometric(0.45, n) - (table.stage == "IV") + heavy,
        rng.geometric(0.7, n),
    )
    several = np.clip(np.maximum(extranodal + nodal, 2), 2, 12)
    # Comprehensive first fields cover all of it: two sites, rarely three.
    small = (table.field == "comprehensive") & (table.regimen != "ST")
    most = np.where(rng.random(n) < 0.2, 3, 2)
    if drawn.family == "definition":
        small = table.field == "comprehensive"
        most, extranodal = np.full(n, 2), np.where(small, np.minimum(extranodal, 2), extranodal)
    several = np.where(small, np.minimum(several, np.maximum(extranodal, most)), several)
    return np.where(table.multiple == 1, several, 1), extranodal


def last_status(
    state: np.ndarray, fixed: np.ndarray, drawn: Drawn, paper: Paper, rng: np.random.Generator
) -> np.ndarray:
    """Disease status at last follow-up in the printed numbers: progression in nearly all who died, then in
    the living.
    """
    status = np.full(len(state), "", object)
    relapsed = 1 + next(k for k, each in enumerate(drawn.transplants) if each.relapsed)
    for group, name in ((RT, "rt"), (CMT, "cmt"), (ST, "st")):
        mine = fixed[:, G3] == group
        dead = np.flatnonzero(mine & (state[:, DEAD] == 1))
        status[dead] = "PD"
        # who died without progression did so as the first event
        quiet = [i for i in dead if state[i, EFS] == state[i, OS2]]
        if len(quiet) < drawn.in_remission[group]:
            raise LookupError("too few died without progression")
        status[rng.permutation(quiet)[: drawn.in_remission[group]].astype(int)] = "CR"
        living = np.flatnonzero(mine & (state[:, DEAD] == 0))
        score = {
            i: 2.0 * (state[i, EV] == 0)
            + 10 * fixed[i, LOCK_OS]
            - 20 * (fixed[i, HSCT] == relapsed)
            + rng.uniform(0, 0.5)
            - min(1.0, state[i, EFS] / state[i, OS2]) * (state[i, EV] == 1)
            for i in living
        }
        order = sorted(living, key=score.__getitem__)
        n = paper.count(f"t1.status.DP.{name}.n") - int((status[mine] == "PD").sum())
        if n < 0 or any(state[i, EV] == 0 for i in order[:n]):
            raise LookupError("too few living patients have progressed")
        status[order[:n]] = "PD"
        rest = order[n:]
        partial = [i for i in rest if not fixed[i, LOCK_OS]][: paper.count(f"t1.status.PR.{name}.n")]
        status[rest] = "CR"
        status[partial] = "PR"
    return status


def responses(table: pd.DataFrame, state: np.ndarray, paper: Paper, rng: np.random.Generator) -> pd.DataFrame:
    """Days of first assessment, of response and of complete response."""
    n = len(table)
    responder = table.responder.to_numpy() == 1
    response = np.where(responder, state[:, RESPONSE], 0)
    failure = state[:, FAIL]
    complete = np.zeros(n, int)
    cr = np.flatnonzero(table.best == "CR")
    # Complete at the first response, mostly; later in some; once at the printed maximum.
    complete[cr] = np.maximum(response[cr], days_of(paper, "res.ttcr.range", "lower")[0])
    late = rng.permutation([i for i in cr if failure[i] > 110])[: int(rng.integers(5, 16))]
    complete[late] = [int(min(failure[i] - 15, 158, rng.integers(55, 125))) for i in late]
    first, last = days_of(paper, "res.ttcr.range", "upper")
    complete[max(cr, key=lambda i: failure[i])] = int(rng.integers(first, last + 1))
    lowest = days_of(paper, "res.ttcr.median")[0]
    for i in rng.permutation(cr):  # until the median is right
        if np.median(complete[cr]) >= lowest:
            break
        if complete[i] < lowest:
            complete[i] = lowest + int(rng.integers(0, 3))
    # The first assessment shows the response, or comes no later than the failure.
    wanted = [
        paper.interval("met.early_resp.iqr", "lower"),
        paper.interval("met.early_resp.day"),
        paper.interval("met.early_resp.iqr", "upper"),
    ]
    for _ in range(1000):
        usual = rng.choice(USUAL, n) + rng.integers(-4, 3)
        first_seen = np.where(responder, response, np.minimum(usual, failure))
        got = np.percentile(first_seen, [25, 50, 75])
        if all(low <= q < high for q, (low, high) in zip(got, wanted)):
            break
    else:
        raise LookupError("no first assessments with the printed quartiles")
    return pd.DataFrame({"first": first_seen, "response": response, "complete": complete})


def assemble(
    table: pd.DataFrame,
    state: np.ndarray,
    fixed: np.ndarray,
    drawn: Drawn,
    paper: Paper,
    rng: np.random.Generator,
    tries: int = 6,
) -> dict[str, pd.DataFrame]:
    """The four tables; what is drawn at random is drawn again where it finds no room."""
    for attempt in range(tries):
        try:
            return _assemble(table, state, fixed, drawn, paper, rng)
        except LookupError:
            if attempt == tries - 1:
                raise
    raise ValueError("no try was asked for")


def _assemble(
    table: pd.DataFrame,
    state: np.ndarray,
    fixed: np.ndarray,
    drawn: Drawn,
    paper: Paper,
    rng: np.random.Generator,
) -> dict[str, pd.DataFrame]:
    """Long because it writes four tables column by column."""
    table = table.assign(ldh=state[:, LDH], old=state[:, OLD])
    status = last_status(state, fixed, drawn, paper, rng)
    sites = build(state, fixed, drawn, status, table["mass"].to_numpy(), rng)
    lines, progression, next_line = lines_of_therapy(state, fixed, sites, drawn, rng)
    days = responses(table, state, paper, rng)
    n = len(table)
    ids = np.array([f"P{k + 1:03d}" for k in range(n)])
    disease, extranodal = numbers_of_sites(table, state, drawn, rng)

    irradiated = fixed[:, FIELD] >= 0
    bridged = np.flatnonzero(irradiated & (state[:, BRIDGE] == 1))
    bridging_rt = np.where(state[:, BRIDGE] == 0, "no", np.where(irradiated, "no", "")).astype(object)
    eight = rng.choice(bridged, paper.count("rt.bridgingRT.n"), replace=False)
    bridging_rt[eight] = "yes"
    same = next(k for k in range(len(sites)) if sites.patient[k] in eight)
    transplant = lines[lines.modality == "HSCT"].set_index("patient").line_start_day

    def optional(days: Mapping[int, int]) -> pd.Series:
        return pd.array([int(days[i]) if days.get(i) else pd.NA for i in range(n)], dtype="Int64")

    responded = table.responder == 1
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "last_follow_up_day": state[:, TTS] + state[:, OS2],
            "vital_status": np.where(state[:, DEAD] == 1, "dead", "alive"),
            "car_t_product": np.where(state[:, AXI] == 1, "axi-cel", "tisa-cel"),
            "bridging_therapy": YES_NO[state[:, BRIDGE]],
            "bridging_radiotherapy": bridging_rt,
            "first_assessment_day": days["first"],
            "best_response": table.best,
            "response_day": optional(dict(enumerate(days.response.where(responded, 0)))),
            "complete_response_day": optional(dict(enumerate(days.complete))),
            "failure_day": state[:, FAIL],
            "failure_pattern": table.pattern,
            "cd19_at_failure": table.cd19,
            "salvage_start_day": state[:, TTS],
            "salvage_regimen": table.regimen,
            "progression_day": optional(progression),
            "next_line_day": optional(next_line),
            "transplant_day": optional(transplant.to_dict()),
            "over_60": YES_NO[table.old],
            "cns_disease": YES_NO[(table["mass"] == "cns").astype(int)],
            "bulky_disease": table["mass"].map({"bulky": "yes", "not bulky": "no"}).fillna(""),
            "disease_sites": disease,
            "extranodal_sites": extranodal,
            "ecog": performance(table, state, paper, rng),
            "stage": table.stage,
            "ldh_elevated": YES_NO[table.ldh],
            "ipi": table.ipi,
            "last_disease_status": status,
        }
    )
    event = patients[["progression_day", "next_line_day"]].min(axis=1).fillna(patients.last_follow_up_day)
    assert (event - patients.salvage_start_day == state[:, EFS]).all(), (
        "the tables must say what the annealer found"
    )
    start = sites.start.to_numpy()
    irradiations = pd.DataFrame(
        {
            "patient_id": ids[sites.patient],
            "course": sites.course,
            "rt_start_day": start,
            "rt_field": sites.field,
            "region": sites.region,
            "technique": sites.technique,
            "dose_gy": sites.dose,
            "fractions": sites.fractions.astype("Int64"),
            "bulky_site": sites.bulky,
            "previously_irradiated": np.where(np.arange(len(sites)) == same, "yes", "no"),
            "in_field_response": sites.response,
            "in_field_progression_day": pd.array(
                [s + p if p else pd.NA for s, p in zip(start, sites.progression)], dtype="Int64"
            ),
        }
    )
    therapy = lines.assign(patient_id=ids[lines.patient])[
        ["patient_id", "line", "line_start_day", "modality"]
    ]
    total = paper.count("met.database.n")
    place = np.sort(rng.permutation(total)[:n])
    database = np.array([f"D{k + 1:03d}" for k in range(total)], object)
    included = np.zeros(total, int)
    database[place], included[place] = ids, 1
    screening = pd.DataFrame({"patient_id": database, "included": YES_NO[included], "exclusion_reason": ""})
    return {"patients": patients, "sites": irradiations, "lines": therapy, "screening": screening}
