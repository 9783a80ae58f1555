"""Read a cohort: find its files, map their columns, turn dates into days, validate, derive.

:func:`read_cohort` accepts the name of a bundled cohort, a ``cohort.yml``, a folder that holds one, or a bare
table whose columns already carry the names of the data dictionary (:mod:`analysis_lib.schema`).
Input files are only ever read. Everything wrong with them is reported at once, as a :class:`CohortError`.
"""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import yaml
from pandera.errors import SchemaErrors

from analysis_lib import schema

DAYS_PER_MONTH = 30.4375
BUNDLED = Path(__file__).parent / "data"
CAR_T = "CAR T-cell infusion"
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


def _problem(table, concern, suggestion, row=None, field="", value=""):
    return {"table": table, "row": row, "field": field, "value": value, "concern": concern, "suggestion": suggestion}


def _sentence(problem):
    place = [problem["table"]]
    if pd.notna(problem["row"]):
        place.append(f"row {int(problem['row'])}")
    if problem["field"]:
        place.append(f"column {problem['field']}")
    shown = f" = {problem['value']!r}" if problem["value"] != "" else ""
    return f"{', '.join(place)}{shown}: {problem['concern']}. {problem['suggestion']}"


@dataclass(frozen=True, eq=False)  # compared by identity: tables have no single truth value
class Cohort:
    """Tidy tables of one cohort, in days since day 0, and what to call it.

    An absent table is an empty frame. ``patients`` holds the derived columns of the data dictionary as well.
    """

    name: str
    title: str
    index_event: str
    synthetic: bool
    note: str
    patients: pd.DataFrame
    sites: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    screening: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def after_car_t(self) -> bool:
        """Whether day 0 is the CAR T-cell infusion, as in the study."""
        return self.index_event == CAR_T

    def lacks(self, *fields: str) -> str:
        """Say which of the fields this cohort does not have; empty when it has them all.

        Parameters
        ----------
        *fields : str
            ``"stage"`` for a column of ``patients``, ``"sites.dose_gy"`` for another table. A column without a
            single value counts as absent, unless it is a moment: the event may have happened to nobody.
        """
        absent = []
        for name in dict.fromkeys(fields):
            table, column = name.split(".") if "." in name else ("patients", name)
            frame = getattr(self, table)
            if column not in frame or (frame[column].isna().all() and not column.endswith("_day")):
                source = schema.DERIVED[column].source if column in schema.DERIVED else column
                source = "lines.modality" if column == "salvage_sequence" else source
                absent.append(source if table == "patients" else f"{table}.{source}")
        return f"this cohort has no column {_and(absent)}" if absent else ""


def read_cohort(where: str | Path) -> Cohort:
    """Read, map, validate and complete a cohort.

    Parameters
    ----------
    where : str or Path
        Name of a bundled cohort, path of a ``cohort.yml``, of a folder that holds one, or of a bare table.

    Returns
    -------
    Cohort

    Raises
    ------
    CohortError
        With every problem found in the manifest and the tables.
    """
    path = locate(where)
    manifest = _read_manifest(path)
    problems: list[dict] = []
    tables = {name: _read_mapped(path.parent, name, file, manifest, problems)
              for name, file in manifest["tables"].items()}
    if problems:
        raise CohortError(path.name, problems)
    patients = tables["patients"]
    if "patient_id" not in patients and set(tables) == {"patients"}:
        patients.insert(0, "patient_id", [str(number + 1) for number in range(len(patients))])
    for name, table in tables.items():
        tables[name] = _in_days(name, table, patients, manifest, problems)
        problems += _violations(name, tables[name])
    if not problems:
        problems += _disorders(tables)
    if problems:
        raise CohortError(path.name, problems)
    cohort = Cohort(
        name=manifest["name"], title=manifest["title"], index_event=manifest["index_event"],
        synthetic=manifest["synthetic"] == "true", note=manifest["note"],
        **{name: _typed(name, table) for name, table in tables.items()})
    return _subset(_with_derived(cohort), manifest["subset"], path.name)


