"""Salvage radiotherapy after CAR T-cell therapy: a study re-run as notebooks, on its own cohort and on
yours.
"""

import os

# Chapters are shared out among processes, one a core. The threads of linear algebra would only wait for each
# other beside them: limits of small models took ten times as long. Who sets a number of threads, has it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
