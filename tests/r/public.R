# What R makes of the public cohorts of tests/public, from their raw columns: curves, tests, models, tables.
#
#   Rscript tests/r/public.R tests/public > tests/r/public.json
#
arguments <- commandArgs(trailingOnly = TRUE)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
folder <- arguments[1]
read <- function(name) read.csv(file.path(folder, name, paste0(name, ".csv")), na.strings = "")

# How slugs of ours write what is no letter and no digit.
level_id <- function(level) slug(gsub(">", "gt", gsub("<", "lt", level, fixed = TRUE), fixed = TRUE))

median_of <- function(id, frame) {
  q <- km_median(survfit(Surv(days, event) ~ 1, data = frame, conf.type = "log")) / MONTH
  add(id, q[1], q[2], q[3], n = nrow(frame), events = sum(frame$event))
}

# Terms of a model as they are called in ours: factor, or factor.level for each but the reference.
terms_of <- function(frame, factors) {
  unlist(lapply(factors, function(name) {
    values <- frame[[name]]
    if (!is.factor(values)) return(name)
    if (setequal(levels(values), c("no", "yes"))) return(name)
    paste0(name, ".", sapply(levels(values)[-1], level_id))
  }))
}

add_cox <- function(prefix, frame, factors) {
  known <- known_of(frame, factors)
  fit <- coxph(Surv(known$days, known$event) ~ ., data = known[factors], ties = "efron", control = TO_CONVERGENCE)
  table <- summary(fit)
  ids <- terms_of(known, factors)
  zph <- cox.zph(fit, transform = "km", terms = FALSE)$table[, "p"]
  for (i in seq_along(ids)) {
    ci <- table$conf.int[i, ]
    add(paste0(prefix, ".", ids[i]), ci[[1]], ci[[3]], ci[[4]], n = nrow(known), events = sum(known$event))
    put <- function(id, value) add(paste0(prefix, id), value, n = nrow(known), events = sum(known$event))
    put(paste0(".", ids[i], ".p"), table$coefficients[i, 5])
    put(paste0(".ph.", ids[i]), zph[[i]])
  }
  if (length(factors) > 1) put(".ph.global", zph[["GLOBAL"]])
}

# At which rates are read: where half are followed for five years, there and at ten, too.
YEAR <- c(12, 24)
LONG <- c(12, 24, 60, 120)

add_endpoint <- function(cohort, name, frame, alone, together, read_at = YEAR) {
  id <- function(...) paste(cohort, ..., sep = ".")
  median_of(id(paste0(name, ".median")), frame)
  fit <- survfit(Surv(days, event) ~ 1, data = frame, conf.type = "log")
  for (months in read_at) {
    s <- 100 * km_at(fit, months * MONTH)
    add(id(paste0(name, ".rate", months)), s[1], s[2], s[3], n = nrow(frame), events = sum(frame$event))
  }
  for (factor in alone) {
    values <- frame[[factor]]
    add_cox(id(paste0("cox.", name, ".uv")), frame, factor)
    if (!is.factor(values)) next
    known <- known_of(frame, factor)
    add(id(paste0(name, ".logrank.", factor)), logrank_p(known$days, known$event, known[[factor]]),
        n = nrow(known), events = sum(known$event))
    for (level in levels(values)) {
      median_of(id(paste0(name, ".median.", factor, ".", level_id(level))), frame[which(values == level), ])
    }
  }
  if (length(together) > 1) add_cox(id(paste0("cox.", name, ".mv")), frame, together)
}

add_table_1 <- function(cohort, frame, factors) {
  for (factor in factors) {
    values <- frame[[factor]]
    id <- function(...) paste(cohort, "table1", factor, ..., "all", sep = ".")
    if (is.factor(values)) {
      for (level in levels(values)) add_proportion(id(level_id(level)), sum(values == level, na.rm = TRUE), nrow(frame))
    } else {
      q <- quantile(values, c(0.5, 0.25, 0.75), type = 7, na.rm = TRUE, names = FALSE)
      add(id("median"), q[1], q[2], q[3], n = sum(!is.na(values)))
    }
    if (anyNA(values)) add_proportion(id("missing"), sum(is.na(values)), nrow(frame))
  }
}

