"""What is published, as an attacker has it: every count an interval, and the relations between counts.

A count that is shown rounded is its band; one of which "fewer than ``k``" is said is 0 to ``k`` - 1; of one
that is withheld nothing is known by itself. The relations are those that anybody knows who has read the book:
the levels of a factor add up to those of whom it is known or missing, the regimens to all patients, the
groups of an endpoint to all who are followed, the ways in which follow-up ended to everybody; nobody can have
an event who is not counted, nor be at risk at two years who was not at one. Where a percentage, a
standardised difference or a detectable hazard ratio is not that of the shown counts, it was computed from
others, and is a relation too.

Long because whoever asks what the auditor knows finds every relation in one place.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from analysis_lib.cohort import disclosure
from analysis_lib.rows import results

Cell = tuple[str, str]  # (result_id, "n" | "events" | "others" | "count")
Sum = dict[Cell, int]  # cells with their signs, which add up to 0
Formula = tuple[tuple[Cell, ...], Callable[..., float], float, float]  # cells, function, value, half a unit

MOST = 10**6
MISSING = "missing"  # the level of a line of Table 1 that counts those of whom nothing is known
MOST_COMBINATIONS = 20_000
ARMS = ("rt", "cmt", "st")
# rows whose events are parts of a whole: pattern of their ids, the part that names the whole in brackets
PARTS = (
    r"(table1\.\w+)\.(?!n\b)[\w-]+\.([\w-]+)",
    r"(response)\.(?:cr|pr|sd|pd)()",
    r"(failure\.pattern)\.[\w-]+()",
    r"(cd19)\.(?:positive|negative)()",
    r"(infield\.response)\.(?:cr|pr|sd|pd)()",
    r"(first\.response\.\w+)\.(?:cr|pr|sd|pd)()",
)
# one row's events are those of others together
TOGETHER = {
    "response.orr": ("response.cr", "response.pr"),
    "failure.any_local": ("failure.pattern.local", "failure.pattern.local_and_de_novo"),
}
# rows whose n and events are those of a group that is followed to an endpoint
FOLLOWED = ("median time", "rate", "at risk")


class Published:
    """Counts as intervals, and the relations between them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Result rows after disclosure control.
    k : int
        The cohort's ``min_cell_count``.

    Attributes
    ----------
    bounds : dict
        Lowest and highest value of each cell.
    guarded, hidden : set
        Cells that must stay uncertain; those of them that are not shown at all.
    impossible : list
        Cells of which no value is left: what is published cannot be as the rule has it.
    sums, formulas : list
        The relations.
    of : dict
        The relations of each cell.
    """

    def __init__(self, rows: pd.DataFrame, k: int):
        self.k, self.rows = k, {record["result_id"]: record for record in rows.to_dict("records")}
        self.bounds: dict[Cell, tuple[int, int]] = {}
        self.guarded: set[Cell] = set()
        self.hidden: set[Cell] = set()
        self.impossible: list[Cell] = []
        self.sums: list[Sum] = []
        self.formulas: list[Formula] = []
        self.followed: dict[tuple, str] = {}
        for name, record in self.rows.items():
            self._add(name, record)
        self._relate()
        self.first = dict(self.bounds)  # what each row says by itself
        self.of: dict[Cell, list[Sum | Formula]] = {cell: [] for cell in self.bounds}
        relations: list[Sum | Formula] = [*self.sums, *self.formulas]
        for relation in relations:
            for cell in self.cells_of(relation):
                self.of[cell].append(relation)

    @staticmethod
    def cells_of(relation: Sum | Formula) -> list[Cell]:
        """The cells of a sum or a formula."""
        return list(relation) if isinstance(relation, dict) else list(relation[0])

    def beside(self, cell: Cell) -> tuple[str, ...]:
        """The other rows in the relations of a cell, by their ids."""
        return tuple(
            sorted(
                {one for relation in self.of[cell] for one, _ in self.cells_of(relation) if one in self.rows}
                - {cell[0]}
            )
        )

    # --- cells ---

    def _add(self, name: str, record: dict) -> None:
        if record["statistic"] in FOLLOWED and record["endpoint"]:
            self._group(name, record)
        if record["statistic"] not in ("count", "at risk", "proportion"):
            return
        if (
            name.startswith(("multiplicity.", "context.", "design.", "since.", "prior."))
            or ".small_p" in name
        ):
            return
        mark = results.hidden(record)
        if record["statistic"] == "proportion":
            self._cell((name, "n"), record["n"])
            self._cell((name, "events"), record["events"], mark.startswith("fewer"))
            if mark.startswith("all but"):
                self._without((name, "events"), (name, "n"))
        else:
            self._cell((name, "count"), record["value"], mark.startswith("fewer"))

    def _cell(self, cell: Cell, shown: float, few: bool = False) -> None:
        k = self.k
        if pd.isna(shown):
            self.hidden.add(cell)
            self.bounds[cell] = (0, k - 1) if few else (0, MOST)
        elif int(shown) == disclosure.banded(int(shown), k):
            self.bounds[cell] = (int(shown) // k * k, int(shown) // k * k + k - 1)
        else:
            self.bounds[cell] = (int(shown), int(shown))  # no band's middle: it stands as it is
        self.guarded.add(cell)

    def _group(self, name: str, record: dict) -> None:
        """Those of a group who are followed to an endpoint, and their events: from the first of its rows, and
        more exactly from any other that shows what the first does not.
        """
        group = tuple(record[column] for column in ("endpoint", "population", "by", "level"))
        first = self.followed.setdefault(group, name)
        mark = results.hidden(record)
        for kind, few in (("n", False), ("events", mark.startswith("fewer"))):
            if (first, kind) not in self.bounds or pd.notna(record[kind]):
                self.hidden.discard((first, kind))
                self._cell((first, kind), record[kind], few)
        if mark.startswith("all but") and (first, "others") not in self.bounds:
            self._without((first, "events"), (first, "n"))

    def _without(self, part: Cell, whole: Cell) -> None:
        """All but fewer than ``k``: those without the event are the hidden count."""
        others = (part[0], "others")
        self.bounds[others] = (0, self.k - 1)
        self.hidden.add(others)
        self.guarded.add(others)
        self.sums.append({part: 1, others: 1, whole: -1})

    # --- relations ---

    def _relate(self) -> None:
        for name, record in self.rows.items():
            if (name, "events") in self.bounds and (name, "others") not in self.bounds:
                self._at_most([(name, "events")], (name, "n"), (name, "others"))
                self._percentage(name, record)
        for pattern in PARTS:
            self._levels(pattern)
        for whole, parts in TOGETHER.items():
            cells = [(name, "events") for name in (whole, *parts)]
            if all(cell in self.bounds for cell in cells):
                self.sums.append({cells[0]: -1, **dict.fromkeys(cells[1:], 1)})
        self._arms()
        self._flow()
        self._groups()
        self._at_risk()
        self._endings()
        self._differences()

    def _at_most(self, parts: list[Cell], whole: Cell, rest: Cell) -> None:
        """The parts are no more than the whole; ``rest`` is what they leave, of which nothing is said."""
        self.bounds[rest] = (0, MOST)
        self.sums.append({**dict.fromkeys(parts, 1), rest: 1, whole: -1})

    def _percentage(self, name: str, record: dict) -> None:
        if record["statistic"] != "proportion" or pd.isna(record["value"]):
            return
        if pd.isna(record["events"]) or pd.isna(record["n"]):
            return
        if abs(float(record["value"]) - 100 * record["events"] / record["n"]) > 1e-6:
            cells = ((name, "events"), (name, "n"))
            self.formulas.append(
                (cells, lambda e, n: 100 * e / n if n else np.nan, float(record["value"]), 0.05)
            )

    def _levels(self, pattern: str) -> None:
        """Levels of one factor, those in whom it is missing included, add up to the number of the column."""
        families: dict[tuple, list[str]] = {}
        for name in self.rows:
            if (name, "events") in self.bounds and (found := re.fullmatch(pattern, name)):
                families.setdefault(found.groups(), []).append(name)
        for names in families.values():
            whole = (names[0], "n")
            self.sums += [{(name, "n"): 1, whole: -1} for name in names[1:]]
            if all(self.rows[name]["level"] == MISSING for name in names):  # a number has no other line
                continue
            self.sums.append({**{(name, "events"): 1 for name in names}, whole: -1})

    def _arms(self) -> None:
        """Lines of Table 1 add up over the regimens, if the regimen is known of everyone; over groups of the
        cohort's own they are no more than all. Columns have one size.
        """
        columns = [name.removeprefix("table1.n.") for name in self.rows if name.startswith("table1.n.")]
        everyone = set(columns) <= {*ARMS, "all"} and "flow.salvage_regimen.unknown" not in self.rows
        for name in list(self.rows):
            if not name.startswith("table1.") or not name.endswith(".all"):
                continue
            whole = (name, "count" if name == "table1.n.all" else "events")
            parts = [(f"{name.removesuffix('all')}{arm}", whole[1]) for arm in columns if arm != "all"]
            parts = [part for part in parts if part in self.bounds]
            if whole in self.bounds and parts and everyone:
                self.sums.append({**dict.fromkeys(parts, 1), whole: -1})
            elif whole in self.bounds and parts:
                self._at_most(parts, whole, (f"{name} in no group", whole[1]))
        for column in columns:
            size = (f"table1.n.{column}", "count")
            self.sums += [
                {(name, "n"): 1, size: -1}
                for name in self.rows
                if re.fullmatch(rf"table1\.(?!bulky|n\.).*\.{re.escape(column)}", name)
                and (name, "n") in self.bounds
            ]

    def _flow(self) -> None:
        if ("flow.included", "count") not in self.bounds:
            return
        for whole, start in (("flow.included", "flow.salvage_regimen"), ("flow.any_rt", "flow.any_rt")):
            parts = [name for name in self.rows if re.fullmatch(rf"{start}\.(salvage_regimen\.)?\w+", name)]
            if parts and (whole, "count") in self.bounds:
                self.sums.append({**{(name, "count"): 1 for name in parts}, (whole, "count"): -1})
        if ("table1.n.all", "count") in self.bounds:
            self.sums.append({("flow.included", "count"): 1, ("table1.n.all", "count"): -1})

    def _partitions(self) -> Iterator[tuple[tuple, str, list[str]]]:
        """Groups that together are all who are followed: the endpoint's, and those of each column that
        everyone's value is known of.
        """
        unknown = {record["by"] for record in self.rows.values() if record["level"] == MISSING}
        for whole in [group for group in self.followed if not group[2]]:
            for by in sorted({group[2] for group in self.followed if group[:2] == whole[:2]} - {""}):
                parts = [name for group, name in self.followed.items() if group[:3] == (*whole[:2], by)]
                if by not in unknown:
                    yield whole, by, parts

    def _groups(self) -> None:
        for whole, by, parts in self._partitions():
            for kind in ("n", "events"):
                total = (self.followed[whole], kind)
                self._at_most([(name, kind) for name in parts], total, (f"{total[0]} by {by}", kind))

    def _at_risk(self) -> None:
        """Nobody is at risk later who was not before, nor who was not counted."""
        times: dict[tuple, list[tuple[int, Cell]]] = {}
        for name, record in self.rows.items():
            group = tuple(record[column] for column in ("endpoint", "population", "by", "level"))
            found = re.search(r"\.at_risk(\d+)", name) if record["statistic"] == "at risk" else None
            if found and group in self.followed:
                times.setdefault(group, []).append((int(found[1]), (name, "count")))
        for group, later in times.items():
            before = (self.followed[group], "n")
            for _, cell in sorted(later):
                self._at_most([cell], before, (cell[0], "left"))
                before = cell

    def _endings(self) -> None:
        """The ways in which follow-up ended add up to all who are followed."""
        for group, followed in self.followed.items():
            parts = [
                (name, "count")
                for name, record in self.rows.items()
                if ".ended_by." in name and record["endpoint"] == group[0] and (name, "count") in self.bounds
            ]
            if parts and not group[2]:
                self.sums.append({**dict.fromkeys(parts, 1), (followed, "n"): -1})

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
            found = re.fullmatch(r"balance\.(\w+)\.unweighted", name)
            cells = [(f"table1.{found[1]}.yes.{arm}", "events") for arm in ("rt", "st")] if found else []
            if cells and pd.notna(record["value"]) and all(cell in self.bounds for cell in cells):
                used = (cells[0], sizes[0], cells[1], sizes[1])
                self._unless_shown(
                    used,
                    lambda a, n, b, m: weighting.difference_of_shares((a, n), (b, m)) if n and m else np.nan,
                    record,
                )
        name = "design.os2.salvage_regimen.st.detectable"
        record = self.rows.get(name, {"value": None, "events": None})
        if pd.notna(record["value"]) and pd.notna(record["events"]):
            self._cell(events := (name, "events"), record["events"])
            self._unless_shown(
                (*sizes, events),
                lambda n, m, d: design.detectable(d, m / (n + m)) if n and m and d else np.nan,
                record,
            )

    def _unless_shown(self, cells: tuple[Cell, ...], formula: Callable[..., float], record: dict) -> None:
        value = float(record["value"])
        # As the rule has it, a difference has one decimal and a ratio two digits, both from banded counts.
        # Others are exact.
        if value not in (round(value, 1), float(f"{value:.1e}")):
            self.formulas.append((cells, formula, value, 0.005))

    # --- what follows ---

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

    def _narrow_sum(self, relation: Sum) -> None:
        low = sum(c * self.bounds[cell][0 if c > 0 else 1] for cell, c in relation.items())
        high = sum(c * self.bounds[cell][1 if c > 0 else 0] for cell, c in relation.items())
        for cell, c in relation.items():
            mine = self.bounds[cell]
            others = (low - c * mine[0 if c > 0 else 1], high - c * mine[1 if c > 0 else 0])
            ends = sorted((-others[1] * c, -others[0] * c))  # c is 1 or -1
            self._set(cell, max(mine[0], ends[0]), min(mine[1], ends[1]))

    def _narrow_formula(
        self, cells: tuple[Cell, ...], formula: Callable[..., float], value: float, half: float
    ) -> None:
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

    def _set(self, cell: Cell, low: int, high: int) -> None:
        if low <= high:
            self.bounds[cell] = (int(low), int(high))
        elif cell not in self.impossible:
            self.impossible.append(cell)

    def solve(self, fewest: int) -> None:
        """Show of each guarded cell that ``fewest`` values are possible, or narrow it to what is.

        Whole numbers that satisfy every sum at once are an example of what the patients may be like. Some
        examples are drawn first; where they do not show ``fewest`` values of a cell, its lowest and highest
        are searched by integer programming.
        """
        cells = [cell for cell in self.bounds if self.of[cell]]
        if not cells or self.impossible:
            return
        place = {cell: number for number, cell in enumerate(cells)}
        entries = [(line, place[cell], c) for line, sums in enumerate(self.sums) for cell, c in sums.items()]
        lines, columns, signs = zip(*entries)
        matrix = sparse.csr_matrix((signs, (lines, columns)), shape=(len(self.sums), len(cells)))
        # Beyond the largest number that is known by its band nothing is told apart, and the solver is exact.
        known = max((high for _, high in self.bounds.values() if high < MOST), default=self.k)
        ends = np.array([self.bounds[cell] for cell in cells], dtype=float).clip(max=4 * known)
        limits = Bounds(ends[:, 0], ends[:, 1])
        guarded = [cell for cell in cells if cell in self.guarded]
        seen: list[set[int]] = [set() for _ in cells]

        def example(aim: np.ndarray) -> np.ndarray | None:
            found = milp(aim, constraints=LinearConstraint(matrix, 0, 0), bounds=limits, integrality=1)
            if not found.success:
                return None
            for values, value in zip(seen, np.rint(found.x).astype(int)):
                values.add(int(value))
            return np.rint(found.x).astype(int)

        rng = np.random.default_rng(0)
        for _ in range(4):
            aim = rng.normal(size=len(cells)) * [cell in self.guarded for cell in cells]
            for sign in (1, -1):
                if example(sign * aim) is None:
                    self.impossible.append(guarded[0])
                    return
        for cell in guarded:
            if len(seen[place[cell]]) < fewest:
                aim = np.eye(1, len(cells), place[cell])[0]
                lowest, highest = (example(sign * aim) for sign in (1, -1))
                if lowest is not None and highest is not None:
                    self._set(cell, lowest[place[cell]], highest[place[cell]])

    def weakest(self, cell: Cell) -> str:
        """The row to withhold so that the tightest sum with this cell, or next to it, says nothing any more;
        empty if there is none.
        """
        mine = [relation for relation in self.of[cell] if isinstance(relation, dict)]
        near = {other for relation in mine if len(relation) == 2 for other in relation}
        sums = [relation for relation in mine if len(relation) > 2]
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
