"""A target trial of salvage therapies, emulated: who would be in it, what happens on the way, and a second
modality with time to act.

The trial that would answer the question is written down first, then each part is held against what the data
have (Hernán and Robins 2016). What happens after the start and changes what the outcome means is an
*intercurrent event*; it is named and counted, since each needs a decision (ICH E9(R1)).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import immortal, mean_survival, ratio, summaries
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import SECOND_MODALITY, Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import bootstrap, cloned
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row, slug

REGIMENS = {"RT": "Radiotherapy alone", "ST": "Systemic therapy alone", "CMT": "Both, planned together"}
COMPARED = ("RT", "ST")
FEWEST = 5  # patients in a strategy below which nothing is compared
STRATEGIES = ("Add it within the time to act", "Do not add it within the time to act")


@disclosure.protected
@needs("trial", "salvage_regimen", "OS2")
def eligible(study: Cohort) -> pd.DataFrame:
    """Who would be in the trial: ``trial.eligible`` (patients who started salvage therapy) and, of these,
    ``trial.assigned.<regimen>``.
    """
    frame = endpoints.derive(study, "OS2")
    known = frame["salvage_regimen"].dropna()
    return results.collect(
        [
            row("trial.eligible", "count", len(frame), n=len(frame), group="Started salvage therapy"),
            *(
                summaries.proportion(
                    slug("trial.assigned", regimen),
                    int((known == regimen).sum()),
                    len(known),
                    group=words,
                    by="salvage_regimen",
                    level=regimen,
                )
                for regimen, words in REGIMENS.items()
            ),
        ]
    )


@disclosure.protected
@needs("intercurrent", "salvage_regimen", "OS2")
def intercurrent(study: Cohort, month: int) -> pd.DataFrame:
    """What happened after the start of radiotherapy alone and of systemic therapy alone, and changes what
    their comparison means: rows ``intercurrent.<event>.<rt, st>``, shares of the patients of each.

    ``second`` (the other modality later), ``progressed``, ``transplant`` and ``car_t`` (another infusion), as
    far as the cohort knows of them; ``lost``: alive and followed for less than ``month`` months, which is no
    intercurrent event but censoring.
    """
    frame = endpoints.derive(study, "OS2")
    rows: list = []
    for event, (words, happened) in _happened(study, frame, month).items():
        for regimen in COMPARED:
            mine = frame["salvage_regimen"] == regimen
            if mine.any():
                rows.append(
                    summaries.proportion(
                        slug("intercurrent", event, regimen),
                        int((happened & mine).sum()),
                        int(mine.sum()),
                        group=words,
                        population=REGIMENS[regimen],
                    )
                )
    if not rows:
        return results.skipped(
            "intercurrent", "nobody began with radiotherapy alone or systemic therapy alone"
        )
    return results.collect(rows)


def _happened(study: Cohort, frame: pd.DataFrame, month: int) -> dict[str, tuple[str, pd.Series]]:
    """For each event that the cohort knows of: what it is called, and to whom it happened."""
    found = {}
    if not study.lacks("lines.line_start_day"):
        again = study.lines.loc[
            (study.lines["line"] > 1) & (study.lines["modality"] == "CAR T"), "patient_id"
        ]
        found["second"] = ("The other modality, later", _entered(study, frame).notna())
        found["car_t"] = ("CAR T-cell infusion, later", frame["patient_id"].isin(again))
    for event, column, words in (
        ("progressed", "progression_day", "Progression"),
        ("transplant", "transplant_day", "Allogeneic transplant"),
    ):
        if not study.lacks(column):
            after = frame[column] >= frame["salvage_start_day"]
            found[event] = (words, after.fillna(False).astype(bool))
    lost = ~frame["event"] & (frame["days"] < month * DAYS_PER_MONTH)
    found["lost"] = (f"Alive, followed for less than {month} months", lost)
    return found


def _entered(study: Cohort, frame: pd.DataFrame) -> pd.Series:
    """The day, from the start of salvage therapy, on which the other modality than the first began; missing
    where it never did, and for those who began with both.
    """
    later = study.lines[study.lines["line"] > 1]
    first = later["patient_id"].map(frame.set_index("patient_id")["salvage_regimen"]).astype(object)
    other = np.zeros(len(later), dtype=bool)
    for regimen, modalities in SECOND_MODALITY.items():
        other |= ((first == regimen) & later["modality"].isin(modalities)).to_numpy(dtype=bool)
    begun = later[other].groupby("patient_id")["line_start_day"].min()
    return frame["patient_id"].map(begun).astype(float) - frame["salvage_start_day"].astype(float)


@needs("emulated", "salvage_regimen", "lines.line_start_day", "OS2")
def prepare(study: Cohort, grace: float) -> pd.DataFrame:
    """OS2 of the patients who began with radiotherapy alone or systemic therapy alone, with ``entered``,
    the day
    on which the other modality began, and ``adverse``: how many they have of advanced stage and elevated LDH.

    So few go on to the other modality that the model of who does can have one term; ``attrs["grace"]`` holds
    the months to act. Or the row that says why there is no comparison.
    """
    frame = endpoints.derive(study, "OS2")
    frame = frame[frame["salvage_regimen"].isin(list(COMPARED))].reset_index(drop=True)
    factors = ratio.usable(study, frame, immortal.ADJUST)
    if not factors:
        return disclosure.skipped(study, "emulated", "all patients are alike in stage and LDH")
    frame = frame.dropna(subset=factors).reset_index(drop=True)
    frame = frame.assign(
        entered=_entered(study, frame), adverse=(frame[factors] == "yes").sum(axis=1).astype(float)
    )
    course, k = _course(frame, grace), study.min_cell_count
    with_it, without = cloned.adding(*course), cloned.refraining(*course)
    event, parts = frame["event"].to_numpy(), [without.deviated, without.followed, with_it.followed]
    fewest = min(part.sum() for part in parts)
    if fewest < max(FEWEST, k) or (k > 1 and min((part & event).sum() for part in parts) < k):
        return disclosure.skipped(
            study, "emulated", "too few patients followed one of the strategies to compare them"
        )
    if disclosure.thin_levels(frame, factors, k):
        return disclosure.skipped(study, "emulated", disclosure.TOO_FEW)
    frame.attrs["grace"] = grace
    return disclosure.carrying(study, frame)


def _course(frame: pd.DataFrame, grace: float) -> tuple[pd.Series, pd.Series, pd.Series, int]:
    """What the clones are made of: days, events, the day of the other modality, and the days to act."""
    return frame["days"], frame["event"], frame["entered"], round(grace * DAYS_PER_MONTH)


@disclosure.protected_by_frame
def compare(frame: pd.DataFrame, month: int) -> pd.DataFrame:
    """Adding the other modality within the time to act against not adding it, from the day salvage began.

    Parameters
    ----------
    frame : pandas.DataFrame
        From :func:`prepare`.
    month : int
        Up to when survival is compared.

    Returns
    -------
    pandas.DataFrame
        ``emulated.began`` (of all, who added it within the time to act), ``.early`` (of the deaths, those
        within it and without it, which count in both strategies), ``.rate<m>.<adding, refraining>``,
        ``.difference<m>`` (percentage points), ``.rmst<m>`` (months lived, adding less refraining) with
        intervals by bootstrap, and ``.rmst<m>.naive``: the same difference between those who added it within
        the time to act and the others, taken as groups of the first day. Or the row that says why not.
    """
    if results.skip_reason(frame):
        return frame
    prefix, day = "emulated", month * DAYS_PER_MONTH
    terms, course, n = frame[["adverse"]], _course(frame, frame.attrs["grace"]), len(frame)
    samples = np.random.default_rng(SEED).integers(0, n, (bootstrap.REPLICATES, n))
    if cloned.adding(*course).days.max() < day:
        return results.skipped(prefix, f"nobody who added the other modality is followed for {month} months")
    found = cloned.compare(terms, *course, day, np.arange(n)[None])
    if not found:
        return results.skipped(prefix, "there is no model of who goes on to the other modality")
    tried = cloned.compare(terms, *course, day, samples)
    if len(tried) < 0.9 * len(samples):
        return results.skipped(prefix, "too few patients for an interval by bootstrap")
    without = cloned.refraining(*course)
    early = without.event & (without.days <= course[3])
    return results.collect(
        [
            summaries.proportion(f"{prefix}.began", int(without.deviated.sum()), n),
            summaries.proportion(
                f"{prefix}.early", int(early.sum()), int(frame["event"].sum()), population="deaths"
            ),
            *_estimates(prefix, found[0], pd.DataFrame(tried), month, frame),
            mean_survival.difference(
                f"{prefix}.rmst{month}.naive",
                frame["days"],
                frame["event"],
                without.deviated,
                month,
                "As groups of the first day",
            ),
        ]
    ).assign(endpoint="OS2")


def _estimates(
    prefix: str, found: cloned.Compared, tried: pd.DataFrame, month: int, frame: pd.DataFrame
) -> list[dict]:
    shared: dict = {
        "n": len(frame),
        "events": int(frame["event"].sum()),
        "method": f"clones, censoring and weights, percentile interval, bootstrap, {len(tried)} of "
        f"{bootstrap.REPLICATES} samples, seed {SEED}",
    }
    values = {
        f"rate{month}.adding": ("rate", found.adding, tried["adding"], STRATEGIES[0]),
        f"rate{month}.refraining": ("rate", found.refraining, tried["refraining"], STRATEGIES[1]),
        f"difference{month}": (
            "estimate",
            found.adding - found.refraining,
            tried["adding"] - tried["refraining"],
            f"Alive at {month} months, percentage points",
        ),
        f"rmst{month}": (
            "restricted mean",
            found.area / DAYS_PER_MONTH,
            tried["area"] / DAYS_PER_MONTH,
            "Clones, censored and weighted",
        ),
    }
    rows = []
    for part, (statistic, value, samples, group) in values.items():
        low, high = (min(samples.quantile(0.025), value), max(samples.quantile(0.975), value))
        rows.append(row(f"{prefix}.{part}", statistic, value, lower=low, upper=high, group=group, **shared))
    return rows


def strategies(frame: pd.DataFrame) -> pd.DataFrame:
    """The weighted curves of both strategies: ``group, days, survival``."""
    if results.skip_reason(frame):
        return frame
    rule = disclosure.carried_rule(frame)
    if reason := disclosure.of_single_patients(frame):
        return release(results.skipped("emulated.curve", reason), rule)
    terms, course = frame[["adverse"]], _course(frame, frame.attrs["grace"])
    with_it, without = cloned.adding(*course), cloned.refraining(*course)
    coef = cloned.model_of_adding(terms, without, np.ones((1, len(frame))))[0]
    try:
        drawn = (
            cloned.curve_of_adding(terms, with_it, course[3]),
            cloned.curve_of_refraining(terms, without, coef),
        )
    except NotEstimable as why:
        return release(results.skipped("emulated.curve", str(why)), rule)
    return release(
        pd.concat([curve.assign(group=group) for group, curve in zip(STRATEGIES, drawn)], ignore_index=True),
        rule,
    )
