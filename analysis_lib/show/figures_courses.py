"""Patients' ways through lines of therapy, as bands between columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis_lib.analyses import courses
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.show import numbers
from analysis_lib.show.canvas import PALETTE, canvas, show
from analysis_lib.show.notes import captioned, skip
from analysis_lib.show.seen import if_seen

ON_BANDS = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.2}  # below words


@if_seen
def ways(rows: pd.DataFrame, caption: str) -> None:
    """Show how patients went from line to line, as bands between columns of modalities.

    ``rows`` come from :func:`analysis_lib.analyses.courses.flow`; what is hidden is not drawn.
    """
    least = require(rows).rule or 0
    if reason := results.skip_reason(rows):
        return skip(reason)
    of = rows[rows["result_id"].str.startswith("courses.flow.") & rows["value"].notna()]
    if of.empty:
        return skip("the numbers are too small")
    of = of.assign(
        line=of["population"].str.removeprefix("line ").astype(int),
        number=of["value"].astype(float),
        to=of["group"].str.partition(" to ")[2],
    )
    names = [*courses.MODALITIES, *courses.AFTER.values()]
    colours = dict(zip(names, [*PALETTE[:5], "0.35", "0.75"]))
    lines = sorted(of["line"].unique())
    figure, axes = canvas(4.6)
    tops = _columns(axes, of, names, colours)
    _bands(axes, of, names, tops, colours)
    # thin bands have no room for a name, so that each colour is named above as well
    shown = [name for name in names if any(name == drawn for _, drawn in tops)]
    keys = [Patch(color=colours[name]) for name in shown]
    figure.legend(keys, shown, loc="outside upper left", ncols=3, frameon=False)
    axes.set(xticks=[*lines, lines[-1] + 1], yticks=[], xlim=(lines[0] - 0.2, lines[-1] + 1.6))
    axes.set_xticklabels([*(f"Line {line}" for line in lines), "After"])
    axes.spines["left"].set_visible(False)
    alt = "Flow of patients from line to line. " + "; ".join(
        f"{one['population']}, {one['group']}: {numbers.estimate(one)}" for _, one in of.iterrows()
    )
    told = methods.how(rows[rows["statistic"] == "proportion"], intervals=False)
    hidden = f" Ways of fewer than {least} are not drawn, the others rounded." if least > 1 else ""
    show(figure, alt=f"{alt}.", caption=captioned(caption, told) + hidden)


def _columns(
    axes: Axes, of: pd.DataFrame, names: Sequence[str], colours: dict
) -> dict[tuple[int, str], float]:
    """A column for each line, and one for the end, as high as there are patients; where each part begins."""
    lines = sorted(of["line"].unique())
    gap = 0.03 * of.loc[of["line"] == lines[0], "number"].sum()
    tops: dict[tuple[int, str], float] = {}
    for column in [*lines, lines[-1] + 1]:
        leaving = of[of["line"] == column].groupby("level")["number"].sum()
        coming = of[of["line"] == column - 1].groupby("to")["number"].sum()
        top = 0.0
        for name in names:
            size = max(leaving.get(name, 0.0), coming.get(name, 0.0))
            if size:
                axes.bar(column, -size, bottom=top, width=0.12, color=colours[name], linewidth=0)
                if size > 2 * gap:
                    words = name.removeprefix("No further line, ")
                    axes.text(column + 0.1, top - size / 2, words, fontsize=9, va="center", bbox=ON_BANDS)
                tops[(column, name)] = top
                top -= size + gap
    return tops


def _bands(
    axes: Axes, of: pd.DataFrame, names: Sequence[str], tops: dict[tuple[int, str], float], colours: dict
) -> None:
    """The bands between two columns, each as wide as there are patients."""
    leaving, coming = dict(tops), dict(tops)
    along = np.linspace(0, 1, 40)
    bend = 3 * along**2 - 2 * along**3
    ranked = of.assign(first=of["level"].map(names.index), second=of["to"].map(names.index))
    for one in ranked.sort_values(["line", "first", "second"]).itertuples():
        start, end = (one.line, one.level), (one.line + 1, one.to)
        upper = leaving[start] + (coming[end] - leaving[start]) * bend
        axes.fill_between(
            one.line + 0.06 + 0.88 * along,
            upper,
            upper - one.number,
            color=colours[one.level],
            alpha=0.35,
            linewidth=0,
        )
        leaving[start] -= one.number
        coming[end] -= one.number
