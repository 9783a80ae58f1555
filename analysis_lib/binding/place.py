"""The folder for a book: whether one may be written there. Nothing is removed that a build did not write.

A build marks its folder with a file, and lists in another what it wrote. Nothing is removed from a folder
without the mark, nor if it holds anything that is not in the list.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis_lib.binding.reuse import KEPT
from analysis_lib.dictionary.words import listed
from analysis_lib.files import replacing
from analysis_lib.files.places import ROOT, is_ours

PARTS = ("source", "html")  # of a book; they change together, see analysis_lib.files.replacing
# In the folder it says that a build may replace its parts; in source, it lists the files of both.
MARK = ".salvage-book"
WORDS = (
    "salvage-book writes books to this folder: each build replaces html and source. Keep nothing else here.\n"
)
# What file browsers and Jupyter leave wherever they look; it may be lost.
DROPPINGS = (".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "__pycache__")
SHOWN = 3  # names of strange files in a message


def trouble(out: Path, inputs: Iterable[Path]) -> str:
    """Why no book may be written to a folder, in sentences; empty if one may."""
    out = out.resolve()
    if not _readable(out):
        return (
            f"The path {ascii(str(out))} holds letters that this session's language settings cannot express. "
            f"Set LC_ALL=C.UTF-8, or choose a folder without such letters as --out."
        )
    if is_ours(out):
        return f"{out} is inside the folder of this program. Choose a folder outside it."
    for part in PARTS:
        if any(path.resolve().is_relative_to(out / part) for path in inputs):
            return (
                f"The book would be written over its own input: {out / part} holds the cohort. "
                f"Choose another --out."
            )
    if out == Path(out.anchor) or any(kept.resolve().is_relative_to(out) for kept in (ROOT, Path.home())):
        return f"{out} holds much besides a book. Choose a new folder as --out."
    if out.exists() and not out.is_dir():
        return f"{out} is a file. Choose a folder as --out."
    return _not_ours(out) if out.is_dir() else ""


def _readable(out: Path) -> bool:
    """Whether a path is text; in a session without UTF-8 an umlaut comes as two bytes that are none."""
    try:
        return bool(str(out).encode("utf-8"))
    except UnicodeEncodeError:
        return False


def _not_ours(out: Path) -> str:
    names = sorted(path.name for path in out.iterdir() if path.name not in (*DROPPINGS, ".lock"))
    if names and not (out / MARK).is_file():
        return (
            f"{out} holds {_some(names)} and no file {MARK}, so it is no book of this program, or one of an "
            f"older version, and is left alone. Choose a new folder as --out; or, if it is an old book, "
            f"delete the folder yourself and build again."
        )
    strange = [
        name
        for name in names
        if name not in (MARK, KEPT, replacing.ASIDE, *PARTS) and not name.startswith(replacing.UNFINISHED)
    ]
    if not (out / replacing.ASIDE).exists():  # else a build was killed as it put the book in place
        strange += sorted(set(_files(out)) - set(_known(out)))
    if strange:
        return (
            f"{out} holds {_some(strange)}, which this program did not write and will not remove. Move it "
            f"elsewhere, or choose another --out."
        )
    return ""


def _some(names: list[str]) -> str:
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return listed([*names[:SHOWN], *more])


def _files(folder: Path) -> Iterator[str]:
    """The files in the parts of a book, and links to anywhere, by their path below ``folder``."""
    for part in PARTS:
        if (folder / part).is_symlink() or (folder / part).is_file():
            yield part
        for where, folders, files in os.walk(folder / part):
            folders[:] = [name for name in folders if name not in DROPPINGS]
            links = [name for name in folders if (Path(where) / name).is_symlink()]
            for name in (*files, *links):
                if name not in DROPPINGS:
                    yield (Path(where) / name).relative_to(folder).as_posix()


def _known(folder: Path) -> list[str]:
    record = folder / PARTS[0] / MARK
    return record.read_text("utf-8").splitlines() if record.is_file() else []


def mark(out: Path) -> None:
    """Say in a folder that builds may replace its parts."""
    if not (out / MARK).exists():
        (out / MARK).write_text(WORDS, "utf-8")


def record(work: Path) -> None:
    """List the files of a finished book in it, before it goes to its place."""
    (work / PARTS[0] / MARK).touch()
    (work / PARTS[0] / MARK).write_text("\n".join(sorted(_files(work))) + "\n", "utf-8")
