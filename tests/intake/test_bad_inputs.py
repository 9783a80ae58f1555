"""Each bad input gets its message, whole and in order; never a traceback, never a changed file, nothing left
behind.
"""

import hashlib
import os
from pathlib import Path

import pytest
import yaml
from bad_inputs import made

from analysis_lib.__main__ import main
from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake.read import read_cohort

FOLDER = Path(__file__).parents[1] / "bad_inputs"
IN_ORDER = {
    "cohort.yml": "tables: {patients: p.csv}\n",
    "p.csv": "patient_id,last_follow_up_day,vital_status\nA,100,dead\nB,200,alive\n",
}
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['case']}")
    for path in sorted(FOLDER.glob("*.yml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
]


def laid_out(case, folder):
    """The files of a case in a folder; returns what is to be checked."""
    for name, content in (IN_ORDER | {key: value for key, value in case.items() if "." in key}).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(
            getattr(made, content["made"])() if isinstance(content, dict) else content.encode()
        )
    return folder / case["check"] if (folder / case.get("check", "")).exists() else case["check"]


def contents(folder):
    return {
        file: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()
    }


def run(case, folder, capsys):
    """What reading and checking a case say."""
    where = laid_out(case, folder) if "check" in case else laid_out(case | {"check": "."}, folder)
    before = contents(folder)
    if "forbidden" in case:
        (folder / case["forbidden"]).chmod(0)
    try:
        with pytest.raises(CohortError) as caught:
            read_cohort(where)
        assert main(["check", str(where)]) == 1
    finally:
        if "forbidden" in case:
            (folder / case["forbidden"]).chmod(0o600)
    assert contents(folder) == before
    return caught.value, capsys.readouterr()


@pytest.mark.parametrize("case", CASES)
def test_a_bad_input_gets_its_message(case, tmp_path, capsys):
    if "forbidden" in case and os.geteuid() == 0:
        pytest.skip("the superuser may read any file; the test below denies it in another way")
    error, told = run(case, tmp_path, capsys)
    assert [line.strip() for line in str(error).splitlines()[1:]] == case["says"]
    assert told.out == "" and "Traceback" not in told.err
    printed = "".join(told.err.split()).casefold()  # the terminal wraps its lines
    for problem in error.problems.head(3).to_dict("records"):
        assert "".join(f"{problem['concern']}. → {problem['suggestion']}".split()).casefold() in printed
    of_rows = error.problems["row"].notna().any()  # and not only of files and columns, which are nobody's
    assert ("keepitinthehospital" in printed) or not of_rows
    assert ("keepitinthehospital" not in printed) or of_rows or error.problems["field"].ne("").any()


@pytest.mark.parametrize("case", [case for case in CASES if "forbidden" in case.values[0]])
def test_a_file_that_may_not_be_read_is_said_to_be_so(case, tmp_path, monkeypatch, capsys):
    forbidden, opened = case["forbidden"], Path.open

    def deny(path, *arguments, **options):
        if path.name == forbidden:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    where = laid_out(case | {"check": "."}, tmp_path)
    monkeypatch.setattr(Path, "open", deny)
    assert main(["build", str(where)]) == 1
    assert case["says"][0] in capsys.readouterr().err and sorted(tmp_path.iterdir()) == [
        tmp_path / "cohort.yml",
        tmp_path / "p.csv",
    ]


def test_there_are_many_and_each_is_another():
    names = [case.id for case in CASES]
    assert len(names) >= 100 and len(set(names)) == len(names)
