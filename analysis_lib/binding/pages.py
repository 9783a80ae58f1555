"""Pages of the book that are written from data: one a cohort, the comparison of cohorts, the data
dictionary.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from analysis_lib.analyses.auditor import Certificate
from analysis_lib.binding import (
    cards,
    certified,
    chapters,
    cover,
    data_dictionary,
    explorer,
    glossary,
    labs,
    lessons,
    manuscript,
    primer,
    proof,
    takeaway,
    ten_lines,
)
from analysis_lib.binding.outcome import Outcome
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import ROOT
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.show import notes, numbers, tables
from analysis_lib.show.fragments import fragment

LEARN = (
    f"generated/{primer.NAME}",
    f"generated/{explorer.NAME}",
    f"generated/{labs.NAME}",
    f"generated/{ten_lines.NAME}",
    f"generated/{glossary.NAME}",
)
TEACH = ("teach", f"generated/{lessons.GUIDE}", "journal-club")
THE_PAPERS = (LEARN[0], LEARN[2], LEARN[3], *TEACH)  # pages that only the book of the paper's patients has
ABOUT = (
    "run-it",
    "privacy",
    "generated/certificate",
    "share",
    "generated/data-dictionary",
    "generated/methods",
    "generated/proof",
    "machines",
    "generated/speed",  # where it was measured
    "cite",
    "references",
)
MEASURED = ROOT / "bench" / "results.md"  # by `make bench`

# Results set side by side, by the section they stand in.
COMPARED = {
    "Response and failure": {
        "response.orr": "Overall response rate",
        "response.cr": "Complete response rate",
        "failure.time": "Time to failure",
        "failure.any_local": "Failure in a previously involved site",
    },
    "Survival from day 0": {
        "os1.median": "Median OS1",
        "os1.rate3": "OS1 at 3 months",
        "os1.rate6": "OS1 at 6 months",
        "os1.rate12": "OS1 at 12 months",
        "os1.rate24": "OS1 at 24 months",
        "efs1.median": "Median EFS1",
    },
    "Survival from the start of salvage therapy": {
        "os2.median": "Median OS2",
        "os2.rate12": "OS2 at 12 months",
        "os2.rate24": "OS2 at 24 months",
        "efs2.median": "Median EFS2",
    },
    "Salvage radiotherapy": {
        "rt.patients": "Patients irradiated",
        "rt.sites": "Sites irradiated",
        "lc.rate12": "Local control at 12 months",
    },
    "Hazard ratios, multivariable": {
        "cox.os1.mv.responder": "OS1: partial or complete response",
        "cox.os2.mv.advanced_stage": "OS2: stage III or IV",
        "cox.os2.mv.ldh_elevated": "OS2: elevated LDH",
        "cox.efs2.mv.advanced_stage": "EFS2: stage III or IV",
        "cox.efs2.mv.ldh_elevated": "EFS2: elevated LDH",
    },
}


def write(
    studies: list[Cohort],
    outcomes: list[Outcome],
    book: Path,
    certificates: dict[str, Certificate],
    made: Callable[[Cohort, str], dict],
) -> None:
    """Write the generated pages below ``book`` (``cohorts/<name>/index.md`` and ``generated/``); ``made``
    gives what a module makes of a cohort (:data:`analysis_lib.binding.reuse.MADE`).
    """
    for study in studies:
        mine = [outcome for outcome in outcomes if outcome.cohort == study.name]
        folder = book / "cohorts" / study.name
        (folder / "index.md").write_text(cohort_page(study, mine, folder), "utf-8")
        manuscript.write(study, folder)
    generated = book / "generated"
    generated.mkdir(exist_ok=True)
    (generated / "data-dictionary.md").write_text(data_dictionary.page(studies), "utf-8")
    (generated / "methods.md").write_text(methods_page(studies, book), "utf-8")
    for study in studies:
        if study.of_the_paper:
            cover.write(study, book)
    (generated / "proof.md").write_text(proof.page(), "utf-8")
    (generated / "certificate.md").write_text(certified.page(studies, certificates), "utf-8")
    (generated / f"{glossary.NAME}.md").write_text(glossary.page(glossary.words_of(book)), "utf-8")
    explored = {study: made(study, "explorer") for study in studies}
    (generated / f"{explorer.NAME}.md").write_text(explorer.page(studies, explored), "utf-8")
    if lead := of_the_paper(studies):
        its_rows = require(results.read_all(book / "cohorts" / lead.name / "results"))
        (generated / f"{labs.NAME}.md").write_text(labs.page(lead, explored[lead]), "utf-8")
        answers = made(lead, "ten_lines")
        (generated / f"{ten_lines.NAME}.md").write_text(ten_lines.page(lead, its_rows, answers), "utf-8")
        (generated / f"{lessons.GUIDE}.md").write_text(lessons.guide(lead), "utf-8")
        (generated / f"{primer.NAME}.md").write_text(primer.page(lead, its_rows), "utf-8")
    if MEASURED.is_file():
        (generated / "speed.md").write_text(speed_page(MEASURED.read_text("utf-8"), studies[0]), "utf-8")
    if len(studies) > 1:
        rows = {
            study: require(results.read_all(book / "cohorts" / study.name / "results")) for study in studies
        }
        (generated / "compare.md").write_text(compare_page(rows), "utf-8")


def speed_page(measured: str, study: Cohort) -> str:
    """What was measured, with chapters as they are called."""
    for each in chapters.chapters():
        called = f"{notes.markdown(chapters.short_title(each, study))} |"
        measured = measured.replace(f"| {each} |", f"| {called}").replace(f" {each} |", f": {called}")
    return measured


def of_the_paper(studies: list[Cohort]) -> Cohort | None:
    """The cohort of a book that stands for the paper's patients, if there is one."""
    return next((study for study in studies if study.of_the_paper), None)


