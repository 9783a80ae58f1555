"""The finished book in a real browser: below a subpath and from file://, by keyboard,
on a telephone, and in the dark. What assistive technology meets is in test_accessibility.py.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from analysis_lib.paper.claims import HERE
from analysis_lib.show import ledger_page
from analysis_lib.show.fragments import finished, fragment

from visiting import (
    CUT_OFF,
    DESKTOP,
    NAMELESS,
    STICKING_OUT,
    TELEPHONE,
    UNMARKED,
    chapter_paths,
    file_page,
    first,
    of_class,
    one_chapter,
    one_cohort,
    resize,
    settle,
    strangers,
    tour,
    tree_of,
    unfold,
    words,
)

ROOT = Path(__file__).resolve().parents[2]


def test_strangers_are_noticed():
    asked = [
        "http://127.0.0.1:1/some/sub/a.js",
        "http://127.0.0.1:1/a.js",
        "https://cdn.jsdelivr.net/x.js",
        "data:,",
    ]
    assert strangers(asked, "http://127.0.0.1:1/some/sub/") == asked[1:3]


# On the way through the book -------------------------------------------------------

UNEVEN = """() => [...document.querySelectorAll('article table:is(.dataframe, .rows)')].flatMap((table) => {
    const head = table.querySelector('thead tr:last-child');
    const body = table.querySelector('tbody tr:not(.section)');
    if (!head || !body || head.cells.length !== body.cells.length) return [];
    return [...head.cells].map((cell, i) => [cell, body.cells[i]])
        .filter(([h, b]) => h.textContent.trim() && b.tagName === 'TD' && h.colSpan === 1)
        .filter(([h, b]) => getComputedStyle(h).textAlign !== getComputedStyle(b).textAlign)
        .map(([h]) => h.textContent.trim());
})"""


def counted(page, selector):
    return page.evaluate("(selector) => document.querySelectorAll(selector).length", selector)


@pytest.fixture(scope="module")
def toured(visit, book_html):
    """What is met on each page of a tour from files, by path.

    A page is opened once: as it stands, then unfolded, then in the window of a telephone.
    """
    page, met = visit(), {}
    for path in tour(book_html):
        page.goto(file_page(book_html, path))
        settle(page)
        here = met[path] = {
            "headings": counted(page, "article h1"),
            "formulas": counted(page, "mjx-container"),
            "not understood": counted(page, "mjx-merror"),
            "screens": round(page.evaluate("document.documentElement.scrollHeight") / DESKTOP["height"], 1),
        }
        unfold(page)
        here |= {
            "uneven": page.evaluate(UNEVEN),
            "numbers": counted(page, "article table:is(.dataframe, .rows) td.num"),
            "cut off": page.evaluate(CUT_OFF),
            "wide tables": counted(page, "article .table-wrap.scrolls"),
        }
        resize(page, TELEPHONE)
        here["cut off"] += page.evaluate(CUT_OFF)
        here |= {
            "unmarked": page.evaluate(UNMARKED),
            "nameless": page.evaluate(NAMELESS),
            "wide formulas": counted(page, "mjx-container.scrolls"),
            "width": page.evaluate("document.scrollingElement.scrollWidth"),
            "sticking out": page.evaluate(STICKING_OUT),
            "complaints": list(page.complaints),
        }
        page.goto("about:blank")  # where it costs nothing to widen the window again
        page.set_viewport_size(DESKTOP)
        page.complaints.clear()
    return met, list(page.asked)


def test_pages_load_from_files_in_silence_and_alone(toured, book_html):
    """No complaint, no request outside, every formula set."""
    met, asked = toured
    assert not {path: here["complaints"] for path, here in met.items() if here["complaints"]}
    assert {here["headings"] for here in met.values()} == {1}
    assert not [path for path, here in met.items() if here["not understood"]], "MathJax does not understand"
    assert sum(here["formulas"] for here in met.values()) > 0
    assert asked and not strangers(asked, book_html.as_uri() + "/")


def test_pages_load_below_a_subpath_in_silence_and_alone(visit, book_html, book_site):
    """One page of each template: their links are the same from files, where every page is opened."""
    page = visit()
    for path in ("book/intro.html", "book/run-it.html", one_chapter(book_html, "04")):
        page.goto(book_site + path)
        settle(page)
        assert counted(page, "article h1") == 1, path
        assert counted(page, "mjx-merror") == 0, path
        assert not page.complaints, f"{path}: {page.complaints}"
    assert counted(page, "mjx-container") > 0
    assert page.asked and not strangers(page.asked, book_site)


def test_no_chapter_is_longer_than_twelve_screens(toured):
    screens = {path: here["screens"] for path, here in toured[0].items() if "/reconstructed/" in path}
    assert len(screens) > 15
    assert not {path: count for path, count in screens.items() if count > 12}, screens


def test_columns_are_aligned_with_their_headers(toured, book_html):
    """Numbers right, text left, in pandas' tables and in ours."""
    chapters = {path: toured[0][path] for path in one_cohort(book_html)}
    assert not {path: here["uneven"] for path, here in chapters.items() if here["uneven"]}
    assert sum(here["numbers"] for here in chapters.values()), "no table with numbers was seen"


