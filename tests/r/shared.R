# What both fixture scripts need: result rows by id, their estimators in R, and JSON (base R has none).
suppressPackageStartupMessages(library(survival))
options(warn = 1, stringsAsFactors = FALSE)
invisible(Sys.setlocale("LC_COLLATE", "C"))  # groups come in the same order on every machine

MONTH <- 30.4375
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
