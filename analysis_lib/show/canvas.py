"""The style of all figures, and how one reaches the page: image, alternative text, caption, files."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from IPython import get_ipython
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis_lib.show import fitting, payloads, vector
from analysis_lib.show.fragments import finished, fragment
from analysis_lib.show.vector import PALETTE as PALETTE

DASHES = ["-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)), "-"]
WIDTH = 5.8  # inches
NARROW = 3.9  # inches: shown 350 px wide on a phone, text of 10 points has 12 px
JOURNAL_WIDTH = 174 / 25.4  # inches: two columns of a journal page, at which the smallest text has 9.5 points
# formats to take away, and what a notebook calls them
VECTORS = {"svg": "image/svg+xml", "pdf": "application/pdf"}
AS_FILES: dict[Any, Any] = {"pdf.fonttype": 42}  # text stays text: embedded fonts
# What a PDF embeds: of DejaVu Sans what most figures need, as the whole takes long to look through
# (tools/write_fonts.py).
FONTS = [Path(__file__).with_name("fonts") / f"{name}.ttf" for name in ("BookSans", "BookSans-Bold")]
STYLE: dict[Any, Any] = {
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "font.size": 10,
    "figure.dpi": 160,
    "figure.constrained_layout.w_pad": 5 / 72,  # a reader's machine may set words a little wider
}


def canvas(height: float, **options: Any) -> tuple[Figure, Any]:
    """A figure of the book's width and the given height (inches), with its axes."""
    with sns.axes_style("ticks"), plt.rc_context(STYLE):
        return plt.subplots(figsize=(WIDTH, height), layout="constrained", **options)


def described(drawn: str, told: Iterable[str]) -> str:
    """A figure in words: what is drawn, and the numbers in it, where there are any."""
    numbers = "; ".join(told)
    return f"{drawn}. {numbers}." if numbers else f"{drawn}."


def show(figure: Figure, alt: str, caption: str) -> None:
    """Show a figure with its alt text (what it shows) and caption (what it is, and by which method), and
    close it.
    """
    files, vectors = asked_for(), {}
    with fitting.settled(figure):
        wide = vector.drawn(figure)
        if "svg" in files:
            vectors[VECTORS["svg"]] = vector.as_file(wide, caption, alt, JOURNAL_WIDTH)
        if "pdf" in files:
            vectors[VECTORS["pdf"]] = as_pdf(figure, alt, caption)
    fitting.narrow(figure, figure.get_figwidth() * NARROW / WIDTH)
    narrow = vector.drawn(figure)
    plt.close(figure)
    drawings = [vector.inline(wide, alt, "wide"), vector.inline(narrow, alt, "narrow", hidden=True)]
    page = fragment("figure", caption=caption, drawings=list(map(finished, drawings)))
    payloads.show(page, payloads.FIGURE, {"caption": caption, "alt": alt}, **vectors)


def asked_for() -> list[str]:
    """The formats of :data:`VECTORS` that this session wants beside the image of the page: by default none.

    It is IPython's own setting, ``%config InlineBackend.figure_formats = ["svg", "pdf"]``. A build asks for
    both, so that each chapter can offer them; the notebooks that are kept in the repository never hold them.
    """
    # not above: a kernel ties it to matplotlib when it starts, which may be after this module was imported
    from matplotlib_inline.config import InlineBackend

    session = get_ipython()
    wanted = InlineBackend.instance(parent=session).figure_formats if session else ()
    return [kind for kind in VECTORS if kind in wanted]


def as_pdf(figure: Figure, alt: str, caption: str) -> str:
    """A figure that is laid out, at the width of a journal page, as PDF in base64."""
    width, height = figure.get_size_inches()
    metadata = {"Title": caption, "Subject": alt, "Creator": None, "Producer": None, "CreationDate": None}
    words = {letter for text in figure.findobj(Text) for letter in text.get_text() if letter.isprintable()}
    family, letters = _book_sans()
    fonts = [*([family] if words <= letters else []), *plt.rcParams["font.sans-serif"]]
    saved = io.BytesIO()
    figure.set_size_inches(JOURNAL_WIDTH, height * JOURNAL_WIDTH / width)
    with plt.rc_context(AS_FILES | {"font.sans-serif": fonts}):
        figure.savefig(saved, format="pdf", metadata=metadata)
    figure.set_size_inches(width, height)
    return base64.b64encode(saved.getvalue()).decode()


@cache
def _book_sans() -> tuple[str, frozenset[str]]:
    """Make :data:`FONTS` known to matplotlib, once a process; returns the name that they share, and the
    letters that both have.
    """
    for path in FONTS:
        font_manager.fontManager.addfont(path)
    fonts = [font_manager.get_font(path) for path in FONTS]
    letters = [set(map(chr, font.get_charmap())) for font in fonts]
    return fonts[0].family_name, frozenset(set.intersection(*letters))


def style_of(groups: Iterable[str]) -> dict[str, dict]:
    """Colour and dashes of each group, in order."""
    return {
        group: {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)]}
        for i, group in enumerate(groups)
    }


def month_ticks(longest: float) -> list[int]:
    """Whole months from 0 to just past the longest time, about six of them."""
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 60, 120) if longest / s <= 6.5), 240)
    return list(range(0, int(np.ceil(longest / step)) * step + 1, step)) or [0, 1]


def plain_log_ticks(axes: Axes, low: float, high: float) -> None:
    """Ticks of a log axis as plain numbers, no more than a phone has room for: from 1 on, as far as it is
    there, outwards.
    """
    coarse, fine = (
        (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
        (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20),
    )
    inside = next(
        inside
        for steps in (coarse, fine)
        if len(inside := [t for t in steps if low / 1.1 <= t <= high * 1.1]) > 2 or steps == fine
    )
    apart = np.log(1.21 * high / low) / 5
    ticks: list[float] = []
    for tick in sorted(inside, key=lambda each: abs(np.log(each))):
        if all(abs(np.log(tick / other)) >= apart * _room(tick, other) for other in ticks):
            ticks.append(tick)
    axes.set_xticks(sorted(ticks), [f"{t:g}" for t in sorted(ticks)])
    axes.minorticks_off()


def _room(tick: float, other: float) -> float:
    """What two numbers need between them, against short ones: 0.05 beside 0.2 more than 1 beside 5."""
    return max(1.0, len(f"{tick:g}{other:g}") / 5.5)
