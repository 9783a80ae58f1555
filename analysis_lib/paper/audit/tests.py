"""Do the printed P values follow from the printed tables?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.paper.audit.printed import (
    REGIMENS,
    TABLE_1,
    about,
    bounded,
    check,
    levels_of,
    p_as_printed,
)
from analysis_lib.paper.claims import printed_count, printed_text
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row

ORDERED = ("ecog", "stage", "ipi")  # whose levels carry a score
RESAMPLES = 99999


@published
def pearson_rows(variable: str) -> pd.DataFrame:
    """Pearson's test of a characteristic of Table 1, step by step: ``pearson.expected.<level>.<regimen>`` and
    ``pearson.p``.
    """
    table = table_of(variable)
    test = stats.chi2_contingency(table, correction=False)
    cells = [
        row(
            results.slug("pearson.expected", level, regimen),
            "expected",
            test.expected_freq[i, j],
            n=int(table[i, j]),
            group=f"{level}, {regimen.upper()}",
            note=f"adds {(table[i, j] - test.expected_freq[i, j]) ** 2 / test.expected_freq[i, j]:.2f}",
        )
        for i, level in enumerate(TABLE_1[variable])
        for j, regimen in enumerate(REGIMENS)
    ]
    return results.collect(
        [*cells, row("pearson.p", "p", test.pvalue, note=f"chi-square {test.statistic:.2f}, {test.dof} df")]
    )


# --- Table 1: P values ----------------------------------------------------------------------------


def table_of(variable: str, missing: bool = False) -> np.ndarray:
    """The counts of a characteristic in Table 1, levels x regimens."""
    levels = levels_of(variable) if missing else TABLE_1[variable]
    return np.array([[printed_count(f"t1.{variable}.{level}.{r}.n") for r in REGIMENS] for level in levels])


def exact_p(table: np.ndarray) -> float:
    """Fisher's exact test of an r x c table (Freeman-Halton), by Monte Carlo: :data:`RESAMPLES` tables, seed
    :data:`SEED`.
    """
    occupied = table[table.sum(axis=1) > 0]
    sampler = stats.MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(SEED))
    return float(stats.fisher_exact(occupied, method=sampler).pvalue)


def scores(table: np.ndarray) -> list[np.ndarray]:
    """Counts of ordered levels as scores 0, 1, 2 ... of single patients, one array a regimen."""
    return [np.repeat(np.arange(len(table)), column) for column in table.T]


def table_1_tests() -> list[tuple]:
    """Each printed P value under Pearson's test and its rivals, and whether the conclusion hangs on the
    choice.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    checks = []
    for variable in TABLE_1:
        claim, table = f"t1.{variable}.p", table_of(variable)
        pearson = stats.chi2_contingency(table, correction=False)
        low = int((pearson.expected_freq < 5).sum())
        rivals = {"exact (Freeman-Halton)": exact_p(table)}
        if variable in ORDERED:
            rivals |= {
                "ANOVA of scores": stats.f_oneway(*scores(table)).pvalue,
                "Kruskal-Wallis": stats.kruskal(*scores(table)).pvalue,
            }
        if variable == "bulky":
            rivals["Pearson, missing as a level"] = stats.chi2_contingency(
                table_of(variable, True), correction=False
            ).pvalue
        shown, met = p_as_printed(pearson.pvalue, claim)
        checks.append(
            check(
                f"p.{claim}",
                "Table 1",
                f"P of {about(claim)}",
                printed_text(claim),
                shown,
                "reproduces" if met else "inconsistent",
                f"Pearson's chi-square {pearson.statistic:.2f}, {pearson.dof} df, without "
                f"correction{' and without the missing' if variable == 'bulky' else ''}; "
                f"{low} of {table.size} expected counts below 5. Others: "
                + ", ".join(f"{name} {p:.2g}" for name, p in rivals.items())
                + ".",
            )
        )
        other = [
            name
            for name, p in rivals.items()
            if (p < 0.05) != (pearson.pvalue < 0.05)
            or met != p_as_printed(p, claim)[1]
            and printed_text(claim).startswith("<")
        ]
        if other:
            checks.append(
                check(
                    f"p.{claim}.choice",
                    "Table 1",
                    f"whether {about(claim)} differs between the regimens",
                    printed_text(claim),
                    ", ".join(f"{name}: {rivals[name]:.2g}" for name in other),
                    "fragile",
                    "Chi-square takes the levels as names without an order; tests of ordered scores ask "
                    "whether "
                    "one group tends to be higher. "
                    "The footnote names ANOVA, though the table prints no mean.",
                )
            )
    return checks + [_limited_stage(), _others_alike()]


