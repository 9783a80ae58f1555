"""What a manuscript says of a cohort: a methods and a results paragraph written from its rows, and the STROBE checklist.

Sentences about results that are absent, skipped or suppressed are left out. Nothing here is a finding of its own: every
number is a result row, every method one that a row names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from analysis_lib import chapter, disclosure, endpoints, methods, results, schema, takeaway, text
from analysis_lib.cohort import Cohort, listed
from analysis_lib.takeaway import Table

TITLE = "For your manuscript"
FURTHER = 9  # the chapter of analyses that a sceptical reader would ask for beside those of the study
SYNTHETIC = ("Synthetic patients: these sentences show what the book writes, and nothing here may be submitted or published as "
             "findings.")
SURVIVAL = {"OS1": "died", "EFS1": "had an event", "OS2": "died", "EFS2": "had an event"}
# Comparisons of groups that a results paragraph tells; of those named by the future it says so.
COMPARISONS = (("OS2", "salvage_sequence"), ("EFS2", "salvage_regimen"), ("OSRT", "rt_field"), ("OSRT", "bed_group"))
LATER = ("salvage_sequence", "further_therapy")


# --- paragraphs -----------------------------------------------------------------------------------------------

def methods_text(study: Cohort, rows: pd.DataFrame, further: pd.DataFrame | None = None) -> str:
    """The methods paragraphs: endpoints as declared, estimators and tests as the rows name them, conventions, software.

    What only the rows of ``further`` analyses name, stands in a paragraph of its own.
    """
    said = methods.sentences(rows)
    beyond = [] if further is None else [each for each in methods.sentences(further) if each not in said]
    followed = [name.upper() for name in rows["result_id"].str.extract(r"^([a-z0-9]+)\.median", expand=False).dropna().unique()]
    defined = endpoints.definitions(study)
    declared = [_endpoint(line) for line in defined.to_dict("records") if line["Endpoint"] in followed]
    called = [methods.named(method) for frame in (rows, further) if frame is not None for method in methods.used(frame)]
    libraries = {entry.by for entry in called if entry} - {methods.HERE}
    software = listed([f"{name} {version(name)}" for name in sorted(libraries)])
    return "\n\n".join(filter(None, [
        " ".join([f"Day 0 was the day of {_the(study.index_event)}.", *declared]),
        " ".join(said),
        " ".join(["Further analyses examined how far the results can be trusted.", *beyond]) if beyond else "",
        "P values are two-sided. Times were counted in whole days and are shown in months of 30.4375 days.",
        disclosure.in_words(study),
        f"Analyses were run with salvage-book {version('salvage-book')}" + (f" and the Python packages {software}." if software else ".")]))


def _endpoint(line: dict) -> str:
    events = line["Event, whichever comes first"].split(", ")
    end = f"{', '.join(events[:-1])} or {events[-1]}, whichever came first" if len(events) > 1 else events[0]
    return (f"{methods.capital(line['What it is'])} ({line['Endpoint']}) ended with {end}, "
            f"and was censored at {_censoring(line['Otherwise censored'])}.")


def _censoring(meaning: str) -> str:
    return meaning.removeprefix("alive at ")


def _the(event: str) -> str:
    """An index event as it stands in a sentence: ``study entry``, ``the CAR T-cell infusion``."""
    return event if event.endswith("entry") else f"the {event}"


def results_text(study: Cohort, rows: pd.DataFrame) -> str:
    """The results paragraphs: patients and follow-up, response and failure, survival, groups, radiotherapy, models."""
    told = _told(rows)
    paragraphs = [_patients(study, told), _failure(study, told), *[_survival(study, told, *each) for each in SURVIVAL.items()],
                  _comparisons(told), _radiotherapy(told), _models(told)]
    return "\n\n".join(filter(None, paragraphs)) or "This cohort has no result that a manuscript would tell."


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold something to tell: a value, or a median that is known not to be reached."""
    unreached = (rows["statistic"] == "median time") & rows["n"].notna() & (rows["note"] == "median not reached")
    return rows[(rows["statistic"] != "skipped") & (rows["value"].notna() | unreached)]


