"""What a chapter is handed: papermill takes any name, and a slip must not show another cohort's numbers."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from analysis_lib.dictionary.words import listed
from analysis_lib.files.refusal import Refused

INJECTED = "# Parameters"  # how papermill begins the cell that it puts below the parameters
ITS_OWN = "PAPERMILL_"  # names of paths that papermill adds when it is asked to


class UnknownParameter(Refused, ValueError):
    """A chapter was handed what it does not take."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter prints instead of a traceback."""
        return [str(self)]


def check(namespace: Mapping) -> None:
    """Refuse a parameter that the notebook does not declare, before anything is read.

    The first call of every chapter. Without it ``papermill -p chort lymphoma`` would show the numbers of the
    default cohort.

    Parameters
    ----------
    namespace : mapping
        ``globals()`` of the notebook, in which Jupyter keeps the cells that were run; without papermill or
        without Jupyter there is nothing to refuse.

    Raises
    ------
    UnknownParameter
        With the names that are not declared, and those that are.
    """
    cells = [str(cell) for cell in namespace.get("In", [])][:-1]  # the last is this one
    place = max((at for at, cell in enumerate(cells) if cell.startswith(INJECTED)), default=0)
    # Run again by hand, without the cell that papermill added: then the default is what was asked for.
    if not place or cells[place - 1] in cells[place + 1 :]:
        return
    before = [cell for cell in cells[:place] if not cell.startswith(INJECTED)]
    declared = [name for cell in before for name in _assigned(cell)]
    unknown = [
        name for name in _assigned(cells[place]) if name not in declared and not name.startswith(ITS_OWN)
    ]
    if unknown:
        raise UnknownParameter(
            f"This chapter takes no parameter {listed([repr(name) for name in unknown])}; it takes: "
            f"{', '.join(dict.fromkeys(declared))}. Correct the name and run it again."
        )


def _assigned(cell: str) -> list[str]:
    """The names to which the lines of a cell give values; none of a cell that is not plain Python."""
    try:
        lines = ast.parse(cell).body
    except SyntaxError:
        return []
    targets = [
        target
        for line in lines
        if isinstance(line, (ast.Assign, ast.AnnAssign))
        for target in (line.targets if isinstance(line, ast.Assign) else [line.target])
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]
