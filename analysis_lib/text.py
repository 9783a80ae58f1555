"""What a reader sees of result rows: numbers in words, sentences, tables. Formatting happens here, and only here."""

from __future__ import annotations

import html
import re
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
from IPython.display import HTML, Markdown, display

from analysis_lib import disclosure, methods, results
from analysis_lib.cohort import Cohort
from analysis_lib.results import STATISTICS

UNDEFINED = "not estimable"
NOT_SHOWN = "not shown (small numbers)"
TOO_SMALL = "the numbers are too small"
SHORT = 8  # characters of row names that leave the room to the other columns
MANY = 6  # columns that need smaller letters


def number(value: float, decimals: int) -> str:
    """Round half up, as journals do (2.25 gives 2.3)."""
    quantum = Decimal(1).scaleb(-decimals)
    return str(Decimal(repr(float(value))).quantize(quantum, ROUND_HALF_UP)).replace("-", "−")


def p_value(p: float | None) -> str:
    """``P = 0.61``, ``P = 0.004``, ``P < 0.001``."""
    if pd.isna(p):
        return f"P {UNDEFINED}"
    if p < 0.001:
        return "P < 0.001"
    return f"P = {number(p, 3 if p < 0.0995 else 2)}"


def estimate(row: pd.Series) -> str:
    """The value of a row with its unit, without limits."""
    kind = STATISTICS[row["statistic"]]
    if pd.isna(row["value"]) and results.hidden(row):
        return results.hidden(row).removeprefix("small numbers, ") if row["statistic"] in disclosure.COUNTS else NOT_SHOWN
    if row["statistic"] == "p":
        return p_value(row["value"])
    if pd.isna(row["value"]):
        return "not reached" if row["statistic"] == "median time" else UNDEFINED
    decimals = 0 if kind.unit == "" and float(row["value"]).is_integer() and kind.decimals == 1 else kind.decimals
    unit = "%" if kind.unit == "%" else f" {kind.unit}" if kind.unit else ""
    return number(row["value"], decimals) + unit


def limits(row: pd.Series) -> str:
    """The limits of a row, such as ``95% CI 6.3–18.6``; empty when it has none."""
    if pd.isna(row["lower"]) and pd.isna(row["upper"]):
        return ""
    kind = STATISTICS[row["statistic"]]
    missing = "not shown" if results.hidden(row) else "not reached" if row["statistic"] == "median time" else UNDEFINED
    whole = kind.decimals == 1 and kind.unit == "" and all(float(x).is_integer() for x in row[["lower", "upper"]].dropna())
    ends = [missing if pd.isna(end) else number(end, 0 if whole else kind.decimals) for end in row[["lower", "upper"]]]
    dash = "–" if missing not in ends and not ends[0].startswith("−") else " to "  # "−2.7–2.3" would puzzle
    return f"{kind.limits} {ends[0]}{dash}{ends[1]}"


def one_limit(row: pd.Series, which: str) -> str:
    """One limit of a row, ``lower`` or ``upper``, written as its value would be."""
    return estimate(pd.Series({"statistic": row["statistic"], "value": row[which], "note": row["note"]}))


def full(row: pd.Series) -> str:
    """The value of a row with its limits: ``9.8 months (95% CI 6.3–18.6)``."""
    return f"{estimate(row)} ({limits(row)})" if limits(row) else estimate(row)


def compact(row: pd.Series) -> str:
    """The value of a row with its limits and without unit: ``9.8 (6.3–NR)``; what they are stands elsewhere."""
    unit = STATISTICS[row["statistic"]].unit
    value = estimate(row).removesuffix(f" {unit}").removesuffix("%")
    ends = limits(row).removeprefix(STATISTICS[row["statistic"]].limits).strip()
    short = f"{value} ({ends})" if ends else value
    return short.replace(" to not reached", "–NR").replace("not reached", "NR").replace(NOT_SHOWN, "not shown")


def counted(row: pd.Series, which: str) -> str:
    """The ``n`` or the ``events`` of a row; in words where it is hidden, a dash where there is none."""
    if pd.notna(row[which]):
        return str(row[which])
    words = results.hidden(row)
    return words.removeprefix("small numbers, ") if which == "events" else words[words.find("fewer"):] if words else "–"


