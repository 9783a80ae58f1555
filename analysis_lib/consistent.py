"""Many cohorts, each as consistent with the paper as the bundled one: what they agree on, the paper determines.

The cohorts are committed as three tables with a column ``cohort`` (1, 2, ...); beside them stand the result rows that
the book's own chapters give for each. ``python -m analysis_lib.reconstruction.many`` made them.

Sampling stopped at the first cohort that met the printed numbers, so the cohorts are no sample of any distribution:
they give ranges, never probabilities, and the true range can only be wider.
"""

from __future__ import annotations

import html
import re
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from IPython.display import HTML, display

from analysis_lib import results, schema, survival, text
from analysis_lib.cohort import DAYS_PER_MONTH, Cohort, read_cohort
from analysis_lib.manifest import BUNDLED
from analysis_lib.paper import ledger
from analysis_lib.results import row, slug

FOLDER = BUNDLED / "consistent"
TABLES = ("patients", "sites", "lines")
# A result is determined if the cohorts differ by at most a tenth of its confidence interval, partly up to a half.
NARROW, WIDE = 0.1, 0.5
VERDICTS = ("determined", "partly determined", "not determined")
ENDPOINTS = {"lc": "Local control", "osrt": "OS from radiotherapy", "dor": "Duration of response",
             "further": "Therapy after radiotherapy,", "context": "Published series,"}
MODELS = {"uv": "single factor", "mv": "several factors"}
TOPICS = {  # chapter 9, whose rows say in their group what they are
    "immortal": "Second modality or response", "failure": "Local failure", "weighted": "OS2, systemic therapy against radiotherapy",
    "field": "OS from radiotherapy, focal against comprehensive fields", "dose": "OS from radiotherapy, low against high dose",
    "missing": "Bulky disease", "collinear": "OS2 with IPI", "rmst": "Restricted mean", "design": "Two groups"}
PROFILE = ["salvage_regimen", "ldh_elevated", "advanced_stage", "poor_performance", "responder"]


# --- the cohorts and their rows -------------------------------------------------------------------------------

def numbers() -> list[int]:
    """The numbers of the committed cohorts."""
    return sorted(pd.read_parquet(FOLDER / "patients.parquet", columns=["cohort"])["cohort"].unique().tolist())


def tables(number: int) -> dict[str, pd.DataFrame]:
    """The tables of one of the cohorts, as a hospital would have them."""
    return {name: pd.read_parquet(FOLDER / f"{name}.parquet", filters=[("cohort", "==", number)]).drop(columns="cohort")
            for name in TABLES}


def hand_over(tables: dict[str, pd.DataFrame], number: int, folder: Path) -> Path:
    """Write these tables and a manifest that names them; returns the manifest."""
    for name in TABLES:
        tables[name].to_csv(folder / f"{name}.csv", index=False)
    manifest = {"name": f"consistent-{number}", "title": f"Consistent cohort {number} (synthetic)", "synthetic": "true",
                "tables": {name: f"{name}.csv" for name in TABLES}}
    (folder / "cohort.yml").write_text(yaml.safe_dump(manifest, sort_keys=False), "utf-8")
    return folder / "cohort.yml"


def read(number: int) -> Cohort:
    """One of the cohorts."""
    with tempfile.TemporaryDirectory() as folder:
        return read_cohort(hand_over(tables(number), number, Path(folder)))


def rows() -> pd.DataFrame:
    """The committed result rows of all cohorts."""
    return pd.read_parquet(FOLDER / "rows.parquet")


# --- what they agree on ---------------------------------------------------------------------------------------

def ranges(every: pd.DataFrame) -> pd.DataFrame:
    """For each result that every cohort has, its lowest and highest value and whether the paper determines it.

    Returns
    -------
    pandas.DataFrame
        ``chapter, result_id, population, group, statistic, lowest, highest`` (infinite: a median not reached), ``share``
        (of the confidence interval that the range takes up; hazard ratios on the log scale), ``verdict``, ``printed``
        (whether the paper prints it). P values have no interval: they are determined when all lie on the same side of
        0.05 and within a factor of 1.5, partly when on the same side only.
    """
    shown = every[every["statistic"] != "skipped"]
    printed = set(ledger.read_claims()["result_id"])
    lines = [_range(result_id, of, result_id in printed) for result_id, of in shown.groupby("result_id", sort=False)
             if of["cohort"].nunique() == every["cohort"].nunique()]
    return pd.DataFrame(lines).dropna(subset=["lowest"]).reset_index(drop=True)


