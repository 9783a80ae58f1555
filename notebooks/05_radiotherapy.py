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
# # Radiotherapy and local control
#
# You will learn to bring different doses and fractionations to one scale, to tell the response of a site from its
# control over time, and to see what changes when several sites belong to the same patient.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results
alpha_beta = 10  # Gy, for the biologically effective dose

# %%
from analysis_lib.analyses import body_regions, radiotherapy, survival
from analysis_lib.binding import handed
from analysis_lib.cohort.first_course import HIGH_BED
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.show import consistent_page, exercises, figures, figures_body, figures_cohort, ledger_page
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import rows_table

handed.check(globals())
study = read_cohort(cohort)
months = survival.rate_months(study)
about(study)

# %%
volume, control = radiotherapy.volume(study), survival.estimates(study, "LC", population="assessable sites")
opening("Does radiotherapy control the sites that it treats?", results.collect([volume, control]),
        "Of the cohort, {rt.patients:share} received radiotherapy.",
        *[f"At {m} months {{lc.rate{m}:full}} of the irradiated sites were estimated to be under control, if death is set aside."
          for m in months[:1]])
figures.survival_curves(survival.curves(study, "LC"), "In-field control",
                        "In-field control of the assessable sites, from the start of radiotherapy to progression "
                        "within the field; death censors.", control)

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# Radiotherapy is a local treatment. So before asking how long irradiated patients live, the paper asks whether
# radiotherapy did its own task: how were relapses after CAR T-cell therapy irradiated, how did the irradiated sites
# respond, and how many of them stayed under control {cite:p}`ababneh2023`? Here a *site* is counted, not a patient.

# %% [markdown] strobe=["11"]
# ## How it is estimated
#
# **Dose.** The effect of a total dose depends on the size of its fractions. The linear-quadratic model gives $n$
# fractions of $d$ Gy the *biologically effective dose* {cite:p}`fowler1989`
#
# $$\mathrm{BED} = n\,d\left(1 + \frac{d}{\alpha/\beta}\right),$$
#
# the dose that would have the same effect if it were given in infinitely small fractions. The ratio $\alpha/\beta$
# belongs to the tissue: about 10 Gy is usual for tumours and early reactions, about 3 Gy for late reactions. It is a
# parameter of this chapter (`alpha_beta`), and BED values with different ratios must not be compared.
#
# **Response and control.** *In-field response* is the last known state of the disease within the field. *In-field
# control* runs from the start of radiotherapy to the first progression within the field; sites without progression are
# censored when the patient dies or was last seen. It is shown as a Kaplan–Meier curve {cite:p}`kaplan1958`.
#
# **Several sites in one patient** share a disease and a fate, so they count for less than as many patients would.
# Where sites are followed over time, a second interval is given beside the usual one: its variance is summed over
# patients instead of sites {cite:p}`williams1995`.
#
# **Comparisons.** Doses of two groups are compared by ranks, with the Mann–Whitney test {cite:p}`mann1947`; shares by
# the chi-square test, or by Fisher's exact test where an expected count is below 5.

# %% [markdown]
# ## Who was irradiated

# %%
say(volume, "Of the cohort, {rt.patients:share} received radiotherapy, in {rt.courses} courses to {rt.sites} sites.",
    "The median was {rt.sites_per_patient:full} of these sites a patient.",
    "The first course began {rt.start:full} after day 0.")
say(volume, "Radiotherapy had already been used for bridging in {rt.bridged:share} of the irradiated patients.",
    "Irradiated once more at a site that had been treated before: {rt.same_site:share} of these.")

# %% [markdown]
# ## Regions
#
# Where a site lies decides which organs are near, and so how much dose it can be given.

# %%
figures_body.body(body_regions.doses(study), "Irradiated sites with known dose, by region of the body: how many, and their median "
                  "dose. The stronger the colour, the more sites.")

# %% tags=["secondary"]
regions = radiotherapy.shares(study, "region", "rt.region")
rows_table(regions, "Irradiated sites by region of the body.", sites="share", exact_interval="limits")

# %% [markdown]
# ## Techniques
#
# A technique is chosen for the place and the organs beside it. Control by technique would compare places, not techniques, so it is not given.

