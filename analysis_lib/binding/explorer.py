"""The explorer: one page on which a reader chooses what to look at; everything it may show is computed here.

The page holds the numbers as data, so that it works from a file. A script draws them with a charting library
that lies inside the book, and computes no statistic. Without scripts the same stands there as pictures and
tables.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from markupsafe import Markup

from analysis_lib.analyses import explored, survival
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.consistent import cohorts as consistent
from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.dictionary.words import within
from analysis_lib.rows import results
from analysis_lib.rows.released import require
from analysis_lib.show import exercises, line_art, notes, numbers, tables
from analysis_lib.show.fragments import finished, fragment

NAME = "explorer"
LABS = "labs-check.yml"  # the questions of the labs, which its sliders answer
PICTURES = 6  # of the first cohort, for whoever has no scripts
GRID = np.arange(0, 49)  # months at which the consistent cohorts' curves are read
BUNDLED = (
    ("OS1", ""),
    ("OS2", ""),
    ("OS2", "salvage_regimen"),
    ("EFS2", "salvage_regimen"),
    ("OS2", "ldh_elevated"),
)
BY_THE_FUTURE = ("salvage_sequence", "responder")  # groups that only later events name
CAUTION = (
    "These groups are named by what happened later: whoever is in them had to live to see it (immortal time, "
    "chapter 9)."
)
WORDS = {
    "OS1": "Overall survival from day 0 (OS1)",
    "EFS1": "Event-free survival from day 0 (EFS1)",
    "OS2": "Overall survival from the start of salvage therapy (OS2)",
    "EFS2": "Event-free survival from the start of salvage therapy (EFS2)",
}


def make(study: Cohort) -> dict:
    """What the page shows of a cohort, as JSON can hold it: its curves, pictures of them, and of the paper's
    cohort the bundle, the sliders and the questions of the labs too.
    """
    paper = study.of_the_paper
    moved = _moved(study) if paper else {}
    return {
        "curves": _cohort(study),
        "pictures": "".join(_pictures(study)),
        "bundle": _bundle() if paper else {},
        "sliders": _sliders(study, moved) if paper else [],
        "questions": _questions(study, moved) if paper else {},
    }


def page(studies: list[Cohort], made: dict[Cohort, dict]) -> str:
    """The page, in Markdown, with the data of these cohorts.

    Parameters
    ----------
    studies : list of Cohort
    made : dict
        What :func:`make` made of each.
    """
    parts = [made[study] for study in studies]
    lead = next((part for part, study in zip(parts, studies) if study.of_the_paper), None)
    sliders = lead["sliders"] if lead else []
    told = {
        "cohorts": [part["curves"] for part in parts],
        "endpoints": WORDS,
        "bundle": lead["bundle"] if lead else {},
        "sliders": sliders,
    }
    html = fragment(
        NAME,
        data=as_data(told),
        pictures=finished(parts[0]["pictures"]),
        sliders=[finished(slider_html(each)) for each in sliders],
    )
    head = [
        "# Explorer",
        "",
        "Choose what to look at. All numbers were computed when the book was made; the page only draws them. "
        "Point at the curves, or move *Read at*, to read survival, its interval and how many are at risk.",
        "",
    ]
    who = [notes.about_html(study) for study in studies if not study.synthetic]
    synthetic = [study.title for study in studies if study.synthetic]
    if synthetic:
        head += [
            fragment("whose", synthetic=True, who="Synthetic patients:", told=[f"{'; '.join(synthetic)}."]),
            "",
        ]
    return "\n".join([*head, *(each for note in who for each in (note, "")), html, ""])


def as_data(told: dict) -> Markup:
    """What a script of a page reads: JSON that cannot end its element."""
    data = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return finished(data.replace("<", "\\u003c"))


def slider_html(slider: dict, titled: bool = True) -> str:
    """A slider, with its table for whoever has no scripts."""
    return fragment("slider", slider=slider, titled=titled, table=finished(_as_table(slider)))


# --- curves ---------------------------------------------------------------------------------------


def _cohort(study: Cohort) -> dict:
    shown = {}
    for name, by in explored.comparisons(study):
        curves = explored.curves(study, name, by)
        if not results.skip_reason(curves):
            shown[f"{name}/{by}"] = _comparison(study, name, by, curves)
    groupings = {
        by: study.label_of(by) if by else "everybody"
        for by in dict.fromkeys(key.split("/")[1] for key in shown)
    }
    return {
        "name": study.name,
        "title": study.title,
        "bundle": study.of_the_paper,
        "groupings": groupings,
        "curves": shown,
    }


def _comparison(study: Cohort, name: str, by: str, curves: pd.DataFrame) -> dict:
    rows = survival.estimates(study, name, by or None)
    tests = rows[rows["statistic"] == "p"]
    return {
        "groups": [_group(label, one) for label, one in require(curves).groupby("group", sort=False)],
        "table": _table(rows, survival.rate_months(study)),
        "test": " ".join(f"Log-rank test: {numbers.estimate(one)}." for _, one in tests.iterrows()),
        "caution": CAUTION if by in BY_THE_FUTURE else "",
    }


def _group(label: str, one: pd.DataFrame) -> dict:
    first = one[one["interval"] == one["interval"].iloc[0]]
    told = {
        "name": label,
        "t": _short(first["months"], 2),
        "s": _short(first["survival"], 4),
        "n": [int(each) for each in first["at_risk"]],
        "ci": {
            kind: [_short(mine["lower"], 4), _short(mine["upper"], 4)]
            for kind, mine in one.groupby("interval", sort=False)
        },
    }
    if "censored" in first:
        told["c"] = [int(bool(each)) for each in first["censored"]]
    return told


def _short(values: pd.Series, decimals: int) -> list[float | None]:
    return [None if pd.isna(each) else round(float(each), decimals) for each in values]


def _table(rows: pd.DataFrame, months: tuple[int, ...]) -> list[list[str]]:
    """Heads, then a line a group: patients, events, median, rates."""
    kinds = {"Median": "median", **{f"At {month} months": f"rate{month}" for month in months}}
    lines = [["Group", "Patients", "Events", *kinds]]
    medians = rows[rows["statistic"] == "median time"]
    for _, one in medians.iterrows():
        tail = one["result_id"].split(".median", 1)[1]
        ids = {each["result_id"].split(".", 1)[1]: each for _, each in rows.iterrows()}
        cells = [
            numbers.full(ids[f"{kind}{tail}"]) if f"{kind}{tail}" in ids else "–" for kind in kinds.values()
        ]
        lines.append(
            [one["group"] or "everybody", numbers.counted(one, "n"), numbers.counted(one, "events"), *cells]
        )
    return lines


def _bundle() -> dict:
    """The curves of all consistent cohorts, read once a month; synthetic, as those are."""
    studies = consistent.read_all().values()
    told: dict[str, dict[str, list]] = {}
    for name, by in BUNDLED:
        found: dict[str, list] = {}
        for study in studies:
            curves = survival.curves(study, name, by or None)
            for label, one in [] if results.skip_reason(curves) else curves.groupby("group", sort=False):
                found.setdefault(label, []).append(_on_grid(one))
        told[f"{name}/{by}"] = found
    return told


def _on_grid(curve: pd.DataFrame) -> list[float]:
    months, heights = curve["days"].to_numpy() / DAYS_PER_MONTH, curve["survival"].to_numpy()
    reached = GRID[GRID <= months[-1]]
    return [round(float(heights[np.searchsorted(months, month, side="right") - 1]), 3) for month in reached]


# --- sliders --------------------------------------------------------------------------------------


def _moved(lead: Cohort) -> dict[str, pd.DataFrame]:
    """The rows along which each slider moves."""
    return {
        "landmark": explored.landmarks(lead),
        "alpha-beta": explored.alpha_betas(lead),
        "confounding": explored.strengths(),
        "immortal": explored.waits(),
    }


def _questions(lead: Cohort, moved: dict[str, pd.DataFrame]) -> dict[str, str]:
    """The questions of the labs as HTML, with (``solved``) and without (``asked``) what is right."""
    asked = exercises.answerable(results.collect(list(moved.values())), LABS)
    return {
        name: exercises.forms(asked, "labs", lead.name, solved=name == "solved")
        for name in ("solved", "asked")
    }


def _sliders(lead: Cohort, moved: dict[str, pd.DataFrame]) -> list[dict]:
    """What each slider moves, for the paper's patients, and for simulated patients."""
    link = f"../cohorts/{lead.name}"
    return [
        one_slider(
            "landmark",
            "Move the landmark",
            "Systemic therapy first: patients alive at the landmark, with radiotherapy by then against those "
            "without.",
            ("Landmark", " months"),
            f"{link}/09_beyond.html",
            "Hazard ratio from the landmark on",
            moved["landmark"],
        ),
        one_slider(
            "alpha-beta",
            "Move α/β",
            "The same doses, weighed by another ratio: the median biologically effective dose (bars: "
            "smallest to largest).",
            ("α/β", " Gy"),
            f"{link}/05_radiotherapy.html",
            "Median BED",
            moved["alpha-beta"],
        ),
        one_slider(
            "confounding",
            "Move the strength of confounding",
            "1,000 simulated patients in whom treatment does nothing (a ratio of 1 is true). The "
            "stronger stage and LDH drive the choice of treatment, the further off the crude ratio.",
            ("Strength", "% of that in chapter 13"),
            f"{link}/13_known_truth.html",
            "Hazard ratio",
            moved["confounding"],
        ),
        one_slider(
            "immortal",
            "Move the wait for a second treatment",
            "1,000 simulated patients in whom a second treatment does nothing. Whoever receives it "
            "lived long enough to; counted from the first day it looks like a wonder.",
            ("Mean wait", " months"),
            f"{link}/13_known_truth.html",
            "Hazard ratio",
            moved["immortal"],
        ),
    ]


