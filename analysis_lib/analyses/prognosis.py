"""Prognostic factors: each on its own, several together in a Cox model, and what many tests do to P."""

from __future__ import annotations

import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis_lib.analyses import summaries
from analysis_lib.analyses.cox_models import cox
from analysis_lib.analyses.log_rank import logrank
from analysis_lib.analyses.survival import NOBODY, estimates
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import columns, words
from analysis_lib.rows import results
from analysis_lib.rows.methods import LOG_RANK
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
# where the rows of single factors of a real cohort carry it, made from exact P values
CORRECTED = "Holm's correction"


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
            parts.append(_without_ratio(study, name, factor, study.lacks(*absent)))
            continue
        parts.append(results.pick(estimates(study, name, by=factor), "median time", "p"))
        model = cox(study, name, [factor], "uv")
        if reason := results.skip_reason(model):
            parts.append(_without_ratio(study, name, factor, reason))
        else:
            parts.append(model[model["by"] == factor])  # the others speak of the model
    rows = results.collect(parts)
    tests = _log_rank_tests(rows, name)
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
                endpoint=name,
                note=", ".join(small["group"]) or "none",
            ),
            row(
                slug(prefix, "uv", "by_chance"),
                "expected",
                0.05 * len(tests),
                n=len(tests),
                method="0.05 times the number of tests",
                endpoint=name,
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


def _without_ratio(study: Cohort, name: str, factor: str, reason: str) -> pd.DataFrame:
    """The row of a factor that has no hazard ratio of its own."""
    gone = results.skipped(slug("cox", name, "uv", factor), reason, endpoint=name, by=factor)
    return disclosure.protect(study, gone)


def _log_rank_tests(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[(rows["endpoint"] == name) & (rows["method"] == LOG_RANK) & rows["value"].notna()]


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
    tests = _log_rank_tests(rows, name)
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
                    slug(prefix, "holm", test["by"]),
                    "p",
                    p,
                    group=test["group"],
                    n=test["n"],
                    events=test["events"],
                    method="log-rank test, Holm's correction",
                    endpoint=name,
                    by=test["by"],
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
                endpoint=name,
                note=", ".join(tests["group"][corrected < 0.05]) or "none",
            ),
        ]
    )


def corrected_within(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The rows of :func:`analysis_lib.analyses.prognosis.holm` from exact P values, as they may be shown."""
    frame = endpoints.derive(study, name)
    tests = results.collect(
        logrank(frame, factor, slug(name, "logrank", factor), least=study.min_cell_count, endpoint=name)
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
                by=factor,
                level=level,
            )
            for factor in factors
            for level in columns.YES_NO
            if len(part := known[known[factor] == level])
        ]
    )
