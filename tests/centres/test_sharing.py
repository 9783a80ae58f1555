"""Exports: what is in them, that nothing else is, and that whatever comes from elsewhere is distrusted."""

import contextlib
import csv
import hashlib
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib import __main__
from analysis_lib.binding import takeaway
from analysis_lib.binding.chapters import on_the_paper
from analysis_lib.centres import book as pooled_book
from analysis_lib.centres import exchange, pooled, receive, send
from analysis_lib.centres.exchange import SharingError
from analysis_lib.centres.page import about_html
from analysis_lib.cohort import endpoints
from analysis_lib.files import spreadsheet
from analysis_lib.files.archive import bundle
from analysis_lib.rows import results

SECRETS = {"patient_id": "MRN-{:05}-QX", "note_to_self": "met Mrs Featherstonehaugh"}


# --- cohorts and exports to test with -------------------------------------------------------------


def hospital(folder, name, seed=1, size=70, synthetic=True, **more):
    """A cohort as a hospital has it: calendar dates, identifiers, a manifest; returns the manifest's path."""
    draw = np.random.default_rng(seed)
    start = pd.Timestamp("2019-02-03") + pd.to_timedelta(draw.integers(0, 900, size), "D")
    failure = draw.integers(20, 200, size)
    salvage = failure + draw.integers(3, 40, size)
    last = salvage + draw.exponential(400, size).astype(int) + 1
    yes_no = lambda: draw.choice(["yes", "no"], size)  # noqa: E731
    table = pd.DataFrame(
        {
            "patient_id": [SECRETS["patient_id"].format(seed * 1000 + i) for i in range(size)],
            "infusion_date": start.strftime("%Y-%m-%d"),
            "vital_status": draw.choice(["dead", "alive"], size, p=[0.7, 0.3]),
            "last_follow_up_day": last,
            "failure_day": failure,
            "salvage_start_day": salvage,
            "best_response": draw.choice(["CR", "PR", "PD"], size),
            "bridging_therapy": yes_no(),
            "stage": draw.choice(["I", "II", "III", "IV"], size),
            "ldh_elevated": yes_no(),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "patients.csv", index=False)
    lines = [
        f"name: {name}",
        f"title: Hospital {name}",
        f"synthetic: {str(synthetic).lower()}",
        "tables: {patients: patients.csv}",
        *(f"{key}: {value}" for key, value in more.items()),
    ]
    (folder / "cohort.yml").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / "cohort.yml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sharing")


@pytest.fixture(scope="module")
def made(folder):
    """The exports of two hospitals, and what the command said of the second."""
    north, south = (
        hospital(folder / name, name, seed) for seed, name in enumerate(("north", "south"), start=1)
    )
    first, told = send.export(north, folder / "north.zip")[0], io.StringIO()
    with contextlib.redirect_stdout(told):
        assert __main__.main(["export", str(south), "--out", str(folder / "south.zip")]) == 0
    return [first, folder / "south.zip"], told.getvalue()


@pytest.fixture(scope="module")
def two(made):
    """The exports of two hospitals, which lie beside the folders of their cohorts."""
    return made[0]


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(source, target, sign=True, **files):
    """An export with other files in it; ``sign`` makes its checksum fit again."""
    inside = contents(source) | {name.replace("_", "."): content for name, content in files.items()}
    if sign:
        manifest = json.loads(inside["export.json"])
        manifest["rows_sha256"] = hashlib.sha256(inside["rows.csv"]).hexdigest()
        inside["export.json"] = json.dumps(manifest).encode()
    target.write_bytes(bundle(inside))
    return target


def with_manifest(source, target, change):
    """An export whose ``export.json`` was changed by a function."""
    inside = contents(source)
    manifest = json.loads(inside["export.json"])
    change(manifest)
    manifest["definitions_sha256"] = (
        exchange.digest_of(manifest["definitions"]) if isinstance(manifest.get("definitions"), dict) else ""
    )
    target.write_bytes(bundle(inside | {"export.json": json.dumps(manifest).encode()}))
    return target


def with_cell(source, target, result_id, column, value, sign=True):
    """An export with one cell changed."""
    rows = pd.read_csv(io.BytesIO(contents(source)["rows.csv"]), dtype=str, na_filter=False)
    rows.loc[rows["result_id"] == result_id, column] = value
    return rewritten(source, target, sign, rows_csv=rows.to_csv(index=False).encode())


# --- what is in an export -------------------------------------------------------------------------


