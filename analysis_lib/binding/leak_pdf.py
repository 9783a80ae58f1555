"""The text of a PDF file: its pages, kerned or not, its metadata, notes and attachments."""

from __future__ import annotations

import io
import logging
import re
import zlib
from collections.abc import Iterator

import pypdf
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    StreamObject,
    TextStringObject,
)

STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.S)
STRING = re.compile(rb"\((?:\\.|[^\\()])*\)|<[0-9a-fA-F\s]{4,}>", re.S)
SHOWN = re.compile(rb"\[((?:\((?:\\.|[^\\()])*\)|<[0-9a-fA-F\s]*>|[-+.\d\s])*)\]\s*TJ", re.S)
ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.S)
# checksums, names and widths of letters
NO_WORDS = ("/ID", "/CharSet", "/FontName", "/CheckSum", "/W", "/Widths", "/Differences")


def pdf(content: bytes) -> Iterator[str | bytes]:
    """Every text of a PDF file, and as bytes every file that is attached to it."""
    # what it makes of a damaged file interests nobody here
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        for page in reader.pages:
            yield page.extract_text()
        yield from _objects(reader)
    except Exception:  # pypdf raises many kinds; whatever cannot be parsed is read raw below
        pass
    yield "\n".join(_raw(content))


def _objects(reader: pypdf.PdfReader) -> Iterator[str | bytes]:
    seen: set[tuple[int, int]] = set()
    waiting: list = [reader.trailer]
    while waiting:
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if (found.idnum, found.generation) not in seen:
                seen.add((found.idnum, found.generation))
                waiting.append(found.get_object())
        elif isinstance(found, DictionaryObject):
            if isinstance(found, StreamObject) and found.get("/Type") in ("/EmbeddedFile", "/Metadata"):
                yield found.get_data()
            waiting += [found.raw_get(key) for key in found if key not in NO_WORDS]
        elif isinstance(found, ArrayObject):
            waiting += list(found)
        elif isinstance(found, TextStringObject):
            yield str(found)
        elif isinstance(found, ByteStringObject):
            yield from _as_text(bytes(found))


def _raw(content: bytes) -> Iterator[str]:
    """The strings of a file's own syntax, kerning taken out, for files that a library cannot read or that
    hide something.
    """
    parts = [STREAM.sub(b"\n", content)]
    for match in STREAM.finditer(content):
        try:
            parts.append(zlib.decompressobj().decompress(match[1]))
        except zlib.error:
            parts.append(match[1])
    for part in parts:
        if b"beginbfchar" in part or b"begincmap" in part or b"\0" in part[:200]:
            continue  # tables of fonts and pixels
        for match in SHOWN.finditer(part):
            yield from _as_text(b"".join(map(_bytes, STRING.findall(match[1]))))
        for string in STRING.findall(SHOWN.sub(b" ", part)):
            yield from _as_text(_bytes(string))
    yield from (match[1].decode("latin-1") for match in re.finditer(rb"%([^\r\n%]{4,})\r?\n", parts[0]))


def _bytes(string: bytes) -> bytes:
    if string[:1] == b"<":
        digits = re.sub(rb"\s", b"", string[1:-1])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    return ESCAPED.sub(_unescaped, string[1:-1])


def _unescaped(match: re.Match) -> bytes:
    letter = match[1]
    if letter.isdigit():
        return bytes([int(letter, 8) & 255])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b""}.get(letter, letter)


def _as_text(found: bytes) -> Iterator[str]:
    """Bytes of a string as text, if they are any: UTF-16 with or without its mark, else one byte a letter."""
    if found[:2] in (b"\xfe\xff", b"\xff\xfe"):
        yield found.decode("utf-16", errors="replace")
    elif len(found) > 3 and not any(found[::2]):
        yield found.decode("utf-16-be", errors="replace")
    elif not re.search(rb"[\x00-\x08\x0e-\x1f]", found):
        yield found.decode("latin-1")
