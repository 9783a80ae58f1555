"""Figures: survival curves with numbers at risk, forest plots, and the frame in which every figure is shown.

A figure is drawn from frames that the analyses return, is readable at 390 px, uses a palette that colour-blind
readers can tell apart (Okabe and Ito 2008) together with line styles, and always carries alt text and a caption.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib_inline.config import InlineBackend

from analysis_lib import methods, results, text
from analysis_lib.cohort import DAYS_PER_MONTH
from analysis_lib.results import STATISTICS

PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = ["-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)), "-"]
WIDTH = 5.8  # inches: text of 10 points stays legible when a phone shrinks the figure to 360 px
JOURNAL_WIDTH = 174 / 25.4  # inches: two columns of a journal page, at which the smallest text has 9.5 points
VECTORS = {"svg": "image/svg+xml", "pdf": "application/pdf"}  # formats to take away, and what a notebook calls them
# Text stays text (PDF: embedded fonts), and equal figures are equal files: no date, no maker, ids that do not change.
AS_FILES = {"svg.fonttype": "none", "svg.hashsalt": "salvage-book", "pdf.fonttype": 42}
BANDS_UP_TO = 3  # curves; the confidence bands of more would hide one another
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.labelsize": 10.5,
         "xtick.labelsize": 10, "ytick.labelsize": 10, "legend.fontsize": 10, "font.size": 10, "figure.dpi": 160}


def canvas(height: float, **options):
    """A figure of the book's width and the given height (inches), with its axes."""
    with sns.axes_style("ticks"), plt.rc_context(STYLE):
        return plt.subplots(figsize=(WIDTH, height), layout="constrained", **options)


def show(figure: Figure, alt: str, caption: str) -> None:
    """Show a figure with its alt text (what it shows) and caption (what it is, and by which method), and close it."""
    vectors = {VECTORS[kind]: as_file(figure, kind, alt, caption) for kind in asked_for()}
    shown = {"text/html": as_html(figure, alt, caption), "text/plain": "<IPython.core.display.HTML object>"}
    display(shown | vectors, raw=True)


