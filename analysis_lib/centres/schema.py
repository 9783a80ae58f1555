"""What ``export.json`` may say: a strict model, so that nothing of another hospital's file goes further
unchecked.

Every part is known by name, every text is one line of limited length whose characters all show, every number
has its range. What does not fit is said in our words, never in the library's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from analysis_lib.cohort.endpoints import ENDPOINTS

FORMAT, FORMAT_VERSION = "salvage-book export", 1
SOFTWARE = ("salvage-book", "greenwood", "lifelines", "numpy", "pandas", "scipy", "statsmodels")
LONGEST = 300  # characters of a title
CHAPTER = r"^[0-9]{2}_[a-z0-9_]{1,57}$"
MOST_TOLD = 10  # things that are wrong with one file, each said in a line


def shows(text: str) -> bool:
    """Whether a text is one line whose characters all show: no control, direction or invisible ones."""
    return text.isprintable()


def quoted(foreign: object) -> str:
    """Something from a file that is not trusted, short and in plain letters, for a message."""
    shown = ascii(str(foreign))
    return shown if len(shown) <= 60 else f"{shown[:57]}...'"


def _one_line(text: str) -> str:
    if not shows(text):
        raise ValueError("characters that do not show")
    return text


def _one_of(known: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError("not known")
        return name

    return AfterValidator(check)


Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+_-]{1,64}$")]
Chapter = Annotated[str, StringConstraints(pattern=CHAPTER)]
Program = Annotated[str, _one_of(("code", "python", *SOFTWARE))]
EndpointName = Annotated[str, _one_of(tuple(ENDPOINTS))]
Title = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_one_line)]
Reason = Annotated[str, Field(max_length=1000), AfterValidator(_one_line)]
Term = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Words = Annotated[str, Field(min_length=1, max_length=3000), AfterValidator(_one_line)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class OfCohort(_Strict):
    """What an export says of its cohort, as the cohort's own manifest does."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    title: Title
    synthetic: bool
    index_event: Title
    min_cell_count: Annotated[int, Field(ge=0, le=1000)]


class Ended(_Strict):
    """How a chapter ended: ``done`` or ``skipped``, for the last the reason, and its number of rows."""

    status: Literal["done", "skipped"]
    reason: Reason
    rows: Annotated[int, Field(ge=0, le=100_000)]


class Audit(_Strict):
    """What the auditor of the centre examined, and how many counts could be worked out: none."""

    cells: Annotated[int, Field(ge=0, le=1_000_000)]
    hidden: Annotated[int, Field(ge=0, le=1_000_000)]
    relations: Annotated[int, Field(ge=0, le=1_000_000)]
    fewest: Annotated[int, Field(ge=2, le=1000)]
    findings: Literal[0]


class Manifest(_Strict):
    """All that ``export.json`` says."""

    format: Literal["salvage-book export"]
    format_version: Literal[1]
    cohort: OfCohort
    chapters: Annotated[dict[Chapter, Ended], Field(max_length=100)]
    audit: Audit
    rows_sha256: Digest
    software: dict[Program, Version]
    endpoints: dict[EndpointName, Words]
    definitions_sha256: Digest
    definitions: Annotated[dict[Term, Words], Field(max_length=2000)]


# What each part should be, where an entry of it is not.
SHOULD_BE = {
    "chapters": "are not what they should be",
    "audit": "says that the auditor did not run, or found that hidden numbers can be worked out",
    "software": "are not words that give the version of a program of this book",
    "endpoints": "are not words, on one line, on an endpoint of this book",
    "definitions": "are not words on one line",
}


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong with an ``export.json``, a clause for each thing, without those that follow from it."""
    said = list(dict.fromkeys(_in_words(one["loc"], one["type"], one["input"]) for one in error.errors()))
    more = [f"export.json has {len(said) - MOST_TOLD} more such errors"] if len(said) > MOST_TOLD else []
    return said[:MOST_TOLD] + more


def _in_words(where: tuple, kind: str, given: object) -> str:
    if not where:  # a key that is no text of any language
        return "export.json cannot be read"
    part, *inside = where
    if part == "audit" and not inside:
        return "no auditor examined its numbers; export again with a version of this program that does"
    if kind == "extra_forbidden":
        return f"export.json says {quoted(where[-1])}, which no export does"
    if not inside:
        return f"export.json lacks {part}, or it is not what it should be"
    if part != "cohort":
        return f"{part} in export.json {SHOULD_BE[part]} ({quoted(inside[0])})"
    if kind == "string_pattern_mismatch":
        return f"the cohort cannot be called {quoted(given)}: lower-case letters, digits and hyphens only"
    if kind in ("string_too_short", "string_too_long", "value_error"):
        return (
            f"the cohort's {inside[0]} is empty, longer than {LONGEST} characters, or holds control "
            f"characters or others that do not show"
        )
    return f"export.json does not say the cohort's {inside[0]}, or not as it should"
