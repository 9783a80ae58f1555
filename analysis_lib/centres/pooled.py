"""The same result of several centres, pooled from their exports: no patient's row is needed, nor ever seen.

A centre's standard error is recovered from the interval that it exported, on the scale on which that interval
was made. A centre without a usable estimate is listed with the reason and takes no part. What is not the same
thing at every centre (other events, another method, other factors in a model) is not pooled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.centres.exchange import Export
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.dictionary.words import listed
from analysis_lib.estimators import meta
from analysis_lib.estimators.meta import Scale
from analysis_lib.paper import claims as paper_claims
from analysis_lib.rows import results, rounding
from analysis_lib.rows.limits import Z
from analysis_lib.rows.released import Released, derived, release, require
from analysis_lib.rows.results import row, slug

LOG = Scale("log", np.exp)
SCALES = {
    "proportion": meta.LOGIT,
    "rate": Scale("complementary log-log", lambda x: 100 * np.exp(-np.exp(x))),
    "hazard ratio": LOG,
    "median time": LOG,
}
NAMES = {"proportion": "share", "rate": "rate", "hazard ratio": "hazard ratio", "median time": "median"}
PAPER = "The paper, printed"


@dataclass(frozen=True)
class Effect:
    """A centre's estimate on its scale with its variance; or ``reason``, why there is none."""

    value: float = np.nan
    variance: float = np.nan
    reason: str = ""


# --- one centre -----------------------------------------------------------------------------------


def effect_of(result: pd.Series) -> Effect:
    """A result row as an effect on the scale of its statistic (:data:`SCALES`).

    Shares are taken from their counts. The others carry an interval that is symmetric on the log scale, so
    that its width there gives the standard error; of a rate S whose upper limit was cut at 100 percent, the
    distance of the lower one. The delta method moves it to log(-log S). Rows of real cohorts are rounded, and
    so is what comes of them.
    """
    if result["statistic"] == "skipped":
        return Effect(reason=result["note"])
    if pd.isna(result["value"]):
        return Effect(reason=result["note"] or "it has no estimate")
    if result["statistic"] == "proportion":
        if pd.isna(result["n"]) or pd.isna(result["events"]):
            return Effect(reason="its counts are not given")
        logit, variance = meta.logit([result["events"]], [result["n"]])
        return Effect(logit[0], variance[0])
    value, lower, upper = (
        float(result[c]) if pd.notna(result[c]) else np.nan for c in ("value", "lower", "upper")
    )
    if result["statistic"] == "rate":
        if not 0 < value < 100:
            return Effect(reason=f"a rate of {rounding.number(value, 0)}% has no standard error")
        if not 0 < lower < value:
            return Effect(reason="its interval does not give a standard error")
        error_of_log = np.log(upper / lower) / (2 * Z) if value < upper < 100 else np.log(value / lower) / Z
        return Effect(np.log(-np.log(value / 100)), (error_of_log / np.log(value / 100)) ** 2)
    if not 0 < lower < upper:
        endless = result["statistic"] == "median time" and np.isnan(upper)
        return Effect(
            reason="the interval of its median has no upper end"
            if endless
            else "its interval does not give a standard error"
        )
    return Effect(np.log(value), (np.log(upper / lower) / (2 * Z)) ** 2)


def result_of(centre: Export, result_id: str) -> pd.Series:
    """A centre's row of this name; if it has none, the skipped row that says why."""
    rows = centre.rows.set_index("result_id", drop=False)
    if result_id in rows.index:
        return rows.loc[result_id]
    parts = result_id.split(".")
    gone = rows[rows["statistic"] == "skipped"]
    for wider in [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]:
        near = gone[(gone["result_id"] == wider) | gone["result_id"].str.startswith(f"{wider}.")]
        if len(near):
            return near.iloc[0]
    return results.skipped(result_id, "it has no such result, or nobody was followed for as long").iloc[0]


