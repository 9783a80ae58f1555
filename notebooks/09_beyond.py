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

# %% [markdown] strobe=["12e", "17"]
# # Beyond the paper
#
# You will learn the questions that a sceptical statistician puts to any retrospective comparison of treatments, the
# standard answer to each, and what each answer would have to be to change what you believe.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results
alpha_beta = 10  # Gy, for the biologically effective dose
landmark = 3  # months after the start of salvage therapy

# %%
from analysis_lib.analyses import cox_models, design, field_dose, immortal, local_failure, mean_survival
from analysis_lib.analyses import missing, multiplicity, prognosis, survival, validation, weighting
from analysis_lib.binding import handed
from analysis_lib.cohort import first_course
from analysis_lib.estimators import weights
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import consistent_page, diagrams, exercises, figures, figures_beyond, tables_beyond
from analysis_lib.show.notes import about, left_out
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import compared_table, table
handed.check(globals())
study = first_course.with_first_course(read_cohort(cohort), alpha_beta)
about(study)

# %%
responders = immortal.response(study)
after_st = immortal.compare(study, immortal.second_modality(study, "ST"), "st", landmark, immortal.ADJUST)
weighted = weighting.prepare(study)
compared = weighting.compare(weighted)
validated = validation.models_of(study, prognosis.adjusted(study))
therapy = "CAR T-cell therapy" if study.after_car_t else "the index therapy"
opening("Could the answers of such a study come from something else?", results.collect([responders, after_st, compared, validated]),
        f"A response to {therapy} has a hazard ratio of death of {{immortal.response.naive}} counted from day 0, and of "
        "{immortal.response.delayed} once the clock starts fairly.",
        "Radiotherapy after systemic therapy: {immortal.st.naive}, and {immortal.st.timed} if it counts only from the day it started.",
        "Systemic therapy alone against radiotherapy alone: {weighted.os2.crude} as the patients are, and {weighted.os2.overlap} "
        "between patients who are alike.",
        otherwise=["The concordance of the model of OS1 is {validated.os1.apparent} in the patients it was made from and, by bootstrap, "
                   "{validated.os1.corrected} in others."])