def bundled_cohorts() -> list[str]:
    """Names of the cohorts that come with the library: the reconstructed one, other synthetic ones, real ones."""
    manifests = {path.parent.name: _read_manifest(path) for path in sorted(BUNDLED.glob("*/cohort.yml"))}
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
    raise CohortError(str(where), [_problem(
        "cohort", "there is no such cohort",
        f"{hint}Give one of {_and(bundled_cohorts())}, or the path of a cohort.yml, of the folder it is in, "
        f"or of a table ({', '.join(TABLE_SUFFIXES)}).")])


# --- the manifest ---------------------------------------------------------------------------------------------

def _read_manifest(path: Path) -> dict:
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
            raise CohortError(path.name, [_problem(
                path.name, f"this is not readable YAML{line}",
                "Look for a missing colon, a tab, or an unclosed quote, and save the file as UTF-8.")]) from None
    if problems := _manifest_problems(path, given):
        raise CohortError(path.name, problems)
    folder = re.sub(r"[^a-z0-9]+", "-", path.parent.name.lower()).strip("-") or "cohort"
    defaults = {"name": folder, "columns": {}, "values": {}, "date_format": "ISO8601", "time_unit": "days",
                "subset": "", "index_event": CAR_T, "synthetic": "false", "note": "", "made_by": ""}
    manifest = defaults | given
    return {"title": manifest["name"]} | manifest


def _manifest_problems(path: Path, given) -> list[dict]:
    here = path.name
    if not isinstance(given, dict):
        return [_problem(here, "it is empty or not a list of `key: value`", "Write at least `tables: {patients: FILE}`.")]
    problems = []
    for key in given.keys() - MANIFEST_KEYS.keys():
        near = difflib.get_close_matches(key, MANIFEST_KEYS, n=1)
        problems.append(_problem(here, f"unknown key {key!r}", f"Did you mean {near[0]!r}?" if near else
                                 f"Known keys: {', '.join(MANIFEST_KEYS)}."))
    for key in {"tables", "columns", "values"} & given.keys():
        if not isinstance(given[key], dict):
            problems.append(_problem(here, f"{key!r} must hold one entry a table", f"Meaning: {MANIFEST_KEYS[key]}."))
            given = given | {key: {}}
        for table in given[key].keys() - schema.TABLES.keys():
            problems.append(_problem(here, f"unknown table {table!r} under {key!r}", f"Known: {', '.join(schema.TABLES)}."))
    if "patients" not in given.get("tables", {}):
        problems.append(_problem(here, "no patients table is named", "Write `tables: {patients: FILE}`."))
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", given.get("name", "x")):
        problems.append(_problem(here, "the name cannot be used for a folder", f"Use a {MANIFEST_KEYS['name']}.",
                                 field="name", value=given["name"]))
    for key, allowed in {"time_unit": ("days", "months"), "synthetic": ("true", "false")}.items():
        if given.get(key, allowed[0]) not in allowed:
            problems.append(_problem(here, f"it must be {' or '.join(allowed)}", f"Meaning: {MANIFEST_KEYS[key]}.",
                                     field=key, value=given[key]))
    return problems


# --- reading --------------------------------------------------------------------------------------------------

