"""What pages say of the public cohorts of other diseases: their own events, who is at risk, and nothing of what
they do not hold.
"""

from dataclasses import replace

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis_lib.analyses import (
    competing_events,
    design,
    explored,
    failure,
    mean_survival,
    participants,
    prognosis,
    survival,
    table_1,
)
from analysis_lib.binding import chapter, chapters, explorer, glossary, manuscript, paragraphs, proof, unshown
from analysis_lib.binding.page import as_page
from analysis_lib.cohort import endpoints
from analysis_lib.dictionary.words import within
from analysis_lib.files.places import ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import canvas, exercises, figures, notes, payloads, tables

from beside_r import by_id
from everywhere import everywhere

PUBLIC = ROOT / "tests" / "public"


def public_cohort(name):
    return read_cohort(PUBLIC / name)


# --- an event with a name of its own ---------------------------------------------------------------


def test_an_event_that_the_cohort_names_is_called_so_wherever_it_is_counted():
    study = public_cohort("mgus2")
    ends = by_id(survival.ends(study))
    assert ends["efs1.ended_by.progression_or_relapse"]["group"] == "plasma cell malignancy"
    assert ends["efs1.ended_by.progression_or_relapse"]["value"] == 115
    assert failure.question(study) == "When did plasma cell malignancy come?"
    assert chapters.short_title("03_failure", study) == "3 Plasma cell malignancy after diagnosis"
    written = paragraphs.results_text(study, failure.time_to_failure(study))
    assert written.startswith("Plasma cell malignancy came a median of 76.0 months")


def test_of_an_event_without_a_name_it_is_asked_where_only_if_that_is_known():
    study, ours = public_cohort("rotterdam"), read_cohort("reconstructed")
    assert failure.question(study) == "When did the disease come back?"
    assert failure.question(ours) == "When did the disease come back, and where?"
    assert chapters.short_title("03_failure", study) == "3 Failure after primary surgery"


def test_a_manuscript_tells_of_events_that_compete_what_its_methods_promise():
    study = public_cohort("mgus2")
    rows = results.collect([competing_events.incidences(study), competing_events.compared(study)])
    written = paragraphs.results_text(study, rows)
    assert (
        "cumulative incidence of plasma cell malignancy as first event was 1% (95% CI 1–2) at 12" in written
    )
    assert "cumulative incidence of death as first event was 12% (95% CI 11–14) at 12 months" in written
    assert "By sex, Gray's test gave P = 0.27." in written


def test_a_manuscript_tells_every_comparison_of_the_groups_that_a_cohort_names():
    study = public_cohort("rotterdam")
    written = paragraphs.results_text(study, results.collect(prognosis.curves_by_own(study)))
    assert (
        "Median OS1 by hormonal treatment: " in written and "Median EFS1 by hormonal treatment: " in written
    )


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Differentiation grade: poor, not moderate", "differentiation grade: poor against moderate"),
        ("Tumour size, mm: >50, not 20-50", "tumour size, mm: >50 against 20-50"),
        ("CAR T product: tisa-cel, not axi-cel", "tisa-cel against axi-cel"),
        ("Salvage regimen: ST, not RT", "ST against RT"),
    ],
)
def test_a_level_is_held_against_another_beside_the_name_of_its_factor(label, said):
    assert within(label) == said


@pytest.mark.parametrize(
    ("name", "by", "called"),
    [
        ("rotterdam", "grade", ["moderate", "poor"]),
        ("myeloid", "sex", ["male", "female"]),
        ("kidney", "black_male", ["no", "yes"]),
    ],
)
def test_the_explorer_calls_groups_what_the_cohort_calls_them(name, by, called):
    study = public_cohort(name)
    assert list(explored.curves(study, "OS1", by)["group"].unique()) == called
    medians = results.pick(survival.estimates(study, "OS1", by), "median time")
    assert list(medians["group"]) == called


