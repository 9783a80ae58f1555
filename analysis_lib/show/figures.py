"""Figures: survival curves with numbers at risk, and forest plots.

Drawn from frames that analyses return, readable at 390 px, in colours that colour-blind readers tell apart
(Okabe and Ito 2008) and in line styles, with alt text and a caption.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.dictionary.words import head_of
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import Released, require
from analysis_lib.rows.results import STATISTICS
from analysis_lib.show import notes, numbers
from analysis_lib.show.canvas import PALETTE, canvas, month_ticks, plain_log_ticks, show, style_of
from analysis_lib.show.result_names import without_a_shared_time
from analysis_lib.show.seen import if_seen

LONG_ENOUGH = "followed at least that long"
HEADS_OF = {"hazard ratio": "HR", "odds ratio": "OR"}  # numbers beside a forest plot; all others: Estimate
BANDS_UP_TO = 3  # curves; the confidence bands of more would hide one another


@if_seen
def survival_curves(curves: pd.DataFrame, what: str, caption: str, rows: pd.DataFrame | None = None) -> None:
    """Show Kaplan-Meier curves with confidence bands and a table of numbers at risk.

    Parameters
    ----------
    curves : pandas.DataFrame
        From :func:`analysis_lib.analyses.survival.curves`.
    what : str
        What is estimated, for the vertical axis (``"Overall survival (OS2)"``).
    caption : str
        What the figure is; estimator, interval, test and numbers are added from the rows.
    rows : pandas.DataFrame, optional
        Result rows with the groups' medians and the log-rank test; they go into the alt text.

    Long because a figure is drawn stroke by stroke.
    """
    require(curves)
    if reason := results.skip_reason(curves):
        return notes.skip(reason)
    curves = curves.assign(group=[head_of(curves.attrs.get("by", ""), each) for each in curves["group"]])
    groups = list(dict.fromkeys(curves["group"]))
    bands = len(groups) <= BANDS_UP_TO
    # a tick is one patient's time: only where nothing of a few patients is hidden
    ticked = (curves.rule or 0) <= 1 and "censored" in curves
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    table_height = 0.22 * (len(groups) + 1)
    figure, (axes, table) = canvas(
        3.3 + table_height, nrows=2, sharex=True, height_ratios=[3.2, table_height]
    )
    for group, style in style_of(groups).items():
        curve = curves[curves["group"] == group]
        months = curve["days"] / DAYS_PER_MONTH
        axes.step(months, 100 * curve["survival"], where="post", label=group, linewidth=1.8, **style)
        if ticked:
            _censoring_ticks(axes, curve, style["color"])
        if bands:
            axes.fill_between(
                months,
                100 * curve["lower"].ffill(),
                100 * curve["upper"].ffill(),
                step="post",
                color=style["color"],
                alpha=0.13,
                linewidth=0,
            )
    axes.set(ylim=(0, 102), ylabel=f"{what}, %", xlim=(0, ticks[-1]), xticks=ticks)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("Months")
    if len(groups) > 1:
        figure.legend(
            loc="outside upper left",
            ncols=3,
            frameon=False,
            title=curves.attrs.get("label"),
            alignment="left",
        )
    risk_table(table, curves, groups, ticks, least=curves.rule or 0)
    if (least := curves.rule) > 1:
        caption += (
            f" Drawn so that every step stands for {least} events or more, and ended where fewer "
            f"than {least} are at risk; "
            "numbers at risk are rounded."
        )
    marked = "Ticks: last seen without the event. " if ticked else ""
    shown = marked + (
        "Bands: pointwise 95% intervals"
        if bands
        else ("Intervals are in the table, to keep the curves apart")
    )
    # who enters late is not yet at risk, so numbers at risk may rise
    followed = "who had entered by then and were still followed" if curves.attrs.get("late") else LONG_ENOUGH
    show(
        figure,
        alt=_alt_of_curves(curves, what, rows),
        caption=notes.captioned(caption, f"{_how_of_curves(rows)} {shown}. At risk: those {followed}."),
    )


def _how_of_curves(rows: pd.DataFrame | None) -> str:
    """Estimator, interval, test and numbers behind curves, for their caption."""
    if rows is None or results.skip_reason(rows):
        return "Kaplan–Meier."
    medians, tests = (
        rows[rows["statistic"] == "median time"],
        rows[rows["method"] == methods.LOG_RANK],
    )
    whole = tests if len(tests) else medians
    counts = whole[["n", "events"]].iloc[0]
    size = "" if counts.isna().any() else f" n = {counts['n']}, {counts['events']} events."
    return methods.how(pd.concat([medians, tests]), counts=False) + size


def _censoring_ticks(axes: Axes, curve: pd.DataFrame, color: str) -> None:
    """Small ticks where somebody was last seen without the event."""
    gone = curve[curve["censored"].fillna(0).astype(int) > 0]
    axes.plot(
        gone["days"] / DAYS_PER_MONTH,
        100 * gone["survival"],
        marker="|",
        linestyle="none",
        color=color,
        markersize=6,
        markeredgewidth=1.1,
    )


def risk_at(curve: pd.DataFrame, day: float) -> int:
    """Number at risk on a day, read off a curve: those whose time is at least that; weights are added up."""
    later = curve[curve["days"] >= day]
    return round(later["at_risk"].iloc[0]) if len(later) else 0


def risk_table(
    axes: Axes,
    curves: pd.DataFrame,
    groups: list[str],
    ticks: Iterable[int],
    title: str = "Number at risk",
    least: int = 0,
) -> None:
    """Write the numbers at risk of groups below their curves, at these months; fewer than ``least`` only as
    that.
    """
    room = room_for(max(risk_at(curves[curves["group"] == group], 0) for group in groups))
    for line, (group, _style) in enumerate(style_of(groups).items()):
        curve = curves[curves["group"] == group]
        for tick in ticks:
            at_risk = risk_at(curve, tick * DAYS_PER_MONTH)
            axes.text(
                tick,
                -line,
                f"{at_risk}" if at_risk >= least or least < 2 else f"<{least}",  # fewer than 1 is 0
                ha="center",
                va="center",
                fontsize=9.5,
            )
        # a fixed way to the left of the first number, however wide the figure is
        axes.annotate(
            group or "All",
            (0, -line),
            (-room, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9.5,
            annotation_clip=False,
        )
    axes.set(ylim=(-len(groups) + 0.4, 0.9))
    axes.set_title(title, loc="left", fontsize=9.5)
    axes.axis("off")


def room_for(number: int) -> float:
    """Points between the name of a line and the middle of its first number."""
    return 5 + 3 * max(3, len(str(number)))


def _alt_of_curves(curves: Released, what: str, rows: pd.DataFrame | None) -> str:
    groups = [group for group in dict.fromkeys(curves["group"]) if group]
    alt = f"Kaplan–Meier curve{'s' if groups else ''} of {what}"
    by = f" by {curves.attrs['label']}:" if curves.attrs.get("label") else " for"
    alt += f"{by} {', '.join(groups)}." if groups else "."
    if rows is None or results.skip_reason(rows):
        return alt
    medians = rows[rows["statistic"] == "median time"]
    alt += (
        " Median "
        + "; ".join(
            f"{head_of(row['by'], row['group'])} {numbers.estimate(row)}".strip()
            for _, row in medians.iterrows()
        )
        + "."
    )
    tests = rows[rows["method"] == methods.LOG_RANK]
    return alt + "".join(f" Log-rank {numbers.estimate(row)}." for _, row in tests.iterrows())


@if_seen
def forest(
    rows: pd.DataFrame,
    caption: str,
    reference: float | None = None,
    axis: str = "",
    summary: Collection[str] = (),
    apart: Mapping[str, str] | None = None,
) -> None:
    """Show estimates with intervals, one a line: name, interval, numbers.

    Long because it lays out three columns that share their lines.

    Parameters
    ----------
    rows : pandas.DataFrame
        Result rows with ``group`` (the name), ``value``, ``lower`` and ``upper``; others are not drawn.
        Hazard and odds ratios are drawn on a log scale. Squares grow with ``n``.
    reference : float, optional
        The line of no effect; 1 for ratios, none otherwise.
    axis : str
        What the horizontal axis shows; by default the statistic and its meaning.
    summary : collection of str
        Ids of rows that sum up the others; drawn as diamonds.
    apart : dict, optional
        Ids of rows that are set apart from the others (printed elsewhere, a prediction), and what is written
        of each; drawn in black, as far as they have a value and limits.
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return notes.skip(reason)
    apart = apart or {}
    whole = rows["value"].notna() & rows["lower"].notna() & rows["upper"].notna()
    drawn = rows[whole | rows["result_id"].isin(list(apart))].reset_index(drop=True)
    if drawn.empty:
        return notes.skip("there is no estimate with an interval to draw")
    ratio = bool(drawn["statistic"].isin(["hazard ratio", "odds ratio"]).all())
    told = without_a_shared_time(list(drawn["group"]), caption)
    names = [textwrap.fill(name, 20, break_on_hyphens=False) for name in told]
    heights = [0.18 + 0.15 * len(name.splitlines()) for name in names]
    places = -(np.cumsum(heights) - np.array(heights) / 2)  # in inches, from the top
    figure, axes = canvas(sum(heights) + 0.95)
    _intervals(axes, drawn, places, ratio, summary, apart)
    reference = 1.0 if ratio and reference is None else reference
    if reference is not None:
        axes.axvline(reference, color="0.35", linewidth=1, zorder=0)
    # names and numbers are labels of the axis, so that whatever the width the intervals have what these leave
    written = [apart.get(one["result_id"]) or _in_numbers(one) for _, one in drawn.iterrows()]
    heading = f"{HEADS_OF.get(drawn['statistic'].iloc[0], 'Estimate')} (95% CI)"
    right = axes.secondary_yaxis("right")
    axes.set_yticks(places, names)
    right.set_yticks([*places, 0.12], [*written, heading])
    weights = ["bold" if row_id in summary else "normal" for row_id in drawn["result_id"]]
    _beside(axes, "left", weights)
    _beside(right, "right", [*weights, "normal"])
    right.get_yticklabels()[-1].set(color="0.35", fontsize=9.5)
    axes.set_ylim(-sum(heights), 0.28)
    axes.set_xlabel(axis or _axis_label(drawn["statistic"].iloc[0]))
    alt = (
        "Forest plot. "
        + "; ".join(
            f"{one['group']}: {apart.get(one['result_id']) or numbers.whole(one)}"
            for _, one in drawn.iterrows()
        )
        + "."
    )
    show(
        figure,
        alt=alt,
        caption=notes.captioned(caption, methods.how(drawn, among=summary)) + numbers.marks_told(drawn),
    )


