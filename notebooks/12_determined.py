# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: salvage_book
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   salvage_book:
#     stands_in: the paper's book
#     told_as: nothing
# ---

# %% [markdown]
# # What the paper determines
#
# You will learn to ask of a published study what it *leaves open*, and to hold such a claim against evidence that it did not know.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import survival
from analysis_lib.binding import handed
from analysis_lib.consistent import asking, cohorts, coverage, elsewhere, ranges, specifications, unlike
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, determined_page, exercises, figures_cohort, figures_determined
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say, sentence
from analysis_lib.show.tables import table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
studies = cohorts.read_all()
courses = elsewhere.whole_courses(studies)
predicted = elsewhere.predictions(courses)
outside = elsewhere.totals(predicted)
open_ = ranges.open_results(ranges.committed())
tally = ranges.tally(open_)
adjusted = ranges.adjusted(studies)
certificate = coverage.certificate()
opening("Which results could anyone work out from the printed numbers, and which nobody, however often they read the paper?",
        results.collect([outside, tally, adjusted, certificate]),
    "Of {determined.determined:n} results that the paper does not print, its printed numbers fix {determined.determined:events}, fix "
    "{determined.partly_determined:events} roughly, and leave {determined.not_determined:events} open.",
    "Open is also whether patients lived longer after radiotherapy alone: given stage and LDH, the hazard ratio of systemic "
    "therapy against radiotherapy goes from {adjusted.range:lower} to {adjusted.range:upper}, and its 95% interval {adjusted.range:note}.",
    "Such ranges can be wrong: where the truth was known, they held it in {coverage.ensemble:share}, and of {abstract.within:n} numbers "
    "that the authors printed elsewhere, and that the first cohorts had missed in part, they held {abstract.within:events}.")

# %% [markdown]
# Think of every group of patients about whom the authors would have printed exactly this paper. A program has found some of them: the
# *consistent cohorts*. Where all of them give the same answer, the printed numbers fix it. Where they differ, the paper leaves it open, and
# the *range* from the lowest to the highest answer says how far. How often does such a range hold the true answer? There are two tests.

# %% [markdown]
# ## Where the truth is known
#
# Patients were invented, by another program than the one that makes cohorts. A paper about them was printed, and cohorts were made from that
# paper alone. Then one can look whether the range over these cohorts holds what is true of the invented patients.

# %% tags=["secondary"]
determined_page.certificate(certificate)

# %% [markdown] tags=["car-t"]
# ## What the authors printed elsewhere
#
# A conference abstract on the same patients {cite:p}`salvageabstract` was found after the first cohorts had been made. It groups patients by
# their whole salvage course, where the paper goes by the first regimen.
#
# The first cohorts missed the sizes of its groups, all in the same way: the program held fixed how many patients had systemic therapy after
# radiotherapy, which the paper never prints. That number has been drawn at random since, and all cohorts were made anew, none of them to
# agree with the abstract. So the method failed this test once and was mended after it. A *real prediction* below could have failed again; the
# other numbers follow from what the paper prints.

# %% tags=["secondary"]
determined_page.predictions(predicted, "A conference abstract of the same study beside the consistent cohorts")

# %% [markdown] tags=["car-t"]
# Agreement among cohorts made by one program is no proof: where all agree and are wrong, something was held fixed that nobody printed. How many
# patients had a single site of disease is no prediction: it follows from a number of the paper's Discussion, which some cohorts keep and
# others give up, because another printed number excludes it ([ledger](10_ledger)).
#
# The stored copy of the abstract breaks off within its results. That of a later report on the same database {cite:p}`ash5112` breaks off after
# its methods, so that test is still to be made.

# %%
say(outside, "Paper and abstract speak of the same study: of {abstract.shared:n} numbers that both print, {abstract.shared:events} are alike.")
learned = elsewhere.learned(courses, cohorts.rows(), open_.loc[open_["verdict"] != "determined", "result_id"].tolist())
determined_page.learned(learned)

# %% [markdown]
# ## How it is done
#
# The cohorts here were found by simulated annealing: a program changes patients at random and keeps, ever more strictly, what brings the
# printed numbers nearer, until all are met. The first is the reconstructed cohort of this book. Every cohort meets the same ledger of claims
# and runs through the same chapters. For a result $r$, let $r_1, \dots, r_m$ be its values in the $m$ cohorts and $w$ the median width of its
# confidence interval (hazard ratios on the log scale). The share
#
# $$q = \frac{\max_i r_i - \min_i r_i}{w}$$
#
# compares what the paper leaves open with what chance leaves open. A result is *determined*, even if it is not printed, if $q \le 0.1$, *partly determined* up to 0.5, and
# *not determined* beyond.
#
# <details class="beside"><summary>Results without an interval, and what is counted apart</summary>
#
# - *P values* have no interval: determined if all lie within a factor of 1.5 of each other, partly within 5. Below 0.001 all print alike.
# - *Other numbers without an interval*, such as a detectable hazard ratio: within a factor of 1.1, or 1.5.
# - *Counted apart*, because no data could move them or they are no result about these patients: formulas of printed counts, P values
#   corrected for many tests, tests of a model's assumption, and what other studies saw.
#
# </details>
#
# The draws are no random sample: each search stopped at the first cohort that met the numbers. They show *ranges*, not probabilities. Where a
# search has pushed a result to its ends while all numbers stayed met, these count; even so they are the widest found, and no proof that
# nothing lies beyond.

