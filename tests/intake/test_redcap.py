"""REDCap: exports as REDCap writes them come apart into tables, and our dictionary is one that REDCap
imports.
"""

import csv
import io
import re
import textwrap

import pytest

from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns
from analysis_lib.intake import redcap_dictionary
from analysis_lib.intake.read import read_cohort

# A project that was set up with our own dictionary: raw codes, two repeating instruments, a data access
# group.
OURS = """\
patient_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,infusion_date,last_follow_up_date,vital_status,\
bridging_therapy,ecog,stage,patients_complete,course,rt_start_date,rt_field,dose_gy,sites_complete,line,line_start_date,modality,lines_complete
1,,,north,2021-01-01,2021-06-01,1,1,2,3,2,,,,,,,,,
1,sites,1,north,,,,,,,,1,2021-02-01,1,30.5,2,,,,
1,sites,2,north,,,,,,,,2,2021-02-01,2,,2,,,,
1,lines,1,north,,,,,,,,,,,,,1,2021-02-01,5,2
2,,,south,2021-01-01,2021-07-01,2,0,,4,2,,,,,,,,,
"""
DICTIONARY = """\
Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"Choices, Calculations, OR Slider Labels"
study_id,baseline,,text,Study number,
dt_inf,baseline,,text,Infusion date,
dt_last,baseline,,text,Last seen,
died,baseline,,yesno,Has died,
outcome,baseline,,dropdown,Outcome,"10, Lebt, ohne Tumor | 20, Verstorben"
bridge,baseline,,checkbox,Bridging,"1, Chemotherapy | 2, Radiotherapy"
perf,baseline,,radio,ECOG,"1, 0 | 2, 1 | 3, 2"
rt_no,rt_site,,text,Course,
rt_from,rt_site,,text,RT start,
rt_gy,rt_site,,text,Dose,
"""
MANIFEST = """\
redcap: {export: e.csv, dictionary: d.csv, instruments: {sites: rt_site}, missing: ["-99"]}
columns:
  patients: {dt_inf: infusion_date, dt_last: last_follow_up_date, outcome: vital_status, bridge___2: bridging_radiotherapy, perf: ecog}
  sites: {rt_no: course, rt_from: rt_start_date, rt_gy: dose_gy}
values: {patients: {vital_status: {"Lebt, ohne Tumor": alive, Verstorben: dead}}}
"""
RAW = """\
study_id,redcap_repeat_instrument,redcap_repeat_instance,dt_inf,dt_last,died,outcome,bridge___1,bridge___2,perf,baseline_complete,rt_no,rt_from,rt_gy,rt_site_complete
7,,,2020-01-01,2020-12-31,0,10,1,0,1,2,,,,
7,rt_site,1,,,,,,,,,1,2020-03-01,20,2
7,rt_site,2,,,,,,,,,2,2020-05-01,-99,2
8,,,2020-01-01,2020-02-01,1,20,0,1,3,2,,,,
"""
LABELS = """\
Study number,Repeat Instrument,Repeat Instance,Infusion date,Last seen,Has died,Outcome,Bridging (choice=Chemotherapy),Bridging (choice=Radiotherapy),\
ECOG,Complete?,Course,RT start,Dose,Complete?
7,,,2020-01-01,2020-12-31,No,"Lebt, ohne Tumor",Checked,Unchecked,0,Complete,,,,
7,RT Site,1,,,,,,,,,1,2020-03-01,20,Complete
7,RT Site,2,,,,,,,,,2,2020-05-01,-99,Complete
8,,,2020-01-01,2020-02-01,Yes,Verstorben,Unchecked,Checked,2,Complete,,,,
"""


def write(folder, manifest="redcap: e.csv", **files):
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content, "utf-8")
    (folder / "cohort.yml").write_text(textwrap.dedent(manifest), "utf-8")
    return folder / "cohort.yml"


def told(path):
    with pytest.raises(CohortError) as caught:
        read_cohort(path)
    return str(caught.value)


