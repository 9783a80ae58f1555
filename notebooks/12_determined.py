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
#     runs: after the others
#     told_as: nothing
# ---

# %% [markdown]
# # What the paper determines
#
# You will learn to ask of a published study not only what it says, but what it *leaves open*: which results anyone could
# work out from its printed numbers, and which nobody can, however often they read it.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import survival
from analysis_lib.binding import handed
from analysis_lib.consistent import cohorts, ranges
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures_cohort
from analysis_lib.show.notes import about
from analysis_lib.show.sentences import say, sentence

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# Nothing: this chapter turns the question round. A paper prints some hundreds of numbers about its patients. Think of
# every cohort of patients that would print the same numbers. There are very many, and the study's own is one of them.
# Where all of them agree on a result, the paper *determines* it, even if it does not print it. Where they disagree, the
# paper does not hold the answer, and no reader can get it out.

# %% [markdown]
# ## How it is done
#
# The first cohort is the reconstructed one of this book; the others were drawn by computer from those consistent with the
# printed numbers: several solutions of the table of characteristics, and for some of them several solutions of the times
# to events, each heated up and frozen again. Every cohort meets the same
# ledger of claims and runs through the same chapters. For a result $r$, let $r_1, \dots, r_m$ be its values in the $m$
# cohorts and $w$ the median width of its confidence interval (hazard ratios on the log scale). The share
#
# $$q = \frac{\max_i r_i - \min_i r_i}{w}$$
#
# compares what the paper leaves open with what chance leaves open. A result is *determined* if $q \le 0.1$, *partly
# determined* up to 0.5, and *not determined* beyond. P values have no interval: they are
# determined if all lie within a factor of 1.5 of each other, partly if within a factor of 5.
#
# The draws are no random sample: each search stopped at the first cohort that met the numbers. They show *ranges*, not
# probabilities, and the true range can only be wider.

# %% [markdown]
# ## How different the cohorts are

# %%
studies = {number: cohorts.read(number) for number in cohorts.numbers()}
diversity = ranges.diversity(studies)
say(diversity, "There are {consistent.cohorts} cohorts. Two of them differ in the profile (regimen, LDH, stage, performance, "
    "response) of {consistent.profiles:full} percent of the patients; the largest distance between their OS2 curves of one "
    "regimen is {consistent.curves:full} percentage points (median over pairs).")

# %% [markdown]
# ## Every curve that the paper allows

# %%
printed = ranges.printed_medians("OS2", by="salvage_sequence")
curves = ranges.envelope(studies, "OS2", by="salvage_sequence")
figures_cohort.envelope(curves, printed, "OS2", "Overlaid OS2 curves of all consistent cohorts, one panel for each sequence of "
                 "salvage therapy. In every panel the curves meet near the printed median and spread apart away from it.",
                 sentence(diversity, "OS2 by sequence of salvage therapy in every consistent cohort (n = {consistent.cohorts}): thin "
                          "lines are single cohorts, the band holds them all, a diamond is the median that the paper prints."))

# %% [markdown]
# Between the printed numbers the curves are free. Where the band is narrow, the paper pins the curve; where it is wide,
# any of these curves could have been the study's.

# %% [markdown]
# ## The question that is left open
#
# Did patients who had radiotherapy alone live longer *because* of it? The least that one would ask is a comparison that
# takes stage and LDH into account. The paper prints none, so here it is in every consistent cohort: systemic therapy
# alone against radiotherapy alone.

# %%
adjusted = ranges.adjusted(studies)
figures_cohort.stacked_intervals(adjusted[adjusted["by"] == "cohort"], "Hazard ratio, log scale\n(above 1: more deaths "
                          "after systemic therapy)", "OS2, systemic therapy alone against radiotherapy alone, given stage "
                          "and LDH, in each consistent cohort.")

# %%
say(adjusted, "Over the cohorts the hazard ratio goes from {adjusted.range:lower} to {adjusted.range:upper}. Its confidence "
    "interval lies wholly on one side of 1 in {adjusted.range:events} of {adjusted.range:n} cohorts.")

# %% [markdown]
# ## What is determined, and what is not
#
# Results with an interval, and P values, that the chapters of this book compute and the paper does not print.

# %%
open_ = ranges.open_results(cohorts.rows())
tally = ranges.tally(open_)
say(tally, "Of {determined.determined:n} such results, {determined.determined:events} are determined, "
    "{determined.partly_determined:events} partly, and {determined.not_determined:events} not at all.")
consistent_page.show(open_, "not determined", "Results that the paper does not determine: lowest and highest over the cohorts.")

# %%
consistent_page.show(open_, "partly determined", "Results that the paper determines in part.")

# %% tags=["hide-output"] mystnb={"code_prompt_show": "Show the table", "code_prompt_hide": "Hide"}
consistent_page.show(open_, "determined", "Results that the paper determines without printing them.")

# %%
rows = results.save([diversity, adjusted, tally, ranges.range_rows(open_)], study.name, "12_determined", results_dir)

# %% [markdown]
# ## Cautions
#
# - *Determined* means: by the printed numbers, under the definitions of this book. It does not mean that it is true.
# - The search prefers realistic cohorts; a stranger one might widen a range. A range can only grow with more cohorts.
# - What is not determined is not wrong. It is what one would have to ask the authors for.

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
say(widest, "Widest against its own confidence interval is the group {widest:group}: from {widest:lower} to {widest:upper} percent. Small "
    "groups have wide intervals as well: the share compares the two.")

# %% [markdown]
# ### Exercise 2
#
# Name one number that, had the paper printed it, would have narrowed the hazard ratio of the open question. Check your
# idea: is it alike in the cohorts with the lowest and the highest hazard ratio?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
ratios = adjusted[adjusted["by"] == "cohort"].set_index("level")["value"].astype(float)
ends = {"lowest": int(ratios.idxmin()), "highest": int(ratios.idxmax())}
one_year = [survival.estimates(studies[number], "OS2", by="salvage_regimen", prefix=end) for end, number in ends.items()]
say(results.collect(one_year), "OS2 at 24 months after radiotherapy alone is {lowest.rate24.salvage_regimen.rt:full} where the "
    "hazard ratio is lowest, and {highest.rate24.salvage_regimen.rt:full} where it is highest; after systemic therapy "
    "{lowest.rate24.salvage_regimen.st:full} and {highest.rate24.salvage_regimen.st:full}. Rates by regimen at a fixed time, "
    "with numbers at risk, would have tied the curves down.")
