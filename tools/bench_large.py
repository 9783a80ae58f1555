"""What each chapter takes with cohorts of ten thousand to a million patients, as a table in Markdown.

    python tools/bench_large.py [PATIENTS ...]

The cohorts are those of ``tools/large_cohort.py``, two irradiated sites a patient. A cohort is read once, and
its chapters are calculated one after another in one process, with their figures.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZES = (10_000, 100_000, 1_000_000)
CHAPTERS = """\
import json, resource, sys, time
from pathlib import Path
import matplotlib
matplotlib.use("agg")
from analysis_lib.binding import chapter, chapters
from analysis_lib.intake.read import read_cohort
def told(what, since):
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps([what, time.process_time() - since, most]), flush=True)
since = time.process_time()
study = read_cohort(sys.argv[1])
told("reading the files", since)
for each in chapters.chapters_of(study):
    since = time.process_time()
    chapter.calculate(each, study, Path(sys.argv[1]) / "results", drawn=True)
    told(each, since)
"""


def took(patients: int) -> dict[str, tuple[float, float]]:
    """CPU seconds of reading and of each chapter, and the most memory until then (GiB)."""
    with tempfile.TemporaryDirectory() as folder:
        make = [sys.executable, str(ROOT / "tools" / "large_cohort.py"), str(patients), folder]
        subprocess.run(make, check=True)
        run = subprocess.run(
            [sys.executable, "-c", CHAPTERS, folder], cwd=ROOT, capture_output=True, text=True
        )
    lines = [line for line in run.stdout.splitlines() if line.startswith("[")]
    if run.returncode:
        print("\n".join(run.stderr.splitlines()[-5:]), file=sys.stderr)
    return {what: (cpu, memory) for what, cpu, memory in map(json.loads, lines)}


def table(found: dict[int, dict[str, tuple[float, float]]]) -> str:
    """The table, the most memory of each, and how the work grows from the smallest to the largest."""
    sizes = sorted(found)
    heads = [f"{size:,} patients: CPU, s" for size in sizes]
    lines = [f"| What | {' | '.join(heads)} |", f"|---|{'---|' * len(sizes)}"]
    for what in found[sizes[0]]:
        cells = [f"{found[size][what][0]:.1f}" if what in found[size] else "–" for size in sizes]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    memory = [f"{max(most for _, most in found[size].values()):.1f} GiB" for size in sizes]
    lines += ["", f"At most {', '.join(memory[:-1])} and {memory[-1]} of memory were held."]
    least, most = sizes[0], sizes[-1]
    if least < most and set(found[least]) == set(found[most]):
        together = [sum(cpu for cpu, _ in found[size].values()) for size in (least, most)]
        expected = most * math.log(most) / (least * math.log(least))
        lines += [
            f"From the smallest to the largest, *n* log *n* grows {expected:.0f}-fold; all of it together "
            f"takes {together[1] / together[0]:.0f} times as long.",
        ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    print(table({size: took(size) for size in sizes}))


if __name__ == "__main__":
    main()
