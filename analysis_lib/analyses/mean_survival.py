"""Restricted mean survival time by regimen: a contrast that needs no proportional hazards (Royston and Parmar
2013).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.limits import Z
from analysis_lib.rows.results import row, slug


@disclosure.protected
@needs("rmst.{name}", "salvage_regimen", "{name}")
def restricted_means(
    study: Cohort, name: str, months: Iterable[int] = (12, 24), reference: str = "RT"
) -> pd.DataFrame:
    """Mean time free of the event up to a limit, by regimen, and its difference from that after radiotherapy
    alone.

    Rows ``rmst.<endpoint>.<m>.<regimen>`` and, for the others, ``rmst.<endpoint>.<m>.<regimen>.less_rt``
    (months).
    """
    prefix = slug("rmst", name)
    frame = endpoints.derive(study, name)
    frame = frame[frame["salvage_regimen"].notna()]
    by_regimen = frame.groupby(frame["salvage_regimen"].astype(str), sort=False)
    groups = {level: of for level, of in by_regimen}  # noqa: C416 (dict() takes a groupby for a mapping)
    shown = {
        level
        for level, of in groups.items()
        if not disclosure.hides(study) or len(of) >= 2 * study.min_cell_count <= 2 * of["event"].sum()
    }
    rows = []
    allowed = shown
    for month in months:
        shown = allowed
        for level, of in sorted(groups.items(), key=lambda item: item[0] != reference):
            about = {"endpoint": name, "by": "salvage_regimen", "level": level}
            shared = {"group": f"{level}, {month} months", "population": name, **about}
            if level not in shown or _few_by(of, month, study.min_cell_count):
                shown = shown - {level}
                rows.append(
                    results.skipped(slug(prefix, month, level), f"{shared['group']}: {disclosure.TOO_FEW}")
                )
                continue
            rows.append(_mean(slug(prefix, month, level), of, month, shared))
            # a difference would give a hidden mean back
            if level != reference and {level, reference} <= shown:
                shared |= {"group": f"{level} less {reference}, {month} months"}
                both = pd.concat([of, groups[reference]])
                rows.append(
                    difference(
                        slug(prefix, month, level, "less_rt"),
                        both["days"],
                        both["event"],
                        both["salvage_regimen"] == level,
                        month,
                        **shared,
                    )
                )
    return results.collect(rows)


def _few_by(of: pd.DataFrame, month: float, k: int) -> bool:
    """Whether fewer than ``k`` had the event up to a month, or are followed until then."""
    day = month * DAYS_PER_MONTH
    return k > 1 and min((of["event"] & (of["days"] <= day)).sum(), (of["days"] >= day).sum()) < k


def _mean(result_id: str, of: pd.DataFrame, month: int, shared: dict) -> dict | pd.DataFrame:
    try:
        value, se = curves.rmst(of["days"], of["event"], month * DAYS_PER_MONTH)
    except NotEstimable as why:
        return results.skipped(result_id, f"{shared['group']}: {why}")
    value, reach = value / DAYS_PER_MONTH, Z * se / DAYS_PER_MONTH
    return row(
        result_id,
        "restricted mean",
        value,
        lower=value - reach,
        upper=value + reach,
        n=len(of),
        events=int(of["event"].sum()),
        method="area below the Kaplan-Meier curve",
        **shared,
    )


def difference(
    result_id: str,
    days: ArrayLike,
    event: ArrayLike,
    inside: ArrayLike,
    month: int,
    group: str,
    **about: Any,
) -> dict | pd.DataFrame:
    """The row of the difference of two groups' mean time alive within some months.

    Parameters
    ----------
    days, event, inside : array-like
        Time from the origin in days, whether the event came then, and whether it is a patient of the group
        that the other is taken from.
    group : str
        What the row is called, and what the reason names where there is no difference.
    **about
        Further columns of the row.

    Returns
    -------
    dict or pandas.DataFrame
        The row, in months with its interval, or the one that says why there is none.
    """
    known = {column: about[column] for column in ("endpoint", "by", "level") if column in about}
    try:
        found = curves.rmst_difference(days, event, inside, month * DAYS_PER_MONTH)
    except NotEstimable as why:
        return results.skipped(result_id, f"{group}: {why}", **known)
    return row(
        result_id,
        "restricted mean",
        found.value / DAYS_PER_MONTH,
        lower=found.lower / DAYS_PER_MONTH,
        upper=found.upper / DAYS_PER_MONTH,
        n=len(np.asarray(days)),
        events=int(np.asarray(event).sum()),
        group=group,
        method="difference of the areas below the Kaplan-Meier curves",
        **about,
    )
