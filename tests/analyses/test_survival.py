"""Survival against R (survival 3.5-3 on R 4.2.2; STATISTICS: `lung`), and where there is little or nothing to
estimate.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from analysis_lib.analyses import cox_models, prognosis, survival
from analysis_lib.cohort import cohort, endpoints
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves, models
from analysis_lib.rows import results
from analysis_lib.rows.methods import LOG_RANK
from analysis_lib.rows.released import public


def study_of(days, dead, **columns):
    """A cohort of its own: follow-up, vital status and whatever yes/no or categorical columns are given."""
    patients = pd.DataFrame(
        {
            "patient_id": [str(i) for i in range(len(days))],
            "last_follow_up_day": pd.array(list(days), dtype="Int64"),
            "vital_status": pd.Categorical(["dead" if d else "alive" for d in dead], ["alive", "dead"]),
        }
    )
    for name, values in columns.items():
        levels = ["yes", "no"] if set(values) - {None} <= {"yes", "no"} else sorted(set(values) - {None})
        patients[name] = pd.Categorical(values, levels, ordered=True)
    return cohort.Cohort("test", "Test", "study entry", False, "", patients)


def yes_no(flags):
    return ["yes" if flag else "no" for flag in flags]


def by_id(rows):
    return rows.set_index("result_id")


@pytest.fixture(scope="module")
def lung():
    return load_lung()


@pytest.fixture(scope="module")
def lung_study(lung):
    return study_of(
        lung["time"],
        lung["status"] == 1,
        ldh_elevated=yes_no(lung["sex"] == 2),
        stage=[
            "I" if e == 0 else "II" if e == 1 else "III" if e in (2, 3) else None for e in lung["ph.ecog"]
        ],
    )


# --- against R ------------------------------------------------------------------------------------


def test_kaplan_meier_of_lung(lung):
    curve = curves.kaplan_meier(lung["time"], lung["status"] == 1)
    assert [curves.quantile(curve, c) for c in ("survival", "lower", "upper")] == [310, 285, 363]
    at_a_year = curves.at(curve, 365)
    assert at_a_year[["survival", "lower", "upper"]].astype(float).round(5).tolist() == [
        0.40924,
        0.34472,
        0.48584,
    ]
    assert [curves.at_risk(lung["time"], day) for day in (180, 365)] == [160, 65]


def test_medians_come_in_months(lung_study):
    median = by_id(survival.estimates(lung_study, "OS1")).loc["os1.median"]
    assert [median[c] * DAYS_PER_MONTH for c in ("value", "lower", "upper")] == pytest.approx([310, 285, 363])
    assert (median["n"], median["events"]) == (228, 165)


def test_reverse_kaplan_meier_of_lung(lung_study):
    reverse = by_id(survival.follow_up(lung_study, "OS1")).loc["os1.follow_up.reverse_km"]
    assert [reverse[c] * DAYS_PER_MONTH for c in ("value", "lower", "upper")] == pytest.approx(
        [588, 511, 1010]
    )


def test_log_rank_of_lung(lung_study):
    test = by_id(survival.estimates(lung_study, "OS1", by="ldh_elevated")).loc["os1.logrank.ldh_elevated"]
    assert test["value"] == pytest.approx(0.00131116, abs=1e-8) and test["note"] == "chi-square 10.33, 1 df"


@pytest.fixture(scope="module")
def lung_model(lung):
    known = lung.dropna(subset=["ph.ecog"])
    terms = known[["age", "sex", "ph.ecog"]].astype(float)
    return known.assign(days=known["time"], event=known["status"] == 1), terms


def test_cox_model_of_lung(lung_model):
    frame, terms = lung_model
    fit = models.cox(terms, frame["days"], frame["event"])
    assert fit.terms["coef"].tolist() == pytest.approx([0.01106676, -0.5526124, 0.4637285], abs=5e-8)
    assert fit.terms["se"].tolist() == pytest.approx([0.00926741, 0.16773905, 0.11357727], abs=5e-9)
    assert [fit.loglik_null, fit.loglik] == pytest.approx([-744.4805, -729.2301], abs=1e-4)
    assert (fit.n, fit.events, fit.wald.df) == (227, 164, 3)


def test_cox_model_goes_on_until_nothing_changes(lung_model):
    """R: coxph(Surv(time, status) ~ age + sex + ph.ecog, lung), to eleven digits; lifelines alone gives
    five.
    """
    frame, terms = lung_model
    fit = models.cox(terms, frame["days"], frame["event"])
    assert fit.terms["coef"].tolist() == pytest.approx(
        [0.0110667645961, -0.552612395532, 0.463728475116], rel=1e-9
    )


def test_cox_with_few_patients_is_not_followed_to_infinity():
    """The one patient with the factor dies last: a fit that just went on would show a hazard ratio near 0,
    with a P value.
    """
    study = study_of(
        [1, 1, 1, 2, 3, 4, 6, 7, 9, 16],
        [1, 1, 1, 1, 1, 1, 0, 1, 1, 1],
        ldh_elevated=yes_no(i == 9 for i in range(10)),
    )
    ratio = by_id(cox_models.cox(study, "OS1", ["ldh_elevated"], "mv")).loc["cox.os1.mv.ldh_elevated"]
    # the maximum of the penalised likelihood
    assert np.log(ratio["value"]) == pytest.approx(-1.6813348, abs=1e-6)
    assert "Firth" in ratio["method"] and "run away (separation)" in ratio["note"]


def test_proportional_hazards_of_lung(lung_model):
    frame, terms = lung_model
    tests = models.proportional_hazards(terms, frame["days"], frame["event"])
    assert tests["p"].tolist() == pytest.approx([0.66460, 0.12892, 0.15178, 0.21555], abs=2e-5)
    assert tests.index.tolist() == ["age", "sex", "ph.ecog", "global"]


# --- medians --------------------------------------------------------------------------------------


def test_median_on_a_flat_stretch_at_one_half():
    """Four deaths at 10, 20, 30, 40: the curve is exactly 0.5 from day 20 to day 30, and R takes the
    middle.
    """
    assert curves.quantile(curves.kaplan_meier([10, 20, 30, 40], [1, 1, 1, 1])) == 25


def test_median_at_one_half_to_the_end_is_its_beginning():
    assert curves.quantile(curves.kaplan_meier([10, 20, 30, 40], [1, 1, 0, 0])) == 20


def test_median_not_reached():
    rows = by_id(survival.estimates(study_of([10, 20, 30], [1, 0, 0]), "OS1"))
    assert pd.isna(rows.loc["os1.median", "value"]) and rows.loc["os1.median", "note"] == "median not reached"


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=60)
def test_a_curve_falls_and_counts_everyone(people):
    days, event = zip(*people)
    curve = curves.kaplan_meier(days, event)
    assert (curve["survival"].diff().dropna() <= 1e-12).all() and curve["survival"].between(-1e-12, 1).all()
    assert curve["events"].sum() == sum(event) and curve["censored"].sum() == len(people) - sum(event)
    assert all(row["at_risk"] == curves.at_risk(days, row["days"]) for _, row in curve.iterrows())


# --- little or nothing to estimate ----------------------------------------------------------------


def test_one_patient():
    rows = by_id(survival.estimates(study_of([100], [1], stage=["IV"]), "OS1", by="stage"))
    assert rows.loc["os1.median.stage.iv", "n"] == 1
    assert (
        pd.isna(rows.loc["os1.logrank.stage", "value"])
        and rows.loc["os1.logrank.stage", "note"] == "fewer than two groups"
    )


def test_all_censored():
    study = study_of([10, 20, 30, 40], [0] * 4, ldh_elevated=["yes", "no"] * 2)
    rows = by_id(survival.estimates(study, "OS1", by="ldh_elevated"))
    assert rows["value"].loc[["os1.median.ldh_elevated.yes", "os1.logrank.ldh_elevated"]].isna().all()
    assert rows.loc["os1.logrank.ldh_elevated", "note"] == "no events"
    assert "nobody had the event" in results.skip_reason(cox_models.cox(study, "OS1", ["ldh_elevated"], "mv"))


@pytest.mark.parametrize(
    "dead, levels, said",
    [
        ([1, 1, 1, 0], ["yes"] * 4, "all patients are alike in elevated LDH"),
        ([1, 1, 1, 0], [None] * 4, "ldh_elevated"),
        ([0, 0, 0, 0], ["yes", "yes", "no", "no"], "nobody had the event"),
        ([1, 0, 0, 0], ["yes", "yes", "no", "no"], "1 event cannot carry 1 hazard ratio"),
    ],
)
def test_cox_says_why_there_is_no_hazard_ratio(dead, levels, said):
    study = study_of([10, 20, 30, 40], dead, ldh_elevated=levels)
    assert said in results.skip_reason(cox_models.cox(study, "OS1", ["ldh_elevated"], "mv"))


def test_cox_with_a_runaway_estimate_is_shown_with_a_penalty():
    """Whoever has the factor dies before anyone without it does: both levels have events, yet no finite
    estimate exists.
    """
    study = study_of(range(1, 21), [1] * 20, ldh_elevated=yes_no(i < 10 for i in range(20)))
    rows = by_id(cox_models.cox(study, "OS1", ["ldh_elevated"], "mv"))
    assert np.log(rows.loc["cox.os1.mv.ldh_elevated", "value"]) == pytest.approx(4.1434532, abs=1e-6)
    assert (
        rows.loc["cox.os1.mv.ph", "statistic"] == "skipped" and "cox.os1.mv.ph.ldh_elevated" not in rows.index
    )


def test_a_level_without_an_event_is_estimated_with_firths_penalty():
    study = study_of([10, 20, 30, 40], [1, 1, 0, 0], ldh_elevated=["yes", "yes", "no", "no"])
    rows = by_id(cox_models.cox(study, "OS1", ["ldh_elevated"], "mv"))
    ratio = rows.loc["cox.os1.mv.ldh_elevated"]
    assert [np.log(ratio[c]) for c in ("value", "lower", "upper")] == pytest.approx(
        [2.0222510, -0.5399092, 6.9636261], abs=1e-6
    )
    assert ratio["note"] == (
        "with Firth's penalty, because nobody without elevated LDH had the event (separation)"
    )
    assert rows.loc["cox.os1.mv.ldh_elevated.p", "method"] == "penalised likelihood ratio test"


def test_cox_with_one_factor_twice_is_not_shown(lung_study):
    patients = lung_study.patients.assign(cns_disease=lung_study.patients["ldh_elevated"])
    twice = cohort.Cohort("test", "Test", "study entry", False, "", patients)
    assert results.skip_reason(cox_models.cox(twice, "OS1", ["ldh_elevated", "cns_disease"], "mv"))


# --- single factors and models of several ---------------------------------------------------------


def test_turning_a_factor_round_inverts_its_hazard_ratio(lung_study):
    other = lung_study.patients.assign(
        ldh_elevated=lung_study.patients["ldh_elevated"].map({"yes": "no", "no": "yes"})
    )
    turned = cohort.Cohort("test", "Test", "study entry", False, "", other)
    ratio, inverse = (
        by_id(cox_models.cox(s, "OS1", ["ldh_elevated"], "uv")).loc["cox.os1.uv.ldh_elevated"]
        for s in (lung_study, turned)
    )
    assert ratio["value"] * inverse["value"] == pytest.approx(1, abs=1e-6)
    assert ratio["lower"] * inverse["upper"] == pytest.approx(1, abs=1e-6)


def test_univariable_keeps_what_can_be_compared(lung_study):
    rows = by_id(
        prognosis.univariable(lung_study, "OS1", ["stage", "ldh_elevated", "bulky_disease", "cns_disease"])
    )
    # R: coxph(~ sex)
    assert rows.loc["cox.os1.uv.ldh_elevated", "value"] == pytest.approx(np.exp(-0.5310), abs=1e-3)
    assert {
        "os1.median.stage.i",
        "os1.median.stage.iii",
        "os1.logrank.stage",
        "cox.os1.uv.stage.ii",
        "cox.os1.uv.stage.iii",
        "cox.os1.uv.ph.stage.iii",
    } <= set(rows.index)
    assert rows.loc["os1.logrank.stage", "n"] == 227  # one patient's is unknown
    for absent in ("bulky_disease", "cns_disease"):
        assert (
            rows.loc[f"cox.os1.uv.{absent}", "statistic"] == "skipped"
            and absent in rows.loc[f"cox.os1.uv.{absent}", "note"]
        )
    assert (rows.loc["os1.uv.small_p", "n"], rows.loc["os1.uv.by_chance", "value"]) == (2, pytest.approx(0.1))


def test_univariable_keeps_medians_where_there_is_no_hazard_ratio():
    study = study_of([10, 20, 30, 40], [1, 0, 0, 0], ldh_elevated=["yes", "yes", "no", "no"])
    rows = by_id(prognosis.univariable(study, "OS1", ["ldh_elevated"]))
    assert rows.loc["os1.logrank.ldh_elevated", "value"] == pytest.approx(0.3173105)  # chi-square 1
    assert "cannot carry" in rows.loc["cox.os1.uv.ldh_elevated", "note"]


@pytest.mark.parametrize("analysis", [prognosis.univariable, cox_models.multivariable])
def test_without_any_factor_there_is_one_reason(analysis, lung_study):
    rows = analysis(lung_study, "OS1", ["bulky_disease", "cns_disease"])
    assert len(rows) == 1 and "bulky_disease and cns_disease" in results.skip_reason(rows)
    assert "salvage_start_day" in results.skip_reason(analysis(lung_study, "OS2", ["ldh_elevated"]))


def test_multivariable_leaves_out_what_cannot_be_compared(lung_study):
    patients = lung_study.patients.assign(bulky_disease="no")
    study = cohort.Cohort("test", "Test", "study entry", False, "", patients)
    rows = by_id(cox_models.multivariable(study, "OS1", ["ldh_elevated", "stage", "bulky_disease"]))
    assert rows.loc["cox.os1.mv.bulky_disease", "note"].startswith("all patients are alike")
    assert rows.loc["cox.os1.mv.events_per_variable", "value"] == pytest.approx(164 / 3)
    lone = cox_models.multivariable(study, "OS1", ["ldh_elevated", "bulky_disease"])
    assert results.skip_reason(lone).startswith("fewer than two factors")


def test_holm_by_hand():
    rows = public(
        results.collect(
            [
                results.row(
                    f"os2.logrank.{f}", "p", p, group=f, n=10, events=5, method=LOG_RANK, endpoint="OS2", by=f
                )
                for f, p in {"a": 0.01, "b": 0.04, "c": 0.03}.items()
            ]
        )
    )
    corrected = by_id(prognosis.holm(rows, "OS2"))
    assert corrected["value"].loc[["os2.holm.a", "os2.holm.b", "os2.holm.c"]].tolist() == pytest.approx(
        [0.03, 0.06, 0.06]
    )
    assert corrected.loc["os2.holm.small_p", ["value", "n", "note"]].tolist() == [1, 3, ""]  # names nobody
    assert results.skip_reason(prognosis.holm(public(results.skipped("os2.uv", "why")), "OS2")) == "why"


def test_overlap_counts_within_levels():
    study = study_of(
        [1, 2, 3, 4], [1] * 4, high_ipi=["yes", "no", "no", None], ldh_elevated=["yes", "yes", "yes", "yes"]
    )
    rows = by_id(prognosis.overlap(study, "high_ipi", ["ldh_elevated"]))
    assert rows.index.tolist() == ["high_ipi.ldh_elevated.yes"]
    assert rows.loc["high_ipi.ldh_elevated.yes", ["events", "n"]].tolist() == [1, 3]


def test_an_endpoint_knows_its_events(lung_study):
    assert endpoints.derive(lung_study, "OS1")["event"].sum() == 165
