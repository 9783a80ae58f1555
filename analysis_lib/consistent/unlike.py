"""How unlike each other are the consistent cohorts, and which curves do they draw?"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.analyses import survival
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.paper.claims import printed_count, read_claims
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row

PROFILE = ["salvage_regimen", "ldh_elevated", "advanced_stage", "poor_performance", "responder"]


SIDES = "dis.gt1site.n"  # a claim that others exclude (forks.csv): a cohort meets it, or meets them


@published
def sides(rows: pd.DataFrame) -> pd.DataFrame:
    """How many cohorts stand on which side where the paper contradicts itself on sites of disease.

    Parameters
    ----------
    rows : pandas.DataFrame
        The result rows of all cohorts, :func:`analysis_lib.consistent.cohorts.rows`.

    Returns
    -------
    pandas.DataFrame
        ``consistent.definition``: cohorts (``events`` of ``n``) in which as few comprehensively irradiated
        patients have several sites of disease as the Discussion says, which the definition of a field
        demands; the others meet the claims of the Results that exclude it.
    """
    claim = read_claims().set_index("claim_id").loc[SIDES]
    counted = rows.loc[rows["result_id"] == claim["result_id"], claim["field"]]
    return results.collect(
        [
            row(
                "consistent.definition",
                "count",
                met := int((counted == printed_count(SIDES)).sum()),
                n=len(counted),
                events=met,
                population="consistent cohorts",
            )
        ]
    )


@published
def diversity(studies: dict[int, Cohort]) -> pd.DataFrame:
    """How far apart the cohorts are, pair by pair, without regard to the order of patients.

    ``consistent.cohorts``; ``consistent.profiles``: share of patients whose profile (regimen, LDH, stage,
    performance, response) differs between two cohorts, total variation distance; ``consistent.curves``:
    largest vertical distance between the OS2 curves of a regimen in two cohorts, in percentage points, the
    largest over the regimens. Median and range over the pairs.
    """
    profiles = pd.DataFrame(
        {n: study.patients.groupby(PROFILE, observed=True).size() for n, study in studies.items()}
    ).fillna(0)
    curves = {n: survival.curves(study, "OS2", by="salvage_regimen") for n, study in studies.items()}
    daily = {n: {group: _daily(curve) for group, curve in of.groupby("group")} for n, of in curves.items()}
    pairs = list(combinations(studies, 2))
    distance = [
        float(np.abs(profiles[a].to_numpy() - profiles[b].to_numpy()).sum() / (2 * profiles[a].sum()))
        for a, b in pairs
    ]
    apart = [max(_apart(daily[a][group], daily[b][group]) for group in daily[a]) for a, b in pairs]
    method = "median and range over all pairs of cohorts"
    return results.collect(
        [
            row("consistent.cohorts", "count", len(studies), population="consistent cohorts"),
            row(
                "consistent.profiles",
                "range",
                100 * float(np.median(distance)),
                lower=100 * min(distance),
                upper=100 * max(distance),
                n=len(pairs),
                population="pairs of cohorts",
                method=method,
                note="percent of patients",
            ),
            row(
                "consistent.curves",
                "range",
                float(np.median(apart)),
                lower=min(apart),
                upper=max(apart),
                n=len(pairs),
                population="pairs of cohorts",
                method=method,
                note="percentage points",
            ),
        ]
    )


def _daily(curve: pd.DataFrame) -> np.ndarray:
    """Percent event-free on each day of follow-up."""
    return height(curve, np.arange(0, curve["days"].max() + 1))


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest vertical distance between two daily curves, over the days on which both are followed."""
    both = min(len(one), len(other))
    return float(np.abs(one[:both] - other[:both]).max())


def height(curve: pd.DataFrame, days: ArrayLike) -> np.ndarray:
    """Percent event-free on each day."""
    place = np.searchsorted(curve["days"].to_numpy(), days, side="right") - 1
    return 100 * curve["survival"].to_numpy()[place]


@published
def envelope(studies: dict[int, Cohort], name: str, by: str) -> pd.DataFrame:
    """Every cohort's curves of an endpoint on a grid of days, for
    :func:`analysis_lib.show.figures_cohort.envelope`.

    Returns
    -------
    pandas.DataFrame
        ``cohort, group, months, percent``; a curve ends with its last follow-up.
    """
    drawn = []
    for number, study in studies.items():
        curves = survival.curves(study, name, by=by)
        for group, curve in curves.groupby("group", sort=False):
            days = np.arange(0, curve["days"].max() + 1, 5)
            drawn.append(
                pd.DataFrame(
                    {
                        "cohort": number,
                        "group": group,
                        "months": days / DAYS_PER_MONTH,
                        "percent": height(curve, days),
                    }
                )
            )
    stacked = pd.concat(drawn).reset_index(drop=True)
    stacked.attrs["label"] = curves.attrs["label"]
    return stacked
