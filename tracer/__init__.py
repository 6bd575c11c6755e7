"""From bytes to columns: where events come from and what their bytes mean.

This room imports none of the others (see ``docs/code.md``).
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Read when numpy is imported: its linear algebra, which nothing here uses, starts a thread for each processor, and
these look for work for longer than the import itself takes (50 of 110 ms on two processors)."""
