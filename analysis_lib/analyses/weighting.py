"""Confounding by indication: weights from a propensity score that make two treatment groups comparable, and
what they cost.

The *propensity score* is the probability of the treatment given what the physician knew (Rosenbaum and Rubin
1983). Stabilised inverse-probability weights make each group look like all patients (Robins, Hernan and
Brumback 2000); overlap weights make both look like the patients who could have had either treatment (Li,
Morgan and Zaslavsky 2018). Both balance only what was measured.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from analysis_lib.analyses.ratio import adjusted_for, e_values, hazard_ratio, usable
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.factors import BUILT_IN
from analysis_lib.estimators import models
from analysis_lib.estimators.curves import kaplan_meier
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.weights import (
    difference,
    effective_size,
    overlap,
    propensity,
    stabilised,
)
from analysis_lib.rows import results
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug
from analysis_lib.rows.rounding import half_up

# What the choice of treatment may have rested on, as far as the study recorded it when salvage therapy began.
CONFOUNDERS = [each.column for each in BUILT_IN if each.weighting]
FEW_CONFOUNDERS = ["advanced_stage", "ldh_elevated"]  # where those tell the groups apart completely
OF_MODEL = "model: "  # before the name of a term, in the columns that the propensity model was made of
GROUPS = {True: "Radiotherapy alone", False: "Systemic therapy alone"}
KINDS = {"unweighted": "As they are", "iptw": "Inverse-probability weights", "overlap": "Overlap weights"}
FEWEST = 5  # patients in the smaller group below which no propensity model is tried
LARGE = 0.1  # standardised difference above which groups are usually called unbalanced (Austin 2011)


def difference_of_shares(first: tuple[int, int], second: tuple[int, int]) -> float:
    """The standardised difference of two shares, each given as those who have it and of how many; not a
    number if nobody varies.
    """
    (p, q) = (having / of for having, of in (first, second))
    spread = np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    return float((p - q) / spread) if spread > 0 else np.nan


@needs("weighted.os2", "salvage_regimen", "OS2", any_of=tuple(CONFOUNDERS), or_own="weighting")
def prepare(study: Cohort) -> pd.DataFrame:
    """OS2 of the patients who began with radiotherapy alone or systemic therapy alone, with their scores and
    weights.

    Returns
    -------
    pandas.DataFrame
        The rows of OS2 with ``treated`` (radiotherapy), ``score``, and the weights ``unweighted, iptw,
        overlap``, and the terms of the model; patients with an unknown confounder are left out.
        ``attrs["factors"]`` names the factors in the model: all of :data:`CONFOUNDERS` and the cohort's own,
        or fewer (:data:`FEW_CONFOUNDERS` at last) where those tell the groups apart. Or the row that says why
        there is no such comparison.
    """
    return disclosure.reasoned(study, _prepared(study))


def _prepared(study: Cohort) -> pd.DataFrame:
    frame = endpoints.derive(study, "OS2")
    frame = frame[frame["salvage_regimen"].isin(["RT", "ST"])].reset_index(drop=True)
    wanted = [each.column for each in study.factors if each.weighting]
    tried = [usable(study, frame, names) for names in (wanted, CONFOUNDERS, FEW_CONFOUNDERS)]
    choices = list(filter(None, tried))
    if not choices:
        return disclosure.skipped(
            study, "weighted.os2", study.lacks(*CONFOUNDERS) or "the groups do not differ in any known factor"
        )
    for factors in choices:
        known = frame.dropna(subset=factors).reset_index(drop=True)
        treated = known["salvage_regimen"] == "RT"
        if min(treated.sum(), (~treated).sum()) < FEWEST:
            return disclosure.skipped(
                study, "weighted.os2", f"one of the groups has fewer than {FEWEST} patients"
            )
        try:
            terms = models.indicators(known, factors, study.factors)
            score = propensity(terms, treated)
        except NotEstimable as why:
            reason = str(why)
            continue
        known = known.assign(
            treated=treated,
            score=score,
            unweighted=1.0,
            iptw=stabilised(score, treated),
            overlap=overlap(score, treated),
        )
        known = known.assign(**{OF_MODEL + term: values for term, values in terms.items()})
        known.attrs["factors"] = factors
        return disclosure.carrying(study, known)
    return disclosure.skipped(study, "weighted.os2", reason)


@disclosure.protected_by_frame
def sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores and sizes of the groups.

    Rows ``weighted.score.<rt, st>`` (median and range of the score), ``weighted.outside`` (patients of the
    second group whose score is below the lowest of the first: nobody comparable had radiotherapy) and
    ``weighted.size.<iptw, overlap>.<rt, st>`` (effective sample size, ``n`` the actual one).
    """
    if reason := results.skip_reason(frame):
        return results.skipped("weighted.size", reason)
    lowest, highest = frame.loc[frame["treated"], "score"].agg(["min", "max"])
    k = disclosure.carried_rule(frame)
    rows = [one for treated in GROUPS for one in _of_group(frame[frame["treated"] == treated], treated, k)]
    others = frame.loc[~frame["treated"], "score"]
    outside = int(((others < lowest - 1e-9) | (others > highest + 1e-9)).sum())
    rows.append(
        row(
            "weighted.outside",
            "proportion",
            100 * outside / len(others),
            n=len(others),
            events=outside,
            group="Scores outside the range of the radiotherapy group",
            population=GROUPS[False],
        )
    )
    return results.collect(rows)


