"""Where the process begins: from here on, Ctrl-C ends it quietly, and with 130.

Imports nothing but what Python itself has loaded, or as good as that, before the handler stands; so does ``tui``.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Sequence

from tui.leaving import INTERRUPTED, leave_at_once

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, leave_at_once)

from tui import cli

_COLLECTED_AFTER = 200_000
"""New objects after which Python looks for those that only refer to each other. With its own 700 it does so 300 times
while modules are imported, which make none, and that takes a tenth of the time to the answer for a small trace."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``poolscope`` with these words (those of the process if none); gives the exit code.

    An interrupted process ends here: Python would end one that was interrupted inside of ``exec``, which many imports
    are, by the signal (or on Windows with 0xC000013A) whatever its exit code.
    """
    gc.set_threshold(_COLLECTED_AFTER, 10, 10)
    code = cli.main(argv)
    if code == INTERRUPTED:
        leave_at_once()
    gc.freeze()  # what is there is not looked through as Python ends, which it does twice: a tenth of the time again
    return code
