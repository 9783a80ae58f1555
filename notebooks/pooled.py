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

# %% [markdown]
# # Several centres, pooled
#
# You will learn to combine the results of centres that share no patient's row, to say how much the centres disagree, and
# to see when a result is better left unpooled.

# %% tags=["parameters"]
exports = []  # paths of exports (.zip); empty: those of two bundled synthetic cohorts
results_dir = ""  # where the result rows go; empty: book/cohorts/pooled/results

# %%
from analysis_lib.binding import handed
from analysis_lib.centres import page, pooled, receive
from analysis_lib.rows import results
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import compared_table, table

handed.check(globals())
gathered = receive.read_exports(exports or receive.PRACTICE)
page.about(gathered)

# %% [markdown]
# ## What is asked
#
# A cohort of one hospital is small, its intervals are wide, and nobody knows whether the next hospital would find the
# same. Several cohorts answer both, if each sends its *results*. Patients stay where they are: every number below
# was computed from exported result rows, and from nothing else.

# %% [markdown]
# ## How it is estimated
#
# Each centre $i$ gives an estimate, moved to a scale on which it is roughly normal, and a variance there:
#
# | Result | Scale | Effect $y_i$ | Variance $v_i$ |
# |---|---|---|---|
# | share of $e$ among $n$ | logit | $\log\frac{e}{n-e}$ | $\frac1e + \frac1{n-e}$ |
# | Kaplan–Meier rate $S$, limits $L$ and $U$ | complementary log-log | $\log(-\log S)$ | $\left(\frac{\log (U/L)}{2z\,\log S}\right)^2$ |
# | hazard ratio or median $\theta$, limits $L$ and $U$ | log | $\log\theta$ | $\left(\frac{\log (U/L)}{2z}\right)^2$ |
#
# with $z$ the 97.5% point of the normal distribution. Half an event and half a non-event are added where a share is nothing
# or everything. The book's intervals of rates and hazard ratios are made on the log scale, so that their width there gives
# back the standard error; where the upper limit of a rate was cut at 100%, the lower one does, as $\log(S/L)/z$. Rows of real
# patients are rounded, and standard errors taken from them are a little rough. Local control takes the interval that
# allows for several sites of one patient. A median's interval is no normal one, and its width only roughly a standard
# error; where one of the intervals has no end there is nothing to take, and no median is pooled.
#
# The pooled effect weighs each centre by its precision,
#
# $$\hat\mu = \frac{\sum_i y_i / (v_i + \tau^2)}{\sum_i 1 / (v_i + \tau^2)}.$$
#
# *Fixed effects* set $\tau^2 = 0$: one true value is common to all centres. *Random effects* let the true values vary
# between centres with variance $\tau^2$, by Paule and Mandel's method {cite:p}`paule1982`. Cochran's $Q$ tests whether
# the centres differ by more than chance, and $I^2$ says how much of the variation that is {cite:p}`higgins2003`. From three
# centres on, the random-effects interval is Hartung and Knapp's {cite:p}`hartung2001`, not let fall below the plain
# standard error {cite:p}`rover2015`, and a prediction interval says where the true value of one more centre would lie
# {cite:p}`higgins2009`.

# %% [markdown]
# ## The centres

# %%
table(page.overview(gathered), "The centres, and what each could not compute")

# %% [markdown]
# ## Response to the index therapy

# %%
response = pooled.pooled(gathered, {
    "response.orr": "Overall response rate",
})
page.show(response, "response.orr")

# %% [markdown]
# ## Survival from day 0

# %%
from_day_0 = pooled.pooled(gathered, {
    "os1.rate12": "OS1 at 12 months",
    "os1.rate24": "OS1 at 24 months",
    "os1.median": "Median OS1",
    "efs1.median": "Median EFS1",
})

# %% [markdown]
# ### OS1 at 12 months

# %%
page.show(from_day_0, "os1.rate12")

# %% [markdown]
# ### OS1 at 24 months

# %%
page.show(from_day_0, "os1.rate24")

# %% [markdown]
# ### Median OS1

# %%
page.show(from_day_0, "os1.median")

# %% [markdown]
# ### Median EFS1

# %%
page.show(from_day_0, "efs1.median")

# %% [markdown]
# ## Survival from the start of salvage therapy

# %%
from_salvage = pooled.pooled(gathered, {
    "os2.rate12": "OS2 at 12 months",
    "os2.rate24": "OS2 at 24 months",
    "os2.median": "Median OS2",
    "efs2.median": "Median EFS2",
})

# %% [markdown]
# ### OS2 at 12 months

