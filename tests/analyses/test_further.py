"""Chapters 15 to 17: emulation, beliefs, prediction, courses and curves read back, on cohorts of every kind."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis_lib.analyses import beliefs, courses, emulation, predicting, scanned, weighting
from analysis_lib.cohort import disclosure
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import NotReleased
from analysis_lib.rows.results import row


@pytest.fixture(scope="module")
def study():
    return read_cohort("reconstructed")


def value(rows, row_id, column="value"):
    return rows.set_index("result_id").loc[row_id, column]


def first_patients(study, n):
    patients = study.patients.head(n).reset_index(drop=True)
    mine = patients["patient_id"]
    return replace(
        study,
        patients=patients,
        lines=study.lines[study.lines["patient_id"].isin(mine)].reset_index(drop=True),
        sites=study.sites[study.sites["patient_id"].isin(mine)].reset_index(drop=True),
    )


def all_of(study):
    """Every analysis of the three chapters."""
    prepared, read_back = emulation.prepare(study, 6), scanned.read_back(study)
    return {
        "eligible": emulation.eligible(study),
        "between": emulation.intercurrent(study, 12),
        "emulated": emulation.compare(prepared, 12),
        "strategies": emulation.strategies(prepared),
        "after": beliefs.after(weighting.compare(weighting.prepare(study))),
        "predicted": predicting.predict(study, "OS2"),
        "states": courses.states(study),
        "curves": courses.curves(study),
        "lines": courses.mean_lines(study),
        "flow": courses.flow(study),
        "scanned": scanned.compare(read_back, 12),
        "drawn": scanned.drawn(read_back),
    }


# --- the target trial -----------------------------------------------------------------------------


def test_regimens_are_shares_of_those_who_started(study):
    rows = emulation.eligible(study)
    assert value(rows, "trial.eligible") == 120
    shares = rows[rows["statistic"] == "proportion"]
    assert list(shares["events"]) == [25, 80, 15] and shares["value"].sum() == pytest.approx(100)


def test_intercurrent_events_are_those_of_the_tables(study):
    rows = emulation.intercurrent(study, 12)
    after_st = study.lines[(study.lines["line"] > 1) & study.lines["modality"].isin(["RT", "CMT"])]
    began = study.patients.loc[study.patients["salvage_regimen"] == "ST", "patient_id"]
    assert value(rows, "intercurrent.second.st", "events") == began.isin(after_st["patient_id"]).sum() > 0
    progressed = study.patients.loc[study.patients["salvage_regimen"] == "RT", "progression_day"]
    assert value(rows, "intercurrent.progressed.rt", "events") == progressed.notna().sum()


def test_both_strategies_share_the_deaths_within_the_time_to_act(study):
    rows = emulation.compare(prepared := emulation.prepare(study, 6), 12)
    acted = (prepared["entered"] <= 183) & (prepared["entered"] < prepared["days"])
    assert value(rows, "emulated.began", "events") == acted.sum()
    early = prepared["event"] & (prepared["days"] <= 183) & ~acted
    assert value(rows, "emulated.early", "events") == early.sum()
    both = [value(rows, f"emulated.rate12.{one}") for one in ("adding", "refraining")]
    assert value(rows, "emulated.difference12") == pytest.approx(both[0] - both[1])
    assert rows["method"].str.contains("of 200 samples, seed 2023").sum() == 4


def test_a_strategy_that_nobody_is_followed_in_long_enough_is_not_compared(study):
    rows = emulation.compare(emulation.prepare(study, 6), 60)
    assert "nobody who added the other modality is followed for 60 months" in results.skip_reason(rows)


# --- beliefs --------------------------------------------------------------------------------------


def test_the_benefit_of_a_trial_follows_from_its_printed_rates():
    after = beliefs.after(ratio_of(2.0, 1.0, 4.0))
    rows = beliefs.trials(after)
    assert value(rows, "prior.trial.miller1998") == pytest.approx(np.log(0.82) / np.log(0.72))
    assert value(beliefs.before(after), "prior.enthusiastic") == pytest.approx(np.log(0.82) / np.log(0.72))
    assert value(beliefs.before(after), "prior.sceptical") == 1
    nothing = beliefs.after(weighting.compare(weighting.prepare(read_cohort("lymphoma"))))
    for rows in (
        beliefs.trials(nothing),
        beliefs.before(nothing),
    ):  # no belief beside a cohort that tells nothing
        assert results.skip_reason(rows) == results.skip_reason(nothing) != ""


def ratio_of(value_, lower, upper, k=0):
    made = row("weighted.os2.crude", "hazard ratio", value_, lower=lower, upper=upper, n=90, events=50)
    return disclosure.protect_by(results.collect([made]), k)


def test_the_ratio_is_turned_round_and_the_belief_lies_between(study):
    rows = beliefs.after(ratio_of(2.0, 1.0, 4.0))
    assert list(value(rows, "belief.crude.data", ["value", "lower", "upper"])) == pytest.approx(
        [0.5, 0.25, 1]
    )
    assert 0.5 < value(rows, "belief.crude.sceptical") < 1
    assert value(rows, "belief.crude.none.benefit") == pytest.approx(97.5)
    assert {"belief.stage_ldh", "belief.overlap"} <= set(
        rows.loc[rows["statistic"] == "skipped", "result_id"]
    )


def test_whoever_must_doubt_to_stay_unmoved_is_told_how_much():
    assert value(beliefs.after(ratio_of(1.4, 0.7, 2.8)), "belief.crude.unmoved.deaths") == 0
    moved = beliefs.after(ratio_of(2.0, 1.5, 8 / 3))
    assert value(moved, "belief.crude.unmoved.deaths") > 100
    assert value(moved, "belief.crude.unmoved", "lower") > 0.5


def test_beliefs_are_made_of_released_ratios_only():
    with pytest.raises(NotReleased):
        beliefs.after(pd.DataFrame(ratio_of(2.0, 1.0, 4.0)))
    shown = beliefs.after(ratio_of(1.4321, 0.7123, 2.8791, k=5))
    assert value(shown, "belief.crude.data") == 0.71 and shown.rule == 5
    assert (shown.loc[shown["statistic"] == "probability", "value"] % 1 == 0).all()


# --- prediction -----------------------------------------------------------------------------------


def test_four_groups_are_told_four_chances(study):
    rows = predicting.predict(study, "OS2")
    told = rows[rows["result_id"].str.startswith("predicted.os2.risk.")]
    assert len(told) == 4 and told["n"].sum() == 120 and told["value"].is_monotonic_increasing
    drawn_in = rows[rows["result_id"].str.startswith("predicted.os2.shrunk.")]["value"]
    assert drawn_in.iloc[-1] - drawn_in.iloc[0] < told["value"].iloc[-1] - told["value"].iloc[0]
    assert value(rows, "predicted.os2.corrected_gain") < value(rows, "predicted.os2.gain12")
    assert value(rows, "predicted.os2.shrunken.ldh_elevated") < value(
        rows, "predicted.os2.coefficient.ldh_elevated"
    )


def test_a_model_without_events_is_told_in_words(study):
    few = predicting.predict(first_patients(study, 12), "OS2")
    assert results.skip_reason(few).startswith("OS2: ")


# --- courses --------------------------------------------------------------------------------------


def test_states_add_up_to_everybody_and_the_dead_are_those_of_overall_survival(study):
    rows = courses.states(study)
    for month in (3, 6, 12, 24):
        at = rows[rows["result_id"].str.startswith(f"courses.state{month}.")]
        assert at["value"].sum() == pytest.approx(100)
    spent = rows[rows["result_id"].str.startswith("courses.time24.")]
    assert spent["value"].sum() == pytest.approx(24)


def test_ways_add_up_line_by_line(study):
    rows = courses.flow(study)
    ways = rows[rows["statistic"] == "count"]
    by_line = ways.groupby("population")["value"].sum()
    assert by_line["line 1"] == 120 and by_line["line 2"] == value(rows, "courses.reached.2", "events")
    lines = courses.mean_lines(study)
    assert lines["value"].is_monotonic_increasing and lines["value"].iloc[0] > 1


# --- a curve read back ----------------------------------------------------------------------------


def test_what_is_read_back_is_near_the_truth(study):
    rows = scanned.compare(scanned.read_back(study), 12)
    for regimen in ("rt", "st"):
        true, found = (value(rows, f"scanned.rate12.{regimen}.{one}") for one in ("truth", "rebuilt"))
        assert abs(true - found) < 1
    assert abs(np.log(value(rows, "scanned.ratio.rebuilt") / value(rows, "scanned.ratio.truth"))) < 0.1
    assert value(rows, "scanned.apart") < 100 * 2 / 25  # less than two patients of the smaller group


# --- cohorts of every kind ------------------------------------------------------------------------


def test_a_cohort_without_the_columns_is_told_so():
    for name, rows in all_of(read_cohort("lymphoma")).items():
        assert "this cohort has no column" in results.skip_reason(rows), name


def test_twelve_patients_give_numbers_or_reasons(study):
    for name, rows in all_of(first_patients(study, 12)).items():
        assert len(rows), name


@pytest.mark.parametrize("k", [5, 10])
def test_of_a_hospital_no_small_number_is_told(study, k):
    hospital = replace(study, min_cell_count=k, synthetic=False)
    found = all_of(hospital)
    for name in ("strategies", "curves", "drawn", "scanned"):
        assert results.skip_reason(found[name]), name
    for name, rows in found.items():
        assert rows.rule == k, name
        for column in ("n", "events"):
            shown = rows[column].dropna()
            assert (shown >= k).all() and (shown % k == k // 2).all(), (name, column)
        counts = rows.loc[rows["statistic"] == "count", "value"].dropna()
        assert (counts >= k).all(), name
        assert not rows["note"].str.contains(r"\b(?:only|[1-4] of)\b").any(), name
    ways = found["flow"]
    # a way that nobody went is a row like one that few went
    assert len(ways[ways["statistic"] == "count"]) == 4 * 5 * 7
