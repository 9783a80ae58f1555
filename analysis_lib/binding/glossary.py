"""The glossary as a page. Its one source is the script that shows definitions where a term is first used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from analysis_lib.files.places import ROOT
from analysis_lib.show.fragments import fragment

NAME = "glossary"
TERMS = ROOT / "book" / "_static" / "glossary-terms.js"


def terms() -> dict[str, str]:
    """Every term with its definition, as the script holds them."""
    written = TERMS.read_text("utf-8")
    return json.loads(written[written.index("{") : written.rindex("}") + 1])


def page(words: str) -> str:
    """The page, in Markdown: a definition a term that occurs in these words, by the alphabet. A book on
    another disease does not explain the words of this one.
    """
    listed = [
        {"term": term, "anchor": _anchor(term), "means": means}
        for term, means in sorted(terms().items(), key=lambda each: each[0].lower())
        if _occurs(re.escape(term), words)
    ]
    told = "On every page the first use of these words shows its definition."
    return f"# Glossary\n\n{told}\n\n{fragment('glossary', terms=listed)}\n"


def _occurs(term: str, words: str) -> bool:
    """Whether a term stands in these words, as the script looks for it; the letters come first, as those of a
    pattern that begins by looking back are not searched for but tried at each place.
    """
    return bool(re.search(rf"{term}(?<![\w-]{term})(?!\w)", words))


def words_of(book: Path) -> str:
    """What the pages of a book say, its chapters among them: their prose and what their code shows, not the
    code itself.
    """
    pages = [path.read_text("utf-8") for path in sorted(book.glob("*.md"))]
    chapters = sorted((book / "cohorts").glob("*/*.ipynb"))
    return "\n".join([*pages, *(text for path in chapters for text in _of_notebook(path))])


def _of_notebook(path: Path) -> Iterator[str]:
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"])
        for output in cell.get("outputs", []):
            yield "".join(output.get("data", {}).get("text/html", ""))


def _anchor(term: str) -> str:
    return "term-" + "".join(each if each.isalnum() else "-" for each in term.lower())
