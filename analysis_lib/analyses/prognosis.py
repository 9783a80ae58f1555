"""Prognostic factors: each on its own, several together in a Cox model, and what many tests do to P."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis_lib.analyses import summaries
from analysis_lib.analyses.survival import NOBODY, estimates, logrank
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import columns, words
from analysis_lib.estimators import models
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.released import derived, release
from analysis_lib.rows.results import row, slug

# Factors of the study: those of the index therapy, and those of the patient and the disease when salvage
# began.
AT_INDEX = ["responder", "bridging_therapy", "car_t_product"]
AT_SALVAGE = [
    "bulky_disease",
    "two_or_more_sites",
    "extranodal_disease",
    "poor_performance",
    "advanced_stage",
    "ldh_elevated",
    "high_ipi",
    "cns_disease",
]
ADJUSTED = {
    "OS1": AT_INDEX,
    "OS2": ["advanced_stage", "ldh_elevated"],
    "EFS2": ["advanced_stage", "ldh_elevated"],
}
COX = "Cox model, Efron ties, Wald interval"
FIRTH = "Cox model, Firth's penalty, Breslow ties, profile penalised likelihood interval"
# where the rows of single factors of a real cohort carry it, made from exact P values
CORRECTED = "Holm's correction"


@disclosure.protected
@needs("cox.{name}.{model}", "{name}", "{factors}")
def cox(
    study: Cohort, name: str, factors: list[str], model: str, population: str = "all patients"
) -> pd.DataFrame:
    """A Cox model of an endpoint on yes/no or categorical factors, complete cases.

    Parameters
    ----------
    factors : list of str
        Columns; the reference is ``no``, or the first level that occurs.
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
    frame = endpoints.derive(study, name).dropna(subset=factors)
    if reason := _unfit(frame, factors, study.min_cell_count):
        return results.skipped(prefix, reason)
    terms = models.indicators(frame, factors)
    n, events = len(frame), int(frame["event"].sum())
    shared: dict = {"population": population, "n": n, "events": events}
    try:
        table, separated = _fit(frame, terms, _separation(frame, factors))
    except NotEstimable as why:
        return results.skipped(prefix, str(why))
    rows = []
    note = f"with Firth's penalty, because {separated}" if separated else ""
    for term, estimate in table.iterrows():
        label = words.term_label(term)
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
                **shared,
            ),
            row(
                slug(prefix, term, "p"),
                "p",
                estimate["p"],
                group=label,
                note=note,
                method="penalised likelihood ratio test" if separated else "Wald test",
                **shared,
            ),
        ]
    rows.append(
        row(
            f"{prefix}.events_per_variable",
            "expected",
            events / terms.shape[1],
            method="events / parameters",
            note="fewer than the ten usually asked for, so read it with care"
            if events < 10 * terms.shape[1]
            else "at least the ten usually asked for",
            **shared,
        )
    )
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
    """The single factors to compare for an endpoint: what the study's rows say about the moment its clock
    starts.

    In a cohort without salvage therapy after CAR T, the disease columns describe day 0, and stage is taken as
    it is.
    """
    if name == "OS1":
        return AT_INDEX if study.after_car_t else ["stage", *AT_SALVAGE]
    return AT_SALVAGE