# %%
diversity, sides = unlike.diversity(studies), unlike.sides(cohorts.rows())
say(results.collect([diversity, sides, tally]), "There are {consistent.cohorts} cohorts. Any two of them differ in the profile (regimen, LDH, stage, performance, response) "
    "of {consistent.profiles}% of their patients, and the OS2 curves of one regimen lie up to {consistent.curves} percentage points "
    "apart (medians over pairs).", "The paper contradicts itself on sites of disease ([ledger](10_ledger)), so there are cohorts of two kinds: "
    "{consistent.definition:events} of {consistent.definition:n} keep to its definition of a comprehensive field, like the reconstructed "
    "cohort, the others to the P value that the definition excludes.", "A search has looked for the ends of {bounds.known:note}.")

# %% [markdown]
# ## The question that is left open
#
# Did patients who had radiotherapy alone live longer *because* of it? The least that one would ask is a comparison that takes stage and LDH into
# account. The paper prints none, so here it is in every consistent cohort.

# %%
figures_cohort.stacked_intervals(adjusted[adjusted["by"] == "cohort"], "Hazard ratio, log scale\n(above 1: more deaths "
                          "after systemic therapy)", "OS2, systemic therapy alone against radiotherapy alone, given stage "
                          "and LDH, in each consistent cohort.")

# %%
say(adjusted, "Over the cohorts the hazard ratio goes from {adjusted.range:lower} to {adjusted.range:upper}, and its interval {adjusted.range:note}.",
    "A search that pushes it as far as the printed numbers allow has reached {adjusted.found:lower} and {adjusted.found:upper}.", "As long as both sides of 1 are left open, a patient who asks whether radiotherapy alone would be the better choice cannot be answered from the "
    "printed numbers, and nobody can say that the two are alike.")

# %% [markdown]
# ## Every curve that the paper allows

# %%
printed = ranges.printed_medians("OS2", by="salvage_sequence")
curves = unlike.envelope(studies, "OS2", by="salvage_sequence")
figures_cohort.envelope(curves, printed, "OS2", "Overlaid OS2 curves of all consistent cohorts, one panel for each sequence of "
                 "salvage therapy. Where a median is printed, the curves meet near it and spread apart away from it.",
                 sentence(diversity, "OS2 by sequence of salvage therapy in every consistent cohort (n = {consistent.cohorts}): thin "
                          "lines are single cohorts, the band holds them all, a diamond is the median that the paper prints."))

# %% [markdown]
# Between the printed numbers the curves are free. Where the band is narrow, the paper pins the curve; where it is wide,
# any of these curves could have been the study's.

# %% [markdown]
# ## The analyst, the paper and chance
#
# The answer also depends on who analyses. Each choice below can be defended: overall or event-free survival; CMT left out, or counted with either
# side; adjusted for nothing, two or four factors, or weighted; from the first day or from a landmark at one month {cite:p}`steegen2016`. Every
# combination was tried in every cohort.

# %%
fits = specifications.kept(studies)
parts = specifications.split(fits)
figures_determined.specification_curve(specifications.curve(fits), "Hazard ratio (log scale)", "Systemic therapy against radiotherapy under every "
                                       "specification; above 1: more events after systemic therapy.")

# %%
say(parts, "Of the variance of the log hazard ratio, {specification.analyst} lies in what the analyst chose, {specification.paper} in what the paper "
    "withheld, {specification.both} in both together, and {specification.chance} is chance.", "For OS2 the ratio goes from "
    "{specification.range.os2:lower} to {specification.range.os2:upper} over {specification.range.os2:n} fits, and the interval "
    "{specification.range.os2:note}.", "For EFS2 it goes from {specification.range.efs2:lower} to {specification.range.efs2:upper}; the "
    "interval {specification.range.efs2:note}.")

# %% [markdown]
# The largest part says what would help most: more patients (chance), more printed numbers (the paper), or a plan written before the data
# are seen (the analyst). Whoever quotes one of these ratios should say which choices it rests on.

