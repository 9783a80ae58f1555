"""The audit: what can be checked from the paper's printed aggregates alone, without any patient.

Every number comes from ``claims.csv`` (:mod:`analysis_lib.paper.ledger`) and is recomputed here. A verdict
speaks of printed numbers, never of the people who printed them: most of what does not fit is a slip of the
pen, and some of it is a choice that a longer text would have stated.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.paper.audit.counts import percentages, sums
from analysis_lib.paper.audit.further import further
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
    "definitions conflict": "it holds only if a word means something else here than it says, or than "
    "elsewhere",
    "inconsistent": "it cannot stand beside other printed numbers",
    "cannot be decided": "the printed numbers do not suffice",
}


# The domains of INSPECT-SR, which was made for randomised trials (Wilkinson et al. 2025): what of each is
# looked at here, and the themes of the checks that do.
DOMAINS = {
    "1 Post-publication notices": ("not looked at: it needs registers, not the paper", ()),
    "2 Conduct, governance and transparency": (
        "whether the paper says what was done: which patients, which moment, which method",
        ("response", "follow_up", "cf", "rt"),
    ),
    "3 Text and figures": (
        "whether sentences agree with tables and with each other; figures were not to be had",
        ("text", "cited"),
    ),
    "4 Results in the study": (
        "whether counts, percentages, P values, medians and ratios can all be true at once",
        ("percent", "sum", "p", "ipi", "median", "events", "lc", "wald"),
    ),
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
        further(),
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


@published
def domains(checks: pd.DataFrame) -> pd.DataFrame:
    """The checks by domain of INSPECT-SR, as finished text: what was looked at, how many checks, how many of
    them did not fit (inconsistent, or definitions conflict), how many are fragile.
    """
    if results.skip_reason(checks):
        return checks
    lines = []
    for domain, (looked_at, themes) in DOMAINS.items():
        of = theme(checks, *themes)["verdict"] if themes else pd.Series(dtype=str)
        wrong = of.isin(["inconsistent", "definitions conflict"]).sum()
        told = (domain, looked_at, len(of), wrong, (of == "fragile").sum())
        lines.append(
            dict(zip(("Domain", "Looked at here", "Checks", "Do not fit", "Fragile"), map(str, told)))
        )
    return pd.DataFrame(lines)
