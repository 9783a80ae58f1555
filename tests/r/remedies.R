# What R makes of the data sets of sets.R with the estimators of chapter 9: weights, landmarks, several rows of a patient with
# competing risks, many tests, missing values, validation, sample size. Whatever chance decides is drawn here once and is part of
# tests/r/remedies.json, so that both programs work on the same draws.
#
#   Rscript tests/r/remedies.R > tests/r/remedies.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "sets.R"))
set.seed(2023)

TREATED <- list(  # treatment, and what the choice of it is explained by
  lung = c("female", "age", "ph"), veteran = c("test", "karno", "age", "small"), colon = c("fu", "age", "nodes", "extent"),
  rotterdam = c("hormon", "age", "nodes", "grade"), mgus2 = c("male", "age", "hgb", "mspike"))
IMPUTED <- list(  # what is not known in everyone, and what the model is adjusted for
  lung = c("wt_loss", "age", "female"), pbc = c("hepato", "age", "bili"), colon = c("nodes", "age", "fu"))
RESAMPLED <- c("lung", "veteran", "pbc")
SAMPLES <- 20
data <- list()

cox <- function(frame, terms, ...) coxph(reformulate(terms, quote(Surv(days, event))), data = frame, ties = "efron",
                                         control = TO_CONVERGENCE, ...)
put_ratio <- function(id, fit, term) {
  table <- summary(fit)
  r <- table$conf.int[term, ]
  add(id, r[[1]], r[[3]], r[[4]], n = fit$n, events = fit$nevent)
  add(paste0(id, ".p"), table$coefficients[term, "Pr(>|z|)"])
}

# --- weights, and what was not measured -------------------------------------------------------------------------

add_weighted <- function(name, frame, terms) {
  id <- function(...) paste(name, ..., sep = ".")
  frame <- known_of(frame, terms)
  treated <- frame[[terms[1]]] == 1
  score <- propensity(frame[terms[-1]], treated)
  weights <- weights_of(score, treated)
  for (group in c("treated", "others")) {
    mine <- treated == (group == "treated")
    add_spread(id("score", group), score[mine], RANGE)
    for (kind in c("iptw", "overlap")) {
      add_spread(id("weight", kind, group), weights[[kind]][mine], RANGE)
      add(id("size", kind, group), effective_size(weights[[kind]][mine]), n = sum(mine))
    }
  }
  frame$inside <- as.numeric(treated)
  for (kind in names(weights)) {
    for (term in terms[-1]) add(id("balance", term, kind), standardised_difference(frame[[term]], treated, weights[[kind]]))
    frame$weight <- weights[[kind]]
    fit <- if (kind == "unweighted") cox(frame, "inside") else cox(frame, "inside", weights = frame$weight, robust = TRUE)
    put_ratio(id("ratio", kind), fit, "inside")
    ratio <- rows[[id("ratio", kind)]]
    add(id("risk_ratio", kind), risk_ratio(ratio$value))
    add(id("e_value", kind), e_value(risk_ratio(ratio$value)))
    add(id("e_limit", kind), e_value(risk_ratio(nearest_to_1(ratio$lower, ratio$upper))))
  }
  add(id("events"), events_needed(rows[[id("ratio.unweighted")]]$value, mean(treated)))
  add(id("detectable"), detectable(sum(frame$event), mean(treated)))
}

# --- a state that is entered on the way -------------------------------------------------------------------------

add_state <- function(name, frame) {
  for (day in quantile(frame$days, c(0.1, 0.25), type = 1, names = FALSE))
    put_ratio(paste0(name, ".landmark", day), cox(from_landmark(frame, day), "inside"), "inside")
  pieces <- split_at_entry(frame)
  fit <- coxph(Surv(start, days, event) ~ inside, data = pieces, ties = "efron", control = TO_CONVERGENCE)
  put_ratio(paste0(name, ".timed"), fit, "inside")
}

# --- Rubin's rules ----------------------------------------------------------------------------------------------

