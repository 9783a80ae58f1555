"""Two books of one hospital that differ by a patient: what the second would tell, and that it is refused."""

import json

import pytest

from analysis_lib.analyses import table_1, weighting
from analysis_lib.cohort import overlap
from analysis_lib.rows import results

import attackers
import inventing

K = inventing.K


@pytest.fixture(scope="module")
def pairs():
    return [
        (study := inventing.invent(seed), inventing.without(study, str(study.patients["patient_id"].iloc[0])))
        for seed in range(60)
    ]


def book(study):
    return results.collect([table_1.table_1(study), weighting.balance(study, weighting.prepare(study))])


def truth(study, what):
    patient = study.patients.iloc[0]
    if what[0] == "has":
        _, column, level = what[1].split(".")
        return results.slug(str(patient[column])) == level
    if what[0] == "regimen":
        return results.slug(str(patient["salvage_regimen"])) == what[1].split(".")[-1]
    return patient["salvage_regimen"] in ("RT", "ST")


def attacked(study, smaller, controlled):
    released = overlap.start()
    if controlled:
        released = overlap.remember(overlap.digests(study, released), released, "2026-01-01", "book", K)
        if overlap.refusal(overlap.digests(smaller, released), released, K):
            return {}
    return attackers.two_books(book(study), book(smaller))


def test_the_attack_succeeds_without_overlap_control(pairs):
    claims = [
        truth(study, what)
        for study, smaller in pairs[:6]
        for what in attacked(study, smaller, controlled=False)
    ]
    # some rows differ because the auditor withheld another one
    assert sum(claims) >= 3 and sum(claims) > len(claims) / 2


def test_the_second_book_is_refused_so_nothing_is_claimed(pairs):
    assert not [claim for study, smaller in pairs for claim in attacked(study, smaller, controlled=True)]


def numbers(*whom):
    return {f"{one:016x}": "00" * 8 for each in whom for one in each}


def after(*sets):
    released = overlap.start()
    for place, one in enumerate(sets):
        released = overlap.remember(one, released, f"2026-01-0{place + 1}", "book", K)
    return released


@pytest.mark.parametrize(
    "earlier, new, allowed",
    [
        ([], range(60), True),
        ([range(60)], range(60), True),  # the very same
        ([range(60)], range(61), False),
        ([range(61)], range(60), False),
        ([range(60)], range(4, 64), False),  # four left and four came
        ([range(60)], range(5, 65), True),
        ([range(60)], range(65), True),
        ([range(60)], range(64), False),
        ([range(60)], range(1, 70), False),  # one left, ten came
        ([range(20), range(20, 40)], range(41), False),  # both together, and one more
        ([range(40), range(20)], range(21, 40), False),  # all, without these, without one
        ([range(30), range(15, 60)], range(60), True),
    ],
)
def test_which_sets_may_follow_which(earlier, new, allowed):
    assert (overlap.refusal(numbers(new), after(*map(numbers, earlier)), K) == "") is allowed
    assert overlap.refusal(numbers(new), after(*map(numbers, earlier)), 0) == ""


def test_a_record_that_changed_counts_as_a_patient():
    earlier, later = numbers(range(60)), numbers(range(60))
    for changed in range(4):
        later[f"{changed:016x}"] = "11" * 8
    assert "something else of fewer than 5" in overlap.refusal(later, after(earlier), K)
    later[f"{4:016x}"] = "11" * 8
    assert overlap.refusal(later, after(earlier), K) == ""


def test_a_set_that_was_never_released_is_forgotten():
    released = after(numbers(range(60)), numbers(range(65)))
    assert "never-released COHORT 2" in overlap.refusal(numbers(range(66)), released, K)
    released = overlap.never_released(released, 2)
    assert overlap.refusal(numbers(range(66)), released, K) == ""
    with pytest.raises(overlap.OverlapError, match="remembered are: 1"):
        overlap.never_released(released, 2)


def test_the_file_tells_no_identifier_and_is_never_taken_for_an_empty_one(tmp_path):
    study = inventing.invent(3, 30)
    released = overlap.read(tmp_path)
    released = overlap.remember(overlap.digests(study, released), released, "2026-01-01", "book", K)
    path = overlap.save(released, tmp_path)
    assert overlap.read(tmp_path) == released and path.stat().st_mode & 0o077 == 0
    text = path.read_text()
    assert not any(str(one) in text for one in study.patients["patient_id"])
    assert len(json.loads(text)["sets"][0]["patients"]) == 30
    assert overlap.start().key != overlap.start().key
    for damage in (
        "",
        "{",
        "[]",
        text.replace(overlap.FORMAT, "x"),
        text.replace('"sets"', '"set"'),
        text.replace(released.key, "zz"),
    ):
        path.write_text(damage)
        with pytest.raises(overlap.OverlapError, match="damaged"):
            overlap.read(tmp_path)
