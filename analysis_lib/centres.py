"""The same result of several centres, pooled from their exports: no patient's row is needed, nor ever seen.

A centre's standard error is recovered from the interval that it exported, on the scale on which that interval was made.
A centre without a usable estimate is listed with the reason and takes no part. What is not the same thing at every centre
(other events, another method, other factors in a model) is not pooled.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display
from scipy import stats

from analysis_lib import figures, pooling, results, text
from analysis_lib.cohort import CAR_T
from analysis_lib.manifest import listed
from analysis_lib.paper import ledger
from analysis_lib.pooling import Scale
from analysis_lib.results import row, slug
from analysis_lib.sharing import Export

Z = stats.norm.isf(0.025)
LOG = Scale("log", np.exp)
SCALES = {
    "proportion": pooling.LOGIT,
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


# --- one centre -----------------------------------------------------------------------------------------------

def effect_of(result: pd.Series) -> Effect:
    """A result row as an effect on the scale of its statistic (:data:`SCALES`).

    Shares are taken from their counts. The others carry an interval that is symmetric on the log scale, so that its width
    there gives the standard error; of a rate S whose upper limit was cut at 100 percent, the distance of the lower one. The
    delta method moves it to log(-log S). Rows of real cohorts are rounded, and so is what comes of them.
    """
    if result["statistic"] == "skipped":
        return Effect(reason=result["note"])
    if pd.isna(result["value"]):
        return Effect(reason=result["note"] or "it has no estimate")
    if result["statistic"] == "proportion":
        if pd.isna(result["n"]) or pd.isna(result["events"]):
            return Effect(reason="its counts are not given")
        value, variance = pooling.logit([result["events"]], [result["n"]])
        return Effect(value[0], variance[0])
    value, lower, upper = (float(result[c]) if pd.notna(result[c]) else np.nan for c in ("value", "lower", "upper"))
    if result["statistic"] == "rate":
        if not 0 < value < 100:
            return Effect(reason=f"a rate of {text.number(value, 0)}% has no standard error")
        if not 0 < lower < value:
            return Effect(reason="its interval does not give a standard error")
        error_of_log = np.log(upper / lower) / (2 * Z) if value < upper < 100 else np.log(value / lower) / Z
        return Effect(np.log(-np.log(value / 100)), (error_of_log / np.log(value / 100)) ** 2)
    if not 0 < lower < upper:
        endless = result["statistic"] == "median time" and np.isnan(upper)
        return Effect(reason="the interval of its median has no upper end" if endless else "its interval does not give a standard error")
    return Effect(np.log(value), (np.log(upper / lower) / (2 * Z)) ** 2)


def _result_of(centre: Export, result_id: str) -> pd.Series:
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


# --- several --------------------------------------------------------------------------------------------------

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
        For each result ``id``: the rows ``pooled.<id>.centre.<name>`` (each centre's own estimate, or why it has none), those
        of :func:`analysis_lib.pooling.combine` below ``pooled.<id>``, or one row ``pooled.<id>`` that says why nothing was
        pooled, and ``pooled.<id>.paper``, what the paper prints. ``population`` is what the result is called.
    """
    return results.collect([_pooled_one(centres, result_id, label) for result_id, label in wanted.items()])


def _pooled_one(centres: list[Export], result_id: str, label: str) -> pd.DataFrame:
    prefix = slug("pooled", result_id)
    found = {centre.name: _result_of(centre, result_id) for centre in centres}
    effects = {name: effect_of(result) for name, result in found.items()}
    used = [name for name, effect in effects.items() if not effect.reason]
    rows = [_of_centre(slug(prefix, "centre", name), result, effects[name], name, label) for name, result in found.items()]
    if reason := _not_poolable(centres, result_id, found, effects, used):
        rows.append(row(prefix, "skipped", None, population=label, note=reason))
    else:
        statistic = found[used[0]]["statistic"]
        total = {counted: sum(found[name][counted] for name in used) for counted in ("n", "events")}
        rows += pooling.combine(
            [effects[name].value for name in used], [effects[name].variance for name in used], prefix, statistic,
            SCALES[statistic], name=NAMES[statistic], members="centres", hartung_knapp=True, population=label, **total)
    return results.collect([*rows, *_printed(centres, result_id, label, found)])


