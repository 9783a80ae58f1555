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

import pandas as pd
import pandera.pandas as pa

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary.columns import INDEX_DATE, REPEATING, TABLES, collected, day, yes_no
from analysis_lib.dictionary.units import ISO
from analysis_lib.dictionary.words import label_of, listed
from analysis_lib.intake import finding, pairs, raw, reading, redcap, values
from analysis_lib.intake.foreign_words import (
    COLUMN_WORDS,
    LEVEL_WORDS,
    MOMENT_WORDS,
    TABLE_WORDS,
    UNIT_WORDS,
)
from analysis_lib.intake.manifest import as_name
from analysis_lib.intake.tables import file_columns

SURE, POSSIBLE, OWN = 0.84, 0.6, 2.0  # how alike a name must be; the dictionary's own name
SHORTEST = 7  # letters of a name from which on one that is written almost alike is taken for it
FEW = 12  # more different values than this are not taken for levels
# Words that make the name of an event of the name of its time: pfs_event beside pfs_days.
EVENT_WORDS = frozenset(
    "event events evt status stat ind indicator flag yn ereignis evenement evento ev "
    "occurred happened".split()
)


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
    sources: list[Source] = []
    declared: dict = {}
    problems: list[dict] = []
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
    except raw.Unreadable as error:
        problems.append(
            problem(
                path.name,
                error.concern,
                error.suggestion or f"Name a table of yours: {', '.join(finding.SUFFIXES)}.",
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
    """The sheets of a workbook that are to be seen, or one without a name for any other file."""
    try:
        return reading.sheet_names(path) or [""]
    except raw.Unreadable:  # reading.read_table says what is wrong with it
        return [""]


def _frame(path: Path, sheet: str) -> pd.DataFrame:
    try:
        frame = reading.read_table(path.parent, f"{path.name}#{sheet}" if sheet else path.name)
    except raw.Unreadable:
        if sheet:  # an empty sheet of a workbook is no table
            return pd.DataFrame()
        raise
    frame = frame.loc[:, ~frame.columns.duplicated()]
    return frame.mask(frame.apply(values.empty))


def _labels(fields: pd.DataFrame) -> dict[str, str]:
    """What a REDCap dictionary calls the columns of an export; a box to tick by its question and its own
    words.
    """
    labels: dict[str, str] = {}
    for entry in fields.to_dict("records"):
        ticks = redcap.choices(entry) if entry[redcap.TYPE] == "checkbox" else {}
        labels |= {
            redcap.box(entry[redcap.VARIABLE], code): f"{entry[redcap.LABEL]} {words}"
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
    if ratio <= 0.75:
        return 0.0
    # Among short names one letter makes another word: cens is not cns.
    return min(ratio, POSSIBLE) if min(len(" ".join(heading)), len(" ".join(words))) < SHORTEST else ratio


def _matches(source: Source, table: str) -> dict[str, list[tuple[str, float]]]:
    """For each column the columns of the dictionary that it may be, the likeliest first."""
    found: dict[str, list[tuple[str, float]]] = {}
    frame = source.frame
    for heading in frame:
        called = [_words(each) for each in (heading, source.labels.get(heading, "")) if each]
        if "___" in heading:  # a box to tick is called by its question and its own words, not by its number
            called = called[1:]
        kind, scores = kind_of(frame[heading]), {}
        for target, column in targets(table).items():
            base = re.sub("_(date|event)$", "", target)
            names = [_words(word) for word in COLUMN_WORDS.get(base, "").split(",") if word.strip()]
            names += [_words(base), _words(label_of(target))]
            own = (
                [[word for word in words if word not in EVENT_WORDS] for words in called]
                if target.endswith("_event")
                else called
            )
            score = max((_likeness(words, name) for words in own if words for name in names), default=0.0)
            score *= _fits(frame[heading], kind, column)
            if score >= POSSIBLE:
                scores[target if kind == "date" else re.sub("_date$", "_day", target)] = round(score, 3)
        if heading in file_columns(table):
            scores = {heading: OWN}
        elif heading == source.record:
            scores = {"patient_id": OWN - 0.1}
        found[heading] = sorted(scores.items(), key=lambda pair: -pair[1])[:4]
    moments = {name for options in found.values() for name, _ in options if name.endswith(("_day", "_date"))}
    # that something happened is read only where another column says when
    for heading, options in found.items():
        found[heading] = [
            (name, score)
            for name, score in options
            if not name.endswith("_event")
            or score == OWN
            or {name.replace("_event", "_day"), name.replace("_event", "_date")} & moments
        ]
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


def targets(table: str) -> dict:
    """What a column may be: those of the dictionary, the day of death, and what says whether a moment
    happened.
    """
    more = {"death_date": day("Death.")} if table == "patients" else {}
    return (
        collected(table)
        | more
        | {event: yes_no("Whether it happened.") for event in pairs.event_columns(table)}
    )


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
    return ([ISO] if values.dates(known, ISO).notna().all() else []) + list(values.formats_that_fit(known))


def _fits(cells: pd.Series, kind: str, column: pa.Column) -> float:
    """How well the content fits a column of the dictionary, from 0 to 1 and a little more when levels are
    recognised.
    """
    wanted, known = column.metadata["kind"], cells.dropna()
    if kind == "empty":
        return 0.8  # nothing confirms it
    if wanted in ("day", "count", "number"):
        return _fits_as_number(known, kind, column)
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
    recognised = sum(level_of(value, column) is not None for value in known.unique())
    if not recognised and known.nunique() > len(column.metadata["levels"]):
        return 0.8
    return 0.9 + 0.2 * recognised / known.nunique()


def _fits_as_number(known: pd.Series, kind: str, column: pa.Column) -> float:
    """How well the content fits a moment or a number: 0 and 1 are no moments, and what the dictionary does
    not allow is not sure.
    """
    wanted = column.metadata["kind"]
    if kind == "date":
        return 1.0 if wanted == "day" else 0.0
    if kind != "number" or column is INDEX_DATE:
        return 0.0
    numbers = values.numbers(known, values.decimal_marks(known)).dropna()
    if wanted == "day" and numbers.isin([0, 1, 2]).all() and len(numbers) > 3:
        return 0.0
    limits: dict = next((check.statistics for check in column.checks if "min_value" in check.statistics), {})
    inside = numbers.between(
        limits.get("min_value", -values.LARGEST), limits.get("max_value", values.LARGEST)
    ).mean()
    whole = wanted != "count" or (numbers % 1 == 0).all()
    return 1.0 if inside > 0.9 and whole else 0.8


def level_of(value: str, column: pa.Column) -> str | None:
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


def _as_read(value: str, column: pa.Column) -> str:
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
    columns, translations, formats, units = [], [], [], set()
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
        units |= {
            unit
            for heading, target in sure.items()
            for unit, words in UNIT_WORDS.items()
            if target.endswith("_day") and words & set(_plain(heading).split())
        }
    lines += _block("columns", columns) + _block("values", translations) + _dates(formats)
    if len(units) == 1:
        lines.append(f"time_unit: {units.pop()}")
    elif units:
        lines.append(
            f"# The durations of the file are in {listed(sorted(units))}: give them one unit, and "
            f"name it as time_unit."
        )
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
    active, unsure, nothing, own = [], [], [], []
    sure: dict[str, str] = {}
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
        column = targets(table).get(target)
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
    if shared[:1] == [ISO]:
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
        there = {pairs.as_date(name) for name in found.values()}
        missing = [name for name, column in collected(table).items() if column.required and name not in there]
        if "death_date" in found.values() and "vital_status" in missing:
            missing.remove("vital_status")  # those with a day of death are dead
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
