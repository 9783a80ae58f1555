"""The flow diagram and the bars of shares: what is drawn, what the alt text says, and when nothing is
drawn.
"""

import importlib
import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from IPython.display import display

from analysis_lib.analyses import absolute, courses, log_rank, summaries, survival, weighting
from analysis_lib.files.places import ROOT
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.rows.results import row
from analysis_lib.show import (
    canvas,
    diagrams,
    figures,
    figures_absolute,
    figures_beyond,
    figures_cohort,
    figures_courses,
    figures_further,
    fitting,
    seen,
    tables,
    vector,
)

from everywhere import as_html, everywhere


@pytest.fixture
def shown(monkeypatch):
    """Figures instead of images: what was drawn, with its alt text; and the notes about what was not."""
    seen = {"figures": [], "alt": [], "notes": []}

    def show(figure, alt, caption):
        seen["figures"].append(figure)
        seen["alt"].append(alt)

    everywhere(monkeypatch, canvas.show, show)
    everywhere(monkeypatch, display, lambda thing, **_: seen["notes"].append(as_html(thing)))
    yield seen
    plt.close("all")


def flow_rows(*ids_and_counts):
    counts = [row(name, "count", count, group=name.rsplit(".", 1)[-1]) for name, count in ids_and_counts]
    return public(results.collect(counts))


def words_of(figure):
    return [words.get_text() for words in figure.axes[0].texts]


def test_flow_draws_a_box_for_each_count(shown):
    figures_cohort.flow_diagram(
        flow_rows(
            ("flow.database", 30),
            ("flow.not_included", 18),
            ("flow.included", 12),
            ("flow.salvage_regimen.rt", 5),
            ("flow.salvage_regimen.st", 7),
            ("flow.any_rt", 9),
            ("flow.any_rt.salvage_regimen.rt", 5),
            ("flow.any_rt.salvage_regimen.st", 4),
        ),
        "Flow.",
    )
    words = words_of(shown["figures"][0])
    assert {
        "database\nn = 30",
        "included\nn = 12",
        "rt\nn = 5",
        "st\nn = 7",
        "any_rt\nn = 9",
        "not_included: n = 18",
    } <= set(words)
    assert {"5", "4"} <= set(words)  # how many of each regimen had radiotherapy, on the arrows
    assert all(f"{count}" in shown["alt"][0] for count in (30, 18, 12, 5, 7, 9, 4))


def test_flow_without_screening_starts_at_the_patients(shown):
    figures_cohort.flow_diagram(flow_rows(("flow.included", 12), ("flow.salvage_regimen.rt", 12)), "Flow.")
    assert [w for w in words_of(shown["figures"][0]) if w] == ["included\nn = 12", "rt\nn = 12"]


def test_a_single_step_is_not_drawn(shown):
    figures_cohort.flow_diagram(flow_rows(("flow.included", 12)), "Flow.")
    assert not shown["figures"] and "single step" in shown["notes"][0]


def test_shares_draws_bars_with_their_intervals(shown):
    first, second = ("a", 3, 12, "First"), ("b", 0, 12, "Second")
    shares = [summaries.proportion(*counts, group=group) for *counts, group in (first, second)]
    rows = public(results.collect(shares))
    figures_cohort.shares(rows, "Patients", "Shares.")
    axes = shown["figures"][0].axes[0]
    assert [bar.get_width() for bar in axes.patches] == [25, 0]
    ends = [segment[:, 0] for segment in axes.collections[0].get_segments()]
    assert [list(end) for end in ends] == [
        pytest.approx(list(map(float, r))) for r in rows[["lower", "upper"]].to_numpy()
    ]
    assert re.search(r"First: 3 of 12 \(25%\), 95% CI 5–57; Second: 0 of 12 \(0%\)", shown["alt"][0])


@pytest.mark.parametrize(
    "rows, reason",
    [
        (public(results.skipped("a", "this cohort has no stage")), "this cohort has no stage"),
        (public(results.collect([summaries.proportion("a", 0, 0)])), "nobody to count"),
    ],
)
def test_shares_of_nobody_are_not_drawn(shown, rows, reason):
    figures_cohort.shares(rows, "Patients", "Shares.")
    assert not shown["figures"] and reason in shown["notes"][0]