def share(row: pd.Series) -> str:
    """A proportion with its counts: ``93 of 120 (78%)``, ``fewer than 5 of 122``."""
    if pd.isna(row["events"]):
        return NOT_SHOWN if pd.isna(row["n"]) else f"{counted(row, 'events')} of {row['n']}"
    return f"{row['events']} of {row['n']} ({estimate(row)})" if row["n"] else "0 of 0"


def n_percent(row: pd.Series) -> str:
    """A proportion as Table 1 prints it: ``12 (48.0)``, and ``0 (0)``."""
    if pd.isna(row["events"]):
        return counted(row, "events").replace("fewer than", "<") or "–"
    if not row["n"]:
        return "–"
    return f"{row['events']} ({number(row['value'], 1) if row['events'] else 0})"


FORMATS = {
    "": estimate,
    "full": full,
    "limits": lambda row: limits(row) or (
        f"{STATISTICS[row['statistic']].limits} not shown" if results.hidden(row) or row["statistic"].startswith("range") else ""),
    "lower": lambda row: one_limit(row, "lower"),
    "upper": lambda row: one_limit(row, "upper"),
    "share": share,
    "n_percent": n_percent,
    "n": lambda row: counted(row, "n"),
    "events": lambda row: counted(row, "events"),
    "group": lambda row: row["group"],
    "method": lambda row: row["method"],
    "note": lambda row: row["note"].removeprefix("small numbers, "),
    "verdict": lambda row: row["note"] or UNDEFINED if pd.isna(row["value"]) else
    "a difference that chance alone would rarely produce" if row["value"] < 0.05 else "no clear difference",
}

SAY_IT_IS_HIDDEN = ("share", "n_percent", "n", "events", "group")  # formats that read well where a number is hidden


def _unsaid(row: pd.Series, style: str) -> bool:
    """Whether a sentence would speak of a number that is hidden or does not exist ("a median of not estimable")."""
    told = row[style] if style in ("lower", "upper") else row["value"]  # a prediction interval has limits only
    if pd.isna(told) and style in ("", "full", "limits", "lower", "upper") and row["statistic"] not in (
            "median time", "p", *disclosure.COUNTS):
        return True
    if style in ("share", "n_percent") and pd.isna(row["n"]):
        return True
    if style in SAY_IT_IS_HIDDEN or not results.hidden(row) or pd.notna(row["value"]):
        return False
    return style != "" or row["statistic"] not in disclosure.COUNTS


def sentence(rows: pd.DataFrame, template: str) -> str:
    """Fill ``{result_id}`` or ``{result_id:format}`` from rows; empty when a row that it names is absent or hidden.

    Formats: none (value), ``full`` (value and limits), ``limits``, ``lower``, ``upper``, ``share`` (a of b, percent),
    ``n_percent`` (a and percent with one decimal, as in Table 1), ``n``, ``events``,
    ``group``, ``method``, ``note``, ``verdict`` (a P value in words).
    """
    by_id = rows.set_index("result_id")
    fields = re.findall(r"\{([^{}:]+)(?::(\w+))?\}", template)
    if any(name not in by_id.index or _unsaid(by_id.loc[name], style) for name, style in fields):
        return ""
    filled = template
    for name, style in fields:
        shown = FORMATS[style](by_id.loc[name])
        filled = filled.replace("{" + name + (f":{style}" if style else "") + "}", shown, 1)
    filled = filled.replace(" ()", "")  # a test that was not done has no method
    if re.search(r"fewer than \d+ of fewer than", filled):
        return ""
    return filled[:1].upper() + filled[1:] if filled.startswith(("fewer than", "all but fewer")) else filled


def say(rows: pd.DataFrame, *templates: str) -> None:
    """Show sentences built from rows as one paragraph; sentences about absent rows are left out."""
    if reason := results.skip_reason(rows):
        return skip(reason)
    said = " ".join(filter(None, (sentence(rows, template) for template in templates)))
    if said:
        display(Markdown(said))
    elif any(results.hidden(row) for _, row in rows.iterrows()):
        skip(TOO_SMALL)
    else:
        skip("the numbers it would speak of do not exist in this cohort")


