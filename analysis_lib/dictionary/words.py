"""What words a file may use for a level, and what a page calls a column."""

from __future__ import annotations

import re

import pandera.pandas as pa

from analysis_lib.dictionary.columns import UNBOUNDED
from analysis_lib.dictionary.rules import DERIVED


def listed(words: list[str], last: str = "and") -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


NAMES = ("Aalen", "Kaplan", "Mantel", "Fine", "Gray", "Holm", "Firth")  # of people: they keep their capital
KNOWN_BY_LEVEL = ("CAR T product", "Salvage regimen")  # whose levels say what they are levels of
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")

# What a column is called in tables, figures and sentences, where its own name does not do.
LABELS = {
    "salvage_sequence": "Sequence of salvage therapy",
    "car_t_product": "CAR T product",
    "best_response": "Best response",
    "rt_field": "Radiotherapy field",
    "bed_group": "Biologically effective dose",
    "comprehensive_sites": "Irradiated sites",
    "further_therapy": "Therapy",
    "cns_disease": "CNS disease",
    "bulky_disease": "Bulky disease (5 cm or more)",
    "bulky_site": "Bulky site (5 cm or more)",
    "ecog": "ECOG performance status",
    "ldh_elevated": "Elevated LDH",
    "ipi": "IPI",
    "cd19_at_failure": "CD19 at failure",
    "over_60": "Older than 60 years",
    "last_disease_status": "Disease status at last follow-up",
    "patient_id": "Patient",
    "infusion_date": "Date of day 0 (infusion)",
    "last_follow_up_date": "Last follow-up date",
    "rt_start_date": "Radiotherapy start date",
    "dose_gy": "Dose (Gy)",
    "in_field_response": "In-field response",
    "in_field_progression_date": "In-field progression date",
    "course": "Number of the course",
    "line": "Number of the line",
    "follow_up": "Follow-up",
    "reverse_km": "reverse Kaplan–Meier",
    "naive": "observed times",
} | {name: rule.description for name, rule in DERIVED.items()}


# Levels whose word alone would name another group as well, as they head columns, lines and curves.
HEADS = {"salvage_sequence": {"RT": "RT only", "ST": "ST only"}}  # RT, of regimens: whatever followed

# What happened on the day of a column, within a sentence, where the column's own name does not do.
MOMENTS = {
    "last_follow_up": "last follow-up",
    "entry": "the start of observation",
    "first_assessment": "the first assessment",
    "complete_response": "a complete response",
    "response": "a response",
    "failure": "failure",
    "salvage_start": "the start of salvage therapy",
    "progression": "progression",
    "next_line": "the next line of therapy",
    "transplant": "a transplant",
    "rt_start": "the start of radiotherapy",
    "in_field_progression": "in-field progression",
    "line_start": "the start of a line of therapy",
}


def label_of(column: str) -> str:
    """What a column is called: ``Elevated LDH`` for ``ldh_elevated``."""
    return LABELS.get(column, column.replace("_", " ").capitalize())


def head_of(column: str, group: str) -> str:
    """What heads a group, or a pair of them, of a column: ``RT only and CMT`` for the sequences ``RT and
    CMT``.
    """
    heads = HEADS.get(column, {})
    return " and ".join(heads.get(each, each) for each in group.split(" and ")) if heads else group


def allowed(column: pa.Column) -> str:
    """What may stand in a column, in words: its levels with their meaning, its unit and bounds."""
    meta = column.metadata
    levels = "; ".join(
        f"{level} ({meaning})" if meaning else level for level, meaning in (meta["levels"] or {}).items()
    )
    bounds = "".join(
        f" {word} {check.statistics[end]:g}"
        for check in column.checks
        for word, end in (("from", "min_value"), ("to", "max_value"))
        if end in check.statistics and abs(check.statistics[end]) < UNBOUNDED and meta["kind"] != "day"
    )
    return {
        "text": "text",
        "day": "days, or a date",
        "count": "whole number",
        "number": meta["unit"] or "number",
        "level": levels,
    }[meta["kind"]] + bounds


def term_label(term: str) -> str:
    """What a term of a model is called: the factor, and the level where there are several (``stage.IV``)."""
    factor, _, level_name = term.partition(".")
    return f"{label_of(factor)}: {level_name}" if level_name else label_of(factor)


def within(name: str) -> str:
    """What a factor or a group is called after other words: without its capital, unless that is a name's or
    an abbreviation's; and a level that is held against another says so (``grade: poor against moderate``),
    without its factor only where levels are names that tell it (``ST against RT``). Whoever has a factor
    needs no level (``elevated LDH``, not ``elevated LDH: yes``).
    """
    name = name.removesuffix(": yes")
    name = re.sub(r"^(.*: .+), not (.+)$", r"\1 against \2", name)
    name = re.sub(rf"^(?:{'|'.join(KNOWN_BY_LEVEL)}): (?=.+ against )", "", name)
    if name.startswith(NAMES):
        return name
    plain = name[1:2].islower() or name.startswith("A ")
    return name[:1].lower() + name[1:] if plain else name
