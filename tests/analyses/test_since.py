"""The series published since: typed in once, each with a reference and with whether it was read."""

import re

import pandas as pd
import pytest

from analysis_lib.analyses import since
from analysis_lib.files.places import NOTEBOOKS, ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import since_table

CHAPTER = (NOTEBOOKS / "08_in_context.py").read_text("utf-8")


@pytest.fixture(scope="module")
def reconstructed():
    return read_cohort("reconstructed")


def test_every_number_has_a_reference_that_the_chapter_cites_and_says_whether_it_was_read():
    frame, bibliography = since.published(), (ROOT / "book" / "references.bib").read_text("utf-8")
    cited = {key for keys in re.findall(r"\{cite:p\}`([^`]+)`", CHAPTER) for key in keys.split(",")}
    assert all(f"{{{key}," in bibliography for key in frame["key"]) and set(frame["key"]) <= cited
    assert set(frame["verified"]) == {"yes", "no"} and (frame["read"] != "").all()


def test_what_was_not_read_has_no_number_and_what_has_a_number_was_read():
    frame = since.published()
    unread = frame["verified"] == "no"
    assert (frame.loc[unread, ["value", "lower", "upper", "limits", "unit"]] == "").all(axis=None)
    numbers = frame.loc[~unread]
    assert ((numbers["value"] != "") | (numbers["limits"] == "range")).all()
    assert numbers["unit"].isin(["months", "%"]).all()


def test_every_series_of_the_issue_is_there():
    assert set(since.published()["key"]) == {
        *("diblasi2022", "descart2025", "zurko2023", "ababneh2023", "imber2020", "salvage21", "salvage44"),
        *("saifi2023", "guerini2025", "zurko2022", "cartron2025", "shumilov2025", "bispecifics2025"),
        *("bridging2024", "bridging538"),
    }


def test_a_time_zero_is_one_stretch_of_the_table_and_nothing_is_pooled_over_them(reconstructed):
    days = since.published()["time_zero"]
    assert (days != days.shift()).sum() == days.nunique() == 6
    assert not since.rows()["result_id"].str.contains("pool").any()


def test_the_two_contrasts_that_mirror_each_other_are_as_printed():
    value = since.rows().set_index("result_id")["value"]
    mirrored = [f"since.{i}" for i in ("ababneh2023.1", "ababneh2023.2", "salvage21.2", "salvage21.3")]
    assert value[mirrored].tolist() == [19.1, 3.0, 21, 2.4]


def test_the_page_names_what_is_unverified(reconstructed):
    cells = since_table.lines(since.own(reconstructed))
    unread = cells[cells["Published"].str.startswith("not read")]
    assert unread["Series"].tolist() == ["44 patients, one centre", "Saifi 2023"]
    assert set(unread["Published"]) == {"not read: abstract, cut off before its results"}
    note = since.rows().set_index("result_id").loc["since.unread", "note"]
    assert all(name in note for name in unread["Series"]) and "{since.unread:note}" in CHAPTER


def test_published_numbers_are_shown_as_printed():
    cells = since_table.lines(results.skipped("since", "nothing").pipe(since.released.public))
    shown = cells.set_index(["Series", "Measured"])["Published"].sort_index()
    assert (
        "13.2 months (95% CI 9.6–18)" in shown["DESCAR-T, late failures", "median overall survival"].tolist()
    )
    assert shown["BiCAR, glofitamab", "median overall survival"].item() == "14.7 months (90% CI 8.8–NR)"
    assert shown["Guerini's review", "overall response, range over studies"].item() == "35–82.4% (range)"


def test_the_cohorts_own_number_stands_beside_what_measures_the_same(reconstructed):
    own = since.own(reconstructed)
    beside = set(since.published()["beside"]) - {""}
    assert set(own["result_id"]) == beside
    cells = since_table.lines(own)
    mine = cells[~cells["This cohort"].isin(["", since_table.NOTHING])]
    assert set(mine["Series"]) == {"Ababneh (the paper)", "Imber", "21 patients, one centre", "Saifi 2023"}


def test_a_cohort_after_another_treatment_is_told_why_not():
    study = read_cohort("lymphoma")
    for skipped in (since.own(study), since.told(study)):
        assert "another treatment" in results.skip_reason(pd.DataFrame(skipped))
