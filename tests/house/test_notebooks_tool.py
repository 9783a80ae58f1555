"""``make notebooks`` executes what has changed, and nothing twice."""

import sys

import pytest

from analysis_lib.files.places import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import notebooks as tool  # noqa: E402

BOTH = ["01_one", "02_two"]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Two notebooks, one of which uses a module and one reads the other's rows; executing writes a notebook."""
    for path, text in {
        "analysis_lib/__init__.py": "",
        "analysis_lib/used.py": "x = 1\n",
        "analysis_lib/unused.py": "",
        "analysis_lib/data/one/cohort.yml": "tables: {patients: p.csv}\n",
        "analysis_lib/data/one/p.csv": "patient_id\n1\n",
        "notebooks/01_one.py": "from analysis_lib import used\n",
        "notebooks/02_two.py": "rows = results.read_all(results_dir)\n",
        "requirements.lock": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(tool, "BUNDLED", tmp_path / "analysis_lib" / "data")
    monkeypatch.setattr(tool, "RECONSTRUCTED", tmp_path / "analysis_lib" / "data" / "one" / "cohort.yml")
    monkeypatch.setattr(tool, "MADE", tmp_path / "_build" / "notebooks.json")
    monkeypatch.setattr(sys, "argv", ["notebooks.py"])
    return tmp_path


def executed(monkeypatch, root, fresh=False):
    """Which notebooks a run executes."""
    ran = []

    def make(names):
        ran.extend(names)
        for name in names:
            (root / "notebooks" / f"{name}.ipynb").write_text(name)
        if "01_one" in names:
            rows = root / "book" / "cohorts" / "one" / "results" / "01_one.csv"
            rows.parent.mkdir(parents=True, exist_ok=True)
            rows.write_text((root / "analysis_lib" / "used.py").read_text())

    monkeypatch.setattr(tool, "make", make)
    monkeypatch.setattr(sys, "argv", ["notebooks.py", *(["--fresh"] if fresh else [])])
    tool.main()
    return ran


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("analysis_lib/unused.py", []),
        ("analysis_lib/used.py", BOTH),  # the second reads the rows of the first, which changed with it
        ("notebooks/01_one.py", ["01_one"]),
        ("notebooks/02_two.py", ["02_two"]),
        ("notebooks/01_one.ipynb", ["01_one"]),
        ("book/cohorts/one/results/01_one.csv", ["02_two"]),
        ("analysis_lib/data/one/p.csv", BOTH),
        ("analysis_lib/data/one/cohort.yml", BOTH),
        ("requirements.lock", BOTH),
    ],
)
def test_what_has_changed_is_executed_and_nothing_else(tree, monkeypatch, path, runs):
    assert executed(monkeypatch, tree) == BOTH and executed(monkeypatch, tree) == []
    with (tree / path).open("a") as file:
        file.write("\n# a remark\n")
    assert executed(monkeypatch, tree) == runs
    assert executed(monkeypatch, tree) == []


def test_fresh_executes_all(tree, monkeypatch):
    executed(monkeypatch, tree)
    assert executed(monkeypatch, tree, fresh=True) == BOTH


def test_a_source_that_is_edited_while_it_runs_runs_again(tree, monkeypatch):
    def make(names):
        (tree / "notebooks" / "01_one.py").write_text("from analysis_lib import unused\n")
        for name in names:
            (tree / "notebooks" / f"{name}.ipynb").write_text(name)

    monkeypatch.setattr(tool, "make", make)
    tool.main()
    assert executed(monkeypatch, tree)[0] == "01_one"
