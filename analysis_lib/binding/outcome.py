"""How a chapter ended, and why there is no book."""

from __future__ import annotations

from typing import NamedTuple

from analysis_lib.files.refusal import Refused


class BuildError(Refused):
    """The book was not built; the message says why, in words for whoever asked for it."""


class Outcome(NamedTuple):
    """How a chapter ended for a cohort: ``done``, ``skipped`` or ``failed``, with the reason for the last
    two.
    """

    cohort: str
    chapter: str
    status: str
    reason: str = ""
