"""One spelling for what people write in many: accents, look-alikes, invisible characters, entities, escapes.

:func:`plain` takes all of that out of a text, so that the leak scan compares like with like;
:func:`spellings` gives the ways in which one word may stand in a plain text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache, lru_cache

WORD = re.compile(r"[^\W\d_]+|\d+")
LETTERS = {
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "TH",
    "ı": "i",
    "ɡ": "g",
    "ɑ": "a",
}
# Letters of other scripts that look like Latin ones, capital and small alike. Values are folded as texts are,
# so a Cyrillic or Greek name still meets itself.
ALIKE = dict(
    zip(
        "АВЕКМНОРСТУХІЈЅԌԚԜавекмнорстухіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεζηικμνορτυχսօ",
        "ABEKMHOPCTYXIJSGQWabekmhopctyxijsdqwhABEZHIKMNOPTYXabezhikmnoptyxuo",
        strict=True,
    )
)
DASHES = "‐‑‒–—―−﹣－"
# between the thousands of a number
NARROW = re.compile("(?<=\\d)[\u00a0\u2007\u2009\u202f’](?=\\d{3}(?!\\d))")
ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})|\\N\{([A-Z ]+)\}")
BETWEEN_DIGITS = re.compile(r"(?<=\d)([oO]|[lI|])(?=\d)")
SPACED = re.compile(r"(?<!\w)\w(?:[ \t]\w){3,}(?!\w)")
BROKEN = re.compile(r"(?<=[^\W\d_])-\r?\n[ \t]*(?=[a-z])")
COUNTED = re.compile(
    r" (?:[a-z]+ "
    r")?(?:patients|deaths|events|people|persons|tables|draws|samples|resamples|replicates|permutations|cohorts|"
    # after a number: it is a count
    r"simulations|iterations|times|days|months|random)(?![a-z])"
)
EXPANDED = {
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "Ä": "Ae",
    "Ö": "Oe",
    "Ü": "Ue",
    "ø": "oe",
    "Ø": "Oe",
    "å": "aa",
    "Å": "Aa",
}


def plain(text: str) -> str:
    """A text without accents, look-alikes, invisible characters, entities and escapes; upper and lower case
    stay.

    Words that were spaced out letter by letter, or cut by a hyphen at the end of a line, follow once more as
    one.
    """
    for _ in range(2):  # entities of entities
        if "&" in text:
            text = html.unescape(text)
    if "\\" in text:
        text = ESCAPE.sub(_unescaped, text)
    if not text.isascii():
        text = NARROW.sub("'", text)
        text = re.sub(r"[^\x00-\x7f]", lambda match: _plain_letter(match.group()), text)
    text = BETWEEN_DIGITS.sub(
        lambda match: "0" if match[1] in "oO" else match[1] if match[1] == "|" else "1", text
    )
    if len(text) < 7:
        return text
    more = [re.sub(r"\s", "", each) for each in SPACED.findall(text) if sum(map(str.isalpha, each)) > 1]
    if BROKEN.search(text):
        more.append(BROKEN.sub("", text))
    return "\n".join([text, *more]) if more else text


def _unescaped(match: re.Match) -> str:
    if match[3]:
        try:
            return unicodedata.lookup(match[3])
        except KeyError:
            return match.group()
    code = int(match[1] or match[2], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


@cache
def _plain_letter(letter: str) -> str:
    if letter in DASHES:
        return "-"
    if letter in LETTERS:
        return LETTERS[letter]
    kept = []
    for part in unicodedata.normalize("NFKD", letter):
        category = unicodedata.category(part)
        if category in ("Mn", "Me", "Cf") or part in "\u115f\u1160\u3164\uffa0":
            continue  # accents, soft hyphens, joiners, marks of direction
        kept.append(
            str(unicodedata.decimal(part)) if category == "Nd" else LETTERS.get(part) or ALIKE.get(part, part)
        )
    return "".join(kept)


@lru_cache(100_000)
def words(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, as they are compared."""
    return tuple(WORD.findall(plain(text).lower()))


@lru_cache(100_000)
def spellings(text: str) -> tuple[str, ...]:
    """A text as it may be spelled: with ä as a or ae, and the other way round."""
    folded = plain(text).lower()
    found = {folded, re.sub("ae|oe|ue", lambda match: match.group()[0], folded)}
    if not text.isascii():
        expanded = "".join(EXPANDED.get(letter, letter) for letter in unicodedata.normalize("NFC", text))
        found.add(plain(expanded).lower())
    return tuple(sorted(found))
