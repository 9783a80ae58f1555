"""The whole book as one PDF: in the order of its contents, and one sentence where it cannot be."""

import pytest
import yaml
from pypdf import PdfReader

from analysis_lib.binding import print_book
from analysis_lib.binding.outcome import BuildError
from analysis_lib.files.places import ROOT

CONTENTS = {
    "root": "book/intro",
    "parts": [
        {"caption": "A", "chapters": [{"file": "book/a", "sections": [{"file": "book/a1"}]}]},
        {"caption": "B", "chapters": [{"file": "book/b"}]},
    ],
}


def a_book(folder):
    (folder / "html" / "book").mkdir(parents=True)
    (folder / "html" / "index.html").write_text("<title>Home</title>")
    for name in print_book.pages(CONTENTS):
        text = f"<title>{name} &#8212; Book</title><p>words of {name}</p><details><summary>x</summary>folded</details>"
        (folder / "html" / f"{name}.html").write_text(text)
    (folder / "_toc.yml").write_text(yaml.safe_dump(CONTENTS))
    return folder / "html", folder / "_toc.yml"


def test_pages_come_in_the_order_of_the_contents():
    assert list(print_book.pages(CONTENTS)) == ["book/intro", "book/a", "book/a1", "book/b"]
    assert len(list(print_book.pages(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))))) > 60


def test_a_book_is_printed_with_a_bookmark_a_page(tmp_path):
    html, contents = a_book(tmp_path)
    assert print_book.print_book(html, contents, tmp_path / "book.pdf") == 4
    printed = PdfReader(tmp_path / "book.pdf")
    assert [each.title for each in printed.outline] == ["book/intro", "book/a", "book/a1", "book/b"]
    assert "words of book/a1" in printed.pages[2].extract_text()


def test_without_a_book_or_a_browser_it_says_so_in_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(BuildError, match="There is no book in .*: salvage-book build"):
        print_book.print_book(tmp_path, tmp_path / "_toc.yml", tmp_path / "book.pdf")
    html, contents = a_book(tmp_path)
    monkeypatch.setattr(print_book.shutil, "which", lambda name: None)
    with pytest.raises(BuildError, match="Printing needs a browser: install one of chromium"):
        print_book.print_book(html, contents, tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()
