"""Files as hospitals write them: encodings, separators, numbers, dates and workbooks come in as what they
mean, or not at all.
"""

import datetime

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns, units
from analysis_lib.intake import cell_words, reading, values
from analysis_lib.intake.read import read_cohort


def cells(*written):
    return pd.Series(written, dtype="string")


def told(path):
    with pytest.raises(CohortError) as caught:
        read_cohort(path)
    return str(caught.value)


GERMAN = "Fallnr;Größe;Überlebt;Straße\n1;5,3;nein;Köln\n2;4,4;ja;München\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "mac_roman"],
)
def test_umlauts_come_out_right_in_every_common_encoding(encoding, tmp_path):
    (tmp_path / "f.csv").write_bytes(GERMAN.encode(encoding))
    frame = reading.read_table(tmp_path, "f.csv")
    assert list(frame.columns) == ["Fallnr", "Größe", "Überlebt", "Straße"]
    assert frame["Straße"].tolist() == ["Köln", "München"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Numéro;Décès;Âge\n1;oui;45\n2;non;é\n", "cp1252"),
        ("Paciente;Año;Situación\n1;2020;vivo\n", "cp1252"),
        ("Pacjent;Płeć;Zgon;Łódź\n1;mężczyzna;tak;ś\n", "cp1250"),
        ("Пациент;Смерть\n1;да\n", "cp1251"),
    ],
)
def test_other_languages_too(text, encoding):
    assert reading.decode(text.encode(encoding)) == text


def test_letters_that_a_mac_writes_in_two_parts_are_one(tmp_path):
    (tmp_path / "f.csv").write_text("u\u0308ber,x\n1,2\n", "utf-8")
    assert list(reading.read_table(tmp_path, "f.csv").columns) == ["über", "x"]


@pytest.mark.parametrize("separator", ",;\t|")
def test_separators_are_told_by_the_rows_and_may_stand_in_quotation_marks(separator, tmp_path):
    lines = [["id", '"dose, Gy; or | none"', "note"], ["1", '"40,5; a\tb | c"', "x"], ["2", "", ""]]
    (tmp_path / "f.csv").write_text("\n".join(separator.join(line) for line in lines))
    frame = reading.read_table(tmp_path, "f.csv")
    assert list(frame.columns) == ["id", "dose, Gy; or | none", "note"]
    assert frame["dose, Gy; or | none"].tolist() == ["40,5; a\tb | c", pd.NA]


def test_a_comma_in_a_header_of_a_semicolon_file_and_excels_sep_line(tmp_path):
    (tmp_path / "f.csv").write_text("sep=;\r\nDose, Gy;Fractions\r\n40,5;20\r\n")
    frame = reading.read_table(tmp_path, "f.csv")
    assert list(frame.columns) == ["Dose, Gy", "Fractions"] and frame.index.tolist() == [3]


def test_blank_rows_go_and_row_numbers_stay_those_of_the_file(tmp_path):
    (tmp_path / "p.csv").write_text(
        "\n,,\npatient_id,last_follow_up_day,vital_status,,\n\nA,1,dead,,\n , ,,,\nB,x,alive,,\n"
    )
    assert "patients, row 7, column last_follow_up_day = 'x': this is not a whole number of days" in told(
        tmp_path / "p.csv"
    )


def test_spaces_around_headers_and_cells_are_none_of_them(tmp_path):
    (tmp_path / "p.csv").write_text(
        ' patient_id ,last_follow_up_day, vital_status\n\u00a0A\u00a0, 5 , "dead "\n', "utf-8"
    )
    patients = read_cohort(tmp_path / "p.csv").patients
    assert patients["patient_id"].tolist() == ["A"] and patients["last_follow_up_day"].tolist() == [5]


def test_a_row_longer_than_the_header_is_refused(tmp_path):
    (tmp_path / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nMeier, Hans,5,dead\n")
    assert "row 2" in told(tmp_path / "p.csv") and "more cells than the header" in told(tmp_path / "p.csv")


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "marks", "number"),
    [
        ("12", set(), 12),
        ("-3", set(), -3),
        ("1.5", set(), 1.5),
        ("1,5", set(), 1.5),
        ("0,125", set(), 0.125),
        ("0.125", set(), 0.125),
        ("1.234,5", set(), 1234.5),
        ("1,234.5", set(), 1234.5),
        ("1,234,567", set(), 1234567),
        ("1.234.567", set(), 1234567),
        ("1 234,5", set(), 1234.5),
        ("1\u202f234", set(), 1234),
        ("1'234.5", set(), 1234.5),
        ("1e3", set(), 1000),
        ("5.0", set(), 5),
        ("1.234", set(), 1.234),
        ("1.234", {"."}, 1.234),
        ("1.234", {","}, None),
        ("1.234", {",", "."}, None),
        ("1,234", set(), None),
        ("1,234", {","}, 1.234),
        ("1,234", {"."}, None),
        ("12,34,5", set(), None),
        ("1.2.3", set(), None),
        ("inf", set(), None),
        ("nan", set(), None),
        ("0x1f", set(), None),
        ("1_000", set(), None),
        ("٣", set(), None),
        ("", set(), None),
        ("5 cm", set(), None),
        ("<5", set(), None),
        ("1e400", set(), None),
        ("\u22123", set(), -3),
    ],
)
def test_a_number_is_read_when_it_can_be_only_one(written, marks, number):
    found = values.numbers(cells(written), marks)[0]
    assert pd.isna(found) if number is None else found == number


