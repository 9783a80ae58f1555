# Real data sets from R's survival package, and a few made by hand, with what R makes of them.
#
#   Rscript tests/r/datasets.R > tests/r/datasets.json
#
# The columns that the tests need are part of the output, so that the tests need no R.
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))

# One data set: time, event, columns that form groups, and columns of a Cox model (numbers).
set <- function(days, event, groups = list(), terms = list(), more = list()) {
  list(frame = as.data.frame(c(list(days = days, event = as.integer(event)), groups, terms, more)),
       groups = names(groups), terms = names(terms))
}
code <- function(x) as.integer(factor(x))

death <- colon[colon$etype == 2, ]
SETS <- list(
  lung = with(lung, set(time, status == 2, list(sex = sex, ecog = ph.ecog), list(age = age, female = sex - 1, ph = ph.ecog))),
  veteran = with(veteran, set(time, status, list(trt = trt, cell = code(celltype)),
    list(karno = karno, age = age, test = trt - 1, small = 1 * (celltype == "smallcell"), adeno = 1 * (celltype == "adeno")))),
  ovarian = with(ovarian, set(futime, fustat, list(rx = rx, residual = resid.ds), list(age = round(age, 3), treated = rx - 1))),
  pbc = with(pbc, set(time, status == 2, list(trt = trt, stage = stage),
    list(age = round(age, 3), edema = edema, bili = bili, albumin = albumin))),
  colon = with(death, set(time, status, list(rx = code(rx), differ = differ),
    list(age = age, lev = 1 * (rx == "Lev"), fu = 1 * (rx == "Lev+5FU"), nodes = nodes, extent = extent))),
  rotterdam = with(rotterdam, set(dtime, death, list(size = code(size), hormon = hormon),
    list(age = age, nodes = nodes, grade = grade))),
  mgus2 = with(mgus2, set(futime, death, list(sex = code(sex)), list(age = age, male = 1 * (sex == "M"), hgb = hgb, mspike = mspike))),
  # Somebody died on day 0; transplants come during follow-up (the data set `heart` is this one, split).
  jasa = with(jasa, set(futime, fustat, list(surgery = surgery), list(age = round(age, 3), had_surgery = surgery),
    list(switched = as.integer(wait.time)))),
  # Two infections a patient.
  kidney = with(kidney, set(time, status, list(sex = sex, disease = code(disease)), list(age = age, female = sex - 1),
    list(cluster = id))),
  half = set(c(10, 20, 30, 40), c(1, 1, 1, 1)),                     # the curve runs at exactly 0.5: the middle of the stretch
  half_to_the_end = set(c(10, 20, 30, 40), c(1, 1, 0, 0)),          # at exactly 0.5 to the end: where it begins
  half_censored = set(c(10, 20, 25, 27, 30, 40), c(1, 1, 0, 0, 1, 1)),
  half_by_ties = set(c(5, 5, 9, 9, 9, 12, 12, 30), c(1, 1, 1, 1, 0, 1, 0, 1)),
  not_reached = set(c(10, 20, 30, 40, 50), c(1, 0, 0, 1, 0)),
  all_censored = set(c(10, 20, 30), c(0, 0, 0)),
  all_at_once = set(c(7, 7, 7), c(1, 1, 1)),
  one = set(100, 1),
  on_day_0 = set(c(0, 0, 5, 8, 13, 400, 800), c(1, 0, 1, 1, 0, 1, 0)),
  # The upper curve crosses 0.5, then rises above it for want of patients: the limit is where it crossed first.
  upper_rises = set(1:32, 1:32 %in% c(1:23, 30)))

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
  fit <- coxph(Surv(known$days, known$event) ~ ., data = known[terms], ties = "efron")
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

for (name in names(SETS)) {
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
      fit <- summary(coxph(Surv(known$days, known$event) ~ level, ties = "efron"))
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