def test_a_project_set_up_with_our_dictionary_needs_nothing_but_the_export(tmp_path):
    study = read_cohort(write(tmp_path, e=OURS))
    assert study.patients["patient_id"].tolist() == ["1", "2"]
    assert study.patients["last_follow_up_day"].tolist() == [151, 181]
    assert study.patients["vital_status"].tolist() == ["alive", "dead"]
    assert study.patients["bridging_therapy"].tolist() == ["yes", "no"]
    assert study.patients["stage"].tolist() == ["III", "IV"] and study.patients["ecog"].isna().tolist() == [
        False,
        True,
    ]
    assert study.sites[["patient_id", "rt_start_day"]].to_numpy().tolist() == [["1", 31], ["1", 31]]
    assert study.sites["rt_field"].tolist() == ["comprehensive", "focal"]
    assert study.lines[["line", "modality"]].to_numpy().tolist() == [[1, "CAR T"]]
    assert not any("redcap" in column or "complete" == column for column in study.patients)


@pytest.mark.parametrize("export", [RAW, LABELS], ids=["raw", "labels"])
def test_any_project_is_read_by_its_own_dictionary_raw_or_labels(tmp_path, export):
    study = read_cohort(write(tmp_path, MANIFEST, e=export, d=DICTIONARY))
    patients = study.patients.set_index("patient_id")
    assert patients["vital_status"].tolist() == ["alive", "dead"]
    assert patients["last_follow_up_day"].tolist() == [365, 31]
    assert patients["bridging_radiotherapy"].tolist() == ["no", "yes"]
    assert patients["ecog"].tolist() == [0, 2]  # codes 1 and 3; an export with labels says 0 and 2
    assert study.sites["dose_gy"].isna().tolist() == [False, True] and study.sites["course"].tolist() == [
        1,
        2,
    ]


def test_codes_are_not_taken_for_ours_in_somebody_elses_project(tmp_path):
    path = write(
        tmp_path,
        "redcap: {export: e.csv, instruments: {}}\ncolumns: {patients: {dt_inf: "
        "infusion_date, "
        "dt_last: last_follow_up_date, died: vital_status}}",
        e=RAW,
    )
    assert "row 2, column died (vital_status) = 0: it must be one of alive, dead" in told(path)


def test_errors_name_the_row_and_column_of_the_export(tmp_path):
    path = write(
        tmp_path,
        MANIFEST,
        e=RAW.replace("2020-05-01,-99", "2020-05-01,200").replace("1,20,0,1,3", "1,30,0,1,3"),
        d=DICTIONARY,
    )
    message = told(path)
    assert "patients, row 5, column outcome (vital_status) = 30: it must be one of alive, dead" in message
    assert "sites, row 4, column rt_gy (dose_gy) = 200: it must lie between 0.5 and 90 Gy" in message
    assert "row 3, column rt_from (rt_start_date) = 'soon'" in told(
        write(tmp_path, MANIFEST, e=RAW.replace("2020-03-01", "soon"), d=DICTIONARY)
    )


EVENTS = """\
study_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,dt_inf,dt_last,outcome
7,baseline_arm_1,,,2020-01-01,,
7,follow_up_arm_1,,,,2020-12-31,10
8,baseline_arm_1,,,2020-01-01,2020-02-01,
8,follow_up_arm_1,,,2020-01-01,,20
"""


def test_events_of_a_patient_are_gathered_when_they_agree(tmp_path):
    manifest = MANIFEST.replace(", bridge___2: bridging_radiotherapy, perf: ecog", "").replace(
        "instruments: {sites: rt_site}", "instruments: {}"
    )
    manifest = re.sub(r"  sites: .*\n", "", manifest)
    study = read_cohort(write(tmp_path, manifest, e=EVENTS, d=DICTIONARY))
    assert study.patients["last_follow_up_day"].tolist() == [365, 31]
    assert study.patients["vital_status"].tolist() == ["alive", "dead"]
    message = told(
        write(
            tmp_path,
            manifest,
            e=EVENTS.replace("8,follow_up_arm_1,,,2020-01-01", "8,follow_up_arm_1,,,2020-01-09"),
            d=DICTIONARY,
        )
    )
    assert "REDCap export, row 5, column dt_inf: row 4 gives another value for the same patient" in message
    # The impossible outcome stands in the second row of the second patient, and that is the row that is
    # named.
    assert "row 5, column outcome (vital_status) = 99" in told(
        write(tmp_path, manifest, e=EVENTS.replace(",20\n", ",99\n"), d=DICTIONARY)
    )


