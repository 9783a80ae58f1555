"""The table of contents of a book: which pages, in which order."""

from __future__ import annotations

from pathlib import Path

import yaml

from analysis_lib.binding import chapters, manuscript, pages
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import ROOT
from analysis_lib.intake.bundled import bundled_cohorts
from analysis_lib.intake.read import read_cohort


def table_of_contents(studies: list[Cohort], source: Path = ROOT) -> str:
    """The contents of a book of these cohorts, as ``_toc.yml``: the first cohort leads, the others follow.

    A chapter that could show nothing of a cohort has no page, and is not named.
    """
    parts: list[dict] = [
        {
            "caption": "Chapters"
            if number == 0
            else "The same chapters on other cohorts"
            if number == 1
            else None,
            "chapters": [
                {
                    "file": f"book/cohorts/{study.name}/index",
                    "sections": [
                        *(
                            {
                                "file": f"book/cohorts/{study.name}/{each}",
                                "title": chapters.short_title(each, study),
                            }
                            for each in with_a_page(study, source)
                        ),
                        {"file": f"book/cohorts/{study.name}/report", "title": manuscript.TITLE},
                    ],
                }
            ],
        }
        for number, study in enumerate(studies)
    ]
    merged = [parts[0]] + (
        [
            {
                "caption": parts[1]["caption"],
                "chapters": [c for part in parts[1:] for c in part["chapters"]]
                + [{"file": "book/generated/compare"}],
            }
        ]
        if len(parts) > 1
        else []
    )
    merged = [*_part("Learn", pages.LEARN, studies), *merged]
    merged += [*_part("Teach", pages.TEACH, studies), *_part("About", pages.ABOUT, studies)]
    toc = {"format": "jb-book", "root": "book/intro", "options": {"numbered": False}, "parts": merged}
    header = (
        "# Written by analysis_lib.binding.contents.table_of_contents; a test holds this file equal to it.\n"
    )
    return header + yaml.safe_dump(toc, sort_keys=False, allow_unicode=True)


def _part(caption: str, names: tuple[str, ...], studies: list[Cohort]) -> list[dict]:
    """A part of the contents, without pages that this book lacks; none if it lacks them all."""
    # these speak of chapters that only the paper's book has
    left: tuple[str, ...] = () if pages.of_the_paper(studies) else pages.THE_PAPERS
    left += () if pages.MEASURED.is_file() else ("generated/speed",)
    listed = [{"file": f"book/{name}"} for name in names if name not in left]
    return [{"caption": caption, "chapters": listed}] if listed else []


def with_a_page(study: Cohort, source: Path = ROOT) -> list[str]:
    """The chapters of a cohort that a build in ``source`` made a page of; before any, all of them."""
    folder = source / "book" / "cohorts" / study.name
    names = chapters.chapters_of(study)
    return [each for each in names if (folder / f"{each}.ipynb").is_file()] if folder.is_dir() else names


def write_contents(source: Path = ROOT, studies: list[Cohort] | None = None) -> None:
    """Write ``_toc.yml`` for a book of these cohorts, by default of the bundled ones."""
    studies = studies or [read_cohort(name) for name in bundled_cohorts()]
    (source / "_toc.yml").write_text(table_of_contents(studies, source), "utf-8")
