"""The consistent cohorts meet the paper as well as the bundled one, their rows are fresh, and ranges are
judged by rule.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from IPython.display import display

from analysis_lib.analyses import cox_models
from analysis_lib.binding import chapter, chapters, engines
from analysis_lib.consistent import (
    asking,
    cohorts,
    conditioned,
    coverage,
    elsewhere,
    judged,
    ranges,
    specifications,
    unlike,
)
from analysis_lib.files import places
from analysis_lib.intake.manifest import locate, read_manifest
from analysis_lib.intake.read import read_cohort
from analysis_lib.reconstruction import check, drawn, many, remade
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import determined_page, result_names

from everywhere import as_html, everywhere
from plausible import assert_plausible

# the flow's two boxes above the cohort, which speak of the database
ABOVE = {"flow.database", "flow.not_included"}
BOOK_ROWS = places.ROOT / "book" / "cohorts" / "reconstructed" / "results"


@cache
def cached():
    return cohorts.rows()


@pytest.fixture(scope="session")
def bundled_rows(book_html):
    """The rows of the bundled cohort by today's chapters, as the finished book holds them."""
    of_cohorts = [each for each in chapters.chapters() if not chapters.on_the_paper(each)]
    found = [results.read(BOOK_ROWS / f"{each}.csv").assign(chapter=each) for each in of_cohorts]
    return pd.concat(found).drop_duplicates("result_id").reset_index(drop=True)


def test_there_are_several_and_all_are_coherent(tmp_path):
    assert len(cohorts.numbers()) >= 40
    for number in cohorts.numbers():
        manifest = cohorts.hand_over(cohorts.tables(number), number, tmp_path)
        read = read_cohort(manifest)  # raises if anything of it is impossible
        study = replace(read, of_the_paper=True, made_to_agree=True)
        assert (len(study.patients), len(study.sites), study.synthetic) == (120, 93, True)
        unread = cohorts.read(number)  # the same, to the type of each column
        for part in fields(study):
            whole, ours = getattr(study, part.name), getattr(unread, part.name)
            if isinstance(whole, pd.DataFrame):
                pd.testing.assert_frame_equal(ours, whole)
            else:
                assert ours == whole, part.name


def test_each_is_as_plausible_as_the_bundled_cohort():
    for number in cohorts.numbers():
        assert_plausible(check.realism(cohorts.tables(number)))


def test_each_meets_the_ledger_as_well_as_the_bundled_cohort(bundled_rows):
    # The flow's first two boxes speak of the database, which the consistent cohorts share with the bundled
    # one.
    def missed(rows, made_by):
        return many.missed(rows) - {"met.database.n"} - drawn.GIVEN_UP[drawn.family_of(made_by)]

    made_by = cohorts.made_by()
    bundled = missed(bundled_rows, made_by[1])
    for number, rows in cached().groupby("cohort"):
        of_it = missed(rows, made_by[number])
        assert len(of_it) <= len(bundled), (number, of_it - bundled)


@pytest.fixture(params=[0, -1])
def of_today(request, bundled_rows):
    """A cohort's number and its rows by today's chapters: the first is the bundled one, the other is given to
    an engine.
    """
    number = cohorts.numbers()[request.param]
    if number == cohorts.numbers()[0]:
        return number, bundled_rows.query("result_id not in @ABOVE")
    with engines.executor("dask", 1) as pool:
        return number, pool.submit(many.rows_of_tables, cohorts.tables(number), number).result()


def test_the_cached_rows_are_those_of_todays_chapters(of_today):
    number, fresh = of_today[0], of_today[1].set_index("result_id")
    kept = cached()[cached()["cohort"] == number].set_index("result_id")
    advice = "run `python -m analysis_lib.reconstruction.many rows`"
    assert set(fresh.index) == set(kept.index), advice
    for column in ("value", "lower", "upper"):
        ours, theirs = (frame.loc[fresh.index, column].astype(float).to_numpy() for frame in (fresh, kept))
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9, err_msg=advice)
    about = results.ABOUT
    assert fresh[about].equals(kept.loc[fresh.index, about]), advice


def test_the_cached_rows_cover_what_the_chapters_give(bundled_rows):
    own = set(bundled_rows.loc[bundled_rows["statistic"] != "skipped", "result_id"])
    assert own - set(cached()["result_id"]) == ABOVE


