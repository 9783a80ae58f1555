"""Tables as a Word file, byte for byte the same each time."""

from __future__ import annotations

import io
import re
import zipfile
from copy import deepcopy
from typing import NamedTuple

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.table import CT_Tc
from docx.shared import Pt
from docx.table import _Cell, _Row

from analysis_lib.files.archive import bundle
from analysis_lib.show.payloads import Table

WIDE = 6  # columns; a table with more is printed across the page


def word(title: str, notes: list[str], found: list[Table]) -> bytes:
    """A Word file of tables as journals print them: rules above, below and under the head, which repeats on
    each page.

    Under ``title`` stand the notes; each table has its caption above and, beneath, what the caption says of
    its making.
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
        section.orientation, section.page_width, section.page_height = (
            WD_ORIENT.LANDSCAPE,
            section.page_height,
            section.page_width,
        )
    for style, points in {"Normal": 10, "Caption": 10, "Heading 1": 14, "Heading 2": 12}.items():
        font = document.styles[style].font
        font.name, font.size, font.color.rgb = "Arial", Pt(points), docx.shared.RGBColor(0, 0, 0)
        # the template's headings name a theme's font, which would win
        fonts = document.styles[style].element.rPr.rFonts
        for theme in [name for name in fonts.attrib if name.endswith("Theme")]:
            del fonts.attrib[theme]
    document.styles["Caption"].paragraph_format.keep_with_next = True


def _add_table(document: Document, caption: str, table: Table, made: str) -> None:
    document.add_paragraph(caption, style="Caption").paragraph_format.space_before = Pt(14)
    grid = document.add_table(rows=1 + len(table.lines), cols=len(table.heads))
    grid.autofit = True
    to_the_left = [
        place == 0 or any(len(line[place]) > 30 for line in table.lines) for place in range(len(table.heads))
    ]
    patterns: dict[_Look, CT_Tc] = {}  # a cell is a copy of the first of its look: dressing each takes long
    for number, (row, words) in enumerate(zip(grid.rows, [table.heads, *table.lines])):
        heads, section = number == 0, number - 1 in table.sections
        _row_property(row, "w:cantSplit")
        if heads:
            _row_property(row, "w:tblHeader")
        rules = ("top", "bottom") if heads else ("bottom",) if number == len(table.lines) else ()
        for place, (cell, word_, left) in enumerate(zip(row._tr.tc_lst, words, to_the_left)):
            indented = bool(table.sections) and left and place == 0 and not (heads or section)
            look = _Look(left, heads or section, indented, rules)
            if look not in patterns:
                patterns[look] = deepcopy(_dressed(_Cell(cell, grid), look))
            finished = deepcopy(patterns[look])
            finished.p_lst[0].r_lst[0].text = word_
            row._tr.replace(cell, finished)
    if made:
        note = document.add_paragraph()
        note.paragraph_format.space_before = Pt(3)
        note.add_run(made).font.size = Pt(8.5)


class _Look(NamedTuple):
    """How a cell of a table looks."""

    left: bool
    bold: bool
    indented: bool
    rules: tuple[str, ...]


def _dressed(cell: _Cell, look: _Look) -> CT_Tc:
    """A cell with an empty run of words, in this look."""
    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if look.left else WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_after = paragraph.paragraph_format.space_before = Pt(1.5)
    run = paragraph.add_run()
    run.font.size, run.bold = Pt(9), look.bold
    if look.rules:
        _rules(cell, *look.rules)
    if look.indented:
        paragraph.paragraph_format.left_indent = Pt(9)
    return cell._tc


def _row_property(row: _Row, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _rules(cell: _Cell, *sides: str) -> None:
    borders = OxmlElement("w:tcBorders")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for name, value in {"val": "single", "sz": "8", "color": "000000"}.items():
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)
