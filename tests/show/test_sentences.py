"""Sentences: how a template is filled, and that every id which the book's templates name can be produced."""

import ast
import html
import re

import jupytext
import nbformat
import pandas as pd
import pytest

from analysis_lib.analyses import cox_models, design, prognosis
from analysis_lib.centres import pooled
from analysis_lib.centres.exchange import Export
from analysis_lib.consistent import cohorts, ranges
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files.places import NOTEBOOKS, ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.rows.results import row
from analysis_lib.show import consistent_page, sentences
from analysis_lib.show.numbers import estimate

ROWS = public(
    results.collect(
        [
            row("os1.median", "median time", 9.8, lower=6.3, upper=18.6, n=120, events=70),
            row("os1.sites.odd", "count", 3, group="{os1.median} of {that}"),
        ]
    )
)


# --- how a template is filled ---------------------------------------------------------------------


def test_what_stands_in_a_row_is_no_template():
    assert sentences.sentence(ROWS, "{os1.sites.odd:group}: {os1.sites.odd}") == "{os1.median} of {that}: 3"


def test_doubled_braces_are_braces():
    assert sentences.sentence(ROWS, "$x_{{1}}$ is {os1.median}") == "$x_{1}$ is 9.8 months"
    assert (
        sentences.sentence(ROWS, sentences.literal("{nobody} }{: ") + "{os1.median:n}") == "{nobody} }{: 120"
    )


@pytest.mark.parametrize("named", ["os1.median", "nobody.knows"])
def test_a_format_that_there_is_not_is_an_error_even_where_the_row_is_absent(named):
    with pytest.raises(ValueError, match=rf"no such format: \{{{named}:foo\}}.*limits"):
        sentences.sentence(ROWS, f"A median of {{{named}:foo}}.")


def test_of_one_there_is_no_plural_and_a_large_ratio_has_no_decimals():
    rows = public(
        results.collect(
            [
                row("gap", "rate difference", 1, lower=-34, upper=-1),
                row("hr", "hazard ratio", 33, lower=1.756, upper=4815.37),
            ]
        )
    )
    assert sentences.sentence(rows, "{gap}, {gap:upper}") == "1 percentage point, −1 percentage point"
    assert sentences.sentence(rows, "{hr:full}") == "33.00 (95% CI 1.76–4815)"


def test_a_curve_that_has_not_fallen_has_no_interval():
    rows = public(
        results.collect(
            [row("rate", "rate", 100, lower=100, upper=100), row("fell", "rate", 91, lower=80, upper=100)]
        )
    )
    assert sentences.sentence(rows, "{rate:full}, {fell:full}") == "100%, 91% (95% CI 80–100)"


def test_the_unit_of_two_numbers_is_said_once():
    gap = row("gap", "rate difference", -16, lower=-25, upper=-7)
    rows = public(results.collect([gap, row("m", "median time", 9.8, lower=6, upper=20)]))
    template = "From {gap:lower} to {gap:upper}, or {m:lower} and {m:upper}; {m} and {gap} are two things."
    said = "From −25 to −7 percentage points, or 6.0 and 20.0 months; 9.8 months and −16 percentage points "
    assert sentences.sentence(rows, template) == f"{said}are two things."


@pytest.mark.parametrize(
    ("ends", "by", "said"),
    [
        ((0.92, 0.92), "ensemble", "It is 0.92 in all of them."),
        ((0.9, 0.92), "bounds", "It goes from 0.90 to 0.92."),
    ],
)
def test_a_range_without_width_is_a_number_and_one_that_a_search_has_pushed_is_called_so(
    ends, by, said, monkeypatch
):
    told = []
    of = pd.DataFrame(
        {"result_id": ["x"], "statistic": "hazard ratio", "lowest": ends[0], "highest": ends[1], "by": by}
    )
    monkeypatch.setattr(consistent_page, "committed", lambda: of)
    monkeypatch.setattr(consistent_page.payloads, "show", lambda html, *_: told.append(html))
    consistent_page.say(read_cohort("reconstructed"), "It goes from {x:lower} to {x:upper}.")
    assert said in told[0] and ("as far as a search has pushed them" in told[0]) == (by == "bounds")


@pytest.mark.parametrize("template", ["{os1.median", "os1.median}", "{}", "{:full}", "{os1.median!r}"])
def test_braces_that_hold_no_id_are_an_error(template):
    with pytest.raises(ValueError, match="template"):
        sentences.sentence(ROWS, template)