# The first of several events, each with its time; without any, the end.
first_of <- function(end, ...) {
  times <- cbind(...)
  first <- apply(times, 1, function(each) if (all(is.na(each))) NA else min(each, na.rm = TRUE))
  data.frame(days = ifelse(is.na(first), end, first), event = !is.na(first))
}
yes_no <- function(x) factor(ifelse(x == 1, "yes", "no"), levels = c("no", "yes"))

# --- Rotterdam: breast cancer -------------------------------------------------------------------------------------
raw <- read("rotterdam")
own <- data.frame(
  age = raw$age / 10, menopause = yes_no(raw$meno), tumour_size = factor(raw$size, c("20-50", "<=20", ">50")),
  grade = factor(raw$grade), nodes = raw$nodes, oestrogen = raw$er / 100, hormones = yes_no(raw$hormon),
  chemo = yes_no(raw$chemo)
)
factors <- names(own)
died <- ifelse(raw$death == 1, raw$dtime, NA)
os <- cbind(first_of(raw$dtime, died), own)
efs <- cbind(first_of(raw$dtime, ifelse(raw$recur == 1, raw$rtime, NA), died), own)
add_endpoint("rotterdam", "os1", os, factors, factors, LONG)
add_endpoint("rotterdam", "efs1", efs, factors, setdiff(factors, "chemo"), LONG)
add_table_1("rotterdam", transform(own, age = raw$age), setdiff(factors, c("oestrogen", "hormones")))
for (name in c("age", "nodes")) add(paste0("rotterdam.table1.", name, ".p"), kruskal.test(own[[name]], own$hormones)$p.value, n = nrow(own))

# --- myeloid: acute leukaemia -------------------------------------------------------------------------------------
raw <- read("myeloid")
own <- data.frame(arm = factor(raw$trt), sex = factor(raw$sex, c("f", "m")))
died <- ifelse(raw$death == 1, raw$futime, NA)
add_endpoint("myeloid", "os1", cbind(first_of(raw$futime, died), own), c("arm", "sex"), c("arm", "sex"))
add_endpoint("myeloid", "efs1", cbind(first_of(raw$futime, raw$rltime, died), own), "arm", c("arm", "sex"))
add_table_1("myeloid", own, "sex")
for (name in c("os1", "efs1")) {
  frame <- cbind(if (name == "os1") first_of(raw$futime, died) else first_of(raw$futime, raw$rltime, died), own)
  for (months in c(12, 24)) {
    put <- function(id, mean, of) {
      add(paste("myeloid.rmst", name, "arm", months, id, sep = "."), mean[1] / MONTH, (mean[1] - qnorm(0.975) * mean[2]) / MONTH,
          (mean[1] + qnorm(0.975) * mean[2]) / MONTH, n = nrow(of), events = sum(of$event))
    }
    arms <- lapply(c("A", "B"), function(arm) frame[frame$arm == arm, ])
    means <- lapply(arms, rmst, months * MONTH)
    for (i in 1:2) put(c("a", "b")[i], means[[i]], arms[[i]])
    put("b.less_a", c(means[[2]][[1]] - means[[1]][[1]], sqrt(means[[1]][[2]]^2 + means[[2]][[2]]^2)), frame)
  }
}