def test_decimal_marks_are_seen_where_they_are_beyond_doubt():
    assert values.decimal_marks(cells("1,234", "5", pd.NA)) == set()
    assert values.decimal_marks(cells("1,234", "1,5")) == {","}
    assert values.decimal_marks(cells("1,234.5")) == {"."} and values.decimal_marks(cells("1.234.567")) == {
        ","
    }


SITES = "patient_id{0}course{0}rt_start_day{0}dose_gy\nA{0}1{0}5{0}{1}\nB{0}1{0}6{0}{2}\n"


def doses(folder, separator, *written):
    (folder / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA,100,dead\nB,100,dead\n")
    (folder / "s.csv").write_text(SITES.format(separator, *written))
    (folder / "cohort.yml").write_text("tables: {patients: p.csv, sites: s.csv}")
    return folder / "cohort.yml"


@pytest.mark.parametrize(
    ("separator", "written", "read"),
    [
        (";", ("40,5", "30"), [40.5, 30]),
        (";", ("40,125", "30"), [40.125, 30]),
        (",", ('"40,5"', '"39,125"'), [40.5, 39.125]),
        (";", ("40.5", "39.125"), [40.5, 39.125]),
        (",", ("40.125", "30"), [40.125, 30]),
    ],
)
def test_decimal_commas_are_read_where_the_table_shows_that_they_are(tmp_path, separator, written, read):
    assert read_cohort(doses(tmp_path, separator, *written)).sites["dose_gy"].tolist() == read


@pytest.mark.parametrize(("separator", "written"), [(",", ('"40,125"', "30")), (";", ("40.125", "30,5"))])
def test_a_thousand_or_a_thousandth_is_asked_for(tmp_path, separator, written):
    assert "could be a number of thousands or a decimal number" in told(doses(tmp_path, separator, *written))


# --- dates ----------------------------------------------------------------------------------------

DAY = pd.Timestamp("2021-03-28")


@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        ("2021-03-28", units.ISO),
        ("2021-03-28 14:30", units.ISO),
        ("2021-03-28T00:00:00Z", units.ISO),
        ("44283", units.ISO),
        ("44283.75", units.ISO),
        ("28.03.2021", "%d.%m.%Y"),
        ("28.3.2021", "%d.%m.%Y"),
        ("28.03.2021 00:00", "%d.%m.%Y"),
        ("3/28/2021 12:00:00 AM", "%m/%d/%Y"),
        ("2021-03-28", "%d.%m.%Y"),
        ("28-Mar-2021", "%d-%b-%Y"),
        ("20210328", "%Y%m%d"),
        ("28.03.21", "%d.%m.%y"),
    ],
)
def test_dates_are_read_in_the_declared_format_in_isos_and_as_excels_number(written, date_format):
    assert values.dates(cells(written), date_format)[0] == DAY


@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        ("28.03.2021", units.ISO),
        ("03/04/2021", units.ISO),
        ("2021-03", units.ISO),
        ("2021", units.ISO),
        ("2021-02-30", units.ISO),
        ("31.12.9999", "%d.%m.%Y"),
        ("28.03.21", "%d.%m.%Y"),
        ("442830", units.ISO),
        ("5", units.ISO),
        ("yesterday", units.ISO),
    ],
)
def test_what_is_no_date_is_none(written, date_format):
    assert pd.isna(values.dates(cells(written), date_format)[0])


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            "03/04/2021",
            'day and month of this date cannot be told apart. Declare date_format: "%d/%m/%Y" (day '
            "first) or date_format: "
            '"%m/%d/%Y" (month first) in cohort.yml.',
        ),
        ("28/03/2021", 'Declare date_format: "%d/%m/%Y" (day first) in cohort.yml.'),
        ("28.03.2021", 'Declare date_format: "%d.%m.%Y" in cohort.yml.'),
        ("spring", "Write it as 2021-03-28"),
    ],
)
def test_a_format_is_proposed_but_never_assumed(tmp_path, written, says):
    (tmp_path / "p.csv").write_text(
        f"patient_id,infusion_date,last_follow_up_day,vital_status\nA,{written},100,dead\n"
    )
    assert says in told(tmp_path / "p.csv")