def test_the_bundled_cohort_is_the_first_and_each_names_the_command_that_made_it():
    made_by = cohorts.made_by()
    assert list(made_by) == cohorts.numbers() and len(set(made_by.values())) == len(made_by)
    assert made_by[1] == read_manifest(locate("reconstructed")).made_by
    first, bundled = cohorts.read(1).patients, read_cohort("reconstructed").patients
    pd.testing.assert_frame_equal(first, bundled)


def test_each_cohort_is_what_todays_code_makes():
    advice = "python -m analysis_lib.reconstruction.remade DIR makes them anew and says which are the same"
    assert cohorts.code() == {remade.engine()}, advice


def test_code_is_another_when_a_statement_is_and_the_same_when_a_comment_is(tmp_path):
    module = tmp_path / "module.py"

    def read(text):
        module.write_text(text, "utf-8")
        return remade.statements(module)

    first = read('"""Words."""\ndef f(x):\n    """Words."""\n    return x + 1\n')
    assert first == read('"""Other."""\ndef f(x):\n    """Other."""\n    return (x + 1)  # why\n')
    assert first != read('"""Words."""\ndef f(x):\n    """Words."""\n    return x + 2\n')


def test_a_cohort_made_anew_is_the_same_to_the_last_character_or_is_not(tmp_path):
    made_by = "python -m analysis_lib.reconstruction --seed 1 --family definition --siblings 2: number 1"
    folder = remade.folder_of(made_by, tmp_path)
    assert folder.name == "seed_1_family_definition-1"
    folder.mkdir()
    tables = cohorts.tables(1)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    assert remade.same(made_by, 1, tmp_path) and not remade.same(made_by, 2, tmp_path)
    later = tables["patients"].assign(last_follow_up_day=tables["patients"]["last_follow_up_day"] + 1)
    later.to_csv(folder / "patients.csv", index=False)
    assert not remade.same(made_by, 1, tmp_path)


def test_a_cohort_packed_anew_names_the_code_that_packs_it_and_the_others_keep_theirs(tmp_path, monkeypatch):
    made_by, tables = cohorts.made_by(), cohorts.tables(1)
    few = {number: made_by[number] for number in (1, 3)}
    monkeypatch.setattr(cohorts, "FOLDER", tmp_path)
    monkeypatch.setattr(remade, "PROVENANCE", tmp_path / "made_by.csv")
    pd.DataFrame({"cohort": [1, 2], "made_by": few.values(), "code": "old"}).to_csv(remade.PROVENANCE)
    monkeypatch.setattr(many, "packed", lambda: dict.fromkeys(few.values(), tables))
    monkeypatch.setattr(many, "rows_of_tables", lambda *_: pd.DataFrame({"result_id": ["a"]}))
    monkeypatch.setattr(many, "missed", lambda _: set())
    (folder := tmp_path / "anew").mkdir()
    cohorts.hand_over(tables, 3, folder).write_text(
        f"name: x\ntitle: X\nsynthetic: true\nmade_by: '{few[3]}'\n"
        "tables: {patients: patients.csv, sites: sites.csv, lines: lines.csv}\n",
        "utf-8",
    )
    with ThreadPoolExecutor(1) as pool:
        many.pack([folder], pool, None)
    told = pd.read_csv(remade.PROVENANCE).set_index("made_by")["code"]
    assert told.to_dict() == {few[1]: "old", few[3]: remade.engine()}


def test_cohorts_of_both_sides_of_the_contradiction_are_counted_and_the_bundled_one_keeps_the_definition():
    made_by, sides = cohorts.made_by(), unlike.sides(cached()).set_index("result_id")
    families = [drawn.family_of(command) for command in made_by.values()]
    assert families[0] == "definition" and set(families) == set(drawn.FAMILIES)
    row = sides.loc["consistent.definition"]
    assert (row["events"], row["n"]) == (families.count("definition"), len(families))


def test_the_cohorts_differ():
    studies = {n: cohorts.read(n) for n in cohorts.numbers()}
    diversity = unlike.diversity(studies).set_index("result_id")
    assert diversity.loc["consistent.curves", "value"] > 10  # percentage points
    profiles = {
        study.patients.groupby(unlike.PROFILE, observed=True).size().to_string() for study in studies.values()
    }
    assert len(profiles) >= 4


