"""What is shown of real patients: no small count, nothing that gives one back, and text that reads well all
the same.
"""

import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given, settings
from hypothesis import strategies as st
from IPython.display import display
from scipy.optimize import Bounds, LinearConstraint, milp

from analysis_lib.analyses import auditor, cox_models, summaries, survival, table_1
from analysis_lib.binding import certified, chapters
from analysis_lib.cohort import coarse, disclosure, endpoints
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.results import row
from analysis_lib.show import figures, figures_cohort, numbers, sentences, tables

import hospital
from everywhere import as_html, everywhere

K = 5
BANDED = {7 + K * step for step in range(10_000)}
# published series, which are public (the own count among them is checked by itself); tests
OF_OTHERS = ("context.", "since.", "prior.", "tests.", "multiplicity.")
OF_TESTS = (".uv.small_p", ".uv.by_chance", ".holm.small_p")  # how many tests, not how many patients


# --- the rule for one count -----------------------------------------------------------------------


@given(st.integers(0, 500), st.integers(2, 20))
def test_a_count_stands_for_a_band_of_k_and_banding_twice_changes_nothing(count, k):
    shown = disclosure.banded(count, k)
    assert (shown is None) == (count < k)
    if shown is not None:
        alike = [other for other in range(600) if disclosure.banded(other, k) == shown]
        assert len(alike) == k and count in alike and disclosure.banded(shown, k) == shown


@given(st.floats(0, 1))
def test_a_p_value_keeps_one_digit_and_its_side_of_0_05(p):
    shown = disclosure.one_digit(p)
    assert (shown < 0.05) == (p < 0.05) and disclosure.one_digit(shown) == shown
    assert shown in {0.0005, 1.0} | {
        float(f"{digit}e-{place}") for digit in range(1, 10) for place in (1, 2, 3)
    }


# --- what cannot be worked out --------------------------------------------------------------------


def interval(shown):
    """What an attacker knows of a count: its band, or less than k."""
    return (0, K - 1) if shown is None else (shown - K // 2, shown + K // 2)


def bounds_of(cells, constraints):
    """Lowest and highest value of every cell that the shown numbers and the linear relations between them
    allow.
    """
    names = list(cells)
    bounds = Bounds([cells[n][0] for n in names], [cells[n][1] for n in names])
    matrix = np.array([[relation.get(n, 0) for n in names] for relation in constraints])
    found = {}
    for place, name in enumerate(names):
        if cells[name][0] > 0:
            continue  # not a hidden one
        aim = np.eye(len(names))[place]
        solved = [
            milp(
                sign * aim,
                constraints=LinearConstraint(matrix, 0, 0),
                bounds=bounds,
                integrality=np.ones(len(names)),
            )
            for sign in (1, -1)
        ]
        assert all(one.success for one in solved)
        found[name] = (round(solved[0].fun), round(-solved[1].fun))
    return found


def as_table_1(counts):
    """The rows of a Table 1 with these counts, one column a regimen, after disclosure control."""
    sizes = dict(zip(("rt", "cmt", "st", "all"), [*counts.sum(0), counts.sum()]))
    rows = [results.row(f"table1.n.{column}", "count", int(size)) for column, size in sizes.items()]
    rows += [
        summaries.proportion(f"table1.stage.l{line}.{column}", int(count), int(sizes[column]))
        for line, of in enumerate(np.column_stack([counts, counts.sum(1)]))
        for column, count in zip(sizes, of)
        if sizes[column]
    ]
    return disclosure.protect_by(results.collect(rows), K)


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=3))
@example([[0, 14, 14], [4, 14, 24]])  # parts at the top of their bands, their sum at the bottom of its own
def test_sums_of_lines_and_columns_give_no_hidden_cell_back_that_the_auditor_passes(table):
    """An attacker solves for the cells of a Table 1 from what it prints: bands of cells, of line totals, of
    column totals and of the grand total. Where hiding and bands do not stop him, the auditor refuses the book.
    """
    counts = np.array(table)
    whole = np.block(
        [[counts, counts.sum(1, keepdims=True)], [counts.sum(0, keepdims=True), counts.sum(keepdims=True)]]
    )
    lines, columns = counts.shape
    printed = as_table_1(counts).set_index("result_id")
    cells = {}
    for i, j in np.ndindex(whole.shape):
        column = ("rt", "cmt", "st", "all")[j]
        name, kind = (f"stage.l{i}", "events") if i < lines else ("n", "value")
        cells[i, j] = interval(None)
        if f"table1.{name}.{column}" in printed.index:  # of nobody there is no line
            told = printed.loc[f"table1.{name}.{column}", kind]
            # a count of patients is hidden if it is small, a share also so that another one stays hidden
            cells[i, j] = (
                interval(int(told)) if pd.notna(told) else (0, K - 1 if i == lines else counts.sum())
            )
    relations = [{**{(i, j): 1 for j in range(columns)}, (i, columns): -1} for i in range(lines + 1)]
    relations += [{**{(i, j): 1 for i in range(lines)}, (lines, j): -1} for j in range(columns + 1)]
    known = bounds_of(cells, relations)
    if any(known[place][1] == known[place][0] for place, number in np.ndenumerate(whole) if number < K):
        assert not auditor.audit(printed.reset_index(), K).passed


