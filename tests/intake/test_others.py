"""Others of the kinds of tests/cases: each input is read as what it means, or told, and never read as
something else in silence.
"""

import contextlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analysis_lib.__main__ import main
from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake import propose, raw, reading
from analysis_lib.intake.read import read_cohort

import others

HEAD = "patient_id,last_follow_up_day,vital_status"
LAST = [100 + 37 * n for n in range(1, 13)]


def table(*columns, rows=12, head=HEAD):
    """A text file with the usual three columns, and more: each (heading, function of the row's number)."""
    lines = [",".join([head, *(name for name, _ in columns)])]
    lines += [
        ",".join(
            [
                f"P{n:02}",
                str(100 + 37 * n),
                "dead" if n % 2 else "alive",
                *(str(cell(n)) for _, cell in columns),
            ]
        )
        for n in range(1, rows + 1)
    ]
    return "\n".join(lines) + "\n"


def read(folder, content, name="p.csv", manifest=""):
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    (folder / name).write_bytes(data)
    (folder / "cohort.yml").write_text(f'tables: {{patients: "{name}"}}\n{manifest}', "utf-8")
    study = read_cohort(folder)
    assert (folder / name).read_bytes() == data
    return study


def told(folder, *arguments, **options):
    with pytest.raises(CohortError) as caught:
        read(folder, *arguments, **options)
    return str(caught.value)


# --- files that are read as they are meant ----------------------------------------------------------------------

