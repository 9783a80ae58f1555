"""What an export holds: its files, columns, limits and definitions; what sender and receiver agree on."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from analysis_lib.centres.schema import SOFTWARE, Ended
from analysis_lib.cohort.endpoints import ENDPOINTS, Endpoint
from analysis_lib.dictionary import rules
from analysis_lib.dictionary.columns import TABLES
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves
from analysis_lib.files.places import NOTEBOOKS
from analysis_lib.files.refusal import Refused
from analysis_lib.rows import results

FILES = ("README.txt", "export.json", "rows.csv")
COLUMNS = ["chapter", *results.COLUMNS]
NUMBERS, COUNTS = ("value", "lower", "upper"), ("n", "events")
LARGEST = 5_000_000  # bytes of a zip, and of each file in it; all chapters of a cohort take about 0.2 million


class SharingError(Refused, ValueError):
    """Nothing was exported or pooled; the message says why, in words for whoever asked for it."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in place of a traceback."""
        return [str(self)]


@dataclass(frozen=True, eq=False)
class Export:
    """One centre's export, read and checked.

    Attributes
    ----------
    name, title, index_event, synthetic, min_cell_count
        As in the cohort's own manifest.
    definitions : dict
        What the numbers mean, see :func:`definitions`.
    endpoints : dict
        For each endpoint that the cohort can give, the events that it knows of.
    software, chapters : dict
        Versions by name; and how each chapter ended.
    rows : pandas.DataFrame
        Result rows of all chapters; a row that two chapters share stands there once.
    digest : str
        SHA-256 of ``rows.csv``.
    """

    name: str
    title: str
    index_event: str
    synthetic: bool
    min_cell_count: int
    definitions: dict[str, str]
    endpoints: dict[str, str]
    software: dict[str, str]
    chapters: dict[str, Ended]
    rows: pd.DataFrame
    digest: str


def definitions() -> dict[str, str]:
    """What the numbers of this book mean, in words by name; exports may be pooled only where all of these
    agree.
    """
    return {
        "days in a month": f"{DAYS_PER_MONTH:g}",
        "survival curves": curves.KM,
        "ties in Cox models": "Efron",
        **{f"endpoint {name}": _endpoint_in_words(endpoint) for name, endpoint in ENDPOINTS.items()},
        **{
            f"column {table}.{column}": _column_in_words(entry)
            for table, columns in TABLES.items()
            for column, entry in columns.columns.items()
        },
        **{
            f"derived column {name}": f"{rule.description}: {rule.source} "
            + (f"at least {rule.at_least}" if rule.at_least is not None else f"is {' or '.join(rule.levels)}")
            for name, rule in rules.DERIVED.items()
        },
    }


def _endpoint_in_words(endpoint: Endpoint) -> str:
    ends = [
        source.column + (f" if {source.when[0]} is {source.when[1]}" if source.when else "")
        for source in endpoint.events
    ]
    return (
        f"{endpoint.label}: {endpoint.unit}, from {endpoint.origin or 'day 0'} to the first of "
        f"{', '.join(ends)}; "
        f"otherwise censored at {endpoint.censor.column}"
    )


def _column_in_words(column: pa.Column) -> str:
    meta = column.metadata
    levels = [
        f"{level} ({meaning})" if meaning else level for level, meaning in (meta["levels"] or {}).items()
    ]
    unit = f" {meta['unit'].capitalize()}." if meta["unit"] else ""
    return column.description + unit + (f" One of: {'; '.join(levels)}." if levels else "")


def digest_of(words: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def software() -> dict[str, str]:
    """Versions of what computed the rows; ``code`` is a digest of the library and of the chapters."""
    files = sorted([*Path(__file__).parents[1].rglob("*.py"), *NOTEBOOKS.glob("[0-9][0-9]_*.py")])
    code = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    return {"code": code, "python": platform.python_version()} | {name: version(name) for name in SOFTWARE}
