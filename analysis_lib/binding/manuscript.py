"""What a manuscript says of a cohort: a methods and a results paragraph written from its rows, and the STROBE
checklist.

Sentences about results that are absent, skipped or suppressed are left out. Nothing here is a finding of its
own: every number is a result row, every method one that a row names.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pandas as pd

from analysis_lib.binding import takeaway
from analysis_lib.binding import word as word_file
from analysis_lib.binding.strobe import checklist, checklist_table, places_in_book
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.cohort.cohort import Cohort
from analysis_lib.dictionary.words import label_of, listed
from analysis_lib.rows import methods, results
from analysis_lib.show import notes, sentences, tables
from analysis_lib.show.numbers import full

TITLE = "For your manuscript"
FURTHER = 9  # the chapter of analyses that a sceptical reader would ask for beside those of the study
SYNTHETIC = (
    "Synthetic patients: these sentences show what the book writes, and nothing here may be "
    "submitted or published as "
    "findings."
)
SURVIVAL = {"OS1": "died", "EFS1": "had an event", "OS2": "died", "EFS2": "had an event"}
# Comparisons of groups that a results paragraph tells; of those named by the future it says so.
COMPARISONS = (
    ("OS2", "salvage_sequence"),
    ("EFS2", "salvage_regimen"),
    ("OSRT", "rt_field"),
    ("OSRT", "bed_group"),
)
LATER = ("salvage_sequence", "further_therapy")


# --- paragraphs -----------------------------------------------------------------------------------


def methods_text(study: Cohort, rows: pd.DataFrame, further: pd.DataFrame | None = None) -> str:
    """The methods paragraphs: endpoints as declared, estimators and tests as the rows name them, conventions,
    software.

    What only the rows of ``further`` analyses name, stands in a paragraph of its own.
    """
    said = methods.sentences(rows)
    beyond = [] if further is None else [each for each in methods.sentences(further) if each not in said]
    followed = [
        name.upper()
        for name in rows["result_id"].str.extract(r"^([a-z0-9]+)\.median", expand=False).dropna().unique()
    ]
    defined = endpoints.definitions(study)
    declared = [_endpoint(line) for line in defined.to_dict("records") if line["Endpoint"] in followed]
    called = [
        methods.named(method)
        for frame in (rows, further)
        if frame is not None
        for method in methods.used(frame)
    ]
    libraries = {entry.by for entry in called if entry} - {methods.HERE}
    software = listed([f"{name} {version(name)}" for name in sorted(libraries)])
    return "\n\n".join(
        filter(
            None,
            [
                " ".join([f"Day 0 was the day of {_the(study.index_event)}.", *declared]),
                " ".join(said),
                " ".join(["Further analyses examined how far the results can be trusted.", *beyond])
                if beyond
                else "",
                "P values are two-sided. Times were counted in whole days and are shown in months of "
                "30.4375 days.",
                disclosure.in_words(study),
                f"Analyses were run with salvage-book {version('salvage-book')}"
                + (f" and the Python packages {software}." if software else "."),
            ],
        )
    )


def _endpoint(line: dict) -> str:
    events = line["Event, whichever comes first"].split(", ")
    end = f"{', '.join(events[:-1])} or {events[-1]}, whichever came first" if len(events) > 1 else events[0]
    return (
        f"{methods.capital(line['What it is'])} ({line['Endpoint']}) ended with {end}, "
        f"and was censored at {_censoring(line['Otherwise censored'])}."
    )


def _censoring(meaning: str) -> str:
    return meaning.removeprefix("alive at ")


def _the(event: str) -> str:
    """An index event as it stands in a sentence: ``study entry``, ``the CAR T-cell infusion``."""
    return event if event.endswith("entry") else f"the {event}"


def results_text(study: Cohort, rows: pd.DataFrame) -> str:
    """The results paragraphs: patients and follow-up, response and failure, survival, groups, radiotherapy,
    models.
    """
    told = _told(rows)
    paragraphs = [
        _patients(study, told),
        _failure(study, told),
        *[_survival(study, told, *each) for each in SURVIVAL.items()],
        _comparisons(told),
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
                    f"Salvage therapy started a median of {{salvage.time:full}} after "
                    f"{_the(study.index_event)}.",
                    f"Median follow-up from {_the(study.index_event)} was {{os1.follow_up.reverse_km:full}} "
                    f"by the "
                    f"reverse Kaplan–Meier method; "
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
        f"The disease failed a median of {{failure.time:full}} after {_the(study.index_event)}.",
        "A previously involved site took part in the failure in {failure.any_local} "
        "({failure.any_local:events} of "
        "{failure.any_local:n}; {failure.any_local:limits}).",
    )


def _survival(study: Cohort, rows: pd.DataFrame, name: str, happened: str) -> str:
    prefix = name.lower()
    label = endpoints.ENDPOINTS[name].label.replace("day 0", _the(study.index_event))
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


def _comparisons(rows: pd.DataFrame) -> str:
    said = []
    for name, by in COMPARISONS:
        prefix = name.lower()
        medians = rows[rows["result_id"].str.startswith(f"{prefix}.median.{by}.")]
        groups = [f"{full(one)} for {one['group']} (n = {one['n']})" for _, one in medians.iterrows()]
        test = _say(rows, f"({{{prefix}.logrank.{by}:method}}, {{{prefix}.logrank.{by}}})")
        if len(groups) > 1 and "<NA>" not in "".join(groups):
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
                f"By {_small(label_of(by))}, median {what} was "
                f"{listed(groups)}{' ' + test if test else ''}.{warning}"
            )
    return " ".join(said)


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
            f"{full(one)} for {_small(one['group'])}" + _say(rows, f", {{{row_id}.p}}")
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


# --- the page -------------------------------------------------------------------------------------


def write(study: Cohort, folder: Path) -> None:
    """Write a cohort's page ``report.md`` and, below ``takeaway``, its paragraphs as text and its checklist
    as Word file.

    ``folder`` holds the cohort's chapters and, below ``results``, their rows. The chapters that repeat the
    paper are the study; those after them, up to the ones on the paper itself, are further analyses.
    """
    rows, further = (_rows_of(folder, numbers) for numbers in (range(1, FURTHER), [FURTHER]))
    stem = folder / takeaway.FOLDER / study.name
    stem.parent.mkdir(parents=True, exist_ok=True)
    answered, note = checklist(study, folder), f"{SYNTHETIC}\n\n" if study.synthetic else ""
    lines = [f"# {TITLE}: {notes.markdown(study.title)}", "", notes.about_html(study), ""]
    if study.synthetic:
        lines += [":::{warning}", SYNTHETIC, ":::", ""]
    lines += [
        "Everything on this page is written from the result rows of this cohort's chapters: what a "
        "chapter could not do is left "
        "out. It is a draft to check and to put into your own words."
        + (
            " Its numbers are rounded to protect patients; whoever may see the exact ones puts them "
            "in before submission."
            if disclosure.hides(study)
            else ""
        ),
        "",
    ]
    for name, written in {
        "Methods": methods_text(study, rows, further),
        "Results": results_text(study, rows),
    }.items():
        file = stem.with_name(f"{stem.name}-{name.lower()}.txt")
        file.write_text(f"{name}: {study.title}\n\n{note}{written}\n", "utf-8")
        lines += [
            f"## {name}",
            "",
            "```{code-block} text",
            ":class: manuscript",
            "",
            written,
            "```",
            "",
            "{.take-away}",
            f"[{name.lower()} (text)]({takeaway.FOLDER}/{file.name})",
            "",
        ]
    word = stem.with_name(f"{stem.name}-strobe.docx")
    word.write_bytes(
        word_file.word(
            f"STROBE checklist: {study.title}", [takeaway.about(study)], [checklist_table(answered)]
        )
    )
    lines += [
        "## STROBE checklist",
        "",
        "What a report of a cohort study should tell, by the STROBE statement "
        "{cite:p}`vonelm2007,vandenbroucke2007`, here in our "
        "own words; journals want its own form. Each item links to where this book answers it, and "
        "says what is left for the "
        "authors.",
        "",
        "{.take-away}",
        f"[checklist (Word)]({takeaway.FOLDER}/{word.name})",
        "",
        *tables.markdown_table(
            ["Item", "Asked for", "Where it is answered"],
            [
                [f"{item.number} {item.topic}", item.asks, places_in_book(item, places)]
                for item, places in answered
            ],
            "The STROBE checklist for cohort studies",
        ),
    ]
    (folder / "report.md").write_text("\n".join(lines) + "\n", "utf-8")


def _rows_of(folder: Path, numbers) -> pd.DataFrame:
    """The rows of the chapters with these numbers; of a row that two share, the first."""
    paths = sorted((folder / "results").glob("*.csv"))
    return results.read_files([path for path in paths if int(path.stem[:2]) in numbers])
