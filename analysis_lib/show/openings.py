"""How a chapter opens: its question, and the answer in a sentence from rows."""

from __future__ import annotations

import re

import pandas as pd

from analysis_lib.rows.released import require
from analysis_lib.show import payloads
from analysis_lib.show.fragments import fragment
from analysis_lib.show.sentences import sentence

UNANSWERED = "The data of this cohort give no answer in one sentence. What they do give stands below."
ESCAPED = re.compile(r"\\([*_\[\]`~<])")  # as sentences make a hospital's own words inert for Markdown


def opening(question: str, rows: pd.DataFrame, *templates: str) -> None:
    """Show a chapter's question and its answer, or that there is none; sentences about absent rows are left
    out.

    Parameters
    ----------
    question : str
        What the chapter asks, as one would ask it aloud.
    rows : pandas.DataFrame
        Result rows.
    *templates : str
        As :func:`analysis_lib.show.sentences.sentence` takes them.
    """
    require(rows)
    known = rows[rows["statistic"] != "skipped"]
    answer = " ".join(filter(None, (sentence(known, template) for template in templates))) or UNANSWERED
    html = fragment("opening", question=question, answer=ESCAPED.sub(r"\1", answer))
    payloads.show(html, payloads.NOTE, {"kind": payloads.OPENING, "question": question, "answer": answer})