THIN = public(
    results.collect(
        [
            row("some.logrank", "p", None),
            row("some.share", "proportion", 100.0, n=1, events=1),
            row("some.two", "proportion", 50.0, n=2, events=1),
            row("some.wait", "range months", 2.0, lower=2.0, upper=2.0, n=1),
            row("some.month", "estimate", 9.758),
            row("some.ratio", "hazard ratio", 2.0, group="CAR T product: tisa-cel, not axi-cel"),
            row("some.factor", "hazard ratio", 2.0, group="Bridging therapy"),
            row("some.name", "hazard ratio", 2.0, group="ECOG performance status 2 or worse"),
        ]
    )
)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("The test gives {some.logrank}.", ""),  # a number that does not exist is not said
        ("Of these, {some.share:share} died.", ""),  # one of one is no share
        ("Of these, {some.two:share} died.", "Of these, 1 of 2 (50%) died."),
        ("They waited {some.wait:full}.", "They waited 2.0 months."),  # one value is its own range
        ("At month {some.month:rounded}.", "At month 9.8."),
        ("It holds for {some.ratio:named}.", "It holds for tisa-cel against axi-cel."),
        ("It holds for {some.factor:named}.", "It holds for bridging therapy."),
        ("It holds for {some.name:named}.", "It holds for ECOG performance status 2 or worse."),
    ],
)
def test_what_a_thin_cohort_says(template, said):
    assert sentences.sentence(THIN, template) == said


# --- the ids that the book's templates name -------------------------------------------------------

ANYTHING = "\0"  # what an f-string puts in while the program runs
SPEAKS = ("say", "_say", "sentence", "opening")  # functions whose texts are templates
MAKES = ("row", "skipped", "proportion", "spread", "association", "association_by_permutation", "slug")
SPEAKERS = [
    path
    for path in sorted((ROOT / "analysis_lib").rglob("*.py"))
    if re.search(r"import .*\bsentences?\b", path.read_text("utf-8"))
]


def text_of(node):
    """A text of the source; what an f-string puts in is :data:`ANYTHING`."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else ANYTHING for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def texts(tree):
    """The texts of a program, with their lines; docstrings and pieces of f-strings are none."""
    apart = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    apart |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        (node.lineno, text_of(node)) for node in ast.walk(tree) if id(node) not in apart and text_of(node)
    ]


def fitting(words):
    """A regular expression for what an id with :data:`ANYTHING` in it can become: pieces of an id, or, after a
    letter, a number of months.
    """
    return re.compile(
        re.sub(r"(?<=[a-z])\0", r"\\d+", words.replace(".", r"\.")).replace("\0", "[a-z0-9_.-]+")
    )


def made_in(tree):
    """Ids that a program writes out where it makes a row; none that it puts together while it runs."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKES
    ]
    return {text_of(call.args[0]) for call in calls if call.args and ANYTHING not in text_of(call.args[0])}


def pooled_ids():
    """Ids of results pooled over three cohorts."""
    stored = cohorts.rows()
    centres = [
        Export(
            name=str(number),
            title="",
            index_event=CAR_T,
            synthetic=True,
            min_cell_count=0,
            definitions={},
            endpoints={},
            software={},
            chapters={},
            rows=public(mine.drop_duplicates("result_id")),
            digest=str(number),
        )
        for number, mine in list(stored.groupby("cohort"))[:3]
    ]
    return set(pooled.pooled(centres, {"os1.rate12": "OS1", "os1.median": "OS1"})["result_id"])


def ids_of_own_factors():
    """Ids that a cohort of another disease gives, with factors of its own."""
    study = read_cohort(ROOT / "tests" / "public" / "myeloid")
    return set(
        results.collect(
            [
                *prognosis.curves_by_own(study),
                prognosis.univariable(study, "EFS1", prognosis.factors_of(study, "EFS1", "together")),
                cox_models.multivariable(study, "EFS1", prognosis.factors_of(study, "EFS1", "together")),
            ]
        )["result_id"]
    )


@pytest.fixture(scope="module")
def producible():
    """Ids that the chapters left on the consistent cohorts, that only a cohort without CAR T or pooling
    gives, or that the code writes.
    """
    return (
        set(cohorts.rows()["result_id"])
        | set(ranges.range_rows(ranges.open_results(ranges.committed()))["result_id"])
        | set(design.needed(read_cohort("lymphoma"))["result_id"])
        | ids_of_own_factors()
        | pooled_ids()
        | {
            each
            for path in [*(ROOT / "analysis_lib").rglob("*.py"), *NOTEBOOKS.glob("*.py")]
            for each in made_in(ast.parse(path.read_text("utf-8")))
        }
        | {id_ for path in NOTEBOOKS.glob("*.py") for id_ in ids_shown(path)}
    )


