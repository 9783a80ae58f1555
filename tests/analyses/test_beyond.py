"""Beyond the paper: published examples, rules worked by hand, properties, and guards where there is little to
compare.
"""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.analyses import (
    design,
    field_dose,
    immortal,
    local_failure,
    log_rank,
    mean_survival,
    missing,
    multiplicity,
    prognosis,
    simulation,
    validation,
    weighting,
)
from analysis_lib.binding.chapters import chapters_of
from analysis_lib.cohort import endpoints, first_course
from analysis_lib.consistent import cohorts
from analysis_lib.estimators import bootstrap, curves, imputation, models, repeated, states
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.weights import (
    difference,
    e_value,
    effective_size,
    overlap,
    propensity,
    risk_ratio,
    stabilised,
)
from analysis_lib.intake.read import read_cohort
from analysis_lib.paper.claims import read_claims
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import tables_beyond


@cache
def study(name):
    return first_course.with_first_course(read_cohort(name), 10)


def by_id(rows):
    return rows.set_index("result_id")


def random_survival(n, k, seed):
    draw = np.random.default_rng(seed)
    return (
        draw.integers(0, 2, (n, k)).astype(float),
        np.ceil(draw.exponential(60, n)).astype(int),
        draw.random(n) < 0.6,
    )


# --- immortal time --------------------------------------------------------------------------------


def test_a_state_entered_on_the_way_cuts_the_time_in_two():
    pieces = states.split([10, 20, 30, 5], [True, False, True, True], [4, np.nan, 30, 0])
    assert pieces[["row", "start", "stop", "event", "inside"]].values.tolist() == [
        [0, 0, 4, False, 0],
        [0, 4, 10, True, 1],
        [1, 0, 20, False, 0],
        [2, 0, 30, True, 0],  # an event on the very day of entry belongs to the time before
        [3, 0, 5, True, 1],
    ]  # entered on day 0: inside all the time


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.booleans(), st.one_of(st.none(), st.integers(-5, 80))),
        min_size=1,
        max_size=25,
    )
)
def test_splitting_keeps_person_time_and_events(people):
    days, event, entered = (
        np.array(x, dtype=float) for x in zip(*[(d, e, np.nan if s is None else s) for d, e, s in people])
    )
    pieces = states.split(days, event, entered)
    assert (pieces["stop"] - pieces["start"]).sum() == days.sum() and pieces["event"].sum() == event.sum()
    assert (pieces["stop"] > pieces["start"]).all()


def test_landmark_counts_an_event_on_the_day_to_the_time_before_and_an_entry_to_the_state():
    frame = states.landmark([30, 31, 60, 60], [True, True, False, True], [np.nan, 30, 31, np.nan], 30)
    assert frame[["row", "days", "event", "inside"]].values.tolist() == [
        [1, 1, True, 1],
        [2, 30, False, 0],
        [3, 30, True, 0],
    ]


def test_the_timed_model_is_the_cox_model_of_a_state_that_changes():
    """Its score test is Mantel and Byar's."""
    draw = np.random.default_rng(4)
    days, event = np.arange(1, 61), draw.random(60) < 0.7  # no ties: the two tests are then the same
    entered = np.where(draw.random(60) < 0.5, draw.integers(1, 40, 60), np.nan)
    pieces = states.split(days, event, entered)
    fit = models.cox(pieces[["inside"]], pieces["stop"], pieces["event"], start=pieces["start"])
    byar = log_rank.mantel_byar(days, event, entered, "x")
    assert fit.score.p == pytest.approx(byar["value"], rel=1e-9)


def test_second_modalities_are_those_of_the_five_groups():
    for first, label in (("ST", "ST then RT"), ("RT", "RT then ST")):
        frame = immortal.second_modality(study("reconstructed"), first)
        assert (frame["entered"].notna() == (frame["salvage_sequence"] == label)).all()


def test_nobody_dies_before_salvage_so_delayed_entry_takes_the_wait_away():
    rows = by_id(immortal.response(study("reconstructed")))
    assert rows.loc["immortal.response.delayed", "value"] > rows.loc["immortal.response.naive", "value"]
    assert rows.loc["immortal.response.delayed", "events"] == rows.loc["immortal.response.naive", "events"]


