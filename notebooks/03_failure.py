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
# # Failure after CAR T-cell infusion
#
# You will learn to say when an event came, without mistaking that for the risk of it.

# %% [markdown] tags=["speaks-of:failure_pattern"]
# Where did the disease come back? You will put numbers to it, each with an exact confidence interval.

# %% [markdown] tags=["speaks-of:cd19_at_failure"]
# And was the target still there? You will see why a tumour that was never tested is not a negative one.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import failure
from analysis_lib.binding import handed
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.methods import capital
from analysis_lib.show import consistent_page, exercises, figures_cohort, ledger_page
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import literal, say
from analysis_lib.show.tables import rows_table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
when, patterns = failure.time_to_failure(study), failure.failure_patterns(study)
event = literal(capital(failure.called(study)))
opening(failure.question(study), results.collect([when, patterns]), f"{event} came a median of {{failure.time}} after day 0.",
        "A site that was involved before took part in {failure.any_local:share} of the failures.")
figures_cohort.shares(patterns, "Patients", "Where the disease failed, where that is known, compared with the sites "
               "involved before day 0. The last bar joins the first two.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# How soon after the infusion did the lymphoma fail? Did it return where it had been before the CAR T cells
# (*local* failure), in new places (*de novo* failure), or both? And did the relapsed tumour still carry CD19, the target
# of the treatment {cite:p}`ababneh2023`?
#
# The question has a practical side. If most failures involve the old sites, radiotherapy to these sites, before the
# infusion as a bridge or afterwards as salvage, has something to act on. If the tumour still shows CD19, treatments
# aimed at CD19 remain an option.

# %% [markdown]
# ## How it is estimated
#
# The *time to an event* is observed in everyone to whom the event came, so its median and quartiles need no censoring; they
# describe these patients, and are no estimate of the risk.

# %% [markdown] tags=["speaks-of:failure_pattern"]
# A *share* of $x$ in $n$ patients has an exact interval {cite:p}`clopper1934`. Its limits $p_L$ and $p_U$ are the shares
# under which a count as high, or as low, as the observed one would occur with a probability of 2.5%:
#
# $$\sum_{k=x}^{n} \binom{n}{k} p_L^k (1-p_L)^{n-k} = 0.025, \qquad
# \sum_{k=0}^{x} \binom{n}{k} p_U^k (1-p_U)^{n-k} = 0.025$$
#
# It needs no large numbers, and remains sensible when $x$ is 0 or $n$ (where one limit is 0 or 1 itself). It is on the
# cautious side: it covers the truth in at least 95% of studies.

# %% [markdown]
# ## When it came

# %%
say(when, f"{event} came a median of {{failure.time:full}} after day 0 (n = {{failure.time:n}}). Half of these patients had it by then. "
    "This is not its risk: of those whom it spared, it says nothing.")

# %% [markdown]
# ## Patterns of failure

# %%
rows_table(patterns, "Patterns of failure", patients="share", interval="limits")
say(patterns, "A previously involved site was part of the failure in {failure.any_local:share}, "
    "{failure.any_local:limits}: alone in {failure.pattern.local:share}, together with new sites in "
    "{failure.pattern.local_and_de_novo:share}. Failure in new sites only was seen in {failure.pattern.de_novo:share}.")

# %% [markdown]
# *What it means.* Irradiating the old sites can reach a failure that is there alone, a part of one that is in old and new sites, and
# nothing of one in new sites only. These shares therefore say how far local treatment could reach. That it would have prevented a
# failure they do not say: for that, irradiated sites would have to be compared with others.

# %% [markdown]
# ## CD19 at failure

# %%
cd19 = failure.cd19(study)
say(cd19, "CD19 was evaluated in {cd19.evaluated:events} of {cd19.evaluated:n} patients ({cd19.evaluated}).",
    "The tumour was CD19-positive in {cd19.positive:share}, {cd19.positive:limits}, and CD19-negative in "
    "{cd19.negative:share}, {cd19.negative:limits}.")

# %%
rows_table(cd19, "CD19 at failure", patients="share", interval="limits")

# %% [markdown] tags=["car-t"]
# *What it means.* A tumour that still carries CD19 can be aimed at there again. Before this is told to a patient, two things limit it: the
# interval, since few tumours were tested, and the untested ones, of which nothing is known (exercise 2).

# %%
rows = results.save([when, patterns, cd19], study.name, "03_failure", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - Times of those who had an event say nothing of how many will: for that, survival without it is read from everyone.

# %% [markdown] tags=["speaks-of:failure_pattern"]
# - Shares *of patients who failed* do not say how likely a site is to fail, for which one would have to count the sites
#   that were controlled as well.
# - The interval covers chance, and nothing else. Patients in whom the pattern was not recorded may differ from the others.
# - A pattern depends on how one looks: when scans are repeated late, a local failure has had time to spread, and
#   is counted as both.

# %% [markdown] tags=["car-t"]
# - The interval treats patients as if drawn from one population. Those who were biopsied at failure had a
#   tumour that could be reached and were well enough for it: the CD19 shares are theirs.

# %% [markdown]
# ## What to take away
#
# - What is known of those who had an event is no risk of it: for that, one has to start from everyone.

# %% [markdown] tags=["speaks-of:failure_pattern"]
# - An exact interval covers chance. It does not cover the patients of whom nothing is known.

# %% [markdown] tags=["speaks-of:cd19_at_failure"]
# - Negative, and never tested, are two different things. Report both counts.

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "03_failure.yml")

# %% [markdown]
# ### Exercise 1
#
# What share of the failures came within three months (91 days) of day 0? Is their pattern different from that of the
# later ones?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
contrast = failure.early_failure(study, days=91)
say(contrast, "Of the failures, {failure.early:share} came within 91 days, {failure.early:limits}. A previous site was "
    "involved in {failure.early.any_local:share} of the early and {failure.late.any_local:share} of the late ones; the "
    "chi-square test of the three patterns gives {failure.early.pattern} ({failure.early.pattern:note}).")

# %% [markdown]
# ### Exercise 2
#
# Not every tumour was tested for CD19. Between which two numbers must the share of CD19-negative failures lie among *all*
# patients, whatever the untested ones were? How does this compare with the confidence interval?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
bounds = results.collect([cd19, failure.cd19_bounds(study)])
say(bounds, "If no untested tumour was negative, the share is {cd19.bounds.lowest:share}; if all were, "
    "{cd19.bounds.highest:share}. Among the tested it was {cd19.negative}, {cd19.negative:limits}. The wider of the two "
    "ranges shows which uncertainty is larger: chance is in the confidence interval, and what was never measured is not.")
