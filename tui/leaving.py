"""The end of the process on Ctrl-C before a command runs, and after it.

Imported before all else (:mod:`tui.start`): nothing here may need a module that Python has not loaded by itself.
"""

import os

INTERRUPTED = 130
"""As :class:`tui.exit_codes.ExitCode`, which is not imported yet when this is needed first."""


def leave_at_once(number: int = 0, frame: object = None) -> None:
    """End the process here and now, without a word."""
    del number, frame
    os._exit(INTERRUPTED)
