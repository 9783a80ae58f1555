"""The ledger: every number that the paper prints about its own data, held against the result rows of the chapters.

Nothing is estimated here. ``claims.csv`` says what is printed, exactly as printed, so that its precision is known, and
which result it speaks of; a claim is met when the result, rounded half up to that precision, prints the same.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from pathlib import Path

import pandas as pd
from IPython.display import HTML, display

from analysis_lib import results, text
from analysis_lib.cohort import Cohort
from analysis_lib.results import row

HERE = Path(__file__).parent
RECONSTRUCTED = "reconstructed"  # the one cohort that stands for the paper's
VERDICTS = {
    "reproduced": "the result prints as the paper prints it",
    "differs": "the result prints otherwise",
    "impossible": "no data can meet it, because the paper's other numbers contradict it",
    "not computed": "no result speaks of it",
}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
BOUND = re.compile(r"P?([<>])(\d\.\d+)")
NOT_REACHED = "NR"
WORDS = {"highest": "the largest of its group of results", "all": "100 percent"}
HELD = ["claim_id", "section", "population", "about", "statistic", "printed", "recomputed", "verdict", "why"]


# --- what is printed ------------------------------------------------------------------------------------------

@cache
def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / name, dtype=str, keep_default_na=False)


def read_claims() -> pd.DataFrame:
    """The claims, all as text, in the order of the paper.

    Returns
    -------
    pandas.DataFrame
        ``claim_id``; ``section`` of the paper; ``population``, ``about`` and ``statistic``: of whom, of what, and what kind
        of number; ``printed``: as printed, a pair joined by an en dash, ``NR`` for a median not reached, ``P>0.05`` and
        words (:data:`WORDS`) where a statement has no number; ``result_id`` and ``field``: the part of a result row that it
        speaks of (``value``, ``limits``, ``n``, ``events``; ``groups``: how many rows stand below the id; ``highest``:
        whether no other row of its group is larger); ``same_as``: the claim that prints the same quantity first or in more
        detail; ``note``.
    """
    return _table("claims.csv").copy()


def contradictions() -> dict[str, str]:
    """The claims that the paper's own numbers rule out, with the arithmetic in words."""
    return dict(_table("contradictions.csv").itertuples(index=False))


def printed_number(claim_id: str) -> float:
    """The number of a claim, for arithmetic with what is printed."""
    return float(_by_id()[claim_id])


@cache
def _by_id() -> dict[str, str]:
    claims = _table("claims.csv")
    return dict(zip(claims["claim_id"], claims["printed"]))


def decimals(number: str) -> int:
    """Number of decimals of a printed number."""
    return len(number.partition(".")[2])


def parts(printed: str) -> list[str]:
    """A printed claim as its parts: two for a pair of limits, else one.

    Raises
    ------
    ValueError
        If it is none of the forms that :func:`read_claims` describes.
    """
    pieces = printed.split("–")
    known = [bool(NUMBER.fullmatch(piece)) for piece in pieces]
    if len(pieces) == 2 and all(known) or len(pieces) == 1 and (
            known[0] or BOUND.fullmatch(printed) or printed == NOT_REACHED or printed in WORDS):
        return pieces
    raise ValueError(f"{printed!r} is not a printed number, pair, bound, NR or one of {', '.join(WORDS)}")


# --- holding one against the other ----------------------------------------------------------------------------

