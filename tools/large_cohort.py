"""Make a synthetic cohort of any size, two irradiated sites a patient on average: does the book scale?

    python tools/large_cohort.py 100000 DIR
    salvage-book run 04_survival DIR --out DIR/out

Patients are drawn with replacement from the reconstructed cohort. Each one's days are stretched by a factor
of his own, so that times are as many as patients and keep their order; the sites of whoever was irradiated
are repeated until there are two for each patient. Nothing of it is a finding.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from analysis_lib.files.places import RECONSTRUCTED

SEED = 2023
STRETCH = 1.5  # days become up to so many times as many; from 1 on, so that whole days keep their order
SITES = 2  # a patient, on average
TABLES = ("patients", "sites", "lines")


def drawn(patients: int) -> dict[str, pd.DataFrame]:
    """The tables of a cohort of so many patients; equal numbers give equal tables."""
    rng = np.random.default_rng(SEED)
    whole = {name: pd.read_csv(RECONSTRUCTED.parent / f"{name}.csv") for name in TABLES}
    ids = whole["patients"]["patient_id"].to_numpy()
    rows = rng.integers(0, len(ids), patients)
    factor = rng.uniform(1, STRETCH, patients)
    tables = {
        "patients": _taken(whole["patients"], rows, np.arange(patients)),
        "lines": _of(whole["lines"], ids, rows, None),
        "sites": _of(whole["sites"], ids, rows, SITES * patients),
    }
    return {name: _stretched(table, factor) for name, table in tables.items()}


def _of(table: pd.DataFrame, ids: np.ndarray, rows: np.ndarray, number: int | None) -> pd.DataFrame:
    """The rows of a table that belong to the drawn patients; repeated until there are ``number``."""
    of_id = table.groupby("patient_id").indices
    mine = [of_id.get(name, np.array([], dtype=int)) for name in ids]
    counts = np.array([len(each) for each in mine])
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    has = np.flatnonzero(counts[rows])
    wanted = counts[rows]
    if number is not None:
        wanted = np.zeros(len(rows), dtype=int)
        wanted[has] = number // len(has) + (np.arange(len(has)) < number % len(has))
    whose = np.repeat(np.arange(len(rows)), wanted)
    nth = np.arange(len(whose)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    nth %= counts[rows][whose]
    order = np.sort(nth + start[rows][whose] + whose.astype(np.int64) * len(table)) % len(table)
    return _taken(table, np.concatenate(mine)[order], whose)


def _taken(table: pd.DataFrame, rows: np.ndarray, whose: np.ndarray) -> pd.DataFrame:
    return table.iloc[rows].assign(patient_id=whose).reset_index(drop=True)


def _stretched(table: pd.DataFrame, factor: np.ndarray) -> pd.DataFrame:
    days = {
        column: np.floor(table[column] * factor[table["patient_id"]]).astype("Int64")
        for column in table
        if column.endswith("_day")
    }
    counts = {column: table[column].astype("Int64") for column in ("fractions",) if column in table}
    return table.assign(**days, **counts, patient_id="P" + table["patient_id"].astype(str).str.zfill(7))


def main() -> None:
    """Write the tables and a manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=int)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, table in drawn(options.patients).items():
        table.to_csv(options.folder / f"{name}.csv", index=False)
    manifest = {
        "name": f"large-{options.patients}",
        "title": f"Large cohort, {options.patients} patients (synthetic)",
        "synthetic": True,
        "tables": {name: f"{name}.csv" for name in TABLES},
    }
    (options.folder / "cohort.yml").write_text(yaml.safe_dump(manifest, sort_keys=False), "utf-8")


if __name__ == "__main__":
    main()
