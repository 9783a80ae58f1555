"""The check: what is odd is warned of and stops nothing; the answer is the same in the terminal, as CSV and
as a page.
"""

import csv
import io

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from IPython.display import display

from analysis_lib.__main__ import main
from analysis_lib.analyses import participants
from analysis_lib.cohort.problems import CohortError
from analysis_lib.dictionary import columns as dictionary
from analysis_lib.dictionary import rules
from analysis_lib.intake import check_report
from analysis_lib.intake.bundled import bundled_cohorts
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows.released import public
from analysis_lib.show import notes

from everywhere import as_html, everywhere

PATIENTS = "patient_id,last_follow_up_day,vital_status"
COURSE = "patient_id,last_follow_up_day,vital_status,failure_day,salvage_start_day,salvage_regimen"


def written(folder, manifest="", **tables):
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(content, "utf-8")
    named = ", ".join(f"{name}: {name}.csv" for name in tables)
    (folder / "cohort.yml").write_text(f"tables: {{{named}}}\n{manifest}", "utf-8")
    return folder


def warned(folder):
    """Rule, row and field of each warning."""
    found = read_cohort(folder).warnings
    assert set(found["severity"]) <= {"warning"}
    return [
        tuple(row)
        for row in found[["rule", "row", "field"]].astype({"row": "object"}).itertuples(index=False)
    ]


def patients(number=12, last=500, status=("alive", "dead"), extra="", values=""):
    return f"{PATIENTS}{extra}\n" + "".join(
        f"P{i},{last + i},{status[i % len(status)]}{values}\n" for i in range(number)
    )


@pytest.mark.parametrize("name", bundled_cohorts())
def test_the_bundled_cohorts_have_nothing_odd(name):
    assert read_cohort(name).warnings.empty


@pytest.mark.parametrize(
    ("columns", "row", "rule", "field"),
    [
        ("failure_day,failure_pattern", "A,100,dead,,local", "together", "failure_pattern"),
        ("salvage_start_day", "A,100,dead,50", None, None),
        ("failure_day,salvage_start_day", "A,100,dead,,50", "together", "salvage_start_day"),
        (
            "bridging_radiotherapy,bridging_therapy",
            "A,100,dead,yes,no",
            "contradiction",
            "bridging_radiotherapy",
        ),
        ("response_day,best_response", "A,100,dead,30,PD", "contradiction", "response_day"),
        ("complete_response_day,best_response", "A,100,dead,30,PR", "contradiction", "complete_response_day"),
        ("complete_response_day,best_response", "A,100,dead,30,CR", None, None),
        ("ldh_elevatd", "A,100,dead,yes", "unused_column", "ldh_elevatd"),
        ("LDH elevated", "A,100,dead,yes", "unused_column", "LDH elevated"),
        ("height", "A,100,dead,170", None, None),
    ],
)
def test_what_is_odd_in_one_row_is_warned_of(tmp_path, columns, row, rule, field):
    found = warned(written(tmp_path, patients=f"{PATIENTS},{columns}\n{row}\n"))
    place = pd.NA if rule == "unused_column" else 2
    assert [(each[0], each[2]) for each in found] == ([(rule, field)] if rule else [])
    assert all(pd.isna(each[1]) == pd.isna(place) for each in found)


@pytest.mark.parametrize("word", ["Mean", "TOTAL:", "Summe", "moyenne", "Std Dev", "median "])
def test_a_line_of_totals_below_the_table_is_no_patient(tmp_path, word):
    folder = written(tmp_path, patients=patients() + f"{word},505,dead\n")
    assert warned(folder) == [("identifier", 14, "patient_id")]


@pytest.mark.parametrize("name", ["Max", "P-total", "Mean1", "N"])
def test_who_is_called_almost_so_is_a_patient(tmp_path, name):
    assert warned(written(tmp_path, patients=patients() + f"{name},505,dead\n")) == []


def test_a_second_column_of_almost_one_name_is_not_said_to_be_a_third(tmp_path):
    folder = written(tmp_path, patients=patients(extra=",Last_Follow_up_day", values=",7"))
    (concern,) = read_cohort(folder).warnings["concern"]
    assert "the file has last_follow_up_day as well, and that is read" in concern


@pytest.mark.parametrize(
    ("parts", "ipi", "odd"),
    [
        ("yes,2,yes,III,2", 5, False),
        ("yes,2,yes,III,2", 4, True),
        ("no,1,no,II,1", 0, False),
        ("no,1,no,II,1", 1, True),
        ("yes,2,,,", 1, True),
        ("yes,2,,,", 2, False),
        ("yes,2,,,", 5, False),
        ("no,1,,,", 4, True),
        ("no,1,,,", 3, False),
        (",,,,", 5, False),
    ],
)
def test_an_ipi_must_lie_between_what_its_known_parts_allow(tmp_path, parts, ipi, odd):
    found = warned(
        written(
            tmp_path,
            patients=f"{PATIENTS},over_60,ecog,ldh_elevated,stage,extranodal_sites,ipi\nA,9,dead,{parts},{ipi}\n",
        )
    )
    assert found == ([("ipi", 2, "ipi")] if odd else [])


