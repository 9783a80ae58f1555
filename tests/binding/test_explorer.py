"""What the sliders of the explorer and the labs say of each position."""

from analysis_lib.binding import explorer
from analysis_lib.rows import results
from analysis_lib.rows.released import public


def test_a_ratio_with_a_penalty_bears_a_dagger_that_is_explained():
    plain = results.row("landmark.m6", "hazard ratio", 3.6, lower=1.2, upper=11, n=38, method="Cox model")
    penalised = {"lower": 0.01, "upper": 5.5, "method": "Cox model, Firth's penalty", "note": "3 of 28 had"}
    rows = [plain, results.row("landmark.m7", "hazard ratio", 0.7, n=28, **penalised)]
    moved = [explorer.one_slider("landmark", "Move", "", ("Landmark", " months"), "x", "Ratio", public(found))
             for found in (results.collect(rows), results.collect(rows[:1]))]  # fmt: skip
    said = [point["rows"][0]["text"] for point in moved[0]["points"]]
    assert said == ["3.60 (95% CI 1.20–11.00), 38 patients", "0.70 (95% CI 0.01–5.50) †, 28 patients"]
    assert moved[0]["marked"].startswith("† no finite ratio exists") and not moved[1]["marked"]
    assert "† no finite ratio exists" in explorer.slider_html(moved[0])
    assert "†" not in explorer.slider_html(moved[1])
