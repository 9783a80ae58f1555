"""Where the time goes in what is slower than it was meant to be: stages of a cold build, and packages behind
the rows of chapters 1 to 9. Prints Markdown, which :mod:`bench` adds to its page.

    python tools/bench_profile.py reconstructed lymphoma
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from analysis_lib.binding import build, chapter, chapters, pages
from analysis_lib.intake.read import read_cohort

# Stages as a reader of build.py meets them; what stands further in is taken out of what stands around it.
STAGES = {
    "chapters, each in a kernel, and the explorer": (build, "run_all"),
    "auditor's certificates": (build, "certificates_of"),
    "pages on the chapters: cover, primer, methods, manuscripts, downloads": (pages, "write"),
    "Sphinx": (build, "render"),
    "search for leaks": (build, "check_for_leaks"),
}
WHY = """\
A cold build is held against its chapters' code and Sphinx alone. Beside that it forks a kernel for each
chapter and speaks with it, draws each figure once more, as PDF to take away with its fonts, and makes
the explorer. The ledger waits for the other chapters, and what follows the chapters runs on one core; of
more than one cohort less is waited for. A changed chapter costs a run and, on one core, Sphinx once more.
R's scripts write the rows of chapters 1 to 9 without drawing anything by chance: bootstrap samples and
imputations are ours alone, as are disclosure control, sentences and answers; what pandas takes is the price
of tidy frames of a few rows each."""


def stages(cohorts: list[str]) -> dict[str, float]:
    """Seconds of each stage of a cold build, by the clock."""
    took = dict.fromkeys(STAGES, 0.0)
    inside: list[str] = []
    since = time.perf_counter()

    def turn(name: str = "") -> None:
        """Go into a stage, or out of one; the time until now is of where we were."""
        nonlocal since
        now = time.perf_counter()
        if inside:
            took[inside[-1]] += now - since
        since = now
        inside.append(name) if name else inside.pop()

    def timed(name, original):
        def calling(*arguments, **options):
            turn(name)
            try:
                return original(*arguments, **options)
            finally:
                turn()

        return calling

    def timed_while_it_yields(name, original):
        def running(*arguments, **options):
            turn(name)
            yield from original(*arguments, **options)
            turn()

        return running

    for name, (module, function) in STAGES.items():
        how = timed_while_it_yields if function == "run_all" else timed
        setattr(module, function, how(name, getattr(module, function)))
    build.report = lambda outcome: None
    with tempfile.TemporaryDirectory() as folder:
        build.build(cohorts, Path(folder) / "out", 2)
    return took


def packages() -> dict[str, float]:
    """CPU seconds of the rows of chapters 1 to 9, a second time in one process, by package."""
    study = read_cohort("reconstructed")
    with tempfile.TemporaryDirectory() as folder:
        for profiler in (None, cProfile.Profile(time.process_time)):
            if profiler:
                profiler.enable()
            for each in chapters.chapters_of(study)[:9]:
                chapter.calculate(each, study, Path(folder))
    profiler.disable()
    found: dict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, alone, _, _) in pstats.Stats(profiler).stats.items():
        found[package_of(file)] += alone
    return dict(found)


def package_of(file: str) -> str:
    """The package of a file: a room of the library, or a library."""
    parts = Path(file).parts
    for mark, as_many in (("analysis_lib", 2), ("site-packages", 1)):
        if mark in parts:
            place = parts.index(mark) + (mark == "site-packages")
            return "/".join(parts[place : place + as_many])
    return "Python's own, and compiled code"


def main() -> None:
    """Print both tables."""
    cohorts = sys.argv[1:]
    lines = [WHY, "", f"### A cold build, stage by stage ({', '.join(cohorts)})", ""]
    lines += ["| stage | wall s |", "|---|---|"]
    lines += [f"| {name} | {wall:.1f} |" for name, wall in stages(cohorts).items()]
    lines += ["", "### Rows of chapters 1 to 9, by package, under a profiler", ""]
    lines += ["| package | CPU s |", "|---|---|"]
    found = sorted(packages().items(), key=lambda each: -each[1])
    lines += [f"| {name} | {cpu:.1f} |" for name, cpu in found if cpu >= 0.1]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