def test_an_ipi_whose_parts_have_no_columns_may_be_anything_they_allow(tmp_path):
    assert warned(
        written(tmp_path, patients=f"{PATIENTS},ecog,ipi\nA,9,dead,3,1\nB,9,dead,3,0\nC,9,dead,1,5\n")
    ) == [("ipi", 3, "ipi"), ("ipi", 4, "ipi")]


def test_lines_are_held_against_the_patients_table(tmp_path):
    folder = written(
        tmp_path,
        patients=f"{COURSE},next_line_day\nA,100,dead,5,10,RT,20\nB,101,dead,5,10,RT,20\n",
        lines="patient_id,line,line_start_day,modality\nA,1,10,RT\nA,2,20,ST\nB,1,11,CMT\nB,2,21,ST\n",
    )
    assert warned(folder) == [
        ("first_line", 4, "line_start_day"),
        ("first_line", 4, "modality"),
        ("second_line", 5, "line_start_day"),
    ]


def test_one_patient_under_two_identifiers(tmp_path):
    assert warned(
        written(tmp_path, patients=f"{COURSE}\nA,100,dead,5,10,RT\nB,100,dead,5,10,RT\nC,101,dead,5,10,RT\n")
    ) == [("twins", 3, "patient_id")]


def test_screening_is_held_against_the_patients_table(tmp_path):
    folder = written(
        tmp_path,
        patients=f"{PATIENTS}\nA,100,dead\n",
        screening="patient_id,included,exclusion_reason\nA,yes,other\nB,yes,\nC,no,\n",
    )
    assert warned(folder) == [("screening", 2, "exclusion_reason"), ("screening", 3, "patient_id")]


@pytest.mark.parametrize(
    ("last", "unit", "odd"),
    [
        (500, "days", False),
        (60, "days", True),
        (12, "days", True),
        (60, "months", False),
        (500, "months", True),
    ],
)
def test_times_in_another_unit(tmp_path, last, unit, odd):
    found = warned(written(tmp_path, f"time_unit: {unit}", patients=patients(last=last)))
    assert [each[0] for each in found] == (["time_unit"] if odd else [])


def test_a_few_short_times_say_nothing_of_their_unit(tmp_path):
    assert warned(written(tmp_path, patients=patients(number=9, last=12))) == []


def test_nobody_or_everybody_died(tmp_path):
    assert [each[0] for each in warned(written(tmp_path, patients=patients(status=("dead",))))] == [
        "constant"
    ]


def test_a_date_of_birth_in_place_of_another_date(tmp_path):
    folder = written(
        tmp_path,
        patients="patient_id,infusion_date,last_follow_up_date,vital_status\nA,1958-03-28,2020-03-28,dead\n",
    )
    assert warned(folder) == [("old_date", 2, "infusion_date")]


def test_every_rule_of_the_warnings_has_its_sentence_and_every_order_its_columns():
    assert all(sentence[0].isupper() and not sentence.endswith(".") for sentence in rules.WARNINGS.values())
    named = {column for pair in (*rules.ORDER, *rules.TOGETHER) for column in pair}
    named |= {column for first, _, second, _ in rules.CONTRADICTIONS for column in (first, second)}
    assert named <= set(dictionary.PATIENTS.columns)


# --- in the book ----------------------------------------------------------------------------------


@pytest.fixture
def odd(tmp_path):
    """Twenty patients, of whom seven have an odd IPI and three salvage without failure, and one date unit in
    doubt.
    """
    rows = "".join(
        f"SECRET{i},{20 + i},{'dead' if i % 2 else 'alive'},{'' if i < 3 else 5},10,RT,2,{0 if i < 7 else 1}\n"
        for i in range(20)
    )
    return written(tmp_path, patients=f"{COURSE},ecog,ipi\n{rows}")


def test_the_book_is_told_numbers_of_patients_and_small_ones_are_not(odd):
    study = read_cohort(odd)
    rows = participants.noticed(replace_count(study, 5)).set_index("result_id")
    assert rows.loc["check.ipi", "value"] == 7 and rows.loc["check.ipi", "note"] == ""
    assert (
        pd.isna(rows.loc["check.together", "value"]) and rows.loc["check.together", "note"] == "fewer than 5"
    )
    assert pd.isna(rows.loc["check.time_unit", "value"]) and rows.loc["check.time_unit", "note"] == ""
    assert (
        participants.noticed(replace_count(study, 0)).set_index("result_id").loc["check.together", "value"]
        == 3
    )
    assert "SECRET" not in rows.reset_index().to_csv()


def replace_count(study, fewest):
    """The cohort with another smallest number that may be shown."""

    class Study:
        warnings, min_cell_count = study.warnings, fewest

    return Study