# --- death competes -------------------------------------------------------------------------------


def test_one_minus_kaplan_meier_is_never_below_the_share_that_fails():
    of = study("reconstructed")
    rows = by_id(local_failure.incidences(of, local_failure.sites(of)))
    for month in (12, 24):
        assert rows.loc[f"failure.rate{month}.km", "value"] > rows.loc[f"failure.rate{month}.aj", "value"]
        assert rows.loc[f"failure.excess{month}", "value"] == pytest.approx(
            rows.loc[f"failure.rate{month}.km", "value"] - rows.loc[f"failure.rate{month}.aj", "value"]
        )


def test_the_two_agree_where_nobody_dies():
    of = study("reconstructed")
    frame = local_failure.sites(of)
    frame = frame.assign(cause=np.where(frame["cause"] == 2, 0, frame["cause"]))
    assert by_id(local_failure.incidences(of, frame)).loc["failure.excess12", "value"] == pytest.approx(
        0, abs=1e-9
    )


def test_the_jackknife_over_patients_is_greenwoods_where_each_has_one_site():
    of = study("reconstructed")
    frame = local_failure.sites(of).drop_duplicates("patient_id").reset_index(drop=True)
    frame = frame.assign(patient=range(len(frame)))
    rows = by_id(local_failure.incidences(of, frame))
    jack, plain = rows.loc["failure.rate12.clustered"], rows.loc["failure.rate12.aj"]
    assert np.log(jack["upper"] / jack["value"]) == pytest.approx(
        np.log(plain["upper"] / plain["value"]), rel=0.05
    )


# --- weighting ------------------------------------------------------------------------------------


def test_e_value_of_the_published_example():
    """VanderWeele and Ding 2017: risk ratio 3.9 (95% CI 1.8 to 8.7), E-values 7.26 and 3.0."""
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value(1.8) == pytest.approx(3.0, abs=0.005)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9)) and e_value(1.0) == 1


def test_hazard_ratio_of_a_common_outcome_as_a_risk_ratio():
    assert risk_ratio(1) == pytest.approx(1)
    assert risk_ratio(2) == pytest.approx((1 - 0.5**2**0.5) / (1 - 0.5**0.5**0.5))
    assert risk_ratio(0.5) == pytest.approx(1 / risk_ratio(2))


def test_effective_size():
    assert effective_size([2, 2, 2]) == 3
    assert effective_size([1, 3]) == 1.6


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_overlap_weights_balance_the_factors_exactly(seed):
    draw = np.random.default_rng(seed)
    terms = pd.DataFrame(draw.integers(0, 2, (120, 3)), columns=list("abc"))
    treated = draw.random(120) < 1 / (1 + np.exp(-(terms["a"] - terms["b"])))
    score = propensity(terms, treated)
    weights = overlap(score, treated)
    for column in terms:
        assert difference(terms[column], treated, weights) == pytest.approx(0, abs=1e-6)


def test_standardised_difference_by_hand():
    values, treated = [1, 1, 1, 0, 1, 0, 0, 0], np.array([True] * 4 + [False] * 4)
    assert difference(values, treated) == pytest.approx(0.5 / np.sqrt(0.75 * 0.25))


def test_stabilised_weights_of_a_two_by_two_table():
    """10 of 40 and 30 of 60 treated: the score is the share of the stratum, and weighted groups both look
    like all 100.
    """
    stratum = np.repeat([0.0, 1.0], [40, 60])
    treated = np.concatenate([np.arange(40) < 10, np.arange(60) < 30])
    score = propensity(pd.DataFrame({"s": stratum}), treated)
    assert score[[0, 99]] == pytest.approx([0.25, 0.5])
    weights = stabilised(score, treated)
    assert [np.average(stratum[g], weights=weights[g]) for g in (treated, ~treated)] == pytest.approx(
        [0.6, 0.6]
    )
    assert weights.mean() == pytest.approx(1)


def test_a_factor_that_tells_the_groups_apart_has_no_score():
    with pytest.raises(NotEstimable, match="nobody comparable"):
        propensity(pd.DataFrame({"s": [0, 0, 0, 1, 1, 1]}), [False] * 3 + [True] * 3)