def test_the_attack_works_on_exact_totals():
    """The same attacker, given exact numbers beside one hidden cell, finds it: so the test above can fail."""
    cells = {"hidden": (0, K - 1), "other": (12, 12), "total": (15, 15)}
    assert bounds_of(cells, [{"hidden": 1, "other": 1, "total": -1}])["hidden"] == (3, 3)


def test_a_p_value_goes_where_a_cell_of_its_table_is_hidden():
    """Even with one digit, P = 0.009 beside fewer than 5 of 12 and fewer than 5 of 17 would mean 4 and
    none.
    """

    def compared(a, b, **options):
        frame = pd.DataFrame(
            {
                "factor": ["yes"] * a + ["no"] * (12 - a) + ["yes"] * b + ["no"] * (17 - b),
                "group": ["A"] * 12 + ["B"] * 17,
            }
        )
        return summaries.association(frame, "factor", "group", "x.p", least=K, **options)

    for options in ({}, {"exact_if_sparse": True}):
        assert pd.isna(compared(4, 0, **options)["value"]) and results.hidden(compared(4, 6, **options))
    assert compared(6, 8)["value"] is not None


# --- rows -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return read_cohort(hospital.write(tmp_path_factory.mktemp("invented"))[0])


def shown(study, *rows):
    return disclosure.protect(study, results.collect(rows)).set_index("result_id")


def test_small_counts_and_what_would_give_them_are_hidden(real):
    rows = shown(
        real,
        row("a", "count", 4),
        row("b", "count", 60),
        row("c", "at risk", 3, n=60, events=40),
        summaries.proportion("few", 3, 60),
        summaries.proportion("none", 0, 60),
        summaries.proportion("most", 57, 60),
        summaries.proportion("group", 2, 4),
        summaries.proportion("fine", 20, 60),
    )
    assert rows["value"].isna().to_dict() == {
        "a": True,
        "b": False,
        "c": True,
        "few": True,
        "none": True,
        "most": True,
        "group": True,
        "fine": False,
    }
    assert rows.loc["fine", ["value", "n", "events"]].tolist() == [100 * 22 / 62, 62, 22]
    assert rows["lower"].notna().sum() == 1
    assert [numbers.share(rows.loc[name]) for name in ("few", "none", "most", "group")] == [
        "fewer than 5 of 62",
        "fewer than 5 of 62",
        "all but fewer than 5 of 62",
        "not shown (small numbers)",
    ]
    assert numbers.estimate(rows.loc["a"]) == "fewer than 5" and numbers.n_percent(rows.loc["few"]) == "< 5"


def test_no_single_patients_value_is_shown(real):
    values = pd.Series(range(1, 31))
    rows = shown(
        real,
        summaries.spread("extremes", values, "range"),
        summaries.spread("quartiles", values),
        summaries.spread("few", values.head(9)),
    )
    assert rows["lower"].isna().to_dict() == {"extremes": True, "quartiles": False, "few": True}
    assert rows["value"].isna().to_dict() == {"extremes": False, "quartiles": False, "few": True}
    assert numbers.limits(rows.loc["extremes"]) == ""


def test_estimates_on_few_events_are_hidden_and_others_rounded(real):
    rows = shown(
        real,
        row("hr.few", "hazard ratio", 2.3456, lower=1.0, upper=9.0, n=60, events=9),
        row("hr", "hazard ratio", 2.3456, lower=1.23456, upper=4.56789, n=60, events=12),
        row("median.few", "median time", 9.87, n=60, events=4),
        row(
            "p",
            "p",
            0.0472,
            n=60,
            events=20,
            note="chi-square 3.94, 1 df; 2 of 4 expected counts below 5: a rough approximation",
        ),
    )
    assert rows["value"].fillna(-1).to_dict() == {"hr.few": -1, "hr": 2.3, "median.few": -1, "p": 0.04}
    assert rows.loc["hr", ["lower", "upper"]].tolist() == [1.2, 4.6]
    assert rows.loc["p", "note"] == (
        "1 df, P rounded to one digit; some expected counts below 5: a rough approximation"
    )
    assert (
        numbers.estimate(rows.loc["median.few"])
        == "not shown (small numbers)"
        != numbers.estimate(
            pd.Series(row("x", "median time", None, n=60, events=20, note="median not reached"))
        )
    )


