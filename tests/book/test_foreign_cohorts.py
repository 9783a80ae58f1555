"""Cohorts that look nothing like ours become a book with one command, and their numbers are those of
their own files.

The expected numbers are read from the raw files by this test alone (csv, datetime) and estimated by lifelines
or by counting; the library's reader and estimators have no part in them.
"""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from distributed import LocalCluster
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from analysis_lib.analyses import radiotherapy, survival
from analysis_lib.binding import chapters
from analysis_lib.cohort import overlap
from analysis_lib.files.digest import digests
from analysis_lib.files.places import ROOT
from analysis_lib.intake.read import read_cohort

HERE = Path(__file__).parents[1] / "cohorts"
MONTH = 30.4375
NAMES = {"klinik": "klinik", "redcap": "two-centres", "three-columns": "three-columns"}
SKIPPED = {
    "klinik": {"16", "17"},
    "redcap": {"16"},
    "three-columns": {"03", "05", "06", "07", "08", "09", "14", "15", "16", "17"},
}


def rows_of(file, **how):
    with (HERE / file).open(newline="", encoding=how.pop("encoding", "utf-8")) as lines:
        return list(csv.DictReader(lines, **how))


def median(days, events):
    """R's median in months: where the curve runs along one half, the middle of that stretch."""
    curve = KaplanMeierFitter().fit(days, events).survival_function_["KM_estimate"]
    first = curve.index[curve <= 0.5 + 1e-9][0]
    below = curve.index[curve < 0.5 - 1e-9]
    return ((first + below[0]) / 2 if abs(curve[first] - 0.5) < 1e-9 else first) / MONTH


