"""What makes a page stale: each kind of input is changed in a copy of the tree, and exactly the right chapters notice."""

import functools
import shutil
import subprocess
import sys

import pytest

from analysis_lib.binding import chapters, inputs
from analysis_lib.files.places import NOTEBOOKS, ROOT

COHORTS = ("reconstructed", "axi-cel", "lymphoma")
ALL = frozenset(chapters.chapters())
WITH_ALPHA_BETA = {"05_radiotherapy", "06_comprehensive_focal", "09_beyond"}
LATE = {name for name in ALL if chapters.on_the_paper(name)}
EARLY = ALL - LATE


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(
        ROOT / "analysis_lib", root / "analysis_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(NOTEBOOKS, root / "notebooks", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copy(ROOT / "requirements.lock", root)
    for name in COHORTS:
        results = root / "book" / "cohorts" / name / "results"
        results.mkdir(parents=True)
        for each in EARLY:
            (results / f"{each}.csv").write_text(f"result_id,value\n{name}.{each},1\n")
    return root


@pytest.fixture
def tree(original, tmp_path):
    return shutil.copytree(original, tmp_path / "tree")


parameters_of = functools.cache(chapters.parameters_of)


def fingerprints(root, given=()):
    """Of every chapter of three cohorts."""
    found, library = {}, inputs.Library(root)
    for name in COHORTS:
        for each in ALL if name == "reconstructed" else EARLY:
            notebook = root / "notebooks" / f"{each}.py"
            takes = parameters_of(each)
            rows = (
                sorted((root / "book" / "cohorts" / name / "results").glob("*.csv"))
                if inputs.reads_rows(notebook)
                else ()
            )
            found[name, each] = inputs.fingerprint(
                notebook,
                library,
                root / "analysis_lib" / "data" / name / "cohort.yml",
                {key: value for key, value in dict(given).items() if key in takes},
                rows,
                [root / "analysis_lib" / "binding/chapter.py"],
            )
    return found


@pytest.fixture(scope="module")
def untouched(original):
    """Of a tree in which nothing was changed: they are the same wherever it lies, as a test says."""
    return fingerprints(original)


def stale(root, change, given=(), before=None):
    """Which fingerprints a change makes others; ``before`` are those that came before it, where they are known."""
    before = before or fingerprints(root)
    change()
    after = fingerprints(root, given)
    return {key for key in before if before[key] != after[key]}


def of(chapters, *cohorts):
    """Pairs of the reconstructed cohort, or of others, with these of their chapters."""
    return {
        (name, each)
        for name in cohorts or COHORTS
        for each in chapters
        if each in (ALL if name == "reconstructed" else EARLY)
    }


def append(path, text="\n# a remark\n"):
    def change():
        assert path.exists()
        with path.open("a") as file:
            file.write(text)

    return change


def using(*modules):
    """The chapters whose text imports one of these modules by name."""
    text = {name: (NOTEBOOKS / f"{name}.py").read_text() for name in ALL}
    return {
        name
        for name in ALL
        for module in modules
        if any(
            line.startswith(("from analysis_lib", "import analysis_lib")) and module in line
            for line in text[name].splitlines()
        )
    }


def test_nothing_changed_nothing_is_stale_wherever_the_tree_lies(tree, untouched, tmp_path):
    elsewhere = tmp_path / "another place"
    shutil.copytree(tree, elsewhere)
    assert untouched == fingerprints(tree) == fingerprints(elsewhere)


def test_each_page_has_a_fingerprint_of_its_own(tree):
    found = fingerprints(tree)
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    "more", ["\n# %% [markdown]\n# Well, then.\n", "\n%magic\n", "\nawait something\n", "\n)("]
)
def test_a_comma_in_a_notebook_or_what_is_no_python(tree, more, untouched):
    assert stale(tree, append(tree / "notebooks" / "04_survival.py", more), before=untouched) == of(
        {"04_survival"}
    )


def test_a_notebook_that_cannot_be_read_as_python_uses_everything(tree):
    append(
        tree / "notebooks" / "04_survival.py", "\nawait something\nfrom analysis_lib.intake import starter\n"
    )()
    assert stale(tree, append(tree / "analysis_lib" / "intake/starter.py")) == of({"04_survival"})


def test_a_module_used_directly(tree, untouched):
    assert stale(tree, append(tree / "analysis_lib" / "analyses/context.py"), before=untouched) == of(
        {"08_in_context"}
    )
    assert stale(tree, append(tree / "analysis_lib" / "analyses/simulation.py")) == of({"13_known_truth"})


