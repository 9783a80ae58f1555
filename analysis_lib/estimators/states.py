"""A patient's time cut at the moment when a state changes, and the landmark that avoids the cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def split(days: ArrayLike, event: ArrayLike, entered: ArrayLike) -> pd.DataFrame:
    """Cut each person's time at the day on which a state was entered.

    Parameters
    ----------
    days, event : array-like
        Days from the origin, and whether the event ended them.
    entered : array-like of float
        Day on which the state was entered; not a number for those who never entered it.

    Returns
    -------
    pandas.DataFrame
        ``row`` (position of the person), ``start, stop`` (at risk after the one, up to the other), ``event``
        and ``inside`` (1 in the state, else 0). An event on the very day of entry belongs to the time before.
        Nobody is at risk for no time: a person whose time ends on day 0 has no row.
    """
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    cut = np.clip(np.where(np.isnan(np.asarray(entered, dtype=float)), days, entered), 0, days)
    place = np.arange(len(days))
    before = pd.DataFrame(
        {"row": place, "start": 0.0, "stop": cut, "event": event & (cut == days), "inside": 0.0}
    )
    after = pd.DataFrame({"row": place, "start": cut, "stop": days, "event": event, "inside": 1.0})
    pieces = pd.concat([before, after])
    return pieces[pieces["stop"] > pieces["start"]].sort_values(["row", "start"]).reset_index(drop=True)


def landmark(days: ArrayLike, event: ArrayLike, entered: ArrayLike, day: float) -> pd.DataFrame:
    """Those still followed after a landmark, by whether they had entered the state by then; the clock starts
    anew there.

    Returns
    -------
    pandas.DataFrame
        ``row, days`` (from the landmark), ``event, inside``. An event exactly at the landmark belongs to the
        time before it, an entry on that day to the state.
    """
    days, entered = np.asarray(days, dtype=float), np.asarray(entered, dtype=float)
    frame = pd.DataFrame(
        {
            "row": np.arange(len(days)),
            "days": days - day,
            "event": np.asarray(event, dtype=bool),
            "inside": (entered <= day).astype(float),
        }
    )
    return frame[frame["days"] > 0].reset_index(drop=True)
