"""Describe a cohort: participant flow, Table 1 and its tests, responses, failure; proportions and medians.

Functions that take a cohort return result rows, or the row that says why there are none.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses.summaries import proportion, spread
from analysis_lib.cohort import disclosure
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.needs import needs
from analysis_lib.dictionary.rules import WARNINGS
from analysis_lib.rows import results
from analysis_lib.rows.results import row, slug

# --- the cohort and its flow ----------------------------------------------------------------------


@disclosure.protected
def flow(study: Cohort) -> pd.DataFrame:
    """How the patients came to be in the cohort, and which treatment they went on to.

    Returns
    -------
    pandas.DataFrame
        Counts of patients, as far as the cohort knows them: ``flow.database`` (all screened),
        ``flow.not_included`` and ``flow.not_included.<reason>``, ``flow.included``,
        ``flow.salvage_regimen.<regimen>``, ``flow.any_rt`` (radiotherapy in any line of salvage therapy) and
        ``flow.any_rt.salvage_regimen.<regimen>`` (the same within a first regimen). The ``group`` is the
        box's title.
    """
    patients, rows = study.patients, _screened(study)
    rows.append(row("flow.included", "count", len(patients), group="Included in the cohort"))
    regimen = None if study.lacks("salvage_regimen") else patients["salvage_regimen"]
    irradiated = _ever_irradiated(study)
    if regimen is not None:
        rows += [
            row(
                slug("flow.salvage_regimen", level),
                "count",
                int((regimen == level).sum()),
                group=str(level),
                by="salvage_regimen",
                level=str(level),
            )
            for level in regimen.dtype.categories
        ]
        if unknown := int(regimen.isna().sum()):
            rows.append(row("flow.salvage_regimen.unknown", "count", unknown, group="regimen not known"))
    if irradiated is not None:
        rows.append(
            row("flow.any_rt", "count", int(irradiated.sum()), n=len(patients), group="Any radiotherapy")
        )
        if regimen is not None:
            rows += [
                row(
                    slug("flow.any_rt.salvage_regimen", level),
                    "count",
                    int(irradiated[regimen == level].sum()),
                    n=int((regimen == level).sum()),
                    group=f"Any radiotherapy, {level} first",
                    by="salvage_regimen",
                    level=str(level),
                )
                for level in regimen.dtype.categories
            ]
    return results.collect(rows)


def _screened(study: Cohort) -> list[dict]:
    """Who was screened and not included, and why; nothing where the cohort does not know."""
    if study.lacks("screening.included"):
        return []
    out = study.screening[study.screening["included"] == "no"]
    labels: dict = {"population": "database"}
    rows = [
        row("flow.database", "count", len(study.screening), group="Database screened", **labels),
        row("flow.not_included", "count", len(out), group="Not included", **labels),
    ]
    if study.lacks("screening.exclusion_reason"):
        return rows
    reasons = out["exclusion_reason"].value_counts(sort=False)
    return rows + [
        row(slug("flow.not_included", reason), "count", int(n), group=str(reason), **labels)
        for reason, n in reasons.items()
        if n
    ]


def _ever_irradiated(study: Cohort) -> pd.Series | None:
    """Who had radiotherapy in any line of salvage therapy; ``None`` when neither sites nor lines are
    known.
    """
    if study.lacks("sites.rt_start_day") and study.lacks("lines.modality"):
        return None
    patients = study.patients
    irradiated = patients["patient_id"].isin(study.sites["patient_id"] if len(study.sites) else [])
    if len(study.lines):
        by_line = study.lines["modality"].isin(["RT", "CMT"])
        irradiated |= patients["patient_id"].isin(study.lines.loc[by_line, "patient_id"])
    if "salvage_regimen" in patients:
        irradiated |= patients["salvage_regimen"].isin(["RT", "CMT"])
    return irradiated


@disclosure.protected
@needs("lines.per_patient", "lines.line")
def salvage_lines(study: Cohort) -> pd.DataFrame:
    """Lines of salvage therapy per patient who had any: ``lines.per_patient`` (median and range)."""
    highest = study.lines.groupby("patient_id")["line"].max()
    return results.collect(
        [
            spread(
                "lines.per_patient",
                highest,
                "range",
                least=study.min_cell_count,
                population="patients with salvage therapy",
            )
        ]
    )


@disclosure.protected
@needs("salvage.time", "salvage_start_day")
def time_to_salvage(study: Cohort) -> pd.DataFrame:
    """Time from day 0 to the start of the first salvage therapy: ``salvage.time`` (months, median and
    quartiles).
    """
    return results.collect(
        [
            spread(
                "salvage.time",
                study.patients["salvage_start_day"],
                days=True,
                least=study.min_cell_count,
                population="patients with salvage therapy",
            )
        ]
    )


# --- what the book says ---------------------------------------------------------------------------


@disclosure.protected
def late_entry(study: Cohort) -> pd.DataFrame:
    """Whose observation began after day 0, and when: ``flow.entered_late`` (of all), ``flow.entry`` (months
    from day 0, median and quartiles, those who entered late).
    """
    entry = study.patients.get("entry_day", pd.Series(0, study.patients.index))
    later = entry[entry > 0]
    if later.empty:
        return results.skipped("flow.entered_late", "all patients were observed from day 0 on")
    return results.collect(
        [
            proportion("flow.entered_late", len(later), len(entry), group="Observed from a later day on"),
            spread(
                "flow.entry",
                later,
                days=True,
                least=study.min_cell_count,
                population="patients who entered late",
            ),
        ]
    )


def noticed(study: Cohort) -> pd.DataFrame:
    """What the check warned of, as result rows without anything of a patient: for each rule, in how many
    patients.

    A number below the cohort's ``min_cell_count`` is not given; a rule about the whole file has none.
    """
    fewest = study.min_cell_count
    rows = []
    for rule, found in study.warnings.groupby("rule", sort=False):
        number = int(found["patient_id"].nunique())
        hidden = 0 < number < fewest
        rows.append(
            results.row(
                f"check.{rule}",
                "count",
                None if hidden or not number else number,
                group=WARNINGS[rule],
                note=f"fewer than {fewest}" if hidden else "",
            )
        )
    return results.collect(rows)
