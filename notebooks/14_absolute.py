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
#     told_as: further analyses
# ---

# %% [markdown] strobe=["12e", "16c", "17"]
# # How many more, for how long
#
# You will learn to ask what patients who left early could change, to say an adjusted effect in patients and months instead
# of ratios, to read what weights leave before what they find, and to see what one ratio hides when effects change.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import absolute, changing, early_censoring, immortal, survival, weighting
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, contrasts, exercises, figures, figures_absolute
from analysis_lib.show.notes import about, left_out
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import compared_table, rows_table

handed.check(globals())
study = read_cohort(cohort)
months = survival.rate_months(study)
month, last = months[0], months[-1]
about(study)

# %%
frame = weighting.prepare(study)
effects = absolute.effects(frame, months)
opening("How many more patients would be alive after radiotherapy, had all patients been alike?", effects,
        f"At {month} months, the share alive after radiotherapy, less that after systemic therapy alone, is "
        f"{{absolute.os2.crude.rate{month}.less:full}} as the groups are.",
        f"Once they are made alike, it is {{absolute.os2.doubly_robust.rate{month}.less:full}}.")
figures.forest(effects[effects["result_id"].str.fullmatch(rf"absolute\.os2\.\w+\.rate{month}\.less")] if len(effects) > 1 else effects,
               f"Alive at {month} months, radiotherapy less systemic therapy alone, in percentage points (above 0: more alive after radiotherapy).")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# The paper compares medians and log-rank tests {cite:p}`ababneh2023`. A referee of a good journal asks next: what if those lost
# early were not like the others? How many more patients would be alive after radiotherapy, had the patients been alike? And do
# the ratios hold all the time? Nothing here is printed in the paper.

# %% [markdown] tags=["car-t", "of-the-paper"]
# So read the range over all consistent cohorts beside each result.

# %% [markdown]
# ## How it is estimated
#
# Each section names its question, its method and its reference. Intervals are 95% confidence intervals; those from the bootstrap
# {cite:p}`efron1979` are the middle 95% of estimates from samples of the patients, in each of which every model was fitted anew,
# the propensity model too. The seed stands with the result.

# %% [markdown] strobe=["12d", "12e"]
# ## What could those who left early change?
#
# *Question.* Kaplan and Meier's estimate takes it that a patient censored early would have fared as those still followed. What
# if not? *Method.* Bounds ask for no assumption {cite:p}`manski1990`: in the worst case all who were censored before a time died at
# once, in the best all lived to it. Their distance is the share that was censored.

# %%
bounds = early_censoring.bounds(study)
compared_table(results.pick(bounds, "proportion"), "Patients censored before a time, and patients alive at it if all of these, or none, had died "
               "at once.", "Patients")
left_out(bounds)

# %%
for m in months:
    say(bounds, f"Before {m} months {{censoring.os2.early{m}:share}} patients were censored.", f"Between {{censoring.os2.worst{m}}} and "
        f"{{censoring.os2.best{m}}} were alive at {m} months, whatever happened to them; taken as like the others, {{censoring.os2.km{m}:full}}.",
        f"After radiotherapy alone it is {{censoring.os2.worst{m}.rt}} to {{censoring.os2.best{m}.rt}}, after systemic therapy alone "
        f"{{censoring.os2.worst{m}.st}} to {{censoring.os2.best{m}.st}}.",
        f"Radiotherapy less systemic therapy lies between {{censoring.os2.gap.worst{m}}} and {{censoring.os2.gap.best{m}}}.")
consistent_page.say(study, "at 12 months the worst case goes from {censoring.os2.worst12:lower} to {censoring.os2.worst12:upper} and the best "
                    "from {censoring.os2.best12:lower} to {censoring.os2.best12:upper}.", "Between the regimens the difference in the worst case "
                    "goes from {censoring.os2.gap.worst12:lower} to {censoring.os2.gap.worst12:upper}, in the best from "
                    "{censoring.os2.gap.best12:lower} to {censoring.os2.gap.best12:upper}.")

# %% [markdown]
# ### How much worse must they have fared?
#
# *Method.* Between the bounds lies one number: how many times as often as the others the censored died after they were lost. At 1
# it is Kaplan and Meier's estimate, which shares the censored out among those still followed {cite:p}`efron1967`; multiplying their
# hazard is what imputation with such a factor does {cite:p}`jackson2014`, without chance. The *tipping point* is the factor at which the
# estimate leaves its own interval: beyond it, censoring could have done more than chance. A patient censored after the last death
# before the time counts as alive at any factor, so that the curves need not come to the worst case.

