"""Confounding by indication: weights from a propensity score that make two treatment groups comparable, and what they cost.

The *propensity score* is the probability of the treatment given what the physician knew (Rosenbaum and Rubin 1983).
Stabilised inverse-probability weights make each group look like all patients (Robins, Hernan and Brumback 2000); overlap
weights make both look like the patients who could have had either treatment (Li, Morgan and Zaslavsky 2018). Both balance
only what was measured.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from analysis_lib import contrasts, disclosure, endpoints, models, results, schema, survival
from analysis_lib.cohort import Cohort
from analysis_lib.observed import NotEstimable
from analysis_lib.results import row, slug

# What the choice of treatment may have rested on, as far as the study recorded it when salvage therapy began.
CONFOUNDERS = ["advanced_stage", "ldh_elevated", "poor_performance", "two_or_more_sites", "extranodal_disease", "cns_disease"]
FEW_CONFOUNDERS = ["advanced_stage", "ldh_elevated"]  # where those tell the groups apart completely
NOT_IN_THE_MODEL = [*CONFOUNDERS, "over_60", "bulky_disease"]  # shown with the balance, to see what the model leaves
GROUPS = {True: "Radiotherapy alone", False: "Systemic therapy alone"}
KINDS = {"unweighted": "As they are", "iptw": "Inverse-probability weights", "overlap": "Overlap weights"}
FEWEST = 5  # patients in the smaller group below which no propensity model is tried
LARGE = 0.1  # standardised difference above which groups are usually called unbalanced (Austin 2011)


# --- scores, weights and what they do -------------------------------------------------------------------------

def propensity(terms: pd.DataFrame, treated) -> np.ndarray:
    """The probability of the treatment for each row, from a logistic model fitted by maximum likelihood.

    Raises
    ------
    NotEstimable
        If the factors tell the groups apart completely, so that the score of somebody is 0 or 1.
    """
    treated = np.asarray(treated, dtype=float)
    design = sm.add_constant(terms.to_numpy(dtype=float), has_constant="add")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        fitted = sm.GLM(treated, design, family=sm.families.Binomial()).fit(maxiter=100, tol=1e-12)
    score = np.asarray(fitted.fittedvalues)
    if not fitted.converged or not ((score > 1e-4) & (score < 1 - 1e-4)).all():
        raise NotEstimable("some combination of the factors occurs with one of the treatments only, so that nobody "
                           "comparable had the other")
    return score


def stabilised(score, treated) -> np.ndarray:
    """Stabilised inverse-probability weights: the share of the own treatment over its probability; their mean is near 1."""
    score, treated = np.asarray(score, dtype=float), np.asarray(treated, dtype=bool)
    return np.where(treated, treated.mean() / score, (1 - treated.mean()) / (1 - score))


def overlap(score, treated) -> np.ndarray:
    """Overlap weights: the probability of the *other* treatment. With a logistic score they balance its factors exactly."""
    score, treated = np.asarray(score, dtype=float), np.asarray(treated, dtype=bool)
    return np.where(treated, 1 - score, score)


def difference(values, treated, weights=None) -> float:
    """Standardised difference of means, treated less others, in standard deviations.

    The deviation is that of the unweighted groups (root of the mean of both variances), so that weights change the
    numerator only. Not a number if nobody varies.
    """
    values, treated = np.asarray(values, dtype=float), np.asarray(treated, dtype=bool)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    spread = np.sqrt((values[treated].var() + values[~treated].var()) / 2)
    means = [np.average(values[group], weights=weights[group]) for group in (treated, ~treated)]
    return float((means[0] - means[1]) / spread) if spread > 0 else np.nan


def effective_size(weights) -> float:
    """How many unweighted patients would give as precise a mean (Kish): square of the sum over the sum of squares."""
    weights = np.asarray(weights, dtype=float)
    return float(weights.sum() ** 2 / (weights ** 2).sum())


def risk_ratio(hazard_ratio: float) -> float:
    """The risk ratio that a hazard ratio amounts to when the outcome is common (VanderWeele 2017): an approximation."""
    return float((1 - 0.5 ** np.sqrt(hazard_ratio)) / (1 - 0.5 ** np.sqrt(1 / hazard_ratio)))


def e_value(ratio: float) -> float:
    """The E-value of a risk ratio (VanderWeele and Ding 2017).

    How strongly, as a risk ratio, an unmeasured confounder would have to be linked to both treatment and outcome, beyond
    what was measured, to explain the whole of it.
    """
    ratio = max(ratio, 1 / ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def nearer_limit(lower: float, upper: float) -> float:
    """The limit of an interval that is nearer to 1; 1 if the interval holds it."""
    return 1.0 if lower <= 1 <= upper else lower if lower > 1 else upper


# --- the comparison of the cohort -----------------------------------------------------------------------------

def prepare(study: Cohort) -> pd.DataFrame:
    """OS2 of the patients who began with radiotherapy alone or systemic therapy alone, with their scores and weights.

    Returns
    -------
    pandas.DataFrame
        The rows of OS2 with ``treated`` (radiotherapy), ``score``, and the weights ``unweighted, iptw, overlap``; patients
        with an unknown confounder are left out. ``attrs["factors"]`` names the factors in the model: all of
        :data:`CONFOUNDERS`, or :data:`FEW_CONFOUNDERS` where those tell the groups apart. Or the row that says why there is
        no such comparison.
    """
    if reason := study.lacks("salvage_regimen") or endpoints.lacking(study, "OS2"):
        return results.skipped("weighted.os2", reason)
    frame = endpoints.derive(study, "OS2")
    frame = frame[frame["salvage_regimen"].isin(["RT", "ST"])].reset_index(drop=True)
    choices = [factors for names in (CONFOUNDERS, FEW_CONFOUNDERS) if (factors := contrasts.usable(study, frame, names))]
    if not choices:
        return results.skipped("weighted.os2", study.lacks(*CONFOUNDERS) or "the groups do not differ in any known factor")
    for factors in choices:
        known = frame.dropna(subset=factors).reset_index(drop=True)
        treated = known["salvage_regimen"] == "RT"
        if min(treated.sum(), (~treated).sum()) < FEWEST:
            return results.skipped("weighted.os2", f"one of the groups has fewer than {FEWEST} patients")
        try:
            score = propensity(models.indicators(known, factors), treated)
        except NotEstimable as why:
            reason = str(why)
            continue
        known = known.assign(treated=treated, score=score, unweighted=1.0, iptw=stabilised(score, treated),
                             overlap=overlap(score, treated))
        known.attrs["factors"] = factors
        return disclosure.carrying(study, known)
    return results.skipped("weighted.os2", reason)


@disclosure.protected_by_frame
def sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores and sizes of the groups.

    Rows ``weighted.score.<rt, st>`` (median and range of the score), ``weighted.outside`` (patients of the second group whose
    score is below the lowest of the first: nobody comparable had radiotherapy) and ``weighted.size.<iptw, overlap>.<rt, st>``
    (effective sample size, ``n`` the actual one).
    """
    if reason := results.skip_reason(frame):
        return results.skipped("weighted.size", reason)
    rows = []
    lowest, highest = frame.loc[frame["treated"], "score"].agg(["min", "max"])
    for treated, name in GROUPS.items():
        of, regimen = frame[frame["treated"] == treated], "rt" if treated else "st"
        score = of["score"]
        rows.append(row(f"weighted.score.{regimen}", "range", 100 * score.median(), lower=100 * score.min(), upper=100 * score.max(),
                        n=len(of), group=f"{name}, propensity score in percent", method="logistic model; median and range"))
        rows += [row(f"weighted.size.{kind}.{regimen}", "expected", effective_size(of[kind]), n=len(of), group=name,
                     population=KINDS[kind], method="effective sample size (Kish)") for kind in ("iptw", "overlap")]
    others = frame.loc[~frame["treated"], "score"]
    outside = int(((others < lowest - 1e-9) | (others > highest + 1e-9)).sum())
    rows.append(row("weighted.outside", "proportion", 100 * outside / len(others), n=len(others), events=outside,
                    group="Scores outside the range of the radiotherapy group", population=GROUPS[False]))
    return results.collect(rows)


