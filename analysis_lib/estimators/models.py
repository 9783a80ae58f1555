"""Cox models: one way to fit them, whatever the rows are like.

The partial likelihood is :mod:`analysis_lib.estimators.partial_likelihood`'s, pairs are counted by
:mod:`analysis_lib.estimators.comparable_pairs`, Firth's penalty comes from firthmodels. The tests hold all of
it against R's survival package, and against lifelines and greenwood, which do the same more slowly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from firthmodels import FirthCoxPH
from numpy.typing import ArrayLike
from scipy import stats

from analysis_lib.dictionary.columns import YES_NO
from analysis_lib.dictionary.factors import Factor
from analysis_lib.estimators.comparable_pairs import Concordance, concordance
from analysis_lib.estimators.estimable import checked, inestimable, positive, refuse_alike
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.partial_likelihood import (
    FLAT,
    cell_scores,
    derivatives,
    maximum,
    residuals,
    risk_sets,
)
from analysis_lib.rows.limits import Z

RUN_AWAY = "the model did not converge (too few events, or factors that determine each other)"


class NoConvergence(NotEstimable):
    """The estimates run away: no finite one exists, or there is too little to find it."""


class Test(NamedTuple):
    """A chi-square test: the statistic, its degrees of freedom, and P."""

    statistic: float
    df: int
    p: float


@dataclass(frozen=True)
class Fit:
    """A fitted Cox model.

    Attributes
    ----------
    terms : pandas.DataFrame
        One row a term (its name is the index): ``coef, hr, se, robust_se, lower, upper, z, p``. The limits
        are those of the hazard ratio (95%, Wald). With weights or clusters, limits, ``z`` and ``p`` rest on
        ``robust_se``; without, it is not a number.
    loglik_null, loglik : float
        Log partial likelihood without any term, and of the model.
    likelihood_ratio, wald, score : Test
        Of all terms together; Wald's test uses the robust variance where there is one.
    concordance : Concordance
    n, events : int
        Rows, and rows that end with the event.
    """

    terms: pd.DataFrame
    loglik_null: float
    loglik: float
    likelihood_ratio: Test
    wald: Test
    score: Test
    concordance: Concordance
    n: int
    events: int


def indicators(frame: pd.DataFrame, factors: list[str], declared: Iterable[Factor] = ()) -> pd.DataFrame:
    """Factors as numbers for a model: yes/no factors 1 and 0; others a column ``factor.level`` for each level
    that occurs after the first.

    ``declared`` are those of which more is known: a number is itself, in the units of its hazard ratio, and
    levels are held against the reference.
    """
    columns, known = {}, {each.column: each for each in declared}
    for factor in factors:
        reference = known[factor].reference if factor in known else ""
        if factor in known and known[factor].number:
            columns[factor] = frame[factor].astype(float) / known[factor].per
            continue
        values = frame[factor].astype(str)
        if set(values) <= set(YES_NO) and reference != "yes":
            columns[factor] = (values == "yes").astype(float)
        else:
            ordered = [
                str(level) for level in getattr(frame[factor].dtype, "categories", sorted(set(values)))
            ]
            present = [level for level in ordered if level in set(values)]
            present.sort(key=lambda level: level != reference)
            columns |= {f"{factor}.{level}": (values == level).astype(float) for level in present[1:]}
    return pd.DataFrame(columns, index=frame.index)


def cox(
    terms: pd.DataFrame,
    days: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Fit:
    """Cox's proportional-hazards model with Efron's handling of ties, as R's ``coxph``.

    Parameters
    ----------
    terms : pandas.DataFrame
        One column of numbers a term, none missing; one row an observation.
    days, event : array-like
        Whole days from the origin on which the row ends, and whether with the event.
    start : array-like of int, optional
        Day after which the row is at risk, where a patient has several rows whose terms change in time.
    weights : array-like of float, optional
        Such as inverse probabilities of treatment; the robust variance is then used.
    strata : array-like, optional
        Rows of different strata are never compared.
    cluster : array-like, optional
        Who a row belongs to; the robust variance then allows for several rows of one.

    Raises
    ------
    NotEstimable
        No event, a term that is the same for everyone, terms that determine each other;
        :class:`NoConvergence` when estimates run away.
    ValueError
        Days or events that are not (:func:`analysis_lib.estimators.observed.outcome`), a term that is not
        known, a weight that is not positive, a row that ends before it starts.
    """
    days, event, x, start = checked(terms, days, event, start)
    weights = np.ones(len(days)) if (unweighted := weights is None) else positive(weights, len(days))
    stratum = np.zeros(len(days), dtype=int) if strata is None else pd.factorize(np.asarray(strata))[0]
    if reason := inestimable(terms.columns, x, event):
        raise NotEstimable(reason)
    sets, spread = risk_sets(x, start, days, event, weights, stratum)
    top = maximum(lambda coef: derivatives(coef, sets), x.shape[1], sets.events)
    refuse_alike(top.null, sets.events)
    if not top.found:
        raise NoConvergence(RUN_AWAY)
    variance = np.linalg.inv(top.at.information)
    se, robust_se = np.sqrt(np.diag(variance)), np.full(x.shape[1], np.nan)
    if cluster is not None or not unweighted:
        group = np.arange(len(days)) if cluster is None else pd.factorize(np.asarray(cluster))[0]
        variance = _robust(
            residuals(top.at, sets) * sets.weights[:, None], group[sets.rows], variance, weights.mean()
        )
        robust_se = np.sqrt(np.diag(variance))
    wald = top.coef @ np.linalg.solve(variance, top.coef)
    degrees, (loglik, null) = x.shape[1], (top.at.loglik, top.null)
    return Fit(
        _table(terms.columns, top.coef / spread, se / spread, robust_se / spread),
        null.loglik,
        loglik,
        _test(2 * (loglik - null.loglik), degrees),
        _test(wald, degrees),
        _test(null.score @ np.linalg.solve(null.information, null.score), degrees),
        concordance(
            _predictor((x - x.mean(axis=0)) / spread, top.coef),
            days,
            event,
            start=start,
            weights=weights,
            strata=stratum,
            cluster=cluster,
        ),
        len(days),
        int(event.sum()),
    )


def _table(names: pd.Index, coef: np.ndarray, se: np.ndarray, robust_se: np.ndarray) -> pd.DataFrame:
    """The terms of a model with Wald's limits and tests, by the robust error where there is one."""
    used = np.where(np.isnan(robust_se), se, robust_se)
    # the ratio of a whole unit of a term measured in billionths has no number
    with np.errstate(over="ignore"):
        return pd.DataFrame(
            {
                "coef": coef,
                "hr": np.exp(coef),
                "se": se,
                "robust_se": robust_se,
                "lower": np.exp(coef - Z * used),
                "upper": np.exp(coef + Z * used),
                "z": coef / used,
                "p": 2 * stats.norm.sf(np.abs(coef / used)),
            },
            index=names,
        )


