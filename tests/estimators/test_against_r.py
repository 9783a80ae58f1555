"""The chapters' numbers, and the estimators on real data sets, against R's survival package.

All fixtures are made by R, which reads the same files and shares no code with the library:

- ``tests/r/cohort.json``: every number of chapters 1 to 8 for the reconstructed cohort, keyed by result id;
- ``tests/r/beyond.json``: every number of chapter 9 that is not drawn by chance, in the same way;
- ``tests/r/datasets.json``: data sets of R's survival package, with their columns, so that no R is needed
  here;
- ``tests/r/estimators.json``: the same data sets, with every kind of Cox model, competing risks and more (R's
  survival and
  cmprsk);
- ``tests/r/remedies.json``: the same data sets with the estimators of chapter 9, and whatever R drew by
  chance for them.

``python tests/estimators/test_against_r.py`` prints the largest difference of each estimator; with
``--write`` it also rewrites ``analysis_lib/data/proof/agreement.csv``, from which the book's page of this name is
made.
"""

import contextlib
import functools
import hashlib
import html
import io
import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import jupytext
import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from analysis_lib.analyses import (
    cox_models,
    local_failure,
    log_rank,
    multiplicity,
    prognosis,
    summaries,
    survival,
    weighting,
)
from analysis_lib.analyses.design import detectable, events_needed
from analysis_lib.binding import proof
from analysis_lib.binding.chapters import chapters
from analysis_lib.cohort import cohort
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import bootstrap, competing, curves, imputation, models, repeated, states
from analysis_lib.estimators import weights as propensity_weights
from analysis_lib.estimators.logrank import logrank_test, pairwise_logrank
from analysis_lib.files.places import NOTEBOOKS, ROOT
from analysis_lib.rows import results
from analysis_lib.show import canvas

from everywhere import everywhere

FIXTURES = Path(__file__).parents[1] / "r"
DATA = ROOT / "analysis_lib" / "data" / "reconstructed"
COMMANDS = {
    "cohort": "Rscript tests/r/cohort.R analysis_lib/data/reconstructed > tests/r/cohort.json",
    "beyond": "Rscript tests/r/beyond.R analysis_lib/data/reconstructed > tests/r/beyond.json",
    "datasets": "Rscript tests/r/datasets.R > tests/r/datasets.json",
    "estimators": "Rscript tests/r/estimators.R > tests/r/estimators.json",
    "remedies": "Rscript tests/r/remedies.R > tests/r/remedies.json",
}
CHAPTERS = [chapter for chapter in chapters() if chapter < "10"]
FIELDS = ("value", "lower", "upper", "n", "events")

RELATIVE = 1e-6
LOOSER = {  # method of a row: tolerance, and why
    "Paule and Mandel, logit scale": (
        1e-4,
        "statsmodels stops looking for the variance between series once "
        "its equation holds "
        "to 1e-5; the pooled shares are not touched by that",
    ),
}
NOT_IN_R = {  # pattern of result ids: why R has no counterpart
    r"table1\.ecog\.permutation": "random reshufflings: two programs draw different ones",
    r"validated\.\w+\.(optimism|corrected|slope)$": "random samples of the patients: two programs draw "
    "different ones; with the "
    "same samples the data sets are compared",
    r"missing\.\w+\.imputed": "random imputations: two programs draw different ones; with the same "
    "imputations the data sets are "
    "compared",
}
# rows compared; they may become more
AT_LEAST = {"cohort": 675, "beyond": 208, "datasets": 1342, "estimators": 1055, "remedies": 528}


def fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


# --- comparing ------------------------------------------------------------------------------------


def number(value):
    return None if value is None or pd.isna(value) else float(value)


def apart(ours, r):
    """The relative difference of two numbers (absolute where R's is 0); infinite where only one is
    missing.
    """
    ours, r = number(ours), number(r)
    if ours is None or r is None:
        return 0.0 if ours is r else float("inf")
    return abs(ours - r) / (abs(r) or 1)


def compared(ours, theirs):
    """One line a number that both have: ``id, field, method, ours, r, apart, allowed``."""
    lines = [
        (row_id, field, row.get("method", ""), row.get(field), theirs[row_id].get(field))
        for row_id, row in ours.items()
        if row_id in theirs
        for field in FIELDS
        if field in theirs[row_id] or number(row.get(field)) is not None
    ]
    frame = pd.DataFrame(lines, columns=["id", "field", "method", "ours", "r"]).astype(
        {"ours": object, "r": object}
    )
    allowed = [LOOSER.get(method, (RELATIVE,))[0] for method in frame["method"]]
    return frame.assign(apart=[apart(*pair) for pair in zip(frame["ours"], frame["r"])], allowed=allowed)


def assert_agrees(ours, theirs):
    lines = compared(ours, theirs)
    wrong = lines[lines["apart"] > lines["allowed"]]
    assert wrong.empty, (
        f"{len(wrong)} of {len(lines)} numbers differ from R:\n{wrong.head(40).to_string(index=False)}"
    )


def test_a_wrong_number_is_noticed():
    theirs = {"a": {"value": 2.0, "lower": None, "upper": 3.0, "n": 5}}
    right = {"a": {"value": 2.0 + 1e-9, "lower": pd.NA, "upper": 3.0, "n": 5, "events": pd.NA, "method": ""}}
    assert_agrees(right, theirs)
    for change in ({"value": 2.00001}, {"lower": 1.0}, {"upper": None}, {"n": 6}, {"events": 3}):
        with pytest.raises(AssertionError, match="differ from R"):
            assert_agrees({"a": right["a"] | change}, theirs)


# --- the chapters on the reconstructed cohort -----------------------------------------------------


