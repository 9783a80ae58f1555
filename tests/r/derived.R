# What cohort.R and beyond.R both need of a cohort: its files, and endpoints and groups derived from them again, from the
# definitions in the paper. Nothing here is taken from the Python code.
folder <- commandArgs(trailingOnly = TRUE)[1]
FILES <- c(patients = "patients.csv", sites = "sites.csv", lines = "lines.csv", screening = "screening.csv")
read <- function(path) read.csv(path, na.strings = "", colClasses = c(patient_id = "character"))
patients <- read(file.path(folder, FILES["patients"]))
sites <- read(file.path(folder, FILES["sites"]))
lines <- read(file.path(folder, FILES["lines"]))
screening <- read(file.path(folder, FILES["screening"]))

# The rows as JSON, with the digests of the files they were made from.
print_rows <- function(script, files, packages = list()) {
  digest <- function(path) json_text(sub(" .*", "", system2("sha256sum", shQuote(path), stdout = TRUE)))
  command <- sprintf("Rscript tests/r/%s.R analysis_lib/data/reconstructed > tests/r/%s.json", script, script)
  hashes <- setNames(lapply(files, digest), basename(files))
  cat(json_object(c(list(made_by = json_text(command)), versions(), packages,
                    list(sha256 = json_object(hashes, "    "), rows = json_object(lapply(rows, json_row), "    ")))), "\n", sep = "")
}

of <- function(ids, column) patients[[column]][match(ids, patients$patient_id)]
is <- function(x, level) !is.na(x) & x == level
yes_if <- function(holds) ifelse(holds, "yes", "no")  # NA stays NA
among <- function(x, levels) ifelse(is.na(x), NA, x %in% levels)

# --- derived columns --------------------------------------------------------------------------------------------

RESPONSES <- c("CR", "PR", "SD", "PD")
REGIMENS <- c("RT", "CMT", "ST")
patients <- within(patients, {
  dead <- vital_status == "dead"
  death_day <- ifelse(dead, last_follow_up_day, NA)
  responder <- yes_if(among(best_response, c("CR", "PR")))
  two_or_more_sites <- yes_if(disease_sites >= 2)
  extranodal_disease <- yes_if(extranodal_sites >= 1)
  poor_performance <- yes_if(ecog >= 2)
  advanced_stage <- yes_if(among(stage, c("III", "IV")))
  high_ipi <- yes_if(ipi >= 3)
})
later <- lines[lines$line > 1, ]
got_rt <- patients$patient_id %in% later$patient_id[later$modality %in% c("RT", "CMT")]
got_st <- patients$patient_id %in% later$patient_id[later$modality %in% c("ST", "CMT", "HSCT", "CAR T")]
patients$salvage_sequence <- with(patients, ifelse(is(salvage_regimen, "ST") & got_rt, "ST then RT",
                                            ifelse(is(salvage_regimen, "RT") & got_st, "RT then ST", salvage_regimen)))

# BED with alpha/beta 10; rounded, so that exactly 30 Gy is not above 30 by floating point.
bed <- function(sites, alpha_beta = 10) round(sites$dose_gy * (1 + sites$dose_gy / sites$fractions / alpha_beta), 9)
sites$bed <- bed(sites)
sites$first_course <- sites$course == ave(sites$course, sites$patient_id, FUN = min)
first_sites <- sites[sites$first_course, ]
courses <- first_sites[!duplicated(first_sites$patient_id), c("patient_id", "rt_start_day", "rt_field")]
courses <- merge(courses, patients, by = "patient_id")
courses$n_sites <- as.vector(table(first_sites$patient_id)[courses$patient_id])
# A patient's dose is the highest among the sites of the first course.
highest_bed <- function(alpha_beta) tapply(bed(first_sites, alpha_beta), first_sites$patient_id, function(values)
  if (all(is.na(values))) NA else max(values, na.rm = TRUE))[courses$patient_id]
bed_group <- function(bed) ifelse(bed > 30, "gt 30 Gy", "le 30 Gy")
courses$bed <- highest_bed(10)
courses$bed_group <- bed_group(courses$bed)
courses$comprehensive_sites <- ifelse(courses$rt_field == "comprehensive",
  c("one site", "two sites", "three or more sites")[pmin(courses$n_sites, 3)], NA)
next_therapy <- sapply(seq_len(nrow(courses)), function(i) {
  days <- c(lines$line_start_day[lines$patient_id == courses$patient_id[i]], courses$transplant_day[i])
  days <- days[!is.na(days) & days > courses$rt_start_day[i]]
  if (length(days)) min(days) else NA
})
courses$wait <- next_therapy - courses$rt_start_day
limited_comprehensive <- is(courses$rt_field, "comprehensive") & is(courses$advanced_stage, "no")
courses$further_therapy <- ifelse(limited_comprehensive, ifelse(is.na(courses$wait), "RT alone", "RT, then more"), NA)

