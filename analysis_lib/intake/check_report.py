"""What ``salvage-book check`` answers: the same rows in the terminal, as CSV and as a page of HTML.

The rows hold values of the hospital's file. They are for its data manager and are no part of a book.
"""

from __future__ import annotations

import html
import io
import shutil
import sys
import textwrap
from pathlib import Path

import pandas as pd
from rich.cells import cell_len
from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary import columns
from analysis_lib.files import replacing, spreadsheet
from analysis_lib.intake.read import read_cohort

COLUMNS = ["severity", "table", "row", "field", "value", "concern", "suggestion"]
KEEP_IT_IN = "This report holds values of single patients: keep it in the hospital."
REPEATS = 3  # rows of one concern that the terminal shows
# how to know a report again: nothing else is ever overwritten
MARK = "<!doctype html>\n<!-- salvage-book check -->"


def check(cohort: str, csv: Path | None = None, page: Path | None = None) -> int:
    """Check a cohort and say what was found; returns 0 if it can be used, else 1.

    Parameters
    ----------
    cohort : str
        As :func:`analysis_lib.intake.read.read_cohort` takes it.
    csv, page : Path, optional
        Where to write the rows as CSV and as HTML.

    Raises
    ------
    CohortError
        When a report cannot be written, or would overwrite something that is not a report.
    """
    for target in (csv, page):
        _may_be_written(target)
    try:
        study = read_cohort(cohort)
        title, found, code = study.title, study.warnings[COLUMNS], 0
    except CohortError as error:
        study, title, found, code = None, error.source, error.problems[COLUMNS], 1
    _write(csv, as_csv(found))
    _write(page, as_page(found, title, _answer(found)))
    lines = [
        f"{title}: {_answer(found)}",
        *([_sizes(study)] if study else []),
        *as_lines(found, shutil.get_terminal_size().columns),
    ]
    lines += [f"Written: {target}" for target in (csv, page) if target] + (
        [KEEP_IT_IN] if _of_patients(found) else []
    )
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


def _answer(found: pd.DataFrame) -> str:
    counts = found["severity"].value_counts()
    said = [
        f"{counts[kind]} {kind}{'s' if counts[kind] > 1 else ''}"
        for kind in ("error", "warning")
        if kind in counts
    ]
    if not said:
        return "no problem found."
    can = "a book can be built once the errors are corrected" if "error" in counts else "a book can be built"
    return f"{' and '.join(said)}; {can}. Nothing was changed."


def _of_patients(found: pd.DataFrame) -> bool:
    """Whether the report speaks of a row, or of a value in a column, and not only of files and names of
    columns.
    """
    named = found[["field", "value"]].fillna("").ne("").all(axis=1)
    return bool((found["row"].notna() | named).any())


def _sizes(study: Cohort) -> str:
    tables = {name: len(getattr(study, name)) for name in columns.TABLES}
    return "; ".join(
        f"{name}: {rows} row{'s' if rows != 1 else ''}" if rows else f"{name}: none"
        for name, rows in tables.items()
    )


# --- terminal -------------------------------------------------------------------------------------


def as_lines(found: pd.DataFrame, width: int = 100) -> list[str]:
    """The rows as an aligned list; of a concern that many rows share, the first three and the number of the
    others.
    """
    lines = []
    for severity, rows in found.groupby("severity", sort=False):
        listed = _listed(rows)
        # the concern keeps room to be read, on a narrow terminal too
        room = max(min(width, 160), Measurement.get(_plain(1000), _plain(1000).options, listed).minimum)
        console = _plain(room)
        with console.capture() as said:
            console.print(listed)
        lines += ["", f"{severity.upper()}S", *said.get().splitlines()]
    return [line.rstrip() for line in lines] + ([""] if lines else [])


def _plain(width: int) -> Console:
    """What lays text out and adds nothing to it: no colour, no link, no sign that steers a terminal."""
    return Console(
        file=io.StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False
    )


def _listed(rows: pd.DataFrame) -> Table:
    """Concerns of one severity as a table of the terminal."""
    same = rows.groupby(["table", "field", "concern", "suggestion"], sort=False)["row"]
    repeats, alike = same.cumcount(), same.transform("size")
    shown = rows[repeats < REPEATS]
    cells = {
        name: ["" if pd.isna(cell) else _printable(str(cell)) for cell in shown[name]] for name in COLUMNS
    }
    cells["field"] = [textwrap.shorten(cell, 40, placeholder="…") or cell[:39] for cell in cells["field"]]
    cells["value"] = [cell if len(cell) <= 24 else cell[:23] + "…" for cell in cells["value"]]
    listed = Table(box=None, padding=(0, 0, 0, 2), header_style="")
    for name in ("table", "row", "field", "value"):
        widest = max(cell_len(name), *map(cell_len, cells[name]))
        listed.add_column(name, min_width=widest, justify="right" if name == "row" else "left")
    listed.add_column("concern", min_width=36)
    for place, index in enumerate(shown.index):
        concern, suggestion = cells["concern"][place], cells["suggestion"][place]
        told: list[Text | Table] = [Text(f"{concern[:1].upper()}{concern[1:]}.")]
        if suggestion:
            told.append(_after("→", suggestion))
        if repeats[index] == REPEATS - 1 and alike[index] > REPEATS:
            more = alike[index] - REPEATS
            told.append(
                _after(
                    "…", f"and the same in {more} more row{'s' if more > 1 else ''} (--csv FILE lists all)"
                )
            )
        listed.add_row(
            *(Text(cells[name][place]) for name in ("table", "row", "field", "value")), Group(*told)
        )
    return listed


