"""How many events, and patients, a study would need to see what this one seems to see (Schoenfeld 1983).

The power of a log-rank test depends on the data only through the number of events. The power *at the observed
effect* is not shown: it says nothing that the P value does not (Hoenig and Heisey 2001).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import greenwood
import numpy as np
import pandas as pd
from scipy import stats

from analysis_lib.analyses import ratio as contrast
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import REGIMENS, Cohort
from analysis_lib.cohort.needs import sources
from analysis_lib.rows import results
from analysis_lib.rows.results import row, slug

POWER, ALPHA = 0.8, 0.05
NO_DIFFERENCE = 0.05  # log hazard ratio: nearer to 0, no number of events is worth naming
# What the paper compares: endpoint, column, the level set against the other one, and what to call it.
COMPARISONS = (
    ("OS2", "salvage_regimen", "ST", "RT", "OS2: systemic therapy against radiotherapy"),
    ("OS2", "salvage_regimen", "CMT", "RT", "OS2: combined therapy against radiotherapy"),
    ("EFS2", "salvage_regimen", "ST", "RT", "EFS2: systemic therapy against radiotherapy"),
    ("OSRT", "rt_field", "focal", "comprehensive", "OS from radiotherapy: focal against comprehensive"),
    ("OSRT", "bed_group", "≤ 30 Gy", "> 30 Gy", "OS from radiotherapy: BED up to against above 30 Gy"),
    ("LC", "bulky_site", "yes", "no", "Local control: bulky against other sites"),
    ("OS1", "car_t_product", "tisa-cel", "axi-cel", "OS1: tisa-cel against axi-cel"),
    ("OS1", "responder", "yes", "no", "OS1: response against none"),
    ("OS1", "stage", "IV", "III", "OS1: stage IV against III"),
)


def comparisons(study: Cohort) -> Iterator[tuple[str, str, str, str, str]]:
    """:data:`COMPARISONS`, and those of the groups that the cohort names itself, each against the first."""
    yield from COMPARISONS
    if study.groups != REGIMENS and not study.lacks(study.groups):
        first, *others = study.patients[study.groups].cat.categories
        ours = {(name, by, level) for name, by, level, *_ in COMPARISONS}
        for name in ("OS1", "EFS1"):
            for level in others:
                pair = " against ".join(study.level_label(study.groups, each) for each in (level, first))
                if (name, study.groups, level) not in ours:
                    yield name, study.groups, level, first, f"{name}: {study.label_of(study.groups)}, {pair}"


def events_needed(hazard_ratio: float, share: float = 0.5) -> float | None:
    """Events that a two-sided log-rank test needs to show a hazard ratio with 80% power; none for a ratio
    near 1.

    ``share`` is the share of patients in one of the groups.
    """
    if abs(np.log(hazard_ratio)) < NO_DIFFERENCE:
        return None
    return greenwood.logrank_n_events(hazard_ratio, power=POWER, alpha=ALPHA, allocation=share)


def detectable(events: int, share: float = 0.5) -> float:
    """The hazard ratio above 1 that so many events show with 80% power; its inverse in the other
    direction.
    """
    reach = stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER)
    return float(np.exp(reach / np.sqrt(share * (1 - share) * events)))


@disclosure.protected
def needed(study: Cohort) -> pd.DataFrame:
    """For each of :func:`comparisons` that this cohort allows: what was seen, and what it would take to see
    it.

    Returns
    -------
    pandas.DataFrame
        ``design.<endpoint>.<by>.<level>`` (hazard ratio; ``n`` and ``events`` are those at hand) and the same
        with ``.detectable`` (hazard ratio that these events show with 80% power), ``.events`` and
        ``.patients`` (needed to see the observed one with 80% power, groups and share of events as they are).
        Or the row that says why there is none.
    """
    rows, reasons = [], []
    for name, by, level, against, words in comparisons(study):
        if reason := _lacking(study, name, by) or endpoints.without_late(study):
            reasons.append(reason)
            continue
        frame = endpoints.derive(study, name)
        frame = frame[frame[by].isin([level, against])].reset_index(drop=True)
        term = (frame[by] == level).astype(float).to_frame("group")
        if term["group"].nunique() < 2 or not frame["event"].any():
            reasons.append("none of the comparisons has two groups and an event")
            continue
        prefix = slug("design", name, by, level)
        about: dict = {"endpoint": name, "by": by, "level": level}
        ratio = contrast.hazard_ratio(
            prefix,
            term,
            "group",
            frame["days"],
            frame["event"],
            least=study.min_cell_count,
            group=words,
            **about,
        )
        if reason := results.skip_reason(ratio):
            rows.append(results.skipped(prefix, reason, **about))
            continue
        ratio = _released(study, frame, ratio)
        sizes = disclosure.released(
            [len(frame), frame["event"].sum(), *term["group"].value_counts()[[1.0, 0.0]]],
            study.min_cell_count,
        )
        if (
            results.skip_reason(disclosure.protect(study, ratio))
            or sizes is None
            or pd.isna(ratio["value"].iloc[0])
        ):
            rows.append(ratio)
            continue
        rows += [ratio, *_sizes(prefix, float(ratio["value"].iloc[0]), sizes, about | {"group": words})]
    if not rows:
        unnamed = "" if study.after_car_t else study.lacks_groups
        return results.skipped("design", unnamed or reasons[0])
    return results.collect(rows)


def _sizes(prefix: str, ratio: float, sizes: Iterable[int], about: dict) -> list[dict]:
    """What a study would need to see a ratio, from what everyone can know: patients, events, both groups."""
    n, events, of_level, of_other = (int(size) for size in sizes)
    share = of_level / (of_level + of_other)
    wanted = events_needed(ratio, share)
    shared = about | {"n": n, "events": events, "method": "Schoenfeld's formula, 80% power, two-sided 5%"}
    return [
        row(f"{prefix}.detectable", "hazard ratio", detectable(events, share), **shared),
        row(f"{prefix}.events", "count", wanted, **shared),
        row(f"{prefix}.patients", "count", wanted and np.ceil(wanted * n / events), **shared),
    ]


def _released(study: Cohort, frame: pd.DataFrame, ratio: pd.DataFrame) -> pd.DataFrame:
    """The ratio as it is shown, from which the needed sizes are computed; of sites, only where enough
    patients are behind.
    """
    if (
        endpoints.ENDPOINTS["LC"].origin in frame
        and frame["patient_id"].duplicated().any()
        and disclosure.hides(study)
    ):
        whose = frame["patient_id"]
        marked = disclosure.of_patients(
            ratio.iloc[0].to_dict(), study.min_cell_count, whose[frame["event"]], whose[~frame["event"]]
        )
        ratio = results.collect([marked])
    return disclosure.protect(study, ratio)


def _lacking(study: Cohort, name: str, by: str) -> str:
    # the study's stage is that of salvage therapy, not of day 0
    if study.after_car_t and (name, by) == ("OS1", "stage"):
        return "stage is not that of day 0"
    return endpoints.lacking(study, name) or study.lacks(*sources(by))
