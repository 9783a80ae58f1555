"""Restricted mean survival time by group: a contrast that needs no proportional hazards (Royston and Parmar
2013).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.analyses import survival
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.limits import Z
from analysis_lib.rows.results import row, slug


def between_groups(study: Cohort) -> list[pd.DataFrame]:
    """:func:`restricted_means` of the groups that the cohort compares: the regimens, from salvage therapy on;
    or those that it names itself, from day 0 on, each against the first.
    """
    months = survival.rate_months(study)
    if not study.after_car_t and (reason := study.lacks_groups):
        return [disclosure.skipped(study, "rmst", reason)]
    if study.groups == REGIMENS or study.lacks(study.groups):
        return [restricted_means(study, "OS2", months), restricted_means(study, "EFS2", months[:1])]
    first = str(study.patients[study.groups].cat.categories[0])
    return [
        restricted_means(study, name, months, study.groups, first)
        for name in ("OS1", "EFS1")
        if not endpoints.lacking(study, name)
    ]


@disclosure.protected
@needs("rmst.{name}", "{by}", "{name}")
def restricted_means(
    study: Cohort,
    name: str,
    months: Iterable[int] = (12, 24),
    by: str = REGIMENS,
    reference: str = "RT",
) -> pd.DataFrame:
    """Mean time free of the event up to a limit, by group, and its difference from that of one of them.

    Rows ``rmst.<endpoint>.<m>.<level>`` and, for the others, ``rmst.<endpoint>.<m>.<level>.less_<reference>``
    (months); of groups that are no regimens ``rmst.<endpoint>.<by>.<m>…``.
    """
    prefix = slug("rmst", name, *([by] if by != REGIMENS else []))
    frame = endpoints.derive(study, name)
    frame = frame[frame[by].notna()]
    by_level = frame.groupby(frame[by].astype(str), sort=False)
    groups = {level: of for level, of in by_level}  # noqa: C416 (dict() takes a groupby for a mapping)
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
            about = {"endpoint": name, "by": by, "level": level}
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
                        slug(prefix, month, level, f"less_{reference}"),
                        both["days"],
                        both["event"],
                        both[by] == level,
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
