"""The chapters as files: source and pair agree, outputs are stored, and the house rules hold."""

import ast
import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from analysis_lib.binding.chapters import OWN_PARAMETERS, chapters, on_the_paper, parameters_of

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = chapters()


def source_of(chapter):
    return jupytext.read(NOTEBOOKS / f"{chapter}.py")


def pair_of(chapter):
    return nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)


def test_there_are_chapters_one_to_eight():
    assert [chapter[:2] for chapter in CHAPTERS][:8] == [f"{n:02}" for n in range(1, 9)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_pair_is_what_its_source_generates(chapter):
    generated = jupytext.reads(jupytext.writes(pair_of(chapter), fmt="py:percent"), fmt="py:percent")
    assert [(c.cell_type, c.source, dict(c.metadata)) for c in generated.cells] == [
        (c.cell_type, c.source, dict(c.metadata)) for c in source_of(chapter).cells
    ], "run `make notebooks`"


# of a number that does not exist in any data like these
AN_ANSWER = r"the censored alone cannot bring it there|so there is no number needed to treat"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_pair_was_run_from_top_to_bottom_without_complaint(chapter):
    cells = [cell for cell in pair_of(chapter).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert len(outputs) >= 5
    assert not [o for o in outputs if o.output_type in ("error", "stream")]
    notes = ["".join(o.get("data", {}).get("text/html", "")) for o in outputs]
    notes = [note for note in notes if 'class="skip-note"' in note and not re.search(AN_ANSWER, note)]
    assert not notes, "the reconstructed cohort has everything: nothing may be skipped"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_output_holds_digits_in_which_processors_differ(chapter):
    """Then nbval finds on any machine what was kept on another; of pictures it compares no strokes."""
    outputs = [output for cell in pair_of(chapter).cells for output in cell.get("outputs", [])]
    shown = [str(each) for output in outputs for each in output.get("data", {}).values()]
    assert shown and not [
        found
        for text in shown
        for found in re.findall(r"\d\.\d{11,}", re.sub(r"(?s)<svg.*?</svg>", "", text))
    ]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_notebooks_define_nothing_and_keep_cells_short(chapter):
    for cell in source_of(chapter).cells:
        if cell.cell_type == "code":
            nodes = list(ast.walk(ast.parse(cell.source)))
            assert not [n for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Lambda))], (
                cell.source
            )
            assert len(cell.source.splitlines()) <= 16, cell.source


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_has_the_same_bones(chapter):
    cells = source_of(chapter).cells
    markdown = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", markdown, re.M)) == 1
    # chapters on the paper itself open with what they found in it
    first = "## How it is done" if on_the_paper(chapter) and chapter < "13" else "## What the paper asks"
    assert all(head in markdown for head in (first, "## Cautions", "## What to take away", "## Exercises"))
    assert len(re.findall(r"^### Exercise \d", markdown, re.M)) >= 2
    assert sum("hide-cell" in cell.metadata.get("tags", []) for cell in cells) >= 2
    assert list(parameters_of(chapter))[:2] == list(OWN_PARAMETERS)
    levels = [len(hashes) for hashes in re.findall(r"^(#+) ", markdown, re.M)]
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:])), "a heading level is jumped"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_words_on_car_t_are_tagged(chapter):
    for cell in source_of(chapter).cells[1:]:
        if cell.cell_type == "markdown":
            text = cell.source
            if "car-t" in cell.metadata.get("tags", []):
                text = (
                    "\n".join(re.findall(r"^#+ .*$", text, re.M))
                    if not text.startswith("## What the paper asks")
                    else ""
                )
            assert "CAR T" not in text and "CAR-T" not in text, text


@pytest.mark.parametrize("chapter", [chapter for chapter in CHAPTERS if chapter < "10"])
def test_prose_that_any_cohort_gets_names_no_chapter_that_it_may_lack(chapter):
    for cell in source_of(chapter).cells:
        if cell.cell_type == "markdown" and "car-t" not in cell.metadata.get("tags", []):
            assert not re.search(r"\b[Cc]hapters? \d", cell.source), cell.source


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_result_is_typed_into_prose(chapter):
    """Prose may hold definitions (5 cm, IPI 3, alpha/beta 10 Gy, the 95% of an interval), never a percentage,
    a P value or a month count.
    """
    for cell in source_of(chapter).cells:
        if cell.cell_type == "markdown" and "Exercise" not in cell.source:
            found = re.findall(
                r"\b\d+(?:\.\d+)? ?%|\bP ?[=<] ?0?\.\d+|\b\d+\.\d+ months",
                re.sub(r"\b(95|2\.5)%", "", cell.source),
            )
            assert not found, (found, cell.source)
