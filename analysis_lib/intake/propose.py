"""Propose which columns of a hospital's files are which of the data dictionary, as a cohort.yml to read and
correct.

A proposal rests on a column's name (the dictionary's own, or a word of
:data:`analysis_lib.intake.foreign_words.COLUMN_WORDS`) and on the kind of its content: dates, numbers, few
different values. It never shows a value, except the few different ones of a column that it proposes as one
with levels.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path

import openpyxl
import pandas as pd

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary import units
from analysis_lib.dictionary.columns import INDEX_DATE, REPEATING, TABLES, collected
from analysis_lib.dictionary.words import label_of, listed
from analysis_lib.intake import reading, redcap, values
from analysis_lib.intake.foreign_words import (
    COLUMN_WORDS,
    LEVEL_WORDS,
    MOMENT_WORDS,
    MONTH_WORDS,
    TABLE_WORDS,
)
from analysis_lib.intake.manifest import as_name
from analysis_lib.intake.tables import as_date, file_columns

SURE, POSSIBLE, OWN = 0.84, 0.6, 2.0  # how alike a name must be; the dictionary's own name
FEW = 12  # more different values than this are not taken for levels


@dataclass
class Source:
    """A table of the files as it was found: how it is named in ``tables:``, what it is called, its columns as
    text.

    ``record`` is REDCap's column of the patient, ``labels`` what a REDCap dictionary calls the columns, and
    ``matches`` what each may be, the likeliest first.
    """

    file: str
    name: str
    frame: pd.DataFrame
    record: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    matches: dict[str, list[tuple[str, float]]] = field(default_factory=dict)


def propose(files: list[Path], out: Path | None = None) -> str:
    """Propose a cohort.yml for some files, and write it to ``out`` if that is named and does not exist.

    Raises
    ------
    CohortError
        If a file cannot be read, or something stands at ``out``.
    """
    if out is not None and out.exists():
        raise CohortError(
            str(out),
            [problem("--out", "this file exists, and nothing is ever overwritten", "Name another one.")],
        )
    sources, declared, problems = [], {}, []
    for path in files:
        sources += _sources(path, out, declared, problems)
    if (fields := declared.pop("fields", None)) is not None:
        for source in sources:
            source.frame, source.labels = redcap.decoded(source.frame, fields), _labels(fields)
    if not sources and not problems:
        problems.append(
            problem("files", "there is no table with data in them", "Name the file that holds the patients.")
        )
    if problems:
        raise CohortError(listed([path.name for path in files]), problems)
    proposal = _written(_as_tables(sources), declared, (out or files[0]).resolve().parent.name)
    if out is not None:
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(proposal)
        except OSError as error:
            raise CohortError(
                str(out),
                [problem("--out", f"it cannot be written ({error.strerror})", "Name another place.")],
            ) from None
    return proposal


# --- what there is --------------------------------------------------------------------------------


def _sources(path: Path, out: Path | None, declared: dict, problems: list[dict]) -> list[Source]:
    """The tables of a file: the sheets of a workbook, the instruments of a REDCap export, or the file
    itself.
    """
    shown = os.path.relpath(path, out.parent) if out else path.name
    try:
        found = [
            Source(f"{shown}#{sheet}" if sheet else shown, sheet or path.stem, _frame(path, sheet))
            for sheet in _sheets(path)
        ]
    except reading.Unreadable as error:
        problems.append(
            problem(
                path.name,
                error.concern,
                error.suggestion or "Name a table of yours: CSV, TSV, Excel or Parquet.",
            )
        )
        return []
    if redcap.VARIABLE in found[0].frame:
        declared |= {"dictionary": shown, "fields": found[0].frame.fillna("")}
        return []
    if len(found) == 1 and any(column.startswith("redcap_") for column in found[0].frame):
        declared["export"] = shown
        if "patients_complete" in found[0].frame:  # a project that was set up with our dictionary
            declared.setdefault("fields", redcap.dictionary())
        return _instruments(found[0])
    return [source for source in found if len(source.frame) and source.frame.shape[1] > 1]


def _sheets(path: Path) -> list[str]:
    """The sheets of a workbook, or one without a name for any other file."""
    if path.suffix.lower() != ".xlsx" or not path.is_file():
        return [""]
    try:
        return openpyxl.load_workbook(path, read_only=True).sheetnames
    except Exception:  # reading.read_table says what is wrong with it
        return [""]


def _frame(path: Path, sheet: str) -> pd.DataFrame:
    try:
        frame = reading.read_table(path.parent, f"{path.name}#{sheet}" if sheet else path.name)
    except reading.Unreadable:
        if sheet:  # an empty sheet of a workbook is no table
            return pd.DataFrame()
        raise
    frame = frame.loc[:, ~frame.columns.duplicated()]
    return frame.mask(frame.apply(values.empty))


def _labels(fields: pd.DataFrame) -> dict[str, str]:
    """What a REDCap dictionary calls the columns of an export; a box to tick by its question and its own
    words.
    """
    labels = {}
    for entry in fields.to_dict("records"):
        ticks = redcap.choices(entry) if entry[redcap.TYPE] == "checkbox" else {}
        labels |= {
            f"{entry[redcap.VARIABLE]}___{code.lower()}": f"{entry[redcap.LABEL]} {words}"
            for code, words in ticks.items()
        }
        labels[entry[redcap.VARIABLE]] = entry[redcap.LABEL]
    return labels


def _instruments(source: Source) -> list[Source]:
    """A REDCap export as one source for the patients and one for each repeating instrument."""
    repeats = source.frame.get("redcap_repeat_instrument", pd.Series(pd.NA, index=source.frame.index)).fillna(
        ""
    )
    parts = []
    for instrument in sorted(repeats.unique()):
        frame = source.frame[repeats == instrument].dropna(axis=1, how="all")
        kept = [
            column
            for column in frame
            if not column.startswith("redcap_") and not column.endswith("_complete")
        ]
        parts.append(
            Source(instrument, instrument or "patients", frame[kept], record=source.frame.columns[0])
        )
    return parts


def _as_tables(sources: list[Source]) -> dict[str, Source]:
    """Which source is which table: the best fit first; one alone holds the patients."""
    fits = []
    for place, source in enumerate(sources):
        for table in TABLES:
            matches = _matches(source, table)
            named = max(
                _likeness(_words(source.name), _words(word)) for word in TABLE_WORDS[table].split(",")
            )
            own = [
                best
                for column, options in matches.items()
                if options and column != "patient_id" and (best := options[0][1]) >= SURE
            ]
            fits.append(
                (
                    len(own) / max(source.frame.shape[1], 1) + (1 if named > 0.9 else 0),
                    -place,
                    table,
                    source,
                    matches,
                )
            )
    chosen: dict[str, Source] = {}
    taken: list[Source] = []
    for fit, _, table, source, matches in sorted(fits, key=lambda fit: fit[:2], reverse=True):
        if (
            fit
            and table not in chosen
            and not any(source is other for other in taken)
            and (len(sources) > 1 or table == "patients")
        ):
            taken.append(source)
            chosen[table] = replace(source, matches=matches)
    # nothing is recognised: the first table is offered as the patients, all of it to be decided
    if not chosen:
        chosen["patients"] = sources[0]
        sources[0].matches = _matches(sources[0], "patients")
    return {table: chosen[table] for table in TABLES if table in chosen}


# --- how well they fit ----------------------------------------------------------------------------


def _plain(name: str) -> str:
    """Lower case without accents, words separated by a blank: ``CAR-T_Datum`` is ``car t datum``."""
    name = re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", str(name)).lower().replace("ß", "ss")
    flat = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z]+|\d+", flat))


def _words(name: str) -> list[str]:
    """The words of a name, without those that only say that it is a date or a time."""
    words = _plain(name).split()
    return [word for word in words if word not in MOMENT_WORDS] or words


def _likeness(heading: list[str], words: list[str]) -> float:
    if set(heading) == set(words) or "".join(heading) == "".join(words):
        return 1.0
    if set(words) <= set(heading):
        return 0.7 + 0.2 * len(words) / len(heading)
    ratio = difflib.SequenceMatcher(None, " ".join(heading), " ".join(words)).ratio()
    return ratio if ratio > 0.75 else 0.0


def _matches(source: Source, table: str) -> dict[str, list[tuple[str, float]]]:
    """For each column the columns of the dictionary that it may be, the likeliest first."""
    found: dict[str, list[tuple[str, float]]] = {}
    frame = source.frame
    for heading in frame:
        called = [_words(each) for each in (heading, source.labels.get(heading, "")) if each]
        if "___" in heading:  # a box to tick is called by its question and its own words, not by its number
            called = called[1:]
        kind, scores = kind_of(frame[heading]), {}
        for target, column in collected(table).items():
            base = target.removesuffix("_date")
            names = [_words(word) for word in COLUMN_WORDS.get(base, "").split(",") if word.strip()]
            names += [_words(base), _words(label_of(target))]
            score = max((_likeness(words, name) for words in called for name in names), default=0.0)
            score *= _fits(frame[heading], kind, column)
            if score >= POSSIBLE:
                scores[target if kind == "date" else re.sub("_date$", "_day", target)] = round(score, 3)
        if heading in file_columns(table):
            scores = {heading: OWN}
        elif heading == source.record:
            scores = {"patient_id": OWN - 0.1}
        found[heading] = sorted(scores.items(), key=lambda pair: -pair[1])[:4]
    for target in {name for options in found.values() for name, _ in options}:
        rivals = sorted(
            (
                (dict(options)[target], heading)
                for heading, options in found.items()
                if target in dict(options)
            ),
            reverse=True,
        )
        close = len(rivals) > 1 and rivals[0][0] < OWN - 0.1 and rivals[0][0] - rivals[1][0] < 0.05
        # of several columns that look like it only a clear one is sure
        for _score, heading in rivals if close else rivals[1:]:
            found[heading] = sorted(
                (
                    (name, min(value, SURE - 0.01) if name == target else value)
                    for name, value in found[heading]
                ),
                key=lambda pair: -pair[1],
            )
    return found


def kind_of(cells: pd.Series) -> str:
    """What a column of text holds: ``empty``, ``date``, ``number``, ``few`` (different values) or
    ``text``.
    """
    known = cells.dropna()
    if known.empty:
        return "empty"
    if date_formats(known):
        return "date"
    if values.numbers(known, values.decimal_marks(known)).notna().mean() > 0.95:
        return "number"
    return "few" if known.nunique() <= FEW and len(known) >= 2 * known.nunique() else "text"


def date_formats(cells: pd.Series) -> list[str]:
    """The formats in which every value is a date, ISO's first; none for plain numbers."""
    known = cells.dropna()
    if known.empty or known.str.fullmatch(r"[0-9]+(\.[0-9]+)?").any():
        return []
    return ([units.ISO] if values.dates(known, units.ISO).notna().all() else []) + list(
        values.formats_that_fit(known)
    )