def said_by(cell):
    """What an executed cell shows, as one text."""
    data = [output.get("data", {}) for output in cell.outputs]
    said = ["".join(each.get(kind, "")) for each in data for kind in ("text/markdown", "text/html")]
    return html.unescape("\n".join(said))


def proven(template, cell):
    """Whether an executed cell shows the sentence of a template, so that there were rows to fill it."""
    pieces = re.split(r"\{[^{}]*\}|\0", template)
    return re.search(".+?".join(map(re.escape, pieces)), said_by(cell)) is not None


def ids_shown(path):
    """Ids of the templates whose sentences an executed notebook shows."""
    cells = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells
    return {
        id_
        for cell in cells
        if cell.cell_type == "code" and speaks(cell.source)
        for _, template in texts(ast.parse(cell.source))
        if "{" in template and ANYTHING not in template and proven(template, cell)
        for id_, _ in sentences.fields(template)
    }


def not_producible(name, source, known, first_line=1, executed=None):
    """What the templates of a program name in vain: ``(name, line, id)``."""
    return [
        (name, first_line + line - 1, id_)
        for line, template in texts(ast.parse(source))
        if "{" in template and not template.startswith(":::")  # which is a directive of the page
        for id_, _ in sentences.fields(template)
        if not any(map(fitting(id_).fullmatch, known))
        and not (executed is not None and executed.source == source and proven(template, executed))
    ]


def speaks(source):
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SPEAKS
        for node in ast.walk(ast.parse(source))
    )


def in_notebook(path, known):
    """What a notebook's templates name in vain. A cell that was executed as it stands and shows the sentence
    proves its ids.
    """
    pair = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    run = {cell.source: cell for cell in pair.cells if cell.cell_type == "code"}
    return [
        wrong
        for cell in jupytext.read(path).cells
        if cell.cell_type == "code" and speaks(cell.source)
        for wrong in not_producible(path.name, cell.source, known, line_of(path, cell), run.get(cell.source))
    ]


def line_of(path, cell):
    return path.read_text("utf-8").partition(cell.source)[0].count("\n") + 1


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_every_id_that_a_notebook_names_can_be_produced(path, producible):
    assert in_notebook(path, producible) == []


@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: path.stem)
def test_every_id_that_the_library_names_can_be_produced(path, producible):
    assert not_producible(path.name, path.read_text("utf-8"), producible) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("{os1.median:full}", "{os1.medain:full}"),  # of the rows that chapters leave
        ("{failure.early.any_local:share}", "{failure.erly.any_local:share}"),  # of an exercise, shown
        ("{flow.not_included}", "{flow.not_inclused}"),  # that this cohort lacks, written in the code
        ("{{os1.rate{m}:full}}", "{{os1.rat{m}:full}}"),  # put together while the program runs
    ],
)
def test_a_planted_misspelling_is_named_with_its_notebook_and_line(right, wrong, producible, tmp_path):
    path = next(path for path in sorted(NOTEBOOKS.glob("*.py")) if right in path.read_text("utf-8"))
    planted = tmp_path / path.name
    planted.write_text(path.read_text("utf-8").replace(right, wrong, 1), "utf-8")
    planted.with_suffix(".ipynb").write_bytes(path.with_suffix(".ipynb").read_bytes())
    found = in_notebook(planted, producible)
    named = wrong.replace("{m}", ANYTHING).strip("{}").partition(":")[0]
    lines = {line for name, line, id_ in found if (name, id_) == (path.name, named)}
    assert lines and all(
        wrong in "\n".join(planted.read_text("utf-8").splitlines()[n - 1 :][:4]) for n in lines
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.05, "0.05"), (0.4, "0.40"), (5.3, "5.3"), (159, "159"), (244.7, "245")],
)
def test_an_expected_number_has_as_many_decimals_as_its_size_bears(value, written):
    assert estimate(pd.Series(results.row("a.b", "expected", value))) == written


def test_the_one_value_that_is_there_has_no_range():
    def said(n):
        rows = public(results.collect([row("a", "median", 3.0, lower=2.0, upper=4.0, n=n)]))
        return sentences.sentence(rows, "Seen after {a}; {a:limits} months.")

    assert said(1) == "" and said(2) == said(None) == "Seen after 3; IQR 2–4 months."
