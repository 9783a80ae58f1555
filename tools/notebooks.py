"""Bring the committed notebooks up to date: each is written from its ``.py`` and executed if something has
changed that it is made from, or if it is not as it was made here last. ``make notebooks`` calls this.

    python tools/notebooks.py            # what has changed
    python tools/notebooks.py --fresh    # all
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from analysis_lib.binding import inputs, kernels
from analysis_lib.files.digest import digest_of, digests
from analysis_lib.files.places import BUNDLED, NOTEBOOKS, RECONSTRUCTED, ROOT

MADE = ROOT / "_build" / "notebooks.json"  # of each notebook, what it was made from and what came of it
BIN = Path(sys.executable).parent
EXECUTE = [
    *("--log-level", "ERROR", "--to", "notebook", "--inplace", "--execute"),
    "--ExecutePreprocessor.record_timing=False",
    '--ExecutePreprocessor.extra_arguments=["--IPKernelApp.log_level=ERROR"]',
]


def marks() -> dict[str, list[str]]:
    """Of each notebook, a digest of all that it is made from, and one of the rows of others that it reads."""
    library = inputs.Library(ROOT)
    cohorts = digests(
        {
            str(path): path
            for path in sorted(BUNDLED.rglob("*"))
            # a chapter's own questions are among the files that its notebook names
            if path.suffix in (".yml", ".csv", ".zip") and path.parent.name != "teaching"
        }
    )
    rows = digests({str(path): path for path in sorted(ROOT.glob("book/cohorts/*/results/*.csv"))})
    return {
        source.stem: [
            digest_of([inputs.fingerprint(source, library, RECONSTRUCTED, {}), cohorts]),
            digest_of(rows if inputs.reads_rows(source) else {}),
        ]
        for source in sorted(NOTEBOOKS.glob("*.py"))
    }


def stale(made: dict, now: dict[str, list[str]]) -> list[str]:
    """The notebooks to make, given what is noted of those that were made before."""
    return [name for name, mark in now.items() if made.get(name) != [*mark, _digest(name)]]


def make(names: list[str]) -> None:
    """Write these notebooks from their sources and execute them, one after another."""
    sources, notebooks = ([str(NOTEBOOKS / f"{name}.{kind}") for name in names] for kind in ("py", "ipynb"))
    subprocess.run([BIN / "jupytext", "--quiet", "--to", "ipynb", "--update", *sources], check=True)
    environment = os.environ | {kernels.CHOICE: kernels.NAME}
    subprocess.run([BIN / "jupyter-nbconvert", *EXECUTE, *notebooks], check=True, env=environment)


def _digest(name: str) -> str:
    path = NOTEBOOKS / f"{name}.ipynb"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="execute all")
    options = parser.parse_args()
    made = json.loads(MADE.read_text("utf-8")) if MADE.is_file() and not options.fresh else {}
    executed: list[str] = []
    before = marks()
    # those that read the rows of others may be stale only after them
    while names := [name for name in stale(made, before) if name not in executed]:
        make(names)
        after = (
            marks()
        )  # a source may have been edited meanwhile; rows were written by those that came before
        made |= {name: [*after[name], _digest(name)] for name in names if before[name][0] == after[name][0]}
        MADE.parent.mkdir(exist_ok=True)
        MADE.write_text(json.dumps(made, indent=1), "utf-8")
        executed, before = executed + names, after
    print(f"Executed: {', '.join(executed) or 'none, nothing has changed'}.")


if __name__ == "__main__":
    main()
