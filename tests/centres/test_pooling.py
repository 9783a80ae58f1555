"""Pooling against the formulas and R's metafor, of published series and of centres, and where there is little
to pool.
"""

import ast
import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.display import display
from pybtex.database import parse_file
from scipy.special import expit

from analysis_lib.analyses import context, cox_models, summaries, survival
from analysis_lib.binding.chapters import chapters, parameters_of
from analysis_lib.centres import page
from analysis_lib.centres import pooled as of_centres
from analysis_lib.centres.exchange import Export
from analysis_lib.cohort import cohort
from analysis_lib.dictionary import units
from analysis_lib.estimators import meta
from analysis_lib.files.places import NOTEBOOKS
from analysis_lib.paper import claims
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import NotReleased, public, release
from analysis_lib.rows.results import row
from analysis_lib.show import canvas, notes

from everywhere import as_html, everywhere


def series_of(*counts):
    return public(
        pd.DataFrame(
            [
                {
                    "key": f"s{i}",
                    "label": f"Series {i}",
                    "events": events,
                    "n": n,
                    "unit": "patients",
                    "counted": "failures",
                    "pooled": "yes",
                }
                for i, (events, n) in enumerate(counts)
            ]
        )
    )


def study_of(patterns, index_event=units.CAR_T, synthetic=False):
    patients = pd.DataFrame(
        {"patient_id": [str(i) for i in range(len(patterns))], "failure_pattern": patterns}
    )
    return cohort.Cohort("test", "Test", index_event, synthetic, "", patients)


def by_id(rows):
    return rows.set_index("result_id")


# --- the published counts -------------------------------------------------------------------------


def test_the_series_are_those_of_the_paper():
    counts = (
        context.published()
        .query("pooled == 'yes'")
        .set_index("key")[["events", "n"]]
        .apply(tuple, axis=1)
        .to_dict()
    )
    assert counts == {
        "ababneh2023": (93, 120),
        "imber2020": (11, 14),
        "figura2021": (31, 36),
        "saifi2022": (57, 65),
    }


def test_each_series_has_a_reference():
    bibliography = (Path(__file__).parents[2] / "book" / "references.bib").read_text("utf-8")
    assert all(f"{{{key}," in bibliography for key in context.published()["key"])


def test_the_two_printings_differ():
    rows = by_id(context.two_printings(study_of(["local"])))
    assert rows.loc["context.printed.more_patients", "value"] == 124 - 120
    assert rows.loc["context.printed.shift", "value"] == pytest.approx(100 * (97 / 124 - 93 / 120))


# --- pooling --------------------------------------------------------------------------------------


def test_fixed_effects_by_the_formula():
    events, n = np.array([93, 11, 31, 57]), np.array([120, 14, 36, 65])
    y, v = np.log(events / (n - events)), 1 / events + 1 / (n - events)
    mean, error = (y / v).sum() / (1 / v).sum(), (1 / v).sum() ** -0.5
    q = ((y - mean) ** 2 / v).sum()
    rows = by_id(context.pooled(context.published()))
    fixed = rows.loc["context.pooled.fixed", ["value", "lower", "upper"]].astype(float).tolist()
    assert fixed == pytest.approx(
        (100 * expit([mean, mean - 1.959964 * error, mean + 1.959964 * error])).tolist(), abs=1e-4
    )
    assert rows.loc["context.pooled.heterogeneity", "note"] == f"Q {q:.2f}, 3 df"
    assert rows.loc["context.pooled.i2", "value"] == pytest.approx(100 * (q - 3) / q)
    assert rows.loc["context.pooled.fixed", ["events", "n"]].tolist() == [192, 235]


def test_random_effects_solve_paule_and_mandels_equation():
    series = series_of((5, 50), (20, 50), (30, 40), (8, 60))
    rows = by_id(context.pooled(series))
    tau2 = float(rows.loc["context.pooled.tau2", "value"])
    y, v = meta.logit(series["events"], series["n"])
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    assert tau2 > 0 and (w * (y - mean) ** 2).sum() == pytest.approx(3, abs=1e-3)
    assert rows.loc["context.pooled.random", "value"] == pytest.approx(100 * expit(mean), abs=1e-4)


