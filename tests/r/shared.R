# What the fixture scripts need: result rows by id, their estimators in R, and JSON (base R has none).
suppressPackageStartupMessages(library(survival))
options(warn = 1, stringsAsFactors = FALSE)
invisible(Sys.setlocale("LC_COLLATE", "C"))  # groups come in the same order on every machine

MONTH <- 30.4375
TO_CONVERGENCE <- coxph.control(eps = 1e-11, iter.max = 100)
known_of <- function(frame, columns) frame[complete.cases(frame[columns]), ]
rows <- list()

add <- function(id, value, lower = NULL, upper = NULL, n = NULL, events = NULL) {
  if (!is.null(rows[[id]])) stop("two rows share the id ", id)
  limits <- if (is.null(lower)) list() else list(lower = lower, upper = upper)
  counts <- c(if (!is.null(n)) list(n = n), if (!is.null(events)) list(events = events))
  rows[[id]] <<- c(list(value = value), limits, counts)
}

slug <- function(...) {
  joined <- tolower(paste(..., sep = "."))
  pieces <- gsub("[^a-z0-9_-]+", "_", strsplit(joined, ".", fixed = TRUE)[[1]])
  paste(gsub("^_+|_+$", "", pieces), collapse = ".")
}

# --- estimators -------------------------------------------------------------------------------------------------

# The median as print() and summary() of survfit give it. Not quantile(), whose upper limit is another one when the upper
# curve rises again after it has crossed 0.5, and whose median is another one when the curve ends at exactly 0.5.
km_median <- function(fit) unname(summary(fit)$table[c("median", "0.95LCL", "0.95UCL")])

# The curve on a day; nothing once the last person still event-free has gone.
km_at <- function(fit, day) {
  if (day > max(fit$time) && tail(fit$surv, 1) > 0) return(rep(NA_real_, 3))
  s <- summary(fit, times = day, extend = TRUE)
  c(s$surv, s$lower, s$upper)
}

logrank_p <- function(days, event, group) {
  group <- factor(group)
  if (nlevels(group) < 2 || !any(event[!is.na(group)])) return(NA_real_)
  pchisq(survdiff(Surv(days, event) ~ group)$chisq, nlevels(group) - 1, lower.tail = FALSE)
}

# Mantel and Byar's test is the score test of a time-dependent state; with ties, that of the exact partial likelihood,
# whose variance is the hypergeometric one of the log-rank test. Everyone starts on day -1, so that day 0 can hold events.
mantel_byar_p <- function(days, event, switched) {
  moved <- !is.na(switched) & switched < days
  start <- c(rep(-1, length(days)), switched[moved])
  stop <- c(ifelse(moved, switched, days), days[moved])
  died <- c(event & !moved, event[moved])
  state <- rep(0:1, c(length(days), sum(moved)))
  fit <- coxph(Surv(start, stop, died) ~ state, ties = "exact")
  pchisq(fit$score, 1, lower.tail = FALSE)
}

# The area below the Kaplan-Meier curve up to a day, and its standard error.
rmst <- function(frame, tau) {
  table <- summary(survfit(Surv(days, event) ~ 1, data = frame), rmean = tau)$table
  table[c(grep("^\\*?rmean$", names(table)), grep("se\\(rmean\\)", names(table)))]
}

# Fine and Gray's model, and Gray's test, of one cause (cmprsk). All days are moved by one, which changes nothing of a model that
# knows only their order: crr looks up who is not yet censored just before a day at that day times 1 - 1e-14, which for day 0 is
# day 0 itself, when its censorings are over. On `transplant`, where four end on day 0, that moves the ratios in their fifth digit.
fine_gray <- function(frame, terms, cause) {
  fit <- crr(frame$days + 1, frame$cause, as.matrix(terms), failcode = cause, gtol = 1e-12, maxiter = 50)
  se <- sqrt(diag(fit$var))
  data.frame(coef = unname(fit$coef), se = se, lower = exp(fit$coef - qnorm(0.975) * se), upper = exp(fit$coef + qnorm(0.975) * se))
}

gray <- function(frame, by, cause) {
  test <- cuminc(frame$days, frame$cause, by)$Tests[cause, ]
  # not its own P, which is 1 - pchisq() and loses the digits of a small one
  c(test, p = pchisq(test[["stat"]], test[["df"]], lower.tail = FALSE))
}

