"""The ledger: every number that the paper prints about its own data, held against the result rows of the
chapters.

Nothing is estimated here. ``claims.csv`` says what is printed, exactly as printed, so that its precision is
known, and which result it speaks of; a claim is met when the result, rounded half up to that precision,
prints the same.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.paper import spoken
from analysis_lib.paper.claims import (
    BOUND,
    NOT_REACHED,
    NUMBER,
    contradictions,
    decimals,
    forks,
    meets,
    parts,
    read_claims,
    read_statements,
)
from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import published
from analysis_lib.rows.results import row

VERDICTS = {
    "reproduced": "the result prints as the paper prints it",
    "differs": "the result prints otherwise",
    "impossible": "no data can meet it, because the paper's other numbers contradict it",
    "one of two": "it and another printed number cannot both be true, and the data meet the other",
    "not computed": "no result speaks of it",
}
EXCLUDE = "This and another printed number cannot both be true."
# the proof is long, and is printed once
PROOF = "The arithmetic stands in the ledger, under “These cannot both be true”."
HELD = ["claim_id", "section", "population", "about", "statistic", "printed", "recomputed", "verdict", "why"]


# --- holding one against the other ----------------------------------------------------------------


def hold_against(claims: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Hold claims against result rows.

    Parameters
    ----------
    claims : pandas.DataFrame
        As :func:`analysis_lib.paper.claims.read_claims` returns them, or some of them.
    rows : pandas.DataFrame
        Result rows of one or several chapters.

    Returns
    -------
    pandas.DataFrame
        One row a claim: ``claim_id, section, population, about, statistic, printed``; ``recomputed`` (at the
        printed precision, rounded half up); ``verdict`` (:data:`VERDICTS`); ``why``: unrounded value,
        arithmetic or what is missing.
    """
    by_id = rows.drop_duplicates("result_id").set_index("result_id", drop=False)
    known = forks()
    reasons = {name: why for name, why in contradictions().items() if name not in known}
    held = {claim["claim_id"]: _hold(claim, by_id, reasons) for claim in claims.to_dict("records")}
    for name, fork in known.items():
        if name in held and held[name]["verdict"] == "differs" and _met(held.get(fork.other)):
            held[name] |= {"verdict": "one of two", "why": f"{EXCLUDE} {PROOF}"}
    return pd.DataFrame(held.values(), columns=HELD)


def _met(held: dict | None) -> bool:
    """Whether the other side of a fork is met; one that is not held here may be."""
    return held is None or held["verdict"] == "reproduced"


def _hold(claim: dict, by_id: pd.DataFrame, reasons: dict[str, str]) -> dict:
    actual, why = _actual(claim["result_id"], claim["field"], by_id)
    if actual is None:
        return claim | {
            "recomputed": "–",
            "verdict": "not computed",
            "why": claim["note"] if not claim["result_id"] else why,
        }
    wanted = parts(claim["printed"])
    shown = [_as_printed(value, piece) for value, piece in zip(actual, wanted)]
    met = [meets(value, piece) for value, piece in zip(actual, wanted)]
    if all(met):
        verdict, why = "reproduced", ""
    elif claim["claim_id"] in reasons:
        verdict, why = "impossible", reasons[claim["claim_id"]]
    else:
        verdict, why = "differs", "before rounding: " + "–".join(_unrounded(value) for value in actual)
    return claim | {"recomputed": "–".join(shown), "verdict": verdict, "why": why}


def _actual(result_id: str, field: str, by_id: pd.DataFrame) -> tuple[list | None, str]:
    """The numbers a claim speaks of (``None`` for one that is not reached), or ``None`` and what is
    missing.
    """
    if not result_id:
        return None, "no result speaks of it"
    if field == "groups":
        below = by_id.index[by_id.index.str.startswith(f"{result_id}.")]
        return ([len(below)], "") if len(below) else (None, f"no result {result_id}")
    if result_id not in by_id.index:
        return None, f"no result {result_id}"
    found = by_id.loc[result_id]
    if found["statistic"] == "skipped":
        return None, found["note"]
    if field == "highest":
        group = by_id[by_id.index.str.startswith(result_id.rpartition(".")[0] + ".")]["value"]
        return [_is_highest(found["value"], group)], ""
    values = [found["lower"], found["upper"]] if field == "limits" else [found[field]]
    if field == "value" and pd.isna(values[0]) and found["statistic"] != "median time":
        return None, found["note"] or f"{result_id} is not defined"
    return [None if pd.isna(value) else float(value) for value in values], ""


def _is_highest(value: float | None, group: pd.Series) -> bool:
    """Whether no median of the group is larger; one that is not reached counts as larger than any that is."""
    return bool(pd.isna(value)) or bool(group.notna().all() and value == group.max())


def _as_printed(value: float | None, printed: str) -> str:
    """A value in the form of the print: same decimals, or so many that it is not zero where the print is not;
    a bound where the paper gives that bound and it holds.
    """
    if value is None:
        return NOT_REACHED
    if BOUND.fullmatch(printed):
        return printed if meets(value, printed) else rounding.number(value, 3)
    if printed == "highest":
        return printed if value else "not highest"
    if printed in ("all", "most"):
        return printed if meets(value, printed) else f"{rounding.number(value, 0)}%"
    shown = rounding.number(value, 1 if printed == NOT_REACHED else decimals(printed))
    if value == 0 or shown.strip("−0.") or not printed.strip("−0."):
        return shown
    return "<0.001" if abs(value) < 0.0005 else rounding.number(value, math.ceil(-math.log10(abs(value))))


