"""The page "Run it on your data": its commands are there, and what it says they show is what they show."""

import csv
import re
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
import yaml

from analysis_lib.__main__ import main
from analysis_lib.intake.read import read_cohort

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book" / "run-it.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(bash|text)\n(.*?)^```", PAGE, re.M | re.S)
KLINIK = ROOT / "tests" / "cohorts" / "klinik"


def shown_after(command):
    """The excerpt that stands below a command of the page."""
    place = next(number for number, (kind, text) in enumerate(BLOCKS) if kind == "bash" and command in text)
    kind, text = BLOCKS[place + 1]
    assert kind == "text"
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return code, (told.out + told.err).splitlines()


def fill_in(path, slips):
    """What somebody types into the template: the patients of the German cohort."""
    book = openpyxl.load_workbook(path)
    columns = {cell.value: cell.column for cell in book["patients"][1]}
    with (KLINIK / "patienten.csv").open(encoding="cp1252", newline="") as file:
        patients = list(csv.DictReader(file, delimiter=";"))
    for row, patient in enumerate(patients, 2):
        cells = {
            "patient_id": patient["Fallnummer"],
            "vital_status": {"ja": "dead", "nein": "alive"}[patient["Verstorben"]],
            "ecog": int(patient["ECOG"]),
        }
        for name, own in {
            "infusion_date": "CAR-T-Infusion",
            "last_follow_up_date": "Letzter Kontakt",
            "failure_date": "Rezidiv am",
            "salvage_start_date": "Beginn Salvage",
        }.items():
            cells[name] = datetime.strptime(patient[own], "%d.%m.%Y")
        for name, value in (cells | slips.get(row, {})).items():
            book["patients"].cell(row, columns[name], value)
    for name in [name for name in columns if name not in cells]:  # what is not recorded is deleted
        book["patients"].delete_cols({cell.value: cell.column for cell in book["patients"][1]}[name])
    book.save(path)


@pytest.fixture
def in_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "110")


def test_the_first_command_answers_as_the_page_says(capsys, in_checkout):
    code, lines = run(capsys, "check", "lymphoma")
    assert code == 0 and lines == shown_after("check lymphoma")


def test_the_way_of_excel(tmp_path, capsys, in_checkout):
    code, lines = run(capsys, "new", tmp_path / "my-cohort")
    assert code == 0 and set(shown_after("new ~/my-cohort")) <= set(lines)
    slips = {
        5: {"vital_status": "deceased?"},
        13: {"last_follow_up_date": datetime(2018, 1, 9)},
        22: {"ecog": 7},
    }
    template = tmp_path / "my-cohort" / "cohort.xlsx"
    untouched = template.read_bytes()
    fill_in(template, slips)
    code, lines = run(capsys, "check", tmp_path / "my-cohort")
    assert (
        code == 1
        and shown_after("check ~/my-cohort") == [line.rstrip() for line in lines if line.strip()][:-1]
    )
    template.write_bytes(untouched)
    fill_in(template, {})
    code, lines = run(capsys, "check", tmp_path / "my-cohort")
    assert code == 0 and lines[0] == "Our cohort: no problem found."


def test_the_way_of_redcap(capsys, in_checkout):
    code, lines = run(capsys, "map", "tests/cohorts/redcap/export.csv", "tests/cohorts/redcap/dictionary.csv")
    assert code == 0 and set(shown_after("map tests/cohorts/redcap")) <= set(lines)


def test_the_way_of_an_own_file(tmp_path, capsys, in_checkout):
    code, lines = run(
        capsys, "map", "tests/cohorts/klinik/patienten.csv", "tests/cohorts/klinik/bestrahlungen.csv"
    )
    assert code == 0 and set(shown_after("map tests/cohorts/klinik")) <= set(lines)
    # The proposal with the answers of the page is a cohort, and the same one as the mapping written by hand.
    answers = re.search(r"```yaml\n((?: {4}\w+: .*\n){2})```", PAGE).group(1)
    read = yaml.safe_load("\n".join(lines))
    read["values"]["patients"] |= yaml.load(answers, yaml.BaseLoader)
    read["tables"] = {table: str(KLINIK / file) for table, file in read["tables"].items()}
    (tmp_path / "cohort.yml").write_text(yaml.safe_dump(read, allow_unicode=True), "utf-8")
    proposed, by_hand = read_cohort(tmp_path / "cohort.yml"), read_cohort(KLINIK)
    assert proposed.patients.equals(by_hand.patients) and set(by_hand.sites) - set(proposed.sites) == {
        "bulky_site"
    }


def test_every_message_that_the_page_explains_is_one_that_we_give():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "analysis_lib").rglob("*.py"))
    table = PAGE.split("## When something is wrong")[1].split("\n## ")[0]
    messages = re.findall(r"^\| \*(.+?)\* \|", table, re.M)
    assert len(messages) > 5
    for message in messages:
        assert re.split(r" …| near line", message)[0] in source, message


def test_every_command_of_the_page_is_one_that_we_have(capsys):
    commands = set(re.findall(r"salvage-book (\w+)", PAGE + (ROOT / "README.md").read_text("utf-8")))
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert commands and all(re.search(rf"^ +{command}\b", told, re.M) for command in commands)
