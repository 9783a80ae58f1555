"""Effects that change over time: what one hazard ratio hides when hazards are not proportional.

Three answers that do not need them proportional: the ratio within parts of the follow-up, of which each
compares only those who are still at risk in it; the difference of restricted means (Royston and Parmar
2013); and, where patients had to live to be counted, the same with everyone at risk only from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis_lib.analyses import mean_survival, survival
from analysis_lib.analyses.ratio import hazard_ratio
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import models
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.results import row

PARTS = (0.0, 6.0, 12.0, np.inf)  # months at which the follow-up is cut
RESPONSE = "changing.response"
REGIMEN = "changing.regimen"


@disclosure.protected
@needs(RESPONSE, "responder", "salvage_start_day", "OS1")
def response(study: Cohort) -> pd.DataFrame:
    """OS1 of patients with against those without a response to the index therapy, over time.

    Rows ``changing.response.<part>`` with everyone at risk from day 0, and ``changing.response.late.<part>``
    with each at risk from salvage therapy on; see :func:`over_time`.
    """
    frame = endpoints.derive(study, "OS1")
    frame = frame[frame["responder"].notna() & frame["salvage_start_day"].notna()].reset_index(drop=True)
    inside, k = (frame["responder"] == "yes").to_numpy(dtype=bool), study.min_cell_count
    about: dict = {"endpoint": "OS1", "by": "responder", "level": "yes"}
    months = survival.rate_months(study)
    late = (frame["days"] > frame["salvage_start_day"]).to_numpy(dtype=bool)
    return results.collect(
        [
            over_time(RESPONSE, "OS1, response against none", frame, inside, months, k, about),
            over_time(
                f"{RESPONSE}.late",
                "OS1, response against none, at risk from salvage therapy",
                frame[late].reset_index(drop=True),
                inside[late],
                (),
                k,
                about,
                start=frame.loc[late, "salvage_start_day"].to_numpy(dtype=float),
            ),
        ]
    )


@disclosure.protected
@needs(REGIMEN, "salvage_regimen", "OS2")
def regimen(study: Cohort) -> pd.DataFrame:
    """OS2 after systemic therapy alone against radiotherapy alone, over time: rows
    ``changing.regimen.<part>``; see :func:`over_time`.
    """
    frame = endpoints.derive(study, "OS2")
    frame = frame[frame["salvage_regimen"].isin(["RT", "ST"])].reset_index(drop=True)
    inside = (frame["salvage_regimen"] == "ST").to_numpy(dtype=bool)
    about: dict = {"endpoint": "OS2", "by": "salvage_regimen", "level": "ST"}
    named = "OS2, systemic therapy against radiotherapy"
    return over_time(REGIMEN, named, frame, inside, survival.rate_months(study), study.min_cell_count, about)


def over_time(
    prefix: str,
    named: str,
    frame: pd.DataFrame,
    inside: np.ndarray,
    months: Sequence[int],
    k: int,
    about: dict,
    start: np.ndarray | None = None,
) -> pd.DataFrame:
    """One comparison of two groups over time. Long because the parts of the follow-up are cut here.

    Returns
    -------
    pandas.DataFrame
        ``<prefix>.whole`` (one hazard ratio), ``.ph`` (test of proportional hazards), ``.to<m>,
        .from<m>`` (hazard ratios within the parts of :data:`PARTS`; a part begins after its first day and
        holds its last) and ``.rmst<m>`` (difference of restricted means, months).
    """
    days, event = frame["days"].to_numpy(dtype=float), frame["event"].to_numpy(dtype=bool)
    term = pd.DataFrame({"inside": inside.astype(float)})
    shared: dict = {"least": k, **about}
    rows: list = [
        hazard_ratio(
            f"{prefix}.whole",
            term,
            "inside",
            days,
            event,
            start=start,
            group=f"{named}: whole follow-up",
            **shared,
        ),
        _proportional(f"{prefix}.ph", f"{named}: proportional hazards", term, days, event, start, k, about),
    ]
    for begin, end in pairwise(PARTS):
        first, last = (np.round(bound * DAYS_PER_MONTH) for bound in (begin, end))
        entered = np.full(len(days), first) if start is None else np.maximum(start, first)
        late = bool(begin) or start is not None
        there = (days > entered) & (entered < last) if late else np.full(len(days), True)
        words = f"from month {begin:g} on" if np.isinf(end) else f"month {begin:g} to {end:g}"
        result_id = f"{prefix}.from{begin:g}" if np.isinf(end) else f"{prefix}.to{end:g}"
        if not (event & there & (days <= last)).any():
            rows.append(results.skipped(result_id, f"{named}, {words}: nobody had the event", **about))
            continue
        rows.append(
            hazard_ratio(
                result_id,
                term[there].reset_index(drop=True),
                "inside",
                np.minimum(days, last)[there],
                (event & (days <= last))[there],
                start=entered[there] if late else None,
                method="in a part of the follow-up",
                group=f"{named}: {words}",
                **shared,
            )
        )
    rows += [_mean(f"{prefix}.rmst{month}", named, days, event, inside, month, k, about) for month in months]
    return results.collect(rows)


def _proportional(
    result_id: str,
    named: str,
    term: pd.DataFrame,
    days: np.ndarray,
    event: np.ndarray,
    start: np.ndarray | None,
    k: int,
    about: dict,
) -> dict | pd.DataFrame:
    inside = term["inside"].to_numpy() > 0
    if k > 1 and min((event & inside).sum(), (event & ~inside).sum()) < k:
        return results.skipped(result_id, f"{named}: {disclosure.TOO_FEW}", **about)
    try:
        test = models.proportional_hazards(term, days, event, start=start).loc["inside"]
    except NotEstimable as why:
        return results.skipped(result_id, f"{named}: {why}", **about)
    return row(
        result_id,
        "p",
        test["p"],
        n=len(days),
        events=int(event.sum()),
        group=named,
        method="proportional-hazards test (Schoenfeld residuals, Kaplan-Meier transform)",
        **about,
    )


def _mean(
    result_id: str,
    named: str,
    days: np.ndarray,
    event: np.ndarray,
    inside: np.ndarray,
    month: int,
    k: int,
    about: dict,
) -> dict | pd.DataFrame:
    words, day = f"{named}: mean time alive within {month} months", month * DAYS_PER_MONTH
    groups = (inside, ~inside)
    if k > 1 and any(
        min((event & of & (days <= day)).sum(), (of & (days >= day)).sum(), of.sum() // 2) < k
        for of in groups
    ):
        return results.skipped(result_id, f"{words}: {disclosure.TOO_FEW}", **about)
    return mean_survival.difference(result_id, days, event, inside, month, words, **about)
