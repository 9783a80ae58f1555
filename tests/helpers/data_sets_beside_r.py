"""The estimators on R's real data sets: the rows that the library gives for each, beside those that R gave."""

import functools
import re

import numpy as np
import pandas as pd

from analysis_lib.analyses import (
    cox_models,
    local_failure,
    log_rank,
    multiplicity,
    summaries,
    survival,
    weighting,
)
from analysis_lib.analyses.design import detectable, events_needed
from analysis_lib.cohort import cohort
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import (
    bootstrap,
    competing,
    curves,
    imputation,
    jackknife,
    models,
    repeated,
    states,
)
from analysis_lib.estimators import weights as propensity_weights
from analysis_lib.estimators.logrank import logrank_test, pairwise_logrank
from analysis_lib.rows import results

from beside_r import by_id, compared, fixture, number

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
    of = pd.DataFrame(frame).assign(patient=pd.factorize(np.asarray(frame["cluster"]))[0])
    without = local_failure.without_each_patient(of, days)
    for place, day in enumerate(days):
        value, se = (
            competing.incidence_at(curve, day)["incidence1"],
            jackknife.standard_error(without[:, place]),
        )
        yield f"{name}.jackknife{day}", {"value": value, "method": "Aalen-Johansen, jackknife"}
        yield f"{name}.jackknife{day}.se", {"value": se, "method": "Aalen-Johansen, jackknife"}


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


@functools.cache  # looked at by the test of each data set, and by that of the table of them all
def on_real_data(kind, name):
    """The rows of a data set, ours and R's."""
    theirs = {i: row for i, row in fixture(kind)["rows"].items() if i.startswith(f"{name}.")}
    return dict(ON_REAL_DATA[kind](name, theirs)), theirs


@functools.cache
def of_data_sets():
    """Every number of the data sets, ours beside R's."""
    return pd.concat([compared(*on_real_data(kind, name)).assign(data_set=name) for kind, name in SETS])
