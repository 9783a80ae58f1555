"""Files of SPSS, Stata, SAS and R, read as rows of text by what can read them, if that is installed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pandas as pd
from pandas.api.extensions import ExtensionArray

from analysis_lib.intake.raw import Unreadable, as_text, within_limits

SUFFIXES = {
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}
R = ".rds"
DAYS_OF_R = {"secs": 1 / 86400, "mins": 1 / 1440, "hours": 1 / 24, "days": 1, "weeks": 7}  # units of difftime
# How SPSS, SAS and Stata show dates by their week, month or quarter.
MONTHS = re.compile(r"(MOYR|QYR|WKYR|MONYY|MMYY|YYMM(?!DD)|YYMON|YYQ)|%t[wmqh]", re.I)
INSTALL = (
    'Install it with `pip install "salvage-book[statistics]"`, or save the table as CSV (UTF-8) and '
    "name that file."
)
SAVE_AGAIN = "Save the table as CSV (UTF-8) in the program that wrote it, and name that file."


def read_statistics(path: Path, suffix: str) -> tuple[list[list[str]], dict[str, dict[int, str]], list[str]]:
    """The rows of a file with its headings first, the codes below the labels of columns that have labels, and
    the columns of dates that the program shows without a day.

    What the file declares as missing is empty. Codes are by column and row of the file (the first row is 2,
    as below the headings of a sheet), for columns that are to hold numbers after all.

    Raises
    ------
    Unreadable
        When the file is damaged, or what reads it is not installed.
    """
    library = _library(suffix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of R's classes that have no meaning here
            frame, codes, months = (
                (_of_r(library, path), {}, [])
                if suffix == R
                else _labelled(getattr(library, SUFFIXES[suffix]), path)
            )
    except Unreadable:
        raise
    except Exception as error:  # a damaged file fails in as many ways as it can be damaged
        raise Unreadable(
            f"this is not a readable {suffix} file ({type(error).__name__})", SAVE_AGAIN
        ) from None
    rows = [[as_text(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return [[str(column) for column in frame.columns], *rows], codes, months


def _library(suffix: str) -> ModuleType:
    try:
        if suffix == R:
            import rdata

            return rdata
        import pyreadstat

        return pyreadstat
    except ImportError as error:
        raise Unreadable(
            f"{suffix} files are read with {error.name}, which is not installed", INSTALL
        ) from None


def _labelled(read: Callable, path: Path) -> tuple[pd.DataFrame, dict[str, dict[int, str]], list[str]]:
    _, about = read(str(path), metadataonly=True)
    within_limits(about.number_columns or 0, (about.number_columns or 0) * (about.number_rows or 0))
    plain, about = read(str(path))
    within_limits(plain.shape[1], plain.size)
    months = [column for column, shown in about.original_variable_types.items() if MONTHS.match(str(shown))]
    frame = plain.copy()
    for column, labels in about.variable_value_labels.items():
        frame[column] = [labels.get(value, value) for value in plain[column].astype(object)]
    codes = {
        column: {row: as_text(value) for row, value in enumerate(plain[column].astype(object), 2)}
        for column in about.variable_value_labels
    }
    return frame, codes, months


def _posixct(seconds: Any, attributes: Mapping[str, Any]) -> ExtensionArray:
    """Moments as their own time zone shows them: midnight in Berlin is the evening before in Greenwich."""
    found = pd.Series(pd.to_datetime(pd.Series(seconds, dtype="Float64"), unit="s"))
    zone = str(next(iter(attributes.get("tzone", [])), "") or "UTC")
    return found.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).array


def _difftime(spans: Any, attributes: Mapping[str, Any]) -> ExtensionArray:
    """Spans of time in days, whatever R counts them in."""
    return (pd.Series(spans, dtype="Float64") * DAYS_OF_R[str(next(iter(attributes["units"])))]).array


def _refused(of: str, do: str) -> Callable:
    def refuse(*_: Any) -> NoReturn:
        raise Unreadable(f"a column of this .rds file is {of}, which is not read", do)

    return refuse


R_CLASSES: dict[str, Callable] = {
    "Date": lambda days, _: pd.to_datetime(pd.Series(days, dtype="Float64"), unit="D").array,
    "POSIXct": _posixct,
    "difftime": _difftime,
    "POSIXlt": _refused(
        "a POSIXlt", "Turn it into dates in R, as in `d$day <- as.Date(d$day)`, and save it again."
    ),
    "haven_labelled": _refused(
        "labelled by haven", 'Save what the labels say: `saveRDS(haven::as_factor(d), "d.rds")`.'
    ),
}


def _of_r(library: ModuleType, path: Path) -> pd.DataFrame:
    found = library.read_rds(str(path), constructor_dict=library.conversion.DEFAULT_CLASS_MAP | R_CLASSES)
    if not isinstance(found, pd.DataFrame):
        raise Unreadable(
            "this .rds file holds no data frame", 'Save the data frame itself: `saveRDS(d, "d.rds")`.'
        )
    within_limits(found.shape[1], found.size)
    names = [str(name) for name in found.index]
    if not all(name.isdigit() for name in names):  # names of rows that are not only their number
        found = found.reset_index(names="row names")
    return found