def test_the_adjusted_comparison_is_that_of_the_chapter_on_what_is_determined():
    ours = by_id(weighting.compare(weighting.prepare(study("reconstructed")))).loc["weighted.os2.crude"]
    alone = endpoints.derive(study("reconstructed"), "OS2").query("salvage_regimen in ['RT', 'ST']")
    again = models.cox(
        (alone["salvage_regimen"] == "ST").astype(float).to_frame("st"), alone["days"], alone["event"]
    ).terms.loc["st"]
    assert [ours["value"], ours["lower"], ours["upper"]] == pytest.approx(
        [again["hr"], again["lower"], again["upper"]]
    )


# --- field, dose, multiplicity --------------------------------------------------------------------


def test_limited_stage_has_too_few_focal_fields_to_compare():
    # as the paper prints; cohorts that keep to the definition of a field exclude it
    number = next(number for number, made_by in cohorts.made_by().items() if "definition" not in made_by)
    counts, ratios = (by_id(of(cohorts.read(number))) for of in (field_dose.by_stage, field_dose.fields))
    assert (
        counts.loc["field.limited.focal", "n"] == 2 and "fewer than 5" in ratios.loc["field.limited", "note"]
    )
    assert ratios.loc["field.within", "value"] < ratios.loc["field.crude", "value"]


def test_where_all_patients_are_of_one_stage_group_nothing_is_compared_within():
    rows = by_id(field_dose.fields(study("limited-stage")))
    assert list(rows.index) == ["field.crude", "field.within"]
    assert rows.loc["field.within", "note"] == "all patients are in stage I or II"


def test_an_estimate_is_called_after_the_factors_that_its_model_holds():
    limited = weighting.compare(weighting.prepare(study("limited-stage")))
    whole = weighting.compare(weighting.prepare(study("axi-cel")))
    called = [by_id(rows).loc["weighted.os2.stage_ldh", "group"] for rows in (limited, whole)]
    assert called == ["Adjusted for LDH", "Adjusted for stage and LDH"]


def test_the_comparisons_are_those_that_the_paper_prints():
    claims = read_claims()
    rows = cohorts.rows()
    printed = set(claims["result_id"]) & set(
        rows.loc[(rows["statistic"] == "p") & (rows["chapter"] != "09_beyond"), "result_id"]
    )
    tests = multiplicity.comparisons(study("reconstructed"), 10)
    assert set(tests["result_id"]) == printed and len(tests) == 52
    chapters = rows[rows["cohort"] == 1].drop_duplicates("result_id").set_index("result_id")["value"]
    assert tests["value"].astype(float).tolist() == pytest.approx(
        chapters[tests["result_id"]].astype(float).tolist(), rel=1e-9
    )


def test_corrections_by_hand():
    tests = public(
        pd.DataFrame(
            {
                "result_id": [f"os1.logrank.f{i}" for i in range(4)],
                "group": "",
                "endpoint": "OS1",
                "statistic": "p",
                "value": [0.010, 0.013, 0.040, 0.5],
            }
        )
    )
    counts = by_id(multiplicity.tally(tests))["value"]
    # Holm: 0.04, 0.039 (raised to 0.04), 0.08, 0.5; Benjamini and Hochberg: 0.026, 0.026, 0.053, 0.5
    assert counts[["multiplicity.all.raw", "multiplicity.all.holm", "multiplicity.all.bh"]].tolist() == [
        3,
        2,
        2,
    ]
    assert counts["multiplicity.all.by_chance"] == pytest.approx(0.2)
    assert tables_beyond.multiplicity_table(tests)[["P", "Holm"]].to_numpy().tolist() == [
        ["0.010", "0.040"],
        ["0.013", "0.040"],
        ["0.040", "0.080"],
        ["0.50", "0.50"],
    ]


# --- missing values -------------------------------------------------------------------------------


def test_rubins_rules_by_hand():
    """Estimates 1, 2, 3 and variance 1: within 1, between 1, total 1 + 4/3; df 2 (1 + 3/4)²."""
    pooled = imputation.pool([1, 2, 3], [1, 1, 1])
    assert (pooled.estimate, pooled.se, pooled.df) == pytest.approx((2, np.sqrt(7 / 3), 2 * (7 / 4) ** 2))
    assert pooled.missing_information == pytest.approx(4 / 7)