def _of_group(of: pd.DataFrame, treated: bool, k: int) -> list[dict]:
    """The score of one of the groups, and its effective sizes."""
    score, regimen = of["score"], "rt" if treated else "st"
    shared: dict = {"n": len(of), "by": "salvage_regimen", "level": regimen.upper()}
    # With few factors a score is the share of a cell of a table: of real patients only tens of percent
    # are shown.
    middle = 100 * score.median() if k <= 1 else 10 * half_up(10 * disclosure.middle(score, 0.5, k), 0)
    return [
        row(
            f"weighted.score.{regimen}",
            "range",
            middle,
            lower=100 * score.min(),
            upper=100 * score.max(),
            group=f"{GROUPS[treated]}, propensity score in percent",
            method="logistic model; median and range",
            **shared,
        ),
        *(
            row(
                f"weighted.size.{kind}.{regimen}",
                "expected",
                effective_size(of[kind]),
                group=GROUPS[treated],
                population=KINDS[kind],
                method="effective sample size (Kish)",
                **shared,
            )
            for kind in ("iptw", "overlap")
        ),
    ]


@disclosure.protected
def balance(study: Cohort, frame: pd.DataFrame) -> pd.DataFrame:
    """Standardised differences between the groups, before and after weighting.

    Rows ``balance.<factor>[.<level>].<unweighted, iptw, overlap>``: radiotherapy less systemic therapy in
    standard deviations, among those in whom the factor is known (of one with several levels, for each but the
    reference); and ``balance.<kind>.largest`` over the factors of
    the model. Where small numbers are hidden, the unweighted differences are those of the banded counts; the
    weighted ones, for which patients are needed, stand only beside them; and all have one decimal.
    """
    if reason := results.skip_reason(frame):
        return results.skipped("balance", reason)
    factors = frame.attrs["factors"]
    beside = [each.column for each in study.factors if each.weighting or each.balance]
    shown = [
        *factors,
        *(factor for factor in usable(study, frame, beside) if factor not in factors),
    ]
    rows = []
    for factor in shown:
        known = frame[frame[factor].notna()]
        terms = models.indicators(known, [factor], study.factors)
        for term, (kind, words) in itertools.product(terms, KINDS.items()):
            value = _difference(known, terms[term], study.factor(factor).number, kind, study.min_cell_count)
            rows.append(
                row(
                    slug("balance", term, kind),
                    "estimate",
                    None if np.isnan(value) else value,
                    n=len(known),
                    group=study.term_label(term) + ("" if factor in factors else " *"),
                    by=factor,
                    population=words,
                    note=disclosure.too_few(study.min_cell_count)
                    if np.isnan(value) and disclosure.hides(study)
                    else "",
                    method="standardised difference of means",
                )
            )
    for kind, words in KINDS.items():
        among = [
            abs(one["value"])
            for one in rows
            if one["population"] == words and not one["group"].endswith("*") and one["value"] is not None
        ]
        rows.append(
            row(
                f"balance.{kind}.largest",
                "estimate",
                max(among, default=None),
                n=None if disclosure.hides(study) else len(factors),
                population=words,
                group=f"{words}: largest difference",
                method="standardised difference of means",
                note="" if among else disclosure.too_few(study.min_cell_count),
            )
        )
    return results.collect(rows)


