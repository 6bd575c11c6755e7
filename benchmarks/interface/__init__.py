"""The terminal interface measured: a million rows, keys while events come, memory over time. No terminal is needed."""
