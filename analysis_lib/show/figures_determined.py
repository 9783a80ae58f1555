"""The specification curve: every analysis, every cohort, in one picture."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.consistent.specifications import CHOICES
from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import require
from analysis_lib.show import notes
from analysis_lib.show.canvas import PALETTE, canvas, show
from analysis_lib.show.seen import if_seen

WORDS = {"endpoint": "Endpoint", "cmt": "CMT", "adjusted": "Adjusted", "landmark": "Landmark"}


@if_seen
def specification_curve(curve: pd.DataFrame, axis: str, caption: str) -> None:
    """Show each specification as a column: above, its hazard ratio over all cohorts (thick) and its
    confidence interval in the middle cohort (thin); below, by marks, what was chosen.

    ``curve`` comes from :func:`analysis_lib.consistent.specifications.curve`.
    """
    require(curve)
    if reason := results.skip_reason(curve):
        return notes.skip(reason)
    choices = [(name, level) for name, levels in CHOICES.items() for level in levels]
    figure, (above, below) = canvas(2.1 + 0.22 * len(choices), nrows=2, sharex=True, height_ratios=[3, 3.2])
    places = np.arange(len(curve))
    above.vlines(places, curve["lower"], curve["upper"], color="0.72", linewidth=1.4)
    above.vlines(places, curve["lowest"], curve["highest"], color=PALETTE[0], linewidth=3.2)
    above.plot(places, curve["middle"], "o", color="black", markersize=2.6)
    above.axhline(1, color="0.35", linewidth=1, linestyle=":")
    above.set(yscale="log", ylabel=axis, yticks=[0.25, 0.5, 1, 2])
    above.set_yticklabels(["0.25", "0.5", "1", "2"])
    above.minorticks_off()
    for line, (name, level) in enumerate(choices):
        chosen = places[(curve[name] == level).to_numpy()]
        below.plot(
            chosen, np.full(len(chosen), -line), "|", color=PALETTE[0], markersize=7, markeredgewidth=2
        )
    below.set(
        yticks=-np.arange(len(choices)),
        yticklabels=[f"{WORDS[name]}: {level}" for name, level in choices],
        xlabel="Analyses, sorted by their\nhazard ratio",
        xticks=[],
    )
    below.tick_params(axis="y", length=0)
    below.spines["left"].set_visible(False)
    first, last = curve.iloc[0], curve.iloc[-1]
    ends = [
        f"{rounding.number(one['middle'], 2)} ({', '.join(f'{WORDS[c]}: {one[c]}' for c in CHOICES)})"
        for one in (first, last)
    ]
    show(
        figure,
        alt=f"Specification curve of {len(curve)} analyses. Their middle hazard ratios go from {ends[0]} to "
        f"{ends[1]}; below, marks show what each chose.",
        caption=notes.captioned(
            caption, "Cox models, Efron ties; thick: range over all cohorts; thin: 95% interval."
        ),
    )
