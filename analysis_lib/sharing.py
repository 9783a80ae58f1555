"""Share a cohort's result rows: one small zip that a hospital can read before it sends it, and such zips read back.

An export holds aggregates, what they mean and which software made them: no row of a patient, no calendar date, no name of
a file, a person or a machine. The same cohort gives the same bytes. What comes back from another centre is distrusted:
every part of it is checked before anything is made of it, and nothing is ever unpacked to disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.utils.capture import capture_output

from analysis_lib import chapter, endpoints, leaks, results, schema, spreadsheet, survival, takeaway
from analysis_lib.cohort import DAYS_PER_MONTH, Cohort, locate, read_cohort
from analysis_lib.manifest import listed

FORMAT, FORMAT_VERSION = "salvage-book export", 1
FILES = ("README.txt", "export.json", "rows.csv")
COLUMNS = ["chapter", *results.COLUMNS]
NUMBERS, COUNTS = ("value", "lower", "upper"), ("n", "events")
SOFTWARE = ("salvage-book", "greenwood", "lifelines", "numpy", "pandas", "scipy", "statsmodels")
LARGEST = 5_000_000  # bytes of a zip, and of each file in it; all chapters of a cohort take about 0.2 million
PRACTICE = ("axi-cel", "tisa-cel")  # two bundled synthetic cohorts that share no patient
LONGEST = 300  # characters of a title
# What export.json must hold, and of which kind.
PARTS = {"cohort": dict, "definitions": dict, "definitions_sha256": str, "endpoints": dict, "software": dict,
         "chapters": dict, "rows_sha256": str}
OF_COHORT = {"name": str, "title": str, "synthetic": bool, "index_event": str, "min_cell_count": int}


class SharingError(ValueError):
    """Nothing was exported or pooled; the message says why, in words for whoever asked for it."""

    def _render_traceback_(self):
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
        Versions by name; and for each chapter its ``status`` (done, skipped), ``reason`` and number of ``rows``.
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
    chapters: dict[str, dict]
    rows: pd.DataFrame
    digest: str


# --- what the numbers mean ------------------------------------------------------------------------------------

def definitions() -> dict[str, str]:
    """What the numbers of this book mean, in words by name; exports may be pooled only where all of these agree."""
    return {
        "days in a month": f"{DAYS_PER_MONTH:g}",
        "survival curves": survival.KM,
        "ties in Cox models": "Efron",
        **{f"endpoint {name}": _endpoint_in_words(endpoint) for name, endpoint in endpoints.ENDPOINTS.items()},
        **{f"column {table}.{column}": _column_in_words(entry)
           for table, columns in schema.TABLES.items() for column, entry in columns.columns.items()},
        **{f"derived column {name}": f"{rule.description}: {rule.source} "
           + (f"at least {rule.at_least}" if rule.at_least is not None else f"is {' or '.join(rule.levels)}")
           for name, rule in schema.DERIVED.items()},
    }


def _endpoint_in_words(endpoint: endpoints.Endpoint) -> str:
    ends = [source.column + (f" if {source.when[0]} is {source.when[1]}" if source.when else "") for source in endpoint.events]
    return (f"{endpoint.label}: {endpoint.unit}, from {endpoint.origin or 'day 0'} to the first of {', '.join(ends)}; "
            f"otherwise censored at {endpoint.censor.column}")


def _column_in_words(column) -> str:
    meta = column.metadata
    levels = [f"{level} ({meaning})" if meaning else level for level, meaning in (meta["levels"] or {}).items()]
    unit = f" {meta['unit'].capitalize()}." if meta["unit"] else ""
    return column.description + unit + (f" One of: {'; '.join(levels)}." if levels else "")


def _digest_of(words: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def software() -> dict[str, str]:
    """Versions of what computed the rows; ``code`` is a digest of the library and of the chapters."""
    files = sorted([*Path(__file__).parent.glob("*.py"), *chapter.NOTEBOOKS.glob("[0-9][0-9]_*.py")])
    code = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    return {"code": code, "python": platform.python_version()} | {name: version(name) for name in SOFTWARE}


# --- out ------------------------------------------------------------------------------------------------------

def export(where: str | Path, out: Path | None = None) -> tuple[Path, dict]:
    """Compute a cohort's chapters anew and write their rows as one zip.

    Parameters
    ----------
    where : str or Path
        The cohort, as :func:`analysis_lib.cohort.read_cohort` takes it.
    out : Path, optional
        The zip to write; by default ``<name of the cohort>.zip`` in the current folder.

    Returns
    -------
    tuple of Path, dict
        The zip, and what ``export.json`` says.

    Raises
    ------
    CohortError, SharingError
        If the cohort is wrong, if the file exists or cannot be written, or if a chapter fails. Nothing is written then.
    """
    path, study = locate(where), read_cohort(where)
    out = Path(out or f"{study.name}.zip").expanduser().absolute()
    if reason := _cannot_be_written(out):
        raise SharingError(f"{out.name}: {reason}. Nothing was written.")
    rows, done = _calculated(path, study)
    table = rows.map(spreadsheet.safe).to_csv(index=False, lineterminator="\n").encode("utf-8")
    manifest = _manifest_of(study, done, table)
    files = {"README.txt": _readme(study, manifest), "export.json": json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"}
    packed = takeaway.bundle({name: text.encode("utf-8") for name, text in files.items()} | {"rows.csv": table})
    _check_for_leaks(path, study, packed)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(packed)
        if out.exists():
            raise SharingError(f"{out.name}: it appeared while the chapters were computed. Nothing was written.")
        unfinished.replace(out)
    except OSError as error:
        raise SharingError(f"{out.name}: it cannot be written ({error.strerror}).") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return out, manifest


def _check_for_leaks(path: Path, study: Cohort, packed: bytes) -> None:
    """Refuse an export that holds anything of a real cohort's input."""
    if study.synthetic:
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "export.zip").write_bytes(packed)
        found = leaks.scan([Path(folder)], leaks.needles(study, path))
    if found:
        told = "\n  ".join(map(str, found[:20]))
        raise SharingError(f"Something of the patients' data stands in the export, so nothing was written:\n  {told}")


