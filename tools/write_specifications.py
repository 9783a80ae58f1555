"""Try every analysis of :mod:`analysis_lib.consistent.specifications` on every consistent cohort, and keep
the fits where chapter 12 finds them. Some minutes; run it when the cohorts have changed.

    python tools/write_specifications.py
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.consistent import cohorts, specifications


def main() -> None:
    """The command line."""
    frames = [
        specifications.fits(study).assign(cohort=number, digest=specifications.digest(study))
        for number, study in cohorts.read_all().items()
    ]
    every = pd.concat(frames, ignore_index=True)
    every.to_parquet(specifications.FILE, index=False)
    print(f"{len(every)} fits in {specifications.FILE.name}.")


if __name__ == "__main__":
    main()
