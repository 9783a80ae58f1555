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

# %% [markdown] strobe=["12b", "16a"]
# # Prognostic factors
#
# You will learn to compare patients with and without a factor by their medians, a log-rank test and a hazard ratio, to
# read a Cox model with several factors and to check what it assumes, and to see why testing factors one by one is no
# way to choose among them.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import changing, cox_models, immortal, prognosis
from analysis_lib.binding import handed
from analysis_lib.dictionary.words import listed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, contrasts, exercises, figures, ledger_page, tables_beyond
from analysis_lib.show.notes import about, left_out
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import factor_table, rows_table, table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
os1_model, os2_model = (cox_models.multivariable(study, name, prognosis.factors_of(study, name, "together")) for name in ("OS1", "OS2"))
leading = os1_model if results.skip_reason(os2_model) else os2_model
adjusted = results.pick(leading, "hazard ratio")
ratios = listed([f"{{{i}:full}} for {{{i}:named}}" for i in adjusted.dropna(subset=["value"])["result_id"]])
told = [f"With the other factors held equal, the hazard ratio of death is {ratios}."] if ratios else []
os1 = prognosis.univariable(study, "OS1", prognosis.factors_of(study, "OS1"))
opening("Who does better, and who does worse?", results.collect([leading, os1]), *told,
        otherwise=contrasts.by_interval(os1))
