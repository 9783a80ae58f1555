"""Paragraphs and checklist for a manuscript: true to the rows, silent about what is not there, grammatical
for any cohort.
"""

import re
from dataclasses import replace
from pathlib import Path

import docx
import jupytext
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis_lib.binding import chapters, manuscript, pages, strobe
from analysis_lib.binding.contents import table_of_contents
from analysis_lib.cohort import disclosure
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import methods, released, results
from analysis_lib.rows.results import row
from analysis_lib.show import payloads
from analysis_lib.show.numbers import estimate, full, limits

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows():
    """The rows of chapters 1 to 8 on one synthetic cohort."""
    stored = pd.read_parquet(ROOT / "analysis_lib" / "data" / "consistent" / "rows.parquet")
    one = stored[(stored["cohort"] == stored["cohort"].iloc[0]) & (stored["chapter"] < "09")].drop_duplicates(
        "result_id"
    )
    return results.collect([one[results.COLUMNS].fillna({"method": "", "note": ""})])


@pytest.fixture(scope="module")
def study():
    return read_cohort("reconstructed")


@pytest.fixture(scope="module")
def public():
    return read_cohort("lymphoma")


def told_by(study, rows):
    """The results paragraph of rows that have passed."""
    return manuscript.results_text(study, released.public(rows))


def faults(written: str) -> list[str]:
    """Traces of numbers that are missing, and of sentences that were put together badly."""
    found = re.findall(
        r"<NA>|\bnan\b|not estimable|\{|\}|  |\s[,.;)]|\(\)|\.\.|,,|\bthe study entry\b", written
    )
    for sentence in re.split(r"(?<=[.])\s+(?=[A-Z])|\n+", written):
        if not re.match(r"[A-Z]", sentence) or not sentence.endswith("."):
            found.append(sentence)
    return found


# --- results --------------------------------------------------------------------------------------


def test_results_say_what_the_rows_say(study, rows):
    told, by_id = told_by(study, rows), rows.set_index("result_id")
    for wanted in (
        "os1.median",
        "efs1.median",
        "os2.median",
        "efs2.median",
        "os2.rate12",
        "lc.rate12",
        "cox.os2.mv.ldh_elevated",
        "os1.follow_up.reverse_km",
        "rt.dose",
    ):
        assert full(by_id.loc[wanted]) in told, wanted
    assert (
        limits(by_id.loc["response.orr"]) in told
        and estimate(by_id.loc["os2.logrank.salvage_sequence"]) in told
    )
    assert f"{by_id.loc['os2.median', 'events']} of {by_id.loc['os2.median', 'n']} patients died" in told
    assert not faults(told)


def test_groups_named_by_the_future_come_with_a_warning(study, rows):
    told = told_by(study, rows)
    assert "named by later treatment and must not be read as alternatives" in told
    # no name stands for two groups
    assert " for RT only (n = " in told and " for ST only (n = " in told and " for RT (n = " in told
    without = told_by(study, rows[~rows["result_id"].str.contains("salvage_sequence")])
    assert "Median EFS2 by salvage regimen: " in without and "later treatment" not in without


@pytest.mark.parametrize(
    "prefix",
    ["flow", "salvage", "os1", "efs1", "os2", "efs2", "response", "failure", "rt.", "lc", "cox", "infield"],
)
def test_whatever_is_absent_the_rest_is_grammatical(study, rows, prefix):
    assert not faults(told_by(study, rows[~rows["result_id"].str.startswith(prefix)]))


@pytest.mark.parametrize(
    "suppressed", [["value", "lower", "upper"], ["n", "events"], ["value", "lower", "upper", "n", "events"]]
)
def test_suppressed_numbers_leave_no_trace(study, rows, suppressed):
    every_third = rows.index % 3 == 0
    hidden = rows.copy()
    hidden.loc[every_third, suppressed] = pd.NA
    hidden.loc[every_third, "note"] = "suppressed"
    told = told_by(study, hidden)
    assert not faults(told) and "not reached (suppressed" not in told


@pytest.mark.parametrize("fewest", [5, 10, 40])
def test_a_protected_cohort_has_a_grammatical_paragraph_that_says_so(study, rows, fewest):
    real = replace(study, synthetic=False, min_cell_count=fewest)
    told = told_by(real, disclosure.protect(real, rows))
    assert not faults(told)
    assert disclosure.in_words(real) in manuscript.methods_text(
        real, rows
    ) and "protect patients" not in manuscript.methods_text(study, rows)


def test_one_patient_is_no_group_to_compare(study, rows):
    alone = rows["result_id"] == "osrt.median.rt_field.focal"
    assert alone.any() and "by radiotherapy field" in told_by(study, rows)
    one = rows.assign(n=rows["n"].mask(alone, 1))
    assert "by radiotherapy field" not in told_by(study, one) and not faults(told_by(study, one))


def test_a_median_that_is_not_reached_is_told(public):
    unreached = results.collect(
        [row("os1.median", "median time", None, lower=4.2, n=30, events=9, note="median not reached")]
    )
    assert "was not reached (95% CI 4.2 to not reached); 9 of 30 patients died." in told_by(public, unreached)
    assert "not reached" not in told_by(public, unreached.assign(note="suppressed"))


