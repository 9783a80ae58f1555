"""Ten invented people, followed step by step: what the primer *Time to an event* computes of them."""

from __future__ import annotations

import pandas as pd

from analysis_lib.estimators.curves import KM, at, kaplan_meier, quantile
from analysis_lib.rows import results
from analysis_lib.rows.released import public, published
from analysis_lib.rows.results import row

# Invented, so that every idea of the primer meets somebody: two die in one month, some are lost early, one is
# followed to the end.
PEOPLE = pd.DataFrame(
    [
        ("Ada", 2, True),
        ("Ben", 3, False),
        ("Cleo", 5, True),
        ("Dan", 5, True),
        ("Eva", 8, False),
        ("Finn", 9, True),
        ("Gina", 12, True),
        ("Hugo", 14, False),
        ("Ida", 18, True),
        ("Jan", 24, False),
    ],
    columns=["name", "months", "died"],
)
YEAR = 12
HALVES = ((0, 6), (6, 12), (12, 24))  # months, for the hazard by time


def steps() -> pd.DataFrame:
    """The Kaplan-Meier curve of the ten people, a row a month in which something happened.

    Returns
    -------
    pandas.DataFrame
        ``months, at_risk, died, censored, share`` (of those at risk, who live on) and ``survival``, with
        ``before`` that of the step above; public, as the people are invented.
    """
    curve = kaplan_meier(PEOPLE["months"], PEOPLE["died"])
    curve = curve.rename(columns={"days": "months", "events": "died"})
    made = curve[["months", "at_risk", "died", "censored", "survival", "lower", "upper"]].assign(
        share=1 - curve["died"] / curve["at_risk"], before=curve["survival"].shift(fill_value=1.0)
    )
    return public(made)


def hazards() -> pd.DataFrame:
    """Deaths, person-months and their ratio, for each stretch of :data:`HALVES`."""
    lines = []
    for start, end in HALVES:
        lived = (PEOPLE["months"].clip(upper=end) - start).clip(lower=0).sum()
        died = int((PEOPLE["died"] & (PEOPLE["months"] > start) & (PEOPLE["months"] <= end)).sum())
        lines.append(
            {
                "stretch": f"{start} to {end} months",
                "died": died,
                "person_months": int(lived),
                "hazard": died / lived,
            }
        )
    return public(pd.DataFrame(lines))


@published
def rows() -> pd.DataFrame:
    """Rows ``primer.*``: the people, wrong ways to count at one year and a right one, median, hazards."""
    months, died = PEOPLE["months"], PEOPLE["died"]
    curve = kaplan_meier(months, died)
    year, last = at(curve, YEAR), int((months >= YEAR).sum())
    assert year is not None  # somebody is followed beyond it
    gone = int((died & (months <= YEAR)).sum())
    known = died & (months <= YEAR) | (months > YEAR)
    n = len(PEOPLE)
    shared: dict = {"population": "ten invented people", "n": n}
    at_year: dict = {"n": n, "population": "ten invented people", "group": f"alive at {YEAR} months"}
    return results.collect(
        [
            row("primer.people", "count", n, **shared),
            row("primer.died", "count", int(died.sum()), **shared),
            row("primer.censored", "count", int((~died).sum()), **shared),
            row("primer.median", "median time", quantile(curve), events=int(died.sum()), method=KM, **shared),
            row("primer.rate12", "rate", 100 * year["survival"], method=KM, **at_year),
            row("primer.best12", "proportion", 100 * (n - gone) / n, **at_year),
            row("primer.left_out12", "proportion", 100 * (1 - gone / known.sum()), **at_year),
            row("primer.worst12", "proportion", 100 * (months > YEAR).sum() / n, **at_year),
            row("primer.at_risk12", "at risk", last, **shared),
            row("primer.at_risk6", "at risk", int((months >= 6).sum()), **shared),
            *(
                row(f"primer.hazard{start}", "estimate", 100 * each["hazard"], **shared)
                for (start, _), (_, each) in zip(HALVES, hazards().iterrows())
            ),
        ]
    )
