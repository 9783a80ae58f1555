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

# %% [markdown] strobe=["16a", "16c"]
# # Survival
#
# You will learn to read a Kaplan–Meier curve with its risk table, to say what a median and a rate at two years
# mean when some people are still under observation, and to compare groups with the log-rank test.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import competing_events, log_rank, prognosis, survival
from analysis_lib.binding import handed
from analysis_lib.cohort import endpoints
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures, figures_beyond, ledger_page
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import rows_table

handed.check(globals())
study = read_cohort(cohort)
months = survival.rate_months(study)
about(study)

# %%
os1, os2 = survival.estimates(study, "OS1"), survival.estimates(study, "OS2")
opening("How long do patients live?", results.collect([os1, os2]),
        "Median survival from day 0 is {os1.median:full}.", "From the start of salvage therapy it is {os2.median:full}.")
figures.survival_curves(survival.curves(study, "OS1"), "Overall survival (OS1)",
                        f"OS1: {endpoints.in_words(study, 'OS1')}.", os1)

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# How long do patients live, and how long without a further event, counted from the CAR T-cell infusion (OS1, EFS1)
# and again from the start of the first salvage therapy (OS2, EFS2)? And does either differ between salvage regimens?

# %% [markdown] strobe=["12a"]
# ## How it is estimated
#
# At each time $t_i$ at which someone has the event, $d_i$ of the $n_i$ people still at risk have it. The
# Kaplan–Meier estimate multiplies the chances of getting past each of these times {cite:p}`kaplan1958`:
#
# $$\hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right)$$
#
# People who are censored leave the risk set without pulling the curve down. The variance is Greenwood's; intervals
# are built on the log scale, the default of R's `survfit`. The *median* is the time at which the curve falls to one
# half: it is *not reached* while more than half are estimated to be event-free. The *log-rank test* compares, over
# all event times, the events observed in each group with those expected if the groups shared one curve.

# %% [markdown] strobe=["15"]
# ## Overall survival from day 0 (OS1)

# %%
there = "at risk then" if endpoints.enters_late(study) else "still at risk"
say(os1, "{os1.median:events} of {os1.median:n} patients died.", "The median OS1 was {os1.median:full}.",
    *[f"At {m} months, {{os1.rate{m}:full}} were estimated to be alive; {{os1.at_risk{m}}} were {there}." for m in months])

# %% [markdown] tags=["car-t"]
# The wait for salvage therapy is part of this survival, and nobody here died in it. What a patient faces on the day on which salvage
# therapy begins is OS2, below.

# %% [markdown] tags=["car-t"]
# ## Event-free survival from day 0 (EFS1)
#
# The event is whichever comes first: progression or relapse, a new line of therapy, or death. Everyone in this study
# was chosen *because* the disease came back, so this curve ends at zero by design and describes only how soon.

# %%
efs1 = survival.estimates(study, "EFS1")
figures.survival_curves(survival.curves(study, "EFS1"), "Event-free survival (EFS1)",
                        f"EFS1: {endpoints.in_words(study, 'EFS1')}.", efs1)

# %%
say(efs1, "The median EFS1 was {efs1.median:full}.",
    *[f"At {m} months, {{efs1.rate{m}:full}} were estimated to be free of an event." for m in months])

# %% [markdown] strobe=["15"]
# ## From the start of salvage therapy (OS2, EFS2)
#
# The clock starts anew on the first day of salvage therapy. This is what a patient can be told on that day. OS2 is how long patients
# lived; EFS2 is how long they lived before the disease progressed or treatment had to change. Where the two are far apart, many live
# on after that event.

# %%
efs2 = survival.estimates(study, "EFS2")
figures.survival_curves(survival.curves(study, "OS2"), "Overall survival (OS2)",
                        f"OS2: {endpoints.in_words(study, 'OS2')}.", os2)

# %%
say(os2, "The median OS2 was {os2.median:full}; {os2.median:events} of {os2.median:n} patients died.",
    *[f"At {m} months, {{os2.rate{m}:full}} were estimated to be alive." for m in months])
say(efs2, "The median EFS2 was {efs2.median:full}.",
    *[f"At {m} months, {{efs2.rate{m}:full}} were estimated to be free of an event." for m in months])

# %% [markdown] tags=["regimens"] strobe=["9"]
# ## OS2 by what the patients received
#
# ```{warning}
# Two of these five groups are named by what happened *later*: whoever went on to a second modality had to live long
# enough to receive it (immortal time). The comparison is the paper's; it cannot show which sequence is better.
# ```

# %%
os2_groups = survival.estimates(study, "OS2", by="salvage_sequence")
figures.survival_curves(survival.curves(study, "OS2", by="salvage_sequence"), "Overall survival (OS2)",
                        "OS2 by salvage regimen and by the modality that followed.", os2_groups)

# %%
rows_table(results.pick(os2_groups, "median time"), "Median OS2 by sequence of salvage therapy",
           patients="n", deaths="events", median_OS2="full")
say(os2_groups, "Over all these groups the log-rank test gives {os2.logrank.salvage_sequence} "
    "({os2.logrank.salvage_sequence:note}).", "It does not tell which of them differ, or by how much: medians outside the intervals "
    "of the table are what the data speak against.")