def test_a_figure_carries_alt_text_and_caption_escaped(monkeypatch):
    out = []
    everywhere(monkeypatch, display, lambda bundle, raw: out.append(bundle["text/html"]))
    figure, _ = canvas.canvas(1)
    canvas.show(figure, alt='P < 0.001 "small"', caption="A & B")
    assert out[0].count('role="img" aria-label="P &lt; 0.001 &quot;small&quot;"') == 2
    assert "A &amp; B</figcaption>" in out[0]
    assert pd.Series(plt.get_fignums()).empty


def test_a_figure_takes_the_colours_of_the_page_and_its_text_stays_text():
    figure, axes = canvas.canvas(1)
    axes.plot([0, 1], [0, 1], color=canvas.PALETTE[0])
    axes.set_title("Five words that stay text")
    first = vector.inline(vector.drawn(figure), "A line.", "wide")
    assert "Five words that stay text</text>" in first and "fill: #ffffff" not in first
    assert "stroke: var(--fig-1,#0072b2)" in first.lower() and "#000000" not in first
    axes.plot([0, 1], [1, 0])
    second = vector.inline(vector.drawn(figure), "Two lines.", "wide")
    plt.close(figure)
    ids = [set(re.findall(r' id="([^"]+)"', each)) for each in (first, second)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]  # both may stand on one page
    used = set(re.findall(r'(?:href="#|url\(#)([\w-]+)', first))
    assert used == ids[0]


@pytest.mark.parametrize(
    "colour, name",
    [("#262626", "--ink"), ("#595959", "--soft"), ("#ebebeb", "--faint"), ("#ffffff", "--paper")],
)
def test_greys_are_named_by_how_dark_they_are(colour, name):
    assert vector.named(colour) == f"var({name})"


def test_the_palette_is_named_by_number_and_other_colours_stay():
    assert vector.named("#0072b2") == "var(--fig-1,#0072b2)" and vector.named("#123456") == "#123456"


@pytest.mark.parametrize(
    ("least", "written"), [(0, ["3", "1", "0"]), (1, ["3", "1", "0"]), (2, ["3", "<2", "<2"])]
)
def test_nobody_at_risk_is_0_where_every_number_is_shown(least, written):
    curve = pd.DataFrame({"group": "", "days": [0, 20, 40], "at_risk": [3, 2, 1]})
    _, axes = plt.subplots()
    figures.risk_table(axes, curve, [""], [0, 1, 2], least=least)
    assert [text.get_text() for text in axes.texts if text.get_text() != "All"] == written
    plt.close("all")


@pytest.mark.parametrize(("at_risk", "room"), [(7, 14), (646, 14), (2643, 17), (12643, 20)])
def test_a_long_number_at_risk_does_not_touch_the_name_of_its_line(at_risk, room):
    assert figures.room_for(at_risk) == room


def test_the_words_for_curves_say_by_what_they_are_grouped(shown):
    study = read_cohort(ROOT / "tests" / "public" / "myeloid")
    figures.survival_curves(survival.curves(study, "OS1", by="arm"), "OS1", "OS1 by arm.")
    assert "Kaplan–Meier curves of OS1 by Treatment arm: A, B." in shown["alt"][0]


def test_a_regimen_and_the_whole_course_of_the_same_name_have_heads_of_their_own(shown):
    """RT as the first regimen, whatever followed, and RT without any other modality later."""
    study = read_cohort("reconstructed")
    for by, heads in (
        ("salvage_regimen", ["RT", "CMT", "ST"]),
        ("salvage_sequence", ["RT only", "CMT", "ST only"]),
    ):
        medians = results.pick(survival.estimates(study, "OS2", by=by), "median time")
        figures.survival_curves(survival.curves(study, "OS2", by=by), "OS2", "OS2.", medians)
        tables.rows_table(medians, "Median OS2", median="full")
        legend = [text.get_text() for text in shown["figures"][-1].legends[0].get_texts()]
        lines = re.findall(r'<th scope="row">(.*?)</th>', shown["notes"][-1])
        assert legend[:3] == lines[:3] == heads and f"Median {heads[0]} " in shown["alt"][-1]
    tables.rows_table(log_rank.pairwise(study, "OS2", by="salvage_sequence"), "Pairs", one_test="uncorrected")
    first = re.search(r'<th scope="row">(.*?)</th><td>(.*?)</td>', shown["notes"][-1])
    assert first[1] == "RT only and CMT" and re.fullmatch(r"P = 0\.\d+", first[2])


