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
#     patients: its own
# ---

# %% [markdown]
# # Where the truth is known
#
# You will learn to recognise four biases by watching them appear in patients whose truth is known because it was written
# down first, and to check a remedy in the only way that convinces: by letting it find that truth, again and again.

# %% tags=["parameters"]
cohort = "reconstructed"  # names the book in which this chapter stands; its patients are simulated
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results
patients = 1000  # simulated patients
cohorts = 20  # cohorts of 300 patients in the last section

# %%
from dataclasses import replace

from analysis_lib.analyses import local_failure, simulation, weighting
from analysis_lib.binding import handed
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import diagrams, exercises, figures, figures_beyond
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import rows_table

handed.check(globals())
study, share = simulation.read(patients)
truth = simulation.truths(share)
answers = simulation.answers(study, share)

# %%
size = 300  # patients of each cohort
repeated = simulation.repeat(cohorts, size, simulation.SEED)
coverage = simulation.coverage(repeated)
opening("Where the truth is known, do the naive answer and its remedy find it?", coverage,
        "Of {coverage.confounding.naive:n} simulated studies, the naive interval held the truth about confounding in "
        "{coverage.confounding.naive}, and the remedy in {coverage.confounding.remedy};",
        "for immortal time it was {coverage.immortal.naive} and {coverage.immortal.remedy}.")
