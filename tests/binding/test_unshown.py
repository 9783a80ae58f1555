"""What a page says that it does not show: once, and never of what stands on it."""

from lxml import html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from analysis_lib.binding import unshown
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import notes, payloads
from analysis_lib.show.notes import NO_NUMBERS, plain, unshown_html

from everywhere import everywhere


def skipped(reason):
    note = {payloads.NOTE: {"kind": payloads.SKIPPED, "reason": reason}}
    return new_output("display_data", {"text/html": reason} | note)


def section(title, *outputs, tags=()):
    code = new_code_cell("show()", outputs=list(outputs), metadata={"tags": list(tags)})
    return [new_markdown_cell(f"## {title}"), code]


SHOWN = new_output("display_data", {"text/markdown": "A sentence."})
FIRST = section("Title", SHOWN)


def test_the_box_names_each_reason_once_and_each_heading_once_below_it():
    found = [
        (unshown.TOP, "fewer than two factors can be compared"),
        ("Overall survival, several factors", "fewer than two factors can be compared"),
        ("Sites", "no sites"),
        ("Overall survival, several factors", "fewer than two factors can be compared"),
    ]
    box = html.fromstring(unshown_html(found))
    assert [each.text_content() for each in box.xpath("./p")[1:]] == [
        "Fewer than two factors can be compared:",
        "No sites:",
    ]
    assert [[each.text for each in part] for part in box.xpath("./ul")] == [
        [unshown.TOP, "Overall survival, several factors"],
        ["Sites"],
    ]


def test_what_has_two_reasons_stands_below_the_first():
    box = html.fromstring(unshown_html([("Sites", "no sites"), ("Sites", "no doses"), ("Doses", "no doses")]))
    assert [each.text_content() for each in box.xpath(".//li")] == ["Sites", "Doses"]


def test_in_what_all_patients_are_alike_is_one_list(monkeypatch):
    said = []
    everywhere(monkeypatch, notes.skip, said.append)
    alike = [results.skipped(each.lower(), f"all patients are alike in {each}") for each in ("stage", "LDH")]
    notes.left_out(public(results.collect([*alike, results.skipped("x", "Weighted: too few")])))
    assert said == ["all patients are alike in stage and LDH. Weighted: too few"]


def test_what_is_missing_above_the_first_heading_is_said_in_words():
    first = [new_markdown_cell("# Title"), new_code_cell("show()", outputs=[SHOWN, skipped("no OS2")])]
    assert unshown.gather([first]).unshown == [(unshown.TOP, "no OS2")]


def test_what_is_shown_in_part_is_named_so():
    gathered = unshown.gather(
        [FIRST, section("Models", SHOWN, skipped("no stage")), section("Sites", skipped("no sites"))]
    )
    assert gathered.unshown == [("Models (in part)", "no stage"), ("Sites", "no sites")]


def test_a_sentence_without_numbers_is_not_missed_beside_what_is_shown():
    gathered = unshown.gather(
        [FIRST, section("Means", SHOWN, skipped(NO_NUMBERS)), section("Width", skipped(NO_NUMBERS))]
    )
    assert gathered.unshown == [("Width", NO_NUMBERS)]


def test_that_there_are_no_numbers_is_not_said_beside_why():
    gathered = unshown.gather([FIRST, section("Width", skipped("no OS2"), skipped(NO_NUMBERS))])
    assert gathered.unshown == [("Width", "no OS2")]


def test_a_solution_that_shows_something_has_no_notes():
    solution = section("Exercise 2", SHOWN, skipped("no OS2"), tags=[unshown.SOLUTION])
    gathered = unshown.gather([FIRST, solution])
    assert gathered.unshown == [] and gathered.sections[1][1].outputs == [SHOWN]


def test_a_day_that_is_not_recorded_is_called_in_words():
    reason = "this cohort has no columns sites.rt_start_day and sites.in_field_progression_day"
    told = "the day of the start of radiotherapy and the day of in-field progression are not recorded"
    assert plain(reason) == told
    assert plain("this cohort has no column ecog") == "ECOG performance status is not recorded"
