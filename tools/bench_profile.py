"""Where the time goes in what is slower than it was meant to be: stages of a cold build and of one after a
comma was changed, what plain Jupyter Book does of the same, and packages behind the rows of chapters 1 to 9.
Prints Markdown, which :mod:`bench` adds to its page.

    python tools/bench_profile.py reconstructed lymphoma

The comma is changed in a fresh clone of what is committed.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import bench

# Stages as a reader of build.py meets them; what stands further in is taken out of what stands around it.
IMPORTS = "starting and importing, while the kernels' process does so, too"
REST = "reading cohorts, seeing what has changed, putting the book in its place"
STAGES = {
    "chapters, each in a kernel, and what pages ask for beside them": "run_all",
    "auditor's certificates": "certificates_of",
    "pages on the chapters: cover, primer, methods, manuscripts, downloads": "write",
    "Sphinx": "render",
    "search for leaks": "check_for_leaks",
}
WHY = """\
A cold build is held against its chapters' code and Sphinx alone, shared by all cores without a rest. Beside
that it imports, reads cohorts, starts a kernel for each chapter and speaks with it, draws each figure once
more, as PDF to take away with its fonts, makes Word of tables, and makes the explorer. The ledger waits for
the other chapters, and of what follows them only a part can be shared. Of a build after one change each
stage is small, and one waits for the other: imports, the chapter in its kernel for each cohort, the pages
that are written from all chapters' rows, a start of Sphinx. No single one of them keeps it from a sixth; they
stand in the table below.
Plain Jupyter Book spends its time on kernels: each imports all libraries anew, while ours are forked.
R's scripts write the rows of chapters 1 to 9 without drawing anything by chance: bootstrap samples and
imputations are ours alone, as are disclosure control, sentences and answers; what pandas takes is the price
of tidy frames of a few rows each."""
LOOP = "rows = [dict.fromkeys(range(200), each) for each in range(2000)]; [sorted(r) for r in rows * 150]"
KERNEL = """\
import sys, time
import papermill, nbformat
cell = nbformat.v4.new_code_cell("from analysis_lib.show import figures, sentences, tables")
cells = nbformat.v4.new_notebook(cells=[cell])
for _ in range(4):  # the first pays for papermill's own start
    since = time.perf_counter()
    papermill.execute_notebook(cells, None, progress_bar=False, kernel_name="python3")
print(time.perf_counter() - since)
"""


def stages(cohorts: list[str], out: Path, started: float) -> dict[str, float]:
    """Seconds of each stage of a build, by the clock, in this process, which was started at that time."""
    from analysis_lib.binding import kernels
    from analysis_lib.files.places import NOTEBOOKS

    kernels.start_early(NOTEBOOKS)
    from analysis_lib.binding import build, pages
    from analysis_lib.files import cores

    since = time.time()
    took = {IMPORTS: since - started, REST: 0.0} | dict.fromkeys(STAGES, 0.0)
    inside = [REST]

    def turn(name: str = "") -> None:
        """Go into a stage, or out of one; the time until now is of where we were."""
        nonlocal since
        now = time.time()
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

    for name, function in STAGES.items():
        module = pages if function == "write" else build
        how = timed_while_it_yields if function == "run_all" else timed
        setattr(module, function, how(name, getattr(module, function)))
    build.build(cohorts, out, cores.at_a_time())
    turn()
    return took


def both_builds(cohorts: list[str]) -> list[dict[str, float]]:
    """The stages of a cold build, and of the next one after one chapter was changed."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        place = bench.copy(Path(folder) / "checkout")
        for number in range(2):
            if number:
                bench.touch(place)
            out = str(Path(folder) / "out")
            command = [sys.executable, __file__, "--inside", out, str(time.time()), *cohorts]
            run = subprocess.run(
                command, env=bench.surroundings(place), cwd=place, check=True, capture_output=True, text=True
            )
            found.append(json.loads(run.stdout.splitlines()[-1]))
    return found


def a_kernel() -> float:
    """Seconds by the clock until a kernel that is not forked has imported what chapters import."""
    run = subprocess.run(
        [sys.executable, "-c", KERNEL],
        env=bench.surroundings(bench.ROOT),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(run.stdout.splitlines()[-1])


def two_at_once() -> float:
    """How many times as long a calculation takes beside its twin as alone: 1 on cores that share nothing."""
    command = [sys.executable, "-c", LOOP]
    took = []
    for many in (1, 2):
        since = time.time()
        for process in [subprocess.Popen(command) for _ in range(many)]:
            process.wait()
        took.append(time.time() - since)
    return took[1] / took[0]


def packages() -> dict[str, float]:
    """CPU seconds of the rows of chapters 1 to 9, a second time in one process, by package."""
    from analysis_lib.binding import chapter, chapters
    from analysis_lib.intake.read import read_cohort

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
    """Print the tables."""
    if sys.argv[1:2] == ["--inside"]:
        out, started = sys.argv[2:4]
        print(json.dumps(stages(sys.argv[4:], Path(out), float(started))))
        return
    cohorts = sys.argv[1:]
    cold, changed = both_builds(cohorts)
    lines = [WHY, "", f"### A cold build, and one after a comma, stage by stage ({', '.join(cohorts)})", ""]
    lines += ["| stage | cold: wall, s | one notebook changed: wall, s |", "|---|---|---|"]
    lines += [f"| {name} | {cold[name]:.1f} | {changed[name]:.1f} |" for name in cold]
    lines += ["", "### Two processes at once", ""]
    lines += [
        f"A calculation takes {two_at_once():.2f} times as long beside its twin as alone; that two cores"
    ]
    lines += ["share nothing, as the floor takes it, would be 1."]
    lines += ["", "### A chapter's kernel in plain Jupyter Book", ""]
    lines += [
        f"Started and with all libraries imported after {a_kernel():.1f} seconds, once for each chapter."
    ]
    lines += ["", "### Rows of chapters 1 to 9, by package, under a profiler", ""]
    lines += ["| package | CPU s |", "|---|---|"]
    found = sorted(packages().items(), key=lambda each: -each[1])
    lines += [f"| {name} | {cpu:.1f} |" for name, cpu in found if cpu >= 0.1]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
