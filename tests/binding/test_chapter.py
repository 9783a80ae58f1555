"""From an executed notebook to a page: titles, sections that could not be done, words that do not apply."""

from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis_lib.binding import chapter, chapters
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


def test_a_skipped_section_goes_and_the_box_at_the_end_says_why_in_words(car_t):
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
    # what is not seen is in the notebook that a reader downloads: later cells may need it
    assert sources(page)[1:5] == ["a", "b", "## Age", "c"] and reason == ""
    assert [(cell.outputs, cell.metadata.tags) for cell in page.cells[1:3]] == [([], ["remove-cell"])] * 2
    assert [output.data["text/html"] for output in page.cells[4].outputs] == ["<p>42</p>"]
    assert "<p>Stage is not recorded:</p><ul><li>Stage</li><li>Age (in part)</li></ul>" in sources(page)[5]


def test_a_heading_stays_while_anything_below_it_does(car_t):
    cells = [
        words("## Exercises\n\n### Exercise 1\n\nAsk."),
        code("a", SKIPPED, tags=["hide-cell"]),
        words("### Exercise 2\n\nAsk."),
        code("b", "<p>42</p>", tags=["hide-cell"]),
        words("## Lines"),
        code("c", SKIPPED),
    ]
    page, _ = as_page(executed(*cells), car_t)
    assert sources(page)[1:6] == ["## Exercises", "a", "### Exercise 2\n\nAsk.", "b", "c"]
    assert [place for place in (2, 5) if page.cells[place].metadata.tags == ["remove-cell"]] == [2, 5]
    assert "<p>Stage is not recorded:</p><ul><li>Exercise 1</li><li>Lines</li></ul>" in sources(page)[6]


def test_a_heading_goes_with_its_section_whatever_unseen_code_follows(car_t):
    cells = [
        words("## Stage"),
        code("a", SKIPPED),
        words("## Age", "if-any"),
        code("b"),
        words("## Sex"),
        code("c", "<p>42</p>"),
    ]
    page, _ = as_page(executed(*cells), car_t)
    assert sources(page)[1:5] == ["a", "b", "## Sex", "c"]


def test_what_stands_beside_the_saved_rows_keeps_no_empty_section(car_t):
    cells = [
        words("## Stage"),
        code("a", "<p>42</p>"),
        words("## Events\n\nWhoever has one.", "if-any"),
        code("b"),
        code("rows = results.save([a])", "<p>The paper's numbers</p>"),
    ]
    page, _ = as_page(executed(*cells), car_t)
    assert sources(page)[1:5] == ["## Stage", "a", "b", "rows = results.save([a])"]
    assert page.cells[4].outputs


def test_a_heading_below_which_nothing_is_said_goes(car_t):
    cells = [
        words("## Age"),
        code("a", "<p>42</p>"),
        words("## Exercises"),
        code("forms"),  # of synthetic patients alone
        words("### Exercise 1\n\nAsk."),
        code("b", SKIPPED, tags=["hide-cell"]),
    ]
    page, _ = as_page(executed(*cells), car_t)
    assert sources(page)[1:5] == ["## Age", "a", "forms", "b"]
    cells[5] = code("b", "<p>42</p>", tags=["hide-cell"])
    page, _ = as_page(executed(*cells), car_t)
    assert sources(page)[3:7] == ["## Exercises", "forms", "### Exercise 1\n\nAsk.", "b"]


def test_code_is_folded_unless_the_cell_says_how_it_is_shown(car_t):
    cells = [code("a", "<p>1</p>"), code("b", tags=["hide-cell"])]
    tags = [cell.metadata["tags"] for cell in as_page(executed(*cells), car_t)[0].cells[1:]]
    assert tags == [["hide-input"], ["hide-cell"]]


@pytest.mark.parametrize("own", [True, False])
def test_aims_are_those_of_chapters_on_regimens(own, tmp_path, monkeypatch):
    """Without regimens a chapter may hold none of what they promise."""
    ours = read_cohort("reconstructed")
    study = ours if own else replace(ours, patients=ours.patients.drop(columns="salvage_regimen"))
    made = executed(code("x", "<p>42</p>"), words("## Stage\n\nText."))
    monkeypatch.setattr(chapter, "execute", lambda *_: made)
    chapter.run("03_failure", tmp_path, study, tmp_path / "03_failure.ipynb", tmp_path)
    assert ("After this chapter you can" in (tmp_path / "03_failure.ipynb").read_text("utf-8")) == own


