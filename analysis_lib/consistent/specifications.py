"""Radiotherapy against systemic therapy in every defensible way, in every consistent cohort.

How much of the answer does the analyst choose, how much does the paper withhold, and how much is chance?
"""

from __future__ import annotations

import hashlib
from itertools import product

import numpy as np
import pandas as pd

from analysis_lib.cohort import endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent import judged
from analysis_lib.consistent.cohorts import FOLDER
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import models
from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.estimators.weights import overlap, propensity, stabilised
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row

TWO = ["advanced_stage", "ldh_elevated"]
FOUR = [*TWO, "poor_performance", "two_or_more_sites"]
# what an analyst may choose, and between what; each choice alone could be defended
CHOICES = {
    "endpoint": ("OS2", "EFS2"),
    "cmt": ("left out", "with radiotherapy", "with systemic therapy"),
    "adjusted": ("for nothing", "stage, LDH", "four factors", "inverse weights", "overlap weights"),
    "landmark": ("none", "1 month"),
}
FILE = FOLDER / "specifications.parquet"
LANDMARK = round(DAYS_PER_MONTH)


def specifications() -> pd.DataFrame:
    """Every combination of :data:`CHOICES`, a line each."""
    return pd.DataFrame(list(product(*CHOICES.values())), columns=list(CHOICES))


def fits(study: Cohort) -> pd.DataFrame:
    """The log hazard ratio of systemic therapy against radiotherapy under every specification.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`specifications`, ``log_hr`` and ``se``; empty numbers where a model has no
        finite estimate.
    """
    frames = {name: endpoints.derive(study, name) for name in CHOICES["endpoint"]}
    lines = []
    for choice in specifications().to_dict("records"):
        frame = _patients(frames[choice["endpoint"]], choice["cmt"], choice["landmark"])
        try:
            log_hr, se = _fit(frame, choice["adjusted"])
        except NotEstimable:
            log_hr, se = np.nan, np.nan
        lines.append(choice | {"log_hr": log_hr, "se": se})
    return pd.DataFrame(lines)


def _patients(frame: pd.DataFrame, cmt: str, landmark: str) -> pd.DataFrame:
    """The patients compared, with ``systemic``; from a landmark on, those without the event until then."""
    radiotherapy = ["RT", "CMT"] if cmt == "with radiotherapy" else ["RT"]
    systemic = ["ST", "CMT"] if cmt == "with systemic therapy" else ["ST"]
    of = frame[frame["salvage_regimen"].isin(radiotherapy + systemic)].dropna(subset=FOUR)
    of = of.assign(systemic=of["salvage_regimen"].isin(systemic).astype(float))
    if landmark == "none":
        return of
    return of[of["days"] > LANDMARK].assign(days=lambda later: later["days"] - LANDMARK)


def _fit(frame: pd.DataFrame, adjusted: str) -> tuple[float, float]:
    factors = {"stage, LDH": TWO, "four factors": FOUR}.get(adjusted, [])
    terms = models.indicators(frame, factors).assign(systemic=frame["systemic"])
    weights = None
    if "weights" in adjusted:
        treated = frame["systemic"] == 0
        score = propensity(models.indicators(frame, FOUR), treated)
        weights = stabilised(score, treated) if adjusted == "inverse weights" else overlap(score, treated)
    found = models.cox(terms, frame["days"], frame["event"], weights=weights).terms.loc["systemic"]
    return found["coef"], found["se"] if weights is None else found["robust_se"]


def digest(study: Cohort) -> str:
    """What the fits of a cohort rest on, in short: by it one sees that kept fits are those of other "
    "patients."""
    columns = ["salvage_regimen", *FOUR, "salvage_start_day", "last_follow_up_day", "vital_status"]
    moments = [*columns, "progression_day", "next_line_day"]
    words = study.patients[moments].astype("string").fillna("").sort_values(moments).to_csv(index=False)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def kept(studies: dict[int, Cohort]) -> pd.DataFrame:
    """The fits of these cohorts as ``tools/write_specifications.py`` kept them, with ``cohort``; the row that
    says why not where they are missing or those of other patients.
    """
    if FILE.exists():
        fits_ = pd.read_parquet(FILE)
        known = fits_.drop_duplicates("digest").set_index("cohort")["digest"].to_dict()
        if all(known.get(number) == digest(study) for number, study in studies.items()):
            return fits_[fits_["cohort"].isin(list(studies))]
    return results.skipped("specification", "nobody has yet tried all analyses on today's cohorts")


@published
def curve(every: pd.DataFrame) -> pd.DataFrame:
    """The specification curve: one line a specification, the smallest hazard ratio first.

    Parameters
    ----------
    every : pandas.DataFrame
        From :func:`kept`.

    Returns
    -------
    pandas.DataFrame
        The choices; ``lowest, middle, highest`` hazard ratio over the cohorts; ``lower, upper``: the middle
        with its median standard error as a 95% interval.
    """
    if results.skip_reason(every):
        return every
    of = every.dropna(subset="log_hr").groupby(list(CHOICES), sort=False)
    found = of["log_hr"].agg(lowest="min", middle="median", highest="max")
    half = 1.96 * of["se"].median()
    found = np.exp(found.assign(lower=found["middle"] - half, upper=found["middle"] + half))
    return found.sort_values("middle").reset_index()


@published
def split(every: pd.DataFrame) -> pd.DataFrame:
    """Where the variance of the log hazard ratio comes from.

    Rows ``specification.<analyst, paper, both, chance>``: percent of the whole that lies between
    specifications (mean over cohorts), between cohorts (mean over specifications), in what both do together,
    and in the sampling error (mean squared standard error); ``specification.range``: median, lowest and
    highest hazard ratio of ``n`` fits, in ``events`` of which the interval excludes 1;
    ``specification.range.<endpoint>``: the same by endpoint.
    """
    if results.skip_reason(every):
        return every
    known = every.dropna(subset="log_hr")
    table = known.pivot_table(index=list(CHOICES), columns="cohort", values="log_hr").dropna()
    grand = table.to_numpy().mean()
    by_choice, by_cohort = table.mean(axis=1) - grand, table.mean(axis=0) - grand
    rest = table.sub(table.mean(axis=1), axis=0).sub(by_cohort, axis=1)
    parts = {
        "analyst": ("What the analyst chose", float((by_choice**2).mean())),
        "paper": ("What the paper withheld", float((by_cohort**2).mean())),
        "both": ("Both together", float((rest.to_numpy() ** 2).mean())),
        "chance": ("Chance", float((known["se"] ** 2).mean())),
    }
    whole = sum(part for _, part in parts.values())
    method = "variance between specifications, between cohorts, and of sampling"
    rows = [
        row(f"specification.{name}", "part", 100 * part / whole, group=group, method=method)
        for name, (group, part) in parts.items()
    ]
    for name, of in {"": known, **{f".{e.lower()}": g for e, g in known.groupby("endpoint")}}.items():
        ratio, half = np.exp(of["log_hr"]), 1.96 * of["se"]
        excludes = (of["log_hr"] - half > 0) | (of["log_hr"] + half < 0)
        rows.append(
            row(
                f"specification.range{name}",
                "hazard ratio",
                float(ratio.median()),
                lower=float(ratio.min()),
                upper=float(ratio.max()),
                n=len(of),
                events=int(excludes.sum()),
                population="all specifications in all consistent cohorts",
                method="median, lowest and highest over the consistent cohorts",
                note=judged.excludes(int(excludes.sum()), len(of), "fits"),
            )
        )
    return results.collect(rows)
