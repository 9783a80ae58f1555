"""What the paper prints about radiotherapy, computed once more from the tables: all sites, first courses,
transplants.
"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH

from .estimates import logrank, median, quartiles, rate, two_by_two


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
    out = {
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
        "rt.bulky.pct": 100 * (seen.bulky_site == "yes").sum() / len(seen),
    }
    e, unseen = (s[s.in_field_response != "not evaluable"], s[s.in_field_response == "not evaluable"])
    out["resp.evaluable.n"] = len(e)
    out |= field_responses("resp", e)
    out |= {
        "resp.noteval.n": len(unseen),
        "resp.noteval.pct": 100 * len(unseen) / len(s),
        "resp.noteval.died": 100 * unseen.dead.sum() / len(unseen),
    }
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
    out["cf.bed_lf.ns"] = stats.mannwhitneyu(g.bed[g.failed], g.bed[~g.failed]).pvalue
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
    out = {
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
    out["dis.gt1site.n"] = int(g.many.sum())
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
