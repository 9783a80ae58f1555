"""Describe a cohort: participant flow, Table 1 and its tests, responses, failure; proportions and medians.

Functions that take a cohort return result rows, or the row that says why there are none.
"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from analysis_lib import disclosure, endpoints, results, schema
from analysis_lib.cohort import DAYS_PER_MONTH, Cohort
from analysis_lib.methods import SEED
from analysis_lib.results import row, slug

WITHOUT_CNS = "patients without CNS disease"  # those among whom bulk is measured
# Table 1 in the paper's order: column, heading, and what its levels are called where yes and no do not do.
TABLE_1 = {
    "bridging_therapy": ("Bridging therapy", {}),
    "car_t_product": ("CAR T product", {}),
    "best_response": ("Best response", {}),
    "cns_disease": ("CNS disease", {}),
    "bulky_disease": ("Bulky disease", {"yes": "5 cm or more", "no": "less than 5 cm"}),
    "two_or_more_sites": ("Number of disease sites", {"yes": "2 or more", "no": "fewer than 2"}),
    "extranodal_disease": ("Extranodal disease", {}),
    "ecog": ("ECOG performance status", {}),
    "stage": ("Stage", {}),
    "ldh_elevated": ("Elevated LDH", {}),
    "ipi": ("IPI", {}),
    "last_disease_status": ("Disease status at last follow-up", {}),
    "vital_status": ("Vital status", {}),
}
CAR_T_ONLY = ("bridging_therapy", "car_t_product")  # absent, these are not missed when day 0 is something else


# --- building blocks ------------------------------------------------------------------------------------------


def proportion(result_id: str, events: int, n: int, **labels) -> dict:
    """A share in percent with its exact interval (Clopper and Pearson 1934); undefined when ``n`` is 0."""
    if n == 0:
        return row(result_id, "proportion", None, n=0, events=0, note="nobody to count", **labels)
    interval = stats.binomtest(int(events), int(n)).proportion_ci(0.95, method="exact")
    return row(result_id, "proportion", 100 * events / n, lower=100 * interval.low, upper=100 * interval.high,
               n=int(n), events=int(events), method="exact binomial interval", **labels)


def proportions(values: pd.Series, prefix: str, **labels) -> list[dict]:
    """The share of each level that occurs among the known values: rows ``<prefix>.<level>`` with the level as group."""
    known = values.dropna()
    levels = known.dtype.categories if isinstance(known.dtype, pd.CategoricalDtype) else sorted(known.unique())
    return [proportion(slug(prefix, level), int((known == level).sum()), len(known), group=str(level), **labels)
            for level in levels if (known == level).any()]


def spread(result_id: str, values: pd.Series, limits: str = "IQR", days: bool = False, **labels) -> dict:
    """The median of the known values with their quartiles (type 7) or, with ``limits="range"``, extremes.

    ``days=True`` says that the values are whole days; the row is in months.
    """
    known = values.dropna().astype(float) / (DAYS_PER_MONTH if days else 1)
    statistic = {"IQR": "median", "range": "range"}[limits] + (" months" if days else "")
    if known.empty:
        return row(result_id, statistic, None, n=0, note="no value is known", **labels)
    ends = (0.25, 0.75) if limits == "IQR" else (0, 1)
    return row(result_id, statistic, known.median(), lower=known.quantile(ends[0]), upper=known.quantile(ends[1]),
               n=len(known), method="median and quartiles (type 7)" if limits == "IQR" else "median and extremes", **labels)


def association(frame: pd.DataFrame, column: str, by: str, result_id: str, exact_if_sparse: bool = False, least: int = 0,
                **labels) -> dict:
    """Test whether a categorical column differs between groups; missing values are left out.

    Pearson's chi-square without continuity correction; with ``exact_if_sparse``, Fisher's exact test when a 2 x 2
    table has an expected count below 5. The note tells of expected counts below 5, and calls the test rough by
    Cochran's rule (1954): more than a fifth of them below 5, or one below 1. A cell below ``least`` hides the P value, even
    a rounded one would narrow the cell down.
    """
    counts = pd.crosstab(frame[column].astype("string"), frame[by].astype("string"))
    labels = {"group": schema.label_of(column), "n": int(counts.to_numpy().sum())} | labels
    if counts.shape[0] < 2 or counts.shape[1] < 2:
        return row(result_id, "p", None, note="nothing to compare: all patients alike, or fewer than two groups", **labels)
    if least > 1 and counts.to_numpy().min() < least:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    test = stats.chi2_contingency(counts, correction=False)
    low = int((test.expected_freq < 5).sum())
    if exact_if_sparse and low and counts.shape == (2, 2):
        return row(result_id, "p", stats.fisher_exact(counts).pvalue, method="Fisher's exact test", **labels)
    rough = low > 0.2 * counts.size or (test.expected_freq < 1).any()
    warning = f"; {low} of {counts.size} expected counts below 5{': a rough approximation' if rough else ''}" if low else ""
    return row(result_id, "p", test.pvalue, method="Pearson chi-square",
               note=f"chi-square {test.statistic:.2f}, {test.dof} df{warning}", **labels)


def rank_test(frame: pd.DataFrame, column: str, by: str, result_id: str, least: int = 0, **labels) -> dict:
    """Mann-Whitney test of a quantity between two groups of at least ``least``; missing values are left out."""
    known = frame[frame[column].notna() & frame[by].notna()]
    groups = [group.astype(float) for _, group in known.groupby(by, observed=True)[column]]
    labels = {"group": schema.label_of(column), "n": len(known), "method": "Mann-Whitney test"} | labels
    if len(groups) != 2:
        return row(result_id, "p", None, note="there are not two groups to compare", **labels)
    if min(map(len, groups)) < least:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    return row(result_id, "p", stats.mannwhitneyu(*groups, method="asymptotic").pvalue, **labels)


def association_by_permutation(frame: pd.DataFrame, column: str, by: str, result_id: str, seed: int = SEED,
                               least: int = 0, **labels) -> dict:
    """The test of :func:`association` without its large-sample approximation, for tables with small counts.

    How often 9999 random reshufflings of the patients among the groups give a chi-square at least as large; the
    seed makes the answer repeatable.
    """
    known = frame[frame[column].notna() & frame[by].notna()]
    counts = pd.crosstab(known[column].astype("string"), known[by].astype("string"))
    method = f"permutation test of the chi-square (9999 reshufflings, seed {seed})"
    labels = {"group": schema.label_of(column), "n": len(known), "method": method} | labels
    if counts.shape[0] < 2 or counts.shape[1] < 2:
        return row(result_id, "p", None, note="nothing to compare: all patients alike, or fewer than two groups", **labels)
    if least > 1 and counts.to_numpy().min() < least:
        return row(result_id, "p", None, note=disclosure.too_few(least), **labels)
    shuffle = stats.PermutationMethod(n_resamples=9999, rng=seed)
    p = stats.chi2_contingency(counts, correction=False, method=shuffle).pvalue
    return row(result_id, "p", p, **labels)


# --- the cohort and its flow ----------------------------------------------------------------------------------

@disclosure.protected
def flow(study: Cohort) -> pd.DataFrame:
    """How the patients came to be in the cohort, and which treatment they went on to.

    Returns
    -------
    pandas.DataFrame
        Counts of patients, as far as the cohort knows them: ``flow.database`` (all screened),
        ``flow.not_included`` and ``flow.not_included.<reason>``, ``flow.included``,
        ``flow.salvage_regimen.<regimen>``, ``flow.any_rt`` (radiotherapy in any line of salvage therapy) and
        ``flow.any_rt.salvage_regimen.<regimen>`` (the same within a first regimen). The ``group`` is the box's title.
    """
    patients, rows = study.patients, []
    if not study.lacks("screening.included"):
        out = study.screening[study.screening["included"] == "no"]
        rows.append(row("flow.database", "count", len(study.screening), population="database", group="Database screened"))
        rows.append(row("flow.not_included", "count", len(out), population="database", group="Not included"))
        if not study.lacks("screening.exclusion_reason"):
            reasons = out["exclusion_reason"].value_counts(sort=False)
            rows += [row(slug("flow.not_included", reason), "count", int(n), population="database", group=str(reason))
                     for reason, n in reasons.items() if n]
    rows.append(row("flow.included", "count", len(patients), group="Included in the cohort"))
    regimen = None if study.lacks("salvage_regimen") else patients["salvage_regimen"]
    irradiated = _ever_irradiated(study)
    if regimen is not None:
        rows += [row(slug("flow.salvage_regimen", level), "count", int((regimen == level).sum()), group=str(level))
                 for level in regimen.dtype.categories]
        if unknown := int(regimen.isna().sum()):
            rows.append(row("flow.salvage_regimen.unknown", "count", unknown, group="regimen not known"))
    if irradiated is not None:
        rows.append(row("flow.any_rt", "count", int(irradiated.sum()), n=len(patients), group="Any radiotherapy"))
        if regimen is not None:
            rows += [row(slug("flow.any_rt.salvage_regimen", level), "count", int(irradiated[regimen == level].sum()),
                         n=int((regimen == level).sum()), group=f"Any radiotherapy, {level} first")
                     for level in regimen.dtype.categories]
    return results.collect(rows)


def _ever_irradiated(study: Cohort) -> pd.Series | None:
    """Who had radiotherapy in any line of salvage therapy; ``None`` when neither sites nor lines are known."""
    if study.lacks("sites.rt_start_day") and study.lacks("lines.modality"):
        return None
    patients = study.patients
    irradiated = patients["patient_id"].isin(study.sites["patient_id"] if len(study.sites) else [])
    if len(study.lines):
        by_line = study.lines["modality"].isin(["RT", "CMT"])
        irradiated |= patients["patient_id"].isin(study.lines.loc[by_line, "patient_id"])
    if "salvage_regimen" in patients:
        irradiated |= patients["salvage_regimen"].isin(["RT", "CMT"])
    return irradiated


@disclosure.protected
def salvage_lines(study: Cohort) -> pd.DataFrame:
    """Lines of salvage therapy per patient who had any: ``lines.per_patient`` (median and range)."""
    if reason := study.lacks("lines.line"):
        return results.skipped("lines.per_patient", reason)
    highest = study.lines.groupby("patient_id")["line"].max()
    return results.collect([spread("lines.per_patient", highest, "range", population="patients with salvage therapy")])


@disclosure.protected
def time_to_salvage(study: Cohort) -> pd.DataFrame:
    """Time from day 0 to the start of the first salvage therapy: ``salvage.time`` (months, median and quartiles)."""
    if reason := study.lacks("salvage_start_day"):
        return results.skipped("salvage.time", reason)
    return results.collect([spread("salvage.time", study.patients["salvage_start_day"], days=True,
                                   population="patients with salvage therapy")])


@disclosure.protected
def ends(study: Cohort) -> pd.DataFrame:
    """What ended each endpoint: counts ``<endpoint>.ended_by.<what>`` of the patients, sites or courses it follows.

    For an endpoint that the cohort cannot give, the row ``<endpoint>.ended_by`` says why.
    """
    parts = []
    for name, endpoint in endpoints.ENDPOINTS.items():
        prefix = slug(name, "ended_by")
        if reason := endpoints.lacking(study, name):
            parts.append(results.skipped(prefix, reason))
            continue
        derived = endpoints.derive(study, name)
        known = [s for s in (*endpoint.events, endpoint.censor) if s.column in derived]
        parts += [row(slug(prefix, source.meaning), "count", int((derived["ended_by"] == source.meaning).sum()),
                      population=endpoint.unit, group=source.meaning, n=len(derived), events=int(derived["event"].sum()))
                  for source in known]
    return results.collect(parts)


# --- Table 1 --------------------------------------------------------------------------------------------------

@disclosure.protected
def table_1(study: Cohort) -> pd.DataFrame:
    """Characteristics of the patients, per salvage regimen and overall, with a test between regimens.

    Returns
    -------
    pandas.DataFrame
        ``table1.n.<column>`` (patients in a column of the table: ``rt``, ``cmt``, ``st``, ``all``);
        ``table1.<variable>.<level>.<column>`` (percent of the column's patients, those with a missing value
        included); ``table1.<variable>.missing.<column>`` where a value is missing; ``table1.<variable>.p``
        (Pearson chi-square over known values); ``table1.left_out`` names absent columns. In proportions
        ``population`` is the column of the table and ``group`` is ``variable: level``. Bulk is counted among
        patients without CNS disease, as in the paper. Without ``salvage_regimen`` there is the overall column only.
    """
    shown = {column: names for column, names in TABLE_1.items() if not study.lacks(column)}
    patients, regimen = study.patients, "salvage_regimen"
    columns = {"all": patients}
    if not study.lacks(regimen):
        groups = {slug(level): group for level, group in patients.groupby(regimen, observed=True)}
        columns = groups | columns
    parts = [row(slug("table1.n", name), "count", len(group), population=_column_name(name), group="patients")
             for name, group in columns.items()]
    for column, (label, level_names) in shown.items():
        excluded = column == "bulky_disease" and not study.lacks("cns_disease")
        for level in [*_levels(patients[column]), pd.NA]:
            for name, group in columns.items():
                among = group[group["cns_disease"] != "yes"] if excluded else group
                parts.append(_cell(among[column], level, column, name, label, level_names, excluded))
        if len(columns) > 1:
            among = patients[patients["cns_disease"] != "yes"] if excluded else patients
            parts.append(association(among, column, regimen, slug("table1", column, "p"), group=label, least=study.min_cell_count,
                                     population=WITHOUT_CNS if excluded else "all patients"))
    rows = results.collect(parts)
    rows = _without_idle_levels(rows)
    missed = [c for c in TABLE_1 if c not in shown and (study.after_car_t or c not in CAR_T_ONLY)]
    return results.collect([rows, results.skipped("table1.left_out", study.lacks(*missed))]) if missed else rows


def _column_name(name: str) -> str:
    return "all patients" if name == "all" else name.upper()


def _levels(values: pd.Series) -> list:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.dtype.categories)
    return sorted(values.dropna().unique())


def _cell(values, level, column, name, label, level_names, excluded) -> dict:
    missing = level is pd.NA
    hits = values.isna() if missing else (values == level).fillna(False)
    shown = "missing" if missing else level_names.get(level, str(level))
    population = _column_name(name) + (", without CNS disease" if excluded else "")
    return proportion(slug("table1", column, "missing" if missing else level, name), int(hits.sum()), len(values),
                      population=population, group=f"{label}: {shown}")


def _without_idle_levels(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the lines of Table 1 that count nobody in any column: a level that does not occur, no missing value."""
    line = rows["result_id"].str.rsplit(".", n=1).str[0]
    idle = (rows["statistic"] == "proportion") & (rows.groupby(line)["events"].transform("sum") == 0)
    return rows[~idle].reset_index(drop=True)


