"""Tables of chapters 7 and 9 whose lines are not one row each."""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses.multiplicity import METHODS, column_of, with_corrections
from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import derived
from analysis_lib.show import numbers


@derived
def design_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The comparisons as finished text, one line each."""
    if results.skip_reason(rows):
        return rows
    by_id = rows.set_index("result_id", drop=False)
    seen = [one for one in by_id.index if f"{one}.events" in by_id.index]
    return pd.DataFrame(
        {
            "Comparison": [by_id.loc[one, "group"] for one in seen],
            "Patients / events": [
                f"{numbers.counted(by_id.loc[one], 'n')} / {numbers.counted(by_id.loc[one], 'events')}"
                for one in seen
            ],
            "HR (95% CI)": [numbers.compact(by_id.loc[one]) for one in seen],
            "Smallest HR to be found": [numbers.estimate(by_id.loc[f"{one}.detectable"]) for one in seen],
            "Events / patients needed": [
                _needed(*(by_id.loc[f"{one}.{what}", "value"] for what in ("events", "patients")))
                for one in seen
            ],
        }
    )


def _needed(events: float, patients: float) -> str:
    return "no difference to see" if pd.isna(events) else f"{int(events)} / {int(patients)}"


@derived
def multiplicity_table(tests: pd.DataFrame) -> pd.DataFrame:
    """All tests as finished text, in the order of the chapters: ``Comparison, P`` and P after each
    correction. No P decides which of them is shown.
    """
    if results.skip_reason(tests):
        return tests
    tests = with_corrections(tests)
    p = tests["value"].astype(float)
    columns = {"P": p} | {
        words.split("'")[0]: tests[column_of("all", name)] for name, (_, words) in METHODS.items()
    }
    shown = pd.DataFrame(
        {"Comparison": [name_of(one.result_id, one.group) for one in tests.itertuples()]} | columns
    )
    marks = [numbers.rough_mark(one) for _, one in tests.iterrows()]
    return shown.assign(
        **{
            column: [
                rounding.p_value(value).removeprefix("P ").removeprefix("= ") + mark
                for value, mark in zip(shown[column], marks)
            ]
            for column in columns
        }
    )


@derived
def holm_table(single: pd.DataFrame, holm: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """An endpoint's tests of single factors as finished text, in their order: ``Factor, P, Holm``.

    Parameters
    ----------
    single, holm : pandas.DataFrame
        Of :func:`analysis_lib.analyses.prognosis.univariable`, and of its ``holm``.
    endpoint : str
        Such as ``OS2``.
    """
    if results.skip_reason(holm):
        return holm
    by_id = single.set_index("result_id", drop=False)
    corrected = holm[holm["statistic"] == "p"]
    first = [_first_of(by_id, endpoint, one) for one in corrected["by"]]
    return pd.DataFrame(
        {
            "Factor": corrected["group"],
            "P": ["–" if one is None else numbers.bare_p(one) for one in first],
            "Holm": [numbers.bare_p(one) for _, one in corrected.iterrows()],
        }
    )


def _first_of(by_id: pd.DataFrame, endpoint: str, factor: str) -> pd.Series | None:
    """The test of a factor before correction: log-rank, or that of its hazard ratio where it is a number."""
    ids = results.slug(endpoint, "logrank", factor), results.slug("cox", endpoint, "uv", factor, "p")
    return next((by_id.loc[each] for each in ids if each in by_id.index), None)


def name_of(result_id: str, group: str) -> str:
    """What a comparison is called: ``OS2: elevated LDH``, ``Regimens: IPI``."""
    first, second = result_id.split(".")[:2]
    where = {
        "table1": "Regimens",
        "first": "Comprehensive and focal fields",
        "bed": "Irradiated sites",
        "lc": "Local control",
        "osrt": "OS from radiotherapy",
        "cox": f"{second.upper()}, several factors",
    }.get(first, first.upper())
    return f"{where}: {group}"
