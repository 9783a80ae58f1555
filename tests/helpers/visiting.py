"""What a visitor to the finished book needs: where its pages are, windows of two sizes, and what is looked for,
in a browser or in the HTML alone.
"""

from lxml import html as markup

DESKTOP = {"width": 1280, "height": 900}
TELEPHONE = {"width": 390, "height": 844}
SERIOUS = {"serious", "critical"}
# Mere advice by axe's own grading, but this book keeps them: the theme breaks both by itself.
KEPT = {"region", "empty-table-header"}

# What sticks out of the page without a box of its own to scroll in.
STICKING_OUT = """() => {
  const scrolls = (element) => {
    for (let box = element.parentElement; box && box.tagName !== 'ARTICLE'; box = box.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) return true;
    return ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
  };
  return [...document.querySelectorAll('article.bd-article :is(table, img, pre, svg, mjx-container, p, h1, h2, h3, details)')]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e) && !e.closest('mjx-assistive-mml, pre, mjx-container'))
    .map((e) => e.tagName + ' ' + e.textContent.trim().slice(0, 40));
}"""


# What scrolls sideways must be reachable by keyboard, be shadowed where it goes on, and cut nothing in its height.
UNMARKED = """() => [...document.querySelectorAll('article :is(.table-wrap, .pst-scrollable-table-container, pre, mjx-container[display=true])')]
  .filter((box) => box.scrollWidth > box.clientWidth + 1 && box.getClientRects().length)
  .filter((box) => box.tabIndex !== 0 || !box.getAttribute('aria-label')
    || !getComputedStyle(box).backgroundImage.includes('gradient'))
  .map((box) => `${box.tagName} ${box.className}: ${box.textContent.trim().slice(0, 40)}`)"""

# Tables whose lines lose their names when they are scrolled, or whose names leave no room for the numbers.
NAMELESS = """() => [...document.querySelectorAll('article :is(.table-wrap, .pst-scrollable-table-container).scrolls')].flatMap((box) => {
  const first = box.querySelector('tbody tr:not(.section) > :first-child');
  if (!first || !first.getClientRects().length) return [];
  const was = box.scrollLeft;
  box.scrollLeft = box.scrollWidth;
  const [seen, name] = [box.getBoundingClientRect(), first.getBoundingClientRect()];
  const [, , , alpha = 1] = getComputedStyle(first).backgroundColor.match(/[0-9.]+/g).map(Number);
  box.scrollLeft = was;
  const stays = Math.abs(name.left - seen.left) < 2 && alpha === 1;
  return stays && name.width <= 0.46 * seen.width ? [] : [`${first.textContent.trim().slice(0, 40)}: ${Math.round(name.width)} px`];
})"""

# Words of drawings that are cut off at an edge, or stand on others.
CUT_OFF = """() => [...document.querySelectorAll('article svg')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map((t) => [t.textContent.trim(), t.getBoundingClientRect()])
    .filter(([words, box]) => words && box.width && frame.width);
  const cut = texts.filter(([, box]) => box.left < frame.left - 2 || box.right > Math.min(frame.right + 2, innerWidth)
    || box.top < frame.top - 2 || box.bottom > frame.bottom + 2);
  const on = texts.filter(([, a], i) => texts.slice(i + 1).some(([, b]) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5));
  return [...cut.map(([words]) => `cut off: ${words}`), ...on.map(([words]) => `on others: ${words}`)];
})"""


def chapter_paths(html, number="[0-9][0-9]"):
    """Chapters by path, the reconstructed cohort's first."""
    found = [path.relative_to(html).as_posix() for path in html.glob(f"book/cohorts/*/{number}_*.html")]
    return sorted(found, key=lambda path: ("/reconstructed/" not in path, path))


def one_chapter(html, number):
    found = chapter_paths(html, number)
    assert found, f"no chapter {number} in the book"
    return found[0]


def one_cohort(html):
    """All chapters of one cohort, and one chapter of each other cohort."""
    paths = chapter_paths(html)
    assert paths, "no chapters in the book"
    first = paths[0].rsplit("/", 1)[0]
    others = {path.rsplit("/", 1)[0]: path for path in paths if not path.startswith(first + "/")}
    return [path for path in paths if path.startswith(first + "/")] + sorted(others.values())


def tour(html):
    """The prose pages, one cohort's chapters, and a chapter of each other cohort."""
    prose = [*html.glob("book/*.html"), *html.glob("book/generated/*.html")]
    return sorted(path.relative_to(html).as_posix() for path in prose) + one_cohort(html)


def file_page(html, path):
    return (html / path).as_uri()


# HTML without a browser: lxml takes a tenth of the time of a parser in Python.


def tree_of(html):
    """The document of a page's text. Comments are no part of it."""
    return markup.document_fromstring(html, parser=markup.HTMLParser(remove_comments=True, huge_tree=True))


def of_class(*names):
    """An XPath condition: the element has all these classes."""
    return " and ".join(f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')" for name in names)


def first(tree, *paths):
    """The first element that the first fruitful XPath finds, or None."""
    return next((found for path in paths for found in tree.xpath(path)), None)


def words(element):
    """The text of an element as it is read: no scripts and styles, one space wherever there is space."""
    found = element.xpath(".//text()[not(parent::script or parent::style)]")
    return " ".join(" ".join(found).split())


# In a browser.


def settle(page):
    """Fonts are there and formulas are set."""
    page.wait_for_load_state("load")
    page.evaluate("""async () => {
        await document.fonts.ready;
        if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
    }""")


def unfold(page):
    page.evaluate("""() => {
        document.querySelectorAll('article .question-button[aria-expanded=false]').forEach((each) => each.click());
        document.querySelectorAll('article details').forEach((each) => { each.open = true; });
    }""")
    page.wait_for_timeout(50)  # 'toggle' comes after the change


def resize(page, window):
    """Give the page another window, and wait until what follows its size, or its colours, has followed: what
    stands inside changes after what it stands in, so that several pictures may come and go.
    """
    page.set_viewport_size(window)
    page.evaluate("""async () => {
        const picture = () => new Promise((done) => requestAnimationFrame(done));
        for (let still = 0; still < 3; still++) {
            await picture();
            if (document.getAnimations().some((each) => each.playState === "running")) still = -1;
        }
    }""")


def strangers(asked, allowed):
    """Requests that leave the book."""
    return [url for url in asked if not url.startswith((allowed, "data:", "blob:"))]


def axe_offences(page):
    from axe_playwright_python.sync_playwright import Axe

    # Of rules that hold nothing is told in detail: that takes as long as the search itself.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for rule in found
        if rule["impact"] in SERIOUS or rule["id"] in KEPT
        for node in rule["nodes"]
    ]
