# Real data sets from R's packages survival, MASS and boot, and a few made by hand. The columns that the tests need are part of
# tests/r/datasets.json, so that the tests need no R.
# One data set: time, event, columns that form groups, and columns of a Cox model (numbers).
set <- function(days, event, groups = list(), terms = list(), more = list()) {
  list(frame = as.data.frame(c(list(days = days, event = as.integer(event)), groups, terms, more)),
       groups = names(groups), terms = names(terms))
}
code <- function(x) as.integer(factor(x))

death <- colon[colon$etype == 2, ]
SETS <- list(
  lung = with(lung, set(time, status == 2, list(sex = sex, ecog = ph.ecog), list(age = age, female = sex - 1, ph = ph.ecog),
    list(stratum = inst, weight = 1 + (age %% 5) / 4, wt_loss = wt.loss))),
  veteran = with(veteran, set(time, status, list(trt = trt, cell = code(celltype)),
    list(karno = karno, age = age, test = trt - 1, small = 1 * (celltype == "smallcell"), adeno = 1 * (celltype == "adeno")),
    list(stratum = prior, weight = 1 + diagtime %% 3))),
  ovarian = with(ovarian, set(futime, fustat, list(rx = rx, residual = resid.ds), list(age = round(age, 3), treated = rx - 1))),
  pbc = with(pbc, set(time, status == 2, list(trt = trt, stage = stage),
    list(age = round(age, 3), edema = edema, bili = bili, albumin = albumin), list(cause = status, hepato = hepato))),
  colon = with(death, set(time, status, list(rx = code(rx), differ = differ),
    list(age = age, lev = 1 * (rx == "Lev"), fu = 1 * (rx == "Lev+5FU"), nodes = nodes, extent = extent),
    list(stratum = surg))),
  rotterdam = with(rotterdam, set(dtime, death, list(size = code(size), hormon = hormon),
    list(age = age, nodes = nodes, grade = grade),
    list(stratum = meno, entered = as.integer(ifelse(recur == 1, rtime, NA))))),  # a recurrence on the way to death
  mgus2 = with(mgus2, set(futime, death, list(sex = code(sex)), list(age = age, male = 1 * (sex == "M"), hgb = hgb, mspike = mspike),
    list(entered = as.integer(ifelse(pstat == 1, ptime, NA))))),  # a plasma cell malignancy on the way to death
  # Somebody died on day 0; transplants come during follow-up (the data set `heart` is this one, split).
  # `entered` asks for a model of a state that changes, `switched` also for its test, which in R enumerates ties: few people only.
  jasa = with(jasa, set(futime, fustat, list(surgery = surgery), list(age = round(age, 3), had_surgery = surgery),
    list(switched = as.integer(wait.time), entered = as.integer(wait.time)))),
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
  upper_rises = set(1:32, 1:32 %in% c(1:23, 30)),
  # Rows that start late: each patient before and after transplantation. Days are doubled, as R's data count half days.
  heart = with(heart, set(2 * stop, event, list(), list(age = round(age, 3), surgery = surgery, transplant = 1 * (transplant == 1)),
    list(start = 2 * start, cluster = id))),
  # Recurrence and death of each patient, two rows a patient.
  colon_both = with(colon, set(time, status, list(), list(age = age, fu = 1 * (rx == "Lev+5FU"), nodes = nodes),
    list(cluster = id, stratum = etype))),
  # By age: at risk only from the age at diagnosis on (months, and days of years of 365).
  mgus2_age = with(mgus2, set(12 * age + futime, death, list(), list(male = 1 * (sex == "M"), hgb = hgb, mspike = mspike),
    list(start = 12 * age))),
  lung_age = with(lung, set(365 * age + time, status == 2, list(), list(female = sex - 1, ph = ph.ecog), list(start = 365 * age))),
  # Time to each further recurrence of a bladder tumour (1), or to death before it (2); several rows a patient.
  bladder = with(bladder1[bladder1$stop > bladder1$start, ], set(stop - start, status > 0, list(treatment = code(treatment)),
    list(number = number, size = size), list(cause = pmin(status, 2), cluster = id))),
  # Progression of the gammopathy (1) and death without it (2), in months.
  mgus2_first = with(mgus2, set(ifelse(pstat == 1, ptime, futime), pstat, list(sex = code(sex)), list(age = age, hgb = hgb, mspike = mspike),
    list(cause = ifelse(pstat == 1, 1, 2 * death)))),
  # All with x = 1 die among the first six, but not first: a large ratio, and a finite one, that Newton's first steps run past.
  steep = set(10 * (1:47), 1:47 <= 20 | 1:47 %% 3 == 1, list(), list(x = 1 * (1:47 %in% c(1, 2, 4)))),
  # Nobody with x = 1 has the event: no finite hazard ratio exists.
  separated = set(c(3, 5, 8, 8, 12, 15, 20, 21, 30, 34, 40, 41), c(1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0), list(),
    list(x = c(0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0, 1), age = c(50, 61, 45, 70, 66, 58, 49, 73, 55, 62, 68, 51))),
  # --- sixteen that no test used while the estimators were written -----------------------------------------------
  # Weeks of remission, in two trials of leukaemia: all times are small and tie.
  aml = with(survival::aml, set(time, status, list(group = code(x)), list(maintained = 1 * (x == "Maintained")))),
  gehan = with(MASS::gehan, set(time, cens, list(treat = code(treat)), list(mercaptopurine = 1 * (treat == "6-MP")),
    list(stratum = pair))),
  leuk = with(MASS::leuk, set(time, rep(1, length(time)), list(ag = code(ag)), list(wbc = wbc / 1000, present = 1 * (ag == "present")))),
  # Death of melanoma (1) or of something else (2).
  melanoma = with(MASS::Melanoma, set(time, status != 2, list(sex = sex, ulcer = ulcer), list(age = age, thickness = thickness, ulcerated = ulcer),
    list(cause = c(1, 0, 2)[status]))),
  # Inmates of a retirement home, at risk from the age of entry on (months); those without a day in it are left out.
  channing = with(boot::channing[boot::channing$exit > boot::channing$entry, ], set(exit, cens, list(), list(male = 1 * (sex == "Male")),
    list(start = entry))),
  gbsg = with(gbsg, set(rfstime, status, list(hormon = hormon, grade = grade), list(age = age, nodes = nodes, size = size, hormones = hormon),
    list(stratum = meno, weight = 1 + grade / 2))),
  # Two eyes a patient; hundredths of a month.
  diabetic = with(diabetic, set(round(100 * time), status, list(trt = trt, laser = code(laser)), list(treated = trt, age = age, risk = risk),
    list(cluster = id))),
  mgus = with(mgus, set(futime, death, list(sex = code(sex)), list(age = age, male = 1 * (sex == "male"), alb = alb, creat = creat))),
  # A transplant (1), or death before it (2).
  myeloid = with(myeloid, set(ifelse(is.na(txtime), futime, txtime), ifelse(is.na(txtime), death, 1), list(trt = code(trt), sex = code(sex)),
    list(treated = 1 * (trt == "B"), male = 1 * (sex == "m")), list(cause = ifelse(is.na(txtime), 2 * death, 1)))),
  # Three rats a litter.
  rats = with(rats, set(time, status, list(rx = rx, sex = code(sex)), list(treated = rx, male = 1 * (sex == "m")), list(cluster = litter))),
  stanford2 = with(stanford2, set(round(time), status, list(), list(age = age, t5 = t5))),
  # On the waiting list: a transplant (1), or death or withdrawal (2). Four end on day 0, which crr does not bear: see fine_gray.
  transplant = with(transplant, set(futime, event != "censored", list(sex = code(sex), abo = code(abo)),
    list(age = age, male = 1 * (sex == "m"), o = 1 * (abo == "O")),
    list(cause = c(0, 2, 1, 2)[as.integer(event)]))),
  udca = with(udca1, set(c(futime), c(status), list(trt = trt, stage = stage), list(treated = trt, bili = bili, riskscore = riskscore))),
  # Rows that start late, several a patient: infections, and recurrences of a bladder tumour by their number.
  cgd = with(cgd, set(tstop, status, list(), list(interferon = 1 * (treat == "rIFN-g"), age = age, steroids = steroids),
    list(start = tstart, cluster = id))),
  bladder2 = with(bladder2, set(stop, event, list(), list(thiotepa = rx - 1, number = number, size = size),
    list(start = start, cluster = id, stratum = enum))),
  # No patients at all, and half of them fail at the same few hours.
  capacitor = with(capacitor, set(time, status, list(temperature = temperature), list(temp = temperature, voltage = voltage))))