@needs("{name}.uv", "{name}", any_of=("{factors}",))
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
        ``cox.<endpoint>.uv.ph.<factor>[.<level>]``; then ``<endpoint>.uv.small_p``: how many of the ``n``
        log-rank tests have P below 0.05 (their factors in the note), and ``<endpoint>.uv.by_chance``: how
        many would, were all factors irrelevant (both only if there is a test). A factor that is absent has
        one row ``cox.<endpoint>.uv.<factor>`` that says so; one without a hazard ratio has such a row beside
        its medians. When no factor is there: the single row that says why.
    """
    prefix = name.lower()
    if endpoints.derive(study, name).empty:
        return disclosure.skipped(study, slug(prefix, "uv"), NOBODY)
    absent, parts = [factor for factor in factors if study.lacks(factor)], []
    for factor in factors:
        if factor in absent:
            parts.append(disclosure.skipped(study, slug("cox", name, "uv", factor), study.lacks(*absent)))
            continue
        parts.append(results.pick(estimates(study, name, by=factor), "median time", "p"))
        model = cox(study, name, [factor], "uv")
        if reason := results.skip_reason(model):
            parts.append(disclosure.skipped(study, slug("cox", name, "uv", factor), reason))
        else:
            of_the_model = ("events_per_variable", "ph", "ph.global")
            parts.append(
                model[~model["result_id"].isin([slug("cox", name, "uv", row_id) for row_id in of_the_model])]
            )
    rows = results.collect(parts)
    tests = rows[rows["result_id"].str.startswith(f"{prefix}.logrank.") & rows["value"].notna()]
    if tests.empty:
        return disclosure.protect(study, rows)
    small = tests[tests["value"] < 0.05]
    counted = results.collect(
        [
            row(
                slug(prefix, "uv", "small_p"),
                "count",
                len(small),
                n=len(tests),
                events=len(small),
                method="log-rank tests with P < 0.05",
                note=", ".join(small["group"]) or "none",
            ),
            row(
                slug(prefix, "uv", "by_chance"),
                "expected",
                0.05 * len(tests),
                n=len(tests),
                method="0.05 times the number of tests",
            ),
        ]
    )
    # counts of tests, not of patients: they follow from P values that have passed
    found = results.collect([disclosure.protect(study, rows), release(counted, study.min_cell_count)])
    # a correction of rounded P values would be wrong, and one without the hidden ones too
    if disclosure.hides(study):
        there = [factor for factor in factors if factor not in absent]
        found.attrs[CORRECTED] = corrected_within(study, name, there).to_dict("records")
    return found


@derived
def holm(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Holm's correction (1979) of an endpoint's log-rank tests.

    Returns
    -------
    pandas.DataFrame
        ``<endpoint>.holm.<factor>`` (corrected P) and ``<endpoint>.holm.small_p`` (how many of ``n`` are
        below 0.05); or the row that says why there is nothing to correct.
    """
    if CORRECTED in rows.attrs:
        return results.collect(rows.attrs[CORRECTED])
    return _holm(rows, name)


