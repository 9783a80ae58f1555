"""Do the printed medians, intervals and hazard ratios agree with each other and with the counts?

Long because each check stands with its arithmetic in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.paper.audit.printed import about, check
from analysis_lib.paper.claims import (
    ends_of,
    parts,
    printed_count,
    printed_number,
    printed_text,
    read_abstract,
    read_claims,
)
from analysis_lib.rows import results
from analysis_lib.rows.limits import Z
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row
from analysis_lib.rows.rounding import number

RATIOS = ("mv.os1.resp", "mv.os2.stage", "mv.os2.ldh", "mv.efs2.stage", "mv.efs2.ldh")


@published
def wald_rows(claim: str) -> pd.DataFrame:
    """Result rows ``wald.least, wald.most`` (P values) and ``wald.fits`` (share of the unrounded limits) of a
    printed ratio.
    """
    least, most, share = wald_range(claim)
    method = "Wald test from the printed ratio and interval"
    return results.collect(
        [
            row("wald.least", "p", least, method=method),
            row("wald.most", "p", most, method=method),
            row("wald.fits", "proportion", 100 * share, method="grid over the rounding box of the limits"),
        ]
    )


# --- response -------------------------------------------------------------------------------------


def responses() -> list[tuple]:
    """The share of complete responses, and duration of response against time to failure."""
    cr, orr, n = printed_count("res.cr.n"), printed_count("res.orr.n"), printed_count("res.n")
    q1, median, q3 = (
        float(part)
        for part in (
            parts(printed_text("res.dor.iqr"))[0],
            printed_text("res.dor.median"),
            parts(printed_text("res.dor.iqr"))[1],
        )
    )
    others = n - orr
    below = {q1: others + orr // 4, median: others + orr // 2, q3: others + 3 * orr // 4}
    first = int(parts(printed_text("met.early_resp.iqr"))[0]) / DAYS_PER_MONTH
    late = q1 - 0.05 + first
    return [
        check(
            "response.cr_of_which",
            "Results: patients and treatment",
            "CR, as a share of which patients",
            printed_text("res.cr.pct"),
            f"{number(100 * cr / n, 0)} or {number(100 * cr / orr, 0)}",
            "definitions conflict",
            f"The wording makes CR a share of the responders: {cr}/{orr} = {number(100 * cr / orr, 1)}%. "
            f"Printed is the share of all: {cr}/{n} = "
            f"{number(100 * cr / n, 1)}%.",
        ),
        check(
            "response.duration",
            "Results: patients and treatment",
            "duration of response, if it counts from the response, beside the time to failure",
            printed_text("ttf.median"),
            f"at least {late:.2f}",
            "inconsistent",
            f"A response was seen on day {printed_text('met.early_resp.iqr').partition('–')[0]} or later "
            f"({first:.2f} months). Three quarters of {orr} responses that lasted {q1 - 0.05:.2f} months or "
            "more from "
            f"then on failed after {late:.2f} months, so at most {below[q1]} of {n} patients had failed by "
            "then and "
            f"half of all not before {late:.2f} months: printed is {printed_text('ttf.median')}. Counted "
            "from the "
            f"infusion everything fits without one odd patient: {others} without a response and {orr // 4} "
            "responders "
            f"fail before {q1:g} months ({below[q1]} of {n}), {below[median]} before {median:g}, and "
            f"{below[q3]} "
            f"before {q3:g}. So the duration must have been counted from the infusion, which is not what "
            "the words "
            "say.",
        ),
    ]


# --- follow-up ------------------------------------------------------------------------------------


def follow_up() -> list[tuple]:
    """Whether median follow-up is the observed time or the reverse Kaplan-Meier estimate, from the number of
    deaths.
    """
    checks, deaths, n = [], printed_count("t1.alive.deceased.all.n"), printed_count("res.n")
    for fu, endpoint in (("fu1", "os1"), ("fu2", "os2")):
        quartiles = [
            float(parts(printed_text(f"{fu}.iqr"))[0]),
            printed_number(f"{fu}.median"),
            float(parts(printed_text(f"{fu}.iqr"))[1]),
        ]
        anchors = sorted(
            [
                (0.0, 1.0),
                (12.0, printed_number(f"{endpoint}.12m") / 100),
                (24.0, printed_number(f"{endpoint}.24m") / 100),
                (printed_number(f"{endpoint}.median"), 0.5),
            ]
        )
        fits = {}
        for reading in ("observed time", "reverse Kaplan-Meier"):
            by_q3, at_risk = implied_deaths(quartiles, anchors, n, reverse=reading != "observed time")
            fits[reading] = (by_q3, by_q3 + at_risk)
        naive = [reading for reading, (least, most) in fits.items() if least <= deaths <= most] == [
            "observed time"
        ]
        shown = {reading: f"{least:.0f} to {most:.0f}" for reading, (least, most) in fits.items()}
        checks.append(
            check(
                f"follow_up.{fu}",
                "Results: survival after salvage therapy",
                f"deaths implied by the median "
                f"follow-up from "
                f"{'infusion' if fu == 'fu1' else 'salvage therapy'}, which way it was computed",
                deaths,
                "; ".join(f"{reading}: {number}" for reading, number in shown.items()),
                "reproduces" if naive else "cannot be decided",
                f"{n} patients; {', '.join(f'{100 * level:g}% alive at {t:g}' for t, level in anchors[1:])} "
                f"months; quartiles of follow-up "
                f"{', '.join(f'{q:g}' for q in quartiles)} months. Deaths up to the last of these, and at "
                f"most "
                f"all still at risk there: "
                f"{shown['observed time']} if follow-up is everyone's observed time, "
                f"{shown['reverse Kaplan-Meier']} if it is the reverse "
                f"Kaplan-Meier estimate. {deaths} died: the paper, which does not say, reports observed "
                f"time.",
            )
        )
    return checks


def implied_deaths(
    quartiles: Sequence[float], anchors: Sequence[tuple[float, float]], n: int, reverse: bool
) -> tuple[float, float]:
    """Deaths by the upper quartile of follow-up, and patients at risk there, from a survival curve's anchors.

    Between anchors survival is exponential. In each interval that ends at a quartile the actuarial identity
    holds: deaths = (1 - q)(at risk at start - half the censored), with q the survival ratio. ``reverse``:
    quartiles are those of the time to censoring, so that n x survival x their level is at risk; else those of
    everyone's observed time.
    """
    times, levels = np.array([t for t, _ in anchors]), np.log([s for _, s in anchors])
    survival = np.exp(np.interp([0.0, *quartiles], times, levels))
    remaining = n * np.array([1, 0.75, 0.5, 0.25]) * (survival if reverse else 1)
    ratios = survival[1:] / survival[:-1]
    deaths = (1 - ratios) * (remaining[:-1] + remaining[1:]) / (1 + ratios)
    return float(deaths.sum()), float(remaining[-1])


# --- medians --------------------------------------------------------------------------------------


def medians() -> list[tuple]:
    """Medians of parts against the median of the whole, and the spread of events that an interval needs.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    checks = []
    for endpoint in ("os1", "os2", "efs2"):
        whole = printed_number(f"{endpoint}.median")
        claims = read_claims()
        ours = claims[
            claims["claim_id"].str.match(rf"uv\.{endpoint}\..*\.median$")
            & ~claims["claim_id"].str.contains("bulky")
        ]
        pairs = ours.groupby(ours["claim_id"].str.split(".").str[2].replace("nonresp", "resp"))[
            "printed"
        ].agg(list)
        outside = [name for name, pair in pairs.items() if not _between(whole, pair)]
        shown = "; ".join(" and ".join(pair) for pair in pairs)
        checks.append(
            check(
                f"median.{endpoint}.between",
                "Results: prognostic factors",
                f"medians of {endpoint.upper()} by factor lie on either side of the overall median",
                f"{whole:g}",
                f"{len(pairs) - len(outside)} of {len(pairs)}",
                "inconsistent" if outside else "reproduces",
                f"{shown} months around {whole:g}. Bulk is left out: it is not known in everyone.",
            )
        )
    checks += [
        _information("mv.os1.resp", "t1.alive.deceased.all.n"),
        _information("mv.os2.stage", "t1.alive.deceased.all.n"),
        _information("mv.os2.ldh", "t1.alive.deceased.all.n"),
    ]
    checks.append(
        check(
            "median.efs1",
            "Results: survival after salvage therapy",
            "median EFS1 beside the median time to failure",
            printed_text("efs1.median"),
            printed_text("ttf.median"),
            "reproduces" if printed_text("efs1.median") == printed_text("ttf.median") else "fragile",
            "Everyone failed, and no salvage therapy came before failure, so EFS1 is the time "
            "to failure: nobody is censored.",
        )
    )
    return checks