def cohort_page(study: Cohort, outcomes: list[Outcome], folder: Path) -> str:
    """The first page of a cohort: whose data these are, its chapters, what is left out and why, and last what
    can be downloaded.
    """
    titles = {each.chapter: notes.markdown(chapters.short_title(each.chapter, study)) for each in outcomes}
    left_out = [each for each in outcomes if each.status == "skipped"]
    lines = [f"# {notes.markdown(study.title)}", "", notes.about_html(study), "", "## Chapters", ""]
    lines += [cards.of_chapters(study, outcomes, folder), ""]
    lines += [
        f"- {titles[each.chapter]}: left out, because {notes.markdown(notes.plain(each.reason))}."
        for each in left_out
    ]
    lines += [
        "",
        f"## {manuscript.TITLE}",
        "",
        "[A methods and a results paragraph, and the STROBE checklist](report.md), written from the same "
        "numbers.",
        "",
        f"## {takeaway.HEADING}",
        "",
        "Tables and figures of each chapter, and a file with every number in it.",
        "",
    ]
    for each in outcomes:
        if each not in left_out:
            links = takeaway.links(study, each.chapter, folder, folder / "results")
            lines.append(f"- [{titles[each.chapter]}]({each.chapter}.ipynb): {links}")
    return "\n".join([*lines, ""])


def compare_page(rows: dict[Cohort, pd.DataFrame]) -> str:
    """Cohorts beside each other, every number read from their result rows."""
    lines = [
        "# Cohorts side by side",
        "",
        "Every number is read from the result rows of the cohort's own chapters. A dash stands where a "
        "cohort has no "
        "such result: a column is absent, or its follow-up is too short. NR: not reached.",
        "",
    ]
    if any(study.synthetic for study in rows):
        told = "Differences between the synthetic cohorts are those of the reconstruction, not findings."
        lines += [fragment("whose", synthetic=True, who="Synthetic patients.", told=[told]), ""]
    lines += [f"- [{notes.markdown(study.title)}](../cohorts/{study.name}/index.md)" for study in rows] + [""]
    for section, wanted in COMPARED.items():
        table = compared(rows, wanted)
        if not table.empty:
            lines += [f"## {section}", "", tables.html_table(table, f"{section}, cohort by cohort"), ""]
    return "\n".join(lines)


