"""How far every estimator is from R: ``python tools/write_agreement.py``.

Prints the largest difference of each estimator over the reconstructed cohort and R's real data sets. With
``--write`` it also rewrites ``analysis_lib/data/proof/agreement.csv``, from which the book's page of this
name is made; ``tests/estimators/test_against_r.py`` holds that file against a fresh comparison.
"""

import argparse
import math
import re
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from beside_r import LOOSER, compared, fixture, of_chapters, run_chapters, without_display  # noqa: E402
from data_sets_beside_r import of_data_sets  # noqa: E402

SURVIVAL = "survival {survival}, R {r}"
CMPRSK = "cmprsk {cmprsk}, R {r}"
STATS = "R {r}"
HERE = "this book"
# Estimator, who computes it, R's package, and what its rows have in common: a pattern of "id|method". The
# first that fits.
ESTIMATORS = [
    (
        "Kaplan-Meier curve, several rows of a patient (infinitesimal jackknife)",
        HERE,
        SURVIVAL,
        r"clustered\.(surv|med)|infinitesimal",
    ),
    ("Kaplan-Meier curve, weighted, robust interval", HERE, SURVIVAL, r"\|Kaplan-Meier, weighted"),
    ("Reverse Kaplan-Meier follow-up", "greenwood", SURVIVAL, r"\|reverse Kaplan-Meier"),
    (
        "Kaplan-Meier median, with its interval",
        HERE,
        SURVIVAL,
        r"^(?!.*(cox|rank)).*(\.median|^[a-z_0-9]+\.\w+\.\w+\|Kaplan-Meier, Greenwood)",
    ),
    ("Kaplan-Meier curve, log-log interval", "greenwood", SURVIVAL, r"\.log-log\..*\|Kaplan-Meier"),
    ("Kaplan-Meier curve, plain interval", "greenwood", SURVIVAL, r"\.plain\..*\|Kaplan-Meier"),
    ("Kaplan-Meier curve and rates, log interval", "greenwood", SURVIVAL, r"\|Kaplan-Meier"),
    ("Number at risk", HERE, SURVIVAL, r"\|(number at risk|time at least)"),
    (
        "Restricted mean survival time and difference",
        "greenwood",
        SURVIVAL,
        r"\|(restricted mean|area "
        r"below|difference of the "
        r"areas)",
    ),
    (
        "Log-rank test, pairwise (Holm, Benjamini-Hochberg)",
        HERE,
        SURVIVAL,
        r"\|log-rank test, "
        r"(pairwise|Holm)",
    ),
    ("Log-rank test, stratified", HERE, SURVIVAL, r"\|log-rank test, stratified"),
    (
        "Log-rank test, weighted (Gehan-Breslow, Tarone-Ware)",
        HERE,
        SURVIVAL,
        r"\.(gehan|tarone).*\|log-rank "
        r"test, weighted",
    ),
    ("Log-rank test, weighted (Peto-Peto, Fleming-Harrington)", HERE, SURVIVAL, r"\|log-rank test, weighted"),
    ("Log-rank test", HERE, SURVIVAL, r"\|log-rank test"),
    ("Mantel-Byar test", HERE, SURVIVAL, r"\|Mantel-Byar"),
    ("Concordance and its standard error", HERE, SURVIVAL, r"\|concordance"),
    ("Proportional-hazards test", HERE, SURVIVAL, r"\|proportional-hazards"),
    (
        "Cox model, weighted by a propensity score, robust interval",
        HERE,
        SURVIVAL,
        r"\|Cox model, "
        r"(inverse|overlap)",
    ),
    (
        "Cox model, robust standard error (weights, several rows of a patient)",
        HERE,
        SURVIVAL,
        r"(weighted|clustered)\..*(robust_se|hr|\.p)\|Cox|robust interval",
    ),
    ("Cox model: score test of all terms", HERE, SURVIVAL, r"\.score\|"),
    ("Cox model: likelihood-ratio and Wald test of all terms", HERE, SURVIVAL, r"tests of all terms"),
    ("Cox model, stratified", HERE, SURVIVAL, r"\|Cox model, stratified"),
    ("Cox model, weighted", HERE, SURVIVAL, r"\|Cox model, weighted"),
    (
        "Cox model, rows that start late (time-varying)",
        HERE,
        SURVIVAL,
        r"\|Cox model.*time-varying|^immortal.*(timed|adjusted)\|",
    ),
    ("Cox model, delayed entry", HERE, SURVIVAL, r"\|Cox model.*delayed entry"),
    ("Cox model from a landmark on", HERE, SURVIVAL, r"landmark.*\|Cox model(?!.*Firth)"),
    (
        "Cox model (Efron ties): ratio, standard error, interval, P",
        HERE,
        SURVIVAL,
        r"\|(Cox model|Wald "
        r"test)",
    ),
    ("Cox model with Firth's penalty, profile interval", "firthmodels", SURVIVAL, r"\|Firth"),
    ("Cox models of many samples or imputations, fitted together", HERE, SURVIVAL, r"\|fitted together"),
    ("Cumulative hazard (Nelson-Aalen)", HERE, SURVIVAL, r"\|Nelson-Aalen"),
    (
        "Cumulative incidence, several rows of a patient (jackknife over patients)",
        HERE,
        SURVIVAL,
        r"\|Aalen-Johansen, jackknife",
    ),
    ("Cumulative incidence (Aalen-Johansen)", HERE, SURVIVAL, r"\|Aalen"),
    ("Gray's test", HERE, CMPRSK, r"\|Gray"),
    ("Fine and Gray's model", HERE, CMPRSK, r"\|Fine and Gray"),
    ("Pearson chi-square test", "scipy", STATS, r"\|Pearson"),
    ("Fisher's exact test", "scipy", STATS, r"\|Fisher"),
    ("Mann-Whitney test", "scipy", STATS, r"\|Mann-Whitney"),
    ("Exact interval of a proportion", "scipy", STATS, r"\|exact binomial"),
    ("Propensity score", "statsmodels", STATS, r"\|logistic model"),
    (
        "Inverse-probability and overlap weights, effective sample size",
        HERE,
        STATS,
        r"\|(effective sample "
        r"size|propensity "
        r"weights)",
    ),
    ("Standardised difference, before and after weighting", HERE, STATS, r"\|standardised difference"),
    ("E-value of a hazard ratio", HERE, STATS, r"\|E-value"),
    (
        "Correction of many P values (Holm, Benjamini-Hochberg)",
        "statsmodels",
        STATS,
        r"^multiplicity\..*(holm|bh)\||\|correction",
    ),
    ("Imputed data sets put together (Rubin's rules)", HERE, STATS, r"\|Rubin"),
    ("Variance inflation factor", HERE, STATS, r"\|variance inflation"),
    ("Bootstrap: optimism of concordance, calibration slope", HERE, SURVIVAL, r"\|bootstrap"),
    ("Schoenfeld's events and detectable hazard ratio", "greenwood", STATS, r"\|Schoenfeld"),
    ("Medians, quartiles and ranges of observed values", "pandas", STATS, r"\|median"),
    ("Variance between series (Paule and Mandel)", "statsmodels", STATS, r"\|Paule"),
    ("Pooled proportions and heterogeneity", "statsmodels", STATS, r"\|(logit|Cochran|\(Q)"),
    (
        "Counts, and what follows from them",
        HERE,
        STATS,
        r"\|(|Holm's correction|Discussion minus "
        r"Results|log-rank tests with .*|events / parameters|"
        r"0.05 times .*|as they are|ratio of the widths "
        r".*)$",
    ),
]
WRITTEN_OUT = "written out in R, which has no function for it"
REMARKS = {
    "Cox model with Firth's penalty, profile interval": "Debian's R has no package for it: R's own partial "
    "likelihood was penalised, "
    "maximised and profiled numerically",
    "Variance between series (Paule and Mandel)": LOOSER["Paule and Mandel, logit scale"][1],
    "Log-rank test, weighted (Gehan-Breslow, Tarone-Ware)": "written out in R, whose survdiff has no such "
    "weights",
    "Fine and Gray's model": "the libraries' standard errors differ from R's by up to 1 in 100; R's crr "
    "mistakes whoever ends on day 0, for whom it looks up who is not yet censored after that day in place of "
    "before it, so R was given the days moved by one, which changes nothing of a model that knows only their "
    "order: on R's transplant data, where four end on day 0, crr's ratios change in the fifth digit, and "
    "then agree",
    "Cox model, robust standard error (weights, several rows of a patient)": "the libraries' differ from "
    "R's when days tie, by up to 1 "
    "in 100",
    "Cumulative incidence, several rows of a patient (jackknife over patients)": "where events compete, R's "
    "survfit passes over "
    "clusters, so each patient "
    "is left out in R too; the "
    "infinitesimal jackknife from "
    "its influences is within 1 in 10",
    "Inverse-probability and overlap weights, effective sample size": WRITTEN_OUT,
    "Standardised difference, before and after weighting": WRITTEN_OUT,
    "E-value of a hazard ratio": WRITTEN_OUT,
    "Schoenfeld's events and detectable hazard ratio": WRITTEN_OUT,
    "Variance inflation factor": "from R's regression of each factor on the others",
    "Imputed data sets put together (Rubin's rules)": WRITTEN_OUT + "; both programs put the same "
    "imputations together, drawn in R",
    "Bootstrap: optimism of concordance, calibration slope": "both programs use the same samples, drawn in "
    "R; the book draws its own",
}
AGREEMENT = ROOT / "analysis_lib" / "data" / "proof" / "agreement.csv"


