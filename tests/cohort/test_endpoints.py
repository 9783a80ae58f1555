"""Endpoints: the first event counts, otherwise the last follow-up, and every time says where it came from."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.analyses import survival
from analysis_lib.cohort import endpoints, first_course
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.rows import results


def study_of(patients, sites=None):
    days = {c: "Int64" for c in patients if c.endswith("_day")}
    return Cohort(
        "x",
        "X",
        "CAR T-cell infusion",
        True,
        "",
        patients.astype(days),
        sites=pd.DataFrame()
        if sites is None
        else sites.astype({c: "Int64" for c in sites if c.endswith("_day")}),
    )


PATIENTS = pd.DataFrame(
    {
        "patient_id": list("ABCD"),
        "last_follow_up_day": [400, 300, 200, 90],
        "vital_status": ["dead", "alive", "dead", "alive"],
        "failure_day": [60, 50, 40, None],
        "salvage_start_day": [100, 80, 70, None],
        "progression_day": [180, None, None, None],
        "next_line_day": [150, None, None, None],
    }
)


def test_os1_runs_from_day_0_to_death_or_last_follow_up():
    os1 = endpoints.derive(study_of(PATIENTS), "OS1")
    assert os1["days"].tolist() == [400, 300, 200, 90]
    assert os1["event"].tolist() == [True, False, True, False]
    assert os1["ended_by"].tolist() == ["death", "alive at last follow-up"] * 2


def test_efs2_takes_the_first_of_its_events_and_leaves_out_who_had_no_salvage():
    efs2 = endpoints.derive(study_of(PATIENTS), "EFS2")
    assert efs2["patient_id"].tolist() == list("ABC")
    assert efs2["days"].tolist() == [50, 220, 130]
    assert efs2["ended_by"].tolist() == ["new line of therapy", "alive at last follow-up", "death"]
    assert efs2["source"].tolist() == ["next_line_day", "last_follow_up_day", "last_follow_up_day"]


def test_ttnt_runs_to_the_next_line_or_to_death_whatever_the_disease_does_meanwhile():
    later = PATIENTS.assign(progression_day=[120, 90, None, None])
    ttnt = endpoints.derive(study_of(later), "TTNT")
    assert ttnt["patient_id"].tolist() == list("ABC")  # D had no salvage therapy
    assert ttnt["days"].tolist() == [50, 220, 130]
    assert ttnt["event"].tolist() == [True, False, True]
    assert ttnt["ended_by"].tolist() == ["new line of therapy", "alive at last follow-up", "death"]


def test_ttnt_is_defined_estimated_and_refused_without_the_next_line():
    study = study_of(PATIENTS)
    (line,) = [each for each in endpoints.definitions(study).to_dict("records") if each["Endpoint"] == "TTNT"]
    assert line["Event, whichever comes first"] == "new line of therapy, death"
    assert line["Read from"] == "next_line_day, last_follow_up_day"
    rows = survival.estimates(study, "TTNT").set_index("result_id")
    assert rows.loc["ttnt.median", "value"] == pytest.approx(130 / 30.4375)
    assert rows.loc["ttnt.median", ["n", "events"]].tolist() == [3, 2]
    without = study_of(PATIENTS.drop(columns="next_line_day"))
    assert "next_line_day" in results.skip_reason(survival.estimates(without, "TTNT"))
    assert "TTNT" not in endpoints.definitions(without)["Endpoint"].tolist()


def test_events_on_the_same_day_are_credited_to_the_first_declared():
    tied = PATIENTS.assign(progression_day=[150, None, None, None])
    assert endpoints.derive(study_of(tied), "EFS2")["ended_by"].iloc[0] == "progression or relapse"


def test_optional_event_columns_may_be_absent_but_the_origin_may_not():
    assert endpoints.lacking(study_of(PATIENTS.drop(columns="next_line_day")), "EFS2") == ""
    assert "salvage_start_day" in endpoints.lacking(
        study_of(PATIENTS.drop(columns="salvage_start_day")), "EFS2"
    )
    assert "rt_start_day" in endpoints.lacking(study_of(PATIENTS), "LC")


SITES = pd.DataFrame(
    {
        "patient_id": ["A", "A", "A", "B"],
        "course": [1, 1, 2, 1],
        "rt_start_day": [110, 110, 200, 90],
        "rt_field": ["focal", "focal", "comprehensive", "comprehensive"],
        "dose_gy": [20.0, 30.0, 36.0, None],
        "fractions": [5, 10, 18, None],
        "in_field_response": ["CR", "not evaluable", "PD", "CR"],
        "in_field_progression_day": [None, None, 230, None],
    }
)


def test_in_field_control_counts_assessed_sites_and_censors_at_last_follow_up():
    control = endpoints.derive(study_of(PATIENTS, SITES), "LC")
    assert control["days"].tolist() == [290, 30, 210]
    assert control["event"].tolist() == [False, True, False]


def test_first_courses_are_one_row_a_patient_with_the_highest_dose():
    first = first_course.first_courses(SITES)
    assert first["patient_id"].tolist() == ["A", "B"]
    assert first["n_sites"].tolist() == [2, 1]
    assert first["dose_gy"].iloc[0] == 30.0 and first["fractions"].iloc[0] == 10
    assert endpoints.derive(study_of(PATIENTS, SITES), "OSRT")["days"].tolist() == [290, 210]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(*[st.none() | st.integers(0, 500)] * 3, st.integers(0, 500), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_time_is_the_earliest_of_what_is_known(rows):
    patients = pd.DataFrame(
        rows, columns=["failure_day", "salvage_start_day", "other", "last_follow_up_day", "dead"]
    )
    patients = patients.assign(
        patient_id=[str(i) for i in range(len(rows))],
        vital_status=["dead" if dead else "alive" for dead in patients["dead"]],
    )
    derived = endpoints.derive(study_of(patients.drop(columns=["other", "dead"])), "EFS1")
    for got, (failure, salvage, _, last, dead) in zip(derived.itertuples(), rows):
        events = [t for t in (failure, salvage, last if dead else None) if t is not None]
        assert got.event == bool(events)
        assert got.days == (min(events) if events else last)


def test_an_unknown_endpoint_is_an_error():
    with pytest.raises(KeyError):
        endpoints.derive(study_of(PATIENTS), "PFS")
