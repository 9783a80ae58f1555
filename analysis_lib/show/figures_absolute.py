"""Figures of the chapter on absolute effects: curves, overlap, and what censoring hides."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import absolute
from analysis_lib.cohort import disclosure
from analysis_lib.estimators import adjusted
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.show import numbers, sentences
from analysis_lib.show.canvas import (
    DASHES,
    PALETTE,
    STYLE,
    canvas,
    month_ticks,
    plain_log_ticks,
    show,
)
from analysis_lib.show.notes import captioned, skip
from analysis_lib.show.seen import if_seen


@if_seen
def curves(drawn: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show the survival of both groups, one panel for each way to make them alike; the first is as they are.

    ``drawn`` and ``rows`` come from :func:`analysis_lib.analyses.absolute.curves` and ``effects``.
    """
    require(drawn)
    if reason := results.skip_reason(drawn):
        return skip(reason)
    kinds, groups = list(dict.fromkeys(drawn["kind"])), list(dict.fromkeys(drawn["group"]))
    figure, panels = canvas(4.6, nrows=2, ncols=2, sharex=True, sharey=True)
    ticks = month_ticks(drawn["month"].max())
    for axes, kind in zip(panels.ravel(), kinds):
        for place, group in enumerate(groups):
            of = drawn[(drawn["kind"] == kind) & (drawn["group"] == group)]
            axes.step(
                of["month"],
                of["percent"],
                where="post",
                color=PALETTE[place],
                linestyle=DASHES[place],
                linewidth=1.8,
                label=group,
            )
        axes.set_title(kind, loc="left", fontsize=STYLE["axes.titlesize"], weight="bold")
        axes.set(ylim=(0, 102), xlim=(0, ticks[-1]), xticks=ticks)
    figure.supylabel("OS2, %", fontsize=STYLE["axes.labelsize"])
    figure.supxlabel("Months since salvage therapy", fontsize=STYLE["axes.labelsize"])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    less = rows[(rows["statistic"] == "rate difference") & rows["population"].isin(kinds)]
    said = "; ".join(f"{one['group']}: {numbers.full(one)}" for _, one in less.iterrows())
    show(
        figure,
        alt=f"Survival curves of two groups in {len(kinds)} panels. Radiotherapy less systemic therapy: "
        f"{said}.",
        caption=captioned(caption, methods.numbers(less) + "." if len(less) else ""),
    )


@if_seen
def overlap(frame: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show how many patients of each group have a score of each height, as they are (filled) and with overlap
    weights (outlined), one group up and one down; dotted lines are where extreme scores are left out.

    ``frame`` and ``rows`` come from :func:`analysis_lib.analyses.weighting.prepare` and
    :func:`analysis_lib.analyses.absolute.precision`.
    """
    require(rows)
    if reason := results.skip_reason(frame) or disclosure.of_single_patients(frame):
        return skip(reason)
    figure, axes = canvas(3.1)
    edges = np.linspace(0, 1, 21)
    for place, (treated, words) in enumerate(absolute.GROUPS.items()):
        of, sign = frame[frame["treated"] == treated], 1 if treated else -1
        counts = np.histogram(of["score"], edges)[0]
        weighted = np.histogram(of["score"], edges, weights=of["overlap"])[0]
        axes.bar(
            edges[:-1],
            sign * counts,
            width=0.05,
            align="edge",
            color=PALETTE[place],
            edgecolor="white",
            hatch="" if treated else "//",
            label=f"{words.capitalize()}: patients",
        )
        axes.stairs(
            sign * weighted,
            edges,
            color="black",
            linestyle=DASHES[place],
            linewidth=1.6,
            label=f"{words.capitalize()}: overlap weights",
        )
    for line in (adjusted.TRIM, 1 - adjusted.TRIM):
        axes.axvline(line, color="0.35", linewidth=1, linestyle=":")
    axes.axhline(0, color="0.2", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="Estimated probability of radiotherapy alone", ylabel="Patients")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    figure.legend(loc="outside upper left", ncols=1, frameon=False)
    said = sentences.sentence(
        rows,
        "Mirrored histogram of propensity scores, radiotherapy alone upwards. Scores below "
        f"{adjusted.TRIM:g} or above {1 - adjusted.TRIM:g}: "
        "{absolute.left_out.rt:share} after radiotherapy alone, {absolute.left_out.st:share} after systemic "
        "therapy alone.",
    )
    show(figure, alt=said, caption=captioned(caption, methods.numbers(rows[rows["n"].notna()]) + "."))


@if_seen
def tipping(drawn: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show survival at a month by how often those censored early die against the others, a line a group.

    ``drawn`` and ``rows`` come from :func:`analysis_lib.analyses.early_censoring.curves` and ``bounds``.
    """
    require(drawn)
    if reason := results.skip_reason(drawn):
        return skip(reason)
    month = int(drawn["month"].iloc[0])
    figure, axes = canvas(3.3)
    for place, (group, of) in enumerate(drawn.groupby("group", sort=False)):
        axes.plot(
            of["factor"],
            of["percent"],
            color=PALETTE[place],
            linestyle=DASHES[place],
            linewidth=1.9,
            label=group,
        )
    axes.axvline(1, color="0.35", linewidth=1, linestyle=":")
    axes.set(
        xscale="log",
        ylim=(0, 100),
        ylabel=f"Alive at {month} months, %",
        xlabel="Hazard of the censored against that of the others, log scale",
    )
    plain_log_ticks(axes, 0.1, 10)
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    of_month = rows[rows["result_id"].str.match(rf"censoring\.os2\.(worst|best){month}(\.|$)")]
    said = "; ".join(
        f"{one['group']}, {one['population']}: {numbers.estimate(one)}" for _, one in of_month.iterrows()
    )
    told = f"{methods.how(of_month, intervals=False)} "
    told += "At 1 (dotted) the curves are Kaplan and Meier's estimates."
    show(
        figure,
        alt=f"Falling curves of survival at {month} months. At the ends: {said}.",
        caption=captioned(caption, told),
    )
