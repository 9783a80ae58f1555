"""Competing risks: cumulative incidence, Gray's test, Fine and Gray's model.

Cumulative incidence and Gray's test come from greenwood. Fine and Gray's model is fitted here as R's
``cmprsk::crr`` fits it: greenwood takes tied events out before the censoring of their day is weighed, and
leaves the uncertainty of the censoring weights out of the variance, so that its standard errors differ by up
to 1 in 100.
"""

from __future__ import annotations

import greenwood
import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.estimators import models, observed
from analysis_lib.estimators.limits import Z
from analysis_lib.estimators.observed import NotEstimable


def cumulative_incidence(days, cause) -> pd.DataFrame:
    """Aalen and Johansen's cumulative incidence of each cause, from time 0 on.

    Parameters
    ----------
    days : array-like of int
        Whole days from the origin.
    cause : array-like of int
        What ended them: 0 is censored, 1, 2 and so on are the causes.

    Returns
    -------
    pandas.DataFrame
        One row a distinct time: ``days, at_risk`` and, for each cause that occurs, ``incidence<cause>``,
        ``lower<cause>`` and ``upper<cause>`` (95%, on the log scale, as in R's ``survfit``; undefined before
        the first event).
    """
    days, cause = observed.causes(days, cause)
    occurring = _occurring(cause)
    fitted = greenwood.AalenJohansen(conf_type="log").fit(_surv(days, cause)).to_frame(format="pandas")
    curve = pd.DataFrame({"days": np.unique(days)})
    curve["at_risk"] = [int((days >= day).sum()) for day in curve["days"]]
    for code in occurring:
        one = fitted[fitted["cause"].astype(str) == str(code)]
        curve[f"incidence{code}"] = one["estimate"].to_numpy()
        for limit, column in {"lower": "conf_low", "upper": "conf_high"}.items():
            curve[f"{limit}{code}"] = one[column].where(one["estimate"] > 0).to_numpy()
    if curve["days"].iloc[0] > 0:
        start = {"days": 0, "at_risk": len(days)} | {f"incidence{code}": 0.0 for code in occurring}
        curve = pd.concat([pd.DataFrame([start], columns=curve.columns).astype(curve.dtypes), curve])
    return curve.astype({"days": int, "at_risk": int}).reset_index(drop=True)


def incidence_at(curve: pd.DataFrame, day: float) -> pd.Series | None:
    """The step of the curves that holds on ``day``; ``None`` beyond the last follow-up of anyone without an
    event.
    """
    incidence = curve.filter(regex=r"^incidence\d+$").iloc[-1].sum()
    if day > curve["days"].iloc[-1] and incidence < 1 - 1e-12:
        return None
    return curve[curve["days"] <= day].iloc[-1]


def gray(days, cause, group) -> pd.DataFrame:
    """Gray's test (1988) of the cumulative incidence between groups, cause by cause.

    Returns
    -------
    pandas.DataFrame
        ``chi_square, df, p``, one row a cause that occurs.

    Raises
    ------
    NotEstimable
        No event, or fewer than two groups.
    """
    days, cause = observed.causes(days, cause)
    group = pd.Series(np.asarray(group)).astype(str).to_numpy()
    occurring = _occurring(cause)
    if len(set(group)) < 2:
        raise NotEstimable("fewer than two groups")
    tests = {}
    for code in occurring:
        try:
            # of expected counts once a group is empty; they are not used
            with np.errstate(invalid="ignore", divide="ignore"):
                test = greenwood.grays_test(_surv(days, cause), group, cause=str(code))
        except np.linalg.LinAlgError:
            test = None
        if test is None or not np.isfinite(test.statistic) or test.statistic < 0:
            raise NotEstimable("the groups were hardly ever at risk together when an event happened")
        tests[code] = {"chi_square": test.statistic, "df": test.df, "p": test.p_value}
    return pd.DataFrame.from_dict(tests, orient="index").astype({"df": int}).rename_axis("cause")


