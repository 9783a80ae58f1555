"""A figure fitted to a narrower page: its legends take fewer columns and its labels more lines, and it grows
by the height that they take, so that what is drawn keeps its own.
"""

from __future__ import annotations

import contextlib
import math
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

EDGE = 3 / 72  # inches that stay free beside words
CLEAR = 4 / 72  # inches between the numbers of an axis
SHORTEST = 8  # characters: lines are not made shorter


@contextlib.contextmanager
def settled(figure: Figure) -> Iterator[None]:
    """Lay a figure out, and leave it so for a while: each drawing would otherwise begin by doing so again."""
    engine = figure.get_layout_engine()
    _lay_out(figure)
    figure.set_layout_engine(None)
    yield
    figure.set_layout_engine(engine)


def narrow(figure: Figure, width: float) -> None:
    """Make a figure this wide (inches), with every legend and label inside it; it stays as it is laid out."""
    figure.set_size_inches(width, figure.get_figheight())
    _lay_out(figure)
    before = _height(figure)
    moved = [_in_columns(figure, legend) for legend in list(figure.legends)]
    if any(moved):
        _lay_out(figure)  # where labels stand depends on the legends
    thinned = [_thinned(figure, axes) for axes in figure.axes if axes.get_xscale() == "log"]
    broken = [_broken(label, partial(_inside, figure, label)) for label in _labels(figure)]
    if any([*moved, *thinned, *broken]):
        grown = max(0, _height(figure) - before) / figure.dpi
        figure.set_size_inches(width, figure.get_figheight() + grown)
        _lay_out(figure)
    figure.set_layout_engine(None)


def _lay_out(figure: Figure) -> None:
    """Where everything stands; to draw it as well, if only in thought, takes twice as long."""
    engine = figure.get_layout_engine()
    assert engine, "figures of this book are laid out (canvas.canvas)"
    engine.execute(figure)


def _thinned(figure: Figure, axes: Axes) -> bool:
    """The numbers of a log axis as far as they stand clear of each other, those nearest to 1 first: names and
    numbers beside a forest plot may leave it little room. Returns whether any had to go.
    """
    boxes = {
        float(tick): label.get_window_extent()
        for tick, label in zip(axes.get_xticks(), axes.get_xticklabels())  # panels that share them have none
        if label.get_text()
    }
    kept: list[float] = []
    for tick in sorted(boxes, key=lambda each: abs(math.log(each))):
        if all(
            boxes[tick].x0 - boxes[one].x1 >= CLEAR * figure.dpi
            or boxes[one].x0 - boxes[tick].x1 >= CLEAR * figure.dpi
            for one in kept
        ):
            kept.append(tick)
    if len(kept) < len(boxes):
        axes.set_xticks(sorted(kept), [f"{tick:g}" for tick in sorted(kept)])
    return len(kept) < len(boxes)


def _labels(figure: Figure) -> list[Text]:
    of_axes = [label for axes in figure.axes for label in (axes.xaxis.label, axes.yaxis.label)]
    return [label for label in of_axes if label.get_text() and label.get_visible()]


def _height(figure: Figure) -> float:
    """What legends and the labels of horizontal axes take from the height of a figure, in pixels."""
    legends = [legend.get_window_extent().height for legend in figure.legends]
    lines = [axes.xaxis.label.get_window_extent().height for axes in figure.axes]
    return sum(legends) + max(lines, default=0)


def _in_columns(figure: Figure, legend: Legend) -> bool:
    """A legend in as many columns as there is room for; names too long for one column are broken. Returns
    whether anything had to change.
    """
    given, room = legend, figure.bbox.width - 2 * EDGE * figure.dpi
    handles: list[Any] = list(legend.legend_handles)
    names = [text.get_text() for text in legend.get_texts()]
    options: dict[str, Any] = {"frameon": False, "title": legend.get_title().get_text() or None}
    for columns in (2, 1):
        if legend.get_window_extent().width <= room:
            return legend is not given
        legend.remove()
        legend = figure.legend(
            handles, names, loc="outside upper left", ncols=columns, alignment="left", **options
        )
        figure.draw_without_rendering()  # until then a legend does not know where its words stand
    for text in legend.get_texts():
        _broken(text, partial(_ends_before, text, room))
    return True


def _ends_before(text: Text, edge: float) -> bool:
    return text.get_window_extent().x1 <= edge


def _inside(figure: Figure, label: Text) -> bool:
    """Whether a label stands inside along its own direction; across it, the layout makes room."""
    box, edge = label.get_window_extent(), EDGE * figure.dpi
    if label.get_rotation():
        return box.y0 >= edge and box.y1 <= figure.bbox.height - edge
    return box.x0 >= edge and box.x1 <= figure.bbox.width - edge


def _broken(text: Text, fits: Callable[[], bool]) -> bool:
    """Words in lines that are as long as fits, each line of their author's for itself. Returns whether any
    had to be broken.
    """
    given = text.get_text()
    for longest in range(max(map(len, given.splitlines()), default=0), SHORTEST, -1):
        if fits():
            break
        lines = (textwrap.fill(line, longest, break_long_words=False) for line in given.splitlines())
        text.set_text("\n".join(lines))
    return text.get_text() != given
