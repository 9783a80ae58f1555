"""Endpoints, declared: where time starts, which events end it, and where it is censored otherwise.

The first event counts; without one, time runs to the last follow-up. Every derived time says which event
ended it and which column that came from. Definitions follow Ababneh et al. (Haematologica 2023), Methods.

Time to next treatment (TTNT) is the field's own: from the start of a therapy to the start of the next line
(Campbell et al., Cancers 2020;12:2311, table 2). They censor at death; here death is an event, as in EFS2,
because whoever dies untreated is not somebody who could still have gone without. A cohort that does not know
when the next line began has no TTNT: it would be overall survival under another name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis_lib.cohort.cohort import Cohort
from analysis_lib.cohort.first_course import described, first_courses
from analysis_lib.dictionary import columns
from analysis_lib.dictionary.words import listed
from analysis_lib.rows.released import published


@dataclass(frozen=True)
class Source:
    """A moment that ends an endpoint: its column, what it means, and, if it needs one, ``(column, level)``
    that must hold.
    """

    column: str
    meaning: str
    when: tuple[str, str] | None = None


DEATH = Source("last_follow_up_day", "death", when=("vital_status", "dead"))
LAST_SEEN = Source("last_follow_up_day", "alive at last follow-up")


@dataclass(frozen=True)
class Endpoint:
    """A time to an event, declared.

    Attributes
    ----------
    name, label : str
        Short name, and what it is called in a sentence.
    unit : str
        What a row is: ``patients``, ``sites``, or ``courses`` (the first radiotherapy course of each
        patient).
    origin : str or None
        Column where time starts; ``None`` is day 0.
    events : tuple of Source
        Whatever ends it; a source whose column the cohort lacks is left out, but the first must be there.
    censor : Source
        Where time ends without an event.
    """

    name: str
    label: str
    unit: str
    origin: str | None
    events: tuple[Source, ...]
    censor: Source = LAST_SEEN


ENDPOINTS = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint("OS1", "overall survival from day 0", "patients", None, (DEATH,)),
        Endpoint(
            "EFS1",
            "event-free survival from day 0",
            "patients",
            None,
            (
                Source("failure_day", "progression or relapse"),
                Source("salvage_start_day", "new line of therapy"),
                DEATH,
            ),
        ),
        Endpoint(
            "OS2",
            "overall survival from the start of salvage therapy",
            "patients",
            "salvage_start_day",
            (DEATH,),
        ),
        Endpoint(
            "EFS2",
            "event-free survival from the start of salvage therapy",
            "patients",
            "salvage_start_day",
            (
                Source("progression_day", "progression or relapse"),
                Source("next_line_day", "new line of therapy"),
                DEATH,
            ),
        ),
        Endpoint(
            "TTNT",
            "time to next treatment or death, from the start of salvage therapy",
            "patients",
            "salvage_start_day",
            (Source("next_line_day", "new line of therapy"), DEATH),
        ),
        Endpoint(
            "DOR",
            "duration of response",
            "patients",
            "response_day",
            (Source("failure_day", "progression or relapse"), DEATH),
        ),
        Endpoint(
            "LC",
            "in-field control from the start of radiotherapy",
            "sites",
            "rt_start_day",
            (Source("in_field_progression_day", "in-field progression"),),
            censor=Source("last_follow_up_day", "last follow-up or death"),
        ),
        Endpoint(
            "OSRT",
            "overall survival from the start of the first radiotherapy course",
            "courses",
            "rt_start_day",
            (DEATH,),
        ),
    )
}


LATE = (
    "observation of these patients began after day 0 (entry_day), which this analysis does not allow for: it "
    "would count time in which nobody was watched"
)


AT_RISK_LATE = "at risk from the first day of observation on"


class LateEntry(ValueError):
    """An analysis that does not allow for late entry was asked for patients who entered late."""


def enters_late(study: Cohort) -> bool:
    """Whether observation of anybody began after day 0."""
    return "entry_day" in study.patients and bool((study.patients["entry_day"] > 0).any())


def without_late(study: Cohort) -> str:
    """Why an analysis that does not allow for late entry cannot be done; empty when it can."""
    return LATE if enters_late(study) else ""


def start_of(frame: pd.DataFrame) -> pd.Series | None:
    """The day from the origin after which each row is at risk; ``None`` where all are from the start."""
    return frame["start"] if "start" in frame else None


def lacking(study: Cohort, name: str) -> str:
    """Why the endpoint cannot be derived for this cohort; empty when it can."""
    endpoint = ENDPOINTS[name]
    table = "" if endpoint.unit == "patients" else "sites."
    first = endpoint.events[0]
    needed = [first.when[0] if first.when else table + first.column]
    return study.lacks(*([table + endpoint.origin] if endpoint.origin else []), *needed)


@published
def definitions(study: Cohort) -> pd.DataFrame:
    """The endpoints that this cohort can give, in words, for a table; one row an endpoint, all columns
    text.
    """
    lines = []
    for name, endpoint in ENDPOINTS.items():
        if not lacking(study, name):
            table = columns.PATIENTS if endpoint.unit == "patients" else columns.SITES
            origin = (
                f"day 0 ({study.index_event})"
                if endpoint.origin is None
                else _lower(table.columns[endpoint.origin].description)
            )
            origin += f"; {AT_RISK_LATE}" if enters_late(study) else ""
            known = [source for source in endpoint.events if source.column in _columns(study, endpoint)]
            lines.append(
                {
                    "Endpoint": name,
                    "What it is": endpoint.label,
                    "Followed": endpoint.unit,
                    "Time starts": origin,
                    "Event, whichever comes first": ", ".join(
                        dict.fromkeys(called(study, source) for source in known)
                    ),
                    "Read from": ", ".join(source.column for source in known),
                    "Otherwise censored": endpoint.censor.meaning,
                }
            )
    return pd.DataFrame(lines)


def in_words(study: Cohort, name: str) -> str:
    """An endpoint as this cohort defines it: ``from day 0 to progression or relapse, or death``."""
    endpoint = ENDPOINTS[name]
    table = columns.PATIENTS if endpoint.unit == "patients" else columns.SITES
    origin = "day 0" if endpoint.origin is None else _lower(table.columns[endpoint.origin].description)
    known = [source for source in endpoint.events if source.column in _columns(study, endpoint)]
    events = list(dict.fromkeys(called(study, source) for source in known))
    late = f"; {AT_RISK_LATE}" if enters_late(study) else ""
    return (
        f"from {origin} to {either(events)}, whichever comes first{late}"
        if len(events) > 1
        else (f"from {origin} to {events[0]}{late}" if events else f"from {origin}{late}")
    )


def either(events: list[str]) -> str:
    """Events of which the first counts, in a sentence: one whose name holds an *or* is kept from the last."""
    apart = len(events) == 2 and " or " in events[0]
    return ", or ".join(events) if apart else listed(events, "or")


def called(study: Cohort, source: Source) -> str:
    """What an event is called: by the cohort, where it names it among those that compete."""
    return study.competing.get(source.column, source.meaning)


def _lower(description: str) -> str:
    """A description of the dictionary as part of a sentence."""
    return description[:1].lower() + description[1:].rstrip(".")


def _columns(study: Cohort, endpoint: Endpoint) -> set[str]:
    return set(study.patients) | (set() if endpoint.unit == "patients" else set(study.sites))


def derive(study: Cohort, name: str, late: bool = False) -> pd.DataFrame:
    """Derive one endpoint for every patient, site or first course that has its origin.

    Parameters
    ----------
    study : Cohort
    name : str
        A key of :data:`ENDPOINTS`.
    late : bool
        Whether the caller allows for late entry (:func:`start_of`).

    Returns
    -------
    pandas.DataFrame
        The rows of the endpoint's unit with all their columns, patients' columns included, and: ``days``
        (whole days from the origin), ``event`` (bool), ``ended_by`` (which event, or how it was censored),
        ``source`` (the column the end was read from). For ``sites``, rows with an in-field assessment only.
        Where patients enter late, ``start`` is the day from the origin after which a row is at risk; rows
        that end before are left out, because nobody would have known of them.

    Raises
    ------
    KeyError
        If a column that the endpoint needs is absent; ask :func:`lacking` first.
    LateEntry
        If patients enter late and the caller does not allow for it.
    """
    if enters_late(study) and not late:
        raise LateEntry(LATE)
    return _derived(study, name).copy(deep=False)


def watched(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows of :func:`derive` with whose they are, how long they are followed and whether to the event,
    and with these columns, as far as they are there: rows of fewer columns are picked sooner.
    """
    kept = dict.fromkeys(["patient_id", "days", "event", "start", *columns])
    return frame[[column for column in kept if column in frame]]


