"""The student's and the teacher's edition, made to the end of the session's book and opened in a real browser.

The chapter is one that the book has run. One small run of Sphinx makes a few pages of both. Notebooks and slides of every
chapter are looked at in tests/binding/test_editions.py.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from analysis_lib.binding import editions, labs, primer
from analysis_lib.files.places import ROOT

from visiting import file_page, settle

CHAPTER = "04_survival"
LESSONS = (primer.NAME, labs.NAME)
TELLS = ("data-right", "data-value=", "data-place=", "data-why", "exercise-answer", "Show the solution")


def with_the_books_pages(studies, as_read, source, store):
    """Stand in for running chapters: one of the book lies where a run would have put it."""
    book = ROOT / "book"
    shutil.copytree(book / "generated", source / "book" / "generated")
    for name in (f"{CHAPTER}.ipynb", f"results/{CHAPTER}.csv"):
        place = source / "book" / "cohorts" / "reconstructed" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(book / "cohorts" / "reconstructed" / name, place)
    return []


@pytest.fixture(scope="module")
def made(book_html, tmp_path_factory):
    """The folder of both editions, with a few pages of each as HTML in ``small``."""
    if not (ROOT / "book" / "cohorts" / "reconstructed" / f"{CHAPTER}.ipynb").is_file():
        pytest.skip("the book was built somewhere else")
    out, small = tmp_path_factory.mktemp("editions"), tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(editions, "run_chapters", with_the_books_pages)
        patch.setattr(editions.pages, "write", lambda *rest: None)
        patch.setattr(editions, "write_slides", lambda folder, executed: folder.mkdir())
        patch.setattr(editions, "write_notebooks", lambda folder, edition: folder.mkdir())
        patch.setattr(editions.pages, "cohort_page", lambda *rest: "# Cohort\n")
        patch.setattr(editions, "render", lambda source, html: put_aside(source, html, small))
        editions.editions(out)
    render_small(small)
    return out, small / "_build" / "html"


def put_aside(source, html, small):
    """Keep the pages of an edition that are looked at, in the depth at which they stand in a book."""
    name = html.parent.name
    shutil.copytree(source, html)
    pages = small / "source" / "book"
    (pages / "cohorts" / name).mkdir(parents=True)
    (pages / name).mkdir()
    shutil.copyfile(
        source / "book" / "cohorts" / "reconstructed" / f"{CHAPTER}.ipynb",
        pages / "cohorts" / name / f"{CHAPTER}.ipynb",
    )
    for each in LESSONS:
        shutil.copyfile(source / "book" / "generated" / f"{each}.md", pages / name / f"{each}.md")
    shutil.copyfile(source / "book" / "teach.md", pages / name / "teach.md")
    for each in ("_static", "_extra", "_templates", "references.bib"):
        copy = shutil.copytree if (source / "book" / each).is_dir() else shutil.copyfile
        if not (pages / each).exists():
            copy(source / "book" / each, pages / each)
    shutil.copyfile(source / "_config.yml", small / "source" / "_config.yml")


def render_small(small):
    files = [
        path.relative_to(small / "source").with_suffix("").as_posix()
        for name in editions.EDITIONS
        for folder in (f"cohorts/{name}", name)
        for path in sorted((small / "source" / "book" / folder).iterdir())
    ]
    toc = "\n".join(
        ["format: jb-book", f"root: {files[0]}", "chapters:", *(f"- file: {each}" for each in files[1:])]
    )
    (small / "source" / "_toc.yml").write_text(toc + "\n")
    main = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", main, "build", "source", "--path-output", ".", "-q"]
    environment = os.environ | {"PYTHONWARNINGS": "ignore", "DOCUTILSCONFIG": str(ROOT / "docutils.conf")}
    run = subprocess.run(command, cwd=small, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, (run.stdout + run.stderr)[-2000:]


def test_both_editions_are_whole(made):
    out, _ = made
    assert sorted(each.name for each in out.iterdir() if not each.name.startswith(".")) == sorted(
        editions.PARTS
    )
    assert all((out / name / part).is_dir() for name in editions.EDITIONS for part in ("html", "notebooks"))


def test_no_page_of_the_student_tells_what_is_right(made):
    """Neither what is seen nor the source of a page; the teacher's has it all."""
    out, html = made
    for path in sorted((out / "student" / "html" / "book").rglob("*")):
        if path.suffix in (".ipynb", ".md"):
            words = path.read_text("utf-8")
            assert not [each for each in TELLS if each in words], path.name
    told = (html / "book" / "cohorts" / "teacher" / f"{CHAPTER}.html").read_text("utf-8")
    assert all(each in told for each in TELLS[:-1]) and "Show the solution" not in told


def test_editions_do_not_drift_apart(made):
    """Cell by cell the same, but for the cells that solve and the forms that ask."""
    out, _ = made
    page = Path("html", "book", "cohorts", "reconstructed", f"{CHAPTER}.ipynb")
    student, teacher = (nbformat.read(out / name / page, as_version=4).cells for name in editions.EDITIONS)
    pairs = list(zip(student, teacher))
    assert len(pairs) == len(student) <= len(teacher)
    different = [mine for mine, theirs in pairs if mine.source != theirs.source]
    assert different and all(each.source == editions.OWN_ANSWER for each in different)
    asks = [
        mine
        for mine, theirs in pairs
        if mine.source == theirs.source and mine.get("outputs") != theirs.get("outputs")
    ]
    assert len(asks) == 1 and "exercises.show(" in asks[0].source


def test_the_student_answers_and_is_not_told(made, visit):
    _, html = made
    page = visit()
    page.goto(file_page(html, f"book/cohorts/student/{CHAPTER}.html"))
    settle(page)
    form = page.locator("[data-part=exercises] form[data-kind=number]").first
    form.locator("input[name=answer]").fill("12")
    form.get_by_role("button", name="Keep").click()
    assert form.get_by_role("status").inner_text() == "Kept."
    page.reload()
    settle(page)
    assert (
        page.locator("[data-part=exercises] form[data-kind=number] input[name=answer]").first.input_value()
        == "12"
    )
    page.goto(file_page(html, f"book/student/{labs.NAME}.html"))
    settle(page)
    slider = page.locator("[data-slider=confounding] input[type=range]")
    slider.fill(slider.get_attribute("max"))
    assert "Naive: 2." in page.locator("[data-slider=confounding] .explorer-reading").inner_text()
    assert page.locator("form .exercise-answer").count() == 0 and page.locator("form.exercise").count() == 7
    assert not page.complaints


def test_the_teacher_sees_every_solution(made, visit):
    _, html = made
    page = visit()
    page.goto(file_page(html, f"book/cohorts/teacher/{CHAPTER}.html"))
    settle(page)
    assert page.locator("details.hide", has_text="Show the solution").count() == 0
    solution = page.get_by_role("heading", name="Exercise 1").locator("xpath=ancestor::section[1]")
    assert solution.locator(".cell_output").first.is_visible()
    page.goto(file_page(html, "book/teacher/teach.html"))
    assert page.get_by_role("heading", name="Marking sheet").count() == 1
