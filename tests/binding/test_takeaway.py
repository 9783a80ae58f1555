"""What can be taken away: the files say what the page says, are safe to open, and are the same on any day."""

import base64
import csv
import io
import json
import re
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import docx
import matplotlib
import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from IPython.display import display
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pypdf import PdfReader

from analysis_lib.analyses import survival
from analysis_lib.binding import chapter, takeaway
from analysis_lib.binding import word as word_file
from analysis_lib.files import archive as archives
from analysis_lib.files import spreadsheet
from analysis_lib.intake.manifest import locate
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results, rounding
from analysis_lib.rows.released import public
from analysis_lib.show import canvas, figures, figures_cohort, ledger_page, numbers, payloads, tables, vector

from everywhere import everywhere

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SVG = "{http://www.w3.org/2000/svg}"
POINTS_WIDE = 174 / 25.4 * 72


@pytest.fixture(scope="module")
def study():
    return replace(read_cohort("lymphoma"), title="Ours & theirs")


@pytest.fixture(scope="module")
def drawn():
    """The bundle of one figure, as a build asks for it; nobody changes anything of it."""
    bundles = []
    study = read_cohort("lymphoma")
    with pytest.MonkeyPatch.context() as patched:
        everywhere(patched, display, lambda bundle, raw: bundles.append(bundle))
        everywhere(patched, canvas.asked_for, lambda: ["svg", "pdf"])
        figures.survival_curves(
            survival.curves(study, "OS1"),
            "OS1",
            "Overall survival < 1 & more.",
            survival.estimates(study, "OS1"),
        )
    return MappingProxyType(bundles[0])


def cell(*outputs, tags=()):
    return new_code_cell(
        "x",
        outputs=[new_output("display_data", data=data) for data in outputs],
        metadata={"tags": list(tags)},
    )


def table_of(frame, caption, sections=()):
    """A table as it is shown."""
    made = tables.as_table(frame, caption, sections)
    return {"text/html": tables.html_table(frame, caption, sections), payloads.TABLE: asdict(made)}


FRAME = pd.DataFrame(
    {"Group": ["RT", "=1+1"], "HR (95% CI)": ["0.5 (0.3–0.9)", "−0.3"], "P": ["< 0.001", "-0.3"]}
)


def a_page(drawn):
    return new_notebook(
        cells=[
            new_markdown_cell("# Survival: Ours"),
            cell(table_of(FRAME, "Groups compared. Cox model; n = 9.")),
            cell(dict(drawn)),
            cell(table_of(FRAME, "A solution"), tags=["hide-cell"]),
        ]
    )


@pytest.fixture(scope="module")
def offered(drawn, study, tmp_path_factory):
    """A page that was given its files, with the folder it stands in; both are only read."""
    page, folder = a_page(drawn), tmp_path_factory.mktemp("offered")
    results.save(
        [public(results.collect([results.row("a", "count", 1)]))],
        study.name,
        "04_survival",
        folder / "results",
    )
    takeaway.offer(page, study, "04_survival", folder, folder / "results")
    return page, folder