def _holm(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    prefix = name.lower()
    tests = rows[rows["result_id"].str.startswith(f"{prefix}.logrank.") & rows["value"].notna()]
    if tests["note"].str.contains("P rounded to one digit").any():
        return results.skipped(slug(prefix, "holm"), "P values that are rounded cannot be corrected")
    if tests.empty:
        return results.skipped(
            slug(prefix, "holm"), results.skip_reason(rows) or "no factor could be compared"
        )
    corrected = multipletests(tests["value"].astype(float), method="holm")[1]
    small = int((corrected < 0.05).sum())
    return results.collect(
        [
            *(
                row(
                    test["result_id"].replace(".logrank.", ".holm."),
                    "p",
                    p,
                    group=test["group"],
                    n=test["n"],
                    events=test["events"],
                    method="log-rank test, Holm's correction",
                    note=results.hidden(test),
                )
                for p, (_, test) in zip(corrected, tests.iterrows())
            ),
            row(
                slug(prefix, "holm", "small_p"),
                "count",
                small,
                n=len(tests),
                events=small,
                method="Holm's correction",
                note=", ".join(tests["group"][corrected < 0.05]) or "none",
            ),
        ]
    )


def corrected_within(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The rows of :func:`analysis_lib.analyses.prognosis.holm` from exact P values, as they may be shown."""
    frame = endpoints.derive(study, name)
    tests = results.collect(
        logrank(frame, factor, slug(name, "logrank", factor), least=study.min_cell_count)
        for factor in factors
        if frame[factor].notna().any()
    )
    rows = _holm(tests.assign(note=[results.hidden(one) for one in tests.to_dict("records")]), name)
    of_tests = rows["statistic"] == "count"
    rows = results.collect([disclosure.protect(study, rows[~of_tests]), rows[of_tests]])
    shown = rows[(rows["statistic"] == "p") & rows["value"].notna()]
    small = shown[shown["value"] < 0.05]
    last = rows["result_id"] == slug(name, "holm", "small_p")
    rows.loc[last, ["value", "events", "n"]] = len(small), len(small), len(shown)
    rows.loc[last, "note"] = ", ".join(small["group"]) or "none"
    return rows


@needs("cox.{name}.mv", "{name}", any_of=("{factors}",))
def of_several(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The rows of :func:`analysis_lib.analyses.prognosis.multivariable` before disclosure control: for
    corrections of P values, not for showing.
    """
    prefix = slug("cox", name, "mv")
    frame = endpoints.derive(study, name)
    left_out = {
        factor: reason
        for factor in factors
        if (
            reason := study.lacks(factor)
            or _unfit(frame.dropna(subset=[factor]), [factor], study.min_cell_count)
        )
    }
    kept = [factor for factor in factors if factor not in left_out]
    if len(kept) < 2:
        return results.skipped(
            prefix, f"fewer than two factors can be compared ({'; '.join(dict.fromkeys(left_out.values()))})"
        )
    model = cox.__wrapped__(study, name, kept, "mv")  # type: ignore[attr-defined]  # functools.wraps sets it
    if results.skip_reason(model):
        return model
    return results.collect(
        [model, *(results.skipped(slug(prefix, factor), reason) for factor, reason in left_out.items())]
    )


@disclosure.protected
@needs("{index}", "{index}", "{factors}")
def overlap(study: Cohort, index: str, factors: list[str]) -> pd.DataFrame:
    """How often an index is ``yes`` among patients with and without each factor: rows
    ``<index>.<factor>.<level>``.

    A level that nobody has, has no row.
    """
    known = study.patients[study.patients[index].notna()]
    return results.collect(
        [
            summaries.proportion(
                slug(index, factor, level),
                int((part[index] == "yes").sum()),
                len(part),
                group=words.label_of(factor),
            )
            for factor in factors
            for level in columns.YES_NO
            if len(part := known[known[factor] == level])
        ]
    )


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


def _unfit(frame: pd.DataFrame, factors: list[str], least: int) -> str:
    """Why there is no hazard ratio, or none to show: fewer than ``least`` events in a level."""
    if least > 1 and frame["event"].sum() < least:
        return f"fewer than {least} patients whose factors are all known had the event"
    if frame.empty or not frame["event"].any():
        return "nobody had the event among patients whose factors are all known"
    for factor in factors:
        by_level = frame.groupby(frame[factor].astype(str))["event"].sum()
        if least > 1 and (len(by_level) < 2 or (by_level < least).any()):
            return f"fewer than {least} patients with one level of {words.label_of(factor)} had the event"
        if len(by_level) < 2:
            return f"all patients are alike in {words.label_of(factor)}"
    events, terms = (
        int(frame["event"].sum()),
        sum(frame[factor].astype(str).nunique() - 1 for factor in factors),
    )
    if events <= terms:
        return (
            f"{events} event{'s' if events > 1 else ''} cannot carry {terms} hazard "
            f"ratio{'s' if terms > 1 else ''}"
        )
    return ""


def _separation(frame: pd.DataFrame, factors: list[str]) -> str:
    """Which level has no event, so that no finite hazard ratio exists; empty when all have."""
    for factor in factors:
        events = frame.groupby(frame[factor].astype(str))["event"].sum()
        if (events == 0).any():
            return (
                f"nobody with {words.label_of(factor)} = {events.index[events == 0][0]} had the event "
                f"(separation)"
            )
    return ""


def _proportional_hazards(
    frame: pd.DataFrame, terms: pd.DataFrame, prefix: str, shared: dict, separated: str = ""
) -> list[dict]:
    method = "proportional-hazards test (Schoenfeld residuals, Kaplan-Meier transform)"
    try:
        if separated:
            raise NotEstimable(f"proportional hazards cannot be tested, because {separated}")
        table = models.proportional_hazards(terms, frame["days"], frame["event"])
    except NotEstimable as why:
        return [row(slug(prefix, "ph"), "skipped", None, method=method, note=str(why), **shared)]
    return [
        row(
            slug(prefix, "ph", label),
            "p",
            test["p"],
            method=method,
            **shared,
            group="All factors together" if label == "global" else words.term_label(label),
        )
        for label, test in table.iterrows()
    ]
