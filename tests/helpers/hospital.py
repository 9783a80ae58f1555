"""An invented hospital: patients drawn from the reconstructed cohort, with identifiers, calendar dates, names
and remarks.
"""

import contextlib
import functools
import html
import io

import jupytext
import numpy as np
import pandas as pd

from analysis_lib.binding import chapters
from analysis_lib.files.places import BUNDLED
from analysis_lib.show import vector

TABLES = ("patients", "sites", "lines")
MANIFEST = "name: invented\ntitle: Invented hospital\ntables: {{{tables}}}\n{more}\n"


def write(folder, patients=60, seed=1, more="", drop=(), change=None, deaths=None):
    """Write the files of an invented hospital and its cohort.yml, in which so many have died as are said;
    returns the manifest's path and the patients as written.
    """
    rng = np.random.default_rng(seed)
    frames = {name: pd.read_csv(BUNDLED / "reconstructed" / f"{name}.csv", dtype="string") for name in TABLES}
    chosen = rng.choice(frames["patients"]["patient_id"].to_numpy(), patients, replace=False)
    numbers = {old: f"MRN-{48213 + 7 * place}" for place, old in enumerate(chosen)}
    day_0 = {
        old: pd.Timestamp("2018-02-01") + pd.Timedelta(days=int(rng.integers(0, 1200))) for old in chosen
    }
    if change is not None:
        frames["patients"] = change(frames["patients"])
    for name, frame in frames.items():
        frame = frame[frame["patient_id"].isin(chosen)].copy()
        start = frame["patient_id"].map(day_0)
        for column in [c for c in frame if c.endswith("_day")]:
            moment = start + pd.to_timedelta(pd.to_numeric(frame[column]).astype("Int64"), unit="D")
            frame[column] = moment.dt.strftime("%Y-%m-%d")
        frame = frame.rename(columns=lambda c: c.replace("_day", "_date"))
        if name == "patients":
            frame.insert(1, "infusion_date", start.dt.strftime("%Y-%m-%d"))
            frame["surname"] = [f"Kestrelmann{place:02}" for place in range(len(frame))]
            if deaths is not None:
                frame["vital_status"] = ["dead"] * deaths + ["alive"] * (len(frame) - deaths)
            frame["remarks"] = "felt unwell after cycle two; wife called"
        frame["patient_id"] = frame["patient_id"].map(numbers)
        frames[name] = frame.drop(columns=[c for c in drop if c in frame])
        frames[name].to_csv(folder / f"{name}.csv", index=False)
    tables = ", ".join(f"{name}: {name}.csv" for name in TABLES)
    (folder / "cohort.yml").write_text(MANIFEST.format(tables=tables, more=more))
    return folder / "cohort.yml", frames["patients"]


def calculate(each, cohort, results_dir, solutions=True):
    """Run a chapter's code in this process, its solutions too, showing nothing; ``cohort`` is a path or was read."""
    namespace: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for code, tags in _code_of(chapters.NOTEBOOKS / f"{each}.py"):
            if solutions or "hide-cell" not in tags:
                exec(code, namespace)
            if "parameters" in tags:
                namespace |= {"cohort": cohort, "results_dir": str(results_dir)}


@functools.cache
def _code_of(notebook):
    """The code cells of a notebook, compiled once for all cohorts, each with its tags."""
    return [
        (compile(cell.source, notebook.stem, "exec"), cell.metadata.get("tags", []))
        for cell in jupytext.read(notebook).cells
        if cell.cell_type == "code"
    ]


def undrawn(monkeypatch):
    """Figures from now on have their words and no lines: drawing them takes longer than all their numbers."""

    def named(figure, alt, kind, hidden=False):
        return f'<svg role="img" aria-label="{html.escape(alt)}"></svg>'

    monkeypatch.setattr(vector, "inline", named)
