"""What each kernel of a build would import and read again is made ready once, in the process that they are
forked from (:mod:`analysis_lib.binding.warm`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from analysis_lib.binding import inputs, kernels
from analysis_lib.binding.reuse import Run
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import LIBRARY, NOTEBOOKS


def make(runs: list[Run], studies: Mapping[Path, Cohort], library: inputs.Library) -> None:
    """Have the library imported that these runs use, each cohort read that several of them are of, and the
    ranges found that chapters on the paper show.
    """
    used = inputs.modules_used({NOTEBOOKS / f"{run.chapter}.py" for run in runs}, library)
    modules = sorted(name for name, path in library.modules.items() if path in used)
    often = [path for path, many in Counter(run.manifest for run in runs).items() if many > 1]
    calls: list[tuple[str, ...]] = [("analysis_lib.intake.read", "read_ahead", str(path)) for path in often]
    if any(studies[path].of_the_paper for path in often):
        calls.append(("analysis_lib.consistent.ranges", "committed"))
    files = [file for path in often for _, file in inputs.cohort_files(path)]
    kernels.make_ready(NOTEBOOKS, modules, calls, [LIBRARY, *files])
