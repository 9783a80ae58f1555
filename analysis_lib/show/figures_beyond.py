"""Figures of the chapters beyond the paper: balance, scores, competing curves, weighted curves, sorted P
values.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.ticker import NullFormatter

from analysis_lib.analyses import multiplicity, weighting
from analysis_lib.cohort import disclosure
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows import methods, results, rounding
from analysis_lib.rows.released import require
from analysis_lib.show import numbers, sentences
from analysis_lib.show.canvas import (
    DASHES,
    PALETTE,
    STYLE,
    canvas,
    described,
    month_ticks,
    plain_log_ticks,
    show,
    style_of,
)
from analysis_lib.show.figures import risk_table
from analysis_lib.show.notes import captioned, skip
from analysis_lib.show.seen import if_seen

SHORT = {weighting.GROUPS[True]: "RT", weighting.GROUPS[False]: "ST"}  # where a phone has no room for more
LONG_NAME = 20  # characters
MARKERS = {"unweighted": "o", "iptw": "s", "overlap": "D"}


@if_seen
def love(rows: pd.DataFrame, caption: str) -> None:
    """Show standardised differences, one line a factor, before and after weighting (Love plot).

    ``rows`` come from :func:`analysis_lib.analyses.weighting.balance`.
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return skip(reason)
    shown = rows[(rows["by"] != "") & rows["value"].notna()]
    if shown.empty:
        return skip("there is no standardised difference to draw")
    factors = list(dict.fromkeys(shown["group"]))
    figure, axes = canvas(1.8 + 0.36 * len(factors))
    for place, (kind, words) in enumerate(weighting.KINDS.items()):
        of = shown[shown["population"] == words].set_index("group")["value"].astype(float).reindex(factors)
        axes.plot(
            of.abs(),
            -np.arange(len(factors)) - 0.18 * (place - 1),
            MARKERS[kind],
            color=PALETTE[place],
            markersize=7,
            label=words,
            markerfacecolor=PALETTE[place] if kind != "unweighted" else "white",
            markeredgewidth=1.8,
            clip_on=False,
        )
    axes.axvline(0, color="0.35", linewidth=1, zorder=0)
    axes.axvline(weighting.LARGE, color="0.35", linewidth=1, linestyle=":", zorder=0)
    axes.set(
        yticks=-np.arange(len(factors)),
        yticklabels=[textwrap.fill(each.replace(" *", "\u00a0*"), 20) for each in factors],
        xlabel="Difference,\nstandard deviations",
        ylim=(-len(factors) + 0.5, 0.5),
    )
    axes.set_xlim(left=-0.03)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper left", ncols=1, frameon=False)
    parts = [
        f"{words}: "
        + ", ".join(
            f"{one['group']} {rounding.number(abs(one['value']), 2)}"
            for _, one in shown[shown["population"] == words].iterrows()
        )
        for words in weighting.KINDS.values()
        if words in set(shown["population"])
    ]
    show(
        figure,
        alt="Dot plot of the size of standardised differences. " + ". ".join(parts) + ".",
        caption=captioned(caption, methods.how(shown)),
    )