def archive(path):
    with zipfile.ZipFile(path) as found:
        assert {entry.date_time for entry in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        return {name: found.read(name) for name in found.namelist()}


# --- the page -------------------------------------------------------------------------------------


def test_the_page_ends_with_links_that_lead_to_files(offered):
    page, folder = offered
    links = dict(re.findall(r"\[([^\]]+)\]\(([^)]+)\)", page.cells[-1].source))
    assert list(links) == ["tables (Word)", "tables (CSV)", "figures (SVG and PDF)", "result rows (CSV)"]
    assert page.cells[-1].source.startswith("## Downloads\n\n{.take-away}\n")
    assert all((folder / file).is_file() for file in links.values())


def test_the_page_itself_keeps_the_picture_only(offered):
    written = nbformat.writes(offered[0])
    assert (
        "vnd.salvage-book" not in written
        and "image/svg+xml" not in written
        and "application/pdf" not in written
        and '<svg class="drawing wide" role="img" aria-label=' in written.replace('\\"', '"')
    )


def test_a_page_with_nothing_but_words_offers_its_rows(study, tmp_path):
    page = new_notebook(cells=[new_markdown_cell("# Survival: Ours")])
    results.save(
        [public(results.collect([results.row("a", "count", 1)]))],
        study.name,
        "04_survival",
        tmp_path / "results",
    )
    takeaway.offer(page, study, "04_survival", tmp_path, tmp_path / "results")
    assert page.cells[-1].source.endswith("[result rows (CSV)](results/04_survival.csv)")


def test_notebooks_in_the_repository_hold_no_files_and_a_session_asks_for_none():
    assert canvas.asked_for() == []
    for path in NOTEBOOKS.glob("*.ipynb"):
        kinds = {
            mime
            for cell in json.loads(path.read_text("utf-8"))["cells"]
            for output in cell.get("outputs", [])
            for mime in output.get("data", {})
        }
        assert not kinds & set(canvas.VECTORS.values()), path.name


# --- tables ---------------------------------------------------------------------------------------


def test_tables_are_read_as_they_stand_and_those_of_exercises_are_not(drawn):
    (table,) = takeaway.tables(a_page(drawn))
    assert table.caption == "Groups compared. Cox model; n = 9." and table.heads == list(FRAME)
    assert table.lines == FRAME.to_numpy().tolist() and table.sections == ()


def test_sections_and_tables_of_the_ledger_are_read(monkeypatch):
    bundles, parts = [], pd.DataFrame({"Characteristic": ["Stage", "I"], "All": ["", "3 (4.0)"]})
    everywhere(monkeypatch, display, lambda bundle, raw: bundles.append(bundle))
    ledger_page.show_reasoned(
        {
            "Results": [
                ledger_page.Line("what", "why", ("1", "2", "differs")),
                ledger_page.Line("bare", "", ("1", "1", "reproduced")),
            ]
        },
        "Claims",
        ["What", "Printed", "Here", "Verdict"],
    )
    first, second = takeaway.tables(
        new_notebook(cells=[cell(table_of(parts, "Table 1", [0])), cell(bundles[0])])
    )
    assert first.sections == (0,) and first.lines == [["Stage", ""], ["I", "3 (4.0)"]]
    assert second.sections == (0,) and second.lines == [
        ["Results", "", "", ""],
        ["What; Why", "1", "2", "differs"],
        ["Bare", "1", "1", "reproduced"],
    ]


def test_a_table_that_is_folded_away_is_taken_too(monkeypatch):
    bundles = []
    everywhere(monkeypatch, display, lambda bundle, raw: bundles.append(bundle))
    tables.show_folded(FRAME, "Beside.", "Open < me")
    (table,) = takeaway.tables(new_notebook(cells=[cell(bundles[0])]))
    assert table.caption == "Beside." and table.lines == FRAME.to_numpy().tolist()
    assert "<summary>Open &lt; me</summary><div" in bundles[0]["text/html"]


def test_word_file_holds_the_cells_of_the_page(offered):
    document = docx.Document(offered[1] / "takeaway" / "lymphoma-04_survival-tables.docx")
    (table,) = document.tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        list(FRAME),
        *FRAME.to_numpy().tolist(),
    ]
    words = [paragraph.text for paragraph in document.paragraphs]
    assert words[0] == "Survival: Ours" and words[1].startswith("Ours & theirs: 80 patients.")
    assert words[2:] == ["Table 1. Groups compared.", "Cox model; n = 9."]
    assert document.paragraphs[2].style.name == "Caption" and document.paragraphs[0].style.name == "Heading 1"
    assert table.rows[0]._tr.xpath("./w:trPr/w:tblHeader") and not table.rows[1]._tr.xpath(
        "./w:trPr/w:tblHeader"
    )


def test_files_of_a_synthetic_cohort_say_so(drawn, study, tmp_path):
    page = a_page(drawn)
    takeaway.offer(page, replace(study, synthetic=True), "04_survival", tmp_path, tmp_path / "results")
    files = tmp_path / "takeaway"
    said = ["\n".join(p.text for p in docx.Document(files / "lymphoma-04_survival-tables.docx").paragraphs)]
    said += [
        archive(files / f"lymphoma-04_survival-{kind}.zip")["read-me.txt"].decode()
        for kind in ("tables", "figures")
    ]
    assert all("These patients are synthetic" in each for each in said)


