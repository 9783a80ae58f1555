"""Pooled results as they are shown: legend, reasons, forest plot, sentences."""

from __future__ import annotations

import pandas as pd
from IPython.display import Markdown, display

from analysis_lib.centres.exchange import Export
from analysis_lib.centres.pooled import PAPER, SCALES, of_centres, result_of
from analysis_lib.dictionary.words import listed
from analysis_lib.rows import results
from analysis_lib.rows.released import derived, require
from analysis_lib.rows.results import slug
from analysis_lib.show import figures, notes, numbers, payloads
from analysis_lib.show.fragments import finished, fragment
from analysis_lib.show.sentences import literal, sentence


def about(centres: list[Export]) -> None:
    """Say whose numbers the page holds, and what a reader must know before comparing them."""
    payloads.show(about_html(centres), payloads.NOTE, {"kind": payloads.WHOSE})


def about_html(centres: list[Export]) -> str:
    """The note that :func:`about` shows."""
    synthetic = [centre.name for centre in centres if centre.synthetic]
    told = []
    if synthetic:
        told.append(
            f"The patients of {listed(synthetic)} are synthetic. Those made to be consistent with numbers "
            "that the paper prints agree with it by construction, which is no evidence."
        )
    if warning := mixture(centres):
        told.append(finished(fragment("strong", words=warning)))
    if len({centre.software.get("code") for centre in centres}) > 1:
        told.append("The centres did not run the same code; what differs is listed on the first page.")
    who = f"{len(centres)} centres: {listed([centre.name for centre in centres])}."
    return fragment("whose", synthetic=bool(synthetic), who=who, told=told)


def mixture(centres: list[Export]) -> str:
    """The warning that synthetic and real patients are pooled together; empty when they are not."""
    if len({centre.synthetic for centre in centres}) < 2:
        return ""
    return (
        "Synthetic and real patients are pooled here together. That is an exercise: no pooled number "
        "here speaks of real patients."
    )


def show(rows: pd.DataFrame, result_id: str) -> None:
    """Show one pooled result: forest plot, sentences, and which centres took no part, with the reason."""
    require(rows)
    prefix = slug("pooled", result_id)
    mine = rows[(rows["result_id"] == prefix) | rows["result_id"].str.startswith(f"{prefix}.")]
    label = mine["population"].iloc[0]
    drawn = mine[mine["value"].notna() | mine["lower"].notna()]
    drawn = drawn[~drawn["result_id"].isin([f"{prefix}.{what}" for what in ("heterogeneity", "i2", "tau2")])]
    if drawn["group"].ne(PAPER).any():
        unit = results.STATISTICS[drawn["statistic"].iloc[0]].unit
        figures.forest(
            drawn,
            f"{label}. {_legend(drawn, prefix)}",
            axis=f"{label}, {unit}" if unit else "",
            summary=[f"{prefix}.fixed", f"{prefix}.random"],
            apart={
                one["result_id"]: _written(one)
                for _, one in drawn.iterrows()
                if one["result_id"] in (f"{prefix}.paper", f"{prefix}.prediction")
            },
        )
    if said := " ".join(filter(None, (sentence(mine, template) for template in sentences(prefix, label)))):
        display(Markdown(said))
    left_out = mine[
        mine["result_id"].str.startswith(f"{prefix}.centre.")
        & ((mine["statistic"] == "skipped") | mine["note"].ne(""))
    ]
    reasons = [
        f"a pooled estimate, because {one['note']}" for _, one in mine[mine["result_id"] == prefix].iterrows()
    ]
    reasons += [f"{one['group']} in it, because {_reason(one)}" for _, one in left_out.iterrows()]
    if reasons:
        notes.skip("; ".join(reasons))


def _legend(drawn: pd.DataFrame, prefix: str) -> str:
    """What the marks of a forest plot stand for, as far as they are drawn."""
    marks = {
        "fixed": "diamonds: pooled",
        "paper": "black: what the paper prints, which is not pooled",
        "prediction": "black line: where the value of one more centre is expected",
    }
    return (
        "; ".join(
            [
                "Squares: centres, each with its own interval, larger with more patients",
                *(words for end, words in marks.items() if f"{prefix}.{end}" in set(drawn["result_id"])),
            ]
        )
        + "."
    )


def _reason(one: pd.Series) -> str:
    if hidden := results.hidden(one):
        return f"its numbers are too small to be shown ({hidden.removeprefix('small numbers, ')})"
    return one["note"].removeprefix("not pooled: ")


def _written(one: pd.Series) -> str:
    """What stands beside a line of the forest plot that is no estimate of this book: a printed value, a
    prediction.
    """
    return (
        one["note"].replace("95% CI ", "")
        if one["group"] == PAPER
        else f"({numbers.limits(one).removeprefix('95% CI ')})"
    )


def sentences(prefix: str, label: str) -> list[str]:
    """Templates of what is said of a pooled result; those whose rows are absent fall away."""
    return [
        f"{literal(label)}: {{{prefix}.fixed:full}} if one value is common to all centres, "
        f"{{{prefix}.random:full}} if the values vary "
        "between centres.",
        f"Heterogeneity: {{{prefix}.heterogeneity:note}}, {{{prefix}.heterogeneity}}; I² "
        f"{{{prefix}.i2}}; τ² {{{prefix}.tau2}}.",
        f"In a new centre like these the true value would be expected between "
        f"{{{prefix}.prediction:lower}} and "
        f"{{{prefix}.prediction:upper}}.",
        f"The paper prints {{{prefix}.paper:note}} for its own patients, which takes no part in the pooling.",
    ]


@derived
def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Every pooled result beside what the paper prints, as finished text: one line a result, limits in
    brackets.
    """
    lines = []
    for label, mine in rows.groupby("population", sort=False):
        by_end = (
            mine.assign(end=mine["result_id"].str.rpartition(".")[2]).drop_duplicates("end").set_index("end")
        )
        members = mine[mine["result_id"].str.contains(".centre.", regex=False)]
        used = members[(members["statistic"] != "skipped") & members["note"].eq("")]
        units = [results.STATISTICS[statistic].unit for statistic in mine["statistic"] if statistic in SCALES]
        shown = [
            numbers.compact(by_end.loc[end]) if end in by_end.index else "–"
            for end in ("fixed", "random", "i2")
        ]
        printed = (
            _written(by_end.loc["paper"]).replace("%", "").replace(" months", "")
            if "paper" in by_end.index
            else "–"
        )
        name = f"{label}, {units[0]}" if units and units[0] else label
        lines.append(
            [
                f"{name} ({len(used)} of {len(members)} centres)" if "fixed" in by_end.index else name,
                *shown,
                printed,
            ]
        )
    return pd.DataFrame(lines, columns=["Result", "Fixed", "Random", "I², %", "Paper"])


@of_centres
def overview(centres: list[Export]) -> pd.DataFrame:
    """The centres as finished text: one line each, with its patients and what it could not compute."""
    lines = []
    for centre in centres:
        skipped = [
            f"{_title(each)} ({how.reason})"
            for each, how in centre.chapters.items()
            if how.status == "skipped"
        ]
        lines.append(
            [
                centre.name,
                centre.title,
                numbers.estimate(result_of(centre, "flow.included")),
                "synthetic" if centre.synthetic else "real",
                "; ".join(skipped) or "nothing",
            ]
        )
    return pd.DataFrame(lines, columns=["Centre", "Title", "Patients", "Kind", "Could not compute"])


def _title(each: str) -> str:
    number, _, topic = each.partition("_")
    return f"chapter {int(number) if number.isdigit() else number}, {topic.replace('_', ' ')}"
