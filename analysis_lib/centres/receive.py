"""Exports of other centres, read back and distrusted: every part is checked before anything is made of it,
and nothing is ever unpacked to disk."""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.centres.exchange import (
    COLUMNS,
    COUNTS,
    FILES,
    FORMAT,
    FORMAT_VERSION,
    LARGEST,
    LONGEST,
    NUMBERS,
    OF_COHORT,
    PARTS,
    Export,
    SharingError,
    definitions,
    digest_of,
)
from analysis_lib.dictionary.words import listed
from analysis_lib.files import spreadsheet
from analysis_lib.rows import results


def read_exports(paths: Iterable[str | Path]) -> list[Export]:
    """Read the exports of several centres, and make sure that they may be pooled.

    Raises
    ------
    SharingError
        With everything that is wrong with any of them, or with their being together: fewer than two, the same
        name or the same content twice, another day 0, definitions that are not this book's.
    """
    paths, found, problems = [Path(path) for path in paths], [], []
    for path in paths:
        try:
            found.append(read_export(path))
        except SharingError as error:
            problems.append(str(error))
    problems += _not_together(found, len(paths))
    if problems:
        raise SharingError("Nothing was pooled.\n" + "\n".join(problems))
    return found


def read_export(path: Path) -> Export:
    """Read one export; nothing in it is trusted.

    Raises
    ------
    SharingError
        With everything that is wrong with it, one line each, starting with the name of the file.
    """
    problems: list[str] = []
    files = _unpacked(path, problems)
    manifest = _read_manifest(files["export.json"], problems) if files else {}
    rows = _read_rows(files["rows.csv"], problems) if files else None
    if manifest and manifest["rows_sha256"] != hashlib.sha256(files["rows.csv"]).hexdigest():
        problems.append("rows.csv was changed after the export; export again and leave it as it is")
    if manifest and manifest["definitions_sha256"] != digest_of(manifest["definitions"]):
        problems.append("the definitions in export.json were changed after the export; export again")
    if problems:
        raise SharingError("\n".join(f"{path.name}: {problem}." for problem in problems))
    return Export(
        **{key: manifest["cohort"][key] for key in OF_COHORT},
        rows=rows,
        digest=manifest["rows_sha256"],
        **{key: manifest[key] for key in ("definitions", "endpoints", "software", "chapters")},
    )


def _unpacked(path: Path, problems: list[str]) -> dict[str, bytes] | None:
    """The three files of an export, in memory; ``None``, with the reason added to ``problems``, if it is
    none.
    """
    if not path.is_file():
        problems.append("there is no such file")
    elif path.stat().st_size > LARGEST:
        problems.append(f"it is larger than {LARGEST // 1_000_000} MB, which no export is")
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                if problem := _not_ours(entries):
                    problems.append(problem)
                    return None
                files = {}
                for entry in entries:
                    with archive.open(entry) as packed:
                        # whatever size the zip itself claims
                        files[entry.filename] = packed.read(LARGEST + 1)
                    if len(files[entry.filename]) > LARGEST:
                        problems.append(_too_large(entry.filename))
                        return None
                return files
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ):
            problems.append("it is no zip file, or a damaged one; ask for it again")
    return None


def _not_ours(entries: list[zipfile.ZipInfo]) -> str:
    names = [entry.filename for entry in entries]
    if strange := [name for name in dict.fromkeys(names) if name not in FILES]:
        return (
            f"it holds {_quoted(strange[0])}, which no export does; it was not made by `salvage-book export`"
        )
    if absent := [name for name in FILES if name not in names]:
        return f"it holds no {listed(absent)}; it was not made by `salvage-book export`"
    if len(names) > len(FILES):
        return "it holds the same file twice"
    if any(entry.flag_bits & 1 for entry in entries):
        return "it is locked with a password; send it without"
    return next((_too_large(entry.filename) for entry in entries if entry.file_size > LARGEST), "")