def _fits(cells: pd.Series, kind: str, column) -> float:
    """How well the content fits a column of the dictionary, from 0 to 1 and a little more when levels are
    recognised.
    """
    wanted, known = column.metadata["kind"], cells.dropna()
    if kind == "empty":
        return 0.9
    if wanted == "day":
        return 1.0 if kind in ("date", "number") and column is not INDEX_DATE or kind == "date" else 0.0
    if wanted in ("count", "number"):
        return 1.0 if kind == "number" else 0.0
    if wanted == "text":
        return (
            1.0
            if kind != "date"
            and known.nunique() > 1
            and (known.nunique() > 0.5 * len(known) or not column.unique)
            else 0.0
        )
    if kind == "date" or known.nunique() > FEW:
        return 0.0
    recognised = [level_of(value, column) is not None for value in known.unique()]
    return 0.9 + 0.2 * sum(recognised) / len(recognised)


def level_of(value: str, column) -> str | None:
    """The level that a value means, by its own name or one of
    :data:`analysis_lib.intake.foreign_words.LEVEL_WORDS`; None when that is not clear.
    """
    levels = list(column.metadata["levels"])
    if (read := _as_read(value, column)) in levels:
        return read
    plain = _plain(value)
    meant = [
        level
        for level in levels
        if plain and plain in map(_plain, [level, *LEVEL_WORDS.get(level, "").split(",")])
    ]
    return meant[0] if len(meant) == 1 else None


