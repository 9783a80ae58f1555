"""One result row as text: estimate, limits, counts, shares."""

from __future__ import annotations

import pandas as pd

from analysis_lib.cohort import disclosure
from analysis_lib.rows import results
from analysis_lib.rows.results import STATISTICS
from analysis_lib.rows.rounding import UNDEFINED, number, p_value

NOT_SHOWN = "not shown (small numbers)"
PENALISED = (
    "no finite ratio exists (one of the groups has no event, or all of its events come first), so the "
    "estimate bears Firth's penalty"
)


def estimate(row: pd.Series) -> str:
    """The value of a row with its unit, without limits."""
    kind = STATISTICS[row["statistic"]]
    if pd.isna(row["value"]) and results.hidden(row):
        return (
            results.hidden(row).removeprefix("small numbers, ")
            if row["statistic"] in disclosure.COUNTS
            else NOT_SHOWN
        )
    if row["statistic"] == "p":
        return p_value(row["value"])
    if pd.isna(row["value"]):
        return "not reached" if row["statistic"] == "median time" else UNDEFINED
    decimals = _decimals(row["statistic"], float(row["value"]))
    shown = number(row["value"], decimals)
    return shown + ("%" if kind.unit == "%" else f" {_unit(kind.unit, shown)}" if kind.unit else "")


def bare(row: pd.Series) -> str:
    """The value of a row without its unit, which stands elsewhere."""
    unit = STATISTICS[row["statistic"]].unit
    return estimate(row).removesuffix(f" {unit}").removesuffix(f" {_unit(unit, '1')}")


def _unit(unit: str, number: str) -> str:
    """A unit as it stands after a number: of one there is no plural (``1 percentage point``)."""
    return unit.removesuffix("s") if number.removeprefix("−") == "1" else unit


def _decimals(statistic: str, value: float) -> int:
    """Decimals of a value: none of a whole number, and of an expected number as many as its size bears."""
    kind = STATISTICS[statistic]
    if kind.unit == "" and kind.decimals == 1 and value.is_integer():
        return 0
    if statistic == "expected":
        return 2 if value < 1 else 1 if value < 10 else 0
    return _fitting(kind.decimals, value)


def _fitting(decimals: int, value: float) -> int:
    """As many decimals as mean something: none of a ratio of hundreds."""
    return 0 if decimals == 2 and abs(value) >= 100 else decimals


def limits(row: pd.Series) -> str:
    """The limits of a row, such as ``95% CI 6.3–18.6``; empty when it has none."""
    if pd.isna(row["lower"]) and pd.isna(row["upper"]):
        return ""
    kind = STATISTICS[row["statistic"]]
    n = row.get("n")
    if pd.notna(n) and n == 1 and kind.limits in ("range", "IQR"):  # the one value is its own range
        return ""
    # of a curve that has not fallen yet the variance is 0: that is not to know its height for certain
    if row["statistic"] == "rate" and row["lower"] == row["upper"]:
        return ""
    missing = (
        "not shown"
        if results.hidden(row)
        else "not reached"
        if row["statistic"] == "median time"
        else UNDEFINED
    )
    whole = (
        kind.decimals == 1
        and kind.unit == ""
        and all(float(x).is_integer() for x in row[["lower", "upper"]].dropna())
    )
    ends = [
        missing if pd.isna(end) else number(end, 0 if whole else _fitting(kind.decimals, float(end)))
        for end in row[["lower", "upper"]]
    ]
    dash = "–" if missing not in ends and not ends[0].startswith("−") else " to "  # "−2.7–2.3" would puzzle
    return f"{kind.limits} {ends[0]}{dash}{ends[1]}"


def one_limit(row: pd.Series, which: str) -> str:
    """One limit of a row, ``lower`` or ``upper``, written as its value would be."""
    return estimate(pd.Series({"statistic": row["statistic"], "value": row[which], "note": row["note"]}))


def full(row: pd.Series) -> str:
    """The value of a row with its limits: ``9.8 months (95% CI 6.3–18.6)``."""
    return f"{estimate(row)} ({limits(row)})" if limits(row) else estimate(row)


