"""Can a model of these terms, days and events be fitted? What must be known, and why none may exist."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.estimators import observed
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.partial_likelihood import Derivatives, solved


def checked(
    terms: pd.DataFrame, days: ArrayLike, event: ArrayLike, start: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Days, events, terms and starts as arrays; :class:`ValueError` where one is not as it must be."""
    days, event = observed.outcome(days, event)
    x = known_terms(terms, len(days))
    if start is None:
        return days, event, x, np.full(len(days), -1.0)  # so that an event on day 0 finds everyone at risk
    return days, event, x, observed.entries(start, days)


def known_terms(terms: pd.DataFrame, n: int) -> np.ndarray:
    """Terms as an array of numbers; :class:`ValueError` where one is not known, or there are not ``n``
    rows.
    """
    x = np.asarray(terms, dtype=float)
    if len(x) != n:
        raise ValueError(f"{len(x)} rows of terms and {n} days: not the same people")
    if not np.isfinite(x).all():
        unknown = [str(c) for c, known in zip(terms.columns, np.isfinite(x).all(axis=0)) if not known]
        raise ValueError(f"terms must be known for everyone: {', '.join(unknown)}")
    return x


def positive(weights: ArrayLike, n: int) -> np.ndarray:
    """Weights as an array; :class:`ValueError` unless there are ``n`` and all are positive."""
    weights = np.asarray(weights, dtype=float)
    if len(weights) != n or not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights must be positive numbers, one a row")
    return weights


def inestimable(names: Iterable[object], x: np.ndarray, event: np.ndarray) -> str:
    """Why no estimate exists that more iterations could find; empty when one may."""
    if not event.any():
        return "nobody had the event"
    if alike := [
        str(name) for name, column in zip(names, x.T) if np.ptp(column) <= 1e-13 * np.abs(column).max()
    ]:
        return f"all patients are alike in {', '.join(alike)}"
    spread = (x - x.mean(axis=0)) / x.std(axis=0)
    if (
        len(x) < x.shape[1]
        or np.linalg.svd(np.linalg.qr(spread, mode="r"), compute_uv=False)[-1]
        < 1e-8 * np.sqrt(len(x)) * x.shape[1]
    ):
        return "factors determine each other, so that their effects cannot be told apart (collinearity)"
    return ""


def refuse_alike(null: Derivatives, events: float) -> None:
    """:class:`NotEstimable` where the information without any effect is nothing but rounding."""
    if solved(null, events) is None:
        raise NotEstimable(
            "those at risk when an event happened were alike in a factor, or too much so to tell its effect"
        )