@pytest.mark.parametrize(
    ("manifest", "export", "says"),
    [
        ("redcap: {exprt: e.csv}", OURS, "no export is named"),
        ("redcap: {export: e.csv, dictonary: d.csv}", OURS, "Did you mean 'dictionary'"),
        (
            "redcap: {export: e.csv, instruments: [sites]}",
            OURS,
            "'instruments' under 'redcap' is not written as expected",
        ),
        (
            "redcap: {export: e.csv, instruments: {patients: baseline}}",
            OURS,
            "'patients' is no table that repeats",
        ),
        ("redcap: nowhere.csv", OURS, "there is no such file"),
        ("redcap: {export: e.csv, dictionary: e.csv}", OURS, "this is no REDCap data dictionary"),
        (
            "redcap: {export: e.csv, instruments: {sites: rt}}",
            OURS,
            "no row of the export belongs to an instrument 'rt'. Its repeating instruments: lines and sites",
        ),
        (
            "redcap: e.csv",
            OURS.replace("1,lines,1", "1,labs,1"),
            "row 5, column redcap_repeat_instrument = 'labs': no table is named",
        ),
        ("redcap: e.csv\ntables: {patients: e.csv}", OURS, "comes from the REDCap export as well"),
        (
            "redcap: e.csv",
            re.sub(r"(?m)^((?:[^,\n]*)),[^,\n]*,", r"\1,", OURS, count=0),
            "the export has no column redcap_repeat_instrument",
        ),
    ],
    ids=lambda value: None,
)
def test_what_cannot_be_taken_apart_is_said(tmp_path, manifest, export, says):
    assert says in told(write(tmp_path, manifest, e=export))


def test_our_dictionary_is_in_the_layout_that_redcap_imports():
    frame = redcap_dictionary.dictionary()
    assert (
        len(frame.columns) == 18
        and frame.columns[0] == "Variable / Field Name"
        and frame.columns[-1] == "Field Annotation"
    )
    assert frame[redcap_dictionary.VARIABLE].is_unique and frame[redcap_dictionary.LABEL].is_unique
    # REDCap advises 26 characters
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name) for name in frame[redcap_dictionary.VARIABLE])
    assert (
        frame[redcap_dictionary.VARIABLE].iloc[0] == "patient_id"
    )  # the first field is the record's identifier
    assert set(frame[redcap_dictionary.COLUMNS[7]]) == {"", "date_ymd", "integer", "number"}
    dated = frame[redcap_dictionary.COLUMNS[7]] == "date_ymd"
    assert (
        frame.loc[dated | (frame[redcap_dictionary.VARIABLE] == "patient_id"), "Identifier?"] == "y"
    ).all()
    assert (frame["Branching Logic (Show field only if...)"] == "").all()
    for form in redcap_dictionary.FORMS:
        fields = set(frame.loc[frame[redcap_dictionary.FORM] == form, redcap_dictionary.VARIABLE]) | {
            "patient_id"
        }
        assert fields == set(columns.collected(form))


def test_every_code_of_our_dictionary_is_read_back_as_its_level(tmp_path):
    frame = redcap_dictionary.dictionary()
    coded = [
        (row[redcap_dictionary.VARIABLE], code, level)
        for row in frame[frame[redcap_dictionary.FORM] == "patients"].to_dict("records")
        for code, level in redcap_dictionary.choices(row).items()
    ]
    fields = list(dict.fromkeys(name for name, *_ in coded))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["patient_id", "infusion_date", "last_follow_up_date", *fields, "patients_complete"])
    for number, (name, code, _) in enumerate(coded):
        cells = {"vital_status": "1"} | {name: code}
        writer.writerow(
            [number, "2020-01-01", "2020-06-01", *(cells.get(field, "") for field in fields), "2"]
        )
    study = read_cohort(write(tmp_path, e=text.getvalue()))
    for number, (name, _, level) in enumerate(coded):
        assert str(study.patients[name][number]).lower() == level.lower()