def _in_numbers(one: pd.Series) -> str:
    """An estimate and its limits without the unit, which the axis names: a phone has no room for it."""
    return f"{numbers.bare(one)} ({numbers.limits(one).split('CI ')[-1]}){numbers.mark(one)}"


def _beside(axis: Axes, side: str, weights: list[str]) -> None:
    """Set the labels of an axis beside it, flush with the figure's edge, without line and marks."""
    axis.spines["left"].set_visible(False)
    axis.spines["right"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    labels = axis.get_yticklabels()
    for label, weight in zip(labels, weights, strict=True):
        label.set(fontsize=10, fontweight=weight, linespacing=1.05, ha=side)
    widest = max(label.get_window_extent().width for label in labels)
    axis.tick_params(axis="y", pad=6 + 72 * widest / axis.figure.dpi)


def _intervals(
    axes: Axes,
    drawn: pd.DataFrame,
    places: np.ndarray,
    ratio: bool,
    summary: Collection[str],
    apart: Mapping[str, str],
) -> None:
    value, lower, upper = (drawn[c].astype(float).to_numpy() for c in ("value", "lower", "upper"))
    # a prediction interval, which has limits only, may reach far beyond everything else
    known = ~np.isnan(value)
    least, most = np.nanmin([value[known], lower[known]]), np.nanmax([value[known], upper[known]])
    low, high = (max(0.05, min(least, 0.8)), min(20.0, max(most, 1.25))) if ratio else (least, most)
    size = drawn["n"].astype("Float64").fillna(1).to_numpy(dtype=float)
    for place, x, start, end, area, row_id in zip(
        places, value, lower, upper, size / max(size.max(), 1), drawn["result_id"]
    ):
        if row_id in summary:
            axes.fill(
                [start, x, end, x], [place, place + 0.1, place, place - 0.1], color=PALETTE[1], linewidth=0
            )
            continue
        aside = row_id in apart
        color, marker, wide = ("black", "D", 5) if aside else (PALETTE[0], "s", 4 + 4 * np.sqrt(area))
        axes.plot(
            [max(start, low), min(end, high)],
            [place, place],
            color=color,
            linewidth=1.6,
            solid_capstyle="butt",
        )
        if low <= x <= high:
            axes.plot(x, place, marker, color=color, markersize=wide, markeredgewidth=0)
        # an arrow where the interval goes on
        for edge, beyond, arrow in ((low, start < low, 4), (high, end > high, 5)):
            if beyond:
                axes.plot(edge, place, marker=arrow, color=color, markersize=6, linestyle="none")
    if ratio:
        axes.set(xscale="log", xlim=(low / 1.1, high * 1.1))
        plain_log_ticks(axes, low, high)
    else:
        axes.locator_params(axis="x", nbins=4)  # as many as a phone has room for


def _axis_label(statistic: str) -> str:
    if statistic == "hazard ratio":
        return "Hazard ratio, log scale\n(above 1: more events)"
    unit = STATISTICS[statistic].unit
    return statistic.capitalize() + (
        ", log scale" if statistic == "odds ratio" else f", {unit}" if unit else ""
    )
