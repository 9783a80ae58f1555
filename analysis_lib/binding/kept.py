"""What has been made before, kept by the fingerprint of what it was made from
(:mod:`analysis_lib.binding.inputs`).

An entry is one ZIP file, ``STORE/<label>/<fingerprint>.zip``, that appears whole or not at all: two builds
may keep the same, and a build may be killed. An entry that cannot be read to its last byte is as if it were
not there.

Whoever keeps something of a real cohort passes a store inside that cohort's own output folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

from analysis_lib.files import replacing

TOLD, FILES = "told.json", "files/"
AS_MANY = 3  # entries of a label: going back to what was before a change, and forth, costs nothing
UNFINISHED, FORGOTTEN = (
    ".keeping-",
    24 * 3600,
)  # seconds after which an unfinished file is one that a killed build left
UNREADABLE = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    TypeError,
    ValueError,
    RuntimeError,
)


def keep(store: Path, label: str, fingerprint: str, folder: Path, files: list[Path], told: dict) -> None:
    """Keep files under a fingerprint, and let the label's oldest entries go.

    Parameters
    ----------
    store : Path
        A folder, made if need be.
    label : str
        Of what there is one at a time, such as ``reconstructed/04_survival``.
    fingerprint : str
        From :func:`analysis_lib.binding.inputs.fingerprint`, and the same before and after the files were
        made: a module that is edited meanwhile must not be taken for the one that made them.
    folder, files : Path, list of Path
        The files, all below the folder.
    told : dict
        What else to know of them, as JSON can hold it.
    """
    place = store / label
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place, prefix=UNFINISHED, delete=False) as unfinished:
        try:
            with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                contents = {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
                digests = {name: _digest(data) for name, data in contents.items()}
                archive.writestr(TOLD, json.dumps({"told": told, "files": digests}))
                for name, data in contents.items():
                    archive.writestr(f"{FILES}{name}", data)
            unfinished.close()
            os.replace(unfinished.name, place / f"{fingerprint}.zip")
        except BaseException:
            unfinished.close()
            Path(unfinished.name).unlink(missing_ok=True)
            raise
    _let_go(place)


def kept(store: Path, label: str, fingerprint: str, folder: Path) -> dict | None:
    """Put what was kept back below a folder, and return what was told of it; if nothing was, ``None``, and
    write nothing.
    """
    entry = store / label / f"{fingerprint}.zip"
    try:
        with zipfile.ZipFile(entry) as archive:
            inside = json.loads(archive.read(TOLD))
            files = {name: archive.read(f"{FILES}{name}") for name in inside["files"]}
    except UNREADABLE:
        return None
    if any(_digest(data) != inside["files"][name] for name, data in files.items()):
        return None
    if any(".." in name.split("/") or name.startswith("/") for name in files):
        return None
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with replacing.finished(folder / name) as unfinished:
            unfinished.write_bytes(data)
    with contextlib.suppress(OSError):  # another build let it go, or the store may not be written
        os.utime(entry)
    return inside["told"]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _let_go(place: Path) -> None:
    ages = {}
    for path in place.iterdir():
        with contextlib.suppress(OSError):
            ages[path] = path.stat().st_mtime
    entries = sorted((path for path in ages if path.suffix == ".zip"), key=ages.__getitem__, reverse=True)
    lost = [
        path for path in ages if path.name.startswith(UNFINISHED) and time.time() - ages[path] > FORGOTTEN
    ]
    for path in entries[AS_MANY:] + lost:
        with contextlib.suppress(OSError):
            path.unlink()
