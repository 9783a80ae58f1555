"""What the data dictionary does not allow, said in our words."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from analysis_lib.cohort.problems import problem
from analysis_lib.intake import values
from analysis_lib.intake.pairs import as_date

REQUIRED = "a value is required here"
BEFORE_DAY_0 = "it lies before day 0"


def violations(
    name: str, table: pd.DataFrame, text: pd.DataFrame, schema: pa.DataFrameSchema, problems: list[dict]
) -> list[dict]:
    """What the data dictionary does not allow in the columns that are there, found by pandera, said in our
    words.

    Cells that a problem already speaks of, and dates that could not be counted, are not said to be empty as
    well.
    """
    told = {(each["row"], each["field"]) for each in problems if each["table"] == name}
    try:
        with warnings.catch_warnings():
            # pandera concatenates empty frames; its next release does not
            warnings.simplefilter("ignore", FutureWarning)
            schema.validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.drop_duplicates(["column", "check", "index"])
        found = [
            _in_words(name, schema, case) for case in cases.to_dict("records") if case["index"] is not None
        ]
        found = [
            each
            for each in found
            if each["concern"] != REQUIRED
            or (
                pd.isna(
                    text.at[each["row"], each["field"] if each["field"] in text else as_date(each["field"])]
                )
                and (each["row"], each["field"]) not in told
            )
        ]
        late = table.index[_late(table, text)] if "infusion_date" in text else []
        return [
            problem(
                name,
                "it comes after every other date of the patient",
                "Check it: are day and month, or two columns, exchanged?",
                row=int(row),
                field="infusion_date",
            )
            for row in late
        ] + [each for each in found if not (each["row"] in late and each["concern"] == BEFORE_DAY_0)]
    return []


def _late(table: pd.DataFrame, text: pd.DataFrame) -> pd.Series:
    """Whether the infusion date comes after every other date of the patient, which makes all of them wrong at
    once.
    """
    dated = [table[column] for column in table if column.endswith("_day") and column not in text]
    return (
        (pd.concat(dated, axis=1).max(axis=1) < 0).fillna(False).astype(bool)
        if dated
        else pd.Series(False, index=table.index)
    )


def _in_words(name: str, schema: pa.DataFrameSchema, case: dict) -> dict:
    column, check = case["column"], str(case["check"])
    meta = schema.columns[column].metadata
    value: Any = "" if pd.isna(case["failure_case"]) else case["failure_case"]
    if check.startswith("isin"):
        levels = ", ".join(meta["levels"])
        concern, advice = (
            f"it must be one of {levels}",
            ("Translate it under `values:` in cohort.yml, or correct it."),
        )
        if str(value) in ("0", "1", "2"):
            meaning = " or ".join(meta["levels"]) if len(meta["levels"]) == 2 else "its level"
            advice = (
                "A code does not say what it means: declare it in cohort.yml, as in "
                f'`values: {{{name}: {{{column}: {{"{value}": {meaning}}}}}}}`.'
            )
    elif check.startswith("in_range"):
        low, high = re.findall(r"-?[\d.]+", check)[:2]
        unit = f" {meta['unit']}" if meta["unit"] else ""
        concern, advice = (
            f"it must lie between {low} and {high}{unit}",
            ("Correct the value, or leave the cell empty."),
        )
        if values.looks_like_a_code(value):
            advice += (
                f' If it stands for "not known", write `values: {{{name}: {{{column}: {{"{value:g}": '
                f'""}}}}}}`.'
            )
        if meta["kind"] == "day" and value < 0:
            concern, advice = BEFORE_DAY_0, "Check it, and the date of day 0."
        elif column == "dose_gy" and value > 90:
            advice = "If the file gives cGy, divide by 100."
    elif check == "not_nullable":
        concern, advice = REQUIRED, "Fill it in, or leave the row out of the file."
    else:
        concern, advice = "the same identifier stands in more than one row", "Keep one row a patient."
    return problem(name, concern, advice, row=int(case["index"]), field=column, value=value)
