"""Public cohorts of other diseases, read in their raw layout by a ``cohort.yml`` alone, factors of their own
included: every number is R's, which read the same files (tests/r/public.R).
"""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis_lib.analyses import (
    competing_events,
    cox_models,
    design,
    mean_survival,
    prognosis,
    survival,
    table_1,
    validation,
)
from analysis_lib.binding import chapters, first_page, manuscript, page
from analysis_lib.binding.outcome import Outcome
from analysis_lib.cohort import endpoints
from analysis_lib.cohort.problems import CohortError
from analysis_lib.estimators import bootstrap, competing, curves
from analysis_lib.files.places import ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results

from beside_r import apart, by_id, compared, fixture

PUBLIC = ROOT / "tests" / "public"
NAMES = ("rotterdam", "myeloid", "mgus2", "macs", "kidney")
SIZES = (".detectable", ".events", ".patients")
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
    if study.groups == "arm":
        parts += mean_survival.between_groups(study)
    if study.competing:
        parts += [competing_events.incidences(study), competing_events.compared(study)]
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


def test_the_incidence_of_causes_allows_for_late_entry_as_r_does():
    frame = competing_events.first_events(read_cohort(PUBLIC / "mgus2"))
    start = (np.arange(1, len(frame) + 1) * 37) % 400
    there = frame["days"] > start
    curve = competing.cumulative_incidence(frame["days"][there], frame["cause"][there], start=start[there])
    theirs = {name: row for name, row in fixture("public")["rows"].items() if name.startswith("entered.")}
    assert len(theirs) == 6
    for name, row in theirs.items():
        _, day, code = name.split(".")
        point = competing.incidence_at(curve, int(day))
        for field, column in (("value", "incidence"), ("lower", "lower"), ("upper", "upper")):
            assert apart(point[f"{column}{code}"], row[field]) < 1e-6


# --- groups ---------------------------------------------------------------------------------------


def test_groups_that_a_cohort_names_stand_where_the_regimens_do(tmp_path):
    study = read_cohort(PUBLIC / "myeloid")
    rows = by_id(table_1.table_1(study))
    assert rows["table1.n.a"]["value"] + rows["table1.n.b"]["value"] == rows["table1.n.all"]["value"] == 646
    assert rows["table1.sex.p"]["method"] == "Pearson chi-square" and "table1.arm.a.all" not in rows
    drawn = {(name, by) for name, by in _about(prognosis.curves_by_own(study))}
    assert drawn == {("OS1", "arm"), ("EFS1", "arm")}
    three = replace(
        study,
        groups="third",
        patients=study.patients.assign(third=pd.Categorical([str(n % 3) for n in range(646)])),
    )
    assert len(prognosis.pairs_of_groups(three)) == 2 and not prognosis.pairs_of_groups(study)


def test_a_title_speaks_of_no_paper_that_is_not_theirs():
    study, ours = read_cohort(PUBLIC / "kidney"), read_cohort("reconstructed")
    assert page.titled("# Beyond the paper\n", study) == f"# Further questions: {study.title}\n"
    assert page.titled("# Beyond the paper\n", ours) == f"# Beyond the paper: {ours.title}\n"
    assert chapters.short_title("09_beyond", study) == "9 Further questions"
    assert page.titled("# Failure after CAR T-cell infusion\n", study).startswith(
        "# Failure after transplant: "
    )


def test_sizes_of_studies_are_told_for_groups_that_a_cohort_names():
    study = read_cohort(PUBLIC / "myeloid")
    rows, ratio = by_id(design.needed(study)), by_id(cox_models.cox(study, "OS1", ["arm"], "uv"))
    assert set(rows) == {f"design.{name}.arm.b{of}" for name in ("os1", "efs1") for of in ("", *SIZES)}
    assert rows["design.os1.arm.b"]["value"] == pytest.approx(ratio["cox.os1.uv.arm.b"]["value"], rel=1e-9)
    assert rows["design.os1.arm.b.events"]["value"] == pytest.approx(
        np.ceil(4 * (1.959964 + 0.841621) ** 2 / np.log(rows["design.os1.arm.b"]["value"]) ** 2), rel=0.01
    )


def test_groups_that_the_study_compares_already_are_not_compared_twice():
    study = read_cohort("reconstructed")
    rows = by_id(design.needed(replace(study, groups="car_t_product")))
    usual = by_id(design.needed(study))["design.os1.car_t_product.tisa-cel"]
    assert rows["design.os1.car_t_product.tisa-cel"]["value"] == usual["value"]
    assert {"design.efs1.car_t_product.tisa-cel"} <= set(rows)


