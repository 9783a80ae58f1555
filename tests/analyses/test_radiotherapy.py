"""Radiotherapy: dose arithmetic, site and course tables, in-field control, first courses, transplants."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.display import display

from analysis_lib.analyses import first_courses, log_rank, radiotherapy, survival, transplant
from analysis_lib.cohort import first_course
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary import units
from analysis_lib.dictionary.columns import TABLES
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.estimators import curves
from analysis_lib.intake import read
from analysis_lib.rows import results
from analysis_lib.show import figures_cohort
from analysis_lib.show import tables as shown_tables

from everywhere import as_html, everywhere

PATIENTS = {
    "patient_id": ["a", "b", "c", "d", "e"],
    "last_follow_up_day": [900, 400, 300, 250, 500],
    "vital_status": ["alive", "dead", "dead", "dead", "alive"],
    "bridging_therapy": ["yes", "no", "yes", "no", "no"],
    "bridging_radiotherapy": ["yes", None, "no", None, None],
    "salvage_start_day": [90, 80, 100, 200, 50],
    "transplant_day": [300, None, None, None, None],
    "stage": ["I", "II", "II", "IV", "IV"],
    "bulky_disease": ["no", "no", None, "yes", "no"],
}
SITES = {
    "patient_id": ["a", "a", "a", "b", "b", "c", "d"],
    "course": [1, 1, 2, 1, 1, 1, 1],
    "rt_start_day": [100, 100, 400, 90, 90, 110, 210],
    "rt_field": ["comprehensive"] * 5 + ["comprehensive", "focal"],
    "region": ["CNS", "chest", "chest", "pelvis", "pelvis", "abdomen", "chest"],
    "technique": ["IMRT", "IMRT", "3DCRT", "3DCRT", None, "3DCRT", "electrons"],
    "dose_gy": [40, 30, 20, 20, None, 36, 8],
    "fractions": [20, 10, 5, 4, None, 18, 2],
    "bulky_site": [None, "no", "no", "yes", "no", "yes", "yes"],
    "previously_irradiated": ["no", "yes", "no", "no", "no", "no", "no"],
    "in_field_response": ["CR", "CR", "PR", "PD", "CR", "PR", "not evaluable"],
    "in_field_progression_day": [None, None, None, 190, None, None, None],
}
LINES = {
    "patient_id": ["a", "a", "b", "c", "c", "d", "e"],
    "line": [1, 2, 1, 1, 2, 1, 1],
    "line_start_day": [90, 300, 80, 100, 200, 200, 50],
    "modality": ["CMT", "HSCT", "RT", "RT", "ST", "CMT", "ST"],
}


def typed(name, columns):
    frame = pd.DataFrame(columns)
    for column in frame:
        frame[column] = frame[column].astype(TABLES[name].columns[column].dtype.type)
    return read.typed(TABLES[name], frame)


def make(patients=PATIENTS, sites=SITES, lines=LINES, synthetic=True) -> Cohort:
    tables = {
        name: typed(name, columns) if columns else pd.DataFrame()
        for name, columns in (("patients", patients), ("sites", sites), ("lines", lines))
    }
    return read.with_derived(
        Cohort(name="small", title="Small", index_event=units.CAR_T, synthetic=synthetic, note="", **tables)
    )


def without(columns, *names):
    return {name: values for name, values in columns.items() if name not in names}


def only(columns, keep):
    return {name: [value for value, kept in zip(values, keep) if kept] for name, values in columns.items()}


@pytest.fixture
def study():
    return make()


def by_id(rows):
    return rows.set_index("result_id")


@pytest.mark.parametrize(
    "dose, fractions, alpha_beta, expected",
    [(30, 10, 10, 39.0), (36, 18, 10, 43.2), (20, 4, 10, 30.0), (8, 1, 10, 14.4), (50, 25, 3, 250 / 3)],
)
def test_bed_known_answers(dose, fractions, alpha_beta, expected):
    assert first_course.bed(dose, fractions, alpha_beta) == pytest.approx(expected)


@given(dose=st.floats(0.5, 90), fractions=st.integers(1, 60), alpha_beta=st.floats(0.5, 100))
def test_bed_exceeds_dose_and_falls_with_more_fractions(dose, fractions, alpha_beta):
    assert first_course.bed(dose, fractions, alpha_beta) > dose
    assert first_course.bed(dose, fractions + 1, alpha_beta) < first_course.bed(dose, fractions, alpha_beta)


def test_bed_refuses_a_ratio_that_is_no_dose():
    with pytest.raises(ValueError, match="positive"):
        first_course.bed(30, 10, 0)


def test_volume(study):
    rows = by_id(radiotherapy.volume(study))
    assert tuple(rows.loc["rt.patients", ["events", "n"]]) == (4, 5)
    assert rows.loc["rt.courses", "value"] == 5
    assert rows.loc["rt.sites", "value"] == 7
    assert rows.loc["rt.start", "value"] == pytest.approx(105 / DAYS_PER_MONTH)
    # b and d had no bridging at all: they count as not bridged with radiotherapy, not as unknown
    assert tuple(rows.loc["rt.bridged", ["events", "n"]]) == (1, 4)
    assert tuple(rows.loc["rt.same_site", ["events", "n"]]) == (1, 1)


def test_doses_and_incomplete_details(study):
    rows = by_id(radiotherapy.doses(study, 10))
    assert tuple(rows.loc["rt.dose", ["value", "lower", "upper", "n"]]) == (25, 8, 40, 6)
    assert tuple(rows.loc["rt.incomplete", ["events", "n"]]) == (1, 7)
    assert rows.loc["rt.bed", "upper"] == pytest.approx(48)
    # 20 Gy in 4 fractions is exactly 30 Gy: not above the limit
    assert tuple(rows.loc["rt.high_bed", ["events", "n"]]) == (3, 6)
    assert by_id(radiotherapy.doses(study, 3)).loc["rt.bed", "value"] > rows.loc["rt.bed", "value"]


def test_shares_leave_unknown_out_and_list_the_frequent_first(study):
    rows = radiotherapy.shares(study, "technique", "rt.technique")
    assert list(rows["result_id"]) == ["rt.technique.3dcrt", "rt.technique.imrt", "rt.technique.electrons"]
    assert set(rows["n"]) == {6}


def test_bulk_and_responses(study):
    assert tuple(by_id(radiotherapy.bulk(study)).loc["rt.bulky", ["events", "n"]]) == (3, 6)
    rows = by_id(radiotherapy.responses(study))
    assert tuple(rows.loc["infield.evaluable", ["events", "n"]]) == (6, 7)
    assert tuple(rows.loc["infield.response.cr", ["events", "n"]]) == (3, 6)
    assert rows.loc["infield.not_evaluable.follow_up", "value"] == pytest.approx(40 / DAYS_PER_MONTH)
    assert tuple(rows.loc["infield.not_evaluable.died", ["events", "n"]]) == (1, 1)


def test_responses_when_every_site_is_evaluable():
    rows = by_id(radiotherapy.responses(make(sites=only(SITES, [1] * 6 + [0]))))
    assert rows.loc["infield.not_evaluable", "events"] == 0
    assert "infield.not_evaluable.follow_up" not in rows.index


def test_time_to_progression(study):
    rows = by_id(radiotherapy.time_to_progression(study))
    assert tuple(rows.loc["lc.progressed", ["events", "n"]]) == (1, 6)
    assert rows.loc["lc.patients", "value"] == 3
    assert rows.loc["lc.time_to_progression", "value"] == pytest.approx(100 / DAYS_PER_MONTH)


def test_bed_by_bulk_and_by_control(study):
    rows = by_id(radiotherapy.bed_by_bulk(study, 10))
    assert tuple(rows.loc["bed.high.bulk.yes", ["events", "n"]]) == (1, 3)
    assert tuple(rows.loc["bed.high.bulk.no", ["events", "n"]]) == (1, 2)
    assert rows.loc["bed.high.bulk.p", "method"] == "Fisher's exact test"
    rows = by_id(radiotherapy.bed_by_control(study, 10))
    assert rows.loc["bed.control.failed", "value"] == pytest.approx(30)
    assert rows.loc["bed.control.controlled", "n"] == 4
    assert 0 < rows.loc["bed.control.p", "value"] <= 1


def test_no_failure_leaves_the_comparison_undefined():
    sites = SITES | {"in_field_progression_day": [None] * 7}
    rows = by_id(radiotherapy.bed_by_control(make(sites=sites), 10))
    assert pd.isna(rows.loc["bed.control.p", "value"])
    assert "bed.control.failed" not in rows.index
    assert pd.isna(
        by_id(radiotherapy.time_to_progression(make(sites=sites))).loc["lc.time_to_progression", "value"]
    )


def test_clustered_rate_has_the_same_estimate_and_another_interval(study):
    naive, clustered = by_id(survival.estimates(study, "LC")), by_id(survival.clustered_rates(study, "LC"))
    assert clustered.loc["lc.rate12.clustered", "value"] == naive.loc["lc.rate12", "value"]
    assert clustered.loc["lc.rate12.clustered", "note"] == "3 patients"


def test_clustered_curve_matches_r():
    """R 4.2.2, survival 3.5-3: survfit(Surv(d, e) ~ 1, cluster = cl)."""
    curve = curves.kaplan_meier(
        [5, 5, 8, 9, 12, 12, 20], [1, 0, 1, 1, 0, 1, 1], cluster=[1, 1, 2, 3, 3, 4, 5]
    )
    assert list(curve["lower"].round(3)[1:5]) == [0.658, 0.397, 0.281, 0.142]
    assert list(curve["upper"].round(3)[1:5]) == [1.000, 1.000, 0.941, 0.829]


def test_first_course_groups(study):
    patients = first_course.with_first_course(study, 10).patients.set_index("patient_id")
    # a: 48 and 39 Gy; b: one site of exactly 30 Gy, the other unknown; c: 43.2 Gy; d: 11.2 Gy; e was not
    # irradiated
    assert list(patients["bed_group"].astype("string").fillna("")) == [
        "> 30 Gy",
        "≤ 30 Gy",
        "> 30 Gy",
        "≤ 30 Gy",
        "",
    ]
    assert list(patients["comprehensive_sites"].astype("string").fillna("")) == [
        "two sites",
        "two sites",
        "one site",
        "",
        "",
    ]
    assert list(patients["further_therapy"].astype("string").fillna("")) == [
        "RT, then more",
        "RT alone",
        "RT, then more",
        "",
        "",
    ]


def test_first_course_groups_serve_the_survival_analyses(study):
    grouped = first_course.with_first_course(study, 10)
    rows = by_id(survival.estimates(grouped, "OSRT", by="bed_group"))
    assert rows.loc["osrt.median.bed_group.gt_30_gy", "n"] == 2
    assert rows.loc["osrt.median.bed_group.le_30_gy", "events"] == 2
    assert (
        "osrt.logrank.further_therapy"
        in by_id(survival.estimates(grouped, "OSRT", by="further_therapy")).index
    )
    assert rows.loc["osrt.logrank.bed_group", "n"] == 4


def test_the_cohort_itself_is_not_changed(study):
    before = study.patients.copy()
    first_course.with_first_course(study, 10)
    pd.testing.assert_frame_equal(study.patients, before)


@pytest.mark.parametrize(
    "by, sites, lines, missing",
    [
        ("bed_group", without(SITES, "dose_gy"), LINES, "sites.dose_gy"),
        ("comprehensive_sites", without(SITES, "rt_field"), LINES, "sites.rt_field"),
        ("further_therapy", SITES, None, "lines.line_start_day"),
        ("bulky_site", without(SITES, "bulky_site"), LINES, "bulky_site"),
        ("comprehensive_sites", SITES | {"rt_field": ["focal"] * 7}, LINES, "belongs to a group"),
    ],
)
def test_a_comparison_without_its_columns_says_so(by, sites, lines, missing):
    grouped = first_course.with_first_course(make(sites=sites, lines=lines), 10)
    assert missing in results.skip_reason(survival.estimates(grouped, "OSRT", by=by))
    assert missing in results.skip_reason(survival.curves(grouped, "OSRT", by=by))


def test_groups_by_any_column_of_the_endpoint(study):
    for name, by in (
        ("OSRT", "n_sites"),
        ("OSRT", "stage"),
        ("LC", "bulky_site"),
        ("LC", "region"),
        ("OS2", "stage"),
    ):
        assert not results.skip_reason(survival.estimates(study, name, by=by)), (name, by)


def test_further_therapy_counts_from_the_day_it_starts(study):
    rows = by_id(first_courses.further_therapy(first_course.with_first_course(study, 10)))
    # a: transplant on day 300, radiotherapy on day 100; c: second line on day 200, radiotherapy on day 110
    assert tuple(rows.loc["further.patients", ["events", "n"]]) == (2, 3)
    assert (rows.loc["further.wait", "lower"], rows.loc["further.wait", "upper"]) == pytest.approx(
        (90 / DAYS_PER_MONTH, 200 / DAYS_PER_MONTH)
    )


DAYS, EVENT = [5, 8, 9, 12, 14, 20, 25, 30, 33, 40], [1, 1, 0, 1, 1, 1, 0, 1, 1, 0]


def test_mantel_byar_matches_r():
    """R 4.2.2, survival 3.5-3: score test of coxph(Surv(start, stop, event) ~ state) on the split times."""
    nan = float("nan")
    test = log_rank.mantel_byar(DAYS, EVENT, [nan, 3, 4, nan, 6, 10, nan, 15, 20, 5], "x")
    assert test["value"] == pytest.approx(0.4389740, abs=1e-6)
    assert test["note"] == "chi-square 0.60, 1 df"


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_mantel_byar_of_a_state_entered_on_day_0_is_the_log_rank_test(people):
    frame = pd.DataFrame(people, columns=["days", "event", "group"])
    switched = frame["group"].map({True: 0.0, False: float("nan")})
    ours = log_rank.mantel_byar(frame["days"], frame["event"], switched, "x")["value"]
    theirs = log_rank.logrank(frame, "group", "y")["value"]
    if ours is not None:
        assert ours == pytest.approx(theirs, abs=1e-8)


def test_mantel_byar_where_nobody_switches():
    assert "nobody was at risk" in log_rank.mantel_byar(DAYS, EVENT, [float("nan")] * 10, "x")["note"]


def test_first_courses_and_doses_by_field(study):
    rows = by_id(first_courses.first_courses(study))
    assert (rows.loc["first.patients", "value"], rows.loc["first.sites", "value"]) == (4, 6)
    assert tuple(rows.loc["first.patients.comprehensive", ["events", "n"]]) == (3, 4)
    rows = by_id(first_courses.dose_by_field(study))
    assert rows.loc["first.sites.comprehensive", "value"] == 5
    assert tuple(rows.loc["first.dose.focal", ["value", "n"]]) == (8, 1)


def test_contrasts_use_the_factors_that_exist(study):
    rows = by_id(first_courses.contrasts(study))
    assert tuple(rows.loc["first.advanced_stage.focal", ["events", "n"]]) == (1, 1)
    assert tuple(rows.loc["first.bulky_disease.comprehensive", ["events", "n"]]) == (0, 2)
    assert not any("ldh" in name for name in rows.index)
    assert rows.loc["first.advanced_stage.p", "method"] == "Fisher's exact test"


def test_responses_and_limited_stage_by_field(study):
    rows = by_id(first_courses.responses_by_field(study))
    assert tuple(rows.loc["first.evaluable.focal", ["events", "n"]]) == (0, 1)
    assert tuple(rows.loc["first.response.comprehensive.cr", ["events", "n"]]) == (3, 5)
    assert "first.response.focal.cr" not in rows.index  # no focal site was evaluable
    rows = by_id(first_courses.low_dose(first_course.with_first_course(study, 10)))
    assert tuple(rows.loc["first.low_bed.comprehensive", ["events", "n"]]) == (1, 3)
    rows = by_id(first_courses.limited_stage(study))
    assert tuple(rows.loc["first.limited.comprehensive", ["events", "n"]]) == (3, 3)
    assert tuple(rows.loc["first.limited.focal", ["events", "n"]]) == (0, 1)


def test_transplants(study):
    rows = by_id(transplant.transplants(study))
    assert rows.loc["hsct.patients", "value"] == 1
    assert rows.loc["hsct.rt_to_transplant", "value"] == pytest.approx(200 / DAYS_PER_MONTH)
    assert rows.loc["hsct.transplant_to_rt_again", "value"] == pytest.approx(100 / DAYS_PER_MONTH)
    assert rows.loc["hsct.rt_after", "events"] == 0
    assert tuple(rows.loc["hsct.alive", ["events", "n"]]) == (1, 1)


def test_lanes_are_for_synthetic_patients_only(study):
    lanes = transplant.transplant_lanes(study)
    assert list(lanes["what"]) == ["followed", "radiotherapy", "radiotherapy", "transplant", "alive"]
    assert lanes.loc[0, "start"] == pytest.approx(-210 / DAYS_PER_MONTH)
    assert lanes.loc[3, "start"] == 0
    assert "single patients" in results.skip_reason(
        transplant.transplant_lanes(replace(study, synthetic=False))
    )


def test_a_figure_has_no_more_lanes_than_can_be_read(study, monkeypatch):
    monkeypatch.setattr(transplant, "MOST_LANES", 1)
    assert not results.skip_reason(transplant.transplant_lanes(study))
    monkeypatch.setattr(transplant, "MOST_LANES", 0)
    assert "too many for a lane each" in results.skip_reason(transplant.transplant_lanes(study))


@pytest.fixture
def displayed(monkeypatch):
    """What text and figures would show, as HTML."""
    items = []
    everywhere(monkeypatch, display, lambda shown, **_: items.append(as_html(shown)))
    return items


def test_swimmer_is_drawn_or_says_why_not(study, displayed):
    figures_cohort.swimmer(
        transplant.transplant_lanes(study), "Months since the transplant", "alt text", "A caption."
    )
    assert 'aria-label="alt text"' in displayed[0] and "A caption." in displayed[0]
    figures_cohort.swimmer(transplant.transplant_lanes(replace(study, synthetic=False)), "", "", "")
    assert "Not shown: the figure would show single patients" in displayed[1]


def test_every_moment_of_a_lane_has_a_marker(study):
    assert set(transplant.transplant_lanes(study)["what"]) <= {"followed", *figures_cohort.MOMENTS}


def test_compared_table(study, displayed):
    shown_tables.compared_table(first_courses.dose_by_field(study), "Caption", "First course")
    assert (
        '<th scope="col">Comprehensive</th>' in displayed[0]
        and '<th scope="row">Dose per site</th>' in displayed[0]
    )
    shown_tables.compared_table(
        first_courses.dose_by_field(read.read_cohort("lymphoma")), "Caption", "First course"
    )
    assert "Not shown" in displayed[1]


ANALYSES = [
    radiotherapy.volume,
    radiotherapy.bulk,
    radiotherapy.responses,
    radiotherapy.time_to_progression,
    first_courses.first_courses,
    first_courses.dose_by_field,
    first_courses.contrasts,
    first_courses.responses_by_field,
    first_courses.limited_stage,
    transplant.transplants,
    lambda s: first_courses.low_dose(first_course.with_first_course(s, 10)),
    lambda s: first_courses.further_therapy(first_course.with_first_course(s, 10)),
    transplant.transplant_lanes,
    lambda s: radiotherapy.shares(s, "region", "rt.region"),
    lambda s: radiotherapy.doses(s, 10),
    lambda s: radiotherapy.bed_by_bulk(s, 10),
    lambda s: radiotherapy.bed_by_control(s, 10),
    lambda s: survival.clustered_rates(s, "LC"),
    lambda s: survival.estimates(s, "LC", by="bulky_site"),
]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_without_radiotherapy_every_analysis_gives_a_reason(analysis):
    nobody = read.read_cohort("lymphoma")
    assert results.skip_reason(analysis(nobody)).startswith("this cohort has no")
    assert first_course.with_first_course(nobody, 10) is nobody


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize(
    "kept", [[0] * 7, [1] + [0] * 6, [0] * 6 + [1]], ids=["no site", "one site", "one not evaluable"]
)
def test_small_tables_do_not_fail(analysis, kept):
    assert len(analysis(make(sites=only(SITES, kept))))


@pytest.mark.parametrize("column", [c for c in SITES if c not in ("patient_id", "course", "rt_start_day")])
def test_any_optional_column_may_be_absent(column):
    small = first_course.with_first_course(make(sites=without(SITES, column)), 10)
    for analysis in ANALYSES:
        assert len(analysis(small))


def test_one_patient():
    small = make(
        patients=only(PATIENTS, [1, 0, 0, 0, 0]),
        sites=only(SITES, [1, 1, 1, 0, 0, 0, 0]),
        lines=only(LINES, [1, 1, 0, 0, 0, 0, 0]),
    )
    for analysis in ANALYSES:
        assert len(analysis(first_course.with_first_course(small, 10)))


def test_first_course_sites_are_those_of_the_lowest_course(study):
    assert list(first_course.first_course_sites(study.sites)["course"]) == [1] * 6