def one_slider(
    name: str, title: str, told: str, moves: tuple[str, str], link: str, axis: str, rows: pd.DataFrame
) -> dict:
    """A slider's positions with their rows; ``moves`` is what it moves, and the unit behind a number."""
    require(rows)
    what, unit = moves
    at = rows["result_id"].str.extract(r"(\d+)", expand=False).astype(int)
    points = []
    for position, mine in rows.groupby(at, sort=True):
        points.append(
            {
                "at": int(position),
                "said": f"{int(position)}{unit.removesuffix('s') if position == 1 else unit}",
                "rows": [
                    {
                        "name": _called(one),
                        "text": numbers.whole(one) + (f", {one['n']} patients" if name == "landmark" else ""),
                        **{
                            key: None
                            if pd.isna(one[key]) or one["statistic"] in ("p", "proportion")
                            else round(float(one[key]), 3)
                            for key in ("value", "lower", "upper")
                        },
                    }
                    for _, one in mine.iterrows()
                ],
            }
        )
    return {
        "name": name,
        "title": title,
        "told": told,
        "moves": what,
        "unit": f"{what}, {unit.strip()}",
        "link": link,
        "axis": axis,
        "ratio": bool((rows["statistic"] == "hazard ratio").all()),
        "marked": numbers.marks_told(rows).strip(),
        "points": points,
    }