# %%
page.show(from_salvage, "os2.rate12")

# %% [markdown]
# ### OS2 at 24 months

# %%
page.show(from_salvage, "os2.rate24")

# %% [markdown]
# ### Median OS2

# %%
page.show(from_salvage, "os2.median")

# %% [markdown]
# ### Median EFS2

# %%
page.show(from_salvage, "efs2.median")

# %% [markdown]
# ## Local control of irradiated sites

# %%
control = pooled.pooled(gathered, {
    "lc.rate12.clustered": "Local control at 12 months",
})
page.show(control, "lc.rate12.clustered")

# %% [markdown]
# ## Prognostic factors
#
# Each hazard ratio is adjusted for the other factors of its model; only models with the same factors are pooled.

# %%
factors = pooled.pooled(gathered, {
    "cox.os1.mv.responder": "Hazard ratio for OS1: response to the index therapy",
    "cox.os2.mv.advanced_stage": "Hazard ratio for OS2: stage III or IV",
    "cox.os2.mv.ldh_elevated": "Hazard ratio for OS2: elevated LDH",
    "cox.efs2.mv.advanced_stage": "Hazard ratio for EFS2: stage III or IV",
    "cox.efs2.mv.ldh_elevated": "Hazard ratio for EFS2: elevated LDH",
})

# %% [markdown]
# ### Hazard ratio for OS1: response to the index therapy

# %%
page.show(factors, "cox.os1.mv.responder")

# %% [markdown]
# ### Hazard ratio for OS2: stage III or IV

# %%
page.show(factors, "cox.os2.mv.advanced_stage")

# %% [markdown]
# ### Hazard ratio for OS2: elevated LDH

# %%
page.show(factors, "cox.os2.mv.ldh_elevated")

# %% [markdown]
# ### Hazard ratio for EFS2: stage III or IV

# %%
page.show(factors, "cox.efs2.mv.advanced_stage")

# %% [markdown]
# ### Hazard ratio for EFS2: elevated LDH

# %%
page.show(factors, "cox.efs2.mv.ldh_elevated")

# %% [markdown]
# ## Side by side

# %%
rows = results.save([response, from_day_0, from_salvage, control, factors],
                    "pooled", "pooled", results_dir)
table(page.summary(rows), "Every pooled result by fixed and by random effects, with 95% intervals, "
      "and what the paper prints of its own patients; a dash: not pooled.")

# %% [markdown]
# ## Cautions
#
# - With few centres, $\tau^2$, $I^2$ and the test of heterogeneity are hardly known. Two centres that look alike may
#   differ; a prediction interval of three is honest, and wide.
# - A centre that has no estimate takes no part, and why it has none may be a result itself: a group without an event, a rate
#   of nothing or everything, too few patients to be shown. The pooled value then speaks of the others.
# - Definitions agree, which the software checked. Practice may not: when scans are made, who is sent to radiotherapy, how
#   long patients are followed. No formula sees that, except as heterogeneity.
# - The software cannot see whether the same patient is in two exports. Centres must agree on who counts whom.
# - Differences between centres are no effect of what the centres do: the patients differ too.
# - What the paper prints stands beside for orientation. Its patients are not pooled, and where it adjusted for other
#   factors its hazard ratios are other quantities.

# %% [markdown]
# ## Exercises
#
# ### Exercise 1
#
# Add up all patients as if they came from one centre: weigh each centre's rate of OS1 at 12 months by its number of
# patients. How far is that from the pooled rates, and why is it not the same?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
added_up = pooled.weighed_by_patients(from_day_0, "os1.rate12")
both = from_day_0 if results.skip_reason(added_up) else results.collect([from_day_0, added_up])
say(both, "Weighed by patients, OS1 at 12 months is {pooled.os1.rate12.by_patients}; weighed by precision it is "
    "{pooled.os1.rate12.fixed} (fixed effects) and {pooled.os1.rate12.random} (random effects). A centre of many patients "
    "with short follow-up knows less about a year than its size suggests; and random effects bring the weights of large and "
    "small centres nearer to each other.")

# %% [markdown]
# ### Exercise 2
#
# How much weight has each centre in the pooled rate of OS1 at 12 months, by fixed and by random effects? What would the
# weights become if the centres differed enormously?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
weights = pooled.weights(gathered, "os1.rate12")
compared_table(weights, "Weights in the pooled rate of OS1 at 12 months", "Centre")
say(weights, "As the variance between centres grows, the weights approach one another: every centre then counts the same, "
    "whatever its size, because each tells of one more true value.")