@pytest.fixture
def two_chapters(tmp_path, monkeypatch):
    """Two chapters and a small cohort; calculating one writes a row. What ran, and a function that runs them."""
    for name, uses in (("01_one", "rows"), ("02_two", "estimators")):
        (tmp_path / f"{name}.py").write_text(f"# %%\nfrom analysis_lib import {uses}\n")
    everywhere(monkeypatch, places.NOTEBOOKS, tmp_path)
    (tmp_path / "p.csv").write_text("patient_id,last_follow_up_day,vital_status\nA,20,dead\n")
    (tmp_path / "cohort.yml").write_text("name: small\nsynthetic: true\ntables: {patients: p.csv}\n")
    ran = []

    def calculate(each, study, folder):
        ran.append(each)
        made = public(results.collect([results.row(f"of.{each}", "count", len(ran))]))
        results.save([made], study.name, each, folder)

    monkeypatch.setattr(chapter, "calculate", calculate)

    def run(store=tmp_path / "store"):
        ran.clear()
        return many.rows_of(tmp_path / "cohort.yml", store), list(ran)

    return tmp_path, run


def test_rows_are_calculated_again_where_something_has_changed(two_chapters):
    folder, run = two_chapters
    first, ran = run()
    assert ran == ["01_one", "02_two"]
    again, ran = run()
    assert ran == [] and again.equals(first)
    with (folder / "02_two.py").open("a") as file:
        file.write("# a remark\n")
    assert run()[1] == ["02_two"] and run()[1] == []
    with (folder / "p.csv").open("a") as file:
        file.write("B,30,alive\n")
    assert run()[1] == ["01_one", "02_two"] and run()[1] == []
    assert run(None)[1] == ["01_one", "02_two"]


def of(values, lower, upper, statistic="rate", method=""):
    return pd.DataFrame(
        {
            "cohort": range(len(values)),
            "chapter": "04",
            "result_id": "x.rate12",
            "population": "",
            "group": "",
            "statistic": statistic,
            "method": method,
            "value": values,
            "lower": lower,
            "upper": upper,
        }
    )


@pytest.mark.parametrize(
    ("frame", "verdict"),
    [
        (of([40, 40], [30, 30], [50, 50]), "determined"),
        (of([40, 42], [30, 30], [50, 50]), "determined"),
        (of([40, 45], [30, 30], [50, 50]), "partly determined"),
        (of([40, 60], [30, 50], [50, 70]), "not determined"),
        (of([1.0, 1.05], [0.5, 0.5], [2, 2], "hazard ratio"), "determined"),
        (of([0.7, 1.4], [0.5, 1.0], [1.0, 2.0], "hazard ratio"), "not determined"),
        (of([0.2, 0.9], None, None, "p"), "partly determined"),
        (of([0.50, 0.61], None, None, "p"), "determined"),
        (of([0.041, 0.061], None, None, "p"), "determined"),  # 0.05 is no border
        (of([0.01, 0.06], None, None, "p"), "not determined"),
        (of([12.0, None], [6, 6], [None, None], "median time"), "not determined"),
        (of([None, None], [6, 7], [None, None], "median time"), "determined"),
        (of([0.0002, 0.0009], None, None, "p"), "determined"),  # both print as below 0.001
        # without an interval a number is measured against its own size
        (of([2.08, 2.13], None, None, "hazard ratio"), "determined"),
        (of([3.9, 4.7], None, None, "hazard ratio"), "partly determined"),
        (of([5.5, 12.7], None, None, "hazard ratio"), "not determined"),
        (of([-1.0, 1.0], None, None, "rate difference"), "not determined"),
        # counted apart, however wide
        (
            of([2.43, 2.43], None, None, "hazard ratio", "Schoenfeld's formula, 80% power"),
            "formula of printed counts",
        ),
        (of([2.08, 2.13], None, None, "hazard ratio", "Schoenfeld's formula, 80% power"), "determined"),
        (of([1.0, 1.0], None, None, "p", "log-rank test, Holm's correction"), "corrected P value"),
        (of([0.1, 0.9], None, None, "p", cox_models.PROPORTIONAL), "test of an assumption"),
    ],
)
def test_verdicts(frame, verdict):
    assert ranges.ranges(frame)["verdict"].tolist() == [verdict]


