"""Workbooks and other files that are no text, for the inputs of test_others.py: each function gives the bytes
of one file.
"""

import datetime
import io
import zipfile

import openpyxl
import pandas as pd

HEAD = ["patient_id", "last_follow_up_day", "vital_status", "ecog", "bulky_disease"]
ROWS = [
    [f"P{n:02}", 100 + 37 * n, "dead" if n % 2 else "alive", n % 3, "yes" if n % 3 else "no"]
    for n in range(1, 13)
]


def workbook(change=None, rows=(HEAD, *ROWS)) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "Data"
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book, book.active)
    book.save(out)
    return out.getvalue()


def hidden_column(book, sheet):
    sheet.column_dimensions["D"].hidden = True


def hidden_first_sheet(book, sheet):
    notes = book.create_sheet("Old", 0)
    notes.append(HEAD)
    notes.append(["X", 1, "dead", 4, "no"])
    notes.sheet_state = "veryHidden"
    book.active = 1


def grouped_rows(book, sheet):
    sheet.row_dimensions.group(4, 6, hidden=True)


def merged_over_two_columns(book, sheet):
    sheet["E3"] = None
    sheet.merge_cells("D3:E3")


def merged_patients(book, sheet):
    sites = book.create_sheet("Sites")
    for row in [
        ["patient_id", "course", "rt_start_day", "dose_gy"],
        ["P01", 1, 10, 20],
        [None, 1, 10, 30],
        [None, 1, 10, 40],
        ["P02", 1, 12, 20],
    ]:
        sites.append(row)
    sites.merge_cells("A2:A4")


def padded_identifiers(book, sheet):
    for row in range(2, 14):
        sheet.cell(row, 1).value, sheet.cell(row, 1).number_format = row, "0000"


def days_as_dates(book, sheet):
    for row in range(2, 14):
        sheet.cell(row, 2).number_format = "yyyy-mm-dd"


def title_above(book, sheet):
    sheet.insert_rows(1, 3)
    sheet["A1"] = "Cohort of 2020"
    sheet["A2"] = "exported by N.N."


def two_groups(book, sheet):
    sheet.insert_rows(1)
    sheet["A1"], sheet["C1"], sheet["D1"] = "Patient", "Outcome", "Baseline"
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("D1:E1")


def months_shown(book, sheet):
    sheet["B1"], sheet["F1"] = "last_follow_up_date", "infusion_date"
    for row in range(2, 14):
        sheet.cell(row, 2).value, sheet.cell(row, 2).number_format = (
            datetime.datetime(2021, 1 + row % 9, 1),
            "mmm yyyy",
        )
        sheet.cell(row, 6).value = datetime.datetime(2020, 1, row + 10)


def far_cell(book, sheet):
    sheet["XFD1048576"].number_format = "0.00"


def strict() -> bytes:
    """As Excel saves Strict Open XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as parts, zipfile.ZipFile(out, "w") as copy:
        for part in parts.namelist():
            copy.writestr(
                part,
                parts.read(part)
                .replace(
                    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
                )
                .replace(
                    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                    b"http://purl.oclc.org/ooxml/officeDocument/relationships",
                ),
            )
    return out.getvalue()


def wide_workbook() -> bytes:
    """Small on the disk: every row has a cell in the last column."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>1</v></c><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 5000)
    )
    return _with_sheet(rows)


def packed_workbook() -> bytes:
    """Small on the disk, two hundred times as large unpacked."""
    return _with_sheet(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>' + "A" * 160_000_000 + "</t></is></c></row>"
    )


def entities() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as parts, zipfile.ZipFile(out, "w") as copy:
        for part in parts.namelist():
            text = parts.read(part)
            if part == "xl/worksheets/sheet1.xml":
                text = (
                    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
                    + text.partition(b"?>")[2 if b"?>" in text else 0]
                )
            copy.writestr(part, text)
    return out.getvalue()


def _with_sheet(rows: str) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook())) as parts,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for part in parts.namelist():
            text = parts.read(part)
            if part == "xl/worksheets/sheet1.xml":
                text = (
                    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
                    + rows
                    + "</sheetData></worksheet>"
                ).encode()
            copy.writestr(part, text)
    return out.getvalue()


CELL = '<table:table-cell office:value-type="{0}" {1}><text:p>{2}</text:p></table:table-cell>'


def ods(hidden=False, bomb=False) -> bytes:
    """A workbook of LibreOffice: a hidden row, a merged cell, a repeated one, a date and a note at a cell."""

    def text(word, more=""):
        return CELL.format("string", more, word)

    def number(value, more=""):
        return CELL.format("float", f'office:value="{value}" {more}', value)

    rows = ["".join(text(word) for word in HEAD)]
    for place, (name, days, status, ecog, _bulky) in enumerate(ROWS):
        first = text(name).replace(
            "<text:p>", "<office:annotation><text:p>see letter</text:p></office:annotation><text:p>", 1
        )
        merged = (
            text("yes", 'table:number-rows-spanned="6"')
            if place == 0
            else ("<table:covered-table-cell/>" if place < 6 else text("no"))
        )
        rows.append(first + number(days) + text(status) + number(ecog) + merged)
    lines = [
        f"<table:table-row{' table:visibility=%sfilter%s' % (chr(34), chr(34)) if hidden and n in (3, 4) else ''}>{row}</table:table-row>"
        for n, row in enumerate(rows)
    ]
    end = (
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>'
    )
    if bomb:
        end = end.replace(
            "/></table",
            ' office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell></table',
        )
    names = {"office": "office:1.0", "table": "table:1.0", "text": "text:1.0", "style": "style:1.0"}
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}"' for short, long in names.items()
    )
    content = (
        f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="Data">'
        + "".join(lines)
        + end
        + "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("content.xml", content)
    return out.getvalue()


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=HEAD)