def test_a_picture_of_the_explorer_leaves_a_name_in_capitals_as_it_is(monkeypatch):
    study = replace(read_cohort("reconstructed"), of_the_paper=False)
    monkeypatch.setattr(explored, "comparisons", lambda _: [("OS1", "ldh_elevated")])
    assert "from day 0 (OS1) by elevated LDH, " in explorer.make(study)["pictures"]


def test_of_another_disease_regimens_are_not_missed_where_no_groups_are_named():
    study, ours = public_cohort("mgus2"), read_cohort("reconstructed")
    why = "this cohort names no groups as its main comparison"
    assert study.lacks_groups == why and ours.lacks_groups == ""
    assert public_cohort("rotterdam").lacks_groups == ""
    assert replace(ours, patients=ours.patients.drop(columns="salvage_regimen")).lacks_groups == (
        "this cohort has no column salvage_regimen"
    )
    assert [results.skip_reason(each) for each in mean_survival.between_groups(study)] == [why]
    assert results.skip_reason(design.needed(study)) == why


# --- late entry -------------------------------------------------------------------------------------


def test_who_enters_late_is_counted_and_said_to_be_at_risk_from_then_on():
    study = public_cohort("macs")
    raw = pd.read_csv(PUBLIC / "macs" / "macs.csv")
    late = by_id(participants.late_entry(study))
    later = raw.loc[raw["W"] > 0, "W"]
    assert (late["flow.entered_late"]["events"], late["flow.entered_late"]["n"]) == (len(later), 78)
    assert late["flow.entry"]["value"] == pytest.approx(12 * later.median(), abs=0.02)
    told = "at risk from the first day of observation on"
    assert endpoints.in_words(study, "OS1") == f"from day 0 to death; {told}"
    assert endpoints.definitions(study)["Time starts"].tolist() == [f"day 0 (diagnosis of AIDS); {told}"]
    assert manuscript.LATE in manuscript.methods_text(study, survival.estimates(study, "OS1"))


def test_where_nobody_enters_late_nothing_is_said_of_it():
    study = public_cohort("kidney")
    assert endpoints.in_words(study, "OS1") == "from day 0 to death"
    assert manuscript.LATE not in manuscript.methods_text(study, survival.estimates(study, "OS1"))
    nobody = replace(study, patients=study.patients.assign(entry_day=0))
    assert results.skip_reason(participants.late_entry(nobody)) == "all patients were observed from day 0 on"


@pytest.mark.parametrize(
    ("name", "followed"),
    [
        ("macs", "At risk: those who had entered by then and were still followed."),
        ("kidney", "At risk: those followed at least that long."),
    ],
)
def test_a_risk_table_says_whom_it_counts(name, followed, monkeypatch):
    captions = []
    everywhere(monkeypatch, canvas.show, lambda figure, alt, caption: captions.append(caption))
    study = public_cohort(name)
    figures.survival_curves(survival.curves(study, "OS1"), "OS1", "OS1.", survival.estimates(study, "OS1"))
    assert captions[0].endswith(followed)


def test_one_test_alone_is_not_corrected():
    study = public_cohort("macs")
    alone = prognosis.holm(prognosis.univariable(study, "OS1", ["year"]), "OS1")
    assert results.skip_reason(alone) == "one test alone needs no correction"


# --- words of what a cohort does not hold ------------------------------------------------------------


def note(**kept):
    return new_output("display_data", {"text/html": "", payloads.NOTE: kept})


def opened(answer, *outputs, **more):
    opening = note(kind=payloads.OPENING, question="Who?", answer=answer, **more)
    return [new_markdown_cell("# Title"), new_code_cell("x", outputs=[opening, *outputs])]


MISSING = note(kind=payloads.SKIPPED, reason="no pattern")
SHOWN = new_output("display_data", {"text/markdown": "A sentence."})


