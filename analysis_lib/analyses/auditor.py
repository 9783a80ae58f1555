"""An auditor: what can be worked out of the counts that are hidden or banded, from all that is published
together.

Disclosure control looks at one number at a time. The auditor looks at all of them as an attacker would: every
count is an interval (its band; 0 to ``k`` - 1 where it says "fewer than ``k``"), and the relations between
counts narrow the intervals. It knows that the levels of a factor add up to those of whom it is known or
missing, that the regimens add up to all patients, that no more can have an event than there are, what a
percentage, a standardised difference and a detectable hazard ratio are computed from. Where an interval is
left with fewer than ``fewest`` values, it names the rows that gave it away.

The bounds that it finds are those of constraint propagation: each relation by itself, again and again, and
whole families of tables by integer programming where ``thorough``. They are never too narrow; a relation that
the auditor does not know (a second book, another hospital's, a reader who knows a patient) is outside of what
it proves.

Long because its certificate is worth what the relations are that it knows: all of them stand here together.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from analysis_lib.cohort import disclosure
from analysis_lib.rows import results

FEWEST = 2  # values that must remain possible of each count
MOST = 10**6
MOST_COMBINATIONS = 20_000
# rows whose events are parts of a whole: pattern of their ids, with the part that names the level in brackets
PARTS = {
    "table1": r"(table1\.\w+)\.(?!n\b)([\w-]+)\.([\w-]+)",
    "response": r"(response)\.(cr|pr|sd|pd)()",
    "failure.pattern": r"(failure\.pattern)\.([\w-]+)()",
    "cd19": r"(cd19)\.(positive|negative)()",
    "infield.response": r"(infield\.response)\.(cr|pr|sd|pd)()",
    "first.response": r"(first\.response\.\w+)\.(cr|pr|sd|pd)()",
}
ARMS = ("rt", "cmt", "st")
NUMBERS_THAT_TELL = re.compile(r"only \d+|\d+ events?\b|day \d+|\d+ of \d+|chi-square|P [=<] [\d.]")


@dataclass
class Finding:
    """A count, or a note, that tells too much: the row, what is wrong, what is left possible, and the rows
    that gave it away.
    """

    result_id: str
    what: str
    possible: tuple[int, int] | None
    because: tuple[str, ...]


@dataclass
class Certificate:
    """What the auditor looked at, and what it found: for the privacy page."""

    cells: int
    hidden: int
    narrowest: int
    relations: int
    fewest: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing must go."""
        return not self.findings

    def in_words(self) -> list[str]:
        """Sentences: what was examined, what that proves, and what not."""
        if not self.cells:
            return ["No count of this book is hidden or rounded, so there was nothing to examine."]
        left = (
            f"At least {self.narrowest} values remain possible for each of them."
            if self.passed
            else (
                f"{len(self.findings)} of them can be narrowed to fewer than {self.fewest} values, or are "
                f"told "
                f"in words."
            )
        )
        return [
            f"An auditor examined {self.cells:,} counts that are published rounded or hidden "
            f"({self.hidden:,} of them hidden), with "
            f"{self.relations:,} relations between them: sums of levels and groups, shares, "
            f"standardised differences, detectable ratios.",
            left,
            "This proves that no hidden count follows from the published rows by these relations. It "
            "does not prove what a reader may "
            "work out who knows a patient, holds another book of the same patients, or uses a relation "
            "that is not named here; "
            "estimates that need the patients themselves (models, medians, curves) are guarded by the "
            "rule on small groups and by rounding.",
        ]


def audit(rows: pd.DataFrame, k: int, fewest: int = FEWEST, thorough: bool = False) -> Certificate:
    """Examine result rows as they are published.

    Parameters
    ----------
    rows : pandas.DataFrame
        All result rows of a book, after disclosure control.
    k : int
        The cohort's ``min_cell_count``.
    fewest : int
        Values that must remain possible of each count.
    thorough : bool
        Solve families of tables as a whole too (slower, finds more).
    """
    if k <= 1:
        return Certificate(0, 0, 0, 0, fewest)
    book = Book(rows, k)
    book.propagate()
    if thorough:
        book.solve()
    findings = [
        Finding(
            name,
            f"{kind} can only be {low}" if low == high else f"{kind} can only be {low} to {high}",
            (low, high),
            tuple(
                sorted(
                    {one for relation in book.of[name, kind] for one, _ in book.cells_of(relation)} - {name}
                )
            ),
        )
        for (name, kind), (low, high) in book.bounds.items()
        if high - low + 1 < fewest and (name, kind) in book.guarded
    ]
    findings += [
        Finding(
            name,
            f"could not be true: no {kind} fits the published numbers, or one of them is exact",
            None,
            (),
        )
        for name, kind in book.impossible
    ]
    findings += [
        Finding(name, f"tells of patients: {why}", None, (name,)) for name, why in in_words_only(rows)
    ]
    widths = [high - low + 1 for cell, (low, high) in book.bounds.items() if cell in book.guarded]
    return Certificate(
        len(widths),
        len(book.hidden),
        min(widths, default=0),
        len(book.sums) + len(book.formulas),
        fewest,
        findings,
    )


