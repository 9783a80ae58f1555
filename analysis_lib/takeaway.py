"""What a researcher takes away from a chapter: its tables as Word and CSV, its figures as SVG and PDF, its result rows.

All of it is read off the executed notebook, so that a file cannot say anything else than the page. Equal pages give
equal files: nothing in them tells of a date, a person or a machine.
"""

from __future__ import annotations

import base64
import csv
import io
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from lxml import html as markup
from nbformat import NotebookNode, v4

from analysis_lib import spreadsheet, text
from analysis_lib.cohort import Cohort
from analysis_lib.figures import VECTORS

FOLDER = "takeaway"  # beside the pages of a cohort
HEADING = "To take away"
SOLUTION = "hide-cell"  # tag of the cells that solve an exercise: theirs are no tables of the study
WIDE = 6  # columns; a table with more is printed across the page


@dataclass(frozen=True)
class Table:
    """A table as it stands on the page: what it is, its column heads and lines of text; sections head the lines below them."""

    caption: str
    heads: list[str]
    lines: list[list[str]]
    sections: tuple[int, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """A figure as it stands on the page: caption, alt text and its files by format (``svg``, ``pdf``)."""

    caption: str
    alt: str
    files: dict[str, bytes]


# --- reading the page -----------------------------------------------------------------------------------------

def tables(page: NotebookNode) -> list[Table]:
    """The tables of a page, in order; those of exercises are left out."""
    return [_table(found) for html in _shown(page) for found in markup.fromstring(f"<div>{html}</div>").iter("table")]


def drawings(page: NotebookNode) -> list[Drawing]:
    """The figures of a page that come with files, in order; those of exercises are left out."""
    found = []
    for data in _outputs(page):
        if any(mime in data for mime in VECTORS.values()):
            shown = markup.fromstring(_joined(data["text/html"]))
            svg, pdf = (_joined(data.get(VECTORS[kind], "")) for kind in ("svg", "pdf"))
            files = {"svg": svg.encode("utf-8"), "pdf": base64.b64decode(pdf)}
            found.append(Drawing(_words(shown.find("figcaption")), shown.find("img").get("alt"), {k: f for k, f in files.items() if f}))
    return found


def strip(page: NotebookNode) -> None:
    """Take the files of figures out of a page: it shows their picture already."""
    for cell in page.cells:
        for output in cell.get("outputs", []):
            for mime in VECTORS.values():
                output.get("data", {}).pop(mime, None)


def _outputs(page: NotebookNode) -> list[dict]:
    return [output.data for cell in page.cells if cell.cell_type == "code" and SOLUTION not in cell.metadata.get("tags", [])
            for output in cell.outputs if "text/html" in output.get("data", {})]


def _shown(page: NotebookNode) -> list[str]:
    return [_joined(data["text/html"]) for data in _outputs(page)]


def _joined(data: str | list[str]) -> str:
    """The text of an output, which a notebook may hold in lines."""
    return data if isinstance(data, str) else "".join(data)


def _table(found) -> Table:
    heads = [_words(cell) for cell in found.find("thead").iter("th")]
    lines = [[_words(cell) for cell in line] for line in found.find("tbody").iter("tr")]
    sections = tuple(n for n, line in enumerate(found.find("tbody").iter("tr")) if line.get("class") == "section")
    return Table(_words(found.find("caption")), heads, [line + [""] * (len(heads) - len(line)) for line in lines], sections)


def _words(element) -> str:
    """The text of an element; what stands beneath a line break comes after a semicolon."""
    for line_break in element.iter("br"):
        line_break.tail = "; " + (line_break.tail or "")
    return re.sub(r"\s+", " ", element.text_content()).strip()


# --- writing the files ----------------------------------------------------------------------------------------

def offer(page: NotebookNode, study: Cohort, chapter: str, folder: Path, results_dir: Path) -> None:
    """Write what can be taken away from a chapter to ``folder/takeaway``, and end the page with links to it.

    Parameters
    ----------
    page : NotebookNode
        From :func:`analysis_lib.chapter.as_page`; the files of its figures are taken out of it.
    study : Cohort
        Whose page it is; every file says so, and that the patients are synthetic if they are.
    chapter : str
        Stem of the chapter (``04_survival``).
    folder : Path
        Where the page will stand.
    results_dir : Path
        Where the chapter's result rows are.
    """
    found, drawn = tables(page), drawings(page)
    strip(page)
    stem, title = folder / FOLDER / f"{study.name}-{chapter}", page.cells[0].source.partition("\n")[0].lstrip("# ")
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    if found:
        stem.with_name(f"{stem.name}-tables.docx").write_bytes(word(title, [about(study)], found))
        files = {f"{_file_name('table', n, table.caption)}.csv": sheet(table) for n, table in enumerate(found, 1)}
        listed = [f"{name}: {table.caption}" for name, table in zip(files, found)]
        stem.with_name(f"{stem.name}-tables.zip").write_bytes(bundle(files | _read_me(title, study, listed)))
    if drawn:
        files = {f"{_file_name('figure', n, drawing.caption)}.{kind}": data
                 for n, drawing in enumerate(drawn, 1) for kind, data in drawing.files.items()}
        listed = [f"{_file_name('figure', n, drawing.caption)}: {drawing.caption}\n   Alt text: {drawing.alt}"
                  for n, drawing in enumerate(drawn, 1)]
        stem.with_name(f"{stem.name}-figures.zip").write_bytes(bundle(files | _read_me(title, study, listed)))
    if line := links(study, chapter, folder, results_dir):
        page.cells.append(v4.new_markdown_cell(f"## {HEADING}\n\n{{.take-away}}\n{line}", id=f"take-away-{chapter[:2]}"))


def links(study: Cohort, chapter: str, folder: Path, results_dir: Path) -> str:
    """Markdown links, from a page in ``folder``, to whatever a chapter left to take away; empty if nothing."""
    stem = f"{FOLDER}/{study.name}-{chapter}"
    rows = Path(os.path.relpath(results_dir, folder)).as_posix() + f"/{chapter}.csv"
    offered = {"tables (Word)": f"{stem}-tables.docx", "tables (CSV)": f"{stem}-tables.zip",
               "figures (SVG and PDF)": f"{stem}-figures.zip", "result rows (CSV)": rows}
    return " · ".join(f"[{what}]({file})" for what, file in offered.items() if (folder / file).is_file())


def about(study: Cohort) -> str:
    """Whose numbers a file holds, in plain words; a synthetic cohort is called that."""
    return _words(markup.fromstring(text.about_html(study)))


def _read_me(title: str, study: Cohort, listed: list[str]) -> dict[str, bytes]:
    return {"read-me.txt": "\n\n".join([title, about(study), *listed, ""]).encode("utf-8")}


def _file_name(kind: str, number: int, caption: str) -> str:
    """A name that says what a file is: ``figure-2-efs1-from-day-0-to-progression``."""
    first = re.split(r"[.;(]", caption)[0]
    return "-".join([kind, str(number), *re.findall(r"[a-z0-9]+", first.lower())[:7]])


def sheet(table: Table) -> bytes:
    """A table as CSV that spreadsheets open as it is: UTF-8 with its mark, and no cell that they would calculate."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([spreadsheet.safe(cell) for cell in line] for line in [table.heads, *table.lines])
    return written.getvalue().encode("utf-8-sig")


def bundle(files: dict[str, bytes]) -> bytes:
    """Files as one ZIP archive that is the same at any time."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # dated 1980, the first day of the format
    return written.getvalue()


# --- Word -----------------------------------------------------------------------------------------------------

def word(title: str, notes: list[str], found: list[Table]) -> bytes:
    """A Word file of tables as journals print them: rules above, below and under the head, which repeats on each page.

    Under ``title`` stand the notes; each table has its caption above and, beneath, what the caption says of its making.
    """
    document = docx.Document()
    _page_layout(document, wide=any(len(table.heads) > WIDE for table in found))
    document.add_heading(title, 1)
    for note in notes:
        document.add_paragraph(note)
    for number, table in enumerate(found, 1):
        name, _, made = re.sub(r"([.?!]) +(?=[A-ZÀ-Þ†“])", r"\1\n", table.caption, count=1).partition("\n")
        _add_table(document, f"Table {number}. {name}", table, made)
    return saved(document)


def saved(document: Document) -> bytes:
    """A Word file's bytes, without dates, author or the library's remarks."""
    core = document.core_properties
    core.author = core.comments = core.last_modified_by = core.keywords = ""
    for dated in core._element.xpath("dcterms:created | dcterms:modified"):
        core._element.remove(dated)
    written = io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as archive:
        return bundle({name: archive.read(name) for name in archive.namelist()})


def _page_layout(document: Document, wide: bool) -> None:
    section = document.sections[0]
    if wide:
        section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, section.page_height, section.page_width
    for style, points in {"Normal": 10, "Caption": 10, "Heading 1": 14, "Heading 2": 12}.items():
        font = document.styles[style].font
        font.name, font.size, font.color.rgb = "Arial", Pt(points), docx.shared.RGBColor(0, 0, 0)
        fonts = document.styles[style].element.rPr.rFonts  # the template's headings name a theme's font, which would win
        for theme in [name for name in fonts.attrib if name.endswith("Theme")]:
            del fonts.attrib[theme]
    document.styles["Caption"].paragraph_format.keep_with_next = True


def _add_table(document: Document, caption: str, table: Table, made: str) -> None:
    document.add_paragraph(caption, style="Caption").paragraph_format.space_before = Pt(14)
    grid = document.add_table(rows=1 + len(table.lines), cols=len(table.heads))
    grid.autofit = True
    to_the_left = [place == 0 or any(len(line[place]) > 30 for line in table.lines) for place in range(len(table.heads))]
    for number, (row, words) in enumerate(zip(grid.rows, [table.heads, *table.lines])):
        heads = number == 0
        _row_property(row, "w:cantSplit")
        if heads:
            _row_property(row, "w:tblHeader")
        for cell, word_, left in zip(row.cells, words, to_the_left):
            paragraph = cell.paragraphs[0]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
            paragraph.paragraph_format.space_after = paragraph.paragraph_format.space_before = Pt(1.5)
            run = paragraph.add_run(word_)
            run.font.size, run.bold = Pt(9), heads or number - 1 in table.sections
            if heads or number == len(table.lines):
                _rules(cell, *(("top", "bottom") if heads else ("bottom",)))
            if table.sections and left and not heads and number - 1 not in table.sections and cell is row.cells[0]:
                paragraph.paragraph_format.left_indent = Pt(9)
    if made:
        note = document.add_paragraph()
        note.paragraph_format.space_before = Pt(3)
        note.add_run(made).font.size = Pt(8.5)


def _row_property(row, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _rules(cell, *sides: str) -> None:
    borders = OxmlElement("w:tcBorders")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for name, value in {"val": "single", "sz": "8", "color": "000000"}.items():
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)
