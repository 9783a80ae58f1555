"""A finding that was looked at is accepted with a reason, and known again without its value."""

import json

import pandas as pd
import pytest

from analysis_lib.__main__ import main
from analysis_lib.binding import build, leak_review, leak_values, leaks
from analysis_lib.binding.leak_review import ReviewError
from analysis_lib.binding.outcome import BuildError
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort

RAW = pd.DataFrame(
    {"ID": ["MRN-90221", "MRN-90257"], "Name": ["Kestrelmann, Robin", "Brinkhorst, Anna"]},
    index=[2, 3],
    dtype="string",
)
WANTED = leak_values.of_table(RAW, {"ID": "patient_id"}, "patients")


@pytest.fixture
def cohort(tmp_path):
    return tmp_path / "cohort.yml"


def scanned(*texts, name="page.html"):
    return [leak for text in texts for leak in leaks.found(leaks.of_text(text, name), WANTED)]


def refused(cohort, *found):
    """The codes of what is refused, in the order in which it is told, and the message."""
    with pytest.raises(BuildError) as error:
        leak_review.refuse(found, {cohort: WANTED})
    known = json.loads(leak_review.log_of(cohort).read_text())["open"]
    told = str(error.value)
    return sorted((each["code"] for each in known), key=told.index), told


def test_an_accepted_finding_is_none_any_more_and_the_log_does_not_tell_it(cohort):
    log, (first, second) = leak_review.log_of(cohort), scanned("Robin, and MRN-90257")
    codes, told = refused(cohort, first, second)
    assert len(codes) == 2 and "salvage-book accept" in told and "obin" not in told and "90257" not in told
    left = leak_review.accept(codes[1], "a town, in the title", log, WANTED)
    assert [each["code"] for each in left] == [codes[0]]
    (code,), told = refused(cohort, *scanned("Robin, and MRN-90257"))
    assert code == codes[0] and str(second) not in told
    (kept,) = json.loads(log.read_text())["accepted"]
    assert kept["reason"] == "a town, in the title" and kept["file"] == "page.html" and kept["day"]
    assert "obin" not in log.read_text() and "90257" not in log.read_text()
    leak_review.accept(code, "a font of the theme", log, WANTED)
    leak_review.refuse(scanned("Robin, and MRN-90257"), {cohort: WANTED})


def test_another_value_of_the_same_patient_or_the_same_in_another_file_is_a_new_finding(cohort):
    (robin,) = scanned("Robin wrote it")
    (code,), _ = refused(cohort, robin)
    assert leak_review.accept(code, "an author of the reference", leak_review.log_of(cohort), WANTED) == []
    leak_review.refuse(scanned("Robin wrote it, and again Robin did"), {cohort: WANTED})
    assert refused(cohort, *scanned("Robin Kestrelmann wrote it"))[0]
    assert refused(cohort, *scanned("Robin wrote it", name="other.html"))[0]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "say in a few words"),
        ("ok", "a few words"),
        ("Robin is an author's name", "tells something"),
        ("kestrelmann is a bird", "tells something"),
        ("the number 90257 is a colour", "tells something"),
        ("as with Anna Brinkhorst", "tells something"),
    ],
)
def test_a_reason_is_needed_and_may_tell_nothing_of_the_input(reason, said, cohort):
    log, (leak,) = leak_review.log_of(cohort), scanned("Robin wrote it")
    (code,), _ = refused(cohort, leak)
    before = log.read_text()
    with pytest.raises(ReviewError, match=said):
        leak_review.accept(code, reason, log, WANTED)
    assert log.read_text() == before


def test_what_was_not_found_or_may_never_be_there_cannot_be_accepted(cohort):
    data = leaks.Leak("environment.pickle", "a file of data in a form that no reader needs")
    codes, told = refused(cohort, data)
    assert not codes and "environment.pickle" in told
    with pytest.raises(ReviewError, match="no finding with this code"):
        leak_review.accept("0123456789ab", "a harmless town", leak_review.log_of(cohort), WANTED)


