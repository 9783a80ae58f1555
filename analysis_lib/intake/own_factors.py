"""A hospital's own factors: what ``factors:`` in a ``cohort.yml`` may say, and what is wrong with it.

Names, labels and levels are data. A name is a slug and none that is taken; labels and levels are shown as
they stand, so they hold nothing that a page or a figure could take for a formula or a template.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Annotated, Any

import pandera.pandas as pa
from pydantic import BeforeValidator, Field, ValidationError

from analysis_lib.cohort.problems import problem
from analysis_lib.dictionary import columns, rules, words
from analysis_lib.dictionary.factors import DAY_0, ENDPOINTS, MOMENTS, SALVAGE, Factor
from analysis_lib.dictionary.words import listed
from analysis_lib.intake.entries import Known, Line, nearest, true_or_false
from analysis_lib.rows.results import slug

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
MOST_LEVELS = 12
LONGEST = 60  # characters of a label or a level
# What tables call those of whom nothing is known, and everybody.
NO_LABELS = frozenset({"", "missing", "all", "all patients"})
# Formulas and templates, our own signs in the names of rows; matplotlib hides what begins with _.
MARKUP = re.compile(r"[$\\{}`\x00-\x1f]|^_|: |\*$")
# What analyses add to a table of patients, and parts of result ids that a name would be confused with.
TAKEN = frozenset(
    "all by_chance days ended_by event events events_per_variable focal global group holm infusion_date iptw "
    "left_out level median missing mv n overlap p ph population rate score small_p source start switched "
    "systemic treated unweighted uv value".split()
)


def _as_numbers(given: Any) -> Any:
    return given.replace(",", ".") if isinstance(given, str) else given


Switch = Annotated[bool | None, BeforeValidator(true_or_false)]
Number = Annotated[float | None, BeforeValidator(_as_numbers)]


class OwnFactor(Known):
    """A factor of the hospital's own; the meaning of each key is its description."""

    label: Line = Field("", description="what pages call it (default: its name)")
    levels: list[Line] | dict[Line, Line] | None = Field(
        None,
        description="the values that it may have, in order: [low, high], or {low: what pages call it, ...}",
    )
    number: Line | None = Field(None, description="the unit of a measured factor, in place of levels: years")
    lowest: Number = Field(None, description="the smallest number that is possible")
    highest: Number = Field(None, description="the largest number that is possible")
    per: Number = Field(
        None, description="of a number: the hazard ratio is that of so many units (default: 1)"
    )
    reference: Line = Field("", description="the level that others are held against (default: the first)")
    known: str = Field(
        DAY_0, description="when it is known: `day 0` (default), or when `salvage` therapy begins"
    )
    table_1: Switch = Field(None, description="false: Table 1 does not show it")
    curves: list[str] | None = Field(None, description="endpoints of which a curve is drawn for each level")
    alone: list[str] | None = Field(None, description="endpoints that are compared by this factor alone")
    together: list[str] | None = Field(
        None, description="endpoints in whose model with several factors it stands"
    )
    weighting: Switch = Field(
        None, description="false: the choice of treatment did not rest on it, so no weight does"
    )


FACTOR_KEYS = {key: entry.description or "" for key, entry in OwnFactor.model_fields.items()}


def in_time(known: str) -> tuple[str, ...]:
    """The endpoints whose clocks start when a factor is known, or later."""
    return tuple(name for name, start in ENDPOINTS.items() if known == DAY_0 or start == SALVAGE)


def as_factor(name: str, given: OwnFactor) -> Factor:
    """An entry as a factor of the same kind as the study's, with what it leaves out filled in."""
    possible = in_time(given.known)
    first = tuple(each for each in possible if ENDPOINTS[each] == given.known)
    drawn = () if given.number else tuple(first if given.curves is None else given.curves)
    return Factor(
        name,
        label=given.label or words.label_of(name),
        known=given.known,
        table_1=given.table_1 is not False,
        level_names=dict(given.levels) if isinstance(given.levels, dict) else {},
        curves=drawn,
        weighting=given.weighting is not False,
        reference=given.reference,
        per=given.per or 1.0,
        entry=_entry(name, given),
        alone=tuple(possible if given.alone is None else given.alone),
        together=tuple(possible if given.together is None else given.together),
    )


