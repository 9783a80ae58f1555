"""What the paper says in words that the tables of a cohort can answer.

Few sentences of a discussion are claims on the data; these three are, though no number stands with them.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.cohort import disclosure, first_course
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.rows import results
from analysis_lib.rows.results import row

COLUMNS = (
    "salvage_regimen",
    "salvage_sequence",
    "stage",
    "disease_sites",
    "sites.dose_gy",
    "sites.fractions",
)


@disclosure.protected
@needs("statement", *COLUMNS)
def rows(study: Cohort) -> pd.DataFrame:
    """Shares that three statements of the Discussion speak of.

    ``statement.systemic``: of the irradiated, those with systemic therapy in the same salvage course;
    ``statement.limited.<rt, cmt, st>``: stage I or II when salvage therapy began;
    ``statement.burden.<high, low>``: two or more sites of disease, by dose of the first radiotherapy course.
    """
    patients = first_course.described(study).patients
    irradiated = patients[patients["salvage_sequence"] != "ST"]
    dose = patients["bed_group"].astype("string")
    groups = {
        "systemic": (irradiated["salvage_sequence"] != "RT", "Irradiated patients"),
        **{
            f"limited.{regimen.lower()}": (of["advanced_stage"] == "no", regimen)
            for regimen, of in patients.groupby("salvage_regimen", observed=True)
        },
        **{
            f"burden.{name}": (patients.loc[dose == level, "two_or_more_sites"] == "yes", f"{name} dose")
            for name, level in zip(("high", "low"), first_course.BED_GROUPS)
        },
    }
    return results.collect(
        [
            row(
                f"statement.{name}",
                "proportion",
                100 * has.mean() if len(has) else None,
                n=len(has),
                events=int(has.sum()),
                group=group,
            )
            for name, (has, group) in groups.items()
        ]
    )
