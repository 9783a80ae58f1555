"""A simulated cohort whose truth is known, so that each bias can be watched as it appears, and its remedy as
it works.

What is true: radiotherapy does not change survival, and neither does a second modality; bulk raises the
hazard of death by half; sites fail at a constant rate that has nothing to do with death. What misleads:
radiotherapy is chosen for patients in early stage with normal LDH; a second modality goes to whoever lives
until its turn; most sites belong to patients who die first; and bulk is seldom measured in those who die
soon.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.analyses import immortal, local_failure, missing, weighting
from analysis_lib.analyses.ratio import hazard_ratio
from analysis_lib.cohort import endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import competing, curves, models, states
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.repeated import cox
from analysis_lib.intake.read import of_tables
from analysis_lib.rows import results
from analysis_lib.rows.limits import Z
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row

SEED = 13
PATIENTS = 1000
SALVAGE = 60  # day on which salvage therapy starts in everyone
DEATH = 1 / 700  # deaths a day, in a patient in early stage with normal LDH and without bulk
FACTORS = {"advanced_stage": 2.2, "ldh_elevated": 2.9, "bulky_disease": 1.5}  # hazard ratios of death
SECOND = 1 / 250  # second modalities a day
FAILURE = 1 / 1500  # local failures a day and site
SOON = 300  # days; bulk is seldom measured in those who die or leave before
MONTH = 12  # at which local failure is read
BIASES = {
    "confounding": ("Confounding by indication", "Crude", "Overlap weights"),
    "immortal": ("Immortal time", "Grouped by what came later", "Counted from its start on"),
    "competing": ("Competing death", "1 − Kaplan–Meier", "Aalen–Johansen"),
    "missing": ("Missing values", "Unknown counted as no", "Multiple imputation"),
}


# --- patients -------------------------------------------------------------------------------------


def tables(
    n: int, seed: int, strength: float = 1.0, second_a_day: float = SECOND
) -> tuple[dict[str, pd.DataFrame], float]:
    """Tables of simulated patients as a hospital would have them, and the true share of sites that fail
    within a year.

    The share is the mean, over the irradiated patients, of what their own hazards of failure and of death
    imply. ``strength`` is how strongly stage and LDH drive the choice of treatment (0: a lot draws it),
    ``second_a_day`` the rate at which a second modality comes.
    """
    draw = np.random.default_rng(seed)
    advanced = draw.random(n) < 0.55
    ldh = draw.random(n) < np.where(advanced, 0.7, 0.35)
    bulk = draw.random(n) < np.where(advanced, 0.45, 0.25)
    radiotherapy = draw.random(n) < 1 / (1 + np.exp(-(0.9 - strength * (1.6 * advanced + 1.3 * ldh))))
    hazard = DEATH * np.prod(
        [np.where(has, ratio, 1.0) for has, ratio in zip((advanced, ldh, bulk), FACTORS.values())], axis=0
    )
    death, end = _whole(draw.exponential(1 / hazard)), _whole(draw.uniform(180, 1500, n))
    second, failure = _whole(draw.exponential(1 / second_a_day, n)), _whole(draw.exponential(1 / FAILURE, n))
    days, died = np.minimum(death, end), death <= end
    measured = draw.random(n) >= np.where(days < SOON, 0.75, 0.1)
    ids = np.array([f"S{number:04d}" for number in range(1, n + 1)])
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "last_follow_up_day": SALVAGE + days,
            "vital_status": np.where(died, "dead", "alive"),
            "salvage_start_day": SALVAGE,
            "salvage_regimen": np.where(radiotherapy, "RT", "ST"),
            "bulky_disease": pd.Series(_yes(bulk)).where(measured),
            "stage": np.where(advanced, "IV", "I"),
            "ldh_elevated": _yes(ldh),
        }
    )
    first = pd.DataFrame(
        {"patient_id": ids, "line": 1, "line_start_day": SALVAGE, "modality": patients["salvage_regimen"]}
    )
    goes_on = second < days
    later = first[goes_on].assign(
        line=2, line_start_day=SALVAGE + second[goes_on], modality=np.where(radiotherapy[goes_on], "ST", "RT")
    )
    failed = failure <= days
    sites = pd.DataFrame(
        {
            "patient_id": ids,
            "course": 1,
            "rt_start_day": SALVAGE,
            "in_field_response": np.where(failed, "PD", "CR"),
            "in_field_progression_day": pd.Series(SALVAGE + failure, dtype="Int64").where(failed),
        }
    )[radiotherapy]
    both = hazard[radiotherapy] + FAILURE
    share = float(100 * np.mean(FAILURE / both * (1 - np.exp(-both * MONTH * DAYS_PER_MONTH))))
    return {"patients": patients, "lines": pd.concat([first, later]), "sites": sites}, share


def _whole(days: ArrayLike) -> np.ndarray:
    return np.ceil(days).astype(int)


def _yes(flags: ArrayLike) -> np.ndarray:
    return np.where(flags, "yes", "no")


def read(
    n: int = PATIENTS, seed: int = SEED, strength: float = 1.0, second_a_day: float = SECOND
) -> tuple[Cohort, float]:
    """A simulated cohort, an ordinary one, and the true share (percent) of its sites that fail within a
    year; the last two as :func:`tables` takes them.
    """
    made, share = tables(n, seed, strength, second_a_day)
    study = of_tables(
        made,
        name="simulated",
        title="Simulated patients",
        index_event="the start of the simulation",
        synthetic=True,
        note="",
    )
    return study, share


def truths(share: float) -> dict[str, float]:
    """What is true of each of :data:`BIASES`: a hazard ratio of 1, of 1, the share that fails, the hazard
    ratio of bulk.
    """
    return {"confounding": 1.0, "immortal": 1.0, "competing": share, "missing": FACTORS["bulky_disease"]}


# --- answers --------------------------------------------------------------------------------------


@published
def answers(study: Cohort, share: float) -> pd.DataFrame:
    """The four questions, each answered naively and with its remedy.

    Rows ``known.<bias>.naive`` and ``known.<bias>.remedy``, by the methods of chapter 9; ``note`` says
    whether the interval holds the truth (``yes`` or ``no``). Questions that the cohort is too small for have
    rows that say so.
    """
    found = [*confounding(study), *immortal_time(study), *_competing(study), *_missing(study)]
    true = truths(share)
    rows = []
    for (bias, method), one in zip(
        ((bias, method) for bias in BIASES for method in ("naive", "remedy")), found
    ):
        if not len(one) or results.skip_reason(one) or one[["lower", "upper"]].isna().any(axis=None):
            rows.append(
                results.skipped(f"known.{bias}.{method}", results.skip_reason(one) or "too few patients")
            )
            continue
        holds = bool((one["lower"] <= true[bias]).iloc[0] and (one["upper"] >= true[bias]).iloc[0])
        rows.append(
            one.assign(
                result_id=f"known.{bias}.{method}",
                population=BIASES[bias][0],
                note="yes" if holds else "no",
                group=BIASES[bias][1 if method == "naive" else 2],
            )
        )
    return results.collect(rows)


def _ratio(
    terms: pd.DataFrame, of: str, days: ArrayLike, event: ArrayLike, start: ArrayLike | None = None
) -> pd.DataFrame:
    """A hazard ratio with its Wald interval, without the tests that
    :func:`analysis_lib.analyses.ratio.hazard_ratio` adds.
    """
    coef, se = (
        float(found[0, 0])
        for found in cox(terms[[of, *terms.columns.drop(of)]].to_numpy()[None], days, event, start=start)
    )
    if np.isnan(coef):
        return results.skipped("x", "the model did not converge")
    return results.collect(
        [
            row(
                "x",
                "hazard ratio",
                np.exp(coef),
                lower=np.exp(coef - Z * se),
                upper=np.exp(coef + Z * se),
                n=len(terms),
                events=int(np.sum(event)),
                method="Cox model, Efron ties, Wald interval",
            )
        ]
    )


def confounding(study: Cohort) -> list[pd.DataFrame]:
    """Systemic therapy against radiotherapy alone: the crude hazard ratio, and that with overlap weights."""
    frame = weighting.prepare(study)
    if results.skip_reason(frame):
        return [frame, frame]
    term = pd.DataFrame({"systemic": (~frame["treated"]).astype(float)})
    return [
        _ratio(term, "systemic", frame["days"], frame["event"]),
        hazard_ratio("x", term, "systemic", frame["days"], frame["event"], weights=frame["overlap"]),
    ]


def immortal_time(study: Cohort) -> Sequence[pd.DataFrame]:
    """A second modality after systemic therapy: the hazard ratio of groups of the first day, and that of a
    state that changes.
    """
    frame = immortal.second_modality(study, "ST")
    if results.skip_reason(frame):
        return frame, frame
    ever = pd.DataFrame({"inside": np.isfinite(frame["entered"]).astype(float)})
    pieces = states.split(frame["days"], frame["event"], frame["entered"])
    timed = _ratio(pieces[["inside"]], "inside", pieces["stop"], pieces["event"], start=pieces["start"])
    return [_ratio(ever, "inside", frame["days"], frame["event"]), timed.assign(n=len(frame))]


def _competing(study: Cohort) -> Sequence[pd.DataFrame]:
    sites = local_failure.sites(study)
    if results.skip_reason(sites):
        return sites, sites
    day = MONTH * DAYS_PER_MONTH
    step = curves.at(curves.kaplan_meier(sites["days"], sites["event"]), day)
    try:
        point = competing.incidence_at(competing.cumulative_incidence(sites["days"], sites["cause"]), day)
    except NotEstimable as why:
        return (results.skipped("x", str(why)),) * 2
    if step is None or point is None:
        return (results.skipped("x", f"no patient is followed to {MONTH} months"),) * 2
    counts: dict = {"n": len(sites), "events": int(sites["event"].sum())}
    return [
        results.collect(
            [
                row(
                    "x",
                    "rate",
                    100 * (1 - step["survival"]),
                    lower=100 * (1 - step["upper"]),
                    upper=100 * (1 - step["lower"]),
                    method=curves.KM,
                    **counts,
                )
            ]
        ),
        results.collect(
            [
                row(
                    "x",
                    "rate",
                    100 * point["incidence1"],
                    lower=100 * point["lower1"],
                    upper=100 * point["upper1"],
                    method="Aalen-Johansen, log interval",
                    **counts,
                )
            ]
        ),
    ]


def _missing(study: Cohort) -> Sequence[pd.DataFrame]:
    frame = endpoints.derive(study, "OS2")
    values = (frame["bulky_disease"] == "yes").astype(float).where(frame["bulky_disease"].notna())
    others = models.indicators(frame, immortal.ADJUST)
    return [
        _ratio(others.assign(bulk=values.fillna(0)), "bulk", frame["days"], frame["event"]),
        missing.imputed("x", frame, values, others, immortal.ADJUST, BIASES["missing"][2]),
    ]


@published
def complete_cases(study: Cohort) -> pd.DataFrame:
    """Bulk among patients in whom it is known, adjusted for stage and LDH: row ``known.missing.complete``."""
    frame = endpoints.derive(study, "OS2").dropna(subset=["bulky_disease"])
    terms = models.indicators(frame, ["bulky_disease", *immortal.ADJUST])
    return _ratio(terms, "bulky_disease", frame["days"], frame["event"]).assign(
        result_id="known.missing.complete", group="Complete cases", population=BIASES["missing"][0]
    )


@published
def repeat(count: int, n: int, seed: int) -> pd.DataFrame:
    """The answers of many simulated cohorts, for :func:`analysis_lib.show.figures_beyond.replicates`.

    Returns
    -------
    pandas.DataFrame
        The rows of :func:`answers` with ``cohort`` (from 1) and ``truth``; cohort ``k`` has seed ``seed +
        k``.
    """
    parts = []
    for number in range(1, count + 1):
        study, share = read(n, seed + number)
        rows = answers(study, share)
        bias = rows["result_id"].str.split(".").str[1]
        parts.append(rows.assign(cohort=number, truth=bias.map(truths(share))))
    return pd.concat(parts).reset_index(drop=True)


@published
def coverage(repeated: pd.DataFrame) -> pd.DataFrame:
    """How often the interval holds the truth: rows ``coverage.<bias>.<naive, remedy>`` (of ``n`` cohorts)."""
    known = repeated[repeated["statistic"] != "skipped"]
    return results.collect(
        [
            row(
                result_id.replace("known.", "coverage."),
                "count",
                int((of["note"] == "yes").sum()),
                n=len(of),
                population=of["population"].iloc[0],
                group=of["group"].iloc[0],
                method="intervals that hold the truth",
            )
            for result_id, of in known.groupby("result_id", sort=False)
        ]
    )