def _say(rows: pd.DataFrame, *templates: str) -> str:
    """The sentences whose rows are there, joined; one in which a number is not known is left out."""
    said = [text.sentence(rows, template) for template in templates]
    return " ".join(sentence for sentence in said if sentence and "<NA>" not in sentence and "  " not in sentence)  # a count is hidden


def _patients(study: Cohort, rows: pd.DataFrame) -> str:
    who = _say(rows, "Of {flow.database} patients screened, {flow.included} were included.") or _say(
        rows, "The cohort comprises {flow.included} patients.")
    return " ".join(filter(None, [who, _say(
        rows,
        "The first salvage therapy was radiotherapy alone (RT) in {flow.salvage_regimen.rt}, combined-modality therapy (CMT) in "
        "{flow.salvage_regimen.cmt} and systemic therapy alone (ST) in {flow.salvage_regimen.st} patients.",
        f"Salvage therapy started a median of {{salvage.time:full}} after {_the(study.index_event)}.",
        f"Median follow-up from {_the(study.index_event)} was {{os1.follow_up.reverse_km:full}} by the reverse Kaplan–Meier method; "
        "the median of all observed times was {os1.follow_up.naive:full}.",
        "From the start of salvage therapy, median follow-up was {os2.follow_up.reverse_km:full} by the reverse Kaplan–Meier "
        "method; the median of all observed times was {os2.follow_up.naive:full}.")]))


def _failure(study: Cohort, rows: pd.DataFrame) -> str:
    return _say(
        rows, "The overall response rate was {response.orr} ({response.orr:events} of {response.orr:n}; {response.orr:limits}).",
        "A complete response was reached by {response.cr} ({response.cr:events} of {response.cr:n}; {response.cr:limits}).",
        f"The disease failed a median of {{failure.time:full}} after {_the(study.index_event)}.",
        "A previously involved site took part in the failure in {failure.any_local} ({failure.any_local:events} of "
        "{failure.any_local:n}; {failure.any_local:limits}).")


def _survival(study: Cohort, rows: pd.DataFrame, name: str, happened: str) -> str:
    prefix = name.lower()
    label = endpoints.ENDPOINTS[name].label.replace("day 0", _the(study.index_event))
    rates = [f"{{{prefix}.rate{months}:full}} at {months} months" for months in survival_months(rows, prefix)]
    return _say(rows, f"Median {label} ({name}) was {{{prefix}.median:full}}; {{{prefix}.median:events}} of {{{prefix}.median:n}} "
                f"patients {happened}.", *([f"The estimated {name} was {listed(rates)}."] if rates else []))


def survival_months(rows: pd.DataFrame, prefix: str) -> list[int]:
    """The times, in months, at which an endpoint's overall rate is known."""
    return sorted(map(int, rows["result_id"].str.extract(rf"^{prefix}\.rate(\d+)$", expand=False).dropna()))


def _comparisons(rows: pd.DataFrame) -> str:
    said = []
    for name, by in COMPARISONS:
        prefix = name.lower()
        medians = rows[rows["result_id"].str.startswith(f"{prefix}.median.{by}.")]
        groups = [f"{text.full(one)} for {one['group']} (n = {one['n']})" for _, one in medians.iterrows()]
        test = _say(rows, f"({{{prefix}.logrank.{by}:method}}, {{{prefix}.logrank.{by}}})")
        if len(groups) > 1 and "<NA>" not in "".join(groups):
            warning = " These groups are named by later treatment and must not be read as alternatives at the start." if by in LATER else ""
            what = {"OSRT": "overall survival from the start of radiotherapy"}.get(name, name)
            said.append(f"By {_small(schema.label_of(by))}, median {what} was {listed(groups)}{' ' + test if test else ''}.{warning}")
    return " ".join(said)


