"""Teaching in a real browser, from files: exercises that check and keep, predictions, the explorer, definitions."""

import csv
import re

import pytest

from visiting import DESKTOP, file_page, first, resize, settle, strangers, tree_of, words

CHAPTER = "book/cohorts/reconstructed/04_survival.html"
EXPLORER = "book/generated/explorer.html"


@pytest.fixture
def chapter(visit, book_html):
    page = visit()
    page.goto(file_page(book_html, CHAPTER))
    settle(page)
    return page


def number(page):
    return page.locator("[data-part=exercises] form[data-kind=number]").first


def a_number_is_judged_within_its_tolerance_and_the_comma_is_a_point(chapter):
    form = number(chapter)
    right, within = (float(form.get_attribute(f"data-{name}")) for name in ("value", "within"))
    said = form.get_by_role("status")
    for answer, verdict in [
        (f"{right + 2 * within:.2f}", "Not yet."),
        (f"{right + within / 2:.2f}".replace(".", ","), "Right."),
        ("many", "Write a number."),
        ("", "Answer first."),
    ]:
        form.locator("input[name=answer]").fill(answer)
        form.locator("input[name=answer]").press("Enter")
        assert said.inner_text().startswith(verdict), answer


def a_wrong_choice_is_told_why_and_the_score_counts(chapter):
    quiz = chapter.locator("[data-part=quiz]")
    quiz.locator("> summary").click()
    form = quiz.locator("form").first
    wrong, right = form.locator("input:not([data-right])").first, form.locator("input[data-right]")
    wrong.check()
    form.get_by_role("button", name="Check").click()
    assert form.get_by_role("status").inner_text() == f"Not yet. {wrong.get_attribute('data-why')}"
    right.check()
    form.get_by_role("button", name="Check").click()
    assert form.get_by_role("status").inner_text().startswith("Right.")
    assert quiz.locator(".exercise-score").inner_text() == "1 of 5 right"


def an_order_is_judged_by_its_places(chapter):
    form = chapter.locator("form[data-kind=order]").first
    for select in form.locator("select").all():
        select.select_option(select.get_attribute("data-place"))
    form.get_by_role("button", name="Check").click()
    assert form.get_by_role("status").inner_text().startswith("Right.")


def printing_opens_every_answer_and_closes_it_again(chapter):
    folded = "document.querySelectorAll('article details:not([open])').length"
    before = chapter.evaluate(folded)
    chapter.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert before > 5 and chapter.evaluate(folded) == 0
    chapter.evaluate("dispatchEvent(new Event('afterprint'))")
    assert chapter.evaluate(folded) == before


def test_exercises_are_judged_and_printed(chapter):
    """One visit for all: the kinds of exercises know nothing of each other."""
    a_number_is_judged_within_its_tolerance_and_the_comma_is_a_point(chapter)
    a_wrong_choice_is_told_why_and_the_score_counts(chapter)
    an_order_is_judged_by_its_places(chapter)
    printing_opens_every_answer_and_closes_it_again(chapter)


def test_answers_are_kept_saved_and_forgotten(chapter, tmp_path):
    form = number(chapter)
    form.locator("input[name=answer]").fill("=1")
    form.locator("input[name=answer]").press("Enter")
    chapter.reload()
    settle(chapter)
    assert number(chapter).locator("input[name=answer]").input_value() == "=1"
    with chapter.expect_download() as told:
        chapter.get_by_role("button", name="Save my answers").click()
    told.value.save_as(tmp_path / "answers.csv")
    lines = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8-sig")))
    assert told.value.suggested_filename == "answers-04_survival.csv"
    assert len(lines) == chapter.locator("form.exercise").count()
    (mine,) = [line for line in lines if line["answer"]]
    assert (mine["cohort"], mine["answer"], mine["right"]) == ("reconstructed", "'=1", "no"), (
        "no spreadsheet calculates it"
    )
    chapter.get_by_role("button", name="Start again").click()
    chapter.reload()
    settle(chapter)
    assert number(chapter).locator("input[name=answer]").input_value() == ""


def test_a_figure_stays_covered_until_there_is_a_guess(chapter):
    switch = chapter.get_by_role("checkbox", name="Let me guess first")
    assert not chapter.locator(".prediction-cover").count()
    switch.check()
    cover = chapter.locator(".prediction-cover").first
    figure = cover.locator("figure")
    assert figure.is_hidden()
    cover.locator("input[name=answer]").fill("12")
    cover.locator("input[name=answer]").press("Enter")
    assert figure.is_visible() and "OS1 is" in cover.get_by_role("status").inner_text()
    switch.uncheck()
    chapter.reload()
    settle(chapter)
    assert not chapter.locator(".prediction-cover").count()


def test_without_scripts_questions_stand_with_answers_to_open(visit, book_html):
    page = visit(java_script_enabled=False)
    page.goto(file_page(book_html, CHAPTER))
    form = number(page)
    assert form.get_by_role("button", name="Check").is_hidden()
    form.locator("summary").click()
    assert form.locator(".exercise-answer p").is_visible()


# --- the explorer ---------------------------------------------------------------------------------


@pytest.fixture
def explorer(visit, book_html):
    page = visit()
    page.goto(file_page(book_html, EXPLORER))
    settle(page)
    return page


