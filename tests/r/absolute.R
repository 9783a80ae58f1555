# Adjusted absolute effects and early censoring (chapter 14) on data sets of sets.R, written out in R from survfit, coxph and
# glm. What chance decides is drawn here once and is part of tests/r/absolute.json, so that both programs work on the same draws.
#
#   Rscript tests/r/absolute.R > tests/r/absolute.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "sets.R"))
set.seed(2023)

TREATED <- list(  # treatment, and what the choice of it is explained by
  lung = c("female", "age", "ph"), veteran = c("test", "karno", "age", "small"), ovarian = c("treated", "age"))
SAMPLES <- 20
KINDS <- c("crude", "standardised", "iptw", "trimmed", "overlap", "doubly_robust")
data <- list()

# Heights and areas of step curves that start at 1, one a column, of the same times.
read_all <- function(time, surv, at) {
  time <- c(0, time)
  surv <- rbind(1, surv)
  height <- sapply(at, function(day) surv[max(which(time <= day)), ])
  area <- sapply(at, function(day) colSums(diff(c(pmin(time, day), day)) * surv))
  cbind(matrix(height, ncol(surv)), matrix(area, ncol(surv)))
}
read_at <- function(time, surv, at) read_all(time, cbind(surv), at)[1, ]
km_read <- function(frame, at, weights = rep(1, nrow(frame))) {
  if (!nrow(frame)) return(rep(NA_real_, 2 * length(at)))
  # what survfit(Surv(days, event) ~ 1) asks for, without a formula to take apart: it is asked for many times
  fit <- survfitKM(factor(rep(1, nrow(frame))), Surv(frame$days, frame$event), weights)
  read_at(fit$time, fit$surv, at)
}

# Each method's heights and areas of the others and of the treated.
effects <- function(frame, terms, at) {
  x <- frame[terms[-1]]
  treated <- frame[[terms[1]]] == 1
  score <- propensity(x, treated)
  own <- ifelse(treated, score, 1 - score)
  kept <- score >= 0.1 & score <= 0.9
  again <- propensity(x[kept, , drop = FALSE], treated[kept])
  weights <- list(crude = rep(1, nrow(frame)), iptw = 1 / own, overlap = 1 - own,
                  trimmed = replace(rep(0, nrow(frame)), kept, 1 / ifelse(treated[kept], again, 1 - again)))
  found <- lapply(weights, function(w) lapply(c(FALSE, TRUE), function(group) {
    mine <- treated == group & w > 0
    km_read(frame[mine, ], at, w[mine])
  }))
  frame$arm <- factor(treated)
  fit <- coxph(as.formula(paste("Surv(days, event) ~", paste(terms[-1], collapse = " + "), "+ strata(arm)")), data = frame,
               ties = "efron", control = TO_CONVERGENCE)
  predicted <- lapply(c("FALSE", "TRUE"), function(arm) {
    all_in <- frame
    all_in$arm <- factor(rep(arm, nrow(frame)), c("FALSE", "TRUE"))
    of <- survfit(fit, newdata = all_in)  # a curve for each, one after the other; of one arm, so of the same times
    many <- of$strata[[1]]
    stopifnot(of$strata == many, of$time == of$time[seq_len(many)])
    read_all(of$time[seq_len(many)], matrix(of$surv, many), at)
  })
  found$standardised <- lapply(predicted, colMeans)
  found$doubly_robust <- lapply(1:2, function(group) {
    mine <- which(treated == (group == 2))
    n <- length(mine)
    whole <- km_read(frame[mine, ], at)
    pseudo <- t(sapply(seq_len(n), function(i) n * whole - (n - 1) * km_read(frame[mine[-i], ], at)))
    found$standardised[[group]] + colSums((pseudo - predicted[[group]][mine, ]) / own[mine]) / nrow(frame)
  })
  sapply(KINDS, function(kind) unlist(found[[kind]]))
}

# The chance of the censored to be alive on a day is that of the others to the power of a factor.
fate <- function(frame, day, factor) {
  fit <- survfit(Surv(days, event) ~ 1, data = frame)
  height <- function(t) summary(fit, times = t, extend = TRUE)$surv
  early <- frame$days[!frame$event & frame$days < day]
  alive <- sum(frame$days > day | (frame$days == day & !frame$event))
  (alive + sum((height(day) / sapply(early, height))^factor)) / nrow(frame)
}

# Everyone at risk weighed by the inverse of the chance not to be censored yet; deaths of a day come before its censorings.
ipcw <- function(frame, terms, at) {
  frame$end <- 2 * frame$days + !frame$event
  fit <- coxph(as.formula(paste("Surv(end, !event) ~", paste(terms, collapse = " + "))), data = frame, ties = "efron",
               control = TO_CONVERGENCE)
  of <- survfit(fit, newdata = frame)
  moments <- sort(unique(frame$days[frame$event]))
  steps <- sapply(moments, function(day) {
    before <- sum(of$time < 2 * day)
    g <- if (before) of$surv[before, ] else rep(1, nrow(frame))
    risk <- (frame$days >= day) / g
    1 - sum(risk[frame$event & frame$days == day]) / sum(risk)
  })
  sapply(at, function(day) prod(steps[moments <= day]))
}

for (name in names(TREATED)) {
  frame <- known_of(SETS[[name]]$frame, TREATED[[name]])
  frame$event <- frame$event == 1
  treated <- frame[[TREATED[[name]][1]]] == 1
  within <- frame$days[frame$days <= min(tapply(frame$days, treated, max))]
  at <- unique(quantile(within, c(0.35, 0.6), type = 1, names = FALSE))
  put <- function(prefix, found) for (kind in KINDS) for (i in seq_len(nrow(found)))
    add(paste(name, prefix, kind, i, sep = "."), found[i, kind])
  put("effect", effects(frame, TREATED[[name]], at))
  draws <- if (name == "veteran") lapply(seq_len(SAMPLES), function(i) sample(nrow(frame), replace = TRUE)) else list()
  for (i in seq_along(draws)) put(paste0("sample", i), effects(frame[draws[[i]], ], TREATED[[name]], at))
  for (day in at) {
    for (factor in c(0, 0.5, 1, 2, 5)) add(paste(name, "fate", day, 10 * factor, sep = "."), fate(frame, day, factor))
    lower <- summary(survfit(Surv(days, event) ~ 1, data = frame), times = day)$lower
    gap <- function(log) fate(frame, day, exp(log)) - lower
    tip <- if (gap(log(1e3)) < 0) exp(uniroot(gap, log(c(1e-3, 1e3)), tol = 1e-13)$root) else NA_real_
    add(paste(name, "tip", day, sep = "."), tip)
  }
  found <- ipcw(frame, TREATED[[name]], at)
  for (i in seq_along(at)) add(paste(name, "ipcw", at[i], sep = "."), found[i])
  own <- list(treated = json_array(TREATED[[name]]), at = json_array(at))
  if (length(draws)) own$samples <- paste0("[", paste(sapply(draws, json_array), collapse = ","), "]")
  data[[name]] <- json_object(own, "      ")
}

cat(json_object(c(list(made_by = json_text("Rscript tests/r/absolute.R > tests/r/absolute.json")), versions(),
                  list(data = json_object(data, "    "), rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
