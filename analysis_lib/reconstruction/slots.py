"""The quantities that the paper prints, each with its corridor and weight."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numba import njit
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.reconstruction.state import EFS2_FACTORS, OS2_FACTORS
from analysis_lib.reconstruction.statistics import NOT_REACHED
from analysis_lib.rows.limits import Z

from .targets import Paper

MARGIN = 1e-3  # keep clear of the edges of a rounding interval


def slot(paper: Paper, claim: str, kind: str, column: str = "value") -> tuple[float, float, float]:
    """Interval of a claim on the annealer's scale, and the weight of a unit distance from it."""
    if kind == "z":  # chi-square with one degree of freedom, as |z|
        low, high = paper.p_interval(claim)
        return stats.norm.isf(min(high, 1) / 2) + MARGIN, stats.norm.isf(max(low, 1e-9) / 2) - MARGIN, 2.0
    if kind.startswith("chi"):  # more degrees of freedom, on the square-root scale
        low, high = paper.p_interval(claim)
        df = int(kind[3:])
        return math.sqrt(stats.chi2.isf(high, df)) + MARGIN, math.sqrt(stats.chi2.isf(low, df)) - MARGIN, 2.0
    if paper.text(claim, column) == "NR":
        return NOT_REACHED - 0.05, math.inf, 6.0
    low, high = paper.interval(claim, column)
    if kind == "rate":
        return low / 100 + 1e-6, high / 100 - 1e-6, 40.0
    if kind == "hr":
        return math.log(low) + 1e-5, math.log(high) - 1e-5, 16.0
    least, most = math.ceil(low * DAYS_PER_MONTH), high * DAYS_PER_MONTH  # printed in months
    return math.log(least) - 1e-9, math.log(most) - 1e-9, 6.0


def standard_error(paper: Paper, claim: str) -> tuple[float, float, float]:
    """The standard errors of a log hazard ratio that its printed value and limits leave together, as a slot.

    Each of the three leaves more room. Without this one the walk comes to rest where two of them are met, the
    third is nearly, and the standard error is out of reach (it hangs on how many died in which group).
    """
    ratio, lower, upper = (
        np.log(paper.interval(f"{claim}.{kind}", part))
        for kind, part in (("hr", "value"), ("ci", "lower"), ("ci", "upper"))
    )
    least, most = max(ratio[0], (lower[0] + upper[0]) / 2), min(ratio[1], (lower[1] + upper[1]) / 2)
    narrow, wide = np.clip([(upper[0] + lower[1]) / 2, (upper[1] + lower[0]) / 2], least, most)
    low = max(upper[0] - narrow, narrow - lower[1]) / Z
    high = min(upper[1] - wide, wide - lower[0]) / Z
    return low, high, 60.0


def slots(paper: Paper) -> tuple[list[np.ndarray], list[list[str]]]:
    """Slots of the five blocks, in the order in which :func:`analysis_lib.reconstruction.statistics.block`
    writes them, and their claims.

    Long because it is a list: one printed statistic after the other, in the order of the blocks.
    """
    blocks: list[list[tuple]] = [[] for _ in range(5)]
    names: list[list[str]] = [[] for _ in range(5)]

    def _slot(claim: str, kind: str, column: str = "value") -> tuple[float, float, float]:
        return slot(paper, claim, kind, column)

    def _both(claim: str) -> list[tuple]:  # a median, by R's rule for flat stretches and by their left end
        return [_slot(claim, "months")] * 2

    def put(block: int, claim: str, values: tuple | list[tuple]) -> None:
        for value in values if isinstance(values, list) else [values]:
            blocks[block].append(value)
            names[block].append(claim)

    def curve(block: int, name: str, rates: bool) -> None:
        put(block, f"{name}.median", _both(f"{name}.median"))
        for column in ("lower", "upper"):
            put(block, f"{name}.median.ci", _slot(f"{name}.median.ci", "months", column))
        for month in (12, 24) if rates else ():
            put(block, f"{name}.{month}m", _slot(f"{name}.{month}m", "rate"))

    def cox(block: int, name: str, factors: Iterable[str]) -> None:
        for factor in factors:
            put(block, f"mv.{name}.{factor}.hr", _slot(f"mv.{name}.{factor}.hr", "hr"))
            for column in ("lower", "upper"):
                put(block, f"mv.{name}.{factor}.ci", _slot(f"mv.{name}.{factor}.ci", "hr", column))
            put(block, f"mv.{name}.{factor}.p", _slot(f"mv.{name}.{factor}.p", "z"))
            put(block, f"mv.{name}.{factor}.hr", standard_error(paper, f"mv.{name}.{factor}"))

    curve(0, "os2", True)
    for group in ("rt", "cmt", "st", "st_rt", "rt_st"):
        put(0, f"os2.grp5.{group}.median", _both(f"os2.grp5.{group}.median"))
    put(0, "os2.grp5.p", _slot("os2.grp5.p", "chi4"))
    for block, name, factors, quiet in (
        (0, "os2", OS2_FACTORS, "extranodal"),
        (1, "efs2", EFS2_FACTORS, "bulky"),
    ):
        if block == 1:
            curve(1, "efs2", False)
            for group in ("rt", "cmt", "st"):
                put(1, f"efs2.grp3.{group}.median", _both(f"efs2.grp3.{group}.median"))
            put(1, "efs2.grp3.p", _slot("efs2.grp3.p", "chi2"))
        for _, factor in factors:
            for side in ("yes", "no"):
                claim = f"uv.{name}.{factor}.{side}.median"
                put(block, claim, _both(claim))
            put(block, f"uv.{name}.{factor}.p", _slot(f"uv.{name}.{factor}.p", "z"))
        put(block, f"uv.{name}.{quiet}.ns", _slot(f"uv.{name}.{quiet}.ns", "z"))
        cox(block, name, ("stage", "ldh"))
    curve(2, "os1", True)
    for side in ("resp", "nonresp"):
        put(2, f"uv.os1.{side}.median", _both(f"uv.os1.{side}.median"))
    for claim in ("uv.os1.resp.p", "uv.os1.bridging.ns", "uv.os1.product.ns"):
        put(2, claim, _slot(claim, "z"))
    cox(2, "os1", ("resp",))
    for first, second, test in (
        ("cf.os.comp", "cf.os.focal", "cf.os.p"),
        ("cf.bed.high.os", "cf.bed.low.os", "cf.bed.os.p"),
    ):
        put(3, first + ".median", _both(first + ".median"))
        put(3, second + ".median", _both(second + ".median"))
        put(3, test, _slot(test, "z"))
    put(3, "cf.comp.1v2sites.p", _slot("cf.comp.1v2sites.p", "z"))
    put(3, "cf.comp_limited.add.p", _slot("cf.comp_limited.add.p", "z"))
    for name in ("tts", "fu1", "fu2", "rt.start"):
        put(4, f"{name}.iqr", _slot(f"{name}.iqr", "months", "lower"))
        put(4, f"{name}.median", _slot(f"{name}.median", "months"))
        put(4, f"{name}.iqr", _slot(f"{name}.iqr", "months", "upper"))
    return [np.array(block) for block in blocks], names


@njit(cache=True, error_model="numpy")
def distance_to(out: np.ndarray, slot: np.ndarray) -> float:
    total = 0.0
    for k in range(len(slot)):
        x = out[k]
        if x < slot[k, 0]:
            total += slot[k, 2] * (slot[k, 0] - x) + 0.02
        elif x > slot[k, 1]:
            total += slot[k, 2] * (x - slot[k, 1]) + 0.02
    return total