def _radiotherapy(rows: pd.DataFrame) -> str:
    months = survival_months(rows, "lc")
    return _say(
        rows, "Radiotherapy was given to {rt.patients} of the patients ({rt.patients:events} of {rt.patients:n}), to {rt.sites} sites "
        "in {rt.courses} courses.", "The median dose to a site was {rt.dose:full}, in a median of {rt.fractions:full} fractions.",
        "Of the evaluable sites, {infield.response.cr} ({infield.response.cr:events} of {infield.response.cr:n}; "
        "{infield.response.cr:limits}) were in complete response within the field.",
        "Within the field, {lc.progressed} of the assessable sites progressed ({lc.progressed:events} of {lc.progressed:n}).",
        *([f"In-field control was {listed([f'{{lc.rate{month}:full}} at {month} months' for month in months])}."] if months else []),
        *[f"At {month} months, allowing for several sites in one patient gives {{lc.rate{month}.clustered:limits}}." for month in months[:1]])


def _models(rows: pd.DataFrame) -> str:
    said = []
    for name in endpoints.ENDPOINTS:
        prefix = f"cox.{name.lower()}.mv"
        ratios = rows[rows["result_id"].str.startswith(f"{prefix}.") & (rows["statistic"] == "hazard ratio")]
        if ratios.empty or ratios[["n", "events"]].isna().any(axis=None):
            continue
        each = [f"{text.full(one)} for {_small(one['group'])}" + _say(rows, f", {{{row_id}.p}}")
                for row_id, (_, one) in zip(ratios["result_id"], ratios.iterrows())]
        first = ratios.iloc[0]
        said.append(f"In the multivariable Cox model of {name} (n = {first['n']}, {first['events']} events), the hazard ratio "
                    f"was {'; '.join(each[:-1])}{'; and ' if each[1:] else ''}{each[-1]}.")
        said.append(_say(rows, f"The test of proportional hazards gave {{{prefix}.ph.global}}."))
    return " ".join(filter(None, said))


