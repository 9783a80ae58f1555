"""Reading a cohort: what goes in as a hospital writes it comes out tidy, or comes back as one clear
message.
"""

import hashlib
import pickle
import textwrap

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lymphoma

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake.bundled import bundled_cohorts
from analysis_lib.intake.read import read_ahead, read_cohort

BARE = "patient_id,last_follow_up_day,vital_status\nA,100,dead\nB,200,alive\n"


def write(folder, manifest=None, **tables):
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(textwrap.dedent(content))
    if manifest is None:
        return folder / f"{next(iter(tables))}.csv"
    (folder / "cohort.yml").write_text(textwrap.dedent(manifest))
    return folder / "cohort.yml"


def problems_of(path):
    with pytest.raises(CohortError) as caught:
        read_cohort(path)
    return caught.value


def test_bundled_cohorts_are_read_with_the_reconstructed_one_first():
    assert next(iter(bundled_cohorts())) == "reconstructed"
    for name in bundled_cohorts():
        assert len(read_cohort(name).patients) > 0


def test_lymphoma_is_the_public_data_set_unchanged():
    study, original = read_cohort("lymphoma"), load_lymphoma()
    assert study.patients["last_follow_up_day"].tolist() == original["Time"].tolist()
    assert (study.patients["vital_status"] == "dead").tolist() == (original["Censor"] == 1).tolist()
    assert (study.patients["stage"] == "IV").tolist() == (original["Stage_group"] == 2).tolist()
    assert not study.synthetic and not study.after_car_t


def test_sub_cohorts_hold_only_their_patients_and_those_patients_rows():
    study = read_cohort("axi-cel")
    assert set(study.patients["car_t_product"]) == {"axi-cel"}
    assert set(study.sites["patient_id"]) <= set(study.patients["patient_id"])
    assert study.screening.empty and study.synthetic


def test_a_bare_table_needs_three_columns(tmp_path):
    study = read_cohort(write(tmp_path, my_file=BARE))
    assert (study.name, len(study.patients)) == ("my-file", 2)
    assert "stage" in study.lacks("stage", "sites.dose_gy") and "sites.dose_gy" in study.lacks(
        "sites.dose_gy"
    )
    assert study.lacks("vital_status") == ""


def test_dates_months_names_and_values_are_translated(tmp_path):
    path = write(
        tmp_path,
        """
        tables: {patients: patients.csv, sites: sites.csv}
        columns:
          patients: {MRN: patient_id, "CAR-T date": infusion_date, Seen: last_follow_up_date, Status: vital_status}
          sites: {MRN: patient_id, Start: rt_start_date, Course: course}
        values: {patients: {vital_status: {Yes: dead, No: alive}}}
        date_format: "%d.%m.%Y"
        """,
        patients="MRN;CAR-T date;Seen;Status\n 7 ;01.03.2020;31.03.2020;Yes\n8;28.02.2020;01.03.2020;No\n",
        sites="MRN;Start;Course\n7;11.03.2020;1\n",
    )
    study = read_cohort(path)
    assert study.patients["last_follow_up_day"].tolist() == [30, 2]  # 2020 was a leap year
    assert study.patients["vital_status"].tolist() == ["dead", "alive"]
    assert study.sites["rt_start_day"].tolist() == [10]
    assert not any("date" in column for column in [*study.patients, *study.sites])


def test_months_become_days(tmp_path):
    path = write(
        tmp_path,
        "tables: {patients: p.csv}\ntime_unit: months",
        p=BARE.replace("100", "12").replace("200", "1.5"),
    )
    assert read_cohort(path).patients["last_follow_up_day"].tolist() == [365, 46]


@pytest.mark.parametrize("suffix", ["xlsx", "parquet", "tsv"])
def test_other_file_formats_give_the_same_cohort(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "patient_id": ["A", "B"],
            "last_follow_up_day": [100, 200],
            "vital_status": ["dead", "alive"],
            "ecog": [None, 2],
        }
    )
    file = tmp_path / f"cohort.{suffix}"
    {
        "xlsx": lambda: frame.to_excel(file, index=False),
        "parquet": lambda: frame.to_parquet(file),
        "tsv": lambda: frame.to_csv(file, sep="\t", index=False),
    }[suffix]()
    patients = read_cohort(file).patients
    assert patients["last_follow_up_day"].tolist() == [100, 200]
    assert (
        patients["ecog"].isna().tolist() == [True, False]
        and patients["poor_performance"].tolist()[1] == "yes"
    )