def test_a_word_file_tells_of_no_date_person_or_maker(offered):
    parts = archive(offered[1] / "takeaway" / "lymphoma-04_survival-tables.docx")
    core = parts["docProps/core.xml"].decode()
    assert "created" not in core and "modified>" not in core and "python-docx" not in core
    assert re.search(r"<dc:creator>\s*</dc:creator>|<dc:creator\s*/>", core)


def test_csv_holds_the_cells_of_the_page_and_no_formula(offered):
    files = archive(offered[1] / "takeaway" / "lymphoma-04_survival-tables.zip")
    assert list(files) == ["table-1-groups-compared.csv", "read-me.txt"]
    assert files["table-1-groups-compared.csv"].startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(files["table-1-groups-compared.csv"].decode("utf-8-sig"))))
    assert lines == [list(FRAME), FRAME.iloc[0].tolist(), ["'=1+1", "−0.3", "-0.3"]]
    assert "table-1-groups-compared.csv: Groups compared. Cox model; n = 9." in files["read-me.txt"].decode()


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "=", "-", "+1(2)"]
)
def test_a_formula_is_defused(cell):
    assert spreadsheet.safe(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["-0.3", "+5", "−0.3", "", "12 (48.0)", "0.5 (0.3–0.9)", "< 0.001", "–", "-1,234.5", "-12%", "RT"]
)
def test_numbers_and_words_stay_as_they_are(cell):
    assert spreadsheet.safe(cell) == cell


def test_equal_tables_are_equal_files():
    table = payloads.Table("Caption. Made so.", ["A", "B"], [["a", "1"]])
    assert word_file.word("T", ["n"], [table]) == word_file.word("T", ["n"], [table])
    assert archives.bundle({"a": b"1"}) == archives.bundle({"a": b"1"})


def test_a_wide_table_is_printed_across_the_page():
    wide = payloads.Table("Wide.", list("ABCDEFG"), [list("1234567")])
    section = docx.Document(io.BytesIO(word_file.word("T", [], [wide]))).sections[0]
    assert section.page_width > section.page_height


# --- figures --------------------------------------------------------------------------------------


def test_svg_is_described_and_of_a_journals_width(drawn):
    root = ElementTree.fromstring(drawn["image/svg+xml"])
    assert root.find(f"{SVG}title").text.startswith(
        "Overall survival < 1 & more. Kaplan–Meier, Greenwood variance"
    )
    assert "Median 3.0 months" in root.find(f"{SVG}desc").text and root.get("role") == "img"
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(POINTS_WIDE, abs=0.01)


def test_svg_text_is_text_of_at_least_seven_points(drawn):
    words = list(ElementTree.fromstring(drawn["image/svg+xml"]).iter(f"{SVG}text"))
    assert {"Months", "Number at risk", "80"} <= {"".join(word.itertext()) for word in words}
    sizes = [
        float(re.search(r"(?:font-size|font): *([\d.]+)px", word.get("style")).group(1)) for word in words
    ]
    assert min(sizes) >= 7  # the page's unit is the point, so a pixel is one


def test_pdf_is_of_a_journals_width_with_embedded_fonts(drawn):
    pdf = base64.b64decode(drawn["application/pdf"])
    box = list(map(float, re.search(rb"/MediaBox \[([\d. ]+)\]", pdf).group(1).split()))
    assert box[2] == pytest.approx(POINTS_WIDE, abs=0.01)
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"+BookSans" in pdf


def test_figures_tell_of_no_date_or_maker(drawn):
    pdf = base64.b64decode(drawn["application/pdf"])
    assert not re.search(rb"CreationDate|ModDate|/Producer|/Creator|[Mm]atplotlib", pdf)
    assert (
        not re.search(r"dc:date|dc:creator|[Mm]atplotlib v", drawn["image/svg+xml"])
        and "/home" not in drawn["image/svg+xml"]
    )


def test_equal_figures_are_equal_files(monkeypatch):
    bundles, before = [], matplotlib.pyplot.get_fignums()
    everywhere(monkeypatch, display, lambda bundle, raw: bundles.append(bundle))
    everywhere(monkeypatch, canvas.asked_for, lambda: ["svg", "pdf"])
    for _ in range(2):
        figures_cohort.shares(
            public(
                results.collect(
                    [results.row("a", "proportion", 25.0, lower=5, upper=57, n=12, events=3, group="A")]
                )
            ),
            "Patients",
            "S.",
        )
    assert bundles[0] == bundles[1] and set(bundles[0]) == {
        "text/html",
        "text/plain",
        payloads.FIGURE,
        *canvas.VECTORS.values(),
    }
    assert matplotlib.pyplot.get_fignums() == before


