"""The finished book in a real browser: below a subpath and from file://, by keyboard,
on a telephone, in the dark, and for assistive technology."""

import re
from urllib.parse import urlsplit

import pytest

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
    return sorted(path.relative_to(html).as_posix() for path in html.glob("book/*.html")) + one_cohort(html)


def file_page(html, path):
    return (html / path).as_uri()


@pytest.fixture
def visit(browser):
    """visit(**options) -> a page in a context of its own that notes its requests and complaints."""
    contexts = []

    def open_page(**options):
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.asked, page.complaints = [], []
        context.on("request", lambda request: page.asked.append(request.url))
        context.on("requestfailed", lambda request: page.complaints.append(f"failed: {request.url}"))
        context.on(
            "response",
            lambda answer: answer.status >= 400 and page.complaints.append(f"{answer.status}: {answer.url}"),
        )
        page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()


def settle(page):
    """Fonts are there and formulas are set."""
    page.wait_for_load_state("load")
    page.evaluate("""async () => {
        await document.fonts.ready;
        if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
    }""")


def unfold(page):
    page.evaluate("document.querySelectorAll('article details').forEach((d) => { d.open = true; })")
    page.wait_for_timeout(50)  # 'toggle' comes after the change


def strangers(asked, allowed):
    """Requests that leave the book."""
    return [url for url in asked if not url.startswith((allowed, "data:", "blob:"))]


def test_strangers_are_noticed():
    asked = [
        "http://127.0.0.1:1/some/sub/a.js",
        "http://127.0.0.1:1/a.js",
        "https://cdn.jsdelivr.net/x.js",
        "data:,",
    ]
    assert strangers(asked, "http://127.0.0.1:1/some/sub/") == asked[1:3]


# Offline -----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_chapters_load_in_silence_and_alone(scheme, visit, book_html, book_site):
    """No complaint, no request outside, every formula set."""
    page = visit()
    base = book_site if scheme == "http" else book_html.as_uri() + "/"
    formulas = 0
    for path in tour(book_html):
        page.goto(base + path)
        settle(page)
        assert page.locator("article h1").count() == 1, path
        assert page.locator("mjx-merror").count() == 0, f"{path}: a formula that MathJax does not understand"
        formulas += page.locator("mjx-container").count()
        assert not page.complaints, f"{path}: {page.complaints}"
    assert formulas > 0
    assert page.asked and not strangers(page.asked, base)


def test_the_root_leads_to_the_first_page(visit, book_site):
    page = visit()
    page.goto(book_site)
    page.wait_for_url("**/book/intro.html")
    assert page.locator("article h1").count() == 1


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_finds_a_chapter(scheme, visit, book_html, book_site):
    base = book_site if scheme == "http" else book_html.as_uri() + "/"
    chapter = one_chapter(book_html, "04")
    page = visit()
    page.goto(base + chapter)
    word = re.search(r"[A-Za-z]{6,}", page.locator("article h1").inner_text()).group()
    page.goto(base + "book/intro.html")
    settle(page)
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill(word)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    hit = page.locator(f"#search-results a[href*='{chapter}']").first
    hit.wait_for()
    hit.click()
    page.wait_for_url(f"**/{chapter}*")
    assert word.lower() in page.locator("article h1").inner_text().lower()
    assert not strangers(page.asked, base)


# Light and dark ------------------------------------------------------------------


