"""Cox models: one way to fit them, whatever the rows are like.

Estimates come from lifelines, the proportional-hazards test from greenwood, Firth's penalty from firthmodels.
What neither gives as R's survival package does (the score test, the robust variance when days tie, the
concordance of rows that enter late, with its standard error) is computed here, by :func:`_efron` and
:func:`concordance`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import greenwood
import numpy as np
import pandas as pd
from firthmodels import FirthCoxPH
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from scipy import stats
from scipy.linalg import LinAlgWarning

from analysis_lib.dictionary.columns import YES_NO
from analysis_lib.estimators import observed
from analysis_lib.estimators.limits import Z
from analysis_lib.estimators.observed import NotEstimable

# By itself lifelines stops early: against R, hazard ratios were off by up to 1 in 7000 and P values by 1 in
# 800. With these options a fit goes on until a step gains less than 1e-16 of log-likelihood: to 1e-7 standard
# errors or closer.
TO_CONVERGENCE = {"precision": 1e-16, "r_precision": 0}
SMALL_STEPS = {"step_size": 0.5}  # its first steps may run past a large estimate that exists
RUN_AWAY = "the model did not converge: too few events, or factors that determine each other"


class NoConvergence(NotEstimable):
    """The estimates run away: no finite one exists, or there is too little to find it."""


class Test(NamedTuple):
    """A chi-square test: the statistic, its degrees of freedom, and P."""

    statistic: float
    df: int
    p: float


class Concordance(NamedTuple):
    """Harrell's concordance, and its standard error by the infinitesimal jackknife."""

    value: float
    se: float


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


def indicators(frame: pd.DataFrame, factors: list[str]) -> pd.DataFrame:
    """Factors as numbers for a model: yes/no factors 1 and 0; others a column ``factor.level`` for each level
    that occurs after the first.
    """
    columns = {}
    for factor in factors:
        values = frame[factor].astype(str)
        if set(values) <= set(YES_NO):
            columns[factor] = (values == "yes").astype(float)
        else:
            ordered = [
                str(level) for level in getattr(frame[factor].dtype, "categories", sorted(set(values)))
            ]
            present = [level for level in ordered if level in set(values)]
            columns |= {f"{factor}.{level}": (values == level).astype(float) for level in present[1:]}
    return pd.DataFrame(columns, index=frame.index)


def cox(terms: pd.DataFrame, days, event, *, start=None, weights=None, strata=None, cluster=None) -> Fit:
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
    days, event, x, start = _checked(terms, days, event, start)
    weights = np.ones(len(days)) if (unweighted := weights is None) else positive(weights, len(days))
    stratum = np.zeros(len(days), dtype=int) if strata is None else pd.factorize(np.asarray(strata))[0]
    if reason := inestimable(terms.columns, x, event):
        raise NotEstimable(reason)
    fitted = _fit(x, start, days, event, weights, stratum)
    coef, variance = fitted.params_.to_numpy(), fitted.variance_matrix_.to_numpy()
    loglik_null, score, information, _ = _efron(np.zeros(x.shape[1]), x, start, days, event, weights, stratum)
    loglik, slope, curvature, residuals = _efron(coef, x, start, days, event, weights, stratum)
    if moves_on(slope, curvature):
        raise NoConvergence(RUN_AWAY)
    se, robust_se = np.sqrt(np.diag(variance)), np.full(x.shape[1], np.nan)
    if cluster is not None or not unweighted:
        group = np.arange(len(days)) if cluster is None else pd.factorize(np.asarray(cluster))[0]
        changes = _sums(residuals * weights[:, None], group) @ variance
        variance = changes.T @ changes
        robust_se = np.sqrt(np.diag(variance))
    used = np.where(np.isnan(robust_se), se, robust_se)
    degrees = x.shape[1]
    table = pd.DataFrame(
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
        index=terms.columns,
    )
    return Fit(
        table,
        loglik_null,
        loglik,
        _test(2 * (loglik - loglik_null), degrees),
        _test(coef @ np.linalg.solve(variance, coef), degrees),
        _test(score @ np.linalg.solve(information, score), degrees),
        concordance(
            _predictor(x, coef),
            days,
            event,
            start=None if start.max() < 0 else start,
            weights=weights,
            strata=stratum,
            cluster=cluster,
        ),
        len(days),
        int(event.sum()),
    )


