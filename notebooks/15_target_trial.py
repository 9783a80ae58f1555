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

# %% [markdown] strobe=["17"]
# # A target trial, and what readers may believe
#
# You will learn to write down the trial that would answer a question before looking at data, to see which parts of it the
# data stand for, to compare treatment strategies that leave time to act, and to say how much a result should move a sceptic.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results
grace = 6  # months in which a second modality counts as added

# %%
from analysis_lib.analyses import beliefs, emulation, survival, weighting
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures, figures_further
from analysis_lib.show.notes import about, left_out
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import compared_table

handed.check(globals())
study = read_cohort(cohort)
month = survival.rate_months(study)[0]
about(study)

# %%
trial, prepared = emulation.eligible(study), emulation.prepare(study, grace)
emulated = emulation.compare(prepared, month)
opening("Would a patient like these live longer if a second modality were added?", results.collect([trial, emulated]),
        f"At {month} months {{emulated.rate{month}.adding:full}} would be alive if all added the other modality in time.",
        f"If nobody did, {{emulated.rate{month}.refraining:full}} would be. Nobody has done the trial that would tell.")
figures_further.strategies(emulation.strategies(prepared), emulated, "OS2 under two strategies, by clones, censoring and weights.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# The paper describes who lived how long after which salvage therapy, once CAR T-cell therapy had failed
# {cite:p}`ababneh2023`. Its readers ask something else: *would this patient live longer with radiotherapy than with systemic
# therapy?* That is a question about a trial that nobody has done.

# %% [markdown]
# ## How it is estimated
#
# The trial is written down first, and each of its parts is held against the data {cite:p}`hernan2016`. Strategies that leave
# time to act are compared by clones, censoring and weights {cite:p}`hernan2018,maringe2020`. What happens after the start and
# changes the meaning of the outcome is named as an intercurrent event {cite:p}`iche9r1`. Beliefs are normal distributions of
# the logarithm of the hazard ratio {cite:p}`spiegelhalter1994`.

# %% [markdown]
# ## Which trial would answer the question?
#
# *Question.* What is the effect of starting with radiotherapy alone instead of systemic therapy alone? *Method.* The target
# trial, part by part. *Reference.* Hernán and Robins {cite:p}`hernan2016`.
#
# | Part | The target trial | What these data emulate |
# | --- | --- | --- |
# | Eligibility | Disease that came back or went on after the index therapy, fit for either treatment, sites that can be irradiated | Patients who *received* salvage therapy; nobody knows who was fit for both |
# | Time zero | The day of randomisation, before any treatment | The first day of salvage therapy: whoever died or declined while waiting is not here |
# | Strategies | Radiotherapy alone, or systemic therapy alone; whatever is needed later | The regimen as recorded; fields, doses and drugs as they were |
# | Assignment | At random, not blinded | By the physician, who knew stage, LDH, performance, and what is not recorded |
# | Outcome | Death from any cause; follow-up alike in both arms | Death from any cause; some patients are lost early |
# | Contrast | Difference of survival at a month fixed beforehand, all as randomised | The same difference, if the groups can be made alike in all that matters |
#
# The *estimand* is the difference of overall survival at that month between all eligible patients starting the one and all
# starting the other, whatever comes later.

# %%
say(trial, "Of {trial.eligible} patients who started salvage therapy, {trial.assigned.rt:share} began with radiotherapy alone and "
    "{trial.assigned.st:share} with systemic therapy alone.", "The others, {trial.assigned.cmt:share}, were planned to have both: the "
    "trial would not take them, and a physician may have chosen both for the patients in whom one seemed too little.")

# %% [markdown]
# *What would change the reading.* A record of who was discussed for radiotherapy and did not receive it would turn the first
# two rows of the table round: eligibility would no longer be read off the treatment, and time zero would be the same day for all.

# %% [markdown] strobe=["12e"]
# ## What comes in between?
#
# *Question.* What happens after the start that changes what the outcome means? *Method.* Each intercurrent event is named, with
# the strategy that the estimand takes towards it, and counted. *Reference.* ICH E9(R1) {cite:p}`iche9r1`.
#
# - *The other modality, a transplant, a further infusion*: part of what starting with the one entails (*treatment policy*). What
#   survival would be without them (*hypothetical*) is another question, and needs a model of who receives them.
# - *Progression*: counted as neither success nor failure; the outcome is death.
# - *Lost to follow-up*: no intercurrent event, but the reason why some outcomes are not known.

# %%
between = emulation.intercurrent(study, month)
compared_table(between, "What happened after the start of salvage therapy, by the first regimen.", "Event")
left_out(between)

# %%
say(between, "The other modality came later in {intercurrent.second.rt:share} after radiotherapy alone and in "
    "{intercurrent.second.st:share} after systemic therapy alone.", "Alive but followed for too short a time: "
    "{intercurrent.lost.rt:share} and {intercurrent.lost.st:share}.")

# %% [markdown]
# *What would change the reading.* If the shares differ much between the regimens, survival compares two packages and not two
# treatments: a better result of the one may be owed to what followed it.

# %% [markdown] strobe=["12a"]
# ## Does a second modality help, if everyone has time to receive it?
#
# *Question.* Among patients who began with one modality: is it better to add the other within a fixed time, or not to? On the
# first day nobody can be told apart who will do which. *Method.* Everyone is entered twice, once for each strategy. A clone is
# censored on the day on which the patient's course contradicts its strategy: when the other modality begins, or when the time to
# act ends without it. Clones that go on are weighted up for those censored who had as many of the two factors advanced stage and
# elevated LDH (one number, since so few go on to the other modality that a model can carry one term). Deaths within the time to
# act count in both strategies, so nobody is immortal. *Reference.* Hernán {cite:p}`hernan2018`; Maringe and colleagues
# {cite:p}`maringe2020`.

# %%
say(emulated, "{emulated.began:share} added the other modality within the time to act.", "Of the deaths, {emulated.early:share} came within it, "
    "before anything was added, and count for both strategies.", f"At {month} months, {{emulated.rate{month}.adding:full}} would be alive if all "
    f"added it and {{emulated.rate{month}.refraining:full}} if nobody did.", f"The difference in months lived by then is {{emulated.rmst{month}:full}}; "
    f"grouped by what came later it would seem to be {{emulated.rmst{month}.naive:full}}.")
consistent_page.say(study, "the difference in months lived goes from {emulated.rmst12:lower} to {emulated.rmst12:upper}, grouped by what "
                    "came later from {emulated.rmst12.naive:lower} to {emulated.rmst12.naive:upper}.")

# %% [markdown]
# *What would change the reading.* The second modality is given because the disease has come back. A difference to its
# disadvantage says that patients who need it do badly; only a record of progression and fitness on the day of the decision, in the
# model of who receives it, could say more. An interval that reaches from gain to loss leaves the question
# open, and then nobody should be told to add the second modality, or not to, because of it.

# %% [markdown]
# ## What may a sceptic and an enthusiast believe now?
#
# *Question.* How much should the result move somebody who doubted, and somebody who hoped? *Method.* Belief and data are normal on
# the logarithm of the hazard ratio and are weighed by their precision. *Reference.* Spiegelhalter, Freedman and Parmar
# {cite:p}`spiegelhalter1994`.
#
# *Where the beliefs come from.* Nobody has randomised these patients. Trials of adding radiotherapy to chemotherapy in aggressive
# lymphoma are the nearest there is: one saw longer survival with it {cite:p}`miller1998`, one did not {cite:p}`bonnet2007`, and one
# with few deaths left it open {cite:p}`lamy2018`. The sceptic is centred on no effect and gives one chance in twenty to more than
# the first of these saw; the enthusiast is centred on that benefit and gives one chance in twenty to harm. How
# sceptical one must be to stay unmoved is told as the size of the imaginary trial without effect that this belief is worth
# {cite:p}`matthews2001`.

# %%
compared = weighting.compare(weighting.prepare(study))
after = beliefs.after(compared)
known, before = beliefs.trials(after), beliefs.before(after)
say(known, *[f"{{{one}:group}}: {{{one}:note}}, which amounts to a hazard ratio of {{{one}}}." for one in known["result_id"]])
say(before, "The sceptic's belief is {prior.sceptical:limits} around {prior.sceptical}, the enthusiast's {prior.enthusiastic:limits} around "
    "{prior.enthusiastic}; each is worth a trial with {prior.sceptical.deaths} deaths.")

# %%
figures_further.believed(before, after, "crude", "Beliefs about radiotherapy against systemic therapy before and after the data as they are.")
left_out(after)

# %%
figures_further.believed(before, after, "overlap", "The same after overlap weights, which make the groups alike in what was measured.")

# %%
figures.forest(results.pick(after, "hazard ratio"), "Death after radiotherapy against systemic therapy: the data, and what readers believe of it "
               "afterwards (as they are, adjusted, overlap weights).")

# %%
say(after, "As the groups are, the chance that radiotherapy lowers the hazard of death by more than a tenth is {belief.crude.none.worth} for somebody "
    "without any belief beforehand, {belief.crude.sceptical.worth} for the sceptic and {belief.crude.enthusiastic.worth} for the enthusiast.",
    "After overlap weights it is {belief.overlap.none.worth}, {belief.overlap.sceptical.worth} and {belief.overlap.enthusiastic.worth}.",
    "To stay unmoved, a sceptic needs a belief worth {belief.crude.unmoved.deaths} deaths as the groups are, and {belief.overlap.unmoved.deaths} after "
    "overlap weights; 0 says that the interval of the data holds 1 already, so that no scepticism is needed.")
consistent_page.say(study, "the sceptic's chance of a benefit beyond a tenth goes from {belief.crude.sceptical.worth:lower} to "
                    "{belief.crude.sceptical.worth:upper} as the groups are, and from {belief.overlap.sceptical.worth:lower} to "
                    "{belief.overlap.sceptical.worth:upper} after overlap weights.")

# %% [markdown]
# *What would change the reading.* If sceptic and enthusiast end on the same side, the data have spoken; if each keeps to the
# opinion held before, they have not. Where crude and weighted data move the readers in opposite directions, the argument is about confounding,
# and no belief about radiotherapy settles it.

# %%
rows = results.save([trial, between, emulated, known, before, after], study.name, "15_target_trial", results_dir)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - The emulation is no better than its weights: two factors of the first day cannot tell why somebody received a second modality.
# - Beliefs were built on trials of other patients, in first-line therapy, where radiotherapy was added and not given instead.
# - A chance is not a verdict. Who acts on it must also weigh what each treatment costs the patient.

# %% [markdown]
# ## What to take away
#
# - Write down the trial before looking at data. What the data cannot emulate is then plain.
# - Give everyone time to act: deaths within it count for both strategies, so nobody is immortal.
# - A result should move a sceptic as far as its interval is narrow, and no further.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "15_target_trial.yml")

# %% [markdown]
# ### Exercise 1
#
# Give everyone nine months to add the other modality. Why do the two strategies now share more deaths, and what becomes of the
# difference between them?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
longer = emulation.compare(emulation.prepare(study, 9), month)
say(longer, "With nine months to act, {emulated.began:share} added it, and {emulated.early:share} of the deaths belong to both strategies.",
    f"The difference in months lived is {{emulated.rmst{month}:full}}. A short time to act leaves few who used it; a long one makes the "
    "strategies alike, because more and more deaths belong to both.")

# %% [markdown]
# ### Exercise 2
#
# A third reader believes in no effect as firmly as a trial with four hundred deaths would make one. Would these data move that
# reader? Remember that a variance of the log hazard ratio is about four divided by the number of deaths.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(results.collect([after, before]), "The data as they are give {belief.crude.data:full} from {belief.crude.data:events} deaths. Four hundred against "
    "those weigh many times as much, so such a reader would stay near 1; the sceptic above, whose belief is worth {prior.sceptical.deaths} deaths, "
    "moves to {belief.crude.sceptical:full}.")
