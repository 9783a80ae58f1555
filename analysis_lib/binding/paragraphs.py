"""The results paragraphs of a manuscript, written from a cohort's rows: patients, response, survival, groups,
radiotherapy, models.

A sentence about a result that is absent, skipped or suppressed is left out; every number is a result row.
"""

from __future__ import annotations

import pandas as pd

from analysis_lib.analyses import failure
from analysis_lib.cohort import endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import head_of, listed, within
from analysis_lib.rows.methods import capital
from analysis_lib.rows.results import slug
from analysis_lib.show import sentences
from analysis_lib.show.numbers import full

SURVIVAL = {"OS1": "died", "EFS1": "had an event", "OS2": "died", "EFS2": "had an event"}
# Comparisons of groups that a results paragraph tells; of those named by the future it says so.
COMPARISONS = (
    ("OS2", "salvage_sequence"),
    ("EFS2", "salvage_regimen"),
    ("OSRT", "rt_field"),
    ("OSRT", "bed_group"),
)
LATER = ("salvage_sequence", "further_therapy")


def the_event(event: str) -> str:
    """An index event as it stands in a sentence: ``study entry``, ``the CAR T-cell infusion``."""
    return event if event.endswith("entry") else f"the {event}"


def _event_of(study: Cohort) -> str:
    """The index event for a template: what a hospital calls it may hold braces."""
    return sentences.literal(the_event(study.index_event))


def results_text(study: Cohort, rows: pd.DataFrame) -> str:
    """The results paragraphs: patients and follow-up, response and failure, survival, groups, radiotherapy,
    models.
    """
    told = _told(rows)
    paragraphs = [
        _patients(study, told),
        _failure(study, told),
        *[_survival(study, told, *each) for each in SURVIVAL.items()],
        _comparisons(study, told),
        _competing(study, told),
        _radiotherapy(told),
        _models(told),
    ]
    return "\n\n".join(filter(None, paragraphs)) or "This cohort has no result that a manuscript would tell."


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold something to tell: a value, or a median that is known not to be reached."""
    unreached = (
        (rows["statistic"] == "median time") & rows["n"].notna() & (rows["note"] == "median not reached")
    )
    return rows[(rows["statistic"] != "skipped") & (rows["value"].notna() | unreached)]


def _say(rows: pd.DataFrame, *templates: str) -> str:
    """The sentences whose rows are there, joined; one in which a number is not known is left out."""
    said = [sentences.sentence(rows, template) for template in templates]
    # a count is hidden
    return " ".join(
        sentence for sentence in said if sentence and "<NA>" not in sentence and "  " not in sentence
    )


def _patients(study: Cohort, rows: pd.DataFrame) -> str:
    who = _say(rows, "Of {flow.database} patients screened, {flow.included} were included.") or _say(
        rows, "The cohort comprises {flow.included} patients."
    )
    return " ".join(
        filter(
            None,
            [
                who,
                _say(
                    rows,
                    "The first salvage therapy was radiotherapy alone (RT) in {flow.salvage_regimen.rt}, "
                    "combined-modality therapy (CMT) in "
                    "{flow.salvage_regimen.cmt} and systemic therapy alone (ST) in "
                    "{flow.salvage_regimen.st} patients.",
                    f"Salvage therapy started a median of {{salvage.time:full}} after {_event_of(study)}.",
                    f"Median follow-up from {_event_of(study)} was "
                    "{os1.follow_up.reverse_km:full} by the reverse Kaplan–Meier method; "
                    "the median of all observed times was {os1.follow_up.naive:full}.",
                    "From the start of salvage therapy, median follow-up was "
                    "{os2.follow_up.reverse_km:full} by the "
                    "reverse Kaplan–Meier "
                    "method; the median of all observed times was {os2.follow_up.naive:full}.",
                ),
            ],
        )
    )


def _failure(study: Cohort, rows: pd.DataFrame) -> str:
    return _say(
        rows,
        "The overall response rate was {response.orr} ({response.orr:events} of {response.orr:n}; "
        "{response.orr:limits}).",
        "A complete response was reached by {response.cr} ({response.cr:events} of {response.cr:n}; "
        "{response.cr:limits}).",
        f"{sentences.literal(capital(failure.called(study)))} came a median of {{failure.time:full}} after "
        f"{_event_of(study)}.",
        "A previously involved site took part in the failure in {failure.any_local} "
        "({failure.any_local:events} of "
        "{failure.any_local:n}; {failure.any_local:limits}).",
    )


def _survival(study: Cohort, rows: pd.DataFrame, name: str, happened: str) -> str:
    prefix = name.lower()
    label = endpoints.ENDPOINTS[name].label.replace("day 0", _event_of(study))
    rates = [f"{{{prefix}.rate{months}:full}} at {months} months" for months in survival_months(rows, prefix)]
    return _say(
        rows,
        f"Median {label} ({name}) was {{{prefix}.median:full}}; {{{prefix}.median:events}} of "
        f"{{{prefix}.median:n}} "
        f"patients {happened}.",
        *([f"The estimated {name} was {listed(rates)}."] if rates else []),
    )


def survival_months(rows: pd.DataFrame, prefix: str) -> list[int]:
    """The times, in months, at which an endpoint's overall rate is known."""
    return sorted(map(int, rows["result_id"].str.extract(rf"^{prefix}\.rate(\d+)$", expand=False).dropna()))


