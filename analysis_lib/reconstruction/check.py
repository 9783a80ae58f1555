"""Independent check: re-analyse the tables with lifelines, greenwood and scipy, and hold every printed claim
against it.

``python -m analysis_lib.reconstruction.check [FOLDER]`` prints the claims that the tables do not reproduce,
and a count. Nothing here comes from the annealer, and nothing here feeds it; sites and lines are drawn again
when this check misses one.

Long because it computes every printed statistic once more, one after the other.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

import greenwood
import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.statistics import multivariate_logrank_test
from numpy.typing import ArrayLike
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH

from .targets import decimals, targets

BUNDLED = Path(__file__).parents[1] / "data" / "reconstructed"

# What no cohort can reproduce, with the arithmetic.
IMPOSSIBLE = {
    "res.ldh.p": "the printed counts 8/25, 11/15, 52/80 give P = .00671, as Table 1 prints; that rounds to "
    ".007",
    "rt.tech.both.pct": "6 of 80 sites are 7.5%, which rounds to 8, not 7",
    "dis.fail.n": "93 of 120 patients in the Results",
    "dis.fail.den": "the cohort has 120 patients",
    "dis.gt1site.n": "34 patients have one site, 19 of them with systemic therapy first; 15 + 14 leave few "
    "of 29 with one",
    "dis.prognostic.bulky": "not among the predictors of EFS2 that the Results list (P > .05 there)",
}
# Facts of the design that the tables do not hold.
DESIGN = {"met.centers.n", "met.years"}


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The four tables of a folder."""
    return {name: pd.read_csv(folder / f"{name}.csv") for name in ("patients", "sites", "lines", "screening")}


def rounded(value: float, digits: int) -> float:
    """Rounding half up."""
    return math.floor(value * 10**digits + 0.5 + 1e-9) / 10**digits


def fits(value: float | str | None, text: str) -> bool:
    """Whether a recomputed value prints as the printed text."""
    if isinstance(value, str) or value is None:
        return value == text
    if text == "NR":
        return value == math.inf
    if text.startswith("<"):
        return value < float(text[1:])
    return math.isfinite(value) and abs(rounded(value, decimals(text)) - float(text)) < 1e-9


# --- estimators -----------------------------------------------------------------------------------


def curve(days: ArrayLike, event: ArrayLike) -> pd.DataFrame:
    """Kaplan-Meier with log limits."""
    fit = greenwood.KaplanMeier(conf_type="log").fit(
        greenwood.Surv(np.asarray(days, float), event=np.asarray(event, int))
    )
    return fit.to_frame(format="pandas")


def crossing(table: pd.DataFrame, column: str) -> float:
    """Day on which a curve falls to one half; the middle of a flat stretch at one half."""
    low = table[table[column] <= 0.5 + 1e-9]
    if low.empty:
        return math.inf
    if abs(low[column].iloc[0] - 0.5) < 1e-9 and (low[column] < 0.5 - 1e-9).any():
        return (low.time.iloc[0] + low.time[low[column] < 0.5 - 1e-9].iloc[0]) / 2
    return low.time.iloc[0]


def median(days: ArrayLike, event: ArrayLike) -> float:
    """Median in months."""
    return crossing(curve(days, event), "estimate") / DAYS_PER_MONTH


def median_limits(days: ArrayLike, event: ArrayLike) -> tuple[float, float]:
    """Log 95% limits of the median, in months."""
    table = curve(days, event)
    return crossing(table, "conf_low") / DAYS_PER_MONTH, crossing(table, "conf_high") / DAYS_PER_MONTH


def rate(days: ArrayLike, event: ArrayLike, month: float) -> float:
    """Percent event-free at a month."""
    table = curve(days, event)
    return 100 * table.estimate[table.time <= month * DAYS_PER_MONTH].iloc[-1]


def logrank(days: ArrayLike, event: ArrayLike, group: ArrayLike) -> float:
    """P of the log-rank test."""
    return multivariate_logrank_test(np.asarray(days), np.asarray(group), np.asarray(event)).p_value


