"""What every estimator takes: whole days, and whether an event ended them. Anything else is refused, in
words.

Most packages accept events coded 1 and 2, or times in the place of events, and return a wrong number without
a word.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


class NotEstimable(ValueError):
    """There is no such number for these data; the message is a clause that says why, fit for a page."""


def outcome(days: ArrayLike, event: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Days as floats that hold whole numbers, and events as bool.

    Parameters
    ----------
    days : array-like
        Whole days from the origin, 0 or more.
    event : array-like
        ``True`` or 1 where the event happened, ``False`` or 0 where follow-up ended without it.

    Raises
    ------
    ValueError
        Nobody to follow, lengths that differ, a value that is missing, a day that is negative or not whole,
        an event that is not 0 or 1.
    """
    days, event = whole_days(days), _numbers(event, "events")
    _same_length(days=days, event=event)
    if not np.isin(event, (0, 1)).all():
        raise ValueError(
            f"events must be True and False, or 1 and 0; found "
            f"{_first(event, ~np.isin(event, (0, 1)))}. "
            "Codes such as 1 and 2, or times in the place of events, would give a wrong curve"
        )
    return days, event.astype(bool)


def causes(days: ArrayLike, cause: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Days as floats, and the cause that ended them as whole numbers: 0 is censored, 1, 2 and so on are
    causes.

    Raises
    ------
    ValueError
        As in :func:`outcome`; causes must be whole numbers, 0 or more.
    """
    days, cause = whole_days(days), _numbers(cause, "causes")
    _same_length(days=days, cause=cause)
    wrong = (cause < 0) | (cause != np.floor(cause))
    if wrong.any():
        raise ValueError(f"causes must be 0 (censored), 1, 2, ...; found {_first(cause, wrong)}")
    return days, cause.astype(int)


def chi_square(difference: np.ndarray, variance: np.ndarray, scale: np.ndarray) -> float | None:
    """``difference`` squared over its variance (a vector and a matrix); ``None`` where the variance is
    rounding noise.

    ``scale`` is what each variance would be if nothing cancelled: a variance that is nothing beside it is
    none.
    """
    spread = np.sqrt(scale)
    if not (spread > 0).all() or not np.isfinite(variance).all():
        return None
    scaled = variance / np.outer(spread, spread)
    if np.linalg.eigvalsh(scaled)[0] < 1e-10:
        return None
    return float(difference / spread @ np.linalg.solve(scaled, difference / spread))


def groups(labels: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups as numbers from 0, and their labels; :class:`ValueError` for one that is missing, or if there
    are not ``n``.
    """
    codes, found = pd.factorize(np.asarray(labels), sort=False)
    if len(codes) != n:
        raise ValueError(f"{n} days and {len(codes)} groups: not the same people")
    if (codes < 0).any():
        raise ValueError(f"groups must be known for everyone; {int((codes < 0).sum())} of {n} are missing")
    return codes, found


def whole_days(days: ArrayLike, name: str = "days") -> np.ndarray:
    """Days as floats that hold whole numbers; :class:`ValueError` for any other."""
    days = _numbers(days, name)
    if not len(days):
        raise NotEstimable("nobody is followed")
    wrong = (days < 0) | (days != np.floor(days)) | np.isinf(days)
    if wrong.any():
        raise ValueError(
            f"{name} must be whole days, 0 or more; found {_first(days, wrong)}. Times in "
            f"months or years "
            "are turned into days first, so that those that tie are seen to tie"
        )
    return days


def entries(start: ArrayLike, days: np.ndarray) -> np.ndarray:
    """Days of entry as floats that hold whole numbers; :class:`ValueError` where a row ends before it
    starts.
    """
    start = whole_days(start, "start")
    _same_length(days=days, start=start)
    if (start >= days).any():
        raise ValueError(f"{int((start >= days).sum())} rows end on the day they start or before it")
    return start


def _numbers(values: ArrayLike, name: str) -> np.ndarray:
    numbers = np.asarray(values).ravel()
    if numbers.dtype.kind not in "fiub":
        numbers = pd.to_numeric(pd.Series(numbers), errors="raise").to_numpy()
    numbers = numbers.astype(float)
    if np.isnan(numbers).any():
        raise ValueError(
            f"{name} must be known for everyone; {int(np.isnan(numbers).sum())} of {len(numbers)} are missing"
        )
    return numbers


def _same_length(**arrays: np.ndarray) -> None:
    if len(set(map(len, arrays.values()))) > 1:
        raise ValueError(
            " and ".join(f"{len(values)} {name}" for name, values in arrays.items()) + ": not the same people"
        )


def _first(values: np.ndarray, wrong: np.ndarray) -> str:
    return f"{values[wrong][0]:g}"
