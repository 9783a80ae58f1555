"""How long everything takes, side by side in one run: writes ``bench/results.md`` and ``bench/results.json``.

    python tools/bench.py            # all of it; hours of an otherwise idle machine
    python tools/bench.py --cohorts reconstructed lymphoma    # a book of these alone
    python tools/bench.py --quick    # one cohort, once, without the tests: does it run?
    python tools/bench.py --only "make test"    # measured again; what else was measured stays

Every row is the median of several repeats, taken in turn, so that a machine that slows down slows all rows;
the tests, which take as long as all of these, are run once.
CPU seconds are those of a command and of all it started; wall seconds are those of a clock. A ratio is to the
row that it names. The whole is done in a fresh clone of what is committed: nothing of the checkout is changed
but ``bench/``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
LIBRARIES = ("jupyter-book", "sphinx", "papermill", "pandas", "numpy", "scipy", "lifelines", "matplotlib")
# Not what a user has, and costs each start the compiling of all modules.
UNSET = ("PYTHONDONTWRITEBYTECODE",)
COMMA = "\n# %% [markdown]\n# One remark more.\n"
CHANGED = "04_survival"
MOST = 25  # files of tests on the page

# What one process does that a book needs: each chapter's code with figures and solutions, one after another.
FLOOR = """\
import contextlib, io, json, sys, time
from pathlib import Path
import matplotlib
matplotlib.use("agg")
from analysis_lib.binding import chapter, chapters
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
took = {}
for name in sys.argv[2:]:
    study = read_cohort(name)
    for each in chapters.chapters_of(study):
        wall, cpu = time.perf_counter(), time.process_time()
        chapter.calculate(each, locate(name), Path(sys.argv[1]) / name / "results", drawn=True)
        took[f"{name} {each}"] = [time.process_time() - cpu, time.perf_counter() - wall]
print(json.dumps(took))
"""
# The pages of a finished book, given back to the notebooks they were, for others to execute.
PLAIN = """\
import sys
from pathlib import Path
import jupytext, papermill
from analysis_lib.binding import chapters
from analysis_lib.files.places import NOTEBOOKS
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
out, run = Path(sys.argv[1]), sys.argv[2] == "run"
for name in sys.argv[3:]:
    for each in chapters.chapters_of(read_cohort(name)):
        given = {"cohort": str(locate(name)), "results_dir": str(out / name / "results")}
        page = out / name / f"{each}.ipynb"
        page.parent.mkdir(parents=True, exist_ok=True)
        notebook = jupytext.read(NOTEBOOKS / f"{each}.py")
        how = {"progress_bar": False, "cwd": str(NOTEBOOKS), "prepare_only": not run}
        papermill.execute_notebook(notebook, str(page), given, kernel_name="python3", **how)
"""


# The rows of chapters 1 to 9, and nothing drawn; R computes the same ones but what is drawn by chance.
ROWS = """\
import sys
from pathlib import Path
from analysis_lib.binding import chapter, chapters
from analysis_lib.intake.read import read_cohort
study = read_cohort("reconstructed")
for each in chapters.chapters_of(study)[:9]:
    chapter.calculate(each, study, Path(sys.argv[1]))
"""
IN_R = "for each in cohort beyond; do Rscript tests/r/$each.R analysis_lib/data/reconstructed; done"


TESTS = "`make test` in a fresh clone"
# What tests/ costs by file, left in the clone by tools/bench_tests.py.
COUNTED = "BENCH_TESTS={0} PYTEST_ADDOPTS='-p tools.bench_tests' make test"
PARTS = {  # further tables of the page, by their heading: the tool that prints them
    "Why not faster": "bench_profile",
    "Estimators beside R, CPU seconds": "bench_estimators",
    "Large cohorts": "bench_large",
}


class Took(NamedTuple):
    """Seconds of a command and all that it started, and the most memory that one process of it had (MiB)."""

    cpu: float
    wall: float
    memory: float


class Row(NamedTuple):
    """One thing that is measured: what it is, how it is done, and what is put right before each time."""

    name: str
    command: list[str]
    before: Callable[[], None] = lambda: None
    beside: str = ""  # the row that its ratio is to


# --- measuring --------------------------------------------------------------------------------------------


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a command: kernels, too, take the library from the copy."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return kept | {"PYTHONPATH": str(folder)}


class Failed(Exception):
    """A command failed: a time of something that did not work is worth nothing."""


def measure(command: list[str], folder: Path) -> Took:
    """Run a command; a subreaper collects what it started and left, so that all CPU seconds count.

    Raises
    ------
    Failed
        With what it said.
    """
    environment = surroundings(folder)
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [PYTHON, __file__, "--inside", *command], cwd=folder, env=environment, stdout=said, stderr=said
        )
        status = process.wait()
        wall = time.perf_counter() - start
        said.seek(0)
        lines = said.read().splitlines()
    if status:
        raise Failed("\n".join([f"{' '.join(command)[:300]} ended with {status}", *lines[-15:]]))
    cpu, memory = json.loads(lines[-1])
    return Took(cpu, wall, memory)


def inside(command: list[str]) -> int:
    """Run a command, wait for all that it started, and say what it took."""
    import ctypes
    import resource

    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans become ours
    status = subprocess.run(command).returncode
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024])}", flush=True)
    return status


def copy(to: Path) -> Path:
    """A fresh clone of what is committed, that this environment's Python imports from."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(to)], check=True)
    return to


