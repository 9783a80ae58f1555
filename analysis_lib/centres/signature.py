"""A signature beside an export: who sent it, and that nothing of it was changed on the way.

Programs that others keep make and check it: minisign, or GnuPG. Their own keys are used; none is kept here.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from analysis_lib.centres.exchange import SharingError
from analysis_lib.dictionary.words import listed

PROGRAMS = {"minisign": ".minisig", "gpg": ".asc"}  # and how the name of their signature ends
KEYS = {".minisig": ".pub", ".asc": ".asc"}  # how the name of a public key ends that checks it


def program() -> str:
    """The program that signs: minisign, or GnuPG where that is absent.

    Raises
    ------
    SharingError
        If neither is installed.
    """
    for name in PROGRAMS:
        if shutil.which(name):
            return name
    raise SharingError(
        f"To sign an export, {listed(list(PROGRAMS), 'or')} must be installed, and neither is. Install one "
        f"and make a key with it, or export without --sign. Nothing was written."
    )


def sign(export: Path) -> Path:
    """Sign an export with the key that the program takes by default; returns the signature beside it.

    Raises
    ------
    SharingError
        If the program does not sign: it has no key, or the password was wrong. The export stays as it is.
    """
    name = program()
    written = export.with_name(export.name + PROGRAMS[name])
    command = {
        "minisign": ["minisign", "-S", "-x", str(written), "-t", "salvage-book export", "-m", str(export)],
        "gpg": ["gpg", "--yes", "--armor", "--detach-sign", "--output", str(written), str(export)],
    }[name]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL)  # it asks for its password by itself
    if ended.returncode or not written.is_file():
        written.unlink(missing_ok=True)
        raise SharingError(
            f"{export.name} was written and is whole, but {name} did not sign it: it said why above. Make a "
            f"key with it, or sign the file by hand: {' '.join(command[:-1])} {export.name}"
        )
    return written


def verify(exports: Iterable[Path], keys: Path) -> list[str]:
    """Check the signature beside each export with the public key of the same name.

    Parameters
    ----------
    exports : iterable of Path
        Each has a signature beside it: ``centre.zip.minisig`` or ``centre.zip.asc``.
    keys : Path
        A folder of public keys that came on another way than the exports: ``centre.pub`` (minisign) or
        ``centre.asc`` (GnuPG) for ``centre.zip``.

    Returns
    -------
    list of str
        A sentence for each export.

    Raises
    ------
    SharingError
        With each export that has no signature, no key, or one that does not fit.
    """
    exports, problems = list(exports), []
    if not keys.is_dir():
        raise SharingError(f"{keys.name}: there is no such folder of public keys. Nothing was pooled.")
    for export in exports:
        if problem := _trouble(export, keys):
            problems.append(f"{export.name}: {problem}.")
    if problems:
        raise SharingError("Nothing was pooled.\n" + "\n".join(problems))
    return [f"{export.name}: its signature fits the key of {export.stem}." for export in exports]


def _trouble(export: Path, keys: Path) -> str:
    """Why the signature of an export says nothing for it; empty if it fits."""
    pairs = {name: export.with_name(export.name + ending) for name, ending in PROGRAMS.items()}
    beside = {name: path for name, path in pairs.items() if path.is_file()}
    if not beside:
        return f"no signature stands beside it ({listed([path.name for path in pairs.values()], 'or')})"
    wanted = {name: keys / f"{export.stem}{KEYS[PROGRAMS[name]]}" for name in beside}
    name = next((name for name, key in wanted.items() if key.is_file()), "")
    if not name:
        return f"the folder of keys holds no {listed([key.name for key in wanted.values()], 'or')}"
    if not shutil.which(name):
        return f"its signature was made with {name}, which is not installed here; install it"
    if not _fits(name, export, beside[name], wanted[name]):
        return (
            f"its signature does not fit the key {wanted[name].name}: it was changed on the way, or somebody "
            f"else signed it. Ask for it again, on another way"
        )
    return ""


def _fits(name: str, export: Path, signature: Path, key: Path) -> bool:
    if name == "minisign":
        return _ends_well("minisign", "-V", "-q", "-p", str(key), "-x", str(signature), "-m", str(export))
    with tempfile.TemporaryDirectory() as home:  # this key alone counts, whatever else GnuPG knows here
        gpg = ("gpg", "--batch", "--quiet", "--no-autostart", "--homedir", home)
        return _ends_well(*gpg, "--import", str(key)) and _ends_well(
            *gpg, "--trust-model", "always", "--verify", str(signature), str(export)
        )


def _ends_well(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0
