"""Cells that could mean something else than what they seem to say: labels over codes, words for "not known" in
moments, codes of yes and no, percent, dates without marks, spans and time zones of R.
"""

import openpyxl
import pandas as pd
import pyreadstat
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake.raw import Unreadable
from analysis_lib.intake.read import read_cohort
from analysis_lib.intake.statistics_files import R_CLASSES

HEAD = "patient_id,last_follow_up_day,vital_status"


def cohort(folder, file, more=""):
    (folder / "cohort.yml").write_text(f"tables: {{patients: {file}}}\nsynthetic: true\n{more}", "utf-8")
    return folder / "cohort.yml"


def table(folder, column, cells, more="", head=HEAD):
    rows = [f"P{i},{100 + i},{('alive', 'dead')[i % 2]},{cell}" for i, cell in enumerate(cells)]
    (folder / "p.csv").write_text("\n".join([f"{head},{column}", *rows]) + "\n", "utf-8")
    return cohort(folder, "p.csv", more)


def told(manifest):
    with pytest.raises(CohortError) as caught:
        read_cohort(manifest)
    return str(caught.value)


# --- labels of SPSS and Stata ---------------------------------------------------------------------


@pytest.fixture
def labelled(tmp_path):
    """labelled(column, codes, labels, more) -> a cohort whose file is SPSS's."""

    def make(column, codes, labels, more=""):
        n = len(codes)
        frame = pd.DataFrame(
            {
                "patient_id": [f"P{i}" for i in range(n)],
                "last_follow_up_day": [400.0 + i for i in range(n)],
                "vital_status": ["alive", "dead"] * (n // 2),
                column: [float(code) for code in codes],
            }
        )
        pyreadstat.write_sav(frame, str(tmp_path / "p.sav"), variable_value_labels={column: labels})
        return cohort(tmp_path, "p.sav", more)

    return make


def test_a_label_that_is_a_number_is_the_number(labelled):
    ecog = read_cohort(labelled("ecog", [1, 2, 3, 4], {1: "0", 2: "1", 3: "2", 4: "3"})).patients["ecog"]
    assert ecog.tolist() == [0, 1, 2, 3]


def test_a_word_over_a_code_leaves_the_code(labelled):
    labels = {0: "fully active", 1: "restricted"}
    assert read_cohort(labelled("ecog", [0, 1, 1, 0], labels)).patients["ecog"].tolist() == [0, 1, 1, 0]


def test_a_label_that_names_another_number_than_its_code_is_asked_for(labelled):
    labels = {1: "ECOG 0", 2: "ECOG 1"}
    assert "ecog = 'ECOG 0': this is not a whole number" in told(labelled("ecog", [1, 2, 2, 1], labels))
    more = 'values: {patients: {ecog: {"ECOG 0": "0", "ECOG 1": "1"}}}'
    assert read_cohort(labelled("ecog", [1, 2, 2, 1], labels, more)).patients["ecog"].tolist() == [0, 1, 1, 0]


def test_a_label_for_not_known_is_empty_and_one_that_is_translated_is_translated(labelled):
    ecog = read_cohort(labelled("ecog", [0, 1, 4, 1], {4: "unknown"})).patients["ecog"]
    assert ecog.isna().tolist() == [False, False, True, False]
    more = 'values: {patients: {ecog: {"not asked": ""}}}'
    ecog = read_cohort(labelled("ecog", [0, 1, 4, 1], {4: "not asked"}, more)).patients["ecog"]
    assert ecog.isna().tolist() == [False, False, True, False]


def test_a_word_over_the_code_of_a_day_is_no_day(labelled):
    assert "failure_day = 'no relapse'" in told(labelled("failure_day", [0, 50, 0, 70], {0: "no relapse"}))


# --- moments that are not known -------------------------------------------------------------------


@pytest.mark.parametrize("word", ["unknown", "?", "nd", "unbekannt", "not available"])
@pytest.mark.parametrize("column", ["failure_day", "death_day", "next_line_day"])
def test_a_moment_that_is_not_known_has_not_happened_only_if_that_is_said(tmp_path, column, word):
    cells = ["", word, "", ""]
    assert "it does not say whether this happened" in told(table(tmp_path, column, cells))
    more = f'values: {{patients: {{{column}: {{"{word}": ""}}}}}}'
    read_cohort(table(tmp_path, column, cells, more))


@pytest.mark.parametrize("word", ["", ".", "-", "NA", "n/a", "nan", "null"])
def test_what_programs_write_for_an_empty_moment_is_empty(tmp_path, word):
    assert (
        read_cohort(table(tmp_path, "failure_day", [word, "50", word, "60"]))
        .patients["failure_day"]
        .isna()
        .sum()
        == 2
    )


def test_an_assessment_on_an_unknown_day_is_not_known(tmp_path):
    patients = read_cohort(table(tmp_path, "first_assessment_day", ["30", "unknown", "28", "29"])).patients
    assert patients["first_assessment_day"].isna().sum() == 1


# --- codes of yes and no --------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", 'values: {patients: {cns_disease: {"2": yes}}}'])
def test_codes_1_and_2_are_asked_for_both_together(tmp_path, more):
    assert '{"1": yes or no, "2": yes or no}' in told(table(tmp_path, "cns_disease", [1, 2, 2, 1], more))


def test_codes_1_and_2_are_read_as_declared_and_0_and_1_as_ever(tmp_path):
    more = 'values: {patients: {cns_disease: {"1": no, "2": yes}}}'
    patients = read_cohort(table(tmp_path, "cns_disease", [1, 2, 2, 1], more)).patients
    assert patients["cns_disease"].tolist() == ["no", "yes", "yes", "no"]
    patients = read_cohort(table(tmp_path, "cns_disease", [1, 0, 0, 1])).patients
    assert patients["cns_disease"].tolist() == ["yes", "no", "no", "yes"]


def test_a_blank_after_a_word_of_the_manifest_changes_nothing(tmp_path):
    more = 'values: {patients: {cns_disease: {"1 ": no, "2": yes}}}'
    patients = read_cohort(table(tmp_path, "cns_disease", [1, 2, 2, 1], more)).patients
    assert patients["cns_disease"].tolist() == ["no", "yes", "yes", "no"]


def test_codes_of_an_event_are_asked_for_once(tmp_path):
    head = f"{HEAD},failure_day"
    said = told(table(tmp_path, "failure_event", ["40,1", "50,2", "60,2", "70,1"], head=head))
    assert "1 problem" in said and "failure_event: the codes 1 and 2" in said


def test_each_word_of_an_event_is_told_as_itself(tmp_path):
    head = f"{HEAD},failure_day"
    said = told(
        table(tmp_path, "failure_event", ["40,event", "50,censored", "60,event", "70,event"], head=head)
    )
    assert '{"event": yes or no}' in said and '{"censored": yes or no}' in said


# --- workbooks ------------------------------------------------------------------------------------


def workbook(folder, column, cells, number_format="General"):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([*HEAD.split(","), column])
    for i, cell in enumerate(cells):
        sheet.append([f"P{i}", 100 + i, ("alive", "dead")[i % 2]])
        sheet.cell(i + 2, 4, cell).number_format = number_format
    book.save(folder / "p.xlsx")


def test_percent_is_read_as_it_is_shown(tmp_path):
    workbook(tmp_path, "ki67", [0.45, 0.8, 0.05, 1], "0%")
    factor = "factors: {ki67: {label: Ki-67, number: '%'}}"
    assert read_cohort(cohort(tmp_path, "p.xlsx", factor)).patients["ki67"].tolist() == [45, 80, 5, 100]
    workbook(tmp_path, "ecog", [1, 0, 1, 2], "0%")
    assert "ecog = '100%': this is not a whole number" in told(cohort(tmp_path, "p.xlsx"))


def test_an_array_formula_that_nobody_calculated_is_no_empty_cell(tmp_path):
    workbook(tmp_path, "failure_day", [50, ArrayFormula("D3", "=SUM(B3:B3)-20"), None, 70])
    assert "=SUM(B3:B3)-20" in told(cohort(tmp_path, "p.xlsx"))


def test_what_excel_writes_for_not_available_can_be_declared(tmp_path):
    cells = ["1", "#N/A", "0", "1"]
    assert '{ecog: {"#N/A": ""}}' in told(table(tmp_path, "ecog", cells))
    more = 'values: {patients: {ecog: {"#N/A": ""}}}'
    assert read_cohort(table(tmp_path, "ecog", cells, more)).patients["ecog"].isna().sum() == 1
    assert "holds a formula without a result" in told(table(tmp_path, "ecog", ["1", "#BEZUG!", "0", "1"]))


# --- dates and numbers ----------------------------------------------------------------------------


def days(folder, date_format, ends, start):
    rows = [f"P{i},{start},{end},dead" for i, end in enumerate(ends)]
    head = "patient_id,infusion_date,last_follow_up_date,vital_status"
    (folder / "p.csv").write_text("\n".join([head, *rows]) + "\n")
    return cohort(folder, "p.csv", f"date_format: '{date_format}'\n")


def test_a_date_without_marks_has_all_its_digits(tmp_path):
    assert "last_follow_up_date = 202112: this is not a date" in told(
        days(tmp_path, "%Y%m%d", ["202112", "20211201"], "20200101")
    )
    # a spreadsheet drops the zero before a day
    found = read_cohort(days(tmp_path, "%d%m%Y", ["1122020", "11122020"], "01112020")).patients
    assert found["last_follow_up_day"].tolist() == [30, 40]


def test_a_date_of_day_0_that_cannot_be_read_is_not_said_to_be_missing(tmp_path):
    said = told(days(tmp_path, "%Y%m%d", ["20211201", "20211203"], "202001"))
    assert "infusion_date = 202001" in said and "has no infusion_date" not in said


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2021-02-30", "there is no such day"),
        ("0000-00-00", "there is no such day"),
        ("9999-12-31", 'values: {patients: {last_follow_up_date: {"9999-12-31": ""}}}'),
        ("30.02.2021", "this is not a date in the expected format"),
    ],
)
def test_a_day_that_does_not_exist_is_said_not_to_exist(tmp_path, end, said):
    assert said in told(days(tmp_path, "ISO8601", [end, "2021-03-04"], "2020-01-01"))