def _as_read(value: str, column) -> str:
    """What a value becomes while reading, without any translation."""
    return values.levels(pd.Series([value], dtype="string"), tuple(column.metadata["levels"]))[0]


# --- the proposal, written ------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _written(tables: dict[str, Source], declared: dict[str, str], titled: str) -> str:
    lines = [
        "# A proposal, made from the names of columns and the kind of their content. Read every line.",
        "# Active lines were thought sure. To use one that starts with #, remove the # and keep the "
        "one name that is right.",
        "",
        f"name: {as_name(titled)}",
        f"title: {_quoted(titled)}",
        *_places(tables, declared),
        "",
    ]
    columns, translations, formats, months = [], [], [], False
    for table, source in tables.items():
        lines_of, sure = _columns(table, source)
        columns.append((table, lines_of, any(not line.startswith("#") for line in lines_of)))
        translated = _values(table, source, sure)
        translations.append((table, translated, any(not line.startswith("#") for line in translated)))
        formats += [
            date_formats(source.frame[heading])
            for heading, target in sure.items()
            if target.endswith("_date")
        ]
        months = months or any(
            target.endswith("_day") and MONTH_WORDS & set(_plain(heading).split())
            for heading, target in sure.items()
        )
    lines += _block("columns", columns) + _block("values", translations) + _dates(formats)
    if months:
        lines.append("time_unit: months")
    lines += [f"# {key}" for key in _still_needed(tables)]
    return "\n".join(lines).rstrip() + "\n"