def firth(terms: pd.DataFrame, days, event) -> pd.DataFrame:
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
    days, event, x, _ = _checked(terms, days, event, None)
    if reason := inestimable(terms.columns, x, event):
        raise NotEstimable(reason)
    spread = x.std(axis=0)  # terms of one scale, which changes no estimate, converge more closely
    with warnings.catch_warnings():
        # that it did not converge is asked below; a limit not found is not a number
        warnings.simplefilter("ignore")
        model = FirthCoxPH(backend="numpy", gtol=1e-7, xtol=1e-7, max_iter=200, max_halfstep=50)
        try:
            model.fit((x - x.mean(axis=0)) / spread, (event, days)).lrt()
            limits = np.exp(model.conf_int(method="pl", tol=1e-9, max_iter=200) / spread[:, None])
        except np.linalg.LinAlgError:
            raise NoConvergence(
                "too few events for an estimate with an interval, even a penalised one"
            ) from None
    if not model.converged_ or np.isnan(limits).all(axis=1).any() or np.isnan(model.lrt_pvalues_).any():
        raise NoConvergence("too few events for an estimate with an interval, even a penalised one")
    coef = model.coef_ / spread
    return pd.DataFrame(
        {
            "coef": coef,
            "hr": np.exp(coef),
            "se": model.bse_ / spread,
            "lower": limits[:, 0],
            "upper": limits[:, 1],
            "p": model.lrt_pvalues_,
        },
        index=terms.columns,
    )


def proportional_hazards(terms: pd.DataFrame, days, event) -> pd.DataFrame:
    """Test of proportional hazards, Schoenfeld residuals against the Kaplan-Meier transform (Grambsch and
    Therneau 1994).

    Returns
    -------
    pandas.DataFrame
        ``chi_square, df, p``, one row a term, and ``global`` where there are several.

    Raises
    ------
    NotEstimable
        As in :func:`cox`; or too few events.
    """
    days, event, x, _ = _checked(terms, days, event, None)
    if reason := inestimable(terms.columns, x, event):
        raise NotEstimable(reason)
    names = [f"x{i}" for i in range(x.shape[1])]  # greenwood reads a name with a dot as a formula
    with warnings.catch_warnings():
        # of terms on different scales, which R fits as they are; of too few events
        warnings.simplefilter("ignore")
        try:
            fitted = greenwood.CoxPH().fit(
                greenwood.Surv(days, event=event.astype(int)), pd.DataFrame(x, columns=names)
            )
            table = fitted.cox_zph(transform="km").to_frame(format="pandas").iloc[:, -3:]
        except np.linalg.LinAlgError:
            raise NotEstimable("too few events to test proportional hazards") from None
    table.columns = ["chi_square", "df", "p"]
    if not np.isfinite(table.to_numpy(dtype=float)).all() or (table["chi_square"] < 0).any():
        raise NotEstimable("too few events to test proportional hazards")
    rows = [*terms.columns, "global"] if len(terms.columns) > 1 else list(terms.columns)
    return table.iloc[: len(rows)].set_axis(rows)


def concordance(score, days, event, *, start=None, weights=None, strata=None, cluster=None) -> Concordance:
    """Harrell's concordance of a score in which a higher value means an earlier event.

    Of two people, one of whom had the event while the other was still followed, how often that one had the
    higher score; equal scores count half, people who had the event on the same day are not compared. Not a
    number without any pair.
    """
    days, event = observed.outcome(days, event)
    score, n = np.asarray(score, dtype=float), len(days)
    start = np.full(n, -1.0) if start is None else np.asarray(start, dtype=float)
    weights = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    stratum = np.zeros(n, dtype=int) if strata is None else pd.factorize(np.asarray(strata))[0]
    won, pairs = np.zeros(n), np.zeros(n)  # wins less losses of each person's pairs, and pairs, by weight
    for i in np.flatnonzero(event):
        later = np.flatnonzero(
            (start < days[i]) & ((days > days[i]) | ((days == days[i]) & ~event)) & (stratum == stratum[i])
        )
        outcome = np.sign(score[i] - score[later])
        won[i] += outcome @ weights[later]
        pairs[i] += weights[later].sum()
        won[later] += outcome * weights[i]
        pairs[later] += weights[i]
    if not pairs.any():
        return Concordance(np.nan, np.nan)
    total = (weights @ pairs) / 2
    somers = (weights @ won) / 2 / total
    influence = weights * (won - somers * pairs) / total
    if cluster is not None:
        influence = _sums(influence, pd.factorize(np.asarray(cluster))[0])
    return Concordance((somers + 1) / 2, np.sqrt((influence**2).sum()) / 2)


def _checked(terms, days, event, start):
    days, event = observed.outcome(days, event)
    x = known_terms(terms, len(days))
    if start is None:
        return days, event, x, np.full(len(days), -1.0)  # so that an event on day 0 finds everyone at risk
    start = observed.whole_days(start, "start")
    if (start >= days).any():
        raise ValueError(f"{int((start >= days).sum())} rows end on the day they start or before it")
    return days, event, x, start