def _about(parts):
    return [tuple(part[["endpoint", "by"]].iloc[0]) for part in parts]


def test_groups_must_be_a_column_with_levels(tmp_path):
    for named in ("nothing", "ecog", "failure_day"):
        with pytest.raises(CohortError, match=f"'{named}' is no column with levels"):
            read_cohort(written(tmp_path, f"groups: {named}"))


def test_captions_name_the_events_of_this_cohorts_definition():
    assert endpoints.in_words(read_cohort(PUBLIC / "mgus2"), "EFS1") == (
        "from day 0 to plasma cell malignancy or death, whichever comes first"
    )
    assert endpoints.in_words(read_cohort("reconstructed"), "EFS1") == (
        "from day 0 to progression or relapse, new line of therapy or death, whichever comes first"
    )
    assert endpoints.in_words(read_cohort("lymphoma"), "OS1") == "from day 0 to death"


def test_a_hospitals_book_has_a_title_and_a_first_page_of_its_own(tmp_path):
    study = replace(read_cohort(PUBLIC / "myeloid"), title='AML <b>trial</b> "A" {x}')
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "intro.md").write_text("# Salvage radiotherapy")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    ended = [
        Outcome(study.name, "04_survival", "done", ""),
        Outcome(study.name, "05_radiotherapy", "skipped", "this cohort has no column sites"),
    ]
    made = tmp_path / "book" / "cohorts" / study.name / "04_survival.ipynb"
    made.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), made)
    first_page.write([study], ended, tmp_path)
    config = yaml.safe_load((tmp_path / "_config.yml").read_text("utf-8"))
    assert config["title"] == "AML btrial/b A x"
    assert config["sphinx"]["config"]["html_theme_options"]["logo"]["text"] == "AML btrial/b A x"
    page = (tmp_path / "book" / "intro.md").read_text("utf-8")
    assert "CAR T" not in page and "lymphoma" not in page and "<b>" not in page
    assert "4 Survival" in page and "from day 0 to death" in page
    assert "adiotherapy" not in page and "are left out" in page
    before = (ROOT / "book" / "intro.md").read_text("utf-8")
    first_page.write([read_cohort("reconstructed")], [], tmp_path)  # the paper's own stays as it is
    assert (tmp_path / "book" / "intro.md").read_text("utf-8") == page and before.startswith("# Salvage")


# --- competing events -----------------------------------------------------------------------------

HEAD = "patient_id,last_follow_up_day,vital_status,second_cancer_day,failure_day"
FILE = ["A,100,dead,,", "B,200,alive,50,", "C,300,dead,300,40", "D,400,dead,,400", "E,90,alive,,"]


def written(folder, entry, lines=FILE):
    (folder / "p.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    (folder / "cohort.yml").write_text(
        f"tables: {{patients: p.csv}}\nindex_event: entry\nsynthetic: true\n{entry}\n"
    )
    return folder


def test_events_of_the_files_own_compete_and_the_first_counts(tmp_path):
    study = read_cohort(
        written(tmp_path, "competing: {failure_day: Relapse, second_cancer_day: Second cancer}")
    )
    frame = competing_events.first_events(study)
    assert frame["days"].tolist() == [100, 50, 40, 400, 90]
    assert frame["cause"].tolist() == [3, 2, 1, 1, 0]
    rows = by_id(competing_events.incidences(study))
    assert rows["competing.relapse.rate12"]["value"] == pytest.approx(20)
    assert rows["competing.second_cancer.rate12"]["events"] == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("competing: [failure_day]", "'competing' must hold one entry an event"),
        ("competing: {}", "it names 0 events"),
        ("competing: {stage: Stage}", "this is no event"),
        ("competing: {entry_day: Entry}", "this is no event"),
        ("competing: {second cancer: x}", "this name cannot be used for a moment"),
        ("competing: {failure_day: Relapse, second_cancer_day: relapse}", "two events are called 'relapse'"),
        ("competing: {failure_day: Death}", "death competes in every cohort. Leave it out"),
        ('competing: {failure_day: "$x$"}', "'$x$' cannot be shown"),
        ("competing: {third_cancer_day: Third}", "`competing:` declares this column"),
    ],
)
def test_what_cannot_compete_is_told_in_words(tmp_path, entry, said):
    with pytest.raises(CohortError) as caught:
        read_cohort(written(tmp_path, entry))
    assert said in " ".join(str(caught.value).split())