# Cox's model with Firth's penalty: one row a term, with coefficient, hazard ratio, limits and P. Debian has no package for
# it. The penalised likelihood is R's own at given coefficients, and is maximised, and profiled, by looking for its top one
# coefficient inside the other.
penalised <- function(beta, response, x) {
  fit <- coxph.fit(x, response, strata = NULL, offset = NULL, init = beta, control = coxph.control(iter.max = 0),
                   weights = NULL, method = "breslow", rownames = NULL, resid = FALSE, nocenter = c(-1, 0, 1))
  fit$loglik[1] + as.numeric(determinant(solve(fit$var))$modulus) / 2
}
top <- function(f, around, width) optimize(f, around + c(-width, width), maximum = TRUE, tol = 1e-9)

firth <- function(frame, terms) {
  frame <- known_of(frame, terms)
  scale <- sapply(frame[terms], sd)
  response <- Surv(frame$days, frame$event)
  x <- as.matrix(frame[terms])
  profile <- function(i, value) {  # the best penalised likelihood with coefficient i held
    if (length(terms) == 1) return(penalised(value, response, x))
    top(function(other) penalised(if (i == 1) c(value, other) else c(other, value), response, x), 0, 8 / scale[-i])$objective
  }
  t(sapply(seq_along(terms), function(i) {
    best <- top(function(value) profile(i, value), 0, 8 / scale[i])
    drop <- function(value) profile(i, value) - best$objective + qchisq(0.95, 1) / 2
    limit <- function(side) {
      step <- 0.5 / scale[i]
      far <- best$maximum + side * step
      while (drop(far) > 0) far <- far + side * step
      uniroot(drop, sort(c(best$maximum, far)), tol = 1e-10)$root
    }
    c(coef = best$maximum, hr = exp(best$maximum), lower = exp(limit(-1)), upper = exp(limit(1)),
      p = pchisq(2 * (best$objective - profile(i, 0)), 1, lower.tail = FALSE))
  }))
}

pearson_p <- function(x, by) {
  counts <- table(x, by)
  counts <- counts[rowSums(counts) > 0, colSums(counts) > 0, drop = FALSE]
  if (any(dim(counts) < 2)) return(NA_real_)
  suppressWarnings(chisq.test(counts, correct = FALSE)$p.value)
}

# Fisher's exact test when a 2 x 2 table has an expected count below 5, else Pearson's chi-square.
fisher_if_sparse_p <- function(x, by) {
  counts <- table(factor(x), factor(by))
  if (any(dim(counts) < 2)) return(NA_real_)
  sparse <- any(outer(rowSums(counts), colSums(counts)) / sum(counts) < 5)
  if (sparse && all(dim(counts) == 2)) fisher.test(counts)$p.value else pearson_p(x, by)
}

rank_p <- function(x, by) {
  groups <- split(x[!is.na(x) & !is.na(by)], factor(by[!is.na(x) & !is.na(by)]))
  if (length(groups) != 2) return(NA_real_)
  wilcox.test(groups[[1]], groups[[2]], exact = FALSE, correct = TRUE)$p.value
}

# --- estimators of chapter 9 ------------------------------------------------------------------------------------

# Those still followed after a landmark, by whether they were in the state by then; the clock starts anew there.
from_landmark <- function(frame, day) {
  late <- frame[frame$days > day, ]
  transform(late, days = days - day, inside = as.numeric(!is.na(entered) & entered <= day))
}

# Each person's time cut at the entry into the state: a row before it and a row after. An event on that day comes before it.
split_at_entry <- function(frame) {
  frame <- frame[frame$days > 0, ]
  frame$person <- seq_len(nrow(frame))
  pieces <- tmerge(frame, frame, id = person, died = event(days, event), inside = tdc(entered))
  transform(pieces, start = tstart, days = tstop, event = died == 1)
}

# Aalen and Johansen's incidence of a cause on a day, with its limits; 0, without limits, where nobody had any event.
incidence_at <- function(frame, day, cause) {
  if (!any(frame$cause > 0)) return(c(0, NA, NA))
  s <- summary(survfit(Surv(days, factor(cause, 0:2)) ~ 1, data = frame), times = day)
  c(s$pstate[1, cause + 1], s$lower[1, cause + 1], s$upper[1, cause + 1])
}

