"""The cohorts that come with the library, and where a cohort lies: said without loading anything that reads
tables.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from analysis_lib.files.places import BUNDLED

# Every text as it is written; compiled, where PyYAML was: manifests are looked at for each chapter.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def bundled_cohorts() -> dict[str, str]:
    """Names and titles of the bundled cohorts: the reconstructed one, other synthetic ones, real ones."""
    said = {
        path.parent.name: yaml.load(path.read_text("utf-8"), Loader=LOADER)
        for path in sorted(BUNDLED.glob("*/cohort.yml"))
    }
    names = sorted(
        said, key=lambda name: (name != "reconstructed", said[name].get("synthetic") != "true", name)
    )
    return {name: said[name]["title"] for name in names}


def find(where: str | Path) -> Path | None:
    """The file that ``where`` speaks of: a bundled cohort's manifest, that of a folder, or the file
    itself.
    """
    try:
        path, bundled = Path(where).expanduser(), BUNDLED / str(where) / "cohort.yml"
        if re.fullmatch(r"[\w-]+", str(where)) and bundled.is_file():
            return bundled
        if path.is_dir() and (path / "cohort.yml").is_file():
            path = path / "cohort.yml"
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a name too long for a file, or a home that nobody has
        return None
