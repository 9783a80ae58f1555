"""How a model would do in other patients: its optimism, by bootstrap (Harrell, Lee and Mark 1996).

A model is fitted to samples of the patients, drawn with replacement, and each fit is tried on the sample it
comes from and on all patients. The difference is the optimism of judging a model by the patients it was made
from.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses.ratio import usable
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.estimators import bootstrap
from analysis_lib.estimators.models import indicators
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.released import derived
from analysis_lib.rows.results import row, slug

FEWEST_EVENTS = 10


@disclosure.protected
def models_of(study: Cohort, factors: dict[str, list[str]]) -> pd.DataFrame:
    """The study's models with several factors, tried by bootstrap.

    Parameters
    ----------
    factors : dict
        Endpoint: factors; those that the cohort lacks, or in which all are alike, are left out.

    Returns
    -------
    pandas.DataFrame
        For each endpoint ``validated.<endpoint>.apparent, .corrected`` (concordance), ``.optimism``,
        ``.slope`` and ``.epv`` (events for each hazard ratio); or the row that says why not.
    """
    rows = []
    for name, wanted in factors.items():
        prefix = slug("validated", name)
        if reason := endpoints.lacking(study, name) or endpoints.without_late(study):
            rows.append(results.skipped(prefix, f"{name}: {reason}", endpoint=name))
            continue
        frame = endpoints.derive(study, name)
        kept = usable(study, frame, wanted)
        frame, levels = frame.dropna(subset=kept), [each for each in kept if not study.factor(each).number]
        events = int(frame["event"].sum())
        if not kept or events < FEWEST_EVENTS:
            why = (
                study.lacks(*wanted) or "all patients are alike in its factors"
                if not kept
                else f"only {events} events"
            )
            rows.append(results.skipped(prefix, f"{name}: {why}", endpoint=name))
            continue
        if disclosure.thin_levels(frame, levels, study.min_cell_count):
            rows.append(results.skipped(prefix, f"{name}: {disclosure.TOO_FEW}", endpoint=name))
            continue
        try:
            terms = indicators(frame, kept, study.factors)
            drawn = bootstrap.samples(len(frame))
            tried = bootstrap.of_samples(terms, frame["days"], frame["event"], drawn)
        except NotEstimable as why:
            rows.append(results.skipped(prefix, f"{name}: {why}", endpoint=name))
            continue
        shared: dict = {
            "n": len(frame),
            "events": events,
            "group": name,
            "endpoint": name,
            "method": f"bootstrap, {tried.used} of {len(drawn)} samples, seed {SEED}",
        }
        rows += [
            row(f"{prefix}.{part}", "estimate", getattr(tried, part), **shared)
            for part in ("apparent", "optimism", "corrected", "slope")
        ]
        rows.append(row(f"{prefix}.epv", "expected", events / terms.shape[1], **shared))
    return results.collect(rows)


COLUMNS = {
    "apparent": "Apparent concordance",
    "corrected": "Corrected concordance",
    "slope": "Calibration slope",
    "epv": "Events for each hazard ratio",
}


@derived
def beside(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that a table of the models shows, with its columns in ``population``."""
    part = rows["result_id"].str.split(".").str[-1]
    return (
        rows
        if results.skip_reason(rows)
        else rows.assign(population=part.map(COLUMNS))[part.isin(list(COLUMNS))]
    )
