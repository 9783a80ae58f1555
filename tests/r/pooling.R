# Pooled effects as R's metafor gives them: fixed and random effects (Paule and Mandel), Hartung and Knapp's interval that
# is not let fall below the plain one, and the prediction interval with k - 2 degrees of freedom.
#
#   Rscript tests/r/pooling.R > tests/r/pooling.json      (needs the package metafor)
#
# The effects are part of the output, so that the tests need no R.
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
suppressPackageStartupMessages(library(metafor))

of_tables <- function(measure, ...) {
  e <- escalc(measure, ...)
  list(effect = as.numeric(e$yi), variance = as.numeric(e$vi))
}
SETS <- list(
  # Thirteen trials of BCG vaccine against tuberculosis (Colditz 1994), log risk ratios.
  bcg = with(dat.bcg, of_tables("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg)),
  # Shares on the logit scale, two of them without an event or without anything else.
  shares = of_tables("PLO", xi = c(5, 20, 30, 8, 0, 12), ni = c(50, 50, 40, 60, 9, 12)),
  alike = list(effect = c(0.50, 0.52, 0.49, 0.51), variance = c(0.04, 0.09, 0.02, 0.05)),  # tau2 is 0
  apart = list(effect = c(-1.2, 0.1, 1.9), variance = c(0.01, 0.02, 0.015)),               # tau2 is large
  two = list(effect = c(0.2, 1.1), variance = c(0.05, 0.08)),
  two_alike = list(effect = c(0.2, 0.3), variance = c(0.05, 0.08)))

for (name in names(SETS)) {
  one <- SETS[[name]]
  fixed <- rma(one$effect, one$variance, method = "FE")
  control <- list(tol = 1e-12)
  plain <- rma(one$effect, one$variance, method = "PM", control = control)
  add(slug(name, "fixed"), fixed$beta[1], fixed$ci.lb, fixed$ci.ub)
  add(slug(name, "random"), plain$beta[1], plain$ci.lb, plain$ci.ub)
  add(slug(name, "tau2"), plain$tau2)
  add(slug(name, "q"), fixed$QE)
  add(slug(name, "heterogeneity"), fixed$QEp)
  k <- length(one$effect)
  if (k > 2) {
    knapp <- rma(one$effect, one$variance, method = "PM", test = "adhoc", control = control)
    add(slug(name, "hartung_knapp"), knapp$beta[1], knapp$ci.lb, knapp$ci.ub)
    riley <- predict(knapp, pi.type = "riley")
    add(slug(name, "prediction"), NA_real_, riley$pi.lb, riley$pi.ub)
  }
}
sets <- json_object(lapply(SETS, function(one) json_object(lapply(one, json_array), "      ")), "    ")
cat(json_object(c(list(made_by = json_text("Rscript tests/r/pooling.R > tests/r/pooling.json")), versions(),
                  list(metafor = json_text(as.character(packageVersion("metafor"))), data = sets,
                       rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
