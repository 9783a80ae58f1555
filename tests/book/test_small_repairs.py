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
        return [...new Set([...range.getClientRects()].filter((r) => r.width > 3).map((r) => Math.round(r.left)))];
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
    page = shown(f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>')
    page.wait_for_timeout(200)
    right = page.locator("td").last.evaluate("(cell) => cell.getBoundingClientRect().right")
    assert right <= TELEPHONE["width"]
