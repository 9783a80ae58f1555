"""Which further numbers would have told most, had the paper printed them?

A number is tried by conditioning the cohorts on it: each result that is open is predicted in each cohort by a
straight line through that number in the others. What the range of the misses falls short of the range of the
result is what the number would tell.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.analyses import survival
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent.conditioned import values_of
from analysis_lib.paper.claims import read_claims
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row, slug

# radiotherapy alone against systemic therapy alone, as the chapters compare them
TARGETS = (
    "adjusted",
    "weighted.os2.crude",
    "weighted.os2.stage_ldh",
    "weighted.os2.adjusted",
    "weighted.os2.iptw",
    "weighted.os2.overlap",
    "rmst.os2.12.st.less_rt",
    "rmst.os2.24.st.less_rt",
)
CHAPTERS = ("04", "05", "06", "07")  # whose results a paper prints in a line
PRINTABLE = ("rate", "median time", "hazard ratio")
BEST, SHUFFLES = 5, 20


def joint_counts(study: Cohort) -> pd.DataFrame:
    """Counts that a table of two factors by regimen would print, as rows with the words of the count in
    ``group``.
    """
    patients, rows = study.patients, []
    for regimen, of in patients.groupby("salvage_regimen", observed=True):
        advanced, high = of["advanced_stage"] == "yes", of["ldh_elevated"] == "yes"
        dead = of["vital_status"] == "dead"
        counts = {
            "both": ("patients with both stage III or IV and elevated LDH", advanced & high),
            "dead_high": ("deaths among patients with elevated LDH", dead & high),
            "dead_advanced": ("deaths among patients in stage III or IV", dead & advanced),
        }
        rows += [
            row(slug("joint", regimen, name), "count", int(has.sum()), group=f"{words}, {regimen}")
            for name, (words, has) in counts.items()
        ]
    return results.collect(rows)


def by_regimen(study: Cohort) -> pd.DataFrame:
    """Rates and medians of OS2 by first regimen, which the paper does not print."""
    found = survival.estimates(study, "OS2", by="salvage_regimen")
    return found[found["statistic"].isin(PRINTABLE) & (found["by"] == "salvage_regimen")]


def candidates(every: pd.DataFrame, studies: dict[int, Cohort]) -> pd.DataFrame:
    """Result rows of numbers that could be printed in a line and are not, of all cohorts with ``cohort``:
    rates, medians and ratios of the chapters on the paper's own questions, deaths by group
    (``deaths.<result_id>``), :func:`joint_counts` and :func:`by_regimen`.
    """
    shown = every[every["chapter"].str[:2].isin(CHAPTERS) & every["statistic"].isin(PRINTABLE)]
    shown = shown[~shown["result_id"].isin(read_claims()["result_id"])]
    medians = every[(every["statistic"] == "median time") & (every["endpoint"] == "OS2")]
    deaths = medians.assign(
        result_id="deaths." + medians["result_id"], statistic="count", value=medians["events"].astype(float)
    )
    counted = [
        made(study).assign(cohort=number)
        for number, study in studies.items()
        for made in (joint_counts, by_regimen)
    ]
    return pd.concat([shown, deaths, *map(pd.DataFrame, counted)], ignore_index=True)


def with_adjusted(every: pd.DataFrame, adjusted: pd.DataFrame) -> pd.DataFrame:
    """The rows of all cohorts, and the adjusted ratio of each (``adjusted.<cohort>`` of
    :func:`analysis_lib.consistent.ranges.adjusted`) as ``adjusted``.
    """
    each = adjusted[adjusted["by"] == "cohort"]
    of = pd.DataFrame(each).assign(cohort=each["level"].astype(int), result_id="adjusted")
    return pd.concat([pd.DataFrame(every), of], ignore_index=True)


@published
def asked(every: pd.DataFrame, tried: pd.DataFrame, targets: list[str]) -> pd.DataFrame:
    """The :data:`BEST` numbers to ask for, each chosen given those before it.

    Parameters
    ----------
    every : pandas.DataFrame
        Result rows of all cohorts, which hold the ``targets``.
    tried : pandas.DataFrame
        From :func:`candidates`.
    targets : list of str
        Ids of the results whose ranges are to be narrowed.

    Returns
    -------
    pandas.DataFrame
        Rows ``asked.<i>``: by how many percent the ranges are narrower (mean over the targets) once this
        number and those before it are known, ``group`` the words of the number, ``note`` its id;
        ``asked.luck``: what the same search finds for the last of them if the numbers belong to other
        cohorts, mean and extremes of :data:`SHUFFLES` shufflings.
    """
    open_, known = values_of(every, targets), values_of(tried, tried["result_id"].unique().tolist())
    own = np.array([[name == target for target in open_.index] for name in known.index])
    numbers, wanted = known.to_numpy(), open_.to_numpy()
    chosen, gains = _search(numbers, wanted, own)
    rng = np.random.default_rng(SEED)
    luck = [
        _search(numbers[:, rng.permutation(numbers.shape[1])], wanted, own)[1][-1] for _ in range(SHUFFLES)
    ]
    words = tried.drop_duplicates("result_id").set_index("result_id")["group"]
    of: dict = {"population": "consistent cohorts", "n": known.shape[1]}
    rows = [
        row(
            f"asked.{place}",
            "part",
            100 * gain,
            group=words[known.index[which]],
            note=known.index[which],
            method="range over the consistent cohorts of what a number does not predict",
            **of,
        )
        for place, (which, gain) in enumerate(zip(chosen, gains), start=1)
    ]
    rows.append(
        row(
            "asked.luck",
            "part",
            100 * float(np.mean(luck)),
            lower=100 * min(luck),
            upper=100 * max(luck),
            method="the same search with the numbers of other cohorts",
            **of,
        )
    )
    return results.collect(rows)


def _search(known: np.ndarray, open_: np.ndarray, own: np.ndarray) -> tuple[list[int], list[float]]:
    """Which lines of ``known`` to ask for, one after the other, and the mean narrowing after each.

    ``own`` says which line is which target itself: that would be narrowed by definition, and does not count.
    """
    whole = np.ptp(open_, axis=1)
    chosen: list[int] = []
    gains: list[float] = []
    counts = np.ones(len(open_), dtype=bool)
    for _ in range(BEST):
        others = [which for which in range(len(known)) if which not in chosen]
        narrower = 1 - np.ptp(_left(known[[[*chosen, which] for which in others]], open_), axis=2) / whole
        gained = {which: float(by[counts & ~own[which]].mean()) for which, by in zip(others, narrower)}
        best = max(gained, key=lambda which: gained[which])
        chosen.append(best)
        gains.append(gained[best])
        counts &= ~own[best]
    return chosen, gains


def _left(known: np.ndarray, open_: np.ndarray) -> np.ndarray:
    """What is left of each target in each cohort after a plane through the known numbers of the *other*
    cohorts; for each of several choices of numbers.
    """
    design = np.concatenate([np.ones((len(known), 1, known.shape[2])), known], axis=1).swapaxes(1, 2)
    hat = design @ np.linalg.pinv(design)
    own = np.diagonal(hat, axis1=1, axis2=2)[:, None]
    return (open_ - open_ @ hat.swapaxes(1, 2)) / (1 - own).clip(1e-6)
