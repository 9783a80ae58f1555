"""Replacing files and folders so that a reader finds the old ones or the new ones, whenever the program is
killed; one build at a time.

Several folders change together: while they do, the last of them is absent, so that never an old one stands
beside a new one. What a killed program left is put right by the next, which knows from the last folder
whether the change was complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

UNFINISHED, ASIDE = ".building-", ".replaced-book"
THERE = "there.json"  # beside what was set aside: the names of all parts, and of those that stood there
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
    recover_parts(folder)


def recover_parts(folder: Path) -> None:
    """End a change of folders, as it stands: the new ones stay if all are there, else the old ones come
    back.
    """
    aside = folder / ASIDE
    if not aside.exists():
        return
    if (aside / THERE).exists():  # it is there from the first moment on, until all that is aside is removed
        parts, stood = json.loads((aside / THERE).read_text("utf-8"))
        for part in parts if not (folder / parts[-1]).exists() else ():
            if part not in stood or (aside / part).exists():
                shutil.rmtree(folder / part, ignore_errors=True)
            if (aside / part).exists():
                os.replace(aside / part, folder / part)
    shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A folder to work in, beside what it is to replace; it is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=UNFINISHED, ignore_cleanup_errors=True) as work:
        yield Path(work)


def replace(work: Path, folder: Path, parts: tuple[str, ...]) -> None:
    """Put finished folders in the place of old ones, all or none: at no moment is there a half, or a mixture.

    Parameters
    ----------
    work, folder : Path
        Where the new folders are, and where the old ones are; in one file system.
    parts : tuple of str
        The names of the folders. The last one is the first to go and the last to come.
    """
    (work / ASIDE).mkdir()
    stood = [part for part in parts if (folder / part).exists()]
    (work / ASIDE / THERE).write_text(json.dumps([parts, stood]), "utf-8")
    os.replace(work / ASIDE, folder / ASIDE)
    try:
        for part in reversed(stood):
            os.replace(folder / part, folder / ASIDE / part)
        for part in parts:
            os.replace(work / part, folder / part)
    finally:
        recover_parts(folder)


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


@contextlib.contextmanager
def finished_folder(place: Path) -> Iterator[Path]:
    """A folder to fill, beside the place that it takes once it is whole (nothing, or an empty folder);
    if anything goes wrong, nothing of it is left.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        os.replace(unfinished, place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def end_with(parent: int) -> None:
    """End this process soon after the parent has ended, however that happened."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