PLAIN = table(("ecog", lambda n: n % 3))
TABBED = PLAIN.replace(",", "\t")
RIGHT = {
    "a DOS end of file": ("p.csv", PLAIN.encode() + b"\x1a"),
    "a DOS end of file in a Western code page": (
        "p.csv",
        PLAIN.replace("P01", "Pä").encode("cp1252") + b"\x1a",
    ),
    "a block filled up with zeros": ("p.csv", PLAIN.encode() + bytes(4096)),
    "zeros after a byte-order mark": ("p.csv", b"\xef\xbb\xbf" + PLAIN.encode() + bytes(7)),
    "UTF-16 with an end-of-file mark": ("p.csv", (PLAIN + "\x1a").encode("utf-16")),
    "R's row names, tabs, no quotation marks": (
        "p.txt",
        "\n".join((line if n == 0 else f"{n}\t{line}") for n, line in enumerate(TABBED.strip().split("\n")))
        + "\n",
    ),
    "R's row names, blanks and quotation marks": (
        "p.txt",
        "\n".join(
            " ".join(f'"{cell}"' for cell in ([*line.split(",")] if n == 0 else [str(n), *line.split(",")]))
            for n, line in enumerate(PLAIN.strip().split("\n"))
        )
        + "\n",
    ),
    "R's row names after write.table(sep = ',')": (
        "p.csv",
        "\n".join(
            ",".join(f'"{cell}"' for cell in ([*line.split(",")] if n == 0 else [str(n), *line.split(",")]))
            for n, line in enumerate(PLAIN.strip().split("\n"))
        )
        + "\n",
    ),
    "write.csv with its column of numbers": (
        "p.csv",
        "\n".join(f'"{"" if n == 0 else n}",{line}' for n, line in enumerate(PLAIN.strip().split("\n")))
        + "\n",
    ),
    "a title and a blank line above the headings": ("p.csv", "Cohort of 2020\n\n" + PLAIN),
    "a title filled up with separators": ("p.csv", "Cohort of 2020,,,\nN.N.,,,\n" + PLAIN),
    "groups above the headings of a text file": ("p.csv", "Patient,,Outcome,\n" + PLAIN),
    "a hash and a blank in the name": ("#1 list.csv", PLAIN),
    "only a hash before the ending": ("list#.csv", PLAIN),
    "an accent in two characters": ("cohorte_e\u0301te\u0301.csv", PLAIN),
    "a workbook named with a hash": ("list #2.xlsx", others.workbook()),
    "a sheet of a workbook named with a hash": ("list #2.xlsx#Data", others.workbook()),
    "a hidden first sheet": ("p.xlsx", others.workbook(others.hidden_first_sheet)),
    "a title above the headings of a sheet": ("p.xlsx", others.workbook(others.title_above)),
    "merged titles of groups": ("p.xlsx", others.workbook(others.two_groups)),
    "a formatted cell in the last corner": ("p.xlsx", others.workbook(others.far_cell)),
    "Strict Open XML": ("p.xlsx", others.strict()),
    "a workbook with macros by its name": ("p.xlsm", others.workbook()),
    "LibreOffice": ("p.ods", others.ods()),
    "LibreOffice with filtered rows": ("p.ods", others.ods(hidden=True)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_read_as_it_is_meant(name, tmp_path):
    file, data = RIGHT[name]
    stem = file.partition(".xlsx#")[0] + (".xlsx" if ".xlsx#" in file else "")
    data = data if isinstance(data, bytes) else data.encode("utf-8")
    (tmp_path / (stem or file)).write_bytes(data)
    (tmp_path / "cohort.yml").write_text(f'tables: {{patients: "{file}"}}', "utf-8")
    study = read_cohort(tmp_path)
    assert study.patients["last_follow_up_day"].tolist() == LAST and study.patients["ecog"].tolist() == [
        n % 3 for n in range(1, 13)
    ]
    assert set(study.warnings["rule"]) <= {"headings", "hidden", "merged"}
    assert ("headings" in set(study.warnings["rule"])) == ("above" in name or "title" in name)


def test_old_workbooks(tmp_path):
    xlwt = pytest.importorskip("xlwt", reason="nothing else writes .xls")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for row, cells in enumerate([others.HEAD, *others.ROWS]):
        for column, value in enumerate(cells):
            sheet.write(row, column, value)
    sheet.row(4).hidden = True
    book.save(str(tmp_path / "p.xls"))
    study = read(tmp_path, (tmp_path / "p.xls").read_bytes(), "p.xls")
    assert study.patients["last_follow_up_day"].tolist() == LAST and study.warnings["rule"].tolist() == [
        "hidden"
    ]


def test_merged_cells_of_libreoffice_are_filled_and_its_notes_are_no_text(tmp_path):
    study = read(tmp_path, others.ods(), "p.ods")
    assert (
        study.patients["bulky_disease"].tolist() == ["yes"] * 6 + ["no"] * 6
        and study.patients["patient_id"].tolist()[0] == "P01"
    )


def test_a_patient_merged_over_his_sites(tmp_path):
    (tmp_path / "p.xlsx").write_bytes(others.workbook(others.merged_patients))
    (tmp_path / "cohort.yml").write_text('tables: {patients: "p.xlsx#Data", sites: "p.xlsx#Sites"}')
    assert read_cohort(tmp_path).sites["patient_id"].tolist() == ["P01", "P01", "P01", "P02"]


def test_zeros_that_are_shown_before_a_number_are_part_of_the_identifier(tmp_path):
    assert read(tmp_path, others.workbook(others.padded_identifiers), "p.xlsx").patients[
        "patient_id"
    ].tolist()[:2] == ["0002", "0003"]


@pytest.mark.parametrize("suffix", [".sav", ".dta", ".xpt", ".rds"])
def test_files_of_statistics_programs(suffix, tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat", reason="the extra `statistics` is not installed")
    path, frame = tmp_path / f"p{suffix}", others.frame()
    coded = frame.assign(
        vital_status=frame["vital_status"].map({"alive": 0, "dead": 1}), ecog=frame["ecog"].astype(float)
    )
    labels = {
        "vital_status": {0: "alive", 1: "dead"},
        "ecog": {0: "fully active", 1: "restricted", 9: "unknown"},
    }
    columns = {}
    if suffix == ".sav":
        pyreadstat.write_sav(coded, str(path), variable_value_labels=labels)
    elif suffix == ".dta":
        pyreadstat.write_dta(
            coded.assign(ecog=coded["ecog"].astype(int)), str(path), variable_value_labels=labels
        )
    elif suffix == ".xpt":
        columns = {"id": "patient_id", "fu": "last_follow_up_day", "vital": "vital_status", "ecog": "ecog"}
        pyreadstat.write_xport(frame.set_axis(["id", "fu", "vital", "ecog", "bulky"], axis=1), str(path))
    else:
        pytest.importorskip("rdata", reason="the extra `statistics` is not installed")
        # R wrote it of the same frame: d <- read.csv("frame.csv", stringsAsFactors = TRUE);
        # d$patient_id <- as.character(d$patient_id); saveRDS(d, "frame.rds")
        shutil.copyfile(Path(__file__).with_name("files") / "frame.rds", path)
    study = read(
        tmp_path, path.read_bytes(), path.name, f"columns: {{patients: {columns}}}".replace("'", '"')
    )
    assert study.patients["last_follow_up_day"].tolist() == LAST and study.patients["ecog"].tolist() == [
        n % 3 for n in range(1, 13)
    ]
    assert study.patients["vital_status"].tolist() == ["dead", "alive"] * 6


def test_what_reads_a_file_and_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    assert 'which is not installed. Install it with `pip install "salvage-book[statistics]"`' in told(
        tmp_path, b"$FL2 x", "p.sav"
    )


# --- words and numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "word", "says"),
    [
        ("bridging_therapy", "none", 'this can mean no, or "not known"'),
        ("cns_disease", "-", 'this can mean no, or "not known"'),
        ("extranodal_sites", "none", 'this can mean 0, or "not known"'),
        ("disease_sites", "nil", 'this can mean 0, or "not known"'),
        ("disease_sites", "–", 'this can mean 0, or "not known"'),
        ("extranodal_sites", "null", 'this can mean 0, or "not known"'),
        ("cd19_at_failure", "nd", 'this can mean negative, or "not known"'),
        ("disease_sites", "0 sites", "this is not a whole number"),
        ("cns_disease", "absent", "it must be one of yes, no"),
        ("ecog", "9", '`values: {patients: {ecog: {"9": ""}}}`'),
        ("ecog", "99", '`values: {patients: {ecog: {"99": ""}}}`'),
        ("ipi", "-9", '`values: {patients: {ipi: {"-9": ""}}}`'),
        ("next_line_day", "2.000", "could be a number of thousands"),
        ("disease_sites", "2,000", "could be a number of thousands"),
    ],
)
def test_a_word_that_could_be_an_answer_is_asked_for(column, word, says, tmp_path):
    cell = f'"{word}"'
    assert says in told(
        tmp_path,
        table((column, lambda n: cell if n == 3 else {"cd19_at_failure": "positive"}.get(column, "1"))),
    )


@pytest.mark.parametrize(
    ("column", "word", "given"),
    [
        ("ecog", ".", "1"),
        ("ecog", ".a", "1"),
        ("ecog", "._", "1"),
        ("ecog", "#NULL!", "1"),
        ("ecog", "<NA>", "1"),
        ("ecog", "NaN", "1"),
        ("stage", "none", "II"),
        ("failure_day", "-", "50"),
        ("best_response", "n/a", "CR"),
        ("cns_disease", ".z", "yes"),
    ],
)
def test_a_mark_for_missing_is_missing(column, word, given, tmp_path):
    study = read(tmp_path, table((column, lambda n: word if n % 2 else given)))
    assert study.patients[column].isna().tolist() == [True, False] * 6


def test_words_and_empty_cells_are_what_the_manifest_says(tmp_path):
    content = table(
        ("cns_disease", lambda n: "x" if n % 2 else ""),
        ("ecog", lambda n: 9 if n == 1 else 2),
        ("disease_sites", lambda n: "none"),
    )
    manifest = (
        'values: {patients: {cns_disease: {x: yes, "": no}, ecog: {"9": ""}, disease_sites: {none: "0"}}}'
    )
    patients = read(tmp_path, content, manifest=manifest).patients
    assert (
        patients["cns_disease"].tolist() == ["yes", "no"] * 6
        and patients["ecog"].isna().sum() == 1
        and (patients["disease_sites"] == 0).all()
    )


WARNED = {
    "a yes and nothing else": (table(("cns_disease", lambda n: "yes" if n < 4 else "")), "one_answer"),
    "days that are a code": (
        table(("failure_day", lambda n: 50), head=HEAD).replace("544", "999").replace("507", "999"),
        "code",
    ),
    "identifiers that a spreadsheet made dates": (table().replace("P05", "2021-05-01"), "identifier"),
    "identifiers rounded by a spreadsheet": (table().replace("P05", "1.23E+11"), "identifier"),
    "identifiers that differ by case": (table().replace("P05", "p04"), "identifier"),
    "identifiers that differ by a blank": (table().replace("P05", "P 04"), "identifier"),
    "identifiers that differ by zeros": (table().replace("P05", "P4"), "identifier"),
    "progression of everybody": (
        table(
            ("failure_day", lambda n: 10),
            ("salvage_start_day", lambda n: 20),
            ("progression_day", lambda n: 90),
        ),
        "everybody",
    ),
    "a transplant on the last day of the living": (
        table(("failure_day", lambda n: 10), ("transplant_day", lambda n: 100 + 37 * n if n < 8 else "")),
        "everybody",
    ),
    "death counted as relapse": (
        table(("failure_day", lambda n: 100 + 37 * n if n % 2 else "")),
        "everybody",
    ),
    "weeks read as days": (
        "".join([HEAD + "\n"] + [f"P{n},{n * 9},dead\n" for n in range(1, 13)]),
        "time_unit",
    ),
    "values without a heading": (table(("", lambda n: n)), "no_heading"),
    "hidden column": (others.workbook(others.hidden_column), "hidden"),
    "grouped and folded rows": (others.workbook(others.grouped_rows), "hidden"),
    "merged over two columns": (others.workbook(others.merged_over_two_columns), "merged"),
    "months without a day": (others.workbook(others.months_shown), "month_only"),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_odd_of_a_whole_file_is_warned_of(name, tmp_path):
    content, rule = WARNED[name]
    assert rule in set(
        read(tmp_path, content, "p.xlsx" if isinstance(content, bytes) else "p.csv").warnings["rule"]
    )


def test_dates_none_of_which_lies_after_the_twelfth(tmp_path):
    rows = "".join(f"P{n},{n:02}/{1 + n % 12:02}/2020,{n:02}/05/2022,dead\n" for n in range(1, 13))
    study = read(
        tmp_path,
        "patient_id,infusion_date,last_follow_up_date,vital_status\n" + rows,
        manifest='date_format: "%d/%m/%Y"',
    )
    assert study.warnings["rule"].tolist().count("swapped") == 2


def test_dates_exchanged_in_a_text_file_and_the_american_way(tmp_path):
    rows = "".join(
        f"P{n},{f'2020-0{n % 9 + 1}-05' if n % 2 else f'03/{12 + n}/2020'},2022-05-20,dead\n"
        for n in range(1, 13)
    )
    message = told(
        tmp_path,
        "patient_id,infusion_date,last_follow_up_date,vital_status\n" + rows,
        manifest='date_format: "%m/%d/%Y"',
    )
    assert "infusion_date" in message and "are exchanged" in message and message.count("exchanged") == 1


def test_true_dates_after_the_twelfth_show_that_nothing_is_exchanged(tmp_path):
    rows = "".join(
        f"P{n},{f'2020-03-{10 + n}' if n % 2 else f'{12 + n}/03/2020'},2022-05-20,dead\n"
        for n in range(1, 13)
    )
    assert (
        len(
            read(
                tmp_path,
                "patient_id,infusion_date,last_follow_up_date,vital_status\n" + rows,
                manifest='date_format: "%d/%m/%Y"',
            ).patients
        )
        == 12
    )


@pytest.mark.parametrize(
    ("unit", "days"), [("days", 137), ("weeks", 959), ("months", 4170), ("years", 50039)]
)
def test_units(unit, days, tmp_path):
    (tmp_path / "p.csv").write_text(f"{HEAD}\nA,{137 if unit != 'years' else 13.7},dead\nB,2,alive\n")
    (tmp_path / "cohort.yml").write_text(f"tables: {{patients: p.csv}}\ntime_unit: {unit}")
    assert read_cohort(tmp_path).patients["last_follow_up_day"].tolist()[0] == (
        days if unit != "years" else round(13.7 * 365.25)
    )


# --- pairs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "values"),
    [
        (("0", "1"), ""),
        (("no", "yes"), ""),
        (("FALSE", "TRUE"), ""),
        (("nein", "ja"), ""),
        (("1", "2"), 'values: {patients: {progression_event: {"1": no, "2": yes}}}'),
        (("censored", "event"), "values: {patients: {progression_event: {censored: no, event: yes}}}"),
    ],
)
def test_an_event_beside_a_time(codes, values, tmp_path):
    content = table(
        ("failure_day", lambda n: 5),
        ("salvage_start_day", lambda n: 6),
        ("progression_day", lambda n: 50 + n),
        ("progression_event", lambda n: codes[n % 2]),
    )
    study = read(tmp_path, content, manifest=values)
    assert study.patients["progression_day"].fillna(-1).tolist() == [
        50 + n if n % 2 else -1 for n in range(1, 13)
    ]
    assert "progression_event" not in study.patients


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([("failure_event", lambda n: 1)], "no column says when"),
        (
            [("failure_day", lambda n: "" if n == 2 else 40), ("failure_event", lambda n: 1)],
            "it happened, but failure_day does not say when",
        ),
        (
            [("failure_day", lambda n: 40), ("failure_event", lambda n: "" if n == 2 else 1)],
            "this does not say whether it happened then",
        ),
        ([("failure_day", lambda n: 40), ("failure_event", lambda n: n % 3)], "it must be yes or no"),
    ],
)
def test_a_pair_that_does_not_fit_is_told(columns, says, tmp_path):
    assert says in told(tmp_path, table(*columns))


