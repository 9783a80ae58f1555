"""The command line as a user meets it: mistakes end in one message before anything runs, a failure leaves the
old book.
"""

import hashlib
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from analysis_lib.__main__ import main
from analysis_lib.binding import build, chapter, chapters, contents, data_dictionary, explorer, pages, place
from analysis_lib.dictionary import columns
from analysis_lib.files import replacing
from analysis_lib.intake.bundled import bundled_cohorts
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

import forked
from everywhere import everywhere

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {title}
#
# ## Section

# %% tags=["parameters"]
cohort = "reconstructed"
results_dir = ""

# %%
from IPython.display import HTML, display
{code}
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "lymfoma"], "Did you mean 'lymphoma'"),
        (["build", "lymphoma", "-p", "alpha_betta", "3"], "No chapter takes a parameter 'alpha_betta'"),
        (["build", "lymphoma", "-p", "alpha_beta", "three"], "must be a number"),
        (["build", "lymphoma", "-p", "cohort", "3"], "No chapter takes a parameter 'cohort'"),
        (["run", "04_survivall", "lymphoma"], "There is no chapter '04_survivall'"),
        (["run", "04_survival", "lymphoma", "-p", "alpha_beta", "3"], "takes no parameter alpha_beta"),
        (["check", "nowhere/cohort.yml"], "There is no such cohort"),
    ],
)
def test_a_mistake_ends_in_one_message_before_anything_runs(arguments, says, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(chapter, "run", lambda *_: pytest.fail("something ran"))
    assert main([*arguments, *(["--out", str(tmp_path / "out")] if arguments[0] != "check" else [])]) == 1
    told = capsys.readouterr()
    assert says in told.err and "Traceback" not in told.err
    assert not (tmp_path / "out").exists()


def test_cohorts_and_check_answer_in_plain_lines(capsys):
    assert main(["cohorts"]) == 0 and main(["check", "lymphoma"]) == 0
    told = capsys.readouterr().out
    assert (
        all(name in told for name in bundled_cohorts())
        and "no problem found" in told
        and "sites: none" in told
    )


def small_book(folder, monkeypatch, **notebooks):
    for name, code in notebooks.items():
        (folder / f"{name[1:]}.py").write_text(NOTEBOOK.format(title=name, code=code))
    everywhere(monkeypatch, chapters.NOTEBOOKS, folder)


def older_book(out, words="an older book"):
    """A book as a build leaves it: html, source, the mark, and the list of its files."""
    for part in ("html", "source"):
        (out / part).mkdir(parents=True)
        (out / part / "index.html").write_text(words)
    place.mark(out)
    place.record(out)
    return out


def test_a_failing_notebook_leaves_the_old_book_and_a_non_zero_exit(tmp_path, monkeypatch, capsys):
    notebooks, out = tmp_path / "notebooks", tmp_path / "out"
    notebooks.mkdir()
    older_book(out)
    small_book(notebooks, monkeypatch, _01_good="display(HTML('<p>fine</p>'))", _02_bad="1 / 0")
    assert main(["build", "lymphoma", "--out", str(out)]) == 1
    told = capsys.readouterr()
    assert (
        "failed: lymphoma 02_bad: ZeroDivisionError: division by zero" in told.out
        and "1 done, 0 skipped, 1 failed" in told.out
    )
    assert (out / "html" / "index.html").read_text() == "an older book" and "No book was made" in told.err
    assert not (out / "source" / "book" / "cohorts" / "lymphoma" / "02_bad.ipynb").exists()


# A build of one small chapter, in a process of its own; it says where it is, so that it can be killed there.
SMALL_BUILD = """\
import sys, time
from pathlib import Path
from analysis_lib.binding import build, chapter, chapters, leaks, outcome, pages, ready, reuse
from analysis_lib.files import replacing
folder = Path({folder!r})
for module in (build, chapter, chapters, ready, reuse):
    module.NOTEBOOKS = folder / "notebooks"

def at(module, name):
    original = getattr(module, name)
    def pausing(*arguments, **options):
        if {pause!r} == f"before {{name}}":
            wait()
        result = original(*arguments, **options)
        if {pause!r} == f"after {{name}}":
            wait()
        return result
    setattr(module, name, pausing)

def wait():
    (folder / "paused").touch()
    time.sleep(60)

def without_a_kernel(each, path, study, page, *_):
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text('{{"cells": []}}')
    return outcome.Outcome(study.name, each, "done")

def without_sphinx(source, html, *_):
    page = html / "book" / "cohorts" / "lymphoma" / "01_slow.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>chapter number {number}</p>")
    (html / "index.html").touch()
    (html / "searchindex.js").touch()

if {pause!r} not in ("in a notebook", "in Sphinx", "nowhere"):  # the real ones are slow, and not what is interrupted
    chapter.run, build.render = without_a_kernel, without_sphinx
for module, name in ((build, "run_all"), (build, "render"), (replacing, "replace")):
    at(module, name)
build.build(["lymphoma"], folder / "out", 1)
"""
MOMENTS = [
    "before run_all",
    "in a notebook",
    "in Sphinx",
    "after render",
    "between the renames",
    "after replace",
]
SAVES = """\
import time
from pathlib import Path
from analysis_lib.rows import results
from analysis_lib.rows.released import public
rows = results.save([public(results.collect([results.row("a", "count", 7)]))], "lymphoma", "01_slow", results_dir)
if Path({flag!r}).exists():
    Path({paused!r}).touch()
    time.sleep(60)
display(HTML("<p>chapter number {number}</p>"))"""


def small_build(folder, number, pause=""):
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "paused").unlink(missing_ok=True)
    code = SAVES.format(flag=str(folder / "slow"), paused=str(folder / "paused"), number=number)
    (folder / "notebooks" / "01_slow.py").write_text(NOTEBOOK.format(title="Slow", code=code))
    script = SMALL_BUILD.format(folder=str(folder), pause=pause, number=number)
    if pause == "between the renames":  # the old book is aside, the new one not yet in place
        script = script.replace(
            "build.build([",
            """real = replacing.os.replace
def renaming(old, new):
    if Path(new).name == "html" and Path(new).parent == folder / "out":
        wait()
    real(old, new)
replacing.os.replace = renaming
build.build([""",
        )
    return forked.start(script, folder, folder / "said.txt")


