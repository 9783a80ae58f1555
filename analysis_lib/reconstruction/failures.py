"""Days of failure and of first response: a small hill-climb, before any salvage time is known."""

from __future__ import annotations

import math

import numpy as np

from .targets import MONTH, interval


def _month_limits(claim: str, column: str = "value") -> tuple[float, float]:
    low, high = interval(claim, column)
    return math.ceil(low * MONTH), high * MONTH - 1e-6


def _order_statistics_of_ci(n: int) -> tuple[int, int]:
    """Which failures are the log-transformed 95% limits of a median when nobody is censored."""
    survival = 1 - np.arange(1, n) / n
    half = 1.959963984540054 * np.sqrt((1 - survival) / (n * survival))
    lower = int(np.argmax(survival * np.exp(-half) <= 0.5))
    upper = int(np.argmax(survival * np.exp(half) <= 0.5))
    return lower, upper


def draw(responder: np.ndarray, rng: np.random.Generator, steps: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """Failure day and day of first response (0 for non-responders) of every patient.

    Duration of response is counted from the first response, as its name says. With the printed quartiles of
    failure (median 3.0 months) and of the duration (lower quartile 3.0 months) that is only possible if some
    responses are seen in the first days: 60 patients fail by day 92, at most 36 of them non-responders, so at
    least 24 responders do; only 21 may have had a response of less than 90 days, so three respond by day 2.

    Parameters
    ----------
    responder
        Whether each patient responded.
    """
    n = len(responder)
    yes = np.flatnonzero(responder)
    failure = np.where(responder, rng.lognormal(math.log(115), 0.6, n), rng.lognormal(math.log(30), 0.3, n))
    failure = np.clip(failure, np.where(responder, 40, 16), np.where(responder, 900, 75)).astype(int)
    usual = np.where(rng.random(n) < 0.85, rng.integers(27, 33, n), rng.integers(55, 95, n))
    response = np.where(responder, np.minimum(usual, failure - 14), 0)
    lower, upper = _order_statistics_of_ci(n)
    wanted = {
        "quartiles": [_month_limits("ttf.iqr", "lower"), _month_limits("ttf.median"), _month_limits("ttf.iqr", "upper")],
        "durations": [_month_limits("res.dor.iqr", "lower"), _month_limits("res.dor.median"),
                      _month_limits("res.dor.iqr", "upper")],
        "limits": [_month_limits("efs1.median.ci", "lower"), _month_limits("efs1.median.ci", "upper")],
    }

    def quartiles(x):
        x = np.sort(x)
        h = (len(x) - 1) * np.array([0.25, 0.5, 0.75])
        k = h.astype(int)
        return x[k] + (h - k) * (x[k + 1] - x[k])

    def loss():
        x = np.sort(failure)
        got = [*quartiles(failure), *quartiles(failure[yes] - response[yes]), x[lower], x[upper], x[n // 2 - 1], x[n // 2]]
        limits = wanted["quartiles"] + wanted["durations"] + wanted["limits"] + [wanted["quartiles"][1]] * 2
        total = sum(max(0, low - v, v - high) / low for v, (low, high) in zip(got, limits))
        early = np.maximum(0, 25 - response[yes])
        return 20 * total + 0.0004 * early.sum()

    now = loss()
    for step in range(steps):
        temperature = 0.3 * (0.001 / 0.3) ** (step / steps)
        i = rng.integers(n)
        before = failure[i], response[i]
        if responder[i] and rng.random() < 0.4:
            new = int(rng.integers(26, 33)) if rng.random() < 0.5 else int(rng.integers(2, 33))
            response[i] = new
        else:
            failure[i] = int(round(failure[i] * math.exp(rng.normal(0, 0.2))))
        if responder[i]:
            fits = failure[i] >= max(40, response[i] + 14) and failure[i] <= 900
        else:
            fits = 16 <= failure[i] <= 75
        if fits:
            then = loss()
            if then <= now - temperature * math.log(rng.random() + 1e-300):
                now = then
                continue
        failure[i], response[i] = before
    return failure, response
