"""What ends a command in one message instead of a traceback."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for cannot be done; the message says why, and what to do, in words for whoever asked."""
