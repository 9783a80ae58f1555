"""Figures of chapters 15 to 17: beliefs, strategies, predictions, states, and a curve read back."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from analysis_lib.analyses import beliefs, courses
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import conjugate
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.show import numbers
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
from analysis_lib.show.notes import captioned, skip
from analysis_lib.show.seen import if_seen


@if_seen
def believed(priors: pd.DataFrame, rows: pd.DataFrame, kind: str, caption: str) -> None:
    """Show prior, likelihood and posterior of each reader, one panel a reader.

    ``priors`` and ``rows`` come from :func:`analysis_lib.analyses.beliefs.before` and ``after``; ``kind``
    is a key of :data:`analysis_lib.analyses.beliefs.KINDS`.
    """
    require(priors)
    require(rows)
    if reason := results.skip_reason(rows):
        return skip(reason)
    by_id = pd.concat([priors, rows]).set_index("result_id")
    if (data := f"belief.{kind}.data") not in by_id.index or pd.isna(by_id.loc[data, "value"]):
        return skip("there is no hazard ratio with an interval to draw")
    readers = list(beliefs.priors())
    figure, panels = canvas(0.9 + 1.8 * len(readers), nrows=len(readers), sharex=True)
    grid, told = np.exp(np.linspace(np.log(0.2), np.log(5), 400)), []
    for axes, reader in zip(panels, readers):
        ids = {
            "Belief beforehand": f"prior.{reader}",
            "Data": data,
            "Belief afterwards": f"belief.{kind}.{reader}",
        }
        for (words, one), style in zip(ids.items(), style_of(ids).values()):
            ends = by_id.loc[one, ["value", "lower", "upper"]].astype(float)
            belief = conjugate.of_interval(*ends)
            density = np.exp(-0.5 * ((np.log(grid) - belief.mean) / belief.sd) ** 2) / belief.sd
            axes.plot(grid, density, label=words, linewidth=1.8, **style)
        told.append(
            f"{beliefs.READERS[reader]}: before {numbers.full(by_id.loc[f'prior.{reader}'])}, after "
            f"{numbers.full(by_id.loc[f'belief.{kind}.{reader}'])}"
        )
        axes.axvline(1, color="0.35", linewidth=1, zorder=0)
        axes.set(xscale="log", yticks=[], ylim=(0, None))
        plain_log_ticks(axes, 0.2, 5)
        axes.set_title(beliefs.READERS[reader], loc="left", fontsize=STYLE["axes.titlesize"], weight="bold")
        axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        "Hazard ratio of death, radiotherapy against systemic therapy\n(log scale; below 1: fewer deaths)"
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False)
    alt = f"Densities of beliefs. The data: {numbers.full(by_id.loc[data])}. " + ". ".join(told) + "."
    show(
        figure,
        alt=alt,
        caption=captioned(
            caption,
            methods.how(rows[rows["result_id"].isin([data, *(f"belief.{kind}.{r}" for r in readers)])]),
        ),
    )


@if_seen
def strategies(curves: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show weighted survival under two strategies.

    ``curves`` and ``rows`` come from :func:`analysis_lib.analyses.emulation.strategies` and ``compare``.
    """
    require(curves)
    if reason := results.skip_reason(curves):
        return skip(reason)
    figure, axes = canvas(3.3)
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    for group, style in style_of(dict.fromkeys(curves["group"])).items():
        of = curves[curves["group"] == group]
        axes.step(
            of["days"] / DAYS_PER_MONTH,
            100 * of["survival"],
            where="post",
            label=group,
            linewidth=1.8,
            **style,
        )
    axes.set(
        ylim=(0, 102),
        xlim=(0, ticks[-1]),
        xticks=ticks,
        ylabel="OS2, %",
        xlabel="Months since salvage therapy",
    )
    figure.legend(loc="outside upper left", ncols=1, frameon=False)
    rates = rows[rows["statistic"] == "rate"]
    alt = described(
        "Two weighted survival curves",
        (f"{one['group']}: {numbers.full(one)}" for _, one in rates.iterrows()),
    )
    show(figure, alt=alt, caption=captioned(caption, methods.how(rates)))


