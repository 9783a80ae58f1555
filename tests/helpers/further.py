"""Further inputs of the kinds of tests/cases, invented for the purpose: text files, workbooks and names of files.

What each gives stands in tests/cases/further.csv; tests/intake/test_further.py compares.
"""

import datetime
import io
import zipfile

from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

import others

H = "patient_id,last_follow_up_day,vital_status"


def rows(
    extra="",
    cells=None,
    n=24,
    ident=lambda i: f"P{i:02}",
    day=lambda i: 100 + 37 * i,
    stat=lambda i: "dead" if i % 2 else "alive",
    head=H,
):
    """A table with the three columns that a cohort needs, and more."""
    lines = [head + ("," + extra if extra else "")]
    for i in range(1, n + 1):
        more = cells(i) if cells else ()
        more = more if isinstance(more, tuple) else (more,)
        lines.append(",".join(str(cell) for cell in (ident(i), day(i), stat(i), *more)))
    return "\n".join(lines) + "\n"


def date(how, i, plus):
    return (datetime.date(2019, 1, 3) + datetime.timedelta(days=11 * i + plus)).strftime(how)


def dtable(how, extra="", cells=lambda i: ""):
    """The same with dates, written in some way."""
    lines = ["patient_id,infusion_date,last_follow_up_date,vital_status" + extra]
    for i in range(1, 25):
        status = "dead" if i % 2 else "alive"
        lines.append(f"P{i:02},{date(how, i, 0)},{date(how, i, 100 + 37 * i)},{status}{cells(i)}")
    return "\n".join(lines) + "\n"


