"""Exercises: what is asked, what is right, and that nothing of it stands in the student's edition."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from analysis_lib.binding import chapters, primer
from analysis_lib.files.places import BUNDLED, NOTEBOOKS
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.rows.results import row
from analysis_lib.show import exercises

ROWS = public(
    results.collect(
        [
            row("os1.median", "median time", 15.05, lower=11.7, upper=24.4, n=120, events=64),
            row("os2.median", "median time", 9.76, lower=6.3, upper=18.6, n=120, events=64),
            row("efs2.median", "median time", None, n=120, events=2),
            row("efs1.median", "median time", 9.78, n=120, events=110),
            row("os1.p", "p", 0.2),
        ]
    )
)
MEDIAN = {
    "kind": "number",
    "ask": "The median?",
    "row": "os1.median",
    "within": 0.5,
    "why": "{os1.median:full}.",
}
CHOICE = {
    "kind": "choice",
    "ask": "Which?",
    "options": [{"says": "This.", "why": "Yes.", "right": True}, {"says": "That.", "why": "No."}],
    "why": "So it is.",
}
ORDER = {
    "kind": "order",
    "ask": "Order.",
    "options": [{"says": "Short", "row": "os2.median"}, {"says": "Long", "row": "os1.median"}],
    "why": "Longest first.",
}


def test_a_right_number_is_that_of_its_row():
    asked = exercises.resolve(MEDIAN, ROWS)
    assert (asked.value, asked.within, asked.unit) == (15.05, 0.5, "months")
    assert asked.why == "15.1 months (95% CI 11.7–24.4)."
    limit = exercises.resolve(MEDIAN | {"part": "lower"}, ROWS)
    deaths = exercises.resolve(MEDIAN | {"part": "events"}, ROWS)
    assert (limit.value, deaths.value, deaths.unit) == (11.7, 64.0, "")


def test_a_right_number_is_the_same_whatever_processor_added_it_up():
    rows = ROWS.assign(value=[value * (1 + 1e-15) for value in ROWS["value"]])
    assert exercises.resolve(MEDIAN, rows).value == exercises.resolve(MEDIAN, ROWS).value == 15.05


@pytest.mark.parametrize(
    "entry",
    [
        MEDIAN | {"row": "nobody.knows"},
        MEDIAN | {"row": "efs2.median"},
        MEDIAN | {"why": "{nobody.knows}"},
        ORDER | {"options": [*ORDER["options"], {"says": "None", "row": "efs2.median"}]},
        ORDER | {"options": [{"says": "One", "row": "os1.median"}, {"says": "Same", "row": "os1.median"}]},
        ORDER | {"options": [{"says": "9.76", "row": "os2.median"}, {"says": "9.78", "row": "efs1.median"}]},
    ],
    ids=["absent", "not reached", "no words", "one unknown", "a tie", "a tie as it is shown"],
)
def test_a_question_that_the_cohort_cannot_answer_is_not_asked(entry):
    assert exercises.resolve(entry, ROWS) is None


def test_an_order_is_that_of_the_rows_and_its_offer_tells_nothing():
    asked = exercises.resolve(ORDER, ROWS)
    assert [each.says for each in asked.options] == ["Long", "Short"]
    assert {each.says for each in asked.offered} == {"Long", "Short"}
    largest = exercises.resolve(ORDER | {"kind": "largest"}, ROWS)
    least = exercises.resolve(ORDER | {"kind": "largest", "least": True}, ROWS)
    assert [each.says for each in largest.options if each.right] == ["Long"]
    assert [each.says for each in least.options if each.right] == ["Short"]
    assert not [each for each in largest.options if each.why.startswith(each.says)]  # it stands before


@pytest.mark.parametrize("right", [0, 2])
def test_a_choice_without_exactly_one_right_option_is_an_error(right):
    options = [each | {"right": place < right} for place, each in enumerate(CHOICE["options"])]
    with pytest.raises(ValueError, match="exactly one option must be right"):
        exercises.resolve(CHOICE | {"options": options}, ROWS)


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="kind must be one of number, choice, largest, order, not 'essay'"):
        exercises.resolve(MEDIAN | {"kind": "essay"}, ROWS)


def test_without_answers_nothing_in_the_page_tells_what_is_right():
    asked = {"exercises": [exercises.resolve(each, ROWS) for each in (MEDIAN, CHOICE, ORDER)]}
    solved, bare = (exercises.forms(asked, "04", "x", solved=each) for each in (True, False))
    for told in ("15.05", "data-right", "data-why", "data-place", "So it is", "Longest first", "details"):
        assert told in solved and told not in bare, told
    assert "The median?" in bare and "This." in bare


def test_one_question_is_not_called_questions():
    one = exercises.resolve(CHOICE, ROWS)
    heads = [exercises.forms({"quiz": [one] * many}, "04", "x") for many in (1, 2)]
    assert "Quiz: 1 question<" in heads[0] and "Quiz: 2 questions<" in heads[1]


def test_what_is_asked_is_escaped():
    asked = {"quiz": [exercises.resolve(MEDIAN | {"ask": "Is a < b & <script>?"}, ROWS)]}
    assert "Is a &lt; b &amp; &lt;script&gt;?" in exercises.forms(asked, "04", "x")


# --- the book's own -------------------------------------------------------------------------------

CHAPTERS = [each for each in chapters.chapters() if each != "pooled"]


def test_what_to_read_before_leads_to_the_primer_in_the_book_that_has_one():
    to = f"[*Time to an event*](../../generated/{primer.NAME}.md)"
    assert to in exercises.aims("01_cohort", True) and to not in exercises.aims("01_cohort", False)
    assert "*Time to an event*" in exercises.aims("01_cohort", False)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_aims_and_its_committed_notebook_asks_every_question(chapter):
    told = exercises.sheet(f"{chapter}.yml")
    assert len(told.aims) == 3 and told.minutes and told.before
    assert len(told.exercises) >= 5 and len(told.quiz) == 5
    notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
    shown = [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if 'class="exercises"' in output.get("data", {}).get("text/html", "")
    ]
    (html,) = shown
    asked = BeautifulSoup(html, "html.parser")
    for part in exercises.PARTS:
        forms = asked.select(f"[data-part={part}] form")
        assert len(forms) == len(getattr(told, part)), f"{part}: a question names a row that there is not"
    assert "{" not in asked.get_text()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_is_predicted_stands_in_the_chapter(chapter):
    sections = [entry["section"] for entry in exercises.sheet(f"{chapter}.yml").predict]
    assert set(sections) <= {"Opening", *chapters.sections_of(chapter)}


def test_no_right_value_is_typed():
    for path in [*BUNDLED.glob("teaching/[01]*.yml"), BUNDLED / "teaching" / "time-to-an-event.yml"]:
        told = exercises.sheet(path.name)
        for part in exercises.PARTS:
            for entry in getattr(told, part):
                assert "value" not in entry and "answer" not in entry, path.name
                if entry["kind"] == "number":
                    assert re.fullmatch(r"[\w.-]+", entry["row"]), path.name