def test_a_small_cohort_has_a_short_paragraph(public):
    told = told_by(public, results.collect([row("flow.included", "count", 80)]))
    assert told == "The cohort comprises 80 patients."
    assert told_by(public, results.collect([])) == ("This cohort has no result that a manuscript would tell.")


# --- methods --------------------------------------------------------------------------------------


def test_methods_name_endpoints_estimators_and_versions(study, rows):
    told = manuscript.methods_text(study, rows)
    assert (
        "(EFS2) ended with progression or relapse, new line of therapy or death, whichever came first" in told
    )
    for wanted in (
        "Greenwood's variance",
        "on the log scale",
        "Efron's handling of ties",
        "log-rank test",
        "two-sided",
        "30.4375",
    ):
        assert wanted in told
    assert re.search(r"greenwood \d", told) and not faults(re.sub(r"(\d)\.(\d)", r"\1\2", told))


def test_methods_are_silent_about_what_was_not_done(public):
    told = manuscript.methods_text(public, results.collect([row("flow.included", "count", 80)]))
    assert (
        "Cox" not in told
        and "Kaplan" not in told
        and "OS1" not in told
        and not faults(re.sub(r"(\d)\.(\d)", r"\1\2", told))
    )


def test_further_analyses_stand_apart_and_repeat_nothing(study, rows):
    further = results.collect(
        [row("a", "p", 0.1, method="Gray's test"), row("b", "p", 0.1, method="log-rank test")]
    )
    told = manuscript.methods_text(study, rows, further)
    paragraph = next(each for each in told.split("\n\n") if each.startswith("Further analyses"))
    assert (
        "Gray's test" in paragraph
        and "log-rank" not in paragraph
        and "Gray" not in manuscript.methods_text(study, rows)
    )


def test_the_numbers_of_chapters_on_the_paper_itself_are_no_results(public, tmp_path):
    results.save(
        [released.public(results.collect([row("a", "p", 0.1, method="log-rank test")]))],
        "",
        "11_audit",
        tmp_path / "results",
    )
    manuscript.write(public, tmp_path)
    assert "log-rank" not in (tmp_path / "report.md").read_text("utf-8")


def test_spelling_is_at_home_on_both_sides(study, rows):
    everything = (
        manuscript.methods_text(study, rows)
        + told_by(study, rows)
        + " ".join(f"{item.topic} {item.asks} {item.authors}" for item in strobe.STROBE)
        + " ".join(e.sentence for e in methods.METHODS)
    )
    assert not re.findall(
        r"\w*(?:tumou?r|cent(?:re|er)|isation|summari[sz]|analyse\b|analysed|analyz|behaviou?r|randomi[sz])\w*",
        everything,
    )


# --- STROBE ---------------------------------------------------------------------------------------


def test_the_checklist_has_all_items_once():
    numbers = [item.number for item in strobe.STROBE]
    assert len(set(numbers)) == len(numbers) and {re.match(r"\d+", n).group() for n in numbers} == {
        str(n) for n in range(1, 23)
    }
    assert {"1a", "1b", "6a", "6b", "12a", "12e", "13c", "14c", "16c"} <= set(numbers)


def answers():
    """What the chapters' Markdown cells say that they answer: ``(item, chapter, section)``."""
    return [
        (number, each, strobe.section_of(cell.source), cell)
        for each in chapters.chapters()
        for cell in jupytext.read(chapters.NOTEBOOKS / f"{each}.py").cells
        for number in cell.metadata.get("strobe", [])
    ]


def test_chapters_answer_items_that_exist_in_sections_that_have_a_heading():
    known = {item.number for item in strobe.STROBE}
    for number, each, section, cell in answers():
        assert cell.cell_type == "markdown" and cell.source.startswith("#"), (each, cell.source)
        assert number in known, (each, section, number)


def test_every_item_is_answered_by_a_chapter_or_left_to_the_authors():
    answered = {number for number, *_ in answers()}
    assert {"6a", "12a", "12d", "16a", "20"} <= answered and len(answers()) > 40
    assert all(item.number in answered or item.authors for item in strobe.STROBE)


def a_book(folder):
    """Two chapters as pages: one with a section that was skipped, one skipped as a whole."""
    shown = [new_output("display_data", data={"text/html": "<p>1</p>"})]
    skipped = '<p class="skip-note">Not shown: no column.</p>'
    nbformat.write(
        new_notebook(
            cells=[
                new_markdown_cell("# The cohort", metadata={"strobe": ["20"]}),
                new_code_cell("x", outputs=shown),
                new_markdown_cell("## Participants and flow", metadata={"strobe": ["13a"]}),
                new_code_cell("x", outputs=shown),
                new_markdown_cell(f"## Follow-up\n\n{skipped}"),
            ]
        ),
        folder / "01_cohort.ipynb",
    )
    nbformat.write(
        new_notebook(
            cells=[
                new_markdown_cell("# Survival", metadata={"strobe": ["16a"]}),
                new_markdown_cell(f"## How it is estimated\n\n{skipped}"),
            ]
        ),
        folder / "04_survival.ipynb",
    )


