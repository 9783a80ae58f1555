"""Survival: Kaplan-Meier curves, medians and rates, log-rank tests, Cox models, follow-up.

Conventions: Greenwood's variance; confidence intervals on the log scale (:data:`INTERVAL`; R's default and what the
paper prints); Efron's handling of ties; two-sided P; times are whole days, shown in months of 30.4375 days.
Kaplan-Meier estimates, restricted means and log-rank tests come from greenwood, two weighted log-rank tests from
lifelines, Cox models from :mod:`analysis_lib.models`. Each is held against R's survival package by the tests.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import greenwood
import numpy as np
import pandas as pd
from lifelines.statistics import multivariate_logrank_test
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis_lib import describe, disclosure, endpoints, models, observed, results, schema
from analysis_lib.cohort import DAYS_PER_MONTH, Cohort
from analysis_lib.observed import NotEstimable
from analysis_lib.results import row, slug

INTERVAL = "log"
KM = f"Kaplan-Meier, Greenwood variance, {INTERVAL} interval"
MONTHS = (12, 24)  # times at which rates are read, and what takes their place where nobody is followed for a year
MONTHS_IF_SHORT = (3, 6)

# Factors of the study: those of the index therapy, and those of the patient and the disease when salvage began.
AT_INDEX = ["responder", "bridging_therapy", "car_t_product"]
AT_SALVAGE = ["bulky_disease", "two_or_more_sites", "extranodal_disease", "poor_performance", "advanced_stage",
              "ldh_elevated", "high_ipi", "cns_disease"]
ADJUSTED = {"OS1": AT_INDEX, "OS2": ["advanced_stage", "ldh_elevated"], "EFS2": ["advanced_stage", "ldh_elevated"]}
NOBODY = "this cohort has nobody to follow"

# Log-rank tests and what weighs their days: powers of S and 1 - S just before the day, or lifelines' name for a weight.
WEIGHTINGS = {"log-rank": (0, 0), "Peto-Peto": (1, 0), "Fleming-Harrington, late": (0, 1), "Gehan-Breslow": "wilcoxon",
              "Tarone-Ware": "tarone-ware"}
COX = "Cox model, Efron ties, Wald interval"
FIRTH = "Cox model, Firth's penalty, Breslow ties, profile penalised likelihood interval"


# --- curves ---------------------------------------------------------------------------------------------------

def kaplan_meier(days, event, cluster=None, *, weights=None, interval: str = INTERVAL) -> pd.DataFrame:
    """The Kaplan-Meier curve, from time 0 on.

    Parameters
    ----------
    days : array-like of int
        Whole days from the origin.
    event : array-like of bool
    cluster : array-like of int, optional
        Who a row belongs to, where several rows (sites) may share a patient: the variance is then the infinitesimal
        jackknife's over clusters, as in R's ``survfit(cluster=)``, in place of Greenwood's.
    weights : array-like of float, optional
        Such as inverse probabilities of treatment; counts are then sums of weights, and the variance is the
        infinitesimal jackknife's, as in R's ``survfit(weights=, robust=TRUE)``.
    interval : {"log", "log-log", "plain"}
        Scale of the confidence interval; the book shows :data:`INTERVAL`.

    Returns
    -------
    pandas.DataFrame
        One row a distinct time: ``days, at_risk, events, censored, survival, lower, upper``. Once survival is 0 its
        interval is undefined.

    Raises
    ------
    ValueError
        Days or events that are not (:func:`analysis_lib.observed.outcome`).
    """
    days, event = observed.outcome(days, event)
    if weights is not None:
        weights, cluster = models.positive(weights, len(days)), np.arange(len(days)) if cluster is None else cluster
    curve = greenwood.KaplanMeier(conf_type=interval).fit(
        greenwood.Surv(days, event=event.astype(int)), cluster=cluster, weights=weights).to_frame(format="pandas")
    curve = curve.rename(columns={"time": "days", "n_risk": "at_risk", "n_event": "events", "n_censor": "censored",
                                  "estimate": "survival", "conf_low": "lower", "conf_high": "upper"})
    start = pd.DataFrame({"days": [0.0], "at_risk": [curve["at_risk"].iloc[0]], "events": [0], "censored": [0],
                          "survival": [1.0], "lower": [1.0], "upper": [1.0]})
    curve = pd.concat([start, curve[start.columns]] if curve["days"].iloc[0] > 0 else [curve[start.columns]])
    count = float if weights is not None else int
    return curve.astype({"days": int, "at_risk": count, "events": count, "censored": count}).reset_index(drop=True)


def quantile(curve: pd.DataFrame, column: str = "survival", level: float = 0.5) -> float | None:
    """The day on which a curve falls to ``level``; ``None`` if it never does.

    Where the curve runs exactly at the level this is the middle of the flat stretch, as in R's ``survfit``;
    both greenwood and lifelines return its left end (STATISTICS: median when S(t) = 0.5).
    """
    heights = curve[column].to_numpy(dtype=float)
    at_or_below = np.flatnonzero(heights <= level + 1e-8)  # undefined heights compare false
    if not len(at_or_below):
        return None
    first = at_or_below[0]
    below = np.flatnonzero(heights < level - 1e-8)
    if abs(heights[first] - level) < 1e-8 and len(below):
        return (curve["days"].iloc[first] + curve["days"].iloc[below[0]]) / 2
    return float(curve["days"].iloc[first])


def at(curve: pd.DataFrame, day: float) -> pd.Series | None:
    """The step of the curve that holds on ``day``; ``None`` beyond the last follow-up of anyone still event-free."""
    if day > curve["days"].iloc[-1] and curve["survival"].iloc[-1] > 0:
        return None
    return curve[curve["days"] <= day].iloc[-1]


def at_risk(days, day: float) -> int:
    """How many are at risk on ``day``: those whose time is at least that, an event on the day included."""
    return int((np.asarray(days) >= day).sum())


def rmst(days, event, tau: float) -> tuple[float, float]:
    """Restricted mean survival time: the area below the Kaplan-Meier curve up to day ``tau``, and its standard error.

    Raises
    ------
    NotEstimable
        Follow-up ends before ``tau`` while somebody is still event-free, so that the curve does not reach it.
    """
    days, event = observed.outcome(days, event)
    last = days.max()
    if tau > last and not event[days == last].all():
        raise NotEstimable(f"follow-up ends on day {last:.0f}, before day {tau:.0f}")
    fitted = greenwood.KaplanMeier().fit(greenwood.Surv(days, event=event.astype(int)))
    value, _, upper = fitted.rmst(tau, ci=True)
    return float(value), float((upper - value) / models.Z)


class Difference(NamedTuple):
    """A difference, its standard error, 95% limits and P."""

    value: float
    se: float
    lower: float
    upper: float
    p: float


def rmst_difference(days, event, group, tau: float) -> Difference:
    """Restricted mean survival time with ``group`` less that without it, up to day ``tau``; ``group`` is bool."""
    days, event = observed.outcome(days, event)
    group = observed.outcome(days, group)[1]
    if group.all() or not group.any():
        raise NotEstimable("fewer than two groups")
    (one, se_one), (other, se_other) = rmst(days[group], event[group], tau), rmst(days[~group], event[~group], tau)
    value, se = one - other, np.hypot(se_one, se_other)
    if se == 0:
        raise NotEstimable("nobody had the event by then")
    return Difference(value, se, value - models.Z * se, value + models.Z * se, float(2 * stats.norm.sf(abs(value / se))))


def curves(study: Cohort, name: str, by: str | None = None, where=None) -> pd.DataFrame:
    """Kaplan-Meier curves of an endpoint, one a group, stacked for plotting.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`kaplan_meier`, or those of :func:`analysis_lib.disclosure.coarse` for a cohort whose small
        numbers are hidden, and ``group`` (the label of the group; empty without ``by``); or the row that says why
        there is no curve.
    """
    if reason := _reason(study, name, by):
        return results.skipped(slug(name, "curve"), reason)
    groups = _groups(_frame(study, name, where), by)
    if not groups:
        return results.skipped(slug(name, "curve"), NOBODY)
    drawn = {label: kaplan_meier(group["days"], group["event"]) for label, group in groups.items()}
    if disclosure.hides(study):
        drawn = {label: steps for label, curve in drawn.items() if len(steps := disclosure.coarse(curve, study.min_cell_count))}
    if not drawn:
        return results.skipped(slug(name, "curve"), "there are too few patients or events for a curve")
    stacked = pd.concat([curve.assign(group=label) for label, curve in drawn.items()]).reset_index(drop=True)
    stacked.attrs |= {"label": schema.label_of(by) if by else "", "min_cell_count": study.min_cell_count * disclosure.hides(study)}
    return stacked


# --- medians, rates, tests ------------------------------------------------------------------------------------

@disclosure.protected
def estimates(study: Cohort, name: str, by: str | None = None, where=None, population: str = "all patients",
              prefix: str = "") -> pd.DataFrame:
    """Medians, rates and numbers at risk of an endpoint, overall or by group, and the log-rank test between groups.

    Parameters
    ----------
    study : Cohort
    name : str
        A key of :data:`analysis_lib.endpoints.ENDPOINTS`.
    by : str, optional
        Column that names the groups: any that the endpoint's rows have (:func:`analysis_lib.endpoints.derive`), so
        also one that an analysis added to ``study.patients``.
    where : callable, optional
        Takes the endpoint's rows, returns those to keep (bool); ``population`` then says who they are.
    prefix : str
        First part of the ids; the endpoint's name by default.

    Returns
    -------
    pandas.DataFrame
        Result rows ``<prefix>.median[.by.group]``, ``<prefix>.rate<m>...`` and ``<prefix>.at_risk<m>...`` for the
        months of :func:`rate_months`, and, with groups, ``<prefix>.logrank.<by>``; or the row that says why not.
    """
    prefix = prefix or name.lower()
    if reason := _reason(study, name, by):
        return results.skipped(slug(prefix, "median", *filter(None, [by])), reason)
    frame = _frame(study, name, where)
    groups = _groups(frame, by)
    if not groups:
        return results.skipped(slug(prefix, "median", *filter(None, [by])), NOBODY)
    rows = [r for label, group in groups.items()
            for r in _estimates_of(group, prefix, [by, label] if by else [], str(label), population, rate_months(study),
                                   study.min_cell_count)]
    if by:
        rows.append(logrank(frame, by, slug(prefix, "logrank", by), population))
    collected = results.collect(rows)
    collected.attrs["label"] = schema.label_of(by) if by else ""
    return collected


def _estimates_of(frame, prefix, by, label, population, months, least):
    curve, n, events = kaplan_meier(frame["days"], frame["event"]), len(frame), int(frame["event"].sum())
    shared = {"population": population, "group": label, "n": n, "events": events}
    yield _median_of(curve, slug(prefix, "median", *by), least, note="median not reached", method=KM, **shared)
    for month in months:
        day = month * DAYS_PER_MONTH
        yield _rate_of(curve, slug(prefix, f"rate{month}", *by), month, least, method=KM, **shared)
        yield row(slug(prefix, f"at_risk{month}", *by), "at risk", at_risk(frame["days"], day),
                  method=f"time at least {month} months", **shared)


def _median_of(curve, result_id, least, note="", **shared) -> dict:
    """The row of a curve's median; where fewer than ``least`` carry it, it is hidden."""
    days = [quantile(curve, column) for column in ("survival", "lower", "upper")]
    thin = [day is not None and not disclosure.carried(curve, day, least) for day in days]
    months = [None if day is None or thin[0] or hide else day / DAYS_PER_MONTH for day, hide in zip(days, thin)]
    note = disclosure.too_few(least) if any(thin) else note if days[0] is None else ""
    return row(result_id, "median time", months[0], lower=months[1], upper=months[2], note=note, **shared)


