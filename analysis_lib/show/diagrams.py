"""Causal diagrams: what is thought to act on what, drawn from names and arrows; no numbers."""

from __future__ import annotations

from collections.abc import Collection

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from analysis_lib.rows import results
from analysis_lib.show.canvas import PALETTE, canvas, show
from analysis_lib.show.seen import if_seen

Place = tuple[float, float]
HEIGHT = 2.5  # inches
FRAME = 9 / 72  # inches on each side: the layout sees the words of a frame, not the frame around them


@if_seen
def causal(
    nodes: dict[str, Place],
    arrows: Collection[tuple[str, str]],
    caption: str,
    asked: tuple[str, str] | None = None,
    unmeasured: Collection[str] = (),
    beside: pd.DataFrame | None = None,
) -> None:
    """Show a causal diagram.

    Parameters
    ----------
    nodes : dict
        What there is, each at its place: 0–1 from left to right and from bottom to top.
    arrows : list of tuple
        Cause and effect.
    caption : str
        What the diagram says.
    asked : tuple, optional
        The arrow that the analysis asks about; it is dashed, with a question mark.
    unmeasured : list
        Names of what no column holds; their frame is dotted.
    beside : pandas.DataFrame, optional
        The rows that it explains; where a cohort has none, there is nothing to explain, and no diagram.
    """
    if beside is not None and results.skip_reason(beside):
        return
    with plt.rc_context({"figure.constrained_layout.w_pad": FRAME}):
        figure, axes = canvas(HEIGHT)
    for cause, effect in arrows:
        _arrow(axes, nodes[cause], nodes[effect], "0.35", "-")
    if asked:
        _arrow(axes, nodes[asked[0]], nodes[asked[1]], PALETTE[1], (0, (4, 3)))
        middle = [(a + b) / 2 for a, b in zip(nodes[asked[0]], nodes[asked[1]])]
        axes.annotate(
            "?", middle, (0, 5), textcoords="offset points", ha="center", fontsize=13, color=PALETTE[1]
        )
    for name, place in nodes.items():
        box = {
            "boxstyle": "round,pad=0.45",
            "facecolor": "white",
            "edgecolor": "0.35" if name in unmeasured else PALETTE[0],
            "linestyle": ":" if name in unmeasured else "-",
            "linewidth": 1.4,
        }
        axes.text(*place, name, ha="center", va="center", fontsize=10, bbox=box, zorder=3)
    axes.set(xlim=(-0.16, 1.16), ylim=(-0.16, 1.16))
    axes.axis("off")
    told = "; ".join(f"{cause} acts on {effect}" for cause, effect in arrows).replace("\n", " ")
    question = f" Asked: whether {asked[0]} acts on {asked[1]}.".replace("\n", " ") if asked else ""
    show(figure, alt=f"Causal diagram. {told}.{question}", caption=caption)


def _arrow(axes: Axes, start: Place, end: Place, color: str, line: object) -> None:
    axes.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": color,
            "linestyle": line,
            "linewidth": 1.4,
            "shrinkA": 26,
            "shrinkB": 26,
        },
    )