def test_synthetic_and_public_cohorts_are_left_as_they_are():
    for name in ("reconstructed", "lymphoma"):
        rows = results.collect([row("a", "count", 1)])
        assert disclosure.protect(read_cohort(name), rows).equals(rows)


def test_protecting_twice_changes_nothing(real):
    once = table_1.table_1(real)
    pd.testing.assert_frame_equal(disclosure.protect(real, once), once)
    fitted = cox_models.cox(real, "OS2", ["ldh_elevated"], "uv")
    pd.testing.assert_frame_equal(disclosure.protect(real, fitted), fitted)


# --- curves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [None, "salvage_regimen", "ldh_elevated"])
@pytest.mark.parametrize("name", ["OS1", "EFS1", "OS2", "EFS2"])
def test_every_step_of_a_curve_stands_for_k_events_and_no_patients_time(real, name, by):
    drawn, frame = survival.curves(real, name, by=by), endpoints.derive(real, name)
    exact = {"": frame} if by is None else dict(iter(frame.groupby(frame[by].astype("string"))))
    assert drawn.attrs["min_cell_count"] == K
    for label, curve in drawn.groupby("group"):
        days, event = exact[label]["days"], exact[label]["event"]
        assert len(days) >= 2 * K and (days >= curve["days"].max()).sum() >= K
        fallen = np.flatnonzero(np.diff(curve["survival"]) < 0)
        assert len(fallen) <= event.sum() // K
        assert ((curve["days"] / DAYS_PER_MONTH).round(1) * DAYS_PER_MONTH - curve["days"]).abs().max() < 1e-9
        assert set(curve["at_risk"]) <= BANDED and (curve["survival"].round(2) == curve["survival"]).all()
        # close to the exact curve: never off by more than the events that one step gathers
        whole = curves.kaplan_meier(days, event)
        ends = [whole[whole["days"] <= day]["survival"].iloc[-1] for day in curve["days"]]
        step = -np.diff(curve["survival"]).min() if len(fallen) else 2 * K / len(days)
        assert np.abs(np.array(ends) - curve["survival"].to_numpy()).max() <= step + 0.02


def test_events_on_one_day_stay_in_one_step():
    days, event = np.array([40] * 8 + [90] * 4 + [200] * 20), np.array([True] * 12 + [False] * 20)
    curve = coarse.coarse(curves.kaplan_meier(days, event), K)
    assert np.unique(curve["survival"]).size == 2  # 8 events, then 4 that join them


def test_too_small_a_group_has_no_curve():
    assert coarse.coarse(curves.kaplan_meier([50] * 9, [True] * 9), K).empty


# --- whole chapters -------------------------------------------------------------------------------


def run(folder, monkeypatch, **options):
    """Everything that the chapters show and save for an invented hospital: HTML, frames drawn or tabulated,
    rows.
    """
    path, _ = hospital.write(folder, **options)
    study, displayed, frames = read_cohort(path), [], []
    as_read = {name: getattr(study, name).copy() for name in hospital.TABLES}
    everywhere(monkeypatch, display, lambda shown, **_: displayed.append(as_html(shown)))

    def watch(original):
        def watching(frame, *rest, **more):
            frames.append((original.__name__, frame))
            return original(frame, *rest, **more)

        everywhere(monkeypatch, original, watching)

    for shows in (
        sentences.say,
        sentences.sentence,
        tables.rows_table,
        tables.cross_table,
        tables.compared_table,
        tables.characteristics,
        tables.factor_table,
        figures.survival_curves,
        figures.forest,
        figures_cohort.shares,
        figures_cohort.flow_diagram,
        figures_cohort.swimmer,
    ):
        watch(shows)
    for each in chapters.chapters_of(study):
        hospital.calculate(each, study, folder / "results")
    for name in hospital.TABLES:  # all chapters were given the same cohort: none has changed anything of it
        pd.testing.assert_frame_equal(getattr(study, name), as_read[name])
    return study, displayed, frames, results.read_all(folder / "results")


def breaches(rows):
    """Rows of result rows that show a count that is no band's middle, or a number that rests on too few."""
    found = []
    for record in rows.to_dict("records"):
        if (
            record["statistic"] == "skipped"
            or record["result_id"].startswith(OF_OTHERS)
            or record["result_id"].endswith(OF_TESTS)
        ):
            continue
        counts = [record[name] for name in ("n", "events") if pd.notna(record[name])]
        if record["statistic"] in disclosure.COUNTS and pd.notna(record["value"]):
            counts.append(record["value"])
        few = pd.notna(record["value"]) and (
            (pd.notna(record["n"]) and record["n"] < K)
            or (record["statistic"] == "proportion" and pd.isna(record["events"]))
        )
        ends = record["statistic"].startswith("range") and pd.notna(record["lower"])
        counts += [int(number) for number in re.findall(r"(\d+) patients", record["note"])]
        exact = re.search(r"chi-square|P [=<] \d", record["note"])
        if not set(counts) <= BANDED or few or ends or exact:
            found.append(record)
    return found


