"""Days of failure and of first response: a small hill-climb, before any salvage time is known."""

from __future__ import annotations

import math

import numpy as np

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows.limits import Z

from .targets import Paper

USUAL = [28, 29, 30, 30, 30, 31, 31, 32, 33]  # day of the first assessment


def _month_limits(paper: Paper, claim: str, column: str = "value") -> tuple[float, float]:
    low, high = paper.interval(claim, column)
    return math.ceil(low * DAYS_PER_MONTH), high * DAYS_PER_MONTH - 1e-6


def _order_statistics_of_ci(n: int) -> tuple[int, int]:
    """Which failures are the log-transformed 95% limits of a median when nobody is censored."""
    survival = 1 - np.arange(1, n) / n
    half = Z * np.sqrt((1 - survival) / (n * survival))
    lower = int(np.argmax(survival * np.exp(-half) <= 0.5))
    upper = int(np.argmax(survival * np.exp(half) <= 0.5))
    return lower, upper


def draw(
    responder: np.ndarray, paper: Paper, rng: np.random.Generator, steps: int = 60_000
) -> tuple[np.ndarray, np.ndarray]:
    """Failure day and day of first response (0 for non-responders) of every patient.

    Duration of response is counted from infusion. Counted from the first response it would take patients who
    were assessed in the first days: 60 of the 120 fail by day 92, at most 36 of them non-responders, so at
    least 24 responders do; the lower quartile of the duration, 3.0 months, leaves room for 21.

    Parameters
    ----------
    responder
        Whether each patient responded.
    paper
        Whose quartiles and limits are to be met.
    """
    n = len(responder)
    yes = np.flatnonzero(responder)
    response = np.where(responder, rng.choice(USUAL, n), 0)
    middle = _month_limits(paper, "ttf.median")[0]
    usual = np.where(responder, rng.exponential(1.2 * middle, n) + 45, rng.lognormal(math.log(36), 0.3, n))
    least, most = np.where(responder, 40, 14), np.where(responder, 1000, 150)
    failure = np.clip(usual, least, most).astype(int)
    lower, upper = _order_statistics_of_ci(n)
    limits = [
        _month_limits(paper, claim, part)
        for claim in ("ttf", "res.dor")
        for claim, part in (
            (f"{claim}.iqr", "lower"),
            (f"{claim}.median", "value"),
            (f"{claim}.iqr", "upper"),
        )
    ]
    limits += [_month_limits(paper, "efs1.median.ci", part) for part in ("lower", "upper")]
    limits += [_month_limits(paper, "ttf.median")] * 2

    def quartiles(x: np.ndarray) -> list[float]:
        h = (len(x) - 1) * np.array([0.25, 0.5, 0.75])
        k = h.astype(int)
        return list(x[k] + (h - k) * (x[k + 1] - x[k]))

    def loss() -> float:
        x, lasting = np.sort(failure), np.sort(failure[yes])
        got = [*quartiles(x), *quartiles(lasting), x[lower], x[upper], x[n // 2 - 1], x[n // 2]]
        total = sum(max(0, low - v, v - high) / low for v, (low, high) in zip(got, limits))
        return 20 * total + 0.003 * (failure < 21).sum()

    now = loss()
    for step in range(steps):
        temperature = 0.1 * (0.001 / 0.1) ** (step / steps)
        i = rng.integers(n)
        before = failure[i]
        failure[i] = np.clip(round(before * math.exp(rng.normal(0, 0.2))), least[i], most[i])
        then = loss()
        if then <= now - temperature * math.log(rng.random() + 1e-300):
            now = then
            if now < 0.02 and step > steps // 4:
                break
        else:
            failure[i] = before
    return failure, response