def test_two_ways_of_writing_dates_are_not_declared_one_by_one(tmp_path):
    said = told(days(tmp_path, "ISO8601", ["03/25/2021", "04/28/2021"], "25.12.2020"))
    assert said.count("written in different ways") == 4 and "date_format:" not in said


def test_the_dates_of_sas_are_proposed(tmp_path):
    assert 'date_format: "%d%b%Y"' in told(days(tmp_path, "ISO8601", ["01JUL2021"], "01JUL2020"))


def test_points_between_thousands_are_asked_for_beside_whole_numbers(tmp_path):
    factor = "factors: {ldh: {label: LDH, number: U/l}}"
    assert "ldh = 1.200: this could be a number of thousands" in told(
        table(tmp_path, "ldh", ["1.200", "250", "1.850", "300"], factor)
    )
    found = read_cohort(table(tmp_path, "ldh", ["1.25", "250", "1.850", "300"], factor)).patients
    assert found["ldh"].tolist() == [1.25, 250, 1.85, 300]


def test_codes_in_a_factor_of_the_hospital_are_warned_of(tmp_path):
    factor = "factors: {age: {label: Age, number: years}}"
    cells = [999, 51, 52, 999, 54, 999, -9, 58, -9, 60, -9, 62]
    concerns = " ".join(read_cohort(table(tmp_path, "age", cells, factor)).warnings["concern"])
    assert "3 rows say 999" in concerns and "3 rows say -9" in concerns