DEATHS = "patient_id,last_follow_up_day,death_day\nA,100,140\nB,200,\nC,,90\n"


def test_the_day_of_death_may_tell_the_vital_status_and_fill_the_last_contact(tmp_path):
    patients = read(tmp_path, DEATHS).patients
    assert patients["last_follow_up_day"].tolist() == [140, 200, 90] and patients[
        "vital_status"
    ].tolist() == ["dead", "alive", "dead"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            DEATHS.replace("death_day", "death_day,vital_status")
            .replace("140", "140,alive")
            .replace("200,", "200,,alive")
            .replace(",90", ",90,dead"),
            "the patient is alive, but has a day of death",
        ),
        (DEATHS.replace("140", "14 0x"), "this is not a whole number"),
        (
            DEATHS.replace("death_day", "Date of death,vital_status")
            .replace("140", "140,dead")
            .replace("200,", "200,,alive")
            .replace(",90", ",,dead"),
            "Map it to death_day",
        ),
    ],
)
def test_a_day_of_death_that_does_not_fit_is_told(content, says, tmp_path):
    assert says in told(tmp_path, content)


def test_death_wins_over_a_later_contact_and_is_warned_of(tmp_path):
    study = read(tmp_path, DEATHS.replace("A,100", "A,150"))
    assert study.patients["last_follow_up_day"].tolist()[0] == 140 and study.warnings["rule"].tolist() == [
        "death_date"
    ]


