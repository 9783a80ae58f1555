"""Columns of dates that are another day than they seem: midnights of another time zone, days counted from another
year, months without a day, dates that nobody declared.
"""

import datetime
import io
import zipfile

import openpyxl
import pandas as pd
import pyreadstat
import pytest

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake import likeness, reading
from analysis_lib.intake.read import read_cohort

HEAD = ["patient_id", "infusion_date", "last_follow_up_date", "vital_status"]


def cohort(folder, starts, ends, more=""):
    rows = [f"P{i},{start},{end},dead" for i, (start, end) in enumerate(zip(starts, ends, strict=True))]
    (folder / "p.csv").write_text("\n".join([",".join(HEAD), *rows]) + "\n")
    (folder / "cohort.yml").write_text(f"tables: {{patients: p.csv}}\nsynthetic: true\n{more}")
    return folder / "cohort.yml"


def told(manifest):
    with pytest.raises(CohortError) as caught:
        read_cohort(manifest)
    return str(caught.value)


# --- midnights ------------------------------------------------------------------------------------

WINTER, SUMMER = "2020-01-31", "2020-06-30"  # the days before those that were meant


@pytest.mark.parametrize(
    ("winter", "summer"),
    [
        ("T23:00:00Z", "T22:00:00Z"),
        (" 23:00:00", " 22:00:00"),
        ("T23:00:00.000+00:00", "T22:00:00.000+00:00"),
        ("T15:00Z", "T15:00Z"),  # Japan
        (" 18:30:00", " 18:30:00"),  # India
    ],
)
def test_midnights_of_a_place_further_east_are_told(tmp_path, winter, summer):
    starts = [WINTER + winter, SUMMER + summer, WINTER + winter, SUMMER + summer]
    said = told(cohort(tmp_path, starts, ["2021-02-01"] * 4))
    assert "infusion_date: all of its 4 moments are at" in said and "Write the days alone" in said


@pytest.mark.parametrize("clock", ["T00:00:00Z", "T04:00:00Z", "T05:00:00Z", "T12:00:00Z", " 12:00:00", ""])
def test_midnights_further_west_and_noon_are_of_the_same_day(tmp_path, clock):
    patients = read_cohort(cohort(tmp_path, [WINTER + clock] * 4, ["2020-03-01"] * 4)).patients
    assert patients["last_follow_up_day"].tolist() == [30] * 4


def test_moments_of_a_clinic_are_of_their_day(tmp_path):
    starts = [f"{WINTER}T{hour}:{minute}:00" for hour, minute in (("14", "10"), ("22", "00"), ("15", "32"))]
    assert read_cohort(cohort(tmp_path, starts, ["2020-03-01"] * 3)).patients["last_follow_up_day"][0] == 30


def frame(starts):
    return pd.DataFrame(
        {
            "patient_id": list("ABCD"),
            "infusion_date": starts,
            "last_follow_up_day": 100,
            "vital_status": "dead",
        }
    )


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_midnights_are_told_in_parquet_and_workbooks(tmp_path, suffix):
    starts = pd.Series(pd.to_datetime([f"{WINTER} 23:00"] * 2 + [f"{SUMMER} 22:00"] * 2))
    file = tmp_path / f"p.{suffix}"
    if suffix == "xlsx":
        frame(starts).to_excel(file, index=False)
    else:
        frame(starts.dt.tz_localize("UTC")).to_parquet(file)
    assert "moments are at 22:00 or 23:00" in told(file)


def test_a_day_in_its_own_zone_is_read_in_parquet(tmp_path):
    starts = pd.Series(pd.to_datetime(["2020-02-01"] * 4)).dt.tz_localize("Europe/Berlin")
    frame(starts).to_parquet(tmp_path / "p.parquet")
    found = reading.read_table(tmp_path, "p.parquet")
    assert found["infusion_date"].tolist() == ["2020-02-01"] * 4


# --- days counted from another year ---------------------------------------------------------------


def test_days_that_sas_counts_are_told_once(tmp_path):
    study = read_cohort(cohort(tmp_path, ["22000"] * 4, ["22367"] * 4))
    assert study.patients["last_follow_up_day"].tolist() == [367] * 4
    said = study.warnings[study.warnings["rule"] == "day_number"]
    assert said["field"].tolist() == ["infusion_date", "last_follow_up_date"]
    assert "lie around 1961; SAS and Stata count from 1960, which makes 2021" in said["concern"].tolist()[1]
    assert "old_date" not in set(study.warnings["rule"])