def too_small(rows: pd.DataFrame) -> str:
    """Why a table of these rows would say nothing: every number in it is hidden; else empty."""
    numbers = rows[rows["statistic"] != "skipped"]
    gone = [bool(results.hidden(row)) and pd.isna(row["value"]) for _, row in numbers.iterrows()]
    return TOO_SMALL if gone and all(gone) else ""


def markdown(words: str) -> str:
    """Words of a manifest as they stand, for Markdown: nothing in them is a link, a tag, mathematics or a role."""
    return re.sub(r"([\\`*_{}\[\]<>$|~&!@#^])", r"\\\1", words)


def skip(reason: str) -> None:
    """Say that something is not shown, and why."""
    display(HTML(f'<p class="skip-note">Not shown: {html.escape(reason)}.</p>'))


def table(frame: pd.DataFrame, caption: str, sections=(), rows: pd.DataFrame | None = None) -> None:
    """Show a frame of finished text as an accessible table; its first column names the rows.

    ``sections`` are the positions of rows that head those below them; ``rows`` the result rows that the frame was made of,
    whose methods end the caption.
    """
    if reason := results.skip_reason(frame):
        return skip(reason)
    told = "" if rows is None else methods.how(rows, counts=False)
    display(HTML(html_table(frame, captioned(caption, told), sections)))


