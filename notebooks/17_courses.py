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

# %% [markdown]
# # Courses, and a curve read back
#
# You will learn to follow patients beyond their first event, through lines of therapy and states, and what can be read back from a
# printed survival curve, which is more than most authors expect.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import courses, scanned, survival
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures_courses, figures_further
from analysis_lib.show.notes import about, left_out
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import compared_table

handed.check(globals())
study = read_cohort(cohort)
month = survival.rate_months(study)[0]
about(study)

# %%
flow, lines = courses.flow(study), courses.mean_lines(study)
opening("What happens after the first line of salvage therapy?", results.collect([flow, lines]),
        "A second line was reached by {courses.reached.2:share}, a third by {courses.reached.3:share}.",
        f"By {month} months patients had had {{courses.lines{month}:full}} lines on average.")
figures_courses.ways(flow, "Patients' ways through lines of salvage therapy, by modality; alive and dead as last seen.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# The paper follows patients from the CAR T-cell infusion and from salvage therapy to the first event {cite:p}`ababneh2023`, and says
# in words that many went on to further lines. How many, to what, and how long they lived in between it does not print.

# %% [markdown] tags=["car-t", "of-the-paper"]
# So what follows depends on how the courses of these patients were made up: read the ranges beside it.

# %% [markdown]
# ## How it is estimated
#
# Ways through lines of therapy are counted. States are estimated by Aalen and Johansen's method {cite:p}`aalen1978`, which needs no
# model; mean numbers of lines allow for death, as Ghosh and Lin proposed {cite:p}`ghosh2000`. The survival curve is read back by the
# algorithm of Guyot and colleagues {cite:p}`guyot2012`.

# %% [markdown]
# ## Which way do patients go?
#
# *Question.* What follows the first line of salvage therapy? *Method.* Each patient's lines, one after the other; a band is as wide as
# there are patients. These are counts: they need no reference.

# %%
left_out(flow)
say(results.collect([flow, lines]), "A second line was reached by {courses.reached.2:share}, a third by {courses.reached.3:share}, a fourth by "
    "{courses.reached.4:share}.", f"By {month} months after the start of salvage therapy, patients had had {{courses.lines{month}:full}} lines on average, the "
    "first and those of the dead included.")
consistent_page.say(study, "the mean number of lines by 12 months goes from {courses.lines12:lower} to {courses.lines12:upper}.")

# %% [markdown]
# *What would change the reading.* A plain mean of lines per patient mixes those who needed no more with those who died before they could
# have more. A mean below two can be good news or bad; only the states tell which.

# %% [markdown]
# ## Where are patients at a given time?
#
# *Question.* How many are on the first line without progression, how many have progressed without a next line, how many are on a later
# line, and how many have died? *Method.* The chance of being in each state, day by day. *Reference.* Aalen and Johansen
# {cite:p}`aalen1978`. At any time the four add up to everybody.

# %%
states = courses.states(study)
figures_further.occupied(courses.curves(study), states, "States after the start of salvage therapy.")
left_out(states)

# %%
compared_table(results.pick(states, "rate"), "Chance of being in each state, by months after the start of salvage therapy.", "State")

# %%
say(states, f"At {month} months, {{courses.state{month}.first:full}} are on the first line without progression, {{courses.state{month}.next:full}} on a later "
    f"line and {{courses.state{month}.dead:full}} dead.", f"Progressed and on no therapy are {{courses.state{month}.progressed:full}}.",
    "Of the first two years, patients spent on average {courses.time24.first} on the first line, {courses.time24.progressed} progressed without a next one and "
    "{courses.time24.next} on later lines.")
consistent_page.say(study, "those on the first line at 12 months go from {courses.state12.first:lower} to {courses.state12.first:upper}, those on a later line "
                    "from {courses.state12.next:lower} to {courses.state12.next:upper}.")

# %% [markdown]
# *What would change the reading.* Event-free survival calls everybody below its curve a failure. If many of those are alive on a later
# line, it says how soon therapy changed and little of how long life went on; if few are, the first line was the last chance.

# %% [markdown]
# ## What can be read back from a printed curve?
#
# *Question.* How much of the patients is in a figure? *Method.* A Kaplan–Meier curve falls, with each event, by one over those at risk. So
# heights read off an image, with the numbers at risk printed below it, give the events back; whoever is gone at the next printed number
# without an event was censored in between, and is spread evenly over the time. *Reference.* Guyot and colleagues {cite:p}`guyot2012`.
#
# Here the book's own figure of OS2 by regimen is read as if it were printed in a journal: its height in pixels in each column of pixels,
# with numbers at risk every six months and the number of events. Then the patients read back are held against the true ones.

# %%
read_back = scanned.read_back(study)
compared = scanned.compare(read_back, month)
figures_further.read_back(scanned.drawn(read_back), compared, "OS2 by regimen: the patients, and those read back from their printed curves.")

# %%
compared_table(results.pick(compared, "median time"), "Medians of the patients and of those read back.", "Regimen")

# %%
say(compared, "The hazard ratio is {scanned.ratio.truth:full} in the patients and {scanned.ratio.rebuilt:full} in those read back.",
    f"After radiotherapy alone {{scanned.rate{month}.rt.truth}} are alive at {month} months, read back {{scanned.rate{month}.rt.rebuilt}}; after systemic "
    f"therapy alone {{scanned.rate{month}.st.truth}} and {{scanned.rate{month}.st.rebuilt}}.",
    "At the worst place, month {scanned.apart_at:rounded}, the curves are {scanned.apart:rounded} percentage points apart: the fewer are at risk, the more each counts.")
consistent_page.say(study, "the hazard ratio of those read back goes from {scanned.ratio.rebuilt:lower} to {scanned.ratio.rebuilt:upper}, that of the patients from "
                    "{scanned.ratio.truth:lower} to {scanned.ratio.truth:upper}.")

# %% [markdown]
# *What would change the reading.* The nearer the patients read back are to the true ones, the more a figure is worth to a meta-analysis.
# They part where a curve runs close to one half, so that a pixel decides on the median, and where few are at risk.
#
# What can be read back for that can be read back by anybody who wants to know single patients. That is why this book draws curves of real
# patients in steps of several, and does not run this section on them.

# %% [markdown] tags=["car-t"]
# ### What the paper's own figures would add
#
# The reconstructed cohort was made from numbers that the paper prints: counts, medians, rates, intervals and P values. Its figures of
# survival after the CAR T-cell infusion and after salvage therapy hold far more: each step is an event with its day, and each mark a
# patient censored. Read back in this way they would fix the shape of every curve between the printed months, and with it much of what
# the consistent cohorts still leave open: restricted means, whether hazards are proportional, how many were censored early. The figures
# were not at hand when these cohorts were made, only the text with its numbers, so nothing here rests on them. Which patient of one
# figure is which of another, and what happened to that patient between, no figure would tell.

# %%
rows = results.save([flow, lines, states, compared], study.name, "17_courses", results_dir)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - A state is what was recorded: who progressed without a scan is on the first line here.
# - Aalen and Johansen's method assumes that censoring has nothing to do with the state to come.
# - Patients read back from curves have no stage, no LDH and no second endpoint: nothing can be adjusted with them.

# %% [markdown]
# ## What to take away
#
# - Event-free survival ends at the first event. Lives go on: follow the states.
# - A mean number of lines mixes those who needed no more with those who died before they could have more.
# - A printed curve with its risk table gives back nearly every patient's time. Think of that before printing one.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "17_courses.yml")

# %% [markdown]
# ### Exercise 1
#
# In the first two years, how many months did patients spend in each state? Which of these would an analysis of event-free survival count as
# lost?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(states, "Of two years, {courses.time24.first} were spent on the first line. Event-free survival counts everything after it as lost, also the "
    "{courses.time24.next} on later lines; only {courses.time24.dead} were lost to death.")

# %% [markdown]
# ### Exercise 2
#
# Suppose that the figure were printed at a quarter of the size. What would suffer first, the hazard ratio or the late part of the curves?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
small = scanned.compare(scanned.read_back(study, 200, 100), month)
say(small, "The hazard ratio read back is {scanned.ratio.rebuilt:full}, in place of {scanned.ratio.truth:full}; the curves are now up to {scanned.apart} percentage "
    "points apart. A step smaller than a pixel is not there at all.")
