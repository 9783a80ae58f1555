"""The audit as a page: each check with its arithmetic and verdict."""

from __future__ import annotations

import pandas as pd

from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import notes
from analysis_lib.show.ledger_page import Line, show_reasoned


def show(checks: pd.DataFrame, caption: str) -> None:
    """Show checks as a table, with the arithmetic under what was checked."""
    require(checks)
    if reason := results.skip_reason(checks):
        return notes.skip(reason)
    lines = [Line(c.what, c.arithmetic, (c.printed, c.recomputed, c.verdict)) for c in checks.itertuples()]
    show_reasoned({"": lines}, caption, ["Check", "Printed", "Recomputed", "Verdict"])