def test_equal_series_have_no_heterogeneity():
    rows = by_id(context.pooled(series_of((8, 10), (16, 20), (80, 100))))
    assert rows["value"].loc[["context.pooled.fixed", "context.pooled.random"]].tolist() == pytest.approx(
        [80, 80]
    )
    assert rows["value"].loc[["context.pooled.i2", "context.pooled.tau2"]].tolist() == [0, 0]


@given(
    st.lists(
        st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=6
    )
)
@settings(max_examples=40)
def test_a_pooled_share_lies_among_the_series(counts):
    rows = by_id(context.pooled(series_of(*counts)))
    shares = 100 * expit(meta.logit(*zip(*counts))[0])
    for kind in ("fixed", "random"):
        pooled = rows.loc[f"context.pooled.{kind}"]
        assert shares.min() - 1e-6 <= pooled["value"] <= shares.max() + 1e-6
        assert 0 <= pooled["lower"] <= pooled["value"] <= pooled["upper"] <= 100
    assert (
        0 <= rows.loc["context.pooled.i2", "value"] <= 100 and rows.loc["context.pooled.tau2", "value"] >= 0
    )


def test_the_random_interval_is_no_narrower_than_the_fixed():
    rows = by_id(context.pooled(series_of((5, 50), (20, 50), (30, 40), (8, 60))))
    width = rows["upper"] - rows["lower"]
    assert width["context.pooled.random"] > width["context.pooled.fixed"]


def test_series_with_nothing_or_everything_are_corrected():
    assert meta.logit([0, 10, 5], [10, 10, 10])[0].tolist() == pytest.approx([-np.log(21), np.log(21), 0])
    assert not context.pooled(series_of((0, 10), (10, 10)))["value"].isna().any()


@pytest.mark.parametrize("counts", [[], [(8, 10)], [(8, 10), (0, 0)]])
def test_too_few_series(counts):
    series = series_of(*counts) if counts else series_of((1, 2)).iloc[:0]
    assert results.skip_reason(context.pooled(series)) == "fewer than two series can be pooled"
    assert results.skip_reason(context.left_out_in_turn(series)) == "fewer than three series can be pooled"


def test_leaving_out_the_odd_series_moves_the_share_most():
    rows = context.left_out_in_turn(series_of((40, 50), (41, 50), (5, 50), (39, 50)))
    assert rows["result_id"].iloc[0] == "context.without.s2" and len(rows) == 4


# --- the cohort beside them -----------------------------------------------------------------------


def test_a_real_cohort_is_pooled_and_a_synthetic_one_is_not():
    patterns = ["local", "local and de novo", "de novo", None]
    for synthetic, members in ((False, 5), (True, 4)):
        study = study_of(patterns, synthetic=synthetic)
        assert len(context.in_context(study)) == members
        own = by_id(context.own_share(study)).loc["context.cohort"]
        assert own[["events", "n"]].tolist() == [2, 3] and ("leaves them out" in own["note"]) == synthetic
        assert "the paper printed" not in own["note"]  # of a cohort that is not the paper's


def test_the_discussions_count_can_take_the_place_of_the_results():
    series = context.in_context(study_of(["local"], synthetic=True), printing="Discussion").set_index("key")
    assert series.loc["ababneh2023", ["events", "n"]].tolist() == [97, 124] and len(series) == 4


def test_without_patterns_the_published_series_stand_alone():
    study = study_of([None, None])
    assert len(context.in_context(study)) == 4
    assert "failure_pattern" in results.skip_reason(context.own_share(study))


def test_a_cohort_that_is_not_about_car_t_is_told_why():
    study = study_of(["local"], index_event="study entry")
    series = context.in_context(study)
    parts = [
        series,
        context.shares(series),
        context.own_share(study),
        context.pooled(series),
        context.two_printings(study),
        context.left_out_in_turn(series),
    ]
    assert all("study entry" in results.skip_reason(part) for part in parts)
    assert len(results.collect(parts[1:])) == 5


# --- against R's metafor --------------------------------------------------------------------------