def fine_gray(terms: pd.DataFrame, days, cause, of: int = 1) -> pd.DataFrame:
    """Fine and Gray's model (1999) of the subdistribution hazard of one cause, as R's ``cmprsk::crr``.

    Who had another event stays at risk, with a weight that falls as those still followed are censored; days
    that tie are handled as Breslow proposed. The variance is the sandwich of Fine and Gray, the estimation of
    the weights included.

    Parameters
    ----------
    terms : pandas.DataFrame
        One column of numbers a term, none missing.
    days, cause : array-like of int
        As in :func:`cumulative_incidence`.
    of : int
        The cause whose hazard is modelled.

    Returns
    -------
    pandas.DataFrame
        One row a term: ``coef, hr, se, lower, upper, z, p``; limits are those of the hazard ratio.

    Raises
    ------
    NotEstimable
        No event of this cause, a term that is the same for everyone, terms that determine each other, no
        convergence.
    """
    days, cause = observed.causes(days, cause)
    x = models.known_terms(terms, len(days))
    if reason := models.inestimable(terms.columns, x, cause == of):
        raise NotEstimable(reason)
    moments, at_event = np.unique(days[cause == of], return_counts=True)
    weights = _weights(days, cause, of, moments)
    coef = best = np.zeros(x.shape[1])
    highest = -np.inf
    for _ in range(50):
        loglik, score, information, _, _ = _subdistribution(
            coef, x, days, cause, of, moments, at_event, weights
        )
        if abs(loglik - highest) < 1e-13 * abs(loglik):
            break
        if loglik < highest:  # the step went too far: half of the way back, as in R
            coef = (coef + best) / 2
            continue
        best, highest = coef, loglik
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            raise NotEstimable("too few events, or factors that determine each other") from None
        while np.abs(step).max() * x.std(axis=0).max() > 5:
            step = step / 2
        coef = coef + step
    else:
        raise NotEstimable("the model did not converge: too few events, or factors that determine each other")
    if np.abs(coef * x.std(axis=0)).max() > 10 or models.moves_on(score, information):
        raise NotEstimable(
            "the estimate runs away: everyone with the event is alike in a factor (separation)"
        )
    _, _, information, means, hazard = _subdistribution(coef, x, days, cause, of, moments, at_event, weights)
    influence = _influence(coef, x, days, cause, of, moments, weights, means, hazard) @ np.linalg.inv(
        information
    )
    se = np.sqrt((influence**2).sum(axis=0))
    if not (se > 0).all():
        raise NotEstimable("too few events to tell how sure the estimate is")
    return pd.DataFrame(
        {
            "coef": coef,
            "hr": np.exp(coef),
            "se": se,
            "lower": np.exp(coef - Z * se),
            "upper": np.exp(coef + Z * se),
            "z": coef / se,
            "p": 2 * stats.norm.sf(np.abs(coef / se)),
        },
        index=terms.columns,
    )


def _occurring(cause) -> list[int]:
    occurring = sorted(int(code) for code in set(cause) - {0})
    if not occurring:
        raise NotEstimable("nobody had any of the events")
    return occurring


def _surv(days, cause):
    levels = ["0", *map(str, _occurring(cause))]
    return greenwood.Surv(days, event=pd.Categorical(cause.astype(str), levels))


def _weights(days, cause, of, moments):
    """The weight of each person at each event: 1 until the end of follow-up, then falling for other causes,
    else 0.
    """
    before = _still_followed(days, cause)
    at_moment, at_end = before(moments), before(days)
    other = (cause != 0) & (cause != of)
    return np.where(days[:, None] >= moments, 1.0, np.where(other[:, None], at_moment / at_end[:, None], 0.0))


def _still_followed(days, cause):
    """The Kaplan-Meier estimate of not yet being censored just before a day."""
    censorings, counts = np.unique(days[cause == 0], return_counts=True)
    at_risk = (days[:, None] >= censorings).sum(axis=0)
    heights = np.concatenate([[1.0], np.cumprod(1 - counts / at_risk)])
    return lambda when: heights[np.searchsorted(censorings, when, side="left")]


def _subdistribution(coef, x, days, cause, of, moments, at_event, weights):
    risk = weights * np.exp(x @ coef)[:, None]  # people by events
    totals = risk.sum(axis=0)
    means = (risk.T @ x) / totals[:, None]
    events = x[cause == of]
    loglik = (events @ coef).sum() - at_event @ np.log(totals)
    score = events.sum(axis=0) - at_event @ means
    second = np.einsum("ie,ij,ik->ejk", risk / totals, x, x)
    information = np.einsum("e,ejk->jk", at_event, second - means[:, :, None] * means[:, None, :])
    return loglik, score, information, means, at_event / totals


def _influence(coef, x, days, cause, of, moments, weights, means, hazard):
    """Each person's part in the score: of the events, and of the estimated censoring that the weights rest
    on.
    """
    risk = np.exp(x @ coef)[:, None] * weights * hazard  # expected events of each person at each event
    place = np.searchsorted(moments, days)
    events = np.zeros_like(x)
    mine = cause == of
    events[mine] = x[mine] - means[place[mine]]
    influence = events - (risk.sum(axis=1)[:, None] * x - risk @ means)
    # What a censoring on a day changes in the score, through the weights of those who had another event
    # before it.
    censorings, counts = np.unique(days[cause == 0], return_counts=True)
    other = (cause != 0) & ~mine
    parts = -(risk[other][:, :, None] * (x[other][:, None, :] - means[None]))
    changed = (
        np.stack([parts[days[other] < day][:, moments >= day].sum(axis=(0, 1)) for day in censorings])
        if len(censorings)
        else np.zeros((0, x.shape[1]))
    )
    at_risk = (days[:, None] >= censorings).sum(axis=0)
    share = -changed / at_risk[:, None]
    lost = np.where(days[:, None] >= censorings, counts / at_risk, 0.0) - (
        (days[:, None] == censorings) & (cause == 0)[:, None]
    )
    return influence - lost @ share
