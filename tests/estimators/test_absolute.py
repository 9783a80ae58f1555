"""Adjusted absolute effects and early censoring: against R (tests/r/absolute.R), by hand, and where there is little."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.estimators import adjusted, alike, censoring, curves
from analysis_lib.estimators.observed import NotEstimable

from beside_r import RELATIVE, apart, fixture
from data_sets_beside_r import frame_of

R = fixture("absolute")


def known(name):
    treatment, *terms = R["data"][name]["treated"]
    frame = frame_of(name).dropna(subset=[treatment, *terms]).reset_index(drop=True)
    return frame, frame[treatment].to_numpy(dtype=float) == 1, frame[terms].astype(float)


def differ(ours, prefix):
    theirs = {i: row["value"] for i, row in R["rows"].items() if i.startswith(prefix)}
    assert set(theirs) == set(ours)
    return {i: (ours[i], value) for i, value in theirs.items() if apart(ours[i], value) > RELATIVE}


@pytest.mark.parametrize("name", R["data"])
def test_every_adjusted_effect_is_that_of_r(name):
    frame, treated, terms = known(name)
    found = adjusted.effects(terms.to_numpy(), treated, frame["days"], frame["event"], R["data"][name]["at"])
    ours = {
        f"{name}.effect.{kind}.{i}": value
        for kind, of in found.items()
        for i, value in enumerate(of[0].ravel(), 1)
    }
    assert not differ(ours, f"{name}.effect.")


def test_samples_are_worked_on_as_if_each_were_a_data_set():
    frame, treated, terms = known("veteran")
    samples = np.array(R["data"]["veteran"]["samples"]) - 1
    counts = np.stack([np.bincount(each, minlength=len(frame)) for each in samples])
    found = adjusted.effects(
        terms.to_numpy(), treated, frame["days"], frame["event"], R["data"]["veteran"]["at"], counts
    )
    ours = {
        f"veteran.sample{place + 1}.{kind}.{i}": value
        for kind, of in found.items()
        for place in range(len(samples))
        for i, value in enumerate(of[place].ravel(), 1)
    }
    assert not differ(ours, "veteran.sample")


@pytest.mark.parametrize("name", R["data"])
def test_what_censoring_leaves_open_is_as_in_r(name):
    frame, treated, terms = known(name)
    days, event, at = frame["days"], frame["event"], R["data"][name]["at"]
    ours = {}
    for day in at:
        for factor in (0, 0.5, 1, 2, 5):
            ours[f"{name}.fate.{day}.{10 * factor:g}"] = censoring.survival(days, event, day, factor)
        lower = curves.at(curves.kaplan_meier(days, event), day)["lower"]
        try:
            tip = censoring.tipping(censoring.heights(days, event, day), lower)
        except NotEstimable:
            tip = None
        ours[f"{name}.tip.{day}"] = tip
    assert not differ({i: v for i, v in ours.items() if ".fate." in i}, f"{name}.fate.")
    assert not differ({i: v for i, v in ours.items() if ".tip." in i}, f"{name}.tip.")
    both = pd.concat([pd.DataFrame({"treated": treated.astype(float)}), terms], axis=1)
    found = censoring.weighted(both, days, event, at, [np.full(len(frame), True)])[0, 0]
    assert not differ({f"{name}.ipcw.{day}": value for day, value in zip(at, found)}, f"{name}.ipcw.")


# --- by hand, and traps ---------------------------------------------------------------------------


def test_the_censored_between_best_and_worst_case():
    days, event = [2, 4, 4, 6, 8, 10], [1, 0, 1, 0, 1, 0]
    assert censoring.known(days, event, 6) == (2, 3, 1)  # censored on the day itself: alive on it
    assert censoring.survival(days, event, 9, 0) == pytest.approx(3 / 6)  # none of the censored dies
    assert censoring.survival(days, event, 9, 1e9) == pytest.approx(1 / 6)  # all do
    km = curves.at(curves.kaplan_meier(days, event), 9)["survival"]
    assert censoring.survival(days, event, 9, 1) == pytest.approx(km, rel=1e-12)


def test_a_level_that_no_factor_reaches_and_a_day_that_nobody_reaches():
    days, event = [1, 2, 3, 4], [1, 1, 0, 1]
    with pytest.raises(NotEstimable, match="whatever their hazard"):
        censoring.tipping(censoring.heights(days, event, 2), 0.2)
    with pytest.raises(NotEstimable, match="follow-up ends on day 5"):
        censoring.survival([3, 5], [1, 0], 6, 1)


def test_without_factors_that_matter_censoring_weights_change_nothing():
    days, event = np.array([1, 2, 2, 3, 4, 5, 5, 6] * 2), np.array([1, 0, 1, 1, 0, 1, 0, 1] * 2)
    x = pd.DataFrame({"x": [0.0] * 8 + [1.0] * 8})  # two equal halves
    km = curves.kaplan_meier(days, event)
    found = censoring.weighted(x, days, event, [3, 5], [np.full(16, True)])
    assert found[0, 0] == pytest.approx([curves.at(km, day)["survival"] for day in (3, 5)])


def test_randomised_groups_of_twelve_with_ties_have_the_same_effect_by_every_method():
    x = np.array([[0.0], [1.0]] * 6)
    treated = np.array([False, False, True, True] * 3)
    days = np.array([3, 3, 5, 5, 3, 3, 7, 7, 9, 9, 9, 9])
    found = adjusted.effects(x, treated, days, np.full(12, True), [6])
    crude = found["crude"][0]
    for kind in ("iptw", "trimmed", "overlap", "doubly_robust"):
        assert found[kind][0] == pytest.approx(crude)
    assert crude[:, 0].tolist() == pytest.approx([2 / 6, 4 / 6])


def test_a_group_that_is_empty_and_events_all_on_one_day():
    x, days = np.array([[0.0], [1.0]] * 6), np.full(12, 7)
    nobody = adjusted.effects(x, np.full(12, False), days, np.full(12, True), [5])
    assert np.isnan(nobody["crude"][0, 1]).all() and np.isnan(nobody["overlap"][0, 1]).all()
    treated = np.array([False, False, True, True] * 3)
    at_once = adjusted.effects(x, treated, days, np.full(12, True), [6, 7])
    assert at_once["crude"][0, :, :2].tolist() == [[1, 0], [1, 0]]
    assert at_once["iptw"][0, :, 2] == pytest.approx([6, 6])


# --- people who are alike ---------------------------------------------------------------------------


def test_people_who_are_alike_are_one_kind():
    found = alike.kinds([5, 3, 5, 3, 5], [[1.0, np.nan], [0, 2], [1, np.nan], [0, 2], [1, 7]])
    assert found.of.tolist() == [2, 0, 2, 0, 1] and found.first.tolist() == [1, 4, 0]
    assert found.counted([[1, 1, 1, 1, 1], [0, 2, 1, 0, 0]]).tolist() == [[2, 1, 2], [2, 0, 1]]
    assert found.drawn([[0, 0, 4], [3, 1, 3]]).tolist() == [[0, 1, 2], [3, 0, 0]]


def test_whoever_is_there_three_times_counts_three_times():
    """A cohort three times over, and each of its people counted three times: whole tables of ties as well."""
    frame, treated, terms = known("veteran")
    at, n = R["data"]["veteran"]["at"], len(frame)
    thrice = {"days": np.tile(frame["days"], 3), "event": np.tile(frame["event"], 3), "at": at}
    x = terms.to_numpy()
    repeated_, counted = (
        adjusted.effects(np.tile(x, (3, 1)), np.tile(treated, 3), **thrice),
        adjusted.effects(x, treated, frame["days"], frame["event"], at, np.full((1, n), 3)),
    )
    for kind, values in counted.items():
        assert repeated_[kind] == pytest.approx(values, rel=1e-9), kind
    both = pd.concat([pd.DataFrame({"treated": treated.astype(float)}), terms], axis=1)
    among, counts = [treated, ~treated], np.full((1, n), 3)
    weighted = censoring.weighted(both, frame["days"], frame["event"], at, among, counts)
    over = pd.concat([both] * 3, ignore_index=True)
    assert censoring.weighted(
        over, thrice["days"], thrice["event"], at, [np.tile(each, 3) for each in among]
    ) == pytest.approx(weighted, rel=1e-9)


def test_where_hardly_two_are_alike_they_are_worked_on_in_blocks(monkeypatch):
    frame, treated, terms = known("veteran")
    given = terms.to_numpy(), treated, frame["days"], frame["event"], R["data"]["veteran"]["at"]
    whole = adjusted.effects(*given)
    monkeypatch.setattr(adjusted, "AT_ONCE", 1000)  # ten people at a time
    for kind, values in adjusted.effects(*given).items():
        assert values == pytest.approx(whole[kind], rel=1e-12), kind


def test_pseudo_values_are_those_of_leaving_each_one_out():
    """The doubly robust estimate rests on their sums: here each curve without one is really drawn."""
    draw = np.random.default_rng(5)
    days, event = draw.integers(1, 9, 30), draw.random(30) < 0.6
    weight, at = draw.random(30), [2, 5, 8]

    def read(kept):
        curve = curves.kaplan_meier(days[kept], event[kept])
        height, steps = [], np.arange(9)
        stairs = np.array([curve[curve["days"] <= day]["survival"].iloc[-1] for day in steps])
        height = [stairs[day] for day in at]
        return np.array(height + [stairs[:day].sum() for day in at])

    whole = read(np.full(30, True))
    pseudo = [30 * whole - 29 * read(np.arange(30) != one) for one in range(30)]
    found = adjusted.sum_of_pseudo_values(days, event, at, np.ones((1, 30)), weight[None])
    assert found[0] == pytest.approx(weight @ np.array(pseudo))
