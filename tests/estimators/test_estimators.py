"""The estimators' sums over sorted days against plain loops and other libraries, and what they say where
nothing can be estimated.

R's numbers are in ``test_against_r.py``; these tests draw data that R's data sets do not have: ties, weights,
late entry, strata, groups that end early.
"""

import json
import warnings
from pathlib import Path

import greenwood
import lifelines
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines.statistics import multivariate_logrank_test

from analysis_lib.estimators import comparable_pairs, competing, curves, imputation, logrank, models, repeated
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.partial_likelihood import derivatives, residuals, risk_sets
from analysis_lib.estimators.weights import e_value, propensity, risk_ratio

SOME = settings(max_examples=40)
SEEDS = st.integers(0, 2**32 - 1)
DATA = json.loads((Path(__file__).parents[1] / "r" / "datasets.json").read_text("utf-8"))["data"]


def draw(seed, smallest=8):
    """Days with many ties or few, events, causes, groups, strata, terms, weights and days of entry."""
    of = np.random.default_rng(seed)
    n, last = int(of.integers(smallest, 45)), int(of.choice([4, 15, 200]))
    days = of.integers(1, last + 1, n)
    return {
        "days": days,
        "event": of.random(n) < 0.6,
        "cause": of.integers(0, 3, n),
        "group": of.integers(0, of.integers(2, 4), n),
        "stratum": of.integers(0, 3, n),
        "x": np.column_stack([of.normal(size=n), of.integers(0, 2, n)]).astype(float),
        "weights": of.choice([0.5, 1.0, 2.5], n),
        "start": np.where(of.random(n) < 0.5, of.integers(0, days), -1.0),
        "cluster": of.integers(0, n // 2, n),
        "of": of,
    }


def terms_of(data):
    return pd.DataFrame(data["x"], columns=["a", "b"])


def efron(coef, x, start, days, event, weights, stratum):
    """Log partial likelihood, score, information and score residuals, risk set by risk set."""
    predictor = x @ coef
    risk = np.exp(predictor)
    loglik, information, parts = 0.0, np.zeros((x.shape[1],) * 2), np.zeros_like(x)
    for level in np.unique(stratum):
        inside = stratum == level
        for day in np.unique(days[inside & event]):
            at_risk = np.flatnonzero(inside & (start < day) & (days >= day))
            dying = event[at_risk] & (days[at_risk] == day)
            ties, weight = dying.sum(), weights[at_risk[dying]].mean()
            loglik += weights[at_risk[dying]] @ predictor[at_risk[dying]]
            for tie in range(ties):
                present = risk[at_risk] * np.where(dying, 1 - tie / ties, 1)
                weighted = present * weights[at_risk]
                centred = x[at_risk] - weighted @ x[at_risk] / weighted.sum()
                loglik -= weight * np.log(weighted.sum())
                information += weight * (centred * weighted[:, None]).T @ centred / weighted.sum()
                parts[at_risk] -= present[:, None] * centred * weight / weighted.sum()
                parts[at_risk[dying]] += centred[dying] / ties
    return loglik, parts.T @ weights, information, parts


@SOME
@given(SEEDS)
def test_partial_likelihood_is_the_sum_over_risk_sets(seed):
    data = draw(seed)
    assume(data["event"].any())
    rows = (data["x"], data["start"], data["days"], data["event"], data["weights"], data["stratum"])
    coef = data["of"].normal(size=2)
    sets, spread = risk_sets(*rows)
    found, slow = derivatives(coef * spread, sets), efron(coef, *rows)
    assert found.score * spread == pytest.approx(slow[1], rel=1e-8, abs=1e-8)
    assert found.information * np.outer(spread, spread) == pytest.approx(slow[2], rel=1e-8, abs=1e-8)
    assert found.loglik == pytest.approx(slow[0], rel=1e-9, abs=1e-9)
    every = np.zeros_like(data["x"])
    every[sets.rows] = residuals(found, sets) * spread
    assert every == pytest.approx(slow[3], rel=1e-8, abs=1e-8)


@SOME
@given(SEEDS, st.sampled_from([(), ("start",), ("weights",), ("strata",), ("start", "strata")]))
def test_cox_is_lifelines_followed_to_its_end(seed, options):
    data = draw(seed, 30)
    start = np.maximum(data["start"], 0)
    chosen = {"start": start, "weights": data["weights"], "strata": data["stratum"]}
    frame = terms_of(data).assign(
        days=data["days"], event=data["event"], start=start, weights=data["weights"], strata=data["stratum"]
    )
    names = {
        "start": {"entry_col": "start"},
        "weights": {"weights_col": "weights"},
        "strata": {"strata": "strata"},
    }
    given_ = {k: v for option in options for k, v in names[option].items()}
    try:
        fit = models.cox(
            terms_of(data), data["days"], data["event"], **{option: chosen[option] for option in options}
        )
    except NotEstimable:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = lifelines.CoxPHFitter().fit(
            frame[["a", "b", "days", "event", *options]],
            "days",
            "event",
            **given_,
            fit_options={"precision": 1e-14, "r_precision": 0, "step_size": 0.5},
        )
    assert fit.terms["coef"].tolist() == pytest.approx(other.params_.tolist(), rel=1e-6, abs=1e-7)
    assert fit.terms["se"].tolist() == pytest.approx(
        np.sqrt(np.diag(other.variance_matrix_)).tolist(), rel=1e-6
    )
    assert fit.loglik == pytest.approx(other.log_likelihood_, rel=1e-9)


@SOME
@given(SEEDS)
def test_concordance_counts_every_pair(seed):
    data = draw(seed)
    score = data["of"].integers(0, 6, len(data["days"])).astype(float)
    days, event, start, weights, stratum = (data[k] for k in ("days", "event", "start", "weights", "stratum"))
    won = pairs = 0.0
    for i in np.flatnonzero(event):
        for j in range(len(days)):
            later = days[j] > days[i] or (days[j] == days[i] and not event[j])
            if later and start[j] < days[i] and stratum[i] == stratum[j]:
                pairs += weights[i] * weights[j]
                won += weights[i] * weights[j] * (0.5 if score[i] == score[j] else score[i] > score[j])
    found = comparable_pairs.concordance(score, days, event, start=start, weights=weights, strata=stratum)
    assert found.value == pytest.approx(won / pairs if pairs else np.nan, nan_ok=True)


@SOME
@given(SEEDS)
def test_cumulative_incidence_and_grays_test_are_greenwoods(seed):
    data = draw(seed)
    assume((data["cause"] == 1).any() and (data["cause"] == 2).any())
    answer = greenwood.Surv(
        data["days"].astype(float), event=pd.Categorical(data["cause"].astype(str), ["0", "1", "2"])
    )
    curve = competing.cumulative_incidence(data["days"], data["cause"])
    fitted = greenwood.AalenJohansen(conf_type="log").fit(answer).to_frame(format="pandas")
    for code in (1, 2):
        theirs = fitted[fitted["cause"].astype(str) == str(code)]
        ours = curve[curve["days"] > 0]
        assert ours[f"incidence{code}"].tolist() == pytest.approx(theirs["estimate"].tolist(), abs=1e-12)
        known = (theirs["estimate"] > 0).to_numpy() & (theirs["estimate"] < 1 - 1e-9).to_numpy()
        for end, name in (("lower", "conf_low"), ("upper", "conf_high")):
            assert ours[f"{end}{code}"][known].tolist() == pytest.approx(
                theirs[name][known].tolist(), rel=1e-6
            )
    try:
        tests = competing.gray(data["days"], data["cause"], data["group"])
    except NotEstimable:
        return
    for code in (1, 2):
        assert tests.loc[code, "chi_square"] == pytest.approx(
            greenwood.grays_test(answer, data["group"], cause=str(code)).statistic, rel=1e-6
        )


def fine_gray_slowly(x, days, cause, coef):
    """Score, and the robust standard errors, from a table of people by events."""
    moments, ties = np.unique(days[cause == 1], return_counts=True)

    def staying(when):
        return np.prod(
            [
                1 - ((days == u) & (cause == 0)).sum() / (days >= u).sum()
                for u in np.unique(days[cause == 0])
                if u < when
            ]
        )

    weights = np.array(
        [
            [1.0 if d >= t else staying(t) / staying(d) if c == 2 else 0.0 for t in moments]
            for d, c in zip(days, cause)
        ]
    )
    risk = weights * np.exp(x @ coef)[:, None]
    means = (risk.T @ x) / risk.sum(axis=0)[:, None]
    information = sum(
        n * (np.einsum("i,ij,ik->jk", r, x, x) / r.sum() - np.outer(m, m))
        for n, r, m in zip(ties, risk.T, means)
    )
    expected = risk * ties / risk.sum(axis=0)
    parts = -(expected[:, :, None] * (x[:, None] - means[None]))
    influence = parts.sum(axis=1)
    mine = cause == 1
    influence[mine] += x[mine] - means[np.searchsorted(moments, days[mine])]
    score = influence.sum(axis=0)
    for u in np.unique(days[cause == 0]):
        change = parts[(cause == 2) & (days < u)][:, moments >= u].sum(axis=(0, 1))
        at_risk, censored = (days >= u), (days == u) & (cause == 0)
        martingale = censored - at_risk * censored.sum() / at_risk.sum()
        influence -= np.outer(martingale, change) / at_risk.sum()
    return score, np.sqrt(((influence @ np.linalg.inv(information)) ** 2).sum(axis=0))


@SOME
@given(SEEDS)
def test_fine_and_gray_is_the_table_of_people_by_events(seed):
    data = draw(seed)
    try:
        table = competing.fine_gray(terms_of(data), data["days"], data["cause"])
    except NotEstimable:
        return
    score, se = fine_gray_slowly(data["x"], data["days"], data["cause"], table["coef"].to_numpy())
    assert np.abs(score).max() < 1e-6 and table["se"].tolist() == pytest.approx(se.tolist(), rel=1e-5)


@SOME
@given(SEEDS, st.sampled_from(["log", "log-log", "plain"]))
def test_weighted_and_clustered_curves_are_greenwoods(seed, interval):
    data = draw(seed)
    answer = greenwood.Surv(data["days"].astype(float), event=data["event"].astype(int))
    for options in (
        {"weights": data["weights"]},
        {"cluster": data["cluster"]},
        {"weights": data["weights"], "cluster": data["cluster"]},
    ):
        ours = curves.kaplan_meier(data["days"], data["event"], interval=interval, **options)
        ours = ours[ours["days"] > 0]
        theirs = greenwood.KaplanMeier(conf_type=interval).fit(
            answer, **{"cluster": np.arange(len(data["days"])), **options}
        )
        theirs = theirs.to_frame(format="pandas")
        assert ours["survival"].tolist() == pytest.approx(theirs["estimate"].tolist(), abs=1e-9)
        alive = (ours["survival"] > 1e-9).to_numpy()
        for end, name in (("lower", "conf_low"), ("upper", "conf_high")):
            assert ours[end][alive].tolist() == pytest.approx(
                theirs[name][alive].tolist(), rel=1e-6, abs=1e-7
            )


@SOME
@given(SEEDS, st.sampled_from(list(logrank.WEIGHTINGS)))
def test_log_rank_tests_are_those_of_the_libraries(seed, weighting):
    data = draw(seed)
    days, event, group = data["days"], data["event"], data["group"]
    try:
        ours = logrank.logrank_test(days, event, group, weighting=weighting).statistic
        within = logrank.logrank_test(days, event, group, strata=data["stratum"]).statistic
    except NotEstimable:
        return
    weight = logrank.WEIGHTINGS[weighting]
    answer = greenwood.Surv(days.astype(float), event=event.astype(int))
    theirs = (
        multivariate_logrank_test(days, group, event, weightings=weight).test_statistic
        if isinstance(weight, str)
        else greenwood.logrank_test(answer, group, rho=weight[0], gamma=weight[1]).statistic
    )
    assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-10)
    assert within == pytest.approx(
        greenwood.logrank_test(answer, group, strata=data["stratum"]).statistic, rel=1e-8, abs=1e-10
    )