def test_an_export_holds_three_files_and_says_what_they_are(two):
    inside = contents(two[0])
    assert sorted(inside) == ["README.txt", "export.json", "rows.csv"]
    manifest, readme = json.loads(inside["export.json"]), inside["README.txt"].decode()
    assert manifest["cohort"]["name"] == "north" and manifest["cohort"]["synthetic"] is True
    assert (
        manifest["chapters"]["05_radiotherapy"]["status"] == "skipped"
        and manifest["chapters"]["04_survival"]["status"] == "done"
    )
    assert not [each for each in manifest["chapters"] if on_the_paper(each)]
    said = " ".join(readme.split())
    assert "Hospital north" in said and "No row of a patient is in it" in said
    assert manifest["rows_sha256"] in said and "Nothing is hidden" in said
    assert re.search(r"Not computed, for want of columns:[^.]* Radiotherapy", said.replace("5 ", ""))
    assert f"4 Survival ({manifest['chapters']['04_survival']['rows']})" in said
    lines = readme.splitlines()
    assert len(lines) <= 66 and max(map(len, lines)) <= 100, "more than a page"


def test_nothing_of_a_patient_a_file_or_a_machine_is_in_an_export(two, folder):
    raw = b"".join(contents(two[0]).values()).decode()
    patients = pd.read_csv(folder / "north" / "patients.csv", dtype=str)
    assert not [value for value in (*patients["patient_id"], *patients["infusion_date"]) if value in raw]
    assert not [word for word in ("patients.csv", str(folder), Path.home().name, "/tmp") if word in raw]
    assert not re.search(r"\b(19|20)\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", raw)


def test_equal_cohorts_give_equal_bytes(two, folder):
    again = send.export(folder / "north" / "cohort.yml", folder / "again.zip")[0]
    assert again.read_bytes() == two[0].read_bytes()
    with zipfile.ZipFile(again) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_rows_come_back_as_the_chapters_wrote_them(two, folder, tmp_path):
    from analysis_lib.binding import chapter

    chapter.calculate("04_survival", folder / "north" / "cohort.yml", tmp_path)
    written = results.read(tmp_path / "04_survival.csv").set_index("result_id")
    back = receive.read_export(two[0]).rows.set_index("result_id").loc[written.index]
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(written))


def test_nothing_is_overwritten_and_nothing_half_written_stays(two, folder):
    before = two[0].read_bytes()
    with pytest.raises(
        SharingError, match="north.zip: it exists already; delete it, or give another name with --out"
    ):
        send.export(folder / "north" / "cohort.yml", two[0])
    for out, told in (("x.tar", "ends in .zip"), ("nowhere/x.zip", "its folder does not exist")):
        with pytest.raises(SharingError, match=told):
            send.export(folder / "north" / "cohort.yml", folder / out)
    assert two[0].read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_chapter_that_fails_exports_nothing(folder, monkeypatch):
    def broken(each, path, where):
        raise KeyError("MRN-01001-QX")

    monkeypatch.setattr(send.chapter, "calculate", broken)
    with pytest.raises(
        SharingError, match="The chapter 01_cohort failed \\(KeyError\\), so nothing was written"
    ) as told:
        send.export(folder / "north" / "cohort.yml", folder / "failed.zip")
    assert "MRN" not in str(told.value) and not (folder / "failed.zip").exists()


@given(st.text(max_size=12))
@settings(max_examples=200)
def test_no_cell_is_a_formula_and_each_comes_back(text):
    cell = spreadsheet.safe(text)
    assert spreadsheet.as_was(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(
        r"[+-]?[\d.]+(e[+-]?\d+)?|[+-]?inf", cell, re.I
    )


def test_no_cell_of_the_csv_looks_like_a_formula(two):
    for out in two:
        lines = csv.reader(io.StringIO(contents(out)["rows.csv"].decode()))
        cells = [cell for line in lines for cell in line]
        assert len(cells) > 1000 and not [cell for cell in cells if cell[:1] in "=+@" and cell]


# --- what is refused ------------------------------------------------------------------------------


def refusal(*paths):
    with pytest.raises(SharingError) as told:
        receive.read_exports(paths)
    message = str(told.value)
    assert message.startswith("Nothing was pooled.\n") and "Traceback" not in message
    return message


def test_what_is_no_export(two, tmp_path):
    (tmp_path / "text.zip").write_text("PK but no zip")
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "cut.zip").write_bytes(two[0].read_bytes()[:-200])
    (tmp_path / "folder.zip").mkdir()
    damaged = bytearray(two[0].read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(bytes(damaged))
    for name in ("text", "empty", "cut", "damaged"):
        assert f"{name}.zip: it is no zip file, or a damaged one; ask for it again." in refusal(
            two[0], tmp_path / f"{name}.zip"
        )
    assert "missing.zip: there is no such file." in refusal(two[0], tmp_path / "missing.zip")
    assert "folder.zip: there is no such file." in refusal(two[0], tmp_path / "folder.zip")


@pytest.mark.parametrize("name", ["../../evil.py", "/etc/passwd", "rows.csv/../x", "C:\\x.csv", "extra.csv"])
def test_a_zip_with_other_files_is_refused_and_nothing_is_unpacked(two, tmp_path, name):
    (tmp_path / "a").mkdir()
    target = tmp_path / "a" / "slip.zip"
    target.write_bytes(bundle(contents(two[0]) | {name: b"x"}))
    assert "which no export does; it was not made by `salvage-book export`" in refusal(two[1], target)
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "slip.zip"]


