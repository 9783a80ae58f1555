"""What the search of a book knows: the words of its pages, without those of what a page does not show."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from lxml import html as markup
from sphinx.search.en import SearchEnglish

BOX = "unshown"  # class of the box that says what is not shown
START, END = "Search.setIndex(", ")"
BOXES = f".//*[contains(concat(' ', normalize-space(@class), ' '), ' {BOX} ')]"
TEXTS = ".//text()[not(parent::script or parent::style)]"
LANGUAGE = SearchEnglish({})


def tidy(html: Path) -> None:
    """Take from the index of a book what leads nowhere: words that no page holds any more, and pages on which
    a word stands only in the box of what they do not show.
    """
    file = html / "searchindex.js"
    told = json.loads(file.read_text("utf-8").removeprefix(START).removesuffix(END))
    only = {
        number: words
        for number, name in enumerate(told["docnames"])
        if (words := _only_unshown((html / f"{name}.html").read_text("utf-8")))
    }
    for kind in ("terms", "titleterms"):
        found = {word: _without(where, word, only) for word, where in told[kind].items()}
        told[kind] = {word: where for word, where in found.items() if where != []}
    file.write_text(f"{START}{json.dumps(told, separators=(',', ':'), sort_keys=True)}{END}", "utf-8")


def _without(where: int | list[int], word: str, only: dict[int, set[str]]) -> int | list[int]:
    """The numbers of the pages of a word as Sphinx writes them, one alone without brackets."""
    pages = where if isinstance(where, list) else [where]
    left = [page for page in pages if word not in only.get(page, ())]
    return left[0] if len(left) == 1 else left


def _only_unshown(page: str) -> set[str]:
    """The stems that stand in a page's box of what is not shown and nowhere else on it."""
    if BOX not in page:
        return set()
    tree = markup.document_fromstring(page, parser=markup.HTMLParser(remove_comments=True, huge_tree=True))
    article = next(tree.iter("article"), None)
    if article is None:
        return set()
    boxes = article.xpath(BOXES)
    inside: set[str] = set().union(*(_stems(_text(box)) for box in boxes))
    for box in boxes:
        box.drop_tree()
    return inside - _stems(_text(article))


def _text(element: markup.HtmlElement) -> str:
    """The text of an element, a space between the texts of its parts."""
    return " ".join(element.xpath(TEXTS))


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in {word.lower() for word in LANGUAGE.split(text)}}


@cache
def _stem(word: str) -> str:
    """The stem of a word; pages have most of their words in common."""
    return LANGUAGE.stem(word)
