"""Local failure where death competes with it, and where several sites belong to one patient.

Kaplan and Meier's estimate takes a patient who died for one who could still fail; one minus it is the failure
in a world without death. Aalen and Johansen's estimate (1978) is the share of sites that fail in this one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import ratio, survival
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import competing, jackknife
from analysis_lib.estimators import curves as km_curves
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.limits import Z
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

FAILED, DIED = 1, 2
FEWEST = 5  # sites in the smaller group below which nothing is compared
CURVES = ("1 − Kaplan–Meier", "Aalen–Johansen", "Death without local failure")
GROUPS = {
    "bulky_site": ("yes", "Bulky against other sites"),
    "rt_field": ("focal", "Focal against comprehensive fields"),
}
POPULATION = "assessable sites"


@needs("failure", "LC")
def sites(study: Cohort) -> pd.DataFrame:
    """The assessable sites with ``days``, ``event`` (local failure), ``cause`` (0 neither, 1 failed, 2 the
    patient died without) and ``patient`` (a number); or the row that says why there are none."""
    frame = endpoints.derive(study, "LC")
    if (
        not frame["event"].any()
        or disclosure.hides(study)
        and not _enough(frame["patient_id"], frame["event"], study.min_cell_count)
    ):
        return disclosure.skipped(study, "failure", "no site failed within the field")
    died = ~frame["event"] & (frame["vital_status"] == "dead")
    return disclosure.carrying(
        study,
        frame.assign(
            cause=np.select([frame["event"], died], [FAILED, DIED], 0),
            patient=pd.factorize(frame["patient_id"])[0],
        ),
    )


def _enough(whose: pd.Series, counted: pd.Series, k: int) -> bool:
    """Whether the sites that are counted are those of at least ``k`` patients, and the others too."""
    return k <= 1 or min(whose[counted].nunique(), whose[~counted].nunique()) >= k


def curves(frame: pd.DataFrame) -> pd.DataFrame:
    """The three curves of :data:`CURVES` in percent: ``kind, days, percent, at_risk``."""
    if results.skip_reason(frame):
        return frame
    if reason := disclosure.of_single_patients(frame):
        return release(results.skipped("failure.curve", reason), disclosure.carried_rule(frame))
    km = km_curves.kaplan_meier(frame["days"], frame["event"])
    incidence = competing.cumulative_incidence(frame["days"], frame["cause"])
    parts = [km[["days", "at_risk"]].assign(kind=CURVES[0], percent=100 * (1 - km["survival"]))]
    for code, kind in ((FAILED, CURVES[1]), (DIED, CURVES[2])):
        if f"incidence{code}" in incidence:
            parts.append(
                incidence[["days", "at_risk"]].assign(kind=kind, percent=100 * incidence[f"incidence{code}"])
            )
    return release(pd.concat(parts).reset_index(drop=True), disclosure.carried_rule(frame))


def without_each_patient(frame: pd.DataFrame, days: list[float]) -> np.ndarray:
    """The cumulative incidence of local failure without each patient: a line each, a column a day."""
    failed = frame["cause"] == FAILED
    whose, when = frame["patient"], frame["days"]
    return jackknife.without_each(whose, when, frame["cause"] > 0, whose[failed], when[failed], days)


def _hangs_on_one(frame: pd.DataFrame, day: float) -> bool:
    """Whether leaving out one patient, with all sites, leaves nothing to say of ``day``."""
    if frame.loc[frame["cause"] > 0, "patient"].nunique() < 2:
        return True
    longest = frame["patient"].loc[frame["days"].idxmax()]
    others = frame[frame["patient"] != longest]
    return (
        competing.incidence_at(competing.cumulative_incidence(others["days"], others["cause"]), day) is None
    )


@disclosure.protected
def incidences(study: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """Local failure and death at the months of :func:`analysis_lib.analyses.survival.rate_months`.

    Rows ``failure.rate<m>.km`` (one minus Kaplan-Meier, Greenwood), ``failure.rate<m>.aj`` (Aalen-Johansen),
    ``failure.rate<m>.clustered`` (the same, its interval by a jackknife over patients),
    ``failure.rate<m>.death`` (death without local failure); ``failure.excess<m>``: percentage points by which
    the first exceeds the second.
    """
    if results.skip_reason(frame):
        return frame
    days, event, cause, k = frame["days"], frame["event"], frame["cause"], study.min_cell_count
    km, incidence = km_curves.kaplan_meier(days, event), competing.cumulative_incidence(days, cause)
    rows, months = [], survival.rate_months(study)
    without = without_each_patient(frame, [month * DAYS_PER_MONTH for month in months])
    for place, month in enumerate(months):
        day = month * DAYS_PER_MONTH
        step, point = km_curves.at(km, day), competing.incidence_at(incidence, day)
        if step is None or point is None:
            rows.append(
                results.skipped(f"failure.rate{month}", f"follow-up of the sites ends before {month} months")
            )
        elif not (
            _enough(frame["patient_id"], event & (days <= day), k)
            and _enough(frame["patient_id"], days >= day, k)
        ):
            rows.append(results.skipped(f"failure.rate{month}", disclosure.TOO_FEW))
        else:
            rows += _at_month(frame, month, step, point, without[:, place], k)
    return results.collect(rows).assign(endpoint="LC")


def _at_month(
    frame: pd.DataFrame, month: int, step: pd.Series, point: pd.Series, without: np.ndarray, k: int
) -> list:
    """The rows of one month, from both curves' heights there: ``step`` (Kaplan-Meier) and ``point``."""
    day = month * DAYS_PER_MONTH
    failed = frame["event"] & (frame["days"] <= day)
    died = (frame["cause"] == DIED) & (frame["days"] <= day)
    shared: dict = {"population": POPULATION, "n": len(frame), "events": int(failed.sum())}
    km = row(
        f"failure.rate{month}.km",
        "rate",
        100 * (1 - step["survival"]),
        lower=100 * (1 - step["upper"]),
        upper=100 * (1 - step["lower"]),
        group=f"{CURVES[0]}, {month} months",
        method=km_curves.KM,
        **shared,
    )
    aj = _rate(f"failure.rate{month}.aj", point, FAILED, f"{CURVES[1]}, {month} months", shared)
    of_deaths = _rate(
        f"failure.rate{month}.death",
        point,
        DIED,
        f"{CURVES[2]}, {month} months",
        shared | {"events": int(died.sum())},
    )
    excess = 100 * (1 - step["survival"] - point[f"incidence{FAILED}"])
    if k > 1:  # that of the numbers that are shown
        first, second = (
            disclosure.protect_by(results.collect([one]), k)["value"].iloc[0] for one in (km, aj)
        )
        excess = first - second
    return [
        km,
        aj,
        disclosure.of_patients(of_deaths, k, frame.loc[died, "patient_id"]),
        _clustered(frame, month, point, without, shared, k),
        row(
            f"failure.excess{month}",
            "estimate",
            excess,
            group=f"1 − Kaplan–Meier less Aalen–Johansen, {month} months, percentage points",
            **shared,
        ),
    ]