def _cannot_be_written(out: Path) -> str:
    if out.exists():
        return "it exists already; delete it, or give another name with --out"
    if out.suffix.lower() != ".zip":
        return "the name of an export ends in .zip"
    return "" if out.parent.is_dir() else "its folder does not exist"


def _calculated(path: Path, study: Cohort) -> tuple[pd.DataFrame, dict[str, dict]]:
    """The rows of the study's own chapters, all as text, and how each chapter ended."""
    frames, done = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for each in chapter.chapters_of(study):
            if chapter.on_the_paper(each):  # the paper's printed numbers are no result of this cohort
                continue
            try:
                with capture_output():  # inside a notebook, tables and figures would appear in it
                    chapter.calculate(each, path, Path(folder))
            except Exception as error:  # whatever went wrong in a chapter, nothing is exported
                raise SharingError(f"The chapter {each} failed ({type(error).__name__}), so nothing was written. "
                                   f"`salvage-book run {each} COHORT` says more.") from error
            rows = results.read(Path(folder) / f"{each}.csv")
            skipped = len(rows) > 0 and (rows["statistic"] == "skipped").all()
            done[each] = {"status": "skipped" if skipped else "done", "reason": rows["note"].iloc[0] if skipped else "", "rows": len(rows)}
            frames.append(rows.assign(chapter=each))
    rows = pd.concat(frames).drop_duplicates("result_id")[COLUMNS]
    written = {column: [repr(float(x)) if pd.notna(x) else "" for x in rows[column]] for column in NUMBERS}
    return rows.assign(**written).astype("string").fillna("").reset_index(drop=True), done


def _manifest_of(study: Cohort, done: dict[str, dict], table: bytes) -> dict:
    words = definitions()
    known = {line["Endpoint"]: f"{line['Event, whichever comes first']} ({line['Read from']})"
             for line in endpoints.definitions(study).to_dict("records")}
    return {
        "format": FORMAT, "format_version": FORMAT_VERSION,
        "cohort": {"name": study.name, "title": study.title, "synthetic": study.synthetic, "index_event": study.index_event,
                   "min_cell_count": study.min_cell_count},
        "chapters": done, "rows_sha256": hashlib.sha256(table).hexdigest(), "software": software(),
        "endpoints": known, "definitions_sha256": _digest_of(words), "definitions": words}


