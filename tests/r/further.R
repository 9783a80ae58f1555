# The estimators of chapters 15 to 17 on R's data sets: clones with weights, prediction, states, beliefs. The data sets are
# those of sets.R, so that both programs use the same numbers.
#
#   Rscript tests/r/further.R > tests/r/further.json
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)[1]))
source(file.path(here, "shared.R"))
source(file.path(here, "sets.R"))
put <- function(id, value) add(id, as.numeric(value))

# --- clones, censored where a course contradicts their strategy, and weighted -----------------------------------

weighted_km <- function(pieces) survfit(Surv(start, stop, event) ~ 1, data = pieces, weights = w, timefix = FALSE)
# A person's time cut at every event, so that each piece can have its weight.
pieces_of <- function(clones) {
  cuts <- sort(unique(clones$days[clones$event]))
  survSplit(Surv(rep(-1, nrow(clones)), days, event) ~ ., data = clones, cut = cuts, start = "start", end = "stop")
}
height_at <- function(fit, day) summary(fit, times = day, extend = TRUE)$surv
area_to <- function(fit, day) {
  inside <- fit$time < day & fit$n.event > 0
  sum(diff(c(0, fit$time[inside], day)) * c(1, fit$surv[inside]))
}
clone <- function(id, frame, terms, grace, day) {
  begun <- !is.na(frame$entered) & frame$entered <= grace & frame$entered < frame$days
  late <- !begun & frame$days > grace
  x <- as.data.frame(scale(frame[terms], scale = FALSE))
  people <- cbind(x, person = seq_len(nrow(frame)))
  adding <- cbind(people, days = ifelse(late, grace, frame$days), event = frame$event & !late)
  beyond <- begun & frame$days > grace | late
  logistic <- glm(begun[beyond] ~ ., family = binomial, data = x[beyond, , drop = FALSE], control = glm.control(epsilon = 1e-14, maxit = 100))
  chance <- rep(1, nrow(frame)); chance[beyond] <- fitted(logistic)
  pieces <- pieces_of(adding)
  pieces$w <- ifelse(pieces$stop > grace, 1 / chance[pieces$person], 1)
  one <- weighted_km(pieces)
  refraining <- cbind(people, days = ifelse(begun, frame$entered, frame$days), event = frame$event & !begun, left = begun)
  model <- coxph(as.formula(paste("Surv(days, left) ~", paste(terms, collapse = "+"))), data = refraining, ties = "efron", control = TO_CONVERGENCE)
  kept <- survfit(model, newdata = x, se.fit = FALSE)
  pieces <- pieces_of(refraining)
  # not yet censored before the piece ends
  before <- findInterval(pieces$stop - 1e-6, kept$time)
  pieces$w <- 1 / rbind(1, kept$surv)[cbind(before + 1, pieces$person)]
  other <- weighted_km(pieces)
  put(paste0(id, ".adding"), 100 * height_at(one, day))
  put(paste0(id, ".refraining"), 100 * height_at(other, day))
  put(paste0(id, ".area"), area_to(one, day) - area_to(other, day))
}
clone("clones.jasa", SETS$jasa$frame, c("age", "had_surgery"), 30, 365)
clone("clones.rotterdam", SETS$rotterdam$frame[seq(1, nrow(SETS$rotterdam$frame), 8), ], c("age", "grade"), 730, 2500)

# --- prediction -------------------------------------------------------------------------------------------------

predicted <- function(id, frame, terms, day, thresholds) {
  frame <- known_of(frame, terms)
  frame$event <- as.integer(frame$event)
  FRAME <<- frame  # brier() looks for the data of the model outside of functions
  fit <- coxph(as.formula(paste("Surv(days, event) ~", paste(terms, collapse = "+"))), data = FRAME, ties = "efron", control = TO_CONVERGENCE)
  risk <- 1 - as.vector(summary(survfit(fit, newdata = frame, se.fit = FALSE), times = day)$surv)
  for (i in c(1, 2, nrow(frame))) put(paste0(id, ".risk", i), risk[i])
  score <- survival:::brier(fit, times = day, newdata = FRAME)
  score <- as.vector(score$brier)
  put(paste0(id, ".brier"), score[2])
  # brier() says the same of everyone by exp(-hazard); the book by the Kaplan-Meier estimate, with the same weights
  w <- rttright(Surv(days, event) ~ 1, data = FRAME, times = day)
  everyone <- 1 - km_at(survfit(Surv(days, event) ~ 1, data = FRAME), day)[1]
  put(paste0(id, ".null"), sum(w * ((FRAME$event == 1 & FRAME$days <= day) - everyone)^2) / sum(w))
  for (p in thresholds) {
    acted <- risk >= p
    share <- 1 - km_at(survfit(Surv(days, event) ~ 1, data = frame[acted, ]), day)[1]
    put(paste0(id, ".benefit", 100 * p), mean(acted) * (share - (1 - share) * p / (1 - p)))
  }
  chi <- 2 * diff(fit$loglik)
  put(paste0(id, ".heuristic"), max(0, (chi - length(terms)) / chi))
  put(paste0(id, ".needed"), length(terms) / ((0.9 - 1) * log(1 - (1 - exp(-chi / nrow(frame))) / 0.9)))
}
predicted("predicted.lung", SETS$lung$frame, c("female", "ph"), 365, c(0.3, 0.5, 0.6))
predicted("predicted.veteran", SETS$veteran$frame, c("karno", "small", "adeno"), 100, c(0.2, 0.5))
predicted("predicted.pbc", SETS$pbc$frame, c("edema", "bili", "albumin"), 2000, c(0.1, 0.3))
predicted("predicted.ovarian", SETS$ovarian$frame, c("age", "treated"), 400, 0.3)  # n = 26

