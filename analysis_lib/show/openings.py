"""How a chapter opens: its question, and the answer in a sentence from rows."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from analysis_lib.rows.released import require
from analysis_lib.show import payloads
from analysis_lib.show.fragments import fragment
from analysis_lib.show.notes import plain
from analysis_lib.show.sentences import sentence

UNANSWERED = "The data of this cohort give no answer in one sentence"
BELOW = "What they do give stands below."
ESCAPED = re.compile(r"\\([*_\[\]`~<])")  # as sentences make a hospital's own words inert for Markdown


def opening(question: str, rows: pd.DataFrame, *templates: str, otherwise: Sequence[str] = ()) -> None:
    """Show a chapter's question and its answer, or that there is none and why; sentences about absent rows
    are left out.

    Parameters
    ----------
    question : str
        What the chapter asks, as one would ask it aloud.
    rows : pandas.DataFrame
        Result rows.
    *templates : str
        As :func:`analysis_lib.show.sentences.sentence` takes them.
    otherwise : sequence of str
        What a cohort that cannot give this answer may say instead.
    """
    require(rows)
    reasons = rows.loc[rows["statistic"] == "skipped", "note"].dropna()
    reason = reasons.iloc[0].rstrip(".") if len(reasons) else ""
    answer = _said(rows, templates) or _said(rows, otherwise) or _unanswered(reason)
    html = fragment("opening", question=question, answer=ESCAPED.sub(r"\1", answer))
    note = {"kind": payloads.OPENING, "question": question, "answer": answer, "reason": reason}
    payloads.show(html, payloads.NOTE, note)


def _said(rows: pd.DataFrame, templates: Sequence[str]) -> str:
    known = rows[rows["statistic"] != "skipped"]
    return " ".join(filter(None, (sentence(known, template) for template in templates)))


def _unanswered(reason: str) -> str:
    because = ": " + plain(reason) if reason else ""
    return UNANSWERED + because + ". " + BELOW
