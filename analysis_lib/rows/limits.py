"""How far 95% limits reach: the one quantile of the normal distribution that intervals are built with."""

from __future__ import annotations

from scipy import stats

Z = float(stats.norm.ppf(0.975))
