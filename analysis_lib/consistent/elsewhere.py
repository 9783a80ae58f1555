"""A test from outside: what the consistent cohorts predict of numbers that the authors printed elsewhere.

A conference abstract of the same study groups its patients by the whole salvage course, where the paper goes
by the first regimen. None of its own numbers was aimed at when the cohorts were made from the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.cohort import endpoints, first_course
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent import conditioned
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators.curves import kaplan_meier, quantile
from analysis_lib.estimators.logrank import logrank_test
from analysis_lib.paper.claims import meets, printed_text, read_abstract
from analysis_lib.rows import results
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row, slug

WHOLE_COURSE = {"RT": "RT", "ST": "ST"}  # every other sequence of salvage therapy holds both: CMT
TOLD = ("claim_id", "population", "about", "printed", "follows")
METHOD = "median, lowest and highest over the consistent cohorts"


def whole_course(study: Cohort) -> pd.DataFrame:
    """Result rows of one cohort by the whole salvage course.

    ``whole.n.<rt, cmt, st>`` (patients), ``whole.median.<...>`` (OS2, months), ``whole.logrank`` (P), and
    ``whole.single_site``: of the patients with a comprehensive first course, those with a single site of
    disease at first salvage therapy.
    """
    frame = endpoints.derive(study, "OS2")
    course = frame["salvage_sequence"].astype(str).map(WHOLE_COURSE).fillna("CMT")
    rows = []
    for group in ("RT", "CMT", "ST"):
        of = frame[course == group]
        days = quantile(kaplan_meier(of["days"], of["event"])) if len(of) else None
        months = None if days is None else days / DAYS_PER_MONTH
        rows += [
            row(f"whole.n.{group.lower()}", "count", len(of), group=group),
            row(f"whole.median.{group.lower()}", "median time", months, n=len(of), group=group),
        ]
    rows.append(row("whole.logrank", "p", logrank_test(frame["days"], frame["event"], course).p))
    first = first_course.first_courses(study.sites)
    comprehensive = first.loc[first["rt_field"] == "comprehensive", "patient_id"]
    of = study.patients[study.patients["patient_id"].isin(comprehensive)]
    single = int((of["disease_sites"] == 1).sum())
    rows.append(row("whole.single_site", "proportion", 100 * single / len(of), n=len(of), events=single))
    return results.collect(rows)


def whole_courses(studies: dict[int, Cohort]) -> pd.DataFrame:
    """The rows of :func:`whole_course` of all cohorts, with a column ``cohort``."""
    return pd.concat([whole_course(study).assign(cohort=number) for number, study in studies.items()])


@published
def predictions(courses: pd.DataFrame) -> pd.DataFrame:
    """What the cohorts predict beside what the abstract prints.

    Parameters
    ----------
    courses : pandas.DataFrame
        From :func:`whole_courses`.

    Returns
    -------
    pandas.DataFrame
        One line a number that stands in the abstract only: ``claim_id, population, about, printed``;
        ``follows``: the paper's claims from which it follows without any cohort, empty for a real
        prediction; ``lowest, middle, highest`` over the cohorts (infinite: a median not reached); ``same``
        (cohorts that print the number of the abstract) of ``cohorts``.
    """
    lines = []
    for claim in _only_there().itertuples():
        values = courses.loc[courses["result_id"] == claim.result_id, claim.field]
        reached = values.astype(float).fillna(np.inf).sort_values()
        lines.append(
            {
                **{name: getattr(claim, name) for name in TOLD},
                "lowest": reached.iloc[0],
                "middle": reached.iloc[(len(reached) - 1) // 2],
                "highest": reached.iloc[-1],
                "same": sum(_met(value, claim.printed) for value in values),
                "cohorts": len(values),
            }
        )
    return pd.DataFrame(lines)


def meeting(courses: pd.DataFrame, claim_ids: Iterable[str]) -> list[int]:
    """The numbers of the cohorts that print the same as the abstract in all of these claims."""
    kept = set(courses["cohort"])
    for claim in _only_there().set_index("claim_id").loc[list(claim_ids)].itertuples():
        of = courses[courses["result_id"] == claim.result_id]
        kept &= {each.cohort for each in of.itertuples() if _met(getattr(each, claim.field), claim.printed)}
    return sorted(kept)


def _met(value: Any, printed: str) -> bool:
    return meets(None if pd.isna(value) else float(value), printed)


def _only_there() -> pd.DataFrame:
    claims = read_abstract()
    return claims[claims["result_id"] != ""]


@published
def totals(predicted: pd.DataFrame) -> pd.DataFrame:
    """Result rows of the test.

    ``abstract.shared``: of the numbers that paper and abstract both print, those that are alike;
    ``abstract.follow``: of the abstract's own numbers, those that follow from the paper without any cohort;
    of the others, the real predictions, ``abstract.within`` lie within the range of the cohorts and
    ``abstract.outside`` do not. ``abstract.<claim_id>``: middle, lowest and highest over the cohorts;
    ``events`` of ``n`` cohorts print the number of the abstract, which stands in ``note``.
    """
    shared = read_abstract().query("same_as != ''")
    alike = sum(printed_text(each.same_as) == each.printed for each in shared.itertuples())
    value = predicted["printed"].replace("NR", "inf").astype(float)
    within = (value >= predicted["lowest"]) & (value <= predicted["highest"]) | (predicted["same"] > 0)
    new = predicted["follows"] == ""
    shares = (
        ("shared", alike, len(shared), "numbers that paper and abstract both print"),
        ("follow", int((~new).sum()), len(predicted), "numbers that stand in the abstract only"),
        ("within", int((within & new).sum()), int(new.sum()), "real predictions"),
        ("outside", int((~within & new).sum()), int(new.sum()), "real predictions"),
    )
    return results.collect(
        [
            *(
                row(f"abstract.{name}", "proportion", 100 * events / n, n=n, events=events, population=of)
                for name, events, n, of in shares
            ),
            *(_row(one) for one in predicted.itertuples()),
        ]
    )


SIZES = ("whole.rt.n", "whole.cmt.n", "whole.st.n")
TIMES = ("whole.rt.median", "whole.cmt.median", "whole.st.median", "whole.p")
CLAIMED = {  # what of the abstract could be taken as claims, with the id of what that narrows
    slug("learned.sizes"): (SIZES, slug("learned.sizes.narrower")),
    slug("learned.times"): (TIMES, slug("learned.times.narrower")),
    slug("learned.all"): ((*SIZES, *TIMES, "whole.single"), slug("learned.all.narrower")),
}


@published
def learned(courses: pd.DataFrame, every: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """What the abstract adds when its numbers are taken as claims.

    Parameters
    ----------
    courses, every : pandas.DataFrame
        From :func:`whole_courses`; the result rows of all cohorts.
    names : list of str
        Ids of the results whose ranges are looked at.

    Returns
    -------
    pandas.DataFrame
        Rows ``learned.<sizes, times, all>``: cohorts that print these numbers of the abstract
        (``note``: in words);
        ``....narrower``: by how many percent the ranges are narrower over them than over as many cohorts at
        random (mean over the results), where there are at least :data:`conditioned.FEWEST`.
    """
    values, n = conditioned.values_of(every, names), courses["cohort"].nunique()
    rows = []
    for name, (claims, narrower) in CLAIMED.items():
        kept = meeting(courses, claims)
        told = f"{len(kept)} of {n} cohorts" if kept else "no cohort"
        of: dict = {"population": "consistent cohorts", "n": n, "events": len(kept), "note": told}
        rows.append(row(name, "proportion", 100 * len(kept) / n, **of))
        if conditioned.FEWEST <= len(kept) < n:
            gained = conditioned.narrowing(values, kept)
            rows.append(row(narrower, "part", float(gained.mean()), **of))
    if not any(each["result_id"].endswith("narrower") for each in rows):
        rows.append(row("learned.too_few", "count", conditioned.FEWEST, population="consistent cohorts"))
    return results.collect(rows)


def _row(one: Any) -> dict:
    low, middle, high = (None if np.isinf(x) else x for x in (one.lowest, one.middle, one.highest))
    return row(
        f"abstract.{one.claim_id}",
        "estimate",
        middle,
        lower=low,
        upper=high,
        population=one.population,
        group=one.about,
        n=one.cohorts,
        events=one.same,
        method=METHOD,
        note=one.printed,
    )
