"""P values corrected for how many they are: Holm (1979), Benjamini and Hochberg (1995)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests


def corrected(p: ArrayLike, method: str) -> np.ndarray:
    """P values after a correction, in the order given.

    Parameters
    ----------
    p : array-like
    method : str
        Of :func:`statsmodels.stats.multitest.multipletests`: ``holm``, or ``fdr_bh`` for Benjamini and
        Hochberg's.
    """
    return _holm(np.asarray(p, dtype=float)) if method == "holm" else multipletests(p, method=method)[1]


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction as statsmodels computes it, which after each has the garbage of the whole process
    collected: that takes longer than the tests of a chapter.
    """
    order = np.argsort(p)
    after = np.empty(len(p))
    after[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return after