def test_a_module_used_by_a_module(tree, untouched):
    assert stale(tree, append(tree / "analysis_lib" / "estimators/observed.py"), before=untouched) == of(ALL)
    assert stale(tree, append(tree / "analysis_lib" / "estimators/repeated.py")) == of(
        {"09_beyond", "13_known_truth", "14_absolute", "15_target_trial", "16_prediction"}
    )
    assert stale(tree, append(tree / "analysis_lib" / "analyses/radiotherapy.py")) == of(
        {
            *("04_survival", "05_radiotherapy", "06_comprehensive_focal", "07_prognostic_factors"),
            *("09_beyond", "13_known_truth"),
        }
    )


def test_a_module_imported_within_a_function(tree):
    with (tree / "analysis_lib" / "analyses/context.py").open("a") as file:
        file.write(
            "\ndef later():\n    from analysis_lib.estimators import competing\n    return competing\n"
        )
    assert stale(tree, append(tree / "analysis_lib" / "estimators/competing.py")) == of(
        {"04_survival", "08_in_context", "09_beyond", "13_known_truth"}
    )


@pytest.mark.parametrize(
    "lazy",
    [
        'importlib.import_module("analysis_lib.intake.starter")',
        'importlib.import_module("..intake.starter", __package__)',
        'getattr({"a": "analysis_lib.intake.starter:new"}, "a")',
        "importlib.import_module(name)",
    ],
)
def test_a_module_imported_by_its_name(tree, lazy):
    with (tree / "analysis_lib" / "analyses/context.py").open("a") as file:
        file.write(f"\ndef later(name):\n    import importlib\n    return {lazy}\n")
    assert stale(tree, append(tree / "analysis_lib" / "intake/starter.py")) == of({"08_in_context"})


def test_a_module_that_no_chapter_uses(tree, untouched):
    assert stale(tree, append(tree / "analysis_lib" / "intake/starter.py"), before=untouched) == set()


def test_what_makes_a_page_of_a_notebook(tree, untouched):
    assert stale(tree, append(tree / "analysis_lib" / "binding/takeaway.py"), before=untouched) == of(ALL)


def test_a_package_in_which_a_used_module_lies(tree, untouched):
    assert stale(tree, append(tree / "analysis_lib" / "paper" / "__init__.py"), before=untouched) == of(ALL)


def test_data_of_the_library(tree, untouched):
    assert stale(tree, append(tree / "analysis_lib" / "paper" / "series.csv", "x"), before=untouched) >= of(
        {"08_in_context", "11_audit"}
    )
    assert stale(tree, append(tree / "analysis_lib" / "paper" / "since.csv", "x")) >= of({"08_in_context"})
    assert stale(tree, append(tree / "analysis_lib" / "data" / "consistent" / "rows.parquet", "x")) >= of(
        using("consistent")
    )
    assert stale(tree, append(tree / "analysis_lib" / "data" / "proof" / "traps.csv", "x")) == set()


def test_data_that_a_module_reads_from_the_folder_of_another(tree):
    (tree / "analysis_lib" / "risk-tables").mkdir()
    (tree / "analysis_lib" / "risk-tables" / "__init__.py").write_text("")
    (tree / "analysis_lib" / "risk-tables" / "risks.csv").write_text("a\n")
    for module, where in {
        "analyses/context": '"risk-tables"',
        "analyses/simulation": '"risk-tables/risks.csv"',
    }.items():
        with (tree / "analysis_lib" / f"{module}.py").open("a") as file:
            file.write(f"\nRISKS = Path(__file__).parent / {where}\n")
    assert stale(tree, append(tree / "analysis_lib" / "risk-tables" / "risks.csv")) == of(
        {"08_in_context", "13_known_truth"}
    )


def test_a_new_file_counts_as_much_as_a_changed_one(tree, untouched):
    assert stale(
        tree, lambda: (tree / "analysis_lib" / "paper" / "new.csv").write_text("x"), before=untouched
    ) >= of({"11_audit"})


def test_a_table_of_a_cohort_counts_for_the_cohorts_that_name_it(tree, untouched):
    data = tree / "analysis_lib" / "data"
    assert stale(tree, append(data / "reconstructed" / "sites.csv"), before=untouched) == of(
        ALL, "reconstructed", "axi-cel"
    )
    assert stale(tree, append(data / "reconstructed" / "screening.csv")) == of(ALL, "reconstructed")
    assert stale(tree, append(data / "lymphoma" / "lymphoma.csv")) == of(ALL, "lymphoma")


def test_a_manifest(tree, untouched):
    assert stale(
        tree,
        append(tree / "analysis_lib" / "data" / "axi-cel" / "cohort.yml", "note: other\n"),
        before=untouched,
    ) == of(ALL, "axi-cel")


def test_a_cohort_that_a_chapter_reads_by_its_name(tree):
    with (tree / "notebooks" / "04_survival.py").open("a") as file:
        file.write('\nother = read_cohort("lymphoma")\n')
    assert stale(tree, append(tree / "analysis_lib" / "data" / "lymphoma" / "lymphoma.csv")) == of(
        ALL, "lymphoma"
    ) | of({"04_survival"})


