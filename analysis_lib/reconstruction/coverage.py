"""How often is the method right where truth is known? ``python -m analysis_lib.reconstruction.coverage``.

Cohorts are simulated (:mod:`simulated`), a paper is printed about each, and several cohorts are made from its
claims alone, quickly and without sites. The book's own cohorts miss no claim; these may miss a few
(:data:`MISSES`), and each says how many. From those that lie farthest, each result is then pulled on to its
lowest and its highest value, all in all no farther from the claims, though another may be missed by a little
(:mod:`ends`, with the paper's own, counts only what misses none). A simulated cohort from whose paper too few
were made is counted as not reconstructed. The values (``simulated.csv``) are counted into the table that
chapter 12 reads (``coverage.csv``).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.consistent.cohorts import FOLDER

from . import covariates, drawn, failures, remade, sought, tables
from .__main__ import say
from .ends import COLD
from .realism import least_numbers
from .simulated import cohort, printed
from .slots import slots
from .state import DEAD, LDH, MONTHS_12, MONTHS_24, OS2, RT, ST, start
from .statistics import room
from .targets import Paper
from .times import WARM, misses, walk

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
TOLD = ["simulation", "cohort", "pulled", "missed"]
KINDS = {name: kind for name, (kind, _) in SOUGHT.items()} | {DEATHS: NUMBERS}
MISSES = 8  # claims on times, of some hundred, that a quick reconstruction may miss by a little


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
        self.least = least_numbers(self.state, self.fixed, progressed, lot.in_remission)
        self.space, self.usual = room(self.fixed), tuple(slots(paper)[0])

    def walk(
        self,
        steps: int,
        hot: float,
        cold: float,
        stop: bool = True,
        pull: np.ndarray = sought.NOTHING,
    ) -> float:
        """Go on, to the best state that was found; returns its loss, or how far it was pulled."""
        best, seed = self.state.copy(), int(self.rng.integers(2**31))
        of = (self.state, self.fixed, self.two_ok, self.usual, self.least)
        lowest = walk(*of, steps, hot, cold, seed, stop, best, self.space, pull)[2]
        self.state = best
        return float(lowest)

    def missed(self) -> set[str]:
        """The claims that the state does not meet."""
        return {each.split(" ")[0] for each in misses(self.state, self.fixed, self.paper)}

    def meet(self, steps: int) -> int:
        """Heat and cool, and stay a little where it is warm; how many claims stay missed."""
        self.walk(steps // 8, 1.0, 0.3, stop=False)
        self.walk(steps, 0.3, 0.005)
        if missed := self.missed():
            before = self.state.copy()
            self.walk(steps // 4, WARM, WARM)
            if len(self.missed()) > len(missed):
                self.state = before
        return len(self.missed())

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


def pushed(made: list[tuple[Search, np.ndarray]], steps: int) -> Iterator[dict]:
    """A line for each end of each result: the state that goes farthest, no farther from the
    claims all in all, from the cohort that lies farthest.
    """
    for name, (_, what) in SOUGHT.items():
        for towards, sign in (("lowest", 1), ("highest", -1)):
            search, state = min(made, key=lambda one: sign * results(one[1], one[0].fixed)[name])
            search.state = state.copy()
            pull = np.array((*what[:4], sign * what[4]), float)
            search.walk(steps, COLD, COLD, stop=False, pull=pull)
            yield {"pulled": f"{name}, {towards}", "missed": len(search.missed()), **search.results()}


def run(seed: int, starts: int, each: int, steps: int, pulls: int) -> pd.DataFrame:
    """One simulated cohort, and those made from a paper about it.

    Returns
    -------
    pandas.DataFrame
        A line a cohort: ``simulation, cohort`` (0: the truth), ``pulled`` (the result, and its end, to which
        a cohort was pulled; empty for one that was not), ``missed`` (claims of the paper; missing where no
        cohort came about) and a column for each result.
    """
    table, state, fixed, _ = cohort(np.random.default_rng(seed))
    paper = printed(table, state, fixed)
    lines: list[dict] = [{"missed": 0, **results(state, fixed)}]
    made: list[tuple[Search, np.ndarray]] = []
    for number in range(starts):
        try:
            search = Search(paper, 1000 * seed + number)
        except (LookupError, RuntimeError, ValueError):
            lines += [{}] * each
            continue
        for _ in range(each):
            missed = search.meet(steps)
            lines.append({"missed": missed, **search.results()})
            if missed <= MISSES:
                made.append((search, search.state.copy()))
    if made:
        lines += pushed(made, pulls)
    found = pd.DataFrame(lines, columns=[*TOLD, *KINDS])
    return found.assign(simulation=seed, cohort=range(len(found)), pulled=found["pulled"].fillna(""))


def certificate(values: pd.DataFrame, misses: int = MISSES, fewest: int = 2) -> pd.DataFrame:
    """How often truth lies within the range of the cohorts made from the paper about it, by kind of result.

    Parameters
    ----------
    values
        Lines of :func:`run`.
    misses
        A cohort that misses more claims does not count.
    fewest
        With fewer cohorts a simulation counts as not reconstructed.

    Returns
    -------
    pandas.DataFrame
        ``kind, within, of, by`` (``ensemble``, and where results were pulled to their ends, ``bounds``: the
        range that these widen); and in each line, of the ``simulated`` cohorts, how many were
        ``reconstructed`` (the truths of the others lie in no range, and are not in ``of``), the ``cohorts``
        made of these, how many claims these ``missed`` on average, and how often (percent) a range of so many
        holds one more draw of the same kind: ``expected``, of cohorts that were not pulled.
    """
    kept = values[(values["cohort"] == 0) | (values["missed"] <= misses)]
    was_pulled = values.loc[values["pulled"] != "", "simulation"]
    ensemble = _counted(values, kept[kept["pulled"] == ""], fewest).assign(by="ensemble")
    if was_pulled.empty:
        return ensemble
    values, kept = (each[each["simulation"].isin(was_pulled)] for each in (values, kept))
    return pd.concat([ensemble, _counted(values, kept, fewest).assign(by="bounds")], ignore_index=True)


def _counted(values: pd.DataFrame, kept: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Truths within the range of what is kept, and of how many and what kind of cohorts that is."""
    made = kept[(kept["cohort"] > 0) & (kept["pulled"] == "")]
    n = made.groupby("simulation").size()
    n = n[n >= fewest]
    missed = made[made["simulation"].isin(n.index)].groupby("simulation")["missed"].mean().mean()
    return _within(kept[kept["simulation"].isin(n.index)]).assign(
        simulated=values["simulation"].nunique(),
        reconstructed=len(n),
        cohorts=int(n.sum()),
        missed=round(float(missed), 1),
        expected=round(100 * float(((n - 1) / (n + 1)).mean()), 1),
    )


