"""What the files of tests cost, as a plugin of pytest.

    BENCH_TESTS=DIR python -m pytest -p tools.bench_tests

Each process writes the CPU seconds of its tests by file, those of the programs included that they started and
waited for, as JSON into the folder DIR.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

SPENT: Counter[str] = Counter()


def _cpu() -> float:
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count what a test costs, with the fixtures that it is the first to ask for."""
    before = _cpu()
    result = yield
    SPENT[item.location[0]] += _cpu() - before
    return result


def pytest_sessionfinish() -> None:
    """Leave what this process counted."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "main")
    (Path(os.environ["BENCH_TESTS"]) / f"{name}.json").write_text(json.dumps(SPENT))
