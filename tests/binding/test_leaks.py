"""Nothing of the input may be found in what is written: each kind of thing is planted wherever it could leak,
and found.
"""

import base64
import io
import json
import shutil
import zipfile
import zlib
from datetime import date

import matplotlib
import nbformat
import pandas as pd
import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis_lib.__main__ import main
from analysis_lib.binding import build, chapter, chapters, kernels, leak_index, leak_values, leaks
from analysis_lib.binding.page import as_page
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort

import hospital
from everywhere import everywhere

IDENTIFIER, DAY, NAME = "MRN-90221", "2019-07-04", "Kestrelmann01"
PLANTED = [
    IDENTIFIER,
    DAY,
    "04.07.2019",
    "4.7.2019",
    "07/04/2019",
    "7/4/2019",
    "04/07/19",
    "20190704",
    "2019/07/04",
    "4 Jul 2019",
    "July 4, 2019",
    "4th July 2019",
    "4. Juli 2019",
    "04-JUL-2019",
    "2019-07-04T10:30:00",
    "43650",
    "Kestrelmann",
    "kestrelmann",
    "brought in by the lighthouse keeper",
]


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("input")
    path, patients = hospital.write(folder, 20)
    study = read_cohort(path)
    patients.loc[patients.index[1], ["patient_id", "infusion_date", "surname", "remarks"]] = [
        IDENTIFIER,
        DAY,
        "Kestrelmann",
        "He was brought in by the lighthouse keeper, late at night; see letter.",
    ]
    patients.to_csv(folder / "patients.csv", index=False)
    return leaks.needles(study, path)


def png(**metadata):
    figure, written = Figure(figsize=(1, 1)), io.BytesIO()
    figure.savefig(written, format="png", metadata=metadata)
    return written.getvalue()


def compressed_png(words):
    whole = png()
    body = b"Comment\0\0" + zlib.compress(words.encode())
    chunk = len(body).to_bytes(4, "big") + b"zTXt" + body + (zlib.crc32(b"zTXt" + body)).to_bytes(4, "big")
    return whole[:33] + chunk + whole[33:]


def svg(words):
    figure, written = Figure(figsize=(1, 1)), io.StringIO()
    figure.text(0.1, 0.5, words)
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(written, format="svg")
    return written.getvalue().encode()


def docx(words):
    document, written = Document(), io.BytesIO()
    paragraph = document.add_paragraph("Of all, ")
    for start in range(0, len(words), 4):  # Word cuts sentences into runs
        paragraph.add_run(words[start : start + 4])
    document.save(written)
    return written.getvalue()


def archive(name, words):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, words)
    return written.getvalue()


def notebook(**places):
    code = nbformat.v4.new_code_cell(
        "1", outputs=[nbformat.v4.new_output("display_data", data=places.get("data", {}))]
    )
    nb = nbformat.v4.new_notebook(cells=[code], metadata=places.get("metadata", {}))
    return nbformat.writes(nb).encode()


def inline(image):
    return b'<img alt="" src="data:image/png;base64,' + base64.b64encode(image) + b'">'


