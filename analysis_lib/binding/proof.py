"""Proof against R: how far every estimator is from R, and the traps that its tests keep the book out of.

The tables are kept in ``data/proof``. ``agreement.csv`` is written by ``python
tools/write_agreement.py --write`` and held against a fresh comparison by the tests; ``traps.csv`` has one
line a test of ``tests/estimators/test_traps.py``, in words with a place for each number, and
``trap_numbers.csv`` the numbers, which that test computes and compares. ``conventions.csv`` holds what SAS
printed where its conventions differ from R's, beside R asked for the same and beside this book;
``tests/estimators/test_conventions.py`` computes both.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from analysis_lib.dictionary.words import listed
from analysis_lib.files.places import BUNDLED
from analysis_lib.rows import rounding
from analysis_lib.show import tables

FOLDER = BUNDLED / "proof"
TRAP_NUMBERS = FOLDER / "trap_numbers.csv"
CONVENTIONS = FOLDER / "conventions.csv"
ALONE = (
    "One estimator is held against no package: patients read back from a printed curve. Its algorithm "
    "(Guyot and others 2012) is a listing in an article, and in packages that come neither with R nor "
    "with Debian. It is tried on curves whose patients are known: where nobody is censored the very "
    "patients must come back, and so they must in curves small enough to work out by hand. "
    "How far it is from the truth on a figure of a book is shown beside courses of therapy, where a cohort "
    "has these."
)
WHY = {  # by convention: what SAS does, what R and this book do, and why it matters
    "Breslow's ties": "PHREG takes Breslow's approximation where events tie and nothing else is asked for. R "
    "asked for it prints what SAS prints; by itself R, and this book with it, takes Efron's, which is nearer "
    "to the exact answer. Without ties they are one",
    "log-log interval": "LIFETEST puts its limits on the scale of log(-log S), R on that of log S, and the "
    "chapters follow R; both can do both, and asked for the same they agree to every printed digit",
    "S = 0.5 exactly, then lower": "all three take the middle of the stretch on which the curve stands at "
    "one half; this row is a rule of the manual, not a print",
    "S = 0.5 exactly, to the end": "SAS looks for the curve below one half, finds none, and prints NE, not "
    "estimable. R's print and this book name the day on which the curve reached one half; R's quantile() "
    "goes half way to the last follow-up",
    "beyond the last follow-up": "SAS and this book give no estimate once nobody is followed any more; R, "
    "asked to extend the curve, goes on with its last height",
}


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


def conventions() -> pd.DataFrame:
    """Where SAS differs from R: ``id, convention, quantity, sas, r, here, source``.

    ``sas`` is what SAS printed, or its manual rules, as ``source`` says; ``r`` what R gives when asked for
    the same convention, and ``here`` what this book gives, both with the decimals of ``sas``. NE is not
    estimable.
    """
    return pd.read_csv(CONVENTIONS, keep_default_na=False, dtype=str)


def page() -> str:
    """The page of the book that shows all three.

    Long because it is one page, written from top to bottom.
    """
    table = agreement()
    total, referees = (
        table["numbers_compared"].astype(int).sum(),
        sorted(set(", ".join(table["referee"]).split(", "))),
    )
    shown = pd.DataFrame(
        {
            "Estimator": table["estimator"].map(with_dashes),
            "Computed by": table["library"].map(_with_version),
            "Compared with": table["referee"].str.partition(" ")[0],
            "Data sets": table["data_sets"].astype(str),
            "Numbers": table["numbers_compared"].astype(int).map("{:,}".format),
            "Largest difference, below": table["below"].astype(str).map(_power),
        }
    )
    second = conventions()
    sas = second[["convention", "quantity", "sas", "r", "here"]]
    sas.columns = ["Convention", "Quantity", "SAS prints", "R, asked for the same", "This book"]
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
            *[
                f"- *{with_dashes(line.estimator)}*: {line.reason}."
                for line in table[table["reason"] != ""].itertuples()
            ],
            "",
            "### What has no referee",
            "",
            ALONE,
            "",
            "## A second referee: SAS",
            "",
            "Two right programs may print two numbers, because they answer by different conventions. SAS was "
            "not run for this book: its column is output that others published, on data that R carries or "
            "that are small enough to print. A difference in the last column is a convention, said below, "
            "and no error.",
            "",
            tables.html_table(sas, "Where SAS and R differ by convention, and what this book does"),
            "",
            *[f"- *{convention}*: {WHY[convention]}." for convention in second["convention"].unique()],
            "",
            f"SAS's numbers are from: {'; '.join(second['source'].unique())}.",
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


def with_dashes(estimator: str) -> str:
    """Two people's names as the book sets them, Kaplan–Meier: the tables of the tests are plain text."""
    return re.sub(r"(?<=[a-z])-(?=[A-Z])", "–", estimator)


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
