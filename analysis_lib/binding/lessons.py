"""What a teacher needs: a guide of six sessions, a sheet to mark with, and slides with the book's figures.

The sessions stand in ``analysis_lib/data/teaching/sessions.yml``; right answers come from the chapters' rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

from analysis_lib.binding import chapters
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import yamls
from analysis_lib.files.places import BUNDLED
from analysis_lib.rows import results
from analysis_lib.show import exercises, tables
from analysis_lib.show.fragments import FOLDER, finished, fragment

SESSIONS = "sessions.yml"
MINUTES = 45
GUIDE = "guide"
INTRODUCTION = f"""# Instructor's guide

Six sessions of {MINUTES} minutes for residents without statistics. Each has its aims, a plan by the minute,
questions to argue about, and the misunderstandings that will come. Slides with the book's figures, a student
edition without solutions and a teacher's edition with all of them are made by one command:
`salvage-book editions`.

Before the first session everybody reads the primer [Time to an event](time-to-an-event.md). Let people write
down a guess before a figure is shown: chapters have a switch for it, *Let me guess first*.
"""


def sessions() -> list[dict]:
    """The sessions in order: title, chapters, aims, plan with minutes, questions, misconceptions, figures."""
    return yamls.read(next(BUNDLED.glob(f"*/{SESSIONS}")))


def guide(study: Cohort) -> str:
    """The instructor's guide, in Markdown, with links to the very sections."""
    lines = [INTRODUCTION]
    for number, each in enumerate(sessions(), start=1):
        lines += _session(number, each, study)
    return "\n".join(lines)


def _session(number: int, told: dict, study: Cohort) -> Iterator[str]:
    links = "; ".join(_link(study, each) for each in told["chapters"])
    yield from [
        f"## Session {number}: {told['title']}",
        "",
        f"*Before it:* {told['before']} *Chapters:* {links}.",
        "",
    ]
    yield from ["**Aims**", "", *(f"- {aim}" for aim in told["aims"]), ""]
    plan = [[str(step["minutes"]), step["what"]] for step in told["plan"]]
    yield from tables.markdown_table(
        ["Minutes", "What happens"], plan, f"Session {number}: {MINUTES} minutes"
    )
    yield from ["**Questions to argue about**", "", *(f"- {each}" for each in told["ask"]), ""]
    yield from ["**What they may believe, and what to answer**", ""]
    for each in told["misconceptions"]:
        yield from [f"“{each['says']}”", f": {each['answer']}", ""]
    shown = "; ".join(_link(study, each["chapter"], each["section"]) for each in told["figures"])
    yield from [f"**Figures to show:** {shown}.", ""]


def _link(study: Cohort, chapter: str, section: str = "") -> str:
    """A link to a chapter, or to a section of it as long as the chapter has one of that name."""
    words = section or chapters.short_title(chapter, study)
    anchor = re.sub(r"[^\w\- ]", "", section.lower()).replace(" ", "-")
    known = bool(section) and section in chapters.sections_of(chapter)
    return f"[{words}](../cohorts/{study.name}/{chapter}.ipynb{f'#{anchor}' if known else ''})"


# --- marking --------------------------------------------------------------------------------------


def marking(study: Cohort, results_dir: Path) -> str:
    """All exercises with what is right and why, a chapter after the other, in Markdown."""
    lines = [
        "# Marking sheet",
        "",
        "One point an exercise, none for a right answer with a wrong reason. Students hand in the file that "
        "*Save my answers* writes: it opens as a table, one line a question.",
        "",
    ]
    for each in chapters.chapters_of(study):
        file = results_dir / f"{each}.csv"
        asked = exercises.questions(study, results.read(file), f"{each}.yml") if file.is_file() else {}
        found = [(part, *one) for part, of in asked.items() for one in enumerate(of, start=1)]
        if found:
            heads = ["Question", "Right", "Why"]
            cells = [
                [f"{exercises.TITLES[part]} {n}: {one.ask}", right(one), one.why] for part, n, one in found
            ]
            cells = [[cell.replace("|", r"\|") for cell in line] for line in cells]
            title = chapters.short_title(each, study)
            lines += [f"## {title}", "", *tables.markdown_table(heads, cells, f"{title}: right answers")]
    return "\n".join(lines)


def right(question: exercises.Question) -> str:
    """What is right, in words: a number with its tolerance, the option, or the order."""
    if question.kind == exercises.NUMBER:
        spare = f" ± {question.within:g}" if question.within else ""
        return f"{round(question.value, 2):g}{spare} {question.unit}".strip()
    if question.kind == exercises.ORDER:
        return " > ".join(each.says for each in question.options)
    return next(each.says for each in question.options if each.right)


# --- slides ---------------------------------------------------------------------------------------


def slides(number: int, told: dict, pages: Path) -> str:
    """A session as one HTML file that needs nothing else: aims, plan, figures of the chapters, questions."""
    shown = []
    for place in told["figures"]:
        page = pages / f"{place['chapter']}.ipynb"
        # the key figure of a chapter may stand in its opening, before any section
        shown += list(figures(page, place["section"])) or list(figures(page))[:1]
    return fragment(
        "slides",
        number=number,
        told=told,
        minutes=MINUTES,
        figures=[finished(each) for each in shown],
        style=finished((FOLDER / "slides.css").read_text("utf-8")),
        script=finished((FOLDER / "slides.js").read_text("utf-8")),
    )


def figures(page: Path, section: str = "") -> Iterator[str]:
    """The figures, as HTML, of one section of an executed chapter; without a section, all."""
    inside = not section
    for cell in nbformat.read(page, as_version=4).cells:
        if cell.cell_type == "markdown" and (heading := chapters.HEADING.search(cell.source)):
            inside = not section or heading.group().lstrip("# ").strip() == section
        for output in cell.get("outputs", []) if inside else []:
            html = "".join(output.get("data", {}).get("text/html", ""))
            yield from re.findall(r"<figure.*?</figure>", html, re.S)
