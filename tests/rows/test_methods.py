"""Every method that a row names is declared, with its library and its reference; captions and the page read
the table.
"""

import ast
import re
from importlib.metadata import version
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from IPython.display import display
from matplotlib import pyplot as plt

from analysis_lib.analyses import survival
from analysis_lib.binding import chapter, pages
from analysis_lib.centres import pooled
from analysis_lib.estimators import curves
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import public
from analysis_lib.rows.results import row
from analysis_lib.show import canvas, figures, tables

from everywhere import as_html, everywhere

ROOT = Path(__file__).resolve().parents[2]
BIB = re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text("utf-8"), re.M)


def named_in_code() -> set[str]:
    """The methods that the library's code gives its rows, as far as they are written there as text."""
    found = set()
    for path in (ROOT / "analysis_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            values = [node.value] if isinstance(node, ast.keyword) and node.arg == "method" else []
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "method":
                values = [node.value]
            if isinstance(node, ast.Dict):
                values = [
                    value
                    for key, value in zip(node.keys, node.values)
                    if getattr(key, "value", None) == "method"
                ]
            for value in values:
                value = value.body if isinstance(value, ast.IfExp) else value
                value = value.values[0] if isinstance(value, ast.JoinedStr) else value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found.add(value.value)
    # arguments of scipy, statsmodels and firthmodels
    return found - {"", "exact", "asymptotic", "holm", "pl"}


def test_every_method_of_the_bundled_rows_is_declared():
    rows = pd.read_parquet(ROOT / "analysis_lib" / "data" / "consistent" / "rows.parquet")
    told = set(rows.loc[rows["statistic"] != "skipped", "method"]) - {""}
    assert len(told) > 20 and not {method for method in told if methods.named(method) is None}


def test_every_method_written_in_the_code_is_declared():
    told = named_in_code()
    assert "Mantel-Byar test" in told and "exact binomial interval" in told
    # words that a Cox model of chapter 9 adds to its own name count as they will stand there
    assert not {
        method
        for method in told
        if methods.named(method) is None and methods.named(f"Cox model, {method}").starts == "Cox model"
    }


def test_every_entry_is_named_by_something_that_the_code_produces():
    rows = pd.read_parquet(ROOT / "analysis_lib" / "data" / "consistent" / "rows.parquet")
    told = named_in_code() | set(rows["method"])
    told |= {
        f"{scale.name}, inverse variance, {kind} effects"
        for scale in pooled.SCALES.values()
        for kind in ("fixed", "random")
    }
    named = {methods.named(method) for method in told}
    assert [entry.starts for entry in methods.METHODS if entry not in named] == []


def test_every_method_of_a_chapter_that_runs_is_declared(tmp_path):
    for each in ("01_cohort", "04_survival"):
        chapter.calculate(each, locate("lymphoma"), tmp_path)
    told = methods.used(results.read_all(tmp_path))
    assert curves.KM in told and all(methods.named(method) for method in told)


def test_a_new_method_without_an_entry_is_found_out():
    assert methods.named("Bayesian something") is None


def test_of_several_entries_the_longest_counts():
    assert methods.named("log-rank test").by == methods.HERE
    assert methods.named("log-rank test, Holm's correction").by == "statsmodels"
    assert methods.named(curves.KM).starts == "Kaplan-Meier, Greenwood variance"
    starts = [entry.starts.lower() for entry in methods.METHODS]
    assert len(set(starts)) == len(starts)


def test_entries_name_libraries_and_references_that_exist():
    cited = {key for entry in methods.METHODS for key in entry.cites}
    assert cited <= set(BIB) and len(BIB) == len(set(BIB))
    for library in {entry.by for entry in methods.METHODS} - {methods.HERE}:
        assert version(library)


def test_sentences_follow_the_rows_and_name_their_scale():
    rows = results.collect(
        [
            row("a", "median time", 3.0, method="Kaplan-Meier, Greenwood variance, log-log interval"),
            row("b", "p", 0.1, method="log-rank test"),
            results.skipped("c", "no reason"),
        ]
    )
    said = methods.sentences(rows)
    assert len(said) == 2 and "95% confidence intervals were built on the log-log scale" in said[0]
    assert said[1] == "Groups were compared by the log-rank test."
    assert all(entry.sentence.endswith(".") for entry in methods.METHODS if entry.sentence)


# --- captions -------------------------------------------------------------------------------------


def test_how_names_methods_and_the_number_they_share():
    rows = results.collect(
        [
            row("a", "hazard ratio", 2.0, n=40, method="Cox model, Efron ties, Wald interval"),
            row("b", "p", 0.1, n=40, method="Mann-Whitney test"),
        ]
    )
    assert methods.how(rows) == "Cox model, Efron ties, Wald 95% interval; Mann–Whitney test; n = 40."
    assert methods.how(rows, counts=False) == "Cox model, Efron ties, Wald 95% interval; Mann–Whitney test."
    assert methods.how(rows.assign(n=[40, 39])).endswith("; n = 39 to 40.") and "n =" not in methods.how(
        rows.assign(n=pd.NA)
    )
    assert methods.how(rows.assign(n=[40, 39]), among=["a"]).endswith("; n = 40.")


def test_what_all_methods_end_with_is_said_once():
    made = (
        "Difference as the groups are, 500 bootstrap samples, seed 2023",
        "overlap weights, 500 bootstrap samples, seed 2023",
    )
    rows = results.collect([row(f"a{i}", "rate", 1.0, n=4, method=how) for i, how in enumerate(made)])
    assert methods.how(rows) == (
        "Difference as the groups are; overlap weights; each with 500 bootstrap samples, seed 2023; n = 4."
    )
    same = results.collect(
        [row("a", "rate", 1.0, n=4, method=made[0]), row("b", "p", 0.1, method="log-rank test")]
    )
    assert "each with" not in methods.how(same)


def test_how_leaves_out_what_is_not_shown():
    rows = results.collect(
        [
            row("a", "proportion", 50.0, n=4, events=2, method="exact binomial interval"),
            row("b", "at risk", 3, n=4, method="time at least 12 months"),
        ]
    )
    assert methods.how(rows, intervals=False, counts=False) == ""
    assert methods.how(results.skipped("a", "no reason")) == ""


def test_a_median_that_is_not_reached_still_names_its_method():
    rows = results.collect([row("a", "median time", None, n=4, method=curves.KM)])
    assert methods.how(rows) == "Kaplan–Meier, Greenwood variance, 95% interval on the log scale; n = 4."


@pytest.fixture
def captions(monkeypatch):
    """The captions of figures that are shown."""
    seen = []
    everywhere(monkeypatch, canvas.show, lambda figure, alt, caption: seen.append(caption))
    yield seen
    plt.close("all")


def test_curves_name_estimator_interval_test_and_numbers(captions):
    study = read_cohort("lymphoma")
    rows = survival.estimates(study, "OS1", by="stage")
    figures.survival_curves(survival.curves(study, "OS1", by="stage"), "OS1", "By stage.", rows)
    events = rows.loc[rows["result_id"] == "os1.logrank.stage", "events"].iloc[0]
    assert captions[0].startswith(
        "By stage. Kaplan–Meier, Greenwood variance, 95% interval on the log "
        "scale; log-rank test. "
        f"n = {len(study.patients)}, {events} events."
    )


def test_curves_whose_numbers_are_suppressed_name_none(captions):
    study = read_cohort("lymphoma")
    rows = survival.estimates(study, "OS1").assign(n=pd.NA)
    figures.survival_curves(survival.curves(study, "OS1"), "OS1", "All.", rows)
    assert "n =" not in captions[0] and "<NA>" not in captions[0]


def test_tables_name_what_stands_in_them(monkeypatch):
    seen = []
    everywhere(
        monkeypatch,
        display,
        lambda shown, **_: seen.append(re.search("<caption>(.*?)</caption>", as_html(shown)).group(1)),
    )
    shared = row("a", "proportion", 50.0, lower=7, upper=93, n=4, events=2, method="exact binomial interval")
    rows = public(results.collect([shared]))
    tables.rows_table(rows, "Shares", share="share", interval="limits")
    tables.rows_table(rows, "Shares", share="share")
    tables.rows_table(rows, "Shares.", percent="")
    tables.rows_table(rows, "Shares", label="method", n="n")
    assert seen == ["Shares. Exact binomial 95% interval.", "Shares", "Shares. n = 4.", "Shares"]


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [True, False])
def test_the_page_tells_of_random_numbers_where_some_were_drawn(tmp_path, drawn):
    how = f"bootstrap, 200 of 200 samples, seed {methods.SEED}" if drawn else "log-rank test"
    study, made = read_cohort("lymphoma"), results.collect([row("a", "estimate", 0.7, method=how)])
    folder = tmp_path / "cohorts" / study.name
    results.save([public(made)], study.name, "09_beyond", folder / "results")
    (folder / "09_beyond.ipynb").touch()
    assert ("## Random numbers" in pages.methods_page([study], tmp_path)) == drawn


