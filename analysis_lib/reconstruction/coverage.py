"""How often is the method right where truth is known? ``python -m analysis_lib.reconstruction.coverage``.

Cohorts are simulated (:mod:`simulated`), a paper is printed about each, and several cohorts are reconstructed
from its claims alone, quickly and without sites. Each line of the table that is written is one result of one
cohort, the truth being cohort 0; :func:`certificate` counts how often truth lies within the range.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from scipy import stats

from analysis_lib.consistent.cohorts import FOLDER
from analysis_lib.dictionary.units import DAYS_PER_MONTH

from . import covariates, drawn, failures, tables
from .__main__ import say
from .simulated import cohort, printed
from .slots import slots, with_weight
from .state import ADV, DEAD, G3, LDH, OS2, RT, ST, TTS, start
from .statistics import room
from .targets import Paper
from .times import misses, walk

FILE = FOLDER / "coverage.csv"
REGIMENS = ("RT", "CMT", "ST")
MONTHS = (12, 24)


def reconstruct(paper: Paper, seed: int, effort: float = 4, steps: int = 250_000) -> tuple:
    """State and fixed columns of a cohort that a paper's claims give, and the claims that it misses."""
    rng = np.random.default_rng(seed)
    table = tables.people(covariates.solve(paper, seed, effort), paper, rng)
    responder = table.responder.to_numpy() == 1
    table["failure"], table["response"] = failures.draw(responder, paper, rng)
    lot = drawn.draw(table, paper, rng)
    state, fixed, two_ok = start(table, lot, paper, rng)
    least, space, best = drawn.living_progressed(lot, paper), room(fixed), state.copy()
    targets = tuple(slots(paper)[0])

    def anneal(steps: int, hot: float, cold: float, stop: bool) -> list[str]:
        random = int(rng.integers(2**31))
        walk(state, fixed, two_ok, targets, least, steps, hot, cold, random, stop, best, space)
        state[:] = best
        return misses(state, fixed, paper)

    anneal(steps // 8, 1.0, 0.3, False)
    missed = anneal(steps, 0.3, 0.005, True)
    if missed:
        targets = with_weight(paper, set(missed), 5)
        missed = anneal(steps // 2, 0.1, 0.004, True)
    return state, fixed, missed


def survival_at(days: np.ndarray, dead: np.ndarray, end: float) -> tuple[float, float]:
    """Kaplan-Meier survival at a day, in percent, and the mean survival to it, in months."""
    s, area, last = 1.0, 0.0, 0.0
    for t in np.unique(days[(dead == 1) & (days <= end)]):
        area += s * (t - last)
        s *= 1 - ((days == t) & (dead == 1)).sum() / (days >= t).sum()
        last = t
    return 100 * s, (area + s * (end - last)) / DAYS_PER_MONTH


def results(state: np.ndarray, fixed: np.ndarray) -> dict[str, float]:
    """Results that the paper does not print: rates and mean survival by regimen, and hazard ratios of ST
    against RT (adjusted for stage and LDH; with entry at salvage on the time since infusion).
    """
    days, dead, group = state[:, OS2], state[:, DEAD], fixed[:, G3]
    found: dict[str, float] = {}
    mean = {}
    for code, name in enumerate(REGIMENS):
        for month in MONTHS:
            rate, mean[name] = survival_at(days[group == code], dead[group == code], month * DAYS_PER_MONTH)
            found[f"rate, OS2 at {month} months, {name}"] = rate
    found["difference of mean survival to 24 months, ST less RT"] = mean["ST"] - mean["RT"]
    found["deaths with normal LDH"] = float(dead[fixed[:, LDH] == 0].sum())
    known = np.isin(group, (RT, ST))
    frame = pd.DataFrame(
        {
            "days": days,
            "dead": dead,
            "st": group == ST,
            "advanced": fixed[:, ADV],
            "ldh": fixed[:, LDH],
            "entry": state[:, TTS],
            "end": state[:, TTS] + days,
        }
    )[known].astype(float)
    adjusted = CoxPHFitter().fit(frame[["days", "dead", "st", "advanced", "ldh"]], "days", "dead")
    found["hazard ratio, ST against RT, adjusted"] = float(np.exp(adjusted.params_["st"]))
    late = CoxPHFitter().fit(frame[["entry", "end", "dead", "st"]], "end", "dead", entry_col="entry")
    found["hazard ratio, ST against RT, delayed entry"] = float(np.exp(late.params_["st"]))
    return found


def run(seed: int, cohorts: int) -> pd.DataFrame:
    """One simulated cohort (0) and those reconstructed from its paper: ``simulation, cohort, missed, result,
    value``. ``missed`` counts printed claims that a quick reconstruction does not meet.
    """
    rng = np.random.default_rng(seed)
    table, state, fixed, _ = cohort(rng)
    paper = printed(table, state, fixed)
    found = [(0, 0, results(state, fixed))]
    for number in range(1, cohorts + 1):
        try:
            made, of, missed = reconstruct(paper, 1000 * seed + number)
        except (LookupError, RuntimeError, ValueError):
            continue
        found.append((number, len({each.split(" ")[0] for each in missed}), results(made, of)))
    return pd.DataFrame(
        [
            {"simulation": seed, "cohort": k, "missed": missed, "result": result, "value": value}
            for k, missed, values in found
            for result, value in values.items()
        ]
    )


def certificate(table: pd.DataFrame) -> pd.DataFrame:
    """How often truth lies within the range of the reconstructed cohorts, by result.

    Returns
    -------
    pandas.DataFrame
        ``result, simulations, within, percent, lower, upper`` (exact 95% limits) and ``expected``: percent of
        times that one more draw would lie within the range if truth and cohorts were exchangeable.
    """
    rows = []
    ensemble = table[table.cohort > 0].groupby(["result", "simulation"]).value.agg(["min", "max", "size"])
    truth = table[table.cohort == 0].set_index(["result", "simulation"]).value
    both = ensemble.join(truth, how="inner")
    both["within"] = (both["min"] <= both.value) & (both.value <= both["max"])
    for result, of in both.groupby("result"):
        exact = stats.binomtest(int(of.within.sum()), len(of)).proportion_ci()
        rows.append(
            {
                "result": result,
                "simulations": len(of),
                "within": int(of.within.sum()),
                "percent": 100 * of.within.mean(),
                "lower": 100 * exact.low,
                "upper": 100 * exact.high,
                "expected": 100 * ((of["size"] - 1) / (of["size"] + 1)).mean(),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.coverage", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 20), metavar=("FIRST", "LAST"))
    parser.add_argument("--cohorts", type=int, default=5, help="reconstructed from each paper")
    parser.add_argument(
        "--out", type=Path, default=FILE, help="table to add to; seeds in it are not repeated"
    )
    options = parser.parse_args()
    since = time.monotonic()
    done = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame({"simulation": []})
    for seed in range(options.seeds[0], options.seeds[1] + 1):
        if seed in set(done.simulation):
            continue
        done = pd.concat([done, run(seed, options.cohorts)], ignore_index=True)
        done.to_csv(options.out, index=False, lineterminator="\n", float_format="%.6g")
        say(f"simulation {seed}", since)
    print(certificate(done).to_string(index=False))


if __name__ == "__main__":
    main()