# --- manifests the other way round ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (
            "columns: {patients: {patient_id: MRN, vital_status: state}}",
            "stand the other way round. Write the name of the file first: `MRN: patient_id`",
        ),
        ("columns: {patients: {MRN: patient_id, vital_status: state}}", "Write `state: vital_status`"),
        (
            "columns: {patients: {MRN: patient_id, state: vital_status}}\nvalues: {patients: {vital_status: "
            "{dead: T, alive: L}}}",
            'Write the word of the file first: `{"T": dead}`',
        ),
    ],
)
def test_entries_the_other_way_round(manifest, says, tmp_path):
    content = "MRN,last_follow_up_day,state\nA,5,T\nB,6,L\n"
    assert says in told(tmp_path, content, manifest=manifest)


# --- small files that would stop a machine ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "p.csv",
            lambda: ",".join(f"c{n}" for n in range(1_000_000)) + "\n",
            "columns or more; at most 2,000 are read",
        ),
        ("p.csv", lambda: HEAD + ("\n" + "," * 1999) * 20_001, "more than 40,000,000 cells"),
        ("p.xlsx", others.wide_workbook, "more than 2,000,000 cells"),
        ("p.xlsx", others.packed_workbook, "MB, which is more than is read"),
        ("p.xlsx", others.entities, "not a readable workbook"),
        ("p.ods", lambda: others.ods(bomb=True), "more than 2,000,000 cells"),
    ],
)
def test_a_small_file_that_grows_is_refused(name, content, says, tmp_path):
    message = told(tmp_path, content(), name)
    assert says in message or "declares entities" in message


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "p.xls",
            b"<html><table><tr><td>patient_id</td></tr></table></html>",
            "this is a web page named .xls",
        ),
        ("p.xls", PLAIN.replace(",", "\t").encode(), "this is text named .xls"),
        ("p.xls", b"<?xml version='1.0'?><Workbook/>", "this is XML named .xls"),
        ("p.ods", others.workbook(), "named .ods"),
        ("p.csv", b"<!DOCTYPE html><table></table>", "this is a web page named .csv"),
        ("p.xlsb", others.workbook(), "files of type .xlsb are not read"),
        ("p.sav", b"no SPSS", "this is not a readable .sav file"),
        ("p.rds", b"no R", "this is not a readable .rds file"),
        ("p.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "not a readable workbook"),
    ],
)
def test_a_file_that_is_not_what_it_is_named(name, content, says, tmp_path):
    assert says in told(tmp_path, content, name)


