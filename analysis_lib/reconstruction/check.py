"""Independent check: re-analyse the tables with lifelines, greenwood and scipy, and hold every printed claim
against it.

``python -m analysis_lib.reconstruction.check [FOLDER]`` prints the claims that the tables do not reproduce,
and a count. Nothing here comes from the annealer, and nothing here feeds it; sites and lines are drawn again
when this check misses one.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.files.places import RECONSTRUCTED
from analysis_lib.paper.claims import contradictions, meets, parts, read_claims

from .recomputed import recompute

DESIGN = {"met.centers.n", "met.years"}  # facts of the design that the tables do not hold


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The four tables of a folder."""
    return {name: pd.read_csv(folder / f"{name}.csv") for name in ("patients", "sites", "lines", "screening")}


def compare(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every claim with its printed and recomputed value and whether they agree."""
    found, impossible = recompute(tables), contradictions()
    rows = []
    for claim, printed in read_claims()[["claim_id", "printed"]].itertuples(index=False):
        if claim in DESIGN:
            rows.append((claim, printed, "", "design"))
            continue
        values = found[claim] if isinstance(found[claim], tuple) else (found[claim],)
        values = [None if value == math.inf else value for value in values]
        good = all(meets(value, part) for value, part in zip(values, parts(printed), strict=True))
        shown = "–".join("NR" if value is None else f"{value:.6g}" for value in values)
        verdict = "match" if good else "impossible" if claim in impossible else "miss"
        rows.append((claim, printed, shown, verdict))
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
        "courses that death cut short but credits whole": int(
            (died & (follow <= (s.fractions - 1 + 2 * ((s.fractions - 1) // 5)).fillna(0))).sum()
        ),
        "most sites in the CNS of one patient": int(s[s.region == "CNS"].groupby("patient_id").size().max()),
        "living patients in ECOG 4": int((~dead & (p.ecog == 4)).sum()),
        "deaths a year, ECOG 0 less ECOG 1": round(
            deaths_a_year(os2, dead, p.ecog == 0) - deaths_a_year(os2, dead, p.ecog == 1), 2
        ),
        "living censored within 62 days of salvage": int((~dead & (os2 < 62)).sum()),
        "odds ratio, elevated LDH and advanced stage": odds_ratio(
            p.ldh_elevated == "yes", p.stage.isin(["III", "IV"])
        ),
        "odds ratio, elevated LDH and bulk": odds_ratio(
            (p.ldh_elevated == "yes")[p.bulky_disease.isin(["yes", "no"])],
            (p.bulky_disease == "yes")[p.bulky_disease.isin(["yes", "no"])],
        ),
        "rank correlation, sites of disease and elevated LDH": round(
            float(p.disease_sites.corr((p.ldh_elevated == "yes").astype(int), "spearman")), 2
        ),
        "shortest gap between lines (days)": int(gaps.min()),
        "median gap between lines (days)": float(gaps.median()),
        "salvage more than 120 days after failure": int((p.salvage_start_day - p.failure_day > 120).sum()),
        "responses seen before day 21": int((p.response_day < 21).sum()),
        "longest follow-up (months)": round(p.last_follow_up_day.max() / DAYS_PER_MONTH, 1),
        "at risk for OS2 at 24 months": int((os2 >= 24 * DAYS_PER_MONTH).sum()),
        "at risk for OS2 at 36 months": int((os2 >= 36 * DAYS_PER_MONTH).sum()),
    }


def deaths_a_year(days: pd.Series, dead: pd.Series, who: pd.Series) -> float:
    """Deaths per year of follow-up."""
    return float(dead[who].sum() / (days[who].sum() / (12 * DAYS_PER_MONTH)))


def odds_ratio(one: pd.Series, other: pd.Series) -> float:
    """Odds ratio of two yes/no columns, with half a patient in each cell."""
    n = pd.crosstab(one, other).reindex(index=[False, True], columns=[False, True], fill_value=0) + 0.5
    return round(float(n.loc[True, True] * n.loc[False, False] / n.loc[True, False] / n.loc[False, True]), 2)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.check", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", nargs="?", type=Path, default=RECONSTRUCTED.parent)
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
