"""Salvage radiotherapy after CAR T-cell therapy: a study re-run as notebooks, on its own cohort and on
yours.
"""

import os
import sys

# Chapters are shared out among processes, one a core. The threads of linear algebra would only wait for each
# other beside them: limits of small models took ten times as long. Who sets a number of threads, has it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whoever reads a notebook imports jsonschema, and that 38 grammars of international addresses (RFC 3987),
# where they are installed: two seconds of every start, for a format that no notebook's schema names.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # as if it were not installed
