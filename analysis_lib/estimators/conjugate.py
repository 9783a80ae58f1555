"""What somebody believes of a hazard ratio before and after a study: normal distributions of its logarithm.

A belief and a study's estimate, both normal on the logarithm of the ratio, give a normal belief again: means
are weighed by precision (Spiegelhalter, Freedman and Parmar 1994). Nothing is sampled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from analysis_lib.estimators.observed import NotEstimable
from analysis_lib.rows.limits import Z

DOUBT = 0.05  # a sceptic's belief in more than the benefit; an enthusiast's belief in harm


class Belief(NamedTuple):
    """A normal distribution of the logarithm of a hazard ratio."""

    mean: float
    sd: float


def of_interval(value: float, lower: float, upper: float) -> Belief:
    """An estimate and its 95% interval as the normal likelihood that they stand for.

    Raises
    ------
    NotEstimable
        If they are not positive, finite and in order.
    """
    if not (0 < lower <= value <= upper < np.inf and lower < upper):
        raise NotEstimable("there is no hazard ratio with an interval, which a belief could be weighed with")
    return Belief(float(np.log(value)), float(np.log(upper / lower) / (2 * Z)))


def sceptical(benefit: float) -> Belief:
    """Centred on no effect, with a chance of :data:`DOUBT` that the ratio is below ``benefit``."""
    return Belief(0.0, _spread(benefit))


def enthusiastic(benefit: float) -> Belief:
    """Centred on ``benefit``, with a chance of :data:`DOUBT` that the ratio is above 1."""
    return Belief(float(np.log(benefit)), _spread(benefit))


def _spread(benefit: float) -> float:
    if not 0 < benefit < 1:
        raise NotEstimable(f"a hazard ratio of {benefit:g} is no benefit, which lies between 0 and 1")
    return float(np.log(benefit) / stats.norm.ppf(DOUBT))


def updated(prior: Belief, likelihood: Belief) -> Belief:
    """The belief after the study: means weighed by their precision."""
    precision = np.array([prior.sd, likelihood.sd]) ** -2.0
    mean = np.average([prior.mean, likelihood.mean], weights=precision)
    return Belief(float(mean), float(precision.sum() ** -0.5))


def chance_below(belief: Belief, ratio: float) -> float:
    """The chance that the hazard ratio is below ``ratio``."""
    return float(stats.norm.cdf(np.log(ratio), belief.mean, belief.sd))


def limits(belief: Belief) -> tuple[float, float, float]:
    """The middle of a belief and the ends of its central 95%, as hazard ratios."""
    middle, low, high = np.exp(belief.mean + Z * belief.sd * np.array([0, -1, 1]))
    return float(middle), float(low), float(high)


def unmoved(likelihood: Belief) -> Belief | None:
    """The sceptic, centred on no effect, whose 95% just reach 1 after the study (Matthews 2001).

    Whoever holds a narrower belief stays unmoved. ``None`` where the study's own interval holds 1: then even
    somebody who believed nothing beforehand is.
    """
    if abs(likelihood.mean) <= Z * likelihood.sd:
        return None
    ratio = (likelihood.mean / (Z * likelihood.sd)) ** 2
    return Belief(0.0, float(likelihood.sd / np.sqrt(ratio - 1)))


def as_deaths(belief: Belief) -> float:
    """The deaths of an imaginary trial with two equal groups that would tell as much: 4 over the variance."""
    return 4 / belief.sd**2