def _places(tables: dict[str, Source], declared: dict[str, str]) -> list[str]:
    if "export" in declared:
        instruments = ", ".join(
            f"{table}: {_quoted(source.file)}" for table, source in tables.items() if table in REPEATING
        )
        return [
            "redcap:",
            *(f"  {key}: {_quoted(declared[key])}" for key in ("export", "dictionary") if key in declared),
            *([f"  instruments: {{{instruments}}}"] if instruments else []),
        ]
    return ["tables:", *(f"  {table}: {_quoted(source.file)}" for table, source in tables.items())]


def _columns(table: str, source: Source) -> tuple[list[str], dict[str, str]]:
    """The lines below ``columns:``, and what was sure."""
    active, unsure, nothing, own, sure = [], [], [], [], {}
    for heading, options in source.matches.items():
        best, score = options[0] if options else ("", 0.0)
        others = [name for name, _ in options[1:]]
        clear = (
            score >= SURE and (len(options) < 2 or score - options[1][1] > 0.04) and best not in sure.values()
        )
        if score == OWN:
            own.append(heading)
            sure[heading] = best
        elif clear:
            sure[heading] = best
            active.append(f"{_quoted(heading)}: {best}")
        elif options:
            unsure.append(f"#{_quoted(heading)}: {best}" + (f"  # or {', '.join(others)}" if others else ""))
        else:
            nothing.append(_quoted(heading))
    lines = active + unsure
    if own:
        lines.append(f"# named as in the data dictionary already: {', '.join(own)}")
    if nothing:
        lines.append(f"# nothing like it in the data dictionary, not read: {', '.join(nothing)}")
    return lines, sure


def _values(table: str, source: Source, sure: dict[str, str]) -> list[str]:
    """The lines below ``values:`` for the sure columns with levels."""
    lines = []
    for heading, target in sure.items():
        column = TABLES[table].columns.get(target)
        if column is None or column.metadata["kind"] != "level":
            continue
        levels = list(column.metadata["levels"])
        counts = source.frame[heading].value_counts()
        foreign = [value for value in sorted(counts.index) if _as_read(value, column) not in levels]
        known = {value: level for value in foreign if (level := level_of(value, column))}
        unknown = [value for value in foreign if value not in known]
        if known:
            lines.append(
                f"{target}: "
                f"{{{', '.join(f'{_quoted(value)}: {_quoted(level)}' for value, level in known.items())}}}"
            )
        if repeated := [value for value in unknown if counts[value] > 1]:
            lines.append(
                f"# {target}: which of {', '.join(levels)} is meant by {', '.join(map(_quoted, repeated))}?"
            )
        if single := len(unknown) - len(repeated):  # what stands once may be a remark on one patient
            lines.append(
                f"# {target}: {single} more {'values that are' if single > 1 else 'value that is'} "
                f"none of {', '.join(levels)}, "
                "not shown because each stands only once"
            )
    return lines


def _block(key: str, tables: list[tuple[str, list[str], bool]]) -> list[str]:
    """A key with its lines for each table; all of it is a comment when nothing in it is active."""
    if not any(lines for _, lines, _ in tables):
        return []
    whole = any(active for *_, active in tables)
    lines = [f"{key}:" if whole else f"#{key}:"]
    for table, entries, active in tables:
        if entries:
            lines.append(f"  {table}:" if active else f"  #{table}:")
            lines += [f"    {entry}" for entry in entries]
    return [*lines, ""]


def _dates(formats: list[list[str]]) -> list[str]:
    """The one format that fits all columns of dates; where day and month could be either, that is asked."""
    if not formats:
        return []
    shared = [each for each in formats[0] if all(each in fitting for fitting in formats)]
    if shared[:1] == [units.ISO]:
        return []
    if len(shared) == 1:
        return [f'date_format: "{shared[0]}"']
    if shared:
        return [
            f'#date_format: "{each}"  # day and month could be either: keep the line that is right'
            for each in shared
        ]
    return [
        "# The columns of dates are written in different ways: give them one format, and name it as "
        "date_format."
    ]


def _still_needed(tables: dict[str, Source]) -> list[str]:
    """The required columns that no column is surely."""
    lines = []
    for table, source in tables.items():
        _, found = _columns(table, source)
        there = {as_date(name) for name in found.values()}
        missing = [name for name, column in collected(table).items() if column.required and name not in there]
        if (
            table == "patients"
            and any(name.endswith("_date") for name in found.values())
            and "infusion_date" not in found.values()
        ):
            missing.append("infusion_date")  # dates count from it
        if list(tables) == ["patients"] and "patient_id" in missing:
            missing.remove("patient_id")  # one table alone needs no link to others
        if missing:
            lines.append(f"Still needed in {table}: {', '.join(missing)}.")
    return lines
