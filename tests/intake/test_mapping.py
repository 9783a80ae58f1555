"""salvage-book map: names in several languages are recognised, doubt is left to the user, and no patient's
value is shown.
"""

import re

import pandas as pd
import pytest
import yaml

from analysis_lib.__main__ import main
from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns
from analysis_lib.intake import foreign_words, likeness, propose
from analysis_lib.intake.read import read_cohort

GERMAN = "Fallnr;Infusion;Zuletzt gesehen;Status;Stadium Ann Arbor;LDH erhöht;Rezidiv;Bemerkung\n" + "".join(
    f"KH-{700 + i};{1 + i:02}.03.2020;{1 + i:02}.11.2020;{'tot' if i % 2 else 'lebt'};{['I', 'II', 'III', 'IV'][i % 4]};"
    f"{'ja' if i % 3 else 'nein'};{1 + i:02}.06.2020;Frau Beispiel {i}\n"
    for i in range(28)
)


def proposal(tmp_path, text, name="f.csv", more=()):
    (tmp_path / name).write_text(text, "utf-8")
    return propose.propose([tmp_path / name, *more])


def test_a_german_file_is_mapped_and_the_proposal_is_a_cohort_as_it_stands(tmp_path):
    (tmp_path / "f.csv").write_text(GERMAN, "utf-8")
    assert main(["map", str(tmp_path / "f.csv"), "--out", str(tmp_path / "cohort.yml")]) == 0
    read = yaml.load((tmp_path / "cohort.yml").read_text("utf-8"), yaml.BaseLoader)
    assert read["columns"]["patients"] == {
        "Fallnr": "patient_id",
        "Infusion": "infusion_date",
        "Zuletzt gesehen": "last_follow_up_date",
        "Status": "vital_status",
        "Stadium Ann Arbor": "stage",
        "LDH erhöht": "ldh_elevated",
        "Rezidiv": "failure_date",
    }
    # ja and nein are read as they are
    assert read["values"]["patients"] == {"vital_status": {"lebt": "alive", "tot": "dead"}}
    assert read["date_format"] == "%d.%m.%Y"
    study = read_cohort(tmp_path / "cohort.yml")
    assert len(study.patients) == 28 and (study.patients["last_follow_up_day"] == 245).all()


def test_no_identifier_date_or_remark_is_shown(tmp_path):
    text = proposal(tmp_path, GERMAN)
    assert "KH-7" not in text and "Beispiel" not in text and "2020" not in text and '"Bemerkung"' in text


def test_a_level_that_stands_once_is_not_shown(tmp_path):
    text = proposal(tmp_path, GERMAN.replace(";lebt;", ";lebt, Frau Beispiel;", 1))
    assert "Frau" not in text and "vital_status: 1 more value that is none of alive, dead, not shown" in text


def test_what_is_unsure_is_left_to_the_user(tmp_path):
    text = proposal(
        tmp_path,
        "id,time_months,status,progression,second_progression\n"
        + "".join(f"{i},{i + 0.5},{i % 2},{i},{i}\n" for i in range(1, 30)),
    )
    assert '"time_months": last_follow_up_day' in text and "time_unit: months" in text
    assert '# vital_status: which of alive, dead is meant by "0", "1"?' in text
    assert '#"second_progression": progression_day' in text


def test_day_and_month_that_could_be_either_are_asked(tmp_path):
    rows = "".join(
        f"{i},0{1 + i % 9}/0{1 + i % 8}/2020,0{1 + i % 9}/0{1 + i % 8}/2021,alive\n" for i in range(20)
    )
    text = proposal(tmp_path, "mrn,infusion date,last contact,status\n" + rows)
    assert (
        '#date_format: "%d/%m/%Y"' in text
        and '#date_format: "%m/%d/%Y"' in text
        and "\ndate_format" not in text
    )


