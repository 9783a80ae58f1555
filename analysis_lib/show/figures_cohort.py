"""Figures of a cohort as a whole: flow of patients, lanes, bands of many cohorts, shares side by side."""

from __future__ import annotations

import textwrap
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.show import notes, numbers
from analysis_lib.show.canvas import PALETTE, canvas, plain_log_ticks, show, style_of
from analysis_lib.show.seen import if_seen


@if_seen
def shares(rows: pd.DataFrame, what: str, caption: str) -> None:
    """Show proportions as horizontal bars with their intervals, the counts beside the names.

    ``rows`` are proportions of one population; ``what`` says of whom, for the axis (``"Patients"``).
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return notes.skip(reason)
    drawn = rows[rows["value"].notna() & (rows["statistic"] == "proportion")]
    if drawn.empty:
        hidden = rows["statistic"].eq("proportion") & rows["n"].ne(0).fillna(True)
        return notes.skip(notes.TOO_SMALL if hidden.any() else "there is nobody to count")
    figure, axes = canvas(0.8 + 0.5 * len(drawn))
    places = -np.arange(len(drawn))
    value, lower, upper = (drawn[c].astype(float).to_numpy() for c in ("value", "lower", "upper"))
    axes.barh(places, value, height=0.62, color=PALETTE[0], alpha=0.7)
    axes.errorbar(
        value,
        places,
        xerr=[value - lower, upper - value],
        fmt="none",
        color="black",
        capsize=3,
        linewidth=1.3,
    )
    axes.set_yticks(places, [f"{row['group']}\n{numbers.share(row)}" for _, row in drawn.iterrows()])
    axes.set(xlim=(0, 100), xlabel=f"{what}, % (exact 95% CI)")
    axes.tick_params(axis="y", length=0)
    alt = (
        f"Bar chart of the share of {what.lower()}. "
        + "; ".join(
            f"{row['group']}: {numbers.share(row)}, {numbers.limits(row)}" for _, row in drawn.iterrows()
        )
        + "."
    )
    show(figure, alt=alt, caption=notes.captioned(caption, methods.how(drawn)))


MOMENTS = {  # marker and colour of each moment in a swimmer plot
    "radiotherapy": ("D", PALETTE[1]),
    "transplant": ("s", PALETTE[2]),
    "progression": ("v", PALETTE[6]),
    "alive": (">", PALETTE[0]),
    "dead": ("X", PALETTE[3]),
}


@if_seen
def swimmer(lanes: pd.DataFrame, axis: str, alt: str, caption: str) -> None:
    """Show the course of single patients as horizontal lanes with their moments: for synthetic patients only.

    Parameters
    ----------
    lanes : pandas.DataFrame
        ``lane`` (1 on top), ``what`` (``followed``, or a key of :data:`MOMENTS`), ``start`` and ``end``, as
        from :func:`analysis_lib.analyses.transplant.transplant_lanes`.
    axis : str
        What the horizontal axis shows, with its unit.
    alt, caption : str
        What the figure shows, and what it is.
    """
    require(lanes)
    if reason := results.skip_reason(lanes):
        return notes.skip(reason)
    count = lanes["lane"].max()
    figure, axes = canvas(1.6 + 0.42 * count)
    followed = lanes[lanes["what"] == "followed"]
    axes.barh(
        -followed["lane"],
        followed["end"] - followed["start"],
        left=followed["start"],
        height=0.46,
        color="0.86",
    )
    for what, (marker, color) in MOMENTS.items():
        drawn = lanes[lanes["what"] == what]
        if len(drawn):
            axes.plot(
                drawn["start"],
                -drawn["lane"],
                marker,
                color=color,
                markersize=8,
                markeredgecolor="white",
                markeredgewidth=0.6,
                label=what.capitalize(),
                clip_on=False,
            )
    axes.axvline(0, color="0.35", linewidth=1, linestyle=":", zorder=0)
    margin = 0.03 * (lanes["end"].max() - lanes["start"].min())
    axes.set(
        yticks=-np.arange(1, count + 1),
        ylabel="Patient",
        xlabel=axis,
        ylim=(-count - 0.6, -0.4),
        xlim=(lanes["start"].min() - margin, lanes["end"].max() + margin),
    )
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.spines["left"].set_visible(False)
    axes.set_yticklabels(np.arange(1, count + 1))
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    show(figure, alt=alt, caption=caption)


@if_seen
def flow_diagram(rows: pd.DataFrame, caption: str) -> None:
    """Show the participant flow as boxes and arrows; every number is one of the rows.

    ``rows`` come from :func:`analysis_lib.analyses.participants.flow`; boxes for counts that the cohort does
    not know are left out.
    """
    require(rows)
    count = {row["result_id"]: row for _, row in rows.iterrows()}
    first = [r for r in rows["result_id"] if r.startswith("flow.salvage_regimen.")]
    levels = (
        [[r] for r in ("flow.database", "flow.included") if r in count]
        + ([first] if first else [])
        + [["flow.any_rt"] if "flow.any_rt" in count else []]
    )
    levels = [level for level in levels if level]
    if len(levels) < 2:
        return notes.skip("the flow has a single step")
    figure, axes = canvas(1.05 * len(levels))
    axes.set(xlim=(0, 1), ylim=(-len(levels) + 0.55, 0.45))
    axes.axis("off")
    centres = {r: ((i + 0.5) / len(level), -y) for y, level in enumerate(levels) for i, r in enumerate(level)}
    for r, (x, y) in centres.items():
        _box(axes, x, y, f"{count[r]['group']}\nn = {numbers.estimate(count[r])}")
    for above, below in zip(levels, levels[1:]):
        for source in above:
            for target in below:
                share = (
                    count.get(source.replace("flow.", "flow.any_rt.")) if target == "flow.any_rt" else None
                )
                _arrow(
                    axes, centres[source], centres[target], "" if share is None else numbers.estimate(share)
                )
    if "flow.not_included" in count:
        reasons = [count[r] for r in count if r.startswith("flow.not_included")]
        told = [f"{row['group']}: n = {numbers.estimate(row)}" for row in reasons]
        # its right edge stands at that of the figure, however narrow that is
        _box(axes, 0.985, -0.5, "\n".join(textwrap.fill(each, 25) for each in told), "0.45", to="right")
        axes.plot([0.5, 0.82], [-0.5, -0.5], color="0.45", linewidth=1.2, zorder=0)
    show(figure, alt=_alt_of_flow(rows), caption=caption)


def _box(
    axes: Axes,
    x: float,
    y: float,
    words: str,
    color: str = PALETTE[0],
    to: Literal["center", "right"] = "center",
) -> None:
    axes.text(
        x,
        y,
        words,
        ha=to,
        va="center",
        multialignment="center",
        fontsize=10,
        linespacing=1.35,
        bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": color, "linewidth": 1.4},
    )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], words: str = "") -> None:
    axes.annotate(
        "",
        xy=(end[0], end[1] + 0.24),
        xytext=(start[0], start[1] - 0.24),
        zorder=0,
        arrowprops={"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
    )
    if words:
        axes.text(
            (start[0] + end[0]) / 2,
            (start[1] + end[1]) / 2,
            words,
            ha="center",
            va="center",
            fontsize=10,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )


def _alt_of_flow(rows: pd.DataFrame) -> str:
    return (
        "Flow diagram, from top to bottom. "
        + "; ".join(f"{row['group']}: {numbers.estimate(row)}" for _, row in rows.iterrows())
        + "."
    )


@if_seen
def envelope(curves: pd.DataFrame, anchors: dict[str, float], what: str, alt: str, caption: str) -> None:
    """Show the curves of many cohorts, group by group, with the band that holds them all and what the paper
    prints.

    Parameters
    ----------
    curves : pandas.DataFrame
        From :func:`analysis_lib.consistent.ranges.envelope`: ``cohort, group, months, percent``.
    anchors : dict
        The printed median of a group in months; groups without one (not reached) are left out.
    """
    require(curves)
    groups = list(dict.fromkeys(curves["group"]))
    figure, panels = canvas(0.5 + 0.75 * len(groups), nrows=len(groups), sharex=True, sharey=True)
    for axes, (group, style) in zip(np.atleast_1d(panels), style_of(groups).items()):
        of = curves[curves["group"] == group]
        band = of.groupby("months")["percent"].agg(["min", "max"])
        axes.fill_between(
            band.index, band["min"], band["max"], step="post", color=style["color"], alpha=0.18, linewidth=0
        )
        for _, one in of.groupby("cohort"):
            axes.step(
                one["months"], one["percent"], where="post", color=style["color"], linewidth=0.6, alpha=0.45
            )
        if group in anchors:
            axes.plot(anchors[group], 50, marker="D", color="black", markersize=6, zorder=5)
        axes.set_title(group, loc="left", fontsize=11, weight="bold")
        axes.set(ylim=(0, 102), ylabel=f"{what}, %")
    axes.set(xlim=(0, 60), xticks=range(0, 61, 12), xlabel="Months")
    show(figure, alt=alt, caption=notes.captioned(caption, "Kaplan–Meier."))


@if_seen
def stacked_intervals(rows: pd.DataFrame, axis: str, caption: str) -> None:
    """Show many hazard ratios with their intervals as thin lines, sorted, on a log scale; the dotted line is
    1.
    """
    require(rows)
    drawn = rows.astype({"value": float, "lower": float, "upper": float}).sort_values(
        "value", ascending=False
    )
    figure, axes = canvas(1.0 + 0.055 * len(drawn))
    places = np.arange(len(drawn))
    axes.hlines(places, drawn["lower"], drawn["upper"], color=PALETTE[0], linewidth=1.2, alpha=0.55)
    axes.plot(drawn["value"], places, "o", color=PALETTE[0], markersize=4)
    axes.axvline(1, color="0.35", linewidth=1, linestyle=":")
    axes.set(xscale="log", xlabel=axis, yticks=[], ylim=(-1, len(drawn)))
    plain_log_ticks(axes, drawn["lower"].min(), drawn["upper"].max())
    axes.spines["left"].set_visible(False)
    lowest, highest = drawn.iloc[-1], drawn.iloc[0]
    show(
        figure,
        alt=f"{len(drawn)} hazard ratios with their intervals, sorted, from {numbers.full(lowest)} "
        f"to {numbers.full(highest)}.",
        caption=notes.captioned(caption, methods.how(drawn)),
    )
