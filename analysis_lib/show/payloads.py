"""What is shown, also as data: a note, a table or a figure carries beside its HTML what it says.

Pages and files to take away are made from these payloads, so that nobody reads HTML back. Jupyter shows the
HTML and passes over formats that it does not know. MyST-NB does so with a warning, so finished pages hold
none (:func:`put_by`, :func:`analysis_lib.binding.takeaway.strip`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from IPython.display import display

NOTE = "application/vnd.salvage-book.note+json"
TABLE = "application/vnd.salvage-book.table+json"
FIGURE = "application/vnd.salvage-book.figure+json"

# what a note may be
WHOSE = "whose"  # whose numbers the page holds
OPENING = "opening"  # the chapter's question, and its answer in a sentence
SKIPPED = "skipped"  # that something is not shown, and the reason


@dataclass(frozen=True)
class Table:
    """A table as it stands on the page: what it is, its column heads and lines of text; sections head the
    lines below them.
    """

    caption: str
    heads: list[str]
    lines: list[list[str]]
    sections: tuple[int, ...] = ()


def show(html: str, kind: str = "", payload: Table | dict | None = None, **files: str) -> None:
    """Show HTML, with its payload and files by their MIME type; ``kind`` is that of the payload."""
    told = asdict(payload) if isinstance(payload, Table) else payload
    # what IPython's HTML would say in plain text
    bundle = {"text/html": html, "text/plain": "<IPython.core.display.HTML object>"}
    display(bundle | ({kind: told} if kind else {}) | files, raw=True)


def note_of(output: dict) -> dict:
    """The note that an output of a notebook, or of a page made from it, is; empty if it is none."""
    return output.get("data", {}).get(NOTE) or output.get("metadata", {}).get(NOTE, {})


def put_by(output: dict) -> None:
    """Keep the note of an output where nobody looks for something to show."""
    if NOTE in output.get("data", {}):
        output["metadata"][NOTE] = output["data"].pop(NOTE)