figures.forest(adjusted, f"{adjusted['endpoint'].iloc[0]}: hazard ratios adjusted for each other.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# Who does better and who does worse? From the infusion on (OS1), the paper looks at the response to CAR T-cell therapy,
# bridging therapy and the product. From the start of salvage therapy on (OS2, EFS2), it looks at the burden of disease
# and the condition of the patient at that time. Factors are compared one at a time; then a few go into one model.

# %% [markdown] strobe=["12a", "12c"]
# ## How it is estimated
#
# The *hazard* $h(t)$ is the rate at which the event happens at time $t$ among those still free of it. A Cox model
# {cite:p}`cox1972` leaves its course over time open and says only that each factor multiplies it:
#
# $$h(t \mid x) = h_0(t)\, \exp(\beta_1 x_1 + \dots + \beta_k x_k)$$
#
# With $x_1 = 1$ for patients who have the factor and 0 for those who do not, $\exp(\beta_1)$ is the *hazard ratio*
# (HR). An HR of 2 means that on any given day the event is twice as frequent among patients with the factor who are
# still at risk as among those without; it does *not* mean that they live half as long, or that twice as many of them
# have the event in the end. An HR of 1 means no difference, and because it is a ratio it is drawn on a log scale,
# where 0.5 and 2 lie equally far from 1.
#
# Ties are handled by Efron's method {cite:p}`efron1977`; intervals and P values of hazard ratios are Wald's. If nobody
# in a level has the event, no finite hazard ratio exists (*separation*, {cite:p}`heinze2001`). Firth's penalty keeps the
# estimate finite by drawing it a little towards 1; such a ratio bears a dagger (†), its interval is that of the penalised
# likelihood, and it may reach very far. The model assumes that a hazard ratio stays the same over time; a test based on
# Schoenfeld residuals asks whether the data speak against this {cite:p}`grambsch1994`.

# %% [markdown]
# ## Factors of overall survival from day 0 (OS1)
#
# One row a factor, each compared on its own. Patients in whom a factor is unknown are left out of its row. An interval names the
# hazard ratios that go with the data: what it leaves out is what they speak against. So the sentences below sort the factors by their
# intervals, and give the end that is nearer to 1: an end close to 1 allows for hardly any difference, one far from 1 does not.

# %% tags=["secondary"]
factor_table(os1, "OS1", "OS1 by single factors.")
left_out(os1)

# %%
figures.forest(results.pick(os1, "hazard ratio"), "OS1: hazard ratios of single factors. One factor a model.")

# %%
say(os1, *contrasts.by_interval(os1),
    "Patients who responded had a median OS1 of {os1.median.responder.yes:full}, the others one of "
    "{os1.median.responder.no:full} (log-rank {os1.logrank.responder}); the hazard ratio is {cox.os1.uv.responder:full}.")

# %% [markdown]
# ## Factors of overall survival from the start of salvage therapy (OS2)
#
# The factors are those of the day on which the clock starts.

# %% tags=["secondary"]
os2 = prognosis.univariable(study, "OS2", prognosis.factors_of(study, "OS2"))
factor_table(os2, "OS2", "OS2 by single factors at salvage therapy.")
left_out(os2)

# %%
figures.forest(results.pick(os2, "hazard ratio"), "OS2: hazard ratios of single factors. One factor a model.")

# %%
say(os2, *contrasts.by_interval(os2), "If no factor mattered at all, {os2.uv.by_chance} of {os2.uv.by_chance:n} factors would still be "
    "expected to stand out like this, by chance.")

# %% [markdown]
# ## Factors of event-free survival from the start of salvage therapy (EFS2)

# %% tags=["secondary"]
efs2 = prognosis.univariable(study, "EFS2", prognosis.factors_of(study, "EFS2"))
factor_table(efs2, "EFS2", "EFS2 by single factors at salvage therapy.")
left_out(efs2)

# %% tags=["secondary"]
figures.forest(results.pick(efs2, "hazard ratio"), "EFS2: hazard ratios of single factors. One factor a model.")

# %%
say(efs2, *contrasts.by_interval(efs2), "By chance alone {efs2.uv.by_chance} of {efs2.uv.by_chance:n} would stand out.")

# %% [markdown] tags=["if-any"]
# ## Factors of event-free survival from day 0 (EFS1)

# %% tags=["secondary"]
of_efs1 = [] if study.lacks("failure_day") else prognosis.factors_of(study, "EFS1")
efs1 = [prognosis.univariable(study, "EFS1", of_efs1)] if of_efs1 else []
for single in efs1:
    factor_table(single, "EFS1", "EFS1 by single factors.")
    left_out(single)

# %%
for single in efs1:
    figures.forest(results.pick(single, "hazard ratio"), "EFS1: hazard ratios of single factors. One factor a model.")
    say(single, *contrasts.by_interval(single), "If no factor mattered at all, {efs1.uv.by_chance} of {efs1.uv.by_chance:n} factors would "
        "still be expected to stand out like this, by chance.")

# %% [markdown]
# ## A screen is not a selection
#
# It is common to test factors singly and to carry into the model those with a small P value. This fails in both
# directions {cite:p}`sun1996`. A factor may look important only because it travels with another, and one that matters
# may be hidden by another until both are in the model. The P values and intervals that the final model prints know
# nothing of the search that led to it: they are too small and too narrow. Where factors can be named beforehand, from
# what is known of the disease and within what the number of events allows, they should be.

# %% [markdown]
# ## Several factors in one model
#
# In a model with several factors, each hazard ratio compares patients who are alike in the other factors. Each factor
# costs events: the fewer there are for each, the wider the intervals and the more the model is fitted to chance. A rule
# that asks for ten of them {cite:p}`peduzzi1995` has been given up: how many are enough depends on what the factors explain
# and what the model is for {cite:p}`riley2019,riley2020`.
#
# Hold each ratio against that of the factor alone, above. One that comes nearer to 1 was in part that of the factors it goes together with;
# one that stays tells something of its own.

# %% [markdown]
# ### Overall survival from day 0 (OS1), several factors

# %%
figures.forest(results.pick(os1_model, "hazard ratio"), "OS1: hazard ratios adjusted for each other.")
left_out(os1_model)

# %%
say(os1_model, "The model rests on {cox.os1.mv.events_per_variable:events} events in {cox.os1.mv.events_per_variable:n} "
    "patients: {cox.os1.mv.events_per_variable} events for each hazard ratio.",
    *[f"For {{{i}:named}}, the hazard ratio is {{{i}:full}}, {{{i}.p}}." for i in os1_model["result_id"]],
    "The test of proportional hazards, all factors together, gives {cox.os1.mv.ph.global}.")

# %% [markdown] tags=["car-t"]
# Where the ratio of the response is not constant, one number is an average over the time observed. Whoever is in this cohort lived to
# salvage therapy, and responders reached it later. With *delayed entry* each patient is at risk only from salvage therapy on (chapter 9); the parts of the follow-up have ratios of
# their own (chapter 14).

# %%
late, parts = immortal.response(study), changing.response(study)
say(late, "Counted from day 0, the hazard ratio of a response by itself is {immortal.response.naive:full}; with each patient at risk only "
    "from salvage therapy on it is {immortal.response.delayed:full}.")
say(parts, "Within the first six months it is {changing.response.to6:full}, from then to a year {changing.response.to12:full}, and later "
    "{changing.response.from12:full}.", "The test of proportional hazards of the response by itself gives {changing.response.ph}, with delayed "
    "entry {changing.response.late.ph}.")

# %% [markdown]
# ### Overall survival from the start of salvage therapy (OS2), several factors

# %%
left_out(os2_model)
say(os2_model, "The model rests on {cox.os2.mv.events_per_variable:events} events in {cox.os2.mv.events_per_variable:n} "
    "patients: {cox.os2.mv.events_per_variable} events for each hazard ratio.",
    *[f"For {{{i}:named}}, the hazard ratio is {{{i}:full}}, {{{i}.p}}." for i in os2_model["result_id"]],
    "The test of proportional hazards, all factors together, gives {cox.os2.mv.ph.global}.")

# %% [markdown]
# ### Event-free survival from the start of salvage therapy (EFS2), several factors

# %% tags=["secondary"]
efs2_model = cox_models.multivariable(study, "EFS2", prognosis.factors_of(study, "EFS2", "together"))
figures.forest(results.pick(efs2_model, "hazard ratio"), "EFS2: hazard ratios adjusted for each other.")
left_out(efs2_model)

# %%
say(efs2_model, "The model rests on {cox.efs2.mv.events_per_variable:events} events in {cox.efs2.mv.events_per_variable:n} "
    "patients: {cox.efs2.mv.events_per_variable} events for each hazard ratio.",
    *[f"For {{{i}:named}}, the hazard ratio is {{{i}:full}}, {{{i}.p}}." for i in efs2_model["result_id"]],
    "The test of proportional hazards, all factors together, gives {cox.efs2.mv.ph.global}.")

# %% [markdown] tags=["if-any"]
# ### Event-free survival from day 0 (EFS1), several factors

# %%
efs1_model = [cox_models.multivariable(study, "EFS1", prognosis.factors_of(study, "EFS1", "together"))] if of_efs1 else []
for model in efs1_model:
    figures.forest(results.pick(model, "hazard ratio"), "EFS1: hazard ratios adjusted for each other.")
    left_out(model)
    say(model, "The model rests on {cox.efs1.mv.events_per_variable:events} events in {cox.efs1.mv.events_per_variable:n} "
        "patients: {cox.efs1.mv.events_per_variable} events for each hazard ratio.",
        *[f"For {{{i}:named}}, the hazard ratio is {{{i}:full}}, {{{i}.p}}." for i in model["result_id"]],
        "The test of proportional hazards, all factors together, gives {cox.efs1.mv.ph.global}.")

# %% [markdown]
# ### Are the hazards proportional?
#
# A small P value speaks against a hazard ratio that is constant over time; a large one does not prove it constant. Where
# the assumption fails, the hazard ratio is an average over the time observed, and depends on how long that is.

# %% tags=["secondary"]
models = results.collect([os1_model, *efs1_model, os2_model, efs2_model])
checks = models[models["method"].eq(cox_models.PROPORTIONAL) & models["statistic"].eq("p")]
checks = checks.assign(group=checks["endpoint"] + ": " + checks["group"])
checks.attrs["label"] = "Model and factor"
rows_table(checks if len(checks) else models, "Tests of proportional hazards in the models with several factors.", test="")

# %% [markdown]
# ## Why an index and its components do not share a model
#
# The International Prognostic Index (IPI, {cite:p}`shipp1993`) adds one point each for age, stage, LDH, performance
# status and extranodal sites. Someone with elevated LDH therefore has a higher IPI by construction. In one model, the
# hazard ratio of the index would compare patients with a high and a low index who are alike in stage and LDH, and thus
# speak only of the remaining components; what they share is divided between the factors almost at will.

# %%
overlap = prognosis.overlap(study, "high_ipi", ["ldh_elevated", "advanced_stage"])
say(overlap, "An IPI of 3 or more was found in {high_ipi.ldh_elevated.yes:share} of the patients with elevated LDH and in "
    "{high_ipi.ldh_elevated.no:share} of those without.",
    "It was found in {high_ipi.advanced_stage.yes:share} of those with stage III or IV and in "
    "{high_ipi.advanced_stage.no:share} of those with stage I or II. The further apart such shares are, the more of the index is the factor "
    "itself, and the less a model can tell the two apart.")

# %%
rows = results.save([os1, *efs1, os2, efs2, os1_model, *efs1_model, os2_model, efs2_model, overlap], study.name, "07_prognostic_factors", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown] strobe=["11", "16b", "19"]
# ## Cautions
#
# - A prognostic factor tells who does worse; it does not tell that changing it would help, nor which treatment to give.
# - A yes/no factor made by a cut-off throws information away and treats patients just on either
#   side of it as if they were far apart.
# - The patients in whom a factor is known may differ from the others: compare the numbers in each row.

# %% [markdown] tags=["car-t"]
# - Response to CAR T-cell therapy becomes known only after the infusion. Responders had to live long enough to respond,
#   and that time is counted as survival with a response {cite:p}`anderson1983`: part of their advantage in OS1 is built
#   in. A landmark analysis removes it.
# - Nobody here was chosen at the infusion: all had a failure *and* received salvage therapy. Factors of OS1 within this
#   group are not factors of survival among all who receive CAR T cells.
# - The paper's Discussion names bulky disease among the factors of both OS2 and EFS2; its Results list it for OS2 only.

# %% [markdown]
# ## What to take away
#
# - A hazard ratio compares the rate of events at any moment. It is neither a ratio of life spans nor of the shares who die.
# - Name the factors of a model beforehand. A search among many leaves P values that are too small.
# - A prognostic factor tells who does worse. It does not tell whom a treatment helps.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "07_prognostic_factors.yml")

# %% [markdown]
# ### Exercise 1
#
# Take the first hazard ratio of OS1 that compares two groups and turn it round: what is the hazard ratio of the patients *without* the factor
# against those with it, and what are its limits? What does this say about the phrase "reduces the hazard by half"?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
ratio = os1[(os1["statistic"] == "hazard ratio") & ~cox_models.is_of_number(os1)].head(1)
turned = ratio.assign(value=1 / ratio["value"], lower=1 / ratio["upper"], upper=1 / ratio["lower"])
say(ratio, *[f"For {{{i}:named}}, the hazard ratio is {{{i}:full}}." for i in ratio["result_id"]])
say(turned, *[f"Turned round it is {{{i}:full}}: one divided by each number, and the limits change places. Halving in "
              "one direction is doubling in the other; the data are the same." for i in ratio["result_id"]])

# %% [markdown]
# ### Exercise 2
#
# Correct the P values for the number of factors by Holm's method {cite:p}`holm1979`: multiply the smallest by
# the number of tests, the next by one less, and so on (a P value never becomes smaller than the one before it). What does the
# correction tell, and what does it not?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
for name, single in [("OS1", os1), *(("EFS1", rows) for rows in efs1), ("OS2", os2), ("EFS2", efs2)]:
    holm, e = prognosis.holm(single, name), name.lower()
    table(tables_beyond.holm_table(single, holm, name), f"{name}: P of single factors, and P after Holm's correction.", rows=holm)
    say(results.collect([single, holm]), f"{name}: P is below 0.05 in {{{e}.uv.small_p:events}} of {{{e}.uv.small_p:n}} tests before the correction "
        f"and in {{{e}.holm.small_p:events}} after it; if no factor mattered, {{{e}.uv.by_chance}} would be expected before. The correction answers for "
        "the number of tests. How far apart the patients are it does not tell: the intervals above do.")

# %% [markdown]
# ### Exercise 3
#
# Add IPI of 3 or more to the model of OS2 with stage and LDH. What happens to the three hazard ratios and to their
# intervals?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
with_ipi = cox_models.cox(study, "OS2", ["advanced_stage", "ldh_elevated", "high_ipi"], "with_ipi")
figures.forest(results.pick(with_ipi, "hazard ratio"), "OS2: stage, LDH and IPI in one model.")
say(results.collect([os2, os2_model, with_ipi]),
    "Elevated LDH: {cox.os2.mv.ldh_elevated:full} without the IPI in the model, {cox.os2.with_ipi.ldh_elevated:full} with it.",
    "Stage III or IV: {cox.os2.mv.advanced_stage:full} without, {cox.os2.with_ipi.advanced_stage:full} with it.",
    "IPI of 3 or more: {cox.os2.uv.high_ipi:full} alone, {cox.os2.with_ipi.high_ipi:full} beside its own components. "
    "Each hazard ratio now answers another question: that of the index speaks of what age, performance status and "
    "extranodal sites add, and those of stage and LDH of patients alike in the index. Compare the widths of the intervals.")
