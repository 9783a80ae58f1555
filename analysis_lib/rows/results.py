"""The result row: the one form in which a number leaves an analysis.

Prose, tables, the comparison of cohorts, the ledger, export and pooling read these rows and nothing else.
This module knows nothing of cohorts or estimators.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.files import places, replacing, spreadsheet
from analysis_lib.rows import released
from analysis_lib.rows.schema import ABOUT, COLUMNS, RULE, SCHEMA, STATISTICS, WORDS, checked, slug

NUMBERS = {name: str(column.dtype) for name, column in SCHEMA.columns.items() if name not in WORDS}
FREE = ("population", "group", "method", "note")  # columns whose words a hospital may have chosen
HIDDEN = re.compile(r"(all but |small numbers, )?fewer than \d+(?=;|$)")


def row(
    result_id: str,
    statistic: str,
    value: float | None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    population: str = "all patients",
    group: str = "",
    n: int | None = None,
    events: int | None = None,
    method: str = "",
    note: str = "",
    endpoint: str = "",
    by: str = "",
    level: str = "",
) -> dict:
    """One result row.

    Parameters
    ----------
    result_id : str
        Dotted slug that names the result: endpoint or topic, statistic, then what it is by
        (``os2.median.salvage_regimen.rt``).
    statistic : str
        A key of :data:`STATISTICS`; it fixes unit and meaning of ``value``, ``lower`` and ``upper``.
    value, lower, upper : float or None
        Unrounded; ``None`` where there is none (a median that is not reached).
    population, group : str
        Whom the number speaks of, and which part of them.
    n, events : int or None
        Number analysed, and number with the event (or the property counted).
    method, note : str
        Estimator or test, and anything a reader must know.
    endpoint : str
        The endpoint whose times the number speaks of, as in ``OS2``.
    by, level : str
        The column whose groups are compared or counted, and the one that the number is of, in the words of
        the data dictionary: ``salvage_regimen``, ``RT``. Of a ratio, the level that is held against another.
    """
    if statistic not in STATISTICS:
        raise ValueError(f"{result_id}: unknown statistic {statistic!r}; one of {', '.join(STATISTICS)}")
    if result_id != slug(result_id):
        raise ValueError(f"{result_id!r} is not a dotted slug; did you mean {slug(result_id)!r}?")
    cells = (result_id, population, group, statistic, value, lower, upper, n, events, method, note)
    return dict(zip(COLUMNS, (*cells, endpoint, by, level)))


def skipped(result_id: str, reason: str, **about: str) -> pd.DataFrame:
    """The single row of an analysis that was not done, with the reason as a clause (no capital, no full
    stop); ``about`` are :data:`ABOUT`.
    """
    told: dict = {column: about[column] for column in ABOUT if column in about}
    return collect([row(result_id, "skipped", None, note=reason, **told)])


def collect(parts: Iterable[dict | pd.DataFrame]) -> pd.DataFrame:
    """Rows, or frames of rows, as one frame in the order given; released if each part is.

    Raises
    ------
    ValueError
        When two rows share a ``result_id``.
    """
    parts = list(parts)
    cells: dict[str, list] = {column: [] for column in COLUMNS}
    for part in parts:
        for column, found in cells.items():
            if not isinstance(part, pd.DataFrame):
                found.append(part.get(column))
            elif column in ABOUT and column not in part:
                found += [""] * len(part)
            else:
                found += list(part[column])
    for column in ABOUT:
        cells[column] = [said if isinstance(said, str) else "" for said in cells[column]]
    if twice := [each for each, times in Counter(cells["result_id"]).items() if times > 1]:
        raise ValueError(f"result rows share an id: {', '.join(map(str, twice))}")
    # column by column: of a frame of records the types are guessed first, and this is done for each analysis
    rows = pd.DataFrame(
        {
            column: pd.array(found, dtype=NUMBERS[column])
            if column in NUMBERS
            else np.array(found, dtype=object)
            for column, found in cells.items()
        }
    )
    rule = released.strictest(parts) if parts else None
    return rows if rule is None else released.release(rows, rule)


def hidden(row: Mapping) -> str:
    """What a row says of numbers that were taken from it to protect patients; empty when none was.

    ``fewer than 5`` (had it), ``all but fewer than 5``, or ``small numbers, fewer than 5`` (in the group, or
    too few to estimate): the start of its note, as :func:`analysis_lib.cohort.disclosure.protect` writes it.
    So an empty value with such a note is not "not reached".
    """
    found = HIDDEN.match(str(row.get("note", "")))
    return found.group() if found else ""


def skip_reason(rows: pd.DataFrame) -> str:
    """Why an analysis was skipped; empty when it was not. Takes any frame that an analysis may return."""
    if "statistic" in rows and len(rows) and (rows["statistic"] == "skipped").all():
        return rows["note"].iloc[0]
    return ""


def save(
    parts: Iterable[dict | pd.DataFrame], cohort_name: str, chapter: str, results_dir: str | Path = ""
) -> pd.DataFrame:
    """Write a chapter's rows to ``<results_dir>/<chapter>.csv`` and return them.

    Parameters
    ----------
    parts : list
        Rows or frames of rows.
    cohort_name, chapter : str
        Name of the cohort, and of the chapter (``04_survival``).
    results_dir : str or Path
        Where to write; see :func:`folder`.
    """
    rows, where = released.require(collect(parts)), folder(cohort_name, results_dir)
    safe = checked(rows).assign(
        **{column: rows[column].map(spreadsheet.safe) for column in FREE}, **{RULE: rows.rule}
    )
    where.mkdir(parents=True, exist_ok=True)
    # another chapter may be reading: it finds the old rows or the new
    with replacing.finished(where / f"{chapter}.csv") as unfinished:
        safe.to_csv(unfinished, index=False)
    return rows


def folder(cohort_name: str, results_dir: str | Path = "") -> Path:
    """Where a cohort's rows stand: ``results_dir``, or ``book/cohorts/<cohort>/results`` of this checkout; of
    an installed program ``results/<cohort>`` in the current folder.
    """
    return Path(results_dir or places.results_of(cohort_name))


def read(path: str | Path) -> pd.DataFrame:
    """Read back the rows that :func:`save` wrote, released under the rule that they were written under.

    Rows of a file that does not say its rule, or not the same one in each line, have passed none: they can be
    read and not shown.

    Raises
    ------
    ValueError
        When the file holds anything but result rows; see :func:`analysis_lib.rows.schema.checked`.
    """
    path = Path(path)
    return _read(path.name, path.read_bytes()).copy()


@lru_cache(maxsize=128)  # the pages of a book read the same files again and again
def _read(name: str, written: bytes) -> pd.DataFrame:
    """:func:`read` of what a file holds; nobody changes it."""
    told = pd.read_csv(io.BytesIO(written), dtype=str, keep_default_na=False)
    if absent := [column for column in COLUMNS if column not in told]:
        raise ValueError(f"{name} holds no result rows: {', '.join(absent)} is not there")
    words = {column: told[column].map(spreadsheet.as_was) for column in FREE}
    try:
        numbers = {c: told[c].map(lambda cell: float(cell) if cell else None) for c in NUMBERS}
        rows = collect([told.assign(**numbers, **words)])
    except (TypeError, ValueError) as error:  # no number, or half a patient
        raise ValueError(f"{name} holds no result rows: {error}") from None
    checked(rows, name)
    rule = _rule_of(told)
    return rows if rule is None else released.release(rows, rule)


def _rule_of(told: pd.DataFrame) -> int | None:
    """The rule that a file says its rows have passed; none if it does not say, or says several."""
    said = set(told.get(RULE, []))
    if len(said) != 1 or not re.fullmatch(r"[0-9]{1,9}", one := str(said.pop())):
        return None
    return int(one)


def read_all(where: str | Path) -> pd.DataFrame:
    """All result rows of a cohort, chapter after chapter; of a row that two chapters share, the first."""
    return read_files(sorted(Path(where).glob("*.csv")))


def read_files(paths: list[Path]) -> pd.DataFrame:
    """The result rows of some chapters; of a row that two share, the first. The strictest of their rules
    holds for all; if one file says none, none of the rows has passed.
    """
    frames = [read(path) for path in paths]
    rows = pd.concat(frames).drop_duplicates("result_id").reset_index(drop=True) if frames else collect([])
    rule = released.strictest(frames)
    return pd.DataFrame(rows) if rule is None else released.release(rows, rule)


def pick(rows: pd.DataFrame, *statistics: str) -> pd.DataFrame:
    """The rows of the given statistics; rows of a skipped analysis pass through, so that their reason is
    still said.
    """
    kept = rows[rows["statistic"].isin([*statistics, "skipped"])].reset_index(drop=True)
    kept.attrs = rows.attrs
    return kept