def cox(frame: pd.DataFrame) -> pd.DataFrame:
    """Cox model (Efron) of all other columns on ``days`` and ``event``."""
    # by itself lifelines stops early: 5.2499 for 5.2501
    to_convergence = {"precision": 1e-16, "r_precision": 0}
    return CoxPHFitter().fit(frame, "days", "event", fit_options=to_convergence).summary


def two_by_two(yes: ArrayLike, group: ArrayLike) -> float:
    """Pearson chi-square without Yates, or Fisher's exact test when an expected count is below 5."""
    table = pd.crosstab(group, yes).to_numpy()
    if stats.contingency.expected_freq(table).min() < 5:
        return stats.fisher_exact(table)[1]
    return stats.chi2_contingency(table, correction=False)[1]


def quartiles(values: ArrayLike) -> tuple[float, float, float]:
    """Quartiles, type 7."""
    return tuple(np.percentile(np.asarray(values, float), [25, 50, 75]))


# --- the claims, section by section ---------------------------------------------------------------


def recompute(tables: dict[str, pd.DataFrame]) -> dict:
    """Every claim's value, or its (lower, upper), from the tables."""
    p, lines = tables["patients"].copy(), tables["lines"]
    p["os1"], p["dead"] = p.last_follow_up_day, p.vital_status == "dead"
    p["os2"] = p.last_follow_up_day - p.salvage_start_day
    p["efs1"] = p[["failure_day", "salvage_start_day"]].min(axis=1)
    first = p[["progression_day", "next_line_day"]].min(axis=1)
    p["event2"] = first.notna() | p.dead
    p["efs2"] = first.fillna(p.last_follow_up_day) - p.salvage_start_day
    p["responder"] = p.best_response.isin(["CR", "PR"])
    p["advanced"] = p.stage.isin(["III", "IV"])
    p["many"], p["extranodal"] = p.disease_sites >= 2, p.extranodal_sites >= 1
    p["poor"], p["elevated"], p["ipi3"] = p.ecog >= 2, p.ldh_elevated == "yes", p.ipi >= 3
    later = lines[lines.line > 1]
    had_rt = p.patient_id.isin(later.patient_id[later.modality.isin(["RT", "CMT"])])
    had_st = p.patient_id.isin(later.patient_id[later.modality.isin(["ST", "CMT", "HSCT", "CAR T"])])
    p["sequence"] = p.salvage_regimen.mask((p.salvage_regimen == "ST") & had_rt, "ST_RT")
    p["sequence"] = p.sequence.mask((p.salvage_regimen == "RT") & had_st, "RT_ST")

    out: dict = {
        "met.database.n": len(tables["screening"]),
        "res.n": len(p),
        "met.early_resp.day": p.first_assessment_day.median(),
        "met.early_resp.iqr": quartiles(p.first_assessment_day)[::2],
    }
    out |= table_1(p) | course_of_disease(p, lines) | prognosis(p)
    out |= (
        radiotherapy(p, tables["sites"])
        | comprehensive_and_focal(p, tables["sites"], lines)
        | transplant(p, tables["sites"])
    )
    out |= discussion(out, p)
    same = targets().same_as
    return out | {claim: out[same[claim]] for claim in same.index[same != ""]}


def table_1(p: pd.DataFrame) -> dict:
    """Counts, percentages and P values of Table 1."""
    rows: dict[str, tuple[pd.Series, dict]] = {
        "bridging": (p.bridging_therapy, {"yes": "yes", "no": "no"}),
        "product": (p.car_t_product, {"axi": "axi-cel", "tisa": "tisa-cel"}),
        "best_response": (p.best_response, {"CR": "CR", "PR": "PR", "DP": "PD", "SD": "SD"}),
        "cns": (p.cns_disease, {"yes": "yes", "no": "no"}),
        "bulky": (
            p.bulky_disease.fillna("missing").where(p.cns_disease == "no"),
            {"yes": "yes", "no": "no", "missing": "missing"},
        ),
        "sites": (p.many, {"ge2": True, "lt2": False}),
        "extranodal": (p.extranodal, {"yes": True, "no": False}),
        "ecog": (p.ecog, {str(k): k for k in range(5)}),
        "stage": (p.stage, {s: s for s in ("I", "II", "III", "IV")}),
        "ldh": (p.ldh_elevated, {"yes": "yes", "no": "no"}),
        "ipi": (p.ipi, {str(k): k for k in range(1, 5)}),
        "status": (p.last_disease_status, {"CR": "CR", "PR": "PR", "DP": "PD"}),
        "alive": (p.vital_status, {"deceased": "dead", "living": "alive"}),
    }
    regimen = p.salvage_regimen
    groups = {"rt": regimen == "RT", "cmt": regimen == "CMT", "st": regimen == "ST", "all": regimen.notna()}
    out: dict = {f"res.{name}.n": int(who.sum()) for name, who in groups.items() if name != "all"}
    for name, (values, levels) in rows.items():
        for level, value in levels.items():
            for group, who in groups.items():
                n = int((values[who] == value).sum())
                out[f"t1.{name}.{level}.{group}.n"] = n
                out[f"t1.{name}.{level}.{group}.pct"] = 100 * n / values[who].notna().sum()
        known = values.where(values != "missing")
        table = pd.crosstab(known, regimen).to_numpy()
        out[f"t1.{name}.p"] = stats.chi2_contingency(table, correction=False)[1]
    return out