def test_a_stricter_rule_turns_a_verdict():
    frame = of([40, 42], [30, 30], [50, 50])
    assert ranges.ranges(frame, 0.5)["verdict"].tolist() == ["partly determined"]


def test_how_many_cohorts_must_go_for_another_verdict():
    one_stray = of([40, 41, 41, 48], [30] * 4, [50] * 4)  # without the last the range is 1 of 20
    assert ranges.ranges(one_stray)[["verdict", "flips"]].values.tolist() == [["partly determined", 1]]
    two_sides = of([32, 40, 41, 41, 48], [30] * 5, [50] * 5)
    assert ranges.ranges(two_sides)["flips"].tolist() == [1]  # from not to partly determined
    assert ranges.ranges(of([40, 41, 41], [30] * 3, [50] * 3))["flips"].isna().all()
    assert judged.fewest_to_flip(np.array([0.0, 4.0, 8.0, 12.0]), 5.0) == 2


def test_the_ends_that_a_search_found_count(tmp_path, monkeypatch):
    monkeypatch.setattr(cohorts, "FOLDER", tmp_path)
    frame = of([40, 42], [30, 30], [50, 50])
    assert ranges.ranges(frame)[["verdict", "by"]].values.tolist() == [["determined", "ensemble"]]
    pd.DataFrame([["x.rate12", 35.0, 44.0, 3, "a search"]], columns=cohorts.BOUNDS).to_csv(
        tmp_path / "bounds.csv"
    )
    found = ranges.ranges(frame).iloc[0]
    assert found[["lowest", "highest", "verdict", "by"]].tolist() == [35, 44, "partly determined", "bounds"]
    assert pd.isna(found["flips"])
    # one number is not open in one chapter and fixed in another
    others = [frame.assign(result_id="y.truth12"), frame.assign(result_id="z", value=[40, 41])]
    again = ranges.ranges(pd.concat([frame, *others])).set_index("result_id")
    assert again.loc[["y.truth12", "z"], "by"].tolist() == ["bounds", "ensemble"]


def test_the_certificate_counts_and_says_when_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(cohorts, "FOLDER", tmp_path)
    assert "nobody has yet measured" in results.skip_reason(coverage.certificate())
    pd.DataFrame(
        [["rate", 17, 20, "ensemble"], ["hazard ratio", 10, 20, "ensemble"], ["rate", 19, 20, "bounds"]],
        columns=cohorts.COVERAGE[:4],
    ).to_csv(tmp_path / "coverage.csv")
    found = coverage.certificate().set_index("result_id")
    assert "coverage.reconstructed" not in found.index  # such a table does not say
    assert found.loc["coverage.ensemble", ["events", "n"]].tolist() == [27, 40]
    assert found.loc["coverage.bounds.rate", "value"] == 95
    # R: binom.test(17, 20)$conf.int
    assert found.loc["coverage.ensemble.rate", ["lower", "upper"]].astype(float).tolist() == pytest.approx(
        [62.10732, 96.79291], abs=1e-5
    )


def test_the_ratio_left_open_is_told_as_far_as_a_search_has_pushed_it(tmp_path, monkeypatch):
    studies = {number: cohorts.read(number) for number in cohorts.numbers()[:3]}
    found = ranges.adjusted(studies).set_index("result_id")
    pushed = cohorts.bounds().set_index("result_id").loc["cox.os2.adjusted.salvage_regimen.st"]
    assert found.loc["adjusted.found", ["lower", "upper"]].tolist() == [pushed["lowest"], pushed["highest"]]
    assert pushed["lowest"] < found.loc["adjusted.range", "lower"]
    monkeypatch.setattr(cohorts, "FOLDER", tmp_path)
    assert "adjusted.found" not in set(ranges.adjusted(studies)["result_id"])


