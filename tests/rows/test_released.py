"""The one door out: what has not passed disclosure control is refused, in words, wherever it could leave."""

import pandas as pd
import pytest

from analysis_lib.analyses import survival, table_1
from analysis_lib.cohort import disclosure
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import released, results
from analysis_lib.rows.released import NotReleased, Released
from analysis_lib.rows.results import row
from analysis_lib.show import figures, figures_cohort, notes, sentences, tables

from hospital import write

RAW = [row("os1.median", "median time", 15.0, lower=11.7, upper=24.4, n=120, events=70)]
DOORS = {
    "say": lambda rows, _: sentences.say(rows, "{os1.median}"),
    "sentence": lambda rows, _: sentences.sentence(rows, "{os1.median}"),
    "table": lambda rows, _: tables.table(rows, "Caption"),
    "rows_table": lambda rows, _: tables.rows_table(rows, "Caption", median=""),
    "cross_table": lambda rows, _: tables.cross_table(rows, "Caption", "Corner"),
    "compared_table": lambda rows, _: tables.compared_table(rows, "Caption", "Corner"),
    "characteristics": lambda rows, _: tables.characteristics(rows, "Caption"),
    "factor_table": lambda rows, _: tables.factor_table(rows, "OS1", "Caption"),
    "left_out": lambda rows, _: notes.left_out(rows),
    "noticed": lambda rows, _: notes.noticed(rows),
    "survival_curves": lambda rows, _: figures.survival_curves(rows, "OS1", "Caption"),
    "forest": lambda rows, _: figures.forest(rows, "Caption"),
    "shares": lambda rows, _: figures_cohort.shares(rows, "What", "Caption"),
    "flow_diagram": lambda rows, _: figures_cohort.flow_diagram(rows, "Caption"),
    "swimmer": lambda rows, _: figures_cohort.swimmer(rows, "Axis", "Alt", "Caption"),
    "save": lambda rows, folder: results.save([rows], "hospital", "01_cohort", folder),
}


@pytest.mark.parametrize("door", DOORS)
def test_rows_that_have_not_passed_leave_by_no_door(door, tmp_path, capsys):
    with pytest.raises(NotReleased, match="have not passed disclosure control"):
        DOORS[door](results.collect(RAW), tmp_path)
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().out


def test_what_an_analysis_returns_has_passed_its_cohorts_rule(tmp_path):
    path, _ = write(tmp_path, 60)
    study = read_cohort(path)
    rows = survival.estimates(study, "OS1")
    assert isinstance(rows, Released) and rows.rule == study.min_cell_count == 5
    assert survival.curves(study, "OS1").rule == 5 and table_1.table_1(study).rule == 5


def test_picking_and_sorting_rows_keeps_the_passport():
    rows = released.release(results.collect([*RAW, row("b", "count", 7)]), 5)
    for kept in (
        rows[rows["statistic"] == "count"],
        rows.sort_values("result_id"),
        rows.reset_index(drop=True),
        rows.assign(group="x"),
        rows.head(1),
        results.pick(rows, "count"),
        rows.set_index("result_id"),
    ):
        assert released.require(kept).rule == 5


def test_a_frame_made_of_several_must_pass_again():
    rows = released.release(results.collect(RAW), 5)
    other = released.release(results.collect([row("b", "count", 7)]), 5)
    for made in (
        pd.concat([rows, other]),
        pd.DataFrame(rows.to_dict("records")),
        rows.merge(other, how="cross"),
    ):
        with pytest.raises(NotReleased):
            released.require(made)
    assert results.collect([rows, other]).rule == 5


def test_rows_put_together_have_the_strictest_rule_and_one_raw_row_spoils_them():
    protected, published = (
        released.release(results.collect(RAW), 5),
        released.public(results.collect([row("b", "count", 7)])),
    )
    assert results.collect([protected, published]).rule == 5
    with pytest.raises(NotReleased):
        released.require(results.collect([protected, row("c", "count", 3)]))


def test_a_table_of_single_patients_that_lost_its_rule_gives_nothing(tmp_path):
    path, _ = write(tmp_path, 60)
    study = read_cohort(path)
    carried = disclosure.carrying(study, study.patients.copy())
    assert disclosure.of_single_patients(carried)
    lost = carried.copy()
    lost.attrs = {}
    with pytest.raises(NotReleased, match="no longer says which disclosure rule"):
        disclosure.of_single_patients(lost)