def test_nelson_aalen_by_hand():
    assert imputation.nelson_aalen([1, 2, 2, 3], [True, True, False, False]) == pytest.approx(
        [1 / 4, 1 / 4 + 1 / 3] + [1 / 4 + 1 / 3] * 2
    )


def test_imputation_keeps_what_is_known_and_repeats_with_its_seed():
    draw = np.random.default_rng(1)
    terms = pd.DataFrame({"a": draw.integers(0, 2, 200), "b": draw.normal(size=200)})
    values = (draw.random(200) < 0.3 + 0.4 * terms["a"]).astype(float).to_numpy()
    truth = values.copy()
    values[draw.random(200) < 0.3] = np.nan
    filled = imputation.impute(values, terms, 20, 7)
    known = np.isfinite(values)
    assert (filled[known] == truth[known][:, None]).all() and set(np.unique(filled)) == {0, 1}
    assert (filled == imputation.impute(values, terms, 20, 7)).all() and (
        filled != imputation.impute(values, terms, 20, 8)
    ).any()
    with_a = terms["a"].to_numpy() == 1
    assert filled[~known & with_a].mean() > filled[~known & ~with_a].mean() + 0.1


def test_bulk_is_not_defined_within_the_cns():
    rows = by_id(missing.who(study("reconstructed"), "bulky_disease"))
    assert (
        rows.loc["missing.bulky_disease.cns", "value"] == 100
        and rows.loc["missing.bulky_disease.other", "value"] < 10
    )


def test_variance_inflation_by_hand():
    rows = by_id(
        missing.collinearity(study("reconstructed"), "OS2", "high_ipi", ["advanced_stage", "ldh_elevated"])
    )
    terms = models.indicators(
        endpoints.derive(study("reconstructed"), "OS2"), ["advanced_stage", "ldh_elevated", "high_ipi"]
    )
    rest = np.column_stack([np.ones(len(terms)), terms[["advanced_stage", "ldh_elevated"]]])
    fitted = rest @ np.linalg.lstsq(rest, terms["high_ipi"], rcond=None)[0]
    r_squared = (
        1
        - ((terms["high_ipi"] - fitted) ** 2).sum()
        / ((terms["high_ipi"] - terms["high_ipi"].mean()) ** 2).sum()
    )
    assert rows.loc["collinear.high_ipi.vif", "value"] == pytest.approx(1 / (1 - r_squared))
    assert rows.loc["collinear.high_ipi.wider", "value"] > 1


# --- validation, means, sample size ---------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_many_fits_are_the_single_ones(seed):
    x, days, event = random_survival(120, 3, seed)
    counts = np.stack(
        [np.bincount(np.random.default_rng(s).integers(0, 120, 120), minlength=120) for s in (1, 2)]
    )
    coef, se = repeated.cox(x[None], days, event, counts)
    scores = coef @ x.T
    for layer in range(2):
        drawn = np.repeat(np.arange(120), counts[layer])
        fit = models.cox(pd.DataFrame(x[drawn]), days[drawn], event[drawn])
        assert coef[layer] == pytest.approx(fit.terms["coef"].to_numpy(), rel=1e-6)
        assert se[layer] == pytest.approx(fit.terms["se"].to_numpy(), rel=1e-6)
        assert repeated.concordance(scores[[layer]], days, event, counts[[layer]])[0] == pytest.approx(
            fit.concordance.value
        )


def test_many_fits_take_late_entries():
    x, days, event = random_survival(150, 2, 3)
    start = np.minimum(np.random.default_rng(3).integers(0, 20, 150), days - 1)
    coef, se = repeated.cox(x[None], days, event, start=start)
    fit = models.cox(pd.DataFrame(x), days, event, start=start).terms
    assert coef[0] == pytest.approx(fit["coef"].to_numpy(), rel=1e-6) and se[0] == pytest.approx(
        fit["se"].to_numpy(), rel=1e-6
    )


