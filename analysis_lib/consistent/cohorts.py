"""The committed cohorts that are consistent with the paper: their tables and their result rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import yaml

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files.places import BUNDLED
from analysis_lib.intake.read import in_types, with_derived
from analysis_lib.rows.released import published

FOLDER = BUNDLED / "consistent"
TABLES = ("patients", "sites", "lines")
BOUNDS = ["result_id", "lowest", "highest", "starts", "found_by"]
COVERAGE = [
    "kind",
    "within",
    "of",
    "by",
    "simulated",
    "reconstructed",
    "cohorts",
    "missed",
    "expected",
    "code",
]


def numbers() -> list[int]:
    """The numbers of the committed cohorts."""
    return sorted(
        pd.read_parquet(FOLDER / "patients.parquet", columns=["cohort"])["cohort"].unique().tolist()
    )


def made_by() -> dict[int, str]:
    """The command that made each of the committed cohorts."""
    return pd.read_csv(FOLDER / "made_by.csv").set_index("cohort")["made_by"].to_dict()


def code() -> set[str]:
    """The code that made the committed cohorts: a digest of its statements, where all are of the same."""
    return set(pd.read_csv(FOLDER / "made_by.csv")["code"])


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
        "name": name_of(number),
        "title": title_of(number),
        "synthetic": "true",
        "tables": {name: f"{name}.csv" for name in TABLES},
    }
    (folder / "cohort.yml").write_text(yaml.safe_dump(manifest, sort_keys=False), "utf-8")
    return folder / "cohort.yml"


def read(number: int) -> Cohort:
    """One of the cohorts; it stands for the paper's patients.

    Their tables are in the words and units of the data dictionary, and the tests hold each against what
    reading its files gives, so nothing is parsed and checked again.
    """
    return _as_cohort(number, {name: in_types(name, table) for name, table in tables(number).items()})


def read_all() -> dict[int, Cohort]:
    """All cohorts by their number, as :func:`read` gives them."""
    whole = {name: pd.read_parquet(FOLDER / f"{name}.parquet") for name in TABLES}
    whose = {name: table["cohort"].to_numpy() for name, table in whole.items()}
    # in their types once, not forty times
    whole = {name: in_types(name, table.drop(columns="cohort")) for name, table in whole.items()}
    return {
        number: _as_cohort(
            number,
            {name: table[whose[name] == number].reset_index(drop=True) for name, table in whole.items()},
        )
        for number in numbers()
    }


def _as_cohort(number: int, of: dict[str, pd.DataFrame]) -> Cohort:
    cohort = Cohort(
        **of,
        name=name_of(number),
        title=title_of(number),
        index_event=CAR_T,
        synthetic=True,
        note="",
        of_the_paper=True,
        made_to_agree=True,
    )
    return with_derived(cohort)


def name_of(number: int) -> str:
    """What one of the cohorts is called."""
    return f"consistent-{number}"


def title_of(number: int) -> str:
    """Its title."""
    return f"Consistent cohort {number} (synthetic)"


@published
def rows() -> pd.DataFrame:
    """The committed result rows of all cohorts."""
    return pd.read_parquet(FOLDER / "rows.parquet")


def bounds() -> pd.DataFrame:
    """The lowest and the highest value of a result that a search found while all claims stayed met.

    Returns
    -------
    pandas.DataFrame
        ``result_id, lowest, highest, starts`` (from how many cohorts the search set out), ``found_by``; empty
        where no search has been made. The widest that was found is no proof that nothing lies beyond.
    """
    return _beside("bounds.csv", BOUNDS)


def coverage() -> pd.DataFrame:
    """How often the truth lay in the range, where it was known: cohorts were simulated, a paper about each
    was printed, and cohorts were made from that paper alone.

    Returns
    -------
    pandas.DataFrame
        ``kind`` of result, ``within`` so many ``of`` so many, ``by`` (``ensemble`` or ``bounds``); how many
        cohorts were ``simulated``, of how many enough were ``reconstructed``, by how many ``cohorts``, which
        ``missed`` so many claims on average; in how many percent one more draw of the same kind would be
        ``expected`` within; which ``code`` made them. Empty where it has not been measured.
    """
    return _beside("coverage.csv", COVERAGE)


def _beside(name: str, columns: list[str]) -> pd.DataFrame:
    file = FOLDER / name
    return pd.read_csv(file).reindex(columns=columns) if file.exists() else pd.DataFrame(columns=columns)
