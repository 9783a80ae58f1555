"""Who is compared with whom when a score is held against survival, and who had the higher score: work of n
log² n at most.

Of two people, one of whom had the event while the other was still followed, the first should have the higher
score. Counting such pairs one by one takes n² steps. Here all rows are sorted by score, and divided again and
again by when they end: those that end in the later half are met by events of the earlier half, and a running
sum of weights says how many of them have a lower and how many a higher score. Each division is a pass over
arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import observed


class Concordance(NamedTuple):
    """Harrell's concordance, and its standard error by the infinitesimal jackknife."""

    value: float
    se: float


def concordance(
    score: ArrayLike,
    days: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Concordance:
    """Harrell's concordance of a score in which a higher value means an earlier event.

    Of two people, one of whom had the event while the other was still followed, how often that one had the
    higher score; equal scores count half, people who had the event on the same day are not compared. Not a
    number without any pair.
    """
    days, event = observed.outcome(days, event)
    score, n = np.asarray(score, dtype=float), len(days)
    start = np.full(n, -1.0) if start is None else np.asarray(start, dtype=float)
    weights = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    stratum = np.zeros(n, dtype=int) if strata is None else pd.factorize(np.asarray(strata))[0]
    won, pairs = won_and_pairs(score, days, event, start, weights, stratum)
    if not pairs.any():
        return Concordance(np.nan, np.nan)
    total = (weights @ pairs) / 2
    somers = (weights @ won) / 2 / total
    influence = weights * (won - somers * pairs) / total
    if cluster is not None:
        influence = np.bincount(pd.factorize(np.asarray(cluster))[0], influence)
    return Concordance((somers + 1) / 2, np.sqrt((influence**2).sum()) / 2)


def won_and_pairs(
    score: np.ndarray,
    days: np.ndarray,
    event: np.ndarray,
    start: np.ndarray,
    weights: np.ndarray,
    stratum: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Of each row's pairs, by the others' weights: those that agree with the score less those that do not,
    and all.

    Parameters
    ----------
    score, days, event, start, weights : array
        ``start`` is -1 for a row that is followed from day 0 on.
    stratum : array of int
        Counted from 0; rows of different strata are not compared.
    """
    n, (late,) = len(days), np.nonzero(start >= 0)
    # A row that enters late is a row followed from the beginning, less one that ended when it entered.
    rows = np.concatenate([np.arange(n), late])
    sign = np.concatenate([np.ones(n), -np.ones(len(late))])
    # a row meets the events before its place
    moments, place = np.unique(days[event]), np.empty(len(rows), dtype=np.int64)
    place[:n] = np.searchsorted(moments, days, side="left") + (~event & np.isin(days, moments))
    place[n:] = np.searchsorted(moments, start[late], side="right")
    happened = np.concatenate([event, np.zeros(len(late), dtype=bool)])
    bits = max(int(len(moments)).bit_length(), 1)
    code, weight = (stratum[rows].astype(np.int64) << bits) | place, weights[rows] * sign
    won = _signs(code, bits, score[rows], weight, happened)
    pairs = _numbers(code, bits, weight, happened)
    return np.bincount(rows, won * sign, minlength=n), np.bincount(rows, pairs * sign, minlength=n)


def _numbers(code: np.ndarray, bits: int, weight: np.ndarray, happened: np.ndarray) -> np.ndarray:
    """Weights of later rows for an event, and of earlier events for every row, within strata (the bits
    above).
    """
    distinct, of = np.unique(code, return_inverse=True)
    # of the stratum
    first, last = (np.searchsorted(distinct, (distinct >> bits) + after << bits) for after in (0, 1))
    rows, events = (
        np.concatenate([[0.0], np.cumsum(np.bincount(of, each))]) for each in (weight, weight * happened)
    )
    return happened * (rows[last] - rows[1:])[of] + (events[:-1] - events[first])[of]


def _signs(
    code: np.ndarray, bits: int, score: np.ndarray, weight: np.ndarray, happened: np.ndarray
) -> np.ndarray:
    """The same, each counted as 1 if the event's score is the higher, as -1 if it is the lower."""
    order: np.ndarray = np.lexsort((score, code >> bits))
    code, score, weight = code[order], score[order], weight[order]
    tied: np.ndarray = np.cumsum(np.r_[0, score[1:] != score[:-1]])
    events: np.ndarray = weight * happened[order]
    won: np.ndarray = np.zeros(len(code))
    # groups share the bits above; the event of a pair has 0 here, the other row 1
    for bit in range(bits - 1, -1, -1):
        later, group = (code >> bit & 1).astype(bool), code >> (bit + 1)
        new_group = np.r_[True, group[1:] != group[:-1]]
        new_run = new_group | np.r_[True, tied[1:] != tied[:-1]]  # rows of one score stand together
        runs, groups = (
            np.append(np.flatnonzero(new_run), len(code)),
            np.append(np.flatnonzero(new_group), len(code)),
        )
        of_run = np.cumsum(new_group[runs[:-1]]) - 1
        lower_less_higher = []
        for of in (np.where(later, weight, 0), np.where(later, 0, events)):
            up_to = np.concatenate([[0.0], np.cumsum(of)])
            lower_less_higher.append(
                np.repeat(
                    up_to[runs[:-1]] + up_to[runs[1:]] - (up_to[groups[:-1]] + up_to[groups[1:]])[of_run],
                    np.diff(runs),
                )
            )
        won += np.where(later, -lower_less_higher[1], np.where(events != 0, lower_less_higher[0], 0))
        move = np.argsort(code >> bit, kind="stable")
        code, tied, weight, events, won, order = (
            each[move] for each in (code, tied, weight, events, won, order)
        )
    found = np.empty(len(won))
    found[order] = won
    return found
