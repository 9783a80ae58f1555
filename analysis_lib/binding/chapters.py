"""Which chapters there are, what each is and takes, and how one ended.

A chapter says what it is in the header of its own notebook, below ``jupyter: salvage_book:``
(:class:`About`); what it leaves out is as in the chapters that repeat the study.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files.places import NOTEBOOKS
from analysis_lib.rows.methods import capital

OWN_PARAMETERS = ("cohort", "results_dir")
BEYOND = "Beyond the paper"
FAILURE = "Failure after"
HEADING = re.compile(r"^#{1,6} .+$", re.M)
HEADER = "salvage_book"  # where a notebook's metadata say what its chapter is

# What the header may say; the first of each is what stands where it says nothing.
EVERY_BOOK, PAPER = STANDS_IN = ("every book", "the paper's book")
WITH_OTHERS, AFTER_OTHERS = RUNS = ("with the others", "after the others")
STUDY, FURTHER, NOT_TOLD = TOLD_AS = ("the study", "further analyses", "nothing")
COHORTS, OWN = PATIENTS = ("the cohort's", "its own")


@dataclass(frozen=True)
class About:
    """What a chapter is, as its notebook says.

    Attributes
    ----------
    stands_in : str
        ``every book``; or ``the paper's book``: it speaks of the paper's printed numbers, or teaches on
        patients of its own, whatever the cohort. Its rows are no results of a cohort: they are neither shared
        nor told in a manuscript.
    runs : str
        ``with the others``; or ``after the others``, whose rows it may read.
    told_as : str
        What its rows are in a manuscript: ``the study``, ``further analyses`` or ``nothing``.
    patients : str
        ``the cohort's``, whose title then stands beside the chapter's; or ``its own``.
    """

    stands_in: str = EVERY_BOOK
    runs: str = WITH_OTHERS
    told_as: str = STUDY
    patients: str = COHORTS


ALLOWED = {"stands_in": STANDS_IN, "runs": RUNS, "told_as": TOLD_AS, "patients": PATIENTS}


def chapters() -> list[str]:
    """The chapters of the book, in order: the stems of ``notebooks/NN_topic.py``."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.py"))


def chapters_of(study: Cohort) -> list[str]:
    """The chapters that a cohort's book has: those of the paper's book only if it stands for the paper."""
    return [each for each in chapters() if study.of_the_paper or not on_the_paper(each)]


def on_the_paper(chapter: str) -> bool:
    """Whether a chapter stands in the paper's book only, so that its rows are no results of a cohort."""
    return about(chapter).stands_in == PAPER


def about(chapter: str) -> About:
    """What a chapter's notebook says that it is.

    Raises
    ------
    ValueError
        With all that its header says and may not.
    """
    return about_notebook(_read(chapter), f"{chapter}.py")


def about_notebook(notebook: NotebookNode, name: str) -> About:
    """The same of a notebook that was read, whose file is called ``name``."""
    said = notebook.metadata.get(HEADER, {})
    if not isinstance(said, dict):
        raise ValueError(f"notebooks/{name}, header, {HEADER}: write one `key: value` a line, not {said!r}.")
    wrong = [f"unknown key {key!r}; known: {', '.join(ALLOWED)}" for key in said if key not in ALLOWED]
    wrong += [
        f"{key}: {value!r} is none of: {'; '.join(ALLOWED[key])}"
        for key, value in said.items()
        if key in ALLOWED and value not in ALLOWED[key]
    ]
    if wrong:
        raise ValueError(f"notebooks/{name}, header, {HEADER}: {'. '.join(wrong)}.")
    return About(**said)


def _read(chapter: str) -> NotebookNode:
    path = NOTEBOOKS / f"{chapter}.py"
    return _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path: Path, changed: int) -> NotebookNode:
    """A notebook, parsed once as long as its file stays as it is; nobody changes it."""
    return jupytext.read(path)


def parameters_of(chapter: str) -> dict[str, str]:
    """The parameters that a chapter takes, with their defaults as written."""
    notebook = _read(chapter)
    source = next(cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    return dict(re.findall(r"^(\w+) = (.+?)(?:  #.*)?$", source, re.M))


def sections_of(chapter: str) -> list[str]:
    """The headings of a chapter below its title, as written."""
    cells = [cell.source for cell in _read(chapter).cells if cell.cell_type == "markdown"]
    return [found.lstrip("# ") for source in cells for found in HEADING.findall(source)][1:]


def short_title(chapter: str, study: Cohort) -> str:
    """Number and title of a chapter, without the cohort's name: ``4 Survival``."""
    heading = HEADING.findall(_read(chapter).cells[0].source)[0]
    return f"{int(chapter[:2])} {as_theirs(heading.removeprefix('# '), study)}"


def as_theirs(heading: str, study: Cohort, finished: Callable[[str], str] = str) -> str:
    """A chapter's heading for a cohort: with its own index event, and what it calls failure, each finished as
    text of the page; and without a paper that is not about patients like its own.
    """
    told = heading if study.after_car_t else heading.replace(BEYOND, "Further questions")
    if called := study.competing.get("failure_day"):
        told = told.replace(FAILURE, f"{finished(capital(called))} after")
    return told.replace(CAR_T, finished(study.index_event))
