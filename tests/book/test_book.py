"""The finished HTML, read as files: links, other hosts, images, headings, tables, leaks.

Each rule is a small function from a page to a list of offences, so that the tests at the
end can show each of them something wrong and see it flagged.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import pytest

from visiting import first, of_class, tree_of, words

# Hosts that serve code, fonts or styles. Names in comments (licences, namespaces) are harmless.
CODE_HOSTS = re.compile(
    r"cdn\.|cdnjs|jsdelivr|unpkg|esm\.sh|googleapis|gstatic|googletagmanager|google-analytics"
    r"|plausible\.io|hypothes\.is|utteranc\.es|mybinder|polyfill\.io|cloudflare|use\.fontawesome"
)
# Scripts that name such a host in code which never runs here; test_browser watches that it does not.
INERT = {
    "_static/mathjax/tex-mml-chtml.js": "speech rules, loaded by the menu, which _config.yml turns off",
}
LOCAL_PATH = re.compile(r"(?<![\w.~:/-])(?:/(?:tmp|root|home|Users|private/var)/[\w.-]+|[A-Z]:\\+Users\\)")
ABSOLUTE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
LINKING = {
    "a": "href",
    "area": "href",
    "link": "href",
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "form": "action",
}
RESOURCES = {tag: name for tag, name in LINKING.items() if tag not in ("a", "area")}


@dataclass(frozen=True)
class Page:
    """One page: its path inside the book and its text."""

    path: str
    html: str

    @cached_property
    def tree(self):
        return tree_of(self.html)

    @cached_property
    def anchors(self):
        return set(self.tree.xpath("//@id | //@name"))

    @cached_property
    def article(self):
        return first(self.tree, f"//article[{of_class('bd-article')}]", "//main", "/*")

    @property
    def is_redirect(self):
        return not self.tree.xpath("//body") and bool(self.tree.xpath("//meta[@http-equiv]"))


# The rules --------------------------------------------------------------------


def broken_links(page, files, anchors_of):
    """Links inside the book that lead nowhere, or that only work at the root of a host.

    files: the paths in the book; anchors_of: the ids of a page, by its path.
    """
    offences = []
    for tag in page.tree.iter(*LINKING):
        target = tag.get(LINKING[tag.tag])
        if not target or target.startswith("//"):
            continue
        parts = urlsplit(target)
        if parts.scheme in ("http", "https", "mailto", "data", "blob"):
            continue  # another host is outside_requests' business
        if parts.scheme or target.startswith("/"):
            offences.append(f"{target}: not relative, breaks below a subpath")
            continue
        path = page.path
        if parts.path:
            path = normpath(str(PurePosixPath(page.path).parent / unquote(parts.path)))
        anchor = unquote(parts.fragment)
        if path not in files:
            offences.append(f"{target}: no such file in the book")
        elif anchor and path.endswith(".html") and anchor not in anchors_of(path):
            offences.append(f"{target}: no such anchor")
    return offences


def css_requests(css):
    """Addresses of other hosts that a style sheet would load."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    urls = re.findall(r"url\(\s*['\"]?([^'\")]+)", css) + re.findall(r"@import\s+['\"]([^'\"]+)", css)
    return [url for url in urls if ABSOLUTE.match(url.strip())]


def code_hosts(script):
    """Hosts of code that a script names inside an address."""
    return sorted({url for url in re.findall(r"(?:https?:)?//[\w.@/-]+", script) if CODE_HOSTS.search(url)})


def outside_requests(page):
    """Whatever makes a browser talk to another host on opening the page. Links to read are fine."""
    tree, offences = page.tree, []
    for tag in tree.iter(*RESOURCES):
        url = tag.get(RESOURCES[tag.tag]) or ""
        if ABSOLUTE.match(url):
            offences.append(f"<{tag.tag} {tag.get('rel', '')}> {url}")
    for several in tree.xpath("//@srcset"):
        offences += [f"srcset {url}" for url in re.split(r"[\s,]+", several) if ABSOLUTE.match(url)]
    offences += [f"<meta> {said}" for said in tree.xpath("//meta/@content") if re.search(r"https?://", said)]
    styles = [tag.text_content() for tag in tree.iter("style")] + tree.xpath("//@style")
    offences += [f"style {url}" for css in styles for url in css_requests(css)]
    for script in tree.xpath("//script[not(@src)]"):
        offences += [
            f"inline script {url}" for url in re.findall(r"https?://[^\s\"'\\]+", script.text_content())
        ]
    for tag in tree.xpath("//svg//image | //svg//use"):
        url = tag.get("href") or tag.get("xlink:href") or ""
        if ABSOLUTE.match(url):
            offences.append(f"<{tag.tag}> {url}")
    return offences


def poor_alt_texts(page):
    """Figures that a blind reader would not get: no words, a hash, a file name."""
    offences = [f"{img.get('src', '')[:80]}: no alt attribute" for img in page.tree.xpath("//img[not(@alt)]")]
    for img in page.article.xpath(".//img[@alt]"):
        alt = img.get("alt").strip()
        if len(alt) < 15:
            reason = "shorter than 15 characters"
        elif re.search(r"[0-9a-f]{16,}", alt):
            reason = "a hash"
        elif re.search(r"\.(png|svg|jpe?g|gif|webp)$", alt, re.IGNORECASE) or "_images" in alt:
            reason = "a file name"
        elif " " not in alt:
            reason = "one word"
        else:
            continue
        offences.append(f"{img.get('src', '')[:80]}: alt text {alt!r} is {reason}")
    return offences


def failures_shown(page):
    """Traces of a cell that failed or complained, and of markup that was not understood."""
    offences = []
    if "Traceback (most recent call last)" in words(page.article):
        offences.append("a traceback")
    for classes, what in {
        ("output", "stderr"): "stderr output",
        ("output", "traceback"): "a traceback",
        ("system-message",): "a message of the builder",
        ("problematic",): "markup that was not understood",
    }.items():
        shown = page.article.xpath(f".//*[{of_class(*classes)}]")
        offences += [f"{what}: {words(tag)[:120]}" for tag in shown]
    outputs = f".//*[{of_class('cell_output')}]"
    for output in page.article.xpath(outputs):
        hits = re.findall(r"\b\w*(?:Error|Exception):[^\n]{0,60}", words(output))
        offences += [f"output says {hit!r}" for hit in hits]
    for prose in page.article.xpath(f"{outputs}//*[{of_class('text_markdown')}]"):
        hits = re.findall(r"[^.]{0,40}\b(?:nan|NaN|NaT|<NA>)\b[^.]{0,20}", words(prose))
        offences += [f"prose says {hit!r}" for hit in hits]
    return offences


def heading_faults(page):
    """Exactly one h1, first, and no level left out. The theme's copy for printing does not count."""
    main = first(page.tree, "//main", "/*")
    levelled = main.iter("h1", "h2", "h3", "h4", "h5", "h6")
    headings = [h for h in levelled if not h.xpath("ancestor::*[@id='jb-print-docs-body']")]
    levels = [int(h.tag[1]) for h in headings]
    offences = []
    if levels.count(1) != 1:
        offences.append(f"{levels.count(1)} h1 headings")
    if levels and levels[0] != 1:
        offences.append(f"the first heading is h{levels[0]}: {words(headings[0])}")
    for before, after, heading in zip(levels, levels[1:], headings[1:]):
        if after > before + 1:
            offences.append(f"h{before} is followed by h{after}: {words(heading)}")
    return offences


def table_faults(page):
    """Tables without header cells; and our own tables without caption or scopes."""
    offences = []
    for number, table in enumerate(page.article.iter("table"), start=1):
        where = f"table {number} ({words(table)[:50]})"
        if not any(words(th) for th in table.iter("th")):
            offences.append(f"{where}: no header cells")
        if "rows" not in table.get("class", "").split():
            continue
        caption = first(table, ".//caption")
        if caption is None or not words(caption):
            offences.append(f"{where}: no caption")
        heads = table.xpath(".//thead//th")
        if not heads or any(th.get("scope") not in ("col", "colgroup") for th in heads):
            offences.append(f'{where}: thead needs <th scope="col">')
        for row in table.xpath(".//tbody//tr"):
            begins = first(row, ".//*[self::th or self::td]")
            if row.get("class") == "why" and begins.get("colspan") == str(len(heads)):
                continue  # the reason of the line above, as wide as the table
            if begins is None or begins.tag != "th" or begins.get("scope") not in ("row", "rowgroup"):
                offences.append(f'{where}: a row does not begin with <th scope="row">')
                break
    return offences


def document_faults(page):
    offences = [] if page.tree.get("lang") else ["<html> has no lang"]
    title = first(page.tree, "//title")
    return offences if title is not None and words(title) else [*offences, "no title"]


def repeated(titles):
    """titles: path -> title. Titles that two pages share."""
    counts = Counter(titles.values())
    return [
        f"{path}: {title!r} is also another page's title"
        for path, title in titles.items()
        if counts[title] > 1
    ]


def local_paths(text):
    """Paths of the machine that built the book. Images in the text are left out: base64 looks like
    anything.
    """
    return sorted(set(LOCAL_PATH.findall(re.sub(r"data:image/[^\"')>]+", "", text))))


def notebook_texts(source):
    """The strings of a notebook, without its images."""
    if isinstance(source, dict):
        for key, value in source.items():
            if not key.startswith("image/"):
                yield from notebook_texts(value)
    elif isinstance(source, list):
        for value in source:
            yield from notebook_texts(value)
    elif isinstance(source, str):
        yield source


# The book ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def book_files(book_html):
    return {path.relative_to(book_html).as_posix() for path in book_html.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def all_pages(book_html, book_files):
    """Every page with a body of its own, by path; parsed once."""
    paths = sorted(
        p for p in book_files if p.endswith(".html") and not p.startswith(("_static/", "_sources/"))
    )
    found = {path: Page(path, (book_html / path).read_text(encoding="utf-8")) for path in paths}
    assert len(found) > 3, f"hardly a book: {sorted(found)}"
    return found


@pytest.fixture(scope="session")
def pages(all_pages):
    return {path: page for path, page in all_pages.items() if not page.is_redirect}


@pytest.fixture(scope="session")
def chapters(pages):
    found = {path: page for path, page in pages.items() if re.match(r"book/cohorts/[^/]+/\d\d_", path)}
    assert found, "no chapter of any cohort in the book"
    return found


def report(pages, rule):
    """All offences against a rule, each with its page."""
    return [f"{path}: {offence}" for path, page in pages.items() for offence in rule(page)]


def listed(offences):
    """An assertion message that shows what is wrong, one offence a line."""
    shown = offences[:40]
    rest = [] if len(offences) <= 40 else [f"... and {len(offences) - 40} more"]
    return "\n".join([f"{len(offences)} offences:", *shown, *rest])


def test_internal_links_resolve(pages, all_pages, book_files):
    offences = report(
        pages, lambda page: broken_links(page, book_files, lambda path: all_pages[path].anchors)
    )
    assert not offences, listed(offences)


def test_redirects_lead_to_a_page(all_pages, book_files):
    offences = []
    for path, page in all_pages.items():
        if page.is_redirect:
            target = re.search(r"url=([^\"';]+)", page.html, re.IGNORECASE)
            joined = target and normpath(str(PurePosixPath(path).parent / target.group(1).strip()))
            if joined not in book_files:
                offences.append(f"{path}: {target and target.group(1)}")
    assert not offences, listed(offences)


def test_no_page_asks_another_host(pages):
    offences = report(pages, outside_requests)
    assert not offences, listed(offences)


def test_no_style_sheet_asks_another_host(book_html, book_files):
    sheets = sorted(path for path in book_files if path.endswith(".css"))
    assert sheets
    offences = [
        f"{path}: {url}"
        for path in sheets
        for url in css_requests((book_html / path).read_text(encoding="utf-8"))
    ]
    assert not offences, listed(offences)


def test_no_loaded_script_names_a_content_network(book_html, pages):
    loaded = {
        normpath(str(PurePosixPath(page.path).parent / urlsplit(source).path))
        for page in pages.values()
        for source in page.tree.xpath("//script/@src")
        if not ABSOLUTE.match(source)
    }
    assert "_static/salvage.js" in loaded
    offences = [
        f"{path}: {url}"
        for path in sorted(loaded - set(INERT))
        for url in code_hosts((book_html / path).read_text(encoding="utf-8"))
    ]
    assert not offences, listed(offences)


def test_formulas_have_their_fonts(book_html):
    fonts = list((book_html / "_static/mathjax/output/chtml/fonts/woff-v2").glob("*.woff"))
    assert len(fonts) > 20 and (book_html / "_static/mathjax/LICENSE").exists()


@pytest.mark.parametrize(
    "rule",
    [poor_alt_texts, failures_shown, heading_faults, table_faults, document_faults],
    ids=lambda r: r.__name__,
)
def test_every_page_keeps(rule, pages):
    offences = report(pages, rule)
    assert not offences, listed(offences)


def test_titles_differ(pages):
    offences = repeated({path: words(first(page.tree, "//title")) for path, page in pages.items()})
    assert not offences, listed(offences)


def test_no_path_of_the_building_machine(pages):
    offences = report(pages, lambda page: local_paths(page.html))
    assert not offences, listed(offences)


def test_no_path_of_the_building_machine_in_downloads(book_html, book_files):
    """The notebooks that readers download hold cell metadata, which pages do not show."""
    offences = []
    for path in sorted(p for p in book_files if p.startswith("_sources/")):
        text = (book_html / path).read_text(encoding="utf-8")
        if path.endswith(".ipynb"):
            text = "\n".join(notebook_texts(json.loads(text)))
        offences += [f"{path}: {hit}" for hit in local_paths(text)]
    assert not offences, listed(offences)


def test_the_reconstructed_cohort_is_called_synthetic(chapters):
    offences = [
        path
        for path, page in chapters.items()
        if path.startswith("book/cohorts/reconstructed/") and "synthetic" not in words(page.article).lower()
    ]
    assert not offences, listed(offences)


def test_chapters_show_what_they_computed(chapters):
    """A notebook that never ran has code and no output, and every other rule likes it."""
    outputs = f".//*[{of_class('cell_output')}]"
    offences = [path for path, page in chapters.items() if first(page.article, outputs) is None]
    assert not offences, listed(offences)


# The rules can fail --------------------------------------------------------------


def page_of(body, path="book/page.html"):
    return Page(path, f'<html lang="en"><head><title>T</title></head><body><main>{body}</main></body></html>')


@pytest.mark.parametrize(
    "link, said",
    [
        ('<a href="gone.html">x</a>', "no such file"),
        ('<a href="other.html#gone">x</a>', "no such anchor"),
        ('<a href="#gone">x</a>', "no such anchor"),
        ('<a href="/book/other.html">x</a>', "not relative"),
        ('<a href="file:///book/other.html">x</a>', "not relative"),
        ('<img src="../_images/gone.png">', "no such file"),
        ('<a href="../../outside.html">x</a>', "no such file"),
        ('<a href="../_sources/gone.ipynb">x</a>', "no such file"),
    ],
)
def test_flags_a_broken_link(link, said):
    found = broken_links(page_of(link), {"book/page.html", "book/other.html"}, lambda path: {"here"})
    assert len(found) == 1 and said in found[0]


def test_accepts_a_sound_link():
    links = (
        '<a href="other.html#here">x</a><a href="#here">x</a><a href="../index.html">x</a><a href="#">x</a>'
        '<a href="https://doi.org/10.1/x">x</a><a href="mailto:a@b.c">x</a><img '
        'src="data:image/png;base64,AA=">'
    )
    files = {"book/page.html", "book/other.html", "index.html"}
    assert broken_links(page_of(links), files, lambda path: {"here"}) == []
    assert outside_requests(page_of(links)) == []


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-mml-chtml.js"></script>',
        '<script src="//unpkg.com/thebe"></script>',
        '<link rel="preconnect" href="https://fonts.gstatic.com">',
        '<link rel="canonical" href="https://example.org/book">',
        '<img src="http://example.org/a.png" alt="">',
        '<img srcset="a.png 1x, https://example.org/a.png 2x" alt="">',
        '<meta property="og:image" content="https://example.org/a.png">',
        '<style>@import "https://fonts.googleapis.com/css"</style>',
        "<p style=\"background: url('https://example.org/a.png')\">x</p>",
        '<script>const thebe = {url: "https://mybinder.org"}</script>',
        '<iframe src="https://example.org"></iframe>',
        '<form action="https://example.org/search"></form>',
        '<svg><image xlink:href="https://example.org/a.png"/></svg>',
    ],
)
def test_flags_a_request_to_another_host(body):
    assert len(outside_requests(page_of(body))) == 1


