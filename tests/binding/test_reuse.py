"""Nothing done twice, and nothing stale: what a second build runs, keeps and leaves alone."""

import contextlib
import json
import shutil

import pytest

from analysis_lib.__main__ import main
from analysis_lib.binding import build, chapter, chapters, engines, inputs, reuse
from analysis_lib.binding.outcome import BuildError, Outcome
from analysis_lib.cohort import overlap
from analysis_lib.files.places import ROOT
from analysis_lib.rows import results

from everywhere import everywhere

COHORT = "tables: {patients: p.csv}\nname: hospital\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two short chapters and a real cohort; chapters are not run by a kernel, and pages not made by Sphinx."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for name in ("01_one", "02_two"):
        (notebooks / f"{name}.py").write_text(
            f'# %% [markdown]\n# # {name}\n\n# %% tags=["parameters"]\ncohort = "a"\nresults_dir = ""\n'
            + ("alpha_beta = 10.0\n" if name == "02_two" else "")
        )
    everywhere(monkeypatch, chapters.NOTEBOOKS, notebooks)
    rows = "".join(f"A{number},{20 + number},dead\n" for number in range(9))
    (tmp_path / "p.csv").write_text(f"patient_id,last_follow_up_day,vital_status\n{rows}")
    (tmp_path / "cohort.yml").write_text(COHORT)
    monkeypatch.setattr(engines, "ProcessPoolExecutor", InThisProcess)
    monkeypatch.setattr(build.kernels, "forked", lambda folder: contextlib.nullcontext())
    monkeypatch.setattr(build.kernels, "make_ready", lambda *_: None)  # there are no kernels
    monkeypatch.setattr(chapter, "run", made_up)
    monkeypatch.setattr(
        build.pages, "write", lambda studies, outcomes, book, *_: (book / "generated").mkdir()
    )
    monkeypatch.setattr(build, "waiting", lambda place: contextlib.nullcontext())
    monkeypatch.setattr(build, "render", lambda source, html, *_: made_pages(source, html))
    RAN.clear()
    return tmp_path


RAN = []


class InThisProcess:
    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *arguments):
        from concurrent.futures import Future

        future = Future()
        future.set_result(function(*arguments))
        return future


def made_up(name, path, study, page, results_dir, parameters):
    RAN.append(f"{study.name} {name}")
    results_dir.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps({"cells": [], "made with": str(parameters)}))
    (results_dir / f"{name}.csv").write_text(",".join(results.COLUMNS) + "\na,all,,count,7,,,9,,,\n")
    (page.parent / "takeaway").mkdir(exist_ok=True)
    (page.parent / "takeaway" / f"{study.name}-{name}-tables.docx").write_bytes(b"1")
    if name == "02_two":
        (results_dir / f"{name}.csv").unlink()
        return Outcome(study.name, name, "skipped", "a column is absent")
    return Outcome(study.name, name, "done")


def made_pages(source, html):
    shutil.copytree(source / "book" / "cohorts", html / "cohorts")
    (html / "index.html").write_text("a book")


def run(place, **options):
    """What a build ran, and how it ended."""
    RAN.clear()
    (place / overlap.FILE).unlink(missing_ok=True)  # what was released before is not what is tried here
    options = {"wheres": [str(place / "cohort.yml")], "out": place / "out"} | options
    outcomes = build.build(options.pop("wheres"), options.pop("out"), 1, **options)
    return list(RAN), [(each.chapter, each.status, each.reason) for each in outcomes]


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


BOTH = ["hospital 01_one", "hospital 02_two"]
ENDED = [("01_one", "done", ""), ("02_two", "skipped", "a column is absent")]


def append(path, text):
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (lambda place: None, []),
        (lambda place: append(place / "notebooks" / "01_one.py", "# more\n"), BOTH[:1]),
        (lambda place: append(place / "p.csv", "B,9,dead\n"), BOTH),
        (lambda place: append(place / "cohort.yml", "note: other\n"), BOTH),
    ],
)
def test_a_second_build_runs_what_has_changed_and_says_the_same_of_the_rest(place, change, runs):
    assert run(place) == (BOTH, ENDED)
    before = files(place / "out" / "source" / "book" / "cohorts")
    change(place)
    assert run(place) == (runs, ENDED)
    if not runs:
        assert files(place / "out" / "source" / "book" / "cohorts") == before


def test_a_parameter_runs_the_chapters_that_take_it(place):
    run(place)
    assert run(place, parameters={"alpha_beta": 3.0}) == (BOTH[1:], ENDED)
    assert run(place) == ([], ENDED)


def test_fresh_runs_everything(place):
    run(place)
    assert run(place, fresh=True) == (BOTH, ENDED)
    assert run(place) == ([], ENDED)


