"""Is it still the same? Digests of files and of values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def digest_of(value: object) -> str:
    """The digest of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def digests(files: Mapping[str, Path]) -> dict[str, str]:
    """The digest of each file by the name it is called; empty if it is not there or may not be read."""
    return {name: _digest(path) for name, path in files.items()}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