def _rate_of(curve, result_id, month, least, note="", **shared) -> dict:
    """The row of a curve's height at a month; where fewer than ``least`` carry it, it is hidden."""
    day = month * DAYS_PER_MONTH
    step = at(curve, day)
    if step is not None and not disclosure.carried(curve, day, least):
        return row(result_id, "rate", None, note=disclosure.too_few(least), **shared)
    rate = [None] * 3 if step is None else [100 * step[c] for c in ("survival", "lower", "upper")]
    return row(result_id, "rate", rate[0], lower=rate[1], upper=rate[2],
               note=note if step is not None else f"follow-up ends before {month} months", **shared)


def logrank(frame: pd.DataFrame, by: str, result_id: str, population: str = "all patients") -> dict:
    """The log-rank test between groups of an endpoint's rows, as one result row."""
    known = frame[frame[by].notna()]
    shared = {"population": population, "group": schema.label_of(by), "n": len(known), "events": int(known["event"].sum()),
              "method": "log-rank test"}
    try:
        test = logrank_test(known["days"], known["event"], known[by])
    except NotEstimable as why:
        return row(result_id, "p", None, note=str(why), **shared)
    return row(result_id, "p", test.p, note=f"chi-square {test.statistic:.2f}, {test.df} df", **shared)


def logrank_test(days, event, group, *, strata=None, weighting: str = "log-rank") -> models.Test:
    """The log-rank test between groups, or one of its weighted forms.

    Parameters
    ----------
    group : array-like
        A label a row, none missing.
    strata : array-like, optional
        Groups are compared within strata, and the differences added up. Not for Gehan-Breslow and Tarone-Ware.
    weighting : str
        A key of :data:`WEIGHTINGS`: ``log-rank`` weighs all days alike, ``Peto-Peto`` by survival just before the day
        (R's ``survdiff(rho=1)``), ``Gehan-Breslow`` by the number at risk and ``Tarone-Ware`` by its root (all three:
        early days more), ``Fleming-Harrington, late`` by the share that has had the event (late days more).

    Raises
    ------
    NotEstimable
        Fewer than two groups, no event, or groups that were never at risk together.
    """
    days, event = observed.outcome(days, event)
    group = pd.Series(np.asarray(group)).astype(str).to_numpy()
    if len(set(group)) < 2 or not event.any():
        raise NotEstimable("fewer than two groups" if len(set(group)) < 2 else "no events")
    weight = WEIGHTINGS[weighting]
    if isinstance(weight, str):
        if strata is not None:
            raise ValueError(f"the {weighting} test is not computed within strata")
        test = multivariate_logrank_test(days, group, event, weightings=weight)
        statistic = test.test_statistic
    else:
        # A day later each, which changes no test: greenwood finds nobody at risk on day 0.
        strata = None if strata is None else pd.factorize(np.asarray(strata))[0]
        try:
            statistic = greenwood.logrank_test(greenwood.Surv(days + 1, event=event.astype(int)), group, strata=strata,
                                               rho=weight[0], gamma=weight[1]).statistic
        except np.linalg.LinAlgError:
            statistic = np.nan
    if not np.isfinite(statistic):
        raise NotEstimable("the groups were never at risk together when an event happened")
    degrees = len(set(group)) - 1
    return models.Test(float(statistic), degrees, float(stats.chi2.sf(statistic, degrees)))


