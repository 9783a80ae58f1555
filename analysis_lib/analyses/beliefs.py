"""What a sceptic and an enthusiast would believe of radiotherapy after these data.

Nobody has randomised patients after this failure between radiotherapy and systemic therapy. Trials of adding
radiotherapy in aggressive lymphoma say how large a benefit anybody has seen; the beliefs are built on that
(Spiegelhalter, Freedman and Parmar 1994). All is computed from shown hazard ratios, so nothing is told of the
patients that these do not tell.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.cohort import disclosure
from analysis_lib.estimators import conjugate
from analysis_lib.estimators.conjugate import Belief
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.released import published, require
from analysis_lib.rows.results import row

TRIALS = Path(__file__).parents[1] / "paper" / "trials.csv"
BENEFIT_FROM = "miller1998"  # the largest benefit in survival that a trial with many deaths has shown
WORTH_IT = 0.9  # a hazard ratio below which a benefit is worth the name: beyond 10%
KINDS = {
    "crude": "As the groups are",
    "stage_ldh": "Adjusted for stage and LDH",
    "overlap": "Overlap weights",
}
READERS = {
    "none": "No belief beforehand",
    "sceptical": "A sceptic",
    "enthusiastic": "An enthusiast",
}


@published
def trials(after: pd.DataFrame) -> pd.DataFrame:
    """What trials of adding radiotherapy printed of survival, as rows ``prior.trial.<key>``; where a cohort
    has nothing to hold a belief against (:func:`after`), the row that says why.

    The hazard ratio is the ratio of the logarithms of the two printed rates, which is exact where hazards are
    proportional; no interval is printed, so there is none.
    """
    if reason := results.skip_reason(after):
        return results.skipped("prior.trial", reason)
    return _printed()


def _printed() -> pd.DataFrame:
    """The trials' rows."""
    return results.collect(
        [
            row(
                f"prior.trial.{one.key}",
                "hazard ratio",
                np.log(one.with_radiotherapy / 100) / np.log(one.without / 100),
                n=one.patients,
                group=f"{one.label} ({one.year}, read from {one.read_from})",
                population=one.setting,
                method="ratio of the logarithms of two printed rates",
                note=f"{one.with_radiotherapy}% alive with radiotherapy and {one.without}% without it at "
                f"{one.years} years",
            )
            for one in pd.read_csv(TRIALS).itertuples()
        ]
    )


def priors() -> dict[str, Belief]:
    """The beliefs of the two readers, built on the benefit of :data:`BENEFIT_FROM`."""
    benefit = float(_printed().set_index("result_id").loc[f"prior.trial.{BENEFIT_FROM}", "value"])
    return {
        "sceptical": conjugate.sceptical(benefit),
        "enthusiastic": conjugate.enthusiastic(benefit),
    }


@published
def before(after: pd.DataFrame) -> pd.DataFrame:
    """The beliefs before the data: ``prior.<reader>`` (hazard ratio and central 95%) and ``.deaths``: as many
    deaths in a trial with two equal groups would tell as much. Where a cohort has nothing to hold a belief
    against (:func:`after`), the row that says why.
    """
    if reason := results.skip_reason(after):
        return results.skipped("prior", reason)
    rows = []
    for reader, belief in priors().items():
        middle, low, high = conjugate.limits(belief)
        shared: dict = {"group": READERS[reader], "method": "normal belief on the log hazard ratio"}
        rows += [
            row(f"prior.{reader}", "hazard ratio", middle, lower=low, upper=high, **shared),
            row(f"prior.{reader}.deaths", "expected", conjugate.as_deaths(belief), **shared),
        ]
    return results.collect(rows)


