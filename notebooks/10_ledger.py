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
# # The ledger
#
# You will learn what it takes to hold a published paper against data, number by number: a list of claims, the precision
# at which each is printed, and a verdict that a machine reaches in the same way every time.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from dataclasses import replace

from analysis_lib.analyses import survival
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.paper import ledger
from analysis_lib.rows import results
from analysis_lib.show import exercises, ledger_page
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import folded

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
held = ledger.of_cohort(study, results_dir)
totals = ledger.totals(held)
opening("Does the analysis of this book, run on the reconstructed cohort, print the same numbers as the paper?", totals, "Of {ledger.claims} claims, {ledger.reproduced:events} are reproduced. {ledger.impossible:events} are impossible: the paper's own "
    "other numbers rule them out. {ledger.one_of_two:events} cannot be true together with another claim that the cohort meets, "
    "{ledger.differs:events} differ, and {ledger.not_computed:events} are not computed.")

# %% [markdown] tags=["car-t"]
# Agreement is *no evidence* that the paper is right {cite:p}`ababneh2023`. The cohort was made to agree, so agreement shows two things
# only: the printed numbers can all be true at once, and the analyses of this book are those that the paper describes. What *no* cohort
# can meet says more, and stands first.

# %% [markdown]
# ## What is not reproduced

# %%
ledger_page.show(ledger.unmet(held), "Claims that are not reproduced, with the reason.")

# %% [markdown] tags=["car-t"]
# ## These cannot both be true
#
# A contradiction has two sides, and print alone does not say which is wrong. The paper defines a comprehensive field as one that covers all
# sites of disease, and says how many such patients had more than one. It also prints a P value that needs many more of them, and a count
# that needs one more. Each stands below with its arithmetic and with what is known from elsewhere {cite:p}`salvageabstract`. A cohort can
# meet one side only; the verdicts say which one this cohort meets.

# %%
ledger_page.show(ledger.two_sided(held), "Claims that exclude each other.")

# %% [markdown]
# ## Every claim

# %%
folded(ledger.by_section(held), "Claims by section of the paper, and what became of them", "By section of the paper")
ledger_page.page(held)

# %%
rows = results.save([totals], study.name, "10_ledger", results_dir)

# %% [markdown]
# ## How it is done
#
# Each *claim* has a place in the paper, a population, a statistic, the number exactly as printed, and the name of the
# result that it speaks of. The result is rounded half up to the printed number of decimals and compared: a printed value
# $p$ with $d$ decimals stands for every $x$ with
#
# $$p - \tfrac12\,10^{-d} \le x < p + \tfrac12\,10^{-d}.$$
#
# An interval is met when both its ends are. A bound such as "< 0.001" is met by anything below it; "not reached" by a
# curve that never falls to one half. Words without a number are claims too where data can answer them: "not associated" is read as P above
# 0.05, "overwhelming majority" as more than half, and "more likely" as the largest share of its groups. A claim is
# *reproduced*, or it *differs*, or it is *impossible* because the paper's own other numbers rule it out, or it is *one of two* that exclude
# each other, or *not computed* because no result speaks of it. Nothing is compared anywhere else, in particular not where the cohort was made.

# %% [markdown]
# ## Cautions
#
# - A number printed without decimals is easily met. How much a reproduced claim says depends on how precisely it is
#   printed and on how many patients it rests on.
# - Claims are not independent: a percentage repeats its count, the abstract repeats the results. The totals count them all.
# - A claim that differs may mean a slip in print, another definition, or an error in this book. The ledger tells that they
#   differ, not why.

# %% [markdown]
# ## What to take away
#
# - A paper can be written as a list of claims that a machine can check. Few are, and it takes an afternoon.
# - Print what you would need to check yourself: counts beside percentages, the test beside P, enough decimals.
# - Where two statements exclude each other, say so and show the arithmetic. Which of them is wrong, only the authors can tell.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "10_ledger.yml")

# %% [markdown]
# ### Exercise 1
#
# How many of the single numbers that print otherwise are only one unit of the last printed digit away? What would you make of a
# ledger in which nearly all of them were?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(ledger.near(held), "Within one unit of the last digit: {ledger.near:share} of the single numbers that print otherwise. If nearly all "
    "were, rounding, another month length or another rule for ties would be the first suspects; large differences point to "
    "another population or another definition.")

# %% [markdown]
# ### Exercise 2
#
# Let the first patient who died live a year longer, and hold the claims on OS1 against the data again. How many verdicts
# turn?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
patients = study.patients.copy()
first = patients.loc[patients["vital_status"] == "dead", "last_follow_up_day"].nsmallest(1).index
patients.loc[first, "last_follow_up_day"] += 365
before, after = (ledger.totals(ledger.against(study, survival.estimates(each, "OS1")), prefix)
                 for each, prefix in ((study, "before"), (replace(study, patients=patients), "after")))
say(totals if results.skip_reason(totals) else results.collect([before, after]),
    "Of {before.claims} claims on OS1, {before.reproduced:events} are reproduced as the data stand, and {after.reproduced:events} after "
    "the change. Each that is lost is a printed digit that one patient has moved: the more are lost, the more sharply the "
    "printed numbers describe the data, and the less it takes to miss them.")