def test_no_page_scrolls_sideways_on_a_telephone(toured):
    offences = []
    for path, here in toured[0].items():
        offences += [f"{path}: {here['width']} px wide"] if here["width"] > TELEPHONE["width"] else []
        offences += [f"{path}: sticks out: {what}" for what in here["sticking out"]]
    assert not offences, "\n".join(offences)


def test_what_scrolls_on_a_telephone_says_so_and_is_reached_by_keyboard(toured):
    """Tables, formulas and lines to be typed, in folds as well."""
    offences = {path: here["unmarked"] for path, here in toured[0].items() if here["unmarked"]}
    assert not offences
    assert sum(here["wide formulas"] for here in toured[0].values()), "no formula was wider than a telephone"


def test_lines_of_a_scrolled_table_keep_their_names(toured):
    offences = {path: here["nameless"] for path, here in toured[0].items() if here["nameless"]}
    assert not offences


def test_on_a_desk_hardly_a_table_is_wider_than_the_text(toured):
    wide = {path: here["wide tables"] for path, here in toured[0].items() if here["wide tables"]}
    assert sum(wide.values()) <= 1, wide  # published series, with where each was read


def test_words_in_drawings_are_whole_and_stand_apart(toured):
    offences = {path: here["cut off"] for path, here in toured[0].items() if here["cut off"]}
    assert not offences


# Ways --------------------------------------------------------------------------


def test_the_root_leads_to_the_first_page(visit, book_site):
    page = visit()
    page.goto(book_site)
    page.wait_for_url("**/book/intro.html")
    assert page.locator("article h1").count() == 1


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_finds_a_chapter(scheme, visit, book_html, book_site):
    base = book_site if scheme == "http" else book_html.as_uri() + "/"
    chapter = one_chapter(book_html, "04")
    heading = words(first(tree_of((book_html / chapter).read_text("utf-8")), "//article//h1"))
    word = re.search(r"[A-Za-z]{6,}", heading).group()
    page = visit()
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


def test_who_wants_no_motion_gets_no_transitions(visit, book_html):
    """Not even short ones: thousands of elements that each begin one keep a telephone busy for seconds."""
    page = visit()
    page.goto(file_page(book_html, one_chapter(book_html, "02")))
    settle(page)
    page.evaluate(
        "addEventListener('transitionrun', () => { window.begun = (window.begun || 0) + 1; }, true)"
    )
    resize(page, TELEPHONE)
    page.emulate_media(color_scheme="dark")
    resize(page, TELEPHONE)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("window.begun || 0") == 0


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
    silent = page.locator("article div.cell.tag_hide-input:not(:has(> .cell_output))").first
    assert silent.is_hidden()  # code that shows nothing waits for the switch
    switch = page.get_by_role("button", name="Show all code")
    switch.focus()
    page.keyboard.press("Enter")
    assert opened(page) == [count, count] and switch.get_attribute("aria-pressed") == "true"
    assert silent.is_visible()
    page.goto(base + one_chapter(book_html, "05"))
    settle(page)
    shown, count = opened(page)
    assert shown == count > 3
    page.get_by_role("button", name="Show all code").click()
    page.reload()
    settle(page)
    assert opened(page)[0] == 0


def cover(book_html):
    return tree_of((book_html / "book" / "intro.html").read_text("utf-8"))


def test_the_cover_says_what_was_found_and_each_card_leads_to_the_very_place(book_html):
    cards = cover(book_html).xpath(f"//*[@id='five-things-this-book-found']//a[{of_class('card-link')}]")
    assert len(cards) == 5
    for card in cards:
        assert "synthetic" in words(card) and re.search(r"\d", words(card))
        assert first(card, ".//svg").get("aria-label")
        path, _, anchor = card.get("href").partition("#")
        there = (book_html / "book" / path).read_text("utf-8")
        assert not anchor or f'id="{anchor}"' in there, card.get("href")


