"""Small exports as another hospital would send them, made without running a chapter; and hostile ones."""

import csv
import functools
import hashlib
import io
import json
from pathlib import Path

from analysis_lib.centres import exchange
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.files.archive import bundle
from analysis_lib.rows import results


def rows_of(shift: float = 0.0) -> list[list[str]]:
    """Result rows that the pooled chapter asks for, as text: one of each statistic, and one that was skipped."""
    made = [
        ("01_cohort", results.row("flow.included", "count", 60, n=60)),
        (
            "02_characteristics",
            results.row(
                "response.orr", "proportion", 50, lower=37, upper=63, n=60, events=30, method="exact binomial"
            ),
        ),
        (
            "04_survival",
            results.row(
                "os1.rate12",
                "rate",
                60 + shift,
                lower=49 + shift,
                upper=73 + shift,
                n=60,
                events=24,
                method="KM",
            ),
        ),
        (
            "04_survival",
            results.row(
                "os1.median",
                "median time",
                15 + shift,
                lower=11,
                upper=20 + shift,
                n=60,
                events=30,
                method="KM",
            ),
        ),
        (
            "07_prognostic_factors",
            results.row(
                "cox.os1.mv.responder",
                "hazard ratio",
                0.5,
                lower=0.25,
                upper=1.0,
                group="responder",
                n=60,
                events=30,
                method="Cox",
            ),
        ),
        ("05_radiotherapy", results.row("lc", "skipped", None, note="this cohort has no column sites")),
    ]
    return [
        [chapter, *("" if one[column] is None else str(one[column]) for column in results.COLUMNS)]
        for chapter, one in made
    ]


def as_csv(lines: list[list[str]], heads=tuple(exchange.COLUMNS)) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([heads, *lines])
    return written.getvalue().encode("utf-8", "surrogatepass")


# Made once: the digest of the code reads every file of the library.
software, definitions = functools.cache(exchange.software), functools.cache(exchange.definitions)


def manifest_of(name: str, table: bytes, **cohort) -> dict:
    words = dict(definitions())
    return {
        "format": "salvage-book export",
        "format_version": 1,
        "cohort": {
            "name": name,
            "title": f"Hospital {name}",
            "synthetic": True,
            "index_event": CAR_T,
            "min_cell_count": 5,
        }
        | cohort,
        "chapters": {
            "04_survival": {"status": "done", "reason": "", "rows": 2},
            "05_radiotherapy": {
                "status": "skipped",
                "reason": "this cohort has no column sites",
                "rows": 1,
            },
        },
        "audit": {"cells": 12, "hidden": 3, "relations": 20, "fewest": 2, "findings": 0},
        "rows_sha256": hashlib.sha256(table).hexdigest(),
        "software": dict(software()),
        "endpoints": {"OS1": "death (vital_status)"},
        "definitions_sha256": exchange.digest_of(words),
        "definitions": words,
    }


def packed(manifest: dict | bytes, table: bytes) -> bytes:
    said = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return bundle({"README.txt": b"what this is\n", "export.json": said, "rows.csv": table})


def export(folder: Path, name: str, shift: float = 0.0, change=None, **cohort) -> Path:
    """Write an export that any centre could have sent; ``change`` may alter its manifest and its lines."""
    lines = rows_of(shift)
    manifest = manifest_of(name, as_csv(lines), **cohort)
    if change:
        change(manifest, lines)
    table = as_csv(lines)
    manifest["rows_sha256"] = hashlib.sha256(table).hexdigest()
    if isinstance(manifest.get("definitions"), dict):
        manifest["definitions_sha256"] = exchange.digest_of(manifest["definitions"])
    path = folder / f"{name}.zip"
    path.write_bytes(packed(manifest, table))
    return path