def test_the_archive_of_figures_holds_both_formats_with_caption_and_alt_text(offered):
    files = archive(offered[1] / "takeaway" / "lymphoma-04_survival-figures.zip")
    assert [name.rpartition(".")[2] for name in files] == ["svg", "pdf", "txt"]
    assert all(name.startswith("figure-1-overall-survival-1-more") for name in list(files)[:2])
    assert files["figure-1-overall-survival-1-more.pdf"].startswith(b"%PDF")
    assert "Alt text: Kaplan–Meier curve of OS1." in files["read-me.txt"].decode()


# --- a chapter, run as a build runs it ------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The chapter on prognostic factors of the public cohort, run as a build runs it."""
    folder, study = tmp_path_factory.mktemp("run"), read_cohort("lymphoma")
    outcome = chapter.run(
        "07_prognostic_factors",
        locate("lymphoma"),
        study,
        folder / "07_prognostic_factors.ipynb",
        folder / "results",
    )
    assert outcome.status == "done", outcome.reason
    return folder


def test_a_chapters_word_table_says_what_its_rows_say(run):
    rows = results.read(run / "results" / "07_prognostic_factors.csv").set_index("result_id")
    (table,) = docx.Document(run / "takeaway" / "lymphoma-07_prognostic_factors-tables.docx").tables
    stage = next(
        [cell.text for cell in row.cells] for row in table.rows if row.cells[0].text.startswith("Stage: IV")
    )
    ratio, with_it = rows.loc["cox.os1.uv.stage.iv"], rows.loc["os1.median.stage.iv"]
    assert stage[3] == f"{numbers.estimate(ratio)} ({numbers.limits(ratio).removeprefix('95% CI ')})"
    assert stage[1] == f"{rounding.number(with_it['value'], 1)} ({with_it['events']} / {with_it['n']})"


def test_a_run_leaves_figures_in_files_and_none_in_its_notebook(run):
    assert "image/svg+xml" not in (run / "07_prognostic_factors.ipynb").read_text("utf-8")
    files = archive(run / "takeaway" / "lymphoma-07_prognostic_factors-figures.zip")
    svg = next(data for name, data in files.items() if name.endswith(".svg"))
    rows = results.read(run / "results" / "07_prognostic_factors.csv").set_index("result_id")
    assert (
        numbers.estimate(rows.loc["cox.os1.uv.stage.iv"])
        in ElementTree.fromstring(svg).find(f"{SVG}desc").text
    )
    assert str(run).encode() not in b"".join(files.values())


def test_names_within_a_drawing_have_no_digits_that_could_be_somebodys_number():
    figure, axes = canvas.canvas(2)
    axes.plot([0, 1], [1, 0], "|")
    svg = vector.as_file(vector.drawn(figure), "words", "words", canvas.JOURNAL_WIDTH)
    ids = set(re.findall(r" id=\"([^\"]*)\"", svg))
    assert ids and not [each for each in ids if re.search(r"\d", each)]
    assert {either or other for either, other in re.findall(r"href=\"#([^\"]+)|url\(#([^)]+)\)", svg)} == ids
    plt.close(figure)


@pytest.mark.filterwarnings("error:Glyph")
@pytest.mark.parametrize(
    "title, font",
    [("Łódź, Москва, Αθήνα: n ≥ 5, α/β − 3", "BookSans"), ("თბილისი, Երևան: n ≥ 5", "DejaVuSans")],
)
def test_a_pdf_has_the_letters_of_other_alphabets(title, font):
    figure, axes = canvas.canvas(2)
    axes.set_title(title)
    page = PdfReader(io.BytesIO(base64.b64decode(canvas.as_pdf(figure, "words", "words")))).pages[0]
    plt.close(figure)
    assert title in page.extract_text()
    assert {
        each.get_object()["/BaseFont"].split("+")[-1] for each in page["/Resources"]["/Font"].values()
    } == {font}