def _of_centre(row_id: str, result: pd.Series, effect: Effect, name: str, label: str) -> dict:
    kept = {key: result[key] for key in ("n", "events", "method")}
    if result["statistic"] == "skipped" or pd.isna(result["value"]):
        return row(row_id, "skipped", None, population=label, group=name, note=effect.reason)
    return row(row_id, result["statistic"], result["value"], lower=result["lower"], upper=result["upper"], population=label,
               group=name, note=effect.reason and f"not pooled: {effect.reason}", **kept)


def _not_poolable(centres, result_id, found, effects, used) -> str:
    """Why a result is not pooled; empty when it may be."""
    endless = [name for name, result in found.items() if result["statistic"] == "median time" and effects[name].reason]
    if endless:
        return (f"a median is pooled only where the intervals of all centres have two ends, and that of {listed(endless)} has not; to leave "
                "out those who live longest would pull the pooled median down")
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
            return f"{what}: " + "; ".join(f"{answer or 'none named'} in {name}" for name, answer in given.items())
    return ""


def _factors(centre: Export, result_id: str) -> str:
    """The factors that a hazard ratio of a centre was adjusted for, its own included; empty for anything else."""
    model, _, _ = result_id.rpartition(".")
    if not model.endswith(".mv"):
        return ""
    terms = centre.rows[centre.rows["result_id"].str.startswith(f"{model}.") & (centre.rows["statistic"] == "hazard ratio")]
    return ", ".join(sorted(terms["group"]))


def _printed(centres: list[Export], result_id: str, label: str, found: dict[str, pd.Series]) -> list[dict]:
    """What the paper prints of a result, as a row; none where it prints nothing, or where day 0 is another event."""
    statistics = [result["statistic"] for result in found.values() if result["statistic"] != "skipped"]
    if not statistics or any(centre.index_event != CAR_T for centre in centres):
        return []
    claims = ledger.read_claims()
    claims = claims[(claims["result_id"] == result_id.removesuffix(".clustered")) & claims["field"].isin(["value", "limits"])]
    said = {field: ledger.parts(printed) for field, printed in zip(claims["field"], claims["printed"])}
    if not all(ledger.NUMBER.fullmatch(part) for part in said.get("value", ["none"])):
        return []
    ends = [float(end) for end in said.get("limits", [])] or [None, None]
    unit = results.STATISTICS[statistics[0]].unit
    written = said["value"][0] + ("%" if unit == "%" else f" {unit}" if unit else "")
    written += f" (95% CI {'–'.join(said['limits'])})" if "limits" in said else ""
    return [row(slug("pooled", result_id, "paper"), statistics[0], float(said["value"][0]), lower=ends[0], upper=ends[1],
                population=label, group=PAPER, note=written)]  # as printed, with its own precision


def weighed_by_patients(rows: pd.DataFrame, result_id: str) -> pd.DataFrame:
    """The mean of the pooled centres' estimates with their patients as weights: row ``pooled.<id>.by_patients``."""
    prefix = slug("pooled", result_id)
    used = rows[rows["result_id"].str.startswith(f"{prefix}.centre.") & (rows["statistic"] != "skipped") & rows["note"].eq("")]
    if f"{prefix}.random" not in set(rows["result_id"]) or used["n"].isna().any():
        return results.skipped(f"{prefix}.by_patients", "nothing was pooled, or a centre does not say its number of patients")
    mean = np.average(used["value"].astype(float), weights=used["n"].astype(float))
    return results.collect([row(f"{prefix}.by_patients", used["statistic"].iloc[0], mean, n=int(used["n"].sum()),
                                method="mean weighed by n")])


