"""Where things stand: the checkout, the bundled cohorts."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

BUNDLED = Path(__file__).parents[1] / "data"
RECONSTRUCTED = BUNDLED / "reconstructed" / "cohort.yml"  # the bundled cohort that stands for the paper's
