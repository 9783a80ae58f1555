"""*In ten lines*: the headline number of chapters once more, as a resident would write it, beside its row."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis_lib.analyses import simulation
from analysis_lib.binding import chapters
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import yamls
from analysis_lib.files.places import BUNDLED, LIBRARY, RECONSTRUCTED
from analysis_lib.rows.released import require
from analysis_lib.show import numbers

NAME = "ten-lines"
TABLES = {
    "data": RECONSTRUCTED.parent,
    "consistent": BUNDLED / "consistent",
    "paper": LIBRARY / "paper",
}
NEAR = 1e-4  # as a share of the number: lifelines stops a little before the maximum of a likelihood


def lessons() -> list[dict]:
    """Each computation: its chapter, the row that it must equal, what it asks, and its code."""
    return yamls.read(next(BUNDLED.glob("*/ten-lines.yml")))


def make(study: Cohort) -> dict[str, float]:
    """What each computation finds, by the row that it must equal; only the paper's cohort has any."""
    return {each["row"]: answer(each["code"]) for each in lessons()} if study.of_the_paper else {}


def answer(code: str) -> float:
    """What a computation finds in the tables that it names (:data:`TABLES`, and ``simulated``)."""
    names: dict = dict(TABLES)
    if "simulated" in code:
        names["simulated"] = simulation.read()[0].patients
    exec(compile(code, NAME, "exec"), names)
    return float(names["answer"])


def page(study: Cohort, rows: pd.DataFrame, answers: Mapping[str, float]) -> str:
    """The page, in Markdown; a computation that does not give its row's number is an error.

    Parameters
    ----------
    study : Cohort
        The reconstructed cohort.
    rows : pandas.DataFrame
        Its result rows.
    answers : mapping
        What :func:`make` found.
    """
    by_id = require(rows).set_index("result_id")
    lines = [
        "# In ten lines",
        "",
        "The book's numbers come from a library. Here is the headline of chapters once more, in plain pandas "
        "and lifelines, as you would write it in a notebook of your own.",
        "",
        "`data` is the folder with the tables of the reconstructed cohort (synthetic), "
        "`analysis_lib/data/reconstructed` in this project; `consistent` is that with the consistent "
        "cohorts, `analysis_lib/data/consistent`; `paper` holds the printed numbers, "
        "`analysis_lib/paper`; `simulated` is the table of simulated patients of chapter 13, "
        "`simulation.read()[0].patients`. Chapter 11 is not here: it counts checks, each of which is its own "
        "line of arithmetic.",
        "",
    ]
    for each in lessons():
        row = by_id.loc[each["row"]]
        found = answers[each["row"]]
        if abs(found - row["value"]) > NEAR * abs(row["value"]):
            raise ValueError(
                f"{NAME}, {each['chapter']}: {found} is not {row['value']}, the row {each['row']}."
            )
        title = chapters.short_title(each["chapter"], study)
        link = f"[chapter](../cohorts/{study.name}/{each['chapter']}.ipynb)"
        alike = pd.concat([row[["statistic", "note"]], pd.Series({"value": found})])
        asks = each["asks"] if each["asks"].endswith("?") else f"{each['asks']}."
        lines += [f"## {title}", "", asks, "", "```python", each["code"].rstrip(), "```", ""]
        lines += [f"It gives {numbers.estimate(alike)}; the {link} says {numbers.estimate(row)}.", ""]
    return "\n".join(lines)
