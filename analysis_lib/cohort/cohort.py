"""A cohort: its tables, tidy, validated and in days since day 0, and what to call it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis_lib.cohort import problems
from analysis_lib.dictionary import rules, words
from analysis_lib.dictionary.factors import BUILT_IN, Factor
from analysis_lib.dictionary.units import CAR_T
from analysis_lib.dictionary.words import listed

ONES = re.compile(r"(?<=[a-z]{3})s$")  # what makes an English unit plural; not that of "mmHg" or "s"
REGIMENS = "salvage_regimen"  # the groups that the study compares
# Later lines that bring the other modality to patients whose first salvage regimen was the one named.
SECOND_MODALITY = {"ST": ("RT", "CMT"), "RT": ("ST", "CMT", "HSCT", "CAR T")}


@dataclass(frozen=True, eq=False)  # compared by identity: tables have no single truth value
class Cohort:
    """Tidy tables of one cohort, in days since day 0, and what to call it.

    An absent table is an empty frame. ``patients`` holds the derived columns of the data dictionary as well.
    ``warnings`` holds what the check found odd, with rows and values of the file:
    :func:`analysis_lib.analyses.participants.noticed` is what may be shown. Counts below ``min_cell_count``
    are not shown (:mod:`analysis_lib.cohort.disclosure`); 0 and 1 show everything. ``of_the_paper``: these
    patients stand for the paper's, so its printed numbers may be held against theirs; only the library itself
    says so, no manifest can. ``made_to_agree``: they are those patients or a part of them, who
    agree with what it prints because they were made to; a hospital's invented patients were not.
    """

    name: str
    title: str
    index_event: str
    synthetic: bool
    note: str
    patients: pd.DataFrame
    sites: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    screening: pd.DataFrame = field(default_factory=pd.DataFrame)
    warnings: pd.DataFrame = field(default_factory=problems.none)
    min_cell_count: int = 0
    of_the_paper: bool = False
    made_to_agree: bool = False
    factors: tuple[Factor, ...] = BUILT_IN
    groups: str = REGIMENS  # the column whose levels stand beside each other in tables and curves
    competing: Mapping[str, str] = field(default_factory=dict)  # moments, and what they are called

    @property
    def own_factors(self) -> tuple[Factor, ...]:
        """What the hospital declared beside the factors of the study, as far as the cohort has it."""
        return tuple(each for each in self.factors if each.own and not self.lacks(each.column))

    def factor(self, column: str) -> Factor:
        """What is declared of a column that patients are compared by; of any other, nothing but its name."""
        return next((each for each in self.factors if each.column == column), Factor(column))

    def label_of(self, column: str) -> str:
        """What this cohort's pages call a column."""
        return self.factor(column).label or words.label_of(column)

    def term_label(self, term: str) -> str:
        """What a term of a model is called: the factor, and the level where there are several."""
        column, _, level = term.partition(".")
        factor, label = self.factor(column), self.label_of(column)
        if factor.number and factor.entry is not None:
            unit = factor.entry.metadata["unit"]
            # of one there is no plural: per year, per node
            return f"{label} (per {ONES.sub('', unit) if factor.per == 1 else f'{factor.per:g} {unit}'})"
        return f"{label}: {self.level_label(column, level)}" if level else label

    def level_label(self, column: str | None, level: str) -> str:
        """What this cohort's pages call a level: what the hospital says that its own code means."""
        factor = self.factor(column or "")
        return factor.level_names.get(level, level) if factor.own else level

    def group_label(self, column: str, level: str) -> str:
        """What a group is called where its column is not named beside it: never just yes or no."""
        called = self.level_label(column, level)
        return f"{self.label_of(column)}: {called}" if called in ("yes", "no") else called

    @property
    def after_car_t(self) -> bool:
        """Whether day 0 is the CAR T-cell infusion, as in the study."""
        return self.index_event == CAR_T

    @property
    def lacks_groups(self) -> str:
        """Why there are no groups to stand beside each other; empty when there are. Of another disease the
        study's regimens are not missed: such a cohort names groups of its own, or has factors alone.
        """
        if self.groups == REGIMENS and not self.after_car_t and self.lacks(REGIMENS):
            return "this cohort names no groups as its main comparison"
        return self.lacks(self.groups)

    def lacks(self, *fields: str) -> str:
        """Say which of the fields this cohort does not have; empty when it has them all.

        Parameters
        ----------
        *fields : str
            ``"stage"`` for a column of ``patients``, ``"sites.dose_gy"`` for another table. A column without
            a single value counts as absent, unless it is a moment: the event may have happened to nobody.
        """
        absent = []
        for name in dict.fromkeys(fields):
            table, column = name.split(".") if "." in name else ("patients", name)
            frame = getattr(self, table)
            if column not in frame or (frame[column].isna().all() and not column.endswith("_day")):
                source = rules.DERIVED[column].source if column in rules.DERIVED else column
                source = "lines.modality" if column == "salvage_sequence" else source
                absent.append(source if table == "patients" else f"{table}.{source}")
        absent = list(dict.fromkeys(absent))
        return f"this cohort has no column{'s' if len(absent) > 1 else ''} {listed(absent)}" if absent else ""
