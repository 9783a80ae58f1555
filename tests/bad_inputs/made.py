"""Bad inputs that are not text: each function gives the bytes of one file."""

import io
import random
import zipfile

import openpyxl
import pandas as pd

HEADER = ["patient_id", "last_follow_up_day", "vital_status"]


def _saved(*rows, title="Data", first=None, mac=False) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    if first:
        book.active.title = first
        book.active.append(["Read me"])
        sheet = book.create_sheet(title)
    else:
        sheet = book.active
        sheet.title = title
    for row in rows:
        sheet.append(row)
    if mac:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.save(out)
    return out.getvalue()


def workbook() -> bytes:
    return _saved(HEADER, ["A", 1, "dead"])


def cut_workbook() -> bytes:
    return workbook()[:2000]


def blank_workbook() -> bytes:
    return _saved()


def mac_workbook() -> bytes:
    return _saved(HEADER, ["A", 1, "dead"], mac=True)


def formula_workbook() -> bytes:
    return _saved(HEADER, ["A", "=1+1", "dead"])


def notes_first() -> bytes:
    return _saved(HEADER, ["A", 1, "dead"], first="Notes")


def other_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr("letter.txt", "Dear colleague")
    return out.getvalue()


def password_workbook() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)


def cut_parquet() -> bytes:
    out = io.BytesIO()
    pd.DataFrame([["A", 1, "dead"]], columns=HEADER).to_parquet(out)
    return out.getvalue()[:-20]


def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(20) + random.Random(1).randbytes(200)


def noise() -> bytes:
    return random.Random(2).randbytes(500)


def zeros() -> bytes:
    return bytes(4096)


def western_manifest() -> bytes:
    return "title: Universitätsklinikum\ntables: {patients: p.csv}\n".encode("cp1252")


def nested_brackets() -> bytes:
    return b"tables: " + b"[" * 5000


def nested_subset() -> bytes:
    return b"tables: {patients: p.csv}\nsubset: " + b"(" * 3000 + b"ecog" + b")" * 3000


def long_name() -> bytes:
    return b"tables: {patients: " + b"p" * 5000 + b".csv}\n"


def many_wrong() -> bytes:
    return b"patient_id,last_follow_up_day,vital_status\n" + b"".join(
        b"%d,1,lost\n" % number for number in range(100)
    )
