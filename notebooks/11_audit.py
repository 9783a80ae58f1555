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
# # The audit
#
# You will learn how much of a paper can be checked with nothing but the paper: percentages against counts, P values
# against tables, hazard ratios against their intervals, and one section against another.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.paper.audit import tests, times, verdicts
from analysis_lib.rows import methods, results
from analysis_lib.show import audit_page, exercises
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import rows_table, table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
checks = verdicts.of_cohort(study)
totals = verdicts.totals(checks)
opening("Do the printed numbers agree with each other, and which conclusions hang on a choice that is not stated?", totals, "Of {audit.checks} checks, {audit.reproduces} reproduce and {audit.within_rounding} agree within rounding. "
    "{audit.inconsistent} cannot stand beside other printed numbers, in {audit.definitions_conflict} a word means two things, "
    "{audit.fragile} hang on a choice, and {audit.cannot_be_decided} cannot be decided from print.")

# %% [markdown] tags=["car-t"]
# Nothing here comes from patients, reconstructed or real. Every number was printed in the paper {cite:p}`ababneh2023` or follows from printed
# numbers by arithmetic. Most of it fits together exactly, which is more than many papers can show. Where something does not, it is mostly a
# slip of the pen; in a few places a conclusion hangs on a choice that could have been made otherwise, and these are worth more attention than
# the slips.

# %% [markdown]
# ## What does not fit

# %%
audit_page.show(verdicts.theme(checks, verdict="inconsistent"), "Printed numbers that cannot stand beside other printed numbers.")

# %% [markdown]
# ## What a word means

# %%
audit_page.show(verdicts.theme(checks, verdict="definitions conflict"), "Numbers that hold only if a word means something else here than it says, or than elsewhere.")

# %% [markdown]
# ## What depends on a choice

# %%
audit_page.show(verdicts.theme(checks, verdict="fragile"), "Numbers and conclusions that another reasonable choice would change.")

# %% [markdown]
# ## By domain of trustworthiness
#
# INSPECT-SR {cite:p}`inspectsr` asks of a trial, in four domains, whether it can be trusted enough to enter a systematic review. It was made for
# randomised trials; a cohort study can borrow its order. What this audit can look at from print alone, and what it cannot, stands below.

# %%
table(verdicts.domains(checks), "Checks of this audit by domain of INSPECT-SR. No judgement of the study: the domains say where to look.")

# %% [markdown]
# ## Every check
#
# Each list opens when it is chosen, with the arithmetic under each check.

# %%
audit_page.folded(checks, ("percent",), "Percentages", "The rule by which all printed percentages are rounded, and the few that leave it.")
audit_page.folded(checks, ("sum", "ipi"), "Sums and denominators", "Counts that must add up, within a section and across sections.")
audit_page.folded(checks, ("p",), "P values of Table 1", "P values of Table 1 under Pearson's test and its rivals; the exact test by "
                  f"{tests.RESAMPLES} random tables, seed {methods.SEED}.")
audit_page.folded(checks, ("response", "follow_up", "median", "events"), "Response, follow-up and medians", "Times against each other, and "
                  "against the number of deaths.")
audit_page.folded(checks, ("lc", "rt"), "Radiotherapy", "Local control, dose and what was irradiated.")
audit_page.folded(checks, ("cf",), "Comprehensive and focal radiotherapy", "P values between the fields: recomputed where counts are printed, else "
                  "the counts that could give them.")
audit_page.folded(checks, ("wald",), "Hazard ratios and their intervals", "Wald P values that a printed hazard ratio and its interval allow, within "
                  "their rounding.")
audit_page.folded(checks, ("text", "cited"), "One place against another", "Statements on the same thing in two places, and shares of the series that "
                  "are cited.")

# %%
rows = results.save([totals], study.name, "11_audit", results_dir)

# %% [markdown]
# ## How it is done
#
# A printed number stands for all numbers that round to it. A check *reproduces* when the arithmetic gives the printed
# number; it agrees *within rounding* when only some of the unrounded values do; it is *fragile* when the answer depends on
# a choice that is not stated or could well have been another; *definitions conflict* when it holds only if a word means something else than it
# says; it is *inconsistent* when it cannot stand beside other printed numbers; and it *cannot be decided* when the printed numbers do not suffice.
#
# Three tools do most of the work. Pearson's chi-square and its rivals are recomputed from the printed counts; the exact test
# of {cite:t}`freeman1951` is approximated by drawing tables at random. The number of deaths follows from survival and follow-up:
# in an interval that starts with $n_0$ and ends with $n_1$ patients at risk, over which survival falls by the factor $q$, about
# $(1-q)(n_0+n_1)/(1+q)$ die. And a hazard ratio with its 95% limits $L$ and $U$ gives back its own test:
#
# $$\hat\beta = \frac{\log L + \log U}{2}, \qquad \mathrm{SE} = \frac{\log U - \log L}{2 \times 1.96}, \qquad
# P = 2\,\Phi\!\left(-\left|\hat\beta\right| / \mathrm{SE}\right)$$

# %% [markdown]
# ## Cautions
#
# - That a number can be recomputed does not make it right, and that it cannot does not make it wrong: the audit sees the
#   print, not the patients.
# - Some checks lean on a reading of the text, such as which patients a group holds. The arithmetic beside each says which.
# - Whoever looks at this many numbers will find slips in nearly every paper. They should be weighed by what depends on them.

# %% [markdown]
# ## What to take away
#
# - Counts, percentages, P values and intervals check each other. Half an hour with a calculator finds most slips of a paper.
# - A slip that nothing hangs on is a slip. Look for the choice behind the conclusion: which test, which moment, which patients.
# - When two numbers exclude each other, one of them may still be right. Ask which, and say that you do not know.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "11_audit.yml")

# %% [markdown]
# ### Exercise 1
#
# Compute Pearson's chi-square for elevated LDH in the three regimens from the counts of Table 1. Which cells contribute most?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
ldh = checks if results.skip_reason(checks) else tests.pearson_rows("ldh")
rows_table(results.pick(ldh, "expected"), "Elevated LDH: observed and expected patients, and what each cell adds to the chi-square",
           observed="n", expected="", adds="note")
say(ldh, "Together: {pearson.p:note}, {pearson.p}.")

# %% [markdown]
# ### Exercise 2
#
# Take the printed hazard ratio of elevated LDH for EFS2 with its interval. What is the smallest and what the largest P value
# that the unrounded numbers behind it allow? How many of the possible limits fit the printed ratio?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
wald = checks if results.skip_reason(checks) else times.wald_rows("mv.efs2.ldh")
say(wald, "The smallest value is {wald.least}, the largest {wald.most}: one decimal of a hazard ratio leaves its P value wide open. "
    "Of the pairs of limits that round to the print, {wald.fits} have a geometric mean that rounds to the printed ratio; the "
    "others are ruled out, so the three numbers together tell more than each of them.")