def after(compared: pd.DataFrame) -> pd.DataFrame:
    """What the readers believe after each estimate of a cohort.

    Parameters
    ----------
    compared : pandas.DataFrame
        From :func:`analysis_lib.analyses.weighting.compare`: hazard ratios of systemic therapy against
        radiotherapy. Here they are turned round: below 1, fewer deaths after radiotherapy.

    Returns
    -------
    pandas.DataFrame
        For each of :data:`KINDS` ``belief.<kind>.data`` (the estimate); for each of :data:`READERS`
        ``belief.<kind>.<reader>`` (hazard ratio, central 95%; without a belief beforehand it is the
        data's), ``.benefit`` and ``.worth`` (chance of a ratio below 1 and below :data:`WORTH_IT`);
        ``belief.<kind>.unmoved.deaths``: the deaths that the belief of a sceptic must be worth whose 95%
        still hold 1 afterwards (0 where those of the data hold it), and
        ``belief.<kind>.unmoved``: that belief. What has no estimate has a row that says so.
    """
    rule = require(compared).rule
    assert rule is not None  # it was required
    if reason := results.skip_reason(compared):
        return disclosure.protect_by(results.skipped("belief", reason), rule)
    by_id, parts = compared.set_index("result_id"), []
    for kind in KINDS:
        one = by_id.loc[found] if (found := f"weighted.os2.{kind}") in by_id.index else None
        try:
            if one is None or one[["value", "lower", "upper"]].isna().any():
                raise NotEstimable("there is no hazard ratio with an interval")
            value, lower, upper = (1 / float(one[end]) for end in ("value", "upper", "lower"))
            data = conjugate.of_interval(value, lower, upper)
        except NotEstimable as why:
            parts.append(results.skipped(f"belief.{kind}", f"{KINDS[kind]}: {why}"))
            continue
        parts.append(_of_kind(kind, data, one))
    return disclosure.protect_by(results.collect(parts).assign(endpoint="OS2"), rule)


def _of_kind(kind: str, data: Belief, one: pd.Series) -> pd.DataFrame:
    counts: dict = {end: None if pd.isna(one[end]) else int(one[end]) for end in ("n", "events")}
    # a cohort may lack one of the factors, or be alike in it: the estimate says what it is adjusted for
    called = one["group"] if kind == "stage_ldh" else KINDS[kind]
    shared: dict = counts | {"population": called, "by": "salvage_regimen", "level": "RT"}
    updated: dict = shared | {"method": "conjugate normal update of the log hazard ratio"}
    rows = [_ratio(f"belief.{kind}.data", data, "The data", one["method"], shared)]
    for reader, words in READERS.items():
        belief = data if reader == "none" else conjugate.updated(priors()[reader], data)
        if reader != "none":  # whose belief is the data
            rows.append(_ratio(f"belief.{kind}.{reader}", belief, words, updated["method"], shared))
        for part, ratio in (("benefit", 1.0), ("worth", WORTH_IT)):
            chance = 100 * conjugate.chance_below(belief, ratio)
            rows.append(
                row(
                    f"belief.{kind}.{reader}.{part}",
                    "probability",
                    chance,
                    group=f"{called}: {words[:1].lower()}{words[1:]}, hazard ratio below {ratio:g}",
                    **updated,
                )
            )
    return results.collect([*rows, *_unmoved(kind, data, shared)])


def _unmoved(kind: str, data: Belief, shared: dict) -> list:
    belief = conjugate.unmoved(data)
    words = "The sceptic who just stays unmoved"
    deaths = 0.0 if belief is None else conjugate.as_deaths(belief)
    worth = row(
        f"belief.{kind}.unmoved.deaths",
        "expected",
        deaths,
        group=words,
        method="limit of scepticism",
        **shared,
    )
    return [
        worth,
        *(
            []
            if belief is None
            else [_ratio(f"belief.{kind}.unmoved", belief, words, "limit of scepticism", shared)]
        ),
    ]


def _ratio(result_id: str, belief: Belief, group: str, method: str, shared: dict) -> dict:
    middle, low, high = conjugate.limits(belief)
    named = f"{shared['population']}: {group[:1].lower()}{group[1:]}"
    return row(result_id, "hazard ratio", middle, lower=low, upper=high, group=named, method=method, **shared)
