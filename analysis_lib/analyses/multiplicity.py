"""How many of the study's P values are small by chance: corrections over all the comparisons that the paper
reports.

Holm (1979) bounds the chance of even one false finding; Benjamini and Hochberg (1995) bound the share of
findings that are expected to be false.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.analyses import cox_models, first_courses, log_rank, prognosis, radiotherapy, table_1
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.factors import BUILT_IN
from analysis_lib.estimators import many_tests
from analysis_lib.paper import claims
from analysis_lib.rows import results
from analysis_lib.rows.released import derived
from analysis_lib.rows.results import row, slug

LIMIT = 0.05
TOO_FEW = "fewer than two of the comparisons that it counts can be made here"
FAMILIES = {"all": "all comparisons that the paper reports", "outcomes": "comparisons of outcomes only"}
METHODS = {"holm": ("holm", "Holm's correction"), "bh": ("fdr_bh", "Benjamini and Hochberg's correction")}
LOG_RANKS = {  # endpoint: the groupings that the paper compares, beside single factors
    "OS1": [],
    "OS2": ["salvage_sequence"],
    "EFS2": ["salvage_regimen"],
    "LC": ["bulky_site"],
    "OSRT": ["rt_field", "bed_group", "comprehensive_sites", "further_therapy"],
}


def comparisons(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """The P values of those comparisons that the paper reports, as the chapters compute them on this cohort.

    Rows are those of the chapters, with their ids; comparisons that this cohort does not allow are left out.
    Or the row that says that there is none.

    Returns
    -------
    pandas.DataFrame
        Result rows with further columns ``<family>.<method>``: P after the correction (empty outside the
        family). It is computed on unrounded P values before disclosure control hides and rounds, so that what
        is hidden there still counts. Tests of tables with a hidden cell have no P value to begin with.
    """
    exact = _exact(study, alpha_beta)
    if results.skip_reason(exact):
        return disclosure.protect(study, exact)
    after = {
        column: disclosure.protect(study, exact.assign(value=p))["value"].to_numpy()
        for column, p in corrections(exact).items()
    }
    shown = disclosure.protect(study, exact).assign(**after)
    shown = shown[shown["value"].notna()].reset_index(drop=True)
    return shown if len(shown) > 1 else disclosure.protect(study, results.skipped("multiplicity", TOO_FEW))


def column_of(family: str, method: str) -> str:
    return f"{family}.{method}"


def _within(tests: pd.DataFrame, family: str, method: str) -> pd.Series:
    """P after a correction over one of the families; missing outside it."""
    inside = of_outcomes(tests) if family == "outcomes" else pd.Series(True, tests.index)
    after = pd.Series(np.nan, tests.index)
    if inside.any():
        after[inside] = corrected(tests.loc[inside, "value"].astype(float), method)
    return after.astype("Float64")


def corrections(tests: pd.DataFrame) -> dict[str, pd.Series]:
    """P after each correction over each family, from exact P values: ``<family>.<method>``."""
    return {column_of(family, name): _within(tests, family, name) for family in FAMILIES for name in METHODS}


def _exact(study: Cohort, alpha_beta: float) -> pd.DataFrame:
    """The comparisons before disclosure control."""
    parts = [
        analysis.__wrapped__(study, *more)  # type: ignore[attr-defined]  # functools.wraps sets it
        for analysis, *more in (
            (table_1.table_1,),
            (first_courses.dose_by_field,),
            (first_courses.contrasts,),
            (radiotherapy.bed_by_bulk, alpha_beta),
            (radiotherapy.bed_by_control, alpha_beta),
        )
    ]
    parts += [
        cox_models.of_several(study, name, factors) for name, factors in prognosis.adjusted(study).items()
    ]
    tests = [
        log_rank.logrank(
            endpoints.derive(study, name, late=True),
            by,
            slug(name, "logrank", by),
            least=study.min_cell_count,
            endpoint=name,
        )
        for name, groupings in LOG_RANKS.items()
        if not endpoints.lacking(study, name)
        for by in endpoints.derive(study, name, late=True).columns.intersection([*_alone(name), *groupings])
    ]
    found = pd.concat([*(part for part in parts if not results.skip_reason(part)), results.collect(tests)])
    reported = set(claims.read_claims()["result_id"])
    kept = found[(found["statistic"] == "p") & found["value"].notna() & found["result_id"].isin(reported)]
    if len(kept) < 2:
        return results.skipped("multiplicity", TOO_FEW)
    return kept.reset_index(drop=True)


def _alone(name: str) -> list[str]:
    return [each.column for each in BUILT_IN if name in each.alone]


def of_outcomes(tests: pd.DataFrame) -> pd.Series:
    """Which of the tests compare outcomes (log-rank tests and Cox models), not how patients were treated or
    described.
    """
    return tests["endpoint"] != ""


def corrected(p: ArrayLike, method: str) -> np.ndarray:
    """P values after one of the corrections of :data:`METHODS`."""
    return many_tests.corrected(p, METHODS[method][0])


@derived
def tally(tests: pd.DataFrame) -> pd.DataFrame:
    """How many of the tests have P below 0.05, as they are and after correction.

    Returns
    -------
    pandas.DataFrame
        For each of :data:`FAMILIES`: counts ``multiplicity.<family>.raw, .holm, .bh`` (of ``n``), and
        ``.by_chance`` (how many would be expected if nothing differed at all).
    """
    if results.skip_reason(tests):
        return tests
    tests, rows = with_corrections(tests), []
    for family, population in FAMILIES.items():
        among = tests if family == "all" else tests[of_outcomes(tests)]
        if len(among) < 2:
            continue
        p = among["value"].astype(float).to_numpy()
        rows += [
            _count(f"multiplicity.{family}.raw", p, population, "as they are"),
            row(
                f"multiplicity.{family}.by_chance",
                "expected",
                LIMIT * len(p),
                n=len(p),
                population=population,
                group="Expected by chance",
                method="0.05 times the number of tests",
            ),
        ]
        rows += [
            _count(f"multiplicity.{family}.{name}", among[column_of(family, name)], population, words)
            for name, (_, words) in METHODS.items()
        ]
    return results.collect(rows)


def with_corrections(tests: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`comparisons` as they are; other rows of exact P values with their corrections."""
    return tests if column_of("all", "holm") in tests else tests.assign(**corrections(tests))


def _count(result_id: str, p: np.ndarray, population: str, method: str) -> dict:
    return row(
        result_id,
        "count",
        int((p < LIMIT).sum()),
        n=len(p),
        population=population,
        group=f"P below 0.05, {method}",
        method=method,
    )


@derived
def ranks(tests: pd.DataFrame) -> pd.DataFrame:
    """The sorted P values with the limits they are held against: ``rank, p, holm, bh`` (limits at 0.05),
    ``outcome``.
    """
    if results.skip_reason(tests):
        return tests
    ordered = (
        tests.assign(outcome=of_outcomes(tests)).sort_values("value", kind="stable").reset_index(drop=True)
    )
    rank, number = np.arange(1, len(ordered) + 1), len(ordered)
    return pd.DataFrame(
        {
            "rank": rank,
            "p": ordered["value"].astype(float),
            "holm": LIMIT / (number - rank + 1),
            "bh": LIMIT * rank / number,
            "outcome": ordered["outcome"],
        }
    )
