"""What a pooled book may hold: words of other hospitals are text, never markup, and nothing of this machine.

They are validated when they are read and escaped when they are written. Here it is made sure of once more, on
what was made: first on the sources, before anything renders them, then on the finished pages.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from lxml import etree
from lxml import html as markup
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

# All that the sources of pooled pages are made of; other directives, roles, images and so on are not ours.
TOKENS = re.compile(
    r"(paragraph|heading|bullet_list|ordered_list|list_item|blockquote|strong|em|link|table|thead|tbody|tr|th|td)"
    r"_(open|close)|inline|text|text_special|softbreak|hardbreak|code_inline|math_inline|math_block|amsmath"
    r"|html_block|attrs_block"
)
ROLES = ("cite:p", "cite:t")
EXTENSIONS = {
    "amsmath",
    "attrs_block",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
    "substitution",
}
ELEMENTS = {
    *("div", "p", "span", "strong", "em", "br", "ul", "li", "figure", "figcaption", "img"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"class", "id", "tabindex", "scope", "alt", "src"}
PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]*")
ACTIVE = (
    *("script", "iframe", "frame", "object", "embed", "applet", "base", "meta", "link", "style", "form"),
    *("input", "textarea", "audio", "video", "source", "track", "portal", "foreignobject", "use"),
)
ADDRESSES = ("href", "src", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href")
ELSEWHERE = re.compile(r"\s*([a-z][a-z0-9+.-]*:|//|\\)", re.I)


# --- the sources ----------------------------------------------------------------------------------


def of_sources(folder: Path) -> list[str]:
    """What is not plain in the sources of pooled pages, in clauses; empty when all is."""
    found = []
    for page in sorted(folder.glob("*.md")):
        found += [f"{page.name}: {what}" for what in of_markdown(page.read_text("utf-8"))]
    for page in sorted(folder.glob("*.ipynb")):
        for kind, text in _texts(nbformat.read(page, as_version=4)):
            found += [f"{page.name}: {what}" for what in (of_html if kind == "html" else of_markdown)(text)]
    return found


def _texts(page: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Whatever of a notebook is rendered as more than plain text."""
    for cell in page.cells:
        if cell.cell_type != "code":
            yield "markdown", cell.source
        for output in cell.get("outputs", []):
            for mime, text in output.get("data", {}).items():
                if mime != "text/plain":
                    yield "html" if mime == "text/html" else "markdown", str(text)


def of_markdown(text: str) -> list[str]:
    """What MyST, by its own parser, would take for anything else than words, tables, mathematics, references
    and links within the book.
    """
    parser = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
    return [what for token in _all(parser.parse(text)) for what in _of_token(token)]


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def _of_token(token: Token) -> list[str]:
    if token.type == "myst_role":
        return [] if token.meta["name"] in ROLES else [f"a role {token.meta['name']!r}"]
    if not TOKENS.fullmatch(token.type):
        return [f"{token.type} {token.info!r}"]
    if token.type == "html_block":
        return of_html(token.content)
    address = str(token.attrs.get("href", ""))
    return [f"a link {address!r}"] if ELSEWHERE.match(address) or address.startswith("/") else []


def of_html(text: str) -> list[str]:
    """Elements and attributes that this book's own tables, figures and notes do not use."""
    found = []
    for element in markup.fragment_fromstring(text, create_parent="div").iter():
        name = element.tag if isinstance(element.tag, str) else "comment"
        if name not in ELEMENTS:
            found.append(f"an element {name!r}")
        found += [f"an attribute {each!r}" for each in element.keys() if each not in ATTRIBUTES]
        if (picture := element.get("src")) is not None and not PICTURE.fullmatch(picture):
            found.append("a picture that is not in the page")
    return found


# --- the finished book ----------------------------------------------------------------------------


def of_pages(html: Path, name: str) -> list[str]:
    """What runs, asks another host or leads elsewhere in the pages below ``book/<name>``; the scripts of
    the theme are those that a page without anything of an export has.
    """
    found, pages = [], sorted((html / "book" / name).rglob("*.html"))
    ours = _scripts(html / "book" / "share.html") if pages else set()
    for page in pages:
        found += [f"{page.name}: a script that is not the theme's" for _ in _scripts(page) - ours]
        found += [f"{page.name}: {what}" for what in _active(page)]
    return found


def _scripts(page: Path) -> set[str]:
    """The scripts of a page, told apart from another's only by the name and the depth of the page."""
    tree = markup.fromstring(page.read_bytes())
    depth = tree.xpath("string(//html/@data-content_root)")
    name = page.relative_to(page.parents[depth.count("../")]).with_suffix("").as_posix()
    return {
        etree.tostring(script, encoding="unicode", with_tail=False)
        .replace(f'"{depth}', '"')
        .replace(f"'{depth}", "'")
        .replace(name, "")
        for script in tree.iter("script")
    }


def _active(page: Path) -> list[str]:
    found = []
    for article in markup.fromstring(page.read_bytes()).iter("article"):
        for element in article.iter(etree.Element):
            if element.tag.lower() in ACTIVE:
                found.append(f"an element {element.tag!r}")
            for name, value in element.items():
                if name.lower().startswith("on") or name in ADDRESSES and _leads_away(name, value):
                    found.append(f"an attribute {name!r} of {element.tag!r}")
    return found


def _leads_away(name: str, address: str) -> bool:
    return bool(ELSEWHERE.match(address)) and not (name == "src" and PICTURE.fullmatch(address))


def of_places(folders: list[Path], places: list[Path]) -> list[str]:
    """The files below some folders that name a place on this machine."""
    wanted = [str(place).encode() for place in places if len(place.parts) > 2]
    return [
        f"{file.name}: the path of a folder of this machine"
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file() and any(place in data for data in _contents(file) for place in wanted)
    ]


def _contents(file: Path) -> list[bytes]:
    """What a file holds; of a zip or a Word file, what the files in it hold."""
    data = file.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return [data]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name) for name in archive.namelist()]
