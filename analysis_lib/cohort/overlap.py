"""Overlap control: two books of one hospital whose patients differ by a few would tell of those few.

Every number of a book is safe by itself. But whoever holds a book of 60 patients and another of the same 60
and one more subtracts them. Two ways out are known. *Perturbation keyed to cells*, as censuses do, adds to
each count a small error that follows from who is in the cell, so that the same cell is always shown alike. It
needs every number to be a count: medians, hazard ratios and curves would each need noise of their own, wide
enough to drown one patient in sixty, and the book would no longer be the study. *Remembering* which patients
a book was made of needs no noise, keeps every number, and refuses the one book in question. Hospitals re-run
rarely, and a file that grew by ``k`` patients passes. So the tool remembers.

What is remembered stands in ``.released.json`` beside the cohort's file and holds no identifier: of each
patient a keyed digest of the identifier and one of what is recorded of the patient (HMAC-SHA256 with a random
key made for this file alone, cut to 64 bits): books of the same patients, of whom one has died meanwhile,
differ by that one too. Whoever has file and key can test a guessed identifier, so the file is as confidential
as the cohort's own, stays in its folder, and is part of no export.

A set is compared with every earlier one, and with what can be put together of them: patients who are in the
new set and in none of the earlier, or in all and not in the new. The rule counts, too: of the same patients
in bands of 5 and in bands of 11, a count of 10 is the only one in both. Sets that were never released (a
trial build that nobody saw) are forgotten with :func:`never_released`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import replacing
from analysis_lib.files.refusal import Refused

FILE = ".released.json"
FORMAT = "salvage-book, sets of patients released"
VERSION = 1
BYTES = 8  # of a digest: two of a million patients coincide with a chance of 1 in 10 ** 7


class OverlapError(Refused):
    """Nothing may be released, or the file of released sets cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Released:
    """What was released: the key of the digests, and of each set the day, what it was for, its rule, and its
    patients' digests.
    """

    key: str
    sets: tuple[dict, ...] = ()


def start() -> Released:
    """Nothing released yet, with a new key."""
    return Released(secrets.token_hex(32))


def digests(study: Cohort, released: Released) -> dict[str, str]:
    """Each patient's keyed digest, and that of all that the cohort's tables hold of the patient."""
    key = bytes.fromhex(released.key)
    held: dict[str, list[str]] = {str(one): [] for one in study.patients["patient_id"]}
    for name in ("patients", "sites", "lines"):
        table = getattr(study, name)
        columns = sorted(set(table) - {"patient_id"})
        for who, *values in (
            table[["patient_id", *columns]].astype("string").fillna("").itertuples(index=False)
            if len(table)
            else ()
        ):
            held[str(who)].append("\x1f".join([name, *values]))
    return {
        _digest(key, who.strip().lower()): _digest(key, "\x1e".join(sorted(lines)))
        for who, lines in held.items()
    }


def _digest(key: bytes, what: str) -> str:
    return hmac.new(key, what.encode(), hashlib.sha256).hexdigest()[: 2 * BYTES]


def refusal(patients: dict[str, str], released: Released, k: int) -> str:
    """Why a book of these patients must not be made; empty where it may.

    Parameters
    ----------
    patients : dict
        From :func:`digests`.
    released : Released
    k : int
        The cohort's ``min_cell_count``. The very same set may be released again under the same rule: it tells
        nothing new.
    """
    if k <= 1:
        return ""
    for earlier in reversed(released.sets):
        if 1 < earlier["rule"] != k:
            return (
                f"numbers of this cohort were released with min_cell_count {earlier['rule']} before (set "
                f"{earlier['set']}, {earlier['what']}, {earlier['day']}), and now it is {k}. Two roundings "
                f"of one number tell more than either. Write min_cell_count: {earlier['rule']}; or, if that "
                f"set never left the hospital, say so (salvage-book never-released COHORT {earlier['set']})"
            )
    records, now = patients, frozenset(patients)
    for earlier in reversed(released.sets):
        known = frozenset(earlier["patients"])
        gained, lost = len(now - known), len(known - now)
        changed = sum(records[one] != record for one, record in earlier["patients"].items() if one in records)
        if 0 < changed < k and not (gained or lost):
            return (
                f"the cohort's file says something else of fewer than {k} patients than when set "
                f"{earlier['set']} was made "
                f"({earlier['what']}, {earlier['day']}). Whoever holds both would learn what. "
                f"{_way_out(earlier['set'], k)}"
            )
        if now != known and (0 < gained < k or 0 < lost < k):
            return (
                f"the patients of this cohort differ from those of set {earlier['set']} "
                f"({earlier['what']}, {earlier['day']}) by fewer than "
                f"{k} who came or fewer than {k} who left. Whoever holds both would learn about them. "
                f"{_way_out(earlier['set'], k)}"
            )
    union = (
        frozenset().union(*(earlier["patients"] for earlier in released.sets))
        if released.sets
        else frozenset()
    )
    if 0 < len(now - union) < k and released.sets:
        return (
            f"fewer than {k} patients of this cohort were in none of the sets that were released "
            f"before. Whoever holds them all "
            f"would learn about those. Wait until there are {k}"
        )
    if parts := _cells(now, released, k):
        return (
            f"together with earlier sets this one would single out fewer than {k} patients ({parts}). "
            f"Wait until {k} "
            "have changed, or say which earlier set was never released"
        )
    return ""


def _way_out(number: int, k: int) -> str:
    return (
        f"Wait until {k} patients have changed; or, if set {number} never left the hospital, say so "
        f"(salvage-book never-released COHORT {number})"
    )


