"""How much is done at a time on this machine."""

from __future__ import annotations

import os


def at_a_time() -> int:
    """One more than the cores that this process may use, since whatever runs waits for another process now
    and then; at most eight: more would be limited by memory.
    """
    return min(8, usable() + 1)


def usable() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
