"""Absolute effects: how many more would be alive, and how much longer, had all had the one treatment or
the other.

A hazard ratio does not say how many patients live because of a treatment. Here the survival of both
groups is brought to the same patients: by standardising a Cox model over all of them (Makuch 1982; the
g-formula of Robins 1986), by weights from a propensity score (Cole and Hernán 2004), and by both at once
(doubly robust: right if either model is). Intervals are those of bootstrap samples in which every model,
the propensity score too, is fitted anew.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.cohort import disclosure
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import adjusted, models
from analysis_lib.estimators.weights import difference, effective_size
from analysis_lib.rows import results
from analysis_lib.rows.methods import SEED
from analysis_lib.rows.released import release
from analysis_lib.rows.results import row
from analysis_lib.rows.rounding import half_up

# bootstrap samples; fewer where they hold so many patients in all that more would tell little more, but never
# fewer than early_censoring takes of them
SAMPLES, FEWEST, PATIENTS = 500, 200, 20_000_000
KINDS = {
    "crude": "As they are",
    "standardised": "Standardised",
    "iptw": "Inverse-probability weights",
    "trimmed": "The same, extreme scores left out",
    "overlap": "Overlap weights",
    "doubly_robust": "Doubly robust",
}
HOW = (  # what the methods of its rows are called
    {"kind": "crude", "method": "difference as the groups are, Kaplan-Meier"},
    {"kind": "standardised", "method": "standardised over all patients, Cox model stratified by treatment"},
    {"kind": "iptw", "method": "survival with inverse-probability weights"},
    {"kind": "trimmed", "method": "survival with inverse-probability weights among scores of 0.1 to 0.9"},
    {"kind": "overlap", "method": "survival with overlap weights"},
    {"kind": "doubly_robust", "method": "doubly robust, pseudo-values"},
)
METHOD = {each["kind"]: each["method"] for each in HOW}
GROUPS = {True: "radiotherapy alone", False: "systemic therapy alone"}
WEIGHTS = ("iptw", "trimmed", "overlap")
WITH_NUMBER = ("standardised", "doubly_robust")  # for which a number needed to treat is asked


def samples(n: int) -> np.ndarray:
    """How often each of ``n`` patients is in each bootstrap sample; the same whenever it is asked."""
    number = int(np.clip(PATIENTS // n, FEWEST, SAMPLES))
    return np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), number)


def spread_of(found: ArrayLike, value: float) -> tuple[float | None, float | None]:
    """The 2.5th and 97.5th percentile of bootstrap estimates, never beyond the estimate itself; none
    where more than a tenth of the samples gave none.
    """
    found = np.asarray(found, dtype=float)
    if np.isnan(found).mean() > 0.1:
        return None, None
    lower, upper = np.nanpercentile(found, [2.5, 97.5])
    return float(min(lower, value)), float(max(upper, value))


@disclosure.protected_by_frame
def precision(frame: pd.DataFrame) -> pd.DataFrame:
    """What the weights leave: to be read before any result.

    Returns
    -------
    pandas.DataFrame
        ``absolute.size.<iptw, trimmed, overlap>.<rt, st>`` (effective number of patients, ``n`` the
        actual one), ``absolute.residual.<kind>`` (largest standardised difference left among the factors
        of the model) and ``absolute.left_out.<rt, st>`` (scores below 0.1 or above 0.9). ``frame`` comes
        from :func:`analysis_lib.analyses.weighting.prepare`.
    """
    if reason := results.skip_reason(frame):
        return results.skipped("absolute.size", reason)
    k, treated = disclosure.carried_rule(frame), frame["treated"].to_numpy()
    terms = models.indicators(frame, frame.attrs["factors"])
    weights = _weights(frame, terms.to_numpy())
    rows = []
    for group, words in GROUPS.items():
        regimen, mine = "rt" if group else "st", treated == group
        about: dict = {"n": int(mine.sum()), "endpoint": "OS2", "by": "salvage_regimen"}
        about |= {"level": regimen.upper()}
        out = int((weights["trimmed"][mine] == 0).sum())
        rows.append(
            row(
                f"absolute.left_out.{regimen}",
                "proportion",
                100 * out / about["n"],
                events=out,
                group=f"{words.capitalize()}, scores below 0.1 or above 0.9",
                **about,
            )
        )
        rows += [
            row(
                f"absolute.size.{kind}.{regimen}",
                "expected",
                effective_size(weights[kind][mine]) if weights[kind][mine].any() else 0.0,
                group=f"{KINDS[kind]}, {words}",
                method="effective sample size (Kish)",
                **about,
            )
            for kind in WEIGHTS
        ]
    return results.collect([*rows, *_residuals(frame, terms, weights, k)])


def _residuals(frame: pd.DataFrame, terms: pd.DataFrame, weights: dict[str, np.ndarray], k: int) -> list:
    """The largest standardised difference that each kind of weights leaves among the factors of the model."""
    rows: list = []
    factors, treated = frame.attrs["factors"], frame["treated"].to_numpy()
    for kind in WEIGHTS:
        result_id, named = f"absolute.residual.{kind}", f"{KINDS[kind]}, largest difference left"
        used = weights[kind] > 0
        if disclosure.thin_levels(frame, factors, k) or len(set(treated[used])) < 2:
            rows.append(results.skipped(result_id, f"{named}: {disclosure.TOO_FEW}"))
            continue
        left = [abs(difference(terms[factor], treated, weights[kind])) for factor in terms]
        largest = float(np.nanmax(left))
        rows.append(
            row(
                result_id,
                "estimate",
                half_up(largest, 1) if k > 1 else largest,
                group=named,
                method="standardised difference of means",
                endpoint="OS2",
            )
        )
    return rows


def _weights(frame: pd.DataFrame, x: np.ndarray) -> dict[str, np.ndarray]:
    """The three kinds of weights of the patients themselves."""
    treated, score = frame["treated"].to_numpy(), frame["score"].to_numpy()
    own = np.where(treated, score, 1 - score)
    cut = adjusted.trimmed(x, treated, score[None], np.ones((1, len(frame))))[0]
    return {"iptw": 1 / own, "trimmed": cut, "overlap": 1 - own}


@disclosure.protected_by_frame
def effects(frame: pd.DataFrame, months: tuple[int, ...]) -> pd.DataFrame:
    """OS2 after radiotherapy alone and after systemic therapy alone, had all patients had the one or the
    other.

    Returns
    -------
    pandas.DataFrame
        For each of :data:`KINDS` and each month ``absolute.os2.<kind>.rate<m>.<rt, st>`` (alive, in percent),
        ``....rate<m>.less`` (radiotherapy less systemic therapy, percentage points), ``....rmst<m>.less``
        (the same of the mean time alive up to the month, in months), and for :data:`WITH_NUMBER`
        ``....nnt<m>``: patients to treat for one more to be alive, where the interval of the difference
        leaves out 0.
    """
    if results.skip_reason(frame):
        return frame
    k, treated = disclosure.carried_rule(frame), frame["treated"].to_numpy()
    days, event = frame["days"].to_numpy(dtype=float), frame["event"].to_numpy()
    reasons = {month: _unfit(frame, month, k) for month in months}
    rows: list = [
        results.skipped(f"absolute.os2.rate{month}", f"{month} months: {why}")
        for month, why in reasons.items()
        if why
    ]
    kept = [month for month in months if not reasons[month]]
    if not kept:
        return results.collect(rows)
    x, at = models.indicators(frame, frame.attrs["factors"]).to_numpy(), [m * DAYS_PER_MONTH for m in kept]
    drawn = samples(len(frame))
    exact = adjusted.effects(x, treated, days, event, at)
    found = adjusted.effects(x, treated, days, event, at, drawn)
    for kind in KINDS:
        if kind == "trimmed" and _few_left(frame, x, k):
            rows.append(results.skipped(f"absolute.os2.{kind}", f"{KINDS[kind]}: {disclosure.TOO_FEW}"))
            continue
        for place, month in enumerate(kept):
            of = {
                "rate": (100 * exact[kind][0, :, place], 100 * found[kind][:, :, place]),
                "rmst": tuple(
                    each[..., len(kept) + place] / DAYS_PER_MONTH for each in (exact[kind][0], found[kind])
                ),
            }
            rows += _rows(kind, month, of, f"{len(drawn)} bootstrap samples, seed {SEED}", frame, k)
    return results.collect(rows)


def _few_left(frame: pd.DataFrame, x: np.ndarray, k: int) -> bool:
    """Whether too few of a group, or of its deaths, are left once extreme scores are left out."""
    left = frame[_weights(frame, x)["trimmed"] > 0]
    groups = [left[left["treated"] == group] for group in GROUPS]
    return k > 1 and any(len(of) < 2 * k or of["event"].sum() < k for of in groups)


def _unfit(frame: pd.DataFrame, month: int, k: int) -> str:
    """Why there is nothing to compare at a month; empty where there is."""
    day = month * DAYS_PER_MONTH
    groups = [frame[frame["treated"] == group] for group in (True, False)]
    if any(of["days"].max() < day for of in groups):
        return "follow-up of one of the groups ends before"
    if any(not (of["event"] & (of["days"] <= day)).any() for of in groups):
        return "nobody died before in one of the groups"
    if k > 1 and (
        disclosure.thin_levels(frame, frame.attrs["factors"], k)
        or min(
            min((of["event"] & (of["days"] <= day)).sum(), (of["days"] >= day).sum(), len(of) // 2)
            for of in groups
        )
        < k
    ):
        return disclosure.TOO_FEW
    return ""


def _rows(kind: str, month: int, of: dict, drawn: str, frame: pd.DataFrame, k: int) -> list:
    """The rows of one kind and month; ``of``: estimates of both groups and of their samples, ``drawn``."""
    prefix, rows = f"absolute.os2.{kind}", []
    treated, method = frame["treated"], f"{METHOD[kind]}, {drawn}"
    shared: dict = {"population": KINDS[kind], "method": method, "endpoint": "OS2", "by": "salvage_regimen"}
    # a doubly robust estimate is a sum, which may pass the ends of what a share can be
    exact, found = (np.clip(each, 0, 100) for each in of["rate"])
    for group, words in GROUPS.items():
        lower, upper = spread_of(found[:, int(group)], exact[int(group)])
        rows.append(
            row(
                f"{prefix}.rate{month}.{'rt' if group else 'st'}",
                "rate",
                exact[int(group)],
                lower=lower,
                upper=upper,
                n=int((treated == group).sum()),
                events=int(frame.loc[treated == group, "event"].sum()),
                group=f"{KINDS[kind]}, {words}, {month} months",
                level="RT" if group else "ST",
                **shared,
            )
        )
    shared |= {"n": len(frame), "events": int(frame["event"].sum()), "level": "RT"}
    for what, statistic in (("rate", "rate difference"), ("rmst", "restricted mean")):
        value, (lower, upper) = _less(*of[what])
        if what == "rate":
            value, lower, upper = in_steps((value, lower, upper), treated, k)
            limits = (value, lower, upper)
        rows.append(
            row(
                f"{prefix}.{what}{month}.less",
                statistic,
                value,
                lower=lower,
                upper=upper,
                group=f"{KINDS[kind]}, {month} months",
                **shared,
            )
        )
    if kind in WITH_NUMBER:
        rows.append(number_needed(f"{prefix}.nnt{month}", limits, f"{KINDS[kind]}, {month} months", shared))
    return rows


def _less(exact: np.ndarray, found: np.ndarray) -> tuple[float, tuple[float | None, float | None]]:
    value = float(exact[1] - exact[0])
    return value, spread_of(found[:, 1] - found[:, 0], value)


def in_steps(numbers: tuple, treated: pd.Series, k: int) -> tuple:
    """A difference of rates to the nearest step of ``k`` patients of the smaller group, its limits to
    those outside.
    """
    if k <= 1:
        return numbers
    step = 100 * k / (disclosure.banded(int(treated.value_counts().min()), k) or k)
    down: tuple[Callable[[float], float], ...] = (np.round, np.floor, np.ceil)
    return tuple(
        None if each is None else float(to(each / step) * step) + 0.0 for each, to in zip(numbers, down)
    )


def number_needed(result_id: str, limits: tuple, named: str, shared: dict) -> dict | pd.DataFrame:
    """One over the difference, where its interval leaves out 0; a number below 0 would be one to harm."""
    value, lower, upper = limits
    if lower is None or upper is None or lower <= 0 <= upper:
        return results.skipped(
            result_id,
            f"{named}: the interval of the difference holds 0, so there is no number needed to treat",
        )
    ends = sorted(100 / end for end in (lower, upper))
    return row(
        result_id,
        "estimate",
        100 / value,
        lower=ends[0],
        upper=ends[1],
        group=f"{named}, number needed to treat",
        **shared | {"method": "number needed to treat, one over the difference"},
    )


def curves(frame: pd.DataFrame, months: int) -> pd.DataFrame:
    """Curves of both groups by each of three kinds up to a month: ``kind, group, month, percent``; or the
    row that says why there are none.
    """
    if results.skip_reason(frame):
        return frame
    k = disclosure.carried_rule(frame)
    if reason := disclosure.of_single_patients(frame):
        return release(results.skipped("absolute.curve", reason), k)
    days = frame["days"].to_numpy(dtype=float)
    last = min(frame.loc[frame["treated"] == group, "days"].max() for group in (True, False))
    grid = np.arange(0, min(last, months * DAYS_PER_MONTH) + 1, 7.0)
    x = models.indicators(frame, frame.attrs["factors"]).to_numpy()
    found = adjusted.effects(x, frame["treated"].to_numpy(), days, frame["event"].to_numpy(), list(grid))
    drawn = [
        pd.DataFrame(
            {
                "kind": KINDS[kind],
                "group": GROUPS[group].capitalize(),
                "month": grid / DAYS_PER_MONTH,
                "percent": 100 * found[kind][0, int(group), : len(grid)],
            }
        )
        for kind in ("crude", "standardised", "overlap", "doubly_robust")
        for group in GROUPS
    ]
    return release(pd.concat(drawn, ignore_index=True), k)
