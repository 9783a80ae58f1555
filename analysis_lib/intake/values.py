"""What the cells of a file mean: numbers with points or commas, dates, words. Text goes in; what cannot be
told is missing.

Nothing is guessed: ``1,234`` is a number only where other cells, or the separator of the file, show what its
comma is, and ``03/04/2021`` is a date only where a format is declared.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np
import pandas as pd

from analysis_lib.dictionary import columns
from analysis_lib.dictionary.units import EXCEL_DAY_0, ISO

ISO_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATE_FORMATS = {  # formats that are proposed when none is declared, and what sets them apart
    "%d.%m.%Y": "",
    "%d.%m.%y": "",
    "%Y/%m/%d": "",
    "%Y.%m.%d": "",
    "%Y%m%d": "",
    "%d-%b-%Y": "",
    "%d%b%Y": "",
    "%d %b %Y": "",
    "%d %B %Y": "",
    "%b %d, %Y": "",
    "%B %d, %Y": "",
    "%b %d %Y": "",
    "%d%m%Y": "day first",
    "%m%d%Y": "month first",
    "%d/%m/%Y": "day first",
    "%m/%d/%Y": "month first",
    "%d-%m-%Y": "day first",
    "%m-%d-%Y": "month first",
    "%d/%m/%y": "day first",
    "%m/%d/%y": "month first",
}
UNPARTED = {"%Y%m%d": 8, "%d%m%Y": 8, "%m%d%Y": 8, "%y%m%d": 6, "%d%m%y": 6}  # and their digits
TIME_OF_DAY = r"[T ]\s*[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[AaPp][Mm])?(Z|[+-][0-9:]{4,5})?$"
DAY_NUMBER = r"[2-7][0-9]{4}(\.[0-9]+)?"  # of a day, as a spreadsheet counts them

GROUPED = {mark: rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+" for mark in ".,"}
EITHER = r"[1-9][0-9]{0,2}[.,][0-9]{3}"  # a thousand or a thousandth
# Most numbers of most files: nothing parts thousands, and the point, if any, can only be a decimal one.
PLAIN = re.compile(r"[+-]?[0-9]{1,12}(?:\.(?:[0-9]{1,2}|[0-9]{4,9}))?")
# Letters of Cyrillic and Greek keyboards that look like Latin ones: a person reads CR in both.
LOOK_ALIKE = str.maketrans("авеікмнорсѕтухαεικνορτυχ", "abeikmhopcstyxaeikvoptux")
LARGEST = 1e12
# dates and texts from which on it is no chance that none of them lies on the other side of the 12th
FEW_DATES = 3
MISSING_MARKS = r"\.[a-z_]|#null!|<na>|\$sysmis|#leer!|nat"


P = ParamSpec("P")


def once_each(
    read: Callable[Concatenate[pd.Series, P], pd.Series],
) -> Callable[Concatenate[pd.Series, P], pd.Series]:
    """Read each different cell of a column once: a million patients have few different days."""

    @functools.wraps(read)
    def reading(values: pd.Series, *args: P.args, **kwargs: P.kwargs) -> pd.Series:
        codes, different = pd.factorize(values, use_na_sentinel=False)
        found = read(pd.Series(different, dtype="string"), *args, **kwargs)
        return pd.Series(found.array.take(codes), index=values.index, name=values.name)

    return reading


@once_each
def empty(values: pd.Series) -> pd.Series:
    """Whether a cell stands for "not known": :data:`analysis_lib.dictionary.columns.EMPTY`, or a missing mark
    of SAS, Stata or SPSS (.a, ._, #NULL!).

    A dash means negative, and nothing is missing, in a column that also has a plus.
    """
    marks = set(columns.EMPTY) - ({"-", "–"} if values.eq("+").any() else set())
    said = values.str.lower()
    return values.isna() | said.isin(marks) | said.str.fullmatch(MISSING_MARKS).fillna(False).astype(bool)


def looks_like_a_code(value: object) -> bool:
    """Whether a number is one of those that files write for "not known": 9, 99, 999, 888, -9 and the like."""
    return pd.notna(value) and bool(
        re.fullmatch(
            r"-?(9{1,5}|8{2,5}|7{2,5})|-[1-9]",
            f"{value:g}" if isinstance(value, (int, float)) else str(value),
        )
    )


def decimal_marks(values: pd.Series) -> set[str]:
    """The decimal marks that these cells show beyond doubt: ``{","}`` for 1,5 and 1.234,5."""
    values = values.drop_duplicates()
    if not values.str.contains("[.,]").any():
        return set()
    bare = _bare(values)
    shown = set()
    for mark, other in ((".", ","), (",", ".")):
        here, there = re.escape(mark), re.escape(other)
        grouped = GROUPED[other]
        sure = rf"[+-]?(?:[0-9]+{here}[0-9]+|{grouped}{here}[0-9]+|{grouped}{there}[0-9]{{3}})"
        if (bare.str.fullmatch(sure) & ~bare.str.fullmatch(f"[+-]?{EITHER}")).any():
            shown.add(mark)
    return shown


@once_each
def numbers(values: pd.Series, marks: set[str]) -> pd.Series:
    """Numbers, missing where a cell is none or could be two.

    Parameters
    ----------
    values : Series
        Text.
    marks : set of str
        The decimal marks of the table. They decide only on such cells as 1.234, which is a thousand or a
        thousandth; without any mark the point is a decimal one.
    """
    if all(map(PLAIN.fullmatch, values.dropna())):
        return pd.to_numeric(values).astype("Float64")
    bare = _bare(values)
    doubtful = ambiguous(values)
    settled = pd.Series(pd.NA, index=values.index, dtype="string")
    if len(marks) < 2:
        decimal = next(iter(marks or {"."}))
        settled = bare.str.replace(decimal, ".", regex=False).where(bare.str.contains(decimal, regex=False))
    plain = bare.mask(doubtful, settled)
    for mark, other in ((".", ","), (",", ".")):
        grouped = (
            plain.str.fullmatch(rf"[+-]?{GROUPED[other]}(?:{re.escape(mark)}[0-9]+)?")
            .fillna(False)
            .astype(bool)
            & ~doubtful
        )
        plain = plain.mask(grouped, plain.str.replace(other, "", regex=False))
    plain = plain.str.replace(",", ".", regex=False)
    proper = (
        plain.str.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
        .fillna(False)
        .astype(bool)
    )
    found = pd.to_numeric(plain.where(proper), errors="coerce").astype("Float64")
    return found.mask((found.abs() > LARGEST).fillna(False))


@once_each
def ambiguous(values: pd.Series) -> pd.Series:
    """Whether a cell could be a number in two ways."""
    return _bare(values).str.fullmatch(f"[+-]?{EITHER}").fillna(False).astype(bool)


def _bare(values: pd.Series) -> pd.Series:
    """Without the spaces and apostrophes that part thousands in French and Swiss files; a proper minus."""
    return values.str.replace(
        r"(?<=[0-9])[\s\u00a0\u202f'’](?=[0-9]{3}(?![0-9]))", "", regex=True
    ).str.replace("\u2212", "-")


@once_each
def dates(values: pd.Series, date_format: str) -> pd.Series:
    """Dates without their time of day, ``NaT`` where a cell is none.

    A cell may be in the declared format, in ISO's (2021-03-28), or Excel's serial number of a day (44283).
    """
    bare = values.str.replace(TIME_OF_DAY, "", regex=True).str.strip()
    found = pd.to_datetime(
        bare.where(bare.str.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}")), format="%Y-%m-%d", errors="coerce"
    )
    serial = pd.to_numeric(bare.where(bare.str.fullmatch(DAY_NUMBER))).astype("Float64")
    found = found.fillna(EXCEL_DAY_0 + pd.to_timedelta(np.floor(serial), unit="D"))
    if date_format != ISO:
        timed = re.search("%[HIMS]", date_format)
        written = values if timed else bare
        if digits := UNPARTED.get(date_format):
            # A spreadsheet drops the zero before a day. With digits missing elsewhere, 202112 would be
            # 2 January 2021.
            padded = written.str.zfill(digits) if date_format.startswith("%d") else written
            written = padded.where(padded.str.len().eq(digits) & written.str.len().ge(digits - 1))
            found = found.where(bare.str.len() != digits - 1) if date_format.startswith("%d") else found
        found = pd.to_datetime(written, format=date_format, errors="coerce").fillna(found)
    return found.dt.normalize()


def exchanged(values: pd.Series) -> str:
    """What shows that a spreadsheet of another country has exchanged day and month; empty if nothing does.

    Such a program makes dates of those texts whose first number can be a month, and leaves the others as
    text: then all dates lie in the first twelve days of a month, and no text does.
    """
    bare = values.dropna().str.replace(TIME_OF_DAY, "", regex=True).str.strip()
    found = (
        pd.to_datetime(bare[bare.str.fullmatch(ISO_DATE.pattern)], format="%Y-%m-%d", errors="coerce")
        .dropna()
        .dt.day
    )
    parts = (
        bare.str.extract(r"^([0-9]{1,2})[./-]([0-9]{1,2})[./-](?:[0-9]{4}|[0-9]{2})$").dropna().astype(int)
    )
    if (
        min(len(found), len(parts)) < FEW_DATES
        or found.max() > 12
        or not ((parts[0] > 12).all() or (parts[1] > 12).all())
    ):
        return ""
    return (
        f"day and month of {len(found)} dates are exchanged: all of them lie in the first twelve days "
        f"of a month, and all {len(parts)} "
        "dates that are still text lie after them, as a spreadsheet of another country leaves it"
    )


def is_date_format(date_format: str) -> bool:
    """Whether a format writes a whole date and reads the same one back, with nothing of a time zone."""
    try:
        moment = datetime.datetime(2021, 3, 28)
        same = datetime.datetime.strptime(moment.strftime(date_format), date_format).date() == moment.date()
    except (ValueError, UnicodeError, re.error, TypeError):
        return False
    # Year, day, month would read an ISO date as another day.
    return same and not re.search("%[zZ]", date_format) and not re.match("%Y-%d-%m", date_format)


def formats_that_fit(values: pd.Series) -> dict[str, str]:
    """The common date formats in which every one of these cells is a date, and what sets those apart that
    look alike.
    """
    return (
        {each: what for each, what in DATE_FORMATS.items() if dates(values, each).notna().all()}
        if len(values)
        else {}
    )


@once_each
def levels(values: pd.Series, allowed: tuple[str, ...]) -> pd.Series:
    """Words as the levels of the data dictionary, in any case; yes and no also in other words. Others stay as
    they are.
    """
    known = {level.lower(): level for level in allowed}
    if set(allowed) == set(columns.YES_NO):
        known |= {word: level for level, words in columns.WORDS.items() for word in words}
    said = values.str.lower().str.removesuffix(".0")
    latin = said.str.translate(LOOK_ALIKE)
    return said.map(known).astype("string").fillna(latin.map(known).astype("string")).fillna(values)


@once_each
def translate(values: pd.Series, words: dict[str, str]) -> pd.Series:
    """Replace the words of a file by those declared for them: as written if possible, else in any case, 1.0
    as 1.
    """
    loose = {word.strip().lower().removesuffix(".0"): level for word, level in words.items()}
    exact = values.map(words).astype("string")
    return exact.fillna(values.str.lower().str.removesuffix(".0").map(loose).astype("string")).fillna(values)
