# The chapters' numbers, computed by R from the cohort's CSV files, keyed by the chapters' own result ids.
#
#   Rscript tests/r/cohort.R analysis_lib/data/reconstructed > tests/r/cohort.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "derived.R"))
series_csv <- file.path(here, "..", "..", "analysis_lib", "paper", "series.csv")
series <- read.csv(series_csv, na.strings = "")

add_estimates <- function(prefix, frame, by = NULL, months = c(12, 24)) {
  groups <- if (is.null(by)) list(frame) else split(frame, frame[[by]])
  for (i in seq_along(groups)) {
    group <- groups[[i]]
    id <- function(what) if (is.null(by)) paste(prefix, what, sep = ".") else slug(prefix, what, by, names(groups)[i])
    fit <- survfit(Surv(days, event) ~ 1, data = group, conf.type = "log")
    counts <- list(n = nrow(group), events = sum(group$event))
    q <- km_median(fit) / MONTH
    do.call(add, c(list(id("median"), q[1], q[2], q[3]), counts))
    for (month in months) {
      s <- 100 * km_at(fit, month * MONTH)
      do.call(add, c(list(id(paste0("rate", month)), s[1], s[2], s[3]), counts))
      do.call(add, c(list(id(paste0("at_risk", month)), sum(group$days >= month * MONTH)), counts))
    }
  }
  if (!is.null(by)) {
    known <- frame[!is.na(frame[[by]]), ]
    add(slug(prefix, "logrank", by), logrank_p(known$days, known$event, known[[by]]), n = nrow(known), events = sum(known$event))
  }
}

# Each pair of groups, in the order of their levels: log-rank tests with Holm's correction.
add_pairs <- function(prefix, frame, by, levels) {
  pairs <- combn(intersect(levels, frame[[by]]), 2)
  groups <- apply(pairs, 2, function(two) frame[frame[[by]] %in% two, ], simplify = FALSE)
  corrected <- p.adjust(sapply(groups, function(pair) logrank_p(pair$days, pair$event, pair[[by]])), "holm")
  for (i in seq_along(groups))
    add(slug(prefix, "pairwise", by, paste(pairs[, i], collapse = " vs ")), corrected[i], n = nrow(groups[[i]]),
        events = sum(groups[[i]]$event))
}

# --- 01 cohort --------------------------------------------------------------------------------------------------

add("flow.database", nrow(screening))
add("flow.not_included", sum(screening$included == "no"))
reasons <- table(screening$exclusion_reason[screening$included == "no"])
for (reason in names(reasons)) add(slug("flow.not_included", reason), reasons[[reason]])
add("flow.included", nrow(patients))
any_rt <- patients$patient_id %in% c(sites$patient_id, lines$patient_id[lines$modality %in% c("RT", "CMT")]) |
  patients$salvage_regimen %in% c("RT", "CMT")
add("flow.any_rt", sum(any_rt), n = nrow(patients))
for (regimen in REGIMENS) {
  mine <- is(patients$salvage_regimen, regimen)
  add(slug("flow.salvage_regimen", regimen), sum(mine))
  add(slug("flow.any_rt.salvage_regimen", regimen), sum(any_rt & mine), n = sum(mine))
}
if (any(is.na(patients$salvage_regimen))) add("flow.salvage_regimen.unknown", sum(is.na(patients$salvage_regimen)))
add_spread("lines.per_patient", tapply(lines$line, lines$patient_id, max), RANGE)
add_spread("salvage.time", patients$salvage_start_day, unit = MONTH)

for (name in c("os1", "os2")) {
  frame <- ENDPOINTS[[name]]
  counts <- list(n = nrow(frame), events = sum(frame$event))
  q <- quantile(frame$days, c(0.5, 0.25, 0.75), type = 7, names = FALSE) / MONTH
  do.call(add, c(list(paste0(name, ".follow_up.naive"), q[1], q[2], q[3]), counts))
  r <- km_median(survfit(Surv(days, !event) ~ 1, data = frame, conf.type = "log")) / MONTH
  do.call(add, c(list(paste0(name, ".follow_up.reverse_km"), r[1], r[2], r[3]), counts))
}
add_spread("follow_up.alive", patients$last_follow_up_day[!patients$dead], unit = MONTH)

