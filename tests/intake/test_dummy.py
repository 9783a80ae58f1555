"""A dummy has the shape of a cohort and no cell of it; an example is a cohort to play with."""

import datetime
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml

from analysis_lib.__main__ import main
from analysis_lib.cohort.problems import CohortError
from analysis_lib.files.refusal import Refused
from analysis_lib.intake import reading, starter
from analysis_lib.intake.dummy import PATIENTS, dummy
from analysis_lib.intake.invented import invented
from analysis_lib.intake.read import read_cohort

COHORTS = Path(__file__).resolve().parents[1] / "cohorts"
CASES = COHORTS.parent / "cases"


@pytest.mark.parametrize("name", ["klinik", "three-columns"])
def test_the_dummy_of_a_cohort_is_read_as_one_of_its_shape(name, tmp_path):
    before = {path.name: path.read_bytes() for path in (COHORTS / name).iterdir()}
    names = dummy(COHORTS / name, tmp_path / "fake")
    assert names == sorted(before)
    real, fake = read_cohort(COHORTS / name), read_cohort(tmp_path / "fake")
    assert fake.synthetic and fake.warnings.empty and len(fake.patients) == PATIENTS
    assert list(fake.patients) == list(real.patients) and fake.index_event == real.index_event
    for table in ("sites", "lines"):
        assert getattr(fake, table).empty == getattr(real, table).empty
    for file in names:
        if file != "cohort.yml":
            shape = [
                list(reading.read_table(folder, file).columns)
                for folder in (COHORTS / name, tmp_path / "fake")
            ]
            assert shape[0] == shape[1]
    assert {path.name: path.read_bytes() for path in (COHORTS / name).iterdir()} == before


def marked(folder):
    """A workbook in which every cell below the headings, and every free text of the manifest, is a secret."""
    book = openpyxl.Workbook()
    book.active.title = "Alle"
    book.active.append(
        ["Nr", "Zuletzt", "Status", "ECOG", "Brief", "19480213", "2021-03-04", "Tel 0791234567"]
    )
    for number in range(1, 20):
        book.active.append(
            [f"SECRET{number}", datetime.date(1987, 6, number), "SECRET", 4, "SECRET", "x", "y", "z"]
        )
    book.save(folder / "real.xlsx")
    (folder / "cohort.yml").write_text(
        "name: secret\ntitle: SECRET\nnote: SECRET\nsubset: patient_id == 'SECRET1'\ntables: {patients: real.xlsx}\n"
        "columns: {patients: {Nr: patient_id, Zuletzt: last_follow_up_date, Status: vital_status, ECOG: ecog}}\n"
    )
    return folder


def test_nothing_of_a_patient_is_in_it_though_the_cohort_has_errors(tmp_path):
    (tmp_path / "real").mkdir()
    with pytest.raises(CohortError):
        read_cohort(marked(tmp_path / "real"))
    assert dummy(tmp_path / "real", tmp_path / "fake") == ["cohort.yml", "real.xlsx"]
    told = (tmp_path / "fake" / "cohort.yml").read_text("utf-8")
    assert "SECRET" not in told and "secret" not in told
    assert yaml.safe_load(told)["tables"] == {"patients": "real.xlsx#Alle"}
    rows = list(openpyxl.load_workbook(tmp_path / "fake" / "real.xlsx")["Alle"].values)
    assert rows[0] == ("Nr", "Zuletzt", "Status", "ECOG", "Brief", "column 6", "column 7", "column 8")
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if "SECRET" in str(cell) or "1987" in str(cell)]
    assert {row[4:] for row in rows[1:]} == {("x", "x", "x", "x")}
    assert isinstance(rows[1][1], datetime.datetime) and {row[2] for row in rows[1:]} == {"alive", "dead"}


@pytest.mark.parametrize(
    "case", ["08-time-and-status-pairs", "16-death-date-beside-last-contact", "09-two-row-header"]
)
def test_what_stands_in_pairs_or_under_two_rows_of_headings_is_filled_too(case, tmp_path):
    dummy(CASES / case, tmp_path / "fake")
    fake = read_cohort(tmp_path / "fake")
    expected = invented(PATIENTS)["patients"]
    assert fake.patients["last_follow_up_day"].tolist() == expected["last_follow_up_day"].tolist()
    assert fake.patients["vital_status"].tolist() == expected["vital_status"].tolist()


def test_a_format_of_a_statistics_program_becomes_text(tmp_path):
    table = pd.DataFrame({"patient_id": ["1"], "last_follow_up_day": [5], "vital_status": ["dead"]})
    table.to_parquet(tmp_path / "p.parquet")
    assert dummy(tmp_path / "p.parquet", tmp_path / "fake") == ["cohort.yml", "p.csv"]
    assert len(read_cohort(tmp_path / "fake").patients) == PATIENTS


def test_no_dummy_of_redcap_or_over_something_or_of_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(Refused, match="Send the project's data dictionary"):
        dummy(COHORTS / "redcap", tmp_path / "fake")
    with pytest.raises(Refused, match="is there already"):
        dummy(COHORTS / "klinik", tmp_path)
    with pytest.raises(Refused, match="cannot be written"):
        dummy(COHORTS / "klinik", COHORTS / "klinik" / "cohort.yml" / "fake")
    shutil.copytree(COHORTS / "klinik", tmp_path / "broken")
    (tmp_path / "broken" / "bestrahlungen.csv").write_bytes(b"")
    with pytest.raises(CohortError, match="bestrahlungen.csv"):
        dummy(tmp_path / "broken", tmp_path / "fake")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_the_command_says_where_it_wrote(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["dummy", str(COHORTS / "three-columns")]) == 0
    assert "Written to three-columns-dummy: cohort.yml and survival.csv." in capsys.readouterr().out


def test_the_example_is_a_cohort_without_a_problem_and_each_moment_is_where_it_was(tmp_path, capsys):
    assert main(["new", str(tmp_path / "play"), "--example"]) == 0
    study, expected = read_cohort(tmp_path / "play"), invented(starter.EXAMPLE)
    assert study.synthetic and study.min_cell_count == 0 and study.warnings.empty
    assert (len(study.patients), len(study.screening)) == (starter.EXAMPLE, 2 * starter.EXAMPLE)
    for name, table in (("patients", study.patients), ("sites", study.sites), ("lines", study.lines)):
        moments = [column for column in table if column.endswith("_day")]
        days = [column for column in moments if column in expected[name]]
        assert all(table[column].isna().all() for column in set(moments) - set(days))
        assert days and [
            table[day].astype(object).where(table[day].notna(), None).tolist() for day in days
        ] == [expected[name][day].tolist() for day in days]
