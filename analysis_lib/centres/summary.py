"""What an export holds, in words and on one page: for whoever has to approve that it leaves the hospital."""

from __future__ import annotations

import textwrap

import pandas as pd

from analysis_lib.analyses.auditor import Certificate
from analysis_lib.binding import chapters
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import listed
from analysis_lib.rows import results

WIDTH = 100  # characters of a line


def summary(study: Cohort, manifest: dict, rows: pd.DataFrame, certificate: Certificate) -> str:
    """The page ``README.txt`` of an export.

    Parameters
    ----------
    study : Cohort
    manifest : dict
        What ``export.json`` says.
    rows : pandas.DataFrame
        The result rows of the export, as they are in ``rows.csv``.
    certificate : Certificate
        The auditor's, for these rows.
    """
    hidden = sum(bool(results.hidden(row)) for row in rows.to_dict("records"))
    parts = [
        f"{study.title} ({study.name})",
        f"This file says in words all that is in the zip: results of {_whose(study)}, to be pooled "
        f"with those of other centres. No row of a patient is in it, no identifier, no calendar date, no "
        f"name of a file, a person or a machine.",
        "WHAT IS IN IT",
        f"rows.csv: {len(rows)} results of {len(rows.columns)} columns each: the name of the result, whom it "
        f"speaks of, the number with its limits, how many patients and events it rests on, the method, and a "
        f"remark. It opens in any spreadsheet; a cell that would start a formula has an apostrophe first.",
        _chapters(study, manifest),
        f"Endpoints: {listed(list(manifest['endpoints'])) or 'none'}. Day 0: {study.index_event}.",
        "export.json: what the numbers mean: definitions of all columns and endpoints; name and title of the "
        "cohort; how each chapter ended; what the auditor counted; versions of the software.",
        "WHAT WAS DONE TO PROTECT PATIENTS",
        disclosure.in_words(study)
        + f" In {hidden} of the {len(rows)} results something is hidden for this reason."
        if disclosure.hides(study)
        else "Nothing is hidden: the patients are made up, or their data are public.",
        " ".join(certificate.in_words()) if disclosure.hides(study) else "",
        "HOW TO KNOW IT AGAIN",
        f"Digest of the results (SHA-256 of rows.csv): {manifest['rows_sha256']}. The command that made this "
        f"export printed the same one. Change nothing in here: pooling refuses an export whose rows are no "
        f"longer those that were exported. A signature, if there is one, stands beside the zip.",
        f"Made with salvage-book {manifest['software']['salvage-book']}, code {manifest['software']['code']}."
        f" To pool: salvage-book pool THIS.zip ANOTHER.zip --out FOLDER",
    ]
    return "\n\n".join(textwrap.fill(part, WIDTH, break_long_words=False) for part in parts if part) + "\n"


def _whose(study: Cohort) -> str:
    made_up = "; they are synthetic" if study.synthetic else ""
    agreeing = ", made up to be consistent with a published paper" if study.made_to_agree else ""
    return disclosure.patients_in_words(study) + made_up + agreeing


def _chapters(study: Cohort, manifest: dict) -> str:
    """Which chapters there are, with their numbers of results, and which could not be computed."""
    ended = manifest["chapters"]
    done = [
        f"{chapters.short_title(name, study)} ({how['rows']})"
        for name, how in ended.items()
        if how["status"] == "done"
    ]
    skipped = [chapters.short_title(name, study) for name, how in ended.items() if how["status"] == "skipped"]
    absent = f" Not computed, for want of columns: {listed(skipped)}." if skipped else ""
    return f"Chapters, with their numbers of results: {listed(done) or 'none'}.{absent}"
