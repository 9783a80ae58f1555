"""Cox models of an endpoint: of one factor or of several together, with what is asked of such a model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.words import within
from analysis_lib.estimators import models
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import LOG_RANK
from analysis_lib.rows.results import row, slug

COX = "Cox model, Efron ties, Wald interval"
PROPORTIONAL = "proportional-hazards test (Schoenfeld residuals, Kaplan-Meier transform)"
FIRTH = "Cox model, Firth's penalty, Breslow ties, profile penalised likelihood interval"


@disclosure.protected
@needs("cox.{name}.{model}", "{name}", "{factors}")
def cox(
    study: Cohort, name: str, factors: list[str], model: str, population: str = "all patients"
) -> pd.DataFrame:
    """A Cox model of an endpoint on yes/no or categorical factors and numbers, complete cases.

    Parameters
    ----------
    factors : list of str
        Columns; the reference is ``no``, the first level that occurs, or the one that the cohort declares.
    model : str
        Names the model in the ids: ``cox.<endpoint>.<model>.<factor>[.<level>]`` (hazard ratio) and the same
        with ``.p`` (Wald P value); ``cox.<endpoint>.<model>.events_per_variable``;
        ``cox.<endpoint>.<model>.ph.<term>`` (proportional-hazards test, Grambsch and Therneau 1994,
        Kaplan-Meier transform).

    Returns
    -------
    pandas.DataFrame
        Result rows, or the row that says why the model was not fitted: a column is absent, too few events, or
        there is nothing to compare. Where a level has no event, or the estimates run away for another reason
        (separation), no finite estimate exists; the rows then hold those with Firth's penalty
        (:func:`analysis_lib.estimators.models.firth`), with the reason in the note, and a row ``....ph`` says
        that proportional hazards were not tested.
    """
    prefix = slug("cox", name, model)
    frame = endpoints.watched(endpoints.derive(study, name, late=True), *factors).dropna(subset=factors)
    if reason := _unfit(study, frame, factors):
        return results.skipped(prefix, reason)
    terms = models.indicators(frame, factors, study.factors)
    n, events = len(frame), int(frame["event"].sum())
    shared: dict = {"population": population, "n": n, "events": events}
    try:
        table, separated = _fit(frame, terms, _separation(study, frame, factors))
    except NotEstimable as why:
        return results.skipped(prefix, str(why))
    per_variable = row(
        f"{prefix}.events_per_variable",
        "expected",
        events / terms.shape[1],
        method="events / parameters",
        **shared,
    )
    return results.collect(
        [
            *_of_terms(study, table, _compared(study, frame, terms), prefix, shared, separated),
            per_variable,
            *_proportional_hazards(study, frame, terms, prefix, shared, separated),
        ]
    ).assign(endpoint=name)


def _of_terms(
    study: Cohort, table: pd.DataFrame, labels: dict[str, str], prefix: str, shared: dict, separated: str
) -> list[dict]:
    """For each term of a model its hazard ratio and P; ``separated``: why they bear Firth's penalty."""
    rows, note = [], f"with Firth's penalty, because {separated}" if separated else ""
    for term, estimate in table.iterrows():
        label, of_term = labels[term], _about(study, term)
        rows += [
            row(
                slug(prefix, term),
                "hazard ratio",
                estimate["hr"],
                lower=_finite(estimate["lower"]),
                upper=_finite(estimate["upper"]),
                group=label,
                method=FIRTH if separated else COX,
                note=note,
                **of_term,
                **shared,
            ),
            row(
                slug(prefix, term, "p"),
                "p",
                estimate["p"],
                group=label,
                note=note,
                method="penalised likelihood ratio test" if separated else "Wald test",
                **of_term,
                **shared,
            ),
        ]
    return rows


def _compared(study: Cohort, frame: pd.DataFrame, terms: pd.DataFrame) -> dict[str, str]:
    """What each term is called: of a level, with the one that it is held against."""
    called = {}
    for term in terms:
        factor, _, level = term.partition(".")
        held = {other.partition(".")[2] for other in terms if other.partition(".")[0] == factor}
        against = [each for each in frame[factor].astype(str).unique() if each not in held] if level else []
        called[term] = study.term_label(term) + "".join(
            f", not {study.level_label(factor, each)}" for each in against
        )
    return called


def _about(study: Cohort, term: str) -> dict:
    """The factor of a term, and the level that it holds against the reference; a number has none."""
    factor, _, level = term.partition(".")
    return {"by": factor, "level": "" if study.factor(factor).number else level or "yes"}


def is_of_number(rows: pd.DataFrame) -> pd.Series:
    """Which rows speak of a number's ratio, or of its test: of a model's terms, it alone has no level."""
    of_term = rows["statistic"].isin(["hazard ratio", "p"]) & ~rows["method"].isin([PROPORTIONAL, LOG_RANK])
    return of_term & (rows["by"] != "") & (rows["level"] == "")