def course_of_disease(p: pd.DataFrame, lines: pd.DataFrame) -> dict:
    """Response, failure, follow-up and survival of all patients, and survival by group.

    Long because it is a list: one printed statistic after the other.
    """
    out: dict = {}
    n_lines = lines.groupby("patient_id").size()
    shares = {
        "res.orr": p.responder,
        "res.cr": p.best_response == "CR",
        "fail.prev": p.failure_pattern != "de novo",
        "fail.prev_only": p.failure_pattern == "local",
        "fail.both": p.failure_pattern == "local and de novo",
        "fail.denovo": p.failure_pattern == "de novo",
    }
    for name, who in shares.items():
        out[f"{name}.n"], out[f"{name}.pct"] = int(who.sum()), 100 * who.mean()
    cd19 = p.cd19_at_failure.dropna()
    out["cd19.eval.n"] = len(cd19)
    for name, level in (("pos", "positive"), ("neg", "negative")):
        out[f"cd19.{name}.n"], out[f"cd19.{name}.pct"] = (
            int((cd19 == level).sum()),
            100 * (cd19 == level).mean(),
        )
    cr = p.complete_response_day[p.best_response == "CR"] / DAYS_PER_MONTH
    out["res.ttcr.median"], out["res.ttcr.range"] = cr.median(), (cr.min(), cr.max())
    out["lines.median"], out["lines.range"] = n_lines.median(), (n_lines.min(), n_lines.max())
    spans = {
        "res.dor": (p.failure_day - p.response_day)[p.responder],
        "ttf": p.failure_day,
        "tts": p.salvage_start_day,
        "fu1": p.os1,
        "fu2": p.os2,
    }
    for name, days in spans.items():
        low, middle, high = (q / DAYS_PER_MONTH for q in quartiles(days))
        out[f"{name}.median"], out[f"{name}.iqr"] = middle, (low, high)
    for name, days, event in (
        ("os1", p.os1, p.dead),
        ("os2", p.os2, p.dead),
        ("efs1", p.efs1, p.dead | True),
        ("efs2", p.efs2, p.event2),
    ):
        out[f"{name}.median"], out[f"{name}.median.ci"] = median(days, event), median_limits(days, event)
        for month in (12, 24):
            out[f"{name}.{month}m"] = rate(days, event, month)
    for name in ("RT", "CMT", "ST", "ST_RT", "RT_ST"):
        who = p.sequence == name
        out[f"os2.grp5.{name.lower()}.median"] = median(p.os2[who], p.dead[who])
    out["os2.grp5.p"], out["os2.grp5.k"] = logrank(p.os2, p.dead, p.sequence), p.sequence.nunique()
    for name in ("RT", "CMT", "ST"):
        who = p.salvage_regimen == name
        out[f"efs2.grp3.{name.lower()}.median"] = median(p.efs2[who], p.event2[who])
    out["efs2.grp3.p"] = logrank(p.efs2, p.event2, p.salvage_regimen)
    return out


