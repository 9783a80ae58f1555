"""Public cohorts of other diseases, read in their raw layout by a ``cohort.yml`` alone, factors of their own
included: every number is R's, which read the same files (tests/r/public.R).
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis_lib.analyses import cox_models, prognosis, survival, table_1
from analysis_lib.cohort import endpoints
from analysis_lib.estimators import curves
from analysis_lib.files.places import ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

from beside_r import apart, by_id, compared, fixture

PUBLIC = ROOT / "tests" / "public"
NAMES = ("rotterdam", "myeloid", "mgus2", "macs")
OF_GROUPS = (".late.", ".late")  # groups that the test below makes of the cohort with late entry


def analysed(study):
    """The rows of Table 1, and of every endpoint that the cohort has: as a whole, by group, and in models."""
    parts = [table_1.table_1(study), *prognosis.curves_by_own(study)]
    for name in ("OS1", "EFS1"):
        if not endpoints.lacking(study, name):
            parts += [
                survival.estimates(study, name),
                survival.follow_up(study, name),
                prognosis.univariable(study, name, prognosis.factors_of(study, name)),
                cox_models.multivariable(study, name, prognosis.factors_of(study, name, "together")),
            ]
    return results.collect(parts)


@pytest.fixture(scope="module", params=NAMES)
def cohort_beside_r(request):
    theirs = {
        name.removeprefix(f"{request.param}."): row
        for name, row in fixture("public")["rows"].items()
        if name.startswith(f"{request.param}.") and not any(each in name for each in OF_GROUPS)
    }
    return by_id(analysed(read_cohort(PUBLIC / request.param))), theirs


def test_every_number_that_r_has_is_ours(cohort_beside_r):
    ours, theirs = cohort_beside_r
    assert not sorted(theirs.keys() - ours.keys())
    lines = compared(ours, theirs)
    wrong = lines[lines["apart"] > lines["allowed"]]
    assert len(lines) > 25 and wrong.empty, wrong.to_string()


def test_what_r_was_not_asked_for_follows_from_the_same_rows(cohort_beside_r):
    """Curves by a factor's levels are those of its table, under another name."""
    ours, _ = cohort_beside_r
    drawn = {name: row for name, row in ours.items() if name.startswith("own.")}
    for name, row in drawn.items():
        if ".median." in name or ".logrank." in name:
            alone = ours.get(name.removeprefix("own."))
            assert alone is None or alone["value"] == row["value"]
    assert drawn or "cox.os1.uv.year" in ours  # whose only factor is a number


# --- late entry -----------------------------------------------------------------------------------


def test_groups_of_people_who_enter_late_are_compared_as_by_r():
    study = read_cohort(PUBLIC / "macs")
    late = pd.Categorical(np.where(study.patients["year"] >= 1995, "later", "earlier"))
    rows = by_id(
        survival.estimates(replace(study, patients=study.patients.assign(late=late)), "OS1", by="late")
    )
    theirs = {name: row for name, row in fixture("public")["rows"].items() if ".late" in name}
    assert len(theirs) == 3
    assert apart(rows["os1.logrank.late"]["value"], theirs["macs.logrank.late"]["value"]) < 1e-6
    for level in ("earlier", "later"):
        for field in ("value", "lower", "upper", "n", "events"):
            ours = rows[f"os1.median.late.{level}"][field]
            assert apart(ours, theirs[f"macs.median.late.{level}"][field]) < 1e-6


def test_what_does_not_allow_for_late_entry_says_so():
    study = read_cohort(PUBLIC / "macs")
    rows = survival.clustered_rates(study, "OS1")
    assert "observation of these patients began after day 0" in results.skip_reason(rows)
    with pytest.raises(endpoints.LateEntry):
        endpoints.derive(study, "OS1")


def test_nobody_is_at_risk_before_entry():
    frame = endpoints.derive(read_cohort(PUBLIC / "macs"), "OS1", late=True)
    assert (frame["start"] < frame["days"]).all() and len(frame) == 78
    curve = curves.kaplan_meier([10, 20, 30], [True, True, False], start=[0, 15, 5])
    assert curve.loc[curve["days"] == 10, "at_risk"].item() == 2
    assert curve.loc[curve["days"] == 20, "survival"].item() == pytest.approx(0.25)