def known_terms(terms: pd.DataFrame, n: int) -> np.ndarray:
    """Terms as an array of numbers; :class:`ValueError` where one is not known, or there are not ``n``
    rows.
    """
    x = np.asarray(terms, dtype=float)
    if len(x) != n:
        raise ValueError(f"{len(x)} rows of terms and {n} days: not the same people")
    if not np.isfinite(x).all():
        unknown = [str(c) for c, known in zip(terms.columns, np.isfinite(x).all(axis=0)) if not known]
        raise ValueError(f"terms must be known for everyone: {', '.join(unknown)}")
    return x


def positive(weights, n: int) -> np.ndarray:
    """Weights as an array; :class:`ValueError` unless there are ``n`` and all are positive."""
    weights = np.asarray(weights, dtype=float)
    if len(weights) != n or not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights must be positive numbers, one a row")
    return weights


def inestimable(names, x, event) -> str:
    """Why no estimate exists that more iterations could find; empty when one may."""
    if not event.any():
        return "nobody had the event"
    if alike := [str(name) for name, column in zip(names, x.T) if np.ptp(column) == 0]:
        return f"all patients are alike in {', '.join(alike)}"
    spread = (x - x.mean(axis=0)) / x.std(axis=0)
    if np.linalg.matrix_rank(spread, tol=1e-8 * np.sqrt(len(x)) * x.shape[1]) < x.shape[1]:
        return "factors determine each other, so that their effects cannot be told apart (collinearity)"
    return ""


def _fit(x, start, days, event, weights, stratum) -> CoxPHFitter:
    data = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(
        days=days, event=event.astype(int)
    )
    options = {}
    if start.max() >= 0:
        data, options["entry_col"] = data.assign(start=start), "start"
    if (weights != 1).any():
        data, options["weights_col"] = data.assign(weight=weights), "weight"
    if stratum.any():
        data, options["strata"] = data.assign(stratum=stratum), "stratum"
    for steps in ({}, SMALL_STEPS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", ConvergenceWarning)
                warnings.simplefilter("error", LinAlgWarning)
                # tells of what a closer fit would follow
                CoxPHFitter().fit(data, "days", "event", fit_options=steps, **options)
                return CoxPHFitter().fit(data, "days", "event", fit_options=TO_CONVERGENCE | steps, **options)
        except (ConvergenceError, ConvergenceWarning, LinAlgWarning):
            continue
    raise NoConvergence(RUN_AWAY)


def moves_on(score, information) -> bool:
    """Whether another step of Newton's method would change an estimate, as one that runs away does for
    ever.
    """
    return np.linalg.cond(information) > 1e15 or np.abs(np.linalg.solve(information, score)).max() > 1e-3


def _efron(coef, x, start, days, event, weights, stratum):
    """Log partial likelihood, score, information, and each row's score residual, with Efron's handling of
    ties.

    lifelines, greenwood and statsmodels give score residuals as if no days tied, so that their robust
    variance differs from R's by up to 1 in 100. Here each of d events of a day meets a risk set from which
    the d have left in part.
    """
    predictor = _predictor(x, coef)
    risk = np.exp(predictor)
    loglik, information, residuals = 0.0, np.zeros((x.shape[1],) * 2), np.zeros_like(x)
    for level in np.unique(stratum):
        inside = stratum == level
        for day in np.unique(days[inside & event]):
            at_risk = np.flatnonzero(inside & (start < day) & (days >= day))
            dying = event[at_risk] & (days[at_risk] == day)
            ties, weight = dying.sum(), weights[at_risk[dying]].mean()
            loglik += weights[at_risk[dying]] @ predictor[at_risk[dying]]
            for tie in range(ties):
                present = risk[at_risk] * np.where(dying, 1 - tie / ties, 1)
                weighted = present * weights[at_risk]
                total = weighted.sum()
                centred = x[at_risk] - weighted @ x[at_risk] / total
                loglik -= weight * np.log(total)
                information += weight * (centred * weighted[:, None]).T @ centred / total
                residuals[at_risk] -= present[:, None] * centred * weight / total
                residuals[at_risk[dying]] += centred[dying] / ties
    return loglik, residuals.T @ weights, information, residuals


def _predictor(x, coef) -> np.ndarray:
    return (x * coef).sum(axis=1)  # not a matrix product, which may round equal rows differently


def _sums(values, group) -> np.ndarray:
    """Sums of rows by group, groups numbered from 0."""
    sums = np.zeros((group.max() + 1, *values.shape[1:]))
    np.add.at(sums, group, values)
    return sums


def _test(statistic: float, degrees: int) -> Test:
    return Test(float(statistic), degrees, float(stats.chi2.sf(statistic, degrees)))