def _limited_stage() -> tuple:
    table = table_of("stage")
    halves = np.array([table[:2].sum(axis=0), table[2:].sum(axis=0)])
    p = stats.chi2_contingency(halves, correction=False).pvalue
    rt, cmt, st = (f"{a}/{a + b}" for a, b in halves.T)
    return check(
        "p.t1.stage.limited",
        "Table 1",
        "stage I–II against III–IV between the regimens",
        printed_text("t1.stage.p"),
        f"{p:.3f}",
        "fragile",
        f"Stage I or II: {rt} RT, {cmt} CMT, {st} ST. In four levels P = "
        f"{printed_text('t1.stage.p')}; in the two that the "
        f"paper's models use, P = {p:.3f}. The Discussion explains the result of RT by limited "
        f"stage, which the "
        "Results count among what does not differ.",
    )


def _others_alike() -> tuple:
    low = [v for v in TABLE_1 if stats.chi2_contingency(table_of(v), correction=False).pvalue < 0.05]
    return check(
        "p.t1.only_two",
        "Results: patients and treatment",
        "only LDH and performance status differ (P < 0.05)",
        2,
        len(low),
        "reproduces" if sorted(low) == ["ecog", "ldh"] else "inconsistent",
        f"Of {len(TABLE_1)} tests, 0.05 x {len(TABLE_1)} = {0.05 * len(TABLE_1):.2g} would fall "
        f"below 0.05 by chance.",
    )


# --- comprehensive against focal ------------------------------------------------------------------

CONTRASTS = {  # factor of the comparison -> its levels in Table 1
    "ipi3": ("ipi", ("3", "4")),
    "stage": ("stage", ("III", "IV")),
    "sites": ("sites", ("ge2",)),
    "extranodal": ("extranodal", ("yes",)),
    "ldh": ("ldh", ("yes",)),
    "ecog": ("ecog", ("2", "3", "4")),
}


MORE_FOCAL = ("ipi3", "sites", "extranodal")  # factors that the paper calls more frequent with focal RT


@cache
def splits(factor: str, test: Callable[[np.ndarray], float]) -> list[tuple[int, int]]:
    """The pairs (comprehensive, focal) of patients with a factor that give the printed P and fit Table 1.

    Every RT and CMT patient was irradiated, and up to 14 of the ST patients: their counts in Table 1 bound
    the sum of a pair.
    """
    variable, levels = CONTRASTS[factor]
    least = sum(printed_count(f"t1.{variable}.{level}.{r}.n") for level in levels for r in ("rt", "cmt"))
    late = printed_count("rt.pts.n") - printed_count("res.rt.n") - printed_count("res.cmt.n")
    n_comp, n_focal = printed_count("cf.comp.n"), printed_count("cf.focal.n")
    pairs = [
        (a, b) for a, b in product(range(n_comp + 1), range(n_focal + 1)) if least <= a + b <= least + late
    ]
    if factor in MORE_FOCAL:
        pairs = [(a, b) for a, b in pairs if b * n_comp > a * n_focal]
    tables = [(pair, np.array([[pair[0], n_comp - pair[0]], [pair[1], n_focal - pair[1]]])) for pair in pairs]
    return [
        pair
        for pair, table in tables
        if (table.sum(axis=1) > 0).all()
        and (table.sum(axis=0) > 0).all()
        and p_as_printed(test(table), f"cf.{factor}.p")[1]
    ]


