"""What the paper prints, computed once more from the tables: every claim's value by its identifier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from scipy import stats

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.paper.claims import read_claims

from .estimates import cox, logrank, median, median_limits, quartiles, rate
from .recomputed_sites import comprehensive_and_focal, radiotherapy, transplant


def recompute(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Every claim's value, or its (lower, upper), from the tables; duration of response counts from infusion
    (:func:`failures.draw` says why).
    """
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

    out = {
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
    out |= discussion(out)
    same = read_claims().set_index("claim_id")["same_as"]
    return {claim: out[first] for claim, first in same[same != ""].items()} | out


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
        out[f"{name}.n"], out[f"{name}.pct"] = int(who.sum()), 100 * who.sum() / len(who)
    cd19 = p.cd19_at_failure.dropna()
    out["cd19.eval.n"] = len(cd19)
    for name, level in (("pos", "positive"), ("neg", "negative")):
        n = int((cd19 == level).sum())
        out[f"cd19.{name}.n"], out[f"cd19.{name}.pct"] = n, 100 * n / len(cd19)
    cr = p.complete_response_day[p.best_response == "CR"] / DAYS_PER_MONTH
    out["res.ttcr.median"], out["res.ttcr.range"] = cr.median(), (cr.min(), cr.max())
    out["lines.median"], out["lines.range"] = n_lines.median(), (n_lines.min(), n_lines.max())
    spans = {
        "res.dor": p.failure_day[p.responder],
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
    out["efs2.grp3.k"] = p.salvage_regimen.nunique()
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
    out |= {
        "uv.os1.bridging.ns": logrank(p.os1, p.dead, p.bridging_therapy),
        "uv.os1.product.ns": logrank(p.os1, p.dead, p.car_t_product),
        "uv.os2.extranodal.ns": out["uv.os2.extranodal.p"],
        "uv.efs2.bulky.ns": out["uv.efs2.bulky.p"],
    }
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


def discussion(out: dict) -> dict:
    """The claims of the Discussion that state something of the Results."""
    found = {
        f"dis.prognostic.{factor}.{endpoint}": out[f"uv.{endpoint}.{factor}.p"]
        for factor in ("bulky", "sites", "ldh", "stage", "ipi3")
        for endpoint in ("os2", "efs2")
    }
    for endpoint, prefix, others in (
        ("os2", "os2.grp5", ("cmt", "st", "st_rt", "rt_st")),
        ("efs2", "efs2.grp3", ("cmt", "st")),
    ):
        highest = max(out[f"{prefix}.{group}.median"] for group in others)
        found[f"dis.rt_superior.{endpoint}"] = bool(out[f"{prefix}.rt.median"] > highest)
    return found