def test_the_certificate_says_of_how_many_simulated_cohorts_it_speaks(tmp_path, monkeypatch):
    monkeypatch.setattr(cohorts, "FOLDER", tmp_path)
    pd.DataFrame([["rate", 17, 18, "ensemble", 20, 18, 70, 2.5, 58.4]], columns=cohorts.COVERAGE[:9]).to_csv(
        tmp_path / "coverage.csv"
    )

    def told():
        return coverage.certificate().set_index("result_id").loc["coverage.reconstructed", "note"]

    every = coverage.certificate().set_index("result_id")
    assert "coverage.pushed" not in every.index
    found = every.loc["coverage.reconstructed"]
    assert found[["events", "n", "value"]].tolist() == [18, 20, 90]
    assert found["note"] == (
        "70 cohorts, about 4 for each paper, made more quickly than the book's: they miss 2.5 of the printed "
        "numbers on average, and those of the book none. With so few, the range would hold 58% even if the "
        "truth were simply one more of them"
    )
    lines = [
        ["rate", 17, 18, "ensemble", 20, 18, 70, 2.5, 58.4, "old"],
        ["rate", 12, 12, "bounds", 13, 12, 50, 2.5, 58.4, "old"],
    ]
    pd.DataFrame({"code": ["old"]}).to_csv(tmp_path / "made_by.csv")
    pd.DataFrame(lines, columns=cohorts.COVERAGE).to_csv(tmp_path / "coverage.csv")
    assert "earlier code" not in told()
    pd.DataFrame({"code": ["new"]}).to_csv(tmp_path / "made_by.csv")
    assert "about 4 for each paper, made more quickly and with earlier code than the book's: they" in told()
    pushed = coverage.certificate().set_index("result_id").loc["coverage.pushed"]
    assert pushed[["statistic", "value"]].tolist() == ["count", 13]


def test_what_the_cohorts_predict_of_the_abstract():
    study = cohorts.read(cohorts.numbers()[0])
    rows = elsewhere.whole_course(study).set_index("result_id")
    regimens = study.patients["salvage_sequence"].value_counts()
    assert rows.loc["whole.n.rt", "value"] == regimens["RT"]
    assert rows.loc["whole.n.cmt", "value"] == 120 - regimens["RT"] - regimens["ST"]
    courses = elsewhere.whole_courses({1: study, 2: study})
    predicted = elsewhere.predictions(courses).set_index("claim_id")
    # 120 less the 54 irradiated
    assert predicted.loc["whole.st.n", ["printed", "lowest", "highest", "same"]].tolist() == ["66", 66, 66, 2]
    assert (
        np.isinf(predicted.loc["whole.rt.median", "middle"]) and predicted.loc["whole.rt.median", "same"] == 2
    )
    assert elsewhere.meeting(courses, ["whole.st.n", "whole.rt.median"]) == [1, 2]
    totals = elsewhere.totals(predicted.reset_index()).set_index("result_id")
    assert totals.loc["abstract.shared", "events"] == totals.loc["abstract.shared", "n"]
    within, outside = totals.loc["abstract.within"], totals.loc["abstract.outside"]
    assert within["events"] + outside["events"] == within["n"] == (predicted["follows"] == "").sum()


def test_a_rate_that_is_not_estimable_everywhere_has_no_range():
    assert ranges.ranges(of([40, None], [30, None], [50, None])).empty


def test_identical_cohorts_are_not_apart():
    study = cohorts.read(cohorts.numbers()[0])
    diversity = unlike.diversity({1: study, 2: study}).set_index("result_id")["value"]
    assert diversity["consistent.profiles"] == 0 and diversity["consistent.curves"] == 0


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (("os2.rate12.salvage_regimen.rt", "RT"), "OS2 at 12 months, RT as first regimen"),
        (("os2.rate12.salvage_sequence.rt", "RT"), "OS2 at 12 months, RT only as whole salvage course"),
        (("os2.median", ""), "Median OS2"),
        (("os2.median.cns_disease.yes", "yes"), "Median OS2, with CNS disease"),
        (("lc.rate12.bulky_site.no", "no"), "Local control at 12 months, other sites"),
        (("osrt.rate12.rt_field.focal", "focal"), "OS from radiotherapy at 12 months, focal field"),
        (
            ("cox.os2.uv.ldh_elevated", "Elevated LDH"),
            "OS2, hazard ratio of elevated LDH (one factor at a time)",
        ),
        (
            ("cox.os1.mv.car_t_product.tisa-cel", "CAR T product: tisa-cel, not axi-cel"),
            "OS1, hazard ratio of tisa-cel against axi-cel (several factors together)",
        ),
        (("prior.sceptical", "A sceptic"), "Belief before the data: a sceptic"),
        (
            ("predicted.os2.shrunken.advanced_stage", "Stage III or IV: shrunken"),
            "Prediction of OS2, stage III or IV: hazard ratio after shrinkage",
        ),
        (
            ("predicted.os2.observed.3", "Observed", "rate", "elevated LDH"),
            "Risk of an event (OS2), elevated LDH: observed",
        ),
        (
            ("courses.state6.next", "On a later line"),
            "6 months after the start of salvage therapy: on a later line",
        ),
        (
            ("absolute.os2.trimmed.rmst12.less", "The same, extreme scores left out", "restricted mean"),
            "OS2: inverse-probability weights, extreme scores left out, difference of mean time alive",
        ),
    ],
)
def test_results_are_named_in_words(row, name):
    assert result_names.name_of(*row) == name