# The same with limits by a jackknife that leaves out one person, with all rows, at a time. With several states survfit leaves
# `cluster` out of account; its influences, added up over each person's rows, give the infinitesimal jackknife. That is the
# jackknife to first order: near it, and the less so the fewer are at risk (6% apart with 46 people).
jackknifed_incidence <- function(frame, person, day, cause) {
  people <- unique(person)
  without <- sapply(people, function(one) incidence_at(frame[person != one, ], day, cause)[1])
  n <- length(people)
  se <- sqrt((n - 1) / n * sum((without - mean(without))^2))
  fit <- survfit(Surv(days, factor(cause, 0:2)) ~ 1, data = frame, influence = TRUE)
  influence <- rowsum(fit$influence.pstate[, 1 + sum(fit$time <= day), cause + 1], person)
  near <- sqrt(sum(influence^2))
  if (abs(se / near - 1) > 0.1) stop("jackknife ", se, " and infinitesimal jackknife ", near, " are far apart")
  value <- incidence_at(frame, day, cause)[1]
  c(value, value * exp(-qnorm(0.975) * se / value), min(1, value * exp(qnorm(0.975) * se / value)), se)
}

# The probability of the treatment: a logistic model, fitted until nothing moves any more.
propensity <- function(terms, treated) unname(fitted(glm(
  treated ~ ., family = binomial, data = as.data.frame(terms), control = glm.control(epsilon = 1e-14, maxit = 100))))

weights_of <- function(score, treated) list(
  unweighted = rep(1, length(score)),
  iptw = ifelse(treated, mean(treated) / score, mean(!treated) / (1 - score)),
  overlap = ifelse(treated, 1 - score, score))

effective_size <- function(weights) sum(weights)^2 / sum(weights^2)

# In standard deviations of the unweighted groups. Overlap weights balance a factor exactly; what is left is rounding.
standardised_difference <- function(values, treated, weights) {
  spread <- sqrt(mean(sapply(split(values, treated), function(x) mean((x - mean(x))^2))))
  found <- (weighted.mean(values[treated], weights[treated]) - weighted.mean(values[!treated], weights[!treated])) / spread
  if (abs(found) < 1e-11) 0 else found
}

risk_ratio <- function(hr) (1 - 0.5^sqrt(hr)) / (1 - 0.5^sqrt(1 / hr))  # VanderWeele 2017
e_value <- function(rr) { rr <- max(rr, 1 / rr); rr + sqrt(rr * (rr - 1)) }  # VanderWeele and Ding 2017
nearest_to_1 <- function(lower, upper) if (lower > 1) lower else if (upper < 1) upper else 1

# Schoenfeld 1983, two-sided 5%, 80% power.
REACH <- qnorm(0.975) + qnorm(0.8)
events_needed <- function(hr, share) if (abs(log(hr)) < 0.05) NA_real_ else ceiling(REACH^2 / (share * (1 - share) * log(hr)^2))
detectable <- function(events, share) exp(REACH / sqrt(share * (1 - share) * events))

variance_inflation <- function(terms) sapply(names(terms), function(one) {
  others <- terms[setdiff(names(terms), one)]
  1 / (1 - summary(lm(terms[[one]] ~ ., data = others))$r.squared)
})

# --- rows of these ----------------------------------------------------------------------------------------------

add_proportion <- function(id, hits, n) {
  if (n == 0) return(add(id, NA_real_, n = 0, events = 0))
  ci <- binom.test(hits, n)$conf.int
  add(id, 100 * hits / n, 100 * ci[1], 100 * ci[2], n = n, events = hits)
}

add_spread <- function(id, values, limits = c(0.25, 0.75), unit = 1) {
  known <- values[!is.na(values)] / unit
  if (!length(known)) return(add(id, NA_real_, n = 0))
  q <- quantile(known, c(0.5, limits), type = 7, names = FALSE)
  add(id, q[1], q[2], q[3], n = length(known))
}

RANGE <- c(0, 1)

# --- JSON -------------------------------------------------------------------------------------------------------

json_number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
json_text <- function(x) paste0('"', gsub('(["\\\\])', "\\\\\\1", x), '"')
json_array <- function(x) {
  cells <- if (is.character(x)) ifelse(is.na(x), "null", json_text(x)) else json_number(as.numeric(x))
  paste0("[", paste(cells, collapse = ","), "]")
}
json_row <- function(row) paste0("{", paste0(json_text(names(row)), ": ", sapply(row, json_number), collapse = ", "), "}")

# One entry a line, so that a difference between two versions can be read.
json_object <- function(entries, indent = "  ") {
  lines <- paste0(indent, json_text(names(entries)), ": ", unlist(entries))
  paste0("{\n", paste(lines, collapse = ",\n"), "\n", substring(indent, 3), "}")
}

versions <- function() list(r = json_text(paste(R.version$major, R.version$minor, sep = ".")),
                            survival = json_text(as.character(packageVersion("survival"))))