def book_number(folder):
    """Which of the builds the book is from; None without a book. A half book fails."""
    html = folder / "out" / "html"
    if not html.exists():
        return None
    assert (html / "index.html").is_file() and (html / "searchindex.js").is_file()
    page = (html / "book" / "cohorts" / "lymphoma" / "01_slow.html").read_text("utf-8")
    return int(page.partition("<p>chapter number ")[2].partition("<")[0])


def processes_of(folder):
    """Processes whose command line or working directory speaks of a folder (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, where = (
                (process / "cmdline").read_bytes().decode(errors="replace"),
                os.readlink(process / "cwd"),
            )
        except OSError:
            continue
        if str(folder) in command + where and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for surviving processes in /proc")
def test_a_killed_build_leaves_the_old_book_or_none_and_the_next_is_right(tmp_path):
    first = small_build(tmp_path, 0)
    first.join(300)
    assert first.exitcode == 0, (tmp_path / "said.txt").read_text()
    assert book_number(tmp_path) == 0
    for number, moment in enumerate(MOMENTS, start=1):
        if moment == "in a notebook":
            (tmp_path / "slow").touch()
        running = small_build(tmp_path, number, moment)
        deadline = time.monotonic() + 120
        while not (
            (tmp_path / "paused").exists()
            or moment == "in Sphinx"
            and list((tmp_path / "out").glob(".kept/sphinx/*"))
        ):
            assert running.is_alive() and time.monotonic() < deadline, (
                moment,
                (tmp_path / "said.txt").read_text(),
            )
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        running.join()
        (tmp_path / "slow").unlink(missing_ok=True)
        assert book_number(tmp_path) in ([number] if moment == "after replace" else [0, None]), moment
        with replacing.alone(tmp_path / "out"):  # what the next build does first
            assert book_number(tmp_path) is not None and not list((tmp_path / "out").glob(".[br]*-*")), moment
    deadline = time.monotonic() + 120
    while (left := processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    last = small_build(tmp_path, 99, "nowhere")
    last.join(300)
    assert last.exitcode == 0, (tmp_path / "said.txt").read_text()
    assert book_number(tmp_path) == 99 and sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".kept",
        ".lock",
        ".salvage-book",
        "html",
        "source",
    ]


def test_a_second_build_into_the_same_folder_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(replacing, "PATIENCE", 0.2)
    monkeypatch.setattr(chapter, "run", lambda *_: pytest.fail("something ran"))
    with replacing.alone(tmp_path / "out"):
        assert main(["build", "lymphoma", "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "Another build is writing to" in told and "Traceback" not in told


def cohort_in(folder, patients=9, more=""):
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"A{number},{20 + number},dead\n" for number in range(patients))
    (folder / "p.csv").write_text(f"patient_id,last_follow_up_day,vital_status\n{rows}")
    (folder / "cohort.yml").write_text(f"tables: {{patients: p.csv}}\n{more}")
    return folder / "cohort.yml"


@pytest.mark.parametrize(
    ("place", "out", "says"),
    [
        ("out/html", "out", "written over its own input"),
        ("out/source/book", "out", "written over its own input"),
        ("html", ".", "is no book of this program"),
        ("hospital", str(ROOT / "book"), "inside the folder of this program"),
    ],
)
def test_no_input_and_nothing_else_is_overwritten(tmp_path, monkeypatch, capsys, place, out, says):
    monkeypatch.setattr(chapter, "run", lambda *_: pytest.fail("something ran"))
    monkeypatch.chdir(tmp_path)
    manifest, other = cohort_in(tmp_path / place), cohort_in(tmp_path / "elsewhere")
    before = fingerprint(tmp_path)
    assert main(["build", str(other if place == "html" else manifest), "--out", out]) == 1
    assert says in capsys.readouterr().err and fingerprint(tmp_path) == before


def web_root(out):
    """Somebody's site, laid out as a book is."""
    (out / "html").mkdir(parents=True)
    (out / "html" / "index.html").write_text("a site")
    (out / "source").mkdir()
    (out / "source" / "_config.yml").write_text("title: a Jekyll site")


