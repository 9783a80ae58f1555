"""How a model would do in other patients: its optimism, by bootstrap (Harrell, Lee and Mark 1996).

A model is fitted to samples of the patients, drawn with replacement, and each fit is tried on the sample it comes from and
on all patients. The difference is the optimism of judging a model by the patients it was made from.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis_lib import disclosure, endpoints, repeated, results
from analysis_lib.cohort import Cohort
from analysis_lib.contrasts import usable
from analysis_lib.methods import SEED
from analysis_lib.models import indicators
from analysis_lib.observed import NotEstimable
from analysis_lib.results import row, slug

REPLICATES = 200
FEWEST_EVENTS = 10


class Validated(NamedTuple):
    """Concordance as it appears, its optimism, and corrected; slope: how much the predictions must be drawn in (1 is
    none); ``used``: replicates in which the model could be fitted."""

    apparent: float
    optimism: float
    corrected: float
    slope: float
    used: int


def optimism(terms: pd.DataFrame, days, event, replicates: int = REPLICATES, seed: int = SEED) -> Validated:
    """Harrell's bootstrap of a Cox model's concordance and calibration slope; see :func:`of_samples`."""
    n = len(terms)
    return of_samples(terms, days, event, np.random.default_rng(seed).integers(0, n, (replicates, n)))


def of_samples(terms: pd.DataFrame, days, event, samples) -> Validated:
    """The same from given samples: row numbers, counted from 0, samples x people.

    Raises
    ------
    NotEstimable
        If the model cannot be fitted to the patients, or to more than a tenth of the samples.
    """
    x = terms.to_numpy(dtype=float)[None]
    coef, _ = repeated.cox(x, days, event)
    if np.isnan(coef).any():
        raise NotEstimable("the model cannot be fitted: too few events, or factors that determine each other")
    counts = np.stack([np.bincount(sample, minlength=len(terms)) for sample in samples])
    fitted, _ = repeated.cox(x, days, event, counts)
    predicted = fitted @ x[0].T
    slopes, _ = repeated.cox(np.nan_to_num(predicted)[:, :, None], days, event)
    used = np.isfinite(slopes[:, 0]) & np.isfinite(predicted).all(axis=1)
    if used.mean() < 0.9:
        raise NotEstimable("the model cannot be fitted to many of the bootstrap samples: there are too few events")
    predicted, counts = predicted[used], counts[used]
    apparent = float(repeated.concordance(coef @ x[0].T, days, event)[0])
    inside, outside = repeated.concordance(predicted, days, event, counts), repeated.concordance(predicted, days, event)
    gain = float((inside - outside).mean())
    return Validated(apparent, gain, apparent - gain, float(slopes[used, 0].mean()), int(used.sum()))


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
        For each endpoint ``validated.<endpoint>.apparent, .corrected`` (concordance), ``.optimism``, ``.slope`` and ``.epv``
        (events for each factor); or the row that says why not.
    """
    rows = []
    for name, wanted in factors.items():
        prefix = slug("validated", name)
        if reason := endpoints.lacking(study, name):
            rows.append(results.skipped(prefix, f"{name}: {reason}"))
            continue
        frame = endpoints.derive(study, name)
        kept = usable(study, frame, wanted)
        frame = frame.dropna(subset=kept)
        events = int(frame["event"].sum())
        if not kept or events < FEWEST_EVENTS:
            why = study.lacks(*wanted) or "all patients are alike in its factors" if not kept else f"only {events} events"
            rows.append(results.skipped(prefix, f"{name}: {why}"))
            continue
        try:
            tried = optimism(indicators(frame, kept), frame["days"], frame["event"])
        except NotEstimable as why:
            rows.append(results.skipped(prefix, f"{name}: {why}"))
            continue
        shared = {"n": len(frame), "events": events, "group": name,
                  "method": f"bootstrap, {tried.used} of {REPLICATES} samples, seed {SEED}"}
        rows += [row(f"{prefix}.{part}", "estimate", getattr(tried, part), **shared)
                 for part in ("apparent", "optimism", "corrected", "slope")]
        rows.append(row(f"{prefix}.epv", "expected", events / len(kept), **shared))
    return results.collect(rows)


COLUMNS = {"apparent": "Apparent concordance", "corrected": "Corrected concordance", "slope": "Calibration slope", "epv": "Events per factor"}


def beside(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that a table of the models shows, with its columns in ``population``."""
    part = rows["result_id"].str.split(".").str[-1]
    return rows if results.skip_reason(rows) else rows.assign(population=part.map(COLUMNS))[part.isin(list(COLUMNS))]
