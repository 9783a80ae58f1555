"""The printed claims of a paper as intervals of values that would print the same: what a cohort must meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from analysis_lib.paper.claims import BOUND, ends_of, parts, read_claims

PARTS = {"value": 0, "lower": 0, "upper": -1}


@dataclass(frozen=True)
class Paper:
    """What a paper prints, as text by claim: the study's own, or one printed about a simulated cohort."""

    printed: Mapping[str, str]

    def text(self, claim: str, part: str = "value") -> str:
        """A printed value, or the lower or upper one of a pair."""
        ends = self.printed[claim].split("–")
        return parts(ends[PARTS[part]])[0]

    def count(self, claim: str) -> int:
        """The number of a claim that counts."""
        return int(self.printed[claim])

    def interval(self, claim: str, part: str = "value") -> tuple[float, float]:
        """Half-open interval of the numbers that print as the claim (rounding half up)."""
        return ends_of(self.text(claim, part))

    def p_interval(self, claim: str) -> tuple[float, float]:
        """Interval of the P values that print as the claim; ``<0.001`` is everything below, ``P>0.05``
        above.
        """
        if bound := BOUND.fullmatch(self.text(claim)):
            edge = float(bound[2])
            return (0.0, edge) if bound[1] == "<" else (edge + 1e-9, 1.0 + 1e-9)
        return self.interval(claim)


@cache
def the_paper() -> Paper:
    """The study's paper."""
    return Paper(dict(read_claims()[["claim_id", "printed"]].itertuples(index=False)))
