"""Figures: survival curves with numbers at risk, forest plots, and the frame in which every figure is shown.

A figure is drawn from frames that the analyses return, is readable at 390 px, uses a palette that colour-blind
readers can tell apart (Okabe and Ito 2008) together with line styles, and always carries alt text and a caption.
"""

from __future__ import annotations

import base64
import html
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import HTML, display
from matplotlib.figure import Figure

from analysis_lib import results, text
from analysis_lib.cohort import DAYS_PER_MONTH

PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = ["-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)), "-"]
WIDTH = 5.8  # inches: text of 10 points stays legible when a phone shrinks the figure to 360 px
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.labelsize": 10.5,
         "xtick.labelsize": 10, "ytick.labelsize": 10, "legend.fontsize": 10, "font.size": 10, "figure.dpi": 160}


def canvas(height: float, **options):
    """A figure of the book's width and the given height (inches), with its axes."""
    with sns.axes_style("ticks"), plt.rc_context(STYLE):
        return plt.subplots(figsize=(WIDTH, height), layout="constrained", **options)


def show(figure: Figure, alt: str, caption: str) -> None:
    """Show a figure with its alt text (what it shows) and caption (what it is, and by which method), and close it."""
    display(HTML(as_html(figure, alt, caption)))


def as_html(figure: Figure, alt: str, caption: str) -> str:
    """A figure as HTML that needs no other file; the figure is closed."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(png.getvalue()).decode()
    return (f'<figure class="chart"><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'
            f'<figcaption class="figure-caption">{html.escape(caption)}</figcaption></figure>')


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
        What the figure is; the method is added.
    rows : pandas.DataFrame, optional
        Result rows with the groups' medians and the log-rank test; they go into the alt text.
    """
    if reason := results.skip_reason(curves):
        return text.skip(reason)
    groups = list(dict.fromkeys(curves["group"]))
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    table_height = 0.22 * (len(groups) + 1)
    figure, (axes, table) = canvas(3.3 + table_height, nrows=2, sharex=True, height_ratios=[3.2, table_height])
    for group, style in style_of(groups).items():
        curve = curves[curves["group"] == group]
        months = curve["days"] / DAYS_PER_MONTH
        axes.step(months, 100 * curve["survival"], where="post", label=group, linewidth=1.8, **style)
        axes.fill_between(months, 100 * curve["lower"].ffill(), 100 * curve["upper"].ffill(), step="post",
                          color=style["color"], alpha=0.13, linewidth=0)
    axes.set(ylim=(0, 102), ylabel=f"{what}, %", xlim=(0, ticks[-1]), xticks=ticks)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("Months")
    if len(groups) > 1:
        axes.legend(frameon=False, title=curves.attrs.get("label"))
    _risk_table(table, curves, groups, ticks)
    show(figure, alt=_alt_of_curves(curves, what, rows), caption=f"{caption} Kaplan–Meier estimate with pointwise 95% "
         "confidence band (log scale); numbers at risk count everyone whose time is at least the tick.")


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
            axes.text(tick, -line, risk_at(curve, tick * DAYS_PER_MONTH), ha="center", va="center", fontsize=9.5)
        axes.text(-0.03, -line, group or "All", ha="right", va="center", fontsize=9.5, color=style["color"],
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
    return alt + "".join(f" Log-rank {text.p_value(row['value'])}." for _, row in tests.iterrows())


def forest(rows: pd.DataFrame, caption: str, reference: float = 1.0) -> None:
    """Show estimates with intervals, one a line, on a log scale (hazard and odds ratios) or a linear one.

    ``rows`` are result rows with ``value``, ``lower`` and ``upper``; ``reference`` is the line of no effect.
    """
    if reason := results.skip_reason(rows):
        return text.skip(reason)
    drawn = rows[rows["value"].notna() & rows["lower"].notna()]
    if drawn.empty:
        return text.skip("there is no estimate with an interval to draw")
    figure, axes = canvas(0.9 + 0.34 * len(drawn))
    places = -np.arange(len(drawn))
    value, lower, upper = (drawn[c].astype(float).to_numpy() for c in ("value", "lower", "upper"))
    axes.errorbar(value, places, xerr=[value - lower, upper - value], fmt="s", color=PALETTE[0], markersize=5, capsize=2.5)
    ratio = drawn["statistic"].isin(["hazard ratio", "odds ratio"]).all()
    axes.axvline(reference, color="0.45", linewidth=1, linestyle=":")
    axes.set(yticks=places, xlabel=drawn["statistic"].iloc[0].capitalize() + " (95% CI)",
             xscale="log" if ratio else "linear")
    if ratio:
        _plain_log_ticks(axes, lower.min(), upper.max())
    axes.set_yticklabels([text.estimate(row) if not row["group"] else f"{row['group']}\n{text.estimate(row)}, {text.limits(row)[7:]}"
                          for _, row in drawn.iterrows()], fontsize=9)
    axes.set_ylim(places[-1] - 0.6, 0.6)
    alt = "Forest plot. " + "; ".join(f"{row['group']}: {text.full(row)}" for _, row in drawn.iterrows()) + "."
    show(figure, alt=alt, caption=caption)


def _plain_log_ticks(axes, low: float, high: float) -> None:
    ticks = [t for t in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low / 1.6 <= t <= high * 1.6]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
