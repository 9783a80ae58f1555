"""The leak scan: does anything that was written hold an identifier, a date or a free text of the input?

:func:`needles` reads the input files again as they are and makes of every identifier, every calendar date (in
all common ways to write one) and every distinctive text a sequence of words; :func:`scan` looks for these
sequences in all files of a folder, inside archives, notebooks, embedded images and metadata too. What was
found is said by where it stands in the input, never by its value.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import ROOT
from analysis_lib.intake import reading
from analysis_lib.intake.manifest import read_manifest

WORD = re.compile(r"[^\W\d_]+|\d+")
FORBIDDEN = (
    ".pickle",
    ".pkl",
    ".doctree",
    ".parquet",
    ".feather",
    ".npy",
    ".npz",
    ".h5",
    ".rds",
    ".sqlite",
    ".db",
    ".joblib",
)
BASE64 = re.compile(r"[A-Za-z0-9+/]{80,}={0,2}")
BINARY = (b"\xff\xd8\xff", b"GIF8", b"RIFF")
MAGIC = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"wOF",
    b"RIFF",
    b"<svg",
    b"<?xml",
)
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
MONTHS = (  # English, German, French, Spanish, Italian, Dutch
    "january january januar janvier enero gennaio januari",
    "february februar février febrero febbraio februari",
    "march märz mars marzo maart mrt",
    "april avril abril aprile",
    "may mai mayo maggio mei",
    "june juni juin junio giugno",
    "july juli juillet julio luglio",
    "august août agosto augustus",
    "september septembre septiembre settembre",
    "october oktober octobre octubre ottobre",
    "november novembre noviembre",
    "december dezember décembre diciembre dicembre",
)
EXCEL_DAY_0 = date(1899, 12, 30)
PHRASE = 5  # words of a longer text that are looked for together, so that a part of it is found as well
RARE = 5  # a text that stands for this many patients or more is a category and no free text


@dataclass(frozen=True)
class Needle:
    """What must not be found: its kind, where it stands in the input, and how its words must hang
    together.
    """

    kind: str
    where: str
    gap: str = r"[\W_]{0,10}"
    exact: str = ""


@dataclass(frozen=True)
class Leak:
    """Something of the input in a file that was written."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


# --- what to look for -----------------------------------------------------------------------------


def needles(study: Cohort, path: Path) -> dict[tuple[str, ...], Needle]:
    """Every word sequence of a cohort's input that must not be found; those of the project's own texts are
    left out.

    Parameters
    ----------
    path : Path
        The manifest or bare table, as :func:`analysis_lib.intake.manifest.locate` found it.
    """
    manifest, found = read_manifest(path), {}
    files = manifest["tables"] | (
        {"REDCap export": manifest["redcap"]["export"]} if manifest["redcap"] else {}
    )
    everywhere = {
        column: target for columns in manifest["columns"].values() for column, target in columns.items()
    }
    for table, file in files.items():
        raw = reading.read_table(path.parent, file)
        mapping = manifest["columns"].get(table, everywhere)
        if table not in manifest["tables"]:
            mapping = {raw.columns[0]: "patient_id"} | mapping  # REDCap writes the record's identifier first
        for place, column in enumerate(raw.columns):  # by place: two columns may carry one name
            target = mapping.get(column, column)
            cells = raw.iloc[:, place].dropna()
            often = cells.value_counts()
            for index, cell in cells.items():
                where = f"in the table {table}, column {column}, row {int(index)}"
                for words, needle in _of_cell(
                    str(cell), target, where, often[cell] < max(RARE, study.min_cell_count)
                ):
                    found.setdefault(words, needle)
    public = [manifest_text(path), *(file.read_text("utf-8", errors="replace") for file in own_texts())]
    for text in public:
        for words in _found_in(text, found):
            found.pop(words, None)
    return found


def manifest_text(path: Path) -> str:
    """What the manifest itself says in public: title, note, names and levels; nothing for a bare table."""
    return path.read_text("utf-8-sig") if path.suffix.lower() in (".yml", ".yaml") else ""