def hold_against(claims: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Hold claims against result rows.

    Parameters
    ----------
    claims : pandas.DataFrame
        As :func:`read_claims` returns them, or some of them.
    rows : pandas.DataFrame
        Result rows of one or several chapters.

    Returns
    -------
    pandas.DataFrame
        One row a claim: ``claim_id, section, population, about, statistic, printed``; ``recomputed`` (at the printed
        precision, rounded half up); ``verdict`` (:data:`VERDICTS`); ``why``: unrounded value, arithmetic or what is missing.
    """
    by_id = rows.drop_duplicates("result_id").set_index("result_id", drop=False)
    reasons = contradictions()
    held = [_hold(claim, by_id, reasons) for claim in claims.to_dict("records")]
    return pd.DataFrame(held, columns=HELD)


def _hold(claim: dict, by_id: pd.DataFrame, reasons: dict[str, str]) -> dict:
    actual, why = _actual(claim["result_id"], claim["field"], by_id)
    if actual is None:
        return claim | {"recomputed": "–", "verdict": "not computed", "why": claim["note"] if not claim["result_id"] else why}
    wanted = parts(claim["printed"])
    shown = [_as_printed(value, piece) for value, piece in zip(actual, wanted)]
    met = [_meets(value, piece) for value, piece in zip(actual, wanted)]
    if all(met):
        verdict, why = "reproduced", ""
    elif claim["claim_id"] in reasons:
        verdict, why = "impossible", reasons[claim["claim_id"]]
    else:
        verdict, why = "differs", "before rounding: " + "–".join(_unrounded(value) for value in actual)
    return claim | {"recomputed": "–".join(shown), "verdict": verdict, "why": why}


def _actual(result_id: str, field: str, by_id: pd.DataFrame) -> tuple[list | None, str]:
    """The numbers a claim speaks of (``None`` for one that is not reached), or ``None`` and what is missing."""
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


def _is_highest(value, group: pd.Series) -> bool:
    """Whether no median of the group is larger; one that is not reached counts as larger than any that is."""
    return bool(pd.isna(value)) or bool(group.notna().all() and value == group.max())


def _meets(value, printed: str) -> bool:
    bound = BOUND.fullmatch(printed)
    if value is None or printed == NOT_REACHED:
        return value is None and printed == NOT_REACHED
    if bound:
        return value < float(bound[2]) if bound[1] == "<" else value > float(bound[2])
    if printed in WORDS:
        return value is True if printed == "highest" else value == 100
    return text.number(value, decimals(printed)) == printed


def _as_printed(value, printed: str) -> str:
    """A value in the form of the print: same decimals; a bound where the paper gives that bound and it holds."""
    if value is None:
        return NOT_REACHED
    if BOUND.fullmatch(printed):
        return printed if _meets(value, printed) else text.number(value, 3)
    if printed == "highest":
        return printed if value else "not highest"
    if printed == "all":
        return printed if value == 100 else f"{text.number(value, 0)}%"
    return text.number(value, 1 if printed == NOT_REACHED else decimals(printed))


def _unrounded(value) -> str:
    return "not reached" if value is None else "no" if value is False else f"{value:.5g}"


# --- totals, and a chapter's own slice ------------------------------------------------------------------------

def of_cohort(study: Cohort, results_dir: str | Path = "") -> pd.DataFrame:
    """Every claim held against the rows that the chapters saved, or the row that says why there is no ledger.

    ``results_dir`` is where :func:`analysis_lib.results.save` wrote them.
    """
    if reason := why_not(study):
        return results.skipped("ledger", reason)
    rows = results.read_all(results.folder(study.name, results_dir))
    if rows.empty:
        return results.skipped("ledger", "no chapter has saved its results yet; build the book first")
    return hold_against(read_claims(), rows)


def against(study: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """The claims that speak of these rows, held against them, or the row that says why not."""
    if reason := why_not(study):
        return results.skipped("ledger", reason)
    return hold_against(slice_of(rows), rows)


def totals(held: pd.DataFrame, prefix: str = "ledger") -> pd.DataFrame:
    """How many claims got each verdict: rows ``<prefix>.<verdict>`` (share of all claims), and ``<prefix>.claims``."""
    if results.skip_reason(held):
        return held
    counts = held["verdict"].value_counts()
    return results.collect([
        row(f"{prefix}.claims", "count", len(held), population="claims", method="claims.csv"),
        *(row(results.slug(prefix, verdict.replace(" ", "_")), "proportion", 100 * counts.get(verdict, 0) / len(held) if len(held) else None,
              n=len(held), events=int(counts.get(verdict, 0)), population="claims", group=verdict,
              method="compared at the printed precision, rounding half up") for verdict in VERDICTS)])


def by_section(held: pd.DataFrame) -> pd.DataFrame:
    """Verdicts by section of the paper, as finished text: one line a section, one column a verdict, and the total."""
    if results.skip_reason(held):
        return held
    counts = pd.crosstab(held["section"], held["verdict"]).reindex(
        index=held["section"].unique(), columns=list(VERDICTS), fill_value=0)
    counts.insert(0, "claims", counts.sum(axis=1))
    counts.loc["All"] = counts.sum()
    return counts.rename_axis(index="Section", columns=None).reset_index().rename(columns=lambda name: name[:1].upper() + name[1:]).astype(str)


def unmet(held: pd.DataFrame) -> pd.DataFrame:
    """The claims that are not reproduced."""
    return held if results.skip_reason(held) else held[held["verdict"] != "reproduced"]


def show(held: pd.DataFrame, caption: str) -> None:
    """Show claims as a table, by section, each with its reason beneath."""
    if reason := results.skip_reason(held):
        return text.skip(reason)
    display(HTML(_table_of(held, caption)))


def near(held: pd.DataFrame) -> pd.DataFrame:
    """Of the claims whose result prints otherwise, how many are one unit of the last printed digit away: ``ledger.near``."""
    if results.skip_reason(held):
        return held
    differ = held.loc[held["verdict"] == "differs", ["printed", "recomputed"]].replace("−", "-", regex=True)
    pairs = [pair for pair in differ.itertuples(index=False) if all(NUMBER.fullmatch(part) for part in pair)]
    gaps = [abs(float(recomputed) - float(printed)) * 10 ** decimals(printed) for printed, recomputed in pairs]
    close = sum(round(gap) <= 1 for gap in gaps)
    return results.collect([row("ledger.near", "proportion", 100 * close / len(gaps) if gaps else None, n=len(gaps), events=close,
                                population="single numbers that differ", method="distance in units of the last printed digit")])


def why_not(study: Cohort) -> str:
    """Why a cohort has no ledger; empty for the reconstructed one."""
    return "" if study.name == RECONSTRUCTED else (
        "the printed numbers are those of the whole study, so only the reconstructed cohort is held against them")


def beside(study: Cohort, rows: pd.DataFrame) -> None:
    """Show what the paper prints of a chapter's results, beside them; on other cohorts than the reconstructed, nothing.

    ``rows`` are the chapter's saved rows. A repeat of a claim is shown only where it does not say the same.
    """
    held = against(study, rows)
    if results.skip_reason(held):
        return
    repeats = read_claims().set_index("claim_id")["same_as"].reindex(held["claim_id"]).ne("").to_numpy()
    shown = held[~repeats | (held["verdict"] != "reproduced").to_numpy()]
    counts = held["verdict"].value_counts()
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    lines = pd.DataFrame({
        "What": [f"{line.about} ({line.population})" for line in shown.itertuples()], "Kind": shown["statistic"],
        "Printed": shown["printed"], "Here": shown["recomputed"], "Verdict": shown["verdict"]})
    table = text.html_table(lines, "What the paper prints, and what this chapter computes. Agreement is by construction.")
    display(HTML(f'<details class="beside"><summary>The paper\'s printed numbers: {len(held)} claims of this chapter, '
                 f"{said}</summary>{table}</details>"))


def slice_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The claims that speak of these rows."""
    claims, ids = read_claims(), set(rows["result_id"])
    families = {part.rpartition(".")[0] for part in ids}
    ours = claims["result_id"].isin(ids) | (claims["field"].eq("groups") & claims["result_id"].isin(families))
    return claims[ours].reset_index(drop=True)


# --- the ledger's page ----------------------------------------------------------------------------------------

def page(held: pd.DataFrame) -> None:
    """Show the whole ledger as one table with filters that need no server, and a link that saves it as CSV.

    Without JavaScript the whole table stands there, unfiltered.
    """
    if reason := results.skip_reason(held):
        return text.skip(reason)
    display(HTML(page_html(held)))


def page_html(held: pd.DataFrame) -> str:
    """The HTML that :func:`page` shows."""
    saved = base64.b64encode(held.to_csv(index=False).encode("utf-8")).decode("ascii")
    return (
        '<div class="ledger"><div class="ledger-filters" role="search" aria-label="Filter the ledger" hidden>'
        f'{_choice("section", "Section", held["section"])}{_choice("verdict", "Verdict", VERDICTS)}'
        '<label>Words <input type="search" name="words" autocomplete="off"></label> <button type="button">Show all</button>'
        '<p role="status" aria-live="polite"></p></div>'
        f'<p><a download="ledger.csv" href="data:text/csv;charset=utf-8;base64,{saved}">Save the ledger as CSV</a></p>'
        f"{_table_of(held, 'Every printed number, what the chapters compute, and the verdict')}"
        f"<script>{(HERE / 'ledger.js').read_text('utf-8')}</script></div>")


def _table_of(held: pd.DataFrame, caption: str) -> str:
    lines = []
    for section, claims in held.groupby("section", sort=False):
        lines.append(f'<tr class="section" data-section="{html.escape(section)}"><th scope="rowgroup" colspan="4">'
                     f"{html.escape(section)}</th></tr>")
        lines += [reasoned_line(f"{claim.about}: {claim.statistic}", claim.population + (f". {claim.why}" if claim.why else ""),
                                (claim.printed, claim.recomputed, claim.verdict), section) for claim in claims.itertuples()]
    return reasoned_table(lines, caption, ("What, of whom", "Printed", "Recomputed", "Verdict"))


def reasoned_line(what: str, beneath: str, cells: tuple[str, ...], section: str = "") -> str:
    """A line of :func:`reasoned_table`: what it is about, a remark beneath in small print, and the cells; the last is the verdict."""
    data = f' data-section="{html.escape(section)}" data-verdict="{html.escape(cells[-1])}"' if section else ""
    shown = "".join(f'<td class="text">{html.escape(cell)}</td>' for cell in cells)
    return (f'<tr{data}><th scope="row">{html.escape(what[:1].upper() + what[1:])}<br>'
            f'<small style="font-size: 0.87em; font-weight: 400">{html.escape(beneath[:1].upper() + beneath[1:])}</small></th>{shown}</tr>')


def reasoned_table(lines: list[str], caption: str, heads: tuple[str, ...]) -> str:
    """A table whose wide first column holds what is said and why."""
    head = "".join(f'<th scope="col" class="text">{name}</th>' for name in heads)
    return (f'<div class="table-wrap" tabindex="0"><table class="rows" style="width: 100%; min-width: 32rem"><caption>'
            f'{html.escape(caption)}</caption><colgroup><col style="width: 52%"></colgroup><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(lines)}</tbody></table></div>")


def _choice(name: str, label: str, values) -> str:
    options = "".join(f"<option>{html.escape(value)}</option>" for value in dict.fromkeys(values))
    return f'<label style="display: inline-block; max-width: 100%">{label} <select name="{name}" style="max-width: 100%"><option value="">all</option>{options}</select></label> '