def _between(whole: float, pair: list[str]) -> bool:
    values = [math.inf if value == "NR" else float(value) for value in pair]
    return min(values) <= whole <= max(values)


def _information(claim: str, events_claim: str) -> tuple:
    """A hazard ratio's standard error says how the events are split between the two groups."""
    low, high = (ends_of(part) for part in parts(printed_text(f"{claim}.ci")))
    narrow, wide = (math.log(high[i] / low[1 - i]) / (2 * Z) for i in (0, 1))
    events = printed_count(events_claim)
    split = [smaller_group(se, events) for se in (wide, narrow)]
    possible = not math.isnan(split[0])
    upper = f"{split[1]:.0f}" if not math.isnan(split[1]) else f"{events / 2:.0f}"
    return check(
        f"events.{claim}",
        "Results: prognostic factors",
        f"deaths in the smaller group, from the width of the interval ({about(f'{claim}.ci')})",
        f"{events} in all",
        f"about {split[0]:.0f} to {upper}" if possible else "none",
        "cannot be decided" if possible else "inconsistent",
        f"The interval {printed_text(f'{claim}.ci')} has a standard error of {narrow:.3f} to "
        f"{wide:.3f} on the log scale; with d1 + d2 = {events} "
        "deaths, roughly 1/d1 + 1/d2 = its square. (In an adjusted model this is an "
        "approximation.)",
    )


