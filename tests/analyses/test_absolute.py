"""Chapter 14: what its rows are on the reconstructed cohort, what small or hidden cohorts are told, and figures."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis_lib.analyses import absolute, changing, early_censoring, weighting
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results


@cache
def study(name="reconstructed"):
    return read_cohort(name)


def by_id(rows):
    return rows.set_index("result_id")


def test_bounds_are_counts_and_hold_the_estimate():
    rows, p = by_id(early_censoring.bounds(study())), study().patients
    os2 = p["last_follow_up_day"] - p["salvage_start_day"]
    beyond, early = os2 > 365.25, (os2 <= 365.25) & (p["vital_status"] == "alive")
    counted = {what: rows.loc[f"censoring.os2.{what}12", "events"] for what in ("early", "worst", "best")}
    assert counted == {"early": early.sum(), "worst": beyond.sum(), "best": beyond.sum() + early.sum()}
    for group in ("", ".rt", ".st"):
        low, km, high = (
            rows.loc[f"censoring.os2.{what}12{group}", "value"] for what in ("worst", "km", "best")
        )
        assert low < km < high
    gap = [rows.loc[f"censoring.os2.gap.{what}12", "value"] for what in ("worst", "best")]
    share = {
        (name, what): 100 * known[p["salvage_regimen"] == name].mean()
        for name in ("RT", "ST")
        for what, known in {"worst": beyond, "best": beyond | early}.items()
    }
    sides = [("worst", "best"), ("best", "worst")]
    assert gap == pytest.approx([share["RT", one] - share["ST", other] for one, other in sides])


def test_a_number_needed_to_treat_stands_only_where_the_interval_leaves_out_0():
    about = {"endpoint": "OS2"}
    told = absolute.number_needed("a.b.nnt12", (20.0, 10.0, 40.0), "x", about)
    assert (told["value"], told["lower"], told["upper"]) == (5.0, 2.5, 10.0)
    none = absolute.number_needed("a.b.nnt12", (20.0, -10.0, 40.0), "x", about)
    assert "holds 0" in results.skip_reason(none)
    harm = absolute.number_needed("a.b.nnt12", (-20.0, -40.0, -10.0), "x", about)
    assert (harm["lower"], harm["value"], harm["upper"]) == (-10.0, -5.0, -2.5)


def test_too_many_samples_without_an_estimate_leave_no_interval():
    assert absolute.spread_of([1, 2, np.nan, np.nan], 1.5) == (None, None)
    assert absolute.spread_of(np.arange(101.0), 50) == pytest.approx((2.5, 97.5))
    assert absolute.spread_of([1.0, 1.0], 2.0) == (1.0, 2.0)


def test_parts_of_the_follow_up_hold_each_death_once():
    rows = by_id(changing.response(study()))
    parts = rows.loc[[f"changing.response.{part}" for part in ("to6", "to12", "from12")], "events"]
    assert parts.sum() == rows.loc["changing.response.whole", "events"]
    assert rows.loc["changing.response.late.whole", "value"] > rows.loc["changing.response.whole", "value"]


@pytest.mark.parametrize("k", [5, 30])
def test_where_numbers_are_hidden_no_exact_one_is_left(k):
    hidden = replace(study(), min_cell_count=k, synthetic=False)
    frame = weighting.prepare(hidden)
    for rows in (
        early_censoring.bounds(hidden),
        absolute.precision(frame),
        changing.response(hidden),
        changing.regimen(hidden),
    ):
        counts = rows[["n", "events"]].stack().dropna()
        assert ((counts - k // 2) % k == 0).all()
    gaps = early_censoring.bounds(hidden)
    gaps = gaps[gaps["statistic"] == "rate difference"]
    assert len(gaps) == 0 or not np.isclose(gaps["value"].astype(float), -16.5).any()
    assert absolute.curves(frame, 24)["statistic"].eq("skipped").all()
    assert early_censoring.curves(hidden)["statistic"].eq("skipped").all()


def test_differences_of_hidden_cohorts_stand_in_steps_of_k_patients():
    treated = pd.Series([True] * 25 + [False] * 80)
    assert absolute.in_steps((15.8, -8.5, 41.8), treated, 0) == (15.8, -8.5, 41.8)
    step = 100 * 5 / 27
    found = absolute.in_steps((15.8, -8.5, 41.8), treated, 5)
    assert found == pytest.approx((step, -step, 3 * step))


@pytest.mark.parametrize(
    "analysis", [early_censoring.bounds, early_censoring.weighted, changing.response, changing.regimen]
)
def test_a_cohort_without_the_columns_is_told_so(analysis):
    assert "no column" in results.skip_reason(analysis(study("lymphoma")))