def prognosis(p: pd.DataFrame) -> dict:
    """Univariable and multivariable analyses."""
    out: dict = {}
    bulky = p.bulky_disease.map({"yes": True, "no": False})
    factors = {
        "bulky": bulky,
        "sites": p.many,
        "extranodal": p.extranodal,
        "ecog": p.poor,
        "stage": p.advanced,
        "ldh": p.elevated,
        "ipi3": p.ipi3,
    }
    for endpoint, days, event in (("os2", p.os2, p.dead), ("efs2", p.efs2, p.event2)):
        for name, yes in factors.items():
            known = yes.notna()
            group = yes[known].astype(bool)
            out[f"uv.{endpoint}.{name}.yes.median"] = median(days[known][group], event[known][group])
            out[f"uv.{endpoint}.{name}.no.median"] = median(days[known][~group], event[known][~group])
            out[f"uv.{endpoint}.{name}.p"] = logrank(days[known], event[known], group)
        model = cox(
            pd.DataFrame({"days": days, "event": event, "stage": p.advanced, "ldh": p.elevated}).astype(int)
        )
        out |= model_rows(f"mv.{endpoint}", model, ("stage", "ldh"))
    for name, who in (("resp", p.responder), ("nonresp", ~p.responder)):
        out[f"uv.os1.{name}.median"] = median(p.os1[who], p.dead[who])
    out["uv.os1.resp.p"] = logrank(p.os1, p.dead, p.responder)
    quiet = {
        "uv.os1.bridging.ns": logrank(p.os1, p.dead, p.bridging_therapy),
        "uv.os1.product.ns": logrank(p.os1, p.dead, p.car_t_product),
        "uv.os2.extranodal.ns": out["uv.os2.extranodal.p"],
        "uv.efs2.bulky.ns": out["uv.efs2.bulky.p"],
    }
    out |= {claim: "p>0.05" if value > 0.05 else f"p={value:.3f}" for claim, value in quiet.items()}
    model = cox(
        pd.DataFrame(
            {
                "days": p.os1,
                "event": p.dead,
                "resp": p.responder,
                "bridging": p.bridging_therapy == "yes",
                "axi": p.car_t_product == "axi-cel",
            }
        ).astype(int)
    )
    return out | model_rows("mv.os1", model, ("resp",))


def model_rows(prefix: str, model: pd.DataFrame, names: Iterable[str]) -> dict:
    """Hazard ratio, interval and P of a model's covariates."""
    out: dict = {}
    for name in names:
        r = model.loc[name]
        out[f"{prefix}.{name}.hr"], out[f"{prefix}.{name}.p"] = r["exp(coef)"], r["p"]
        out[f"{prefix}.{name}.ci"] = (r["exp(coef) lower 95%"], r["exp(coef) upper 95%"])
    return out


def with_patients(sites: pd.DataFrame, p: pd.DataFrame) -> pd.DataFrame:
    """Sites with their patients' columns, follow-up from the course and BED."""
    s = sites.merge(p, on="patient_id")
    s["follow"] = s.last_follow_up_day - s.rt_start_day
    s["bed"] = s.dose_gy * (1 + s.dose_gy / s.fractions / 10)
    s["failed"] = s.in_field_progression_day.notna()
    s["control"] = (s.in_field_progression_day - s.rt_start_day).fillna(s.follow)
    return s


