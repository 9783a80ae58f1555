"""A finding of the leak scan that a person has looked at and takes for harmless: accepted, with a reason,
without its value.

What was accepted stands in a file beside the cohort's own, which is as private as these: for each finding the
file of the book, the place in the input, the reason, the day, and a salted digest by which the same finding
is known again. Whatever else is found in that file of the book, or the same value in another, is a new
finding.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from analysis_lib.binding.leak_values import Needle
from analysis_lib.binding.leaks import Leak, found, of_text

LOG = "accepted-findings.json"  # in the folder of the cohort's file
REASON = 8  # letters that a reason has at least


class ReviewError(ValueError):
    """Nothing was accepted; the message says why."""


def log_of(path: Path) -> Path:
    """Where the accepted findings of a cohort are kept: beside its manifest or table."""
    return path.parent / LOG


def code(leak: Leak, log: Path) -> str:
    """A short name of a finding that does not tell its value; it stays the same as long as the log is
    kept.
    """
    return _digest(leak, _read(log)["salt"])


def unaccepted(leaks: Iterable[Leak], log: Path) -> list[Leak]:
    """The findings that nobody has accepted yet.

    Raises
    ------
    ReviewError
        If the log cannot be read.
    """
    known = _read(log)
    digests = {each["code"] for each in known["accepted"]}
    return [
        leak for leak in leaks if not digests or not leak.keys or _digest(leak, known["salt"]) not in digests
    ]


def accept(leaks: Iterable[Leak], reasons: dict[str, str], log: Path, day: date | None = None) -> list[Leak]:
    """Write down that findings are harmless, and why; returns those that are still open.

    Parameters
    ----------
    leaks : iterable of Leak
        What :func:`analysis_lib.binding.leaks.scan` found.
    reasons : dict
        A reason for each finding that is accepted, by its :func:`code`.
    log : Path
        Of :func:`log_of`.
    day : date, optional
        The day of the review; today, if none is given.

    Raises
    ------
    ReviewError
        With all that is wrong: a code that none of the findings has, a file that may not be in a book
        whatever it holds, a reason that is missing or tells the value. Then nothing is written.
    """
    leaks, known = list(leaks), _read(log)
    by_code = {_digest(leak, known["salt"]): leak for leak in leaks}
    wrong = [text for each, reason in reasons.items() for text in _wrong(each, reason, by_code)]
    if wrong:
        raise ReviewError("Nothing was accepted:\n  " + "\n  ".join(wrong))
    new = {
        each: {
            "code": each,
            "file": by_code[each].file,
            "what": by_code[each].what,
            "reason": " ".join(reason.split()),
            "day": str(day or date.today()),
        }
        for each, reason in reasons.items()
    }
    known["accepted"] = [each for each in known["accepted"] if each["code"] not in new] + list(new.values())
    unfinished = log.with_name(f".{log.name}")
    unfinished.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(log)
    return unaccepted(leaks, log)


def _wrong(each: str, reason: str, by_code: dict[str, Leak]) -> Iterable[str]:
    leak = by_code.get(each)
    if leak is None:
        yield f"{each}: no finding of this build has this code."
    elif not leak.keys:
        yield f"{each}: {leak.what} may not be in a book; it cannot be accepted."
    elif sum(map(str.isalpha, reason)) < REASON:
        yield f"{each}: say in a few words why it is harmless."
    elif found(of_text(reason), {key: Needle("a value", "") for key in leak.keys}):
        yield f"{each}: the reason tells the value itself. Say it without."


def _digest(leak: Leak, salt: str) -> str:
    said = json.dumps([leak.file, leak.what.partition(" that stands ")[0], sorted(map(str, leak.keys))])
    return hashlib.scrypt(said.encode(), salt=bytes.fromhex(salt), n=2**12, r=8, p=1, dklen=6).hex()


def _read(log: Path) -> dict:
    """The log; a new one, with a salt, if there is none."""
    if not log.exists():
        unfinished = log.with_name(f".{log.name}")
        unfinished.write_text(
            json.dumps({"salt": secrets.token_hex(16), "accepted": []}, indent=1) + "\n", "utf-8"
        )
        unfinished.replace(log)
    try:
        known = json.loads(log.read_text("utf-8"))
        bytes.fromhex(known["salt"])
        usable = all(isinstance(each["code"], str) for each in known["accepted"])
    except (OSError, ValueError, KeyError, TypeError):
        usable = False
    if not usable:
        raise ReviewError(
            f"{log.name}: it is not the log of accepted findings that was written here. "
            "Restore it, or delete it and accept anew."
        )
    return known
