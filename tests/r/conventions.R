# R where it follows SAS: Breslow's ties, log-log intervals, and a curve that stands at exactly one half, on the examples that
# SAS users published their output of (analysis_lib/data/proof/conventions.csv).
#
#   Rscript tests/r/conventions.R > tests/r/conventions.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))

# Recurrences of a bladder tumour: treatment, size and number, the robust variance over patients.
tumours <- transform(bladder2, thiotepa = rx - 1)
MODELS <- list(andersen_gill = Surv(start, stop, event) ~ thiotepa + size + number,
               total_time = Surv(start, stop, event) ~ thiotepa + size + number + strata(enum),
               gap_time = Surv(stop - start, event) ~ thiotepa + size + number + strata(enum))
for (model in names(MODELS)) {
  fit <- summary(coxph(MODELS[[model]], data = tumours, cluster = id, ties = "breslow", control = TO_CONVERGENCE))
  for (term in c("thiotepa", "size", "number")) {
    put <- function(what, ...) add(paste(model, term, what, sep = "."), ...)
    put("hr", fit$conf.int[term, 1], fit$conf.int[term, 3], fit$conf.int[term, 4])
    put("robust_se", fit$coefficients[term, "robust se"])
  }
}

# Ten people: the first five have the event, the others are censored, so the curve stays at one half.
ten <- survfit(Surv(c(54, 75, 77, 84, 87, 92, 103, 105, 112, 118), rep(1:0, each = 5)) ~ 1, conf.type = "log-log")
quartile <- quantile(ten, 0.25)
add("ten.quartile", quartile$quantile[[1]], quartile$lower[[1]], quartile$upper[[1]])
printed <- km_median(ten)
add("ten.median", printed[1], printed[2], printed[3])
add("ten.median.quantile", quantile(ten, 0.5)$quantile[[1]])
for (day in c(80, 100, 120)) {
  s <- summary(ten, times = day, extend = TRUE)
  add(paste0("ten.survival", day), s$surv, s$lower, s$upper)
}

# Four people: the curve stands at one half from the second event to the third.
four <- survfit(Surv(c(10, 20, 30, 40), rep(1, 4)) ~ 1, conf.type = "log-log")
add("four.median", km_median(four)[1])

cat(json_object(c(list(made_by = json_text("Rscript tests/r/conventions.R > tests/r/conventions.json")), versions(),
                  list(rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
