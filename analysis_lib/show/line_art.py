"""Small drawings in the colours of the page: lines of life, a curve with its risk table, a forest plot.

They are SVG with real words, so that they are legible in the dark, on a telephone and in print, and can be
read aloud; the style sheet gives the colours.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis_lib.rows.released import require
from analysis_lib.show import numbers
from analysis_lib.show.fragments import fragment

WIDTH = 640  # of the drawing's own units, which the page scales
LEFT, RIGHT = 70, 20
LOOKS = ("group-1", "group-2", "group-3", "group-4", "group-5", "group-6")


def lines_of_life(people: pd.DataFrame, alt: str, step: int = 6) -> str:
    """One line a person, with a cross where it ends in death and an arrow where nobody knows more.

    ``people`` holds ``name``, ``months`` and ``died``.
    """
    most = int(people["months"].max())
    left = _beside(people["name"])
    x = _scale(most, left)
    marks, height = _months(x, most, step, 22 * len(people) + 14, "Months"), 22 * len(people) + 52
    for place, (_, each) in enumerate(people.iterrows()):
        y, end = 22 * place + 18, x(each["months"])
        marks += [
            _words(each["name"], left - 10, y + 4, "end"),
            {"look": "life", "d": f"M{left},{y}H{end}"},
            {"look": "death", "d": f"M{end - 5},{y - 5}l10,10m0,-10l-10,10"}
            if each["died"]
            else {"look": "censoring", "d": f"M{end},{y - 5}l8,5l-8,5z"},
        ]
    return _drawn(marks, height, alt)


def curves(
    curve: pd.DataFrame, alt: str, step: int = 6, upto: float | None = None, ticks: bool = True
) -> str:
    """Survival curves with censoring ticks and numbers at risk.

    Parameters
    ----------
    curve : pandas.DataFrame
        Released; ``months, at_risk, survival``, ``group`` where there are several, ``censored`` for ticks.
    upto : float, optional
        The month after which nothing is drawn yet, for a curve that grows step by step; it has no numbers at
        risk.
    """
    require(curve)
    most = float(curve["months"].max())
    groups = dict(list(curve.groupby("group", sort=False))) if "group" in curve else {"": curve}
    left = _beside(groups)
    x, high = _scale(most, left), 230
    marks = _months(x, most, step, high + 20, "Months")
    for share in (0, 25, 50, 75, 100):
        y = 20 + high * (1 - share / 100)
        marks += [
            {"look": "grid", "d": f"M{left},{y}H{WIDTH - RIGHT}"},
            _words(f"{share}%", left - 8, y + 4, "end"),
        ]
    for look, mine in zip(LOOKS, groups.values()):
        shown = mine if upto is None else mine[mine["months"] <= upto]
        heights = 20 + high * (1 - shown["survival"])
        path = f"M{x(0)},20" + "".join(
            f"H{x(month):.1f}V{y:.1f}" for month, y in zip(shown["months"], heights)
        )
        marks.append({"look": f"curve {look}", "d": path + (f"H{x(upto)}" if upto is not None else "")})
        if ticks and "censored" in shown:
            marks += [
                {"look": f"tick {look}", "d": f"M{x(month):.1f},{y - 6:.1f}v12"}
                for month, y, gone in zip(shown["months"], heights, shown["censored"])
                if gone
            ]
    if upto is not None:
        return _drawn(marks, high + 60, alt)
    below = high + 78
    marks.append(_words("Number at risk", left, below - 16, "start small"))
    for line, (look, (name, mine)) in enumerate(zip(LOOKS, groups.items())):
        y = below + 18 * line
        marks.append(_words(name or "All", left - 22, y, f"end {look}" if name else "end"))
        for month in np.arange(0, most + 1e-9, step):
            later = mine.loc[mine["months"] >= month, "at_risk"]
            marks.append(_words(str(later.iloc[0]) if len(later) else "0", x(month), y, "middle"))
    return _drawn(marks, below + 18 * len(groups), alt)


def forest(rows: pd.DataFrame, alt: str) -> str:
    """Hazard ratios with their intervals on a log scale, one a line."""
    require(rows)
    known = rows.dropna(subset=["value", "lower", "upper"])
    low, high = min(0.5, known["lower"].min()), max(2.0, known["upper"].max())

    def x(ratio: float) -> float:
        return round(210 + 270 * np.log(ratio / low) / np.log(high / low), 1)

    bottom = 34 * len(known) + 30
    marks: list[dict] = [{"look": "no-effect", "d": f"M{x(1)},12V{bottom}"}]
    marks += [
        _words(f"{each:g}", x(each), bottom + 18, "middle")
        for each in (0.25, 0.5, 1, 2, 4, 8)
        if low <= each <= high
    ]
    for place, (_, each) in enumerate(known.iterrows()):
        y = 34 * place + 28
        marks += [
            _words(each["group"], 4, y + 4, "start"),
            {"look": "interval", "d": f"M{x(each['lower'])},{y}H{x(each['upper'])}"},
            {"look": "estimate", "x": x(each["value"]) - 5, "y": y - 5, "wide": 10, "high": 10},
            _words(numbers.compact(each), WIDTH - 4, y + 4, "end"),
        ]
    marks += [
        _words("fewer events", x(1) - 12, bottom + 36, "end small"),
        _words("more events", x(1) + 12, bottom + 36, "start small"),
    ]
    return _drawn(marks, bottom + 44, alt)


def _beside(names: Iterable[str]) -> float:
    """Where drawing starts, so that names have room on its left: of a phone's letters, 11 wide on average."""
    return max([LEFT, *(26 + 11 * len(name) for name in names)])


def _scale(most: float, left: float):  # type: ignore[no-untyped-def]  # a function of months, in units of the drawing
    return lambda month: round(left + (WIDTH - left - RIGHT) * month / most, 1)


def _months(x, most: float, step: int, bottom: float, label: str) -> list[dict]:  # type: ignore[no-untyped-def]
    marks = [{"look": "axis", "d": f"M{x(0):g},{bottom}H{WIDTH - RIGHT}"}]
    marks += [
        _words(f"{month:g}", x(month), bottom + 18, "middle") for month in np.arange(0, most + 1e-9, step)
    ]
    return [*marks, _words(label, WIDTH - RIGHT, bottom + 34, "end small")]


def _words(words: str, x: float, y: float, look: str) -> dict:
    return {"words": words, "x": round(x, 1), "y": round(y, 1), "look": look}


def _drawn(marks: list[dict], height: float, alt: str) -> str:
    return fragment("line_art", marks=marks, width=WIDTH, height=round(height), alt=alt)
