"""Is it still the same? Digests of files and of values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def digest_of(value) -> str:
    """The digest of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def digests(files: Mapping[str, Path]) -> dict[str, str]:
    """The digest of each file, empty if it is not there, by the name it is called."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for name, path in files.items()
    }