# The reconstructed cohort: overall survival from salvage therapy, and in-field progression (1) or death (2) of its sites.
cohort <- file.path(here, "..", "..", "analysis_lib", "data", "reconstructed")
patients <- read.csv(file.path(cohort, "patients.csv"), na.strings = "", colClasses = c(patient_id = "character"))
salvaged <- patients[!is.na(patients$salvage_start_day), ]
SETS$reconstructed <- with(salvaged, set(last_follow_up_day - salvage_start_day, vital_status == "dead",
  list(regimen = code(salvage_regimen), ldh = code(ldh_elevated)),
  list(advanced = 1 * (stage %in% c("III", "IV")), ldh_high = 1 * (ldh_elevated == "yes"), sites = disease_sites),
  list(stratum = code(car_t_product), weight = 1 + ecog / 2)))
sites <- read.csv(file.path(cohort, "sites.csv"), na.strings = "", colClasses = c(patient_id = "character"))
sites <- merge(sites[!is.na(sites$in_field_response), ], patients[c("patient_id", "last_follow_up_day", "vital_status")])
SETS$reconstructed_sites <- with(sites, set(
  ifelse(is.na(in_field_progression_day), last_follow_up_day, in_field_progression_day) - rt_start_day,
  !is.na(in_field_progression_day), list(bulky = code(bulky_site)), list(bulk = 1 * (bulky_site == "yes"), dose = dose_gy),
  list(cause = ifelse(!is.na(in_field_progression_day), 1, ifelse(vital_status == "dead", 2, 0)), cluster = code(patient_id))))

# Those that datasets.R does not look at.
ONLY_ESTIMATORS <- c("reconstructed_sites", "heart", "colon_both", "mgus2_age", "lung_age", "bladder", "mgus2_first", "steep",
                     "separated", "channing", "cgd", "bladder2")
