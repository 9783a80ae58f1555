"""The audit: what can be checked from the paper's printed aggregates alone, without any patient.

Every number comes from ``claims.csv`` (:mod:`analysis_lib.paper.ledger`) and is recomputed here. A verdict speaks of
printed numbers, never of the people who printed them: most of what does not fit is a slip of the pen, and some of it is a
choice that a longer text would have stated.
"""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML, display
from scipy import stats

from analysis_lib import results, text
from analysis_lib.cohort import Cohort
from analysis_lib.methods import SEED
from analysis_lib.paper.ledger import RECONSTRUCTED, decimals, parts, printed_number, read_claims, reasoned_line, reasoned_table
from analysis_lib.results import row
from analysis_lib.text import number

COLUMNS = ["id", "section", "what", "printed", "recomputed", "verdict", "arithmetic"]
VERDICTS = {
    "reproduces": "the same arithmetic gives the printed number",
    "within rounding": "some of the unrounded numbers behind the print give it, not all",
    "fragile": "it depends on a choice that the paper does not state, or that could well have been made otherwise",
    "inconsistent": "it cannot stand beside other printed numbers",
    "cannot be decided": "the printed numbers do not suffice",
}
REGIMENS = ("rt", "cmt", "st")
TABLE_1 = {  # variable of Table 1 -> its levels, in order
    "bridging": ("yes", "no"), "product": ("axi", "tisa"), "best_response": ("CR", "PR", "SD", "DP"), "cns": ("yes", "no"),
    "bulky": ("yes", "no"), "sites": ("lt2", "ge2"), "extranodal": ("no", "yes"), "ecog": ("0", "1", "2", "3", "4"),
    "stage": ("I", "II", "III", "IV"), "ldh": ("no", "yes"), "ipi": ("1", "2", "3", "4"), "status": ("CR", "PR", "DP"),
    "alive": ("living", "deceased")}
ORDERED = ("ecog", "stage", "ipi")  # whose levels carry a score
RESAMPLES = 99999
CITED = {"imber2020": "79", "figura2021": "86", "saifi2022": "88"}  # percent, as the Discussion prints other series
RATIOS = ("mv.os1.resp", "mv.os2.stage", "mv.os2.ldh", "mv.efs2.stage", "mv.efs2.ldh")
Z = stats.norm.ppf(0.975)


def audit() -> pd.DataFrame:
    """All checks, in the order of the paper's themes; columns :data:`COLUMNS`, all text."""
    frames = (percentages(), sums(), table_1_tests(), responses(), follow_up(), medians(), radiotherapy(), contrasts(),
              hazard_ratios(), statements())
    checks = pd.concat([pd.DataFrame(frame, columns=COLUMNS) for frame in frames], ignore_index=True)
    assert checks["id"].is_unique and set(checks["verdict"]) <= set(VERDICTS)
    return checks


def of_cohort(study: Cohort) -> pd.DataFrame:
    """:func:`audit` on the page of the reconstructed cohort; elsewhere the row that says why not."""
    if study.name != RECONSTRUCTED:
        return results.skipped("audit", "the audit speaks of the printed numbers of the study, and stands with the reconstructed cohort")
    return audit()


def theme(checks: pd.DataFrame, *themes: str, verdict: str = "") -> pd.DataFrame:
    """The checks whose id begins with one of the themes, or those of a verdict."""
    if results.skip_reason(checks):
        return checks
    first = checks["id"].str.split(".").str[0]
    return checks[(first.isin(themes) if themes else True) & ((checks["verdict"] == verdict) if verdict else True)]


def show(checks: pd.DataFrame, caption: str) -> None:
    """Show checks as a table, with the arithmetic under what was checked."""
    if reason := results.skip_reason(checks):
        return text.skip(reason)
    lines = [reasoned_line(c.what, c.arithmetic, (c.printed, c.recomputed, c.verdict)) for c in checks.itertuples()]
    display(HTML(reasoned_table(lines, caption, ("Check", "Printed", "Recomputed", "Verdict"))))


def wald_rows(claim: str) -> pd.DataFrame:
    """Result rows ``wald.least, wald.most`` (P values) and ``wald.fits`` (share of the unrounded limits) of a printed ratio."""
    least, most, share = wald_range(claim)
    method = "Wald test from the printed ratio and interval"
    return results.collect([row("wald.least", "p", least, method=method), row("wald.most", "p", most, method=method),
                            row("wald.fits", "proportion", 100 * share, method="grid over the rounding box of the limits")])


def pearson_rows(variable: str) -> pd.DataFrame:
    """Pearson's test of a characteristic of Table 1, step by step: ``pearson.expected.<level>.<regimen>`` and ``pearson.p``."""
    table = table_of(variable)
    test = stats.chi2_contingency(table, correction=False)
    cells = [row(results.slug("pearson.expected", level, regimen), "expected", test.expected_freq[i, j], n=int(table[i, j]),
                 group=f"{level}, {regimen.upper()}", note=f"adds {(table[i, j] - test.expected_freq[i, j]) ** 2 / test.expected_freq[i, j]:.2f}")
             for i, level in enumerate(TABLE_1[variable]) for j, regimen in enumerate(REGIMENS)]
    return results.collect([*cells, row("pearson.p", "p", test.pvalue, note=f"chi-square {test.statistic:.2f}, {test.dof} df")])


def totals(checks: pd.DataFrame) -> pd.DataFrame:
    """Result rows: how many checks there are (``audit.checks``) and how many ended in each verdict (``audit.<verdict>``)."""
    if results.skip_reason(checks):
        return checks
    counts = checks["verdict"].value_counts()
    return results.collect([row("audit.checks", "count", len(checks), population="checks")] + [
        row(results.slug("audit", verdict.replace(" ", "_")), "count", int(counts.get(verdict, 0)), population="checks", group=verdict,
            n=len(checks), note=meaning) for verdict, meaning in VERDICTS.items()])


def _check(name, section, what, printed, recomputed, verdict, arithmetic) -> tuple:
    return name, section, what, str(printed), str(recomputed), verdict, arithmetic


def _n(claim: str) -> int:
    return int(printed_number(claim))


def _text(claim: str) -> str:
    return _printed()[claim]


