"""One comparison of two groups of an endpoint's rows, as one result row: the hazard ratio, or the reason why
there is none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary import words
from analysis_lib.estimators import models
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.weights import e_value, nearer_limit, risk_ratio
from analysis_lib.rows import results
from analysis_lib.rows.results import row

SHORT = {"advanced_stage": "stage", "ldh_elevated": "LDH"}  # beside a forest plot there is little room


def usable(study: Cohort, frame: pd.DataFrame, factors: list[str]) -> list[str]:
    """Those of the factors that the cohort has and that differ between the rows in which they are known."""
    return [factor for factor in factors if not study.lacks(factor) and frame[factor].dropna().nunique() > 1]


def hazard_ratio(
    result_id: str,
    terms: pd.DataFrame,
    of: str,
    days: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    method: str = "",
    least: int = 0,
    **labels: Any,
) -> pd.DataFrame:
    """The hazard ratio of one yes/no term of a Cox model, with its interval; or the row that says why there
    is none.

    Parameters
    ----------
    terms : pandas.DataFrame
        As for :func:`analysis_lib.estimators.models.cox`, which also says what ``start``, ``weights``,
        ``cluster`` and ``strata`` are. Terms that are alike in everybody are left out.
    of : str
        The term to report, 0 or 1. Where no finite estimate exists (separation) Firth's penalty gives one, if
        the rows are neither weighted nor clustered, stratified or entering late; ``method`` then says so.
    method : str
        Further words on the method; model and interval are named anyway.
    least : int
        With fewer events than this on either side, the ratio is not shown.
    """
    event, named = np.asarray(event, dtype=bool), f"{labels['group']}: " if labels.get("group") else ""
    about = {column: labels[column] for column in results.ABOUT if column in labels}
    if terms[of].nunique() < 2:
        return results.skipped(result_id, f"{named}there is only one group", **about)
    inside = np.asarray(terms[of], dtype=float) > 0
    if least > 1 and min((event & inside).sum(), (event & ~inside).sum()) < least:
        return results.skipped(result_id, f"{named}fewer than {least} events in one of the groups", **about)
    varying = terms.loc[:, [c for c in terms if c == of or terms[c].nunique() > 1]]
    special = {"start": start, "weights": weights, "cluster": cluster, "strata": strata}
    try:
        found, how = _estimate(varying, of, days, event, special)
    except NotEstimable as why:
        return results.skipped(result_id, f"{named}{why}", **about)
    lower, upper = (float(found[end]) if np.isfinite(found[end]) else None for end in ("lower", "upper"))
    shared: dict = {"n": len(event), "events": int(event.sum())} | labels
    return results.collect(
        [
            row(
                result_id,
                "hazard ratio",
                found["hr"],
                lower=lower,
                upper=upper,
                method=", ".join(filter(None, ["Cox model", method, how])),
                **shared,
            )
        ]
    )


def _estimate(
    terms: pd.DataFrame, of: str, days: ArrayLike, event: ArrayLike, special: dict
) -> tuple[pd.Series, str]:
    """The term's estimate, and how it was found; with Firth's penalty, which stays finite where one group has
    no event, or all of its events first, if the plain model has none.
    """
    try:
        found = models.cox(terms, days, event, **special).terms.loc[of]
        return found, "Efron ties, " + (
            "robust interval" if np.isfinite(found["robust_se"]) else "Wald interval"
        )
    except NotEstimable as why:
        if any(each is not None for each in special.values()):
            raise
        try:
            return models.firth(terms, days, event).loc[of], "Firth's penalty, profile interval"
        except (NotEstimable, np.linalg.LinAlgError):  # the penalty needs an information that can be inverted
            raise why from None


def label(factor: str) -> str:
    """What a factor is called within a sentence: ``elevated LDH``, ``IPI 3 or more``."""
    name = words.label_of(factor)
    return name if name.split()[0].isupper() else name[0].lower() + name[1:]


def adjusted_for(factors: list[str]) -> str:
    """What an estimate is called that a model with these factors gives: ``Adjusted for stage and LDH``."""
    return f"Adjusted for {words.listed([SHORT.get(factor, label(factor)) for factor in factors])}"


def e_values(ratios: pd.DataFrame) -> list[dict]:
    """Of each hazard ratio with limits the E-value: how strongly an unmeasured factor would have to be bound
    to treatment and outcome to explain it (``.e_value``), or its limit nearer 1 (``.e_limit``).
    """
    values = []
    for _, one in ratios[
        (ratios["statistic"] == "hazard ratio") & ratios[["value", "lower", "upper"]].notna().all(axis=1)
    ].iterrows():
        nearest = nearer_limit(*one[["lower", "upper"]].astype(float))
        for name, ratio in (("e_value", one["value"]), ("e_limit", nearest)):
            values.append(
                row(
                    f"{one['result_id']}.{name}",
                    "estimate",
                    e_value(risk_ratio(float(ratio))),
                    n=one["n"],
                    events=one["events"],
                    group=f"{one['group']}: E-value" + (" of the nearer limit" if name == "e_limit" else ""),
                    method="E-value, hazard ratio of a common outcome turned into a risk ratio",
                    **one[results.ABOUT],
                )
            )
    return values