def findings(saved, frames):
    """What the auditor finds in all rows together: those that are saved, and those that solutions only show."""
    shown = [frame for _, frame in frames if "result_id" in frame]
    rows = {each["result_id"]: each for frame in [*shown, saved] for each in frame.to_dict("records")}
    return auditor.audit(results.collect(rows.values()), K).findings


def test_no_analysis_and_no_figure_escapes(tmp_path, monkeypatch):
    hospital.undrawn(monkeypatch)  # what figures are given is looked at, and not how they draw it
    study, displayed, frames, saved = run(tmp_path, monkeypatch)
    assert len(saved) > 300 and breaches(saved) == []
    assert not findings(saved, frames)
    for name, frame in frames:
        # an exercise subtracts two banded counts: the other events are all without the deaths
        if "result_id" in frame:
            difference = frame["result_id"].eq("efs2.ended_by.death") & (len(frame) == 1)
            assert breaches(frame[~difference]) == [], name
        elif name == "survival_curves":
            assert frame.attrs["min_cell_count"] == K, name
        else:
            assert name == "swimmer" and results.skip_reason(frame)
    assert {"say", "rows_table", "characteristics", "factor_table", "survival_curves", "forest"} <= {
        name for name, _ in frames
    }
    assert breaches(results.collect([row("x", "count", 3)])) and breaches(
        results.collect([row("x", "count", 61)])
    )


def test_the_cohorts_own_series_is_pooled_by_its_banded_counts(real):
    from analysis_lib.analyses import context

    own = context.own_series(real).iloc[0]
    assert own["n"] in BANDED and own["events"] in BANDED
    pooled = context.pooled(context.in_context(real)).iloc[0]
    published = context.published().query("place != 'Discussion'")
    assert pooled["n"] - published["n"].sum() == own["n"]


AWKWARD = {
    "empty brackets": r"\(\s*\)",
    "not a number": r"\bnan\b|<NA>|\bNone\b|\bNaN\b",
    "two blanks": r"\S  +\S",
    "blank before a stop": r" [.,;:](\s|$)",
    "sum of words": r"small numbers, fewer|fewer than \d+ of fewer than \d+ p",
    "brace": r"\{[a-z_.0-9]+(:\w+)?\}",
    "dangling": r", *$|; *$",
    "nothing": r"Not shown: *\.",
    "verb without subject": r"\bin not shown|not shown \(small numbers\) (of|were|are)",
}


def one_group(patients):
    return patients.assign(salvage_regimen="ST")


def says_what_few_deaths_cannot_show(study, rows):
    """Of fewer than five deaths no number is shown, and nothing hidden follows from the rest."""
    assert certified.certify(study, rows).passed
    by_id = rows.set_index("result_id")
    assert by_id.loc["table1.vital_status.dead.all", "note"] == "fewer than 5"
    of_deaths = rows[
        rows["endpoint"].isin(["OS1", "OS2"]) & rows["statistic"].isin(["rate", "hazard ratio", "p"])
    ]
    assert len(of_deaths) > 5 and of_deaths["value"].isna().all() and of_deaths["events"].isna().all()


@pytest.mark.parametrize(
    "options",
    [
        dict(patients=1),
        dict(patients=3),
        dict(patients=8),
        dict(patients=12),
        dict(patients=20, deaths=0),
        dict(patients=20, deaths=2, seed=22),
        dict(patients=20, change=one_group),
        dict(patients=1, more="min_cell_count: 1"),
        dict(patients=8, more="min_cell_count: 1"),
        dict(patients=45, deaths=3, drop=("stage", "ldh_elevated", "best_response", "failure_pattern")),
    ],
    ids=lambda options: ", ".join(
        f"{name} {getattr(value, '__name__', value)}" for name, value in options.items()
    ),
)
def test_chapters_of_small_cohorts_read_well(options, tmp_path, monkeypatch):
    hospital.undrawn(monkeypatch)
    study, displayed, frames, saved = run(tmp_path, monkeypatch, **options)
    if "deaths" in options:
        says_what_few_deaths_cannot_show(study, saved)
    if disclosure.hides(study):
        assert breaches(saved) == [] and not findings(saved, frames)
    lines = set()  # many stand in several chapters
    for shown in displayed:
        soup = BeautifulSoup(re.sub("<br>|</p>|</t[hdr]>|</li>|</caption>", r"\g<0>\n", shown), "html.parser")
        lines.update(line.strip() for line in soup.get_text().splitlines())
        lines.update(image["aria-label"] for image in soup.find_all(role="img"))
    for line in lines:
        for what, pattern in AWKWARD.items():
            assert not re.search(pattern, line), (what, line)
