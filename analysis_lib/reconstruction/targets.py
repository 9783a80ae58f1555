"""The paper's printed claims as intervals of values that would print the same: what the cohort must meet."""

from __future__ import annotations

from analysis_lib.paper.claims import BOUND, ends_of, parts, printed_text

PARTS = {"value": 0, "lower": 0, "upper": -1}


def printed(claim: str, part: str = "value") -> str:
    """A printed value, or the lower or upper one of a pair, as text."""
    return parts(printed_text(claim))[PARTS[part]]


def interval(claim: str, part: str = "value") -> tuple[float, float]:
    """Half-open interval of the numbers that print as the claim (rounding half up)."""
    return ends_of(printed(claim, part))


def p_interval(claim: str) -> tuple[float, float]:
    """Interval of the P values that print as the claim; ``<0.001`` is everything below, ``P>0.05`` above."""
    if bound := BOUND.fullmatch(printed(claim)):
        edge = float(bound[2])
        return (0.0, edge) if bound[1] == "<" else (edge + 1e-9, 1.0 + 1e-9)
    return interval(claim)