def _comparisons(study: Cohort, rows: pd.DataFrame) -> str:
    said = []
    drawn = rows[(rows["statistic"] == "median time") & rows["result_id"].str.startswith("own.")]
    own = [(f"own.{name.lower()}", name, by) for name, by in zip(drawn["endpoint"], drawn["by"])]
    for prefix, name, by in [*((name.lower(), name, by) for name, by in COMPARISONS), *dict.fromkeys(own)]:
        medians = rows[
            (rows["statistic"] == "median time") & rows["result_id"].str.startswith(f"{prefix}.median.{by}.")
        ]
        groups = [
            f"{full(one)} for {_named(study, by, one['group'])} (n = {one['n']})"
            for _, one in medians.iterrows()
        ]
        test = _say(rows, f"({{{prefix}.logrank.{by}:method}}, {{{prefix}.logrank.{by}}})")
        # one patient is no group: a median and a test would be that patient's day
        if len(groups) > 1 and "<NA>" not in "".join(groups) and (medians["n"] > 1).all():
            warning = (
                (
                    " These groups are named by later treatment and must not be read as alternatives at "
                    "the start."
                )
                if by in LATER
                else ""
            )
            what = {"OSRT": "overall survival from the start of radiotherapy"}.get(name, name)
            said.append(
                f"Median {what} by {_small(study.label_of(by))}: "
                f"{listed(groups)}{' ' + test if test else ''}.{warning}"
            )
    return " ".join(said)


def _named(study: Cohort, by: str, group: str) -> str:
    """A group as a sentence calls it: never just yes or no, nor as another group is called."""
    return f"{_small(study.label_of(by))}: {group}" if group in ("yes", "no") else head_of(by, group)


def _competing(study: Cohort, rows: pd.DataFrame) -> str:
    """How often each of the events that compete came first, and whether more often in some groups."""
    said = []
    for event in [*study.competing.values(), "death"] if study.competing else []:
        prefix = slug("competing", event)
        rates = [
            f"{{{prefix}.rate{months}:full}} at {months} months" for months in survival_months(rows, prefix)
        ]
        if rates:
            named = sentences.literal(event)
            said.append(
                _say(rows, f"The cumulative incidence of {named} as first event was {listed(rates)}.")
            )
        tests = rows[rows["result_id"].str.startswith(f"{prefix}.gray.") & (rows["statistic"] == "p")]
        for test, by in zip(tests["result_id"], tests["by"]):
            by = sentences.literal(_small(study.label_of(by)))
            said.append(_say(rows, f"By {by}, Gray's test gave {{{test}}}."))
    return " ".join(filter(None, said))


def _radiotherapy(rows: pd.DataFrame) -> str:
    months = survival_months(rows, "lc")
    return _say(
        rows,
        "Radiotherapy was given to {rt.patients} of the patients ({rt.patients:events} of "
        "{rt.patients:n}), to {rt.sites} sites "
        "in {rt.courses} courses.",
        "The median dose to a site was {rt.dose:full}, in a median of {rt.fractions:full} fractions.",
        "Of the evaluable sites, {infield.response.cr} ({infield.response.cr:events} of "
        "{infield.response.cr:n}; "
        "{infield.response.cr:limits}) were in complete response within the field.",
        "Within the field, {lc.progressed} of the assessable sites progressed ({lc.progressed:events} of "
        "{lc.progressed:n}).",
        *(
            [
                f"In-field control was "
                f"{listed([f'{{lc.rate{month}:full}} at {month} months' for month in months])}."
            ]
            if months
            else []
        ),
        *[
            f"At {month} months, allowing for several sites in one patient gives "
            f"{{lc.rate{month}.clustered:limits}}."
            for month in months[:1]
        ],
    )


def _models(rows: pd.DataFrame) -> str:
    said = []
    for name in endpoints.ENDPOINTS:
        prefix = f"cox.{name.lower()}.mv"
        ratios = rows[rows["result_id"].str.startswith(f"{prefix}.") & (rows["statistic"] == "hazard ratio")]
        if ratios.empty or ratios[["n", "events"]].isna().any(axis=None):
            continue
        each = [
            f"{full(one)} for {within(one['group'])}" + _say(rows, f", {{{row_id}.p}}")
            for row_id, (_, one) in zip(ratios["result_id"], ratios.iterrows())
        ]
        first = ratios.iloc[0]
        said.append(
            f"In the multivariable Cox model of {name} (n = {first['n']}, {first['events']} "
            f"events), the hazard ratio "
            f"was {'; '.join(each[:-1])}{'; and ' if each[1:] else ''}{each[-1]}."
        )
        said.append(_say(rows, f"The test of proportional hazards gave {{{prefix}.ph.global}}."))
    return " ".join(filter(None, said))


def _small(words: str) -> str:
    """A label within a sentence: a capital goes unless it begins an abbreviation."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
