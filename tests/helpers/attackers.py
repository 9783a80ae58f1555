"""Attackers: functions from what is published (result rows; heights of curves) to cells they claim to know
exactly.

A claim is a pair: what (a tuple that names a cell) and its number. An attacker claims only what it holds to
be certain, and knows the code, which is public: bands, formulas, which rows belong together.
"""

import re

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.rows.rounding import significant

K = 5
IN_TABLE_1 = {
    "ldh_elevated": ("ldh_elevated", ["yes"]),
    "cns_disease": ("cns_disease", ["yes"]),
    "extranodal_disease": ("extranodal_disease", ["yes"]),
    "two_or_more_sites": ("two_or_more_sites", ["yes"]),
    "advanced_stage": ("stage", ["iii", "iv"]),
}
REACH = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)


def band(row, column, most=300):
    """The numbers that a shown count may stand for."""
    shown = None if row is None else row[column]
    if shown is None or pd.isna(shown):
        return range(0, K if row is not None and str(row["note"]).startswith("fewer than") else most)
    return range(int(shown) - K // 2, int(shown) + K // 2 + 1)


def indexed(rows):
    return {record["result_id"]: record for record in rows.to_dict("records")}


def standardised_differences(rows) -> dict:
    """Group sizes and cells of the two groups, from standardised differences (two decimals) and detectable
    ratios.
    """
    by_id = indexed(rows)
    differences = {
        name.split(".")[1]: record["value"]
        for name, record in by_id.items()
        if name.startswith("balance.") and name.endswith(".unweighted") and pd.notna(record["value"])
    }
    sizes = [band(by_id.get(f"table1.n.{arm}"), "value") for arm in ("rt", "st")]
    if not differences or max(map(len, sizes)) > K:
        return {}
    # The code is public: with one decimal each difference stands for more.
    half = (
        0.05
        if all(round(float(value), 1) == round(float(value), 6) for value in differences.values())
        else 0.005
    )
    feasible = {}
    for first in sizes[0]:
        for second in sizes[1]:
            if not _detects(by_id.get("design.os2.salvage_regimen.st.detectable"), first, second):
                continue
            found = {
                factor: _cells(value, first, second, half, *_known(by_id, factor))
                for factor, value in differences.items()
            }
            if all(len(cells) for cells in found.values()):
                feasible[first, second] = found
    if not feasible:
        return {}
    claims = {}
    for place, arm in enumerate(("rt", "st")):
        claims |= _certain(("size", arm), [pair[place] for pair in feasible])
        for factor in differences:
            claims |= _certain(
                ("cell", factor, arm), [cell[place] for found in feasible.values() for cell in found[factor]]
            )
    return claims


def _detects(row, first, second):
    if row is None or pd.isna(row["value"]):
        return True
    share = second / (first + second)
    shown = [
        float(np.exp(REACH / np.sqrt(share * (1 - share) * events)))
        for events in band(row, "events")
        if events
    ]
    value = float(row["value"])
    two_digits = float(f"{value:.1e}") == value
    return any((significant(each, 2) if two_digits else round(each, 2)) == round(value, 2) for each in shown)


def _known(by_id, factor):
    """Which numbers of each arm a line of Table 1 leaves possible."""
    if factor not in IN_TABLE_1:
        return None, None
    column, levels = IN_TABLE_1[factor]
    both = []
    for arm in ("rt", "st"):
        parts = [band(by_id.get(f"table1.{column}.{level}.{arm}"), "events") for level in levels]
        low, high = sum(part[0] for part in parts), sum(part[-1] for part in parts)
        both.append(range(low, high + 1))
    return both


def _cells(value, first, second, half, ones=None, others=None):
    a = np.array([x for x in (range(first + 1) if ones is None else ones) if x <= first], dtype=float)[
        :, None
    ]
    b = np.array([x for x in (range(second + 1) if others is None else others) if x <= second], dtype=float)[
        None
    ]
    p, q = a / first, b / second
    with np.errstate(all="ignore"):
        difference = (p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
        near = np.abs(difference - value) <= half + 1e-9
    return [(int(a[i, 0]), int(b[0, j])) for i, j in zip(*np.nonzero(near))]


def _certain(what, numbers):
    return {what: numbers[0]} if len(numbers) and len(set(numbers)) == 1 else {}


def notes(rows) -> dict:
    """Counts and days that notes tell of, and zeros that words tell of."""
    claims = {}
    for name, record in indexed(rows).items():
        said = f"{record['note']}; {record['method']}"
        for pattern, what in (
            (r"only (\d+) events?", "events"),
            (r"(\d+) events? cannot carry", "events"),
            (r"ends on day (\d+)", "last day"),
            (r"(\d+) of \d+ had entered", "entered"),
            (r", (\d+) of 200 samples", "samples"),
        ):
            if found := re.search(pattern, said):
                claims[what, name] = int(found[1])
        if re.search(
            r"nobody|all patients are alike|all patients alike|no site failed|known in everyone|no "
            r"events|there is only one group|"
            r"one patient|fewer than two groups",
            said,
        ):
            claims["none", name] = 0
    return claims


def interval_widths(rows) -> dict:
    """The events of both groups, from the width of a crude hazard ratio's interval: its variance is near 1/d1
    + 1/d2.
    """
    claims = {}
    for name, record in indexed(rows).items():
        if (
            record["statistic"] != "hazard ratio"
            or pd.isna(record["lower"])
            or pd.isna(record["events"])
            or record["lower"] <= 0.02
        ):
            continue
        lower, upper = float(record["lower"]), float(record["upper"])
        reach = 2 * stats.norm.ppf(0.975)
        least, most = (np.log((upper - sign * 0.005) / (lower + sign * 0.005)) / reach for sign in (1, -1))
        fits = [
            d
            for d in band(record, "events")
            for e in range(1, d)
            if least <= np.sqrt(1 / e + 1 / (d - e)) <= most
        ]
        claims |= _certain(("events", name), fits)
    return claims


def rates(rows) -> dict:
    """How many had the event by a month, from a rate in whole percent, taking nobody as lost before."""
    claims = {}
    for name, record in indexed(rows).items():
        if (
            record["statistic"] == "rate"
            and pd.notna(record["value"])
            and re.fullmatch(r"os\d\.rate\d+(\.\w+)*", name)
        ):
            fits = {
                d
                for n in band(record, "n")
                for d in range(n + 1)
                if abs(100 * (1 - d / n) - record["value"]) <= 0.5
            }
            claims |= _certain(("by then", name), sorted(fits))
    return claims


def heights(curve) -> dict:
    """A group's size, from the height of the first step of a coarse curve, which stands for exactly ``k``
    events.
    """
    claims = {}
    for group, of in curve.groupby("group"):
        steps = sorted(set(of["survival"]), reverse=True)
        if len(steps) > 1:
            fits = [
                n
                for n in band({"n": of["at_risk"].iloc[0], "note": ""}, "n")
                if abs(1 - K / n - steps[1]) <= 0.005 + 1e-9
            ]
            claims |= _certain(("size", group), fits)
    return claims


def middles(rows) -> dict:
    """The value of the patient in the middle, from a median of values."""
    return {
        ("middle", name): float(record["value"])
        for name, record in indexed(rows).items()
        if record["statistic"] in ("median", "median months", "range months", "range dose", "range")
        and pd.notna(record["value"])
    }


def inflated(rows) -> dict:
    """The four cells of two factors, from the variance inflation of a model with both: 1 / (1 - phi
    squared).
    """
    by_id, claims = indexed(rows), {}
    found = {
        name.split(".")[1]: record
        for name, record in by_id.items()
        if name.endswith(".vif") and pd.notna(record["value"])
    }
    for name, record in found.items():
        if len(found) != 2:
            continue
        fits = set()
        for n in band(record, "n", 80):
            for a in range(K, n):
                for b in range(K, n - a):
                    c = np.arange(K, n - a - b)
                    d = n - a - b - c
                    ok = d >= K
                    with np.errstate(all="ignore"):
                        phi2 = (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
                        near = ok & (np.abs(1 / (1 - phi2) - record["value"]) <= 0.005)
                    fits |= {(n,) for _ in c[near]}
        claims |= _certain(("size", name), sorted(fits))
    return claims


def two_books(one, other) -> dict:
    """What a patient has whom only the first of two books holds: whatever differs, and which way."""
    before, after, claims = indexed(other), indexed(one), {}
    for name in after.keys() & before.keys():
        if re.fullmatch(r"table1\.(?!bulky|n\.)\w+\.(?!missing)\w+\.all", name):
            if _shown(after[name], "events") != _shown(before[name], "events"):
                claims["has", name.removesuffix(".all")] = 1
        if (
            name.startswith("table1.n.")
            and name != "table1.n.all"
            and _shown(after[name], "value") != _shown(before[name], "value")
        ):
            claims["regimen", name] = 1
        if name.startswith("balance.") and name.endswith("unweighted"):
            if (
                pd.notna(after[name]["value"])
                and pd.notna(before[name]["value"])
                and after[name]["value"] != before[name]["value"]
            ):
                claims["compared", "RT or ST"] = 1
    return claims


def _shown(record, column):
    return str(record[column]), str(record["note"])


def sites_of_one(rows) -> dict:
    """Dose, fractions, BED and regions of the patient who has most of the sites."""
    by_id, claims = indexed(rows), {}
    for what in ("dose", "fractions", "bed"):
        if (record := by_id.get(f"rt.{what}")) is not None and pd.notna(record["value"]):
            claims[what,] = float(record["value"])
    for name, record in by_id.items():
        if name.startswith("rt.region.") and pd.notna(record["value"]):
            claims["region", name] = 1
    return claims