def compared(rows: dict[Cohort, pd.DataFrame], wanted: dict[str, str]) -> pd.DataFrame:
    """One line for each wanted result that some cohort has, one column for each cohort, as finished text."""
    by_id = {study: frame.set_index("result_id") for study, frame in rows.items()}
    lines = []
    for result_id, label in wanted.items():
        found = {
            study.name: frame.loc[result_id] for study, frame in by_id.items() if result_id in frame.index
        }
        if shown := {name: row for name, row in found.items() if row["statistic"] != "skipped"}:
            kind = results.STATISTICS[next(iter(shown.values()))["statistic"]]
            bounded = any(row[["lower", "upper"]].notna().any() for row in shown.values())
            limits = f" ({kind.limits})" if bounded else ""
            unit = f", {kind.unit}" if kind.unit else ""
            lines.append(
                [
                    f"{label}{unit}{limits}",
                    *(numbers.compact(shown[s.name]) if s.name in shown else "–" for s in rows),
                ]
            )
    return pd.DataFrame(lines, columns=["Result", *heads_of(list(rows))])


def heads_of(studies: list[Cohort]) -> list[str]:
    """What each cohort is called above its column: its title, with its name where two titles are alike."""
    titles = [study.title.removesuffix(" (synthetic)") for study in studies]
    return [
        f"{title} ({study.name})" if titles.count(title) > 1 else title
        for study, title in zip(studies, titles)
    ]


RANDOM = [
    "## Random numbers",
    "",
    f"Reshufflings and resamples start from the seed {methods.SEED}, so that their answers can be repeated.",
    "",
]


def methods_page(studies: list[Cohort], book: Path) -> str:
    """Every method that the rows of these cohorts name: what it finds, what computes it, who described it,
    where it is used.

    Long because it is one page, written from top to bottom.
    """
    places: dict[methods.Method, dict[str, str]] = {}
    called: dict[methods.Method, str] = {}
    drawn = False
    for study in studies:
        for each in chapters.chapters_of(study):
            file = book / "cohorts" / study.name / "results" / f"{each}.csv"
            page = file.parents[1] / f"{each}.ipynb"
            for method in methods.used(results.read(file)) if page.is_file() and file.is_file() else []:
                # by number: a column of titles would be a tower
                link = f"[{int(each[:2])}](../cohorts/{study.name}/{each}.ipynb)"
                entry = methods.named(method)
                assert entry, method  # a test sees that every method has one
                places.setdefault(entry, {}).setdefault(each, link)
                called.setdefault(entry, entry.called or methods.capital(methods.printed(method)))
                drawn |= f"seed {methods.SEED}" in method
    lines = [
        [
            called[entry],
            methods.capital(entry.finds),
            entry.by,
            f"{{cite:p}}`{','.join(entry.cites)}`" if entry.cites else "–",
            ", ".join(places[entry][each] for each in sorted(places[entry])),
        ]
        for entry in methods.METHODS
        if entry in places
    ]
    libraries = sorted({entry.by for entry in places} - {methods.HERE} | {"numpy", "pandas", "matplotlib"})
    return (
        "\n".join(
            [
                "# Methods",
                "",
                "This page is written from the result rows of the cohorts in this book: it names "
                "what was called, and nothing "
                "else.",
                "",
                "## What was used",
                "",
                *tables.markdown_table(
                    ["Method", "Finds", "Computed by", "Described by", "In chapters"],
                    lines,
                    "Estimators and tests of this book",
                ),
                "## Conventions",
                "",
                *[f"- {each}" for each in methods.CONVENTIONS],
                "",
                *(RANDOM if drawn else []),
                "## Versions",
                "",
                *tables.markdown_table(
                    ["Software", "Version"],
                    [
                        ["Python", platform.python_version()],
                        *[[name, version(name)] for name in ["salvage-book", *libraries]],
                    ],
                    "What computed this book",
                ),
            ]
        )
        + "\n"
    )