def radiotherapy(p: pd.DataFrame, sites: pd.DataFrame) -> dict:
    """All 93 sites.

    Long because it is a list: one printed statistic after the other.
    """
    s = with_patients(sites, p)
    n = s.patient_id.nunique()
    bridged = p[p.patient_id.isin(s.patient_id) & (p.bridging_radiotherapy == "yes")]
    start = quartiles(s.groupby("patient_id").rt_start_day.min() / DAYS_PER_MONTH)
    known = s[s.dose_gy.notna()]
    out: dict = {
        "rt.pts.n": n,
        "rt.sites.n": len(s),
        "rt.bridgingRT.n": len(bridged),
        "rt.bridgingRT.pct": 100 * len(bridged) / n,
        "rt.samesite.n": s[s.previously_irradiated == "yes"].patient_id.nunique(),
        "rt.start.median": start[1],
        "rt.start.iqr": start[::2],
        "rt.dose.median": known.dose_gy.median(),
        "rt.dose.range": (known.dose_gy.min(), known.dose_gy.max()),
        "rt.fx.median": known.fractions.median(),
        "rt.fx.range": (known.fractions.min(), known.fractions.max()),
        "rt.incomplete.n": len(s) - len(known),
    }
    for name, level in (
        ("3dcrt", "3DCRT"),
        ("imrt", "IMRT"),
        ("both", "3DCRT/IMRT"),
        ("electron", "electrons"),
    ):
        m = int((s.technique == level).sum())
        out[f"rt.tech.{name}.n"], out[f"rt.tech.{name}.pct"] = m, 100 * m / s.technique.notna().sum()
    for region in s.region.unique():
        name, m = region.lower().replace(" and ", ""), int((s.region == region).sum())
        out[f"rt.loc.{name}.n"], out[f"rt.loc.{name}.pct"] = m, 100 * m / len(s)
    seen = s[s.bulky_site.notna()]
    out |= {
        "rt.pet.n": len(seen),
        "rt.notpet.n": len(s) - len(seen),
        "rt.bulky.n": int((seen.bulky_site == "yes").sum()),
        "rt.bulky.pct": 100 * (seen.bulky_site == "yes").mean(),
    }
    e = s[s.in_field_response != "not evaluable"]
    out["resp.evaluable.n"] = len(e)
    out |= field_responses("resp", e)
    out["resp.noteval.n"], out["resp.noteval.pct"] = len(s) - len(e), 100 * (1 - len(e) / len(s))
    low, middle, high = (q / DAYS_PER_MONTH for q in quartiles(e.control[e.failed]))
    out |= {
        "lc.1y": rate(e.control, e.failed, 12),
        "lc.events.n": int(e.failed.sum()),
        "lc.tte.median": middle,
        "lc.tte.iqr": (low, high),
        "lc.tte.range": (
            e.control[e.failed].min() / DAYS_PER_MONTH,
            e.control[e.failed].max() / DAYS_PER_MONTH,
        ),
    }
    for name, level in (("bulky", "yes"), ("nonbulky", "no")):
        g = e[e.bulky_site == level]
        out[f"lc.{name}.median"] = median(g.control, g.failed)
    g = e[e.bulky_site.notna()]
    out["lc.bulky.p"] = logrank(g.control, g.failed, g.bulky_site)
    g = seen[seen.bed.notna()]
    out["rt.bulky_bed.p"] = two_by_two(g.bed > 30, g.bulky_site)
    g = e[e.bed.notna()]
    value = stats.mannwhitneyu(g.bed[g.failed], g.bed[~g.failed]).pvalue
    out["cf.bed_lf.ns"] = "p>0.05" if value > 0.05 else f"p={value:.3f}"
    return out


def field_responses(prefix: str, e: pd.DataFrame) -> dict:
    """In-field responses of evaluable sites."""
    out: dict = {}
    for level in ("CR", "PR", "SD", "PD"):
        m = int((e.in_field_response == level).sum())
        out[f"{prefix}.{level.lower()}.n"], out[f"{prefix}.{level.lower()}.pct"] = m, 100 * m / len(e)
    return out