def test_a_zip_without_rows_or_with_two_of_them_is_refused(two, tmp_path):
    inside = contents(two[0])
    target = tmp_path / "a.zip"
    target.write_bytes(bundle({name: inside[name] for name in ("export.json", "README.txt")}))
    assert "it holds no rows.csv" in refusal(two[1], target)
    with zipfile.ZipFile(target, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for name in ("README.txt", "export.json", "rows.csv", "rows.csv"):
            archive.writestr(name, inside[name])
    assert "it holds the same file twice" in refusal(two[1], target)


def test_what_is_too_large_is_not_read(two, tmp_path):
    bomb = rewritten(two[0], tmp_path / "bomb.zip", rows_csv=b"0" * 50_000_000)
    assert bomb.stat().st_size < 200_000
    assert "rows.csv in it is larger than 5 MB" in refusal(two[1], bomb)
    lying = bytearray(bomb.read_bytes())  # the directory claims that rows.csv is small
    place = lying.rindex(b"PK\x01\x02")
    lying[place + 24 : place + 28] = (1000).to_bytes(4, "little")
    (tmp_path / "lying.zip").write_bytes(bytes(lying))
    assert "lying.zip: it is no zip file, or a damaged one" in refusal(two[1], tmp_path / "lying.zip")
    (tmp_path / "big.zip").write_bytes(b"\0" * 5_000_001)
    assert "big.zip: it is larger than 5 MB" in refusal(two[1], tmp_path / "big.zip")


@pytest.mark.parametrize(
    "result_id, column, value, told",
    [
        ("os1.rate12", "value", "much", "value = 'much': this is not a finite number"),
        ("os1.rate12", "value", "inf", "value = 'inf': this is not a finite number"),
        ("os1.rate12", "lower", "nan", "lower = 'nan': this is not a finite number"),
        ("os1.rate12", "value", "1e999", "this is not a finite number"),
        ("os1.rate12", "upper", "140", "a share cannot exceed 100 percent"),
        ("os1.rate12", "lower", "99.9", "the lower limit is above the upper one"),
        ("os1.rate12", "lower", "-3", "this cannot be negative"),
        ("os1.rate12", "n", "12.5", "this is not a number of patients, sites or events"),
        ("os1.rate12", "n", "-2", "this is not a number of patients, sites or events"),
        ("os1.rate12", "events", "7000", "there are more events than n"),
        ("os1.rate12", "statistic", "wish", "there is no such statistic"),
        ("os1.rate12", "endpoint", "OS9", "there is no such endpoint"),
        ("os1.rate12", "by", "=A1", "this is not the name of a column"),
        ("os1.rate12", "result_id", "os1.median", "this result stands there twice"),
        ("os1.rate12", "result_id", "<script>", "this is not the name of a result"),
    ],
)
def test_a_row_that_no_export_could_hold(two, tmp_path, result_id, column, value, told):
    message = refusal(two[1], with_cell(two[0], tmp_path / "tampered.zip", result_id, column, value))
    assert "tampered.zip: rows.csv, line " in message and told in message


def test_a_row_changed_to_something_possible_is_noticed(two, tmp_path):
    changed = with_cell(two[0], tmp_path / "nicer.zip", "os1.rate12", "note", "better", sign=False)
    assert "nicer.zip: rows.csv was changed after the export" in refusal(two[1], changed)


@pytest.mark.parametrize(
    "rows, told",
    [
        (b"", "cannot be read as a table"),
        (b"\xff\xfe\x00", "cannot be read as a table"),
        (b"a,b\n1,2\n", "has a column 'a', which no export has"),
        (",".join(exchange.COLUMNS[:-1]).encode() + b"\n", "has no column level"),
        (",".join(exchange.COLUMNS[:-3]).encode() + b"\n", "has no column endpoint, by and level"),
        (",".join([*exchange.COLUMNS, "mrn"]).encode() + b"\n", "has a column 'mrn', which no export has"),
        (",".join(exchange.COLUMNS).encode() + b"\n" + b"x," * 20 + b"x\n", "cannot be read as a table"),
    ],
)
def test_a_table_of_another_kind(two, tmp_path, rows, told):
    assert f"odd.zip: rows.csv {told}" in refusal(
        two[1], rewritten(two[0], tmp_path / "odd.zip", rows_csv=rows)
    )


@pytest.mark.parametrize(
    "text, told",
    [
        (b"{", "export.json cannot be read"),
        (b"[" * 100_000, "export.json cannot be read"),
        (b"\xff", "export.json cannot be read"),
        (b"[]", "export.json is not that of an export"),
        (b"{}", "export.json is not that of an export"),
        (
            b'{"format": "salvage-book export", "format_version": 2}',
            "it has the format version '2', this book reads 1",
        ),
        (b'{"format": "salvage-book export", "format_version": 1}', "export.json lacks cohort"),
    ],
)
def test_a_manifest_of_another_kind(two, tmp_path, text, told):
    assert f"odd.zip: {told}" in refusal(
        two[1], rewritten(two[0], tmp_path / "odd.zip", sign=False, export_json=text)
    )


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda m: m["cohort"].update(name="../../x"), "the cohort cannot be called '../../x'"),
        (lambda m: m["cohort"].update(synthetic="no"), "does not say the cohort's synthetic"),
        (
            lambda m: m["cohort"].update(title="a\nb"),
            "the cohort's title is empty, longer than 300 characters, or holds control",
        ),
        (
            lambda m: m["cohort"].update(title="x" * 4000),
            "the cohort's title is empty, longer than 300 characters",
        ),
        (lambda m: m["chapters"].update(x="y"), "chapters in export.json are not what they should be"),
        (lambda m: m["software"].update(python=3), "software in export.json are not words"),
    ],
)
def test_a_manifest_that_says_odd_things(two, tmp_path, change, told):
    assert told in refusal(two[1], with_manifest(two[0], tmp_path / "odd.zip", change))