def _rate(result_id: str, point: pd.Series, code: int, group: str, shared: dict) -> dict:
    value, lower, upper = (point.get(f"{name}{code}", np.nan) for name in ("incidence", "lower", "upper"))
    ends: dict = {
        end: None if np.isnan(at) else 100 * min(at, 1) for end, at in (("lower", lower), ("upper", upper))
    }
    return row(
        result_id,
        "rate",
        0.0 if np.isnan(value) else 100 * value,
        group=group,
        method="Aalen-Johansen, log interval",
        **ends,
        **shared,
    )


def _clustered(
    frame: pd.DataFrame, month: int, point: pd.Series, without: np.ndarray, shared: dict, k: int
) -> pd.DataFrame:
    """The interval that a jackknife gives which leaves out one patient, with all sites, at a time."""
    result_id, group = (
        f"failure.rate{month}.clustered",
        f"{CURVES[1]}, {month} months, interval over patients",
    )
    value, patients = float(point.get(f"incidence{FAILED}", 0.0)), len(without)
    if value == 0 or patients < 2 or _hangs_on_one(frame, month * DAYS_PER_MONTH):
        return results.skipped(result_id, f"{group}: the estimate hangs on one patient")
    se = jackknife.standard_error(without)
    number = disclosure.banded(patients, k)
    return results.collect(
        [
            row(
                result_id,
                "rate",
                100 * value,
                lower=100 * value * np.exp(-Z * se / value),
                upper=min(100.0, 100 * value * np.exp(Z * se / value)),
                group=group,
                note=f"{number} patients" if number else "few patients",
                method="Aalen-Johansen, jackknife over patients, log interval",
                **shared,
            )
        ]
    )


