"""How far can a result go while every claim stays met? ``python -m analysis_lib.reconstruction.ends``.

From the consistent cohorts that lie farthest, the walk pulls each result (:mod:`sought`) on to its lowest and
its highest value. Every state that it finds is written out as tables, must meet every claim in the
independent check, and is analysed by the chapters' own analyses; what they give counts, over all these
cohorts and the committed ones. So results that are not pulled themselves (weighted hazard ratios, local
failure) have ends too: those of their neighbours' search. The widest that was found is no proof that nothing
lies beyond.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.analyses import cox_models, immortal, local_failure, mean_survival, survival, weighting
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent import cohorts
from analysis_lib.intake.read import read_cohort

from . import drawn, sought, tables
from .__main__ import missed_in_files, say
from .realism import least_numbers
from .slots import slots
from .state import CMT, MONTHS_12, MONTHS_24, OS2, RT, ST
from .statistics import room
from .taken_up import TakenUp, take_up
from .targets import the_paper
from .times import misses, walk

FILE = cohorts.FOLDER / "bounds.csv"
LANDMARK = 3  # months, as in chapter 9
# What is pulled, and by what weight: a usual range weighs about one.
PULLED: dict[str, tuple[float, ...]] = {
    "adjusted": (sought.ADJUSTED, 0, 0, 0, 1.5),
    "crude": (sought.RATIO, 0, 0, 0, 1.5),
    "mean24": (sought.MEAN, RT, ST, MONTHS_24, 0.3),
    "rate24.rt": (sought.RATE, RT, 0, MONTHS_24, 4),
    "rate12.rt": (sought.RATE, RT, 0, MONTHS_12, 4),
    "rate24.st": (sought.RATE, ST, 0, MONTHS_24, 6),
    "rate12.st": (sought.RATE, ST, 0, MONTHS_12, 6),
    "rate24.cmt": (sought.RATE, CMT, 0, MONTHS_24, 3),
    "rate12.cmt": (sought.RATE, CMT, 0, MONTHS_12, 3),
    "response.delayed": (sought.RESPONSE, 0, 0, 0, 1.5),
    "st.timed": (sought.TIMED, 0, 0, 0, 1.0),
    "st.naive": (sought.NAIVE, 0, 0, 0, 1.0),
    "st.landmark": (sought.LANDMARK, 0, 0, round(LANDMARK * 30.4375), 0.7),
    "mean12": (sought.MEAN, RT, ST, MONTHS_12, 0.6),
    "mean24.cmt": (sought.MEAN, CMT, RT, MONTHS_24, 0.2),
}
TOLD = ["rank", "start", "pulled", "towards"]
COLD = 0.003  # a temperature at which the walk hardly leaves the states that meet all claims on times
ENSEMBLE = "ensemble"
DIGITS = ".6g"
WRITINGS = 4  # how often sites and lines are drawn for a state before it is given up


def pulled(cohort: TakenUp, what: tuple[float, ...], steps: int, rounds: int, seed: int) -> np.ndarray:
    """The state that goes farthest in the direction of the pull, all claims on times being met."""
    rng, paper = np.random.default_rng(seed), the_paper()
    state, best, met, space = *(cohort.state.copy() for _ in range(3)), room(cohort.fixed)
    progressed = drawn.living_progressed(cohort.lot, paper)
    least = least_numbers(state, cohort.fixed, progressed, cohort.lot.in_remission)
    of = (cohort.fixed, cohort.two_ok, tuple(slots(paper)[0]), least)
    for _ in range(rounds):
        seed_of_walk = int(rng.integers(2**31))
        walk(state, *of, steps, COLD, COLD, seed_of_walk, False, best, space, np.array(what, float))
        # at an edge the walk, which starts its models from the last ones, may see a claim met that is not
        if not misses(best, cohort.fixed, paper):
            met = best.copy()
        state = met.copy()
    return met


def written(cohort: TakenUp, state: np.ndarray, seed: int) -> dict[str, pd.DataFrame] | None:
    """The tables of a state that meet every claim, or None if no draw of sites and lines does."""
    rng = np.random.default_rng(seed)
    for _ in range(WRITINGS):
        try:
            made = tables.assemble(cohort.people, state, cohort.fixed, cohort.lot, the_paper(), rng)
        except LookupError:
            continue
        if not missed_in_files(made, cohort.lot.family):
            return made
    return None


def analysed(study: Cohort) -> dict[str, float]:
    """The results of the chapters whose ends are looked for, by their ids."""
    of_st, of_rt = (immortal.second_modality(study, first) for first in ("ST", "RT"))
    frames = [
        weighting.compare(weighting.prepare(study)),
        mean_survival.restricted_means(study, "OS2", survival.rate_months(study)),
        survival.estimates(study, "OS2", by="salvage_sequence"),
        survival.estimates(study, "OS2", by="salvage_regimen"),
        immortal.response(study),
        immortal.compare(study, of_st, "st", LANDMARK, immortal.ADJUST),
        immortal.compare(study, of_rt, "rt", LANDMARK, immortal.ADJUST),
        local_failure.incidences(study, local_failure.sites(study)),
        cox_models.cox(study, "OS2", ["salvage_regimen", *immortal.ADJUST], "adjusted"),
    ]
    rows = pd.concat([frame[["result_id", "statistic", "value"]] for frame in frames])
    kept = rows["statistic"].isin(["rate", "hazard ratio", "restricted mean", "rate difference"])
    found = rows[kept].dropna(subset="value").set_index("result_id")["value"].astype(float).to_dict()
    return found | crude(found)


def crude(found: dict[str, float]) -> dict[str, float]:
    """The same rates and differences under the ids of chapter 14."""
    named = {}
    for month in (12, 24):
        rates = {name: found.get(f"os2.rate{month}.salvage_regimen.{name}") for name in ("rt", "st")}
        for name, rate in rates.items():
            if rate is not None:
                named[f"absolute.os2.crude.rate{month}.{name}"] = rate
                named[f"censoring.os2.km{month}.{name}"] = rate
        if rates["rt"] is not None and rates["st"] is not None:
            named[f"absolute.os2.crude.rate{month}.less"] = rates["rt"] - rates["st"]
        if (less := found.get(f"rmst.os2.{month}.st.less_rt")) is not None:
            named[f"absolute.os2.crude.rmst{month}.less"] = -less
    return named


def value(cohort: TakenUp, what: tuple[float, ...]) -> float:
    """What is sought, in a cohort."""
    order = np.argsort(cohort.state[:, OS2], kind="stable")
    return sought.value(np.array(what, float), cohort.state, cohort.fixed, order, room(cohort.fixed))


def search(
    names: list[str], rank: int, steps: int, rounds: int, done: set[tuple[str, str]]
) -> Iterator[dict]:
    """What the chapters give for each state at an end, with what was pulled (``names`` of :data:`PULLED`) and
    from which committed cohort: the one that lies farthest already (``rank`` 0), or the next; without what is
    ``done`` already.
    """
    every = {
        number: take_up(cohorts.tables(number), drawn.family_of(made_by))
        for number, made_by in cohorts.made_by().items()
    }
    for number, (name, what) in enumerate(PULLED.items()):
        order = sorted(every, key=lambda k: value(every[k], what))
        for towards, sign, start in (("lowest", 1, order[rank]), ("highest", -1, order[-1 - rank])):
            if name not in names or (name, towards) in done:
                continue
            seed = 1000 * rank + 2 * number + (sign < 0)
            state = pulled(every[start], (*what[:4], sign * what[4]), steps, rounds, seed)
            made = written(every[start], state, seed)
            line = {"rank": rank, "start": start, "pulled": name, "towards": towards}
            if made is not None:
                with tempfile.TemporaryDirectory() as folder:
                    line |= analysed(read_cohort(cohorts.hand_over(made, start, Path(folder))))
            yield line


def bounds(found: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """The lowest and the highest value of each result over what was found, now and ``earlier``, and the
    committed cohorts, where something was found beyond these.

    Parameters
    ----------
    found
        Lines of :func:`search`.
    earlier
        A table of ends, as this function gives it.

    Returns
    -------
    pandas.DataFrame
        ``result_id, lowest, highest, starts, found_by``: from how many cohorts at least the searches
        set out, and which pull led to the lowest and the highest (:data:`ENSEMBLE`: a committed cohort).
    """
    plain = cohorts.rows()
    plain = plain[plain["statistic"] != "skipped"].pivot(index="result_id", columns="cohort", values="value")
    rows, before = [], earlier.set_index("result_id")
    by = found["pulled"] + ", " + found["towards"]
    for name in {*found.columns.drop(TOLD), *before.index}:
        usual = plain.loc[name].dropna().astype(float) if name in plain.index else pd.Series(dtype=float)
        lows, highs, starts = [], [], 0
        if name in before.index:
            one = before.loc[name]
            low_by, _, high_by = one["found_by"].partition("; ")
            lows.append((one["lowest"], low_by))
            highs.append((-one["highest"], high_by))
            starts = int(one["starts"])
        if name in found and len(known := found[name].dropna()):
            lows.append((known.min(), by[known.idxmin()]))
            highs.append((-known.max(), by[known.idxmax()]))
            starts = max(starts, found["start"].nunique())
        lows.append((usual.min(), ENSEMBLE))
        highs.append((-usual.max(), ENSEMBLE))
        (low, low_by), (high, high_by) = min(lows, key=_first), min(highs, key=_first)
        if low_by != high_by or low_by != ENSEMBLE:
            rows.append((name, low, -high, starts, f"{low_by}; {high_by}"))
    return pd.DataFrame(rows, columns=cohorts.BOUNDS).sort_values("result_id", ignore_index=True)


def _first(pair: tuple[float, str]) -> float:
    """What is compared, with the digits that the table keeps."""
    return np.inf if np.isnan(pair[0]) else float(format(pair[0], DIGITS))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.ends", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--ranks", nargs="+", type=int, default=[0, 1], help="0: from the farthest cohort")
    parser.add_argument("--steps", type=int, default=200_000, help="of each walk")
    parser.add_argument("--rounds", type=int, default=2, help="walks towards each end")
    parser.add_argument("--found", type=Path, required=True, help="lines to add to; what is in it stays")
    parser.add_argument(
        "--pulled", nargs="+", choices=list(PULLED), default=list(PULLED), help="what to pull (default: all)"
    )
    parser.add_argument("--out", type=Path, default=FILE, help="the table of ends; ends in it stay")
    options = parser.parse_args()
    since = time.monotonic()
    found = pd.read_csv(options.found) if options.found.exists() else pd.DataFrame(columns=TOLD)
    for rank in options.ranks:
        mine = found[found["rank"] == rank]
        done = set(zip(mine["pulled"], mine["towards"]))
        for line in search(options.pulled, rank, options.steps, options.rounds, done):
            say(f"{line['pulled']}, {line['towards']}: {len(line) - len(TOLD)} results", since)
            found = pd.concat([found, pd.DataFrame([line])], ignore_index=True)
            found.to_csv(options.found, index=False, lineterminator="\n")
    earlier = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame(columns=cohorts.BOUNDS)
    bounds(found, earlier).to_csv(options.out, index=False, lineterminator="\n", float_format=f"%{DIGITS}")


if __name__ == "__main__":
    main()
