"""Exports of other centres, read back and distrusted: every part is checked before anything is made of it,
and nothing is ever unpacked to disk."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from analysis_lib.centres.cells import read_rows
from analysis_lib.centres.exchange import (
    FILES,
    LARGEST,
    Export,
    SharingError,
    definitions,
    digest_of,
)
from analysis_lib.centres.schema import (
    FORMAT,
    FORMAT_VERSION,
    LONGEST,
    Manifest,
    problems_of,
    quoted,
    shows,
)
from analysis_lib.dictionary.words import listed
from analysis_lib.files.places import BUNDLED
from analysis_lib.rows.released import release

# To try the pooling with: two bundled synthetic cohorts that share no patient (tools/write_practice.py).
PRACTICE = [BUNDLED / "practice" / f"{name}.zip" for name in ("axi-cel", "tisa-cel")]
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_exports(paths: Iterable[str | Path]) -> list[Export]:
    """Read the exports of several centres, and make sure that they may be pooled.

    Raises
    ------
    SharingError
        With everything that is wrong with any of them, or with their being together: fewer than two, the same
        name or the same content twice, another day 0, definitions that are not this book's.
    """
    files, found, problems = [Path(path) for path in paths], [], []
    for path in files:
        try:
            found.append(read_export(path))
        except SharingError as error:
            problems.append(str(error))
    problems += _not_together(found, len(files))
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
    files = _unpacked(path, problems) or {}
    manifest = _read_manifest(files["export.json"], problems) if files else None
    rows = read_rows(files["rows.csv"], problems) if files else None
    if manifest and manifest.rows_sha256 != hashlib.sha256(files["rows.csv"]).hexdigest():
        problems.append("rows.csv was changed after the export; export again and leave it as it is")
    if manifest and manifest.definitions_sha256 != digest_of(manifest.definitions):
        problems.append("the definitions in export.json were changed after the export; export again")
    if problems:
        name = path.name if shows(path.name) else quoted(path.name)
        raise SharingError("\n".join(f"{name}: {problem}." for problem in problems))
    assert manifest and rows is not None  # else there were problems
    return Export(
        **dict(manifest.cohort),
        rows=release(rows, manifest.cohort.min_cell_count),  # as its hospital says in its export
        digest=manifest.rows_sha256,
        **{key: getattr(manifest, key) for key in ("definitions", "endpoints", "software", "chapters")},
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
        except Exception:  # a damaged zip makes zipfile raise a dozen kinds of error, struct.error among them
            problems.append("it is no zip file, or a damaged one; ask for it again")
    return None


def _not_ours(entries: list[zipfile.ZipInfo]) -> str:
    names = [entry.filename for entry in entries]
    if strange := [name for name in dict.fromkeys(names) if name not in FILES]:
        return (
            f"it holds {quoted(strange[0])}, which no export does; it was not made by `salvage-book export`"
        )
    if absent := [name for name in FILES if name not in names]:
        return f"it holds no {listed(absent)}; it was not made by `salvage-book export`"
    if len(names) > len(FILES):
        return "it holds the same file twice"
    if any(entry.flag_bits & 1 for entry in entries):
        return "it is locked with a password; send it without"
    if any(entry.compress_type not in PACKED for entry in entries):
        return "it is packed in a way that no export is; it was not made by `salvage-book export`"
    return next((_too_large(entry.filename) for entry in entries if entry.file_size > LARGEST), "")


def _too_large(name: str) -> str:
    return f"{name} in it is larger than {LARGEST // 1_000_000} MB, which no export is"


def _read_manifest(content: bytes, problems: list[str]) -> Manifest | None:
    try:
        manifest = json.loads(
            content.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number
        )
    except (ValueError, RecursionError):  # wrong UTF-8 is a ValueError too
        problems.append("export.json cannot be read")
        return None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        problems.append("export.json is not that of an export")
        return None
    if manifest.get("format_version") != FORMAT_VERSION:
        problems.append(
            f"it has the format version {quoted(manifest.get('format_version'))}, this book "
            f"reads {FORMAT_VERSION}; "
            "all centres need the same version of the book"
        )
        return None
    try:
        return Manifest.model_validate(manifest)
    except ValidationError as error:
        problems += problems_of(error)
        return None


def _each_once(pairs: list[tuple[str, object]]) -> dict:
    """A JSON object; a key that stands there twice would say two things."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(constant)  # NaN and Infinity, which JSON does not have


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
            lambda one, name=name: one.definitions.get(name),  # type: ignore[misc]  # a default gives no type
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


def _by_answer(found: list[Export], ask: Callable[[Export], str]) -> dict[str, str]:
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
