"""The manifest of a cohort: which files it is made of, and how their columns translate.

What a manifest may say is declared once, as a model; what is wrong with one is said in our words, never in
the library's.

Long because all that a manifest may say stands in one model, with what is said of one that is wrong.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandera.pandas as pa
import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary.columns import PATIENTS, REPEATING, TABLES
from analysis_lib.dictionary.factors import Factor, with_own
from analysis_lib.dictionary.units import CAR_T, DAYS_PER_UNIT, ISO
from analysis_lib.dictionary.words import CONTROL, listed
from analysis_lib.intake import own_events, own_factors
from analysis_lib.intake.bundled import bundled_cohorts, find
from analysis_lib.intake.entries import Known, Line, nearest, smallest_count, true_or_false, wrong
from analysis_lib.intake.finding import SUFFIXES
from analysis_lib.intake.values import is_date_format

# devices of Windows, folders of ours
RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]|html|source|generated|results|index")
MIN_CELL_COUNT = 5  # of real patients, unless the manifest says otherwise


# --- what it may say ------------------------------------------------------------------------------


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", text):
        raise wrong("the name cannot be used for a folder", f"Use a {MANIFEST_KEYS['name']}.")
    if RESERVED.fullmatch(text):
        raise wrong("this name is taken by the system or by the book", "Choose another name.")
    return text


def _date_format(text: str) -> str:
    if text != ISO and not is_date_format(text):
        raise wrong(
            "this is not a format of a date",
            'Write %d for the day, %m for the month and %Y for the year, such as "%d.%m.%Y".',
        )
    return text


def _unit(text: str) -> str:
    if text not in DAYS_PER_UNIT:
        raise wrong(f"it must be {listed(list(DAYS_PER_UNIT), 'or')}")
    return text


def _export(given: Any) -> Any:
    return {"export": given} if isinstance(given, str) else given


if TYPE_CHECKING:  # the model checks the names; a checker of types cannot read the dictionary
    Table = str
    Repeating = str
else:
    Table, Repeating = Literal[tuple(TABLES)], Literal[tuple(REPEATING)]


class Redcap(Known):
    """A REDCap export in place of tables."""

    export: Annotated[
        str, Field(min_length=1, description="the CSV file that REDCap writes (all records, raw or labels)")
    ]
    dictionary: str | None = Field(
        None,
        description="the project's data dictionary as CSV, which says what the codes mean; not needed for a "
        "project that was set up with the dictionary of `salvage-book new`",
    )
    instruments: dict[Repeating, str] | None = Field(
        None,
        description="for each table with several rows a patient, {table: repeating instrument}",
    )
    missing: list[str] = Field([], description="the project's own missing-data codes, such as [-99, UNK]")


class Manifest(Known):
    """All that ``cohort.yml`` says, with what it leaves out filled in; the meaning of each key is its
    description.
    """

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="short name, used for folders: lower-case letters, digits and hyphens"
    )
    title: Line = Field("", description="title shown on every page")
    tables: dict[Table, str] = Field({}, description="file of each table: " + ", ".join(TABLES))
    redcap: Annotated[Redcap | None, BeforeValidator(_export)] = Field(
        None,
        description="a REDCap export in place of tables: its file, or {export: FILE, dictionary: FILE, ...}",
    )
    columns: dict[Table, dict[Line, str]] = Field(
        {}, description="for each table, {column in the file: name in the data dictionary}"
    )
    values: dict[Table, dict[str, dict[str, str]]] = Field(
        {}, description="for each table and column, {value in the file: level in the data dictionary}"
    )
    factors: dict[str, own_factors.OwnFactor] = Field(
        {},
        description="columns of your own that patients are compared by, "
        "{name of the column: {label: ..., levels: [...], ...}}",
    )
    groups: Line = Field(
        "",
        description="the column whose levels are compared with each other, such as a treatment arm: one of "
        "`factors:` or of the data dictionary (default: salvage_regimen)",
    )
    competing: dict[str, Line] = Field(
        {},
        description="events of which the first counts, beside death, {failure_day: relapse, "
        "second_cancer_day: second cancer}; a moment that the dictionary lacks is one of your own",
    )
    date_format: Annotated[str, AfterValidator(_date_format)] = Field(
        ISO, description="format of calendar dates, such as %d.%m.%Y (default: ISO, 2021-03-28)"
    )
    time_unit: Annotated[str, AfterValidator(_unit)] = Field(
        "days", description="unit of the file's own durations: days (default), weeks, months or years"
    )
    subset: str = Field("", description="which patients to keep, such as: stage in ('I', 'II')")
    index_event: Annotated[Line, AfterValidator(lambda text: text or CAR_T)] = Field(
        CAR_T, description=f"what happened on day 0 (default: {CAR_T})"
    )
    synthetic: Annotated[bool, BeforeValidator(true_or_false)] = Field(
        False, description="true when the patients are not real people"
    )
    min_cell_count: Annotated[int | None, BeforeValidator(smallest_count)] = Field(
        None,
        description="counts below this are not shown (default: 5; synthetic patients: 0): a number, or the "
        "name of a rule, aihw (5), nhs (8) or cms (11). 1 shows every count, which is for data that are "
        "public anyway",
    )
    note: Line = Field("", description="a sentence about the cohort, with its source, shown on every page")
    made_by: str = Field("", description="for synthetic cohorts: the command that made the tables")

    @cached_property
    def own(self) -> tuple[Factor, ...]:
        """The cohort's own factors."""
        return tuple(own_factors.as_factor(name, entry) for name, entry in self.factors.items())

    @cached_property
    def schemas(self) -> dict[str, pa.DataFrameSchema]:
        """What the tables of this cohort may hold: the dictionary, and its own factors."""
        return with_own(self.own, own_events.as_columns(self.competing))


