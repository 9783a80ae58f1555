"""The student's and the teacher's edition, the sessions and the primer: one source, nothing lost, nothing told."""

import json
import re
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest

from analysis_lib.analyses import explored
from analysis_lib.analyses import primer as ten
from analysis_lib.binding import (
    chapters,
    editions,
    explorer,
    glossary,
    inputs,
    labs,
    lessons,
    primer,
    reuse,
    takeaway,
    ten_lines,
)
from analysis_lib.binding.outcome import BuildError
from analysis_lib.files.places import NOTEBOOKS, ROOT
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import exercises

CHAPTERS = list(chapters.chapters())


def solutions(notebook):
    return [cell.source for cell in notebook.cells if "hide-cell" in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_student_has_all_but_the_solutions_and_the_teacher_all(chapter):
    source = jupytext.read(NOTEBOOKS / f"{chapter}.py")
    student, teacher = (editions.as_notebook(chapter, each) for each in editions.EDITIONS)
    solved = solutions(source)
    assert solved and len(student.cells) == len(teacher.cells) == len(source.cells)
    told = "\n".join(cell.source for cell in student.cells)
    assert not [each for each in solved if each in told]
    assert told.count(editions.OWN_ANSWER) == len(solved)
    assert [cell.source for cell in teacher.cells] == [cell.source for cell in source.cells]
    assert not solutions(teacher) and "exercises.show(" not in told
    for mine, theirs in zip(source.cells, student.cells):
        if mine.source not in solved:
            assert mine.source.replace("exercises.show(", "exercises.ask(") == theirs.source


def test_a_page_loses_its_solutions_and_what_can_be_taken_away_of_them():
    page = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("secret", metadata={"tags": ["hide-cell"]}),
            nbformat.v4.new_markdown_cell(f"## {takeaway.HEADING}\n\n[tables](takeaway/tables.docx)"),
        ]
    )
    assert [cell.source for cell in editions.without_solutions(page).cells] == [editions.OWN_ANSWER]