for (name in names(ENDPOINTS)) {
  frame <- ENDPOINTS[[name]]
  possible <- list(efs1 = NEW, efs2 = NEW, ttnt = NEW[2:3], dor = NEW[c(1, 3)], lc = "in-field progression")[[name]]
  if (is.null(possible)) possible <- "death"
  for (what in possible)
    add(slug(name, "ended_by", what), sum(is(frame$ended_by, what)), n = nrow(frame), events = sum(frame$event))
  censored <- if (name == "lc") "last follow-up or death" else "alive at last follow-up"
  add(slug(name, "ended_by", censored), sum(!frame$event), n = nrow(frame), events = sum(frame$event))
}

# --- 02 characteristics -----------------------------------------------------------------------------------------

columns <- c(split(patients, factor(patients$salvage_regimen, REGIMENS)), list(all = patients))
columns <- columns[sapply(columns, nrow) > 0]
for (name in names(columns)) add(slug("table1.n", name), nrow(columns[[name]]))
for (variable in TABLE_1) {
  tested <- function(frame) if (variable == "bulky_disease") frame[!is(frame$cns_disease, "yes"), ] else frame
  everyone <- tested(patients)
  for (name in names(columns)) {
    values <- tested(columns[[name]])[[variable]]
    for (level in sort(unique(everyone[[variable]])))
      add_proportion(slug("table1", variable, level, name), sum(is(values, level)), length(values))
    if (any(is.na(everyone[[variable]])))
      add_proportion(slug("table1", variable, "missing", name), sum(is.na(values)), length(values))
  }
  add(slug("table1", variable, "p"), pearson_p(everyone[[variable]], everyone$salvage_regimen),
      n = sum(!is.na(everyone[[variable]]) & !is.na(everyone$salvage_regimen)))
}

p <- sapply(TABLE_1, function(variable) rows[[slug("table1", variable, "p")]]$value)
add("tests.all", sum(!is.na(p)))
add("tests.low", sum(p < 0.05, na.rm = TRUE))
add("tests.expected", 0.05 * sum(!is.na(p)))

known <- patients$best_response[!is.na(patients$best_response)]
add_proportion("response.orr", sum(known %in% c("CR", "PR")), length(known))
for (level in RESPONSES) add_proportion(slug("response", level), sum(known == level), length(known))
add_spread("response.first_assessment", patients$first_assessment_day)
add_spread("response.time_to_cr", patients$complete_response_day[is(patients$best_response, "CR")], RANGE, MONTH)
responders <- patients[is(patients$responder, "yes"), ]
add_spread("response.duration", responders$failure_day - responders$response_day, unit = MONTH)
add_spread("response.until_failure", responders$failure_day, unit = MONTH)
add_estimates("dor", ENDPOINTS$dor)

# --- 03 failure -------------------------------------------------------------------------------------------------

add_spread("failure.time", patients$failure_day, unit = MONTH)
pattern <- patients$failure_pattern[!is.na(patients$failure_pattern)]
for (level in c("local", "local and de novo", "de novo"))
  add_proportion(slug("failure.pattern", level), sum(pattern == level), length(pattern))
add_proportion("failure.any_local", sum(pattern != "de novo"), length(pattern))
cd19 <- patients$cd19_at_failure
add_proportion("cd19.evaluated", sum(!is.na(cd19)), length(cd19))
for (level in c("positive", "negative")) add_proportion(slug("cd19", level), sum(is(cd19, level)), sum(!is.na(cd19)))
add_proportion("cd19.bounds.lowest", sum(is(cd19, "negative")), length(cd19))
add_proportion("cd19.bounds.highest", sum(is(cd19, "negative") | is.na(cd19)), length(cd19))
failed <- patients[!is.na(patients$failure_day) & !is.na(patients$failure_pattern), ]
early <- ifelse(failed$failure_day <= 91, "early", "late")
add_proportion("failure.early", sum(early == "early"), nrow(failed))
for (when in c("early", "late"))
  add_proportion(slug("failure", when, "any_local"), sum(failed$failure_pattern[early == when] != "de novo"), sum(early == when))
add("failure.early.pattern", pearson_p(failed$failure_pattern, early), n = nrow(failed))

# --- 04 survival ------------------------------------------------------------------------------------------------

for (name in c("os1", "efs1", "os2", "efs2")) add_estimates(name, ENDPOINTS[[name]])
add_estimates("os2", ENDPOINTS$os2, "salvage_sequence")
SEQUENCES <- c("RT", "CMT", "ST", "ST then RT", "RT then ST")
add_pairs("os2", ENDPOINTS$os2, "salvage_sequence", SEQUENCES)
add_estimates("efs2", ENDPOINTS$efs2, "salvage_regimen")

# --- 05 radiotherapy --------------------------------------------------------------------------------------------