# %%
figures_absolute.tipping(early_censoring.curves(study), bounds, f"OS2 at {month} months by how often those who were censored before died against the others.")

# %%
for m in months:
    say(bounds, f"At {m} months, the estimate falls to the lower limit of its interval once the censored die {{censoring.os2.tip{m}}} times as often "
        "as the others.", f"After radiotherapy alone it takes {{censoring.os2.tip{m}.rt}} times, after systemic therapy alone "
        f"{{censoring.os2.tip{m}.st}} times.", f"For both regimens to be alike, those censored after radiotherapy would have to die "
        f"{{censoring.os2.gap.tip{m}}} times as often.")
consistent_page.say(study, "the tipping point at 12 months goes from {censoring.os2.tip12:lower} to {censoring.os2.tip12:upper}.")

# %% [markdown]
# ### Like whom in what was measured
#
# *Method.* If leaving early depends on stage, LDH or performance, patients still followed can stand for those alike in these who
# left: each is weighed by the inverse of the probability of not being censored yet {cite:p}`robins2000ipcw`, from a Cox model of the
# censoring on the factors known when salvage therapy began.

# %%
reweighted = early_censoring.weighted(study)
left_out(reweighted)
for m in months:
    say(results.collect([bounds, reweighted]), f"At {m} months, {{censoring.os2.ipcw{m}:full}} are alive with these weights and "
        f"{{censoring.os2.km{m}}} without.", f"After radiotherapy alone it is {{censoring.os2.ipcw{m}.rt:full}}, after systemic therapy alone "
        f"{{censoring.os2.ipcw{m}.st:full}}.")
