"""Days of failure and of first response: a small hill-climb, before any salvage time is known."""

from __future__ import annotations

import math

import numpy as np

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows.limits import Z

from .targets import interval

USUAL = [28, 29, 30, 30, 30, 31, 31, 32, 33]  # day of the first assessment


def _month_limits(claim: str, column: str = "value") -> tuple[float, float]:
    low, high = interval(claim, column)
    return math.ceil(low * DAYS_PER_MONTH), high * DAYS_PER_MONTH - 1e-6


def _order_statistics_of_ci(n: int) -> tuple[int, int]:
    """Which failures are the log-transformed 95% limits of a median when nobody is censored."""
    survival = 1 - np.arange(1, n) / n
    half = Z * np.sqrt((1 - survival) / (n * survival))
    lower = int(np.argmax(survival * np.exp(-half) <= 0.5))
    upper = int(np.argmax(survival * np.exp(half) <= 0.5))
    return lower, upper


def draw(
    responder: np.ndarray, rng: np.random.Generator, steps: int = 60_000
) -> tuple[np.ndarray, np.ndarray]:
    """Failure day and day of first response (0 for non-responders) of every patient.

    Duration of response is counted from the first response, as its name says. With the printed quartiles of
    failure (median 3.0 months) and of the duration (lower quartile 3.0 months) that is only possible if some
    responses are seen in the first days: 60 patients fail by day 92, at most 36 of them non-responders, so at
    least 24 responders do; only 21 may have had a response of less than 90 days, so three respond by day 2.
    By day 98 (upper limit of EFS1) it is 72 patients, and 15 responses by day 8. Counted from infusion it
    would fit without any of that. Here 16 responses, four of them on day 2, are so early, and no more.

    Parameters
    ----------
    responder
        Whether each patient responded.

    Long because its search and the loss that it asks at every step share the two arrays that change.
    """
    n = len(responder)
    yes = rng.permutation(np.flatnonzero(responder))
    failure = np.clip(rng.lognormal(math.log(34), 0.2, n), 26, 75).astype(int)
    response = np.zeros(n, int)
    early, short, long = yes[:16], yes[16:36], yes[36:]
    failure[early] = [92] * 4 + [93] + list(rng.integers(93, 98, 10)) + [98]
    response[early] = failure[early] - 90
    failure[short] = rng.integers(45, 92, len(short))
    failure[long] = np.clip(120 + rng.exponential(120, len(long)), 120, 900)
    response[yes[16:]] = rng.choice(USUAL, len(yes) - 16)
    least, most = np.full(n, 18), np.full(n, 75)
    least[short], most[short], least[long], most[long] = 45, 91, 120, 900
    lower, upper = _order_statistics_of_ci(n)
    wanted = {
        "quartiles": [
            _month_limits("ttf.iqr", "lower"),
            _month_limits("ttf.median"),
            _month_limits("ttf.iqr", "upper"),
        ],
        "durations": [
            _month_limits("res.dor.iqr", "lower"),
            _month_limits("res.dor.median"),
            _month_limits("res.dor.iqr", "upper"),
        ],
        "limits": [_month_limits("efs1.median.ci", "lower"), _month_limits("efs1.median.ci", "upper")],
    }

    def quartiles(x: np.ndarray) -> np.ndarray:
        x = np.sort(x)
        h = (len(x) - 1) * np.array([0.25, 0.5, 0.75])
        k = h.astype(int)
        return x[k] + (h - k) * (x[k + 1] - x[k])

    def loss() -> float:
        x = np.sort(failure)
        got = [
            *quartiles(failure),
            *quartiles(failure[yes] - response[yes]),
            x[lower],
            x[upper],
            x[n // 2 - 1],
            x[n // 2],
        ]
        limits = wanted["quartiles"] + wanted["durations"] + wanted["limits"] + [wanted["quartiles"][1]] * 2
        total = sum(max(0, low - v, v - high) / low for v, (low, high) in zip(got, limits))
        unusual = (failure < 28).sum()
        return 20 * total + 0.003 * unusual

    now = loss()
    movable = np.setdiff1d(np.arange(n), early)
    for step in range(steps):
        temperature = 0.1 * (0.001 / 0.1) ** (step / steps)
        i = rng.choice(movable)
        before = failure[i], response[i]
        if responder[i] and rng.random() < 0.3:
            response[i] = rng.choice(USUAL)
        else:
            failure[i] = np.clip(round(failure[i] * math.exp(rng.normal(0, 0.2))), least[i], most[i])
        then = loss()
        if then <= now - temperature * math.log(rng.random() + 1e-300):
            now = then
        else:
            failure[i], response[i] = before
    return failure, response
