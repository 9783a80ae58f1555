"""The traps of STATISTICS: one test a trap, named as in ``analysis_lib/data/proof/traps.csv``.

Each shows what an unwary analysis prints, and that this book prints the proven number or refuses. The numbers
that the book's page shows are those that the tests computed, kept in ``trap_numbers.csv``: ``WRITE_TRAPS=1
python -m pytest -n 0 tests/estimators/test_traps.py`` writes them, without it they are compared.
"""

import json
import os
import re
import warnings
from pathlib import Path

import greenwood
import lifelines
import matplotlib
import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung
from lifelines.plotting import add_at_risk_counts
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from lifelines.utils import restricted_mean_survival_time
from scipy import stats

from analysis_lib.analyses import summaries
from analysis_lib.binding import proof
from analysis_lib.estimators import competing, curves, logrank, models, states

DATA = json.loads((Path(__file__).parents[1] / "r" / "datasets.json").read_text("utf-8"))["data"]
ROWS = {
    name: json.loads((Path(__file__).parents[1] / "r" / f"{name}.json").read_text("utf-8"))["rows"]
    for name in ("datasets", "estimators")
}


def frame_of(name):
    return pd.DataFrame({c: v for c, v in DATA[name].items() if c not in ("groups", "terms")})


@pytest.fixture(scope="module")
def lung():
    return load_lung().assign(dead=lambda frame: frame["status"] == 1)


@pytest.fixture
def says(request):
    """Holds numbers against those that the page shows of the trap whose test this is."""
    test = request.node.name

    def check(**numbers):
        kept = proof.numbers()
        if "WRITE_TRAPS" in os.environ:
            now = pd.DataFrame(
                {"test": test, "number": list(numbers), "value": [float(value) for value in numbers.values()]}
            )
            kept = pd.concat([kept[kept["test"] != test], now]).sort_values(["test", "number"])
            kept.to_csv(proof.TRAP_NUMBERS, index=False)
        assert kept[kept["test"] == test].set_index("number")["value"].to_dict() == pytest.approx(
            numbers, rel=1e-6
        )

    return check


def test_every_trap_has_a_test_and_every_test_a_trap():
    here = re.findall(r"^def (test_\w+)\(.*says", Path(__file__).read_text("utf-8"), re.M)
    assert sorted(here) == sorted(proof.traps()["test"]) and len(here) == 14


def test_the_page_shows_the_numbers_and_no_place_for_one(lung):
    shown = proof.traps()
    assert not shown.map(lambda cell: "{" in cell).any(axis=None)
    assert "310 days" in shown.set_index("test").loc["test_events_coded_1_and_2", "right"]
    assert "P < 0.001" in shown.set_index("test").loc["test_immortal_time", "wrong"]


def test_events_coded_1_and_2(lung, says):
    codes = lung["dead"] + 1
    wrong = lifelines.KaplanMeierFitter().fit(lung["time"], codes).median_survival_time_
    right = curves.quantile(curves.kaplan_meier(lung["time"], lung["dead"]))
    says(wrong=wrong, right=right)
    for refused in (
        lambda: curves.kaplan_meier(lung["time"], codes),
        lambda: logrank.logrank_test(lung["time"], codes, lung["sex"]),
        lambda: models.cox(lung[["age"]], lung["time"], codes),
        lambda: curves.rmst(lung["time"], codes, 365),
    ):
        with pytest.raises(ValueError, match="events must be True and False, or 1 and 0; found 2"):
            refused()


def test_times_in_the_place_of_events(lung, says):
    wrong = multivariate_logrank_test(lung["time"], lung["sex"], lung["time"]).p_value
    right = logrank.logrank_test(lung["time"], lung["dead"], lung["sex"])
    assert right.statistic == pytest.approx(10.32674, abs=1e-5) and right.p == pytest.approx(
        0.00131116, abs=1e-8
    )
    says(p_wrong=wrong, p_right=right.p)
    with pytest.raises(ValueError, match="events must be"):
        logrank.logrank_test(lung["time"], lung["time"], lung["sex"])