figures_beyond.replicates(repeated, f"Estimates and 95% intervals in {cohorts} simulated cohorts of {size} patients; in each panel the naive "
                          "answer above and its remedy below. The dotted line is the truth.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# Nothing here: these patients are synthetic, and neither the study's nor the reconstructed cohort's. They come out of a random
# number generator, with treatments, scans and deaths like those that the paper speaks of, and with rules that we chose. That is
# their use. With real patients nobody can say whether an adjusted hazard ratio is right; here we can.

# %% [markdown]
# ## How it is made
#
# Each patient has a stage, an LDH and perhaps bulky disease, each of which raises the hazard of death by a fixed factor.
# *Nothing else does*: neither radiotherapy nor a second modality changes survival.
#
# - Radiotherapy alone is chosen more often in stage I with normal LDH, otherwise systemic therapy alone.
# - A second modality comes at a random time, to whoever is still alive and followed.
# - Each irradiated site fails at a constant rate, which has nothing to do with death; most patients die first.
# - Bulk is seldom measured in patients who die or leave soon.
#
# In all figures the line is the truth. The analyses are those of the chapter *Beyond the paper*.

# %%
diagrams.causal({"Stage, LDH": (0.5, 1), "Radiotherapy": (0, 0.3), "Death": (1, 0.3), "Known bulk": (1, 1)},
                [("Stage, LDH", "Radiotherapy"), ("Stage, LDH", "Death"), ("Death", "Known bulk")],
                "What acts on what in the simulation. There is no arrow from radiotherapy to death: whatever an analysis finds there is bias.")

# %%
made = public(results.collect([results.row("simulated.patients", "count", len(study.patients)),
                        results.row("simulated.rt", "count", int((study.patients["salvage_regimen"] == "RT").sum())),
                        results.row("simulated.dead", "count", int((study.patients["vital_status"] == "dead").sum())),
                        results.row("simulated.bulk", "count", int(study.patients["bulky_disease"].isna().sum()))]))
say(made, "Simulated patients: {simulated.patients}; {simulated.rt} began with radiotherapy alone; {simulated.dead} died; bulk is "
    "not known in {simulated.bulk}.")

# %% [markdown]
# ## Confounding by indication
#
# Patients with radiotherapy live longer, because they are the ones in early stage.

# %%
weighted = weighting.prepare(study)
figures_beyond.love(weighting.balance(study, weighted), "Size of the standardised difference between the groups, before and after "
                    "weighting; the dotted line is 0.1. * not in the propensity model.")

# %%
figures.forest(answers[answers["result_id"].str.startswith("known.confounding")], "Death after systemic therapy against radiotherapy "
               "alone. The truth is 1.", reference=truth["confounding"])
say(answers, "The crude hazard ratio is {known.confounding.naive:full}, although the treatments do nothing. With overlap weights it is "
    "{known.confounding.remedy:full}.")

# %% [markdown]
# ## Immortal time
#
# Whoever had a second modality lived long enough to have it.

# %%
figures.forest(answers[answers["result_id"].str.startswith("known.immortal")], "Death after systemic therapy first: radiotherapy later "
               "against none. The truth is 1.", reference=truth["immortal"])
say(answers, "Grouped by what came later, a treatment that does nothing has a hazard ratio of {known.immortal.naive:full}. Counted only "
    "from the day on which it started, it has one of {known.immortal.remedy:full}.")

# %% [markdown]
# ## Competing death
#
# One minus the Kaplan–Meier estimate is the failure in a world where nobody dies before. It is not the share of sites that
# fail.

# %%
sites = local_failure.sites(study)
competing = answers[answers["result_id"].str.startswith("known.competing")]
figures_beyond.competing(local_failure.curves(sites), competing, "Local failure of the simulated sites: one "
                         "minus Kaplan–Meier, and Aalen–Johansen with death as competing event.")

# %%
true = public(results.collect([results.row("truth", "rate", truth["competing"])]))
figures.forest(competing, "Sites that fail within a year. The line is the true "
               "share, from the rates that were put in.", reference=truth["competing"], axis="Sites, %")
say(results.collect([answers, true]), "In truth {truth} of the sites fail within a year. One minus Kaplan–Meier says "
    "{known.competing.naive:full}, Aalen–Johansen {known.competing.remedy:full}.")

# %% [markdown]
# ## Missing values
#
# What is not in the file is easily read as "no". Complete cases are better, but they are not all patients: those who died
# soon are missing from them.

# %%
bulk = results.collect([answers[answers["result_id"].str.startswith("known.missing")], simulation.complete_cases(study)])
figures.forest(bulk, "Death, bulky disease against none, adjusted for stage and LDH. The line is the true hazard ratio.",
               reference=truth["missing"])
ratio = public(results.collect([results.row("truth", "hazard ratio", truth["missing"])]))
say(results.collect([bulk, ratio]), "The true hazard ratio is {truth}. With unknown read as no it comes to {known.missing.naive:full}; in "
    "complete cases to {known.missing.complete:full}; with multiple imputation to {known.missing.remedy:full}.")

# %% [markdown]
# ## Once is no proof
#
# One cohort can be lucky. So the whole experiment is run again with other random numbers, in smaller cohorts, near the size
# of a clinical study. A sound 95% interval holds the truth in about 19 cohorts of 20.

# %%
rows_table(coverage.assign(group=coverage["population"] + ": " + coverage["group"]), "In how many of the simulated cohorts the 95% interval "
           "holds the truth.", cohorts="n", hold_the_truth="")

# %%
rows = results.save([made, answers, simulation.complete_cases(study), coverage], cohort, "13_known_truth", results_dir)

# %% [markdown]
# ## Cautions
#
# - The remedies work because their assumptions hold here: everything that decided on treatment was measured, the second
#   modality comes at random, censoring is independent, and what is missing depends only on what is known.
# - In a small cohort a wide interval may hold the truth although the estimate is biased. Look at where the estimates lie, not
#   only at whether the intervals reach the line.
# - A simulation proves that a method *can* fail or work. It does not prove that it did so in a study.

# %% [markdown]
# ## What to take away
#
# - A bias does not shrink with more patients: the wrong answer only becomes more certain.
# - A remedy works where its assumptions hold. Here they do, because we wrote them down.
# - Before trusting a method on real patients, let it find a truth that you put in.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "13_known_truth.yml")

# %% [markdown]
# ### Exercise 1
#
# Double the size of the cohorts. What happens to the coverage of the naive answers, and why is more data no remedy for bias?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
larger = simulation.coverage(simulation.repeat(4, 600, 100))
say(larger, *[f"{words[0]}: {{coverage.{bias}.naive}} of {{coverage.{bias}.naive:n}} naive intervals hold the truth."
              for bias, words in simulation.BIASES.items()], "With more patients the intervals shrink around the wrong value: a biased answer becomes "
    "more certain, not more true.")

# %% [markdown]
# ### Exercise 2
#
# Weight by a propensity score that does not know the LDH. How much of the confounding is left?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
blind = study.patients.drop(columns="ldh_elevated")
half = public(simulation.confounding(replace(study, patients=blind))[1].assign(result_id="blind"))
say(results.collect([answers, half]), "Crude: {known.confounding.naive:full}. Weighted by stage alone: {blind:full}. Weighted by stage and LDH: "
    "{known.confounding.remedy:full}. Weights remove the part of the bias that was measured; the rest stays, and nothing in the data shows it.")
