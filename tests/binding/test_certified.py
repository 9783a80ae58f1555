"""A book, a chapter or an export of a real cohort needs the auditor's certificate, and no earlier one beside it
that would tell of a few patients.
"""

import json
import zipfile
from contextlib import nullcontext

import pytest

from analysis_lib.__main__ import main
from analysis_lib.analyses import summaries
from analysis_lib.binding import build, certified, chapter, chapters
from analysis_lib.binding.outcome import BuildError, Outcome
from analysis_lib.centres import send
from analysis_lib.cohort import disclosure, overlap
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

from everywhere import everywhere

K = 5
HOLDS = (12, 30, 3)
TELLS = (9, 9, 9, 9, 4)  # 40 to 44 in all, none above 9: the last is 4


def table_of(counts, k=K):
    whole = results.row("table1.n.all", "count", sum(counts))
    cells = [
        summaries.proportion(f"table1.stage.l{place}.all", count, sum(counts))
        for place, count in enumerate(counts)
    ]
    return disclosure.protect_by(results.collect([whole, *cells]), k)


def patients(folder, number=20, more="", dead=()):
    folder.mkdir(exist_ok=True)
    lines = [f"A{one},{40 + one},{'dead' if one in dead else 'alive'}" for one in range(number)]
    (folder / "p.csv").write_text("\n".join(["patient_id,last_follow_up_day,vital_status", *lines]) + "\n")
    (folder / "cohort.yml").write_text(f"name: small\ntables: {{patients: p.csv}}\n{more}")
    return folder / "cohort.yml"


@pytest.fixture
def publishing(monkeypatch):
    """Builds whose only chapter publishes a table of these counts; nothing runs in a kernel or in Sphinx, and
    nothing is scanned for leaks.
    """
    counts = list(HOLDS)

    def run(each, path, study, page, rows_to, *_):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text('{"cells": []}')
        results.save([table_of(counts, study.min_cell_count)], study.name, each, rows_to)
        return Outcome(study.name, each, "done")

    def run_all(runs, studies, *_):
        for one in runs:
            page = one.pages / f"{one.chapter}.ipynb"
            yield one, "", run(one.chapter, one.manifest, studies[one.manifest], page, one.results)

    def render(source, html, *_):
        html.mkdir(parents=True)
        (html / "index.html").write_text((source / "book" / "generated" / "certificate.md").read_text())

    def calculate(each, study, folder):
        results.save([table_of(counts, study.min_cell_count)], study.name, each, folder)

    monkeypatch.setattr(build, "run_all", run_all)
    monkeypatch.setattr(build, "check_for_leaks", lambda *_: None)
    monkeypatch.setattr(build, "waiting", lambda place: nullcontext())
    monkeypatch.setattr(build, "render", render)
    monkeypatch.setattr(chapter, "run", run)
    monkeypatch.setattr(chapter, "calculate", calculate)
    everywhere(monkeypatch, chapters.chapters, lambda: ["02_characteristics"])
    return counts


def test_a_book_prints_what_the_auditor_examined(publishing, tmp_path):
    build.build([str(patients(tmp_path / "h"))], tmp_path / "out")
    page = (tmp_path / "out" / "html" / "index.html").read_text()
    assert "An auditor examined 7 counts" in page and "does not prove" in page
    build.build([str(patients(tmp_path / "s", more="synthetic: true\n"))], tmp_path / "synthetic")
    page = (tmp_path / "synthetic" / "html" / "index.html").read_text()
    assert "- small: its patients are synthetic." in page and "An auditor examined" not in page


def test_what_tells_a_hidden_number_stops_book_chapter_and_export(publishing, tmp_path, capsys):
    publishing[:] = TELLS
    path, before = patients(tmp_path / "h"), sorted((tmp_path / "h").iterdir())
    for command in (
        ["build", str(path), "--out", str(tmp_path / "out")],
        ["run", "02_characteristics", str(path), "--out", str(tmp_path / "one")],
        ["export", str(path), "--out", str(tmp_path / "small.zip")],
    ):
        assert main(command) == 1
        told = capsys.readouterr().err
        assert "table1.stage.l4.all: a hidden number follows, with table1.stage.l0.all" in told
        assert "min_cell_count" in told and "can only be" not in told and "Traceback" not in told
    written = [file for name in ("out", "one", "small.zip") for file in (tmp_path / name).rglob("*.csv")]
    assert not written and not (tmp_path / "out" / "html").exists()
    assert sorted((tmp_path / "h").iterdir()) == before  # not remembered: nothing was released


