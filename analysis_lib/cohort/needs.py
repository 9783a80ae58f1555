"""What an analysis needs of a cohort, declared above it: where the cohort lacks it, the row that says so
stands in the place of the analysis, whose body asks no more.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary import columns, rules
from analysis_lib.rows.results import slug


@dataclass(frozen=True)
class Needs:
    """What an analysis declares with :func:`needs`, and carries as its attribute ``needs``.

    Attributes
    ----------
    result_id : str
        Id of the row that says what is lacking.
    wanted : tuple of str
        Columns and endpoints, all of which it needs, in the order in which they are missed.
    any_of : tuple of str
        Columns of which it needs at least one.
    or_own : str
        A use of factors (``weighting``): one of the cohort's own with that use is enough as well.
    """

    result_id: str
    wanted: tuple[str, ...]
    any_of: tuple[str, ...] = ()
    or_own: str = ""

    def lacking(self, study: Cohort, given: dict) -> str:
        """Why the analysis cannot be done with these arguments; empty when it can."""
        wanted = itertools.groupby(_filled(self.wanted, given), key=endpoints.ENDPOINTS.__contains__)
        for are_endpoints, names in wanted:
            reasons = (
                (endpoints.lacking(study, name) for name in names)
                if are_endpoints
                else [study.lacks(*itertools.chain.from_iterable(map(sources, names)))]
            )
            if reason := next(filter(None, reasons), ""):
                return reason
        if self.or_own and any(getattr(each, self.or_own) for each in study.own_factors):
            return ""
        some = list(_filled(self.any_of, given))
        return study.lacks(*some) if all(study.lacks(column) for column in some) else ""


def needs(result_id: str, *wanted: str, any_of: tuple[str, ...] = (), or_own: str = "") -> Callable:
    """Declare what an analysis ``f(study, ...)`` needs; without it, it returns the row that says so.

    An analysis whose groups or endpoints are chosen one by one asks for each itself.

    Parameters
    ----------
    result_id : str
        Id of that row. Here and below, ``{name}`` stands for the argument of that name, which may be a list.
    *wanted : str
        Columns as :meth:`analysis_lib.cohort.cohort.Cohort.lacks` takes them, groups that are made from
        others (:data:`analysis_lib.dictionary.rules.SOURCES`), endpoints by their names. Columns that stand
        together are missed together; what comes first is said first.
    any_of : tuple of str
        Columns of which one is enough.
    or_own : str
        A use of factors for which one of the cohort's own is enough as well.
    """
    declared = Needs(result_id, wanted, any_of, or_own)

    def declare(analysis: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
        signature = inspect.signature(analysis)

        @functools.wraps(analysis)
        def analysing(study: Cohort, *arguments: Any, **options: Any) -> pd.DataFrame:
            bound = signature.bind(study, *arguments, **options)
            bound.apply_defaults()
            if reason := declared.lacking(study, bound.arguments):
                return disclosure.skipped(study, slug(result_id.format(**bound.arguments)), reason)
            try:
                return analysis(study, *arguments, **options)
            except endpoints.LateEntry as why:
                return disclosure.skipped(study, slug(result_id.format(**bound.arguments)), str(why))

        analysing.needs = declared  # type: ignore[attr-defined]
        return analysing

    return declare


def sources(by: str) -> tuple[str, ...]:
    """The columns that a factor or grouping is read from, with their tables."""
    of_sites = by in columns.SITES.columns and by not in columns.PATIENTS.columns
    return rules.SOURCES.get(by, (f"sites.{by}" if of_sites else by,))


def without_groups(study: Cohort, name: str, by: str | None) -> str:
    """Why an endpoint cannot be derived, or has no groups of this kind, which an analysis may add."""
    if reason := endpoints.lacking(study, name):
        return reason
    if by is None:
        return ""
    frame = endpoints.derive(study, name, late=True)
    if frame.empty or (by in frame and frame[by].notna().any()):
        return ""
    none = f"none of this cohort's {endpoints.ENDPOINTS[name].unit} belongs to a group of this comparison"
    return study.lacks(*sources(by)) or none


def _filled(names: tuple[str, ...], given: dict) -> Iterator[str]:
    """Names with arguments in the place of their braces; an argument that is a list gives several."""
    for name in names:
        value = given.get(name.strip("{}"), name) if name.startswith("{") else name.format(**given)
        yield from [value] if isinstance(value, str) else value