def test_editions_replace_nothing_but_editions(tmp_path):
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(BuildError, match="holds something else \\(thesis.docx\\)"):
        editions.editions(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.docx"]


# --- sessions -------------------------------------------------------------------------------------


def test_sessions_fill_their_time_and_point_to_sections_that_there_are():
    told = lessons.sessions()
    assert len(told) == 6
    for each in told:
        assert sum(step["minutes"] for step in each["plan"]) == lessons.MINUTES, each["title"]
        assert each["aims"] and each["ask"] and each["misconceptions"]
        assert set(each["chapters"]) <= set(CHAPTERS)
        for figure in each["figures"]:
            assert figure["section"] in chapters.sections_of(figure["chapter"]), figure


def test_slides_show_the_figures_of_their_sections_and_ask_no_other_host():
    for number, told in enumerate(lessons.sessions(), start=1):
        html = lessons.slides(number, told, NOTEBOOKS)
        assert html.count("<figure") >= len(told["figures"]), told["title"]
        assert "http" not in html.replace("http://www.w3.org", "")


# --- the primer -----------------------------------------------------------------------------------


def test_the_curve_of_the_ten_is_that_by_hand():
    steps = ten.steps().set_index("months")
    by_hand = {2: 9 / 10, 5: 9 / 10 * 6 / 8, 9: 9 / 10 * 6 / 8 * 4 / 5, 12: 9 / 10 * 6 / 8 * 4 / 5 * 3 / 4}
    for month, height in by_hand.items():
        assert steps.loc[month, "survival"] == pytest.approx(height)
    rows = ten.rows().set_index("result_id")["value"]
    assert rows["primer.rate12"] == pytest.approx(40.5) and rows["primer.median"] == 12
    assert rows["primer.worst12"] < rows["primer.left_out12"] < rows["primer.rate12"] < rows["primer.best12"]
    assert rows["primer.hazard0"] == pytest.approx(100 * 3 / 51)


def test_the_primer_says_nothing_that_it_has_no_row_for():
    study = read_cohort("reconstructed")
    page = primer.page(study, public(results.collect([results.row("another", "count", 1)])))
    assert (
        not re.search(r"\{[\w.]+(:\w+)?\}(?!`)", page.partition("$$")[0])
        and "[[" not in page
        and "Elevated LDH" not in page
    )
    assert page.count("<form") == 10


# --- the glossary ---------------------------------------------------------------------------------


def test_the_glossary_page_and_the_script_have_one_source():
    page = glossary.page(" ".join(glossary.terms()))
    assert len(glossary.terms()) > 30
    assert all(f">{term}</dt>" in page for term in glossary.terms() if "&" not in term)


def test_the_glossary_explains_the_words_of_its_book_and_no_others(tmp_path):
    (tmp_path / "privacy.md").write_text(
        "A hazard ratio is shown with two decimals; of a pre-OS2 and an OS2b nothing."
    )
    cells = [
        {"cell_type": "markdown", "source": ["# Survival, ", "by IPI"]},
        {
            "cell_type": "code",
            "source": ["compare('RT', 'ST')"],
            "outputs": [{"data": {"text/html": ["<p>12 were ", "censored.</p>"]}}, {"name": "stderr"}],
        },
    ]
    (tmp_path / "cohorts" / "one").mkdir(parents=True)
    (tmp_path / "cohorts" / "one" / "04.ipynb").write_text(json.dumps({"cells": cells}))
    page = glossary.page(glossary.words_of(tmp_path))
    told = [term for term in glossary.terms() if f">{term}</dt>" in page]
    assert told == ["censored", "hazard", "hazard ratio", "IPI"]


# --- in ten lines ---------------------------------------------------------------------------------


@pytest.mark.parametrize("told", ten_lines.lessons(), ids=lambda told: told["chapter"])
def test_a_computation_is_short_and_plain(told):
    lines = [line for line in told["code"].splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 12 and "analysis_lib" not in told["code"]


def test_a_computation_that_misses_its_row_is_an_error(monkeypatch):
    study = read_cohort("reconstructed")
    rows = public(results.collect([results.row("x", "count", 120)]))
    wrong = {"chapter": "01_cohort", "row": "x", "asks": "How many", "code": "answer = 119"}
    monkeypatch.setattr(ten_lines, "lessons", lambda: [wrong])
    with pytest.raises(ValueError, match="119.0 is not 120.0, the row x"):
        ten_lines.page(study, rows, ten_lines.make(study))
    monkeypatch.setattr(ten_lines, "lessons", lambda: [wrong | {"code": "answer = 120"}])
    assert "It gives 120; the [chapter]" in ten_lines.page(study, rows, ten_lines.make(study))
    assert ten_lines.make(read_cohort("lymphoma")) == {}, "only the paper's patients have any"


def test_answers_are_computed_anew_where_a_file_that_they_come_from_changes():
    library = reuse.as_it_is()
    source = Path(ten_lines.__file__)
    used = inputs.modules_used([source], library) | {source}
    names = {path.name for path in inputs.data_files(used, library)}
    assert names >= {"ten-lines.yml", "patients.parquet", "claims.csv", "contradictions.csv", "series.csv"}


# --- how to cite ----------------------------------------------------------------------------------


def test_the_page_on_citing_names_todays_version():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]
    assert f"Version {version} (" in (ROOT / "book" / "cite.md").read_text("utf-8")
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text("utf-8")


# --- labs and explorer ----------------------------------------------------------------------------


def test_every_lab_moves_a_slider_and_its_questions_name_rows():
    told, asked = labs.labs(), exercises.sheet(explorer.LABS)
    assert len(told) == 3 and all(len(each["steps"]) == 3 for each in told)
    moved = {row_id.partition(".")[0].rstrip("0123456789") for row_id in exercises.named_rows(asked)}
    assert moved == {"strength", "wait", "landmark"}
    assert {each["slider"] for each in told} == {"confounding", "immortal", "landmark"}


def test_what_the_labs_say_of_strengths_and_waits_holds():
    """That 0% and 200% are the ends, that two months is where the naive ratio is furthest off, and what follows."""
    strengths = explored.strengths().set_index("result_id")
    waits = explored.waits().set_index("result_id")
    ends = [f"strength{round(100 * each)}" for each in (min(explored.STRENGTHS), max(explored.STRENGTHS))]
    assert ends == ["strength0", "strength200"]
    assert strengths.loc["strength0.naive", "lower"] < 1 < strengths.loc["strength0.naive", "upper"]
    width = np.log(strengths["upper"].astype(float) / strengths["lower"].astype(float))
    weighted = width[width.index.str.endswith(".remedy")]
    assert (
        weighted.iloc[1:].is_monotonic_increasing
        and weighted["strength200.remedy"] > weighted["strength0.remedy"]
    )
    off = np.log(waits.loc[waits.index.str.endswith(".naive"), "value"].astype(float)).abs()
    assert off.idxmax() == "wait2.naive" and list(off.index)[-1] == "wait24.naive"
    assert (min(explored.WAITS), max(explored.WAITS)) == (2, 24)


def test_what_a_page_shows_is_computed_once(tmp_path, monkeypatch):
    study, path = read_cohort("reconstructed"), locate("reconstructed")
    made = []
    monkeypatch.setattr(
        explorer, "make", lambda each: made.append(each.name) or {"curves": {"name": each.name}}
    )
    for as_read in [reuse.of_cohort(path), reuse.of_cohort(path), {"changed": "meanwhile"}]:
        told = reuse.made(tmp_path, {path: study}, {path: as_read}, study, "explorer")
        assert told == {"curves": {"name": "reconstructed"}}
    assert len(made) == 2, "kept once, and made anew where the files are not those that were read"


def test_of_real_patients_the_explorer_keeps_nothing(tmp_path, monkeypatch):
    study, path = read_cohort("lymphoma"), locate("lymphoma")
    monkeypatch.setattr(explorer, "make", lambda each: {})
    reuse.made(tmp_path, {path: study}, {path: reuse.of_cohort(path)}, study, "explorer")
    assert not list(tmp_path.iterdir())
