"""Which chapters there are, and what each takes."""

from __future__ import annotations

import re

import jupytext

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files.places import NOTEBOOKS

RECONSTRUCTED = "reconstructed"
OWN_PARAMETERS = ("cohort", "results_dir")
HEADING = re.compile(r"^#{1,6} .+$", re.M)


def chapters() -> list[str]:
    """The chapters of the book, in order: the stems of ``notebooks/NN_topic.py``."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.py"))


def chapters_of(study: Cohort) -> list[str]:
    """The chapters that a cohort's book has: those on the paper itself only stand in the reconstructed
    cohort's.
    """
    return [each for each in chapters() if study.name == RECONSTRUCTED or not on_the_paper(each)]


def on_the_paper(chapter: str) -> bool:
    """Whether a chapter stands in the reconstructed cohort's book only, and is run after the others, whose
    rows it may read.

    Such chapters speak of the paper's printed numbers, or teach on patients of their own (13), whatever the
    cohort.
    """
    return int(chapter[:2]) >= 10


def parameters_of(chapter: str) -> dict[str, str]:
    """The parameters that a chapter takes, with their defaults as written."""
    notebook = jupytext.read(NOTEBOOKS / f"{chapter}.py")
    source = next(cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    return dict(re.findall(r"^(\w+) = (.+?)(?:  #.*)?$", source, re.M))


def short_title(chapter: str, study: Cohort) -> str:
    """Number and title of a chapter, without the cohort's name: ``4 Survival``."""
    heading = HEADING.search(jupytext.read(NOTEBOOKS / f"{chapter}.py").cells[0].source).group()
    return f"{int(chapter[:2])} {heading.removeprefix('# ').replace(CAR_T, study.index_event)}"
