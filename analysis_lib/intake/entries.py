"""What the entries of a ``cohort.yml`` are made of: how one is read, and how a wrong one is told in our
words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from analysis_lib.dictionary.words import listed

# The smallest count that others publish, under their name; book/privacy.md says who, and where they say so.
PRESETS = {"aihw": 5, "nhs": 8, "cms": 11}


def wrong(concern: str, advice: str = "") -> PydanticCustomError:
    """What is wrong with an entry, and what to do; by itself, the meaning of its key is told."""
    return PydanticCustomError("said", concern, {"advice": advice})


def nearest(key: str, known: Iterable[str]) -> str:
    """What was perhaps meant by a key that is not known."""
    near = difflib.get_close_matches(key, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(known)}."


def true_or_false(given: Any) -> Any:
    """Only these two words are truth values: the loader keeps every word as text."""
    if isinstance(given, str) and given not in ("true", "false"):
        raise wrong("it must be true or false")
    return given


def smallest_count(given: Any) -> Any:
    """A whole number, or the name of a rule that gives one."""
    if isinstance(given, str) and given.lower() in PRESETS:
        return PRESETS[given.lower()]
    if isinstance(given, str) and not re.fullmatch("[1-9][0-9]{0,3}", given):
        named = listed([f"{name} ({count})" for name, count in PRESETS.items()], "or")
        raise wrong(
            f"it must be a whole number of at least 1, or the name of a rule: {named}",
            "Leave it out for 5, or write `min_cell_count: 10`.",
        )
    return given


def _single_spaced(text: str) -> str:
    return " ".join(text.split())


Line = Annotated[str, AfterValidator(_single_spaced)]  # headings of files are read with single spaces as well


class Known(BaseModel):
    """Entries with known keys only."""

    model_config = ConfigDict(extra="forbid", frozen=True)
