"""Whether stage and LDH predict who is alive after salvage therapy: what TRIPOD asks of a prediction model.

A hazard ratio says that groups differ; a prediction says a chance, and must be held against what happened:
how near it comes (Brier score), whether it is right on average and in each group (calibration), and whether
acting on it does more good than acting on everybody or nobody (decision curve) (Collins 2015).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis_lib.analyses import prognosis, ratio, survival
from analysis_lib.cohort import coarse, disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import bootstrap, curves, models, prediction
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED, capital
from analysis_lib.rows.results import row, slug

FEWEST_EVENTS = 10
TIMES = (3, 6, 9, 12, 18, 24)  # months at which the Brier score is read
THRESHOLDS = (10, 20, 30, 40, 50, 60, 70, 80)  # percent


class _Fitted(NamedTuple):
    """The patients, the terms of the model and its fit; or why there is none."""

    frame: pd.DataFrame
    terms: pd.DataFrame
    fit: models.Fit
    model: prediction.Model


def _fitted(study: Cohort, name: str) -> _Fitted | str:
    """The model of an endpoint; or, as text, why there is none."""
    frame = endpoints.derive(study, name)
    ours = [each for each in prognosis.adjusted(study)[name] if not study.factor(each).own]
    factors = ratio.usable(study, frame, ours)
    frame = frame.dropna(subset=factors).reset_index(drop=True)
    if not factors:
        return "all patients are alike in its factors"
    if frame["event"].sum() < FEWEST_EVENTS:
        return f"only {int(frame['event'].sum())} events"
    if disclosure.thin_levels(frame, factors, study.min_cell_count) or _thin_cells(study, frame, factors):
        return disclosure.TOO_FEW
    terms = models.indicators(frame, factors)
    try:
        fit = models.cox(terms, frame["days"], frame["event"])
    except NotEstimable as why:
        return str(why)
    coef = fit.terms["coef"]
    return _Fitted(frame, terms, fit, prediction.of_coefficients(coef, terms, frame["days"], frame["event"]))


def _thin_cells(study: Cohort, frame: pd.DataFrame, factors: list[str]) -> bool:
    """Whether a combination of the factors, for all of which one chance is predicted, has fewer than the
    cohort's smallest number of patients, or with the event, or without it.
    """
    k = study.min_cell_count
    cells = frame.groupby([frame[factor].astype(str) for factor in factors])["event"]
    return k > 1 and bool(
        (cells.sum() < k).any()
        or ((~frame["event"]).groupby([frame[factor].astype(str) for factor in factors]).sum() < k).any()
    )


@disclosure.protected
@needs("predicted.{name}", "{name}", any_of=("advanced_stage", "ldh_elevated"))
def predict(study: Cohort, name: str) -> pd.DataFrame:
    """The model with stage and LDH as a prediction, at the first of the cohort's months.

    Parameters
    ----------
    name : str
        ``OS2`` or ``EFS2``.

    Returns
    -------
    pandas.DataFrame
        ``predicted.<endpoint>.coefficient.<term>`` and ``.shrunken.<term>`` (hazard ratios, as fitted and
        drawn in), ``.slope`` (of bootstrap samples) and ``.heuristic`` (by how much to draw in),
        ``.explained``
        (Cox and Snell's R squared), ``.needed`` (patients for a model that need not be drawn in by more than
        a tenth); for each group of patients with one prediction ``.risk.<i>``, ``.shrunk.<i>`` and
        ``.observed.<i>`` (event by then, in percent); ``.brier<m>``, ``.null<m>`` and ``.gain<m>`` (percent
        by which the first is lower) for the months of :data:`TIMES`, ``.corrected`` and ``.corrected_gain``
        at the month, less the optimism; ``.net.<model, all>.<threshold>``. Or the row that says why not.
    """
    prefix = slug("predicted", name)
    found = _fitted(study, name)
    if isinstance(found, str):
        return results.skipped(prefix, f"{name}: {found}", endpoint=name)
    month = survival.rate_months(study)[0]
    frame = found.frame
    samples = bootstrap.samples(len(frame))
    try:
        validated = bootstrap.of_samples(found.terms, frame["days"], frame["event"], samples)
        parts = [
            *_coefficients(found, prefix, validated, len(samples)),
            *_groups(study, found, prefix, month),
            *_scores(found, prefix, month, samples),
            *_benefit(found, prefix, month),
        ]
    except NotEstimable as why:
        return results.skipped(prefix, f"{name}: {why}", endpoint=name)
    return results.collect(parts).assign(endpoint=name)


def _shared(found: _Fitted) -> dict:
    return {"n": len(found.frame), "events": int(found.frame["event"].sum())}


def _coefficients(found: _Fitted, prefix: str, validated: bootstrap.Validated, samples: int) -> list:
    """The coefficients as fitted and drawn in, by how much, and how many patients it would take."""
    shared, rows = _shared(found), []
    for term, one in found.fit.terms.iterrows():
        name = capital(ratio.label(str(term)))
        rows += [
            row(
                slug(f"{prefix}.coefficient", term),
                "hazard ratio",
                float(one["hr"]),
                lower=float(one["lower"]),
                upper=float(one["upper"]),
                group=f"{name}: as fitted",
                method="Cox model, Efron ties, Wald interval",
                by=str(term),
                **shared,
            ),
            row(
                slug(f"{prefix}.shrunken", term),
                "hazard ratio",
                float(np.exp(_shrinkage(found) * one["coef"])),
                group=f"{name}: after shrinkage",
                method="uniform shrinkage, heuristic factor",
                by=str(term),
                **shared,
            ),
        ]
    return [*rows, *_sizes(found, prefix, validated, samples)]


def _sizes(found: _Fitted, prefix: str, validated: bootstrap.Validated, samples: int) -> list:
    """By how much the coefficients are to be drawn in, what they explain, and how many patients it would
    take.
    """
    shared, terms = _shared(found), len(found.fit.terms)
    explained = 1 - float(np.exp(-found.fit.likelihood_ratio.statistic / len(found.frame)))
    drawn = f"bootstrap, {validated.used} of {samples} samples, seed {SEED}"
    return [
        _estimate(f"{prefix}.slope", validated.slope, "Calibration slope", shared, method=drawn),
        _estimate(
            f"{prefix}.heuristic",
            _shrinkage(found),
            "Shrinkage",
            shared,
            method="uniform shrinkage, heuristic factor",
        ),
        _estimate(f"{prefix}.explained", explained, "R squared", shared, method="Cox and Snell's R squared"),
        row(
            f"{prefix}.needed",
            "expected",
            float(np.ceil(prediction.patients_needed(explained, terms))),
            group="Patients for a shrinkage of 0.9",
            method="sample size of a prediction model",
            n=shared["n"],
        ),
    ]


def _shrinkage(found: _Fitted) -> float:
    return prediction.heuristic_shrinkage(found.fit.likelihood_ratio.statistic, len(found.fit.terms))


def _groups(study: Cohort, found: _Fitted, prefix: str, month: int) -> list:
    """Predicted and observed, for each group of patients with one prediction, from the lowest to the
    highest.
    """
    day, frame = month * DAYS_PER_MONTH, found.frame
    risk = prediction.risk_by(found.model, found.terms, day)
    drawn_in = prediction.of_coefficients(
        _shrinkage(found) * found.model.coef, found.terms, frame["days"], frame["event"]
    )
    shrunk = prediction.risk_by(drawn_in, found.terms, day)
    rows: list = []
    levels = sorted(set(np.round(risk, 9)))
    for place, level in enumerate(levels, start=1):
        mine = np.isclose(risk, level, atol=1e-8)
        what = " and ".join(
            ratio.label(str(term)) for term in found.terms if found.terms.loc[mine, term].iloc[0] == 1
        )
        of = frame[mine]
        shared: dict = {
            "n": len(of),
            "events": int(of["event"].sum()),
            "population": what or "none of the factors",
        }
        rows += [
            row(
                f"{prefix}.risk.{place}",
                "rate",
                100 * float(risk[mine][0]),
                group="Predicted",
                method="Cox model, predicted risk",
                **shared,
            ),
            row(
                f"{prefix}.shrunk.{place}",
                "rate",
                100 * float(shrunk[mine][0]),
                group="Predicted, after shrinkage",
                method="uniform shrinkage, heuristic factor",
                **shared,
            ),
            _observed(f"{prefix}.observed.{place}", of, month, study.min_cell_count, shared),
        ]
    return rows


def _observed(result_id: str, of: pd.DataFrame, month: int, k: int, shared: dict) -> dict:
    """The share with the event by a month, one minus Kaplan-Meier."""
    curve = curves.kaplan_meier(of["days"], of["event"])
    day = month * DAYS_PER_MONTH
    step = curves.at(curve, day)
    about: dict = {"group": "Observed", "method": curves.KM, **shared}
    if step is None:
        return row(result_id, "rate", None, note=f"follow-up ends before {month} months", **about)
    if not coarse.carried(curve, day, k):
        return row(result_id, "rate", None, note=disclosure.too_few(k), **about)
    ends = {"lower": 100 * (1 - step["upper"]), "upper": 100 * (1 - step["lower"])}
    known: dict = {end: None if np.isnan(at) else float(at) for end, at in ends.items()}
    return row(result_id, "rate", 100 * (1 - step["survival"]), **known, **about)


def _scores(found: _Fitted, prefix: str, month: int, samples: np.ndarray) -> list:
    """Brier scores over time beside those of the model that says the same of everyone, and less optimism."""
    days, event, shared = found.frame["days"], found.frame["event"], _shared(found)
    rows: list = []
    for at in sorted({*TIMES, month}):
        day = at * DAYS_PER_MONTH
        if day >= days.max():
            continue
        score = prediction.brier(prediction.risk_by(found.model, found.terms, day), days, event, day)
        null = prediction.null_brier(days, event, day)
        rows += [
            _estimate(f"{prefix}.brier{at}", score, f"The model, {at} months", shared),
            _estimate(f"{prefix}.null{at}", null, f"The same for everyone, {at} months", shared),
            _gain(f"{prefix}.gain{at}", score, null, f"Gain, {at} months", shared),
        ]
        if at == month:
            lost, used = prediction.of_samples(found.terms, days, event, day, samples)
            how = f"bootstrap, {used} of {len(samples)} samples, seed {SEED}"
            rows += [
                _estimate(
                    f"{prefix}.corrected", score + lost, "The model, in other patients", shared, method=how
                ),
                _gain(f"{prefix}.corrected_gain", score + lost, null, "Gain, in other patients", shared, how),
            ]
    return rows


def _estimate(result_id: str, value: float, group: str, shared: dict, method: str = "") -> dict:
    """A row of the model, whose method is that of the Brier score where none is named."""
    about = {"method": "Brier score, weighted by the chance of not being censored"} | shared
    return row(result_id, "estimate", value, group=group, **(about | ({"method": method} if method else {})))


def _gain(result_id: str, score: float, null: float, group: str, shared: dict, method: str = "") -> dict:
    """By how many percent a score is lower than that of no model (index of prediction accuracy)."""
    return _estimate(result_id, 100 * (1 - score / null), group, shared, method) | {"statistic": "gain"}


def _benefit(found: _Fitted, prefix: str, month: int) -> list:
    """Net benefit of acting on the model, and on everybody, in percent of all patients."""
    day, days, event = month * DAYS_PER_MONTH, found.frame["days"], found.frame["event"]
    risk, rows = prediction.risk_by(found.model, found.terms, day), []
    for percent in THRESHOLDS:
        for who, of in (("model", risk), ("all", np.ones(len(risk)))):
            value = 100 * prediction.net_benefit(of, days, event, day, percent / 100)
            rows.append(
                row(
                    f"{prefix}.net.{who}.{percent}",
                    "gain",
                    value,
                    group="Act on the model" if who == "model" else "Act on everybody",
                    population=f"threshold {percent}%",
                    method="net benefit",
                    **_shared(found),
                )
            )
    return rows