@pytest.mark.parametrize("at_once", [1, 5_000_000])
def test_many_data_sets_are_fitted_in_as_many_goes_as_memory_asks(at_once, monkeypatch):
    data = draw(3, 40)
    counts = data["of"].multinomial(len(data["days"]), np.ones(len(data["days"])) / len(data["days"]), 6)
    kept = repeated.cox(data["x"][None], data["days"], data["event"], counts)[0]
    monkeypatch.setattr(repeated, "AT_ONCE", at_once)
    assert repeated.cox(data["x"][None], data["days"], data["event"], counts)[0] == pytest.approx(
        kept, nan_ok=True
    )
    scores = data["x"][None, :, 0] + np.zeros((6, 1))
    every = [np.repeat(np.arange(len(data["days"])), each) for each in counts]
    assert repeated.concordance(scores, data["days"], data["event"], counts).tolist() == pytest.approx(
        [
            comparable_pairs.concordance(data["x"][rows, 0], data["days"][rows], data["event"][rows]).value
            for rows in every
        ]
    )


# --- R: cox.zph(coxph(Surv(start, stop, event) ~ ...), transform = "km") of survival 3.5-3, on the same data sets ----------

OF_R = {
    "heart": {
        "age": 0.895362730395,
        "surgery": 0.0968333940797,
        "transplant": 0.128267233536,
        "global": 1.37923348804,
    },
    "mgus2_age": {
        "male": 0.292910680147,
        "hgb": 33.5056682093,
        "mspike": 8.71295957433,
        "global": 47.0231180341,
    },
}


