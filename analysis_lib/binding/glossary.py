"""The glossary as a page. Its one source is the script that shows definitions where a term is first used."""

from __future__ import annotations

import json

from analysis_lib.files.places import ROOT
from analysis_lib.show.fragments import fragment

NAME = "glossary"
TERMS = ROOT / "book" / "_static" / "glossary-terms.js"


def terms() -> dict[str, str]:
    """Every term with its definition, as the script holds them."""
    written = TERMS.read_text("utf-8")
    return json.loads(written[written.index("{") : written.rindex("}") + 1])


def page() -> str:
    """The page, in Markdown: a definition a term, by the alphabet."""
    listed = [
        {"term": term, "anchor": _anchor(term), "means": means}
        for term, means in sorted(terms().items(), key=lambda each: each[0].lower())
    ]
    told = "On every page the first use of these words shows its definition."
    return f"# Glossary\n\n{told}\n\n{fragment('glossary', terms=listed)}\n"


def _anchor(term: str) -> str:
    return "term-" + "".join(each if each.isalnum() else "-" for each in term.lower())
