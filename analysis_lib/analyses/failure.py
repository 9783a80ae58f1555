"""Failure after CAR T: best response, when it came and how long it held, where the lymphoma came back,
CD19.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses.summaries import association, proportion, spread
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import columns
from analysis_lib.rows import results
from analysis_lib.rows.results import slug


def called(study: Cohort) -> str:
    """What the cohort calls the event that ends its time to failure, within a sentence."""
    return study.competing.get("failure_day", "failure")


def question(study: Cohort) -> str:
    """What there is to ask of it: of an event with a name of its own, not whether the disease came back."""
    if "failure_day" in study.competing:
        return f"When did {called(study)} come?"
    return f"When did the disease come back{'' if study.lacks('failure_pattern') else ', and where'}?"


@disclosure.protected
@needs("response.orr", "best_response")
def best_responses(study: Cohort) -> pd.DataFrame:
    """Best response among patients in whom it is known: ``response.<level>``, and ``response.orr`` (CR or
    PR).
    """
    known = study.patients["best_response"].dropna()
    orr = proportion(
        "response.orr", int(known.isin(["CR", "PR"]).sum()), len(known), group="CR or PR (overall response)"
    )
    levels = [
        proportion(
            slug("response", level),
            int((known == level).sum()),
            len(known),
            group=level,
            by="best_response",
            level=level,
        )
        for level in columns.RESPONSES
    ]
    return results.collect([orr, *levels])


@disclosure.protected
def response_times(study: Cohort) -> pd.DataFrame:
    """When response was assessed, reached and lost.

    Returns
    -------
    pandas.DataFrame
        ``response.first_assessment`` (days since day 0, median and quartiles), ``response.time_to_cr``
        (months, median and range, patients whose best response was CR), ``response.duration`` (months from
        ``response_day`` to ``failure_day``, median and quartiles, responders whose disease failed) and
        ``response.until_failure`` (the same responders, from day 0); those whose columns exist.
    """
    patients, parts, least = study.patients, [], study.min_cell_count
    if not study.lacks("first_assessment_day"):
        parts.append(spread("response.first_assessment", patients["first_assessment_day"], least=least))
    if not study.lacks("best_response", "complete_response_day"):
        in_cr = patients["best_response"] == "CR"
        parts.append(
            spread(
                "response.time_to_cr",
                patients.loc[in_cr, "complete_response_day"],
                "range",
                days=True,
                least=least,
                population="patients in complete response",
            )
        )
    for result_id, since in (("response.duration", "response_day"), ("response.until_failure", "")):
        if study.lacks("best_response", "failure_day", *filter(None, [since])):
            continue
        responders = patients[patients["best_response"].isin(["CR", "PR"])]
        parts.append(
            spread(
                result_id,
                responders["failure_day"] - (responders[since] if since else 0),
                days=True,
                least=least,
                population="responders whose disease failed",
            )
        )
    return (
        results.collect(parts)
        if parts
        else results.skipped(
            "response.time_to_cr",
            study.lacks("first_assessment_day", "complete_response_day", "response_day"),
        )
    )


@disclosure.protected
@needs("failure.time", "failure_day")
def time_to_failure(study: Cohort) -> pd.DataFrame:
    """Time from day 0 to failure, among patients whose disease failed: ``failure.time`` (months, median and
    quartiles).
    """
    return results.collect(
        [
            spread(
                "failure.time",
                study.patients["failure_day"],
                days=True,
                least=study.min_cell_count,
                population="patients whose disease failed",
            )
        ]
    )


@disclosure.protected
@needs("failure.any_local", "failure_pattern")
def failure_patterns(study: Cohort) -> pd.DataFrame:
    """Where the disease failed: ``failure.pattern.<level>``, and ``failure.any_local`` (alone or with new
    sites).
    """
    known, whose = study.patients["failure_pattern"].dropna(), "patients with a known pattern of failure"
    names = {
        "local": "Previous sites only",
        "local and de novo": "Previous and new sites",
        "de novo": "New sites only",
    }
    parts = [
        proportion(
            slug("failure.pattern", level),
            int((known == level).sum()),
            len(known),
            group=name,
            population=whose,
            by="failure_pattern",
            level=level,
        )
        for level, name in names.items()
    ]
    parts.append(
        proportion(
            "failure.any_local",
            int(known.str.startswith("local").sum()),
            len(known),
            group="Any previous site",
            population=whose,
        )
    )
    return results.collect(parts)


@disclosure.protected
@needs("cd19.evaluated", "cd19_at_failure")
def cd19(study: Cohort) -> pd.DataFrame:
    """CD19 at failure: ``cd19.evaluated`` (of all), ``cd19.positive`` and ``cd19.negative`` (of those
    evaluated).
    """
    known = study.patients["cd19_at_failure"].dropna()
    return results.collect(
        [proportion("cd19.evaluated", len(known), len(study.patients), group="CD19 evaluated")]
        + [
            proportion(
                slug("cd19", level),
                int((known == level).sum()),
                len(known),
                group=f"CD19 {level}",
                by="cd19_at_failure",
                level=level,
                population="patients evaluated for CD19",
            )
            for level in ("positive", "negative")
        ]
    )


@disclosure.protected
@needs("cd19.bounds", "cd19_at_failure")
def cd19_bounds(study: Cohort) -> pd.DataFrame:
    """The share of CD19-negative failures among all patients if no, or if every, untested tumour was
    negative.

    ``cd19.bounds.lowest`` and ``cd19.bounds.highest``.
    """
    status = study.patients["cd19_at_failure"]
    negative, untested = int((status == "negative").sum()), int(status.isna().sum())
    return results.collect(
        [
            proportion("cd19.bounds.lowest", negative, len(status), group="no untested tumour negative"),
            proportion(
                "cd19.bounds.highest",
                negative + untested,
                len(status),
                group="every untested tumour negative",
            ),
        ]
    )


@disclosure.protected
@needs("failure.early", "failure_day", "failure_pattern")
def early_failure(study: Cohort, days: int) -> pd.DataFrame:
    """Failures up to that day, and whether their pattern differs from that of later ones.

    ``failure.early`` (share of all failures whose day and pattern are known), ``failure.early.any_local``,
    ``failure.late.any_local`` (shares) and ``failure.early.pattern`` (chi-square test).
    """
    failed = study.patients.dropna(subset=["failure_day", "failure_pattern"])
    failed = failed.assign(when=(failed["failure_day"] <= days).map({True: "early", False: "late"}))
    local = failed["failure_pattern"].str.startswith("local")
    shares = [
        proportion(
            f"failure.{when}.any_local",
            int(local[failed["when"] == when].sum()),
            int((failed["when"] == when).sum()),
            group=f"{when} failures",
        )
        for when in ("early", "late")
    ]
    early = proportion(
        "failure.early", int((failed["when"] == "early").sum()), len(failed), group="early failures"
    )
    return results.collect(
        [
            early,
            *shares,
            association(
                failed, "failure_pattern", "when", "failure.early.pattern", least=study.min_cell_count
            ),
        ]
    )
