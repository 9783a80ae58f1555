"""Rows of text files whose cells do not stand under their headings, or that another cell has swallowed: told, and
never read. Files whose rows differ in length for a reason are read as they are meant.
"""

import pytest

from analysis_lib.cohort.problems import CohortError
from analysis_lib.intake import raw, reading
from analysis_lib.intake.read import read_cohort

HEAD = "patient_id,vital_status,ldh,last_follow_up_day,remark"
FIXED = """\
patient_id  last_follow_up_day  vital_status  ecog  ipi
A           400                 dead          1     3
B           500                 alive         {}     2
C           600                 alive         0     1
D           650                 dead          2     4
E           655                 dead          2     4
"""


def read(folder, text, name="p.csv"):
    (folder / name).write_bytes(text.encode())
    return reading.read_table(folder, name)


def refused(folder, text, name="p.csv"):
    with pytest.raises(raw.Unreadable) as caught:
        read(folder, text, name)
    return caught.value


# --- longer rows ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shifted", ["C,dead,1,234,700,", "C,dead,700,1,234,", "C,dead,1,234,700,,"])
def test_a_thousand_comma_before_an_empty_last_column_is_told(shifted, tmp_path):
    error = refused(
        tmp_path, f"{HEAD}\nA,dead,250,800,\nB,alive,300,900,seen\n{shifted}\nD,alive,1,211,34,\n"
    )
    assert error.row == 4 and "more cells than the header has columns, as 1 later row does" in error.concern


def test_the_message_names_file_and_row(tmp_path):
    (tmp_path / "p.csv").write_text(f"{HEAD}\nA,dead,250,800,\nC,dead,1,234,700,\n")
    with pytest.raises(CohortError, match="row 3") as caught:
        read_cohort(tmp_path / "p.csv")
    assert "p.csv" in str(caught.value) and "such as 1,234, must stand in quotation marks" in str(
        caught.value
    )


def test_most_rows_with_a_thousand_comma_are_no_habit(tmp_path):
    rows = "".join(f"P{n},dead,200,1,{n + 200},\n" for n in range(30))
    assert refused(tmp_path, f"{HEAD}\n{rows}X,alive,200,800,\n").row == 2


@pytest.mark.parametrize("header", ["id,day", "id,day,", "id,day,,"])
def test_separators_at_the_end_of_every_row_are_fine(header, tmp_path):
    frame = read(tmp_path, f"{header}\n" + "".join(f"P{n},{n},,\n" for n in range(20)))
    assert list(frame.columns) == ["id", "day"] and frame["day"].tolist() == [str(n) for n in range(20)]


