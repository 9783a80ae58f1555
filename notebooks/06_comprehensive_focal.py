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

# %% [markdown] strobe=["12b", "17"]
# # Comprehensive and focal radiotherapy
#
# You will learn why two groups that were treated differently cannot be compared as if chance had chosen them, how to
# show that from their baseline factors, and what *immortal time* does to a comparison of treatment sequences.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results
alpha_beta = 10  # Gy, for the biologically effective dose

# %%
from analysis_lib.analyses import field_dose, first_courses, survival, transplant
from analysis_lib.binding import handed
from analysis_lib.cohort import first_course
from analysis_lib.cohort.first_course import HIGH_BED
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures, figures_cohort, ledger_page
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say, sentence
from analysis_lib.show.tables import compared_table, rows_table

handed.check(globals())
study = first_course.with_first_course(read_cohort(cohort), alpha_beta)
about(study)

# %%
fields, by_field = field_dose.fields(study), survival.estimates(study, "OSRT", by="rt_field", population="first courses")
opening("Do patients live longer when every site of the relapse is irradiated?", results.collect([by_field, fields]),
        "The hazard ratio of focal against comprehensive fields is {field.crude:full} as the patients are.",
        "When only patients of one stage group are compared with each other, it is {field.within:full}.",
        otherwise=["After comprehensive fields the median OSRT is {osrt.median.rt_field.comprehensive:full}.",
                   "After focal fields the median OSRT is {osrt.median.rt_field.focal:full}."])
figures.survival_curves(survival.curves(study, "OSRT", by="rt_field"), "Overall survival (OSRT)",
                        "Overall survival from the start of the first radiotherapy course, by field.", by_field)

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# When radiotherapy reaches every site of the relapse, do patients live longer than when it treats some of them? And
# among those with limited disease whose sites were all irradiated, is more treatment needed {cite:p}`ababneh2023`?
# Before comparing, look for what made the physicians choose one or the other.

# %% [markdown] strobe=["7", "11"]
# ## How it is defined
#
# A field is **comprehensive** when it includes all the sites that the last scan before radiotherapy shows, and **focal**
# when it leaves some of them out. Only the first course of each patient counts. Survival (OSRT) runs from its first day
# to death from any cause.
#
# The dose of a patient is the highest biologically effective dose (BED) among the sites of that course
# {cite:p}`fowler1989`; patients without known dose are left out where doses are compared.
#
# Shares are compared by the chi-square test, or by Fisher's exact test where an expected count is below 5; doses by the
# Mann–Whitney test {cite:p}`mann1947`; survival by the log-rank test.

# %% [markdown]
# ## The first courses

# %%
first = first_courses.first_courses(study)
say(first, "Patients with a first course: {first.patients}; irradiated sites: {first.sites}, "
    "a median of {first.sites_per_patient:full} a patient.",
    "The field was comprehensive in {first.patients.comprehensive:share}.", "It was focal in {first.patients.focal:share}.",
    "Radiation details were incomplete for {first.incomplete:share} of the sites.")

# %% [markdown]
# ## Dose by field

# %%
dose = first_courses.dose_by_field(study)
compared_table(dose, "Irradiated sites and dose per site (median and range of the known doses), by field of the first "
               "course.", "First course")

# %% [markdown]
# *What it means.* If focal sites were given less dose, part of what looks like an effect of the field may be one of dose, and the other way
# round. Both follow what the physician expected of the patient.

# %% [markdown]
# ## Who received which field
#
# Each row asks one question: is this factor more frequent in one of the groups? If it also shortens life, the groups
# would differ in survival even if the field did nothing.

# %%
contrasts = first_courses.contrasts(study)
compared_table(contrasts, "Patients with each factor at the first salvage therapy, by field of the first course, among those "
               "in whom it is known.", "Factor")

# %% [markdown]
# ## In-field response by field

# %% tags=["secondary"]
responses = first_courses.responses_by_field(study)
compared_table(responses, "In-field response of first-course sites, by field. Responses are shares of the evaluable "
               "sites.", "Sites")

# %% [markdown]
# *What it means.* This asks whether radiotherapy worked where it was given. Shares that are near each other while survival is far apart
# would say that the fields differ in what lay outside them, or in the patients.

# %% [markdown]
# ## Survival by field

# %%
rows_table(results.pick(by_field, "median time"), "Median overall survival from the start of radiotherapy, by field",
           patients="n", deaths="events", median="full")
