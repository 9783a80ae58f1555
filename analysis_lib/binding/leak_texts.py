"""The text of a file, of whatever kind: what is said in it, without pixels, coordinates, fonts and style.

:func:`texts` unpacks archives, decodes what is written as base64, in hexadecimal digits or with percent
signs, and joins what tags, runs and kerning take apart, as a reader would see it.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

from analysis_lib.binding.leak_markup import html, xml
from analysis_lib.binding.leak_pdf import pdf

MOST = 200_000_000  # bytes of one unpacked stream
LONGEST = 400  # letters without a space: more are pixels, a font or a checksum
DEEPEST = 6  # archives in archives, base64 in base64
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{60,}(?:\s*\n\s*[A-Za-z0-9+/_-]{4,})+={0,2}|[A-Za-z0-9+/_-]{11,}={0,2}")
HEXADECIMAL = re.compile(r"(?<![0-9a-zA-Z])(?=[0-9 :]*[a-fA-F])(?:[0-9a-fA-F]{2}[ :]?){4,}(?![0-9a-zA-Z])")
PERCENT = re.compile("%[0-9a-fA-F]{2}")
PRINTABLE = re.compile(rb"[\x20-\x7e\xc0-\xf4\x80-\xbf]{5,}")
WIDE = re.compile(rb"(?:[\x20-\xff]\0){4,}")
OF_PAGES = ("terms", "titleterms")  # of a search index: single words of the pages, which are read themselves
OUTPUT_OF_A_NOTEBOOK = {"text/html": ".html", "image/svg+xml": ".svg"}
SETTINGS_OF_WORD = re.compile(
    r"word/(theme/.*|fontTable|settings|webSettings|styles|stylesWithEffects|numbering)\.?(xml)?$"
)


def texts(content: bytes, suffix: str = "", depth: int = 0) -> Iterator[str]:
    """All that can be read in a file.

    Parameters
    ----------
    content : bytes
        The file.
    suffix : str
        How its name ends (``.html``): decides where the content itself does not tell.
    depth : int
        How many packages it was taken out of.
    """
    if depth > DEEPEST:
        return
    if content[:4] == b"PK\x03\x04":
        yield from _archive(content, depth)
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _png(content)
    elif content[:2] == b"\x1f\x8b":
        yield from texts(_inflated(content, 31), suffix.removesuffix(".gz"), depth + 1)
    elif content[:5] == b"%PDF-":
        for inner in pdf(content):
            if isinstance(inner, bytes):
                yield from texts(inner, "", depth + 1)
            else:
                yield from _and_decoded(inner, depth)
    elif content[:18] == b"# Sphinx inventory":
        yield _inflated(content.split(b"\n", 4)[-1]).decode("utf-8", errors="replace")
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield from _text(content.decode("utf-16", errors="replace"), suffix, depth)
    elif content[:3] == b"\xff\xd8\xff":
        yield from _jpeg(content)
    elif _is_binary(content):
        yield from _binary(content)
    else:
        yield from _text(content.decode("utf-8-sig", errors="replace"), suffix, depth)


def _is_binary(content: bytes) -> bool:
    return (
        content.startswith((b"\xff\xd8\xff", b"GIF8", b"RIFF", b"wOF", b"\0\1\0\0", b"OTTO"))
        or b"\0" in content[:4096]
    )


def _text(text: str, suffix: str, depth: int) -> Iterator[str]:
    start = text[:400].lstrip().lower()
    if (
        suffix in (".html", ".htm", ".svg", ".xhtml")
        or start.startswith(("<!doctype html", "<html", "<svg"))
        or "<svg" in start
    ):
        pieces = html(text)
    elif suffix in (".xml", ".rels", ".xmp") or start.startswith("<?xml"):
        pieces = xml(text) if "openxmlformats.org" in text[:4000] else html(text)
    elif suffix in (".ipynb", ".json"):
        pieces = _json(text)
    elif suffix == ".js":
        pieces = _script(text)
    elif suffix == ".css":
        pieces = style(text)
    elif suffix in (".csv", ".tsv"):
        pieces = _cells(text)
    else:
        pieces = _string(text)
    for piece in pieces:
        yield from _and_decoded(piece, depth)


def _and_decoded(text: str, depth: int) -> Iterator[str]:
    """A text, and what is encoded in it; a file that is embedded goes out of the text."""
    found: dict[bytes, None] = {}
    if depth < DEEPEST:
        text = ENCODED.sub(lambda match: _taken(match.group(), found), text)
        for match in HEXADECIMAL.finditer(text):
            content = bytes.fromhex(re.sub(r"[ :]", "", match.group()))
            if content.startswith(MAGIC) or _is_words(content):
                found[content] = None
    yield text
    if depth < DEEPEST and "%" in text and (near := _unquoted(text)):
        yield from _and_decoded(near, depth + 1)
    for content in found:
        if content.startswith(MAGIC):
            yield from texts(content, "", depth + 1)
        else:
            yield from _text(content.decode("utf-8"), "", depth + 1)


def _unquoted(text: str) -> str:
    """What stands around percent signs, decoded."""
    found, last = [], -1
    for match in PERCENT.finditer(text):
        if match.start() >= last:
            last = match.end() + 200
            found.append(unquote(text[max(0, match.start() - 60) : last]))
    return "\n".join(found)


MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b")


def _taken(run: str, found: dict[bytes, None]) -> str:
    """Note what a run of letters says if it is base64; the run itself, or nothing in place of an embedded
    file.
    """
    written = re.sub(r"\s", "", run).rstrip("=")
    written = written[: len(written) - (len(written) % 4 == 1)]
    content = base64.b64decode(written.replace("-", "+").replace("_", "/") + "=" * (-len(written) % 4))
    if content.startswith(MAGIC) or _is_words(content):
        found[content] = None
    return " " if content.startswith(MAGIC) or len(written) > LONGEST else run


def _is_words(content: bytes) -> bool:
    """Whether decoded bytes are words: a checksum or a word of ours, taken for an encoding, hardly ever gives
    any.
    """
    if len(content) < 4 or re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", content):
        return False
    try:
        return any(map(str.isalnum, content.decode("utf-8")))
    except UnicodeDecodeError:
        return False


# --- kinds of text --------------------------------------------------------------------------------


def _string(text: str) -> Iterator[str]:
    """A text that may hold markup."""
    yield text
    if TAG.search(text):
        yield from html(text)


def _cells(text: str) -> Iterator[str]:
    head = text.split("\n", 1)[0]
    separator = max(",;\t|", key=head.count)
    csv.field_size_limit(MOST)
    try:
        cells = [
            cell
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            for cell in row
            if cell
        ]
    except csv.Error:
        cells = [text]
    yield from _string("\n".join(cells))


def _script(text: str) -> Iterator[str]:
    """A script; one that hands over data (``Search.setIndex({...})``) is read as these data."""
    data = re.fullmatch(r"[^({\[=\"']*[(=]\s*([{\[].*[}\]])\s*\)?\s*;?\s*", text, re.S)
    yield from _json(data[1], OF_PAGES) if data else [text]


def style(text: str) -> Iterator[str]:
    """What is said in a style sheet: comments, strings and addresses."""
    yield "\n".join(re.findall(r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'|url\([^)]*\)", text, re.S))


def _json(text: str, without: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys and values, each by itself (numbers of a list are no list of thousands); lines of a notebook's
    text joined.
    """
    try:
        data = json.loads(text)
    except ValueError:
        yield from _string(text)
        return
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in without}
    apart: list[str] = []
    yield from _values(data, "", apart)
    yield "\n".join(apart)