def test_a_name_with_other_capitals_is_pointed_to(tmp_path):
    (tmp_path / "Patients.CSV").write_text(PLAIN)
    (tmp_path / "cohort.yml").write_text("tables: {patients: patients.csv}")
    with pytest.raises(CohortError, match="Did you mean 'Patients.CSV'"):
        read_cohort(tmp_path)


def test_a_site_whose_patient_is_written_in_another_way_is_pointed_to(tmp_path):
    (tmp_path / "p.csv").write_text(PLAIN)
    (tmp_path / "s.csv").write_text("patient_id,course,rt_start_day\np-01,1,5\nQ9,1,5\n")
    (tmp_path / "cohort.yml").write_text("tables: {patients: p.csv, sites: s.csv}")
    with pytest.raises(CohortError) as caught:
        read_cohort(tmp_path)
    assert (
        "row 2, column patient_id = 'p-01': this patient is not in the patients table, but 'P01' is"
        in str(caught.value)
    )
    assert "row 3, column patient_id = 'Q9': this patient is not in the patients table. Add" in str(
        caught.value
    )


# --- proposals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "cells", "never"),
    [
        ("cens", lambda n: n % 2, "cns_disease"),
        ("CNS", lambda n: 100 + n, "cns_disease"),
        ("relapse", lambda n: n % 2, "failure_day"),
        ("ECOG", lambda n: 50 + n, "ecog"),
        ("stage", lambda n: f"word {n % 7}", "stage"),
        ("dose", lambda n: 4000, "dose_gy"),
        ("recurrence", lambda n: "", "failure_day"),
    ],
)
def test_sure_is_for_what_the_values_confirm(heading, cells, never, tmp_path):
    (tmp_path / "p.csv").write_text(table((heading, cells), rows=24))
    sure = (yaml.load(propose.propose([tmp_path / "p.csv"]), yaml.BaseLoader).get("columns") or {}).get(
        "patients", {}
    )
    assert sure.get(heading) != never