@cache
def own_texts() -> tuple[Path, ...]:
    """The files of the project whose words may stand in any book."""
    kinds = {
        "book": ("*.md", "*.bib", "_static/*"),
        "notebooks": ("*.py",),
        "analysis_lib": ("**/*.py", "paper/*"),
        ".": ("_config.yml", "README.md"),
    }
    return tuple(
        file
        for folder, patterns in kinds.items()
        for pattern in patterns
        for file in sorted((ROOT / folder).glob(pattern))
        if file.is_file()
    )


def _of_cell(cell: str, target: str, where: str, rare: bool) -> Iterator[tuple[tuple[str, ...], Needle]]:
    words = tuple(WORD.findall(cell.casefold()))
    if target == "patient_id":
        yield from _of_identifier(cell, words, where)
        return
    if dates := _dates(cell, target.endswith("_date")):
        for day in dates:
            yield from _of_date(day, where)
        return
    if not rare or sum(map(len, words)) < 4 or not any(word.isalpha() and len(word) > 3 for word in words):
        return
    for start in range(max(1, len(words) - PHRASE + 1)):
        yield words[start : start + PHRASE], Needle("a text", where)


def _of_identifier(cell: str, words: tuple[str, ...], where: str) -> Iterator[tuple[tuple[str, ...], Needle]]:
    """An identifier is looked for if it cannot be mistaken for a number or a word of ours."""
    length, mixed = sum(map(len, words)), len(words) > 1
    if (mixed and length >= 6) or (words and not mixed and length >= (6 if words[0].isdigit() else 5)):
        yield words, Needle("an identifier", where, gap=r"[\W_]{0,2}")
    elif mixed and length >= 4:
        yield words, Needle("an identifier", where, gap=r"[\W_]{0,2}", exact=cell.casefold())


def _dates(cell: str, in_date_column: bool) -> set[date]:
    """The dates that a cell may mean; both readings where day and month could be swapped."""
    cell = cell.strip().casefold()
    found = set()
    if match := re.match(r"((?:19|20)\d\d)([-./ ]?)(\d\d?)\2(\d\d?)(?!\d)", cell):
        found.add(_date(match[1], match[3], match[4]))
    elif match := re.match(r"(\d\d?)[-./ ]+(\d\d?)[-./ ]+(\d{4}|\d\d)(?!\d)", cell):
        year = match[3] if len(match[3]) == 4 else ("19" if int(match[3]) > 40 else "20") + match[3]
        found |= {_date(year, match[2], match[1]), _date(year, match[1], match[2])}
    elif match := re.match(r"(\d\d?)[-./ ]*([^\W\d_]{3,})[-./, ]*(\d{4})", cell):
        found.add(_date(match[3], _month(match[2]), match[1]))
    elif match := re.match(r"([^\W\d_]{3,})[-./ ]*(\d\d?)[-./, ]+(\d{4})", cell):
        found.add(_date(match[3], _month(match[1]), match[2]))
    elif in_date_column and re.fullmatch(r"[2-6]\d{4}(\.\d+)?", cell):
        found.add(EXCEL_DAY_0 + timedelta(days=int(float(cell))))
    return found - {None}


def _date(year, month, day) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _month(word: str) -> int:
    """The number of a month's name or its abbreviation; 0 if it is none."""
    return next(
        (
            number
            for number, names in enumerate(MONTHS, start=1)
            if any(name.startswith(word) for name in names.split())
        ),
        0,
    )


