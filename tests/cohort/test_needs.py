"""What an analysis declares that it needs: who is told what, and in which order."""

import pandas as pd
import pytest

from analysis_lib.cohort import disclosure, endpoints, first_course
from analysis_lib.cohort.needs import needs, sources
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results


@needs("asked.{name}", "stage", "{factors}", "{name}", "sites.rt_field")
def asked(study, name, factors=("ecog",)):
    """Docstring."""
    return results.collect([results.row("asked.answer", "count", len(study.patients))])


@disclosure.protected
@needs("either", any_of=("{factors}",))
def either(study, factors):
    return results.collect([results.row("either.answer", "count", len(study.patients))])


def said(rows):
    return list(rows["result_id"]), results.skip_reason(rows)


@pytest.fixture(scope="module")
def bare():
    return read_cohort("lymphoma")


def test_columns_that_stand_together_are_missed_together_and_the_first_group_is_said(bare):
    assert said(asked(bare, "OS2")) == (["asked.os2"], "this cohort has no column ecog")
    assert said(asked(bare, "OS2", factors=["ecog", "ldh_level"])) == (
        ["asked.os2"],
        "this cohort has no columns ecog and ldh_level",
    )
    assert said(asked(bare, "OS2", [])) == (["asked.os2"], "this cohort has no column salvage_start_day")
    assert said(asked(bare, "OS1", factors=())) == (["asked.os1"], "this cohort has no column sites.rt_field")


def test_of_several_columns_one_may_be_enough(bare):
    assert said(either(bare, ["ecog", "ipi"])) == (["either"], "this cohort has no columns ecog and ipi")
    assert list(either(bare, ["ecog", "stage"])["result_id"]) == ["either.answer"]


def test_a_cohort_that_has_all_is_analysed_and_the_declaration_can_be_read():
    assert list(asked(read_cohort("reconstructed"), "OS2")["result_id"]) == ["asked.answer"]
    assert (asked.needs.result_id, asked.needs.wanted) == (
        "asked.{name}",
        ("stage", "{factors}", "{name}", "sites.rt_field"),
    )
    assert either.needs.any_of == ("{factors}",) and asked.__doc__ == "Docstring."


def test_what_is_said_has_passed_disclosure_control(bare):
    assert results.skip_reason(asked(bare, "OS2")) and asked(bare, "OS2").rule == bare.min_cell_count


def test_groups_are_read_from_their_sources():
    assert sources("bed_group") == ("sites.dose_gy", "sites.fractions")
    assert sources("bulky_site") == ("sites.bulky_site",) and sources("stage") == ("stage",)


def test_first_courses_know_their_dose_without_being_told():
    study = read_cohort("reconstructed")
    given, told = (
        endpoints.derive(first_course.with_first_course(study, ratio), "OSRT") for ratio in (3, 10)
    )
    pd.testing.assert_frame_equal(endpoints.derive(study, "OSRT"), told)
    assert not given["bed_group"].equals(told["bed_group"])  # what a reader chose stays