# %% [markdown] tags=["regimens"]
# *What would change the reading.* Narrow intervals that leave each other's medians out would call for an explanation. The first to try
# is time: were the groups that had a second modality still ahead if it counted only from the day on which it began?
# Count it so before you believe that a second modality helps.

# %%
os2_pairs = log_rank.pairwise(study, "OS2", by="salvage_sequence")
rows_table(os2_pairs, "OS2, two groups at a time, before and after correction for the number of tests.",
           patients="n", deaths="events", one_test="uncorrected", corrected="")

# %% [markdown] tags=["regimens"]
# ## EFS2 by salvage regimen

# %%
efs2_groups = survival.estimates(study, "EFS2", by="salvage_regimen")
figures.survival_curves(survival.curves(study, "EFS2", by="salvage_regimen"), "Event-free survival (EFS2)",
                        "EFS2 by salvage regimen.", efs2_groups)

# %%
rows_table(results.pick(efs2_groups, "median time"), "Median EFS2 by salvage regimen",
           patients="n", events="events", median_EFS2="full")
say(efs2_groups, "Between the regimens the log-rank test gives {efs2.logrank.salvage_regimen}.",
    "After radiotherapy alone the median was {efs2.median.salvage_regimen.rt:full}, after systemic therapy alone "
    "{efs2.median.salvage_regimen.st:full}; medians outside these limits are what the data speak against. Where each interval "
    "holds the other's median, the regimens may be alike or not: these patients cannot tell.")
say(results.collect([os2_groups, efs2_groups]), "RT are all {efs2.median.salvage_regimen.rt:n} patients who began with radiotherapy "
    "alone, whatever followed; RT only, in the table of OS2, are the {os2.median.salvage_sequence.rt:n} of them who had no other "
    "modality later. In the same way, ST are {efs2.median.salvage_regimen.st:n} and ST only {os2.median.salvage_sequence.st:n}.")

# %% [markdown] tags=["if-any"]
# ## By groups of the cohort's own

# %%
own = prognosis.curves_by_own(study)
for rows in own:
    name, factor = rows[["endpoint", "by"]].iloc[0]
    figures.survival_curves(survival.curves(study, name, by=factor), name, f"{name} by: {study.label_of(factor)}.", rows)
    rows_table(results.pick(rows, "median time"), f"Median {name} by: {study.label_of(factor)}",
               patients="n", events="events", median="full")
    say(rows, f"{name}: between these groups the log-rank test gives {{own.{name.lower()}.logrank.{factor}}}.")
own_pairs = prognosis.pairs_of_groups(study)
for pairs in own_pairs:
    rows_table(pairs, f"{pairs['endpoint'].iloc[0]}, two groups at a time, before and after correction for the number of tests.",
               patients="n", events="events", one_test="uncorrected", corrected="")

# %% [markdown] tags=["if-any"]
# ## Events that compete
#
# Whoever has one of these events, or dies, can no longer be the first time in another. The cumulative incidence of an
# event is the share of patients in whom it came first; the incidences of all events and the share without any add up
# to 1. One minus Kaplan–Meier of a single event would speak of a world in which the others do not happen.

# %%
competing = [competing_events.incidences(study), competing_events.compared(study)] if study.competing else []
for incidence in competing[:1]:
    figures_beyond.competing(competing_events.curves(study), incidence, "Cumulative incidence of the first event.",
                             "Patients", "day 0")
    rows_table(incidence, "Cumulative incidence of the event that came first. Events are those of the whole follow-up.", patients="n", events="events", incidence="full")
for tested in competing[1:]:
    rows_table(tested, "Events between groups", patients="n", events="events", test="", detail="note")

# %%
rows = results.save([os1, efs1, os2, efs2, os2_groups, os2_pairs, efs2_groups, *own, *own_pairs, *competing], study.name, "04_survival", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown] strobe=["19"]
# ## Cautions
#
# - A median or a rate near the end of follow-up rests on few people: read the risk table with the curve.
# - A large P value does not show that groups are alike; with small groups it shows little at all.

# %% [markdown]
# ## What to take away
#
# - A median is where the curve crosses one half. It says nothing of those who live long.
# - Read every curve with its risk table: its end may rest on a handful of people.
# - Groups that are named by what happens later cannot be compared from the first day on: a patient counts in such a group
#   only from the day on which the name fits.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "04_survival.yml")

# %% [markdown]
# ### Exercise 1
#
# How many months lie between the lower and the upper confidence limit of the median OS1? Would you expect the
# interval to be narrower or wider in a sub-cohort with half as many deaths?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
width = os1.assign(value=os1["upper"].round(1) - os1["lower"].round(1), lower=None, upper=None).dropna(subset=["value"])
say(width, "The interval spans {os1.median}. With half as many deaths it would be wider, by roughly a factor of √2.")

# %% [markdown]
# ### Exercise 2
#
# Compare the median of the observed times with the Kaplan–Meier median of OS1. Why do they differ?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(results.collect([os1, survival.follow_up(study, "OS1")]),
    "Observed times have a median of {os1.follow_up.naive}; the Kaplan–Meier median is {os1.median}. The first counts "
    "the time of a patient who is still alive as if it had ended; the second knows that it goes on.")
