"""Public cohorts of other diseases, read in their raw layout by a ``cohort.yml`` alone, factors of their own
included: every number is R's, which read the same files (tests/r/public.R).
"""

import pytest

from analysis_lib.analyses import cox_models, prognosis, survival, table_1
from analysis_lib.cohort import endpoints
from analysis_lib.files.places import ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

from beside_r import by_id, compared, fixture

PUBLIC = ROOT / "tests" / "public"
NAMES = ("rotterdam", "myeloid", "mgus2")


def analysed(study):
    """The rows of Table 1, and of every endpoint that the cohort has: as a whole, by group, and in models."""
    parts = [table_1.table_1(study), *prognosis.curves_by_own(study)]
    for name in ("OS1", "EFS1"):
        if not endpoints.lacking(study, name):
            parts += [
                survival.estimates(study, name),
                prognosis.univariable(study, name, prognosis.factors_of(study, name)),
                cox_models.multivariable(study, name, prognosis.factors_of(study, name, "together")),
            ]
    return results.collect(parts)


@pytest.fixture(scope="module", params=NAMES)
def cohort_beside_r(request):
    theirs = {
        name.removeprefix(f"{request.param}."): row
        for name, row in fixture("public")["rows"].items()
        if name.startswith(f"{request.param}.")
    }
    return by_id(analysed(read_cohort(PUBLIC / request.param))), theirs


def test_every_number_that_r_has_is_ours(cohort_beside_r):
    ours, theirs = cohort_beside_r
    assert not sorted(theirs.keys() - ours.keys())
    lines = compared(ours, theirs)
    wrong = lines[lines["apart"] > lines["allowed"]]
    assert len(lines) > 40 and wrong.empty, wrong.to_string()


def test_what_r_was_not_asked_for_follows_from_the_same_rows(cohort_beside_r):
    """Curves by a factor's levels are those of its table, under another name."""
    ours, _ = cohort_beside_r
    drawn = {name: row for name, row in ours.items() if name.startswith("own.")}
    for name, row in drawn.items():
        if ".median." in name or ".logrank." in name:
            alone = ours.get(name.removeprefix("own."))
            assert alone is None or alone["value"] == row["value"]
    assert drawn
