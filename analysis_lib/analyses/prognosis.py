"""Prognostic factors: each on its own, several together in a Cox model, and what many tests do to P."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from analysis_lib.analyses import summaries
from analysis_lib.analyses.cox_models import cox, is_of_number
from analysis_lib.analyses.log_rank import logrank, pairwise
from analysis_lib.analyses.survival import NOBODY, estimates
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import columns
from analysis_lib.dictionary.factors import ENDPOINTS
from analysis_lib.estimators import many_tests
from analysis_lib.rows import results
from analysis_lib.rows.methods import LOG_RANK
from analysis_lib.rows.released import derived, release
from analysis_lib.rows.results import row, slug

# where the rows of single factors of a real cohort carry it, made from exact P values
CORRECTED = "Holm's correction"
# Where day 0 is no CAR T-cell infusion, the disease columns describe day 0.
AS_AT_SALVAGE = {"OS1": "OS2", "EFS1": "EFS2"}
MODELLED = ("OS1", "OS2", "EFS2")  # by the study; a cohort may compare by factors of its own what it likes


def factors_of(study: Cohort, name: str, use: Literal["alone", "together"] = "alone") -> list[str]:
    """The factors to compare for an endpoint: the study's, known when its clock starts, then the cohort's
    own.

    In a cohort without salvage therapy after CAR T, the disease columns describe day 0, and stage is taken as
    it is; of the study's factors only those are asked for that it has, if it has any.
    """
    role = name if study.after_car_t else AS_AT_SALVAGE.get(name, name)
    listed = [each.column for each in study.factors if (name if each.own else role) in getattr(each, use)]
    if study.after_car_t:
        return listed
    if role != name and use == "alone":
        listed = ["stage", *listed]
    return [column for column in listed if not study.lacks(column)] or listed


def adjusted(study: Cohort) -> dict[str, list[str]]:
    """For each endpoint that the study models, and each that a factor of the cohort's own belongs to, the
    factors of its model.
    """
    own = {name for each in study.own_factors for name in each.together}
    return {
        name: factors_of(study, name, "together") for name in ENDPOINTS if name in own or name in MODELLED
    }


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
        tests have P below 0.05 (a count, which names none of them), and ``<endpoint>.uv.by_chance``: how
        many would, were all factors irrelevant (both only if there is a test). A factor that is absent has
        one row ``cox.<endpoint>.uv.<factor>`` that says so; one without a hazard ratio has such a row beside
        its medians. When no factor is there: the single row that says why.
    """
    prefix = name.lower()
    if endpoints.derive(study, name, late=True).empty:
        return disclosure.skipped(study, slug(prefix, "uv"), NOBODY)
    absent, parts = [factor for factor in factors if study.lacks(factor)], []
    for factor in factors:
        if factor in absent:
            parts.append(_without_ratio(study, name, factor, study.lacks(*absent)))
            continue
        if not study.factor(factor).number:
            parts.append(results.pick(estimates(study, name, by=factor), "median time", "p"))
        model = cox(study, name, [factor], "uv")
        if reason := results.skip_reason(model):
            parts.append(_without_ratio(study, name, factor, reason))
        else:
            parts.append(model[model["by"] == factor])  # the others speak of the model
    rows = results.collect(parts)
    tests = _tests(rows, name)
    if len(tests) < 2:
        return disclosure.protect(study, rows)
    counted = _counted(tests, name)
    # counts of tests, not of patients: they follow from P values that have passed
    found = results.collect([disclosure.protect(study, rows), release(counted, study.min_cell_count)])
    # a correction of rounded P values would be wrong, and one without the hidden ones too
    if disclosure.hides(study):
        there = [factor for factor in factors if factor not in absent]
        found.attrs[CORRECTED] = corrected_within(study, name, there).to_dict("records")
    return found


def _counted(tests: pd.DataFrame, name: str) -> pd.DataFrame:
    """How many of the tests are small, and how many would be by chance."""
    kind = (
        "log-rank tests" if tests["method"].eq(LOG_RANK).all() else "log-rank tests, Wald tests of numbers,"
    )
    small = tests[tests["value"] < 0.05]
    return results.collect(
        [
            row(
                slug(name, "uv", "small_p"),
                "count",
                len(small),
                n=len(tests),
                events=len(small),
                method=f"{kind} with P < 0.05",
                endpoint=name,
            ),
            row(
                slug(name, "uv", "by_chance"),
                "expected",
                0.05 * len(tests),
                n=len(tests),
                method="0.05 times the number of tests",
                endpoint=name,
            ),
        ]
    )


