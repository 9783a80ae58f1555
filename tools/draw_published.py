"""Draw what a hospital's board sees published: ``python tools/draw_published.py``.

The picture of the privacy page, of invented patients: what the hospital holds, what the study counts, and
what the book shows, with the numbers that the library itself gives for these counts. A test holds the file
equal to what is drawn here.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from analysis_lib.cohort import disclosure

PICTURE = Path(__file__).parents[1] / "book" / "_static" / "what-is-published.svg"
K = 5
COUNTED = {"Stage I": 3, "Stage II": 8, "Stage III": 14, "Stage IV": 21, "All": 46}
HELD = ("identifier", "name", "date of birth", "date of infusion", "stage, doses, scans", "last visit")
ALT = (
    "Three boxes beside each other. In your file, which stays with you: rows of patients with "
    + ", ".join(HELD)
    + ". What the study counts, inside the program: "
)
TOP, LINE = 76, 26


def shown(count: int) -> str:
    """What the book says of a count."""
    band = disclosure.banded(count, K)
    return f"fewer than {K}" if band is None else str(band)


def alt() -> str:
    """The picture in words."""
    counted = ", ".join(f"{name} {count}" for name, count in COUNTED.items())
    published = ", ".join(f"{name} {shown(count)}" for name, count in COUNTED.items())
    return f"{ALT}{counted}. What the book shows: {published}."


def picture() -> str:
    """The picture as SVG."""
    boxes = ((12, "In your file", "stays with you"), (262, "The study counts", "inside the program"))
    boxes += ((512, "The book shows", "what anybody may read"),)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 236" role="img" '
        'font-family="Helvetica, Arial, sans-serif" font-size="14">',
        f"<title>{escape(alt())}</title>",
        '<rect width="720" height="236" rx="10" fill="#ffffff"/>',
    ]
    for left, head, below in boxes:
        parts += [
            f'<rect x="{left}" y="12" width="196" height="212" rx="8" fill="#eaf3f8" stroke="#0b5c8a"/>',
            _text(left + 98, 34, head, "middle", ' font-weight="bold"'),
            _text(left + 98, 52, below, "middle", ' font-size="12"'),
        ]
    for left in (212, 462):
        parts.append(f'<path d="M{left} 118h36m-8 -6l9 6l-9 6" fill="none" stroke="#0b5c8a"/>')
    for place, name in enumerate(HELD):
        parts.append(_text(28, TOP + 6 + place * LINE, name))
    for place, (name, count) in enumerate(COUNTED.items()):
        height = TOP + 6 + place * LINE
        parts += [_text(278, height, name), _text(442, height, str(count), "end")]
        parts += [_text(528, height, name), _text(692, height, shown(count), "end")]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: int, y: int, words: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="#12293a" text-anchor="{anchor}"{more}>{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