def test_separation_gives_no_number():
    coef, _ = repeated.cox(np.repeat([0.0, 1.0], 20)[None, :, None], np.arange(1, 41), np.arange(40) < 20)
    assert np.isnan(coef).all()


def test_optimism_takes_most_of_the_flattery_from_noise():
    """Eight factors of pure chance: in truth the concordance is one half. The bootstrap takes away most of
    what is too much, as is known not all of it, and the slope says how far such predictions must be drawn
    in."""
    found = [
        bootstrap.of_samples(pd.DataFrame(x), days, event, bootstrap.samples(100)[:50])
        for x, days, event in (random_survival(100, 8, s) for s in range(16))
    ]
    apparent, corrected = (
        np.mean([getattr(one, part) for one in found]) for part in ("apparent", "corrected")
    )
    assert apparent - 0.5 > 0.08 and abs(corrected - 0.5) < (apparent - 0.5) / 2
    assert np.mean([one.slope for one in found]) < 0.6


def test_the_table_of_models_has_a_column_for_each_number_but_the_optimism():
    rows = public(
        results.collect(
            [
                results.row(f"validated.os1.{part}", "estimate", 0.5, group="OS1")
                for part in ("apparent", "optimism", "corrected", "slope", "epv")
            ]
        )
    )
    assert validation.beside(rows)["population"].tolist() == list(validation.COLUMNS.values())
    skipped = public(results.skipped("validated", "no stage"))
    assert validation.beside(skipped).equals(skipped)


def test_many_rows_are_drawn_less_often():
    assert [len(bootstrap.samples(n)) for n in (10, 20_000, 40_000, 10**6)] == [200, 200, 100, 20]


