"""Where in the body radiotherapy was given, and with which dose."""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses.radiotherapy import SITES, dose_range
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.rows import results
from analysis_lib.rows.results import slug


@disclosure.protected
@needs("region", "sites.region", "sites.dose_gy")
def doses(study: Cohort) -> pd.DataFrame:
    """The dose of a site by region of the body: rows ``region.<level>``, median and range of the known doses.

    Only of a cohort of which nothing is hidden: a region may hold the sites of one or two patients.
    """
    if disclosure.hides(study):
        return disclosure.skipped(study, "region", "a region may hold the sites of a few patients")
    sites = study.sites.dropna(subset=["region", "dose_gy"])
    rows = [
        dose_range(
            slug("region", level),
            mine["dose_gy"],
            group=str(level).capitalize() if str(level).islower() else str(level),
            by="region",
            level=str(level),
            population=SITES,
        )
        for level, mine in sites.groupby("region", observed=True)
    ]
    return results.collect(rows)
