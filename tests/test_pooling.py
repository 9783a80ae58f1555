"""Pooling against the formulas, and where there is little to pool."""
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from analysis_lib import cohort, pooling, results


def series_of(*counts):
    return pd.DataFrame([{"key": f"s{i}", "label": f"Series {i}", "events": events, "n": n, "unit": "patients",
                          "counted": "failures", "pooled": "yes"} for i, (events, n) in enumerate(counts)])


def study_of(patterns, index_event=cohort.CAR_T, synthetic=False):
    patients = pd.DataFrame({"patient_id": [str(i) for i in range(len(patterns))], "failure_pattern": patterns})
    return cohort.Cohort("test", "Test", index_event, synthetic, "", patients)


def by_id(rows):
    return rows.set_index("result_id")


# --- the published counts -------------------------------------------------------------------------------------

def test_the_series_are_those_of_the_paper():
    counts = pooling.published().query("pooled == 'yes'").set_index("key")[["events", "n"]].apply(tuple, axis=1).to_dict()
    assert counts == {"ababneh2023": (93, 120), "imber2020": (11, 14), "figura2021": (31, 36), "saifi2022": (57, 65)}


def test_each_series_has_a_reference():
    bibliography = (Path(__file__).parents[1] / "book" / "references.bib").read_text("utf-8")
    assert all(f"{{{key}," in bibliography for key in pooling.published()["key"])


def test_the_two_printings_differ():
    rows = by_id(pooling.two_printings(study_of(["local"])))
    assert rows.loc["context.printed.more_patients", "value"] == 124 - 120
    assert rows.loc["context.printed.shift", "value"] == pytest.approx(100 * (97 / 124 - 93 / 120))


# --- pooling --------------------------------------------------------------------------------------------------

def test_fixed_effects_by_the_formula():
    events, n = np.array([93, 11, 31, 57]), np.array([120, 14, 36, 65])
    y, v = np.log(events / (n - events)), 1 / events + 1 / (n - events)
    mean, error = (y / v).sum() / (1 / v).sum(), (1 / v).sum() ** -0.5
    q = ((y - mean) ** 2 / v).sum()
    rows = by_id(pooling.pooled(pooling.published()))
    fixed = rows.loc["context.pooled.fixed", ["value", "lower", "upper"]].astype(float).tolist()
    assert fixed == pytest.approx((100 * expit([mean, mean - 1.959964 * error, mean + 1.959964 * error])).tolist(), abs=1e-4)
    assert rows.loc["context.pooled.heterogeneity", "note"] == f"Q {q:.2f}, 3 df"
    assert rows.loc["context.pooled.i2", "value"] == pytest.approx(100 * (q - 3) / q)
    assert rows.loc["context.pooled.fixed", ["events", "n"]].tolist() == [192, 235]


def test_random_effects_solve_paule_and_mandels_equation():
    series = series_of((5, 50), (20, 50), (30, 40), (8, 60))
    rows = by_id(pooling.pooled(series))
    tau2 = float(rows.loc["context.pooled.tau2", "value"])
    y, v = pooling.logit(series["events"], series["n"])
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    assert tau2 > 0 and (w * (y - mean) ** 2).sum() == pytest.approx(3, abs=1e-3)
    assert rows.loc["context.pooled.random", "value"] == pytest.approx(100 * expit(mean), abs=1e-4)


def test_equal_series_have_no_heterogeneity():
    rows = by_id(pooling.pooled(series_of((8, 10), (16, 20), (80, 100))))
    assert rows["value"].loc[["context.pooled.fixed", "context.pooled.random"]].tolist() == pytest.approx([80, 80])
    assert rows["value"].loc[["context.pooled.i2", "context.pooled.tau2"]].tolist() == [0, 0]


@given(st.lists(st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_pooled_share_lies_among_the_series(counts):
    rows = by_id(pooling.pooled(series_of(*counts)))
    shares = 100 * expit(pooling.logit(*zip(*counts))[0])
    for kind in ("fixed", "random"):
        pooled = rows.loc[f"context.pooled.{kind}"]
        assert shares.min() - 1e-6 <= pooled["value"] <= shares.max() + 1e-6
        assert 0 <= pooled["lower"] <= pooled["value"] <= pooled["upper"] <= 100
    assert 0 <= rows.loc["context.pooled.i2", "value"] <= 100 and rows.loc["context.pooled.tau2", "value"] >= 0


def test_the_random_interval_is_no_narrower_than_the_fixed():
    rows = by_id(pooling.pooled(series_of((5, 50), (20, 50), (30, 40), (8, 60))))
    width = rows["upper"] - rows["lower"]
    assert width["context.pooled.random"] > width["context.pooled.fixed"]


def test_series_with_nothing_or_everything_are_corrected():
    assert pooling.logit([0, 10, 5], [10, 10, 10])[0].tolist() == pytest.approx([-np.log(21), np.log(21), 0])
    assert not pooling.pooled(series_of((0, 10), (10, 10)))["value"].isna().any()


@pytest.mark.parametrize("counts", [[], [(8, 10)], [(8, 10), (0, 0)]])
def test_too_few_series(counts):
    series = series_of(*counts) if counts else series_of((1, 2)).iloc[:0]
    assert results.skip_reason(pooling.pooled(series)) == "fewer than two series can be pooled"
    assert results.skip_reason(pooling.left_out_in_turn(series)) == "fewer than three series can be pooled"


def test_leaving_out_the_odd_series_moves_the_share_most():
    rows = pooling.left_out_in_turn(series_of((40, 50), (41, 50), (5, 50), (39, 50)))
    assert rows["result_id"].iloc[0] == "context.without.s2" and len(rows) == 4


# --- the cohort beside them -----------------------------------------------------------------------------------

def test_a_real_cohort_is_pooled_and_a_synthetic_one_is_not():
    patterns = ["local", "local and de novo", "de novo", None]
    for synthetic, members in ((False, 5), (True, 4)):
        study = study_of(patterns, synthetic=synthetic)
        assert len(pooling.in_context(study)) == members
        own = by_id(pooling.own_share(study)).loc["context.cohort"]
        assert own[["events", "n"]].tolist() == [2, 3] and ("twice" in own["note"]) == synthetic


def test_the_discussions_count_can_take_the_place_of_the_results():
    series = pooling.in_context(study_of(["local"], synthetic=True), printing="Discussion").set_index("key")
    assert series.loc["ababneh2023", ["events", "n"]].tolist() == [97, 124] and len(series) == 4


def test_without_patterns_the_published_series_stand_alone():
    study = study_of([None, None])
    assert len(pooling.in_context(study)) == 4
    assert "failure_pattern" in results.skip_reason(pooling.own_share(study))


def test_a_cohort_that_is_not_about_car_t_is_told_why():
    study = study_of(["local"], index_event="study entry")
    series = pooling.in_context(study)
    parts = [series, pooling.shares(series), pooling.own_share(study), pooling.pooled(series), pooling.two_printings(study),
             pooling.left_out_in_turn(series)]
    assert all("study entry" in results.skip_reason(part) for part in parts)
    assert len(results.collect(parts[1:])) == 5
