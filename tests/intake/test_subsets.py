"""Which patients `subset:` keeps, and what is told of one that could keep others than were meant."""

import pytest

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake.read import read_cohort

ROWS = [
    "patient_id,last_follow_up_day,vital_status,stage,ecog,over_60,best_response,grade,age,failure_day",
    "P0,400,alive,I,0,no,CR,low,50,100",
    "P1,401,dead,II,1,yes,PR,mid,61,",
    "P2,402,alive,III,2,no,SD,high,52,400",
    "P3,403,dead,IV,3,yes,PD,low,70,50",
    "P4,404,alive,,,,,,,",
]
FACTORS = "  grade: {levels: [low, mid, high]}\n  age: {number: years}\n"


def cohort(folder, subset):
    (folder / "p.csv").write_text("\n".join(ROWS) + "\n", "utf-8")
    (folder / "cohort.yml").write_text(
        f"tables: {{patients: p.csv}}\nsynthetic: true\nfactors:\n{FACTORS}subset: >-\n  {subset}\n", "utf-8"
    )
    return read_cohort(folder)


@pytest.mark.parametrize(
    ("subset", "kept"),
    [
        ("stage == 'IV'", "3"),
        ("stage != 'IV'", "012"),
        ("stage in ('III', 'IV')", "23"),
        ("stage in ['III', 'IV']", "23"),
        ("stage in ('IV')", "3"),
        ("stage not in ('III', 'IV')", "01"),  # a stage that nobody knows is not another stage
        ("not stage in ('III', 'IV')", "01"),
        ("not stage == 'IV'", "012"),
        ("'IV' == stage", "3"),
        ("grade in ('mid', 'high')", "12"),
        ("ecog < 2", "01"),
        ("1 <= ecog < 3", "12"),
        ("-1 < ecog", "0123"),
        ("2 > ecog", "01"),
        ("ecog in (0, 3)", "03"),
        ("ecog not in (2, 3)", "01"),
        ("age > 60.5 and not (ecog >= 2)", "1"),
        ("ecog < 1 or stage == 'IV' and age > 60", "03"),
        ("over_60 == 'yes' and ecog < 2", "1"),
        ("stage == 'I' or last_follow_up_day >= 404", "04"),
        ("failure_day < last_follow_up_day", "023"),
        ("advanced_stage == 'yes'", "23"),
        ("patient_id != 'P1'", "0234"),
        ("patient_id in ('P1', 'P4')", "14"),
        ('stage == "II"', "1"),
    ],
)
def test_it_keeps_those_for_whom_it_holds(tmp_path, subset, kept):
    assert list(cohort(tmp_path, subset).patients["patient_id"]) == [f"P{each}" for each in kept]


GENERAL = "not a comparison of columns with values. Write it such as: stage in ('I', 'II') and ecog < 2."
MIXED = "Compare numbers with numbers and words with words, such as: stage in ('I', 'II') and ecog < 2."
ORDER = "holds words, which are not above or below each other. Name those that are meant with `in`"


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        # words are in no order that a computer knows: by the alphabet, high comes before mid
        ("grade >= 'mid'", f"grade {ORDER}; there are: 'low', 'mid' and 'high'."),
        ("best_response <= 'PR'", f"best_response {ORDER}; there are: 'CR', 'PR', 'SD' and 'PD'."),
        ("stage > 'II'", f"stage {ORDER}; there are: 'I', 'II', 'III' and 'IV'."),
        ("'II' < stage", f"stage {ORDER}; there are:"),
        ("'I' <= stage <= 'II'", f"stage {ORDER}; there are:"),
        ("patient_id > 'P1'", f"patient_id {ORDER}."),
        # words that do not exist
        ("stage != 'iv'", "'iv' is no level of stage. There are: 'I', 'II', 'III' and 'IV'."),
        ("over_60 != 'Yes'", "'Yes' is no level of over_60. There are: 'yes' and 'no'."),
        ("vital_status == 'Dead'", "'Dead' is no level of vital_status."),
        ("stage in ('III', 'IIII')", "'IIII' is no level of stage."),
        ("stage not in ('IIII')", "'IIII' is no level of stage."),
        ("ecog < 2 or stage != 'VI'", "'VI' is no level of stage."),
        ("stage == 3", "3 is no level of stage."),
        ("advanced_stage == 'True'", "'True' is no level of advanced_stage. There are: 'yes' and 'no'."),
        ("patient_id != 'p1'", "'p1' stands nowhere in patient_id. Check the spelling of its values."),
        # numbers and words
        ("ecog != '1'", MIXED),
        ("ecog in (0, '1')", MIXED),
        ("ecog in ('0', '1')", MIXED),
        ("age > '60'", MIXED),
        ("patient_id != 1", MIXED),
        ("stage == ecog", MIXED),
        ("vital_status == over_60", MIXED),
        # a missing comma makes one word of two
        ("stage in ['I' 'II']", "'I' 'II' is not one word in quotes. Write each in its own, with commas"),
        ("stage in ('I', 'I' 'I')", "'I' 'I' is not one word in quotes."),
        # columns that are no yes or no
        ("not ecog", f"'ecog' is {GENERAL}"),
        ("not not ecog", f"'ecog' is {GENERAL}"),
        ("ecog and age > 60", f"'ecog' is {GENERAL}"),
        ("over_60 and age > 60", f"'over_60' is {GENERAL}"),
        ("stage == 'I' or 'II'", f"\"'II'\" is {GENERAL}"),
        ("ecog == 0 or 1", f"'1' is {GENERAL}"),
        ("ecog", f"this is {GENERAL}"),
        ("1 == 1", f"'1 == 1' is {GENERAL}"),
        ("1 < 2 < ecog", f"'1 < 2' is {GENERAL}"),
        ("stage == ('I', 'II')", f"\"stage == ('I', 'II')\" is {GENERAL}"),
        ("stage != ['I', 'II']", f"\"stage != ['I', 'II']\" is {GENERAL}"),
        ("stage not in ()", f"'stage not in ()' is {GENERAL}"),
        ("stage in (ecog, 'I')", f"\"stage in (ecog, 'I')\" is {GENERAL}"),
        ("'I' in stage", f"\"'I' in stage\" is {GENERAL}"),
        ("ecog is 1", f"this is {GENERAL}"),
        ("ecog == True", f"this is {GENERAL}"),
        ("last_follow_up_day > 365 & ecog < 2", f"this is {GENERAL}"),
        ("not " * 5000 + "ecog < 2", f"this is {GENERAL}"),
        ("ecog < 1" + "0" * 400, "this number is too large"),
        ("stge == 'I' and ecog", "the subset speaks of stge, which the patients table does not have"),
        ("ecog > 4", "the subset keeps no patient"),
    ],
)
def test_what_could_keep_others_than_were_meant_is_told(tmp_path, subset, said):
    with pytest.raises(CohortError) as caught:
        cohort(tmp_path, subset)
    told = " ".join(str(caught.value).split())
    assert "cohort.yml: 1 problem" in told and "key subset = " in told and said in told