# --- R --------------------------------------------------------------------------------------------


def test_moments_of_r_are_those_of_their_time_zone():
    midnight_in_berlin = pd.Timestamp("2022-01-01", tz="Europe/Berlin").timestamp()
    (shown,) = R_CLASSES["POSIXct"]([midnight_in_berlin], {"tzone": ["Europe/Berlin"]})
    assert shown == pd.Timestamp("2022-01-01")
    (shown,) = R_CLASSES["POSIXct"]([midnight_in_berlin], {})
    assert shown == pd.Timestamp("2021-12-31 23:00")


def test_spans_of_r_are_in_days():
    assert R_CLASSES["difftime"]([52.0], {"units": ["weeks"]}).tolist() == [364]
    assert R_CLASSES["difftime"]([48.0], {"units": ["hours"]}).tolist() == [2]


@pytest.mark.parametrize("name", ["POSIXlt", "haven_labelled"])
def test_what_cannot_be_read_from_r_is_refused(name):
    with pytest.raises(Unreadable, match="is not read"):
        R_CLASSES[name]([], {})


def test_what_calculating_left_of_a_whole_number_is_that_number(tmp_path):
    patients = read_cohort(
        table(tmp_path, "failure_day", ["50.0000000001", "59.9999999999", "70", ""])
    ).patients
    assert patients["failure_day"].tolist()[:3] == [50, 60, 70]
    assert "50.01: this is not a whole number" in told(
        table(tmp_path, "failure_day", ["50.01", "1", "2", "3"])
    )


