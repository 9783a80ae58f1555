"""What is alike in all of many cohorts although the paper does not print it, and why.

``python -m analysis_lib.reconstruction.alike`` lists it for the consistent cohorts. A quantity that is alike
is either forced (its arithmetic stands in :data:`WHY`), or a convention of the tables that is named there, or
a bug of the engine: a test allows no other.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis_lib.consistent import cohorts

# Why a quantity that is not printed is the same in all cohorts nevertheless.
WHY = {
    "focal courses of two sites": "30 focal sites in 25 patients with one or two each: 30 - 25 = 5.",
    "comprehensive courses of two sites": "32 sites in 29 patients with one or two each: 3, as printed.",
    "patients irradiated after systemic therapy": "54 irradiated - 25 RT - 15 CMT = 14.",
    "later irradiated sites": "93 sites in all - 62 of first courses = 31.",
    "later sites without dose": "13 sites without details - 12 of first courses = 1.",
    "not evaluable later sites": "12 not evaluable - (32 - 30) comprehensive - (30 - 24) focal = 4.",
    "in-field progressions in later courses": "11 in all - 6 comprehensive - 1 focal = 4.",
    "days from salvage to radiotherapy in RT and CMT": (
        "A convention of the tables, not a finding: a planned first regimen with radiotherapy begins with it."
    ),
    "responses before day 21": (
        "A convention, not a finding: a first response is seen at the usual first assessment, around day 30."
    ),
    "systemic therapy after focal radiotherapy alone": (
        "A convention: the paper counts systemic therapy after radiotherapy for comprehensive fields only."
    ),
}


def quantities(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Unprinted quantities of one cohort that an engine could leave constant without noticing.

    Long because it is a list.
    """
    p, sites, lines = tables["patients"], tables["sites"], tables["lines"]
    first, later = sites[sites.course == 1], sites[sites.course > 1]
    course = first.groupby("patient_id").agg(
        field=("rt_field", "first"), n=("rt_start_day", "size"), start=("rt_start_day", "first")
    )
    p = p.set_index("patient_id")
    irradiated = p.loc[course.index]
    more = lines[lines.line > 1]
    had_st = set(more.patient_id[more.modality.isin(["ST", "CMT", "HSCT", "CAR T"])])
    had_rt = set(more.patient_id[more.modality.isin(["RT", "CMT"])])
    rt = irradiated.index[irradiated.salvage_regimen == "RT"]
    wide = course.index[course.field == "comprehensive"]
    responders = p[p.best_response.isin(["CR", "PR"])]
    dead = p[p.vital_status == "dead"]
    transplanted = p[p.transplant_day.notna()]
    bed = first.dose_gy * (1 + first.dose_gy / first.fractions / 10)
    focal = first.rt_field == "focal"
    return {
        "patients with RT then systemic therapy": len(set(rt) & had_st),
        "patients with radiotherapy only, whole course": len(set(rt) - had_st),
        "systemic therapy after focal radiotherapy alone": len((set(rt) - set(wide)) & had_st),
        "patients irradiated after systemic therapy": int((irradiated.salvage_regimen == "ST").sum()),
        "RT patients with a comprehensive field": len(set(rt) & set(wide)),
        "comprehensive fields with several sites of disease": int((p.disease_sites[wide] > 1).sum()),
        "focal courses of two sites": int(((course.field == "focal") & (course.n == 2)).sum()),
        "comprehensive courses of two sites": int(
            ((course.field == "comprehensive") & (course.n == 2)).sum()
        ),
        "later irradiated sites": len(later),
        "later courses": int((~later.duplicated(["patient_id", "course"])).sum()),
        "patients irradiated again": later.patient_id.nunique(),
        "later sites without dose": int(later.dose_gy.isna().sum()),
        "comprehensive sites without dose": int(first.dose_gy[~focal].isna().sum()),
        "not evaluable later sites": int((later.in_field_response == "not evaluable").sum()),
        "in-field progressions in later courses": int((later.in_field_response == "PD").sum()),
        "focal sites of low dose": int((bed[focal] <= 30).sum()),
        "mean dose of comprehensive sites": round(float(first.dose_gy[~focal].mean()), 3),
        "mean dose of later sites": round(float(later.dose_gy.mean()), 3),
        "sites of 37.4 Gy": int((sites.dose_gy == 37.4).sum()),
        "days from salvage to radiotherapy in RT and CMT": int(
            (course.start - irradiated.salvage_start_day)[irradiated.salvage_regimen != "ST"].max()
        ),
        "sum of transplant days": int((transplanted.transplant_day - transplanted.salvage_start_day).sum()),
        "transplanted patients of CMT": int((transplanted.salvage_regimen == "CMT").sum()),
        "deaths without progression": int((dead.last_disease_status != "PD").sum()),
        "EFS2 events": int(
            (p[["progression_day", "next_line_day"]].notna().any(axis=1) | (p.vital_status == "dead")).sum()
        ),
        "responses before day 21": int((responders.response_day < 21).sum()),
        "failures of responders by day 98": int((responders.failure_day <= 98).sum()),
        "longest follow-up, days": int(p.last_follow_up_day.max()),
        "lines of therapy": len(lines),
        "first in-field progression, day": int((sites.in_field_progression_day - sites.rt_start_day).min()),
        "patients with RT and any later radiotherapy": len(set(rt) & had_rt),
        "deaths with normal LDH": int((dead.ldh_elevated == "no").sum()),
        "living censored within 62 days of salvage": int(
            ((p.vital_status == "alive") & (p.last_follow_up_day - p.salvage_start_day < 62)).sum()
        ),
    }


def alike(every: list[dict[str, float]]) -> pd.DataFrame:
    """The quantities that are the same in all these cohorts: ``quantity, value, why``; ``why`` is empty where
    nothing forces it.
    """
    table = pd.DataFrame(every)
    same = [name for name in table if table[name].nunique() == 1]
    return pd.DataFrame(
        {"quantity": same, "value": [table[name][0] for name in same], "why": [WHY.get(n, "") for n in same]}
    )


def main() -> None:
    """The command line."""
    found = alike([quantities(cohorts.tables(number)) for number in cohorts.numbers()])
    print(found.to_string(index=False) if len(found) else "Nothing unprinted is alike in all cohorts.")


if __name__ == "__main__":
    main()
