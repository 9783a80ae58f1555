"""Propose which columns of a hospital's files are which of the data dictionary, as a cohort.yml to read and
correct.

A proposal rests on a column's name (the dictionary's own, or a word of
:data:`analysis_lib.intake.foreign_words.COLUMN_WORDS`) and on the kind of its content: dates, numbers, few
different values. It never shows a value, except the few different ones of a column that it proposes as one
with levels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from analysis_lib.cohort.problems import CohortError, problem
from analysis_lib.dictionary.columns import TABLES
from analysis_lib.dictionary.words import listed
from analysis_lib.intake import redcap
from analysis_lib.intake.foreign_words import (
    TABLE_WORDS,
)
from analysis_lib.intake.likeness import SURE, kinds_of, likeness, matches_of, words_of
from analysis_lib.intake.proposal import written
from analysis_lib.intake.sources import Source, labels_of, sources_of


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
        sources += sources_of(path, out, declared, problems)
    if (fields := declared.pop("fields", None)) is not None:
        for source in sources:
            source.frame, source.labels = redcap.decoded(source.frame, fields), labels_of(fields)
    if not sources and not problems:
        problems.append(
            problem("files", "there is no table with data in them", "Name the file that holds the patients.")
        )
    if problems:
        raise CohortError(listed([path.name for path in files]), problems)
    proposal = written(_as_tables(sources), declared, (out or files[0]).resolve().parent.name)
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


def _as_tables(sources: list[Source]) -> dict[str, Source]:
    """Which source is which table: the best fit first; one alone holds the patients."""
    fits = []
    for place, source in enumerate(sources):
        kinds = kinds_of(source)
        for table in TABLES:
            matches = matches_of(source, table, kinds)
            named = max(
                likeness(words_of(source.name), words_of(word)) for word in TABLE_WORDS[table].split(",")
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
        sources[0].matches = matches_of(sources[0], "patients", kinds_of(sources[0]))
    return {table: chosen[table] for table in TABLES if table in chosen}