@pytest.mark.parametrize(("word", "unit"), [("years", "years"), ("wks", "weeks"), ("Monate", "months")])
def test_a_unit_in_a_heading_is_proposed(word, unit, tmp_path):
    (tmp_path / "p.csv").write_text(
        "id,os_%s,death\n" % word + "".join(f"{n},{n / 4},{n % 2}\n" for n in range(1, 30))
    )
    assert f"time_unit: {unit}" in propose.propose([tmp_path / "p.csv"])


def test_rotterdam_as_r_has_it(tmp_path):
    rows = "".join(f"{n},{400 + n},{n % 2},{900 + n},{n % 3 % 2}\n" for n in range(1, 40))
    (tmp_path / "p.csv").write_text("pid,rtime,recur,dtime,death\n" + rows)
    read = yaml.load(propose.propose([tmp_path / "p.csv"]), yaml.BaseLoader)["columns"]["patients"]
    assert read == {
        "pid": "patient_id",
        "rtime": "failure_day",
        "recur": "failure_event",
        "dtime": "last_follow_up_day",
        "death": "vital_status",
    }


def in_a_process(encoding, arguments):
    done = subprocess.run(
        [sys.executable, "-m", "analysis_lib", *arguments],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": encoding, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
    )
    return done.stdout


def in_this_process(encoding, arguments):
    said = io.TextIOWrapper(io.BytesIO(), encoding)
    with contextlib.redirect_stdout(said):
        assert main(arguments) == 0
    said.flush()
    return said.buffer.getvalue()