@if_seen
def scores(frame: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show the propensity scores of both groups, one upwards and one downwards, so that their overlap can be
    seen.

    ``frame`` comes from :func:`analysis_lib.analyses.weighting.prepare`, ``rows`` from
    :func:`analysis_lib.analyses.weighting.sizes`.
    """
    require(rows)
    if reason := results.skip_reason(frame) or disclosure.of_single_patients(frame):
        return skip(reason)
    figure, axes = canvas(2.9)
    edges = np.linspace(0, 1, 11)
    for place, (treated, words) in enumerate(weighting.GROUPS.items()):
        counts, _ = np.histogram(frame.loc[frame["treated"] == treated, "score"], edges)
        axes.bar(
            edges[:-1],
            counts if treated else -counts,
            width=0.1,
            align="edge",
            color=PALETTE[place],
            edgecolor="white",
            label=words,
            hatch="" if treated else "//",
        )
    axes.axhline(0, color="0.2", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="Estimated probability of radiotherapy alone", ylabel="Patients")
    axes.locator_params(axis="y", integer=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    said = sentences.sentence(
        rows,
        "Mirrored histogram of propensity scores in percent. Radiotherapy "
        "alone: median {weighted.score.rt:full}; "
        "systemic therapy alone: median {weighted.score.st:full}.",
    )
    told = sentences.sentence(rows, "Logistic model; n = {weighted.score.rt:n} and {weighted.score.st:n}.")
    show(figure, alt=said, caption=captioned(caption, told))


COUNTED = {1: "One of", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}


@if_seen
def competing(
    curves: pd.DataFrame,
    rows: pd.DataFrame,
    caption: str,
    who: str = "Sites",
    since: str = "radiotherapy",
) -> None:
    """Show events that compete as rising curves: of ``who``, in months ``since``.

    ``curves`` and ``rows`` come from :func:`analysis_lib.analyses.local_failure.curves` and ``incidences``,
    or from those of :mod:`analysis_lib.analyses.competing_events`.
    """
    require(curves)
    if reason := results.skip_reason(curves):
        return skip(reason)
    figure, (axes, table) = canvas(3.8, nrows=2, sharex=True, height_ratios=[3.2, 0.36])
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    kinds = list(dict.fromkeys(curves["kind"]))
    for kind, style in style_of(kinds).items():
        of = curves[curves["kind"] == kind]
        axes.step(
            of["days"] / DAYS_PER_MONTH, of["percent"], where="post", label=kind, linewidth=1.9, **style
        )
    axes.set(
        ylim=(0, 100),
        xlim=(0, ticks[-1]),
        xticks=ticks,
        ylabel=f"{who}, %",
        xlabel=f"Months since {since}",
    )
    axes.tick_params(labelbottom=True)
    everybody = curves[curves["kind"] == kinds[0]].assign(group="")
    risk_table(table, everybody, [""], ticks, "At risk, without any of the events")
    # a phone has room for two short names in a line
    columns = 1 if max(map(len, kinds)) > LONG_NAME else 2
    figure.legend(loc="outside upper left", ncols=columns, frameon=False)
    shown = rows[(rows["statistic"] == "rate") & ~rows["result_id"].str.endswith(".clustered")]
    alt = described(
        f"{COUNTED.get(curves['kind'].nunique(), 'Several')} rising curves",
        (f"{one['group']}: {numbers.full(one)}" for _, one in shown.iterrows()),
    )
    show(figure, alt=alt, caption=captioned(caption, methods.how(shown)))


@if_seen
def weighted_curves(curves: pd.DataFrame, rows: pd.DataFrame, what: str, caption: str) -> None:
    """Show the survival of two groups, one panel for each weighting.

    ``curves`` and ``rows`` come from :func:`analysis_lib.analyses.weighting.curves` and ``compare``.
    """
    require(curves)
    if reason := results.skip_reason(curves):
        return skip(reason)
    kinds, groups = list(dict.fromkeys(curves["kind"])), list(weighting.GROUPS.values())
    figure, panels = canvas(
        0.9 + 2.35 * len(kinds), nrows=2 * len(kinds), sharex=True, height_ratios=[1.8, 0.42] * len(kinds)
    )
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    for axes, table, kind in zip(panels[::2], panels[1::2], kinds):
        for place, group in enumerate(groups):
            of = curves[(curves["kind"] == kind) & (curves["group"] == group)]
            axes.step(
                of["days"] / DAYS_PER_MONTH,
                100 * of["survival"],
                where="post",
                color=PALETTE[place],
                linestyle=DASHES[place],
                linewidth=1.8,
                label=group,
            )
        axes.set_title(kind, loc="left", fontsize=STYLE["axes.titlesize"], weight="bold")
        axes.set(ylim=(0, 102), ylabel=f"{what}, %", xlim=(0, ticks[-1]), xticks=ticks)
        axes.tick_params(labelbottom=True)
        mine = curves[curves["kind"] == kind].replace({"group": SHORT})
        title = "Number at risk" if kind == weighting.KINDS["unweighted"] else "At risk, sum of weights"
        risk_table(table, mine, [SHORT[group] for group in groups], ticks, title)
    axes.set_xlabel("Months")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    ratios = rows[(rows["statistic"] == "hazard ratio") & rows["group"].isin(kinds)]
    alt = described(
        f"Curves of {what} in {len(kinds)} panels",
        (
            f"Hazard ratio of the second group, {one['group']}: {numbers.full(one)}"
            for _, one in ratios.iterrows()
        ),
    )
    told = "; ".join(filter(None, ["Kaplan–Meier", methods.numbers(ratios)]))
    show(figure, alt=alt, caption=captioned(caption, f"{told}."))


@if_seen
def sorted_p(ranks: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show all P values in order, with the limits that two corrections hold them against.

    ``ranks`` and ``rows`` come from :func:`analysis_lib.analyses.multiplicity.ranks` and ``tally``.
    """
    require(ranks)
    if reason := results.skip_reason(ranks):
        return skip(reason)
    figure, axes = canvas(3.5)
    lowest = 1e-6
    for place, (outcome, marker, words) in enumerate(
        ((True, "o", "Outcomes"), (False, "^", "Treatment and description"))
    ):
        of = ranks[ranks["outcome"] == outcome]
        axes.plot(
            of["rank"], of["p"].clip(lower=lowest), marker, color=PALETTE[place], markersize=5.5, label=words
        )
    for place, (name, words) in enumerate(
        (("bh", "Limit of Benjamini and Hochberg"), ("holm", "Limit of Holm"))
    ):
        axes.step(
            ranks["rank"],
            ranks[name],
            where="mid",
            color="0.25",
            linestyle=DASHES[place + 1],
            linewidth=1.5,
            label=words,
        )
    axes.axhline(multiplicity.LIMIT, color="0.25", linewidth=1.2, label=f"P = {multiplicity.LIMIT:g}")
    axes.set(
        yscale="log",
        ylim=(lowest / 1.6, 1.3),
        xlabel="Comparisons, smallest P value first",
        ylabel="P value, log scale",
        yticks=[1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1],
        xlim=(0, len(ranks) + 1),
    )
    axes.set_yticklabels(["≤ 0.000001", "0.00001", "0.0001", "0.001", "0.01", "0.1", "1"])
    axes.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    alt = "Sorted P values on a log scale. " + sentences.sentence(
        rows,
        "Of {multiplicity.all.raw:n} comparisons, {multiplicity.all.raw} have P below 0.05, "
        "{multiplicity.all.bh} after Benjamini "
        "and Hochberg's and {multiplicity.all.holm} after Holm's correction.",
    )
    show(
        figure,
        alt=alt,
        caption=captioned(caption, sentences.sentence(rows, "n = {multiplicity.all.raw:n} comparisons.")),
    )


@if_seen
def replicates(repeated: pd.DataFrame, caption: str) -> None:
    """Show the intervals of many cohorts, one panel for each bias: naive above, with its remedy below, the
    truth as a line.

    ``repeated`` comes from :func:`analysis_lib.analyses.simulation.repeat`.
    """
    require(repeated)
    known = repeated[(repeated["statistic"] != "skipped")].astype(
        {"value": float, "lower": float, "upper": float}
    )
    biases = list(dict.fromkeys(known["population"]))
    count = known["cohort"].nunique()
    room = 2 + count / 4  # for a name above the intervals
    figure, panels = canvas(0.4 + 2.0 * len(biases), nrows=len(biases))
    for axes, bias in zip(np.atleast_1d(panels), biases):
        of = known[known["population"] == bias]
        for place, (group, one) in enumerate(of.groupby("group", sort=False)):
            one = one.sort_values("value").reset_index(drop=True)
            heights = -np.arange(len(one)) - place * (count + room)
            axes.hlines(heights, one["lower"], one["upper"], color=PALETTE[1 - place], linewidth=1.1)
            axes.plot(
                one["value"], heights, "s" if place == 0 else "o", color=PALETTE[1 - place], markersize=2.8
            )
            axes.text(
                1.0,
                heights[0] + 1,
                group,
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
        axes.axvline(of["truth"].mean(), color="black", linewidth=1.2, linestyle=":")
        ratio = (of["statistic"] == "hazard ratio").all()
        axes.set(
            yticks=[],
            ylim=(-2 * count - room, room),
            xlabel="Hazard ratio, log scale" if ratio else "Sites, %",
        )
        if ratio:
            axes.set(xscale="log")
            plain_log_ticks(axes, of["lower"].min(), of["upper"].max())
        axes.set_title(bias, loc="left", fontsize=STYLE["axes.titlesize"], weight="bold")
        axes.spines["left"].set_visible(False)
    held = known.groupby(["population", "group"], sort=False)["note"].agg(
        lambda notes: f"{(notes == 'yes').sum()} of {len(notes)}"
    )
    alt = (
        "Intervals of many simulated cohorts against the truth. Intervals that hold it: "
        + "; ".join(f"{bias}, {group}: {share}" for (bias, group), share in held.items())
        + "."
    )
    show(figure, alt=alt, caption=captioned(caption, methods.how(known)))