@cache
def _printed() -> dict[str, str]:
    claims = read_claims()
    return dict(zip(claims["claim_id"], claims["printed"]))


# --- percentages ----------------------------------------------------------------------------------------------

def shares() -> pd.DataFrame:
    """Every printed percentage with its printed count and denominator: ``claim_id, printed, events, n``."""
    of = {"all patients": _n("res.n"), "irradiated sites": _n("rt.sites.n"), "evaluable sites": _n("resp.evaluable.n"),
          "sites with complete radiation details": _n("rt.sites.n") - _n("rt.incomplete.n"),
          "patients evaluable for CD19": _n("cd19.eval.n"), "patients with any salvage RT": _n("rt.pts.n"),
          "sites assessable on PET/CT": _n("rt.pet.n"), "patients": _n("dis.fail.den"),
          "evaluable sites of comprehensive first courses": _n("cf.comp.eval.n"),
          "evaluable sites of focal first courses": _n("cf.focal.eval.n"), "patients without CNS disease": _n("t1.cns.no.all.n")}
    of |= {r.upper(): _n(f"res.{r}.n") for r in REGIMENS} | {f"{r.upper()}, without CNS disease": _n(f"t1.cns.no.{r}.n")
                                                           for r in REGIMENS}
    claims = read_claims()
    claims = claims[claims["statistic"] == "percent"]
    return pd.DataFrame({"claim_id": claims["claim_id"], "printed": claims["printed"],
                         "events": [_n(c.removesuffix("pct") + "n") for c in claims["claim_id"]],
                         "n": [of[p] for p in claims["population"]]}).reset_index(drop=True)