@lru_cache(maxsize=2)  # who asks whether there are groups asks for their rows next
def _derived(study: Cohort, name: str) -> pd.DataFrame:
    """:func:`derive`, whoever asks; nobody changes a value of it."""
    endpoint = ENDPOINTS[name]
    frame = _rows_of(study, endpoint.unit)
    start = _days(frame, endpoint.origin) if endpoint.origin else np.zeros(len(frame))
    moments = np.column_stack([_moment(frame, source) for source in endpoint.events])
    event = np.isfinite(moments).any(axis=1)
    end = np.where(event, moments.min(axis=1), _days(frame, endpoint.censor.column))
    which = np.where(event, moments.argmin(axis=1), -1)  # the last of the sources is how it is censored
    sources = (*endpoint.events, endpoint.censor)
    kept = ~np.isnan(end - start)
    derived = frame[kept].reset_index(drop=True)
    derived["days"], derived["event"] = (end - start)[kept].astype(int), event[kept]
    for column, said in (("ended_by", "meaning"), ("source", "column")):
        words = np.array([getattr(source, said) for source in sources], dtype=object)
        derived[column] = words[which[kept]]
    if enters_late(study):
        entered = (derived["entry_day"].fillna(0) - start[kept]).clip(lower=0).astype(int)
        derived = derived.assign(start=entered)[entered < derived["days"]].reset_index(drop=True)
    return derived


@lru_cache(maxsize=4)  # a chapter asks for the same rows dozens of times, of one cohort and seldom another
def _rows_of(study: Cohort, unit: str) -> pd.DataFrame:
    """The rows of a unit, with their patients' columns; nobody changes anything of them."""
    if unit == "patients":
        return study.patients
    sites = study.sites
    if unit == "courses":
        study, sites = described(study), first_courses(sites)
    elif "in_field_response" in sites:
        sites = sites[sites["in_field_response"].notna() & (sites["in_field_response"] != "not evaluable")]
    return sites.merge(study.patients, on="patient_id", how="left", validate="many_to_one")


def _moment(frame: pd.DataFrame, source: Source) -> np.ndarray:
    """The day of an event for each row; infinite where it did not happen."""
    if source.column not in frame or (source.when and source.when[0] not in frame):
        return np.full(len(frame), np.inf)
    day = _days(frame, source.column)
    happened = ~np.isnan(day)
    if source.when:
        happened &= (frame[source.when[0]] == source.when[1]).fillna(False).to_numpy(dtype=bool)
    return np.where(happened, day, np.inf)


def _days(frame: pd.DataFrame, column: str) -> np.ndarray:
    return frame[column].to_numpy(dtype=float, na_value=np.nan)
