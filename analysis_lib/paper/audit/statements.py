"""Do the paper's sentences agree with its tables?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from analysis_lib.paper.audit.printed import check
from analysis_lib.paper.claims import decimals, printed_count, printed_text
from analysis_lib.paper.ledger import PROOF
from analysis_lib.rows.rounding import number

# percent, as the Discussion prints other series
CITED = {"imber2020": "79", "figura2021": "86", "saifi2022": "88"}


def statements() -> list[tuple]:
    """Places where the text says of the same thing what another place says otherwise, and the cited
    series.

    Long because it is a list: one check after the other, each with its arithmetic in words.
    """
    series = pd.read_csv(Path(__file__).parents[1] / "series.csv")
    cited = series[series["place"].str.startswith("cited")]
    printed_ldh, table_ldh = printed_text("res.ldh.p"), printed_text("t1.ldh.p")
    return [
        check(
            "text.ldh",
            "Results: patients and treatment",
            "P of elevated LDH, text and Table 1",
            printed_ldh,
            number(float(table_ldh), decimals(printed_ldh)),
            "inconsistent",
            f"Table 1 prints {table_ldh}, which rounds to {number(float(table_ldh), 3)}; the text cuts "
            f"the digits off. Nothing depends on it.",
        ),
        check(
            "text.failures",
            "Discussion",
            "failures in previously involved sites",
            f"{printed_text('dis.fail.n')}/{printed_text('dis.fail.den')}",
            f"{printed_text('fail.prev.n')}/{printed_text('res.n')}",
            "inconsistent",
            f"Results and abstract: {printed_count('fail.prev.n')} of {printed_count('res.n')} = "
            f"{number(100 * printed_count('fail.prev.n') / printed_count('res.n'), 1)}%; Discussion: "
            f"{printed_count('dis.fail.n')} of "
            f"{printed_count('dis.fail.den')} = "
            f"{number(100 * printed_count('dis.fail.n') / printed_count('dis.fail.den'), 1)}%. Both print "
            f"{printed_text('dis.fail.pct')}%. Such a pair can come from two states of one data set.",
        ),
        check(
            "text.sites",
            "Discussion",
            "comprehensive patients with more than one site of disease, beside P by field",
            f"{printed_text('dis.gt1site.n')}, and P = {printed_text('cf.sites.p')}",
            "not both",
            "inconsistent",
            "These cannot both be true: that P needs more such patients than the count leaves. The print "
            f"does not say which side is wrong. {PROOF}",
        ),
        check(
            "text.bulky",
            "Discussion",
            "bulky disease as a factor of EFS2",
            "OS2 and EFS2",
            "OS2 only",
            "inconsistent",
            "The Results list six factors of EFS2 and bulk is not among them; the Discussion names bulk "
            "for both endpoints, and leaves out performance status, which "
            "the Results list for both, and extranodal disease, which they list for EFS2.",
        ),
        check(
            "text.rt_superior",
            "Discussion",
            "RT alone had the longest median OS2 and EFS2",
            "longest",
            f"{printed_text('os2.grp5.rt.median')} and {printed_text('efs2.grp3.rt.median')} months",
            "fragile",
            f"The medians are the highest, but the tests between groups give P = "
            f"{printed_text('os2.grp5.p')} and {printed_text('efs2.grp3.p')}, and two of the five groups "
            f"are named by what happened later.",
        ),
        check(
            "text.transplant",
            "Discussion",
            "what brought four patients to CR before the transplant",
            "RT",
            "RT and systemic therapy",
            "fragile",
            "The Results say RT and systemic therapy, the Discussion RT; the number is the same.",
        ),
        check(
            "text.dose",
            "Discussion",
            "a dose-response relationship",
            f"P = {printed_text('cf.bed.os.p')}",
            "–",
            "cannot be decided",
            f"Survival differs by dose (P = {printed_text('cf.bed.os.p')}); local failure, which dose "
            f"acts on, does not. With {printed_count('cf.incomplete.n')} of "
            f"{printed_count('cf.sites.n')} sites without details and "
            "dose chosen by prognosis, as the paper says itself, the relation cannot be attributed.",
        ),
        *(
            check(
                f"cited.{s.key}",
                "Discussion",
                f"cited series {s.label}",
                _cited_percent(s),
                number(100 * s.events / s.n, 0),
                "reproduces",
                f"{s.events}/{s.n} = {number(100 * s.events / s.n, 1)}%.",
            )
            for s in cited.itertuples()
        ),
    ]


def _cited_percent(series: Any) -> str:
    return CITED[series.key]
