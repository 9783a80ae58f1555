"""Numbers as a page prints them: rounded half up, P values in the journal's form."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

UNDEFINED = "not estimable"


def number(value: float, decimals: int) -> str:
    """Round half up, as journals do (2.25 gives 2.3)."""
    quantum = Decimal(1).scaleb(-decimals)
    return str(Decimal(repr(float(value))).quantize(quantum, ROUND_HALF_UP)).replace("-", "−")


def p_value(p: float | None) -> str:
    """``P = 0.61``, ``P = 0.004``, ``P < 0.001``."""
    if p is None or pd.isna(p):
        return f"P {UNDEFINED}"
    if p < 0.001:
        return "P < 0.001"
    return f"P = {number(p, 3 if p < 0.0995 else 2)}"