def as_html(figure: Figure, alt: str, caption: str) -> str:
    """A figure as HTML that needs no other file; the figure is closed."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(png.getvalue()).decode()
    return (f'<figure class="chart"><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'
            f'<figcaption class="figure-caption">{html.escape(caption)}</figcaption></figure>')


def asked_for() -> list[str]:
    """The formats of :data:`VECTORS` that this session wants beside the image of the page: by default none.

    It is IPython's own setting, ``%config InlineBackend.figure_formats = ["svg", "pdf"]``. A build asks for both, so
    that each chapter can offer them; the notebooks that are kept in the repository never hold them.
    """
    session = get_ipython()
    wanted = InlineBackend.instance(parent=session).figure_formats if session else ()
    return [kind for kind in VECTORS if kind in wanted]


def as_file(figure: Figure, kind: str, alt: str, caption: str) -> str:
    """A figure at the width of a journal page, as text: SVG with title and description, or PDF in base64."""
    width, height = figure.get_size_inches()
    figure.set_size_inches(JOURNAL_WIDTH, height * JOURNAL_WIDTH / width)
    metadata = {"svg": {"Title": caption, "Date": None, "Creator": None, "Format": None, "Type": None},
                "pdf": {"Title": caption, "Subject": alt, "Creator": None, "Producer": None, "CreationDate": None}}
    saved = io.BytesIO()
    with plt.rc_context(AS_FILES):
        figure.savefig(saved, format=kind, metadata=metadata[kind])
    figure.set_size_inches(width, height)
    if kind == "pdf":
        return base64.b64encode(saved.getvalue()).decode()
    described = saved.getvalue().decode("utf-8").replace("</title>", f"</title>\n <desc>{html.escape(alt)}</desc>", 1)
    return described.replace("<svg ", '<svg role="img" ', 1)


def style_of(groups) -> dict[str, dict]:
    """Colour and dashes of each group, in order."""
    return {group: {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)]}
            for i, group in enumerate(groups)}


def survival_curves(curves: pd.DataFrame, what: str, caption: str, rows: pd.DataFrame | None = None) -> None:
    """Show Kaplan-Meier curves with confidence bands and a table of numbers at risk.

    Parameters
    ----------
    curves : pandas.DataFrame
        From :func:`analysis_lib.survival.curves`.
    what : str
        What is estimated, for the vertical axis (``"Overall survival (OS2)"``).
    caption : str
        What the figure is; estimator, interval, test and numbers are added from the rows.
    rows : pandas.DataFrame, optional
        Result rows with the groups' medians and the log-rank test; they go into the alt text.
    """
    if reason := results.skip_reason(curves):
        return text.skip(reason)
    groups = list(dict.fromkeys(curves["group"]))
    bands = len(groups) <= BANDS_UP_TO
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    table_height = 0.22 * (len(groups) + 1)
    figure, (axes, table) = canvas(3.3 + table_height, nrows=2, sharex=True, height_ratios=[3.2, table_height])
    for group, style in style_of(groups).items():
        curve = curves[curves["group"] == group]
        months = curve["days"] / DAYS_PER_MONTH
        axes.step(months, 100 * curve["survival"], where="post", label=group, linewidth=1.8, **style)
        if bands:
            axes.fill_between(months, 100 * curve["lower"].ffill(), 100 * curve["upper"].ffill(), step="post",
                              color=style["color"], alpha=0.13, linewidth=0)
    axes.set(ylim=(0, 102), ylabel=f"{what}, %", xlim=(0, ticks[-1]), xticks=ticks)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("Months")
    if len(groups) > 1:
        figure.legend(loc="outside upper left", ncols=3, frameon=False, title=curves.attrs.get("label"), alignment="left")
    _risk_table(table, curves, groups, ticks)
    if least := curves.attrs.get("min_cell_count"):
        caption += (f" Drawn so that every step stands for {least} events or more, and ended where fewer than {least} are at risk; "
                    "numbers at risk are rounded.")
    shown = "Bands: pointwise 95% intervals" if bands else "Intervals are in the table, to keep the curves apart"
    show(figure, alt=_alt_of_curves(curves, what, rows), caption=text.captioned(
        caption, f"{_how_of_curves(rows)} {shown}. At risk: all whose time is at least the tick."))


def _how_of_curves(rows: pd.DataFrame | None) -> str:
    """Estimator, interval, test and numbers behind curves, for their caption."""
    if rows is None or results.skip_reason(rows):
        return "Kaplan–Meier."
    medians, tests = rows[rows["statistic"] == "median time"], rows[rows["result_id"].str.contains(".logrank.", regex=False)]
    whole = tests if len(tests) else medians
    counts = whole[["n", "events"]].iloc[0]
    size = "" if counts.isna().any() else f" n = {counts['n']}, {counts['events']} events."
    return methods.how(pd.concat([medians, tests]), counts=False) + size


def month_ticks(longest: float) -> list[int]:
    """Whole months from 0 to just past the longest time, about six of them."""
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 60, 120) if longest / s <= 6.5), 240)
    return list(range(0, int(np.ceil(longest / step)) * step + 1, step)) or [0, 1]


def risk_at(curve: pd.DataFrame, day: float) -> int:
    """Number at risk on a day, read off a Kaplan-Meier curve: those whose time is at least that."""
    later = curve[curve["days"] >= day]
    return int(later["at_risk"].iloc[0]) if len(later) else 0


def _risk_table(axes, curves, groups, ticks):
    for line, (group, style) in enumerate(style_of(groups).items()):
        curve = curves[curves["group"] == group]
        for tick in ticks:
            at_risk, least = risk_at(curve, tick * DAYS_PER_MONTH), curves.attrs.get("min_cell_count", 0)
            axes.text(tick, -line, at_risk if at_risk >= least else f"<{least}", ha="center", va="center", fontsize=9.5)
        axes.text(-0.045, -line, group or "All", ha="right", va="center", fontsize=9.5,
                  transform=axes.get_yaxis_transform())
    axes.set(ylim=(-len(groups) + 0.4, 0.9))
    axes.set_title("Number at risk", loc="left", fontsize=9.5)
    axes.axis("off")


def _alt_of_curves(curves, what, rows) -> str:
    groups = [group for group in dict.fromkeys(curves["group"]) if group]
    alt = f"Kaplan–Meier curve{'s' if groups else ''} of {what}"
    alt += f" for {', '.join(groups)}." if groups else "."
    if rows is None or results.skip_reason(rows):
        return alt
    medians = rows[rows["statistic"] == "median time"]
    alt += " Median " + "; ".join(f"{row['group']} {text.estimate(row)}".strip() for _, row in medians.iterrows()) + "."
    tests = rows[rows["result_id"].str.contains(".logrank", regex=False)]
    return alt + "".join(f" Log-rank {text.estimate(row)}." for _, row in tests.iterrows())


def forest(rows: pd.DataFrame, caption: str, reference: float | None = None, axis: str = "", summary=(), apart=None) -> None:
    """Show estimates with intervals, one a line: name, interval, numbers.

    Parameters
    ----------
    rows : pandas.DataFrame
        Result rows with ``group`` (the name), ``value``, ``lower`` and ``upper``; others are not drawn. Hazard and odds
        ratios are drawn on a log scale. Squares grow with ``n``.
    reference : float, optional
        The line of no effect; 1 for ratios, none otherwise.
    axis : str
        What the horizontal axis shows; by default the statistic and its meaning.
    summary : collection of str
        Ids of rows that sum up the others; drawn as diamonds.
    apart : dict, optional
        Ids of rows that are set apart from the others (printed elsewhere, a prediction), and what is written of each; drawn in
        black, as far as they have a value and limits.
    """
    if reason := results.skip_reason(rows):
        return text.skip(reason)
    apart = apart or {}
    whole = rows["value"].notna() & rows["lower"].notna() & rows["upper"].notna()
    drawn = rows[whole | rows["result_id"].isin(list(apart))].reset_index(drop=True)
    if drawn.empty:
        return text.skip("there is no estimate with an interval to draw")
    ratio = bool(drawn["statistic"].isin(["hazard ratio", "odds ratio"]).all())
    names = [textwrap.fill(name, 25) for name in drawn["group"]]
    heights = [0.18 + 0.15 * len(name.splitlines()) for name in names]
    places = -(np.cumsum(heights) - np.array(heights) / 2)  # in inches, from the top
    figure, (left, axes, right) = canvas(sum(heights) + 0.95, ncols=3, sharey=True, width_ratios=[2.0, 2.5, 1.3])
    figure.get_layout_engine().set(w_pad=0.01, wspace=0)
    _intervals(axes, drawn, places, ratio, summary, apart)
    reference = 1.0 if ratio and reference is None else reference
    if reference is not None:
        axes.axvline(reference, color="0.35", linewidth=1, zorder=0)
    for name, place, (_, one) in zip(names, places, drawn.iterrows()):
        weight = "bold" if one["result_id"] in summary else "normal"
        left.text(0, place, name, va="center", fontsize=10, weight=weight, linespacing=1.05)
        written = apart.get(one["result_id"]) or f"{text.estimate(one)} ({text.limits(one).split('CI ')[-1]}){text.mark(one)}"
        right.text(1, place, written, ha="right", va="center", fontsize=10, weight=weight)
    heading = "HR (95% CI)" if drawn["statistic"].iloc[0] == "hazard ratio" else "(95% CI)"
    right.text(1, 0.04, heading, ha="right", va="bottom", fontsize=9.5, color="0.35")
    for side in (left, right):
        side.axis("off")
    axes.set(ylim=(-sum(heights), 0.28), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(axis or _axis_label(drawn["statistic"].iloc[0]))
    alt = "Forest plot. " + "; ".join(
        f"{one['group']}: {apart.get(one['result_id']) or text.full(one) + text.mark(one)}" for _, one in drawn.iterrows()) + "."
    show(figure, alt=alt, caption=text.captioned(caption, methods.how(drawn, among=summary)) + text.marks_told(drawn))


def _intervals(axes, drawn, places, ratio, summary, apart):
    value, lower, upper = (drawn[c].astype(float).to_numpy() for c in ("value", "lower", "upper"))
    known = ~np.isnan(value)  # a prediction interval, which has limits only, may reach far beyond everything else
    least, most = np.nanmin([value[known], lower[known]]), np.nanmax([value[known], upper[known]])
    low, high = (max(0.05, min(least, 0.8)), min(20.0, max(most, 1.25))) if ratio else (least, most)
    size = drawn["n"].astype("Float64").fillna(1).to_numpy(dtype=float)
    for place, x, start, end, area, row_id in zip(places, value, lower, upper, size / max(size.max(), 1), drawn["result_id"]):
        if row_id in summary:
            axes.fill([start, x, end, x], [place, place + 0.1, place, place - 0.1], color=PALETTE[1], linewidth=0)
            continue
        aside = row_id in apart
        color, marker, wide = ("black", "D", 5) if aside else (PALETTE[0], "s", 4 + 4 * np.sqrt(area))
        axes.plot([max(start, low), min(end, high)], [place, place], color=color, linewidth=1.6, solid_capstyle="butt")
        if low <= x <= high:
            axes.plot(x, place, marker, color=color, markersize=wide, markeredgewidth=0)
        for edge, beyond, arrow in ((low, start < low, 4), (high, end > high, 5)):  # an arrow where the interval goes on
            if beyond:
                axes.plot(edge, place, marker=arrow, color=color, markersize=6, linestyle="none")
    if ratio:
        axes.set(xscale="log", xlim=(low / 1.1, high * 1.1))
        plain_log_ticks(axes, low, high)
    else:
        axes.locator_params(axis="x", nbins=6)


def _axis_label(statistic: str) -> str:
    if statistic == "hazard ratio":
        return "Hazard ratio, log scale\n(above 1: more events)"
    unit = STATISTICS[statistic].unit
    return statistic.capitalize() + (", log scale" if statistic == "odds ratio" else f", {unit}" if unit else "")


def plain_log_ticks(axes, low: float, high: float) -> None:
    """Ticks of a log axis as plain numbers, a few of them."""
    coarse, fine = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20), (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20)
    ticks = next(inside for steps in (coarse, fine)
                 if len(inside := [t for t in steps if low / 1.1 <= t <= high * 1.1]) > 2 or steps == fine)
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()


def shares(rows: pd.DataFrame, what: str, caption: str) -> None:
    """Show proportions as horizontal bars with their intervals, the counts beside the names.

    ``rows`` are proportions of one population; ``what`` says of whom, for the axis (``"Patients"``).
    """
    if reason := results.skip_reason(rows):
        return text.skip(reason)
    drawn = rows[rows["value"].notna() & (rows["statistic"] == "proportion")]
    if drawn.empty:
        hidden = rows["statistic"].eq("proportion") & rows["n"].ne(0).fillna(True)
        return text.skip(text.TOO_SMALL if hidden.any() else "there is nobody to count")
    figure, axes = canvas(0.8 + 0.5 * len(drawn))
    places = -np.arange(len(drawn))
    value, lower, upper = (drawn[c].astype(float).to_numpy() for c in ("value", "lower", "upper"))
    axes.barh(places, value, height=0.62, color=PALETTE[0], alpha=0.7)
    axes.errorbar(value, places, xerr=[value - lower, upper - value], fmt="none", color="black", capsize=3, linewidth=1.3)
    axes.set_yticks(places, [f"{row['group']}\n{text.share(row)}" for _, row in drawn.iterrows()])
    axes.set(xlim=(0, 100), xlabel=f"{what}, % (exact 95% CI)")
    axes.tick_params(axis="y", length=0)
    alt = f"Bar chart of the share of {what.lower()}. " + "; ".join(
        f"{row['group']}: {text.share(row)}, {text.limits(row)}" for _, row in drawn.iterrows()) + "."
    show(figure, alt=alt, caption=text.captioned(caption, methods.how(drawn)))


MOMENTS = {  # marker and colour of each moment in a swimmer plot
    "radiotherapy": ("D", PALETTE[1]),
    "transplant": ("s", PALETTE[2]),
    "progression": ("v", PALETTE[6]),
    "alive": (">", PALETTE[0]),
    "dead": ("X", PALETTE[3]),
}


def swimmer(lanes: pd.DataFrame, axis: str, alt: str, caption: str) -> None:
    """Show the course of single patients as horizontal lanes with their moments: for synthetic patients only.

    Parameters
    ----------
    lanes : pandas.DataFrame
        ``lane`` (1 on top), ``what`` (``followed``, or a key of :data:`MOMENTS`), ``start`` and ``end``, as from
        :func:`analysis_lib.radiotherapy.transplant_lanes`.
    axis : str
        What the horizontal axis shows, with its unit.
    alt, caption : str
        What the figure shows, and what it is.
    """
    if reason := results.skip_reason(lanes):
        return text.skip(reason)
    count = lanes["lane"].max()
    figure, axes = canvas(1.6 + 0.42 * count)
    followed = lanes[lanes["what"] == "followed"]
    axes.barh(-followed["lane"], followed["end"] - followed["start"], left=followed["start"], height=0.46, color="0.86")
    for what, (marker, color) in MOMENTS.items():
        drawn = lanes[lanes["what"] == what]
        if len(drawn):
            axes.plot(drawn["start"], -drawn["lane"], marker, color=color, markersize=8, markeredgecolor="white",
                      markeredgewidth=0.6, label=what.capitalize(), clip_on=False)
    axes.axvline(0, color="0.35", linewidth=1, linestyle=":", zorder=0)
    margin = 0.03 * (lanes["end"].max() - lanes["start"].min())
    axes.set(yticks=-np.arange(1, count + 1), ylabel="Patient", xlabel=axis, ylim=(-count - 0.6, -0.4),
             xlim=(lanes["start"].min() - margin, lanes["end"].max() + margin))
    axes.spines["left"].set_visible(False)
    axes.set_yticklabels(np.arange(1, count + 1))
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    show(figure, alt=alt, caption=caption)


def flow_diagram(rows: pd.DataFrame, caption: str) -> None:
    """Show the participant flow as boxes and arrows; every number is one of the rows.

    ``rows`` come from :func:`analysis_lib.describe.flow`; boxes for counts that the cohort does not know are left out.
    """
    count = {row["result_id"]: row for _, row in rows.iterrows()}
    first = [r for r in rows["result_id"] if r.startswith("flow.salvage_regimen.")]
    levels = [[r] for r in ("flow.database", "flow.included") if r in count] + ([first] if first else []) + [
        ["flow.any_rt"] if "flow.any_rt" in count else []]
    levels = [level for level in levels if level]
    if len(levels) < 2:
        return text.skip("the flow has a single step")
    figure, axes = canvas(1.05 * len(levels))
    axes.set(xlim=(0, 1), ylim=(-len(levels) + 0.55, 0.45))
    axes.axis("off")
    centres = {r: ((i + 0.5) / len(level), -y) for y, level in enumerate(levels) for i, r in enumerate(level)}
    for r, (x, y) in centres.items():
        _box(axes, x, y, f"{count[r]['group']}\nn = {text.estimate(count[r])}")
    for above, below in zip(levels, levels[1:]):
        for source in above:
            for target in below:
                share = count.get(source.replace("flow.", "flow.any_rt.")) if target == "flow.any_rt" else None
                _arrow(axes, centres[source], centres[target], "" if share is None else text.estimate(share))
    if "flow.not_included" in count:
        reasons = [count[r] for r in count if r.startswith("flow.not_included")]
        _box(axes, 0.82, -0.5, "\n".join(f"{row['group']}: n = {text.estimate(row)}" for row in reasons), color="0.45")
        axes.plot([0.5, 0.82], [-0.5, -0.5], color="0.45", linewidth=1.2, zorder=0)
    show(figure, alt=_alt_of_flow(rows), caption=caption)


def _box(axes, x: float, y: float, words: str, color: str = PALETTE[0]) -> None:
    axes.text(x, y, words, ha="center", va="center", fontsize=10, linespacing=1.35,
              bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": color, "linewidth": 1.4})


def _arrow(axes, start, end, words: str = "") -> None:
    axes.annotate("", xy=(end[0], end[1] + 0.24), xytext=(start[0], start[1] - 0.24), zorder=0,
                  arrowprops={"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0})
    if words:
        axes.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, words, ha="center", va="center", fontsize=10,
                  bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"})


def _alt_of_flow(rows: pd.DataFrame) -> str:
    return "Flow diagram, from top to bottom. " + "; ".join(
        f"{row['group']}: {text.estimate(row)}" for _, row in rows.iterrows()) + "."


def envelope(curves: pd.DataFrame, anchors: dict[str, float], what: str, alt: str, caption: str) -> None:
    """Show the curves of many cohorts, group by group, with the band that holds them all and what the paper prints.

    Parameters
    ----------
    curves : pandas.DataFrame
        From :func:`analysis_lib.consistent.envelope`: ``cohort, group, months, percent``.
    anchors : dict
        The printed median of a group in months; groups without one (not reached) are left out.
    """
    groups = list(dict.fromkeys(curves["group"]))
    figure, panels = canvas(0.5 + 1.75 * len(groups), nrows=len(groups), sharex=True, sharey=True)
    for axes, (group, style) in zip(np.atleast_1d(panels), style_of(groups).items()):
        of = curves[curves["group"] == group]
        band = of.groupby("months")["percent"].agg(["min", "max"])
        axes.fill_between(band.index, band["min"], band["max"], step="post", color=style["color"], alpha=0.18, linewidth=0)
        for _, one in of.groupby("cohort"):
            axes.step(one["months"], one["percent"], where="post", color=style["color"], linewidth=0.6, alpha=0.45)
        if group in anchors:
            axes.plot(anchors[group], 50, marker="D", color="black", markersize=6, zorder=5)
        axes.set_title(group, loc="left", fontsize=11, weight="bold")
        axes.set(ylim=(0, 102), ylabel=f"{what}, %")
    axes.set(xlim=(0, 60), xticks=range(0, 61, 12), xlabel="Months")
    show(figure, alt=alt, caption=text.captioned(caption, "Kaplan–Meier."))


def stacked_intervals(rows: pd.DataFrame, axis: str, caption: str) -> None:
    """Show many hazard ratios with their intervals as thin lines, sorted, on a log scale; the dotted line is 1."""
    drawn = rows.astype({"value": float, "lower": float, "upper": float}).sort_values("value", ascending=False)
    figure, axes = canvas(1.0 + 0.085 * len(drawn))
    places = np.arange(len(drawn))
    axes.hlines(places, drawn["lower"], drawn["upper"], color=PALETTE[0], linewidth=1.2, alpha=0.55)
    axes.plot(drawn["value"], places, "o", color=PALETTE[0], markersize=4)
    axes.axvline(1, color="0.35", linewidth=1, linestyle=":")
    axes.set(xscale="log", xlabel=axis, yticks=[], ylim=(-1, len(drawn)))
    plain_log_ticks(axes, drawn["lower"].min(), drawn["upper"].max())
    axes.spines["left"].set_visible(False)
    lowest, highest = drawn.iloc[-1], drawn.iloc[0]
    show(figure, alt=f"{len(drawn)} hazard ratios with their intervals, sorted, from {text.full(lowest)} to {text.full(highest)}.",
         caption=text.captioned(caption, methods.how(drawn)))
