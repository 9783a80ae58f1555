"""Where things stand: the checkout, the chapters, the bundled cohorts."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

NOTEBOOKS = ROOT / "notebooks"

BUNDLED = Path(__file__).parents[1] / "data"
RECONSTRUCTED = BUNDLED / "reconstructed" / "cohort.yml"  # the bundled cohort that stands for the paper's
