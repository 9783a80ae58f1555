# What R makes of the data sets of sets.R with the estimators beyond curves and simple Cox models: restricted means,
# weighted, stratified and pairwise log-rank tests, every kind of Cox model, competing risks, Firth's penalty.
#
#   Rscript tests/r/estimators.R > tests/r/estimators.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "sets.R"))
suppressPackageStartupMessages(library(cmprsk))

# --- restricted means and log-rank tests ------------------------------------------------------------------------

# R's survdiff weighs by S^rho only; this is the test for any weight, written out (Klein and Moeschberger 2003, 7.3).
weighted_logrank <- function(frame, group, weigh) {
  group <- factor(group)
  k <- nlevels(group)
  difference <- rep(0, k); variance <- matrix(0, k, k); left <- 1
  number <- as.integer(group)
  for (day in sort(unique(frame$days[frame$event == 1]))) {
    n <- tabulate(number[frame$days >= day], k); d <- tabulate(number[frame$days == day & frame$event == 1], k)
    total <- sum(n); died <- sum(d); w <- weigh(total, left)
    difference <- difference + w * (d - died * n / total)
    if (total > 1)
      variance <- variance + w^2 * died * (total - died) / (total - 1) * (diag(n / total, k) - outer(n, n) / total^2)
    left <- left * (1 - died / total)
  }
  keep <- seq_len(k - 1)
  drop(difference[keep] %*% solve(variance[keep, keep], difference[keep]))
}
WEIGHTS <- list(gehan_breslow = function(n, left) n, tarone_ware = function(n, left) sqrt(n),
                peto_peto = function(n, left) left, fleming_harrington_late = function(n, left) 1 - left)

add_tests <- function(name, frame, by) {
  id <- function(...) paste(name, by, ..., sep = ".")
  known <- frame[!is.na(frame[[by]]), ]
  known$group <- factor(known[[by]])
  for (weight in names(WEIGHTS)) add(id(weight), weighted_logrank(known, known$group, WEIGHTS[[weight]]))
  rho <- survdiff(Surv(days, event) ~ group, data = known, rho = 1)$chisq  # and the same by survdiff where it can
  if (abs(rho / rows[[id("peto_peto")]]$value - 1) > 1e-9) stop("two ways to Peto and Peto's test differ: ", name)
  if (!is.null(frame$stratum)) {
    inside <- known[!is.na(known$stratum), ]
    add(id("stratified"), survdiff(Surv(days, event) ~ group + strata(stratum), data = inside)$chisq, n = nrow(inside))
  }
  levels <- levels(known$group)
  if (length(levels) == 2) {
    tau <- quantile(known$days, 0.75, type = 1, names = FALSE)
    a <- rmst(known[known$group == levels[1], ], tau); b <- rmst(known[known$group == levels[2], ], tau)
    se <- sqrt(a[2]^2 + b[2]^2)
    add(id("rmst_difference"), b[1] - a[1], b[1] - a[1] - qnorm(0.975) * se, b[1] - a[1] + qnorm(0.975) * se)
    add(id("rmst_difference", "p"), 2 * pnorm(-abs(b[1] - a[1]) / se))
  } else {
    pairs <- combn(levels, 2)
    p <- apply(pairs, 2, function(two) with(known[known$group %in% two, ], logrank_p(days, event, as.character(group))))
    for (i in seq_along(p)) {
      add(id("pair", paste(pairs[, i], collapse = "_")), p[i])
      add(id("holm", paste(pairs[, i], collapse = "_")), p.adjust(p, "holm")[i])
      add(id("fdr_bh", paste(pairs[, i], collapse = "_")), p.adjust(p, "BH")[i])
    }
  }
}

# --- Cox models -------------------------------------------------------------------------------------------------

