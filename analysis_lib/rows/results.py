"""The result row: the one form in which a number leaves an analysis.

Prose, tables, the comparison of cohorts, the ledger, export and pooling read these rows and nothing else.
This module knows nothing of cohorts or estimators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis_lib.files import replacing, spreadsheet
from analysis_lib.files.places import ROOT
from analysis_lib.rows import released

COLUMNS = [
    "result_id",
    "population",
    "group",
    "statistic",
    "value",
    "lower",
    "upper",
    "n",
    "events",
    "method",
    "note",
]


@dataclass(frozen=True)
class Statistic:
    """What the numbers of a row mean: unit, decimals in text, and what ``lower`` and ``upper`` are."""

    meaning: str
    unit: str = ""
    decimals: int = 1
    limits: str = "95% CI"


STATISTICS = {
    "count": Statistic("a number of patients, sites or events", decimals=0),
    "proportion": Statistic("events out of n, in percent", "%", 0),
    "median time": Statistic("Kaplan-Meier median; empty when not reached", "months", 1),
    "restricted mean": Statistic(
        "mean time without the event up to a limit, or a difference of such means", "months", 1
    ),
    "rate": Statistic("Kaplan-Meier estimate at a time, in percent", "%", 0),
    "at risk": Statistic("number with a time of at least the tick", decimals=0),
    "median": Statistic("median of observed values; limits are the quartiles", "", 1, "IQR"),
    "median months": Statistic("median of observed times; limits are the quartiles", "months", 1, "IQR"),
    "range": Statistic("median of observed values; limits are the smallest and largest", "", 1, "range"),
    "range months": Statistic(
        "median of observed times; limits are the smallest and largest", "months", 1, "range"
    ),
    "range dose": Statistic(
        "median of observed doses; limits are the smallest and largest", "Gy", 1, "range"
    ),
    "hazard ratio": Statistic("ratio of hazards", "", 2),
    "odds ratio": Statistic("ratio of odds", "", 2),
    "heterogeneity": Statistic(
        "I squared: variation between series beyond chance, in percent of all variation", "%", 0
    ),
    "p": Statistic("two-sided P value; value of the test statistic in note", decimals=3),
    "expected": Statistic("an expected number, or a number for each of several", decimals=1),
    "estimate": Statistic("another number, named by its result_id", "", 2),
    "skipped": Statistic("nothing was computed; note says why"),
}

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
    """
    if statistic not in STATISTICS:
        raise ValueError(f"{result_id}: unknown statistic {statistic!r}; one of {', '.join(STATISTICS)}")
    if result_id != slug(result_id):
        raise ValueError(f"{result_id!r} is not a dotted slug; did you mean {slug(result_id)!r}?")
    return dict(
        zip(COLUMNS, (result_id, population, group, statistic, value, lower, upper, n, events, method, note))
    )


def skipped(result_id: str, reason: str) -> pd.DataFrame:
    """The single row of an analysis that was not done, with the reason as a clause (no capital, no full
    stop).
    """
    return collect([row(result_id, "skipped", None, note=reason)])


def slug(*parts: object) -> str:
    """Join words to a dotted slug: lower-case letters, digits, underscores and hyphens between the dots."""
    joined = ".".join(map(str, parts)).lower()
    for symbol, word in {"≥": "ge", "≤": "le", "<": "lt", ">": "gt", "+": "plus"}.items():
        joined = joined.replace(symbol, word)
    return ".".join(re.sub(r"[^a-z0-9_-]+", "_", piece).strip("_") for piece in joined.split("."))


def collect(parts: Iterable[dict | pd.DataFrame]) -> pd.DataFrame:
    """Rows, or frames of rows, as one frame in the order given; released if each part is.

    Raises
    ------
    ValueError
        When two rows share a ``result_id``.
    """
    parts = list(parts)
    records = [
        record
        for part in parts
        for record in (
            part[COLUMNS].to_dict("records")
            if isinstance(part, pd.DataFrame)
            else [{column: part.get(column) for column in COLUMNS}]
        )
    ]
    rows = pd.DataFrame(records, columns=COLUMNS).astype(
        {"value": "Float64", "lower": "Float64", "upper": "Float64", "n": "Int64", "events": "Int64"}
    )
    twice = rows.loc[rows["result_id"].duplicated(), "result_id"].tolist()
    if twice:
        raise ValueError(f"result rows share an id: {', '.join(twice)}")
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
        Where to write; by default ``book/cohorts/<cohort>/results`` of this checkout.
    """
    rows, where = released.require(collect(parts)), folder(cohort_name, results_dir)
    safe = rows.assign(
        **{column: rows[column].map(spreadsheet.safe) for column in ("population", "group", "method", "note")}
    )
    where.mkdir(parents=True, exist_ok=True)
    # another chapter may be reading: it finds the old rows or the new
    with replacing.finished(where / f"{chapter}.csv") as unfinished:
        safe.to_csv(unfinished, index=False)
    return rows


def folder(cohort_name: str, results_dir: str | Path = "") -> Path:
    """Where a cohort's rows stand: ``results_dir``, or ``book/cohorts/<cohort>/results`` of this checkout."""
    return Path(results_dir or ROOT / "book" / "cohorts" / cohort_name / "results")


def read(path: str | Path) -> pd.DataFrame:
    """Read back the rows that :func:`save` wrote, which takes none but released ones."""
    text = dict.fromkeys(["result_id", "population", "group", "statistic", "method", "note"], str)
    rows = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={c: [""] for c in COLUMNS[4:9]})
    for column in ("population", "group", "method", "note"):
        rows[column] = rows[column].map(spreadsheet.as_was)
    return released.public(collect([rows]))


def read_all(where: str | Path) -> pd.DataFrame:
    """All result rows of a cohort, chapter after chapter; of a row that two chapters share, the first."""
    return read_files(sorted(Path(where).glob("*.csv")))


def read_files(paths: list[Path]) -> pd.DataFrame:
    """The result rows of some chapters; of a row that two share, the first."""
    frames = [read(path) for path in paths]
    rows = pd.concat(frames).drop_duplicates("result_id").reset_index(drop=True) if frames else collect([])
    return released.public(rows)


def pick(rows: pd.DataFrame, *statistics: str) -> pd.DataFrame:
    """The rows of the given statistics; rows of a skipped analysis pass through, so that their reason is
    still said.
    """
    kept = rows[rows["statistic"].isin([*statistics, "skipped"])].reset_index(drop=True)
    kept.attrs = rows.attrs
    return kept
