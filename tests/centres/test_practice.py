"""The exports that come with the book are what its own pages say."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.binding import chapters
from analysis_lib.centres import receive
from analysis_lib.files.places import ROOT
from analysis_lib.rows import results

NUMBERS = ["value", "lower", "upper", "n", "events"]
ADVICE = "run `python tools/write_practice.py`"


@pytest.mark.parametrize("path", receive.PRACTICE, ids=lambda path: path.stem)
def test_an_export_to_practise_with_holds_the_rows_of_the_finished_book(path, book_html):
    folder = ROOT / "book" / "cohorts" / path.stem / "results"
    files = [file for file in sorted(folder.glob("*.csv")) if not chapters.on_the_paper(file.stem)]
    ours = pd.concat(map(results.read, files)).drop_duplicates("result_id").set_index("result_id")
    theirs = receive.read_export(path).rows.set_index("result_id")
    # a chapter of which nothing can be computed leaves rows that say so, and no page
    assert set(ours.index) <= set(theirs.index), ADVICE
    assert (theirs.drop(ours.index)["statistic"] == "skipped").all(), ADVICE
    theirs = theirs.loc[ours.index]
    for column in NUMBERS:
        np.testing.assert_allclose(
            theirs[column].astype(float), ours[column].astype(float), rtol=1e-9, atol=1e-12, err_msg=ADVICE
        )
    for column in results.ABOUT:
        assert theirs[column].fillna("").astype(str).tolist() == ours[column].fillna("").astype(str).tolist()