# %% [markdown]
# ## What to ask the authors
#
# Which numbers, had they been printed, would have tied down the comparison of radiotherapy and systemic therapy? Each candidate is tried
# by *conditioning* on it: does it predict, in cohorts left aside, the comparisons of this chapter and of [Beyond the paper](09_beyond)? The best is taken,
# then the best beside it, and so on.

# %%
compared = asking.with_adjusted(cohorts.rows(), adjusted)
asked = asking.asked(compared, asking.candidates(cohorts.rows(), studies), list(asking.TARGETS))
determined_page.checklist(asked, "Five numbers to print beside a comparison of regimens, in the order in which they tell most.")
say(asked, "Together they narrow the ranges by {asked.5}. The same search finds {asked.luck} by luck ({asked.luck:lower} to "
    "{asked.luck:upper} in numbers shuffled among the cohorts), so the order is loose: what would settle the question is to print the "
    "comparison itself.")
determined_page.letter(asked, tally)

# %% [markdown]
# ## What is determined, and what is not
#
# Results that the chapters of this book compute and the paper does not print. One that is determined can be used as if it had been
# printed, under the definitions of this book. One that is not must not be quoted as the study's: the synthetic patients of this book
# show one of many values. The last column says how fragile a verdict is: how many
# cohorts must be left out, at least, for it to be another.

# %%
say(tally, "{flips.one:share} of the verdicts are others if a single cohort is left out.", "Counted apart are {apart.test_of_an_assumption} tests of assumptions, "
    "{apart.corrected_p_value} corrected P values, {apart.formula_of_printed_counts} formulas of printed counts and "
    "{apart.from_other_studies} numbers from other studies. With the {determined.determined:n} above they are all {open.all} results that the "
    "chapters compute and the paper does not print.")
consistent_page.widest(open_, "The results that the paper leaves most open, measured by their own confidence interval.", most=5)

# %%
consistent_page.show(open_, "not determined", "Results that the paper does not determine: lowest and highest over the cohorts.")
consistent_page.show(open_, "partly determined", "Results that the paper determines in part.")
consistent_page.show(open_, "determined", "Results that the paper determines without printing them.")

# %%
rows = results.save([certificate, outside, learned, diversity, sides, adjusted, parts, asked, tally, ranges.range_rows(open_)], study.name, "12_determined", results_dir)

# %% [markdown]
# ## Cautions
#
# - *Determined* means: by the printed numbers, under the definitions of this book, as far as the search went. It does not mean that it is true.
# - The search prefers realistic cohorts; a stranger one might widen a range. A range can only grow with more cohorts.
# - What is not determined is not wrong. It is what one would have to ask the authors for.

# %% [markdown]
# ## What to take away
#
# - A printed paper allows many cohorts. What all of them share can be said without the data; the rest can only be asked for.
# - The answer is only as good as the search: something held fixed by mistake looks exactly like something determined. Ask for
#   predictions that could fail, and for tests where the truth is known.
# - Measure a range against the confidence interval. What the paper leaves open is often smaller than what chance leaves open anyway.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "12_determined.yml")

# %% [markdown]
# ### Exercise 1
#
# Which regimen's curve at two years does the paper leave most open? Compare the ranges with the number of patients.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
two_years = open_[open_["result_id"].str.startswith("os2.rate24.salvage_sequence")]
widest = ranges.range_rows(two_years.sort_values("share", ascending=False).head(1)).assign(result_id="widest")
say(widest, "Widest against its own confidence interval is the group {widest:group}: from {widest:lower} to {widest:upper}. Small "
    "groups have wide intervals as well: the share compares the two.")

# %% [markdown]
# ### Exercise 2
#
# Name one number that, had the paper printed it, would have narrowed the hazard ratio of the open question. Check your
# idea: is it alike in the cohorts with the lowest and the highest hazard ratio?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
ratios = adjusted[adjusted["by"] == "cohort"].set_index("level")["value"].astype(float)
ends = {"lowest": int(ratios.idxmin()), "highest": int(ratios.idxmax())}
two_ends = [survival.estimates(studies[number], "OS2", by="salvage_regimen", prefix=end) for end, number in ends.items()]
say(results.collect(two_ends), "OS2 at 24 months after radiotherapy alone is {lowest.rate24.salvage_regimen.rt:full} where the "
    "hazard ratio is lowest, and {highest.rate24.salvage_regimen.rt:full} where it is highest; after systemic therapy "
    "{lowest.rate24.salvage_regimen.st:full} and {highest.rate24.salvage_regimen.st:full}. A single rate need not tell the two apart; "
    "the section on what to ask says how much it would.")

# %% [markdown]
# ### Exercise 3
#
# The limits of a tenth and a half are a convention. How many results would be determined if a range of a fifth of the interval still
# counted, or only one of a twentieth?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
table(ranges.by_leeway(cohorts.rows(), (0.5, 1.0, 2.0)), "Verdicts by how wide a range may be, as multiples of the chapter's limits")