def _difference(known: pd.DataFrame, values: pd.Series, number: bool, kind: str, k: int) -> float:
    """The standardised difference of a term; where small numbers are hidden, as far as shown numbers carry
    it.
    """
    treated, weights = known["treated"].to_numpy(), known[kind].to_numpy()
    if k <= 1:
        return difference(values, treated, weights)
    if number:
        few = min(treated.sum(), (~treated).sum()) < k
        return np.nan if few else half_up(difference(values, treated, weights), 1)
    having = values.to_numpy() > 0
    counts = disclosure.released(
        [[((having == yes) & (treated == rt)).sum() for rt in (False, True)] for yes in (True, False)], k
    )
    if counts is None:
        return np.nan
    (others, treated_having), (without, treated_without) = counts
    if kind == "unweighted":
        shares = (treated_having, treated_having + treated_without), (others, others + without)
        return half_up(difference_of_shares(*shares), 1)
    return half_up(difference(having, treated, weights), 1)


@disclosure.protected_by_frame
def compare(frame: pd.DataFrame) -> pd.DataFrame:
    """OS2 after systemic therapy alone against radiotherapy alone, crude, adjusted and weighted.

    Returns
    -------
    pandas.DataFrame
        Hazard ratios (above 1: more deaths after systemic therapy) ``weighted.os2.crude, .stage_ldh`` (Cox
        model with stage and LDH), ``.adjusted`` (with all factors of the propensity model), ``.iptw`` and
        ``.overlap`` (robust intervals, which take the weights as known); and for each the E-values
        ``.e_value`` of the estimate and ``.e_limit`` of the limit nearer 1 (1 if the interval holds 1).
    """
    if results.skip_reason(frame):
        return frame
    days, event = frame["days"], frame["event"]
    term = pd.DataFrame({"systemic": (~frame["treated"]).astype(float)})
    few = [factor for factor in FEW_CONFOUNDERS if factor in frame.attrs["factors"]]
    least = disclosure.carried_rule(frame)
    rows = [
        hazard_ratio("weighted.os2.crude", term, "systemic", days, event, least=least, group="As they are")
    ]
    for name, group, factors in (
        ("stage_ldh", adjusted_for(few), few),
        ("adjusted", "Adjusted for all factors of the score", frame.attrs["factors"]),
    ):
        if factors and (name == "stage_ldh" or factors != few):
            of_model = [column for column in frame if _factor_of(column) in factors]
            terms = pd.concat([term, frame[of_model]], axis=1)
            rows.append(
                hazard_ratio(f"weighted.os2.{name}", terms, "systemic", days, event, least=least, group=group)
            )
    rows += [
        hazard_ratio(
            f"weighted.os2.{kind}",
            term,
            "systemic",
            days,
            event,
            weights=frame[kind],
            least=least,
            group=KINDS[kind],
            method=KINDS[kind].lower(),
        )
        for kind in ("iptw", "overlap")
    ]
    about = {"endpoint": "OS2", "by": "salvage_regimen", "level": "ST"}
    found = disclosure.protect_by(results.collect(rows).assign(**about), least)
    return results.collect([found, *e_values(found)])


def _factor_of(column: str) -> str:
    """The factor of a column of the propensity model; empty for any other."""
    return column.removeprefix(OF_MODEL).partition(".")[0] if column.startswith(OF_MODEL) else ""


def curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Kaplan-Meier curves of OS2 of both groups under each weighting: as :func:`survival.kaplan_meier`, with
    ``group, kind``.
    """
    if results.skip_reason(frame):
        return frame
    if reason := disclosure.of_single_patients(frame):
        return release(results.skipped("weighted.curve", reason), disclosure.carried_rule(frame))
    drawn = pd.concat(
        [
            kaplan_meier(of["days"], of["event"], weights=of[kind]).assign(group=GROUPS[treated], kind=words)
            for kind, words in KINDS.items()
            for treated, of in frame.groupby("treated", sort=False)
        ]
    ).reset_index(drop=True)
    return release(drawn, disclosure.carried_rule(frame))
