"""Share a cohort's result rows: one small zip that a hospital can read before it sends it, and such zips read
back.

An export holds aggregates, what they mean and which software made them: no row of a patient, no calendar
date, no name of a file, a person or a machine. The same cohort gives the same bytes. What comes back from
another centre is distrusted: every part of it is checked before anything is made of it, and nothing is ever
unpacked to disk.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import pandas as pd
from IPython.utils.capture import capture_output

from analysis_lib.analyses.auditor import Certificate
from analysis_lib.binding import build, certified, chapter, chapters
from analysis_lib.centres.exchange import (
    COLUMNS,
    NUMBERS,
    SharingError,
    definitions,
    digest_of,
    software,
)
from analysis_lib.centres.receive import read_export
from analysis_lib.centres.schema import FORMAT, FORMAT_VERSION
from analysis_lib.centres.summary import summary
from analysis_lib.cohort import endpoints, overlap
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import archive, replacing, spreadsheet
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import require


def export(where: str | Path, out: Path | None = None) -> tuple[Path, dict]:
    """Compute a cohort's chapters anew and write their rows as one zip.

    Parameters
    ----------
    where : str or Path
        The cohort, as :func:`analysis_lib.intake.read.read_cohort` takes it.
    out : Path, optional
        The zip to write; by default ``<name of the cohort>.zip`` in the current folder.

    Returns
    -------
    tuple of Path, dict
        The zip, and what ``export.json`` says.

    Raises
    ------
    CohortError, SharingError, BuildError, OverlapError
        If the cohort is wrong, if the file exists or cannot be written, if a chapter fails, if a hidden
        number follows from the rows, or if an earlier book or export together with this one would tell of a
        few patients. Nothing is written then.
    """
    path, study = locate(where), read_cohort(where)
    remembered = build.remembered({path: study})
    out = Path(out or f"{study.name}.zip").expanduser().absolute()
    if reason := _cannot_be_written(out):
        raise SharingError(f"{out.name}: {reason}. Nothing was written.")
    for folder, together in remembered.items():
        overlap.refuse(together, folder)
    rows, done, certificate = _calculated(study)
    table = rows.map(spreadsheet.safe).to_csv(index=False, lineterminator="\n").encode("utf-8")
    manifest = _manifest_of(study, done, table, certificate)
    files = {
        "README.txt": summary(study, manifest, rows, certificate),
        "export.json": json.dumps(manifest, indent=1, ensure_ascii=False) + "\n",
    }
    packed = archive.bundle(
        {name: text.encode("utf-8") for name, text in files.items()} | {"rows.csv": table}
    )
    _check_for_leaks(path, study, packed)
    try:
        with replacing.finished(out) as unfinished:
            unfinished.write_bytes(packed)
            _check_that_it_can_be_read(unfinished)
            for folder, together in remembered.items():
                overlap.release(together, folder, "export")
            if out.exists():
                raise SharingError(
                    f"{out.name}: it appeared while the chapters were computed. Nothing was written."
                )
    except OSError as error:
        raise SharingError(f"{out.name}: it cannot be written ({error.strerror}).") from None
    return out, manifest


def _check_for_leaks(path: Path, study: Cohort, packed: bytes) -> None:
    """Refuse an export that holds anything of a real cohort's input."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "export.zip").write_bytes(packed)
        build.check_for_leaks({path: study}, [Path(folder)])


def _check_that_it_can_be_read(written: Path) -> None:
    """Refuse an export that the other centres' books would refuse, where it can still be mended."""
    try:
        read_export(written)
    except SharingError as error:
        told = str(error).replace(f"{written.name}: ", "  ")
        raise SharingError(
            f"Other centres could not read this export, so nothing was written:\n{told}\n"
            f"Shorten or retype the words that cohort.yml or the tables give there, and export again."
        ) from None


def _cannot_be_written(out: Path) -> str:
    if out.exists():
        return "it exists already; delete it, or give another name with --out"
    if out.suffix.lower() != ".zip":
        return "the name of an export ends in .zip"
    return "" if out.parent.is_dir() else "its folder does not exist"


def _calculated(study: Cohort) -> tuple[pd.DataFrame, dict[str, dict], Certificate]:
    """The rows of the study's own chapters, all as text; how each ended; the auditor's certificate."""
    frames, done = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for each in chapters.chapters_of(study):
            if chapters.on_the_paper(each):  # the paper's printed numbers are no result of this cohort
                continue
            try:
                with capture_output():  # inside a notebook, tables and figures would appear in it
                    chapter.calculate(each, study, Path(folder))
            except Exception as error:  # whatever went wrong in a chapter, nothing is exported
                raise SharingError(
                    f"The chapter {each} failed ({type(error).__name__}), so nothing was "
                    f"written. "
                    f"`salvage-book run {each} COHORT` says more."
                ) from error
            rows = require(results.read(Path(folder) / f"{each}.csv"))
            skipped = len(rows) > 0 and (rows["statistic"] == "skipped").all()
            done[each] = {
                "status": "skipped" if skipped else "done",
                "reason": rows["note"].iloc[0] if skipped else "",
                "rows": len(rows),
            }
            frames.append(rows.assign(chapter=each))
    rows = pd.concat(frames).drop_duplicates("result_id")[COLUMNS]
    certificate = certified.certify(study, rows)
    written = {column: [repr(float(x)) if pd.notna(x) else "" for x in rows[column]] for column in NUMBERS}
    table = rows.assign(**written).astype("string").fillna("").reset_index(drop=True)
    return table, done, certificate


def _manifest_of(study: Cohort, done: dict[str, dict], table: bytes, certificate: Certificate) -> dict:
    words = definitions()
    known = {
        line["Endpoint"]: f"{line['Event, whichever comes first']} ({line['Read from']})"
        for line in endpoints.definitions(study).to_dict("records")
    }
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "cohort": {
            "name": study.name,
            "title": study.title,
            "synthetic": study.synthetic,
            "index_event": study.index_event,
            "min_cell_count": study.min_cell_count,
        },
        "chapters": done,
        "audit": certificate.counted(),
        "rows_sha256": hashlib.sha256(table).hexdigest(),
        "software": software(),
        "endpoints": known,
        "definitions_sha256": digest_of(words),
        "definitions": words,
    }
