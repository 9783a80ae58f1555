"""The series published since, as a table: by time zero, as printed, the cohort's own beside them."""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses import since
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import derived
from analysis_lib.show import notes, numbers, tables

HEADS = ["Series", "Line of therapy, and who", "Patients", "Measured", "Published", "This cohort"]
NOTHING = "–"  # what was not read, or is not known of this cohort


def show(study: Cohort) -> None:
    """Show the table; for a cohort whose day 0 is another treatment, the reason why not."""
    own = since.own(study)
    if not study.after_car_t:
        return notes.skip(results.skip_reason(own))
    cells = lines(own)
    tables.table(
        cells,
        "Series after CAR T failure, by time zero, as they were printed; nothing is pooled over them.",
        sections=[place for place, line in enumerate(cells.to_numpy()) if not any(line[1:])],
    )


@derived
def lines(own: pd.DataFrame) -> pd.DataFrame:
    """The cells: a line a published number below a line for its time zero; ``own`` are the rows of
    :func:`analysis_lib.analyses.since.own`.
    """
    mine = {one["result_id"]: one for _, one in own.iterrows() if one["statistic"] != "skipped"}
    cells = []
    for time_zero, part in since.published().groupby("time_zero", sort=False):
        cells.append([f"From: {time_zero}", *[""] * (len(HEADS) - 1)])
        for one in part.to_dict("records"):
            beside = mine.get(one["beside"])
            cells.append(
                [
                    one["series"],
                    f"{one['line']}; {one['setting']}",
                    one["n"] or NOTHING,
                    one["measured"],
                    published(one),
                    NOTHING if beside is None else numbers.full(beside),
                ]
            )
    return pd.DataFrame(cells, columns=HEADS)


def published(one: dict[str, str]) -> str:
    """A published number as printed, with its unit and what its limits are; ``not read`` and why where it is
    not.
    """
    unit = {"%": "%", "": ""}.get(one["unit"], f" {one['unit']}")
    limits = f"{one['lower']}–{one['upper']}"
    if one["limits"] == "range":
        return f"{limits}{unit} (range)"
    if not one["value"]:
        return f"not read: {one['read']}"
    return f"{one['value']}{unit}" + (f" ({one['limits']} {limits})" if one["lower"] else "")