say(by_field, "Between the fields the log-rank test gives {osrt.logrank.rt_field}.")
say(fields, "The hazard ratio of focal against comprehensive fields is {field.crude:full}: ratios below "
    "{field.crude:lower} and above {field.crude:upper} are what the data speak against. Whatever it shows, the groups were chosen, "
    "and the table of baseline factors tells how far apart they were before.")

# %% [markdown] strobe=["16b"]
# ## Survival by dose

# %%
by_dose = survival.estimates(study, "OSRT", by="bed_group", population="first courses with known dose")
figures.survival_curves(survival.curves(study, "OSRT", by="bed_group"), "Overall survival (OSRT)",
                        "Overall survival from the start of the first radiotherapy course, by the patient's highest "
                        f"biologically effective dose (α/β = {alpha_beta:g} Gy).", by_dose)

# %% tags=["secondary"]
rows_table(results.pick(by_dose, "median time"), f"Median overall survival by BED above or up to {HIGH_BED:g} Gy",
           patients="n", deaths="events", median="full")
say(by_dose, ("Between the dose groups (n = {osrt.median.bed_group.gt_30_gy:n} and {osrt.median.bed_group.le_30_gy:n}) the log-rank test gives "
    "{osrt.logrank.bed_group}.", "Between the dose groups the log-rank test gives {osrt.logrank.bed_group}."))
say(field_dose.doses(study, 1), "The hazard ratio of a low dose is {dose.crude:full}: ratios below {dose.crude:lower} and above "
    "{dose.crude:upper} are what the data speak against. Low doses are often given for comfort, to patients who are expected to live "
    "for a short time only.")

# %% tags=["secondary"]
low = first_courses.low_dose(study)
compared_table(low, f"Patients whose highest BED (α/β = {alpha_beta:g} Gy) was not above {HIGH_BED:g} Gy, among those with "
               "known dose, by field of the first course.", "Dose")

# %% [markdown]
# ## Comprehensive fields: number of irradiated sites

# %% tags=["secondary"]
by_sites = survival.estimates(study, "OSRT", by="comprehensive_sites", population="comprehensive first courses")
rows_table(results.pick(by_sites, "median time"), "Median overall survival after a comprehensive first course, by the number "
           "of irradiated sites", patients="n", deaths="events", median="full")
say(by_sites, "Between these groups the log-rank test gives {osrt.logrank.comprehensive_sites}. "
    "Medians outside their limits in the table are what the data speak against; the smaller a group, the less that is.")

# %% [markdown]
# ## Limited stage

# %%
limited = first_courses.limited_stage(study)
compared_table(limited, "Patients in stage I or II, by field of the first course.", "Stage")

# %% [markdown]
# *What it means.* A fair comparison of fields needs patients of one stage who had either. Where one of these groups holds only a few,
# nobody can tell what the other field would have done for such a patient.

# %% [markdown] strobe=["9"]
# ## Limited stage, comprehensive field: radiotherapy alone, or followed by more
#
# ```{warning}
# *Immortal time.* The group that went on to further therapy is named by something that happened *after* the start of
# radiotherapy: its members could not die before it did {cite:p}`suissa2008`. The log-rank test below takes the groups as
# if they had been known on the first day; the Mantel–Byar test {cite:p}`mantel1974` counts each patient as without
# further therapy until the day on which it starts.
# ```

# %%
by_therapy = survival.estimates(study, "OSRT", by="further_therapy", population="stage I or II, comprehensive first course")
figures.survival_curves(survival.curves(study, "OSRT", by="further_therapy"), "Overall survival (OSRT)",
                        "Overall survival from the start of a comprehensive first course in stage I or II, by whether any "
                        "therapy followed it. The groups are named by the future (immortal time).", by_therapy)

# %% tags=["secondary"]
further = first_courses.further_therapy(study)
rows_table(results.pick(by_therapy, "median time"), "Median overall survival in stage I or II after a comprehensive field",
           patients="n", deaths="events", median="full")
say(by_therapy, "If the groups are taken as known from the first day, the log-rank test gives {osrt.logrank.further_therapy}.")
say(further, "Further therapy was given to {further.patients:share} patients.",
    "They had survived a median of {further.wait:full} until it started.",
    "Counted only from that day, the Mantel–Byar test gives {further.mantel_byar}.")

