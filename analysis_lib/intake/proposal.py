"""A proposal in writing: the lines of a cohort.yml, active where it is sure and commented where it is not."""

from __future__ import annotations

import json
import re
import unicodedata

import pandas as pd

from analysis_lib.dictionary.columns import REPEATING, collected
from analysis_lib.dictionary.units import ISO
from analysis_lib.dictionary.words import listed
from analysis_lib.intake import own_factors, pairs
from analysis_lib.intake.foreign_words import (
    OF_PATIENTS,
    UNIT_WORDS,
    plain,
)
from analysis_lib.intake.likeness import OWN, SURE, as_read, date_formats, kind_of, level_of, targets
from analysis_lib.intake.manifest import as_name
from analysis_lib.intake.own_factors import MOST_LEVELS
from analysis_lib.intake.sources import Source

# A patient's or a physician's own: parts of the names of columns, and words that must stand alone.
PERSONAL = re.compile(
    r"name|telefon|phone|fono|plz|zip|adress|address|adresse|direccion|indirizzo|strasse|street|wohn|arzt|"
    r"physician|doctor|medecin|medico|birth|geburt|geboren|naissance|nacimiento|nascita|mail|"
    r"apellido|cognome|nombre|bemerk|remark|comment|kommentar|remarque|"
    r"\b(tel|nom|prenom|ort|dob|born|initials|initialen|postal|post|fax|handy|note|notes|notiz)\b"
)
MONTHS = (
    "jan|feb|fev|mar|apr|avr|abr|may|mai|mag|jun|juin|giu|jul|juil|lug|aug|aou|ago|sep|set|oct|okt|ott|nov|"
    "dec|dez|dic|ene|gen"
)
# Of cells, in lower case without accents: a year, a day and a month, a person's title, an address of mail.
OF_ONE = re.compile(
    r"\b(19|20)\d\d\b|\d ?[./-] ?\w{1,9} ?[./-]|"
    r"\b\d{1,2}/(?!1[02]\b)\d\d\b|"  # 9/10 and 11/12 count the alleles of HLA that match
    rf"\b\d{{1,2}}\.? ?({MONTHS})|\b({MONTHS})[a-z]*\.? ?'?\d\d\b|"
    r"\b(dr|prof|herr|frau|mr|mrs|ms|mme|sr|sra|sig|dott)\b|@"
)
DIGITS = 5  # so many in a cell are a number of somebody: of a case, a telephone, a place
CODE = 2  # characters of a value that can say nothing of anybody


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
    columns, translations, formats, units = [], [], [], []
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
        units += _units(source, sure)
    lines += _block("columns", columns) + _block("values", translations)
    lines += (
        _factors(tables["patients"], _columns("patients", tables["patients"])[1])
        if "patients" in tables
        else []
    )
    lines += _dates(formats) + _unit(units)
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


def _identifiers(source: Source, sure: dict[str, str]) -> pd.Series:
    """Whose row each is, as far as a column says so beyond doubt; missing where none does."""
    named = [heading for heading, target in sure.items() if target == "patient_id"]
    if not named:
        return pd.Series(pd.NA, index=source.frame.index, dtype="string")
    return source.frame[named[0]].astype("string").str.strip().str.casefold()


def _of_one(value: str) -> bool:
    """Whether a value looks like a date, a number of somebody, or somebody."""
    flat = unicodedata.normalize("NFKD", value.casefold())
    said = "".join(each for each in flat if not unicodedata.combining(each))
    return sum(map(str.isdigit, said)) >= DIGITS or bool(OF_ONE.search(said))


