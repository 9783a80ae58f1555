"""A page that a build hands to Sphinx holds nothing that MyST-NB would stumble over, and looks as it did."""

import nbformat
import pytest
from IPython.display import display
from myst_nb.core.render import get_mime_priority

from analysis_lib.binding import takeaway
from analysis_lib.binding.page import as_page
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import canvas, notes, payloads, tables

from everywhere import everywhere


def test_a_finished_page_holds_only_formats_that_the_builder_knows(monkeypatch, tmp_path):
    bundles, study = [], read_cohort("lymphoma")
    everywhere(monkeypatch, display, lambda bundle, raw: bundles.append(bundle))
    rows = public(results.collect([results.row("a", "count", 1, group="A")]))
    notes.about(study)
    notes.skip("no column")
    tables.rows_table(rows, "A table.", count="")
    figure, _ = canvas.canvas(1)
    canvas.show(figure, alt="alt", caption="A figure.")
    assert {mime for each in bundles for mime in each} >= {payloads.NOTE, payloads.TABLE, payloads.FIGURE}
    cells = [nbformat.v4.new_markdown_cell("# A chapter")]
    for each in bundles:
        outputs = [nbformat.v4.new_output("display_data", data=dict(each))]
        cells.append(nbformat.v4.new_code_cell("x", outputs=outputs))
    page, _ = as_page(nbformat.v4.new_notebook(cells=cells), study)
    takeaway.offer(page, study, "04_survival", tmp_path, tmp_path)
    nbformat.validate(page)
    shown = [output.data for cell in page.cells for output in cell.get("outputs", [])]
    assert {mime for data in shown for mime in data} <= set(get_mime_priority("html", []))
    # the note about what is not shown stands in the box at the end
    assert [data["text/html"] for data in shown] == [bundles[i]["text/html"] for i in (0, 2, 3)]
    assert "<p>No column:</p><ul><li>The answer at the top of the page</li></ul>" in page.cells[-2].source


@pytest.mark.parametrize("mime", [payloads.NOTE, payloads.TABLE, payloads.FIGURE])
def test_a_payload_is_written_to_a_notebook_as_data_and_read_back(mime):
    output = nbformat.v4.new_output("display_data", data={"text/html": "<p>", mime: {"lines": [["a\nb"]]}})
    cell = nbformat.v4.new_code_cell("x", outputs=[output])
    read = nbformat.reads(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])), as_version=4)
    assert read.cells[0].outputs[0].data[mime] == {"lines": [["a\nb"]]}