@pytest.mark.parametrize("name", OF_R)
def test_proportional_hazards_of_rows_that_start_late(name):
    terms = DATA[name]["terms"]
    frame = pd.DataFrame({c: v for c, v in DATA[name].items() if c not in ("groups", "terms")}).dropna(
        subset=terms
    )
    tests = models.proportional_hazards(
        frame[terms].astype(float), frame["days"], frame["event"], start=frame["start"]
    )
    assert tests["chi_square"].to_dict() == pytest.approx(OF_R[name], rel=1e-6)
    assert tests["df"].tolist() == [1] * len(terms) + [len(terms)]


def test_proportional_hazards_cannot_be_tested_where_the_curve_falls_to_nothing_at_once():
    """By age in days the first death is that of the only patient at risk: time by Kaplan-Meier stands still;
    R says singular.
    """
    frame = pd.DataFrame(
        {c: DATA["lung_age"][c] for c in ("days", "event", "start", "female", "ph")}
    ).dropna()
    with pytest.raises(NotEstimable, match="proportional hazards"):
        models.proportional_hazards(
            frame[["female", "ph"]].astype(float), frame["days"], frame["event"], start=frame["start"]
        )


# --- what is rounding noise is no number ------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(4, 41))
def test_all_events_on_one_day_give_no_significance(n):
    x = pd.DataFrame({"x": np.random.default_rng(n).normal(size=n)})
    days, event = np.full(n, 30), np.ones(n, dtype=int)
    for estimate in (
        lambda: competing.fine_gray(x, days, event),
        lambda: models.proportional_hazards(x, days, event),
        lambda: models.cox(x, days, event, cluster=np.arange(n)),
        lambda: models.cox(x, days, event, weights=np.full(n, 0.3)),
        lambda: logrank.logrank_test(days, event, np.arange(n) % 3),
        lambda: competing.gray(days, event, np.arange(n) % 3),
        lambda: curves.rmst_difference(days, event, np.arange(n) % 2 == 0, 60),
    ):
        with pytest.raises(NotEstimable) as why:
            estimate()
        assert len(str(why.value)) > 12
    assert models.cox(x, days, event).terms["p"].iloc[0] == pytest.approx(1)  # R: coefficient 0, P 1
    assert np.isnan(repeated.cox(x.to_numpy()[None], days, event)[0]).all() or repeated.cox(
        x.to_numpy()[None], days, event
    )[0] == pytest.approx(0)


