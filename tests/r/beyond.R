# The numbers of chapter 9, computed by R from the cohort's CSV files, keyed by the chapter's own result ids. What is drawn by
# chance (bootstrap samples, imputations) is left out: tests/r/remedies.R computes it with the same draws in both programs.
#
#   Rscript tests/r/beyond.R analysis_lib/data/reconstructed > tests/r/beyond.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "derived.R"))
suppressPackageStartupMessages(library(cmprsk))

ADJUST <- c("advanced_stage", "ldh_elevated")
FEWEST <- 5  # with fewer in the smaller group the chapter compares nothing
ENDPOINTS$os2$salvage_regimen <- factor(ENDPOINTS$os2$salvage_regimen, REGIMENS)
os1 <- ENDPOINTS$os1; os2 <- ENDPOINTS$os2; osrt <- ENDPOINTS$osrt
column <- function(x) data.frame(x = as.numeric(x))

# The hazard ratio of the first term of a model, adjusted for the others.
add_ratio <- function(id, frame, terms, n = nrow(frame), ...) {
  response <- if (is.null(frame$start)) with(frame, Surv(days, event)) else with(frame, Surv(start, days, event))
  # without an event in one group no finite estimate exists, and the penalty gives one
  r <- if (ncol(terms) == 1 && any(tapply(frame$event, terms[[1]], sum) == 0)) firth(frame, names(terms))[1, c("hr", "lower", "upper")]
  else summary(coxph(response ~ ., data = terms, ties = "efron", control = TO_CONVERGENCE, ...))$conf.int[1, c(1, 3, 4)]
  add(id, r[[1]], r[[2]], r[[3]], n = n, events = sum(frame$event))
}

# --- immortal time ----------------------------------------------------------------------------------------------

MODALITIES <- list(ST = c("RT", "CMT"), RT = c("ST", "CMT", "HSCT", "CAR T"))
for (first in names(MODALITIES)) {
  id <- function(what) slug("immortal", first, what)
  frame <- os2[is(os2$salvage_regimen, first), ]
  begun <- lines[lines$line > 1 & lines$modality %in% MODALITIES[[first]], ]
  begun <- tapply(begun$line_start_day, begun$patient_id, min)
  frame$entered <- as.vector(begun[frame$patient_id]) - frame$salvage_start_day
  ever <- !is.na(frame$entered)
  day <- round(3 * MONTH)
  add_proportion(id("entered"), sum(ever), nrow(frame))
  add_spread(id("wait"), frame$entered, RANGE, MONTH)
  add_proportion(id("early"), sum(frame$event & frame$days <= day), sum(frame$event))
  add_ratio(id("naive"), frame, column(ever))
  counts <- list(n = nrow(frame), events = sum(frame$event))
  do.call(add, c(list(id("logrank"), logrank_p(frame$days, frame$event, ever)), counts))
  do.call(add, c(list(id("mantel_byar"), mantel_byar_p(frame$days, frame$event, frame$entered)), counts))
  late <- from_landmark(frame, day)
  add_ratio(id("landmark"), late, late["inside"])
  pieces <- split_at_entry(frame)
  add_ratio(id("timed"), pieces, pieces["inside"], n = nrow(frame))
  add_ratio(id("adjusted"), pieces, cbind(pieces["inside"], design(pieces, ADJUST)), n = nrow(frame))
}

for (level in c("yes", "no"))
  add_spread(slug("immortal.wait", level), os1$salvage_start_day[is(os1$responder, level)], RANGE, MONTH)
waited <- os1[!is.na(os1$responder) & !is.na(os1$salvage_start_day), ]
add_ratio("immortal.response.naive", waited, design(waited, "responder"))
add_ratio("immortal.response.salvage", transform(waited, days = days - salvage_start_day), design(waited, "responder"))
waited <- transform(waited[waited$days > waited$salvage_start_day, ], start = salvage_start_day)
add_ratio("immortal.response.delayed", waited, design(waited, "responder"))

# --- local failure ----------------------------------------------------------------------------------------------

lc <- ENDPOINTS$lc
lc$cause <- ifelse(lc$event, 1, 2 * of(lc$patient_id, "dead"))
for (month in c(12, 24)) {
  day <- month * MONTH
  put <- function(what, value, of = 1) {
    limits <- if (length(value) > 1) list(100 * value[2], 100 * value[3])
    n <- list(n = nrow(lc), events = sum(lc$cause == of & lc$days <= day))
    do.call(add, c(list(paste0("failure.", what), 100 * value[1]), limits, n))
  }
  km <- 1 - km_at(survfit(Surv(days, event) ~ 1, data = lc, conf.type = "log"), day)[c(1, 3, 2)]
  put(paste0("rate", month, ".km"), km)
  put(paste0("rate", month, ".aj"), incidence_at(lc, day, 1))
  put(paste0("rate", month, ".death"), incidence_at(lc, day, 2), of = 2)
  put(paste0("rate", month, ".clustered"), jackknifed_incidence(lc, lc$patient_id, day, 1))
  put(paste0("excess", month), km[1] - incidence_at(lc, day, 1)[1])
}

