"""Cohorts whose corrected P values were wrong once, each with its right answer; the inputs are in tests/cases."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis_lib.analyses import multiplicity, prognosis
from analysis_lib.cohort import first_course
from analysis_lib.intake.read import read_cohort

CASES = Path(__file__).resolve().parents[1] / "cases"


@pytest.fixture(scope="module")
def poisoned():
    return first_course.with_first_course(read_cohort(CASES / "40-bh-poisoned"), 10)


def tally(study):
    tests = multiplicity.comparisons(study, 10)
    rows = multiplicity.tally(tests).set_index("result_id")
    return tests, {name: int(rows.at[f"multiplicity.all.{name}", "value"]) for name in ("raw", "bh", "holm")}


def test_a_hidden_p_counts_in_the_correction_of_those_that_are_shown(poisoned):
    assert poisoned.min_cell_count == 5
    exact, of_exact = tally(replace(poisoned, min_cell_count=1))
    assert (len(exact), of_exact) == (31, {"raw": 4, "bh": 4, "holm": 4})
    shown, of_shown = tally(poisoned)
    # stage hangs together with survival and nothing else does: what is shown of it stays, after both
    assert of_shown == {"raw": 2, "bh": 2, "holm": 2} and len(shown) == 16
    raw, bh, holm = (shown[column].astype(float) for column in ("value", "all.bh", "all.holm"))
    assert bh.notna().all() and (raw <= bh).all() and (bh <= holm).all()


def test_p_values_are_corrected_before_they_are_rounded():
    study = read_cohort(CASES / "41-holm-of-rounded-p")
    corrected = {}
    for least in (5, 1):
        same = replace(study, min_cell_count=least)
        single = prognosis.univariable(same, "OS1", prognosis.factors_of(same, "OS1"))
        rows = prognosis.holm(single, "OS1").set_index("result_id")
        corrected[least] = rows.at["os1.holm.bulky_disease", "value"], rows.at["os1.holm.small_p", "value"]
    assert corrected[1] == (pytest.approx(0.057696, abs=1e-6), 0)
    assert corrected[5] == (0.06, 0)