def _values(value: object, key: str, apart: list[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            apart.append(name)
            # a notebook's random one
            if not (name == "id" and isinstance(inner, str) and re.fullmatch("[0-9a-f]{8}", inner)):
                yield from _values(inner, name, apart)
    elif (
        isinstance(value, list)
        and value
        and all(isinstance(each, str) for each in value)
        and ("/" in key or any(each.endswith("\n") for each in value))
    ):
        yield from _values("".join(value), key, apart)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, key, apart)
    elif (
        isinstance(value, str)
        and key.startswith(("image/", "application/pdf"))
        and key not in OUTPUT_OF_A_NOTEBOOK
    ):
        yield re.sub(r"\s", "", value)
    elif isinstance(value, str) and key in OUTPUT_OF_A_NOTEBOOK:
        yield from html(value)
    elif isinstance(value, str) and TAG.search(value):
        yield from _string(value)
    else:
        apart.append(str(value))


# --- packages and images --------------------------------------------------------------------------


def _archive(content: bytes, depth: int) -> Iterator[str]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        yield from _binary(content)
        return
    with archive:
        yield archive.comment.decode("utf-8", errors="replace")
        for member in archive.infolist():
            yield member.filename
            yield member.comment.decode("utf-8", errors="replace")
            inner = archive.open(member).read(MOST)
            suffix = PurePosixPath(member.filename).suffix.lower()
            if SETTINGS_OF_WORD.match(member.filename):  # fonts, colours and sizes; but a text would be read
                yield "\n".join(re.findall(r">([^<>]+)<", inner.decode("utf-8", errors="replace")))
            else:
                yield from texts(inner, suffix, depth + 1)


def _png(content: bytes) -> Iterator[str]:
    """Names, texts and metadata of a PNG, and whatever follows its end."""
    place = 8
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        body = content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"IEND":
            break
        if kind == b"tEXt":
            yield body.replace(b"\0", b"\n").decode("latin-1")
        elif kind in (b"zTXt", b"iTXt", b"iCCP"):
            yield body.decode("utf-8", errors="replace")
            for match in re.finditer(rb"x[\x01\x5e\x9c\xda]", body):
                yield _inflated(body[match.start() :]).decode("utf-8", errors="replace")
        elif kind not in (b"IDAT", b"IHDR", b"PLTE", b"pHYs", b"sBIT", b"gAMA", b"cHRM", b"tRNS"):
            yield from _binary(body)
    if content[place:]:
        yield from _binary(content[place:])


def _jpeg(content: bytes) -> Iterator[str]:
    """What cameras and programs write into a JPEG, and whatever follows its end."""
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] not in (b"\xda", b"\xd9"):
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        if content[place + 1] >= 0xE0:
            yield from _binary(content[place + 2 : place + 2 + length])
        place += 2 + length
    yield from _binary(content[content.rfind(b"\xff\xd9") + 2 :])


def _binary(content: bytes) -> Iterator[str]:
    """Runs of readable characters; an image's pixels hardly ever look like any."""
    found = PRINTABLE.findall(content)
    yield "\n".join(run.decode("utf-8", errors="replace") for run in found)
    yield "\n".join(run.decode("utf-16-le", errors="replace") for run in WIDE.findall(content))


def _inflated(stream: bytes, bits: int = 15) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(stream, MOST)
    except zlib.error:
        return b""