@if_seen
def calibration(rows: pd.DataFrame, prefix: str, caption: str) -> None:
    """Show predicted against observed, as fitted and drawn in, one point a group of patients.

    ``rows`` come from :func:`analysis_lib.analyses.predicting.predict`; ``prefix`` begins their ids.
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return skip(reason)
    by_id = rows.set_index("result_id")
    places = sorted(one.rpartition(".")[2] for one in by_id.index if one.startswith(f"{prefix}.observed."))
    places = [place for place in places if pd.notna(by_id.loc[f"{prefix}.observed.{place}", "value"])]
    if not places:
        return skip("no group is followed long enough")
    seen = by_id.loc[[f"{prefix}.observed.{place}" for place in places]]
    figure, axes = canvas(3.9)
    axes.plot([0, 100], [0, 100], color="0.35", linewidth=1, linestyle=":")
    heights = seen[["value", "lower", "upper"]].astype(float).to_numpy()
    for part, marker, colour, words in (("risk", "s", 0, "As fitted"), ("shrunk", "o", 1, "After shrinkage")):
        x = by_id.loc[[f"{prefix}.{part}.{place}" for place in places], "value"].astype(float).to_numpy()
        if part == "risk":
            axes.vlines(x, heights[:, 1], heights[:, 2], color=PALETTE[colour], linewidth=1.4)
        axes.plot(
            x,
            heights[:, 0],
            marker,
            color=PALETTE[colour],
            markersize=7,
            label=words,
            markerfacecolor="white" if part == "shrunk" else PALETTE[colour],
        )
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="Predicted, %", ylabel="Observed, %")
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    alt = "Predicted against observed. " + "; ".join(
        f"{one['population']}: predicted {numbers.estimate(by_id.loc[f'{prefix}.risk.{place}'])}, "
        f"observed {numbers.full(one)}"
        for place, (_, one) in zip(places, seen.iterrows())
    )
    show(figure, alt=f"{alt}.", caption=captioned(caption, methods.how(seen.reset_index())))


@if_seen
def over_time(rows: pd.DataFrame, series: dict[str, str], axis: str, across: str, caption: str) -> None:
    """Show numbers of rows whose ids end in what they are read at, a line for each series.

    Parameters
    ----------
    rows : pandas.DataFrame
        Result rows.
    series : dict
        What the ids of a line begin with, up to the number, and what the line is called.
    axis, across : str
        What the vertical and the horizontal axis show.
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return skip(reason)
    figure, axes = canvas(3.2)
    told, drawn = [], []
    for (start, words), style in zip(series.items(), style_of(series).values()):
        found = rows["result_id"].str.extract(rf"^{start}(\d+)$")[0]
        of = rows[found.notna() & rows["value"].notna()].assign(at=found.dropna().astype(int))
        if of.empty:
            continue
        of = of.sort_values("at")
        axes.plot(
            of["at"], of["value"].astype(float), marker="o", markersize=4, linewidth=1.7, label=words, **style
        )
        told.append(
            f"{words}: " + ", ".join(f"{one['at']}: {numbers.estimate(one)}" for _, one in of.iterrows())
        )
        drawn.append(of)
    if not drawn:
        return skip("there is nothing to draw")
    axes.axhline(0, color="0.35", linewidth=1, zorder=0)
    axes.set(xlabel=across, ylabel=axis)
    if across.startswith("Months"):
        axes.set_xticks(month_ticks(max(of["at"].max() for of in drawn)))
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    shown = pd.concat(drawn)
    show(figure, alt=f"Lines. {'. '.join(told)}.", caption=captioned(caption, methods.how(shown)))


@if_seen
def occupied(curves: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show the chance of each state as stacked areas.

    ``curves`` and ``rows`` come from :func:`analysis_lib.analyses.courses.curves` and ``states``.
    """
    require(curves)
    if reason := results.skip_reason(curves):
        return skip(reason)
    wide = curves.pivot_table(index="days", columns="state", values="share", sort=False).loc[
        :, list(courses.STATES.values())
    ]
    figure, axes = canvas(3.4)
    months, below = wide.index.to_numpy() / DAYS_PER_MONTH, np.zeros(len(wide))
    hatches = ("", "//", "..", "xx")
    for place, name in enumerate(wide):
        top = below + wide[name].to_numpy()
        axes.fill_between(
            months,
            below,
            top,
            step="post",
            color=PALETTE[place],
            alpha=0.75,
            linewidth=0,
            label=name,
            hatch=hatches[place],
            edgecolor="white",
        )
        below = top
    ticks = month_ticks(months.max())
    axes.set(
        ylim=(0, 100),
        xlim=(0, months.max()),
        xticks=[t for t in ticks if t <= months.max()],
        xlabel="Months since salvage therapy",
        ylabel="Patients, %",
    )
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=""))
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    rates = rows[rows["statistic"] == "rate"]
    alt = described(
        "Stacked areas of states over time",
        (f"{one['group']}, {one['population']}: {numbers.estimate(one)}" for _, one in rates.iterrows()),
    )
    show(figure, alt=alt, caption=captioned(caption, methods.how(rates)))


@if_seen
def read_back(curves: pd.DataFrame, rows: pd.DataFrame, caption: str) -> None:
    """Show curves of patients and of those read back from them.

    ``curves`` and ``rows`` come from :func:`analysis_lib.analyses.scanned.drawn` and ``compare``.
    """
    require(curves)
    if reason := results.skip_reason(curves):
        return skip(reason)
    figure, axes = canvas(3.3)
    ticks = month_ticks(curves["days"].max() / DAYS_PER_MONTH)
    for colour, group in enumerate(dict.fromkeys(curves["group"])):
        for dash, source in enumerate(dict.fromkeys(curves["source"])):
            of = curves[(curves["group"] == group) & (curves["source"] == source)]
            axes.step(
                of["days"] / DAYS_PER_MONTH,
                100 * of["survival"],
                where="post",
                # read back in ink, upon the patients' own: in the same colour it would not be seen
                color="0.15" if dash else PALETTE[colour],
                linestyle=DASHES[dash],
                linewidth=2.4 - 1.1 * dash,
                label=f"{group}: {source.lower()}" if not dash else "" if colour else source,
            )
    axes.set(ylim=(0, 102), xlim=(0, ticks[-1]), xticks=ticks, ylabel="OS2, %", xlabel="Months")
    figure.legend(loc="outside upper left", ncols=1, frameon=False)
    medians = rows[rows["statistic"] == "median time"]
    alt = "Survival curves of patients and of those read back. Medians: " + "; ".join(
        f"{one['group']}, {one['population'].lower()}: {numbers.full(one)}" for _, one in medians.iterrows()
    )
    show(figure, alt=f"{alt}.", caption=captioned(caption, methods.how(medians)))
