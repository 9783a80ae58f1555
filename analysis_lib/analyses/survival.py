"""Survival: Kaplan-Meier curves, medians and rates, follow-up, and what ended each endpoint.

Conventions: Greenwood's variance; confidence intervals on the log scale
(:data:`analysis_lib.estimators.curves.INTERVAL`; R's default and what the paper prints); Efron's handling of
ties; two-sided P; times are whole days, shown in months of 30.4375 days. Kaplan-Meier estimates and
restricted means come from greenwood, weighted and clustered curves from
:mod:`analysis_lib.estimators.weighted_curve`, log-rank tests from :mod:`analysis_lib.estimators.rank_tests`,
Cox models from :mod:`analysis_lib.estimators.models`. Each is held against R's survival package by the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from analysis_lib.analyses.log_rank import logrank
from analysis_lib.cohort import coarse, disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs, without_groups
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators.curves import INTERVAL, KM, at, at_risk, kaplan_meier, quantile, there
from analysis_lib.rows import results
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

# when rates are read; instead, where nobody is followed for a year; as well, where half are followed for five
MONTHS, MONTHS_IF_SHORT, MONTHS_IF_LONG = (12, 24), (3, 6), (60, 120)
NOBODY = "this cohort has nobody to follow"
FAR_TOO_FEW = 10**6  # no curve is carried by so many: hides what too few patients have many sites of


def curves(
    study: Cohort, name: str, by: str | None = None, where: Callable[[pd.DataFrame], pd.Series] | None = None
) -> pd.DataFrame:
    """Kaplan-Meier curves of an endpoint, one a group, stacked for plotting.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`analysis_lib.estimators.curves.kaplan_meier`, or those of
        :func:`analysis_lib.cohort.coarse.coarse` for a cohort whose small numbers are hidden, and ``group``
        (the label of the group; empty without ``by``); or the row that says why there is no curve.
    """
    if reason := without_groups(study, name, by):
        return disclosure.skipped(study, slug(name, "curve"), reason)
    groups = _groups(_frame(study, name, by, where), by)
    if not groups:
        return disclosure.skipped(study, slug(name, "curve"), NOBODY)
    drawn = {label: _curve(group) for label, group in groups.items()}
    if disclosure.hides(study):
        drawn = {
            label: steps
            for label, curve in drawn.items()
            if _enough_patients(groups[label], study.min_cell_count)
            and len(steps := coarse.coarse(curve, study.min_cell_count))
        }
    if not drawn:
        return disclosure.skipped(study, slug(name, "curve"), "too few patients or events for a curve")
    named = (each.assign(group=study.level_label(by, label)) for label, each in drawn.items())
    stacked = pd.concat(named, ignore_index=True)
    stacked.attrs |= {"label": study.label_of(by) if by else "", "by": by or ""}
    stacked.attrs["late"] = endpoints.enters_late(study)
    stacked.attrs[disclosure.RULE] = study.min_cell_count * disclosure.hides(study)
    return release(stacked, study.min_cell_count)


# --- medians, rates, tests ------------------------------------------------------------------------


@disclosure.protected
def estimates(
    study: Cohort,
    name: str,
    by: str | None = None,
    where: Callable[[pd.DataFrame], pd.Series] | None = None,
    population: str = "all patients",
    prefix: str = "",
) -> pd.DataFrame:
    """Medians, rates and numbers at risk of an endpoint, overall or by group, and the log-rank test between
    groups.

    Parameters
    ----------
    study : Cohort
    name : str
        A key of :data:`analysis_lib.cohort.endpoints.ENDPOINTS`.
    by : str, optional
        Column that names the groups: any that the endpoint's rows have
        (:func:`analysis_lib.cohort.endpoints.derive`), so also one that an analysis added to
        ``study.patients``.
    where : callable, optional
        Takes the endpoint's rows, returns those to keep (bool); ``population`` then says who they are.
    prefix : str
        First part of the ids; the endpoint's name by default.

    Returns
    -------
    pandas.DataFrame
        Result rows ``<prefix>.median[.by.group]``, ``<prefix>.rate<m>...`` and ``<prefix>.at_risk<m>...`` for
        the months of :func:`rate_months`, and, with groups, ``<prefix>.logrank.<by>``; or the row that says
        why not.
    """
    prefix = prefix or name.lower()
    if reason := without_groups(study, name, by):
        return results.skipped(
            slug(prefix, "median", *filter(None, [by])), reason, endpoint=name, by=by or ""
        )
    frame = _frame(study, name, by, where)
    groups = _groups(frame, by)
    if not groups:
        return results.skipped(
            slug(prefix, "median", *filter(None, [by])), NOBODY, endpoint=name, by=by or ""
        )
    rows = [
        r
        for label, group in groups.items()
        for r in _estimates_of(
            group,
            prefix,
            [by, label] if by else [],
            {"population": population, "group": study.level_label(by, label), "endpoint": name}
            | ({"by": by, "level": label} if by else {}),
            rate_months(study),
            study.min_cell_count,
        )
    ]
    if by:
        test, least, label = slug(prefix, "logrank", by), study.min_cell_count, study.label_of(by)
        rows.append(logrank(frame, by, test, population, least, name, label))
    collected = results.collect(rows)
    collected.attrs["label"] = study.label_of(by) if by else ""
    return collected


def _estimates_of(
    frame: pd.DataFrame,
    prefix: str,
    by: list[str],
    about: dict,
    months: Iterable[int],
    least: int,
) -> Iterator[dict]:
    curve, n, events = _curve(frame), len(frame), int(frame["event"].sum())
    shared: dict = about | {"n": n, "events": events}
    if not _enough_patients(frame, least):
        shared |= {"n": None, "events": None}
        least = FAR_TOO_FEW
    yield _median_of(
        curve, slug(prefix, "median", *by), least, note="median not reached", method=KM, **shared
    )
    start = endpoints.start_of(frame)
    for month in months:
        day = month * DAYS_PER_MONTH
        yield _rate_of(curve, slug(prefix, f"rate{month}", *by), month, least, method=KM, **shared)
        still = row(
            slug(prefix, f"at_risk{month}", *by),
            "at risk",
            at_risk(frame["days"], day, start),
            method=f"time at least {month} months",
            **shared,
        )
        yield disclosure.of_patients(still, least, frame.loc[there(frame["days"], day, start), "patient_id"])


def _enough_patients(frame: pd.DataFrame, k: int) -> bool:
    """Whether ``k`` patients had the event and ``k`` did not end with it, where a row may be one of several
    of a patient.
    """
    if k <= 1 or not frame["patient_id"].duplicated().any():
        return True
    return min(frame.loc[frame["event"] == had, "patient_id"].nunique() for had in (True, False)) >= k


def _median_of(curve: pd.DataFrame, result_id: str, least: int, note: str = "", **shared: Any) -> dict:
    """The row of a curve's median; where fewer than ``least`` carry it, it is hidden."""
    days = [quantile(curve, column) for column in ("survival", "lower", "upper")]
    thin = [day is not None and not coarse.carried(curve, day, least) for day in days]
    days = [
        day if day is None or hide else disclosure.crossing(curve, day, least)
        for day, hide in zip(days, thin)
    ]
    months = [
        None if day is None or thin[0] or hide else day / DAYS_PER_MONTH for day, hide in zip(days, thin)
    ]
    note = disclosure.too_few(least) if any(thin) else note if days[0] is None else ""
    return row(result_id, "median time", months[0], lower=months[1], upper=months[2], note=note, **shared)


