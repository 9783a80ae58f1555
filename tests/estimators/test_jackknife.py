"""Estimates without each person in turn are those of the others, calculated one after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.estimators import competing, jackknife, multistate

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 40), st.sampled_from([0, 1, 2])), min_size=4, max_size=40
)


@given(ROWS, st.integers(1, 45))
def test_the_incidence_without_each_person_is_that_of_the_others(rows, at):
    person, days, cause = (np.array(column) for column in zip(*rows))
    person = np.unique(person, return_inverse=True)[1]
    failed = cause == 1
    without = jackknife.without_each(person, days, cause > 0, person[failed], days[failed], [at, 10])
    assert without.shape == (person.max() + 1, 2)
    for one in range(person.max() + 1):
        others = person != one
        if not (cause[others] > 0).any():
            assert without[one] == pytest.approx([0, 0])
            continue
        curve = competing.cumulative_incidence(days[others], cause[others])
        heights = [
            curve.loc[curve["days"] <= day, curve.columns == "incidence1"].iloc[-1] for day in (at, 10)
        ]
        assert without[one] == pytest.approx([h.iloc[0] if len(h) else 0 for h in heights], abs=1e-12)


def test_the_mean_number_without_each_person_is_that_of_the_others():
    end, died = np.array([5, 9, 9, 14, 20]), np.array([True, True, False, False, True])
    row, when = np.array([1, 1, 2, 3, 4, 4, 4]), np.array([2, 9, 4, 6, 6, 9, 19])
    without = jackknife.without_each(np.arange(5), end, died, row, when, [9, 20])
    for one in range(5):
        rest, kept = np.arange(5) != one, row != one
        of = (end[rest], died[rest], (row - (row > one))[kept], when[kept])
        assert without[one] == pytest.approx([multistate.mean_number(*of, day) for day in (9, 20)])


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    person, days, leaves = np.arange(50) // 2, rng.integers(1, 30, 50), rng.random(50) < 0.6
    of = (person, days, leaves, person[leaves], days[leaves], [12, 29])
    at_once = jackknife.without_each(*of)
    monkeypatch.setattr(jackknife, "BLOCK", 100)
    assert (jackknife.without_each(*of) == at_once).all()
