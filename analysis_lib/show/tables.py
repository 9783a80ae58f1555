"""What a reader sees of result rows: numbers in words, sentences, tables. Formatting happens here, and only
here.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from analysis_lib.analyses import cox_models, table_1
from analysis_lib.dictionary.words import LABELS, head_of, label_of
from analysis_lib.rows import methods, results
from analysis_lib.rows.released import require
from analysis_lib.rows.rounding import UNDEFINED
from analysis_lib.show import payloads
from analysis_lib.show.fragments import finished, fragment
from analysis_lib.show.notes import captioned, skip, too_small
from analysis_lib.show.numbers import (
    bare_p,
    estimate,
    full,
    marks_told,
    median_and_counts,
    median_and_quartiles,
    n_percent,
    printed_p,
    ratio_cell,
    rough_told,
    share,
)
from analysis_lib.show.sentences import FORMATS

SHORT = 10  # characters of row names that leave the room to the other columns
HEADS = ("Factor", "With", "Without", "HR (95% CI)", "P")  # of a table of single factors
MANY = 6  # columns that need smaller letters


def table(
    frame: pd.DataFrame, caption: str, sections: Collection[int] = (), rows: pd.DataFrame | None = None
) -> None:
    """Show a frame of finished text as an accessible table; its first column names the rows.

    ``sections`` are the positions of rows that head those below them; ``rows`` the result rows that the frame
    was made of, whose methods end the caption.
    """
    require(frame)
    if reason := results.skip_reason(frame):
        return skip(reason)
    told = "" if rows is None else methods.how(rows, counts=False)
    daggers = "" if rows is None else rough_told(rows[rows["statistic"] == "p"])
    _shown(frame, captioned(caption, told) + daggers, sections)


def _shown(frame: pd.DataFrame, caption: str, sections: Collection[int] = ()) -> None:
    """Show the cells that a table of released rows is made of."""
    made = as_table(frame, caption, sections)
    payloads.show(_html(made), payloads.TABLE, made)


def as_table(frame: pd.DataFrame, caption: str, sections: Collection[int] = ()) -> payloads.Table:
    """A frame as the words of a table."""
    lines = [[str(cell) for cell in line] for line in frame.itertuples(index=False)]
    return payloads.Table(caption, [str(column) for column in frame.columns], lines, tuple(sections))


def html_table(frame: pd.DataFrame, caption: str, sections: Collection[int] = ()) -> str:
    """A frame as an HTML table with caption, column headers and row headers; all text is escaped."""
    return _html(as_table(frame, caption, sections))


def _html(made: payloads.Table) -> str:
    room = " short" if made.lines and max(len(line[0]) for line in made.lines) <= SHORT else ""
    room += " many" if len(made.heads) >= MANY else ""
    return fragment("table", table=made, room=room)


def show_folded(frame: pd.DataFrame, caption: str, summary: str) -> None:
    """Show a table that opens when its summary is chosen; its cells are those of released rows."""
    made = as_table(frame, caption)
    payloads.show(fragment("beside", summary=summary, table=finished(_html(made))), payloads.TABLE, made)


def folded(frame: pd.DataFrame, caption: str, summary: str) -> None:
    """Show a released frame of finished text as a table that opens when its summary is chosen."""
    require(frame)
    if reason := results.skip_reason(frame):
        return skip(reason)
    show_folded(frame, caption, summary)


def markdown_table(heads: list[str], lines: list[list[str]], caption: str) -> list[str]:
    """A table whose cells are Markdown, with links and citations, as the lines of a page; its first column
    names the rows.
    """
    if not lines:
        return ["There is none in this book.", ""]
    cells = [
        f"{'* -' if place == 0 else '  -'} {cell}"
        for line in [heads, *lines]
        for place, cell in enumerate(line)
    ]
    return [f"```{{list-table}} {caption}", ":header-rows: 1", ":stub-columns: 1", "", *cells, "```", ""]


def rows_table(rows: pd.DataFrame, caption: str, label: str = "group", **columns: str) -> None:
    """Show rows as a table: one line a row, with ``label`` first and one column for each ``heading=format``.

    Example: ``rows_table(medians, "Median OS2", n="n", events="events", median="full")``.
    """
    require(rows)
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    shown = pd.DataFrame(
        {"": _first_cells(rows, label)}
        | {
            _heading(heading): [FORMATS[style](row) for _, row in rows.iterrows()]
            for heading, style in columns.items()
        }
    )
    styles = {label, *columns.values()}
    told = (
        ""
        if "method" in styles
        else methods.how(
            rows,
            intervals=bool(styles & {"full", "limits", "lower", "upper"}),
            counts=not styles & {"n", "share", "n_percent"},
        )
    )
    _shown(shown.rename(columns={"": rows.attrs.get("label", "Group")}), captioned(caption, told))


def _first_cells(rows: pd.DataFrame, label: str) -> list[str]:
    """What the lines of a table are called, by this column of its rows."""
    if label == "method":
        return [methods.capital(methods.printed(method)) for method in rows["method"]]
    if label == "group" and "by" in rows:
        return [head_of(by, group) or "All" for by, group in zip(rows["by"].fillna(""), rows["group"])]
    return [each or "All" for each in rows[label]]


def _heading(words: str) -> str:
    """What a column that is named as an argument is headed."""
    return label_of(words) if words in LABELS else words[:1].upper() + words[1:].replace("_", " ")


def cross_table(rows: pd.DataFrame, caption: str, corner: str) -> None:
    """Show rows as a table with a line for each endpoint and a column for each group.

    Below it stands what was skipped, and why.
    """
    require(rows)
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    line = rows["endpoint"]
    gone = rows["statistic"] == "skipped"
    cells = pd.DataFrame(
        {corner: line, "group": rows["group"], "cell": [estimate(row) for _, row in rows.iterrows()]}
    )[~gone]
    wide = (
        cells.pivot(index=corner, columns="group", values="cell")
        .reindex(index=cells[corner].unique(), columns=cells["group"].unique())
        .fillna("–")
    )
    _shown(wide.reset_index().rename(columns=lambda name: name[:1].upper() + name[1:]), caption)
    if gone.any():
        skip("; ".join(f"{name} ({why})" for name, why in zip(line[gone], rows.loc[gone, "note"])))


def compared_table(rows: pd.DataFrame, caption: str, corner: str) -> None:
    """Show rows as a table with a line for each group and a column for each population; a group's P value
    stands last.

    Proportions are shown with their counts, everything else with its limits; what was skipped is left to
    :func:`analysis_lib.show.notes.left_out`.
    """
    require(rows)
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    rows = rows[rows["statistic"] != "skipped"]
    tested = rows["statistic"] == "p"
    shown = [
        share(row) if row["statistic"] == "proportion" else full(row) for _, row in rows[~tested].iterrows()
    ]
    wide = rows[~tested].assign(cell=shown).pivot(index="group", columns="population", values="cell")
    wide = wide.reindex(
        index=rows["group"].unique(), columns=rows.loc[~tested, "population"].unique()
    ).fillna("–")
    if tested.any():
        p = {row["group"]: bare_p(row) for _, row in rows[tested].iterrows()}
        wide["P"] = [p.get(group, "–") for group in wide.index]
    _shown(
        wide.reset_index(names=corner).rename(columns=lambda name: name[:1].upper() + name[1:]),
        captioned(
            caption,
            methods.how(rows, intervals=False, counts=(rows.loc[~tested, "statistic"] != "proportion").any()),
        )
        + rough_told(rows[tested]),
    )


def characteristics(rows: pd.DataFrame, caption: str) -> None:
    """Show the rows of :func:`analysis_lib.analyses.table_1.table_1` as the paper prints them; a dagger marks
    a rough P value.
    """
    require(rows)
    if reason := too_small(rows):
        return skip(reason)
    by_id = rows.set_index("result_id")
    columns = [
        f"{'All' if size['population'] == 'all patients' else size['population']} (n = {estimate(size)})"
        for _, size in rows[rows["statistic"] == "count"].iterrows()
    ]
    counted = rows[rows["statistic"].isin(["proportion", "median"])]
    tested = (rows["statistic"] == "p").any()
    lines: list[list[str]] = []
    sections: list[int] = []
    for variable in dict.fromkeys(counted["by"]):
        cells = counted[counted["by"] == variable]
        among = cells["population"].iloc[-1].partition(", ")[2]
        heading = table_1.heading_of(cells["group"])
        sections.append(len(lines))
        lines.append(
            [
                heading + (f" ({among})" if among else ""),
                *[""] * len(columns),
                *([printed_p(by_id.loc[f"table1.{variable}.p"])] if tested else []),
            ]
        )
        lines += [
            [
                name.removeprefix(f"{heading}: "),
                *[
                    n_percent(cell) if cell["statistic"] == "proportion" else median_and_quartiles(cell)
                    for _, cell in level.iterrows()
                ],
                *([""] if tested else []),
            ]
            for name, level in cells.groupby("group", sort=False)
        ]
    heads = ["Characteristic", *columns, *(["P"] if tested else [])]
    of_tests = rows[rows["statistic"] == "p"]
    tests = methods.how(of_tests, counts=False)
    rough = of_tests["note"].fillna("").str.contains("rough").any()
    marked = "; † small expected counts, a rough approximation" if rough else ""
    note = f" P: {tests.rstrip('.')} over known values{marked}." if tests else ""
    _shown(pd.DataFrame(lines, columns=heads), caption + note, sections)
    if "table1.left_out" in by_id.index:
        skip(by_id.loc["table1.left_out", "note"])


def factor_table(rows: pd.DataFrame, endpoint: str, caption: str) -> None:
    """Show the rows of :func:`analysis_lib.analyses.prognosis.univariable`: one line for each level compared
    with its reference.

    Medians stand with their events and patients; the reference is the level without a hazard ratio of its
    own, or the first. A number has no levels, and P is that of its hazard ratio.
    """
    require(rows)
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    of_numbers = (rows["statistic"] == "p") & cox_models.is_of_number(rows)
    lines, tests = [], (rows["method"] == methods.LOG_RANK) | of_numbers
    of_kind = {kind: rows[rows["statistic"] == kind] for kind in ("median time", "hazard ratio")}
    for _, test in rows[tests & (rows["endpoint"] == endpoint)].iterrows():
        levels, ratios = (of[of["by"] == test["by"]] for of in of_kind.values())
        if levels.empty:
            one = ratio_cell(ratios.iloc[0])
            lines.append(dict(zip(HEADS, [test["group"], "–", "–", one, bare_p(test)])))
            continue
        lines += _by_level(test, levels, ratios)
    shown = rows[rows["statistic"].isin(list(of_kind)) | tests]
    _shown(
        pd.DataFrame(lines),
        captioned(
            f"{caption} Median in months (events / patients), hazard ratio (HR), log-rank P"
            + (
                "."
                if rows.loc[tests, "method"].eq(methods.LOG_RANK).all()
                else "; of numbers, P of the ratio."
            ),
            methods.how(shown, counts=False),
        )
        + marks_told(rows),
    )


def _by_level(test: pd.Series, levels: pd.DataFrame, ratios: pd.DataFrame) -> list[dict]:
    """A line for each level of a factor that is held against the reference."""
    lines = []
    yes_no = set(levels["group"]) <= {"yes", "no"}
    without = levels[levels["group"] == "no"] if yes_no else levels.head(1)
    if len(ratios) and (~levels["level"].isin(ratios["level"])).sum() == 1:
        without = levels[~levels["level"].isin(ratios["level"])]
    for _, level in levels.drop(without.index).iterrows():
        ratio = ratios[ratios["level"] == level["level"]]
        against = without["group"].iloc[0] if len(without) else "others"
        plain = yes_no and against in ("no", "others")
        cells = [
            test["group"] + ("" if plain else f": {level['group']}, not {against}"),
            median_and_counts(level),
            median_and_counts(without.iloc[0]) if len(without) else "nobody",
            ratio_cell(ratio.iloc[0]) if len(ratio) else UNDEFINED,
            bare_p(test),
        ]
        lines.append(dict(zip(HEADS, cells)))
    return lines