def firth(terms: pd.DataFrame, days: ArrayLike, event: ArrayLike) -> pd.DataFrame:
    """Cox's model with Firth's penalty, which stays finite where a level has no event (Heinze and Schemper
    2001).

    The penalty is half the logarithm of the determinant of the information. It draws estimates a little
    towards no effect, takes away their bias in small samples, and gives a finite estimate under separation.
    Ties are handled as Breslow proposed; limits are those of the profile penalised likelihood, and P is that
    of its ratio test.

    Returns
    -------
    pandas.DataFrame
        One row a term: ``coef, hr, se, lower, upper, p``; a limit that does not exist is not a number. The
        limits are those of the hazard ratio.

    Raises
    ------
    NotEstimable
        No event, a term that is the same for everyone, terms that determine each other, or no convergence.
    """
    days, event, x, start = checked(terms, days, event, None)
    if reason := inestimable(terms.columns, x, event):
        raise NotEstimable(reason)
    sets, _ = risk_sets(x, start, days, event, np.ones(len(days)), np.zeros(len(days), dtype=int))
    refuse_alike(derivatives(np.zeros(x.shape[1]), sets), sets.events)
    spread = x.std(axis=0)  # terms of one scale, which changes no estimate, converge more closely
    with warnings.catch_warnings():
        # that it did not converge is asked below; a limit not found is not a number
        warnings.simplefilter("ignore")
        model = FirthCoxPH(backend="numpy", gtol=1e-7, xtol=1e-7, max_iter=200, max_halfstep=50)
        try:
            model.fit((x - x.mean(axis=0)) / spread, (event, days)).lrt()
            with np.errstate(over="ignore"):
                limits = np.exp(model.conf_int(method="pl", tol=1e-9, max_iter=200) / spread[:, None])
        except np.linalg.LinAlgError:
            raise NoConvergence(
                "too few events for an estimate with an interval, even a penalised one"
            ) from None
    if not model.converged_ or np.isnan(limits).all(axis=1).any() or np.isnan(model.lrt_pvalues_).any():
        raise NoConvergence("too few events for an estimate with an interval, even a penalised one")
    coef = model.coef_ / spread
    # a whole unit of a term measured in billionths has no finite ratio
    with np.errstate(over="ignore"):
        ratio = np.exp(coef)
    return pd.DataFrame(
        {
            "coef": coef,
            "hr": ratio,
            "se": model.bse_ / spread,
            "lower": limits[:, 0],
            "upper": limits[:, 1],
            "p": model.lrt_pvalues_,
        },
        index=terms.columns,
    )


