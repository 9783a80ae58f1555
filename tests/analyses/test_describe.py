"""Descriptions: proportions, medians and tests with known answers, Table 1 as printed, and cohorts with
little in them.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.display import display
from scipy import stats

from analysis_lib.analyses import failure, participants, summaries, survival, table_1
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary import rules
from analysis_lib.dictionary.columns import PATIENTS, YES_NO
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import tables as shown_tables
from analysis_lib.show.numbers import n_percent, rough_told, share

from everywhere import as_html, everywhere

REGIMEN = ["RT"] * 4 + ["CMT"] * 2 + ["ST"] * 4


def study_of(n=10, index_event=CAR_T, lines=None, sites=None, screening=None, **columns):
    """A cohort of n patients, half of them dead, with the columns given."""
    patients = pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "last_follow_up_day": pd.array([100 + i for i in range(n)], dtype="Int64"),
            "vital_status": pd.Categorical(
                ["dead" if i % 2 else "alive" for i in range(n)], ["alive", "dead"], ordered=True
            ),
        }
    )
    for name, values in columns.items():
        rule = rules.DERIVED.get(name)
        meta = {"kind": "level", "levels": YES_NO} if rule else PATIENTS.columns[name].metadata
        patients[name] = (
            pd.Categorical(values, list(meta["levels"]), ordered=True)
            if meta["kind"] == "level"
            else pd.array(values, dtype="Int64")
        )
    tables = {"lines": lines, "sites": sites, "screening": screening}
    return Cohort(
        "test",
        "Test",
        index_event,
        False,
        "",
        patients,
        **{name: table for name, table in tables.items() if table is not None},
    )


def by_id(rows):
    return rows.set_index("result_id")


def html_of(monkeypatch, show, *arguments):
    shown = []
    everywhere(monkeypatch, display, lambda thing, **_: shown.append(as_html(thing)))
    show(*arguments)
    return "\n".join(shown)


# Building blocks


@pytest.mark.parametrize(
    "events, n, low, high", [(0, 10, 0, 30.8497), (5, 10, 18.7086, 81.2914), (10, 10, 69.1503, 100)]
)
def test_exact_interval(events, n, low, high):
    row = summaries.proportion("x", events, n)
    assert row["lower"] == pytest.approx(low, abs=1e-3) and row["upper"] == pytest.approx(high, abs=1e-3)


def test_nobody_to_count_is_no_proportion():
    assert summaries.proportion("x", 0, 0)["value"] is None


@given(st.integers(1, 300), st.data())
def test_a_proportion_lies_in_its_interval(n, data):
    row = summaries.proportion("x", data.draw(st.integers(0, n)), n)
    assert 0 <= row["lower"] <= row["value"] <= row["upper"] <= 100


def test_spread_gives_quartiles_of_type_7_and_months():
    row = summaries.spread("x", pd.Series([1, 2, 3, 4, None]))
    assert (row["value"], row["lower"], row["upper"], row["n"]) == (2.5, 1.75, 3.25, 4)
    assert summaries.spread("x", pd.Series([30.4375 * 2]), days=True)["value"] == 2
    assert summaries.spread("x", pd.Series([], dtype=float), "range")["value"] is None


def test_association_is_pearson_without_correction():
    """The paper's Table 1: LDH by regimen gives P = 0.00671, performance status warns of small expected
    counts.
    """
    ldh = frame_of({"yes": [8, 11, 52], "no": [17, 4, 28]})
    assert summaries.association(ldh, "level", "group", "x")["value"] == pytest.approx(0.00671, abs=5e-6)
    ecog = frame_of({"0": [12, 2, 15], "1": [9, 9, 53], "2": [1, 4, 9], "3": [0, 0, 3], "4": [3, 0, 0]})
    row = summaries.association(ecog, "level", "group", "x")
    assert row["value"] < 0.001 and "9 of 15 expected counts below 5: a rough approximation" in row["note"]


def test_missing_values_are_not_tested():
    """The paper's bulky disease: P = 0.61 without the five patients whose bulk is not known."""
    bulk = frame_of({"yes": [5, 5, 21], "no": [15, 7, 42], None: [0, 1, 4]})
    row = summaries.association(bulk, "level", "group", "x")
    assert row["value"] == pytest.approx(0.6097, abs=5e-5) and row["n"] == 95
    assert "rough" not in row["note"]  # one of six below 5 is within Cochran's rule


