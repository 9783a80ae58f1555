"""A file is there whole, or as it was."""

import pytest

from analysis_lib.files import replacing


def test_a_finished_file_takes_the_place_of_the_old_one(tmp_path):
    place = tmp_path / "rows.csv"
    place.write_text("old")
    with replacing.finished(place) as unfinished:
        unfinished.write_text("new")
        assert place.read_text() == "old"
    assert place.read_text() == "new" and list(tmp_path.iterdir()) == [place]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    place = tmp_path / "rows.csv"
    place.write_text("old")
    with pytest.raises(ValueError), replacing.finished(place) as unfinished:
        unfinished.write_text("half of it")
        raise ValueError
    assert place.read_text() == "old" and list(tmp_path.iterdir()) == [place]


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    (tmp_path / "a file").write_text("")
    for folder in ("nowhere", "a file"):
        with pytest.raises(OSError), replacing.finished(tmp_path / folder / "x") as unfinished:
            unfinished.write_text("new")