# --- what is measured -------------------------------------------------------------------------------------


def rows(place: Path, cohorts: list[str], tests: bool) -> list[Row]:
    """Everything, in the order of the table."""
    out = place.parent / "out"
    program = [PYTHON, "-m", "analysis_lib"]
    build = [*program, "build", *cohorts, "--out", str(out)]
    cold = "cold book"
    found = [
        Row(
            "import pandas, matplotlib, lifelines",
            [PYTHON, "-c", "import pandas, matplotlib.pyplot, lifelines"],
        ),
        Row("`salvage-book --help`", [*program, "--help"]),
        Row("`salvage-book cohorts`", [*program, "cohorts"]),
        Row("`salvage-book check lymphoma`", [*program, "check", "lymphoma"]),
        Row("R: rows of chapters 1 to 9", ["sh", "-ec", IN_R]),
        Row(
            "rows of chapters 1 to 9 in one process",
            [PYTHON, "-c", ROWS, str(place.parent / "rows")],
            beside="R: rows of chapters 1 to 9",
        ),
        Row(
            "floor: all chapters in one process", [PYTHON, "-c", FLOOR, str(place.parent / "floor"), *cohorts]
        ),
        Row(cold, build, lambda: _clear(out), "floor"),
        Row("nothing changed", build, beside=cold),
        Row("one notebook changed", build, lambda: touch(place), cold),
        Row("floor: Sphinx on the executed pages", _jupyter_book(place), lambda: _executed(place, out)),
        Row(
            "jupyter-book build, executing the same notebooks",
            _jupyter_book(place),
            lambda: _unexecuted(place, cohorts),
            cold,
        ),
        Row(
            "plain papermill, one after another, without HTML",
            [PYTHON, "-c", PLAIN, str(place.parent / "plain"), "run", *cohorts],
            beside=cold,
        ),
    ]
    if tests:  # with its environment, its checks and its book
        found.append(Row(TESTS, ["sh", "-c", COUNTED.format(place)], lambda: _as_cloned(place)))
    return found


def _clear(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _as_cloned(place: Path) -> None:
    for command in (["checkout", "--quiet", "."], ["clean", "-fdxq"]):
        subprocess.run(["git", *command], cwd=place, check=True)


def touch(place: Path) -> None:
    with (place / "notebooks" / f"{CHANGED}.py").open("a") as file:
        file.write(COMMA)


def _jupyter_book(place: Path) -> list[str]:
    code = "from jupyter_book.cli.main import main; main()"
    return [PYTHON, "-W", "ignore", "-c", code, "build", str(place.parent / "theirs"), "--all", "-q"]


def _executed(place: Path, out: Path) -> None:
    _clear(place.parent / "theirs")
    shutil.copytree(out / "source", place.parent / "theirs")


def _unexecuted(place: Path, cohorts: list[str]) -> None:
    """The finished book's pages, with the chapters as they are before anyone has run them."""
    theirs = place.parent / "theirs"
    subprocess.run(
        [PYTHON, "-c", PLAIN, str(theirs / "book" / "cohorts"), "given", *cohorts], cwd=place, check=True
    )
    config = (theirs / "_config.yml").read_text("utf-8")
    config = config.replace('execute_notebooks: "off"', "execute_notebooks: force\n  timeout: 600")
    (theirs / "_config.yml").write_text(
        config.replace('nb_execution_mode: "off"', "nb_execution_mode: force"), "utf-8"
    )


def by_chapter(place: Path, cohorts: list[str]) -> dict[str, list[float]]:
    """CPU and wall seconds of each chapter's code, in one process."""
    environment = surroundings(place)
    command = [PYTHON, "-c", FLOOR, str(place.parent / "floor"), *cohorts]
    run = subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])


