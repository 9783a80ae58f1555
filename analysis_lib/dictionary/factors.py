"""What patients are compared by: the factors of the study, and what a hospital declares beside them.

A factor is declared once, with all the places where it is analysed. A cohort carries the factors of the study
(:data:`BUILT_IN`) and its own, which are entries of the same kind; whatever compares patients asks it for
those that belong there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandera.pandas as pa

from analysis_lib.dictionary import columns

DAY_0, SALVAGE = MOMENTS = ("day 0", "salvage")
AFTER_SALVAGE = ("OS2", "EFS2")
# Endpoints by whose lengths patients are compared, and the moment at which their clocks start.
ENDPOINTS = {"OS1": DAY_0, "EFS1": DAY_0} | dict.fromkeys(AFTER_SALVAGE, SALVAGE)


@dataclass(frozen=True)
class Factor:
    """A column that patients are compared by.

    Attributes
    ----------
    column : str
        Its name, in the data dictionary or as the hospital declares it.
    label : str
        What pages call it; empty for a built-in, which :data:`analysis_lib.dictionary.words.LABELS` names.
    known : str
        When it is known: on ``day 0``, or when ``salvage`` therapy begins. It may stand in comparisons of
        endpoints whose clock starts then or later, and in no others.
    table_1 : bool
        Whether Table 1 counts it.
    level_names : dict
        What Table 1 calls its levels, where yes and no do not do.
    curves, alone, together : tuple of str
        Endpoints of which a curve is drawn for each level; that are compared by this factor alone; in whose
        model with several factors it stands.
    weighting : bool
        Whether the choice of treatment may have rested on it.
    balance : bool
        Whether the balance of the groups shows it although the choice did not rest on it.
    reference : str
        The level that others are held against; empty for the first (``no``).
    per : float
        A number's hazard ratio is that of so many units.
    entry : pandera.Column, optional
        Its column as the hospital declares it; ``None`` for a built-in, which the dictionary has.
    """

    column: str
    label: str = ""
    known: str = SALVAGE
    table_1: bool = False
    level_names: Mapping[str, str] = field(default_factory=dict)
    curves: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    weighting: bool = False
    balance: bool = False
    reference: str = ""
    per: float = 1.0
    entry: pa.Column | None = None

    @property
    def own(self) -> bool:
        """Whether the hospital declared it."""
        return self.entry is not None

    @property
    def number(self) -> bool:
        """Whether it is measured, so that it has no levels."""
        return self.entry is not None and self.entry.metadata["kind"] == "number"


# In the order of the paper's Table 1.
BUILT_IN = (
    Factor("responder", known=DAY_0, alone=("OS1",), together=("OS1",)),
    Factor("bridging_therapy", known=DAY_0, table_1=True, alone=("OS1",), together=("OS1",)),
    Factor("car_t_product", known=DAY_0, table_1=True, alone=("OS1",), together=("OS1",)),
    Factor("best_response", table_1=True),
    Factor("cns_disease", table_1=True, alone=AFTER_SALVAGE, weighting=True),
    Factor(
        "bulky_disease",
        table_1=True,
        level_names={"yes": "5 cm or more", "no": "less than 5 cm"},
        alone=AFTER_SALVAGE,
        balance=True,
    ),
    Factor(
        "two_or_more_sites",
        table_1=True,
        level_names={"yes": "2 or more", "no": "fewer than 2"},
        alone=AFTER_SALVAGE,
        weighting=True,
    ),
    Factor("extranodal_disease", table_1=True, alone=AFTER_SALVAGE, weighting=True),
    Factor("ecog", table_1=True),
    Factor("poor_performance", alone=AFTER_SALVAGE, weighting=True),
    Factor("stage", table_1=True),
    Factor("advanced_stage", alone=AFTER_SALVAGE, together=AFTER_SALVAGE, weighting=True),
    Factor("ldh_elevated", table_1=True, alone=AFTER_SALVAGE, together=AFTER_SALVAGE, weighting=True),
    Factor("ipi", table_1=True),
    Factor("high_ipi", alone=AFTER_SALVAGE),
    Factor("over_60", balance=True),
    Factor("last_disease_status", table_1=True),
    Factor("vital_status", table_1=True),
)


def with_own(factors: tuple[Factor, ...], more: Mapping[str, pa.Column]) -> dict[str, pa.DataFrameSchema]:
    """The tables of the dictionary, the patients' with the columns that a hospital declares."""
    own = dict(more) | {factor.column: factor.entry for factor in factors if factor.entry is not None}
    return columns.TABLES | ({"patients": columns.PATIENTS.add_columns(own)} if own else {})