def test_everything_wrong_is_said_at_once(two, tmp_path):
    first = with_cell(two[0], tmp_path / "first.zip", "os1.rate12", "value", "x")
    message = refusal(first, tmp_path / "second.zip", two[1])
    assert "first.zip: rows.csv, line" in message and "second.zip: there is no such file" in message


# --- which exports belong together ----------------------------------------------------------------


def test_one_export_is_not_enough(two):
    assert "Pooling needs the exports of at least two centres." in refusal(two[0])


def test_the_same_results_or_the_same_name_twice_are_refused(two, tmp_path):
    copy = with_manifest(two[0], tmp_path / "copy.zip", lambda m: m["cohort"].update(name="another"))
    assert (
        "north and another hold the very same results; the same patients would be counted twice."
        in refusal(two[0], copy)
    )
    named = with_manifest(two[1], tmp_path / "named.zip", lambda m: m["cohort"].update(name="north"))
    assert "Two exports are called north." in refusal(two[0], named)


def test_another_day_0_is_refused(two, tmp_path):
    other = with_manifest(
        two[1], tmp_path / "other.zip", lambda m: m["cohort"].update(index_event="study entry")
    )
    assert "Day 0 is not the same: CAR T-cell infusion in north; study entry in south." in refusal(
        two[0], other
    )


def test_definitions_that_differ_are_listed_with_their_centres(two, tmp_path):
    def change(manifest):
        manifest["definitions"] |= {
            "days in a month": "30",
            "column patients.tumour_grade": "How bad it looked.",
        }
        del manifest["definitions"]["endpoint DOR"]

    message = refusal(two[0], with_manifest(two[1], tmp_path / "other.zip", change))
    assert "Definitions differ; all centres need the same version of the book:" in message
    assert "  days in a month: 30.4375 in this book; 30 in south." in message
    assert "  column patients.tumour_grade: not known in this book; How bad it looked in south." in message
    assert re.search(r"  endpoint DOR: duration of response: .* in this book; not known in south\.", message)


def test_definitions_cover_each_endpoint_and_column():
    words = exchange.definitions()
    assert {f"endpoint {name}" for name in endpoints.ENDPOINTS} <= set(words)
    assert (
        "progression_day, next_line_day, last_follow_up_day if vital_status is dead" in words["endpoint EFS2"]
    )
    assert (
        "column sites.dose_gy" in words and "best_response is CR or PR" in words["derived column responder"]
    )


