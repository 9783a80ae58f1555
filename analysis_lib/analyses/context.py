"""Pool a proportion over published series: exact intervals, fixed and random effects, heterogeneity.

Series are pooled on the logit scale by inverse variance; the variance between series is Paule and Mandel's
(1982), from statsmodels. The logit is preferred to the Freeman-Tukey transformation, whose
back-transformation depends on a single sample size chosen for all series (Schwarzer 2019).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis_lib.analyses import summaries
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.estimators.meta import LOGIT, combine, logit
from analysis_lib.rows import released, results
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

SERIES = Path(__file__).parents[1] / "paper" / "series.csv"
# levels of failure_pattern with a failure in sites involved before
WITH_OLD_SITES = ("local", "local and de novo")


@released.published
def published() -> pd.DataFrame:
    """The published series of failure in previously involved sites, as Ababneh et al. (2023) print or cite
    them.

    Returns
    -------
    pandas.DataFrame
        ``key`` (of the reference), ``label, year, events, n, unit`` (what ``n`` counts), ``counted`` (what
        ``events`` counts), ``place`` (where in the paper) and ``pooled``: ``no`` for a second printing of the
        same quantity.
    """
    return pd.read_csv(SERIES)


def own_series(study: Cohort) -> pd.DataFrame:
    """The cohort's own count in the columns of :func:`published`, or the row that says why there is none.

    ``pooled`` is ``no`` for synthetic patients: they repeat counts that the paper printed.
    """
    if reason := not_comparable(study):
        return disclosure.skipped(study, "context.own", reason)
    pattern, k = study.patients["failure_pattern"].dropna(), study.min_cell_count
    events, n = int(pattern.isin(WITH_OLD_SITES).sum()), len(pattern)
    if disclosure.hides(study) and (events < k or n - events < k):
        return disclosure.skipped(study, "context.own", "the numbers are too small")
    own = pd.DataFrame(
        [
            {
                "key": "own",
                "label": "This cohort",
                "year": pd.NA,
                "events": disclosure.banded(events, k),
                "n": disclosure.banded(n, k),
                "unit": "patients",
                "counted": "failure in previously involved sites, alone or with new ones",
                "place": "its own rows",
                "pooled": "no" if study.synthetic else "yes",
            }
        ]
    )
    return release(own, study.min_cell_count)


def in_context(study: Cohort, printing: str = "Results") -> pd.DataFrame:
    """The published series and, if it is to be pooled with them, the cohort's own; or the row that says why
    not.

    ``printing`` chooses which of the paper's two counts of its own patients is taken: ``Results`` or
    ``Discussion``.
    """
    if not study.after_car_t:
        return disclosure.skipped(study, "context", not_comparable(study))
    series = published()
    other = {"Results": "Discussion", "Discussion": "Results"}[printing]
    series = series[series["place"] != other].assign(pooled="yes")
    own = own_series(study)
    mine = [] if results.skip_reason(own) else [own[own["pooled"] == "yes"]]
    together = pd.concat([series, *(part for part in mine if len(part))], ignore_index=True)
    return release(together, study.min_cell_count)


@disclosure.protected
def own_share(study: Cohort) -> pd.DataFrame:
    """The cohort's own share, row ``context.cohort``; the note says whether it is pooled."""
    share = shares(own_series(study))
    if reason := results.skip_reason(share):
        return results.skipped("context.cohort", reason)
    return share.assign(
        result_id="context.cohort",
        note=_whether_pooled(study),
    )


def _whether_pooled(study: Cohort) -> str:
    """Whether the pooled share takes this cohort in, and why."""
    if study.synthetic:
        what = "repeat the counts that the paper printed" if study.of_the_paper else "are no new patients"
        return f"These synthetic patients {what}: the pooled share below leaves them out."
    return (
        "The pooled share below takes this cohort in; that is right only if none of its patients is in a "
        "published series already."
    )


def not_comparable(study: Cohort) -> str:
    """Why the published series say nothing of this cohort; empty where they do."""
    if not study.after_car_t:
        return (
            f"the published series speak of another treatment than this cohort, whose day 0 is "
            f"{study.index_event}"
        )
    return study.lacks("failure_pattern")