consistent_page.say(study, "with the weights OS2 at 12 months goes from {censoring.os2.ipcw12:lower} to {censoring.os2.ipcw12:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* Where the bounds of two regimens overlap, early censoring alone could hide or make any
# difference between them. If weights leave an estimate where it was, leaving did not depend on what was measured; on what
# was not, only follow-up could tell. A tipping point near 1 makes an estimate fragile; one of several times asks for a
# reason why the lost should have died so much more often.

# %% [markdown] strobe=["9", "12a"]
# ## What do the weights leave?
#
# *Question.* Before any weighted result: how many patients does it rest on, and are the groups alike? *Method.* The propensity
# score is that of chapter 9. Weighting makes a few patients stand for many; the *effective number* says how many unweighted ones would
# tell as much. Scores below 0.1 or above 0.9 belong to patients who hardly could have had the other treatment: leaving them out, with
# a score estimated anew among the rest, is a rule of thumb {cite:p}`crump2009`; overlap weights {cite:p}`li2018` let them count little.

# %%
precision = absolute.precision(frame)
say(precision, "With inverse-probability weights, {absolute.size.iptw.rt:n} patients after radiotherapy alone count as "
    "{absolute.size.iptw.rt} and {absolute.size.iptw.st:n} after systemic therapy alone as {absolute.size.iptw.st}.",
    "The largest difference that is left in a factor of the model is {absolute.residual.iptw} standard deviations.",
    "Extreme scores have {absolute.left_out.rt:share} and {absolute.left_out.st:share}; without these, they count as "
    "{absolute.size.trimmed.rt} and {absolute.size.trimmed.st}.", "There the largest difference is {absolute.residual.trimmed}.",
    "With overlap weights they count as {absolute.size.overlap.rt} and {absolute.size.overlap.st}.",
    "There it is {absolute.residual.overlap}, by construction.")
left_out(precision)
consistent_page.say(study, "with inverse-probability weights the patients after radiotherapy alone count as {absolute.size.iptw.rt:lower} to "
                    "{absolute.size.iptw.rt:upper}, with a difference left of {absolute.residual.iptw:lower} to {absolute.residual.iptw:upper}.")

# %%
figures_absolute.overlap(frame, precision, "Estimated probability of radiotherapy alone: patients (filled) and what they count with overlap weights "
                         "(outlined), radiotherapy alone upwards and systemic therapy alone downwards. Dotted: 0.1 and 0.9.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* A handful of effective patients can show a very large effect only. A difference left above
# 0.1 {cite:p}`austin2011` says that the weighted groups are still not alike, so that what follows is still partly a comparison of
# patients.

# %% [markdown] strobe=["16a", "16c"]
# ## How many more would be alive?
#
# *Question.* Had all these patients had radiotherapy alone, and had all had systemic therapy alone: how many more would be alive, and
# how much longer would they have lived within two years? *Method.* A Cox model, in which each treatment has its own baseline hazard,
# predicts every patient's survival under both, and the predictions are averaged {cite:p}`makuch1982`: the *g-formula*
# {cite:p}`robins1986`. Weighted Kaplan–Meier curves {cite:p}`cole2004` ask the same of the propensity score. The *doubly robust* estimate
# {cite:p}`robins1994` takes the predictions and corrects them by the weighted errors; it is right if either model is. It corrects each
# month by itself, so that its curve may rise, and with few patients its differences may go beyond 100 points. Censored times
# enter by pseudo-values {cite:p}`andersen2010`, as {cite:t}`denz2023` describe. Bootstrap intervals are wider, and nearer the
# truth, than robust ones that take the weights as known {cite:p}`austin2016`.

# %%
left_out(effects)

# %%
for m in months:
    say(effects, f"At {m} months, {{absolute.os2.crude.rate{m}.rt}} were alive after radiotherapy alone and {{absolute.os2.crude.rate{m}.st}} after "
        f"systemic therapy alone, a difference of {{absolute.os2.crude.rate{m}.less:full}}.", f"Standardised over all patients it is "
        f"{{absolute.os2.standardised.rate{m}.less:full}}.", f"With inverse-probability weights it is {{absolute.os2.iptw.rate{m}.less:full}}; "
        f"with extreme scores left out {{absolute.os2.trimmed.rate{m}.less:full}}; with overlap weights "
        f"{{absolute.os2.overlap.rate{m}.less:full}}.", f"The doubly robust estimate is {{absolute.os2.doubly_robust.rate{m}.less:full}}.",
        contrasts.outside(effects, f"absolute.os2.doubly_robust.rate{m}.less"))
consistent_page.say(study, "at 12 months the difference goes from {absolute.os2.crude.rate12.less:lower} to {absolute.os2.crude.rate12.less:upper} as "
                    "the groups are, from {absolute.os2.standardised.rate12.less:lower} to {absolute.os2.standardised.rate12.less:upper} "
                    "standardised, and from {absolute.os2.doubly_robust.rate12.less:lower} to {absolute.os2.doubly_robust.rate12.less:upper} "
                    "doubly robust.")

# %%
figures_absolute.curves(absolute.curves(frame, last), effects, "OS2 after radiotherapy alone and systemic therapy alone, as the groups are and "
                        "made alike in three ways. Time starts with salvage therapy.")

# %% [markdown]
# ### Months gained, and patients to treat
#
# The difference of restricted means {cite:p}`royston2013` says how much longer patients live *within* a limit; it needs no
# proportional hazards. A *number needed to treat* {cite:p}`altman1999` is one over a difference of survival. It makes sense where the
# interval of the difference leaves out 0: otherwise its limits enclose infinity, and it is not given.

# %%
means = effects[effects["result_id"].str.fullmatch(r"absolute\.os2\.\w+\.rmst\d+\.less")] if len(effects) > 1 else effects
rows_table(means, "Mean time alive up to a limit, radiotherapy less systemic therapy alone.", difference="full")

# %%
for m in months:
    say(effects, f"Within {m} months, patients after radiotherapy alone lived {{absolute.os2.crude.rmst{m}.less:full}} longer as the groups are "
        f"(below 0: shorter); standardised it is {{absolute.os2.standardised.rmst{m}.less:full}}, doubly robust "
        f"{{absolute.os2.doubly_robust.rmst{m}.less:full}}.", f"For one more to be alive at {m} months, "
        f"{{absolute.os2.doubly_robust.nnt{m}:full}} would have to be treated (below 0: for one fewer).")
consistent_page.say(study, "within 24 months the gain goes from {absolute.os2.crude.rmst24.less:lower} to {absolute.os2.crude.rmst24.less:upper} as the "
                    "groups are, and from {absolute.os2.standardised.rmst24.less:lower} to {absolute.os2.standardised.rmst24.less:upper} "
                    "standardised.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* If the crude difference favours radiotherapy and all adjusted ones come near 0, the difference was
# that of the patients. Where the ways to adjust disagree, look at what each rests on: weights on a few patients, the Cox model on
# its extrapolation to patients whom nobody treated so. For a benefit to be *shown*, a whole adjusted interval would have to lie
# above 0, in all consistent cohorts.

# %% [markdown] strobe=["12a", "12e"]
# ## Does the ratio hold all the time?
#
# *Question.* A hazard ratio is one number for the whole follow-up. If the ratio
# changes, what does that number hide? *Method.* Ratios within parts of the follow-up, of those still at risk in each; and restricted
# means {cite:p}`royston2013`. Responders had to live to salvage therapy, as everyone here, and waited longer: with *delayed entry* a
# patient is at risk only from then on (chapter 9).

# %%
over_time = changing.response(study)
figures.forest(results.pick(over_time, "hazard ratio"), "OS1, patients with against those without a response, in parts of the follow-up.")
left_out(over_time)

# %%
say(over_time, "The test of proportional hazards gives {changing.response.ph} with everyone at risk from day 0, and {changing.response.late.ph} with "
    "delayed entry.", "One ratio for the whole follow-up is {changing.response.whole:full}; within the first six months it is "
    "{changing.response.to6:full}, from then to a year {changing.response.to12:full}, and later {changing.response.from12:full}.",
    "With each patient at risk only from salvage therapy on, the whole is {changing.response.late.whole:full}; its parts are "
    "{changing.response.late.to6:full}, {changing.response.late.to12:full} and {changing.response.late.from12:full}.",
    f"Within {last} months responders lived {{changing.response.rmst{last}:full}} longer, the wait for salvage therapy included.")
consistent_page.say(study, "within the first six months the ratio goes from {changing.response.to6:lower} to {changing.response.to6:upper}, with delayed "
                    "entry from {changing.response.late.to6:lower} to {changing.response.late.to6:upper}; after a year from "
                    "{changing.response.from12:lower} to {changing.response.from12:upper}.")

# %% [markdown]
# ### Systemic therapy against radiotherapy alone

# %%
regimens = changing.regimen(study)
figures.forest(results.pick(regimens, "hazard ratio"), "OS2, systemic therapy alone against radiotherapy alone, in parts of the follow-up.")
left_out(regimens)

# %%
say(regimens, "The test of proportional hazards gives {changing.regimen.ph}.", "Within the first six months the ratio is {changing.regimen.to6:full}, from "
    "then to a year {changing.regimen.to12:full}, and later {changing.regimen.from12:full}; one for the whole is {changing.regimen.whole:full}.")
consistent_page.say(study, "within the first six months it goes from {changing.regimen.to6:lower} to {changing.regimen.to6:upper}, later than a year from "
                    "{changing.regimen.from12:lower} to {changing.regimen.from12:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* If the early ratio is far below 1 and moves up to 1 with delayed entry, the protection by a response was
# the wait for salvage therapy. Ratios of later parts compare survivors, who are no longer alike in what was not measured: a ratio that
# turns round need not mean a treatment that turns harmful {cite:p}`suissa2008`.

# %%
rows = results.save([bounds, reweighted, precision, effects, over_time, regimens], study.name, "14_absolute", results_dir)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - Bounds and tipping points speak of censoring only; weights and standardisation of measured factors only. Not one of them knows what
#   was not recorded.
# - Bounds count patients; their intervals say what chance adds to what is not known.
# - Samples of a small group are samples of few patients: bootstrap intervals of a group of a dozen are still too narrow.
# - Six ways to adjust are not six findings. The doubly robust one was named first; the others show what it depends on.

# %% [markdown]
# ## What to take away
#
# - Say an effect in patients and in months. A ratio of hazards tells neither.
# - Look first at what weights leave: how many patients a result rests on, and how alike the groups are.
# - Bounds show what those who left early could change; only longer follow-up makes them narrower.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "14_absolute.yml")

# %% [markdown]
# ### Exercise 1
#
# Suppose that all who were censored early after radiotherapy lived, and all after systemic therapy died. Which of the bounds is that?
# What would have to be known of the censored to leave it out?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(bounds, f"It is the best case of the difference, {{censoring.os2.gap.best{month}}}. Whether those censored had come to the last visit as planned, "
    "or had been lost while getting worse, would tell; a date on which each was last known to be alive, from a registry, would make the bounds "
    "narrow without any assumption.")

# %% [markdown]
# ### Exercise 2
#
# Take the response model of OS1 with everyone at risk from day 0, and chapter 9's with delayed entry. Which patients make the
# difference, and why can the first one not be repaired by adjusting for more factors?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(immortal.response(study), "From day 0 the ratio is {immortal.response.naive:full}, with delayed entry {immortal.response.delayed:full}. Nobody of this "
    "cohort could die before salvage therapy, and responders reached it later: that time counts for them in the first model. It is no "
    "factor of the patients but of how they came into the cohort.")