def test_words_that_speak_of_a_column_go_where_the_cohort_lacks_it():
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("x", outputs=[SHOWN]),
        new_markdown_cell("## Cautions\n\n- One."),
        new_markdown_cell("- Of patterns.", metadata={"tags": ["speaks-of:failure_pattern"]}),
        new_markdown_cell("- Of failure.", metadata={"tags": ["speaks-of:failure_day"]}),
    ]
    page, _ = as_page(new_notebook(cells=cells), public_cohort("rotterdam"))
    # what is left is one list with the words before it
    assert [cell.source for cell in page.cells][2:] == ["## Cautions\n\n- One.\n- Of failure."]


def asked_of(study, chapter, *rows):
    """Every question of a chapter that this cohort is asked, with its answers, by its first word or two."""
    found = exercises.questions(study, results.collect(list(rows)), f"{chapter}.yml")
    return {
        each.ask: " ".join([each.why, *(f"{one.says} {one.why}" for one in each.options)])
        for of in found.values()
        for each in of
    }


def test_a_question_speaks_of_nothing_that_a_cohort_of_another_disease_lacks():
    study = public_cohort("myeloid")
    failed = asked_of(study, "03_failure", failure.time_to_failure(study))
    # five questions of the quiz, of which one needs no sites, no CD19 and no radiotherapy
    assert list(failed) == [
        "After how many months, at the median, had the disease failed?",
        "What does a 95% confidence interval of a share tell?",
    ]
    first = asked_of(study, "01_cohort", participants.flow(study), survival.follow_up(study, "OS1"))
    told = " ".join([*first, *first.values()])
    assert not [word for word in ("OS2", "infusion", "salvage", "chapter") if word in told]
    believed = first["When may one believe a curve although many patients are censored?"]
    assert believed.startswith("This assumption cannot be tested with the data themselves. ")


def test_the_papers_cohort_is_asked_what_others_are_not():
    ours = read_cohort("reconstructed")
    first = asked_of(ours, "01_cohort", participants.flow(ours), survival.follow_up(ours, "OS1"))
    assert "The same patients have a longer OS1 than OS2. Why?" in first
    assert "chapter 14" in first["When may one believe a curve although many patients are censored?"]


def test_an_answer_that_stands_there_is_not_said_to_be_missing():
    answered = unshown.gather([opened("The cohort has 9 patients.", SHOWN, MISSING)])
    unanswered = unshown.gather([opened("The data of this cohort give no answer in one sentence.", MISSING)])
    assert answered.unshown == [(unshown.TOP_FIGURE, "no pattern")]
    assert unanswered.unshown == [(unshown.TOP, "no pattern")]


def test_a_chapter_is_left_out_for_what_its_question_needs():
    nothing = unshown.gather([opened("The data of this cohort give no answer.", MISSING, reason="no day")])
    assert nothing.reason == "no day"


def test_words_that_lead_to_sections_go_when_none_of_these_stays():
    leading = [new_markdown_cell("## Several factors\n\nHold each against the factor alone.")]
    below = [new_markdown_cell("### OS1"), new_code_cell("x", outputs=[MISSING])]
    kept = [new_markdown_cell("### EFS1"), new_code_cell("x", outputs=[SHOWN])]
    after = [new_markdown_cell("## Cautions\n\n- One.")]

    def words(*sections):
        found = unshown.gather([opened("It has 9.", SHOWN), *sections]).sections
        cells = [cell for section in found for cell in section]
        return [cell.source for cell in cells if cell.cell_type == "markdown"][1:]

    assert words(leading, below, after) == ["## Cautions\n\n- One."]
    assert words(leading, below, kept, after)[0].startswith("## Several factors\n\nHold")
    assert words(leading, after)[0].startswith("## Several factors\n\nHold")


def test_a_definition_that_every_book_shows_speaks_of_no_one_disease():
    for term in ("day 0", "OS1", "EFS1", "hazard", "censored", "log-rank test", "confidence interval"):
        assert not [word for word in ("paper", "CAR T", "lymphoma") if word in glossary.terms()[term]], term


