"""Proof against R: how far every estimator is from R, and the traps that its tests keep the book out of.

The tables are kept in ``data/proof``. ``agreement.csv`` is written by ``python
tools/write_agreement.py --write`` and held against a fresh comparison by the tests; ``traps.csv`` has one
line a test of ``tests/estimators/test_traps.py``, in words with a place for each number, and
``trap_numbers.csv`` the numbers, which that test computes and compares.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from analysis_lib.dictionary.words import listed
from analysis_lib.files.places import BUNDLED
from analysis_lib.rows import rounding
from analysis_lib.show import tables

FOLDER = BUNDLED / "proof"
TRAP_NUMBERS = FOLDER / "trap_numbers.csv"


def agreement() -> pd.DataFrame:
    """Every estimator: ``estimator, library, referee, data_sets, numbers_compared, below, reason``.

    ``below`` is a power of ten that the largest relative difference from R over all data sets stays under;
    ``reason`` says why it is not smaller, or what a reader must know.
    """
    return pd.read_csv(FOLDER / "agreement.csv", keep_default_na=False, dtype={"below": str})


def traps() -> pd.DataFrame:
    """Every trap: ``test, trap, wrong, right, here``.

    ``wrong`` is what an unwary analysis prints, ``right`` the proven number, each in words around the number;
    ``here`` is what this book does.
    """
    words, kept = pd.read_csv(FOLDER / "traps.csv", keep_default_na=False, dtype=str), numbers()
    for line in words.index:
        mine = kept[kept["test"] == words.loc[line, "test"]].set_index("number")["value"]
        shown = {
            name: rounding.p_value(value) if name.startswith("p_") else value for name, value in mine.items()
        }
        words.loc[line, ["wrong", "right"]] = [
            words.loc[line, column].format(**shown) for column in ("wrong", "right")
        ]
    return words


def numbers() -> pd.DataFrame:
    """The numbers of the traps, unrounded: ``test, number, value``; P values have names that begin with
    ``p_``.
    """
    return pd.read_csv(TRAP_NUMBERS)


def page() -> str:
    """The page of the book that shows both.

    Long because it is one page, written from top to bottom.
    """
    table = agreement()
    total, referees = (
        table["numbers_compared"].astype(int).sum(),
        sorted(set(", ".join(table["referee"]).split(", "))),
    )
    shown = pd.DataFrame(
        {
            "Estimator": table["estimator"],
            "Computed by": table["library"].map(_with_version),
            "Compared with": table["referee"].str.partition(" ")[0],
            "Data sets": table["data_sets"].astype(str),
            "Numbers": table["numbers_compared"].astype(int).map("{:,}".format),
            "Largest difference, below": table["below"].astype(str).map(_power),
        }
    )
    pitfalls = traps()[["trap", "wrong", "right", "here"]]
    pitfalls.columns = ["Trap", "What an unwary analysis gives", "What is right", "What this book does"]
    return "\n".join(
        [
            "# Proof against R",
            "",
            "A number in a table does not show whether the program behind it is right. R's survival package "
            "has "
            "been the referee of "
            "survival analysis for decades, so every estimator of this book is run on real data sets and on "
            "the "
            "reconstructed cohort, "
            f"and each of {total:,} numbers is held against what R says. The tests of the book repeat the "
            f"comparison whenever anything "
            f"changes, and R itself is asked again where it is installed. The numbers compared here were "
            f"made "
            f"with {listed(referees)}.",
            "",
            "## Every estimator",
            "",
            "The difference is relative: the distance between the two numbers, divided by R's. The table "
            "gives "
            "the largest over all "
            "data sets, rounded up to a power of ten.",
            "",
            tables.html_table(
                shown,
                "Every estimator, the library that computes it, and its largest relative difference from R",
            ),
            "",
            "### Remarks",
            "",
            *[f"- *{line.estimator}*: {line.reason}." for line in table[table["reason"] != ""].itertuples()],
            "",
            "## Traps",
            "",
            "Most packages answer a wrong question without a word. Each trap below was seen with real "
            "numbers, "
            "and a test makes sure "
            "that this book does not fall into it.",
            "",
            tables.html_table(pitfalls, "Traps of survival analysis, with what goes wrong and what is right"),
            "",
        ]
    )


def _with_version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return library


def _power(below: str) -> str:
    """``1e-09`` as ``10⁻⁹``."""
    exponent = str(int(f"{float(below):.0e}".partition("e")[2])).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
    return f"10{exponent}"
