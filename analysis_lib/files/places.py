"""Where things stand: the library, chapters and pages, bundled cohorts; and where books go."""

from __future__ import annotations

from pathlib import Path

LIBRARY = Path(__file__).parents[1]
_MATERIAL = LIBRARY / "material"  # where a wheel holds what a checkout has beside the library
INSTALLED = _MATERIAL.is_dir()  # into an environment, which nothing is ever written into
ROOT = _MATERIAL if INSTALLED else LIBRARY.parent

NOTEBOOKS = ROOT / "notebooks"

BUNDLED = LIBRARY / "data"
RECONSTRUCTED = BUNDLED / "reconstructed" / "cohort.yml"  # the bundled cohort that stands for the paper's


def results_of(cohort: str) -> Path:
    """Where a chapter that is run by hand writes a cohort's rows, if it is not told: in the checkout; of an
    installed program in the current folder.
    """
    return Path("results", cohort).absolute() if INSTALLED else ROOT / "book" / "cohorts" / cohort / "results"


def books() -> Path:
    """Where books go without ``--out``: to the checkout; of an installed program to the current folder."""
    return Path("books").absolute() if INSTALLED else ROOT / "_build"


def is_ours(folder: Path) -> bool:
    """Whether a folder lies in that of the program, and is not the one for books in a checkout."""
    inside = any(folder.is_relative_to(ours.resolve()) for ours in (ROOT, LIBRARY))
    return inside and (INSTALLED or not folder.is_relative_to(ROOT.resolve() / "_build"))
