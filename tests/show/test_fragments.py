"""HTML fragments: words are words, whatever stands in them, and what is shown carries what it says as data."""

import pandas as pd
import pytest
from IPython.display import display
from jinja2 import UndefinedError

from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import fragments, notes, payloads

from everywhere import everywhere


def test_words_are_escaped_and_finished_fragments_are_not():
    inner = fragments.fragment("paragraph", words='<b> & "c"')
    assert inner == "<p>&lt;b&gt; &amp; &quot;c&quot;</p>"
    whole = fragments.fragment("beside", summary=inner, table=fragments.finished(inner))
    assert whole.count("&lt;p&gt;&amp;lt;b") == 1 and whole.count("<p>&lt;b&gt;") == 1


def test_a_word_that_was_forgotten_is_an_error():
    with pytest.raises(UndefinedError, match="reason"):
        fragments.fragment("skip")


@pytest.mark.parametrize("path", sorted(fragments.FOLDER.glob("*.html")), ids=lambda path: path.stem)
def test_no_template_switches_escaping_off(path):
    assert "safe" not in path.read_text("utf-8")


def test_a_note_carries_its_reason_as_data_beside_the_html(monkeypatch):
    shown = []
    everywhere(monkeypatch, display, lambda bundle, raw: shown.append((bundle, raw)))
    notes.skip("no <b>")
    ((bundle, raw),) = shown
    assert raw and bundle["text/html"] == '<p class="skip-note">Not shown: no &lt;b&gt;.</p>'
    assert payloads.note_of({"data": bundle}) == {"kind": payloads.SKIPPED, "reason": "no <b>"}
    assert payloads.note_of({"name": "stdout"}) == {}


def test_a_reason_that_several_things_have_is_said_once_behind_them(monkeypatch):
    told = []
    monkeypatch.setattr(notes, "skip", told.append)
    rows = [
        results.skipped(str(i), note)
        for i, note in enumerate(["one, 12 months: too few", "no events", "one: late", "two: too few"])
    ]
    notes.left_out(public(pd.concat(rows, ignore_index=True)))
    assert told == ["one, 12 months; two: too few. No events. One: late"]