def _of_date(day: date, where: str) -> Iterator[tuple[tuple[str, ...], Needle]]:
    year, numbers = f"{day:%Y}", Needle("a date", where, gap=r"[-./,\s_|]{1,3}")
    days, months = {f"{day.day}", f"{day:%d}"}, {f"{day.month}", f"{day:%m}"}
    names = {short for name in MONTHS[day.month - 1].split() for short in (name, name[:3])}
    for d in days:
        for m in months:
            yield from ((words, numbers) for words in ((year, m, d), (d, m, year), (m, d, year)))
            short = Needle("a date", where, gap=r"[-./]")
            yield from ((words, short) for words in ((d, m, year[2:]), (m, d, year[2:])))
        for name in names:
            spelled = Needle("a date", where, gap=r"[-./,\s_|]{0,3}")
            for ending in ((), ("st",), ("nd",), ("rd",), ("th",)):
                yield from (
                    (words, spelled) for words in ((d, *ending, name, year), (name, d, *ending, year))
                )
            yield (year, name, d), spelled
    whole = Needle("a date", where, gap="")
    yield (f"{day:%Y%m%d}",), whole
    yield (f"{(day - EXCEL_DAY_0).days}",), whole


# --- looking for it -------------------------------------------------------------------------------


def _found_in(
    text: str, wanted: dict[tuple[str, ...], Needle], by_first: dict | None = None
) -> set[tuple[str, ...]]:
    """The needles that stand in a text. Upper and lower case are alike."""
    text = text.casefold()
    by_first = by_first or _by_first(wanted)
    places = [match.span() for match in WORD.finditer(text)]
    words = [text[start:end] for start, end in places]
    found = set()
    for place, word in enumerate(words):
        for length in by_first.get(word, ()):
            candidate = tuple(words[place : place + length])
            if (
                candidate in wanted
                and candidate not in found
                and _hangs_together(text, places[place : place + length], wanted[candidate])
            ):
                found.add(candidate)
    return found


def _by_first(wanted) -> dict[str, set[int]]:
    lengths: dict[str, set[int]] = {}
    for words in wanted:
        lengths.setdefault(words[0], set()).add(len(words))
    return lengths


def _hangs_together(text: str, places: list[tuple[int, int]], needle: Needle) -> bool:
    start, end = places[0][0], places[-1][1]
    if needle.exact and text[start:end] != needle.exact:
        return False
    if any(not re.fullmatch(needle.gap, text[a:b]) for (_, a), (b, _) in zip(places, places[1:])):
        return False
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if needle.kind == "an identifier" and (before[-1:].isalnum() or after[:1].isalnum()):
        return False  # a part of a code or a checksum
    if len(places) == 1 and text[start].isdigit():  # a part of a longer number?
        return not (
            before[-1:].isalnum()
            or re.fullmatch(r"\d[.,]", before)
            or after[:1].isdigit()
            or re.match(r"\.\d", after)
        )
    return True


def scan(places: Iterable[Path], wanted: dict[tuple[str, ...], Needle]) -> list[Leak]:
    """Everything of the input that stands in some files or folders of files, names included; and files that
    may not be there.
    """
    by_first, leaks = _by_first(wanted), []
    for place in places:
        for file in (
            sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        ):
            name = str(file.relative_to(place)) if file != place else file.name
            if file.suffix.lower() in FORBIDDEN:
                leaks.append(
                    Leak(_masked(name, wanted, by_first), "a file of data in a form that no reader needs")
                )
                continue
            if _has_identifiers(name, file):
                leaks.append(Leak(_masked(name, wanted, by_first), "a table with the column patient_id"))
            found = {
                words
                for text in (name, *texts(file.read_bytes(), file.suffix.lower()))
                for words in _found_in(text, wanted, by_first)
            }
            if found and not _of_a_package(file):
                named = _masked(name, wanted, by_first)
                leaks += [
                    Leak(named, f"{needle.kind} that stands {needle.where}")
                    for needle in dict.fromkeys(wanted[words] for words in sorted(found))
                ]
    return leaks


def _has_identifiers(name: str, file: Path) -> bool:
    """Whether a table has a column of identifiers, however short these are."""
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return "patient_id" in re.split(
            r'[,;\t"]', file.read_text("utf-8", errors="replace").split("\n", 1)[0].strip()
        )
    return (
        suffix in (".html", ".ipynb")
        and "data-dictionary" not in name
        and bool(re.search(r"<th[^>]*>\s*patient_id\s*</th>", file.read_text("utf-8", errors="replace")))
    )