def agreement_table(rows_of):
    """One line an estimator: how many numbers of how many data sets were compared, and a power of ten they
    stay below.
    """
    chapters_ = [compared(rows, of_chapters()).assign(data_set="reconstructed") for rows in rows_of.values()]
    # a later chapter may look at an earlier one's test again
    chapters_ = pd.concat(chapters_).drop_duplicates(["id", "field"])
    every = pd.concat([chapters_, of_data_sets()])
    names = [name for name, *_ in ESTIMATORS]
    every["estimator"] = [
        next(
            (name for name, _, _, pattern in ESTIMATORS if re.search(pattern, f"{i}|{method}")), f"? {method}"
        )
        for i, method in zip(every["id"], every["method"])
    ]
    assert set(every["estimator"]) == set(names), set(every["estimator"]) ^ set(names)
    versions = {k: v for k, v in fixture("estimators").items() if k in ("r", "survival", "cmprsk")}
    lines = []
    for name, library, referee, _ in ESTIMATORS:
        mine = every[every["estimator"] == name]
        lines.append(
            {
                "estimator": name,
                "library": library,
                "referee": referee.format(**versions),
                "data_sets": mine["data_set"].nunique(),
                "numbers_compared": len(mine),
                "largest": mine["apart"].max(),
                "reason": REMARKS.get(name, ""),
            }
        )
    return pd.DataFrame(lines)


def below(largest):
    """The power of ten that a difference stays below even where rounding makes it five times as large."""
    return f"1e{max(-12, math.floor(math.log10(5 * largest)) + 1) if largest else -12:03d}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="rewrite the table of the book's page")
    options = parser.parse_args()
    with without_display(), tempfile.TemporaryDirectory() as folder:
        table = agreement_table(run_chapters(Path(folder)))
    print(table.to_string(index=False))
    if options.write:
        table.insert(5, "below", [below(largest) for largest in table.pop("largest")])
        table.to_csv(AGREEMENT, index=False)


if __name__ == "__main__":
    main()