def test_the_message_names_no_number_and_stays_short():
    study = read_cohort("lymphoma")
    many = results.collect([results.skipped(f"x{number}", "only 3 events") for number in range(30)])
    with pytest.raises(BuildError) as told:
        certified.certify(type(study)(**{**vars(study), "min_cell_count": K}), disclosure.protect_by(many, 0))
    assert "... and 50 more" in str(told.value)


def test_a_second_book_of_nearly_the_same_patients_is_refused_before_anything_runs(
    publishing, tmp_path, capsys, monkeypatch
):
    path = patients(tmp_path / "h")
    built = ["build", str(path), "--out", str(tmp_path / "out"), "--fresh"]
    assert main(built) == main(built) == 0  # the very same patients
    patients(tmp_path / "h", 21)
    monkeypatch.setattr(build, "run_all", lambda *_: pytest.fail("something ran"))
    capsys.readouterr()
    for command in (built, ["export", str(path), "--out", str(tmp_path / "small.zip")]):
        assert main(command) == 1
        told = capsys.readouterr().err
        assert "small: the patients of this cohort differ from those of set 1 (book" in told
        assert "salvage-book never-released COHORT 1" in told and "Traceback" not in told
    assert not (tmp_path / "small.zip").exists()


def test_a_book_that_nobody_saw_is_forgotten_when_one_says_so(publishing, tmp_path, capsys):
    path = patients(tmp_path / "h")
    built = ["build", str(path), "--out", str(tmp_path / "out")]
    assert main(built) == 0
    patients(tmp_path / "h", 20, dead=[3])  # of one patient something else is known now
    assert main(built) == 1
    assert "says something else of fewer than 5 patients" in capsys.readouterr().err
    assert main(["never-released", str(path), "7"]) == 1
    assert "there is no set 7; remembered are: 1" in capsys.readouterr().err
    assert main(["never-released", str(path), "1"]) == 0 and main(built) == 0


def test_the_same_patients_under_another_rule_are_refused(publishing, tmp_path, capsys):
    path = patients(tmp_path / "h")
    assert main(["build", str(path), "--out", str(tmp_path / "out")]) == 0
    patients(tmp_path / "h", more="min_cell_count: 11\n")
    assert main(["build", str(path), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "released with min_cell_count 5 before (set 1, book" in told and "now it is 11" in told


def test_two_cohorts_of_one_folder_in_one_book_are_held_against_each_other(publishing, tmp_path, capsys):
    one = patients(tmp_path / "h")
    (tmp_path / "h" / "q.csv").write_text(
        "".join((tmp_path / "h" / "p.csv").read_text().splitlines(True)[:-2])
    )
    other = tmp_path / "h" / "other.yml"
    other.write_text("name: other\ntables: {patients: q.csv}\n")
    assert main(["build", str(one), str(other), "--out", str(tmp_path / "out")]) == 1
    assert "other: the patients of this cohort differ from those of set 1" in capsys.readouterr().err
    assert not (tmp_path / "h" / overlap.FILE).exists()


def test_where_nothing_can_be_remembered_nothing_is_released(publishing, tmp_path, capsys, monkeypatch):
    finished = overlap.replacing.finished

    def refusing(place):
        if place.name == overlap.FILE:
            raise PermissionError(13, "Permission denied")
        return finished(place)

    path = patients(tmp_path / "h")
    monkeypatch.setattr(overlap.replacing, "finished", refusing)
    assert main(["build", str(path), "--out", str(tmp_path / "out")]) == 1
    assert ".released.json cannot be written to the folder" in capsys.readouterr().err
    assert not (tmp_path / "out" / "html").exists()


def test_synthetic_and_bundled_patients_are_not_remembered(publishing, tmp_path):
    build.build([str(patients(tmp_path / "s", more="synthetic: true\n"))], tmp_path / "out")
    build.build(["lymphoma"], tmp_path / "bundled")
    assert not list(tmp_path.rglob(overlap.FILE))
    assert not build.remembered({path: read_cohort(path) for path in [build.locate("lymphoma")]})


def test_an_export_says_that_its_auditor_ran_and_one_that_does_not_is_refused(publishing, tmp_path):
    path = patients(tmp_path / "h")
    out, manifest = send.export(path, tmp_path / "small.zip")
    assert manifest["audit"]["findings"] == 0 and manifest["audit"]["cells"] == 7
    with zipfile.ZipFile(out) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    for audit, says in (
        (None, "no auditor examined its numbers; export again"),
        (manifest["audit"] | {"findings": 1}, "the auditor did not run, or found"),
    ):
        said = json.loads(files["export.json"]) | {"audit": audit}
        if audit is None:
            del said["audit"]
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
            for name, content in (files | {"export.json": json.dumps(said).encode()}).items():
                packed.writestr(name, content)
        with pytest.raises(send.SharingError, match=says):
            send.read_export(tmp_path / "other.zip")
