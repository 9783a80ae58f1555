"""The chapters' numbers beside R's: R's fixtures, what the chapters compute now, and how far they are apart.

All fixtures are made by R, which reads the same files and shares no code with the library:

- ``tests/r/cohort.json``: every number of chapters 1 to 8 for the reconstructed cohort, keyed by result id;
- ``tests/r/beyond.json``: every number of chapter 9 that is not drawn by chance, in the same way;
- ``tests/r/datasets.json``: data sets of R's packages survival, MASS and boot, with their columns, so that
  no R is needed here;
- ``tests/r/estimators.json``: the same data sets, with every kind of Cox model, competing risks and more (R's
  survival and
  cmprsk);
- ``tests/r/absolute.json``: some of them with the estimators of chapter 14, in the same way;
- ``tests/r/further.json``: some of the same data sets with the estimators of chapters 15 to 17;
- ``tests/r/remedies.json``: the same data sets with the estimators of chapter 9, and whatever R drew by
  chance for them;
- ``tests/r/conventions.json``: R asked to follow SAS, on what SAS users published.
"""

import contextlib
import functools
import hashlib
import io
import json

import jupytext
import matplotlib
import pandas as pd
import pytest
from matplotlib import pyplot

from analysis_lib.analyses import prognosis
from analysis_lib.binding.chapters import chapters
from analysis_lib.files.places import NOTEBOOKS, ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import canvas

from everywhere import everywhere

FIXTURES = ROOT / "tests" / "r"
DATA = ROOT / "analysis_lib" / "data" / "reconstructed"
COMMANDS = {
    "cohort": "Rscript tests/r/cohort.R analysis_lib/data/reconstructed > tests/r/cohort.json",
    "beyond": "Rscript tests/r/beyond.R analysis_lib/data/reconstructed > tests/r/beyond.json",
    "datasets": "Rscript tests/r/datasets.R > tests/r/datasets.json",
    "estimators": "Rscript tests/r/estimators.R > tests/r/estimators.json",
    "remedies": "Rscript tests/r/remedies.R > tests/r/remedies.json",
    "absolute": "Rscript tests/r/absolute.R > tests/r/absolute.json",
    "further": "Rscript tests/r/further.R > tests/r/further.json",
    "conventions": "Rscript tests/r/conventions.R > tests/r/conventions.json",
}
CHAPTERS = [chapter for chapter in chapters() if chapter < "10"]
FIELDS = ("value", "lower", "upper", "n", "events")

RELATIVE = 1e-6
LOOSER = {  # method of a row: tolerance, and why
    "Paule and Mandel, logit scale": (
        1e-4,
        "statsmodels stops looking for the variance between series once "
        "its equation holds "
        "to 1e-5; the pooled shares are not touched by that",
    ),
}


@functools.cache  # of several megabytes, and asked for with each data set; nobody changes what is in it
def fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def number(value):
    return None if value is None or pd.isna(value) else float(value)


def apart(ours, r):
    """The relative difference of two numbers (absolute where R's is 0); infinite where only one is
    missing.
    """
    ours, r = number(ours), number(r)
    if ours is None or r is None:
        return 0.0 if ours is r else float("inf")
    return abs(ours - r) / (abs(r) or 1)


def compared(ours, theirs):
    """One line a number that both have: ``id, field, method, ours, r, apart, allowed``."""
    lines = [
        (row_id, field, row.get("method", ""), row.get(field), theirs[row_id].get(field))
        for row_id, row in ours.items()
        if row_id in theirs
        for field in FIELDS
        if field in theirs[row_id] or number(row.get(field)) is not None
    ]
    frame = pd.DataFrame(lines, columns=["id", "field", "method", "ours", "r"]).astype(
        {"ours": object, "r": object}
    )
    allowed = [LOOSER.get(method, (RELATIVE,))[0] for method in frame["method"]]
    return frame.assign(apart=[apart(*pair) for pair in zip(frame["ours"], frame["r"])], allowed=allowed)


# --- the chapters on the reconstructed cohort -----------------------------------------------------


def stale(r):
    """Which of the files that a fixture was made from have changed since."""
    places = {"series.csv": ROOT / "analysis_lib" / "paper" / "series.csv"}
    return [
        name
        for name, digest in r["sha256"].items()
        if hashlib.sha256(places.get(name, DATA / name).read_bytes()).hexdigest() != digest
    ]


OF_COHORT = ("cohort", "beyond")  # the fixtures with the chapters' numbers


def of_chapters():
    return fixture("cohort")["rows"] | fixture("beyond")["rows"]


def run_chapters(folder):
    """Rows by id, a dictionary for each chapter: those it saves, and, under ``exercises``, those of its
    solutions.

    The code cells are executed here, without a kernel, and nothing is shown.
    """
    matplotlib.use("Agg")
    by_chapter, solved, study = {}, {}, read_cohort("reconstructed")
    for chapter in CHAPTERS:
        names = {}
        for cell in jupytext.read(NOTEBOOKS / f"{chapter}.py").cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, chapter, "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    names |= {"cohort": study, "results_dir": str(folder)}
        by_chapter[chapter] = by_id(results.read(folder / f"{chapter}.csv"))
        # What a solution makes of saved rows (such as the width of an interval) keeps their ids.
        frames = [
            f for f in names.values() if isinstance(f, pd.DataFrame) and list(f.columns) == results.COLUMNS
        ]
        solved |= {i: row for f in frames for i, row in by_id(f).items() if i not in by_chapter[chapter]}
        for endpoint in ("OS1", "OS2", "EFS2") if chapter.startswith("07") else ():
            solved |= by_id(prognosis.holm(names["rows"], endpoint))
    return by_chapter | {"exercises": solved}


def by_id(rows):
    return {row["result_id"]: row for row in rows.to_dict("records") if row["statistic"] != "skipped"}


@contextlib.contextmanager
def without_display():
    """Outside a notebook, what is displayed would be printed; figures are not even rendered, which takes
    longest.
    """
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        everywhere(patch, canvas.show, lambda figure, *said, **more: pyplot.close(figure))
        yield
