"""The manifest of a cohort: which files it is made of, and how their columns translate. And how problems are
said.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary.columns import PATIENTS, REPEATING, TABLES
from analysis_lib.dictionary.units import CAR_T, ISO
from analysis_lib.dictionary.words import CONTROL, listed
from analysis_lib.intake.bundled import bundled_cohorts, find
from analysis_lib.intake.finding import SUFFIXES
from analysis_lib.intake.values import is_date_format

# devices of Windows, folders of ours
RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]|html|source|generated|results|index")
MIN_CELL_COUNT = "5"  # of real patients, unless the manifest says otherwise
MANIFEST_KEYS = {
    "name": "short name, used for folders: lower-case letters, digits and hyphens",
    "title": "title shown on every page",
    "tables": "file of each table: " + ", ".join(TABLES),
    "redcap": "a REDCap export in place of tables: its file, or {export: FILE, dictionary: FILE, ...}",
    "columns": "for each table, {column in the file: name in the data dictionary}",
    "values": "for each table and column, {value in the file: level in the data dictionary}",
    "date_format": "format of calendar dates, such as %d.%m.%Y (default: ISO, 2021-03-28)",
    "time_unit": "unit of the file's own durations: days (default), weeks, months or years",
    "subset": "which patients to keep, such as: stage in ('I', 'II')",
    "index_event": f"what happened on day 0 (default: {CAR_T})",
    "synthetic": "true when the patients are not real people",
    "min_cell_count": "counts below this are not shown (default: 5; synthetic patients: 0). 1 shows every "
    "count, which is "
    "for data that are public anyway",
    "note": "a sentence about the cohort, with its source, shown on every page",
    "made_by": "for synthetic cohorts: the command that made the tables",
}
REDCAP_KEYS = {
    "export": "the CSV file that REDCap writes (all records, raw or labels)",
    "dictionary": "the project's data dictionary as CSV, which says what the codes mean; not needed for a "
    "project "
    "that was set up with the dictionary of `salvage-book new`",
    "instruments": "for each table with several rows a patient, {table: repeating instrument}",
    "missing": "the project's own missing-data codes, such as [-99, UNK]",
}
DEPTHS = {"tables": 1, "columns": 2, "values": 3}  # how deep the entries of these keys are nested


def locate(where: str | Path) -> Path:
    """The manifest or bare table that ``where`` speaks of."""
    path = find(where)
    if path and path.suffix.lower() in (".yml", ".yaml", *SUFFIXES):
        return path.resolve()
    near = difflib.get_close_matches(str(where), bundled_cohorts(), n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise CohortError(
        str(where),
        [
            problem(
                "cohort",
                "there is no such cohort",
                f"{hint}Give one of {listed(list(bundled_cohorts()))}, or the path of a cohort.yml, of the "
                f"folder "
                f"it is "
                f"in, "
                f"or of a table ({', '.join(SUFFIXES)}).",
            )
        ],
    )


def read_manifest(path: Path) -> dict:
    """The manifest with its defaults filled in; a bare table gets one of its own."""
    if path.suffix.lower() not in (".yml", ".yaml"):
        given: dict = {"name": as_name(path.stem), "title": path.stem, "tables": {"patients": path.name}}
    else:
        given = _read_yaml(path)
    if problems := _manifest_problems(path, given):
        raise CohortError(path.name, problems)
    defaults = {
        "name": as_name(path.parent.name),
        "columns": {},
        "values": {},
        "date_format": ISO,
        "time_unit": "days",
        "subset": "",
        "index_event": CAR_T,
        "synthetic": "false",
        "note": "",
        "made_by": "",
        "tables": {},
        "redcap": {},
        "min_cell_count": "0" if given.get("synthetic") == "true" else MIN_CELL_COUNT,
    }
    manifest = defaults | given
    if isinstance(manifest["redcap"], str):
        manifest["redcap"] = {"export": manifest["redcap"]}
    shown = {key: " ".join(manifest.get(key, "").split()) for key in ("title", "note", "index_event")}
    manifest |= shown | {
        "title": shown["title"] or manifest["name"],
        "index_event": shown["index_event"] or CAR_T,
    }
    # Headers of files are read with single spaces, and so are their names here.
    manifest["columns"] = {
        table: {" ".join(column.split()): target for column, target in columns.items()}
        for table, columns in manifest["columns"].items()
    }
    return manifest


class _Loader(yaml.BaseLoader):
    """Keeps every word as written (``yes`` stays yes, 1 stays "1") and refuses a key that stands twice."""

    def construct_scalar(self, node: yaml.ScalarNode) -> str:
        text = super().construct_scalar(node)  # an escape can hold what no file and no page can
        return CONTROL.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", node.value[place][0].start_mark
                )
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(unicodedata.normalize("NFC", path.read_text("utf-8-sig")), Loader=_Loader)
    except PermissionError:
        raise CohortError(
            path.name,
            [
                problem(
                    path.name,
                    "the file may not be read: permission denied",
                    "Close it in other programs, or ask for permission to read it.",
                )
            ],
        ) from None
    # ValueError: not UTF-8, no such character
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        twice = getattr(error, "problem", None) or ""
        why = f": {twice}" if twice.endswith("stands twice") else ""
        raise CohortError(
            path.name,
            [
                problem(
                    path.name,
                    f"this is not readable YAML{line}{why}",
                    "Keep one of the two."
                    if why
                    else "Look for a missing colon, a tab, or an unclosed quote, and save the file as UTF-8.",
                )
            ],
        ) from None


def _manifest_problems(path: Path, given: object) -> list[dict]:
    here = path.name
    if not isinstance(given, dict):
        return [
            problem(
                here,
                "it is empty or not a list of `key: value`",
                "Write at least `tables: {patients: FILE}`.",
            )
        ]
    problems = []
    for key in [key for key in given if key not in MANIFEST_KEYS]:
        if (
            f"{key}_day" in PATIENTS.columns
            and isinstance(pair := given[key], dict)
            and {"time", "event"} <= set(pair)
        ):
            problems.append(
                problem(
                    here,
                    f"a time and its event are named under `columns:`, not under {key!r}",
                    "Write `columns: {patients: "
                    f"{{{pair['time']}: {key}_day, {pair['event']}: {key}_event}}}}`.",
                )
            )
            continue
        near = difflib.get_close_matches(str(key), MANIFEST_KEYS, n=1)
        problems.append(
            problem(
                here,
                f"unknown key {key!r}",
                f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(MANIFEST_KEYS)}.",
            )
        )
    named = given = {key: value for key, value in given.items() if key in MANIFEST_KEYS}
    for key, depth in DEPTHS.items():
        if key not in given:
            continue
        if not isinstance(given[key], dict):
            problems.append(
                problem(here, f"{key!r} must hold one entry a table", f"Meaning: {MANIFEST_KEYS[key]}.")
            )
            given[key] = {}
        elif wrong := _not_of_depth(given[key], depth, key):
            problems += [
                problem(
                    here,
                    f"{where!r} must hold {'text' if level == 0 else 'entries such as `this: that`'}",
                    f"Meaning: {MANIFEST_KEYS[key]}.",
                )
                for where, level in wrong
            ]
        for table in [table for table in given[key] if table not in TABLES]:
            problems.append(
                problem(here, f"unknown table {table!r} under {key!r}", f"Known: {', '.join(TABLES)}.")
            )
    for key, value in given.items():
        if key not in DEPTHS and key != "redcap" and not isinstance(value, str):
            problems.append(
                problem(here, "it must be text, not a list", f"Meaning: {MANIFEST_KEYS[key]}.", field=key)
            )
    given = {key: value for key, value in given.items() if key in DEPTHS or isinstance(value, str)}
    if "redcap" in named:
        problems += _redcap_problems(here, named["redcap"])
    elif "patients" not in given.get("tables", {}):
        problems.append(problem(here, "no patients table is named", "Write `tables: {patients: FILE}`."))
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", given.get("name", "x")):
        problems.append(
            problem(
                here,
                "the name cannot be used for a folder",
                f"Use a {MANIFEST_KEYS['name']}.",
                field="name",
                value=given["name"],
            )
        )
    elif RESERVED.fullmatch(given.get("name", "x")):
        problems.append(
            problem(
                here,
                "this name is taken by the system or by the book",
                "Choose another name.",
                field="name",
                value=given["name"],
            )
        )
    if not re.fullmatch("[1-9][0-9]{0,3}", str(given.get("min_cell_count", MIN_CELL_COUNT))):
        problems.append(
            problem(
                here,
                "it must be a whole number of at least 1",
                "Leave it out for 5, or write `min_cell_count: 10`.",
                field="min_cell_count",
                value=given["min_cell_count"],
            )
        )
    for key, allowed in {
        "time_unit": ("days", "weeks", "months", "years"),
        "synthetic": ("true", "false"),
    }.items():
        if given.get(key, allowed[0]) not in allowed:
            problems.append(
                problem(
                    here,
                    f"it must be {listed(list(allowed), 'or')}",
                    f"Meaning: {MANIFEST_KEYS[key]}.",
                    field=key,
                    value=given[key],
                )
            )
    if given.get("date_format", ISO) != ISO and not is_date_format(given["date_format"]):
        problems.append(
            problem(
                here,
                "this is not a format of a date",
                'Write %d for the day, %m for the month and %Y for the year, such as "%d.%m.%Y".',
                field="date_format",
                value=given["date_format"],
            )
        )
    return problems


def _not_of_depth(entries: object, depth: int, where: str) -> list[tuple[str, int]]:
    """Where nested entries are not as deep as they must be: the place, and how many levels were to follow."""
    if depth == 0 or not isinstance(entries, dict):
        return (
            []
            if isinstance(entries, str) == (depth == 0) and isinstance(entries, (str, dict))
            else [(where, depth)]
        )
    return [
        wrong
        for key, below in entries.items()
        for wrong in _not_of_depth(below, depth - 1, f"{where}: {key}")
    ]


def as_name(text: str) -> str:
    """A text as the name of a cohort: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:41].strip("-") or "cohort"


