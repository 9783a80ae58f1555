"""The audit as a page: each check with its arithmetic and verdict."""

from __future__ import annotations

import pandas as pd

from analysis_lib.paper.audit.verdicts import theme
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import notes
from analysis_lib.show.ledger_page import Line, show_reasoned

HEADS = ["Check", "Printed", "Recomputed", "Verdict"]


def show(checks: pd.DataFrame, caption: str) -> None:
    """Show checks as a table, with the arithmetic under what was checked."""
    require(checks)
    if reason := results.skip_reason(checks):
        return notes.skip(reason)
    show_reasoned({"": _lines(checks)}, caption, HEADS)


def folded(checks: pd.DataFrame, themes: tuple[str, ...], what: str, caption: str) -> None:
    """Show the checks of some themes as :func:`show` does, folded below what they are about and how many
    there are.
    """
    require(checks)
    if results.skip_reason(checks):
        return
    of = theme(checks, *themes)
    show_reasoned({"": _lines(of)}, caption, HEADS, f"{what}: {len(of)} checks")


def _lines(checks: pd.DataFrame) -> list[Line]:
    return [Line(c.what, c.arithmetic, (c.printed, c.recomputed, c.verdict)) for c in checks.itertuples()]
