"""Many cohorts, each as consistent with the paper as the bundled one: ``python -m
analysis_lib.reconstruction.many``.

``pack DIR [DIR ...]`` takes folders that ``python -m analysis_lib.reconstruction`` wrote, keeps those that
meet the ledger as well as the bundled cohort, and packs them beside those packed before, with the command and
the commit of the code that made each; ``rows`` computes the result rows of the packed cohorts anew. The rows
are those of the book's own chapters: nothing is estimated here.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd

from analysis_lib.binding import chapter, chapters
from analysis_lib.consistent import cohorts
from analysis_lib.files.places import BUNDLED
from analysis_lib.intake.manifest import read_manifest
from analysis_lib.intake.read import read_cohort
from analysis_lib.paper import ledger
from analysis_lib.paper.claims import read_claims
from analysis_lib.rows import results


def rows_of(manifest: Path) -> pd.DataFrame:
    """The result rows of a cohort's chapters, with ``chapter``; those on the paper itself are left out."""
    kept, study = [], read_cohort(manifest)
    with tempfile.TemporaryDirectory() as folder:
        for each in chapters.chapters():
            if not chapters.on_the_paper(each):
                chapter.calculate(each, study, Path(folder))
                kept.append(results.read(Path(folder) / f"{each}.csv").assign(chapter=each))
    return pd.concat(kept).drop_duplicates("result_id").reset_index(drop=True)


def missed(rows: pd.DataFrame) -> set[str]:
    """The claims that these rows do not reproduce."""
    held = ledger.hold_against(read_claims(), rows)
    return set(held.loc[~held["verdict"].isin(["reproduced"]), "claim_id"])


def rows_of_tables(tables: dict[str, pd.DataFrame], number: int) -> pd.DataFrame:
    """The result rows of a cohort given as tables, with ``chapter`` and ``cohort``."""
    with tempfile.TemporaryDirectory() as folder:
        return rows_of(cohorts.hand_over(tables, number, Path(folder))).assign(cohort=number)


def packed() -> dict[str, dict[str, pd.DataFrame]]:
    """The tables of every packed cohort, by the command that made it."""
    made_by = pd.read_csv(cohorts.FOLDER / "made_by.csv").set_index("cohort")["made_by"]
    return {made_by[number]: cohorts.tables(number) for number in cohorts.numbers()}


def in_folder(folder: Path) -> tuple[str, dict[str, pd.DataFrame]]:
    """The command that made the cohort of a folder, and its tables."""
    return (
        read_manifest(folder / "cohort.yml").made_by,
        {name: pd.read_csv(folder / f"{name}.csv") for name in cohorts.TABLES},
    )


def pack(folders: list[Path], jobs: int) -> None:
    """Pack the bundled cohort, those packed before and those in these folders that miss no more claims than
    it; say what becomes of each.
    """
    candidates = dict([in_folder(BUNDLED / "reconstructed")]) | packed() | dict(map(in_folder, folders))
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(rows_of_tables, candidates.values(), range(1, len(candidates) + 1)))
    allowed, kept = missed(found[0]), []
    for made_by, rows in zip(candidates, found):
        claims = missed(rows)
        kept += [made_by] if len(claims) <= len(allowed) else []
        print(
            f"{made_by}: {len(claims)} claims missed; {'kept' if made_by in kept else 'left out'} "
            f"{', '.join(sorted(claims - allowed))}",
            flush=True,
        )
    for name in cohorts.TABLES:
        _keep(name, [candidates[made_by][name] for made_by in kept])
    _keep("rows", [rows for made_by, rows in zip(candidates, found) if made_by in kept])
    made_with = (
        pd.read_csv(provenance := cohorts.FOLDER / "made_by.csv").set_index("made_by")["code"].to_dict()
    )
    pd.DataFrame(
        {
            "cohort": range(1, len(kept) + 1),
            "made_by": kept,
            "code": [made_with.get(each) or _commit() for each in kept],
        }
    ).to_csv(provenance, index=False, lineterminator="\n")
    print(f"{len(kept)} cohorts packed")


def _commit() -> str:
    """The commit of the code that runs, which equal tables need beside an equal seed."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=BUNDLED, capture_output=True, text=True, check=True
    ).stdout.strip()


def _keep(name: str, tables: list[pd.DataFrame]) -> None:
    """Stack the tables of all cohorts, numbered from 1, and write them."""
    stacked = pd.concat(
        [table.assign(cohort=number) for number, table in enumerate(tables, start=1)], ignore_index=True
    )
    stacked.to_parquet(cohorts.FOLDER / f"{name}.parquet", index=False, compression="zstd")


def compute_rows(jobs: int) -> None:
    """Compute the result rows of every packed cohort anew."""
    with ProcessPoolExecutor(jobs) as pool:
        _keep("rows", list(pool.map(rows_of_tables, packed().values(), cohorts.numbers())))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.many", description=__doc__.splitlines()[0]
    )
    parser.add_argument("task", choices=["pack", "rows"])
    parser.add_argument("folders", nargs="*", type=Path, help="for pack: folders with a cohort.yml")
    parser.add_argument("--jobs", type=int, default=2, help="cohorts at a time")
    options = parser.parse_args()
    if options.task == "pack":
        pack(options.folders, options.jobs)
    else:
        compute_rows(options.jobs)


if __name__ == "__main__":
    main()
