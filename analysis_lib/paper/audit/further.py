"""What follows when two sections, or a number and a definition, are put side by side?

Long because each check stands with its arithmetic in words.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np

from analysis_lib.paper.audit.printed import REGIMENS, TABLE_1, check
from analysis_lib.paper.claims import (
    ends_of,
    parts,
    printed_count,
    printed_number,
    printed_text,
    read_claims,
)
from analysis_lib.rows.limits import Z
from analysis_lib.rows.rounding import number

FRACTIONS = (1.8, 2.0, 2.2, 2.5, 3.0, 4.0)  # Gy, as lymphoma is irradiated
TWO_SECTIONS = "Two sections together"


def further() -> list[tuple]:
    """All checks of this module."""
    return [
        *_indices(),
        _schedule(),
        _repeated(),
        _five_groups(),
        *_limits_of_os1(),
        *_events(),
        _late_starts(),
        _transplant(),
        _shares_of_failures(),
        _anova(),
        *_spoken(),
    ]


def _indices() -> list[tuple]:
    """The sum of the IPI, and what it forces of the two parts that are not printed."""

    def known(regimen: str) -> int:
        return sum(
            printed_count(f"t1.{name}.{regimen}.n")
            for name in ("ecog.2", "ecog.3", "ecog.4", "ldh.yes", "stage.III", "stage.IV")
        )

    total = {
        r: sum(int(i) * printed_count(f"t1.ipi.{i}.{r}.n") for i in TABLE_1["ipi"])
        for r in (*REGIMENS, "all")
    }
    rest = {r: total[r] - known(r) for r in total}
    n, extranodal = printed_count("res.n"), printed_count("t1.extranodal.yes.all.n")
    limited = sum(printed_count(f"t1.stage.{s}.all.n") for s in ("I", "II"))
    return [
        check(
            "ipi.sum",
            "Table 1",
            "what the IPI forces of age and of extranodal sites, neither of which is printed",
            f"{total['all']} points",
            f"{rest['all']} points left",
            "cannot be decided",
            f"The index adds up to {total['all']} points, of which performance status, LDH and stage give "
            f"{known('all')}. The other {rest['all']} come from patients older than 60 and patients with "
            "more than "
            f"one extranodal site (RT {rest['rt']}, CMT {rest['cmt']}, ST {rest['st']}). At most "
            f"{extranodal} have "
            f"extranodal disease at all, so {rest['all'] - extranodal} to {n} are older than 60, and at "
            "least "
            f"{rest['all'] - n} have more than one extranodal site.",
        ),
        check(
            "ipi.zero",
            "Table 1",
            "nobody has an IPI of 0",
            "1 to 4",
            f"0 of {n}",
            "fragile",
            f"{limited} patients are in stage I or II, {printed_count('t1.ldh.no.all.n')} have a normal LDH "
            "and "
            f"{n - sum(printed_count(f't1.ecog.{e}.all.n') for e in '234')} an ECOG of 0 or 1. Not one of "
            "those who "
            "have all three may be 60 or younger. That can be, or the lowest level holds 0 and 1.",
        ),
    ]


def _schedule() -> tuple:
    """A median dose that no usual schedule gives."""
    printed = printed_text("cf.comp.dose.median")
    low, high = ends_of(printed)
    most = float(parts(printed_text("cf.comp.dose.range"))[1])
    doses = sorted({round(f * n, 1) for f in FRACTIONS for n in range(1, 29) if f * n <= most})
    single = [d for d in doses if low <= d < high]
    pairs = [(a, b) for a, b in combinations_with_replacement(doses, 2) if low <= (a + b) / 2 < high]
    near = sorted(pairs, key=lambda pair: pair[1] - pair[0])[:3]
    shown = ", ".join(f"{a:g} and {b:g}" for a, b in near)
    return check(
        "rt.median_schedule",
        "Results: comprehensive and focal radiotherapy",
        "median dose of comprehensive fields as a schedule",
        printed,
        "no whole schedule" if not single else f"{single[0]:g}",
        "fragile" if not single else "reproduces",
        f"No whole number of fractions of {', '.join(f'{f:g}' for f in FRACTIONS)} Gy gives {printed} Gy. "
        "It can be the "
        f"mean of the two middle doses of an even number ({shown} Gy are the nearest pairs), or one unusual "
        "schedule. "
        "Either says little of what most patients had.",
    )


def _repeated() -> tuple:
    """Medians that are printed for several groups of one endpoint."""
    claims = read_claims()
    medians = claims[
        claims["claim_id"].str.match(r"uv\.(os2|efs2)\..*\.median$") & (claims["printed"] != "NR")
    ]
    endpoint = medians["claim_id"].str.split(".").str[1].str.upper()
    counts = medians.groupby([endpoint, "printed"]).size()
    often = counts[counts > 1]
    shown = "; ".join(f"{e} {value} months {k} times" for (e, value), k in often.items())
    return check(
        "median.repeated",
        "Results: prognostic factors",
        "the same median in several groups",
        "; ".join(sorted({value for _, value in often.index}, key=float)),
        f"{int(often.sum())} of {len(medians)}",
        "reproduces",
        f"{shown}. A median is the time of one patient's event. Groups that hold much the same patients "
        "(elevated LDH, "
        "high IPI, bulk) can cross one half at the same death, so this asks for overlapping groups, not "
        "for an error.",
    )


def _five_groups() -> tuple:
    """The medians of five groups against the median of everyone."""
    whole, n = printed_number("os2.median"), printed_count("res.n")
    late = printed_count("rt.pts.n") - printed_count("res.rt.n") - printed_count("res.cmt.n")
    low = {g: printed_text(f"os2.grp5.{g}.median") for g in ("cmt", "st", "st_rt")}
    below = n - printed_count("res.rt.n")
    least = (n / 2 - printed_count("res.rt.n")) / below
    return check(
        "median.os2.five",
        "Results: survival after salvage therapy",
        "median OS2 of five groups beside that of everyone",
        f"{whole:g}",
        f"{below} of {n} in groups with {', '.join(low.values())}",
        "fragile",
        f"CMT, ST and ST then RT ({late} patients) make up {below} of {n} patients and have medians of "
        f"{', '.join(low.values())} months, yet half of all live to {whole:g}. Even if nobody who began "
        "with RT alone "
        f"had died by then, {100 * least:.0f}% of the {below} must be alive at {whole:g} months, though "
        "half had died "
        "two months before. So their curves must run nearly level just below one half, where one death "
        "more or less "
        "moves a median by months.",
    )


# --- which interval ---------------------------------------------------------------------------------


def _limits_of_os1() -> list[tuple]:
    """The limits of the median OS1 on two scales, from the printed curve and follow-up."""
    told = parts(printed_text("os1.median.ci"))
    found = {scale: [limit_of_median(scale, side) for side in (-1, 1)] for scale in ("log", "log-log")}
    shown = "; ".join(f"{scale}: {low:.1f} to {high:.1f}" for scale, (low, high) in found.items())
    off = {s: sum(abs(x - float(t)) for x, t in zip(ends, told)) for s, ends in found.items()}
    nearer = min(off, key=lambda scale: off[scale])
    return [
        check(
            "median.os1.scale",
            "Results: survival after salvage therapy",
            "on which scale the interval of the median OS1 was made",
            "–".join(told),
            shown,
            "within rounding" if nearer == "log" else "cannot be decided",
            "The paper does not say. Between its printed points the curve is taken as exponential, and the "
            "number at "
            "risk falls through the quartiles of follow-up; Greenwood's variance follows. The limits of a "
            "median are "
            f"where the limits of the curve cross one half. The {nearer} scale comes nearer. It is a "
            "program's default "
            "(R: log; SAS: log-log), so it tells which one was used.",
        )
    ]


def limit_of_median(scale: str, side: int) -> float:
    """The lower (-1) or upper (1) 95% limit of the median OS1, in months, as far as print allows."""
    n = printed_count("res.n")
    anchors = sorted(
        [
            (0.0, 1.0),
            (12.0, printed_number("os1.12m") / 100),
            (24.0, printed_number("os1.24m") / 100),
            (printed_number("os1.median"), 0.5),
        ]
    )
    q1, q3 = (float(part) for part in parts(printed_text("fu1.iqr")))
    months = np.arange(0.05, 40, 0.05)
    times, logs = [t for t, _ in anchors], [math.log(s) for _, s in anchors]
    slope = (logs[-1] - logs[-2]) / (times[-1] - times[-2])
    log_s = np.where(
        months <= times[-1], np.interp(months, times, logs), logs[-1] + slope * (months - times[-1])
    )
    longest = 3 * q3  # where the line of the quartiles comes to nobody
    at_risk = np.interp(
        months, [0, q1, printed_number("fu1.median"), q3, longest], [n, 0.75 * n, n / 2, n / 4, 1]
    )
    relative = np.sqrt(np.cumsum(-np.diff(log_s, prepend=0.0) / at_risk))
    if scale == "log":
        limit = np.exp(log_s + side * Z * relative)
    else:
        limit = np.exp(log_s * np.exp(-side * Z * relative / -log_s))
    return float(months[np.argmax(limit <= 0.5)])


# --- how many events --------------------------------------------------------------------------------


def _events() -> list[tuple]:
    """EFS2 events by the width of an interval, and how many deaths the models of OS2 must hold."""
    least = printed_count("t1.status.DP.all.n")
    advanced = sum(printed_count(f"t1.stage.{s}.all.n") for s in ("III", "IV"))
    se = _standard_errors("mv.efs2.stage")[0]
    other = 1 / (se**2 - 1 / advanced)
    needs = [4 / error**2 for error in reversed(_standard_errors("mv.os2.stage"))]
    deaths, n = printed_count("t1.alive.deceased.all.n"), printed_count("res.n")
    known = printed_count("t1.bulky.yes.all.n") + printed_count("t1.bulky.no.all.n")
    return [
        check(
            "events.efs2",
            "Results: prognostic factors",
            "EFS2 events, from the width of the interval for stage",
            f"at least {least}",
            f"{least} to {advanced + math.floor(other)}",
            "cannot be decided",
            f"{least} had progressive disease at last follow-up, an event. The narrowest interval that "
            "prints "
            f"{printed_text('mv.efs2.stage.ci')} has a standard error of {se:.3f}; with all {advanced} "
            "patients in "
            f"stage III or IV failing, 1/d1 + 1/{advanced} = its square leaves at most {math.floor(other)} "
            "in stage I "
            f"or II, {advanced + math.floor(other)} together.",
        ),
        check(
            "events.mv.everyone",
            "Results: prognostic factors",
            "how many deaths the model of OS2 must hold",
            f"{deaths} in {n}",
            f"at least {needs[0]:.0f} to {needs[1]:.0f}",
            "within rounding",
            f"No split of d deaths has a smaller standard error than 2/√d, so the interval "
            f"{printed_text('mv.os2.stage.ci')} needs at least {needs[0]:.0f} to {needs[1]:.0f}. Were bulk "
            "in the "
            f"model, {known} patients with about {deaths * known / n:.0f} deaths would be left: hardly "
            "enough. The "
            f"models hold stage and LDH, which everybody has, and {n} patients.",
        ),
    ]


def _standard_errors(claim: str) -> tuple[float, float]:
    """The smallest and the largest standard error of a log hazard ratio whose interval prints so."""
    low, high = (ends_of(part) for part in parts(printed_text(f"{claim}.ci")))
    return math.log(high[0] / low[1]) / (2 * Z), math.log(high[1] / low[0]) / (2 * Z)


# --- patients and their times -----------------------------------------------------------------------


def _late_starts() -> tuple:
    """How many who began with radiotherapy began late."""
    irradiated, first = printed_count("rt.pts.n"), printed_count("res.rt.n") + printed_count("res.cmt.n")
    half, median = irradiated // 2, printed_text("rt.start.median")
    least = half - (irradiated - first)
    n, q3 = printed_count("res.n"), parts(printed_text("tts.iqr"))[1]
    quarter = n // 4
    return check(
        "rt.late_starts",
        TWO_SECTIONS,
        "patients who began salvage with radiotherapy, and began late",
        f"median {median} months, upper quartile {q3}",
        f"at least {least} of {first}",
        "fragile",
        f"{half} of the {irradiated} irradiated began radiotherapy after {median} months. At most "
        f"{irradiated - first} "
        f"of these had systemic therapy first, so at least {least} of the {first} of the RT and CMT groups "
        "began after "
        f"{median} months, if these began with it. Only {quarter} of all {n} began salvage after {q3} "
        "months, so at "
        f"most {quarter - least} of the {printed_count('res.st.n')} with systemic therapy did. Who relapses "
        "late does "
        "better whatever is given: a difference that no adjustment of the paper takes into account.",
    )


def _transplant() -> tuple:
    """How long one transplanted patient must have been followed."""
    longest = float(parts(printed_text("hsct.fu.range"))[1])
    soonest = float(parts(printed_text("hsct.tt.range"))[0])
    before, all_ = printed_count("hsct.cr.n"), printed_count("hsct.n")
    return check(
        "rt.transplant_longest",
        "Results: radiotherapy around a transplant",
        "longest follow-up of a transplanted patient, from radiotherapy",
        f"{longest:g} months from transplant",
        f"at least {longest + soonest:g}",
        "cannot be decided",
        f"{before} of {all_} were irradiated at least {soonest:g} months before the transplant. If the "
        "patient with "
        f"{longest:g} months after it is one of them, {longest:g} + {soonest:g} = {longest + soonest:g} "
        "months from "
        "radiotherapy, alive: one of the few who hold up the end of the curve, and only because transplant "
        "was "
        "reached.",
    )


def _shares_of_failures() -> tuple:
    shares = [printed_text("fail.prev.pct"), printed_text("fail.denovo.pct")]
    total = sum(map(int, shares))
    n = printed_count("res.n")
    return check(
        "percent.failures",
        "Results: failure after CAR T",
        "failures with an old site and de novo failures, in percent",
        "100",
        str(total),
        "within rounding",
        f"{' + '.join(shares)} = {total}: {printed_count('fail.prev.n')}/{n} and "
        f"{printed_count('fail.denovo.n')}/{n} "
        "are exact halves of a percent, and both are rounded up.",
    )


def _anova() -> tuple:
    return check(
        "p.t1.anova",
        "Table 1",
        "ANOVA, which the footnote names",
        "ANOVA",
        f"{len(TABLE_1)} of {len(TABLE_1)} by chi-square",
        "cannot be decided",
        "Every printed P value of the table is Pearson's, and the table has no mean. What ANOVA was used "
        "for, if for "
        "anything that is printed, cannot be seen.",
    )


# --- what the Discussion says in words --------------------------------------------------------------


def _spoken() -> list[tuple]:
    """Statements without a number that the tables can answer."""
    limited = {r: sum(printed_count(f"t1.stage.{s}.{r}.n") for s in ("I", "II")) for r in REGIMENS}
    shares = {r: f"{k}/{printed_count(f'res.{r}.n')}" for r, k in limited.items()}
    part = {r: k / printed_count(f"res.{r}.n") for r, k in limited.items()}
    return [
        check(
            "text.limited",
            "Discussion",
            "limited stage is likelier after RT alone",
            "higher likelihood",
            ", ".join(f"{share} {r.upper()}" for r, share in shares.items()),
            "reproduces" if part["rt"] == max(part.values()) else "inconsistent",
            "; ".join(f"{r.upper()} {number(100 * p, 0)}%" for r, p in part.items())
            + ". The Results count stage "
            f"among what does not differ (P = {printed_text('t1.stage.p')}, in four levels).",
        ),
        check(
            "text.burden",
            "Discussion",
            "lower burden of disease with higher dose",
            "lower burden",
            "–",
            "cannot be decided",
            "No count by dose is printed but that of comprehensive patients with low dose. The ledger "
            "holds the "
            "statement against the cohort.",
        ),
    ]
