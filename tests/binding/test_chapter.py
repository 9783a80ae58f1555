"""From an executed notebook to a page: titles, sections that could not be done, words that do not apply."""

from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis_lib.binding import chapters
from analysis_lib.binding.page import as_page
from analysis_lib.intake.read import read_cohort
from analysis_lib.show import notes, payloads

SKIPPED = {
    "text/html": notes.skip_html("this cohort has no column stage"),
    payloads.NOTE: {"kind": payloads.SKIPPED, "reason": "this cohort has no column stage"},
}
WHOSE = {"text/html": '<div class="cohort-note">Ours</div>', payloads.NOTE: {"kind": payloads.WHOSE}}


def code(source, *shown, tags=()):
    """A cell with its outputs, each a bundle or HTML."""
    data = [each if isinstance(each, dict) else {"text/html": each} for each in shown]
    outputs = [new_output("display_data", data=each) for each in data]
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)})


def words(source, *tags):
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def executed(*cells):
    return new_notebook(
        cells=[words("# Failure after CAR T-cell infusion\n\nText."), *cells],
        metadata={
            "papermill": {"input_path": "/home/someone/secret"},
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
        },
    )


@pytest.fixture(scope="module")
def lymphoma():
    return read_cohort("lymphoma")


@pytest.fixture(scope="module")
def car_t(lymphoma):
    return replace(lymphoma, index_event="CAR T-cell infusion", title="Ours")


def sources(page):
    return [cell.source for cell in page.cells]


def test_the_title_names_the_cohort_and_its_own_index_event(lymphoma, car_t):
    assert sources(as_page(executed(), car_t)[0])[0].startswith("# Failure after CAR T-cell infusion: Ours\n")
    assert sources(as_page(executed(), lymphoma)[0])[0].startswith("# Failure after study entry: Stage III")


def test_a_skipped_section_shrinks_to_heading_and_reason(car_t):
    page, reason = as_page(
        executed(
            words("## Stage\n\nLong explanation."),
            code("a", SKIPPED),
            code("b", SKIPPED),
            words("## Age"),
            code("c", "<p>42</p>", SKIPPED),
        ),
        car_t,
    )
    assert sources(page)[1] == (
        '## Stage\n\n<p class="skip-note">Not shown: this cohort has no column stage.</p>'
    )
    assert sources(page)[2:] == ["## Age", "c"] and reason == ""


def test_html_that_only_looks_like_a_note_is_none(car_t):
    looks_so = SKIPPED["text/html"]
    page, reason = as_page(executed(words("## Stage\n\nText."), code("a", looks_so)), car_t)
    assert sources(page)[1:] == ["## Stage\n\nText.", "a"] and reason == ""


def test_a_reason_is_said_on_the_page_as_it_stands_and_nothing_in_it_is_markup(car_t):
    odd = {payloads.NOTE: {"kind": payloads.SKIPPED, "reason": "no <b> & no `c`."}}
    page, reason = as_page(executed(words("## Stage"), code("a", odd)), car_t)
    assert reason == "no <b> & no `c`"
    assert sources(page)[1].endswith('<p class="skip-note">Not shown: no &lt;b&gt; &amp; no `c`.</p>')


def test_a_chapter_without_any_analysis_is_skipped_with_its_reason(car_t):
    note = code("about", WHOSE)
    page, reason = as_page(executed(note, words("## Stage"), code("a", SKIPPED)), car_t)
    assert reason == "this cohort has no column stage"
    assert "about" in sources(page)
    (about,) = [cell.outputs[0] for cell in page.cells if cell.source == "about"]
    assert list(about.data) == ["text/html"] and payloads.note_of(about) == {"kind": payloads.WHOSE}


def test_words_on_car_t_go_where_they_do_not_apply(lymphoma, car_t):
    cells = [
        words("## What the paper asks\n\nAbout CAR T.", "car-t"),
        words("## Survival\n\nAfter CAR T.", "car-t"),
        code("km", "<p>1</p>"),
        words("Neutral."),
    ]
    assert sources(as_page(executed(*cells), lymphoma)[0])[1:] == ["## Survival", "km", "Neutral."]
    assert len(sources(as_page(executed(*cells), car_t)[0])) == 5


def test_nothing_of_this_machine_stays_on_the_page(car_t):
    injected = code(
        '# Parameters\ncohort = "/home/someone/secret/cohort.yml"\nresults_dir = "/tmp/x"\nalpha_beta = 3',
        tags=["injected-parameters"],
    )
    default = code('cohort = "reconstructed"', tags=["parameters"])
    noisy = code("x", "<p>1</p>")
    noisy.outputs.append(new_output("stream", name="stderr", text="/home/someone: warning"))
    noisy.metadata["papermill"] = {"start_time": "2026"}
    page, _ = as_page(executed(default, injected, noisy), car_t)
    written = nbformat.writes(page)
    assert "someone" not in written and "/tmp" not in written and "2026" not in written
    assert sources(page)[1] == '# Parameters\ncohort = "lymphoma"\nalpha_beta = 3'


def test_parameters_are_read_from_the_notebook():
    assert set(chapters.OWN_PARAMETERS) <= set(chapters.parameters_of("04_survival"))
    assert chapters.parameters_of("05_radiotherapy")["alpha_beta"] == "10"
