# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] strobe=["17", "20"]
# # Patterns of failure in context
#
# You will learn to set a share beside the same share in published series, to pool shares by fixed and by random
# effects, to say how much the series disagree, and to ask whether they measure the same thing at all.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import context, since
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures, ledger_page, since_table
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import rows_table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
series, own = context.in_context(study), context.own_share(study)
shares, pooled = context.shares(series), context.pooled(series)
opening("How often does the disease come back where it was before?", results.collect([own, pooled]),
        "In this cohort an old site took part in {context.cohort:share} of the failures;",
        "pooled over the published series the share is {context.pooled.random:full}, of counts that are not quite alike.")
drawn = shares if results.skip_reason(pooled) else results.collect([shares, results.pick(pooled, "proportion")])
figures.forest(drawn, "Failures in previously involved sites. Squares: series, larger with more patients or failures; "
               "diamonds: pooled.", axis="Share in previously\ninvolved sites, %",
               summary=("context.pooled.fixed", "context.pooled.random"))

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# After CAR T-cell therapy fails, is the disease back where it was before? If most failures involve sites that were
# known beforehand, radiotherapy has a place to aim at, before the infusion or after it. The paper sets its own count
# beside three earlier series {cite:p}`imber2020,figura2021,saifi2022`. It does not pool them; this chapter does.

# %% [markdown]
# ## How it is estimated
#
# A share $p = e/n$ comes with its exact binomial interval {cite:p}`clopper1934`. To pool shares $p_i$, each is moved to
# the logit scale, where its sampling variance is roughly known, and weighted by how precise it is:
#
# $$y_i = \log\frac{e_i}{n_i - e_i}, \qquad v_i = \frac{1}{e_i} + \frac{1}{n_i - e_i}, \qquad
# \hat\mu = \frac{\sum_i y_i / (v_i + \tau^2)}{\sum_i 1 / (v_i + \tau^2)}$$
#
# *Fixed effects* set $\tau^2 = 0$: one share is common to all series, and they differ by chance alone. *Random effects*
# let the true shares vary between series with variance $\tau^2$, here by the method of Paule and Mandel
# {cite:p}`paule1982`. Cochran's $Q$ tests whether the series differ by more than chance, and
# $I^2 = (Q - \mathrm{df})/Q$, never below 0, says how much of the variation that is {cite:p}`higgins2003`. The older
# Freeman–Tukey transformation is avoided because its way back to a share can mislead {cite:p}`schwarzer2019`.

# %% [markdown]
# ## The published series

# %%
rows_table(shares, "Failures in previously involved sites, series by series.",
           failures="share", interval="limits", counted="note")

# %% [markdown] tags=["car-t"]
# ```{warning}
# These numbers do not count the same thing.
# ```
#
# - The study itself {cite:p}`ababneh2023` counts *patients*: all had failed and gone on to salvage therapy, and a
#   failure counts if at least one earlier site took part, whether or not new sites did.
# - Imber and colleagues {cite:p}`imber2020` describe patients given salvage radiotherapy; as cited, what counts is that
#   it was given to sites that took up FDG before the infusion. That speaks of irradiated sites, not of all that failed.
# - Figura and colleagues {cite:p}`figura2021` count *progressions* with a component of local failure, in a subset of
#   their patients.
# - Saifi and colleagues {cite:p}`saifi2022` count *failures* in sites of prior involvement, in a study of bridging
#   radiotherapy; as cited, it is open whether failures in old and new sites at once are among them.
#
# The descriptions rest on how the paper's Discussion cites each series. Whoever wants to use the pooled number should
# read the originals.

# %% [markdown]
# ## This cohort beside them

# %%
say(own, "In this cohort, {context.cohort:share} of the patients whose pattern of failure is known failed in previously involved "
    "sites, alone or together with new ones ({context.cohort:limits}). {context.cohort:note}")

# %% [markdown]
# ## Pooled

# %%
say(pooled, "The pooled share is {context.pooled.fixed:full} by fixed and {context.pooled.random:full} by random effects.",
    "Test of heterogeneity: {context.pooled.heterogeneity} ({context.pooled.heterogeneity:note}); "
    "I² is {context.pooled.i2} and τ² {context.pooled.tau2}.")

# %% [markdown]
# *What it means.* Whoever plans scans or fields after a failure can expect to find an old site among the failed ones about as often as the
# interval of the random effects says. Few series cannot tell how much the true shares differ, so the narrower interval of the fixed
# effects promises too much. And since the series do not count the same thing, the number is a rough guide and no rate to quote.