def test_the_page_lists_them_and_nothing_when_there_is_none(odd, capsys, monkeypatch):
    shown = []
    everywhere(monkeypatch, display, lambda made, **_: shown.append(as_html(made)))
    notes.noticed(public(participants.noticed(replace_count(read_cohort(odd), 5))))
    lines = [line.text for line in BeautifulSoup(shown[0], "html.parser").select("li")]
    assert "The IPI disagrees with its parts: 7 patients." in lines
    assert "A value is given, but not the moment that it speaks of: fewer than 5 patients." in lines
    assert "The times of follow-up look as if they were in another unit." in lines
    notes.noticed(public(participants.noticed(read_cohort("lymphoma"))))
    assert len(shown) == 1


def test_a_subset_is_told_of_its_own_patients(odd):
    (odd / "cohort.yml").write_text("tables: {patients: patients.csv}\nsubset: last_follow_up_day < 25")
    study = read_cohort(odd)
    assert len(study.patients) == 5 and (study.warnings["rule"] == "ipi").sum() == 5


# --- the answer -----------------------------------------------------------------------------------


def test_warnings_stop_nothing_and_are_listed(odd, capsys):
    assert main(["check", str(odd)]) == 0
    told = capsys.readouterr()
    assert (
        "11 warnings; a book can be built" in told.out
        and told.err == ""
        and "keep it in the hospital" in told.out
    )
    assert "… and the same in 4 more rows" in told.out and "patients: 20 rows" in told.out


HOSTILE = f"{PATIENTS},stage,salvage_start_day\n=A1,-5,+dead,@SUM(A1),<img src=x>\n"


def test_csv_and_page_hold_the_same_rows_and_nothing_that_runs(tmp_path, capsys):
    folder = written(tmp_path, patients=HOSTILE)
    assert (
        main(["check", str(folder), "--csv", str(tmp_path / "r.csv"), "--html", str(tmp_path / "r.html")])
        == 1
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text("utf-8-sig"))))
    problems = caught(folder)
    assert [row["concern"] for row in rows] == problems["concern"].tolist() and len(rows) >= 5
    assert not [
        cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@" and not cell[1:].isdigit()
    ]
    page = BeautifulSoup((tmp_path / "r.html").read_text("utf-8"), "html.parser")
    cells = [[cell.text for cell in line.select("td")] for line in page.select("tbody tr")]
    assert [line[4] for line in cells] == problems["concern"].tolist() and "<img src=x>" in [
        line[3] for line in cells
    ]
    assert (
        not page.select("img, script, link, [src], [href]") and page.html["lang"] == "en" and page.title.text
    )
    assert all(head["scope"] == "col" for head in page.select("th")) and page.select("table caption")
    assert [heading.name for heading in page.select("h1, h2")] == ["h1", "h2"]
    assert "keep it in the hospital" in page.text


def caught(folder):
    with pytest.raises(CohortError) as error:
        read_cohort(folder)
    return error.value.problems


def test_a_report_replaces_an_older_report_and_nothing_else(tmp_path, capsys):
    folder = written(tmp_path, patients=HOSTILE)
    for name in ("patients.csv", "cohort.yml"):
        before = (folder / name).read_bytes()
        for option in ("--csv", "--html"):
            assert main(["check", str(folder), option, str(folder / name)]) == 1
            assert "no report" in capsys.readouterr().err and (folder / name).read_bytes() == before
    for option in ("--csv", "--html"):
        target = folder / f"r{option}"
        assert (
            main(["check", str(folder), option, str(target)]) == 1
            and main(["check", str(folder), option, str(target)]) == 1
        )
        assert "no report" not in capsys.readouterr().err
    assert main(["check", str(folder), "--csv", str(tmp_path / "nowhere" / "r.csv")]) == 1
    assert "the report cannot be written" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_nothing_of_the_terminal_is_steered_by_a_file(tmp_path, capsys):
    (tmp_path / "cohort.yml").write_text('tables: {patients: p.csv}\n"\\e[2Jtitle": x\n')
    assert main(["check", str(tmp_path)]) == 1 and main(["build", str(tmp_path)]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_list_is_aligned(width, tmp_path):
    lines = check_report.as_lines(caught(written(tmp_path, patients=HOSTILE)), width)
    start = lines[2].index("concern")
    assert all(line[start - 2 : start].strip() == "" and line[start:].strip() for line in lines[3:-1])


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_word_is_lost_on_a_narrow_terminal_and_none_is_markup(width):
    told = "the value [bold]is[/bold] none :smile: of those that a column of this kind may have, is it"
    found = pd.DataFrame(
        [["error", "patients", row, "vital_status", "v" * 30, told, "correct it"] for row in range(5)],
        columns=check_report.COLUMNS,
    )
    lines = check_report.as_lines(found, width)
    said = " ".join(" ".join(lines).split())
    for word in [*told.split()[1:], "vital_status", "→ correct it", "… and the same in 2 more rows"]:
        assert word in said
    assert "\x1b" not in said and all(line == line.rstrip() for line in lines)