def compact(row: pd.Series) -> str:
    """The value of a row with its limits and without unit: ``9.8 (6.3–NR)``; what they are stands
    elsewhere.
    """
    value = bare(row).removesuffix("%")
    ends = limits(row).removeprefix(STATISTICS[row["statistic"]].limits).strip()
    short = f"{value} ({ends})" if ends else value
    return (
        short.replace(" to not reached", "–NR").replace("not reached", "NR").replace(NOT_SHOWN, "not shown")
    )


def counted(row: pd.Series, which: str) -> str:
    """The ``n`` or the ``events`` of a row; in words where it is hidden, a dash where there is none."""
    if pd.notna(row[which]):
        return str(row[which])
    words = results.hidden(row)
    return (
        words.removeprefix("small numbers, ")
        if which == "events"
        else words[words.find("fewer") :]
        if words
        else "–"
    )


def share(row: pd.Series) -> str:
    """A proportion with its counts: ``93 of 120 (78%)``, ``fewer than 5 of 122``."""
    if pd.isna(row["events"]):
        return NOT_SHOWN if pd.isna(row["n"]) else f"{counted(row, 'events')} of {row['n']}"
    return f"{row['events']} of {row['n']} ({estimate(row)})" if row["n"] else "–"


def n_percent(row: pd.Series) -> str:
    """A proportion as Table 1 prints it: ``12 (48.0)``, and ``0 (0)``."""
    if pd.isna(row["events"]):
        return counted(row, "events").replace("fewer than", "<") or "–"
    if not row["n"]:
        return "–"
    return f"{row['events']} ({number(row['value'], 1) if row['events'] else 0})"


def printed_p(row: pd.Series) -> str:
    """A P value for a narrow column: ``0.298``, ``< 0.001 †`` when too many expected counts were small."""
    if results.hidden(row):
        shown = "not shown"
    elif pd.isna(row["value"]):
        shown = "–"
    else:
        shown = "< 0.001" if row["value"] < 0.001 else number(row["value"], 3)
    return shown + rough_mark(row)


def rough_mark(row: pd.Series) -> str:
    """A dagger after a P value that rests on too many small expected counts; nothing after others."""
    return " †" if "rough" in (row.get("note") or "") else ""


def rough_told(tests: pd.DataFrame) -> str:
    """What the daggers of :func:`rough_mark` mean, to end a caption; empty where there is none."""
    marked = any(rough_mark(row) for _, row in tests.iterrows())
    return " † Small expected counts: a rough approximation." if marked else ""


def bare_p(row: pd.Series) -> str:
    """A P value for a column that is headed P: ``0.61``, ``< 0.001 †``."""
    shown = estimate(row).removeprefix("P ").removeprefix("= ").replace(NOT_SHOWN, "not shown")
    return shown + rough_mark(row)


def median_and_counts(row: pd.Series) -> str:
    median = estimate(row).removesuffix(" months").replace(NOT_SHOWN, "not shown")
    return f"{median} ({counted(row, 'events')} / {counted(row, 'n')})".replace("fewer than", "<")


def median_and_quartiles(row: pd.Series) -> str:
    """The median of a measured factor as Table 1 prints it: ``61 (54–68)``."""
    if pd.isna(row["value"]):
        return "not shown" if results.hidden(row) else "–"
    return f"{estimate(row)} ({limits(row).removeprefix('IQR ')})" if limits(row) else estimate(row)


def ratio_cell(row: pd.Series) -> str:
    if not limits(row):
        return "not shown" if results.hidden(row) else UNDEFINED
    return f"{estimate(row)} ({limits(row).removeprefix('95% CI ')}){mark(row)}"


def mark(row: pd.Series) -> str:
    """A dagger after an estimate that bears Firth's penalty; nothing after others."""
    return " †" if "Firth" in row["method"] else ""


def whole(row: pd.Series) -> str:
    """The value of a row with its limits, and its dagger if it bears one."""
    return full(row) + mark(row)


def marks_told(rows: pd.DataFrame) -> str:
    """What the daggers of :func:`mark` mean, to end a caption; empty where there is none."""
    notes = dict.fromkeys(
        row["note"] if "Firth" in row["note"] else PENALISED
        for _, row in rows.iterrows()
        if row["statistic"] == "hazard ratio" and mark(row)
    )
    return f" † {'; '.join(notes)}." if notes else ""