def frame_of(counts):
    records = [
        (level, group)
        for level, numbers in counts.items()
        for group, n in zip(("RT", "CMT", "ST"), numbers)
        for _ in range(n)
    ]
    return pd.DataFrame(records, columns=["level", "group"])


def test_permutation_agrees_with_the_approximation_where_counts_are_large_and_repeats_itself():
    ldh = frame_of({"yes": [8, 11, 52], "no": [17, 4, 28]})
    first, again = (summaries.association_by_permutation(ldh, "level", "group", "x") for _ in range(2))
    assert first == again and first["value"] == pytest.approx(0.0067, abs=0.003)
    few = frame_of({"yes": [2, 7, 0], "no": [9, 3, 0]})  # the third group has nobody
    odds = stats.hypergeom(21, 9, 11)  # how many of the first group's 11 are among the 9, by chance
    exact = sum(odds.pmf(k) for k in range(10) if abs(k - 11 * 9 / 21) >= abs(2 - 11 * 9 / 21) - 1e-9)
    found = summaries.association_by_permutation(few, "level", "group", "x")["value"]
    assert found == pytest.approx(exact, abs=3 * (exact / 9999) ** 0.5)
    alike = frame_of({"yes": [3, 2, 1]})
    assert summaries.association_by_permutation(alike, "level", "group", "x")["value"] is None


def test_permutation_of_very_many_patients():
    """Their reshuffled order would fill the memory of any laptop."""
    rng = np.random.default_rng(1)
    many = pd.DataFrame({"level": rng.integers(0, 4, 500_000), "group": rng.integers(0, 3, 500_000)})
    by_chance = summaries.association_by_permutation(many.astype("category"), "level", "group", "x")
    close = summaries.association(many.astype("category"), "level", "group", "x")
    assert by_chance["value"] == pytest.approx(close["value"], abs=0.02) and by_chance["n"] == 500_000


# Flow


def test_flow_counts_screened_included_regimens_and_any_radiotherapy():
    screening = pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(14)],
            "included": ["yes"] * 10 + ["no"] * 4,
            "exclusion_reason": [None] * 10 + ["no failure", "no failure", "other", None],
        }
    )
    lines = pd.DataFrame(
        {"patient_id": ["P6", "P7"], "line": [2, 2], "line_start_day": [60, 60], "modality": ["CMT", "ST"]}
    )
    sites = pd.DataFrame({"patient_id": ["P0", "P8", "P8"], "rt_start_day": [10, 10, 10]})
    count = by_id(
        participants.flow(study_of(salvage_regimen=REGIMEN, screening=screening, lines=lines, sites=sites))
    )["value"]
    assert count[["flow.database", "flow.not_included", "flow.included"]].tolist() == [14, 4, 10]
    assert count["flow.not_included.no_failure"] == 2 and "flow.not_included.other_disease" not in count
    assert [count[f"flow.salvage_regimen.{r}"] for r in ("rt", "cmt", "st")] == [4, 2, 4]
    assert count["flow.any_rt"] == 8  # RT and CMT first, P6 by its line, P8 by its sites
    assert [count[f"flow.any_rt.salvage_regimen.{r}"] for r in ("rt", "cmt", "st")] == [4, 2, 2]


def test_flow_of_a_bare_cohort_starts_and_ends_at_the_patients():
    assert participants.flow(study_of())["result_id"].tolist() == ["flow.included"]


def test_flow_keeps_an_empty_regimen_and_counts_the_unknown():
    count = by_id(participants.flow(study_of(4, salvage_regimen=["RT", "RT", "ST", None])))["value"]
    assert count["flow.salvage_regimen.cmt"] == 0 and count["flow.salvage_regimen.unknown"] == 1


