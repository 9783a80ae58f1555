"""A finding that was looked at is accepted with a reason, and known again without its value."""

import json

import pandas as pd
import pytest

from analysis_lib.binding import leak_review, leak_values, leaks

RAW = pd.DataFrame(
    {"ID": ["MRN-90221", "MRN-90257"], "Name": ["Kestrelmann, Robin", "Brinkhorst, Anna"]},
    index=[2, 3],
    dtype="string",
)


@pytest.fixture
def log(tmp_path):
    return leak_review.log_of(tmp_path / "cohort.yml")


def scanned(*texts, name="page.html"):
    wanted = leak_values.of_table(RAW, {"ID": "patient_id"}, "patients")
    return [leak for text in texts for leak in leaks.found(leaks.of_text(text, name), wanted)]


def test_an_accepted_finding_is_none_any_more_and_the_log_does_not_tell_it(log):
    first, second = scanned("Robin, and MRN-90257")
    assert leak_review.unaccepted([first, second], log) == [first, second]
    assert leak_review.accept(
        [first, second], {leak_review.code(second, log): "a town, in the title"}, log
    ) == [first]
    assert leak_review.unaccepted(scanned("Robin, and MRN-90257"), log) == [first]
    (kept,) = json.loads(log.read_text())["accepted"]
    assert (
        kept["reason"] == "a town, in the title"
        and "obin" not in log.read_text()
        and "90257" not in log.read_text()
    )
    assert "page.html" == kept["file"] and "row" in kept["what"] and kept["day"]


def test_another_value_of_the_same_patient_or_the_same_in_another_file_is_a_new_finding(log):
    (robin,) = scanned("Robin wrote it")
    assert (
        leak_review.accept([robin], {leak_review.code(robin, log): "an author of the reference"}, log) == []
    )
    assert leak_review.unaccepted(scanned("Robin Kestrelmann wrote it"), log)
    assert leak_review.unaccepted(scanned("Robin wrote it", name="other.html"), log)
    assert leak_review.unaccepted(scanned("Robin wrote it, and again Robin did"), log) == []


@pytest.mark.parametrize(
    ("reason", "said"),
    [("", "say in a few words"), ("Robin is an author's name", "tells the value"), ("ok", "a few words")],
)
def test_a_reason_is_needed_and_may_not_tell_the_value(reason, said, log):
    (leak,) = scanned("Robin wrote it")
    with pytest.raises(leak_review.ReviewError, match=said):
        leak_review.accept([leak], {leak_review.code(leak, log): reason}, log)
    assert leak_review.unaccepted([leak], log) == [leak]


def test_what_was_not_found_or_may_never_be_there_cannot_be_accepted(log):
    data = leaks.Leak("environment.pickle", "a file of data in a form that no reader needs")
    with pytest.raises(leak_review.ReviewError, match="no finding of this build"):
        leak_review.accept([data], {"0123456789ab": "a harmless town"}, log)
    with pytest.raises(leak_review.ReviewError, match="cannot be accepted"):
        leak_review.accept([data], {leak_review.code(data, log): "a harmless pickle"}, log)


def test_two_logs_give_two_codes_and_a_broken_one_is_said(tmp_path):
    (leak,) = scanned("Robin wrote it")
    (tmp_path / "a").mkdir()
    assert leak_review.code(leak, tmp_path / leak_review.LOG) != leak_review.code(
        leak, tmp_path / "a" / leak_review.LOG
    )
    (tmp_path / "a" / leak_review.LOG).write_text("{}")
    with pytest.raises(leak_review.ReviewError, match="not the log"):
        leak_review.unaccepted([leak], tmp_path / "a" / leak_review.LOG)