def _range(result_id: str, of: pd.DataFrame, printed: bool) -> dict:
    first = of.iloc[0]
    value = of["value"].astype(float)
    if first["statistic"] == "median time":
        value = value.fillna(np.inf)
    if value.isna().any():  # in some cohort nobody is followed that long: there is nothing to compare
        value = value * np.nan
    share = _share_of_interval(of, value, first["statistic"])
    return {"chapter": first["chapter"], "result_id": result_id, "population": first["population"], "group": first["group"],
            "statistic": first["statistic"], "lowest": value.min(), "highest": value.max(), "share": share,
            "verdict": _verdict(share), "printed": printed}


def _share_of_interval(of: pd.DataFrame, value: pd.Series, statistic: str) -> float:
    """How much of the confidence interval (its median width) the range of the estimates takes up; 0 when all agree."""
    if value.nunique(dropna=False) <= 1:
        return 0.0
    if statistic == "p":  # P values have no interval: do they all lie on one side of 0.05, and near each other?
        one_side = (value < 0.05).all() or (value >= 0.05).all()
        return np.inf if not one_side else NARROW if value.max() <= 1.5 * value.min() else WIDE
    lower, upper = of["lower"].astype(float), of["upper"].astype(float)
    if lower.isna().all() or upper.isna().all():
        return np.inf
    if statistic in ("hazard ratio", "odds ratio"):
        value, lower, upper = np.log(value), np.log(lower), np.log(upper)
    width = (upper - lower).median()
    spread = value.max() - value.min()
    return float(spread / width) if np.isfinite(spread) and width > 0 else np.inf


def _verdict(share: float) -> str:
    return VERDICTS[0] if share <= NARROW else VERDICTS[1] if share <= WIDE else VERDICTS[2]


def open_results(every: pd.DataFrame) -> pd.DataFrame:
    """The ranges of estimates with an interval, and of P values, that the paper does not print."""
    found = ranges(every)
    kinds = ["median time", "rate", "restricted mean", "hazard ratio", "p"]
    return found[~found["printed"] & found["statistic"].isin(kinds)].reset_index(drop=True)


def tally(open_: pd.DataFrame) -> pd.DataFrame:
    """How many results that the paper does not print are determined: rows ``determined.<verdict>``."""
    counts = open_["verdict"].value_counts()
    return results.collect([row(slug("determined", verdict), "proportion", 100 * counts.get(verdict, 0) / len(open_),
                                n=len(open_), events=int(counts.get(verdict, 0)), group=verdict,
                                population="results that the paper does not print", method="range over the consistent cohorts")
                            for verdict in VERDICTS])


def printed_medians(prefix: str) -> dict[str, float]:
    """The medians, in months, that the paper prints below an id (``os2.median.salvage_sequence``), by group."""
    groups = rows().drop_duplicates("result_id").set_index("result_id")["group"]
    claims = ledger.read_claims()
    claims = claims[claims["result_id"].str.startswith(f"{prefix}.") & (claims["field"] == "value") & (claims["printed"] != "NR")]
    return {groups[claim.result_id]: float(claim.printed) for claim in claims.itertuples()}


def show(open_: pd.DataFrame, verdict: str, caption: str) -> None:
    """Show the ranges of one verdict, the widest first."""
    of = open_[open_["verdict"] == verdict].sort_values("share", ascending=False, kind="stable")
    if of.empty:
        return text.skip(f"no result is {verdict}")
    text.table(_lines(of), caption)


def _lines(of: pd.DataFrame) -> pd.DataFrame:
    """Ranges as finished text: ``Result, Lowest, Highest, Range / interval``."""
    ends = {end: [text.estimate(pd.Series({"statistic": one.statistic, "value": None if np.isinf(getattr(one, end)) else
                                           getattr(one, end)})) for one in of.itertuples()] for end in ("lowest", "highest")}
    share = ["" if kind == "p" else "no limit" if np.isinf(q) else text.number(q, 2) for kind, q in zip(of["statistic"], of["share"])]
    return pd.DataFrame({"Result": [name_of(one.result_id, one.group) for one in of.itertuples()], "Lowest": ends["lowest"],
                         "Highest": ends["highest"], "Range / interval": share})


