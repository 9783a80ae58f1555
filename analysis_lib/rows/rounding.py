"""Numbers as a page prints them: rounded half up, P values in the journal's form."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

UNDEFINED = "not estimable"


# Digits of a calculated number that mean something: 23 of 40 in percent is stored as 57.49999999999999.
DIGITS = 12


def half_up(value: float, decimals: int) -> float:
    """Round half up, as journals do: 2.25 gives 2.3, and 57.49999999999999, which is 57.5, gives 58."""
    return float(_rounded(value, decimals)) if math.isfinite(value) else value


def significant(value: float, digits: int) -> float:
    """Round half up to so many digits that mean something: with two, 0.1249 gives 0.12 and 1.25 gives 1.3."""
    meant = Decimal(f"{float(value):.{DIGITS}g}")
    return float(meant.quantize(Decimal(1).scaleb(meant.adjusted() + 1 - digits), ROUND_HALF_UP))


def number(value: float, decimals: int) -> str:
    """A number as it is printed, rounded half up (:func:`half_up`); nothing has no sign."""
    rounded = _rounded(value, decimals)
    return str(rounded if rounded else abs(rounded)).replace("-", "−")


def _rounded(value: float, decimals: int) -> Decimal:
    meant = Decimal(f"{float(value):.{DIGITS}g}")
    return meant.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def p_value(p: float | None) -> str:
    """``P = 0.61``, ``P = 0.004``, ``P < 0.001``."""
    if p is None or pd.isna(p):
        return f"P {UNDEFINED}"
    if p < 0.001:
        return "P < 0.001"
    return f"P = {number(p, 3 if p < 0.0995 else 2)}"