def test_days_of_a_spreadsheet_beside_dates_are_told(tmp_path):
    study = read_cohort(cohort(tmp_path, ["43831"] * 4, ["2020-03-01"] * 4))
    assert study.patients["last_follow_up_day"].tolist() == [60] * 4
    assert study.warnings[["rule", "field"]].values.tolist() == [["day_number", "infusion_date"]]
    assert "count from 1904" in study.warnings["concern"][0]


def test_days_of_a_spreadsheet_alone_are_read_without_a_word(tmp_path):
    study = read_cohort(cohort(tmp_path, ["43831"] * 4, ["43891"] * 4))
    assert study.patients["last_follow_up_day"].tolist() == [60] * 4 and study.warnings.empty


# --- months without a day -------------------------------------------------------------------------


def rules(folder, file):
    notes = reading.read_table(folder, file).attrs["notes"]
    return [(note["rule"], note["field"]) for note in notes]


def test_months_of_spss_and_stata_are_told(tmp_path):
    table = frame([datetime.date(2021, 3, 1)] * 4)
    pyreadstat.write_sav(table, str(tmp_path / "p.sav"), variable_format={"infusion_date": "MOYR8"})
    assert rules(tmp_path, "p.sav") == [("month_only", "infusion_date")]
    pyreadstat.write_sav(table, str(tmp_path / "d.sav"), variable_format={"infusion_date": "DATE11"})
    assert rules(tmp_path, "d.sav") == []


ODS = (
    '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><table:table table:name="A">{}'
    "</table:table></office:document-content>"
)


def ods(folder, *rows):
    cells = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    with zipfile.ZipFile(folder / "p.ods", "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("content.xml", ODS.format(cells))


def cell(inside, date=""):
    given = f' office:value-type="date" office:date-value="{date}"' if date else ""
    return f"<table:table-cell{given}><text:p>{inside}</text:p></table:table-cell>"


def test_months_of_libreoffice_are_told_and_days_are_not(tmp_path):
    ods(
        tmp_path,
        [cell("a"), cell("b")],
        [cell("03.2021", "2021-03-28"), cell("28. März 2021", "2021-03-28")],
    )
    assert rules(tmp_path, "p.ods") == [("month_only", "a")]
    assert reading.read_table(tmp_path, "p.ods").values.tolist() == [["2021-03-28", "2021-03-28"]]


def test_blanks_and_new_lines_of_libreoffice_part_words(tmp_path):
    ods(
        tmp_path,
        [cell("a<text:s/>b"), cell("c")],
        [cell('x<text:s text:c="2"/>y'), cell("u<text:line-break/>v")],
    )
    found = reading.read_table(tmp_path, "p.ods")
    assert found.columns.tolist() == ["a b", "c"] and found.values.tolist() == [["x  y", "u\nv"]]


def test_months_of_excel_are_told(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    for column, shown in enumerate(("mmm-yy", "dd/mm/yyyy"), 1):
        book.active.cell(2, column, datetime.date(2021, 3, 1)).number_format = shown
    out = io.BytesIO()
    book.save(out)
    (tmp_path / "p.xlsx").write_bytes(out.getvalue())
    assert rules(tmp_path, "p.xlsx") == [("month_only", "a")]


# --- dates that nobody declared -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "declared"),
    [
        ('"Jul 28, 2020"', '"%b %d, %Y"'),
        ('"July 28, 2020"', '"%B %d, %Y"'),
        ("28072020", '"%d%m%Y"'),
        ("07282020", '"%m%d%Y"'),
    ],
)
def test_usual_formats_are_proposed(tmp_path, end, declared):
    assert f"date_format: {declared}" in told(cohort(tmp_path, ["2020-01-01"], [end]))
    more = f"date_format: {declared}"
    assert read_cohort(cohort(tmp_path, ["2020-01-01"], [end], more)).patients["last_follow_up_day"][0] == 209


def test_eight_digits_that_are_dates_are_proposed_as_dates():
    days = pd.Series(pd.date_range("2020-01-20", periods=20).strftime("%d%m%Y"), dtype="string")
    assert likeness.date_formats(days) == ["%d%m%Y"] and likeness.kind_of(days) == "date"
    numbers = pd.Series([str(12345000 + each) for each in range(20)], dtype="string")
    assert likeness.kind_of(numbers) == "number"
