"""The cards of the cover: built from rows, left out without them, and true of the bundled cohort."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from analysis_lib.analyses import immortal, weighting
from analysis_lib.binding import cards, cover, rendering
from analysis_lib.binding.outcome import Outcome
from analysis_lib.consistent import ranges
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import payloads

NAIVE = results.row("immortal.response.naive", "hazard ratio", 0.5, lower=0.3, upper=0.9, n=120, events=60)
DELAYED = results.row(
    "immortal.response.delayed", "hazard ratio", 1.1, lower=0.7, upper=1.8, n=120, events=60
)

RANGE = results.row("range.immortal.response.delayed", "hazard ratio", 0.6, lower=0.6, upper=4.3)


def test_a_card_says_and_draws_what_its_rows_hold():
    told = cover.card(cover.FINDINGS[0], public(results.collect([NAIVE, DELAYED, RANGE])), "cohorts/x/")
    assert all(number in told["words"] for number in ("0.50", "1.10", "from 0.60 to 4.30"))
    assert told["href"].startswith("cohorts/x/09_beyond")
    assert "from infusion: 0.50 (95% CI 0.30–0.90)" in told["picture"]
    assert told["small"].endswith("synthetic patients")


def test_a_card_without_its_rows_is_left_out():
    assert cover.card(cover.FINDINGS[0], public(results.collect([NAIVE])), "") == {}


def test_bars_are_counts_out_of_their_n():
    kept = results.row("coverage.immortal.naive", "count", 3, n=20)
    with_remedy = results.row("coverage.immortal.remedy", "count", 19, n=20)
    told = cover.card(cover.FINDINGS[4], public(results.collect([kept, with_remedy])), "")
    assert "naive: 3 of 20" in told["picture"] and "remedy: 19 of 20" in told["picture"]


@pytest.fixture(scope="module")
def study():
    return read_cohort("reconstructed")


def test_what_the_cards_claim_is_true_of_the_bundled_cohort(study):
    wait = immortal.response(study).set_index("result_id")
    assert wait.loc["immortal.response.naive", "upper"] < 1
    assert wait.loc["immortal.response.delayed", "lower"] < 1 < wait.loc["immortal.response.delayed", "upper"]
    later = immortal.compare(study, immortal.second_modality(study, "ST"), "st", 3, []).set_index("result_id")
    assert later.loc["immortal.st.naive", "value"] < 1 < later.loc["immortal.st.timed", "value"]
    reached = ranges.committed().set_index("result_id")
    found = reached.loc["immortal.response.delayed"]
    assert found["lowest"] < 1 < found["highest"] and found["verdict"] == "not determined"
    assert reached.loc["immortal.st.timed", "lowest"] > 1
    alike = weighting.compare(weighting.prepare(study)).set_index("result_id").loc["weighted.os2.overlap"]
    assert alike["lower"] < 1 < alike["upper"]


def test_the_first_page_is_filled_and_a_book_without_findings_keeps_its_own(tmp_path):
    (tmp_path / "generated").mkdir()
    first = tmp_path / "intro.md"
    first.write_text(f"# A\n\n{cover.MARK}\n", "utf-8")
    rendering.fill(tmp_path)
    assert cover.MARK in first.read_text("utf-8")
    (tmp_path / "generated" / cover.FILE).write_text('<div class="cards"></div>', "utf-8")
    rendering.fill(tmp_path)
    assert first.read_text("utf-8") == '# A\n\n<div class="cards"></div>\n'


def test_chapters_are_cards_with_picture_and_question_and_a_skipped_one_is_none(study, tmp_path):
    drawing = (
        '<svg class="drawing wide" role="img" aria-label="a" viewBox="0 0 1 1"><text>w</text><path/></svg>'
    )
    data = {"text/html": f'<figure class="chart">{drawing}</figure>'}
    shown = nbformat.v4.new_output("display_data", data=data)
    opens = nbformat.v4.new_output("display_data", data={"text/html": "<p>"})
    opens.metadata[payloads.NOTE] = {"kind": payloads.OPENING, "question": "How <long>?"}
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[opens, shown])])
    nbformat.write(page, tmp_path / "04_survival.ipynb")
    outcomes = [
        Outcome("r", "04_survival", "done", ""),
        Outcome("r", "05_radiotherapy", "skipped", "no sites"),
    ]
    made = BeautifulSoup(cards.of_chapters(study, outcomes, tmp_path), "html.parser")
    (card,) = made.select("a.card-link")
    assert card["href"] == "04_survival.html" and "How <long>?" in card.get_text()
    assert card.svg["aria-hidden"] == "true" and not card.find("text") and card.find("path")
    assert not re.search("radiotherapy", card.get_text())
