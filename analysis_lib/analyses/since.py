"""Series published since, after CAR T failure and of salvage radiotherapy, and the cohort beside them.

The numbers stand in ``paper/since.csv``, each with whether it was read in a stored original. They are ordered
by time zero and line and never pooled: a median from the failure, one from the start of a therapy and one
from a transplant are of different patients on different clocks.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis_lib.analyses import context, survival
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import released, results
from analysis_lib.rows.results import row, slug

SINCE = Path(__file__).parents[1] / "paper" / "since.csv"
# what the cohort's own numbers are of: endpoint, column that names the groups
OWN = (("OSRT", None), ("OSRT", "rt_field"), ("LC", None))
STATISTIC = {"months": "median time", "%": "rate"}


@released.published
def published() -> pd.DataFrame:
    """The numbers of the series, one a line, in the order in which they are shown.

    Returns
    -------
    pandas.DataFrame
        ``series, key`` (of the reference), ``time_zero, line, setting, n`` (empty where that was not read),
        ``measured, value, lower, upper`` (as printed; ``NR`` is not reached; empty where it was not read),
        ``limits`` (what they are), ``unit, verified`` (``yes`` where a stored original was read), ``read``
        (what was read of it) and ``beside`` (id of the cohort's own row that measures the same from the same
        time zero).
    """
    return pd.read_csv(SINCE, dtype=str, keep_default_na=False)


@released.published
def rows() -> pd.DataFrame:
    """The published numbers that have one value, as result rows for sentences.

    Returns
    -------
    pandas.DataFrame
        ``since.<key>.<place>``, the places of a series counted from 1, with the number as it was printed as
        note (21 months are not 21.0); and ``since.numbers`` and ``since.unread``: how many numbers were read,
        and how many were not, with the series' names as note.
    """
    frame = published()
    place = frame.groupby("key").cumcount() + 1
    read = frame[frame["value"] != ""]
    unread = frame[frame["verified"] != "yes"]
    numbers = [
        row(
            slug("since", one["key"], place[index]),
            STATISTIC[one["unit"]],
            float(one["value"]),
            n=int(one["n"]) if one["n"] else None,
            group=one["series"],
            note=f"{one['value']}{'%' if one['unit'] == '%' else ' ' + one['unit']}",
        )
        for index, one in read.iterrows()
    ]
    said = [
        row("since.numbers", "count", int((frame["verified"] == "yes").sum())),
        row(
            "since.unread",
            "count",
            len(unread),
            note="; ".join(f"{one['series']} ({one['measured']})" for one in unread.to_dict("records")),
        ),
    ]
    return results.collect([*numbers, *said])


def told(study: Cohort) -> pd.DataFrame:
    """:func:`rows`, where they have to do with this cohort; or the row that says why not."""
    return rows() if study.after_car_t else disclosure.skipped(study, "since", context.not_comparable(study))


def own(study: Cohort) -> pd.DataFrame:
    """The cohort's numbers that one of the series can stand beside, with the ids that chapters 4 to 6 give
    them; or the row that says why there are none.
    """
    if not study.after_car_t:
        return disclosure.skipped(study, "since", context.not_comparable(study))
    wanted = set(published()["beside"]) - {""}
    found = [survival.estimates(study, endpoint, by=by) for endpoint, by in OWN]
    mine = [part[part["result_id"].isin(wanted)] for part in found if not results.skip_reason(part)]
    if not any(len(part) for part in mine):
        return disclosure.skipped(study, "since", "nothing that the series measure is known of this cohort")
    return disclosure.protect(study, results.collect([part for part in mine if len(part)]))
