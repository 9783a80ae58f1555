"""The ledger as a page: every printed claim beside the result that answers it."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable

import pandas as pd
from IPython.display import HTML, display

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.paper.claims import HERE, read_claims
from analysis_lib.paper.ledger import VERDICTS, against
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import notes, tables


def show(held: pd.DataFrame, caption: str) -> None:
    """Show claims as a table, by section, each with its reason beneath."""
    require(held)
    if reason := results.skip_reason(held):
        return notes.skip(reason)
    display(HTML(_table_of(held, caption)))


def beside(study: Cohort, rows: pd.DataFrame) -> None:
    """Show what the paper prints of a chapter's results, beside them; on other cohorts than the
    reconstructed, nothing.

    ``rows`` are the chapter's saved rows. A repeat of a claim is shown only where it does not say the same.
    """
    require(rows)
    held = against(study, rows)
    if results.skip_reason(held):
        return
    repeats = read_claims().set_index("claim_id")["same_as"].reindex(held["claim_id"]).ne("").to_numpy()
    shown = held[~repeats | (held["verdict"] != "reproduced").to_numpy()]
    counts = held["verdict"].value_counts()
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    lines = pd.DataFrame(
        {
            "What": [f"{line.about} ({line.population})" for line in shown.itertuples()],
            "Kind": shown["statistic"],
            "Printed": shown["printed"],
            "Here": shown["recomputed"],
            "Verdict": shown["verdict"],
        }
    )
    table = tables.html_table(
        lines, "What the paper prints, and what this chapter computes. Agreement is by construction."
    )
    display(
        HTML(
            f'<details class="beside"><summary>The paper\'s printed numbers: {len(held)} claims of '
            f"this chapter, "
            f"{said}</summary>{table}</details>"
        )
    )


def page(held: pd.DataFrame) -> None:
    """Show the whole ledger as one table with filters that need no server, and a link that saves it as CSV.

    Without JavaScript the whole table stands there, unfiltered.
    """
    require(held)
    if reason := results.skip_reason(held):
        return notes.skip(reason)
    display(HTML(page_html(held)))


def page_html(held: pd.DataFrame) -> str:
    """The HTML that :func:`page` shows."""
    saved = base64.b64encode(held.to_csv(index=False).encode("utf-8")).decode("ascii")
    return (
        '<div class="ledger"><div class="ledger-filters" role="search" aria-label="Filter the ledger" hidden>'
        f"{_choice('section', 'Section', held['section'])}{_choice('verdict', 'Verdict', VERDICTS)}"
        '<label>Words <input type="search" name="words" autocomplete="off"></label> <button '
        'type="button">Show all</button>'
        '<p role="status" aria-live="polite"></p></div>'
        f'<p><a download="ledger.csv" href="data:text/csv;charset=utf-8;base64,{saved}">Save the ledger as '
        f"CSV</a></p>"
        f"{_table_of(held, 'Every printed number, what the chapters compute, and the verdict')}"
        f"<script>{(HERE / 'ledger.js').read_text('utf-8')}</script></div>"
    )


def _table_of(held: pd.DataFrame, caption: str) -> str:
    lines = []
    for section, claims in held.groupby("section", sort=False):
        lines.append(
            f'<tr class="section" data-section="{html.escape(section)}"><th scope="rowgroup" '
            f'colspan="4">'
            f"{html.escape(section)}</th></tr>"
        )
        lines += [
            reasoned_line(
                f"{claim.about}: {claim.statistic}",
                claim.population + (f". {claim.why}" if claim.why else ""),
                (claim.printed, claim.recomputed, claim.verdict),
                section,
            )
            for claim in claims.itertuples()
        ]
    return reasoned_table(lines, caption, ("What, of whom", "Printed", "Recomputed", "Verdict"))


def reasoned_line(what: str, beneath: str, cells: tuple[str, ...], section: str = "") -> str:
    """A line of :func:`reasoned_table`: what it is about, a remark beneath in small print, and the cells; the
    last is the verdict.
    """
    data = (
        f' data-section="{html.escape(section)}" data-verdict="{html.escape(cells[-1])}"' if section else ""
    )
    shown = "".join(f'<td class="text">{html.escape(cell)}</td>' for cell in cells)
    return (
        f'<tr{data}><th scope="row">{html.escape(what[:1].upper() + what[1:])}<br>'
        f'<small style="font-size: 0.87em; font-weight: '
        f'400">{html.escape(beneath[:1].upper() + beneath[1:])}</small></th>{shown}</tr>'
    )


def reasoned_table(lines: list[str], caption: str, heads: tuple[str, ...]) -> str:
    """A table whose wide first column holds what is said and why."""
    head = "".join(f'<th scope="col" class="text">{name}</th>' for name in heads)
    return (
        f'<div class="table-wrap" tabindex="0"><table class="rows" style="width: 100%; min-width: '
        f'32rem"><caption>'
        f'{html.escape(caption)}</caption><colgroup><col style="width: '
        f'52%"></colgroup><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _choice(name: str, label: str, values: Iterable[str]) -> str:
    options = "".join(f"<option>{html.escape(value)}</option>" for value in dict.fromkeys(values))
    return (
        f'<label style="display: inline-block; max-width: 100%">{label} <select name="{name}" '
        f'style="max-width: 100%"><option value="">all</option>{options}</select></label> '
    )
