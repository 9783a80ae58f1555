"""salvage-book new: the template and the dictionary hold every column, what they collect is read back,
nothing is overwritten.
"""

import datetime
import re
import shlex
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml

from analysis_lib.__main__ import main
from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns as dictionary
from analysis_lib.intake import redcap, starter
from analysis_lib.intake.manifest import MANIFEST_KEYS, REDCAP_KEYS, read_manifest
from analysis_lib.intake.read import read_cohort

DAY_0 = datetime.date(2021, 3, 28)
FILLED = {
    "patients": [
        {
            "patient_id": "007",
            "infusion_date": DAY_0,
            "last_follow_up_date": DAY_0 + datetime.timedelta(100),
            "vital_status": "dead",
            "bridging_therapy": "yes",
            "salvage_start_date": DAY_0 + datetime.timedelta(20),
            "ecog": 1,
        },
        {
            "patient_id": "008",
            "infusion_date": DAY_0,
            "last_follow_up_date": DAY_0 + datetime.timedelta(365),
            "vital_status": "alive",
            "stage": "IV",
            "failure_pattern": "local and de novo",
        },
    ],
    "sites": [
        {
            "patient_id": "007",
            "course": 1,
            "rt_start_date": DAY_0 + datetime.timedelta(30),
            "rt_field": "focal",
            "region": "head and neck",
            "dose_gy": 30.5,
            "fractions": 10,
        }
    ],
}


def fill(path, rows):
    book = openpyxl.load_workbook(path)
    for table, entries in rows.items():
        columns = {cell.value: cell.column for cell in book[table][1]}
        for number, entry in enumerate(entries, 2):
            for name, value in entry.items():
                book[table].cell(number, columns[name], value)
    book.save(path)


def test_the_filled_template_is_read_as_a_cohort_with_the_manifest_as_written(tmp_path):
    starter.new(tmp_path / "Our Clinic")
    fill(tmp_path / "Our Clinic" / "cohort.xlsx", FILLED)
    study = read_cohort(tmp_path / "Our Clinic")
    assert (study.name, study.synthetic) == ("our-clinic", False)
    assert study.patients["patient_id"].tolist() == ["007", "008"]
    assert study.patients["last_follow_up_day"].tolist() == [100, 365] and study.patients[
        "vital_status"
    ].tolist() == ["dead", "alive"]
    assert (
        study.patients["ecog"].tolist()[0] == 1
        and study.patients["failure_pattern"].tolist()[1] == "local and de novo"
    )
    assert study.sites[["rt_start_day", "dose_gy", "region"]].to_numpy().tolist() == [
        [30, 30.5, "head and neck"]
    ]
    assert study.lines.empty and study.screening.empty and "lines.line" in study.lacks("lines.line")


def test_the_empty_template_is_told_apart_from_a_cohort(tmp_path):
    starter.new(tmp_path / "new")
    with pytest.raises(CohortError, match="Fill in the sheet patients of cohort.xlsx, one row a patient"):
        read_cohort(tmp_path / "new")


@pytest.mark.parametrize("found", [True, False])
def test_the_command_of_the_readme_is_one_that_can_be_typed(found, monkeypatch):
    monkeypatch.setattr(starter.shutil, "which", lambda name: f"/usr/bin/{name}" if found else None)
    typed = re.search(r"^ +(\S.*) check \.$", starter.readme(), re.M)[1]
    assert typed == "salvage-book" if found else Path(shlex.split(typed)[0]).is_file()
    assert all(
        line.strip().startswith((typed, f"1. {typed}", f"2. {typed}", f"3. {typed}"))
        for line in starter.readme().splitlines()
        if "salvage-book" in line
    )


def test_what_an_empty_cell_means_is_said_for_answers_and_for_events():
    for text in (starter.readme(), " ".join(starter.PLAIN_RULES)):
        assert (
            "it did not happen" in " ".join(text.split())
            and "not known" in text
            and "best estimate" in " ".join(text.split())
        )


