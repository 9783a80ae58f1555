"""Do the tables of a cohort agree with themselves and with medicine? What is impossible stops, what is odd is
warned of.

Each rule is a function that takes the :class:`~analysis_lib.intake.given.Files` of a cohort and returns rows
(:func:`analysis_lib.cohort.problems.problem`). The rules that compare columns are declared in
:mod:`analysis_lib.dictionary.rules`.
"""

from __future__ import annotations

from analysis_lib.intake import impossible, odd_dates, odd_files, odd_patients
from analysis_lib.intake.given import Files

RULES = (*impossible.RULES, *odd_patients.RULES, *odd_files.RULES, *odd_dates.RULES)


def check(files: Files) -> list[dict]:
    """All that the rules find."""
    return [row for rule in RULES for row in rule(files)]
