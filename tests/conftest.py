"""Fixtures shared by the tests of the built book. Nothing here runs unless a test asks for it."""

import gc
import http.server
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

import analysis_lib  # noqa: F401  before numpy, as in a build: one thread a process
from analysis_lib.binding import kernels

from visiting import DESKTOP

# Every test of a property: how long an example takes says how busy the machine is, and nothing of the property.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parents[1]
SUBPATH = "/some/sub/"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Headless, and quiet: the browser itself must not phone home while we look for requests.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# While libraries are imported and tests collected, hardly anything becomes garbage: a fifth of that time was spent
# on looking for it.
gc.disable()


# What takes longest starts first, so that no worker is left with it when the others have nothing more to do.
LONGEST = (
    "test_foreign_cohorts",
    "test_reconstruction",
    "test_disclosure",
    "test_consistent",
    "test_browser",
    "test_installed",
    "test_downloads",
)


def pytest_collection_modifyitems(items):
    turn = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(item.path.stem, len(turn)))


def pytest_collection_finish():
    """What was imported and collected stays, and whoever clears memory need not look through all of it each
    time. Nor need anybody look as often as after each 700 objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def no_kernels_ahead():
    """A build in a test's own process starts kernels when it has something to run: most are refused before."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kernels, "start_early", lambda folder: None)
        yield


def one_worker_at_a_time(tmp_path_factory):
    """Under pytest-xdist each worker has its own session: only one of them may build."""
    return FileLock(tmp_path_factory.getbasetemp().parent / "book.lock")


def build_book():
    run = subprocess.run(
        [sys.executable, "-m", "analysis_lib", "build"], cwd=ROOT, capture_output=True, text=True
    )
    if run.returncode:
        tail = "\n".join((run.stdout + run.stderr).splitlines()[-40:])
        pytest.fail(f"python -m analysis_lib build exited {run.returncode}:\n{tail}", pytrace=False)


@pytest.fixture(scope="session")
def book_html(tmp_path_factory):
    """The folder with the finished pages: SALVAGE_BOOK_HTML, else _build/html, built when missing."""
    named = os.environ.get("SALVAGE_BOOK_HTML")
    html = Path(named).resolve() if named else ROOT / "_build" / "html"
    if not named:
        with one_worker_at_a_time(tmp_path_factory):
            if not (html / "index.html").exists():
                build_book()
    assert (html / "index.html").exists(), f"no book in {html}"
    return html


class SubpathHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the book below SUBPATH only: a link to the host's root gets a 404."""

    def translate_path(self, path):
        if not path.startswith(SUBPATH):
            return str(Path(self.directory) / "no-such-file")
        return super().translate_path("/" + path[len(SUBPATH) :])

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def book_site(book_html):
    """The address of the book on this machine, below a subpath."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SubpathHandler, directory=str(book_html))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{SUBPATH}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail(
            "no Chromium found (looked for " + ", ".join(BROWSERS) + "): "
            "on Debian or Ubuntu, apt-get install chromium",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield chromium
        chromium.close()


def page_that_notes(browser, java_script_enabled):
    """A page in a context of its own that notes its requests and complaints."""
    context = browser.new_context(reduced_motion="reduce", java_script_enabled=java_script_enabled)
    page = context.new_page()
    page.set_default_timeout(120_000)  # patience with a busy machine
    page.asked, page.complaints = [], []
    context.on("request", lambda request: page.asked.append(request.url))
    # What the browser itself gives up because the page was left (an icon still on its way) is nobody's fault.
    context.on(
        "requestfailed",
        lambda request: (
            request.failure != "net::ERR_ABORTED"
            and page.complaints.append(f"{request.failure}: {request.url}")
        ),
    )
    context.on(
        "response",
        lambda answer: answer.status >= 400 and page.complaints.append(f"{answer.status}: {answer.url}"),
    )
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def forget(page):
    """Leave the book as somebody who was never there."""
    if page.url.startswith(("http:", "file:")):  # elsewhere there is no storage
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.goto("about:blank")
    page.asked.clear()
    page.complaints.clear()


@pytest.fixture(scope="session")
def visit(browser):
    """visit(...) -> an empty page with nothing kept: one for all tests, as a new context costs more than a page of
    the book. Whoever asks again gives up the page that came before.
    """
    kept = {}

    def open_page(viewport=DESKTOP, color_scheme="light", java_script_enabled=True):
        if java_script_enabled not in kept:
            kept[java_script_enabled] = page_that_notes(browser, java_script_enabled)
        page = kept[java_script_enabled]
        forget(page)
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme)
        return page

    yield open_page
    for page in kept.values():
        page.context.close()