# --- pooling needs nothing but the zips -----------------------------------------------------------


def test_the_pooled_chapter_needs_nothing_but_the_zips(two, folder, tmp_path):
    """The cohorts are gone; the chapter runs, its rows are those of pooling in hand, and its page names no
    place.
    """
    away = tmp_path / "elsewhere"
    away.mkdir()
    files = [Path(shutil.copy(path, away)) for path in two]
    for name in ("north", "south"):
        (folder / name).rename(folder / f".{name}")
    try:
        gathered = receive.read_exports(files)
        page = pooled_book.build_page(files, gathered, away / "book")
    finally:
        for name in ("north", "south"):
            (folder / f".{name}").rename(folder / name)
    rows = results.read(away / "book" / "pooled" / "results" / "pooled.csv")
    expected = pooled.pooled(gathered, {"os1.rate12": "OS1 at 12 months"})
    pd.testing.assert_frame_equal(
        rows[rows["result_id"].isin(expected["result_id"])].reset_index(drop=True), expected
    )
    assert rows["result_id"].str.endswith(".random").sum() >= 6
    shown = json.dumps(page)
    assert "exports = ['north.zip', 'south.zip']" in shown and str(tmp_path) not in shown
    assert "# Several centres, pooled: north and south" in page.cells[0].source
    assert "patients of north and south are synthetic" in shown
    assert "MRN-" not in shown and "2019-" not in shown
    offered = {path.name for path in (away / "book" / "pooled" / "takeaway").iterdir()}
    assert offered == {"pooled-pooled-tables.docx", "pooled-pooled-tables.zip", "pooled-pooled-figures.zip"}
    assert "north and south: 140 patients" in takeaway.about(pooled_book.as_cohort(gathered))


def test_the_book_is_laid_out_with_introduction_and_methods(two, tmp_path, monkeypatch):
    import nbformat

    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Pooled")])

    def build_page(files, gathered, book):
        (book / "pooled" / "results").mkdir(parents=True)
        (book / "pooled" / "results" / "pooled.csv").write_text("")
        return page

    monkeypatch.setattr(pooled_book, "build_page", build_page)
    monkeypatch.setattr(pooled_book.build, "render", lambda source, html: html.mkdir())
    pooled_book.pool(two, tmp_path / "out")
    source = tmp_path / "out" / "source"
    toc = (source / "_toc.yml").read_text()
    assert (
        toc.index("book/intro")
        < toc.index("book/pooled/index")
        < toc.index("book/pooled/pooled")
        < toc.index("book/share")
    )
    index = (source / "book" / "pooled" / "index.md").read_text()
    assert "# 2 centres pooled" in index and "All centres ran the same code with the same versions." in index
    assert "[Several centres, pooled](pooled.ipynb): [result rows (CSV)](results/pooled.csv)" in index


def test_a_mixture_of_synthetic_and_real_is_called_one(two, tmp_path):
    real = with_manifest(
        two[1],
        tmp_path / "real.zip",
        lambda m: m["cohort"].update(synthetic=False) or m["software"].update(code="0"),
    )
    note = about_html(receive.read_exports([two[0], real]))
    assert (
        "Synthetic and real patients are pooled here together" in note and "did not run the same code" in note
    )


def test_a_title_is_text_wherever_it_shows(two, tmp_path):
    odd = with_manifest(
        two[1], tmp_path / "odd.zip", lambda m: m["cohort"].update(title="<script>alert(1)</script>")
    )
    assert "<script>" not in pooled_book.index_page(receive.read_exports([two[0], odd]), tmp_path)


# --- the command line -----------------------------------------------------------------------------


def test_export_by_command(folder, made, capsys):
    (_, written), told = made
    before = written.read_bytes()
    assert "result rows of" in told and "skipped: 05_radiotherapy: this cohort has no column" in told
    assert __main__.main(["export", str(folder / "south" / "cohort.yml"), "--out", str(written)]) == 1
    assert "it exists already" in capsys.readouterr().err and written.read_bytes() == before
    assert {path.name for path in folder.iterdir() if path.is_file()} <= {
        *("north.zip", "south.zip", "again.zip")
    }


def test_pool_by_command_refuses_before_it_touches_anything(two, tmp_path, capsys):
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("the old book")
    assert __main__.main(["pool", str(two[0]), "--out", str(tmp_path)]) == 1
    assert "at least two centres" in capsys.readouterr().err
    assert (tmp_path / "html" / "index.html").read_text() == "the old book" and not (
        tmp_path / "source"
    ).exists()
