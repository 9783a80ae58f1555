"""Many cohorts, each as consistent with the paper as the bundled one: ``python -m
analysis_lib.reconstruction.many``.

``make DIR --seeds FIRST LAST`` reconstructs a cohort for each seed, in ``DIR/SEED``, as ``python -m
analysis_lib.reconstruction`` does for one. ``pack DIR [DIR ...]`` takes such folders, keeps those that meet
the ledger as well as the bundled cohort, and packs them beside those packed before, with the command and a
digest of the code that made each; ``rows`` computes the result rows of the packed cohorts anew. The rows are
those of the book's own chapters: nothing is estimated here. With ``--executor dask:ADDRESS`` the workers of a
dask engine do each of them.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import Executor
from itertools import repeat
from pathlib import Path

import pandas as pd

from analysis_lib.binding import chapter, chapters, engines, inputs, kept, reuse
from analysis_lib.consistent import cohorts
from analysis_lib.files.places import BUNDLED, NOTEBOOKS, ROOT
from analysis_lib.intake.manifest import read_manifest
from analysis_lib.intake.read import read_cohort
from analysis_lib.paper import ledger
from analysis_lib.paper.claims import read_claims
from analysis_lib.rows import results

from . import drawn, remade

STORE = ROOT / "_build" / reuse.KEPT / "consistent"  # synthetic cohorts' rows, by what they are made from


def rows_of(manifest: Path, store: Path | None = None) -> pd.DataFrame:
    """The result rows of a cohort's chapters, with ``chapter``; those on the paper itself are left out.

    With a ``store``, a chapter is calculated only if something that it is made from has changed since its
    rows were kept there (:mod:`analysis_lib.binding.inputs`).
    """
    found, study, library = [], None, inputs.Library(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in [each for each in chapters.chapters() if not chapters.on_the_paper(each)]:
            rows, label = folder / f"{each}.csv", f"{read_manifest(manifest).name}/{each}"
            mark = _mark(each, manifest, library) if store else ""
            if not (store and kept.kept(store, label, mark, folder)):
                study = study or read_cohort(manifest)
                chapter.calculate(each, study, folder)
                if (
                    store and _mark(each, manifest, inputs.Library(ROOT)) == mark
                ):  # nothing was edited meanwhile
                    kept.keep(store, label, mark, folder, [rows], {"chapter": each})
            found.append(results.read(rows).assign(chapter=each))
    return pd.concat(found).drop_duplicates("result_id").reset_index(drop=True)


def _mark(each: str, manifest: Path, library: inputs.Library) -> str:
    """What the rows of a chapter are made from."""
    notebook, makers = NOTEBOOKS / f"{each}.py", [Path(chapter.__file__)]
    return inputs.fingerprint(notebook, library, manifest, {}, (), makers)


def missed(rows: pd.DataFrame) -> set[str]:
    """The claims that these rows do not reproduce."""
    held = ledger.hold_against(read_claims(), rows)
    return set(held.loc[~held["verdict"].isin(["reproduced"]), "claim_id"])


def rows_of_tables(tables: dict[str, pd.DataFrame], number: int, store: Path | None = None) -> pd.DataFrame:
    """The result rows of a cohort given as tables, with ``chapter`` and ``cohort``."""
    with tempfile.TemporaryDirectory() as folder:
        return rows_of(cohorts.hand_over(tables, number, Path(folder)), store).assign(cohort=number)


def packed() -> dict[str, dict[str, pd.DataFrame]]:
    """The tables of every packed cohort, by the command that made it."""
    return {made_by: cohorts.tables(number) for number, made_by in cohorts.made_by().items()}


def in_folder(folder: Path) -> tuple[str, dict[str, pd.DataFrame]]:
    """The command that made the cohort of a folder, and its tables."""
    return (
        read_manifest(folder / "cohort.yml").made_by,
        {name: pd.read_csv(folder / f"{name}.csv") for name in cohorts.TABLES},
    )


def reconstruct(seed: int, folder: Path, quick: bool = False, family: str = "printed") -> str:
    """Reconstruct the cohort of a seed in a folder; returns what became of it."""
    from analysis_lib.reconstruction.__main__ import (  # needs the extra `reconstruct`
        command_of,
        make,
        write,
    )

    try:
        made = next(make(seed, quick, family=family))
    except (LookupError, RuntimeError) as why:
        return f"seed {seed}: no cohort was found ({why})"
    write(made, folder, command_of(seed, quick, family))
    return f"seed {seed}: {folder}"


def reconstruct_all(folder: Path, seeds: range, pool: Executor, family: str = "printed") -> None:
    """Reconstruct a cohort for each seed, in folders of their own; say what becomes of each."""
    folders = [folder / str(seed) for seed in seeds]
    for told in pool.map(reconstruct, seeds, folders, repeat(False), repeat(family)):
        print(told, flush=True)


def pack(folders: list[Path], pool: Executor, store: Path | None) -> None:
    """Pack the bundled cohort, those packed before and those in these folders that miss no more claims than
    it beside what their families give up; say what becomes of each.
    """
    given = dict(map(in_folder, folders))
    candidates = dict([in_folder(BUNDLED / "reconstructed")]) | packed() | given
    numbers = range(1, len(candidates) + 1)
    found = list(pool.map(rows_of_tables, candidates.values(), numbers, repeat(store)))
    wrong = [missed(rows) - drawn.GIVEN_UP[drawn.family_of(each)] for each, rows in zip(candidates, found)]
    allowed, kept = wrong[0], []
    for made_by, claims in zip(candidates, wrong):
        kept += [made_by] if len(claims) <= len(allowed) else []
        print(
            f"{made_by}: {len(claims)} claims missed; {'kept' if made_by in kept else 'left out'} "
            f"{', '.join(sorted(claims - allowed))}",
            flush=True,
        )
    for name in cohorts.TABLES:
        _keep(name, [candidates[made_by][name] for made_by in kept])
    _keep("rows", [rows for made_by, rows in zip(candidates, found) if made_by in kept])
    made_with = pd.read_csv(remade.PROVENANCE).set_index("made_by")["code"].to_dict()
    made_with |= dict.fromkeys(given, remade.engine())  # made anew, even where the command was packed before
    pd.DataFrame(
        {
            "cohort": range(1, len(kept) + 1),
            "made_by": kept,
            "code": [made_with.get(each) or remade.engine() for each in kept],
        }
    ).to_csv(remade.PROVENANCE, index=False, lineterminator="\n")
    print(f"{len(kept)} cohorts packed")


def _keep(name: str, tables: list[pd.DataFrame]) -> None:
    """Stack the tables of all cohorts, numbered from 1, and write them."""
    stacked = pd.concat(
        [table.assign(cohort=number) for number, table in enumerate(tables, start=1)], ignore_index=True
    )
    stacked.to_parquet(cohorts.FOLDER / f"{name}.parquet", index=False, compression="zstd")


def compute_rows(pool: Executor, store: Path | None) -> None:
    """Compute the result rows of every packed cohort, as far as they are not kept."""
    _keep("rows", list(pool.map(rows_of_tables, packed().values(), cohorts.numbers(), repeat(store))))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.reconstruction.many", description=__doc__.splitlines()[0]
    )
    parser.add_argument("task", choices=["make", "pack", "rows"])
    parser.add_argument(
        "folders", nargs="*", type=Path, help="for make: where to; for pack: folders with a cohort.yml"
    )
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 1), metavar=("FIRST", "LAST"))
    parser.add_argument(
        "--family",
        default="printed",
        help="for make: printed or definition, the sides of the paper's contradiction on sites",
    )
    parser.add_argument("--jobs", type=int, default=2, help="cohorts at a time")
    parser.add_argument(
        "--executor", default=engines.LOCAL, metavar="WHERE", help="local (default), or dask:ADDRESS"
    )
    parser.add_argument("--fresh", action="store_true", help="calculate all rows, whatever was kept of them")
    options = parser.parse_args()
    store = None if options.fresh else STORE
    if options.task == "make" and len(options.folders) != 1:
        parser.error("make needs one folder")
    shared = [folder.resolve() for folder in options.folders] if options.task == "make" else [STORE]
    for folder in shared:
        folder.mkdir(parents=True, exist_ok=True)
    with engines.executor(options.executor, options.jobs, shared) as pool:
        if options.task == "make":
            first, last = options.seeds
            reconstruct_all(shared[0], range(first, last + 1), pool, options.family)
        elif options.task == "pack":
            pack(options.folders, pool, store)
        else:
            compute_rows(pool, store)


if __name__ == "__main__":
    main()