def stale(r):
    """Which of the files that a fixture was made from have changed since."""
    places = {"series.csv": ROOT / "analysis_lib" / "paper" / "series.csv"}
    return [
        name
        for name, digest in r["sha256"].items()
        if hashlib.sha256(places.get(name, DATA / name).read_bytes()).hexdigest() != digest
    ]


OF_COHORT = ("cohort", "beyond")  # the fixtures with the chapters' numbers


def of_chapters():
    return fixture("cohort")["rows"] | fixture("beyond")["rows"]


@pytest.fixture(scope="module")
def cohort_in_r():
    for name in OF_COHORT:
        if changed := stale(fixture(name)):
            pytest.fail(
                f"{', '.join(changed)} changed after R computed tests/r/{name}.json. Run:\n  "
                f"{COMMANDS[name]}",
                pytrace=False,
            )
    return of_chapters()


def run_chapters(folder):
    """Rows by id, a dictionary for each chapter: those it saves, and, under ``exercises``, those of its
    solutions.

    The code cells are executed here, without a kernel, and nothing is shown.
    """
    matplotlib.use("Agg")
    by_chapter, solved = {}, {}
    for chapter in CHAPTERS:
        names = {}
        for cell in jupytext.read(NOTEBOOKS / f"{chapter}.py").cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, chapter, "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    names |= {"cohort": "reconstructed", "results_dir": str(folder)}
        by_chapter[chapter] = by_id(results.read(folder / f"{chapter}.csv"))
        # What a solution makes of saved rows (such as the width of an interval) keeps their ids.
        frames = [
            f for f in names.values() if isinstance(f, pd.DataFrame) and list(f.columns) == results.COLUMNS
        ]
        solved |= {i: row for f in frames for i, row in by_id(f).items() if i not in by_chapter[chapter]}
        for endpoint in ("OS1", "OS2", "EFS2") if chapter.startswith("07") else ():
            solved |= by_id(prognosis.holm(names["rows"], endpoint))
    return by_chapter | {"exercises": solved}


def by_id(rows):
    return {row["result_id"]: row for row in rows.to_dict("records") if row["statistic"] != "skipped"}