FILES = {
    "page.html": lambda words: f"<p>Text {words}.</p>".encode(),
    "attribute.html": lambda words: f'<img alt="{words}" src="x.png">'.encode(),
    "comment.html": lambda words: f"<!-- {words} -->".encode(),
    "entities.html": lambda words: "".join(f"&#{ord(letter)};" for letter in words).encode(),
    "link.html": lambda words: f'<a href="x?{words.replace(" ", "%20").replace("-", "%2D")}">x</a>'.encode(),
    "inline.html": lambda words: inline(png(Comment=words)),
    "inline-svg.html": lambda words: (
        b'<img src="data:image/svg+xml;base64,' + base64.b64encode(svg(words)) + b'">'
    ),
    "rows.csv": lambda words: f"result_id,note\nos1.median,{words}\n".encode(),
    "searchindex.js": lambda words: f'Search.setIndex({{"titles":["{words}"]}})'.encode(),
    "escaped.js": lambda words: ('"' + "".join(f"\\u{ord(letter):04x}" for letter in words) + '"').encode(),
    "output.ipynb": lambda words: notebook(data={"text/html": f"<td>{words}</td>"}),
    "metadata.ipynb": lambda words: notebook(metadata={"papermill": {"input": words}}),
    "image.ipynb": lambda words: notebook(
        data={"image/png": base64.encodebytes(png(Comment=words)).decode()}
    ),
    "figure.png": lambda words: png(Comment=words),
    "compressed.png": compressed_png,
    "after-the-end.png": lambda words: png() + words.encode(),
    "figure.svg": svg,
    "figure.pdf": lambda words: (
        b"%PDF-1.4\nstream\n" + zlib.compress(f"({words}) Tj".encode()) + b"\nendstream"
    ),
    "table.docx": docx,
    "results.zip": lambda words: archive("rows.csv", words),
    "name-in.zip": lambda words: archive(words.replace("/", "-") + ".csv", ""),
    "photo.jpg": lambda words: b"\xff\xd8\xff\xe1" + words.encode() + b"\0\xff\xd9",
    "build.log": lambda words: f"reading {words}".encode(),
    "settings.json": lambda words: json.dumps({"a": [{"b": words}]}).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_whatever_is_planted_is_found_and_not_repeated(name, wanted, tmp_path):
    for number, words in enumerate(PLANTED):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / name).write_bytes(FILES[name](words))
        found = leaks.scan([tmp_path / str(number)], wanted)
        assert found, (name, words)
        assert all("row 3" in str(leak) and str(leak).startswith(name) for leak in found), (words, found)
        assert not any(each.casefold() in str(leak).casefold() for leak in found for each in PLANTED)


@pytest.mark.parametrize("name", FILES)
def test_the_same_files_without_it_are_clean(name, wanted, tmp_path):
    (tmp_path / name).write_bytes(
        FILES[name]("Of 62 patients, 32 died; median 12.3 months, P = 0.04, in 2023.")
    )
    assert leaks.scan([tmp_path], wanted) == []


def test_the_name_of_a_file_is_read_and_not_repeated(wanted, tmp_path):
    (tmp_path / f"{IDENTIFIER}.csv").write_text("a\n")
    (leak,) = leaks.scan([tmp_path], wanted)
    assert "an identifier that stands in the table patients, column patient_id, row 3" in str(
        leak
    ) and IDENTIFIER not in str(leak)


def test_files_of_data_and_columns_of_identifiers_are_refused(wanted, tmp_path):
    (tmp_path / "environment.pickle").write_bytes(b"x")
    (tmp_path / "rows.csv").write_text("patient_id,days\n12,300\n")
    (tmp_path / "page.html").write_text("<table><tr><th>patient_id</th></tr><tr><td>12</td></tr></table>")
    assert len(leaks.scan([tmp_path], wanted)) == 3


def test_numbers_codes_and_common_words_are_no_leak(wanted, tmp_path):
    (tmp_path / "page.html").write_text(
        "<p>0.90221 patients. 0.43650 1.43650e-3 a43650f MRN 48. 4.7 months (95% CI 2.0–19), 4, 7, 12. wife "
        "called; felt unwell. "
        "alive dead yes no RT CMT 2019 July 2019</p>"
    )
    assert leaks.scan([tmp_path], wanted) == []


def keys(cell, target):
    return leak_values.of_table(pd.DataFrame({"moment": [cell]}, index=[2]), {"moment": target}, "patients")


def tree(*texts):
    whole = leak_index.Tree()
    whole.add("page.html", texts)
    return whole


