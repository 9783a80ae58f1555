"""What the paper prints about its data, as intervals of values that would print the same.

``targets.csv`` holds facts only: claim, population, kind of statistic and the printed value(s) as printed, so
that the number of decimals, and with it the rounding interval, is known.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd


@cache
def targets() -> pd.DataFrame:
    """The printed claims, by identifier, every value kept as text."""
    path = Path(__file__).with_name("targets.csv")
    return pd.read_csv(path, dtype=str, keep_default_na=False).set_index("id")


def printed(claim: str, column: str = "value") -> str:
    """A printed value, as text."""
    return targets().loc[claim, column]


def count(claim: str) -> int:
    """A printed count."""
    return int(printed(claim))


def decimals(text: str) -> int:
    """Number of decimals of a printed number."""
    return len(text.partition(".")[2])


def interval(claim: str, column: str = "value") -> tuple[float, float]:
    """Half-open interval of the numbers that print as the claim (rounding half up)."""
    text = printed(claim, column)
    half = 0.5 * 10.0 ** -decimals(text)
    return float(text) - half, float(text) + half


def p_interval(claim: str) -> tuple[float, float]:
    """Interval of the P values that print as the claim; ``<0.001`` is everything below, ``p>0.05`` above."""
    text = printed(claim)
    if text.startswith("<"):
        return 0.0, float(text[1:])
    if text.startswith("p>"):
        return float(text[2:]) + 1e-9, 1.0 + 1e-9
    return interval(claim)