def test_several_tables_and_sheets_find_their_place(tmp_path):
    patients = pd.DataFrame(
        {
            "MRN": [f"A{i}" for i in range(20)],
            "CAR-T date": ["2020-01-01"] * 20,
            "Last contact": ["2021-01-01"] * 20,
            "Vital status": ["Living", "Deceased"] * 10,
        }
    )
    sites = pd.DataFrame(
        {
            "MRN": ["A1", "A2"] * 8,
            "RT start": ["2020-03-01"] * 16,
            "Course": ["1"] * 16,
            "Total dose": ["30"] * 16,
            "Fx": ["10"] * 16,
        }
    )
    with pd.ExcelWriter(tmp_path / "data.xlsx") as book:
        sites.to_excel(book, sheet_name="Radiotherapy", index=False)
        patients.to_excel(book, sheet_name="Main", index=False)
        pd.DataFrame().to_excel(book, sheet_name="Empty")
    read = yaml.load(propose.propose([tmp_path / "data.xlsx"]), yaml.BaseLoader)
    assert read["tables"] == {"patients": "data.xlsx#Main", "sites": "data.xlsx#Radiotherapy"}
    assert read["columns"]["sites"] == {
        "MRN": "patient_id",
        "RT start": "rt_start_date",
        "Course": "course",
        "Total dose": "dose_gy",
        "Fx": "fractions",
    }


def test_a_redcap_export_gets_a_redcap_entry(tmp_path):
    rows = "".join(
        f"{i},,,2020-01-01,2021-01-01,{i % 2},2,,,\n{i},rt_sites,1,,,,,1,2020-03-01,20\n" for i in range(20)
    )
    text = proposal(
        tmp_path,
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,infusion_date,last_seen,vital_status,"
        "base_complete,course,rt_start,total_dose\n" + rows,
    )
    read = yaml.load(text, yaml.BaseLoader)
    assert read["redcap"] == {"export": "f.csv", "instruments": {"sites": "rt_sites"}}
    assert read["columns"]["sites"] == {
        "record_id": "patient_id",
        "rt_start": "rt_start_date",
        "total_dose": "dose_gy",
    }


def test_an_export_of_our_own_dictionary_leaves_nothing_to_decide(tmp_path):
    rows = "".join(f"{i},,,2020-01-01,2021-01-01,{1 + i % 2},2\n" for i in range(20))
    text = proposal(
        tmp_path,
        "patient_id,redcap_repeat_instrument,redcap_repeat_instance,infusion_date,last_follow_up_date,vital_status,"
        "patients_complete\n" + rows,
    )
    read = yaml.load(text, yaml.BaseLoader)
    assert (
        read["redcap"] == {"export": "f.csv"}
        and "columns" not in read
        and "which of" not in text
        and "Still needed" not in text
    )


def test_nothing_is_overwritten_and_no_file_is_said(tmp_path, capsys):
    (tmp_path / "cohort.yml").write_text("mine")
    (tmp_path / "f.csv").write_text(GERMAN)
    assert main(["map", str(tmp_path / "f.csv"), "--out", str(tmp_path / "cohort.yml")]) == 1
    assert (
        "nothing is ever overwritten" in capsys.readouterr().err
        and (tmp_path / "cohort.yml").read_text() == "mine"
    )
    with pytest.raises(CohortError, match="no such file"):
        propose.propose([tmp_path / "nowhere.csv"])


def test_the_words_speak_of_columns_and_levels_that_exist():
    bases = {
        name.removesuffix("_date")
        for table in columns.TABLES
        for name in likeness.targets(table)
        if not name.endswith("_event")
    }
    assert foreign_words.COLUMN_WORDS.keys() == bases
    levels = {
        level
        for table in columns.TABLES.values()
        for column in table.columns.values()
        for level in column.metadata["levels"] or ()
    }
    assert foreign_words.LEVEL_WORDS.keys() <= levels
    words = [word for entry in foreign_words.COLUMN_WORDS.values() for word in entry.split(",")]
    # as names are compared: lower case, no accents
    assert all(re.fullmatch("[a-z0-9 ]+", word) for word in words)


def test_a_unit_in_the_name_of_an_unsure_time_is_proposed_as_a_comment(tmp_path):
    rows = "".join(f"P{n},{n}.5,{n}.2,{n % 2}\n" for n in range(20))
    (tmp_path / "p.csv").write_text(f"id,Survival time months,FU months,dead\n{rows}")
    text = propose.propose([tmp_path / "p.csv"])
    assert '#"FU months": last_follow_up_day' in text and "\n#time_unit: months\n" in text