def _after(mark: str, words: str) -> Table:
    """Words that hang behind a mark."""
    hanging = Table.grid(padding=(0, 1, 0, 0))
    hanging.add_row(Text(mark), Text(words))
    return hanging


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


# --- files ----------------------------------------------------------------------------------------


def as_csv(found: pd.DataFrame) -> str:
    """The rows as CSV that a spreadsheet shows and never executes."""
    return found.map(lambda cell: spreadsheet.safe(cell) if isinstance(cell, str) else cell).to_csv(
        index=False
    )


def as_page(found: pd.DataFrame, title: str, answer: str) -> str:
    """The rows as one page of HTML that needs nothing else; on a narrow screen each row becomes a card."""
    parts = []
    for severity, rows in found.groupby("severity", sort=False):
        heading = f"{severity.capitalize()}s"
        heads = "".join(f'<th scope="col">{name.capitalize()}</th>' for name in COLUMNS[1:])
        lines = "".join(f"<tr>{_cells(row)}</tr>\n" for row in rows.to_dict("records"))
        parts.append(
            f'<h2>{heading}</h2>\n<div class="wide" role="region" tabindex="0" '
            f'aria-label="{heading}">'
            f"<table><caption>{EXPLAINED[severity]}</caption>\n<thead><tr>{heads}</tr></thead>\n"
            f"<tbody>\n{lines}</tbody></table></div>"
        )
    keep = f"<p><strong>{KEEP_IT_IN}</strong></p>" if _of_patients(found) else ""
    answer = html.escape(answer[:1].upper() + answer[1:])
    return PAGE.format(mark=MARK, title=html.escape(title), answer=answer, keep=keep, parts="\n".join(parts))


def _cells(row: dict) -> str:
    shown = {name: "" if pd.isna(row[name]) else html.escape(str(row[name])) for name in COLUMNS[1:]}
    return "".join(f'<td data-label="{name.capitalize()}">{cell}</td>' for name, cell in shown.items())


EXPLAINED = {
    "error": "What must be corrected before a book can be built. Row numbers are those of the "
    "file; its header is row 1.",
    "warning": "What is odd and may be right: look at it. A book can be built, and says how many "
    "patients are concerned.",
}
PAGE = """{mark}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Check of {title}</title>
<style>
:root {{ color-scheme: light dark; --line: #c9ced6; --soft: #f3f5f8; --ink: #1b1f24; --paper: #fff }}
@media (prefers-color-scheme: dark) {{
  :root {{ --line: #4a5260; --soft: #262b33; --ink: #e8eaed; --paper: #17191d }}
}}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  padding: 1rem; max-width: 82rem }}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: .5rem 0 }}
h2 {{ font-size: 1.25rem; margin: 2rem 0 .5rem }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100% }} caption {{ text-align: left; padding-bottom: .5rem }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line) }}
td {{ overflow-wrap: anywhere }} td:nth-child(2), td:nth-child(1) {{ overflow-wrap: normal }}
thead th {{ background: var(--soft) }}
td:nth-child(3), td:nth-child(5), td:nth-child(6) {{ min-width: 13rem }}
@media (max-width: 48rem) {{
  table, caption, tbody, tr, td {{ display: block }} thead {{ position: absolute; left: -999rem }}
  tr {{ border: 1px solid var(--line); border-radius: .4rem; margin-bottom: .8rem; padding: .3rem }}
  td {{ border: 0; padding: .15rem .4rem; min-width: 0 }} td:empty {{ display: none }}
  td::before {{ content: attr(data-label) ": "; font-weight: 600 }}
}}
</style>
</head>
<body>
<main>
<h1>Check of {title}</h1>
<p>{answer}</p>
{keep}
{parts}
</main>
</body>
</html>
"""


def _may_be_written(target: Path | None) -> None:
    """Refuse to overwrite anything but an earlier report: it may be the file that is checked."""
    if target is None or not target.exists():
        return
    try:
        starts = target.read_text("utf-8-sig")[:200] if target.is_file() else ""
    except (OSError, UnicodeDecodeError):
        starts = ""
    if not starts.startswith((MARK, ",".join(COLUMNS))):
        raise CohortError(
            str(target),
            [
                problem(
                    "check",
                    "there is already something of this name, and it is no report",
                    "Give the report another name.",
                    value=str(target),
                )
            ],
        )


def _write(target: Path | None, content: str) -> None:
    """Write beside the place first, so that no half of a report is ever left."""
    if target is None:
        return
    encoding = "utf-8-sig" if target.suffix.lower() == ".csv" else "utf-8"
    try:
        with replacing.finished(target) as unfinished:
            unfinished.write_text(content, encoding, errors="replace", newline="")
    except OSError as error:
        raise CohortError(
            str(target),
            [
                problem(
                    "check",
                    f"the report cannot be written ({error.strerror})",
                    "Name a file in a folder that exists.",
                    value=str(target),
                )
            ],
        ) from None