@pytest.mark.parametrize("width", [canvas.WIDTH, canvas.NARROW, canvas.JOURNAL_WIDTH])
def test_names_and_numbers_of_a_forest_leave_the_intervals_alone(shown, width):
    names = [
        "LDH",
        "CAR T product: tisa-cel, not axi-cel",
        "Two or more sites of disease at salvage",
        "Pooled",
    ]
    ratios = [
        row(f"x{k}", "hazard ratio", 1.5, lower=0.6, upper=3.7, n=20, group=name)
        for k, name in enumerate(names)
    ]
    figures.forest(public(results.collect(ratios)), "Ratios.", summary=["x3"])
    (figure,) = shown["figures"]
    axes = figure.axes[0]
    right = axes.child_axes[0]
    figure.set_size_inches(width, figure.get_size_inches()[1])
    figure.canvas.draw()
    drawn = axes.get_window_extent()
    assert drawn.width > 0.25 * figure.bbox.width
    labels = axes.get_yticklabels() + right.get_yticklabels()
    assert [label.get_text() for label in labels] == [
        *(
            "LDH",
            "CAR T product:\ntisa-cel, not\naxi-cel",
            "Two or more sites of\ndisease at salvage",
            "Pooled",
        ),
        *["1.50 (0.60–3.70)"] * 4,
        "HR (95% CI)",
    ]
    assert [label.get_fontweight() for label in labels] == [*["normal"] * 3, "bold"] * 2 + ["normal"]
    for label in labels:
        box = label.get_window_extent()
        assert box.x1 <= drawn.x0 or box.x0 >= drawn.x1, label
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, label
    ticks = [each.get_window_extent() for each in axes.get_xticklabels()]
    assert len(ticks) > 2 and all(one.x1 + 3 < other.x0 for one, other in zip(ticks, ticks[1:]))


def test_a_forest_says_once_what_all_its_lines_share_and_what_its_numbers_are(shown):
    def names_of(*groups, caption="Alive at 12 months."):
        shown["figures"].clear()
        differences = [
            row(str(i), "rate difference", 4, group=each, lower=-3, upper=9) for i, each in enumerate(groups)
        ]
        figures.forest(public(results.collect(differences)), caption)
        axes = shown["figures"][0].axes[0]
        heading = axes.child_axes[0].get_yticklabels()[-1].get_text()
        return [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()], heading

    assert names_of("Crude, 12 months", "Weighted, 12 months") == (["Crude", "Weighted"], "Estimate (95% CI)")
    for kept in (
        ("Crude, 12 months", "Crude, 24 months"),
        ("Age, years", "Dose, years"),
    ):
        assert names_of(*kept)[0] == list(kept)
    untold = ("Crude, 12 months", "Weighted, 12 months")
    assert names_of(*untold, caption="Differences.")[0] == list(untold)


def test_a_figure_without_a_number_is_described_without_an_empty_list():
    assert canvas.described("Two curves", []) == "Two curves."
    assert canvas.described("Two curves", ["RT: 3", "ST: 4"]) == "Two curves. RT: 3; ST: 4."


def test_of_standardised_differences_only_those_that_are_shown_are_told(shown):
    kinds = list(weighting.KINDS.values())

    def told(*values):
        differences = [
            row(
                f"balance.{k}",
                "estimate",
                value,
                n=40,
                group="Elevated LDH",
                by="ldh",
                population=kind,
            )
            for k, (kind, value) in enumerate(zip(kinds, values))
        ]
        figures_beyond.love(public(results.collect(differences)), "Balance.")
        return shown["alt"]

    assert (
        told(None, None, None) == [] and "there is no standardised difference to draw" in shown["notes"][-1]
    )
    (alt,) = told(0.4, None, 0.0)
    assert alt.endswith(f"{kinds[0]}: Elevated LDH 0.40. {kinds[2]}: Elevated LDH 0.00.")