def beside(study: Cohort, chapter_rows: pd.DataFrame) -> None:
    """Show the range that the consistent cohorts leave for those results of a chapter that the paper does not print.

    On other cohorts than the reconstructed, nothing. ``chapter_rows`` are the chapter's saved rows.
    """
    if study.name != ledger.RECONSTRUCTED:
        return
    open_ = open_results(rows())
    mine = open_[open_["result_id"].isin(chapter_rows["result_id"])]
    if mine.empty:
        return
    here = chapter_rows.set_index("result_id")
    lines = _lines(mine)
    lines.insert(1, "Here", [text.estimate(here.loc[one]) for one in mine["result_id"]])
    counts = mine["verdict"].value_counts()
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    table = text.html_table(lines.assign(Verdict=mine["verdict"].to_numpy()),
                            "What the paper does not print: this cohort's result, and the range over all consistent cohorts.")
    display(HTML(f'<details class="beside"><summary>What the paper leaves open: {len(mine)} results of this chapter that it does '
                 f"not print, {html.escape(said)}</summary>{table}</details>"))


def name_of(result_id: str, group: str) -> str:
    """What a result is called: ``OS2 at 12 months, Salvage regimen: RT`` for ``os2.rate12.salvage_regimen.rt``."""
    first, *rest = result_id.split(".")
    if first in TOPICS:
        return f"{TOPICS[first]}{_of_topic(first, rest)}: {group[:1].lower() + group[1:] if group[1:2].islower() else group}"
    if first == "cox":
        endpoint, model, *term = rest
        kind = "test of proportional hazards" if term[0] == "ph" else "P of the hazard ratio" if term[-1] == "p" else "hazard ratio"
        return f"{ENDPOINTS.get(endpoint, endpoint.upper())}, {MODELS.get(model, model)}, {group}: {kind}"
    of = ENDPOINTS.get(first, first.upper())
    kind = re.sub(r"^rate(\d+)$", r"at \1 months", rest[0]).replace("logrank", "log-rank test").replace("_", " ")
    by = [schema.label_of(rest[1])] if len(rest) > 1 and rest[1] != slug(group) else []
    if by and (not group or kind == "log-rank test"):
        return f"{of} {kind}, {by[0]}"
    return ", ".join(filter(None, [f"{of} {kind}", ": ".join(filter(None, [*by, group]))]))


def _of_topic(topic: str, rest: list[str]) -> str:
    """What a result of chapter 9 needs said beside its group: endpoint, first modality, or what the model holds."""
    if topic == "immortal":
        return {"st": ", systemic therapy first", "rt": ", radiotherapy first"}.get(rest[0], "")
    if topic in ("missing", "rmst"):
        return f", {rest[0].upper()}" + (", adjusted" if rest[-1] == "adjusted" else "")
    return ", hazard ratio that its events show" if rest[-1] == "detectable" else ""


def say(study: Cohort, *templates: str) -> None:
    """On the reconstructed cohort, sentences about ranges: ``{result_id:lower}`` and ``{result_id:upper}`` are the lowest and
    highest value of a result over the consistent cohorts. A sentence about a result that some of them lack is left out.
    """
    if study.name != ledger.RECONSTRUCTED:
        return
    named = set(re.findall(r"\{([^{}:]+):(?:lower|upper)\}", " ".join(templates)))
    every = rows()
    count = every["cohort"].nunique()
    of = every[every["result_id"].isin(named) & (every["statistic"] != "skipped")]
    of = of[of.groupby("result_id")["cohort"].transform("nunique") == count]
    if of.empty:
        return
    spans = results.collect([row(one.result_id, one.statistic, None, lower=None if np.isinf(one.lowest) else one.lowest,
                                 upper=None if np.isinf(one.highest) else one.highest) for one in ranges(of).itertuples()])
    if said := " ".join(filter(None, (text.sentence(spans, template) for template in templates))):
        display(HTML(f'<div class="cohort-note"><strong>Over all {count} consistent cohorts</strong> (synthetic patients, each set '
                     f"printing the paper's numbers): {html.escape(said)}</div>"))


def range_rows(open_: pd.DataFrame) -> pd.DataFrame:
    """The ranges as result rows ``range.<result_id>``: lower and upper are the lowest and highest value over the cohorts."""
    return results.collect([row(f"range.{one.result_id}", "estimate", None if np.isinf(one.lowest) else one.lowest,
                                lower=None if np.isinf(one.lowest) else one.lowest,
                                upper=None if np.isinf(one.highest) else one.highest, population=one.population,
                                group=one.group, method="lowest and highest over the consistent cohorts", note=one.verdict)
                            for one in open_.itertuples()])