def excel(widths):
    """A text file as Excel writes it: each block of 16 rows as wide as its widest row."""
    lines = ["id,day,note" + "," * (widths[0] - 3)]
    for n in range(1, 16 * len(widths)):
        lines.append(f"P{n},{n}" + "," * (widths[n // 16] - 2))
    return "\n".join(lines)


@pytest.mark.parametrize("widths", [(3, 5, 3), (5, 3, 5), (3, 2, 3), (4, 2, 6)])
def test_the_blocks_of_excel_are_fine(widths, tmp_path):
    frame = read(tmp_path, excel(widths))
    assert list(frame.columns) == ["id", "day", "note"] and frame["day"].tolist() == [
        str(n) for n in range(1, 48)
    ]


# --- shorter rows ---------------------------------------------------------------------------------


def test_an_empty_cell_between_blanks_is_told(tmp_path):
    error = refused(tmp_path, FIXED.format(" "), "p.txt")
    assert error.row == 3 and "4 and not 5" in error.concern and "write NA" in error.suggestion
    assert read(tmp_path, FIXED.format("0"), "p.txt")["ipi"].tolist() == ["3", "2", "1", "4", "4"]


def test_blanks_at_the_end_of_a_line_are_no_cell(tmp_path):
    lines = FIXED.format(" ").splitlines()
    for end in ("\n", "\r\n"):
        padded = end.join(f"{line:<70}" for line in lines) + end
        assert refused(tmp_path, padded, "p.txt").row == 3
    padded = "\n".join(f"{line:<70}" for line in FIXED.format("0").splitlines())
    assert read(tmp_path, padded, "p.txt")["ipi"].tolist() == ["3", "2", "1", "4", "4"]


def test_rs_names_of_rows_between_blanks_are_still_known(tmp_path):
    rows = "".join(f'"{n}" "P{n}" {n or "NA"} "dead"\n' for n in range(9))
    text = f'"id" "day" "status"\n{rows}'
    assert read(tmp_path, text, "p.txt")["id"].tolist() == [f"P{n}" for n in range(9)]
    assert refused(tmp_path, text + '"3" "C" "dead"\n', "p.txt").row


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_row_that_ends_early_is_told(separator, tmp_path):
    text = "patient_id,vital_status,last_follow_up_day,ecog,ipi\nA,dead,800,1,3\nB,alive,900,2\nC,dead,700,2,4\nD,alive,1234,0,1\n"
    error = refused(tmp_path, text.replace(",", separator))
    assert error.row == 3 and "fewer cells than the header has columns, 4 and not 5" in error.concern


def test_a_program_that_leaves_out_empty_cells_at_the_end_is_known(tmp_path):
    rows = [
        f"P{n},{n},{'dead' if n % 2 else 'alive'}{',seen again' if n % 3 == 0 else ''}" for n in range(12)
    ]
    frame = read(tmp_path, "id,day,status,remark\n" + "\n".join(rows))
    assert frame["remark"].notna().sum() == 4 and frame["day"].tolist() == [str(n) for n in range(12)]


@pytest.mark.parametrize(
    "rows",
    [
        ["P{n},{n},1,3", "P{n},{n},2"],  # 2 may be either of two numbers
        ["P{n},{n},1,seen", "P{n},{n},seen"],  # a remark stands where a number should
        ["P{n},{n},dead,", "P{n},{n},dead"],  # this program writes empty cells at the end
        ["P{n},{n},dead"],  # nothing ever stands in the last column
    ],
)
def test_short_rows_that_may_have_moved_are_told(rows, tmp_path):
    text = "id,day,ecog,ipi\n" + "".join(rows[n % len(rows)].format(n=n) + "\n" for n in range(24))
    assert "fewer cells" in refused(tmp_path, text).concern


def test_headings_without_a_name_at_the_end_need_no_cells(tmp_path):
    assert read(tmp_path, "id,day,,\nA,1\nB,2,\nC,3,,\n")["day"].tolist() == ["1", "2", "3"]


# --- swallowed rows -------------------------------------------------------------------------------

SWALLOWING = [
    'id,day,status,remark\nP0,40,alive,ok\nP1,41,dead,"unclear\nP2,42,alive,ok\nP3,43,dead,x"\nP4,44,dead,ok\n',
    'id,day,status,remark\nP0,40,alive,ok\nP1,41,"dead,unclear\nP2,42,alive",x\nP4,44,dead,ok\n',
    'id,day,status,remark\nP0,40,alive,ok\nP1,41,dead,"a\r\nP2,42,alive,new remark\r\nP3,43,dead,x"\n',
    'id,day,status,remark\nP0,40,alive,"two\nlines"\nP1,41,dead,"a\nP2,,,\nP3,43,dead,x"\nP4,44,dead,ok\n',
]


@pytest.mark.parametrize("text", SWALLOWING)
def test_two_stray_quotation_marks_swallow_nobody(text, tmp_path):
    error = refused(tmp_path, text)
    assert error.row == 3 and "looks like a row of its own" in error.concern


@pytest.mark.parametrize(
    "remark",
    ["line one\nline two", "seen again\nwell, no fever, slept, ate", "a, b\n\nc, d, e, 5\n", "2 kg\n1,5,,"],
)
def test_remarks_of_several_lines_stay(remark, tmp_path):
    frame = read(tmp_path, f'id,day,status,remark\nP0,40,alive,"{remark}"\nP1,41,dead,ok\n')
    assert frame["remark"].tolist() == [remark.strip(), "ok"] and frame["id"].tolist() == ["P0", "P1"]


def test_headings_of_several_lines_stay(tmp_path):
    assert list(read(tmp_path, '"id","day\n(a,b)"\nP0,40\n').columns) == ["id", "day (a,b)"]


# --- remarks above the headings -------------------------------------------------------------------

CBIOPORTAL = (
    "#Patient Identifier\tSurvival\tStatus\n#Identifier\tOS in months\tOS status\n#STRING\tNUMBER\tSTRING\n#1\t1\t1\n"
    "PATIENT_ID\tOS_MONTHS\tOS_STATUS\nT-0\t5.0\t0:LIVING\nT-1\t8.5\t1:DECEASED\n"
)


def test_the_lines_above_the_headings_of_cbioportal_are_passed_over(tmp_path):
    frame = read(tmp_path, CBIOPORTAL, "p.txt")
    assert list(frame.columns) == ["PATIENT_ID", "OS_MONTHS", "OS_STATUS"] and frame.index.tolist() == [6, 7]
    assert [note["rule"] for note in frame.attrs["notes"]] == ["headings"]


def test_remarks_of_any_width_are_passed_over(tmp_path):
    frame = read(tmp_path, "# exported by x\n# n=2, v1\nid,day,status\nA,4,dead\nB,5,alive\n")
    assert frame["day"].tolist() == ["4", "5"]


@pytest.mark.parametrize("above", ["", "## made by x\n"])
@pytest.mark.parametrize("first", ["#", "#id"])
def test_headings_may_begin_with_a_hash_themselves(above, first, tmp_path):
    frame = read(tmp_path, f"{above}{first},status,site\n1,dead,neck\n2,alive,hip\n")
    assert frame[first].tolist() == ["1", "2"]
    words = read(tmp_path, f"{first},status\nA,dead\nB,alive\nC,dead\n")
    assert words[first].tolist() == ["A", "B", "C"]


def test_rows_that_end_early_by_habit_are_told(tmp_path):
    rows = "".join(f"P{n},dead,{n + 200}\n" if n % 2 else f"P{n},dead,{n + 200},seen\n" for n in range(40))
    notes = read(tmp_path, f"patient_id,vital_status,last_follow_up_day,remark\n{rows}").attrs["notes"]
    assert [(note["rule"], note["row"]) for note in notes] == [("ragged", 3)]
    assert notes[0]["concern"].startswith("20 rows end before the last heading")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_lines_in_one_pair_of_quotation_marks_are_told(separator, tmp_path):
    lines = [separator.join(cells) for cells in (("a", "b", "c"), ("1", "2", "3"), ("4", "5", "6"))]
    said = refused(tmp_path, "".join(f'"{line}"\n' for line in lines))
    assert "each line stands in quotation marks as a whole" in said.concern
    cells = "".join(separator.join(f'"{cell}"' for cell in line.split(separator)) + "\n" for line in lines)
    assert read(tmp_path, cells).columns.tolist() == ["a", "b", "c"]
