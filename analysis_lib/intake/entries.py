"""What the entries of a ``cohort.yml`` are made of: how one is read, and how a wrong one is told in our
words.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


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


def _single_spaced(text: str) -> str:
    return " ".join(text.split())


Line = Annotated[str, AfterValidator(_single_spaced)]  # headings of files are read with single spaces as well


class Known(BaseModel):
    """Entries with known keys only."""

    model_config = ConfigDict(extra="forbid", frozen=True)