def test_a_chapter_that_only_says_whose_numbers_these_are_answers_nothing(public, tmp_path):
    whose = new_output("display_data", data={payloads.NOTE: {"kind": payloads.WHOSE}})
    cells = [
        new_markdown_cell("# The cohort", metadata={"strobe": ["20"]}),
        new_code_cell("x", outputs=[whose]),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "01_cohort.ipynb")
    assert not any(places for _, places in strobe.checklist(public, tmp_path))


def test_items_link_to_what_is_shown_and_to_nothing_that_was_skipped(public, tmp_path):
    a_book(tmp_path)
    answered = {item.number: places for item, places in strobe.checklist(public, tmp_path)}
    assert answered["13a"] == [
        ("1 The cohort", "Participants and flow", "01_cohort.ipynb#participants-and-flow")
    ]
    assert answered["20"] == [("1 The cohort", "", "01_cohort.ipynb")]
    assert answered["14c"] == [] and answered["16a"] == [] and answered["1a"] == []


def test_what_only_a_figure_answers_is_answered_where_there_is_one(public, tmp_path):
    def answering(shown):
        cells = [
            new_markdown_cell("## Participants and flow", metadata={"strobe": ["13a", "13c"]}),
            new_code_cell("x", outputs=[new_output("display_data", data={"text/html": shown})]),
        ]
        nbformat.write(new_notebook(cells=cells), tmp_path / "01_cohort.ipynb")
        return {item.number for item, places in strobe.checklist(public, tmp_path) if places}

    assert answering("<p>The cohort has 863 patients.</p>") == {"13a"}
    assert answering('<figure class="chart"><svg></svg></figure>') == {"13a", "13c"}


def test_anchors_are_those_of_the_builder(public, tmp_path):
    heading = "From the start of salvage therapy (OS2, EFS2)"
    cells = [
        new_markdown_cell(f"## {heading}", metadata={"strobe": ["16a"]}),
        new_code_cell("x", outputs=[new_output("display_data", data={"text/html": "<p>1</p>"})]),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "04_survival.ipynb")
    answered = {item.number: places for item, places in strobe.checklist(public, tmp_path)}
    assert answered["16a"] == [
        ("4 Survival", heading, "04_survival.ipynb#from-the-start-of-salvage-therapy-os2-efs2")
    ]


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("synthetic", [True, False])
def test_the_page_offers_its_paragraphs_and_warns_of_synthetic_patients(public, tmp_path, synthetic):
    a_book(tmp_path)
    cohort = replace(public, synthetic=synthetic)
    results.save(
        [released.public(results.collect([row("flow.included", "count", 80)]))],
        "",
        "01_cohort",
        tmp_path / "results",
    )
    manuscript.write(cohort, tmp_path)
    page = (tmp_path / "report.md").read_text("utf-8")
    assert (
        page.startswith(f"# For your manuscript: {public.title}\n")
        and ("The cohort comprises 80 patients.") in page
    )
    for file in re.findall(r"\]\((takeaway/[^)]+)\)", page):
        assert (tmp_path / file).is_file()
    told = (tmp_path / "takeaway" / "lymphoma-results.txt").read_text("utf-8")
    assert told.endswith("The cohort comprises 80 patients.\n")
    assert (manuscript.SYNTHETIC in page) == (manuscript.SYNTHETIC in told) == synthetic


def test_a_text_that_travels_alone_says_that_its_numbers_are_rounded(public, tmp_path):
    a_book(tmp_path)
    manuscript.write(replace(public, synthetic=False, min_cell_count=5), tmp_path)
    for part in ("methods", "results"):
        told = (tmp_path / "takeaway" / f"lymphoma-{part}.txt").read_text("utf-8")
        assert "numbers below 5 are not shown and all others are rounded" in told
        assert "whoever may see the exact ones puts them in before submission" in told


def test_the_checklist_as_word_file_holds_every_item(public, tmp_path):
    a_book(tmp_path)
    manuscript.write(public, tmp_path)
    (table,) = docx.Document(tmp_path / "takeaway" / "lymphoma-strobe.docx").tables
    lines = [[cell.text for cell in line.cells] for line in table.rows]
    assert lines[0] == ["Item", "Asked for", "In the book", "For the authors"] and len(lines) == 1 + len(
        strobe.STROBE
    )
    flow = next(line for line in lines if line[0] == "13a Participants")
    assert flow[2:] == ["chapter 1 The cohort: Participants and flow", "–"]
    assert next(line for line in lines if line[0] == "14c Descriptive data")[2:] == [
        "–",
        "nothing of this cohort answers it",
    ]


def test_the_page_stands_after_the_chapters_and_the_index_leads_to_it(public, tmp_path):
    contents = table_of_contents([public], tmp_path)  # before any page is made
    assert (
        contents.index("lymphoma/08_in_context") < contents.index("lymphoma/report")
        and "generated/methods" in contents
    )
    assert "](report.md)" in pages.cohort_page(public, [], tmp_path)