def _values(table: str, source: Source, sure: dict[str, str]) -> list[str]:
    """The lines below ``values:`` for the sure columns with levels.

    A word that is not understood is shown only if several patients have it; where nobody knows whose rows
    they are, only if it is a code.
    """
    lines, whose = [], _identifiers(source, sure)
    for heading, target in sure.items():
        column = targets(table).get(target)
        if column is None or column.metadata["kind"] != "level":
            continue
        levels = list(column.metadata["levels"])
        cells = source.frame[heading].dropna()
        rows, patients = cells.value_counts(), whose[cells.index].groupby(cells).nunique()
        foreign = [value for value in sorted(rows.index) if as_read(value, column) not in levels]
        known = {value: level for value in foreign if (level := level_of(value, column))}
        unknown = [value for value in foreign if value not in known]
        if known:
            lines.append(
                f"{target}: "
                f"{{{', '.join(f'{_quoted(value)}: {_quoted(level)}' for value, level in known.items())}}}"
            )
        shown = [
            value
            for value in unknown
            if not _of_one(value)
            and (patients[value] > 1 or (whose.isna().all() and rows[value] > 1 and len(value) <= CODE))
        ]
        if shown:
            lines.append(
                f"# {target}: which of {', '.join(levels)} is meant by {', '.join(map(_quoted, shown))}?"
            )
        if hidden := len(unknown) - len(shown):
            lines.append(
                f"# {target}: {hidden} more {'values that are' if hidden > 1 else 'value that is'} "
                f"none of {', '.join(levels)}, "
                f"not shown because {'each' if hidden > 1 else 'it'} may speak of one patient"
            )
    return lines


def _factors(source: Source, sure: dict[str, str]) -> list[str]:
    """Columns that are none of the dictionary and that patients could be compared by, as comments.

    Levels are shown only of a table that surely has one row a patient, and only if several patients have
    them: one that stands once, or in all rows of one patient, may be a name or a remark.
    """
    whose = _identifiers(source, sure)
    rivals = [heading for heading in source.frame if plain(heading) in OF_PATIENTS]
    row_each = (
        whose.notna().all() and whose.is_unique and all(source.frame[each].is_unique for each in rivals)
    )
    found, renamed, withheld = {}, [], False
    for heading in [each for each, options in source.matches.items() if not options]:
        if (
            heading in rivals
            or PERSONAL.search(plain(heading))
            or PERSONAL.search(plain(source.labels.get(heading, "")))
        ):
            continue
        cells = source.frame[heading].dropna()
        name, counts = plain(heading).replace(" ", "_"), cells.value_counts()
        entry: dict[str, object] = {"label": " ".join(heading.split())}
        if kind_of(cells) == "number" and len(counts) > MOST_LEVELS:
            entry["number"] = "UNIT"
        elif kind_of(cells) in ("few", "number") and counts.min() > 1:
            withheld |= not row_each
            if row_each and not any(map(_of_one, counts.index)):
                entry["levels"] = sorted(map(str, counts.index))
        if len(entry) > 1 and name not in found and not own_factors.wrong_with("", {name: entry}):
            found[name] = entry
            renamed += [f"{_quoted(heading)}: {name}"] if heading != name else []
    why = ["# No levels are proposed: each row must be a patient of its own, with an identifier."] * withheld
    if not found:
        return [*why, ""] if why else []
    lines = [
        "# Columns of your own that patients could be compared by. Keep those that should be.",
        *why,
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


def _units(source: Source, sure: dict[str, str]) -> list[tuple[str, bool]]:
    """The units that the names of durations say, each with whether the duration is sure."""
    return [
        (unit, heading in sure)
        for heading, options in source.matches.items()
        for unit, words in UNIT_WORDS.items()
        if words & set(plain(heading).split())
        and any(name.endswith("_day") for name in ([sure[heading]] if heading in sure else dict(options)))
    ]


def _unit(units: list[tuple[str, bool]]) -> list[str]:
    """The one unit of the sure durations; where none is sure, that of others, as a comment."""
    certain, all_of_them = {unit for unit, is_sure in units if is_sure}, {unit for unit, _ in units}
    if len(certain) == 1:
        return [f"time_unit: {certain.pop()}"]
    if certain:
        return [
            f"# The durations of the file are in {listed(sorted(certain))}: give them one unit, and name it "
            "as time_unit."
        ]
    return [f"#time_unit: {all_of_them.pop()}"] if len(all_of_them) == 1 else []


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