# --- the table --------------------------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """What it was measured on."""
    from analysis_lib.files import cores

    processor = platform.processor() or platform.machine()
    memory = ""
    if (told := Path("/proc/cpuinfo")).is_file():
        names = [
            line.partition(": ")[2] for line in told.read_text().splitlines() if line.startswith("model name")
        ]
        processor = names[0] if names else processor
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    load = f"{os.getloadavg()[0]:.1f} before the first row" if hasattr(os, "getloadavg") else ""
    return {
        "processor": f"{processor}, {cores.usable()} cores",
        "memory": memory,
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "load": load,
        "date": time.strftime("%Y-%m-%d"),
    }


def table(found: list[Row], took: dict[str, list[Took]], ratios: dict[str, str]) -> str:
    """The rows as Markdown: medians, and their ratios."""
    lines = [
        "| What | CPU, s | Wall, s | Most memory of a process, MiB | Ratio | Repeats |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        if row.name not in took:  # was not asked for
            continue
        if not (mine := took[row.name]):
            lines.append(f"| {row.name} | failed | | | | 0 |")
            continue
        cpu, wall, memory = map(median, zip(*mine, strict=True))
        ratio = ratios.get(row.name, "")
        lines.append(f"| {row.name} | {cpu:.2f} | {wall:.2f} | {memory:.0f} | {ratio} | {len(mine)} |")
    return "\n".join(lines)


def ratios(found: list[Row], took: dict[str, list[Took]], cores: int) -> dict[str, str]:
    """Each row beside another one that was measured in the same run: the median of the ratios of each repeat,
    since the speed of a machine may swing from one to the next.
    """
    told = {}
    for row in found:
        others, said = _beside(row.beside, found, took, cores)
        each = [one.wall / other for one, other in zip(took.get(row.name, []), others, strict=False)]
        if each:
            told[row.name] = f"{median(each):.3g} × {said}"
    return told


def _beside(name: str, found: list[Row], took: dict[str, list[Took]], cores: int) -> tuple[list[float], str]:
    """What a row is held against, of each repeat, and what it is called."""
    if name == "floor":
        floors = [took.get(row.name, []) for row in found if row.name.startswith("floor")]
        seconds = [sum(one.cpu for one in repeat) / cores for repeat in zip(*floors, strict=False)]
        return seconds, f"floor (wall; CPU of the floor on {cores} cores)"
    return [one.wall for one in took.get(name, [])], f"{name} (wall)"


def main() -> int:
    """Measure, and write what was found."""
    if sys.argv[1:2] == ["--inside"]:
        return inside(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one cohort, once, without the tests")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cohorts", nargs="+", help="of the book; all that are bundled by default")
    parser.add_argument("--without-tests", action="store_true", help="make test is not run")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="rows and tables named so")
    parser.add_argument("--out", type=Path, default=ROOT / "bench", help="folder of the results")
    given = parser.parse_args()
    from analysis_lib.files import cores
    from analysis_lib.intake.bundled import bundled_cohorts

    kept = given.out / "results.json"
    told = json.loads(kept.read_text("utf-8")) if given.only else {"chapters": {}, "rows": {}, "parts": {}}
    cohorts = told.get("cohorts") or (
        ["lymphoma"] if given.quick else given.cohorts or list(bundled_cohorts())
    )
    told |= {
        "cohorts": cohorts,
        "cores": told.get("cores", cores.usable()),
        "machine": machine() | told.get("machine", {}),
    }
    tests = not (given.quick or given.without_tests)
    with tempfile.TemporaryDirectory() as folder:
        place = copy(Path(folder) / "checkout")
        found = rows(place, cohorts, tests=tests)
        chosen = [row for row in found if _asked(row.name, given.only)]
        if given.only:
            told.setdefault("again", {})[", ".join(given.only)] = time.strftime("%Y-%m-%d")
        often = [row for row in chosen if row.name != TESTS]
        measured = _repeated(often, place, 1 if given.quick else given.repeats)
        told["rows"] |= measured
        kept_ratios = {name: said for name, said in told.get("ratios", {}).items() if name not in measured}
        told["ratios"] = kept_ratios | ratios(found, _took(measured), told["cores"])
        if not given.only:
            told["chapters"] = by_chapter(place, cohorts)
        _write(told, found, given.out)
        told["rows"] |= _repeated([row for row in chosen if row.name == TESTS], place, 1)
        if counted := _by_file(place):
            told["tests"] = counted
    for head, tool in PARTS.items():
        _write(told, found, given.out)
        if _asked(head, given.only) and not given.quick:
            of = cohorts if tool == "bench_profile" else []
            command = [PYTHON, str(ROOT / "tools" / f"{tool}.py"), *of]
            told["parts"][head] = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    _write(told, found, given.out)
    print(f"Written: {given.out / 'results.md'}")
    return 0