def _rate_of(
    curve: pd.DataFrame, result_id: str, month: int, least: int, note: str = "", **shared: Any
) -> dict:
    """The row of a curve's height at a month; where fewer than ``least`` carry it, it is hidden."""
    day = month * DAYS_PER_MONTH
    step = at(curve, day)
    if step is not None and not coarse.carried(curve, day, least):
        return row(result_id, "rate", None, note=disclosure.too_few(least), **shared)
    rate = [None] * 3 if step is None else [100 * step[c] for c in ("survival", "lower", "upper")]
    return row(
        result_id,
        "rate",
        rate[0],
        lower=rate[1],
        upper=rate[2],
        note=note if step is not None else f"follow-up ends before {month} months",
        **shared,
    )


def rate_months(study: Cohort) -> tuple[int, ...]:
    """The times, in months, at which this cohort's rates are read."""
    followed = study.patients["last_follow_up_day"] / DAYS_PER_MONTH
    long = followed.median() >= MONTHS_IF_LONG[0]
    return MONTHS + MONTHS_IF_LONG * bool(long) if followed.max() >= MONTHS[0] else MONTHS_IF_SHORT


@disclosure.protected
@needs("{name}.clustered", "{name}")
def clustered_rates(study: Cohort, name: str) -> pd.DataFrame:
    """The rates of :func:`estimates` with intervals that allow for several rows (sites) of one patient.

    Rows ``<name>.rate<m>.clustered``: the same estimates as ``<name>.rate<m>``, with the infinitesimal
    jackknife over patients in place of Greenwood's variance.
    """
    prefix = name.lower()
    frame = endpoints.derive(study, name)
    if frame.empty:
        return results.skipped(slug(prefix, "clustered"), NOBODY)
    patients = pd.factorize(frame["patient_id"])[0]
    curve = kaplan_meier(frame["days"], frame["event"], cluster=patients)
    rows = []
    number = disclosure.banded(patients.max() + 1, study.min_cell_count)
    enough = _enough_patients(frame, study.min_cell_count)
    for month in rate_months(study):
        rows.append(
            _rate_of(
                curve,
                f"{prefix}.rate{month}.clustered",
                month,
                study.min_cell_count if enough else FAR_TOO_FEW,
                n=len(frame) if enough else None,
                events=int(frame["event"].sum()) if enough else None,
                endpoint=name,
                note=f"{number} patients" if number else "few patients",
                method=f"Kaplan-Meier, infinitesimal jackknife over patients, {INTERVAL} interval",
            )
        )
    return results.collect(rows)