def test_a_term_that_is_alike_among_those_at_risk_has_no_estimate():
    """Everyone with the factor left before the first event."""
    days, event, x = (
        [1, 2, 3, 10, 11, 12, 13],
        [0, 0, 0, 1, 1, 0, 1],
        pd.DataFrame({"x": [1.1, 1.1, 1.1, 0.3, 0.3, 0.3, 0.3]}),
    )
    for fit in (models.cox, models.firth, models.proportional_hazards, competing.fine_gray):
        with pytest.raises(NotEstimable, match="alike"):
            fit(x, days, event)
    with pytest.raises(NotEstimable, match="alike in x"):
        # 0.1 * 3 is 0.3 but for rounding
        models.cox(pd.DataFrame({"x": [0.1 * 3, 0.3] * 4}), range(1, 9), [1] * 8)


def test_rows_of_one_patient_only_have_no_robust_variance():
    data = draw(1, 40)
    for cluster in (np.zeros(len(data["days"])), np.arange(len(data["days"])) % 2):
        with pytest.raises(NotEstimable, match="robust variance"):
            models.cox(terms_of(data), data["days"], data["event"], cluster=cluster)


@pytest.mark.parametrize("scale, shift", [(1e9, 0), (1e-9, 0), (1, 1e9), (1e12, 1e13), (1e-12, 0)])
def test_the_scale_of_a_term_changes_no_result(scale, shift):
    data = draw(11, 40)
    terms = terms_of(data)
    other = terms.assign(a=terms["a"].round(3) * scale + shift)
    terms = terms.assign(a=terms["a"].round(3))
    fits = [models.cox(each, data["days"], data["event"]) for each in (terms, other)]
    assert fits[1].terms["z"].tolist() == pytest.approx(fits[0].terms["z"].tolist(), rel=1e-6)
    assert fits[1].terms["coef"]["a"] * scale == pytest.approx(fits[0].terms["coef"]["a"], rel=1e-6)
    assert fits[1].wald.statistic == pytest.approx(fits[0].wald.statistic, rel=1e-6)
    assert fits[1].concordance.value == fits[0].concordance.value
    for fit, column in (
        (lambda x: models.proportional_hazards(x, data["days"], data["event"]), "p"),
        (lambda x: models.firth(x, data["days"], data["event"]), "p"),
        (lambda x: competing.fine_gray(x, data["days"], data["cause"]), "z"),
    ):
        assert fit(other)[column].tolist() == pytest.approx(fit(terms)[column].tolist(), rel=1e-5)
    many = [repeated.cox(each.to_numpy()[None], data["days"], data["event"]) for each in (terms, other)]
    assert many[1][0] / many[1][1] == pytest.approx(many[0][0] / many[0][1], rel=1e-6)
    treated = data["group"] > 0
    assert propensity(other, treated) == pytest.approx(propensity(terms, treated), rel=1e-6)


@pytest.mark.parametrize("ratio", [0, np.inf])
def test_a_ratio_of_nothing_has_no_e_value(ratio):
    for estimate in (e_value, risk_ratio):
        with pytest.raises(NotEstimable, match="finite"):
            estimate(ratio)


def test_one_imputation_cannot_be_pooled():
    with pytest.raises(NotEstimable, match="fewer than two"):
        imputation.pool([0.5], [0.1])
    with pytest.raises(NotEstimable, match="no standard errors"):
        imputation.pool([0.5, 0.5], [0, 0])
    with pytest.raises(ValueError, match="both known"):
        imputation.pool([0.5, 0.6], [0.1])


def test_groups_of_which_one_is_missing_are_refused():
    for compare in (
        lambda group: logrank.logrank_test([1, 2, 3], [1, 1, 1], group),
        lambda group: competing.gray([1, 2, 3], [1, 1, 2], group),
    ):
        with pytest.raises(ValueError, match="1 of 3 are missing"):
            compare(["a", "b", None])
