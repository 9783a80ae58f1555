"""A proposal in writing: the lines of a cohort.yml, active where it is sure and commented where it is not."""

from __future__ import annotations

import json

from analysis_lib.dictionary.columns import REPEATING, collected
from analysis_lib.dictionary.units import ISO
from analysis_lib.dictionary.words import listed
from analysis_lib.intake import own_factors, pairs
from analysis_lib.intake.foreign_words import (
    UNIT_WORDS,
)
from analysis_lib.intake.likeness import OWN, SURE, as_read, date_formats, kind_of, level_of, plain, targets
from analysis_lib.intake.manifest import as_name
from analysis_lib.intake.own_factors import MOST_LEVELS
from analysis_lib.intake.sources import Source


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def written(tables: dict[str, Source], declared: dict[str, str], titled: str) -> str:
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
            if target.endswith("_day") and words & set(plain(heading).split())
        }
    lines += _block("columns", columns) + _block("values", translations)
    lines += _factors(tables["patients"]) if "patients" in tables else []
    lines += _dates(formats)
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
        foreign = [value for value in sorted(counts.index) if as_read(value, column) not in levels]
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


def _factors(source: Source) -> list[str]:
    """Columns that are none of the dictionary and that patients could be compared by, as comments.

    Only levels that stand in several rows are shown: one that stands once may be a remark on one patient.
    """
    found, renamed = {}, []
    for heading in [each for each, options in source.matches.items() if not options]:
        cells = source.frame[heading].dropna()
        name, counts = plain(heading).replace(" ", "_"), cells.value_counts()
        entry: dict[str, object] = {"label": " ".join(heading.split())}
        if kind_of(cells) == "number" and len(counts) > MOST_LEVELS:
            entry["number"] = "UNIT"
        elif kind_of(cells) in ("few", "number") and counts.min() > 1:
            entry["levels"] = sorted(map(str, counts.index))
        if len(entry) > 1 and name not in found and not own_factors.wrong_with("", {name: entry}):
            found[name] = entry
            renamed += [f"{_quoted(heading)}: {name}"] if heading != name else []
    if not found:
        return []
    lines = [
        "# Columns of your own that patients could be compared by. Keep those that should be.",
        "#factors:",
    ]
    for name, entry in found.items():
        inside = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items())
        lines.append(f"#  {name}: {{{inside}}}")
    if renamed:
        lines.append(f"# Those need an entry under columns, patients: {', '.join(renamed)}")
    return [*lines, ""]


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