def test_an_event_of_ones_own_after_the_last_follow_up_is_told(tmp_path):
    entry = "competing: {second_cancer_day: Second cancer}"
    with pytest.raises(CohortError, match="it comes before second_cancer_day"):
        read_cohort(written(tmp_path, entry, ["A,100,dead,150,", *FILE[1:]]))


def test_nobody_is_at_risk_before_entry():
    frame = endpoints.derive(read_cohort(PUBLIC / "macs"), "OS1", late=True)
    assert (frame["start"] < frame["days"]).all() and len(frame) == 78
    curve = curves.kaplan_meier([10, 20, 30], [True, True, False], start=[0, 15, 5])
    assert curve.loc[curve["days"] == 10, "at_risk"].item() == 2
    assert curve.loc[curve["days"] == 20, "survival"].item() == pytest.approx(0.25)


# --- what pages call what the hospital declared ---------------------------------------------------


def test_levels_are_called_what_the_hospital_says_that_they_mean():
    study = read_cohort(PUBLIC / "myeloid")
    rows = survival.estimates(study, "OS1", by="sex")
    medians = rows[rows["statistic"] == "median time"]
    assert medians[["group", "level"]].to_numpy().tolist() == [["male", "m"], ["female", "f"]]
    assert list(survival.curves(study, "OS1", by="sex")["group"].unique()) == ["male", "female"]
    assert {"Sex: male", "Sex: female"} <= set(table_1.table_1(study)["group"])


def test_a_ratio_names_the_level_that_it_is_held_against():
    study = read_cohort(PUBLIC / "rotterdam")
    model = cox_models.cox(study, "OS1", ["age", "menopause", "tumour_size", "grade"], "tried")
    ratios = model[model["statistic"] == "hazard ratio"]
    assert ratios["group"].tolist() == [
        "Age at surgery (per 10 years)",
        "Postmenopausal",
        "Tumour size, mm: <=20, not 20-50",
        "Tumour size, mm: >50, not 20-50",
        "Differentiation grade: poor, not moderate",
    ]


def test_groups_of_no_and_yes_are_called_after_their_question():
    study = read_cohort(PUBLIC / "rotterdam")
    called = {"Hormonal treatment: no", "Hormonal treatment: yes", "all patients"}
    table = table_1.table_1(study)
    assert set(table["population"]) == called and "table1.n.yes" in set(table["result_id"])
    assert [words for *_, words in design.comparisons(study)][-2:] == [
        "OS1: Hormonal treatment, yes against no",
        "EFS1: Hormonal treatment, yes against no",
    ]


def test_events_for_each_hazard_ratio_are_one_number_in_all_chapters(monkeypatch):
    study, factors = read_cohort(PUBLIC / "rotterdam"), ["tumour_size", "menopause"]
    tried = SimpleNamespace(apparent=0.7, optimism=0.0, corrected=0.7, slope=1.0, used=1)
    monkeypatch.setattr(bootstrap, "of_samples", lambda *_: tried)
    ours = by_id(validation.models_of(study, {"OS1": factors}))["validated.os1.epv"]
    model = by_id(cox_models.multivariable(study, "OS1", factors))["cox.os1.mv.events_per_variable"]
    assert ours["value"] == model["value"] == 1272 / 3


@pytest.mark.parametrize(
    ("name", "months"),
    [("rotterdam", (12, 24, 60, 120)), ("mgus2", (12, 24, 60, 120)), ("myeloid", (12, 24))],
)
def test_rates_are_read_at_five_and_ten_years_where_half_are_followed_for_five(name, months):
    assert survival.rate_months(read_cohort(PUBLIC / name)) == months


def test_a_manuscript_never_calls_a_group_just_no_or_yes():
    study = read_cohort(PUBLIC / "rotterdam")
    written = manuscript.results_text(study, results.collect(prognosis.curves_by_own(study)))
    assert "for postmenopausal: no (n = 1312)" in written and not re.search(r"for (no|yes)\b", written)


def test_a_single_test_is_not_counted_among_small_ones():
    study = read_cohort(PUBLIC / "myeloid")
    assert "efs1.uv.small_p" not in by_id(prognosis.univariable(study, "EFS1", ["arm"]))
    assert "efs1.uv.small_p" in by_id(prognosis.univariable(study, "EFS1", ["arm", "sex"]))


def test_results_for_a_manuscript_write_labels_as_they_are():
    study = read_cohort(PUBLIC / "rotterdam")
    rows = results.collect([prognosis.curves_by_own(study)[4], prognosis.curves_by_own(study)[0]])
    written = manuscript.results_text(study, rows)
    assert "Median OS1 by tumour size, mm: 185.7 months" in written and "for <=20 (n = 1387)" in written
