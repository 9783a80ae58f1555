"""Patients read back from a printed survival curve (Guyot, Ades, Ouwens and Welton 2012).

A Kaplan-Meier curve falls by events among those at risk; between two printed numbers at risk, whoever is gone
and had no event was censored. So the heights of a curve and the numbers below it give back, nearly, who it
was made of. The same arithmetic is why curves of real patients are coarsened before they are shown
(:mod:`analysis_lib.cohort.coarse`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis_lib.estimators.observed import NotEstimable

ROUNDING = 25  # patients by which whole numbers of deaths can put the search for the censored wrong


def scanned(curve: pd.DataFrame, longest: float, width: int, height: int) -> pd.DataFrame:
    """A curve as it can be read off an image: its height in pixels, in the middle of each column in which it
    changes.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`analysis_lib.estimators.curves.kaplan_meier`.
    longest : float
        Where the time axis ends, in days.
    width, height : int
        Pixels from 0 to ``longest``, and from 0 to 100%.

    Returns
    -------
    pandas.DataFrame
        ``days, survival``, from day 0 to the last day that is drawn.
    """
    edges = np.arange(width + 1) * longest / width
    edges = edges[edges <= curve["days"].iloc[-1] + longest / width]
    place = np.searchsorted(curve["days"], edges, side="right") - 1
    heights = np.round(curve["survival"].to_numpy(dtype=float)[place] * height) / height
    kept = np.r_[True, np.diff(heights) < 0]
    kept[-1] = True
    middles = np.maximum(edges - longest / width / 2, 0)
    return pd.DataFrame({"days": middles[kept], "survival": heights[kept]})


def rebuilt(
    points: pd.DataFrame, ticks: np.ndarray, at_risk: np.ndarray, events: int | None = None
) -> pd.DataFrame:
    """The patients that a curve and its numbers at risk stand for.

    Between two ticks the number of censored patients, spread evenly, is the one with which events and
    censored together come nearest to those gone; after the last tick, the one with which all events come
    nearest to ``events``, or, where these are not printed, as many as before for the time.

    Parameters
    ----------
    points : pandas.DataFrame
        ``days, survival``: the heights read off, falling, the first on day 0.
    ticks, at_risk : array
        Days of the printed numbers at risk, the first 0, and the numbers.
    events : int, optional
        The printed number of events.

    Returns
    -------
    pandas.DataFrame
        ``days, event``, one row a patient.

    Raises
    ------
    NotEstimable
        If the curve rises, does not begin on day 0, or numbers at risk grow.
    """
    days, heights = points["days"].to_numpy(dtype=float), points["survival"].to_numpy(dtype=float)
    ticks, at_risk = np.asarray(ticks, dtype=float), np.asarray(at_risk, dtype=int)
    if not len(days) or days[0] != 0 or ticks[0] != 0 or (np.diff(heights) > 0).any():
        raise NotEstimable("a survival curve begins on day 0 and never rises")
    if (np.diff(at_risk) > 0).any():
        raise NotEstimable("numbers at risk never grow")
    inside = ticks <= days[-1]
    ticks, at_risk = ticks[inside], at_risk[inside]
    gone: list[pd.DataFrame] = []
    survival, left = 1.0, int(at_risk[0])
    for place, start in enumerate(ticks):
        last = place + 1 == len(ticks)
        end = max(days[-1], start) if last else ticks[place + 1]
        # whoever has the event on the tick still counts as at risk there
        within = (days >= start) & ((days < end) | last)
        steps = (days[within], heights[within])
        if last:
            wanted = None if events is None else events - sum(int(part["event"].sum()) for part in gone)
            found = _last(steps, start, end, survival, left, wanted, _rate(gone, start))
        else:
            found = _between(steps, start, end, survival, left, left - int(at_risk[place + 1]))
        part, survival = found
        gone.append(part)
        left -= len(part)
    people = pd.concat(gone, ignore_index=True)
    rest = pd.DataFrame({"days": np.full(max(left, 0), days[-1]), "event": False})
    return pd.concat([people, rest], ignore_index=True).astype({"event": bool})


Steps = tuple[np.ndarray, np.ndarray]  # days and heights read off


def _between(
    steps: Steps, start: float, end: float, survival: float, left: int, leaving: int
) -> tuple[pd.DataFrame, float]:
    """Who leaves between two ticks, of whom ``leaving`` are gone at the second."""

    def too_many(censored: int) -> int:
        died = int(_deaths(steps, start, end, survival, left, censored)[0].sum())
        return died + max(min(censored, left - died), 0) - leaving

    return _with(steps, start, end, survival, left, _nearest(too_many, max(leaving, 0)))


def _last(
    steps: Steps,
    start: float,
    end: float,
    survival: float,
    left: int,
    wanted: int | None,
    rate: float,
) -> tuple[pd.DataFrame, float]:
    """Who leaves after the last tick."""
    if wanted is None:
        return _with(steps, start, end, survival, left, min(left, round(rate * (end - start))))

    def too_few(censored: int) -> int:
        return wanted - int(_deaths(steps, start, end, survival, left, censored)[0].sum())

    return _with(steps, start, end, survival, left, _nearest(too_few, left))


def _nearest(miss: Callable[[int], int], most: int) -> int:
    """The first number up to ``most`` whose miss is nearest to 0; it grows with the number, but for what
    rounding does to it.
    """
    low, high = 0, most
    while high - low > 4 * ROUNDING:
        middle = (low + high) // 2
        low, high = (middle - ROUNDING, high) if miss(middle) < 0 else (low, middle + ROUNDING)
    return min(range(low, high + 1), key=lambda number: abs(miss(number)))


def _rate(gone: list[pd.DataFrame], start: float) -> float:
    """How many were censored a day up to ``start``."""
    return sum(int((~part["event"]).sum()) for part in gone) / start if start > 0 else 0.0


def _deaths(
    steps: Steps, start: float, end: float, survival: float, left: int, censored: int
) -> tuple[np.ndarray, float]:
    """How many die at each step of a stretch of time of which so many are censored, and the height that these
    give.
    """
    leaves = start + (end - start) * (np.arange(censored) + 1) / (censored + 1)
    died = np.zeros(len(steps[0]), dtype=int)
    before = np.searchsorted(leaves, steps[0])
    for place, height in enumerate(steps[1]):
        here = left - int(died.sum()) - int(before[place])
        if here <= 0 or survival <= 0:
            break
        died[place] = min(here, round(here * (1 - height / survival)))
        survival *= 1 - died[place] / here
    return died, survival


def _with(
    steps: Steps, start: float, end: float, survival: float, left: int, censored: int
) -> tuple[pd.DataFrame, float]:
    """Who leaves in a stretch of time of which so many are censored, and the height that these give."""
    died, survival = _deaths(steps, start, end, survival, left, censored)
    leaves = start + (end - start) * (np.arange(censored) + 1) / (censored + 1)
    days = np.concatenate([np.repeat(steps[0], died), leaves[: max(left - int(died.sum()), 0)]])
    return pd.DataFrame({"days": days, "event": np.arange(len(days)) < died.sum()}), survival