def pairwise_logrank(days, event, group, method: str = "holm") -> pd.DataFrame:
    """The log-rank test of each pair of groups, corrected for their number.

    Parameters
    ----------
    group : array-like
        Labels, or a categorical whose order the pairs follow.
    method : str
        Of :func:`statsmodels.stats.multitest.multipletests`: ``holm``, or ``fdr_bh`` for Benjamini and Hochberg's.

    Returns
    -------
    pandas.DataFrame
        ``first, second, n, events, chi_square, p, adjusted``, and ``note`` where a pair cannot be compared.
    """
    days, event = observed.outcome(days, event)
    group = pd.Categorical(group)
    lines = []
    for first, second in combinations([level for level in group.categories if (group == level).any()], 2):
        pair = np.asarray((group == first) | (group == second))
        line = {"first": str(first), "second": str(second), "n": int(pair.sum()), "events": int(event[pair].sum()), "note": ""}
        try:
            test = logrank_test(days[pair], event[pair], np.asarray(group)[pair])
            lines.append(line | {"chi_square": test.statistic, "p": test.p})
        except NotEstimable as why:
            lines.append(line | {"chi_square": np.nan, "p": np.nan, "note": str(why)})
    table = pd.DataFrame(lines, columns=["first", "second", "n", "events", "chi_square", "p", "note"])
    known = table["p"].notna()
    table.loc[known, "adjusted"] = multipletests(table.loc[known, "p"], method=method)[1] if known.any() else []
    return table[["first", "second", "n", "events", "chi_square", "p", "adjusted", "note"]]