def _without_ratio(study: Cohort, name: str, factor: str, reason: str) -> pd.DataFrame:
    """The row of a factor that has no hazard ratio of its own."""
    gone = results.skipped(slug("cox", name, "uv", factor), reason, endpoint=name, by=factor)
    return disclosure.protect(study, gone)


def _tests(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """One test a factor: log-rank; of a number, which has no level, that of its hazard ratio."""
    of_factor = (rows["method"] == LOG_RANK) | ((rows["statistic"] == "p") & is_of_number(rows))
    return rows[(rows["endpoint"] == name) & of_factor & rows["value"].notna()]


def curves_by_own(study: Cohort) -> list[pd.DataFrame]:
    """For each factor of the cohort's own, and for the groups that it names, each endpoint of which there are
    to be curves: the rows of :func:`analysis_lib.analyses.survival.estimates` with the prefix
    ``own.<endpoint>``. Groups come first, with all endpoints.

    Endpoints that the cohort cannot give are left out: other sections say so.
    """
    wanted = [(study.groups, name) for name in ENDPOINTS] if study.groups != REGIMENS else []
    wanted += [(each.column, name) for each in study.own_factors for name in each.curves]
    return [
        estimates(study, name, by=by, prefix=slug("own", name))
        for by, name in dict.fromkeys(wanted)
        if not endpoints.lacking(study, name) and not study.lacks(by)
    ]


def pairs_of_groups(study: Cohort) -> list[pd.DataFrame]:
    """Each pair of the groups that the cohort names, endpoint by endpoint, where there are three or more:
    the rows of :func:`analysis_lib.analyses.log_rank.pairwise`.
    """
    if study.groups == REGIMENS or study.lacks(study.groups) or study.patients[study.groups].nunique() < 3:
        return []
    return [
        pairwise(study, name, by=study.groups) for name in ENDPOINTS if not endpoints.lacking(study, name)
    ]


@derived
def holm(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Holm's correction (1979) of an endpoint's tests of single factors.

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
    tests = _tests(rows, name)
    if tests["note"].str.contains("P rounded to one digit").any():
        return results.skipped(slug(prefix, "holm"), "P values that are rounded cannot be corrected")
    if tests.empty:
        return results.skipped(
            slug(prefix, "holm"), results.skip_reason(rows) or "no factor could be compared"
        )
    if len(tests) < 2:
        return results.skipped(slug(prefix, "holm"), "one test alone needs no correction")
    corrected = many_tests.corrected(tests["value"].astype(float), "holm")
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
                    method=f"{'log-rank' if test['method'] == LOG_RANK else 'Wald'} test, Holm's correction",
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
            ),
        ]
    )


def corrected_within(study: Cohort, name: str, factors: list[str]) -> pd.DataFrame:
    """The rows of :func:`analysis_lib.analyses.prognosis.holm` from exact P values, as they may be shown."""
    frame = endpoints.derive(study, name, late=True)
    known = [factor for factor in factors if frame[factor].notna().any()]
    numbers = [factor for factor in known if study.factor(factor).number]
    models = [cox.__wrapped__(study, name, [factor], "uv") for factor in numbers]  # type: ignore[attr-defined]
    tests = results.collect(
        [
            *(
                logrank(
                    frame,
                    factor,
                    slug(name, "logrank", factor),
                    least=study.min_cell_count,
                    endpoint=name,
                    label=study.label_of(factor),
                )
                for factor in known
                if factor not in numbers
            ),
            *(model[is_of_number(model) & (model["statistic"] == "p")] for model in models),
        ]
    )
    rows = _holm(tests.assign(note=[results.hidden(one) for one in tests.to_dict("records")]), name)
    of_tests = rows["statistic"] == "count"
    rows = results.collect([disclosure.protect(study, rows[~of_tests]), rows[of_tests]])
    shown = rows[(rows["statistic"] == "p") & rows["value"].notna()]
    small = shown[shown["value"] < 0.05]
    last = rows["result_id"] == slug(name, "holm", "small_p")
    rows.loc[last, ["value", "events", "n"]] = len(small), len(small), len(shown)
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
                group=study.label_of(factor),
                by=factor,
                level=level,
            )
            for factor in factors
            for level in columns.YES_NO
            if len(part := known[known[factor] == level])
        ]
    )
