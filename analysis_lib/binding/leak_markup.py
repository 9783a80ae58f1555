"""What a reader or a machine finds in markup: text as a browser joins it, attributes, comments, scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

PIECE = re.compile(
    r"<!--(?P<comment>.*?)(?:-->|\Z)|<!\[CDATA\[(?P<data>.*?)\]\]>"
    r"|<(?P<raw>script|style)\b(?P<with>[^>]*)>(?P<inside>.*?)</(?P=raw)\s*>"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][\w:.-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|<[!?](?P<other>[^>]*)>",
    re.S | re.I,
)
ATTRIBUTE = re.compile(r"([\w:@.-]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q "
    "s samp small span strike strong sub "
    "sup time tspan tt u var wbr w:r w:t w:rpr w:b w:i w:prooferr w:bookmarkstart "
    "w:bookmarkend w:lang w:color w:sz "
    "w:szcs w:rfonts w:vertalign w:u w:hyperlink w:smarttag w:ins w:lastrenderedpagebreak".split()
)
BLOCK = frozenset(
    "address article aside base blockquote body br button canvas caption center col colgroup "
    "dd details dialog div dl dt "
    "embed fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html "
    "iframe img input legend li link main "
    "map math menu meta nav noscript object ol optgroup option output p param picture pre "
    "progress script section select "
    "slot source style summary svg table tbody td template textarea tfoot th thead title tr "
    "track ul video audio area "
    "circle clippath defs desc ellipse filter g image line lineargradient marker mask "
    "metadata path pattern polygon "
    "polyline radialgradient rect stop switch symbol text textpath use view foreignobject".split()
)
# Coordinates, style and names that only the page's own scripts use: never words, always numbers.
SILENT = frozenset(
    "d points transform style viewbox x y x1 x2 y1 y2 dx dy cx cy r rx ry fx fy width height "
    "offset gradienttransform "
    "class integrity stroke-width stroke-dasharray stroke-miterlimit font-size opacity fill "
    "stroke clip-path "
    "preserveaspectratio version tabindex colspan rowspan sizes srcset".split()
)
SAID_IN_XML = frozenset("descr title name alt author initials target tooltip tag placeholder caption".split())


def html(text: str) -> Iterator[str]:
    """The texts of an HTML or SVG file or of a piece of one: first the text as it is read, then attributes,
    comments and scripts.
    """
    shown: list[str] = []
    aside: list[str] = []
    scripts: list[tuple[str, str]] = []
    last = 0
    for match in PIECE.finditer(text):
        shown.append(text[last : match.start()])
        last = match.end()
        if name := match["name"]:
            shown.append(_tag(name.lower(), match, aside))
        elif match["data"] is not None:
            shown.append(match["data"])
        elif match["comment"] is not None:
            aside.append(match["comment"])
        elif match["raw"]:
            shown.append("\n")
            aside += _attributes(match["with"])
            scripts.append((match["raw"].lower(), match["inside"]))
        else:
            aside.append(match["other"])
    shown.append(text[last:])
    yield "".join(shown)
    yield "\n".join(aside)
    for comment in (each for each in aside if "<" in each and PIECE.search(each) and len(each) < len(text)):
        yield from html(comment)
    for kind, inside in scripts:
        yield from (
            _script(inside)
            if kind == "script"
            else ["\n".join(re.findall(r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'", inside, re.S))]
        )


def _tag(name: str, match: re.Match, aside: list[str]) -> str:
    """What a tag leaves in the text: nothing within a line, else its end; what is no tag after all (p<k and
    k>3) is read, too.
    """
    aside += _attributes(match["attributes"])
    return "" if name in INLINE else "\n" if name in BLOCK or match["attributes"] else f"\n{name}\n"


def _attributes(written: str) -> list[str]:
    rest = ATTRIBUTE.sub(" ", written).strip(" /\n")
    return [
        value.strip("\"'") for name, value in ATTRIBUTE.findall(written) if name.lower() not in SILENT
    ] + ([rest] if rest else [])


def _script(text: str) -> Iterator[str]:
    try:
        yield "\n".join(_plain_values(json.loads(text)))
    except ValueError:
        yield text


def _plain_values(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _plain_values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _plain_values(inner)
    else:
        yield str(value)


def xml(text: str) -> Iterator[str]:
    """The text of an XML file (a part of a Word file, metadata): runs of one paragraph joined; attributes
    that people read.
    """
    shown, aside = [], []
    last = 0
    for match in PIECE.finditer(text):
        shown.append(text[last : match.start()])
        last = match.end()
        if name := match["name"]:
            # the rest of Word's only cut a line
            ends = name.lower() in ("w:p", "w:br", "w:tab") or not name.startswith("w:")
            shown.append("\n" if ends and name.lower() not in INLINE else "")
            aside += [
                value.strip("\"'")
                for key, value in ATTRIBUTE.findall(match["attributes"])
                if key.lower().rpartition(":")[2] in SAID_IN_XML
            ]
        elif match["data"] is not None or match["comment"] is not None:
            aside.append(match["data"] or match["comment"] or "")
    shown.append(text[last:])
    yield "".join(shown)
    yield "\n".join(aside)