def test_validation_repeats_with_its_seed():
    x, days, event = random_survival(80, 2, 5)
    runs = [
        bootstrap.of_samples(pd.DataFrame(x), days, event, bootstrap.samples(80, seed)[:40])
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_restricted_means_by_hand():
    rows = by_id(mean_survival.restricted_means(study("reconstructed"), "OS2", (12,)))
    of = endpoints.derive(study("reconstructed"), "OS2").query("salvage_regimen == 'RT'")
    value, _ = curves.rmst(of["days"], of["event"], 12 * 30.4375)
    assert rows.loc["rmst.os2.12.rt", "value"] == pytest.approx(value / 30.4375)
    assert rows.loc["rmst.os2.12.st.less_rt", "value"] == pytest.approx(
        rows.loc["rmst.os2.12.st", "value"] - rows.loc["rmst.os2.12.rt", "value"]
    )


def test_schoenfelds_events():
    """Hazard ratio 0.5, equal groups, 80% power, 5% two-sided: (1.960 + 0.842)² / (0.25 ln(0.5)²) = 65.3, so
    66.
    """
    assert design.events_needed(0.5) == design.events_needed(2.0) == 66
    assert design.events_needed(0.5, 0.25) == 88 and design.events_needed(1.0) is None
    assert design.detectable(66) == pytest.approx(2, rel=0.005)


# --- guards ---------------------------------------------------------------------------------------


def every_analysis(of):
    weighted, sites = weighting.prepare(of), local_failure.sites(of)
    tests = multiplicity.comparisons(of, 10)
    return [
        immortal.compare(of, immortal.second_modality(of, "ST"), "st", 3, immortal.ADJUST),
        immortal.compare(of, immortal.second_modality(of, "RT"), "rt", 3, immortal.ADJUST),
        immortal.response(of),
        local_failure.incidences(of, sites),
        local_failure.compare(of, sites),
        weighting.sizes(weighted),
        weighting.balance(of, weighted),
        weighting.compare(weighted),
        field_dose.by_stage(of),
        field_dose.fields(of),
        field_dose.dose_groups(of),
        field_dose.doses(of, 1),
        multiplicity.tally(tests),
        missing.who(of, "bulky_disease"),
        missing.compare(of, "OS2", "bulky_disease", immortal.ADJUST),
        missing.collinearity(of, "OS2", "high_ipi", ["advanced_stage", "ldh_elevated"]),
        mean_survival.restricted_means(of, "OS2"),
        validation.models_of(of, prognosis.adjusted(of)),
        design.needed(of),
    ]


@pytest.mark.parametrize("size", [0, 2, 6])
def test_tiny_cohorts_get_sentences(size):
    of = study("tisa-cel")
    kept = of.patients.head(size).reset_index(drop=True)
    tables = {
        name: getattr(of, name)[getattr(of, name)["patient_id"].isin(kept["patient_id"])].reset_index(
            drop=True
        )
        for name in ("sites", "lines")
    }
    small = replace(of, patients=kept, **tables)
    rows = results.collect(every_analysis(small))
    numbers = rows[rows["statistic"] != "skipped"]
    assert np.isfinite(numbers[["value", "lower", "upper"]].astype(float).fillna(0).to_numpy()).all()
    assert (rows.loc[rows["statistic"] == "skipped", "note"].str.len() > 10).all()


def test_a_cohort_with_three_columns_is_told_what_it_lacks():
    *lacking, needed = every_analysis(study("lymphoma"))
    assert all(results.skip_reason(rows) or (rows["statistic"] == "skipped").all() for rows in lacking)
    assert by_id(needed).loc["design.os1.stage.iv", "events"] == 54


# --- known truth ----------------------------------------------------------------------------------


@cache
def simulated():
    of, share = simulation.read()
    return simulation.answers(of, share), simulation.truths(share)


def test_naive_answers_are_wrong_and_remedies_hold_the_truth():
    answers, truth = simulated()
    rows = by_id(answers)
    for bias in simulation.BIASES:
        naive, remedy = rows.loc[f"known.{bias}.naive"], rows.loc[f"known.{bias}.remedy"]
        assert not naive["lower"] <= truth[bias] <= naive["upper"], bias
        assert remedy["lower"] <= truth[bias] <= remedy["upper"], bias
        assert (naive["note"], remedy["note"]) == ("no", "yes")


def test_simulated_truth_of_the_sites_by_hand():
    """Without death the share that fails within a year is 1 - exp(-rate x 365.25)."""
    alone = 100 * (1 - np.exp(-simulation.FAILURE * 12 * 30.4375))
    _, share = simulation.tables(4000, 1)
    assert 0.4 * alone < share < 0.8 * alone


def test_simulated_patients_are_what_reading_their_files_gives(tmp_path):
    made, _ = simulation.tables(200, 3)
    for name, table in made.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    named = "".join(f"  {name}: {name}.csv\n" for name in made)
    (tmp_path / "cohort.yml").write_text(
        "name: simulated\ntitle: Simulated patients\nsynthetic: true\n"
        f"index_event: the start of the simulation\ntables:\n{named}"
    )
    whole, (ours, _) = read_cohort(tmp_path), simulation.read(200, 3)
    for part in fields(whole):
        if part.name == "warnings":  # what the files made the reader doubt
            continue
        theirs, mine = getattr(whole, part.name), getattr(ours, part.name)
        if isinstance(theirs, pd.DataFrame):
            pd.testing.assert_frame_equal(mine, theirs)
        else:
            assert mine == theirs, part.name


def test_simulated_patients_are_an_ordinary_cohort_and_repeat_with_their_seed():
    (one, _), (again, _) = simulation.read(50, 3), simulation.read(50, 3)
    pd.testing.assert_frame_equal(one.patients, again.patients)
    assert one.synthetic and len(one.patients) == 50 and {"RT", "ST"} == set(one.patients["salvage_regimen"])


@pytest.mark.parametrize(
    ("patients", "seed", "rows", "reason"),
    [
        (60, 8, ("naive", "remedy"), "no patient is followed to 12 months"),
        (60, 15, ("remedy",), "too few patients"),  # a share of nobody, which has no interval
    ],
)
def test_a_question_that_a_small_simulation_cannot_answer_says_so(patients, seed, rows, reason):
    answers = by_id(simulation.answers(*simulation.read(patients, seed)))
    skipped = answers[answers["statistic"] == "skipped"]["note"]
    assert skipped.to_dict() == {f"known.competing.{row}": reason for row in rows}


def test_the_lesson_stands_in_one_book_only():
    assert "13_known_truth" in chapters_of(study("reconstructed")) and "09_beyond" in chapters_of(
        study("lymphoma")
    )
    assert "13_known_truth" not in chapters_of(study("lymphoma"))