def _pearson(table: np.ndarray) -> float:
    return stats.chi2_contingency(table, correction=False).pvalue


def _with_yates(table: np.ndarray) -> float:
    return stats.chi2_contingency(table, correction=True).pvalue


def _fisher(table: np.ndarray) -> float:
    return stats.fisher_exact(table).pvalue


TESTS = {"Pearson": _pearson, "Yates": _with_yates, "Fisher": _fisher}


def contrasts() -> list[tuple]:
    """P values between comprehensive and focal RT: recomputed where counts are printed, else which counts
    could give them.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    section, checks = "Results: comprehensive and focal radiotherapy", []
    n_comp, n_focal = printed_count("cf.comp.n"), printed_count("cf.focal.n")
    advanced = np.array(
        [
            [n_comp - printed_count("cf.comp.limited.n"), printed_count("cf.comp.limited.n")],
            [n_focal - printed_count("cf.focal.limited.n"), printed_count("cf.focal.limited.n")],
        ]
    )
    checks.append(
        check(
            "cf.stage",
            section,
            "advanced stage by field",
            printed_text("cf.stage.p"),
            bounded(_pearson(advanced)),
            "reproduces",
            f"{advanced[0, 0]}/{n_comp} and {advanced[1, 0]}/{n_focal}, from the numbers with "
            f"limited stage; below 0.001 by every test.",
        )
    )
    for factor in ("ipi3", "sites", "extranodal", "ldh", "ecog"):
        found = {name: splits(factor, test) for name, test in TESTS.items()}
        count = sum(map(len, found.values()))
        shown = "; ".join(f"{name}: {_pairs(pairs)}" for name, pairs in found.items())
        checks.append(
            check(
                f"cf.{factor}",
                section,
                f"{about(f'cf.{factor}.p')}",
                printed_text(f"cf.{factor}.p"),
                f"{count} possible splits" if count else "no split",
                "cannot be decided" if count else "inconsistent",
                f"The counts are not "
                f"printed.{' Poor is taken as ECOG 2 or more.' if factor == 'ecog' else ''} "
                f"Numbers (comprehensive of {n_comp}, focal of {n_focal}) that give this P "
                f"within Table 1's "
                f"margins: {shown}.",
            )
        )
    checks.append(
        check(
            "cf.bulky",
            section,
            "bulky disease by field",
            printed_text("cf.bulky.p"),
            "–",
            "cannot be decided",
            "Neither the counts nor the number of patients with known bulk in each group are printed.",
        )
    )
    alone = [b for pairs in (splits("sites", test) for test in TESTS.values()) for _, b in pairs]
    most = (
        printed_count("t1.sites.ge2.rt.n")
        + printed_count("t1.sites.ge2.cmt.n")
        + printed_count("rt.pts.n")
        - printed_count("res.rt.n")
        - printed_count("res.cmt.n")
        - n_focal
    )
    largest = _pearson(np.array([[most, n_comp - most], [n_focal, 0]]))
    checks.append(
        check(
            "cf.sites.definition",
            section,
            "focal patients with a single site of disease",
            0,
            f"{n_focal - max(alone)} to {n_focal - min(alone)}",
            "fragile",
            f"By the definition in the Methods, RT to a patient with one site is comprehensive: all "
            f"{n_focal} "
            f"focal patients had 2 or more sites, at most "
            f"{most} comprehensive ones had, and P would be {bounded(largest)}. P = "
            f"{printed_text('cf.sites.p')} needs {min(alone)} to {max(alone)} focal patients with 2 or "
            "more sites. Both hold only if sites were counted at the first salvage therapy, and the others "
            "had "
            "gained a site before RT.",
        )
    )
    return checks


def _pairs(pairs: list[tuple[int, int]]) -> str:
    return (
        ", ".join(f"({a}, {b})" for a, b in pairs) if 0 < len(pairs) <= 4 else (f"{len(pairs) or 'no'} pairs")
    )
