"""Plants: true values of an invented patient, written as people and programs write them, in copies of files
of a small book.

A plant is a function's word for what is told, a way to write it, and the file that it is put in. :func:`book`
makes a small published tree of the project's real pieces, :func:`plants` all plants, :func:`write` puts one
into a file of its kind.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

import docx
import matplotlib
import nbformat
import pandas as pd
import pypdf
from matplotlib.figure import Figure

from analysis_lib.show import vector

IDENTIFIER, CASE, FIRST, LAST, BORN, TOLD = (
    "MRN-0090221",
    "0073645182",
    "Jörg",
    "Kestrelmüller",
    date(1957, 11, 23),
    "0171 2345678",
)
INFUSED = date(2021, 8, 23)
REMARK = "He was brought in by the lighthouse keeper, late at night; see letter."
OURS = date(2021, 3, 28)  # the date that the book itself takes for an example
COLUMNS = {"MRN": "patient_id", "Infusion": "infusion_date"}


def patients() -> pd.DataFrame:
    """The file that the plants are taken from: one patient among others, as a hospital writes it; the index
    is its rows.
    """
    rows = [
        {
            "MRN": IDENTIFIER,
            "Infusion": f"{INFUSED:%d.%m.%Y}",
            "Name": f"{LAST}, {FIRST}",
            "Born": f"{BORN:%d.%m.%Y}",
            "Case": CASE,
            "Phone": TOLD,
            "Mail": "joerg.kestrelmueller@example.org",
            "Last visit": f"{OURS:%d.%m.%Y}",
            "Remarks": REMARK,
        }
    ]
    rows += [
        {
            "MRN": f"MRN-00{81100 + 37 * number}",
            "Infusion": f"1{number}.02.2019",
            "Name": f"{name}, Anna",
            "Born": f"0{number + 1}.05.1960",
            "Case": f"00{71000000 + 7919 * number}",
            "Phone": f"030 {4410000 + 313 * number}",
            "Last visit": "",
            "Remarks": "well",
        }
        for number, name in enumerate(
            ("Ahrendsen", "Brinkhorst", "Czerwinka", "Dombrowsky", "Ellinghaus", "Fuhrberg")
        )
    ]
    return pd.DataFrame(rows, index=range(2, 2 + len(rows)), dtype="string").replace("", pd.NA)


# --- ways to write ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plant:
    """What is told (``name``), how it is written, the words themselves, and the kind of file they stand
    in.
    """

    told: str
    how: str
    words: str
    file: str


IDENTIFIERS = {
    "as it is": IDENTIFIER,
    "without the prefix": "0090221",
    "without prefix and zeros": "90221",
    "prefix, without zeros": "MRN 90221",
    "small, without a hyphen": "mrn0090221",
    "underscore": "mrn_0090221",
    "no-break hyphen": "MRN‑0090221",
    "full-width digits": "MRN-００９０２２１",
    "Cyrillic letters": "МRN-0090221",
    "zero-width space": "MRN-009\u200b0221",
    "soft hyphen": "MRN-00\u00ad90221",
    "letter O for a zero": "MRN-0O9O221",
    "split by tags": "MRN-00<b>90</b>221",
    "number sign": "MRN no. 0090221",
    "Arabic digits": "٩٠٢٢١",
    "spaced out": "M R N 0 0 9 0 2 2 1",
    "in a word": "patient90221",
    "in words": "nine zero two two one",
    "reversed": "1220900-NRM",
}
CASES = {
    "as it is": CASE,
    "without zeros": "73645182",
    "thousands": "73,645,182",
    "points": "73.645.182",
    "thin spaces": "73\u2009645\u2009182",
    "a decimal": "73645182.0",
    "two groups": "7364 5182",
    "groups of two": "00 73 64 51 82",
    "exponent": "7.3645182e7",
}
NAMES = {
    "surname": LAST,
    "first name first": f"{FIRST} {LAST}",
    "as in the file": f"{LAST}, {FIRST}",
    "capitals": f"{FIRST} {LAST.upper()}",
    "small": LAST.lower(),
    "decomposed": unicodedata.normalize("NFD", LAST),
    "ue for ü": "Kestrelmueller",
    "without accents": "Jorg Kestrelmuller",
    "Cyrillic letters": "Kеstrelmüllеr",
    "Greek letters": "Κestrelmüller",
    "soft hyphen": "Kestrel\u00admüller",
    "zero-width joiner": "Kestrel\u200dmüller",
    "cut by tags": "Kes<span>trel</span>müller",
    "possessive": f"{LAST}’s",
    "spaced out": " ".join(LAST),
    "initial": f"J. {LAST}",
    "mathematical letters": "𝐊𝐞𝐬𝐭𝐫𝐞𝐥𝐦ü𝐥𝐥𝐞𝐫",
    "underscores": "joerg_kestrelmueller",
    "mail": "joerg.kestrelmueller@example.org",
    "hyphen at the end of a line": "Kestrel-\nmüller",
    "misspelled": "Kestrlmüller",
    "initials only": "J. K.",
}
DAYS = {
    "ISO": "%Y-%m-%d",
    "German": "%d.%m.%Y",
    "short German": "%d.%m.%y",
    "American": "%m/%d/%Y",
    "short American": "%m/%d/%y",
    "day month": "%d %B %Y",
    "23 Aug 21": "%d %b %y",
    "23-AUG-2021": "%d-%b-%Y",
    "ordinal": "23rd of August, 2021",
    "23 of August": "23 of August 2021",
    "month first": "%B %d, %Y",
    "apostrophe": "Aug 23 '21",
    "ISO week": "%G-W%V",
    "ISO week and day": "%G-W%V-%u",
    "calendar week": "KW %V/%Y",
    "day of year": "%Y-%j",
    "day of year in words": "day %j of %Y",
    "compact": "%Y%m%d",
    "compact German": "%d%m%Y",
    "six digits": "%d%m%y",
    "serial": "44431",
    "epoch": "1629676800",
    "time stamp": "%Y%m%d103000",
    "with time": "%Y-%m-%dT10:30:00Z",
    "year first in words": "%Y August %d",
    "French": "23 août 2021",
    "Spanish": "23 de agosto de 2021",
    "Italian": "23 agosto 2021",
    "Polish": "23 sierpnia 2021",
    "Czech": "23. srpna 2021",
    "Finnish": "23. elokuuta 2021",
    "Turkish": "23 Ağustos 2021",
    "Russian": "23 августа 2021",
    "Hungarian": "2021. augusztus 23.",
    "Roman month": "23.VIII.2021",
    "Japanese": "2021年8月23日",
    "without the year": "23 August",
    "month only": "August 2021",
    "in words": "the twenty-third of August",
}
PHONES = {
    "as it is": TOLD,
    "no space": "01712345678",
    "international": "+49 171 2345678",
    "00": "0049 171 2345678",
    "groups of two": "0171 23 45 67 8",
    "groups": "0171-234-5678",
    "brackets": "(0171) 234 5678",
    "slash": "0171/2345678",
    "joined": "+491712345678",
    "points": "0171.234.5678",
}
OTHERS = {
    "the book's own date": f"Seen on {OURS} in clinic",
    "that date in German": f"{OURS:%d.%m.%Y}",
    "of a remark": "brought in by the lighthouse keeper",
    "a remark in capitals": "BROUGHT IN BY THE LIGHTHOUSE KEEPER",
    "half a remark": "by the lighthouse keeper, late",
    "three words": "the lighthouse keeper",
}
TELLING = {
    "an identifier": IDENTIFIERS,
    "a case number": CASES,
    "a name": NAMES,
    "a telephone number": PHONES,
    "something else": OTHERS,
    "a date": {how: INFUSED.strftime(written) for how, written in DAYS.items()},
}
PLAIN = {"an identifier": IDENTIFIER, "a name": f"{FIRST} {LAST}", "a date": f"{INFUSED:%d.%m.%Y}"}


# --- ways to hide -------------------------------------------------------------------------------------------------


def html(words: str) -> bytes:
    return PAGE.format(f"<p>Of all, {words} was first.</p>").encode()


def svg(words: str) -> bytes:
    return _drawn(words, "svg", {"svg.fonttype": "none"})


def pdf(words: str) -> bytes:
    return _drawn(words, "pdf", {"pdf.fonttype": 42})


def _drawn(words: str, kind: str, settings: dict) -> bytes:
    figure, written = Figure(figsize=(3, 2)), io.BytesIO()
    figure.subplots().plot([0, 12, 24], [1, 0.5, 0.25])
    figure.text(0.1, 0.5, words)
    # As the book draws: the digits of this moment, or of an id drawn at random, may be somebody's number.
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with matplotlib.rc_context(settings):
        figure.savefig(written, format=kind, metadata=undated)
    return vector.own_ids(written.getvalue().decode()).encode() if kind == "svg" else written.getvalue()


def png(words: str, **metadata) -> bytes:
    figure, written = Figure(figsize=(1, 1)), io.BytesIO()
    figure.savefig(written, format="png", metadata=metadata or {"Comment": words})
    return written.getvalue()


def word(words: str, header: bool = False, author: str = "") -> bytes:
    document, written = docx.Document(), io.BytesIO()
    paragraph = (
        (document.sections[0].header if header else document).paragraphs[0]
        if header
        else document.add_paragraph("Of all, ")
    )
    for start in range(0, len(words), 4):  # Word cuts sentences into runs
        paragraph.add_run(words[start : start + 4])
    document.core_properties.author = author
    document.save(written)
    return written.getvalue()


def notebook(text: str = "", source: str = "1", **data) -> bytes:
    output = nbformat.v4.new_output("display_data", data=data or {"text/plain": text})
    return nbformat.writes(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, outputs=[output])])
    ).encode()


def archive(name: str, content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return written.getvalue()


def content_stream(shown: bytes) -> bytes:
    """A PDF with one page that shows a text by an operator of its own."""
    stream = zlib.compress(b"BT /F1 12 Tf 20 100 Td " + shown + b" ET")
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n" % len(stream) + stream + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    written, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(written))
        written += b"%d 0 obj" % number + part + b"endobj\n"
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return written + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(written)


def kerned(words: str) -> bytes:
    return content_stream(
        b"[" + b" -80 ".join(b"(" + letter.encode("cp1252") + b")" for letter in words) + b"] TJ"
    )


def hexadecimal(words: str) -> bytes:
    return content_stream(b"<" + words.encode("cp1252").hex().encode() + b"> Tj")


def titled(words: str) -> bytes:
    written, writer = io.BytesIO(), pypdf.PdfWriter(pypdf.PdfReader(io.BytesIO(pdf("Of all"))))
    writer.add_metadata({"/Title": words})
    writer.write(written)
    return written.getvalue()


def attached(words: str) -> bytes:
    written, writer = io.BytesIO(), pypdf.PdfWriter(pypdf.PdfReader(io.BytesIO(pdf("Of all"))))
    writer.add_attachment("rows.csv", words.encode())
    writer.write(written)
    return written.getvalue()


def encoded(words: str, times: int = 1) -> str:
    content = words.encode()
    for _ in range(times):
        content = base64.b64encode(content)
    return content.decode()


def entities(words: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in words)


HIDING = {
    "text.html": html,
    "attribute.html": lambda words: PAGE.format(f'<img alt="{words}" src="x.png">').encode(),
    "comment.html": lambda words: PAGE.format(f"<!-- {words} -->").encode(),
    "script.html": lambda words: PAGE.format(f"<script>var rows = [{json.dumps(words)}];</script>").encode(),
    "entities.html": lambda words: html(entities(words)),
    "doubled-entities.html": lambda words: html(entities(words).replace("&", "&amp;")),
    "percent.html": lambda words: PAGE.format(f'<a href="x?a={quote(words, safe="")}">x</a>').encode(),
    "base64.html": lambda words: html(encoded(words)),
    "twice-base64.html": lambda words: html(encoded(words, 2)),
    "data-uri.html": lambda words: PAGE.format(
        f'<a href="data:text/plain;base64,{encoded(words)}">x</a>'
    ).encode(),
    "image.html": lambda words: PAGE.format(
        f'<img src="data:image/png;base64,{base64.b64encode(png(words)).decode()}">'
    ).encode(),
    "drawing.html": lambda words: PAGE.format(
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg(words)).decode()}">'
    ).encode(),
    "hex.html": lambda words: html(words.encode().hex()),
    "output.ipynb": notebook,
    "html-output.ipynb": lambda words: notebook(**{"text/html": f"<td>{words}</td>"}),
    "code.ipynb": lambda words: notebook(source=f"first = {words!r}"),
    "image.ipynb": lambda words: notebook(**{"image/png": base64.encodebytes(png(words)).decode()}),
    "rows.csv": lambda words: f'result_id,value,note\nos1.median,7.12345,"{words}"\n'.encode(),
    "utf-16.csv": lambda words: f"result_id\tnote\nos1.median\t{words}\n".encode("utf-16"),
    "escaped.json": lambda words: json.dumps({"note": [{"a": words}]}).encode(),
    "escaped.js": lambda words: (
        'var a = "' + "".join(f"\\u{ord(letter):04x}" for letter in words) + '"'
    ).encode(),
    "style.css": lambda words: f".a::after {{ content: '{words}'; }}".encode(),
    "figure.svg": svg,
    "paths.svg": lambda words: _drawn(words, "svg", {"svg.fonttype": "path"}),
    "figure.pdf": pdf,
    "kerned.pdf": kerned,
    "hex.pdf": hexadecimal,
    "title.pdf": titled,
    "attached.pdf": attached,
    "figure.png": png,
    "after-the-end.png": lambda words: png("x") + words.encode(),
    "table.docx": word,
    "header.docx": lambda words: word(words, header=True),
    "author.docx": lambda words: word("Of all", author=words),
    "rows.csv.gz": lambda words: gzip.compress(f"note\n{words}\n".encode()),
    "takeaway.zip": lambda words: archive("rows.csv", words.encode()),
    "zip-in-zip.zip": lambda words: archive("inner.zip", archive("table.docx", word(words))),
    "name-in.zip": lambda words: archive(words.replace("/", "-") + ".csv", b""),
    "photo.jpg": lambda words: (
        b"\xff\xd8\xff\xfe" + (len(words.encode()) + 2).to_bytes(2, "big") + words.encode() + b"\xff\xd9"
    ),
}
MARKUP = "text.html"  # what is written with tags or line breaks can only stand in a page
PAGE = (
    "<!DOCTYPE html><html><head><title>Survival</title><style>a {{ color: #123456 "
    "}}</style></head><body><h1>Survival</h1>"
    "<p>Of 62 patients, 32 died; median 12.3 months (95% CI 9.1–18.0), P = 0.04, in "
    "2023.</p>{}</body></html>"
)


def plants() -> Iterator[Plant]:
    """All plants: every way to write in a page and in one other kind of file, and every way to hide for what
    is plainly written.
    """
    others = (
        "rows.csv",
        "output.ipynb",
        "escaped.json",
        "table.docx",
        "figure.svg",
        "figure.pdf",
        "takeaway.zip",
    )
    number = 0
    for told, ways in TELLING.items():
        for how, words in ways.items():
            yield Plant(told, how, words, MARKUP)
            if not set("<\n") & set(words) and not any(ord(letter) > 0x2FF for letter in words):
                yield Plant(told, how, words, others[number % len(others)])
                number += 1
    for file in HIDING:
        for told, words in PLAIN.items():
            yield Plant(told, "plainly", words, file)


def write(plant: Plant, folder: Path) -> Path:
    """Put a plant into a file of its kind."""
    file = folder / plant.file
    file.write_bytes(HIDING[plant.file](plant.words))
    return file
