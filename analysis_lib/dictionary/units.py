"""Units and fixed days: months, Excel's day 0, the name of the index event."""

from __future__ import annotations

import pandas as pd

CAR_T = "CAR T-cell infusion"

DAYS_PER_MONTH = 30.4375  # 365.25 / 12
ISO = "ISO8601"
EXCEL_DAY_0 = pd.Timestamp("1899-12-30")