def smaller_group(se: float, events: int) -> float:
    """The smaller solution d of 1/d + 1/(events - d) = se squared; not a number where the error is too small
    for any split.
    """
    inside = events**2 - 4 * events / se**2
    return (events - math.sqrt(inside)) / 2 if inside >= 0 else math.nan


# --- radiotherapy ---------------------------------------------------------------------------------


def radiotherapy() -> list[tuple]:
    """Local control against its numbers of failures; the largest schedule; statements on dose where details
    are missing.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    section = "Results: salvage radiotherapy"
    n, failed, latest = (
        printed_count("resp.evaluable.n"),
        printed_count("lc.events.n"),
        float(parts(printed_text("lc.tte.range"))[1]),
    )
    best = 100 * (1 - (failed - 1) / n)
    before, rate = 0.75, printed_number("lc.1y")
    most_dose, most_fractions = (
        float(parts(printed_text("rt.dose.range"))[1]),
        float(parts(printed_text("rt.fx.range"))[1]),
    )
    return [
        check(
            "lc.rate",
            section,
            "local control at 12 months with this number of failures",
            printed_text("lc.1y"),
            f"at most {best:.1f}",
            "reproduces" if rate <= best else "inconsistent",
            f"Of {failed} failures the last came at {latest:g} months, so at most {failed - 1} within "
            f"12. Without early censoring control would be "
            f"1 - {failed - 1}/{n} = {best:.1f}%; sites censored early, by death, bring it down to what "
            f"is printed.",
        ),
        check(
            "lc.bulky_median",
            section,
            "median in-field PFS of bulky sites",
            printed_text("lc.bulky.median"),
            f"{latest:g}",
            "fragile",
            f"The median falls on the last of all {failed} failures ({latest:g} months). A curve at "
            f"height S before it reaches one half there only if "
            f"at most S/(S - 1/2) sites are at risk: for S = {before:.0%} that is "
            f"{before / (before - 0.5):.0f}. The median rests on a handful of sites, and "
            "“not reached” beside it means little more.",
        ),
        check(
            "lc.response_is_last_status",
            section,
            "in-field progressions as response and as recurrence",
            printed_text("resp.pd.n"),
            printed_text("lc.events.n"),
            "definitions conflict",
            f"{printed_count('resp.pd.n')} progressions among the responses and {failed} "
            f"recurrences up to {latest:g} months are the same number: the "
            "response must be the last known state of the site, not the best response, and not the first "
            "assessment.",
        ),
        check(
            "rt.largest_schedule",
            section,
            "largest dose and largest number of fractions",
            f"{most_dose:g} Gy, {most_fractions:g}",
            f"{most_dose / most_fractions:g} Gy a fraction",
            "reproduces",
            f"{most_dose:g}/{most_fractions:g} = {most_dose / most_fractions:g} Gy, a usual fraction: "
            "the two extremes can belong to one course.",
        ),
        _dose_ranges(),
        check(
            "rt.low_dose_one",
            "Results: comprehensive and focal radiotherapy",
            "one comprehensive patient with low dose",
            printed_text("cf.comp.lowdose.n"),
            "–",
            "cannot be decided",
            f"Details are incomplete for {printed_count('cf.incomplete.n')} of "
            f"{printed_count('cf.sites.n')} sites of first courses. Unless these "
            f"were all focal, the "
            "statement is about the comprehensive patients whose dose is known.",
        ),
        check(
            "rt.sequence",
            "Discussion",
            "most patients with salvage RT also had systemic therapy",
            "overwhelming majority",
            f"{_abstract('whole.cmt.n')} of {printed_count('rt.pts.n')}",
            "reproduces",
            f"The paper prints that {printed_count('res.rt.n')} of {printed_count('rt.pts.n')} irradiated "
            "patients had "
            "RT alone as first salvage, not how many of them had systemic therapy later. A conference "
            "abstract of the "
            f"same study does: {_abstract('whole.cmt.n')} of {printed_count('rt.pts.n')} had both in the "
            "whole course "
            f"({100 * _abstract('whole.cmt.n') / printed_count('rt.pts.n'):.0f}%).",
        ),
    ]


def _abstract(claim: str) -> int:
    """A count of the conference abstract."""
    return int(read_abstract().set_index("claim_id").loc[claim, "printed"])


def _dose_ranges() -> tuple:
    fields = [[float(end) for end in parts(printed_text(f"cf.{f}.dose.range"))] for f in ("comp", "focal")]
    whole = [float(end) for end in parts(printed_text("rt.dose.range"))]
    low, high = min(f[0] for f in fields), max(f[1] for f in fields)
    return check(
        "rt.dose_ranges",
        "Results: comprehensive and focal radiotherapy",
        "ranges of dose by field within the range of all sites",
        printed_text("rt.dose.range"),
        f"{low:g}–{high:g}",
        "reproduces" if low >= whole[0] and high <= whole[1] else "inconsistent",
        f"Comprehensive {printed_text('cf.comp.dose.range')}, focal "
        f"{printed_text('cf.focal.dose.range')} Gy.",
    )


# --- hazard ratios --------------------------------------------------------------------------------


def wald_range(claim: str, steps: int = 201) -> tuple[float, float, float]:
    """The smallest and the largest Wald P that a printed hazard ratio and its interval allow, and the share
    of limits that fit.

    Over a grid of unrounded limits: the ratio is the geometric mean of its limits, and must itself round to
    the print; the share says how much of the rounding box of the limits does.
    """
    ratio = ends_of(printed_text(f"{claim}.hr"))
    lower, upper = (np.linspace(*ends_of(part), steps)[:-1] for part in parts(printed_text(f"{claim}.ci")))
    low, high = (np.log(grid) for grid in np.meshgrid(lower, upper))
    beta, error = (low + high) / 2, (high - low) / (2 * Z)
    fits = (np.exp(beta) >= ratio[0]) & (np.exp(beta) < ratio[1])
    if not fits.any():
        return math.nan, math.nan, 0.0
    p = 2 * stats.norm.sf(np.abs(beta / error))[fits]
    return float(p.min()), float(p.max()), float(fits.mean())


def hazard_ratios() -> list[tuple]:
    """P of each adjusted hazard ratio from the ratio and its interval, within their rounding."""
    checks = []
    for claim in RATIOS:
        least, most, share = wald_range(claim)
        printed = printed_text(f"{claim}.p")
        wanted = (0.0, float(printed[1:])) if printed.startswith("<") else ends_of(printed)
        overlap = least < wanted[1] and most >= wanted[0]
        inside = wanted[0] <= least and most < wanted[1]
        verdict = (
            "inconsistent"
            if share == 0 or not overlap
            else "reproduces"
            if inside and share > 0.5
            else "within rounding"
        )
        low, high = (ends_of(part) for part in parts(printed_text(f"{claim}.ci")))
        checks.append(
            check(
                f"wald.{claim}",
                "Results: prognostic factors",
                f"P of {about(f'{claim}.hr')} from the hazard ratio and its interval",
                printed,
                f"{least:.2g} to {most:.2g}",
                verdict,
                f"HR {printed_text(f'{claim}.hr')} "
                f"({printed_text(f'{claim}.ci')}): limits from "
                f"{low[0]:g}-{high[0]:g} to {low[1]:g}-{high[1]:g} have "
                f"geometric means of {math.sqrt(low[0] * high[0]):.2f} to {math.sqrt(low[1] * high[1]):.2f}; "
                f"{100 * share:.0f}% of them print this ratio"
                + (", so the unrounded limits are nearly known." if share < 0.1 else "."),
            )
        )
    return checks