def _readme(study: Cohort, manifest: dict) -> str:
    done, skipped = ([name for name, how in manifest["chapters"].items() if how["status"] == status] for status in ("done", "skipped"))
    whose = ("The patients are synthetic: made up to be consistent with a published paper." if study.synthetic else
             "Whatever would rest on fewer patients than min_cell_count in export.json says was suppressed before it got here.")
    return f"""{study.title} ({study.name})

What this is: the results of one cohort, to be pooled with those of other centres.
{whose}

What is in it
  rows.csv     every result: its name, whom it speaks of, the number with its limits, how many patients it rests on, and
               the method. It opens in any spreadsheet; a cell that would start a formula has an apostrophe before it.
  export.json  what the numbers mean: definitions of columns and endpoints, versions of the software, chapters.
  README.txt   this page.

What is not in it: no row of a patient, no identifier, no calendar date, no file name, no name of a person or a machine.

Chapters computed: {', '.join(done) or 'none'}
Chapters skipped for want of columns: {', '.join(skipped) or 'none'}

How to pool: salvage-book pool THIS.zip ANOTHER.zip --out FOLDER
Change nothing in here: pooling refuses an export whose rows are no longer those that were exported.
"""


# --- in -------------------------------------------------------------------------------------------------------

def read_exports(paths: Iterable[str | Path]) -> list[Export]:
    """Read the exports of several centres, and make sure that they may be pooled.

    Raises
    ------
    SharingError
        With everything that is wrong with any of them, or with their being together: fewer than two, the same name or
        the same content twice, another day 0, definitions that are not this book's.
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


def practice() -> list[Export]:
    """The exports of two bundled synthetic cohorts, made on the spot, to try the pooling with."""
    with tempfile.TemporaryDirectory() as folder:
        return read_exports([export(name, Path(folder) / f"{name}.zip")[0] for name in PRACTICE])


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
    if manifest and manifest["definitions_sha256"] != _digest_of(manifest["definitions"]):
        problems.append("the definitions in export.json were changed after the export; export again")
    if problems:
        raise SharingError("\n".join(f"{path.name}: {problem}." for problem in problems))
    return Export(**{key: manifest["cohort"][key] for key in OF_COHORT}, rows=rows, digest=manifest["rows_sha256"],
                  **{key: manifest[key] for key in ("definitions", "endpoints", "software", "chapters")})


def _unpacked(path: Path, problems: list[str]) -> dict[str, bytes] | None:
    """The three files of an export, in memory; ``None``, with the reason added to ``problems``, if it is none."""
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
                        files[entry.filename] = packed.read(LARGEST + 1)  # whatever size the zip itself claims
                    if len(files[entry.filename]) > LARGEST:
                        problems.append(_too_large(entry.filename))
                        return None
                return files
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            problems.append("it is no zip file, or a damaged one; ask for it again")
    return None


def _not_ours(entries: list[zipfile.ZipInfo]) -> str:
    names = [entry.filename for entry in entries]
    if strange := [name for name in dict.fromkeys(names) if name not in FILES]:
        return f"it holds {_quoted(strange[0])}, which no export does; it was not made by `salvage-book export`"
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
        problems.append(f"it has the format version {_quoted(manifest.get('format_version'))}, this book reads {FORMAT_VERSION}; "
                        "all centres need the same version of the book")
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
        if not (re.fullmatch(r"\w{1,60}", each) and isinstance(how, dict) and isinstance(how.get("reason"), str)
                and how.get("status") in ("done", "skipped") and type(how.get("rows")) is int):
            problems.append("chapters in export.json are not what they should be")
            break
    if len(problems) > before:
        return None
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", of_cohort["name"]):
        problems.append(f"the cohort cannot be called {_quoted(of_cohort['name'])}: lower-case letters, digits and hyphens only")
    for key in ("title", "index_event"):
        if not (0 < len(of_cohort[key]) <= LONGEST and of_cohort[key].isprintable()):
            problems.append(f"the cohort's {key} is empty, longer than {LONGEST} characters, or holds control characters")
    return manifest if len(problems) == before else None


def _read_rows(content: bytes, problems: list[str]) -> pd.DataFrame | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a line with more cells than there are columns
            cells = pd.read_csv(io.BytesIO(content), dtype=str, na_filter=False, index_col=False, encoding="utf-8")
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
        problems.append(f"rows.csv, line {line + 2}, {column} = {_quoted(cells.loc[line, column])}: {concern}")
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
    numbers = {column: pd.to_numeric(cells[column].where(cells[column] != ""), errors="coerce").astype(float)
               for column in NUMBERS + COUNTS}

    def note(where, column: str, concern: str) -> None:
        wrong.extend((line, column, concern) for line in cells.index[where])

    note([name != results.slug(name) or not name for name in cells["result_id"]], "result_id", "this is not the name of a result")
    note(cells["result_id"].duplicated(), "result_id", "this result stands there twice")
    note(~cells["statistic"].isin(results.STATISTICS), "statistic", "there is no such statistic")
    for column, number in numbers.items():
        given = cells[column] != ""
        note(given & ~np.isfinite(number), column, "this is not a finite number")
        if column in COUNTS:
            note((number < 0) | (number % 1 > 0), column, "this is not a number of patients, sites or events")
    ordered = cells["statistic"].isin(["proportion", "rate", "hazard ratio", "odds ratio", "median time"])
    note(ordered & (numbers["lower"] > numbers["upper"]), "lower", "the lower limit is above the upper one")
    note(ordered & (numbers["value"] < numbers["lower"] - 1e-9), "value", "the value is below its lower limit")
    note(ordered & (numbers["value"] > numbers["upper"] + 1e-9), "value", "the value is above its upper limit")
    for column in NUMBERS:
        note(ordered & (numbers[column] < 0), column, "this cannot be negative")
        note(cells["statistic"].isin(["proportion", "rate"]) & (numbers[column] > 100 + 1e-9), column, "a share cannot exceed 100 percent")
    note(cells["statistic"].isin(["proportion", "rate"]) & (numbers["events"] > numbers["n"]), "events", "there are more events than n")
    return sorted(wrong)


def _not_together(found: list[Export], given: int) -> list[str]:
    """Why these exports may not be pooled, in sentences."""
    problems = []
    if given < 2:
        problems.append("Pooling needs the exports of at least two centres.")
    for first, second in ((a, b) for place, a in enumerate(found) for b in found[place + 1:]):
        if first.digest == second.digest:
            problems.append(f"{first.name} and {second.name} hold the very same results; the same patients would be counted twice.")
        elif first.name == second.name:
            problems.append(f"Two exports are called {first.name}. Give each cohort.yml a name of its own and export again.")
    if len(days := _by_answer(found, lambda one: one.index_event)) > 1:
        problems.append("Day 0 is not the same: " + "; ".join(f"{what} in {who}" for what, who in days.items()) + ".")
    here, differ = definitions(), []
    names = dict.fromkeys([*here, *(name for one in found for name in one.definitions)])
    for name in names:
        others = _by_answer([one for one in found if one.definitions.get(name) != here.get(name)],
                            lambda one, name=name: one.definitions.get(name))
        differ += [f"  {_plain(name)}: {_plain(here.get(name))} in this book; {_plain(what)} in {who}." for what, who in others.items()]
    if differ:
        more = [f"  ... and {len(differ) - 20} more."] if len(differ) > 20 else []
        problems.append("\n".join(["Definitions differ; all centres need the same version of the book:", *differ[:20], *more]))
    return problems


def _by_answer(found: list[Export], ask) -> dict[str, str]:
    """What the exports answer, and which of them."""
    answers: dict[str, list[str]] = {}
    for one in found:
        answers.setdefault(ask(one), []).append(one.name)
    return {what: listed(list(dict.fromkeys(who))) for what, who in answers.items()}


def _plain(words: str | None) -> str:
    """Words of a definition for a message, without control characters."""
    return "not known" if words is None else "".join(c if c.isprintable() else " " for c in words)[:LONGEST].rstrip(".")