def _entry(name: str, given: OwnFactor) -> pa.Column:
    label = given.label or words.label_of(name)
    told = (
        f"{label}, {'on day 0' if given.known == DAY_0 else 'at salvage therapy'}; this cohort's own factor."
    )
    if given.number is None:
        levels = given.levels or []
        return columns.level(told, levels if isinstance(levels, dict) else list(levels))
    lowest, highest = (
        -columns.UNBOUNDED if given.lowest is None else given.lowest,
        columns.UNBOUNDED if given.highest is None else given.highest,
    )
    return columns.number(told, given.number, lowest, highest)


# --- what is wrong --------------------------------------------------------------------------------


def wrong_with(here: str, given: Any) -> list[dict]:
    """Everything that is wrong with ``factors:`` in the manifest ``here``."""
    if not isinstance(given, Mapping):
        return [
            problem(
                here,
                "'factors' must hold one entry a factor",
                "Write it such as `factors: {flt3: {label: FLT3 mutation, levels: [no, yes]}}`.",
                field="factors",
            )
        ]
    found: list[dict] = []
    labels: dict[str, str] = {}
    for name, entry in given.items():
        told = _about_name(name)
        try:
            factor = OwnFactor.model_validate(entry)
        except ValidationError as error:
            told += [_of_shape(each) for each in error.errors()]
        else:
            told += _about_levels(factor) + _about_numbers(factor) + _about_uses(factor)
            if isinstance(factor.levels, dict):
                told += _about_level_labels(name, factor.levels)
            label = (factor.label or words.label_of(name)).casefold()
            if label in labels:
                told.append(
                    (f"its label is that of {labels[label]!r}", "Give each factor a label of its own.")
                )
            labels[label] = name
        found += [problem(here, concern, advice, field=f"factors: {name}") for concern, advice in told]
    return found


def wrong_groups(here: str, given: Mapping) -> list[dict]:
    """What is wrong with ``groups:``: it names a column with levels, the cohort's own or the dictionary's."""
    named, own = given.get("groups", ""), given.get("factors", {})
    own = own if isinstance(own, Mapping) else {}
    levels = [
        name
        for name, column in columns.PATIENTS.columns.items()
        if column.metadata["kind"] == "level" and not column.required
    ]
    known = [
        *(name for name, entry in own.items() if isinstance(entry, Mapping) and "levels" in entry),
        *levels,
    ]
    if not named or not isinstance(named, str) or named in known:
        return []
    near = nearest(named, known).replace("Known keys", "There are")
    return [problem(here, f"{named!r} is no column with levels", near, field="groups", value=named)]


def _about_name(name: str) -> list[tuple[str, str]]:
    if not NAME.fullmatch(name) or name.endswith(("_day", "_date", "_event")) or keyword.iskeyword(name):
        return [
            (
                "this name cannot be used for a column",
                "Use lower-case letters, digits and underscores, a letter first, and none of the endings "
                "_day, _date and _event; the label is free.",
            )
        ]
    of_ours = {column for table in columns.TABLES.values() for column in table.columns}
    if name in of_ours | set(rules.DERIVED):
        return [
            (
                "the data dictionary has a column of this name",
                f"To give that one, map your column to {name} under `columns:`; else choose another name.",
            )
        ]
    if name in TAKEN | set(words.LABELS) | set(rules.SOURCES) | {each.lower() for each in ENDPOINTS}:
        return [("the book uses this name itself", "Choose another one.")]
    return []


def _of_shape(error: Mapping) -> tuple[str, str]:
    """An entry that is not written as it should be."""
    if not error["loc"]:
        return "it must hold entries such as `this: that`", f"Known keys: {', '.join(FACTOR_KEYS)}."
    key = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}", nearest(key, FACTOR_KEYS)
    told = f": {error['msg']}" if error["type"] == "said" else " is not written as expected"
    return f"{key!r}{told}", f"Meaning: {FACTOR_KEYS[key]}."