def it_reads_what_the_chapter_says(explorer, book_html):
    explorer.get_by_label("Endpoint").select_option("OS1")
    explorer.get_by_label("Groups").select_option("")
    explorer.get_by_label("Read at").fill("12")
    reading = explorer.locator(".explorer-live .explorer-reading td").all_inner_texts()
    article = first(tree_of((book_html / CHAPTER).read_text("utf-8")), "//article")
    told = " ".join(words(each) for each in article.xpath(".//p[not(ancestor::details)]"))
    assert f"At 12 months, {reading[0]} (95% CI {reading[1].replace('% to ', '–').rstrip('%')})" in told
    assert f"{reading[2]} were still at risk" in told
    assert not explorer.complaints and not strangers(explorer.asked, book_html.as_uri())


def it_is_moved_by_keyboard_and_zooms(explorer):
    slider = explorer.get_by_label("Read at")
    before = slider.get_attribute("aria-valuetext")
    slider.focus()
    explorer.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") != before
    longest = float(slider.get_attribute("max"))
    explorer.get_by_role("button", name="Zoom in").press("Enter")
    assert float(slider.get_attribute("max")) - float(slider.get_attribute("min")) < 0.6 * longest


def pointing_at_the_curves_reads_them_and_all_consistent_cohorts_can_be_drawn(explorer):
    chart = explorer.locator(".explorer-live .explorer-chart svg").first
    lines = chart.locator("path").count()
    box = chart.bounding_box()
    explorer.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert explorer.locator(".explorer-live .explorer-told").inner_text() != "12 months"
    explorer.get_by_label("All consistent cohorts").check()
    assert explorer.locator(".explorer-live .explorer-chart svg").first.locator("path").count() > lines + 50


def sliders_show_the_rows_of_their_tables(explorer):
    for box in explorer.locator(".explorer-slider").all():
        slider = box.locator("input[type=range]")
        slider.fill(slider.get_attribute("max"))
        told = box.locator(".explorer-reading").inner_text()
        last = box.locator("details tbody tr").last.locator("td").first
        assert last.text_content() in told


def charts_are_as_wide_as_their_place_whatever_becomes_of_the_sidebar(explorer):
    widths = """() => [...document.querySelectorAll('.explorer-chart')].filter((each) => each.clientWidth)
        .map((each) => [each.clientWidth, Math.round(each.querySelector('svg').getBoundingClientRect().width)])"""
    for width in (900, 390, 1280):
        resize(explorer, DESKTOP | {"width": width})
        explorer.wait_for_timeout(100)  # the place is watched, and changes once the sidebar has gone
        found = explorer.evaluate(widths)
        assert found and all(place == drawn for place, drawn in found), (width, found)


def sliders_say_what_they_move_and_what_lies_beyond_the_axis(explorer):
    box = explorer.locator("[data-slider=landmark]")
    slider = box.locator("input[type=range]")
    assert re.fullmatch(r"Landmark: \d+ months", box.locator("label").inner_text().strip())
    assert re.fullmatch(r"Landmark: \d+ months", slider.get_attribute("aria-valuetext"))
    beyond = re.findall(r"(\d+\.\d\d) \(95% CI", box.locator("details table").text_content())
    assert any(float(ratio) > 10 for ratio in beyond) and box.locator(".explorer-beyond").is_visible()
    assert "\u2191" in box.locator(".explorer-chart").text_content()
    assert not explorer.locator("[data-slider=alpha-beta] .explorer-beyond").is_visible()


def test_the_explorer(explorer, book_html):
    """One visit for all: each control is set anew by whoever needs it."""
    pointing_at_the_curves_reads_them_and_all_consistent_cohorts_can_be_drawn(explorer)
    it_reads_what_the_chapter_says(explorer, book_html)
    it_is_moved_by_keyboard_and_zooms(explorer)
    sliders_show_the_rows_of_their_tables(explorer)
    sliders_say_what_they_move_and_what_lies_beyond_the_axis(explorer)
    charts_are_as_wide_as_their_place_whatever_becomes_of_the_sidebar(explorer)


def test_what_is_looked_at_can_be_sent(explorer, visit):
    explorer.get_by_label("Groups").select_option("ldh_elevated")
    address = explorer.url
    other = visit()  # somebody who was never there
    other.goto(address)
    settle(other)
    assert other.get_by_label("Groups").input_value() == "ldh_elevated"
    assert "Log-rank test" in other.locator(".explorer-live .explorer-table caption").inner_text()


def test_the_explorer_without_scripts_is_pictures_and_tables(visit, book_html):
    page = visit(java_script_enabled=False)
    page.goto(file_page(book_html, EXPLORER))
    assert page.locator(".explorer-live").is_hidden()
    assert page.locator(".explorer-still svg").count() >= 4 and page.locator(".explorer table").count() >= 8
    keys = page.locator(".explorer-still svg.wide:has(path.curve.group-2)").first
    assert keys.locator("text.start:not(.small)").all_text_contents()[:2] == ["RT", "CMT"]


# --- definitions ----------------------------------------------------------------------------------


def test_a_term_is_defined_where_it_is_first_used_and_leads_to_the_glossary(chapter):
    term = chapter.locator("a.term").first
    term.focus()
    tip = chapter.get_by_role("tooltip")
    assert tip.is_visible() and tip.inner_text() == term.get_attribute("data-means")
    chapter.keyboard.press("Escape")
    assert tip.is_hidden()
    words = chapter.locator("a.term").all_inner_texts()
    assert len(words) == len(set(words)) > 5
    term.click()
    chapter.locator("dt:target").wait_for()
