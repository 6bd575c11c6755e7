"""From findings to a person: the command line, the reports and the terminal interface.

Nothing imports this room; only :mod:`tui.app`, ``tui.screens`` and ``tui.widgets`` import textual.
"""

import os

_DRAWINGS_A_SECOND = 120
"""At most, and only where something changed. With textual's own 60, whatever follows a drawing waits for up to 33 ms,
and the panel follows the table: half of the time to the answer to a key."""

os.environ.setdefault("TEXTUAL_FPS", str(_DRAWINGS_A_SECOND))  # read once, when textual is imported