treated <- patients[patients$patient_id %in% sites$patient_id, ]
add_proportion("rt.patients", nrow(treated), nrow(patients))
add("rt.courses", nrow(unique(sites[c("patient_id", "course")])))
add("rt.sites", nrow(sites))
add_spread("rt.sites_per_patient", as.vector(table(sites$patient_id)), RANGE)
add_spread("rt.start", courses$rt_start_day, unit = MONTH)
bridged <- with(treated, ifelse(is.na(bridging_radiotherapy) & is(bridging_therapy, "no"), "no", bridging_radiotherapy))
add_proportion("rt.bridged", sum(is(bridged, "yes")), sum(!is.na(bridged)))
again <- sites$patient_id[is(sites$previously_irradiated, "yes")]
add_proportion("rt.same_site", sum(treated$patient_id[is(bridged, "yes")] %in% again), sum(is(bridged, "yes")))
for (what in c("region", "technique")) {
  values <- sites[[what]][!is.na(sites[[what]])]
  for (level in unique(values)) add_proportion(slug(paste0("rt.", what), level), sum(values == level), length(values))
}
lacks_details <- function(sites) sum(!complete.cases(sites[c("technique", "dose_gy", "fractions")]))
add_doses <- function(prefix, bed) {
  id <- function(what) paste0(prefix, what)
  add_spread(id("rt.dose"), sites$dose_gy, RANGE)
  add_spread(id("rt.fractions"), sites$fractions, RANGE)
  add_spread(id("rt.bed"), bed, RANGE)
  add_proportion(id("rt.high_bed"), sum(bed > 30, na.rm = TRUE), sum(!is.na(bed)))
  add_proportion(id("rt.incomplete"), lacks_details(sites), nrow(sites))
}
add_doses("", sites$bed)
add_doses("late.", bed(sites, 3))
add_proportion("rt.assessable", sum(!is.na(sites$bulky_site)), nrow(sites))
add_proportion("rt.not_assessable", sum(is.na(sites$bulky_site)), nrow(sites))
add_proportion("rt.bulky", sum(is(sites$bulky_site, "yes")), sum(!is.na(sites$bulky_site)))

entered <- sites[!is.na(sites$in_field_response), ]
lost <- entered[entered$in_field_response == "not evaluable", ]
add_proportion("infield.evaluable", nrow(assessable), nrow(entered))
add_proportion("infield.not_evaluable", nrow(lost), nrow(entered))
for (level in intersect(RESPONSES, assessable$in_field_response))
  add_proportion(slug("infield.response", level), sum(assessable$in_field_response == level), nrow(assessable))
if (nrow(lost)) {
  lost <- lost[!duplicated(lost[c("patient_id", "course")]), ]
  whose <- unique(lost$patient_id)
  add("infield.not_evaluable.patients", length(whose))
  add_spread("infield.not_evaluable.follow_up", of(lost$patient_id, "last_follow_up_day") - lost$rt_start_day, RANGE, MONTH)
  add_proportion("infield.not_evaluable.died", sum(of(whose, "dead")), length(whose))
}

lc <- ENDPOINTS$lc
add_estimates("lc", lc)
clustered <- survfit(Surv(days, event) ~ 1, data = lc, cluster = patient_id, conf.type = "log")
for (month in c(12, 24)) {
  s <- 100 * km_at(clustered, month * MONTH)
  add(paste0("lc.rate", month, ".clustered"), s[1], s[2], s[3], n = nrow(lc), events = sum(lc$event))
}
add_proportion("lc.progressed", sum(lc$event), nrow(lc))
add("lc.patients", length(unique(lc$patient_id)))
add_spread("lc.time_to_progression", lc$days[lc$event], RANGE, MONTH)
add_spread("lc.time_to_progression.iqr", lc$days[lc$event], unit = MONTH)
add_estimates("lc", lc, "bulky_site")

sized <- sites[!is.na(sites$bed) & !is.na(sites$bulky_site), ]
for (level in c("yes", "no")) {
  doses <- sized$bed[sized$bulky_site == level]
  if (length(doses)) add_proportion(slug("bed.high.bulk", level), sum(doses > 30), length(doses))
}
add("bed.high.bulk.p", fisher_if_sparse_p(sized$bed > 30, sized$bulky_site), n = nrow(sized))
dosed <- lc[!is.na(lc$bed), ]
outcome <- ifelse(dosed$event, "failed", "controlled")
for (level in unique(outcome)) add_spread(slug("bed.control", level), dosed$bed[outcome == level], RANGE)
add("bed.control.p", rank_p(dosed$bed, outcome), n = nrow(dosed))

