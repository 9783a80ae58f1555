"""The command line as a user meets it: mistakes end in one message before anything runs, a failure leaves the old book."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from analysis_lib import build, chapter, pages, results, schema
from analysis_lib.__main__ import main
from analysis_lib.cohort import bundled_cohorts, read_cohort

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {title}
#
# ## Section

# %% tags=["parameters"]
cohort = "reconstructed"
results_dir = ""

# %%
from IPython.display import HTML, display
{code}
"""


@pytest.mark.parametrize(("arguments", "says"), [
    (["build", "lymfoma"], "Did you mean 'lymphoma'"),
    (["build", "lymphoma", "-p", "alpha_betta", "3"], "No chapter takes a parameter 'alpha_betta'"),
    (["build", "lymphoma", "-p", "alpha_beta", "three"], "must be a number"),
    (["build", "lymphoma", "-p", "cohort", "3"], "No chapter takes a parameter 'cohort'"),
    (["run", "04_survivall", "lymphoma"], "There is no chapter '04_survivall'"),
    (["run", "04_survival", "lymphoma", "-p", "alpha_beta", "3"], "takes no parameter alpha_beta"),
    (["check", "nowhere/cohort.yml"], "there is no such cohort"),
])
def test_a_mistake_ends_in_one_message_before_anything_runs(arguments, says, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(chapter, "run", lambda *_: pytest.fail("something ran"))
    assert main([*arguments, *(["--out", str(tmp_path / "out")] if arguments[0] != "check" else [])]) == 1
    told = capsys.readouterr()
    assert says in told.err and "Traceback" not in told.err
    assert not (tmp_path / "out").exists()


def test_cohorts_and_check_answer_in_plain_lines(capsys):
    assert main(["cohorts"]) == 0 and main(["check", "lymphoma"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in bundled_cohorts()) and "no problem found" in told and "sites: none" in told


def small_book(folder, monkeypatch, **notebooks):
    for name, code in notebooks.items():
        (folder / f"{name[1:]}.py").write_text(NOTEBOOK.format(title=name, code=code))
    monkeypatch.setattr(chapter, "NOTEBOOKS", folder)


def test_a_failing_notebook_leaves_the_old_book_and_a_non_zero_exit(tmp_path, monkeypatch, capsys):
    notebooks, out = tmp_path / "notebooks", tmp_path / "out"
    notebooks.mkdir()
    (out / "html").mkdir(parents=True)
    (out / "html" / "index.html").write_text("an older book")
    small_book(notebooks, monkeypatch, _01_good="display(HTML('<p>fine</p>'))", _02_bad="1 / 0")
    assert main(["build", "lymphoma", "--out", str(out)]) == 1
    told = capsys.readouterr()
    assert "failed: lymphoma 02_bad: ZeroDivisionError: division by zero" in told.out and "1 done, 0 skipped, 1 failed" in told.out
    assert (out / "html" / "index.html").read_text() == "an older book" and "No book was made" in told.err
    assert not (out / "source" / "book" / "cohorts" / "lymphoma" / "02_bad.ipynb").exists()


def test_two_cohorts_with_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA,9,dead\n")
        (tmp_path / folder / "cohort.yml").write_text("name: same\ntables: {patients: p.csv}")
    with pytest.raises(build.BuildError, match="are called 'same'"):
        build.read_all([tmp_path / "a", tmp_path / "b"])


def test_the_committed_contents_are_those_of_the_bundled_cohorts():
    studies = [read_cohort(name) for name in bundled_cohorts()]
    assert (ROOT / "_toc.yml").read_text("utf-8") == build.table_of_contents(studies)


def test_the_comparison_reads_result_rows(tmp_path):
    study = read_cohort("lymphoma")
    row = results.row("os1.median", "median time", 3.04, lower=1.8, upper=None)
    table = pages.compared({study: results.collect([row])}, {"os1.median": "Median OS1", "os2.median": "Median OS2"})
    assert table.to_numpy().tolist() == [["Median OS1, months (95% CI)", "3.0 (1.8–NR)"]]


def test_the_dictionary_page_names_every_column():
    page = pages.dictionary_page()
    assert all(column in page for table in schema.TABLES.values() for column in table.columns)


HOSPITAL = """\
Fallnr;Infusion;Zuletzt gesehen;Status;Rezidiv;Beginn;Therapie
{rows}"""
MANIFEST = """\
name: klinikum
title: Klinikum, CAR-T 2018–2021
tables: {patients: fälle.csv}
columns:
  patients:
    Fallnr: patient_id
    Infusion: infusion_date
    Zuletzt gesehen: last_follow_up_date
    Status: vital_status
    Rezidiv: failure_date
    Beginn: salvage_start_date
    Therapie: salvage_regimen
values:
  patients:
    vital_status: {tot: dead, lebt: alive}
    salvage_regimen: {Bestrahlung: RT, beides: CMT, Systemtherapie: ST}
date_format: "%d.%m.%Y"
"""


@pytest.fixture(scope="session")
def hospital(tmp_path_factory):
    """A hospital's own file, outside the checkout: other words, calendar dates, and few columns."""
    import numpy as np
    import pandas as pd

    folder, rng = tmp_path_factory.mktemp("klinikum"), np.random.default_rng(7)
    rows = []
    for number in range(40):
        start = pd.Timestamp("2019-01-01") + pd.Timedelta(days=int(rng.integers(0, 700)))
        failure = start + pd.Timedelta(days=int(rng.integers(20, 200)))
        salvage = failure + pd.Timedelta(days=int(rng.integers(0, 30)))
        last = salvage + pd.Timedelta(days=int(rng.exponential(300)))
        dates = [f"{day:%d.%m.%Y}" for day in (start, last, failure, salvage)]
        rows.append(";".join([f"KH-{90210 + number}", dates[0], dates[1], rng.choice(["tot", "lebt"]), dates[2], dates[3],
                              rng.choice(["Bestrahlung", "beides", "Systemtherapie"])]))
    (folder / "fälle.csv").write_text(HOSPITAL.format(rows="\n".join(rows)), "utf-8")
    (folder / "cohort.yml").write_text(MANIFEST, "utf-8")
    return folder


def fingerprint(*folders):
    files = (file for folder in folders for file in sorted(Path(folder).rglob("*")) if file.is_file())
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if "__pycache__" not in file.parts}


def test_a_hospital_builds_its_book_outside_the_checkout(hospital, tmp_path):
    before = fingerprint(ROOT / "book", ROOT / "notebooks", ROOT / "analysis_lib", hospital)
    done = subprocess.run([sys.executable, "-m", "analysis_lib", "build", str(hospital / "cohort.yml"), "--out", str(tmp_path / "b")],
                          cwd=tmp_path, capture_output=True, text=True, env=None)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fingerprint(ROOT / "book", ROOT / "notebooks", ROOT / "analysis_lib", hospital) == before
    html = tmp_path / "b" / "html"
    assert (html / "index.html").is_file()
    survival = (html / "book" / "cohorts" / "klinikum" / "04_survival.html").read_text("utf-8")
    assert "The median OS2 was" in survival and "Klinikum" in survival
    everything = "".join(file.read_text("utf-8", errors="ignore") for file in (tmp_path / "b").rglob("*") if file.suffix in
                         (".html", ".csv", ".ipynb", ".js", ".md", ".txt", ".json"))
    assert "KH-902" not in everything and str(hospital) not in everything
    assert not any(f".{month:02d}.2019" in everything for month in range(1, 13))