@pytest.mark.parametrize(
    "manifest",
    [
        "tables: {patients: 'a.xlsx#Sheet 1'}",
        "redcap: a.xlsx",
        "redcap: {export: b.csv, dictionary: a.xlsx}",
        "tables: {patients: b.csv, sites: ./a.xlsx}",
    ],
)
def test_whatever_names_a_file_of_the_cohort(tmp_path, manifest):
    (tmp_path / "cohort.yml").write_text(manifest)
    (tmp_path / "a.xlsx").write_bytes(b"1")
    (tmp_path / "b.csv").write_bytes(b"1")
    assert (tmp_path / "a.xlsx").resolve() in [
        path.resolve() for _, path in inputs.cohort_files(tmp_path / "cohort.yml")
    ]


def test_the_folder_counts_if_it_names_the_cohort(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cohort.yml").write_text("tables: {patients: a.csv}")
    one, two = (inputs.cohort_files(tmp_path / folder / "cohort.yml")[0][0] for folder in ("one", "two"))
    assert one != two


def test_a_parameter_counts_for_the_chapters_that_take_it(tree, untouched):
    assert stale(tree, lambda: None, {"alpha_beta": 3.0}, before=untouched) == of(WITH_ALPHA_BETA)


def test_the_lock_file(tree, untouched):
    assert stale(tree, append(tree / "requirements.lock"), before=untouched) == of(ALL)


def test_rows_of_another_chapter_count_for_the_chapter_that_reads_them(tree, untouched):
    rows = tree / "book" / "cohorts" / "reconstructed" / "results" / "04_survival.csv"
    assert stale(tree, append(rows, "x,2\n"), before=untouched) == of({"10_ledger"}, "reconstructed")


def test_an_installed_version(tree, monkeypatch, untouched):
    assert {"python", "system", "salvage-book", "pandas", "lifelines", "scipy", "ipykernel"} <= set(
        inputs.versions()
    )
    assert "pytest" not in inputs.versions()
    other = inputs.versions() | {"lifelines": "0.99"}
    assert stale(
        tree, lambda: monkeypatch.setattr(inputs, "versions", lambda: other), before=untouched
    ) == of(ALL)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("OMP_NUM_THREADS", True),
        ("LC_ALL", True),
        ("MPLBACKEND", True),
        ("PYTHONPATH", True),
        ("TZ", True),
        ("EDITOR", False),
        ("JPY_PARENT_PID", False),
    ],
)
def test_variables_that_change_a_page(tree, monkeypatch, name, counts, untouched):
    assert stale(tree, lambda: monkeypatch.setenv(name, "left"), before=untouched) == (
        of(ALL) if counts else set()
    )


def test_settings_of_matplotlib(tree, monkeypatch, tmp_path, untouched):
    assert stale(
        tree, lambda: (tree / "notebooks" / "matplotlibrc").write_text("font.size: 20"), before=untouched
    ) == of(ALL)


LOADING = """\
import importlib, os, sys
from pathlib import Path
for name in sys.argv[3:]:  # what is not ours, once for both
    importlib.import_module(name)
assert not any(name.partition(".")[0] == "analysis_lib" for name in sys.modules)
for name in ("08_in_context", "11_audit"):
    if not os.fork():
        from analysis_lib.binding import chapter, inputs, reuse
        from analysis_lib.files.places import NOTEBOOKS, ROOT
        cohort = ROOT / "analysis_lib/data/reconstructed/cohort.yml"
        chapter.calculate(name, cohort, Path(sys.argv[1]), drawn=True)
        loaded = {Path(m.__file__) for n, m in sys.modules.items() if n.partition(".")[0] == "analysis_lib"}
        start = [NOTEBOOKS / f"{name}.py", *reuse.MAKERS, Path(reuse.__file__)]
        found = inputs.modules_used(start, inputs.Library(ROOT))
        Path(sys.argv[2], name).write_text(repr(sorted(str(p) for p in loaded - found - {*start})))
        os._exit(0)
while True:
    try:
        assert os.wait()[1] == 0
    except ChildProcessError:
        break
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no fork")
def test_every_module_that_a_chapter_really_loads_was_found_by_reading(tmp_path):
    """Python's own answer, for the chapter that uses most and for the one that starts last."""
    (tmp_path / "told").mkdir()
    libraries = [
        "pandas",
        "scipy.stats",
        "matplotlib.pyplot",
        "seaborn",
        "pandera.pandas",
        "jupytext",
        "papermill",
    ]
    subprocess.run(
        [sys.executable, "-c", LOADING, str(tmp_path), str(tmp_path / "told"), *libraries],
        cwd=ROOT,
        check=True,
    )
    for name in ("08_in_context", "11_audit"):
        assert (tmp_path / "told" / name).read_text() == "[]"