def adjusted(studies: dict[int, Cohort]) -> pd.DataFrame:
    """The question the paper leaves open: OS2 after systemic therapy alone against radiotherapy alone, given stage and LDH.

    Returns
    -------
    pandas.DataFrame
        Rows ``adjusted.<cohort>`` (hazard ratio, its interval), and ``adjusted.range``: lowest and highest of the hazard
        ratios, and in ``events`` of ``n`` cohorts the interval leaves out 1.
    """
    factors = ["salvage_regimen", "advanced_stage", "ldh_elevated"]
    fitted = {n: survival.cox(study, "OS2", factors, "adjusted").set_index("result_id") for n, study in studies.items()}
    found = pd.DataFrame({n: rows.loc["cox.os2.adjusted.salvage_regimen.st"] for n, rows in fitted.items()}).T
    value, lower, upper = (found[c].astype(float) for c in ("value", "lower", "upper"))
    each = [row(f"adjusted.{n}", "hazard ratio", one["value"], lower=one["lower"], upper=one["upper"], n=one["n"],
                events=one["events"], group=f"Cohort {n}", method=one["method"]) for n, one in found.iterrows()]
    return results.collect([*each, row("adjusted.range", "hazard ratio", value.median(), lower=value.min(), upper=value.max(),
                                       n=len(found), events=int(((lower > 1) | (upper < 1)).sum()),
                                       population="consistent cohorts", group="Lowest and highest", method="Cox model, Efron ties",
                                       note="systemic therapy alone against radiotherapy alone, given stage and LDH")])


# --- how different they are -----------------------------------------------------------------------------------

def diversity(studies: dict[int, Cohort]) -> pd.DataFrame:
    """How far apart the cohorts are, pair by pair, without regard to the order of patients.

    ``consistent.cohorts``; ``consistent.profiles``: share of patients whose profile (regimen, LDH, stage, performance,
    response) differs between two cohorts, total variation distance; ``consistent.curves``: largest vertical distance
    between the OS2 curves of a regimen in two cohorts, in percentage points, the largest over the regimens. Median and
    range over the pairs.
    """
    profiles = {n: study.patients.groupby(PROFILE, observed=True).size() for n, study in studies.items()}
    curves = {n: survival.curves(study, "OS2", by="salvage_regimen") for n, study in studies.items()}
    pairs = list(combinations(studies, 2))
    distance = [(profiles[a].sub(profiles[b], fill_value=0)).abs().sum() / (2 * profiles[a].sum()) for a, b in pairs]
    apart = [max(_apart(curves[a], curves[b], group) for group in curves[a]["group"].unique()) for a, b in pairs]
    method = "median and range over all pairs of cohorts"
    return results.collect([
        row("consistent.cohorts", "count", len(studies), population="consistent cohorts"),
        row("consistent.profiles", "range", 100 * float(np.median(distance)), lower=100 * min(distance), upper=100 * max(distance),
            n=len(pairs), population="pairs of cohorts", method=method, note="percent of patients"),
        row("consistent.curves", "range", float(np.median(apart)), lower=min(apart), upper=max(apart), n=len(pairs),
            population="pairs of cohorts", method=method, note="percentage points")])


def _apart(one: pd.DataFrame, other: pd.DataFrame, group: str) -> float:
    """The largest vertical distance between two curves of a group, over the days on which both are followed."""
    one, other = (curve[curve["group"] == group] for curve in (one, other))
    days = np.arange(0, min(one["days"].max(), other["days"].max()) + 1)
    return float(np.abs(height(one, days) - height(other, days)).max())


def height(curve: pd.DataFrame, days) -> np.ndarray:
    """Percent event-free on each day."""
    place = np.searchsorted(curve["days"].to_numpy(), days, side="right") - 1
    return 100 * curve["survival"].to_numpy()[place]


def envelope(studies: dict[int, Cohort], name: str, by: str) -> pd.DataFrame:
    """Every cohort's curves of an endpoint on a grid of days, for :func:`analysis_lib.figures.envelope`.

    Returns
    -------
    pandas.DataFrame
        ``cohort, group, months, percent``; a curve ends with its last follow-up.
    """
    drawn = []
    for number, study in studies.items():
        curves = survival.curves(study, name, by=by)
        for group, curve in curves.groupby("group", sort=False):
            days = np.arange(0, curve["days"].max() + 1, 5)
            drawn.append(pd.DataFrame({"cohort": number, "group": group, "months": days / DAYS_PER_MONTH,
                                       "percent": height(curve, days)}))
    stacked = pd.concat(drawn).reset_index(drop=True)
    stacked.attrs["label"] = curves.attrs["label"]
    return stacked
