"""The manifest of a cohort: which files it is made of, and how their columns translate. And how problems are said."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pandas as pd
import yaml

from analysis_lib import schema

BUNDLED = Path(__file__).parent / "data"
CAR_T = "CAR T-cell infusion"
RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]|html|source|generated|results|index")  # devices of Windows, folders of ours
MIN_CELL_COUNT = "5"  # of real patients, unless the manifest says otherwise
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet")
MANIFEST_KEYS = {
    "name": "short name, used for folders: lower-case letters, digits and hyphens",
    "title": "title shown on every page",
    "tables": "file of each table: " + ", ".join(schema.TABLES),
    "columns": "for each table, {column in the file: name in the data dictionary}",
    "values": "for each table and column, {value in the file: level in the data dictionary}",
    "date_format": "format of calendar dates, such as %d.%m.%Y (default: ISO, 2021-03-28)",
    "time_unit": "unit of the file's own durations: days (default) or months",
    "subset": "which patients to keep, such as: stage in ('I', 'II')",
    "index_event": f"what happened on day 0 (default: {CAR_T})",
    "synthetic": "true when the patients are not real people",
    "min_cell_count": "counts below this are not shown (default: 5; synthetic patients: 0). 1 shows every count, which is "
                      "for data that are public anyway",
    "note": "a sentence about the cohort, with its source, shown on every page",
    "made_by": "for synthetic cohorts: the command that made the tables",
}


class CohortError(ValueError):
    """The cohort cannot be used as it is. The message lists every problem, in words for its data manager.

    Attributes
    ----------
    problems : pandas.DataFrame
        One row a problem: ``table, row, field, value, concern, suggestion``. ``row`` is the row of the file
        as a spreadsheet shows it (the header is row 1).
    """

    def __init__(self, source, problems):
        self.problems = pd.DataFrame(problems, columns=["table", "row", "field", "value", "concern", "suggestion"])
        lines = [_sentence(p) for p in self.problems.head(40).to_dict("records")]
        if (more := len(self.problems) - len(lines)) > 0:
            lines.append(f"... and {more} more.")
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        super().__init__(f"{source}: {count}; nothing was changed.\n  " + "\n  ".join(lines))

    def _render_traceback_(self):
        """What Jupyter shows in place of a traceback."""
        return [str(self)]


def problem(table, concern, suggestion, row=None, field="", value=""):
    return {"table": table, "row": row, "field": field, "value": value, "concern": concern, "suggestion": suggestion}


def _sentence(found):
    place = [found["table"]]
    if pd.notna(found["row"]):
        place.append(f"row {int(found['row'])}")
    if found["field"]:
        place.append(f"column {found['field']}")
    shown = f" = {found['value']!r}" if found["value"] != "" else ""
    return f"{', '.join(place)}{shown}: {found['concern']}. {found['suggestion']}"


def bundled_cohorts() -> list[str]:
    """Names of the cohorts that come with the library: the reconstructed one, other synthetic ones, real ones."""
    manifests = {path.parent.name: read_manifest(path) for path in sorted(BUNDLED.glob("*/cohort.yml"))}
    return sorted(manifests, key=lambda name: (name != "reconstructed", manifests[name]["synthetic"] != "true", name))


def locate(where: str | Path) -> Path:
    """The manifest or bare table that ``where`` speaks of."""
    path = Path(where).expanduser()
    if re.fullmatch(r"[\w-]+", str(where)) and (BUNDLED / str(where) / "cohort.yml").is_file():
        return BUNDLED / str(where) / "cohort.yml"
    if path.is_dir() and (path / "cohort.yml").is_file():
        path = path / "cohort.yml"
    if path.is_file() and path.suffix.lower() in (".yml", ".yaml", *TABLE_SUFFIXES):
        return path.resolve()
    near = difflib.get_close_matches(str(where), bundled_cohorts(), n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise CohortError(str(where), [problem(
        "cohort", "there is no such cohort",
        f"{hint}Give one of {listed(bundled_cohorts())}, or the path of a cohort.yml, of the folder it is in, "
        f"or of a table ({', '.join(TABLE_SUFFIXES)}).")])


def read_manifest(path: Path) -> dict:
    """The manifest with its defaults filled in; a bare table gets one of its own."""
    stem = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "cohort"
    if path.suffix.lower() not in (".yml", ".yaml"):
        given = {"name": stem, "title": path.stem, "tables": {"patients": path.name}}
    else:
        try:
            # BaseLoader keeps every word as written: `yes` stays yes, 1 stays "1".
            given = yaml.load(path.read_text("utf-8-sig"), Loader=yaml.BaseLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            where = getattr(error, "problem_mark", None)
            line = f" near line {where.line + 1}" if where else ""
            raise CohortError(path.name, [problem(
                path.name, f"this is not readable YAML{line}",
                "Look for a missing colon, a tab, or an unclosed quote, and save the file as UTF-8.")]) from None
    if problems := _manifest_problems(path, given):
        raise CohortError(path.name, problems)
    folder = re.sub(r"[^a-z0-9]+", "-", path.parent.name.lower()).strip("-") or "cohort"
    defaults = {"name": folder, "columns": {}, "values": {}, "date_format": "ISO8601", "time_unit": "days",
                "subset": "", "index_event": CAR_T, "synthetic": "false", "note": "", "made_by": ""}
    defaults["min_cell_count"] = "0" if given.get("synthetic") == "true" else MIN_CELL_COUNT
    manifest = defaults | given
    manifest = {"title": manifest["name"]} | manifest
    return manifest | {key: " ".join(str(manifest[key]).split()) for key in ("title", "note", "index_event")}


def _manifest_problems(path: Path, given) -> list[dict]:
    here = path.name
    if not isinstance(given, dict):
        return [problem(here, "it is empty or not a list of `key: value`", "Write at least `tables: {patients: FILE}`.")]
    problems = []
    for key in given.keys() - MANIFEST_KEYS.keys():
        near = difflib.get_close_matches(key, MANIFEST_KEYS, n=1)
        problems.append(problem(here, f"unknown key {key!r}", f"Did you mean {near[0]!r}?" if near else
                                 f"Known keys: {', '.join(MANIFEST_KEYS)}."))
    for key in {"tables", "columns", "values"} & given.keys():
        if not isinstance(given[key], dict):
            problems.append(problem(here, f"{key!r} must hold one entry a table", f"Meaning: {MANIFEST_KEYS[key]}."))
            given = given | {key: {}}
        for table in given[key].keys() - schema.TABLES.keys():
            problems.append(problem(here, f"unknown table {table!r} under {key!r}", f"Known: {', '.join(schema.TABLES)}."))
    if "patients" not in given.get("tables", {}):
        problems.append(problem(here, "no patients table is named", "Write `tables: {patients: FILE}`."))
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", given.get("name", "x")):
        problems.append(problem(here, "the name cannot be used for a folder", f"Use a {MANIFEST_KEYS['name']}.",
                                 field="name", value=given["name"]))
    elif RESERVED.fullmatch(given.get("name", "x")):
        problems.append(problem(here, "this name is taken by the system or by the book", "Choose another name.",
                                 field="name", value=given["name"]))
    if not re.fullmatch("[1-9][0-9]{0,3}", str(given.get("min_cell_count", MIN_CELL_COUNT))):
        problems.append(problem(here, "it must be a whole number of at least 1", "Leave it out for 5, or write `min_cell_count: 10`.",
                                 field="min_cell_count", value=given["min_cell_count"]))
    for key, allowed in {"time_unit": ("days", "months"), "synthetic": ("true", "false")}.items():
        if given.get(key, allowed[0]) not in allowed:
            problems.append(problem(here, f"it must be {' or '.join(allowed)}", f"Meaning: {MANIFEST_KEYS[key]}.",
                                     field=key, value=given[key]))
    return problems


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