@settings(max_examples=60)
@given(
    st.dates(date(1930, 1, 1), date(2039, 12, 31)),
    st.sampled_from(
        [
            "%Y-%m-%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%d/%m/%Y",
            "%d %b %Y",
            "%d %B %Y",
            "%B %d, %Y",
            "%Y%m%d",
            "%Y-%m-%d %H:%M:%S",
            "%d-%b-%Y",
        ]
    ),
    st.sampled_from(
        [
            "%Y-%m-%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%d %B %Y",
            "%b %d, %Y",
            "%Y%m%d",
            "%d.%m.%y",
            "%Y/%m/%d",
            "%d %b %y",
            "%G-W%V-%u",
            "%Y-%j",
            "%d%m%Y",
        ]
    ),
)
def test_a_date_is_found_however_it_was_and_is_written(day, read, written):
    assert leaks.found(
        tree(f"On {day.strftime(written)}, it happened."), keys(day.strftime(read), "infusion_date")
    )


def test_a_spreadsheets_serial_number_is_a_date():
    days = {key for key in keys("43650", "infusion_date") if key[0] == "day"}
    assert days == {("day", date(2019, 7, 4).toordinal())} and not keys("43650", "ldh")


LEAKING = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Leaking
#
# ## Section

# %% tags=["parameters"]
cohort = "reconstructed"
results_dir = ""

# %%
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
study = read_cohort(cohort)
rows = results.save([public(results.collect([results.row("a", "count", 7)]))], study.name, "01_leaking", results_dir)
print(study.patients["patient_id"].iloc[3])
"""


def test_a_leak_fails_the_build_and_leaves_no_new_book(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "hospital").mkdir()
    (tmp_path / "notebooks" / "01_leaking.py").write_text(LEAKING)
    # what is scanned is told by its source as well as by a page that Sphinx makes of it
    monkeypatch.setattr(
        build, "render", lambda source, html, *_: shutil.copytree(source / "book" / "cohorts", html)
    )
    everywhere(monkeypatch, chapters.NOTEBOOKS, tmp_path / "notebooks")
    path, patients = hospital.write(tmp_path / "hospital", 20)
    assert main(["build", str(path), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 1
    told = capsys.readouterr().err
    assert (
        "an identifier that stands in the table patients, column patient_id, row 5" in told
        and "01_leaking" in told
    )
    assert not any(identifier in told for identifier in patients["patient_id"])
    assert not (tmp_path / "out" / "html").exists() and not (tmp_path / "out" / "source").exists()
    assert main(["run", "01_leaking", str(path), "--out", str(tmp_path / "one")]) == 1
    assert not list((tmp_path / "one").rglob("*.ipynb"))


def test_synthetic_cohorts_are_not_scanned(monkeypatch, tmp_path):
    monkeypatch.setattr(leaks, "needles", lambda *_: pytest.fail("scanned"))
    build.check_for_leaks({locate("reconstructed"): read_cohort("reconstructed")}, [tmp_path])


@pytest.mark.parametrize("by_chance", ["43650abc", "20190704"])  # random cell ids are eight of 0-9 and a-f
def test_no_cell_of_a_page_has_an_id_that_looks_like_a_date_by_chance(by_chance, wanted, tmp_path):
    cell = nbformat.v4.new_markdown_cell("# Survival", id=by_chance)
    executed, page = (
        nbformat.v4.new_notebook(cells=[cell]),
        as_page(nbformat.v4.new_notebook(cells=[cell]), read_cohort("lymphoma"))[0],
    )
    for name, notebook in {"executed": executed, "page": page}.items():
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    assert leaks.scan([tmp_path], wanted) == []


def test_a_page_is_the_same_every_time(tmp_path):
    (tmp_path / "input").mkdir()
    path, _ = hospital.write(tmp_path / "input", 30)
    study = read_cohort(path)
    with kernels.forked(chapters.NOTEBOOKS):
        ended = [
            chapter.run(
                "03_failure", path, study, tmp_path / each / "page.ipynb", tmp_path / each / "results"
            ).status
            for each in ("a", "b")
        ]
    assert ended == ["done", "done"]
    files = {
        each: {file.name: file.read_bytes() for file in (tmp_path / each).rglob("*.*")} for each in ("a", "b")
    }
    assert files["a"] == files["b"] and {
        "page.ipynb",
        "03_failure.csv",
        "invented-03_failure-tables.docx",
    } <= set(files["a"])
