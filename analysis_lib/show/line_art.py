"""Small drawings in the colours of the page: lines of life, a curve with its risk table, a forest plot.

They are SVG with real words, so that they are legible in the dark, on a telephone and in print, and can be
read aloud; the style sheet gives the colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from analysis_lib.rows.released import require
from analysis_lib.show import numbers
from analysis_lib.show.fragments import fragment

WIDTH, PHONE = 640, 360  # of the drawing's own units, which the page scales: on a page, and on a phone
LEFT, RIGHT = 70, 20
HIGH = 230  # of the axis of curves
LETTER = 8  # units that a letter takes on average
LINE = 18  # units from one line of words to the next
LOOKS = ("group-1", "group-2", "group-3", "group-4", "group-5", "group-6")
TICKS = (0.25, 0.5, 1, 2, 4, 8)

Drawn = tuple[list[dict], float]  # marks, and how high the drawing is


def lines_of_life(people: pd.DataFrame, alt: str, step: int = 6) -> str:
    """One line a person, with a cross where it ends in death and an arrow where nobody knows more.

    ``people`` holds ``name``, ``months`` and ``died``.
    """

    def draw(width: int) -> Drawn:
        left = _beside(people["name"])
        x = _scale(int(people["months"].max()), left, width)
        marks = _months(x, int(people["months"].max()), step, 22 * len(people) + 14, width)
        for place, (_, each) in enumerate(people.iterrows()):
            y, end = 22 * place + 18, x(each["months"])
            marks += [
                _words(each["name"], left - 10, y + 4, "end"),
                {"look": "life", "d": f"M{left},{y}H{end}"},
                {"look": "death", "d": f"M{end - 5},{y - 5}l10,10m0,-10l-10,10"}
                if each["died"]
                else {"look": "censoring", "d": f"M{end},{y - 5}l8,5l-8,5z"},
            ]
        return marks, 22 * len(people) + 52

    return _twice(draw, alt)


def curves(
    curve: pd.DataFrame, alt: str, step: int = 6, upto: float | None = None, ticks: bool = True
) -> str:
    """Survival curves with censoring ticks and numbers at risk; several are named above.

    Parameters
    ----------
    curve : pandas.DataFrame
        Released; ``months, at_risk, survival``, ``group`` where there are several, ``censored`` for ticks.
    upto : float, optional
        The month after which nothing is drawn yet, for a curve that grows step by step; it has no numbers at
        risk, and one rendering, for a small picture.
    """
    require(curve)
    most = float(curve["months"].max())
    groups = dict(list(curve.groupby("group", sort=False))) if "group" in curve else {"": curve}

    def draw(width: int) -> Drawn:
        left = _beside(groups)
        own_line = left > width / 3  # then names stand above their numbers
        left = LEFT if own_line else left
        marks, top = _key(groups, left) if len(groups) > 1 else ([], 20.0)
        x, bottom = _scale(most, left, width), top + HIGH
        marks += _months(x, most, step, bottom, width) + _shares(left, top, width)
        for look, mine in zip(LOOKS, groups.values()):
            marks += _curve(mine, look, x, top, upto, ticks)
        if upto is not None:
            return marks, bottom + 40
        at = np.arange(0, most + 1e-9, step)
        risk, height = _at_risk(groups, at, x, left, bottom + 58, own_line)
        return marks + risk, height

    return _twice(draw, alt) if upto is None else _drawn([("small", PHONE, *draw(PHONE))], alt)


def _key(groups: dict[str, pd.DataFrame], left: float) -> tuple[list[dict], float]:
    """Which line is whose, a line a group; and where the drawing begins below it."""
    marks: list[dict] = []
    for place, (look, name) in enumerate(zip(LOOKS, groups)):
        y = 14 + LINE * place
        marks += [
            {"look": f"curve {look}", "d": f"M{left},{y}h30"},
            _words(str(name), left + 38, y + 5, "start"),
        ]
    return marks, 14 + LINE * len(groups) + 10


def _shares(left: float, top: float, width: int) -> list[dict]:
    marks: list[dict] = []
    for share in (0, 25, 50, 75, 100):
        y = top + HIGH * (1 - share / 100)
        marks += [
            {"look": "grid", "d": f"M{left},{y}H{width - RIGHT}"},
            _words(f"{share}%", left - 8, y + 4, "end"),
        ]
    return marks


def _curve(
    mine: pd.DataFrame,
    look: str,
    x: Callable[[float], float],
    top: float,
    upto: float | None,
    ticks: bool,
) -> list[dict]:
    shown = mine if upto is None else mine[mine["months"] <= upto]
    heights = top + HIGH * (1 - shown["survival"])
    steps = "".join(f"H{x(month):.1f}V{y:.1f}" for month, y in zip(shown["months"], heights))
    path = f"M{x(0)},{top:g}{steps}" + (f"H{x(upto)}" if upto is not None else "")
    marks = [{"look": f"curve {look}", "d": path}]
    if ticks and "censored" in shown:
        marks += [
            {"look": f"tick {look}", "d": f"M{x(month):.1f},{y - 6:.1f}v12"}
            for month, y, gone in zip(shown["months"], heights, shown["censored"])
            if gone
        ]
    return marks


def _at_risk(
    groups: dict[str, pd.DataFrame],
    months: np.ndarray,
    x: Callable[[float], float],
    left: float,
    below: float,
    own_line: bool,
) -> Drawn:
    marks, y = [_words("Number at risk", 4 if own_line else left, below - 16, "start small")], below
    for name, mine in groups.items():
        if own_line:
            marks.append(_words(name or "All", 4, y, "start"))
            y += LINE
        else:
            marks.append(_words(name or "All", left - 22, y, "end"))
        for month in months:
            later = mine.loc[mine["months"] >= month, "at_risk"]
            marks.append(_words(str(later.iloc[0]) if len(later) else "0", x(month), y, "middle"))
        y += LINE
    return marks, y


def forest(rows: pd.DataFrame, alt: str) -> str:
    """Hazard ratios with their intervals on a log scale, one a line; on a phone each name stands above."""
    require(rows)
    known = rows.dropna(subset=["value", "lower", "upper"])
    low, high = min(0.5, known["lower"].min()), max(2.0, known["upper"].max())

    def draw(width: int) -> Drawn:
        start, end, line = (210, 480, 34) if width == WIDTH else (12, 210, 50)

        def x(ratio: float) -> float:
            return round(start + (end - start) * np.log(ratio / low) / np.log(high / low), 1)

        bottom = line * len(known) + 30
        marks: list[dict] = [{"look": "no-effect", "d": f"M{x(1)},12V{bottom}"}]
        marks += [
            _words(f"{each:g}", x(each), bottom + 18, "middle") for each in TICKS if low <= each <= high
        ]
        for place, (_, each) in enumerate(known.iterrows()):
            y = line * (place + 1) - 6
            marks += [
                _words(each["group"], 4, y + (4 if width == WIDTH else -14), "start"),
                {"look": "interval", "d": f"M{x(each['lower'])},{y}H{x(each['upper'])}"},
                {"look": "estimate", "x": x(each["value"]) - 5, "y": y - 5, "wide": 10, "high": 10},
                _words(numbers.compact(each), width - 4, y + 4, "end"),
            ]
        fewer = max(x(1) - 12, 12 * LETTER)  # where the word ends
        marks += [
            _words("fewer events", fewer, bottom + 36, "end small"),
            _words("more events", max(x(1) + 12, fewer + 12), bottom + 36, "start small"),
        ]
        return marks, bottom + 44

    return _twice(draw, alt)


def _beside(names: Iterable[str]) -> float:
    """Where drawing starts, so that names have room on its left."""
    return max([LEFT, *(30 + LETTER * len(name) for name in names)])


def _scale(most: float, left: float, width: int) -> Callable[[float], float]:
    return lambda month: round(left + (width - left - RIGHT) * month / most, 1)


def _months(x: Callable[[float], float], most: float, step: int, bottom: float, width: int) -> list[dict]:
    marks = [{"look": "axis", "d": f"M{x(0):g},{bottom}H{width - RIGHT}"}]
    marks += [
        _words(f"{month:g}", x(month), bottom + 18, "middle") for month in np.arange(0, most + 1e-9, step)
    ]
    return [*marks, _words("Months", width - RIGHT, bottom + 34, "end small")]


def _words(words: str, x: float, y: float, look: str) -> dict:
    return {"words": words, "x": round(x, 1), "y": round(y, 1), "look": look}


def _twice(draw: Callable[[int], Drawn], alt: str) -> str:
    """A drawing for a page and again for a phone, where letters of a page would be too small."""
    return _drawn([("wide", WIDTH, *draw(WIDTH)), ("narrow", PHONE, *draw(PHONE))], alt)


def _drawn(renderings: list[tuple[str, int, list[dict], float]], alt: str) -> str:
    shown = [
        {"kind": kind, "width": width, "marks": marks, "height": round(height)}
        for kind, width, marks, height in renderings
    ]
    return fragment("line_art", renderings=shown, alt=alt)
