"""Draw the house: ``python tools/draw_house.py`` writes the packages of ``analysis_lib`` and what each
imports, read from the code, between two marks in ``CONTRIBUTING.md``; a test says if that is out of date.

A package stands one floor above the highest that it imports. A circle of imports has no drawing, and is an
error.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "analysis_lib"
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- the house: written by tools/draw_house.py -->", "<!-- end of the house -->"
WIDTH, NAME = 106, 16
MAIN = "__main__"


def rooms() -> dict[str, list[str]]:
    """The packages, and ``__main__``, with their modules."""
    packages = {
        folder.parent.name: sorted(
            each.stem if each.is_file() else f"{each.name}/"
            for each in folder.parent.iterdir()
            if (each.suffix == ".py" and each.stem != "__init__") or (each / "__init__.py").is_file()
        )
        for folder in sorted(LIBRARY.glob("*/__init__.py"))
    }
    return packages | {MAIN: []}


def question(room: str) -> str:
    """What a room is for: the first paragraph of its docstring."""
    path = LIBRARY / f"{room}.py" if room == MAIN else LIBRARY / room / "__init__.py"
    return " ".join(ast.get_docstring(ast.parse(path.read_text("utf-8"))).partition("\n\n")[0].split())


def imports() -> dict[str, set[str]]:
    """Which other rooms the modules of each room import."""
    known = rooms()
    found = {}
    for room in known:
        files = [LIBRARY / f"{room}.py"] if room == MAIN else sorted((LIBRARY / room).rglob("*.py"))
        found[room] = {name for file in files for name in _imported(file)} & set(known) - {room}
    return found


def _imported(file: Path) -> set[str]:
    """The second parts of the modules of ``analysis_lib`` that a file imports."""
    names = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("analysis_lib.")}


def floors(known: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each room, counted from 1.

    Raises
    ------
    ValueError
        If rooms import each other in a circle.
    """
    placed: dict[str, int] = {}
    while len(placed) < len(known):
        ready = [room for room in known if room not in placed and known[room] <= set(placed)]
        if not ready:
            raise ValueError(
                f"these import each other in a circle: {', '.join(sorted(set(known) - set(placed)))}"
            )
        placed |= {room: 1 + max((placed[below] for below in known[room]), default=0) for room in ready}
    return placed


def drawing() -> str:
    """The house from the top floor down: each room with its question, its modules and what it imports."""
    known, modules = imports(), rooms()
    placed = floors(known)
    lines = []
    for floor in range(max(placed.values()), 0, -1):
        lines.append(f"{'┌' if not lines else '├'}{'─' * WIDTH}{'┐' if not lines else '┤'}")
        for room in sorted(room for room in placed if placed[room] == floor):
            below = sorted(known[room], key=lambda one: (-placed[one], one))
            told = [question(room)]
            told += [f"holds {', '.join(modules[room])}"] if modules[room] else []
            told += [f"knows {', '.join(below)}"] if below else ["knows nobody"]
            text = [
                line
                for each in told
                for line in textwrap.wrap(each, WIDTH - NAME - 7, subsequent_indent="  ")
            ]
            for number, line in enumerate(text):
                head = f"{floor:>2}  {room:<{NAME}}" if number == 0 else " " * (NAME + 4)
                lines.append(f"│ {head} {line:<{WIDTH - NAME - 6}}│")
    return "\n".join([*lines, f"└{'─' * WIDTH}┘"])


def page(text: str) -> str:
    """``CONTRIBUTING.md`` with the drawing of today between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```text\n{drawing()}\n```\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
