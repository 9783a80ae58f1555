"""What a reader downloads from a page runs: each offered notebook, alone in an empty folder."""

import os
import subprocess
import sys

import nbformat
import pytest

from analysis_lib.binding.chapters import chapters
from analysis_lib.files.places import NOTEBOOKS

# As Jupyter would run it, where the library is installed: rows go to the current folder.
RUN = """
import sys
sys.modules["rfc3987_syntax"] = None  # as analysis_lib does
import nbformat
from analysis_lib.files import places
from analysis_lib.show import canvas
places.INSTALLED = True
if sys.argv[2] == "undrawn":
    canvas.show = lambda figure, **_: canvas.plt.close(figure)
from pathlib import Path
for page in map(Path, sys.argv[3:]):
    folder = Path(sys.argv[1]) / page.stem
    folder.mkdir()
    __import__("os").chdir(folder)
    space = {"__name__": "__main__"}
    for cell in nbformat.read(page, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, page.stem, "exec"), space)
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.csv"))
    print("RAN", page.stem, *left, file=sys.stderr)
"""


def offered(book_html, cohort):
    """The notebooks behind the chapters of a cohort, as their pages link them."""
    pages = sorted((book_html / "book" / "cohorts" / cohort).glob("[0-9][0-9]_*.html"))
    files = [book_html / "_sources" / "book" / "cohorts" / cohort / f"{page.stem}.ipynb" for page in pages]
    for page, file in zip(pages, files):
        assert f"_sources/book/cohorts/{cohort}/{file.name}" in page.read_text("utf-8")
    return files


def chapters_of(book_html):
    """What is run: each chapter once, for the smallest cohort that has it; its figures are drawn for one cohort.
    Those of the other are drawn where nbval runs the very same cells (see below).
    """
    lymphoma = offered(book_html, "lymphoma")
    have = {file.name for file in lymphoma}
    others = [file for file in offered(book_html, "reconstructed") if file.name not in have]
    assert len(lymphoma) + len(others) == len(chapters())
    return {"lymphoma": lymphoma, "reconstructed": others}


@pytest.mark.parametrize(("cohort", "figures"), [("reconstructed", "undrawn"), ("lymphoma", "drawn")])
def test_each_offered_chapter_runs_alone_in_an_empty_folder(book_html, tmp_path, cohort, figures):
    files = chapters_of(book_html)[cohort]
    assert files
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path), figures, *map(str, files)],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"MPLBACKEND": "agg"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    done = [line.split()[1:] for line in ran.stderr.splitlines() if line.startswith("RAN")]
    assert [stem for stem, *_ in done] == [file.stem for file in files]
    assert all(f"results/{cohort}/{stem}.csv" in left for stem, *left in done)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_what_is_offered_is_the_chapter_with_its_own_cohort_and_nothing_else(book_html):
    """So that what runs for one cohort runs for each; that it says the same, nbval holds of the notebooks."""
    for cohort in (book_html / "book" / "cohorts").iterdir():
        for file in offered(book_html, cohort.name):
            ours = code_of(nbformat.read(NOTEBOOKS / file.name, as_version=4))
            theirs = code_of(nbformat.read(file, as_version=4))
            ours[0].source = ours[0].source.replace('"reconstructed"', f'"{cohort.name}"', 1)
            theirs[0].source = theirs[0].source.split("\n", 1)[1]  # where it runs
            assert [cell.source for cell in theirs] == [cell.source for cell in ours], file
