"""Optimism of a model's discrimination and calibration, by the bootstrap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import observed, repeated
from analysis_lib.estimators.alike import kinds
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows.methods import SEED

REPLICATES = 200
DRAWN, FEWEST = 4_000_000, 20  # rows drawn in all, from which on samples become fewer, and how few


class Validated(NamedTuple):
    """Concordance as it appears, its optimism, and corrected; slope: how much the predictions must be drawn
    in (1 is none); ``used``: replicates in which the model could be fitted."""

    apparent: float
    optimism: float
    corrected: float
    slope: float
    used: int


def samples(n: int, seed: int = SEED) -> np.ndarray:
    """Row numbers of bootstrap samples of ``n`` rows, a line each, for the mean of what they give.

    :data:`REPLICATES` of them; fewer where the rows are so many that samples hardly differ.
    """
    number = int(np.clip(DRAWN // max(n, 1), FEWEST, REPLICATES))
    return np.random.default_rng(seed).integers(0, n, (number, n))


def of_samples(terms: pd.DataFrame, days: ArrayLike, event: ArrayLike, samples: np.ndarray) -> Validated:
    """Harrell's bootstrap of a Cox model's concordance and calibration slope, from :func:`samples`.

    Raises
    ------
    NotEstimable
        If the model cannot be fitted to the patients, or to more than a tenth of the samples.
    """
    x, (days, event) = terms.to_numpy(dtype=float), observed.outcome(days, event)
    alike = kinds(days, event, x)
    x, days, event = (each[alike.first] for each in (x, days, event))
    everyone, counts = np.bincount(alike.of)[None], alike.drawn(samples)
    coef, _ = repeated.cox(x[None], days, event, everyone)
    if np.isnan(coef).any():
        raise NotEstimable("the model cannot be fitted: too few events, or factors that determine each other")
    fitted, _ = repeated.cox(x[None], days, event, counts)
    predicted = fitted @ x.T
    often = np.broadcast_to(everyone, counts.shape)
    slopes, _ = repeated.cox(np.nan_to_num(predicted)[:, :, None], days, event, often)
    used = np.isfinite(slopes[:, 0]) & np.isfinite(predicted).all(axis=1)
    if used.mean() < 0.9:
        raise NotEstimable(
            "the model cannot be fitted to many of the bootstrap samples: there are too few events"
        )
    predicted, counts, often = predicted[used], counts[used], often[used]
    apparent = float(repeated.concordance(coef @ x.T, days, event, everyone)[0])
    inside, outside = (repeated.concordance(predicted, days, event, among) for among in (counts, often))
    gain = float((inside - outside).mean())
    return Validated(apparent, gain, apparent - gain, float(slopes[used, 0].mean()), int(used.sum()))
