"""What `salvage-book map` shows of a file's cells: words that several patients share, never a person's; and what a
factor's levels may be called.
"""

import pytest

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake import propose
from analysis_lib.intake.read import read_cohort

NAMES = ("Kowalski", "Miller", "Nguyen", "Ibsen")


def proposed(folder, lines, name="their.csv"):
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return propose.propose([folder / name])


def one_row_each(heading, cells, rows=40):
    """A patients' table with a column that the dictionary does not know."""
    return [
        f"id;Days;Dead;{heading}",
        *(f"P{n:02};{100 + 3 * n};{n % 2};{cells[n % len(cells)]}" for n in range(rows)),
    ]


def test_levels_of_several_patients_are_shown(tmp_path):
    said = proposed(tmp_path, one_row_each("Gene X", ("low", "9/10", "4+", "del(17p)")))
    assert '#  gene_x: {label: "Gene X", levels: ["4+", "9/10", "del(17p)", "low"]}' in said


def test_a_table_without_identifiers_shows_no_cell(tmp_path):
    lines = ["Treated by;RT start;Dose;Fractions;Region"]
    lines += [f"{NAMES[n // 4]};2021-02-1{n // 4};30;15;{('neck', 'mouth')[n % 2]}" for n in range(16)]
    said = proposed(tmp_path, lines)
    assert not [each for each in (*NAMES, "neck", "mouth", "2021") if each in said]
    assert "# No levels are proposed: each row must be a patient of its own, with an identifier." in said


