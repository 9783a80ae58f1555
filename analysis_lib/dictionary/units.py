"""Units and fixed days: months, Excel's day 0, the name of the index event."""

from __future__ import annotations

import pandas as pd

CAR_T = "CAR T-cell infusion"

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12  # 30.4375
# how a file may count its durations
DAYS_PER_UNIT = {"days": 1, "weeks": 7, "months": DAYS_PER_MONTH, "years": DAYS_PER_YEAR}
ISO = "ISO8601"
EXCEL_DAY_0 = pd.Timestamp("1899-12-30")