@pytest.mark.parametrize(
    ("encoding", "said_by"),
    [("ascii", in_a_process), ("latin-1", in_this_process), ("utf-8", in_this_process)],
)
def test_a_proposal_in_any_encoding_of_the_terminal_is_the_same_yaml(encoding, said_by, tmp_path):
    (tmp_path / "p.csv").write_text(
        "Fallnr;Präparat;Zuletzt gesehen;Łódź\n"
        + "".join(f"{n};Yescarta;{n}.03.2021;x\n" for n in range(13, 30)),
        "utf-8",
    )
    said = said_by(encoding, ["map", str(tmp_path / "p.csv")]).decode(encoding)
    assert yaml.load(said, yaml.BaseLoader)["columns"]["patients"]["Präparat"] == "car_t_product"


def test_headings_under_two_titles_are_told_apart():
    frame = raw.framed(
        [
            ["Patient", "Baseline", "", "Relapse", ""],
            ["id", "ECOG", "LDH", "ECOG", "LDH"],
            ["1", "0", "5", "1", "6"],
            ["2", "1", "5", "1", "7"],
        ]
    )
    assert list(frame.columns) == [
        "id",
        "Baseline ECOG",
        "Baseline LDH",
        "Relapse ECOG",
        "Relapse LDH",
    ] and frame.index.tolist() == [3, 4]


def test_names_of_rows_that_could_be_identifiers_are_kept(tmp_path):
    (tmp_path / "p.txt").write_text("age\tstatus\nP1\t50\tdead\nP2\t60\talive\n")
    assert list(reading.read_table(tmp_path, "p.txt").columns) == ["row names", "age", "status"]


def test_a_comma_in_every_name_is_not_taken_for_names_of_rows(tmp_path):
    message = told(tmp_path, f"{HEAD}\nMeier, Hans,5,dead\nMuster, Eva,6,alive\n")
    assert "more cells than the header has columns" in message and "row.names = FALSE" in message


