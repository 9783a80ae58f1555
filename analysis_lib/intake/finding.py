"""Which file is meant, and whether it is what its name says."""

from __future__ import annotations

import difflib
import unicodedata
from pathlib import Path

from analysis_lib.intake import statistics_files, workbooks
from analysis_lib.intake.raw import LARGEST_FILE, PLACE, Unreadable

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, *workbooks.SUFFIXES, ".parquet", *statistics_files.SUFFIXES, statistics_files.R)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how .xlsx and .ods begin, and Excel's old or encrypted files
SAVE_AS_TEXT = "Save the table as CSV (UTF-8) or as .xlsx, and name that file."


def split_sheet(folder: Path, file: str) -> tuple[str, str]:
    """A file and its sheet: what follows a ``#``, unless that is part of the name of a file that is there."""
    places = [place for place, character in enumerate(file) if character == "#"]
    for place in [len(file), *reversed(places)]:
        if file[:place].strip() and _is_file(found(folder / file[:place])):
            return file[:place], file[place + 1 :]
    with_ending = [place for place in places if Path(file[:place]).suffix.lower() in SUFFIXES]
    place = with_ending[0] if with_ending else len(file)
    return file[:place], file[place + 1 :]


def found(path: Path) -> Path:
    """A path as it stands on the disk, where a Mac has written its accents in two characters, or the other
    way round.
    """
    if _is_file(path) or path.name.isascii() and path.parent.as_posix().isascii():
        return path
    try:
        above = path.parent if path.parent == path or path.parent.is_dir() else found(path.parent)
        same = [each for each in above.iterdir() if _composed(each.name) == _composed(path.name)]
    except (OSError, ValueError):
        return path
    return same[0] if len(same) == 1 else path


def _composed(name: str) -> str:
    """A name with its accents in one character, also under a locale that cannot read them."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def content(path: Path) -> bytes:
    """The content of a file of a supported type; what it is instead, if it is none."""
    suffix = path.suffix.lower()
    try:
        if path.is_dir():
            raise Unreadable("this is a folder", "Name a file in it.")
        if not path.is_file():
            raise Unreadable(
                "there is no such file",
                _meant(path) + "Check the spelling; the path counts from the folder of cohort.yml.",
            )
        if suffix not in SUFFIXES:
            raise Unreadable(
                f"files of type {suffix or 'none'} are not read; use {', '.join(SUFFIXES)}", SAVE_AS_TEXT
            )
        if path.stat().st_size > LARGEST_FILE:
            raise Unreadable(
                f"the file has {path.stat().st_size // 1_000_000:,} MB; at most {LARGEST_FILE // 1_000_000} "
                f"MB are read",
                PLACE,
            )
        data = path.read_bytes()
    except PermissionError:
        raise Unreadable(
            "the file may not be read: permission denied",
            "Close it in other programs, or ask for permission to read it.",
        ) from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"the file cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    if not data.strip(b"\0\x1a \t\r\n"):
        raise Unreadable("the file is empty", "Name the file that holds the table.")
    _is_what_it_is_named(data, suffix)
    return data


def _meant(path: Path) -> str:
    """The file of the folder that is almost called so."""
    try:
        names = [
            each.name for each in path.parent.iterdir() if each.is_file() and each.suffix.lower() in SUFFIXES
        ]
    except OSError:
        return ""
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(path.name.casefold(), folded, n=1, cutoff=0.85)
    return f"Did you mean {folded[near[0]]!r}? " if near else ""


def _is_what_it_is_named(data: bytes, suffix: str) -> None:
    packed = (".xlsx", ".xlsm", ".ods")
    if suffix not in packed and data.startswith(ZIP):
        raise Unreadable(
            f"this is an Excel workbook (or another zip file) named {suffix}",
            "Give its name the ending .xlsx.",
        )
    if suffix == ".ods" and data.startswith(ZIP) and b"opendocument" not in data[:200]:
        raise Unreadable(
            "this is an Excel workbook (or another zip file) named .ods", "Give its name the ending .xlsx."
        )
    if suffix != ".xls" and data.startswith(OLE):
        if workbooks.ENCRYPTED not in data and suffix == ".xlsx" and "Workbook".encode("utf-16-le") in data:
            raise Unreadable(
                "this is a workbook in the old .xls format",
                "Give its name the ending .xls, or save it as .xlsx.",
            )
        raise Unreadable(
            "the workbook is protected by a password, or in the old .xls format",
            "Open it in Excel and save it as .xlsx without a password.",
        )
    start = data[:500].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if suffix == ".xls" and not data.startswith((OLE, b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")):
        what = (
            "a web page"
            if start.startswith((b"<html", b"<table", b"<!doctype"))
            else "XML"
            if start.startswith(b"<")
            else "text"
        )
        raise Unreadable(
            f"this is {what} named .xls, as some programs export it",
            "Open it in Excel and save it as .xlsx." if what != "text" else "Give its name the ending .txt.",
        )
    if suffix in TEXT_SUFFIXES and start.startswith((b"<html", b"<table", b"<!doctype")):
        raise Unreadable(f"this is a web page named {suffix}", SAVE_AS_TEXT)