# %%
techniques = radiotherapy.shares(study, "technique", "rt.technique")
rows_table(techniques, "Irradiated sites by technique, among those whose technique is known (3DCRT: three-dimensional "
           "conformal; IMRT: intensity-modulated).", sites="share", exact_interval="limits")

# %% [markdown]
# ## Dose and fractions

# %%
doses = radiotherapy.doses(study, alpha_beta)
say(doses, "The median dose to a site was {rt.dose:full}, in a median of {rt.fractions:full} fractions.",
    f"With α/β = {alpha_beta:g} Gy this amounts to a BED of {{rt.bed:full}}.",
    f"Of the sites with known dose, {{rt.high_bed:share}} had a BED above {HIGH_BED:g} Gy, the limit that is used below "
    "to call a dose high.",
    "Details were incomplete for {rt.incomplete:share} of the sites: nothing that is said of dose speaks of them.")

# %% [markdown]
# ## Bulk

# %%
bulk = radiotherapy.bulk(study)
say(bulk, "The size of {rt.assessable:share} sites could be assessed on PET/CT.",
    "Of those assessed, {rt.bulky:share} were bulky (5 cm or more). Comparisons by bulk rest on the assessed sites alone.")

# %% [markdown]
# ## In-field response
#
# Only sites that were examined after radiotherapy are evaluable. Those that were not are no random sample: ask what
# became of the patients before reading the shares of the others.

# %%
responses = radiotherapy.responses(study)
evaluated = responses[responses["by"].eq("in_field_response") | responses["statistic"].eq("skipped")]
figures_cohort.shares(evaluated, "Evaluable sites", "In-field response of the evaluable sites (last known state within the "
               "field). CR: complete response; PR: partial response; SD: stable disease; PD: progressive disease. "
               "Sites are taken as independent.")

# %%
say(responses, "Of all sites, {infield.evaluable:share} were evaluable and {infield.not_evaluable:share} were not.",
    "Of the patients without an evaluable scan, {infield.not_evaluable.died:share} died; they were followed for "
    "{infield.not_evaluable.follow_up:full} from the start of that course. The more of them died, the more the shares above "
    "are those of patients who lived to a scan, and better than those of all sites would be.")

# %% [markdown] strobe=["12e"]
# ## Local control

# %%
clustered, progression = survival.clustered_rates(study, "LC"), radiotherapy.time_to_progression(study)
say(results.collect([control, clustered, progression]),
    "Within the field, {lc.progressed:share} of the assessable sites progressed.",
    *[f"At {m} months, {{lc.rate{m}:full}} of the sites were estimated to be under control; {{lc.at_risk{m}}} sites were "
      f"still at risk. Allowing for several sites in one patient ({{lc.rate{m}.clustered:note}}), the interval becomes "
      f"{{lc.rate{m}.clustered:limits}}." for m in months[:1]])

# %% [markdown]
# *What would change the reading.* This is control of a site as long as the patient lives. Where many die first, few sites have the time to
# fail, and a high rate does not promise control for years. Count the sites that failed beside those that death overtook.

# %% [markdown]
# ## Time to in-field progression

# %%
say(progression, "Number of sites that progressed within the field: {lc.progressed:events}.",
    "Among them, the median time from the start of radiotherapy to progression was {lc.time_to_progression:full}; "
    "{lc.time_to_progression.iqr:limits} months.",
    "These are the failures that were seen. Later ones need not be rare: they can be seen only in patients who live that long.")

# %% [markdown] strobe=["17"]
# ## In-field control by bulk

# %%
by_bulk = survival.estimates(study, "LC", by="bulky_site", population="assessable sites of known size")
figures.survival_curves(survival.curves(study, "LC", by="bulky_site"), "In-field control",
                        "In-field control of sites that were bulky at the time of radiotherapy, and of those that were not.",
                        by_bulk)

# %%
rows_table(results.pick(by_bulk, "median time"), "Median in-field control by bulk",
           sites="n", progressed="events", median="full")