cox_of <- function(kind, name, frame, terms) {
  frame$weight_of_row <- if (kind == "weighted") frame$weight else 1
  frame$person <- if (kind == "clustered") frame$cluster else seq_len(nrow(frame))
  needed <- c(terms, "weight_of_row", "person", if (kind == "stratified") "stratum")
  frame <- known_of(frame, needed)
  response <- if (is.null(frame$start)) quote(Surv(days, event)) else quote(Surv(start, days, event))
  right <- paste(c(terms, if (kind == "stratified") "strata(stratum)"), collapse = " + ")
  formula <- as.formula(paste(deparse(response), "~", right))
  environment(formula) <- environment()
  arguments <- list(formula, data = frame, ties = "efron", control = TO_CONVERGENCE)
  if (kind == "weighted") arguments <- c(arguments, list(weights = frame$weight_of_row, robust = TRUE))
  if (kind == "clustered") arguments <- c(arguments, list(cluster = frame$person))
  fit <- do.call(coxph, arguments)
  put <- function(what, ...) add(paste(name, kind, what, sep = "."), ...)
  table <- summary(fit)
  for (term in terms) {
    line <- table$coefficients[term, ]
    put(paste0(term, ".coef"), line[["coef"]])
    put(paste0(term, ".se"), line[["se(coef)"]])
    if ("robust se" %in% names(line)) put(paste0(term, ".robust_se"), line[["robust se"]])
    put(paste0(term, ".hr"), table$conf.int[term, 1], table$conf.int[term, 3], table$conf.int[term, 4])
    put(paste0(term, ".p"), line[["Pr(>|z|)"]])
  }
  put("loglik_null", fit$loglik[1], n = fit$n, events = fit$nevent)
  put("loglik", fit$loglik[2])
  put("likelihood_ratio", 2 * diff(fit$loglik))
  put("wald", fit$wald.test[[1]])
  put("score", fit$score)
  put("concordance", fit$concordance[["concordance"]])
  put("concordance_se", fit$concordance[["std"]])
}

# --- Firth's penalty --------------------------------------------------------------------------------------------

add_firth <- function(name, frame, terms) {
  table <- firth(frame, terms)
  for (i in seq_along(terms)) {
    put <- function(what, ...) add(paste(name, "firth", terms[i], what, sep = "."), ...)
    put("coef", table[i, "coef"])
    put("hr", table[i, "hr"], table[i, "lower"], table[i, "upper"])
    put("p", table[i, "p"])
  }
}

# --- competing risks --------------------------------------------------------------------------------------------

add_competing <- function(name, frame, groups, terms) {
  id <- function(...) paste(name, ..., sep = ".")
  fit <- survfit(Surv(days, factor(cause, 0:2)) ~ 1, data = frame)
  points <- unique(quantile(unique(frame$days), seq(0.1, 0.9, 0.2), type = 1, names = FALSE))
  for (day in points) {
    s <- summary(fit, times = day)
    for (cause in 1:2)
      add(id(paste0("incidence", cause, "_", day)), s$pstate[1, cause + 1], s$lower[1, cause + 1], s$upper[1, cause + 1])
  }
  for (by in groups) {
    known <- frame[!is.na(frame[[by]]), ]
    for (cause in 1:2) {
      test <- gray(known, known[[by]], cause)
      add(id(by, paste0("gray", cause)), test[["stat"]])
      add(id(by, paste0("gray", cause, ".p")), test[["p"]])
    }
  }
  known <- known_of(frame, terms)
  for (cause in 1:2) {
    table <- fine_gray(known, known[terms], cause)
    for (i in seq_along(terms)) {
      put <- function(what, ...) add(id(paste0("fine_gray", cause), terms[i], what), ...)
      put("coef", table$coef[i])
      put("se", table$se[i])
      put("hr", exp(table$coef[i]), table$lower[i], table$upper[i])
      put("p", 2 * pnorm(-abs(table$coef[i] / table$se[i])))
    }
  }
}

# --- everything -------------------------------------------------------------------------------------------------

for (name in names(SETS)) {
  one <- SETS[[name]]
  frame <- one$frame
  if (is.null(frame$start) && length(one$terms)) {
    tau <- quantile(frame$days, 0.75, type = 1, names = FALSE)
    area <- rmst(frame, tau)
    add(paste0(name, ".rmst"), area[[1]])
    add(paste0(name, ".rmst_se"), area[[2]])
  }
  for (by in one$groups) if (is.null(frame$cause) || name == "pbc") add_tests(name, frame, by)
  kinds <- c("plain", if (!is.null(frame$stratum)) "stratified", if (!is.null(frame$weight)) "weighted",
             if (!is.null(frame$cluster)) "clustered")
  if (length(one$terms) && name != "separated") for (kind in kinds) cox_of(kind, name, frame, one$terms)
  if (!is.null(frame$cause)) add_competing(name, frame, one$groups, one$terms)
  if (name %in% c("ovarian", "steep", "separated")) add_firth(name, frame, one$terms)
  if (!is.null(frame$weight)) {
    known <- known_of(frame, "weight")
    fit <- survfit(Surv(days, event) ~ 1, data = known, weights = known$weight, robust = TRUE, conf.type = "log")
    for (day in unique(quantile(unique(known$days), seq(0.1, 0.9, 0.2), type = 1, names = FALSE))) {
      s <- km_at(fit, day)
      add(paste0(name, ".weighted_survival", day), s[1], s[2], s[3])
    }
  }
}

cat(json_object(c(list(made_by = json_text("Rscript tests/r/estimators.R > tests/r/estimators.json")), versions(),
                  list(cmprsk = json_text(as.character(packageVersion("cmprsk"))),
                       rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
