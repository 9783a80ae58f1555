"""The auditor finds what was planted, and lets pass what holds."""

import pandas as pd
import pytest

from analysis_lib.analyses import auditor, failure, participants, radiotherapy, summaries, table_1, weighting
from analysis_lib.cohort import disclosure
from analysis_lib.rows import results
from analysis_lib.rows.results import row

import inventing

K = 5


def share(name, events, n, **more):
    return summaries.proportion(name, events, n) | more


def shown(*rows):
    return disclosure.protect_by(results.collect(rows), K)


def findings(rows):
    """One finding of each row; of its number of patients only where there is no other."""
    found = auditor.audit(rows, K).findings
    return {
        one.result_id: one for one in sorted(found, key=lambda one: one.what.startswith("n "), reverse=True)
    }


def a_table(*cells, n):
    return shown(
        row("table1.n.all", "count", n),
        *(share(f"table1.stage.l{i}.all", cell, n) for i, cell in enumerate(cells)),
    )


def test_tables_that_hold_pass_and_the_certificate_says_what_was_done():
    certificate = auditor.audit(a_table(12, 30, 3, n=45), K)
    assert certificate.passed and certificate.hidden == 1
    words = " ".join(certificate.in_words())
    assert f"{certificate.cells} counts" in words and "does not prove" in words
    assert auditor.audit(a_table(12, 30, 3, n=45), 0).in_words() == [
        "No count of this book is hidden or rounded, so there was nothing to examine."
    ]


def test_bands_that_leave_one_value_are_found():
    """Four times 9 and 4 are 40: with 40 to 44 in all, the hidden count is 4 and each other one 9."""
    found = findings(a_table(9, 9, 9, 9, 4, n=40))
    assert found["table1.stage.l4.all"].possible == (4, 4) and found["table1.stage.l0.all"].possible == (9, 9)
    assert "table1.stage.l0.all" in found["table1.stage.l4.all"].because


def test_an_exact_total_beside_a_hidden_cell_is_found():
    rows = a_table(12, 13, 3, n=28)
    rows.loc[rows["result_id"].isin(["table1.stage.l0.all", "table1.stage.l1.all"]), "events"] = [11, 13]
    rows["n"] = 28
    rows.loc[rows["result_id"] == "table1.n.all", "value"] = 28
    assert findings(rows)["table1.stage.l2.all"].possible == (4, 4)


def test_an_exact_percentage_is_found():
    rows = shown(share("response.cr", 13, 41), share("response.pr", 28, 41))
    rows["value"] = [100 * 13 / 41, 100 * 28 / 41]
    assert findings(rows)["response.cr"].possible == (13, 13)


@pytest.mark.parametrize(
    "leak",
    [
        "OS1: only 3 events",
        "follow-up ends on day 310, before day 365",
        "2 events cannot carry 1 hazard ratio",
        "nobody with CNS disease had the event (separation)",
    ],
)
def test_reasons_that_tell_are_found(leak):
    assert "x" in findings(results.skipped("x", leak))
    assert not findings(disclosure.protect_by(results.skipped("x", leak), K))


def test_extremes_and_test_statistics_are_found():
    rows = results.collect(
        [
            row("a", "range", 4.0, lower=1, upper=9, n=30),
            row("b", "p", 0.04, n=40, note="chi-square 3.94, 1 df"),
        ]
    )
    assert set(findings(rows)) == {"a", "b"}


def test_exact_standardised_differences_are_found():
    study = inventing.invent(7, 60)
    frame = weighting.prepare(study)
    table = table_1.table_1(study)
    assert auditor.audit(results.collect([table, weighting.balance(study, frame)]), K).passed
    exact = weighting.balance(inventing.replace(study, min_cell_count=0), frame)
    exact = exact.assign(
        value=exact["value"].round(4)
    )  # two decimals give away the counts of some cohorts only
    plain, leaking = (
        auditor.audit(results.collect([table, rows]), K) for rows in (weighting.balance(study, frame), exact)
    )
    assert plain.passed and not leaking.passed


def followed(endpoint, n, events, by="", level="", statistic="median time", what="median"):
    name = ".".join(filter(None, [endpoint.lower(), what, by, level]))
    return row(name, statistic, 9.0, n=n, events=events, endpoint=endpoint, by=by, level=level)