# --- 06 comprehensive and focal ---------------------------------------------------------------------------------

add("first.patients", nrow(courses))
add("first.sites", nrow(first_sites))
add_spread("first.sites_per_patient", courses$n_sites, RANGE)
add_proportion("first.incomplete", lacks_details(first_sites), nrow(first_sites))
FIELDS <- intersect(c("comprehensive", "focal"), courses$rt_field)
first_entered <- first_sites[!is.na(first_sites$in_field_response), ]
first_evaluable <- first_entered[first_entered$in_field_response != "not evaluable", ]
for (field in FIELDS) {
  mine <- courses[is(courses$rt_field, field), ]
  add_proportion(slug("first.patients", field), nrow(mine), sum(!is.na(courses$rt_field)))
  add(slug("first.sites", field), sum(is(first_sites$rt_field, field)))
  add_spread(slug("first.dose", field), first_sites$dose_gy[is(first_sites$rt_field, field)], RANGE)
  for (factor in BASELINE)
    add_proportion(slug("first", factor, field), sum(is(mine[[factor]], "yes")), sum(!is.na(mine[[factor]])))
  evaluable <- first_evaluable[is(first_evaluable$rt_field, field), ]
  add_proportion(slug("first.evaluable", field), nrow(evaluable), sum(is(first_entered$rt_field, field)))
  for (level in intersect(RESPONSES, first_evaluable$in_field_response))
    add_proportion(slug("first.response", field, level), sum(evaluable$in_field_response == level), nrow(evaluable))
  add_proportion(slug("first.low_bed", field), sum(mine$bed <= 30, na.rm = TRUE), sum(!is.na(mine$bed)))
  add_proportion(slug("first.limited", field), sum(is(mine$advanced_stage, "no")), sum(!is.na(mine$stage)))
}
for (factor in BASELINE) add(slug("first", factor, "p"), fisher_if_sparse_p(courses[[factor]], courses$rt_field),
                             n = sum(!is.na(courses[[factor]]) & !is.na(courses$rt_field)))
add("first.dose.p", rank_p(first_sites$dose_gy, first_sites$rt_field),
    n = sum(!is.na(first_sites$dose_gy) & !is.na(first_sites$rt_field)))

osrt <- ENDPOINTS$osrt
for (by in c("rt_field", "bed_group", "comprehensive_sites", "further_therapy")) add_estimates("osrt", osrt, by)
late <- osrt
late$bed_group <- bed_group(highest_bed(3))
add_estimates("late.osrt", late, "bed_group")
limited <- osrt[!is.na(osrt$further_therapy), ]
add_proportion("further.patients", sum(!is.na(limited$wait)), nrow(limited))
add_spread("further.wait", limited$wait, RANGE, MONTH)
add("further.mantel_byar", mantel_byar_p(limited$days, limited$event, limited$wait), n = nrow(limited), events = sum(limited$event))

both <- patients[!is.na(patients$transplant_day) & patients$patient_id %in% sites$patient_id, ]
if (nrow(both)) {
  starts <- lapply(both$patient_id, function(id) sites$rt_start_day[sites$patient_id == id])
  first_rt <- sapply(starts, min)
  rt_after <- mapply(function(s, t) if (any(s > t)) min(s[s > t]) else NA, starts, both$transplant_day)
  before <- first_rt <= both$transplant_day
  add("hsct.patients", nrow(both))
  add_proportion("hsct.rt_first", sum(before), nrow(both))
  add_proportion("hsct.rt_again", sum(before & !is.na(rt_after)), sum(before))
  add_proportion("hsct.rt_after", sum(!before), nrow(both))
  add_proportion("hsct.alive", sum(!both$dead), nrow(both))
  times <- list(rt_to_transplant = (both$transplant_day - first_rt)[before],
                transplant_to_rt_again = (rt_after - both$transplant_day)[before & !is.na(rt_after)],
                transplant_to_rt_after = (rt_after - both$transplant_day)[!before],
                follow_up = both$last_follow_up_day - both$transplant_day)
  for (what in names(times)) if (length(times[[what]])) add_spread(slug("hsct", what), times[[what]], RANGE, MONTH)
  status <- both$last_disease_status[!is.na(both$last_disease_status)]
  for (level in unique(status)) add_proportion(slug("hsct.last_status", level), sum(status == level), length(status))
}

# --- 07 prognostic factors --------------------------------------------------------------------------------------

