"""What a result is called where results of many chapters stand in one list: in words, and no two alike."""

from __future__ import annotations

import re

from analysis_lib.dictionary import words
from analysis_lib.dictionary.columns import YES_NO
from analysis_lib.rows.results import slug

ENDPOINTS = {
    "lc": "local control",
    "osrt": "OS from radiotherapy",
    "dor": "duration of response",
    "further": "therapy after radiotherapy",
    "context": "published series",
}
WAYS = {
    "reverse_km": "reverse Kaplan–Meier",
    "clustered": "interval over patients",
    "naive": "observed times",
}
MODELS = {"uv": "one factor at a time", "mv": "several factors together", "regimen": "regimens alone"}
GROUPED = {  # how a level is said, where the name of its column and the level do not do
    "salvage_regimen": "{} as first regimen",
    "salvage_sequence": "{} as whole salvage course",
    "rt_field": "{} field",
    "bed_group": "BED {}",
    "comprehensive_sites": "comprehensive field, {}",
    "further_therapy": "stage I or II, comprehensive field, {}",
}
SITES = {"bulky_site": ("bulky sites", "other sites")}  # yes and no, of sites
TOPICS = {  # chapters 9 and 14 to 17, whose rows say in their group what they are
    "immortal": "Response against none",
    "failure": "Local failure",
    "weighted": "OS2, systemic therapy against radiotherapy",
    "field": "OS from radiotherapy, focal against comprehensive fields",
    "dose": "OS from radiotherapy, low against high dose",
    "missing": "Bulky disease",
    "collinear": "OS2 with IPI",
    "rmst": "Mean time without the event",
    "design": "Hazard ratio",
    "censoring": "OS2",
    "absolute": "OS2",
    "trial": "The trial",
    "intercurrent": "After the start of salvage therapy",
    "emulated": "A second modality, by strategies",
    "belief": "Death, radiotherapy against systemic therapy",
    "changing": "",  # its groups name the endpoint
    "prior": "Belief before the data",
    "predicted": "Prediction",
    "courses": "Course",
    "scanned": "Curve",
}
PREDICTED = {  # the parts of chapter 16, whose groups say less than their ids
    "risk": "predicted",
    "shrunk": "predicted, after shrinkage",
    "observed": "observed",
    "coefficient": "hazard ratio as fitted",
    "shrunken": "hazard ratio after shrinkage",
}
SCANNED = {"truth": "in the patients", "rebuilt": "read back from the picture"}
REGIMENS = {"rt": "radiotherapy alone", "st": "systemic therapy alone"}
BOTH = "systemic therapy against radiotherapy"
AT_A_TIME = re.compile(r"(?P<name>.+), (?P<time>\d+ months?)")


def name_of(result_id: str, group: str, statistic: str = "", population: str = "") -> str:
    """What a result is called: ``OS2 at 12 months, RT as first regimen`` for
    ``os2.rate12.salvage_regimen.rt``.
    """
    first, *rest = result_id.split(".")
    if first in ("predicted", "courses", "scanned"):
        told = {"predicted": _predicted, "courses": _course, "scanned": _scanned}[first](
            rest, group, population
        )
    elif first in TOPICS:
        topic = _topic(first, rest)
        of = group.replace("The same,", "Inverse-probability weights,")  # they stand in a list no more
        link = (", " if ":" in of else ": ") if topic else ""
        told = f"{topic}{link}{words.within(of)}{_told_apart(first, rest, statistic)}"
    else:
        told = _of_cox(rest, group) if first == "cox" else _of_endpoint(first, rest, group)
    return told[:1].upper() + told[1:]


def _of_cox(rest: list[str], group: str) -> str:
    """A row of a Cox model."""
    endpoint, model, *term = rest
    kind = (
        "test of proportional hazards"
        if term[0] == "ph"
        else "P of the hazard ratio"
        if term[-1] == "p"
        else "hazard ratio"
    )
    of = words.within(group)
    link = " of " if term[0] != "ph" else ", "
    return f"{ENDPOINTS.get(endpoint, endpoint.upper())}, {kind}{link}{of} ({MODELS.get(model, model)})"


