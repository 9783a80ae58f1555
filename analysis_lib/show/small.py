"""Small pictures for cards: a few intervals beside a line, or counts as bars; read at a glance, from rows."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis_lib.rows.released import require
from analysis_lib.show import numbers, vector
from analysis_lib.show.canvas import PALETTE, STYLE

SIZE = (3.6, 1.35)  # inches


def intervals(rows: pd.DataFrame, named: dict[str, str], reference: float = 1.0) -> str:
    """Estimates with their limits on a log scale, one below the other, as an SVG element.

    Parameters
    ----------
    rows : pandas.DataFrame
        Result rows.
    named : dict
        Ids of the rows to draw, with the words beside each; the first in the colour of a warning.
    reference : float
        Where a dashed line stands.
    """
    require(rows)
    by_id = rows.set_index("result_id")
    figure, axes = _canvas()
    for place, (result_id, label) in enumerate(named.items()):
        one, color = by_id.loc[result_id], PALETTE[1 if place == 0 else 0]
        axes.plot([one["lower"], one["upper"]], [-place, -place], color=color, linewidth=2.4)
        axes.plot(one["value"], -place, "s", color=color, markersize=7)
        axes.annotate(f"{label}: {numbers.estimate(one)}", (one["value"], -place), (0, 8), **BESIDE)
    axes.axvline(reference, color="0.35", linewidth=1.2, linestyle=(0, (3, 3)))
    axes.set(xscale="log", ylim=(-len(named) + 0.6, 0.75))
    _bare(axes)
    alt = "; ".join(f"{label}: {numbers.full(by_id.loc[each])}" for each, label in named.items())
    return _closed(figure, f"Estimates with intervals. {alt}.")


def bars(rows: pd.DataFrame, named: dict[str, str]) -> str:
    """Shares, or counts out of their ``n``, as bars, one below the other, as an SVG element; ``named`` as in
    :func:`intervals`.
    """
    require(rows)
    by_id = rows.set_index("result_id")
    figure, axes = _canvas()
    said: dict[str, str] = {}
    for place, (result_id, label) in enumerate(named.items()):
        one = by_id.loc[result_id]
        count, total = float(one["events" if one["statistic"] == "proportion" else "value"]), float(one["n"])
        said[label] = f"{count:g} of {total:g}"
        axes.barh(-place, total, height=0.36, color="0.92")
        axes.barh(-place, count, height=0.36, color=PALETTE[1 if place == 0 else 0])
        axes.annotate(f"{label}: {said[label]}", (0, -place), (0, 11), **(BESIDE | {"ha": "left"}))
    axes.set(ylim=(-len(named) + 0.6, 0.75))
    axes.margins(x=0)
    _bare(axes)
    return _closed(figure, "Bars. " + "; ".join(f"{label}: {count}" for label, count in said.items()) + ".")


BESIDE: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 10}


def _canvas() -> tuple[Figure, Axes]:
    with sns.axes_style("ticks"), plt.rc_context(STYLE):
        return plt.subplots(figsize=SIZE, layout="constrained")


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
    axes.spines[:].set_visible(False)


def _closed(figure: Figure, alt: str) -> str:
    svg = vector.inline(vector.drawn(figure), alt, "small")
    plt.close(figure)
    return svg