for (by in c("bulky_site", "rt_field")) {
  known <- lc[!is.na(lc[[by]]), ]
  id <- function(what) paste("failure", by, what, sep = ".")
  x <- column(known[[by]] %in% c("yes", "focal"))
  of_cause <- function(one) transform(known, event = cause == one)
  add_ratio(id("cause_specific"), of_cause(1), x)
  add_ratio(id("clustered"), of_cause(1), x, cluster = known$patient_id)
  add_ratio(id("death"), of_cause(2), x, cluster = known$patient_id)
  fit <- fine_gray(known, x, 1)
  add(id("fine_gray"), exp(fit$coef), fit$lower, fit$upper, n = nrow(known), events = sum(known$cause == 1))
  add(id("gray"), gray(known, x$x, 1)[["p"]], n = nrow(known), events = sum(known$cause == 1))
}

# --- weighting --------------------------------------------------------------------------------------------------

CONFOUNDERS <- c("advanced_stage", "ldh_elevated", "poor_performance", "two_or_more_sites", "extranodal_disease", "cns_disease")
alone <- os2[os2$salvage_regimen %in% c("RT", "ST"), ]
alone <- alone[complete.cases(alone[CONFOUNDERS]), ]
treated <- alone$salvage_regimen == "RT"
score <- propensity(design(alone, CONFOUNDERS), treated)
weights <- weights_of(score, treated)
for (group in c("rt", "st")) {
  mine <- treated == (group == "rt")
  add_spread(slug("weighted.score", group), 100 * score[mine], RANGE)
  for (kind in c("iptw", "overlap")) add(slug("weighted.size", kind, group), effective_size(weights[[kind]][mine]), n = sum(mine))
}
within_reach <- range(score[treated]) + c(-1e-9, 1e-9)  # patients with the same factors have the same score but for rounding
outside <- sum(score[!treated] < within_reach[1] | score[!treated] > within_reach[2])
add("weighted.outside", 100 * outside / sum(!treated), n = sum(!treated), events = outside)

for (kind in names(weights)) {
  for (factor in c(CONFOUNDERS, "over_60", "bulky_disease")) {
    known <- !is.na(alone[[factor]])
    found <- standardised_difference(as.numeric(alone[[factor]] == "yes")[known], treated[known], weights[[kind]][known])
    add(slug("balance", factor, kind), found, n = sum(known))
  }
  differences <- sapply(CONFOUNDERS, function(factor) rows[[slug("balance", factor, kind)]]$value)
  add(slug("balance", kind, "largest"), max(abs(differences)), n = length(CONFOUNDERS))
}

systemic <- column(!treated)
add_ratio("weighted.os2.crude", alone, systemic)
add_ratio("weighted.os2.stage_ldh", alone, cbind(systemic, design(alone, ADJUST)))
add_ratio("weighted.os2.adjusted", alone, cbind(systemic, design(alone, CONFOUNDERS)))
for (kind in c("iptw", "overlap")) {
  alone$weight <- weights[[kind]]
  add_ratio(slug("weighted.os2", kind), alone, systemic, weights = alone$weight, robust = TRUE)
}
for (model in c("crude", "stage_ldh", "adjusted", "iptw", "overlap")) {
  id <- slug("weighted.os2", model)
  ratio <- rows[[id]]
  put <- function(what, hr) add(paste(id, what, sep = "."), e_value(risk_ratio(hr)), n = ratio$n, events = ratio$events)
  put("e_value", ratio$value)
  put("e_limit", nearest_to_1(ratio$lower, ratio$upper))
}

# --- field and dose ---------------------------------------------------------------------------------------------

# A hazard ratio unless one of the groups of its first term is too small.
add_if_enough <- function(id, frame, terms, ...)
  if (min(sum(terms[[1]] == 1), sum(terms[[1]] == 0)) >= FEWEST) add_ratio(id, frame, terms, ...)

