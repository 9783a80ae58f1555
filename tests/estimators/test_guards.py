"""Where there is little or nothing to estimate: a sentence in place of a number, and never a wrong number."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from analysis_lib.analyses import cox_models, log_rank, prognosis, survival
from analysis_lib.cohort import cohort
from analysis_lib.estimators import comparable_pairs, competing, curves, logrank, models
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.show import numbers

SMALL = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=15,
)
PEOPLE = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.booleans(),
        st.sampled_from(["yes", "no", None]),
        st.sampled_from(["I", "II", "III"]),
    ),
    min_size=1,
    max_size=24,
)


def study_of(people):
    days, dead, ldh, stage = zip(*people)
    patients = pd.DataFrame(
        {
            "patient_id": [str(i) for i in range(len(days))],
            "last_follow_up_day": pd.array([40 * d for d in days], dtype="Int64"),
            "vital_status": pd.Categorical(["dead" if d else "alive" for d in dead], ["alive", "dead"]),
            "ldh_elevated": pd.Categorical(ldh, ["yes", "no"]),
            "stage": pd.Categorical(stage, ["I", "II", "III", "IV"], ordered=True),
        }
    )
    return cohort.Cohort("test", "Test", "study entry", False, "", patients)


def assert_plausible(rows):
    """Every number is finite, lies within its limits, and whatever is missing says why."""
    for _, row in rows.iterrows():
        known = row[["value", "lower", "upper"]].dropna().astype(float)
        assert np.isfinite(known).all(), row
        if pd.notna(row["value"]):
            assert pd.isna(row["lower"]) or row["lower"] <= row["value"] * (1 + 1e-9) + 1e-9, row
            assert pd.isna(row["upper"]) or row["upper"] >= row["value"] * (1 - 1e-9) - 1e-9, row
        else:
            assert row["note"], row
        if row["statistic"] == "p":
            assert pd.isna(row["value"]) or 0 <= row["value"] <= 1, row
        if row["statistic"] == "hazard ratio":
            assert 0 < row["value"] < 1e6, row
        if row["statistic"] == "skipped":
            assert pd.isna(row["value"]) and row["note"] == row["note"].strip().rstrip("."), row


@given(PEOPLE)
@SMALL
def test_no_small_cohort_gets_an_implausible_number(people):
    study = study_of(people)
    for by in (None, "stage", "ldh_elevated"):
        assert_plausible(survival.estimates(study, "OS1", by=by))
    assert_plausible(prognosis.univariable(study, "OS1", ["stage", "ldh_elevated"]))
    assert_plausible(cox_models.multivariable(study, "OS1", ["stage", "ldh_elevated"]))
    assert_plausible(log_rank.pairwise(study, "OS1", "stage"))
    assert_plausible(survival.follow_up(study, "OS1"))


@given(PEOPLE, st.sampled_from(["log", "log-log", "plain"]))
@SMALL
def test_curves_fall_within_their_intervals(people, interval):
    days, event, *_ = zip(*people)
    curve = curves.kaplan_meier(days, event, interval=interval)
    assert (curve["survival"].diff().dropna() <= 1e-12).all() and curve["survival"].between(-1e-12, 1).all()
    known = curve.dropna(subset=["lower", "upper"])
    assert (known["lower"] <= known["survival"] + 1e-12).all() and (
        known["upper"] >= known["survival"] - 1e-12
    ).all()
    assert np.isfinite(known[["lower", "upper"]]).all(axis=None)


@given(
    st.lists(
        st.tuples(st.integers(0, 15), st.sampled_from([0, 1, 2]), st.booleans()), min_size=1, max_size=24
    )
)
@example(people=[(1, 1, False), (1, 1, True)])  # both on one day: no spread at all
@SMALL
def test_competing_risks_of_few_people(people):
    days, cause, group = map(np.array, zip(*people))
    try:
        curve = competing.cumulative_incidence(days, cause)
    except NotEstimable as why:
        assert str(why) == "nobody had any of the events" and not cause.any()
        return
    incidence = curve.filter(regex="^incidence")
    assert (incidence.diff().dropna() >= -1e-12).all(axis=None) and (incidence.sum(axis=1) <= 1 + 1e-12).all()
    for estimate in (
        lambda: competing.gray(days, cause, group)["p"],
        lambda: competing.fine_gray(pd.DataFrame({"group": group.astype(float)}), days, cause),
    ):
        try:
            with warnings.catch_warnings(action="error"):
                found = estimate()
            assert np.isfinite(found.to_numpy(dtype=float)).all()
        except NotEstimable as why:
            assert len(str(why)) > 8


@given(
    st.lists(
        st.tuples(
            st.integers(0, 15),
            st.booleans(),
            st.integers(0, 3),
            st.booleans(),
            st.sampled_from([0.5, 1.0, 2.5]),
        ),
        min_size=1,
        max_size=20,
    )
)
@example(people=[(4, True, 0, True, 1.0), (4, True, 1, True, 0.5)])  # on one day: nobody to compare with
@SMALL
def test_models_of_few_people(people):
    days, event, x, y, weights = map(np.array, zip(*people))
    terms = pd.DataFrame({"x": x.astype(float), "y": y.astype(float)})
    for options in ({}, {"weights": weights}, {"cluster": x}, {"strata": y}):
        try:
            fit = models.cox(terms[["x"]] if "strata" in options else terms, days, event, **options)
        except NotEstimable as why:
            assert len(str(why)) > 8
            continue
        kept = fit.terms.dropna(axis="columns", how="all")
        assert (
            np.isfinite(kept.to_numpy()).all()
            and (kept["hr"] < 1e6).all()
            and kept["lower"].le(kept["hr"]).all()
        )
        same = y[:, None] == y if "strata" in options else True
        met = same & event[:, None] & ((days[:, None] < days) | ((days[:, None] == days) & ~event))
        value = fit.concordance.value
        assert 0 <= value <= 1 if met.any() else np.isnan(value)  # nobody can be compared with anybody
        assert fit.likelihood_ratio.statistic > -1e-9
    try:
        table = models.firth(terms, days, event)
    except NotEstimable:
        return
    assert np.isfinite(table[["coef", "se", "p"]].to_numpy()).all()
    assert (
        table["lower"].fillna(0).le(table["hr"]).all() and table["upper"].fillna(np.inf).ge(table["hr"]).all()
    )


@given(PEOPLE, st.integers(1, 15))
@SMALL
def test_restricted_means_of_few_people(people, tau):
    days, event, *_ = zip(*people)
    try:
        value, se = curves.rmst(days, event, tau)
    except NotEstimable as why:
        assert "before day" in str(why)
        return
    assert 0 <= value <= tau and 0 <= se <= tau


@pytest.mark.parametrize(
    "days, event, said",
    [
        ([], [], "nobody is followed"),
        ([5], [2], "events must be True and False, or 1 and 0; found 2"),
        ([5, np.nan], [1, 0], "days must be known for everyone; 1 of 2"),
        ([5.5], [1], "whole days, 0 or more; found 5.5"),
        ([-1], [1], "whole days, 0 or more; found -1"),
        ([5, 6], [1], "2 days and 1 event: not the same people"),
    ],
)
def test_wrong_days_and_events_are_refused_in_words(days, event, said):
    for estimate in (
        curves.kaplan_meier,
        lambda d, e: curves.rmst(d, e, 1),
        lambda d, e: logrank.logrank_test(d, e, d),
        lambda d, e: comparable_pairs.concordance(d, d, e),
    ):
        with pytest.raises(ValueError, match=said):
            estimate(days, event)


@pytest.mark.parametrize(
    "x, event, said",
    [
        ([1, 1, 1, 1], [1, 1, 1, 0], "all patients are alike in x"),
        ([1, 2, 3, 4], [0, 0, 0, 0], "nobody had the event"),
        ([np.nan, 1, 2, 3], [1, 1, 1, 1], "terms must be known for everyone: x"),
    ],
)
def test_models_say_why_there_is_no_estimate(x, event, said):
    for fit in (models.cox, models.firth, competing.fine_gray):
        with pytest.raises(ValueError, match=said):
            fit(pd.DataFrame({"x": x}, dtype=float), [1, 2, 3, 4], event)


def test_terms_that_determine_each_other():
    x = pd.DataFrame({"a": [1.0, 0, 1, 0, 1, 0], "b": [0.0, 1, 0, 1, 0, 1]})
    with pytest.raises(NotEstimable, match="collinearity"):
        models.cox(x, [1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 1])


# Three of 47 patients have the factor and die among the first six: the ratio is large, and finite unless they
# are the first three.
EARLY = list(itertools.combinations(range(6), 3))


def early_deaths(who):
    days, event, x = np.arange(1, 48) * 10, np.arange(47) % 3 == 0, np.zeros(47)
    event[:20], x[list(who)] = True, 1
    return pd.DataFrame({"x": x}), days, event


@pytest.mark.parametrize("who", EARLY)
def test_a_large_ratio_that_exists_is_found_and_one_that_does_not_is_refused(who):
    terms, days, event = early_deaths(who)
    for fit in (
        lambda: models.cox(terms, days, event).terms,
        lambda: competing.fine_gray(terms, days, event.astype(int)),
    ):
        if who == (0, 1, 2):
            with pytest.raises(NotEstimable):
                fit()
            continue
        found = fit().loc["x", "coef"]
        around = [partial_likelihood(b, terms["x"], event) for b in (found - 1e-3, found, found + 1e-3)]
        assert around[1] > max(around[0], around[2]) and 2.5 < found < 4.6


def partial_likelihood(b, x, event):
    """Of rows in the order of their days, none of which tie."""
    at_risk = np.exp(b * x)[::-1].cumsum()[::-1]
    return ((b * x - np.log(at_risk))[event]).sum()


def test_rows_that_end_before_they_start_and_weights_that_are_not_positive():
    x = pd.DataFrame({"x": [1.0, 0, 1]})
    with pytest.raises(ValueError, match="1 rows end on the day they start"):
        models.cox(x, [5, 6, 7], [1, 1, 1], start=[0, 6, 0])
    with pytest.raises(ValueError, match="weights must be positive"):
        models.cox(x, [5, 6, 7], [1, 1, 1], weights=[1, 0, 1])


def test_groups_that_were_never_at_risk_together():
    with pytest.raises(NotEstimable, match="never at risk together"):
        logrank.logrank_test([1, 2, 8, 9], [0, 0, 1, 1], ["a", "a", "b", "b"])


def test_two_separated_factors_have_a_row_each_and_a_dagger():
    flags = ["yes", "no"] * 10
    study = study_of(
        [(i % 12 + 1, flag == "yes", flag, "I" if flag == "yes" else "II") for i, flag in enumerate(flags)]
    )
    rows = prognosis.univariable(study, "OS1", ["ldh_elevated", "stage"])
    ratios = results.pick(rows, "hazard ratio")
    ratios = ratios[ratios["statistic"] == "hazard ratio"]
    assert ratios["method"].str.startswith("Cox model, Firth's penalty").all() and len(ratios) == 2
    assert numbers.marks_told(ratios).startswith(
        " † with Firth's penalty, because nobody without elevated LDH had the event"
    )
    assert numbers.mark(ratios.iloc[0]) == " †" and numbers.mark(rows.iloc[0]) == ""
    # what a row notes of something else is no reason for the dagger
    told = numbers.marks_told(ratios.assign(note="2 of 14 had entered the state by then"))
    assert told.endswith("the estimate bears Firth's penalty.") and "2 of 14" not in told
