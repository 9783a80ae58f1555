"""Files that were misread once, each with its right answer; the inputs are in tests/cases, one folder a
case.
"""

import hashlib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake import propose, reading
from analysis_lib.intake.read import read_cohort

CASES = Path(__file__).parents[1] / "cases"
DAYS = [642, 567, 274, 682, 798, 91]  # follow-up of the first six patients of most of the files
USUAL = [
    "06-r-write-table",
    "07-hash-in-name",
    "19b-nfd-file",
    "27-spss-null",
    "32j-null-pad",
    "01-hidden-filtered-rows",
    "02-merged-cells",
    "09-two-row-header",
    "12-redcap-checkbox-empty-form",
]


def told(where):
    with pytest.raises(CohortError) as caught:
        read_cohort(where)
    return str(caught.value)


def with_columns(case, tmp_path, **changes):
    """The cohort of a case with another manifest."""
    manifest = yaml.load((CASES / case / "cohort.yml").read_text("utf-8"), yaml.BaseLoader) | changes
    manifest["tables"] = {table: str(CASES / case / file) for table, file in manifest["tables"].items()}
    (tmp_path / "cohort.yml").write_text(yaml.safe_dump(manifest), "utf-8")
    return tmp_path / "cohort.yml"


@pytest.mark.parametrize("case", USUAL)
def test_all_patients_are_read_with_their_days_and_the_file_is_as_it_was(case):
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in (CASES / case).iterdir()}
    patients = read_cohort(CASES / case).patients
    assert len(patients) == 24 and patients["last_follow_up_day"].tolist()[:6] == DAYS
    assert before == {path: hashlib.sha256(path.read_bytes()).digest() for path in (CASES / case).iterdir()}


def test_hidden_rows_are_read_and_told():
    study = read_cohort(CASES / "01-hidden-filtered-rows")
    assert study.warnings["concern"].tolist() == [
        "9 rows of the sheet are hidden, the first of them row 4, and read like all others"
    ]
    assert (study.patients["vital_status"] == "dead").sum() == 9


def test_a_merged_cell_gives_its_value_to_each_of_its_rows():
    study = read_cohort(CASES / "02-merged-cells")
    assert study.patients["bulky_disease"].tolist() == ["yes"] * 12 + ["no"] * 12
    assert study.warnings["rule"].tolist() == ["merged"]


@pytest.mark.parametrize("date_format", ["%d/%m/%Y", "%m/%d/%Y", None])
def test_exchanged_days_and_months_are_no_dates_and_no_format_is_advised(date_format, tmp_path):
    message = told(with_columns("04-us-excel-swapped-dates", tmp_path, date_format=date_format or "ISO8601"))
    assert (
        message.count("dates are exchanged") == 2
        and 'date_format: "' not in message
        and "No date_format mends this." in message
    )


def test_a_time_that_everybody_has_is_warned_of_and_its_event_is_read(tmp_path):
    warned = read_cohort(CASES / "08-time-and-status-pairs").warnings
    assert set(warned["rule"]) == {"everybody"} and warned["field"].tolist()[0] == "pfs_days (failure_day)"
    columns = {
        "patients": {
            "id": "patient_id",
            "pfs_days": "failure_day",
            "pfs_event": "failure_event",
            "os_days": "last_follow_up_day",
            "death": "vital_status",
        }
    }
    study = read_cohort(with_columns("08-time-and-status-pairs", tmp_path, columns=columns))
    raw = pd.read_csv(CASES / "08-time-and-status-pairs" / "patients.csv")
    assert study.patients["failure_day"].notna().sum() == 16
    assert (
        study.patients["failure_day"].fillna(-1).tolist()
        == raw["pfs_days"].where(raw["pfs_event"] == 1, -1).tolist()
    )


def test_the_pair_is_proposed():
    text = propose.propose([CASES / "08-time-and-status-pairs" / "patients.csv"])
    assert yaml.load(text, yaml.BaseLoader)["columns"]["patients"] == {
        "id": "patient_id",
        "pfs_days": "failure_day",
        "pfs_event": "failure_event",
        "os_days": "last_follow_up_day",
        "death": "vital_status",
    }


def test_the_other_way_to_write_a_pair_is_told_how(tmp_path):
    path = with_columns(
        "08-time-and-status-pairs", tmp_path, failure={"time": "pfs_days", "event": "pfs_event"}
    )
    assert "Write `columns: {patients: {pfs_days: failure_day, pfs_event: failure_event}}`." in told(path)


def test_a_second_row_of_headings_is_found():
    assert read_cohort(CASES / "09-two-row-header").warnings["concern"].tolist() == [
        "row 2 was read as the headings; what stands above it was taken for titles"
    ]


def test_two_point_three_zeros_is_asked_for():
    assert told(CASES / "11-thousand-point").count("could be a number of thousands or a decimal number") == 6


def test_boxes_of_an_empty_form_and_a_ticked_unknown_are_no_answers():
    patients = read_cohort(CASES / "12-redcap-checkbox-empty-form").patients
    assert (
        (patients["cns_disease"] == "yes").sum(),
        (patients["cns_disease"] == "no").sum(),
        patients["cns_disease"].isna().sum(),
    ) == (5, 5, 14)


def test_time_ends_at_death(tmp_path):
    case = "16-death-date-beside-last-contact"
    assert "Map it to death_date under `columns:`" in told(CASES / case)
    columns = {"patients": {"date_last_contact": "last_follow_up_date", "date_of_death": "death_date"}}
    study = read_cohort(with_columns(case, tmp_path, columns=columns))
    raw = pd.read_csv(
        CASES / case / "patients.csv", parse_dates=["infusion_date", "date_last_contact", "date_of_death"]
    )
    right = (raw["date_of_death"].fillna(raw["date_last_contact"]) - raw["infusion_date"]).dt.days
    assert study.patients["last_follow_up_day"].tolist() == right.tolist() and study.warnings.empty
    proposed = yaml.load(propose.propose([CASES / case / "patients.csv"]), yaml.BaseLoader)["columns"]
    assert proposed == columns


@pytest.mark.parametrize(("unit", "longest"), [("years", 2586), ("weeks", 50)])
def test_years_are_a_unit_and_months_are_doubted(unit, longest, tmp_path):
    assert (
        "If the file counts in years, say so"
        in read_cohort(CASES / "17-years").warnings["suggestion"].tolist()[0]
    )
    assert "weeks, months or years" in told(with_columns("17-years", tmp_path, time_unit="days"))
    assert (
        read_cohort(with_columns("17-years", tmp_path, time_unit=unit)).patients["last_follow_up_day"].max()
        == longest
    )


def test_a_hash_belongs_to_the_name_of_a_file_that_is_there():
    assert len(reading.read_table(CASES / "07-hash-in-name", "list #2.csv")) == 24
    assert len(read_cohort(CASES / "07-hash-in-name" / "list #2.csv").patients) == 24


def test_spss_marks_are_missing():
    raw = pd.read_csv(CASES / "27-spss-null" / "patients.csv")
    assert (
        read_cohort(CASES / "27-spss-null").patients["bulky_disease"].isna().sum()
        == (raw["bulky_disease"] == "#NULL!").sum()
        > 0
    )