def shown_median(days, events, k=5):
    """What is shown of a median of real patients: the mean day of the ``k`` events around it, in months."""
    falls = np.sort(np.array(days)[np.array(events, dtype=bool)])
    day = round(2 * MONTH * median(days, events)) / 2
    first = np.clip(np.searchsorted(falls, day) - k // 2, 0, len(falls) - k)
    return falls[first : first + k].mean() / MONTH


def rate(days, events, month):
    return 100 * float(KaplanMeierFitter().fit(days, events).predict(month * MONTH))


def known_klinik():
    def day(cell):
        return datetime.strptime(cell, "%d.%m.%Y").date() if cell else None

    patients = rows_of("klinik/patienten.csv", encoding="cp1252", delimiter=";")
    sites = rows_of("klinik/bestrahlungen.csv", encoding="cp1252", delimiter=";")
    dead = [each["Verstorben"] == "ja" for each in patients]
    os1 = [(day(each["Letzter Kontakt"]) - day(each["CAR-T-Infusion"])).days for each in patients]
    os2 = [(day(each["Letzter Kontakt"]) - day(each["Beginn Salvage"])).days for each in patients]
    ends = [day(each["Progress am"]) or day(each["Letzter Kontakt"]) for each in patients]
    efs2 = [(end - day(each["Beginn Salvage"])).days for end, each in zip(ends, patients)]
    failed = [bool(each["Progress am"]) or died for each, died in zip(patients, dead)]
    return {
        "os1.median": median(os1, dead),
        "os1.median shown": shown_median(os1, dead),
        "os1.rate12": rate(os1, dead, 12),
        "os2.median": median(os2, dead),
        "os2.median shown": shown_median(os2, dead),
        "efs2.median": median(efs2, failed),
        "efs2.median shown": shown_median(efs2, failed),
        "efs2.logrank.salvage_regimen": multivariate_logrank_test(
            efs2, [each["Salvagetherapie"] for each in patients], failed
        ).p_value,
        "rt.sites": len(sites),
        "rt.dose": pd.Series([float(each["Gesamtdosis (Gy)"].replace(",", ".")) for each in sites]).median(),
        "n": len(patients),
        "deaths": sum(dead),
    }


def known_redcap():
    rows = rows_of("redcap/export.csv")
    patients = [each for each in rows if not each["redcap_repeat_instrument"]]
    kinds = Counter(each["redcap_repeat_instrument"] for each in rows)

    def since(start, cell):
        return (date.fromisoformat(cell) - date.fromisoformat(start)).days

    dead = [each["vital"] == "0" for each in patients]
    os1 = [since(each["cart_dt"], each["seen_dt"]) for each in patients]
    os2 = [since(each["salv_dt"], each["seen_dt"]) for each in patients]
    doses = pd.Series(
        [float(each["rt_gy"]) for each in rows if each["redcap_repeat_instrument"] == "rt_site"]
    )
    second = [
        each for each in rows if each["redcap_repeat_instrument"] == "therapy_line" and each["line_no"] == "2"
    ]
    return {
        "os1.median": median(os1, dead),
        "os1.median shown": shown_median(os1, dead),
        "os1.rate12": rate(os1, dead, 12),
        "os2.median": median(os2, dead),
        "os2.median shown": shown_median(os2, dead),
        "rt.sites": kinds["rt_site"],
        "rt.dose": doses.median(),
        "n": len(patients),
        "deaths": sum(dead),
        "lines": kinds["therapy_line"],
        "second lines": len(second),
        "poor": sum(each["ps"] in ("3", "4") for each in patients),
        "known ecog": sum(each["ps"] != "-99" for each in patients),
    }


def known_three_columns():
    rows = rows_of("three-columns/survival.csv")
    days, dead = (
        [round(float(each["months"]) * MONTH) for each in rows],
        [each["died"] == "1" for each in rows],
    )
    return {
        "os1.median": median(days, dead),
        "os1.median shown": shown_median(days, dead),
        "os1.rate12": rate(days, dead, 12),
        "n": len(rows),
        "deaths": sum(dead),
    }


KNOWN = {"klinik": known_klinik, "redcap": known_redcap, "three-columns": known_three_columns}


def exact(folder):
    """The cohort with every count shown: disclosure control is another test's business."""
    study = read_cohort(HERE / folder)
    return replace(study, min_cell_count=0) if hasattr(study, "min_cell_count") else study


def values_of(*frames):
    return {row["result_id"]: row["value"] for frame in frames for _, row in frame.iterrows()}


@pytest.mark.parametrize("folder", KNOWN)
def test_the_estimates_are_those_of_the_raw_files(folder):
    study = exact(folder)
    known = {name: value for name, value in KNOWN[folder]().items() if not name.endswith(" shown")}
    found = values_of(
        *(survival.estimates(study, name) for name in ("OS1", "OS2", "EFS2")),
        survival.estimates(study, "EFS2", by="salvage_regimen"),
        radiotherapy.volume(study),
        radiotherapy.doses(study, 10),
    )
    assert (
        len(study.patients) == known["n"]
        and (study.patients["vital_status"] == "dead").sum() == known["deaths"]
    )
    for result_id in found.keys() & known.keys():
        assert found[result_id] == pytest.approx(known[result_id], rel=1e-6), result_id
    if "lines" in known:
        assert (
            len(study.lines) == known["lines"] and (study.lines["line"] == 2).sum() == known["second lines"]
        )
        assert (study.patients["poor_performance"] == "yes").sum() == known["poor"]
        assert study.patients["ecog"].notna().sum() == known["known ecog"]
    assert not study.synthetic and {name for name in known if "." in name} <= found.keys()


HOSPITAL = """\
Fallnr;Infusion;Zuletzt gesehen;Status;Rezidiv;Beginn;Therapie
{rows}"""
MANIFEST = """\
name: klinikum
title: Klinikum, CAR-T 2018–2021
tables: {patients: fälle.csv}
columns:
  patients:
    Fallnr: patient_id
    Infusion: infusion_date
    Zuletzt gesehen: last_follow_up_date
    Status: vital_status
    Rezidiv: failure_date
    Beginn: salvage_start_date
    Therapie: salvage_regimen
values:
  patients:
    vital_status: {tot: dead, lebt: alive}
    salvage_regimen: {Bestrahlung: RT, beides: CMT, Systemtherapie: ST}
date_format: "%d.%m.%Y"
"""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A hospital's own file, outside the checkout: other words, calendar dates, and few columns."""
    folder, rng = tmp_path_factory.mktemp("klinikum"), np.random.default_rng(7)
    rows = []
    for number in range(40):
        start = pd.Timestamp("2019-01-01") + pd.Timedelta(days=int(rng.integers(0, 700)))
        failure = start + pd.Timedelta(days=int(rng.integers(20, 200)))
        salvage = failure + pd.Timedelta(days=int(rng.integers(0, 30)))
        last = salvage + pd.Timedelta(days=int(rng.exponential(300)))
        dates = [f"{day:%d.%m.%Y}" for day in (start, last, failure, salvage)]
        rows.append(
            ";".join(
                [
                    f"KH-{90210 + number}",
                    dates[0],
                    dates[1],
                    rng.choice(["tot", "lebt"]),
                    dates[2],
                    dates[3],
                    rng.choice(["Bestrahlung", "beides", "Systemtherapie"]),
                ]
            )
        )
    (folder / "fälle.csv").write_text(HOSPITAL.format(rows="\n".join(rows)), "utf-8")
    (folder / "cohort.yml").write_text(MANIFEST, "utf-8")
    return folder


def digests_of(*folders):
    files = (file for folder in folders for file in Path(folder).rglob("*") if file.is_file())
    return digests({str(file): file for file in files if "__pycache__" not in file.parts})


@pytest.fixture(scope="module")
def engine():
    """A dask engine of two worker processes on this machine: one is killed, the other goes on."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as engine:
        yield engine


@pytest.fixture(scope="module")
def built(hospital, engine, tmp_path_factory):
    """The book of all of them, made by the one command that the page names on the workers of an engine, one of
    which is killed in the middle: where it is, what was said, and what was in the checkout and the hospital's
    folder before and after.
    """
    out, theirs = (
        tmp_path_factory.mktemp("book") / "out",
        (ROOT / "book", ROOT / "notebooks", ROOT / "analysis_lib"),
    )
    before = digests_of(*theirs, hospital)
    others = shutil.copytree(HERE, out.parent / "cohorts")  # each build remembers its patients beside them
    cohorts = [*(str(others / folder) for folder in KNOWN), str(hospital / "cohort.yml")]
    command = [sys.executable, "-m", "analysis_lib", "build", *cohorts, "--out", str(out)]
    command += ["--executor", f"dask:{engine.scheduler_address}"]
    running = subprocess.Popen(
        command, cwd=out.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    told = ""
    for line in running.stdout:
        told += line
        if line.startswith("[7/"):
            os.kill(engine.workers[0].pid, signal.SIGKILL)
    assert running.wait() == 0, told
    (hospital / overlap.FILE).unlink()  # whose numbers are in the book; all else is as it was
    return out, told, before, digests_of(*theirs, hospital)


def test_a_worker_was_killed_and_nothing_is_lost_or_doubled(built):
    out, told, *_ = built
    ended = re.findall(r"^\[(\d+)/(\d+)\] (\S+) (\S+): (done|skipped)$", told, re.M)
    due = 4 * sum(not chapters.on_the_paper(each) for each in chapters.chapters())
    assert [(int(number), int(of)) for number, of, *_ in ended] == [(one, due) for one in range(1, due + 1)]
    assert len({(cohort, chapter) for *_, cohort, chapter, _ in ended}) == due
    # of what is left out there is a line on the cohort's first page, and no page
    pages = {(cohort, chapter) for *_, cohort, chapter, how in ended if how == "done"}
    folder = out / "source" / "book" / "cohorts"
    assert {(path.parent.name, path.stem) for path in folder.glob("*/*.ipynb")} == pages
    assert " 0 failed" in told and told.count("skipped: ") == sum(how == "skipped" for *_, how in ended)


@pytest.fixture(params=KNOWN)
def book(request, built):
    return request.param, *built[:2]


def test_the_book_is_whole_and_says_of_what_it_is(book):
    folder, out, told = book
    study, known = read_cohort(HERE / folder), KNOWN[folder]()
    pages = out / "html" / "book" / "cohorts" / study.name
    assert study.name == NAMES[folder] and (out / "html" / "index.html").is_file()
    skipped = set(re.findall(rf"^skipped: {study.name} (\d\d)_", told, re.M))
    assert skipped == SKIPPED[folder] and " 0 failed" in told
    rows = pd.concat(
        [
            pd.read_csv(file)
            for file in sorted((out / "source/book/cohorts" / study.name / "results").glob("*.csv"))
        ]
    )
    shown = rows.set_index("result_id")["value"]
    for result_id, step in {
        "os1.median": 0.1,
        "os2.median": 0.1,
        "efs2.median": 0.1,
        "os1.rate12": 1,
        "rt.dose": 0.1,
    }.items():
        if result_id in known:  # a page's own rounding, where small numbers are protected
            expected = known.get(f"{result_id} shown", known[result_id])
            step = 100 * 5 / known["n"] if ".rate" in result_id else step  # of five patients
            assert abs(shown[result_id] - expected) <= step / 2 + 1e-9, result_id
    survival_page = BeautifulSoup((pages / "04_survival.html").read_text("utf-8"), "html.parser").get_text(
        " "
    )
    assert study.title in survival_page and "The median OS1 was" in survival_page


def test_every_reason_is_a_sentence_and_no_page_shows_a_bare_nan(book):
    folder, out, _ = book
    pages = sorted((out / "html" / "book" / "cohorts" / NAMES[folder]).rglob("*.html"))
    assert pages
    for page in pages:
        soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
        article = soup.find("article") or soup
        for code in article.find_all(["pre", "script", "style"]):
            code.decompose()
        text = article.get_text(" ")
        assert not re.search(r"\b(nan|NaN|None(?! of\b)|inf|<NA>)\b", text), page.name
        for note in article.find_all(class_="skip-note"):
            heads = note.find_all("p")[1:] if "unshown" in note["class"] else []
            gathered = [f"Not shown: {head.get_text().strip().removesuffix(':')}." for head in heads]
            for said in gathered or [note.get_text().strip()]:
                assert re.fullmatch(r"Not shown: [^.].*[^.]\.", said, re.S), said
                if listed := re.search(r"has no (columns?) ([\w., ]+?)(?:[);]|\.$)", said):
                    several = ", " in listed.group(2) or " and " in listed.group(2)
                    assert listed.group(1) == ("columns" if several else "column"), said


def test_a_hospital_builds_its_book_outside_the_checkout(hospital, built):
    out, _, before, after = built
    assert after == before
    html = out / "html"
    assert (html / "index.html").is_file()
    survival = (html / "book" / "cohorts" / "klinikum" / "04_survival.html").read_text("utf-8")
    assert "The median OS2 was" in survival and "Klinikum" in survival
    everything = "".join(
        file.read_text("utf-8", errors="ignore")
        for file in out.rglob("*")
        if file.suffix in (".html", ".csv", ".ipynb", ".js", ".md", ".txt", ".json")
    )
    assert "KH-902" not in everything and str(hospital) not in everything
    assert not any(f".{month:02d}.2019" in everything for month in range(1, 13))


def test_the_files_are_what_their_script_writes(tmp_path):
    subprocess.run([sys.executable, str(HERE / "make.py"), str(tmp_path)], check=True)
    for file in sorted(tmp_path.rglob("*.csv")):
        assert file.read_bytes() == (HERE / file.relative_to(tmp_path)).read_bytes(), file.name