def weights(centres: list[Export], result_id: str) -> pd.DataFrame:
    """Each centre's share of the weight: rows ``pooled.<id>.weight.<kind>.<name>`` (percent), kind the ``population``."""
    prefix = slug("pooled", result_id, "weight")
    rows = pooled(centres, {result_id: ""}).set_index("result_id")
    if slug("pooled", result_id, "tau2") not in rows.index:
        return results.skipped(prefix, "nothing was pooled")
    tau2 = float(rows.loc[slug("pooled", result_id, "tau2"), "value"])
    effects = {centre.name: effect_of(_result_of(centre, result_id)) for centre in centres}
    variances = {name: effect.variance for name, effect in effects.items() if not effect.reason}
    parts = []
    for kind, between in {"fixed": 0.0, "random": tau2}.items():
        weight = {name: 1 / (variance + between) for name, variance in variances.items()}
        parts += [row(slug(prefix, kind, name), "estimate", 100 * part / sum(weight.values()), population=f"{kind} effects, %",
                      group=name, method="inverse variance") for name, part in weight.items()]
    return results.collect(parts)


# --- what a reader sees ---------------------------------------------------------------------------------------

def about(centres: list[Export]) -> None:
    """Say whose numbers the page holds, and what a reader must know before comparing them."""
    display(HTML(about_html(centres)))


def about_html(centres: list[Export]) -> str:
    """The note that :func:`about` shows."""
    synthetic = [centre.name for centre in centres if centre.synthetic]
    said = [f"<strong>{len(centres)} centres: {html.escape(listed([centre.name for centre in centres]))}.</strong>"]
    if synthetic:
        said.append(f"The patients of {html.escape(listed(synthetic))} are synthetic, made to be consistent with the numbers that the paper "
                    "prints: agreement with the paper is by construction and is no evidence.")
    if warning := mixture(centres):
        said.append(f"<strong>{warning}</strong>")
    if len({centre.software.get("code") for centre in centres}) > 1:
        said.append("The centres did not run the same code; what differs is listed on the first page.")
    return f'<div class="{"synthetic-note" if synthetic else "cohort-note"}">{" ".join(said)}</div>'


def mixture(centres: list[Export]) -> str:
    """The warning that synthetic and real patients are pooled together; empty when they are not."""
    if len({centre.synthetic for centre in centres}) < 2:
        return ""
    return "Synthetic and real patients are pooled here together. That is an exercise: no pooled number here speaks of real patients."


def show(rows: pd.DataFrame, result_id: str) -> None:
    """Show one pooled result: forest plot, sentences, and which centres took no part, with the reason."""
    prefix = slug("pooled", result_id)
    mine = rows[(rows["result_id"] == prefix) | rows["result_id"].str.startswith(f"{prefix}.")]
    label = mine["population"].iloc[0]
    drawn = mine[mine["value"].notna() | mine["lower"].notna()]
    drawn = drawn[~drawn["result_id"].isin([f"{prefix}.{what}" for what in ("heterogeneity", "i2", "tau2")])]
    if drawn["group"].ne(PAPER).any():
        unit = results.STATISTICS[drawn["statistic"].iloc[0]].unit
        figures.forest(drawn, f"{label}. {_legend(drawn, prefix)}", axis=f"{label}, {unit}" if unit else "",
                       summary=[f"{prefix}.fixed", f"{prefix}.random"],
                       apart={one["result_id"]: _written(one) for _, one in drawn.iterrows()
                              if one["result_id"] in (f"{prefix}.paper", f"{prefix}.prediction")})
    if said := " ".join(filter(None, (text.sentence(mine, template) for template in sentences(prefix, label)))):
        display(Markdown(said))
    left_out = mine[mine["result_id"].str.startswith(f"{prefix}.centre.") & ((mine["statistic"] == "skipped") | mine["note"].ne(""))]
    reasons = [f"a pooled estimate, because {one['note']}" for _, one in mine[mine["result_id"] == prefix].iterrows()]
    reasons += [f"{one['group']} in it, because {_reason(one)}" for _, one in left_out.iterrows()]
    if reasons:
        text.skip("; ".join(reasons))