def test_flags_a_content_network_in_code():
    assert code_hosts('load("https://cdn.jsdelivr.net/npm/x")') and code_hosts("//unpkg.com/x")
    assert not code_hosts("/* https://fontawesome.com/license */ 'http://www.w3.org/2000/svg'")
    assert css_requests("a{background:url(//x.org/a.png)}") and not css_requests(
        "/* url(https://x.org) */ a{background:url(a.png)}"
    )


@pytest.mark.parametrize(
    "img",
    [
        '<img src="a.png">',
        '<img src="a.png" alt="">',
        '<img src="a.png" alt="A figure">',
        '<img src="a.png" alt="../_images/3e58bc8fa2d07faf30ff4ed80e3ed7bd1.png">',
        '<img src="a.png" alt="3e58bc8fa2d07faf30ff4ed80e3ed7bd1 figure">',
        '<img src="a.png" alt="overall_survival.png">',
        '<img src="a.png" alt="overall-survival-of-all">',
    ],
)
def test_flags_a_poor_alt_text(img):
    assert len(poor_alt_texts(page_of(f'<article class="bd-article">{img}</article>'))) == 1


def test_accepts_a_good_alt_text():
    assert not poor_alt_texts(
        page_of('<img src="a.png" alt="Kaplan-Meier curves of overall survival by regimen">')
    )


