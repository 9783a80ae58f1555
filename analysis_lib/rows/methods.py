"""The methods that rows name, declared in one table: what each finds, what computes it, who described it.

The methods page of the book, the captions and the methods paragraph for a manuscript read this table and the
rows' ``method``, so that they tell of what was called and of nothing else.

Long because it holds one table, with an entry for every method.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from analysis_lib.dictionary.units import DAYS_PER_MONTH
from analysis_lib.rows import results

# of every random number that an analysis draws (reshufflings, resamples): the answers can be repeated
SEED = 2023
HERE = "this book"  # what computes a method that no library offers

CONVENTIONS = (
    f"Times are whole days, shown in months of {DAYS_PER_MONTH} days (365.25 / 12).",
    "P values are two-sided and, unless a correction is named, not corrected for the number of tests.",
    "Intervals are 95% confidence intervals, except where a table says quartiles or range.",
    "Whoever has the event or leaves on a day counts as at risk on that day.",
    "Quantiles of observed values are those of type 7 (linear interpolation).",
    "Numbers are rounded half up, once, when they are shown; result rows hold them unrounded.",
    "Patients with an unknown value are left out of the comparison that needs it, and shown as missing in "
    "Table 1.",
)


@dataclass(frozen=True)
class Method:
    """A method: how the ``method`` of its rows starts, and what a reader must know of it.

    Attributes
    ----------
    starts : str
        How the ``method`` of its rows starts, as a regular expression; of several that fit, the one that fits
        longest.
    finds : str
        What it estimates or tests.
    by : str
        The library that computes it, as it is called in the registry, or :data:`HERE`.
    cites : tuple of str
        Keys of ``book/references.bib``.
    sentence : str
        For the methods of a manuscript; ``{interval}`` stands for the scale that the row names. Empty for
        mere counts and for what only speaks of the paper itself.
    called : str
        What to call it where the rows' own words would not do.
    """

    starts: str
    finds: str
    by: str
    cites: tuple[str, ...] = ()
    sentence: str = ""
    called: str = ""


# of the rows that compare all groups of a column
LOG_RANK = "log-rank test"

METHODS = (
    # describing
    Method(
        "exact binomial interval",
        "interval of a proportion",
        "scipy",
        ("clopper1934",),
        "Proportions are given with exact (Clopper–Pearson) 95% confidence intervals.",
    ),
    Method(
        "median and quartiles",
        "the middle of observed values, and the middle half of them",
        "pandas",
        ("hyndman1996",),
        "Observed quantities are given as median and interquartile range (quantiles of type 7).",
    ),
    Method(
        "median and extremes",
        "the middle of observed values, and all of them",
        "pandas",
        (),
        "Where a range is given, it runs from the smallest to the largest value.",
    ),
    Method(
        "Pearson chi-square",
        "whether a category is equally frequent in all groups",
        "scipy",
        ("pearson1900", "cochran1954"),
        "Categories were compared between groups by Pearson's chi-square test without continuity correction.",
    ),
    Method(
        "Fisher's exact test",
        "the same, where expected counts are small",
        "scipy",
        ("fisher1935", "freeman1951"),
        "Fisher's exact test was used for 2 × 2 tables with an expected count below 5.",
    ),
    Method(
        "permutation test of the chi-square",
        "the same, without a large-sample approximation",
        "scipy",
        ("pearson1900",),
        "Where counts were small, the chi-square test was repeated by permutation of the patients among "
        "the groups.",
    ),
    Method(
        "Mann-Whitney test",
        "whether a quantity tends to be larger in one of two groups",
        "scipy",
        ("mann1947",),
        "Quantities were compared between two groups by the Mann–Whitney test.",
    ),
    Method(
        "Kruskal-Wallis test",
        "whether a quantity tends to be larger in some of several groups",
        "scipy",
        ("kruskal1952",),
        "Quantities were compared between groups by the Kruskal–Wallis test.",
    ),
    Method(
        "standardised difference",
        "how far two groups differ in a factor, in standard deviations",
        HERE,
        ("austin2011",),
        "Balance between groups was judged by differences of means in units of the standard deviation.",
    ),
    # survival
    Method(
        "Kaplan-Meier, Greenwood variance",
        "curve, median and rate of a time to an event",
        "greenwood",
        ("kaplan1958", "greenwood1926", "brookmeyer1982"),
        "Curves, medians and rates of times to an event were estimated by the Kaplan–Meier method with "
        "Greenwood's "
        "variance; 95% confidence intervals were built on the {interval} scale.",
    ),
    Method(
        "Kaplan-Meier, infinitesimal jackknife",
        "interval of a rate when patients have several sites",
        HERE,
        ("williams1995",),
        "Intervals that allow for several sites in one patient used the infinitesimal jackknife over "
        "patients.",
    ),
    Method(
        "reverse Kaplan-Meier",
        "median follow-up, as if nobody had died",
        "greenwood",
        ("schemper1996",),
        "Median follow-up was estimated by the reverse Kaplan–Meier method.",
    ),
    Method(
        "mean of the middle",
        "a median that is no single patient's value",
        HERE,
        called="Mean of the middle patients",
    ),
    Method(
        "median of observed times",
        "median follow-up, the dead included",
        "pandas",
        ("schemper1996", "hyndman1996"),
        "The median of all observed times, the dead included, is given beside it.",
    ),
    Method("time at least", "patients followed for at least so long", HERE, called="Number at risk"),
    Method(
        "area below the Kaplan-Meier curve",
        "mean event-free time up to a limit",
        "greenwood",
        ("royston2013",),
        "Event-free times up to a limit are given as restricted means.",
    ),
    Method(
        "difference of the areas", "difference of these means between groups", "greenwood", ("royston2013",)
    ),
    Method(
        LOG_RANK,
        "whether groups share one survival curve",
        HERE,
        ("mantel1966", "peto1972"),
        "Groups were compared by the log-rank test.",
    ),
    Method(
        "Mantel-Byar test",
        "whether a state entered later changes the hazard",
        HERE,
        ("mantel1974",),
        "Groups formed by later treatment were compared by the Mantel–Byar test, which counts each "
        "patient as untreated "
        "until the day on which the treatment starts.",
    ),
    Method(
        "Cox model",
        "hazard ratio",
        HERE,
        ("cox1972", "efron1977", "wald1943"),
        "Hazard ratios come from Cox proportional-hazards models on complete cases, with Efron's "
        "handling of ties, Wald "
        "95% confidence intervals and Wald tests.",
    ),
    Method(
        "Cox model, delayed entry",
        "hazard ratio of those at risk from a later day on",
        HERE,
        ("cox1972", "suissa2008"),
        "Patients who became at risk later entered Cox models on that day.",
    ),
    Method(
        "Cox model, adjusted for",
        "hazard ratio among patients alike in the factors named",
        HERE,
        ("cox1972", "efron1977"),
    ),
    Method(
        "Cox model, stratified",
        "hazard ratio within strata",
        HERE,
        ("cox1972",),
        "Where strata are named, Cox models were stratified.",
    ),
    Method(
        "Cox model, clustered by patient",
        "hazard ratio when patients have several sites",
        HERE,
        ("lin1989",),
        "Cox models of sites used a robust variance over patients.",
    ),
    Method(
        "Cox model, inverse-probability weights",
        "hazard ratio after weighting all patients",
        HERE,
        ("rosenbaum1983", "robins2000", "lin1989"),
        "Confounding was addressed by inverse probability of treatment weights, with robust variance.",
    ),
    Method(
        "Cox model, overlap weights",
        "hazard ratio after weighting those who could have had either",
        HERE,
        ("li2018", "lin1989"),
        "Confounding was addressed by overlap weights, with robust variance.",
    ),
    Method(
        "Cox model, Firth",
        "hazard ratio where a level has no event",
        "firthmodels",
        ("firth1993", "heinze2001"),
        "Where a level had no event, the Cox model was fitted with Firth's penalty and profile intervals.",
    ),
    Method(
        r"Cox model, Efron ties, \d+ imputations",
        "hazard ratio over several completions of missing values",
        "statsmodels",
        ("rubin1987", "white2009"),
        "Missing values were completed by multiple imputation, and results combined by Rubin's rules.",
    ),
    Method("Wald test", "whether a hazard ratio is 1", HERE, ("wald1943",)),
    Method(
        "penalised likelihood ratio test",
        "whether a penalised hazard ratio is 1",
        "firthmodels",
        ("heinze2001",),
    ),
    Method(
        "Wald test from the printed", "what a printed ratio and its interval imply for P", HERE, ("wald1943",)
    ),
    Method(
        "proportional-hazards test",
        "whether a hazard ratio stays the same over time",
        HERE,
        ("grambsch1994",),
        "Proportional hazards were tested with scaled Schoenfeld residuals (Kaplan–Meier transform of time).",
    ),
    Method(
        "events / parameters",
        "how many events carry each parameter of a model",
        HERE,
        ("riley2019", "riley2020"),
        called="Events per parameter",
    ),
    Method(
        "bootstrap",
        "how much a model's performance owes to chance",
        HERE,
        ("efron1979", "harrell1996"),
        "Performance of models was corrected for optimism by the bootstrap.",
        called="Bootstrap, correction for optimism",
    ),
    # competing events, confounding, missing values, sample size
    Method(
        "Aalen-Johansen",
        "probability of an event while others compete",
        HERE,
        ("aalen1978",),
        "With competing events, cumulative incidence was estimated by the Aalen–Johansen method.",
    ),
    Method(
        "Gray",
        "whether groups share one cumulative incidence",
        HERE,
        ("gray1988",),
        "Cumulative incidences were compared by Gray's test.",
    ),
    Method(
        "Fine and Gray",
        "ratio of subdistribution hazards",
        HERE,
        ("fine1999",),
        "Subdistribution hazard ratios come from the model of Fine and Gray.",
    ),
    Method(
        "logistic model",
        "probability of a treatment, given the patient (propensity)",
        "statsmodels",
        ("rosenbaum1983",),
        "Propensity scores come from logistic regression.",
    ),
    Method("as they are", "a comparison before weighting", HERE, called="Groups as they are"),
    Method(
        "E-value",
        "how strong an unmeasured confounder would have to be",
        HERE,
        ("vanderweele2017",),
        "E-values tell how strong unmeasured confounding would have to be to explain an association.",
    ),
    Method("effective sample size", "how many unweighted patients would tell as much", HERE, ("li2018",)),
    Method("variance inflation factor", "how much factors of a model say the same", HERE, ("harrell1996",)),
    Method("ratio of the widths", "how much wider an interval becomes", HERE),
    Method("intervals that hold the truth", "how often an interval holds a known true value", HERE),
    Method(
        "Schoenfeld",
        "how many events a comparison needs",
        HERE,
        ("schoenfeld1983",),
        "The events that a log-rank comparison needs were calculated by Schoenfeld's formula.",
    ),
    # absolute effects, censoring
    Method(
        "worst and best case of the censored",
        "what no assumption on the censored leaves open",
        HERE,
        ("manski1990",),
        "Bounds were calculated with all patients censored early dead at once, and with none.",
    ),
    Method(
        "tipping point of the censored",
        "how much worse the censored must have fared to change an answer",
        HERE,
        ("efron1967", "jackson2014"),
        "A tipping-point analysis multiplied the hazard of the censored after their censoring.",
    ),
    Method(
        "inverse probability of censoring",
        "survival if the censored fared as those alike in what was measured",
        HERE,
        ("robins2000ipcw",),
        "Informative censoring was addressed by inverse probability of censoring weights from a Cox model, "
        "with bootstrap intervals.",
    ),
    Method(
        "difference as the groups are",
        "how many more are alive, before any adjustment",
        HERE,
        ("kaplan1958", "efron1979"),
    ),
    Method(
        "standardised over all patients",
        "how many would be alive had all had one treatment",
        HERE,
        ("makuch1982", "robins1986", "efron1979"),
        "Survival was standardised over all patients (g-formula) from a Cox model stratified by treatment, "
        "with bootstrap intervals.",
    ),
    Method(
        "survival with inverse-probability weights",
        "the same, by weights",
        HERE,
        ("cole2004", "austin2016"),
        "Weighted Kaplan–Meier estimates have bootstrap intervals for which the propensity model was "
        "fitted anew.",
    ),
    Method(
        "survival with inverse-probability weights among",
        "the same among patients who could have had either",
        HERE,
        ("crump2009",),
        "Patients with a propensity score below 0.1 or above 0.9 were left out in a further analysis.",
    ),
    Method(
        "survival with overlap weights", "the same, most weight where either was likely", HERE, ("li2018",)
    ),
    Method(
        "doubly robust",
        "the same, right if one of two models is",
        HERE,
        ("robins1994", "andersen2010", "denz2023"),
        "Doubly robust estimates augment the weights by the predictions of the Cox model, with pseudo-values "
        "for censored times.",
    ),
    Method(
        "number needed to treat",
        "patients to treat for one more to be alive",
        HERE,
        ("altman1999",),
        "Numbers needed to treat are one over the adjusted difference of survival.",
    ),
    Method(
        "Cox model, in a part of the follow-up",
        "hazard ratio among those at risk in a part of the follow-up",
        HERE,
        ("cox1972", "anderson1983"),
        "Hazard ratios that change were estimated within parts of the follow-up.",
    ),
    # many tests
    Method(
        "log-rank test, Holm's correction",
        "the same, corrected for the number of tests",
        "statsmodels",
        ("holm1979",),
    ),
    Method(
        "Holm",
        "P values corrected for the number of tests",
        "statsmodels",
        ("holm1979",),
        "P values were corrected for the number of tests by Holm's method.",
    ),
    Method(
        "Benjamini and Hochberg",
        "P values corrected to bound the share of false findings",
        "statsmodels",
        ("benjamini1995",),
        "The false discovery rate was controlled by the Benjamini–Hochberg method.",
    ),
    Method("log-rank tests with P < 0.05", "how many tests are small", HERE),
    Method("0.05 times the number of tests", "how many small tests chance alone would give", HERE),
    # a target trial, beliefs
    Method(
        "clones, censoring and weights",
        "strategies that leave time to act, compared from day 0",
        HERE,
        ("hernan2016", "hernan2018", "maringe2020"),
        "A trial of adding a second modality within a time to act was emulated by cloning, censoring and "
        "inverse probability of censoring weights, with percentile intervals of the bootstrap.",
        called="Clones, censoring and weights",
    ),
    Method(
        "normal belief on the log hazard ratio",
        "what a sceptic or an enthusiast believes beforehand",
        HERE,
        ("spiegelhalter1994",),
    ),
    Method(
        "conjugate normal update of the log hazard ratio",
        "what they believe after the data",
        HERE,
        ("spiegelhalter1994",),
        "Sceptical and enthusiastic beliefs were updated by the normal approximation of the log "
        "hazard ratio.",
    ),
    Method(
        "limit of scepticism",
        "how much a sceptic must believe in no effect to stay unmoved",
        HERE,
        ("matthews2001",),
    ),
    Method(
        "ratio of the logarithms of two printed rates",
        "a hazard ratio from two printed survival rates",
        HERE,
        ("miller1998", "bonnet2007", "lamy2018"),
    ),
    # prediction
    Method(
        "Cox model, predicted risk",
        "the chance of the event by a month, for given factors",
        HERE,
        ("cox1972", "efron1977", "collins2015"),
        "Predicted risks come from the Cox model with Efron's estimate of the baseline hazard.",
    ),
    Method(
        "Brier score",
        "how near predictions come to what happened",
        HERE,
        ("graf1999",),
        "Predictions were judged by the Brier score, weighted by the inverse probability of censoring, "
        "beside that of the Kaplan–Meier estimate for everyone.",
    ),
    Method(
        "net benefit",
        "whether acting on predictions does more good than harm",
        HERE,
        ("vickers2006", "vickers2008"),
        "The use of predictions was judged by decision curves.",
    ),
    Method(
        "uniform shrinkage, heuristic factor",
        "coefficients shrunk against overfitting",
        HERE,
        ("vanhouwelingen1990",),
        "Coefficients of the prediction model were shrunken by the heuristic factor of van Houwelingen and "
        "le Cessie.",
    ),
    Method(
        "Cox and Snell's R squared",
        "how much a model explains",
        HERE,
        ("riley2019",),
    ),
    Method(
        "sample size of a prediction model",
        "how many patients a prediction model needs",
        HERE,
        ("riley2019", "riley2020"),
        "The sample size that a prediction model needs was calculated after Riley and colleagues.",
    ),
    # courses
    Method(
        "Aalen-Johansen, several states",
        "the chance of being in each of several states",
        HERE,
        ("aalen1978",),
        "The chances of being in each state were estimated by the Aalen–Johansen method, with the "
        "infinitesimal jackknife.",
    ),
    Method(
        "mean number of lines",
        "how many lines of therapy patients have had, the dead included",
        HERE,
        ("ghosh2000",),
        "Mean numbers of lines allow for death as Ghosh and Lin proposed.",
    ),
    Method(
        "reconstruction from the curve",
        "patients read back from a survival curve",
        HERE,
        ("guyot2012",),
    ),
    # pooling
    Method(
        "logit, inverse variance, fixed effects",
        "one share common to all series",
        "statsmodels",
        ("higgins2003", "schwarzer2019"),
        "Shares of several series were pooled on the logit scale by inverse variance, with fixed effects.",
    ),
    Method(
        "logit, inverse variance, random effects",
        "the mean of shares that vary between series",
        "statsmodels",
        ("paule1982", "schwarzer2019"),
        "Random-effects estimates used the between-series variance of Paule and Mandel.",
    ),
    Method("Paule and Mandel", "variance between series", "statsmodels", ("paule1982",)),
    Method(
        "Cochran's Q",
        "whether series differ by more than chance",
        "statsmodels",
        ("cochran1954", "higgins2003"),
        "Heterogeneity between series was tested by Cochran's Q and described by I².",
    ),
    Method(
        r"\(Q − df\) / Q",
        "share of the variation that is beyond chance",
        HERE,
        ("higgins2003",),
        called="I² = (Q − df) / Q",
    ),
    # results of several centres
    Method(
        "complementary log-log, inverse variance, fixed effects",
        "one rate common to all centres",
        "statsmodels",
        ("higgins2003",),
        "Kaplan–Meier rates of several cohorts were pooled on the complementary log-log scale by inverse "
        "variance.",
    ),
    Method(
        "complementary log-log, inverse variance, random effects",
        "the mean of rates that vary between centres",
        "statsmodels",
        ("paule1982", "hartung2001", "rover2015"),
    ),
    Method(
        "log, inverse variance, fixed effects",
        "one ratio or median common to all centres",
        "statsmodels",
        ("higgins2003",),
        "Hazard ratios and medians of several cohorts were pooled on the log scale by inverse variance.",
    ),
    Method(
        "log, inverse variance, random effects",
        "the mean of ratios or medians that vary between centres",
        "statsmodels",
        ("paule1982", "hartung2001", "rover2015"),
    ),
    Method(
        "t distribution",
        "where the true value of one more centre is expected",
        HERE,
        ("higgins2009",),
        called="Prediction interval",
    ),
    Method("inverse variance", "how much each centre counts", HERE, ("higgins2003",), called="Weights"),
    Method("mean weighed by n", "centres added up as if they were one", HERE),
    # the paper's own numbers
    Method("Discussion minus Results", "how far two printings of a count lie apart", HERE, ("ababneh2023",)),
    Method(
        "claims.csv",
        "how many numbers the paper prints",
        HERE,
        ("ababneh2023",),
        called="Count of printed numbers",
    ),
    Method(
        "compared at the printed precision",
        "whether a result agrees with the printed number",
        HERE,
        ("ababneh2023",),
    ),
    Method(
        "distance in units of the last printed digit",
        "how far a result lies from the printed number",
        HERE,
        ("ababneh2023",),
    ),
    Method(
        "grid over the rounding box",
        "what unrounded limits a printed interval allows",
        HERE,
        ("ababneh2023",),
    ),
    Method("range over the consistent cohorts", "what the printed numbers leave open", HERE),
    Method("lowest and highest over the consistent cohorts", "what the printed numbers leave open", HERE),
    Method("median, lowest and highest over", "what the consistent cohorts predict", HERE),
    Method(
        "variance between specifications",
        "what the analyst chose, what the paper withheld, and chance",
        HERE,
        ("steegen2016",),
    ),
    Method("the same search with the numbers of other cohorts", "what such a search finds by luck", HERE),
    Method("median and range over all pairs", "how unlike the consistent cohorts are", HERE),
)


def named(method: str) -> Method | None:
    """The entry of :data:`METHODS` that a row's ``method`` belongs to, or none."""
    fitting = [
        (found.end(), entry) for entry in METHODS if (found := re.match(entry.starts, method, re.IGNORECASE))
    ]
    return max(fitting, key=lambda fit: fit[0], default=(0, None))[1]


