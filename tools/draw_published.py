"""Write what a hospital's board sees published: ``python tools/draw_published.py``.

The boxes of the privacy page, of invented patients: what the hospital holds, what the study counts, and what
the book shows, with the numbers that the library itself gives for these counts. They are words of the page,
so that they follow its colours and the width of a phone. A test holds the page equal to what is written here.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from analysis_lib.cohort import disclosure

PAGE = Path(__file__).parents[1] / "book" / "privacy.md"
BEGIN, END = (
    "<!-- what is published: written by tools/draw_published.py -->",
    "<!-- end of what is published -->",
)
WRITTEN = re.compile(f"{re.escape(BEGIN)}\n.*?\n{re.escape(END)}", re.S)
K = 5
COUNTED = {"Stage I": 3, "Stage II": 8, "Stage III": 14, "Stage IV": 21, "All": 46}
HELD = ("identifier", "name", "date of birth", "date of infusion", "stage, doses, scans", "last visit")
ARROW = '<span class="way-arrow" aria-hidden="true">→</span>'


def shown(count: int) -> str:
    """What the book says of a count."""
    band = disclosure.banded(count, K)
    return f"fewer than {K}" if band is None else str(band)


def boxes() -> str:
    """The three boxes as HTML."""
    held = "".join(f"<li>{escape(each)}</li>" for each in HELD)
    counted = {name: str(count) for name, count in COUNTED.items()}
    published = {name: shown(count) for name, count in COUNTED.items()}
    parts = [
        _box("In your file", "stays with you", f"<ul>{held}</ul>"),
        _box("The study counts", "inside the program", _lines(counted)),
        _box("The book shows", "what anybody may read", _lines(published)),
    ]
    return "\n".join(['<div class="way">', f"\n{ARROW}\n".join(parts), "</div>"])


def written(page: str) -> str:
    """The page with today's boxes."""
    return WRITTEN.sub(lambda _: f"{BEGIN}\n{boxes()}\n{END}", page)


def _box(head: str, below: str, inside: str) -> str:
    return f'<div class="way-box"><p><b>{head}</b><small>{below}</small></p>{inside}</div>'


def _lines(counts: dict[str, str]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{name}</dt><dd>{escape(told)}</dd>" for name, told in counts.items()) + "</dl>"
    )


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