def test_what_every_book_shows_holds_for_any():
    assert "what a cohort names in its place" in glossary.terms()["EFS1"]  # as in the book of mgus2
    assert "chapter" not in proof.ALONE and "this book" not in proof.ALONE


def test_of_one_month_there_is_no_plural():
    found = [results.row(f"landmark.m{month}", "hazard ratio", 0.9, n=9) for month in (1, 2)]
    rows = public(results.collect(found))
    slider = explorer.one_slider("landmark", "Move", "Told.", ("Landmark", " months"), "x", "Ratio", rows)
    assert [each["said"] for each in slider["points"]] == ["1 month", "2 months"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("kidney", "Who were the patients?"),
        ("myeloid", "Who were the patients, and were the groups alike before treatment?"),
    ],
)
def test_whether_groups_are_alike_is_asked_where_there_are_groups(name, asked, told, tmp_path):
    chapter.calculate("02_characteristics", public_cohort(name), tmp_path)
    openings = [each for each in told if isinstance(each, dict) and each["kind"] == payloads.OPENING]
    assert [each["question"] for each in openings] == [asked]


def test_the_events_beside_an_incidence_are_said_to_be_those_of_the_whole_follow_up(told, tmp_path):
    chapter.calculate("04_survival", public_cohort("mgus2"), tmp_path)
    captions = [each.caption for each in told if isinstance(each, payloads.Table)]
    assert [each for each in captions if each.startswith("Cumulative incidence")] == [
        "Cumulative incidence of the event that came first. Events are those of the whole follow-up. "
        "Aalen–Johansen, 95% interval on the log scale."
    ]


def test_an_event_whose_name_holds_an_or_is_kept_from_the_last():
    study = public_cohort("rotterdam")
    assert endpoints.in_words(study, "EFS1") == (
        "from day 0 to progression or relapse, or death, whichever comes first"
    )
    written = manuscript.methods_text(study, survival.estimates(study, "EFS1"))
    assert "ended with progression or relapse, or death, whichever came first" in written


def test_only_patients_made_from_the_papers_numbers_are_said_to_agree_with_it():
    ours, part = read_cohort("reconstructed"), read_cohort("axi-cel")
    invented = replace(public_cohort("myeloid"), synthetic=True)
    assert notes.MADE_TO_AGREE in notes.about_words(ours) and notes.MADE_TO_AGREE in notes.about_words(part)
    assert notes.INVENTED in notes.about_words(invented)
    assert "paper" not in " ".join(notes.about_words(invented))
    assert not {notes.INVENTED, notes.MADE_TO_AGREE} & set(notes.about_words(public_cohort("kidney")))


@pytest.fixture
def told(monkeypatch):
    """What a chapter shows, as data."""
    seen = []
    everywhere(
        monkeypatch,
        payloads.show,
        lambda html, kind="", payload=None, **_: seen.append(payload) if payload else None,
    )
    return seen


@pytest.fixture
def shown_tables(monkeypatch):
    """Tables as they would be shown."""
    seen = []
    everywhere(monkeypatch, payloads.show, lambda html, kind="", payload=None, **_: seen.append(payload))
    return seen


@pytest.mark.parametrize(("name", "marked"), [("rotterdam", False), ("reconstructed", True)])
def test_a_mark_is_explained_where_it_stands(name, marked, shown_tables):
    study = read_cohort(name) if name == "reconstructed" else public_cohort(name)
    tables.characteristics(table_1.table_1(study), "Characteristics.")
    made = shown_tables[0]
    stands = any("†" in line[-1] for line in made.lines)
    assert ("†" in made.caption) == marked == stands and " over known values" in made.caption


def test_a_line_that_is_named_by_its_method_is_set_as_a_method_is_in_print(shown_tables):
    rows = survival.follow_up(public_cohort("kidney"), "OS1")
    tables.rows_table(rows, "Follow-up", label="method", full="full")
    assert [line[0] for line in shown_tables[0].lines] == [
        "Median of observed times, the dead included",
        "Reverse Kaplan–Meier",
    ]
