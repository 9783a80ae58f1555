"""YAML files that come with the program, or that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# In C, where it is there; in Python it takes ten times as long.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Any:
    """What a file says."""
    return yaml.load(path.read_text("utf-8"), Loader=LOADER)
