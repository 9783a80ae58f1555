"""What a frame of result rows is: whatever is none is refused, in words that name row, column and value."""

import pandas as pd
import pytest

from analysis_lib.cohort.endpoints import ENDPOINTS
from analysis_lib.consistent import cohorts
from analysis_lib.dictionary import rules
from analysis_lib.dictionary.columns import PATIENTS, SITES
from analysis_lib.rows import results
from analysis_lib.rows.released import NotReleased, public, release, require
from analysis_lib.rows.results import row
from analysis_lib.rows.schema import ABOUT, COLUMNS, RULE, checked

GOOD = row("os1.median", "median time", 15.0, lower=11.7, upper=24.4, n=120, events=70)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lower": 16.0}, r"os1.median: lower is above value \(16.0 and 15.0\)"),
        ({"upper": 14.0}, r"os1.median: value is above upper \(15.0 and 14.0\)"),
        ({"value": None, "upper": 11.0}, r"os1.median: lower is above upper \(11.7 and 11.0\)"),
        ({"n": -1}, "os1.median: n = -1 is negative"),
        ({"events": -7}, "os1.median: events = -7 is negative"),
        ({"statistic": "mode"}, "os1.median: statistic = mode is none of count, proportion"),
        ({"result_id": "OS1 median"}, "OS1 median: result_id = OS1 median is not a dotted slug"),
        ({"note": None}, "os1.median: note = None is no text"),
        ({"group": 3}, "os1.median: group = 3 is no text"),
    ],
)
def test_a_row_that_cannot_be_is_refused_in_words(change, said, tmp_path):
    rows = public(results.collect([GOOD | change]))
    with pytest.raises(ValueError, match=said):
        checked(rows)
    with pytest.raises(ValueError, match=said):
        results.save([rows], "x", "04_survival", tmp_path)
    assert not list(tmp_path.iterdir())


def test_columns_and_their_types_are_those_of_rows():
    rows = results.collect([GOOD])
    with pytest.raises(ValueError, match="there is no column note"):
        checked(rows.drop(columns="note"))
    with pytest.raises(ValueError, match="there is a column extra"):
        checked(rows.assign(extra=1))
    with pytest.raises(ValueError, match="column value is of the type object, not Float64"):
        checked(rows.assign(value="15"))
    with pytest.raises(ValueError, match="os1.median: result_id = os1.median names two rows"):
        checked(pd.concat([rows, rows], ignore_index=True))


def test_an_end_that_is_absent_is_no_contradiction_nor_is_what_floats_lose():
    kept = [
        GOOD | {"upper": None},
        GOOD | {"result_id": "b", "value": None},
        row("c", "rate", 0.3, lower=0.1 + 0.2),
    ]
    assert len(checked(results.collect(kept))) == 3 and checked(results.collect([])).empty


def test_the_rows_of_the_consistent_cohorts_are_rows():
    for _, rows in cohorts.rows().groupby("cohort"):
        whole = rows.drop_duplicates("result_id").fillna({"group": "", "method": "", "note": ""})
        assert len(checked(results.collect([whole]))) > 500


# --- files say under which rule their rows were written -------------------------------------------


@pytest.fixture
def saved(tmp_path):
    results.save([release(results.collect([GOOD]), 5)], "x", "04_survival", tmp_path)
    return tmp_path / "04_survival.csv"


def test_rows_come_back_under_the_rule_they_were_written_under(saved):
    assert results.read(saved).rule == 5
    assert saved.read_text("utf-8").splitlines()[0] == ",".join([*COLUMNS, RULE])


@pytest.mark.parametrize(
    "line", ["", "-1", "5.0", "none", "٥", "5;0"], ids=["empty", "negative", "float", "word", "digit", "two"]
)
def test_a_file_that_does_not_say_its_rule_holds_rows_that_may_not_be_shown(saved, line):
    head, row_ = saved.read_text("utf-8").splitlines()
    saved.write_text(f"{head}\n{row_.rpartition(',')[0]},{line}\n", "utf-8")
    assert results.read(saved)["value"].tolist() == [15.0]
    with pytest.raises(NotReleased):
        require(results.read(saved))
    with pytest.raises(NotReleased):
        require(results.read_all(saved.parent))


