"""Are two builds of the book the same? ``python tools/compare_builds.py OLD NEW`` (two checkouts, both
built).

Result rows must be equal byte for byte, but for columns that are new, and so must everything else that the
build wrote below ``book/cohorts`` and ``book/generated`` as text. Pages are compared cell by cell: words,
outputs, images. Import lines in cells, and the module in front of a library function (``curves.at`` for
``survival.at``), may differ, since a move changes them and nothing that a reader learns from. Every
difference is printed; the exit status is 1 if there is one.
"""

from __future__ import annotations

import argparse
import ast
import csv
import difflib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("book/cohorts", "book/generated")
AS_PAGES = ".ipynb"
PACKED = (
    ".docx",
    ".zip",
    ".png",
    ".pdf",
)  # what they hold is in the pages and rows; they carry versions of software


def main() -> int:
    """Compare and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    given = parser.parse_args()
    old, new = files(given.old), files(given.new)
    differences = [f"only in {given.old}: {name}" for name in sorted(set(old) - set(new))]
    differences += [f"only in {given.new}: {name}" for name in sorted(set(new) - set(old))]
    both = sorted(set(old) & set(new))
    for name in both:
        differences += [f"{name}: {difference}" for difference in differing(old[name], new[name])]
    print(*differences, sep="\n")
    print(f"{len(both)} files compared, {len(differences)} differences")
    return 1 if differences or not both else 0


def files(root: Path) -> dict[str, Path]:
    """The files that a build wrote, by their place."""
    found = (path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path for path in found if path.suffix not in PACKED}


def differing(old: Path, new: Path) -> Iterator[str]:
    """What differs between two files, in words."""
    if old.suffix == AS_PAGES:
        yield from between_pages(old, new)
    elif old.read_bytes() != new.read_bytes():
        before, now = (path.read_text("utf-8").splitlines() for path in (old, new))
        if new.suffix == ".csv" and before == kept_columns(before, now):
            return
        lines = difflib.unified_diff(before, now, n=0, lineterm="")
        yield next(
            (line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")), "line ends"
        )[:200]


def kept_columns(before: list[str], now: list[str]) -> list[str]:
    """The lines of a table of now, in the columns that it had before; empty if one of them is gone."""
    heads, *rows = csv.reader(now) if now else [[]]
    wanted = next(csv.reader(before), [])
    if not set(wanted) <= set(heads):
        return []
    kept = io.StringIO()
    places = [heads.index(column) for column in wanted]
    csv.writer(kept, lineterminator="\n").writerows(
        [line[place] for place in places] for line in (heads, *rows)
    )
    return kept.getvalue().splitlines()


def between_pages(old: Path, new: Path) -> Iterator[str]:
    """What differs between two executed notebooks."""
    one, other = (json.loads(path.read_text("utf-8"))["cells"] for path in (old, new))
    if len(one) != len(other):
        yield f"{len(one)} cells before, {len(other)} now"
    for number, (before, now) in enumerate(zip(one, other), start=1):
        if before["cell_type"] != now["cell_type"] or before["metadata"] != now["metadata"]:
            yield f"cell {number}: another kind or other tags"
        if said(before) != said(now):
            yield f"cell {number}: other words or code"
        if before.get("outputs") != now.get("outputs"):
            yield f"cell {number}: other outputs"


def said(cell: dict) -> str:
    """A cell's source; of code, what it does: without imports, layout and the modules in front of
    functions.
    """
    source = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return source
    tree = ast.parse(source)
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    tree.body = [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    return ast.dump(WithoutModules().visit(tree)) if modules or tree.body else ""


class WithoutModules(ast.NodeTransformer):
    """``module.function`` becomes ``function``."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Drop a plain name in front of a dot."""
        self.generic_visit(node)
        return ast.Name(node.attr, node.ctx) if isinstance(node.value, ast.Name) else node


if __name__ == "__main__":
    sys.exit(main())