METAFOR = json.loads((Path(__file__).parents[1] / "r" / "pooling.json").read_text("utf-8"))
PLAIN = meta.Scale("log", lambda x: x)


def combined(name, **options):
    data = METAFOR["data"][name]
    return by_id(
        results.collect(
            meta.combine(
                data["effect"], data["variance"], "p", "estimate", PLAIN, "effect", "series", **options
            )
        )
    )


@pytest.mark.parametrize("name", METAFOR["data"])
def test_pooled_effects_are_metafors(name):
    theirs = {i.partition(".")[2]: row for i, row in METAFOR["rows"].items() if i.startswith(f"{name}.")}
    plain, knapp = combined(name), combined(name, hartung_knapp=True)
    for kind in ("fixed", "random"):
        ours = plain.loc[f"p.{kind}", ["value", "lower", "upper"]].astype(float).tolist()
        assert ours == pytest.approx([theirs[kind][end] for end in ("value", "lower", "upper")], rel=1e-6)
    assert plain.loc["p.tau2", "value"] == pytest.approx(theirs["tau2"]["value"], rel=1e-6, abs=1e-12)
    assert plain.loc["p.heterogeneity", "value"] == pytest.approx(theirs["heterogeneity"]["value"], rel=1e-6)
    assert plain.loc["p.heterogeneity", "note"].startswith(f"Q {theirs['q']['value']:.2f}, ")
    if "hartung_knapp" in theirs:
        for kind, theirs_kind in (("random", "hartung_knapp"), ("prediction", "prediction")):
            assert knapp.loc[f"p.{kind}", ["lower", "upper"]].astype(float).tolist() == pytest.approx(
                [theirs[theirs_kind][end] for end in ("lower", "upper")], rel=1e-6
            )
        assert (
            pd.isna(knapp.loc["p.prediction", "value"]) and "Hartung-Knapp" in knapp.loc["p.random", "method"]
        )
    else:
        assert "p.prediction" not in knapp.index
        pd.testing.assert_frame_equal(plain, knapp)


def test_the_vaccine_trials_as_the_textbooks_print_them():
    """Q 152.23 with 12 degrees of freedom and I² 92.1% (from Q): Colditz and colleagues' trials, in every
    textbook.
    """
    rows = combined("bcg")
    assert (
        rows.loc["p.heterogeneity", "note"] == "Q 152.23, 12 df"
        and round(rows.loc["p.i2", "value"], 1) == 92.1
    )
    assert len(METAFOR["data"]["bcg"]["effect"]) == 13