def press_until(page, theme):
    """Presses the colour-mode button until the page has this theme."""
    for _ in range(3):
        if page.evaluate("document.documentElement.dataset.theme") == theme:
            return
        page.locator(".theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == theme


def luminance(colour):
    red, green, blue = (int(float(part)) for part in re.findall(r"[\d.]+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def style_of(page, selector, *names):
    return page.locator(selector).first.evaluate(
        "(e, names) => names.map((name) => getComputedStyle(e)[name])", list(names)
    )


def wait_for_paper(page, is_light):
    """The page's ground is light, or dark (colours change a frame after the press)."""
    for _ in range(40):
        if (luminance(style_of(page, "body", "backgroundColor")[0]) > 0.5) == is_light:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"the page's ground stayed {style_of(page, 'body', 'backgroundColor')[0]}")


def first_chapter_with(html, markup, what):
    found = next((path for path in chapter_paths(html) if markup in (html / path).read_text("utf-8")), None)
    assert found, f"no chapter with {what}"
    return found


def with_figure(html):
    return first_chapter_with(html, '<svg class="drawing wide"', "a figure")


def test_dark_mode_can_be_chosen_and_is_remembered(visit, book_html, book_site):
    page = visit(color_scheme="light")
    page.goto(book_site + "book/intro.html")
    press_until(page, "dark")
    wait_for_paper(page, is_light=False)
    page.goto(book_site + with_figure(book_html))
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    (ink,) = style_of(page, "article svg.drawing.wide text", "fill")
    assert luminance(ink) > 0.6, "words of a figure that nobody can read in the dark"
    (ground,) = style_of(page, "article svg.drawing.wide", "backgroundColor")
    assert ground == "rgba(0, 0, 0, 0)"  # no white slab
    press_until(page, "light")
    wait_for_paper(page, is_light=True)


def test_the_system_decides_at_first(visit, book_html):
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        page.goto(file_page(book_html, "book/intro.html"))
        assert page.evaluate("document.documentElement.dataset.theme") == scheme


# Code and cover --------------------------------------------------------------------


def opened(page):
    """How many of a page's folded cells of code are open, and how many there are."""
    return page.evaluate("""() => {
        const folds = [...document.querySelectorAll('article details.hide.above-input')];
        return [folds.filter((each) => each.open).length, folds.length];
    }""")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_code_is_folded_and_one_switch_opens_it_on_every_page(scheme, visit, book_html, book_site):
    base = book_site if scheme == "http" else book_html.as_uri() + "/"
    page = visit()
    page.goto(base + one_chapter(book_html, "04"))
    settle(page)
    shown, count = opened(page)
    assert shown == 0 and count > 3
    switch = page.get_by_role("button", name="Show all code")
    switch.focus()
    page.keyboard.press("Enter")
    assert opened(page) == [count, count] and switch.get_attribute("aria-pressed") == "true"
    page.goto(base + one_chapter(book_html, "05"))
    settle(page)
    shown, count = opened(page)
    assert shown == count > 3
    page.get_by_role("button", name="Show all code").click()
    page.reload()
    settle(page)
    assert opened(page)[0] == 0


def test_the_cover_says_what_was_found_and_each_card_leads_to_the_very_place(visit, book_html, book_site):
    page = visit()
    page.goto(book_site + "book/intro.html")
    settle(page)
    cards = page.locator("#five-things-this-book-found a.card-link")
    assert cards.count() == 5
    for place in range(5):
        card = cards.nth(place)
        assert "synthetic" in card.inner_text() and re.search(r"\d", card.inner_text())
        assert card.locator("svg").get_attribute("aria-label")
        path, _, anchor = card.get_attribute("href").partition("#")
        there = (book_html / "book" / path).read_text("utf-8")
        assert not anchor or f'id="{anchor}"' in there, card.get_attribute("href")


@pytest.mark.parametrize("door, title", [("Read", "The cohort"), ("Run it", "Run it"), ("Teach", "Teach")])
def test_each_door_of_the_cover_opens_with_one_click(door, title, visit, book_site):
    page = visit()
    page.goto(book_site + "book/intro.html")
    settle(page)
    page.locator(".doors a.door", has_text=door).first.click()
    page.wait_for_load_state()
    assert title in page.locator("article h1").inner_text()


def test_a_cohorts_first_page_leads_to_its_chapters(visit, book_html, book_site):
    page = visit()
    page.goto(book_site + "book/cohorts/reconstructed/index.html")
    settle(page)
    cards = page.locator("#chapters a.card-link")
    assert cards.count() == len(list(book_html.glob("book/cohorts/reconstructed/[0-9][0-9]_*.html")))
    cards.nth(3).click()
    page.wait_for_load_state()
    assert page.locator("article h1").inner_text().startswith("Survival")
    assert page.locator("article .opening .question").count() == 1


# Telephone -----------------------------------------------------------------------


def test_figures_have_a_rendering_of_their_own_on_a_telephone(visit, book_html):
    page = visit(viewport=TELEPHONE)
    page.goto(file_page(book_html, with_figure(book_html)))
    settle(page)
    seen = page.evaluate("""() => [...document.querySelectorAll('article svg.drawing')]
        .filter((each) => each.getBoundingClientRect().width > 0)
        .map((each) => [each.classList.contains('narrow'),
                        Math.min(...[...each.querySelectorAll('text')].map((t) => t.getBoundingClientRect().height))])""")
    assert seen and all(narrow for narrow, _ in seen)
    assert min(height for _, height in seen) >= 10, "words smaller than ten pixels"


def test_no_page_scrolls_sideways_on_a_telephone(visit, book_html):
    page = visit(viewport=TELEPHONE)
    offences = []
    for path in tour(book_html):
        page.goto(file_page(book_html, path))
        settle(page)
        unfold(page)
        width = page.evaluate("document.scrollingElement.scrollWidth")
        offences += [f"{path}: {width} px wide"] if width > TELEPHONE["width"] else []
        offences += [f"{path}: sticks out: {what}" for what in page.evaluate(STICKING_OUT)]
    assert not offences, "\n".join(offences)


def test_a_wide_table_scrolls_in_its_own_box_by_keyboard(visit, browser, book_html):
    page = visit(viewport=TELEPHONE)
    for path in chapter_paths(book_html):
        page.goto(file_page(book_html, path))
        settle(page)
        boxes = page.locator("article .table-wrap.scrolls:visible")
        if boxes.count():
            break
    else:
        pytest.fail("no table of any chapter is wider than a telephone: nothing was tested")
    box = boxes.first
    assert box.get_attribute("tabindex") == "0" and box.get_attribute("aria-label")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(e) => e.scrollLeft > 0", arg=box.element_handle())


def test_columns_are_aligned_with_their_headers(visit, book_html):
    """Numbers right, text left, in pandas' tables and in ours."""
    page = visit()
    seen = 0
    for path in one_cohort(book_html):
        page.goto(file_page(book_html, path))
        settle(page)
        unfold(page)
        uneven = page.evaluate("""() => [...document.querySelectorAll('article table:is(.dataframe, .rows)')].flatMap((table) => {
            const head = table.querySelector('thead tr:last-child');
            const body = table.querySelector('tbody tr:not(.section)');
            if (!head || !body || head.cells.length !== body.cells.length) return [];
            return [...head.cells].map((cell, i) => [cell, body.cells[i]])
                .filter(([h, b]) => h.textContent.trim() && b.tagName === 'TD' && h.colSpan === 1)
                .filter(([h, b]) => getComputedStyle(h).textAlign !== getComputedStyle(b).textAlign)
                .map(([h]) => h.textContent.trim());
        })""")
        assert not uneven, f"{path}: {uneven}"
        seen += page.locator("article table:is(.dataframe, .rows) td.num").count()
    assert seen, "no table with numbers was seen"


# Solutions -----------------------------------------------------------------------


def with_solution(html):
    return first_chapter_with(html, '<details class="admonition hide', "a folded cell")


def test_a_solution_opens_and_closes_by_keyboard(visit, book_html):
    page = visit()
    page.goto(file_page(book_html, with_solution(book_html)))
    settle(page)
    solution = page.locator("article details.hide").first
    inside = solution.locator("> :not(summary)").first
    assert not inside.is_visible()
    solution.locator("summary").focus()
    page.keyboard.press("Enter")
    inside.wait_for(state="visible")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is not to be seen"
    page.keyboard.press("Enter")
    inside.wait_for(state="hidden")


def test_a_solution_opens_without_scripts(visit, book_html):
    page = visit(java_script_enabled=False)
    page.goto(file_page(book_html, with_solution(book_html)))
    solution = page.locator("article details.hide").first
    solution.locator("summary").click()
    solution.locator("> :not(summary)").first.wait_for(state="visible")


# Assistive technology --------------------------------------------------------------


def axe_offences(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for rule in found
        if rule["impact"] in SERIOUS or rule["id"] in KEPT
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("viewport", [DESKTOP, TELEPHONE], ids=["desktop", "telephone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(scheme, viewport, visit, book_html):
    page = visit(color_scheme=scheme, viewport=viewport)
    offences = []
    for path in ["book/intro.html", one_chapter(book_html, "02"), one_chapter(book_html, "04")]:
        page.goto(file_page(book_html, path))
        settle(page)
        unfold(page)
        offences += [f"{path}: {offence}" for offence in axe_offences(page)]
    assert not offences, "\n".join(offences)


def test_axe_can_fail(visit):
    page = visit()
    page.set_content(
        '<html><body><img src="data:,"><p style="color:#ccc;background:#fff">pale</p></body></html>'
    )
    found = " ".join(axe_offences(page))
    assert "image-alt" in found and "color-contrast" in found


def test_the_subpath_is_real(book_site):
    """The server of these tests must not answer at the host's root, or a bad link would pass."""
    import urllib.error
    import urllib.request

    origin = "{0.scheme}://{0.netloc}".format(urlsplit(book_site))
    assert urllib.request.urlopen(book_site + "book/intro.html").status == 200
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(origin + "/book/intro.html")