def test_the_page_lists_what_was_called_and_nothing_else(tmp_path):
    study = read_cohort("lymphoma")
    made = [
        row("a", "p", 0.1, method="log-rank test"),
        row("b", "at risk", 3, method="time at least 12 months"),
        row("c", "at risk", 3, method="time at least 24 months"),
        row("d", "median time", 9.0, method=curves.KM),
    ]
    results.save(
        [public(results.collect(made))],
        study.name,
        "04_survival",
        tmp_path / "cohorts" / study.name / "results",
    )
    (tmp_path / "cohorts" / study.name / "04_survival.ipynb").touch()  # a page to lead to
    page = pages.methods_page([study], tmp_path)
    assert (
        "* - Log-rank test\n" in page
        and "{cite:p}`mantel1966,peto1972`" in page
        and page.count("* - Number at risk\n") == 1
    )
    assert "[4](../cohorts/lymphoma/04_survival.ipynb)" in page and "Mann" not in page
    assert f"  - {version('greenwood')}\n" in page


def test_random_numbers_start_from_the_one_declared_seed():
    import inspect

    from analysis_lib.analyses import summaries
    from analysis_lib.rows import methods

    assert (
        inspect.signature(summaries.association_by_permutation).parameters["seed"].default
        == methods.SEED
        == methods.SEED
    )


# --- the committed notebooks ----------------------------------------------------------------------

# the numbers stand in its boxes; arrows and specifications are about nobody in particular
HOLDS_ITS_NUMBERS = (
    "Participant flow",
    "What is thought to act on what",
    "What acts on what",
    "Systemic therapy against radiotherapy under every specification",
)


def test_every_figure_of_the_chapters_says_how_many_it_is_about():
    captions = [
        caption
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
        for caption in re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", "".join(shown_in(path)))
    ]
    assert len(captions) > 40
    silent = [
        caption
        for caption in captions
        if not re.search(r"\bn = \d+", caption) and not caption.startswith(HOLDS_ITS_NUMBERS)
    ]
    assert not silent


def shown_in(path):
    """The HTML that a committed notebook shows."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in cells
        for output in cell.get("outputs", [])
    ]