@released.derived
def shares(series: pd.DataFrame, prefix: str = "context") -> pd.DataFrame:
    """The share of each series with its exact interval: rows ``<prefix>.<key>``, group the label, note what
    was counted.
    """
    if results.skip_reason(series):
        return series
    rows = results.collect(
        [
            summaries.proportion(
                slug(prefix, one["key"]), one["events"], one["n"], group=one["label"], population=one["unit"]
            )
            | ({"note": f"{one['unit']}: {one['counted']}"} if one["n"] else {})
            for one in series.to_dict("records")
        ]
    )
    rows.attrs["label"] = "Series"
    return rows


@released.derived
def pooled(series: pd.DataFrame, prefix: str = "context.pooled") -> pd.DataFrame:
    """The share over the series marked ``pooled``, by fixed and by random effects.

    Parameters
    ----------
    series : pandas.DataFrame
        With ``label, events, n`` and, optionally, ``pooled``; a series without events, or with nothing else,
        has half an event and half a non-event added, and a series with ``n`` 0 is left out.

    Returns
    -------
    pandas.DataFrame
        Result rows ``<prefix>.fixed`` and ``<prefix>.random`` (percent), ``<prefix>.heterogeneity`` (P value
        of Cochran's Q), ``<prefix>.i2`` (percent) and ``<prefix>.tau2`` (variance between series, logit
        scale); or the row that says why nothing is pooled.
    """
    if reason := results.skip_reason(series):
        return results.skipped(prefix, reason)
    counted = series[(series["n"] > 0) & (series.get("pooled", "yes") == "yes")]
    if len(counted) < 2:
        return results.skipped(prefix, "fewer than two series can be pooled")
    effect, variance = logit(counted["events"], counted["n"])
    return results.collect(
        combine(
            effect,
            variance,
            prefix,
            "proportion",
            LOGIT,
            name="share",
            members="series",
            n=int(counted["n"].sum()),
            events=int(counted["events"].sum()),
        )
    )


@released.derived
def left_out_in_turn(series: pd.DataFrame) -> pd.DataFrame:
    """The random-effects share without each series in turn, rows ``context.without.<key>``; the largest
    change first.
    """
    if reason := results.skip_reason(series):
        return results.skipped("context.without", reason)
    counted = series[(series["n"] > 0) & (series["pooled"] == "yes")]
    if len(counted) < 3:
        return results.skipped("context.without", "fewer than three series can be pooled")
    of_all = _random(counted)["value"]
    parts = [
        _random(counted[counted["key"] != one["key"]])
        | {"result_id": slug("context.without", one["key"]), "group": f"Without {one['label']}"}
        for one in counted.to_dict("records")
    ]
    return results.collect(sorted(parts, key=lambda part: -abs(part["value"] - of_all)))


def _random(series: pd.DataFrame) -> dict:
    rows = pooled(series)
    return rows[rows["result_id"] == "context.pooled.random"].iloc[0].to_dict()


def two_printings(study: Cohort) -> pd.DataFrame:
    """The study's own count as its Results and as its Discussion print it, and how the two differ.

    Returns
    -------
    pandas.DataFrame
        Result rows ``context.printed.results``, ``context.printed.discussion`` (proportions) and
        ``context.printed.more_failures``, ``context.printed.more_patients`` (counts) and
        ``context.printed.shift`` (percentage points): Discussion minus Results.
    """
    if not study.after_car_t:
        return disclosure.skipped(study, "context.printed", not_comparable(study))
    counts = published().query("key == 'ababneh2023'").set_index("place")
    first, second = counts.loc["Results"], counts.loc["Discussion"]
    minus: dict = {"method": "Discussion minus Results"}
    return released.public(
        results.collect(
            [
                summaries.proportion(
                    "context.printed.results",
                    first["events"],
                    first["n"],
                    group="Results",
                    population="patients",
                ),
                summaries.proportion(
                    "context.printed.discussion",
                    second["events"],
                    second["n"],
                    group="Discussion",
                    population="patients",
                ),
                row("context.printed.more_failures", "count", second["events"] - first["events"], **minus),
                row("context.printed.more_patients", "count", second["n"] - first["n"], **minus),
                row(
                    "context.printed.shift",
                    "estimate",
                    100 * (second["events"] / second["n"] - first["events"] / first["n"]),
                    **minus,
                ),
            ]
        )
    )
