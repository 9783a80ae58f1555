"""Drawings of lines and words: whose line is whose, and that a phone has a rendering of its own."""

import pandas as pd
import pytest
from lxml import html

from analysis_lib.rows.released import public
from analysis_lib.rows.results import collect, row
from analysis_lib.show import line_art

NAMES = ["RT", "CMT", "ST", "ST then RT"]


def curve(names):
    one = pd.DataFrame({"months": [0, 6, 24], "at_risk": [5, 3, 1], "survival": [1.0, 0.6, 0.2]})
    return public(pd.concat([one.assign(group=name) for name in names], ignore_index=True))


def drawn(svg):
    found = html.fromstring(svg).xpath(".//svg")
    return {each.get("class").split()[1]: each for each in found}


@pytest.mark.parametrize("kind", ["wide", "narrow"])
def test_each_of_several_curves_is_named_beside_its_own_line(kind):
    svg = drawn(line_art.curves(curve(NAMES), "Four curves."))[kind]
    first = svg.xpath("./path | ./text")[: 2 * len(NAMES)]
    assert [each.text for each in first[1::2]] == NAMES
    looks = [each.get("class") for each in first[::2]]
    assert len(set(looks)) == len(NAMES)
    assert (
        looks == [each.get("class") for each in svg.xpath("./path[contains(@class, 'curve')]")][len(NAMES) :]
    )


def test_one_curve_has_no_key():
    svg = drawn(line_art.curves(curve([""]), "A curve."))["wide"]
    assert len(svg.xpath("./path[contains(@class, 'curve')]")) == 1


def test_long_names_stand_above_their_numbers_on_a_phone():
    long = "Radiotherapy, and systemic therapy later"
    both = drawn(line_art.curves(curve(["RT", long]), "Two curves."))
    for kind, width in (("wide", line_art.WIDTH), ("narrow", line_art.PHONE)):
        grid = both[kind].xpath("./path[@class='grid']")[0].get("d")
        assert float(grid[1:].split(",")[0]) < (0.6 if kind == "wide" else 1 / 3) * width
    (name,) = [each for each in both["narrow"].xpath("./text") if each.text == long and each.get("x") == "4"]
    assert name.get("class") == "start"


@pytest.mark.parametrize("kind, width", [("wide", line_art.WIDTH), ("narrow", line_art.PHONE)])
def test_names_intervals_and_ratios_of_a_forest_stand_apart(kind, width):
    ratios = [row("a", "hazard ratio", 2.95, lower=1.66, upper=5.25, n=120, group="Elevated LDH")]
    svg = drawn(line_art.forest(public(collect(ratios)), "A forest."))[kind]
    start, end = (
        float(each)
        for each in svg.xpath("./path[@class='interval']")[0].get("d")[1:].replace(",", "H").split("H")[::2]
    )
    texts = {each.text: each for each in svg.xpath("./text")}
    ratio, name = texts["2.95 (1.66–5.25)"], texts["Elevated LDH"]
    assert end < float(ratio.get("x")) - line_art.LETTER * len(ratio.text) * 0.95
    beside = float(name.get("x")) + line_art.LETTER * len(name.text) < start
    above = float(name.get("y")) < float(ratio.get("y")) - line_art.LINE + 2
    assert beside if kind == "wide" else above
    assert all(0 <= float(each.get("x")) <= width for each in texts.values())
