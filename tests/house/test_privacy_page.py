"""The privacy page says what the program does: its boxes, its example and its rules are the library's own."""

import re
import sys
from pathlib import Path

import pytest

from analysis_lib.intake.entries import PRESETS

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import draw_published  # noqa: E402

PAGE = (ROOT / "book" / "privacy.md").read_text("utf-8")


def test_the_boxes_say_what_the_library_shows_of_these_counts():
    assert draw_published.BEGIN in PAGE and draw_published.written(PAGE) == PAGE, (
        "run `python tools/draw_published.py`"
    )
    shown = re.search(r"The book shows.*?<dl>(.*?)</dl>", PAGE)[1]
    said = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown))
    assert said == {
        "Stage I": "fewer than 5",
        "Stage II": "7",
        "Stage III": "12",
        "Stage IV": "22",
        "All": "47",
    }


@pytest.mark.parametrize(
    ("count", "said"), [(0, "fewer than 5"), (11, "12"), (13, "12"), (14, "12"), (15, "17")]
)
def test_the_example_holds(count, said):
    assert draw_published.shown(count) == said


def test_every_named_rule_stands_on_the_page_with_its_number_and_its_source():
    named = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) wide \| .*\{cite:p\}`(\w+)`", PAGE, re.M)
    assert {word: int(least) for word, least, *_ in named} == PRESETS
    assert all(least == wide for _, least, wide, _ in named)
    references = (ROOT / "book" / "references.bib").read_text("utf-8")
    assert all(f"{{{key}," in references for *_, key in named)