def _small(words: str) -> str:
    """A label within a sentence: a capital goes unless it begins an abbreviation."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


# --- STROBE ---------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Item:
    """An item of the STROBE checklist for cohort studies, in our own words.

    Attributes
    ----------
    number, topic, asks : str
        As the statement counts it; what it is about; what a reader should find.
    sections : tuple
        Where this book answers it: ``(number of the chapter, heading)``; an empty heading is the whole chapter.
    authors : str
        What is left to write.
    """

    number: str
    topic: str
    asks: str
    sections: tuple[tuple[int, str], ...] = ()
    authors: str = ""


STROBE = (
    Item("1a", "Title", "The design is named in title or abstract", authors="name it: a retrospective cohort study"),
    Item("1b", "Abstract", "A balanced summary of what was done and found", authors="write it, from the paragraphs above"),
    Item("2", "Background", "Why the study was done, and what was known", authors="write it"),
    Item("3", "Objectives", "Aims, and hypotheses stated beforehand", authors="state them, and say which were not stated beforehand"),
    Item("4", "Design", "The main features of the design come early", authors="state them"),
    Item("5", "Setting", "Places, and dates of recruitment, exposure, follow-up and data collection",
         authors="state hospitals and dates; no date enters this book"),
    Item("6a", "Participants", "Who was eligible, where they came from, how they were chosen and followed",
         ((1, "Participants and flow"),), "state the criteria, and how patients were found and followed"),
    Item("6b", "Participants", "For matched studies: the criteria and the numbers matched", authors="does not apply: nobody was matched"),
    Item("7", "Variables", "Outcomes, exposures, predictors, confounders and effect modifiers are defined",
         ((1, "Definitions"), (6, "How it is defined")), "say how response and progression were assessed"),
    Item("8", "Measurement", "For each variable, the source and how it was measured, alike in all groups", ((1, "Definitions"),),
         "name the sources, the response criteria and who assessed them"),
    Item("9", "Bias", "What was done about sources of bias",
         ((4, "OS2 by what the patients received"), (6, "Limited stage, comprehensive field: radiotherapy alone, or followed by more"),
          (9, "Is a second modality better, or only later?"), (9, "Would the same patients live longer after the other treatment?")),
         "say what was done when the study was planned"),
    Item("10", "Size", "How the number of patients came about", ((1, "Participants and flow"), (9, "How large a study would it take?")),
         "give the reason for the size"),
    Item("11", "Quantities", "How quantities were handled, and why groups were cut where they were",
         ((5, "How it is estimated"), (6, "How it is defined"), (7, "Cautions")), "give the reason for each cut-off"),
    Item("12a", "Statistics", "All methods, with those that control confounding",
         ((2, "How it is estimated"), (4, "How it is estimated"), (7, "How it is estimated"),
          (9, "Would the same patients live longer after the other treatment?"))),
    Item("12b", "Statistics", "How subgroups and interactions were examined", ((6, ""), (7, "")), "say which were planned"),
    Item("12c", "Statistics", "How missing values were handled",
         ((2, "How it is estimated"), (7, "How it is estimated"), (9, "What if bulk had been known in everyone?"))),
    Item("12d", "Statistics", "How loss to follow-up was handled", ((1, "Follow-up"), (1, "Definitions"))),
    Item("12e", "Statistics", "Sensitivity analyses", ((9, ""), (5, "Local control")), "add those that your question needs"),
    Item("13a", "Participants", "Numbers at each stage of the study", ((1, "Participants and flow"),)),
    Item("13b", "Participants", "Why some did not take part at each stage", ((1, "Participants and flow"),), "give reasons that the data do not hold"),
    Item("13c", "Participants", "A flow diagram, if it helps", ((1, "Participants and flow"),)),
    Item("14a", "Descriptive data", "Who the participants are, with exposures and possible confounders", ((2, "Table 1"),)),
    Item("14b", "Descriptive data", "How many values are missing, for each variable", ((2, "Table 1"),)),
    Item("14c", "Descriptive data", "Follow-up in sum (average and total)", ((1, "Follow-up"),)),
    Item("15", "Outcome data", "Numbers of events, or summaries over time",
         ((1, "What ended each endpoint"), (4, "Overall survival from day 0 (OS1)"), (4, "From the start of salvage therapy (OS2, EFS2)"))),
    Item("16a", "Main results", "Estimates with intervals, unadjusted and adjusted, and for what and why",
         ((4, ""), (7, "")), "give the reason for the factors of the models"),
    Item("16b", "Main results", "The boundaries of quantities that were cut into groups", ((6, "Survival by dose"), (7, "Cautions"))),
    Item("16c", "Main results", "Absolute beside relative risks, where that helps", ((4, ""),)),
    Item("17", "Other analyses", "Subgroups, interactions, sensitivity analyses", ((5, "In-field control by bulk"), (6, ""), (8, ""), (9, ""))),
    Item("18", "Key results", "A summary in the light of the aims", authors="write it"),
    Item("19", "Limitations", "Bias and imprecision, with direction and size",
         ((1, "Cautions"), (4, "Cautions"), (5, "Cautions"), (6, "Cautions"), (7, "Cautions")), "weigh them for your cohort"),
    Item("20", "Interpretation", "A cautious reading, beside other evidence", ((8, ""),), "write it"),
    Item("21", "External validity", "To whom the results apply", authors="write it"),
    Item("22", "Funding", "Who paid, and what part they had", authors="state it"),
)


def checklist(study: Cohort, folder: Path) -> list[tuple[Item, list[tuple[str, str, str]]]]:
    """Each item with the places of this cohort's book that answer it: title of the chapter, section, file with anchor.

    A section that was skipped, or that this book does not have, answers nothing.
    """
    shown = {int(each[:2]): each for each in chapter.chapters_of(study) if (folder / f"{each}.ipynb").is_file()}
    headings = {number: _answered(folder / f"{each}.ipynb") for number, each in shown.items()}
    return [(item, [_place(shown[number], section, study) for number, section in item.sections
                    if number in shown and (section in headings[number] if section else headings[number])]) for item in STROBE]


def _place(each: str, section: str, study: Cohort) -> tuple[str, str, str]:
    return chapter.short_title(each, study), section, f"{each}.ipynb" + (f"#{_anchor(section)}" if section else "")


def _answered(page: Path) -> set[str]:
    """The headings of a page below which something is shown; none if the whole chapter was skipped."""
    cells = json.loads(page.read_text("utf-8"))["cells"]
    if not any(cell.get("outputs") for cell in cells if "synthetic-note" not in str(cell) and "cohort-note" not in str(cell)):
        return set()
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return {found for source in sources if "skip-note" not in source for found in re.findall(r"^#{2,3} (.+)$", source, re.M)}


def _anchor(heading: str) -> str:
    """The anchor that MyST gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