@pytest.mark.parametrize("door, title", [("Read", "The cohort"), ("Run it", "Run it"), ("Teach", "Teach")])
def test_each_door_of_the_cover_leads_to_its_page(door, title, book_html):
    doors = cover(book_html).xpath(f"//*[{of_class('doors')}]//a[{of_class('door')}]")
    (href, *_) = [each.get("href") for each in doors if door in words(each)]
    there = tree_of((book_html / "book" / href).read_text("utf-8"))
    assert title in words(first(there, "//article//h1"))


def test_a_door_of_the_cover_opens_with_one_click(visit, book_site):
    """One stands for the three: they are of the same markup."""
    page = visit()
    page.goto(book_site + "book/intro.html")
    page.locator(".doors a.door", has_text="Teach").first.click()
    page.wait_for_url("**/book/teach.html")
    assert "Teach" in page.locator("article h1").inner_text()


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


def test_a_wide_table_scrolls_in_its_own_box_by_keyboard(visit, book_html):
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


# Solutions -----------------------------------------------------------------------


REASON = (
    "It is said at length, with the arithmetic, why the print and the patients cannot both be right. " * 3
)
BROAD = "a statement that is broader than the column of a telephone, " * 2


def a_ledger(verdicts):
    """A page with a ledger of one claim for each verdict and no more of the book than its style sheet."""
    claims = [
        ledger_page.Line(
            f"claim {verdict}", f"{REASON}({verdict})", ("0.0067", BROAD, verdict), "all patients"
        )
        for verdict in verdicts
    ]
    table = ledger_page.reasoned_html({"Results": claims}, "Claims", ledger_page.HEADS)
    filters = fragment(
        "ledger",
        sections=["Results"],
        verdicts=verdicts,
        saved="",
        summary="Every claim",
        table=finished(table),
        script=finished((HERE / "ledger.js").read_text("utf-8")),
    )
    style = (ROOT / "book" / "_static" / "salvage.css").read_text("utf-8")
    return f"<style>{style}</style><main id='main-content'><article class='bd-article'>{filters}</article></main>"


def test_reasons_of_the_ledger_have_the_width_of_a_telephone_and_stay(visit):
    """Also when the table is wider and is scrolled to its end."""
    page = visit(viewport=TELEPHONE)
    page.set_content(a_ledger(["differs"]))
    page.get_by_text("Every claim").click()
    reason, box = page.locator("tr.why p"), page.locator(".table-wrap")
    page.evaluate("document.querySelector('td.text').style.minWidth = '60rem'")
    seen = box.bounding_box()
    for scrolled in (0, 150):
        box.evaluate("(box, left) => { box.scrollLeft = left; }", scrolled)
        assert box.evaluate("box => box.scrollLeft") == scrolled
        told = reason.bounding_box()
        assert told["width"] > 0.85 * seen["width"]
        assert seen["x"] <= told["x"] and told["x"] + told["width"] <= seen["x"] + seen["width"] + 1


def test_filters_of_the_ledger_take_a_claim_with_its_reason(visit):
    page = visit()
    page.set_content(a_ledger(["differs", "reproduced"]))
    page.get_by_text("Every claim").click()
    page.get_by_label("Verdict").select_option("differs")
    assert [row.get_attribute("class") for row in page.locator("tbody tr:visible").all()] == [
        "section",
        None,
        "why",
    ]
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Words").fill("(reproduced)")  # said in the reason alone
    assert page.locator("tbody tr.why:visible").count() == 1
    assert page.get_by_role("status").inner_text() == "1 of 2 claims shown"


def with_solution(html):
    return first_chapter_with(html, '<details class="admonition hide', "a folded cell")


def test_a_solution_opens_and_closes_by_keyboard(visit, book_html):
    page = visit()
    page.goto(file_page(book_html, with_solution(book_html)))
    settle(page)
    solution = page.locator("article details.hide:visible").first
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
    solution = page.locator("article details.hide:visible").first
    solution.locator("summary").click()
    solution.locator("> :not(summary)").first.wait_for(state="visible")


def test_the_subpath_is_real(book_site):
    """The server of these tests must not answer at the host's root, or a bad link would pass."""
    import urllib.error
    import urllib.request

    origin = "{0.scheme}://{0.netloc}".format(urlsplit(book_site))
    assert urllib.request.urlopen(book_site + "book/intro.html").status == 200
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(origin + "/book/intro.html")
