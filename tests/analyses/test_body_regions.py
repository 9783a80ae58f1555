"""Doses by region of the body: known numbers, and nothing of a cohort whose small numbers are hidden."""

from dataclasses import replace

from analysis_lib.analyses import body_regions
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results


def test_doses_are_those_of_the_sites_of_a_region():
    study = read_cohort("reconstructed")
    rows = body_regions.doses(study).set_index("level")
    known = study.sites.dropna(subset=["region", "dose_gy"])
    for region, mine in known.groupby("region", observed=True):
        assert rows.loc[region, "value"] == mine["dose_gy"].median()
        assert (rows.loc[region, "lower"], rows.loc[region, "upper"]) == (
            mine["dose_gy"].min(),
            mine["dose_gy"].max(),
        )
        assert rows.loc[region, "n"] == len(mine)


def test_where_small_numbers_are_hidden_no_region_is_shown():
    study = replace(read_cohort("reconstructed"), min_cell_count=5)
    assert "few patients" in results.skip_reason(body_regions.doses(study))
