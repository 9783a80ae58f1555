"""The audit as a page: each check with its arithmetic and verdict."""

from __future__ import annotations

import pandas as pd
from IPython.display import HTML, display

from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import notes
from analysis_lib.show.ledger_page import reasoned_line, reasoned_table


def show(checks: pd.DataFrame, caption: str) -> None:
    """Show checks as a table, with the arithmetic under what was checked."""
    require(checks)
    if reason := results.skip_reason(checks):
        return notes.skip(reason)
    lines = [
        reasoned_line(c.what, c.arithmetic, (c.printed, c.recomputed, c.verdict)) for c in checks.itertuples()
    ]
    display(HTML(reasoned_table(lines, caption, ("Check", "Printed", "Recomputed", "Verdict"))))
