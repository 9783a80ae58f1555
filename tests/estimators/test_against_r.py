"""The chapters' numbers, and the estimators on real data sets, against R's survival package.

What is compared stands in ``tests/helpers/beside_r.py`` and ``data_sets_beside_r.py``; the table of the book's page
is written by ``tools/write_agreement.py``.
"""

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from analysis_lib.binding import proof
from analysis_lib.files.places import ROOT

from beside_r import (
    CHAPTERS,
    COMMANDS,
    LOOSER,
    OF_COHORT,
    RELATIVE,
    apart,
    compared,
    fixture,
    of_chapters,
    run_chapters,
    stale,
    without_display,
)
from data_sets_beside_r import ON_REAL_DATA, SETS, on_real_data

sys.path.insert(0, str(ROOT / "tools"))

from write_agreement import ESTIMATORS, agreement_table  # noqa: E402

WRITE = "python tools/write_agreement.py --write"
NOT_IN_R = {  # pattern of result ids: why R has no counterpart
    r"table1\.ecog\.permutation": "random reshufflings: two programs draw different ones",
    r"validated\.\w+\.(optimism|corrected|slope)$": "random samples of the patients: two programs draw "
    "different ones; with the "
    "same samples the data sets are compared",
    r"missing\.\w+\.imputed": "random imputations: two programs draw different ones; with the same "
    "imputations the data sets are "
    "compared",
    r"since\.": "published numbers, typed in",
    r"changing\.response\.": "Cox models within parts of the follow-up, as with delayed entry: compared on the data sets",
}
# rows compared; they may become more
AT_LEAST = {"cohort": 675, "beyond": 208, "datasets": 2642, "estimators": 1711, "remedies": 660}


def assert_agrees(ours, theirs):
    lines = compared(ours, theirs)
    wrong = lines[lines["apart"] > lines["allowed"]]
    assert wrong.empty, (
        f"{len(wrong)} of {len(lines)} numbers differ from R:\n{wrong.head(40).to_string(index=False)}"
    )


def test_a_wrong_number_is_noticed():
    theirs = {"a": {"value": 2.0, "lower": None, "upper": 3.0, "n": 5}}
    right = {"a": {"value": 2.0 + 1e-9, "lower": pd.NA, "upper": 3.0, "n": 5, "events": pd.NA, "method": ""}}
    assert_agrees(right, theirs)
    for change in ({"value": 2.00001}, {"lower": 1.0}, {"upper": None}, {"n": 6}, {"events": 3}):
        with pytest.raises(AssertionError, match="differ from R"):
            assert_agrees({"a": right["a"] | change}, theirs)


# --- the chapters on the reconstructed cohort -----------------------------------------------------


