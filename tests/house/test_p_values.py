"""No P value decides a word: which factor is named, whether a sentence appears, which answer is right."""

import ast
import re

import jupytext
import numpy as np
import pytest

from analysis_lib.analyses import prognosis, table_1
from analysis_lib.binding import paragraphs
from analysis_lib.consistent import cohorts
from analysis_lib.files.places import BUNDLED, NOTEBOOKS, ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.rows.results import row
from analysis_lib.show import contrasts, exercises, tables_beyond
from analysis_lib.show.sentences import sentence

PRINTED = re.compile(r"P (= |< )?[\d.]+|P [<>] ?[\d.]+")
QUESTIONS = sorted(path.name for path in BUNDLED.glob("teaching/[01]*.yml"))

# Who holds a number against 0.05, and why that decides no word about patients.
MAY_COMPARE = {
    "analyses/prognosis.py": "counts tests with a small P, as a lesson on chance; names none",
    "analyses/multiplicity.py": "the same, over all comparisons of the paper",
    "cohort/disclosure.py": "a rounded P stays on its side of 0.05: a number, not a word",
    "intake/likeness.py": "how alike two names are: no P value",
    "paper/audit/tests.py": "the paper's own verdicts, held against its own numbers",
}
# A word that a P value decides; a lesson may speak of the tests and of the habit.
VERDICT = re.compile(r"\bsignificant|\bsignificance(?! tests)|\b(smallest|lowest) P\b(?! value first)", re.I)


def perturbed(rows, seed):
    """The rows with other P values: small ones become large, and the other way round."""
    drawn = np.random.default_rng(seed).permutation(np.geomspace(1e-7, 0.99, len(rows)))
    return rows.assign(value=rows["value"].where(rows["statistic"] != "p", drawn))


def without_p(words):
    return PRINTED.sub("P", words)


@pytest.fixture(scope="module")
def rows():
    """All result rows of one cohort that prints the paper."""
    stored = cohorts.rows()
    return public(stored[stored["cohort"] == stored["cohort"].min()].drop_duplicates("result_id"))


@pytest.fixture(params=[1, 2])
def others(rows, request):
    return perturbed(rows, request.param)


def test_a_perturbation_changes_p_values_and_nothing_else(rows):
    others = perturbed(rows, 1)
    moved = (rows["value"] != others["value"]) & rows["value"].notna()
    assert set(rows.loc[moved, "statistic"]) == {"p"}
    tests = rows["statistic"] == "p"
    assert ((rows.loc[tests, "value"] < 0.05) != (others.loc[tests, "value"] < 0.05)).any()


def test_ratios_are_sorted_by_their_intervals_alone(rows, others):
    ratios = rows[rows["result_id"].str.match(r"cox\.(os1|os2|efs2)\.uv")]
    other = others.loc[ratios.index]
    told = [sentence(ratios, template) for template in contrasts.by_interval(ratios)]
    assert len(told) == 3 and all(told)
    assert told == [sentence(other, template) for template in contrasts.by_interval(other)]


def test_the_lines_of_table_1_are_chosen_by_their_differences_alone(rows, others):
    apart, other = (
        table_1.furthest_apart(each[each["result_id"].str.startswith("table1.")]) for each in (rows, others)
    )
    assert apart[["result_id", "group"]].equals(other[["result_id", "group"]])
    assert contrasts.furthest(apart) == contrasts.furthest(other) != ""


def test_the_table_of_many_tests_shows_all_of_them_in_one_order(rows, others):
    tests = rows[(rows["statistic"] == "p") & rows["result_id"].str.startswith(("table1.", "os2.logrank."))]
    shown, other = (tables_beyond.multiplicity_table(each) for each in (tests, others.loc[tests.index]))
    assert shown["Comparison"].tolist() == other["Comparison"].tolist()
    assert len(shown) == len(tests)


def test_the_table_of_a_correction_shows_all_factors_in_one_order(rows, others):
    single = rows["result_id"].str.match(r"os2\.logrank\.|cox\.os2\.uv") & (rows["endpoint"] == "OS2")
    shown, other = (
        tables_beyond.holm_table(each[single], prognosis.holm(each[single], "OS2"), "OS2")
        for each in (rows, others)
    )
    assert shown["Factor"].tolist() == other["Factor"].tolist() != []
    assert "–" not in shown["P"].tolist()