def of_centres(analysis: Callable[..., pd.DataFrame]) -> Callable[..., Released]:
    """Make an analysis ``f(centres, ...)`` return a frame under the strictest rule of its centres' rows;
    centres whose rows have passed none are refused.
    """

    @functools.wraps(analysis)
    def pooling(centres: list[Export], *arguments: Any, **options: Any) -> Released:
        rule = max((require(centre.rows).rule or 0 for centre in centres), default=0)
        return release(analysis(centres, *arguments, **options), rule)

    return pooling


# --- several --------------------------------------------------------------------------------------


@of_centres
def pooled(centres: list[Export], wanted: dict[str, str]) -> pd.DataFrame:
    """Pool results over centres.

    Parameters
    ----------
    centres : list of Export
    wanted : dict
        What to pool: the name of a result and what to call it, ``{"os1.rate12": "OS1 at 12 months"}``.

    Returns
    -------
    pandas.DataFrame
        For each result ``id``: the rows ``pooled.<id>.centre.<name>`` (each centre's own estimate, or why it
        has none), those of :func:`analysis_lib.estimators.meta.combine` below ``pooled.<id>``, or one row
        ``pooled.<id>`` that says why nothing was pooled, and ``pooled.<id>.paper``, what the paper prints.
        ``population`` is what the result is called.
    """
    return results.collect([_pooled_one(centres, result_id, label) for result_id, label in wanted.items()])


def _pooled_one(centres: list[Export], result_id: str, label: str) -> pd.DataFrame:
    prefix = slug("pooled", result_id)
    found = {centre.name: result_of(centre, result_id) for centre in centres}
    effects = {name: effect_of(result) for name, result in found.items()}
    used = [name for name, effect in effects.items() if not effect.reason]
    rows = [
        _of_centre(slug(prefix, "centre", name), result, effects[name], name, label)
        for name, result in found.items()
    ]
    if reason := _not_poolable(centres, result_id, found, effects, used):
        rows.append(row(prefix, "skipped", None, population=label, note=reason))
    else:
        statistic = found[used[0]]["statistic"]
        total = {counted: sum(found[name][counted] for name in used) for counted in ("n", "events")}
        rows += meta.combine(
            [effects[name].value for name in used],
            [effects[name].variance for name in used],
            prefix,
            statistic,
            SCALES[statistic],
            name=NAMES[statistic],
            members="centres",
            hartung_knapp=True,
            population=label,
            **total,
        )
    return results.collect([*rows, *_printed(centres, result_id, label, found)])


def _of_centre(row_id: str, result: pd.Series, effect: Effect, name: str, label: str) -> dict:
    kept = {key: result[key] for key in ("n", "events", "method")}
    if result["statistic"] == "skipped" or pd.isna(result["value"]):
        return row(row_id, "skipped", None, population=label, group=name, note=effect.reason)
    return row(
        row_id,
        result["statistic"],
        result["value"],
        lower=result["lower"],
        upper=result["upper"],
        population=label,
        group=name,
        note=effect.reason and f"not pooled: {effect.reason}",
        **kept,
    )


def _not_poolable(
    centres: list[Export],
    result_id: str,
    found: dict[str, pd.Series],
    effects: dict[str, Effect],
    used: Collection[str],
) -> str:
    """Why a result is not pooled; empty when it may be."""
    endless = [
        name
        for name, result in found.items()
        if result["statistic"] == "median time" and effects[name].reason
    ]
    if endless:
        return (
            f"a median is pooled only where the intervals of all centres have two ends, and that of "
            f"{listed(endless)} has not; to leave "
            "out those who live longest would pull the pooled median down"
        )
    if len(used) < 2:
        return "fewer than two centres have an estimate"
    endpoint = result_id.removeprefix("cox.").split(".")[0].upper()
    alike = {
        "the endpoint counts other events": {c.name: c.endpoints.get(endpoint, "") for c in centres},
        "the method is not the same": {name: result["method"] for name, result in found.items()},
        "the model holds other factors": {c.name: _factors(c, result_id) for c in centres},
    }
    for what, answers in alike.items():
        given = {name: answers[name] for name in used}
        if len(set(given.values())) > 1:
            return f"{what}: " + "; ".join(
                f"{answer or 'none named'} in {name}" for name, answer in given.items()
            )
    return ""


