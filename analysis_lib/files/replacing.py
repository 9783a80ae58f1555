"""Replacing a file or a folder so that a reader finds the old one or the new one, whenever the program is
killed; one build at a time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

UNFINISHED, ASIDE = ".building-", ".replaced-"
PATIENCE = 5  # seconds in which the processes of a killed build end and let go of the lock


class Busy(Exception):
    """Another program is at work in the folder."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; what a killed one left there is put right first. The lock ends with the
    process.

    Raises
    ------
    Busy
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / ".lock").acquire(timeout=PATIENCE)
    except Timeout:
        raise Busy from None
    with lock:
        recover(folder)
        yield


def recover(folder: Path) -> None:
    """Remove what was never finished; put back what had been set aside and not been replaced."""
    for left in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    for old in folder.glob(f"{ASIDE}*"):
        if (place := folder / old.name.removeprefix(ASIDE)).exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(old, place)


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A folder to work in, beside what it is to replace; it is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=UNFINISHED, ignore_cleanup_errors=True) as work:
        yield Path(work)


def replace(new: Path, place: Path) -> None:
    """Put a finished folder in the place of an old one: at no moment is there a half."""
    aside = place.with_name(ASIDE + place.name)
    if place.exists():
        os.replace(place, aside)
    os.replace(new, place)
    shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def finished(place: Path) -> Iterator[Path]:
    """A file to write, beside the place that it takes once it is whole; if anything goes wrong, nothing of it
    is left.
    """
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        yield unfinished
        os.replace(unfinished, place)
    finally:
        unfinished.unlink(missing_ok=True)


def end_with(parent: int) -> None:
    """End this process soon after the parent has ended, however that happened."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