@disclosure.protected
def pairwise(study: Cohort, name: str, by: str) -> pd.DataFrame:
    """Each pair of groups of an endpoint: log-rank tests with Holm's correction.

    Returns
    -------
    pandas.DataFrame
        ``<endpoint>.pairwise.<by>.<first>_vs_<second>`` (corrected P, the uncorrected one in the note); or the row that
        says why not.
    """
    prefix = slug(name, "pairwise", by)
    if reason := _reason(study, name, by):
        return results.skipped(prefix, reason)
    frame = endpoints.derive(study, name)
    known = frame[frame[by].notna()]
    if known[by].nunique() < 3:
        return results.skipped(prefix, "fewer than three groups, so there is only one comparison")
    rows = results.collect(
        row(slug(prefix, f"{pair['first']} vs {pair['second']}"), "p", None if pd.isna(pair["adjusted"]) else pair["adjusted"],
            group=f"{pair['first']} and {pair['second']}", n=pair["n"], events=pair["events"],
            method="log-rank test, Holm's correction", note=pair["note"] or f"P = {pair['p']:.3f} by itself")
        for _, pair in pairwise_logrank(known["days"], known["event"], known[by]).iterrows())
    rows.attrs["label"] = "Groups compared"
    return rows


def mantel_byar(days, event, switched, result_id: str, **labels) -> dict:
    """The log-rank test of a state that patients enter during follow-up (Mantel and Byar 1974), as one result row.

    Until a patient enters the state, the time counts for those outside it; an event on the very day counts there too.

    Parameters
    ----------
    days, event : array-like
        Days from the origin, and whether the event ended them.
    switched : array-like of float
        Day from the origin on which the state was entered; not a number for those who never entered it.
    """
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    switched = np.asarray(switched, dtype=float)
    observed = expected = variance = 0.0
    for day in np.unique(days[event]):
        at_risk = days >= day
        inside = at_risk & (switched < day)  # never true of nan
        died, n, share = (event & (days == day)), at_risk.sum(), inside.sum() / at_risk.sum()
        observed += (died & inside).sum()
        expected += died.sum() * share
        variance += died.sum() * share * (1 - share) * (n - died.sum()) / max(n - 1, 1)
    shared = {"n": len(days), "events": int(event.sum()), "method": "Mantel-Byar test"} | labels
    if variance == 0:
        return row(result_id, "p", None, note="nobody was at risk in both states when an event happened", **shared)
    statistic = (observed - expected) ** 2 / variance
    return row(result_id, "p", stats.chi2.sf(statistic, 1), note=f"chi-square {statistic:.2f}, 1 df", **shared)