def _factors(centre: Export, result_id: str) -> str:
    """The factors that a hazard ratio of a centre was adjusted for, its own included; empty for anything
    else.
    """
    model, _, _ = result_id.rpartition(".")
    if not model.endswith(".mv"):
        return ""
    terms = centre.rows[
        centre.rows["result_id"].str.startswith(f"{model}.") & (centre.rows["statistic"] == "hazard ratio")
    ]
    return ", ".join(sorted(terms["group"]))


def _printed(centres: list[Export], result_id: str, label: str, found: dict[str, pd.Series]) -> list[dict]:
    """What the paper prints of a result, as a row; none where it prints nothing, or where day 0 is another
    event.
    """
    statistics = [result["statistic"] for result in found.values() if result["statistic"] != "skipped"]
    if not statistics or any(centre.index_event != CAR_T for centre in centres):
        return []
    claims = paper_claims.read_claims()
    claims = claims[
        (claims["result_id"] == result_id.removesuffix(".clustered"))
        & claims["field"].isin(["value", "limits"])
    ]
    said = {field: paper_claims.parts(printed) for field, printed in zip(claims["field"], claims["printed"])}
    if not all(paper_claims.NUMBER.fullmatch(part) for part in said.get("value", ["none"])):
        return []
    ends: list = [float(end) for end in said.get("limits", [])] or [None, None]
    unit = results.STATISTICS[statistics[0]].unit
    written = said["value"][0] + ("%" if unit == "%" else f" {unit}" if unit else "")
    written += f" (95% CI {'–'.join(said['limits'])})" if "limits" in said else ""
    return [
        row(
            slug("pooled", result_id, "paper"),
            statistics[0],
            float(said["value"][0]),
            lower=ends[0],
            upper=ends[1],
            population=label,
            group=PAPER,
            note=written,
        )
    ]  # as printed, with its own precision


@derived
def weighed_by_patients(rows: pd.DataFrame, result_id: str) -> pd.DataFrame:
    """The mean of the pooled centres' estimates with their patients as weights: row
    ``pooled.<id>.by_patients``.
    """
    prefix = slug("pooled", result_id)
    used = rows[
        rows["result_id"].str.startswith(f"{prefix}.centre.")
        & (rows["statistic"] != "skipped")
        & rows["note"].eq("")
    ]
    if f"{prefix}.random" not in set(rows["result_id"]) or used["n"].isna().any():
        return results.skipped(
            f"{prefix}.by_patients", "nothing was pooled, or a centre does not say its number of patients"
        )
    mean = np.average(used["value"].astype(float), weights=used["n"].astype(float))
    return results.collect(
        [
            row(
                f"{prefix}.by_patients",
                used["statistic"].iloc[0],
                mean,
                n=int(used["n"].sum()),
                method="mean weighed by n",
            )
        ]
    )


@of_centres
def weights(centres: list[Export], result_id: str) -> pd.DataFrame:
    """Each centre's share of the weight: rows ``pooled.<id>.weight.<kind>.<name>`` (percent), kind the
    ``population``.
    """
    prefix = slug("pooled", result_id, "weight")
    rows = pooled(centres, {result_id: ""}).set_index("result_id")
    if slug("pooled", result_id, "tau2") not in rows.index:
        return results.skipped(prefix, "nothing was pooled")
    tau2 = float(rows.loc[slug("pooled", result_id, "tau2"), "value"])
    effects = {centre.name: effect_of(result_of(centre, result_id)) for centre in centres}
    variances = {name: effect.variance for name, effect in effects.items() if not effect.reason}
    parts = []
    for kind, between in {"fixed": 0.0, "random": tau2}.items():
        weight = {name: 1 / (variance + between) for name, variance in variances.items()}
        parts += [
            row(
                slug(prefix, kind, name),
                "estimate",
                100 * part / sum(weight.values()),
                population=f"{kind} effects, %",
                group=name,
                method="inverse variance",
            )
            for name, part in weight.items()
        ]
    return results.collect(parts)
