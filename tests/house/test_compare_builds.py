"""Two builds are held against each other: columns that are new do not count, a number that differs does."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import compare_builds  # noqa: E402

OLD = 'result_id,value,note\na,1.5,"one, or two"\n'


def differences(tmp_path, new):
    for name, text in (("old", OLD), ("new", new)):
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    return list(compare_builds.differing(tmp_path / "old.csv", tmp_path / "new.csv"))


def test_a_new_column_is_no_difference(tmp_path):
    assert differences(tmp_path, OLD) == []
    assert differences(tmp_path, 'result_id,endpoint,value,note\na,OS1,1.5,"one, or two"\n') == []


def test_a_number_or_a_lost_column_is_one(tmp_path):
    changed = differences(tmp_path, 'result_id,endpoint,value,note\na,OS1,1.6,"one, or two"\n')
    assert len(changed) == 1 and changed[0].startswith("-result_id")
    assert len(differences(tmp_path, "result_id,value\na,1.5\n")) == 1