def test_a_column_of_dates_needs_a_date_to_count_from(tmp_path):
    (tmp_path / "p.csv").write_text(
        "patient_id,last_follow_up_date,vital_status\nA,2021-03-28,dead\nB,2021-03-29,dead\n"
    )
    message = told(tmp_path / "p.csv")
    assert message.count("there is no infusion_date to count days from") == 1


def test_a_day_and_a_date_of_one_moment_are_not_both_taken(tmp_path):
    (tmp_path / "p.csv").write_text(
        "patient_id,infusion_date,last_follow_up_date,last_follow_up_day,vital_status\n"
        "A,2021-03-28,2021-03-29,5,dead\n"
    )
    assert "the file has both last_follow_up_day and last_follow_up_date" in told(tmp_path / "p.csv")


@pytest.mark.parametrize("date_format", ["%Y-%d-%m", "%d.%m", "DD.MM.YYYY", "%Q", "%d.%m.%Y %z", ""])
def test_a_date_format_must_be_one(date_format):
    assert not values.is_date_format(date_format)


# --- words ----------------------------------------------------------------------------------------


def test_levels_match_in_any_case_and_yes_and_no_in_common_words():
    assert values.levels(cells("rt", "Cmt", "x"), ("RT", "CMT", "ST")).tolist() == ["RT", "CMT", "x"]
    assert values.levels(
        cells("Ja", "OUI", "1", "1.0", "checked", "N", "0", "2"), columns.YES_NO
    ).tolist() == ["yes", "yes", "yes", "yes", "yes", "no", "no", "2"]


def test_words_declared_for_one_thing_mean_no_other():
    said = [
        level.lower()
        for table in columns.TABLES.values()
        for column in table.columns.values()
        for level in column.metadata["levels"] or ()
    ] + [word for words in columns.WORDS.values() for word in words]
    assert not set(said) & set(columns.EMPTY) and not set(columns.WORDS["yes"]) & set(columns.WORDS["no"])
    assert all(word == word.lower() for word in (*columns.EMPTY, *columns.WORDS["yes"], *columns.WORDS["no"]))


def test_marks_for_not_known_are_missing_and_a_dash_beside_a_plus_is_not():
    assert values.empty(cells("NA", ".", "-", "Unknown", "x", pd.NA)).tolist() == [
        True,
        True,
        True,
        True,
        False,
        True,
    ]
    assert values.empty(cells("+", "-")).tolist() == [False, False]


def test_declared_words_go_before_marks_for_not_known(tmp_path):
    (tmp_path / "p.csv").write_text(
        "patient_id,last_follow_up_day,vital_status,cd19_at_failure\nA,1,1,-\nB,2,2.0,unknown\n"
    )
    (tmp_path / "cohort.yml").write_text(
        "tables: {patients: p.csv}\nvalues: {patients: {vital_status: {1: "
        "alive, 2: dead}, "
        "cd19_at_failure: {'-': negative}}}"
    )
    patients = read_cohort(tmp_path).patients
    assert patients["vital_status"].tolist() == ["alive", "dead"]
    assert patients["cd19_at_failure"].astype("string").tolist() == ["negative", pd.NA]


# --- workbooks and Parquet ------------------------------------------------------------------------


def workbook(path, rows, **sheets):
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in rows:
        book.active.append(row)
    for name, others in sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    book.save(path)
    return path


HEADER = ["patient_id", "infusion_date", "last_follow_up_date", "vital_status"]


def test_identifiers_stay_whole_and_dates_are_days_in_excel(tmp_path):
    rows = [
        HEADER,
        [123, datetime.datetime(2021, 3, 28), datetime.datetime(2021, 4, 1, 14, 30), "dead"],
        [None] * 4,
        [124.0, datetime.date(2021, 3, 28), 44290, True and "alive"],
        ["  ", "", None, None],
    ]
    patients = read_cohort(workbook(tmp_path / "p.xlsx", rows)).patients
    assert patients["patient_id"].tolist() == ["123", "124"] and patients["last_follow_up_day"].tolist() == [
        4,
        7,
    ]