@pytest.mark.parametrize("ids", ["P{0}", "P{0}{1}", "{2}"])
def test_a_table_with_several_rows_a_patient_shows_no_cell(tmp_path, ids):
    """Written in one way, in another the second time, or in the first row only."""
    lines = ["patient_id;last_follow_up_day;vital_status;Treated by"]
    for n in range(24):
        patient = ids.format(n // 2, " " * (n % 2), "" if n % 2 else f"P{n}")
        lines.append(f"{patient};{400 + n // 2};alive;{NAMES[n // 6]}")
    said = proposed(tmp_path, lines)
    assert not [each for each in NAMES if each in said] and "# No levels are proposed" in said


def test_a_running_number_does_not_make_a_patient_of_each_row(tmp_path):
    lines = ["patient_id;Patient;last_follow_up_day;vital_status;Region"]
    lines += [f"{n};{NAMES[n // 6]};{400 + n // 6};alive;{('neck', 'mouth')[n // 12]}" for n in range(24)]
    said = proposed(tmp_path, lines)
    assert not [each for each in (*NAMES, "neck") if each in said] and "# No levels are proposed" in said


@pytest.mark.parametrize(
    "cells",
    [
        ("0171-5551234", "030-998877"),
        ("10115", "10117"),
        ("no", "12 34 5"),
        ("unclear", "01.02.2020"),
        ("unclear", "1.2.20"),
        ("unclear", "00.03.60"),
        ("unclear", "since 12.03."),
        ("unclear", "3-Mar-20"),
        ("unclear", "2/20"),
        ("unclear", "12. März"),
        ("unclear", "June 2020"),
        ("unclear", "Mar 20"),
        ("2019", "2020", "2021"),
        ("Dr. Kern", "Dr. Lang"),
        ("lives", "Frau Beispiel"),
        ("no", "Mr Miller"),
        ("no", "a.b@c.de"),
    ],
)
def test_cells_with_dates_long_numbers_and_persons_are_not_shown(tmp_path, cells):
    said = proposed(tmp_path, one_row_each("Thing", cells))
    assert "thing: {" not in said and not [each for each in cells[-1:] if each in said]


@pytest.mark.parametrize(
    "heading",
    [
        *(
            "Name",
            "SURNAME",
            "Vorname",
            "nachname",
            "FamilyName",
            "Telefon",
            "Tel.-Nr.",
            "phone",
            "PLZ",
            "Zip",
        ),
        *("Address", "Adresse", "Hausarzt", "Ärztin", "Physician", "Geburtsort", "birth_place", "e-mail"),
        *("Prénom", "Nom", "Apellido", "Cognome", "Medico", "Bemerkungen", "Comment", "Wohnort", "Initials"),
    ],
)
def test_columns_that_are_called_like_something_personal_are_not_shown(tmp_path, heading):
    said = proposed(tmp_path, one_row_each(heading, ("Kern", "Lang")))
    assert "Kern" not in said and "factors" not in said


def test_a_word_in_several_rows_of_one_patient_is_not_asked_about(tmp_path):
    """A table of sites has several rows a patient: what stands in all of one patient's is that one's alone."""
    patients = ["patient_id;last_follow_up_day;vital_status"]
    patients += [f"P{n};{400 + n};alive" for n in range(12)]
    (tmp_path / "patients.csv").write_text("\n".join(patients) + "\n", "utf-8")
    sites = ["patient_id;rt_start_day;course;dose_gy;fractions;rt_field"]
    fields = {0: "Kowalski neck", 1: "wide", 2: "wide"}
    sites += [f"P{n // 3};{20 + n};{1 + n % 3};30;10;{fields.get(n // 3, 'ISRT')}" for n in range(30)]
    (tmp_path / "sites.csv").write_text("\n".join(sites) + "\n", "utf-8")
    said = propose.propose([tmp_path / "patients.csv", tmp_path / "sites.csv"])
    assert "Kowalski" not in said and '"wide"?' in said
    assert (
        "rt_field: 1 more value that is none of" in said and "not shown because it may speak of one" in said
    )


def test_without_identifiers_only_codes_are_asked_about(tmp_path):
    lines = ["time_months,vital_status"]
    lines += [f"{n + 0.5},{('1', '2', 'Kowalski')[n % 3]}" for n in range(30)]
    said = proposed(tmp_path, lines)
    assert 'is meant by "1", "2"?' in said and "Kowalski" not in said


# --- levels that are declared ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ("{x: Same, y: Same}", "the levels 'x' and 'y' have the same label. Label them apart."),
        ("{x: Same, y: ' same '}", "the levels 'x' and 'y' have the same label"),
        ("{0: absent, 1: present, 9: Missing}", "the level '9' cannot be labelled 'Missing'"),
        ("{0: absent, 9: missing}", 'such as `values: {patients: {flt3: {"9": ""}}}`.'),
        ("{x: All, y: other}", "the level 'x' cannot be labelled 'All'"),
        ("{x: all patients, y: other}", "the level 'x' cannot be labelled 'all patients'"),
        ("{x: '', y: other}", "the level 'x' cannot be labelled ''"),
        ("[all patients, other]", "a level cannot be called 'all patients'"),
    ],
)
def test_labels_of_levels_are_apart_from_each_other_and_from_lines_of_tables(tmp_path, levels, said):
    (tmp_path / "p.csv").write_text("patient_id,last_follow_up_day,vital_status,flt3\nA,5,dead,x\n")
    (tmp_path / "cohort.yml").write_text(
        f"tables: {{patients: p.csv}}\nfactors: {{flt3: {{levels: {levels}}}}}\n"
    )
    with pytest.raises(CohortError) as caught:
        read_cohort(tmp_path)
    told = " ".join(str(caught.value).split())
    assert "1 problem" in told and "key factors: flt3" in told and said in told


def test_the_advice_on_a_label_that_means_missing_can_be_followed(tmp_path):
    (tmp_path / "p.csv").write_text(
        "patient_id,last_follow_up_day,vital_status,flt3\nA,5,dead,0\nB,6,dead,1\nC,7,alive,9\n"
    )
    (tmp_path / "cohort.yml").write_text(
        "tables: {patients: p.csv}\nfactors: {flt3: {levels: {0: absent, 1: present}}}\n"
        'values: {patients: {flt3: {"9": ""}}}\n'
    )
    assert read_cohort(tmp_path).patients["flt3"].isna().tolist() == [False, False, True]
