"""Which patients a cohort keeps: what ``subset:`` in a ``cohort.yml`` may say, and for whom it holds.

It is evaluated here and not by pandas, which compares words by the alphabet (``grade >= 'mid'`` would lose
``high``), takes a column for yes or no, and finds a misspelt word different from every word.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import pandas as pd

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary.words import listed

# What a subset may be made of.
SUBSET_NODES = (
    ast.Expression,
    ast.BoolOp,
    ast.boolop,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.Compare,
    ast.cmpop,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Tuple,
    ast.List,
)
ORDERS: dict[type, Callable] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
COMPARISONS: dict[type, Callable] = ORDERS | {ast.Eq: operator.eq, ast.NotEq: operator.ne}
NO_COMPARISON = "is not a comparison of columns with values"
SUCH_AS = "such as: stage in ('I', 'II') and ecog < 2."


class _Wrong(Exception):
    """A subset that cannot be used: what is wrong, and what to do."""

    def __init__(self, concern: str, advice: str):
        super().__init__(concern)
        self.concern, self.advice = concern, advice


def kept(patients: pd.DataFrame, expression: str, source: str) -> pd.Index:
    """The rows of the patients for whom an expression holds; what nobody knows of a patient does not hold.

    Parameters
    ----------
    patients : pandas.DataFrame
        The patients, with levels as categories.
    expression : str
        What ``subset:`` says.
    source : str
        The file that says it.

    Raises
    ------
    CohortError
        If it is no comparison of columns with values, or could keep others than were meant: it names a value
        that its column cannot have, or asks which of two words is above the other.
    """
    try:
        try:
            top = _parsed(expression)
            _only_known(top, patients)
            holds = _holds(top, expression, patients).fillna(False).astype(bool)
        except RecursionError:
            raise _Wrong(f"this {NO_COMPARISON}", f"Write it {SUCH_AS}") from None
        if not holds.any():
            raise _Wrong("the subset keeps no patient", "Check the spelling of its values.")
    except _Wrong as wrong:
        told = problem(source, wrong.concern, wrong.advice, field="subset", value=expression)
        raise CohortError(source, [told]) from None
    return patients.index[holds]


def _parsed(expression: str) -> ast.expr:
    """A subset as a tree; it may compare and combine columns but neither call nor calculate anything."""
    try:
        top = ast.parse(expression, mode="eval")
        allowed = isinstance(top.body, (ast.Compare, ast.BoolOp, ast.UnaryOp)) and all(
            isinstance(node, SUBSET_NODES)
            and not isinstance(node, (ast.Is, ast.IsNot))
            and (not isinstance(node, ast.Constant) or type(node.value) in (str, int, float))
            for node in ast.walk(top)
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        allowed = False
    if not allowed:
        raise _Wrong(f"this {NO_COMPARISON}", f"Write it {SUCH_AS}")
    return top.body


def _only_known(top: ast.expr, patients: pd.DataFrame) -> None:
    names = {node.id for node in ast.walk(top) if isinstance(node, ast.Name)}
    if unknown := sorted(names - set(patients)):
        raise _Wrong(
            f"the subset speaks of {listed(unknown)}, which the patients table does not have",
            f"It has: {', '.join(patients)}.",
        )


def _holds(node: ast.expr, expression: str, patients: pd.DataFrame) -> pd.Series:
    """For each patient whether a part of a subset holds; missing where the patient's value is."""
    if isinstance(node, ast.BoolOp):
        parts = [_holds(each, expression, patients) for each in node.values]
        return reduce(operator.and_ if isinstance(node.op, ast.And) else operator.or_, parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_holds(node.operand, expression, patients)
    if not isinstance(node, ast.Compare):  # a column by itself is no yes or no
        raise _no_comparison(node)
    sides = [node.left, *node.comparators]
    links = zip(sides, node.ops, sides[1:], strict=False)  # 1 <= ecog < 3 is two comparisons
    return reduce(operator.and_, [_compared(*link, expression, patients) for link in links])


def _compared(
    left: ast.expr, sign: ast.cmpop, right: ast.expr, expression: str, patients: pd.DataFrame
) -> pd.Series:
    """For each patient whether one comparison holds."""
    whole = ast.Compare(left, [sign], [right])
    if isinstance(sign, (ast.In, ast.NotIn)):
        options = right.elts if isinstance(right, (ast.Tuple, ast.List)) else [right]
        if not isinstance(left, ast.Name) or not options:
            raise _no_comparison(whole)
        column = patients[left.id]
        values = [_value(_literal(each, whole, expression), column) for each in options]
        found = _cells(column).isin(values).astype("boolean").mask(column.isna())
        return ~found if isinstance(sign, ast.NotIn) else found
    names = [side.id for side in (left, right) if isinstance(side, ast.Name)]
    if not names:
        raise _no_comparison(whole)
    column = patients[names[0]]
    if type(sign) in ORDERS and not _is_number(column):
        levels = f"; there are: {_quoted(column)}" if _has_levels(column) else ""
        raise _Wrong(
            f"{column.name} holds words, which are not above or below each other",
            f"Name those that are meant with `in`{levels}.",
        )
    if len(names) == 2 and not all(_is_number(patients[name]) for name in names):
        raise _mixed(listed(names))
    first, second = (
        _cells(patients[side.id])
        if isinstance(side, ast.Name)
        else _value(_literal(side, whole, expression), column)
        for side in (left, right)
    )
    return COMPARISONS[type(sign)](first, second).astype("boolean")


def _literal(node: ast.expr, whole: ast.expr, expression: str) -> str | int | float:
    """A value as it is written in a comparison."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # Python makes one word of two that stand beside each other: 'I' 'II' is III.
        written = ast.get_source_segment(expression, node) or ""
        if written[1:-1] != node.value:
            raise _Wrong(
                f"{written} is not one word in quotes",
                "Write each in its own, with commas between them.",
            )
        return node.value
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    number = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    if not isinstance(number, ast.Constant) or not isinstance(number.value, (int, float)):
        raise _no_comparison(whole)
    return -number.value if negative else number.value


def _value(given: str | int | float, column: pd.Series) -> Any:
    """A value that stands beside a column, if the column can have it."""
    if _has_levels(column):
        if given not in list(column.cat.categories):
            raise _Wrong(f"{given!r} is no level of {column.name}", f"There are: {_quoted(column)}.")
        return given
    if isinstance(given, str) == _is_number(column):
        raise _mixed(
            f"{column.name}, which holds {'numbers' if _is_number(column) else 'words'}, and {given!r}"
        )
    if isinstance(given, str):
        if not column.eq(given).any():
            raise _Wrong(f"{given!r} stands nowhere in {column.name}", "Check the spelling of its values.")
        return given
    try:
        return float(given)
    except OverflowError:
        raise _Wrong("this number is too large", "Write a smaller one.") from None


def _cells(column: pd.Series) -> pd.Series:
    return column.astype("Float64" if _is_number(column) else "string")


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)


def _has_levels(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _quoted(column: pd.Series) -> str:
    """The levels of a column as a subset names them."""
    return listed([repr(level) for level in column.cat.categories])


def _no_comparison(node: ast.expr) -> _Wrong:
    return _Wrong(f"{ast.unparse(node)!r} {NO_COMPARISON}", f"Write it {SUCH_AS}")


def _mixed(what: str) -> _Wrong:
    return _Wrong(
        f"the subset cannot compare {what}", f"Compare numbers with numbers and words with words, {SUCH_AS}"
    )
