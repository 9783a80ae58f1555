"""What the paper prints, as numbers with the bounds that rounding leaves; the form of an audit's line."""

from __future__ import annotations

from analysis_lib.paper.claims import decimals, meets, printed_text, read_claims
from analysis_lib.rows.rounding import number

COLUMNS = ["id", "section", "what", "printed", "recomputed", "verdict", "arithmetic"]
REGIMENS = ("rt", "cmt", "st")
TABLE_1 = {  # variable of Table 1 -> its levels, in order
    "bridging": ("yes", "no"),
    "product": ("axi", "tisa"),
    "best_response": ("CR", "PR", "SD", "DP"),
    "cns": ("yes", "no"),
    "bulky": ("yes", "no"),
    "sites": ("lt2", "ge2"),
    "extranodal": ("no", "yes"),
    "ecog": ("0", "1", "2", "3", "4"),
    "stage": ("I", "II", "III", "IV"),
    "ldh": ("no", "yes"),
    "ipi": ("1", "2", "3", "4"),
    "status": ("CR", "PR", "DP"),
    "alive": ("living", "deceased"),
}


def check(
    name: str, section: str, what: str, printed: object, recomputed: object, verdict: str, arithmetic: str
) -> tuple:
    return name, section, what, str(printed), str(recomputed), verdict, arithmetic


def levels_of(variable: str) -> tuple[str, ...]:
    return TABLE_1[variable] + (("missing",) if variable == "bulky" else ())


def about(claim: str) -> str:
    claims = read_claims().set_index("claim_id")
    return claims.loc[claim, "about"]


def bounded(p: float) -> str:
    """A P value for a sentence: ``<0.001``, else two digits."""
    return "<0.001" if p < 0.001 else f"{p:.2g}"


def p_as_printed(p: float, claim: str) -> tuple[str, bool]:
    """A recomputed P value beside a printed one, and whether it prints the same."""
    printed = printed_text(claim)
    return number(p, 5 if printed.startswith("<") else decimals(printed)), meets(p, printed)