def test_what_is_read_back_is_seen_upon_the_curves_and_named_once(shown):
    """The two nearly coincide: in one colour the second would not be seen."""
    curves = pd.concat(
        pd.DataFrame({"group": group, "source": source, "days": [0, 400, 700], "survival": [1, 0.6, low]})
        for group, low in (("RT", 0.4), ("ST", 0.3))
        for source in ("The patients", "Read back")
    )
    medians = [
        row(each.lower(), "median time", 20, group=each, population="All", n=9) for each in ("RT", "ST")
    ]
    figures_further.read_back(public(curves), public(results.collect(medians)), "Read back.")
    (figure,) = shown["figures"]
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["RT: the patients", "Read back", "ST: the patients"]
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert colours == [canvas.PALETTE[0], "0.15", canvas.PALETTE[1], "0.15"]


def test_long_numbers_of_a_log_axis_have_more_room(shown):
    _, axes = canvas.canvas(2)
    axes.set_xscale("log")
    canvas.plain_log_ticks(axes, 0.05, 12.4)
    assert axes.get_xticks().tolist() == [0.2, 1, 5]
    canvas.plain_log_ticks(axes, 0.4, 3)
    assert axes.get_xticks().tolist() == [0.5, 1, 2]


def test_a_legend_says_of_each_line_whose_it_is_and_months_have_ticks_of_months(shown):
    study = read_cohort("reconstructed")
    frame = weighting.prepare(study)
    figures_absolute.overlap(frame, absolute.precision(frame), "Overlap.")
    told = [text.get_text() for text in shown["figures"][-1].legends[0].get_texts()]
    assert len(set(told)) == len(told) == 4
    assert {"Radiotherapy alone: overlap weights", "Systemic therapy alone: overlap weights"} < set(told)
    scores = results.collect([row(f"score.{month}", "estimate", 0.2) for month in (3, 6, 24)])
    figures_further.over_time(public(scores), {"score.": "Score"}, "Score", "Months since", "Scores.")
    assert shown["figures"][-1].axes[0].get_xticks().tolist() == [0, 6, 12, 18, 24]


def sticking_out(figure, boxes):
    figure.draw_without_rendering()
    return [box for box in boxes() if box.x0 < 0 or box.x1 > figure.bbox.width or box.y0 < 0]


def test_legends_and_labels_of_a_figure_for_a_phone_are_whole():
    figure, axes = canvas.canvas(3)
    names = [
        "Radiotherapy alone",
        "Systemic therapy alone",
        "Everyone, whatever was given first, of this cohort",
    ]
    for name in names:
        axes.plot([0, 1], [0, 1], label=name)
    axes.set(ylabel="Alive 12 months after the start of salvage therapy, % of the patients")
    axes.set_xlabel("Hazard ratio of death, radiotherapy against systemic therapy\n(below 1: fewer deaths)")
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    figure.draw_without_rendering()
    drawn = axes.get_window_extent().height
    fitting.narrow(figure, canvas.NARROW)

    def boxes():
        return [each.get_window_extent() for each in (*figure.legends, axes.xaxis.label, axes.yaxis.label)]

    assert figure.get_figwidth() == canvas.NARROW and not sticking_out(figure, boxes)
    assert [" ".join(each.get_text().split()) for each in figure.legends[0].get_texts()] == names
    # the words took no height from what is drawn
    assert axes.get_window_extent().height == pytest.approx(drawn, rel=0.06)
    assert axes.get_xlabel().splitlines()[-1] == "(below 1: fewer deaths)"
    assert " ".join(axes.get_ylabel().split()).endswith("% of the patients")
    plt.close(figure)