def _write(told: dict, found: list[Row], out: Path) -> None:
    """Write what was measured up to now."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    (out / "results.md").write_text(page(told, found), "utf-8")


def _asked(name: str, only: list[str]) -> bool:
    return not only or any(word in name for word in only)


def _repeated(found: list[Row], place: Path, repeats: int) -> dict[str, list[dict]]:
    """The rows by name, each measured several times, in turn."""
    took: dict[str, list[dict]] = {row.name: [] for row in found}
    for number in range(repeats):
        for row in found:
            row.before()
            try:
                took[row.name].append(measure(row.command, place)._asdict())
            except Failed as why:
                print(f"[{number + 1}/{repeats}] {row.name} failed: {why}", flush=True)
                continue
            print(f"[{number + 1}/{repeats}] {row.name}: {took[row.name][-1]}", flush=True)
    return took


def _by_file(place: Path) -> dict[str, float]:
    """CPU seconds of each file of tests, over all processes, if the tests were run."""
    spent: Counter[str] = Counter()
    for each in [*place.glob("gw*.json"), *place.glob("main.json")]:
        spent.update(json.loads(each.read_text("utf-8")))
    return dict(spent)


def _took(rows: dict[str, list[dict]]) -> dict[str, list[Took]]:
    return {name: [Took(**each) for each in times] for name, times in rows.items()}


def _named(cohorts: list[str]) -> str:
    return f"the cohort{'s' if len(cohorts) > 1 else ''} *{', '.join(cohorts)}*"


def page(told: dict, found: list[Row]) -> str:
    """The page of results."""
    chapters, tests = told["chapters"], told.get("tests", {})
    took = _took(told["rows"])
    heaviest = sorted(chapters, key=lambda name: -chapters[name][0])
    dearest = sorted(tests, key=lambda name: -tests[name])[:MOST]
    lines = [
        "# How long it takes",
        "",
        f"Measured by `make bench` with {_named(told['cohorts'])}. Each number is a median over the repeats, "
        "and speaks of this machine alone. *CPU* is the time that all cores together were busy, *wall* the "
        "time by the clock; the *ratio* holds a row against another one of the same repeat, and stays as it "
        "was where only the other one was measured again.",
        "",
        *(f"- {name}: {value}" for name, value in told["machine"].items() if value),
        *(f"- measured again on {day}: {what}" for what, day in told.get("again", {}).items()),
        "",
        table(found, took, told["ratios"]),
        "",
        "## Each chapter's code, in one process",
        "",
        "| Cohort, chapter | CPU, s | Wall, s |",
        "|---|---|---|",
        *(f"| {name} | {chapters[name][0]:.2f} | {chapters[name][1]:.2f} |" for name in heaviest),
        "",
    ]
    if tests:
        lines += [
            "## What the tests cost",
            "",
            f"The {len(dearest)} dearest of {len(tests)} files of tests, which take "
            f"{sum(tests.values()):.0f} CPU seconds together; browsers are counted where they end. "
            "In a fresh clone `make test` also installs its environment, checks the code and makes the book.",
            "",
            "Eight minutes were aimed at. What costs most cannot be had from kept results: books of other "
            "cohorts that are built and read, the program installed where nothing else is, chapters of small "
            "cohorts calculated again to see what they hide, cohorts reconstructed, attacks on exports, "
            "builds that are killed.",
            "",
            "| File | CPU, s |",
            "|---|---|",
            *(f"| {name} | {tests[name]:.1f} |" for name in dearest),
            "",
        ]
    for head in PARTS:
        if head in told["parts"]:
            lines += [f"## {head}", "", told["parts"][head]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
