"""People who are alike in all that an estimator looks at count as one who is there more often.

Nothing of an estimate changes by it, and of a million people some ten thousand are left to work on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


class Kinds(NamedTuple):
    """Kinds of people: ``first`` holds the row of somebody of each kind, ``of`` the kind of each person."""

    first: np.ndarray
    of: np.ndarray

    def counted(self, counts: ArrayLike) -> np.ndarray:
        """How often each kind is in each sample (samples x kinds), from how often each person is."""
        return np.stack([np.bincount(self.of, each, len(self.first)) for each in np.asarray(counts)])

    def drawn(self, samples: ArrayLike) -> np.ndarray:
        """The same from the row numbers of each sample."""
        size = len(self.first)
        return np.stack([np.bincount(self.of[each], minlength=size) for each in np.asarray(samples)])


def kinds(*columns: ArrayLike) -> Kinds:
    """The kinds of people that the columns tell apart, sorted by the first column, then the next.

    A column may hold several numbers a person (people x terms); what is not a number is like itself.
    """
    table = pd.DataFrame(np.column_stack([np.asarray(each, dtype=float) for each in columns]))
    of = table.groupby(list(table), sort=True, dropna=False).ngroup().to_numpy()
    return Kinds(np.unique(of, return_index=True)[1], of)


def sums_at(places: tuple[np.ndarray, np.ndarray], counts: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The sums of people's counts by two places of each: his day and his kind, say."""
    return np.bincount(np.ravel_multi_index(places, size), counts, size[0] * size[1]).reshape(size)