def rate_months(study: Cohort) -> tuple[int, ...]:
    """The times, in months, at which this cohort's rates are read."""
    longest = study.patients["last_follow_up_day"].max()
    return MONTHS if longest >= MONTHS[0] * DAYS_PER_MONTH else MONTHS_IF_SHORT


@disclosure.protected
def clustered_rates(study: Cohort, name: str) -> pd.DataFrame:
    """The rates of :func:`estimates` with intervals that allow for several rows (sites) of one patient.

    Rows ``<name>.rate<m>.clustered``: the same estimates as ``<name>.rate<m>``, with the infinitesimal jackknife over
    patients in place of Greenwood's variance.
    """
    prefix = name.lower()
    if reason := _reason(study, name, None):
        return results.skipped(slug(prefix, "clustered"), reason)
    frame = endpoints.derive(study, name)
    if frame.empty:
        return results.skipped(slug(prefix, "clustered"), NOBODY)
    patients = pd.factorize(frame["patient_id"])[0]
    curve = kaplan_meier(frame["days"], frame["event"], cluster=patients)
    rows = []
    number = disclosure.banded(patients.max() + 1, study.min_cell_count)
    for month in rate_months(study):
        rows.append(_rate_of(curve, f"{prefix}.rate{month}.clustered", month, study.min_cell_count, n=len(frame),
                             events=int(frame["event"].sum()), note=f"{number} patients" if number else "few patients",
                             method=f"Kaplan-Meier, infinitesimal jackknife over patients, {INTERVAL} interval"))
    return results.collect(rows)


@disclosure.protected
def follow_up(study: Cohort, name: str) -> pd.DataFrame:
    """Follow-up of an overall-survival endpoint, both ways it is reported.

    ``<name>.follow_up.naive``: median and quartiles (type 7) of the observed times of everyone, the dead included;
    ``<name>.follow_up.reverse_km``: median of the time to censoring, deaths censored (Schemper and Smith 1996).
    """
    prefix = slug(name, "follow_up")
    if reason := _reason(study, name, None):
        return results.skipped(prefix, reason)
    frame = endpoints.derive(study, name)
    if frame.empty:
        return results.skipped(prefix, NOBODY)
    quartiles = frame["days"].quantile([0.5, 0.25, 0.75]) / DAYS_PER_MONTH
    curve = kaplan_meier(frame["days"], ~frame["event"])
    shared = {"n": len(frame), "events": int(frame["event"].sum())}
    rows = results.collect([
        row(f"{prefix}.naive", "median months", quartiles[0.5], lower=quartiles[0.25], upper=quartiles[0.75],
            method="median of observed times, the dead included", **shared),
        _median_of(curve, f"{prefix}.reverse_km", study.min_cell_count, note="median not reached", method="reverse Kaplan-Meier", **shared)])
    rows.attrs["label"] = "Method"
    return rows