def _too_large(name: str) -> str:
    return f"{name} in it is larger than {LARGEST // 1_000_000} MB, which no export is"


def _quoted(foreign: object) -> str:
    """Something from a file that is not trusted, short and without control characters."""
    shown = ascii(str(foreign))
    return shown if len(shown) <= 60 else f"{shown[:57]}...'"


def _read_manifest(content: bytes, problems: list[str]) -> dict | None:
    try:
        manifest = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):  # wrong UTF-8 is a ValueError too
        problems.append("export.json cannot be read")
        return None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        problems.append("export.json is not that of an export")
        return None
    if manifest.get("format_version") != FORMAT_VERSION:
        problems.append(
            f"it has the format version {_quoted(manifest.get('format_version'))}, this book "
            f"reads {FORMAT_VERSION}; "
            "all centres need the same version of the book"
        )
        return None
    before = len(problems)
    for key, kind in PARTS.items():
        if not isinstance(manifest.get(key), kind):
            problems.append(f"export.json lacks {key}, or it is not what it should be")
    if len(problems) > before:
        return None
    of_cohort = manifest["cohort"]
    for key, kind in OF_COHORT.items():
        if type(of_cohort.get(key)) is not kind:
            problems.append(f"export.json does not say the cohort's {key}, or not as it should")
    for key in ("definitions", "endpoints", "software"):
        if not all(isinstance(words, str) for words in manifest[key].values()):
            problems.append(f"{key} in export.json are not words")
    for each, how in manifest["chapters"].items():
        if not (
            re.fullmatch(r"\w{1,60}", each)
            and isinstance(how, dict)
            and isinstance(how.get("reason"), str)
            and how.get("status") in ("done", "skipped")
            and type(how.get("rows")) is int
        ):
            problems.append("chapters in export.json are not what they should be")
            break
    if len(problems) > before:
        return None
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", of_cohort["name"]):
        problems.append(
            f"the cohort cannot be called {_quoted(of_cohort['name'])}: lower-case letters, "
            f"digits and hyphens only"
        )
    for key in ("title", "index_event"):
        if not (0 < len(of_cohort[key]) <= LONGEST and of_cohort[key].isprintable()):
            problems.append(
                f"the cohort's {key} is empty, longer than {LONGEST} characters, or holds control characters"
            )
    return manifest if len(problems) == before else None


def _read_rows(content: bytes, problems: list[str]) -> pd.DataFrame | None:
    try:
        with warnings.catch_warnings():
            # a line with more cells than there are columns
            warnings.simplefilter("error", pd.errors.ParserWarning)
            cells = pd.read_csv(
                io.BytesIO(content), dtype=str, na_filter=False, index_col=False, encoding="utf-8"
            )
    except (ValueError, pd.errors.ParserWarning):
        problems.append("rows.csv cannot be read as a table")
        return None
    if unknown := [column for column in cells if column not in COLUMNS]:
        problems.append(f"rows.csv has a column {_quoted(unknown[0])}, which no export has")
    if absent := [column for column in COLUMNS if column not in cells]:
        problems.append(f"rows.csv has no column {listed(absent)}")
    if unknown or absent:
        return None
    wrong = _wrong_cells(cells)
    for line, column, concern in wrong[:10]:
        problems.append(
            f"rows.csv, line {line + 2}, {column} = {_quoted(cells.loc[line, column])}: {concern}"
        )
    if len(wrong) > 10:
        problems.append(f"rows.csv has {len(wrong) - 10} more such cells")
    if wrong:
        return None
    words = [column for column in results.COLUMNS if column not in NUMBERS + COUNTS]
    plain = cells.assign(**{column: cells[column].map(spreadsheet.as_was) for column in words})
    numbers = {column: pd.to_numeric(plain[column].replace("", None)) for column in NUMBERS + COUNTS}
    return results.collect([plain.assign(**numbers)])


