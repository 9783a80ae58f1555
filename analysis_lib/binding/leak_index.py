"""Files as the leak scan sees them: read once, with every word, number and date and the place where it
stands.

A :class:`Tree` can be asked again and again; a look-up takes no longer in a large book than in a small one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis_lib.binding.leak_dates import dates_in
from analysis_lib.binding.leak_spelling import COUNTED, WORD, plain
from analysis_lib.binding.leak_texts import texts

DIGITS = re.compile(r"\d+")
THOUSANDS = re.compile(
    r"\d{1,3}(?:(?:'\d{3})+|(?:,\d{3})+(?!,)|(?:([. "
    r"])\d{3})(?:\1\d{3})+)(?!\d)(?![.,']\d)"
)
GROUPED = re.compile(r"\d+\)?(?:(?:[ /()\-]{1,3}\d+){1,9}|(?:\.\d+){2,9})(?![^\W_])(?![.,]\d)")
SHORTEST = 5  # digits of a number that is looked for
SHORTEST_CHAIN = 9  # digits that stand in groups: fewer are a list of numbers, unless they are all there is
MOST_GROUPS = 7
NEAR = 60  # characters on either side in which the neighbouring words stand


@dataclass
class Tree:
    """What stands in some files: where each word, number (its digits, without leading zeros) and date is."""

    names: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    words: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    numbers: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    days: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)

    def add(self, name: str, pieces: Iterable[str]) -> None:
        """Put the texts of a file in, and its name."""
        whole = "\n\n".join(plain(piece) for piece in (name, *dict.fromkeys(pieces)))
        text, number = (lower if len(lower := whole.lower()) == len(whole) else whole), len(self.texts)
        self.names.append(name)
        self.texts.append(whole)
        for match in WORD.finditer(text):
            self.words.setdefault(match.group(), []).append((number, match.start()))
        for digits, start, end in set(numbers_in(text)):
            self.numbers.setdefault(digits, []).append((number, start, end))
        for day, start, end in dict.fromkeys(dates_in(text)):
            self.days.setdefault(day.toordinal(), []).append((number, start, end))

    def places(self, key: tuple, gap: int = 10, exact: str = "") -> list[tuple[int, int, int]]:
        """Where something stands: ``("day", ordinal)``, ``("number", digits)`` or ``("words", (word, ...))``.

        Parameters
        ----------
        key : tuple
            What to look for.
        gap : int
            How many characters that are neither letters nor digits may stand between two words.
        exact : str
            What must stand there letter by letter, if anything.
        """
        kind, value = key
        if kind != "words":
            return (self.days if kind == "day" else self.numbers).get(value, [])
        found = []
        rarest = min(value, key=lambda word: len(self.words.get(word, ())))
        if rarest not in self.words:
            return []
        before, after = value[: value.index(rarest)], value[value.index(rarest) + 1 :]
        for number, start in self.words[rarest]:
            place = _spread(self.texts[number], start, start + len(rarest), before, after, gap)
            if place and (not exact or self.texts[number][slice(*place)].lower() == exact):
                found.append((number, *place))
        return found

    def around(self, place: tuple[int, int, int], words: int = 2) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words before and after a place."""
        number, start, end = place
        text = self.texts[number]
        before = WORD.findall(text[max(0, start - NEAR) : start].lower())[-words:]
        return tuple(before), tuple(WORD.findall(text[end : end + NEAR].lower())[:words])


def _spread(text: str, start: int, end: int, before: tuple, after: tuple, gap: int) -> tuple[int, int] | None:
    """From where to where words stand in a row around one of them."""
    for word in after:
        match = re.compile(rf"[\W_]{{0,{gap}}}").match(text, end)
        assert match  # it may be empty
        if text[match.end() : match.end() + len(word)].lower() != word:
            return None
        end = match.end() + len(word)
    for word in reversed(before):
        place = start
        while place > 0 and start - place < gap and (text[place - 1] == "_" or not text[place - 1].isalnum()):
            place -= 1
        if place < len(word) or text[place - len(word) : place].lower() != word:
            return None
        start = place - len(word)
    return (start, end) if _whole(text, start, end) else None


def _whole(text: str, start: int, end: int) -> bool:
    """Whether words are not cut out of longer ones."""
    return not (
        start
        and _of_a_kind(text[start - 1], text[start])
        or end < len(text)
        and _of_a_kind(text[end - 1], text[end])
    )