MANIFEST_KEYS = {key: field.description for key, field in Manifest.model_fields.items()}
REDCAP_KEYS = {key: field.description for key, field in Redcap.model_fields.items()}
# Keys whose entries are looked at by themselves.
OWN = {"factors": own_factors.wrong_with, "competing": own_events.wrong_with}
NESTED = ("tables", "columns", "values")  # one entry a table


# --- reading it -----------------------------------------------------------------------------------


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
                f"folder it is in, or of a table ({', '.join(SUFFIXES)}).",
            )
        ],
    )


def read_manifest(path: Path) -> Manifest:
    """The manifest with its defaults filled in; a bare table gets one of its own.

    Raises
    ------
    CohortError
        With everything that is wrong with it.
    """
    if path.suffix.lower() in (".yml", ".yaml"):
        given = _read_yaml(path)
    else:
        given = {"name": as_name(path.stem), "title": path.stem, "tables": {"patients": path.name}}
    if not isinstance(given, dict):
        raise _refused(
            path, "it is empty or not a list of `key: value`", "Write at least `tables: {patients: FILE}`."
        )
    try:
        manifest, errors = Manifest.model_validate({"name": as_name(path.parent.name)} | given), []
    except ValidationError as error:
        errors = error.errors()
    if problems := _problems(path.name, given, errors):
        raise CohortError(path.name, problems)
    least = 0 if manifest.synthetic else MIN_CELL_COUNT
    defaults = {"title": manifest.name, "min_cell_count": least}
    return manifest.model_copy(
        update={key: getattr(manifest, key) or default for key, default in defaults.items()}
    )


