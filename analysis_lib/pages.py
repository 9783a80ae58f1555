"""Pages of the book that are written from data: one a cohort, the comparison of cohorts, the data dictionary."""

from __future__ import annotations

import html
from pathlib import Path

import pandas as pd

from analysis_lib import chapter, results, schema, text
from analysis_lib.chapter import Outcome
from analysis_lib.cohort import Cohort

ABOUT = ("run-it", "privacy", "generated/data-dictionary", "teach", "references")

# Results set side by side, by the section they stand in.
COMPARED = {
    "Response and failure": {
        "response.orr": "Overall response rate", "response.cr": "Complete response rate",
        "failure.time": "Time to failure", "failure.any_local": "Failure in a previously involved site"},
    "Survival from day 0": {
        "os1.median": "Median OS1", "os1.rate3": "OS1 at 3 months", "os1.rate6": "OS1 at 6 months",
        "os1.rate12": "OS1 at 12 months", "os1.rate24": "OS1 at 24 months", "efs1.median": "Median EFS1"},
    "Survival from the start of salvage therapy": {
        "os2.median": "Median OS2", "os2.rate12": "OS2 at 12 months", "os2.rate24": "OS2 at 24 months",
        "efs2.median": "Median EFS2"},
    "Salvage radiotherapy": {
        "rt.patients": "Patients irradiated", "rt.sites": "Sites irradiated", "lc.rate12": "Local control at 12 months"},
    "Hazard ratios, multivariable": {
        "cox.os1.mv.responder": "OS1: partial or complete response",
        "cox.os2.mv.advanced_stage": "OS2: stage III or IV", "cox.os2.mv.ldh_elevated": "OS2: elevated LDH",
        "cox.efs2.mv.advanced_stage": "EFS2: stage III or IV", "cox.efs2.mv.ldh_elevated": "EFS2: elevated LDH"},
}


def write(studies: list[Cohort], outcomes: list[Outcome], book: Path) -> None:
    """Write the generated pages below ``book`` (``cohorts/<name>/index.md`` and ``generated/``)."""
    for study in studies:
        mine = [outcome for outcome in outcomes if outcome.cohort == study.name]
        (book / "cohorts" / study.name / "index.md").write_text(cohort_page(study, mine), "utf-8")
    generated = book / "generated"
    generated.mkdir(exist_ok=True)
    (generated / "data-dictionary.md").write_text(dictionary_page(), "utf-8")
    if len(studies) > 1:
        rows = {study: results.read_all(book / "cohorts" / study.name / "results") for study in studies}
        (generated / "compare.md").write_text(compare_page(rows), "utf-8")


def cohort_page(study: Cohort, outcomes: list[Outcome]) -> str:
    """The first page of a cohort: whose data these are, and what each chapter could do with them."""
    lines = [f"# {text.markdown(study.title)}", "", text.about_html(study), "", "## Chapters", "",
             "The result rows of a chapter hold every number that stands in it.", ""]
    for outcome in outcomes:
        link = f"- [{text.markdown(chapter.short_title(outcome.chapter, study))}]({outcome.chapter}.ipynb)"
        lines.append(f"{link}: not shown, because {outcome.reason}" if outcome.status == "skipped" else
                     f"{link} ({{download}}`result rows <results/{outcome.chapter}.csv>`)")
    return "\n".join(lines) + "\n"


def compare_page(rows: dict[Cohort, pd.DataFrame]) -> str:
    """Cohorts beside each other, every number read from their result rows."""
    lines = ["# Cohorts side by side", "",
             "Every number is read from the result rows of the cohort's own chapters. A dash stands where a cohort has no "
             "such result: a column is absent, or its follow-up is too short. NR: not reached.", ""]
    if any(study.synthetic for study in rows):
        synthetic = ", ".join(study.name for study in rows if study.synthetic)
        lines += [f'<div class="synthetic-note"><strong>Synthetic patients:</strong> {html.escape(synthetic)}. '
                  "Differences between these cohorts are those of the reconstruction, not findings.</div>", ""]
    lines += [f"- **{study.name}**: [{text.markdown(study.title)}](../cohorts/{study.name}/index.md)" for study in rows] + [""]
    for section, wanted in COMPARED.items():
        table = compared(rows, wanted)
        if not table.empty:
            lines += [f"## {section}", "", text.html_table(table, f"{section}, cohort by cohort"), ""]
    return "\n".join(lines)


def compared(rows: dict[Cohort, pd.DataFrame], wanted: dict[str, str]) -> pd.DataFrame:
    """One line for each wanted result that some cohort has, one column for each cohort, as finished text."""
    by_id = {study: frame.set_index("result_id") for study, frame in rows.items()}
    lines = []
    for result_id, label in wanted.items():
        found = {study.name: frame.loc[result_id] for study, frame in by_id.items() if result_id in frame.index}
        if shown := {name: row for name, row in found.items() if row["statistic"] != "skipped"}:
            kind = results.STATISTICS[next(iter(shown.values()))["statistic"]]
            limits = "" if kind.unit == "" and kind.decimals == 0 else f" ({kind.limits})"
            unit = f", {kind.unit}" if kind.unit else ""
            lines.append([f"{label}{unit}{limits}", *(text.compact(shown[s.name]) if s.name in shown else "–" for s in rows)])
    return pd.DataFrame(lines, columns=["Result", *(study.name for study in rows)])


def dictionary_page() -> str:
    """The data dictionary, generated from :mod:`analysis_lib.schema`."""
    lines = ["# Data dictionary", "",
             "Every column that the book can read. Only the columns marked *required* must be there; a section whose "
             "columns are absent says so and is left out. Moments are whole days since day 0, the index event; a column "
             "`X_day` may come as calendar date `X_date` beside `infusion_date`, the date of day 0.", ""]
    for name, table in schema.TABLES.items():
        entries = pd.DataFrame([_entry(column, entry) for column, entry in table.columns.items()],
                               columns=["Column", "Meaning", "Values", "Required"])
        lines += [f"## Table `{name}`", "", table.description, "", text.html_table(entries, f"Columns of the table {name}"), ""]
    derived = pd.DataFrame([[name, rule.description, schema.label_of(rule.source)] for name, rule in schema.DERIVED.items()],
                           columns=["Column", "Meaning", "Derived from"])
    lines += ["## Derived columns", "", "The library adds these; no file holds them.", "",
              text.html_table(derived, "Columns that the library derives"), ""]
    return "\n".join(lines)


def _entry(name, column) -> list[str]:
    meta = column.metadata
    levels = "; ".join(f"{level} ({meaning})" if meaning else level for level, meaning in (meta["levels"] or {}).items())
    bounds = "".join(f" from {check.statistics['min_value']} to {check.statistics['max_value']}"
                     for check in column.checks if "min_value" in check.statistics and meta["kind"] != "day")
    kind = {"text": "text", "day": "days, or a date", "count": "whole number", "number": meta["unit"] or "number",
            "level": levels}[meta["kind"]]
    return [name, column.description, kind + bounds, "required" if column.required else ""]
