"""Times each estimator beside R computing the same from the same rows, and beside lifelines and
scikit-survival where they have it; prints a table of medians and ratios.

    python tools/bench_estimators.py --rows 1000 10000 100000 1000000

R needs the packages survival and cmprsk; scikit-survival, whose licence is no part of this project, is asked
if somebody has installed it. Times are CPU seconds of the estimate alone: inside R by
``proc.time``, here by ``time.process_time``; neither counts the reading of the file. An estimator that would
take longer than ``--longest`` at the next number of rows (ten times as many are taken to need ten times as
long, at least) is left out there.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import lifelines.statistics
import lifelines.utils
import numpy as np
import pandas as pd

from analysis_lib.estimators import comparable_pairs, competing, curves, logrank, models

try:
    import sksurv.compare
    import sksurv.linear_model
    import sksurv.metrics
    import sksurv.nonparametric
    import sksurv.util
except ImportError:
    sksurv = None

TAU = 1000  # days to which the restricted mean is taken
TERMS = ["age", "male", "bmi"]

# Name: the estimate here, and in R, where ``d`` is the same table.
ESTIMATORS = {
    "Kaplan-Meier, interval": (
        lambda d: curves.kaplan_meier(d["days"], d["event"]),
        "survfit(Surv(days, event) ~ 1, d)",
    ),
    "Kaplan-Meier, weighted, robust": (
        lambda d: curves.kaplan_meier(d["days"], d["event"], weights=d["weight"]),
        "survfit(Surv(days, event) ~ 1, d, weights = weight, robust = TRUE)",
    ),
    "Restricted mean": (
        lambda d: curves.rmst(d["days"], d["event"], TAU),
        f"summary(survfit(Surv(days, event) ~ 1, d), rmean = {TAU})$table",
    ),
    "Log-rank test": (
        lambda d: logrank.logrank_test(d["days"], d["event"], d["group"]),
        "survdiff(Surv(days, event) ~ group, d)",
    ),
    "Log-rank test, Peto-Peto": (
        lambda d: logrank.logrank_test(d["days"], d["event"], d["group"], weighting="Peto-Peto"),
        "survdiff(Surv(days, event) ~ group, d, rho = 1)",
    ),
    "Cox model, Efron": (
        lambda d: models.cox(d[TERMS], d["days"], d["event"]),
        "coxph(Surv(days, event) ~ age + male + bmi, d)",
    ),
    "Proportional-hazards test": (
        lambda d: models.proportional_hazards(d[TERMS], d["days"], d["event"]),
        "cox.zph(coxph(Surv(days, event) ~ age + male + bmi, d), transform = 'km')",
    ),
    "Concordance": (
        lambda d: comparable_pairs.concordance(d["age"], d["days"], d["event"]),
        "concordance(Surv(days, event) ~ age, d, reverse = TRUE)",
    ),
    "Cumulative incidence": (
        lambda d: competing.cumulative_incidence(d["days"], d["cause"]),
        "cuminc(d$days, d$cause)",
    ),
    "Gray's test": (
        lambda d: competing.gray(d["days"], d["cause"], d["group"]),
        "cuminc(d$days, d$cause, d$group)",
    ),
    "Fine and Gray's model": (
        lambda d: competing.fine_gray(d[TERMS], d["days"], d["cause"]),
        "crr(d$days, d$cause, d[, 5:7])",
    ),
}
# The same by libraries, as they come; what they do not have is left out.
BY_LIBRARIES = {
    "Kaplan-Meier, interval": {
        "lifelines": lambda d: lifelines.KaplanMeierFitter().fit(d["days"], d["event"]),
        "scikit-survival": lambda d: sksurv.nonparametric.kaplan_meier_estimator(
            d["event"] == 1, d["days"], conf_type="log-log"
        ),
    },
    "Log-rank test": {
        "lifelines": lambda d: lifelines.statistics.multivariate_logrank_test(
            d["days"], d["group"], d["event"]
        ),
        "scikit-survival": lambda d: sksurv.compare.compare_survival(_of_two(d), d["group"]),
    },
    "Cox model, Efron": {
        "lifelines": lambda d: lifelines.CoxPHFitter().fit(d[["days", "event", *TERMS]], "days", "event"),
        "scikit-survival": lambda d: sksurv.linear_model.CoxPHSurvivalAnalysis(ties="efron").fit(
            d[TERMS].astype(float), _of_two(d)
        ),
    },
    "Concordance": {
        "lifelines": lambda d: lifelines.utils.concordance_index(d["days"], -d["age"], d["event"]),
        "scikit-survival": lambda d: sksurv.metrics.concordance_index_censored(
            d["event"] == 1, d["days"], d["age"]
        ),
    },
    "Cumulative incidence": {
        "lifelines": lambda d: lifelines.AalenJohansenFitter(calculate_variance=True).fit(
            d["days"], d["cause"], 1
        ),
        "scikit-survival": lambda d: sksurv.nonparametric.cumulative_incidence_competing_risks(
            d["cause"], d["days"]
        ),
    },
}
IN_R = """
suppressMessages({library(survival); library(cmprsk)})
slow <- list()
for (n in c(%(rows)s)) {
  d <- read.csv(sprintf('%(folder)s/%%.0f.csv', n))
  for (name in names(asked <- list(%(asked)s))) {
    if (isTRUE(10 * slow[[name]] > %(longest)f)) next
    took <- c()
    while (length(took) < %(repeats)d && sum(took) < %(longest)f) {
      before <- proc.time()
      eval(asked[[name]])
      took <- c(took, sum((proc.time() - before)[1:2]))
    }
    slow[[name]] <- median(took)
    cat(name, sprintf('%%.0f', n), median(took), length(took), sep = '\\t')
    cat('\\n')
  }
}
"""


def people(n: int, seed: int = 1) -> pd.DataFrame:
    """Follow-up in whole days, two causes, three groups and three terms; about half have an event."""
    draw = np.random.default_rng(seed)
    age, male, bmi = draw.normal(60, 10, n).round(), draw.integers(0, 2, n), draw.normal(25, 4, n).round(1)
    until, censored = (
        np.ceil(draw.exponential(2000 * np.exp(-0.02 * (age - 60) - 0.2 * male))),
        draw.integers(1, 7000, n),
    )
    event = until <= censored
    return pd.DataFrame(
        {
            "days": np.minimum(until, censored).astype(int),
            "event": event.astype(int),
            "cause": np.where(event, 1 + (draw.random(n) < 0.4), 0),
            "group": draw.integers(0, 3, n),
            "age": age,
            "male": male,
            "bmi": bmi,
            "weight": draw.choice([0.5, 1.0, 2.0], n),
        }
    )


def _of_two(d: pd.DataFrame):
    """Event and time as scikit-survival takes them."""
    return sksurv.util.Surv.from_arrays(d["event"] == 1, d["days"])


def ways(library: str) -> dict:
    """Each estimate by name, as this project or a library makes it."""
    if library == "here":
        return {name: estimate for name, (estimate, _) in ESTIMATORS.items()}
    return {name: by[library] for name, by in BY_LIBRARIES.items() if library in by}


def here(estimates: dict, rows: list[int], repeats: int, longest: float, folder: Path):
    """Name, rows, median seconds and number of times, as they come."""
    slow = {}
    for n in rows:
        table = pd.read_csv(folder / f"{n}.csv")
        for name, estimate in estimates.items():
            if 10 * slow.get(name, 0) > longest:
                continue
            took = []
            while len(took) < repeats and sum(took) < longest:
                before = time.process_time()
                estimate(table)
                took.append(time.process_time() - before)
            slow[name] = median(took)
            yield name, n, median(took), len(took)


def in_r(rows: list[int], repeats: int, longest: float, folder: Path):
    """The same from one R process."""
    asked = ", ".join(f'"{name}" = quote({code})' for name, (_, code) in ESTIMATORS.items())
    script = IN_R % {
        "rows": ", ".join(map(str, rows)),
        "folder": folder,
        "asked": asked,
        "longest": longest,
        "repeats": repeats,
    }
    said = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f"R stopped: {said.stderr.strip()}")
    for line in said.stdout.splitlines():
        name, n, seconds, times = line.split("\t")
        yield name, int(n), float(seconds), int(times)


def table(ours, theirs, by_libraries: dict) -> pd.DataFrame:
    """One line an estimator and number of rows: seconds here, in R and by libraries, and the ratio to R."""
    key, columns = ["estimator", "rows"], ["estimator", "rows", "seconds", "times"]
    both = pd.merge(
        *(pd.DataFrame(each, columns=columns) for each in (ours, theirs)),
        on=key,
        how="left",
        suffixes=("", "_r"),
    )
    both["ratio"] = (both["seconds"] / both["seconds_r"].where(both["seconds_r"] > 0)).round(2)
    for library, found in by_libraries.items():
        its = pd.DataFrame(found, columns=[*key, library, "times"]).drop(columns="times")
        both = both.merge(its, on=key, how="left")
    shown = [*key, "seconds", "seconds_r", "ratio", *by_libraries]
    return both.sort_values(key, kind="stable")[shown].rename(
        columns={"seconds": "here, s", "seconds_r": "R, s", "ratio": "ratio to R"}
        | {library: f"{library}, s" for library in by_libraries}
    )


def as_markdown(found: pd.DataFrame) -> str:
    """The table; a dash where it was not asked, or would have taken too long."""

    def written(cell) -> str:
        if pd.isna(cell):
            return "–"
        if not isinstance(cell, float):
            return f"{cell}"
        return f"{cell:.0f}" if cell >= 10 else f"{cell:.2g}" if cell else "< 0.01"  # a ratio, rounded before

    lines = [list(found.columns), ["---"] * found.shape[1]]
    lines += [[written(cell) for cell in line] for line in found.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6], help="numbers of rows, rising"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="times each estimate is made; the median is shown"
    )
    parser.add_argument(
        "--longest",
        type=float,
        default=60,
        help="seconds after which an estimate is not repeated or made larger",
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        for n in asked.rows:
            people(n).to_csv(folder / f"{n}.csv", index=False)
        how = (asked.rows, asked.repeats, asked.longest, folder)
        ours, theirs = list(here(ways("here"), *how)), list(in_r(*how))
        libraries = ["lifelines", *(["scikit-survival"] if sksurv else [])]
        by_libraries = {library: list(here(ways(library), *how)) for library in libraries}
    print(as_markdown(table(ours, theirs, by_libraries)))


if __name__ == "__main__":
    main()
