"""People who move between states: the chance of being in each (Aalen and Johansen 1978), and the mean
number of times that something happened (Ghosh and Lin 2000).

Days are whole; a stay runs after ``start`` up to ``stop``. Everybody begins on day -1, so that something can
happen on day 0, as in R's ``survfit`` of several states, which the tests hold this against.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import jackknife, observed
from analysis_lib.estimators.alike import kinds
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows.limits import Z

BEGIN = -1.0


def stays(end: ArrayLike, last: ArrayLike, moves: Sequence[ArrayLike]) -> pd.DataFrame:
    """Each person's stays in states that are only left forwards.

    Parameters
    ----------
    end : array-like of int
        Day on which follow-up of the person ends.
    last : array-like of bool
        Whether it ends with the last state (death).
    moves : list of array-like of float
        For state 1, 2 and so on the day on which it is entered; not a number if never. Everybody begins in
        state 0. The last state comes after all of these.

    Returns
    -------
    pandas.DataFrame
        ``row, start, stop, state, to``: one row a stay; ``to`` is the state that ends it, or the same if it
        is
        censored. Of several states entered on one day the furthest counts; an entry after a further state, or
        on the day of the end without its being a move, is none.
    """
    end, last = observed.outcome(end, last)
    days = np.column_stack([np.asarray(each, dtype=float) for each in moves])
    final = days.shape[1] + 1
    rows = []
    for person in range(len(end)):
        entries = [(days[person, j], j + 1) for j in range(days.shape[1]) if days[person, j] <= end[person]]
        entries += [(end[person], final)] if last[person] else []
        start, state = BEGIN, 0
        for day in sorted({day for day, _ in entries}):
            to = max(j for at, j in entries if at == day)
            if to > state:
                rows.append((person, start, day, state, to))
                start, state = day, to
        if state != final and start < end[person]:
            rows.append((person, start, end[person], state, state))
    return pd.DataFrame(rows, columns=["row", "start", "stop", "state", "to"])


def occupation(frame: pd.DataFrame, states: int) -> pd.DataFrame:
    """Aalen and Johansen's chance of being in each state, from day 0 on.

    Parameters
    ----------
    frame : pandas.DataFrame
        From :func:`stays`.
    states : int
        How many states there are, the last included.

    Returns
    -------
    pandas.DataFrame
        One row a day on which somebody moves or leaves, from day 0 on: ``days`` and, for each state ``j``,
        ``state<j>, lower<j>, upper<j>`` (95%, infinitesimal jackknife over persons on the log scale, as R).

    Raises
    ------
    NotEstimable
        If nobody is followed.
    """
    if frame.empty:
        raise NotEstimable("nobody is followed")
    person = pd.factorize(frame["row"])[0]
    course = kinds(_courses(frame, person))
    frame, people = frame[np.isin(person, course.first)], np.bincount(course.of)  # one person of each kind
    kind = course.of[person[np.isin(person, course.first)]]
    start, stop, state, to = (frame[c].to_numpy() for c in ("start", "stop", "state", "to"))
    often = people[kind]
    chance = np.zeros(states)
    chance[0] = 1.0
    influence = np.zeros((len(people), states))  # of one person of each kind
    days = np.unique(stop)
    days = np.concatenate([[0.0], days]) if days[0] > 0 else days
    lines = []
    for day in days:
        here, moving = (start < day) & (stop >= day), (stop == day) & (to != state)
        if moving.any():
            at_risk = np.bincount(state[here], often[here], states)
            hazard = np.zeros((states, states))
            np.add.at(hazard, (state[moving], to[moving]), often[moving] / at_risk[state[moving]])
            hazard -= np.diag(hazard.sum(axis=1))
            influence = influence @ (np.eye(states) + hazard)
            for j in np.unique(state[moving]):
                share = chance[j] / at_risk[j]
                influence[kind[here & (state == j)]] -= share * hazard[j]
                own = moving & (state == j)
                np.add.at(influence, (kind[own], to[own]), share)
                influence[kind[own], j] -= share
            chance = chance @ (np.eye(states) + hazard)
        lines.append((day, chance.copy(), np.sqrt(people @ influence**2)))
    return _limits(lines, states)


def _courses(frame: pd.DataFrame, person: np.ndarray) -> np.ndarray:
    """The stays of each person (numbered from 0) side by side, one row a person."""
    nth = frame.groupby(person).cumcount().to_numpy()
    return frame.drop(columns="row").set_index([person, nth]).unstack().to_numpy(dtype=float)


def _limits(lines: list[tuple[float, np.ndarray, np.ndarray]], states: int) -> pd.DataFrame:
    """The curve with limits on the log scale; none where a chance is 0 or 1."""
    chance = np.clip(np.array([line[1] for line in lines]), 0, 1)
    se = np.array([line[2] for line in lines])
    inside = np.where((chance > 1e-12) & (chance < 1 - 1e-12), chance, np.nan)
    columns: dict[str, object] = {"days": [line[0] for line in lines]}
    for j in range(states):
        reach = np.exp(Z * se[:, j] / inside[:, j])
        columns |= {
            f"state{j}": chance[:, j],
            f"lower{j}": inside[:, j] / reach,
            f"upper{j}": np.minimum(inside[:, j] * reach, 1),
        }
    return pd.DataFrame(columns)


def at(curve: pd.DataFrame, day: float) -> pd.Series:
    """The line of a curve that holds on a day."""
    return curve[curve["days"] <= day].iloc[-1]


def mean_number(end: ArrayLike, died: ArrayLike, row: ArrayLike, when: ArrayLike, day: float) -> float:
    """The mean number of times that something happened by a day, where the dead have no more of it.

    The chance of being alive just before each day times the number of happenings among those followed
    (Ghosh and Lin 2000).

    Parameters
    ----------
    end, died : array-like
        Day on which each person's follow-up ends, and whether by death.
    row, when : array-like
        Whose each happening is (position of the person), and its day; those after the end do not count.
    day : float
        Up to when.
    """
    end, died = observed.outcome(end, died)
    row, when = np.asarray(row, dtype=int), np.asarray(when, dtype=float)
    when = when[(when <= end[row]) & (when <= day)]
    deaths, dying = np.unique(end[died], return_counts=True)
    still = len(end) - np.searchsorted(np.sort(end), deaths, side="left")
    alive = np.concatenate([[1.0], np.cumprod(1 - dying / still)])
    moments, number = np.unique(when, return_counts=True)
    followed = len(end) - np.searchsorted(np.sort(end), moments, side="left")
    return float((alive[np.searchsorted(deaths, moments, side="left")] * number / followed).sum())


def jackknifed_mean_number(
    end: ArrayLike, died: ArrayLike, row: ArrayLike, when: ArrayLike, day: float
) -> tuple[float, float]:
    """:func:`mean_number` with its standard error, by leaving out one person at a time.

    Raises
    ------
    NotEstimable
        If there are fewer than two persons.
    """
    end, died = observed.outcome(end, died)
    row, when = np.asarray(row, dtype=int), np.asarray(when, dtype=float)
    if len(end) < 2:
        raise NotEstimable("a single person has no interval")
    seen = when <= end[row]
    without = jackknife.without_each(np.arange(len(end)), end, died, row[seen], when[seen], [day])
    return mean_number(end, died, row, when, day), jackknife.standard_error(without)