@pytest.mark.parametrize(
    "body",
    [
        "<pre>Traceback (most recent call last)</pre>",
        '<div class="output stderr"><pre>FutureWarning</pre></div>',
        '<div class="cell_output"><pre>ValueError: no such column</pre></div>',
        '<div class="cell_output"><div class="output text_markdown"><p>The median was nan '
        "months.</p></div></div>",
        '<span class="problematic">*</span>',
        '<aside class="system-message">unknown role</aside>',
    ],
)
def test_flags_a_failure_on_the_page(body):
    assert failures_shown(page_of(body))


def test_accepts_words_about_errors():
    assert not failures_shown(
        page_of('<p>A ValueError: says so.</p><div class="cell_output"><p>Standard error 0.1</p></div>')
    )


@pytest.mark.parametrize(
    "body",
    ["<h1>a</h1><h1>b</h1>", "<h2>a</h2>", "<h1>a</h1><h3>b</h3>", "<h2>a</h2><h1>b</h1>", "<p>none</p>"],
)
def test_flags_headings(body):
    assert heading_faults(page_of(body))


def test_accepts_headings():
    printed = '<div id="jb-print-docs-body"><h1>a</h1><h2>Contents</h2></div>'
    assert not heading_faults(page_of(printed + "<h1>a</h1><h2>b</h2><h3>c</h3><h2>d</h2>"))