def test_every_column_of_the_schema_is_on_its_sheet_with_its_meaning_and_rule(tmp_path):
    starter.new(tmp_path / "new")
    book = openpyxl.load_workbook(tmp_path / "new" / "cohort.xlsx")
    assert book.sheetnames == [*dictionary.TABLES, "Notes"]
    notes = {(row[0].value, row[1].value): row[2].value for row in book["Notes"].iter_rows()}
    for table in dictionary.TABLES:
        sheet, collected = book[table], dictionary.collected(table)
        assert [cell.value for cell in sheet[1]] == list(collected) and sheet.freeze_panes == "B2"
        rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
        for cell, (name, column) in zip(sheet[1], collected.items()):
            assert column.description in cell.comment.text and notes[table, name] == column.description
            kind, rule = column.metadata["kind"], rules.get(f"{cell.column_letter}2")
            assert (rule.type if rule else None) == {
                "level": "list",
                "day": "date",
                "count": "whole",
                "number": "decimal",
                "text": None,
            }[kind]
            if kind == "level":
                assert (
                    rule.formula1.strip('"').split(",") == list(column.metadata["levels"])
                    and len(rule.formula1) < 256
                )
            if kind == "day":
                assert sheet.column_dimensions[cell.column_letter].number_format == "yyyy-mm-dd"
            dark = cell.fill.fgColor.rgb.endswith("1F4E79")
            assert dark == (column.required or name == "infusion_date")


def test_the_written_dictionary_is_the_one_that_decodes(tmp_path):
    starter.new(tmp_path / "new")
    written = pd.read_csv(tmp_path / "new" / "redcap_dictionary.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(written, redcap.dictionary().astype(str), check_dtype=False)


def test_the_manifest_explains_every_key_and_each_of_its_examples_is_valid(tmp_path):
    text = starter.manifest("our-clinic")
    assert all(f"# {key}: {meaning}" in text for key, meaning in MANIFEST_KEYS.items())
    assert all(f"#   {key}: {meaning}" in text for key, meaning in REDCAP_KEYS.items())
    examples = re.findall(r"^#(\w+: .+)$", text, re.M)
    assert {example.split(":")[0] for example in examples} == starter.EXAMPLES.keys()
    for example in examples:
        key = example.split(":")[0]
        path = tmp_path / "cohort.yml"
        path.write_text(text.replace(f"#{example}", example), "utf-8")
        read = read_manifest(path)
        said = read.model_dump(exclude_unset=True)[key]
        assert said == yaml.safe_load(example)[key]
    path.write_text("\n".join(examples), "utf-8")
    assert read_manifest(path).redcap.dictionary == starter.DICTIONARY


def test_the_readme_names_the_files_and_the_forms():
    assert all(
        word in starter.readme()
        for word in (starter.TEMPLATE, starter.DICTIONARY, "cohort.yml", *dictionary.REPEATING)
    )


def test_nothing_is_overwritten_and_nothing_is_left_half_written(tmp_path, capsys, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    assert main(["new", str(tmp_path / "full")]) == 1
    assert "something is there already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(starter, "readme", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        starter.new(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"] and not list(
        (tmp_path / "empty").iterdir()
    )
    monkeypatch.undo()
    assert main(["new", str(tmp_path / "empty")]) == 0
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == [
        "README.txt",
        "cohort.xlsx",
        "cohort.yml",
        "redcap_dictionary.csv",
    ]


def test_a_column_of_dates_that_nobody_filled_in_is_warned_of(tmp_path):
    starter.new(tmp_path / "new")
    rows = [FILLED["patients"][0] | {"patient_id": f"P{number}"} for number in range(12)]
    fill(tmp_path / "new" / "cohort.xlsx", {"patients": rows})
    warned = read_cohort(tmp_path / "new").warnings
    empty = set(warned.loc[warned["rule"] == "nobody", "field"])
    assert "progression_date" in empty and "salvage_start_date" not in empty
    for name in ("reconstructed", "lymphoma"):
        assert "nobody" not in set(read_cohort(name).warnings["rule"])
