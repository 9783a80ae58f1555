"""A figure as SVG within a page: real text, no white ground, and the colours of the page it stands on.

Each colour of the book's palette becomes a name that the style sheet fills, light or dark; where no style
sheet does (JupyterLab), the colours are those that were drawn.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
# Text stays text, and equal figures are equal files: no date, no maker, ids that do not change.
AS_TEXT: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "salvage-book"}
# What the names of colours mean where nobody says so; ink is the notebook's own.
INK, SOFT, FAINT, PAPER = "var(--ink)", "var(--soft)", "var(--faint)", "var(--paper)"
NAMES = (
    "--ink:var(--fig-ink,var(--jp-content-font-color1,#1f2933));"
    "--soft:var(--fig-soft,var(--jp-content-font-color2,#55636f));"
    "--faint:var(--fig-faint,var(--jp-border-color2,#dde3e8));"
    "--paper:var(--fig-paper,var(--jp-layout-color0,#fff));fill:var(--ink)"
)
HEAD = re.compile(r"^.*?<svg [^>]*?viewBox=\"(?P<box>[^\"]+)\"[^>]*>", re.S)
ASIDE = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<title>.*?</title>|<!--.*?-->", re.S)
STYLE = re.compile(r"<style[^>]*>.*?</style>", re.S)  # how lines are joined
COLOUR = re.compile(r"#[0-9a-f]{6}\b", re.I)
USED = re.compile(r"(?:xlink:href=\"#|url\(#)([\w-]+)")


def drawn(figure: Figure) -> str:
    """A figure as matplotlib writes it to an SVG file, without a ground."""
    saved = io.StringIO()
    nameless = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with plt.rc_context(AS_TEXT):
        figure.savefig(saved, format="svg", facecolor="none", metadata=nameless)
    return saved.getvalue()


def inline(written: str, alt: str, kind: str, hidden: bool = False) -> str:
    """A drawing as an SVG element that says what it shows.

    Parameters
    ----------
    written : str
        From :func:`drawn`.
    alt : str
        What it shows, in words.
    kind : str
        Class of the element: ``wide`` or ``narrow``.
    hidden : bool
        Whether a page without our style sheet shows another rendering instead.
    """
    box, body = _taken_apart(written)
    body = COLOUR.sub(lambda found: named(found.group()), body)
    body = re.sub(r">\s+<", "><", body.replace("xlink:href", "href")).strip()
    style = NAMES + (";display:none" if hidden else "")
    return (
        f'<svg class="drawing {kind}" role="img" aria-label="{html.escape(alt)}" viewBox="{box}" '
        f'style="{style}">{body}'
    )


def as_file(written: str, title: str, alt: str, width: float) -> str:
    """A drawing as a file of its own, on white.

    Parameters
    ----------
    written : str
        From :func:`drawn`.
    title, alt : str
        What it is, and what it shows.
    width : float
        Inches; all that is drawn grows or shrinks with it.
    """
    box, body = _taken_apart(written)
    joined = "".join(STYLE.findall(written))
    high = width * float(box.split()[3]) / float(box.split()[2])
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<svg role="img" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{72 * width:.2f}pt" height="{72 * high:.2f}pt" viewBox="{box}">\n'
        f" <title>{html.escape(title)}</title>\n <desc>{html.escape(alt)}</desc>\n"
        f' {joined}\n <rect width="100%" height="100%" fill="#ffffff"/>\n{body.strip()}\n'
    )


def _taken_apart(written: str) -> tuple[str, str]:
    """The box of a drawing, and what it holds up to its end, with ids of its own."""
    written = ASIDE.sub("", written)
    head = HEAD.match(written)
    assert head, "matplotlib writes an SVG element with its box"
    return head["box"], own_ids(written[head.end() :])


def named(colour: str) -> str:
    """A colour as the page calls it: greys by how dark they are, the palette by number, others as is."""
    by_number = {each.lower(): i for i, each in enumerate(PALETTE, 1) if each != "#000000"}
    if number := by_number.get(colour.lower()):
        return f"var(--fig-{number},{colour})"
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    if not red == green == blue:
        return colour
    return INK if red < 0x48 else SOFT if red < 0xA0 else FAINT if red < 0xFF else PAPER


def own_ids(body: str) -> str:
    """Only ids that something uses, made unlike those of the other figures of a page; letters alone, which
    are nobody's number.
    """
    used = set(USED.findall(body))
    whose = _letters(body)
    fresh = {name: f"{whose}-{_letters(name)}" for name in used}
    body = re.sub(r" id=\"([\w.-]+)\"", lambda f: f' id="{fresh[f[1]]}"' if f[1] in used else "", body)
    return USED.sub(lambda f: f.group().replace(f[1], fresh[f[1]]), body)


def _letters(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return digest.translate(str.maketrans("0123456789", "ghijklmnop"))