# Unknown values are drawn from the known ones: good enough, since only the pooling is compared.
add_imputed <- function(name, frame, terms) {
  id <- function(...) paste(name, ..., sep = ".")
  known <- frame[[terms[1]]][!is.na(frame[[terms[1]]])]
  unknown <- is.na(frame[[terms[1]]])
  drawn <- lapply(1:5, function(i) sample(known, sum(unknown), replace = TRUE))
  fits <- lapply(drawn, function(values) {
    frame[[terms[1]]][unknown] <- values
    cox(frame, terms)
  })
  m <- length(fits)
  for (term in terms) {
    estimate <- sapply(fits, function(fit) coef(fit)[[term]])
    variance <- sapply(fits, function(fit) vcov(fit)[term, term])
    for (i in 1:m) add(id(paste0("imputed", i), term), estimate[i])
    for (i in 1:m) add(id(paste0("imputed", i), term, "se"), sqrt(variance[i]))
    within <- mean(variance)
    between <- var(estimate)
    total <- within + (1 + 1 / m) * between
    increase <- (1 + 1 / m) * between / within
    df <- (m - 1) * (1 + 1 / increase)^2
    reach <- qt(0.975, df) * sqrt(total)
    add(id("pooled", term), mean(estimate), mean(estimate) - reach, mean(estimate) + reach)
    add(id("pooled", term, "se"), sqrt(total))
    add(id("pooled", term, "df"), df)
    add(id("pooled", term, "missing_information"), (1 + 1 / m) * between / total)
  }
  list(imputed = json_array(terms), drawn = paste0("[", paste(sapply(drawn, json_array), collapse = ","), "]"))
}

# --- bootstrap --------------------------------------------------------------------------------------------------

# Harrell, Lee and Mark 1996: each sample's fit is tried on the sample and on all patients.
add_validated <- function(name, frame, terms) {
  frame <- known_of(frame, terms)
  n <- nrow(frame)
  samples <- lapply(seq_len(SAMPLES), function(i) sample(n, n, replace = TRUE))
  score <- function(fit) rowSums(sweep(as.matrix(frame[terms]), 2, coef(fit), "*"))
  ranked <- function(frame, score) concordance(Surv(days, event) ~ score, data = frame, reverse = TRUE)$concordance
  tried <- sapply(samples, function(sampled) {
    score <- score(cox(frame[sampled, ], terms))
    slope <- coxph(Surv(days, event) ~ score, data = frame, ties = "efron", control = TO_CONVERGENCE)
    c(ranked(frame[sampled, ], score[sampled]) - ranked(frame, score), coef(slope))
  })
  apparent <- ranked(frame, score(cox(frame, terms)))
  add(paste0(name, ".apparent"), apparent)
  add(paste0(name, ".optimism"), mean(tried[1, ]))
  add(paste0(name, ".corrected"), apparent - mean(tried[1, ]))
  add(paste0(name, ".slope"), mean(tried[2, ]))
  list(samples = paste0("[", paste(sapply(samples, json_array), collapse = ","), "]"))
}

# --- everything -------------------------------------------------------------------------------------------------

p <- c()
for (name in names(SETS)) {
  one <- SETS[[name]]
  frame <- one$frame
  id <- function(...) paste(name, ..., sep = ".")
  own <- list()
  if (!is.null(TREATED[[name]])) {
    add_weighted(name, frame, TREATED[[name]])
    own <- c(own, list(treated = json_array(TREATED[[name]])))
  }
  if (!is.null(frame$entered)) add_state(name, frame)
  if (!is.null(frame$cause) && !is.null(frame$cluster))
    for (day in quantile(frame$days, c(0.3, 0.6), type = 1, names = FALSE)) {
      s <- jackknifed_incidence(frame, frame$cluster, day, 1)
      add(id(paste0("jackknife", day)), s[1])
      add(id(paste0("jackknife", day), "se"), s[4])
    }
  if (length(one$terms) > 1) {
    known <- known_of(frame, one$terms)
    inflation <- variance_inflation(known[one$terms])
    for (term in one$terms) add(id("vif", term), inflation[[term]])
    if (is.null(frame$start) && name != "separated") p <- c(p, summary(cox(known, one$terms))$coefficients[, "Pr(>|z|)"])
  }
  if (length(one$terms) && is.null(frame$start)) {
    fit <- survfit(Surv(days, event) ~ 1, data = frame)
    for (day in unique(quantile(frame$days, c(0.2, 0.5, 0.8), type = 1, names = FALSE)))
      add(id(paste0("nelson_aalen", day)), summary(fit, times = day)$cumhaz)
  }
  if (!is.null(IMPUTED[[name]])) own <- c(own, add_imputed(name, frame, IMPUTED[[name]]))
  if (name %in% RESAMPLED) own <- c(own, add_validated(name, frame, one$terms))
  if (length(own)) data[[name]] <- json_object(own, "      ")
}
# All the tests of all the models, as if they were one study's.
for (i in seq_along(p)) {
  add(paste0("many.holm", i), p.adjust(p, "holm")[i])
  add(paste0("many.bh", i), p.adjust(p, "BH")[i])
}
data$many <- json_object(list(p = json_array(p)), "      ")

cat(json_object(c(list(made_by = json_text("Rscript tests/r/remedies.R > tests/r/remedies.json")), versions(),
                  list(data = json_object(data, "    "), rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