D = {}  # text files: content and further lines of cohort.yml
D["status 1/2 as R's lung (1 censored, 2 dead)"] = (rows(stat=lambda i: "2" if i % 2 else "1"), "")
D["status 0/1 of vital_status unmapped"] = (rows(stat=lambda i: str(i % 2)), "")
D["status TRUE/FALSE"] = (rows(stat=lambda i: "TRUE" if i % 2 else "FALSE"), "")
D["event pair Y/N"] = (rows("failure_day,failure_event", lambda i: (50 + i, "Y" if i % 3 else "N")), "")
D["event pair 0/1/2 (competing)"] = (rows("failure_day,failure_event", lambda i: (50 + i, i % 3)), "")
D["event pair with blanks for no"] = (
    rows("failure_day,failure_event", lambda i: (50 + i, "1" if i % 3 else "")),
    "",
)
D["event pair with decimals 1.0/0.0"] = (
    rows("failure_day,failure_event", lambda i: (50 + i, "1.0" if i % 3 else "0.0")),
    "",
)
D["failure of everybody at last follow up"] = (rows("failure_day", lambda i: 100 + 37 * i), "")
D["failure -1 where none"] = (rows("failure_day", lambda i: -1 if i % 2 else 50 + i), "")
D["failure 0 where none"] = (rows("failure_day", lambda i: 0 if i % 2 else 50 + i), "")
D["failure 9999 where none"] = (rows("failure_day", lambda i: 9999 if i % 2 else 50 + i), "")
D["death date before last contact"] = (rows("death_day", lambda i: 50 + 37 * i if i % 2 else ""), "")
D["death day of the living"] = (rows("death_day", lambda i: 100 + 37 * i), "")
D["death date placeholder 9999-12-31"] = (
    dtable(
        "%Y-%m-%d",
        ",death_date",
        lambda i: "," + (date("%Y-%m-%d", i, 100 + 37 * i) if i % 2 else "9999-12-31"),
    ),
    "",
)
D["death date placeholder 1900-01-01"] = (
    dtable(
        "%Y-%m-%d",
        ",death_date",
        lambda i: "," + (date("%Y-%m-%d", i, 100 + 37 * i) if i % 2 else "1900-01-01"),
    ),
    "",
)
D["dates with two-digit years d.m.y"] = (dtable("%d.%m.%y"), 'date_format: "%d.%m.%y"')
D["dates with two-digit years, no format"] = (dtable("%d.%m.%y"), "")
D["dates d-b-Y SAS (03JAN2019)"] = (dtable("%d%b%Y"), "")
D["dates d-b-Y SAS with format"] = (dtable("%d%b%Y"), 'date_format: "%d%b%Y"')
D["dates with time 2019-01-14 00:00:00"] = (dtable("%Y-%m-%d 00:00:00"), "")
D["dates ISO with T and Z"] = (dtable("%Y-%m-%dT00:00:00Z"), "")
D["dates as Excel serials"] = (
    "\n".join(
        ["patient_id,infusion_date,last_follow_up_date,vital_status"]
        + [f"P{i},{43000 + i},{43100 + 40 * i},{'dead' if i % 2 else 'alive'}" for i in range(1, 20)]
    )
    + "\n",
    "",
)
D["dates as 20190114"] = (dtable("%Y%m%d"), "")
D["dates as 20190114 with format"] = (dtable("%Y%m%d"), 'date_format: "%Y%m%d"')
D["dates m/Y only"] = (dtable("%m/%Y"), "")
D["dates year only"] = (dtable("%Y"), "")
D["dates mixed d/m/Y and ISO"] = (
    dtable("%d/%m/%Y").replace("P03,05/02/2019", "P03,2019-02-05"),
    'date_format: "%d/%m/%Y"',
)
D["all days <= 12 in d/m with wrong format m/d"] = (
    "patient_id,infusion_date,last_follow_up_date,vital_status\n"
    + "".join(
        f"P{i},0{i % 9 + 1}/0{i % 8 + 1}/2019,0{i % 7 + 1}/0{i % 9 + 1}/2021,dead\n" for i in range(1, 20)
    ),
    'date_format: "%m/%d/%Y"',
)
D["years as decimals with time_unit years"] = (rows(day=lambda i: round(0.3 * i, 2)), "time_unit: years")
D["years as decimals with no unit"] = (rows(day=lambda i: round(0.3 * i, 2)), "")
D["years with comma decimal"] = (
    rows(day=lambda i: round(0.3 * i, 2)).replace(",", ";").replace(".", ","),
    "time_unit: years",
)
D["months ints no unit"] = (rows(day=lambda i: 3 * i), "")
D["weeks ints no unit"] = (rows(day=lambda i: 12 * i), "")
D["hours? days*24 huge"] = (rows(day=lambda i: 24 * (100 + 37 * i) * 10), "")
D["days with thousands 1.234"] = (rows(day=lambda i: f"1.{100 + i}"), "")
D["days with thousands 1 234 (nbsp)"] = (rows(day=lambda i: f"1\u00a0{100 + i}"), "")
D["days with thousands 1'234"] = (rows(day=lambda i: f"1'{100 + i}"), "")
D["days with unit in cell '100 d'"] = (rows(day=lambda i: f"{100 + i} d"), "")
D["days >1000 as '>1000'"] = (rows(day=lambda i: ">1000" if i == 5 else 100 + i), "")
D["days in scientific 1.0E+02"] = (rows(day=lambda i: "1.0E+02"), "")
D["days with trailing .0"] = (rows(day=lambda i: f"{100 + i}.0"), "")
D["days fractional 100.5"] = (rows(day=lambda i: f"{100 + i}.5"), "")
D["ids differ by case"] = (rows(ident=lambda i: ["a1", "A1"][i - 1] if i < 3 else f"P{i}"), "")
D["ids differ by inner blank"] = (rows(ident=lambda i: ["P 1", "P1"][i - 1] if i < 3 else f"Q{i}"), "")
D["ids with full-width digits"] = (rows(ident=lambda i: ["１", "1"][i - 1] if i < 3 else f"Q{i}"), "")
D["ids in scientific 1.23E+11"] = (rows(ident=lambda i: f"1.2345{i:02}E+11"), "")
D["ids -> Excel months (MAR-1)"] = (rows(ident=lambda i: f"{i}-Mar"), "")
D["ids with zero width space"] = (rows(ident=lambda i: ["P1\u200b", "P1"][i - 1] if i < 3 else f"Q{i}"), "")
D["ids duplicated whole rows"] = (
    rows(ident=lambda i: f"P{(i + 1) // 2}", day=lambda i: 100 + 37 * ((i + 1) // 2), stat=lambda i: "dead"),
    "",
)
D["totals row at the end"] = (rows() + "Total,13500,12\n", "")
D["mean row at the end w/out id"] = (rows() + ",562,\n", "")
D["footnote row at the end"] = (rows() + '"* as of June 2024",,\n', "")
D["blank rows then legend"] = (rows() + "\n\nLegend,,\n0 = alive,,\n", "")
D["ecog as roman"] = (rows("ecog", lambda i: ["0", "I", "II"][i % 3]), "")
D["ecog as 0-1"] = (rows("ecog", lambda i: "0-1" if i == 4 else i % 3), "")
D["ecog as date 2-Jan"] = (rows("ecog", lambda i: "02.Jan" if i == 4 else i % 3), "")
D["stage as number"] = (rows("stage", lambda i: 1 + i % 4), "")
D["stage with suffix IIIB"] = (rows("stage", lambda i: "IIIB" if i == 3 else "II"), "")
D["stage arabic+letter 3A"] = (rows("stage", lambda i: "3A"), "")
D["yes/no ja/nein"] = (rows("bulky_disease", lambda i: "ja" if i % 2 else "nein"), "")
D["yes/no pos/neg"] = (rows("bulky_disease", lambda i: "pos" if i % 2 else "neg"), "")
D["yes/no +/-"] = (rows("bulky_disease", lambda i: "+" if i % 2 else "-"), "")
D["yes/no x/blank"] = (rows("bulky_disease", lambda i: "x" if i % 2 else ""), "")
D["yes/no 1/2 codes"] = (rows("bulky_disease", lambda i: 1 + i % 2), "")
D["yes/no check marks"] = (rows("bulky_disease", lambda i: "✓" if i % 2 else "✗"), "")
D["number none word"] = (rows("disease_sites", lambda i: "none" if i % 2 else 2), "")
D["number 'no'"] = (rows("disease_sites", lambda i: "no" if i % 2 else 2), "")
D["number 'multiple'"] = (rows("disease_sites", lambda i: "multiple" if i == 2 else 2), "")
D["number '>3'"] = (rows("disease_sites", lambda i: ">3" if i == 2 else 2), "")
D["sas missing .A"] = (rows("ecog", lambda i: ".A" if i == 2 else 1), "")
D["refused code 77"] = (rows("ecog", lambda i: 77 if i == 2 else 1), "")
D["#DIV/0!"] = (rows("disease_sites", lambda i: "#DIV/0!" if i == 2 else 1), "")
D["#N/A"] = (rows("disease_sites", lambda i: "#N/A" if i == 2 else 1), "")
D["columns with trailing blanks"] = (rows(head="patient_id , last_follow_up_day ,vital_status "), "")
D["columns in capitals"] = (rows(head=H.upper()), "")
D["columns with BOM + quoted"] = (
    "\ufeff" + rows(head='"patient_id","last_follow_up_day","vital_status"'),
    "",
)
D["two columns same heading"] = (rows("ecog,ecog", lambda i: (i % 3, (i + 1) % 3)), "")
D["sep= line"] = ("sep=,\n" + rows(), "")
D["cr line ends (old Mac)"] = (rows().replace("\n", "\r"), "")
D["control-Z in the middle"] = (rows().replace("P05", "P05\x1a"), "")
D["nul in the middle"] = (rows().replace("P05", "P0\x005"), "")
D["pipe separated"] = (rows().replace(",", "|"), "")
D["fixed width"] = (
    "\n".join("  ".join(cell.ljust(20) for cell in line.split(",")) for line in rows().splitlines()) + "\n",
    "",
)
D["comment lines # on top"] = ("# exported 2024\n" + rows(), "")
D["units row under heading"] = (rows().replace("\n", "\n,days,\n", 1), "")
D["description row under heading (REDCap labels/Qualtrics)"] = (
    rows().replace("\n", "\nPatient number,Days to last contact,Vital status\n", 1),
    "",
)
D["columns: other way round"] = (
    rows(head="nr,fu,vs"),
    "columns: {patients: {patient_id: nr, last_follow_up_day: fu, vital_status: vs}}",
)
D["columns: half other way round"] = (
    rows(head="nr,fu,vs"),
    "columns: {patients: {patient_id: nr, fu: last_follow_up_day, vs: vital_status}}",
)

WORKBOOKS = {}


def changed(change):
    """A workbook of twelve patients, after somebody worked in it."""
    WORKBOOKS[f"workbook: {change.__name__.replace('_', ' ')}"] = others.workbook(change)
    return change


def hide(sheet, numbers):
    for number in numbers:
        sheet.row_dimensions[number].hidden = True


@changed
def filtered(book, sheet):
    sheet.auto_filter.ref = "A1:E13"
    sheet.auto_filter.add_filter_column(2, ["dead"])
    hide(sheet, (3, 5, 7))


@changed
def hidden_all(book, sheet):
    hide(sheet, range(2, 14))


@changed
def struck_out(book, sheet):
    for cell in sheet[5]:
        cell.font = Font(strike=True)


@changed
def white_on_white(book, sheet):
    for cell in sheet[5]:
        cell.font = Font(color="FFFFFF")


@changed
def hidden_sheet_data(book, sheet):
    n = book.create_sheet("Front")
    n.append(["see data"])
    sheet.sheet_state = "hidden"
    book.active = 1


@changed
def formula(book, sheet):
    sheet["B3"] = "=100+5"


@changed
def text_numbers(book, sheet):
    for r in range(2, 14):
        sheet.cell(r, 2).value = str(sheet.cell(r, 2).value)


@changed
def format_of_percent(book, sheet):
    for r in range(2, 14):
        sheet.cell(r, 4).number_format = "0%"


@changed
def true_and_false(book, sheet):
    for r in range(2, 14):
        sheet.cell(r, 5).value = bool(r % 2)


@changed
def subtotal(book, sheet):
    sheet.append(["Total", sum(range(10)), None, None, None])


@changed
def two_tables(book, sheet):
    sheet.cell(1, 8, "patient_id")
    sheet.cell(1, 9, "ecog")
    sheet.cell(2, 8, "X1")
    sheet.cell(2, 9, 3)


@changed
def blank_between(book, sheet):
    sheet.insert_rows(6)


@changed
def blank_col(book, sheet):
    sheet.insert_cols(3)


@changed
def repeat_head(book, sheet):
    sheet.insert_rows(8)
    for place, heading in enumerate(others.HEAD, 1):
        sheet.cell(8, place, heading)


@changed
def merge_head(book, sheet):
    sheet.merge_cells("D1:E1")


@changed
def merge_id(book, sheet):
    sheet["A3"] = None
    sheet.merge_cells("A2:A3")


@changed
def dates_text(book, sheet):
    sheet["B1"], sheet["F1"] = "last_follow_up_date", "infusion_date"
    for r in range(2, 14):
        sheet.cell(r, 2).value = datetime.datetime(2021, 3, r + 10)
        sheet.cell(r, 6).value = f"2020-01-{r:02}"


@changed
def time_of_day(book, sheet):
    sheet["B1"], sheet["F1"] = "last_follow_up_date", "infusion_date"
    for r in range(2, 14):
        sheet.cell(r, 2).value = datetime.datetime(2021, 3, r + 10, 23, 30)
        sheet.cell(r, 6).value = datetime.datetime(2020, 1, r, 0, 5)


@changed
def dates_from_1904(book, sheet):
    dates_text(book, sheet)
    book.epoch = CALENDAR_MAC_1904


@changed
def duration(book, sheet):
    for r in range(2, 14):
        sheet.cell(r, 2).value = datetime.timedelta(days=100 + r)


@changed
def comment_only(book, sheet):
    sheet["D3"].value = None
    sheet["D3"].comment = Comment("ecog 2", "x")


@changed
def error_in_a_cell(book, sheet):
    sheet["D3"] = "#REF!"


def as_another_program_hides(before, after):
    """Excel says of a row or column that it is hidden; others give it no height or width."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(others.workbook())) as parts, zipfile.ZipFile(out, "w") as copy:
        for part in parts.namelist():
            copy.writestr(part, parts.read(part).replace(before, after))
    return out.getvalue()


WORKBOOKS["workbook: row of no height"] = as_another_program_hides(
    b'<row r="4"', b'<row r="4" ht="0" customHeight="1"'
)
WORKBOOKS["workbook: column of no width"] = as_another_program_hides(
    b"<sheetData>", b'<cols><col min="4" max="4" width="0" customWidth="1"/></cols><sheetData>'
)

TWO = "patient_id,last_follow_up_day,vital_status\n1,5,dead\n2,6,alive\n"
# A file as it lies on the disk, and as cohort.yml names it.
NAMES = {
    "name: two hashes": ("a#1#2.csv", "a#1#2.csv", TWO.encode()),
    "name: a percent sign for a blank": ("a%20b.csv", "a b.csv", TWO.encode()),
    "name: accent in one character on the disk, in two in cohort.yml": (
        "\u00dcbersicht.csv",
        "U\u0308bersicht.csv",
        TWO.encode(),
    ),
    "name: a sheet with an accent in two characters": (
        "p.xlsx",
        "p.xlsx#U\u0308bersicht",
        others.workbook(lambda book, sheet: setattr(sheet, "title", "\u00dcbersicht")),
    ),
    "name: a sheet with other capitals": ("p.xlsx", "p.xlsx#data", others.workbook()),
    "name: a sheet with a blank after its name": (
        "p.xlsx",
        "p.xlsx#Data",
        others.workbook(lambda book, sheet: setattr(sheet, "title", "Data ")),
    ),
}

# Each input: the file on the disk, as it is named, its bytes, and further lines of cohort.yml.
INPUTS = (
    {name: ("p.csv", "p.csv", text.encode("utf-8"), more) for name, (text, more) in D.items()}
    | {name: ("p.xlsx", "p.xlsx", data, "") for name, data in WORKBOOKS.items()}
    | {name: (*each, "") for name, each in NAMES.items()}
)