def proportional_hazards(
    terms: pd.DataFrame, days: ArrayLike, event: ArrayLike, *, start: ArrayLike | None = None
) -> pd.DataFrame:
    """Test of proportional hazards against the Kaplan-Meier transform of time, as R's ``cox.zph`` (Grambsch
    and Therneau 1994).

    It is the score test of adding each term times the share that has had the event before each day. ``start``
    is as in :func:`cox`; those who enter late then count in that share from their entry on.

    Returns
    -------
    pandas.DataFrame
        ``chi_square, df, p``, one row a term, and ``global`` where there are several.

    Raises
    ------
    NotEstimable
        As in :func:`cox`; or too few events.
    """
    days, event, x, start = checked(terms, days, event, start)
    if reason := inestimable(terms.columns, x, event):
        raise NotEstimable(reason)
    sets, _ = risk_sets(x, start, days, event, np.ones(len(days)), np.zeros(len(days), dtype=int))
    top = maximum(lambda coef: derivatives(coef, sets), x.shape[1], sets.events)
    refuse_alike(top.null, sets.events)
    if not top.found:
        raise NoConvergence(RUN_AWAY)
    k, score, information = x.shape[1], *cell_scores(top.at, sets)
    time = _share_before(start, days, event, sets.days)
    time = time - np.average(time, weights=sets.ties)
    if not (spread := np.sqrt(np.average(time**2, weights=sets.ties))) > 1e-9:
        raise NotEstimable("too few events to test proportional hazards: all are on one day")
    time = time / spread
    beside, whole = (np.array(information @ each) for each in (time, time**2))
    added = np.concatenate([np.zeros(k), score @ time])
    full = np.block([[top.at.information, beside], [beside, whole]])
    asked = {name: [i] for i, name in enumerate(terms.columns)} | (
        {"global": list(range(k))} if k > 1 else {}
    )
    rows = {}
    for name, which in asked.items():
        used = [*range(k), *(k + i for i in which)]
        if np.linalg.eigvalsh(full[np.ix_(used, used)])[0] < FLAT * sets.events:
            raise NotEstimable("too few events to test proportional hazards")
        rows[name] = _test(added[used] @ np.linalg.solve(full[np.ix_(used, used)], added[used]), len(which))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["chi_square", "df", "p"])


def _share_before(start: np.ndarray, days: np.ndarray, event: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """One minus the Kaplan-Meier estimate just before each of the days on which an event happened."""
    deaths = np.bincount(np.searchsorted(moments, days[event]), minlength=len(moments))
    ended, entered = np.sort(days), np.sort(start)
    at_risk = np.searchsorted(entered, moments, side="left") - np.searchsorted(ended, moments, side="left")
    return 1 - np.concatenate([[1.0], np.cumprod(1 - deaths / at_risk)])[:-1]


def _robust(
    scores: np.ndarray, group: np.ndarray, variance: np.ndarray, mean_weight: np.ndarray
) -> np.ndarray:
    """The sandwich of a model's variance and of the scores summed by group; all in standard deviations of the
    terms.
    """
    changes = _sums(scores, group) @ variance
    robust = changes.T @ changes
    spread = np.sqrt(np.diag(robust))
    # residuals that cancel leave rounding noise
    if (spread < 1e-7 * np.sqrt(np.diag(variance) * mean_weight)).any():
        raise NotEstimable(
            "the robust variance is none: the rows do not differ in how they bear on the estimate"
        )
    if np.linalg.eigvalsh(robust / np.outer(spread, spread))[0] < FLAT:
        raise NotEstimable("too few patients, or groups of rows, for the robust variance of so many factors")
    return robust


def _predictor(x: np.ndarray, coef: np.ndarray) -> np.ndarray:
    return (x * coef).sum(axis=1)  # not a matrix product, which may round equal rows differently


def _sums(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Sums of rows by group, groups numbered from 0."""
    return np.stack([np.bincount(group, column) for column in values.T], axis=-1)


def _test(statistic: float | np.ndarray, degrees: int) -> Test:
    return Test(float(statistic), degrees, float(stats.chi2.sf(statistic, degrees)))