def has_metafor():
    return (
        shutil.which("Rscript")
        and subprocess.run(["Rscript", "-e", "library(metafor)"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(
    not has_metafor(),
    reason="R or its package metafor is not installed here, so the fixture is taken as it is",
)
def test_metafor_still_says_the_same():
    run = subprocess.run(
        ["Rscript", "tests/r/pooling.R"], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    now = json.loads(run.stdout)
    assert now["data"] == METAFOR["data"] and now["rows"].keys() == METAFOR["rows"].keys()
    for name, kept in METAFOR["rows"].items():
        assert {k: v for k, v in now["rows"][name].items() if v is not None} == pytest.approx(
            {k: v for k, v in kept.items() if v is not None}, rel=1e-8
        ), name


# --- results of centres ---------------------------------------------------------------------------

OS12 = {"os1.rate12": "OS1 at 12 months"}


def centre(name, *rows, **more):
    described = {
        "title": name,
        "index_event": units.CAR_T,
        "synthetic": True,
        "min_cell_count": 0,
        "definitions": {},
        "endpoints": {},
        "software": {},
        "chapters": {},
        "digest": name,
    } | more
    rows = release(results.collect(rows), described["min_cell_count"])
    return Export(name=name, rows=rows, **described)


def test_what_is_pooled_has_the_strictest_rule_of_its_centres():
    three = [
        centre(name, rate(value, value - 10, value + 12), synthetic=False, min_cell_count=rule)
        for name, value, rule in (("a", 60, 5), ("b", 40, 10), ("c", 75, 0))
    ]
    rows = of_centres.pooled(three, OS12)
    assert rows.rule == 10 and of_centres.weights(three, "os1.rate12").rule == 10
    assert of_centres.weighed_by_patients(rows, "os1.rate12").rule == page.summary(rows).rule == 10


def test_a_centre_whose_rows_have_passed_no_rule_is_not_pooled():
    raw = dataclasses.replace(centre("a", rate(60, 50, 72)), rows=results.collect([rate(60, 50, 72)]))
    for analysis in (of_centres.pooled, lambda centres, _: page.overview(centres)):
        with pytest.raises(NotReleased):
            analysis([centre("b", rate(40, 30, 52)), raw], OS12)


def rate(value, lower, upper, result_id="os1.rate12", **more):
    return row(
        result_id,
        "rate",
        value,
        lower=lower,
        upper=upper,
        **{"n": 50, "events": 20, "method": "Kaplan-Meier"} | more,
    )


def ratio(result_id, value, lower, upper, **more):
    return row(
        result_id,
        "hazard ratio",
        value,
        lower=lower,
        upper=upper,
        **{"n": 50, "events": 20, "method": "Cox"} | more,
    )


def test_a_rate_gives_back_the_standard_error_of_its_log_interval():
    survival_, error = 0.62, 0.07  # standard error of S by Greenwood
    ends = [100 * survival_ * np.exp(side * of_centres.Z * error / survival_) for side in (-1, 1)]
    whole = of_centres.effect_of(pd.Series(rate(100 * survival_, *ends)))
    cut = of_centres.effect_of(pd.Series(rate(100 * survival_, ends[0], 100)))
    delta = error / abs(survival_ * np.log(survival_))
    assert (whole.value, whole.variance) == pytest.approx((np.log(-np.log(survival_)), delta**2))
    assert cut.variance == pytest.approx(delta**2)


def test_a_hazard_ratio_gives_back_its_coefficient():
    effect = of_centres.effect_of(
        pd.Series(ratio("x", np.exp(0.7), np.exp(0.7 - of_centres.Z * 0.3), np.exp(0.7 + of_centres.Z * 0.3)))
    )
    assert (effect.value, effect.variance) == pytest.approx((0.7, 0.09))


def test_a_share_is_taken_from_its_counts():
    effect = of_centres.effect_of(pd.Series(row("x", "proportion", 60, lower=1, upper=99, n=10, events=6)))
    assert (effect.value, effect.variance) == pytest.approx((np.log(6 / 4), 1 / 6 + 1 / 4))


@pytest.mark.parametrize(
    "result, reason",
    [
        (
            row("x", "skipped", None, note="this cohort has no column stage"),
            "this cohort has no column stage",
        ),
        (row("x", "rate", None, note="fewer than 5"), "fewer than 5"),
        (row("x", "rate", None), "it has no estimate"),
        (rate(100, 100, 100), "a rate of 100% has no standard error"),
        (rate(0, None, None), "a rate of 0% has no standard error"),
        (rate(40, None, None), "its interval does not give a standard error"),
        (rate(2, 0, 9), "its interval does not give a standard error"),
        (row("x", "proportion", 60, n=10), "its counts are not given"),
        (row("x", "median time", 9.0, lower=4.0), "the interval of its median has no upper end"),
        (ratio("x", 2.0, 0.0, 4.0), "its interval does not give a standard error"),
    ],
)
def test_why_a_centre_gives_no_effect(result, reason):
    assert of_centres.effect_of(results.collect([result]).iloc[0]).reason == reason


def test_a_centre_without_the_result_is_listed_with_the_reason():
    three = [
        centre("a", rate(60, 50, 72)),
        centre("b", rate(50, 40, 62.5)),
        centre("c", row("os1.median", "skipped", None, note="this cohort has no column vital_status")),
    ]
    rows = by_id(of_centres.pooled(three, OS12))
    assert rows.loc["pooled.os1.rate12.centre.c", ["statistic", "note"]].tolist() == [
        "skipped",
        "this cohort has no column vital_status",
    ]
    assert (
        rows.loc["pooled.os1.rate12.fixed", "note"] == "2 centres; one common rate"
        and rows.loc["pooled.os1.rate12.fixed", "n"] == 100
    )
    short = by_id(of_centres.pooled([*three[:2], centre("d", rate(60, 50, 72, "os1.rate3"))], OS12))
    assert "nobody was followed for as long" in short.loc["pooled.os1.rate12.centre.d", "note"]
    alone = by_id(of_centres.pooled(three[1:], OS12))
    assert alone.loc["pooled.os1.rate12", "note"] == "fewer than two centres have an estimate"


def test_two_equal_centres_halve_the_variance():
    pair = [centre(name, ratio("x", 2.0, 1.0, 4.0)) for name in "ab"]
    rows = by_id(of_centres.pooled(pair, {"x": "HR"}))
    half = np.exp(np.log(2) / np.sqrt(2))
    for kind in ("fixed", "random"):
        assert rows.loc[f"pooled.x.{kind}", ["value", "lower", "upper"]].astype(
            float
        ).tolist() == pytest.approx([2, 2 / half, 2 * half])
    assert rows.loc["pooled.x.tau2", "value"] == 0 and rows.loc["pooled.x.i2", "value"] == 0


def test_limits_of_a_pooled_rate_are_the_right_way_round():
    rows = by_id(
        of_centres.pooled(
            [centre("a", rate(60, 50, 72)), centre("b", rate(40, 30, 53.3)), centre("c", rate(55, 45, 67.2))],
            OS12,
        )
    )
    for kind in ("fixed", "random"):
        low, value, high = (
            float(rows.loc[f"pooled.os1.rate12.{kind}", end]) for end in ("lower", "value", "upper")
        )
        assert 0 < low < value < high < 100
    wide = rows.loc["pooled.os1.rate12.prediction"]
    assert (
        wide["lower"] < rows.loc["pooled.os1.rate12.random", "lower"]
        and wide["upper"] > rows.loc["pooled.os1.rate12.random", "upper"]
    )


def test_a_median_that_one_centre_does_not_reach_is_not_pooled():
    medians = [
        centre("a", row("os1.median", "median time", 9.0, lower=6.0, upper=14.0)),
        centre("b", row("os1.median", "median time", 11.0, lower=7.0, upper=16.0)),
    ]
    assert "pooled.os1.median.random" in by_id(of_centres.pooled(medians, {"os1.median": "Median"})).index
    for endless in (
        row("os1.median", "median time", 20.0, lower=9.0),
        row("os1.median", "median time", None, note="median not reached"),
    ):
        rows = by_id(of_centres.pooled([*medians, centre("c", endless)], {"os1.median": "Median"}))
        assert (
            "that of c has not" in rows.loc["pooled.os1.median", "note"]
            and "pooled.os1.median.random" not in rows.index
        )
        assert rows.loc["pooled.os1.median.centre.a", "value"] == 9
    absent = by_id(of_centres.pooled([*medians, centre("c")], {"os1.median": "Median"}))
    assert "pooled.os1.median.random" in absent.index


def test_what_is_not_the_same_thing_is_not_pooled():
    other = [
        centre("a", rate(60, 50, 72), endpoints={"OS1": "death"}),
        centre("b", rate(50, 40, 62.5), endpoints={"OS1": "death, emigration"}),
    ]
    assert by_id(of_centres.pooled(other, OS12)).loc["pooled.os1.rate12", "note"] == (
        "the endpoint counts other events: death in a; death, emigration in b"
    )
    method = [centre("a", rate(60, 50, 72)), centre("b", rate(50, 40, 62.5, method="life table"))]
    assert (
        "the method is not the same: Kaplan-Meier in a; life table in b"
        in by_id(of_centres.pooled(method, OS12)).loc["pooled.os1.rate12", "note"]
    )
    stage, ldh = (ratio(f"cox.os2.mv.{name}", 2.0, 1.0, 4.0, group=name) for name in ("stage", "ldh"))
    models = [centre("a", stage, ldh), centre("b", stage)]
    assert by_id(of_centres.pooled(models, {"cox.os2.mv.stage": "HR"})).loc[
        "pooled.cox.os2.mv.stage", "note"
    ] == ("the model holds other factors: ldh, stage in a; stage in b")


def test_the_paper_stands_beside_and_is_not_pooled():
    pair = [centre("a", rate(60, 50, 72)), centre("b", rate(50, 40, 62.5))]
    rows = by_id(of_centres.pooled(pair, OS12))
    printed = next(
        claim for claim in claims.read_claims().to_dict("records") if claim["claim_id"] == "os1.12m"
    )
    assert rows.loc["pooled.os1.rate12.paper", ["value", "note"]].tolist() == [
        float(printed["printed"]),
        f"{printed['printed']}%",
    ]
    elsewhere = [centre(one.name, rate(60, 50, 72), index_event="study entry") for one in pair]
    assert "pooled.os1.rate12.paper" not in by_id(of_centres.pooled(elsewhere, OS12)).index
    without = by_id(of_centres.pooled(pair, {"os1.rate12": "x"})).drop("pooled.os1.rate12.paper")
    assert without.loc["pooled.os1.rate12.fixed", "n"] == 100


def test_a_printed_ratio_keeps_its_own_precision():
    pair = [centre(name, ratio("cox.os1.mv.responder", 0.5, 0.2, 1.25)) for name in "ab"]
    assert (
        by_id(of_centres.pooled(pair, {"cox.os1.mv.responder": "HR"})).loc[
            "pooled.cox.os1.mv.responder.paper", "note"
        ]
        == "0.5 (95% CI 0.3–0.9)"
    )


def test_each_method_of_a_pooled_row_is_declared():
    medians = [
        centre(
            name,
            rate(60, 50, 72),
            ratio("x", 2.0, 1.0, 4.0),
            row("os1.median", "median time", 9.0, lower=6.0, upper=14.0, method="Kaplan-Meier"),
            row("response.orr", "proportion", 60, n=10, events=6, method="exact binomial interval"),
        )
        for name in "abc"
    ]
    rows = of_centres.pooled(
        medians, {name: name for name in ("os1.rate12", "x", "os1.median", "response.orr")}
    )
    made = rows[~rows["result_id"].str.contains(".centre.", regex=False) & rows["method"].ne("")]
    assert len(made) == 24 and not [method for method in made["method"] if methods.named(method) is None]


def test_rounding_does_not_make_the_variance_between_centres_vanish():
    """statsmodels' iteration answers 0 for the second order, where its last step lands 1e-16 beyond the
    solution.
    """
    effect, variance = np.log([1.0, 1.0, 1.0, 0.5]), (np.log([2.0, 2.0, 1.109375, 2.125]) / of_centres.Z) ** 2
    for order in ([0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 1, 0], [1, 3, 0, 2]):
        rows = by_id(
            results.collect(
                meta.combine(
                    effect[order], variance[order], "p", "hazard ratio", of_centres.LOG, "x", "centres"
                )
            )
        )
        tau2 = float(rows.loc["p.tau2", "value"])
        weight = 1 / (variance + tau2)
        assert tau2 > 0.005 and (
            weight * (effect - np.average(effect, weights=weight)) ** 2
        ).sum() == pytest.approx(3, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0.1, 8), st.floats(1.1, 6)), min_size=2, max_size=6), st.randoms())
@settings(max_examples=40)
def test_the_order_of_the_centres_does_not_matter(ratios, random):
    several = [
        centre(f"c{i}", ratio("x", value, value / wide, value * wide))
        for i, (value, wide) in enumerate(ratios)
    ]
    shuffled = random.sample(several, len(several))
    one, other = (
        by_id(of_centres.pooled(order, {"x": "HR"}))[["value", "lower", "upper"]].astype(float)
        for order in (several, shuffled)
    )
    pd.testing.assert_frame_equal(one.sort_index(), other.sort_index(), rtol=1e-6, atol=1e-9)


def simulated(size, seed):
    """A large cohort whose hazards depend on response and bridging."""
    draw = np.random.default_rng(seed)
    responder, bridging = draw.random(size) < 0.6, draw.random(size) < 0.4
    death = draw.exponential(600 / np.exp(-0.7 * responder + 0.4 * bridging))
    seen = draw.uniform(200, 1500, size)
    patients = pd.DataFrame(
        {
            "patient_id": np.arange(size).astype(str),
            "last_follow_up_day": np.minimum(death, seen).astype(int) + 1,
            "vital_status": np.where(death <= seen, "dead", "alive"),
            "responder": np.where(responder, "yes", "no"),
            "bridging_therapy": np.where(bridging, "yes", "no"),
        }
    ).astype({"last_follow_up_day": "Int64"})
    return cohort.Cohort("whole", "Whole", units.CAR_T, True, "", patients)


def rows_of(study):
    return results.collect(
        [
            survival.estimates(study, "OS1"),
            cox_models.multivariable(study, "OS1", ["responder", "bridging_therapy"]),
            summaries.proportion(
                "response.orr", int((study.patients["responder"] == "yes").sum()), len(study.patients)
            ),
        ]
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_two_random_halves_pooled_are_nearly_the_whole(seed):
    whole = simulated(3000, seed)
    mixed = whole.patients.sample(frac=1, random_state=seed).reset_index(drop=True)
    halves = [
        dataclasses.replace(whole, patients=mixed.iloc[part].reset_index(drop=True))
        for part in (slice(1500), slice(1500, None))
    ]
    wanted = [
        "os1.rate12",
        "os1.rate24",
        "os1.median",
        "response.orr",
        "cox.os1.mv.responder",
        "cox.os1.mv.bridging_therapy",
    ]
    pooled = by_id(
        of_centres.pooled(
            [centre(f"half{i}", *rows_of(half).to_dict("records")) for i, half in enumerate(halves)],
            {i: i for i in wanted},
        )
    )
    exact = by_id(rows_of(whole))
    for name in wanted:
        error = float(exact.loc[name, "upper"] - exact.loc[name, "lower"]) / 2 / of_centres.Z
        assert abs(pooled.loc[f"pooled.{name}.fixed", "value"] - exact.loc[name, "value"]) < 0.25 * error, (
            name
        )
        width = (
            float(pooled.loc[f"pooled.{name}.fixed", "upper"] - pooled.loc[f"pooled.{name}.fixed", "lower"])
            / 2
            / of_centres.Z
        )
        assert width == pytest.approx(error, rel=0.06 if name != "os1.median" else 0.35), name


def test_weights_are_the_inverse_variances():
    # standard errors 1 to 2
    pair = [centre("a", ratio("x", 2.0, 1.0, 4.0)), centre("b", ratio("x", 2.0, 0.5, 8.0))]
    weight = by_id(of_centres.weights(pair, "x"))["value"]
    assert weight[["pooled.x.weight.fixed.a", "pooled.x.weight.fixed.b"]].tolist() == pytest.approx([80, 20])
    assert results.skip_reason(of_centres.weights(pair[:1], "x")) == "nothing was pooled"


def test_weighing_by_patients():
    pair = of_centres.pooled(
        [centre("a", rate(60, 50, 72, n=30)), centre("b", rate(40, 30, 53.3, n=10))], OS12
    )
    assert by_id(of_centres.weighed_by_patients(pair, "os1.rate12")).loc[
        "pooled.os1.rate12.by_patients", "value"
    ] == pytest.approx(55)


def test_the_summary_has_a_line_for_each_result_and_only_finished_text():
    pair = [
        centre("a", rate(60, 50, 72), ratio("cox.os1.mv.responder", 0.5, 0.2, 1.25)),
        centre("b", rate(50, 40, 62.5)),
    ]
    table = page.summary(
        of_centres.pooled(pair, OS12 | {"cox.os1.mv.responder": "HR", "os1.median": "Median"})
    ).set_index("Result")
    assert table.loc["OS1 at 12 months, % (2 of 2 centres)", "Paper"] == "58"
    assert table.loc["HR", ["Fixed", "Random"]].tolist() == ["–", "–"] and table.loc["Median", "Fixed"] == "–"


def test_the_forest_shows_centres_pooled_and_paper_apart(monkeypatch):
    shown = []
    everywhere(monkeypatch, canvas.show, lambda figure, alt, caption: shown.append((figure, alt, caption)))
    three = [
        centre(name, rate(value, value - 10, value + 12)) for name, value in (("a", 60), ("b", 40), ("c", 75))
    ]
    everywhere(monkeypatch, display, lambda what, **_: shown.append(as_html(what)))
    page.show(of_centres.pooled(three, OS12), "os1.rate12")
    (figure, alt, caption), said = shown
    assert all(
        f"{name}: " in alt
        for name in ("a", "b", "c", "Pooled, fixed effects", "Pooled, random effects", "Prediction interval")
    )
    assert (
        "The paper, printed: 58%" in alt
        and "not pooled" in caption
        and ("omplementary log-log, inverse variance") in caption
    )
    assert (
        "if one value is common to all centres" in said
        and "In a new centre like these" in said
        and "The paper prints 58%" in said
    )
    written = [label.get_text() for label in figure.axes[0].child_axes[0].get_yticklabels()]
    assert "58%" in written and not any("not estimable" in line or "nan" in line for line in written)


def test_the_legend_names_only_what_is_drawn_and_reasons_read_as_sentences(monkeypatch):
    captions, reasons = [], []
    everywhere(monkeypatch, canvas.show, lambda figure, alt, caption: captions.append(caption))
    everywhere(monkeypatch, display, lambda what, **_: None)
    everywhere(monkeypatch, notes.skip, reasons.append)
    few = rate(60, 50, 72) | {
        "value": None,
        "lower": None,
        "upper": None,
        "note": "small numbers, fewer than 5",
    }
    page.show(of_centres.pooled([centre("a", rate(60, 50, 72)), centre("b", few)], OS12), "os1.rate12")
    page.show(
        of_centres.pooled([centre("a", rate(60, 50, 72, n=30)), centre("b", rate(50, 40, 62.5, n=20))], OS12),
        "os1.rate12",
    )
    assert (
        "diamonds" not in captions[0]
        and "diamonds: pooled" in captions[1]
        and "prediction" not in captions[1]
    )
    assert captions[1].endswith("n = 50.")  # of both centres together
    assert reasons == [
        "a pooled estimate, because fewer than two centres have an estimate; "
        "b in it, because its numbers are too small to be shown (fewer than 5)"
    ]


# --- the notebook ---------------------------------------------------------------------------------


def test_the_pooled_notebook_keeps_the_house_rules():
    notebook = jupytext.read(NOTEBOOKS / "pooled.py")
    assert parameters_of("pooled") == {"exports": "[]", "results_dir": '""'} and "pooled" not in chapters()
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not [
        n
        for source in code
        for n in ast.walk(ast.parse(source))
        if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Lambda))
    ]
    markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert all(
        heading in markdown
        for heading in ("## What is asked", "## How it is estimated", "## Cautions", "## Exercises")
    )
    assert sum("hide-cell" in cell.metadata.get("tags", []) for cell in notebook.cells) == 2
    pair = nbformat.read(NOTEBOOKS / "pooled.ipynb", as_version=4)
    generated = jupytext.reads(jupytext.writes(pair, fmt="py:percent"), fmt="py:percent")
    assert [(c.cell_type, c.source) for c in generated.cells] == [
        (c.cell_type, c.source) for c in notebook.cells
    ], "run `make notebooks`"
    outputs = [output for cell in pair.cells if cell.cell_type == "code" for output in cell.outputs]
    assert len(outputs) > 30 and not [o for o in outputs if o.output_type in ("error", "stream")]


def test_each_citation_of_the_pages_on_pooling_has_its_reference():
    # stops at a syntax error
    bibliography = parse_file(Path(__file__).parents[2] / "book" / "references.bib").entries
    words = (Path(__file__).parents[2] / "book" / "share.md").read_text("utf-8") + (
        NOTEBOOKS / "pooled.py"
    ).read_text("utf-8")
    keys = {key for found in re.findall(r"\{cite:p\}`([^`]+)`", words) for key in found.split(",")}
    assert len(keys) >= 5 and keys <= set(bibliography)
