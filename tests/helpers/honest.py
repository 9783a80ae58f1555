"""Honest hospitals: cohorts with identifiers, names, birth dates and telephone numbers of many styles, and a
book that holds none of them.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pybtex
import sphinx
import sphinx_book_theme

import plants

FIRST = (
    "Robin Hans Chad Vera Anna May Mark Rose Grace Jörg Zoë Łukasz Søren José Will Faith Dawn Art "
    "Frank Gene Bill Pat Penny Summer April "
    "June Augustin Max Victor Hope Joy Carol Iris Olive Ivy Jean Marie Noël Ángel Ümit Oğuz Xi Bo Li "
    "Jo Dean Miles Rich Chance"
).split()
LAST = (
    "Cox Gray Kaplan Meier Fisher Mann Whitney Holm Wald Young Field Day Case Short Long Best Wood "
    "Stone Black White Brown Green Müller "
    "Schröder Großmann García Ødegård Nowak Kowalska O'Brien McDonald Schmidt-Rottluff Lee Ng Wu Kim "
    "Ott Koch Weber Becker Fischer "
    "Bauer Richter König Krause Lang Klein Groß Martin Simon Roy Robin Vera Hand Price Rice Page Read "
    "Cook Baker Power Noble Wise Peters "
    "Median Ray Dose Curie Hart Hill Banks Moon Winter Sommer Berger Vogel Frost Bell Rose Marsh "
    "Kestrelmann Dąbrowska Yılmaz"
).split()
BIRTHS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d.%m.%y",
    "%d %b %Y",
    "%Y%m%d",
    "serial",
    "%d/%m/%Y",
    "%B %d, %Y",
    "%d%m%Y",
)


def published(folder: Path, root: Path) -> Path:
    """A book without patients, of the project's real pieces: executed notebooks, theme, fonts, Word files,
    figures, rows.
    """
    shutil.copytree(
        Path(sphinx_book_theme.__file__).parent / "theme" / "sphinx_book_theme" / "static", folder / "_static"
    )
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, folder)
    for page in sorted((root / "book").glob("*.md")):
        shutil.copy(page, folder)
    for name in (
        "figure.svg",
        "paths.svg",
        "figure.pdf",
        "figure.png",
        "table.docx",
        "text.html",
        "title.pdf",
        "image.html",
    ):
        (folder / name).write_bytes(
            plants.HIDING[name]("Kaplan–Meier curves; Cox model; Fine–Gray; Holm; 120 98 76 54 32 10")
        )
    document = docx.Document()
    table = document.add_table(20, 6)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = ("120", "57 (48%)", "0.48213", "12.3 (9.1–18.0)", "RT", "12,362 / 29,532")[number % 6]
    document.save(folder / "many.docx")
    shutil.copy(
        Path(sphinx.__file__).parent / "themes" / "basic" / "static" / "basic.css.jinja",
        folder / "_static" / "basic.css",
    )
    listed = pybtex.format_from_file(
        str(root / "book" / "references.bib"), style="plain", output_backend="html"
    )
    (folder / "references.html").write_text(listed, "utf-8")
    rng = np.random.default_rng(7)
    rows = pd.DataFrame(
        {
            "result_id": [f"os{place}.median.rt" for place in range(400)],
            "value": rng.lognormal(1, 2, 400),
            "lower": rng.random(400),
            "upper": rng.integers(10_000, 60_000, 400).astype(float),
            "n": rng.integers(5, 300, 400),
        }
    )
    rows.to_csv(folder / "rows.csv", index=False)
    return folder


def cohort(number: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """A hospital's file and its translation: everything in one of the styles that hospitals have."""
    rng = np.random.default_rng(number)
    size = int(20 + 281 * rng.random() ** 2)
    first, last = rng.choice(FIRST, size), rng.choice(LAST, size)
    start = [date(2017, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 3000, size)]
    births = [date(1930, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 25_000, size)]
    style, visit = rng.choice(BIRTHS), rng.choice(BIRTHS[:5])
    frame = {
        "ID": _identifiers(rng, size),
        "Infusion": [_written(day, visit) for day in start],
        "Date of birth": [_written(day, style) for day in births],
    }
    frame |= [
        {"Name": [f"{b}, {a}" for a, b in zip(first, last)]},
        {"Patient": [f"{a} {b.upper()}" for a, b in zip(first, last)]},
        {"Vorname": first, "Nachname": last},
    ][number % 3]
    for column, most in {"Last visit": 900, "salvage_start_date": 200}.items():
        frame[column] = [_written(day + timedelta(days=int(rng.integers(1, most))), visit) for day in start]
    if number % 2:
        frame["Phone"] = [
            f"0{rng.integers(30, 999)} {rng.integers(100_000, 99_999_999)}" for _ in range(size)
        ]
    frame["Remarks"] = [
        f"seen by Dr {rng.choice(LAST)}, {rng.integers(10, 99)} ml, felt "
        f"{rng.choice(['well', 'unwell', 'tired'])}"
        for _ in range(size)
    ]
    return (
        pd.DataFrame(frame, index=range(2, size + 2), dtype="string"),
        {"ID": "patient_id", "Infusion": "infusion_date"},
    )


def _identifiers(rng: np.random.Generator, size: int) -> list[str]:
    first = int(rng.integers(100_000, 900_000))
    styles = [
        lambda each: str(first + each),
        lambda each: f"MRN-{first + 7 * each}",
        lambda each: f"P{each:03}",
        lambda each: f"{each + 1}",
        lambda each: f"00{first * 10 + 13 * each}",
        lambda each: f"{first % 100_000:05}/{each:02}",
        lambda each: f"CART-{each:04}",
        lambda each: f"Patient {each + 1}",
        lambda each: f"{first + each:x}-{each}",
        lambda each: f"DLBCL{first + each}",
        lambda each: f"{10_000 + (first + 11 * each) % 90_000}",
        lambda each: f"RT-{each}",
    ]
    style = styles[int(rng.integers(len(styles)))]
    return [style(each) for each in range(size)]


def _written(day: date, style: str) -> str:
    return str((day - date(1899, 12, 30)).days) if style == "serial" else day.strftime(style)