def used(rows: pd.DataFrame) -> list[str]:
    """The distinct ``method`` of rows that hold a number, or a median that is not reached, in order."""
    holds = rows["value"].notna() | (rows["statistic"] == "median time")
    told = rows.loc[holds & (rows["statistic"] != "skipped") & (rows["method"] != ""), "method"]
    return list(dict.fromkeys(told))


def printed(method: str) -> str:
    """A ``method`` as it is set in print: pairs of names joined by a dash, and intervals with their level."""
    dashed = re.sub(r"\b(Kaplan|Mann|Mantel|Aalen|Fine|Benjamini)-(?=[A-Z])", "\\1–", method)
    scaled = re.sub(r"\b(log|log-log|plain) interval\b", r"95% interval on the \1 scale", dashed)
    return re.sub(r"(?<!95%) interval\b", " 95% interval", scaled)


def capital(words: str) -> str:
    """Words as the start of a cell or sentence."""
    return words[:1].upper() + words[1:]


def sentences(rows: pd.DataFrame) -> list[str]:
    """What the methods of a manuscript say of the estimators and tests behind some rows, in the order of
    :data:`METHODS`.
    """
    by_entry = {named(method): method for method in reversed(used(rows))}
    return [
        _filled(entry.sentence, by_entry[entry]) for entry in METHODS if entry in by_entry and entry.sentence
    ]