def _about_levels(given: OwnFactor) -> list[tuple[str, str]]:
    """What is wrong with its label and levels: they are words of pages, and parts of ids."""
    if (given.levels is None) == (given.number is None):
        return [
            ("it needs levels or a number, one of the two", "Write `levels: [low, high]`, or `number: UNIT`.")
        ]
    levels = list(given.levels or [])
    shown = [given.label, *levels, *(given.levels.values() if isinstance(given.levels, dict) else ())]
    told = [
        (
            f"{each!r} cannot be shown",
            f"Use at most {LONGEST} characters, no _ first, no colon within, no * at the end, and none of "
            "$ \\ { } `.",
        )
        for each in [*shown, given.number or ""]
        if MARKUP.search(each) or len(each) > LONGEST
    ]
    if given.number is not None:
        return told
    if not 2 <= len(levels) <= MOST_LEVELS:
        told.append(
            (
                f"it has {len(levels)} level{'s' * (len(levels) != 1)}",
                f"Give 2 to {MOST_LEVELS} of them, or `number: UNIT`.",
            )
        )
    ids: dict[str, str] = {}
    for level in levels:
        as_id = slug(level).replace(".", "_")
        if not as_id.strip("_-") or as_id in ("missing", "p", "all", "all_patients", "n"):
            told.append(
                (f"a level cannot be called {level!r}", 'Name it in letters or digits ("+": positive).')
            )
        elif as_id in ids:
            told.append(
                (
                    f"the levels {ids[as_id]!r} and {level!r} have the same letters and digits",
                    "Name them apart.",
                )
            )
        ids[as_id] = level
    if given.reference and given.reference not in levels:
        told.append(
            (f"the reference {given.reference!r} is none of its levels", f"There are: {listed(levels)}.")
        )
    return told


def _about_level_labels(name: str, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Labels that two levels share, or that tables give to a line of their own: they tell lines apart by
    what these are called.
    """
    told: list[tuple[str, str]] = []
    called: dict[str, str] = {}
    for level, label in labels.items():
        plain = label.strip().casefold()
        if plain in NO_LABELS:
            told.append(
                (
                    f"the level {level!r} cannot be labelled {label!r}",
                    "Choose another label. A level that means not known is left out here, and emptied under "
                    f'`values:`, such as `values: {{patients: {{{name}: {{"{level}": ""}}}}}}`.',
                )
            )
        elif plain in called:
            told.append(
                (f"the levels {called[plain]!r} and {level!r} have the same label", "Label them apart.")
            )
        called[plain] = level
    return told


def _about_numbers(given: OwnFactor) -> list[tuple[str, str]]:
    told = []
    if given.per is not None and not 0 < given.per <= columns.UNBOUNDED:
        told.append(("'per' must be a number above 0", "Leave it out for 1."))
    if given.lowest is not None and given.highest is not None and not given.lowest < given.highest:
        told.append(("'lowest' is not below 'highest'", "Exchange them, or leave one out."))
    if any(each is not None and not abs(each) <= columns.UNBOUNDED for each in (given.lowest, given.highest)):
        told.append((f"'lowest' and 'highest' must lie within {columns.UNBOUNDED:,.0f}", "Leave them out."))
    of_numbers = [key for key in ("lowest", "highest", "per") if getattr(given, key) is not None]
    if given.levels is not None and of_numbers:
        told.append((f"{of_numbers[0]!r} is for a number, and this factor has levels", "Leave it out."))
    if given.number is not None and (given.reference or given.curves):
        key = "reference" if given.reference else "curves"
        told.append((f"{key!r} is for levels, and this factor is a number", "Leave it out."))
    return told


def _about_uses(given: OwnFactor) -> list[tuple[str, str]]:
    """Endpoints that are none, or whose clock starts before the factor is known."""
    if given.known not in MOMENTS:
        return [(f"'known' is {given.known!r}", f"Write {listed([f'`{each}`' for each in MOMENTS], 'or')}.")]
    told = []
    for key in ("curves", "alone", "together"):
        for name in getattr(given, key) or ():
            if name not in ENDPOINTS:
                told.append((f"{key!r} names {name!r}", f"There are: {', '.join(ENDPOINTS)}."))
            elif name not in in_time(given.known):
                told.append(
                    (
                        f"{key!r} names {name}, whose clock starts before the factor is known",
                        "Patients would have had to live until then. Leave it out, or correct `known`.",
                    )
                )
    return told
