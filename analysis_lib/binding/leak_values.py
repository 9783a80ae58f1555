"""What must not be found: of every cell of a cohort's input the identifiers, dates, names, telephone numbers
and texts.

A key is what :meth:`analysis_lib.binding.leak_index.Tree.places` looks up: ``("day", ordinal)``, ``("number",
digits)`` without leading zeros, or ``("words", (word, ...))``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

import pandas as pd

from analysis_lib.binding.leak_dates import dates_in
from analysis_lib.binding.leak_index import numbers_in
from analysis_lib.binding.leak_spelling import plain, spellings, words
from analysis_lib.dictionary import columns

PHRASE = 5  # words of a longer text that are looked for together, so that a part of it is found as well
RARE = 5  # a text that stands for this many patients or more is a category and no free text
TELEPHONE = 8  # digits from which on a number in a text is looked for
MOMENTS = re.compile("date|datum|dato|fecha|data|birth|geb|dob|naiss|nacim|nascit|tag|jour|day$")
NAMES = re.compile(
    "name|^nom|prenom|apellido|cognome|nome$|nombre|naam|namn|navn|nazwisko|imie|nimi|"
    "patient(in)?$|contact|angehoerig|hausarzt"
)
LIKE_A_NAME = re.compile(r"[^\W\d_][\w'’.-]*(?:,?\s+[^\W\d_][\w'’.-]*){1,3}", re.U)
TITLES = frozenset(
    "frau herr prof professor doctor dipl saint junior senior madame monsieur miss dott "
    "della dell vonder "
    "patient".split()
)
COLUMNS = {
    name
    for table in columns.TABLES.values()
    for column in table.columns
    for name in (column, re.sub("_day$", "_date", column))
}


@dataclass(frozen=True)
class Needle:
    """What must not be found: its kind, where it stands in the input, and how its words must hang together.

    ``exact`` is what must stand there letter by letter. ``cased`` words count only with a capital first.
    ``unless`` is a word: where the book itself uses it, such as in "patient 12", nothing can be told from the
    value.
    """

    kind: str
    where: str
    gap: int = 10
    exact: str = ""
    cased: bool = False
    unless: str = ""
    whole: bool = False  # whether it is all that the cell says: of two places, such a one is told


def of_table(raw: pd.DataFrame, mapping: dict[str, str], table: str, rare: int = RARE) -> dict[tuple, Needle]:
    """What must not be found of one table.

    Parameters
    ----------
    raw : pandas.DataFrame
        The file as :func:`analysis_lib.intake.reading.read_table` gives it: text, the index its rows.
    mapping : dict
        From names of its columns to names of the data dictionary.
    table : str
        What to call it.
    rare : int
        From how many rows on a text is a category and no free text.
    """
    found: dict[tuple, Needle] = {}
    for place, column in enumerate(raw.columns):  # by place: two columns may carry one name
        target, cells = mapping.get(column, column), raw.iloc[:, place].dropna().astype(str)
        often, header = Counter(cells), plain(str(column)).lower()
        named = target not in COLUMNS and (bool(NAMES.search(header)) or _are_names(cells))
        dated = target.endswith("_date") or target not in COLUMNS and bool(MOMENTS.search(header))
        for index, cell in cells.drop_duplicates().items():  # the same cell again says nothing more
            where = f"in the table {table}, column {column}, row {int(index)}"
            if target == "patient_id":
                new = _of_identifier(cell, where)
            elif named:
                new = _of_name(cell, where)
            else:
                new = _of_cell(cell, where, dated, target in COLUMNS and not dated, often[cell] < rare)
            whole = ("words", words(cell))
            for key, needle in new:
                if key == whole and not (key in found and found[key].whole):
                    found[key] = replace(needle, whole=True)
                elif key not in found:
                    found[key] = needle
    return found


def _are_names(cells: pd.Series) -> bool:
    """Whether a column looks like one of names: two to four capitalised words, hardly any twice."""
    if len(cells) < 5 or cells.nunique() < 0.8 * len(cells):
        return False
    alike = [
        bool(LIKE_A_NAME.fullmatch(cell))
        and all(part[0].isupper() for part in re.split(r"[\s,]+", cell)[::3])
        for cell in cells
    ]
    return sum(alike) > 0.6 * len(cells)


def _of_identifier(cell: str, where: str) -> Iterator[tuple[tuple, Needle]]:
    """An identifier in full, without its prefix and without leading zeros; a short one only as it is
    written.
    """
    parts = words(cell)
    digits, letters = (
        [part for part in parts if part.isdigit()],
        [part for part in parts if not part.isdigit()],
    )
    length = sum(map(len, parts))
    small = letters[0] if len(parts) == 2 and letters and digits and len(digits[0].lstrip("0")) < 4 else ""
    if length >= 6 or length == 5 and not digits:
        yield (
            ("words", parts),
            Needle("an identifier", where, gap=2, unless=small if digits and digits[0][0] != "0" else ""),
        )
    elif letters and digits and length >= 4:
        as_is = plain(cell).lower().strip()
        yield ("words", parts), Needle("an identifier", where, gap=2, exact=as_is)
    if len(letters) <= 2:
        core = "".join(digits).lstrip("0")
        cores = {core, *(each.lstrip("0") for each in digits)}
        yield from (
            (("number", each), Needle("an identifier", where)) for each in sorted(cores) if len(each) >= 5
        )
        if small and len(small) >= 3 and len(small) + len(core) >= 6 and len(core) >= 2 and parts[0] == small:
            yield ("words", (small, core)), Needle("an identifier", where, gap=2, unless=small)


def _of_name(cell: str, where: str) -> Iterator[tuple[tuple, Needle]]:
    """A name in either order, and every longer part of it by itself."""
    for spelled in spellings(cell):
        parts = tuple(part for part in words(spelled) if part.isalpha() and part not in TITLES)[:4]
        for order in permutations(parts, 2) if len(parts) > 1 else ():
            if sum(map(len, order)) >= 4:
                yield ("words", order), Needle("a name", where, gap=3)
        for part in parts:
            if len(part) >= 4:
                yield ("words", (part,)), Needle("a name", where)
            # "von" is no name
            elif len(part) == 3 and not re.search(rf"(?<![^\W\d_]){part}(?![^\W\d_])", plain(cell)):
                yield ("words", (part,)), Needle("a name", where, cased=True)
    if any(map(str.isdigit, cell)):
        yield from _of_cell(cell, where, False, False, True)


def _of_cell(cell: str, where: str, dated: bool, known: bool, rare: bool) -> Iterator[tuple[tuple, Needle]]:
    if not known and any(map(str.isdigit, cell)):
        text = plain(cell).lower()
        days = {
            day.toordinal()
            for day, *_ in dates_in(text, dated or re.fullmatch(r"(19|20)\d{6}(t\d{4,6})?", text) is not None)
        }
        yield from ((("day", day), Needle("a date", where)) for day in sorted(days))
        if days and dated:
            return
        if not days:
            numbers = {core for core, *_ in numbers_in(text) if len(core) >= TELEPHONE}
            whole = re.sub(r"[\s()/+.-]", "", text)
            if whole.isdigit() and len(whole) >= 7 and not re.fullmatch(r"\d+\.\d{1,6}", text.strip()):
                numbers.add(whole.lstrip("0"))
            yield from ((("number", core), Needle("a number", where)) for core in sorted(numbers))
    if not rare:
        return
    for spelled in spellings(cell):
        parts = words(spelled)
        if sum(map(len, parts)) >= 4 and any(part.isalpha() and len(part) > 3 for part in parts):
            yield from (
                (("words", parts[start : start + PHRASE]), Needle("a text", where))
                for start in range(max(1, len(parts) - PHRASE + 1))
            )