def test_what_failed_runs_again(place, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(chapter, "run", lambda name, *_: Outcome("hospital", name, "failed", "no"))
        assert [status for _, status, _ in run(place)[1]] == ["failed", "failed"]
    assert run(place) == (BOTH, ENDED)


@pytest.mark.parametrize("edited", ["p.csv", "notebooks/01_one.py"])
def test_what_was_edited_while_the_book_was_made_is_not_taken_for_what_made_it(place, monkeypatch, edited):
    def editing(name, *rest):
        if name == "01_one":
            append(place / edited, "B,9,dead\n" if edited == "p.csv" else "# more\n")
        return made_up(name, *rest)

    before = (place / edited).read_text()
    with monkeypatch.context() as patched:
        patched.setattr(chapter, "run", editing)
        run(place)
    assert reuse.unchanged(place / "out", [str(place / "cohort.yml")], {}) is None
    assert "hospital 01_one" in run(place)[0]
    (place / edited).write_text(before)
    assert "hospital 01_one" in run(place)[0]


def test_nothing_of_a_real_cohort_is_kept_before_the_leak_scan_has_passed(place, monkeypatch):
    seen = []

    def scan(*_):
        seen.extend((place / "out" / ".kept").rglob("*.zip"))
        raise BuildError("something stands there")

    with monkeypatch.context() as patched:
        patched.setattr(build, "check_for_leaks", scan)
        with pytest.raises(BuildError):
            run(place)
    assert not seen and not (place / "out" / ".kept").exists()
    assert run(place) == (BOTH, ENDED)


def test_what_is_kept_lies_in_the_folder_of_the_book_only(place):
    def elsewhere():
        return {
            path
            for path in [*(ROOT / "_build").rglob("*.zip"), *place.rglob("*.zip")]
            if not path.is_relative_to(place / "out" / ".kept")
        }

    before = elsewhere()
    run(place)
    assert elsewhere() == before and list((place / "out" / ".kept").rglob("*.zip"))
    assert run(place, out=place / "another")[0] == BOTH


def test_an_unchanged_book_is_left_as_it_is_and_says_how_its_chapters_ended(place, monkeypatch, capsys):
    arguments = ["build", str(place / "cohort.yml"), "--out", str(place / "out")]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    monkeypatch.setattr(build, "build", lambda *_: pytest.fail("a build"))
    assert main(arguments) == 0
    second = capsys.readouterr().out
    assert "is left as it is" in second
    assert second.splitlines()[1:] == [line for line in first.splitlines() if not line.startswith("[")]


@pytest.mark.parametrize(
    "change",
    [
        lambda place: append(place / "notebooks" / "01_one.py", "# more\n"),
        lambda place: (place / "notebooks" / "03_three.py").write_text("# more\n"),
        lambda place: append(place / "p.csv", "B,9,dead\n"),
        lambda place: append(place / "cohort.yml", "note: other\n"),
        lambda place: (place / "p.csv").unlink(),
        lambda place: (place / "out" / "html" / "index.html").write_text("edited"),
        lambda place: (place / "out" / "html" / "cohorts" / "hospital" / "01_one.ipynb").unlink(),
        lambda place: (place / "out" / "source" / "book" / "cohorts" / "hospital" / "01_one.ipynb").unlink(),
        lambda place: (place / "out" / ".kept" / "book.json").write_text('{"book": 1'),
    ],
)
def test_a_book_counts_as_unchanged_only_if_all_it_is_made_of_is_and_it_is_whole(place, change):
    cohorts = [str(place / "cohort.yml")]
    run(place)
    assert reuse.unchanged(place / "out", cohorts, {}) is not None
    assert reuse.unchanged(place / "out", cohorts, {"alpha_beta": 3.0}) is None
    assert reuse.unchanged(place / "out", [*cohorts, "lymphoma"], {}) is None
    change(place)
    assert reuse.unchanged(place / "out", cohorts, {}) is None


def test_versions_and_environment_count_for_a_book(place, monkeypatch):
    cohorts = [str(place / "cohort.yml")]
    run(place)
    with monkeypatch.context() as patched:
        patched.setenv("OMP_NUM_THREADS", "7")
        assert reuse.unchanged(place / "out", cohorts, {}) is None
    other = inputs.versions() | {"sphinx": "0.1"}
    monkeypatch.setattr(inputs, "versions", lambda: other)
    assert reuse.unchanged(place / "out", cohorts, {}) is None


def test_a_cohort_that_cannot_be_read_is_refused_in_words(place, capsys):
    arguments = ["build", str(place / "cohort.yml"), "--out", str(place / "out")]
    assert main(arguments) == 0
    for manifest in (
        "tables: [",
        "tables: {patients: p.csv}\n? [a]\n: b\n",
        "\u0000",
        "tables: {patients: none.csv}",
    ):
        (place / "cohort.yml").write_text(manifest)
        assert main(arguments) == 1
        assert "cohort.yml" in (told := capsys.readouterr().err) and "Traceback" not in told