def _of_a_kind(a: str, b: str) -> bool:
    return a.isalpha() and b.isalpha() or a.isdigit() and b.isdigit()


def numbers_in(text: str) -> Iterator[tuple[str, int, int]]:
    """The digits of every number of a text that could be an identifier or a telephone number, without leading
    zeros.

    A number of five digits counts only as it is: 12,345 and 12345.0 are counts of ours more often than
    anything else.
    """
    grouped_until = 0
    for match in DIGITS.finditer(text):
        start, end = match.span()
        last, after = text[start - 1 : start], text[end : end + 1]
        if last.isalpha() or last in (".", ",") and text[start - 2 : start - 1].isdigit():
            continue  # codes and decimals
        a_count = end - start == SHORTEST and COUNTED.match(text, end)
        if end - start >= SHORTEST and not (
            a_count or after.isalpha() or after in (".", ",") and _goes_on(text, end)
        ):
            yield from _long_enough(match.group(), start, end)
            if last == "+" or match.group().startswith("00"):
                yield from _without_country(match.group(), start, end)
        if (
            end - start <= 3
            and after in (",", "'", ".", " ")
            and last not in ("'", ",")
            and (found := THOUSANDS.match(text, start))
        ):
            yield from _long_enough(re.sub(r"\D", "", found.group()), *found.span(), SHORTEST + 1)
        if start >= grouped_until and after and after in " /()-." and (found := GROUPED.match(text, start)):
            grouped_until = found.end()
            yield from _grouped(found, last == "+" or text[start - 2 : start] == "+(")


def _goes_on(text: str, end: int) -> bool:
    """Whether a number has decimals; those of 482130.0 are none."""
    decimals = re.match(r"[.,]\d+", text[end : end + 8])
    return decimals is not None and not (
        re.fullmatch(r"\.0+", decimals.group()) and text[end - SHORTEST - 1 : end].isdigit()
    )


def _grouped(match: re.Match, international: bool) -> Iterator[tuple[str, int, int]]:
    """What digits in groups may be: all of them, or some groups in a row. Numbers with spaces between are a
    list, as a rule.
    """
    groups = [
        (each.group(), match.start() + each.start(), match.start() + each.end())
        for each in DIGITS.finditer(match.group())
    ]
    gaps = set(re.split(r"\d+", match.group())[1:-1])
    dialled = (
        international
        or len(groups[0][0]) > 1
        and groups[0][0][0] == "0"
        or min(len(digits) for digits, *_ in groups) > 3
    )  # 7364 5182; counts of ours are smaller
    for first in range(len(groups)):
        digits = ""
        for last in range(first, min(len(groups), first + MOST_GROUPS)):
            digits += groups[last][0]
            whole = len(gaps) == 1 and first == 0 and last == len(groups) - 1 and (dialled or gaps != {" "})
            if last == first or len(digits) < (SHORTEST_CHAIN - 2 if whole else SHORTEST_CHAIN):
                continue
            lengths = [len(group) for group, *_ in groups[first : last + 1]]
            if not dialled and gaps == {" "} and (min(lengths) < 2 or max(lengths) < 3):
                continue
            yield from _long_enough(digits, groups[first][1], groups[last][2])
            if first == 0 and (international or digits.startswith("00")):
                yield from _without_country(digits, groups[first][1], groups[last][2])


def _without_country(digits: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    national = digits.lstrip("0")
    for length in (1, 2, 3):
        if len(national) - length >= SHORTEST_CHAIN - 2:
            yield from _long_enough(national[length:], start, end)


def _long_enough(digits: str, start: int, end: int, least: int = SHORTEST) -> Iterator[tuple[str, int, int]]:
    core = digits.lstrip("0")
    if len(core) >= least:
        yield core, start, end


def files_of(places: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """The files of some folders, and single files, with the names by which they are told."""
    for place in places:
        if place.is_dir():
            yield from (
                (str(path.relative_to(place)), path) for path in sorted(place.rglob("*")) if path.is_file()
            )
        elif place.exists():
            yield place.name, place


def indexed(places: Iterable[Path], leave_out: Callable[[Path], bool] = lambda path: False) -> Tree:
    """Read files, and folders of files, once.

    Parameters
    ----------
    places : iterable of Path
        Files and folders.
    leave_out : callable
        Says of a path whether to pass over it.
    """
    tree = Tree()
    for name, path in files_of(places):
        tree.add(name, () if leave_out(path) else texts(path.read_bytes(), path.suffix.lower()))
    return tree