def test_no_name_of_an_open_result_is_a_machines_and_no_two_are_alike():
    open_ = ranges.open_results(ranges.committed())
    names = [
        result_names.name_of(one.result_id, one.group, one.statistic, one.population)
        for one in open_.itertuples()
    ]
    assert len(set(names)) == len(names)
    odd = [each for each in names if re.search(r"_|[a-z]\d|: (yes|no)$|\b[A-Z]{5,}\b|: .*: .*:", each)]
    assert odd == []


def test_what_is_judged_and_what_is_counted_apart_are_all_open_results():
    counts = ranges.tally(ranges.open_results(ranges.committed())).set_index("result_id")
    judged_, apart = counts.loc["determined.determined", "n"], counts.loc["apart.all", "value"]
    assert judged_ + apart == counts.loc["open.all", "value"]
    kinds = counts.index.str.startswith("apart.") & (counts.index != "apart.all")
    assert counts.loc[kinds, "value"].sum() == apart


def test_a_belief_before_the_data_is_no_result_of_these_patients():
    open_ = ranges.open_results(ranges.committed())
    beliefs = open_.loc[open_["result_id"].str.startswith("prior."), "verdict"]
    assert set(beliefs) == {judged.OTHERS}


def test_printed_medians_come_from_the_claims():
    printed = ranges.printed_medians("OS2", by="salvage_sequence")
    # the median after radiotherapy alone is not reached
    assert set(printed) == {"CMT", "ST", "ST then RT", "RT then ST"}
    assert results.slug("RT then ST") == "rt_then_st"


# --- conditioning, asking, trying every analysis ----------------------------------------------------


def values(**lines):
    return pd.DataFrame(lines, index=range(1, 1 + len(next(iter(lines.values()))))).T


def test_the_expected_range_of_a_random_choice_by_hand():
    # of 0, 1, 3 the pairs lie 1, 3 and 2 apart
    assert conditioned.expected_range(values(x=[0.0, 1, 3]), 2).tolist() == pytest.approx([2])
    assert conditioned.expected_range(values(x=[0.0, 1, 3]), 3).tolist() == pytest.approx([3])
    assert conditioned.narrowing(values(x=[0.0, 1, 3]), [1, 2]).tolist() == pytest.approx([50])


def told(name, numbers, statistic="rate"):
    return pd.DataFrame(
        {
            "cohort": range(1, 1 + len(numbers)),
            "result_id": name,
            "statistic": statistic,
            "group": name,
            "value": numbers,
        }
    )


def test_the_number_that_tells_most_is_found_and_a_number_does_not_tell_of_itself():
    rng = np.random.default_rng(7)
    x, noise = rng.normal(size=40), rng.normal(size=(6, 40))
    every = pd.concat([told("open", 3 * x), told("copy", noise[5])])
    tried = pd.concat(
        [told("tells", 50 + x), *(told(f"noise{i}", noise[i]) for i in range(5)), told("copy", noise[5])]
    )
    found = asking.asked(every, tried, ["open", "copy"]).set_index("result_id")
    assert found.loc["asked.1", ["note", "group"]].tolist() == ["tells", "tells"]
    # "open" is told wholly, "copy" not at all: it could be told by itself only
    assert 40 < found.loc["asked.1", "value"] < 55
    assert found.loc["asked.luck", "value"] < found.loc["asked.5", "value"]