@disclosure.protected
def balance(study: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """Standardised differences between the groups, before and after weighting.

    Rows ``balance.<factor>.<unweighted, iptw, overlap>``: radiotherapy less systemic therapy in standard deviations, among
    those in whom the factor is known; and ``balance.<kind>.largest`` over the factors of the model.
    """
    if reason := results.skip_reason(frame):
        return results.skipped("balance", reason)
    factors = frame.attrs["factors"]
    shown = [*factors, *(factor for factor in contrasts.usable(study, frame, NOT_IN_THE_MODEL) if factor not in factors)]
    rows = []
    for factor in shown:
        known = frame[frame[factor].notna()]
        for kind, words in KINDS.items():
            value = difference(known[factor] == "yes", known["treated"], known[kind])
            rows.append(row(slug("balance", factor, kind), "estimate", None if np.isnan(value) else value, n=len(known),
                            group=schema.label_of(factor) + ("" if factor in factors else " *"), population=words,
                            method="standardised difference of means"))
    for kind, words in KINDS.items():
        among = [abs(one["value"]) for one in rows if one["population"] == words and not one["group"].endswith("*")]
        rows.append(row(f"balance.{kind}.largest", "estimate", max(among), n=len(factors), population=words,
                        group=f"{words}: largest difference", method="standardised difference of means"))
    return results.collect(rows)


@disclosure.protected_by_frame
def compare(frame: pd.DataFrame) -> pd.DataFrame:
    """OS2 after systemic therapy alone against radiotherapy alone, crude, adjusted and weighted.

    Returns
    -------
    pandas.DataFrame
        Hazard ratios (above 1: more deaths after systemic therapy) ``weighted.os2.crude, .stage_ldh`` (Cox model with stage
        and LDH), ``.adjusted`` (with all factors of the propensity model), ``.iptw`` and ``.overlap`` (robust intervals, which
        take the weights as known); and for each the E-values ``.e_value`` of the estimate and ``.e_limit`` of the limit
        nearer 1 (1 if the interval holds 1).
    """
    if results.skip_reason(frame):
        return frame
    days, event = frame["days"], frame["event"]
    term = pd.DataFrame({"systemic": (~frame["treated"]).astype(float)})
    few = [factor for factor in ("advanced_stage", "ldh_elevated") if factor in frame.attrs["factors"]]
    least = frame.attrs.get("min_cell_count", 0)
    rows = [contrasts.hazard_ratio("weighted.os2.crude", term, "systemic", days, event, least=least, group="As they are")]
    for name, group, factors in (("stage_ldh", "Adjusted for stage and LDH", few),
                                 ("adjusted", "Adjusted for all factors of the score", frame.attrs["factors"])):
        if factors and (name == "stage_ldh" or factors != few):
            terms = pd.concat([term, models.indicators(frame, factors)], axis=1)
            rows.append(contrasts.hazard_ratio(f"weighted.os2.{name}", terms, "systemic", days, event, least=least, group=group))
    rows += [contrasts.hazard_ratio(f"weighted.os2.{kind}", term, "systemic", days, event, weights=frame[kind], least=least,
                                    group=KINDS[kind], method=KINDS[kind].lower()) for kind in ("iptw", "overlap")]
    found = results.collect(rows)
    return results.collect([found, *_e_values(found)])


def _e_values(ratios: pd.DataFrame) -> list[dict]:
    values = []
    for _, one in ratios[ratios["statistic"] == "hazard ratio"].iterrows():
        nearest = nearer_limit(*one[["lower", "upper"]].astype(float))
        for name, ratio in (("e_value", one["value"]), ("e_limit", nearest)):
            values.append(row(f"{one['result_id']}.{name}", "estimate", e_value(risk_ratio(float(ratio))), n=one["n"], events=one["events"],
                              group=f"{one['group']}: E-value" + (" of the nearer limit" if name == "e_limit" else ""),
                              method="E-value, hazard ratio of a common outcome turned into a risk ratio"))
    return values


def curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Kaplan-Meier curves of OS2 of both groups under each weighting: as :func:`survival.kaplan_meier`, with ``group, kind``."""
    if results.skip_reason(frame):
        return frame
    if reason := disclosure.of_single_patients(frame):
        return results.skipped("weighted.curve", reason)
    return pd.concat([survival.kaplan_meier(of["days"], of["event"], weights=of[kind]).assign(group=GROUPS[treated], kind=words)
                      for kind, words in KINDS.items() for treated, of in frame.groupby("treated", sort=False)]).reset_index(drop=True)