def with_file(name):
    def made(out):
        (older_book(out) / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")

    return made


def with_link(out):
    older_book(out)
    (out.parent / "elsewhere").mkdir()
    (out / "html" / "link").symlink_to(out.parent / "elsewhere")


def unlisted(out):
    (older_book(out) / "source" / ".salvage-book").unlink()


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (web_root, "is no book of this program, or one of an older version"),
        (lambda out: (web_root(out), (out / ".lock").touch()), "older version"),
        (lambda out: (out.mkdir(), (out / "thesis.docx").touch()), "holds thesis.docx and no file"),
        (lambda out: out.write_text("a file"), "is a file"),
        (with_file("thesis.docx"), "holds thesis.docx, which this program did not write"),
        (with_file("html/notes/thesis.docx"), "holds html/notes/thesis.docx, which"),
        (with_file("source/thesis.docx"), "holds source/thesis.docx, which"),
        (with_link, "holds html/link, which"),
        (unlisted, "which this program did not write"),
    ],
)
def test_nothing_is_removed_that_no_build_wrote(tmp_path, capsys, made, says):
    made(tmp_path / "out")
    manifest = cohort_in(tmp_path / "hospital")
    before = fingerprint(tmp_path)
    assert main(["build", str(manifest), "--out", str(tmp_path / "out")]) == 1
    assert says in capsys.readouterr().err and fingerprint(tmp_path) == before


