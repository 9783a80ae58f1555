"""What log-rank tests compare: events of each group, those expected, and how far chance moves them apart."""

from __future__ import annotations

from typing import Literal

import numpy as np


def differences(
    days: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    stratum: np.ndarray,
    weighting: tuple[float, float] | str,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events of each group but the last less those expected, their variance, and its scale: the events
    expected.

    Parameters
    ----------
    days, event : array
    group, stratum : array of int
        Counted from 0.
    weighting : tuple or str
        Powers of the survival just before a day and of its complement (Harrington and Fleming 1982), each in
        its stratum; or ``wilcoxon`` (the number at risk) or ``tarone-ware`` (its root).
    start : array, optional
        Day after which a row is at risk.
    """
    span = int(days.max()) + 1
    key = stratum * span + days.astype(np.int64)
    cells = np.unique(key[event])
    shape = (len(cells), int(group.max()) + 1)

    def counts(which: tuple[np.ndarray, np.ndarray], side: Literal["left", "right"]) -> np.ndarray:
        place = np.searchsorted(cells, which[0], side=side)
        return np.bincount(place * shape[1] + which[1], minlength=(shape[0] + 1) * shape[1]).reshape(
            -1, shape[1]
        )

    died = counts((key[event], group[event]), "left")[:-1]

    def ahead(moments: np.ndarray) -> np.ndarray:
        """For each cell the rows of its stratum, and of later ones, whose moment is not before it."""
        return counts((moments, group), "right")[::-1].cumsum(axis=0)[::-1][1:]

    after = np.searchsorted(cells, (cells // span + 1) * span)  # the first cell of the next stratum
    strata = int(stratum.max()) + 1
    of_strata = np.bincount(stratum * shape[1] + group, minlength=strata * shape[1]).reshape(strata, -1)
    beyond = np.vstack([of_strata[::-1].cumsum(axis=0)[::-1], np.zeros((1, shape[1]), dtype=int)])
    late = beyond[cells // span + 1] if start is None else ahead(stratum * span + start.astype(np.int64))
    at_risk = ahead(key) - late
    events, people = died.sum(axis=1), at_risk.sum(axis=1)
    weight = _weights(events, people, cells // span, after, weighting)
    share = at_risk / people[:, None]
    spread = weight**2 * events * (people - events) / np.maximum(people - 1, 1)
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    difference = weight @ (died - events[:, None] * share)
    return difference[:-1], variance[:-1, :-1], ((weight**2 * events) @ share)[:-1]


def _weights(
    events: np.ndarray,
    people: np.ndarray,
    stratum: np.ndarray,
    after: np.ndarray,
    weighting: tuple[float, float] | str,
) -> np.ndarray:
    if weighting == "wilcoxon":
        return people.astype(float)
    if weighting == "tarone-ware":
        return np.sqrt(people)
    assert not isinstance(weighting, str)
    early, late = weighting
    if early == late == 0:
        return np.ones(len(events))
    survival = np.empty(len(events))
    for first in np.unique(np.searchsorted(stratum, stratum)):  # one pass a stratum
        inside = slice(first, after[first])
        survival[inside] = np.concatenate([[1.0], np.cumprod(1 - events[inside] / people[inside])])[:-1]
    return survival**early * (1 - survival) ** late