def test_lines_per_patient_are_the_highest_number():
    lines = pd.DataFrame(
        {"patient_id": ["P0", "P0", "P1", "P2"], "line": [1, 3, 1, 2], "line_start_day": 1, "modality": "ST"}
    )
    row = participants.salvage_lines(study_of(lines=lines)).iloc[0]
    assert (row["value"], row["lower"], row["upper"], row["n"]) == (2, 1, 3, 3)


def test_ends_add_up_and_say_what_cannot_be_followed():
    rows = by_id(survival.ends(study_of(salvage_start_day=[50] * 10, progression_day=[60] * 3 + [None] * 7)))
    efs2 = rows[rows.index.str.startswith("efs2.ended_by")]
    assert efs2["value"].sum() == 10 and rows.loc["efs2.ended_by.progression_or_relapse", "value"] == 3
    assert efs2.loc["efs2.ended_by.death", "value"] == 4
    assert (
        "failure_day" in rows.loc["efs1.ended_by", "note"]
        and rows.loc["lc.ended_by", "statistic"] == "skipped"
    )


# Table 1


def test_table_1_percentages_have_everyone_below_the_line():
    rows = by_id(
        table_1.table_1(study_of(salvage_regimen=REGIMEN, stage=["I"] * 5 + ["IV"] * 3 + [None] * 2))
    )
    assert n_percent(rows.loc["table1.stage.i.rt"]) == "4 (100.0)"
    assert n_percent(rows.loc["table1.stage.iv.st"]) == "2 (50.0)"
    assert n_percent(rows.loc["table1.stage.missing.all"]) == "2 (20.0)"
    assert n_percent(rows.loc["table1.stage.missing.rt"]) == "0 (0)"
    assert rows.loc["table1.stage.p", "n"] == 8
    assert (
        not rows.index.str.contains("stage.ii.").any()
        and not rows.index.str.contains("vital_status.missing").any()
    )


def test_bulk_is_counted_among_patients_without_cns_disease():
    rows = by_id(
        table_1.table_1(
            study_of(cns_disease=["yes"] * 4 + ["no"] * 6, bulky_disease=["yes"] * 7 + ["no"] * 3)
        )
    )
    assert n_percent(rows.loc["table1.bulky_disease.yes.all"]) == "3 (50.0)"
    assert rows.loc["table1.bulky_disease.yes.all", "population"] == "all patients, without CNS disease"


def test_table_1_without_regimens_has_one_column_and_no_test():
    rows = table_1.table_1(study_of(stage=["I"] * 10))
    assert not (rows["statistic"] == "p").any() and rows["result_id"].str.startswith("table1.n.").sum() == 1


def test_table_1_names_absent_columns_but_no_car_t_where_it_does_not_apply():
    missed = by_id(table_1.table_1(study_of(index_event="study entry"))).loc["table1.left_out", "note"]
    assert "ecog" in missed and "car_t_product" not in missed
    assert "car_t_product" in by_id(table_1.table_1(study_of())).loc["table1.left_out", "note"]


def test_table_1_as_shown(monkeypatch):
    rows = table_1.table_1(study_of(salvage_regimen=REGIMEN, two_or_more_sites=["yes"] * 3 + ["no"] * 7))
    shown = html_of(monkeypatch, shown_tables.characteristics, rows, "Characteristics.")
    assert '<tr class="section"><th scope="row" colspan="5">Number of disease sites</th>' in shown
    assert (
        '<th scope="row" class="level">2 or more</th><td>3 (75.0)</td><td>0 (0)</td><td>0 (0)</td><td>3 '
        "(30.0)</td>"
    ) in shown
    assert '<th scope="col">RT (n = 4)</th>' in shown and "†" in shown and "Not shown" in shown


def test_a_rough_p_value_bears_its_dagger_in_every_table(monkeypatch):
    rows = table_1.table_1(study_of(salvage_regimen=REGIMEN, two_or_more_sites=["yes"] * 3 + ["no"] * 7))
    apart = table_1.furthest_apart(rows)
    shown = html_of(monkeypatch, shown_tables.compared_table, apart, "Apart.", "Line")
    assert re.search(r"<td>[\d.< ]+ †</td>", shown) and "† Small expected counts: a rough approx" in shown
    assert rough_told(apart.assign(note="")) == ""


