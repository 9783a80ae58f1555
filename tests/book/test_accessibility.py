"""Every kind of page for assistive technology, in a real browser: light and dark, at a desk and on a telephone."""

import pytest

from visiting import DESKTOP, TELEPHONE, axe_offences, file_page, one_chapter, resize, settle, unfold

PAGES = [
    "book/intro.html",
    "book/generated/time-to-an-event.html",
    "book/generated/explorer.html",
    "book/generated/guide.html",
    "book/teach.html",
    "book/journal-club.html",
    "book/generated/glossary.html",
]

# Axe looks at markup and style, for longest at the contrast of each text. Of rows of a table, and of words of code,
# that differ in nothing but their text, two stand for all: two, as every other row may be shaded.
THIN_OUT = """(thin) => {
  for (const [box, part] of [['article tbody', 'tr'], ['article pre', 'span[class]']])
    for (const each of document.querySelectorAll(box)) {
      const met = {};
      for (const alike of each.querySelectorAll(part)) {
        alike.hidden = false;
        const but_for_text = alike.outerHTML.replace(/>[^<]+</g, '>text<');
        met[but_for_text] = (met[but_for_text] || 0) + 1;
        alike.hidden = thin && met[but_for_text] > 2;
      }
    }
}"""


@pytest.mark.parametrize("path", [*PAGES, "02", "04"])
def test_accessibility(path, visit, book_html):
    """Chapters are one template: one with the largest table, and one with figures and exercises, stand for them."""
    path = path if path in PAGES else one_chapter(book_html, path)
    page = visit()
    page.goto(file_page(book_html, path))
    settle(page)
    unfold(page)
    assert not page.complaints  # axe itself makes some
    offences = []
    for window in (DESKTOP, TELEPHONE):
        page.evaluate(THIN_OUT, False)
        resize(page, window)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"scrolls sideways: {window}"
        )
        page.evaluate(THIN_OUT, True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            resize(page, window)  # and its colours
            assert page.evaluate("document.documentElement.dataset.theme") == scheme
            offences += [f"{scheme}, {window['width']} px: {offence}" for offence in axe_offences(page)]
    assert not offences, "\n".join(offences)


def test_axe_can_fail(visit):
    page = visit()
    page.set_content(
        '<html><body><img src="data:,"><p style="color:#ccc;background:#fff">pale</p></body></html>'
    )
    found = " ".join(axe_offences(page))
    assert "image-alt" in found and "color-contrast" in found


def test_what_scrolls_is_reached_by_keyboard_after_the_window_was_widened(visit, book_html):
    page = visit(viewport=TELEPHONE)
    page.goto(file_page(book_html, "book/generated/explorer.html"))
    settle(page)
    unfold(page)
    scrolling = """() => [...document.querySelectorAll('article .table-wrap, article .pst-scrollable-table-container')]
        .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.tabIndex)"""
    seen = {}
    for window in (DESKTOP, TELEPHONE):
        resize(page, window)
        seen[window["width"]] = page.evaluate(scrolling)
    assert seen[TELEPHONE["width"]] and set(sum(seen.values(), [])) == {0}
