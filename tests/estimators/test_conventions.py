"""The second referee: what SAS printed, R asked for the same, and this book, in ``data/proof/conventions.csv``.

SAS's column is published output, typed in; the other two are computed here and by ``tests/r/conventions.R``.
``WRITE_CONVENTIONS=1 python -m pytest -n 0 tests/estimators/test_conventions.py`` writes them; without it they
are compared.
"""

import html
import os
import re

import pandas as pd
import pytest

from analysis_lib.binding import proof
from analysis_lib.estimators import curves, models
from analysis_lib.rows import rounding

from beside_r import fixture, number
from data_sets_beside_r import frame_of, triple

MODELS = {  # by name: days after which a row is at risk, days on which it ends, strata
    "andersen_gill": ("start", "days", None),
    "total_time": ("start", "days", "stratum"),
    "gap_time": (None, "gap", "stratum"),
}
SAME = ("log-log interval", "S = 0.5 exactly, then lower", "beyond the last follow-up")


def of_tumours():
    """The Cox models of the bladder tumours, with Efron's ties."""
    frame = frame_of("bladder2").assign(gap=lambda rows: rows["days"] - rows["start"])
    terms = frame[["thiotepa", "size", "number"]].astype(float)
    for model, (start, end, stratum) in MODELS.items():
        options = ({"start": frame[start]} if start else {}) | ({"strata": frame[stratum]} if stratum else {})
        fit = models.cox(terms, frame[end], frame["event"], cluster=frame["cluster"], **options)
        for term, line in fit.terms.iterrows():
            yield f"{model}.{term}.hr", triple(line[["hr", "lower", "upper"]])
            yield f"{model}.{term}.robust_se", {"value": line["robust_se"]}


def of_curves():
    """Ten people whose curve stays at one half, and four whose curve leaves it again."""
    steps = ["survival", "lower", "upper"]
    days = [54, 75, 77, 84, 87, 92, 103, 105, 112, 118]
    ten = curves.kaplan_meier(days, [True] * 5 + [False] * 5, interval="log-log")
    yield (
        "ten.quartile",
        triple([curves.quantile(ten, c, level=0.75) for c in ("survival", "lower", "upper")]),
    )
    yield "ten.median", triple([curves.quantile(ten, c) for c in steps])
    for day in (80, 100, 120):
        step = curves.at(ten, day)
        yield f"ten.survival{day}", triple([None] * 3 if step is None else step[steps])
    four = curves.kaplan_meier([10, 20, 30, 40], [True] * 4, interval="log-log")
    yield "four.median", {"value": curves.quantile(four)}


def printed(row, sas):
    """A row with the decimals, and the limits, that SAS printed."""
    cells = re.findall(r"NE|[\d.]+", sas)
    decimals = 3 if set(cells) == {"NE"} else max(len(cell.partition(".")[2]) for cell in cells)
    shown = [
        "NE" if number(value) is None else _trimmed(rounding.number(value, decimals), cell)
        for value, cell in zip((row[c] for c in ("value", "lower", "upper") if c in row), cells + ["NE"] * 2)
    ]
    if len(shown) == 1 or set(shown) == {"NE"}:
        return shown[0]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def _trimmed(value, cell):
    """As SAS does: an estimate without the zeros that end it, where its limits have more decimals."""
    return value.rstrip("0").rstrip(".") if "." in value and len(cell) < len(value) else value


@pytest.fixture(scope="module")
def table():
    ours, r, kept = (
        dict(of_tumours()) | dict(of_curves()),
        fixture("conventions")["rows"],
        proof.conventions(),
    )
    made = kept.assign(
        r=[printed(r[i], sas) for i, sas in zip(kept["id"], kept["sas"])],
        here=[printed(ours[i], sas) for i, sas in zip(kept["id"], kept["sas"])],
    )
    if "WRITE_CONVENTIONS" in os.environ:
        made.to_csv(proof.CONVENTIONS, index=False)
    pd.testing.assert_frame_equal(made, proof.conventions())
    return made


def test_r_prints_what_sas_prints_when_asked_for_the_same(table):
    differ = table[table["r"] != table["sas"]]
    assert set(differ["convention"]) == {"S = 0.5 exactly, to the end", "beyond the last follow-up"}


def test_this_book_prints_what_sas_prints_but_for_ties_and_a_curve_that_stays_at_one_half(table):
    differ = table[table["here"] != table["sas"]]
    assert set(differ["convention"]) == {"Breslow's ties", "S = 0.5 exactly, to the end"}
    assert not set(SAME) & set(differ["convention"])


def test_where_r_keeps_its_own_convention_this_book_agrees_with_r_not_with_sas(table):
    stays = table.set_index("id").loc["ten.median"]
    assert (stays["sas"], stays["r"], stays["here"]) == ("NE (54 to NE)", "87 (54 to NE)", "87 (54 to NE)")


def test_the_page_shows_every_row_and_says_why(table):
    page = proof.page()
    assert set(table["convention"]) == set(proof.WHY)
    for column in ("quantity", "sas", "here"):
        assert all(html.escape(cell) in page for cell in table[column])
    assert all(source in page for source in table["source"])