def test_table_1_of_one_patient(monkeypatch):
    study = study_of(1, salvage_regimen=["ST"], ecog=[1])
    shown = html_of(monkeypatch, shown_tables.characteristics, table_1.table_1(study), "One.")
    assert "1 (100.0)" in shown


# Responses and failure


def test_responses_count_the_known_only():
    rows = by_id(
        failure.best_responses(study_of(best_response=["CR"] * 2 + ["PR"] + ["PD"] * 5 + [None] * 2))
    )
    assert (
        share(rows.loc["response.orr"]) == "3 of 8 (38%)" and share(rows.loc["response.sd"]) == "0 of 8 (0%)"
    )


def test_response_times_take_whom_they_should():
    study = study_of(
        3,
        best_response=["CR", "PR", "PD"],
        first_assessment_day=[28, 30, 35],
        failure_day=[130, 60, 35],
        response_day=[30, 30, None],
        complete_response_day=[61, None, None],
    )
    rows = by_id(failure.response_times(study))
    assert rows.loc["response.first_assessment", "value"] == 30
    assert (
        rows.loc["response.time_to_cr", "value"] == pytest.approx(61 / 30.4375)
        and rows.loc["response.time_to_cr", "n"] == 1
    )
    assert (
        rows.loc["response.duration", "value"] == pytest.approx(65 / 30.4375)
        and rows.loc["response.duration", "n"] == 2
    )
    assert rows.loc["response.until_failure", ["value", "n"]].tolist() == [
        pytest.approx(95 / 30.4375),
        2,
    ]  # the median of days 130 and 60


def test_failure_patterns_join_what_has_a_local_part():
    rows = by_id(
        failure.failure_patterns(
            study_of(failure_pattern=["local"] * 3 + ["local and de novo"] * 4 + [None] * 3)
        )
    )
    assert share(rows.loc["failure.any_local"]) == "7 of 7 (100%)"
    assert (
        rows.loc["failure.pattern.de_novo", "events"] == 0
        and rows.loc["failure.pattern.local", "events"] == 3
    )


def test_cd19_keeps_the_untested_apart():
    study = study_of(cd19_at_failure=["positive"] * 4 + ["negative"] + [None] * 5)
    rows, bounds = by_id(failure.cd19(study)), by_id(failure.cd19_bounds(study))["value"]
    assert share(rows.loc["cd19.negative"]) == "1 of 5 (20%)" and rows.loc["cd19.evaluated", "value"] == 50
    assert bounds["cd19.bounds.lowest"] == 10 and bounds["cd19.bounds.highest"] == 60


def test_early_failure_counts_the_day_itself():
    study = study_of(
        4, failure_day=[90, 91, 92, 200], failure_pattern=["local", "de novo", "local", "local and de novo"]
    )
    rows = by_id(failure.early_failure(study, 91))
    assert rows.loc["failure.early", "events"] == 2 and rows.loc["failure.early.any_local", "events"] == 1
    assert rows.loc["failure.late.any_local", "value"] == 100


@pytest.mark.parametrize(
    "analysis",
    [
        participants.salvage_lines,
        participants.time_to_salvage,
        failure.best_responses,
        failure.response_times,
        failure.time_to_failure,
        failure.failure_patterns,
        failure.cd19,
        failure.cd19_bounds,
        lambda study: failure.early_failure(study, 91),
    ],
)
def test_absent_columns_give_a_reason(analysis):
    assert results.skip_reason(analysis(read_cohort("lymphoma"))).startswith("this cohort has no ")


def test_a_table_of_patients_who_are_all_alike_is_not_tested():
    study = study_of(2, salvage_regimen=["RT", "ST"], stage=["I", "I"])
    assert by_id(table_1.table_1(study)).loc["table1.stage.p", "note"].startswith("nothing to compare")


def test_a_subset_has_no_screening_and_its_flow_starts_at_the_patients():
    study = replace(study_of(3, salvage_regimen=["RT", "ST", "ST"]), screening=pd.DataFrame())
    assert "flow.database" not in set(participants.flow(study)["result_id"])
