"""Cohorts of today's engine, which wait to take the place of the committed ones: each meets every claim.

``anew/`` holds them, in the layout of ``analysis_lib/data/consistent``, with the command that makes each. They
count the duration of response from infusion; the ledger still counts it as the committed cohorts do, so they
replace these all at once, when they are forty from twenty-five seeds of their own.
"""

from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.reconstruction import check, drawn

HERE = Path(__file__).parent / "anew"
TABLES = ("patients", "sites", "lines", "screening")
MADE_BY = pd.read_csv(HERE / "made_by.csv").set_index("cohort")["made_by"]


@pytest.fixture(scope="module")
def stacked():
    return {name: pd.read_parquet(HERE / f"{name}.parquet") for name in TABLES}


@pytest.mark.parametrize("number", MADE_BY.index)
def test_a_cohort_made_anew_misses_only_what_its_family_gives_up(stacked, number):
    tables = {
        name: table[table["cohort"] == number].drop(columns="cohort").reset_index(drop=True)
        for name, table in stacked.items()
    }
    held = check.compare(tables, from_infusion=True).set_index("claim")["verdict"]
    assert set(held.index[held == "miss"]) <= drawn.GIVEN_UP[drawn.family_of(MADE_BY[number])]
    assert (held == "match").sum() >= 594


def test_no_two_are_alike(stacked):
    days = stacked["patients"].groupby("cohort")["last_follow_up_day"].apply(tuple)
    assert days.is_unique and len(days) == len(MADE_BY)