def _legend(drawn: pd.DataFrame, prefix: str) -> str:
    """What the marks of a forest plot stand for, as far as they are drawn."""
    marks = {"fixed": "diamonds: pooled", "paper": "black: what the paper prints, which is not pooled",
             "prediction": "black line: where the value of one more centre is expected"}
    return "; ".join(["Squares: centres, each with its own interval, larger with more patients",
                      *(words for end, words in marks.items() if f"{prefix}.{end}" in set(drawn["result_id"]))]) + "."


def _reason(one: pd.Series) -> str:
    if hidden := results.hidden(one):
        return f"its numbers are too small to be shown ({hidden.removeprefix('small numbers, ')})"
    return one["note"].removeprefix("not pooled: ")


def _written(one: pd.Series) -> str:
    """What stands beside a line of the forest plot that is no estimate of this book: a printed value, a prediction."""
    return one["note"].replace("95% CI ", "") if one["group"] == PAPER else f"({text.limits(one).removeprefix('95% CI ')})"


def sentences(prefix: str, label: str) -> list[str]:
    """Templates of what is said of a pooled result; those whose rows are absent fall away."""
    return [f"{label}: {{{prefix}.fixed:full}} if one value is common to all centres, {{{prefix}.random:full}} if the values vary "
            "between centres.",
            f"Heterogeneity: {{{prefix}.heterogeneity:note}}, {{{prefix}.heterogeneity}}; I² {{{prefix}.i2}}; τ² {{{prefix}.tau2}}.",
            f"In a new centre like these the true value would be expected between {{{prefix}.prediction:lower}} and "
            f"{{{prefix}.prediction:upper}}.",
            f"The paper prints {{{prefix}.paper:note}} for its own patients, which takes no part in the pooling."]


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Every pooled result beside what the paper prints, as finished text: one line a result, limits in brackets."""
    lines = []
    for label, mine in rows.groupby("population", sort=False):
        by_end = mine.assign(end=mine["result_id"].str.rpartition(".")[2]).drop_duplicates("end").set_index("end")
        members = mine[mine["result_id"].str.contains(".centre.", regex=False)]
        used = members[(members["statistic"] != "skipped") & members["note"].eq("")]
        units = [results.STATISTICS[statistic].unit for statistic in mine["statistic"] if statistic in SCALES]
        shown = [text.compact(by_end.loc[end]) if end in by_end.index else "–" for end in ("fixed", "random", "i2")]
        printed = _written(by_end.loc["paper"]).replace("%", "").replace(" months", "") if "paper" in by_end.index else "–"
        name = f"{label}, {units[0]}" if units and units[0] else label
        lines.append([f"{name} ({len(used)} of {len(members)} centres)" if "fixed" in by_end.index else name, *shown, printed])
    return pd.DataFrame(lines, columns=["Result", "Fixed", "Random", "I², %", "Paper"])


def overview(centres: list[Export]) -> pd.DataFrame:
    """The centres as finished text: one line each, with its patients and what it could not compute."""
    lines = []
    for centre in centres:
        skipped = [f"{_title(each)} ({how['reason']})" for each, how in centre.chapters.items() if how["status"] == "skipped"]
        lines.append([centre.name, centre.title, text.estimate(_result_of(centre, "flow.included")),
                      "synthetic" if centre.synthetic else "real", "; ".join(skipped) or "nothing"])
    return pd.DataFrame(lines, columns=["Centre", "Title", "Patients", "Kind", "Could not compute"])


def _title(each: str) -> str:
    number, _, topic = each.partition("_")
    return f"chapter {int(number) if number.isdigit() else number}, {topic.replace('_', ' ')}"