@contextlib.contextmanager
def without_display():
    """Outside a notebook, what is displayed would be printed; figures are not even rendered, which takes
    longest.
    """
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        everywhere(patch, canvas.show, lambda figure, *said, **more: pyplot.close(figure))
        yield


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory):
    with without_display():
        return run_chapters(tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("chapter", [*CHAPTERS, "exercises"])
def test_chapter_agrees_with_r(chapter, rows_of, cohort_in_r):
    assert rows_of[chapter]
    assert_agrees(rows_of[chapter], cohort_in_r)


def test_every_number_of_the_chapters_was_computed_by_r_too(rows_of, cohort_in_r):
    ours = {i for rows in rows_of.values() for i in rows}
    alone = sorted(i for i in ours - set(cohort_in_r) if not re.match("|".join(NOT_IN_R), i))
    assert not alone, (
        f"not in R: {', '.join(alone)}. Add them to tests/r/cohort.R or beyond.R, or say in "
        f"NOT_IN_R why that cannot be."
    )
    missing = sorted(set(cohort_in_r) - ours)
    assert not missing, (
        f"no chapter has these any more; take them out of tests/r/cohort.R or beyond.R: {', '.join(missing)}"
    )


def test_not_fewer_rows_of_the_cohort_are_compared(rows_of, cohort_in_r):
    ours = {i for rows in rows_of.values() for i in rows}
    assert all(len(ours & set(fixture(name)["rows"])) >= AT_LEAST[name] for name in OF_COHORT)


def test_a_changed_cohort_makes_its_fixture_stale():
    r = fixture("cohort")
    assert set(r["sha256"]) == {"patients.csv", "sites.csv", "lines.csv", "screening.csv", "series.csv"}
    assert set(fixture("beyond")["sha256"]) == {"patients.csv", "sites.csv", "lines.csv"}
    assert "patients.csv" in stale({"sha256": r["sha256"] | {"patients.csv": "0" * 64}})


# --- estimators on real data sets -----------------------------------------------------------------

DATASETS = fixture("datasets")["data"]


def frame_of(name):
    """A data set with its groups as text, so that they are levels and not numbers."""
    columns = {c: values for c, values in DATASETS[name].items() if c not in ("groups", "terms")}
    frame = pd.DataFrame(columns).assign(event=[bool(e) for e in columns["event"]])
    for by in DATASETS[name]["groups"]:
        frame[by] = pd.Categorical([None if v is None else str(v) for v in columns[by]])
    return frame


def study_of(frame):
    patients = frame.assign(
        patient_id=[str(i) for i in frame.index],
        last_follow_up_day=frame["days"].astype("Int64"),
        vital_status=pd.Categorical(["dead" if e else "alive" for e in frame["event"]], ["alive", "dead"]),
    )
    return cohort.Cohort("test", "Test", "study entry", False, "", patients.drop(columns=["days", "event"]))


def triple(values, **counts):
    return dict(zip(("value", "lower", "upper"), values)) | counts


def in_days(row):
    return row | {
        c: None if number(row[c]) is None else row[c] * DAYS_PER_MONTH for c in ("value", "lower", "upper")
    }


def of_curve(prefix, frame, days, cluster=None, interval="log"):
    """Median, and the curve and the numbers at risk on those days."""
    steps = ("survival", "lower", "upper")
    curve = curves.kaplan_meier(frame["days"], frame["event"], cluster=cluster, interval=interval)
    shared = {"method": "Kaplan-Meier" if cluster is None else "Kaplan-Meier, clustered"}
    counts = {"n": len(frame), "events": int(frame["event"].sum())}
    yield f"{prefix}.median", triple([curves.quantile(curve, c) for c in steps], **counts, **shared)
    for day in days:
        step = curves.at(curve, day)
        yield f"{prefix}.survival{day}", triple([None] * 3 if step is None else step[list(steps)], **shared)
        yield (
            f"{prefix}.at_risk{day}",
            {"value": curves.at_risk(frame["days"], day), "method": "number at risk"},
        )


def of_groups(name, frame, study, by, terms):
    """Medians, log-rank test and Cox model of the groups, and the tests of tables and ranks between them."""
    for row_id, row in by_id(survival.estimates(study, "OS1", by=by)).items():
        if row_id.startswith("os1.median"):
            yield f"{name}.{by}.{row_id.rpartition('.')[2]}", in_days(row)
    logrank = by_id(survival.estimates(study, "OS1", by=by))[f"os1.logrank.{by}"]
    yield f"{name}.{by}.logrank", {"value": logrank["value"], "method": logrank["method"]}
    for row_id, row in by_id(cox_models.cox(study, "OS1", [by], "uv")).items():
        if match := re.fullmatch(rf"cox\.os1\.uv\.{by}\.(\w+(\.p)?)", row_id):
            kept = ("value", "method") if match[2] else ("value", "lower", "upper", "n", "method")
            yield f"{name}.{by}.cox.{match[1]}", {c: row[c] for c in kept}
    for what, options in (("chisq", {}), ("exact_if_sparse", {"exact_if_sparse": True})):
        test = summaries.association(frame, by, "event", "test", **options)
        yield f"{name}.{by}.{what}", {"value": test["value"], "method": test["method"]}
    for term in terms:
        test = summaries.rank_test(frame, term, by, "test")
        yield f"{name}.{by}.rank.{term}", {"value": test["value"], "method": test["method"]}


def of_model(prefix, frame, terms):
    """A Cox model of numbers, and its test of proportional hazards."""
    known = frame.dropna(subset=terms)
    design = known[terms].astype(float)
    fit = models.cox(design, known["days"], known["event"])
    yield f"{prefix}.loglik", {"value": fit.loglik, "n": fit.n, "events": fit.events, "method": "Cox model"}
    for term, line in fit.terms.iterrows():
        for what, method in {"coef": "Cox model", "se": "Cox model", "p": "Wald test"}.items():
            yield f"{prefix}.{term}.{what}", {"value": line[what], "method": method}
        yield f"{prefix}.{term}.hr", triple(line[["hr", "lower", "upper"]], method="Cox model")
    for term, test in models.proportional_hazards(design, known["days"], known["event"]).iterrows():
        where = f"{prefix}.ph_global" if term == "global" else f"{prefix}.{term}.ph"
        yield where, {"value": test["p"], "method": "proportional-hazards test"}


def of_dataset(name, r):
    """All rows of a data set, by id."""
    frame, terms = frame_of(name), DATASETS[name]["terms"]
    study, days = (
        study_of(frame),
        sorted({int(d) for d in re.findall(rf"^{name}\.log\.survival(\d+)$", "\n".join(r), re.M)}),
    )
    for kind in ("log", "log-log", "plain"):
        if f"{name}.{kind}.median" in r:
            yield from of_curve(f"{name}.{kind}", frame, days, interval=kind)
    follow_up = by_id(survival.follow_up(study, "OS1"))
    for what, row_id in (("naive", "os1.follow_up.naive"), ("reverse", "os1.follow_up.reverse_km")):
        yield (
            f"{name}.{what}",
            {c: v for c, v in in_days(follow_up[row_id]).items() if c not in ("n", "events")},
        )
    yield f"{name}.events", summaries.proportion("events", int(frame["event"].sum()), len(frame))
    for by in DATASETS[name]["groups"]:
        yield from of_groups(name, frame, study, by, terms)
    for term in terms:
        for what, limits in (("iqr", "IQR"), ("range", "range")):
            yield f"{name}.{what}.{term}", summaries.spread("spread", frame[term], limits)
    if terms:
        yield from of_model(f"{name}.model", frame, terms)
    if "cluster" in frame:
        yield from of_curve(f"{name}.clustered", frame, days, cluster=pd.factorize(frame["cluster"])[0])
    if "switched" in frame:
        test = log_rank.mantel_byar(frame["days"], frame["event"], frame["switched"], "test")
        yield f"{name}.mantel_byar", {"value": test["value"], "method": test["method"]}


# --- estimators beyond curves and simple models ---------------------------------------------------


def known_of(frame, columns):
    return frame.dropna(subset=list(columns)).reset_index(drop=True)


def of_tests(name, frame, by):
    """Weighted, stratified and pairwise log-rank tests, and the difference of restricted means of two
    groups.
    """
    known = known_of(frame, [by])
    days, event, group = known["days"], known["event"], known[by]
    for weights in ("Gehan-Breslow", "Tarone-Ware", "Peto-Peto", "Fleming-Harrington, late"):
        test = logrank_test(days, event, group, weighting=weights)
        yield (
            f"{name}.{by}.{results.slug(weights).replace('-', '_').replace('__', '_')}",
            {"value": test.statistic, "method": "log-rank test, weighted"},
        )
    if "stratum" in frame:
        inside = known_of(known, ["stratum"])
        test = logrank_test(inside["days"], inside["event"], inside[by], strata=inside["stratum"])
        yield (
            f"{name}.{by}.stratified",
            {"value": test.statistic, "n": len(inside), "method": "log-rank test, stratified"},
        )
    levels = list(group.cat.categories)
    if len(levels) == 2:
        gain = curves.rmst_difference(days, event, group == levels[1], third_quartile(days))
        yield (
            f"{name}.{by}.rmst_difference",
            triple([gain.value, gain.lower, gain.upper], method="restricted mean survival time"),
        )
        yield f"{name}.{by}.rmst_difference.p", {"value": gain.p, "method": "restricted mean survival time"}
        return
    for method in ("holm", "fdr_bh"):
        for _, pair in pairwise_logrank(days, event, group, method).iterrows():
            both = f"{pair['first']}_{pair['second']}"
            yield (
                f"{name}.{by}.{method}.{both}",
                {"value": pair["adjusted"], "method": "log-rank test, pairwise"},
            )
            yield f"{name}.{by}.pair.{both}", {"value": pair["p"], "method": "log-rank test, pairwise"}


def third_quartile(days):
    return float(np.quantile(days, 0.75, method="inverted_cdf"))


def of_cox(kind, name, frame, terms):
    """A Cox model of any kind, with all that :class:`analysis_lib.estimators.models.Fit` holds."""
    column = {"stratified": "stratum", "weighted": "weight", "clustered": "cluster"}.get(kind)
    option = {"stratified": "strata", "weighted": "weights", "clustered": "cluster"}.get(kind)
    frame = known_of(frame, [*terms, *([column] if column else [])])
    options = ({option: frame[column]} if column else {}) | (
        {"start": frame["start"]} if "start" in frame else {}
    )
    fit = models.cox(frame[terms].astype(float), frame["days"], frame["event"], **options)
    late = "" if "start" not in frame else ", time-varying" if "cluster" in frame else ", delayed entry"
    method = "Cox model" + ("" if kind == "plain" else f", {kind}") + late
    for term, line in fit.terms.iterrows():
        for what in ("coef", "se", "p", *(["robust_se"] if kind in ("weighted", "clustered") else [])):
            yield f"{name}.{kind}.{term}.{what}", {"value": line[what], "method": method}
        yield f"{name}.{kind}.{term}.hr", triple(line[["hr", "lower", "upper"]], method=method)
    yield (
        f"{name}.{kind}.loglik_null",
        {"value": fit.loglik_null, "n": fit.n, "events": fit.events, "method": method},
    )
    yield f"{name}.{kind}.loglik", {"value": fit.loglik, "method": method}
    for what in ("likelihood_ratio", "wald", "score"):
        yield (
            f"{name}.{kind}.{what}",
            {"value": getattr(fit, what).statistic, "method": f"{method}: tests of all terms"},
        )
    yield f"{name}.{kind}.concordance", {"value": fit.concordance.value, "method": "concordance"}
    yield f"{name}.{kind}.concordance_se", {"value": fit.concordance.se, "method": "concordance"}


def of_competing(name, frame, groups, terms, days):
    """Cumulative incidence, Gray's test and Fine and Gray's model of both causes."""
    curve = competing.cumulative_incidence(frame["days"], frame["cause"])
    for day in days:
        step = competing.incidence_at(curve, day)
        for cause in (1, 2):
            yield (
                f"{name}.incidence{cause}_{day}",
                triple(
                    [step[f"{what}{cause}"] for what in ("incidence", "lower", "upper")],
                    method="Aalen-Johansen",
                ),
            )
    for by in groups:
        known = known_of(frame, [by])
        for cause, test in competing.gray(known["days"], known["cause"], known[by]).iterrows():
            yield f"{name}.{by}.gray{cause}", {"value": test["chi_square"], "method": "Gray's test"}
            yield f"{name}.{by}.gray{cause}.p", {"value": test["p"], "method": "Gray's test"}
    known = known_of(frame, terms)
    for cause in (1, 2):
        table = competing.fine_gray(known[terms].astype(float), known["days"], known["cause"], of=cause)
        for term, line in table.iterrows():
            for what in ("coef", "se", "p"):
                yield (
                    f"{name}.fine_gray{cause}.{term}.{what}",
                    {"value": line[what], "method": "Fine and Gray"},
                )
            yield (
                f"{name}.fine_gray{cause}.{term}.hr",
                triple(line[["hr", "lower", "upper"]], method="Fine and Gray"),
            )


def of_estimators(name, r):
    """All rows of a data set in ``estimators.json``, by id."""
    frame, groups, terms = frame_of(name), DATASETS[name]["groups"], DATASETS[name]["terms"]
    ids = "\n".join(i for i in r if i.startswith(f"{name}."))
    if f"{name}.rmst" in r:
        value, se = curves.rmst(frame["days"], frame["event"], third_quartile(frame["days"]))
        yield f"{name}.rmst", {"value": value, "method": "restricted mean survival time"}
        yield f"{name}.rmst_se", {"value": se, "method": "restricted mean survival time"}
    for by in groups:
        if f"{name}.{by}.peto_peto" in r:
            yield from of_tests(name, frame, by)
    for kind in ("plain", "stratified", "weighted", "clustered"):
        if f"{name}.{kind}.loglik" in r:
            yield from of_cox(kind, name, frame, terms)
    if "cause" in frame:
        days = sorted({int(day) for day in re.findall(r"\.incidence1_(\d+)$", ids, re.M)})
        yield from of_competing(name, frame, groups, terms, days)
    if f"{name}.firth.{terms[0] if terms else ''}.p" in r:
        table = models.firth(frame[terms].astype(float), frame["days"], frame["event"])
        for term, line in table.iterrows():
            yield f"{name}.firth.{term}.coef", {"value": line["coef"], "method": "Firth's penalty"}
            yield f"{name}.firth.{term}.p", {"value": line["p"], "method": "Firth's penalty"}
            yield f"{name}.firth.{term}.hr", triple(line[["hr", "lower", "upper"]], method="Firth's penalty")
    if days := sorted({int(day) for day in re.findall(r"\.weighted_survival(\d+)$", ids, re.M)}):
        known = known_of(frame, ["weight"])
        curve = curves.kaplan_meier(known["days"], known["event"], weights=known["weight"])
        for day in days:
            step = curves.at(curve, day)
            yield (
                f"{name}.weighted_survival{day}",
                triple(step[["survival", "lower", "upper"]], method="Kaplan-Meier, weighted"),
            )


# --- the remedies of chapter 9 on real data sets --------------------------------------------------

DRAWN = fixture("remedies")["data"]  # by data set: its treatment, and what R drew by chance


def of_ratio(row_id, method, terms, days, event, **options):
    """The hazard ratio of the only term, and its P."""
    fit = models.cox(terms, days, event, **options)
    line = fit.terms.iloc[0]
    yield row_id, triple(line[["hr", "lower", "upper"]], n=fit.n, events=fit.events, method=method)
    yield f"{row_id}.p", {"value": line["p"], "method": method}


def of_weights(name, frame, treatment, terms):
    """Scores, weights and what they do, weighted Cox models, E-values, and the events that a study would
    need.
    """
    known = known_of(frame, [treatment, *terms])
    treated, days, event = known[treatment].astype(float) == 1, known["days"], known["event"]
    score = propensity_weights.propensity(known[terms], treated)
    weights = {
        "unweighted": None,
        "iptw": propensity_weights.stabilised(score, treated),
        "overlap": propensity_weights.overlap(score, treated),
    }
    for group, mine in (("treated", treated), ("others", ~treated)):
        yield (
            f"{name}.score.{group}",
            summaries.spread("score", pd.Series(score[mine]), "range") | {"method": "logistic model"},
        )
        for kind in ("iptw", "overlap"):
            spread = summaries.spread("weight", pd.Series(weights[kind][mine]), "range")
            yield f"{name}.weight.{kind}.{group}", spread | {"method": "propensity weights"}
            size = propensity_weights.effective_size(weights[kind][mine])
            yield (
                f"{name}.size.{kind}.{group}",
                {"value": size, "n": int(mine.sum()), "method": "effective sample size"},
            )
    inside = treated.astype(float).to_frame("inside")
    for kind, weight in weights.items():
        for term in terms:
            difference = propensity_weights.difference(known[term], treated, weight)
            yield f"{name}.balance.{term}.{kind}", {"value": difference, "method": "standardised difference"}
        method = "Cox model" if weight is None else f"Cox model, {weighting.KINDS[kind].lower()}"
        ratio = dict(of_ratio(f"{name}.ratio.{kind}", method, inside, days, event, weights=weight))
        yield from ratio.items()
        hr, lower, upper = (ratio[f"{name}.ratio.{kind}"][c] for c in ("value", "lower", "upper"))
        yield f"{name}.risk_ratio.{kind}", {"value": propensity_weights.risk_ratio(hr), "method": "E-value"}
        for what, of in (("e_value", hr), ("e_limit", propensity_weights.nearer_limit(lower, upper))):
            yield (
                f"{name}.{what}.{kind}",
                {"value": propensity_weights.e_value(propensity_weights.risk_ratio(of)), "method": "E-value"},
            )
        if weight is None:
            yield f"{name}.events", {"value": events_needed(hr, treated.mean()), "method": "Schoenfeld"}
    yield (
        f"{name}.detectable",
        {"value": detectable(int(event.sum()), treated.mean()), "method": "Schoenfeld"},
    )


def of_state(name, frame, landmarks):
    """A state that is entered on the way: from landmarks on, and as a state that changes."""
    for day in landmarks:
        late = states.landmark(frame["days"], frame["event"], frame["entered"], day)
        yield from of_ratio(
            f"{name}.landmark{day}", "Cox model, landmark", late[["inside"]], late["days"], late["event"]
        )
    pieces = states.split(frame["days"], frame["event"], frame["entered"])
    yield from of_ratio(
        f"{name}.timed",
        "Cox model, time-varying",
        pieces[["inside"]],
        pieces["stop"],
        pieces["event"],
        start=pieces["start"],
    )


def of_jackknife(name, frame, days):
    """Cumulative incidence where several rows belong to one patient."""
    curve = competing.cumulative_incidence(frame["days"], frame["cause"])
    without = local_failure.without_each(frame["days"], frame["cause"], frame["cluster"])
    for day in days:
        value, *others = (competing.incidence_at(one, day)["incidence1"] for one in (curve, *without))
        yield f"{name}.jackknife{day}", {"value": value, "method": "Aalen-Johansen, jackknife"}
        yield (
            f"{name}.jackknife{day}.se",
            {"value": local_failure.jackknife(others), "method": "Aalen-Johansen, jackknife"},
        )


def of_imputations(name, frame, terms, drawn):
    """Cox models of R's imputations, fitted together, and Rubin's rules."""
    filled = np.repeat(frame[terms].to_numpy(dtype=float)[None], len(drawn), axis=0)
    filled[:, frame[terms[0]].isna(), 0] = drawn
    coef, se = repeated.cox(filled, frame["days"], frame["event"])
    for place, term in enumerate(terms):
        for i in range(len(drawn)):
            yield f"{name}.imputed{i + 1}.{term}", {"value": coef[i, place], "method": "fitted together"}
            yield f"{name}.imputed{i + 1}.{term}.se", {"value": se[i, place], "method": "fitted together"}
        pooled = imputation.pool(coef[:, place], se[:, place] ** 2)
        yield (
            f"{name}.pooled.{term}",
            triple([pooled.estimate, pooled.lower, pooled.upper], method="Rubin's rules"),
        )
        for what in ("se", "df", "missing_information"):
            yield f"{name}.pooled.{term}.{what}", {"value": getattr(pooled, what), "method": "Rubin's rules"}


def of_samples(name, frame, terms, samples):
    """Optimism and calibration slope from R's bootstrap samples, which count rows from 1."""
    known = known_of(frame, terms)
    tried = bootstrap.of_samples(known[terms], known["days"], known["event"], np.array(samples) - 1)
    assert tried.used == len(samples)
    for what in ("apparent", "optimism", "corrected", "slope"):
        yield f"{name}.{what}", {"value": getattr(tried, what), "method": "bootstrap"}


def of_remedies(name, r):
    """All rows of a data set in ``remedies.json``, by id; under ``many``, the tests of all of them,
    corrected.
    """
    drawn = DRAWN.get(name, {})
    if name == "many":
        for method in multiplicity.METHODS:
            for i, p in enumerate(multiplicity.corrected(drawn["p"], method), 1):
                yield f"many.{method}{i}", {"value": p, "method": "correction"}
        return
    frame, terms = frame_of(name), DATASETS[name]["terms"]
    ids = "\n".join(i for i in r if i.startswith(f"{name}."))
    days = {
        what: sorted({int(day) for day in re.findall(rf"\.{what}(\d+)$", ids, re.M)})
        for what in ("landmark", "jackknife", "nelson_aalen")
    }
    if "treated" in drawn:
        yield from of_weights(name, frame, drawn["treated"][0], drawn["treated"][1:])
    if "entered" in frame:
        yield from of_state(name, frame, days["landmark"])
    if days["jackknife"]:
        yield from of_jackknife(name, frame, days["jackknife"])
    if len(terms) > 1:
        for term, vif in zip(terms, imputation.inflation(frame[terms].dropna())):
            yield f"{name}.vif.{term}", {"value": vif, "method": "variance inflation"}
    hazard = imputation.nelson_aalen(frame["days"], frame["event"])
    for day in days["nelson_aalen"]:
        yield (
            f"{name}.nelson_aalen{day}",
            {"value": hazard[frame["days"] == day][0], "method": "Nelson-Aalen"},
        )
    if "imputed" in drawn:
        yield from of_imputations(name, frame, drawn["imputed"], drawn["drawn"])
    if "samples" in drawn:
        yield from of_samples(name, frame, terms, drawn["samples"])


# --- every row of the real data sets --------------------------------------------------------------

ON_REAL_DATA = {"datasets": of_dataset, "estimators": of_estimators, "remedies": of_remedies}
SETS = [
    (kind, name)
    for kind in ON_REAL_DATA
    for name in sorted({i.partition(".")[0] for i in fixture(kind)["rows"]})
]
AMONG_THEM = {
    "datasets": {"lung", "veteran", "ovarian", "pbc", "colon", "rotterdam", "mgus2", "jasa", "kidney"},
    "estimators": {
        "lung",
        "veteran",
        "ovarian",
        "pbc",
        "colon_both",
        "rotterdam",
        "mgus2_first",
        "heart",
        "kidney",
        "mgus2_age",
        "lung_age",
        "bladder",
        "steep",
        "reconstructed",
        "reconstructed_sites",
    },
    "remedies": {"lung", "veteran", "pbc", "colon", "mgus2", "rotterdam", "jasa", "bladder", "many"},
}


def on_real_data(kind, name):
    """The rows of a data set, ours and R's."""
    theirs = {i: row for i, row in fixture(kind)["rows"].items() if i.startswith(f"{name}.")}
    return dict(ON_REAL_DATA[kind](name, theirs)), theirs


@pytest.mark.parametrize(("kind", "name"), SETS)
def test_data_set_agrees_with_r(kind, name):
    ours, theirs = on_real_data(kind, name)
    assert set(ours) == set(theirs)
    assert_agrees(ours, theirs)


@pytest.mark.parametrize("kind", ON_REAL_DATA)
def test_not_fewer_data_sets_and_rows_are_compared(kind):
    assert (
        len(fixture(kind)["rows"]) >= AT_LEAST[kind]
        and {name for of, name in SETS if of == kind} >= AMONG_THEM[kind]
    )


# --- R itself, where it is installed --------------------------------------------------------------

NEEDS = {
    "cohort": ["survival"],
    "beyond": ["survival", "cmprsk"],
    "datasets": ["survival"],
    "estimators": ["survival", "cmprsk"],
    "remedies": ["survival"],
}


def lacking_in_r(packages):
    """Which of R's packages are not installed; R itself, where it is not."""
    if shutil.which("Rscript") is None:
        return ["R"]
    asked = "; ".join(
        f"cat(if (!requireNamespace('{package}', quietly = TRUE)) '{package} ')" for package in packages
    )
    return subprocess.run(["Rscript", "-e", asked], capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("name", COMMANDS)
def test_r_still_says_the_same(name):
    if lacking := lacking_in_r(NEEDS[name]):
        pytest.skip(f"{' and '.join(lacking)} not installed here, so the fixture is taken as it is")
    command = COMMANDS[name].partition(" > ")[0].split()
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    now, kept = json.loads(run.stdout), fixture(name)
    hint = f"tests/r/{name}.json is not what R says now. Run:\n  {COMMANDS[name]}"
    assert now.get("sha256") == kept.get("sha256") and now.get("data") == kept.get("data"), hint
    assert now["rows"].keys() == kept["rows"].keys(), hint
    differ = [
        i
        for i, row in kept["rows"].items()
        if row.keys() != now["rows"][i].keys()
        or any(apart(now["rows"][i][field], row[field]) > 1e-8 for field in row)
    ]
    assert not differ, f"{', '.join(differ[:20])}: {hint}"


# --- how far apart --------------------------------------------------------------------------------

SURVIVAL = "survival {survival}, R {r}"
CMPRSK = "cmprsk {cmprsk}, R {r}"
STATS = "R {r}"
HERE = "this book"
# Estimator, who computes it, R's package, and what its rows have in common: a pattern of "id|method". The
# first that fits.
ESTIMATORS = [
    (
        "Kaplan-Meier curve, several rows of a patient (infinitesimal jackknife)",
        HERE,
        SURVIVAL,
        r"clustered\.(surv|med)|infinitesimal",
    ),
    ("Kaplan-Meier curve, weighted, robust interval", HERE, SURVIVAL, r"\|Kaplan-Meier, weighted"),
    ("Reverse Kaplan-Meier follow-up", "greenwood", SURVIVAL, r"\|reverse Kaplan-Meier"),
    (
        "Kaplan-Meier median, with its interval",
        HERE,
        SURVIVAL,
        r"^(?!.*(cox|rank)).*(\.median|^[a-z_0-9]+\.\w+\.\w+\|Kaplan-Meier, Greenwood)",
    ),
    ("Kaplan-Meier curve, log-log interval", "greenwood", SURVIVAL, r"\.log-log\..*\|Kaplan-Meier"),
    ("Kaplan-Meier curve, plain interval", "greenwood", SURVIVAL, r"\.plain\..*\|Kaplan-Meier"),
    ("Kaplan-Meier curve and rates, log interval", "greenwood", SURVIVAL, r"\|Kaplan-Meier"),
    ("Number at risk", HERE, SURVIVAL, r"\|(number at risk|time at least)"),
    (
        "Restricted mean survival time and difference",
        "greenwood",
        SURVIVAL,
        r"\|(restricted mean|area "
        r"below|difference of the "
        r"areas)",
    ),
    (
        "Log-rank test, pairwise (Holm, Benjamini-Hochberg)",
        HERE,
        SURVIVAL,
        r"\|log-rank test, "
        r"(pairwise|Holm)",
    ),
    ("Log-rank test, stratified", HERE, SURVIVAL, r"\|log-rank test, stratified"),
    (
        "Log-rank test, weighted (Gehan-Breslow, Tarone-Ware)",
        HERE,
        SURVIVAL,
        r"(gehan|tarone).*\|log-rank "
        r"test, weighted",
    ),
    ("Log-rank test, weighted (Peto-Peto, Fleming-Harrington)", HERE, SURVIVAL, r"\|log-rank test, weighted"),
    ("Log-rank test", HERE, SURVIVAL, r"\|log-rank test"),
    ("Mantel-Byar test", HERE, SURVIVAL, r"\|Mantel-Byar"),
    ("Concordance and its standard error", HERE, SURVIVAL, r"\|concordance"),
    ("Proportional-hazards test", HERE, SURVIVAL, r"\|proportional-hazards"),
    (
        "Cox model, weighted by a propensity score, robust interval",
        HERE,
        SURVIVAL,
        r"\|Cox model, "
        r"(inverse|overlap)",
    ),
    (
        "Cox model, robust standard error (weights, several rows of a patient)",
        HERE,
        SURVIVAL,
        r"(weighted|clustered)\..*(robust_se|hr|\.p)\|Cox|robust interval",
    ),
    ("Cox model: score test of all terms", HERE, SURVIVAL, r"\.score\|"),
    ("Cox model: likelihood-ratio and Wald test of all terms", HERE, SURVIVAL, r"tests of all terms"),
    ("Cox model, stratified", HERE, SURVIVAL, r"\|Cox model, stratified"),
    ("Cox model, weighted", HERE, SURVIVAL, r"\|Cox model, weighted"),
    (
        "Cox model, rows that start late (time-varying)",
        HERE,
        SURVIVAL,
        r"\|Cox model.*time-varying|^immortal.*(timed|adjusted)\|",
    ),
    ("Cox model, delayed entry", HERE, SURVIVAL, r"\|Cox model.*delayed entry"),
    ("Cox model from a landmark on", HERE, SURVIVAL, r"landmark.*\|Cox model(?!.*Firth)"),
    (
        "Cox model (Efron ties): ratio, standard error, interval, P",
        HERE,
        SURVIVAL,
        r"\|(Cox model|Wald "
        r"test)",
    ),
    ("Cox model with Firth's penalty, profile interval", "firthmodels", SURVIVAL, r"\|Firth"),
    ("Cox models of many samples or imputations, fitted together", HERE, SURVIVAL, r"\|fitted together"),
    ("Cumulative hazard (Nelson-Aalen)", HERE, SURVIVAL, r"\|Nelson-Aalen"),
    (
        "Cumulative incidence, several rows of a patient (jackknife over patients)",
        HERE,
        SURVIVAL,
        r"\|Aalen-Johansen, jackknife",
    ),
    ("Cumulative incidence (Aalen-Johansen)", HERE, SURVIVAL, r"\|Aalen"),
    ("Gray's test", HERE, CMPRSK, r"\|Gray"),
    ("Fine and Gray's model", HERE, CMPRSK, r"\|Fine and Gray"),
    ("Pearson chi-square test", "scipy", STATS, r"\|Pearson"),
    ("Fisher's exact test", "scipy", STATS, r"\|Fisher"),
    ("Mann-Whitney test", "scipy", STATS, r"\|Mann-Whitney"),
    ("Exact interval of a proportion", "scipy", STATS, r"\|exact binomial"),
    ("Propensity score", "statsmodels", STATS, r"\|logistic model"),
    (
        "Inverse-probability and overlap weights, effective sample size",
        HERE,
        STATS,
        r"\|(effective sample "
        r"size|propensity "
        r"weights)",
    ),
    ("Standardised difference, before and after weighting", HERE, STATS, r"\|standardised difference"),
    ("E-value of a hazard ratio", HERE, STATS, r"\|E-value"),
    (
        "Correction of many P values (Holm, Benjamini-Hochberg)",
        "statsmodels",
        STATS,
        r"^multiplicity\..*(holm|bh)\||\|correction",
    ),
    ("Imputed data sets put together (Rubin's rules)", HERE, STATS, r"\|Rubin"),
    ("Variance inflation factor", HERE, STATS, r"\|variance inflation"),
    ("Bootstrap: optimism of concordance, calibration slope", HERE, SURVIVAL, r"\|bootstrap"),
    ("Schoenfeld's events and detectable hazard ratio", "greenwood", STATS, r"\|Schoenfeld"),
    ("Medians, quartiles and ranges of observed values", "pandas", STATS, r"\|median"),
    ("Variance between series (Paule and Mandel)", "statsmodels", STATS, r"\|Paule"),
    ("Pooled proportions and heterogeneity", "statsmodels", STATS, r"\|(logit|Cochran|\(Q)"),
    (
        "Counts, and what follows from them",
        HERE,
        STATS,
        r"\|(|Holm's correction|Discussion minus "
        r"Results|log-rank tests with .*|events / parameters|"
        r"0.05 times .*|as they are|ratio of the widths "
        r".*)$",
    ),
]
WRITTEN_OUT = "written out in R, which has no function for it"
REMARKS = {
    "Cox model with Firth's penalty, profile interval": "Debian's R has no package for it: R's own partial "
    "likelihood was penalised, "
    "maximised and profiled numerically",
    "Variance between series (Paule and Mandel)": LOOSER["Paule and Mandel, logit scale"][1],
    "Log-rank test, weighted (Gehan-Breslow, Tarone-Ware)": "written out in R, whose survdiff has no such "
    "weights",
    "Fine and Gray's model": "the libraries' standard errors differ from R's by up to 1 in 100",
    "Cox model, robust standard error (weights, several rows of a patient)": "the libraries' differ from "
    "R's when days tie, by up to 1 "
    "in 100",
    "Cumulative incidence, several rows of a patient (jackknife over patients)": "where events compete, R's "
    "survfit passes over "
    "clusters, so each patient "
    "is left out in R too; the "
    "infinitesimal jackknife from "
    "its influences is within 1 in 20",
    "Inverse-probability and overlap weights, effective sample size": WRITTEN_OUT,
    "Standardised difference, before and after weighting": WRITTEN_OUT,
    "E-value of a hazard ratio": WRITTEN_OUT,
    "Schoenfeld's events and detectable hazard ratio": WRITTEN_OUT,
    "Variance inflation factor": "from R's regression of each factor on the others",
    "Imputed data sets put together (Rubin's rules)": WRITTEN_OUT + "; both programs put the same "
    "imputations together, drawn in R",
    "Bootstrap: optimism of concordance, calibration slope": "both programs use the same samples, drawn in "
    "R; chapter 9 draws its own",
}
AGREEMENT = ROOT / "analysis_lib" / "data" / "proof" / "agreement.csv"
WRITE = "PYTHONPATH=tests/helpers python tests/estimators/test_against_r.py --write"


@functools.cache
def of_data_sets():
    """Every number of the data sets, ours beside R's."""
    return pd.concat([compared(*on_real_data(kind, name)).assign(data_set=name) for kind, name in SETS])


def agreement_table(rows_of):
    """One line an estimator: how many numbers of how many data sets were compared, and a power of ten they
    stay below.
    """
    chapters_ = [compared(rows, of_chapters()).assign(data_set="reconstructed") for rows in rows_of.values()]
    # a later chapter may look at an earlier one's test again
    chapters_ = pd.concat(chapters_).drop_duplicates(["id", "field"])
    every = pd.concat([chapters_, of_data_sets()])
    names = [name for name, *_ in ESTIMATORS]
    every["estimator"] = [
        next(
            (name for name, _, _, pattern in ESTIMATORS if re.search(pattern, f"{i}|{method}")), f"? {method}"
        )
        for i, method in zip(every["id"], every["method"])
    ]
    assert set(every["estimator"]) == set(names), set(every["estimator"]) ^ set(names)
    versions = {k: v for k, v in fixture("estimators").items() if k in ("r", "survival", "cmprsk")}
    lines = []
    for name, library, referee, _ in ESTIMATORS:
        mine = every[every["estimator"] == name]
        lines.append(
            {
                "estimator": name,
                "library": library,
                "referee": referee.format(**versions),
                "data_sets": mine["data_set"].nunique(),
                "numbers_compared": len(mine),
                "largest": mine["apart"].max(),
                "reason": REMARKS.get(name, ""),
            }
        )
    return pd.DataFrame(lines)


def below(largest):
    """The power of ten that a difference stays below even where rounding makes it five times as large."""
    return f"1e{max(-12, math.floor(math.log10(5 * largest)) + 1) if largest else -12:03d}"


def test_the_book_tells_how_far_each_estimator_is_from_r(rows_of):
    now, kept = agreement_table(rows_of), proof.agreement()
    same = [c for c in kept.columns if c != "below"]
    pd.testing.assert_frame_equal(
        now[same].astype(str), kept[same].astype(str), obj=f"agreement.csv; run {WRITE}"
    )
    too_far = now[now["largest"] >= kept["below"].astype(float)]
    assert too_far.empty, f"further from R than the book says; run {WRITE}:\n{too_far}"
    assert (
        kept["below"].astype(float)
        <= [
            LOOSER["Paule and Mandel, logit scale"][0] * 10 if "Paule" in name else RELATIVE
            for name in kept["estimator"]
        ]
    ).all()


def test_the_page_shows_every_estimator_and_every_trap():
    page = proof.page()
    assert all(html.escape(name) in page for name, *_ in ESTIMATORS)
    assert all(html.escape(trap) in page for trap in proof.traps()["trap"]) and "nan" not in page


if __name__ == "__main__":
    import sys
    import tempfile

    with without_display():
        table = agreement_table(run_chapters(Path(tempfile.mkdtemp())))
    print(table.to_string(index=False))
    if "--write" in sys.argv:
        table.insert(5, "below", [below(largest) for largest in table.pop("largest")])
        table.to_csv(AGREEMENT, index=False)
