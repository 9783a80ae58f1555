"""Result rows keep their numbers, and what a reader sees is made from them alone."""

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import public, release
from analysis_lib.rows.results import row
from analysis_lib.show import sentences, tables

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@settings(max_examples=40)  # each writes a file
@given(
    value=st.none() | finite,
    lower=st.none() | finite,
    n=st.none() | st.integers(0, 10**6),
    note=st.text('a,;"\n<>é', max_size=20),
    rule=st.integers(0, 50),
)
def test_rows_survive_writing_and_reading(tmp_path_factory, value, lower, n, note, rule):
    assume(value is None or lower is None or lower <= value)
    folder = tmp_path_factory.mktemp("rows")
    made = results.collect([row("os1.median", "median time", value, lower=lower, n=n, note=note)])
    saved = results.save([release(made, rule)], "x", "04_survival", folder)
    read = results.read(folder / "04_survival.csv")
    pd.testing.assert_frame_equal(read, saved)
    assert read.rule == rule


def test_ids_are_slugs_statistics_are_known_and_ids_are_unique():
    with pytest.raises(ValueError, match="not a dotted slug"):
        row("OS1 median", "median time", 1)
    with pytest.raises(ValueError, match="unknown statistic"):
        row("os1.median", "mode", 1)
    with pytest.raises(ValueError, match="share an id"):
        results.collect([row("a", "count", 1), row("a", "count", 2)])


def test_slug():
    assert results.slug("os2.median", "stage", "IV") == "os2.median.stage.iv"
    assert results.slug("failure", "local + de novo") == "failure.local_plus_de_novo"
    assert results.slug("sites", "≥2") == "sites.ge2"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (2.25, 1, "2.3"),
        (22.5, 0, "23"),
        (16.25, 1, "16.3"),
        (0.005, 2, "0.01"),
        (-1.05, 1, "−1.1"),
        (7.0, 0, "7"),
        (100 * 0.575, 0, "58"),  # stored as 57.49999999999999
        (1.00499999, 2, "1.00"),  # no tie
        (-0.04, 1, "0.0"),  # nothing has no sign
        (-0.05, 1, "−0.1"),
    ],
)
def test_rounding_is_half_up(value, decimals, shown):
    assert rounding.number(value, decimals) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (1.25, 2, 1.3),
        (0.025, 1, 0.03),
        (0.1249, 2, 0.12),
        (9.96, 2, 10),
        (123.4, 2, 120),
        (0.00035, 1, 0.0004),
    ],
)
def test_digits_that_mean_something_are_rounded_half_up(value, digits, shown):
    assert rounding.significant(value, digits) == shown


def test_every_share_of_up_to_300_patients_is_rounded_as_by_hand():
    for n in range(1, 301):
        for events in range(n + 1):
            for decimals in (0, 1):
                by_hand = (2 * 100 * 10**decimals * events + n) // (2 * n) / 10**decimals
                for stored in (100 * events / n, 100 * (1 - (n - events) / n), events / n * 100):
                    assert rounding.half_up(stored, decimals) == by_hand, (events, n)


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        (0.0004, "P < 0.001"),
        (0.004, "P = 0.004"),
        (0.0499, "P = 0.050"),
        (0.0996, "P = 0.10"),
        (0.61, "P = 0.61"),
        (1.0, "P = 1.00"),
        (None, "P not estimable"),
    ],
)
def test_p_values(p, shown):
    assert rounding.p_value(p) == shown


ROWS = public(
    results.collect(
        [
            row("os2.median", "median time", 9.84, lower=6.3, upper=None, n=120, events=64),
            row("os1.median", "median time", None, lower=11.7),
            row("failure.local", "proportion", 77.5, lower=69, upper=84.6, n=120, events=93),
            row("empty", "proportion", None, n=0, events=0),
            row("lines", "range", 2.0, lower=1, upper=8),
            row("dose", "range", 36.7, lower=4, upper=50.4),
            row("rmst.less", "restricted mean", -0.2, lower=-2.7, upper=2.3),
            row("os2.logrank", "p", 0.61),
            row("cox", "hazard ratio", 0.4962, lower=0.291, upper=0.866),
        ]
    )
)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{os2.median}", "9.8 months"),
        ("{os2.median:full}", "9.8 months (95% CI 6.3 to not reached)"),
        ("{os1.median:full}", "not reached (95% CI 11.7 to not reached)"),
        ("{failure.local:share}", "93 of 120 (78%)"),
        ("{empty:share}", ""),  # of nobody nothing is said
        ("{lines:full}", "2 (range 1–8)"),
        ("{dose:full}", "36.7 (range 4.0–50.4)"),
        ("{os2.logrank}", "P = 0.61"),
        ("{cox:full}", "0.50 (95% CI 0.29–0.87)"),
        ("{rmst.less:full}", "−0.2 months (95% CI −2.7 to 2.3)"),
        ("{nobody.knows} and {os2.median}", ""),
    ],
)
def test_sentences_are_filled_from_rows_or_left_out(template, said):
    assert sentences.sentence(ROWS, template) == said


def test_skipped_rows_are_said_and_nothing_else(capsys):
    rows = results.skipped("os2.median", "this cohort has no column salvage_start_day")
    assert results.skip_reason(rows).endswith("salvage_start_day")
    assert results.skip_reason(ROWS) == "" and results.skip_reason(results.pick(rows, "p")) != ""


def test_tables_have_headers_and_escape_what_they_hold():
    made = tables.html_table(pd.DataFrame({"Group": ["<script>alert(1)</script>"], "n": [3]}), "A & B")
    assert "<script>" not in made and "&lt;script&gt;" in made and "<caption>A &amp; B</caption>" in made
    assert made.count('scope="col"') == 2 and made.count('scope="row"') == 1


def test_short_row_names_and_many_columns_make_room():
    assert 'class="rows short"' in tables.html_table(
        pd.DataFrame({"Endpoint": ["OS1"], "Read from": ["last_follow_up_day"]}), "A"
    )
    assert 'class="rows"' in tables.html_table(
        pd.DataFrame({"Group": ["Salvage radiotherapy"], "n": [3]}), "A"
    )
    assert 'class="rows many"' in tables.html_table(
        pd.DataFrame({"Group": ["Salvage radiotherapy"]} | dict.fromkeys("abcde", [3])), "A"
    )