def test_an_excel_sheet_is_chosen_by_name(tmp_path):
    with pd.ExcelWriter(tmp_path / "book.xlsx") as book:
        pd.DataFrame({"notes": ["x"]}).to_excel(book, sheet_name="Notes", index=False)
        pd.DataFrame({"patient_id": ["A"], "last_follow_up_day": [5], "vital_status": ["dead"]}).to_excel(
            book, sheet_name="Data", index=False
        )
    path = write(tmp_path, "tables: {patients: 'book.xlsx#Data'}")
    assert len(read_cohort(path).patients) == 1


def test_every_problem_is_reported_at_once_with_row_column_and_value(tmp_path):
    error = problems_of(
        write(
            tmp_path,
            p="""\
        patient_id,last_follow_up_day,vital_status,ecog,stage
        A,100,dead,7,II
        A,many,lost,1,5
        C,-3,,0,I
        """,
        )
    )
    found = {(p["row"], p["field"]) for p in error.problems.to_dict("records")}
    assert found >= {
        (2, "ecog"),
        (3, "last_follow_up_day"),
        (3, "vital_status"),
        (3, "stage"),
        (3, "patient_id"),
        (4, "last_follow_up_day"),
        (4, "vital_status"),
    }
    assert "row 3, column vital_status = 'lost': it must be one of alive, dead." in str(error)
    assert error.problems["suggestion"].str.len().min() > 10
    elsewhere = pickle.loads(pickle.dumps(error))  # as a worker process hands it over
    assert str(elsewhere) == str(error)
    pd.testing.assert_frame_equal(elsewhere.problems, error.problems)


def test_impossible_orders_and_orphans_are_found(tmp_path):
    path = write(
        tmp_path,
        "tables: {patients: p.csv, sites: s.csv}",
        p="patient_id,last_follow_up_day,vital_status,failure_day,salvage_start_day\nA,100,dead,50,40\nB,90,alive,20,95\n",
        s="patient_id,course,rt_start_day\nA,1,120\nZ,1,10\n",
    )
    text = str(problems_of(path))
    assert "column salvage_start_day = 40: it comes before failure_day (50)" in text
    assert "row 3, column last_follow_up_day = 90: it comes before salvage_start_day (95)" in text
    assert "sites, row 3, column patient_id = 'Z': this patient is not in the patients table" in text
    assert "it comes after the patient's last follow-up (day 100)" in text


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("tables: {patients: p.csv}\ntitel: x", "Did you mean 'title'"),
        ("tables: {patients: nowhere.csv}", "there is no such file"),
        ("tables: {people: p.csv}", "unknown table 'people'"),
        ("title: x", "no patients table is named"),
        ("tables: {patients: p.csv}\nname: ../../etc", "cannot be used for a folder"),
        ("tables: {patients: p.csv}\ntime_unit: decades", "must be days, weeks, months or years"),
        ("tables: {patients: p.csv}\nsubset: stge == 'I'", "stge, which the patients table does not have"),
        ("tables: {patients: p.csv}\nsubset: __import__('os').getcwd()", "not a comparison"),
        ("tables: {patients: p.csv}\nsubset: last_follow_up_day > 99999", "keeps no patient"),
        ("tables: {patients: p.csv}\nsubset: vital_status >", "not a comparison"),
        ("tables: {patients: p.csv}\ncolumns: {patients: {Foo: stage}}", "the file has no such column"),
        (
            "tables: {patients: p.csv}\ncolumns: {patients: {vital_status: vitals}}",
            "not in the data dictionary",
        ),
        ("tables: {patients: p.csv}\nvalues: {patients: {stage: {1: I}}}", "does not have"),
        ("tables: {patients: [", "not readable YAML"),
        ("", "empty"),
    ],
)
def test_a_wrong_manifest_is_said_in_words(tmp_path, manifest, says):
    path = write(tmp_path, manifest, p=BARE)
    assert says in str(problems_of(path))


def test_an_unknown_cohort_names_the_nearest():
    assert "Did you mean 'lymphoma'?" in str(problems_of("lymfoma"))


