"""The ledger as a page: every printed claim beside the result that answers it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.paper.claims import HERE, read_claims
from analysis_lib.paper.ledger import PROOF, VERDICTS, against
from analysis_lib.rows import results
from analysis_lib.rows.methods import capital
from analysis_lib.rows.released import require
from analysis_lib.show import notes, payloads, tables
from analysis_lib.show.fragments import finished, fragment
from analysis_lib.show.seen import if_seen

HEADS = ["What, of whom", "Printed", "Recomputed", "Verdict"]
WHERE = "10_ledger.html#these-cannot-both-be-true"  # on the pages of the paper's book
WHOLE = "Every printed number, what the chapters compute, and the verdict"


def show(held: pd.DataFrame, caption: str) -> None:
    """Show claims as a table, by section, each with its reason beneath."""
    require(held)
    if reason := results.skip_reason(held):
        return notes.skip(reason)
    show_reasoned(_by_section(held), caption, HEADS)


@if_seen
def beside(study: Cohort, rows: pd.DataFrame) -> None:
    """Show what the paper prints of a chapter's results, beside them; on other cohorts than the
    reconstructed, nothing.

    ``rows`` are the chapter's saved rows. A repeat of a claim is shown only where it does not say the same.
    """
    require(rows)
    held = against(study, rows)
    if held.empty or results.skip_reason(held):
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
    tables.show_folded(
        lines,
        "What the paper prints, and what this chapter computes. Agreement is by construction.",
        f"The paper's printed numbers in this chapter ({len(held)}): {said}",
    )


def page(held: pd.DataFrame) -> None:
    """Show the whole ledger, folded: one table with filters that need no server, and a link that saves it as
    CSV.

    Without JavaScript the whole table unfolds, unfiltered.
    """
    require(held)
    if reason := results.skip_reason(held):
        return notes.skip(reason)
    parts = _by_section(held)
    payloads.show(page_html(held), payloads.TABLE, _as_table(parts, WHOLE, HEADS))


def page_html(held: pd.DataFrame) -> str:
    """The HTML that :func:`page` shows."""
    saved = base64.b64encode(held.to_csv(index=False).encode("utf-8")).decode("ascii")
    return fragment(
        "ledger",
        sections=list(dict.fromkeys(held["section"])),
        verdicts=list(VERDICTS),
        saved=saved,
        summary=f"Every claim: all {len(held)}, with filters",
        table=finished(reasoned_html(_by_section(held), WHOLE, HEADS)),
        script=finished((HERE / "ledger.js").read_text("utf-8")),
    )


@dataclass(frozen=True)
class Line:
    """A line of a table with reasons: what it is about, the reason that stands beneath the line, the cells
    (the last is the verdict), and of whom it is said, in small print.
    """

    what: str
    why: str
    cells: tuple[str, ...]
    whom: str = ""


def _by_section(held: pd.DataFrame) -> dict[str, list[Line]]:
    return {
        section: [
            Line(
                f"{claim.about}: {claim.statistic}",
                claim.why,
                (claim.printed, claim.recomputed, claim.verdict),
                claim.population,
            )
            for claim in claims.itertuples()
        ]
        for section, claims in held.groupby("section", sort=False)
    }


def show_reasoned(parts: dict[str, list[Line]], caption: str, heads: list[str], summary: str = "") -> None:
    """Show a table whose lines have their reason in a row of its own beneath: as wide as what is seen of the
    table, on a phone too.

    ``parts`` holds the lines by the heading that stands above them, which may be empty; with a ``summary``
    the table opens when that is chosen.
    """
    html = reasoned_html(parts, caption, heads)
    shown = fragment("beside", summary=summary, table=finished(html)) if summary else html
    payloads.show(shown, payloads.TABLE, _as_table(parts, caption, heads))


def reasoned_html(parts: dict[str, list[Line]], caption: str, heads: list[str]) -> str:
    """The HTML that :func:`show_reasoned` shows."""
    return fragment("reasoned", parts=parts, caption=caption, heads=heads, proof=PROOF, where=WHERE)


def _as_table(parts: dict[str, list[Line]], caption: str, heads: list[str]) -> payloads.Table:
    lines: list[list[str]] = []
    sections: list[int] = []
    for part, under in parts.items():
        if part:
            sections.append(len(lines))
            lines.append([part, *[""] * (len(heads) - 1)])
        lines += [
            ["; ".join(filter(None, map(capital, (line.what, _of_whom_and_why(line))))), *line.cells]
            for line in under
        ]
    return payloads.Table(caption, heads, lines, tuple(sections))


def _of_whom_and_why(line: Line) -> str:
    return ". ".join(filter(None, (line.whom, capital(line.why))))
