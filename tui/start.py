"""Where the process begins: from here on, Ctrl-C ends it quietly.

Imports nothing but what Python itself has loaded, or as good as that, before the handler stands.
"""

from __future__ import annotations

import signal

from tui.interrupts import leave_at_once

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, leave_at_once)

from tui.cli import main

__all__ = ["main"]
