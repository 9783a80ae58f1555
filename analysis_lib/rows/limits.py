"""How far 95% limits reach: the one quantile of the normal distribution that intervals are built with, and
the exact limits of a share.
"""

from __future__ import annotations

from scipy import special, stats

Z = float(stats.norm.ppf(0.975))


def exact_share(events: int, n: int) -> tuple[float, float]:
    """The exact 95% limits of a share of ``n`` (Clopper and Pearson 1934), as quantiles of beta
    distributions.
    """
    low = special.betaincinv(events, n - events + 1, 0.025) if events > 0 else 0.0
    high = special.betaincinv(events + 1, n - events, 0.975) if events < n else 1.0
    return float(low), float(high)