def _redcap_problems(here: str, given: object) -> list[dict]:
    entries = {"export": given} if isinstance(given, str) else given
    if not isinstance(entries, dict) or not entries.get("export"):
        return [
            problem(
                here,
                "no export is named",
                "Write `redcap: FILE` or `redcap: {export: FILE}`.",
                field="redcap",
            )
        ]
    problems = []
    for key in [key for key in entries if key not in REDCAP_KEYS]:
        near = difflib.get_close_matches(str(key), REDCAP_KEYS, n=1)
        problems.append(
            problem(
                here,
                f"unknown key {key!r} under 'redcap'",
                f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(REDCAP_KEYS)}.",
            )
        )
    wanted = {"export": "text", "dictionary": "text", "instruments": "entries", "missing": "texts"}
    for key in [key for key in wanted if key in entries and not _is_written_as(entries[key], wanted[key])]:
        problems.append(
            problem(
                here, f"{key!r} under 'redcap' is not written as expected", f"Meaning: {REDCAP_KEYS[key]}."
            )
        )
    instruments = entries.get("instruments", {})
    for table in (
        [table for table in instruments if table not in REPEATING] if isinstance(instruments, dict) else ()
    ):
        problems.append(
            problem(
                here,
                f"{table!r} is no table that repeats",
                f"There are: "
                f"{', '.join(REPEATING)}. "
                "Everything outside the repeating instruments goes to patients.",
                field="instruments",
            )
        )
    return problems


def _is_written_as(value: object, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "entries":
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    return kind == "texts" and isinstance(value, list) and all(isinstance(each, str) for each in value)
