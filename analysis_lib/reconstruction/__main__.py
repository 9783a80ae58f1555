"""Make the reconstructed cohort: ``python -m analysis_lib.reconstruction --seed N --out DIR``.

Needs the optional extra ``reconstruct`` (OR-tools, numba). Equal seeds give equal tables.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from analysis_lib.files.places import RECONSTRUCTED

from . import check, covariates, drawn, failures, sought, tables
from .realism import least_numbers
from .slots import slots
from .state import start
from .statistics import room
from .targets import the_paper
from .times import WARM, misses, walk

if TYPE_CHECKING:
    import pandas as pd

STEPS = 3_000_000  # of a walk that cools
REHEATS = 3  # how often the times are heated and cooled again while a statistic stays missed
POLISHES = 4  # how often what little is missed after cooling is sought near by
REDRAWS = 10  # how often sites and lines are drawn again when the times miss nothing but they do


def say(message: str, since: float) -> None:
    """Progress, on the error stream."""
    print(f"[{time.monotonic() - since:6.1f} s] {message}", file=sys.stderr, flush=True)


def make(
    seed: int,
    quick: bool = False,
    siblings: int = 0,
    since: float | None = None,
    family: str = "printed",
) -> Iterator[dict]:
    """The four tables for a seed, then those of its siblings, as far as they miss nothing.

    A sibling starts from the last cohort that missed nothing: its times, and the covariates that move with
    them, are heated far above where they froze, and cooled again. ``quick`` anneals for seconds and accepts
    what it has then.

    Long because its four stages hand each other what they found, and begin anew where one fails.
    """
    since = since or time.monotonic()
    rng = np.random.default_rng(seed)
    say("covariates", since)
    paper = the_paper()
    table = tables.people(covariates.solve(paper, seed, 8 if quick else 20, family), paper, rng)
    table["failure"], table["response"] = failures.draw(table.responder.to_numpy() == 1, paper, rng)
    lot = drawn.draw(table, paper, rng, family)
    state, fixed, two_ok = start(table, lot, paper, rng)
    usual, space = tuple(slots(paper)[0]), room(fixed)
    least = least_numbers(state, fixed, drawn.living_progressed(lot, paper), lot.in_remission)
    best = state.copy()
    scale = 20 if quick else 1

    def anneal(steps: int, hot: float, cold: float, stop: bool) -> list[str]:
        nonlocal state
        _, _, lowest = walk(
            state,
            fixed,
            two_ok,
            usual,
            least,
            steps // scale,
            hot,
            cold,
            int(rng.integers(2**31)),
            stop,
            best,
            space,
            sought.NOTHING,
        )
        state = best.copy()
        missed = misses(state, fixed, paper)
        names = sorted({each.split(" ")[0] for each in missed})
        told = ", ".join(names) if len(names) < 4 else f"{len(names)} claims"
        say(f"times: loss {lowest:.4f}; missed: {told or 'nothing'}", since)
        return missed

    def polish(missed: list[str]) -> list[str]:
        for _ in range(0 if quick else POLISHES):
            if missed:
                missed = anneal(STEPS // 2, WARM, WARM, True)
        return missed

    anneal(200_000, 1.0, 0.3, False)
    missed = polish(anneal(STEPS, 0.2, 0.004, True))
    for _ in range(0 if quick else REHEATS):
        if missed:
            missed = polish(anneal(STEPS, 0.15, 0.004, True))

    def tabulate() -> tuple[dict[str, pd.DataFrame], list[str]]:
        made = tables.assemble(table, state, fixed, lot, paper, rng, 1 if quick else 6)
        if quick or missed:
            say(f"sites and lines; missed: {missed}", since)
            return made, missed
        for redrawn in range(REDRAWS + 1):
            wrong = missed_in_files(made, family)
            if not wrong or redrawn == REDRAWS:
                break
            made = tables.assemble(table, state, fixed, lot, paper, rng)
        say(f"sites and lines; missed: {wrong or 'nothing'}", since)
        return made, wrong

    for last in [False] * REHEATS + [True]:
        try:
            made, wrong = tabulate()
            break
        # the times may leave no room for sites and lines, most often far from the printed numbers
        except LookupError as why:
            if last:
                raise
            say(f"{why}: the times are heated again", since)
            missed = polish(anneal(STEPS, 1.0 if missed else 0.15, 0.004, True))
    yield made
    exact = state.copy()
    for _ in range(0 if wrong else siblings):
        state = exact.copy()
        # on from where it is hot
        seed_of_walk = int(rng.integers(2**31))
        of = (state, fixed, two_ok, usual, least)
        walk(*of, 150_000, 0.5, 0.2, seed_of_walk, False, best, space, sought.NOTHING)
        missed = polish(anneal(STEPS, 0.2, 0.004, True))
        if missed:
            continue
        try:
            made, wrong = tabulate()
        except LookupError as why:
            say(f"{why}: no sibling", since)
            continue
        if not wrong:
            exact = state.copy()
            yield made


def command_of(seed: int, quick: bool = False, family: str = "printed") -> str:
    """The command that makes a cohort anew."""
    words = f"python -m analysis_lib.reconstruction --seed {seed}" + " --quick" * quick
    return words if family == "printed" else f"{words} --family {family}"


def missed_in_files(made: dict, family: str) -> list[str]:
    """The claims that the independent check misses in these tables, once they are written and read back."""
    with tempfile.TemporaryDirectory() as folder:
        write(made, Path(folder), "")
        held = check.compare(check.read(Path(folder)))
    return sorted(set(held.claim[held.verdict == "miss"]) - drawn.GIVEN_UP[family])


def write(made: dict, folder: Path, made_by: str) -> None:
    """Tables as CSV, and the manifest beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    manifest = {
        "name": "reconstructed",
        "title": "Reconstructed cohort (synthetic)",
        "synthetic": True,
        "tables": {name: f"{name}.csv" for name in made},
        "made_by": made_by,
    }
    (folder / "cohort.yml").write_text(yaml.safe_dump(manifest, sort_keys=False))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seed", type=int, required=True, help="equal seeds give equal tables")
    parser.add_argument(
        "--out",
        type=Path,
        default=RECONSTRUCTED.parent,
        help="folder for the tables (default: the bundled cohort)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes; many statistics will miss"
    )
    parser.add_argument(
        "--siblings",
        type=int,
        default=0,
        metavar="K",
        help="try K further cohorts that "
        "start from this one; those "
        "that miss nothing go to OUT-1, OUT-2, ...",
    )
    parser.add_argument(
        "--family",
        choices=list(drawn.FAMILIES),
        default="printed",
        help="; ".join(f"{name}: {what}" for name, what in drawn.FAMILIES.items()),
    )
    options = parser.parse_args()
    since, command = time.monotonic(), command_of(options.seed, options.quick, options.family)
    try:
        cohorts = make(options.seed, options.quick, options.siblings, since, options.family)
        for number, made in enumerate(cohorts):
            out = options.out.with_name(f"{options.out.name}-{number}") if number else options.out
            write(
                made, out, f"{command} --siblings {options.siblings}: number {number}" if number else command
            )
            say(f"written to {out}", since)
    except LookupError as why:
        sys.exit(f"No cohort was found with this seed: {why}. Nothing was written; take another seed.")


if __name__ == "__main__":
    main()
