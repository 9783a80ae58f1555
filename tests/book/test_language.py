"""No page reads like a machine: patterns that once puzzled a reader, looked for on every built page."""

import functools
import re

import pytest

from visiting import first, of_class, tree_of, words

NEVER = {
    "no estimate, said as if it were one": r"P not estimable and P not estimable|a median of not (?:estimable|reached)",
    "a test that could not be made": r"gives P not estimable|P not estimable (?:with|and)",
    "nobody of nobody": r"\b0 of 0\b",
    "one of one, as a share": r"\b1 of 1 \(100%\) [a-z]",
    "the others, of whom there are none": r"\bthe others? 0\b",
    "better by less than nothing": r"−\d[\d.]*% better",
    "the name of a column, of a row or of a folder": r"\bPRIOR\b|(?<=\w )(?:advanced_stage|ldh_elevated|min_cell_count)\b|"
    r"state\d+:|(?:truth|rebuilt):",
    "hundredths of a month": r"\bmonth \d+\.\d\d",
    "one of one": r"\b1 of 1 (?!\()",
    "one, in the plural": r"(?<![\d.,–-])\b1 (?:have|were|remain|factors|claims|courses|cohorts|results of)\b",
    "an empty table": r"\b0 claims\b",
    "a sentence that ends at a colon": r"patients:\s*$",
    "decimals nobody speaks": r"\d\.\d+ to \d+\.\d+ percent",
    "a name without its capital": r"aalen–|kaplan–|mantel[– ]by|\b[Rr]everse km\b",
    "a small letter after a full stop": r"\bdatabase\. [a-z]",
    "our own words": r"stays put|whose owners|\b[Oo]ne line a (?:factor|patient)|heated up and frozen"
    r"|with a state that changes|[Tt]aken as groups of the first day|had to live to its start",
    "a column in a reader's sentence": r"this cohort has no columns?",
    "a value that is none, as a computer says it": r"\b(?:nan|NaN|None(?! of\b)|inf|NaT)\b|<NA>",
    "punctuation that stands for a word left out": r",\s*\.",
    "brackets with nothing in them": r"(?<=\w) \(\)",
}
BLOCKS = ("p", "li", "td", "th", "figcaption", "caption", "h1", "h2", "h3", "h4", "summary", "dd", "dt")
CODE = f".//pre | .//script | .//style | .//svg | .//*[{of_class('math')} or {of_class('headerlink')}]"


@functools.cache  # cohorts share many a sentence
def offences_of(text):
    """What of :data:`NEVER` stands in a text, with the words around it."""
    return [
        f"{kind}: …{text[max(0, found.start() - 40) : found.end() + 40]}…"
        for kind, pattern in NEVER.items()
        if (found := re.search(pattern, text))
    ]


def offences(html):
    """Answers of a page that stop half-way, and what of :data:`NEVER` stands in its text."""
    article = first(tree_of(html), "//article")
    if article is None:
        return []
    for aside in article.xpath(CODE):
        if aside.getparent() is not None:  # else it went with what it stood in
            aside.drop_tree()
    for name in list(article.iter("code")):
        name.tail = "…" + (name.tail or "")
        name.drop_tree()
    stopped = [
        f"an answer that stops half-way: {words(answer)[-60:]}"
        for answer in article.xpath(f".//*[{of_class('opening')}]//*[{of_class('answer')}]")
        if not re.search(r"[.!?]\W*$", words(answer))
    ]
    texts = dict.fromkeys(words(each) for each in article.iter(*BLOCKS))
    return stopped + [offence for text in texts for offence in offences_of(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "The log-rank test gives P not estimable and P not estimable.",
        "in 0 of 0 with CNS disease",
        "P is below 0.05 for 1 of 1 factors",
        "Of 12 tests, 1 have P below 0.05",
        "The paper's printed numbers: 0 claims of this chapter,",
        "Bulk is not known in 4 of 49 (8%) patients:",
        "from 10.32 to 50.00 percent",
        "OS1 follow up, Reverse km",
        "CAR T database. the cohort has no column of centres",
        "sites whose owners die first",
        "Not shown: this cohort has no column stage.",
        "the test gives P = 0.2 ().",
        "240.8 events for each hazard ratio, . Sex: M",
        "None is needed: these are counts.",
        "Between the dose groups the log-rank test gives P not estimable.",
        "P not estimable with the one and P = 0.2 with the other",
        "Of the patients without an evaluable scan, 1 of 1 (100%) died",
        "could be assessed on PET/CT; the other 0 could not.",
        "the model would be −7.3% better than one number",
        "Prediction, OS2 coefficient advanced_stage: stage III or IV: as fitted",
        "PRIOR sceptical, A sceptic",
        "Courses, state6: progressed, no next line",
        "At the worst place, month 9.76, the curves are apart",
    ],
)
def test_flags_what_puzzled_a_reader(sentence):
    assert len(offences(f"<article><p>{sentence}</p></article>")) >= 1


def test_flags_an_answer_that_stops_half_way():
    opening = '<article><div class="opening"><p class="answer">A median of {}</p></div></article>'
    assert offences(opening.format("9 months,")) and not offences(opening.format("9 months."))


def test_plain_words_are_left_alone():
    plain = "1 of 12 patients, 1 (8%) of them; a median of 3.1 months, from 10–50%. Note: 5."
    assert not offences(f"<article><p>{plain}</p><pre>1 of 1 factors</pre></article>")


def test_no_page_reads_like_a_machine(book_html):
    found = [
        f"{page.relative_to(book_html)}: {each}"
        for page in sorted(book_html.glob("book/**/*.html"))
        for each in offences(page.read_text("utf-8"))
    ]
    assert not found, "\n".join(found)