def html_table(frame: pd.DataFrame, caption: str, sections=()) -> str:
    """A frame as an HTML table with caption, column headers and row headers; all text is escaped."""
    head = "".join(f'<th scope="col">{html.escape(str(column))}</th>' for column in frame.columns)
    level = ' class="level"' if len(sections) else ""
    body = "".join(
        ('<tr class="section">' if line in sections else "<tr>") + "".join(
            f'<th scope="row"{"" if line in sections else level}>{html.escape(str(cell))}</th>' if place == 0
            else f"<td>{html.escape(str(cell))}</td>" for place, cell in enumerate(cells)) + "</tr>"
        for line, cells in enumerate(frame.itertuples(index=False)))
    room = " short" if frame.iloc[:, 0].astype(str).str.len().max() <= SHORT else ""
    room += " many" if len(frame.columns) >= MANY else ""
    return (f'<div class="table-wrap" tabindex="0"><table class="rows{room}"><caption>{html.escape(caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def markdown_table(heads: list[str], lines: list[list[str]], caption: str) -> list[str]:
    """A table whose cells are Markdown, with links and citations, as the lines of a page; its first column names the rows."""
    if not lines:
        return ["There is none in this book.", ""]
    cells = [f"{'* -' if place == 0 else '  -'} {cell}" for line in [heads, *lines] for place, cell in enumerate(line)]
    return [f"```{{list-table}} {caption}", ":header-rows: 1", ":stub-columns: 1", "", *cells, "```", ""]


def rows_table(rows: pd.DataFrame, caption: str, label: str = "group", **columns: str) -> None:
    """Show rows as a table: one line a row, with ``label`` first and one column for each ``heading=format``.

    Example: ``rows_table(medians, "Median OS2", n="n", events="events", median="full")``.
    """
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    shown = pd.DataFrame({"": rows[label].replace("", "All")} | {
        heading[0].upper() + heading[1:].replace("_", " "): [FORMATS[style](row) for _, row in rows.iterrows()]
        for heading, style in columns.items()})
    styles = {label, *columns.values()}
    told = "" if "method" in styles else methods.how(rows, intervals=bool(styles & {"full", "limits", "lower", "upper"}),
                                                     counts=not styles & {"n", "share", "n_percent"})
    table(shown.rename(columns={"": rows.attrs.get("label", "Group")}), captioned(caption, told))


def captioned(caption: str, told: str) -> str:
    """A caption that says what something is, followed by how it was made; see :func:`analysis_lib.methods.how`."""
    return f"{caption.rstrip('.')}. {told}" if told else caption


def cross_table(rows: pd.DataFrame, caption: str, corner: str) -> None:
    """Show rows as a table with a line for each first part of the ids (in capitals) and a column for each group.

    Below it stands what was skipped, and why.
    """
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    line = rows["result_id"].str.split(".").str[0].str.upper()
    gone = rows["statistic"] == "skipped"
    cells = pd.DataFrame({corner: line, "group": rows["group"], "cell": [estimate(row) for _, row in rows.iterrows()]})[~gone]
    wide = cells.pivot(index=corner, columns="group", values="cell").reindex(
        index=cells[corner].unique(), columns=cells["group"].unique()).fillna("–")
    table(wide.reset_index().rename(columns=lambda name: name[:1].upper() + name[1:]), caption)
    if gone.any():
        skip("; ".join(f"{name} ({why})" for name, why in zip(line[gone], rows.loc[gone, "note"])))


def compared_table(rows: pd.DataFrame, caption: str, corner: str) -> None:
    """Show rows as a table with a line for each group and a column for each population; a group's P value stands last.

    Proportions are shown with their counts, everything else with its limits; what was skipped is left to :func:`left_out`.
    """
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    rows = rows[rows["statistic"] != "skipped"]
    tested = rows["statistic"] == "p"
    shown = [share(row) if row["statistic"] == "proportion" else full(row) for _, row in rows[~tested].iterrows()]
    wide = rows[~tested].assign(cell=shown).pivot(index="group", columns="population", values="cell")
    wide = wide.reindex(index=rows["group"].unique(), columns=rows.loc[~tested, "population"].unique()).fillna("–")
    if tested.any():
        p = {row["group"]: _bare_p(row) for _, row in rows[tested].iterrows()}
        wide["P"] = [p.get(group, "–") for group in wide.index]
    table(wide.reset_index(names=corner).rename(columns=lambda name: name[:1].upper() + name[1:]),
          captioned(caption, methods.how(rows, intervals=False, counts=(rows.loc[~tested, "statistic"] != "proportion").any())))


def characteristics(rows: pd.DataFrame, caption: str) -> None:
    """Show the rows of :func:`analysis_lib.describe.table_1` as the paper prints them; a dagger marks a rough P value."""
    if reason := too_small(rows):
        return skip(reason)
    by_id = rows.set_index("result_id")
    sizes = rows[rows["result_id"].str.startswith("table1.n.")]
    columns = {name.split(".")[-1]: f"{'All' if name.endswith('.all') else whose} (n = {estimate(by_id.loc[name])})"
               for name, whose in zip(sizes["result_id"], sizes["population"])}
    counted, tested = rows[rows["statistic"] == "proportion"], (rows["statistic"] == "p").any()
    variable_of = counted["result_id"].str.split(".").str[1]
    lines, sections = [], []
    for variable in dict.fromkeys(variable_of):
        cells = counted[variable_of == variable]
        among = cells["population"].iloc[-1].partition(", ")[2]
        heading = cells["group"].iloc[0].partition(": ")[0] + (f" ({among})" if among else "")
        sections.append(len(lines))
        lines.append([heading, *[""] * len(columns), *([_printed_p(by_id.loc[f"table1.{variable}.p"])] if tested else [])])
        lines += [[name.partition(": ")[2], *[n_percent(cell) for _, cell in level.iterrows()], *([""] if tested else [])]
                  for name, level in cells.groupby("group", sort=False)]
    heads = ["Characteristic", *columns.values(), *(["P"] if tested else [])]
    tests = methods.how(rows[rows["statistic"] == "p"], counts=False)
    note = f" P: {tests.rstrip('.')} over known values; † small expected counts, a rough approximation." if tests else ""
    table(pd.DataFrame(lines, columns=heads), caption + note, sections)
    if "table1.left_out" in by_id.index:
        skip(by_id.loc["table1.left_out", "note"])


def _printed_p(row: pd.Series) -> str:
    """A P value for a narrow column: ``0.298``, ``< 0.001 †`` when too many expected counts were small."""
    if results.hidden(row):
        shown = "not shown"
    elif pd.isna(row["value"]):
        shown = "–"
    else:
        shown = "< 0.001" if row["value"] < 0.001 else number(row["value"], 3)
    return shown + (" †" if "rough" in row["note"] else "")


def factor_table(rows: pd.DataFrame, endpoint: str, caption: str) -> None:
    """Show the rows of :func:`analysis_lib.survival.univariable`: one line for each level compared with its reference.

    Medians stand with their events and patients; the reference is ``no``, or the first level of a factor.
    """
    if reason := results.skip_reason(rows) or too_small(rows):
        return skip(reason)
    prefix, by_id, lines = endpoint.lower(), rows.set_index("result_id", drop=False), []
    for test_id in (i for i in rows["result_id"] if i.startswith(f"{prefix}.logrank.")):
        factor = test_id.rpartition(".")[2]
        levels = rows[rows["result_id"].str.startswith(f"{prefix}.median.{factor}.")]
        yes_no = set(levels["group"]) <= {"yes", "no"}
        without = levels[levels["group"] == "no"] if yes_no else levels.head(1)
        for _, level in levels.drop(without.index).iterrows():
            term = factor if yes_no else level["result_id"].removeprefix(f"{prefix}.median.")
            ratio = f"cox.{prefix}.uv.{term}"
            lines.append({
                "Factor": by_id.loc[test_id, "group"] + ("" if yes_no else f": {level['group']}, not {without['group'].iloc[0]}"),
                "With": _median_and_counts(level),
                "Without": _median_and_counts(without.iloc[0]) if len(without) else "nobody",
                "HR (95% CI)": _ratio(by_id.loc[ratio]) if ratio in by_id.index else UNDEFINED,
                "P": _bare_p(by_id.loc[test_id])})
    shown = rows[rows["statistic"].isin(["median time", "hazard ratio"]) | rows["result_id"].str.contains(".logrank.", regex=False)]
    table(pd.DataFrame(lines), captioned(f"{caption} Median in months (events / patients), hazard ratio (HR), log-rank P.",
                                         methods.how(shown, counts=False)) + marks_told(rows))


def _bare_p(row: pd.Series) -> str:
    """A P value for a column that is headed P: ``0.61``, ``< 0.001``."""
    return estimate(row).removeprefix("P ").removeprefix("= ").replace(NOT_SHOWN, "not shown")


def _median_and_counts(row: pd.Series) -> str:
    median = estimate(row).removesuffix(" months").replace(NOT_SHOWN, "not shown")
    return f"{median} ({counted(row, 'events')} / {counted(row, 'n')})".replace("fewer than", "<")


def _ratio(row: pd.Series) -> str:
    if not limits(row):
        return "not shown" if results.hidden(row) else UNDEFINED
    return f"{estimate(row)} ({limits(row).removeprefix('95% CI ')}){mark(row)}"


def mark(row: pd.Series) -> str:
    """A dagger after an estimate that bears Firth's penalty; nothing after others."""
    return " †" if "Firth" in row["method"] else ""


def marks_told(rows: pd.DataFrame) -> str:
    """What the daggers of :func:`mark` mean, to end a caption; empty where there is none."""
    notes = dict.fromkeys(row["note"] or "one of the groups has no event, so the estimate bears Firth's penalty"
                          for _, row in rows.iterrows() if row["statistic"] == "hazard ratio" and mark(row))
    return f" † {'; '.join(notes)}." if notes else ""


def left_out(rows: pd.DataFrame) -> None:
    """Say why parts of an analysis are missing; nothing when none is."""
    if notes := list(dict.fromkeys(rows.loc[rows["statistic"] == "skipped", "note"])):
        skip("; ".join(notes))


def noticed(rows: pd.DataFrame) -> None:
    """Show the rows of :func:`analysis_lib.checks.noticed` as a list, a line for each thing that was odd; nothing when none was."""
    if rows.empty:
        return
    lines = []
    for _, row in rows.iterrows():
        number = row["note"] if pd.isna(row["value"]) else estimate(row)
        patients = "patient" if number == "1" else "patients"
        lines.append(f"<li>{html.escape(row['group'])}{f': {number} {patients}' if number else ''}.</li>")
    display(HTML(f"<ul>{''.join(lines)}</ul>"))


def about(study: Cohort) -> None:
    """Say whose numbers the page holds; a synthetic cohort is called that wherever it shows."""
    display(HTML(about_html(study)))


def about_html(study: Cohort) -> str:
    """The note that :func:`about` shows."""
    who = f"<strong>{html.escape(study.title)}: {disclosure.patients_in_words(study)}.</strong>"
    note = "".join(f" {html.escape(each)}" for each in (study.note, disclosure.in_words(study)) if each)
    if not study.synthetic:
        return f'<div class="cohort-note">{who}{note}</div>'
    return (f'<div class="synthetic-note">{who} These patients are synthetic, made to be consistent with the numbers that '
            f"the paper prints: agreement with the paper is by construction and is no evidence.{note}</div>")
