"""Text in a CSV file that a spreadsheet shows and never calculates."""

from __future__ import annotations

import re

FORMULA = tuple("=+-@\t\r＝＋－＠")  # a spreadsheet takes a cell that starts so for a formula
NUMBER = re.compile(r"[+-]?(\d[\d,. ]*%?|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf)", re.I)


def safe(cell: str) -> str:
    """A cell with an apostrophe before it if a spreadsheet would take it for a formula; numbers stay as they
    are.

    What begins with an apostrophe gets another one, so that :func:`as_was` gives everything back.
    """
    return (
        f"'{cell}"
        if cell.startswith("'") or cell.startswith(FORMULA) and not NUMBER.fullmatch(cell)
        else cell
    )


def as_was(cell: str) -> str:
    """What :func:`safe` was given."""
    return cell[1:] if cell.startswith("'") else cell