for (name in c("os1", "os2", "efs2")) {
  factors <- if (name == "os1") AT_INDEX else AT_SALVAGE
  p <- c()
  for (factor in factors) {
    add_estimates(name, ENDPOINTS[[name]], factor, months = c())
    add_cox(name, factor, "uv")
    p[factor] <- rows[[slug(name, "logrank", factor)]]$value
  }
  p <- p[!is.na(p)]
  add(slug(name, "uv.small_p"), sum(p < 0.05), n = length(p), events = sum(p < 0.05))
  add(slug(name, "uv.by_chance"), 0.05 * length(p), n = length(p))
  corrected <- p.adjust(p, "holm")
  for (factor in names(p)) {
    test <- rows[[slug(name, "logrank", factor)]]
    add(slug(name, "holm", factor), corrected[[factor]], n = test$n, events = test$events)
  }
  add(slug(name, "holm.small_p"), sum(corrected < 0.05), n = length(p), events = sum(corrected < 0.05))
}
add_cox("os1", AT_INDEX, "mv")
for (name in c("os2", "efs2")) add_cox(name, c("advanced_stage", "ldh_elevated"), "mv")
add_cox("os2", c("advanced_stage", "ldh_elevated", "high_ipi"), "with_ipi")
for (factor in c("ldh_elevated", "advanced_stage")) for (level in c("yes", "no")) {
  part <- patients[is(patients[[factor]], level) & !is.na(patients$high_ipi), ]
  if (nrow(part)) add_proportion(slug("high_ipi", factor, level), sum(part$high_ipi == "yes"), nrow(part))
}

# --- 08 in context ----------------------------------------------------------------------------------------------

# Inverse variance on the logit scale; Paule and Mandel's variance between series makes the weighted sum of squares
# equal its expectation, the number of series minus one.
pool <- function(events, n) {
  effect <- log(events / (n - events))
  variance <- 1 / events + 1 / (n - events)
  q <- function(tau2) { w <- 1 / (variance + tau2); sum(w * (effect - sum(w * effect) / sum(w))^2) }
  df <- length(n) - 1
  tau2 <- if (q(0) <= df) 0 else uniroot(function(t) q(t) - df, c(0, 100), tol = 1e-14)$root
  share <- function(tau2) {
    w <- 1 / (variance + tau2)
    100 * plogis(sum(w * effect) / sum(w) + c(0, -1, 1) * qnorm(0.975) / sqrt(sum(w)))
  }
  list(fixed = share(0), random = share(tau2), q = q(0), df = df, tau2 = tau2)
}

add_pooled <- function(prefix, series) {
  fit <- pool(series$events, series$n)
  total <- list(n = sum(series$n), events = sum(series$events))
  put <- function(id, ...) do.call(add, c(list(paste(prefix, id, sep = "."), ...), total))
  put("fixed", fit$fixed[1], fit$fixed[2], fit$fixed[3])
  put("random", fit$random[1], fit$random[2], fit$random[3])
  put("heterogeneity", pchisq(fit$q, fit$df, lower.tail = FALSE))
  put("i2", 100 * max(0, (fit$q - fit$df) / fit$q))
  put("tau2", fit$tau2)
}

own <- series[series$key == "ababneh2023", ]
results_print <- own[own$place == "Results", ]
discussion_prints <- own[own$place == "Discussion", ]
pooled <- series[series$place != "Discussion" | series$key != "ababneh2023", ]
swapped <- series[series$place != "Results" | series$key != "ababneh2023", ]
for (i in seq_len(nrow(pooled))) {
  add_proportion(slug("context", pooled$key[i]), pooled$events[i], pooled$n[i])
  rest <- pooled[-i, ]
  random <- pool(rest$events, rest$n)$random
  add(slug("context.without", pooled$key[i]), random[1], random[2], random[3], n = sum(rest$n), events = sum(rest$events))
}
add_proportion("context.cohort", sum(pattern != "de novo"), length(pattern))
add_pooled("context.pooled", pooled)
add_pooled("context.swapped", swapped)
add_proportion("context.printed.results", results_print$events, results_print$n)
add_proportion("context.printed.discussion", discussion_prints$events, discussion_prints$n)
add("context.printed.more_failures", discussion_prints$events - results_print$events)
add("context.printed.more_patients", discussion_prints$n - results_print$n)
add("context.printed.shift", 100 * (discussion_prints$events / discussion_prints$n - results_print$events / results_print$n))

# ----------------------------------------------------------------------------------------------------------------

print_rows("cohort", c(file.path(folder, FILES), series_csv))
