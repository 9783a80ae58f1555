"""The data dictionary: every table, every column, what it means, its unit and its levels.

This module is the one source for validation (:mod:`analysis_lib.intake.read`), for the data-dictionary page
of the book and for file templates. It knows nothing of any other module.

Moments are whole **days since the index event** (day 0; in the study, the CAR T-cell infusion) in columns
that end in ``_day``. A hospital's file may give calendar dates instead, in a column that ends in ``_date``
(``salvage_start_date`` for ``salvage_start_day``) beside ``infusion_date``, the date of day 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandera.pandas as pa

DAYS = "days since day 0"
UNBOUNDED = 1e9  # a bound as far away as this is none
YES_NO = ("yes", "no")

# Words of a file, in lower case. What stands for an empty cell, in any column:
EMPTY = (
    "",
    ".",
    "-",
    "–",
    "?",
    "na",
    "n/a",
    "n.a.",
    "nan",
    "nd",
    "n/d",
    "null",
    "none",
    "unknown",
    "missing",
    "not available",
    "not known",
    "unbekannt",
)
# What yes/no columns take beside yes and no; every other level is matched by its own name, in any case.
WORDS = {
    "yes": ("y", "1", "true", "checked", "ja", "j", "oui", "si", "sí"),
    "no": ("n", "0", "false", "unchecked", "nein", "non"),
}
RESPONSES = {
    "CR": "complete response",
    "PR": "partial response",
    "SD": "stable disease",
    "PD": "progressive disease",
}
REGIMENS = {
    "RT": "radiotherapy alone",
    "CMT": "combined-modality therapy: radiotherapy and systemic therapy planned together",
    "ST": "systemic therapy alone",
}


def _column(
    kind: str,
    description: str,
    unit: str | None = None,
    checks: Iterable[pa.Check] = (),
    levels: Mapping[str, str] | None = None,
    required: bool = False,
    unique: bool = False,
) -> pa.Column:
    """One entry of the dictionary, as a pandera column that carries its own documentation."""
    return pa.Column(
        {"text": "string", "day": "Int64", "count": "Int64", "number": "Float64", "level": "string"}[kind],
        checks=list(checks),
        nullable=not required,
        required=required,
        unique=unique,
        description=description,
        metadata={"kind": kind, "unit": unit, "levels": levels},
    )


def text(description: str, **options: Any) -> pa.Column:
    """A short text, such as an identifier. Never shown in the book."""
    return _column("text", description, **options)


def day(description: str, lowest: int = 0, **options: Any) -> pa.Column:
    """A moment, in whole days since day 0."""
    return _column("day", description, DAYS, [pa.Check.in_range(lowest, 36525)], **options)


def count(description: str, lowest: int, highest: int, **options: Any) -> pa.Column:
    """A whole number between two bounds."""
    return _column("count", description, None, [pa.Check.in_range(lowest, highest)], **options)


def number(description: str, unit: str, lowest: float, highest: float, **options: Any) -> pa.Column:
    """A measurement in the given unit."""
    return _column("number", description, unit, [pa.Check.in_range(lowest, highest)], **options)


def level(description: str, levels: Iterable[str], **options: Any) -> pa.Column:
    """One of a few named levels; a mapping gives each level its meaning."""
    meanings = dict(levels) if isinstance(levels, dict) else dict.fromkeys(levels, "")
    return _column("level", description, None, [pa.Check.isin(list(meanings))], meanings, **options)


def yes_no(description: str, **options: Any) -> pa.Column:
    """A question answered yes or no; empty when not known."""
    return level(description, YES_NO, **options)


PATIENTS = pa.DataFrameSchema(
    {
        "patient_id": text(
            "Identifies the patient; links the tables. Stays out of everything that is built.",
            required=True,
            unique=True,
        ),
        "last_follow_up_day": day("Death, or last contact with the living patient.", required=True),
        "vital_status": level(
            "Whether the patient was alive at last_follow_up_day.", ("alive", "dead"), required=True
        ),
        "entry_day": day(
            "First day of observation, where it began after day 0 (late entry); before it the patient is not "
            "at risk. Empty when it began on day 0."
        ),
        "car_t_product": level("CAR T-cell product infused.", ("axi-cel", "tisa-cel", "liso-cel", "other")),
        "bridging_therapy": yes_no("Any therapy between leukapheresis and infusion."),
        "bridging_radiotherapy": yes_no("Radiotherapy as, or as part of, the bridging therapy."),
        "first_assessment_day": day("First response assessment after infusion (usually about day 30)."),
        "best_response": level("Best response to CAR T-cell therapy before any salvage therapy.", RESPONSES),
        "response_day": day("First day on which a partial or complete response was seen."),
        "complete_response_day": day("First day on which a complete response was seen."),
        "failure_day": day("Refractory disease, relapse or progression after the index therapy."),
        "failure_pattern": level(
            "Where the disease failed, compared with the sites involved before the index therapy.",
            {
                "local": "only in previously involved sites",
                "local and de novo": "in previously involved and in new sites",
                "de novo": "only in new sites",
            },
        ),
        "cd19_at_failure": level(
            "CD19 on the tumour at failure; empty when not evaluated.", ("positive", "negative")
        ),
        "salvage_start_day": day("Start of the first salvage therapy."),
        "salvage_regimen": level("Regimen of the first salvage therapy, as planned.", REGIMENS),
        "progression_day": day("First progression or relapse after the start of salvage therapy."),
        "next_line_day": day("Start of the second line of salvage therapy."),
        "transplant_day": day("Allogeneic stem-cell transplant after the index therapy failed."),
        "over_60": yes_no("Older than 60 years at salvage therapy."),
        "cns_disease": yes_no("Disease of the central nervous system at salvage therapy."),
        "bulky_disease": yes_no("A mass of at least 5 cm at salvage therapy; empty when not measured."),
        "disease_sites": count("Number of disease sites at salvage therapy, nodal and extranodal.", 0, 60),
        "extranodal_sites": count("Number of extranodal disease sites at salvage therapy.", 0, 60),
        "ecog": count("ECOG performance status at salvage therapy.", 0, 4),
        "stage": level(
            "Ann Arbor stage at salvage therapy (or at the index event).", ("I", "II", "III", "IV")
        ),
        "ldh_elevated": yes_no("Lactate dehydrogenase above the upper limit of normal at salvage therapy."),
        "ipi": count("International Prognostic Index at salvage therapy.", 0, 5),
        "last_disease_status": level("Disease status at last follow-up.", RESPONSES),
    },
    description="One row a patient. The only table that every cohort must have.",
)

SITES = pa.DataFrameSchema(
    {
        "patient_id": text("The patient, as in the patients table.", required=True),
        "course": count(
            "Number of the radiotherapy course within the patient, from 1.", 1, 30, required=True
        ),
        "rt_start_day": day("Start of the course.", required=True),
        "rt_field": level(
            "Whether the course covered all the disease.",
            {
                "comprehensive": "every site seen on the scan before radiotherapy",
                "focal": "some of the sites",
            },
        ),
        "region": level(
            "Body region of the site.",
            ("CNS", "head and neck", "chest", "abdomen", "pelvis", "paraspinal", "extremities"),
        ),
        "technique": level(
            "Technique; empty when radiation details are incomplete.",
            {
                "3DCRT": "three-dimensional conformal",
                "IMRT": "intensity-modulated",
                "3DCRT/IMRT": "both",
                "electrons": "electron beam",
            },
        ),
        "dose_gy": number("Total dose to the site.", "Gy", 0.5, 90),
        "fractions": count("Number of fractions.", 1, 60),
        "bulky_site": yes_no(
            "At least 5 cm at the time of radiotherapy; empty when not assessable by PET/CT."
        ),
        "previously_irradiated": yes_no("Same site irradiated before (for example as bridging)."),
        "in_field_response": level(
            "Last known disease status within the field.",
            RESPONSES | {"not evaluable": "no assessment after radiotherapy"},
        ),
        "in_field_progression_day": day("First progression within the field."),
    },
    description="One row an irradiated site. Rows of one course share patient, course, start and field.",
)

LINES = pa.DataFrameSchema(
    {
        "patient_id": text("The patient, as in the patients table.", required=True),
        "line": count("Number of the line of salvage therapy, from 1.", 1, 30, required=True),
        "line_start_day": day("Start of the line.", required=True),
        "modality": level(
            "What the line consisted of.",
            REGIMENS | {"HSCT": "allogeneic stem-cell transplant", "CAR T": "a second CAR T-cell infusion"},
            required=True,
        ),
    },
    description="One row a line of salvage therapy.",
)

SCREENING = pa.DataFrameSchema(
    {
        "patient_id": text(
            "The patient; those included carry the identifier of the patients table.",
            required=True,
            unique=True,
        ),
        "included": yes_no("Whether the patient met the eligibility criteria.", required=True),
        "exclusion_reason": level(
            "Why not; empty when not known.", ("no failure", "no salvage therapy", "other disease", "other")
        ),
    },
    description="One row a patient of the database from which the cohort was drawn.",
)

TABLES = {"patients": PATIENTS, "sites": SITES, "lines": LINES, "screening": SCREENING}
REPEATING = ("sites", "lines")  # the tables with several rows a patient
INDEX_DATE = day("Date of day 0: the CAR T-cell infusion, or whatever the cohort counts from.")


def collected(table: str) -> dict[str, pa.Column]:
    """The columns of a table as people fill them in: a calendar date for each moment, and in patients the
    date of day 0.
    """
    columns = {re.sub("_day$", "_date", name): column for name, column in TABLES[table].columns.items()}
    if table != "patients":
        return columns
    return {"patient_id": columns.pop("patient_id"), "infusion_date": INDEX_DATE} | columns