def multivariable(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The Cox model of an endpoint on those of the factors that this cohort has and that differ between its
    patients.

    Returns
    -------
    pandas.DataFrame
        The rows of :func:`cox` with ``mv`` as the model, then one row ``cox.<endpoint>.mv.<factor>`` for each
        factor that was left out, saying why; or the row that says why there is no model, such as fewer than
        two factors left.
    """
    return disclosure.protect(study, of_several(study, name, factors))


@needs("cox.{name}.mv", "{name}", any_of=("{factors}",))
def of_several(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The rows of :func:`multivariable` before disclosure control: for
    corrections of P values, not for showing.
    """
    prefix = slug("cox", name, "mv")
    frame = endpoints.watched(endpoints.derive(study, name, late=True), *factors)
    left_out = {
        factor: reason
        for factor in factors
        if (reason := study.lacks(factor) or _unfit(study, frame.dropna(subset=[factor]), [factor]))
    }
    kept = [factor for factor in factors if factor not in left_out]
    why = "; ".join(dict.fromkeys(left_out.values()))
    if len(kept) < 2:
        return results.skipped(prefix, f"fewer than two factors can be compared{f' ({why})' if why else ''}")
    model = cox.__wrapped__(study, name, kept, "mv")  # type: ignore[attr-defined]  # functools.wraps sets it
    if results.skip_reason(model):
        return model
    return results.collect(
        [
            model,
            *(
                results.skipped(slug(prefix, factor), reason, endpoint=name, by=factor)
                for factor, reason in left_out.items()
            ),
        ]
    )


def _fit(frame: pd.DataFrame, terms: pd.DataFrame, separated: str) -> tuple[pd.DataFrame, str]:
    """The terms of the Cox model, and why they bear Firth's penalty; empty when they do not."""
    start = endpoints.start_of(frame)
    if not separated:
        try:
            return models.cox(terms, frame["days"], frame["event"], start=start).terms, ""
        except models.NoConvergence:
            separated = "the estimates of the plain model run away (separation)"
    if start is not None:
        raise NotEstimable(f"{separated}; with late entry there is no penalised estimate")
    return models.firth(terms, frame["days"], frame["event"]), separated


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None


def _unfit(study: Cohort, frame: pd.DataFrame, factors: list[str]) -> str:
    """Why there is no hazard ratio, or none to show: too few events in a level."""
    least = study.min_cell_count
    if least > 1 and frame["event"].sum() < least:
        return f"fewer than {least} patients whose factors are all known had the event"
    if frame.empty or not frame["event"].any():
        return "nobody had the event among patients whose factors are all known"
    numbers = [factor for factor in factors if study.factor(factor).number]
    for factor in factors:
        if factor in numbers and frame[factor].nunique() > 1:
            continue
        by_level = frame["event"].groupby(frame[factor].astype(str)).sum()
        if least > 1 and (len(by_level) < 2 or (by_level < least).any()):
            called = within(study.label_of(factor))
            return f"fewer than {least} patients with one level of {called} had the event"
        if len(by_level) < 2:
            return f"all patients are alike in {within(study.label_of(factor))}"
    events, terms = (
        int(frame["event"].sum()),
        sum(1 if factor in numbers else frame[factor].astype(str).nunique() - 1 for factor in factors),
    )
    if events <= terms:
        return (
            f"{events} event{'s' if events > 1 else ''} cannot carry {terms} hazard "
            f"ratio{'s' if terms > 1 else ''}"
        )
    return ""


def _separation(study: Cohort, frame: pd.DataFrame, factors: list[str]) -> str:
    """Which level has no event, so that no finite hazard ratio exists; empty when all have."""
    for factor in [each for each in factors if not study.factor(each).number]:
        events = frame["event"].groupby(frame[factor].astype(str)).sum()
        if (events == 0).any():
            level = events.index[events == 0][0]
            name = within(
                study.label_of(factor) if level in ("yes", "no") else study.term_label(f"{factor}.{level}")
            )
            return f"nobody {'without' if level == 'no' else 'with'} {name} had the event (separation)"
    return ""


def _proportional_hazards(
    study: Cohort, frame: pd.DataFrame, terms: pd.DataFrame, prefix: str, shared: dict, separated: str = ""
) -> list[dict]:
    try:
        if separated:
            raise NotEstimable(f"proportional hazards cannot be tested, because {separated}")
        table = models.proportional_hazards(
            terms, frame["days"], frame["event"], start=endpoints.start_of(frame)
        )
    except NotEstimable as why:
        return [row(slug(prefix, "ph"), "skipped", None, method=PROPORTIONAL, note=str(why), **shared)]
    return [
        row(
            slug(prefix, "ph", label),
            "p",
            test["p"],
            method=PROPORTIONAL,
            **shared,
            **({} if label == "global" else _about(study, label)),
            group="All factors together" if label == "global" else study.term_label(label),
        )
        for label, test in table.iterrows()
    ]