@disclosure.protected
def compare(study: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """Local failure between two groups of sites, each in several ways.

    For bulk and for the field (:data:`GROUPS`): ``failure.<by>.cause_specific`` (Cox model, death censors),
    ``.clustered`` (the same, robust over patients), ``.fine_gray`` (hazard ratio of the subdistribution: what
    the share of failures depends on), ``.death`` (cause-specific hazard of death without failure, robust over
    patients) and ``.gray`` (P of Gray's test). What cannot be estimated has a row that says so.
    """
    if reason := results.skip_reason(frame):
        return results.skipped("failure.groups", reason)
    rows = []
    for by, (level, words) in GROUPS.items():
        if reason := study.lacks(f"sites.{by}"):
            rows.append(results.skipped(slug("failure", by), f"{words}: {reason}"))
            continue
        known = frame[frame[by].notna()].reset_index(drop=True)
        failed, of_level = known["event"], known[by] == level
        few = not all(
            _enough(known.loc[among, "patient_id"], of_level[among], study.min_cell_count)
            for among in (failed, failed | True)
        )
        if few or min((known[by] == level).sum(), (known[by] != level).sum()) < FEWEST:
            rows.append(
                results.skipped(
                    slug("failure", by), f"{words}: fewer than {FEWEST} sites in one of the groups"
                )
            )
            continue
        term, prefix = of_level.astype(float).to_frame("group"), slug("failure", by)
        of_groups = [
            *_cause_specific(known, prefix, term, words, study.min_cell_count),
            *_subdistribution(known, prefix, term, words),
        ]
        rows.append(results.collect(of_groups).assign(by=by, level=level))
    return results.collect(rows).assign(endpoint="LC")


def _cause_specific(known: pd.DataFrame, prefix: str, terms: pd.DataFrame, words: str, least: int) -> list:
    shared: dict = {"population": POPULATION}
    days, cause = known["days"], known["cause"]
    return [
        ratio.hazard_ratio(
            f"{prefix}.cause_specific",
            terms,
            "group",
            days,
            cause == FAILED,
            least=least,
            group=f"{words}: sites as if independent",
            **shared,
        ),
        ratio.hazard_ratio(
            f"{prefix}.clustered",
            terms,
            "group",
            days,
            cause == FAILED,
            cluster=known["patient"],
            least=least,
            group=f"{words}: robust over patients",
            method="clustered by patient",
            **shared,
        ),
        ratio.hazard_ratio(
            f"{prefix}.death",
            terms,
            "group",
            days,
            cause == DIED,
            cluster=known["patient"],
            least=least,
            group=f"{words}: death without failure",
            method="clustered by patient",
            **shared,
        ),
    ]


def _subdistribution(known: pd.DataFrame, prefix: str, terms: pd.DataFrame, words: str) -> list:
    days, cause = known["days"], known["cause"]
    rows: list = []
    shared: dict = {"n": len(known), "events": int((cause == FAILED).sum()), "population": POPULATION}
    try:
        fit = competing.fine_gray(terms, days, cause, FAILED).loc["group"]
        rows.append(
            row(
                f"{prefix}.fine_gray",
                "hazard ratio",
                fit["hr"],
                lower=fit["lower"],
                upper=fit["upper"],
                group=f"{words}: subdistribution",
                method="Fine and Gray's model",
                **shared,
            )
        )
        # a group that ends early divides by 0 there; the statistic then is no number
        with np.errstate(all="ignore"):
            test = competing.gray(days, cause, terms["group"]).loc[FAILED]
        if not np.isfinite(test["p"]):
            raise NotEstimable("one of the groups is not followed long enough for Gray's test")
        rows.append(
            row(
                f"{prefix}.gray",
                "p",
                test["p"],
                group=words,
                method="Gray's test",
                note=f"chi-square {test['chi_square']:.2f}, {int(test['df'])} df",
                **shared,
            )
        )
    except NotEstimable as why:
        rows.append(results.skipped(f"{prefix}.subdistribution", f"{words}: {why}"))
    return rows
