"""Are the packed cohorts those that today's code makes? ``python -m analysis_lib.reconstruction.remade DIR``.

Makes each of them anew in DIR by the command that is kept with it, hours of work; what is there already is
not made again. Says of each whether its tables are the same to the last character, and writes beside the
command of those that are which code makes them (:func:`engine`). A test compares that with today's.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from analysis_lib.binding import inputs
from analysis_lib.consistent import cohorts
from analysis_lib.files.digest import digest_of
from analysis_lib.files.places import ROOT
from analysis_lib.paper.claims import read_claims

PROVENANCE = cohorts.FOLDER / "made_by.csv"
SIBLING = re.compile(r" --siblings (\d+): number (\d+)$")


def engine() -> str:
    """What equal tables need beside an equal seed: a digest of the statements that make cohorts, comments and
    docstrings apart, and of the numbers that they aim at.
    """
    here = Path(__file__).parent
    used = inputs.modules_used([here / "__main__.py"], inputs.Library(ROOT))
    modules = sorted({here / "__main__.py", *(each for each in used if each.parent == here)})
    aims = read_claims()[["claim_id", "printed"]].to_dict("list")
    return digest_of([aims, {each.stem: statements(each) for each in modules}])[:12]


def statements(module: Path) -> str:
    """A module as Python reads it, without the words for those who read it."""
    tree = ast.parse(module.read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            body[0] = ast.Pass() if isinstance(body[0].value, ast.Constant) else body[0]
    return ast.dump(tree)


def folder_of(made_by: str, where: Path) -> Path:
    """Where the cohort of a command stands; a sibling stands beside the one it came from, by its number."""
    command, number = SIBLING.sub("", made_by), SIBLING.search(made_by)
    words = re.sub(r"\W+", "_", command.split("analysis_lib.reconstruction")[-1]).strip("_")
    return where / (f"{words}-{number[2]}" if number else words)


def remake(command: str, siblings: int, where: Path) -> None:
    """Make the cohort of a command, and its siblings, unless they are there."""
    out = folder_of(command, where)
    if out.exists():
        return
    words = [sys.executable, *command.split()[1:], "--siblings", str(siblings), "--out", str(out)]
    subprocess.run(words, check=False)  # one that fails says why, and is not the same


def same(made_by: str, number: int, where: Path) -> bool:
    """Whether a cohort was made as it is packed."""
    folder = folder_of(made_by, where)
    return all(
        (folder / f"{name}.csv").is_file()
        and pd.read_csv(folder / f"{name}.csv").to_csv(index=False) == table.to_csv(index=False)
        for name, table in cohorts.tables(number).items()
    )


def main() -> int:
    """The command line; 1 where a cohort is not the same."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.remade", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to make them")
    parser.add_argument("--jobs", type=int, default=2, help="commands at a time")
    options = parser.parse_args()
    wanted: dict[str, int] = {}
    for made_by in cohorts.made_by().values():
        command, sibling = SIBLING.sub("", made_by), SIBLING.search(made_by)
        wanted[command] = max(wanted.get(command, 0), int(sibling[1]) if sibling else 0)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda each: remake(each, wanted[each], options.folder), wanted))
    told, differ = pd.read_csv(PROVENANCE), 0
    for place, (number, made_by) in enumerate(cohorts.made_by().items()):
        if same(made_by, number, options.folder):
            told.loc[place, "code"] = engine()
            print(f"{number}: the same")
        else:
            differ = 1
            print(f"{number}: not the same, or not made ({made_by})")
    told.to_csv(PROVENANCE, index=False, lineterminator="\n")
    return differ


if __name__ == "__main__":
    sys.exit(main())
