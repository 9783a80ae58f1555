"""What a reader meets on the way through a book: folds, predictions, a search that knows where one reads."""

import re

import pytest

from analysis_lib.binding import search_index
from analysis_lib.files.places import ROOT

from visiting import TELEPHONE, file_page, first, settle, tree_of

CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.py"))
COHORT = "book/cohorts/reconstructed"


def test_what_is_secondary_is_folded_and_opens_on_paper(visit, book_html):
    page = visit()
    page.goto(file_page(book_html, f"{COHORT}/07_prognostic_factors.html"))
    settle(page)
    fold = page.locator("details.beside", has_text="Table: OS2 by single factors").first
    table = fold.locator("table").first
    assert table.is_hidden()
    fold.locator("summary").press("Enter")
    assert table.is_visible()
    fold.locator("summary").press("Enter")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert table.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert table.is_hidden()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_can_be_foretold(chapter, book_html):
    html = (book_html / COHORT / f"{chapter}.html").read_text("utf-8")
    article = first(tree_of(html), "//article")
    foretold = set(article.xpath(".//form/@data-section"))
    assert foretold
    for section in foretold - {"Opening"}:
        (heading,) = [h for h in article.iter("h2", "h3") if (h.text or "").strip() == section]
        its_own = first(heading, "ancestor::section[1]")
        assert any(first(each, "ancestor::section[1]") is its_own for each in its_own.iter("figure")), section


def test_a_prediction_covers_the_answer_too(visit, book_html):
    """Of a chapter with a key figure, and of one that opens without."""
    page = visit()
    for chapter, figure in (("14_absolute", True), ("10_ledger", False)):
        page.goto(file_page(book_html, f"{COHORT}/{chapter}.html"))
        settle(page)
        switch = page.get_by_role("checkbox", name="Let me guess first")
        switch.check()
        answer = page.locator(".opening .answer")
        assert answer.is_hidden() and page.locator(".opening .question").is_visible()
        assert page.locator(".prediction-cover figure").count() == figure
        page.locator(".prediction-cover input[name=answer]").fill("3")
        page.locator(".prediction-cover input[name=answer]").press("Enter")
        assert answer.is_visible()
        switch.uncheck()


def test_the_flow_diagram_fits_a_telephone(visit, book_html):
    page = visit(viewport=TELEPHONE)
    page.goto(file_page(book_html, f"{COHORT}/01_cohort.html"))
    settle(page)
    outside = page.locator("svg.drawing.narrow").first.evaluate("""(svg) => {
        const box = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text, path')].map((e) => e.getBoundingClientRect())
            .filter((r) => r.width && (r.left < box.left - 1 || r.right > box.right + 1)).length;
    }""")
    assert outside == 0


# --- search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cohort", ["tisa-cel", "reconstructed"])
def test_search_prefers_the_cohort_that_is_read(cohort, visit, book_html):
    page = visit()
    page.goto(file_page(book_html, f"book/cohorts/{cohort}/02_characteristics.html"))
    settle(page)
    page.goto(file_page(book_html, "search.html") + "?q=survival")
    page.locator("#search-results li a").nth(5).wait_for()
    found = [link.get_attribute("href") for link in page.locator("#search-results li a").all()]
    of_cohorts = [href for href in found if "/cohorts/" in href]
    assert f"/cohorts/{cohort}/" in of_cohorts[0]


def test_search_leads_to_no_page_that_only_says_it_is_not_shown(tmp_path):
    (tmp_path / "a.html").write_text(
        "<article><p>Survival.</p><div class='skip-note unshown'>Bulky disease, survival</div></article>"
    )
    (tmp_path / "b.html").write_text("<article><p>Bulky disease</p></article>")
    (tmp_path / "searchindex.js").write_text(
        'Search.setIndex({"docnames":["a","b"],"terms":{"bulki":[0,1],"diseas":[0,1],"surviv":0,"gone":[]},"titleterms":{}})'
    )
    search_index.tidy(tmp_path)
    written = (tmp_path / "searchindex.js").read_text()
    assert '"terms":{"bulki":1,"diseas":1,"surviv":0}' in written


# --- every page -----------------------------------------------------------------------------------


def test_every_page_says_its_version(book_html):
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]
    said = f"Version {version}, last updated in "
    pages = [
        *book_html.glob("book/*.html"),
        *book_html.glob("book/*/*.html"),
        *book_html.glob(f"{COHORT}/*.html"),
    ]
    assert len(pages) > 30 and not [page.name for page in pages if said not in page.read_text("utf-8")]
    month = re.search(r"last updated in (\w+ \d{4})", (ROOT / "_config.yml").read_text("utf-8"))[1]
    assert f"Version {version} ({month})." in (ROOT / "book" / "cite.md").read_text("utf-8")