def as_name(text: str) -> str:
    """A text as the name of a cohort: lower-case letters, digits and hyphens; none that is taken."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:41].strip("-") or "cohort"
    return f"{name}-cohort" if RESERVED.fullmatch(name) else name


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
        raise _refused(
            path,
            "the file may not be read: permission denied",
            "Close it in other programs, or ask for permission to read it.",
        ) from None
    # ValueError: not UTF-8, no such character
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        twice = getattr(error, "problem", None) or ""
        why = f": {twice}" if twice.endswith("stands twice") else ""
        raise _refused(
            path,
            f"this is not readable YAML{line}{why}",
            "Keep one of the two."
            if why
            else "Look for a missing colon, a tab, or an unclosed quote, and save the file as UTF-8.",
        ) from None


def _refused(path: Path, concern: str, advice: str) -> CohortError:
    return CohortError(path.name, [problem(path.name, concern, advice)])


# --- what is wrong with it ------------------------------------------------------------------------


def _problems(here: str, given: dict, errors: Sequence[Mapping]) -> list[dict]:
    """What is wrong with a manifest: keys, then tables and columns, then everything else."""
    unknown = [error for error in errors if error["type"] == "extra_forbidden" and len(error["loc"]) == 1]
    nested = [error for key in NESTED for error in errors if error["loc"][0] == key]
    nested.sort(key=lambda error: (NESTED.index(error["loc"][0]), error["type"] == "literal_error"))
    others = [
        error
        for error in errors
        if error not in unknown and error not in nested and error["loc"][0] not in OWN
    ]
    said = [(_of_redcap if error["loc"][0] == "redcap" else _of_key)(here, error) for error in others]
    tables = given.get("tables")
    missing = "redcap" not in given and not (isinstance(tables, dict) and "patients" in tables)
    return [
        *(_of_unknown_key(here, error["loc"][0], error["input"]) for error in unknown),
        *(_of_entries(here, error) for error in nested),
        *([problem(here, "no patients table is named", "Write `tables: {patients: FILE}`.")] * missing),
        *said,
        *(each for key, wrong_with in OWN.items() if key in given for each in wrong_with(here, given[key])),
        *own_factors.wrong_groups(here, given),
    ]


def _of_unknown_key(here: str, key: str, value: Any) -> dict:
    if f"{key}_day" in PATIENTS.columns and isinstance(value, dict) and {"time", "event"} <= set(value):
        return problem(
            here,
            f"a time and its event are named under `columns:`, not under {key!r}",
            f"Write `columns: {{patients: {{{value['time']}: {key}_day, {value['event']}: {key}_event}}}}`.",
        )
    return problem(here, f"unknown key {key!r}", nearest(key, MANIFEST_KEYS))


def _of_entries(here: str, error: Mapping) -> dict:
    """About tables, columns or values: how deep entries are nested, and under which table."""
    key, *inside = error["loc"]
    if error["type"] == "literal_error":
        return problem(
            here, f"unknown table {error['input']!r} under {key!r}", f"Known: {', '.join(TABLES)}."
        )
    wanted = "text" if error["type"] == "string_type" else "entries such as `this: that`"
    return problem(
        here,
        f"{': '.join([key, *inside])!r} must hold {wanted if inside else 'one entry a table'}",
        f"Meaning: {MANIFEST_KEYS[key]}.",
    )


def _of_key(here: str, error: Mapping) -> dict:
    """About a key that holds one text."""
    (key,), meaning = error["loc"], f"Meaning: {MANIFEST_KEYS[error['loc'][0]]}."
    if error["type"] != "said":
        return problem(here, "it must be text, not a list", meaning, field=key)
    return problem(here, error["msg"], error["ctx"]["advice"] or meaning, field=key, value=error["input"])


def _of_redcap(here: str, error: Mapping) -> dict:
    key = error["loc"][1] if len(error["loc"]) > 1 else "export"
    if error["type"] in ("missing", "model_type") or (key == "export" and not error["input"]):
        return problem(
            here,
            "no export is named",
            "Write `redcap: FILE` or `redcap: {export: FILE}`.",
            field="redcap",
        )
    if error["type"] == "extra_forbidden":
        return problem(here, f"unknown key {key!r} under 'redcap'", nearest(key, REDCAP_KEYS))
    if error["type"] == "literal_error":
        return problem(
            here,
            f"{error['input']!r} is no table that repeats",
            f"There are: {', '.join(REPEATING)}. "
            "Everything outside the repeating instruments goes to patients.",
            field="instruments",
        )
    return problem(
        here, f"{key!r} under 'redcap' is not written as expected", f"Meaning: {REDCAP_KEYS[key]}."
    )