say(by_bulk, "Between the two groups the log-rank test gives {lc.logrank.bulky_site}.",
    *[f"At {m} months {{lc.rate{m}.bulky_site.yes:full}} of the bulky and {{lc.rate{m}.bulky_site.no:full}} of the other sites were "
      "controlled; where an interval is given, shares outside it are what the data speak against." for m in survival.rate_months(study)[:1]])

# %% [markdown]
# ## Dose by bulk

# %%
dose_by_bulk = radiotherapy.bed_by_bulk(study, alpha_beta)
rows_table(results.pick(dose_by_bulk, "proportion"), f"Sites with a BED above {HIGH_BED:g} Gy (α/β = {alpha_beta:g} Gy), "
           "by bulk", high_dose="share", exact_interval="limits")
say(dose_by_bulk, "A high dose was given to {bed.high.bulk.yes:full} of the bulky and to {bed.high.bulk.no:full} of the other sites: "
    "{bed.high.bulk.p} ({bed.high.bulk.p:method}). Had bulky sites been given more, dose could have hidden what bulk does to control; "
    "the intervals say how far apart the two shares may be.")

# %% [markdown]
# ## Dose and local failure

# %%
dose_by_control = radiotherapy.bed_by_control(study, alpha_beta)
rows_table(results.pick(dose_by_control, "range dose"), f"BED (α/β = {alpha_beta:g} Gy) of sites that failed within the "
           "field and of sites that stayed controlled", sites="n", BED="full")
say(dose_by_control, "Failed against controlled sites: {bed.control.p} ({bed.control.p:method}). How far apart the "
    "doses are, the table says; a P value does not. With so few failures, doses that look alike leave room for an effect of dose, "
    "and the physician chose the dose for a reason.")

# %%
rows = results.save([volume, regions, techniques, doses, bulk, responses, control, clustered, progression, by_bulk,
                     dose_by_bulk, dose_by_control], study.name, "05_radiotherapy", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown] strobe=["19"]
# ## Cautions
#
# - Sites are not independent. Intervals and P values of this chapter that take them as if they were are too confident;
#   only the clustered interval allows for patients who have several sites.
# - Death before in-field progression is treated as censoring. The curve then shows control as it would be if nobody
#   died of anything else, which is more than any patient can count on; death is a competing event.
# - A site counts as controlled only while somebody looks. Sites that were never assessed drop out, mostly because the
#   patient was too ill, and the remaining ones look better than all would.
# - Dose was chosen by the physician, knowing the site and the patient. A missing relation between dose and failure, or
#   an existing one, may be that choice. With few failures it shows little in any case.
# - When follow-up is short, the last drop of a curve may rest on one site: read the numbers at risk before a median.

# %% [markdown]
# ## What to take away
#
# - Doses in different fractions are compared as BED, always with the α/β that was used.
# - Sites of one patient are not independent. An interval that allows for it is the honest one.
# - Control that censors death is control in a world without death. The share of sites that do fail is smaller: patients die first.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "05_radiotherapy.yml")

# %% [markdown]
# ### Exercise 1
#
# Recompute the BED with $\alpha/\beta = 3$ Gy, the value used for late reactions. Does the same dose count for more or
# for less, and for which schedules does the ratio matter most?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
late = radiotherapy.doses(study, 3)
late = late.assign(result_id="late." + late["result_id"])
say(results.collect([doses, late]),
    f"With α/β = 3 Gy the median BED is {{late.rt.bed}}, against {{rt.bed}} with {alpha_beta:g} Gy. A smaller "
    "ratio makes every fraction count for more, and most where fractions are large: in the formula, $d$ is divided by it.")

# %% [markdown]
# ### Exercise 2
#
# How much wider does the interval of the first rate of local control become when sites of one patient are not taken as
# independent? Could it become narrower?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
widths = results.collect([control, clustered])
widths = widths.assign(value=widths["upper"] - widths["lower"], lower=None, upper=None, statistic="rate difference")
say(widths, f"Naive, the interval is {{lc.rate{months[0]}}} wide; allowing for patients, {{lc.rate{months[0]}.clustered}}. It is "
    "wider if sites of one patient tend to fail together, and can be narrower if failures happen to be spread evenly.")
