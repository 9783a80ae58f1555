"""Competing risks: cumulative incidence, Gray's test, Fine and Gray's model.

All three are sums over sorted days: work of n log n, where R's ``survfit`` and ``crr`` take n² steps.
Cumulative incidence and Gray's test are held against greenwood and R by the tests. Fine and Gray's model is
fitted as R's ``cmprsk::crr`` fits it: greenwood takes tied events out before the censoring of their day is
weighed, and leaves the uncertainty of the censoring weights out of the variance, so that its standard errors
differ by up to 1 in 100.

Long because the three count the same rows: those at risk, and those that end with each cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis_lib.estimators import estimable, observed
from analysis_lib.estimators.late_incidence import standard_errors
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.partial_likelihood import Derivatives, maximum
from analysis_lib.rows.limits import Z


def cumulative_incidence(
    days: ArrayLike, cause: ArrayLike, *, start: ArrayLike | None = None
) -> pd.DataFrame:
    """Aalen and Johansen's cumulative incidence of each cause, from time 0 on.

    Parameters
    ----------
    days : array-like of int
        Whole days from the origin.
    cause : array-like of int
        What ended them: 0 is censored, 1, 2 and so on are the causes.
    start : array-like of int, optional
        Day after which a row is at risk, where people enter late.

    Returns
    -------
    pandas.DataFrame
        One row a distinct time: ``days, at_risk`` and, for each cause that occurs, ``incidence<cause>``,
        ``lower<cause>`` and ``upper<cause>`` (95%, on the log scale, as in R's ``survfit``; undefined before
        the first event).
    """
    days, cause = observed.causes(days, cause)
    occurring = _occurring(cause)
    moments, place = np.unique(days, return_inverse=True)
    ended = {code: np.bincount(place[cause == code], minlength=len(moments)) for code in (0, *occurring)}
    at_risk = len(days) - np.concatenate([[0], np.cumsum(np.bincount(place))])[:-1]
    if start is not None:  # a row a day on which somebody ends, so that somebody is at risk on each
        at_risk -= len(days) - np.searchsorted(np.sort(observed.entries(start, days)), moments)
    curve = pd.DataFrame({"days": moments, "at_risk": at_risk})
    events = np.sum([ended[code] for code in occurring], axis=0)
    before = np.concatenate([[1.0], np.cumprod(1 - events / at_risk)])[:-1]
    late = {} if start is None else standard_errors(days, cause, np.asarray(start), moments, occurring)
    for code in occurring:
        incidence, se = _incidence(before, at_risk, events, ended[code])
        se = late.get(code, se)
        # at 1 nobody is left, as with S = 0
        height = np.where((incidence > 0) & (incidence < 1 - 1e-12), incidence, np.nan)
        curve[f"incidence{code}"] = incidence
        for limit, side in {"lower": -1, "upper": 1}.items():
            curve[f"{limit}{code}"] = np.minimum(height * np.exp(side * Z * se / height), 1)
    if curve["days"].iloc[0] > 0:
        origin = {"days": 0, "at_risk": len(days)} | {f"incidence{code}": 0.0 for code in occurring}
        curve = pd.concat([pd.DataFrame([origin], columns=curve.columns).astype(curve.dtypes), curve])
    return curve.astype({"days": int, "at_risk": int}).reset_index(drop=True)


def _incidence(
    before: np.ndarray, at_risk: np.ndarray, events: np.ndarray, mine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative incidence of one cause, and its standard error (Marubini and Valsecchi 1995, which is R's
    jackknife).

    ``before`` is the chance of no event yet; ``events`` are those of any cause, ``mine`` those of this one.
    The variance is a sum over days in which the incidence still to come is squared: multiplied out, it is
    made of running sums.
    """
    incidence = np.cumsum(before * mine / at_risk)
    short = incidence - incidence[-1]  # kept small where little is left to come, so that nothing cancels
    staying = np.where(events < at_risk, at_risk - events, np.inf)  # nothing is to come once nobody stays
    own, any_ = before * mine / at_risk**2, events / (at_risk * staying)
    variance = (
        np.cumsum(before**2 * mine * (1 - mine / at_risk) / at_risk**2)
        - 2 * (short * np.cumsum(own) - np.cumsum(short * own))
        + short**2 * np.cumsum(any_)
        - 2 * short * np.cumsum(short * any_)
        + np.cumsum(short**2 * any_)
    )
    return incidence, np.sqrt(np.maximum(variance, 0))


def incidence_at(curve: pd.DataFrame, day: float) -> pd.Series | None:
    """The step of the curves that holds on ``day``; ``None`` beyond the last follow-up of anyone without an
    event.
    """
    incidence = curve.filter(regex=r"^incidence\d+$").iloc[-1].sum()
    if day > curve["days"].iloc[-1] and incidence < 1 - 1e-12:
        return None
    return curve[curve["days"] <= day].iloc[-1]