def test_words_around_a_finding_are_told_if_they_are_ours_and_nothing_of_the_input():
    (leak,) = scanned("Xyzzy overall survival Robin median 4711 follow")
    assert leak.near == "· overall survival [here] median · follow"
    first = scanned("survival Kestrelmann Robin Brinkhorst overall")[0]
    assert "rinkhorst" not in first.near and "obin" not in first.near and "estrel" not in first.near


def test_two_logs_give_two_codes_and_a_broken_one_is_said(tmp_path):
    found = scanned("Robin wrote it")
    codes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        codes += refused(tmp_path / name / "cohort.yml", *found)[0]
    assert len(set(codes)) == 2
    (tmp_path / "a" / leak_review.LOG).write_text("{}")
    with pytest.raises(ReviewError, match="not the log"):
        leak_review.refuse(found, {tmp_path / "a" / "cohort.yml": WANTED})


def test_a_log_that_cannot_be_written_is_said_and_nothing_passes(cohort, monkeypatch):
    def refusing(place):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(leak_review.replacing, "finished", refusing)
    with pytest.raises(ReviewError, match="cannot be written beside the cohort"):
        leak_review.refuse(scanned("Robin wrote it"), {cohort: WANTED})


def test_two_cohorts_of_one_folder_share_a_log(tmp_path):
    found = scanned("Robin wrote it") + scanned("MRN-90221 came")
    half = {key: needle for key, needle in WANTED.items() if key in found[0].keys}
    rest = {key: needle for key, needle in WANTED.items() if key not in half}
    with pytest.raises(BuildError):
        leak_review.refuse(found, {tmp_path / "a.yml": half, tmp_path / "b.yml": rest})
    assert len(json.loads((tmp_path / leak_review.LOG).read_text())["open"]) == 2


def test_from_the_command_line_a_finding_is_refused_accepted_and_passes(tmp_path, capsys):
    (tmp_path / "p.csv").write_text(
        "patient_id,Name,last_follow_up_day,vital_status\nMRN-90221,Kestrelmann,40,alive\n"
        "MRN-90257,Brinkhorst,41,dead\n"
    )
    (tmp_path / "cohort.yml").write_text("name: small\ntables: {patients: p.csv}\n")
    page = tmp_path / "out" / "page.html"
    page.parent.mkdir()
    page.write_text("<p>The Brinkhorst method of overall survival</p>")
    path = locate(tmp_path)

    def check():
        build.check_for_leaks({path: read_cohort(path)}, [page.parent])

    with pytest.raises(BuildError, match=r"the \[here\] method"):
        check()
    (finding,) = json.loads((tmp_path / leak_review.LOG).read_text())["open"]
    assert main(["accept", str(tmp_path), finding["code"], "brinkhorst is a method"]) == 1
    assert "tells something" in capsys.readouterr().err
    assert main(["accept", str(tmp_path), finding["code"], "a method that is named so"]) == 0
    assert "build or export again" in capsys.readouterr().out
    check()
    page.write_text("<p>The Brinkhorst method, and Kestrelmann</p>")
    with pytest.raises(BuildError, match="row 2"):
        check()


def test_what_stands_in_the_same_chapters_of_a_made_up_cohort_is_no_finding(tmp_path, monkeypatch):
    (tmp_path / "p.csv").write_text(
        "patient_id,last_follow_up_day,vital_status\nZQ-774411,40,alive\nZQ-774412,41,dead\n"
    )
    (tmp_path / "cohort.yml").write_text("name: small\ntables: {patients: p.csv}\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "page.html").write_text("<p>written by widget 774411 itself</p>")
    (tmp_path / "dummy").mkdir()
    path = locate(tmp_path)
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path / "dummy")
    with pytest.raises(BuildError, match="row 2"):
        build.check_for_leaks({path: read_cohort(path)}, [tmp_path / "out"])
    (tmp_path / "dummy" / "01.ipynb").write_text(
        json.dumps({"cells": [{"cell_type": "markdown", "source": "written by widget 774411 itself"}]})
    )
    build.check_for_leaks({path: read_cohort(path)}, [tmp_path / "out"])
    (tmp_path / "out" / "page.html").write_text("<p>patient number 774411 died</p>")
    with pytest.raises(BuildError, match="row 2"):
        build.check_for_leaks({path: read_cohort(path)}, [tmp_path / "out"])
