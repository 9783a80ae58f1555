"""Field and dose of the first radiotherapy course: how much of their contrast in survival is a contrast of
patients.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import immortal, ratio, summaries
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.first_course import BED_GROUPS
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary import columns
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.dictionary.words import label_of
from analysis_lib.estimators import models, states
from analysis_lib.rows import results
from analysis_lib.rows.results import slug

# patients in the smaller group below which no hazard ratio is computed: it would be one of single patients
FEWEST = 5
STAGES = {"no": ("limited", "Stage I or II"), "yes": ("advanced", "Stage III or IV")}
FACTORS = (
    "advanced_stage",
    "poor_performance",
    "ldh_elevated",
    "high_ipi",
    "two_or_more_sites",
    "bulky_disease",
)
DOSES = {BED_GROUPS[0]: "high", BED_GROUPS[1]: "low"}


@disclosure.protected
@needs("field.stage", "sites.rt_field", "stage", "OSRT")
def by_stage(study: Cohort) -> pd.DataFrame:
    """How many patients of each stage had each field, and how many of them died.

    Rows ``field.<limited, advanced>.<comprehensive, focal>`` (share who died, of ``n`` patients), or the row
    that says why not.
    """
    frame = _known(study)
    rows = []
    for level, (stage, words) in STAGES.items():
        for field in columns.SITES.columns["rt_field"].metadata["levels"]:
            of = frame[(frame["advanced_stage"] == level) & (frame["rt_field"] == field)]
            rows.append(
                summaries.proportion(
                    slug("field", stage, field),
                    int(of["event"].sum()),
                    len(of),
                    group=words,
                    population=field,
                    endpoint="OSRT",
                    by="rt_field",
                    level=field,
                )
            )
    return results.collect(rows)


def _known(study: Cohort) -> pd.DataFrame:
    frame = endpoints.derive(study, "OSRT")
    return frame[frame["rt_field"].notna() & frame["stage"].notna()].reset_index(drop=True)


@disclosure.protected
@needs("field", "sites.rt_field", "stage", "OSRT")
def fields(study: Cohort) -> pd.DataFrame:
    """Survival by field (OS from the start of the first course), within stages.

    Returns
    -------
    pandas.DataFrame
        Hazard ratios of focal against comprehensive fields: ``field.crude, field.limited, field.advanced``,
        and ``field.within``, in which only patients of one stage group are compared (stratified). Where a
        group has fewer than :data:`FEWEST` patients, a row says so. Where all patients are of one stage
        group, only the first: the others would repeat it. Or the row that says why there is nothing.
    """
    frame = _known(study)
    everyone = pd.Series(True, index=frame.index)
    if frame["advanced_stage"].nunique() == 1:
        crude = _focal(study.min_cell_count, "field.crude", frame, everyone, "All patients, as they are")
        one = STAGES[frame["advanced_stage"].iloc[0]][1].replace("Stage", "stage")
        return results.collect([crude, results.skipped("field.within", f"all patients are in {one}")])
    return results.collect(
        [
            _focal(study.min_cell_count, "field.crude", frame, everyone, "All stages, as they are"),
            *(
                _focal(study.min_cell_count, f"field.{stage}", frame, frame["advanced_stage"] == level, words)
                for level, (stage, words) in STAGES.items()
            ),
            _focal(
                study.min_cell_count,
                "field.within",
                frame,
                everyone,
                "Within stage groups",
                strata=frame["advanced_stage"].astype(str),
            ),
        ]
    )


def _focal(
    least: int,
    result_id: str,
    frame: pd.DataFrame,
    among: pd.Series,
    words: str,
    strata: pd.Series | None = None,
) -> pd.DataFrame:
    of = frame[among].reset_index(drop=True)
    term = (of["rt_field"] == "focal").astype(float).to_frame("focal")
    if reason := _too_few(term["focal"]):
        return results.skipped(result_id, f"{words}: {reason}")
    return ratio.hazard_ratio(
        result_id,
        term,
        "focal",
        of["days"],
        of["event"],
        strata=strata,
        least=least,
        group=words,
        method="" if strata is None else "stratified by stage group",
        population="first courses",
        endpoint="OSRT",
        by="rt_field",
        level="focal",
    )


def _too_few(term: pd.Series) -> str:
    smaller = int(min((term == 1).sum(), (term == 0).sum()))
    return (
        f"fewer than {FEWEST} patients in one of the groups, so there is nothing to compare"
        if smaller < FEWEST
        else ""
    )


@disclosure.protected
@needs("dose.groups", "bed_group", "sites.rt_field")
def dose_groups(study: Cohort) -> pd.DataFrame:
    """Who received which dose: shares of each factor among patients with a high and a low BED.

    Rows ``dose.<factor>.<high, low>``, the first factor being a focal field.
    """
    frame = endpoints.derive(study, "OSRT").dropna(subset=["bed_group"])
    frame = frame.assign(focal=pd.Categorical(np.where(frame["rt_field"] == "focal", "yes", "no")))
    rows = []
    for factor in ("focal", *(factor for factor in FACTORS if not study.lacks(factor))):
        name = "Focal field" if factor == "focal" else label_of(factor)
        for level, words in DOSES.items():
            known = frame.loc[frame["bed_group"] == level, factor].dropna()
            rows.append(
                summaries.proportion(
                    slug("dose", factor, words),
                    int((known == "yes").sum()),
                    len(known),
                    group=name,
                    population=f"BED {level}",
                    by="rt_field" if factor == "focal" else factor,
                    level="focal" if factor == "focal" else "yes",
                )
            )
    return results.collect(rows)


@disclosure.protected
@needs("dose", "bed_group", "sites.rt_field", "OSRT")
def doses(study: Cohort, month: float) -> pd.DataFrame:
    """Survival by dose (OS from the start of the first course): low against high BED.

    Hazard ratios ``dose.crude``; ``dose.stage_ldh`` (adjusted for stage and LDH); ``dose.field`` (adjusted
    for the field); ``dose.focal`` (focal fields only); ``dose.landmark`` (from ``month`` months on: whoever
    died before may have had a low dose *because* the end was near). What cannot be compared has a row that
    says so.
    """
    frame = endpoints.derive(study, "OSRT").dropna(subset=["bed_group"]).reset_index(drop=True)
    low = (frame["bed_group"] == BED_GROUPS[1]).astype(float).to_frame("low")
    if reason := _too_few(low["low"]):
        return results.skipped("dose", reason)
    focal = (frame["rt_field"] == "focal").astype(float).rename("focal")
    factors = ratio.usable(study, frame, immortal.ADJUST)
    known = frame[factors].notna().all(axis=1)
    rows = [_low(study.min_cell_count, "dose.crude", frame, low, "As they are")]
    if factors:
        adjusted = pd.concat([low, models.indicators(frame, factors)], axis=1)
        rows.append(
            _low(
                study.min_cell_count,
                "dose.stage_ldh",
                frame[known],
                adjusted[known],
                ratio.adjusted_for(factors),
            )
        )
    rows += [
        _low(
            study.min_cell_count,
            "dose.field",
            frame,
            pd.concat([low, focal], axis=1),
            "Adjusted for the field",
        ),
        _low(study.min_cell_count, "dose.focal", frame[focal == 1], low[focal == 1], "Focal fields only"),
    ]
    late = states.landmark(frame["days"], frame["event"], np.zeros(len(frame)), round(month * DAYS_PER_MONTH))
    rows.append(
        _low(
            study.min_cell_count,
            "dose.landmark",
            late,
            low.iloc[late["row"]],
            f"From a landmark at {month:g} month{'' if month == 1 else 's'}",
        )
    )
    return results.collect(rows)


def _low(least: int, result_id: str, frame: pd.DataFrame, terms: pd.DataFrame, words: str) -> pd.DataFrame:
    if reason := _too_few(terms["low"]):
        return results.skipped(result_id, f"{words}: {reason}")
    return ratio.hazard_ratio(
        result_id,
        terms.reset_index(drop=True),
        "low",
        frame["days"].to_numpy(),
        frame["event"].to_numpy(),
        least=least,
        group=words,
        population="first courses with known dose",
        endpoint="OSRT",
        by="bed_group",
        level=BED_GROUPS[1],
    )