# --- states -----------------------------------------------------------------------------------------------------

occupied <- function(id, stays, states, days) {
  stays$to <- factor(ifelse(stays$to == stays$state, "stays", paste0("s", stays$to)), c("stays", paste0("s", seq_len(states - 1))))
  stays$from <- paste0("s", stays$state)
  fit <- survfit(Surv(start, stop, to) ~ 1, data = stays, id = row, istate = from, timefix = FALSE)
  for (day in days) {
    s <- summary(fit, times = day, extend = TRUE)
    for (j in seq_len(states) - 1) {
      at <- match(paste0("s", j), fit$states)
      # a state that nobody enters is not there
      for (what in c("pstate", "lower", "upper")) put(paste(id, day, j, what, sep = "."), if (is.na(at)) if (what == "pstate") 0 else NA else s[[what]][1, at])
    }
  }
}
# A person's stays, from the days on which states are entered (a column each) and the end; as multistate.stays, written anew.
stays_of <- function(end, died, entries) {
  last <- ncol(entries) + 1
  do.call(rbind, lapply(seq_along(end), function(i) {
    day <- c(entries[i, ], if (died[i]) end[i]); to <- c(seq_len(ncol(entries)), if (died[i]) last)
    keep <- !is.na(day) & day <= end[i]; day <- day[keep]; to <- to[keep]
    rows <- NULL; start <- -1; state <- 0
    for (d in sort(unique(day))) {
      far <- max(to[day == d])
      if (far > state) { rows <- rbind(rows, c(i, start, d, state, far)); start <- d; state <- far }
    }
    if (state != last && start < end[i]) rows <- rbind(rows, c(i, start, end[i], state, state))
    rows
  })) |> as.data.frame() |> setNames(c("row", "start", "stop", "state", "to"))
}
mgus <- SETS$mgus2$frame
occupied("states.mgus2", stays_of(mgus$days, mgus$event == 1, cbind(mgus$entered)), 3, c(60, 120, 240))
jasa_ <- SETS$jasa$frame
occupied("states.jasa", stays_of(jasa_$days, jasa_$event == 1, cbind(jasa_$entered)), 3, c(0, 30, 180, 900))
# twelve people, days that tie, somebody who dies on day 0, entries on the day of the end
small <- list(end = c(0, 5, 5, 9, 9, 12, 12, 20, 20, 20, 31, 40), died = c(1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0) == 1,
              first = c(NA, 2, NA, 5, 9, 5, 12, 5, NA, 20, 12, 0), second = c(NA, NA, NA, 5, NA, 9, NA, 12, NA, NA, 20, 40))
occupied("states.small", stays_of(small$end, small$died, cbind(small$first, small$second)), 4, c(0, 5, 9, 12, 25, 40))

# The mean number of times that something happened, with the dead out of it: survival times hazard, added up.
mean_number <- function(end, died, row, when, day) {
  alive <- survfit(Surv(end, died) ~ 1)
  when <- when[when <= end[row] & when <= day]
  days <- sort(unique(when))
  sum(sapply(days, function(d) {
    s <- c(1, alive$surv)[findInterval(d - 0.5, alive$time) + 1]
    s * sum(when == d) / sum(end >= d)
  }))
}
numbered <- function(id, end, died, row, when, day) {
  value <- mean_number(end, died, row, when, day)
  people <- seq_along(end)
  without <- sapply(people, function(one) {
    kept <- people != one; mine <- row != one
    mean_number(end[kept], died[kept], (row - (row > one))[mine], when[mine], day)
  })
  put(paste0(id, ".mean"), value)
  put(paste0(id, ".se"), sqrt((length(people) - 1) / length(people) * sum((without - mean(without))^2)))
}
tumours <- bladder1[bladder1$stop > bladder1$start, ]
last <- tumours[!duplicated(tumours$id, fromLast = TRUE), ]
numbered("number.bladder", last$stop, last$status %in% c(2, 3), match(tumours$id[tumours$status == 1], last$id),
         tumours$stop[tumours$status == 1], 24)
again <- c(2, 4, 4, 6, 8, 12, 12); where <- c(2, 5, 9, 5, 9, 12, 12)
numbered("number.small", small$end, small$died, where, again, 15)
bladder_rows <- list(end = last$stop, died = last$status %in% c(2, 3), row = match(tumours$id[tumours$status == 1], last$id) - 1,
                     when = tumours$stop[tumours$status == 1])

# --- beliefs: no formula, but the product of two densities integrated -------------------------------------------

believed <- function(id, prior, likelihood) {
  density <- function(x) dnorm(x, prior[1], prior[2]) * dnorm(x, likelihood[1], likelihood[2])
  total <- function(f, to = Inf) integrate(f, -Inf, to, rel.tol = 1e-12, subdivisions = 2000L)$value
  whole <- total(density)
  mean <- total(function(x) x * density(x)) / whole
  put(paste0(id, ".mean"), mean)
  put(paste0(id, ".sd"), sqrt(total(function(x) (x - mean)^2 * density(x)) / whole))
  put(paste0(id, ".below"), total(density, log(0.9)) / whole)
}
believed("belief.sceptic", c(0, 0.3), c(log(0.7), 0.27))
believed("belief.enthusiast", c(log(0.6), 0.31), c(log(1.2), 0.2))

cat(
    json_object(c(list(made_by = json_text("Rscript tests/r/further.R > tests/r/further.json")), versions(),
      list(bladder = json_object(lapply(bladder_rows, json_array), "    "), rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