def _unrounded(value: float | None) -> str:
    return "not reached" if value is None else "no" if value is False else f"{value:.5g}"


# --- totals, and a chapter's own slice ------------------------------------------------------------


@published
def of_cohort(study: Cohort, results_dir: str | Path = "") -> pd.DataFrame:
    """Every claim held against the rows that the chapters saved, or the row that says why there is no ledger.

    ``results_dir`` is where :func:`analysis_lib.rows.results.save` wrote them.
    """
    if reason := why_not(study):
        return results.skipped("ledger", reason)
    rows = results.read_all(results.folder(study.name, results_dir))
    if rows.empty:
        return results.skipped("ledger", "no chapter has saved its results yet; build the book first")
    claims, said = read_claims(), spoken.rows(study)
    return hold_against(pd.concat([claims, read_statements()]), pd.concat([rows, said]))


@published
def against(study: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """The claims that speak of these rows, held against them, or the row that says why not."""
    if reason := why_not(study):
        return results.skipped("ledger", reason)
    return hold_against(slice_of(rows), rows)


@published
def totals(held: pd.DataFrame, prefix: str = "ledger") -> pd.DataFrame:
    """How many claims got each verdict: rows ``<prefix>.<verdict>`` (share of all claims), and
    ``<prefix>.claims``.
    """
    if results.skip_reason(held):
        return held
    counts = held["verdict"].value_counts()
    return results.collect(
        [
            row(f"{prefix}.claims", "count", len(held), population="claims", method="claims.csv"),
            *(
                row(
                    results.slug(prefix, verdict.replace(" ", "_")),
                    "proportion",
                    100 * counts.get(verdict, 0) / len(held) if len(held) else None,
                    n=len(held),
                    events=int(counts.get(verdict, 0)),
                    population="claims",
                    group=verdict,
                    method="compared at the printed precision, rounding half up",
                )
                for verdict in VERDICTS
            ),
        ]
    )


@published
def by_section(held: pd.DataFrame) -> pd.DataFrame:
    """Verdicts by section of the paper, as finished text: one line a section, one column a verdict, and the
    total.
    """
    if results.skip_reason(held):
        return held
    counts = pd.crosstab(held["section"], held["verdict"]).reindex(
        index=held["section"].unique(), columns=list(VERDICTS), fill_value=0
    )
    counts.insert(0, "claims", counts.sum(axis=1))
    counts.loc["All"] = counts.sum()
    return (
        counts.rename_axis(index="Section", columns=None)
        .reset_index()
        .rename(columns=lambda name: name[:1].upper() + name[1:])
        .astype(str)
    )


@published
def unmet(held: pd.DataFrame) -> pd.DataFrame:
    """The claims that are not reproduced."""
    return held if results.skip_reason(held) else held[held["verdict"] != "reproduced"]


@published
def two_sided(held: pd.DataFrame) -> pd.DataFrame:
    """The claims of which only one of two can be true, both sides, with the arithmetic and what else is
    known, each said once.
    """
    if results.skip_reason(held):
        return held
    known = forks()
    both = held[held["claim_id"].isin(known)]
    said: set[str] = set()
    told = []
    for claim in both["claim_id"]:
        fork = known[claim]
        new = [part for part in (fork.arithmetic, fork.outside) if part not in said]
        told.append(" ".join(new) or "The other side of the claims above, by their arithmetic.")
        said |= set(new)
    return both.assign(why=told)


@published
def near(held: pd.DataFrame) -> pd.DataFrame:
    """Of the claims that are not reproduced, whose result prints otherwise, how many are one unit of the last
    printed digit away: ``ledger.near``.
    """
    if results.skip_reason(held):
        return held
    unmet = ~held["verdict"].isin(["reproduced", "not computed"])
    differ = held.loc[unmet, ["printed", "recomputed"]].replace("−", "-", regex=True)
    pairs = [pair for pair in differ.itertuples(index=False) if all(NUMBER.fullmatch(part) for part in pair)]
    gaps = [
        abs(float(recomputed) - float(printed)) * 10 ** decimals(printed) for printed, recomputed in pairs
    ]
    close = sum(round(gap) <= 1 for gap in gaps)
    return results.collect(
        [
            row(
                "ledger.near",
                "proportion",
                100 * close / len(gaps) if gaps else None,
                n=len(gaps),
                events=close,
                population="single numbers that print otherwise",
                method="distance in units of the last printed digit",
            )
        ]
    )


def why_not(study: Cohort) -> str:
    """Why a cohort has no ledger; empty for one that stands for the paper's."""
    return (
        ""
        if study.of_the_paper
        else (
            "the printed numbers are those of the whole study, so only the reconstructed cohort is held "
            "against "
            "them"
        )
    )


def slice_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The claims that speak of these rows."""
    claims, ids = read_claims(), set(rows["result_id"])
    families = {part.rpartition(".")[0] for part in ids}
    ours = claims["result_id"].isin(ids) | (claims["field"].eq("groups") & claims["result_id"].isin(families))
    return claims[ours].reset_index(drop=True)
