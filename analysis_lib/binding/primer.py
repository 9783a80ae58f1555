"""The primer *Time to an event* as a page: its words stand in a file, numbers and drawings are made here."""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses import primer
from analysis_lib.binding import chapters
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files.places import BUNDLED
from analysis_lib.rows import results
from analysis_lib.rows.released import public, require
from analysis_lib.show import exercises, line_art, numbers, tables
from analysis_lib.show.fragments import finished, fragment
from analysis_lib.show.sentences import sentence

NAME = "time-to-an-event"
COX = ("cox.os2.mv.advanced_stage", "cox.os2.mv.ldh_elevated")


def page(study: Cohort, cohort_rows: pd.DataFrame) -> str:
    """The page, in Markdown; what speaks of rows that a book's first cohort lacks is left out.

    Parameters
    ----------
    study : Cohort
        The cohort whose chapters the primer leads to.
    cohort_rows : pandas.DataFrame
        Its result rows.
    """
    rows = primer.rows()
    together = public(results.collect([rows, require(cohort_rows)])) if study.synthetic else rows
    drawn = drawings(rows, together)
    parts = []
    for paragraph in _words().split("\n\n"):
        name = paragraph.strip().removeprefix("[[").removesuffix("]]")
        parts.append(drawn[name] if paragraph.strip().startswith("[[") else sentence(together, paragraph))
    text = "\n\n".join(each for each in parts if each)
    for each in chapters.chapters_of(study):
        text = text.replace(f"(cohort:{each})", f"(../cohorts/{study.name}/{each}.ipynb)")
    return text + "\n"


def drawings(rows: pd.DataFrame, together: pd.DataFrame) -> dict[str, str]:
    """What stands at each ``[[name]]`` of the page."""
    steps = primer.steps()
    ratios = together[together["result_id"].isin(COX)]
    shown = ratios.assign(group=ratios["group"])
    return {
        "people": line_art.lines_of_life(
            primer.PEOPLE, "One line a person: how long each was watched, and how it ended."
        ),
        "ways": _ways(rows),
        "steps": _steps(steps),
        "curve": line_art.curves(
            steps, "The Kaplan–Meier curve of the ten people, with small marks where somebody was censored."
        ),
        "hazard": _hazard(),
        "cox": _cox(together) if len(ratios) else "",
        "forest": line_art.forest(shown, "Forest plot of the hazard ratios in the table above.")
        if len(ratios)
        else "",
        "exercises": exercises.forms(exercises.answerable(rows, f"{NAME}.yml"), NAME, "primer"),
    }


def _words() -> str:
    return next(BUNDLED.glob(f"*/{NAME}.md")).read_text("utf-8")


def _ways(rows: pd.DataFrame) -> str:
    told = {
        "primer.best12": "Whoever was lost is alive",
        "primer.rate12": "Kaplan and Meier",
        "primer.left_out12": "Whoever was lost is left out",
        "primer.worst12": "Whoever was lost is dead",
    }
    by_id = rows.set_index("result_id")
    lines = [[words, numbers.estimate(by_id.loc[each])] for each, words in told.items()]
    return tables.html_table(
        pd.DataFrame(lines, columns=["How the censored are counted", "Alive at 12 months"]),
        "Ten people, four answers",
    )


def _steps(steps: pd.DataFrame) -> str:
    """One picture a month with a death, each with the calculation that makes the step."""
    pictures = []
    for each in steps[steps["died"] > 0].to_dict("records"):
        grown = line_art.curves(steps, f"The curve up to month {each['months']}.", upto=each["months"])
        died, at_risk = each["died"], each["at_risk"]
        words = (
            f"Month {each['months']}: {at_risk} at risk, {died} {'dies' if died == 1 else 'die'}, "
            f"so {at_risk - died} of {at_risk} live on. "
            f"{each['before']:.3f} × {each['share']:.3f} = {each['survival']:.3f}."
        )
        pictures.append({"drawing": finished(grown), "words": words})
    return fragment("steps", pictures=pictures)


def _hazard() -> str:
    lines = [
        [each["stretch"], str(each["died"]), str(each["person_months"]), f"{100 * each['hazard']:.1f}"]
        for _, each in primer.hazards().iterrows()
    ]
    heads = ["Time", "Deaths", "Months lived by all", "Deaths per 100 months"]
    return tables.html_table(pd.DataFrame(lines, columns=heads), "Hazards of the ten people")


def _cox(rows: pd.DataFrame) -> str:
    by_id = rows.set_index("result_id")
    lines = [
        [
            by_id.loc[each, "group"],
            numbers.estimate(by_id.loc[each]),
            numbers.limits(by_id.loc[each]).removeprefix("95% CI "),
            numbers.bare_p(by_id.loc[f"{each}.p"]),
        ]
        for each in COX
    ]
    heads = ["Factor", "Hazard ratio", "95% CI", "P"]
    return tables.html_table(pd.DataFrame(lines, columns=heads), "Two factors in one Cox model of OS2")
