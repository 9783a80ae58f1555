"""A parameter that a chapter does not declare ends it: papermill takes any name."""

import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from analysis_lib.binding import handed

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
DECLARED, FIRST = 'cohort = "reconstructed"\nresults_dir = ""', "handed.check(globals())"
SLIP, RIGHT = '# Parameters\nchort = "lymphoma"\n', '# Parameters\ncohort = "lymphoma"\n'


def papermill(tmp_path, *parameters, cells=2):
    """Papermill's own command, on the first code cells of a chapter as it is committed."""
    notebook = nbformat.read(NOTEBOOKS / "04_survival.ipynb", as_version=4)
    last = [at for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"][cells - 1]
    notebook.cells = notebook.cells[: last + 1]
    nbformat.write(notebook, tmp_path / "short.ipynb")
    return subprocess.run(
        [sys.executable, "-m", "papermill", "short.ipynb", "out.ipynb", "--no-progress-bar", *parameters],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


def test_papermill_with_a_slip_in_a_name_ends_with_one_sentence_and_without_a_number(tmp_path):
    done = papermill(tmp_path, "-p", "chort", "lymphoma", "-p", "alpha_beta", "3")
    assert done.returncode == 1
    assert (
        "This chapter takes no parameter 'chort' and 'alpha_beta'; it takes: cohort, results_dir. Correct the "
        "name and run it again." in done.stderr
    )
    outputs = [
        out for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells for out in cell.get("outputs", ())
    ]
    assert [out.output_type for out in outputs if out.output_type != "display_data"] == ["error"]
    assert "synthetic" not in str(outputs)


def test_papermill_with_the_right_name_shows_that_cohort(tmp_path):
    done = papermill(tmp_path, "-p", "cohort", "lymphoma", "--inject-paths")
    assert done.returncode == 0, done.stderr
    last = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1]
    assert "Stage III–IV diffuse histiocytic lymphoma" in str(last.outputs)


@pytest.mark.parametrize(
    "run",
    [
        [DECLARED],  # JupyterLab, nbval: nothing is handed over
        [DECLARED, RIGHT],
        [DECLARED, FIRST, "study = 1", DECLARED],  # run again
        [DECLARED, RIGHT, FIRST, RIGHT],
        [DECLARED, RIGHT, FIRST, FIRST],
        [DECLARED, SLIP, FIRST, RIGHT],  # corrected by hand
        [DECLARED, SLIP, FIRST, DECLARED],  # or removed
        ["%matplotlib inline", DECLARED, RIGHT],
        ["cohort: str = 'a'", RIGHT],
        [DECLARED, "# Parameters\nPAPERMILL_INPUT_PATH = 'a'\n"],
        [DECLARED, "x = 1"],  # whoever plays in a notebook is handed nothing
    ],
)
def test_what_is_run_again_or_by_hand_is_no_slip(run):
    handed.check({"In": ["", *run, FIRST]})


@pytest.mark.parametrize(
    "run",
    [
        [DECLARED, SLIP],
        [DECLARED, SLIP, FIRST],  # the first cell alone once more
        [DECLARED, SLIP, FIRST, SLIP],
        [DECLARED, SLIP, FIRST, DECLARED, SLIP],
        [DECLARED, RIGHT, FIRST, DECLARED, SLIP],
        ["x = 1", DECLARED, SLIP],
    ],
)
def test_a_slip_stays_one(run):
    with pytest.raises(handed.UnknownParameter, match="no parameter 'chort'; it takes: "):
        handed.check({"In": ["", *run, FIRST]})


def test_code_that_is_run_without_jupyter_is_handed_nothing():
    handed.check({"cohort": "lymphoma", "chort": "x"})


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_every_notebook_asks_before_it_reads_anything(path):
    code = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert "parameters" in code[0].metadata["tags"]
    lines = [line for line in code[1].source.splitlines() if not line.startswith(("from ", "import "))]
    assert next(line for line in lines if line) == "handed.check(globals())"