# --- response and failure -------------------------------------------------------------------------------------

@disclosure.protected
def best_responses(study: Cohort) -> pd.DataFrame:
    """Best response among patients in whom it is known: ``response.<level>``, and ``response.orr`` (CR or PR)."""
    if reason := study.lacks("best_response"):
        return results.skipped("response.orr", reason)
    known = study.patients["best_response"].dropna()
    orr = proportion("response.orr", int(known.isin(["CR", "PR"]).sum()), len(known), group="CR or PR (overall response)")
    levels = [proportion(slug("response", level), int((known == level).sum()), len(known), group=level)
              for level in schema.RESPONSES]
    return results.collect([orr, *levels])


@disclosure.protected
def response_times(study: Cohort) -> pd.DataFrame:
    """When response was assessed, reached and lost.

    Returns
    -------
    pandas.DataFrame
        ``response.first_assessment`` (days since day 0, median and quartiles), ``response.time_to_cr`` (months,
        median and range, patients whose best response was CR), ``response.duration`` (months from ``response_day``
        to ``failure_day``, median and quartiles, responders whose disease failed); those whose columns exist.
    """
    patients, parts = study.patients, []
    if not study.lacks("first_assessment_day"):
        parts.append(spread("response.first_assessment", patients["first_assessment_day"]))
    if not study.lacks("best_response", "complete_response_day"):
        in_cr = patients["best_response"] == "CR"
        parts.append(spread("response.time_to_cr", patients.loc[in_cr, "complete_response_day"], "range", days=True,
                            population="patients in complete response"))
    if not study.lacks("best_response", "response_day", "failure_day"):
        responders = patients[patients["best_response"].isin(["CR", "PR"])]
        lasted = responders["failure_day"] - responders["response_day"]
        parts.append(spread("response.duration", lasted, days=True, population="responders whose disease failed"))
    return results.collect(parts) if parts else results.skipped(
        "response.time_to_cr", study.lacks("first_assessment_day", "complete_response_day", "response_day"))


