"""The uncertainty of cumulative incidences of people who enter late: the infinitesimal jackknife, as R's
``survfit`` has it.

What a little more weight of one person does to each curve is carried along from day to day: to the chance of
no event yet, and to the incidence of each cause.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def standard_errors(
    days: np.ndarray, cause: np.ndarray, start: np.ndarray, moments: np.ndarray, codes: Sequence[int]
) -> dict[int, np.ndarray]:
    """For each cause the standard error of its incidence on each of the moments.

    Parameters
    ----------
    days, cause, start : array
        As :func:`analysis_lib.estimators.competing.cumulative_incidence` takes them.
    moments : array
        Sorted days, on each of which somebody ends.
    codes : sequence of int
        The causes.
    """
    free, of_free = 1.0, np.zeros(len(days))  # the chance of no event yet, and what each person does to it
    of_cause = {code: np.zeros(len(days)) for code in codes}
    found = {code: np.zeros(len(moments)) for code in codes}
    for place, moment in enumerate(moments):
        there = (start < moment) & (days >= moment)
        people, ended = there.sum(), there & (days == moment) & (cause > 0)
        for code in codes:
            mine = ended & (cause == code)
            hazard = mine.sum() / people
            of_cause[code] += of_free * hazard + free * (mine - there * hazard) / people
            found[code][place] = np.sqrt((of_cause[code] ** 2).sum())
        hazard = ended.sum() / people
        of_free = of_free * (1 - hazard) - free * (ended - there * hazard) / people
        free *= 1 - hazard
    return found
