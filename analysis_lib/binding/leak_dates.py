"""Calendar dates in a text, however they are written: the leak scan reads cells and pages with the same
eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from babel import Locale

from analysis_lib.binding.leak_spelling import COUNTED, WORD, plain

EXCEL_DAY_0 = date(1899, 12, 30)
FIRST, LAST = date(1900, 1, 1), date(2059, 12, 31)
LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "ca",
    "it",
    "nl",
    "pt",
    "pl",
    "cs",
    "sk",
    "sl",
    "hr",
    "hu",
    "ro",
    "sv",
    "da",
    "nb",
    "fi",
    "et",
    "lv",
    "lt",
    "tr",
    "el",
    "ru",
    "uk",
    "bg",
)
MORE_MONTHS = {"sept": 9, "mrt": 3, "janner": 1, "jaenner": 1, "feber": 2, "maerz": 3}
ROMAN = {name: number for number, name in enumerate("i ii iii iv v vi vii viii ix x xi xii".split(), start=1)}
# also common words: with them, a year of two digits is no year
NOT_SHORT = {"out", "set", "ago", "art", "led"}

# Every date has a number in it: these are tried where one begins, or on what stands before it.
DIGITS = re.compile(r"\d+")
NUMERIC = re.compile(
    r"(\d{1,4})([-./_|, ]{1,3}|年)(\d{1,2})([-./_|, ]{1,3}|月)(\d{4}|\d{1,2})(?!\d)(?![.,]\d)"
)
OF_YEAR = re.compile(r"(\d{4})[-/](\d{3})(?![\d/-])(?![.,]\d)|(\d{3})/(\d{4})(?![\d/-])")
DAY_BEFORE = re.compile(r"\b(?:day|tag|jour|dia|giorno|doy)\s{1,3}$")
DAY_OF = re.compile(
    r"(\d{1,3})\W{1,2}(?:(?:of|in|de|des|du|del)\W{1,3})?(?:the year |jahres? "
    r")?(\d{4})(?!\d)"
)
DAY_AFTER = re.compile(
    r"(\d{1,3})(?:st|nd|rd|th|\.)? (?:day|tag) (?:of|in|des|im)(?: the year| jahres?)? "
    r"(\d{4})(?!\d)"
)
WEEK = re.compile(r"(\d{4})\W?w(\d{2})(?:\W?([1-7]))?(?!\d)")
WEEK_BEFORE = re.compile(
    r"\b(?:w|week|kalenderwoche|woche|kw|wk|cw|semaine|semana|settimana|uge|vecka|viikko|tydzien|tyden)[\s.]{0,3}$"
)
WEEK_OF = re.compile(r"(\d{1,2})\W{1,3}(?:(?:of|in|de|del|im|i)\W{1,3})?(\d{4})(?!\d)")
LINK = r"[-./,\s_|']{0,3}(?:(?:day )?(?:of|the|de|del|des|di|den|der|do|in)[-./,\s_|']{1,3}){0,2}(?:d')?"
DAY_FIRST = re.compile(
    rf"(\d{{1,2}})(?:(?:st|nd|rd|th|er|o|eme|te|ter|ten)(?![^\W\d_]))?"
    rf"({LINK})([^\W\d_]+)({LINK})('?)(\d{{4}}|\d\d)(?!\d)(?![.,:]\d)"
)
YEAR_FIRST = re.compile(
    r"(\d{4})[-./,\s_|年]{0,3}([^\W\d_]+)[-./,\s_|]{0,3}(?:the "
    r")?(\d{1,2})(?:st|nd|rd|th)?(?!\d)"
)
MONTH_BEFORE = re.compile(r"([^\W\d_]{3,})[-./,\s_|]{0,3}(?:the )?$")
DAY_THEN_YEAR = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[-./,\s_|]{1,3}(?:of "
    r")?('?)(\d{4}|\d\d)(?!\d)(?![.,:]\d)"
)


@cache
def months() -> dict[str, frozenset[int]]:
    """Names of months and their abbreviations in many languages; in some, one word is two languages'
    months.
    """
    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        for context in Locale(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in context[width].items():
                    for word in WORD.findall(plain(name).lower()):
                        if len(word) > 2 and word.isalpha():
                            found.setdefault(word, set()).add(number)
                            found.setdefault(word[:3], set()).add(number)
    for word, number in MORE_MONTHS.items():
        found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def dates_in(text: str, loose: bool = True) -> Iterator[tuple[date, int, int]]:
    """Every date that a text may hold, with its place; where day and month could be swapped, both.

    Parameters
    ----------
    text : str
        As :func:`analysis_lib.binding.leak_spelling.plain` gives it, in lower case.
    loose : bool
        Whether to read bare numbers, too: 20210828, 280821, serial numbers of spreadsheets (44436), seconds
        since 1970.
    """
    for found, start, end in _all(text, loose):
        if found and FIRST <= found <= LAST:
            yield found, start, end


def _all(text: str, loose: bool) -> Iterator[tuple[date | None, int, int]]:
    for run in DIGITS.finditer(text):
        start, end = run.span()
        length, last = end - start, text[start - 1 : start]
        if last == "." and text[start - 2 : start - 1].isdigit():
            continue  # decimals
        if length <= 4:
            if last != "," or not text[start - 2 : start - 1].isdigit():
                yield from _beginning(text, start, length, last)
            if length <= 3 and any(map(str.isalpha, text[max(0, start - 4) : start])):
                yield from _after_a_word(text, start, text[max(0, start - 24) : start])
        elif (
            loose
            and length <= 14
            and not (length == 5 and COUNTED.match(text, end))
            and _stands_alone(text, start, end)
        ):
            for found in _bare(run.group()):
                yield found, start, end


def _beginning(text: str, start: int, length: int, last: str) -> Iterator[tuple[date | None, int, int]]:
    """Dates whose first part is the number at a place."""
    if match := NUMERIC.match(text, start):
        if last != "/" and not (last.isalpha() and length < 4):
            yield from ((found, *match.span()) for found in _numeric(match))
    if length >= 3 and (match := OF_YEAR.match(text, start)) and last not in ("/", "-"):
        yield _day_of_year(match[1] or match[4], match[2] or match[3]), *match.span()
    if length <= 3 and (match := DAY_AFTER.match(text, start)):
        yield _day_of_year(match[2], match[1]), *match.span()
    if length <= 2 and (match := DAY_FIRST.match(text, start)):
        for month in _months_of(match[3], match[2], match[4], match[6]):
            if len(match[6]) == 4 or match[5] or match[3] not in NOT_SHORT:
                yield from ((_date(year, month, match[1]), *match.span()) for year in _years(match[6]))
    if length == 4 and (match := YEAR_FIRST.match(text, start)):
        yield from ((_date(match[1], month, match[3]), *match.span()) for month in months().get(match[2], ()))
    if length == 4 and (match := WEEK.match(text, start)):
        yield from ((found, *match.span()) for found in _week(match[1], match[2], match[3]))


def _after_a_word(text: str, start: int, before: str) -> Iterator[tuple[date | None, int, int]]:
    """Dates that begin with a word in front of the number: of a month, "day" or "week"."""
    if (
        (word := MONTH_BEFORE.search(before))
        and word[1] in months()
        and (match := DAY_THEN_YEAR.match(text, start))
    ):
        if len(match[3]) == 4 or match[2]:
            begin = start - len(word.group())
            yield from (
                (_date(year, month, match[1]), begin, match.end())
                for year in _years(match[3])
                for month in months()[word[1]]
            )
    if (word := WEEK_BEFORE.search(before)) and (match := WEEK_OF.match(text, start)):
        yield from (
            (found, start - len(word.group()), match.end()) for found in _week(match[2], match[1], None)
        )
    if (word := DAY_BEFORE.search(before)) and (match := DAY_OF.match(text, start)):
        yield _day_of_year(match[2], match[1]), start - len(word.group()), match.end()


def _months_of(word: str, before: str, after: str, year: str) -> frozenset[int] | set[int]:
    if word in ROMAN:
        return {ROMAN[word]} if before.strip() and after.strip() and len(year) == 4 else set()
    return months().get(word, frozenset())


def _numeric(match: re.Match) -> set[date | None]:
    a, gap, b, other, c = match.groups()
    padded = len(b) == 2 and len(a) >= 2 and len(c) >= 2
    if not padded and not (gap.strip(" ,") and other.strip(" ,")):
        return set()  # 4, 7, 2019 is a list
    if len(a) == 4 and len(c) <= 2:
        return {_date(a, b, c)}
    if len(a) <= 2 and len(c) == 4:
        return {_date(c, b, a), _date(c, a, b)}
    if len(a) <= 2 and len(c) == 2 and gap == other and gap in "-./":
        found = {_date(year, *order) for year in _years(c) for order in ((b, a), (a, b))}
        return found | ({_date(year, b, c) for year in _years(a)} if padded else set())
    return set()


def _bare(run: str) -> Iterator[date | None]:
    if len(run) == 5:
        serial = int(run)
        if 1 <= serial <= 60_000:
            yield EXCEL_DAY_0 + timedelta(days=serial)
    elif len(run) == 6:
        for year, month, day in (
            (run[:2], run[2:4], run[4:]),
            (run[4:], run[2:4], run[:2]),
            (run[4:], run[:2], run[2:4]),
        ):
            yield from (_date(y, month, day) for y in _years(year))
    elif len(run) == 7:
        yield _day_of_year(run[:4], run[4:])
    elif len(run) in (8, 12, 14):
        yield _date(run[:4], run[4:6], run[6:8])
        if len(run) == 8:
            yield _date(run[4:], run[2:4], run[:2])
            yield _date(run[4:], run[:2], run[2:4])
    elif len(run) in (10, 13):
        yield date(1970, 1, 1) + timedelta(seconds=int(run[:10]))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether digits are a number of their own: no part of a decimal, a code or a checksum."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before[-1:].isalnum() or re.fullmatch(r"\d[.,]", before):
        return False
    return not (
        after[:1].isdigit()
        or re.match(r"[.,]\d", after)
        or after[:1].isalpha()
        and not (after[0] == "t" and after[1:].isdigit())
    )


def _years(written: str) -> tuple[str, ...]:
    return (written,) if len(written) == 4 else ("19" + written, "20" + written)


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _day_of_year(year: str, day: str) -> date | None:
    found = _date(year, 1, "1")
    return found + timedelta(days=int(day) - 1) if found and 1 <= int(day) <= 366 else None


def _week(year: str, week: str, day: str | None) -> list[date]:
    try:
        return [
            date.fromisocalendar(int(year), int(week), number)
            for number in ([int(day)] if day else range(1, 8))
        ]
    except ValueError:
        return []
