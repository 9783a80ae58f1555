"""The whole book as one PDF, printed by a browser that is on this machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pypdf import PdfWriter

from analysis_lib.binding.outcome import BuildError
from analysis_lib.files import replacing, yamls

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-sandbox",
    "--no-pdf-header-footer",
    "--virtual-time-budget=10000",
)
LONGEST = 180  # seconds for a page; the ledger is long


def print_book(html: Path, contents: Path, out: Path) -> int:
    """Print the pages of a finished book, in the order of its contents, into one PDF with bookmarks.

    Parameters
    ----------
    html : Path
        The folder of its pages.
    contents : Path
        Its ``_toc.yml``.
    out : Path
        The file to write.

    Returns
    -------
    int
        How many pages of paper.

    Raises
    ------
    BuildError
        If there is no book, no browser, or a page cannot be printed.
    """
    if not contents.is_file() or not (html / "index.html").is_file():
        raise BuildError(f"There is no book in {html}. Make one first: salvage-book build.")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise BuildError(f"Printing needs a browser: install one of {', '.join(BROWSERS[:3])}.")
    writer = PdfWriter()
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(pages(yamls.read(contents))):
            sheet = Path(folder) / f"{number}.pdf"
            _print(browser, html / f"{name}.html", sheet, Path(folder) / "profile")
            writer.append(sheet, outline_item=_title(html / f"{name}.html"))
        count = len(writer.pages)
        with replacing.finished(out) as place:
            writer.write(place)
    return count


def pages(contents: dict) -> Iterator[str]:
    """The names of a book's pages, without ending, in the order in which they stand."""
    yield contents["root"]
    for part in contents["parts"]:
        yield from _below(part["chapters"])


def _below(entries: list[dict]) -> Iterator[str]:
    for entry in entries:
        yield entry["file"]
        yield from _below(entry.get("sections", []))


def _print(browser: str, page: Path, sheet: Path, profile: Path) -> None:
    command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={sheet}", page.as_uri()]
    try:
        run = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        raise BuildError(f"{page.name} was not printed within {LONGEST} seconds.") from None
    if run.returncode or not sheet.is_file():
        raise BuildError(f"{page.name} could not be printed by {browser}.")


def _title(page: Path) -> str:
    head = page.read_text("utf-8").partition("<title>")[2].partition("</title>")[0]
    return head.partition(" &#8212;")[0].partition(" — ")[0].strip() or page.stem
