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
COLOUR = re.compile(r"#[0-9a-f]{6}\b", re.I)
USED = re.compile(r"(?:xlink:href=\"#|url\(#)([\w-]+)")


def inline(figure: Figure, alt: str, kind: str, hidden: bool = False) -> str:
    """A figure as an SVG element that says what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn with :func:`analysis_lib.show.canvas.canvas`.
    alt : str
        What it shows, in words.
    kind : str
        Class of the element: ``wide`` or ``narrow``.
    hidden : bool
        Whether a page without our style sheet shows another rendering instead.
    """
    saved = io.StringIO()
    with plt.rc_context(AS_TEXT):
        figure.savefig(saved, format="svg", facecolor="none", metadata={"Date": None, "Creator": None})
    written = ASIDE.sub("", saved.getvalue())
    head = HEAD.match(written)
    assert head, "matplotlib writes an SVG element with its box"
    body = own_ids(written[head.end() :])
    body = COLOUR.sub(lambda found: named(found.group()), body)
    body = re.sub(r">\s+<", "><", body.replace("xlink:href", "href")).strip()
    style = NAMES + (";display:none" if hidden else "")
    return (
        f'<svg class="drawing {kind}" role="img" aria-label="{html.escape(alt)}" viewBox="{head["box"]}" '
        f'style="{style}">{body}'
    )


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