def test_a_missing_sheet_says_which_there_are(tmp_path):
    workbook(tmp_path / "b.xlsx", [HEADER], Notes=[["x"]])
    (tmp_path / "cohort.yml").write_text("tables: {patients: 'b.xlsx#Patients'}")
    assert "the workbook has no sheet 'Patients'. It has: Data, Notes." in told(tmp_path)


def test_a_formula_that_was_never_calculated_is_not_an_empty_cell(tmp_path):
    rows = [
        ["patient_id", "last_follow_up_day", "vital_status", "ecog"],
        ["A", 5, "dead", "=1+1"],
        ["B", "=10/0", "alive", None],
    ]
    message = told(workbook(tmp_path / "p.xlsx", rows))
    assert "row 2, column ecog = '=1+1': this cell holds a formula without a result" in message
    assert "row 3, column last_follow_up_day" in message


def test_an_excel_error_is_said(tmp_path):
    rows = [["patient_id", "last_follow_up_day", "vital_status"], ["#REF!", 5, "dead"]]
    assert "row 2, column patient_id = '#REF!'" in told(workbook(tmp_path / "p.xlsx", rows))


def test_parquet_keeps_an_index_and_its_types(tmp_path):
    frame = pd.DataFrame(
        {
            "infusion_date": pd.to_datetime(["2021-03-28", None]),
            "last_follow_up_day": [5.0, 6.0],
            "vital_status": pd.Categorical(["dead", "alive"]),
            "cns_disease": [True, None],
        },
        index=pd.Index([7, 8], name="patient_id"),
    )
    frame.to_parquet(tmp_path / "p.parquet")
    patients = read_cohort(tmp_path / "p.parquet").patients
    assert patients["patient_id"].tolist() == ["7", "8"] and patients["cns_disease"].astype(
        "string"
    ).tolist() == ["yes", pd.NA]


def test_five_thousand_patients_are_read_as_any_other(tmp_path):
    many = 5000
    frame = pd.DataFrame(
        {
            "patient_id": range(many),
            "infusion_date": pd.date_range("2005-01-01", periods=many).strftime("%d.%m.%Y"),
            "last_follow_up_day": [f"{number},5".replace(",5", "") for number in range(many)],
            "vital_status": "DEAD",
        }
    )
    frame.to_csv(tmp_path / "p.csv", sep=";", index=False)
    (tmp_path / "cohort.yml").write_text('tables: {patients: p.csv}\ndate_format: "%d.%m.%Y"')
    assert read_cohort(tmp_path).patients["last_follow_up_day"].sum() == many * (many - 1) / 2


# --- what needs no look is read as what gets one --------------------------------------------------

PLAIN_CELLS = st.lists(
    st.sampled_from(["7", "-3", "+12", "0012", "1.5", "12.25", "1234.5678", "999999999999", "0.1"])
    | st.integers(-(10**6), 10**6).map(str)
    | st.none(),
    min_size=1,
)
LOOKED_AT = "1 234"  # a thousand as French files write it, for which every cell of its column is taken apart


@given(cells=PLAIN_CELLS, marks=st.sets(st.sampled_from(".,")))
def test_plain_numbers_are_read_the_same_beside_others(cells, marks):
    alone = values.numbers(pd.Series(cells, dtype="string"), marks)
    beside = values.numbers(pd.Series([*cells, LOOKED_AT], dtype="string"), marks)
    assert beside.iloc[-1] == 1234
    pd.testing.assert_series_equal(alone, beside.iloc[:-1])


@given(
    column=st.sampled_from(["stage", "vital_status", "ecog", "patient_id", "failure_day"]),
    cells=st.lists(st.sampled_from(["I", "II", "IV", "dead", "alive", "0", "3", "P012", "12.5"]) | st.none()),
)
def test_cells_that_need_no_translation_are_what_they_become(column, cells):
    problems: list[dict] = []
    alone = cell_words.in_our_words(
        "patients", column, pd.Series(cells, dtype="string"), {}, columns.PATIENTS, problems
    )
    # a declared word that none of them has, so that each is looked at
    beside = cell_words.in_our_words(
        "patients",
        column,
        pd.Series(cells, dtype="string"),
        {"none of them": ""},
        columns.PATIENTS,
        problems,
    )
    assert problems == []
    pd.testing.assert_series_equal(alone, beside)


@pytest.mark.parametrize(
    ("folder", "name"), [("html", "html-cohort"), ("Results", "results-cohort"), ("Klinik A", "klinik-a")]
)
def test_a_folder_whose_name_is_taken_still_gives_a_cohort_its_name(tmp_path, folder, name):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA1,20,dead\n")
    (tmp_path / folder / "cohort.yml").write_text("tables: {patients: p.csv}\n")
    assert read_cohort(tmp_path / folder).name == name
