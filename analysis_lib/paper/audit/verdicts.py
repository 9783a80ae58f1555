"""The audit: what can be checked from the paper's printed aggregates alone, without any patient.

Every number comes from ``claims.csv`` (:mod:`analysis_lib.paper.ledger`) and is recomputed here. A verdict
speaks of printed numbers, never of the people who printed them: most of what does not fit is a slip of the
pen, and some of it is a choice that a longer text would have stated.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.paper.audit.counts import percentages, sums
from analysis_lib.paper.audit.printed import COLUMNS
from analysis_lib.paper.audit.statements import statements
from analysis_lib.paper.audit.tests import contrasts, table_1_tests
from analysis_lib.paper.audit.times import follow_up, hazard_ratios, medians, radiotherapy, responses
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row

VERDICTS = {
    "reproduces": "the same arithmetic gives the printed number",
    "within rounding": "some of the unrounded numbers behind the print give it, not all",
    "fragile": "it depends on a choice that the paper does not state, or that could well have been made "
    "otherwise",
    "inconsistent": "it cannot stand beside other printed numbers",
    "cannot be decided": "the printed numbers do not suffice",
}


@published
def audit() -> pd.DataFrame:
    """All checks, in the order of the paper's themes; columns
    :data:`analysis_lib.paper.audit.printed.COLUMNS`, all text.
    """
    frames = (
        percentages(),
        sums(),
        table_1_tests(),
        responses(),
        follow_up(),
        medians(),
        radiotherapy(),
        contrasts(),
        hazard_ratios(),
        statements(),
    )
    checks = pd.concat([pd.DataFrame(frame, columns=COLUMNS) for frame in frames], ignore_index=True)
    assert checks["id"].is_unique and set(checks["verdict"]) <= set(VERDICTS)
    return checks


@published
def of_cohort(study: Cohort) -> pd.DataFrame:
    """:func:`audit` on the page of the reconstructed cohort; elsewhere the row that says why not."""
    if not study.of_the_paper:
        return results.skipped(
            "audit",
            "the audit speaks of the printed numbers of the study, and stands with the reconstructed cohort",
        )
    return audit()


def theme(checks: pd.DataFrame, *themes: str, verdict: str = "") -> pd.DataFrame:
    """The checks whose id begins with one of the themes, or those of a verdict."""
    if results.skip_reason(checks):
        return checks
    first = checks["id"].str.split(".").str[0]
    return checks[
        (first.isin(themes) if themes else True) & ((checks["verdict"] == verdict) if verdict else True)
    ]


@published
def totals(checks: pd.DataFrame) -> pd.DataFrame:
    """Result rows: how many checks there are (``audit.checks``) and how many ended in each verdict
    (``audit.<verdict>``).
    """
    if results.skip_reason(checks):
        return checks
    counts = checks["verdict"].value_counts()
    return results.collect(
        [row("audit.checks", "count", len(checks), population="checks")]
        + [
            row(
                results.slug("audit", verdict.replace(" ", "_")),
                "count",
                int(counts.get(verdict, 0)),
                population="checks",
                group=verdict,
                n=len(checks),
                note=meaning,
            )
            for verdict, meaning in VERDICTS.items()
        ]
    )