def test_a_file_without_the_column_or_with_two_rules_has_passed_none(saved):
    head, row_ = saved.read_text("utf-8").splitlines()
    saved.write_text(f"{head.rpartition(',')[0]}\n{row_.rpartition(',')[0]}\n", "utf-8")
    with pytest.raises(NotReleased):
        require(results.read(saved))
    other = row_.replace("os1", "os2").rpartition(",")[0]
    saved.write_text(f"{head}\n{row_}\n{other},0\n", "utf-8")
    with pytest.raises(NotReleased):
        require(results.read(saved))


def test_of_several_files_the_strictest_rule_holds_and_one_without_spoils_all(saved):
    results.save([public(results.collect([row("b", "count", 1)]))], "x", "08_in_context", saved.parent)
    assert results.read_all(saved.parent).rule == 5
    both = sorted(saved.parent.glob("*.csv"))
    both[1].write_text(both[1].read_text("utf-8").replace(",0\n", ",\n"), "utf-8")
    with pytest.raises(NotReleased):
        require(results.read_files(both))
    assert require(results.read_all(saved.parent / "nowhere")).empty


@pytest.mark.parametrize(
    "damage", [("15.0", "fifteen"), ("15.0", "99.0"), ("statistic", "kind"), ("120", "1.5")]
)
def test_a_file_of_anything_else_is_refused_with_its_name(saved, damage):
    saved.write_text(saved.read_text("utf-8").replace(*damage, 1), "utf-8")
    with pytest.raises(ValueError, match="04_survival.csv holds no result rows"):
        results.read(saved)


def test_rows_say_what_they_are_about_where_that_has_a_meaning():
    rows = results.collect([GOOD | {"endpoint": "OS1"}, row("rt.sites", "count", 9)])
    assert rows[ABOUT].to_numpy().tolist() == [["OS1", "", ""], ["", "", ""]]
    old = rows.drop(columns=ABOUT)  # as rows were before they said so
    assert results.collect([old])[ABOUT].to_numpy().tolist() == [[""] * 3] * 2
    (gone,) = results.skipped("os2.uv", "nobody", endpoint="OS2", by="ecog").to_dict("records")
    assert [gone[column] for column in ABOUT] == ["OS2", "ecog", ""]


def test_rows_of_an_endpoint_or_a_group_say_so():
    """The stored rows are those of all chapters: an id that speaks of an endpoint, or of a level, has it in its
    columns.
    """
    rows = cohorts.rows()
    rows = rows[rows["cohort"] == 1].drop_duplicates("result_id").set_index("result_id")
    prefixes = rows.index.str.extract(rf"^(?:cox\.)?({'|'.join(map(str.lower, ENDPOINTS))})\.", expand=False)
    endpoint = pd.Series(prefixes, rows.index).str.upper()
    apart = rows[endpoint.notna() & (rows["endpoint"] != endpoint) & (rows["statistic"] != "skipped")]
    assert set(apart.index) <= {"lc.progressed", "lc.patients"}
    assert set(rows["endpoint"]) - {""} <= set(ENDPOINTS)
    known = {
        *PATIENTS.columns,
        *SITES.columns,
        *rules.DERIVED,
        *rules.SOURCES,
        "salvage_sequence",
        "modality",  # of the table lines
        "cohort",
        "",
    }
    assert set(rows["by"]) <= known
    levelled = rows[rows["level"] != ""]
    assert len(levelled) > 400 and (levelled["by"] != "").all()
    assert list(rows.loc["os2.median.salvage_sequence.cmt", ABOUT]) == ["OS2", "salvage_sequence", "CMT"]
    assert list(rows.loc["os2.logrank.ldh_elevated", ABOUT]) == ["OS2", "ldh_elevated", ""]
    assert list(rows.loc["cox.os2.mv.ldh_elevated.p", ABOUT]) == ["OS2", "ldh_elevated", "yes"]
    assert list(rows.loc["osrt.median.bed_group.gt_30_gy", ABOUT]) == ["OSRT", "bed_group", "> 30 Gy"]
    assert list(rows.loc["table1.stage.iv.all", ABOUT]) == ["", "stage", "IV"]