def _cells(patients: frozenset[str], released: Released, k: int) -> str:
    """Earlier sets that, put together with this one, single out a few patients: those of one pattern of
    membership.

    Two sets with 30 patients in common are no trouble by themselves; sums over sets can be subtracted
    wherever one set is made up of others. That is so if the new set is the union of earlier ones, but for a
    few, or the other way round.
    """
    inside = [earlier for earlier in released.sets if frozenset(earlier["patients"]) < patients]
    covered = frozenset().union(*(earlier["patients"] for earlier in inside)) if inside else frozenset()
    if inside and 0 < len(patients - covered) < k:
        return "sets " + ", ".join(str(earlier["set"]) for earlier in inside)
    for whole in released.sets:
        rest = frozenset(whole["patients"]) - patients
        within = [other for other in released.sets if frozenset(other["patients"]) < rest]
        covered = frozenset().union(*(other["patients"] for other in within)) if within else frozenset()
        if patients < frozenset(whole["patients"]) and within and 0 < len(rest - covered) < k:
            return f"set {whole['set']} without sets " + ", ".join(str(other["set"]) for other in within)
    return ""


def remember(patients: dict[str, str], released: Released, day: str, what: str, rule: int) -> Released:
    """The same with one more set, unless these very patients are known under this rule; ``what`` is such as
    ``book`` or ``export``, ``rule`` the cohort's ``min_cell_count``.
    """
    if any(earlier["patients"] == patients and earlier["rule"] == rule for earlier in released.sets):
        return released
    number = max((earlier["set"] for earlier in released.sets), default=0) + 1
    return replace(
        released,
        sets=(
            *released.sets,
            {
                "set": number,
                "day": day,
                "what": what,
                "rule": rule,
                "patients": dict(sorted(patients.items())),
            },
        ),
    )


def never_released(released: Released, number: int) -> Released:
    """The same without a set that nobody outside has seen.

    Raises
    ------
    OverlapError
        If there is no such set.
    """
    kept = tuple(earlier for earlier in released.sets if earlier["set"] != number)
    if len(kept) == len(released.sets):
        known = ", ".join(str(earlier["set"]) for earlier in released.sets) or "none"
        raise OverlapError(f"there is no set {number}; remembered are: {known}.")
    return replace(released, sets=kept)


def written(released: Released) -> str:
    """The content of :data:`FILE`."""
    return (
        json.dumps(
            {
                "format": FORMAT,
                "version": VERSION,
                "about": "Keyed digests of the patients of "
                "books and exports that were made. "
                "Keep it with the cohort's file, and as confidential.",
                "key": released.key,
                "sets": list(released.sets),
            },
            indent=1,
        )
        + "\n"
    )


def read(folder: str | Path) -> Released:
    """What was released of the cohort in this folder; nothing, with a new key, where no file stands.

    Raises
    ------
    OverlapError
        If the file is damaged. It is not taken for an empty one: what was released would be forgotten.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return start()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        sets = tuple(
            {
                "set": int(one["set"]),
                "day": str(one["day"]),
                "what": str(one["what"]),
                "rule": int(one["rule"]),
                "patients": {_hex(who): _hex(record) for who, record in one["patients"].items()},
            }
            for one in found["sets"]
        )
        if found["format"] != FORMAT or found["version"] != VERSION or len(bytes.fromhex(found["key"])) != 32:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OverlapError(
            f"{FILE} beside the cohort's file is damaged. It tells which patients were in "
            f"earlier books, so it is not "
            "replaced. Restore it from a backup; if nothing was ever released, delete it."
        ) from None
    return Released(found["key"], sets)


def _hex(digest: str) -> str:
    return bytes.fromhex(digest).hex()


def save(released: Released, folder: str | Path) -> Path:
    """Write the file whole, readable by its owner alone."""
    path = Path(folder) / FILE
    try:
        with replacing.finished(path) as unfinished:
            unfinished.touch(mode=0o600)
            unfinished.write_text(written(released), encoding="utf-8")
    except OSError as error:
        raise OverlapError(
            f"{FILE} cannot be written to the folder of the cohort's file ({error.strerror}). It remembers "
            "of which patients books and exports were made, so nothing may be released without it. Put "
            "cohort.yml into a folder in which you may write."
        ) from None
    return path


def refuse(studies: Iterable[Cohort], folder: Path) -> Released:
    """Make sure that a book or an export of cohorts may be released beside each other and the earlier ones.

    Parameters
    ----------
    studies : iterable of Cohort
        Those whose files stand in the folder.
    folder : Path

    Returns
    -------
    Released
        What would then be released of the cohorts in this folder.

    Raises
    ------
    OverlapError
        If it would tell of a few patients, or what was released before cannot be read.
    """
    return _with(studies, read(folder), "this")


def release(studies: Iterable[Cohort], folder: Path, what: str) -> None:
    """Remember that a book or an export of cohorts is released now, unless it must not be.

    Raises
    ------
    OverlapError
        As :func:`refuse`, or if it cannot be remembered.
    """
    before = read(folder)
    if (after := _with(studies, before, what)) != before:
        save(after, folder)


def _with(studies: Iterable[Cohort], released: Released, what: str) -> Released:
    for study in studies:
        patients = digests(study, released)
        if reason := refusal(patients, released, study.min_cell_count):
            raise OverlapError(f"{study.name}: {reason}. Nothing was written.")
        released = remember(patients, released, date.today().isoformat(), what, study.min_cell_count)
    return released