@pytest.fixture(scope="module")
def cohort_in_r():
    for name in OF_COHORT:
        if changed := stale(fixture(name)):
            pytest.fail(
                f"{', '.join(changed)} changed after R computed tests/r/{name}.json. Run:\n  "
                f"{COMMANDS[name]}",
                pytrace=False,
            )
    return of_chapters()


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory):
    with without_display():
        return run_chapters(tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("chapter", [*CHAPTERS, "exercises"])
def test_chapter_agrees_with_r(chapter, rows_of, cohort_in_r):
    assert rows_of[chapter]
    assert_agrees(rows_of[chapter], cohort_in_r)


def test_every_number_of_the_chapters_was_computed_by_r_too(rows_of, cohort_in_r):
    ours = {i for rows in rows_of.values() for i in rows}
    alone = sorted(i for i in ours - set(cohort_in_r) if not re.match("|".join(NOT_IN_R), i))
    assert not alone, (
        f"not in R: {', '.join(alone)}. Add them to tests/r/cohort.R or beyond.R, or say in "
        f"NOT_IN_R why that cannot be."
    )
    missing = sorted(set(cohort_in_r) - ours)
    assert not missing, (
        f"no chapter has these any more; take them out of tests/r/cohort.R or beyond.R: {', '.join(missing)}"
    )


def test_not_fewer_rows_of_the_cohort_are_compared(rows_of, cohort_in_r):
    ours = {i for rows in rows_of.values() for i in rows}
    assert all(len(ours & set(fixture(name)["rows"])) >= AT_LEAST[name] for name in OF_COHORT)


def test_a_changed_cohort_makes_its_fixture_stale():
    r = fixture("cohort")
    assert set(r["sha256"]) == {"patients.csv", "sites.csv", "lines.csv", "screening.csv", "series.csv"}
    assert set(fixture("beyond")["sha256"]) == {"patients.csv", "sites.csv", "lines.csv"}
    assert "patients.csv" in stale({"sha256": r["sha256"] | {"patients.csv": "0" * 64}})


# --- the real data sets ---------------------------------------------------------------------------

SIXTEEN = {  # that no test used while the estimators were written
    "aml",
    "gehan",
    "leuk",
    "melanoma",
    "channing",
    "gbsg",
    "diabetic",
    "mgus",
    "myeloid",
    "rats",
    "stanford2",
    "transplant",
    "udca",
    "cgd",
    "bladder2",
    "capacitor",
}
AMONG_THEM = {
    "datasets": {"lung", "veteran", "ovarian", "pbc", "colon", "rotterdam", "mgus2", "jasa", "kidney"}
    | SIXTEEN - {"channing", "cgd", "bladder2"},
    "estimators": {
        "lung",
        "veteran",
        "ovarian",
        "pbc",
        "colon_both",
        "rotterdam",
        "mgus2_first",
        "heart",
        "kidney",
        "mgus2_age",
        "lung_age",
        "bladder",
        "steep",
        "reconstructed",
        "reconstructed_sites",
    }
    | SIXTEEN,
    "remedies": {"lung", "veteran", "pbc", "colon", "mgus2", "rotterdam", "jasa", "bladder", "many"},
}


@pytest.mark.parametrize(("kind", "name"), SETS)
def test_data_set_agrees_with_r(kind, name):
    ours, theirs = on_real_data(kind, name)
    assert set(ours) == set(theirs)
    assert_agrees(ours, theirs)


@pytest.mark.parametrize("kind", ON_REAL_DATA)
def test_not_fewer_data_sets_and_rows_are_compared(kind):
    assert (
        len(fixture(kind)["rows"]) >= AT_LEAST[kind]
        and {name for of, name in SETS if of == kind} >= AMONG_THEM[kind]
    )


# --- R itself, where it is installed --------------------------------------------------------------

NEEDS = {
    "cohort": ["survival"],
    "beyond": ["survival", "cmprsk"],
    "datasets": ["survival", "MASS", "boot"],
    "estimators": ["survival", "cmprsk", "MASS", "boot"],
    "remedies": ["survival", "MASS", "boot"],
    "conventions": ["survival"],
    "absolute": ["survival", "MASS", "boot"],
    "further": ["survival", "MASS", "boot"],
}


@pytest.fixture(scope="module")
def lacking():
    """Which of R's packages are not installed; R itself, where it is not. Asked once: R takes a second to start."""
    if shutil.which("Rscript") is None:
        return ["R"]
    needed = {package for packages in NEEDS.values() for package in packages}
    asked = "; ".join(
        f"cat(if (!requireNamespace('{package}', quietly = TRUE)) '{package} ')" for package in sorted(needed)
    )
    return subprocess.run(["Rscript", "-e", asked], capture_output=True, text=True).stdout.split()


def test_the_fixtures_are_of_these_scripts():
    """Where there is no R, so that a script is not changed without its fixture."""
    folder = ROOT / "tests" / "r"
    now = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.R")}
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    advice = "run the script, then in tests/r: sha256sum *.R > SHA256SUMS"
    assert now == {name: digest for digest, name in map(str.split, lines)}, advice


@pytest.mark.parametrize("name", COMMANDS)
def test_r_still_says_the_same(name, lacking):
    if without := [each for each in lacking if each in ("R", *NEEDS[name])]:
        pytest.skip(f"{' and '.join(without)} not installed here, so the fixture is taken as it is")
    command = COMMANDS[name].partition(" > ")[0].split()
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    now, kept = json.loads(run.stdout), fixture(name)
    hint = f"tests/r/{name}.json is not what R says now. Run:\n  {COMMANDS[name]}"
    assert now.get("sha256") == kept.get("sha256") and now.get("data") == kept.get("data"), hint
    assert now["rows"].keys() == kept["rows"].keys(), hint
    differ = [
        i
        for i, row in kept["rows"].items()
        if row.keys() != now["rows"][i].keys()
        or any(apart(now["rows"][i][field], row[field]) > 1e-8 for field in row)
    ]
    assert not differ, f"{', '.join(differ[:20])}: {hint}"


# --- how far apart --------------------------------------------------------------------------------


def test_the_book_tells_how_far_each_estimator_is_from_r(rows_of):
    now, kept = agreement_table(rows_of), proof.agreement()
    same = [c for c in kept.columns if c != "below"]
    pd.testing.assert_frame_equal(
        now[same].astype(str), kept[same].astype(str), obj=f"agreement.csv; run {WRITE}"
    )
    too_far = now[now["largest"] >= kept["below"].astype(float)]
    assert too_far.empty, f"further from R than the book says; run {WRITE}:\n{too_far}"
    assert (
        kept["below"].astype(float)
        <= [
            LOOSER["Paule and Mandel, logit scale"][0] * 10 if "Paule" in name else RELATIVE
            for name in kept["estimator"]
        ]
    ).all()


def test_the_page_shows_every_estimator_and_every_trap():
    page = proof.page()
    assert all(html.escape(proof.with_dashes(name)) in page for name, *_ in ESTIMATORS)
    assert "Kaplan–Meier curve" in page and "Kaplan-Meier curve" not in page and "Log-rank test" in page
    assert all(html.escape(trap) in page for trap in proof.traps()["trap"]) and "nan" not in page