def _read_mapped(folder: Path, name: str, file: str, manifest: dict, problems: list[dict]) -> pd.DataFrame:
    """One table as text, its columns and values renamed to those of the data dictionary."""
    try:
        raw = _read_text(folder, file)
    except _Unreadable as error:
        problems.append(_problem(name, str(error), f"Correct `tables: {{{name}: ...}}` or the file.", value=file))
        return pd.DataFrame()
    known = _file_columns(name)
    mapping = manifest["columns"].get(name, {})
    for column, target in mapping.items():
        if column not in raw:
            problems.append(_problem(name, "the file has no such column", f"It has: {', '.join(raw.columns)}.", field=column))
        if target not in known:
            near = difflib.get_close_matches(target, known, n=1)
            problems.append(_problem(name, f"{target!r} is not in the data dictionary",
                                     f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}.", field=column))
    table = raw.rename(columns=mapping)
    twice = sorted(set(table.columns[table.columns.duplicated()]) & set(known))
    for column in twice:
        problems.append(_problem(name, "two columns of the file carry this name", "Map only one of them.", field=column))
    table = table.loc[:, ~table.columns.duplicated()][[c for c in dict.fromkeys(table.columns) if c in known]]
    for column, levels in manifest["values"].get(name, {}).items():
        if column in table:
            table[column] = table[column].replace(levels)
        else:
            problems.append(_problem(name, "values are translated for a column that the table does not have",
                                     "Name the column as in the data dictionary, after mapping.", field=column))
    for column in schema.TABLES[name].columns:
        required = schema.TABLES[name].columns[column].required and not (column == "patient_id" and name == "patients")
        if required and not {column, _as_date(column)} & set(table.columns) and column not in twice:
            problems.append(_problem(name, "this required column is missing",
                                     f"The file has: {', '.join(raw.columns)}. Map one under `columns:`.", field=column))
    return table


class _Unreadable(Exception):
    """A table could not be read; the message says why."""


def _read_text(folder: Path, file: str) -> pd.DataFrame:
    """Any supported file as a frame of stripped text, empty cells missing; ``#Sheet`` chooses an Excel sheet."""
    file, _, sheet = file.partition("#")
    path = folder / file
    if not path.is_file():
        raise _Unreadable("there is no such file")
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            frame = pd.read_parquet(path)
        elif suffix in (".xlsx", ".xls"):
            frame = pd.read_excel(path, sheet_name=sheet or 0, dtype="string")
        elif suffix in (".csv", ".tsv", ".txt"):
            frame = pd.read_csv(path, sep=_separator(path), dtype="string", encoding="utf-8-sig", skipinitialspace=True)
        else:
            raise _Unreadable(f"files of type {suffix or 'none'} are not read; use {', '.join(TABLE_SUFFIXES)}")
    except UnicodeDecodeError:
        raise _Unreadable("the text is not UTF-8; save it as UTF-8") from None
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise _Unreadable(f"it cannot be read ({str(error).splitlines()[0]})") from None
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame.astype("string").apply(lambda column: column.str.strip()).replace("", pd.NA)


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = lines.readline()
    return max("\t;,", key=header.count) if path.suffix.lower() != ".tsv" else "\t"


def _file_columns(table: str) -> list[str]:
    """The names a file may use: those of the dictionary, and ``X_date`` for each ``X_day``."""
    columns = list(schema.TABLES[table].columns)
    dates = [_as_date(column) for column in columns if column.endswith("_day")]
    return columns + dates + (["infusion_date"] if table == "patients" else [])


def _as_date(column: str) -> str:
    return re.sub("_day$", "_date", column)


# --- days, numbers, levels ------------------------------------------------------------------------------------

def _in_days(name: str, table: pd.DataFrame, patients: pd.DataFrame, manifest: dict, problems: list[dict]) -> pd.DataFrame:
    """Dates become days since day 0, durations in months become days, numbers become numbers."""
    start = pd.Series(pd.NaT, index=table.index)
    if "infusion_date" in patients:
        day_0 = pd.to_datetime(patients["infusion_date"], format=manifest["date_format"], errors="coerce")
        by_patient = dict(zip(patients.get("patient_id", []), day_0))
        start = pd.to_datetime(table["patient_id"].map(by_patient)) if name != "patients" else day_0
    columns = {}
    for column in dict.fromkeys(c if c in schema.TABLES[name].columns else re.sub("_date$", "_day", c) for c in table):
        if column == "infusion_day":
            _check_dates(name, "infusion_date", table["infusion_date"], manifest, problems)
        elif column not in table:
            dates = _check_dates(name, _as_date(column), table[_as_date(column)], manifest, problems)
            orphan = table[_as_date(column)].notna() & start.isna()
            problems += [_problem(name, "the patient has no infusion_date to count days from",
                                  "Fill in infusion_date (the date of day 0).", row=_row(i), field=_as_date(column))
                         for i in table.index[orphan]]
            columns[column] = (dates - start).dt.days.astype("Int64")
        else:
            columns[column] = _parse(name, column, table[column], manifest["time_unit"], problems)
    return pd.DataFrame(columns, index=table.index)


def _check_dates(name, column, values, manifest, problems) -> pd.Series:
    dates = pd.to_datetime(values, format=manifest["date_format"], errors="coerce")
    example = pd.Timestamp("2021-03-28").strftime(
        "%Y-%m-%d" if manifest["date_format"] == "ISO8601" else manifest["date_format"])
    problems += [_problem(name, "this is not a date in the expected format",
                          f"Write it as {example}, or set date_format in cohort.yml.",
                          row=_row(i), field=column, value=values[i]) for i in values.index[values.notna() & dates.isna()]]
    return dates


def _parse(name, column, values, time_unit, problems) -> pd.Series:
    kind = schema.TABLES[name].columns[column].metadata["kind"]
    if kind in ("text", "level"):
        return values
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    if kind == "day" and time_unit == "months":
        numbers = (numbers * DAYS_PER_MONTH).round()
    whole = kind in ("day", "count")
    wrong = values.notna() & (numbers.isna() | (whole & (numbers.round() != numbers).fillna(False)))
    unit = {"day": f"a whole number of {time_unit}", "count": "a whole number", "number": "a number"}[kind]
    problems += [_problem(name, f"this is not {unit}", "Correct the value, or leave the cell empty.",
                          row=_row(i), field=column, value=values[i]) for i in values.index[wrong]]
    numbers = numbers.mask(wrong)
    return numbers.astype("Int64") if whole else numbers


def _row(index) -> int:
    return int(index) + 2  # the header is row 1 of the file


def _violations(name: str, table: pd.DataFrame) -> list[dict]:
    """What the data dictionary does not allow, found by pandera, said in our words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandera concatenates empty frames; its next release does not
            schema.TABLES[name].validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.drop_duplicates(["column", "check", "index"])
        return [_in_words(name, case) for case in cases.to_dict("records") if case["index"] is not None]
    return []


def _in_words(name: str, case: dict) -> dict:
    column, check = case["column"], str(case["check"])
    meta = schema.TABLES[name].columns[column].metadata
    value = "" if pd.isna(case["failure_case"]) else case["failure_case"]
    if check.startswith("isin"):
        levels = ", ".join(meta["levels"])
        concern, advice = f"it must be one of {levels}", "Translate it under `values:` in cohort.yml, or correct it."
    elif check.startswith("in_range"):
        low, high = re.findall(r"-?[\d.]+", check)[:2]
        unit = f" {meta['unit']}" if meta["unit"] else ""
        concern, advice = f"it must lie between {low} and {high}{unit}", "Correct the value, or leave the cell empty."
    elif check == "not_nullable":
        concern, advice = "a value is required here", "Fill it in, or leave the row out of the file."
    else:
        concern, advice = "the same identifier stands in more than one row", "Keep one row a patient."
    return _problem(name, concern, advice, row=_row(case["index"]), field=column, value=value)


def _disorders(tables: dict[str, pd.DataFrame]) -> list[dict]:
    """Moments in an impossible order, and rows of a patient who is not in the patients table."""
    patients = tables["patients"]
    problems = []
    for earlier, later in schema.ORDER:
        if {earlier, later} <= set(patients):
            wrong = (patients[earlier] > patients[later]).fillna(False)
            problems += [_problem("patients", f"it comes before {earlier} ({patients[earlier][i]})",
                                  "Check both moments.", row=_row(i), field=later, value=patients[later][i])
                         for i in patients.index[wrong]]
    last_day = dict(zip(patients["patient_id"], patients["last_follow_up_day"]))
    for name in tables.keys() - {"patients", "screening"}:
        table = tables[name]
        unknown = ~table["patient_id"].isin(patients["patient_id"])
        problems += [_problem(name, "this patient is not in the patients table", "Add the patient, or remove the row.",
                              row=_row(i), field="patient_id", value=table["patient_id"][i]) for i in table.index[unknown]]
        end = table["patient_id"].map(last_day).astype("Int64")
        for column in [c for c in table if c.endswith("_day")]:
            late = (table[column] > end).fillna(False)
            problems += [_problem(name, f"it comes after the patient's last follow-up (day {end[i]})",
                                  "Check both moments.", row=_row(i), field=column, value=table[column][i])
                         for i in table.index[late]]
    if "in_field_progression_day" in (sites := tables.get("sites", pd.DataFrame())):
        wrong = (sites["in_field_progression_day"] < sites["rt_start_day"]).fillna(False)
        problems += [_problem("sites", f"it comes before rt_start_day ({sites['rt_start_day'][i]})", "Check both moments.",
                              row=_row(i), field="in_field_progression_day", value=sites["in_field_progression_day"][i])
                     for i in sites.index[wrong]]
    return problems


# --- completing -----------------------------------------------------------------------------------------------

def _typed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Levels become ordered categories, so that tables and figures list them as the dictionary does."""
    columns = schema.TABLES[name].columns
    levels = {c: pd.CategoricalDtype(list(columns[c].metadata["levels"]), ordered=True)
              for c in table if columns[c].metadata["kind"] == "level"}
    ordered = [c for c in columns if c in table]
    return table.astype(levels)[ordered].reset_index(drop=True)


def _with_derived(cohort: Cohort) -> Cohort:
    patients, lines = cohort.patients.copy(), cohort.lines
    for name, rule in schema.DERIVED.items():
        if rule.source in patients:
            source = patients[rule.source]
            holds = source >= rule.at_least if rule.at_least is not None else source.isin(rule.levels)
            answer = holds.map({True: "yes", False: "no"}).where(source.notna())
            patients[name] = pd.Categorical(answer, schema.YES_NO, ordered=True)
    if not lines.empty:
        second = lines[lines["line"] == 2].set_index("patient_id")["line_start_day"]
        if "next_line_day" not in patients:
            patients["next_line_day"] = patients["patient_id"].map(second).astype("Int64")
        if "salvage_regimen" in patients:
            patients["salvage_sequence"] = _salvage_sequence(patients, lines)
    return replace(cohort, patients=patients)


def _salvage_sequence(patients: pd.DataFrame, lines: pd.DataFrame) -> pd.Categorical:
    """First regimen, and whether the other modality followed: the five groups of the study's OS2 comparison.

    Groups are named by what happened *later*, so they are not baseline groups (immortal time).
    """
    later = lines[lines["line"] > 1]
    had = {kind: patients["patient_id"].isin(later.loc[later["modality"].isin(kinds), "patient_id"])
           for kind, kinds in {"RT": ["RT", "CMT"], "ST": ["ST", "CMT", "HSCT", "CAR T"]}.items()}
    first = patients["salvage_regimen"].astype("string")
    sequence = first.mask((first == "ST") & had["RT"], "ST then RT").mask((first == "RT") & had["ST"], "RT then ST")
    return pd.Categorical(sequence, ["RT", "CMT", "ST", "ST then RT", "RT then ST"], ordered=True)


def _subset(cohort: Cohort, expression: str, source: str) -> Cohort:
    """Keep the patients for whom the expression holds. Sub-cohorts have no screening table of their own."""
    if not expression:
        return cohort
    names = _names_in(expression, source)
    unknown = sorted(names - set(cohort.patients))
    if unknown:
        raise CohortError(source, [_problem(
            source, f"the subset speaks of {_and(unknown)}, which the patients table does not have",
            f"It has: {', '.join(cohort.patients)}.", field="subset", value=expression)])
    plain = cohort.patients.astype({c: "string" for c in cohort.patients.select_dtypes("category")})
    try:
        kept = plain.query(expression, engine="python").index
    except Exception as error:  # whatever pandas says of an expression, the reader needs one sentence
        raise CohortError(source, [_problem(source, f"the subset cannot be evaluated ({error})",
                                            "Compare columns with values, such as: stage in ('I', 'II').",
                                            field="subset", value=expression)]) from None
    if kept.empty:
        raise CohortError(source, [_problem(source, "the subset keeps no patient",
                                            "Check the spelling of its values.", field="subset", value=expression)])
    patients = cohort.patients.loc[kept].reset_index(drop=True)
    mine = {name: table[table["patient_id"].isin(patients["patient_id"])].reset_index(drop=True)
            for name in ("sites", "lines") if not (table := getattr(cohort, name)).empty}
    return replace(cohort, patients=patients, screening=pd.DataFrame(), **mine)


def _names_in(expression: str, source: str) -> set[str]:
    """Names used in a subset expression, which may compare and combine columns but not call anything."""
    try:
        nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    except SyntaxError:
        nodes = [ast.Call()]
    if any(isinstance(node, (ast.Call, ast.Attribute, ast.Lambda)) for node in nodes):
        raise CohortError(source, [_problem(source, "this is not a comparison of columns with values",
                                            "Write it such as: stage in ('I', 'II') and ecog < 2.",
                                            field="subset", value=expression)])
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
