"""What a made-up cohort must not betray itself by, shared by the tests of the bundled and of the consistent
cohorts.
"""


def assert_plausible(found):
    """Hold the numbers of :func:`analysis_lib.reconstruction.check.realism` against what a clinic would
    see.
    """
    # one in thirty: whose lymphoma comes back after CAR T may die within days of the next therapy
    assert found["deaths within 14 days of salvage"] <= 4
    assert found["deaths within 28 days of salvage"] <= 7
    assert found["most deaths within any 10 days of OS2"] <= 7
    assert found["most deaths on one day of OS2"] <= 2
    assert found["not evaluable sites of patients alive"] == 0
    assert found["not evaluable sites, longest survival after radiotherapy (days)"] <= 91
    assert found["evaluable sites, shortest follow-up (days)"] >= 30
    assert found["courses within 21 days of death"] <= 2
    assert found["shortest gap between lines (days)"] >= 5
    assert found["longest follow-up (months)"] <= 60