def test_the_paragraphs_of_a_manuscript_change_in_their_printed_p_values_alone(rows, others):
    study = read_cohort("reconstructed")
    first, second = (paragraphs.results_text(study, each) for each in (rows, others))
    assert first != second
    assert without_p(first) == without_p(second)


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_answer_is_right_by_a_p_value(rows, others, name):
    asked, again = (exercises.answerable(each, name) for each in (rows, others))
    told = [
        [
            (
                one.kind,
                without_p(one.ask),
                without_p(one.why),
                one.value,
                [(o.says, o.right) for o in one.options],
            )
            for part in each.values()
            for one in part
        ]
        for each in (asked, again)
    ]
    assert repr(told[0]) == repr(told[1])


def test_no_code_holds_a_p_value_against_a_limit_but_what_says_why():
    found = {
        str(path.relative_to(ROOT / "analysis_lib"))
        for path in (ROOT / "analysis_lib").rglob("*.py")
        if "reconstruction" not in path.parts and _compares(ast.parse(path.read_text("utf-8")))
    }
    assert found == set(MAY_COMPARE)


def test_no_chapter_picks_or_sorts_by_a_p_value():
    for path in sorted(NOTEBOOKS.glob("*.py")):
        for cell in jupytext.read(path).cells:
            if cell.cell_type != "code" or "hide-cell" in cell.metadata.get("tags", []):
                continue  # solutions count tests
            tree = ast.parse(cell.source)
            assert not _compares(tree), path.name
            sorts = [
                ast.unparse(node)
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and ast.unparse(node.func).rpartition(".")[2]
                in ("sort_values", "nsmallest", "nlargest", "idxmin")
            ]
            assert not [each for each in sorts if "test" in each or "'p'" in each], path.name


@pytest.mark.parametrize(
    "folder", ["notebooks", "analysis_lib/show", "analysis_lib/binding", "analysis_lib/centres"]
)
def test_nothing_on_a_page_is_called_significant(folder):
    said = [
        (path.name, node.value)
        for path in sorted((ROOT / folder).glob("*.py"))
        for cell in (
            jupytext.read(path).cells if folder == "notebooks" else [{"source": path.read_text("utf-8")}]
        )
        for node in (
            ast.walk(ast.parse(cell["source"]))
            if cell.get("cell_type") != "markdown"
            else [ast.Constant(cell["source"])]
        )
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [(name, words) for name, words in said if VERDICT.search(words)]


def _compares(tree):
    """Whether something is held against 0.05, by its number or by its name."""
    return any(
        isinstance(side, ast.Constant)
        and side.value == 0.05
        or isinstance(side, ast.Name)
        and side.id in ("LIMIT", "ALPHA")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
    )


def ratio(name, value, lower=None, upper=None, **more):
    return row(name.lower(), "hazard ratio", value, lower=lower, upper=upper, group=name, **more)


LIMITS = (ratio("A", 2.0, 1.2, 3.0), ratio("B", 0.5, 0.3, 0.9))


def told(*given):
    rows = public(results.collect(list(given)))
    return [sentence(rows, template) for template in contrasts.by_interval(rows)]


def test_what_an_interval_leaves_out_is_said_by_its_nearer_end():
    assert told(*LIMITS) == [
        "A higher rate of the event goes with A, at least 1.20 times as high.",
        "A lower rate of the event goes with B, at most 0.90 times as high.",
    ]
    stage = row("stage.iv", "hazard ratio", 1.9, lower=1.23, upper=2.9, group="Stage: IV, not III")
    assert told(LIMITS[0], stage) == [
        "A higher rate of the event goes with A, at least 1.20 times as high; stage: IV against III, at least 1.23 times."
    ]


def test_of_survival_the_event_is_death():
    of_survival = [each | {"endpoint": "OS1"} for each in LIMITS]
    assert told(*of_survival)[0] == "A higher rate of death goes with A, at least 1.20 times as high."
    assert told(*of_survival, ratio("C", 2.0, 1.2, 3.0, endpoint="EFS2"))[0].startswith(
        "A higher rate of the event"
    )


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (
            -44,
            50,
            "below −44 percentage points and above 50 percentage points are what the data speak against.",
        ),
        (
            -44,
            105,
            "below −44 percentage points are what the data speak against; of larger ones they leave out none.",
        ),
        (
            -103,
            1,
            "above 1 percentage point are what the data speak against; of smaller ones they leave out none.",
        ),
    ],
)
def test_a_limit_beyond_what_is_possible_leaves_no_difference_out(lower, upper, said):
    rows = public(results.collect([row("gap", "rate difference", 12, lower=lower, upper=upper)]))
    assert sentence(rows, contrasts.outside(rows, "gap")) == f"Differences {said}"
    assert sentence(rows, contrasts.outside(rows, "absent")) == ""


