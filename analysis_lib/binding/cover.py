"""What the book of the paper's cohort found, as five cards for its cover, each built from result rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import small
from analysis_lib.show.fragments import finished, fragment
from analysis_lib.show.sentences import sentence

MARK = "<!-- findings -->"  # where the first page holds the cards
FILE = "findings.html"  # among the generated files


@dataclass(frozen=True)
class Finding:
    """A card: what it says, in templates of :func:`analysis_lib.show.sentences.sentence`; the page and
    section to which it leads; what it draws: which rows with which words, as intervals or as bars.
    """

    title: str
    words: str
    page: str
    small: str
    drawn: dict[str, str]
    as_bars: bool = False


FINDINGS = (
    Finding(
        "Responding to CAR T seems to halve the risk of death. Start the clock fairly, and the paper no "
        "longer tells.",
        "Hazard ratio {immortal.response.naive} counted from the infusion, {immortal.response.delayed} with "
        "delayed entry: over the cohorts consistent with the paper it goes from "
        "{range.immortal.response.delayed:lower} to {range.immortal.response.delayed:upper}.",
        "09_beyond.html#a-response-that-had-to-be-lived-to-see",
        "Beyond the paper · 6 minutes",
        {"immortal.response.naive": "from infusion", "immortal.response.delayed": "delayed entry"},
    ),
    Finding(
        "Whether later radiotherapy looks protective depends on how time is counted.",
        "A hazard ratio of {immortal.st.naive} becomes {immortal.st.timed} once radiotherapy counts only "
        "from the day on which it started; over the cohorts consistent with the paper this goes from "
        "{range.immortal.st.timed:lower} to {range.immortal.st.timed:upper}.",
        "09_beyond.html#is-a-second-modality-better-or-only-later",
        "Beyond the paper · 5 minutes",
        {"immortal.st.naive": "by what came later", "immortal.st.timed": "from its start on"},
    ),
    Finding(
        "Radiotherapy or systemic therapy? The paper leaves it open.",
        "Systemic against radiotherapy: hazard ratio {weighted.os2.crude:full} as the patients are, "
        "{weighted.os2.overlap:full} between patients who are alike.",
        "09_beyond.html#would-the-same-patients-live-longer-after-the-other-treatment",
        "Beyond the paper · 8 minutes",
        {"weighted.os2.crude": "as they are", "weighted.os2.overlap": "alike"},
    ),
    Finding(
        "{ledger.claims} printed numbers, and a few that cannot all be true.",
        "{ledger.reproduced:events} are reproduced. The Discussion counts {context.printed.discussion:n} "
        "patients whose disease failed, the Results {context.printed.results:n}.",
        "10_ledger.html",
        "The ledger · 4 minutes",
        {"ledger.impossible": "cannot be true", "ledger.reproduced": "reproduced"},
        as_bars=True,
    ),
    Finding(
        "Where the truth is known, the naive answer hardly ever holds it.",
        "Of {coverage.immortal.naive:n} simulated studies, the naive interval held the truth about immortal "
        "time in {coverage.immortal.naive}; with the remedy it was {coverage.immortal.remedy}.",
        "13_known_truth.html#once-is-no-proof",
        "Where the truth is known · 7 minutes",
        {"coverage.immortal.naive": "naive", "coverage.immortal.remedy": "remedy"},
        as_bars=True,
    ),
)


def write(study: Cohort, book: Path) -> None:
    """Write the cards of the paper's cohort to the generated files of ``book``."""
    rows = require(results.read_all(book / "cohorts" / study.name / "results"))
    told = [told for each in FINDINGS if (told := card(each, rows, f"cohorts/{study.name}/"))]
    (book / "generated" / FILE).write_text(fragment("cards", cards=told), "utf-8")


def card(finding: Finding, rows: pd.DataFrame, where: str) -> dict:
    """What a card shows; empty where a row is missing that it speaks of or draws."""
    title, words = sentence(rows, finding.title), sentence(rows, finding.words)
    if not title or not words or not set(finding.drawn) <= set(rows["result_id"]):
        return {}
    draw = small.bars if finding.as_bars else small.intervals
    return {
        "href": where + finding.page,
        "picture": finished(draw(rows, finding.drawn)),
        "title": title,
        "words": words,
        "small": f"{finding.small} · synthetic patients",
    }
