"""The estimators of chapters 15 to 17 against R (``tests/r/further.R``), worked examples, and their traps."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.estimators import alike, cloned, conjugate, curves, guyot, multistate, prediction
from analysis_lib.estimators.models import cox
from analysis_lib.estimators.observed import NotEstimable

from beside_r import RELATIVE, apart, fixture

R = fixture("further")["rows"]
DATA = fixture("datasets")["data"]


def agrees(ours, row_id):
    assert apart(ours, R[row_id]["value"]) <= RELATIVE, (row_id, ours, R[row_id]["value"])


def frame_of(name, terms=()):
    frame = pd.DataFrame({c: v for c, v in DATA[name].items() if c not in ("groups", "terms")})
    return frame.dropna(subset=list(terms)).reset_index(drop=True)


# --- clones ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "terms", "grace", "day"),
    [("jasa", ["age", "had_surgery"], 30, 365), ("rotterdam", ["age", "grade"], 730, 2500)],
)
def test_clones_agree_with_r(name, terms, grace, day):
    frame = frame_of(name).iloc[:: 8 if name == "rotterdam" else 1].reset_index(drop=True)
    everyone = np.arange(len(frame))[None]
    entered = frame["entered"].astype(float)
    (found,) = cloned.compare(
        frame[terms].astype(float), frame["days"], frame["event"], entered, grace, day, everyone
    )
    for what in ("adding", "refraining", "area"):
        agrees(getattr(found, what), f"clones.{name}.{what}")


DAYS = [3, 5, 5, 30, 31, 60, 90, 120, 200, 300, 300, 365]
EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0]
ENTERED = [np.nan, 5, 2, 30, 31, 10, np.nan, 45, 30, np.nan, 20, np.nan]


def test_a_clone_is_censored_where_its_course_contradicts_the_strategy():
    with_it = cloned.adding(DAYS, EVENT, ENTERED, 30)
    without = cloned.refraining(DAYS, EVENT, ENTERED, 30)
    # died on the day on which it would have been added: it was not, and both strategies were followed
    assert with_it.event[1] and without.event[1] and not with_it.deviated[1] and not without.deviated[1]
    assert with_it.days[3] == 30 and with_it.event[3] and without.event[3]
    # beyond the time to act without it
    assert list(np.flatnonzero(with_it.deviated)) == [4, 6, 7, 9, 11] and with_it.days[11] == 30
    # added within it
    assert list(np.flatnonzero(without.deviated)) == [2, 5, 8, 10]
    assert list(without.days[[2, 5, 8, 10]]) == [2, 10, 30, 20] and not without.event[[2, 5, 8, 10]].any()
    # nobody is both followed and deviated, and everybody beyond is one of them in each strategy
    beyond = np.array(DAYS) > 30
    for clones in (with_it, without):
        assert not (clones.followed & clones.deviated).any()
    assert ((with_it.followed | with_it.deviated) == beyond).all()


def test_twelve_people_without_a_factor_that_tells_give_the_shares_by_hand():
    # a factor that is balanced: of seven at risk beyond day 30 three had added it
    clones = cloned.adding(DAYS, EVENT, ENTERED, 30)
    chance = cloned.chance_of_adding(pd.DataFrame({"x": [0.0, 1.0] * 6}), clones)
    beyond = clones.followed | clones.deviated
    assert (chance[~beyond] == 1).all()
    assert np.isclose(1 / chance[clones.followed], 1 / chance[clones.followed]).all()
    # a logistic model with an intercept gives back as many as there were
    assert np.isclose(chance[beyond].sum(), clones.followed.sum())


def test_where_nobody_adds_it_there_is_no_comparison():
    terms, nobody = pd.DataFrame({"x": [0.0, 1.0] * 6}), [np.nan] * 12
    assert cloned.compare(terms, DAYS, EVENT, nobody, 30, 200, np.arange(12)[None]) == []
    with pytest.raises(NotEstimable, match="too few do"):
        cloned.curve_of_refraining(terms, cloned.refraining(DAYS, EVENT, nobody, 30), np.array([0.0]))


def test_without_an_event_there_is_no_curve():
    terms = pd.DataFrame({"x": [0.0, 1.0] * 6})
    clones = cloned.refraining(DAYS, [0] * 12, ENTERED, 30)
    with pytest.raises(NotEstimable, match="nobody who followed the strategy"):
        cloned.curve_of_refraining(terms, clones, np.array([0.0]))


def test_height_and_area_of_a_curve():
    curve = pd.DataFrame({"days": [0.0, 10.0, 20.0], "survival": [1.0, 0.5, 0.25]})
    assert cloned.height(curve, 9.9) == 1 and cloned.height(curve, 10) == 0.5
    assert cloned.area(curve, 20) == 15 and cloned.area(curve, 24) == 16 and cloned.area(curve, 4) == 4


# --- prediction -----------------------------------------------------------------------------------

MODELS = {
    "lung": (["female", "ph"], 365, (0.3, 0.5, 0.6)),
    "veteran": (["karno", "small", "adeno"], 100, (0.2, 0.5)),
    "pbc": (["edema", "bili", "albumin"], 2000, (0.1, 0.3)),
    "ovarian": (["age", "treated"], 400, (0.3,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_predictions_agree_with_r(name):
    terms, day, thresholds = MODELS[name]
    frame = frame_of(name, terms)
    x, days, event = frame[terms].astype(float), frame["days"], frame["event"]
    fitted = cox(x, days, event)
    risk = prediction.risk_by(prediction.of_coefficients(fitted.terms["coef"], x, days, event), x, day)
    for place in (1, 2, len(frame)):
        agrees(risk[place - 1], f"predicted.{name}.risk{place}")
    score, null = prediction.brier(risk, days, event, day), prediction.null_brier(days, event, day)
    agrees(score, f"predicted.{name}.brier")
    agrees(null, f"predicted.{name}.null")
    for p in thresholds:
        agrees(prediction.net_benefit(risk, days, event, day, p), f"predicted.{name}.benefit{100 * p:g}")
    ratio = fitted.likelihood_ratio.statistic
    agrees(prediction.heuristic_shrinkage(ratio, len(terms)), f"predicted.{name}.heuristic")
    needed = prediction.patients_needed(1 - np.exp(-ratio / len(frame)), len(terms))
    agrees(needed, f"predicted.{name}.needed")


def test_the_published_example_of_the_sample_size():
    # Riley 2020 (BMJ 368:m441), recurrence of venous thromboembolism: R squared 0.051, 30 parameters
    assert np.ceil(prediction.patients_needed(0.051, 30)) == 5143


def test_without_censoring_a_brier_score_is_a_mean_square():
    days, risk = [1, 2, 3, 4], np.array([0.9, 0.8, 0.3, 0.1])
    assert np.isclose(prediction.brier(risk, days, [1] * 4, 2), np.mean([0.01, 0.04, 0.09, 0.01]))
    assert np.isclose(prediction.null_brier(days, [1] * 4, 2), 0.25)


def test_of_events_and_censorings_on_one_day_the_events_come_first():
    weights = prediction.uncensored_weights([5, 5, 9, 9], [1, 0, 1, 0], 8)
    # one of the three still there was censored: the two who go on count for three
    assert np.allclose(weights, [1, 0, 1.5, 1.5])


def test_all_events_on_one_day_are_predicted_as_they_were():
    terms = pd.DataFrame({"x": [0.0, 1.0] * 6})
    model = prediction.of_coefficients([0.0], terms, [7] * 12, [1] * 12)
    # Efron's handling: 1/12 + 1/11 + ... + 1
    assert np.isclose(model.baseline["hazard"].iloc[0], (1 / np.arange(1, 13)).sum())
    assert (prediction.risk_by(model, terms, 6) == 0).all()


def test_nobody_to_act_on_is_no_benefit_and_acting_on_all_needs_no_model():
    days, event = [1, 2, 3, 4], [1, 1, 0, 0]
    assert prediction.net_benefit([0.1] * 4, days, event, 2, 0.5) == 0
    assert np.isclose(prediction.net_benefit([1.0] * 4, days, event, 2, 0.2), 0.5 - 0.5 * 0.25)


def test_beyond_follow_up_nothing_is_said():
    with pytest.raises(NotEstimable, match="nobody is followed to day 10"):
        prediction.brier([0.5, 0.5], [1, 2], [1, 0], 10)
    with pytest.raises(NotEstimable, match="ends before"):
        prediction.observed_by([1, 2], [1, 0], 10)
    with pytest.raises(NotEstimable, match="explains nothing"):
        prediction.patients_needed(0.0, 2)


def test_optimism_of_the_brier_score_is_that_of_samples_fitted_one_by_one():
    frame = frame_of("ovarian")
    x, days, event = frame[["age"]].astype(float), frame["days"].to_numpy(), frame["event"].to_numpy()
    samples = np.random.default_rng(1).integers(0, len(frame), (5, len(frame)))
    gain, used = prediction.of_samples(x, days, event, 400, samples)
    by_hand = []
    for sample in samples:
        inside = x.iloc[sample].reset_index(drop=True)
        coef = cox(inside, days[sample], event[sample]).terms["coef"]
        model = prediction.of_coefficients(coef, inside, days[sample], event[sample])
        by_hand.append(
            prediction.brier(prediction.risk_by(model, x, 400), days, event, 400)
            - prediction.brier(prediction.risk_by(model, inside, 400), days[sample], event[sample], 400)
        )
    assert used == 5 and np.isclose(gain, np.mean(by_hand), rtol=1e-9)


# --- states ---------------------------------------------------------------------------------------

SMALL = {
    "end": [0, 5, 5, 9, 9, 12, 12, 20, 20, 20, 31, 40],
    "died": [1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0],
    "moves": [
        [np.nan, 2, np.nan, 5, 9, 5, 12, 5, np.nan, 20, 12, 0],
        [np.nan, np.nan, np.nan, 5, np.nan, 9, np.nan, 12, np.nan, np.nan, 20, 40],
    ],
}


def stays_of(name):
    if name == "small":
        return multistate.stays(SMALL["end"], SMALL["died"], SMALL["moves"]), 4
    frame = frame_of(name)
    return multistate.stays(frame["days"], frame["event"], [frame["entered"].astype(float)]), 3


@pytest.mark.parametrize("name", ["mgus2", "jasa", "small"])
def test_occupation_of_states_agrees_with_r(name):
    frame, states = stays_of(name)
    curve = multistate.occupation(frame, states)
    told = {row_id.split(".")[2] for row_id in R if row_id.startswith(f"states.{name}.")}
    assert len(told) >= 3
    for day in told:
        step = multistate.at(curve, float(day))
        assert np.isclose(sum(step[f"state{j}"] for j in range(states)), 1)
        for j in range(states):
            for what, column in {"pstate": "state", "lower": "lower", "upper": "upper"}.items():
                theirs, ours = R[f"states.{name}.{day}.{j}.{what}"]["value"], step[f"{column}{j}"]
                # R gives limits of a chance of 0 or 1 as that chance, or none
                if column == "state" or not np.isnan(ours):
                    assert apart(ours, theirs) <= RELATIVE, (day, j, what, ours, theirs)


def test_of_several_states_on_one_day_the_furthest_counts():
    frame = multistate.stays([9, 12], [True, False], [[5, 12], [5, np.nan]])
    assert frame.values.tolist() == [
        [0, -1, 5, 0, 2],
        [0, 5, 9, 2, 3],
        [1, -1, 12, 0, 1],
    ]


def test_all_deaths_on_one_day_leave_nobody():
    curve = multistate.occupation(multistate.stays([7] * 12, [True] * 12, [[np.nan] * 12]), 3)
    assert multistate.at(curve, 6)["state0"] == 1 and multistate.at(curve, 7)["state2"] == 1
    assert multistate.at(curve, 7)["state1"] == 0


def test_nobody_is_an_error_in_words():
    nobody = multistate.stays([5], [False], [[np.nan]]).iloc[:0]
    with pytest.raises(NotEstimable, match="nobody is followed"):
        multistate.occupation(nobody, 3)
    with pytest.raises(NotEstimable, match="single person"):
        multistate.jackknifed_mean_number([5], [False], [0], [3], 5)


def test_mean_number_agrees_with_r():
    tumours = fixture("further")["bladder"]
    value, se = multistate.jackknifed_mean_number(*(tumours[c] for c in ("end", "died", "row", "when")), 24)
    agrees(value, "number.bladder.mean")
    agrees(se, "number.bladder.se")
    whose = [2, 5, 9, 5, 9, 12, 12]
    row, when = np.array(whose) - 1, [2, 4, 4, 6, 8, 12, 12]
    value, se = multistate.jackknifed_mean_number(SMALL["end"], SMALL["died"], row, when, 15)
    agrees(value, "number.small.mean")
    agrees(se, "number.small.se")


def test_without_death_or_censoring_the_mean_number_is_a_mean():
    assert multistate.mean_number([9, 9], [0, 0], [0, 0, 1], [1, 5, 3], 9) == 1.5
    assert multistate.mean_number([9, 9], [0, 0], [0, 0, 1], [1, 5, 3], 4) == 1.0
    assert multistate.mean_number([9, 9], [0, 0], [], [], 9) == 0


# --- beliefs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "prior", "likelihood"),
    [
        ("sceptic", (0, 0.3), (np.log(0.7), 0.27)),
        ("enthusiast", (np.log(0.6), 0.31), (np.log(1.2), 0.2)),
    ],
)
def test_a_belief_is_the_product_of_two_densities(name, prior, likelihood):
    found = conjugate.updated(conjugate.Belief(*prior), conjugate.Belief(*likelihood))
    agrees(found.mean, f"belief.{name}.mean")
    agrees(found.sd, f"belief.{name}.sd")
    agrees(conjugate.chance_below(found, 0.9), f"belief.{name}.below")


def test_sceptic_and_enthusiast_leave_a_twentieth_to_the_other_side():
    sceptic, enthusiast = conjugate.sceptical(0.6), conjugate.enthusiastic(0.6)
    assert np.isclose(conjugate.chance_below(sceptic, 0.6), 0.05)
    assert np.isclose(1 - conjugate.chance_below(enthusiast, 1), 0.05)
    assert sceptic.mean == 0 and np.isclose(np.exp(enthusiast.mean), 0.6)
    with pytest.raises(NotEstimable, match="is no benefit"):
        conjugate.sceptical(1.2)


def test_the_sceptic_who_stays_unmoved_just_reaches_one():
    study = conjugate.of_interval(0.5, 0.3, 0.5**2 / 0.3)
    found = conjugate.unmoved(study)
    assert np.isclose(conjugate.limits(conjugate.updated(found, study))[2], 1)
    # Matthews 2001: the limit of scepticism is exp(ln(U/L)^2 / (4 sqrt(ln U ln L)))
    low, high = np.log(0.3), np.log(0.5**2 / 0.3)
    assert np.isclose(conjugate.limits(found)[2], np.exp((high - low) ** 2 / (4 * np.sqrt(low * high))))
    assert conjugate.unmoved(conjugate.of_interval(0.8, 0.5, 1.28)) is None


@pytest.mark.parametrize("interval", [(0.5, 0.5, 0.5), (0, 0, 1), (1, 0.5, np.inf), (1, np.nan, 2)])
def test_what_is_no_interval_is_refused(interval):
    with pytest.raises(NotEstimable, match="no hazard ratio with an interval"):
        conjugate.of_interval(*interval)


def test_a_belief_counts_deaths():
    assert np.isclose(conjugate.as_deaths(conjugate.Belief(0, 0.2)), 100)


# --- curves read back -----------------------------------------------------------------------------
# No package of R that Debian has does this, and the paper's own example is an image. So the proof is what must come back:
# the very patients where nothing is lost in printing, and the curve itself where something is.


def points_of(days, event):
    return curves.kaplan_meier(days, event)[["days", "survival"]]


def test_without_censoring_the_very_patients_come_back():
    days = np.sort(np.random.default_rng(3).integers(1, 400, 50))
    found = guyot.rebuilt(
        points_of(days, [True] * 50), [0, 100, 200, 300], [(days >= t).sum() for t in (0, 100, 200, 300)]
    )
    assert sorted(found["days"]) == sorted(days) and found["event"].all()


def test_events_come_back_on_their_days_where_people_were_censored_in_between():
    frame = frame_of("lung")
    ticks = np.arange(0, 1000, 25)
    found = guyot.rebuilt(
        points_of(frame["days"], frame["event"]),
        ticks,
        [(frame["days"] >= t).sum() for t in ticks],
        int(frame["event"].sum()),
    )
    assert len(found) == len(frame) and abs(found["event"].sum() - frame["event"].sum()) <= 3
    before, after = (curves.kaplan_meier(np.round(f["days"]), f["event"]) for f in (frame, found))
    for day in (90, 180, 365, 540):
        assert abs(curves.at(before, day)["survival"] - curves.at(after, day)["survival"]) < 0.01
    assert abs(curves.quantile(before) - curves.quantile(after)) <= 3


def test_twelve_patients_with_ties_come_back():
    days, event = [3, 3, 3, 10, 10, 20, 20, 20, 30, 40, 50, 60], [1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0]
    found = guyot.rebuilt(
        points_of(days, event), range(0, 61, 5), [sum(d >= t for d in days) for t in range(0, 61, 5)], 8
    )
    assert len(found) == 12 and found["event"].sum() == 8
    assert sorted(found.loc[found["event"], "days"]) == [3, 3, 3, 10, 20, 20, 30, 50]


def test_all_events_on_one_day_come_back():
    found = guyot.rebuilt(points_of([7] * 12, [True] * 12), [0], [12], 12)
    assert list(found["days"]) == [7] * 12 and found["event"].all()


def test_a_curve_without_events_is_censored_patients():
    found = guyot.rebuilt(points_of([5, 9, 9], [False] * 3), [0, 6], [3, 2], 0)
    assert len(found) == 3 and not found["event"].any()


@pytest.mark.parametrize(
    ("points", "at_risk", "why"),
    [
        ({"days": [0, 5], "survival": [0.9, 1.0]}, [5, 4], "never rises"),
        ({"days": [1, 5], "survival": [1.0, 0.9]}, [5, 4], "begins on day 0"),
        ({"days": [0, 5], "survival": [1.0, 0.9]}, [5, 6], "never grow"),
    ],
)
def test_what_is_no_curve_is_refused(points, at_risk, why):
    with pytest.raises(NotEstimable, match=why):
        guyot.rebuilt(pd.DataFrame(points), [0, 3], at_risk)


def test_a_scan_keeps_the_height_of_a_pixel():
    curve = points_of([10, 20, 30], [True] * 3)
    read = guyot.scanned(curve, 40, 400, 100)
    assert read["days"].iloc[0] == 0 and np.allclose(read["survival"] * 100, np.round(read["survival"] * 100))
    assert np.allclose(read["days"].to_numpy()[1:4], [9.95, 19.95, 29.95]) and read["survival"].iloc[-1] == 0


# --- many patients ----------------------------------------------------------------------------------


def test_a_curve_of_many_is_read_back_as_if_every_number_of_censored_had_been_tried(monkeypatch):
    draw = np.random.default_rng(3)
    died, censored = draw.exponential(400, 3000), draw.exponential(700, 3000)
    days, event = np.ceil(np.minimum(died, censored)).clip(max=1500), (died <= censored) & (died <= 1500)
    ticks = np.arange(0, 1501, 365)
    at_risk = np.array([(days >= tick).sum() for tick in ticks])
    points = guyot.scanned(curves.kaplan_meier(days, event), 1500, 600, 400)
    found = guyot.rebuilt(points, ticks, at_risk, int(event.sum()))
    assert [(found["days"] >= tick).sum() for tick in ticks] == pytest.approx(at_risk, abs=2)
    monkeypatch.setattr(guyot, "ROUNDING", len(days))  # so wide that nothing is left out
    pd.testing.assert_frame_equal(guyot.rebuilt(points, ticks, at_risk, int(event.sum())), found)


def test_states_of_people_with_the_same_course_are_those_of_each_by_himself(monkeypatch):
    """Held against the same arithmetic with everyone a kind of his own."""
    draw = np.random.default_rng(8)
    end, died = draw.integers(3, 9, 60), draw.random(60) < 0.6
    moved = np.where(draw.random(60) < 0.5, draw.integers(0, 8, 60), np.nan)
    frame = multistate.stays(end, died, [moved])
    together = multistate.occupation(frame, 3)
    monkeypatch.setattr(multistate, "kinds", lambda courses: alike.kinds(np.arange(len(courses))))
    alone = multistate.occupation(frame, 3)
    pd.testing.assert_frame_equal(together, alone, rtol=1e-12)
    assert together["state2"].iloc[-1] > 0.3