def test_a_missing_required_column_is_named(tmp_path):
    assert "column vital_status: this required column is missing" in str(
        problems_of(write(tmp_path, p="patient_id,last_follow_up_day\nA,1\n"))
    )


def test_input_files_are_never_changed(tmp_path):
    path = write(tmp_path, "tables: {patients: p.csv}", p=BARE)
    before = {f: hashlib.sha256(f.read_bytes()).digest() for f in tmp_path.iterdir()}
    read_cohort(path)
    assert {f: hashlib.sha256(f.read_bytes()).digest() for f in tmp_path.iterdir()} == before


def test_the_five_groups_follow_from_the_lines(tmp_path):
    path = write(
        tmp_path,
        "tables: {patients: p.csv, lines: l.csv}",
        p="patient_id,last_follow_up_day,vital_status,salvage_start_day,salvage_regimen\n"
        + "".join(f"{p},100,dead,10,{r}\n" for p, r in zip("ABCDE", ["RT", "CMT", "ST", "ST", "RT"])),
        l="patient_id,line,line_start_day,modality\nA,1,10,RT\nB,1,10,CMT\nB,2,30,ST\nC,1,10,ST\nC,2,20,ST\nD,1,10,ST\n"
        "D,2,40,RT\nE,1,10,RT\nE,2,25,HSCT\n",
    )
    patients = read_cohort(path).patients
    assert patients["salvage_sequence"].tolist() == ["RT", "CMT", "ST", "ST then RT", "RT then ST"]
    assert patients["next_line_day"].astype("string").tolist() == [pd.NA, "30", "20", "40", "25"]


@settings(max_examples=60)
@given(cells=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8)), max_size=6))
def test_whatever_the_cells_hold_the_answer_is_a_cohort_or_one_message(tmp_path_factory, cells):
    file = tmp_path_factory.mktemp("fuzz") / "p.csv"
    pd.DataFrame(cells, columns=["patient_id", "last_follow_up_day", "vital_status"]).to_csv(
        file, index=False
    )
    try:
        assert (read_cohort(file).patients["last_follow_up_day"] >= 0).all()
    except CohortError as error:
        assert len(error.problems) > 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", 5),
        ("min_cell_count: 10", 10),
        ("min_cell_count: 1", 1),
        ("min_cell_count: aihw", 5),
        ("min_cell_count: NHS", 8),
        ("min_cell_count: cms", 11),
        ("synthetic: true", 0),
        ("synthetic: true\nmin_cell_count: 5", 5),
    ],
)
def test_small_counts_of_real_patients_are_hidden_unless_the_manifest_says_otherwise(
    tmp_path, lines, expected
):
    (tmp_path / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA,9,dead\n")
    (tmp_path / "cohort.yml").write_text(f"tables: {{patients: p.csv}}\n{lines}\n")
    assert read_cohort(tmp_path).min_cell_count == expected


@pytest.mark.parametrize("written", ["0", "-3", "five", "4.5", ""])
def test_a_minimum_that_is_no_whole_number_from_1_on_is_refused(tmp_path, written):
    (tmp_path / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA,9,dead\n")
    (tmp_path / "cohort.yml").write_text(f"tables: {{patients: p.csv}}\nmin_cell_count: {written}\n")
    with pytest.raises(CohortError, match=r"min_cell_count.*whole number of at least 1, or.*nhs \(8\)"):
        read_cohort(tmp_path)


def test_the_public_cohort_shows_every_count():
    assert read_cohort("lymphoma").min_cell_count == 1


@pytest.mark.parametrize("name", ["../up", "a/b", "..", "C:", "con", "lpt1", "generated", "html", "Name", ""])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    error = problems_of(write(tmp_path, f"name: '{name}'\ntables: {{patients: p.csv}}", p=BARE))
    assert error.problems["field"].tolist() == ["name"]


def test_a_cohort_that_was_read_ahead_is_given_away_once_and_then_read_anew(tmp_path):
    path = write(tmp_path, people=BARE)
    read_ahead(str(path))
    path.write_text("no table at all")  # whoever reads ahead sees to it that files stay as they are
    assert read_cohort(path).patients["patient_id"].tolist() == ["A", "B"]
    problems_of(path)