staged <- osrt[!is.na(osrt$rt_field) & !is.na(osrt$stage), ]
focal_of <- function(frame) column(is(frame$rt_field, "focal"))
add_ratio("field.crude", staged, focal_of(staged))
for (level in c("no", "yes")) {
  stage <- if (level == "yes") "advanced" else "limited"
  of_stage <- staged[staged$advanced_stage == level, ]
  for (field in c("comprehensive", "focal")) {
    of_field <- of_stage[of_stage$rt_field == field, ]
    add_proportion(slug("field", stage, field), sum(of_field$event), nrow(of_field))
  }
  add_if_enough(slug("field", stage), of_stage, focal_of(of_stage))
}
within <- summary(coxph(Surv(days, event) ~ (rt_field == "focal") + strata(advanced_stage), data = staged, ties = "efron",
                        control = TO_CONVERGENCE))$conf.int
add("field.within", within[1], within[3], within[4], n = nrow(staged), events = sum(staged$event))

dosed <- osrt[!is.na(osrt$bed_group), ]
dosed$focal <- yes_if(is(dosed$rt_field, "focal"))
dosed$low <- dosed$bed_group == "le 30 Gy"
for (factor in c("focal", "advanced_stage", "poor_performance", "ldh_elevated", "high_ipi", "two_or_more_sites", "bulky_disease"))
  for (group in c("high", "low")) {
    values <- dosed[[factor]][dosed$low == (group == "low")]
    add_proportion(slug("dose", factor, group), sum(is(values, "yes")), sum(!is.na(values)))
  }
low_of <- function(frame, factors = c()) if (length(factors)) cbind(column(frame$low), design(frame, factors)) else column(frame$low)
known <- known_of(dosed, ADJUST)
only_focal <- dosed[dosed$focal == "yes", ]
late <- from_landmark(transform(dosed, entered = 0), round(1 * MONTH))
add_if_enough("dose.crude", dosed, low_of(dosed))
add_if_enough("dose.stage_ldh", known, low_of(known, ADJUST))
add_if_enough("dose.field", dosed, low_of(dosed, "focal"))
add_if_enough("dose.focal", only_focal, low_of(only_focal))
add_if_enough("dose.landmark", late, low_of(late))

# --- many tests -------------------------------------------------------------------------------------------------

# The comparisons that the paper reports.
not_cns <- patients[!is(patients$cns_disease, "yes"), ]
sized <- sites[!is.na(sites$bed) & !is.na(sites$bulky_site), ]
measured <- lc[!is.na(lc$bed), ]
of_patients <- c(
  sapply(TABLE_1, function(by) with(if (by == "bulky_disease") not_cns else patients, pearson_p(get(by), salvage_regimen))),
  sapply(BASELINE, function(by) fisher_if_sparse_p(courses[[by]], courses$rt_field)),
  rank_p(first_sites$dose_gy, first_sites$rt_field), fisher_if_sparse_p(sized$bed > 30, sized$bulky_site),
  rank_p(measured$bed, measured$event))

IN_THE_PAPER <- setdiff(AT_SALVAGE, "cns_disease")
COMPARED <- list(os1 = AT_INDEX, os2 = c(IN_THE_PAPER, "salvage_sequence"), efs2 = c(IN_THE_PAPER, "salvage_regimen"),
                 lc = "bulky_site", osrt = c("rt_field", "bed_group", "comprehensive_sites", "further_therapy"))
logranks <- unlist(lapply(names(COMPARED), function(name) sapply(COMPARED[[name]], function(by)
  with(ENDPOINTS[[name]], logrank_p(days, event, get(by))))))
wald_p <- function(frame, factors) summary(coxph(Surv(frame$days, frame$event) ~ ., data = design(frame, factors),
                                                 ties = "efron", control = TO_CONVERGENCE))$coefficients[, "Pr(>|z|)"]
models <- c(wald_p(os1, AT_INDEX)["responder"], wald_p(os2, ADJUST), wald_p(ENDPOINTS$efs2, ADJUST))

for (family in c("all", "outcomes")) {
  p <- c(if (family == "all") of_patients, logranks, models)
  put <- function(what, value) add(slug("multiplicity", family, what), value, n = length(p))
  put("raw", sum(p < 0.05))
  put("by_chance", 0.05 * length(p))
  put("holm", sum(p.adjust(p, "holm") < 0.05))
  put("bh", sum(p.adjust(p, "BH") < 0.05))
}

# --- missing values ---------------------------------------------------------------------------------------------

groups <- list(patients, patients[is(patients$cns_disease, "yes"), ], patients[is(patients$cns_disease, "no"), ])
for (i in 1:3) add_proportion(paste0("missing.bulky_disease", c("", ".cns", ".other")[i]), sum(is.na(groups[[i]]$bulky_disease)),
                              nrow(groups[[i]]))
