"""What is odd about a column of dates: day and month exchanged, days of another time zone, days counted from
another year.

Rules as those of :mod:`analysis_lib.intake.checks`, which calls them: each takes the files of a cohort and
returns rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis_lib.cohort.problems import problem
from analysis_lib.intake import values
from analysis_lib.intake.given import Files
from analysis_lib.intake.odd_files import MANY

LATE_DAY = 12  # the last day of a month that could be a month
TIME = r"[T ]([0-9]{2}):([0-9]{2})(?::00(?:\.0+)?)?(?:Z|\+00:?00)?$"  # of Greenwich, or of no place
# Minutes after midnight in Greenwich at which a day begins further east, where clocks are ahead by whole
# hours, or by 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5 or 10.5.
MIDNIGHTS = {
    24 * 60 - ahead for ahead in (*range(60, 14 * 60 + 1, 60), 210, 270, 330, 345, 390, 525, 570, 630)
}
NOON = 12 * 60  # minutes; what programs write for a day without a time, so that no zone moves it
SUMMER = 60  # minutes between a midnight in summer and one in winter
OF_SAS = pd.Timestamp("1960-01-01")  # SAS and Stata count days from here
NO_SPREADSHEET = pd.Timestamp("1980-01-01")  # treatments before this day stand in no spreadsheet as numbers


def columns(files: Files) -> Iterator[tuple[str, str, pd.Series]]:
    """Each column of dates: its table, its name and its cells that are not empty."""
    for name, text in files.texts.items():
        for column in [each for each in text if each.endswith("_date")]:
            yield name, column, text[column].dropna()


def early_days(files: Files) -> list[dict]:
    """Columns of dates without any day after the 12th of a month: day and month may be exchanged."""
    rows = []
    for name, column, cells in columns(files):
        days = values.dates(cells, files.manifest.date_format).dropna().dt.day
        if len(days) >= MANY and days.max() <= LATE_DAY and days.nunique() > 4:
            rows.append(
                problem(
                    name,
                    f"none of its {len(days)} dates lies after the {LATE_DAY}th of a month",
                    "Check them: are day and month exchanged?",
                    field=column,
                    rule="swapped",
                )
            )
    return rows


def midnights(files: Files) -> list[dict]:
    """Columns whose moments are all midnights of a place east of Greenwich, where the next day has begun.

    Programs keep a day as the moment of its midnight; written in Greenwich's time, 28 March in Berlin is
    2021-03-27 23:00, and 22:00 in summer.
    """
    rows = []
    for name, column, cells in columns(files):
        clock = cells.str.extract(TIME).astype("Float64")
        minutes = 60 * clock[0] + clock[1]
        if len(cells) < values.FEW_DATES or minutes.isna().any():
            continue
        alike = minutes.isin(MIDNIGHTS).all() and minutes.nunique() <= 2 and not (minutes == NOON).all()
        if alike and minutes.max() - minutes.min() in (0, SUMMER):
            times = " or ".join(sorted(cells.str.extract("([0-9]{2}:[0-9]{2})", expand=False).unique()))
            rows.append(
                problem(
                    name,
                    f"all of its {len(cells)} moments are at {times}, which is midnight further east: the "
                    "day that was meant is perhaps the next one",
                    "Write the days alone, without a time, from the program that holds them.",
                    field=column,
                    rule="midnight",
                )
            )
    return rows


def day_numbers(files: Files) -> list[dict]:
    """Columns of dates that hold numbers of days, which programs count from different years."""
    rows, numbered, written = [], [], False
    for name, column, cells in columns(files):
        numbers = cells[cells.str.fullmatch(values.DAY_NUMBER)]
        written |= len(numbers) < len(cells)
        if len(numbers):
            numbered.append((name, column, pd.to_numeric(numbers)))
    for name, column, numbers in numbered:
        read = values.dates(numbers.astype("string"), files.manifest.date_format)
        concern = ""
        if read.median() < NO_SPREADSHEET:
            of_sas = OF_SAS + pd.Timedelta(days=int(numbers.median()))
            concern = (
                f"its numbers of days are read as a spreadsheet counts them, from 1900, and lie around "
                f"{read.median().year}; SAS and Stata count from 1960, which makes {of_sas.year}"
            )
        elif written:
            concern = (
                "it holds numbers of days, read as a spreadsheet counts them, from 1900, beside dates that "
                "are written out; old spreadsheets of a Mac count from 1904, which makes four years more"
            )
        if concern:
            rows.append(
                problem(name, concern, "Write all dates as 2021-03-28.", field=column, rule="day_number")
            )
    return rows


RULES = (early_days, midnights, day_numbers)