# --- endpoints --------------------------------------------------------------------------------------------------

# The earliest of several moments ends an endpoint; of two on the same day, the one named first.
endpoint <- function(frame, origin, moments, censor = "last_follow_up_day") {
  days <- as.matrix(frame[unname(moments)])
  end <- suppressWarnings(apply(days, 1, min, na.rm = TRUE))
  event <- is.finite(end)
  frame$event <- event
  frame$days <- ifelse(event, end, frame[[censor]]) - origin
  frame$ended_by <- ifelse(event, names(moments)[apply(days == end & !is.na(days), 1, function(x) match(TRUE, x))], NA)
  frame[!is.na(frame$days), ]
}

NEW <- c("progression or relapse", "new line of therapy", "death")
assessable <- sites[!is.na(sites$in_field_response) & sites$in_field_response != "not evaluable", ]
assessable <- merge(assessable, patients[c("patient_id", "last_follow_up_day")], by = "patient_id", sort = FALSE)
ENDPOINTS <- list(
  os1 = endpoint(patients, 0, c(death = "death_day")),
  efs1 = endpoint(patients, 0, setNames(c("failure_day", "salvage_start_day", "death_day"), NEW)),
  os2 = endpoint(patients, patients$salvage_start_day, c(death = "death_day")),
  efs2 = endpoint(patients, patients$salvage_start_day, setNames(c("progression_day", "next_line_day", "death_day"), NEW)),
  ttnt = endpoint(patients, patients$salvage_start_day, setNames(c("next_line_day", "death_day"), NEW[2:3])),
  dor = endpoint(patients, patients$response_day, setNames(c("failure_day", "death_day"), NEW[c(1, 3)])),
  lc = endpoint(assessable, assessable$rt_start_day, c("in-field progression" = "in_field_progression_day")),
  osrt = endpoint(courses, courses$rt_start_day, c(death = "death_day")))

# --- factors of the tables and models -----------------------------------------------------------------------------

AT_INDEX <- c("responder", "bridging_therapy", "car_t_product")
AT_SALVAGE <- c("bulky_disease", "two_or_more_sites", "extranodal_disease", "poor_performance", "advanced_stage",
                "ldh_elevated", "high_ipi", "cns_disease")
TABLE_1 <- c("bridging_therapy", "car_t_product", "best_response", "cns_disease", "bulky_disease", "two_or_more_sites",
             "extranodal_disease", "ecog", "stage", "ldh_elevated", "ipi", "last_disease_status", "vital_status")
BASELINE <- c("high_ipi", "advanced_stage", "two_or_more_sites", "extranodal_disease", "bulky_disease", "ldh_elevated",
              "poor_performance")

# Columns of a model: a yes/no factor is itself, any other one column a level after the first that occurs.
design <- function(frame, factors) {
  terms <- list()
  for (factor in factors) {
    values <- frame[[factor]]
    levels <- if (all(values %in% c("yes", "no"))) c("no", "yes") else levels(droplevels(factor(values)))
    for (level in levels[-1]) terms[[if (level == "yes") factor else paste(factor, level, sep = ".")]] <- as.numeric(values == level)
  }
  as.data.frame(terms, check.names = FALSE)
}

add_cox <- function(endpoint, factors, model) {
  frame <- ENDPOINTS[[endpoint]]
  frame <- frame[complete.cases(frame[factors]), ]
  alike <- any(sapply(factors, function(f) length(unique(frame[[f]])) < 2))
  if (alike || any(sapply(factors, function(f) min(tapply(frame$event, frame[[f]], sum))) == 0)) return(invisible())
  terms <- design(frame, factors)
  fit <- coxph(Surv(frame$days, frame$event) ~ ., data = terms, ties = "efron")
  table <- summary(fit)
  zph <- cox.zph(fit, transform = "km")$table[, "p"]
  counts <- list(n = nrow(frame), events = sum(frame$event))
  put <- function(id, ...) do.call(add, c(list(slug("cox", endpoint, model, id), ...), counts))
  for (i in seq_along(terms)) {
    put(names(terms)[i], table$conf.int[i, 1], table$conf.int[i, 3], table$conf.int[i, 4])
    put(paste0(names(terms)[i], ".p"), table$coefficients[i, 5])
    put(paste0("ph.", names(terms)[i]), zph[[i]])
  }
  if (model != "uv") {
    put("events_per_variable", sum(frame$event) / ncol(terms))
    put("ph.global", if (ncol(terms) > 1) zph[["GLOBAL"]] else zph[[1]])
  }
}