def test_numbers_of_an_axis_with_little_room_stand_clear_of_each_other(shown):
    names = ["From a landmark at three months", "Counted from its start on, adjusted for stage"]
    ratios = [
        row(f"x{k}", "hazard ratio", 33, lower=0.1, upper=4815.37, n=20, group=name, method="Firth's penalty")
        for k, name in enumerate(names)
    ]
    figures.forest(public(results.collect(ratios)), "Ratios.")
    (figure,) = shown["figures"]
    fitting.narrow(figure, canvas.NARROW)
    figure.draw_without_rendering()
    labels = figure.axes[0].get_xticklabels()
    boxes = [each.get_window_extent() for each in labels]
    assert "1" in [each.get_text() for each in labels]
    assert all(one.x1 + 3 < other.x0 for one, other in zip(boxes, boxes[1:]))


def test_panels_that_share_the_numbers_of_a_log_axis_are_fitted():
    figure, panels = canvas.canvas(3, nrows=2, sharex=True)
    for axes in panels:
        axes.set(xscale="log", xlim=(0.2, 5))
        canvas.plain_log_ticks(axes, 0.2, 5)
    fitting.narrow(figure, canvas.NARROW)
    assert [each.get_text() for each in panels[-1].get_xticklabels()] == ["0.2", "0.5", "1", "2", "5"]
    plt.close(figure)


def test_words_that_fit_on_a_phone_are_left_as_they_are():
    figure, axes = canvas.canvas(3)
    axes.plot([0, 1], [0, 1], label="RT")
    axes.plot([0, 1], [1, 0], label="ST")
    axes.set(xlabel="Months", ylabel="OS2, %")
    legend = figure.legend(loc="outside upper left", ncols=2, frameon=False)
    fitting.narrow(figure, canvas.NARROW)
    assert figure.legends == [legend] and axes.get_xlabel() == "Months"
    assert list(figure.get_size_inches()) == pytest.approx([canvas.NARROW, 3])
    plt.close(figure)


@pytest.mark.parametrize("width", [canvas.WIDTH, canvas.NARROW])
def test_frames_of_a_causal_diagram_are_whole(shown, width):
    unseen = "Frailty\n(not recorded)"
    nodes = {"Stage, LDH": (0, 1), "Salvage radiotherapy": (0, 0), "Death": (1, 0), unseen: (1, 1)}
    diagrams.causal(nodes, [("Stage, LDH", "Death")], "Causes.", unmeasured=[unseen])
    (figure,) = shown["figures"]
    fitting.narrow(figure, width)
    frames = [words.get_bbox_patch() for words in figure.axes[0].texts if words.get_bbox_patch()]
    assert len(frames) == 4
    assert not sticking_out(figure, lambda: [frame.get_window_extent() for frame in frames])


def test_each_colour_of_the_ways_through_therapy_is_named(shown):
    flow = courses.flow(read_cohort("reconstructed"))
    figures_courses.ways(flow, "Ways.")
    (figure,) = shown["figures"]
    (legend,) = figure.legends
    named = {
        each.get_text(): patch.get_facecolor()
        for each, patch in zip(legend.get_texts(), legend.get_patches())
    }
    columns = [bar for bar in figure.axes[0].patches if bar.get_width() < 0.2]
    assert {bar.get_facecolor() for bar in columns} == set(named.values()) and len(named) > 4
    assert {"RT", "ST", "No further line, dead"} <= set(named)


def test_where_nobody_looks_no_figure_is_made(monkeypatch):
    monkeypatch.setattr(canvas.plt, "subplots", lambda *_, **__: pytest.fail("a figure was made"))
    with seen.unseen():
        diagrams.causal({"A": (0, 0), "B": (1, 1)}, [("A", "B")], "Causes.")
    makers = [
        function
        for path in Path(canvas.__file__).parent.glob("*.py")
        for name, function in vars(importlib.import_module(f"analysis_lib.show.{path.stem}")).items()
        if inspect.isfunction(function) and function.__module__ == f"analysis_lib.show.{path.stem}"
        if re.search(r"^    show\(\s*figure,", inspect.getsource(function), re.M)
    ]
    assert len(makers) > 20 and all(hasattr(each, "__wrapped__") for each in makers)
