"""Further inputs, each with what it gives: read as what it means, with or without a warning, or told.

`WRITE_FURTHER=1 .venv/bin/python -m pytest -n 0 tests/intake/test_further.py` writes the answers of tests/cases/further.csv
anew; its last column, what was found when the input was first tried, is written by hand.
"""

import csv
import os
from pathlib import Path

import pytest

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake.read import read_cohort

from further import INPUTS

TABLE = Path(__file__).resolve().parents[1] / "cases" / "further.csv"
SHOWN = 4  # patients
COLUMNS = (
    "last_follow_up_day",
    "vital_status",
    "failure_day",
    "ecog",
    "stage",
    "bulky_disease",
    "disease_sites",
)
with TABLE.open(encoding="utf-8", newline="") as file:
    ANSWERS = {line["input"]: line for line in csv.DictReader(file)}


def answer(name, folder):
    """What an input gives, in a line: the first patients and what was warned of, or the first thing told."""
    file, named, data, more = INPUTS[name]
    (folder / file).write_bytes(data)
    (folder / "cohort.yml").write_text(f'tables: {{patients: "{named}"}}\n{more}\n', "utf-8")
    try:
        study = read_cohort(folder)
    except CohortError as error:
        return "told: " + str(error).splitlines()[1].strip()
    table = study.patients
    shown = [
        f"{column} {' '.join(table[column].astype('string').fillna('?').head(SHOWN))}"
        for column in COLUMNS
        if column in table
    ]
    warned = [f"; warned: {concern}" for concern in dict.fromkeys(study.warnings["concern"])]
    return f"read: {len(table)} patients; {'; '.join(shown)}{''.join(warned[:2])}"


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_gives_what_was_found_right(name, tmp_path):
    found = answer(name, tmp_path)
    if os.environ.get("WRITE_FURTHER"):
        ANSWERS[name] = {"found first": "right"} | ANSWERS.get(name, {}) | {"input": name, "gives": found}
        with TABLE.open("w", encoding="utf-8", newline="") as out:
            lines = csv.DictWriter(out, ["input", "gives", "found first"], lineterminator="\n")
            lines.writeheader()
            lines.writerows(ANSWERS[each] for each in INPUTS if each in ANSWERS)
    assert found == ANSWERS[name]["gives"]


def test_every_input_is_in_the_table_and_none_is_that_is_not_tried():
    assert list(ANSWERS) == list(INPUTS) and len(INPUTS) >= 60