def _filled(sentence: str, method: str) -> str:
    scale = re.search(r"(\S+) interval", method)
    return sentence.replace("{interval}", scale.group(1) if scale else "log")


def how(rows: pd.DataFrame, intervals: bool = True, counts: bool = True, among: Iterable[str] = ()) -> str:
    """How rows were made, to end a caption: their methods and the number analysed.

    ``intervals=False`` says that no limits of proportions are shown, so that theirs need no name;
    ``counts=False`` that the numbers stand with the lines. ``among`` holds the ids of rows that sum up the
    others: where there are such, the number is theirs. Numbers at risk and ranges need no name at all: they
    are what they are called.
    """
    if results.skip_reason(rows):
        return ""
    estimates = rows[~rows["statistic"].isin(["at risk", "count"])]
    telling = estimates[
        ~estimates["statistic"].str.startswith("range")
        & (intervals | (estimates["statistic"] != "proportion"))
    ]
    whole = estimates[estimates["result_id"].isin(list(among))]
    told = [
        capital(_once([printed(method) for method in used(telling)])),
        numbers(estimates if whole.empty else whole) if counts else "",
    ]
    return f"{'; '.join(filter(None, told))}." if any(told) else ""


def _once(told: list[str]) -> str:
    """Methods after each other; what all of them end with is said once, at the end."""
    parts = [each.split(", ") for each in told]
    most = min((len(each) for each in parts), default=1) - 1  # something of each must be left
    shared = next((n for n in range(most, 0, -1) if len({tuple(each[-n:]) for each in parts}) == 1), 0)
    if len(told) < 2 or not shared:
        return "; ".join(told)
    heads = "; ".join(", ".join(each[:-shared]) for each in parts)
    return f"{heads}; each with {', '.join(parts[0][-shared:])}"


def numbers(rows: pd.DataFrame) -> str:
    """The number analysed, ``n = 120``; where it differs between the rows, ``n = 47 to 120``; empty where
    none may be told.
    """
    known = rows["n"].dropna()
    if known.empty:
        return ""
    least, most = int(known.min()), int(known.max())
    return f"n = {least}" if least == most else f"n = {least} to {most}"