GOOD_TABLE = (
    '<table class="rows"><caption>Table 1.</caption><thead><tr><th scope="col">x</th></tr></thead>'
    '<tbody><tr><th scope="row">a</th><td>1</td></tr></tbody></table>'
)


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td>1</td></tr></table>",
        "<table><thead><tr><th></th></tr></thead><tr><td>1</td></tr></table>",
        GOOD_TABLE.replace("<caption>Table 1.</caption>", ""),
        GOOD_TABLE.replace('<th scope="col">', "<th>"),
        GOOD_TABLE.replace('<th scope="row">a</th>', "<td>a</td>"),
    ],
)
def test_flags_a_table(table):
    assert table_faults(page_of(table))


def test_accepts_a_table():
    assert not table_faults(page_of(GOOD_TABLE))


def test_flags_documents():
    assert len(document_faults(Page("a.html", "<html><body></body></html>"))) == 2
    assert not document_faults(page_of(""))
    assert len(repeated({"a": "x", "b": "x", "c": "y"})) == 2


@pytest.mark.parametrize(
    "text", ["in /tmp/pytest-1/x", '"/root/book"', "(/home/anna/data.csv)", r"C:\Users\anna", "/Users/anna/x"]
)
def test_flags_a_local_path(text):
    assert local_paths(text)


@pytest.mark.parametrize(
    "text",
    ["../home/page.html", "https://example.org/home/x", "https://example.org/tmp/x", "path/to/cohort.yml"],
)
def test_accepts_other_paths(text):
    assert not local_paths(text)


def test_reads_all_of_a_notebook():
    source = {
        "cells": [{"outputs": [{"data": {"image/png": "skip", "text/plain": ["a"]}}], "source": "b"}],
        "metadata": {"papermill": {"output_path": "c"}},
    }
    assert set(notebook_texts(source)) == {"a", "b", "c"}
