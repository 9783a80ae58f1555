# What R makes of the data sets of sets.R: curves, medians, follow-up, groups, simple Cox models, tests of tables and ranks.
#
#   Rscript tests/r/datasets.R > tests/r/datasets.json
#
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "sets.R"))

add_curve <- function(prefix, frame, ...) {
  fit <- survfit(Surv(days, event) ~ 1, data = frame, ...)
  counts <- list(n = nrow(frame), events = sum(frame$event))
  q <- km_median(fit)
  do.call(add, c(list(paste0(prefix, ".median"), q[1], q[2], q[3]), counts))
  points <- unique(quantile(unique(frame$days), seq(0.1, 0.9, 0.1), type = 1, names = FALSE))
  for (day in c(points, 365, 730)) {
    s <- km_at(fit, day)
    add(paste0(prefix, ".survival", day), s[1], s[2], s[3])
    add(paste0(prefix, ".at_risk", day), sum(frame$days >= day))
  }
}

add_model <- function(prefix, frame, terms) {
  known <- frame[complete.cases(frame[terms]), ]
  fit <- coxph(Surv(known$days, known$event) ~ ., data = known[terms], ties = "efron", control = TO_CONVERGENCE)
  table <- summary(fit)
  zph <- cox.zph(fit, transform = "km")$table[, "p"]
  for (i in seq_along(terms)) {
    put <- function(what, ...) add(paste(prefix, terms[i], what, sep = "."), ...)
    put("coef", table$coefficients[i, 1])
    put("se", table$coefficients[i, 3])
    put("p", table$coefficients[i, 5])
    put("hr", table$conf.int[i, 1], table$conf.int[i, 3], table$conf.int[i, 4])
    put("ph", zph[[i]])
  }
  add(paste0(prefix, ".loglik"), fit$loglik[2], n = nrow(known), events = sum(known$event))
  if (length(terms) > 1) add(paste0(prefix, ".ph_global"), zph[["GLOBAL"]])
}

for (name in setdiff(names(SETS), ONLY_ESTIMATORS)) {
  one <- SETS[[name]]
  frame <- one$frame
  id <- function(...) paste(name, ..., sep = ".")
  add_curve(id("log"), frame, conf.type = "log")
  if (nrow(frame) < 250) add_curve(id("plain"), frame, conf.type = "plain")
  # While nobody has died, R leaves the log-log interval open; greenwood closes it at 1. The book does not use it.
  if (nrow(frame) < 250 && any(frame$event == 1)) add_curve(id("log-log"), frame, conf.type = "log-log")
  r <- km_median(survfit(Surv(days, !event) ~ 1, data = frame, conf.type = "log"))
  add(id("reverse"), r[1], r[2], r[3])
  q <- quantile(frame$days, c(0.5, 0.25, 0.75), type = 7, names = FALSE)
  add(id("naive"), q[1], q[2], q[3])
  add_proportion(id("events"), sum(frame$event), nrow(frame))
  for (by in one$groups) {
    groups <- split(frame, frame[[by]])
    for (level in names(groups)) {
      q <- km_median(survfit(Surv(days, event) ~ 1, data = groups[[level]], conf.type = "log"))
      add(id(by, level), q[1], q[2], q[3], n = nrow(groups[[level]]), events = sum(groups[[level]]$event))
    }
    add(id(by, "logrank"), logrank_p(frame$days, frame$event, frame[[by]]))
    # coxph on the same groups as factors, the lowest level as reference, when each has an event
    known <- frame[!is.na(frame[[by]]), ]
    level <- factor(known[[by]])
    if (min(tapply(known$event, level, sum)) > 0) {
      fit <- summary(coxph(Surv(known$days, known$event) ~ level, ties = "efron", control = TO_CONVERGENCE))
      for (i in seq_len(nlevels(level) - 1)) {
        add(id(by, "cox", levels(level)[i + 1]), fit$conf.int[i, 1], fit$conf.int[i, 3], fit$conf.int[i, 4], n = nrow(known))
        add(id(by, "cox", levels(level)[i + 1], "p"), fit$coefficients[i, 5])
      }
    }
    add(id(by, "chisq"), pearson_p(frame[[by]], frame$event))
    add(id(by, "exact_if_sparse"), fisher_if_sparse_p(frame[[by]], frame$event))
    for (term in one$terms) add(id(by, "rank", term), rank_p(frame[[term]], frame[[by]]))
  }
  for (term in one$terms) {
    add_spread(id("iqr", term), frame[[term]])
    add_spread(id("range", term), frame[[term]], RANGE)
  }
  if (length(one$terms)) add_model(id("model"), frame, one$terms)
  if (!is.null(frame$cluster)) add_curve(id("clustered"), frame, cluster = frame$cluster)
  if (!is.null(frame$switched)) add(id("mantel_byar"), mantel_byar_p(frame$days, frame$event == 1, frame$switched))
}

columns_of <- function(one) json_object(c(
  list(groups = json_array(one$groups), terms = json_array(one$terms)),
  lapply(one$frame, function(x) paste0("[", paste(ifelse(is.na(x), "null", format(x, digits = 15, trim = TRUE)), collapse = ","), "]"))),
  "      ")
cat(json_object(c(list(made_by = json_text("Rscript tests/r/datasets.R > tests/r/datasets.json")), versions(),
                  list(data = json_object(lapply(SETS, columns_of), "    "),
                       rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