def test_ratios_are_compared_as_logarithms_and_what_is_alike_everywhere_is_left_out():
    every = pd.concat(
        [told("hr", [1.0, np.e], "hazard ratio"), told("same", [2.0, 2.0]), told("gap", [1.0, np.nan])]
    )
    assert conditioned.values_of(every, ["hr", "same", "gap"]).to_dict("index") == {"hr": {1: 0.0, 2: 1.0}}


def test_the_kept_fits_are_those_of_todays_cohorts_and_code():
    number = cohorts.numbers()[0]
    study = cohorts.read(number)
    kept = specifications.kept({number: study})
    assert not results.skip_reason(kept), "run `python tools/write_specifications.py`"
    fresh = specifications.fits(study)
    assert len(fresh) == len(specifications.specifications()) == 60
    columns = ["log_hr", "se"]
    np.testing.assert_allclose(kept[columns].to_numpy(), fresh[columns].to_numpy(), rtol=1e-6)
    # chapter 9 fits one of them
    crude = cached().query("result_id == 'weighted.os2.crude' and cohort == @number")["value"].iloc[0]
    ours = fresh.query(
        "endpoint == 'OS2' and cmt == 'left out' and adjusted == 'for nothing' and landmark == 'none'"
    )
    assert abs(np.log(float(crude))) == pytest.approx(abs(ours["log_hr"].iloc[0]), rel=1e-6)


def test_fits_of_other_patients_are_refused():
    number = cohorts.numbers()[0]
    study = cohorts.read(number)
    patients = study.patients.copy()
    patients.loc[0, "last_follow_up_day"] += 1
    other = specifications.kept({number: replace(study, patients=patients)})
    assert "nobody has yet tried" in results.skip_reason(other)
    assert results.skip_reason(specifications.split(other)) and results.skip_reason(
        specifications.curve(other)
    )


def test_variance_is_split_between_analyst_paper_and_chance():
    base = specifications.specifications().iloc[:2]
    # analyses differ by 2, cohorts by 1, and the standard error is 0.5: 1, 0.25 and 0.25 of variance
    frames = [base.assign(log_hr=[1.0 + c, -1.0 + c], se=0.5, cohort=c + 1) for c in (0.0, 1.0)]
    found = specifications.split(pd.concat(frames)).set_index("result_id")["value"].astype(float)
    parts = [found[f"specification.{name}"] for name in ("analyst", "paper", "both", "chance")]
    assert parts == pytest.approx([100 / 1.5, 25 / 1.5, 0, 25 / 1.5])
    curve = specifications.curve(pd.concat(frames))
    assert curve["middle"].tolist() == pytest.approx(np.exp([-0.5, 1.5]).tolist())


@pytest.mark.parametrize(
    ("excluding", "words"),
    [(0, "never excludes 1"), (4, "always excludes 1"), (1, "excludes 1 in 1 of 4 fits")],
)
def test_excluding_1_is_said_in_words(excluding, words):
    assert judged.excludes(excluding, 4, "fits") == words


def test_numbers_to_ask_for_have_names_and_stand_in_the_letter(monkeypatch):
    shown = []
    everywhere(monkeypatch, display, lambda shape, **_: shown.append(as_html(shape)))
    of = {"n": 31, "population": "consistent cohorts"}
    asked = public(
        results.collect(
            [
                results.row(
                    "asked.1", "part", 10.0, group="yes", note="deaths.os2.median.ldh_elevated.yes", **of
                ),
                results.row(
                    "asked.2", "part", 12.0, group="patients with both, RT", note="joint.rt.both", **of
                ),
                results.row("asked.luck", "part", 5.0, **of),
            ]
        )
    )
    verdict = {"chapter": "04", "statistic": "rate", "lowest": 1.0, "highest": 2.0, "by": "ensemble"}
    open_ = pd.DataFrame([verdict | {"verdict": "not determined", "flips": 1, "share": 1.0}])
    determined_page.checklist(asked, "Numbers.")
    determined_page.letter(asked, ranges.tally(open_))
    assert "Number of deaths, OS2, with elevated LDH" in shown[0] and "12%" in shown[0]
    assert "Patients with both, RT" in shown[1] and "On 1 of 1 that we looked at" in shown[1]
