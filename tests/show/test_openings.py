"""A chapter's answer: in full, in other words where that cannot be said, or why there is none."""

import pytest

from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.rows.results import row
from analysis_lib.show import openings, payloads

KNOWN = row("table1.n.all", "count", 80)
MAIN, OTHER = "Complete responses: {response.cr}.", "The cohort has {table1.n.all} patients."


@pytest.fixture
def answer(monkeypatch):
    said = []
    monkeypatch.setattr(payloads, "show", lambda html, kind, note: said.append(note["answer"]))

    def ask(rows, *templates, **more):
        openings.opening("Who were they?", public(results.collect(rows)), *templates, **more)
        return said[-1]

    return ask


def test_what_can_be_said_otherwise_is_said_only_where_the_answer_cannot(answer):
    both = [KNOWN, row("response.cr", "count", 3)]
    assert answer(both, MAIN, otherwise=[OTHER]) == "Complete responses: 3."
    assert answer([KNOWN], MAIN, otherwise=[OTHER]) == "The cohort has 80 patients."


def test_where_there_is_no_answer_the_reason_is_given(answer):
    skipped = results.skipped("response", "best response is not recorded")
    assert answer([KNOWN, skipped], MAIN) == (
        f"{openings.UNANSWERED}: best response is not recorded. {openings.BELOW}"
    )
    assert answer([KNOWN], MAIN) == f"{openings.UNANSWERED}. {openings.BELOW}"