# --- mgus2: monoclonal gammopathy, in months ----------------------------------------------------------------------
raw <- read("mgus2")
days_of <- function(months) round(months * MONTH)
own <- data.frame(
  sex = factor(raw$sex), age = raw$age / 10, haemoglobin = raw$hgb, creatinine = raw$creat, m_spike = raw$mspike
)
end <- days_of(raw$futime)
died <- ifelse(raw$death == 1, end, NA)
malignant <- ifelse(raw$pstat == 1, days_of(raw$ptime), NA)
both <- c("sex", "age", "haemoglobin")
add_endpoint("mgus2", "os1", cbind(first_of(end, died), own), c(both, "creatinine"), both, LONG)
add_endpoint(
  "mgus2", "efs1", cbind(first_of(end, malignant, died), own), names(own), c(both, "m_spike"), LONG
)
# Which came first: malignancy (on the day of death, too) or death
first <- ifelse(!is.na(malignant), malignant, end)
cause <- ifelse(!is.na(malignant), 1, ifelse(raw$death == 1, 2, 0))
events <- c("plasma_cell_malignancy", "death")
incidence_rows <- function(prefix, fit, n, months = LONG) {
  s <- summary(fit, times = months * MONTH)
  for (k in 1:2) for (i in seq_along(months)) {
    add(paste0(prefix, ".", events[k], ".rate", months[i]), 100 * s$pstate[i, k + 1], 100 * s$lower[i, k + 1],
        100 * s$upper[i, k + 1], n = n, events = sum(cause == k))
  }
}
incidence_rows("mgus2.competing", survfit(Surv(first, factor(cause, 0:2)) ~ 1), length(first))
tests <- cmprsk::cuminc(first, cause, own$sex)$Tests
for (k in 1:2) {
  add(paste0("mgus2.competing.", events[k], ".gray.sex"), pchisq(tests[k, "stat"], 1, lower.tail = FALSE),
      n = length(first), events = sum(cause == k))
}
# the same, had they been seen first some time after the diagnosis
entered <- (seq_along(first) * 37) %% 400
there <- first > entered
late <- survfit(Surv(entered[there], first[there], factor(cause[there], 0:2)) ~ 1, id = which(there))
for (day in c(365, 1826, 3652)) {
  s <- summary(late, times = day)
  for (k in 1:2) add(paste0("entered.", day, ".", k), s$pstate[k + 1], s$lower[k + 1], s$upper[k + 1])
}
add_table_1("mgus2", transform(own, age = raw$age), names(own))

# --- MACS: survival with AIDS, in years, of men who were first seen some time after the diagnosis -----------------
raw <- read("macs")
frame <- data.frame(
  start = round(raw$W * 365.25), days = round(raw$T * 365.25), event = raw$D == 1, year = raw$AIDSY,
  late = factor(ifelse(raw$AIDSY >= 1995, "later", "earlier"))
)
frame <- frame[frame$days > frame$start, ]
curve_of <- function(id, frame, event = frame$event) {
  q <- km_median(survfit(Surv(frame$start, frame$days, event) ~ 1, conf.type = "log")) / MONTH
  add(id, q[1], q[2], q[3], n = nrow(frame), events = sum(frame$event))
}
curve_of("macs.os1.median", frame)
curve_of("macs.os1.follow_up.reverse_km", frame, !frame$event)
fit <- survfit(Surv(start, days, event) ~ 1, data = frame, conf.type = "log")
for (months in c(12, 24)) {
  s <- 100 * km_at(fit, months * MONTH)
  add(paste0("macs.os1.rate", months), s[1], s[2], s[3], n = nrow(frame), events = sum(frame$event))
  there <- sum(frame$start < months * MONTH & frame$days >= months * MONTH)
  add(paste0("macs.os1.at_risk", months), there, n = nrow(frame), events = sum(frame$event))
}
fit <- coxph(Surv(start, days, event) ~ year, data = frame, ties = "efron", control = TO_CONVERGENCE)
table <- summary(fit)
counts <- list(n = nrow(frame), events = sum(frame$event))
put <- function(id, ...) do.call(add, c(list(paste0("macs.cox.os1.uv.", id), ...), counts))
put("year", table$conf.int[1], table$conf.int[3], table$conf.int[4])
put("year.p", table$coefficients[5])
put("ph.year", cox.zph(fit, transform = "km")$table[1, "p"])
# survdiff takes no late entry; the exact partial likelihood's score test is the log-rank test
exact <- coxph(Surv(start, days, event) ~ late, data = frame, ties = "exact")
add("macs.logrank.late", pchisq(exact$score, 1, lower.tail = FALSE))
for (level in levels(frame$late)) curve_of(paste0("macs.median.late.", level), frame[frame$late == level, ])

# --- kidney: transplants, a file without identifiers --------------------------------------------------------------
raw <- read("kidney")
own <- data.frame(age = raw$age / 10, black_male = yes_no(raw$black_male), white_male = yes_no(raw$white_male),
                  black_female = yes_no(raw$black_female))
died <- ifelse(raw$death == 1, raw$time, NA)
add_endpoint("kidney", "os1", cbind(first_of(raw$time, died), own), names(own), names(own))
add_table_1("kidney", transform(own, age = raw$age), names(own))

cat(json_object(c(list(made_by = json_text("Rscript tests/r/public.R tests/public > tests/r/public.json")), versions(),
                  list(rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
