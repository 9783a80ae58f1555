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
# # Patient characteristics
#
# You will learn to build and to read a Table 1, and what its P values can mean where chance did not form the groups.

# %% [markdown] tags=["speaks-of:best_response"]
# How many responded? You will report it with its uncertainty, and out of the right number.

# %% tags=["parameters"]
cohort = "reconstructed"  # a bundled cohort, or the path of a cohort.yml
results_dir = ""  # where the result rows go; empty: book/cohorts/<cohort>/results

# %%
from analysis_lib.analyses import failure, summaries, survival
from analysis_lib.analyses import table_1 as baseline
from analysis_lib.binding import handed
from analysis_lib.cohort import disclosure
from analysis_lib.intake.read import read_cohort
from analysis_lib.rows import results
from analysis_lib.rows.released import public
from analysis_lib.show import consistent_page, contrasts, exercises, figures_cohort, ledger_page
from analysis_lib.show.notes import about
from analysis_lib.show.openings import opening
from analysis_lib.show.sentences import say
from analysis_lib.show.tables import characteristics, compared_table

handed.check(globals())
study = read_cohort(cohort)
about(study)

# %%
table_1, responses = baseline.table_1(study), failure.best_responses(study)
reason = study.lacks_groups
apart = disclosure.skipped(study, "table1.apart", reason) if reason else baseline.furthest_apart(table_1)
asked = "Who were the patients?" if reason else "Who were the patients, and were the groups alike before treatment?"
# the line that is told stands in place of the table's own: it says among whom it counts
others = table_1[~table_1["result_id"].isin(apart["result_id"])]
opening(asked, results.collect([apart, others, responses]),
        contrasts.furthest(apart), "A complete response was the best response of {response.cr:share}.",
        otherwise=["The cohort has {table1.n.all} patients; {table1.vital_status.dead.all:share} have died."])
figures_cohort.shares(responses, "Patients", "Best response, where it is known. "
                     "CR: complete response; PR: partial response; SD: stable disease; PD: progressive disease.")

# %% [markdown] tags=["car-t"]
# ## What the paper asks
#
# Who were the patients at the time of salvage therapy, and did those chosen for radiotherapy alone (RT),
# combined-modality therapy (CMT) and systemic therapy alone (ST) differ? How had they responded to the CAR T cells
# before, and for how long {cite:p}`ababneh2023`?

# %% [markdown] strobe=["12a", "12c"]
# ## How it is estimated
#
# Categories are counted. Percentages have everyone in the column as their denominator, patients with a missing value
# included, so that each block adds up to 100; missing values are shown, but not tested.
#
# Pearson's *chi-square* compares, in each cell of the cross-table, the observed count $O$ with the count $E$ that
# would be expected if the groups shared one distribution:
#
# $$X^2 = \sum_{\text{cells}} \frac{(O - E)^2}{E}, \qquad E = \frac{\text{row total} \times \text{column total}}{n}$$
#
# Its P value rests on an approximation for large counts. By Cochran's rule of thumb {cite:p}`cochran1954` it becomes
# rough when more than a fifth of the expected counts are below 5, or one is below 1. No continuity correction is used.

# %% [markdown] tags=["speaks-of:best_response"]
# Shares carry the *exact* interval of {cite:t}`clopper1934`: all true shares under which a count as extreme as the
# observed one would not be surprising, at 2.5% on either side.

# %% [markdown]
# ### What a P value in a Table 1 means
#
# A P value answers one question: if the groups had been formed by chance alone, how often would they differ at least
# this much? In a randomised trial the answer is known beforehand: they *were* formed by chance. In any other
# study they were not. Clinicians chose, with the patient in front of them, and the question of chance is beside
# the point. Two further facts:
#
# - A P value mixes the size of a difference with the size of the groups. In small groups a difference large enough to
#   distort a comparison of survival can easily come with P above 0.05.
# - What matters for confounding is how large the difference is *and* how strongly the factor acts on the outcome.
#   A P value speaks of neither.
#
# Guidelines for reporting observational studies therefore advise against significance tests in descriptive tables
# {cite:p}`vandenbroucke2007`.

# %% [markdown] tags=["car-t"]
# The paper prints them; they are repeated here to be checked, and to show how to read them.

# %% [markdown] strobe=["14a", "14b"]
# ## Table 1

# %%
characteristics(table_1, "Characteristics of the patients, n (%).")

# %% [markdown]
# ## What differs between the groups
#
# Could the groups have lived for different times because of who was in them? A factor can do that if the groups differ much in it
# *and* it acts on survival. So the table below picks the lines of Table 1 by the size of the difference, in percentage points between
# the highest and the lowest share. P stands beside and has no say in the choice. The smaller a group, the further it can fall from
# the others by chance alone.

# %%
compared_table(apart, "The lines of Table 1 in which the groups lie furthest apart, one a characteristic; outcomes are left out.", "Line of Table 1")

