"""Do the printed counts, shares and sums agree with each other?

Long because each check stands with its arithmetic in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pandas as pd

from analysis_lib.paper.audit.printed import REGIMENS, TABLE_1, check, levels_of
from analysis_lib.paper.claims import decimals, printed_count, printed_number, read_claims

# --- percentages ----------------------------------------------------------------------------------


def shares() -> pd.DataFrame:
    """Every printed percentage with its printed count and denominator: ``claim_id, printed, events, n``."""
    of = {
        "all patients": printed_count("res.n"),
        "irradiated sites": printed_count("rt.sites.n"),
        "evaluable sites": printed_count("resp.evaluable.n"),
        "sites with complete radiation details": printed_count("rt.sites.n")
        - printed_count("rt.incomplete.n"),
        "patients evaluable for CD19": printed_count("cd19.eval.n"),
        "patients with any salvage RT": printed_count("rt.pts.n"),
        "sites assessable on PET/CT": printed_count("rt.pet.n"),
        "patients": printed_count("dis.fail.den"),
        "evaluable sites of comprehensive first courses": printed_count("cf.comp.eval.n"),
        "evaluable sites of focal first courses": printed_count("cf.focal.eval.n"),
        "patients without CNS disease": printed_count("t1.cns.no.all.n"),
    }
    of |= {r.upper(): printed_count(f"res.{r}.n") for r in REGIMENS} | {
        f"{r.upper()}, without CNS disease": printed_count(f"t1.cns.no.{r}.n") for r in REGIMENS
    }
    claims = read_claims()
    claims = claims[claims["statistic"] == "percent"]
    return pd.DataFrame(
        {
            "claim_id": claims["claim_id"],
            "printed": claims["printed"],
            "events": [printed_count(c.removesuffix("pct") + "n") for c in claims["claim_id"]],
            "n": [of[p] for p in claims["population"]],
        }
    ).reset_index(drop=True)


def percentages() -> list[tuple]:
    """Which rule of rounding the percentages follow, and which of them leave it.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    found = shares()
    rules = {"half up": ROUND_HALF_UP, "half to even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}
    misses = {
        name: found[[_rounded(f.events, f.n, f.printed, rule) != f.printed for f in found.itertuples()]]
        for name, rule in rules.items()
    }
    wrong = "; ".join(f"{name}: {len(found) - len(miss)} of {len(found)}" for name, miss in misses.items())
    telling = "; ".join(
        f"{m.events}/{m.n} is printed {m.printed}" for m in misses["half to even"].head(5).itertuples()
    )
    checks = [
        check(
            "percent.rule",
            "All",
            "rule by which percentages are rounded",
            f"{len(found)} percentages",
            wrong,
            "reproduces",
            f"Only exact halves tell half up from half to even: {telling}. Journals and "
            f"spreadsheets round half up, many statistics "
            "programs to even.",
        )
    ]
    for m in misses["half up"].itertuples():
        checks.append(
            check(
                f"percent.{m.claim_id}",
                "Results: salvage radiotherapy",
                f"{m.events} of {m.n}, in percent",
                m.printed,
                _rounded(m.events, m.n, m.printed, ROUND_HALF_UP),
                "inconsistent",
                f"{m.events}/{m.n} = {100 * m.events / m.n:g}%, half up "
                f"{_rounded(m.events, m.n, m.printed, ROUND_HALF_UP)}. With "
                f"{m.printed} the four techniques add up to "
                f"{sum(printed_count(f'rt.tech.{t}.pct') for t in ('3dcrt', 'imrt', 'both', 'electron'))}.",
            )
        )
    regions = ("cns", "extremities", "headneck", "pelvis", "abdomen", "chest", "paraspinal")
    total = sum(printed_number(f"rt.loc.{r}.pct") for r in regions)
    checks.append(
        check(
            "percent.regions",
            "Results: salvage radiotherapy",
            "seven regions, in percent",
            "100",
            f"{total:g}",
            "within rounding",
            f"Each is right by itself; three carry one decimal and four none, so that the sum is {total:g}.",
        )
    )
    return checks


def _rounded(events: int, n: int, printed: str, rule: str) -> str:
    exact = Fraction(100 * events, n)
    quantum = Decimal(1).scaleb(-decimals(printed))
    # Forty digits keep an exact half exact and every other number away from it.
    return str((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(quantum, rule))


# --- sums and denominators ------------------------------------------------------------------------


def sums() -> list[tuple]:
    """Counts that must add up, within a section and across sections.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    two, first = "Results: salvage radiotherapy", "Results: comprehensive and focal radiotherapy"
    regions = ("cns", "extremities", "headneck", "pelvis", "abdomen", "chest", "paraspinal")
    rules = [
        (
            "cohort",
            "Abstract",
            "salvage regimens add up to the cohort",
            ["res.rt.n", "res.cmt.n", "res.st.n"],
            ["res.n"],
        ),
        (
            "orr",
            "Table 1",
            "CR and PR after CAR T give the responders",
            ["t1.best_response.CR.all.n", "t1.best_response.PR.all.n"],
            ["res.orr.n"],
        ),
        ("cr", "Table 1", "CR in the text and in Table 1", ["t1.best_response.CR.all.n"], ["res.cr.n"]),
        (
            "failure.local",
            "Results: failure after CAR T",
            "failures with an old site",
            ["fail.prev_only.n", "fail.both.n"],
            ["fail.prev.n"],
        ),
        (
            "failure.all",
            "Results: failure after CAR T",
            "patterns of failure add up to the cohort",
            ["fail.prev.n", "fail.denovo.n"],
            ["res.n"],
        ),
        (
            "cd19",
            "Results: failure after CAR T",
            "CD19-positive and -negative",
            ["cd19.pos.n", "cd19.neg.n"],
            ["cd19.eval.n"],
        ),
        (
            "vital",
            "Table 1",
            "deceased and living",
            ["t1.alive.deceased.all.n", "t1.alive.living.all.n"],
            ["res.n"],
        ),
        (
            "bulk",
            "Table 1",
            "bulk is counted among patients without CNS disease",
            ["t1.bulky.yes.all.n", "t1.bulky.no.all.n", "t1.bulky.missing.all.n"],
            ["t1.cns.no.all.n"],
        ),
        (
            "techniques",
            two,
            "techniques and sites with incomplete details",
            [*(f"rt.tech.{t}.n" for t in ("3dcrt", "imrt", "both", "electron")), "rt.incomplete.n"],
            ["rt.sites.n"],
        ),
        ("regions", two, "regions", [f"rt.loc.{r}.n" for r in regions], ["rt.sites.n"]),
        (
            "pet",
            two,
            "sites assessable and not assessable on PET/CT",
            ["rt.pet.n", "rt.notpet.n"],
            ["rt.sites.n"],
        ),
        (
            "responses",
            two,
            "in-field responses",
            [f"resp.{r}.n" for r in ("cr", "pr", "sd", "pd")],
            ["resp.evaluable.n"],
        ),
        (
            "evaluable",
            two,
            "evaluable sites and others",
            ["resp.evaluable.n", "resp.noteval.n"],
            ["rt.sites.n"],
        ),
        ("fields", first, "comprehensive and focal patients", ["cf.comp.n", "cf.focal.n"], ["rt.pts.n"]),
        (
            "first_sites",
            first,
            "sites of comprehensive and focal first courses",
            ["cf.comp.sites.n", "cf.focal.sites.n"],
            ["cf.sites.n"],
        ),
        (
            "comprehensive",
            first,
            "responses, comprehensive (no stable disease)",
            [f"cf.comp.{r}.n" for r in ("cr", "pr", "pd")],
            ["cf.comp.eval.n"],
        ),
        (
            "focal",
            first,
            "responses, focal",
            [f"cf.focal.{r}.n" for r in ("cr", "pr", "sd", "pd")],
            ["cf.focal.eval.n"],
        ),
        (
            "transplant",
            "Results: radiotherapy around a transplant",
            "RT before and after the transplant",
            ["hsct.cr.n", "hsct.fifth.n"],
            ["hsct.n"],
        ),
        (
            "transplant_status",
            "Results: radiotherapy around a transplant",
            "disease status at last follow-up",
            ["hsct.last.cr.n", "hsct.last.dp.n"],
            ["hsct.n"],
        ),
    ]
    checks = [_sum(f"sum.{name}", section, what, left, right) for name, section, what, left, right in rules]
    checks += [_table_1_columns(), _table_1_rows()]
    return checks + _across_sections(first)


def _sum(name: str, section: str, what: str, left: Iterable[str], right: Iterable[str]) -> tuple:
    terms, total = [printed_count(c) for c in left], sum(printed_count(c) for c in right)
    verdict = "reproduces" if sum(terms) == total else "inconsistent"
    return check(
        name, section, what, total, sum(terms), verdict, f"{' + '.join(map(str, terms))} = {sum(terms)}."
    )


def _table_1_columns() -> tuple:
    wrong = [
        f"{v} {c}"
        for v in TABLE_1
        for c in (*REGIMENS, "all")
        if sum(printed_count(f"t1.{v}.{level}.{c}.n") for level in levels_of(v))
        != (printed_count(f"t1.cns.no.{c}.n") if v == "bulky" else printed_count(f"t1.n.{c}"))
    ]
    blocks = 4 * len(TABLE_1)
    return check(
        "sum.table1.columns",
        "Table 1",
        "each block adds up to its column",
        blocks,
        blocks - len(wrong),
        "inconsistent" if wrong else "reproduces",
        f"{len(TABLE_1)} characteristics x 4 columns; "
        f"bulk adds up to the "
        "patients without CNS disease, known or missing.",
    )


def _table_1_rows() -> tuple:
    lines = [(v, level) for v in TABLE_1 for level in levels_of(v)]
    wrong = [
        line
        for line in lines
        if sum(printed_count(f"t1.{line[0]}.{line[1]}.{r}.n") for r in REGIMENS)
        != printed_count(f"t1.{line[0]}.{line[1]}.all.n")
    ]
    return check(
        "sum.table1.rows",
        "Table 1",
        "RT, CMT and ST add up to overall",
        len(lines),
        len(lines) - len(wrong),
        "inconsistent" if wrong else "reproduces",
        f"{len(lines)} lines.",
    )


def _across_sections(first: str) -> list[tuple]:
    """Long because it is a list: one check after the other, each with its arithmetic in words."""
    two = "Results: salvage radiotherapy"
    later = {
        r: printed_count(f"resp.{r}.n") - printed_count(f"cf.comp.{r}.n") - (printed_count(f"cf.focal.{r}.n"))
        for r in ("cr", "pr", "pd")
    }
    later["sd"] = printed_count("resp.sd.n") - printed_count("cf.focal.sd.n")
    later_sites, later_eval = (
        printed_count("rt.sites.n") - printed_count("cf.sites.n"),
        printed_count("resp.evaluable.n")
        - printed_count("cf.comp.eval.n")
        - printed_count("cf.focal.eval.n"),
    )
    lost = printed_count("cf.sites.n") - printed_count("cf.comp.eval.n") - printed_count("cf.focal.eval.n")
    late_rt = printed_count("rt.pts.n") - printed_count("res.rt.n") - printed_count("res.cmt.n")
    limited = sum(printed_count(f"t1.stage.{s}.{r}.n") for s in ("I", "II") for r in ("rt", "cmt"))
    with_rt = printed_count("cf.comp.limited.n") + printed_count("cf.focal.limited.n")
    extra = {f: printed_count(f"cf.{f}.sites.n") - printed_count(f"cf.{f}.n") for f in ("comp", "focal")}
    return [
        check(
            "sum.later_courses",
            first,
            "responses of later courses (all sites less first courses)",
            later_eval,
            sum(later.values()),
            "reproduces"
            if sum(later.values()) == later_eval and min(later.values()) >= 0
            else "inconsistent",
            f"CR {later['cr']}, PR {later['pr']}, SD {later['sd']}, progression {later['pd']}: none "
            f"negative, {later_eval} of the "
            f"{later_sites} sites outside first courses.",
        ),
        check(
            "sum.not_evaluable",
            first,
            "sites not evaluable in first courses, of those in all courses",
            printed_count("resp.noteval.n"),
            f"{lost} + {later_sites - later_eval}",
            "reproduces"
            if lost + later_sites - later_eval == printed_count("resp.noteval.n")
            else "inconsistent",
            f"First courses: {printed_count('cf.sites.n')} - {printed_count('cf.comp.eval.n')} - "
            f"{printed_count('cf.focal.eval.n')} = {lost}; later ones: {later_sites} - "
            f"{later_eval} = {later_sites - later_eval}.",
        ),
        check(
            "sum.incomplete",
            first,
            "sites with incomplete details, first and all courses",
            printed_count("rt.incomplete.n"),
            f"{printed_count('cf.incomplete.n')} + "
            f"{printed_count('rt.incomplete.n') - printed_count('cf.incomplete.n')}",
            "reproduces"
            if 0 <= printed_count("rt.incomplete.n") - printed_count("cf.incomplete.n") <= later_sites
            else "inconsistent",
            f"{printed_count('rt.incomplete.n') - printed_count('cf.incomplete.n')} of the {later_sites} "
            f"later sites is incomplete, against "
            f"{printed_count('cf.incomplete.n')} of {printed_count('cf.sites.n')} first ones.",
        ),
        check(
            "sum.two_sites",
            first,
            "comprehensive patients with more than one irradiated site",
            printed_count("cf.comp.gt1site.n"),
            extra["comp"],
            "reproduces" if extra["comp"] == printed_count("cf.comp.gt1site.n") else "inconsistent",
            f"Nobody has more than two: {printed_count('cf.comp.sites.n')} sites in "
            f"{printed_count('cf.comp.n')} patients leave {extra['comp']}, and "
            f"{printed_count('cf.focal.sites.n')} in {printed_count('cf.focal.n')} leave "
            f"{extra['focal']} focal patients with two.",
        ),
        check(
            "sum.late_rt",
            two,
            "patients irradiated after systemic therapy failed first",
            "–",
            late_rt,
            "cannot be decided",
            f"{printed_count('rt.pts.n')} - {printed_count('res.rt.n')} - {printed_count('res.cmt.n')} = "
            f"{late_rt}, if everyone planned for CMT was irradiated; "
            "the paper does not print this group's size, nor that of RT followed by systemic therapy.",
        ),
        check(
            "sum.limited",
            first,
            "limited stage among irradiated patients",
            with_rt,
            f"{limited} to {limited + late_rt}",
            "reproduces" if limited <= with_rt <= limited + late_rt else "inconsistent",
            f"Table 1 has {limited} in stage I or II in the RT and CMT groups; {with_rt - limited} of "
            f"the {late_rt} irradiated "
            "after systemic therapy make up the rest.",
        ),
        check(
            "sum.cns_sites",
            two,
            "CNS sites, and sites not assessable because they were CNS",
            printed_count("rt.loc.cns.n"),
            printed_count("rt.notpet.n"),
            "cannot be decided",
            f"{printed_count('rt.loc.cns.n')} sites lie in the CNS and "
            f"{printed_count('rt.notpet.n')} were not assessable for that "
            f"reason; the other {printed_count('rt.loc.cns.n') - printed_count('rt.notpet.n')} must have "
            f"been assessed (spinal lesions can be). No contradiction, "
            "but no explanation either.",
        ),
    ]