def _called(one: pd.Series) -> str:
    kinds = {
        "bed": "Median BED",
        "high": "Sites above the limit of chapter 6",
        "test": "Survival by dose, log-rank",
        "naive": "Naive",
        "remedy": "Remedy",
    }
    return kinds.get(one["result_id"].rsplit(".", 1)[-1], "Hazard ratio")


# --- without scripts ------------------------------------------------------------------------------


def _pictures(study: Cohort) -> list[str]:
    parts = []
    for name, by in explored.comparisons(study)[:PICTURES]:
        curves = explored.curves(study, name, by)
        if results.skip_reason(curves):
            continue
        one = curves[curves["interval"] == curves["interval"].iloc[0]]
        what = WORDS[name] + (f" by {within(study.label_of(by))}" if by else "")
        parts.append(line_art.curves(one, f"Kaplan–Meier curves: {what}.", step=12))
        heads, *lines = _table(survival.estimates(study, name, by or None), survival.rate_months(study))
        parts.append(tables.html_table(pd.DataFrame(lines, columns=heads), f"{what}, {study.title}"))
    return parts


def _as_table(slider: dict) -> str:
    lines = [[str(point["at"]), *(row["text"] for row in point["rows"])] for point in slider["points"]]
    names = [row["name"] for row in slider["points"][0]["rows"]]
    return tables.html_table(pd.DataFrame(lines, columns=[slider["unit"], *names]), slider["title"])
