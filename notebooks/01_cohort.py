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
# # The cohort
#
# You will learn to say who is in a study and who is not, to report how long people were followed in two ways that
# answer different questions, and to read the definition of an endpoint closely enough to know what ends it.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import participants, summaries, survival
from analysis_lib.binding import handed
from analysis_lib.cohort import disclosure, endpoints
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures_cohort, ledger_page
from analysis_lib.show.notes import about, noticed
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import cross_table, rows_table, table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
flow, fu1 = participants.flow(study), survival.follow_up(study, "OS1")
opening("Who is in this study, and how long were they followed?", results.collect([flow, fu1]),
        "The cohort has {flow.included} patients.", "Median follow-up is {os1.follow_up.reverse_km} if death is not allowed to cut it "
        "short, and {os1.follow_up.naive} if it is: say which you report.")
figures_cohort.flow_diagram(flow, "Participant flow. Regimens are those of the first salvage therapy; numbers on the arrows "
                     "below count its patients who had radiotherapy in any line.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# Which patients does the study speak of? From a database of people treated with a CAR T-cell product against CD19 for
# relapsed or refractory large B-cell lymphoma, it takes those whose lymphoma was refractory or came back afterwards
# *and* who then received further treatment {cite:p}`ababneh2023`. Patients are grouped by the **first salvage
# regimen**, as planned: radiotherapy alone (RT), combined-modality therapy (CMT), or systemic therapy alone (ST).
#
# Both conditions matter. People who remain in remission are absent, and so are those who failed but died, or declined,
# before any salvage therapy could begin. Nothing in this book speaks for them.

# %% [markdown]
# ## How it is estimated
#
# A *median* is the middle of the observed values. It comes with its quartiles (the interquartile range, IQR;
# interpolated linearly, which is type 7 of {cite:t}`hyndman1996`) or with the smallest and the largest value (range).
# Times are whole days, shown in months of 30.4375 days.
#
# *Follow-up* is reported in two ways that share a name. The **naive** median takes every patient's observed time, from
# the origin to death or last contact. The **reverse Kaplan–Meier** median swaps the roles of event and censoring
# {cite:p}`schemper1996`: the end of observation is the event, and death is what prevents us from seeing it. With $c_i$
# patients last seen alive at time $t_i$, of $n_i$ still under observation,
#
# $$\hat G(t) = \prod_{t_i \le t} \left(1 - \frac{c_i}{n_i}\right), \qquad
# \text{median follow-up} = \min\{t : \hat G(t) \le \tfrac12\}.$$

# %% [markdown] strobe=["6a", "10", "13a", "13b", "13c"]
# ## Participants and flow

# %%
say(flow, ("Of {flow.database} patients in the database, {flow.included} were included and {flow.not_included} were not.",
    "The cohort has {flow.included} patients."), "The first salvage therapy was radiotherapy alone in "
    "{flow.salvage_regimen.rt}, combined-modality therapy in {flow.salvage_regimen.cmt} and systemic therapy alone in "
    "{flow.salvage_regimen.st}.", "In any line, {flow.any_rt} of {flow.any_rt:n} patients received radiotherapy.",
    "Whatever is found holds for patients like the {flow.included}; of the {flow.not_included} nothing is known here.")

# %% [markdown] tags=["if-any"]
# ## What the check noticed
#
# Before a book is built, the files are checked. What is impossible stops it; what follows is odd, may be right, and was
# taken as it is.

# %%
odd = disclosure.protect(study, participants.noticed(study))
noticed(odd)

# %% [markdown]
# ## Lines of salvage therapy

# %%
lines = participants.salvage_lines(study)
say(lines, "The median number of lines was {lines.per_patient} ({lines.per_patient:limits}), in the {lines.per_patient:n} "
    "patients who had salvage therapy. Survival after the first line is owed to the later ones as well.")

# %% [markdown]
# ## Time to salvage therapy

# %%
waiting = participants.time_to_salvage(study)
say(waiting, "Salvage therapy started a median of {salvage.time:full} after day 0 (n = {salvage.time:n}). Whoever died during the wait is "
    "not among these patients, so their survival from day 0 holds a stretch in which nobody could die; that from salvage therapy does not.")

# %% [markdown] strobe=["12d", "14c"]
# ## Follow-up
#
# ### From day 0

# %%
rows_table(fu1, "Follow-up from day 0 (OS1)", label="method", patients="n", follow_up="full")

# %%
say(fu1, "Of {os1.follow_up.naive:n} patients, {os1.follow_up.naive:events} died. Their observed times, and those of "
    "the living, have a median of {os1.follow_up.naive:full}; the reverse Kaplan–Meier median is "
    "{os1.follow_up.reverse_km:full}.")

# %% [markdown] tags=["if-any"]
# ### Late entry

# %%
entry = [participants.late_entry(study)] if endpoints.enters_late(study) else []
for late in entry:
    say(late, "Observation of {flow.entered_late:share} patients began after day 0, a median of {flow.entry:full} later. Whoever died before "
        "observation began could not be in this cohort: until that day nobody counts as at risk, in curves, tests, models and the "
        "reverse Kaplan–Meier median. Only the naive median counts from day 0 all the same.")

# %% [markdown]
# ### From the start of salvage therapy

# %%
fu2 = survival.follow_up(study, "OS2")
rows_table(fu2, "Follow-up from the start of salvage therapy (OS2)", label="method", patients="n", follow_up="full")

# %%
say(fu2, "From the start of salvage therapy, the naive median follow-up is {os2.follow_up.naive:full} and the reverse "
    "Kaplan–Meier median {os2.follow_up.reverse_km:full}.")

# %% [markdown]
# ### Why the two differ
#
# A patient who dies early leaves a short observed time, although the study would have gone on watching. The naive
# median is therefore pulled down by deaths: it mixes how long people were watched with how long they lived, and a
# cohort with a poor prognosis looks badly followed. The reverse Kaplan–Meier median asks how long people *would* have
# been followed had nobody died; it speaks of the study's conduct alone. When hardly anybody dies the two agree. Neither is
# wrong, but a report must say which it gives.

# %% [markdown] tags=["car-t"]
# The paper does not name its method. Its medians of follow-up, beside its survival and its number of deaths, fit
# the naive calculation and not the reverse one.

# %% [markdown]
# ## Endpoints

# %% [markdown] strobe=["7", "8", "12d"]
# ### Definitions
#
# The table is written by the code that derives the endpoints, from the same declarations: what it says is what is done.

# %%
table(endpoints.definitions(study), "Endpoints that this cohort can give. Time ends at the first of the events; without "
      "an event it is censored. “Read from” names the columns of the data.")

# %% [markdown] strobe=["15"]
# ### What ended each endpoint
#
# For a composite endpoint, the first event is the one that counts. How often each came first says what the endpoint
# really measures.

# %%
ends = survival.ends(study)
cross_table(ends, "What ended the time to each endpoint, in numbers of those whom it follows. "
            "A dash: not part of the definition, or not known here.", "Endpoint")

# %%
say(ends, "OS1 ended in death in {os1.ended_by.death} of {os1.ended_by.death:n} patients.",
    "EFS2 ended in progression or relapse in {efs2.ended_by.progression_or_relapse} of {efs2.ended_by.death:n} "
    "patients, and in death before any other event in {efs2.ended_by.death}.",
    "A new line of therapy was the first event in {efs2.ended_by.new_line_of_therapy}.",
    "An endpoint stands for what ended it most often: here compare {efs2.ended_by.progression_or_relapse} with "
    "{efs2.ended_by.death} before reading a difference in EFS2 as one in survival.")

# %%
rows = results.save([flow, odd, lines, waiting, fu1, *entry, fu2, ends], study.name, "01_cohort", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown] strobe=["19"]
# ## Cautions
#
# - Follow-up is a property of a study and not of its patients: never compare naive medians between cohorts whose
#   mortality differs.

# %% [markdown] tags=["speaks-of:failure_day"]
# - A composite endpoint is as good as its softest part. When two events share the first day, the one listed first is counted.

# %% [markdown] tags=["speaks-of:salvage_start_day"]
# - A new line of therapy may be started because of progression, of intolerance, or because it had been planned.

# %% [markdown] tags=["car-t"]
# - Everyone here lived long enough to fail *and* to start salvage therapy. Survival counted from the infusion (OS1)
#   includes that guaranteed stretch, so it is longer than the survival of all patients whose CAR T-cell therapy failed.
# - The regimen groups were chosen by clinicians, not drawn by lot.

# %% [markdown]
# ## What to take away
#
# - Before any result: who could be in this study, and who could not? The answer limits what every later number speaks of.
# - Follow-up has two medians. The reverse Kaplan–Meier median tells how long people would have been watched; the naive one also
#   tells how long they lived.
# - An endpoint is its definition: what starts the clock, which events stop it, and what censors.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "01_cohort.yml")

# %% [markdown]
# ### Exercise 1
#
# A third habit is to report the median observed time of the patients who are still alive. Compute it from day 0. Does
# it lie closer to the naive or to the reverse Kaplan–Meier median, and why?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
alive = study.patients[study.patients["vital_status"] == "alive"]
living = summaries.spread("follow_up.alive", alive["last_follow_up_day"], days=True)
both = disclosure.protect(study, results.collect([fu1, living])) if len(alive) else disclosure.skipped(study, "follow_up.alive", "too few are alive")
say(both, "The {follow_up.alive:n} patients who are alive were followed for a median of {follow_up.alive:full}. The "
    "naive median is {os1.follow_up.naive}, the reverse Kaplan–Meier median {os1.follow_up.reverse_km}. Among the living "
    "no time is cut short by death, as in the reverse method. But the dead, whom it leaves out, were watched as well, "
    "and being alive is easier for those who entered recently: the reverse method uses everyone.")

# %% [markdown]
# ### Exercise 2
#
# In how many of the patients with an EFS2 event was that event something other than death? What would happen to the
# curve if clinicians began new lines of therapy earlier?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
died = ends[ends["result_id"] == "efs2.ended_by.death"]
other = died.assign(value=died["events"] - died["value"]).dropna(subset=["value"])
say(other if len(other) else disclosure.skipped(study, "efs2.other", endpoints.lacking(study, "EFS2") or "the numbers are too small"),
    "Of {efs2.ended_by.death:events} patients with an event, {efs2.ended_by.death} had one that was not death. "
    "Earlier new lines would pull the curve down without any change in the disease: the endpoint also measures what "
    "clinicians do.")