# --- Cox models -----------------------------------------------------------------------------------------------

@disclosure.protected
def cox(study: Cohort, name: str, factors: list[str], model: str, population: str = "all patients") -> pd.DataFrame:
    """A Cox model of an endpoint on yes/no or categorical factors, complete cases.

    Parameters
    ----------
    factors : list of str
        Columns; the reference is ``no``, or the first level that occurs.
    model : str
        Names the model in the ids: ``cox.<endpoint>.<model>.<factor>[.<level>]`` (hazard ratio) and the same with
        ``.p`` (Wald P value); ``cox.<endpoint>.<model>.events_per_variable``; ``cox.<endpoint>.<model>.ph.<term>``
        (proportional-hazards test, Grambsch and Therneau 1994, Kaplan-Meier transform).

    Returns
    -------
    pandas.DataFrame
        Result rows, or the row that says why the model was not fitted: a column is absent, too few events, or there is
        nothing to compare. Where a level has no event, or the estimates run away for another reason (separation), no
        finite estimate exists; the rows then hold those with Firth's penalty (:func:`analysis_lib.models.firth`), with
        the reason in the note, and a row ``....ph`` says that proportional hazards were not tested.
    """
    prefix = slug("cox", name, model)
    if reason := endpoints.lacking(study, name) or study.lacks(*factors):
        return results.skipped(prefix, reason)
    frame = endpoints.derive(study, name).dropna(subset=factors)
    if reason := _unfit(frame, factors, study.min_cell_count):
        return results.skipped(prefix, reason)
    terms = models.indicators(frame, factors)
    n, events = len(frame), int(frame["event"].sum())
    shared = {"population": population, "n": n, "events": events}
    try:
        table, separated = _fit(frame, terms, _separation(frame, factors))
    except NotEstimable as why:
        return results.skipped(prefix, str(why))
    rows = []
    note = f"with Firth's penalty, because {separated}" if separated else ""
    for term, estimate in table.iterrows():
        label = schema.term_label(term)
        rows += [row(slug(prefix, term), "hazard ratio", estimate["hr"], lower=_finite(estimate["lower"]),
                     upper=_finite(estimate["upper"]), group=label, method=FIRTH if separated else COX, note=note, **shared),
                 row(slug(prefix, term, "p"), "p", estimate["p"], group=label, note=note,
                     method="penalised likelihood ratio test" if separated else "Wald test", **shared)]
    rows.append(row(f"{prefix}.events_per_variable", "expected", events / terms.shape[1], method="events / parameters",
                    note="fewer than the ten usually asked for, so read it with care" if events < 10 * terms.shape[1]
                    else "at least the ten usually asked for", **shared))
    return results.collect(rows + _proportional_hazards(frame, terms, prefix, shared, separated))


def _fit(frame: pd.DataFrame, terms: pd.DataFrame, separated: str) -> tuple[pd.DataFrame, str]:
    """The terms of the Cox model, and why they bear Firth's penalty; empty when they do not."""
    if not separated:
        try:
            return models.cox(terms, frame["days"], frame["event"]).terms, ""
        except models.NoConvergence:
            separated = "the estimates of the plain model run away (separation)"
    return models.firth(terms, frame["days"], frame["event"]), separated


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None


def factors_of(study: Cohort, name: str) -> list[str]:
    """The single factors to compare for an endpoint: what the study's rows say about the moment its clock starts.

    In a cohort without salvage therapy after CAR T, the disease columns describe day 0, and stage is taken as it is.
    """
    if name == "OS1":
        return AT_INDEX if study.after_car_t else ["stage", *AT_SALVAGE]
    return AT_SALVAGE


