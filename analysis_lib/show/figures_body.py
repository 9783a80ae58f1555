"""A body on which a number stands where it was measured."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Patch

from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.show import notes, numbers
from analysis_lib.show.canvas import PALETTE, canvas, show
from analysis_lib.show.seen import if_seen

# Each region: its shapes (x, y, width, height; a circle where there is no height), where a line to its words
# begins, and the side and height at which they stand. The body is 10 high, its middle at 0.
REGIONS: dict[str, tuple[list[tuple], tuple[float, float], Literal["left", "right"], float]] = {
    "CNS": ([(0, 9.2, 0.62)], (0.2, 9.4), "right", 9.3),
    "head and neck": ([(-0.3, 8.05, 0.6, 0.5)], (-0.2, 8.3), "left", 9.0),
    "chest": ([(-1.0, 6.3, 2.0, 1.6)], (0.7, 7.2), "right", 7.4),
    "paraspinal": ([(-0.14, 4.6, 0.28, 3.1)], (-0.1, 6.6), "left", 6.8),
    "abdomen": ([(-0.9, 4.9, 1.8, 1.3)], (0.6, 5.6), "right", 5.5),
    "pelvis": ([(-0.95, 3.9, 1.9, 0.9)], (-0.6, 4.3), "left", 4.4),
    "extremities": (
        [(-1.65, 4.6, 0.5, 3.1), (1.15, 4.6, 0.5, 3.1), (-0.85, 0.2, 0.65, 3.6), (0.2, 0.2, 0.65, 3.6)],
        (0.6, 2.2),
        "right",
        2.4,
    ),
}
FAINTEST, STRONGEST = 0.15, 0.75  # opacity of a region with no and with most sites


@if_seen
def body(rows: pd.DataFrame, caption: str) -> None:
    """Show doses by region on the outline of a body: the more sites a region has, the stronger its colour.

    ``rows`` come from :func:`analysis_lib.analyses.body_regions.doses`.
    """
    require(rows)
    if reason := results.skip_reason(rows):
        return notes.skip(reason)
    found = {row["level"]: row for _, row in rows.iterrows()}
    most = max(row["n"] for row in found.values())
    figure, axes = canvas(4.6)
    for region, (shapes, start, side, height) in REGIONS.items():
        row = found.get(region)
        share = 0.0 if row is None else row["n"] / most
        for shape in shapes:
            axes.add_patch(_patch(shape, FAINTEST + (STRONGEST - FAINTEST) * share, row is not None))
        if row is not None:
            _label(axes, f"{row['group']}\n{_told(row)}", start, side, height)
    axes.autoscale_view()
    axes.set_aspect("equal", adjustable="datalim")  # as broad as the figure: words stand at its edges
    axes.axis("off")
    alt = "Outline of a body. " + "; ".join(f"{row['group']}: {_told(row)}" for row in found.values()) + "."
    show(figure, alt=alt, caption=notes.captioned(caption, methods.how(rows)))


def _told(row: pd.Series) -> str:
    """How many sites, and their median dose."""
    return f"{row['n']} site{'s' if row['n'] != 1 else ''}, {numbers.estimate(row)}"


def _patch(shape: tuple, opacity: float, known: bool) -> Patch:
    look: dict[str, Any] = {
        "facecolor": PALETTE[0] if known else "none",
        "edgecolor": "0.35",
        "linewidth": 1.0,
        "alpha": opacity if known else 1,
    }
    if len(shape) == 3:
        return Circle(shape[:2], shape[2], **look)
    x, y, width, height = shape
    return FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.14", **look)


def _label(
    axes: Axes, words: str, start: tuple[float, float], side: Literal["left", "right"], height: float
) -> None:
    """Words at the edge of the figure, with a line to what they speak of."""
    axes.annotate(
        words,
        xy=start,
        xytext=(0.0 if side == "left" else 1.0, height),
        textcoords=axes.get_yaxis_transform(),
        ha=side,
        va="center",
        fontsize=9.5,
        annotation_clip=False,
        arrowprops={"arrowstyle": "-", "color": "0.35", "linewidth": 0.9},
    )