# %% [markdown]
# *What would change the reading.* Further therapy is mostly given because the disease has come back. So even when time is counted fairly, more
# deaths after it would say that these patients had relapsed, and not that the therapy harmed them or that radiotherapy alone would have
# been enough. That would take patients of whom it was decided beforehand who has more and who does not.

# %% [markdown]
# ## Radiotherapy around a transplant

# %%
transplants = transplant.transplants(study)
say(transplants, "Patients with both radiotherapy and an allogeneic transplant: {hsct.patients}.",
    "Radiotherapy came first in {hsct.rt_first:share}.", "Disease status at the last follow-up was CR in {hsct.last_status.cr:share}.",
    "After the transplant they were followed for {hsct.follow_up:full}; alive at the end: {hsct.alive:share}.")

# %% tags=["secondary"]
rows_table(results.pick(transplants, "range months"), "Times around the transplant (median and range)", patients="n",
           time="full")

# %%
figures_cohort.swimmer(transplant.transplant_lanes(study), "Months since the transplant",
                sentence(transplants, "Swimmer plot of patients with radiotherapy and transplant, one lane each "
                         "({hsct.patients} in all), from the start of salvage therapy to the last follow-up. Radiotherapy "
                         "came before the transplant in {hsct.rt_first:share}; {hsct.alive:share} were alive at the end."),
                sentence(transplants, "Each lane is one synthetic patient, aligned at the transplant; diamonds are starts of "
                         "radiotherapy courses; n = {hsct.patients}."))

# %%
rows = results.save([first, dose, contrasts, responses, by_field, by_dose, low, by_sites, limited, by_therapy, further,
                     transplants], study.name, "06_comprehensive_focal", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown] strobe=["19"]
# ## Cautions
#
# - The contrast of survival between the fields is a contrast of patients as much as of treatments: only where disease is
#   little can a field cover it whole. Only a hazard ratio within stage groups allows for stage; nothing in
#   this chapter allows for anything else.
# - The baseline factors were recorded at the first salvage therapy, which for some patients was long before radiotherapy.
# - The groups by dose share the problem: high doses go to few sites in patients who are expected to benefit.
# - Several comparisons were made, in small groups. Some small P values are expected by chance alone; a large one, with a
#   handful of patients, is no sign of equality.
# - Patients who came to a transplant are those who lived and responded. Their survival says nothing about what
#   radiotherapy or transplant would do for others.

# %% [markdown]
# ## What to take away
#
# - Whoever can be treated comprehensively has little disease. Look at who was chosen before looking at who lived.
# - A group that is named by a later treatment holds only those who lived to receive it: immortal time.
# - Where hardly anybody had the other treatment, no method can compare the two.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "06_comprehensive_focal.yml")

# %% [markdown]
# ### Exercise 1
#
# Suppose fields had been chosen without regard to stage. How many patients in stage I or II would you expect among those
# with a focal field, and how many were there?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
expected = limited.assign(value=limited["n"] * limited["events"].sum(skipna=False) / limited["n"].sum(), lower=None, upper=None,
                          statistic=limited["statistic"].replace("proportion", "expected"))
say(expected, "Expected in stage I or II with a focal field: {first.limited.focal} of {first.limited.focal:n}; observed: "
    "{first.limited.focal:events}. The further apart the two, the less can a comparison of fields be told from one of stages.")

# %% [markdown]
# ### Exercise 2
#
# Sort the patients by dose again, with $\alpha/\beta = 3$ Gy and the same limit. How many change groups? Does the
# comparison of survival depend on the ratio?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
late = survival.estimates(first_course.with_first_course(study, 3), "OSRT", by="bed_group")
late = late.assign(result_id="late." + late["result_id"])
say(results.collect([by_dose, late]),
    f"Patients above {HIGH_BED:g} Gy: {{osrt.median.bed_group.gt_30_gy:n}} with α/β = {alpha_beta:g} Gy and "
    "{late.osrt.median.bed_group.gt_30_gy:n} with 3 Gy.",
    "The log-rank test gives {osrt.logrank.bed_group} with the one and {late.osrt.logrank.bed_group} with the other.", "The median survival "
    "of patients above the limit is {osrt.median.bed_group.gt_30_gy:full} and {late.osrt.median.bed_group.gt_30_gy:full}. Where the two comparisons "
    "part, the finding hangs on a ratio that nobody measured in these tumours.")