def comprehensive_and_focal(p: pd.DataFrame, sites: pd.DataFrame, lines: pd.DataFrame) -> dict:
    """The first courses."""
    s = with_patients(sites[sites.course == 1], p)
    s["evaluable"] = s.in_field_response != "not evaluable"
    c = s.drop_duplicates("patient_id").set_index("patient_id")
    c["n_sites"], c["bed"] = s.groupby("patient_id").size(), s.groupby("patient_id").bed.max()
    out: dict = {
        "cf.n": len(c),
        "cf.sites.n": len(s),
        "cf.sites_pp.median": c.n_sites.median(),
        "cf.sites_pp.range": (c.n_sites.min(), c.n_sites.max()),
        "cf.incomplete.n": int(s.dose_gy.isna().sum()),
        "cf.dose.p": stats.mannwhitneyu(*(g.dose_gy.dropna() for _, g in s.groupby("rt_field"))).pvalue,
    }
    for name, field in (("comp", "comprehensive"), ("focal", "focal")):
        g, e = c[c.rt_field == field], s[(s.rt_field == field)]
        dose = e.dose_gy.dropna()
        out |= {
            f"cf.{name}.n": len(g),
            f"cf.{name}.sites.n": len(e),
            f"cf.{name}.dose.median": dose.median(),
            f"cf.{name}.dose.range": (dose.min(), dose.max()),
            f"cf.{name}.limited.n": int((~g.advanced).sum()),
            f"cf.{name}.eval.n": int(e.evaluable.sum()),
            f"cf.os.{name}.median": median(g.follow, g.dead),
        }
        out |= field_responses(f"cf.{name}", e[e.evaluable])
    known = c[c.bed.notna()]
    for name, who in (("high", known.bed > 30), ("low", known.bed <= 30)):
        out[f"cf.bed.{name}.os.median"] = median(known.follow[who], known.dead[who])
    out["cf.bed.os.p"] = logrank(known.follow, known.dead, known.bed > 30)
    out["cf.os.p"] = logrank(c.follow, c.dead, c.rt_field)
    g = c[c.rt_field == "comprehensive"]
    out["cf.comp.lowdose.n"] = int((g.bed <= 30).sum())
    out["cf.comp.gt1site.n"] = int((g.n_sites > 1).sum())
    out["cf.comp.1v2sites.p"] = logrank(g.follow, g.dead, g.n_sites)
    last_line = lines.groupby("patient_id").line_start_day.max()
    g = g[~g.advanced]
    out["cf.comp_limited.add.p"] = logrank(g.follow, g.dead, last_line.reindex(g.index) > g.rt_start_day)
    bulky = c[c.bulky_disease.notna()]
    out["cf.bulky.p"] = two_by_two(bulky.bulky_disease, bulky.rt_field)
    for name, column in (
        ("ipi3", "ipi3"),
        ("stage", "advanced"),
        ("sites", "many"),
        ("extranodal", "extranodal"),
        ("ldh", "elevated"),
        ("ecog", "poor"),
    ):
        out[f"cf.{name}.p"] = two_by_two(c[column], c.rt_field)
    return out


def transplant(p: pd.DataFrame, sites: pd.DataFrame) -> dict:
    """Radiotherapy around allogeneic transplant."""
    t = p[p.transplant_day.notna() & p.patient_id.isin(sites.patient_id)].set_index("patient_id")
    s = sites[sites.patient_id.isin(t.index)].drop_duplicates(["patient_id", "course"])
    s = s.assign(wait=t.transplant_day.reindex(s.patient_id).to_numpy() - s.rt_start_day)
    before, after = s[s.wait > 0], s[s.wait < 0]
    extra, consolidating = (
        after[after.patient_id.isin(before.patient_id)],
        after[~after.patient_id.isin(before.patient_id)],
    )
    follow = (t.last_follow_up_day - t.transplant_day) / DAYS_PER_MONTH
    status = t.last_disease_status.value_counts()
    return {
        "hsct.n": len(t),
        "hsct.cr.n": int((before.in_field_response == "CR").sum()),
        "hsct.tt.median": (before.wait / DAYS_PER_MONTH).median(),
        "hsct.tt.range": (before.wait.min() / DAYS_PER_MONTH, before.wait.max() / DAYS_PER_MONTH),
        "hsct.addRT.n": len(extra),
        "hsct.addRT.t": -extra.wait.mean() / DAYS_PER_MONTH,
        "hsct.fifth.n": len(consolidating),
        "hsct.fifth.t": -consolidating.wait.mean() / DAYS_PER_MONTH,
        "hsct.last.cr.n": int(status.get("CR", 0)),
        "hsct.last.dp.n": int(status.get("PD", 0)),
        "hsct.alive.n": int((~t.dead).sum()),
        "hsct.fu.median": follow.median(),
        "hsct.fu.range": (follow.min(), follow.max()),
    }


def discussion(out: dict, p: pd.DataFrame) -> dict:
    """The claims of the Discussion."""
    found = {"dis.fail.n": out["fail.prev.n"], "dis.fail.den": len(p), "dis.fail.pct": out["fail.prev.pct"]}
    comprehensive = out["cf.comp.n"]
    found["dis.gt1site.n"] = f"more than 3 of {comprehensive}"
    for factor in ("bulky", "sites", "ldh", "stage", "ipi3"):
        both = max(out[f"uv.{endpoint}.{factor}.p"] for endpoint in ("os2", "efs2")) < 0.05
        found[f"dis.prognostic.{factor}"] = "p<0.05 in OS2 and EFS2" if both else "not in both"
    for endpoint, groups in (("os2", ("cmt", "st", "st_rt", "rt_st")), ("efs2", ("cmt", "st"))):
        name = "os2.grp5" if endpoint == "os2" else "efs2.grp3"
        best = all(out[f"{name}.rt.median"] > out[f"{name}.{g}.median"] for g in groups)
        found[f"dis.rt_superior.{endpoint}"] = "RT highest" if best else "RT not highest"
    return found