def _wrong_cells(cells: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Line, column and what is wrong, for every cell that no export could hold."""
    wrong = []
    numbers = {
        column: pd.to_numeric(cells[column].where(cells[column] != ""), errors="coerce").astype(float)
        for column in NUMBERS + COUNTS
    }

    def note(where, column: str, concern: str) -> None:
        wrong.extend((line, column, concern) for line in cells.index[where])

    note(
        [name != results.slug(name) or not name for name in cells["result_id"]],
        "result_id",
        "this is not the name of a result",
    )
    note(cells["result_id"].duplicated(), "result_id", "this result stands there twice")
    note(~cells["statistic"].isin(results.STATISTICS), "statistic", "there is no such statistic")
    for column, number in numbers.items():
        given = cells[column] != ""
        note(given & ~np.isfinite(number), column, "this is not a finite number")
        if column in COUNTS:
            note((number < 0) | (number % 1 > 0), column, "this is not a number of patients, sites or events")
    ordered = cells["statistic"].isin(["proportion", "rate", "hazard ratio", "odds ratio", "median time"])
    note(ordered & (numbers["lower"] > numbers["upper"]), "lower", "the lower limit is above the upper one")
    note(
        ordered & (numbers["value"] < numbers["lower"] - 1e-9), "value", "the value is below its lower limit"
    )
    note(
        ordered & (numbers["value"] > numbers["upper"] + 1e-9), "value", "the value is above its upper limit"
    )
    for column in NUMBERS:
        note(ordered & (numbers[column] < 0), column, "this cannot be negative")
        note(
            cells["statistic"].isin(["proportion", "rate"]) & (numbers[column] > 100 + 1e-9),
            column,
            "a share cannot exceed 100 percent",
        )
    note(
        cells["statistic"].isin(["proportion", "rate"]) & (numbers["events"] > numbers["n"]),
        "events",
        "there are more events than n",
    )
    return sorted(wrong)


def _not_together(found: list[Export], given: int) -> list[str]:
    """Why these exports may not be pooled, in sentences."""
    problems = []
    if given < 2:
        problems.append("Pooling needs the exports of at least two centres.")
    for first, second in ((a, b) for place, a in enumerate(found) for b in found[place + 1 :]):
        if first.digest == second.digest:
            problems.append(
                f"{first.name} and {second.name} hold the very same results; the same patients "
                f"would be counted twice."
            )
        elif first.name == second.name:
            problems.append(
                f"Two exports are called {first.name}. Give each cohort.yml a name of its own "
                f"and export again."
            )
    if len(days := _by_answer(found, lambda one: one.index_event)) > 1:
        problems.append(
            "Day 0 is not the same: " + "; ".join(f"{what} in {who}" for what, who in days.items()) + "."
        )
    here, differ = definitions(), []
    names = dict.fromkeys([*here, *(name for one in found for name in one.definitions)])
    for name in names:
        others = _by_answer(
            [one for one in found if one.definitions.get(name) != here.get(name)],
            lambda one, name=name: one.definitions.get(name),
        )
        differ += [
            f"  {_plain(name)}: {_plain(here.get(name))} in this book; {_plain(what)} in {who}."
            for what, who in others.items()
        ]
    if differ:
        more = [f"  ... and {len(differ) - 20} more."] if len(differ) > 20 else []
        problems.append(
            "\n".join(
                ["Definitions differ; all centres need the same version of the book:", *differ[:20], *more]
            )
        )
    return problems


def _by_answer(found: list[Export], ask) -> dict[str, str]:
    """What the exports answer, and which of them."""
    answers: dict[str, list[str]] = {}
    for one in found:
        answers.setdefault(ask(one), []).append(one.name)
    return {what: listed(list(dict.fromkeys(who))) for what, who in answers.items()}


def _plain(words: str | None) -> str:
    """Words of a definition for a message, without control characters."""
    return (
        "not known"
        if words is None
        else "".join(c if c.isprintable() else " " for c in words)[:LONGEST].rstrip(".")
    )