frame <- known_of(os2, setdiff(CONFOUNDERS, "cns_disease"))  # what an imputation would be made from
bulky <- as.numeric(frame$bulky_disease == "yes")
answers <- list(complete = bulky, none = ifelse(is.na(bulky), 0, bulky), every = ifelse(is.na(bulky), 1, bulky))
for (answer in names(answers)) {
  among <- !is.na(answers[[answer]])
  x <- column(answers[[answer]][among])
  add_ratio(slug("missing.os2", answer), frame[among, ], x)
  add_ratio(slug("missing.os2", answer, "adjusted"), frame[among, ], cbind(x, design(frame[among, ], ADJUST)))
}

frame <- known_of(os2, c(ADJUST, "high_ipi"))
together <- design(frame, c(ADJUST, "high_ipi"))
inflation <- variance_inflation(together)
for (factor in names(together)) {
  id <- function(what) slug("collinear", factor, what)
  own <- together[if (factor == "high_ipi") factor else c(factor, setdiff(ADJUST, factor))]
  add_ratio(id("alone"), frame, own)
  add_ratio(id("together"), frame, together[c(factor, setdiff(names(together), factor))])
  add(id("vif"), inflation[[factor]], n = nrow(frame))
  width <- function(what) with(rows[[id(what)]], log(upper) - log(lower))
  add(id("wider"), width("together") / width("alone"), n = nrow(frame))
}

# --- restricted means -------------------------------------------------------------------------------------------

add_mean <- function(id, mean, se, groups) add(id, mean / MONTH, (mean - qnorm(0.975) * se) / MONTH, (mean + qnorm(0.975) * se) / MONTH,
                                               n = sum(sapply(groups, nrow)), events = sum(sapply(groups, function(g) sum(g$event))))
for (one in list(c("os2", 12), c("os2", 24), c("efs2", 12))) {
  frame <- ENDPOINTS[[one[1]]]
  regimens <- split(frame, frame$salvage_regimen)
  means <- lapply(regimens, function(of) rmst(of, as.numeric(one[2]) * MONTH))
  for (regimen in names(regimens)) {
    id <- slug("rmst", one[1], one[2], regimen)
    add_mean(id, means[[regimen]][[1]], means[[regimen]][[2]], regimens[regimen])
    if (regimen != "RT") add_mean(paste0(id, ".less_rt"), means[[regimen]][[1]] - means$RT[[1]],
                                  sqrt(means[[regimen]][[2]]^2 + means$RT[[2]]^2), regimens[c(regimen, "RT")])
  }
}
add_cox("os2", "salvage_regimen", "regimen")

# --- validation -------------------------------------------------------------------------------------------------

for (name in c("os1", "os2", "efs2")) {
  factors <- if (name == "os1") AT_INDEX else ADJUST
  frame <- known_of(ENDPOINTS[[name]], factors)
  fit <- coxph(Surv(frame$days, frame$event) ~ ., data = design(frame, factors), ties = "efron")
  put <- function(what, value) add(slug("validated", name, what), value, n = nrow(frame), events = sum(frame$event))
  put("apparent", fit$concordance[["concordance"]])
  put("epv", sum(frame$event) / ncol(design(frame, factors)))
}

# --- sample size ------------------------------------------------------------------------------------------------

COMPARISONS <- list(
  c("os2", "salvage_regimen", "ST", "RT"), c("os2", "salvage_regimen", "CMT", "RT"), c("efs2", "salvage_regimen", "ST", "RT"),
  c("osrt", "rt_field", "focal", "comprehensive"), c("osrt", "bed_group", "le 30 Gy", "gt 30 Gy"), c("lc", "bulky_site", "yes", "no"),
  c("os1", "car_t_product", "tisa-cel", "axi-cel"), c("os1", "responder", "yes", "no"))
for (one in COMPARISONS) {
  frame <- ENDPOINTS[[one[1]]]
  frame <- frame[frame[[one[2]]] %in% one[3:4], ]
  inside <- frame[[one[2]]] == one[3]
  id <- slug("design", one[1], one[2], one[3])
  add_ratio(id, frame, column(inside))
  put <- function(what, value) add(paste(id, what, sep = "."), value, n = nrow(frame), events = sum(frame$event))
  put("detectable", detectable(sum(frame$event), mean(inside)))
  wanted <- events_needed(rows[[id]]$value, mean(inside))
  put("events", wanted)
  put("patients", ceiling(wanted * nrow(frame) / sum(frame$event)))
}

# ----------------------------------------------------------------------------------------------------------------

print_rows("beyond", file.path(folder, FILES[c("patients", "sites", "lines")]),
           list(cmprsk = json_text(as.character(packageVersion("cmprsk")))))