@disclosure.protected
def time_to_failure(study: Cohort) -> pd.DataFrame:
    """Time from day 0 to failure, among patients whose disease failed: ``failure.time`` (months, median and quartiles)."""
    if reason := study.lacks("failure_day"):
        return results.skipped("failure.time", reason)
    return results.collect([spread("failure.time", study.patients["failure_day"], days=True,
                                   population="patients whose disease failed")])


@disclosure.protected
def failure_patterns(study: Cohort) -> pd.DataFrame:
    """Where the disease failed: ``failure.pattern.<level>``, and ``failure.any_local`` (alone or with new sites)."""
    if reason := study.lacks("failure_pattern"):
        return results.skipped("failure.any_local", reason)
    known, whose = study.patients["failure_pattern"].dropna(), "patients with a known pattern of failure"
    names = {"local": "Previous sites only", "local and de novo": "Previous and new sites", "de novo": "New sites only"}
    parts = [proportion(slug("failure.pattern", level), int((known == level).sum()), len(known), group=name, population=whose)
             for level, name in names.items()]
    parts.append(proportion("failure.any_local", int(known.str.startswith("local").sum()), len(known),
                            group="Any previous site", population=whose))
    return results.collect(parts)


@disclosure.protected
def cd19(study: Cohort) -> pd.DataFrame:
    """CD19 at failure: ``cd19.evaluated`` (of all), ``cd19.positive`` and ``cd19.negative`` (of those evaluated)."""
    if reason := study.lacks("cd19_at_failure"):
        return results.skipped("cd19.evaluated", reason)
    known = study.patients["cd19_at_failure"].dropna()
    return results.collect(
        [proportion("cd19.evaluated", len(known), len(study.patients), group="CD19 evaluated")]
        + [proportion(slug("cd19", level), int((known == level).sum()), len(known), group=f"CD19 {level}",
                      population="patients evaluated for CD19") for level in ("positive", "negative")])