def test_what_is_not_recorded_is_named_in_words():
    said = notes.plain("OS2: this cohort has no columns salvage_start_day and sites.rt_field")
    assert said == "OS2: the day of the start of salvage therapy and radiotherapy field are not recorded"
    assert notes.plain("this cohort has no column sites") == "the irradiated sites are not recorded"


def test_a_reason_that_ends_a_sentence_keeps_its_column_and_its_full_stop():
    said = notes.plain(
        "EFS1: this cohort has no column failure_day. OS2: this cohort has no column sites.rt_field. EFS2: no"
    )
    assert (
        said == "EFS1: the day of failure is not recorded. OS2: radiotherapy field is not recorded. EFS2: no"
    )


def test_html_that_only_looks_like_a_note_is_none(car_t):
    looks_so = SKIPPED["text/html"]
    page, reason = as_page(executed(words("## Stage\n\nText."), code("a", looks_so)), car_t)
    assert sources(page)[1:] == ["## Stage\n\nText.", "a"] and reason == ""


def test_a_reason_is_said_on_the_page_as_it_stands_and_nothing_in_it_is_markup(car_t):
    odd = {payloads.NOTE: {"kind": payloads.SKIPPED, "reason": "no <b> & no `c`."}}
    page, reason = as_page(executed(words("## Stage"), code("a", odd)), car_t)
    assert reason == "no <b> & no `c`"
    assert "<p>No &lt;b&gt; &amp; no `c`:</p><ul><li>Stage</li></ul>" in sources(page)[-1]


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


def test_words_on_ranges_stand_beside_the_patients_of_the_paper_only(car_t):
    cells = [words("## Survival"), words("Read the ranges.", "car-t", "of-the-paper"), code("km", "<p>1</p>")]
    assert "Read the ranges." not in sources(as_page(executed(*cells), car_t)[0])
    assert "Read the ranges." in sources(as_page(executed(*cells), replace(car_t, of_the_paper=True))[0])


def test_nothing_of_this_machine_stays_on_the_page(car_t):
    injected = code(
        '# Parameters\ncohort = "/home/someone/secret/cohort.yml"\nresults_dir = "/tmp/x"\nalpha_beta = 3',
        tags=["injected-parameters"],
    )
    default = code(
        'cohort = "reconstructed"  # which\nresults_dir = ""  # where\nalpha_beta = 10  # Gy',
        tags=["parameters"],
    )
    noisy = code("x", "<p>1</p>")
    noisy.outputs.append(new_output("stream", name="stderr", text="/home/someone: warning"))
    noisy.metadata["papermill"] = {"start_time": "2026"}
    page, _ = as_page(executed(default, injected, noisy), car_t)
    written = nbformat.writes(page)
    assert "someone" not in written and "/tmp" not in written and "2026" not in written
    assert sources(page)[1].splitlines()[1:] == [
        'cohort = "lymphoma"  # which',
        'results_dir = ""  # where',
        "alpha_beta = 3  # Gy",
    ]
    other, _ = as_page(executed(default, injected), replace(car_t, name="ours"))
    assert 'cohort = "cohort.yml"  # which' in sources(other)[1]


def test_parameters_are_read_from_the_notebook():
    assert set(chapters.OWN_PARAMETERS) <= set(chapters.parameters_of("04_survival"))
    assert chapters.parameters_of("05_radiotherapy")["alpha_beta"] == "10"


def test_what_a_chapter_teaches_stands_below_its_answer_and_key_figure():
    """The first screen is for the answer; a page that could show no section ends with what it teaches."""
    page = executed(
        code("opening", "<div class='opening'></div>"), code("figure"), words("## What the paper asks")
    )
    assert page.cells[chapter.after_opening(page)].source == "## What the paper asks"
    assert chapter.after_opening(executed(code("opening"))) == 2
