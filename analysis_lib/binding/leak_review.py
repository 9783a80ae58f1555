"""A finding of the leak scan that a person has looked at and takes for harmless: accepted, with a reason,
without its value.

What was found and what was accepted stand in a file beside the cohort's own, which is as private as these:
for each finding the file of the book, the place in the input, and a salted digest by which the same finding
is known again; for one that was accepted the reason and the day, too. Whatever else is found in that file of
the book, or the same value in another, is a new finding.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from analysis_lib.binding.leak_values import Needle
from analysis_lib.binding.leaks import Leak, found, of_text, own
from analysis_lib.binding.outcome import BuildError
from analysis_lib.files import replacing

LOG = "accepted-findings.json"  # in the folder of the cohort's file
REASON = 8  # letters that a reason has at least
SHOWN = 20  # findings in a message


class ReviewError(BuildError):
    """Nothing was accepted, or what was cannot be read; the message says why."""


def log_of(path: Path) -> Path:
    """Where the findings of a cohort are kept: beside its manifest or table."""
    return path.parent / LOG


def refuse(leaks: Iterable[Leak], wanted: Mapping[Path, Collection]) -> None:
    """Fail if there is a finding that nobody has accepted, and keep what was found for the review.

    Parameters
    ----------
    leaks : iterable of Leak
        What :func:`analysis_lib.binding.leaks.scan` found.
    wanted : mapping
        For the manifest or table of each cohort, the keys of what must not be found of it.

    Raises
    ------
    BuildError
        With the findings that are open, each with the code by which it can be accepted.
    ReviewError
        If a log cannot be read.
    """
    leaks = list(leaks)
    if not leaks:
        return
    logs: dict[Path, set] = {}
    for path, keys in wanted.items():
        logs.setdefault(log_of(path), set()).update(keys)
    for log in logs:
        leaks = unaccepted(leaks, log)
    if not leaks:
        return
    told: dict[Leak, str] = {}
    for log, keys in logs.items():
        mine = [leak for leak in leaks if leak.keys & keys and leak not in told]
        told |= {leak: f"{code}  " for leak, code in zip(mine, _note(mine, log))}
    more = [f"... and {len(leaks) - SHOWN} more"] if len(leaks) > SHOWN else []
    lines = [
        told.get(leak, "") + str(leak) + (f'; where it says "{leak.near}"' if leak.near else "")
        for leak in leaks[:SHOWN]
    ]
    raise BuildError(
        "Something of the patients' data stands in what was written, so nothing of it was kept:\n  "
        + "\n  ".join([*lines, *more])
        + "\nRemove the column from the file, or report it. If you have looked at a finding and it is "
        'harmless: salvage-book accept COHORT CODE "why it is harmless", and try again.'
    )


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


def accept(
    code: str, reason: str, log: Path, wanted: dict[tuple, Needle], day: date | None = None
) -> list[dict]:
    """Write down that a finding of the last build or export is harmless, and why; returns those that are
    still open.

    Parameters
    ----------
    code : str
        As the refusal told it.
    reason : str
        Why it is harmless, in words that tell nothing of the patients.
    log : Path
        Of :func:`log_of`.
    wanted : dict
        Of :func:`analysis_lib.binding.leaks.needles`: what the reason must not tell.
    day : date, optional
        The day of the review; today, if none is given.

    Raises
    ------
    ReviewError
        If there is no such finding, or the reason is missing or tells something of the input. Then nothing is
        written.
    """
    known = _read(log)
    mine = [each for each in known["open"] if each["code"] == code]
    if not mine:
        raise ReviewError(
            f"{code}: the last build or export had no finding with this code that can be accepted, so "
            f"nothing was accepted. Copy the code from its message; a file that may not be there has none."
        )
    if sum(map(str.isalpha, reason)) < REASON:
        raise ReviewError(f"{code}: say in a few words why it is harmless. Nothing was accepted.")
    if _tells(reason, wanted):
        raise ReviewError(
            f"{code}: the reason itself tells something of the patients' data. Say it without. "
            f"Nothing was accepted."
        )
    new = mine[0] | {"reason": " ".join(reason.split()), "day": str(day or date.today())}
    known["accepted"] = [each for each in known["accepted"] if each["code"] != code] + [new]
    known["open"] = [each for each in known["open"] if each["code"] != code]
    _write(known, log)
    return known["open"]


def _tells(reason: str, wanted: dict[tuple, Needle]) -> bool:
    """Whether a reason says anything of the input, a name in small letters too if it is no word of ours."""
    small = {key: replace(needle, cased=False) for key, needle in wanted.items()}
    said = of_text(reason)
    return bool(found(said, wanted) or found(said, small, [own()]))


def _note(leaks: list[Leak], log: Path) -> list[str]:
    """Keep findings in the log, in place of those of an earlier build; returns their codes, in order."""
    known = _read(log)
    codes = [_digest(leak, known["salt"]) for leak in leaks]
    known["open"] = [{"code": code, "file": leak.file, "what": leak.what} for code, leak in zip(codes, leaks)]
    _write(known, log)
    return codes


def _digest(leak: Leak, salt: str) -> str:
    said = json.dumps([leak.file, leak.what.partition(" that stands ")[0], sorted(map(str, leak.keys))])
    return hashlib.scrypt(said.encode(), salt=bytes.fromhex(salt), n=2**12, r=8, p=1, dklen=6).hex()


def _read(log: Path) -> dict:
    """The log; a new one, with a salt, if there is none."""
    if not log.exists():
        return {"salt": secrets.token_hex(16), "open": [], "accepted": []}
    try:
        known = json.loads(log.read_text("utf-8"))
        bytes.fromhex(known["salt"])
        usable = all(isinstance(each["code"], str) for each in known["accepted"] + known["open"])
    except (OSError, ValueError, KeyError, TypeError):
        usable = False
    if not usable:
        raise ReviewError(
            f"{log.name}: it is not the log of accepted findings that was written here. "
            "Restore it, or delete it and accept anew."
        )
    return known


def _write(known: dict, log: Path) -> None:
    try:
        with replacing.finished(log) as unfinished:
            unfinished.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise ReviewError(
            f"{log.name}: it cannot be written beside the cohort's file ({error.strerror}), so what the leak "
            f"scan found cannot be reviewed. There is something of the patients' data in what was made, and "
            f"nothing of it was kept. Copy the cohort to a folder in which you may write, and try again."
        ) from None