figures.forest(results.pick(responders, "hazard ratio"), f"Death, patients with against those without a response to {therapy}, "
               "by when the clock starts.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# The paper asks who lived longer, and how many sites stayed under control {cite:p}`ababneh2023`. This chapter asks what
# the paper does not: *could the answers come from something else?* Nothing here is printed in the paper.

# %% [markdown] tags=["car-t", "of-the-paper"]
# So the results depend on how the patients were made up where the paper is silent. Read the range over all consistent
# cohorts beside each: what hardly varies between them is fixed by what the paper prints; what varies widely is left open
# by it.

# %% [markdown]
# ## How it is estimated
#
# Each section names its method and its reference. Hazard ratios come from Cox models with Efron's handling of ties;
# weighted and clustered ones have robust intervals; where one of two groups has no event, Firth's penalty keeps the
# estimate finite {cite:p}`heinze2001`. Everything drawn by chance (bootstrap samples, imputations) has a fixed seed, which
# stands with the result.

# %% [markdown] strobe=["9"]
# ## Is a second modality better, or only later?
#
# A patient is called "systemic therapy, then radiotherapy" because of something that happened *after* the clock started,
# and had to live until then {cite:p}`suissa2008`. Two remedies: start the clock at a *landmark* and group patients by what
# had happened up to it {cite:p}`anderson1983`; an event exactly at the landmark belongs to the time before. Or count each
# patient as irradiated only from the day on which radiotherapy started: a Cox model with a *time-dependent covariate*, and the
# test of Mantel and Byar {cite:p}`mantel1974`.

# %%
figures.forest(results.pick(after_st, "hazard ratio"), "Death after systemic therapy first: radiotherapy later against none, "
               "by how the time until radiotherapy is counted.")
left_out(after_st)

# %%
say(after_st, "Of the patients who began with systemic therapy, {immortal.st.entered:share} went on to radiotherapy, "
    "{immortal.st.wait:full} after the start.", "By the landmark {immortal.st.early:events} of {immortal.st.early:n} deaths "
    "had happened.", "Of those followed beyond it, {immortal.st.landmark:note}.", "Grouped by what came later, the hazard ratio "
    "is {immortal.st.naive:full}; counting radiotherapy only from the day it started, it is {immortal.st.timed:full} (Mantel–Byar {immortal.st.mantel_byar}).",
    "{immortal.st.adjusted:group}, it is {immortal.st.adjusted:full}.")
consistent_page.say(study, "grouped by what came later the hazard ratio lies between {immortal.st.naive:lower} and "
               "{immortal.st.naive:upper}, counted from the day it started between {immortal.st.timed:lower} and {immortal.st.timed:upper}.")

# %% [markdown]
# ### Radiotherapy first

# %%
after_rt = immortal.compare(study, immortal.second_modality(study, "RT"), "rt", landmark, immortal.ADJUST)
figures.forest(results.pick(after_rt, "hazard ratio"), "Death after radiotherapy first: systemic therapy later against none, "
               "by how the time until systemic therapy is counted.")
left_out(after_rt)

# %%
say(after_rt, "Of the patients who began with radiotherapy alone, {immortal.rt.entered:share} went on to systemic therapy, "
    "{immortal.rt.wait:full} after the start.", "Grouped by what came later, the hazard ratio is "
    "{immortal.rt.naive:full}; counting systemic therapy only from the day it started, it is {immortal.rt.timed:full}.")
consistent_page.say(study, "grouped by what came later the hazard ratio lies between {immortal.rt.naive:lower} and "
               "{immortal.rt.naive:upper}, counted from the day it started between {immortal.rt.timed:lower} and {immortal.rt.timed:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* The paper compares the five groups by one log-rank test. If the hazard ratio moves
# upwards once waiting is no longer counted as success, the good median of those who changed was made of the time they had
# to live through. It does not follow that the second modality harms: it is given *because* the disease has come back, so
# it also marks the patients who are relapsing.

# %% [markdown]
# ### A response that had to be lived to see
#
# Responders reach salvage therapy later than others, and nobody in a cohort of *salvaged* patients can have died before
# it. Counting survival from day 0 credits each patient with that wait. *Delayed entry* puts patients at risk only from the
# day on which they could have died in this cohort.

# %%
say(responders, "Salvage therapy began {immortal.wait.yes:full} after day 0 in patients with a response and {immortal.wait.no:full} in "
    "the others.", "Counted from day 0 the hazard ratio of a response is {immortal.response.naive:full}; with each patient at risk "
    "only from salvage therapy on, it is {immortal.response.delayed:full}.")
consistent_page.say(study, "from day 0 the hazard ratio lies between {immortal.response.naive:lower} and {immortal.response.naive:upper}, with "
               "delayed entry between {immortal.response.delayed:lower} and {immortal.response.delayed:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* Response to CAR T-cell therapy is the one factor that the paper finds independently
# associated with OS1. If its hazard ratio comes near 1 with delayed entry, the advantage is the longer road to salvage
# therapy, which every patient here had to travel alive, and not a longer life after it.

# %% [markdown]
# ## Do sites fail, or do patients die first?
#
# Kaplan and Meier's estimate treats a patient who died as one whose site could still fail. One minus it is the failure in
# a world without death. Aalen and Johansen's estimate {cite:p}`aalen1978` is the share of sites that fail in this one. Sites of
# one patient are not independent; a jackknife that leaves out one *patient* at a time allows for that.

# %%
sites = local_failure.sites(study)
local = local_failure.incidences(study, sites)
figures_beyond.competing(local_failure.curves(sites), local, "Local failure of irradiated sites: one minus the Kaplan–Meier estimate, "
                         "and the Aalen–Johansen estimate with death without local failure as competing event.")

# %%
month = survival.rate_months(study)[0]
say(local, f"At {month} months, one minus Kaplan–Meier says that {{failure.rate{month}.km:full}} of the sites failed; the share that "
    f"did fail is {{failure.rate{month}.aj:full}}, and {{failure.rate{month}.death:full}} belonged to patients who died before.",
    f"With patients left out one at a time ({{failure.rate{month}.clustered:note}}), the limits of the share become "
    f"{{failure.rate{month}.clustered:limits}}.")
consistent_page.say(study, "the share that failed within a year lies between {failure.rate12.aj:lower} and {failure.rate12.aj:upper}, that overtaken by "
               "death between {failure.rate12.death:lower} and {failure.rate12.death:upper}.")

# %% [markdown]
# ### Bulk and field, with death competing
#
# The *cause-specific* hazard ratio asks who fails among those still at risk; Fine and Gray's {cite:p}`fine1999` asks whose
# sites fail in the end. They differ where death is more frequent in one of the groups.

# %%
causes = local_failure.compare(study, sites)
figures.forest(results.pick(causes, "hazard ratio"), "Local failure and death by bulk and by field: by cause, with sites as "
               "if independent and clustered by patient, and by the share of sites that fail in the end.")
left_out(causes)

# %%
say(causes, "Bulky against other sites: cause-specific {failure.bulky_site.clustered:full}, subdistribution "
    "{failure.bulky_site.fine_gray:full}, Gray's test {failure.bulky_site.gray}; for death without failure it is "
    "{failure.bulky_site.death:full}.", "Focal against comprehensive fields: cause-specific {failure.rt_field.clustered:full}, "
    "subdistribution {failure.rt_field.fine_gray:full}, for death {failure.rt_field.death:full}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* The printed control rate is one minus a failure that ignores death. If the two estimates
# are a few points apart, the message stands: most irradiated sites are not the patient's problem. But a low share of
# failures among sites of patients who die first is no proof of durable control, and bulk can look harmless for the same reason.

# %% [markdown] strobe=["9", "12a"]
# ## Would the same patients live longer after the other treatment?
#
# Who receives radiotherapy alone? The *propensity score* {cite:p}`rosenbaum1983` is the estimated probability of it, given
# stage, LDH, performance, number of sites, extranodal and CNS disease when salvage began. *Inverse-probability weights*
# {cite:p}`robins2000` make both groups look like all patients; *overlap weights* {cite:p}`li2018` make them look like those
# who could have had either treatment.

# %%
sizes = weighting.sizes(weighted)
diagrams.causal({"Stage, LDH,\nperformance": (0.5, 1), "First\nregimen": (0, 0), "Death": (1, 0), "Frailty,\nwishes": (0.5, 0.45)},
                [("Stage, LDH,\nperformance", "First\nregimen"), ("Stage, LDH,\nperformance", "Death"), ("Frailty,\nwishes", "First\nregimen"),
                 ("Frailty,\nwishes", "Death")], "What is thought to act on what. Weights close the way over what was measured; over what was not "
                "(dotted) it stays open.", asked=("First\nregimen", "Death"), unmeasured=["Frailty,\nwishes"], beside=sizes)

# %%
figures_beyond.scores(weighted, sizes, "Estimated probability of radiotherapy alone, among patients who received it (upwards) and "
                      "among those who received systemic therapy alone (downwards).")

# %%
say(sizes, "Of the patients with systemic therapy, {weighted.outside:share} have a score beyond all of those with radiotherapy, and so no "
    "comparison.", "Weighting costs precision: {weighted.size.iptw.rt:n} patients with radiotherapy count as "
    "{weighted.size.iptw.rt} with inverse-probability weights and as {weighted.size.overlap.rt} with overlap weights.")

# %% [markdown]
# ### Are the groups alike then?
#
# A standardised difference above 0.1 is usually called an imbalance {cite:p}`austin2011`. Factors with an asterisk are not in
# the model: they show what weighting cannot promise.

# %%
balance = weighting.balance(study, weighted)
figures_beyond.love(balance, "Size of the standardised difference between the groups, before and after weighting; the dotted line is "
                    "0.1. * not in the propensity model.")
say(balance, "Among the factors of the model, the largest difference is {balance.unweighted.largest} standard deviations before "
    "weighting, {balance.iptw.largest} with inverse-probability weights and {balance.overlap.largest} with overlap weights.")

# %% [markdown]
# ### Survival before and after weighting

# %%
figures_beyond.weighted_curves(weighting.curves(weighted), compared, "OS2", "OS2 after radiotherapy alone and systemic therapy alone, as "
                               "the groups are and weighted. Time starts with salvage therapy.")

# %%
figures.forest(results.pick(compared, "hazard ratio"), "OS2, systemic therapy alone against radiotherapy alone (above 1: more deaths "
               "after systemic therapy). Robust intervals take the weights as known.")
left_out(compared)

# %%
say(compared, "As the groups are, the hazard ratio is {weighted.os2.crude:full}; {weighted.os2.stage_ldh:named} {weighted.os2.stage_ldh:full}; "
    "with inverse-probability weights {weighted.os2.iptw:full}; with overlap weights {weighted.os2.overlap:full}.")
consistent_page.say(study, "the hazard ratio lies between {weighted.os2.crude:lower} and {weighted.os2.crude:upper} as the groups are, with inverse-probability "
               "weights between {weighted.os2.iptw:lower} and {weighted.os2.iptw:upper}, with overlap weights between {weighted.os2.overlap:lower} "
               "and {weighted.os2.overlap:upper}.")

# %% [markdown]
# ### What was not measured
#
# The *E-value* {cite:p}`vanderweele2017` says how strong an unmeasured confounder would have to be, as a risk ratio with both
# treatment and outcome, to explain an estimate away. The hazard ratio is first turned into a risk ratio, by an
# approximation for common outcomes. An interval that already holds 1 needs no confounder: its E-value is 1.

# %%
say(compared, "To explain the crude hazard ratio away, an unmeasured factor would need a risk ratio of {weighted.os2.crude.e_value} with both "
    "treatment and death; one of {weighted.os2.crude.e_limit} would do to let its interval reach 1 (1 says that it is there already).",
    "After overlap weighting these are {weighted.os2.overlap.e_value} and {weighted.os2.overlap.e_limit}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* The paper itself puts the better medians after radiotherapy down to favourable baseline
# factors. If the hazard ratio comes to 1 or below once stage and LDH are balanced, the data agree. For radiotherapy to be
# *shown* better, the whole weighted interval would have to lie above 1, in all consistent cohorts.

# %% [markdown]
# ## Field and dose, or the patients who receive them?
#
# Two treatments can be compared only where both were given. So look first at how many patients of each stage had each field.

# %%
by_stage, fields = field_dose.by_stage(study), field_dose.fields(study)
compared_table(by_stage, "Patients who died, by stage and field of the first course.", "Stage")
figures.forest(results.pick(fields, "hazard ratio"), "Survival from the start of the first course, focal against comprehensive "
               "fields, as they are and within stages.")

# %%
say(results.collect([by_stage, fields]), "In stage I or II, {field.limited.comprehensive:n} patients had a comprehensive and "
    "{field.limited.focal:n} a focal field; in stage III or IV, {field.advanced.comprehensive:n} and {field.advanced.focal:n}.",
    "As they are, the hazard ratio of focal fields is {field.crude:full}.",
    "When only patients of one stage group are compared with each other, it is {field.within:full}.")
left_out(fields[fields["result_id"] == "field.within"])
consistent_page.say(study, "the hazard ratio lies between {field.crude:lower} and {field.crude:upper} as the groups are, within stage groups between "
               "{field.within:lower} and {field.within:upper}.")

# %% [markdown]
# ### Who had the higher dose
#
# A low dose may be a cause of a short life, or its consequence: it is given for comfort to the dying, and courses are cut
# short by death. A landmark one month after the start leaves out those deaths.

# %%
dose_groups = field_dose.dose_groups(study)
compared_table(dose_groups, "Patients with each factor, by biologically effective dose (BED) of the first course, among those in whom "
               "it is known.", "Factor")

# %%
doses = field_dose.doses(study, 1)
figures.forest(results.pick(doses, "hazard ratio"), "Survival from the start of the first course, BED up to 30 Gy against more, in "
               "several comparisons.")
left_out(doses)

# %%
say(doses, "As they are, the hazard ratio of a low dose is {dose.crude:full}; {dose.stage_ldh:named} {dose.stage_ldh:full}; adjusted for "
    "the field {dose.field:full}; from the landmark on {dose.landmark:full}.")
consistent_page.say(study, "the hazard ratio lies between {dose.crude:lower} and {dose.crude:upper} as the groups are, adjusted for the field between "
               "{dose.field:lower} and {dose.field:upper}, from the landmark on between {dose.landmark:lower} and {dose.landmark:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* The paper speaks of a dose–response relationship, and warns of it in the same breath. It
# also gives no comparison of fields within limited stage, and the counts say why: the fewer had a focal field there,
# the less any method can tell. As long as the interval within that stage reaches far to both sides of 1, or there is none, a comprehensive
# field in limited stage remains untested, not proven.

# %% [markdown]
# ## How many small P values does chance produce?
#
# Among many tests some are small by chance alone. Holm's correction {cite:p}`holm1979` keeps the risk of even one false finding
# at one in twenty; Benjamini and Hochberg's {cite:p}`benjamini1995` keeps the expected share of false findings among the findings there.

# %%
tests = multiplicity.comparisons(study, alpha_beta)
tally = multiplicity.tally(tests)
figures_beyond.sorted_p(multiplicity.ranks(tests), tally, "All P values of the comparisons that the paper reports, computed on this "
                        "cohort, in order. A correction accepts the points up to the last one below its line (Holm: up to the first above).")

# %%
say(tally, "P is below 0.05 in {multiplicity.all.raw} of {multiplicity.all.raw:n} comparisons; {multiplicity.all.by_chance} would be expected if "
    "nothing differed. What remains: {multiplicity.all.bh} after Benjamini and Hochberg's correction, {multiplicity.all.holm} after Holm's.",
    "Among the {multiplicity.outcomes.raw:n} comparisons of outcomes: {multiplicity.outcomes.raw}, {multiplicity.outcomes.bh} and "
    "{multiplicity.outcomes.holm}.")
consistent_page.say(study, "after Holm's correction P stays below 0.05 in {multiplicity.all.holm:lower}–{multiplicity.all.holm:upper} of all tests, "
               "in {multiplicity.outcomes.holm:lower}–{multiplicity.outcomes.holm:upper} of those of outcomes.")

# %% tags=["secondary"]
table(tables_beyond.multiplicity_table(tests), "All comparisons, with P as it is and after each correction over all of them.", rows=tests)

# %% [markdown] tags=["car-t"]
# *What would change the reading.* A correction answers one worry only: that somebody looked often enough for chance to show something.
# Whether a difference is large enough to matter, a P value does not say, corrected or not. Its interval does: it names the effects
# that the data speak against (chapter 7). Tests of baseline factors between groups that nobody randomised answer no question at all,
# but they count.

# %% [markdown] strobe=["12c"]
# ## What if bulk had been known in everyone?
#
# First ask *why* it is not known. A value that could not exist is not missing: bulk is not defined for disease of the
# central nervous system. For values that exist, *multiple imputation* draws them several times from what the other factors
# and the outcome {cite:p}`white2009` say about them, and Rubin's rules {cite:p}`rubin1987` add the uncertainty. The two extremes
# (none, or all, of the unknown were bulky) hold every possible truth.

# %%
unknown, bulk = missing.who(study, "bulky_disease"), missing.compare(study, "OS2", "bulky_disease", immortal.ADJUST)
figures.forest(results.pick(bulk[~bulk["result_id"].str.endswith(".adjusted")], "hazard ratio"), "OS2, bulky disease against none, by "
               "what is assumed of patients in whom it is not known. This factor alone.")
left_out(bulk)

# %%
say(unknown, "Bulk is not known in {missing.bulky_disease:share} patients.", "Among those with CNS disease it is not known in "
    "{missing.bulky_disease.cns:share}, among the others in {missing.bulky_disease.other:share}.")
say(bulk, "{missing.os2.complete.adjusted:group}: the hazard ratio is {missing.os2.complete.adjusted:full},",
    "{missing.os2.imputed_other.adjusted:full} with imputation outside the CNS ({missing.os2.imputed_other.adjusted:note}),",
    "and between {missing.os2.every.adjusted} and {missing.os2.none.adjusted} at the two extremes (all bulky, none bulky).")
consistent_page.say(study, "the hazard ratio lies between {missing.os2.complete.adjusted:lower} and {missing.os2.complete.adjusted:upper} in complete cases, with "
               "imputation in everyone between {missing.os2.imputed_all.adjusted:lower} and {missing.os2.imputed_all.adjusted:upper}.")

# %% [markdown]
# ### An index beside its components
#
# In one model, an index and its own components compete for the same information. The *variance inflation factor* says how many
# times the squared standard error grows because of it.

# %%
together = missing.collinearity(study, "OS2", "high_ipi", ["advanced_stage", "ldh_elevated"])
figures.forest(results.pick(together, "hazard ratio"), "OS2: stage and LDH in one model and the IPI alone (without the overlap), and "
               "all three in one model.")
say(together, *[f"{{collinear.{factor}.vif:group}}: variance inflation {{collinear.{factor}.vif}}, interval {{collinear.{factor}.wider}} times as "
                "wide." for factor in ("advanced_stage", "ldh_elevated", "high_ipi")])

# %% [markdown] tags=["car-t"]
# *What would change the reading.* Bulk is prognostic for OS2 in the paper, on its own. If complete cases and both extremes
# agree in direction, the missing values do not matter for it; if the interval holds 1 once stage and LDH are in the model,
# bulk may be no more than a sign of them. The paper rightly keeps the IPI out of the model with stage and LDH.

# %% [markdown]
# ## Does one hazard ratio tell the story?
#
# Where hazards are not proportional, a hazard ratio depends on how long patients were followed. The *restricted mean*
# {cite:p}`royston2013` does not: it is the mean time free of the event within a fixed number of months, the area below the curve.

# %%
means = results.collect(mean_survival.between_groups(study))
compared_table(results.pick(means, "restricted mean"), "Mean time within a fixed number of months, by group, and differences between "
               "groups. A dash: not asked for, or not known.", study.label_of(study.groups))
left_out(means)

# %%
proportional = cox_models.cox(study, "OS2", ["salvage_regimen"], "regimen")
say(results.collect([means, proportional]), f"Within {month} months, patients lived {{rmst.os2.{month}.rt}} after radiotherapy alone and "
    f"{{rmst.os2.{month}.st}} after systemic therapy alone, a difference of {{rmst.os2.{month}.st.less_rt:full}}.",
    "The test of proportional hazards between the regimens gives {cox.os2.regimen.ph.global}.")
consistent_page.say(study, "the difference within 12 months lies between {rmst.os2.12.st.less_rt:lower} and {rmst.os2.12.st.less_rt:upper}, within 24 "
               "months between {rmst.os2.24.st.less_rt:lower} and {rmst.os2.24.st.less_rt:upper}.")

# %% [markdown]
# ## Would the models do as well elsewhere?
#
# A model is judged too kindly by the patients it was made from. The *bootstrap* measures by how much {cite:p}`harrell1996`: fit it to
# samples drawn with replacement, and try each fit on all patients. *Concordance* is the share of pairs of patients that the
# model puts in the right order (0.5 is tossing a coin); a *calibration slope* below 1 says that predictions are too extreme.

# %%
compared_table(validation.beside(validated), "The models with several factors, tried on bootstrap samples.", "Model")
left_out(validated)

# %%
consistent_page.say(study, "the corrected concordance of the model of OS1 lies between {validated.os1.corrected:lower} and "
               "{validated.os1.corrected:upper}, of OS2 between {validated.os2.corrected:lower} and {validated.os2.corrected:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* A concordance that loses little by the correction says that there was little room for optimism;
# one that comes near 0.5 says that the model orders patients hardly better than a coin. What such a model has *not* stood is a
# test in patients of another hospital.

# %% [markdown] strobe=["10"]
# ## How large a study would it take?
#
# The power of a log-rank test depends on the number of events {cite:p}`schoenfeld1983`. The power to find what was found is not
# shown, since it says nothing that the P value does not {cite:p}`hoenig2001`; the question is what *these* events could have shown,
# and what a study would need to show a difference as large as the one observed.

# %%
needed = design.needed(study)
table(tables_beyond.design_table(needed), "Comparisons as observed; the smallest hazard ratio above 1 that so many events can detect with 80% power (below 1, its inverse); and events "
      "and patients needed to detect the observed one. Groups and share of events as here.", rows=needed)

# %%
say(needed, "Between systemic therapy and radiotherapy alone, {design.os2.salvage_regimen.st:events} deaths could show a hazard ratio of "
    "{design.os2.salvage_regimen.st.detectable} or more. To show the observed one, {design.os2.salvage_regimen.st.events} deaths in "
    "{design.os2.salvage_regimen.st.patients} patients would be needed.",
    "Between stages IV and III, {design.os1.stage.iv:events} deaths could show a hazard ratio of {design.os1.stage.iv.detectable} or more.")
consistent_page.say(study, "the observed hazard ratio lies between {design.os2.salvage_regimen.st:lower} and {design.os2.salvage_regimen.st:upper}.")

# %% [markdown] tags=["car-t"]
# *What would change the reading.* "No difference" between regimens, in a study that could only have seen a very large one,
# means *not known*. The larger a contrast, the fewer deaths are needed to see it. But a large one between groups that were never alike, such
# as the fields, is seen easily and still no effect of the treatment.

# %%
rows = results.save([after_st, after_rt, responders, local, causes, sizes, balance, compared, by_stage, fields, dose_groups, doses, tally, unknown,
                     bulk, together, means, proportional, validated, needed], study.name, "09_beyond", results_dir)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - Every remedy trades one assumption for another: weights assume that nothing important went unmeasured, imputation that
#   the known values speak for the unknown, competing-risk estimates that follow-up does not depend on the outcome.
# - The comparisons of this chapter count as well. It was written to question findings, not to add to them.

# %% [markdown] tags=["speaks-of:salvage_regimen"]
# - A second modality is given because of what happens to the patient. Counting time correctly removes immortal time; it does
#   not remove the reason why it was given.
# - Robust intervals with few patients in a group are too narrow, and with a few dozen patients weights rest on a handful of them.

# %% [markdown]
# ## What to take away
#
# - Ask of every group when its name was known. If that was after the clock started, count time from there.
# - "No difference" in a study that could only have seen a very large one means: not known.

# %% [markdown] tags=["speaks-of:salvage_regimen"]
# - Weights and adjustment compare patients who are alike in what was measured; the E-value says how strong the unmeasured would have to be.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "09_beyond.yml")

# %% [markdown]
# ### Exercise 1
#
# Move the landmark to six months. How many patients are left, and what has become of the comparison? Why is no choice of a
# landmark right?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
later = immortal.compare(study, immortal.second_modality(study, "ST"), "st", 6, [])
say(later, *[f"From six months on, {{{i}:n}} patients are compared ({{{i}:note}}); the hazard ratio is {{{i}:full}}. An early landmark finds "
             "few who have changed; a late one has lost those who died. The state that changes uses all of the time."
             for i in later["result_id"] if i.endswith(".landmark")],
    "By then {immortal.st.early:events} of {immortal.st.early:n} deaths had happened, and they no longer count.")

# %% [markdown]
# ### Exercise 2
#
# Suppose that a third factor, not in the propensity model, were twice as frequent among patients with systemic therapy and
# doubled the risk of death. Could it explain the crude hazard ratio? Use the E-value and the bounding factor
# $RR_1 RR_2 / (RR_1 + RR_2 - 1)$.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
bound = results.row("bound", "estimate", 2 * 2 / (2 + 2 - 1))
ratios = compared[compared["result_id"].isin(["weighted.os2.crude", "weighted.os2.crude.e_value"])]
ratio = [results.row("ratio", "estimate", weights.risk_ratio(float(x))) for x in ratios["value"].dropna().head(1)]
say(results.collect([ratios, public(results.collect([bound, *ratio]))]) if ratio else compared, "Such a factor can move a risk ratio by {bound} at most. The crude hazard "
    "ratio amounts to a risk ratio of about {ratio}; its E-value is {weighted.os2.crude.e_value}. Where that risk ratio (turned round if below "
    "1) is within the bound, the factor could explain all of it.")
