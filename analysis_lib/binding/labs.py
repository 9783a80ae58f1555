"""Labs: a parameter of a simulated study to move, and what to do and to ask while it moves.

The labs stand in ``analysis_lib/data/teaching/labs.yml``; they read what the explorer has computed.
"""

from __future__ import annotations

from pathlib import Path

from analysis_lib.binding import explorer
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.files import yamls
from analysis_lib.files.places import BUNDLED
from analysis_lib.show.fragments import fragment

NAME = "labs"
HEAD = """# Labs

Three experiments for two people and one screen, a quarter of an hour each. Nothing is computed while you
move: every position was computed when the book was made, and the table below each slider holds them all.
"""


def labs() -> list[dict]:
    """Each lab: the slider that it moves, its title, what is told, and its steps."""
    return yamls.read(next(BUNDLED.glob(f"*/{NAME}.yml")))


def page(study: Cohort, made: dict, solved: bool = True) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    study : Cohort
        The paper's.
    made : dict
        What :func:`analysis_lib.binding.explorer.make` made of it.
    solved : bool
        Whether the questions hold their answers; not in the student edition.
    """
    sliders = {each["name"]: each for each in made["sliders"]}
    whose = f"labs 1 and 2 move a simulation, lab 3 is of the {study.title[0].lower()}{study.title[1:]}."
    lines = [HEAD, fragment("whose", synthetic=True, who="No real patients:", told=[whose]), ""]
    for number, lab in enumerate(labs(), start=1):
        slider = sliders[lab["slider"]]
        lines += [
            f"## Lab {number}: {lab['title']}",
            "",
            f"{lab['told']} [To the chapter]({_page_of(slider)})",
            "",
        ]
        lines += [*(f"{place}. {step}" for place, step in enumerate(lab["steps"], start=1)), ""]
        lines += [f'<div class="explorer">{explorer.slider_html(slider, titled=False)}</div>', ""]
    used = [sliders[lab["slider"]] for lab in labs()]
    lines += ["## What did you see?", "", made["questions"]["solved" if solved else "asked"], ""]
    lines += [fragment("drawn", data=explorer.as_data({"sliders": used})), ""]
    return "\n".join(lines)


def _page_of(slider: dict) -> str:
    return str(Path(slider["link"]).with_suffix(".ipynb"))
