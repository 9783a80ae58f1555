"""The committed cohorts that are consistent with the paper: their tables and their result rows."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import yaml

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import BUNDLED
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows.released import published

FOLDER = BUNDLED / "consistent"
TABLES = ("patients", "sites", "lines")


def numbers() -> list[int]:
    """The numbers of the committed cohorts."""
    return sorted(
        pd.read_parquet(FOLDER / "patients.parquet", columns=["cohort"])["cohort"].unique().tolist()
    )


def tables(number: int) -> dict[str, pd.DataFrame]:
    """The tables of one of the cohorts, as a hospital would have them."""
    return {
        name: pd.read_parquet(FOLDER / f"{name}.parquet", filters=[("cohort", "==", number)]).drop(
            columns="cohort"
        )
        for name in TABLES
    }


def hand_over(tables: dict[str, pd.DataFrame], number: int, folder: Path) -> Path:
    """Write these tables and a manifest that names them; returns the manifest."""
    for name in TABLES:
        tables[name].to_csv(folder / f"{name}.csv", index=False)
    manifest = {
        "name": f"consistent-{number}",
        "title": f"Consistent cohort {number} (synthetic)",
        "synthetic": "true",
        "tables": {name: f"{name}.csv" for name in TABLES},
    }
    (folder / "cohort.yml").write_text(yaml.safe_dump(manifest, sort_keys=False), "utf-8")
    return folder / "cohort.yml"


def read(number: int) -> Cohort:
    """One of the cohorts; it stands for the paper's patients."""
    with tempfile.TemporaryDirectory() as folder:
        study = read_cohort(hand_over(tables(number), number, Path(folder)))
    return replace(study, of_the_paper=True)


@published
def rows() -> pd.DataFrame:
    """The committed result rows of all cohorts."""
    return pd.read_parquet(FOLDER / "rows.parquet")
