"""A factor that is not known in everyone: complete cases, multiple imputation, and the two ends of what could
be true.

Rubin (1987) gives the rules by which the results of several imputed data sets are put together; White and
Royston (2009) say what an imputation must know of a survival time: whether the event happened, and the
cumulative hazard by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.analyses import ratio, summaries
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.words import label_of, within
from analysis_lib.estimators import models, repeated
from analysis_lib.estimators.imputation import IMPUTATIONS, impute, inflation, nelson_aalen, pool
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.results import row, slug

PREDICTORS = ["advanced_stage", "ldh_elevated", "two_or_more_sites", "extranodal_disease", "poor_performance"]


@disclosure.protected
@needs("missing.{factor}", "{factor}")
def who(study: Cohort, factor: str) -> pd.DataFrame:
    """In whom a factor is not known.

    Rows ``missing.<factor>`` (of all patients) and, if the cohort knows of CNS disease,
    ``missing.<factor>.cns`` and ``missing.<factor>.other`` (of patients with and without).
    """
    patients, name = study.patients, label_of(factor)
    groups = {"": patients}
    if not study.lacks("cns_disease"):
        groups |= {
            ".cns": patients[patients["cns_disease"] == "yes"],
            ".other": patients[patients["cns_disease"] == "no"],
        }
    return results.collect(
        [
            summaries.proportion(
                f"missing.{factor}{which}",
                int(of[factor].isna().sum()),
                len(of),
                group=f"{name} not known",
                by=factor,
                population={
                    "": "all patients",
                    ".cns": "patients with CNS disease",
                    ".other": "other patients",
                }[which],
            )
            for which, of in groups.items()
        ]
    )


@disclosure.protected
@needs("missing.{name}", "{name}", "{factor}")
def compare(study: Cohort, name: str, factor: str, adjust: list[str]) -> pd.DataFrame:
    """The hazard ratio of a factor that is not known in everyone, under several answers to what it was in the
    others.

    Returns
    -------
    pandas.DataFrame
        ``missing.<endpoint>.complete`` (patients in whom it is known), ``.imputed_other`` (imputed where it
        could have been measured, that is outside the CNS), ``.imputed_all`` (imputed in everyone), ``.none``
        and ``.every`` (as if none, or all, of the unknown had it); each also with ``.adjusted`` (adjusted for
        the given factors). ``note`` of imputed rows gives the fraction of missing information. Or the row
        that says why not.
    """
    prefix = slug("missing", name)
    frame = endpoints.derive(study, name)
    predictors = ratio.usable(study, frame, PREDICTORS)
    frame = frame.dropna(subset=predictors).reset_index(drop=True)
    if frame[factor].notna().all():
        return results.skipped(prefix, f"{ratio.label(factor)} is known in everyone")
    if frame.loc[frame[factor].notna(), factor].nunique() < 2 or not frame["event"].any():
        return results.skipped(prefix, "there is nothing to compare")
    values = (frame[factor] == "yes").astype(float).where(frame[factor].notna())
    known = values.notna().to_numpy()
    answers, imputations = _answers(frame, values)
    adjusters = ratio.usable(study, frame, adjust)
    rows = []
    if disclosure.hides(study) and min((~known).sum(), known.sum()) < study.min_cell_count:
        # models with and without so few patients would tell of them
        return results.skipped(prefix, disclosure.TOO_FEW)
    adjusters = [] if disclosure.thin_levels(frame, adjusters, study.min_cell_count) else adjusters
    thin = disclosure.thin_levels(frame, [factor], study.min_cell_count)
    for model, factors in {"": [], ".adjusted": adjusters}.items():
        if model and not factors:
            continue
        of = models.indicators(frame, factors)
        held = f", {within(ratio.adjusted_for(factors))}" if factors else ""
        for answer, (words, among, filled) in answers.items():
            terms = pd.concat([filled.rename(factor), of], axis=1)[among]
            rows.append(
                ratio.hazard_ratio(
                    f"{prefix}.{answer}{model}",
                    terms,
                    factor,
                    frame.loc[among, "days"],
                    frame.loc[among, "event"],
                    least=study.min_cell_count,
                    group=words + held,
                )
            )
        for answer, (words, among) in imputations.items():
            result_id, added = f"{prefix}.{answer}{model}", int((among & ~known).sum())
            if (
                thin
                or disclosure.hides(study)
                and min(added, len(frame) - int(known.sum()) - added or added) < study.min_cell_count
            ):
                rows.append(results.skipped(result_id, f"{words}: {disclosure.TOO_FEW}"))
            elif answer == "imputed_all" or added:
                rows.append(
                    imputed(result_id, frame[among], values[among], of[among], predictors, words + held)
                )
    return results.collect(rows).assign(endpoint=name, by=factor)


def _answers(frame: pd.DataFrame, values: pd.Series) -> tuple[dict, dict]:
    """What the unknown values may have been: for each answer its words, the patients and their values; and
    for each way to impute its words and the patients.
    """
    known = values.notna().to_numpy()
    everyone, measurable = known | True, known | True
    if "cns_disease" in frame:
        measurable = ~(frame["cns_disease"] == "yes").to_numpy() | known
    answers = {
        "complete": ("Complete cases", known, values),
        "none": ("As if none of the others had it", everyone, values.fillna(0)),
        "every": ("As if all of the others had it", everyone, values.fillna(1)),
    }
    imputations = {
        "imputed_other": ("Imputed outside the CNS", measurable),
        "imputed_all": ("Imputed in everyone", everyone),
    }
    return answers, imputations


def imputed(
    result_id: str,
    frame: pd.DataFrame,
    values: pd.Series,
    adjusters: pd.DataFrame,
    predictors: list[str],
    words: str,
) -> pd.DataFrame:
    """The hazard ratio of a factor (1, 0, or not a number) over imputed data sets, adjusted for the given
    terms.

    ``frame`` are an endpoint's rows, with the yes/no columns ``predictors`` known in everyone; ``words``
    names the row.
    """
    days, event = frame["days"], frame["event"]
    known_of_outcome = models.indicators(frame, predictors).assign(
        event=event.astype(float), hazard=nelson_aalen(days, event)
    )
    varying = known_of_outcome.loc[:, known_of_outcome.nunique() > 1]
    try:
        filled = impute(values, varying, IMPUTATIONS, SEED)
    except NotEstimable as why:
        return results.skipped(result_id, f"{words}: {why}")
    coef, se = repeated.cox(
        np.stack([np.column_stack([column, adjusters]) for column in filled.T]), days, event
    )
    if np.isnan(coef).any():
        return results.skipped(
            result_id, f"{words}: the model did not converge in some of the imputations: too few events"
        )
    pooled = pool(coef[:, 0], se[:, 0] ** 2)
    return results.collect(
        [
            row(
                result_id,
                "hazard ratio",
                np.exp(pooled.estimate),
                lower=np.exp(pooled.lower),
                upper=np.exp(pooled.upper),
                n=len(frame),
                events=int(event.sum()),
                group=words,
                note=f"fraction of missing information {pooled.missing_information:.2f}",
                method=f"Cox model, Efron ties, {IMPUTATIONS} imputations by logistic regression, Rubin's "
                f"rules, "
                f"seed {SEED}",
            )
        ]
    )


def _inflation_of_released(terms: pd.DataFrame, k: int) -> np.ndarray:
    """The same from the banded counts of each pair of yes/no terms; not numbers where one of them is
    hidden.
    """
    phi, nothing = np.eye(terms.shape[1]), np.full(terms.shape[1], np.nan)
    for i, j in zip(*np.triu_indices(terms.shape[1], 1)):
        counts = pd.crosstab(terms.iloc[:, i], terms.iloc[:, j])
        shown = disclosure.released(counts, k) if counts.shape == (2, 2) else None
        if shown is None:
            return nothing
        margins = np.prod(np.concatenate([shown.sum(axis=0), shown.sum(axis=1)]).astype(float))
        phi[i, j] = phi[j, i] = (shown[0, 0] * shown[1, 1] - shown[0, 1] * shown[1, 0]) / np.sqrt(margins)
    found = np.diag(np.linalg.pinv(phi))
    return found if np.linalg.eigvalsh(phi).min() > 1e-6 else nothing  # rounded tables need not fit together


@disclosure.protected
@needs("collinear", "{name}", "{components}", "{index}")
def collinearity(study: Cohort, name: str, index: str, components: list[str]) -> pd.DataFrame:
    """An index and its components in one model, and what that does to them.

    Rows ``collinear.<factor>.alone`` (the components in a model without the index; the index on its own), and
    ``collinear.<factor>.together`` (all in one model): hazard ratios; ``collinear.<factor>.vif`` (variance
    inflation in the common model: how many times the squared standard error grows because the factors
    overlap) and ``collinear.<factor>.wider`` (how many times wider the interval is, on the log scale).
    """
    factors, k = [*components, index], study.min_cell_count
    frame = endpoints.derive(study, name).dropna(subset=factors).reset_index(drop=True)
    if any(frame[factor].nunique() < 2 for factor in factors):
        return results.skipped("collinear", "all patients are alike in the index or in one of its components")
    if disclosure.thin_levels(frame, factors, k):
        return results.skipped("collinear", disclosure.TOO_FEW)
    together, days, event = models.indicators(frame, factors), frame["days"], frame["event"]
    rows = []
    inflated = inflation(together) if k <= 1 else _inflation_of_released(together, k)
    for factor, vif in zip(factors, inflated):
        label = label_of(factor)
        about: dict = {"endpoint": name, "by": factor}
        # the ratio of widths is that of shown ones
        alone, both = (
            disclosure.protect(
                study,
                ratio.hazard_ratio(
                    f"collinear.{factor}.{what}",
                    terms,
                    factor,
                    days,
                    event,
                    least=k,
                    group=f"{label}, {words}",
                    **about,
                ),
            )
            for what, words, terms in (
                ("alone", "without the overlap", together[[index] if factor == index else components]),
                ("together", "in one model", together),
            )
        )
        rows += [
            alone,
            both,
            row(
                f"collinear.{factor}.vif",
                "estimate",
                vif,
                n=len(frame),
                group=label,
                **about,
                note="" if np.isfinite(vif) else disclosure.too_few(k),
                method="variance inflation factor, from the correlation of the factors",
            ),
        ]
        if both["lower"].notna().all() and alone["lower"].notna().all():  # a skipped row has none
            rows.append(_wider(factor, both, alone, n=len(frame), group=label, **about))
    return results.collect(rows)


def _wider(factor: str, both: pd.DataFrame, alone: pd.DataFrame, **labels: Any) -> dict:
    """How many times wider a ratio's interval is in the common model, on the log scale."""
    wide = [
        np.log(float(one["upper"].iloc[0])) - np.log(float(one["lower"].iloc[0])) for one in (both, alone)
    ]
    return row(
        f"collinear.{factor}.wider",
        "estimate",
        wide[0] / wide[1],
        method="ratio of the widths of the intervals, log scale",
        **labels,
    )