def withheld(rows: pd.DataFrame, k: int, fewest: int = FEWEST, rounds: int = 20) -> pd.DataFrame:
    """The rows without those shares that, summed up with others, would give a count or a group's size away.

    Of each sum that narrows a count to fewer than ``fewest`` values, one level is withheld altogether: a
    hidden one if there is any, else the smallest. Its sum then says nothing any more.
    """
    if k <= 1:
        return rows
    for _ in range(rounds):
        book = Book(rows, k)
        book.propagate()
        narrow = [
            cell
            for cell, (low, high) in book.bounds.items()
            if high - low + 1 < fewest and cell in book.guarded
        ]
        victims = {victim for cell in [*narrow, *book.impossible] if (victim := book.weakest(cell))}
        if not victims:
            break
        out = rows["result_id"].isin(victims)
        rows = rows.assign(
            note=[disclosure.too_few(k) if one else before for one, before in zip(out, rows["note"])]
        )
        rows.loc[out, ["value", "lower", "upper", "events"]] = pd.NA
    return rows


def in_words_only(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Rows that tell an exact number, or a patient's value, beside the counts: ``(id, why)``."""
    for record in rows.to_dict("records"):
        if found := NUMBERS_THAT_TELL.search(f"{record['note']}"):
            yield record["result_id"], f"its note says '{found.group()}'"
        if record["statistic"] == "skipped" and disclosure.reason(record["note"]) != record["note"]:
            yield record["result_id"], "its reason is not one of those that may be said"
        if record["statistic"].startswith("range") and pd.notna(record["lower"]):
            yield record["result_id"], "smallest and largest values are single patients'"


class Book:
    """Counts as intervals, and the relations between them. A cell is ``(result_id, "n" | "events" |
    "count")``.
    """

    def __init__(self, rows: pd.DataFrame, k: int):
        self.k, self.rows = k, {record["result_id"]: record for record in rows.to_dict("records")}
        self.bounds: dict[tuple, tuple[int, int]] = {}
        self.guarded: set[tuple] = set()
        self.hidden: set[tuple] = set()
        self.impossible: list = []
        self.sums: list[dict[tuple, int]] = []
        self.formulas: list[tuple[tuple, Callable, float, float]] = []
        for name, record in self.rows.items():
            self._add(name, record)
        self._relate()
        self.first = dict(self.bounds)  # what each row says by itself
        self.of: dict[tuple, list] = {cell: [] for cell in self.bounds}
        relations: list[dict | tuple] = [*self.sums, *self.formulas]
        for relation in relations:
            for cell in self.cells_of(relation):
                self.of[cell].append(relation)

    @staticmethod
    def cells_of(relation: dict | tuple) -> list:
        """The cells of a sum or a formula."""
        return list(relation) if isinstance(relation, dict) else list(relation[0])

    # --- cells ---

    def _add(self, name: str, record: dict) -> None:
        if record["statistic"] not in ("count", "at risk", "proportion") or name.startswith(
            ("multiplicity.", "context.")
        ):
            return
        if ".small_p" in name or name.startswith("design."):
            return
        mark = results.hidden(record)
        if record["statistic"] == "proportion":
            self._cell((name, "n"), record["n"], mark.startswith("small"))
            self._cell((name, "events"), record["events"], mark.startswith("fewer"))
            if mark.startswith("all but"):
                self._others(name)
        else:
            self._cell((name, "count"), record["value"], mark.startswith("fewer"))

    def _cell(self, cell: tuple, shown: float, few: bool) -> None:
        k = self.k
        if pd.isna(shown):
            self.bounds[cell] = (0, k - 1) if few else (0, MOST)
            if few:
                self.hidden.add(cell)
                self.guarded.add(cell)
        elif int(shown) == disclosure.banded(int(shown), k):
            self.bounds[cell] = (int(shown) // k * k, int(shown) // k * k + k - 1)
            self.guarded.add(cell)
        else:
            self.bounds[cell] = (int(shown), int(shown))  # no band's middle: it stands as it is
            self.guarded.add(cell)

    def _others(self, name: str) -> None:
        """All but fewer than ``k``: those without the event are the hidden count."""
        self.bounds[name, "others"] = (0, self.k - 1)
        self.hidden.add((name, "others"))
        self.guarded.add((name, "others"))
        self.sums.append({(name, "events"): 1, (name, "others"): 1, (name, "n"): -1})

    # --- relations ---

    def _relate(self) -> None:
        for name, record in self.rows.items():
            if (name, "events") in self.bounds and (name, "others") not in self.bounds:
                self.bounds[name, "others"] = (0, MOST)
                self.sums.append({(name, "events"): 1, (name, "others"): 1, (name, "n"): -1})
                self._percentage(name, record)
        for pattern in PARTS.values():
            self._levels(pattern)
        self._arms()
        self._flow()
        self._differences()

    def _percentage(self, name: str, record: dict) -> None:
        if pd.isna(record["value"]) or pd.isna(record["events"]) or pd.isna(record["n"]):
            return
        if abs(float(record["value"]) - 100 * record["events"] / record["n"]) > 1e-6:
            self.formulas.append(
                (
                    ((name, "events"), (name, "n")),
                    lambda e, n: 100 * e / n if n else np.nan,
                    float(record["value"]),
                    0.05,
                )
            )

    def _levels(self, pattern: str) -> None:
        """Levels of one factor, those in whom it is missing included, add up to the number of the column."""
        families: dict[tuple, list[str]] = {}
        for name in self.rows:
            if (name, "events") in self.bounds and (found := re.fullmatch(pattern, name)):
                families.setdefault((found[1], found[3]), []).append(name)
        for names in families.values():
            whole = (names[0], "n")
            self.sums += [{(name, "n"): 1, whole: -1} for name in names[1:]]
            self.sums.append({**{(name, "events"): 1 for name in names}, whole: -1})

    def _arms(self) -> None:
        """Lines of Table 1 add up over the regimens, if the regimen is known of everyone; columns have one
        size.
        """
        unknown = "flow.salvage_regimen.unknown" in self.rows
        for name in list(self.rows):
            if not name.startswith("table1.") or not name.endswith(".all"):
                continue
            kind = "count" if name == "table1.n.all" else "events"
            arms = [f"{name.removesuffix('all')}{arm}" for arm in ARMS]
            arms = [arm for arm in arms if (arm, kind) in self.bounds]
            if (name, kind) in self.bounds and arms and not unknown:
                self.sums.append({**{(arm, kind): 1 for arm in arms}, (name, kind): -1})
        columns = [name.removeprefix("table1.n.") for name in self.rows if name.startswith("table1.n.")]
        for column in columns:
            for name in self.rows:
                if (
                    (size := (f"table1.n.{column}", "count")) in self.bounds
                    and name.endswith(f".{column}")
                    and (name, "n") in self.bounds
                    and name.startswith("table1.")
                    and "bulky" not in name
                ):
                    self.sums.append({(name, "n"): 1, size: -1})

    def _flow(self) -> None:
        if ("flow.included", "count") in self.bounds:
            parts = [name for name in self.rows if re.fullmatch(r"flow\.salvage_regimen\.\w+", name)]
            if parts:
                self.sums.append({**{(name, "count"): 1 for name in parts}, ("flow.included", "count"): -1})
            if ("table1.n.all", "count") in self.bounds:
                self.sums.append({("flow.included", "count"): 1, ("table1.n.all", "count"): -1})

    def _differences(self) -> None:
        """Standardised differences and detectable ratios, where they are not those of the shown counts."""
        from analysis_lib.analyses import (  # late: both use tables that are audited themselves
            design,
            weighting,
        )

        sizes = [(f"table1.n.{arm}", "count") for arm in ("rt", "st")]
        if not all(size in self.bounds for size in sizes):
            return
        for name, record in self.rows.items():
            cells = (
                [(f"table1.{name.split('.')[1]}.yes.{arm}", "events") for arm in ("rt", "st")]
                if name.startswith("balance.")
                else []
            )
            if (
                name.endswith(".unweighted")
                and pd.notna(record["value"])
                and all(cell in self.bounds for cell in cells)
            ):
                used = (cells[0], sizes[0], cells[1], sizes[1])
                self._unless_shown(
                    used,
                    lambda a, n, b, m: weighting.difference_of_shares((a, n), (b, m)) if n and m else np.nan,
                    record,
                )
        record = self.rows.get("design.os2.salvage_regimen.st.detectable")
        if record is not None and pd.notna(record["value"]) and pd.notna(record["events"]):
            self._cell(
                events := ("design.os2.salvage_regimen.st.detectable", "events"), record["events"], False
            )
            self._unless_shown(
                (*sizes, events),
                lambda n, m, d: design.detectable(d, m / (n + m)) if n and m and d else np.nan,
                record,
            )

    def _unless_shown(self, cells: tuple, formula: Callable, record: dict) -> None:
        value = float(record["value"])
        # As the rule has it, a difference has one decimal and a ratio two digits, both from banded counts.
        # Others are exact.
        if value not in (round(value, 1), float(f"{value:.1e}")):
            self.formulas.append((cells, formula, value, 0.005))

    # --- what follows ---

    def weakest(self, cell: tuple) -> str:
        """The row to withhold so that the tightest sum with this cell, or next to it, says nothing any more;
        empty if there is none.
        """
        sums = [relation for relation in self.of[cell] if isinstance(relation, dict) and len(relation) > 2]
        near = {
            other
            for relation in self.of[cell]
            if isinstance(relation, dict) and len(relation) == 2
            for other in relation
        }
        sums += [
            relation
            for other in near
            for relation in self.of[other]
            if isinstance(relation, dict) and len(relation) > 2
        ]
        best, slack = "", np.inf
        for relation in sums:
            parts = [
                one
                for one, c in relation.items()
                if c > 0 and one[1] == "events" and self.first[one][1] < MOST
            ]
            if len(parts) < 2 or any(self.first[one][1] >= MOST for one in relation):
                continue
            spare = min(
                sum(c * self.first[one][1 if c > 0 else 0] for one, c in relation.items()),
                -sum(c * self.first[one][0 if c > 0 else 1] for one, c in relation.items()),
            )
            if spare < slack:
                least = min(parts, key=lambda one: (one not in self.hidden, self.first[one][1], one[0]))
                best, slack = least[0], spare
        return best

    def propagate(self, rounds: int = 50) -> None:
        """Narrow every interval by each relation in turn, until nothing changes."""
        for _ in range(rounds):
            before = dict(self.bounds)
            for relation in self.sums:
                self._narrow_sum(relation)
            for formula in self.formulas:
                self._narrow_formula(*formula)
            if self.bounds == before:
                return

    def _narrow_sum(self, relation: dict) -> None:
        """A sum of cells, some with a minus, that is 0."""
        low = sum(c * self.bounds[cell][0 if c > 0 else 1] for cell, c in relation.items())
        high = sum(c * self.bounds[cell][1 if c > 0 else 0] for cell, c in relation.items())
        for cell, c in relation.items():
            mine = self.bounds[cell]
            others = (low - c * mine[0 if c > 0 else 1], high - c * mine[1 if c > 0 else 0])
            ends = sorted((-others[1] * c, -others[0] * c))  # c is 1 or -1
            self._set(cell, max(mine[0], ends[0]), min(mine[1], ends[1]))

    def _narrow_formula(self, cells: tuple, formula: Callable, value: float, half: float) -> None:
        ranges = [range(self.bounds[cell][0], self.bounds[cell][1] + 1) for cell in cells]
        if np.prod([float(len(each)) for each in ranges]) > MOST_COMBINATIONS:
            return
        with np.errstate(all="ignore"):
            fits = [
                numbers
                for numbers in itertools.product(*ranges)
                if abs(formula(*numbers) - value) <= half + 1e-9
            ]
        for place, cell in enumerate(cells):
            if fits:
                kept = [numbers[place] for numbers in fits]
                self._set(cell, min(kept), max(kept))

    def _set(self, cell: tuple, low: int, high: int) -> None:
        if low <= high:
            self.bounds[cell] = (int(low), int(high))
        elif cell not in self.impossible:
            self.impossible.append(cell)

    def solve(self) -> None:
        """The lowest and highest value of each hidden count that all sums together allow, by integer
        programming.
        """
        cells = list(self.bounds)
        place = {cell: number for number, cell in enumerate(cells)}
        matrix = np.zeros((len(self.sums), len(cells)))
        for line, relation in enumerate(self.sums):
            for cell, c in relation.items():
                matrix[line, place[cell]] += c
        limits = Bounds([self.bounds[cell][0] for cell in cells], [self.bounds[cell][1] for cell in cells])
        for cell in sorted(self.hidden):
            aim = np.eye(len(cells))[place[cell]]
            ends = [
                milp(
                    sign * aim,
                    constraints=LinearConstraint(matrix, 0, 0),
                    bounds=limits,
                    integrality=np.ones(len(cells)),
                )
                for sign in (1, -1)
            ]
            if all(end.success for end in ends):
                self._set(cell, round(ends[0].fun), round(-ends[1].fun))
