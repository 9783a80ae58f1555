"""What a researcher takes away from a chapter: its tables as Word and CSV, its figures as SVG and PDF, its
result rows.

All of it is read off the executed notebook, so that a file cannot say anything else than the page. Equal
pages give equal files: nothing in them tells of a date, a person or a machine.
"""

from __future__ import annotations

import base64
import csv
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode, v4

from analysis_lib.binding.word import word
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import spreadsheet
from analysis_lib.files.archive import bundle
from analysis_lib.show import notes, payloads
from analysis_lib.show.canvas import VECTORS
from analysis_lib.show.payloads import Table

FOLDER = "takeaway"  # beside the pages of a cohort
HEADING = "Downloads"
SOLUTION = "hide-cell"  # tag of the cells that solve an exercise: theirs are no tables of the study


@dataclass(frozen=True)
class Drawing:
    """A figure as it stands on the page: caption, alt text and its files by format (``svg``, ``pdf``)."""

    caption: str
    alt: str
    files: dict[str, bytes]


# --- reading the page -----------------------------------------------------------------------------


def tables(page: NotebookNode) -> list[Table]:
    """The tables of a page, in order; those of exercises are left out."""
    return [_table(data[payloads.TABLE]) for data in _outputs(page) if payloads.TABLE in data]


def drawings(page: NotebookNode) -> list[Drawing]:
    """The figures of a page that come with files, in order; those of exercises are left out."""
    found = []
    for data in _outputs(page):
        if any(mime in data for mime in VECTORS.values()):
            told = data[payloads.FIGURE]
            svg, pdf = (_joined(data.get(VECTORS[kind], "")) for kind in ("svg", "pdf"))
            files = {"svg": svg.encode("utf-8"), "pdf": base64.b64decode(pdf)}
            found.append(Drawing(_words(told["caption"]), told["alt"], {k: f for k, f in files.items() if f}))
    return found


def strip(page: NotebookNode) -> None:
    """Take the files of figures out of a page, and what its tables and figures say: it shows them already."""
    for cell in page.cells:
        for output in cell.get("outputs", []):
            for mime in (*VECTORS.values(), payloads.TABLE, payloads.FIGURE):
                output.get("data", {}).pop(mime, None)


def _outputs(page: NotebookNode) -> list[dict]:
    return [
        output.data
        for cell in page.cells
        if cell.cell_type == "code" and SOLUTION not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if "data" in output
    ]


def _joined(data: str | list[str]) -> str:
    """The text of an output, which a notebook may hold in lines."""
    return data if isinstance(data, str) else "".join(data)


def _table(told: dict) -> Table:
    """A table from its payload, each cell in one line."""
    lines = [[_words(cell) for cell in line] for line in told["lines"]]
    return Table(
        _words(told["caption"]), [_words(head) for head in told["heads"]], lines, tuple(told["sections"])
    )


def _words(text: str) -> str:
    """A text in one line, as a page shows it."""
    return " ".join(text.split())


# --- writing the files ----------------------------------------------------------------------------


def offer(page: NotebookNode, study: Cohort, chapter: str, folder: Path, results_dir: Path) -> None:
    """Write what can be taken away from a chapter to ``folder/takeaway``, and end the page with links to it.

    Parameters
    ----------
    page : NotebookNode
        From :func:`analysis_lib.binding.page.as_page`; the files of its figures are taken out of it.
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
    stem, title = (
        folder / FOLDER / f"{study.name}-{chapter}",
        page.cells[0].source.partition("\n")[0].lstrip("# "),
    )
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    if found:
        stem.with_name(f"{stem.name}-tables.docx").write_bytes(word(title, [about(study)], found))
        files = {
            f"{_file_name('table', n, table.caption)}.csv": sheet(table) for n, table in enumerate(found, 1)
        }
        listed = [f"{name}: {table.caption}" for name, table in zip(files, found)]
        stem.with_name(f"{stem.name}-tables.zip").write_bytes(bundle(files | _read_me(title, study, listed)))
    if drawn:
        files = {
            f"{_file_name('figure', n, drawing.caption)}.{kind}": data
            for n, drawing in enumerate(drawn, 1)
            for kind, data in drawing.files.items()
        }
        listed = [
            f"{_file_name('figure', n, drawing.caption)}: {drawing.caption}\n   Alt text: {drawing.alt}"
            for n, drawing in enumerate(drawn, 1)
        ]
        stem.with_name(f"{stem.name}-figures.zip").write_bytes(bundle(files | _read_me(title, study, listed)))
    if line := links(study, chapter, folder, results_dir):
        page.cells.append(
            v4.new_markdown_cell(f"## {HEADING}\n\n{{.take-away}}\n{line}", id=f"take-away-{chapter[:2]}")
        )


def links(study: Cohort, chapter: str, folder: Path, results_dir: Path) -> str:
    """Markdown links, from a page in ``folder``, to whatever a chapter left to take away; empty if
    nothing.
    """
    stem = f"{FOLDER}/{study.name}-{chapter}"
    rows = Path(os.path.relpath(results_dir, folder)).as_posix() + f"/{chapter}.csv"
    offered = {
        "tables (Word)": f"{stem}-tables.docx",
        "tables (CSV)": f"{stem}-tables.zip",
        "figures (SVG and PDF)": f"{stem}-figures.zip",
        "result rows (CSV)": rows,
    }
    return " · ".join(f"[{what}]({file})" for what, file in offered.items() if (folder / file).is_file())


def about(study: Cohort) -> str:
    """Whose numbers a file holds, in plain words; a synthetic cohort is called that."""
    return _words(" ".join(notes.about_words(study)))


def _read_me(title: str, study: Cohort, listed: list[str]) -> dict[str, bytes]:
    return {"read-me.txt": "\n\n".join([title, about(study), *listed, ""]).encode("utf-8")}


def _file_name(kind: str, number: int, caption: str) -> str:
    """A name that says what a file is: ``figure-2-efs1-from-day-0-to-progression``."""
    first = re.split(r"[.;(]", caption)[0]
    return "-".join([kind, str(number), *re.findall(r"[a-z0-9]+", first.lower())[:7]])


def sheet(table: Table) -> bytes:
    """A table as CSV that spreadsheets open as it is: UTF-8 with its mark, and no cell that they would
    calculate.
    """
    written = io.StringIO(newline="")
    csv.writer(written).writerows(
        [spreadsheet.safe(cell) for cell in line] for line in [table.heads, *table.lines]
    )
    return written.getvalue().encode("utf-8-sig")