# %% [markdown]
# *What would change the reading.* A difference that is large here and belongs to a factor with a hazard ratio far from 1 must be allowed for
# before survival is compared. One in a factor that does nothing can be as large as it likes.

# %% [markdown]
# ## Best response

# %%
say(responses, "The overall response rate (ORR) was {response.orr:share}, {response.orr:limits}.",
    "A complete response was the best response of {response.cr:share}, {response.cr:limits}.")

# %% [markdown] tags=["car-t"]
# This is the response *before* the failure. The disease of every patient here came back, so a response says how the CAR T-cell therapy
# began and not how it ended.

# %% [markdown]
# ## Assessment, time to complete response and duration of response

# %%
times = failure.response_times(study)
say(times, "The median day of the first assessment was day {response.first_assessment:full} "
    "(n = {response.first_assessment:n}).",
    "Those in complete response ({response.time_to_cr:n}) reached it after a median of {response.time_to_cr:full}.",
    "In {response.duration:n} responders whose disease failed, the response lasted a median of {response.duration:full}.",
    "Counted from day 0, their disease failed after a median of {response.until_failure:full}.")

# %% [markdown]
# ### A response that has not ended
#
# The duration of a response is known only once it is over. The median above is taken over observed durations, from
# the first day in response to failure: responders without a failure are left out. That is harmless when every responder
# has failed. Elsewhere it is biased: the longest responses are the ones still going on, and leaving them out makes
# responses look short. The Kaplan–Meier estimate keeps them in, as censored; here death without failure ends a
# response as well.

# %%
duration = survival.estimates(study, "DOR")
say(duration, "By Kaplan–Meier, the median duration of response was {dor.median:full}; it had ended in "
    "{dor.median:events} of {dor.median:n} responders.")

# %% [markdown] tags=["car-t"]
# The paper could use the simple median *because* its patients were selected for having failed. The same
# selection means that its median says nothing about the responses of all CAR T-cell recipients, many of which
# last.

# %%
rows = results.save([table_1, responses, times, duration], study.name, "02_characteristics", results_dir)
ledger_page.beside(study, rows)
consistent_page.beside(study, rows)

# %% [markdown]
# ## Cautions
#
# - Similar P values do not make groups comparable, and a small one does not make a factor a confounder.
# - Where groups stand side by side, every line of the table is a comparison. With many of them, some P values fall below 0.05 by chance alone.
# - Vital status at last follow-up is an outcome, although it stands among the characteristics. It depends on how long each
#   group was followed.

# %% [markdown] tags=["speaks-of:last_disease_status"]
# - Disease status at last follow-up is an outcome as well, and depends on how often somebody looked.

# %% [markdown] tags=["speaks-of:best_response"]
# - Best response is known only after the fact: patients who respond have, by definition, lived until the assessment.

# %% [markdown]
# ## What to take away
#
# - A Table 1 describes. Its P values answer whether chance made the groups, and in a study without randomisation nobody asked chance.
# - Look at how large a difference is, and at how strongly the factor acts on the outcome. That product is what confounds.
# - A share needs its denominator: of all patients, of those tested, or of those who responded?

# %% [markdown]
# ## Exercises

# %%
exercises.show(study, rows, "02_characteristics.yml")

# %% [markdown]
# ### Exercise 1
#
# How many of the tests in the table have P below 0.05? How many would you expect if the groups differed in
# nothing and the tests were independent?

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
known = table_1.loc[table_1["statistic"] == "p", "value"].dropna()
counted = public(results.collect([results.row("tests.all", "count", len(known)),  # tests are no patients
                                  results.row("tests.low", "count", int((known < 0.05).sum())),
                                  results.row("tests.expected", "estimate", 0.05 * len(known))]))
say(counted if len(known) else apart, "Of {tests.all} tests, P is below 0.05 in {tests.low}. Chance alone would give "
    "5% of them: {tests.expected} on average. The tests are not independent, though: such factors go together, and a score "
    "that is built from several others repeats them. The count does not tell which differences matter; their size does.")

# %% [markdown]
# ### Exercise 2
#
# Performance status has several levels with few patients, so its chi-square approximation is doubtful. Check it: shuffle
# the patients among the groups many times and count how often chance produces a chi-square as large as the observed one.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the solution"}
reason = study.lacks("ecog") or study.lacks_groups
checked = disclosure.skipped(study, "table1.ecog.permutation", reason) if reason else disclosure.protect(study, results.collect([
    table_1, summaries.association_by_permutation(study.patients, "ecog", study.groups, "table1.ecog.permutation",
                                                   least=study.min_cell_count)]))
say(checked, "The approximation gives {table1.ecog.p} ({table1.ecog.p:note}); the {table1.ecog.permutation:method} gives "
    "{table1.ecog.permutation}. Where the two disagree, trust the second.")