def _masked(name: str, wanted, by_first) -> str:
    """A file's name, without its value if the name itself is the leak."""
    return "(a file whose name says it)" if _found_in(name, wanted, by_first) else name


def _of_a_package(file: Path) -> bool:
    """Whether the very same file comes with an installed package (fonts, the theme's scripts)."""
    if "_static" not in file.parts:
        return False
    content = file.read_bytes()
    return any(
        other.stat().st_size == len(content) and other.read_bytes() == content
        for base in (Path(sys.prefix) / "lib", Path(sys.prefix) / "Lib", ROOT / "book")
        if base.is_dir()
        for other in base.rglob(file.name)
        if other.is_file()
    )


def texts(content: bytes, suffix: str = "") -> Iterator[str]:
    """All readable text in a file: unpacked, decoded, with what is embedded in it; not the pixels of an
    image.
    """
    if content[:4] == b"PK\x03\x04":
        yield from _of_archive(content)
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _of_png(content)
    elif content[:2] == b"\x1f\x8b":
        yield from texts(gzip.decompress(content))
    elif content[:5] == b"%PDF-":
        yield content.decode("latin-1")
        for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S):
            yield _inflated(stream).decode("latin-1")
    elif content[:18] == b"# Sphinx inventory":
        yield _inflated(content.split(b"\n", 4)[-1]).decode("utf-8", errors="replace")
    elif (
        content.startswith(BINARY) or suffix in (".woff", ".woff2", ".ttf", ".ico") or b"\0" in content[:4096]
    ):
        yield from (
            content.decode(encoding, errors="replace") for encoding in ("ascii", "utf-8", "utf-16-le")
        )
    else:
        yield from _of_text(content.decode("utf-8", errors="replace"), suffix)


def _of_text(text: str, suffix: str) -> Iterator[str]:
    embedded = []

    def taken(match: re.Match) -> str:
        content = _decoded(match.group())
        if not content.startswith(MAGIC):
            return match.group()
        embedded.append(content)
        return " "

    if suffix in (".ipynb", ".json"):
        text = "\n".join(_strings(text))
    rest = BASE64.sub(taken, text)
    yield html.unescape(ESCAPED.sub(lambda match: chr(int(match[1], 16)), rest))
    if "%" in rest and suffix in (".html", ".xml", ".svg", ".js"):
        yield unquote(rest)
    for content in embedded:
        yield from texts(content)


def _decoded(written: str) -> bytes:
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4))
    except binascii.Error:
        return b""


def _strings(text: str) -> Iterator[str]:
    """Keys and values of a JSON text (a notebook's lines joined, the line breaks of embedded images gone);
    else the text.
    """

    def walk(value) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from (
                    re.sub(r"\s", "", each) if re.match("image/(?!svg)|application/pdf", key) else each
                    for each in walk(inner)
                )
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            yield "".join(value)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)
        else:
            yield str(value)

    try:
        yield from walk(json.loads(text))
    except ValueError:
        yield text


def _of_archive(content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield archive.comment.decode("utf-8", errors="replace")
        for member in archive.infolist():
            yield member.filename
            yield member.comment.decode("utf-8", errors="replace")
            suffix = Path(member.filename).suffix.lower()
            for text in texts(archive.read(member), suffix):
                # Word cuts a sentence into runs: without the tags between them it is whole again.
                yield text
                if suffix == ".xml":
                    yield re.sub(r"<[^>]*>", "", text)


def _of_png(content: bytes) -> Iterator[str]:
    """Names, texts and metadata of a PNG, and whatever follows its end."""
    place = 8
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        body = content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"IEND":
            break
        if kind != b"IDAT":
            yield from (body.decode(encoding, errors="replace") for encoding in ("ascii", "utf-8", "latin-1"))
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            yield from (
                _inflated(body[start:]).decode("utf-8", errors="replace")
                for start in _starts_of_streams(body)
            )
    yield content[place:].decode("latin-1")


def _starts_of_streams(body: bytes) -> list[int]:
    return [match.start() for match in re.finditer(rb"x[\x01\x5e\x9c\xda]", body)]


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""
