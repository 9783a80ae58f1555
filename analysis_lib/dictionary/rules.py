"""Columns that others give, columns that contradict or belong to each other, and rules that warn."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

# Rules whose violation is odd and not impossible, and what the book says of them; all other rules stop.
WARNINGS = {
    "unused_column": "A column of the file is not used, although its name is almost one of the data "
    "dictionary",
    "time_unit": "The times of follow-up look as if they were in another unit",
    "constant": "All patients have one and the same vital status",
    "nobody": "A column of moments is empty, which is read as: it happened to nobody",
    "old_date": "A date lies before 1990",
    "together": "A value is given, but not the moment that it speaks of",
    "contradiction": "Two answers exclude each other",
    "ipi": "The IPI disagrees with its parts",
    "first_line": "The first line of salvage therapy is not the same in the patients table and the table of "
    "lines",
    "second_line": "The second line of salvage therapy does not start on the same day in the patients table "
    "and the table of lines",
    "twins": "A patient agrees with another in every column",
    "screening": "The table of screening disagrees with the patients table",
    "hidden": "Rows or columns are hidden in the sheet, and were read like all others",
    "merged": "Merged cells were read as a person sees them",
    "headings": "The headings do not stand in the first row",
    "no_heading": "A column has values and no heading, and is not read",
    "month_only": "Dates are shown without their day, which is perhaps not known",
    "everybody": "A moment is perhaps a time without an event, or counts death as one",
    "death_date": "The day of death is missing, or lies before the last contact",
    "swapped": "Day and month of dates are perhaps exchanged",
    "identifier": "Identifiers look alike, or spoilt by a spreadsheet",
    "code": "A number of days is perhaps a code that means “not known”",
    "one_answer": "A question has no other answer than yes, and empty cells",
    "day_number": "Dates are given as numbers of days, which programs count from different years",
    "starts_at_one": "No patient has ECOG 0, as if its answers were numbered from 1",
    "no_time": "A patient is watched for no time, and counts nowhere",
    "ragged": "Rows of the file end before its last heading",
    "empty_form": "Boxes of a form are all empty, and read as not ticked",
}


@dataclass(frozen=True)
class Derived:
    """A yes/no column that the library derives: ``yes`` where ``source`` is at least ``at_least`` or one of
    ``levels``.
    """

    description: str
    source: str
    at_least: int | None = None
    levels: tuple[str, ...] = ()

    def met(self, values: pd.Series) -> pd.Series:
        """Whether each value of the source meets the rule; missing where the value is."""
        holds = values >= self.at_least if self.at_least is not None else values.isin(self.levels)
        return holds.astype("boolean").where(values.notna())


DERIVED = {
    "responder": Derived(
        "Partial or complete response to CAR T-cell therapy", "best_response", levels=("CR", "PR")
    ),
    "two_or_more_sites": Derived("Two or more sites of disease", "disease_sites", at_least=2),
    "extranodal_disease": Derived("Extranodal disease", "extranodal_sites", at_least=1),
    "poor_performance": Derived("ECOG performance status 2 or worse", "ecog", at_least=2),
    "advanced_stage": Derived("Stage III or IV", "stage", levels=("III", "IV")),
    "high_ipi": Derived("IPI 3 or more", "ipi", at_least=3),
}

# The International Prognostic Index counts these.
IPI_PARTS = (
    Derived("Older than 60 years", "over_60", levels=("yes",)),
    DERIVED["poor_performance"],
    Derived("Elevated LDH", "ldh_elevated", levels=("yes",)),
    DERIVED["advanced_stage"],
    Derived("More than one extranodal site", "extranodal_sites", at_least=2),
)

# What groups that an analysis forms itself are made from; a cohort without it is told so.
SOURCES = {
    "bed_group": ("sites.dose_gy", "sites.fractions"),
    "comprehensive_sites": ("sites.rt_field",),
    "further_therapy": ("sites.rt_field", "stage", "lines.line_start_day"),
}

# Moments that must not come before others of the same patient: (earlier, later).
ORDER = (
    ("response_day", "failure_day"),
    ("complete_response_day", "failure_day"),
    ("response_day", "complete_response_day"),
    ("failure_day", "salvage_start_day"),
    ("failure_day", "transplant_day"),
    ("salvage_start_day", "progression_day"),
    ("salvage_start_day", "next_line_day"),
    ("failure_day", "last_follow_up_day"),
    ("salvage_start_day", "last_follow_up_day"),
    ("progression_day", "last_follow_up_day"),
    ("next_line_day", "last_follow_up_day"),
    ("transplant_day", "last_follow_up_day"),
    ("first_assessment_day", "last_follow_up_day"),
    ("entry_day", "last_follow_up_day"),
    ("response_day", "last_follow_up_day"),
    ("complete_response_day", "last_follow_up_day"),
)

# Columns of the patients table of which the first makes no sense without the second.
TOGETHER = (
    ("failure_pattern", "failure_day"),
    ("cd19_at_failure", "failure_day"),
    ("salvage_start_day", "failure_day"),
    ("salvage_regimen", "salvage_start_day"),
    ("progression_day", "salvage_start_day"),
    ("next_line_day", "salvage_start_day"),
)

# Answers that exclude each other: (column, answers, other column, answers); None stands for any moment.
CONTRADICTIONS = (
    ("bridging_radiotherapy", ("yes",), "bridging_therapy", ("no",)),
    ("response_day", None, "best_response", ("SD", "PD")),
    ("complete_response_day", None, "best_response", ("PR", "SD", "PD")),
)