@pytest.mark.parametrize(("lower", "upper"), [(1.004, 3.0), (0.3, 0.996), (0.5, 2.0)])
def test_an_interval_that_prints_1_at_its_end_holds_1(lower, upper):
    (said,) = told(ratio("A", 1.2, lower, upper))
    assert said.startswith("Neither a difference nor its absence is shown for A, where the rate may be ")
    assert said.endswith(" times as high.")


def test_a_ratio_whose_limits_are_hidden_is_not_named():
    hidden, alone = ratio("C", None, note="small numbers, not shown"), ratio("D", 1.5)
    assert told(*LIMITS, hidden, alone) == told(*LIMITS)
    assert told(hidden) == told(alone) == []


def share(level, group, value, by="stage"):
    return row(
        f"table1.{by}.{level}.{group.lower()}",
        "proportion",
        value,
        n=20,
        events=None if value is None else int(value / 5),
        population=group,
        group=f"Stage: {level}",
        by=by,
        level=level,
        note="small numbers, not shown" if value is None else "",
    )


def test_a_line_of_which_a_group_hides_its_share_is_not_held_against_the_others():
    rows = public(
        results.collect(
            [share("i", "RT", 90), share("i", "ST", None), share("ii", "RT", 30), share("ii", "ST", 50)]
        )
    )
    apart = table_1.furthest_apart(rows)
    assert apart["result_id"].tolist() == ["table1.stage.ii.rt", "table1.stage.ii.st"]
    assert sentence(apart, contrasts.furthest(apart)) == (
        "The groups are furthest apart in the line “stage: ii” of Table 1: 10 of 20 (50%) in ST against 6 of 20 (30%) in RT."
    )
    none = table_1.furthest_apart(rows[rows["level"] == "i"])
    assert results.skip_reason(none) and contrasts.furthest(none) == ""


def test_a_factor_that_patients_have_is_named_without_yes():
    rows = public(
        results.collect(
            [each | {"group": "Elevated LDH: yes"} for each in (share("i", "RT", 90), share("i", "ST", 30))]
        )
    )
    told = sentence(rows, contrasts.furthest(table_1.furthest_apart(rows)))
    assert "the line “elevated LDH” of Table 1: 18 of 20 (90%) in RT" in told


def test_outcomes_are_no_reason_for_a_difference():
    rows = public(
        results.collect([share("dead", "RT", 90, "vital_status"), share("dead", "ST", 10, "vital_status")])
    )
    assert results.skip_reason(table_1.furthest_apart(rows))


def test_a_name_with_commas_and_colons_is_not_cut():
    rows = public(
        results.collect(
            [
                each | {"population": population, "group": "FLT3: ITD, any: i: allele ratio, high"}
                for each, population in (
                    (share("i", "RT", 90), "RT"),
                    (share("i", "ST", 30), "not FLT3: ITD, any"),
                )
            ]
        )
    )
    apart = table_1.furthest_apart(rows)
    assert apart["population"].tolist() == ["RT", "not FLT3: ITD, any"]
    assert set(apart["group"]) == set(rows["group"])


def test_among_whom_a_line_counts_stands_in_its_name():
    of = [share("yes", "RT", 90, "bulky_disease"), share("yes", "ST", 30, "bulky_disease")]
    rows = public(
        results.collect(
            [
                each | {"population": f"{each['population']}, without CNS disease", "group": "Bulk: yes"}
                for each in of
            ]
        )
    )
    apart = table_1.furthest_apart(rows)
    assert apart["population"].tolist() == ["RT", "ST"]
    assert set(apart["group"]) == {"Bulk (without CNS disease): yes"}
