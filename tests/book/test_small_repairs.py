"""What the book's own script repairs on a page: seen on a page of its own, which needs no finished book."""

import pytest

from analysis_lib.files.places import ROOT

from visiting import TELEPHONE

STATIC = ROOT / "book" / "_static"
CODE = 'def told(x):\n    say(rows, "Of {a} patients, {b} had the event, which came earlier than others thought.")\n\nx = 1\n'
PAGE = """<html><head><style>{css}</style></head><body><div id="main-content"><article class="bd-article">{body}
</article></div></body></html>"""


@pytest.fixture
def shown(visit):
    """shown(body) -> a telephone's page with this in its article, once style sheet and script have seen it."""

    def show(body):
        page = visit(viewport=TELEPHONE)
        page.set_content(PAGE.format(css=(STATIC / "salvage.css").read_text("utf-8"), body=body))
        page.add_script_tag(path=STATIC / "salvage.js")
        return page

    return show


def test_a_line_of_code_that_wraps_goes_on_further_in_than_a_new_line(shown):
    tokens = CODE.replace("def", '<span class="k">def</span>', 1)
    page = shown(f'<div class="cell"><div class="highlight"><pre><span></span>{tokens}</pre></div></div>')
    pre = page.locator("pre")
    assert pre.evaluate("(pre) => pre.textContent") == CODE, "it is copied as it was typed"
    assert pre.locator("span.k").inner_text() == "def"
    # where a line begins after its own indentation, and where it goes on
    edges = pre.evaluate("""(pre) => [...pre.querySelectorAll('.code-line')].map((line) => {
        const range = document.createRange();
        range.selectNodeContents(line);
        const indent = line.textContent.search(/\\S/);
        if (indent > 0) range.setStart(line.firstChild, indent);
        return [...new Set([...range.getClientRects()].filter((r) => r.width > 12).map((r) => Math.round(r.left)))];
    })""")
    head, wrapped, empty, last = edges
    assert len(last) == 1 and last[0] == head[0] and not empty
    begins, goes_on = wrapped
    assert last[0] < begins < goes_on


def test_a_median_with_an_end_in_words_is_seen_on_a_telephone(shown):
    lines = "".join(
        f'<tr><th scope="row">{name}</th><td>16</td><td>5</td><td>15.6 months (95% CI 9.8 to not reached)</td></tr>'
        for name in ("RT only", "ST then RT")
    )
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in ("Sequence of salvage therapy", "Patients", "Deaths", "Median OS2")
    )
    page = shown(f'<table class="rows short"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>')
    page.wait_for_timeout(200)
    right = page.locator("td").last.evaluate("(cell) => cell.getBoundingClientRect().right")
    assert right <= TELEPHONE["width"]


def test_a_p_value_stays_with_its_letter(shown):
    page = shown("<p>The test gives P = 0.19 (n = 120), P &lt; 0.001.</p><pre>P = 0.19</pre>")
    assert (
        page.locator("p").text_content()
        == "The test gives P\u00a0=\u00a00.19 (n\u00a0=\u00a0120), P\u00a0<\u00a00.001."
    )
    assert page.locator("pre").text_content() == "P = 0.19", "code is what it is"


def test_short_code_within_words_stays_in_one_line_and_long_code_does_not(shown):
    """Wherever the line ends: behind more and more words."""
    many = "".join(f"{'w ' * n}<code>--nthreads 1</code> " for n in range(1, 40))
    long = "python -m analysis_lib.reconstruction.many pack"
    page = shown(f"<p>{many}</p><p>words before it <code>{long}</code></p>")
    lines = page.evaluate(
        "[...document.querySelectorAll('code')].map((code) => code.getClientRects().length)"
    )
    assert lines[:-1] == [1] * 39 and lines[-1] > 1


def test_code_that_names_a_line_of_a_scrolled_table_stays_in_its_column(shown):
    cells = "".join(f"<td>{number}</td>" for number in ("1234.56", *["a column of its own"] * 4))
    heads = "".join(f"<th>{each}</th>" for each in ("What", "CPU", *["Other"] * 4))
    line = f"<tr><td><code>salvage-book check lymphoma --fresh</code></td>{cells}</tr>"
    page = shown(f'<table class="table"><thead><tr>{heads}</tr></thead><tbody>{line}</tbody></table>')
    assert page.locator(".table-wrap.scrolls").count() == 1
    named, number = page.locator("td code").bounding_box(), page.locator("td").nth(1).bounding_box()
    assert named["x"] + named["width"] <= number["x"] + 1


def test_the_places_of_a_checklist_have_the_width_of_a_telephone(shown):
    line = "<tr><td>9 Bias</td><td>What was done about it</td><td>Beyond the paper: whether it is better</td></tr>"
    page = shown(
        f'<section id="strobe-checklist"><table class="table"><tbody>{line}</tbody></table></section>'
    )
    table = page.locator("table").bounding_box()
    item, told, place = (cell.bounding_box() for cell in page.locator("td").all())
    assert place["y"] >= max(item["y"] + item["height"], told["y"] + told["height"]) - 1
    assert place["width"] > 0.95 * table["width"]