def gray(days: ArrayLike, cause: ArrayLike, group: ArrayLike) -> pd.DataFrame:
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
    group, found = observed.groups(group, len(days))
    occurring = _occurring(cause)
    if len(found) < 2:
        raise NotEstimable("fewer than two groups")
    tests = {}
    for code in occurring:
        statistic = observed.chi_square(*_gray(days, cause == code, (cause != 0) & (cause != code), group))
        if statistic is None:
            raise NotEstimable("the groups were hardly ever at risk together when an event happened")
        df = len(found) - 1
        tests[code] = {"chi_square": statistic, "df": df, "p": float(stats.chi2.sf(statistic, df))}
    return pd.DataFrame.from_dict(tests, orient="index").astype({"df": int}).rename_axis("cause")


def _gray(
    days: np.ndarray, mine: np.ndarray, other: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events of each group but the last less those expected, their variance, and its scale; weights all 1
    (Gray's rho 0).

    One row a day with an event, one column a group. Names as in Gray's paper are told: ``h`` is the number at
    risk over the chance of no event yet, ``hazard`` the pooled hazard of the subdistribution.
    """
    moments = np.unique(days[mine | other])
    size = (len(moments) + 1, int(group.max()) + 1)
    sides: tuple[tuple[Any, Literal["left", "right"]], ...] = (
        (mine, "left"),
        (other, "left"),
        (slice(None), "right"),
    )
    first, second, left = (
        np.bincount(
            np.searchsorted(moments, days[which], side=side) * size[1] + group[which],
            minlength=size[0] * size[1],
        ).reshape(size)
        for which, side in sides
    )
    first, second, at_risk = first[:-1], second[:-1], left[::-1].cumsum(axis=0)[::-1][1:]
    here, people = at_risk > 0, np.maximum(at_risk, 1)
    alive = np.cumprod(1 - (first + second) / people, axis=0)
    before = np.vstack([np.ones((1, alive.shape[1])), alive[:-1]])
    # incidence just before the day
    failing = np.cumsum(before * first / people, axis=0) - before * first / people
    safe = np.where(here, before, 1.0)
    h, still = at_risk / safe, at_risk * (1 - failing) / safe
    events, all_h = first.sum(axis=1), h.sum(axis=1)
    incidence = np.cumsum(events / all_h)
    with np.errstate(all="ignore"):
        expected = np.nan_to_num(events[:, None] * still / still.sum(axis=1, keepdims=True))
        hazard = np.nan_to_num(events / (all_h * (1 - incidence + events / all_h)), posinf=0)
        # day x group x group
        compared = h[:, :, None] * (np.eye(h.shape[1]) - (h / all_h[:, None])[:, None, :])
        gathered = np.cumsum(compared * hazard[:, None, None], axis=0)
        to_come = gathered[-1] - gathered
        share = np.where(alive > 0, (1 - incidence)[:, None] / alive, 0.0)
        ties = np.where(events[:, None] > 1, 1 - (events[:, None] - 1) / (all_h[:, None] * before - 1), 1.0)
        of_first = np.where(
            here & (events[:, None] > 0), ties * before * events[:, None] / (all_h[:, None] * people), 0.0
        )
        ties = np.where(second > 1, 1 - (second - 1) / np.maximum(people - 1, 1), 1.0)
        of_second = np.where(
            (alive > 0) & (second > 0), ties * (before / people) ** 2 * second * share**2, 0.0
        )
    part = compared + (1 - share)[:, None, :] * to_come
    variance = sum(
        np.einsum("tik,tjk,tk->ij", each, each, weight)
        for each, weight in ((part, of_first), (to_come, of_second))
    )
    return (first - expected).sum(axis=0)[:-1], variance[:-1, :-1], expected.sum(axis=0)[:-1]


def fine_gray(terms: pd.DataFrame, days: ArrayLike, cause: ArrayLike, of: int = 1) -> pd.DataFrame:
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
    x = estimable.known_terms(terms, len(days))
    if reason := estimable.inestimable(terms.columns, x, cause == of):
        raise NotEstimable(reason)
    spread = x.std(axis=0)
    sets = _subdistribution_sets((x - x.mean(axis=0)) / spread, days, cause, of)
    events = float(sets.ties.sum())
    top = maximum(lambda coef: _subdistribution(coef, sets), x.shape[1], events)
    estimable.refuse_alike(top.null, events)
    if not top.found:
        raise NotEstimable(
            "the estimate runs away: everyone with the event is alike in a factor (separation)"
        )
    variance = np.linalg.inv(top.at.information)
    se = np.sqrt(((_influence(top.at, sets) @ variance) ** 2).sum(axis=0))
    if (se < 1e-7 * np.sqrt(np.diag(variance))).any():  # influences that cancel leave rounding noise
        raise NotEstimable("too few events to tell how sure the estimate is")
    coef, se = top.coef / spread, se / spread
    # the ratio of a whole unit of a term measured in billionths has no number
    with np.errstate(over="ignore"):
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


def _occurring(cause: np.ndarray) -> list[int]:
    occurring = sorted(int(code) for code in np.unique(cause) if code)
    if not occurring:
        raise NotEstimable("nobody had any of the events")
    return occurring


@dataclass(frozen=True)
class _Sets:
    """Rows sorted by day, and the days with the event. A row meets the events before ``until`` with weight 1;
    one that ended with another event (``other``) meets the later ones too, with the weight ``staying`` of the
    day over its own ``stayed``: the chance of not being censored until then."""

    x: np.ndarray
    mine: np.ndarray
    other: np.ndarray
    until: np.ndarray
    stayed: np.ndarray
    ties: np.ndarray
    staying: np.ndarray
    days: np.ndarray
    censored: np.ndarray
    moments: np.ndarray


def _subdistribution_sets(x: np.ndarray, days: np.ndarray, cause: np.ndarray, of: int) -> _Sets:
    order = np.argsort(days, kind="stable")
    x, days, cause = np.asfortranarray(x[order]), days[order], cause[order]
    moments, ties = np.unique(days[cause == of], return_counts=True)
    censorings, counts = np.unique(days[cause == 0], return_counts=True)
    heights = np.concatenate(
        [[1.0], np.cumprod(1 - counts / (len(days) - np.searchsorted(days, censorings)))]
    )
    stayed, staying = (heights[np.searchsorted(censorings, when, side="left")] for when in (days, moments))
    return _Sets(
        x,
        cause == of,
        (cause != 0) & (cause != of),
        np.searchsorted(moments, days, side="right"),
        stayed,
        ties,
        staying,
        days,
        cause == 0,
        moments,
    )


def _subdistribution(coef: np.ndarray, sets: _Sets) -> Derivatives:
    """Value, score and information of the weighted partial likelihood; days that tie as Breslow proposed."""
    predictor, size = (sets.x * coef).sum(axis=1), len(sets.moments)
    predictor -= predictor.max()
    risk, terms, k = np.exp(predictor), sets.x.T, sets.x.shape[1]
    rows, columns = np.triu_indices(k)
    moments = [risk, *(risk * terms), *(risk * terms[rows] * terms[columns])]
    followed = np.stack([np.bincount(sets.until, each, minlength=size + 1) for each in moments])
    gone = np.stack(
        [
            np.bincount(sets.until[sets.other], (each / sets.stayed)[sets.other], minlength=size + 1)
            for each in moments
        ]
    )
    whole = followed[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:] + sets.staying * gone.cumsum(axis=1)[:, :size]
    # where a step went too far, the value is not a number and the step is taken back
    with np.errstate(all="ignore"):
        mean, hazard = whole[1 : k + 1] / whole[0], sets.ties / whole[0]
        loglik = predictor[sets.mine].sum() - sets.ties @ np.log(whole[0])
        information = np.zeros((k, k))
        information[rows, columns] = information[columns, rows] = whole[k + 1 :] @ hazard
        information -= (mean * sets.ties) @ mean.T
    return Derivatives(
        float(loglik), sets.x[sets.mine].sum(axis=0) - mean @ sets.ties, information, (risk, mean, hazard)
    )


def _influence(at: Derivatives, sets: _Sets) -> np.ndarray:
    """Each row's part in the score: of the events, and of the estimated censoring that the weights rest
    on.
    """
    risk, mean, hazard = at.parts
    # of a row with risk 1 at each event: events, and these times the mean
    expected = np.vstack([hazard, hazard * mean])
    met = np.hstack([np.zeros((len(expected), 1)), expected.cumsum(axis=1)])[:, sets.until]
    ahead = np.hstack(
        [(expected * sets.staying)[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(expected), 1))]
    )
    met = met + np.where(sets.other, ahead[:, sets.until] / sets.stayed, 0)
    influence = -risk * (sets.x.T * met[0] - met[1:])
    influence[:, sets.mine] += (sets.x.T - mean[:, np.maximum(sets.until - 1, 0)])[:, sets.mine]
    # What a censoring on a day changes in the score, through the weights of those who had another event
    # before it.
    censorings, counts = np.unique(sets.days[sets.censored], return_counts=True)
    if not len(censorings):
        return influence.T
    reached = np.searchsorted(sets.days, censorings, side="left")  # rows before that day
    weight = np.where(sets.other, risk / sets.stayed, 0)
    summed = np.hstack([np.zeros((len(met), 1)), np.vstack([weight, weight * sets.x.T]).cumsum(axis=1)])[
        :, reached
    ]
    still = ahead[:, np.searchsorted(sets.moments, censorings, side="left")]
    share = (summed[1:] * still[0] - summed[0] * still[1:]) / (len(sets.days) - reached)
    passed = np.hstack(
        [np.zeros((len(share), 1)), (share * counts / (len(sets.days) - reached)).cumsum(axis=1)]
    )
    lost = passed[:, np.searchsorted(censorings, sets.days, side="right")]
    lost[:, sets.censored] -= share[:, np.searchsorted(censorings, sets.days[sets.censored])]
    return (influence - lost).T