# --- the page -------------------------------------------------------------------------------------------------

def write(study: Cohort, folder: Path) -> None:
    """Write a cohort's page ``report.md`` and, below ``takeaway``, its paragraphs as text and its checklist as Word file.

    ``folder`` holds the cohort's chapters and, below ``results``, their rows. The chapters that repeat the paper are the
    study; those after them, up to the ones on the paper itself, are further analyses.
    """
    rows, further = (_rows_of(folder, numbers) for numbers in (range(1, FURTHER), [FURTHER]))
    stem = folder / takeaway.FOLDER / study.name
    stem.parent.mkdir(parents=True, exist_ok=True)
    answered, note = checklist(study, folder), f"{SYNTHETIC}\n\n" if study.synthetic else ""
    lines = [f"# {TITLE}: {text.markdown(study.title)}", "", text.about_html(study), ""]
    if study.synthetic:
        lines += [":::{warning}", SYNTHETIC, ":::", ""]
    lines += ["Everything on this page is written from the result rows of this cohort's chapters: what a chapter could not do is left "
              "out. It is a draft to check and to put into your own words." + (
                  " Its numbers are rounded to protect patients; whoever may see the exact ones puts them in before submission."
                  if disclosure.hides(study) else ""), ""]
    for name, written in {"Methods": methods_text(study, rows, further), "Results": results_text(study, rows)}.items():
        file = stem.with_name(f"{stem.name}-{name.lower()}.txt")
        file.write_text(f"{name}: {study.title}\n\n{note}{written}\n", "utf-8")
        lines += [f"## {name}", "", "```{code-block} text", ":class: manuscript", "", written, "```", "", "{.take-away}",
                  f"[{name.lower()} (text)]({takeaway.FOLDER}/{file.name})", ""]
    word = stem.with_name(f"{stem.name}-strobe.docx")
    word.write_bytes(takeaway.word(f"STROBE checklist: {study.title}", [takeaway.about(study)], [_checklist_table(answered)]))
    lines += ["## STROBE checklist", "",
              "What a report of a cohort study should tell, by the STROBE statement {cite:p}`vonelm2007,vandenbroucke2007`, here in our "
              "own words; journals want its own form. Each item links to where this book answers it, and says what is left for the "
              "authors.", "", "{.take-away}", f"[checklist (Word)]({takeaway.FOLDER}/{word.name})", "",
              *text.markdown_table(["Item", "Asked for", "Where it is answered"],
                                   [[f"{item.number} {item.topic}", item.asks, _places(item, places)] for item, places in answered],
                                   "The STROBE checklist for cohort studies")]
    (folder / "report.md").write_text("\n".join(lines) + "\n", "utf-8")


def _rows_of(folder: Path, numbers) -> pd.DataFrame:
    """The rows of the chapters with these numbers; of a row that two share, the first."""
    found = [results.read(path) for path in sorted((folder / "results").glob("*.csv")) if int(path.stem[:2]) in numbers]
    return pd.concat(found).drop_duplicates("result_id").reset_index(drop=True) if found else results.collect([])


def _places(item: Item, places: list[tuple[str, str, str]]) -> str:
    links = "; ".join(f"[{text.markdown(title)}{': ' + section if section else ''}]({file})" for title, section, file in places)
    return ". ".join(filter(None, [links, f"*For the authors:* {item.authors or 'nothing of this cohort answers it'}"
                                   if item.authors or not places else ""])) + "."


def _checklist_table(answered) -> Table:
    lines = [[f"{item.number} {item.topic}", item.asks,
              "; ".join(f"chapter {title}{': ' + section if section else ''}" for title, section, _ in places) or "–",
              item.authors or ("–" if places else "nothing of this cohort answers it")] for item, places in answered]
    return Table("The STROBE checklist for cohort studies (von Elm and colleagues, Lancet 2007), paraphrased.",
                 ["Item", "Asked for", "In the book", "For the authors"], lines)