RELATED = {
    "overall response beside its parts": (
        "response.pr",
        [
            share("response.orr", 14, 60),
            share("response.cr", 10, 60),
            share("response.pr", 4, 60),
            share("response.sd", 23, 60),
            share("response.pd", 23, 60),
        ],
    ),
    "events of groups beside those of all": (
        "os2.median.stage.c",
        [
            followed("OS2", 60, 19),
            followed("OS2", 20, 19, "stage", "a"),
            followed("OS2", 20, 0, "stage", "b"),
            followed("OS2", 20, 0, "stage", "c"),
        ],
    ),
    "ways in which follow-up ended": (
        "efs2.ended_by.death",
        [
            followed("EFS2", 24, 14),
            row("efs2.ended_by.progression", "count", 14, n=24, events=14, endpoint="EFS2"),
            row("efs2.ended_by.alive", "count", 10, n=24, events=14, endpoint="EFS2"),
            row("efs2.ended_by.death", "count", 0, n=24, events=14, endpoint="EFS2"),
        ],
    ),
}


@pytest.mark.parametrize("relation", RELATED)
def test_each_relation_finds_what_is_planted_in_it(relation):
    """The whole is shown exactly, as code that forgets the rule would: the hidden part follows. As the rule has
    it, nothing does.
    """
    hidden, rows = RELATED[relation]
    assert not findings(shown(*rows))
    leaking = shown(*rows)
    exact = results.collect(rows)
    for column in ("n", "events"):
        shows = leaking[column].notna()
        leaking.loc[shows, column] = exact.loc[shows, column]
    counts = leaking["statistic"].isin(["count", "proportion"]) & leaking["value"].notna()
    leaking.loc[counts, "value"] = exact.loc[counts, "value"]
    assert findings(leaking)[hidden].possible is not None


def test_more_at_risk_later_than_before_is_no_answer():
    rows = [
        followed("OS2", 60, 40),
        *(
            row(f"os2.at_risk{month}", "at risk", left, n=60, events=40, endpoint="OS2")
            for month, left in ((12, 20), (24, 33))
        ),
    ]
    assert any("could not be true" in one.what for one in findings(shown(*rows)).values())


def test_a_level_that_nobody_has_is_a_line_of_the_table():
    """Without it the levels that are there would add up to everybody."""
    study = inventing.invent(3, 40)
    patients = study.patients.assign(
        vital_status=study.patients["vital_status"]
        .map(lambda _: "alive")
        .astype(study.patients["vital_status"].dtype)
    )
    rows = table_1.table_1(inventing.replace(study, patients=patients)).set_index("result_id")
    assert rows.loc["table1.vital_status.dead.all", "note"] == "fewer than 5"
    assert rows.loc["table1.vital_status.alive.all", "note"] == "all but fewer than 5"
    assert auditor.audit(rows.reset_index(), K).passed


def test_the_order_of_rows_does_not_tell_which_hidden_count_is_larger():
    regions = [*["neck"] * 2, *["pelvis"] * 4, *["thorax"] * 12]

    def order(few):
        study = inventing.invent(3, 40)
        sites = study.sites.drop_duplicates("patient_id").head(len(few)).assign(region=few)
        return list(
            radiotherapy.shares(inventing.replace(study, sites=sites), "region", "rt.region")["level"]
        )

    swapped = [{"neck": "pelvis", "pelvis": "neck"}.get(one, one) for one in regions]
    assert order(regions) == order(swapped) and order(regions)[0] == "thorax"


def test_several_tables_are_solved_together():
    """No sum alone narrows them, all together do."""
    rows = a_table(9, 9, 9, 9, 4, n=40)
    assert findings(rows)["table1.stage.l4.all"].possible == (4, 4)


def test_books_of_invented_hospitals():
    for seed in range(12):
        study = inventing.invent(seed)
        rows = results.collect(
            [
                table_1.table_1(study),
                participants.flow(study),
                failure.best_responses(study),
                radiotherapy.volume(study),
            ]
        )
        certificate = auditor.audit(rows, K)
        assert not certificate.findings or all(one.possible for one in certificate.findings)
        assert isinstance(rows, pd.DataFrame) and certificate.cells > 10


def test_a_number_of_table_1_has_a_line_for_those_in_whom_it_is_missing_and_no_other():
    """That line alone does not add up to everybody."""
    rows = [
        row("table1.n.all", "count", 60),
        share("table1.blasts.missing.all", 12, 60, by="blasts", level="missing"),
    ]
    assert not findings(shown(*rows))
