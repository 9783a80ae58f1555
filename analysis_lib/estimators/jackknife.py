"""What an estimate is without each person in turn, for a jackknife over persons who may have several rows.

Both estimates that need it, the cumulative incidence (Aalen and Johansen 1978) and the mean number of events
where the dead have no more (Ghosh and Lin 2000), add up, over days, the chance of still being there times the
share that has the event. All persons are left out at once, in blocks: work of persons times days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

BLOCK = 2_000_000  # numbers in an array that is held at once


def without_each(
    person: ArrayLike,
    days: ArrayLike,
    leaves: ArrayLike,
    whose: ArrayLike,
    when: ArrayLike,
    at: list[float],
) -> np.ndarray:
    """The sum, up to each day of ``at``, of chance of being there times share with the event.

    Parameters
    ----------
    person : array-like of int
        Whose each row is: 0, 1 and so on, all of them.
    days, leaves : array-like
        Day on which each row's follow-up ends, and whether it is no longer there then (not: censored).
    whose, when : array-like
        The person and the day of each event that is counted.
    at : list of float
        Days up to which is added up.

    Returns
    -------
    numpy.ndarray
        One line a person who is left out, one column a day of ``at``.
    """
    person, days, leaves = np.asarray(person), np.asarray(days), np.asarray(leaves, dtype=bool)
    whose, when = np.asarray(whose), np.asarray(when)
    last = max(at)
    moments = np.unique(np.concatenate([days[days <= last], when[when <= last]]))
    persons = int(person.max()) + 1
    # where a row lies among the days: it is at risk on those before its place
    until = np.searchsorted(moments, days, side="right")
    gone = np.where(leaves & (days <= last), until - 1, len(moments))
    seen = np.where(when <= last, np.searchsorted(moments, when), len(moments))
    many = [np.bincount(place, minlength=len(moments) + 1) for place in (until, gone, seen)]
    by_person, by_whose = np.argsort(person, kind="stable"), np.argsort(whose, kind="stable")
    placed = [(person[by_person], each[by_person]) for each in (until, gone)]
    placed.append((whose[by_whose], seen[by_whose]))
    columns = np.searchsorted(moments, at, side="right")
    first, step = 0, max(1, BLOCK // (len(moments) + 1))
    parts = []
    while first < persons:
        size = min(step, persons - first)
        left = [
            all_ - _table(of, place, first, size, len(moments) + 1) for all_, (of, place) in zip(many, placed)
        ]
        at_risk = np.maximum(np.cumsum(left[0][:, ::-1], axis=1)[:, ::-1][:, 1:], 1)
        staying = np.cumprod(1 - left[1][:, :-1] / at_risk, axis=1)
        staying = np.hstack([np.ones((size, 1)), staying[:, :-1]])
        sums = np.cumsum(staying * left[2][:, :-1] / at_risk, axis=1)
        parts.append(np.hstack([np.zeros((size, 1)), sums])[:, columns])
        first += size
    return np.vstack(parts)


def _table(of: np.ndarray, place: np.ndarray, first: int, size: int, width: int) -> np.ndarray:
    """How many rows of each of ``size`` persons, from ``first`` on, have each place; rows are in the order of
    persons.
    """
    mine = slice(*np.searchsorted(of, [first, first + size]))
    flat = (of[mine] - first) * width + place[mine]
    return np.bincount(flat, minlength=size * width).reshape(size, width)


def standard_error(without: ArrayLike) -> float:
    """The standard error of an estimate, from what it is without each person in turn (a jackknife)."""
    without = np.asarray(without, dtype=float)
    n = len(without)
    return float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
