"""How often is the method right where truth is known? ``python -m analysis_lib.reconstruction.coverage``.

Cohorts are simulated (:mod:`simulated`), a paper is printed about each, and several cohorts are reconstructed
from its claims alone, quickly and without sites; then each result is pushed to its ends while no claim is met less
well. A cohort counts if it misses at most :data:`MISSES` of the statistics that are printed of times (the
book's own cohorts miss none); a simulated cohort for which none was found counts as not reconstructed, and
stands in both tables. The values are written simulation by simulation (``simulated.csv``), and counted from
there (``coverage.csv``, which chapter 12 reads).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.consistent.cohorts import FOLDER

from . import covariates, drawn, failures, sought, tables
from .__main__ import say
from .realism import least_numbers
from .simulated import cohort, printed
from .slots import slots, with_weight
from .state import DEAD, LDH, MONTHS_12, MONTHS_24, OS2, RT, ST, start
from .statistics import room
from .targets import Paper
from .times import misses, walk

VALUES, COUNTS = FOLDER / "simulated.csv", FOLDER / "coverage.csv"
RATES, MEANS, RATIOS, NUMBERS = "rates", "differences of mean survival", "hazard ratios", "counts"
# What is sought (:mod:`sought`), its kind, and the pull that makes a usual range weigh about one.
SOUGHT: dict[str, tuple[str, tuple[float, ...]]] = {
    **{
        f"OS2 at {month} months, {name}": (RATES, (sought.RATE, group, 0, day, 4.0))
        for name, group in (("RT", RT), ("CMT", 1), ("ST", ST))
        for month, day in ((12, MONTHS_12), (24, MONTHS_24))
    },
    "mean survival to 24 months, RT less ST": (MEANS, (sought.MEAN, RT, ST, MONTHS_24, 0.3)),
    "hazard ratio, RT against ST": (RATIOS, (sought.RATIO, 0, 0, 0, 1.5)),
    "hazard ratio, RT against ST, adjusted": (RATIOS, (sought.ADJUSTED, 0, 0, 0, 1.5)),
    "hazard ratio, RT against ST, delayed entry": (RATIOS, (sought.DELAYED, 0, 0, 0, 1.5)),
}
DEATHS = "deaths with normal LDH"
MISSES = 3  # claims on times, of some hundred, that a quick reconstruction may miss by a little
PUSHED = 1  # cohorts of a paper from which results are pushed to their ends
COLUMNS = ["simulation", "kind", "result", "truth", "tried", "met", "missed"]
ENDS = ["lowest", "highest", "lowest_pushed", "highest_pushed"]


class Search:
    """The walk through the cohorts of one paper that share covariates, from a seed."""

    def __init__(self, paper: Paper, seed: int, effort: float = 4):
        self.paper, self.rng = paper, np.random.default_rng(seed)
        table = tables.people(covariates.solve(paper, seed, effort), paper, self.rng)
        responder = table.responder.to_numpy() == 1
        table["failure"], table["response"] = failures.draw(responder, paper, self.rng)
        lot = drawn.draw(table, paper, self.rng)
        self.state, self.fixed, self.two_ok = start(table, lot, paper, self.rng)
        progressed = drawn.living_progressed(lot, paper)
        self.least = least_numbers(self.state, self.fixed, progressed)
        self.space, self.usual = room(self.fixed), tuple(slots(paper)[0])

    def walk(
        self,
        steps: int,
        hot: float,
        cold: float,
        stop: bool = True,
        targets: tuple | None = None,
        pull: np.ndarray = sought.NOTHING,
    ) -> float:
        """Go on, to the best state that was found; returns its loss, or how far it was pulled."""
        best, seed = self.state.copy(), int(self.rng.integers(2**31))
        of = (self.state, self.fixed, self.two_ok, targets or self.usual, self.least)
        lowest = walk(*of, steps, hot, cold, seed, stop, best, self.space, pull)[2]
        self.state = best
        return float(lowest)

    def missed(self) -> list[str]:
        """The claims that the state does not meet."""
        return misses(self.state, self.fixed, self.paper)

    def meet(self, steps: int, again: int = 2) -> int:
        """Heat and cool, and again where claims are missed, which then weigh more; how many stay missed."""
        self.walk(steps // 8, 1.0, 0.3, stop=False)
        self.walk(steps, 0.3, 0.005)
        hard: set[str] = set()
        for _ in range(again):
            if not (missed := self.missed()):
                break
            hard.update(missed)
            before, few = self.state.copy(), len(claims(missed))
            self.walk(steps // 4, 0.05, 0.004, targets=with_weight(self.paper, hard, 5))
            if len(claims(self.missed())) > few:
                self.state = before
        return len(claims(self.missed()))

    def results(self) -> dict[str, float]:
        """The results of the state."""
        return results(self.state, self.fixed)


def results(state: np.ndarray, fixed: np.ndarray) -> dict[str, float]:
    """Results that the paper does not print; rates as shares, hazard ratios as such."""
    order, space = np.argsort(state[:, OS2], kind="stable"), room(fixed)
    found = {
        name: float(sought.value(np.array(what, float), state, fixed, order, space))
        for name, (_, what) in SOUGHT.items()
    }
    as_such = {name: float(np.exp(found[name])) for name, (kind, _) in SOUGHT.items() if kind == RATIOS}
    return found | as_such | {DEATHS: float(state[state[:, LDH] == 0, DEAD].sum())}


def claims(missed: list[str]) -> set[str]:
    """The claims of which statistics were missed."""
    return {each.split(" ")[0] for each in missed}


def reconstruct(paper: Paper, seeds: list[int], steps: int, pushes: int) -> tuple[list, list, list[int]]:
    """Results of the cohorts made from a paper, those found while results were pushed to their ends, and how
    many claims each cohort that was tried missed (-1: no cohort).
    """
    met: list[dict[str, float]] = []
    pushed: list[dict[str, float]] = []
    missed = []
    for seed in seeds:
        try:
            search = Search(paper, seed)
        except (LookupError, RuntimeError, ValueError):
            missed.append(-1)
            continue
        missed.append(search.meet(steps))
        if missed[-1] > MISSES:
            continue
        met.append(search.results())
        if pushes and len(met) <= PUSHED:
            for _, what in SOUGHT.values():
                pushed += both_ends(search, what, pushes)
    return met, pushed, missed


def both_ends(search: Search, what: tuple[float, ...], steps: int) -> list[dict[str, float]]:
    """Results of the states that go farthest either way."""
    begun, found = search.state.copy(), []
    for sign in (1, -1):
        search.state = begun.copy()
        search.walk(steps, 0.02, 0.003, False, None, np.array([*what[:4], sign * what[4]], float))
        found.append(search.results())
    search.state = begun
    return found


def run(seed: int, starts: int, steps: int, pushes: int) -> pd.DataFrame:
    """One simulated cohort: a line a result, with its truth and the ends of what was reconstructed."""
    table, state, fixed, _ = cohort(np.random.default_rng(seed))
    paper = printed(table, state, fixed)
    truth = results(state, fixed)
    seeds = [1000 * seed + number for number in range(starts)]
    met, pushed, missed = reconstruct(paper, seeds, steps, pushes)
    kinds = {name: kind for name, (kind, _) in SOUGHT.items()} | {DEATHS: NUMBERS}
    rows = []
    for name, true in truth.items():
        plain, every = [of[name] for of in met], [of[name] for of in met + pushed]
        ends = (min(plain), max(plain), min(every), max(every)) if plain else (np.nan,) * 4
        rows.append((seed, kinds[name], name, true, len(seeds), len(met), _told(missed), *ends))
    found = pd.DataFrame(rows, columns=COLUMNS + ENDS)
    return found if pushes else found.assign(lowest_pushed=np.nan, highest_pushed=np.nan)


def _told(missed: list[int]) -> str:
    return " ".join(map(str, missed))


def certificate(values: pd.DataFrame) -> pd.DataFrame:
    """How often truth lies within the range of the cohorts, and within the ends of the search, by kind.

    Returns
    -------
    pandas.DataFrame
        ``kind, within, of, by`` (``ensemble`` or ``bounds``), and of the simulated cohorts, ``simulated``,
        how many were ``reconstructed``: truths of the others are in no range, and not in ``of``.
    """
    slack = 1e-6 * values["truth"].abs()
    rows = []
    for by, low, high in (("ensemble", *ENDS[:2]), ("bounds", *ENDS[2:])):
        known = values[values[low].notna()]
        inside = (known[low] - slack <= known["truth"]) & (known["truth"] <= known[high] + slack)
        for kind, within in inside.groupby(known["kind"], sort=False):
            rows.append((kind, int(within.sum()), len(within), by))
    done = values.groupby("simulation")["met"].first()
    return pd.DataFrame(rows, columns=["kind", "within", "of", "by"]).assign(
        simulated=len(done), reconstructed=int((done > 0).sum())
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.coverage", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 20), metavar=("FIRST", "LAST"))
    parser.add_argument("--starts", type=int, default=4, help="own seeds for each paper")
    parser.add_argument("--steps", type=int, default=600_000, help="of the first cooling")
    parser.add_argument("--pushes", type=int, default=12_000, help="steps towards each end; 0: no ends")
    parser.add_argument("--values", type=Path, default=VALUES, help="values to add to; seeds in it stay")
    parser.add_argument("--counts", type=Path, default=COUNTS, help="where they are counted")
    options = parser.parse_args()
    since = time.monotonic()
    done = pd.read_csv(options.values) if options.values.exists() else pd.DataFrame(columns=COLUMNS + ENDS)
    for seed in range(options.seeds[0], options.seeds[1] + 1):
        if seed in set(done["simulation"]):
            continue
        made = run(seed, options.starts, options.steps, options.pushes)
        done = made if done.empty else pd.concat([done, made], ignore_index=True)
        done.to_csv(options.values, index=False, lineterminator="\n", float_format="%.6g")
        say(f"simulation {seed}: {made['met'].iloc[0]} of {made['tried'].iloc[0]} cohorts; missed {made['missed'].iloc[0]}", since)
    counted = certificate(done)
    counted.to_csv(options.counts, index=False, lineterminator="\n")
    print(counted.to_string(index=False))


if __name__ == "__main__":
    main()