# --- what nobody sees -----------------------------------------------------------------------------


def test_letters_that_take_no_room_and_those_of_other_keyboards_are_read_as_they_look(tmp_path):
    column = "best_response"
    patients = read_cohort(table(tmp_path, column, ["СR", "C\u200bR", "\u00adPR", "РR"])).patients  # Cyrillic
    assert patients[column].tolist() == ["CR", "CR", "PR", "PR"]
    assert "cns_disease = 'нет'" in told(table(tmp_path, "cns_disease", ["нет", "no", "yes", "no"]))


# --- who a row speaks of --------------------------------------------------------------------------


def test_two_entries_of_one_record_are_no_two_patients(tmp_path):
    rows = "".join(f"{i}--{entry},{100 + i},dead\n" for i in range(3) for entry in (1, 2))
    (tmp_path / "p.csv").write_text(f"{HEAD}\n{rows}")
    assert "one of two entries of one record" in told(cohort(tmp_path, "p.csv"))
    (tmp_path / "p.csv").write_text(f"{HEAD}\nA--1,100,dead\nB--1,120,dead\n")  # a site's number perhaps
    assert len(read_cohort(cohort(tmp_path, "p.csv")).patients) == 2


@pytest.mark.parametrize("named", ["MRN", "pat_id", "Fallnummer", "record_id"])
def test_a_column_that_names_patients_is_told_where_rows_are_counted_as_patients(tmp_path, named):
    rows = "".join(f"{i // 2},{100 + i},dead\n" for i in range(6))
    (tmp_path / "p.csv").write_text(f"{named},last_follow_up_day,vital_status\n{rows}")
    warned = read_cohort(cohort(tmp_path, "p.csv")).warnings
    assert warned[["field", "rule"]].values.tolist() == [[named, "unused_column"]]
    assert f'{{"{named}": patient_id}}' in warned["suggestion"][0]
    more = f'columns: {{patients: {{"{named}": patient_id}}}}'
    assert "the same identifier stands in more than one row" in told(cohort(tmp_path, "p.csv", more))


def test_answers_that_are_numbered_from_one_are_doubted(tmp_path):
    def warned(*answers):
        found = read_cohort(table(tmp_path, "ecog", answers * 3)).warnings
        return found.loc[found["rule"] == "starts_at_one", "suggestion"].tolist()

    assert '"1": "0", "2": "1"' in warned(1, 2, 3, 1, 2)[0]
    assert warned(0, 2, 3, 1, 2) == warned(2, 2, 3, 3, 2) == []


def test_a_patient_who_is_watched_for_no_time_is_told(tmp_path):
    warned = read_cohort(table(tmp_path, "entry_day", [100, 50, 0, 103])).warnings
    assert warned[["row", "rule"]].values.tolist() == [[2, "no_time"], [5, "no_time"]]


# --- what a manifest says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("os_day", "last_follow_up_day"),
        ("os_event", "vital_status"),
        ("last_follow_up_event", "vital_status"),
        ("death_event", "vital_status"),
        ("pfs_event", "failure_event"),
        ("dfs_day", "failure_day"),
    ],
)
def test_usual_names_of_times_and_events_lead_to_ours(tmp_path, target, meant):
    more = f"columns: {{patients: {{x: {target}}}}}"
    assert f"Did you mean '{meant}'?" in told(table(tmp_path, "x", [1, 2, 3, 4], more))


@pytest.mark.parametrize("entry", ["{death_day: death}", "{gone_day: Death}"])
def test_death_competes_without_being_named(tmp_path, entry):
    assert "death competes in every cohort. Leave it out" in told(
        table(tmp_path, "ecog", [1, 0, 1, 2], f"competing: {entry}")
    )
    assert "death is added" in told(table(tmp_path, "ecog", [1, 0, 1, 2], "competing: death"))
