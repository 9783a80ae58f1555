"""Whether anybody looks: what is only shown is not made where nobody does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec

Given = ParamSpec("Given")
SEEN = ContextVar("SEEN", default=True)  # only :func:`unseen` says that nobody looks


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """Within it nobody looks, as where only rows are wanted: figures take longer than their numbers."""
    before = SEEN.set(False)
    try:
        yield
    finally:
        SEEN.reset(before)


def if_seen(show: Callable[Given, None]) -> Callable[Given, None]:
    """What only shows something, made to do nothing where nobody looks."""

    @wraps(show)
    def showing(*given: Given.args, **options: Given.kwargs) -> None:
        if SEEN.get():
            show(*given, **options)

    return showing
