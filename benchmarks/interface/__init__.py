"""The terminal interface measured: a million rows, keys while events come, memory over time. No terminal is needed."""

import tui  # noqa: F401 - says how often textual draws, before textual is imported
