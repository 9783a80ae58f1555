"""The auditor's certificate of what would be published of a cohort, or the reason why it must not be."""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses import auditor
from analysis_lib.analyses.auditor import Certificate
from analysis_lib.binding.outcome import BuildError
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import listed
from analysis_lib.show import notes

SHOWN = 10  # findings in a message
ROWS_SHOWN = 4  # rows that gave one away


def certify(study: Cohort, rows: pd.DataFrame) -> Certificate:
    """Examine all result rows that a book, a chapter or an export would publish.

    Raises
    ------
    BuildError
        If a hidden number could be worked out from them: which, from which rows, and what to do.
    """
    certificate = auditor.audit(rows, study.min_cell_count)
    if not certificate.passed:
        raise BuildError(
            f"{study.name}: hidden numbers could be worked out from what would be published, so nothing was "
            f"written:\n  " + "\n  ".join(_told(certificate)) + "\nWrite a larger min_cell_count in "
            "cohort.yml, or leave out the column that these rows are about, and try again."
        )
    return certificate


def _told(certificate: Certificate) -> list[str]:
    """What was found, a line each. The count itself is not said: a log may be read by others."""
    lines = []
    for finding in certificate.findings[:SHOWN]:
        from_what = [name for name in finding.because if name != finding.result_id][:ROWS_SHOWN]
        what = "a hidden number follows" if finding.possible else finding.what
        lines.append(
            f"{finding.result_id}: {what}" + (f", with {listed(from_what)} beside it" if from_what else "")
        )
    more = len(certificate.findings) - SHOWN
    return [*lines, *([f"... and {more} more"] if more > 0 else [])]


def page(studies: list[Cohort], certificates: dict[str, Certificate]) -> str:
    """The page that prints the certificates of a book, by the name of each cohort of which something is
    hidden.
    """
    lines = [
        "# Certificate",
        "",
        "After the chapters have run and before the book is bound, an auditor takes the place of a curious "
        "reader: it puts together all numbers of the book and looks whether a hidden one follows from them. "
        "If one does, there is no book. [Privacy](../privacy.md) says what is hidden and why.",
        "",
    ]
    for study in studies:
        if study.name in certificates:
            lines += [f"## {notes.markdown(study.title)}", ""]
            lines += [part for words in certificates[study.name].in_words() for part in (words, "")]
    if shown := [study for study in studies if study.name not in certificates]:
        lines += ["## Nothing is hidden", ""]
        lines += [f"- {notes.markdown(study.title)}: {_why_nothing_is_hidden(study)}" for study in shown]
        lines.append("")
    return "\n".join(lines)


def _why_nothing_is_hidden(study: Cohort) -> str:
    return (
        "its patients are synthetic."
        if study.synthetic
        else "its manifest asks for every count, as is right for public data alone."
    )