def percentages() -> list[tuple]:
    """Which rule of rounding the percentages follow, and which of them leave it."""
    found = shares()
    rules = {"half up": ROUND_HALF_UP, "half to even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}
    misses = {name: found[[_rounded(f.events, f.n, f.printed, rule) != f.printed for f in found.itertuples()]]
              for name, rule in rules.items()}
    wrong = "; ".join(f"{name}: {len(found) - len(miss)} of {len(found)}" for name, miss in misses.items())
    telling = "; ".join(f"{m.events}/{m.n} is printed {m.printed}" for m in misses["half to even"].head(5).itertuples())
    checks = [_check("percent.rule", "All", "rule by which percentages are rounded", f"{len(found)} percentages", wrong, "reproduces",
                     f"Only exact halves tell half up from half to even: {telling}. Journals and spreadsheets round half up, many statistics "
                     "programs to even.")]
    for m in misses["half up"].itertuples():
        checks.append(_check(
            f"percent.{m.claim_id}", "Results: salvage radiotherapy", f"{m.events} of {m.n}, in percent", m.printed,
            _rounded(m.events, m.n, m.printed, ROUND_HALF_UP), "inconsistent",
            f"{m.events}/{m.n} = {100 * m.events / m.n:g}%, half up {_rounded(m.events, m.n, m.printed, ROUND_HALF_UP)}. With "
            f"{m.printed} the four techniques add up to {sum(_n(f'rt.tech.{t}.pct') for t in ('3dcrt', 'imrt', 'both', 'electron'))}."))
    regions = ("cns", "extremities", "headneck", "pelvis", "abdomen", "chest", "paraspinal")
    total = sum(printed_number(f"rt.loc.{r}.pct") for r in regions)
    checks.append(_check("percent.regions", "Results: salvage radiotherapy", "seven regions, in percent", "100", f"{total:g}",
                         "within rounding", "Each is right by itself; three carry one decimal and four none, so that the sum "
                         f"is {total:g}."))
    return checks


def _rounded(events: int, n: int, printed: str, rule: str) -> str:
    exact = Fraction(100 * events, n)
    quantum = Decimal(1).scaleb(-decimals(printed))
    # Forty digits keep an exact half exact and every other number away from it.
    return str((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(quantum, rule))


# --- sums and denominators ------------------------------------------------------------------------------------

def sums() -> list[tuple]:
    """Counts that must add up, within a section and across sections."""
    two, first = "Results: salvage radiotherapy", "Results: comprehensive and focal radiotherapy"
    regions = ("cns", "extremities", "headneck", "pelvis", "abdomen", "chest", "paraspinal")
    rules = [
        ("cohort", "Abstract", "salvage regimens add up to the cohort", ["res.rt.n", "res.cmt.n", "res.st.n"], ["res.n"]),
        ("orr", "Table 1", "CR and PR after CAR T give the responders", ["t1.best_response.CR.all.n", "t1.best_response.PR.all.n"],
         ["res.orr.n"]),
        ("cr", "Table 1", "CR in the text and in Table 1", ["t1.best_response.CR.all.n"], ["res.cr.n"]),
        ("failure.local", "Results: failure after CAR T", "failures with an old site", ["fail.prev_only.n", "fail.both.n"], ["fail.prev.n"]),
        ("failure.all", "Results: failure after CAR T", "patterns of failure add up to the cohort", ["fail.prev.n", "fail.denovo.n"], ["res.n"]),
        ("cd19", "Results: failure after CAR T", "CD19-positive and -negative", ["cd19.pos.n", "cd19.neg.n"], ["cd19.eval.n"]),
        ("vital", "Table 1", "deceased and living", ["t1.alive.deceased.all.n", "t1.alive.living.all.n"], ["res.n"]),
        ("bulk", "Table 1", "bulk is counted among patients without CNS disease",
         ["t1.bulky.yes.all.n", "t1.bulky.no.all.n", "t1.bulky.missing.all.n"], ["t1.cns.no.all.n"]),
        ("techniques", two, "techniques and sites with incomplete details", [*(f"rt.tech.{t}.n" for t in (
            "3dcrt", "imrt", "both", "electron")), "rt.incomplete.n"], ["rt.sites.n"]),
        ("regions", two, "regions", [f"rt.loc.{r}.n" for r in regions], ["rt.sites.n"]),
        ("pet", two, "sites assessable and not assessable on PET/CT", ["rt.pet.n", "rt.notpet.n"], ["rt.sites.n"]),
        ("responses", two, "in-field responses", [f"resp.{r}.n" for r in ("cr", "pr", "sd", "pd")], ["resp.evaluable.n"]),
        ("evaluable", two, "evaluable sites and others", ["resp.evaluable.n", "resp.noteval.n"], ["rt.sites.n"]),
        ("fields", first, "comprehensive and focal patients", ["cf.comp.n", "cf.focal.n"], ["rt.pts.n"]),
        ("first_sites", first, "sites of comprehensive and focal first courses", ["cf.comp.sites.n", "cf.focal.sites.n"], ["cf.sites.n"]),
        ("comprehensive", first, "responses, comprehensive (no stable disease)", [f"cf.comp.{r}.n" for r in ("cr", "pr", "pd")],
         ["cf.comp.eval.n"]),
        ("focal", first, "responses, focal", [f"cf.focal.{r}.n" for r in ("cr", "pr", "sd", "pd")], ["cf.focal.eval.n"]),
        ("transplant", "Results: radiotherapy around a transplant", "RT before and after the transplant", ["hsct.cr.n", "hsct.fifth.n"], ["hsct.n"]),
        ("transplant_status", "Results: radiotherapy around a transplant", "disease status at last follow-up",
         ["hsct.last.cr.n", "hsct.last.dp.n"], ["hsct.n"]),
    ]
    checks = [_sum(f"sum.{name}", section, what, left, right) for name, section, what, left, right in rules]
    checks += [_table_1_columns(), _table_1_rows()]
    return checks + _across_sections(first)


def _sum(name, section, what, left, right) -> tuple:
    terms, total = [_n(c) for c in left], sum(_n(c) for c in right)
    verdict = "reproduces" if sum(terms) == total else "inconsistent"
    return _check(name, section, what, total, sum(terms), verdict, f"{' + '.join(map(str, terms))} = {sum(terms)}.")


def _levels(variable: str) -> tuple[str, ...]:
    return TABLE_1[variable] + (("missing",) if variable == "bulky" else ())


def _table_1_columns() -> tuple:
    wrong = [f"{v} {c}" for v in TABLE_1 for c in (*REGIMENS, "all")
             if sum(_n(f"t1.{v}.{level}.{c}.n") for level in _levels(v)) != (
                 _n(f"t1.cns.no.{c}.n") if v == "bulky" else _n(f"t1.n.{c}"))]
    blocks = 4 * len(TABLE_1)
    return _check("sum.table1.columns", "Table 1", "each block adds up to its column", blocks, blocks - len(wrong),
                  "inconsistent" if wrong else "reproduces", f"{len(TABLE_1)} characteristics x 4 columns; bulk adds up to the "
                  "patients without CNS disease, known or missing.")


def _table_1_rows() -> tuple:
    lines = [(v, level) for v in TABLE_1 for level in _levels(v)]
    wrong = [line for line in lines if sum(_n(f"t1.{line[0]}.{line[1]}.{r}.n") for r in REGIMENS) != _n(f"t1.{line[0]}.{line[1]}.all.n")]
    return _check("sum.table1.rows", "Table 1", "RT, CMT and ST add up to overall", len(lines), len(lines) - len(wrong),
                  "inconsistent" if wrong else "reproduces", f"{len(lines)} lines.")


def _across_sections(first: str) -> list[tuple]:
    two = "Results: salvage radiotherapy"
    later = {r: _n(f"resp.{r}.n") - _n(f"cf.comp.{r}.n") - (_n(f"cf.focal.{r}.n")) for r in ("cr", "pr", "pd")}
    later["sd"] = _n("resp.sd.n") - _n("cf.focal.sd.n")
    later_sites, later_eval = _n("rt.sites.n") - _n("cf.sites.n"), _n("resp.evaluable.n") - _n("cf.comp.eval.n") - _n("cf.focal.eval.n")
    lost = _n("cf.sites.n") - _n("cf.comp.eval.n") - _n("cf.focal.eval.n")
    late_rt = _n("rt.pts.n") - _n("res.rt.n") - _n("res.cmt.n")
    limited = sum(_n(f"t1.stage.{s}.{r}.n") for s in ("I", "II") for r in ("rt", "cmt"))
    with_rt = _n("cf.comp.limited.n") + _n("cf.focal.limited.n")
    extra = {f: _n(f"cf.{f}.sites.n") - _n(f"cf.{f}.n") for f in ("comp", "focal")}
    return [
        _check("sum.later_courses", first, "responses of later courses (all sites less first courses)", later_eval, sum(later.values()),
               "reproduces" if sum(later.values()) == later_eval and min(later.values()) >= 0 else "inconsistent",
               f"CR {later['cr']}, PR {later['pr']}, SD {later['sd']}, progression {later['pd']}: none negative, {later_eval} of the "
               f"{later_sites} sites outside first courses."),
        _check("sum.not_evaluable", first, "sites not evaluable in first courses, of those in all courses", _n("resp.noteval.n"), f"{lost} + {later_sites - later_eval}",
               "reproduces" if lost + later_sites - later_eval == _n("resp.noteval.n") else "inconsistent",
               f"First courses: {_n('cf.sites.n')} - {_n('cf.comp.eval.n')} - {_n('cf.focal.eval.n')} = {lost}; later ones: {later_sites} - "
               f"{later_eval} = {later_sites - later_eval}."),
        _check("sum.incomplete", first, "sites with incomplete details, first and all courses", _n("rt.incomplete.n"),
               f"{_n('cf.incomplete.n')} + {_n('rt.incomplete.n') - _n('cf.incomplete.n')}", "reproduces" if 0 <= _n("rt.incomplete.n") - _n("cf.incomplete.n") <= later_sites else "inconsistent",
               f"{_n('rt.incomplete.n') - _n('cf.incomplete.n')} of the {later_sites} later sites is incomplete, against "
               f"{_n('cf.incomplete.n')} of {_n('cf.sites.n')} first ones."),
        _check("sum.two_sites", first, "comprehensive patients with more than one irradiated site", _n("cf.comp.gt1site.n"), extra["comp"],
               "reproduces" if extra["comp"] == _n("cf.comp.gt1site.n") else "inconsistent",
               f"Nobody has more than two: {_n('cf.comp.sites.n')} sites in {_n('cf.comp.n')} patients leave {extra['comp']}, and "
               f"{_n('cf.focal.sites.n')} in {_n('cf.focal.n')} leave {extra['focal']} focal patients with two."),
        _check("sum.late_rt", two, "patients irradiated after systemic therapy failed first", "–", late_rt, "cannot be decided",
               f"{_n('rt.pts.n')} - {_n('res.rt.n')} - {_n('res.cmt.n')} = {late_rt}, if everyone planned for CMT was irradiated; "
               "the paper does not print this group's size, nor that of RT followed by systemic therapy."),
        _check("sum.limited", first, "limited stage among irradiated patients", with_rt, f"{limited} to {limited + late_rt}",
               "reproduces" if limited <= with_rt <= limited + late_rt else "inconsistent",
               f"Table 1 has {limited} in stage I or II in the RT and CMT groups; {with_rt - limited} of the {late_rt} irradiated "
               "after systemic therapy make up the rest."),
        _check("sum.cns_sites", two, "CNS sites, and sites not assessable because they were CNS", _n("rt.loc.cns.n"), _n("rt.notpet.n"),
               "cannot be decided", f"{_n('rt.loc.cns.n')} sites lie in the CNS and {_n('rt.notpet.n')} were not assessable for that "
               f"reason; the other {_n('rt.loc.cns.n') - _n('rt.notpet.n')} must have been assessed (spinal lesions can be). No contradiction, "
               "but no explanation either."),
    ]


# --- Table 1: P values ----------------------------------------------------------------------------------------

def table_of(variable: str, missing: bool = False) -> np.ndarray:
    """The counts of a characteristic in Table 1, levels x regimens."""
    levels = _levels(variable) if missing else TABLE_1[variable]
    return np.array([[_n(f"t1.{variable}.{level}.{r}.n") for r in REGIMENS] for level in levels])


def exact_p(table: np.ndarray) -> float:
    """Fisher's exact test of an r x c table (Freeman-Halton), by Monte Carlo: :data:`RESAMPLES` tables, seed :data:`SEED`."""
    occupied = table[table.sum(axis=1) > 0]
    sampler = stats.MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(SEED))
    return float(stats.fisher_exact(occupied, method=sampler).pvalue)


def scores(table: np.ndarray) -> list[np.ndarray]:
    """Counts of ordered levels as scores 0, 1, 2 ... of single patients, one array a regimen."""
    return [np.repeat(np.arange(len(table)), column) for column in table.T]


def table_1_tests() -> list[tuple]:
    """Each printed P value under Pearson's test and its rivals, and whether the conclusion hangs on the choice."""
    checks = []
    for variable in TABLE_1:
        claim, table = f"t1.{variable}.p", table_of(variable)
        pearson = stats.chi2_contingency(table, correction=False)
        low = int((pearson.expected_freq < 5).sum())
        rivals = {"exact (Freeman-Halton)": exact_p(table)}
        if variable in ORDERED:
            rivals |= {"ANOVA of scores": stats.f_oneway(*scores(table)).pvalue, "Kruskal-Wallis": stats.kruskal(*scores(table)).pvalue}
        if variable == "bulky":
            rivals["Pearson, missing as a level"] = stats.chi2_contingency(table_of(variable, True), correction=False).pvalue
        shown, met = _p_as_printed(pearson.pvalue, claim)
        checks.append(_check(
            f"p.{claim}", "Table 1", f"P of {_about(claim)}", _text(claim), shown, "reproduces" if met else "inconsistent",
            f"Pearson's chi-square {pearson.statistic:.2f}, {pearson.dof} df, without correction{' and without the missing' if variable == 'bulky' else ''}; "
            f"{low} of {table.size} expected counts below 5. Others: "
            + ", ".join(f"{name} {p:.2g}" for name, p in rivals.items()) + "."))
        other = [name for name, p in rivals.items() if (p < 0.05) != (pearson.pvalue < 0.05) or met != _p_as_printed(p, claim)[1]
                 and _text(claim).startswith("<")]
        if other:
            checks.append(_check(
                f"p.{claim}.choice", "Table 1", f"whether {_about(claim)} differs between the regimens", _text(claim),
                ", ".join(f"{name}: {rivals[name]:.2g}" for name in other), "fragile",
                "Chi-square takes the levels as names without an order; tests of ordered scores ask whether one group tends to be higher. "
                "The footnote names ANOVA, though the table prints no mean."))
    return checks + [_limited_stage(), _others_alike()]


def _about(claim: str) -> str:
    claims = read_claims().set_index("claim_id")
    return claims.loc[claim, "about"]


def _bounded(p: float) -> str:
    """A P value for a sentence: ``<0.001``, else two digits."""
    return "<0.001" if p < 0.001 else f"{p:.2g}"


def _p_as_printed(p: float, claim: str) -> tuple[str, bool]:
    printed = _text(claim)
    if printed.startswith("<"):
        return number(p, 5), p < float(printed[1:])
    shown = number(p, decimals(printed))
    return shown, shown == printed


def _limited_stage() -> tuple:
    table = table_of("stage")
    halves = np.array([table[:2].sum(axis=0), table[2:].sum(axis=0)])
    p = stats.chi2_contingency(halves, correction=False).pvalue
    rt, cmt, st = (f"{a}/{a + b}" for a, b in halves.T)
    return _check("p.t1.stage.limited", "Table 1", "stage I-II against III-IV between the regimens", _text("t1.stage.p"), f"{p:.3f}", "fragile",
                  f"Stage I or II: {rt} RT, {cmt} CMT, {st} ST. In four levels P = {_text('t1.stage.p')}; in the two that the "
                  f"paper's models use, P = {p:.3f}. The Discussion explains the result of RT by limited stage, which the "
                  "Results count among what does not differ.")


def _others_alike() -> tuple:
    low = [v for v in TABLE_1 if stats.chi2_contingency(table_of(v), correction=False).pvalue < 0.05]
    return _check("p.t1.only_two", "Results: patients and treatment", "only LDH and performance status differ (P < 0.05)", 2, len(low),
                  "reproduces" if sorted(low) == ["ecog", "ldh"] else "inconsistent",
                  f"Of {len(TABLE_1)} tests, 0.05 x {len(TABLE_1)} = {0.05 * len(TABLE_1):.2g} would fall below 0.05 by chance.")


# --- response -------------------------------------------------------------------------------------------------

def responses() -> list[tuple]:
    """The share of complete responses, and duration of response against time to failure."""
    cr, orr, n = _n("res.cr.n"), _n("res.orr.n"), _n("res.n")
    q1, median = float(parts(_text("res.dor.iqr"))[0]), printed_number("ttf.median")
    late = orr - orr // 4  # values at or above the lower quartile, whichever definition of a quartile
    early = n // 2  # values at or below the median
    both = late + early - n
    gap = round((median + 0.05 - (q1 - 0.05)) * 30.4375)
    return [
        _check("response.cr_of_which", "Results: patients and treatment", "CR, as a share of which patients", _text("res.cr.pct"),
               f"{number(100 * cr / n, 0)} or {number(100 * cr / orr, 0)}", "fragile",
               f"The wording makes CR a share of the responders: {cr}/{orr} = {100 * cr / orr:.1f}%. Printed is the share of all: {cr}/{n} = "
               f"{100 * cr / n:.1f}%."),
        _check("response.duration", "Results: patients and treatment", "lower quartile of the duration of response, beside the time to failure",
               _text("res.dor.iqr"), f"at least {both} responses by day {gap}", "fragile",
               f"At least {late} of {orr} responses lasted {q1 - 0.05:.2f} months or more; at least {early} of {n} patients had failed "
               f"before {median + 0.05:.2f} months. So at least {late} + {early} - {n} = {both} patients did both, and had responded by day "
               f"{gap} after the infusion, while responses were assessed around day {_text('met.early_resp.day')}. Everything fits if durations "
               "were counted from the infusion."),
    ]


# --- follow-up ------------------------------------------------------------------------------------------------

def follow_up() -> list[tuple]:
    """Whether median follow-up is the observed time or the reverse Kaplan-Meier estimate, from the number of deaths."""
    checks, deaths, n = [], _n("t1.alive.deceased.all.n"), _n("res.n")
    for fu, endpoint in (("fu1", "os1"), ("fu2", "os2")):
        quartiles = [float(parts(_text(f"{fu}.iqr"))[0]), printed_number(f"{fu}.median"), float(parts(_text(f"{fu}.iqr"))[1])]
        anchors = sorted([(0.0, 1.0), (12.0, printed_number(f"{endpoint}.12m") / 100), (24.0, printed_number(f"{endpoint}.24m") / 100),
                          (printed_number(f"{endpoint}.median"), 0.5)])
        fits = {}
        for reading in ("observed time", "reverse Kaplan-Meier"):
            by_q3, at_risk = implied_deaths(quartiles, anchors, n, reverse=reading != "observed time")
            fits[reading] = (by_q3, by_q3 + at_risk)
        naive = [reading for reading, (least, most) in fits.items() if least <= deaths <= most] == ["observed time"]
        shown = {reading: f"{least:.0f} to {most:.0f}" for reading, (least, most) in fits.items()}
        checks.append(_check(
            f"follow_up.{fu}", "Results: survival after salvage therapy", f"deaths implied by the median follow-up from "
            f"{'infusion' if fu == 'fu1' else 'salvage therapy'}, which way it was computed", deaths,
            "; ".join(f"{reading}: {number}" for reading, number in shown.items()), "reproduces" if naive else "cannot be decided",
            f"{n} patients; {', '.join(f'{100 * level:g}% alive at {t:g}' for t, level in anchors[1:])} months; quartiles of follow-up "
            f"{', '.join(f'{q:g}' for q in quartiles)} months. Deaths up to the last of these, and at most all still at risk there: "
            f"{shown['observed time']} if follow-up is everyone's observed time, {shown['reverse Kaplan-Meier']} if it is the reverse "
            f"Kaplan-Meier estimate. {deaths} died: the paper, which does not say, reports observed time."))
    return checks


def implied_deaths(quartiles, anchors, n: int, reverse: bool) -> tuple[float, float]:
    """Deaths by the upper quartile of follow-up, and patients at risk there, from a survival curve's anchors.

    Between anchors survival is exponential. In each interval that ends at a quartile the actuarial identity holds:
    deaths = (1 - q)(at risk at start - half the censored), with q the survival ratio. ``reverse``: quartiles are those of
    the time to censoring, so that n x survival x their level is at risk; else those of everyone's observed time.
    """
    times, levels = np.array([t for t, _ in anchors]), np.log([s for _, s in anchors])
    survival = np.exp(np.interp([0.0, *quartiles], times, levels))
    remaining = n * np.array([1, 0.75, 0.5, 0.25]) * (survival if reverse else 1)
    ratios = survival[1:] / survival[:-1]
    deaths = (1 - ratios) * (remaining[:-1] + remaining[1:]) / (1 + ratios)
    return float(deaths.sum()), float(remaining[-1])


# --- medians --------------------------------------------------------------------------------------------------

def medians() -> list[tuple]:
    """Medians of parts against the median of the whole, and the spread of events that an interval needs."""
    checks = []
    for endpoint in ("os1", "os2", "efs2"):
        whole = printed_number(f"{endpoint}.median")
        claims = read_claims()
        ours = claims[claims["claim_id"].str.match(rf"uv\.{endpoint}\..*\.median$") & ~claims["claim_id"].str.contains("bulky")]
        pairs = ours.groupby(ours["claim_id"].str.split(".").str[2].replace("nonresp", "resp"))["printed"].agg(list)
        outside = [name for name, pair in pairs.items() if not _between(whole, pair)]
        shown = "; ".join(" and ".join(pair) for pair in pairs)
        checks.append(_check(f"median.{endpoint}.between", "Results: prognostic factors", f"medians of {endpoint.upper()} by factor lie on either "
                             "side of the overall median", f"{whole:g}", f"{len(pairs) - len(outside)} of {len(pairs)}",
                             "inconsistent" if outside else "reproduces", f"{shown} months around {whole:g}. Bulk is left out: it is not known in everyone."))
    checks += [_information("mv.os1.resp", "t1.alive.deceased.all.n"), _information("mv.os2.stage", "t1.alive.deceased.all.n"),
               _information("mv.os2.ldh", "t1.alive.deceased.all.n")]
    checks.append(_check("median.efs1", "Results: survival after salvage therapy", "median EFS1 beside the median time to failure", _text("efs1.median"),
                         _text("ttf.median"), "reproduces" if _text("efs1.median") == _text("ttf.median") else "fragile",
                         "Everyone failed, and no salvage therapy came before failure, so EFS1 is the time to failure: nobody is censored."))
    progressed = _n("t1.status.DP.all.n")
    checks.append(_check("median.efs2.events", "Table 1", "EFS2 events, at least those with progression at last follow-up", progressed,
                         f"{progressed} to {_n('res.n')}", "cannot be decided",
                         f"{progressed} of {_n('res.n')} patients had progressive disease at last follow-up and so an EFS2 event; how many more had "
                         "one before (a new line, or death without progression) is not printed."))
    return checks


def _between(whole: float, pair: list[str]) -> bool:
    values = [math.inf if value == "NR" else float(value) for value in pair]
    return min(values) <= whole <= max(values)


def _information(claim: str, events_claim: str) -> tuple:
    """A hazard ratio's standard error says how the events are split between the two groups."""
    low, high = (_ends(part) for part in parts(_text(f"{claim}.ci")))
    narrow, wide = (math.log(high[i] / low[1 - i]) / (2 * Z) for i in (0, 1))
    events = _n(events_claim)
    split = [_smaller_group(se, events) for se in (wide, narrow)]
    possible = not math.isnan(split[0])
    upper = f"{split[1]:.0f}" if not math.isnan(split[1]) else f"{events / 2:.0f}"
    return _check(f"events.{claim}", "Results: prognostic factors", f"deaths in the smaller group, from the width of the interval ({_about(f'{claim}.ci')})",
                  f"{events} in all", f"about {split[0]:.0f} to {upper}" if possible else "none", "cannot be decided" if possible else "inconsistent",
                  f"The interval {_text(f'{claim}.ci')} has a standard error of {narrow:.3f} to {wide:.3f} on the log scale; with d1 + d2 = {events} "
                  "deaths, roughly 1/d1 + 1/d2 = its square. (In an adjusted model this is an approximation.)")


def _smaller_group(se: float, events: int) -> float:
    """The smaller solution d of 1/d + 1/(events - d) = se squared; not a number where the error is too small for any split."""
    inside = events**2 - 4 * events / se**2
    return (events - math.sqrt(inside)) / 2 if inside >= 0 else math.nan


def _ends(printed: str) -> tuple[float, float]:
    """The numbers that print so, from and to (half up: the upper end does not)."""
    half = 0.5 * 10.0 ** -decimals(printed)
    return float(printed) - half, float(printed) + half


# --- radiotherapy ---------------------------------------------------------------------------------------------

def radiotherapy() -> list[tuple]:
    """Local control against its numbers of failures; the largest schedule; statements on dose where details are missing."""
    section = "Results: salvage radiotherapy"
    n, failed, latest = _n("resp.evaluable.n"), _n("lc.events.n"), float(parts(_text("lc.tte.range"))[1])
    best = 100 * (1 - (failed - 1) / n)
    before, rate = 0.75, printed_number("lc.1y")
    most_dose, most_fractions = float(parts(_text("rt.dose.range"))[1]), float(parts(_text("rt.fx.range"))[1])
    return [
        _check("lc.rate", section, "local control at 12 months with this number of failures", _text("lc.1y"), f"at most {best:.1f}",
               "reproduces" if rate <= best else "inconsistent",
               f"Of {failed} failures the last came at {latest:g} months, so at most {failed - 1} within 12. Without early censoring control would be "
               f"1 - {failed - 1}/{n} = {best:.1f}%; sites censored early, by death, bring it down to what is printed."),
        _check("lc.bulky_median", section, "median in-field PFS of bulky sites", _text("lc.bulky.median"), f"{latest:g}", "fragile",
               f"The median falls on the last of all {failed} failures ({latest:g} months). A curve at height S before it reaches one half there only if "
               f"at most S/(S - 1/2) sites are at risk: for S = {before:.0%} that is {before / (before - 0.5):.0f}. The median rests on a handful of sites, and "
               "“not reached” beside it means little more."),
        _check("lc.response_is_last_status", section, "in-field progressions as response and as recurrence", _text("resp.pd.n"), _text("lc.events.n"),
               "fragile", f"{_n('resp.pd.n')} progressions among the responses and {failed} recurrences up to {latest:g} months are the same number: the "
               "response must be the last known state of the site, not the best response, and not the first assessment."),
        _check("rt.largest_schedule", section, "largest dose and largest number of fractions", f"{most_dose:g} Gy, {most_fractions:g}",
               f"{most_dose / most_fractions:g} Gy a fraction", "reproduces", f"{most_dose:g}/{most_fractions:g} = {most_dose / most_fractions:g} Gy, a usual fraction: "
               "the two extremes can belong to one course."),
        _dose_ranges(),
        _check("rt.low_dose_one", "Results: comprehensive and focal radiotherapy", "one comprehensive patient with low dose", _text("cf.comp.lowdose.n"), "–",
               "cannot be decided", f"Details are incomplete for {_n('cf.incomplete.n')} of {_n('cf.sites.n')} sites of first courses. Unless these were all focal, the "
               "statement is about the comprehensive patients whose dose is known."),
        _check("rt.sequence", "Discussion", "most patients with salvage RT also had systemic therapy", "overwhelming majority",
               f"{_n('rt.pts.n') - _n('res.rt.n')} to {_n('rt.pts.n')} of {_n('rt.pts.n')}", "cannot be decided",
               f"{_n('res.rt.n')} of {_n('rt.pts.n')} irradiated patients had RT alone as first salvage; how many of them had systemic therapy later is not printed."),
    ]


def _dose_ranges() -> tuple:
    fields = [[float(end) for end in parts(_text(f"cf.{f}.dose.range"))] for f in ("comp", "focal")]
    whole = [float(end) for end in parts(_text("rt.dose.range"))]
    low, high = min(f[0] for f in fields), max(f[1] for f in fields)
    return _check("rt.dose_ranges", "Results: comprehensive and focal radiotherapy", "ranges of dose by field within the range of all sites",
                  _text("rt.dose.range"), f"{low:g}–{high:g}", "reproduces" if low >= whole[0] and high <= whole[1] else "inconsistent",
                  f"Comprehensive {_text('cf.comp.dose.range')}, focal {_text('cf.focal.dose.range')} Gy.")


# --- comprehensive against focal ------------------------------------------------------------------------------

CONTRASTS = {  # factor of the comparison -> its levels in Table 1
    "ipi3": ("ipi", ("3", "4")), "stage": ("stage", ("III", "IV")), "sites": ("sites", ("ge2",)), "extranodal": ("extranodal", ("yes",)),
    "ldh": ("ldh", ("yes",)), "ecog": ("ecog", ("2", "3", "4"))}


MORE_FOCAL = ("ipi3", "sites", "extranodal")  # factors that the paper calls more frequent with focal RT


@cache
def splits(factor: str, test) -> list[tuple[int, int]]:
    """The pairs (comprehensive, focal) of patients with a factor that give the printed P and fit Table 1.

    Every RT and CMT patient was irradiated, and up to 14 of the ST patients: their counts in Table 1 bound the sum of a pair.
    """
    variable, levels = CONTRASTS[factor]
    least = sum(_n(f"t1.{variable}.{level}.{r}.n") for level in levels for r in ("rt", "cmt"))
    late = _n("rt.pts.n") - _n("res.rt.n") - _n("res.cmt.n")
    n_comp, n_focal = _n("cf.comp.n"), _n("cf.focal.n")
    pairs = [(a, b) for a, b in product(range(n_comp + 1), range(n_focal + 1)) if least <= a + b <= least + late]
    if factor in MORE_FOCAL:
        pairs = [(a, b) for a, b in pairs if b * n_comp > a * n_focal]
    tables = [(pair, np.array([[pair[0], n_comp - pair[0]], [pair[1], n_focal - pair[1]]])) for pair in pairs]
    return [pair for pair, table in tables if (table.sum(axis=1) > 0).all() and (table.sum(axis=0) > 0).all()
            and _p_as_printed(test(table), f"cf.{factor}.p")[1]]


def _pearson(table) -> float:
    return stats.chi2_contingency(table, correction=False).pvalue


def _with_yates(table) -> float:
    return stats.chi2_contingency(table, correction=True).pvalue


def _fisher(table) -> float:
    return stats.fisher_exact(table).pvalue


TESTS = {"Pearson": _pearson, "Yates": _with_yates, "Fisher": _fisher}


def contrasts() -> list[tuple]:
    """P values between comprehensive and focal RT: recomputed where counts are printed, else which counts could give them."""
    section, checks = "Results: comprehensive and focal radiotherapy", []
    n_comp, n_focal = _n("cf.comp.n"), _n("cf.focal.n")
    advanced = np.array([[n_comp - _n("cf.comp.limited.n"), _n("cf.comp.limited.n")], [n_focal - _n("cf.focal.limited.n"), _n("cf.focal.limited.n")]])
    checks.append(_check("cf.stage", section, "advanced stage by field", _text("cf.stage.p"), _bounded(_pearson(advanced)), "reproduces",
                         f"{advanced[0, 0]}/{n_comp} and {advanced[1, 0]}/{n_focal}, from the numbers with limited stage; below 0.001 by every test."))
    for factor in ("ipi3", "sites", "extranodal", "ldh", "ecog"):
        found = {name: splits(factor, test) for name, test in TESTS.items()}
        count = sum(map(len, found.values()))
        shown = "; ".join(f"{name}: {_pairs(pairs)}" for name, pairs in found.items())
        checks.append(_check(f"cf.{factor}", section, f"{_about(f'cf.{factor}.p')}", _text(f"cf.{factor}.p"),
                             f"{count} possible splits" if count else "no split", "cannot be decided" if count else "inconsistent",
                             f"The counts are not printed.{' Poor is taken as ECOG 2 or more.' if factor == 'ecog' else ''} Numbers (comprehensive of {n_comp}, focal of {n_focal}) that give this P within Table 1's "
                             f"margins: {shown}."))
    checks.append(_check("cf.bulky", section, "bulky disease by field", _text("cf.bulky.p"), "–", "cannot be decided",
                         "Neither the counts nor the number of patients with known bulk in each group are printed."))
    alone = [b for pairs in (splits("sites", test) for test in TESTS.values()) for _, b in pairs]
    most = _n("t1.sites.ge2.rt.n") + _n("t1.sites.ge2.cmt.n") + _n("rt.pts.n") - _n("res.rt.n") - _n("res.cmt.n") - n_focal
    largest = _pearson(np.array([[most, n_comp - most], [n_focal, 0]]))
    checks.append(_check(
        "cf.sites.definition", section, "focal patients with a single site of disease", 0, f"{n_focal - max(alone)} to {n_focal - min(alone)}", "fragile",
        f"By the definition in the Methods, RT to a patient with one site is comprehensive: all {n_focal} focal patients had 2 or more sites, at most "
        f"{most} comprehensive ones had, and P would be {_bounded(largest)}. P = {_text('cf.sites.p')} needs {min(alone)} to {max(alone)} focal patients with 2 or "
        "more sites. Both hold only if sites were counted at the first salvage therapy, and the others had gained a site before RT."))
    return checks


def _pairs(pairs: list[tuple[int, int]]) -> str:
    return ", ".join(f"({a}, {b})" for a, b in pairs) if 0 < len(pairs) <= 4 else f"{len(pairs) or 'no'} pairs"


# --- hazard ratios --------------------------------------------------------------------------------------------

def wald_range(claim: str, steps: int = 201) -> tuple[float, float, float]:
    """The smallest and the largest Wald P that a printed hazard ratio and its interval allow, and the share of limits that fit.

    Over a grid of unrounded limits: the ratio is the geometric mean of its limits, and must itself round to the print; the
    share says how much of the rounding box of the limits does.
    """
    ratio = _ends(_text(f"{claim}.hr"))
    lower, upper = (np.linspace(*_ends(part), steps)[:-1] for part in parts(_text(f"{claim}.ci")))
    low, high = (np.log(grid) for grid in np.meshgrid(lower, upper))
    beta, error = (low + high) / 2, (high - low) / (2 * Z)
    fits = (np.exp(beta) >= ratio[0]) & (np.exp(beta) < ratio[1])
    if not fits.any():
        return math.nan, math.nan, 0.0
    p = 2 * stats.norm.sf(np.abs(beta / error))[fits]
    return float(p.min()), float(p.max()), float(fits.mean())


def hazard_ratios() -> list[tuple]:
    """P of each adjusted hazard ratio from the ratio and its interval, within their rounding."""
    checks = []
    for claim in RATIOS:
        least, most, share = wald_range(claim)
        printed = _text(f"{claim}.p")
        wanted = (0.0, float(printed[1:])) if printed.startswith("<") else _ends(printed)
        overlap = least < wanted[1] and most >= wanted[0]
        inside = wanted[0] <= least and most < wanted[1]
        verdict = "inconsistent" if share == 0 or not overlap else "reproduces" if inside and share > 0.5 else "within rounding"
        low, high = (_ends(part) for part in parts(_text(f"{claim}.ci")))
        checks.append(_check(
            f"wald.{claim}", "Results: prognostic factors", f"P of {_about(f'{claim}.hr')} from the hazard ratio and its interval", printed,
            f"{least:.2g} to {most:.2g}", verdict, f"HR {_text(f'{claim}.hr')} ({_text(f'{claim}.ci')}): limits from {low[0]:g}-{high[0]:g} to {low[1]:g}-{high[1]:g} have "
            f"geometric means of {math.sqrt(low[0] * high[0]):.2f} to {math.sqrt(low[1] * high[1]):.2f}; {100 * share:.0f}% of them print this ratio"
            + (", so the unrounded limits are nearly known." if share < 0.1 else ".")))
    return checks


# --- statements -----------------------------------------------------------------------------------------------

def statements() -> list[tuple]:
    """Places where the text says of the same thing what another place says otherwise, and the cited series."""
    n_comp, n_focal = _n("cf.comp.n"), _n("cf.focal.n")
    least = _n("t1.sites.ge2.rt.n") + _n("t1.sites.ge2.cmt.n") - _n("dis.gt1site.n")
    p = max(test(np.array([[_n("dis.gt1site.n"), n_comp - _n("dis.gt1site.n")], [b, n_focal - b]]))
            for test in TESTS.values() for b in range(least, n_focal + 1))
    needed = sorted({a for test in TESTS.values() for a, _ in splits("sites", test)})
    series = pd.read_csv(Path(__file__).with_name("series.csv"))
    cited = series[series["place"].str.startswith("cited")]
    printed_ldh, table_ldh = _text("res.ldh.p"), _text("t1.ldh.p")
    return [
        _check("text.ldh", "Results: patients and treatment", "P of elevated LDH, text and Table 1", printed_ldh,
               number(float(table_ldh), decimals(printed_ldh)), "inconsistent",
               f"Table 1 prints {table_ldh}, which rounds to {number(float(table_ldh), 3)}; the text cuts the digits off. Nothing depends on it."),
        _check("text.failures", "Discussion", "failures in previously involved sites", f"{_text('dis.fail.n')}/{_text('dis.fail.den')}",
               f"{_text('fail.prev.n')}/{_text('res.n')}", "inconsistent",
               f"Results and abstract: {_n('fail.prev.n')} of {_n('res.n')} = {100 * _n('fail.prev.n') / _n('res.n'):.1f}%; Discussion: {_n('dis.fail.n')} of "
               f"{_n('dis.fail.den')} = {100 * _n('dis.fail.n') / _n('dis.fail.den'):.1f}%. Both print {_text('dis.fail.pct')}%. Such a pair can come from two states of one data set."),
        _check("text.sites", "Discussion", "comprehensive patients with more than one site of disease", _text("dis.gt1site.n"), " or ".join(map(str, needed)),
               "inconsistent", f"With {_n('dis.gt1site.n')} of them at least {least} of {n_focal} focal patients would have 2 or more sites (Table 1: "
               f"{_n('t1.sites.ge2.rt.n')} + {_n('t1.sites.ge2.cmt.n')} in the RT and CMT groups), and P would be {_bounded(p)}, not {_text('cf.sites.p')}. The Results "
               f"speak of {_n('cf.comp.gt1site.n')} patients with more than one irradiated site, which is right."),
        _check("text.bulky", "Discussion", "bulky disease as a factor of EFS2", "OS2 and EFS2", "OS2 only", "inconsistent",
               "The Results list six factors of EFS2 and bulk is not among them; the Discussion names bulk for both endpoints, and leaves out performance status, which "
               "the Results list for both, and extranodal disease, which they list for EFS2."),
        _check("text.rt_superior", "Discussion", "RT alone had the longest median OS2 and EFS2", "longest",
               f"{_text('os2.grp5.rt.median')} and {_text('efs2.grp3.rt.median')} months", "fragile",
               f"The medians are the highest, but the tests between groups give P = {_text('os2.grp5.p')} and {_text('efs2.grp3.p')}, and two of the five groups are named by what happened later."),
        _check("text.transplant", "Discussion", "what brought four patients to CR before the transplant", "RT", "RT and systemic therapy", "fragile",
               "The Results say RT and systemic therapy, the Discussion RT; the number is the same."),
        _check("text.dose", "Discussion", "a dose-response relationship", f"P = {_text('cf.bed.os.p')}", "–", "cannot be decided",
               f"Survival differs by dose (P = {_text('cf.bed.os.p')}); local failure, which dose acts on, does not. With {_n('cf.incomplete.n')} of {_n('cf.sites.n')} sites without details and "
               "dose chosen by prognosis, as the paper says itself, the relation cannot be attributed."),
        *(_check(f"cited.{s.key}", "Discussion", f"cited series {s.label}", _cited_percent(s), number(100 * s.events / s.n, 0), "reproduces",
                 f"{s.events}/{s.n} = {100 * s.events / s.n:.1f}%.") for s in cited.itertuples()),
    ]


def _cited_percent(series) -> str:
    return CITED[series.key]
