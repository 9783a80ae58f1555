"""Pages that Sphinx makes where it worked before are those that it would make anew, to the byte."""

import base64
import json
import shutil
import subprocess
import sys

import pytest

from analysis_lib.binding import rendering
from analysis_lib.binding.outcome import BuildError
from analysis_lib.binding.reuse import GENERATED
from analysis_lib.files.places import ROOT

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CONTENTS = """\
format: jb-book
root: book/intro
parts:
- caption: Chapters
  chapters:
  - file: book/one
  - file: book/two
"""


def notebook(words, picture=b""):
    data = {"image/png": base64.b64encode(base64.b64decode(PIXEL) + picture).decode()}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# One", "id": "a"},
        {"cell_type": "markdown", "metadata": {}, "source": words, "id": "b"},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "x",
            "outputs": [output],
            "execution_count": 1,
            "id": "c",
        },
    ]
    return json.dumps(
        {
            "cells": cells,
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(*GENERATED, "*.md")
    shutil.copytree(ROOT / "book", source / "book", ignore=ignored)
    shutil.copy(ROOT / "_config.yml", source)
    (source / "_toc.yml").write_text(CONTENTS)
    (source / "book" / "intro.md").write_text("# Intro\n\nSee [the second](two.md).\n")
    (source / "book" / "one.ipynb").write_text(notebook("Words."))
    (source / "book" / "two.md").write_text("# Two\n\n{cite}`kaplan1958`\n\n```{bibliography}\n```\n")
    (source / "book" / "references.bib").write_text(
        "@article{kaplan1958, title={Incomplete observations}, author={Kaplan and Meier}, year={1958}, journal={JASA}}\n"
        "@article{cox1972, title={Regression models}, author={Cox}, year={1972}, journal={JRSS}}\n"
    )
    return source


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_pages_are_the_same_whatever_was_made_before(source, tmp_path, monkeypatch):
    rendering.render(source, tmp_path / "first", tmp_path / "place")
    changes = {
        "words and a picture": lambda: (source / "book" / "one.ipynb").write_text(
            notebook("Other.", b"more")
        ),
        "a heading": lambda: (source / "book" / "two.md").write_text(
            "# Three\n\n{cite}`cox1972`\n\n```{bibliography}\n```\n"
        ),
    }
    for number, (what, change) in enumerate(changes.items()):
        change()
        rendering.render(source, tmp_path / f"again{number}", tmp_path / "place")
        rendering.render(source, tmp_path / f"anew{number}")
        again, anew = files(tmp_path / f"again{number}"), files(tmp_path / f"anew{number}")
        assert again.keys() == anew.keys(), what
        assert [name for name in again if again[name] != anew[name]] == [], what
    with monkeypatch.context() as patched:
        patched.setattr(rendering, "waiting", lambda *_: pytest.fail("Sphinx was started"))
        rendering.render(source, tmp_path / "same", tmp_path / "place")
    assert files(tmp_path / "same") == again


def test_a_warning_is_said_each_time_until_it_is_mended(source, tmp_path):
    page = source / "book" / "two.md"
    whole = page.read_text()
    page.write_text(whole + "\n[nowhere](nowhere.md)\n")
    for number in range(2):
        with pytest.raises(BuildError, match="nowhere"):
            rendering.render(source, tmp_path / f"{number}", tmp_path / "place")
    page.write_text(whole)
    rendering.render(source, tmp_path / "mended", tmp_path / "place")
    assert (tmp_path / "mended" / "book" / "two.html").is_file()


def test_pages_are_the_same_however_many_are_made_at_a_time(source, tmp_path, monkeypatch):
    more = [f"more{number}" for number in range(8)]
    (source / "_toc.yml").write_text(CONTENTS + "".join(f"  - file: book/{name}\n" for name in more))
    for name, other in zip(more, [*more[1:], "two"], strict=True):
        cites = "{cite}`cox1972` and running runners"  # on several pages, as are the words of the search
        (source / "book" / f"{name}.md").write_text(f"# About {name}\n\n{cites}, see [it]({other}.md).\n")
    made = []
    for many in (1, 3):
        monkeypatch.setattr(rendering.cores, "at_a_time", lambda many=many: many)
        rendering.render(source, tmp_path / f"by {many}")
        made.append(files(tmp_path / f"by {many}"))
    assert made[0] == made[1] and "book/more7.html" in made[0]
    (source / "book" / "more6.md").write_text("# Wrong\n\nSee [it](nowhere.md).\n")
    with pytest.raises(BuildError, match=r"more6\.md.*nowhere"):
        rendering.render(source, tmp_path / "wrong")


def test_pages_are_not_made_for_a_builder_that_is_gone():
    """A builder may be killed before the process it started has looked who that was."""
    code = rendering.CODE.partition("from jupyter_book")[0].format(parent=1) + "import time; time.sleep(600)"
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 1