@pytest.mark.parametrize("where", ["/", "/etc", "~", "~/..", str(ROOT.parent)])
def test_a_folder_that_holds_much_besides_a_book_is_none_for_a_book(where, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # even an empty home, and even a marked one
    place.mark(tmp_path)
    assert place.trouble(Path(where).expanduser(), [])


@pytest.mark.parametrize(
    "made",
    [
        lambda out: None,
        lambda out: out.mkdir(),
        lambda out: (out.mkdir(), (out / ".lock").touch()),
        older_book,
        with_file(".DS_Store"),
        with_file("html/.DS_Store"),
        lambda out: (older_book(out), (out / ".building-1").mkdir()),
    ],
)
def test_a_new_folder_and_an_older_book_are_places_for_a_book(tmp_path, made):
    made(tmp_path / "out")
    assert place.trouble(tmp_path / "out", []) == ""


def test_a_folder_in_which_nobody_may_write_ends_in_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    assert main(["build", "lymphoma", "--out", str(tmp_path / "file" / "out")]) == 1
    assert "The book cannot be written to" in capsys.readouterr().err

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path / "out" / ".lock"))

    monkeypatch.setattr(replacing, "FileLock", denied)
    assert main(["build", "lymphoma", "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "(Permission denied, at " in told and "Choose a folder in which you may write" in told


def test_a_path_that_is_no_text_in_this_session_ends_in_a_sentence(tmp_path, capsys):
    out = os.fsdecode(os.fsencode(tmp_path) + b"/b\xfccher")  # what an umlaut is in a session without UTF-8
    assert main(["build", "lymphoma", "--out", out]) == 1
    assert "Set LC_ALL=C.UTF-8" in capsys.readouterr().err


class Killed(BaseException):
    """The process ends here, and does nothing more."""


@pytest.mark.parametrize("old", [True, False])
def test_pages_and_sources_are_of_one_build_wherever_it_is_killed(tmp_path, monkeypatch, old):
    def book(folder, words):
        for part in place.PARTS:
            (folder / part).mkdir(parents=True)
            (folder / part / "words").write_text(words)

    def words_of(folder):
        return {
            part: (folder / part / "words").read_text() for part in place.PARTS if (folder / part).exists()
        }

    ended = []
    for moment in range(30):
        out = tmp_path / str(moment)
        book(out / ".building-1", "new")
        if old:
            book(out, "old")
        left = [moment]

        def dying(real, left=left):
            def step(*arguments, **options):
                if left[0] <= 0:
                    raise Killed
                left[0] -= 1
                return real(*arguments, **options)

            return step

        with monkeypatch.context() as patch:
            for module, name in ((os, "replace"), (os, "unlink"), (os, "rmdir"), (os, "mkdir")):
                patch.setattr(module, name, dying(getattr(module, name)))
            try:
                replacing.replace(out / ".building-1", out, place.PARTS)
            except Killed:
                pass
        assert len(set(words_of(out).values())) <= 1 or "html" not in words_of(out), moment
        replacing.recover(out)
        after = words_of(out)
        assert len(set(after.values())) <= 1 and len(after) in ((2,) if old else (0, 2)), moment
        assert not list(out.glob(".[br]*-*"))
        ended.append("".join(set(after.values())))
    assert set(ended) == {"old" if old else "", "new"} and ended == sorted(
        ended, key=["", "old", "new"].index
    )


def test_a_cohort_too_small_to_show_is_refused(tmp_path, capsys):
    assert main(["build", str(cohort_in(tmp_path / "few", 4)), "--out", str(tmp_path / "out")]) == 1
    assert "fewer than 5 patients" in capsys.readouterr().err


def test_two_cohorts_with_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA,9,dead\n")
        (tmp_path / folder / "cohort.yml").write_text("name: same\ntables: {patients: p.csv}")
    with pytest.raises(build.BuildError, match="are called 'same'"):
        build.read_all([tmp_path / "a", tmp_path / "b"])


def test_the_committed_contents_are_those_of_the_bundled_cohorts(book_html):
    assert book_html.is_dir()  # a chapter that shows nothing of a cohort has no page, which a build finds out
    studies = [read_cohort(name) for name in bundled_cohorts()]
    assert (ROOT / "_toc.yml").read_text("utf-8") == contents.table_of_contents(studies)


def test_the_comparison_reads_result_rows(tmp_path):
    study = read_cohort("lymphoma")
    row = results.row("os1.median", "median time", 3.04, lower=1.8, upper=None)
    table = pages.compared(
        {study: results.collect([row])}, {"os1.median": "Median OS1", "os2.median": "Median OS2"}
    )
    assert table.to_numpy().tolist() == [["Median OS1, months (95% CI)", "3.0 (1.8–NR)"]]
    assert list(table) == ["Result", study.title]  # a reader knows titles, not the names of folders


def test_no_interval_is_promised_where_none_is_shown():
    study = read_cohort("lymphoma")
    counted = results.row("rt.patients", "proportion", 45.0, n=20, events=9)
    table = pages.compared({study: results.collect([counted])}, {"rt.patients": "Patients irradiated"})
    assert table.to_numpy().tolist() == [["Patients irradiated, %", "45"]]


def test_cohorts_of_one_title_are_told_apart_by_their_names():
    study = read_cohort("lymphoma")
    twins = [replace(study, title="Ours (synthetic)", name=name) for name in ("a", "b")]
    assert pages.heads_of([*twins, study]) == ["Ours (a)", "Ours (b)", study.title]


def test_the_dictionary_page_names_every_column():
    page = data_dictionary.page()
    assert all(column in page for table in columns.TABLES.values() for column in table.columns)
    assert "from 0.5 to 90" in page and "months, weeks or years" in page


def fingerprint(*folders):
    files = (file for folder in folders for file in sorted(Path(folder).rglob("*")) if file.is_file())
    return {
        file: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if "__pycache__" not in file.parts
    }


NASTY = """<script>alert(1)</script> | [x](javascript:alert(2)) {cite}`nobody2000` $x$ {{ y }} *bold* `code` <img src=x onerror=alert(3)> &lt;b&gt; # |"""


def test_words_of_the_manifest_show_as_they_are_written(tmp_path, monkeypatch):
    from bs4 import BeautifulSoup

    code = """\
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import notes, tables
study = read_cohort(cohort)
notes.about(study)
row = results.row("os1.median", "median time", 3.5, n=7, events=7, group="=1+1", note="@SUM(A1)")
rows = results.save([public(results.collect([row]))], study.name, "01_after", results_dir)
tables.rows_table(rows, "Caption", value="")"""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_after.py").write_text(
        NOTEBOOK.format(title="Failure after CAR T-cell infusion", code=code)
    )
    everywhere(monkeypatch, chapters.NOTEBOOKS, tmp_path / "notebooks")
    quoted = NASTY.replace("'", "''")
    nasty = cohort_in(
        tmp_path / "nasty", 9, f"name: nasty\ntitle: '{quoted}'\nnote: '{quoted}'\nindex_event: '{quoted}'\n"
    )
    build.build([str(nasty), "lymphoma"], tmp_path / "out", 1)
    html = tmp_path / "out" / "html"
    for page in html.rglob("*.html"):
        soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
        # data of the explorer is no program, and holds nothing that could end its element
        scripts = [each for each in soup.find_all("script") if each.get("type") != "application/json"]
        assert not [script for script in scripts if "alert(" in script.get_text()], page
        assert not soup.find_all("img", onerror=True) and not soup.find_all(
            "a", href=lambda href: href and "javascript:" in href
        ), page
    whole = " ".join(NASTY.split())
    for page in ("book/cohorts/nasty/index", "book/cohorts/nasty/01_after"):
        soup = BeautifulSoup((html / f"{page}.html").read_text("utf-8"), "html.parser")
        heading = soup.find("article").find("h1")
        heading.find("a", class_="headerlink").decompose()
        assert heading.get_text().strip().endswith(whole) and whole in soup.title.get_text(), page
        assert whole in " ".join(soup.find(class_="cohort-note").get_text().split())
    compared = BeautifulSoup((html / "book/generated/compare.html").read_text("utf-8"), "html.parser")
    assert whole in compared.find("article").get_text()
    written = (
        tmp_path / "out" / "source" / "book" / "cohorts" / "nasty" / "results" / "01_after.csv"
    ).read_text()
    assert ",'=1+1," in written and ",'@SUM(A1)" in written and ",3.5," in written
    assert results.read_all(tmp_path / "out" / "source" / "book" / "cohorts" / "nasty" / "results")[
        "group"
    ].tolist() == ["=1+1"]


def test_how_long_it_takes_is_a_page_where_it_was_measured(tmp_path, monkeypatch):
    studies = [read_cohort("lymphoma")]
    monkeypatch.setattr(pages, "MEASURED", tmp_path / "results.md")
    assert "generated/speed" not in contents.table_of_contents(studies)
    (tmp_path / "results.md").write_text("# How long it takes\n")
    assert "book/generated/speed" in contents.table_of_contents(studies)
    (tmp_path / "book" / "cohorts" / "lymphoma" / "results").mkdir(parents=True)
    pages.write(studies, [], tmp_path / "book", {}, lambda study, _: explorer.make(study))
    assert (tmp_path / "book" / "generated" / "speed.md").read_text() == "# How long it takes\n"
    told = pages.speed_page(
        "| reconstructed 04_survival | 3.70 |\n| 04_survival | 5.6 |\n| tests/test_04_survival.py | 1 |\n",
        studies[0],
    )
    assert told == (
        "| reconstructed: 4 Survival | 3.70 |\n| 4 Survival | 5.6 |\n| tests/test_04_survival.py | 1 |\n"
    )