def test_numbers_at_risk_counted_after_the_tick(says):
    days, ticks = [1, 2, 2, 3, 4], [0, 1, 2, 3, 4]
    matplotlib.use("Agg")
    fitted = lifelines.KaplanMeierFitter().fit(days, [1] * 5)
    axes = add_at_risk_counts(
        fitted, ax=fitted.plot_survival_function(), xticks=ticks, rows_to_show=["At risk"]
    )
    wrong = [
        int(re.findall(r"\d+", label.get_text())[-1]) for label in axes.figure.axes[-1].get_xticklabels()
    ]
    matplotlib.pyplot.close(axes.figure)
    right = [curves.at_risk(days, tick) for tick in ticks]
    says(**{f"wrong{tick}": wrong[tick] for tick in ticks}, **{f"right{tick}": right[tick] for tick in ticks})
    assert right == [5, 5, 4, 2, 1] != wrong
    curve = curves.kaplan_meier(days, [1] * 5)
    assert curve["at_risk"].tolist() == [5, 5, 4, 2, 1]


def test_variance_of_the_restricted_mean(lung, says):
    fitted = lifelines.KaplanMeierFitter().fit(lung["time"], lung["dead"])
    wrong = np.sqrt(restricted_mean_survival_time(fitted, t=365, return_variance=True)[1])
    value, se = curves.rmst(lung["time"], lung["dead"], 365)
    assert value == pytest.approx(263.2219, abs=1e-4) and se == pytest.approx(7.79886, abs=1e-5)
    says(wrong=wrong, right=se)


def test_proportional_hazards_by_another_formula(lung, says):
    known = lung.dropna(subset=["ph.ecog"])[["time", "dead", "age", "sex", "ph.ecog"]]
    fitted = lifelines.CoxPHFitter().fit(known, "time", "dead")
    wrong = proportional_hazard_test(fitted, known, time_transform="km").summary.loc["age", "test_statistic"]
    tests = models.proportional_hazards(known[["age", "sex", "ph.ecog"]], known["time"], known["dead"])
    assert tests["p"].tolist() == pytest.approx([0.66460, 0.12892, 0.15178, 0.21555], abs=1e-5)
    says(wrong=wrong, right=tests.loc["age", "chi_square"])


def test_median_where_the_curve_runs_at_one_half(says):
    wrong = lifelines.KaplanMeierFitter().fit([10, 20, 30, 40], [1] * 4).median_survival_time_
    right = curves.quantile(curves.kaplan_meier([10, 20, 30, 40], [1] * 4))
    assert right == 25
    says(wrong=wrong, right=right)


def test_times_that_tie_but_for_a_rounding_error(says):
    times = [0.1 + 0.2, 0.3, 0.5]
    wrong = lifelines.KaplanMeierFitter().fit(times, [1] * 3).event_table
    right = curves.kaplan_meier([3, 3, 5], [1] * 3)
    says(wrong=(wrong["observed"] > 0).sum(), right=(right["events"] > 0).sum())
    assert (right["events"] > 0).sum() == 2
    with pytest.raises(ValueError, match="days must be whole days, 0 or more; found 0.3"):
        curves.kaplan_meier(times, [1] * 3)


def test_a_level_without_an_event(says):
    days, event, x = [10, 20, 30, 40], [1, 1, 0, 0], pd.DataFrame({"x": [1.0, 1, 0, 0]})
    with warnings.catch_warnings(action="error"):  # without a word
        wrong = greenwood.CoxPH().fit(greenwood.Surv(np.array(days, dtype=float), event=event), x).coef_[0]
    assert wrong > 20
    with pytest.raises(models.NoConvergence):
        models.cox(x, days, event)
    ratio = models.firth(x, days, event).loc["x"]
    says(wrong=np.floor(wrong), right=ratio["hr"], lower=ratio["lower"])
    assert ratio["lower"] < ratio["hr"] < ratio["upper"] < np.inf


