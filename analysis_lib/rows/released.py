"""The one door out: numbers that may be shown, saved and sent are of a type that says so.

An analysis ends in :func:`analysis_lib.cohort.disclosure.protect`, which applies its cohort's rule and
returns a :class:`Released` frame. Prose, tables, figures, files and exports take nothing else
(:func:`require`). pandas keeps the type and the rule when rows are picked or sorted, and loses the rule when
a new frame is made of several: such a frame is refused until it has passed again. So a mistake hides a
number; it never shows one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

import pandas as pd

P = ParamSpec("P")


class NotReleased(ValueError):
    """Numbers that have not passed disclosure control were about to leave; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in place of a traceback."""
        return [str(self)]


class Released(pd.DataFrame):
    """A frame that has passed disclosure control.

    Attributes
    ----------
    rule : int or None
        The ``min_cell_count`` that its numbers have passed; 0 where there is nobody to protect (synthetic
        patients, published series); ``None`` when pandas made this frame of others, so that it must pass
        again.
    """

    _metadata = ["rule"]
    rule: int | None = None

    @property
    def _constructor(self) -> type[Released]:
        return Released


def release(frame: pd.DataFrame, rule: int) -> Released:
    """This frame, as one that has passed ``rule``. Only disclosure control and what has nobody to protect may
    call this.
    """
    released = Released(frame)
    released.attrs, released.rule = dict(frame.attrs), rule
    return released


def public(frame: pd.DataFrame) -> Released:
    """A frame of numbers that are no patient's: what the paper prints, published series, simulated
    patients.
    """
    return release(frame, 0)


def published(analysis: Callable[P, pd.DataFrame]) -> Callable[P, Released]:
    """Make an analysis of what is no patient's return a released frame (:func:`public`)."""

    @functools.wraps(analysis)
    def publishing(*arguments: P.args, **options: P.kwargs) -> Released:
        return public(analysis(*arguments, **options))

    return publishing


def derived(
    analysis: Callable[Concatenate[pd.DataFrame, P], pd.DataFrame],
) -> Callable[Concatenate[pd.DataFrame, P], Released]:
    """Make an analysis ``f(released, ...)`` of nothing but released numbers return a frame under the same
    rule.
    """

    @functools.wraps(analysis)
    def deriving(frame: pd.DataFrame, *arguments: P.args, **options: P.kwargs) -> Released:
        rule = require(frame).rule
        assert rule is not None  # it was required
        return release(analysis(frame, *arguments, **options), rule)

    return deriving


def require(frame: pd.DataFrame) -> Released:
    """The frame, if it has passed disclosure control.

    Raises
    ------
    NotReleased
        If it has not, or lost what says so.
    """
    if getattr(frame, "rule", None) is None:
        raise NotReleased(
            "These numbers have not passed disclosure control, so they are neither shown nor saved. "
            "Analyses of "
            "analysis_lib return numbers that have; a table made of several of them, or by hand, must pass "
            "first: "
            "disclosure.protect(study, rows)."
        )
    return frame


def strictest(frames: Iterable[pd.DataFrame]) -> int | None:
    """The rule that frames put together have passed; ``None`` if one of them has passed none."""
    rules = [getattr(frame, "rule", None) for frame in frames]
    passed = [rule for rule in rules if rule is not None]
    return None if len(passed) < len(rules) else max(passed, default=0)
