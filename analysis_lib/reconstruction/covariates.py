"""Who the 120 patients are: covariates that give every printed count exactly (OR-tools CP-SAT).

The unknowns are how many patients of each *stratum* (salvage group and, when irradiated, field of the first
course) have each *profile* (a joint level of the seven covariates that the printed counts tie together).
Everything else that Table 1 counts is dealt out at random within its salvage group.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from scipy import special

from .drawn import GIVEN_UP
from .targets import Paper

GROUPS = {"RT": "rt", "CMT": "cmt", "ST": "st"}
# stratum: (salvage group, field of the first course of radiotherapy)
STRATA = {
    "RT comprehensive": ("RT", "comprehensive"),
    "RT focal": ("RT", "focal"),
    "CMT comprehensive": ("CMT", "comprehensive"),
    "CMT focal": ("CMT", "focal"),
    "ST then RT comprehensive": ("ST", "comprehensive"),
    "ST then RT focal": ("ST", "focal"),
    "ST": ("ST", None),
}
STAGES = ("I", "II", "III", "IV")
RARE = 3.0  # log-odds against it
MASSES = ("cns", "bulky", "not bulky", "missing")  # bulk is not measured in patients with CNS disease


def profiles() -> pd.DataFrame:
    """All clinically possible profiles, one a row.

    Stage I is one site and stages II and III are several; stage IV has extranodal disease; two or more
    extranodal sites and CNS disease are stage IV. The IPI is the sum of its five items and lies in 1-4.
    """
    levels = product(STAGES, (0, 1), (0, 1), (0, 1), (0, 1, 2), (0, 1), MASSES)
    table = pd.DataFrame(levels, columns=["stage", "ldh", "poor", "old", "extranodal", "multiple", "mass"])
    table["advanced"] = table.stage.isin(["III", "IV"]).astype(int)
    table["ipi"] = table[["old", "poor", "ldh", "advanced"]].sum(axis=1) + (table.extranodal > 1)
    possible = (
        table.ipi.between(1, 4)
        & ((table.stage == "I") <= (table.multiple == 0))
        & (table.stage.isin(["II", "III"]) <= (table.multiple == 1))
        & ((table.stage == "IV") <= (table.extranodal > 0))
        & ((table.extranodal == 2) <= ((table.stage == "IV") & (table.multiple == 1)))
        & ((table.mass == "cns") <= (table.stage == "IV"))
    )
    return table[possible].reset_index(drop=True)


def plausibility(table: pd.DataFrame) -> np.ndarray:
    """Log-odds that go together in the clinic: high LDH, advanced stage, several sites, bulk, poor
    performance.

    That they do is clinical knowledge; how strongly in patients who relapsed after CAR T, no source that was
    found says. The weights are a choice: together with the noise that :func:`solve` adds, the odds ratio of
    elevated LDH and advanced stage comes out at about 2. Much more would widen the interval of LDH's hazard
    ratio beside stage beyond the printed one.
    """
    high = 1.1 * (table.advanced == 1) + 1.3 * (table.mass == "bulky") + 0.8 * (table.poor == 1)
    several = 0.8 * (table.multiple == 1)
    together = 0.5 * table.poor * table.advanced + 0.6 * (table.mass == "bulky") * table.advanced
    return (np.where(table.ldh == 1, high + several, -high - several) + together).to_numpy(float)


def two_by_two(n_first: int, n_second: int) -> np.ndarray:
    """P of every table of ``a`` of ``n_first`` against ``b`` of ``n_second``, by ``a`` and ``b``.

    Pearson's chi-square without Yates; Fisher's exact test where an expected count is below 5; 1 where all
    are alike. The solver asks for tens of thousands of them, so they are calculated at once.
    """
    a, b = np.arange(n_first + 1)[:, None], np.arange(n_second + 1)[None]
    total, n = a + b, n_first + n_second
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = a * (n_second - b) - b * (n_first - a)
        pearson = special.chdtrc(1, n * apart**2 / (total * (n - total) * n_first * n_second))
    chance = special.comb(n_first, a) * special.comb(n_second, b) / special.comb(n, total)
    fisher = np.empty_like(chance)
    for each in range(n + 1):  # the tables of one total are those that could have been
        alike = total == each
        fisher[alike] = [chance[alike][chance[alike] <= one * (1 + 1e-14)].sum() for one in chance[alike]]
    sparse = np.minimum(total, n - total) * min(n_first, n_second) < 5 * n
    return np.where((total == 0) | (total == n), 1.0, np.where(sparse, fisher, pearson))


def allowed_pairs(paper: Paper, claim: str, n_comprehensive: int, n_focal: int) -> list[tuple[int, int]]:
    """Counts (comprehensive, focal) whose P value prints as in the paper."""
    low, high = paper.p_interval(claim)
    p = two_by_two(n_comprehensive, n_focal)
    return [(int(a), int(b)) for a, b in np.argwhere((low <= p) & (p < high))]


def solve(paper: Paper, seed: int, effort: float = 20.0, family: str = "printed") -> pd.DataFrame:
    """One table of 120 profiles with their strata, or an error if none was found within the effort.

    Parameters
    ----------
    paper
        Whose counts it gives.
    seed
        Decides which of the many solutions is found.
    effort
        CP-SAT's deterministic time (about seconds); equal seeds and efforts give equal tables.
    family
        Which side of the paper's contradiction it honours (:data:`drawn.FAMILIES`).

    Long because it states one model: its variables, then each printed count as a constraint.
    """
    from ortools.sat.python import cp_model  # optional extra "reconstruct"

    rng = np.random.default_rng(seed)
    table = profiles()
    model = cp_model.CpModel()
    x = {}
    weights = []
    for stratum, (group, field) in STRATA.items():
        # how many patients a stratum has is not printed: a preference is drawn
        noise = plausibility(table) + rng.gumbel(0, 1.5, len(table)) + rng.normal(0, 0.7)
        # comprehensive first fields over several sites are rare in advanced disease
        if field == "comprehensive" and group != "ST" and family == "printed":
            noise = noise - RARE * table.multiple * table.advanced
        for k, row in table.iterrows():
            # A single site that is irradiated is all the disease: that field is comprehensive.
            if field == "focal" and group != "ST" and not row.multiple:
                continue
            x[stratum, k] = model.new_int_var(0, 2 if field else 3, "")
            weights.append(round(100 * noise[k]) * x[stratum, k])

    def total(
        where: pd.Series, group: str | None = None, field: str | None = None, stratum: str | None = None
    ) -> cp_model.LinearExpr | int:
        """Number of patients with a covariate pattern, in a salvage group, field or stratum."""
        index = set(table.index[where])
        return sum(
            v
            for (s, k), v in x.items()
            if k in index
            and (group is None or STRATA[s][0] == group)
            and (field is None or STRATA[s][1] == field)
            and (stratum is None or s == stratum)
        )

    every = table.stage.notna()
    fields = {"comprehensive": paper.count("cf.comp.n"), "focal": paper.count("cf.focal.n")}
    then_rt = paper.count("rt.pts.n") - paper.count("res.rt.n") - paper.count("res.cmt.n")
    for group, name in GROUPS.items():
        model.add(total(every, group) == paper.count(f"res.{name}.n"))
        for stage in STAGES:
            model.add(total(table.stage == stage, group) == paper.count(f"t1.stage.{stage}.{name}.n"))
        for ipi in (1, 2, 3, 4):
            model.add(total(table.ipi == ipi, group) == paper.count(f"t1.ipi.{ipi}.{name}.n"))
        poor = sum(paper.count(f"t1.ecog.{level}.{name}.n") for level in (2, 3, 4))
        model.add(total(table.poor == 1, group) == poor)
        model.add(total(table.ldh == 1, group) == paper.count(f"t1.ldh.yes.{name}.n"))
        model.add(total(table.multiple == 1, group) == paper.count(f"t1.sites.ge2.{name}.n"))
        model.add(total(table.extranodal > 0, group) == paper.count(f"t1.extranodal.yes.{name}.n"))
        model.add(total(table.mass == "cns", group) == paper.count(f"t1.cns.yes.{name}.n"))
        model.add(total(table.mass == "bulky", group) == paper.count(f"t1.bulky.yes.{name}.n"))
        model.add(total(table.mass == "missing", group) == paper.count(f"t1.bulky.missing.{name}.n"))
    model.add(total(every, "ST", None, "ST") == paper.count("res.st.n") - then_rt)

    # Comprehensive against focal.
    for field, n in fields.items():
        model.add(total(every, None, field) == n)
    model.add(total(table.advanced == 0, None, "comprehensive") == paper.count("cf.comp.limited.n"))
    given_up = GIVEN_UP[family]
    if "cf.focal.limited.n" not in given_up:
        model.add(total(table.advanced == 0, None, "focal") == paper.count("cf.focal.limited.n"))
    tests = {
        "cf.stage.p": table.advanced == 1,
        "cf.ipi3.p": table.ipi >= 3,
        "cf.sites.p": table.multiple == 1,
        "cf.extranodal.p": table.extranodal > 0,
        "cf.ldh.p": table.ldh == 1,
        "cf.ecog.p": table.poor == 1,
    }
    comprehensive, focal = fields.values()
    for claim in sorted(tests.keys() - given_up):
        where = tests[claim]
        a, b = model.new_int_var(0, comprehensive, ""), model.new_int_var(0, focal, "")
        model.add(a == total(where, None, "comprehensive"))
        model.add(b == total(where, None, "focal"))
        model.add_allowed_assignments([a, b], allowed_pairs(paper, claim, comprehensive, focal))
    known = table.mass.isin(["bulky", "not bulky"])
    a, m = model.new_int_var(0, comprehensive, ""), model.new_int_var(0, comprehensive, "")
    b, f = model.new_int_var(0, focal, ""), model.new_int_var(0, focal, "")
    model.add(a == total(table.mass == "bulky", None, "comprehensive"))
    model.add(b == total(table.mass == "bulky", None, "focal"))
    model.add(m == total(known, None, "comprehensive"))
    model.add(f == total(known, None, "focal"))
    model.add_allowed_assignments(
        [m, f, a, b],
        [
            (i, j, *pair)
            for i in range(18, comprehensive + 1)
            for j in range(14, focal + 1)
            for pair in allowed_pairs(paper, "cf.bulky.p", i, j)
        ],
    )
    # Some in every stratum that the peri-transplant patients may come from.
    for stratum, least in (("CMT comprehensive", 2), ("ST then RT comprehensive", 3)):
        model.add(total(every, None, None, stratum) >= least)
    if family == "definition":  # every site of disease irradiated: three patients have two of them
        wide = total(table.multiple == 1, None, "comprehensive")
        model.add(wide == paper.count("cf.comp.gt1site.n"))

    model.maximize(sum(weights))
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = effort
    solver.parameters.relative_gap_limit = 0.03
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise RuntimeError(
            f"no covariate table found: {solver.status_name(status)}; try more effort or another seed"
        )
    rows = [
        {"stratum": stratum, **table.loc[k].to_dict()}
        for (stratum, k), v in x.items()
        for _ in range(solver.value(v))
    ]
    return pd.DataFrame(rows)