def test_chi_square_with_a_correction_or_with_the_missing_counted(says):
    pbc = frame_of("pbc")
    counts = pd.crosstab(pbc["trt"], pbc["event"])
    corrected, plain = (stats.chi2_contingency(counts, correction=c)[1] for c in (True, False))
    with_missing = stats.chi2_contingency(pd.crosstab(pbc["trt"].fillna(9), pbc["event"]), correction=False)[
        1
    ]
    ours = summaries.association(
        pbc.assign(trt=pd.Categorical(pbc["trt"]), event=pd.Categorical(pbc["event"])), "trt", "event", "t"
    )
    assert ours["value"] == pytest.approx(plain) == pytest.approx(ROWS["datasets"]["pbc.trt.chisq"]["value"])
    says(p_corrected=corrected, p_with_missing=with_missing, p_right=plain)


def test_fishers_test_of_large_tables_by_simulation(says):
    patients = pd.DataFrame(
        {"group": ["RT", "ST", "CMT"] * 12, "level": [str(i * i % 7 % 4) for i in range(36)]}
    ).astype("category")
    first, second = (summaries.association_by_permutation(patients, "level", "group", "t") for _ in range(2))
    other = summaries.association_by_permutation(patients, "level", "group", "t", seed=1)
    assert first["value"] == second["value"] != other["value"]
    assert "9999 reshufflings, seed 2023" in first["method"]
    says()


def test_standard_errors_of_fine_and_gray(says):
    pbc = greenwood.load_dataset("pbc", backend="pandas")
    terms = pbc[["age"]].assign(bili=np.log(pbc["bili"]))
    theirs = greenwood.FineGray(cause="2").fit(
        greenwood.Surv(
            pbc["time"].to_numpy(dtype=float),
            event=pd.Categorical(pbc["status"].astype(str), ["0", "1", "2"]),
        ),
        terms,
    )
    ours = competing.fine_gray(terms, pbc["time"], pbc["status"], of=2)
    assert ours["coef"].tolist() == pytest.approx([0.0489416, 0.9494978], abs=1e-6)
    assert ours["se"].tolist() == pytest.approx([0.0089197, 0.0921764], abs=1e-6)
    says(wrong=theirs.std_error_[0], right=ours["se"].iloc[0])


def test_several_sites_of_one_patient(says):
    kidney = frame_of("kidney")
    naive = models.cox(kidney[["age", "female"]], kidney["days"], kidney["event"])
    robust = models.cox(kidney[["age", "female"]], kidney["days"], kidney["event"], cluster=kidney["cluster"])
    right = robust.terms.loc["female", "robust_se"]
    assert right == pytest.approx(ROWS["estimators"]["kidney.clustered.female.robust_se"]["value"], rel=1e-6)
    says(wrong=naive.terms.loc["female", "se"], right=right)


def test_an_event_on_the_day_of_the_landmark(says):
    days, day = [30, 90, 91, 200], 90
    kept = states.landmark(days, [1, 1, 1, 0], [np.nan, 90, 90, 91], day)
    # an entry on the day counts as entered
    assert kept["row"].tolist() == [2, 3] and kept["inside"].tolist() == [1, 0]
    says(wrong=sum(each >= day for each in days), right=len(kept), all=len(days))


def test_immortal_time(says):
    """Stanford's heart transplants: whoever got one had lived until then."""
    naive = frame_of("jasa")
    naive["transplanted"] = naive["switched"].notna().astype(float)
    wrong = models.cox(naive[["transplanted"]], naive["days"], naive["event"]).terms.loc["transplanted"]
    heart = frame_of("heart")
    right = models.cox(heart[["transplant"]], heart["days"], heart["event"], start=heart["start"]).terms.loc[
        "transplant"
    ]
    says(wrong=wrong["hr"], p_wrong=wrong["p"], right=right["hr"], p_right=right["p"])
    assert wrong["p"] < 0.001
