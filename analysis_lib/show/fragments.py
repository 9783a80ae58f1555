"""HTML fragments from one set of templates: whatever is put into one is escaped."""

from __future__ import annotations

import html
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"


def _source(name: str) -> str:
    """A template without its layout: line breaks and indentation are for whoever reads it."""
    lines = (FOLDER / f"{name}.html").read_text("utf-8").splitlines()
    return "".join(line.strip() for line in lines)


def _escaped(words: object) -> Markup:
    """Words, escaped as Python's own ``html`` does it: with ``&quot;``, for which MarkupSafe has a number."""
    return words if isinstance(words, Markup) else Markup(html.escape(str(words)))


TEMPLATES = Environment(
    loader=FunctionLoader(_source), autoescape=True, finalize=_escaped, undefined=StrictUndefined
)


def fragment(name: str, **words: object) -> str:
    """The template of this name, filled; words are escaped, and other fragments are handed over as
    :func:`finished`.
    """
    return TEMPLATES.get_template(name).render(words)


def finished(fragment_: str) -> Markup:
    """A fragment that goes into another one as it stands."""
    return Markup(fragment_)
