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
# # Prediction done right
#
# You will learn what a prediction model must show beyond a hazard ratio: that its chances are right, that they come nearer to what
# happened than one number for everybody, and that acting on them would do good; and why two factors are rarely enough.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import predicting, survival
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures, figures_further
from analysis_lib.show.notes import about, left_out
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say

handed.check(globals())
study = read_cohort(cohort)
month = survival.rate_months(study)[0]
about(study)

# %%
model = predicting.predict(study, "OS2")
groups = model["result_id"].str.fullmatch(r"predicted\.os2\.risk\.\d+").sum()  # fewer where all are alike in a factor
opening("Who will be alive, and can stage and LDH tell?", model,
        f"Patients with {{predicted.os2.risk.1:population}} were told a chance of death by {month} months of {{predicted.os2.risk.1}}, those "
        f"with {{predicted.os2.risk.{groups}:population}} of {{predicted.os2.risk.{groups}}}.", "In other patients like these the gain of the "
        "model over one number for everybody would be {predicted.os2.corrected_gain} (below 0: a loss).")
figures_further.calibration(model, "predicted.os2", f"Predicted and observed deaths by {month} months, by group of patients with one "
                            "prediction, with 95% intervals of what was observed.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# The paper finds advanced stage and elevated LDH independently associated with survival after salvage therapy
# {cite:p}`ababneh2023`. Readers will use that at the bedside: *who will be alive in a year?* An association does not answer this.
# The paper does not claim a prediction model, and this chapter shows what it would have had to show.

# %% [markdown]
# ## How it is estimated
#
# The model is the paper's: Cox's, with stage and LDH, for overall survival from the start of salvage therapy. What is asked of it
# follows TRIPOD {cite:p}`collins2015`. All of it is judged at a fixed month, with patients censored before that month weighted for
# {cite:p}`graf1999`; what the model owes to having been made from the same patients is measured by the bootstrap
# {cite:p}`harrell1996`.

# %%
figures.forest(results.pick(model, "hazard ratio"), "Death after salvage therapy: the factors of the model, in one model.")

# %% [markdown]
# ## Are the chances right?
#
# *Question.* Of patients told the same chance, do as many die? *Method.* With two yes/no factors the model can say four different
# things at most; each is held against one minus the Kaplan–Meier estimate of those who were told it. *Reference.* TRIPOD
# {cite:p}`collins2015`. Points on the dotted line are right.

# %%
left_out(model)
say(model, "Patients with {predicted.os2.risk.1:population} were told a chance of {predicted.os2.risk.1}, and {predicted.os2.observed.1:full} died; "
    f"those with {{predicted.os2.risk.{groups}:population}} were told {{predicted.os2.risk.{groups}}}, and {{predicted.os2.observed.{groups}:full}} died.")
consistent_page.say(study, "the prediction for patients with none of the factors goes from {predicted.os2.risk.1:lower} to {predicted.os2.risk.1:upper}, "
                    "for those with both from {predicted.os2.risk.4:lower} to {predicted.os2.risk.4:upper}.")

# %% [markdown]
# *What would change the reading.* A model is always about right on average in the patients it was made from. Points far off the
# line in these very patients would say that the model is wrong; points on it do not yet say that it is right elsewhere.

# %% [markdown]
# ## Does it come nearer than one number for everybody?
#
# *Question.* How near do the chances come to what happened? *Method.* The *Brier score*: the mean squared distance between chance
# and outcome; 0 is clairvoyance. Its size says nothing without that of the *null model*, which tells everyone the Kaplan–Meier
# estimate. *Reference.* Graf and colleagues {cite:p}`graf1999`.

# %%
figures_further.over_time(model, {"predicted.os2.brier": "The model", "predicted.os2.null": "The same chance for everyone"}, "Brier score",
                          "Months since salvage therapy", "Brier score over time; the lower, the nearer.")

# %%
say(model, f"At {month} months the score is {{predicted.os2.brier{month}}}, that of one number for everyone {{predicted.os2.null{month}}}.",
    "In other patients like these the model's would be about {predicted.os2.corrected}, a gain over no model of {predicted.os2.corrected_gain} (below 0: a loss). In "
    f"the patients it was made from, the gain was {{predicted.os2.gain{month}}}.")
consistent_page.say(study, "the gain over no model, less the optimism, goes from {predicted.os2.corrected_gain:lower} to "
                    "{predicted.os2.corrected_gain:upper}.")

# %% [markdown]
# *What would change the reading.* A gain near 0, or one that fades within a year or two, says that the factors tell who dies soon
# and little else. A negative one says that the model is worse than none.

# %% [markdown]
# ## Would acting on it do good?
#
# *Question.* Suppose that a more toxic therapy were offered to patients whose chance of death exceeds a threshold. *Method.* The *net
# benefit* counts those treated rightly, less those treated in vain times the odds of the threshold; it is held against treating
# everybody and nobody (which is 0). *Reference.* Vickers and Elkin {cite:p}`vickers2006`, and with censoring {cite:p}`vickers2008`.

# %%
figures_further.over_time(model[~model["result_id"].str.match(r"predicted\.os2\.net\.all\.(60|70|80)$")],
                          {r"predicted\.os2\.net\.model\.": "Act on the model", r"predicted\.os2\.net\.all\.": "Act on everybody"},
                          "Net benefit, % of patients", "Threshold: chance of death, %", f"Decision curve for death by {month} months; acting on "
                          "nobody is 0, acting on everybody is drawn up to a threshold of one half.")

# %%
say(model, "At a threshold of one half, the net benefit is {predicted.os2.net.model.50} with the model and {predicted.os2.net.all.50} if "
    "everybody is treated.", "At one fifth they are {predicted.os2.net.model.20} and {predicted.os2.net.all.20}.")

# %% [markdown]
# *What it means.* A net benefit higher by one percent is worth one more patient in a hundred treated rightly, and none more in vain.
#
# *What would change the reading.* Where the two lines coincide the model changes no decision. A model is of use only for those who
# would act at thresholds at which its line is the highest, and no such threshold was agreed on beforehand.

# %% [markdown] strobe=["10"]
# ## Are the coefficients too large, and the patients too few?
#
# *Question.* How much of the model is chance? *Method.* Coefficients are *shrunk*: multiplied by a factor below 1 that says how much they
# would be too large in other patients; the baseline is estimated again, so that the model stays right on average. *Reference.* Van Houwelingen and
# le Cessie {cite:p}`vanhouwelingen1990`. How many patients a model needs depends on what it explains and on how many terms it has, not
# on events per variable alone {cite:p}`riley2019,riley2020`.

# %%
say(model, "The shrinkage factor is {predicted.os2.heuristic}; the calibration slope in bootstrap samples is {predicted.os2.slope}.",
    "After shrinkage the hazard ratio of advanced stage is {predicted.os2.shrunken.advanced_stage}, in place of "
    "{predicted.os2.coefficient.advanced_stage:full}.", "That of elevated LDH becomes {predicted.os2.shrunken.ldh_elevated}, in place of "
    "{predicted.os2.coefficient.ldh_elevated:full}.", f"For patients with {{predicted.os2.risk.{groups}:population}} the chance then is "
    f"{{predicted.os2.shrunk.{groups}}}, in place of {{predicted.os2.risk.{groups}}}.", "A model with so many terms that explains as much needs about {predicted.os2.needed} patients for its coefficients to be "
    "trusted; here are {predicted.os2.heuristic:n}.")
consistent_page.say(study, "the shrinkage factor goes from {predicted.os2.heuristic:lower} to {predicted.os2.heuristic:upper}.")

# %% [markdown]
# *What would change the reading.* Even a number of patients that suffices does so for these terms only, which were chosen because they
# had come out in these very patients. The search through all other factors is not counted in any of these numbers.

# %% [markdown] tags=["car-t"]
# ## Why stage and LDH alone are no prediction model
#
# - They can say four things at most, of patients whose lives differ in far more: performance, age, how the CAR T-cell therapy failed and
#   when, which treatment comes next.
# - The chance holds for patients who reached salvage therapy, with the treatments of their years.
# - They were selected where they are judged. The bootstrap above repeats the fit, not the choice of the factors.
# - Nobody has tried them in another hospital. Until then a chance of death is a description of these patients and no forecast.

# %%
rows = results.save([model], study.name, "16_prediction", results_dir)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - Weights for censoring assume that patients lost early would have fared like those followed on.
# - The optimism is that of the fit alone; choosing factors by their P values adds more, which nothing here corrects.
# - With so few groups a calibration *curve* is a handful of points; a smooth line through them would only look better.

# %% [markdown]
# ## What to take away
#
# - A strong factor is not yet a prediction. Ask for the chances, and for what happened to those who were told them.
# - Compare a model with one number for everybody, in patients other than its own.
# - A model is of use only where somebody would act on what it says.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "16_prediction.yml")

# %% [markdown]
# ### Exercise 1
#
# Judge the same model for event-free survival. Is it a better or a worse predictor there, and why should one expect so?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
events = predicting.predict(study, "EFS2")
say(events, f"For event-free survival the score at {month} months is {{predicted.efs2.brier{month}}} against {{predicted.efs2.null{month}}} without a model. "
    "In other patients like these the gain would be {predicted.efs2.corrected_gain} (below 0: a loss). Where nearly everybody, or nearly nobody, has the event by then, one number for all is hard to beat.")

# %% [markdown]
# ### Exercise 2
#
# A colleague reports a hazard ratio near 3 and calls the factor "highly predictive". Which numbers of this chapter would you ask for
# first?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
say(model, f"Ask for the chances and what happened: {{predicted.os2.risk.1}} and {{predicted.os2.risk.{groups}}} in the lowest and the highest group; "
    "for the gain over no model in other patients, {predicted.os2.corrected_gain}; and for the threshold at which anybody would act.")