# %% [markdown]
# ## The field since

# %% [markdown] tags=["car-t"]
# The paper's own question has been asked by others since. This table sets their numbers side by side: registries of
# CAR T failures {cite:p}`diblasi2022,descart2025,zurko2023`, salvage radiotherapy
# {cite:p}`ababneh2023,imber2020,salvage21,salvage44,saifi2023,guerini2025`, transplantation {cite:p}`zurko2022`, and
# bispecific antibodies {cite:p}`cartron2025,shumilov2025,bispecifics2025`. Bridging radiotherapy
# {cite:p}`bridging2024,bridging538` stands last, for contrast: it is given before the infusion, to patients who have
# not failed.
#
# *Time zero* is the day from which a series counts. It matters more than the treatment: whoever starts a transplant has
# lived long enough to reach it, and whoever is counted from the failure includes those who died before any therapy. So
# the numbers are ordered by time zero and line, and nothing is pooled over them. A number of this cohort stands beside
# a published one only where both measure the same from the same day.

# %%
since_table.show(study)
published_since = since.told(study)
say(published_since, "{since.numbers} of these numbers were read in the abstract of the original. Left open are {since.unread}, since the "
    "abstract at hand breaks off before them: {since.unread:note}.",
    "Of {since.salvage21.1:n} patients of one centre, those whose disease fitted into one field lived a median of "
    "{since.salvage21.2:note} from salvage radiotherapy, those with advanced disease {since.salvage21.3:note}. In the paper it is "
    "{since.ababneh2023.1:note} after comprehensive and {since.ababneh2023.2:note} after focal radiotherapy. In both, the field "
    "follows the extent of the disease, so the contrast is one of patients as much as of fields.")

# %% [markdown]
# ## One count, printed twice

# %% [markdown] tags=["car-t"]
# The paper gives its own count in two places, and they do not agree.

# %%
printed = context.two_printings(study)
say(printed, "The Results print {context.printed.results:share}, the Discussion {context.printed.discussion:share}.",
    "The Discussion has {context.printed.more_patients} more patients and {context.printed.more_failures} more failures in earlier "
    "sites, which moves the share by {context.printed.shift} percentage points.",
    "This book pools the count of the Results, whose denominator is the number of patients in the study.")

# %%
rows = results.save([shares, own, pooled, printed], study.name, "08_in_context", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - A pooled number is an average over definitions as much as over patients. When series count different things, their
#   agreement is no proof and their disagreement no puzzle.
# - With few series, the test of heterogeneity sees little, I² and τ² are hardly known, and the random-effects interval
#   is too narrow.
# - Series found by following one paper's citations are not a systematic review. Striking patterns are more readily
#   published and cited, and whether a patient is in two series cannot be seen from printed counts.

# %% [markdown] tags=["car-t"]
# - Everyone counted here had failed. The share says nothing of how many patients CAR T-cell therapy fails, and it
#   depends on how carefully old and new sites were told apart on the scans.

# %% [markdown]
# ## What to take away
#
# - Pool only what counts the same thing. Agreement between different counts proves nothing.
# - With few series, heterogeneity is hardly measured, and the interval is too narrow.
# - A failure in an old site is a place to aim at. It is no proof that aiming there helps.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "08_in_context.yml")

# %% [markdown]
# ### Exercise 1
#
# Leave out one series after the other and pool the rest by random effects. Which series moves the pooled share most?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
without = context.left_out_in_turn(series)
without.attrs["label"] = "Pooled"
rows_table(without, "Random-effects share when one series is left out, the largest change first.", share="full")
say(without, *[f"{{{i}:group}} the share moves furthest, to {{{i}:full}}. A pooled share that one series can move hangs on what that "
               "series counts." for i in without["result_id"][:1]])

# %% [markdown]
# ### Exercise 2
#
# Pool once more with the study's own count as the Discussion prints it. Does it matter for the pooled share?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
swapped = context.pooled(context.in_context(study, printing="Discussion"), "context.swapped")
both = pooled if results.skip_reason(pooled) else results.collect([pooled, swapped])
say(both, "With the count of the Results the random-effects share is {context.pooled.random:full}; with that of the Discussion "
    "it is {context.swapped.random:full}. The difference is far smaller than either interval.")
