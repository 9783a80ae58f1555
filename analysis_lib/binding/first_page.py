"""Title and first page of a hospital's own book: of its patients, and of the chapters that it has."""

from __future__ import annotations

import json
import re
from pathlib import Path

from analysis_lib.binding import cards, manuscript
from analysis_lib.binding.outcome import Outcome
from analysis_lib.binding.paragraphs import the_event
from analysis_lib.cohort import endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.show import notes

# Where the configuration of the book names it: its title, and the words beside the logo.
TITLES = re.compile(r"^(title|        text): .*$", re.M)


def write(studies: list[Cohort], outcomes: list[Outcome], source: Path) -> None:
    """Give a staged book the title and the first page of its leading cohort; the paper's keeps its own.

    Parameters
    ----------
    studies : list of Cohort
        The cohorts of the book, the leading one first.
    outcomes : list of Outcome
        How their chapters ended.
    source : Path
        The folder with ``_config.yml`` and ``book/intro.md``, a copy.
    """
    if any(study.of_the_paper for study in studies):
        return
    study = studies[0]
    config = source / "_config.yml"
    # the theme prints a title as it stands, so nothing in it may be markup
    shown = json.dumps(re.sub(r'[<>&"{}\\`$]', "", study.title), ensure_ascii=False)
    config.write_text(TITLES.sub(lambda found: f"{found[1]}: {shown}", config.read_text("utf-8")), "utf-8")
    folder = source / "book" / "cohorts" / study.name
    mine = [outcome for outcome in outcomes if outcome.cohort == study.name]
    (source / "book" / "intro.md").write_text(page(study, mine, studies[1:], folder), "utf-8")


def page(study: Cohort, outcomes: list[Outcome], others: list[Cohort], folder: Path) -> str:
    """The first page: whose patients, what is followed, which chapters there are, and what is left out.

    ``folder`` holds the pages of the leading cohort. Long because it is one page, written from top to bottom.
    """
    where = f"cohorts/{study.name}"
    done = [each for each in outcomes if each.status != "skipped"]
    followed = [
        f"- **{name}**: {endpoints.in_words(study, name)}"
        for name in endpoints.ENDPOINTS
        if not endpoints.lacking(study, name)
    ]
    after = (
        [
            "The chapters follow a study of patients whose disease came back after CAR T-cell therapy "
            "{cite:p}`ababneh2023`.",
            "",
        ]
        if study.after_car_t
        else []
    )
    lines = [
        f"# {notes.markdown(study.title)}",
        "",
        notes.about_html(study),
        "",
        *after,
        f"Time is counted from {notes.markdown(the_event(study.index_event))}, day 0. Each chapter is a "
        "notebook: what is asked, how it is estimated, what the data show, what to be careful about, and "
        "exercises with solutions. "
        "Every number, sentence and figure is built from result rows, which you can download from "
        f"[the cohort's page]({where}/index.md); nothing is typed in by hand.",
        "",
        "## What is followed",
        "",
        *(followed or ["Nothing: the cohort has no endpoint."]),
        "",
        "## Chapters",
        "",
        cards.of_chapters(study, done, folder, f"{where}/"),
        "",
        f"[{manuscript.TITLE}]({where}/report.md) is a page written from the same rows.",
        "",
    ]
    if len(done) < len(outcomes):
        lines += [
            "Chapters whose columns this cohort does not have are left out; "
            f"[the cohort's page]({where}/index.md) says which, and why.",
            "",
        ]
    if others:
        lines += [
            "The same chapters stand for "
            + "; ".join(f"[{notes.markdown(each.title)}](cohorts/{each.name}/index.md)" for each in others)
            + ".",
            "",
        ]
    return "\n".join(
        [
            *lines,
            "```{admonition} This is no medical advice",
            ":class: warning",
            "The book describes patients. It recommends no treatment.",
            "```",
            "",
        ]
    )