def test_a_dose_with_a_comma_in_every_row_is_not_taken_for_names_of_rows(tmp_path):
    assert "more cells than the header" in told(tmp_path, f"{HEAD}\n1,5,5,dead\n2,5,6,alive\n")


# --- REDCap -----------------------------------------------------------------------------------------------------

FIELDS = """Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"Choices, Calculations, OR Slider Labels"
rid,base,,text,Record,
fu,base,,text,<b>Last</b> seen,
vs,base,,radio,Status,"1, alive | 2, dead"
risk,factors,,checkbox,Risk <i>factors</i>,"1, CNS | 2, Bulk | -99, Not done"
ecog,factors,,text,ECOG,
"""
MAP = (
    "redcap: {export: e.csv, dictionary: d.csv}\ncolumns: {patients: {rid: patient_id, fu: "
    "last_follow_up_day, vs: vital_status, "
    "risk___1: cns_disease, risk___2: bulky_disease}}"
)


def of_redcap(folder, export, manifest=MAP, fields=FIELDS):
    (folder / "e.csv").write_text(export)
    (folder / "d.csv").write_text(fields)
    (folder / "cohort.yml").write_text(manifest)
    study = read_cohort(folder)
    return study.patients["cns_disease"].astype("string").fillna("").tolist(), study.warnings["rule"].tolist()


@pytest.mark.parametrize(
    ("row", "cns"),
    [
        ("0,0,0,,0", ""),
        ("0,0,0,,", ""),
        ("0,0,0,,1", ""),
        ("0,0,0,,2", "no"),
        ("0,0,0,1,0", "no"),
        ("0,1,0,,0", "no"),
        ("1,0,0,,0", "yes"),
        ("0,0,1,,2", ""),
        ("0,1,1,,2", ""),
        ("1,0,1,,2", "yes"),
    ],
)
def test_a_box_says_no_only_in_a_form_that_somebody_filled_in(row, cns, tmp_path):
    answers, _ = of_redcap(
        tmp_path,
        f"rid,fu,vs,base_complete,risk___1,risk___2,risk____99,ecog,factors_complete\n1,5,1,2,{row}\n2,5,2,2,1,0,0,1,2\n",
    )
    assert answers == [cns, "yes"]


def test_labels_and_the_columns_on_completeness_of_several_forms(tmp_path):
    head = (
        "Record,Last seen,Status,Complete?,Risk factors (choice=CNS),Risk factors (choice=Bulk),Risk "
        "factors (choice=Not done),ECOG,Complete?\n"
    )
    answers, _ = of_redcap(
        tmp_path,
        head + "1,5,alive,Complete,Unchecked,Unchecked,Unchecked,,Incomplete\n"
        "2,5,dead,Complete,Unchecked,Unchecked,Checked,,Complete\n3,5,dead,Complete,Unchecked,Checked,Unchecked,1,Complete\n",
    )
    assert answers == ["", "", "no"]


def test_without_a_dictionary_the_columns_on_completeness_part_the_forms(tmp_path):
    manifest = (
        MAP.replace(", dictionary: d.csv", "") + "\nvalues: {patients: {vital_status: {1: alive, 2: dead}}}"
    )
    answers, _ = of_redcap(
        tmp_path,
        "rid,fu,vs,base_complete,risk___1,risk___2,ecog,factors_complete\n1,5,1,2,0,0,,0\n2,5,2,2,0,1,,2\n",
        manifest,
    )
    assert answers == ["", "no"]


def test_boxes_without_a_column_on_completeness_are_warned_of(tmp_path):
    fields = FIELDS.replace("ecog,factors", "ecog,base")
    answers, rules = of_redcap(
        tmp_path, "rid,fu,vs,ecog,risk___1,risk___2\n1,5,1,1,0,0\n2,5,2,1,1,0\n", fields=fields
    )
    assert answers == ["no", "yes"] and rules == ["empty_form"]
