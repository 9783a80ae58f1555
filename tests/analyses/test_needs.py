"""Each analysis is held to what it declares: it needs all of that, and nothing else."""

import importlib
import inspect
import pkgutil
from dataclasses import replace

import pytest

from analysis_lib import analyses
from analysis_lib.cohort.endpoints import ENDPOINTS
from analysis_lib.cohort.needs import sources
from analysis_lib.dictionary import rules
from analysis_lib.dictionary.columns import TABLES
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

# What the parameters of an analysis are given here.
GIVEN = {
    "name": "OS2",
    "factor": "ldh_elevated",
    "factors": ["ldh_elevated", "advanced_stage"],
    "index": "high_ipi",
    "components": ["advanced_stage", "ldh_elevated"],
    "model": "mv",
    "adjust": ["advanced_stage"],
    "column": "technique",
    "prefix": "rt.technique",
    "first": "ST",
    "alpha_beta": 10,
    "days": 90,
    "month": 3,
    "grace": 6,
    "by": "salvage_regimen",
}
# Columns without which a table is not read at all.
ALWAYS = {
    column if table == "patients" else f"{table}.{column}"
    for table, schema in TABLES.items()
    for column, declared in schema.columns.items()
    if declared.required
}


def declaring():
    """Every function of the analyses that says what it needs, by module and name."""
    found = {}
    for module in pkgutil.iter_modules(analyses.__path__):
        names = vars(importlib.import_module(f"analysis_lib.analyses.{module.name}"))
        found |= {
            f"{module.name}.{name}": function
            for name, function in names.items()
            if inspect.isfunction(function)
            and hasattr(function, "needs")
            and function.__module__.endswith(f".{module.name}")
        }
    return found


DECLARING = declaring()


def arguments(analysis):
    return {name: GIVEN[name] for name in inspect.signature(analysis).parameters if name in GIVEN}


def asked(analysis, part):
    """Columns that a part of the declaration asks of a cohort, endpoints taken apart."""
    given, found = arguments(analysis), []
    for name in getattr(analysis.needs, part):
        value = given[name.strip("{}")] if name.startswith("{") else name.format(**given)
        for one in [value] if isinstance(value, str) else value:
            if one in ENDPOINTS:
                endpoint = ENDPOINTS[one]
                table = "" if endpoint.unit == "patients" else "sites."
                first = endpoint.events[0]
                found += [table + endpoint.origin] if endpoint.origin else []
                found += [first.when[0] if first.when else table + first.column]
            else:
                found += sources(one)
    return found


def source_of(column):
    return rules.DERIVED[column].source if column in rules.DERIVED else column


def without(study, gone):
    """The cohort without some columns; ``gone`` takes a column's name with its table and says so."""
    tables = {}
    for table in TABLES:
        frame = getattr(study, table)
        dropped = [c for c in frame if gone(c if table == "patients" else f"{table}.{c}")]
        tables[table] = frame.drop(columns=dropped)
    return replace(study, **tables)


@pytest.fixture(scope="module")
def whole():
    return read_cohort("reconstructed")


def test_most_analyses_declare_what_they_need():
    assert len(DECLARING) > 35 and {"failure.cd19", "cox_models.cox", "field_dose.doses"} <= set(DECLARING)
    assert all(analysis.needs.wanted or analysis.needs.any_of for analysis in DECLARING.values())


@pytest.mark.parametrize("name", DECLARING)
def test_without_any_of_it_there_is_the_row_that_says_so(name, whole):
    analysis = DECLARING[name]
    given = arguments(analysis)
    cases = [[column] for column in asked(analysis, "wanted")]
    if analysis.needs.any_of:
        cases.append(asked(analysis, "any_of"))
    for missing in cases:
        said = analysis(without(whole, missing.__contains__), **given)
        assert list(said["result_id"]) == [results.slug(analysis.needs.result_id.format(**given))]
        reason = results.skip_reason(said)
        assert reason.startswith("this cohort has no column")
        assert all(source_of(column) in reason for column in missing)


@pytest.mark.parametrize("name", DECLARING)
def test_it_asks_for_nothing_that_it_does_not_declare(name, whole):
    analysis = DECLARING[name]
    kept = ALWAYS | {*asked(analysis, "wanted"), *asked(analysis, "any_of")[:1]}
    kept |= {source_of(column) for column in kept}
    kept |= {column for column, derived in rules.DERIVED.items() if derived.source in kept}
    rows = analysis(without(whole, lambda column: column not in kept), **arguments(analysis))
    assert len(rows) and not results.skip_reason(rows).startswith("this cohort has no column")