def _within(values: pd.DataFrame) -> pd.DataFrame:
    """Of how many true results the range of the other lines holds how many: ``kind, within, of``."""
    made = values[values["cohort"] > 0].groupby("simulation")
    true = values[values["cohort"] == 0].set_index("simulation")
    rows: dict[str, tuple[int, int]] = {}
    for name, kind in KINDS.items():
        slack = 1e-6 * true[name].abs()
        inside = (made[name].min() - slack <= true[name]) & (true[name] <= made[name].max() + slack)
        within, of = rows.get(kind, (0, 0))
        rows[kind] = (within + int(inside.sum()), of + len(inside))
    return pd.DataFrame([(k, *v) for k, v in rows.items()], columns=["kind", "within", "of"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.coverage", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 20), metavar=("FIRST", "LAST"))
    parser.add_argument("--starts", type=int, default=2, help="tables of covariates for each paper")
    parser.add_argument("--each", type=int, default=2, help="cohorts of each of them")
    parser.add_argument("--steps", type=int, default=500_000, help="of a cooling")
    parser.add_argument("--pulls", type=int, default=150_000, help="steps of a walk to an end")
    parser.add_argument("--values", type=Path, default=VALUES, help="values to add to; seeds in it stay")
    parser.add_argument("--counts", type=Path, default=COUNTS, help="where they are counted")
    options = parser.parse_args()
    since = time.monotonic()
    done = pd.read_csv(options.values) if options.values.exists() else pd.DataFrame(columns=TOLD)
    done["pulled"] = done["pulled"].fillna("")
    for seed in range(options.seeds[0], options.seeds[1] + 1):
        if seed in set(done["simulation"]):
            continue
        made = run(seed, options.starts, options.each, options.steps, options.pulls)
        made["code"] = remade.engine()
        done = made if done.empty else pd.concat([done, made], ignore_index=True)
        done.to_csv(options.values, index=False, lineterminator="\n", float_format="%.6g")
        missed = made.loc[made["pulled"] == "", "missed"]
        say(f"simulation {seed}: missed {missed.iloc[1:].tolist()}", since)
    counted = certificate(done).assign(code=" ".join(sorted(done["code"].unique())))
    counted.to_csv(options.counts, index=False, lineterminator="\n")
    print(counted.to_string(index=False))


if __name__ == "__main__":
    main()