def univariable(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """Each factor on its own: medians by level, log-rank test, Cox model.

    Parameters
    ----------
    factors : list of str
        Columns, yes/no or categorical. Patients in whom a factor is unknown are left out of that factor only.

    Returns
    -------
    pandas.DataFrame
        Result rows, for each factor ``<endpoint>.median.<factor>.<level>``, ``<endpoint>.logrank.<factor>``,
        ``cox.<endpoint>.uv.<factor>[.<level>]`` (hazard ratio), the same with ``.p`` (Wald), and
        ``cox.<endpoint>.uv.ph.<factor>[.<level>]``; then ``<endpoint>.uv.small_p``: how many of the ``n`` log-rank tests
        have P below 0.05 (their factors in the note), and ``<endpoint>.uv.by_chance``: how many would, were all factors
        irrelevant (both only if there is a test). A factor that is absent has one row ``cox.<endpoint>.uv.<factor>`` that
        says so; one without a hazard ratio has such a row beside its medians. When no factor is there: the single row that
        says why.
    """
    prefix = name.lower()
    if reason := endpoints.lacking(study, name) or _all_absent(study, factors):
        return results.skipped(slug(prefix, "uv"), reason)
    if endpoints.derive(study, name).empty:
        return results.skipped(slug(prefix, "uv"), "this cohort has nobody to follow")
    absent, parts = [factor for factor in factors if study.lacks(factor)], []
    for factor in factors:
        if factor in absent:
            parts.append(results.skipped(slug("cox", name, "uv", factor), study.lacks(*absent)))
            continue
        parts.append(results.pick(estimates(study, name, by=factor), "median time", "p"))
        model = cox(study, name, [factor], "uv")
        if reason := results.skip_reason(model):
            parts.append(results.skipped(slug("cox", name, "uv", factor), reason))
        else:
            of_the_model = ("events_per_variable", "ph", "ph.global")
            parts.append(model[~model["result_id"].isin([slug("cox", name, "uv", row_id) for row_id in of_the_model])])
    rows = results.collect(parts)
    tests = rows[rows["result_id"].str.startswith(f"{prefix}.logrank.") & rows["value"].notna()]
    if tests.empty:
        return rows
    small = tests[tests["value"] < 0.05]
    return results.collect([
        rows,
        row(slug(prefix, "uv", "small_p"), "count", len(small), n=len(tests), events=len(small),
            method="log-rank tests with P < 0.05", note=", ".join(small["group"]) or "none"),
        row(slug(prefix, "uv", "by_chance"), "expected", 0.05 * len(tests), n=len(tests),
            method="0.05 times the number of tests")])


def holm(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Holm's correction (1979) of an endpoint's log-rank tests.

    Returns
    -------
    pandas.DataFrame
        ``<endpoint>.holm.<factor>`` (corrected P) and ``<endpoint>.holm.small_p`` (how many of ``n`` are below 0.05); or
        the row that says why there is nothing to correct.
    """
    prefix = name.lower()
    tests = rows[rows["result_id"].str.startswith(f"{prefix}.logrank.") & rows["value"].notna()]
    if tests.empty:
        return results.skipped(slug(prefix, "holm"), results.skip_reason(rows) or "no factor could be compared")
    corrected = multipletests(tests["value"].astype(float), method="holm")[1]
    small = int((corrected < 0.05).sum())
    return results.collect([
        *(row(test["result_id"].replace(".logrank.", ".holm."), "p", p, group=test["group"], n=test["n"],
              events=test["events"], method="log-rank test, Holm's correction")
          for p, (_, test) in zip(corrected, tests.iterrows())),
        row(slug(prefix, "holm", "small_p"), "count", small, n=len(tests), events=small, method="Holm's correction",
            note=", ".join(tests["group"][corrected < 0.05]) or "none")])


@disclosure.protected
def overlap(study: Cohort, index: str, factors: list[str]) -> pd.DataFrame:
    """How often an index is ``yes`` among patients with and without each factor: rows ``<index>.<factor>.<level>``.

    A level that nobody has, has no row.
    """
    if reason := study.lacks(index, *factors):
        return results.skipped(slug(index), reason)
    known = study.patients[study.patients[index].notna()]
    return results.collect([
        describe.proportion(slug(index, factor, level), int((part[index] == "yes").sum()), len(part), group=schema.label_of(factor))
        for factor in factors for level in schema.YES_NO if len(part := known[known[factor] == level])])


def _all_absent(study: Cohort, factors: list[str]) -> str:
    return study.lacks(*factors) if all(study.lacks(factor) for factor in factors) else ""


def multivariable(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The Cox model of an endpoint on those of the factors that this cohort has and that differ between its patients.

    Returns
    -------
    pandas.DataFrame
        The rows of :func:`cox` with ``mv`` as the model, then one row ``cox.<endpoint>.mv.<factor>`` for each factor
        that was left out, saying why; or the row that says why there is no model, such as fewer than two factors left.
    """
    prefix = slug("cox", name, "mv")
    if reason := endpoints.lacking(study, name) or _all_absent(study, factors):
        return results.skipped(prefix, reason)
    frame = endpoints.derive(study, name)
    left_out = {factor: reason for factor in factors
                if (reason := study.lacks(factor) or _unfit(frame.dropna(subset=[factor]), [factor], study.min_cell_count))}
    kept = [factor for factor in factors if factor not in left_out]
    if len(kept) < 2:
        return results.skipped(prefix, f"fewer than two factors can be compared ({'; '.join(dict.fromkeys(left_out.values()))})")
    model = cox(study, name, kept, "mv")
    if results.skip_reason(model):
        return model
    return results.collect([model, *(results.skipped(slug(prefix, factor), reason) for factor, reason in left_out.items())])


def _unfit(frame: pd.DataFrame, factors: list[str], least: int) -> str:
    """Why there is no hazard ratio, or none to show: fewer than ``least`` events in a level."""
    if least > 1 and frame["event"].sum() < least:
        return f"fewer than {least} patients whose factors are all known had the event"
    if frame.empty or not frame["event"].any():
        return "nobody had the event among patients whose factors are all known"
    for factor in factors:
        by_level = frame.groupby(frame[factor].astype(str))["event"].sum()
        if least > 1 and (len(by_level) < 2 or (by_level < least).any()):
            return f"fewer than {least} patients with one level of {schema.label_of(factor)} had the event"
        if len(by_level) < 2:
            return f"all patients are alike in {schema.label_of(factor)}"
    events, terms = int(frame["event"].sum()), sum(frame[factor].astype(str).nunique() - 1 for factor in factors)
    if events <= terms:
        return f"{events} event{'s' if events > 1 else ''} cannot carry {terms} hazard ratio{'s' if terms > 1 else ''}"
    return ""


def _separation(frame: pd.DataFrame, factors: list[str]) -> str:
    """Which level has no event, so that no finite hazard ratio exists; empty when all have."""
    for factor in factors:
        events = frame.groupby(frame[factor].astype(str))["event"].sum()
        if (events == 0).any():
            return f"nobody with {schema.label_of(factor)} = {events.index[events == 0][0]} had the event (separation)"
    return ""


def _proportional_hazards(frame, terms, prefix, shared, separated="") -> list[dict]:
    method = "proportional-hazards test (Schoenfeld residuals, Kaplan-Meier transform)"
    try:
        if separated:
            raise NotEstimable(f"proportional hazards cannot be tested, because {separated}")
        table = models.proportional_hazards(terms, frame["days"], frame["event"])
    except NotEstimable as why:
        return [row(slug(prefix, "ph"), "skipped", None, method=method, note=str(why), **shared)]
    return [row(slug(prefix, "ph", label), "p", test["p"], method=method, **shared,
                group="All factors together" if label == "global" else schema.term_label(label))
            for label, test in table.iterrows()]


# --- shared ---------------------------------------------------------------------------------------------------

def _reason(study: Cohort, name: str, by: str | None) -> str:
    if reason := endpoints.lacking(study, name):
        return reason
    if by is None:
        return ""
    frame = endpoints.derive(study, name)
    if frame.empty or (by in frame and frame[by].notna().any()):
        return ""
    own = f"sites.{by}" if by in schema.SITES.columns and by not in schema.PATIENTS.columns else by
    none = f"none of this cohort's {endpoints.ENDPOINTS[name].unit} belongs to a group of this comparison"
    return study.lacks(*schema.SOURCES.get(by, [own])) or none


def _frame(study: Cohort, name: str, where) -> pd.DataFrame:
    frame = endpoints.derive(study, name)
    return frame if where is None else frame[where(frame)].reset_index(drop=True)


def _groups(frame: pd.DataFrame, by: str | None) -> dict[str, pd.DataFrame]:
    """The groups that occur, in the order of the dictionary; rows whose group is unknown are left out."""
    if frame.empty:
        return {}
    if by is None:
        return {"": frame}
    known = frame[frame[by].notna()]
    return {str(label): group for label, group in known.groupby(by, observed=True)}