def _of_endpoint(first: str, rest: list[str], group: str) -> str:
    """A row of an endpoint's curve: its kind, and the patients that it speaks of."""
    endpoint = ENDPOINTS.get(first, first.upper())
    kind = re.sub(r"^rate(\d+)$", r"at \1 months", rest[0])
    whole = {
        "median": f"median {endpoint}",
        "follow_up": f"median follow-up for {endpoint}",
        "logrank": f"{endpoint}, log-rank test",
        "mantel_byar": f"{endpoint}, Mantel–Byar test",
        "pairwise": f"{endpoint}, two groups at a time",
    }.get(kind, f"{endpoint} {kind.replace('_', ' ')}")
    column = rest[1] if len(rest) > 1 else ""
    if column in WAYS:
        return f"{whole}, {WAYS[column]}"
    if not column or column == slug(group):
        return ", ".join(filter(None, [whole, group]))
    if not group or rest[0] == "logrank":
        return f"{whole} by {words.within(words.label_of(column))}"
    return f"{whole}, {_level(column, group)}"


def _level(column: str, level: str) -> str:
    """The patients of one level: ``with CNS disease``, ``RT as first regimen``."""
    label = words.within(words.label_of(column))
    if level in YES_NO:
        with_, without = SITES.get(column, (f"with {label}", f"without {label}"))
        return with_ if level == YES_NO[0] else without
    return GROUPED.get(column, f"{label} {{}}").format(words.head_of(column, level))


def _topic(topic: str, rest: list[str]) -> str:
    """What a chapter's topic is called, with what its ids add: endpoint, first modality, what is detected."""
    if topic == "immortal" and rest[0] in REGIMENS:
        later = {"st": "radiotherapy after systemic therapy", "rt": "systemic therapy after radiotherapy"}
        return f"OS2, later {later[rest[0]]}"
    if topic == "intercurrent" and len(rest) > 1:
        return f"{TOPICS[topic]}, {REGIMENS.get(rest[1], rest[1])}"
    if topic in ("missing", "rmst"):
        return f"{TOPICS[topic]}, {rest[0].upper()}" + (", adjusted" if rest[-1] == "adjusted" else "")
    if rest[-1] == "detectable":
        return "Smallest detectable hazard ratio"
    return "Trial of adding radiotherapy" if topic == "prior" and rest[0] == "trial" else TOPICS[topic]


def _told_apart(topic: str, rest: list[str], statistic: str) -> str:
    """What tells two results of one group apart: the scale of a difference, or that it is a test."""
    if topic == "absolute" and rest[-1] == "less":
        scale = "mean time alive" if statistic == "restricted mean" else "survival"
        return f", difference of {scale}"
    return ", Gray's test" if rest[-1] == "gray" else ""


def _predicted(rest: list[str], group: str, population: str) -> str:
    """A row of chapter 16."""
    endpoint, part, *of = rest
    if part in ("coefficient", "shrunken"):
        factor = words.within(group.partition(":")[0].strip())
        return f"prediction of {endpoint.upper()}, {factor}: {PREDICTED[part]}"
    if of and part in PREDICTED:
        return f"risk of an event ({endpoint.upper()}), {population}: {PREDICTED[part]}"
    return f"prediction of {endpoint.upper()}: {words.within(group)}"


def _course(rest: list[str], group: str, population: str) -> str:
    """A row of chapter 17's courses: a share at a month, or a mean time up to it."""
    part, month = rest[0].rstrip("0123456789"), re.sub(r"^\D+", "", rest[0])
    when = {
        "state": f"{month} months after the start of salvage therapy",
        "time": f"mean time within {month} months of the start of salvage therapy",
    }.get(part, f"course, {' '.join(rest[:2]).replace('_', ' ')}")
    return f"{when}: {words.within(group)}"


def _scanned(rest: list[str], group: str, population: str) -> str:
    """A row of a curve read back from its picture."""
    of = REGIMENS.get(rest[1], BOTH) if len(rest) > 1 else BOTH
    what = re.sub(r"^rate(\d+)$", r"at \1 months", rest[0]).replace("ratio", "hazard ratio").replace("_", " ")
    return f"OS2, {of}, {what}: {SCANNED.get(rest[-1], words.within(group))}"


def without_a_shared_time(names: list[str], caption: str) -> list[str]:
    """Names without the moment with which all of them end, if the caption says it."""
    found = [each for each in map(AT_A_TIME.fullmatch, names) if each]
    times = {each["time"] for each in found}
    shared = len(found) == len(names) and len(times) == 1 and times.pop() in caption
    return [each["name"] for each in found] if shared else names
