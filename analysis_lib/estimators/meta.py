"""Random-effects pooling of shares on the logit scale, with an interval for the variance between series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit
from statsmodels.stats.meta_analysis import combine_effects

from analysis_lib.rows.results import row, slug


@dataclass(frozen=True)
class Scale:
    """A scale on which estimates are pooled: its name, and the way back to what the result rows hold."""

    name: str
    back: Callable


LOGIT = Scale("logit", lambda x: 100 * expit(x))


def combine(
    effect: ArrayLike,
    variance: ArrayLike,
    prefix: str,
    statistic: str,
    scale: Scale,
    name: str,
    members: str,
    hartung_knapp: bool = False,
    **labels: Any,
) -> list[dict]:
    """Inverse-variance pooling of effects on a scale, by fixed and by random effects, with their
    heterogeneity.

    Parameters
    ----------
    effect, variance : array-like
        One a member, at least two; on the scale.
    prefix, statistic : str
        First part of the ids, and what ``effect`` is once it is back from the scale.
    scale : Scale
    name, members : str
        What the effects are and what they come from, for notes: ``share``, ``series``.
    hartung_knapp : bool
        From three members on, take the interval of the random-effects estimate from the t distribution
        (Hartung and Knapp 2001, never narrower than the normal one's standard error allows), and add a
        prediction interval (Higgins, Thompson and Spiegelhalter 2009).
    **labels
        ``n``, ``events``, ``population`` of the rows.

    Returns
    -------
    list of dict
        Result rows ``<prefix>.fixed``, ``.random``, ``.heterogeneity`` (P value of Cochran's Q), ``.i2``
        (percent), ``.tau2`` (variance between members, on the scale), and, with a prediction interval,
        ``.prediction`` (limits only).
    """
    effect, variance = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    with np.errstate(divide="ignore"):  # statsmodels divides by Q, which is 0 when all members agree
        fit = combine_effects(effect, variance, method_re="pm", tau2_start=_just_below_tau2(effect, variance))
    by_t = hartung_knapp and len(effect) > 2
    # With Paule and Mandel's tau2, Hartung and Knapp's factor is 1 unless tau2 is 0; it is then below 1 and
    # not applied.
    intervals = {"fixed": fit.conf_int(use_t=False)[0], "random": fit.conf_int(use_t=by_t)[1]}
    kinds = {"fixed": f"one common {name}", "random": f"{name}s that vary"}
    rows = []
    for kind, estimate in (("fixed", fit.mean_effect_fe), ("random", fit.mean_effect_re)):
        ends = sorted(scale.back(intervals[kind]))
        rows.append(
            row(
                slug(prefix, kind),
                statistic,
                scale.back(estimate),
                lower=ends[0],
                upper=ends[1],
                group=f"Pooled, {kind} effects",
                note=f"{len(effect)} {members}; {kinds[kind]}",
                method=f"{scale.name}, inverse variance, {kind} effects"
                + (", Hartung-Knapp interval" if by_t and kind == "random" else ""),
                **labels,
            )
        )
    rows += _heterogeneity(fit, prefix, scale, labels)
    if by_t:
        rows.append(_prediction(fit, prefix, statistic, scale, len(effect) - 2, labels))
    return rows


def _heterogeneity(fit: Any, prefix: str, scale: Scale, labels: dict) -> list[dict]:
    """How much the members differ: Cochran's Q, I squared, and the variance between them."""
    test = fit.test_homogeneity()
    beyond_chance = max(0.0, (test.statistic - test.df) / test.statistic) if test.statistic > 0 else 0.0
    return [
        row(
            slug(prefix, "heterogeneity"),
            "p",
            test.pvalue,
            method="Cochran's Q",
            note=f"Q {test.statistic:.2f}, {test.df} df",
            **labels,
        ),
        row(slug(prefix, "i2"), "heterogeneity", 100 * beyond_chance, method="(Q − df) / Q", **labels),
        row(
            slug(prefix, "tau2"),
            "estimate",
            max(0.0, fit.tau2),
            method=f"Paule and Mandel, {scale.name} scale",
            **labels,
        ),
    ]


def _prediction(fit: Any, prefix: str, statistic: str, scale: Scale, df: int, labels: dict) -> dict:
    """Where the true value of a new member is expected (Higgins, Thompson and Spiegelhalter 2009)."""
    reach = stats.t.isf(0.025, df) * np.sqrt(max(0.0, fit.tau2) + fit.sd_eff_w_re**2)
    ends = sorted(scale.back(fit.mean_effect_re + np.array([-reach, reach])))
    return row(
        slug(prefix, "prediction"),
        statistic,
        None,
        lower=ends[0],
        upper=ends[1],
        group="Prediction interval",
        method=f"t distribution, {df} df",
        note="where a new member's true value is expected",
        **labels,
    )


def _just_below_tau2(effect: np.ndarray, variance: np.ndarray) -> float:
    """Where statsmodels may start to look for Paule and Mandel's variance between members: a hair below it.

    By itself its iteration answers 0 when rounding carries a step past the solution, be it by 1e-16.
    """

    def excess(tau2: float) -> float:
        weight = 1 / (variance + tau2)
        return weight @ (effect - np.average(effect, weights=weight)) ** 2 - (len(effect) - 1)

    highest = np.var(effect, ddof=1)  # the answer if the members' own variances were 0
    return 0.0 if excess(0.0) <= 0 else brentq(excess, 0.0, highest, xtol=1e-15) * (1 - 1e-10)


def logit(events: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Logit of each proportion and its variance; half an event and half a non-event are added where one is
    0.
    """
    had, n = np.asarray(events, dtype=float), np.asarray(n, dtype=float)
    extreme = (had == 0) | (had == n)
    had, others = had + 0.5 * extreme, n + 1.0 * extreme - (had + 0.5 * extreme)
    return np.log(had / others), 1 / had + 1 / others