@disclosure.protected
def cd19_bounds(study: Cohort) -> pd.DataFrame:
    """The share of CD19-negative failures among all patients if no, or if every, untested tumour was negative.

    ``cd19.bounds.lowest`` and ``cd19.bounds.highest``.
    """
    if reason := study.lacks("cd19_at_failure"):
        return results.skipped("cd19.bounds", reason)
    status = study.patients["cd19_at_failure"]
    negative, untested = int((status == "negative").sum()), int(status.isna().sum())
    return results.collect([
        proportion("cd19.bounds.lowest", negative, len(status), group="no untested tumour negative"),
        proportion("cd19.bounds.highest", negative + untested, len(status), group="every untested tumour negative")])


@disclosure.protected
def early_failure(study: Cohort, days: int) -> pd.DataFrame:
    """Failures up to that day, and whether their pattern differs from that of later ones.

    ``failure.early`` (share of all failures whose day and pattern are known),
    ``failure.early.any_local``, ``failure.late.any_local`` (shares) and ``failure.early.pattern`` (chi-square test).
    """
    if reason := study.lacks("failure_day", "failure_pattern"):
        return results.skipped("failure.early", reason)
    failed = study.patients.dropna(subset=["failure_day", "failure_pattern"])
    failed = failed.assign(when=(failed["failure_day"] <= days).map({True: "early", False: "late"}))
    local = failed["failure_pattern"].str.startswith("local")
    shares = [proportion(f"failure.{when}.any_local", int(local[failed["when"] == when].sum()),
                         int((failed["when"] == when).sum()), group=f"{when} failures") for when in ("early", "late")]
    early = proportion("failure.early", int((failed["when"] == "early").sum()), len(failed), group="early failures")
    return results.collect([early, *shares, association(failed, "failure_pattern", "when", "failure.early.pattern",
                                                           least=study.min_cell_count)])