def compare(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every claim with its printed and recomputed value and whether they agree."""
    found = recompute(tables)
    rows = []
    for claim, t in targets().iterrows():
        if claim in DESIGN:
            rows.append((claim, t.value or f"{t.lower}-{t.upper}", "", "design"))
            continue
        value = found.get(claim)
        if isinstance(value, tuple):
            good = fits(value[0], t.lower) and fits(value[1], t.upper)
            shown, text = f"{value[0]:.5g}-{value[1]:.5g}", f"{t.lower}-{t.upper}"
        else:
            good = fits(value, t.value)
            shown, text = (f"{value:.6g}" if isinstance(value, (int, float)) else str(value)), t.value
        rows.append(
            (claim, text, shown, "match" if good else ("impossible" if claim in IMPOSSIBLE else "miss"))
        )
    return pd.DataFrame(rows, columns=["claim", "printed", "recomputed", "verdict"])


def realism(tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Numbers by which a made-up cohort would betray itself."""
    p, lines = tables["patients"], tables["lines"]
    s = tables["sites"].merge(p[["patient_id", "last_follow_up_day", "vital_status"]], on="patient_id")
    os2 = p.last_follow_up_day - p.salvage_start_day
    dead = p.vital_status == "dead"
    follow, died = s.last_follow_up_day - s.rt_start_day, s.vital_status == "dead"
    evaluable = s.in_field_response != "not evaluable"
    courses = ~s.duplicated(["patient_id", "course"])
    deaths = np.sort(os2[dead])
    event = p[["progression_day", "next_line_day"]].min(axis=1)
    gaps = lines.groupby("patient_id").line_start_day.diff().dropna()
    return {
        "deaths within 14 days of salvage": int((dead & (os2 < 14)).sum()),
        "deaths within 28 days of salvage": int((dead & (os2 < 28)).sum()),
        "most deaths within any 10 days of OS2": int(
            max(((deaths >= d) & (deaths < d + 10)).sum() for d in deaths)
        ),
        "most deaths on one day of OS2": int(pd.Series(deaths).value_counts().max()),
        "deaths without an EFS2 event before": int((dead & event.isna()).sum()),
        "not evaluable sites, longest survival after radiotherapy (days)": int(follow[~evaluable].max()),
        "not evaluable sites of patients alive": int((~evaluable & ~died).sum()),
        "evaluable sites, shortest follow-up (days)": int(follow[evaluable].min()),
        "courses within 21 days of death": int((courses & died & (follow < 21)).sum()),
        "shortest gap between lines (days)": int(gaps.min()),
        "median gap between lines (days)": float(gaps.median()),
        "salvage more than 120 days after failure": int((p.salvage_start_day - p.failure_day > 120).sum()),
        "responses seen before day 21": int((p.response_day < 21).sum()),
        "longest follow-up (months)": round(p.last_follow_up_day.max() / DAYS_PER_MONTH, 1),
        "at risk for OS2 at 24 months": int((os2 >= 24 * DAYS_PER_MONTH).sum()),
        "at risk for OS2 at 36 months": int((os2 >= 36 * DAYS_PER_MONTH).sum()),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.check", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", nargs="?", type=Path, default=BUNDLED)
    parser.add_argument("--all", action="store_true", help="every claim, not only those that differ")
    options = parser.parse_args()
    tables = read(options.folder)
    table = compare(tables)
    shown = table if options.all else table[table.verdict != "match"]
    print(shown.to_string(index=False))
    print(table.verdict.value_counts().to_string(), f"total {len(table)}", sep="\n")
    print(pd.Series(realism(tables), dtype=object).to_string())


if __name__ == "__main__":
    main()