@disclosure.protected
@needs("{name}.follow_up", "{name}")
def follow_up(study: Cohort, name: str) -> pd.DataFrame:
    """Follow-up of an overall-survival endpoint, both ways it is reported.

    ``<name>.follow_up.naive``: median and quartiles (type 7) of the observed times of everyone, the dead
    included; ``<name>.follow_up.reverse_km``: median of the time to censoring, deaths censored (Schemper and
    Smith 1996).
    """
    prefix = slug(name, "follow_up")
    frame = endpoints.derive(study, name, late=True)
    if frame.empty:
        return results.skipped(prefix, NOBODY)
    quartiles = frame["days"].quantile([0.5, 0.25, 0.75]) / DAYS_PER_MONTH
    curve = kaplan_meier(frame["days"], ~frame["event"], start=endpoints.start_of(frame))
    if disclosure.hides(study):
        quartiles = {
            level: disclosure.middle(frame["days"], level, study.min_cell_count) / DAYS_PER_MONTH
            for level in (0.5, 0.25, 0.75)
        }
    shared: dict = {"n": len(frame), "events": int(frame["event"].sum()), "endpoint": name}
    rows = results.collect(
        [
            row(
                f"{prefix}.naive",
                "median months",
                quartiles[0.5],
                lower=quartiles[0.25],
                upper=quartiles[0.75],
                method="median of observed times, the dead included",
                **shared,
            ),
            _median_of(
                curve,
                f"{prefix}.reverse_km",
                study.min_cell_count,
                note="median not reached",
                method="reverse Kaplan-Meier",
                **shared,
            ),
        ]
    )
    rows.attrs["label"] = "Method"
    return rows


# --- shared ---------------------------------------------------------------------------------------


def _frame(study: Cohort, name: str, by: str | None, where: Callable | None) -> pd.DataFrame:
    frame = endpoints.derive(study, name, late=True)
    watched = endpoints.watched(frame, by or "")
    return watched if where is None else watched[where(frame)].reset_index(drop=True)


def _curve(frame: pd.DataFrame) -> pd.DataFrame:
    return kaplan_meier(frame["days"], frame["event"], start=endpoints.start_of(frame))


def _groups(frame: pd.DataFrame, by: str | None) -> dict[str, pd.DataFrame]:
    """The groups that occur, in the order of the dictionary; rows whose group is unknown are left out."""
    if frame.empty:
        return {}
    if by is None:
        return {"": frame}
    known = frame[frame[by].notna()]
    return {str(label): group for label, group in known.groupby(by, observed=True)}


@disclosure.protected
def ends(study: Cohort) -> pd.DataFrame:
    """What ended each endpoint: counts ``<endpoint>.ended_by.<what>`` of the patients, sites or courses it
    follows.

    For an endpoint that the cohort cannot give, the row ``<endpoint>.ended_by`` says why.
    """
    parts = []
    for name, endpoint in endpoints.ENDPOINTS.items():
        prefix = slug(name, "ended_by")
        if reason := endpoints.lacking(study, name):
            parts.append(results.skipped(prefix, reason, endpoint=name))
            continue
        derived = endpoints.derive(study, name, late=True)
        known = [s for s in (*endpoint.events, endpoint.censor) if s.column in derived]
        parts += [
            row(
                slug(prefix, source.meaning),
                "count",
                int((derived["ended_by"] == source.meaning).sum()),
                population=endpoint.unit,
                group=endpoints.called(study, source),
                endpoint=name,
                n=len(derived),
                events=int(derived["event"].sum()),
            )
            for source in known
        ]
    return results.collect(parts)
