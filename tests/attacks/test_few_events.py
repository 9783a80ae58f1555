"""Few patients, few deaths: every chapter runs and says what it cannot show, and nothing hidden follows from the
rest.
"""

import warnings

import pandas as pd
import pytest
from IPython.utils.capture import capture_output

from analysis_lib.binding import certified, chapters
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

import hospital

TABLES = ("patients", "sites", "lines")


@pytest.mark.parametrize(("patients", "deaths"), [(6, 0), (20, 2), (45, 3)])
def test_a_book_of_few_deaths_says_what_it_cannot_show(patients, deaths, tmp_path, monkeypatch):
    hospital.undrawn(monkeypatch)
    path, _ = hospital.write(tmp_path, patients=patients, seed=patients + deaths)
    table = pd.read_csv(tmp_path / "patients.csv", dtype="string")
    table["vital_status"] = ["dead"] * deaths + ["alive"] * (patients - deaths)
    table.to_csv(tmp_path / "patients.csv", index=False)
    study, untouched = read_cohort(path), read_cohort(path)
    with warnings.catch_warnings(), capture_output():
        warnings.simplefilter("ignore", FutureWarning)
        for each in chapters.chapters_of(study):
            hospital.calculate(each, study, tmp_path / "results")
    for name in TABLES:  # all chapters were given the same cohort: none has changed anything of it
        pd.testing.assert_frame_equal(getattr(study, name), getattr(untouched, name))
    rows = results.read_all(tmp_path / "results")
    assert certified.certify(study, rows).passed
    by_id = rows.set_index("result_id")
    assert by_id.loc["table1.vital_status.dead.all", "note"] == "fewer than 5"
    of_deaths = rows[
        rows["endpoint"].isin(["OS1", "OS2"]) & rows["statistic"].isin(["rate", "hazard ratio", "p"])
    ]
    assert len(of_deaths) > 5 and of_deaths["value"].isna().all() and of_deaths["events"].isna().all()
