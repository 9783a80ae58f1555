"""The paper's printed claims, one a line, and how their numbers read."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis_lib.rows.rounding import number

HERE = Path(__file__).parent
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
BOUND = re.compile(r"P?([<>])(\d\.\d+)")
NOT_REACHED = "NR"
WORDS = {
    "highest": "the largest of its group of results",
    "all": "100 percent",
    "most": "more than half",
}


@cache
def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / name, dtype=str, keep_default_na=False)


def read_claims() -> pd.DataFrame:
    """The claims, all as text, in the order of the paper.

    Returns
    -------
    pandas.DataFrame
        ``claim_id``; ``section`` of the paper; ``population``, ``about`` and ``statistic``: of whom, of what,
        and what kind of number; ``printed``: as printed, a pair joined by an en dash, ``NR`` for a median not
        reached, ``P>0.05`` and words (:data:`WORDS`) where a statement has no number; ``result_id`` and
        ``field``: the part of a result row that it speaks of (``value``, ``limits``, ``n``, ``events``;
        ``groups``: how many rows stand below the id; ``highest``: whether no other row of its group is
        larger); ``same_as``: the claim that prints the same quantity first or in more detail; ``note``.
    """
    return _table("claims.csv").copy()


def read_statements() -> pd.DataFrame:
    """What the Discussion says of the data in words, in the form of :func:`read_claims`; the results that
    they speak of are those of :func:`analysis_lib.paper.spoken.rows`.
    """
    return _table("statements.csv").copy()


def read_abstract() -> pd.DataFrame:
    """What a conference abstract of the same study prints, in the form of :func:`read_claims`, without
    ``section``.

    The abstract groups patients by their *whole* salvage course. ``same_as`` names the paper's claim on the
    same quantity; the others stand in the abstract only. Only what could be read is here: the stored copy
    breaks off within its results (``salvageabstract`` in the references).
    """
    return _table("abstract.csv").copy()


def contradictions() -> dict[str, str]:
    """The claims that the paper's own numbers rule out, and those that exclude each other (:func:`forks`),
    with the arithmetic in words.
    """
    alone = dict(_table("contradictions.csv").itertuples(index=False))
    return alone | {claim: fork.arithmetic for claim, fork in forks().items()}


class Fork(NamedTuple):
    """A claim that cannot be true together with another: the other one, why not, and what else is known."""

    other: str
    arithmetic: str
    outside: str


def forks() -> dict[str, Fork]:
    """The claims of which only one of two can be true: which is, the print does not say."""
    return {name: Fork(*rest) for name, *rest in _table("forks.csv").itertuples(index=False)}


@cache
def _by_id() -> dict[str, str]:
    claims = _table("claims.csv")
    return dict(zip(claims["claim_id"], claims["printed"]))


def printed_text(claim_id: str) -> str:
    """A claim as printed."""
    return _by_id()[claim_id]


def printed_number(claim_id: str) -> float:
    """The number of a claim, for arithmetic with what is printed."""
    return float(printed_text(claim_id))


def printed_count(claim_id: str) -> int:
    """The number of a claim that counts."""
    return int(printed_text(claim_id))


def decimals(printed: str) -> int:
    """Number of decimals of a printed number."""
    return len(printed.partition(".")[2])


def ends_of(printed: str) -> tuple[float, float]:
    """The numbers that print so, from and to (half up: the upper end does not)."""
    half = 0.5 * 10.0 ** -decimals(printed)
    return float(printed) - half, float(printed) + half


def parts(printed: str) -> list[str]:
    """A printed claim as its parts: two for a pair of limits, else one.

    Raises
    ------
    ValueError
        If it is none of the forms that :func:`read_claims` describes.
    """
    pieces = printed.split("–")
    known = [bool(NUMBER.fullmatch(piece)) for piece in pieces]
    if (
        len(pieces) == 2
        and all(known)
        or len(pieces) == 1
        and (known[0] or BOUND.fullmatch(printed) or printed == NOT_REACHED or printed in WORDS)
    ):
        return pieces
    raise ValueError(f"{printed!r} is not a printed number, pair, bound, NR or one of {', '.join(WORDS)}")


def meets(value: float | bool | None, printed: str) -> bool:
    """Whether a value prints as one part of a claim, rounded half up at its precision.

    A median that is not reached is ``None``; whether a median is the highest is a ``bool``; ``all`` is 100
    percent, ``most`` more than half.
    """
    bound = BOUND.fullmatch(printed)
    if value is None or printed == NOT_REACHED:
        return value is None and printed == NOT_REACHED
    if bound:
        return value < float(bound[2]) if bound[1] == "<" else value > float(bound[2])
    if printed in WORDS:
        return value is True if printed == "highest" else value == 100 if printed == "all" else value > 50
    return number(value, decimals(printed)) == printed
